//! Checks of ledger rows: their transitions, and whom a claim may take.

use jiff::{SignedDuration, Timestamp};
use portal_aws::campaigns::keys::campaign_of;
use portal_aws::campaigns::ledger::item::LedgerItem;
use portal_aws::directory::item::RecipientItem;
use portal_domain::recipient::Selected;
use portal_domain::{CampaignId, Outcome, PortalStatus, Recipient, RecipientId};

use super::{CLOCKS, Checks, Claimed, Instance, Invited, RowSeen};
use crate::cloud::DIRECTORY;
use crate::cloud::tables::{Change, Image};

/// Nobody is invited twice within this time.
const RECENTLY: SignedDuration = SignedDuration::from_hours(24);

impl Checks {
    pub(super) fn row(&mut self, change: &Change, all: &[Change], instance: &Instance, now: Timestamp) {
        let Some(campaign) = campaign_of(&change.name.pk) else { return };
        let Some(after) = change.after.as_ref().map(Image::read::<LedgerItem>) else {
            return self.broken(now, format!("row {} of {campaign} is gone", change.name.sk));
        };
        let recipient = after.recipient_id;
        let expires = change.after.as_ref().is_some_and(|image| image.has("ttl"));
        if expires != after.outcome.is_end() {
            let what = format!("a row of {campaign} is {}, expires: {expires}", <&str>::from(after.outcome));
            self.broken_for(now, recipient, what);
        }
        let Some(before) = change.before.as_ref().map(Image::read::<LedgerItem>) else {
            self.new_row(campaign, &after, now);
            return self.granted(campaign, recipient, all, now);
        };
        self.transitions.insert((<&str>::from(before.outcome), <&str>::from(after.outcome)));
        if let Some(row) = self.rows.get_mut(&(campaign, recipient)) {
            row.outcome = after.outcome;
            row.attempt = after.attempt;
        }
        match (before.outcome, after.outcome) {
            (Outcome::Queued, Outcome::Claimed) => self.claimed(campaign, &after, all, instance, now),
            (Outcome::Claimed, Outcome::Queued) => self.taken_back(campaign, &after, now),
            (Outcome::Claimed | Outcome::Unconfirmed | Outcome::Sent, Outcome::Failed) => {
                match after.reason.as_deref() {
                    Some("rejected") => self.rejected(campaign, &after),
                    Some("settled") => {}
                    _ => self.taken_back(campaign, &after, now),
                }
            }
            (Outcome::Failed | Outcome::Unconfirmed, Outcome::Queued) => {
                if let Some(row) = self.rows.get_mut(&(campaign, recipient)) {
                    row.retried = after.attempt;
                }
                if instance.function != "fan-out" {
                    self.broken_for(now, recipient, format!("{} tried them again", instance.name));
                }
            }
            (Outcome::Claimed, Outcome::Unconfirmed) if instance.function == "sweep" => {
                self.settled(&before, now);
            }
            // A person may have settled it as sent; an erasure changes it after that.
            (was, Outcome::Sent) if was != Outcome::Sent && instance.function != "campaigns" => {
                let row = self.rows.get(&(campaign, recipient));
                if row.is_none_or(|row| !row.mailed.contains(&after.attempt)) {
                    let what = format!("{} says that attempt {} of {campaign} was sent", instance.name, after.attempt);
                    self.broken_for(now, recipient, what);
                }
            }
            _ => {}
        }
    }

    fn new_row(&mut self, campaign: CampaignId, row: &LedgerItem, now: Timestamp) {
        let seen = RowSeen {
            outcome: row.outcome,
            attempt: row.attempt,
            owner: String::new(),
            mailed: Vec::new(),
            retried: 0,
            rejected: 0,
        };
        self.rows.insert((campaign, row.recipient_id), seen);
        let Some(seen) = self.campaigns.get_mut(&campaign) else {
            return self.broken(now, format!("a row of {campaign}, which there is not"));
        };
        seen.rows += 1;
        if let Some(promised) = seen.promised.filter(|promised| seen.rows > *promised) {
            let what = format!("guarantee 7: {campaign} takes in row {}, and {promised} were promised", seen.rows);
            self.broken_for(now, row.recipient_id, what);
        }
    }

