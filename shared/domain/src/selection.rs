//! Decides who in a selection is e-mailed. Load, Send, fan-out and the sender all use [`judge`] (guarantee 6).

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audience::{Audience, Unaddressed};
use crate::reason::Reason;
use crate::recipient::SetBack;
use crate::standing::Standing;
use crate::{CampaignId, PortalStatus, Recipient};

/// Why someone in the selection without portal access is not e-mailed. The first that applies counts.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum Exclusion {
    /// Mail to the address bounced, or its owner complained.
    Undeliverable,
    /// Mailed in the last 24 to 25 hours, counted in whole hours, by another campaign or a resend.
    RecentlyInvited,
}

/// The decision about one recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// In the selection, and e-mailed.
    Mail,
    /// In the selection, with access already.
    Accepted,
    /// In the selection, and excluded.
    Excluded(Exclusion),
    /// In the selection, and set back by an operator since the campaign began.
    SetBack,
    /// In the selection, but not in the campaign's audience.
    NotAddressed(Unaddressed),
    /// Not in the selection.
    NotSelected,
}

impl Verdict {
    /// Why there is no e-mail, as the API and ledgers name it; `None` where there is one.
    pub fn reason(self) -> Option<Reason> {
        match self {
            Self::Mail => None,
            Self::Accepted => Some(Reason::Accepted),
            Self::Excluded(reason) => Some(reason.into()),
            Self::SetBack => Some(Reason::Withdrawn),
            Self::NotAddressed(_) | Self::NotSelected => Some(Reason::NoLongerSelected),
        }
    }
}

/// What a decision depends on besides the recipient and the filter.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The time of the decision.
    pub now: Timestamp,
    /// The campaign that decides; its own earlier mail excludes nobody.
    pub campaign: Option<CampaignId>,
    /// When that campaign began; recipients set back since are not mailed.
    pub began: Timestamp,
    /// Whether recipients invited in the last 24 hours may be mailed again.
    pub include_recently_invited: bool,
    /// Which part of the selection the campaign addresses.
    pub audience: Audience,
}

impl Rules {
    /// Whether the campaign must not mail a recipient with this set-back. Campaigns and set-backs have times of
    /// different functions' clocks, so the campaign that had invited the recipient is recognised by its id.
    fn respects(&self, set_back: SetBack) -> bool {
        let invited_by_it = set_back.campaign_id.is_some() && set_back.campaign_id == self.campaign;
        invited_by_it || (self.campaign.is_some() && set_back.at >= self.began)
    }

    /// The rules of a campaign that an operator would start at `now`.
    pub fn of_new_campaign(now: Timestamp, include_recently_invited: bool) -> Self {
        Self { now, campaign: None, began: now, include_recently_invited, audience: Audience::default() }
    }
}

/// Decides about a recipient. `selected` is whether at least one link meets the filter.
pub fn judge(recipient: &Recipient, selected: bool, rules: Rules) -> Verdict {
    if !selected {
        return Verdict::NotSelected;
    }
    let invited_by_it = rules.campaign.is_some() && recipient.last_campaign_id == rules.campaign;
    let is_set_back = recipient.set_back.is_some_and(|set_back| rules.respects(set_back));
    decide(&Standing::of(recipient), rules, invited_by_it, is_set_back)
}

/// Decides about all recipients of the selection with this standing, for a campaign that has not begun
/// ([`Rules::of_new_campaign`]).
pub fn judge_standing(standing: &Standing, rules: Rules) -> Verdict {
    decide(standing, rules, false, false)
}

fn decide(standing: &Standing, rules: Rules, invited_by_it: bool, is_set_back: bool) -> Verdict {
    // A recipient whom this campaign invited was in its audience. Being pending since does not exclude them from a
    // retry.
    let was_addressed = standing.status == PortalStatus::Pending && invited_by_it;
    if let Some(reason) = rules.audience.leaves_out(standing).filter(|_| !was_addressed) {
        return Verdict::NotAddressed(reason);
    }
    if standing.status == PortalStatus::Accepted {
        return Verdict::Accepted;
    }
    if is_set_back {
        return Verdict::SetBack;
    }
    if standing.block.is_some() {
        return Verdict::Excluded(Exclusion::Undeliverable);
    }
    if standing.is_recent_at(rules.now) && !invited_by_it && !rules.include_recently_invited {
        return Verdict::Excluded(Exclusion::RecentlyInvited);
    }
    Verdict::Mail
}

