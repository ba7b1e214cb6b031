//! A request to one of the APIs, taken apart the way the gateway does: by slashes, then by commas, and only then decoded,
//! so that a `%2F` or `%2C` inside an identifier separates nothing.

use http::Method;
use serde_json::Value;
use url::form_urlencoded;

use crate::backends::fake::Received;

/// What was asked.
pub(super) struct Asked<'a> {
    pub(super) method: &'a Method,
    /// The path below the API's own, as it came.
    pub(super) rest: &'a str,
    segments: Vec<&'a str>,
    query: Vec<(String, String)>,
    /// The body, where it is JSON.
    pub(super) body: Value,
}

impl<'a> Asked<'a> {
    /// The request, below the prefix of its API.
    pub(super) fn of(request: &'a Received, rest: &'a str) -> Self {
        let query = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
        Self {
            method: request.method(),
            rest,
            segments: rest.split('/').filter(|segment| !segment.is_empty()).collect(),
            query: query.into_owned().collect(),
            body: serde_json::from_slice(request.body()).unwrap_or_default(),
        }
    }

    /// The segments of the path, still encoded: the fixed ones hold nothing that needs it.
    pub(super) fn path(&self) -> &[&'a str] {
        &self.segments
    }

    /// A parameter of the query; the empty one counts as absent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The names in the query.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.query.iter().map(|(name, _)| name.as_str())
    }

    /// A page number, from 1; `None` for anything that is not one.
    pub(super) fn page(&self, name: &str) -> Option<usize> {
        self.get(name).map_or(Some(1), |value| value.parse().ok()).filter(|page| *page > 0)
    }

    /// Everything in it that may be an identifier.
    pub(super) fn elements(&self) -> Vec<String> {
        let path = self.segments.iter().flat_map(|segment| list(segment));
        let query = self.query.iter().flat_map(|(_, value)| value.split(',').map(str::to_owned));
        let strings = |value: &Value| value.as_str().map(str::to_owned);
        let members = self.body.as_object().into_iter().flat_map(|members| members.values());
        let body = members.flat_map(|value| match value {
            Value::Array(all) => all.iter().filter_map(strings).collect::<Vec<_>>(),
            one => strings(one).into_iter().collect(),
        });
        path.chain(query).chain(body).collect()
    }
}

/// The elements of a segment.
pub(super) fn list(segment: &str) -> Vec<String> {
    segment.split(',').map(decode).filter(|element| !element.trim().is_empty()).collect()
}

/// A segment or an element without its percent-encoding.
pub(super) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).filter(|_| *first == b'%').and_then(|two| std::str::from_utf8(two).ok());
        if let Some(byte) = hex.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            bytes.push(byte);
            rest = after.get(2..).unwrap_or_default();
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whether the gateway finds a way for this path. HTTP itself has no place for a raw space; what else must be encoded and
/// came raw, and what is no encoding, has the same end.
pub(super) fn is_routable(path: &str) -> bool {
    let hex = |text: &str| text.as_bytes().get(..2).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
    path.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"{}<>\\^`|".contains(&byte))
        && path.split('%').skip(1).all(hex)
}
