//! Lists of campaigns, a page at a time.

use jiff::Timestamp;
use portal_domain::permission::Divisions;
use portal_domain::{Campaign, CampaignId, CampaignState};

use super::{CampaignStore, keys};
use crate::table::condition::is_in;
use crate::table::{Condition, StoreError};

/// Which campaigns are listed.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Those of these divisions.
    pub divisions: Divisions,
    /// Those in one of these states; all if none is named.
    pub states: Vec<CampaignState>,
    /// Those that were started at this time or later.
    pub from: Option<Timestamp>,
    /// Those that were started before this time.
    pub to: Option<Timestamp>,
}

impl Listed {
    fn has(&self, campaign: &Campaign) -> bool {
        let at = campaign.created_at;
        self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at < to)
    }

    /// What the items have to meet besides the time, if anything.
    fn filter(&self) -> Option<Condition> {
        let divisions = match &self.divisions {
            Divisions::Every => None,
            // A user is in at most 100 groups (Cognito's quota), and IN takes as many values (DynamoDB's quota).
            Divisions::Only(divisions) => Some(is_in("filter.division", divisions)),
        };
        let states = (!self.states.is_empty()).then(|| is_in("state", &self.states));
        divisions.into_iter().chain(states).reduce(Condition::and)
    }
}

impl CampaignStore {
    /// The campaigns that are wanted, started before `before`, newest first: up to `limit`, and the campaign before
    /// which the next page starts. Unless all are wanted, a page may be short or empty without being the last.
    pub async fn list(
        &self,
        wanted: &Listed,
        before: Option<CampaignId>,
        limit: usize,
    ) -> Result<(Vec<Campaign>, Option<CampaignId>), StoreError> {
        let campaigns = keys::campaigns_between(wanted.from, wanted.to);
        let mut query = campaigns.stale().limit(limit).after(before.map(keys::campaign));
        if let Some(filter) = wanted.filter() {
            query = query.filter(filter).limit(1_000);
        }
        let page = self.table.page("list campaigns", query).await?;
        let next = page.last_sort_key().and_then(|id| id.parse().ok());
        let mut listed = page.items;
        listed.retain(|campaign| wanted.has(campaign));
        if listed.len() > limit {
            listed.truncate(limit);
            let next = listed.last().map(|last| last.campaign_id);
            return Ok((listed, next));
        }
        Ok((listed, next))
    }
}
