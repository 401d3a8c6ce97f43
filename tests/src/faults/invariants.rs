//! What must hold once a campaign is over, whatever went wrong while it was under way.
//!
//! Everything is compared person by person: the e-mails that SES took, the ledgers of all campaigns, and the recipient. The answer
//! is a list of sentences, each of which is a broken promise.

use std::collections::HashMap;

use axum::http::StatusCode;
use portal_aws::campaigns::item::LedgerItem;
use portal_aws::directory::item::RecipientItem;
use portal_domain::feedback::Standing;
use portal_domain::password::PasswordDigest;
use portal_domain::{CampaignId, Outcome, PortalStatus, RecipientId};
use serde_json::Value;

use super::report::Report;
use super::scene::{Known, Scene};
use crate::http::Call;
use crate::mailbox::Mail;

/// One campaign's ledger.
struct Ledger {
    campaign: CampaignId,
    /// An operator ended it.
    cancelled: bool,
    /// An operator had the unconfirmed mailed again.
    retried: bool,
    rows: HashMap<RecipientId, LedgerItem>,
}

/// One person, and all that there is about them.
struct Person<'a> {
    recipient: RecipientItem,
    mails: Vec<&'a Mail>,
    /// As it was when they accepted, if they did.
    accepted: Option<&'a RecipientItem>,
    /// Their account went and came during the newest campaign.
    moved: bool,
}

/// Looks at everything, now that the newest campaign should be over. Answers which promises are broken.
pub async fn broken(scene: &Scene) -> Vec<String> {
    let known = scene.knows(Known::clone);
    let mut broken = Vec::new();
    let mut ledgers = Vec::new();
    for campaign in &known.campaigns {
        let rows = scene.world.ledger(*campaign).await;
        let shown = scene.world.campaign(*campaign).await;
        broken.extend(totals(*campaign, &shown, &rows));
        ledgers.push(Ledger {
            campaign: *campaign,
            cancelled: shown["state"] == "cancelled",
            retried: known.retried.contains(campaign),
            rows: rows.into_iter().map(|row| (row.recipient_id, row)).collect(),
        });
    }
    broken.extend(leftovers(scene, &known).await);

    let mails = scene.world.mails().await;
    let mut by_address: HashMap<&str, Vec<&Mail>> = HashMap::new();
    for mail in &mails {
        by_address.entry(mail.to[0].as_str()).or_default().push(mail);
    }
    for person in 0..scene.people {
        let email = scene.email(person);
        let person = Person {
            recipient: scene.world.recipient("NORTH", &email).await.unwrap(),
            mails: by_address.remove(email.as_str()).unwrap_or_default(),
            accepted: known.accepted.get(&email),
            moved: known.moved.contains(&email),
        };
        broken.extend(person.broken(&ledgers).into_iter().map(|promise| format!("{email}: {promise}")));
    }
    broken.extend(by_address.keys().map(|address| format!("{address} was mailed and is nobody")));
    broken
}

/// Adds to a report what the newest campaign's ledger says, and how many e-mails there are.
pub async fn count(scene: &Scene, report: &mut Report) {
    for campaign in scene.knows(|known| known.campaigns.clone()) {
        report.campaigns += 1;
        for row in scene.world.ledger(campaign).await {
            *report.outcomes.entry(row.outcome.as_str()).or_default() += 1;
        }
    }
    report.mails += scene.world.mails().await.len() as u64;
}

/// The campaign is over, and its counters are what its ledger adds up to.
fn totals(id: CampaignId, campaign: &Value, rows: &[LedgerItem]) -> Vec<String> {
    let mut broken = Vec::new();
    if campaign["completedAt"].is_null() || !(campaign["state"] == "completed" || campaign["state"] == "cancelled") {
        broken.push(format!("campaign {id}: is not over: {}", campaign["state"]));
    }
    let mut equal = |what: &str, counted: &Value, expected: usize| {
        if *counted != expected {
            broken.push(format!("campaign {id}: {what} is {counted}, by the ledger {expected}"));
        }
    };
    equal("the audience", &campaign["audience"], rows.len());
    for outcome in Outcome::ALL {
        let rows = rows.iter().filter(|row| row.outcome == outcome).count();
        equal(outcome.as_str(), &campaign["outcomes"][outcome.as_str()], rows);
    }
    for standing in Standing::ALL.into_iter().filter(|standing| *standing != Standing::Rejected) {
        let rows = rows.iter().filter(|row| row.standing == Some(standing)).count();
        equal(standing.as_str(), &campaign["feedback"][standing.as_str()], rows);
    }
    broken
}

/// Nothing holds a lock, waits in a queue or is claimed, and nothing was started that nobody asked for.
async fn leftovers(scene: &Scene, known: &Known) -> Vec<String> {
    let mut broken = Vec::new();
    let locks = scene.world.campaigns.active().await.unwrap();
    broken.extend(locks.iter().map(|campaign| format!("campaign {campaign} still holds the lock")));
    for queue in scene.world.queues.keys() {
        match scene.world.messages_in(queue).await {
            0 => {}
            messages => broken.push(format!("{messages} messages are left in {queue}")),
        }
    }
    for campaign in &known.campaigns {
        let stored = scene.world.campaigns.campaign(*campaign).await.unwrap().unwrap();
        for shard in stored.shards() {
            let claims = scene.world.campaigns.open_claims(*campaign, shard).await.unwrap();
            broken.extend(
                claims.iter().map(|claim| format!("campaign {campaign}: claim {} is still open", claim.claim_id)),
            );
        }
    }
    let listed = scene.world.call(Call::new("GET", "/v1/campaigns")).await;
    let started = listed.json()["items"].as_array().map_or(0, Vec::len);
    if listed.status != StatusCode::OK || started != known.campaigns.len() {
        broken.push(format!("{started} campaigns were started, not {}", known.campaigns.len()));
    }
    broken
}

