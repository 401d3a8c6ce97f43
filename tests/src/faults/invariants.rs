//! What must hold once a campaign is over, whatever went wrong while it was under way.
//!
//! Everything is compared person by person: the e-mails that SES took, the ledgers of all campaigns, and the recipient. The answer
//! is a list of sentences, each of which is a broken promise.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use portal_aws::campaigns::item::LedgerItem;
use portal_aws::directory::item::RecipientItem;
use portal_domain::feedback::Standing;
use portal_domain::password::PasswordDigest;
use portal_domain::{CampaignId, Outcome, PortalStatus, RecipientId};
use serde_json::Value;

use super::report::Report;
use super::scene::{Known, Scene};
use crate::mailbox::Mail;

/// One campaign's ledger.
struct Ledger {
    campaign: CampaignId,
    kind: Kind,
    /// An operator ended it.
    cancelled: bool,
    /// An operator had the unconfirmed mailed again.
    retried: bool,
    rows: HashMap<RecipientId, LedgerItem>,
}

/// Which campaign.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The newest that an operator has started.
    Newest,
    /// One that an operator has started before.
    Earlier,
    /// One of those who ask for a new e-mail.
    SelfService,
}

/// One person, and all that there is about them.
struct Person<'a> {
    recipient: RecipientItem,
    mails: Vec<&'a Mail>,
    /// As it was when they had just accepted, if they did.
    accepted: Option<&'a RecipientItem>,
    /// Their account went and came during the newest campaign.
    moved: bool,
    /// Or during an earlier one.
    moved_before: bool,
    /// They asked for an e-mail that they are to get.
    asked: bool,
}

/// Looks at everything, now that the newest campaign should be over. Answers which promises are broken.
pub async fn broken(scene: &Scene) -> Vec<String> {
    let known = scene.knows(Known::clone);
    let mut broken = Vec::new();
    let mut ledgers = Vec::new();
    for (campaign, kind) in campaigns(scene, &known).await {
        let rows = scene.world.ledger(campaign).await;
        let shown = scene.world.campaign(campaign).await;
        broken.extend(totals(campaign, &shown, &rows, &known));
        let ended = !shown["completedAt"].is_null() && (shown["state"] == "completed" || shown["state"] == "cancelled");
        if kind != Kind::SelfService && !ended {
            broken.push(format!("campaign {campaign}: is not over: {}", shown["state"]));
        }
        ledgers.push(Ledger {
            campaign,
            kind,
            cancelled: shown["state"] == "cancelled",
            retried: known.retried.contains(&campaign),
            rows: rows.into_iter().map(|row| (row.recipient_id, row)).collect(),
        });
    }
    broken.extend(leftovers(scene, &known).await);
    broken.extend(untold(scene, &known).await);

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
            moved_before: known.moved_before.contains(&email),
            asked: known.asked.contains(&email) && !known.unheard.contains(&email),
        };
        broken.extend(person.broken(&ledgers).into_iter().map(|promise| format!("{email}: {promise}")));
    }
    broken.extend(by_address.keys().map(|address| format!("{address} was mailed and is nobody")));
    broken
}

/// Adds to a report what the ledgers say, and how many e-mails there are.
pub async fn count(scene: &Scene, report: &mut Report) {
    for (campaign, _) in campaigns(scene, &scene.knows(Known::clone)).await {
        report.campaigns += 1;
        for row in scene.world.ledger(campaign).await {
            *report.outcomes.entry(row.outcome.as_str()).or_default() += 1;
        }
    }
    report.mails += scene.world.mails().await.len() as u64;
}

/// All campaigns: first those that operators have started, in order.
async fn campaigns(scene: &Scene, known: &Known) -> Vec<(CampaignId, Kind)> {
    let newest = known.campaigns.last();
    let started = known.campaigns.iter().map(|id| (*id, if newest == Some(id) { Kind::Newest } else { Kind::Earlier }));
    let asked_for = scene.self_service().await.into_iter();
    let asked_for = asked_for.map(|shown| (shown["campaignId"].as_str().unwrap().parse().unwrap(), Kind::SelfService));
    started.chain(asked_for).collect()
}

/// The counters are what the ledger, and those who accepted, add up to.
fn totals(id: CampaignId, campaign: &Value, rows: &[LedgerItem], known: &Known) -> Vec<String> {
    let mut broken = Vec::new();
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
    let acceptances = known.accepted.values().filter_map(|recipient| recipient.acceptance);
    let acceptances = acceptances.filter(|acceptance| acceptance.campaign_id == id).count();
    equal("accepted", &campaign["acceptances"]["accepted"], acceptances);
    broken
}

