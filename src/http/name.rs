//! Who signed a certificate, read from its bytes (RFC 5280 §4.1): enough to tell a person whose certificate it is.
//!
//! Nothing here decides about trust, and the text is a stranger's: it is cut and cleaned.

/// The names of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names {
    /// Who signed it.
    pub(super) issuer: Option<String>,
    /// Whether it says that it signed itself.
    pub(super) is_self_signed: bool,
    /// Whose it is.
    pub(super) subject: Option<String>,
    /// The last day of its time.
    pub(super) until: Option<String>,
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const VERSION: u8 = 0xa0;
/// 2.5.4.3, 2.5.4.11 and 2.5.4.10: what is shown of a name, best first.
const SHOWN: [&[u8]; 3] = [&[0x55, 4, 3], &[0x55, 4, 11], &[0x55, 4, 10]];
const LONGEST: usize = 80;

/// Reads the names of a certificate in DER; `None` if it is none.
pub(super) fn names(certificate: &[u8]) -> Option<Names> {
    let (SEQUENCE, certificate, _) = element(certificate)? else { return None };
    let (SEQUENCE, mut rest, _) = element(certificate)? else { return None };
    if let (VERSION, _, after) = element(rest)? {
        rest = after;
    }
    let (INTEGER, _, rest) = element(rest)? else { return None };
    let (SEQUENCE, _, rest) = element(rest)? else { return None };
    let (SEQUENCE, issuer, rest) = element(rest)? else { return None };
    let (SEQUENCE, validity, rest) = element(rest)? else { return None };
    let (SEQUENCE, subject, _) = element(rest)? else { return None };
    let shown = |name| SHOWN.into_iter().find_map(|kind| part(name, kind));
    let until = element(validity).and_then(|(_, _, rest)| element(rest)).and_then(|(kind, time, _)| day(kind, time));
    Some(Names { issuer: shown(issuer), is_self_signed: issuer == subject, subject: shown(subject), until })
}

/// The day of a moment: `YYMMDD…` or, from 2050 on, `YYYYMMDD…` (RFC 5280 §4.1.2.5).
fn day(kind: u8, time: &[u8]) -> Option<String> {
    let digits: String = time.iter().map(|byte| char::from(*byte)).take_while(char::is_ascii_digit).collect();
    let digits = match kind {
        0x17 if digits.starts_with(['0', '1', '2', '3', '4']) => format!("20{digits}"),
        0x17 => format!("19{digits}"),
        0x18 => digits,
        _ => return None,
    };
    Some(format!("{}-{}-{}", digits.get(..4)?, digits.get(4..6)?, digits.get(6..8)?))
}

/// The first part of that kind in a distinguished name.
fn part(mut name: &[u8], kind: &[u8]) -> Option<String> {
    while let Some((SET, mut set, after)) = element(name) {
        while let Some((SEQUENCE, pair, more)) = element(set) {
            let (_, found, value) = element(pair)?;
            if found == kind {
                let (tag, bytes, _) = element(value)?;
                return text(tag, bytes);
            }
            set = more;
        }
        name = after;
    }
    None
}

/// A string of the kinds that names are written in, without what could rewrite a terminal line.
fn text(tag: u8, bytes: &[u8]) -> Option<String> {
    let text: String = match tag {
        // BMPString: two bytes a character.
        0x1e => char::decode_utf16(bytes.chunks_exact(2).map(|pair| match *pair {
            [high, low] => u16::from_be_bytes([high, low]),
            _ => 0,
        }))
        .flatten()
        .collect(),
        // UTF8String, PrintableString, TeletexString, IA5String.
        0x0c | 0x13 | 0x14 | 0x16 => String::from_utf8_lossy(bytes).into_owned(),
        _ => return None,
    };
    let is_direction =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let text: String =
        text.chars().filter(|c| !c.is_control() && !is_direction(*c) && *c != '`').take(LONGEST).collect();
    let text = text.trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// The first element: its tag, its content and what follows it. Lengths of at most three bytes; more is no certificate.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, mut rest) = rest.split_first()?;
    let mut length = usize::from(*first);
    if length >= 0x80 {
        let count = length - 0x80;
        if !(1..=3).contains(&count) {
            return None;
        }
        let (digits, after) = rest.split_at_checked(count)?;
        length = digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit));
        rest = after;
    }
    let (content, after) = rest.split_at_checked(length)?;
    Some((*tag, content, after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).expect("short").to_be_bytes();
        [&[tag, 0x82], &length[..], content].concat()
    }

    fn name(parts: &[(&[u8], u8, &[u8])]) -> Vec<u8> {
        let sets =
            parts.iter().map(|(kind, tag, value)| of(SET, &of(SEQUENCE, &[of(6, kind), of(*tag, value)].concat())));
        of(SEQUENCE, &sets.collect::<Vec<_>>().concat())
    }

    fn certificate(issuer: &[u8], subject: &[u8]) -> Vec<u8> {
        let (version, empty) = (of(VERSION, &of(INTEGER, &[2])), of(SEQUENCE, &[]));
        let body = [version.as_slice(), &of(INTEGER, &[1]), &empty, issuer, &empty, subject].concat();
        of(SEQUENCE, &of(SEQUENCE, &body))
    }

    #[test]
    fn the_common_name_comes_first_then_the_unit_then_the_organisation() {
        let (common, unit, organisation) = (SHOWN[0], SHOWN[1], SHOWN[2]);
        let subject = name(&[(common, 0x0c, b"host")]);
        for (parts, expected) in [
            (vec![(organisation, 0x13, &b"Corp"[..]), (common, 0x0c, "Corp Röot".as_bytes())], Some("Corp Röot")),
            (vec![(organisation, 0x13, &b"Corp"[..]), (unit, 0x13, b"Security")], Some("Security")),
            (vec![(organisation, 0x13, &b"Corp"[..])], Some("Corp")),
            (vec![(common, 0x1e, &b"\0C\0A"[..])], Some("CA")),
            (vec![(common, 0x0c, "a\u{1b}[31m\u{202e}`b\n".as_bytes())], Some("a[31mb")),
            (vec![(common, 0x0c, &b""[..])], None),
            (vec![], None),
        ] {
            let found = names(&certificate(&name(&parts), &subject)).expect("a certificate");
            assert_eq!(found.issuer.as_deref(), expected, "{parts:?}");
            assert!(!found.is_self_signed);
        }
        assert!(names(&certificate(&subject, &subject)).expect("a certificate").is_self_signed);
        let long = name(&[(common, 0x0c, &[b'a'; 300])]);
        assert_eq!(
            names(&certificate(&long, &subject)).expect("a certificate").issuer.map(|text| text.len()),
            Some(LONGEST)
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = names(&bytes);
        }

        #[test]
        fn a_damaged_certificate_is_read_without_a_panic(at in 0..200_usize, byte in any::<u8>()) {
            let common = name(&[(SHOWN[0], 0x0c, b"Corp")]);
            let mut bytes = certificate(&common, &common);
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            let _ = names(&bytes);
        }
    }
}
