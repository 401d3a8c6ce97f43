//! The domain of Portal Invites, without AWS: filters, recipients, invitations, campaigns.
//!
//! Nothing here reads a clock, a random source or the network; callers pass in what is needed.

pub mod account;
pub mod activation;
pub mod audience;
pub mod audit;
mod by_name;
pub mod campaign;
pub mod division;
pub mod email;
pub mod feedback;
pub mod host;
pub mod id;
pub mod import;
pub mod input;
pub mod link;
pub mod mail;
pub mod new_password;
pub mod numbers;
pub mod outcome;
pub mod pace;
pub mod password;
pub mod permission;
pub mod quiet_hours;
pub mod reason;
pub mod recipient;
pub mod resend;
pub mod schedule;
pub mod search;
pub mod selection;
pub mod standing;
pub mod status;
pub mod text;
pub mod time;
pub mod told;

pub use account::Account;
pub use by_name::ByName;
pub use campaign::{Campaign, CampaignState};
pub use division::Division;
pub use email::EmailAddress;
pub use id::{AccountId, CampaignId, ClaimId, DivisionId, RecipientId, SHARDS, ScheduleId, Shard, TemplateId};
pub use link::{Filter, LinkProfile};
pub use outcome::Outcome;
pub use reason::Reason;
pub use recipient::Recipient;
pub use schedule::Schedule;
pub use search::Search;
pub use status::PortalStatus;
pub use time::InSeconds;
pub use told::{Tell, Told};
