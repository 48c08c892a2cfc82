//! When to try again: full jitter over a doubling ceiling, as a pure state machine.
//!
//! Full jitter (a delay drawn evenly between nothing and the ceiling) spreads the reconnect of a whole district after
//! an outage evenly; half-jitter keeps half of the herd together.

use std::time::Duration;

use rand_core::CryptoRng;

/// First ceiling in the foreground.
pub const FOREGROUND_BASE: Duration = Duration::from_secs(1);
/// Highest ceiling in the foreground.
pub const FOREGROUND_CAP: Duration = Duration::from_secs(5 * 60);
/// First ceiling in the background: operating systems wake an app no more often.
pub const BACKGROUND_BASE: Duration = Duration::from_secs(60);
/// Highest ceiling in the background.
pub const BACKGROUND_CAP: Duration = Duration::from_secs(60 * 60);
/// The longest `retry after` of a relay that is obeyed: a mistaken or hostile answer cannot silence a phone for ever.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(60 * 60);

/// Delays between attempts to reach one relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    failures: u32,
    at_least: Duration,
}

impl Backoff {
    /// 1 s doubling to 5 min: somebody is looking.
    pub fn foreground() -> Self {
        Self::new(FOREGROUND_BASE, FOREGROUND_CAP)
    }

    /// 1 min doubling to 1 h.
    pub fn background() -> Self {
        Self::new(BACKGROUND_BASE, BACKGROUND_CAP)
    }

    /// Ceilings from `base`, doubling up to `cap`.
    pub fn new(base: Duration, cap: Duration) -> Self {
        Self {
            base,
            cap: cap.max(base),
            failures: 0,
            at_least: Duration::ZERO,
        }
    }

    /// How long to wait after one more failure.
    pub fn next(&mut self, rng: &mut dyn CryptoRng) -> Duration {
        let ceiling = self.ceiling();
        self.failures = self.failures.saturating_add(1);
        let jitter = below(ceiling, rng);
        std::mem::take(&mut self.at_least) + jitter
    }

    /// The largest delay [`Self::next`] would draw now, without what a relay asked for.
    pub fn ceiling(&self) -> Duration {
        let factor = 1u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        self.base.saturating_mul(factor).min(self.cap)
    }

    /// The relay said when to come back: the next delay is that long and a jitter on top, so that all who were told the
    /// same moment do not come in that moment.
    pub fn obey(&mut self, retry_after: Duration) {
        self.at_least = self.at_least.max(retry_after.min(RETRY_AFTER_MAX));
    }

    /// A session went well for a while, or the phone reports another network: begin anew.
    pub fn reset(&mut self) {
        self.failures = 0;
        self.at_least = Duration::ZERO;
    }
}

/// Evenly drawn between zero and `ceiling`, both possible, in whole microseconds.
fn below(ceiling: Duration, rng: &mut dyn CryptoRng) -> Duration {
    let span = u64::try_from(ceiling.as_micros()).unwrap_or(u64::MAX - 1) + 1;
    let wide = u128::from(rng.next_u64()) * u128::from(span);
    // The high half of the product is an even draw below `span` (Lemire); the bias is under 2^-30 for an hour.
    Duration::from_micros((wide >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    #[test]
    fn ceilings_double_from_one_second_to_five_minutes() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut backoff = Backoff::foreground();
        let seconds: Vec<u64> = (0..11)
            .map(|_| {
                let ceiling = backoff.ceiling();
                assert!(backoff.next(&mut rng) <= ceiling);
                ceiling.as_secs()
            })
            .collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    }

    #[test]
    fn delays_are_spread_over_the_whole_range() {
        let mut rng = StdRng::seed_from_u64(2);
        let mut quarters = [0; 4];
        for _ in 0..4000 {
            let delay = below(Duration::from_secs(4), &mut rng);
            quarters[usize::try_from(delay.as_secs()).unwrap().min(3)] += 1;
        }
        assert!(
            quarters.iter().all(|&count| (850..1150).contains(&count)),
            "{quarters:?}"
        );
    }

    #[test]
    fn a_retry_after_is_waited_out_once_and_has_jitter_on_top() {
        let mut rng = StdRng::seed_from_u64(3);
        let mut backoff = Backoff::foreground();
        backoff.obey(Duration::from_secs(40));
        let first = backoff.next(&mut rng);
        assert!(
            first >= Duration::from_secs(40) && first <= Duration::from_secs(41),
            "{first:?}"
        );
        assert!(backoff.next(&mut rng) <= Duration::from_secs(2));
    }

    #[test]
    fn a_retry_after_beyond_its_limit_is_cut_to_the_limit() {
        let mut rng = StdRng::seed_from_u64(4);
        let mut backoff = Backoff::new(Duration::ZERO, Duration::ZERO);
        backoff.obey(RETRY_AFTER_MAX);
        assert_eq!(backoff.next(&mut rng), RETRY_AFTER_MAX);
        backoff.obey(RETRY_AFTER_MAX + Duration::from_secs(1));
        assert_eq!(backoff.next(&mut rng), RETRY_AFTER_MAX);
    }

    #[test]
    fn a_reset_forgets_failures_and_what_the_relay_asked() {
        let mut rng = StdRng::seed_from_u64(5);
        let mut backoff = Backoff::background();
        for _ in 0..100 {
            backoff.next(&mut rng);
        }
        assert_eq!(backoff.ceiling(), BACKGROUND_CAP);
        backoff.obey(Duration::from_secs(9));
        backoff.reset();
        assert_eq!(backoff, Backoff::background());
    }

    proptest! {
        #[test]
        fn no_delay_exceeds_its_ceiling(seed in any::<u64>(), millis in 0u64..10_000_000) {
            let mut rng = StdRng::seed_from_u64(seed);
            let ceiling = Duration::from_millis(millis);
            prop_assert!(below(ceiling, &mut rng) <= ceiling);
        }
    }
}
