//! What filters can see of recipients and accounts, as derived numbers count it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use portal_domain::account::Reach;
use portal_domain::import::Phase;
use portal_domain::link::Link;
use portal_domain::numbers::{OwnerId, Profile, ProfileKey, ProfileSet, Value};
use portal_domain::standing::Standing;
use portal_domain::{AccountId, DivisionId, LinkProfile, Recipient, RecipientId};
use serde::{Deserialize, Serialize};

use super::DirectoryReader;
use crate::directory::account_item::AccountItem;
use crate::directory::keys;
use crate::table::{ItemName, StoreError};

/// A recipient or an account, which has a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Owner {
    Recipient(RecipientId),
    Account(AccountId),
}

impl Owner {
    /// The owner that the item with this key is; `None` if it is another item.
    pub fn of_item(pk: &str, sk: &str) -> Option<Self> {
        let (_, id) = pk.split_once('#')?;
        match sk {
            keys::RECIPIENT => id.parse().ok().map(Self::Recipient),
            keys::ACCOUNT => Some(Self::Account(AccountId::new(id))),
            _ => None,
        }
    }

    /// Its name in changes.
    pub fn id(&self) -> OwnerId {
        match self {
            Self::Recipient(id) => OwnerId::of_recipient(*id),
            Self::Account(id) => OwnerId::of_account(id),
        }
    }
}

/// A value, and what its names mean.
#[derive(Clone, Debug)]
pub struct Valued {
    /// Whose numbers it is part of.
    pub division: DivisionId,
    /// The value.
    pub value: Value,
    /// Its set.
    pub set: ProfileSet,
    /// The profiles that it names, unless its set is a large one.
    pub profiles: BTreeMap<ProfileKey, Profile>,
}

/// What was read of some owners.
#[derive(Debug, Default)]
pub struct Values {
    /// Owners that are in no selection are absent.
    pub values: BTreeMap<Owner, Valued>,
    /// The recipients of accounts that are being changed in steps. Their values change with the account's item, without
    /// a write of their own.
    pub follow: BTreeSet<RecipientId>,
}

impl DirectoryReader {
    /// The owners among up to `limit` items of the table after this one, and the last of these items, if there may be
    /// more.
    pub async fn owners_after(
        &self,
        after: Option<&ItemName>,
        limit: usize,
    ) -> Result<(BTreeSet<Owner>, Option<ItemName>), StoreError> {
        let page = self.table.names_after("list everything", after, limit).await?;
        let owners = page.names.iter().filter_map(|name| Owner::of_item(&name.pk, &name.sk));
        Ok((owners.collect(), page.last))
    }

    /// The values of these owners, from consistent reads.
    pub async fn values(&self, owners: &BTreeSet<Owner>) -> Result<Values, StoreError> {
        let mut values = Values::default();
        let (mut recipients, mut accounts) = (Vec::new(), Vec::new());
        for owner in owners {
            match owner {
                Owner::Recipient(id) => recipients.push(*id),
                Owner::Account(id) => accounts.push(keys::account(id)),
            }
        }
        for item in self.table.get_each("read accounts", accounts).await? {
            if item.phase != Phase::Settled {
                values.follow.extend(&item.recipients);
            }
            values.values.extend(of_account(&item).map(|valued| (Owner::Account(item.account_id), valued)));
        }
        for item in self.recipients(&recipients).await? {
            let recipient = Recipient::from(item);
            if recipient.links.account_count == 0 {
                continue;
            }
            let set = match &recipient.links.profiles {
                Some(profiles) => ProfileSet::reduced(profiles.keys()),
                None => ProfileSet::reduced(&self.all_profiles(&recipient).await?),
            };
            if let Some(value) = Value::of_person(&set, Standing::of(&recipient)) {
                let (division, profiles) = (recipient.division, set.profiles().clone());
                let valued = Valued { division, value, set, profiles };
                values.values.insert(Owner::Recipient(recipient.recipient_id), valued);
            }
        }
        Ok(values)
    }

    /// The profiles of a recipient who doesn't carry them: of all link rows, and of the accounts that are being
    /// changed.
    async fn all_profiles(&self, recipient: &Recipient) -> Result<BTreeSet<LinkProfile>, StoreError> {
        let changing = &recipient.links.changing.accounts;
        let links = self.changing_links(&[recipient]).await?.into_values().flatten();
        let of = |link: Link| link.contacts.into_iter().map(|contact| contact.profile);
        let mut profiles: BTreeSet<LinkProfile> = links.flat_map(of).collect();
        self.table
            .each_page("read links", keys::links(recipient.recipient_id), |links: Vec<Link>| {
                let links = links.into_iter().filter(|link| !changing.contains(&link.account_id));
                profiles.extend(links.flat_map(of));
                ControlFlow::Continue(())
            })
            .await?;
        Ok(profiles)
    }
}

/// An account that the index doesn't show is in no number.
fn of_account(item: &AccountItem) -> Option<Valued> {
    item.index_partition.as_ref()?;
    let reach = |reachable, unreachable| Reach { reachable, unreachable };
    let contacts =
        item.profiles.iter().map(|counted| (&counted.profile, reach(counted.reachable, counted.unreachable)));
    let (value, set, profiles) = Value::of_account(contacts, item.active_services)?;
    Some(Valued { division: item.account.division.clone(), value, set, profiles })
}
