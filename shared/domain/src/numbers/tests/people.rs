//! Random links, recipients, accounts and filters, of few values, so that they often meet.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use strum::VariantArray;

use crate::account::Reach;
use crate::audience::AudienceRule;
use crate::recipient::Links;
use crate::selection::Rules;
use crate::standing::Hour;
use crate::{CampaignId, DivisionId, Filter, LinkProfile, PortalStatus, Recipient, RecipientId};

/// The hour in which everything begins: 2026-11-22T00.
pub const EARLIEST: Hour = Hour::new(498_768);

/// Hours that everything takes.
pub const HOURS: i64 = 100;

pub fn division() -> DivisionId {
    DivisionId::new("D")
}

pub fn profile(class: &str) -> LinkProfile {
    LinkProfile {
        account_class: class.to_owned(),
        bill_group: String::new(),
        account_source: String::new(),
        site_sources: BTreeSet::new(),
        active_services: false,
        balance_due: false,
        automatic_payment: false,
        billing_contact: false,
    }
}

pub fn any_profile() -> impl Strategy<Value = LinkProfile> {
    let sources = prop::collection::btree_set("[AB]", 0..3);
    ("[XY]", "[XY]", "[XY]", sources, any::<[bool; 4]>()).prop_map(|(class, group, source, site_sources, flags)| {
        LinkProfile {
            account_class: class,
            bill_group: group,
            account_source: source,
            site_sources,
            active_services: flags[0],
            balance_due: flags[1],
            automatic_payment: flags[2],
            billing_contact: flags[3],
        }
    })
}

/// The links of one recipient; now and then more than the name of a set holds.
pub fn any_links() -> impl Strategy<Value = Vec<LinkProfile>> {
    let many = (0..50_usize, any_profile()).prop_map(|(more, link)| {
        let others = (0..more).map(|i| LinkProfile { bill_group: format!("G{i}"), ..link.clone() });
        others.chain([link.clone()]).collect()
    });
    prop_oneof![6 => prop::collection::vec(any_profile(), 0..6), 1 => many]
}

pub fn any_filter() -> impl Strategy<Value = Filter> {
    let value = |texts: &'static str| prop::option::weighted(0.4, texts);
    let values = (value("[XY]"), value("[XYG]"), value("[XY]"), value("[ABZ]"));
    (values, any::<[bool; 4]>()).prop_map(|((class, group, source, site), flags)| Filter {
        division: division(),
        account_class: class,
        bill_group: group,
        account_source: source,
        site_source: site,
        with_active_services: flags[0],
        with_balance_due: flags[1],
        billing_contacts_only: flags[2],
        without_automatic_payment: flags[3],
    })
}

pub fn any_time() -> impl Strategy<Value = Timestamp> {
    (0..HOURS * 60).prop_map(|minutes| EARLIEST.begin() + SignedDuration::from_mins(minutes))
}

/// A recipient whose links are not looked at.
pub fn any_recipient() -> impl Strategy<Value = Recipient> {
    let status = prop::sample::select(PortalStatus::VARIANTS);
    let invited = prop::option::weighted(0.7, (any_time(), prop::sample::select(vec![30_i64, 168 * 60])));
    let marks = (prop::option::weighted(0.2, Just("bounced".to_owned())), prop::bool::weighted(0.2));
    (status, invited, marks, prop::option::of(any_time()), 0..4_u32).prop_map(
        |(status, invited, (undeliverable, cleared), pending_since, reminders)| {
            let id = RecipientId::from_random([1; 16]);
            let at = invited.map(|(at, _)| at);
            Recipient {
                status,
                pending_since: pending_since.filter(|_| status == PortalStatus::Pending),
                reminders,
                last_invited_at: at,
                expires_at: invited.map(|(at, minutes)| at + SignedDuration::from_mins(minutes)),
                last_campaign_id: at.map(|_| CampaignId::from_parts(1, 1)),
                undeliverable,
                cleared_bounce: at.filter(|_| cleared),
                ..Recipient::never_invited(id, division(), "a@example.com".to_owned(), Links::default())
            }
        },
    )
}

/// The contacts of an account, and its active services.
pub fn any_account() -> impl Strategy<Value = (Vec<(LinkProfile, Reach)>, u64)> {
    let reach = (0..3_u32, 0..3_u32).prop_map(|(reachable, unreachable)| Reach { reachable, unreachable });
    (prop::collection::vec((any_profile(), reach), 0..4), 0..9_u64)
}

/// The rules of a new campaign, at any time.
pub fn any_rules() -> impl Strategy<Value = Rules> {
    let audience = prop::sample::select(vec!["notSent", "pending", "both"]);
    let limits = (prop::option::of(0..4_u32), prop::option::of(1..4_u32));
    let zone = prop::sample::select(vec!["UTC", "America/New_York", "Asia/Kathmandu"]);
    (any_time(), any::<bool>(), audience, limits, zone).prop_map(|(now, recent, status, (days, reminders), zone)| {
        let rule = AudienceRule::from_json(&serde_json::json!(status), "audience").expect("a rule");
        let rule = AudienceRule { pending_days: days, max_reminders: reminders, ..rule };
        let zone = jiff::tz::TimeZone::get(zone).expect("a zone");
        Rules { audience: rule.at(now, &zone), ..Rules::of_new_campaign(now, recent) }
    })
}
