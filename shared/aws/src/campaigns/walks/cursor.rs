//! The cursors of shards: how far fan-out has come, and what it does next.

use jiff::Timestamp;
use portal_domain::outcome::LedgerEvent;
use portal_domain::selection::Excluded;
use portal_domain::{Campaign, CampaignId, Outcome, RecipientId, Shard};
use serde::{Deserialize, Serialize};

use crate::campaigns::keys::shard_pk;
use crate::context::Context;
use crate::settings::InvalidSetting;
use crate::table::condition::{exists, is};
use crate::table::{Action, Key, StoreError, Table, Update};

/// Sort key of a shard's cursor.
pub const CURSOR: &str = "CURSOR";

/// The progress of the fan-out of one shard.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CursorItem {
    /// The number of writes: goes up by one with each page.
    pub page: u64,
    /// The sort key in the index of the last recipient that was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// The whole index was read.
    #[serde(default)]
    pub scanned: bool,
    /// The walks through the existing ledger rows that come before the rest of the index, in this order.
    #[serde(default)]
    pub walks: Vec<Walk>,
    /// The number of ledger rows written.
    pub audience: u64,
    /// The recipients that were left out, by reason.
    pub excluded: Excluded,
    /// The recipients of the last page, whose messages may not be queued yet.
    #[serde(default)]
    pub to_queue: Vec<RecipientId>,
    /// All rows of the shard are written, and their messages queued.
    pub done: bool,
    /// When it was last written.
    #[serde(default)]
    pub updated_at: Timestamp,
}

/// A walk through a shard's ledger rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Walk {
    /// What is done to the rows.
    pub task: Task,
    /// The last recipient that was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<RecipientId>,
}

/// What a walk does to ledger rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Task {
    /// Messages for the `queued` rows are queued again, because those of a paused campaign are gone.
    Requeue,
    /// The `failed` rows become `queued`, with messages.
    RetryFailed,
    /// The `unconfirmed` rows become `queued`, with messages.
    RetryUnconfirmed,
    /// The `queued` rows become `skipped`.
    Cancel,
}

impl Walk {
    /// A walk that starts at the first row.
    pub fn from_start(task: Task) -> Self {
        Self { task, after: None }
    }
}

impl Task {
    /// The outcome of the rows that the walk is about.
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Requeue | Self::Cancel => Outcome::Queued,
            Self::RetryFailed => Outcome::Failed,
            Self::RetryUnconfirmed => Outcome::Unconfirmed,
        }
    }

    /// The event of these rows; none if only messages are queued.
    pub fn event(self) -> Option<LedgerEvent> {
        match self {
            Self::Requeue => None,
            Self::RetryFailed | Self::RetryUnconfirmed => Some(LedgerEvent::Retry),
            Self::Cancel => Some(LedgerEvent::Skip),
        }
    }
}

/// A change of the walks of a shard.
#[derive(Clone, Debug)]
pub(crate) enum WalkChange {
    /// This walk is done after the present ones.
    Append(Walk),
    /// This walk replaces the present ones.
    Replace(Walk),
}

/// Access to the cursors of all campaigns.
#[derive(Clone, Debug)]
pub struct Cursors {
    pub(super) table: Table,
}

impl Cursors {
    /// The cursors in the table `CAMPAIGNS_TABLE`.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self { table: context.table("CAMPAIGNS_TABLE")? })
    }

    /// The cursor of a shard, read consistently; `None` if the campaign does not use that shard.
    pub async fn read(&self, campaign: CampaignId, shard: Shard) -> Result<Option<CursorItem>, StoreError> {
        self.table.get("read a fan-out cursor", &key(campaign, shard)).await
    }

    /// The cursors of all shards of a campaign, each read consistently.
    pub(crate) async fn all(&self, campaign: &Campaign) -> Result<Vec<(Shard, CursorItem)>, StoreError> {
        let mut cursors = Vec::new();
        for shard in campaign.shards() {
            cursors.extend(self.read(campaign.campaign_id, shard).await?.map(|cursor| (shard, cursor)));
        }
        Ok(cursors)
    }

    /// The action that adds the cursor of a shard.
    pub(crate) fn add(&self, campaign: CampaignId, shard: Shard, cursor: &CursorItem) -> Action {
        self.table.put_new(key(campaign, shard), cursor)
    }

    /// The action that moves a cursor one page on, `from` as it was read, unless it has moved or is done.
    pub(super) fn advance(&self, campaign: CampaignId, shard: Shard, from: &CursorItem, to: &CursorItem) -> Action {
        self.table.put(key(campaign, shard), to).when(is("page", from.page).and(is("done", false)))
    }

    /// The action that requires a cursor to be as it was read.
    pub(super) fn require_unchanged(&self, campaign: CampaignId, shard: Shard, cursor: &CursorItem) -> Action {
        self.table.check(key(campaign, shard), is("page", cursor.page))
    }

    /// The action that changes the walks of a shard. A running fan-out of the shard fails at its next page, and the
    /// recipients that it was about to queue are `queued` in the ledger, where the walk finds them. If there is a
    /// `page` the cursor must be at that page.
    pub(crate) fn change_walks(
        &self,
        campaign: CampaignId,
        shard: Shard,
        change: &WalkChange,
        page: Option<u64>,
        now: Timestamp,
    ) -> Update {
        let update = self.table.update(key(campaign, shard));
        let update = match change {
            WalkChange::Append(walk) => update.append("walks", &[walk]),
            WalkChange::Replace(walk) => update.set("walks", [walk]),
        };
        let nobody: [RecipientId; 0] = [];
        let update = update.set("done", false).set("toQueue", nobody).set("updatedAt", now).add("page", 1);
        update.when(page.map_or_else(exists, |page| is("page", page)))
    }

    /// The action that counts one more recipient in a shard's ledger, and has fan-out queue their message if the
    /// campaign `sends`. If it does not, whoever resumes it walks through the ledger. A running fan-out of the shard
    /// fails at its next page.
    pub(crate) fn add_recipient(
        &self,
        campaign: CampaignId,
        recipient: RecipientId,
        sends: bool,
        now: Timestamp,
    ) -> Update {
        let mut update = self.table.update(key(campaign, recipient.shard()));
        if sends {
            update = update.append("toQueue", &[recipient]).set("done", false);
        }
        update.set("updatedAt", now).add("audience", 1).add("page", 1).when(exists())
    }
}

/// The cursor of a shard.
pub(crate) fn key(campaign: CampaignId, shard: Shard) -> Key<CursorItem> {
    Key::new(shard_pk(campaign, shard), CURSOR)
}
