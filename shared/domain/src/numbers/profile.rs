//! What a filter can see of a link, in one form, and of which links it sees nothing beside others.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::codec::{Damaged, Reader, Writer, first_bytes};
use crate::LinkProfile;
use crate::text::clean;

const ACTIVE_SERVICES: u8 = 1;
const BALANCE_DUE: u8 = 2;
const AUTOMATIC_PAYMENT: u8 = 4;
const BILLING_CONTACT: u8 = 8;

/// A link profile whose values are cleaned as [`crate::Filter::matches`] compares them: two that a filter can't tell
/// apart are equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Profile(LinkProfile);

/// A hash of a profile: among a million profiles two have the same with a chance of one in 37 million.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileKey(pub(super) [u8; 8]);

/// Some links as filters see them together: no profile covers another. May be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileSet(BTreeMap<ProfileKey, Profile>);

impl From<&LinkProfile> for Profile {
    fn from(profile: &LinkProfile) -> Self {
        let cleaned = |text: &String| clean(text).text.into_owned();
        Self(LinkProfile {
            account_class: cleaned(&profile.account_class),
            bill_group: cleaned(&profile.bill_group),
            account_source: cleaned(&profile.account_source),
            site_sources: profile.site_sources.iter().map(cleaned).collect(),
            ..profile.clone()
        })
    }
}

impl Profile {
    /// What filters are asked about.
    pub fn as_link(&self) -> &LinkProfile {
        &self.0
    }

    /// Whether every filter that selects a link with the other profile selects one with this. Holds as long as each
    /// condition of a filter is equality, being among the site sources, or a flag that only one side of meets; a test
    /// asks the filter itself.
    pub fn covers(&self, other: &Self) -> bool {
        let (one, other) = (&self.0, &other.0);
        one.account_class == other.account_class
            && one.bill_group == other.bill_group
            && one.account_source == other.account_source
            && one.site_sources.is_superset(&other.site_sources)
            && one.active_services >= other.active_services
            && one.balance_due >= other.balance_due
            && one.billing_contact >= other.billing_contact
            && one.automatic_payment <= other.automatic_payment
    }

    /// Its hash.
    pub fn key(&self) -> ProfileKey {
        let mut writer = Writer::default();
        self.write(&mut writer);
        ProfileKey(first_bytes(&Sha256::digest(writer.finish())))
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        let Self(profile) = self;
        for text in [&profile.account_class, &profile.bill_group, &profile.account_source] {
            writer.text(text);
        }
        writer.size(profile.site_sources.len());
        profile.site_sources.iter().for_each(|source| writer.text(source));
        writer.byte(self.flags());
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        let mut text = || Ok(reader.text()?.to_owned());
        let (account_class, bill_group, account_source) = (text()?, text()?, text()?);
        let sources = reader.length(1)?;
        let site_sources = (0..sources).map(|_| Ok(reader.text()?.to_owned())).collect::<Result<_, _>>()?;
        Self::of_parts([account_class, bill_group, account_source], site_sources, reader.byte()?)
    }

    pub(super) fn flags(&self) -> u8 {
        let flag = |is_set, bit| if is_set { bit } else { 0 };
        flag(self.0.active_services, ACTIVE_SERVICES)
            | flag(self.0.balance_due, BALANCE_DUE)
            | flag(self.0.automatic_payment, AUTOMATIC_PAYMENT)
            | flag(self.0.billing_contact, BILLING_CONTACT)
    }

    pub(super) fn of_parts(values: [String; 3], site_sources: BTreeSet<String>, flags: u8) -> Result<Self, Damaged> {
        if flags > (ACTIVE_SERVICES | BALANCE_DUE | AUTOMATIC_PAYMENT | BILLING_CONTACT) {
            return Err(Damaged("a profile has unknown conditions"));
        }
        let [account_class, bill_group, account_source] = values;
        let is_set = |bit| flags & bit != 0;
        Ok(Self(LinkProfile {
            account_class,
            bill_group,
            account_source,
            site_sources,
            active_services: is_set(ACTIVE_SERVICES),
            balance_due: is_set(BALANCE_DUE),
            automatic_payment: is_set(AUTOMATIC_PAYMENT),
            billing_contact: is_set(BILLING_CONTACT),
        }))
    }
}

impl ProfileSet {
    /// The profiles of these that no other of them covers.
    pub fn reduced<'p>(profiles: impl IntoIterator<Item = &'p LinkProfile>) -> Self {
        // Only profiles with the same values can cover each other: whoever is on thousands of accounts has some with
        // each.
        let mut groups: BTreeMap<[String; 3], BTreeSet<Profile>> = BTreeMap::new();
        for profile in profiles.into_iter().map(Profile::from) {
            let Profile(link) = &profile;
            let values = [&link.account_class, &link.bill_group, &link.account_source].map(String::clone);
            groups.entry(values).or_default().insert(profile);
        }
        let is_needed =
            |group: &BTreeSet<Profile>, one: &Profile| !group.iter().any(|other| other != one && other.covers(one));
        let needed = groups.values().flat_map(|group| group.iter().filter(|one| is_needed(group, one)));
        Self(needed.map(|profile| (profile.key(), profile.clone())).collect())
    }

    /// The profiles with their keys, in order of these.
    pub fn profiles(&self) -> &BTreeMap<ProfileKey, Profile> {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
