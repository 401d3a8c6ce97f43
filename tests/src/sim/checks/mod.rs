//! Checks at every moment: after each write that takes effect and each e-mail that leaves, person by person.
//!
//! The guarantees are numbered as in docs/architecture.md. The checks restate them from the stored items alone.

pub mod asked;
mod audit;
mod erased;
mod ledger;
mod pace;
mod quiet;
mod servers;
mod whole;
mod witness;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, civil};
use portal_aws::campaigns::claims::ClaimItem;
use portal_aws::directory::item::RecipientItem;
use portal_domain::password::PasswordDigest;
use portal_domain::recipient::links::Known;
use portal_domain::{Campaign, CampaignId, DivisionId, Outcome, PortalStatus, Recipient, RecipientId};
use rand::rngs::StdRng;
use rand::seq::IteratorRandom;

use super::instance::Instance;
use crate::cloud::ses::Mail;
use crate::cloud::tables::{Change, Image};
use crate::cloud::{CAMPAIGNS, Call, DIRECTORY, Service};

/// Largest difference of two clocks, plus a margin.
const CLOCKS: SignedDuration = SignedDuration::from_secs(5);

/// The observed state of everybody, from writes and e-mails.
#[derive(Debug, Default)]
pub struct Checks {
    broken: Vec<Broken>,
    campaigns: BTreeMap<CampaignId, CampaignSeen>,
    rows: BTreeMap<(CampaignId, RecipientId), RowSeen>,
    people: BTreeMap<RecipientId, PersonSeen>,
    claims: BTreeMap<String, ClaimSeen>,
    /// How many e-mails customers were granted by asking, by division and day in UTC.
    granted: BTreeMap<(DivisionId, civil::Date), u64>,
    /// States of campaigns and outcomes of rows that were seen, and how they followed each other.
    pub transitions: BTreeSet<(&'static str, &'static str)>,
    /// Recipients who accepted through an invitation, whose acceptance an operator took back, and who lost their last
    /// account or came back after they had accepted; in order.
    told: Vec<(RecipientId, &'static str)>,
    pace: pace::Pace,
    open_entries: audit::OpenEntries,
    servers: servers::Servers,
    whole: whole::Whole,
    erased: erased::Erased,
}

/// A broken guarantee.
#[derive(Clone, Debug)]
pub struct Broken {
    /// When it was seen.
    pub at: Timestamp,
    /// What is wrong.
    pub what: String,
    /// Ids and addresses whose history tells more.
    pub about: Vec<String>,
}

/// A campaign.
#[derive(Clone, Debug)]
struct CampaignSeen {
    campaign: Campaign,
    /// The true time at which it was written first.
    began: Timestamp,
    rows: u64,
    /// The promised bound of rows, if there is one.
    promised: Option<u64>,
}

/// A row of a ledger.
#[derive(Clone, Debug)]
struct RowSeen {
    outcome: Outcome,
    attempt: u32,
    /// The environment that claimed it last.
    owner: String,
    /// Attempts with which an e-mail left.
    mailed: Vec<u32>,
    /// A person had it tried again after this attempt.
    retried: u32,
    /// SES reported of this attempt that it did not leave after all.
    rejected: u32,
}

/// A recipient.
#[derive(Clone, Debug, Default)]
struct PersonSeen {
    email: String,
    /// Every claim, in order.
    claims: Vec<Claimed>,
    /// Every e-mail that may have left, in order.
    invitations: Vec<Invited>,
    /// When an operator withdrew the invitation, or took the acceptance back.
    set_back: Option<Timestamp>,
}

/// One claim of one recipient.
#[derive(Clone, Debug)]
struct Claimed {
    campaign: CampaignId,
    attempt: u32,
    digest: PasswordDigest,
    /// Nothing left with it, as its row says.
    taken_back: bool,
}

/// An e-mail to one recipient.
#[derive(Clone, Copy, Debug)]
struct Invited {
    campaign: CampaignId,
    attempt: u32,
    /// They asked for it.
    asked: bool,
}

/// An open claim.
#[derive(Clone, Debug)]
struct ClaimSeen {
    until: Timestamp,
}

impl Checks {
    /// Records a broken guarantee.
    pub fn broken(&mut self, at: Timestamp, what: String) {
        self.broken.push(Broken { at, what, about: Vec::new() });
    }

