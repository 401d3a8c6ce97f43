//! When a campaign halts because of bounces and complaints.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::StateReason;

/// Bounces and complaints among sent e-mails, in recipients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Returned {
    /// E-mails that SES accepted.
    pub sent: u64,
    /// Of these, bounced for good.
    pub bounced: u64,
    /// Of these, complained of.
    pub complained: u64,
}

/// More than so many bounces, and more than so many percent of what was sent. SES puts accounts under review at 5 %
/// (docs.aws.amazon.com/ses/latest/dg/reputationdashboardmessages.html).
const BOUNCES: u64 = 10;
const BOUNCES_PERCENT: u128 = 5;

/// More than so many complaints, and more than so many of a thousand sent. SES puts accounts under review at 0.1 %, and
/// pauses them at 0.5 % (the same page).
const COMPLAINTS: u64 = 5;
const COMPLAINTS_PERMILLE: u128 = 3;

impl Returned {
    /// Bounces and complaints since `before`. A person who resumes a halted campaign has acknowledged the earlier ones.
    pub fn since(self, before: Self) -> Self {
        Self {
            sent: self.sent.saturating_sub(before.sent),
            bounced: self.bounced.saturating_sub(before.bounced),
            complained: self.complained.saturating_sub(before.complained),
        }
    }

    /// Why the campaign must halt, if it must.
    pub fn halts(self) -> Option<StateReason> {
        let sent = u128::from(self.sent);
        if self.bounced > BOUNCES && u128::from(self.bounced) * 100 > sent * BOUNCES_PERCENT {
            Some(StateReason::Bounces)
        } else if self.complained > COMPLAINTS && u128::from(self.complained) * 1_000 > sent * COMPLAINTS_PERMILLE {
            Some(StateReason::Complaints)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_the_number_and_the_share_must_be_exceeded() {
        let table = [
            (0, 0, 0, None),
            (10, 10, 0, None),
            (11, 11, 0, Some(StateReason::Bounces)),
            (220, 11, 0, None),
            (219, 11, 0, Some(StateReason::Bounces)),
            (1_000, 50, 0, None),
            (1_000, 51, 0, Some(StateReason::Bounces)),
            (5, 0, 5, None),
            (6, 0, 6, Some(StateReason::Complaints)),
            (2_000, 0, 6, None),
            (1_999, 0, 6, Some(StateReason::Complaints)),
            (u64::MAX, u64::MAX, 0, Some(StateReason::Bounces)),
        ];
        for (sent, bounced, complained, expected) in table {
            assert_eq!(Returned { sent, bounced, complained }.halts(), expected, "{sent} {bounced} {complained}");
        }
    }

    #[test]
    fn what_a_person_took_note_of_counts_no_more() {
        let before = Returned { sent: 100, bounced: 20, complained: 7 };
        assert!(before.halts().is_some());
        let now = Returned { sent: 200, bounced: 30, complained: 12 };
        assert_eq!(now.since(before), Returned { sent: 100, bounced: 10, complained: 5 });
        assert_eq!(now.since(before).halts(), None);
        assert_eq!(before.since(now), Returned::default(), "numbers never go below nothing");
    }
}
