//! What changed since a base: one change after the other, in frames that each came about by one transaction.

use std::collections::{BTreeMap, BTreeSet};

use super::codec::{Damaged, Reader, Writer};
use super::large::LargeSet;
use super::profile::{Profile, ProfileKey};
use super::value::{OwnerId, Person, SetName, Value, read_standing, write_standing};

const VERSION: u8 = 1;

// The bits of the byte in front of a change.
const FROM: u8 = 1;
const TO: u8 = 2;
/// Both are people with the same set, which is written once.
const SAME_SET: u8 = 4;

/// One owner's value is another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whose.
    pub owner: OwnerId,
    /// What it was.
    pub from: Option<Value>,
    /// What it is.
    pub to: Option<Value>,
}

/// Changes in their order, and what the names in them mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    pub(super) profiles: BTreeMap<ProfileKey, Profile>,
    pub(super) large: BTreeMap<[u8; 16], Vec<ProfileKey>>,
    changes: Vec<Change>,
}

impl Change {
    /// The profiles that it names and the value before did not: whoever reads it may not know them.
    pub fn new_keys(&self) -> BTreeSet<ProfileKey> {
        let mut keys: BTreeSet<_> = self.to.iter().flat_map(Value::keys).collect();
        self.from.iter().flat_map(Value::keys).for_each(|key| _ = keys.remove(&key));
        keys
    }

    fn write(&self, writer: &mut Writer) {
        writer.bytes(&self.owner.to_bytes());
        match (&self.from, &self.to) {
            (Some(Value::Person(from)), Some(Value::Person(to))) if from.set == to.set => {
                writer.byte(FROM | TO | SAME_SET);
                from.set.write(writer);
                write_standing(&from.standing, writer);
                write_standing(&to.standing, writer);
            }
            (from, to) => {
                writer.byte(if from.is_some() { FROM } else { 0 } | if to.is_some() { TO } else { 0 });
                from.iter().chain(to).for_each(|value| value.write(writer));
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        let (owner, parts) = (OwnerId::from_bytes(reader.array()?), reader.byte()?);
        if parts == FROM | TO | SAME_SET {
            let set = SetName::read(reader)?;
            let from = Value::Person(Person { set: set.clone(), standing: read_standing(reader)? });
            let to = Value::Person(Person { set, standing: read_standing(reader)? });
            return Ok(Self { owner, from: Some(from), to: Some(to) });
        }
        if parts > FROM | TO {
            return Err(Damaged("a change of an unknown kind"));
        }
        let mut value = |bit| if parts & bit == 0 { Ok(None) } else { Value::read(reader).map(Some) };
        Ok(Self { owner, from: value(FROM)?, to: value(TO)? })
    }
}

impl Log {
    /// The bytes of changes that are written together. `profiles` has at least the [`Change::new_keys`] of all of them.
    /// Frames may be put one behind the other.
    pub fn frame(changes: &[Change], profiles: &BTreeMap<ProfileKey, Profile>) -> Vec<u8> {
        let new: BTreeSet<ProfileKey> = changes.iter().flat_map(Change::new_keys).collect();
        let defined: Vec<&Profile> = new.iter().filter_map(|key| profiles.get(key)).collect();
        let mut writer = Writer::versioned(VERSION);
        writer.size(defined.len());
        defined.into_iter().for_each(|profile| profile.write(&mut writer));
        writer.size(changes.len());
        changes.iter().for_each(|change| change.write(&mut writer));
        let frame = writer.sealed();
        let mut writer = Writer::default();
        writer.size(frame.len());
        writer.bytes(&frame);
        writer.finish()
    }

    /// Goes on with the changes of these frames.
    pub fn read(&mut self, frames: &[u8]) -> Result<(), Damaged> {
        let mut frames = Reader::new(frames);
        while !frames.is_empty() {
            let length = frames.length(1)?;
            let mut reader = Reader::sealed(frames.slice(length)?, VERSION)?;
            for _ in 0..reader.length(5)? {
                let profile = Profile::read(&mut reader)?;
                self.profiles.insert(profile.key(), profile);
            }
            for _ in 0..reader.length(9)? {
                self.changes.push(Change::read(&mut reader)?);
            }
            reader.end()?;
        }
        Ok(())
    }

    /// The changes, in their order.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The large sets that the changes name.
    pub fn large_sets(&self) -> BTreeSet<[u8; 16]> {
        let values = self.changes.iter().flat_map(|change| change.from.iter().chain(&change.to));
        let large = values.filter_map(|value| match value.set() {
            SetName::Large(hash) => Some(*hash),
            SetName::Keys(_) => None,
        });
        large.collect()
    }

    /// Learns what a large set is.
    pub fn define(&mut self, set: LargeSet) {
        self.large.insert(set.name(), set.keys());
        self.profiles.extend(set.profiles);
    }
}
