//! Commands of people to a campaign, and changes that the system makes by itself: pause, halt, resume, requeue.

use jiff::Timestamp;
use portal_domain::campaign::audit::{Action, Actor, AuditEntry, SYSTEM};
use portal_domain::campaign::{CampaignEvent, Command, Effect, StateReason, most_for};
use portal_domain::{Campaign, CampaignId, CampaignState, Outcome};

use super::CampaignStore;
use super::active::Lock;
use super::transition::{Moved, Transition};
use super::walks::cursor::{Task, Walk, WalkChange};
use crate::table::{Attempts, StoreError};

/// The result of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obeyed {
    /// The command is done. If the campaign fans out now, its fan-out is to be queued.
    Done(Box<Campaign>),
    /// The campaign is already in the state that the command leads to.
    Already(Box<Campaign>),
    /// The command is not possible in this state.
    Refused(Box<Campaign>),
    /// Another campaign holds the division's lock.
    Busy(CampaignId),
    /// There is no such campaign.
    Unknown,
}

impl CampaignStore {
    /// Carries out a person's command once, with an entry in the audit trail.
    pub async fn obey(
        &self,
        id: CampaignId,
        command: Command,
        by: &Actor,
        now: Timestamp,
    ) -> Result<Obeyed, StoreError> {
        let mut attempts = Attempts::default();
        while attempts.begin().await {
            let Some(campaign) = self.campaign(id).await? else { return Ok(Obeyed::Unknown) };
            let (state, reason) = match command.effect(&campaign, now) {
                Effect::Moves(state, reason) => (state, reason),
                Effect::None => return Ok(Obeyed::Already(Box::new(campaign))),
                Effect::Refused => return Ok(Obeyed::Refused(Box::new(campaign))),
            };
            if let Command::Retry(outcome) = command
                && self.progress(&campaign).await?.outcomes.of(outcome) == 0
            {
                return Ok(Obeyed::Already(Box::new(campaign)));
            }
            match self.transit(self.commanded(&campaign, command, (state, reason), by, now).await?).await? {
                Moved::Done(campaign) => return Ok(Obeyed::Done(campaign)),
                Moved::Busy => {
                    if let Some(active) = self.active_in(&campaign.filter.division).await? {
                        return Ok(Obeyed::Busy(active));
                    }
                }
                Moved::Changed => {}
            }
        }
        Err(StoreError::Busy("move a campaign on"))
    }

    /// Pauses a campaign that would reach more people than it may; also one that is paused for its quiet hours, since
    /// its ledger is written meanwhile. `false` if its state does not allow that.
    pub async fn stop_growing(&self, id: CampaignId, now: Timestamp) -> Result<bool, StoreError> {
        let moved = self.by_itself(id, |before| {
            let quiet = before.stopped_for(StateReason::QuietHours);
            let state = if quiet { Some(before.state) } else { before.state.after(CampaignEvent::Pause) };
            Some(Transition {
                before,
                after: Campaign {
                    state: state?,
                    state_reason: Some(StateReason::AudienceGrew.into()),
                    ..before.clone()
                },
                entry: AuditEntry::new(now, SYSTEM, Action::Paused),
                lock: Lock::Keep,
                walk: None,
                rebound: None,
            })
        });
        Ok(moved.await?.is_some())
    }

    /// Pauses or halts a campaign for a reason that the system found. `false` if its state does not allow that.
    pub async fn stop_by_itself(
        &self,
        id: CampaignId,
        event: CampaignEvent,
        reason: StateReason,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let action = if event == CampaignEvent::Halt { Action::Halted } else { Action::Paused };
        let moved = self.by_itself(id, |before| {
            Some(Transition {
                before,
                after: Campaign {
                    state: before.state.after(event)?,
                    state_reason: Some(reason.into()),
                    ..before.clone()
                },
                entry: AuditEntry::new(now, SYSTEM, action),
                lock: Lock::Keep,
                walk: None,
                rebound: None,
            })
        });
        Ok(moved.await?.is_some())
    }

