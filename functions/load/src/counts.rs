//! `GET /v1/counts`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use futures::try_join;
use jiff::Timestamp;
use portal_aws::derived::counting::{CountError, CountedFrom};
use portal_domain::campaign::CampaignView;
use portal_domain::selection::Counts;
use portal_domain::{Filter, InSeconds};
use portal_http::{Caller, Problem, Query};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Load;

/// The value of `consistency` that asks for counts from the index alone.
pub(crate) const STRONG: &str = "strong";

/// The counts of a selection, and the time they are as of.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Load")]
pub(crate) struct CountsAnswer {
    #[serde(flatten)]
    counts: Counts,
    /// The counts include everything that was written before.
    as_of: Timestamp,
    /// How long before the call that was; 0 unless the division is large and its numbers are behind.
    age_seconds: u64,
    /// What was counted.
    counted_from: CountedFrom,
    /// The division's active campaign, if any, because of which no other can start (guarantee 8).
    #[serde(skip_serializing_if = "Option::is_none")]
    active_campaign: Option<CampaignView>,
}

pub(crate) async fn count(
    State(load): State<Arc<Load>>,
    caller: Caller,
    uri: Uri,
) -> Result<Json<CountsAnswer>, Problem> {
    let (filter, strong) = Query::of(&uri).read(|fields| {
        let strong = fields.optional_choice("consistency", STRONG, |text| (text == STRONG).then_some(()));
        (Filter::read(fields), strong.is_some())
    })?;
    load.division(&caller, &filter.division).await?;
    let rules = crate::rules(false);
    let counted = async {
        let counted = match strong {
            true => load.counting.strong_counts(&filter, rules).await,
            false => load.counting.counts(&filter, rules).await,
        };
        counted.map_err(|error| match error {
            CountError::Store(error) => error.into(),
            CountError::Behind(behind) => Problem::not_counted(behind.as_of, behind.counted, rules.now),
        })
    };
    let active = async { load.campaigns.in_the_way(&filter.division, rules.now).await.map_err(Problem::from) };
    let (counted, active_campaign) = try_join!(counted, active)?;
    Ok(Json(CountsAnswer {
        counts: counted.counts,
        as_of: counted.as_of.in_seconds(),
        age_seconds: rules.now.duration_since(counted.as_of).unsigned_abs().as_secs(),
        counted_from: counted.from,
        active_campaign,
    }))
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
            age_seconds: 0,
            counted_from: CountedFrom::Numbers,
            active_campaign: None,
        };
        let expected = json!({"total": 7, "activeServices": 0, "accepted": 0, "pending": 0, "notSent": 0,
            "unreachable": 0, "willEmail": 7, "excluded": {"recentlyInvited": 0, "undeliverable": 0},
            "asOf": "1970-01-01T00:00:00Z", "ageSeconds": 0, "countedFrom": "numbers"});
        assert_eq!(serde_json::to_value(&answer).expect("serialises"), expected);
    }
}