    /// A claim. The recipient was written with the row; their earlier state decides whether the claim was allowed.
    fn claimed(&mut self, campaign: CampaignId, row: &LedgerItem, all: &[Change], instance: &Instance, now: Timestamp) {
        let id = row.recipient_id;
        if let Some(seen) = self.rows.get_mut(&(campaign, id)) {
            seen.owner.clone_from(&instance.name);
        }
        let before = written(id, all).and_then(|change| change.before.as_ref()).map(Image::read::<RecipientItem>);
        let (Some(before), Some(seen)) = (before, self.campaigns.get(&campaign).cloned()) else {
            return self.broken_for(now, id, format!("{campaign} claimed them without writing them"));
        };
        let recipient = Recipient::from(before.clone());
        let by_itself = before.last_campaign_id == Some(campaign);
        // A recipient who lost the password with the last account does not count as invited.
        let holds = before.expires_at.is_none_or(|at| at > now + CLOCKS);
        // Nor does one whose newest e-mail is known not to have arrived.
        let arrived = holds && !recipient.newest_bounced();
        let recently = arrived && before.last_invited_at.is_some_and(|at| now.duration_since(at) < RECENTLY - CLOCKS);
        let asked = seen.campaign.self_service.is_some();
        let selected = self.whole.seen(&recipient).selected_by(&seen.campaign.filter);
        // An account may come in force between the decision and the claim, as if the e-mail had left a moment before.
        let decided_before = self.whole.changed_just_now(&recipient, now);
        let mut wrong = Vec::new();
        if before.status == PortalStatus::Accepted {
            wrong.push("guarantee 1: had accepted".to_owned());
        }
        if recently && !by_itself && !asked && !seen.campaign.include_recently_invited {
            wrong.push(format!("guarantee 8: was invited at {:?}", before.last_invited_at));
        }
        if selected == Selected::No && !decided_before {
            wrong.push("guarantee 6: was not in the selection any more".to_owned());
        }
        if let Some(why) = &recipient.undeliverable {
            wrong.push(format!("guarantee 6: was undeliverable ({why})"));
        }
        let person = self.people.entry(id).or_default();
        // A recipient who asks has been invited again since.
        if let Some(at) = person.set_back.filter(|at| *at >= seen.began && !asked) {
            wrong.push(format!("was set back at {at}, and the campaign began at {}", seen.began));
        }
        if let Some(digest) = row.digest.clone() {
            person.invitations.push(Invited { campaign, attempt: row.attempt, asked });
            person.claims.push(Claimed { campaign, attempt: row.attempt, digest, taken_back: false });
        }
        for what in wrong {
            self.broken_for(now, id, format!("claimed by {campaign}: {what}"));
        }
    }

    /// The row says that nothing left with its newest claim.
    fn taken_back(&mut self, campaign: CampaignId, row: &LedgerItem, now: Timestamp) {
        let id = row.recipient_id;
        self.forget_claim(campaign, row);
        // So SES refuses here only a sender that lost its verification: all e-mails, until it is verified again.
        if row.outcome == Outcome::Failed && row.reason.as_deref() == Some("MessageRejected") {
            self.broken_for(now, id, format!("{campaign} failed them because of its sender"));
        }
        if self.rows.get(&(campaign, id)).is_some_and(|seen| seen.mailed.contains(&row.attempt)) {
            let what = format!("attempt {} of {campaign} left, and the row says that it did not", row.attempt);
            self.broken_for(now, id, what);
        }
    }

    fn rejected(&mut self, campaign: CampaignId, row: &LedgerItem) {
        self.forget_claim(campaign, row);
        if let Some(seen) = self.rows.get_mut(&(campaign, row.recipient_id)) {
            seen.rejected = row.attempt;
        }
    }

    fn forget_claim(&mut self, campaign: CampaignId, row: &LedgerItem) {
        let person = self.people.entry(row.recipient_id).or_default();
        let claims = person.claims.iter_mut();
        for claim in claims.filter(|claim| claim.campaign == campaign && claim.attempt == row.attempt) {
            claim.taken_back = true;
        }
        person.invitations.retain(|invited| (invited.campaign, invited.attempt) != (campaign, row.attempt));
    }

    /// The sweep settles a claim, not before its time.
    fn settled(&mut self, row: &LedgerItem, now: Timestamp) {
        let claim = row.claim_id.and_then(|id| self.claims.get(&id.to_string())).cloned();
        if let Some(claim) = claim.filter(|claim| claim.until > now + CLOCKS) {
            let what = format!("a claim was settled that holds until {}", claim.until);
            self.broken_for(now, row.recipient_id, what);
        }
    }
}

/// The recipient's write in the same call.
pub(super) fn written(id: RecipientId, all: &[Change]) -> Option<&Change> {
    all.iter().find(|change| {
        change.name.table == DIRECTORY && change.name.sk == "RECIPIENT" && change.name.pk.ends_with(&id.to_string())
    })
}
