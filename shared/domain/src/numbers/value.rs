//! What of a recipient or an account any filter can see, named by hashes.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::codec::{Damaged, Reader, Writer, first_bytes};
use super::large::LargeSet;
use super::profile::{Profile, ProfileKey, ProfileSet};
use crate::account::Reach;
use crate::standing::{Block, Hour, Standing};
use crate::{AccountId, LinkProfile, PortalStatus, RecipientId};

/// Most keys by which a set is named; a larger one is named by a hash, and defined elsewhere ([`LargeSet`]).
const MOST_KEYS: usize = 32;
/// What stands in place of the number of keys where a hash follows.
const LARGE: usize = MOST_KEYS + 1;

/// A hash of a recipient's or an account's id: by it the changes of one owner are told from those of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnerId([u8; 8]);

/// The name of a set of profiles: the same for equal sets, and for no others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SetName {
    /// The keys of its profiles, in order.
    Keys(Vec<ProfileKey>),
    /// The hash of its keys, which are more than a name holds.
    Large([u8; 16]),
}

/// What filters can see of a recipient.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Person {
    /// The links.
    pub set: SetName,
    /// Everything else.
    pub standing: Standing,
}

/// What filters can see of an account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountNumbers {
    /// The profiles of contacts with a usable address; empty without any, and without active services.
    pub set: SetName,
    /// Active services of all sites together; 0 if nobody can be reached, since nobody makes them count.
    pub active_services: u64,
    /// Contacts without a usable address, by profile.
    pub unreachable: BTreeMap<ProfileKey, u32>,
}

/// What of one owner filters can see. Who is in no selection has none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// Of a recipient.
    Person(Person),
    /// Of an account.
    Account(AccountNumbers),
}

impl OwnerId {
    /// Of a recipient.
    pub fn of_recipient(id: RecipientId) -> Self {
        Self::of("R", &id.to_string())
    }

    /// Of an account.
    pub fn of_account(id: &AccountId) -> Self {
        Self::of("A", id.as_str())
    }

    pub(super) fn to_bytes(self) -> [u8; 8] {
        self.0
    }

    pub(super) fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    fn of(kind: &str, id: &str) -> Self {
        Self(first_bytes(&Sha256::new().chain_update(kind).chain_update(id).finalize()))
    }
}

impl SetName {
    /// The name of a set.
    pub fn of(set: &ProfileSet) -> Self {
        Self::of_keys(set.profiles().keys().copied().collect())
    }

    /// The name of the set with these keys, in order.
    pub(super) fn of_keys(keys: Vec<ProfileKey>) -> Self {
        if keys.len() > MOST_KEYS { Self::Large(LargeSet::name_of(&keys)) } else { Self::Keys(keys) }
    }

    /// Whether it is that of a set without profiles.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Keys(keys) if keys.is_empty())
    }
}

impl Value {
    /// Of a recipient with these links; none without links.
    pub fn of_person(set: &ProfileSet, standing: Standing) -> Option<Self> {
        (!set.is_empty()).then(|| Self::Person(Person { set: SetName::of(set), standing }))
    }

    /// Of an account with these contacts, its set, and the profiles that it names. None if no number depends on it.
    pub fn of_account<'p>(
        contacts: impl IntoIterator<Item = (&'p LinkProfile, Reach)>,
        active_services: u64,
    ) -> Option<(Self, ProfileSet, BTreeMap<ProfileKey, Profile>)> {
        let mut reachable = Vec::new();
        let (mut unreachable, mut profiles) = (BTreeMap::new(), BTreeMap::new());
        for (link, reach) in contacts {
            if reach.reachable > 0 {
                reachable.push(link);
            }
            if reach.unreachable > 0 {
                let profile = Profile::from(link);
                *unreachable.entry(profile.key()).or_default() += reach.unreachable;
                profiles.insert(profile.key(), profile);
            }
        }
        // Who can be reached on an account without services makes no number: a base would not keep the set.
        let set = if active_services > 0 { ProfileSet::reduced(reachable) } else { ProfileSet::default() };
        if set.is_empty() && unreachable.is_empty() {
            return None;
        }
        profiles.extend(set.profiles().iter().map(|(key, profile)| (*key, profile.clone())));
        let active_services = if set.is_empty() { 0 } else { active_services };
        let value = Self::Account(AccountNumbers { set: SetName::of(&set), active_services, unreachable });
        Some((value, set, profiles))
    }

    /// The set of links with a usable address.
    pub fn set(&self) -> &SetName {
        match self {
            Self::Person(person) => &person.set,
            Self::Account(account) => &account.set,
        }
    }

    /// The profiles by which it is named. Those of a large set are not among them.
    pub fn keys(&self) -> impl Iterator<Item = ProfileKey> {
        let (set, unreachable) = match self {
            Self::Person(person) => (&person.set, None),
            Self::Account(account) => (&account.set, Some(&account.unreachable)),
        };
        let set = match set {
            SetName::Keys(keys) => keys.as_slice(),
            SetName::Large(_) => &[],
        };
        set.iter().chain(unreachable.into_iter().flat_map(BTreeMap::keys)).copied()
    }

