//! Derived numbers: taking the stream up, and comparing with a recount.

use aws_config::SdkConfig;
use jiff::{SignedDuration, Timestamp};
use portal_aws::context::Context;
use portal_aws::derived::Derived;
use portal_aws::directory::read::DirectoryReader;
use portal_domain::Filter;
use portal_domain::audience::AudienceRule;
use portal_domain::selection::Rules;
use rollup::Rollup;
use serde_json::Value;

use crate::World;
use crate::cloud::settings;
use crate::cloud::stream::{SHARDS, event};

/// The table Directory, as whoever calls with this configuration reads it.
pub fn directory(config: &SdkConfig) -> DirectoryReader {
    DirectoryReader::new(&context(config)).unwrap()
}

/// The table Derived, as whoever calls with this configuration reads and writes it.
pub fn derived(config: &SdkConfig) -> Derived {
    Derived::new(&context(config)).unwrap()
}

fn context(config: &SdkConfig) -> Context {
    Context::new(config, &settings().into_iter().collect())
}

/// Where the derived numbers of a filter's division are not those of a recount, now or later; `None` if they are.
pub async fn difference(config: &SdkConfig, epoch: &str, filter: &Filter, now: Timestamp) -> Option<String> {
    let Some(numbers) = derived(config).read(epoch, &filter.division, true).await.unwrap() else {
        return Some(format!("{}: a part of the numbers is missing", filter.division));
    };
    let limited = AudienceRule { pending_days: Some(1), max_reminders: Some(2), ..AudienceRule::default() };
    for hours in [0, 20, 30] {
        let now = now + SignedDuration::from_hours(hours);
        let everybody = Rules::of_new_campaign(now, false);
        let audience = limited.at(now, &jiff::tz::TimeZone::UTC);
        for rules in [everybody, Rules { audience, ..everybody }] {
            let expected = directory(config).counts(filter, rules).await.unwrap();
            let derived = numbers.counts(filter, rules).unwrap();
            if derived != expected {
                return Some(format!("{filter:?} in {hours} hours: {derived:?} in place of {expected:?}"));
            }
        }
    }
    None
}

impl World {
    /// The function `rollup`.
    pub fn rollup(&self) -> Rollup {
        Rollup::new(&self.context_of("rollup")).unwrap()
    }

    /// What the stream shows since the last call, shard by shard, as events of `rollup`.
    pub fn read_stream(&self) -> Vec<Value> {
        let mut cloud = self.cloud();
        let mut read = |shard| {
            let records = cloud.stream.peek(shard, usize::MAX);
            cloud.stream.go_on(shard, records.len());
            event(&records)
        };
        (0..SHARDS).map(&mut read).collect()
    }

    /// Has `rollup` count everything that was written.
    pub async fn roll_up(&self) {
        for event in self.read_stream() {
            self.rollup().handle(event).await.unwrap();
        }
    }
}
