//! Moments as people and other programs read them (RFC 3339, in UTC).

use super::Timestamp;

const DAY: i64 = 86_400;

impl Timestamp {
    /// `2026-11-28T01:04:21Z`. Years outside 0–9999, which RFC 3339 cannot write, become its nearest end.
    pub fn rfc3339(self) -> String {
        const FIRST: i64 = -62_167_219_200;
        const LAST: i64 = 253_402_300_799;
        let seconds = self.0.clamp(FIRST, LAST);
        let (year, month, day) = civil(seconds.div_euclid(DAY));
        let time = seconds.rem_euclid(DAY);
        format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", time / 3600, time / 60 % 60, time % 60)
    }
}

/// Year, month and day of the Gregorian calendar, from days since 1970-01-01.
///
/// Years are counted from the first of March, so that the leap day is the last of its year and months have a regular
/// length; four hundred of them always have 146,097 days.
fn civil(days: i64) -> (i64, i64, i64) {
    const TO_MARCH_OF_YEAR_0: i64 = 719_468;
    const OF_400_YEARS: i64 = 146_097;
    let days = days + TO_MARCH_OF_YEAR_0;
    let (era, in_era) = (days.div_euclid(OF_400_YEARS), days.rem_euclid(OF_400_YEARS));
    let year_of_era = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / (OF_400_YEARS - 1)) / 365;
    let in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * in_year + 2) / 153;
    let day = in_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_the_standard_has_them() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_800_000_000, "2027-01-15T08:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
            (i64::MAX, "9999-12-31T23:59:59Z"),
            (i64::MIN, "0000-01-01T00:00:00Z"),
        ] {
            assert_eq!(Timestamp(seconds).rfc3339(), text, "{seconds}");
        }
    }
}
