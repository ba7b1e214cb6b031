//! The activation code in what the Portal's page brings back. Under which name it comes is documented nowhere, so a
//! single value that can be a code is taken for it, and the Portal has the last word.

use super::super::path::decoded;
use crate::secret::Secret;

/// The shortest and the longest that is taken for a code.
const SHORTEST: usize = 4;
const LONGEST: usize = 1_024;
/// What the names of other things have in them.
const OTHERS: [&str; 8] = ["error", "message", "msg", "lang", "scheme", "state", "redirect", "target"];

/// The code in what follows the address that the browser was sent back to.
pub(super) fn brought(rest: &str) -> Option<Secret> {
    let rest = rest.trim_start_matches('/');
    match rest.split_once(['?', '#']) {
        Some((path, _)) => named(rest).or_else(|| plain(path.trim_matches(['/', ':', '&', ';']))),
        // Some append their parameters without asking what was there.
        None if rest.contains('=') => named(rest),
        None => plain(rest.trim_matches(['/', ':', '&', ';'])),
    }
}

/// The code in what a person pasted: alone, or in the address at which their browser ended.
pub(super) fn pasted(text: &str) -> Option<Secret> {
    let text: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let text = text.trim().trim_matches(['"', '\'', '<', '>', '`']).trim();
    let is_address = text.contains("://") || text.contains(['?', '#', '=', '&']);
    if !is_address {
        // `scheme:code`, as a program's own scheme would show it, ends with the code.
        return plain(text.rsplit([':', '/']).next().unwrap_or_default());
    }
    named(text)
}

/// The one value that can be a code, of all that have names; among several, the one whose name says so.
fn named(text: &str) -> Option<Secret> {
    let start = text.find(['?', '#', '&']).map_or(0, |at| at.saturating_add(1));
    let pairs = text.get(start..).unwrap_or_default().split(['&', '?', '#', ';']);
    let mut all: Vec<(String, String)> = pairs
        .filter_map(|pair| pair.split_once('='))
        .filter_map(|(name, value)| Some((name.to_ascii_lowercase(), decoded(value)?)))
        .filter(|(name, value)| !OTHERS.iter().any(|other| name.contains(other)) && is_plausible(value))
        .collect();
    if all.len() > 1 {
        all.retain(|(name, _)| name.contains("code") || name.contains("activation"));
    }
    match all.as_slice() {
        [(_, code)] => Some(Secret::new(code.as_str())),
        _ => None,
    }
}

fn plain(text: &str) -> Option<Secret> {
    decoded(text).filter(|text| is_plausible(text)).map(Secret::new)
}

fn is_plausible(text: &str) -> bool {
    (SHORTEST..=LONGEST).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"'`\\".contains(&byte))
        && !text.contains("://")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(found: Option<Secret>) -> String {
        found.map_or_else(|| "nothing".to_owned(), |code| code.expose().to_owned())
    }

    #[test]
    fn a_code_is_found_under_whichever_name_it_comes() {
        for (rest, code) in [
            ("?activationCode=AB12-cd", "AB12-cd"),
            ("?code=AB12-cd", "AB12-cd"),
            ("?ssoActivationCode=AB12%2Bcd%3D%3D", "AB12+cd=="),
            ("?x=AB12-cd", "AB12-cd"),
            ("&activationCode=AB12-cd", "AB12-cd"),
            ("?lang=en&activationCode=AB12-cd&user=alice", "AB12-cd"),
            ("/AB12-cd", "AB12-cd"),
            (":AB12-cd", "AB12-cd"),
            ("/AB12-cd?lang=english", "AB12-cd"),
            // Nothing, too short, two that could be it, an error, an address, markup.
            ("", "nothing"),
            ("/", "nothing"),
            ("?code=", "nothing"),
            ("?code=a", "nothing"),
            ("?a=AB12-cd&b=EF34-gh", "nothing"),
            ("?code=AB12-cd&code=EF34-gh", "nothing"),
            ("?error=access_denied", "nothing"),
            ("?code=https://evil.example", "nothing"),
            ("?code=%3Cscript%3E", "nothing"),
            ("?code=%zz12", "nothing"),
            ("?code=AB12%0Acd", "nothing"),
        ] {
            assert_eq!(shown(brought(rest)), code, "{rest}");
        }
    }

    #[test]
    fn a_person_pastes_the_code_or_the_address_with_it() {
        for (text, code) in [
            ("AB12-cd", "AB12-cd"),
            ("  'AB12-cd'\n", "AB12-cd"),
            ("ctera:websso:AB12-cd", "AB12-cd"),
            ("http://127.0.0.1:4711/back/abc?activationCode=AB12-cd", "AB12-cd"),
            ("127.0.0.1:4711/back/abc?activationCode=AB12-cd", "AB12-cd"),
            ("ctera:websso?activationCode=AB12-cd", "AB12-cd"),
            ("https://portal.example.com/ServicesPortal/#/?activationCode=AB12-cd", "AB12-cd"),
            ("https://portal.example.com/ServicesPortal/activate?scheme=http://127.0.0.1:1/x", "nothing"),
            ("https://portal.example.com/ServicesPortal/", "nothing"),
            ("", "nothing"),
            ("a b c d", "nothing"),
        ] {
            assert_eq!(shown(pasted(text)), code, "{text}");
        }
        assert!(pasted(&"a".repeat(2_000)).is_none());
    }
}
