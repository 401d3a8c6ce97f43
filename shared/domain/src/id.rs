//! Identifiers, each a type of its own so that one can't stand in for another.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use ulid::Ulid;
use uuid::Uuid;

/// How many index partitions a division is spread over.
pub const SHARDS: u8 = 8;

/// One of the [`SHARDS`] index partitions of a division, by a hash of the id it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Shard(u8);

impl Shard {
    /// The first shard.
    pub const FIRST: Self = Self(0);

    /// Every shard, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..SHARDS).map(Self)
    }

    /// The shard after this one.
    pub fn next(self) -> Option<Self> {
        Self::try_from(self.0 + 1).ok()
    }

    fn of(id: &str) -> Self {
        Self(Sha256::digest(id.as_bytes())[0] % SHARDS)
    }
}

impl TryFrom<u8> for Shard {
    type Error = NoSuchShard;

    fn try_from(number: u8) -> Result<Self, NoSuchShard> {
        if number < SHARDS { Ok(Self(number)) } else { Err(NoSuchShard(number)) }
    }
}

impl From<Shard> for u8 {
    fn from(shard: Shard) -> Self {
        shard.0
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A shard number that is not below [`SHARDS`].
#[derive(Debug, thiserror::Error)]
#[error("there is no shard {0}")]
pub struct NoSuchShard(u8);

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes an id that was validated on input or was stored by this system.
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// A division: a business unit with its own portal.
    DivisionId
);
text_id!(
    /// An account in the billing system, unique in the whole system.
    AccountId
);

text_id!(
    /// A notification template: the built-in one, or a ULID.
    TemplateId
);

text_id!(
    /// A schedule: a ULID, or the name that it has in the stack's template.
    ScheduleId
);

impl ScheduleId {
    /// Makes the id of a new schedule from a time in milliseconds since 1970 and 80 random bits (the low bits of
    /// `random`).
    pub fn from_parts(milliseconds: u64, random: u128) -> Self {
        Self(Ulid::from_parts(milliseconds, random).to_string())
    }

    /// The id, if it is one that EventBridge Scheduler takes as a name: 1 to 64 letters, digits, `-`, `_` and `.` (its
    /// API reference).
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        ((1..=64).contains(&text.len()) && text.bytes().all(plain)).then(|| Self(text.to_owned()))
    }
}

impl TemplateId {
    /// The template that is part of the code.
    pub fn built_in() -> Self {
        Self::new("portal-invitation")
    }

    /// Makes the id of a new template from a time in milliseconds since 1970 and 80 random bits (the low bits of
    /// `random`).
    pub fn from_parts(milliseconds: u64, random: u128) -> Self {
        Self(Ulid::from_parts(milliseconds, random).to_string())
    }

    /// Whether this is the template that is part of the code.
    pub fn is_built_in(&self) -> bool {
        *self == Self::built_in()
    }
}

impl AccountId {
    /// The shard whose account partition holds this account.
    pub fn shard(&self) -> Shard {
        Shard::of(&self.0)
    }
}

/// A text is no id, or another spelling of one. An id has one spelling, so that look-ups, logs and comparisons agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no id")]
pub struct NoId;

/// A recipient: random, so that it says nothing about the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RecipientId(Uuid);

impl RecipientId {
    /// Takes 16 random bytes and makes a version-4 UUID of them.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }

    /// The shard whose partition holds this recipient.
    pub fn shard(&self) -> Shard {
        Shard::of(&self.to_string())
    }
}

impl std::str::FromStr for RecipientId {
    type Err = NoId;

    /// Reads the one spelling in which it is shown.
    fn from_str(text: &str) -> Result<Self, NoId> {
        Uuid::try_parse(text).ok().map(Self).filter(|id| id.to_string() == text).ok_or(NoId)
    }
}

impl fmt::Display for RecipientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A campaign. A ULID, so that ids sort by the time they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct CampaignId(#[schemars(with = "String")] Ulid);

impl CampaignId {
    /// Makes an id from a time in milliseconds since 1970 and 80 random bits (the low bits of `random`).
    pub fn from_parts(milliseconds: u64, random: u128) -> Self {
        Self(Ulid::from_parts(milliseconds, random))
    }
}

impl std::str::FromStr for CampaignId {
    type Err = NoId;

    /// Reads the one spelling in which it is shown.
    fn from_str(text: &str) -> Result<Self, NoId> {
        Ulid::from_string(text).ok().map(Self).filter(|id| id.to_string() == text).ok_or(NoId)
    }
}

impl fmt::Display for CampaignId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One attempt of one function invocation to send to a batch of recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClaimId(Uuid);

impl ClaimId {
    /// Takes 16 random bytes and makes a version-4 UUID of them.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }
}

impl fmt::Display for ClaimId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
