//! Registration of clients and its management (RFC 7591, RFC 7592).
//!
//! Unknown members are ignored and unknown grant types and scopes are left out: the answer says what counts.

use http::header::AUTHORIZATION;
use http::{Method as Verb, StatusCode};
use serde_json::{Map, Value, json};

use super::answer::{self, BROKEN, Refusal, bad, unknown_client};
use super::client::{Client, GRANTS, Metadata, Method};
use super::state::{State, joined, split};
use super::{dialect, jose, redirect};
use crate::backends::fake::{Received, Reply};
use crate::secret::Secret;

const MOST_REDIRECTS: usize = 20;
const LONGEST_NAME: usize = 200;
const MOST_KEYS: usize = 10;
/// Written by the server only; a client that sends one back in an update did not read RFC 7592 §2.2.
const SERVERS_OWN: [&str; 4] =
    ["registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"];

/// `POST` registers.
pub(super) fn answer(state: &State, request: &Received) -> Reply {
    if request.method() != Verb::POST {
        return answer::wrong_method("POST");
    }
    let sent = body(request).and_then(|metadata| dialect::registrable(state, request, &metadata).map(|()| metadata));
    match sent.and_then(|metadata| register(state, &metadata)) {
        Ok(record) => answer::json(StatusCode::CREATED, &record),
        Err(refusal) => refusal.reply(),
    }
}

/// Registers a client; its record with the secrets.
pub(super) fn register(state: &State, metadata: &Value) -> Result<Value, Refusal> {
    let metadata = read(state, metadata)?;
    let random = || state.keys.random().map_err(|_| BROKEN);
    let (id, management) = (random()?, random()?);
    let secret = if needs_secret(metadata.method) { Some(random()?) } else { None };
    let client = Client {
        id,
        issued: state.now(),
        secret: secret.as_deref().map(Secret::new),
        management: Some(Secret::new(management.as_str())),
        metadata,
    };
    let mut record = describe(state, &client);
    add_secrets(&mut record, secret, Some(management));
    if state.ledger().keep_client(client) {
        Ok(Value::Object(record))
    } else {
        Err(Refusal {
            status: StatusCode::TOO_MANY_REQUESTS,
            error: "temporarily_unavailable",
            why: "too many clients",
        })
    }
}

/// The client's own record: `GET` reads, `PUT` replaces, `DELETE` forgets it with all its grants.
pub(super) fn manage(state: &State, request: &Received, id: &str) -> Reply {
    let outcome = match allowed(state, request, id) {
        Err(refusal) => Err(refusal),
        Ok(client) => match *request.method() {
            Verb::GET => Ok(answer::json(StatusCode::OK, &Value::Object(describe(state, &client)))),
            Verb::PUT => body(request).and_then(|metadata| replace(state, client, &metadata)),
            Verb::DELETE => {
                state.ledger().forget_client(id);
                Ok(answer::empty(StatusCode::NO_CONTENT))
            }
            _ => Ok(answer::wrong_method("GET, PUT, DELETE")),
        },
    };
    outcome.unwrap_or_else(|refusal| refusal.reply())
}

/// The client, if the request carries its management token. A forgotten client and a wrong token look the same.
fn allowed(state: &State, request: &Received, id: &str) -> Result<Client, Refusal> {
    const WRONG: Refusal = Refusal { error: "invalid_token", ..unknown_client("no valid registration access token") };
    let client = state.ledger().client(id).ok_or(WRONG)?;
    let token = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(bearer);
    let own = |token: &str| client.management.as_ref().is_some_and(|management| management.matches(token));
    if token.is_some_and(own) { Ok(client) } else { Err(WRONG) }
}

/// The token of a Bearer header.
pub(super) fn bearer(value: &str) -> Option<&str> {
    value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim())
}

fn replace(state: &State, mut client: Client, sent: &Value) -> Result<Reply, Refusal> {
    let text = |name: &str| sent.get(name).and_then(Value::as_str);
    if text("client_id") != Some(&client.id) || SERVERS_OWN.iter().any(|name| sent.get(name).is_some()) {
        return Err(bad(
            "invalid_client_metadata",
            "client_id must be there, and the members only the server writes must not",
        ));
    }
    let same = |secret: &Secret| text("client_secret").is_none_or(|sent| secret.matches(sent));
    if !client.secret.as_ref().map_or_else(|| text("client_secret").is_none(), same) {
        return Err(bad("invalid_client_metadata", "client_secret cannot be chosen"));
    }
    client.metadata = read(state, sent)?;
    let mut fresh = None;
    match (client.metadata.method, &client.secret) {
        (method, _) if !needs_secret(method) => client.secret = None,
        (_, None) => {
            let secret = state.keys.random().map_err(|_| BROKEN)?;
            client.secret = Some(Secret::new(secret.as_str()));
            fresh = Some(secret);
        }
        (_, Some(_)) => {}
    }
    let mut record = describe(state, &client);
    add_secrets(&mut record, fresh, None);
    state.ledger().keep_client(client);
    Ok(answer::json(StatusCode::OK, &Value::Object(record)))
}

fn needs_secret(method: Method) -> bool {
    matches!(method, Method::Basic | Method::Post)
}

fn body(request: &Received) -> Result<Value, Refusal> {
    let json = media_type(request).is_some_and(|media| media == "application/json");
    let object = serde_json::from_slice(request.body()).ok().filter(|value: &Value| json && value.is_object());
    object.ok_or(bad("invalid_client_metadata", "the body is not a JSON object sent as application/json"))
}

