//! The rate of all senders together: SES's send rate and daily quota, shared by conditional writes to one item.
//!
//! It implements the generic cell rate algorithm (ITU-T I.371, annex A): the item holds the time at which the next
//! e-mail may leave. A sender moves that time on by one interval for each of its e-mails, in one conditional update,
//! and owns the slots in between. So any number of functions needs no other coordination, and their e-mails are spaced.
//! A campaign with a lower rate has an additional item of its own.

mod store;

use jiff::{SignedDuration, Timestamp};
use portal_domain::CampaignId;
use portal_domain::pace::{Pace, Slots, Window};
use std::time::Duration;

use self::store::{Item, LimiterStore, Taken};
use crate::context::Context;
use crate::mail::{MailError, Mailer};
use crate::settings::InvalidSetting;
use crate::table::{Attempts, StoreError};

/// Partition of the limiters in the table Campaigns; the sort key is `SES` or a campaign's id.
pub const LIMITERS: &str = "LIMITERS";

/// The limiter that all senders share.
const SES: &str = "SES";

/// After this time without a refresh, SES is asked for the allowance again. The sweep refreshes it every minute while a
/// campaign is active.
const STALE: SignedDuration = SignedDuration::from_secs(180);

/// How long all senders wait after SES has throttled one.
const SLOW_DOWN: SignedDuration = SignedDuration::from_secs(1);

/// The allowance of an unlimited account: more than anybody sends between two refreshes.
const UNLIMITED: u64 = 1 << 50;

/// The limiter could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum LimiterError {
    /// The table could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// SES did not answer what the account may do.
    #[error(transparent)]
    Mail(#[from] MailError),
}

/// The answer to a request for slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// These are the caller's.
    Slots(Slots),
    /// All near slots are taken by others; ask again after this time.
    Later(Duration),
    /// The account may send no more for now.
    QuotaUsedUp,
}

/// The rate of one campaign, lower than the account's.
#[derive(Clone, Copy, Debug)]
pub struct Own {
    /// The campaign.
    pub campaign: CampaignId,
    /// Its rate.
    pub pace: Pace,
    /// The time in which slots of this rate are wanted.
    pub window: Window,
}

/// Replaces SES's answer on what the account may do, for the local cloud and for benchmarks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Override {
    rate: Option<f64>,
    quota: Option<f64>,
}

/// The limiter that all senders share.
#[derive(Debug)]
pub struct Limiter {
    store: LimiterStore,
    mailer: Mailer,
    instead: Override,
}

impl Limiter {
    /// The limiter on the table Campaigns. Rate or quota may be overridden only if the functions call another endpoint
    /// than AWS.
    pub fn new(context: &Context, mailer: Mailer) -> Result<Self, InvalidSetting> {
        let settings = &context.settings;
        let instead =
            Override { rate: settings.number("SES_RATE_OVERRIDE")?, quota: settings.number("SES_QUOTA_OVERRIDE")? };
        if instead != Override::default() && !settings.calls_another_endpoint() {
            return Err(InvalidSetting::OverrideOnAws);
        }
        Ok(Self { store: LimiterStore::new(context.table("CAMPAIGNS_TABLE")?), mailer, instead })
    }

    /// Asks SES what the account may do, and stores it for all senders. Answers how many e-mails may still leave in
    /// these 24 hours.
    pub async fn refresh(&self, now: Timestamp) -> Result<u64, LimiterError> {
        let account = self.mailer.account().await?;
        let rate = self.instead.rate.unwrap_or(account.rate);
        let quota = self.instead.quota.or(account.quota);
        let room = quota.map_or(UNLIMITED, |quota| (quota - account.sent).max(0.0) as u64);
        self.store.refresh(rate, room, now).await?;
        Ok(room)
    }

    /// Takes up to `wanted` slots that begin in the window, at most a few seconds' worth. Those of a campaign with its
    /// own rate are spaced to that rate.
    pub async fn reserve(&self, wanted: usize, own: Option<Own>, window: Window) -> Result<Reservation, LimiterError> {
        let account = self.account(window.now).await?;
        let Some(own) = own else { return self.of_account(wanted, account, window).await };
        let slots = match self.take(&own.campaign.to_string(), own.pace, wanted, None, own.window).await? {
            Reservation::Slots(slots) => slots,
            other => return Ok(other),
        };
        // If the account has no slots, those of the campaign are lost: a slow campaign becomes a little slower.
        Ok(match self.of_account(slots.count, account, window).await? {
            Reservation::Slots(others) => Reservation::Slots(slots.and(others)),
            other => other,
        })
    }

    /// Makes all senders wait a moment, since SES has throttled one.
    pub async fn slow_down(&self, now: Timestamp) -> Result<(), StoreError> {
        self.store.move_on(now + SLOW_DOWN).await
    }

    async fn of_account(&self, wanted: usize, account: Item, window: Window) -> Result<Reservation, LimiterError> {
        self.take(SES, Pace::per_second(account.rate), wanted, Some(account), window).await
    }

    /// The account's item, refreshed if it is stale.
    async fn account(&self, now: Timestamp) -> Result<Item, LimiterError> {
        let fresh = |item: &Item| item.refreshed_at.is_some_and(|at| now.duration_since(at) < STALE);
        if let Some(item) = self.store.seen().filter(fresh) {
            return Ok(item);
        }
        let known = self.store.read().await?;
        if let Some(item) = known.filter(fresh) {
            return Ok(item);
        }
        match (self.refresh(now).await, known) {
            // An old allowance is better than none: SES still refuses e-mails beyond it.
            (Err(LimiterError::Mail(error)), Some(item)) => {
                tracing::warn!(error = %error, "the allowance could not be refreshed");
                Ok(item)
            }
            (result, _) => {
                result?;
                Ok(self.store.seen().ok_or(StoreError::Busy("learn the send rate"))?)
            }
        }
    }

    /// Moves a limiter's time on by the slots that are taken. `seen` is its last known state, and may be outdated.
    async fn take(
        &self,
        limiter: &str,
        pace: Pace,
        wanted: usize,
        mut seen: Option<Item>,
        window: Window,
    ) -> Result<Reservation, LimiterError> {
        let (mut attempts, mut known) = (Attempts::default(), false);
        loop {
            let count = pace.at_once(wanted, seen.map_or(UNLIMITED, |item| item.room));
            let next = seen.map_or(0, |item| item.next);
            if known && count == 0 {
                return Ok(Reservation::QuotaUsedUp);
            }
            if let Some(wait) = window.wait(next).filter(|_| known) {
                return Ok(Reservation::Later(wait));
            }
            let slots = Slots { first: next.max(window.earliest()), pace, count: count.max(1) };
            match self.store.take(limiter, &slots, window).await? {
                Taken::Until(end) => return Ok(Reservation::Slots(Slots { first: end - slots.span(), ..slots })),
                Taken::Not(item) => seen = item,
            }
            // A guess was old: what is known now is tried at once.
            if known && !attempts.begin().await {
                return Err(StoreError::Busy("reserve a time to send").into());
            }
            known = true;
        }
    }
}
