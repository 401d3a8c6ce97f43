//! The progress of a campaign, and its end.

use futures::try_join;
use jiff::Timestamp;
use portal_domain::campaign::audit::{Action, AuditEntry, SYSTEM};
use portal_domain::campaign::{CampaignEvent, Progress};
use portal_domain::{Campaign, CampaignId, CampaignState, Shard};

use super::active::Lock;
use super::ledger::counter::CounterItem;
use super::ledger::keys as ledger_keys;
use super::transition::{Moved, Transition};
use super::walks::cursor;
use super::{CampaignStore, keys};
use crate::table::{Batch, Found, StoreError};

impl CampaignStore {
    /// The progress of a campaign. Batches that are recorded meanwhile may be seen in part.
    pub async fn progress(&self, campaign: &Campaign) -> Result<Progress, StoreError> {
        let mut batch = Batch::new("read a campaign's progress");
        let shards = campaign.shards();
        self.want_progress(&mut batch, campaign.campaign_id, &shards);
        let (mut found, acceptances) = try_join!(batch.read(&self.table), self.acceptances.read(campaign))?;
        Ok(Progress { acceptances: acceptances.view(), ..self.progress_of(campaign, &mut found)? })
    }

    /// Moves a campaign to `sending` once its ledger is complete, and to its end, once, when every row has an end state
    /// and nobody may join. Its end frees the lock and notifies the operators. Returns the state of the campaign, or
    /// `None` if others were writing it: then it is left to them, or to the sweep.
    pub async fn advance(&self, id: CampaignId, now: Timestamp) -> Result<Option<CampaignState>, StoreError> {
        let Some((campaign, progress)) = self.snapshot(id).await? else { return Ok(None) };
        let event = progress.event().filter(|_| campaign.completed_at.is_none());
        let over = event == Some(CampaignEvent::AllEnded) && !campaign.is_open(now);
        // If all rows have ended but others may join, it goes on sending.
        let event = if over { event } else { event.map(|_| CampaignEvent::Prepared) };
        let Some(state) = event.and_then(|event| campaign.state.after(event)) else {
            return Ok(Some(campaign.state));
        };
        let completed_at = over.then_some(now);
        let mut entry = AuditEntry::new(now, SYSTEM, if over { Action::Ended } else { Action::Prepared });
        entry.recipients = Some(progress.audience);
        entry.outcomes = over.then_some(progress.outcomes);
        let moved = self.transit(Transition {
            before: &campaign,
            after: Campaign { state, state_reason: None, completed_at, ..campaign.clone() },
            entry,
            lock: if over { Lock::Free } else { Lock::Keep },
            walk: None,
            rebound: None,
        });
        Ok(match moved.await? {
            Moved::Done(campaign) => Some(campaign.state),
            Moved::Changed | Moved::Busy => None,
        })
    }

    /// Campaign and progress at one instant, without acceptances; `None` if the campaign is unknown, or others are
    /// writing it.
    async fn snapshot(&self, id: CampaignId) -> Result<Option<(Campaign, Progress)>, StoreError> {
        let mut batch = Batch::new("read a campaign's progress");
        batch.want(&self.table, &keys::campaign(id));
        self.want_progress(&mut batch, id, &Shard::all().collect::<Vec<_>>());
        let Some(mut found) = batch.read_at_once(&self.table).await? else { return Ok(None) };
        let Some(campaign) = found.take(&self.table, &keys::campaign(id))? else { return Ok(None) };
        let progress = self.progress_of(&campaign, &mut found)?;
        Ok(Some((campaign, progress)))
    }

    fn want_progress(&self, batch: &mut Batch, id: CampaignId, shards: &[Shard]) {
        for shard in shards {
            batch.want(&self.table, &cursor::key(id, *shard));
            (0..ledger_keys::COUNTERS)
                .for_each(|number| batch.want(&self.table, &ledger_keys::counter(id, *shard, number)));
        }
    }

    fn progress_of(&self, campaign: &Campaign, found: &mut Found) -> Result<Progress, StoreError> {
        let id = campaign.campaign_id;
        let mut progress = Progress { prepared: true, ..Progress::default() };
        let mut counters = CounterItem::default();
        for shard in campaign.shards() {
            let cursor = found.take(&self.table, &cursor::key(id, shard))?;
            progress.prepared &= cursor.as_ref().is_some_and(|cursor| cursor.done);
            if let Some(cursor) = cursor {
                progress.audience += cursor.audience;
                progress.excluded.merge(&cursor.excluded);
            }
            for number in 0..ledger_keys::COUNTERS {
                if let Some(counter) = found.take(&self.table, &ledger_keys::counter(id, shard, number))? {
                    counters.merge(counter);
                }
            }
        }
        progress.outcomes = counters.outcomes(progress.audience);
        progress.feedback = counters.feedback();
        Ok(progress)
    }
}
