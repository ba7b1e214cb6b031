//! Reading a token answer: tolerant of form, strict about meaning (RFC 6749 §5).

use std::time::Duration;

use serde_json::{Map, Value};
use zeroize::Zeroize as _;

use super::{TokenType, Tokens};
use crate::http::scopes;
use crate::oauth::endpoint::Answer;
use crate::oauth::error::Error;
use crate::oauth::foreign::{clean, date, retry_after};
use crate::oauth::json::{self, Fault};
use crate::secret::{self, Secret};

/// Ten years: nothing that is stored needs to live longer, and sums with it cannot overflow.
const LONGEST: u64 = 10 * 365 * 24 * 3600;

/// The server wants to see the person (OpenID Connect Core §3.1.2.6), if it says what for.
const INTERACTION: [&str; 4] = ["interaction_required", "consent_required", "login_required", "invalid_grant"];
const LONGEST_CLAIMS: usize = 2048;

/// What was odd about an answer that was accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// There was no `token_type`; `Bearer` is assumed.
    #[error("it does not say of which type the token is, so it counts as a bearer token")]
    NoTokenType,
    /// `expires_in` is not a number of seconds; the lifetime is unknown.
    #[error("it does not say in seconds how long the token is good")]
    UnreadableExpiry,
    /// `scope` came as an array.
    #[error("it has the scopes in an array")]
    ScopeArray,
    /// Fewer scopes were granted than asked for.
    #[error("it grants less than was asked for; missing: {}", missing.join(" "))]
    ScopeNarrowed {
        /// Those that are missing.
        missing: Vec<String>,
    },
    /// A proof of a key was sent, and the token is not bound to it.
    #[error("its token is not bound to the key of this machine")]
    NotBound,
}

/// The tokens in an answer that took this long, or why there are none. `proved` says that a proof of a key was sent.
pub(in crate::oauth) fn read(host: &str, answer: Answer, took: Duration, proved: bool) -> Result<Tokens, Error> {
    let mut members = json::object(answer.body());
    let outcome = judge(host, &answer, &members, proved);
    // Two more copies of the tokens end here; the one in the outcome wipes itself.
    if let Ok(members) = &mut members {
        members.values_mut().for_each(wipe);
    }
    let server_date = date(answer.headers());
    secret::wipe(answer.into_body());
    outcome.map(|tokens| Tokens { took, server_date, ..tokens })
}

fn wipe(value: &mut Value) {
    if let Value::String(text) = value {
        text.zeroize();
    }
}

fn judge(
    host: &str,
    answer: &Answer,
    members: &Result<Map<String, Value>, Fault>,
    proved: bool,
) -> Result<Tokens, Error> {
    let status = answer.status().as_u16();
    match (status, members) {
        // Following it would hand the code and the secret to whoever it names.
        (300..=399, _) => Err(Error::Redirected { host: host.to_owned(), status }),
        (408 | 425 | 429 | 500..=599, _) => Err(in_trouble(host, answer)),
        (_, Ok(members)) if members.get("error").is_some_and(|error| !error.is_null()) => {
            Err(refusal(host, answer, members, STANDARD))
        }
        (200..=299, Ok(members)) => success(host, members, proved),
        (_, Ok(members)) if is_oauth(members.get(OKTA.0)) => Err(refusal(host, answer, members, OKTA)),
        (401, _) => Err(Error::TokenEndpoint { host: host.to_owned(), status, code: None, description: None }),
        (_, Err(Fault::NotJson)) if !answer.body().is_empty() || answer.status().is_success() => {
            Err(Error::NotJson { host: host.to_owned(), status })
        }
        (200..=299, Err(_)) => Err(malformed(host, "it is not one plain object")),
        _ => Err(Error::Status { host: host.to_owned(), status }),
    }
}

fn in_trouble(host: &str, answer: &Answer) -> Error {
    let (status, retry_after) = (answer.status().as_u16(), retry_after(answer.headers()));
    Error::Server { host: host.to_owned(), status, retry_after }
}

fn malformed(host: &str, what: &'static str) -> Error {
    Error::Malformed { host: host.to_owned(), what }
}

/// The members that say why: those of RFC 6749 §5.2, and those that Okta's server uses before it comes to OAuth, with the
/// same codes.
const STANDARD: (&str, &str) = ("error", "error_description");
const OKTA: (&str, &str) = ("errorCode", "errorSummary");

