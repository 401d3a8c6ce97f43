//! SQS: standard queues with delays, visibility time-outs, retention and dead-letter queues.
//!
//! A receive answers at once (`WaitTimeSeconds` is ignored) and hands out the message that has been visible longest.
//! Message attributes are strings. Answers have no MD5 sums: the Rust SDK checks none.

mod calls;
mod queue;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use queue::{Message, Queue};
pub use queue::{QueueSettings, Received, Redrive};

use super::{Call, Reply};

/// Start of every queue's address.
const HOST: &str = "https://sqs.us-east-1.amazonaws.com/000000000000/";

/// Start of every queue's ARN.
const ARN: &str = "arn:aws:sqs:us-east-1:000000000000:";

/// All queues of the account.
#[derive(Debug, Default)]
pub struct Sqs {
    queues: BTreeMap<String, Queue>,
    sent: u64,
}

impl Sqs {
    /// No queue at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers a call.
    pub fn answer(&mut self, call: &Call, now: Timestamp) -> Reply {
        self.call(&call.operation, &call.json(), now).map_or_else(Into::into, |answer| Reply::json(&answer))
    }

    /// Creates a queue; its dead-letter queue may come later, but before a message goes there.
    pub fn create(&mut self, name: impl Into<String>, settings: QueueSettings) {
        let name = name.into();
        assert!(!self.queues.contains_key(&name), "there is a queue {name:?} already");
        self.queues.insert(name, Queue::new(settings));
    }

    /// The address of a queue.
    pub fn url(name: &str) -> String {
        format!("{HOST}{name}")
    }

    /// The ARN of a queue.
    pub fn arn(name: &str) -> String {
        format!("{ARN}{name}")
    }

    /// Queues a message that may be seen after `delay`; answers its id.
    pub fn send(&mut self, name: &str, body: impl Into<String>, delay: SignedDuration, now: Timestamp) -> String {
        self.send_with(name, body, BTreeMap::new(), delay, now)
    }

    /// The same with message attributes.
    pub fn send_with(
        &mut self,
        name: &str,
        body: impl Into<String>,
        attributes: BTreeMap<String, String>,
        delay: SignedDuration,
        now: Timestamp,
    ) -> String {
        self.sent += 1;
        let id = format!("00000000-0000-4000-8000-{:012x}", self.sent);
        self.queue(name).add(Message::new(id.clone(), body.into(), attributes, now), now + delay);
        id
    }

    /// Receives up to `max` messages, those first that have been visible longest. Messages that were received as often
    /// as their queue allows move to its dead-letter queue, where they keep their id, their age and their number of
    /// receives.
    pub fn receive(&mut self, name: &str, max: usize, now: Timestamp) -> Vec<Received> {
        let visibility = self.queue(name).settings.visibility;
        self.receive_for(name, max, visibility, now)
    }

    /// The same, with another visibility time-out.
    pub fn receive_for(&mut self, name: &str, max: usize, visibility: SignedDuration, now: Timestamp) -> Vec<Received> {
        let queue = self.queue(name);
        let (received, dead) = queue.receive(max, visibility, now);
        if let Some(redrive) = queue.settings.redrive.clone() {
            let letters = self.queue(&redrive.queue);
            dead.into_iter().for_each(|message| letters.add(message, now));
        }
        received
    }

    /// Deletes the message of a receipt handle; false if it is gone already. An older handle of the same message works
    /// too.
    pub fn delete(&mut self, name: &str, receipt: &str) -> bool {
        self.queue(name).delete(receipt).expect("a receipt handle")
    }

    /// Lets the message with this id be received again from `at` on, whoever has it now; false if it is gone.
    pub fn make_visible(&mut self, name: &str, id: &str, at: Timestamp) -> bool {
        self.queue(name).make_visible(id, at)
    }

    /// Hides a received message until then (`ChangeMessageVisibility`); false if it is gone, or was received again
    /// since.
    pub fn hold(&mut self, name: &str, receipt: &str, until: Timestamp) -> bool {
        self.queue(name).hold(receipt, until).expect("a receipt handle")
    }

    /// Deletes everything in the queue, and answers the bodies in the order in which they came.
    pub fn purge(&mut self, name: &str) -> Vec<String> {
        let bodies = self.messages(name).map(str::to_owned).collect();
        self.queue(name).purge();
        bodies
    }

    /// How many messages the queue holds, visible or not. One that is too old counts until the next receive.
    pub fn len(&self, name: &str) -> usize {
        self.known(name).messages().len()
    }

    /// Whether the queue holds no message.
    pub fn is_empty(&self, name: &str) -> bool {
        self.len(name) == 0
    }

    /// The bodies of all messages in the queue, visible or not, in the order in which they came.
    pub fn messages(&self, name: &str) -> impl Iterator<Item = &str> {
        self.known(name).messages().map(|message| message.body.as_str())
    }

    /// When the next message may be received, which may be past; nothing if the queue is empty.
    pub fn next_visible(&self, name: &str) -> Option<Timestamp> {
        self.known(name).next_visible()
    }

    /// The names of all queues.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.queues.keys().map(String::as_str)
    }

    fn queue(&mut self, name: &str) -> &mut Queue {
        self.queues.get_mut(name).unwrap_or_else(|| panic!("there is no queue {name:?}"))
    }

    fn known(&self, name: &str) -> &Queue {
        self.queues.get(name).unwrap_or_else(|| panic!("there is no queue {name:?}"))
    }
}

#[cfg(test)]
mod tests;
