//! Pacing: no e-mail leaves outside of the slots that the limiter grants.

use jiff::{SignedDuration, Timestamp};
use portal_aws::clock;
use portal_aws::limiter::{LimiterError, Reservation};
use portal_domain::Campaign;
use portal_domain::pace::{Pace, Window};

use crate::{Deliver, TIME_TO_SEND};

/// Longest wait for a slot in one invocation; a message with a later slot is queued with a delay.
const PATIENCE: SignedDuration = SignedDuration::from_secs(20);

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
        let own = campaign.max_per_minute.map(|most| (campaign.campaign_id, Pace::per_minute(most)));
        self.limiter.reserve(wanted, own, window).await
    }
}
