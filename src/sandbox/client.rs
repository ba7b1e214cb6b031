//! Who may ask for tokens: the record of a client, and how one proves at an endpoint that it is that client.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;

use serde_json::Value;

use super::answer::{Refusal, bad, unknown_client};
use super::params::{Params, decode};
use super::state::State;
use super::{assertion, dialect};
use crate::backends::fake::Received;
use crate::machine::Timestamp;
use crate::secret::Secret;

/// How a client authenticates (RFC 7591 §2). It may use the one it registered and no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    None,
    Basic,
    Post,
    /// With an assertion that its own key signed.
    Key,
}

impl Method {
    pub(super) const ALL: [Self; 4] = [Self::None, Self::Basic, Self::Post, Self::Key];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
            Self::Key => "private_key_jwt",
        }
    }
}

/// The grants that a client can register, as the wire names them.
pub(super) const GRANTS: [&str; 4] = ["authorization_code", "refresh_token", DEVICE, "client_credentials"];
/// The grant of a device without a browser (RFC 8628 §3.4).
pub(super) const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A registered client.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) issued: Timestamp,
    /// Present if the method needs one.
    pub(super) secret: Option<Secret>,
    /// Opens the client's own record (RFC 7592), if it has one here.
    pub(super) management: Option<Secret>,
    pub(super) metadata: Metadata,
}

/// What a client said about itself, as far as the sandbox took it over.
#[derive(Clone)]
pub(super) struct Metadata {
    pub(super) name: Option<String>,
    pub(super) redirects: Vec<String>,
    pub(super) method: Method,
    /// Those of [`GRANTS`] that it registered. With `refresh_token` it gets refresh tokens.
    pub(super) grants: Vec<&'static str>,
    /// The scopes it may ask for; `None` if it did not limit itself.
    pub(super) scope: Option<Vec<String>>,
    pub(super) application: Option<String>,
    /// The keys of its assertions, as a JWK set.
    pub(super) keys: Option<Value>,
    /// Where its users may be sent after they logged out.
    pub(super) logouts: Vec<String>,
    /// Whether it takes no token that is not bound to a key (RFC 9449 §5.2).
    pub(super) proves: bool,
}

impl Metadata {
    pub(super) fn may(&self, grant: &str) -> bool {
        self.grants.contains(&grant)
    }
}

/// The client that sent this form, if it proves it in the way it registered (RFC 6749 §2.3, §3.2.1).
pub(super) fn identify(state: &State, request: &Received, params: &Params) -> Result<Client, Refusal> {
    const WRONG: Refusal = unknown_client("unknown client, or not authenticated in the way it registered");
    let basic = basic(request)?;
    let sent = params.one("client_secret");
    if let Some(assertion) = params.one("client_assertion") {
        return match (basic, sent) {
            (None, None) => assertion::client(state, params, assertion),
            _ => Err(bad("invalid_request", "two ways of client authentication at once")),
        };
    }
    let (id, secret, method) = match (&basic, sent) {
        (Some(_), Some(_)) => return Err(bad("invalid_request", "two ways of client authentication at once")),
        (Some((id, secret)), None) => (id.as_str(), Some(secret.as_str()), Method::Basic),
        (None, Some(secret)) => (params.one("client_id").ok_or(WRONG)?, Some(secret), Method::Post),
        (None, None) => (params.one("client_id").ok_or(WRONG)?, None, Method::None),
    };
    if params.one("client_id").is_some_and(|named| named != id) {
        return Err(bad("invalid_request", "client_id names another client than the Authorization header"));
    }
    let client = state.ledger().client(id).ok_or(WRONG)?;
    let proven = match (&client.secret, secret) {
        (Some(expected), Some(sent)) => expected.matches(sent),
        (None, None) => true,
        (Some(_), None) => dialect::needs_no_secret(state, params),
        (None, Some(_)) => false,
    };
    // Providers take a secret in either place from a client that somebody registered by hand.
    let by_hand = client.management.is_none() && client.secret.is_some();
    if proven && (by_hand || client.metadata.method == method) { Ok(client) } else { Err(WRONG) }
}

/// Name and secret of a Basic header: each form-encoded before they were joined (RFC 6749 §2.3.1).
fn basic(request: &Received) -> Result<Option<(String, String)>, Refusal> {
    const BROKEN: Refusal = unknown_client("the Authorization header is not a Basic one of this form");
    let mut headers = request.headers().get_all(AUTHORIZATION).iter();
    let Some(header) = headers.next() else { return Ok(None) };
    if headers.next().is_some() {
        return Err(bad("invalid_request", "two Authorization headers"));
    }
    let (scheme, value) = header.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(BROKEN)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(BROKEN);
    }
    let pair = STANDARD.decode(value.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or(BROKEN)?;
    let (id, secret) = pair.split_once(':').ok_or(BROKEN)?;
    match (decode(id.as_bytes()), decode(secret.as_bytes())) {
        (Some(id), Some(secret)) => Ok(Some((id, secret))),
        _ => Err(BROKEN),
    }
}