impl Person<'_> {
    fn broken(&self, ledgers: &[Ledger]) -> Vec<String> {
        let mut broken = Vec::new();
        let mut unknown_mails = self.mails.clone();
        for (index, ledger) in ledgers.iter().enumerate() {
            let newest = index + 1 == ledgers.len();
            let row = self.row(ledger);
            // A password tells of which claim an e-mail is: each was drawn anew.
            let is_of_row = |mail: &&Mail| digest(row).is_some_and(|digest| digest.verifies(mail.password()));
            let mails = unknown_mails.iter().filter(|mail| is_of_row(mail)).count();
            unknown_mails.retain(|mail| !is_of_row(mail));
            if let Some(promise) = self.agrees(ledger, row, mails, newest) {
                broken.push(format!("campaign {}: {promise}", ledger.campaign));
            }
            if mails > 0 && self.claimed_after_acceptance(ledger.campaign, row) {
                broken.push(format!("campaign {}: mailed after they had accepted", ledger.campaign));
            }
        }
        // Of an attempt before, of which nobody knew whether it had mailed, when an operator had it mailed again.
        let earlier = ledgers.iter().filter(|ledger| ledger.retried).filter_map(|ledger| self.row(ledger));
        let earlier: usize = earlier.map(|row| row.attempt.saturating_sub(1) as usize).sum();
        if unknown_mails.len() > earlier {
            broken.push(format!("got {} e-mails of claims that their ledger rows do not know", unknown_mails.len()));
        }
        broken.extend(self.access(ledgers).map(str::to_owned));
        broken
    }

    /// The ledger says of this person what happened: nobody is lost, and nobody is mailed twice.
    fn agrees(&self, ledger: &Ledger, row: Option<&LedgerItem>, mails: usize, newest: bool) -> Option<String> {
        let bounced = self.recipient.undeliverable.is_some();
        let may_be_left_out = self.accepted.is_some() || self.moved || bounced || ledger.cancelled || !newest;
        let Some(row) = row else {
            return (!may_be_left_out).then(|| "not in the ledger".to_owned());
        };
        let fits = match row.outcome {
            Outcome::Queued | Outcome::Claimed => false,
            Outcome::Sent => mails == 1,
            Outcome::Unconfirmed => mails <= 1,
            Outcome::Failed => mails == 0 && row.reason.is_some(),
            Outcome::Skipped => {
                let why = match row.reason.as_deref() {
                    Some("accepted") => self.accepted.is_some(),
                    Some("noLongerSelected") => self.moved || !newest,
                    Some("undeliverable") => bounced,
                    Some("cancelled") => ledger.cancelled,
                    _ => false,
                };
                // What nobody knew of before may have been mailed.
                why && (mails == 0 || ledger.retried)
            }
        };
        (!fits).then(|| format!("{:?} because of {:?}, with {mails} e-mails", row.outcome, row.reason))
    }

    fn row<'a>(&self, ledger: &'a Ledger) -> Option<&'a LedgerItem> {
        ledger.rows.get(&self.recipient.recipient_id)
    }

    /// Whether the claim behind this campaign's e-mail came after the acceptance. Each claim leaves its campaign and its digest
    /// with the recipient, so that the recipient at the moment of acceptance tells.
    fn claimed_after_acceptance(&self, campaign: CampaignId, row: Option<&LedgerItem>) -> bool {
        self.accepted.is_some_and(|accepted| match accepted.last_campaign_id {
            Some(last) if campaign < last => false,
            Some(last) if campaign == last => accepted.digest.as_ref() != digest(row),
            _ => true,
        })
    }

    /// The newest password that may have been mailed is the one that works; whoever accepted keeps what they accepted with.
    fn access(&self, ledgers: &[Ledger]) -> Option<&'static str> {
        let retried = |ledger: &&Ledger| {
            ledger.retried && self.row(ledger).is_some_and(|row| row.outcome == Outcome::Skipped && row.attempt > 0)
        };
        if ledgers.iter().any(|ledger| retried(&ledger)) {
            // The attempt before may have left or not: either password may be the newest.
            return None;
        }
        let may_have_left = |row: &&LedgerItem| matches!(row.outcome, Outcome::Sent | Outcome::Unconfirmed);
        let mut rows = ledgers.iter().filter_map(|ledger| self.row(ledger));
        let newest = rows.rfind(may_have_left);
        let (status, password) = match (self.accepted, newest) {
            (Some(accepted), _) => (PortalStatus::Accepted, accepted.digest.as_ref()),
            (None, Some(row)) => (PortalStatus::Pending, digest(Some(row))),
            (None, None) => (PortalStatus::NotSent, None),
        };
        if self.recipient.status != status {
            return Some("has a status that nothing led to");
        }
        if self.recipient.digest.as_ref() != password {
            return Some("has another password than the newest that may have been mailed");
        }
        let was_sent = self.accepted.is_none() && newest.is_some_and(|row| row.outcome == Outcome::Sent);
        let works = |mail: &&Mail| password.is_some_and(|digest| digest.verifies(mail.password()));
        (was_sent && !self.mails.last().is_some_and(works)).then_some("the last password that was mailed does not work")
    }
}

fn digest(row: Option<&LedgerItem>) -> Option<&PasswordDigest> {
    row.and_then(|row| row.digest.as_ref())
}
