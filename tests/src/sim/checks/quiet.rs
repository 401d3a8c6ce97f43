//! Checks once the storm is over and nothing is under way.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use portal_aws::campaigns::active::LOCKS;
use portal_aws::campaigns::claims::{CLAIM_PREFIX, ClaimItem};
use portal_aws::campaigns::keys;
use portal_aws::campaigns::walks::cursor::CURSOR;
use portal_aws::directory::item::RecipientItem;
use portal_aws::directory::keys as directory_keys;
use portal_aws::outbox;
use portal_domain::{Outcome, PortalStatus, RecipientId, Shard};
use strum::VariantArray;

use super::Checks;
use crate::cloud::tables::{Image, Name};
use crate::cloud::{CAMPAIGNS, DIRECTORY};
use crate::sim::secrets;
use crate::sim::system::State;

/// Queues that must be empty.
const EMPTY: [&str; 7] = [
    "FanOutQueue",
    "DeliverQueue",
    "FeedbackQueue",
    "ResendQueue",
    "FanOutDeadLetterQueue",
    "DeliverDeadLetterQueue",
    "ScheduleFailuresQueue",
];

impl State {
    /// Checks everything, now that nothing is under way.
    pub fn check_quiet(&mut self, now: Timestamp) {
        for queue in EMPTY {
            let left = self.cloud.sqs.len(queue);
            if left > 0 {
                self.checks.broken(now, format!("{left} messages are left in {queue}"));
            }
        }
        self.check_ends(now);
        self.check_counters(now);
        self.check_digests(now);
        self.check_portal(now);
        self.check_settled(now);
        self.check_erased(now);
        if let Some(line) = secrets::leaked() {
            self.checks.broken(now, format!("guarantee 4: a function logged {line}"));
        }
    }

    /// Campaigns, locks and claims have ended.
    fn check_ends(&mut self, now: Timestamp) {
        let active: Vec<_> = self.checks.active().map(|campaign| (campaign.campaign_id, campaign.state)).collect();
        for (id, state) in active {
            self.checks.broken(now, format!("guarantee 3: {id} is still {state}"));
        }
        let locks = self.cloud.tables.partition(CAMPAIGNS, LOCKS, "").len();
        if locks > 0 {
            self.checks.broken(now, format!("guarantee 8: {locks} locks are held by campaigns that are over"));
        }
        let campaigns: Vec<_> = self.checks.campaigns().map(|campaign| campaign.campaign_id).collect();
        for campaign in campaigns {
            for shard in Shard::all() {
                let open = self.cloud.tables.partition(CAMPAIGNS, &keys::shard_pk(campaign, shard), CLAIM_PREFIX);
                // Left by a killed function whose campaign was over before a sweep: its time to live removes it.
                let open = open.iter().map(Image::read::<ClaimItem>);
                for claim in open.filter(|claim| claim.ttl <= 0) {
                    let what = format!("claim {} of {campaign} in shard {shard} stays for ever", claim.claim_id);
                    self.checks.broken(now, what);
                }
            }
        }
        let notices = self.cloud.tables.partition(CAMPAIGNS, outbox::NOTICES, "").len();
        let events = self.cloud.tables.partition(CAMPAIGNS, outbox::EVENTS, "").len();
        if notices + events > 0 {
            self.checks.broken(now, format!("{notices} notices and {events} events were never published"));
        }
    }

