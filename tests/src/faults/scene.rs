//! A system under faults, and what is known about the people in it from outside.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use portal_aws::directory::item::RecipientItem;
use portal_aws::queue::DeliverMessage;
use portal_domain::{CampaignId, RecipientId};
use rand::RngExt;
use rand::rngs::StdRng;

use super::proxy::FaultProxy;
use super::report::Report;
use crate::World;

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
        self.learns(|known| known.moved.clear());
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
        for queue in ["FAN_OUT_QUEUE_URL", "DELIVER_QUEUE_URL"] {
            if self.world.messages_in(queue).await > 0 {
                return false;
            }
        }
        self.invocations.load(Ordering::SeqCst) == 0
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
