//! The model's state: tables, queue, functions and people.

use portal_domain::campaign::StateReason;
use portal_domain::outcome::LedgerEvent;
use portal_domain::{CampaignState, Outcome, PortalStatus};

use crate::bounds::Budget;

/// Number of a claim, and of the one password that it makes; 0 is the password of an older campaign.
pub type Password = u8;

/// Everything at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The campaign's item.
    pub campaign: CampaignItem,
    /// The campaign holds its division's lock.
    pub locked: bool,
    /// The ledger row.
    pub row: Row,
    /// The recipient's item.
    pub person: Person,
    /// Claims that are neither closed nor settled; each covers the one row. A set of bits, by the claim's number.
    pub open_claims: u8,
    /// The cursor of the shard.
    pub cursor: Cursor,
    /// Delivery messages that no live invocation holds.
    pub waiting: u8,
    /// Two invocations of `deliver`, in order, since they are alike.
    pub invocations: [Invocation; 2],
    /// What an invocation of `fan-out` is about to write: whether the walk found the row.
    pub fan_out: Option<Option<Row>>,
    /// The claim that the sweep has made `unconfirmed` and not yet deleted, and whether it has queued its recipients.
    pub sweep: Option<(Password, bool)>,
    /// The true history, which no function can read.
    pub truth: Truth,
    /// The remaining budget.
    pub budget: Budget,
}

/// The campaign, as far as it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CampaignItem {
    /// State.
    pub state: CampaignState,
    /// Why it is paused.
    pub reason: Option<StateReason>,
    /// What is being retried.
    pub retrying: Option<Outcome>,
    /// It has its `completedAt`.
    pub over: bool,
}

/// The ledger row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    /// What became of the recipient.
    pub outcome: Outcome,
    /// How often it was claimed.
    pub attempt: u8,
    /// The newest claim; 0 before the first.
    pub claim: Password,
}

/// The recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Person {
    /// The state to restore if SES refuses the e-mail.
    pub invitation: Prior,
    /// A withdrawal since the campaign began, and the campaign whose invitation it was.
    pub withdrawn: Option<Option<Mailer>>,
}

/// The recipient's state saved by a claim, so that a refused e-mail can be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prior {
    /// Portal status.
    pub status: PortalStatus,
    /// The password whose digest is stored.
    pub digest: Option<Password>,
    /// The last inviting campaign, which determines the time.
    pub invited_by: Option<Mailer>,
}

/// Who mails people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mailer {
    /// The campaign of the model, a moment ago.
    Ours,
    /// A campaign of long ago.
    Older,
    /// Another campaign, a moment ago.
    Other,
}

/// The shard's cursor; its one page is written, so that `scanned` is always true.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// Everything is written and queued.
    pub done: bool,
    /// Walks to do.
    pub walks: Vec<Task>,
    /// The row's message may not be queued yet.
    pub to_queue: bool,
}

/// What a walk does to rows; `Task` of `portal_aws::campaigns::item`, which this crate does not see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Task {
    /// Queue who is `queued`.
    Requeue,
    /// Make `queued` and queue who `failed`.
    RetryFailed,
    /// Make `queued` and queue who is `unconfirmed`.
    RetryUnconfirmed,
    /// Skip who is `queued`.
    Cancel,
}

impl Task {
    /// The outcome of the rows that it is about.
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Requeue | Self::Cancel => Outcome::Queued,
            Self::RetryFailed => Outcome::Failed,
            Self::RetryUnconfirmed => Outcome::Unconfirmed,
        }
    }

    /// What happens to these rows.
    pub fn event(self) -> Option<LedgerEvent> {
        match self {
            Self::Requeue => None,
            Self::RetryFailed | Self::RetryUnconfirmed => Some(LedgerEvent::Retry),
            Self::Cancel => Some(LedgerEvent::Skip),
        }
    }
}

/// One invocation of `deliver`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Invocation {
    /// Its progress.
    pub step: Step,
    /// The state of its message.
    pub message: Message,
}

impl Invocation {
    /// It does not run.
    pub const IDLE: Self = Self { step: Step::Idle, message: Message::None };
}

/// The message that an invocation was called with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Message {
    /// The invocation does not run.
    None,
    /// It is already deleted, because the other invocation had it too and succeeded.
    Deleted,
    /// It is in the queue, and comes again unless one of the two invocations that have it succeeds.
    Shared,
    /// It is in the queue, and comes again unless the invocation succeeds.
    Own,
}