/// Nothing holds a lock, waits in a queue or is claimed, and nothing was started that nobody asked for.
async fn leftovers(scene: &Scene, known: &Known) -> Vec<String> {
    let mut broken = Vec::new();
    let unfinished = scene.unfinished().await;
    broken.extend(unfinished.iter().map(|campaign| format!("campaign {campaign} has not come to its end")));
    for queue in scene.world.queues.keys() {
        match scene.world.messages_in(queue).await {
            0 => {}
            messages => broken.push(format!("{messages} messages are left in {queue}")),
        }
    }
    for (campaign, _) in campaigns(scene, known).await {
        let stored = scene.world.campaigns.campaign(campaign).await.unwrap().unwrap();
        for shard in stored.shards() {
            let mut claims = scene.world.campaigns.open_claims(campaign, shard).await.unwrap();
            // Of a function that was killed; SES's reports told what had become of all its people, and the campaign was over before a
            // sweep could settle the claim. It holds nobody.
            claims.retain(|claim| !claim.recipient_ids.iter().all(|id| known.reported.contains(id)));
            broken.extend(
                claims.iter().map(|claim| format!("campaign {campaign}: claim {} is still open", claim.claim_id)),
            );
        }
    }
    let started = scene.listed().await.len() - scene.self_service().await.len();
    if started != known.campaigns.len() {
        broken.push(format!("{started} campaigns were started, not {}", known.campaigns.len()));
    }
    broken
}

/// The company's portal is told of each acceptance, at least once, and of no other.
async fn untold(scene: &Scene, known: &Known) -> Vec<String> {
    let told = scene.told().await;
    let accepted = known.accepted.values().filter(|recipient| recipient.acceptance.is_some());
    let accepted: HashSet<_> = accepted.map(|recipient| recipient.recipient_id.to_string()).collect();
    let untold = accepted.difference(&told).map(|id| format!("{id} accepted, and the portal was not told"));
    let untrue = told.difference(&accepted).map(|id| format!("the portal was told that {id} accepted"));
    untold.chain(untrue).collect()
}

