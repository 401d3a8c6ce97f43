//! A system under faults, and what is known about the people in it from outside.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use portal_aws::directory::item::RecipientItem;
use portal_aws::queue::{DeliverMessage, ResendMessage};
use portal_domain::{CampaignId, RecipientId};
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::Value;

use super::lambda;
use super::proxy::FaultProxy;
use super::report::Report;
use crate::World;
use crate::activation::Portal;
use crate::http::Call;

/// A system under faults.
#[derive(Debug)]
pub struct Scene {
    /// The system without faults: for what surrounds it, and for checks.
    pub world: World,
    /// The same system as its functions see it, through the proxy.
    pub faulty: World,
    /// How many people there are: `p0`, `p1`, …, each with one account in NORTH.
    pub people: usize,
    stormy: AtomicBool,
    over: AtomicBool,
    invocations: AtomicUsize,
    ids: HashMap<RecipientId, usize>,
    portal: Portal,
    under_way: Mutex<VecDeque<usize>>,
    known: Mutex<Known>,
    report: Mutex<Report>,
}

/// How many of those whose messages were handed out last count as under way.
const UNDER_WAY: usize = 20;

/// What happened outside of the system.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The campaigns that were started, in order.
    pub campaigns: Vec<CampaignId>,
    /// Who accepts or has accepted: nobody does it twice.
    pub accepting: HashSet<String>,
    /// Who accepted, and the recipient as it was at that moment.
    pub accepted: HashMap<String, RecipientItem>,
    /// Whose account went and came during the campaign that is under way.
    pub moved: HashSet<String>,
    /// Whose account went and came during an earlier one.
    pub moved_before: HashSet<String>,
    /// Of whose e-mails SES has reported.
    pub reported: HashSet<RecipientId>,
    /// Who asked for a new e-mail when there was nothing against it, and is to get one.
    pub asked: HashSet<String>,
    /// Whose request for one died: it could not be handled as often as it was received.
    pub unheard: HashSet<String>,
    /// The recipients of whom the company's portal was told that they accepted.
    pub told: HashSet<String>,
    /// The campaigns whose unconfirmed were mailed again, as an operator decided.
    pub retried: HashSet<CampaignId>,
}

/// An invocation that lives, as long as this does.
#[derive(Debug)]
pub struct Invocation<'a>(&'a AtomicUsize);

impl Drop for Invocation<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Scene {
    /// A new system with so many people.
    pub async fn new(people: usize, proxy: &FaultProxy) -> Self {
        let world = World::with_people(people).await;
        let mut ids = HashMap::new();
        for person in 0..people {
            let recipient = world.recipient("NORTH", &world.email(format!("p{person}"))).await.unwrap();
            ids.insert(recipient.recipient_id, person);
        }
        Self {
            portal: world.portal().await,
            faulty: world.behind(proxy.url()),
            world,
            people,
            stormy: AtomicBool::new(false),
            over: AtomicBool::new(false),
            invocations: AtomicUsize::new(0),
            ids,
            under_way: Mutex::default(),
            known: Mutex::default(),
            report: Mutex::default(),
        }
    }

    /// The address of a person.
    pub fn email(&self, person: usize) -> String {
        self.world.email(format!("p{person}"))
    }

    /// A message is handed out: its recipients, if it has any, are under way.
    pub fn handed_out(&self, body: &str) {
        let Ok(message) = serde_json::from_str::<DeliverMessage>(body) else { return };
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.extend(message.recipient_ids.iter().map(|id| self.ids[id]));
        let surplus = under_way.len().saturating_sub(UNDER_WAY);
        under_way.drain(..surplus);
    }

    /// A request for a new e-mail died.
    pub fn unheard(&self, body: &str) {
        let request: ResendMessage = serde_json::from_str(body).unwrap();
        self.learns(|known| known.unheard.insert(request.email.to_string()));
    }

    /// Somebody; preferably somebody to whom something happens just now.
    pub fn somebody(&self, rng: &mut StdRng) -> usize {
        let under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let anybody = rng.random_range(0..self.people);
        let preferred = under_way.get(rng.random_range(0..UNDER_WAY)).copied();
        preferred.unwrap_or(anybody)
    }

    /// Whether things go wrong just now.
    pub fn is_stormy(&self) -> bool {
        self.stormy.load(Ordering::SeqCst)
    }

    /// A campaign begins, and with it the storm.
    pub fn begin(&self) {
        self.learns(|known| known.moved_before.extend(known.moved.drain()));
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.over.store(false, Ordering::SeqCst);
        self.stormy.store(true, Ordering::SeqCst);
    }

    /// The campaign that is under way, as far as anybody knows.
    pub fn under_way(&self) -> Option<CampaignId> {
        self.knows(|known| known.campaigns.last().copied()).filter(|_| self.is_stormy())
    }

    /// The storm is over: from now on nothing more goes wrong.
    pub fn calm(&self) {
        self.stormy.store(false, Ordering::SeqCst);
    }

    /// Whether nobody takes messages any more.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// The campaign has come to its end, or never will.
    pub fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    /// Says that an invocation lives.
    pub fn invocation(&self) -> Invocation<'_> {
        self.invocations.fetch_add(1, Ordering::SeqCst);
        Invocation(&self.invocations)
    }

    /// Whether no message waits, not even for later, and no invocation lives.
    pub async fn is_idle(&self) -> bool {
        for (queue, _) in lambda::QUEUES {
            if self.world.messages_in(queue).await > 0 {
                return false;
            }
        }
        self.invocations.load(Ordering::SeqCst) == 0
    }

    /// The self-service campaigns, as the API shows them.
    pub async fn self_service(&self) -> Vec<Value> {
        let mut campaigns = self.listed().await;
        campaigns.retain(|campaign| campaign["selfService"].is_object());
        campaigns
    }

    /// All campaigns as the API lists them.
    pub async fn listed(&self) -> Vec<Value> {
        let listed = self.world.call(Call::new("GET", "/v1/campaigns")).await.json();
        listed["items"].as_array().cloned().unwrap_or_default()
    }

    /// The recipients of whom the company's portal was told so far that they accepted.
    pub async fn told(&self) -> HashSet<String> {
        loop {
            let events = self.world.told(&self.portal).await;
            if events.is_empty() {
                return self.knows(|known| known.told.clone());
            }
            let accepted = events.iter().filter(|(kind, _)| kind == "portal.invitation.accepted");
            let recipients = accepted.map(|(_, detail)| detail["recipientId"].as_str().unwrap().to_owned());
            self.learns(|known| known.told.extend(recipients));
        }
    }

    /// The campaigns that are not at their end: somebody has none yet, or a lock is held. One that others may still join goes on until
    /// its day is over.
    pub async fn unfinished(&self) -> Vec<CampaignId> {
        let mut unfinished = Vec::new();
        for id in self.world.campaigns.active().await.unwrap() {
            let shown = self.world.campaign(id).await;
            let waits = |outcome: &str| shown["outcomes"][outcome] != 0;
            let joinable = shown["selfService"].is_object() && shown["state"] == "sending";
            if !joinable || waits("queued") || waits("claimed") {
                unfinished.push(id);
            }
        }
        unfinished
    }

    /// Reads what is known.
    pub fn knows<T>(&self, read: impl FnOnce(&Known) -> T) -> T {
        read(&self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes down what is known.
    pub fn learns<T>(&self, write: impl FnOnce(&mut Known) -> T) -> T {
        write(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts what happened.
    pub fn report(&self, count: impl FnOnce(&mut Report)) {
        count(&mut self.report.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What was counted.
    pub fn reported(&self) -> Report {
        self.report.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
