//! An account under change, as seen by the recipients that name it.

use std::collections::HashMap;

use super::{Phase, StoredAccount};
use crate::account::AddressOnAccount;
use crate::recipient::links::Relink;
use crate::{AccountId, DivisionId, Recipient};

/// The links of an account in force, which hold for the recipients that name it as changing.
#[derive(Clone, Debug)]
pub struct InForce {
    /// Version of the account's item.
    pub version: u64,
    division: DivisionId,
    /// Its recipients do not have their statuses from it yet.
    moves_statuses: bool,
    /// The link of each address.
    links: HashMap<String, AddressOnAccount>,
}

impl InForce {
    pub(super) fn new(stored: &StoredAccount) -> Self {
        let links = stored.account.links().into_iter().map(|(email, link)| (email.into(), link));
        Self {
            version: stored.version,
            division: stored.account.division.clone(),
            moves_statuses: stored.phase == Phase::Settling,
            links: links.collect(),
        }
    }

    /// The account's link to this recipient; `None` if there is none.
    pub fn link_of(&self, recipient: &Recipient) -> Option<&AddressOnAccount> {
        self.links.get(&recipient.email).filter(|_| self.division == recipient.division)
    }
}

impl Recipient {
    /// The recipient as readers must see it: its own summary, and the links of the accounts under change. `accounts`
    /// has those of them that are in force.
    ///
    /// The result still names these accounts, because their link rows are not written yet.
    #[must_use]
    pub fn as_in_force<'a>(&self, accounts: impl Fn(&AccountId) -> Option<&'a InForce>) -> Self {
        let mut status = self.status;
        let mut changes = std::collections::BTreeMap::new();
        for id in &self.links.changing.accounts {
            let Some(account) = accounts(id) else { continue };
            let Some(on_account) = account.link_of(self) else { continue };
            if account.moves_statuses {
                status = status.merged_with(on_account.status);
            }
            changes.insert(id.clone(), Relink { before: None, after: Some(on_account.link.clone()) });
        }
        Self { status, links: self.links.relinked(&changes, None), ..self.clone() }
    }
}
