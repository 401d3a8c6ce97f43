//! Guarantee 9: nothing that belongs into the audit is done without an open entry.

use std::collections::BTreeMap;

use jiff::Timestamp;
use portal_aws::directory::keys as directory;
use portal_aws::schedules::SCHEDULES;
use portal_domain::Schedule;
use portal_domain::audit::Entry;

use super::Checks;
use crate::cloud::tables::{Change, Image};
use crate::cloud::{AUDIT, CAMPAIGNS, DIRECTORY};
use crate::sim::instance::Instance;

/// Entries that are not completed, by id, with the environment that wrote them.
pub(super) type OpenEntries = BTreeMap<String, String>;

impl Checks {
    pub(super) fn audited(&mut self, changes: &[Change], instance: &Instance, now: Timestamp) {
        for change in changes {
            if change.name.table == AUDIT {
                let entry: Option<Entry> = change.after.as_ref().map(Image::read);
                match entry {
                    Some(entry) if entry.ending.is_none() => {
                        self.open_entries.insert(entry.entry_id, instance.name.clone());
                    }
                    Some(entry) => {
                        self.open_entries.remove(&entry.entry_id);
                    }
                    None => self.broken(now, format!("entry {} of the audit is gone", change.name.sk)),
                }
            } else if is_a_deed(change, instance) && !self.open_entries.values().any(|name| *name == instance.name) {
                let what =
                    format!("{} changed {} {}, and has no open entry", instance.name, change.name.pk, change.name.sk);
                self.broken(now, what);
            }
        }
    }
}

/// Whether an operator did this.
fn is_a_deed(change: &Change, instance: &Instance) -> bool {
    let (pk, sk) = (change.name.pk.as_str(), change.name.sk.as_str());
    match (instance.function, change.name.table.as_str()) {
        ("directory", DIRECTORY) if pk == directory::SECRETS => false,
        ("directory", DIRECTORY) => {
            [directory::ACCOUNT, directory::ERASED, directory::ERASURE].contains(&sk) || pk == directory::DIVISIONS
        }
        ("templates", DIRECTORY) => true,
        // Recording that EventBridge Scheduler has a change, and removing what was deleted, are nobody's deeds.
        ("schedules", CAMPAIGNS) if pk == SCHEDULES && change.after.is_some() => {
            let read = |image: &Option<Image>| image.as_ref().map(Image::read::<Schedule>);
            let shape = |schedule: &Schedule| (schedule.plan.clone(), schedule.state.clone());
            read(&change.before).as_ref().map(shape) != read(&change.after).as_ref().map(shape)
        }
        _ => false,
    }
}
