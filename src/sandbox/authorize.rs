//! The authorization endpoint (RFC 6749 §4.1, RFC 7636, 8707, 9207; OAuth 2.1): checks the request, asks the person.
//!
//! Until client and redirect address are known to belong together, every fault is a page. Only then may an error be
//! sent to that address; otherwise the endpoint would redirect anybody anywhere (RFC 9700 §4.11).

use http::{Method, StatusCode};

use super::answer::{self, BROKEN, Refusal, bad};
use super::client::Client;
use super::faults::{Decision, ResponseIss};
use super::jwt::fingerprint;
use super::ledger::{Ask, Code};
use super::params::{Params, append};
use super::state::{DEFAULT_SCOPE, SCOPES, State, split};
use super::{consent, page, redirect};
use crate::backends::fake::{Received, Reply};

/// What cannot be told to the client, because it is not certain who that is.
const UNTRUSTED: [&str; 2] = ["client_id", "redirect_uri"];

/// `GET` with the request as the query, as a browser brings it.
pub(super) fn answer(state: &State, request: &Received) -> Reply {
    if request.method() != Method::GET {
        return answer::wrong_method("GET");
    }
    let Some(params) = Params::of(request.uri().query().unwrap_or_default().as_bytes()) else {
        return fault(StatusCode::BAD_REQUEST, "invalid_request", "the request is not form-encoded");
    };
    if UNTRUSTED.iter().any(|name| params.count(name) > 1) {
        return fault(StatusCode::BAD_REQUEST, "invalid_request", "client_id or redirect_uri was sent twice");
    }
    let Some(client) = params.one("client_id").and_then(|id| state.ledger().client(id)) else {
        return fault(StatusCode::BAD_REQUEST, "invalid_client", "no client with this client_id is registered");
    };
    let Some(address) = address(state, &client, params.one("redirect_uri")) else {
        return fault(
            StatusCode::BAD_REQUEST,
            "invalid_redirect_uri",
            "redirect_uri is not one that this client registered",
        );
    };
    let known_state = params.one("state").filter(|_| params.count("state") == 1);
    match ask(state, &client, &address, &params) {
        // OIDC Core §3.1.2.1: nothing may be shown then, and without a page nobody is logged in here.
        Ok(ask) if params.one("prompt") == Some("none") && state.desk.decision() == Decision::Ask => {
            refused(state, &address, ask.state.as_deref(), &bad("login_required", "the person must be asked"))
        }
        Ok(ask) => decide(state, request, &client, ask),
        Err(refusal) => refused(state, &address, known_state, &refusal),
    }
}

fn fault(status: StatusCode, error: &str, why: &str) -> Reply {
    answer::marked(page::fault(status, error, why), error)
}

/// The address as the request wrote it; the registered one may be left out only if there is no choice.
fn address(state: &State, client: &Client, asked: Option<&str>) -> Option<String> {
    match (asked, client.metadata.redirects.as_slice()) {
        (Some(asked), registered) => {
            let exact = state.desk.faults().exact_redirects;
            let fits = |one: &String| if exact { one == asked } else { redirect::matches(one, asked) };
            registered.iter().any(fits).then(|| asked.to_owned())
        }
        (None, [only]) => Some(only.clone()),
        (None, _) => None,
    }
}

fn ask(state: &State, client: &Client, address: &str, params: &Params) -> Result<Ask, Refusal> {
    if params.has_repeated() {
        return Err(bad("invalid_request", "a parameter was sent twice"));
    }
    for (name, error) in [
        ("request", "request_not_supported"),
        ("request_uri", "request_uri_not_supported"),
        ("registration", "registration_not_supported"),
    ] {
        if params.one(name).is_some() {
            return Err(bad(error, "request objects are not offered"));
        }
    }
    match params.one("response_type") {
        Some("code") => {}
        Some(_) => return Err(bad("unsupported_response_type", "only response_type=code is offered")),
        None => return Err(bad("invalid_request", "response_type is missing")),
    }
    if params.one("response_mode").is_some_and(|mode| mode != "query") {
        return Err(bad("invalid_request", "only response_mode=query is offered"));
    }
    let resources: Vec<String> = params.all("resource").map(str::to_owned).collect();
    if !resources.iter().all(|resource| state.knows_resource(resource)) {
        return Err(bad("invalid_target", "resource is not one of the sandbox"));
    }
    Ok(Ask {
        client: client.id.clone(),
        redirect: address.to_owned(),
        state: params.one("state").map(str::to_owned),
        challenge: challenge(params)?,
        scope: scope(state, client, params.one("scope"))?,
        resources,
        nonce: params.one("nonce").map(str::to_owned),
    })
}

