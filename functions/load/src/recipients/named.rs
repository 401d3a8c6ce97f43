//! The recipients of a list that names an account or an address: they are read by key, and not from the division's
//! index.

use std::collections::BTreeSet;

use portal_aws::clock;
use portal_domain::account::Contact;
use portal_domain::input::FieldError;
use portal_domain::selection::Rules;
use portal_domain::{EmailAddress, Recipient, RecipientId};
use portal_http::Problem;

use super::Wanted;
use super::page::List;
use super::row::Row;
use crate::Load;
use crate::page::{Bounds, bytes};

/// How many recipients are read at once.
const AT_ONCE: usize = 100;

impl Load {
    /// The matching recipients `after` this one, in order of their ids, and the one to continue after if there are
    /// more.
    pub(super) async fn named(
        &self,
        wanted: &Wanted,
        rules: Rules,
        after: Option<RecipientId>,
        bounds: Bounds,
    ) -> Result<(Vec<Row>, Option<RecipientId>), Problem> {
        let addresses = self.addresses(wanted).await?;
        let named: BTreeSet<_> =
            self.directory.recipients_at(&wanted.filter.division, &addresses).await?.into_iter().collect();
        let ids: Vec<_> = named.into_iter().filter(|id| after.is_none_or(|after| *id > after)).collect();
        let list = List::new(&self.directory, wanted, rules);
        let (mut rows, mut size, mut last) = (Vec::new(), 0, None);
        for chunk in ids.chunks(AT_ONCE) {
            let mut recipients: Vec<_> =
                self.directory.recipients(chunk).await?.into_iter().map(Recipient::from).collect();
            recipients.sort_by_key(|recipient| recipient.recipient_id);
            for recipient in recipients {
                let is_full = rows.len() >= bounds.rows || size >= bounds.bytes || clock::now() >= bounds.until;
                if is_full && last.is_some() {
                    return Ok((rows, last));
                }
                last = Some(recipient.recipient_id);
                if list.has(&recipient).await? {
                    let found = list.rows(vec![(recipient, ())]).await?.into_iter().map(|(row, ())| row);
                    rows.extend(found.inspect(|row| size += bytes(row)));
                }
            }
        }
        Ok((rows, None))
    }

    /// The addresses to look up: those of the account's contacts, or the one that is named.
    async fn addresses(&self, wanted: &Wanted) -> Result<Vec<EmailAddress>, Problem> {
        let named = wanted.email.clone();
        let Some(id) = &wanted.account_id else { return Ok(named.into_iter().collect()) };
        let account = self.directory.accounts(std::slice::from_ref(id)).await?.pop();
        // An account of another division is not found (guarantee 9).
        let account = account.filter(|account| account.division == wanted.filter.division);
        let unknown = || FieldError::new("accountId", "is not an account of this division");
        let contacts = account.ok_or_else(unknown)?.contacts;
        let usable = contacts.iter().filter_map(|contact: &Contact| contact.address.usable());
        let addresses: BTreeSet<_> =
            usable.filter(|email| named.as_ref().is_none_or(|named| named == *email)).collect();
        Ok(addresses.into_iter().cloned().collect())
    }
}
