//! Form encoding as a server must read it: strictly, with repeated parameters visible (RFC 6749 §3.1, §3.2, App. B).

use url::form_urlencoded::byte_serialize;

/// More than any client has reason to send.
const MOST: usize = 64;

/// Decoded parameters in the order they came.
#[derive(Clone, Default)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads a query or a form body; `None` if an escape is broken, the text is not UTF-8 or there is far too much.
    pub(super) fn of(raw: &[u8]) -> Option<Self> {
        let pieces: Vec<&[u8]> = raw.split(|byte| *byte == b'&').filter(|piece| !piece.is_empty()).collect();
        if pieces.len() > MOST {
            return None;
        }
        let pair = |piece: &&[u8]| {
            let mut halves = piece.splitn(2, |byte| *byte == b'=');
            Some((decode(halves.next()?)?, decode(halves.next().unwrap_or_default())?))
        };
        pieces.iter().map(pair).collect::<Option<_>>().map(Self)
    }

    /// The parameter's value. One without a value counts as absent (RFC 6749 §3.1).
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every value of a parameter that may repeat.
    pub(super) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let name = name.to_owned();
        self.0.iter().filter(move |(key, value)| *key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// How often the name was sent, with or without a value.
    pub(super) fn count(&self, name: &str) -> usize {
        self.0.iter().filter(|(key, _)| key == name).count()
    }

    /// Whether a parameter was sent twice. Only `resource` may be (RFC 8707 §2).
    pub(super) fn has_repeated(&self) -> bool {
        self.0.iter().any(|(name, _)| name != "resource" && self.count(name) > 1)
    }

    /// The rest of the parameters.
    pub(super) fn without(&self, names: &[&str]) -> Self {
        Self(self.0.iter().filter(|(name, _)| !names.contains(&name.as_str())).cloned().collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Decodes one name or value; `None` if it is broken.
pub(super) fn decode(raw: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex(*rest.next()?)? << 4 | hex(*rest.next()?)?,
            other => *other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Appends parameters to a URI that may already have a query.
pub(super) fn append(uri: &str, parameters: &[(&str, &str)]) -> String {
    let mut whole = uri.to_owned();
    for (name, value) in parameters {
        whole.push(if whole.contains('?') { '&' } else { '?' });
        whole.push_str(name);
        whole.push('=');
        whole.extend(byte_serialize(value.as_bytes()));
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_once() {
        let params = Params::of(b"a=b+c%2B%25&d&e=&=f").unwrap();
        let pairs: Vec<_> = params.iter().collect();
        assert_eq!(pairs, [("a", "b c+%"), ("d", ""), ("e", ""), ("", "f")]);
        assert_eq!((params.one("a"), params.one("e"), params.one("x")), (Some("b c+%"), None, None));
    }

    #[test]
    fn broken_escapes_and_foreign_encodings_are_refused() {
        for raw in ["a=%", "a=%4", "a=%zz", "%=1", "a=%ff", "a=%c0%af", "a=%+1"] {
            assert!(Params::of(raw.as_bytes()).is_none(), "{raw}");
        }
        assert!(Params::of("a=1&".repeat(65).as_bytes()).is_none());
    }

    #[test]
    fn only_a_resource_may_repeat() {
        for (raw, repeated) in
            [("a=1&b=1", false), ("resource=1&resource=2", false), ("a=1&a=1", true), ("a=&a=1", true)]
        {
            assert_eq!(Params::of(raw.as_bytes()).unwrap().has_repeated(), repeated, "{raw}");
        }
    }

    #[test]
    fn appending_keeps_an_existing_query_and_encodes_everything() {
        assert_eq!(append("http://h/p?x=1", &[("state", "a b&c=\r\n")]), "http://h/p?x=1&state=a+b%26c%3D%0D%0A");
        assert_eq!(append("http://h/p", &[("a", "1"), ("b", "2")]), "http://h/p?a=1&b=2");
    }
}
