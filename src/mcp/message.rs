//! JSON-RPC 2.0 messages (jsonrpc.org/specification §4, §5, §6), read without building a tree.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::{RawValue, to_raw_value};

/// How deep brackets may be nested, as in `serde_json`.
const DEEPEST: usize = 128;

/// An error of the protocol: its code and what to say.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Failure {
    pub(super) code: i32,
    pub(super) message: Cow<'static, str>,
    /// JSON for `data`.
    pub(super) data: Option<String>,
}

impl Failure {
    pub(super) const fn new(code: i32, message: &'static str) -> Self {
        Self { code, message: Cow::Borrowed(message), data: None }
    }

    pub(super) fn parameters(message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: -32602, message: message.into(), data: None }
    }
}

pub(super) const PARSE: Failure = Failure::new(-32700, "the line is not JSON");
pub(super) const TOO_LONG: Failure = Failure::new(-32600, "the line is too long");
pub(super) const UNKNOWN_METHOD: Failure = Failure::new(-32601, "unknown method");
pub(super) const INTERNAL: Failure = Failure::new(-32603, "internal error");
pub(super) const TOO_MANY: Failure = Failure::new(-32603, "too many requests at once");
pub(super) const DUPLICATE: Failure = Failure::new(-32600, "a request with this id is still running");

/// One message.
#[derive(Debug)]
pub(super) enum Message<'a> {
    /// Wants an answer.
    Request { id: Id, method: Cow<'a, str>, params: Params<'a> },
    /// Wants none.
    Notification { method: Cow<'a, str>, params: Params<'a> },
    /// Answers a request of ours.
    Response { id: Id, result: Option<&'a RawValue>, error: Option<&'a RawValue> },
    /// Cannot be understood. The id is there if it could be read.
    Invalid { id: Option<Id>, failure: Failure },
}

/// A request id, as it was written. Two ids are the same if they mean the same text or the same digits.
#[derive(Clone, Debug)]
pub(super) struct Id {
    /// What is echoed.
    pub(super) raw: Box<RawValue>,
    /// What is compared.
    pub(super) key: Key,
}

/// What an id means.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Text(String),
    Number(String),
}

impl Key {
    /// An id that means this.
    pub(super) fn written(self) -> Option<Id> {
        let raw = match &self {
            Self::Text(text) => to_raw_value(text).ok()?,
            Self::Number(digits) => RawValue::from_string(digits.clone()).ok()?,
        };
        Some(Id { raw, key: self })
    }
}

impl Id {
    /// A string, or an integer of any size; nothing else is an id in MCP.
    pub(super) fn read(raw: &RawValue) -> Option<Self> {
        let text = raw.get();
        let key = match text.as_bytes().first()? {
            b'"' => Key::Text(serde_json::from_str(text).ok()?),
            b'-' | b'0'..=b'9' if !text.contains(['.', 'e', 'E']) => Key::Number(text.to_owned()),
            _ => return None,
        };
        Some(Self { raw: raw.to_owned(), key })
    }
}

/// The members of `params` that some method reads, each as it was written.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Params<'a> {
    #[serde(borrow, rename = "_meta")]
    pub(super) meta: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) name: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) uri: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) arguments: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) cursor: Option<&'a RawValue>,
    #[serde(borrow, rename = "ref")]
    pub(super) of: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) argument: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) context: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) level: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) notifications: Option<&'a RawValue>,
    #[serde(borrow, rename = "protocolVersion")]
    pub(super) protocol_version: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) capabilities: Option<&'a RawValue>,
    #[serde(borrow, rename = "requestId")]
    pub(super) request_id: Option<&'a RawValue>,
    #[serde(borrow, rename = "inputResponses")]
    pub(super) input_responses: Option<&'a RawValue>,
    #[serde(borrow, rename = "requestState")]
    pub(super) request_state: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    method: Option<&'a RawValue>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    error: Option<&'a RawValue>,
}

