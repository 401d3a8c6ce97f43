//! The values of a division's filter fields: a row for every value that was ever imported.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use portal_domain::DivisionId;
use portal_domain::import::Change;

use super::DirectoryStore;
use crate::directory::item::FilterOptionItem;
use crate::directory::keys;
use crate::table::{StoreError, TRANSACTION_ACTIONS};

/// Most options that a function remembers to have written; beyond that it forgets all of them.
const REMEMBERED: usize = 20_000;

/// An option: division and sort key.
type FilterOption = (DivisionId, String);

/// Options known to be stored. They are never deleted.
#[derive(Clone, Debug, Default)]
pub(super) struct KnownOptions(Arc<Mutex<HashSet<FilterOption>>>);

impl KnownOptions {
    fn unknown_of(&self, options: BTreeSet<FilterOption>) -> Vec<FilterOption> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        options.into_iter().filter(|option| !known.contains(option)).collect()
    }

    fn remember(&self, options: &[FilterOption]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() + options.len() > REMEMBERED {
            known.clear();
        }
        known.extend(options.iter().cloned());
    }
}

impl DirectoryStore {
    /// Writes the options of these accounts that this process has not written before. Writing one again changes nothing.
    pub(super) async fn put_options(&self, changes: &[Change]) -> Result<(), StoreError> {
        let unknown = self.options.unknown_of(changes.iter().flat_map(options_of).collect());
        for chunk in unknown.chunks(TRANSACTION_ACTIONS) {
            let mut tx = self.table.tx("store filter options");
            tx.extend(chunk.iter().map(|(division, option)| {
                self.table.put(keys::option(division, option), &FilterOptionItem { sk: option.clone() })
            }));
            tx.write().await?;
            self.options.remember(chunk);
        }
        Ok(())
    }
}

fn options_of(change: &Change) -> impl Iterator<Item = FilterOption> {
    change.account.iter().flat_map(|account| {
        let values = account.filter_values();
        values.map(|(field, value)| (account.division.clone(), keys::option_sk(field, value)))
    })
}
