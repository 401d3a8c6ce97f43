//! Lists of campaigns, a page at a time.

use portal_domain::permission::Divisions;
use portal_domain::{Campaign, CampaignId};

use super::{CampaignStore, keys};
use crate::table::StoreError;
use crate::table::condition::is_in;

impl CampaignStore {
    /// Campaigns of these divisions that were started before `before`, newest first: up to `limit`, and the campaign
    /// before which the next page starts. Unless `divisions` is all, a page may be short or empty without being the
    /// last.
    pub async fn list(
        &self,
        divisions: &Divisions,
        before: Option<CampaignId>,
        limit: usize,
    ) -> Result<(Vec<Campaign>, Option<CampaignId>), StoreError> {
        let mut query = keys::campaigns().stale().limit(limit).after(before.map(keys::campaign));
        if let Divisions::Only(divisions) = divisions {
            // A user is in at most 100 groups (Cognito's quota), and IN takes as many values (DynamoDB's quota).
            query = query.filter(is_in("filter.division", divisions)).limit(1_000);
        }
        let page = self.table.page("list campaigns", query).await?;
        let next = page.last_sort_key().and_then(|id| id.parse().ok());
        let mut listed = page.items;
        if listed.len() > limit {
            listed.truncate(limit);
            let next = listed.last().map(|last| last.campaign_id);
            return Ok((listed, next));
        }
        Ok((listed, next))
    }
}
