//! Self-service campaigns: a customer asked for a new e-mail.
//!
//! The e-mails that a division's customers are granted in a day, in UTC, are counted in one item, which each grant
//! writes. It does not become hot: at most two functions grant at the same time, and above the limit they only read it.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use portal_domain::{Campaign, DivisionId, RecipientId, Shard};
use serde::Deserialize;

use super::CampaignStore;
use super::ledger::Ledger;
use super::walks::cursor::{CursorItem, Cursors};
use crate::context::Context;
use crate::directory::item::RecipientItem;
use crate::recipients::Recipients;
use crate::settings::InvalidSetting;
use crate::table::condition::{below, lacks};
use crate::table::{Action, Key, StoreError, Table, Transacted, Update};

/// How long the number of a day is kept after its last change, for investigations.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Adds recipients to self-service campaigns.
#[derive(Clone, Debug)]
pub struct SelfServiceStore {
    table: Table,
    campaigns: CampaignStore,
    cursors: Cursors,
    ledger: Ledger,
    recipients: Recipients,
}

/// The e-mails that the customers of a division were granted on a day.
#[derive(Debug, Deserialize)]
struct GrantedItem {
    granted: u64,
}

/// The result of joining a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// The recipient is in the ledger; the shard's fan-out is to be queued.
    Done,
    /// The recipient or the campaign has changed since it was read. Nothing is written.
    Changed,
    /// The division's customers have reached the daily limit. Nothing is written.
    LimitReached,
}

impl SelfServiceStore {
    /// A store on the tables `CAMPAIGNS_TABLE` and `DIRECTORY_TABLE`.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self {
            table: context.table("CAMPAIGNS_TABLE")?,
            campaigns: CampaignStore::new(context)?,
            cursors: Cursors::new(context)?,
            ledger: Ledger::new(context)?,
            recipients: Recipients::new(context.table("DIRECTORY_TABLE")?),
        })
    }

    /// Adds a recipient that is unchanged since it was read to the ledger of a self-service campaign, stores the times
    /// at which it `asked`, and counts the e-mail as one of the `most` that the division's customers are granted in a
    /// day. All of it is one transaction, which also writes the campaign if that is `new`. Fan-out queues the e-mail
    /// like any other, so a crash loses nobody, and nobody is counted twice.
    pub async fn join(
        &self,
        campaign: &Campaign,
        new: bool,
        recipient: &RecipientItem,
        asked: &[Timestamp],
        most: u64,
        now: Timestamp,
    ) -> Result<Joined, StoreError> {
        let id = recipient.recipient_id;
        let mut tx = self.table.tx("join a self-service campaign");
        let granted = tx.add(self.grant(&recipient.division, most, now));
        tx.add(self.recipients.remember_request(recipient, campaign.campaign_id, asked));
        tx.add(self.ledger.add(campaign.campaign_id, id.shard(), id));
        if new {
            tx.extend(self.open(campaign, id));
        } else {
            tx.add(self.campaigns.require_unchanged(campaign));
            tx.add(self.cursors.add_recipient(campaign.campaign_id, id, campaign.state.sends(), now));
        }
        Ok(match tx.write().await? {
            Transacted::Done => Joined::Done,
            Transacted::Refused(refused) if refused.failed(granted) => Joined::LimitReached,
            Transacted::Refused(_) => Joined::Changed,
        })
    }

    /// The actions that write a new campaign with its first recipient.
    fn open(&self, campaign: &Campaign, first: RecipientId) -> Vec<Action> {
        let (id, now) = (campaign.campaign_id, campaign.created_at);
        let mut actions = Vec::from(self.campaigns.add(campaign));
        actions.extend(campaign.self_service.map(|which| self.campaigns.list_self_service(campaign, which)));
        let cursors = campaign.shards().into_iter();
        actions.extend(cursors.map(|shard| self.cursors.add(id, shard, &cursor(shard, first, now))));
        actions
    }

    /// The number of e-mails that the customers of a division were granted on the day of `now`. The latest grants may
    /// be missing.
    pub async fn granted(&self, division: &DivisionId, now: Timestamp) -> Result<u64, StoreError> {
        let granted = self.table.get_stale("read how many e-mails were granted", &granted_key(division, now)).await?;
        Ok(granted.map_or(0, |item| item.granted))
    }

    /// The action that counts one more grant on the day of `now`, if there are fewer than `most`, which is above zero.
    fn grant(&self, division: &DivisionId, most: u64, now: Timestamp) -> Update {
        let update = self.table.update(granted_key(division, now)).set("ttl", (now + KEPT).as_second());
        update.add("granted", 1).when(lacks("granted").or(below("granted", most)))
    }
}

/// The e-mails that a division's customers were granted on the day of `now`, in UTC.
fn granted_key(division: &DivisionId, now: Timestamp) -> Key<GrantedItem> {
    Key::new(format!("GRANTED#{division}"), now.to_zoned(TimeZone::UTC).date().to_string())
}

/// The cursor of a shard in a new campaign. The index is not read, and whoever joins is queued.
fn cursor(shard: Shard, first: RecipientId, now: Timestamp) -> CursorItem {
    let to_queue = if first.shard() == shard { vec![first] } else { Vec::new() };
    CursorItem {
        scanned: true,
        done: to_queue.is_empty(),
        audience: to_queue.len() as u64,
        to_queue,
        updated_at: now,
        ..CursorItem::default()
    }
}