    fn broken_for(&mut self, at: Timestamp, recipient: RecipientId, what: String) {
        let email = self.people.get(&recipient).map(|person| person.email.clone()).unwrap_or_default();
        let what = format!("{recipient} ({email}): {what}");
        self.broken.push(Broken { at, what, about: vec![recipient.to_string(), email] });
    }

    /// The first broken guarantee.
    pub fn first_broken(&self) -> Option<&Broken> {
        self.broken.first()
    }

    /// Whether no campaign is under way, as far as was written.
    pub fn is_idle(&self) -> bool {
        self.active().next().is_none()
    }

    /// The campaigns that are not over. A self-service campaign counts while a row has no end state.
    pub fn active(&self) -> impl Iterator<Item = &Campaign> {
        self.campaigns.values().map(|seen| &seen.campaign).filter(|campaign| {
            let waits = || {
                let rows = self.rows_of(campaign.campaign_id);
                rows.into_iter().any(|(_, row)| !row.outcome.is_end())
            };
            campaign.completed_at.is_none() && (campaign.self_service.is_none() || waits())
        })
    }

    /// Every campaign that was seen.
    pub fn campaigns(&self) -> impl Iterator<Item = &Campaign> {
        self.campaigns.values().map(|seen| &seen.campaign)
    }

    /// Somebody in an active campaign, if there is anybody.
    pub fn somebody_under_way(&self, random: &mut StdRng) -> Option<RecipientId> {
        let open = self.rows.iter().filter(|(_, row)| matches!(row.outcome, Outcome::Claimed | Outcome::Unconfirmed));
        open.map(|((_, recipient), _)| *recipient).choose(random)
    }

    fn rows_of(&self, campaign: CampaignId) -> impl Iterator<Item = (&RecipientId, &RowSeen)> {
        let all = (campaign, RecipientId::from_random([0; 16]))..=(campaign, RecipientId::from_random([255; 16]));
        self.rows.range(all).map(|((_, recipient), row)| (recipient, row))
    }

    /// A call that takes effect. Nothing but an e-mail has a temporary password in it (guarantee 4).
    pub fn called(&mut self, call: &Call, now: Timestamp) {
        let is_mail = call.service == Service::Ses && call.operation == "SendEmail";
        if !is_mail && let Some(password) = password_in(&call.body) {
            self.broken(now, format!("guarantee 4: {} has the password {password} in it", call.operation));
        }
    }

    /// An e-mail that SES took.
    pub fn mailed(&mut self, mail: &Mail, by: &str) {
        let tag = |name: &str| mail.tags.get(name).map(String::as_str).unwrap_or_default();
        let (Ok(campaign), Ok(recipient), Ok(attempt)) =
            (tag("campaign").parse(), tag("recipient").parse(), tag("attempt").parse::<u32>())
        else {
            // A test mail, which is for no campaign.
            return;
        };
        let division = self.campaigns.get(&campaign).map(|seen| &seen.campaign.filter.division);
        if division.is_some_and(|division| !self.servers.allow(division, &mail.text, mail.at)) {
            let what = format!("guarantee 10: {campaign} names a server that its division does not list");
            self.broken_for(mail.at, recipient, what);
        }
        let Some(row) = self.rows.get_mut(&(campaign, recipient)) else {
            return self.broken_for(mail.at, recipient, format!("was mailed by {campaign} without a row"));
        };
        let row_before = row.clone();
        row.mailed.push(attempt);
        if row_before.owner != by || row_before.attempt != attempt {
            let what =
                format!("guarantee 2: attempt {attempt} of {campaign} was mailed by {by}, which has not claimed it");
            return self.broken_for(mail.at, recipient, what);
        }
        let free = row_before.retried.max(row_before.rejected);
        if row_before.mailed.iter().any(|earlier| *earlier > free) {
            let what = format!("guarantee 2: {campaign} mailed attempt {attempt} after {:?}", row_before.mailed);
            self.broken_for(mail.at, recipient, what);
        }
        self.renewed(campaign, recipient, mail.at);
    }

