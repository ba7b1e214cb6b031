//! What the sandbox can do wrong on purpose.

use std::collections::{BTreeMap, VecDeque};

use http::{HeaderName, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::answer::{self, Cut};
use crate::backends::fake::{Body, Reply};

/// Everything the sandbox does wrong on purpose. The default is no fault.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// What happens to the next token requests: each fault is used once, by the first request it fits.
    pub token: VecDeque<TokenFault>,
    /// The `iss` of authorization responses.
    pub response_iss: ResponseIss,
    /// What the metadata says the issuer is.
    pub metadata_issuer: Option<String>,
    /// The metadata does not mention PKCE.
    pub metadata_without_pkce: bool,
    /// The metadata does not promise `iss` in authorization responses.
    pub metadata_without_iss: bool,
    /// The metadata lists no registration endpoint.
    pub metadata_without_registration: bool,
    /// The metadata of protected resources names this resource.
    pub resource_metadata_names: Option<String>,
    /// At most these scopes (space-separated) are granted, whatever the person allows.
    pub narrow_scope: Option<String>,
    /// Redirect addresses must match with their port, as at providers that do not know RFC 8252 §7.3.
    pub exact_redirects: bool,
    /// Other answers for whole endpoints, by their name in the record. The request is carried out all the same.
    pub answers: BTreeMap<String, Effect>,
    /// The `Date` of every answer is this many seconds off.
    pub date_offset: i64,
    /// A refresh answers without a new refresh token and leaves the old one usable, as some providers do.
    pub keep_refresh_token: bool,
    /// Authorization requests must be pushed first (RFC 9126 §5), and the metadata says so.
    pub require_par: bool,
    /// Client identifiers that are addresses of documents are not looked up, and the metadata does not offer it.
    pub without_client_documents: bool,
    /// The resources take tokens only with a proof of possession, and their metadata says so (RFC 9728 §2).
    pub require_dpop: bool,
    /// A proof of possession needs a nonce of the sandbox (RFC 9449 §8, §9).
    pub dpop_nonce: bool,
    /// The resources ask for a login of this strength (`acr`, RFC 9470).
    pub acr: Option<String>,
    /// The resources ask for a login that is not older than this many seconds (RFC 9470).
    pub max_age: Option<u64>,
    /// ID tokens are forged in this way.
    pub id_token: Option<Forgery>,
    /// Registration is open to everybody, at providers where it is not.
    pub open_registration: bool,
}

/// An ID token that no client may believe (OIDC Core §3.1.3.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forgery {
    /// Not signed, with the algorithm `none`.
    Unsigned,
    /// Signed with HMAC and the public key as the secret.
    Symmetric,
    /// Signed by a stranger's key under the name of the right one.
    Signature,
    /// Signed by a key that the key set does not have.
    UnknownKey,
    /// For another client.
    Audience,
    /// For several clients, of which another one asked (`azp`).
    Party,
    /// By another issuer.
    Issuer,
    /// For another attempt.
    Nonce,
    /// For no attempt.
    WithoutNonce,
    /// Over.
    Expired,
    /// Issued an hour from now.
    Future,
    /// For another access token (`at_hash`).
    Hash,
    /// About another person.
    Subject,
}

/// The `iss` parameter of authorization responses (RFC 9207).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseIss {
    /// The issuer.
    #[default]
    Right,
    /// No parameter.
    Omitted,
    /// This text.
    Other(String),
}

/// What happens to one token request.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenFault {
    /// Only for a request of this `grant_type`.
    pub grant_type: Option<String>,
    /// The request is carried out first: tokens are issued and rotated, and then the effect hits the answer.
    pub after_commit: bool,
    /// The answer waits this long, in milliseconds.
    pub delay_ms: u64,
    /// What becomes of the answer.
    pub effect: Effect,
}

/// What becomes of an answer.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing.
    #[default]
    None,
    /// The connection breaks before a status line is there.
    Drop,
    /// Another answer: HTML, 503 with `Retry-After`, a redirect with `Location`.
    Answer {
        /// The HTTP status.
        status: u16,
        /// Header names and values.
        #[serde(default)]
        headers: Vec<(String, String)>,
        /// The body as it is.
        #[serde(default)]
        body: String,
    },
    /// Members of a successful answer are replaced or removed: odd `expires_in`, no `refresh_token`, another `scope`.
    Edit {
        /// Members and their new values.
        #[serde(default)]
        set: Map<String, Value>,
        /// Members that are left out.
        #[serde(default)]
        remove: Vec<String>,
    },
}

/// How the authorization endpoint finds out what the person wants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It asks, with a page.
    #[default]
    Ask,
    /// Scripted: this user allows everything at once.
    Allow(String),
    /// Scripted: the user denies everything at once.
    Deny,
}

impl Effect {
    /// A successful JSON answer with the members that this effect gives and takes.
    pub(super) fn edited(&self, mut reply: Reply) -> Reply {
        let Self::Edit { set, remove } = self else { return reply };
        if !reply.status().is_success() {
            return reply;
        }
        let Body::Whole(body) = reply.body_mut() else { return reply };
        if let Ok(Value::Object(mut members)) = serde_json::from_slice(body) {
            members.extend(set.clone());
            members.retain(|name, _| !remove.contains(name));
            *body = Value::Object(members).to_string().into_bytes();
        }
        reply
    }

    /// The answer that comes in the place of the right one; `None` if the right one stays.
    pub(super) fn replacement(&self) -> Option<Reply> {
        match self {
            Self::None | Self::Edit { .. } => None,
            Self::Drop => {
                let mut reply = answer::marked(answer::empty(StatusCode::OK), "dropped");
                reply.extensions_mut().insert(Cut);
                Some(reply)
            }
            Self::Answer { status, headers, body } => {
                let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let mut reply = answer::whole(status, "text/html; charset=utf-8", body.as_str());
                for (name, value) in headers {
                    if let Ok(name) = HeaderName::try_from(name) {
                        answer::set(&mut reply, name, value);
                    }
                }
                Some(answer::marked(reply, "replaced"))
            }
        }
    }
}
