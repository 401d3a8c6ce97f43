//! The recipients with an address.

use portal_domain::{DivisionId, EmailAddress, RecipientId};

use super::DirectoryReader;
use crate::directory::keys;
use crate::table::StoreError;

impl DirectoryReader {
    /// The recipients with this address: at most one in each division.
    pub async fn recipients_with(&self, address: &EmailAddress) -> Result<Vec<RecipientId>, StoreError> {
        let divisions = self.divisions().await?;
        let rows = divisions.iter().map(|division| keys::address(&division.division, address.as_str()));
        let rows = self.table.get_each("read addresses", rows).await?;
        Ok(rows.into_iter().map(|row| row.recipient_id).collect())
    }

    /// The recipients with these addresses in a division, read consistently. Each address is given once.
    pub async fn recipients_at(
        &self,
        division: &DivisionId,
        addresses: &[EmailAddress],
    ) -> Result<Vec<RecipientId>, StoreError> {
        let rows = addresses.iter().map(|address| keys::address(division, address.as_str()));
        let rows = self.table.get_each("read addresses", rows).await?;
        Ok(rows.into_iter().map(|row| row.recipient_id).collect())
    }

    /// The recipient with this address in a division, read consistently.
    pub async fn recipient_at(
        &self,
        division: &DivisionId,
        address: &EmailAddress,
    ) -> Result<Option<RecipientId>, StoreError> {
        let row = self.table.get("read an address", &keys::address(division, address.as_str())).await?;
        Ok(row.map(|row| row.recipient_id))
    }
}
