//! The items of accounts.

use std::collections::BTreeSet;

use jiff::Timestamp;
use portal_domain::import::{Phase, StoredAccount};
use portal_domain::{Account, AccountId, DivisionId, RecipientId};
use serde::{Deserialize, Serialize};

use super::item::AccountProfile;
use super::keys;

/// An account's item. The index carries [`super::item::AccountRow`] of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are those of StoredAccount and AccountRow, and the keys")]
pub struct AccountItem {
    pub pk: String,
    pub sk: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index_partition: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index_sort: Option<String>,
    pub account_id: AccountId,
    pub active_services: u64,
    #[serde(default)]
    pub profiles: Vec<AccountProfile>,
    pub account: Account,
    pub version: u64,
    #[serde(default)]
    pub recipients: BTreeSet<RecipientId>,
    #[serde(default, skip_serializing_if = "is_settled")]
    pub phase: Phase,
}

/// The note that an account is being changed in steps.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChangingItem {
    /// The account.
    pub account_id: AccountId,
    /// The divisions whose recipients may name it.
    pub divisions: BTreeSet<DivisionId>,
    /// When the change was last announced.
    pub since: Timestamp,
}

fn is_settled(phase: &Phase) -> bool {
    *phase == Phase::Settled
}

impl From<StoredAccount> for AccountItem {
    fn from(stored: StoredAccount) -> Self {
        let account = &stored.account;
        let id = &account.account_id;
        let indexed = stored.phase != Phase::Arriving;
        let profile = |(profile, reach): (_, portal_domain::account::Reach)| AccountProfile {
            profile,
            reachable: reach.reachable,
            unreachable: reach.unreachable,
        };
        Self {
            pk: keys::account_pk(id),
            sk: keys::ACCOUNT.to_owned(),
            index_partition: indexed.then(|| keys::accounts_partition(&account.division, id.shard())),
            index_sort: indexed.then(|| id.to_string()),
            account_id: id.clone(),
            active_services: account.active_services(),
            profiles: account.profiles().into_iter().map(profile).collect(),
            version: stored.version,
            recipients: stored.recipients,
            phase: stored.phase,
            account: stored.account,
        }
    }
}

impl From<AccountItem> for StoredAccount {
    fn from(item: AccountItem) -> Self {
        Self { account: item.account, version: item.version, recipients: item.recipients, phase: item.phase }
    }
}
