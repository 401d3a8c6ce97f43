//! Writing the table Directory: divisions, and accounts with everybody whom they link.

mod actions;
pub mod erase;
mod options;
mod table;

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use portal_domain::import::{self, Change, Report};
use portal_domain::permission::Divisions;
use portal_domain::{Account, AccountId, Division, DivisionId};

use self::options::KnownOptions;
use self::table::Importing;
use super::erased::StackHash;
use super::keys;
use super::read::DirectoryReader;
use crate::context::Context;
use crate::outbox::Outbox;
use crate::recipients::Recipients;
use crate::settings::InvalidSetting;
use crate::table::condition::{exists, is, lacks};
use crate::table::{Condition, Item, StoreError, Table, attributes_of};

/// Keeps divisions, accounts, recipients and their links.
#[derive(Clone, Debug)]
pub struct DirectoryStore {
    table: Table,
    outbox: Outbox,
    recipients: Recipients,
    options: KnownOptions,
    erased: StackHash,
}

/// The condition that a division is as it was read. It has no version: all that it says is compared.
fn is_still(read: &Division) -> Result<Condition, StoreError> {
    let said: serde_json::Value = serde_dynamo::from_item(serde_dynamo::to_item::<_, Item>(read)?)?;
    let attributes = attributes_of::<Division>().map(|name| match said.get(name) {
        Some(value) => is(name, value),
        None => lacks(name),
    });
    Ok(attributes.fold(exists(), Condition::and))
}

/// How a division was stored.
#[derive(Clone, Debug, PartialEq)]
pub enum Put {
    /// It is new.
    Created,
    /// It takes the place of this.
    Replaced(Box<Division>),
    /// It is not what the caller has read, but this, if it exists at all. Nothing is written.
    Changed(Option<Box<Division>>),
}

impl DirectoryStore {
    /// A store on the table `DIRECTORY_TABLE`, with the outbox in `CAMPAIGNS_TABLE`.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        let table = context.table("DIRECTORY_TABLE")?;
        Ok(Self {
            recipients: Recipients::new(table.clone()),
            table,
            outbox: Outbox::new(context)?,
            options: KnownOptions::default(),
            erased: StackHash::default(),
        })
    }

    /// Stores a division, whatever was there.
    pub async fn put_division(&self, division: &Division) -> Result<Put, StoreError> {
        let key = keys::division(&division.division);
        Ok(match self.table.replace("store a division", &key, division).await? {
            Some(before) => Put::Replaced(Box::new(before)),
            None => Put::Created,
        })
    }

    /// Stores a division if it is still as it was `read`.
    pub async fn change_division(&self, division: &Division, read: Division) -> Result<Put, StoreError> {
        let put = self.table.put(keys::division(&division.division), division);
        if self.table.run("change a division", put.when(is_still(&read)?)).await? {
            return Ok(Put::Replaced(Box::new(read)));
        }
        Ok(Put::Changed(self.division(&division.division).await?.map(Box::new)))
    }

    /// A division, read consistently.
    pub async fn division(&self, id: &DivisionId) -> Result<Option<Division>, StoreError> {
        Ok(self.table.get_each("read a division", [keys::division(id)]).await?.pop())
    }

    /// An account, read consistently.
    pub async fn account(&self, id: &AccountId) -> Result<Option<Account>, StoreError> {
        let item = self.table.get_each("read an account", [keys::account(id)]).await?.pop();
        Ok(item.map(|item| item.account))
    }

    /// Those of `divisions` that exist. Their ids must be valid in a key.
    pub async fn existing_divisions(
        &self,
        divisions: &BTreeSet<&DivisionId>,
    ) -> Result<HashSet<DivisionId>, StoreError> {
        let found = self.table.get_each("read divisions", divisions.iter().map(|id| keys::division(id))).await?;
        Ok(found.into_iter().map(|division| division.division).collect())
    }

    /// Makes `changes` in order, within the divisions in `reach`, by the import protocol ([`portal_domain::import`]).
    /// Starts no transaction after `until`; the last one may then still be retried for about 5 seconds.
    pub async fn import(&self, changes: &[Change], reach: &Divisions, until: Option<Timestamp>) -> Report<StoreError> {
        // Options come before the accounts: one that selects nobody yet does no harm.
        if let Err(error) = self.put_options(changes).await {
            let outcomes = vec![import::Outcome::NotReached; changes.len()];
            return Report { outcomes, erased: HashSet::new(), moved_from: HashMap::new(), error: Some(error) };
        }
        import::run(&Importing { store: self, until }, changes, reach).await
    }

    /// Settles the accounts whose change in steps was announced before this time and is not finished, and answers how
    /// many there were. Starts no transaction after `until`. A failure does not stop the others; the first error is
    /// answered.
    pub async fn settle_abandoned(&self, announced_before: Timestamp, until: Timestamp) -> Result<usize, StoreError> {
        let changing = DirectoryReader::of(self.table.clone()).changing_accounts().await?;
        let (mut settled, mut failed) = (0, None);
        for note in changing.into_iter().filter(|note| note.since < announced_before) {
            let importing = Importing { store: self, until: Some(until) };
            match import::settle(&importing, &note.account_id).await {
                Ok(outcome) => settled += usize::from(outcome == import::Outcome::Stored),
                Err(error) => {
                    tracing::error!(account.id = %note.account_id, error = %error, "an account was not settled");
                    failed.get_or_insert(error);
                }
            }
        }
        failed.map_or(Ok(settled), Err)
    }
}
