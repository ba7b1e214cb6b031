//! Which address is what, who may knock, and the record of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::header::{DATE, HOST, ORIGIN};
use http::{HeaderName, Method, StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{self, Code};
use super::control::{Control, Entry};
use super::faults::{Decision, Faults};
use super::params::Params;
use super::registration::media_type;
use super::state::State;
use super::{
    authorize, consent, date, device, dialect, dpop, logout, metadata, page, par, registration, revoke, token, userinfo,
};
use crate::backends::fake::{Place, Received, Reply};

/// Parameters whose values stay out of the record.
const SECRET: [&str; 18] = [
    "assertion",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "csrf",
    "device_code",
    "id_token_hint",
    "nonce",
    "password",
    "refresh_token",
    "request",
    "request_uri",
    "state",
    "subject_token",
    "ticket",
    "token",
    "user_code",
];
/// Endpoints whose parameters are in the address when a browser asks.
const IN_ADDRESS: [&str; 3] = ["authorize", "device", "end_session"];
/// Endpoints and resources that take proofs of possession have a nonce in every answer while proofs need one.
const PROVING: [&str; 4] = ["token", "par", "device_authorization", "userinfo"];

/// Answers a request and writes it down. The first of the servers is the sandbox's own.
pub(super) fn answer(servers: &[Arc<State>], request: &Received) -> Reply {
    let Some(own) = servers.first() else { return answer::empty(StatusCode::INTERNAL_SERVER_ERROR) };
    let Some(path) = knocks_properly(own, request) else {
        return answer::text(StatusCode::MISDIRECTED_REQUEST, "this is not the address it was asked for");
    };
    let found = servers.iter().find_map(|state| Some((state, route(state, request, &path)?)));
    let Some((state, (endpoint, reply))) = found else {
        let reply = if path == "/" { index(own) } else { nothing() };
        return dated(own, reply);
    };
    let reply = dialect::spoken(state, request, endpoint, reply);
    let reply = match state.desk.faults().answers.get(endpoint) {
        Some(effect) => effect.replacement().unwrap_or_else(|| effect.edited(reply)),
        None => reply,
    };
    let mut reply = dated(state, reply);
    if let Some(nonce) = dpop::nonce(state).filter(|_| PROVING.contains(&endpoint) || is_fake(state, endpoint)) {
        answer::set(&mut reply, HeaderName::from_static("dpop-nonce"), &nonce);
    }
    if !endpoint.is_empty() {
        state.desk.note(Entry {
            parameters: parameters(state, endpoint, request),
            endpoint: endpoint.to_owned(),
            method: request.method().to_string(),
            path,
            status: reply.status().as_u16(),
            error: reply.extensions().get::<Code>().map(|code| code.0.clone()),
        });
    }
    reply
}

fn dated(state: &State, mut reply: Reply) -> Reply {
    let date = state.now().after(state.desk.faults().date_offset);
    answer::set(&mut reply, DATE, &date::in_http(date));
    reply
}

fn index(own: &State) -> Reply {
    let fakes: Vec<String> = own.mounts.iter().map(|mount| own.place(mount)).collect();
    page::index(&own.issuer, &fakes)
}

fn nothing() -> Reply {
    answer::text(StatusCode::NOT_FOUND, "there is nothing at this address")
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

/// Who answers at this path, by the name for the record, if it is one of this server's.
fn route<'a>(state: &'a Arc<State>, request: &Received, path: &str) -> Option<(&'a str, Reply)> {
    const RESOURCE: &str = "/.well-known/oauth-protected-resource";
    let read = |document: &Value| {
        if request.method() == Method::GET || request.method() == Method::HEAD {
            answer::json(StatusCode::OK, document)
        } else {
            answer::wrong_method("GET, HEAD")
        }
    };
    // The forms that the standards or the provider ask for, and no other: a client that guesses finds nothing.
    if let Some(document) = metadata::at(state, path) {
        return Some(("metadata", read(&document)));
    }
    if let Some(document) = path.strip_prefix(RESOURCE).and_then(|rest| metadata::resource(state, rest)) {
        return Some(("resource metadata", read(&document)));
    }
    let rest = path.strip_prefix(state.root.strip_prefix(&state.url)?)?;
    if rest == "/control" {
        return Some(("", control(state, request)));
    }
    let Some(endpoint) = endpoint(state, path) else {
        let prefix = state.at("register").and_then(|url| Some(format!("{}/", url.strip_prefix(&state.url)?)));
        if let Some(id) = prefix.and_then(|prefix| path.strip_prefix(&prefix)) {
            return Some(("client", registration::manage(state, request, id)));
        }
        return fake(state, request, rest);
    };
    let reply = match endpoint {
        "authorize" => authorize::answer(state, request),
        "par" => par::answer(state, request),
        "device_authorization" => device::answer(state, request),
        "device" => device::page(state, request),
        "consent" => consent::answer(state, request),
        "token" => token::answer(state, request),
        "register" => registration::answer(state, request),
        "revoke" => revoke::answer(state, request),
        "introspect" => revoke::introspect(state, request),
        "userinfo" => userinfo::answer(state, request),
        "end_session" => logout::answer(state, request),
        _ => read(&state.keys.set()),
    };
    Some((endpoint, reply))
}

/// The endpoint at this path, by its name for the record.
fn endpoint(state: &State, path: &str) -> Option<&'static str> {
    let rest = path.strip_prefix(state.path())?;
    if rest == "/consent" {
        return Some("consent");
    }
    let inside = match state.profile.tenants {
        [] => rest,
        tenants => tenants.iter().find_map(|tenant| rest.strip_prefix('/')?.strip_prefix(tenant))?,
    };
    state.profile.paths.iter().find(|(_, known)| *known == inside).map(|(name, _)| *name)
}

