//! The JSON-RPC messages of MCP that a client writes and reads.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

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
/// The server knows no such method.
pub const UNKNOWN_METHOD: i64 = -32601;
/// The parameters are not of their form.
pub const BAD_PARAMETERS: i64 = -32602;

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
pub struct Params<'a> {
    /// Which tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// What it is called with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<&'a Map<String, Value>>,
    /// Where a list goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<&'a str>,
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
    capabilities: Option<Nothing>,
    #[serde(rename = "io.modelcontextprotocol/clientInfo", skip_serializing_if = "Option::is_none")]
    client: Option<Client>,
    #[serde(rename = "progressToken", skip_serializing_if = "Option::is_none")]
    progress: Option<u64>,
}

impl Meta {
    /// What a modern request carries.
    pub fn modern(progress: Option<u64>) -> Self {
        Self { version: Some(MODERN), capabilities: Some(Nothing {}), client: Some(Client::THIS), progress }
    }

    /// What a legacy request carries, if anything.
    pub fn legacy(progress: Option<u64>) -> Option<Self> {
        progress.map(|token| Self { progress: Some(token), ..Self::default() })
    }
}

/// `{}`.
#[derive(Serialize)]
pub struct Nothing {}

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
    capabilities: Nothing,
    client_info: Client,
}

impl Initialize {
    /// Asks for the newest legacy revision.
    pub const fn newest() -> Self {
        Self { protocol_version: NEWEST_LEGACY, capabilities: Nothing {}, client_info: Client::THIS }
    }
}

/// What a server says about itself in the legacy era.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Initialized {
    /// The revision it chose.
    pub protocol_version: String,
}

/// What a server says about itself in the modern era.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Discovered {
    /// The revisions it serves.
    pub supported_versions: Vec<String>,
}

/// A page of a list of tools.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// The tools as the server wrote them.
    pub tools: Vec<Box<RawValue>>,
    /// Where the list goes on; an empty text is a valid cursor.
    #[serde(default)]
    pub next_cursor: Option<String>,
}

/// What a tool answered.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Called {
    /// Content blocks.
    #[serde(default)]
    pub content: Option<Box<RawValue>>,
    /// The structured result.
    #[serde(default)]
    pub structured_content: Option<Box<RawValue>>,
    /// Whether the call failed.
    #[serde(default)]
    pub is_error: Option<bool>,
    /// Modern: whether this is the whole answer.
    #[serde(default)]
    pub result_type: Option<String>,
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
}

impl Failure {
    /// The server's words, bounded.
    pub fn said(&self) -> String {
        outside::line(&self.message, outside::LONGEST)
    }
}

/// What arrived.
pub enum Incoming<R> {
    /// The answer to our request.
    Answer(Result<R, Failure>),
    /// A notification: its method and parameters.
    Notification(String, Option<Box<RawValue>>),
    /// A request of the server: its id and method.
    Request(Box<RawValue>, String),
    /// An answer to another request.
    Other,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "R: Deserialize<'de>"))]
struct Envelope<R> {
    #[serde(default)]
    id: Option<Box<RawValue>>,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    params: Option<Box<RawValue>>,
    #[serde(default)]
    result: Option<R>,
    #[serde(default)]
    error: Option<Failure>,
}

impl<R> Envelope<R> {
    fn meaning(self, id: u64) -> Incoming<R> {
        match (self.method, self.id) {
            (Some(method), Some(id)) => Incoming::Request(id, method),
            (Some(method), None) => Incoming::Notification(method, self.params),
            (None, answered) => {
                let ours = answered.as_deref().is_some_and(|answered| answered.get() == id.to_string());
                match (self.result, self.error) {
                    // A server that could not read the request has no id to answer to.
                    (_, Some(failure)) if ours || answered.is_none() => Incoming::Answer(Err(failure)),
                    (Some(result), None) if ours => Incoming::Answer(Ok(result)),
                    _ => Incoming::Other,
                }
            }
        }
    }
}

/// Reads a message, or several of them in an array as one revision allowed, as an answer to request `id`.
///
/// One pass: the result is read into `R` while the message is.
pub fn read<R: DeserializeOwned>(text: &[u8], id: u64) -> Result<Vec<Incoming<R>>, serde_json::Error> {
    if text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        let all: Vec<Envelope<R>> = serde_json::from_slice(text)?;
        return Ok(all.into_iter().map(|one| one.meaning(id)).collect());
    }
    Ok(vec![serde_json::from_slice::<Envelope<R>>(text)?.meaning(id)])
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