    /// What a call wrote, all at once.
    pub fn changed(&mut self, changes: &[Change], instance: &Instance, now: Timestamp) {
        self.audited(changes, instance, now);
        self.whole_accounts(changes, now);
        // A row may be written with its campaign.
        for change in changes.iter().filter(|change| change.name.pk == "CAMPAIGNS") {
            self.campaign(change, now);
        }
        for change in changes {
            let sk = change.name.sk.as_str();
            match change.name.table.as_str() {
                CAMPAIGNS if sk.starts_with("LEDGER#") => self.row(change, changes, instance, now),
                CAMPAIGNS if sk.starts_with("CLAIM#") => self.claim(change),
                DIRECTORY if sk == "RECIPIENT" => self.recipient(change, instance, now),
                DIRECTORY if change.name.pk == "DIVISIONS" => {
                    change
                        .after
                        .as_ref()
                        .map(Image::read)
                        .into_iter()
                        .for_each(|after| self.servers.stored(after, now));
                }
                _ => {}
            }
        }
    }

    fn campaign(&mut self, change: &Change, now: Timestamp) {
        let Some(after) = change.after.as_ref().map(Image::read::<Campaign>) else {
            return self.broken(now, format!("campaign {} is gone", change.name.sk));
        };
        let id = after.campaign_id;
        let Some(seen) = self.campaigns.get_mut(&id) else {
            let busy = self.campaigns.values().find(|seen| {
                let other = &seen.campaign;
                other.completed_at.is_none()
                    && other.self_service.is_none()
                    && after.self_service.is_none()
                    && after.completed_at.is_none()
                    && other.filter.division == after.filter.division
            });
            if let Some(busy) = busy {
                let what = format!("guarantee 8: {id} began while {} was active", busy.campaign.campaign_id);
                self.broken(now, what);
            }
            let promised = promised(&after);
            self.campaigns.insert(id, CampaignSeen { campaign: after, began: now, rows: 0, promised });
            return;
        };
        let before = std::mem::replace(&mut seen.campaign, after.clone());
        if after.expected_recipients != before.expected_recipients {
            seen.promised = promised(&after);
        }
        self.transitions.insert((before.state.into(), after.state.into()));
        if after.revision != before.revision + 1 {
            self.broken(now, format!("{id} went from revision {} to {}", before.revision, after.revision));
        }
        if before.completed_at.is_none() && after.completed_at.is_some() {
            let open = self.rows_of(id).find(|(_, row)| !row.outcome.is_end()).map(|(recipient, _)| *recipient);
            if let Some(recipient) = open {
                self.broken_for(now, recipient, format!("guarantee 3: {id} ended without an end for them"));
            }
        }
    }

    fn claim(&mut self, change: &Change) {
        let read = |image: &Option<Image>| image.as_ref().map(Image::read::<ClaimItem>);
        match (read(&change.before), read(&change.after)) {
            (None, Some(claim)) => {
                let seen = ClaimSeen { until: claim.claim_until };
                self.claims.insert(claim.claim_id.to_string(), seen);
            }
            (Some(claim), None) => {
                self.claims.remove(&claim.claim_id.to_string());
            }
            _ => {}
        }
    }

