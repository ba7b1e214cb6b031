//! Which address is what, who may knock, and the record of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::header::{DATE, HOST, ORIGIN};
use http::{Method, StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{self, Code};
use super::control::{Control, Entry};
use super::date;
use super::faults::{Decision, Effect, Faults};
use super::params::Params;
use super::registration::media_type;
use super::state::State;
use super::{authorize, consent, metadata, page, registration, revoke, token};
use crate::backends::fake::{Place, Received, Reply};

/// Parameters whose values stay out of the record.
const SECRET: [&str; 8] =
    ["code", "code_verifier", "client_secret", "refresh_token", "token", "state", "nonce", "csrf"];

/// Answers a request and writes it down.
pub(super) fn answer(state: &Arc<State>, request: &Received) -> Reply {
    let Some(path) = knocks_properly(state, request) else {
        return answer::text(StatusCode::MISDIRECTED_REQUEST, "this is not the address it was asked for");
    };
    let (endpoint, reply) = route(state, request, &path);
    let other = state.desk.faults().answers.get(endpoint).and_then(Effect::replacement);
    let mut reply = other.unwrap_or(reply);
    let date = state.now().after(state.desk.faults().date_offset);
    answer::set(&mut reply, DATE, &date::in_http(date));
    if !endpoint.is_empty() {
        let sent =
            if endpoint == "authorize" { request.uri().query().unwrap_or_default().as_bytes() } else { request.body() };
        let form =
            endpoint == "authorize" || media_type(request).is_some_and(|media| media.ends_with("form-urlencoded"));
        state.desk.note(Entry {
            parameters: if form && !is_fake(state, endpoint) { parameters(sent) } else { BTreeMap::new() },
            endpoint: endpoint.to_owned(),
            method: request.method().to_string(),
            path,
            status: reply.status().as_u16(),
            error: reply.extensions().get::<Code>().map(|code| code.0.clone()),
        });
    }
    reply
}

/// The path, if the request names this very address. A page on a name that was re-pointed to loopback (DNS rebinding)
/// sends its own name.
fn knocks_properly(state: &State, request: &Received) -> Option<String> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let (only, none) = (hosts.next()?, hosts.next());
    let own = state.url.strip_prefix("http://")?;
    let direct = request.uri().authority().is_none() && none.is_none() && only.as_bytes() == own.as_bytes();
    direct.then(|| request.uri().path().to_owned())
}

fn route<'a>(state: &'a Arc<State>, request: &Received, path: &str) -> (&'a str, Reply) {
    const RESOURCE: &str = "/.well-known/oauth-protected-resource";
    let read = |document: Value| {
        if request.method() == Method::GET || request.method() == Method::HEAD {
            answer::json(StatusCode::OK, &document)
        } else {
            answer::wrong_method("GET, HEAD")
        }
    };
    match path {
        "/" => (
            "",
            page::index(
                &state.issuer,
                &state.mounts.iter().map(|mount| format!("{}/{}", state.url, mount.name)).collect::<Vec<_>>(),
            ),
        ),
        "/control" => ("", control(state, request)),
        // The two forms that the two standards ask for, and no third: a client that guesses finds nothing.
        "/.well-known/oauth-authorization-server/as" | "/as/.well-known/openid-configuration" => {
            ("metadata", read(metadata::server(state)))
        }
        "/as/jwks" => ("jwks", read(state.keys.set())),
        "/as/authorize" => ("authorize", authorize::answer(state, request)),
        "/as/consent" => ("consent", consent::answer(state, request)),
        "/as/token" => ("token", token::answer(state, request)),
        "/as/register" => ("register", registration::answer(state, request)),
        "/as/revoke" => ("revoke", revoke::answer(state, request)),
        "/as/introspect" => ("introspect", revoke::introspect(state, request)),
        _ => {
            if let Some(document) = path.strip_prefix(RESOURCE).and_then(|rest| metadata::resource(state, rest)) {
                ("resource metadata", read(document))
            } else if let Some(id) = path.strip_prefix("/as/register/") {
                ("client", registration::manage(state, request, id))
            } else {
                fake(state, request, path)
            }
        }
    }
}

fn is_fake(state: &State, endpoint: &str) -> bool {
    state.mounts.iter().any(|mount| mount.name == endpoint)
}

/// Hands the request to the fake that lives under the first segment, with the path as the fake sees it.
fn fake<'a>(state: &'a Arc<State>, request: &Received, path: &str) -> (&'a str, Reply) {
    let found = state.mounts.iter().find_map(|mount| {
        let rest = path.strip_prefix('/')?.strip_prefix(mount.name.as_str())?;
        (rest.is_empty() || rest.starts_with('/')).then_some((mount, rest))
    });
    let Some((mount, rest)) = found else {
        return ("", answer::text(StatusCode::NOT_FOUND, "there is nothing at this address"));
    };
    let rest = if rest.is_empty() { "/" } else { rest };
    let inner = request.uri().query().map_or_else(|| rest.to_owned(), |query| format!("{rest}?{query}"));
    let Ok(uri) = inner.parse::<Uri>() else {
        return (&mount.name, answer::text(StatusCode::BAD_REQUEST, "this request cannot be read"));
    };
    let mut inner = request.clone();
    *inner.uri_mut() = uri;
    let url = format!("{}/{}", state.url, mount.name);
    let reply = mount.fake.answer(&inner, &Place { url: &url, guard: state.as_ref() });
    (&mount.name, reply)
}

fn parameters(sent: &[u8]) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (name, value) in Params::of(sent).unwrap_or_default().iter() {
        let kept = all.entry(name.to_owned()).or_insert_with(String::new);
        if !SECRET.contains(&name) {
            *kept = format!("{kept} {value}").trim().to_owned();
        }
    }
    all
}

/// What another program may order. Unknown members are refused.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Order {
    faults: Option<Faults>,
    decision: Option<Decision>,
    expire_access_tokens: bool,
    revoke_grants: bool,
    forget_client: Option<String>,
    clear_record: bool,
}

/// `GET` shows the record, `POST` takes an order. A web page cannot send JSON here without asking first, and its
/// `Origin` gives it away; nobody answers the question.
fn control(state: &Arc<State>, request: &Received) -> Reply {
    if request.headers().contains_key(ORIGIN) || request.headers().contains_key("sec-fetch-site") {
        return answer::text(StatusCode::FORBIDDEN, "the control endpoint is not for web pages");
    }
    let control = Control(Arc::clone(state));
    if request.method() == Method::POST {
        if media_type(request).is_none_or(|media| media != "application/json") {
            return answer::text(StatusCode::UNSUPPORTED_MEDIA_TYPE, "an order is application/json");
        }
        match serde_json::from_slice::<Order>(request.body()) {
            Ok(order) => carry_out(&control, order),
            Err(error) => return answer::text(StatusCode::BAD_REQUEST, &error.to_string()),
        }
    } else if request.method() != Method::GET {
        return answer::wrong_method("GET, POST");
    }
    answer::json(StatusCode::OK, &json!({ "token_requests": control.token_requests(), "record": control.record() }))
}

fn carry_out(control: &Control, order: Order) {
    if let Some(faults) = order.faults {
        control.set(faults);
    }
    if let Some(decision) = order.decision {
        control.decide(decision);
    }
    if order.expire_access_tokens {
        control.expire_access_tokens();
    }
    if order.revoke_grants {
        control.revoke_grants();
    }
    if let Some(id) = order.forget_client {
        control.forget_client(&id);
    }
    if order.clear_record {
        control.clear_record();
    }
}
