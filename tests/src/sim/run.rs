//! One run: a town of customers, some storms, and the calm after each, in which everything has to end.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use portal_domain::CampaignState;
use rand::RngExt;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::task::{LocalSet, spawn_local};

use super::acts::Act;
use super::plan::Plan;
use super::report::Report;
use super::secrets;
use super::sources::{self, call};
use super::stream;
use super::system::System;
use super::town::{DIVISIONS, SENDERS, Town, division};
use crate::cloud::roles::record;
use crate::http::Call;

/// How long everything may take to end after a storm: a day's quota, quiet hours, and messages four days late.
const LONGEST_CALM: SignedDuration = SignedDuration::from_hours(24 * 12);

/// A run is cut off after this many events, without the checks at its end, because a slow campaign may take very long.
/// The report counts these runs.
const MOST_EVENTS: usize = 60_000;

/// In one of this many runs, more new customers come than a campaign could ever reach, while one is fanned out.
const FLOODED: u64 = 1_000;

/// How many they are.
const FLOOD: u32 = 50_000;

/// How many concurrent calls import them: few enough to be answered before the campaign is over.
const FLOOD_CALLS: usize = 50;

/// When customers ask again for a new e-mail, after the pause between two.
const LATER: SignedDuration = SignedDuration::from_mins(61);

/// How long nothing must be under way to count as quiet: longer than any message is invisible and any sweep is missing.
const QUIET: SignedDuration = SignedDuration::from_mins(80);

/// The system, and what is known about it outside.
#[derive(Debug)]
pub struct Scene {
    /// The system.
    pub system: Arc<System>,
    town: Mutex<Town>,
    known: Mutex<Known>,
}

/// Objects made by operators, and requests of customers.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Known {
    pub templates: Vec<String>,
    pub schedules: Vec<String>,
    /// Addresses and divisions.
    pub asked: BTreeSet<(String, &'static str)>,
}

/// The result of a run.
#[derive(Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Outcome {
    pub seed: u64,
    pub report: Report,
    /// The same for two runs only if all that happened in them is the same.
    pub digest: u64,
    pub broken: Option<Failure>,
    /// Every event.
    pub events: Vec<String>,
}

/// A broken guarantee, with the events before it.
#[derive(Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Failure {
    pub at: String,
    pub what: String,
    /// Ids and addresses of whom it is about.
    pub about: Vec<String>,
    pub last: Vec<String>,
    pub history: Vec<String>,
}

