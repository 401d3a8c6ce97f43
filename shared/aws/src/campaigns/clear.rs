//! Taking back that mail does not reach a recipient.

use jiff::Timestamp;
use portal_domain::campaign::audit::{Action, Actor, AuditEntry};
use portal_domain::feedback::Standing;
use portal_domain::recipient::ERASED;
use portal_domain::{Outcome, RecipientId};

use super::CampaignStore;
use crate::directory::item::{MailMark, RecipientItem};
use crate::directory::read::DirectoryReader;
use crate::table::{Attempts, StoreError, Transacted};

impl CampaignStore {
    /// Lets a recipient be mailed again whose mail bounced or who complained, with who and when in the recipient's
    /// audit trail. If the newest e-mail bounced, it keeps no other back. `false` when there was nothing to take back.
    pub async fn clear_undeliverable(
        &self,
        recipient: RecipientId,
        by: &Actor,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let directory = DirectoryReader::of(self.directory.clone());
        let mut attempts = Attempts::default();
        while attempts.begin().await {
            let Some(item) = directory.recipient(recipient).await? else { return Ok(false) };
            let Some(MailMark::Undeliverable(why)) = &item.undeliverable else { return Ok(false) };
            if why == ERASED {
                return Ok(false);
            }
            let bounced = if why == Standing::Bounced.as_str() { self.newest_bounced(&item).await? } else { None };
            let mut tx = self.table.tx("clear a recipient");
            tx.add(self.recipients.clear_undeliverable(&item, bounced));
            tx.add(self.trails.add_about_recipient(recipient, &AuditEntry::new(now, by, Action::Cleared)));
            match tx.write().await? {
                Transacted::Done => return Ok(true),
                Transacted::Refused(_) => {}
            }
        }
        Err(StoreError::Busy("clear a recipient"))
    }

    /// When the newest e-mail to a recipient was claimed, if it came back.
    async fn newest_bounced(&self, item: &RecipientItem) -> Result<Option<Timestamp>, StoreError> {
        let Some(campaign) = item.last_campaign_id else { return Ok(None) };
        let row = self.ledger.row(campaign, item.recipient_id).await?;
        // While it is tried again, what came back is an earlier attempt.
        let sent = row.filter(|row| row.outcome == Outcome::Sent);
        let bounced = sent.and_then(|row| row.standing);
        let bounced = matches!(bounced, Some(Standing::Bounced | Standing::SoftBounced));
        Ok(item.last_invited_at.filter(|_| bounced))
    }
}
