//! One queue: which messages it holds, and when each may be seen.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

/// What a queue is created with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSettings {
    /// How long a message that was received is hidden.
    pub visibility: SignedDuration,
    /// How long a message is kept, from when it was sent.
    pub retention: SignedDuration,
    /// Where messages go that were received too often.
    pub redrive: Option<Redrive>,
}

impl Default for QueueSettings {
    /// What SQS uses where nothing is said: 30 seconds, four days, no dead-letter queue.
    fn default() -> Self {
        Self { visibility: SignedDuration::from_secs(30), retention: SignedDuration::from_hours(96), redrive: None }
    }
}

/// When a message goes to a dead-letter queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redrive {
    /// Name of the dead-letter queue.
    pub queue: String,
    /// After so many receives the next one moves the message instead of handing it out.
    pub max_receives: u32,
}

/// A message, as a receive hands it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its id, which it keeps for life.
    pub id: String,
    /// Handle of this receive.
    pub receipt: String,
    /// What was sent.
    pub body: String,
    /// How often it was received, this time included.
    pub receives: u32,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// Its message attributes; all are strings.
    pub attributes: BTreeMap<String, String>,
}

#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) body: String,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) sent_at: Timestamp,
    receives: u32,
    visible_at: Timestamp,
}

impl Message {
    pub(super) fn new(id: String, body: String, attributes: BTreeMap<String, String>, sent_at: Timestamp) -> Self {
        Self { id, body, attributes, sent_at, receives: 0, visible_at: sent_at }
    }
}

#[derive(Debug)]
pub(super) struct Queue {
    pub(super) settings: QueueSettings,
    messages: BTreeMap<u64, Message>,
    /// All messages by the time from which they may be seen.
    order: BTreeSet<(Timestamp, u64)>,
    /// All messages by the time at which they were sent.
    ages: BTreeSet<(Timestamp, u64)>,
    sequence: u64,
}

impl Queue {
    pub(super) fn new(settings: QueueSettings) -> Self {
        Self { settings, messages: BTreeMap::new(), order: BTreeSet::new(), ages: BTreeSet::new(), sequence: 0 }
    }

    pub(super) fn purge(&mut self) {
        self.messages.clear();
        self.order.clear();
        self.ages.clear();
    }

    pub(super) fn messages(&self) -> impl ExactSizeIterator<Item = &Message> {
        self.messages.values()
    }

    pub(super) fn next_visible(&self) -> Option<Timestamp> {
        self.order.first().map(|(at, _)| *at)
    }

    pub(super) fn add(&mut self, mut message: Message, visible_at: Timestamp) {
        self.sequence += 1;
        message.visible_at = visible_at;
        self.order.insert((visible_at, self.sequence));
        self.ages.insert((message.sent_at, self.sequence));
        self.messages.insert(self.sequence, message);
    }

    /// Hands out up to `max` messages that are visible, and hides them for `visibility`. The second list holds those
    /// that go to the dead-letter queue; they are not here any more.
    pub(super) fn receive(
        &mut self,
        max: usize,
        visibility: SignedDuration,
        now: Timestamp,
    ) -> (Vec<Received>, Vec<Message>) {
        self.expire(now);
        let (mut received, mut dead) = (Vec::new(), Vec::new());
        for (key, is_dead) in self.chosen(max, now) {
            if is_dead {
                dead.extend(self.remove(key));
                continue;
            }
            self.show(key, now + visibility);
            if let Some(message) = self.messages.get_mut(&key) {
                message.receives += 1;
                received.push(Received {
                    id: message.id.clone(),
                    receipt: format!("{key}#{}", message.receives),
                    body: message.body.clone(),
                    receives: message.receives,
                    sent_at: message.sent_at,
                    attributes: message.attributes.clone(),
                });
            }
        }
        (received, dead)
    }

    /// The messages that a receive takes up, and whether they were received too often.
    fn chosen(&self, max: usize, now: Timestamp) -> Vec<(u64, bool)> {
        let redrive = self.settings.redrive.as_ref();
        let is_dead = |key: u64| redrive.is_some_and(|redrive| self.messages[&key].receives >= redrive.max_receives);
        let visible = self.order.iter().take_while(|(at, _)| *at <= now).map(|(_, key)| (*key, is_dead(*key)));
        let mut alive = 0;
        let fits = |chosen: &(u64, bool)| {
            alive += usize::from(!chosen.1);
            alive <= max
        };
        visible.take_while(fits).collect()
    }

    /// Deletes the message of a receipt handle, however old the handle is; an error if it is no handle.
    pub(super) fn delete(&mut self, receipt: &str) -> Result<bool, NoReceipt> {
        let (key, _) = parts(receipt)?;
        Ok(self.remove(key).is_some())
    }

    /// Hides a received message until then. Only the handle of its newest receive can do so.
    pub(super) fn hold(&mut self, receipt: &str, until: Timestamp) -> Result<bool, NoReceipt> {
        let (key, receive) = parts(receipt)?;
        let is_newest = self.messages.get(&key).is_some_and(|message| message.receives == receive);
        if is_newest {
            self.show(key, until);
        }
        Ok(is_newest)
    }

    pub(super) fn make_visible(&mut self, id: &str, at: Timestamp) -> bool {
        let key = self.messages.iter().find(|(_, message)| message.id == id).map(|(key, _)| *key);
        if let Some(key) = key {
            self.show(key, at);
        }
        key.is_some()
    }

    /// How many messages are visible, received and hidden, and delayed.
    pub(super) fn counts(&mut self, now: Timestamp) -> [usize; 3] {
        self.expire(now);
        let mut counts = [0; 3];
        for message in self.messages.values() {
            let state = match (message.visible_at <= now, message.receives) {
                (true, _) => 0,
                (false, 0) => 2,
                (false, _) => 1,
            };
            counts[state] += 1;
        }
        counts
    }

    fn show(&mut self, key: u64, at: Timestamp) {
        if let Some(message) = self.messages.get_mut(&key) {
            self.order.remove(&(message.visible_at, key));
            message.visible_at = at;
            self.order.insert((at, key));
        }
    }

    fn remove(&mut self, key: u64) -> Option<Message> {
        let message = self.messages.remove(&key)?;
        self.order.remove(&(message.visible_at, key));
        self.ages.remove(&(message.sent_at, key));
        Some(message)
    }

    fn expire(&mut self, now: Timestamp) {
        while let Some((_, key)) = self.ages.first().filter(|(sent_at, _)| *sent_at + self.settings.retention <= now) {
            self.remove(*key);
        }
    }
}

/// A text is no receipt handle.
#[derive(Debug)]
pub(super) struct NoReceipt;

fn parts(receipt: &str) -> Result<(u64, u32), NoReceipt> {
    let (key, receive) = receipt.split_once('#').ok_or(NoReceipt)?;
    Ok((key.parse().map_err(|_| NoReceipt)?, receive.parse().map_err(|_| NoReceipt)?))
}
