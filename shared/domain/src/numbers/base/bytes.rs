//! How a base lies in bytes.
//!
//! Profiles have short numbers that hold within one base, the most frequent ones the shortest, and name their texts by
//! numbers too. Sets are in order, each written as the difference to the one before. Most sets have one or two profiles
//! and one person: 5 to 7 bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use super::super::codec::{Damaged, Reader, Writer};
use super::super::profile::Profile;
use super::super::value::{read_standing, write_standing};
use super::{Base, Encoded, Set};
use crate::PortalStatus;
use crate::standing::{Hour, Standing};

const VERSION: u8 = 1;
const PENDING_VERSION: u8 = 1;

/// More members than a header has room for.
const MORE: u64 = 7;
const HAS_SERVICES: u64 = 8;

/// One set of the numbers that are to be written.
#[derive(Debug)]
pub(in super::super) struct SetToWrite {
    /// Places of its profiles, sorted; at least one.
    pub members: Vec<u32>,
    /// Standings with limits, and how many people have each.
    pub people: Vec<(Standing, u64)>,
    /// Of its accounts.
    pub active_services: u64,
}

impl Base {
    /// Writes a base. Profiles and sets may come in any order; each profile and each set once.
    pub(in super::super) fn write(
        horizon: Hour,
        profiles: &[&Profile],
        mut sets: Vec<SetToWrite>,
        unreachable: &[(u32, u64)],
    ) -> Encoded {
        sets.sort_unstable_by(|one, other| one.members.cmp(&other.members));
        let mut writer = Writer::versioned(VERSION);
        writer.number(u64::from(horizon.number()));
        write_profiles(profiles, &mut writer);
        let counted: Vec<BTreeMap<Standing, u64>> = sets.iter().map(|set| without_limits(&set.people)).collect();
        let standings = Standings::of(counted.iter().flat_map(BTreeMap::keys));
        standings.write(&mut writer);
        writer.size(sets.len());
        let mut first = 0;
        for (set, people) in sets.iter().zip(&counted) {
            first = write_members(set, people.len(), first, &mut writer);
            for (standing, people) in people {
                write_entry(standings.place(standing), *people, &mut writer);
            }
        }
        writer.size(unreachable.len());
        for (profile, contacts) in unreachable {
            writer.number(u64::from(*profile));
            writer.number(*contacts);
        }
        let main = writer.sealed();
        let pending = write_pending(&sets, checksum_of(&main));
        Encoded { main, pending }
    }

    /// Reads what [`super::super::Numbers::encode`] wrote as [`Encoded::main`]. What it has of the pending is without
    /// limits, until [`Base::with_pending`].
    pub fn read(main: &[u8]) -> Result<Self, Damaged> {
        let mut reader = Reader::sealed(main, VERSION)?;
        let horizon = Hour::new(reader.small()?);
        let profiles = read_profiles(&mut reader)?;
        let standings = read_standings(&mut reader)?;
        let count = reader.length(2)?;
        let (mut members, mut entries) = (Vec::with_capacity(count * 2), Vec::with_capacity(count));
        let mut sets = Vec::with_capacity(count);
        let (known, mut first) = (place(profiles.len())?, 0);
        for _ in 0..count {
            let header = reader.number()?;
            let more = header & MORE;
            let more = if more == MORE { MORE + reader.number()? } else { more };
            first = read_member(first, reader.number()?, known)?;
            members.push(first);
            let mut member = first;
            for _ in 0..more {
                member = read_member(member, reader.number()?.saturating_add(1), known)?;
                members.push(member);
            }
            let active_services = if header & HAS_SERVICES == 0 { 0 } else { reader.number()? };
            for _ in 0..header >> 4 {
                entries.push(read_entry(&mut reader, standings.len())?);
            }
            sets.push(Set { members: place(members.len())?, entries: place(entries.len())?, active_services });
        }
        let unreachable = (0..reader.length(2)?).map(|_| {
            let profile = read_member(0, reader.number()?, known)?;
            Ok((profile, reader.number()?))
        });
        let unreachable = unreachable.collect::<Result<_, _>>()?;
        reader.end()?;
        let (pending, names, checksum) = (None, OnceLock::new(), checksum_of(main));
        Ok(Self { horizon, profiles, standings, members, entries, sets, unreachable, pending, names, checksum })
    }

    /// The same with what [`super::super::Numbers::encode`] wrote beside it as [`Encoded::pending`].
    pub fn with_pending(self, bytes: &[u8]) -> Result<Self, Damaged> {
        let mut reader = Reader::sealed(bytes, PENDING_VERSION)?;
        if reader.array()? != self.checksum {
            return Err(Damaged("the pending are those of another base"));
        }
        let standings = read_standings(&mut reader)?;
        let (mut pending, mut set) = (Vec::new(), 0);
        let sets = place(self.sets.len())?;
        for _ in 0..reader.length(3)? {
            set = read_member(set, reader.number()?, sets)?;
            for _ in 0..reader.length(1)? {
                let (standing, people) = read_entry(&mut reader, standings.len())?;
                pending.push((set, standings[standing as usize], people));
            }
        }
        reader.end()?;
        Ok(Self { pending: Some(pending), ..self })
    }
}

fn checksum_of(sealed: &[u8]) -> [u8; 8] {
    sealed.last_chunk().copied().unwrap_or_default()
}

fn place(place: usize) -> Result<u32, Damaged> {
    u32::try_from(place).map_err(|_| Damaged("more than can be numbered"))
}

/// The place so much behind another one, of so many places.
fn read_member(before: u32, difference: u64, places: u32) -> Result<u32, Damaged> {
    let place = u64::from(before).saturating_add(difference);
    u32::try_from(place).ok().filter(|place| *place < places).ok_or(Damaged("a number of nothing"))
}

