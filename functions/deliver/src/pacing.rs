//! Pacing: no e-mail leaves outside of the slots that the limiter grants.

use jiff::{SignedDuration, Timestamp};
use portal_aws::clock;
use portal_aws::limiter::{LimiterError, Own, Reservation};
use portal_domain::Campaign;
use portal_domain::pace::{Pace, Window};

use crate::{Deliver, TIME_TO_SEND};

/// Longest wait in one invocation for a slot of the account; a message with a later slot is queued with a delay.
const PATIENCE: SignedDuration = SignedDuration::from_secs(20);

/// Longest wait in one invocation for a slot of the campaign's own rate. A delayed message may be late by as much:
/// [`SPREAD`](crate::SPREAD), and the second by which SQS rounds a delay up. With a longer wait, a few slow campaigns
/// would occupy every invocation that `DeliverConcurrency` allows, and nobody else would get an e-mail.
const OWN_PATIENCE: SignedDuration = SignedDuration::from_secs(3);

impl Deliver {
    /// Asks the limiter for slots for `wanted` e-mails of a campaign, within the rest of the invocation.
    pub(crate) async fn reserve(
        &self,
        campaign: &Campaign,
        wanted: usize,
        deadline: Timestamp,
    ) -> Result<Reservation, LimiterError> {
        let now = clock::now();
        let left = deadline.duration_since(now) - TIME_TO_SEND;
        let window = Window { now, patience: left.min(PATIENCE) };
        let own = campaign.max_per_minute.map(|most| Own {
            campaign: campaign.campaign_id,
            pace: Pace::per_minute(most),
            window: Window { now, patience: left.min(OWN_PATIENCE) },
        });
        self.limiter.reserve(wanted, own, window).await
    }
}