/// The request's media type without its parameters, in lower case.
pub(super) fn media_type(request: &Received) -> Option<String> {
    let value = request.headers().get(http::header::CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(|media| media.trim().to_ascii_lowercase())
}

/// What a client says about itself, if it can be used.
pub(super) fn read(state: &State, sent: &Value) -> Result<Metadata, Refusal> {
    const FORM: Refusal = bad("invalid_client_metadata", "a member is not of its form");
    let text = |name: &str| match sent.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(FORM),
    };
    let list = |name: &str| match sent.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(items)) => items.iter().map(Value::as_str).collect::<Option<Vec<_>>>().map(Some).ok_or(FORM),
        Some(_) => Err(FORM),
    };
    let method = text("token_endpoint_auth_method")?.unwrap_or(Method::Basic.word());
    let method = Method::ALL.into_iter().find(|known| known.word() == method);
    let method = method.ok_or(bad("invalid_client_metadata", "unknown token_endpoint_auth_method"))?;
    let asked = list("grant_types")?.unwrap_or_else(|| vec!["authorization_code"]);
    let grants: Vec<&str> = GRANTS.into_iter().filter(|known| asked.contains(known)).collect();
    let name = text("client_name")?.map(str::to_owned);
    if name.as_ref().is_some_and(|name| name.chars().count() > LONGEST_NAME) {
        return Err(bad("invalid_client_metadata", "client_name is too long"));
    }
    let codes = grants.contains(&"authorization_code");
    let responses = list("response_types")?.unwrap_or_else(|| if codes { vec!["code"] } else { Vec::new() });
    if codes != responses.contains(&"code") || grants.iter().all(|grant| *grant == "refresh_token") {
        return Err(bad("invalid_client_metadata", "grant_types and response_types are not offered like this"));
    }
    if method == Method::None && grants.contains(&"client_credentials") {
        return Err(bad("invalid_client_metadata", "a client without credentials has none to use as a grant"));
    }
    let scope =
        text("scope")?.map(|scope| split(scope).into_iter().filter(|one| state.knows_scope(one)).collect::<Vec<_>>());
    Ok(Metadata {
        name,
        redirects: if codes { redirects(list("redirect_uris")?)? } else { Vec::new() },
        method,
        grants,
        scope: scope.filter(|scope| !scope.is_empty()),
        application: text("application_type")?.map(str::to_owned),
        keys: keys(sent, method)?,
        logouts: match list("post_logout_redirect_uris")? {
            Some(sent) if !sent.is_empty() => redirects(Some(sent))?,
            _ => Vec::new(),
        },
        proves: sent.get("dpop_bound_access_tokens") == Some(&Value::Bool(true)),
    })
}

/// The public keys of a client that proves itself with one. A private one would be in the wrong hands here.
fn keys(sent: &Value, method: Method) -> Result<Option<Value>, Refusal> {
    let listed = sent.get("jwks").and_then(|set| set.get("keys")).and_then(Value::as_array);
    match (listed, method) {
        (Some(keys), _) if (1..=MOST_KEYS).contains(&keys.len()) && keys.iter().all(jose::is_public) => {
            Ok(sent.get("jwks").cloned())
        }
        (Some(_), _) => Err(bad("invalid_client_metadata", "jwks must hold public keys only, and not too many")),
        (None, Method::Key) => {
            Err(bad("invalid_client_metadata", "private_key_jwt needs jwks; jwks_uri is not fetched"))
        }
        (None, _) => Ok(None),
    }
}

fn redirects(sent: Option<Vec<&str>>) -> Result<Vec<String>, Refusal> {
    let sent = sent.unwrap_or_default();
    if sent.is_empty() || sent.len() > MOST_REDIRECTS || !sent.iter().all(|uri| redirect::may_be_registered(uri)) {
        return Err(bad(
            "invalid_redirect_uri",
            "redirect_uris must be https, or http on this machine, without a fragment",
        ));
    }
    Ok(sent.into_iter().map(str::to_owned).collect())
}

fn describe(state: &State, client: &Client) -> Map<String, Value> {
    let Metadata { name, redirects, method, grants, scope, application, keys, logouts, proves } = &client.metadata;
    let mut record = Map::new();
    let mut put = |name: &str, value: Value| drop(record.insert(name.to_owned(), value));
    put("client_id", json!(client.id));
    put("client_id_issued_at", json!(client.issued));
    if let Some(endpoint) = state.at("register").filter(|_| client.management.is_some()) {
        put("registration_client_uri", json!(format!("{endpoint}/{}", client.id)));
    }
    if !redirects.is_empty() {
        put("redirect_uris", json!(redirects));
    }
    put("token_endpoint_auth_method", json!(method.word()));
    put("grant_types", json!(grants));
    put("response_types", if grants.contains(&"authorization_code") { json!(["code"]) } else { json!([]) });
    for (name, value) in [
        ("client_name", name.as_ref().map(|name| json!(name))),
        ("scope", scope.as_ref().map(|scope| json!(joined(scope)))),
        ("application_type", application.as_ref().map(|application| json!(application))),
        ("jwks", keys.clone()),
        ("post_logout_redirect_uris", Some(json!(logouts)).filter(|_| !logouts.is_empty())),
        ("dpop_bound_access_tokens", proves.then_some(Value::Bool(true))),
    ] {
        if let Some(value) = value {
            put(name, value);
        }
    }
    record
}

fn add_secrets(record: &mut Map<String, Value>, secret: Option<String>, management: Option<String>) {
    if let Some(secret) = secret {
        record.insert("client_secret".to_owned(), json!(secret));
        record.insert("client_secret_expires_at".to_owned(), json!(0));
    }
    if let Some(management) = management {
        record.insert("registration_access_token".to_owned(), json!(management));
    }
}
