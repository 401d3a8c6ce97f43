//! The clock and the random source, which the domain gets passed in.

use jiff::{Timestamp, Unit};
use portal_domain::{CampaignId, ClaimId, RecipientId, ScheduleId, TemplateId};
use ulid::Ulid;

/// The time, to the millisecond: finer would only make items longer.
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    now.round(Unit::Millisecond).unwrap_or(now)
}

/// A new random recipient id.
pub fn new_recipient_id() -> RecipientId {
    RecipientId::from_random(rand::random())
}

/// A new random claim id.
pub fn new_claim_id() -> ClaimId {
    ClaimId::from_random(rand::random())
}

/// A new campaign id for a campaign that starts at `now`.
pub fn new_campaign_id(now: Timestamp) -> CampaignId {
    CampaignId::from_parts(now.as_millisecond().unsigned_abs(), rand::random())
}

/// The id of a template that is made at `now`.
pub fn new_template_id(now: Timestamp) -> TemplateId {
    TemplateId::from_parts(now.as_millisecond().unsigned_abs(), rand::random())
}

/// The id of a schedule that is made at `now`.
pub fn new_schedule_id(now: Timestamp) -> ScheduleId {
    ScheduleId::from_parts(now.as_millisecond().unsigned_abs(), rand::random())
}

/// The id of something that happens at `now`: ids sort by time.
pub fn new_event_id(now: Timestamp) -> String {
    Ulid::from_parts(now.as_millisecond().unsigned_abs(), rand::random()).to_string()
}

/// The id before all of things that happen at `now` or later.
pub fn first_event_id(now: Timestamp) -> String {
    Ulid::from_parts(now.as_millisecond().unsigned_abs(), 0).to_string()
}
