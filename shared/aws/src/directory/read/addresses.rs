//! Whose an address is.

use portal_domain::{DivisionId, EmailAddress, RecipientId};

use super::DirectoryReader;
use crate::directory::item::AddressItem;
use crate::directory::keys;
use crate::dynamo::{StoreError, batch_get, key};

impl DirectoryReader {
    /// The recipients with this address: at most one in each division.
    pub async fn recipients_with(&self, address: &EmailAddress) -> Result<Vec<RecipientId>, StoreError> {
        let divisions = self.divisions().await?;
        let rows = divisions.iter().map(|division| keys::address_pk(&division.division, address.as_str()));
        let rows = rows.map(|pk| (self.table.clone(), key(pk, keys::ADDRESS))).collect();
        let items = batch_get(&self.client, rows).await?;
        let rows = items.into_iter().map(|(_, item)| Ok(serde_dynamo::from_item::<_, AddressItem>(item)?.recipient_id));
        rows.collect()
    }

    /// The recipient with this address in a division, read consistently.
    pub async fn recipient_at(
        &self,
        division: &DivisionId,
        address: &EmailAddress,
    ) -> Result<Option<RecipientId>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key(keys::address_pk(division, address.as_str()), keys::ADDRESS)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| StoreError::of("read an address", error))?;
        let row: Option<AddressItem> = answer.item.map(serde_dynamo::from_item).transpose()?;
        Ok(row.map(|row| row.recipient_id))
    }
}
