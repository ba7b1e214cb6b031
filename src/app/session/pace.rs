//! How often renewals are tried: never in a loop, whatever a provider, a service or a clock does.
//!
//! What is counted is kept in the grant, so that the limits hold over all processes. Times are those of the wall clock; a
//! moment that lies in the future, or further back than the limit reaches, counts for nothing, so that a clock that was
//! set cannot lock anybody out.

use std::time::Duration;

use ring::rand::SecureRandom as _;

use crate::app::error::Pause;
use crate::app::grant::{Grant, Renewals, Trouble};
use crate::machine::Timestamp;
use crate::oauth::{self, RefreshError};

/// Renewals within [`WINDOW`] seconds that the lifetime of the tokens does not account for.
const MOST: usize = 5;
const WINDOW: i64 = 60;
/// Trouble is waited out for so long: the first time, and at most.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);
/// A provider may ask for a longer time than that, up to this.
const LONGEST_ASKED: i64 = 600;

/// Why the grant is not to be renewed now, and for how many seconds.
pub(super) fn pause(grant: &Grant, now: Timestamp) -> Option<(Pause, i64)> {
    if let Some(trouble) = &grant.renewals.trouble {
        let left = trouble.until.since(now);
        if (1..=LONGEST_ASKED).contains(&left) {
            return Some((trouble.kind, left));
        }
    }
    let recent = recent(grant, now);
    let first = recent.len().checked_sub(MOST).and_then(|index| recent.get(index))?;
    Some((Pause::TooMany, first.after(WINDOW).since(now)))
}

/// What the grant remembers of a renewal that begins now.
///
/// A token that has lived its time is renewed at the pace that the provider has chosen, and that is no loop. What is
/// counted is everything else: a token that the service refuses, one that a script wants to last longer, one that was
/// over when it came.
pub(super) fn begun(grant: &Grant, now: Timestamp) -> Vec<Timestamp> {
    let mut recent = recent(grant, now);
    if !grant.is_ripe(now) {
        recent.push(now);
    }
    recent
}

/// What the grant remembers of a renewal that began at `began` and failed at `now`.
pub(super) fn failed(grant: &Grant, began: Timestamp, now: Timestamp, error: &RefreshError) -> Renewals {
    let mut recent = recent(grant, now);
    recent.push(began);
    let failures = grant.renewals.trouble.as_ref().map_or(0, |trouble| trouble.failures).saturating_add(1);
    let seconds = match error {
        // The clock gives whole seconds, and the one that has begun does not count: nobody comes back too early.
        RefreshError::Transient { retry_after: Some(asked), .. } if !asked.is_zero() => {
            asked.as_secs().saturating_add(1)
        }
        RefreshError::Transient { retry_after: Some(_), .. } => 0,
        _ => whole_seconds(jittered(backoff(failures))),
    };
    let until = now.after(i64::try_from(seconds).unwrap_or(LONGEST_ASKED).min(LONGEST_ASKED));
    Renewals { recent, trouble: Some(Trouble { failures, until, kind: kind(error) }), spill_key: None }
}

/// Doubles with every failure in a row.
pub(super) fn backoff(failures: u32) -> Duration {
    FIRST.saturating_mul(1 << failures.saturating_sub(1).min(6)).min(LONGEST)
}

/// A fifth more or less, so that many programs do not come back in one moment.
pub(super) fn jittered(pause: Duration) -> Duration {
    let mut byte = [128; 1];
    let _ = ring::rand::SystemRandom::new().fill(&mut byte);
    pause.mul_f64(f64::from(byte[0]) / 255.0 * 0.4 + 0.8)
}

// Rounded down, the shortest pause would be none.
fn whole_seconds(pause: Duration) -> u64 {
    pause.as_secs().saturating_add(u64::from(pause.subsec_nanos() > 0))
}

fn recent(grant: &Grant, now: Timestamp) -> Vec<Timestamp> {
    grant.renewals.recent.iter().copied().filter(|then| (0..WINDOW).contains(&now.since(*then))).collect()
}

