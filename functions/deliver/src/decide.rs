//! Deciding about each recipient at the last moment, and making the e-mails.

use std::sync::Arc;

use jiff::Timestamp;
use portal_aws::campaigns::claims::claim::{Action, Decision};
use portal_aws::campaigns::claims::delivery::Delivery;
use portal_aws::campaigns::ledger::item::LedgerItem;
use portal_aws::clock;
use portal_aws::directory::item::RecipientItem;
use portal_aws::directory::templates::Unusable;
use portal_aws::recipients::{Occasion, Prior, Undo};
use portal_aws::table::StoreError;
use portal_domain::campaign::INVITATION_LIFETIME;
use portal_domain::mail::{Compiled, Invitation, RenderError, Rendered};
use portal_domain::outcome::LedgerEvent;
use portal_domain::password::TemporaryPassword;
use portal_domain::selection::judge;
use portal_domain::{Campaign, Division, Outcome, PortalStatus, Reason, Recipient, RecipientId, resend};

use crate::Deliver;

/// An e-mail that leaves once its recipient is claimed.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub recipient_id: RecipientId,
    pub email: String,
    pub attempt: u32,
    pub rendered: Rendered,
    pub undo: Undo,
}

/// What was decided about those who are still `queued`.
#[derive(Debug, Default)]
pub(crate) struct Decided {
    /// What to write.
    pub decisions: Vec<Decision>,
    /// What to send once that is written.
    pub letters: Vec<Prepared>,
    /// Recipients who must wait: there are fewer slots than recipients, or another e-mail to them is on its way.
    pub waiting: Vec<RecipientId>,
}

/// An e-mail can't be made of its template.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum NotRenderable {
    /// The template's version is missing, or the rules of today refuse it.
    #[error(transparent)]
    Template(#[from] Unusable),
    /// The template can't be rendered, or names a server that the division does not list.
    #[error(transparent)]
    Render(#[from] RenderError),
}

impl Deliver {
    /// Decides about everyone who is still `queued`, and makes a fresh password for each of the at most `slots`
    /// recipients who get an e-mail (guarantee 4).
    pub(crate) async fn decide(
        &self,
        campaign: &Campaign,
        division: &Division,
        delivery: &Delivery,
        slots: usize,
        now: Timestamp,
    ) -> Result<Decided, StoreError> {
        let rules = campaign.rules(now);
        // The version that the campaign was started with, even if the template has been edited or deactivated since.
        let template = self.templates.compiled(&campaign.template_id, campaign.template_version).await?;
        let context = MailContext { template: &template, campaign, division, public_url: &self.public_url, now };
        let mut decided = Decided::default();
        for row in delivery.rows.values().filter(|row| row.outcome == Outcome::Queued) {
            let end = |event, reason| Decision { row: row.clone(), action: Action::End(event, reason) };
            let Some(item) = delivery.recipients.get(&row.recipient_id) else {
                decided.decisions.push(end(LedgerEvent::Skip, Reason::NoLongerSelected));
                continue;
            };
            let recipient = Recipient::from(item.clone());
            let selected = self.directory.selected(&recipient, &campaign.filter).await?;
            let verdict = judge(&recipient, selected, rules);
            let reason =
                verdict.reason().or_else(|| answered(campaign, item, &recipient).then_some(Reason::RecentlyInvited));
            let decision = match reason {
                Some(reason) => end(LedgerEvent::Skip, reason),
                None if decided.letters.len() == slots || self.is_being_mailed(campaign, item).await? => {
                    decided.waiting.push(row.recipient_id);
                    continue;
                }
                None => match context.prepare(row, item, &recipient) {
                    Ok((decision, letter)) => {
                        decided.letters.push(letter);
                        decision
                    }
                    Err(error) => {
                        tracing::error!(recipient.id = %row.recipient_id, error = %error, "e-mail can't be made");
                        end(LedgerEvent::GiveUp, Reason::NotRenderable)
                    }
                },
            };
            decided.decisions.push(decision);
        }
        Ok(decided)
    }

    /// Whether another campaign holds an unrecorded claim on this recipient, in a self-service campaign. If SES rejects
    /// that e-mail, its claim restores the state that it saved (guarantee 5), so this send must wait.
    async fn is_being_mailed(&self, campaign: &Campaign, item: &RecipientItem) -> Result<bool, StoreError> {
        let Some(last) = item.last_campaign_id.filter(|_| campaign.self_service.is_some()) else { return Ok(false) };
        let row = self.ledger.row(last, item.recipient_id).await?;
        Ok(row.is_some_and(|row| row.outcome == Outcome::Claimed))
    }
}

/// Whether the recipient asked more than once before an e-mail could leave, and got it in another campaign. Times alone
/// can't tell, because the clocks of two functions differ; the renewed invitation does.
fn answered(campaign: &Campaign, item: &RecipientItem, recipient: &Recipient) -> bool {
    campaign.self_service.is_some()
        && !is_again(campaign, item)
        && (resend::is_renewed(recipient, item.resent_at) || resend::is_answered(&item.resends, item.resent_at))
}

/// Whether this campaign e-mailed the recipient last, and is retrying.
fn is_again(campaign: &Campaign, item: &RecipientItem) -> bool {
    item.last_campaign_id == Some(campaign.campaign_id)
}

/// What all e-mails of a batch are made of.
struct MailContext<'a> {
    template: &'a Result<Arc<Compiled>, Unusable>,
    campaign: &'a Campaign,
    division: &'a Division,
    public_url: &'a str,
    now: Timestamp,
}

impl MailContext<'_> {
    /// Makes a password, the e-mail with it, and the claim that must be written before the e-mail may leave.
    fn prepare(
        &self,
        row: &LedgerItem,
        item: &RecipientItem,
        recipient: &Recipient,
    ) -> Result<(Decision, Prepared), NotRenderable> {
        let Self { division, public_url, now, .. } = *self;
        let password = TemporaryPassword::generate(&mut clock::rng());
        let digest = password.digest(clock::random());
        let expires_at = now + INVITATION_LIFETIME;
        let is_request = self.campaign.self_service.is_some();
        // A request for a new e-mail, which anybody can make, must not invalidate the earlier one (guarantee 5).
        let earlier = if is_request { item.valid_passwords(now) } else { Vec::new() };
        let earlier_passwords_end = item.was_mailed_a_password() && earlier.is_empty();
        let invitation =
            Invitation { recipient, division, password: &password, public_url, expires_at, earlier_passwords_end };
        let rendered = self.template.as_ref().map_err(Unusable::clone)?.render(&invitation)?;
        let letter = Prepared {
            recipient_id: row.recipient_id,
            email: recipient.email.to_string(),
            attempt: row.attempt + 1,
            rendered,
            undo: Undo { prior: Prior::from(item), digest: digest.clone() },
        };
        let occasion = if is_request {
            Occasion::Request { earlier, resends: resend::mailed(&item.resends, now) }
        } else if item.status == PortalStatus::Pending && !is_again(self.campaign, item) {
            Occasion::Reminder
        } else {
            Occasion::Invitation
        };
        let action = Action::Claim { recipient: Box::new(item.clone()), digest, expires_at, occasion };
        Ok((Decision { row: row.clone(), action }, letter))
    }
}