    fn recipient(&mut self, change: &Change, instance: &Instance, now: Timestamp) {
        let read = |image: &Option<Image>| image.as_ref().map(Image::read::<RecipientItem>);
        let Some(after) = read(&change.after) else {
            // A recipient whose account never came in force is removed without a trace.
            let Some(before) = read(&change.before) else { return };
            let recipient = Recipient::from(before.clone());
            if recipient.links.known() != Known::New || !recipient.is_untouched() {
                self.removed(&before, now);
            }
            return;
        };
        let id = after.recipient_id;
        let person = self.people.entry(id).or_default();
        person.email.clone_from(&after.email);
        let Some(before) = read(&change.before) else { return self.came(&after, now) };
        let set_back = after.status == PortalStatus::NotSent && instance.function == "campaigns";
        if set_back && before.status != PortalStatus::NotSent {
            person.set_back = Some(now);
            person.claims.clear();
        }
        let [links_before, links] = [&before, &after].map(|item| Recipient::from(item.clone()).links);
        let (was_linked, is_linked) = (links_before.known() == Known::Linked, links.known() == Known::Linked);
        let seen = self.whole.seen(&Recipient::from(after.clone()));
        let accepts = after.status == PortalStatus::Accepted && after.acceptance.is_some();
        if accepts && after.acceptance != before.acceptance && seen.links.account_count == 0 {
            self.broken_for(now, id, "guarantee 13: accepted, and are linked to nothing".to_owned());
        }
        let person = self.people.entry(id).or_default();
        if !is_linked && links.changing.accounts.is_empty() {
            // No password that was mailed to them holds any more.
            person.claims.clear();
            if after.digest.is_some() || !after.earlier.is_empty() {
                self.broken_for(now, id, "are linked to nothing, and have a password that was mailed".to_owned());
            }
        }
        if before.status == PortalStatus::Accepted && was_linked != is_linked {
            self.told.push((id, if is_linked { "portal.recipient.linked" } else { "portal.recipient.unlinked" }));
        }
        match (before.status, after.status) {
            (PortalStatus::Accepted, PortalStatus::Accepted) => {}
            (PortalStatus::Accepted, _) if set_back => self.told.push((id, "portal.acceptance.revoked")),
            (PortalStatus::Accepted, now_is) => {
                let what = format!("guarantee 1: {} made who had accepted {now_is}", instance.name);
                self.broken_for(now, id, what);
            }
            (_, PortalStatus::Accepted) if after.acceptance.is_some() && after.acceptance != before.acceptance => {
                self.told.push((id, "portal.invitation.accepted"));
            }
            _ => {}
        }
        if after.version <= before.version {
            self.broken_for(now, id, format!("version {} follows {}", after.version, before.version));
        }
    }

    /// An invocation of `deliver` ended, in success or failure. After a success none of its rows may still be
    /// `claimed`, because they would become `unconfirmed` without cause.
    pub fn delivered(&mut self, owner: &str, well: bool, now: Timestamp) {
        let left = self.rows.iter_mut().filter(|(_, row)| row.owner == owner && row.outcome == Outcome::Claimed);
        let mut forgotten = None;
        for ((campaign, recipient), row) in left {
            // The environment's next invocation is not responsible for them.
            row.owner.push_str(" before");
            forgotten = Some((*campaign, *recipient));
        }
        if let Some((campaign, recipient)) = forgotten.filter(|_| well) {
            self.broken_for(now, recipient, format!("{owner} ended well and left them claimed in {campaign}"));
        }
    }
}

/// The most people that a campaign may reach, as was promised when it was started.
fn promised(campaign: &Campaign) -> Option<u64> {
    let expected = campaign.expected_recipients;
    let more = if expected >= 100 { expected / 100 } else { 0 };
    (campaign.self_service.is_none() && campaign.schedule.is_none()).then_some(expected + more)
}

/// A temporary password: five groups of five.
pub fn password_in(text: &[u8]) -> Option<String> {
    let symbol = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
    let mut from = 0;
    while let Some(at) = text[from..].iter().position(|byte| *byte == b'-').map(|at| from + at) {
        from = at + 1;
        let Some(window) = at.checked_sub(5).and_then(|start| text.get(start..start + 29)) else { continue };
        let groups: Vec<_> = window.split(|byte| *byte == b'-').collect();
        if groups.len() == 5 && groups.iter().all(|group| group.len() == 5 && group.iter().all(symbol)) {
            return Some(String::from_utf8_lossy(window).into_owned());
        }
    }
    None
}
