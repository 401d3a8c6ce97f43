//! The recipients of one shard of a division, in the order of the index.

use portal_domain::{DivisionId, PortalStatus, Recipient, Shard};

use super::{AccountsInForce, DirectoryReader};
use crate::directory::keys;
use crate::table::StoreError;

/// Sorts after every character of an id, so that `<status>#~` is after all ids of a status.
const AFTER_IDS: char = '~';

/// Some recipients of a shard.
#[derive(Debug)]
pub struct Page {
    /// In the order of the index.
    pub recipients: Vec<Found>,
    /// The sort key after which to continue, [`keys::recipient_sort`] of the last of them; `None` at the end.
    pub next: Option<String>,
}

/// A recipient as it is in force, and its place in the index: that of the status on its own item, which may lag behind
/// an account that has just come in force.
#[derive(Clone, Debug)]
pub struct Found {
    /// The recipient.
    pub recipient: Recipient,
    /// The sort key.
    pub sort: String,
}

impl Found {
    /// A recipient whose place in the index is that of its status.
    pub fn by_status(recipient: Recipient) -> Self {
        Self { sort: keys::recipient_sort(recipient.status, recipient.recipient_id), recipient }
    }
}

impl DirectoryReader {
    /// Up to `limit` recipients of a shard with one of these statuses, which must be adjacent in the index, and who are
    /// linked to an account or who are not. `after` is the sort key of the last recipient seen, who need not exist any
    /// more.
    ///
    /// The index is eventually consistent: a recipient that was just written may be missing or outdated.
    pub async fn query_shard(
        &self,
        division: &DivisionId,
        shard: Shard,
        linked: bool,
        statuses: &[PortalStatus],
        after: Option<String>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let accounts = AccountsInForce::default();
        self.query_shard_with(&accounts, division, shard, linked, statuses, after, limit).await
    }

    /// As [`Self::query_shard`], with accounts that are being changed as they were when first read.
    #[expect(clippy::too_many_arguments, reason = "all but the first are those of query_shard")]
    pub(super) async fn query_shard_with(
        &self,
        accounts: &AccountsInForce,
        division: &DivisionId,
        shard: Shard,
        linked: bool,
        statuses: &[PortalStatus],
        after: Option<String>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let Some((first, last)) = range(statuses, after) else {
            return Ok(Page { recipients: Vec::new(), next: None });
        };
        let request = keys::recipients(division, shard, linked, &first, &last).limit(limit);
        let page = self.table.page("list recipients", request).await?;
        let more = page.has_more();
        let found: Vec<Found> = page.items.into_iter().map(Recipient::from).map(Found::by_status).collect();
        let next = found.last().filter(|_| more).map(|last| last.sort.clone());
        let (recipients, sorts): (Vec<_>, Vec<_>) =
            found.into_iter().map(|found| (found.recipient, found.sort)).unzip();
        let recipients = self.show(recipients, accounts).await?;
        let found = recipients.into_iter().zip(sorts).map(|(recipient, sort)| Found { recipient, sort });
        Ok(Page { recipients: found.collect(), next })
    }
}

/// The first and the last sort key of `statuses`, after `after`; `None` if nothing is left.
fn range(statuses: &[PortalStatus], after: Option<String>) -> Option<(String, String)> {
    let names = || statuses.iter().map(<&str>::from);
    let last = format!("{}#{AFTER_IDS}", names().max()?);
    let first = format!("{}#", names().min()?);
    // All ids have the same length, so nothing lies between a key and that key with one more character.
    let first = after.map_or(first.clone(), |after| first.max(format!("{after}{AFTER_IDS}")));
    (first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use portal_domain::PortalStatus::*;
    use portal_domain::RecipientId;
    use strum::VariantArray;

    use super::*;

    fn sort(status: PortalStatus, byte: u8) -> String {
        keys::recipient_sort(status, RecipientId::from_random([byte; 16]))
    }

    #[test]
    fn a_range_holds_its_statuses_and_no_other() {
        let (first, last) = range(&[NotSent, Pending], None).expect("a range");
        for byte in [0, 0x77, 0xff] {
            assert!(!(first.clone()..=last.clone()).contains(&sort(Accepted, byte)));
            assert!((first.clone()..=last.clone()).contains(&sort(NotSent, byte)));
            assert!((first.clone()..=last.clone()).contains(&sort(Pending, byte)));
        }
        let (first, last) = range(&[Accepted], None).expect("a range");
        assert!((first.clone()..=last.clone()).contains(&sort(Accepted, 0xff)) && last < sort(NotSent, 0));
    }

    #[test]
    fn a_range_goes_on_after_the_last_recipient_seen() {
        let (first, _) = range(PortalStatus::VARIANTS, Some(sort(NotSent, 5))).expect("a range");
        assert!(first > sort(NotSent, 5) && first < sort(NotSent, 6));
        let (first, last) = range(&[NotSent], Some(sort(Accepted, 5))).expect("a range");
        assert!(
            first <= sort(NotSent, 0) && last >= sort(NotSent, 0xff),
            "a position before the range takes nothing away"
        );
        assert_eq!(range(&[NotSent], Some(sort(Pending, 5))), None, "a position behind the range leaves nothing");
        assert_eq!(range(&[], None), None);
    }
}
