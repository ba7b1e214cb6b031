//! Text that a server wrote: data on its way to a person's terminal or page, never our sentence.

use std::time::Duration;

use http::{HeaderMap, header};
use url::Url;

mod date;

use date::seconds;

/// Longer texts are cut.
const CHARACTERS: usize = 300;

/// The text without control and direction characters (both can rewrite a terminal line), cut at 300 characters.
pub(super) fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !is_direction(*c)).take(CHARACTERS).collect()
}

fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// The host of an address, with its port where one is written.
pub(super) fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or("?");
    url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
}

/// The `Date` of an answer, in seconds since 1970.
pub(super) fn date(headers: &HeaderMap) -> Option<i64> {
    seconds(headers.get(header::DATE)?.to_str().ok()?)
}

/// How long the server asks to wait, at most ten minutes. A moment is read against the server's own `Date`, because
/// nobody here has a clock.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    const LONGEST: u64 = 600;
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<u64>() {
        Ok(wait) => wait,
        Err(_) => u64::try_from(seconds(text)?.saturating_sub(date(headers)?)).unwrap_or(0),
    };
    Some(Duration::from_secs(wait.min(LONGEST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_server_loses_what_rewrites_a_line_and_is_cut() {
        assert_eq!(clean("a\u{1b}[31mb\r\n\0c\u{202e}d\u{85}"), "a[31mbcd");
        assert_eq!(clean(&"é".repeat(10_000)), "é".repeat(300));
    }

    #[test]
    fn retry_after_is_read_in_both_forms_and_capped() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        for (value, expected) in [
            ("7", Some(7)),
            ("86400", Some(600)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::DATE, date.parse().expect("a header"));
            headers.insert(header::RETRY_AFTER, value.parse().expect("a header"));
            assert_eq!(retry_after(&headers), expected.map(Duration::from_secs), "{value}");
        }
    }
}