    /// The counters equal the ledger's sums.
    fn check_counters(&mut self, now: Timestamp) {
        let campaigns: Vec<_> = self.checks.campaigns().map(|campaign| campaign.campaign_id).collect();
        for campaign in campaigns {
            let mut rows: BTreeMap<&'static str, i64> = BTreeMap::new();
            for (_, row) in self.checks.rows_of(campaign) {
                *rows.entry(<&str>::from(row.outcome)).or_default() += 1;
            }
            let mut counted: BTreeMap<&'static str, i64> = BTreeMap::new();
            let mut audience = 0;
            for shard in Shard::all() {
                let pk = keys::shard_pk(campaign, shard);
                for counter in self.cloud.tables.partition(CAMPAIGNS, &pk, "COUNTER#") {
                    for outcome in Outcome::VARIANTS.iter().filter(|outcome| **outcome != Outcome::Queued) {
                        let name = <&str>::from(outcome);
                        *counted.entry(name).or_default() += counter.number(name);
                    }
                }
                let cursor = Name { table: CAMPAIGNS.to_owned(), pk, sk: CURSOR.to_owned() };
                audience += self.cloud.tables.get(&cursor).map_or(0, |cursor| cursor.number("audience"));
            }
            if audience != rows.values().sum::<i64>() {
                self.checks.broken(now, format!("{campaign} counts {audience} people, and its ledger is {rows:?}"));
            }
            rows.remove(<&str>::from(Outcome::Queued));
            counted.retain(|_, number| *number != 0);
            if counted != rows {
                self.checks.broken(now, format!("{campaign} counts {counted:?}, and its ledger is {rows:?}"));
            }
        }
    }

    /// Guarantee 5: the stored digest is that of the newest e-mail that may have left.
    fn check_digests(&mut self, now: Timestamp) {
        let people: Vec<RecipientId> = self.checks.people.keys().copied().collect();
        for id in people {
            let name = Name {
                table: DIRECTORY.to_owned(),
                pk: directory_keys::recipient_pk(id),
                sk: directory_keys::RECIPIENT.to_owned(),
            };
            let Some(item) = self.cloud.tables.get(&name).map(|image| image.read::<RecipientItem>()) else { continue };
            if item.status != PortalStatus::Pending {
                continue;
            }
            let claims = &self.checks.people[&id].claims;
            let newest = claims.iter().rev().find(|claim| !claim.taken_back);
            if newest.map(|claim| &claim.digest) != item.digest.as_ref() {
                let shown = newest.map(|claim| (claim.campaign.to_string(), claim.attempt));
                let what = format!(
                    "guarantee 5: the digest is not that of the newest e-mail that may have left, {shown:?}; last campaign {:?}",
                    item.last_campaign_id.map(|id| id.to_string())
                );
                self.checks.broken_for(now, id, what);
            }
        }
    }

    /// The company's portal got an event for exactly each acceptance and each acceptance taken back.
    fn check_portal(&mut self, now: Timestamp) {
        let mut told: BTreeMap<(RecipientId, String), BTreeSet<String>> = BTreeMap::new();
        for event in self.cloud.bus.events() {
            let recipient = event.detail["recipientId"].as_str().and_then(|id| id.parse().ok());
            let id = event.detail["eventId"].as_str().unwrap_or_default().to_owned();
            if let Some(recipient) = recipient {
                told.entry((recipient, event.detail_type.clone())).or_default().insert(id);
            }
        }
        let mut happened: BTreeMap<(RecipientId, String), usize> = BTreeMap::new();
        for (recipient, kind) in &self.checks.told {
            *happened.entry((*recipient, (*kind).to_owned())).or_default() += 1;
        }
        let told: BTreeMap<_, _> = told.into_iter().map(|(what, ids)| (what, ids.len())).collect();
        if told != happened {
            let differ: Vec<_> = happened.iter().filter(|(what, times)| told.get(what) != Some(times)).collect();
            let more: Vec<_> = told.keys().filter(|what| !happened.contains_key(what)).collect();
            self.checks.broken(now, format!("the portal was not told of {differ:?}, and of {more:?} that was not"));
        }
    }
}

impl Checks {
    /// Number of checked e-mails.
    pub fn mails(&self) -> u64 {
        self.rows.values().map(|row| row.mailed.len() as u64).sum()
    }

    /// How many rows have each outcome.
    pub fn outcomes(&self) -> BTreeMap<&'static str, u64> {
        let mut outcomes = BTreeMap::new();
        for row in self.rows.values() {
            *outcomes.entry(<&str>::from(row.outcome)).or_default() += 1;
        }
        outcomes
    }
}
