//! The calendar of the stand-in's world, which stands still: what is recent stays recent, and tests compare whole values.

/// 2026-11-28, in days since 1970-01-01.
pub(super) const TODAY: i64 = 20_785;

/// A day as `YYYY-MM-DD`. Years are counted from the first of March, so that the leap day is the last of its year.
pub(super) fn date(day: i64) -> String {
    let day = day + 719_468;
    let (era, in_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * in_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{:02}", in_year - (153 * from_march + 2) / 5 + 1)
}

/// The day of `YYYY-MM-DD`, if there is such a day.
pub(super) fn day(text: &str) -> Option<i64> {
    let mut parts = text.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, of_month) = (parts.next()??, parts.next()??, parts.next()??);
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let before = year.checked_mul(365)? + year / 4 - year / 100 + year / 400 - 719_468;
    let day = before.checked_add((153 * month + 2) / 5)?.checked_add(of_month)? - 1;
    (text.len() == 10 && date(day) == text).then_some(day)
}

/// The day of a moment `YYYY-MM-DDThh:mm:ssZ`.
pub(super) fn day_of_moment(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T')?;
    let time = time.strip_suffix('Z')?.split(':').map(|part| part.parse::<u8>().ok().filter(|_| part.len() == 2));
    let time: Vec<u8> = time.collect::<Option<_>>()?;
    matches!(time.as_slice(), [..24, ..60, ..60]).then(|| day(date))?
}

/// A day so long ago, as text.
pub(super) fn ago(days: i64) -> String {
    date(TODAY - days)
}
