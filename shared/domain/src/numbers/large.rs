//! Sets with more profiles than a name holds, such as those of an address on thousands of accounts.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::codec::{Damaged, Reader, Writer, first_bytes};
use super::profile::{Profile, ProfileKey, ProfileSet};

const VERSION: u8 = 1;

/// The definition of a set that is named by a hash ([`super::SetName::Large`]). It is stored before anything names the
/// set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LargeSet {
    pub(super) profiles: BTreeMap<ProfileKey, Profile>,
}

impl LargeSet {
    /// The definition of a set.
    pub fn of(set: &ProfileSet) -> Self {
        Self { profiles: set.profiles().clone() }
    }

    pub(super) fn name_of(keys: &[ProfileKey]) -> [u8; 16] {
        let hash = keys.iter().fold(Sha256::new(), |hash, key| hash.chain_update(key.0));
        first_bytes(&hash.finalize())
    }

    /// The hash that names it.
    pub fn name(&self) -> [u8; 16] {
        Self::name_of(&self.keys())
    }

    pub(super) fn keys(&self) -> Vec<ProfileKey> {
        self.profiles.keys().copied().collect()
    }

    /// Its bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::versioned(VERSION);
        writer.size(self.profiles.len());
        self.profiles.values().for_each(|profile| profile.write(&mut writer));
        writer.sealed()
    }

    /// Reads what [`LargeSet::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut reader = Reader::sealed(bytes, VERSION)?;
        let profiles = (0..reader.length(5)?).map(|_| {
            let profile = Profile::read(&mut reader)?;
            Ok((profile.key(), profile))
        });
        let profiles = profiles.collect::<Result<_, _>>()?;
        reader.end().map(|()| Self { profiles })
    }
}
