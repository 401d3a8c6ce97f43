//! Waiting for one's turn: no e-mail leaves outside of the slots that the limiter gives.

use jiff::{SignedDuration, Timestamp};
use portal_aws::clock;
use portal_aws::limiter::{LimiterError, Reservation};
use portal_domain::Campaign;
use portal_domain::pace::{Pace, Window};

use crate::{Deliver, TIME_TO_SEND};

/// The longest that a message waits for its turn in one invocation; what comes later is queued with a delay.
const PATIENCE: SignedDuration = SignedDuration::from_secs(20);

impl Deliver {
    /// Asks for slots to send `wanted` e-mails of a campaign, in what is left of the invocation.
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