fn is_fake(state: &State, endpoint: &str) -> bool {
    state.mounts.iter().any(|mount| mount.name == endpoint)
}

/// Hands the request to the fake that lives there, with the path as the fake sees it.
fn fake<'a>(state: &'a Arc<State>, request: &Received, path: &str) -> Option<(&'a str, Reply)> {
    let (mount, rest) = state.mounts.iter().find_map(|mount| {
        let place = state.place(mount);
        let rest = path.strip_prefix(place.strip_prefix(&state.root)?)?;
        (rest.is_empty() || rest.starts_with('/')).then_some((mount, rest))
    })?;
    let rest = if rest.is_empty() { "/" } else { rest };
    let inner = request.uri().query().map_or_else(|| rest.to_owned(), |query| format!("{rest}?{query}"));
    let Ok(uri) = inner.parse::<Uri>() else {
        return Some((&mount.name, answer::text(StatusCode::BAD_REQUEST, "this request cannot be read")));
    };
    let mut inner = request.clone();
    *inner.uri_mut() = uri;
    let url = state.place(mount);
    let reply = mount.fake.answer(&inner, &Place { url: &url, guard: state.as_ref() });
    Some((&mount.name, reply))
}

/// What an OAuth request said, without its secrets.
fn parameters(state: &State, endpoint: &str, request: &Received) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let form = media_type(request).is_some_and(|media| media.ends_with("form-urlencoded"));
    let sent = match IN_ADDRESS.contains(&endpoint) && request.method() == Method::GET {
        true => request.uri().query().unwrap_or_default().as_bytes(),
        false if form && !is_fake(state, endpoint) => request.body(),
        false => &[],
    };
    for (name, value) in Params::of(sent).unwrap_or_default().iter() {
        let kept = all.entry(name.to_owned()).or_insert_with(String::new);
        if !SECRET.contains(&name) {
            *kept = format!("{kept} {value}").trim().to_owned();
        }
    }
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    all.extend(header("dpop").map(|_| ("(dpop)".to_owned(), String::new())));
    // Only a known scheme: the value of a broken header could be anything.
    let scheme = header("authorization").and_then(|value| value.split(' ').next());
    let scheme = scheme.filter(|scheme| ["Basic", "Bearer", "DPoP"].contains(scheme));
    all.extend(scheme.map(|scheme| ("(authorization)".to_owned(), scheme.to_owned())));
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
    device: Option<DeviceOrder>,
    roll_key: bool,
    documents: BTreeMap<String, Value>,
    clear_record: bool,
}

/// The person's answer to a device.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceOrder {
    user_code: String,
    decision: Decision,
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
    if let Some(device) = order.device {
        control.decide_device(&device.user_code, &device.decision);
    }
    if order.roll_key {
        control.roll_key();
    }
    for (address, document) in order.documents {
        control.serve_document(&address, document);
    }
    if order.clear_record {
        control.clear_record();
    }
}
