//! Whether this machine's clock agrees with those of the services: a token's end is a moment, and certificates have one.

use super::Check;
use crate::machine::Timestamp;

/// Seconds that a clock may be off before something goes wrong.
const TOLERATED: i64 = 60;

/// What a service said the time was, and what it was here at that moment.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) host: String,
    pub(super) there: Timestamp,
    pub(super) here: Timestamp,
}

/// Compares. Of several services the middle one is believed, because one of them may be wrong itself.
pub(super) fn look(mut readings: Vec<Reading>) -> Check {
    crate::order::by_key(&mut readings, |reading| reading.here.since(reading.there));
    let Some(reading) = readings.get(readings.len() / 2) else {
        return Check::skip("clock", "no service told the time");
    };
    let ahead = reading.here.since(reading.there);
    let by = format!("{} s", ahead.unsigned_abs());
    if ahead.abs() <= TOLERATED {
        return Check::ok("clock", format!("within {TOLERATED} s of `{}`", reading.host));
    }
    let (how, so) = if ahead < 0 {
        ("behind", "seem to last longer than they do")
    } else {
        ("ahead of", "seem to have ended while they are good")
    };
    Check::warn("clock", format!("{by} {how} `{}`: tokens {so}", reading.host)).hint(if cfg!(windows) {
        "`w32tm /resync` sets it"
    } else {
        "`timedatectl set-ntp true` or the system's settings set it"
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::doctor::Verdict;

    fn verdict(ahead: &[i64]) -> (Verdict, String) {
        let reading = |ahead: &i64| Reading {
            host: "as.example".to_owned(),
            there: Timestamp(1000),
            here: Timestamp(1000 + ahead),
        };
        let check = look(ahead.iter().map(reading).collect());
        (check.verdict, check.detail)
    }

    #[test]
    fn a_minute_is_tolerated_and_more_is_told_with_its_direction() {
        for ahead in [-60, 0, 60] {
            assert_eq!(verdict(&[ahead]).0, Verdict::Ok, "{ahead}");
        }
        assert!(verdict(&[61]).1.starts_with("61 s ahead"));
        assert!(verdict(&[-3600]).1.starts_with("3600 s behind"));
        assert_eq!(verdict(&[-3600]).0, Verdict::Warn);
    }

    #[test]
    fn one_service_with_a_wrong_clock_is_outvoted_and_none_is_no_verdict() {
        assert_eq!(verdict(&[0, 90_000, 1]).0, Verdict::Ok);
        assert_eq!(verdict(&[]).0, Verdict::Skip);
    }
}