impl Person<'_> {
    fn broken(&self, ledgers: &[Ledger]) -> Vec<String> {
        let mut broken = Vec::new();
        let mut unknown_mails = self.mails.clone();
        for ledger in ledgers {
            let row = self.row(ledger);
            // A password tells of which claim an e-mail is: each was drawn anew.
            let is_of_row = |mail: &&Mail| digest(row).is_some_and(|digest| digest.verifies(mail.password()));
            let mails = unknown_mails.iter().filter(|mail| is_of_row(mail)).count();
            unknown_mails.retain(|mail| !is_of_row(mail));
            if let Some(promise) = self.agrees(ledger, row, mails) {
                broken.push(format!("campaign {}: {promise}", ledger.campaign));
            }
            if mails > 0 && !row.is_some_and(|row| self.was_claimed_in_time(row)) {
                broken.push(format!("campaign {}: mailed after they had accepted", ledger.campaign));
            }
        }
        // Of an attempt before, of which nobody knew whether it had mailed, when an operator had it mailed again.
        let earlier = ledgers.iter().filter(|ledger| ledger.retried).filter_map(|ledger| self.row(ledger));
        let earlier: usize = earlier.map(|row| row.attempt.saturating_sub(1) as usize).sum();
        if unknown_mails.len() > earlier {
            broken.push(format!("got {} e-mails of claims that their ledger rows do not know", unknown_mails.len()));
        }
        broken.extend(self.answers(ledgers).map(str::to_owned));
        broken.extend(self.access(ledgers).map(str::to_owned));
        broken
    }

    /// The ledger says of this person what happened: nobody is lost, and nobody is mailed twice.
    fn agrees(&self, ledger: &Ledger, row: Option<&LedgerItem>, mails: usize) -> Option<String> {
        let bounced = self.recipient.undeliverable.is_some();
        let unlinked = match ledger.kind {
            Kind::Newest => self.moved,
            Kind::Earlier => true,
            // Who has nothing coming to them may have been `pending` only until an e-mail was refused.
            Kind::SelfService => self.moved || self.moved_before || !self.asked,
        };
        let Some(row) = row else {
            let may_be_left_out = self.accepted.is_some() || unlinked || bounced || ledger.cancelled;
            return (ledger.kind != Kind::SelfService && !may_be_left_out).then(|| "not in the ledger".to_owned());
        };
        let fits = match row.outcome {
            Outcome::Queued | Outcome::Claimed => false,
            Outcome::Sent => mails == 1,
            Outcome::Unconfirmed => mails <= 1,
            Outcome::Failed => mails == 0 && row.reason.is_some(),
            Outcome::Skipped => {
                let why = match row.reason.as_deref() {
                    Some("accepted") => self.accepted.is_some(),
                    Some("noLongerSelected") => unlinked,
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

    /// Who asked for a new e-mail is in the ledger of a campaign that mails it, once: nobody gets two in an hour.
    fn answers(&self, ledgers: &[Ledger]) -> Option<&'static str> {
        let asked_for = ledgers.iter().filter(|ledger| ledger.kind == Kind::SelfService && self.row(ledger).is_some());
        let excused =
            self.accepted.is_some() || self.moved || self.moved_before || self.recipient.undeliverable.is_some();
        match asked_for.count() {
            0 if self.asked && !excused => Some("asked for a new e-mail, and is in no ledger"),
            0 | 1 => None,
            _ => Some("is in more than one ledger of those who asked"),
        }
    }

    /// Whether the claim of a row came before they accepted: at that moment the recipient says when the newest was made.
    fn was_claimed_in_time(&self, row: &LedgerItem) -> bool {
        self.accepted.is_none_or(|accepted| claimed_after(row) < accepted.last_invited_at)
    }

    /// The newest password that may have been mailed is the one that works, and those before it do as well if it was asked for; whoever
    /// accepted keeps what they accepted with.
    fn access(&self, ledgers: &[Ledger]) -> Option<&'static str> {
        let retried = |ledger: &&Ledger| {
            ledger.retried && self.row(ledger).is_some_and(|row| row.outcome == Outcome::Skipped && row.attempt > 0)
        };
        if ledgers.iter().any(|ledger| retried(&ledger)) {
            // The attempt before may have left or not: either password may be the newest.
            return None;
        }
        let newest = self.newest(ledgers);
        let (status, password) = match (self.accepted, newest) {
            (Some(accepted), _) => (PortalStatus::Accepted, accepted.digest.as_ref()),
            (None, Some((_, row))) => (PortalStatus::Pending, digest(Some(row))),
            (None, None) => (PortalStatus::NotSent, None),
        };
        if self.recipient.status != status {
            return Some("has a status that nothing led to");
        }
        if self.recipient.digest.as_ref() != password {
            return Some("has another password than the newest that may have been mailed");
        }
        let (ledger, row) = newest.filter(|_| self.accepted.is_none())?;
        let asked_for = ledger.kind == Kind::SelfService;
        let kept: Vec<_> = self.recipient.earlier.iter().map(|mailed| &mailed.digest).collect();
        let before = row.prior_state.iter().filter(|_| asked_for);
        let before =
            before.flat_map(|prior| prior.digest.iter().chain(prior.earlier.iter().map(|mailed| &mailed.digest)));
        if kept != before.collect::<Vec<_>>() {
            return Some("has other earlier passwords than those before the e-mail that they asked for");
        }
        let works = |mail: &&Mail| password.is_some_and(|digest| digest.verifies(mail.password()));
        // Those of two campaigns may leave in another order than they were claimed in.
        let alone = ledgers.iter().all(|ledger| ledger.kind != Kind::SelfService || self.row(ledger).is_none());
        let last = self.mails.len().saturating_sub(1);
        let arrived = self.mails[if alone { last } else { 0 }..].iter().any(works);
        (row.outcome == Outcome::Sent && !arrived).then_some("the newest password does not work, though it was mailed")
    }

    /// The row of the newest claim whose e-mail may have left.
    fn newest<'a>(&self, ledgers: &'a [Ledger]) -> Option<(&'a Ledger, &'a LedgerItem)> {
        let rows = ledgers.iter().filter_map(|ledger| Some((ledger, self.row(ledger)?)));
        rows.filter(|(_, row)| may_have_left(row)).max_by_key(|(_, row)| claimed_after(row))
    }
}

fn may_have_left(row: &LedgerItem) -> bool {
    matches!(row.outcome, Outcome::Sent | Outcome::Unconfirmed)
}

/// When the claim before a row's newest was made, if there was one. This orders the claims of one person: each is made after the one
/// before it was written, and what an e-mail that did not leave gives back is a time before.
fn claimed_after(row: &LedgerItem) -> Option<Timestamp> {
    row.prior_state.as_ref()?.last_invited_at
}

fn digest(row: Option<&LedgerItem>) -> Option<&PasswordDigest> {
    row.and_then(|row| row.digest.as_ref())
}
