//! Whose an address is.

use portal_domain::{EmailAddress, RecipientId};

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
}