/// Whether this is a code as OAuth has them. Okta's own (`E0000005`) are about other things.
fn is_oauth(code: Option<&Value>) -> bool {
    let is_plain = |code: &str| code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    code.and_then(Value::as_str).is_some_and(|code| !code.is_empty() && is_plain(code))
}

fn refusal(host: &str, answer: &Answer, members: &Map<String, Value>, (code, why): (&str, &str)) -> Error {
    let said = |name| json::text(members, name).map(clean);
    match json::text(members, code) {
        Some("temporarily_unavailable" | "server_error" | "slow_down") => in_trouble(host, answer),
        code => {
            let (host, status) = (host.to_owned(), answer.status().as_u16());
            let (description, wants) = (said(why), code.filter(|code| INTERACTION.contains(code)));
            match (wants, asks(members)) {
                (Some(code), Some(claims)) => Error::Interaction { host, code: code.to_owned(), description, claims },
                _ => Error::TokenEndpoint { host, status, code: code.map(clean), description },
            }
        }
    }
}

/// What the next login must carry in `claims`: an object in JSON, and not so much that an address could not hold it.
fn asks(members: &Map<String, Value>) -> Option<String> {
    let text = json::text(members, "claims").filter(|text| text.len() <= LONGEST_CLAIMS)?;
    json::object(text.as_bytes()).ok().map(|_| text.to_owned())
}

fn success(host: &str, members: &Map<String, Value>, proved: bool) -> Result<Tokens, Error> {
    let mut warnings = Vec::new();
    // A line break in a token would end the header it travels in and begin one of the server's choice.
    let access_token = json::text(members, "access_token").filter(|token| token.bytes().all(|b| b.is_ascii_graphic()));
    let access_token = access_token.ok_or_else(|| malformed(host, "it has no usable access token"))?;
    let token_type = token_type(members.get("token_type"), proved, &mut warnings)
        .ok_or_else(|| malformed(host, "its token is of a type that was not asked for"))?;
    let refresh_token = match members.get("refresh_token") {
        None | Some(Value::Null) => None,
        Some(Value::String(token)) if token.is_empty() => None,
        Some(Value::String(token)) if !token.chars().any(char::is_control) => Some(Secret::new(token)),
        Some(_) => return Err(malformed(host, "it has no usable refresh token")),
    };
    let renewal = members.get("refresh_expires_in").or_else(|| members.get("refresh_token_expires_in"));
    Ok(Tokens {
        access_token: Secret::new(access_token),
        token_type,
        refresh_token,
        expires_in: lifetime(members.get("expires_in"), &mut warnings),
        // Zero is how some servers say "no end".
        refresh_expires_in: lifetime(renewal, &mut Vec::new()).filter(|lifetime| *lifetime > 0),
        scope: scope(members.get("scope"), &mut warnings),
        id_token: json::text(members, "id_token").map(Secret::new),
        took: Duration::ZERO,
        server_date: None,
        warnings,
    })
}

/// `DPoP` counts only where a proof was sent: without a key nobody here could use such a token (RFC 9449 §5).
fn token_type(value: Option<&Value>, proved: bool, warnings: &mut Vec<Warning>) -> Option<TokenType> {
    match value {
        None | Some(Value::Null) => {
            warnings.push(Warning::NoTokenType);
            Some(TokenType::Bearer)
        }
        Some(Value::String(kind)) if kind.eq_ignore_ascii_case("bearer") => Some(TokenType::Bearer),
        Some(Value::String(kind)) if proved && kind.eq_ignore_ascii_case("dpop") => Some(TokenType::Dpop),
        Some(_) => None,
    }
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

/// Each scope; `None` for anything that names none.
fn scope(value: Option<&Value>, warnings: &mut Vec<Warning>) -> Option<Vec<String>> {
    let words: Vec<&str> = match value? {
        Value::String(text) => vec![text.as_str()],
        Value::Array(array) => {
            warnings.push(Warning::ScopeArray);
            array.iter().filter_map(Value::as_str).collect()
        }
        _ => return None,
    };
    // What cannot be a scope was not asked for, and could steer the terminal on which it is shown.
    Some(scopes(words.into_iter())).filter(|scopes| !scopes.is_empty())
}
