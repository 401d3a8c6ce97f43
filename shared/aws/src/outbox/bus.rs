//! Publishes events for the company's portal on an EventBridge bus.

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use jiff::Timestamp;
use portal_domain::{CampaignId, DivisionId, RecipientId};
use serde::Serialize;

use super::Outbox;
use super::event::{Event, Happened};
use crate::context::Context;
use crate::settings::InvalidSetting;
use crate::table::StoreError;

/// The source that all events name.
pub const SOURCE: &str = "portal-invites";

/// Most entries of one call (EventBridge's limit).
const BATCH: usize = 10;

/// Events could not be published. They are kept, and published later.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// The call failed.
    #[error("EventBridge could not take events: {0}")]
    Call(String),
    /// EventBridge refused some of them, for this reason.
    #[error("EventBridge refused an event: {0}")]
    Refused(String),
    /// Another version wrote some of them, and has to publish them.
    #[error("some events are of a kind that this version does not know")]
    Unknown,
    /// Published events could not be deleted, so they will be published again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The bus that the company's portal listens to.
#[derive(Clone, Debug)]
pub struct EventBus {
    client: Client,
    name: String,
    outbox: Outbox,
}

/// The detail of an event. Its fields are a public contract.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Detail<'a> {
    event_id: &'a str,
    recipient_id: RecipientId,
    division: &'a DivisionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    campaign_id: Option<CampaignId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unlinked_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    linked_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    erased_at: Option<Timestamp>,
}

impl EventBus {
    /// The bus `EVENT_BUS_NAME`.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        let name = context.settings.required("EVENT_BUS_NAME")?;
        Ok(Self { client: Client::new(&context.config), name, outbox: Outbox::new(context)? })
    }

    /// Publishes events, and deletes those that EventBridge accepted. A crash in between publishes them again. A
    /// refused event does not stop the others.
    pub async fn publish(&self, events: &[Event]) -> Result<(), EventError> {
        let (mut refused, mut unknown) = (None, false);
        for batch in events.chunks(BATCH) {
            let known: Vec<_> = batch.iter().filter_map(|event| Some((event, described(event)?))).collect();
            unknown |= known.len() < batch.len();
            if known.is_empty() {
                continue;
            }
            let entries = known.iter().map(|(_, described)| self.entry(described)).collect::<Result<Vec<_>, _>>()?;
            let answer = self.client.put_events().set_entries(Some(entries)).send().await;
            let answer = answer.map_err(|error| {
                EventError::Call(aws_sdk_eventbridge::error::DisplayErrorContext(error).to_string())
            })?;
            // One answer for each entry, in order.
            for ((event, _), answer) in known.iter().zip(answer.entries()) {
                match answer.error_code() {
                    None => self.outbox.delete_event(event).await?,
                    Some(code) => refused = Some(code.to_owned()),
                }
            }
        }
        match refused {
            Some(code) => Err(EventError::Refused(code)),
            None if unknown => Err(EventError::Unknown),
            None => Ok(()),
        }
    }

    fn entry(&self, (kind, detail): &Described<'_>) -> Result<PutEventsRequestEntry, EventError> {
        let detail = serde_json::to_string(detail).map_err(|error| EventError::Call(error.to_string()))?;
        let entry = PutEventsRequestEntry::builder().event_bus_name(&self.name).source(SOURCE).detail_type(*kind);
        Ok(entry.detail(detail).build())
    }
}

/// The type of an event, and its detail.
type Described<'a> = (&'static str, Detail<'a>);

/// What is published of an event; `None` if this version does not know what happened.
fn described(event: &Event) -> Option<Described<'_>> {
    let Event { event_id, happened, recipient_id, division, at } = event;
    let detail = Detail {
        event_id,
        recipient_id: *recipient_id,
        division,
        campaign_id: None,
        accepted_at: None,
        revoked_at: None,
        unlinked_at: None,
        linked_at: None,
        erased_at: None,
    };
    Some(match *happened {
        Happened::Accepted { campaign_id } => {
            ("portal.invitation.accepted", Detail { campaign_id: Some(campaign_id), accepted_at: Some(*at), ..detail })
        }
        Happened::Revoked => ("portal.acceptance.revoked", Detail { revoked_at: Some(*at), ..detail }),
        Happened::Unlinked => ("portal.recipient.unlinked", Detail { unlinked_at: Some(*at), ..detail }),
        Happened::Linked => ("portal.recipient.linked", Detail { linked_at: Some(*at), ..detail }),
        Happened::Erased => ("portal.recipient.erased", Detail { erased_at: Some(*at), ..detail }),
        Happened::Unknown => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_says_who_and_when_in_ids_and_nothing_else() {
        let recipient_id = RecipientId::from_random([1; 16]);
        let campaign_id = CampaignId::from_parts(1, 1);
        let at: Timestamp = "2026-11-30T12:00:00Z".parse().expect("a time");
        let division = DivisionId::new("DAYTON");
        let event =
            |happened| Event { event_id: "01E".to_owned(), happened, recipient_id, division: division.clone(), at };
        let accepted = event(Happened::Accepted { campaign_id });
        let (kind, detail) = described(&accepted).expect("a kind");
        let expected = json!({"eventId": "01E", "recipientId": recipient_id, "division": "DAYTON",
            "campaignId": campaign_id, "acceptedAt": "2026-11-30T12:00:00Z"});
        assert_eq!((kind, json!(detail)), ("portal.invitation.accepted", expected));
        let revoked = event(Happened::Revoked);
        let (kind, detail) = described(&revoked).expect("a kind");
        let expected = json!({"eventId": "01E", "recipientId": recipient_id, "division": "DAYTON", "revokedAt": "2026-11-30T12:00:00Z"});
        assert_eq!((kind, json!(detail)), ("portal.acceptance.revoked", expected));
    }

    #[test]
    fn an_event_is_read_as_it_was_written() {
        let event = Event {
            event_id: "01E".to_owned(),
            happened: Happened::Accepted { campaign_id: CampaignId::from_parts(1, 1) },
            recipient_id: RecipientId::from_random([1; 16]),
            division: DivisionId::new("DAYTON"),
            at: "2026-11-30T12:00:00Z".parse().expect("a time"),
        };
        let item: crate::table::Item = serde_dynamo::to_item(&event).expect("an item");
        assert_eq!(serde_dynamo::from_item::<_, Event>(item).expect("reads"), event);
    }
}
