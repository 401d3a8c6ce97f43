//! How many people a campaign brought into the portal, and how long they took.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Times below this many seconds are counted by the second.
const EXACT: u64 = 64;

/// Bins between a power of two and the next: a bin is at most 1/32 as wide as its times are long.
const BINS: u64 = 32;

/// Acceptances by the time from the e-mail to the acceptance, in bins.
///
/// Numbers in bins can be added, whichever function counted them, and take the same space for a million people as for a
/// thousand. A time read from them is at most 1.6 % (half a bin) off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acceptances(BTreeMap<u32, i64>);

/// Acceptances as the API shows them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AcceptanceView {
    /// People who accepted with a password of this campaign.
    pub accepted: u64,
    /// The median time that they took, in seconds.
    pub median_seconds: Option<u64>,
}

impl Acceptances {
    /// The bin of a time in seconds.
    pub fn bin(seconds: u64) -> u32 {
        if seconds < EXACT {
            return seconds as u32;
        }
        let power = u64::from(seconds.ilog2());
        let within = ((seconds - (1 << power)) * BINS) >> power;
        u32::try_from(EXACT + (power - u64::from(EXACT.ilog2())) * BINS + within).unwrap_or(u32::MAX)
    }

    /// The middle of a bin, in seconds.
    fn middle(bin: u32) -> u64 {
        let bin = u64::from(bin);
        if bin < EXACT {
            return bin;
        }
        let power = (bin - EXACT) / BINS + u64::from(EXACT.ilog2());
        let width = (1_u64 << power) / BINS;
        (1 << power) + (bin - EXACT) % BINS * width + (width - 1) / 2
    }

    /// Adds this many acceptances; a negative number takes earlier ones back.
    pub fn add(&mut self, bin: u32, number: i64) {
        *self.0.entry(bin).or_default() += number;
    }

    /// The number, and the median of the times.
    pub fn view(&self) -> AcceptanceView {
        let counted: Vec<(u32, u64)> =
            self.0.iter().filter_map(|(bin, number)| Some((*bin, u64::try_from(*number).ok()?))).collect();
        let accepted = counted.iter().map(|(_, number)| number).sum();
        let nth = |wanted: u64| {
            let mut seen = 0;
            let bin = counted.iter().find(|(_, number)| {
                seen += number;
                seen > wanted
            });
            bin.map(|(bin, _)| Self::middle(*bin))
        };
        let median = match accepted {
            0 => None,
            _ => nth((accepted - 1) / 2).zip(nth(accepted / 2)).map(|(lower, upper)| (lower + upper) / 2),
        };
        AcceptanceView { accepted, median_seconds: median }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(times: &[u64]) -> AcceptanceView {
        let mut acceptances = Acceptances::default();
        times.iter().for_each(|time| acceptances.add(Acceptances::bin(*time), 1));
        acceptances.view()
    }

    #[test]
    fn the_median_is_the_middle_or_between_the_two_in_the_middle() {
        assert_eq!(of(&[]), AcceptanceView { accepted: 0, median_seconds: None });
        assert_eq!(of(&[30, 10, 20]), AcceptanceView { accepted: 3, median_seconds: Some(20) });
        assert_eq!(of(&[10, 20, 40, 60]), AcceptanceView { accepted: 4, median_seconds: Some(30) });
    }

    #[test]
    fn what_is_taken_back_is_counted_no_more() {
        let mut acceptances = Acceptances::default();
        for (time, number) in [(5, 1), (50, 1), (5, -1)] {
            acceptances.add(Acceptances::bin(time), number);
        }
        assert_eq!(acceptances.view(), AcceptanceView { accepted: 1, median_seconds: Some(50) });
    }

    proptest! {
        #[test]
        fn a_bin_is_close_to_its_times_and_bins_keep_their_order(seconds in 0_u64..100_000_000, more in 0_u64..1_000_000) {
            let middle = Acceptances::middle(Acceptances::bin(seconds));
            prop_assert!(middle.abs_diff(seconds) * 64 <= seconds, "{seconds} is counted as {middle}");
            prop_assert!(Acceptances::bin(seconds) <= Acceptances::bin(seconds + more));
        }

        #[test]
        fn a_median_is_close_to_the_real_one(mut times in prop::collection::vec(0_u64..700_000, 1..60)) {
            let found = of(&times).median_seconds.expect("there are times");
            times.sort_unstable();
            let real = (times[(times.len() - 1) / 2] + times[times.len() / 2]) / 2;
            prop_assert!(found.abs_diff(real) * 64 <= real + 64, "{found} for {real}");
        }
    }
}