fn kind(error: &RefreshError) -> Pause {
    match error {
        RefreshError::Transient { cause: oauth::Error::Network(_), .. } => Pause::Network,
        RefreshError::Transient { .. } | RefreshError::Protocol(_) => Pause::Server,
        RefreshError::Definitive(_) | RefreshError::Client(_) | RefreshError::Configuration(_) => Pause::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::Way;
    use crate::secret::Secret;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn grant() -> Grant {
        let url = url::Url::parse("https://api.example/mcp").unwrap();
        Grant::pasted(Way::OAuth, Secret::new("t"), &url, 1, NOW)
    }

    fn with_recent(ago: &[i64]) -> Grant {
        let mut grant = grant();
        grant.renewals.recent = ago.iter().map(|seconds| NOW.after(-seconds)).collect();
        grant
    }

    fn server(retry_after: Option<u64>) -> RefreshError {
        let retry_after = retry_after.map(Duration::from_secs);
        let cause = oauth::Error::Server { host: "h".to_owned(), status: 503, retry_after };
        RefreshError::Transient { retry_after, cause }
    }

    #[test]
    fn the_sixth_renewal_within_a_minute_waits_for_the_first_to_be_a_minute_old() {
        assert_eq!(pause(&with_recent(&[50, 40, 30, 20]), NOW), None);
        assert_eq!(pause(&with_recent(&[50, 40, 30, 20, 10]), NOW), Some((Pause::TooMany, 10)));
        assert_eq!(pause(&with_recent(&[59, 50, 40, 30, 20, 10]), NOW), Some((Pause::TooMany, 10)));
        assert_eq!(pause(&with_recent(&[60, 40, 30, 20, 10]), NOW), None, "a minute has passed");
        assert_eq!(pause(&with_recent(&[0; 5]), NOW), Some((Pause::TooMany, 60)));
    }

    #[test]
    fn a_clock_that_was_set_back_locks_nobody_out() {
        assert_eq!(pause(&with_recent(&[-1, -2, -3, -4, -5, -6]), NOW), None);
        let mut grant = grant();
        grant.renewals.trouble = Some(Trouble { failures: 9, until: NOW.after(601), kind: Pause::Network });
        assert_eq!(pause(&grant, NOW), None);
    }

    #[test]
    fn pauses_double_up_to_a_minute_and_differ_by_a_fifth() {
        let seconds: Vec<u64> = (1..=9).map(|failures| backoff(failures).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(backoff(u32::MAX), LONGEST);
        let many: Vec<Duration> = (0..200).map(|_| jittered(Duration::from_secs(10))).collect();
        assert!(many.iter().all(|pause| (8.0..=12.001).contains(&pause.as_secs_f64())), "{many:?}");
        assert!(many.iter().any(|pause| *pause != many[0]), "all are alike");
    }

    #[test]
    fn a_failure_is_remembered_until_its_pause_is_over_and_counts_as_a_try() {
        let mut grant = grant();
        let mut last = 0;
        for failures in 1..=8 {
            grant.renewals = failed(&grant, NOW, NOW, &server(None));
            let trouble = grant.renewals.trouble.clone().expect("trouble");
            assert_eq!((trouble.failures, trouble.kind), (failures, Pause::Server));
            let (least, most) = (backoff(failures).as_secs_f64() * 0.8, backoff(failures).as_secs_f64() * 1.2);
            let left = trouble.until.since(NOW);
            assert!(left as f64 >= least && left as f64 <= (most + 1.0), "{failures}: {left}");
            assert_eq!(pause(&grant, NOW), Some((Pause::Server, left)));
            last = left;
        }
        assert_eq!(grant.renewals.recent.len(), 8);
        assert_ne!(pause(&grant, NOW.after(last)).map(|(why, _)| why), Some(Pause::Server), "it is over");
    }

    #[test]
    fn what_the_provider_asks_for_wins_up_to_ten_minutes() {
        for (asked, expected) in [(7, 8), (599, 600), (600, 600), (86_400, 600)] {
            let renewals = failed(&grant(), NOW, NOW, &server(Some(asked)));
            assert_eq!(renewals.trouble.map(|trouble| trouble.until.since(NOW)), Some(expected));
        }
        let mut at_once = grant();
        at_once.renewals = failed(&at_once, NOW, NOW, &server(Some(0)));
        assert_eq!(pause(&at_once, NOW), None, "five tries a minute remain the limit");
    }

    #[test]
    fn a_pause_says_what_it_is_for() {
        let broken = crate::http::Error::Broken { host: "h".to_owned(), cause: "c".to_owned() };
        let network = RefreshError::Transient { retry_after: None, cause: oauth::Error::Network(broken) };
        let status = || oauth::Error::Status { host: "h".to_owned(), status: 404 };
        for (error, expected) in [
            (network, Pause::Network),
            (server(None), Pause::Server),
            (RefreshError::Protocol(status()), Pause::Server),
            (RefreshError::Client(status()), Pause::Refused),
            (RefreshError::Configuration(status()), Pause::Refused),
        ] {
            assert_eq!(kind(&error), expected, "{error}");
        }
    }
}