    /// Resumes a campaign that is paused for this reason; its fan-out is then to be queued. `None` if it is not paused,
    /// or for another reason.
    pub async fn resume_by_itself(
        &self,
        id: CampaignId,
        reason: StateReason,
        now: Timestamp,
    ) -> Result<Option<Campaign>, StoreError> {
        self.by_itself(id, |before| {
            let state = before.state.after(CampaignEvent::Resume)?;
            before.stopped_for(reason).then(|| Transition {
                before,
                after: Campaign { state, state_reason: None, ..before.clone() },
                entry: AuditEntry::new(now, SYSTEM, Action::Resumed),
                lock: Lock::Keep,
                walk: Some(requeue()),
                rebound: None,
            })
        })
        .await
    }

    /// Starts another walk through the ledger of a cancelled campaign if it has `queued` rows: rows that were claimed
    /// during the first walk, and that SES then refused. `true` if the campaign's fan-out is to be queued. Call it when
    /// no claim is open.
    pub async fn skip_stragglers(&self, campaign: &Campaign, now: Timestamp) -> Result<bool, StoreError> {
        let progress = self.progress(campaign).await?;
        if !progress.prepared || progress.outcomes.queued == 0 {
            return Ok(false);
        }
        let transition = Transition {
            before: campaign,
            after: campaign.clone(),
            entry: AuditEntry::new(now, SYSTEM, Action::Cancelled),
            lock: Lock::Keep,
            walk: Some(WalkChange::Replace(Walk::from_start(Task::Cancel))),
            rebound: None,
        };
        Ok(matches!(self.transit(transition).await?, Moved::Done(_)))
    }

    /// Starts a walk that queues messages for all `queued` rows of a sending campaign, because some messages may be
    /// lost. The sweep queues its fan-out.
    pub async fn requeue(&self, id: CampaignId, now: Timestamp) -> Result<(), StoreError> {
        let begun = self.by_itself(id, |before| {
            before.state.sends().then(|| Transition {
                before,
                after: before.clone(),
                entry: AuditEntry::new(now, SYSTEM, Action::Requeued),
                lock: Lock::Keep,
                walk: Some(requeue()),
                rebound: None,
            })
        });
        begun.await.map(drop)
    }

    async fn by_itself(
        &self,
        id: CampaignId,
        decide: impl for<'a> Fn(&'a Campaign) -> Option<Transition<'a>>,
    ) -> Result<Option<Campaign>, StoreError> {
        let mut attempts = Attempts::default();
        while attempts.begin().await {
            let Some(campaign) = self.campaign(id).await? else { return Ok(None) };
            let Some(transition) = decide(&campaign) else { return Ok(None) };
            if let Moved::Done(campaign) = self.transit(transition).await? {
                return Ok(Some(*campaign));
            }
        }
        Err(StoreError::Busy("move a campaign on"))
    }

    async fn commanded<'a>(
        &self,
        before: &'a Campaign,
        command: Command,
        (state, state_reason): (CampaignState, Option<StateReason>),
        by: &Actor,
        now: Timestamp,
    ) -> Result<Transition<'a>, StoreError> {
        let mut after = Campaign { state, state_reason: state_reason.map(Into::into), ..before.clone() };
        let mut entry = AuditEntry::new(now, by, command.action());
        let mut rebound = None;
        let (lock, walk) = match command {
            Command::Pause => (Lock::Keep, None),
            Command::Resume(expected) => {
                if let Some(expected) = expected {
                    after.expected_recipients = expected;
                    after.most_recipients = Some(most_for(expected));
                    rebound = Some(self.cursors.all(before).await?);
                }
                if before.state == CampaignState::Halted {
                    after.acknowledged = Some(self.progress(before).await?.returned());
                }
                // A campaign that stays paused for its quiet hours is requeued when these end.
                (Lock::Keep, state.sends().then(requeue))
            }
            Command::Cancel => (Lock::Keep, Some(WalkChange::Replace(Walk::from_start(Task::Cancel)))),
            Command::Retry(outcome) => {
                after.completed_at = None;
                after.retrying = Some(outcome);
                entry.outcome = Some(outcome);
                let task = if outcome == Outcome::Failed { Task::RetryFailed } else { Task::RetryUnconfirmed };
                (Lock::Take, Some(WalkChange::Replace(Walk::from_start(task))))
            }
        };
        Ok(Transition { before, after, entry, lock, walk, rebound })
    }
}

/// Messages for all `queued` rows are queued again, after the present walks, since a retry may be unfinished.
fn requeue() -> WalkChange {
    WalkChange::Append(Walk::from_start(Task::Requeue))
}