/// Tells `null` from absence, which `Option` alone does not.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Reads one message of a line or a batch that [`is_json`] has passed.
pub(super) fn read(text: &str) -> Message<'_> {
    let invalid = |id, message| Message::Invalid { id, failure: Failure::new(-32600, message) };
    let envelope: Envelope<'_> = match serde_json::from_str(text) {
        Ok(envelope) => envelope,
        Err(error) if error.is_data() => return invalid(None, "the message is not a JSON-RPC object"),
        Err(_) => return Message::Invalid { id: None, failure: PARSE },
    };
    let id = match envelope.id.map(Id::read) {
        Some(None) => return invalid(None, "the id is neither a text nor an integer"),
        Some(Some(id)) => Some(id),
        None => None,
    };
    if envelope.jsonrpc.map(RawValue::get) != Some("\"2.0\"") {
        return invalid(id, "`jsonrpc` is not \"2.0\"");
    }
    let Some(method) = envelope.method else {
        return match id {
            Some(id) if envelope.result.is_some() || envelope.error.is_some() => {
                Message::Response { id, result: envelope.result, error: envelope.error }
            }
            id => invalid(id, "the message has no method"),
        };
    };
    let Some(method) = string(method) else { return invalid(id, "the method is not a text") };
    let params = match envelope.params.map(RawValue::get) {
        None => Ok(Params::default()),
        Some(text) if text.starts_with('{') => {
            serde_json::from_str(text).map_err(|_| Failure::parameters("a parameter is there twice"))
        }
        Some(_) => Err(Failure::parameters("`params` is not an object")),
    };
    match (id, params) {
        (Some(id), Ok(params)) => Message::Request { id, method, params },
        (Some(id), Err(failure)) => Message::Invalid { id: Some(id), failure },
        (None, params) => Message::Notification { method, params: params.unwrap_or_default() },
    }
}

/// The text of a JSON string; `None` if the value is no string.
pub(super) fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    let inner = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') { serde_json::from_str(raw.get()).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(inner)) }
}

/// Whether the line can be JSON, as far as the lazy reading above would not notice: brackets nested too deeply, and
/// halves of surrogate pairs.
pub(super) fn is_sound(text: &str) -> bool {
    // Most lines have no escape, and fewer brackets than could be nested too deeply.
    let (bytes, opening) = (text.as_bytes(), |bytes| memchr::memchr2_iter(b'[', b'{', bytes).nth(DEEPEST));
    if memchr::memchr(b'\\', bytes).is_none() && opening(bytes).is_none() {
        return true;
    }
    let mut depth = 0_usize;
    let mut is_string = false;
    let mut at = 0_usize;
    while let Some(byte) = text.as_bytes().get(at) {
        let mut length = 1;
        match byte {
            b'"' => is_string = !is_string,
            b'\\' if is_string => {
                length = 2;
                let rest = text.as_bytes().get(at..).unwrap_or_default();
                if rest.get(1) == Some(&b'u') {
                    let Some(escaped) = surrogates(rest) else { return false };
                    length = escaped;
                }
            }
            b'[' | b'{' if !is_string => {
                depth += 1;
                if depth > DEEPEST {
                    return false;
                }
            }
            b']' | b'}' if !is_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        at = at.saturating_add(length);
    }
    true
}

/// How many bytes the `\uXXXX` at the start takes, with its second half if it needs one; `None` for half a pair.
fn surrogates(bytes: &[u8]) -> Option<usize> {
    let unit = |at: usize| {
        let escape = bytes.get(at..at + 6).filter(|escape| escape.starts_with(b"\\u"))?;
        u16::from_str_radix(std::str::from_utf8(escape.get(2..)?).ok()?, 16).ok()
    };
    match unit(0)? {
        0xD800..=0xDBFF => unit(6).filter(|low| (0xDC00..=0xDFFF).contains(low)).map(|_| 12),
        0xDC00..=0xDFFF => None,
        _ => Some(6),
    }
}
