//! The audit trails of campaigns and of recipients.

use portal_domain::RecipientId;
use portal_domain::campaign::audit::AuditEntry;

use super::{CampaignStore, keys};
use crate::table::{Action, StoreError};

impl CampaignStore {
    /// The action that adds an entry to a recipient's trail, where it is kept as long as a ledger row.
    pub(super) fn put_in_trail(&self, recipient: RecipientId, entry: &AuditEntry) -> Action {
        self.table.put(keys::entry(recipient, entry.at), entry).with("ttl", self.expiry(entry.at))
    }

    /// The newest `limit` entries about a campaign or a recipient, newest first, read consistently.
    pub async fn audit_trail(
        &self,
        subject: impl std::fmt::Display,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        self.table.first("read an audit trail", keys::trail(subject).backwards(), limit).await
    }
}
