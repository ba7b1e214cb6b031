//! Days of the calendar, counted: services bound how many of them one request may span.

use super::Error;

/// A span of days; without a beginning or an end the service decides.
pub type Span = (Option<String>, Option<String>);

/// Spans of at most `longest` days that cover everything from one day to the other, oldest first.
pub fn spans(from: Option<&str>, to: Option<&str>, longest: u32) -> Result<Vec<Span>, Error> {
    /// Ten years in parts of a month.
    const MOST: usize = 125;
    let (Some(from), Some(to)) = (from, to) else {
        return Ok(vec![(from.map(str::to_owned), to.map(str::to_owned))]);
    };
    let number = |day: &str| number(day).ok_or_else(|| Error::Arguments(format!("`{day}` is not a day")));
    let (first, last) = (number(from)?, number(to)?);
    if first > last {
        return Err(Error::Arguments(format!("{from} is after {to}")));
    }
    let mut spans = Vec::new();
    let mut start = first;
    while start <= last {
        if spans.len() == MOST {
            return Err(Error::Arguments(format!("{from} and {to} are too far apart")));
        }
        let end = start.saturating_add(i64::from(longest.max(1)) - 1).min(last);
        spans.push((Some(day(start)), Some(day(end))));
        start = end.saturating_add(1);
    }
    Ok(spans)
}

/// The number of a day since 1970-01-01 (the calendar computed as in Fliegel and Van Flandern, CACM 11, 1968).
pub fn number(day: &str) -> Option<i64> {
    let mut parts = day.trim().splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if !(1900..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let shift = (month - 14) / 12;
    let julian = (1461 * (year + 4800 + shift)) / 4 + (367 * (month - 2 - 12 * shift)) / 12
        - (3 * ((year + 4900 + shift) / 100)) / 4
        + day
        - 32_075;
    Some(julian - 2_440_588)
}

/// The day of that number, as `YYYY-MM-DD`.
pub fn day(number: i64) -> String {
    let mut l = number + 2_440_588 + 68_569;
    let n = (4 * l) / 146_097;
    l -= (146_097 * n + 3) / 4;
    let i = (4000 * (l + 1)) / 1_461_001;
    l = l - (1461 * i) / 4 + 31;
    let j = (80 * l) / 2447;
    let day = l - (2447 * j) / 80;
    l = j / 11;
    format!("{:04}-{:02}-{day:02}", 100 * (n - 49) + i + l, j + 2 - 12 * l)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn long_spans_are_cut_without_a_gap() {
        let all = spans(Some("2023-12-01"), Some("2024-03-05"), 30).expect("spans");
        let expected = [
            ("2023-12-01", "2023-12-30"),
            ("2023-12-31", "2024-01-29"),
            ("2024-01-30", "2024-02-28"),
            ("2024-02-29", "2024-03-05"),
        ];
        assert_eq!(all, expected.map(|(from, to)| (Some(from.to_owned()), Some(to.to_owned()))));
        assert_eq!(spans(None, Some("2024-03-05"), 5).expect("a span"), [(None, Some("2024-03-05".to_owned()))]);
        assert!(spans(Some("2024-03-05"), Some("2024-03-01"), 30).is_err());
        assert!(spans(Some("1950-01-01"), Some("2024-03-01"), 30).is_err());
    }

    proptest! {
        #[test]
        fn a_day_is_itself_again(number in -20_000_i64..60_000) {
            prop_assert_eq!(super::number(&day(number)), Some(number));
        }
    }
}