fn without_limits(people: &[(Standing, u64)]) -> BTreeMap<Standing, u64> {
    let mut counted = BTreeMap::new();
    for (standing, people) in people {
        *counted.entry(standing.without_limits()).or_default() += people;
    }
    counted
}

fn write_profiles(profiles: &[&Profile], writer: &mut Writer) {
    let links = || profiles.iter().map(|profile| profile.as_link());
    let values = links().flat_map(|link| [&link.account_class, &link.bill_group, &link.account_source]);
    let texts: BTreeSet<&str> = values.chain(links().flat_map(|link| &link.site_sources)).map(String::as_str).collect();
    let texts: BTreeMap<&str, usize> = texts.into_iter().zip(0..).collect();
    writer.size(texts.len());
    texts.keys().for_each(|text| writer.text(text));
    writer.size(profiles.len());
    for profile in profiles {
        let link = profile.as_link();
        for value in [&link.account_class, &link.bill_group, &link.account_source] {
            writer.size(texts[value.as_str()]);
        }
        writer.size(link.site_sources.len() << 4 | usize::from(profile.flags()));
        link.site_sources.iter().for_each(|source| writer.size(texts[source.as_str()]));
    }
}

fn read_profiles(reader: &mut Reader<'_>) -> Result<Vec<Profile>, Damaged> {
    let texts = (0..reader.length(1)?).map(|_| Ok(reader.text()?.to_owned()));
    let texts: Vec<String> = texts.collect::<Result<_, Damaged>>()?;
    let text = |reader: &mut Reader<'_>| {
        let place = usize::try_from(reader.number()?).ok();
        place.and_then(|place| texts.get(place)).cloned().ok_or(Damaged("a number of no text"))
    };
    let profiles = (0..reader.length(4)?).map(|_| {
        let values = [text(reader)?, text(reader)?, text(reader)?];
        let header = reader.number()?;
        let sources = (0..header >> 4).map(|_| text(reader)).collect::<Result<_, _>>()?;
        Profile::of_parts(values, sources, header.to_le_bytes()[0] & 0xf)
    });
    profiles.collect()
}

/// Standings that have numbers, the most frequent ones the shortest.
struct Standings<'s>(BTreeMap<&'s Standing, u64>);

impl<'s> Standings<'s> {
    fn of(entries: impl Iterator<Item = &'s Standing>) -> Self {
        let mut uses: BTreeMap<&Standing, u64> = BTreeMap::new();
        entries.for_each(|standing| *uses.entry(standing).or_default() += 1);
        let mut by_use: Vec<_> = uses.into_iter().collect();
        by_use.sort_by_key(|(_, uses)| std::cmp::Reverse(*uses));
        Self(by_use.into_iter().map(|(standing, _)| standing).zip(0..).collect())
    }

    fn place(&self, standing: &Standing) -> u64 {
        self.0[standing]
    }

    fn write(&self, writer: &mut Writer) {
        let mut standings: Vec<_> = self.0.iter().collect();
        standings.sort_by_key(|(_, place)| **place);
        writer.size(standings.len());
        standings.into_iter().for_each(|(standing, _)| write_standing(standing, writer));
    }
}

fn read_standings(reader: &mut Reader<'_>) -> Result<Vec<Standing>, Damaged> {
    (0..reader.length(1)?).map(|_| read_standing(reader)).collect()
}

/// Writes how many members and entries follow, the members, and the services. `before` is the first member of the set
/// before; answers that of this one.
fn write_members(set: &SetToWrite, entries: usize, before: u32, writer: &mut Writer) -> u32 {
    let more = set.members.len().saturating_sub(1) as u64;
    let services = if set.active_services > 0 { HAS_SERVICES } else { 0 };
    writer.number((entries as u64) << 4 | services | more.min(MORE));
    if more >= MORE {
        writer.number(more - MORE);
    }
    let first = set.members.first().copied().unwrap_or(before);
    writer.number(u64::from(first - before));
    for pair in set.members.windows(2) {
        writer.number(u64::from(pair[1] - pair[0]) - 1);
    }
    if set.active_services > 0 {
        writer.number(set.active_services);
    }
    first
}

/// Most entries are of one person.
fn write_entry(standing: u64, people: u64, writer: &mut Writer) {
    let several = people != 1;
    writer.number(standing << 1 | u64::from(several));
    if several {
        writer.number(people);
    }
}

fn read_entry(reader: &mut Reader<'_>, standings: usize) -> Result<(u32, u64), Damaged> {
    let header = reader.number()?;
    let standing = read_member(0, header >> 1, place(standings)?)?;
    Ok((standing, if header & 1 == 0 { 1 } else { reader.number()? }))
}

fn write_pending(sets: &[SetToWrite], main: [u8; 8]) -> Vec<u8> {
    let of_set = |set: &SetToWrite| -> BTreeMap<Standing, u64> {
        set.people.iter().copied().filter(|(standing, _)| standing.status == PortalStatus::Pending).collect()
    };
    let pending: Vec<_> = (0_u64..).zip(sets.iter().map(of_set)).filter(|(_, people)| !people.is_empty()).collect();
    let standings = Standings::of(pending.iter().flat_map(|(_, people)| people.keys()));
    let mut writer = Writer::versioned(PENDING_VERSION);
    writer.bytes(&main);
    standings.write(&mut writer);
    writer.size(pending.len());
    let mut before = 0;
    for (set, people) in &pending {
        writer.number(set - before);
        before = *set;
        writer.size(people.len());
        for (standing, people) in people {
            write_entry(standings.place(standing), *people, &mut writer);
        }
    }
    writer.sealed()
}
