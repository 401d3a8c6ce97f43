//! Clears the mark of a recipient with an undeliverable address.

use jiff::Timestamp;
use portal_domain::campaign::audit::{Action, Actor, AuditEntry};
use portal_domain::feedback::Standing;
use portal_domain::recipient::ERASED;
use portal_domain::{Outcome, RecipientId};

use super::PeopleStore;
use crate::directory::item::{MailMark, RecipientItem};
use crate::directory::read::DirectoryReader;
use crate::table::{Attempts, StoreError, Transacted};

impl PeopleStore {
    /// Clears the mark of a recipient whose mail bounced or who complained, with an entry in the audit trail, so that
    /// the recipient can be mailed again. If the newest e-mail bounced, the recipient no longer counts as recently
    /// invited.
    /// `false` if there was no mark.
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
            let bounced = if why == <&str>::from(Standing::Bounced) { self.newest_bounced(&item).await? } else { None };
            let mut tx = self.directory.tx("clear a recipient");
            tx.add(self.recipients.clear_undeliverable(&item, bounced));
            tx.add(self.trails.add_about_recipient(recipient, &AuditEntry::new(now, by, Action::Cleared)));
            match tx.write().await? {
                Transacted::Done => return Ok(true),
                Transacted::Refused(_) => {}
            }
        }
        Err(StoreError::Busy("clear a recipient"))
    }

    /// When the newest e-mail to a recipient was claimed, if it bounced.
    async fn newest_bounced(&self, item: &RecipientItem) -> Result<Option<Timestamp>, StoreError> {
        let Some(campaign) = item.last_campaign_id else { return Ok(None) };
        let row = self.ledger.row(campaign, item.recipient_id).await?;
        // During a retry, the standing is that of an earlier attempt.
        let sent = row.filter(|row| row.outcome == Outcome::Sent);
        let bounced = sent.and_then(|row| row.standing);
        let bounced = matches!(bounced, Some(Standing::Bounced | Standing::SoftBounced));
        Ok(item.last_invited_at.filter(|_| bounced))
    }
}
