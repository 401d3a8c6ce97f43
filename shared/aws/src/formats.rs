//! What is stored and queued is read by later versions and, during an update of the stack or after its rollback, by
//! earlier ones. Each file in `formats/` has one format: `today` as this version writes it, `others` as other versions
//! do. A changed format must read the files as they are: add to `others` what used to be `today`.

use portal_domain::campaign::audit::AuditEntry;
use portal_domain::link::Link;
use portal_domain::mail::template::{Head, Version};
use portal_domain::schedule::Occurrence;
use portal_domain::{Campaign, Division, Schedule, audit};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::campaigns::active::CampaignRef;
use crate::campaigns::claims::ClaimItem;
use crate::campaigns::ledger::counter::CounterItem;
use crate::campaigns::ledger::item::LedgerItem;
use crate::campaigns::ledger::list::LedgerPosition;
use crate::campaigns::walks::cursor::CursorItem;
use crate::derived::Build;
use crate::derived::control::{Aside, Control, Seen};
use crate::directory::account_item::{AccountItem, ChangingItem};
use crate::directory::erased::{ErasedItem, SecretItem};
use crate::directory::heartbeat::Heartbeat;
use crate::directory::item::{AccountRow, AddressItem, CredentialItem, RecipientItem};
use crate::directory::write::erase::{ErasingNote, Erasure};
use crate::idempotency::KeyItem;
use crate::outbox::event::Event;
use crate::outbox::notice::Notice;
use crate::queue::{DeliverMessage, FanOutMessage, ResendMessage};
use crate::schedules::scheduler::Due;

#[derive(Deserialize)]
struct Format {
    today: Value,
    others: Vec<Value>,
}

/// Reads and writes each sample of a file as a `T`.
fn survives<T: Serialize + DeserializeOwned>(file: &str) {
    let Format { today, others } = serde_json::from_str(file).expect("a format");
    let written = |json: &Value| {
        let read: T = serde_json::from_value(json.clone()).unwrap_or_else(|error| panic!("{error}: {json}"));
        serde_json::to_value(read).expect("JSON")
    };
    assert_eq!(written(&today), today);
    let mut later = today.clone();
    later["addedLater"] = json!(true);
    assert_eq!(written(&later), today, "fields of later versions are ignored");
    for other in &others {
        keeps(other, &written(other));
    }
}

/// Checks that what was read of another version is written as it was, but for fields that this version does not have.
/// Reasons that this version does not know keep their names, and unknown states are `unknown`.
fn keeps(read: &Value, written: &Value) {
    match (read, written) {
        (Value::Object(read), Value::Object(written)) => {
            read.iter().filter_map(|(name, value)| Some((value, written.get(name)?))).for_each(|(a, b)| keeps(a, b));
        }
        (Value::Array(read), Value::Array(written)) => {
            assert_eq!(read.len(), written.len());
            read.iter().zip(written).for_each(|(read, written)| keeps(read, written));
        }
        (Value::String(name), Value::String(unknown)) if name == "addedLater" && unknown == "unknown" => {}
        _ => assert_eq!(read, written),
    }
}

macro_rules! formats {
    ($($test:ident: $type:ty, $file:literal;)*) => {
        $(#[test]
        fn $test() {
            survives::<$type>(include_str!(concat!("formats/", $file, ".json")));
        })*
    };
}

formats! {
    a_campaign: Campaign, "campaign";
    a_cursor_of_a_shard_whatever_reasons_it_counts: CursorItem, "cursor";
    a_ledger_row_whatever_its_reason: LedgerItem, "ledger-row";
    a_claim: ClaimItem, "claim";
    a_counter: CounterItem, "counter";
    an_idempotency_key: KeyItem, "idempotency-key";
    an_entry_of_a_trail: AuditEntry, "trail-entry";
    an_entry_of_the_audit: audit::Entry, "audit-entry";
    an_occurrence: Occurrence, "occurrence";
    a_schedule: Schedule, "schedule";
    a_notice_of_a_campaign: Notice, "notice-of-campaign";
    a_notice_of_a_schedule: Notice, "notice-of-schedule";
    an_event: Event, "event";
    a_recipient: RecipientItem, "recipient";
    a_credential: CredentialItem, "credential";
    an_erasure: Erasure, "erasure";
    a_message_to_fan_out: FanOutMessage, "fan-out-message";
    a_message_to_deliver: DeliverMessage, "deliver-message";
    a_message_to_resend: ResendMessage, "resend-message";
    a_call_of_scheduler: Due, "due-message";
    a_position_in_a_ledger: LedgerPosition, "list-position";
    a_lock: CampaignRef, "lock";
    a_division: Division, "division";
    a_template: Head, "template";
    a_version_of_a_template: Version, "template-version";
    an_account: AccountItem, "account";
    an_account_in_the_index: AccountRow, "account-row";
    an_account_that_is_being_changed: ChangingItem, "changing-account";
    a_link: Link, "link";
    an_address: AddressItem, "address";
    the_secret_of_erased_addresses: SecretItem, "secret";
    an_erased_address: ErasedItem, "erased-address";
    an_erasure_that_goes_on: ErasingNote, "erasing";
    a_heartbeat: Heartbeat, "heartbeat";
    an_epoch: Control, "epoch";
    the_progress_of_counting: Build, "build";
    an_owner_set_aside: Aside, "aside";
    the_heartbeats_seen: Seen, "heartbeats-seen";
}
