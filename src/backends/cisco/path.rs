//! Addresses below an API: identifiers hold slashes, equals signs and spaces.

use crate::backends::{Error, outside};

/// One path segment that holds these identifiers, each encoded for itself, joined by commas.
///
/// Parentheses and `*` stay as they are: releases and wildcards have them, and the gateway takes them so.
pub(super) fn list<S: AsRef<str>>(identifiers: &[S]) -> Result<String, Error> {
    let mut segment = String::new();
    for identifier in identifiers {
        let identifier = identifier.as_ref().trim();
        // A segment of dots would climb to another address; no identifier looks like that.
        if identifier.is_empty() || identifier.bytes().all(|byte| byte == b'.') {
            return Err(Error::Arguments(format!("`{}` is not an identifier", outside::line(identifier, 40))));
        }
        if !segment.is_empty() {
            segment.push(',');
        }
        encode(&mut segment, identifier);
    }
    Ok(segment)
}

/// One path segment that holds this identifier.
pub(super) fn one(identifier: &str) -> Result<String, Error> {
    list(&[identifier])
}

/// `name=value` pairs behind a question mark; nothing if there are none.
pub(super) fn query(pairs: &[(&str, String)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        text.push(if text.is_empty() { '?' } else { '&' });
        text.push_str(name);
        text.push('=');
        encode(&mut text, value);
    }
    text
}

fn encode(text: &mut String, part: &str) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |value: u8| DIGITS.get(usize::from(value & 15)).map_or('0', |digit| char::from(*digit));
    for byte in part.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'(' | b')' | b'*' => {
                text.push(char::from(byte));
            }
            _ => text.extend(['%', digit(byte >> 4), digit(byte)]),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_identifier_is_encoded_for_itself() {
        let all = ["ISR4431/K9", "WIC-1T=", "a b", "15.2(3)E1", "A+B", "a,b", "100%", "ä"];
        let expected = "ISR4431%2FK9,WIC-1T%3D,a%20b,15.2(3)E1,A%2BB,a%2Cb,100%25,%C3%A4";
        assert_eq!(list(&all).expect("identifiers"), expected);
        assert_eq!(query(&[("input1", "12.2,IOS".to_owned()), ("a", "b c".to_owned())]), "?input1=12.2%2CIOS&a=b%20c");
        assert_eq!(query(&[]), "");
    }

    #[test]
    fn nothing_climbs_to_another_address() {
        for identifier in [".", "..", "...", "", "  "] {
            assert!(one(identifier).is_err(), "{identifier:?}");
        }
    }

    proptest! {
        #[test]
        fn a_segment_stays_one_segment(identifiers in prop::collection::vec(".{1,20}", 1..5)) {
            if let Ok(segment) = list(&identifiers) {
                let url = url::Url::parse(&format!("https://h/a/{segment}/b?x=1")).expect("an address");
                prop_assert_eq!(url.path_segments().map(Iterator::count), Some(3));
                prop_assert_eq!(url.query(), Some("x=1"));
                let path = url.path().trim_start_matches("/a/").trim_end_matches("/b").to_owned();
                prop_assert_eq!(path, segment);
            }
        }
    }
}
