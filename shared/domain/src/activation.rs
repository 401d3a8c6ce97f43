//! Accepting an invitation: finds the mailed password that a customer has typed.

use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use crate::CampaignId;
use crate::password::{PasswordDigest, as_mailed};

/// What is stored of a mailed temporary password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mailed {
    /// Its salted digest.
    pub digest: PasswordDigest,
    /// When it expires.
    pub expires_at: Timestamp,
    /// When it was mailed.
    pub invited_at: Timestamp,
    /// The campaign that mailed it.
    pub campaign_id: CampaignId,
}

impl Mailed {
    /// Whether it can still be used at `now`.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// Whole seconds from its e-mail to `now`.
    pub fn age(&self, now: Timestamp) -> u64 {
        u64::try_from(now.duration_since(self.invited_at).as_secs()).unwrap_or(0)
    }
}

/// Which of `mailed` is the password that was `typed` ([`as_mailed`]), if that is valid at `now`.
///
/// Every digest is compared in full, and at least one, so that the time taken tells neither how much was right nor
/// whether the recipient exists (guarantee 14).
pub fn proven<'a>(mailed: &'a [Mailed], typed: &str, now: Timestamp) -> Option<&'a Mailed> {
    let typed = as_mailed(typed);
    let typed = typed.expose_secret();
    if mailed.is_empty() {
        PasswordDigest::of_nothing().verifies(typed);
    }
    let mut proven = None;
    for one in mailed {
        if one.digest.verifies(typed) & one.is_valid(now) {
            proven = Some(one);
        }
    }
    proven
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;
    use crate::password::TemporaryPassword;

    fn now() -> Timestamp {
        "2026-11-30T12:00:00Z".parse().expect("a time")
    }

    /// A password in clear and as stored, valid for this many seconds from now.
    fn mailed(seed: u64, seconds: i64) -> (String, Mailed) {
        let password = TemporaryPassword::generate(&mut StdRng::seed_from_u64(seed));
        let kept = Mailed {
            digest: password.digest([seed as u8; 16]),
            expires_at: now() + SignedDuration::from_secs(seconds),
            invited_at: now() - SignedDuration::from_secs(90),
            campaign_id: CampaignId::from_parts(seed, 0),
        };
        (password.expose().expose_secret().to_owned(), kept)
    }

    #[test]
    fn each_password_that_has_not_expired_proves_and_no_other() {
        let ((newest, a), (earlier, b), (expired, c)) = (mailed(1, 60), mailed(2, 1), mailed(3, 0));
        let all = [a.clone(), b.clone(), c];
        assert_eq!(proven(&all, &newest, now()), Some(&a));
        assert_eq!(proven(&all, &earlier, now()), Some(&b));
        assert_eq!(proven(&all, &expired, now()), None);
        assert_eq!(proven(&all, &mailed(4, 60).0, now()), None);
        assert_eq!(proven(&all, "", now()), None);
        assert_eq!(proven(&[], &newest, now()), None);
        assert_eq!(a.age(now()), 90);
    }

    #[test]
    fn each_of_them_may_be_typed_as_people_type() {
        let ((newest, a), (earlier, b)) = (mailed(1, 60), mailed(2, 60));
        let all = [a.clone(), b.clone()];
        for (password, kept) in [(newest, a), (earlier, b)] {
            let typed =
                [format!(" {}.", password.to_lowercase()), password.replace('-', ""), password.replace('-', " – ")];
            for typed in typed {
                assert_eq!(proven(&all, &typed, now()), Some(&kept), "{typed}");
            }
            assert_eq!(proven(&all, &password[1..], now()), None);
        }
    }
}
