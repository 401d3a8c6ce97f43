//! Deciding about each recipient at the last moment, and making the e-mails.

use std::sync::Arc;

use jiff::Timestamp;
use portal_aws::campaigns::claim::{Action, Decision, Delivery};
use portal_aws::campaigns::item::{LedgerItem, Prior};
use portal_aws::campaigns::record::Undo;
use portal_aws::directory::item::RecipientItem;
use portal_aws::directory::templates::Unusable;
use portal_aws::dynamo::StoreError;
use portal_domain::campaign::INVITATION_LIFETIME;
use portal_domain::mail::{Compiled, Invitation, RenderError, Rendered};
use portal_domain::outcome::LedgerEvent;
use portal_domain::password::TemporaryPassword;
use portal_domain::selection::{Rules, judge};
use portal_domain::{Campaign, Division, Outcome, Recipient, RecipientId};

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
    /// Whose turn it is not yet: there are fewer slots than people.
    pub waiting: Vec<RecipientId>,
}

/// An e-mail can't be made of its template.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(crate) enum NotRenderable {
    /// The template's version is missing or broken.
    #[error(transparent)]
    Template(#[from] Unusable),
    /// The template can't be filled in.
    #[error(transparent)]
    Render(#[from] RenderError),
}

impl Deliver {
    /// Decides about everyone who is still `queued`. Those who get an e-mail, at most `slots` of them, get a fresh password, made
    /// here.
    pub(crate) async fn decide(
        &self,
        campaign: &Campaign,
        division: &Division,
        delivery: &Delivery,
        slots: usize,
        now: Timestamp,
    ) -> Result<Decided, StoreError> {
        let rules = Rules {
            now,
            campaign: Some(campaign.campaign_id),
            include_recently_invited: campaign.include_recently_invited,
        };
        // Exactly the version that the campaign was started with, whatever became of the template since.
        let template = self.templates.compiled(&campaign.template_id, campaign.template_version).await?;
        let mut decided = Decided::default();
        for row in delivery.rows.values().filter(|row| row.outcome == Outcome::Queued) {
            let end = |event, reason| Decision { row: row.clone(), action: Action::End(event, reason) };
            let Some(item) = delivery.recipients.get(&row.recipient_id) else {
                decided.decisions.push(end(LedgerEvent::Skip, "noLongerSelected"));
                continue;
            };
            let recipient = Recipient::from(item.clone());
            let selected = self.directory.selected(&recipient, &campaign.filter).await?;
            let verdict = judge(&recipient, selected, rules);
            let decision = match verdict.reason() {
                Some(reason) => end(LedgerEvent::Skip, reason),
                None if decided.letters.len() == slots => {
                    decided.waiting.push(row.recipient_id);
                    continue;
                }
                None => match self.prepare(&template, row, item, &recipient, division, now) {
                    Ok((decision, letter)) => {
                        decided.letters.push(letter);
                        decision
                    }
                    Err(error) => {
                        tracing::error!(recipient.id = %row.recipient_id, error = %error, "e-mail can't be made");
                        end(LedgerEvent::GiveUp, "notRenderable")
                    }
                },
            };
            decided.decisions.push(decision);
        }
        Ok(decided)
    }

    fn prepare(
        &self,
        template: &Result<Arc<Compiled>, Unusable>,
        row: &LedgerItem,
        item: &RecipientItem,
        recipient: &Recipient,
        division: &Division,
        now: Timestamp,
    ) -> Result<(Decision, Prepared), NotRenderable> {
        let password = TemporaryPassword::generate(&mut rand::rng());
        let digest = password.digest(rand::random());
        let expires_at = now + INVITATION_LIFETIME;
        let public_url = &self.public_url;
        let invitation = Invitation { recipient, division, password: &password, public_url, expires_at };
        let rendered = template.as_ref().map_err(|error| *error)?.render(&invitation)?;
        let prior = Prior {
            status: item.status,
            digest: item.digest.clone(),
            last_invited_at: item.last_invited_at,
            expires_at: item.expires_at,
            last_campaign_id: item.last_campaign_id,
        };
        let letter = Prepared {
            recipient_id: row.recipient_id,
            email: recipient.email.to_string(),
            attempt: row.attempt + 1,
            rendered,
            undo: Undo { prior, digest: digest.clone() },
        };
        let action = Action::Claim { recipient: Box::new(item.clone()), digest, expires_at };
        Ok((Decision { row: row.clone(), action }, letter))
    }
}
