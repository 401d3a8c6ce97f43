//! Guarantee 3 while a campaign is under way: every `queued` row is witnessed by something that will handle it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use portal_aws::campaigns::claims::{CLAIM_PREFIX, ClaimItem};
use portal_aws::campaigns::keys;
use portal_aws::campaigns::walks::cursor::{CURSOR, CursorItem};
use portal_aws::queue::DeliverMessage;
use portal_domain::{CampaignId, Outcome, RecipientId, Shard};

use crate::cloud::CAMPAIGNS;
use crate::cloud::tables::{Image, Name};
use crate::sim::system::State;

/// Queues whose messages are handled, or drained by the sweep.
const WITNESSES: [&str; 2] = ["DeliverQueue", "DeliverDeadLetterQueue"];

impl State {
    /// Checks that every `queued` row of a sending campaign has a message, an open claim, or a cursor that is not done.
    pub fn check_witnesses(&mut self, now: Timestamp) {
        let sending: Vec<CampaignId> = self
            .checks
            .campaigns()
            .filter(|campaign| campaign.state.sends() && campaign.completed_at.is_none())
            .map(|campaign| campaign.campaign_id)
            .collect();
        if sending.is_empty() {
            return;
        }
        let mut waiting: BTreeSet<(CampaignId, RecipientId)> = BTreeSet::new();
        for queue in WITNESSES {
            let messages =
                self.cloud.sqs.messages(queue).filter_map(|body| serde_json::from_str::<DeliverMessage>(body).ok());
            for message in messages {
                waiting.extend(message.recipient_ids.into_iter().map(|id| (message.campaign_id, id)));
            }
        }
        for campaign in sending {
            for shard in Shard::all() {
                let queued = self.checks.rows_of(campaign).filter(|(recipient, row)| {
                    row.outcome == Outcome::Queued
                        && recipient.shard() == shard
                        && !waiting.contains(&(campaign, **recipient))
                });
                let alone: Vec<RecipientId> = queued.map(|(recipient, _)| *recipient).collect();
                if alone.is_empty() {
                    continue;
                }
                let pk = keys::shard_pk(campaign, shard);
                let cursor = Name { table: CAMPAIGNS.to_owned(), pk: pk.clone(), sk: CURSOR.to_owned() };
                let cursor = self.cloud.tables.get(&cursor).map(|image| image.read::<CursorItem>());
                if cursor.is_some_and(|cursor| !cursor.done) {
                    continue;
                }
                let claims = self.cloud.tables.partition(CAMPAIGNS, &pk, CLAIM_PREFIX);
                let held: BTreeSet<RecipientId> =
                    claims.iter().map(Image::read::<ClaimItem>).flat_map(|claim| claim.recipient_ids).collect();
                if let Some(recipient) = alone.into_iter().find(|recipient| !held.contains(recipient)) {
                    let what = format!("guarantee 3: queued in {campaign}, and nothing will take them up");
                    self.checks.broken_for(now, recipient, what);
                }
            }
        }
    }
}
