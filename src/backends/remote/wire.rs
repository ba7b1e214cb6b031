//! The JSON-RPC messages of MCP that a client writes and reads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::backends::host::Takes;
use crate::backends::outside;

/// The revision without handshake and sessions.
pub const MODERN: &str = "2026-07-28";
/// The newest revision with a handshake.
pub const NEWEST_LEGACY: &str = "2025-11-25";
/// Every revision with a handshake that is understood.
pub const LEGACY: [&str; 4] = [NEWEST_LEGACY, "2025-06-18", "2025-03-26", "2024-11-05"];

/// The server does not serve the revision of the request.
pub const UNSUPPORTED_VERSION: i64 = -32022;
/// The headers and the body of the request say different things.
pub const HEADER_MISMATCH: i64 = -32020;
/// The server needs a capability that was not declared.
pub const MISSING_CAPABILITY: i64 = -32021;
/// The person must open a page first; nothing was done.
pub const PAGES_FIRST: i64 = -32042;
/// The server knows no such method.
pub const UNKNOWN_METHOD: i64 = -32601;
/// The parameters are not of their form.
pub const BAD_PARAMETERS: i64 = -32602;
/// Legacy: there is nothing at that address.
pub const NOT_FOUND: i64 = -32002;

/// A request, or a notification where `id` is absent.
#[derive(Serialize)]
pub struct Outgoing<'a, P> {
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    method: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<P>,
}

impl<'a, P: Serialize> Outgoing<'a, P> {
    /// The message as it is sent.
    pub fn text(id: Option<u64>, method: &'a str, params: Option<P>) -> Vec<u8> {
        // Strings, numbers and JSON values always have a JSON form.
        serde_json::to_vec(&Self { jsonrpc: "2.0", id, method, params }).unwrap_or_default()
    }
}

/// The parameters of every method but `initialize`.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct Params<'a> {
    /// Which tool or prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// Which resource, at the server's own address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<&'a str>,
    /// What it is called with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<&'a Map<String, Value>>,
    /// Where a list goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<&'a str>,
    /// What only this method has.
    #[serde(flatten)]
    pub more: Option<&'a Map<String, Value>>,
    /// Modern: what was answered to the questions of the round before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_responses: Option<&'a BTreeMap<String, Box<RawValue>>>,
    /// Modern: what the server wants back with that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_state: Option<&'a RawValue>,
    /// What travels with every modern request.
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

/// Facts about a request.
#[derive(Serialize, Default)]
pub struct Meta {
    #[serde(rename = "io.modelcontextprotocol/protocolVersion", skip_serializing_if = "Option::is_none")]
    version: Option<&'static str>,
    #[serde(rename = "io.modelcontextprotocol/clientCapabilities", skip_serializing_if = "Option::is_none")]
    capabilities: Option<Value>,
    #[serde(rename = "io.modelcontextprotocol/clientInfo", skip_serializing_if = "Option::is_none")]
    client: Option<Client>,
    #[serde(rename = "io.modelcontextprotocol/logLevel", skip_serializing_if = "Option::is_none")]
    level: Option<&'static str>,
    #[serde(rename = "progressToken", skip_serializing_if = "Option::is_none")]
    progress: Option<u64>,
}

impl Meta {
    /// What a modern request carries.
    pub fn modern(progress: Option<u64>, takes: Takes, level: Option<&'static str>) -> Self {
        Self { version: Some(MODERN), capabilities: Some(declared(takes)), client: Some(Client::THIS), level, progress }
    }

    /// What a legacy request carries, if anything.
    pub fn legacy(progress: Option<u64>) -> Option<Self> {
        progress.map(|token| Self { progress: Some(token), ..Self::default() })
    }
}

/// What a host takes, as MCP's client capabilities.
pub fn declared(takes: Takes) -> Value {
    let of = |modes: [(bool, &str); 2]| {
        modes.into_iter().filter(|(is_taken, _)| *is_taken).map(|(_, name)| (name.to_owned(), json!({}))).collect()
    };
    let mut all = Map::new();
    if takes.form || takes.url {
        all.insert("elicitation".to_owned(), Value::Object(of([(takes.form, "form"), (takes.url, "url")])));
    }
    if takes.sampling {
        let with = of([(takes.sampling_tools, "tools"), (takes.sampling_context, "context")]);
        all.insert("sampling".to_owned(), Value::Object(with));
    }
    Value::Object(all)
}

/// Who is calling.
#[derive(Serialize)]
pub struct Client {
    name: &'static str,
    version: &'static str,
}

impl Client {
    const THIS: Self = Self { name: "keyward", version: env!("CARGO_PKG_VERSION") };
}

/// The parameters of `initialize`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Initialize {
    protocol_version: &'static str,
    capabilities: Value,
    client_info: Client,
}

impl Initialize {
    /// Asks for the newest legacy revision.
    pub fn newest(takes: Takes) -> Self {
        Self { protocol_version: NEWEST_LEGACY, capabilities: declared(takes), client_info: Client::THIS }
    }
}