/// The counts of a selection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Recipients: always accepted + pending + notSent.
    pub total: u64,
    /// Active services of all accounts with at least one matching link of a recipient, each account once.
    pub active_services: u64,
    /// Recipients who have access.
    pub accepted: u64,
    /// Recipients invited but without access yet.
    pub pending: u64,
    /// Recipients never invited.
    pub not_sent: u64,
    /// Matching contacts without a usable address, each contact on each account once.
    pub unreachable: u64,
    /// pending + notSent less the excluded, and less those who are not addressed.
    pub will_email: u64,
    /// Excluded recipients, by reason.
    pub excluded: Excluded,
    /// Recipients outside of the audience, by reason; empty if everybody is addressed.
    #[serde(default, skip_serializing_if = "NotAddressed::is_nobody")]
    pub not_addressed: NotAddressed,
}

/// Numbers of recipients in the selection but not in the audience, each under one reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are the reasons of Unaddressed")]
pub struct NotAddressed {
    pub never_invited: u64,
    pub invited_before: u64,
    pub pending_too_short: u64,
    pub reminded_enough: u64,
}

impl NotAddressed {
    fn add(&mut self, reason: Unaddressed, people: u64) {
        *match reason {
            Unaddressed::NeverInvited => &mut self.never_invited,
            Unaddressed::InvitedBefore => &mut self.invited_before,
            Unaddressed::PendingTooShort => &mut self.pending_too_short,
            Unaddressed::RemindedEnough => &mut self.reminded_enough,
        } += people;
    }

    fn merge(&mut self, other: &Self) {
        self.never_invited += other.never_invited;
        self.invited_before += other.invited_before;
        self.pending_too_short += other.pending_too_short;
        self.reminded_enough += other.reminded_enough;
    }

    fn is_nobody(&self) -> bool {
        *self == Self::default()
    }
}

/// Numbers of excluded recipients by reason, each recipient under one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Excluded {
    /// Invited in the last 24 hours.
    pub recently_invited: u64,
    /// Whose mail bounced, or who complained.
    pub undeliverable: u64,
}

impl Excluded {
    /// Counts one more.
    pub fn add(&mut self, reason: Exclusion) {
        self.add_people(reason, 1);
    }

    fn add_people(&mut self, reason: Exclusion, people: u64) {
        match reason {
            Exclusion::RecentlyInvited => self.recently_invited += people,
            Exclusion::Undeliverable => self.undeliverable += people,
        }
    }

    /// Adds what another shard counted.
    pub fn merge(&mut self, other: &Self) {
        self.recently_invited += other.recently_invited;
        self.undeliverable += other.undeliverable;
    }
}

impl Counts {
    /// Counts one recipient, of whom `verdict` was decided.
    pub fn add_recipient(&mut self, recipient: &Recipient, verdict: Verdict) {
        self.add_people(recipient.status, verdict, 1);
    }

    /// Counts so many people of one status, of each of whom `verdict` was decided.
    pub fn add_people(&mut self, status: PortalStatus, verdict: Verdict, people: u64) {
        match verdict {
            Verdict::NotSelected => return,
            Verdict::Mail => self.will_email += people,
            Verdict::Accepted | Verdict::SetBack => {}
            Verdict::Excluded(reason) => self.excluded.add_people(reason, people),
            Verdict::NotAddressed(reason) => self.not_addressed.add(reason, people),
        }
        self.total += people;
        match status {
            PortalStatus::NotSent => self.not_sent += people,
            PortalStatus::Pending => self.pending += people,
            PortalStatus::Accepted => self.accepted += people,
        }
    }

    /// Adds what another shard counted.
    pub fn merge(&mut self, other: &Self) {
        self.total += other.total;
        self.active_services += other.active_services;
        self.accepted += other.accepted;
        self.pending += other.pending;
        self.not_sent += other.not_sent;
        self.unreachable += other.unreachable;
        self.will_email += other.will_email;
        self.excluded.merge(&other.excluded);
        self.not_addressed.merge(&other.not_addressed);
    }
}

