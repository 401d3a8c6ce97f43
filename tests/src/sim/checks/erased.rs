//! Erased people leave no trace, and nothing brings them back.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use portal_aws::audit::trail::trail_pk;
use portal_aws::campaigns::ledger::keys::ledger_sk;
use portal_aws::directory::item::{MailMark, RecipientItem};
use portal_aws::directory::keys;
use portal_domain::recipient::ERASED;
use portal_domain::{DivisionId, RecipientId};

use super::Checks;
use crate::cloud::tables::Name;
use crate::cloud::{AUDIT, CAMPAIGNS, DIRECTORY};
use crate::sim::system::State;

/// Who was erased.
#[derive(Debug, Default)]
pub(super) struct Erased {
    /// Everybody, with how many times they were removed.
    people: BTreeMap<RecipientId, u32>,
    /// Addresses that may not come back, by division.
    addresses: BTreeSet<(DivisionId, String)>,
}

impl Checks {
    /// A recipient is removed: only one that is being erased, and once.
    pub(super) fn removed(&mut self, before: &RecipientItem, now: Timestamp) {
        let id = before.recipient_id;
        let times = self.erased.people.entry(id).or_default();
        *times += 1;
        if *times > 1
            || before.undeliverable != Some(MailMark::Undeliverable(ERASED.to_owned()))
            || before.account_count > 0
        {
            self.broken_for(now, id, format!("is gone: {:?}, {} accounts", before.undeliverable, before.account_count));
        }
        self.erased.addresses.insert((before.division.clone(), before.email.clone()));
        self.told.push((id, "portal.recipient.erased"));
    }

    /// A recipient is created: not for an erased address.
    pub(super) fn came(&mut self, after: &RecipientItem, now: Timestamp) {
        if self.erased.addresses.contains(&(after.division.clone(), after.email.clone())) {
            self.broken_for(now, after.recipient_id, format!("{} was erased, and is back", after.email));
        }
    }

    /// An operator is about to readmit an address.
    pub fn may_come_back(&mut self, division: &str, email: &str) {
        self.erased.addresses.remove(&(DivisionId::new(division), email.to_owned()));
    }

    /// Somebody who was erased, if there is anybody.
    pub fn erased(&self) -> impl Iterator<Item = &(DivisionId, String)> {
        self.erased.addresses.iter()
    }

    /// The answer to an erasure was that all is erased.
    pub fn answered_erased(&mut self, id: RecipientId, now: Timestamp) {
        if !self.erased.people.contains_key(&id) {
            self.broken_for(now, id, "was answered to be erased, and is there".to_owned());
        }
    }
}

impl State {
    /// Of erased people the tables contain only hashes and anonymous rows.
    pub(super) fn check_erased(&mut self, now: Timestamp) {
        let mut left = Vec::new();
        let notes = self.cloud.tables.partition(DIRECTORY, keys::ERASING, "").len();
        if notes > 0 {
            left.push(format!("{notes} erasures are not over"));
        }
        let people: Vec<_> = self.checks.erased.people.keys().copied().collect();
        let items = [DIRECTORY, CAMPAIGNS, AUDIT].map(|table| self.cloud.tables.all(table));
        for (division, email) in &self.checks.erased.addresses {
            let person = email.split('@').next().unwrap_or_default().trim_start_matches('p');
            let name = format!("\"Person {person}\"");
            for (item, image) in items.iter().flatten() {
                let text = image.to_json();
                let elsewhere = division_of(&text, item).is_some_and(|of| of != division.as_str());
                if !elsewhere && text.contains(email.as_str())
                    || division_of(&text, item).as_deref() == Some(division.as_str()) && text.contains(&name)
                {
                    left.push(format!("{email} of {division} is in {} {}", item.pk, item.sk));
                }
            }
        }
        for id in people {
            let own = self.cloud.tables.partition(DIRECTORY, &keys::recipient_pk(id), "");
            let trail = self.cloud.tables.partition(CAMPAIGNS, &trail_pk(id), "");
            let chosen = self.cloud.tables.partition(DIRECTORY, &keys::credential_pk(id), "");
            if own.len() != 1 || !chosen.is_empty() || !trail.is_empty() {
                left.push(format!(
                    "{id} has {} items, {} chosen passwords and {} entries",
                    own.len(),
                    chosen.len(),
                    trail.len()
                ));
            }
            let row = ledger_sk(id);
            let rows = items[1].iter().filter(|(item, _)| item.sk == row);
            for (item, image) in rows {
                let personal: Vec<_> =
                    ["digest", "priorState", "messageId"].into_iter().filter(|name| image.has(name)).collect();
                if !personal.is_empty() {
                    left.push(format!("{id} has {personal:?} in {}", item.pk));
                }
            }
        }
        for what in left {
            self.checks.broken(now, format!("erased: {what}"));
        }
    }
}

/// The division that an item of the table Directory belongs to, if it says so.
fn division_of(json: &str, name: &Name) -> Option<String> {
    if let Some(rest) = name.pk.strip_prefix("ADDRESS#") {
        return rest.split('#').next().map(str::to_owned);
    }
    let item: serde_json::Value = serde_json::from_str(json).ok()?;
    let division = item["division"]["S"].as_str().or_else(|| item["account"]["M"]["division"]["S"].as_str());
    division.map(str::to_owned)
}