    /// Its bytes, as they are stored beside its owner.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::versioned(VERSION);
        self.write(&mut writer);
        writer.sealed()
    }

    /// Reads what [`Value::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut reader = Reader::sealed(bytes, VERSION)?;
        let value = Self::read(&mut reader)?;
        reader.end().map(|()| value)
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        match self {
            Self::Person(person) => {
                writer.byte(PERSON);
                person.set.write(writer);
                write_standing(&person.standing, writer);
            }
            Self::Account(account) => {
                writer.byte(ACCOUNT);
                account.set.write(writer);
                writer.number(account.active_services);
                writer.size(account.unreachable.len());
                for (key, contacts) in &account.unreachable {
                    writer.bytes(&key.0);
                    writer.number(u64::from(*contacts));
                }
            }
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        match reader.byte()? {
            PERSON => Ok(Self::Person(Person { set: SetName::read(reader)?, standing: read_standing(reader)? })),
            ACCOUNT => {
                let (set, active_services) = (SetName::read(reader)?, reader.number()?);
                let unreachable = (0..reader.length(9)?).map(|_| Ok((ProfileKey(reader.array()?), reader.small()?)));
                Ok(Self::Account(AccountNumbers {
                    set,
                    active_services,
                    unreachable: unreachable.collect::<Result<_, _>>()?,
                }))
            }
            _ => Err(Damaged("a value of an unknown kind")),
        }
    }
}

const VERSION: u8 = 1;
const PERSON: u8 = 1;
const ACCOUNT: u8 = 2;

impl SetName {
    pub(super) fn write(&self, writer: &mut Writer) {
        match self {
            Self::Keys(keys) => {
                writer.size(keys.len());
                keys.iter().for_each(|key| writer.bytes(&key.0));
            }
            Self::Large(hash) => {
                writer.size(LARGE);
                writer.bytes(hash);
            }
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        match reader.small()? as usize {
            LARGE => reader.array().map(Self::Large),
            keys if keys <= MOST_KEYS => {
                let keys = (0..keys).map(|_| reader.array().map(ProfileKey));
                Ok(Self::Keys(keys.collect::<Result<_, _>>()?))
            }
            _ => Err(Damaged("a set has more keys than a name holds")),
        }
    }
}

// One byte says which parts follow. The bits of `block` have room for two more reasons.
const STATUS: u8 = 0b11;
const BLOCK: u8 = 0b1100;
const UNDELIVERABLE: u8 = 0b0100;
const RECENT: u8 = 0x10;
const EXPIRES: u8 = 0x20;
const SINCE: u8 = 0x40;
const REMINDERS: u8 = 0x80;

pub(super) fn write_standing(standing: &Standing, writer: &mut Writer) {
    let status = match standing.status {
        PortalStatus::NotSent => 0,
        PortalStatus::Pending => 1,
        PortalStatus::Accepted => 2,
    };
    let block = match standing.block {
        None => 0,
        Some(Block::Undeliverable) => UNDELIVERABLE,
    };
    let hours = [(standing.recent_until, RECENT), (standing.expires, EXPIRES), (standing.pending_since, SINCE)];
    let parts = hours.iter().filter(|(hour, _)| hour.is_some()).fold(0, |parts, (_, bit)| parts | bit);
    let reminders = if standing.reminders > 0 { REMINDERS } else { 0 };
    writer.byte(status | block | parts | reminders);
    // The hours of one invitation are near each other: all but the first are written as differences.
    let mut last = 0;
    for hour in hours.into_iter().filter_map(|(hour, _)| hour) {
        let hour = i64::from(hour.number());
        writer.number(zigzag(hour - last));
        last = hour;
    }
    if standing.reminders > 0 {
        writer.number(u64::from(standing.reminders));
    }
}

pub(super) fn read_standing(reader: &mut Reader<'_>) -> Result<Standing, Damaged> {
    let parts = reader.byte()?;
    let status = match parts & STATUS {
        0 => PortalStatus::NotSent,
        1 => PortalStatus::Pending,
        2 => PortalStatus::Accepted,
        _ => return Err(Damaged("an unknown status")),
    };
    let block = match parts & BLOCK {
        0 => None,
        UNDELIVERABLE => Some(Block::Undeliverable),
        _ => return Err(Damaged("an unknown reason against mail")),
    };
    let mut last = 0_i64;
    let mut hour = |bit: u8, reader: &mut Reader<'_>| {
        if parts & bit == 0 {
            return Ok(None);
        }
        last = last.checked_add(unzigzag(reader.number()?)).ok_or(Damaged("an hour is too late"))?;
        Ok(Some(Hour::new(u32::try_from(last).map_err(|_| Damaged("an hour before 1970"))?)))
    };
    let (recent_until, expires, pending_since) = (hour(RECENT, reader)?, hour(EXPIRES, reader)?, hour(SINCE, reader)?);
    let reminders = if parts & REMINDERS == 0 { 0 } else { reader.small()? };
    Ok(Standing { status, block, recent_until, expires, pending_since, reminders })
}

fn zigzag(number: i64) -> u64 {
    (number.cast_unsigned() << 1) ^ (number >> 63).cast_unsigned()
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}