/// The progress of an invocation: its last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// It does not run.
    Idle,
    /// It was called.
    Called,
    /// It has read the campaign, which is sending, and the row, which is `queued` with this number of claims.
    ReadRow(u8),
    /// It has read the recipient too, and decided to end the row.
    Skips,
    /// It has read the recipient too, and decided to claim; whether the recipient is still the version that it read,
    /// which it does not know.
    Claims(u8, bool),
    /// It has claimed.
    Claimed(Password, Undo),
    /// SES has answered.
    Answered(Password, Undo, Answer),
    /// It has recorded that the recipient waits for another try; and may have to pause the campaign first.
    PutBack(Password, bool),
    /// It has queued the recipient anew.
    QueuedAnew(Password),
    /// It only has to report success.
    Ends,
}

/// A [`Prior`] with an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Undo(pub Prior);

impl Undo {
    fn key(&self) -> (PortalStatus, Option<Password>, Option<u8>) {
        (self.0.status, self.0.digest, self.0.invited_by.map(|mailer| mailer as u8))
    }
}

impl PartialOrd for Undo {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Undo {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

/// SES's answer, and the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Answer {
    /// The e-mail left.
    Accepted,
    /// The e-mail is refused for good.
    Refused,
    /// Too fast, out of reach, or not tried for want of time: another try later.
    Throttled,
    /// Nothing is taken from the account: the campaign pauses.
    Closed,
    /// The answer is lost, and the e-mail left.
    LostAndLeft,
    /// The answer is lost, and nothing left.
    LostAndNotLeft,
}

/// The true history. No function reads it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Truth {
    /// Passwords made so far.
    pub passwords: u8,
    /// An e-mail of the row's newest attempt left.
    pub newest_left: bool,
    /// Passwords whose e-mail left.
    pub left: u8,
    /// Passwords whose e-mail may have left as far as the system can know, and that were not withdrawn or used.
    pub may_have_left: u8,
    /// E-mails of the campaign that left since a person last decided about an unconfirmed one; at most 2.
    pub unasked: u8,
    /// A recipient who had accepted was claimed.
    pub claimed_accepted: bool,
    /// A recipient withdrawn since the campaign began was claimed.
    pub claimed_withdrawn: bool,
    /// Two claims have the same attempt number.
    pub attempt_reused: bool,
    /// E-mails of two claims with the same attempt number left.
    pub tags_reused: bool,
    /// The row was retried, as `unconfirmed`.
    pub was_retried: bool,
    /// Attempts of which an e-mail left: a set of bits; kept only where two claims may have the same number.
    pub attempts_left: u8,
}

impl State {
    /// The ledger's only page is written, and its message is not queued yet.
    pub fn begin(invitation: Prior, budget: Budget) -> Self {
        let earlier = invitation.digest.map_or(0, |password| 1 << password);
        Self {
            campaign: CampaignItem { state: CampaignState::Preparing, reason: None, retrying: None, over: false },
            locked: true,
            row: Row { outcome: Outcome::Queued, attempt: 0, claim: 0 },
            person: Person { invitation, withdrawn: None },
            open_claims: 0,
            cursor: Cursor { done: false, walks: Vec::new(), to_queue: true },
            waiting: 0,
            invocations: [Invocation::IDLE; 2],
            fan_out: None,
            sweep: None,
            truth: Truth { left: earlier, may_have_left: earlier, ..Truth::default() },
            budget,
        }
    }

    /// Makes every earlier read of the recipient outdated.
    pub fn recipient_changed(&mut self) {
        for invocation in &mut self.invocations {
            if let Step::Claims(_, current) = &mut invocation.step {
                *current = false;
            }
        }
    }

    /// The canonical form of the state: differences that can't matter any more are removed.
    pub fn normalised(mut self) -> Self {
        for invocation in &mut self.invocations {
            if invocation.step == Step::Ends && invocation.message == Message::Deleted {
                *invocation = Invocation::IDLE;
            }
        }
        self.invocations.sort();
        let claim = self.row.claim;
        let known = self.open_claims & (1 << claim) != 0
            || self.sweep.is_some_and(|(of, _)| of == claim)
            || self.invocations.iter().any(|invocation| invocation.step.claim() == Some(claim));
        if !known {
            self.row.claim = 0;
        }
        if self.budget.acceptances == 0 {
            self.truth.left = 0;
        }
        if self.budget.confirmations == 0 {
            self.truth.newest_left = false;
        }
        self
    }
}

impl Step {
    /// The claim that an invocation has made.
    pub fn claim(self) -> Option<Password> {
        match self {
            Self::Claimed(claim, _) | Self::Answered(claim, ..) | Self::PutBack(claim, _) | Self::QueuedAnew(claim) => {
                Some(claim)
            }
            Self::Idle | Self::Called | Self::ReadRow(_) | Self::Skips | Self::Claims(..) | Self::Ends => None,
        }
    }
}
