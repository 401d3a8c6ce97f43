//! The faults of one run and their probabilities, all drawn from the seed.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use rand::RngExt;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

/// Something that AWS may do to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Fault {
    /// DynamoDB: refused for too many calls.
    Throttled,
    /// DynamoDB: another transaction holds an item.
    Conflict,
    /// DynamoDB: the same transaction, by its token, is still under way.
    InProgress,
    /// DynamoDB: some keys of a batch are left for later.
    Unprocessed,
    /// A fault of the service before the call took effect.
    ErrorBefore,
    /// A fault of the service after the call took effect.
    ErrorAfter,
    /// The call took effect, and the connection broke.
    AnswerLost,
    /// The call took effect, and no answer comes.
    NoAnswer,
    /// Nobody can be reached.
    NoConnection,
    /// SQS: some messages of a batch are refused. EventBridge: some events are.
    PartlyRefused,
    /// SES: too many e-mails at once.
    MailThrottled,
    /// SES: this e-mail is refused.
    MailRefused,
    /// SES: the e-mail leaves, and the answer is an error.
    MailUnknownSent,
    /// SES: the e-mail does not leave, and the answer is an error.
    MailUnknown,
    /// SES: it takes nothing from the account.
    MailClosed,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 15] = [
        Self::Throttled,
        Self::Conflict,
        Self::InProgress,
        Self::Unprocessed,
        Self::ErrorBefore,
        Self::ErrorAfter,
        Self::AnswerLost,
        Self::NoAnswer,
        Self::NoConnection,
        Self::PartlyRefused,
        Self::MailThrottled,
        Self::MailRefused,
        Self::MailUnknownSent,
        Self::MailUnknown,
        Self::MailClosed,
    ];

    /// Its highest probability for a call in any run.
    fn most(self) -> f64 {
        match self {
            Self::Throttled | Self::Conflict => 0.08,
            Self::MailThrottled => 0.15,
            Self::Unprocessed | Self::PartlyRefused => 0.2,
            Self::InProgress | Self::ErrorBefore | Self::ErrorAfter | Self::AnswerLost => 0.02,
            Self::MailRefused | Self::MailUnknownSent | Self::MailUnknown => 0.02,
            Self::NoAnswer | Self::NoConnection => 0.004,
            Self::MailClosed => 0.001,
        }
    }
}

/// What may go wrong in one storm.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Nothing goes wrong.
    pub calm: bool,
    /// How likely a call meets each fault.
    pub faults: BTreeMap<Fault, f64>,
    /// After a fault the next calls of the same function meet one this often.
    pub again: f64,
    /// How likely a function is killed at a call.
    pub kill: f64,
    /// How likely a function stands still at a call, and for how long at most.
    pub freeze: f64,
    /// How long it stands still at most.
    pub longest_freeze: SignedDuration,
    /// How likely a message is handed out a second time, soon or at once.
    pub twice: f64,
    /// How likely a message is late, by up to four days.
    pub late: f64,
    /// How likely the deletion of a handled message gets lost.
    pub undeleted: f64,
    /// How far an index lags behind at most.
    pub lag: SignedDuration,
    /// How far clocks are off at most, either way.
    pub skew: SignedDuration,
    /// How long a call takes at most, there or back, when nothing is wrong.
    pub latency: SignedDuration,
    /// How likely a sweep does not come for an hour, and how likely two come at once.
    pub sweepless: f64,
    /// How likely two sweeps come at once.
    pub sweep_twice: f64,
    /// Mean time between two acts of people.
    pub pause: SignedDuration,
    /// How many `deliver` run at once.
    pub deliverers: usize,
    /// How likely an invocation gets a new environment although an idle one is there.
    pub cold: f64,
}

impl Plan {
    /// Draws the faults. Each one may be left out, because one fault may hide another.
    pub fn draw(random: &mut StdRng) -> Self {
        let mut faults = BTreeMap::new();
        for fault in Fault::ALL {
            if random.random_bool(0.5) {
                faults.insert(fault, fault.most() * random.random_range(0.05..1.0));
            }
        }
        let mut some = |chance: f64, most: f64| {
            if random.random_bool(chance) { most * random.random_range(0.05..1.0) } else { 0.0 }
        };
        let (again, kill, freeze) = (some(0.7, 0.6), some(0.7, 0.02), some(0.4, 0.004));
        let (twice, late, undeleted) = (some(0.7, 0.4), some(0.3, 0.02), some(0.5, 0.1));
        let (sweepless, sweep_twice, cold) = (some(0.3, 0.1), some(0.5, 0.3), some(0.8, 0.3));
        let seconds = |random: &mut StdRng, most: f64| SignedDuration::from_secs_f64(random.random_range(0.0..most));
        Self {
            calm: false,
            faults,
            again,
            kill,
            freeze,
            longest_freeze: seconds(random, 180.0),
            twice,
            late,
            undeleted,
            lag: seconds(random, 10.0),
            skew: seconds(random, 2.0),
            latency: SignedDuration::from_secs_f64(random.random_range(0.002..0.05)),
            sweepless,
            sweep_twice,
            pause: SignedDuration::from_secs_f64(random.random_range(0.5..20.0)),
            deliverers: random.random_range(1..=8),
            cold,
        }
    }

    /// Nothing goes wrong.
    pub fn calm() -> Self {
        Self {
            calm: true,
            faults: BTreeMap::new(),
            again: 0.0,
            kill: 0.0,
            freeze: 0.0,
            longest_freeze: SignedDuration::ZERO,
            twice: 0.0,
            late: 0.0,
            undeleted: 0.0,
            lag: SignedDuration::from_secs(1),
            skew: SignedDuration::ZERO,
            latency: SignedDuration::from_millis(5),
            sweepless: 0.0,
            sweep_twice: 0.0,
            pause: SignedDuration::from_mins(1),
            deliverers: 5,
            cold: 0.0,
        }
    }
}
