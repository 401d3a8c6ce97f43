//! What was injected and what was checked, over all runs.

use std::collections::BTreeMap;
use std::fmt;

use super::acts::Act;
use super::plan::{FAIL_POINTS, Fault, Kind, Service};

/// Numbers of everything that happened.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Report {
    pub runs: u64,
    pub faults: BTreeMap<(Service, Kind), u64>,
    pub kills: BTreeMap<&'static str, u64>,
    pub acts: BTreeMap<Act, u64>,
    pub invocations: BTreeMap<&'static str, u64>,
    pub campaigns: u64,
    pub outcomes: BTreeMap<&'static str, u64>,
    pub mails: u64,
}

impl Report {
    /// Counts these too.
    pub fn add(&mut self, other: Self) {
        fn merge<K: Ord>(into: &mut BTreeMap<K, u64>, from: BTreeMap<K, u64>) {
            for (key, count) in from {
                *into.entry(key).or_default() += count;
            }
        }
        self.runs += other.runs;
        merge(&mut self.faults, other.faults);
        merge(&mut self.kills, other.kills);
        merge(&mut self.acts, other.acts);
        merge(&mut self.invocations, other.invocations);
        self.campaigns += other.campaigns;
        merge(&mut self.outcomes, other.outcomes);
        self.mails += other.mails;
    }

    /// Faults, kills and acts that never happened.
    pub fn never(&self) -> Vec<String> {
        let faults = Fault::all().into_iter().filter(|fault| !self.faults.contains_key(fault));
        let kills = FAIL_POINTS.into_iter().filter(|point| !self.kills.contains_key(point));
        let acts = Act::ALL.into_iter().filter(|act| !self.acts.contains_key(act));
        let names = faults.map(|(service, kind)| format!("{service:?} {kind:?}"));
        names.chain(kills.map(str::to_owned)).chain(acts.map(|act| format!("{act:?}"))).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mails = self.mails;
        writeln!(f, "{} runs, {} campaigns, {mails} e-mails checked person by person", self.runs, self.campaigns)?;
        writeln!(f, "  faults       {}", self.faults.values().sum::<u64>())?;
        for service in [Service::DynamoDb, Service::Ses, Service::Sqs] {
            let of_it = self.faults.iter().filter(|((at, _), _)| *at == service);
            let kinds: Vec<_> = of_it.map(|((_, kind), count)| format!("{kind:?} {count}")).collect();
            writeln!(f, "    {:10} {}", format!("{service:?}"), kinds.join(", "))?;
        }
        let line = |counts: Vec<String>| counts.join(", ");
        writeln!(f, "  kills        {}", line(self.kills.iter().map(|(at, n)| format!("{at} {n}")).collect()))?;
        writeln!(f, "  invocations  {}", line(self.invocations.iter().map(|(how, n)| format!("{how} {n}")).collect()))?;
        writeln!(f, "  meanwhile    {}", line(self.acts.iter().map(|(act, n)| format!("{act:?} {n}")).collect()))?;
        write!(f, "  outcomes     {}", line(self.outcomes.iter().map(|(name, n)| format!("{name} {n}")).collect()))
    }
}
