//! Reading a token answer: tolerant of form, strict about meaning (RFC 6749 §5).

use http::Response;
use serde_json::{Map, Value};

use crate::oauth::error::Error;
use crate::oauth::foreign::{clean, retry_after};
use crate::oauth::json::{self, Fault};
use crate::secret::Secret;

/// Ten years: nothing that is stored needs to live longer, and sums with it cannot overflow.
const LONGEST: u64 = 10 * 365 * 24 * 3600;

/// What was odd about an answer that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// There was no `token_type`; `Bearer` is assumed.
    NoTokenType,
    /// `expires_in` is not a number of seconds; the lifetime is unknown.
    UnreadableExpiry,
    /// `scope` came as an array.
    ScopeArray,
    /// Fewer scopes were granted than asked for.
    ScopeNarrowed {
        /// Those that are missing.
        missing: Vec<String>,
    },
}

/// Members beyond RFC 6749.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(in crate::oauth) struct Extra {
    #[serde(skip_serializing)]
    pub(super) id_token: Option<Secret>,
    pub(super) refresh_expires_in: Option<u64>,
}

impl oauth2::ExtraTokenFields for Extra {}

/// The members that count, each in its one plain form; or why there are none.
pub(super) fn read(host: &str, answer: &Response<Vec<u8>>) -> Result<(Map<String, Value>, Vec<Warning>), Error> {
    let status = answer.status().as_u16();
    let members = json::object(answer.body());
    match (status, members) {
        // Following it would hand the code and the secret to whoever it names.
        (300..=399, _) => Err(Error::Redirected { host: host.to_owned(), status }),
        (408 | 425 | 429 | 500..=599, _) => Err(in_trouble(host, answer)),
        (_, Ok(members)) if members.get("error").is_some_and(|error| !error.is_null()) => {
            Err(refusal(host, answer, &members))
        }
        (200..=299, Ok(members)) => success(host, &members),
        (401, _) => Err(Error::TokenEndpoint { host: host.to_owned(), status, code: None, description: None }),
        (_, Err(Fault::NotJson)) if !answer.body().is_empty() || answer.status().is_success() => {
            Err(Error::NotJson { host: host.to_owned(), status })
        }
        (200..=299, Err(_)) => Err(malformed(host, "it is not one plain object")),
        _ => Err(Error::Status { host: host.to_owned(), status }),
    }
}

fn in_trouble(host: &str, answer: &Response<Vec<u8>>) -> Error {
    let (status, retry_after) = (answer.status().as_u16(), retry_after(answer.headers()));
    Error::Server { host: host.to_owned(), status, retry_after }
}

fn malformed(host: &str, what: &'static str) -> Error {
    Error::Malformed { host: host.to_owned(), what }
}

fn refusal(host: &str, answer: &Response<Vec<u8>>, members: &Map<String, Value>) -> Error {
    let said = |name| json::text(members, name).map(clean);
    match json::text(members, "error") {
        Some("temporarily_unavailable" | "server_error" | "slow_down") => in_trouble(host, answer),
        _ => Error::TokenEndpoint {
            host: host.to_owned(),
            status: answer.status().as_u16(),
            code: said("error"),
            description: said("error_description"),
        },
    }
}

fn success(host: &str, members: &Map<String, Value>) -> Result<(Map<String, Value>, Vec<Warning>), Error> {
    let mut plain = Map::new();
    let mut warnings = Vec::new();
    // A line break in a token would end the header it travels in and begin one of the server's choice.
    let access_token = json::text(members, "access_token").filter(|token| token.bytes().all(|b| b.is_ascii_graphic()));
    plain.insert(
        "access_token".into(),
        access_token.ok_or_else(|| malformed(host, "it has no usable access token"))?.into(),
    );
    match members.get("token_type") {
        None | Some(Value::Null) => warnings.push(Warning::NoTokenType),
        Some(Value::String(kind)) if kind.eq_ignore_ascii_case("bearer") => {}
        Some(_) => return Err(malformed(host, "its token is of a type that was not asked for")),
    }
    plain.insert("token_type".into(), "bearer".into());
    match members.get("refresh_token") {
        None | Some(Value::Null) => {}
        Some(Value::String(token)) if token.is_empty() => {}
        Some(Value::String(token)) if !token.chars().any(char::is_control) => {
            plain.insert("refresh_token".into(), token.as_str().into());
        }
        Some(_) => return Err(malformed(host, "it has no usable refresh token")),
    }
    if let Some(id_token) = json::text(members, "id_token") {
        plain.insert("id_token".into(), id_token.into());
    }
    if let Some(lifetime) = lifetime(members.get("expires_in"), &mut warnings) {
        plain.insert("expires_in".into(), lifetime.into());
    }
    let renewal = members.get("refresh_expires_in").or_else(|| members.get("refresh_token_expires_in"));
    // Zero is how some servers say "no end".
    if let Some(lifetime) = lifetime(renewal, &mut Vec::new()).filter(|lifetime| *lifetime > 0) {
        plain.insert("refresh_expires_in".into(), lifetime.into());
    }
    if let Some(scope) = scope(members.get("scope"), &mut warnings) {
        plain.insert("scope".into(), scope.into());
    }
    Ok((plain, warnings))
}

/// Seconds, from whatever servers write; what is over is zero, what is absurd is capped.
fn lifetime(value: Option<&Value>, warnings: &mut Vec<Warning>) -> Option<u64> {
    let seconds = match value {
        None | Some(Value::Null) => return None,
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.trim().parse::<f64>().ok(),
        Some(_) => None,
    };
    match seconds.filter(|seconds| seconds.is_finite()) {
        // Clamped, so that the cast is exact.
        Some(seconds) => Some(seconds.clamp(0.0, LONGEST as f64) as u64),
        None => {
            warnings.push(Warning::UnreadableExpiry);
            None
        }
    }
}

/// Scopes separated by one space each; `None` for anything that names none.
fn scope(value: Option<&Value>, warnings: &mut Vec<Warning>) -> Option<String> {
    let words: Vec<&str> = match value? {
        Value::String(text) => text.split_ascii_whitespace().collect(),
        Value::Array(array) => {
            warnings.push(Warning::ScopeArray);
            array.iter().filter_map(Value::as_str).flat_map(str::split_ascii_whitespace).collect()
        }
        _ => return None,
    };
    (!words.is_empty()).then(|| words.join(" "))
}
