//! Requests of customers for a new e-mail: when one is granted.

use jiff::{SignedDuration, Timestamp};

use crate::{PortalStatus, Recipient};

/// Shortest time between two granted e-mails of one recipient.
pub const PAUSE: SignedDuration = SignedDuration::from_hours(1);

/// Most granted e-mails of one recipient in [`DAY`].
pub const MOST_A_DAY: usize = 3;

/// The time in which [`MOST_A_DAY`] counts.
pub const DAY: SignedDuration = SignedDuration::from_hours(24);

/// How long requests are remembered: longer than any calendar day, because the campaign of the day depends on them too.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(48);

/// A recipient's earlier requests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Requests<'a> {
    /// Times of granted e-mails, as [`decide`] and [`mailed`] returned them.
    pub granted: &'a [Timestamp],
    /// When the last granted e-mail left, or may have left.
    pub mailed: Option<Timestamp>,
    /// A granted e-mail has not left yet, and still may.
    pub waiting: bool,
}

/// Why a request is not granted. This is not told outside (guarantee 14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "camelCase")]
pub enum Refusal {
    /// Never invited, or accepted already.
    NotPending,
    /// No longer linked to an account.
    Unlinked,
    /// Mail to the address bounced, or its owner complained.
    Undeliverable,
    /// An e-mail granted earlier is still waiting.
    Waiting,
    /// This invitation was renewed before; another renewal needs a new invitation by an operator.
    Renewed,
    /// The last granted e-mail is too recent.
    TooSoon,
    /// Too many granted e-mails in a day.
    TooOften,
    /// The division's daily limit is reached.
    DailyLimit,
}

/// Decides about a request of `recipient`, given earlier requests; returns the times to remember, including `now`.
/// E-mails that SES refused later count for [`PAUSE`] and [`DAY`] too. The division's daily limit is checked by the
/// write.
pub fn decide(recipient: &Recipient, requests: Requests<'_>, now: Timestamp) -> Result<Vec<Timestamp>, Refusal> {
    let within = |time: SignedDuration| requests.granted.iter().filter(move |at| now.duration_since(**at) < time);
    if recipient.status != PortalStatus::Pending {
        Err(Refusal::NotPending)
    } else if recipient.links.account_count == 0 {
        Err(Refusal::Unlinked)
    } else if recipient.undeliverable.is_some() {
        Err(Refusal::Undeliverable)
    } else if requests.waiting {
        Err(Refusal::Waiting)
    } else if is_renewed(recipient, requests.mailed) {
        Err(Refusal::Renewed)
    } else if within(PAUSE).count() > 0 {
        Err(Refusal::TooSoon)
    } else if within(DAY).count() >= MOST_A_DAY {
        Err(Refusal::TooOften)
    } else {
        Ok(within(REMEMBERED).copied().chain([now]).collect())
    }
}

/// Whether the newest e-mail to `recipient` that may have left is a granted one, which left at `mailed`. An e-mail of
/// an operator's campaign is newer, so it can be renewed once, as can an imported status. An e-mail that SES refused
/// leaves both times as they were.
pub fn is_renewed(recipient: &Recipient, mailed: Option<Timestamp>) -> bool {
    mailed.is_some() && mailed == recipient.last_invited_at
}

/// Whether the e-mail granted and mailed at `mailed` answers all requests in `asked`. Several requests while nothing
/// could be sent get one e-mail, not one each.
pub fn is_answered(asked: &[Timestamp], mailed: Option<Timestamp>) -> bool {
    mailed.is_some_and(|mailed| asked.iter().all(|at| *at <= mailed))
}