impl Scene {
    /// Does something with the customers.
    pub fn town<T>(&self, act: impl FnOnce(&mut Town) -> T) -> T {
        act(&mut self.town.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Does something with what is known.
    pub fn learn<T>(&self, act: impl FnOnce(&mut Known) -> T) -> T {
        act(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn is_broken(&self) -> bool {
        self.system.with(|state| state.checks.first_broken().is_some())
    }

    fn is_cut_off(&self) -> bool {
        // The calls of imports and of counting take little time here, and heartbeats are many.
        self.system.with(|state| state.log.len() - state.uncounted > MOST_EVENTS)
    }

    /// Lets time go by.
    pub async fn wait_for(&self, time: SignedDuration) {
        tokio::time::sleep(time.unsigned_abs()).await;
    }

    /// Divisions, senders, operators and customers, before any fault. If `informed`, some customers are imported as
    /// invited elsewhere.
    async fn prepare(&self, informed: bool) {
        self.system.with(|state| {
            for sender in SENDERS {
                state.cloud.ses.verify(sender);
            }
            state.cloud.users.put("operator", true, &["390", "directory"]);
            state.cloud.ses.account.rate =
                *[2.0, 5.0, 14.0, 200.0].get(state.random.random_range(0..4)).unwrap_or(&14.0);
            state.cloud.ses.account.quota = Some(1_000_000);
        });
        for name in DIVISIONS {
            let stored =
                Call::new("PUT", &format!("/v1/divisions/{name}")).json(&division(name, "America/New_York", true));
            call(&self.system, "directory", stored).await;
        }
        let accounts: Vec<_> = self.system.with(|state| {
            self.town(|town| {
                town.customers.iter().map(|customer| customer.imported(&mut state.random, informed)).collect()
            })
        });
        for chunk in accounts.chunks(200) {
            call(&self.system, "directory", Call::new("POST", "/v1/accounts").json(&json!(chunk))).await;
        }
        // Until then the index shows them all.
        self.wait_for(SignedDuration::from_secs(10)).await;
    }

    /// A storm: faults happen while people act. In a flood, very many new customers come besides.
    async fn storm(self: &Arc<Self>, flood: bool) {
        let (pause, acts) = self.system.with(|state| {
            state.plan = Plan::draw(&mut state.random);
            (state.plan.pause, state.random.random_range(10..80))
        });
        self.system.note("the storm begins");
        spawn_local(Act::Send.happen(self.clone()));
        if flood {
            let scene = self.clone();
            spawn_local(async move { scene.bring(FLOOD, FLOOD_CALLS).await });
        }
        for _ in 0..acts {
            let (time, act) = self.system.with(|state| (state.while_of(pause), Act::draw(&mut state.random)));
            tokio::time::sleep(time.unsigned_abs()).await;
            spawn_local(act.happen(self.clone()));
            if self.is_broken() {
                return;
            }
        }
        self.wait_for(LATER).await;
        self.ask_for_more().await;
    }

    /// The calm: no more faults, and everything ends.
    pub async fn calm(self: &Arc<Self>) {
        self.system.with(|state| state.plan = Plan::calm());
        self.system.note("calm begins");
        let end = self.system.time.now() + LONGEST_CALM;
        let mut quiet_since = self.system.time.now();
        while !self.is_broken() {
            if self.is_cut_off() {
                return self.system.with(|state| state.report.cut_off = 1);
            }
            tokio::time::sleep(std::time::Duration::from_secs(120)).await;
            let now = self.system.time.now();
            if now > end {
                break;
            }
            // Schedules would go on for ever.
            for schedule in self.learn(|known| std::mem::take(&mut known.schedules)) {
                call(&self.system, "schedules", Call::new("DELETE", &format!("/v1/schedules/{schedule}"))).await;
            }
            self.resume_what_waits_for_a_person().await;
            if !self.is_quiet() {
                quiet_since = now;
            } else if now.duration_since(quiet_since) > QUIET {
                break;
            }
        }
        self.system.at_once(|state, now| state.check_quiet(now));
        stream::check(&self.system).await;
        // The day of a self-service campaign may end just now, which takes two sweeps.
        for _ in 0..4 {
            let written = self.system.with(|state| state.written);
            sources::sweep(self.system.clone()).await;
            if self.system.with(|state| state.written == written) {
                return;
            }
        }
        self.system.at_once(|state, now| {
            state.checks.broken(now, "nothing is under way, and each sweep writes something".to_owned());
        });
    }

    fn is_quiet(&self) -> bool {
        self.system.with(|state| state.is_quiet())
    }

    /// An operator resumes whatever does not resume by itself.
    async fn resume_what_waits_for_a_person(&self) {
        let waiting: Vec<_> = self.system.with(|state| {
            let stopped = state.checks.active().filter(|campaign| {
                matches!(campaign.state, CampaignState::Paused | CampaignState::Halted)
                    && !campaign.will_resume_by_itself()
            });
            stopped.map(|campaign| campaign.campaign_id).collect()
        });
        for id in waiting {
            call(&self.system, "campaigns", Call::new("POST", &format!("/v1/campaigns/{id}/resume"))).await;
        }
        self.resume_what_grew().await;
    }
}

/// Runs one seed from beginning to end. Call it once in a process: the SDK keeps some state for the whole process.
pub fn run(seed: u64) -> Outcome {
    secrets::watch();
    in_simulated_time(seed, async move {
        let mut random = StdRng::seed_from_u64(seed);
        let days = random.random_range(0..360);
        let start = first_day() + SignedDuration::from_hours(24 * days);
        let start = start + SignedDuration::from_secs(random.random_range(0..86_400));
        let system = System::new(random.random_range(0..u64::MAX), start);
        let scene = Arc::new(Scene { system, town: Mutex::new(Town::draw(&mut random)), known: Mutex::default() });
        sources::start(&scene.system);
        scene.prepare(true).await;
        for storm in 0..random.random_range(1..=3) {
            scene.storm(storm == 0 && seed.is_multiple_of(FLOODED)).await;
            scene.calm().await;
            if scene.is_broken() || scene.is_cut_off() {
                break;
            }
        }
        let seconds = scene.system.time.now().duration_since(start).as_secs().unsigned_abs();
        scene.system.with(|state| state.outcome(seed, seconds))
    })
}

/// Runs a test on a system without random faults, in which this many people have an account in `NORTH`.
pub fn scripted<T>(people: u32, test: impl AsyncFnOnce(Arc<Scene>) -> T) -> T {
    in_simulated_time(1, async move {
        let system = System::new(1, first_day());
        let scene = Arc::new(Scene { system, town: Mutex::new(Town::of(people)), known: Mutex::default() });
        sources::start(&scene.system);
        scene.prepare(false).await;
        let result = test(scene.clone()).await;
        scene.system.with(|state| record::add(&state.cloud.roles));
        result
    })
}

fn in_simulated_time<T>(seed: u64, work: impl Future<Output = T>) -> T {
    // The SDK draws the jitter of its retries from this generator of the thread.
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    LocalSet::new().block_on(&runtime, work)
}

fn first_day() -> Timestamp {
    "2026-01-05T12:00:00Z".parse().unwrap()
}

impl super::system::State {
    fn is_quiet(&self) -> bool {
        let queues = ["FanOutQueue", "DeliverQueue", "FeedbackQueue", "ResendQueue", "DeliverDeadLetterQueue"];
        self.checks.is_idle() && queues.iter().all(|queue| self.cloud.sqs.is_empty(queue))
    }

    fn outcome(&mut self, seed: u64, seconds: u64) -> Outcome {
        self.report.seeds = 1;
        self.report.seconds = seconds;
        self.report.mails = self.checks.mails();
        self.report.busiest_minute = self.checks.busiest_minute();
        self.report.limits_reached = self.checks.limits_reached();
        self.report.campaigns = self.checks.campaigns().count() as u64;
        self.report.events = self.log.len() as u64;
        record::add(&self.cloud.roles);
        let outcomes = self.checks.outcomes().into_iter();
        self.report.outcomes = outcomes.map(|(name, count)| (name.to_owned(), count)).collect();
        let transitions = self.checks.transitions.iter();
        self.report.transitions = transitions.map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
        let broken = self.checks.first_broken().cloned();
        let failure = broken.map(|broken| Failure {
            at: broken.at.to_string(),
            what: broken.what,
            last: self.log.last().collect(),
            history: self.log.about(&broken.about).collect(),
            about: broken.about,
        });
        let events = self.log.all().collect();
        Outcome { seed, report: self.report.clone(), digest: self.log.digest(), broken: failure, events }
    }
}
