//! A sample recipient for previews and test mails.

use crate::recipient::{Links, NamedAccount};
use crate::{AccountId, Division, Recipient, RecipientId};

/// A sample person with a sample account in this division.
pub fn recipient(division: &Division) -> Recipient {
    let name = "Sam Sample".to_owned();
    let account = NamedAccount {
        account_id: AccountId::new("SAMPLE-1"),
        account_name: "Sample account".to_owned(),
        contact_name: name,
    };
    Recipient::never_invited(
        RecipientId::from_random([0; 16]),
        division.division.clone(),
        "sam.sample@example.com".to_owned(),
        Links { profiles: None, account_count: 1, accounts: vec![account], ..Links::default() },
    )
}