/// A result of any method. What is large or goes on as it is stays as the server wrote it: a message is read once.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Answer {
    /// Modern: whether this is the whole answer.
    pub result_type: Option<String>,
    /// Modern: what the server wants to know first, by names of its own.
    pub input_requests: Option<Box<RawValue>>,
    /// Modern: what it wants back with that.
    pub request_state: Option<Box<RawValue>>,
    /// Of a call: content blocks.
    pub content: Option<Box<RawValue>>,
    /// Of a call: the structured result.
    pub structured_content: Option<Box<RawValue>>,
    /// Of a call: whether it failed.
    pub is_error: Option<bool>,
    /// Of a prompt: what it is for.
    pub description: Option<Box<RawValue>>,
    /// Of a prompt: the request.
    pub messages: Option<Box<RawValue>>,
    /// Of a reading.
    pub contents: Option<Box<RawValue>>,
    /// Of a completion.
    pub completion: Option<Box<RawValue>>,
    /// A page of that list.
    pub tools: Option<Box<RawValue>>,
    /// A page of that list.
    pub prompts: Option<Box<RawValue>>,
    /// A page of that list.
    pub resources: Option<Box<RawValue>>,
    /// A page of that list.
    pub resource_templates: Option<Box<RawValue>>,
    /// Where the list goes on; an empty text is a valid cursor.
    pub next_cursor: Option<Box<RawValue>>,
    /// Legacy: the revision the server chose.
    pub protocol_version: Option<Box<RawValue>>,
    /// Modern: the revisions it serves.
    pub supported_versions: Option<Box<RawValue>>,
    /// What it can do.
    pub capabilities: Option<Box<RawValue>>,
    /// How to use it.
    pub instructions: Option<Box<RawValue>>,
}

/// A member of the type that it should have; none if it has another.
pub fn member<T: DeserializeOwned>(raw: Option<&RawValue>) -> Option<T> {
    serde_json::from_str(raw?.get()).ok()
}

/// How far a call is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progressed {
    /// Which call.
    pub progress_token: Value,
    /// How much is done.
    pub progress: f64,
    /// How much there is.
    #[serde(default)]
    pub total: Option<f64>,
    /// What is being done.
    #[serde(default)]
    pub message: Option<String>,
}

/// A failure in JSON-RPC's own form.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Failure {
    /// Which failure.
    #[serde(default)]
    pub code: i64,
    /// In the server's words.
    #[serde(default)]
    pub message: String,
    /// What belongs to it.
    #[serde(default)]
    pub data: Option<Value>,
}

impl Failure {
    /// The pages that the person must open before the server does what it refused (2025-11-25).
    pub fn pages(&mut self) -> Vec<Value> {
        match self.data.as_mut().and_then(|data| data.get_mut("elicitations")) {
            Some(Value::Array(pages)) if self.code == PAGES_FIRST => std::mem::take(pages),
            _ => Vec::new(),
        }
    }

    /// The server's words, bounded.
    pub fn said(&self) -> String {
        outside::line(&self.message, outside::LONGEST)
    }
}

/// What arrived.
pub enum Incoming {
    /// The answer to our request.
    Answer(Result<Box<Answer>, Failure>),
    /// A notification: its method and parameters.
    Notification(String, Option<Box<RawValue>>),
    /// A request of the server.
    Request(Asking),
    /// An answer to another request.
    Other,
}

/// A request of the server.
pub struct Asking {
    /// Its id, as the server wrote it.
    pub id: Box<RawValue>,
    /// Its method.
    pub method: String,
    /// Its parameters.
    pub params: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    id: Option<Box<RawValue>>,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    params: Option<Box<RawValue>>,
    #[serde(default)]
    result: Option<Box<Answer>>,
    #[serde(default)]
    error: Option<Failure>,
}

impl Envelope {
    fn meaning(self, ours: Option<u64>) -> Incoming {
        match (self.method, self.id) {
            (Some(method), Some(id)) => Incoming::Request(Asking { id, method, params: self.params }),
            (Some(method), None) => Incoming::Notification(method, self.params),
            (None, answered) => {
                let is_ours = answered.as_deref().zip(ours).is_some_and(|(id, ours)| id.get() == ours.to_string());
                match (self.result, self.error) {
                    // A server that could not read the request has no id to answer to.
                    (_, Some(failure)) if is_ours || answered.is_none() => Incoming::Answer(Err(failure)),
                    (Some(result), None) if is_ours => Incoming::Answer(Ok(result)),
                    _ => Incoming::Other,
                }
            }
        }
    }
}

/// Reads a message, or several of them in an array as one revision allowed, as an answer to request `ours`.
///
/// One pass: the result is read while the message is.
pub fn read(text: &[u8], ours: Option<u64>) -> Result<Vec<Incoming>, serde_json::Error> {
    if text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        let all: Vec<Envelope> = serde_json::from_slice(text)?;
        return Ok(all.into_iter().map(|one| one.meaning(ours)).collect());
    }
    Ok(vec![serde_json::from_slice::<Envelope>(text)?.meaning(ours)])
}

/// The failure in the body of a refusal, if it is in JSON-RPC's form.
pub fn failure(body: &[u8]) -> Option<Failure> {
    #[derive(Deserialize)]
    struct Refusal {
        error: Failure,
    }
    serde_json::from_slice::<Refusal>(body).ok().map(|refusal| refusal.error)
}

/// The value on one line: what passes through ends up in a protocol of lines. Outside of its strings, where JSON allows
/// none, a line break is only space.
pub fn on_one_line(value: Box<RawValue>) -> Box<RawValue> {
    if !value.get().contains(['\n', '\r']) {
        return value;
    }
    RawValue::from_string(value.get().replace(['\n', '\r'], " ")).unwrap_or(value)
}
