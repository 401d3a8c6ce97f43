//! `GET /v1/counts`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use futures::try_join;
use jiff::Timestamp;
use portal_domain::InSeconds;
use portal_domain::campaign::CampaignView;
use portal_domain::selection::Counts;
use portal_http::filter::filter_from_query;
use portal_http::{Caller, Problem};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Load;

/// The counts of a selection, and the time they are as of.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Load")]
pub(crate) struct CountsAnswer {
    #[serde(flatten)]
    counts: Counts,
    as_of: Timestamp,
    /// The division's active campaign, if any, because of which no other can start (guarantee 8).
    #[serde(skip_serializing_if = "Option::is_none")]
    active_campaign: Option<CampaignView>,
}

pub(crate) async fn count(
    State(load): State<Arc<Load>>,
    caller: Caller,
    uri: Uri,
) -> Result<Json<CountsAnswer>, Problem> {
    let filter = filter_from_query(&uri)?;
    load.division(&caller, &filter.division).await?;
    let rules = crate::rules(false);
    let counts = load.directory.counts(&filter, rules);
    let active = load.campaigns.in_the_way(&filter.division, rules.now);
    let (counts, active_campaign) = try_join!(counts, active)?;
    Ok(Json(CountsAnswer { counts, as_of: rules.now.in_seconds(), active_campaign }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_answer_has_the_members_that_callers_rely_on() {
        let answer = CountsAnswer {
            counts: Counts { total: 7, will_email: 7, ..Counts::default() },
            as_of: Timestamp::UNIX_EPOCH,
            active_campaign: None,
        };
        let expected = json!({"total": 7, "activeServices": 0, "accepted": 0, "pending": 0, "notSent": 0,
            "unreachable": 0, "willEmail": 7, "excluded": {"recentlyInvited": 0, "undeliverable": 0},
            "asOf": "1970-01-01T00:00:00Z"});
        assert_eq!(serde_json::to_value(&answer).expect("serialises"), expected);
    }
}
