//! Counts of what happened in runs, and what never did.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use portal_domain::{CampaignState, Outcome};
use serde::{Deserialize, Serialize};

use super::acts::Act;
use super::plan::Fault;

/// Numbers of everything that happened.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Report {
    pub seeds: u64,
    pub mails: u64,
    pub campaigns: u64,
    pub events: u64,
    pub faults: BTreeMap<Fault, u64>,
    pub kills: BTreeMap<String, u64>,
    pub freezes: u64,
    pub cut_off: u64,
    pub late: u64,
    /// Loads by the numbers that a recount confirmed.
    pub loads: u64,
    pub twice: u64,
    pub sweepless: u64,
    pub acts: BTreeMap<Act, u64>,
    pub outcomes: BTreeMap<String, u64>,
    pub transitions: BTreeSet<(String, String)>,
    /// Simulated time, in seconds.
    pub seconds: u64,
    /// E-mails that SES was asked to send in the busiest minute, in percent of what its rate allows.
    pub busiest_minute: u64,
    /// How many times a division reached its daily limit of granted e-mails.
    pub limits_reached: u64,
}

impl Report {
    /// Counts these too.
    pub fn add(&mut self, other: Self) {
        fn merge<K: Ord>(into: &mut BTreeMap<K, u64>, from: BTreeMap<K, u64>) {
            for (key, count) in from {
                *into.entry(key).or_default() += count;
            }
        }
        self.seeds += other.seeds;
        self.mails += other.mails;
        self.campaigns += other.campaigns;
        self.events += other.events;
        self.freezes += other.freezes;
        self.cut_off += other.cut_off;
        self.late += other.late;
        self.loads += other.loads;
        self.twice += other.twice;
        self.sweepless += other.sweepless;
        self.seconds += other.seconds;
        self.limits_reached += other.limits_reached;
        self.busiest_minute = self.busiest_minute.max(other.busiest_minute);
        merge(&mut self.faults, other.faults);
        merge(&mut self.kills, other.kills);
        merge(&mut self.acts, other.acts);
        merge(&mut self.outcomes, other.outcomes);
        self.transitions.extend(other.transitions);
    }

    /// Faults, acts, and transitions that never happened.
    pub fn never(&self) -> Vec<String> {
        let faults = Fault::ALL.into_iter().filter(|fault| !self.faults.contains_key(fault));
        let acts = Act::ALL.into_iter().filter(|act| !self.acts.contains_key(act));
        let seen = |from: &str, to: &str| self.transitions.contains(&(from.to_owned(), to.to_owned()));
        let outcomes = OUTCOMES.into_iter().map(|(from, to)| (<&str>::from(from), <&str>::from(to)));
        let states = STATES.into_iter().map(|(from, to)| (<&str>::from(from), <&str>::from(to)));
        let steps =
            outcomes.chain(states).filter(|(from, to)| !seen(from, to)).map(|(from, to)| format!("{from} → {to}"));
        faults.map(|fault| format!("{fault:?}")).chain(acts.map(|act| format!("{act:?}"))).chain(steps).collect()
    }
}

/// How outcomes may follow each other.
const OUTCOMES: [(Outcome, Outcome); 14] = {
    use Outcome::{Claimed, Failed, Queued, Sent, Skipped, Unconfirmed};
    [
        (Queued, Claimed),
        (Queued, Skipped),
        (Queued, Failed),
        (Queued, Sent),
        (Claimed, Sent),
        (Claimed, Failed),
        (Claimed, Queued),
        (Claimed, Unconfirmed),
        (Unconfirmed, Sent),
        (Unconfirmed, Failed),
        (Unconfirmed, Queued),
        (Sent, Failed),
        (Failed, Sent),
        (Failed, Queued),
    ]
};

/// How states of campaigns may follow each other.
const STATES: [(CampaignState, CampaignState); 17] = {
    use CampaignState::{Cancelled, Completed, Halted, Paused, Preparing, Sending};
    [
        (Preparing, Sending),
        (Preparing, Completed),
        (Preparing, Paused),
        (Preparing, Halted),
        (Preparing, Cancelled),
        (Sending, Completed),
        (Sending, Paused),
        (Sending, Halted),
        (Sending, Cancelled),
        (Paused, Completed),
        (Paused, Halted),
        (Paused, Preparing),
        (Paused, Cancelled),
        (Halted, Preparing),
        (Halted, Cancelled),
        (Cancelled, Cancelled),
        (Completed, Preparing),
    ]
};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn line<K: fmt::Display>(counts: impl Iterator<Item = (K, u64)>) -> String {
            counts.map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
        }
        let days = self.seconds / 86_400;
        writeln!(
            f,
            "{} seeds, {} campaigns, {days} simulated days, {} events",
            self.seeds, self.campaigns, self.events
        )?;
        writeln!(f, "  cut off    {} runs that took too long to come to rest", self.cut_off)?;
        writeln!(f, "  faults     {}", line(self.faults.iter().map(|(fault, n)| (format!("{fault:?}"), *n))))?;
        writeln!(f, "  kills      {}", line(self.kills.iter().map(|(place, n)| (place, *n))))?;
        writeln!(
            f,
            "  besides    frozen {}, messages late {}, messages twice {}, sweeps missing {}, busiest minute {} % of the rate, daily limits reached {}, loads {}",
            self.freezes, self.late, self.twice, self.sweepless, self.busiest_minute, self.limits_reached, self.loads
        )?;
        writeln!(f, "  people     {}", line(self.acts.iter().map(|(act, n)| (format!("{act:?}"), *n))))?;
        writeln!(f, "  outcomes   {}", line(self.outcomes.iter().map(|(name, n)| (name, *n))))?;
        write!(f, "  never      {}", self.never().join(", "))
    }
}