/// PKCE is not optional for anybody, and `plain`, which is also the default, protects nothing (RFC 7636 §7.2).
fn challenge(params: &Params) -> Result<String, Refusal> {
    let sent = params.one("code_challenge").ok_or(bad("invalid_request", "code_challenge is missing"))?;
    if params.one("code_challenge_method") != Some("S256") {
        return Err(bad("invalid_request", "code_challenge_method must be S256"));
    }
    let form = sent.len() == 43 && sent.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if form { Ok(sent.to_owned()) } else { Err(bad("invalid_request", "code_challenge is not a SHA-256 in base64url")) }
}

fn scope(state: &State, client: &Client, asked: Option<&str>) -> Result<Vec<String>, Refusal> {
    let registered = client.metadata.scope.as_deref();
    let mut scope = match (asked, registered) {
        (Some(asked), _) => split(asked),
        (None, Some(registered)) => registered.to_vec(),
        (None, None) => split(DEFAULT_SCOPE),
    };
    let allowed =
        |one: &String| SCOPES.contains(&one.as_str()) && registered.is_none_or(|registered| registered.contains(one));
    if !scope.iter().all(allowed) {
        return Err(bad("invalid_scope", "a scope is unknown or not registered for this client"));
    }
    // OIDC Core §11: asking for offline access means nothing where no refresh token can be given.
    scope.retain(|one| client.metadata.refreshes || one != "offline_access");
    if let Some(most) = &state.desk.faults().narrow_scope {
        let most = split(most);
        scope.retain(|one| most.contains(one));
    }
    Ok(scope)
}

fn decide(state: &State, request: &Received, client: &Client, ask: Ask) -> Reply {
    match state.desk.decision() {
        Decision::Ask => consent::show(state, request, client, ask),
        Decision::Allow(user) => allowed(state, ask, &user),
        Decision::Deny => denied(state, &ask),
    }
}

/// Back to the client with a code for what this user allowed.
pub(super) fn allowed(state: &State, ask: Ask, user: &str) -> Reply {
    let Ok(code) = state.keys.random() else { return refused(state, &ask.redirect, ask.state.as_deref(), &BROKEN) };
    let location = located(state, &ask.redirect, ask.state.as_deref(), &[("code", &code)]);
    let kept = Code { ask, subject: user.to_owned(), issued: state.now(), grant: None };
    state.ledger().keep_code(fingerprint(&code), kept);
    answer::see_other(&location)
}

/// Back to the client with the person's refusal.
pub(super) fn denied(state: &State, ask: &Ask) -> Reply {
    let refusal = bad("access_denied", "the person did not allow it");
    refused(state, &ask.redirect, ask.state.as_deref(), &refusal)
}

fn refused(state: &State, address: &str, known_state: Option<&str>, refusal: &Refusal) -> Reply {
    let told = [("error", refusal.error), ("error_description", refusal.why)];
    answer::marked(answer::see_other(&located(state, address, known_state, &told)), refusal.error)
}

/// The redirect address with the outcome, the client's `state` as it came, and who is speaking (RFC 9207 §2).
fn located(state: &State, address: &str, known_state: Option<&str>, outcome: &[(&str, &str)]) -> String {
    let mut parameters = outcome.to_vec();
    parameters.extend(known_state.map(|value| ("state", value)));
    let iss = match &state.desk.faults().response_iss {
        ResponseIss::Right => Some(state.issuer.clone()),
        ResponseIss::Omitted => None,
        ResponseIss::Other(text) => Some(text.clone()),
    };
    parameters.extend(iss.as_deref().map(|issuer| ("iss", issuer)));
    append(address, &parameters)
}