/// The times to remember when a granted e-mail is mailed at `now`. The newest request counts from its e-mail, which may
/// have waited.
pub fn mailed(asked: &[Timestamp], now: Timestamp) -> Vec<Timestamp> {
    let earlier = asked.split_last().map_or(asked, |(_, earlier)| earlier);
    let newest = asked.last().map_or(now, |newest| now.max(*newest));
    earlier.iter().copied().chain([newest]).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::recipient::Links;
    use crate::{DivisionId, RecipientId};

    fn recipient() -> Recipient {
        Recipient {
            status: PortalStatus::Pending,
            ..Recipient::never_invited(
                RecipientId::from_random([1; 16]),
                DivisionId::new("NORTH"),
                "ann@example.com".to_owned(),
                Links { account_count: 1, ..Links::default() },
            )
        }
    }

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + 60 * minutes).expect("a time")
    }

    #[test]
    fn only_who_is_pending_linked_and_reachable_gets_an_e_mail() {
        let refused = |change: &dyn Fn(&mut Recipient)| {
            let mut recipient = recipient();
            change(&mut recipient);
            decide(&recipient, Requests::default(), at(0)).err()
        };
        assert_eq!(refused(&|_| {}), None);
        assert_eq!(refused(&|r| r.status = PortalStatus::NotSent), Some(Refusal::NotPending));
        assert_eq!(refused(&|r| r.status = PortalStatus::Accepted), Some(Refusal::NotPending));
        assert_eq!(refused(&|r| r.links.account_count = 0), Some(Refusal::Unlinked));
        assert_eq!(refused(&|r| r.undeliverable = Some("bounced".to_owned())), Some(Refusal::Undeliverable));
    }

    #[test]
    fn an_hour_lies_between_two_and_a_day_has_three() {
        let day = 24 * 60;
        let decide =
            |granted: &[Timestamp], now| decide(&recipient(), Requests { granted, ..Requests::default() }, now);
        assert_eq!(decide(&[at(0)], at(59)), Err(Refusal::TooSoon));
        assert_eq!(decide(&[at(0)], at(60)), Ok(vec![at(0), at(60)]));
        let three = [at(0), at(60), at(120)];
        assert_eq!(decide(&three, at(day - 1)), Err(Refusal::TooOften));
        assert_eq!(decide(&three, at(day)), Ok(vec![at(0), at(60), at(120), at(day)]));
        assert_eq!(decide(&three, at(3 * day)), Ok(vec![at(3 * day)]));
    }

    #[test]
    fn an_invitation_is_renewed_once_whenever_that_was() {
        let years = 1_000_000;
        let decide = |invited, mailed, waiting| {
            let recipient = Recipient { last_invited_at: invited, ..recipient() };
            decide(&recipient, Requests { granted: &[], mailed, waiting }, at(years)).err()
        };
        assert_eq!(decide(Some(at(0)), None, false), None, "an operator invited them");
        assert_eq!(decide(None, None, false), None, "an import said that they are pending");
        assert_eq!(decide(Some(at(5)), Some(at(5)), false), Some(Refusal::Renewed));
        assert_eq!(decide(Some(at(9)), Some(at(5)), false), None, "an operator invited them again");
        assert_eq!(decide(Some(at(0)), None, true), Some(Refusal::Waiting), "the first has not left yet");
    }

    #[test]
    fn an_e_mail_answers_all_that_was_asked_before_it() {
        assert!(!is_answered(&[at(0)], None) && !is_answered(&[at(0), at(60)], Some(at(59))));
        assert!(is_answered(&[at(0), at(60)], Some(at(60))));
        assert_eq!(mailed(&[at(0), at(60)], at(300)), [at(0), at(300)]);
        assert_eq!(mailed(&[at(60)], at(59)), [at(60)], "clocks differ a little");
        assert_eq!(mailed(&[], at(1)), [at(1)]);
    }

    proptest! {
        #[test]
        fn however_often_somebody_asks_and_however_long_e_mails_wait_the_limits_hold(
            asks in prop::collection::vec((0_i64..200, 0_i64..200, any::<bool>()), 0..200),
        ) {
            let (mut now, mut asked, mut waiting, mut mails) = (0, Vec::new(), 0, Vec::new());
            for (pause, wait, leaves) in asks {
                now += pause;
                if let Ok(remembered) = decide(&recipient(), Requests { granted: &asked, ..Requests::default() }, at(now)) {
                    asked = remembered;
                    waiting += 1;
                }
                if !leaves {
                    continue;
                }
                now += wait;
                for _ in 0..std::mem::take(&mut waiting) {
                    if !is_answered(&asked, mails.last().copied().map(at)) {
                        mails.push(now);
                        asked = mailed(&asked, at(now));
                    }
                }
            }
            prop_assert!(mails.windows(2).all(|two| two[1] - two[0] >= 60), "{mails:?}");
            prop_assert!(mails.windows(4).all(|four| four[3] - four[0] >= 24 * 60), "{mails:?}");
        }
    }
}
