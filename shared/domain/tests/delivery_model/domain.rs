//! Conversion of the model's state to the project's types, for `judge`.

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use portal_domain::campaign::Campaign;
use portal_domain::recipient::{Links, SetBack};
use portal_domain::selection::{Verdict, judge};
use portal_domain::{CampaignId, DivisionId, Recipient, RecipientId};

use crate::bounds::Protocol;
use crate::state::{CampaignItem, Mailer, Person, Prior};

/// When everything happens. The campaign began a minute before.
pub fn now() -> Timestamp {
    Timestamp::from_second(1_795_000_000).expect("a time")
}

/// A campaign as it is stored.
pub fn campaign(item: &CampaignItem) -> Campaign {
    static SAMPLE: LazyLock<Campaign> = LazyLock::new(|| {
        let stored = serde_json::json!({
            "campaignId": id_of(Mailer::Ours), "state": "preparing", "filter": {"division": "NORTH"},
            "templateId": "portal-invitation", "templateVersion": 1, "emailFrom": "a@example.com",
            "expectedRecipients": 1, "createdBy": "ann", "createdAt": now() - SignedDuration::from_mins(1),
        });
        serde_json::from_value(stored).expect("a campaign as it is stored")
    });
    let CampaignItem { state, reason, retrying, over } = *item;
    Campaign { state, state_reason: reason.map(Into::into), retrying, completed_at: over.then(now), ..SAMPLE.clone() }
}

fn id_of(mailer: Mailer) -> CampaignId {
    match mailer {
        Mailer::Older => CampaignId::from_parts(1, 1),
        Mailer::Ours => CampaignId::from_parts(2, 2),
        Mailer::Other => CampaignId::from_parts(3, 3),
    }
}

/// Why the campaign does not e-mail this person, if it doesn't. `judge` decides.
pub fn reason_against(protocol: Protocol, campaign: &Campaign, person: &Person) -> Option<&'static str> {
    static SAMPLE: LazyLock<Recipient> = LazyLock::new(|| {
        let links = Links { account_count: 1, ..Links::default() };
        let id = RecipientId::from_random([1; 16]);
        Recipient::never_invited(id, DivisionId::new("NORTH"), "ann@example.com".to_owned(), links)
    });
    let Prior { status, invited_by, .. } = person.invitation;
    // Without the correction a withdrawal is not recorded.
    let withdrawn = person.withdrawn.filter(|_| protocol.withdrawals_bind);
    let recipient = Recipient {
        status,
        last_campaign_id: invited_by.map(id_of),
        last_invited_at: invited_by.map(|mailer| match mailer {
            Mailer::Older => now() - SignedDuration::from_hours(48),
            Mailer::Ours | Mailer::Other => now(),
        }),
        set_back: withdrawn.map(|by| SetBack { at: now(), campaign_id: by.map(id_of) }),
        ..SAMPLE.clone()
    };
    let verdict = judge(&recipient, true, campaign.rules(now()));
    debug_assert!(verdict != Verdict::NotSelected, "everybody is selected");
    verdict.reason().map(<&str>::from)
}
