//! The `Date` of an answer (RFC 9110 §5.6.7), by the sandbox's clock.

use crate::machine::Timestamp;

const DAY: i64 = 86_400;
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [(&str, i64); 12] = [
    ("Jan", 31),
    ("Feb", 28),
    ("Mar", 31),
    ("Apr", 30),
    ("May", 31),
    ("Jun", 30),
    ("Jul", 31),
    ("Aug", 31),
    ("Sep", 30),
    ("Oct", 31),
    ("Nov", 30),
    ("Dec", 31),
];

/// A moment as HTTP writes it. Moments before 1970 or after 9999 become the nearest one that has four digits.
pub(super) fn in_http(moment: Timestamp) -> String {
    let moment = moment.0.clamp(0, 253_402_300_799);
    let (mut days, time) = (moment / DAY, moment % DAY);
    let weekday = usize::try_from(days % 7).ok().and_then(|index| DAYS.get(index)).unwrap_or(&"Thu");
    let mut year = 1970;
    while days >= length(year) {
        days -= length(year);
        year += 1;
    }
    let mut month = "Dec";
    for (name, usual) in MONTHS {
        let there = if name == "Feb" { length(year) - 337 } else { usual };
        month = name;
        if days < there {
            break;
        }
        days -= there;
    }
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    format!("{weekday}, {:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT", days + 1)
}

/// The days of a year.
const fn length(year: i64) -> i64 {
    if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) { 366 } else { 365 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_http_writes_them() {
        for (moment, written) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_767_225_599, "Wed, 31 Dec 2025 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (i64::MAX, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (-1, "Thu, 01 Jan 1970 00:00:00 GMT"),
        ] {
            assert_eq!(in_http(Timestamp(moment)), written);
        }
    }
}