/// A number of people in words: `1 person`, `12 people`.
pub fn people(count: u64) -> String {
    format!("{count} {}", if count == 1 { "person" } else { "people" })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use strum::VariantArray;

    use super::*;
    use crate::audience::AudienceRule;

    #[test]
    fn every_reason_has_one_name_in_the_api_in_ledgers_and_in_counts() {
        for &reason in Exclusion::VARIANTS {
            let name = <&str>::from(reason);
            assert_eq!(name.parse(), Ok(reason));
            assert_eq!(Verdict::Excluded(reason).reason().map(<&str>::from), Some(name));
            assert_eq!(serde_json::to_value(reason).expect("serialises"), name);
            let mut excluded = Excluded::default();
            excluded.add(reason);
            assert_eq!(serde_json::to_value(excluded).expect("serialises")[name], 1);
        }
        assert!("accepted".parse::<Exclusion>().is_err());
        assert_eq!(Verdict::Mail.reason(), None);
    }

    #[test]
    fn one_person_is_no_people() {
        assert_eq!([0, 1, 2].map(people), ["0 people", "1 person", "2 people"]);
    }

    #[test]
    fn the_table_of_all_reasons_for_and_against_an_e_mail() {
        let now: Timestamp = "2026-11-30T12:00:00Z".parse().expect("a time");
        let ours = CampaignId::from_parts(1, 1);
        let theirs = CampaignId::from_parts(2, 2);
        let day = SignedDuration::from_hours(24);
        let second = SignedDuration::from_secs(1);
        let base = Recipient::never_invited(
            crate::RecipientId::from_random([1; 16]),
            crate::DivisionId::new("D"),
            "a@example.com".to_owned(),
            crate::recipient::Links::default(),
        );
        let invited = |at, by| Recipient {
            status: PortalStatus::Pending,
            last_invited_at: Some(at),
            last_campaign_id: by,
            ..base.clone()
        };
        let bounced = |recipient| Recipient { undeliverable: Some("bounced".to_owned()), ..recipient };
        let cleared = |at, recipient| Recipient { cleared_bounce: Some(at), ..recipient };
        let set_back = |at, campaign_id| Recipient { set_back: Some(SetBack { at, campaign_id }), ..base.clone() };
        let recent = Verdict::Excluded(Exclusion::RecentlyInvited);
        let undeliverable = Verdict::Excluded(Exclusion::Undeliverable);
        // Recipient, verdict of our campaign, and when the request includes who was invited recently.
        let table = [
            (base.clone(), Verdict::Mail, Verdict::Mail),
            (Recipient { status: PortalStatus::Pending, ..base.clone() }, Verdict::Mail, Verdict::Mail),
            (Recipient { status: PortalStatus::Accepted, ..base.clone() }, Verdict::Accepted, Verdict::Accepted),
            (bounced(base.clone()), undeliverable, undeliverable),
            (bounced(invited(now, None)), undeliverable, undeliverable),
            (cleared(now - second, invited(now - second, Some(theirs))), Verdict::Mail, Verdict::Mail),
            (cleared(now - second, invited(now, Some(theirs))), recent, Verdict::Mail),
            (invited(now, None), recent, Verdict::Mail),
            (Recipient { expires_at: Some(now + day * 7), ..invited(now, None) }, recent, Verdict::Mail),
            (Recipient { expires_at: Some(now), ..invited(now, None) }, Verdict::Mail, Verdict::Mail),
            (invited(now - day + second, Some(theirs)), recent, Verdict::Mail),
            (invited(now - day, Some(theirs)), Verdict::Mail, Verdict::Mail),
            (invited(now - second, Some(ours)), Verdict::Mail, Verdict::Mail),
            (set_back(now - day, Some(ours)), Verdict::SetBack, Verdict::SetBack),
            (set_back(now, Some(theirs)), Verdict::SetBack, Verdict::SetBack),
            (set_back(now, None), Verdict::SetBack, Verdict::SetBack),
            (set_back(now - second, Some(theirs)), Verdict::Mail, Verdict::Mail),
            (set_back(now - second, None), Verdict::Mail, Verdict::Mail),
        ];
        for (recipient, expected, including) in table {
            let rules = Rules { campaign: Some(ours), ..Rules::of_new_campaign(now, false) };
            assert_eq!(judge(&recipient, true, rules), expected, "{recipient:?}");
            assert_eq!(judge(&recipient, false, rules), Verdict::NotSelected, "{recipient:?}");
            let rules = Rules { include_recently_invited: true, ..rules };
            assert_eq!(judge(&recipient, true, rules), including, "{recipient:?}");
        }
        let nobody = Rules::of_new_campaign(now, false);
        assert_eq!(judge(&invited(now, None), true, nobody), recent, "no campaign is not the same campaign");
        assert_eq!(judge(&set_back(now, None), true, nobody), Verdict::Mail, "a new campaign begins after it");
        let audience = AudienceRule::PENDING.at(now, &jiff::tz::TimeZone::UTC);
        let asked = Rules { audience, ..Rules::of_new_campaign(now, true) };
        let left_out = Verdict::NotAddressed(Unaddressed::NeverInvited);
        assert_eq!(judge(&base, true, asked), left_out, "never invited, or no longer");
        assert_eq!(left_out.reason(), Some(Reason::NoLongerSelected), "the word of ledgers");
        assert_eq!(judge(&invited(now, Some(theirs)), true, asked), Verdict::Mail);
    }
}
