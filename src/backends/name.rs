//! Names of tools: readable, made of `A–Z a–z 0–9 _ -`, at most 64 characters, and different for different tools.

use std::fmt::Write as _;

/// The most characters that hosts keep.
pub const LONGEST: usize = 64;
/// Hexadecimal digits of the mark that tells names apart which would otherwise be the same.
const MARK: usize = 16;

/// The name under which `tool` of `connection` is offered: `{connection}_{tool}`.
///
/// Where that would be ambiguous, too long or made of other characters, it is shortened and ends in a mark computed
/// from both. Otherwise connection `a` with a tool `b_c` could pass itself off as connection `a_b` with its tool `c`.
pub fn of(connection: &str, tool: &str) -> String {
    let name = [connection, "_", tool].concat();
    let plain = !tool.is_empty()
        && connection.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && tool.bytes().all(is_allowed)
        && name.len() <= LONGEST
        && !ends_in_mark(&name);
    if plain { name } else { marked(&name, connection, tool) }
}

fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn ends_in_mark(name: &str) -> bool {
    let end = name.as_bytes().rsplit(|b| *b == b'_').next().unwrap_or_default();
    end.len() == MARK && end.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn marked(name: &str, connection: &str, tool: &str) -> String {
    let kept = LONGEST.saturating_sub(MARK).saturating_sub(1);
    let mut short: String =
        name.chars().take(kept).map(|c| if u8::try_from(c).is_ok_and(is_allowed) { c } else { '_' }).collect();
    short.push('_');
    // A connection's name has no NUL, so the pair cannot be read in two ways.
    let digest = ring::digest::digest(&ring::digest::SHA256, format!("{connection}\0{tool}").as_bytes());
    for byte in digest.as_ref().iter().take(MARK / 2) {
        // Writing to a string cannot fail.
        let _ = write!(short, "{byte:02x}");
    }
    short
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_names_stay_readable() {
        assert_eq!(of("tavily", "search"), "tavily_search");
        assert_eq!(of("mcp-example-com", "get_user-2"), "mcp-example-com_get_user-2");
    }

    #[test]
    fn a_name_that_could_be_read_in_two_ways_is_marked() {
        let names = [of("a", "b_c"), of("a_b", "c"), of("a", "b.c"), of("a", "b c"), of("a", ""), of("a_", "")];
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len(), "{names:?}");
        assert_eq!(names[0], "a_b_c");
    }

    #[test]
    fn a_server_cannot_take_the_marked_name_of_another_connection() {
        let victim = of("a_b", "c");
        let imitation = victim.strip_prefix("a_").expect("the readable part comes first").to_owned();
        assert_ne!(of("a", &imitation), victim);
    }

    #[test]
    fn long_names_differ_in_their_mark() {
        let long = "x".repeat(200);
        let (one, other) = (of("c", &format!("{long}1")), of("c", &format!("{long}2")));
        assert_eq!((one.len(), other.len()), (LONGEST, LONGEST));
        assert_ne!(one, other);
    }

    proptest! {
        #[test]
        fn any_pair_has_a_usable_name_of_its_own(
            a in "[a-z0-9_-]{1,12}", b in ".{0,80}", c in "[a-z0-9_-]{1,12}", d in "[a-z0-9_.]{0,80}",
        ) {
            let (one, other) = (of(&a, &b), of(&c, &d));
            for name in [&one, &other] {
                prop_assert!((1..=LONGEST).contains(&name.len()));
                prop_assert!(name.bytes().all(is_allowed));
            }
            prop_assert_eq!(one == other, (a, b) == (c, d));
        }
    }
}
