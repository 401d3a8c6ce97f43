//! An account that is being changed, as those see it who name it.

use std::collections::HashMap;

use super::{Phase, StoredAccount};
use crate::account::AddressOnAccount;
use crate::recipient::links::Relink;
use crate::{AccountId, DivisionId, Recipient};

/// What an account in force links: the truth about it for whoever names it as changing.
#[derive(Clone, Debug)]
pub struct InForce {
    /// Version of the account's item.
    pub version: u64,
    division: DivisionId,
    /// Its people have not got their statuses from it yet.
    moves_statuses: bool,
    /// What it gives each address.
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

    /// What the account gives this recipient; `None` if it does not link them.
    pub fn link_of(&self, recipient: &Recipient) -> Option<&AddressOnAccount> {
        self.links.get(&recipient.email).filter(|_| self.division == recipient.division)
    }
}

impl Recipient {
    /// The recipient as everybody is to see them: what they carry, and what the accounts link that are being changed. `accounts` holds
    /// those of them that are in force.
    ///
    /// The result still names these accounts, since their link rows say nothing yet.
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
