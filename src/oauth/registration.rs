//! Registering a client (RFC 7591).

use http::{Method, Request, Response, header};
use serde_json::{Map, Value, json};

use super::client::{AuthMethod, Client, Management};
use super::discovery::Server;
use super::error::Error;
use super::foreign::{clean, host, retry_after};
use super::json::{self as reader, Fault};
use super::reach::Reach;
use crate::http::{Http, Limits};
use crate::secret::Secret;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The name that the consent page shows.
    pub client_name: String,
    /// Every redirect URI that may be used, exactly.
    pub redirect_uris: Vec<String>,
    /// Scopes; empty leaves the member out, because some servers refuse scopes they do not know.
    pub scopes: Vec<String>,
}

/// Registers a native client and returns what the server made of it: its effective values count, not the wishes.
pub async fn register(http: &Http, server: &Server, registration: &Registration) -> Result<Client, Error> {
    let Some(endpoint) = &server.registration_endpoint else {
        return Err(Error::NoRegistration { issuer: server.issuer.clone() });
    };
    let host = host(endpoint);
    let method = method_to_ask_for(server)?;
    let wishes = wishes(server, registration, method);
    let sent: Vec<&'static str> = wishes.iter().map(|(name, _)| *name).collect();
    let body: Map<String, Value> = wishes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let request = Request::builder()
        .method(Method::POST)
        .uri(endpoint.as_str())
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json")
        .body(Value::Object(body).to_string().into_bytes())
        .map_err(|_| Error::Unusable { what: "registration_endpoint" })?;
    let answer = http.send(request, Limits::TOKEN).await?;
    let members = accepted(&host, &answer, sent)?;
    let client = read(&members, &registration.redirect_uris, &host, server.reach)?;
    Ok(Client { scopes: Some(registration.scopes.clone()), ..client })
}

/// `none`, which is what a native client is, unless the server lists ways and this is not among them.
fn method_to_ask_for(server: &Server) -> Result<AuthMethod, Error> {
    let Some(listed) = &server.auth_methods else { return Ok(AuthMethod::None) };
    [AuthMethod::None, AuthMethod::Basic, AuthMethod::Post]
        .into_iter()
        .find(|method| listed.iter().any(|name| name == method.name()))
        .ok_or_else(|| Error::NoAuthMethod { issuer: server.issuer.clone() })
}

/// The grant type of a device login (RFC 8628 §3.4).
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

fn wishes(server: &Server, registration: &Registration, method: AuthMethod) -> Vec<(&'static str, Value)> {
    let mut grant_types = vec!["authorization_code", "refresh_token"];
    // The registration serves later logins, too, and the next one may have no browser.
    grant_types.extend(Some(DEVICE).filter(|device| server.lists_grant(device)));
    let mut members = vec![
        ("client_name", json!(registration.client_name)),
        ("redirect_uris", json!(registration.redirect_uris)),
        ("grant_types", json!(grant_types)),
        ("response_types", json!(["code"])),
        ("token_endpoint_auth_method", json!(method.name())),
        ("application_type", json!("native")),
    ];
    if !registration.scopes.is_empty() {
        members.push(("scope", json!(registration.scopes.join(" "))));
    }
    members
}

fn accepted(host: &str, answer: &Response<Vec<u8>>, sent: Vec<&'static str>) -> Result<Map<String, Value>, Error> {
    let (host, status) = (host.to_owned(), answer.status().as_u16());
    let members = reader::object(answer.body());
    match status {
        200..=299 => members.map_err(|fault| match fault {
            Fault::NotJson => Error::NotJson { host, status },
            Fault::Unusable => Error::Malformed { host, what: "the registration is not one plain object" },
        }),
        300..=399 => Err(Error::Redirected { host, status }),
        408 | 425 | 429 | 500..=599 => Err(Error::Server { host, status, retry_after: retry_after(answer.headers()) }),
        404 | 405 => Err(Error::Status { host, status }),
        _ => {
            let members = members.unwrap_or_default();
            let said = |name| reader::text(&members, name).map(clean);
            let (code, description) = (said("error"), said("error_description"));
            Err(Error::Registration { host, status, code, description, sent })
        }
    }
}

/// The client that a record describes, if it is the one that was asked for.
pub(super) fn read(members: &Map<String, Value>, asked: &[String], host: &str, reach: Reach) -> Result<Client, Error> {
    let malformed = |what| Error::Malformed { host: host.to_owned(), what };
    let id = reader::text(members, "client_id").filter(|id| id.len() <= 4096 && id.bytes().all(is_visible));
    let id = id.ok_or_else(|| malformed("the registration has no usable client id"))?;
    // A server that puts other redirect URIs in place of ours would have the code sent to them.
    let redirect_uris = match reader::texts(members, "redirect_uris") {
        Some(effective) if asked.iter().any(|wish| !effective.contains(wish)) => {
            return Err(Error::RegistrationAltered { host: host.to_owned(), field: "redirect_uris" });
        }
        Some(effective) => effective,
        None => asked.to_vec(),
    };
    // An empty secret is none.
    let secret = reader::text(members, "client_secret");
    if secret.is_some_and(|secret| secret.len() > 4096 || !secret.bytes().all(is_visible)) {
        return Err(malformed("the registration has no usable client secret"));
    }
    let method = match (secret, reader::text(members, "token_endpoint_auth_method").map(AuthMethod::of_name)) {
        // A key of ours was not part of the request.
        (_, Some(None | Some(AuthMethod::PrivateKeyJwt))) => {
            return Err(Error::RegistrationAltered { host: host.to_owned(), field: "token_endpoint_auth_method" });
        }
        (None, _) | (Some(_), Some(Some(AuthMethod::None))) => AuthMethod::None,
        (Some(_), Some(Some(method))) => method,
        // The default of RFC 7591 §2.
        (Some(_), None) => AuthMethod::Basic,
    };
    let secret = secret.filter(|_| method != AuthMethod::None).map(Secret::new);
    let expiry = members.get("client_secret_expires_at").and_then(Value::as_i64).filter(|expiry| *expiry > 0);
    Ok(Client {
        id: id.to_owned(),
        secret_expires_at: expiry.filter(|_| secret.is_some()),
        secret,
        key: None,
        method,
        redirect_uris,
        scopes: None,
        bound: reader::flag(members, "dpop_bound_access_tokens"),
        registration: management(members, reach),
    })
}

/// Optional, so that an unusable address only means that the registration cannot be managed.
fn management(members: &Map<String, Value>, reach: Reach) -> Option<Management> {
    let uri = reach.check("registration_client_uri", reader::text(members, "registration_client_uri")?).ok()?;
    let token = reader::text(members, "registration_access_token").filter(|token| token.bytes().all(is_visible))?;
    Some(Management { uri, token: Secret::new(token) })
}

fn is_visible(byte: u8) -> bool {
    (0x20..=0x7e).contains(&byte)
}

#[cfg(test)]
mod tests;
