//! Why a recipient of a campaign got no e-mail, or why it isn't known.

use schemars::JsonSchema;
use serde::Serialize;

use crate::selection::Exclusion;

/// Reason of a ledger row, beside the error codes of SES. Rows store its name, so that a version reads the reasons of
/// later ones.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    JsonSchema,
    strum::Display,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum Reason {
    /// Has access to the portal already.
    Accepted,
    /// No link meets the filter any more, or the campaign's audience excludes the recipient.
    NoLongerSelected,
    /// Mailed in the last 24 hours by another campaign or a resend.
    RecentlyInvited,
    /// Mail to the address bounced, or its owner complained.
    Undeliverable,
    /// Set back by an operator since the campaign began.
    Withdrawn,
    /// The campaign was cancelled.
    Cancelled,
    /// The e-mail could not be made from the template.
    NotRenderable,
    /// Its message failed on every try.
    DeadLettered,
    /// SES could not be reached.
    NoConnection,
    /// SES did not answer in time.
    Timeout,
    /// The connection to SES broke before the answer.
    ConnectionLost,
    /// SES answered with a fault of its own.
    ServerError,
    /// The function that claimed the recipient never recorded the result.
    NeverRecorded,
    /// A person decided that the e-mail did not leave.
    Settled,
    /// SES accepted the e-mail and then did not send it.
    Rejected,
}

impl From<Exclusion> for Reason {
    fn from(exclusion: Exclusion) -> Self {
        match exclusion {
            Exclusion::Undeliverable => Self::Undeliverable,
            Exclusion::RecentlyInvited => Self::RecentlyInvited,
        }
    }
}
