//! Pushed authorization requests (RFC 9126): the request is left at the server, and the browser carries only a reference.

use serde_json::{Map, Value};

use super::attempt::Attempt;
use super::discovery::Server;
use super::endpoint::{Answer, Endpoint};
use super::error::Error;
use super::foreign::{clean, host, retry_after};
use super::json::{self, Fault};
use super::response;
use crate::http::Http;

/// Leaves the attempt's request at the server, at `now` (seconds since 1970). Afterwards the address for the browser
/// holds the client id and a reference that is good once and for a short time; another push makes another.
pub async fn push(http: &Http, server: &Server, attempt: Attempt, now: i64) -> Result<Attempt, Error> {
    let Some(url) = &server.pushed_authorization_request_endpoint else {
        let issuer = server.issuer.clone();
        return Err(Error::Malformed { host: issuer, what: "it names no endpoint for pushed requests" });
    };
    let endpoint = Endpoint { http, url, client: &attempt.client, issuer: &server.issuer, now, proof: None };
    let form: Vec<(&str, &str)> =
        attempt.parameters().iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let (reference, lifetime) = endpoint.post(&form, |answer| read(&host(url), &answer)).await?;
    Ok(attempt.by_reference(&reference, now.saturating_add(lifetime)))
}

/// The reference and the seconds it is good for (§2.2), or what the server minds (§2.3).
fn read(host: &str, answer: &Answer) -> Result<(String, i64), Error> {
    let (host, status) = (host.to_owned(), answer.status().as_u16());
    match (status, json::object(answer.body())) {
        (300..=399, _) => Err(Error::Redirected { host, status }),
        (408 | 425 | 429 | 500..=599, _) => {
            Err(Error::Server { host, status, retry_after: retry_after(answer.headers()) })
        }
        (200..=299, Ok(members)) => {
            reference(&members).ok_or(Error::Malformed { host, what: "it has no usable reference to the request" })
        }
        (_, Ok(members)) if json::text(&members, "error").is_some() => Err(refusal(host, status, &members)),
        (401, _) => Err(Error::TokenEndpoint { host, status, code: None, description: None }),
        (_, Err(Fault::NotJson)) if !answer.body().is_empty() => Err(Error::NotJson { host, status }),
        (200..=299, Err(_)) => Err(Error::Malformed { host, what: "it is not one plain object" }),
        _ => Err(Error::Status { host, status }),
    }
}

fn reference(members: &Map<String, Value>) -> Option<(String, i64)> {
    const LONGEST: usize = 2048;
    const LONGEST_LIFE: i64 = 24 * 3600;
    // It goes into the address for the browser and nowhere else; nobody here asks what kind of address it is.
    let reference = json::text(members, "request_uri")?;
    let plain = reference.len() <= LONGEST && reference.bytes().all(|byte| byte.is_ascii_graphic());
    let lifetime = members.get("expires_in").and_then(Value::as_i64).filter(|lifetime| *lifetime > 0)?;
    plain.then(|| (reference.to_owned(), lifetime.min(LONGEST_LIFE)))
}

/// The codes of both endpoints (§2.3): who asks is the token endpoint's matter, what is asked for the authorization
/// endpoint's.
fn refusal(host: String, status: u16, members: &Map<String, Value>) -> Error {
    let said = |name| json::text(members, name).map(clean);
    match json::text(members, "error").unwrap_or_default() {
        "invalid_client" | "use_dpop_nonce" | "invalid_dpop_proof" => {
            Error::TokenEndpoint { host, status, code: said("error"), description: said("error_description") }
        }
        code => response::refusal(code, json::text(members, "error_description")),
    }
}

#[cfg(test)]
mod tests;
