//! The authorization endpoint (RFC 6749 §4.1, RFC 7636, 8707, 9207; OAuth 2.1): checks the request, asks the person.
//!
//! Until client and redirect address are known to belong together, every fault is a page. Only then may an error be
//! sent to that address; otherwise the endpoint would redirect anybody anywhere (RFC 9700 §4.11).

use http::{Method, StatusCode};

use super::answer::{self, BROKEN, Refusal, bad};
use super::client::Client;
use super::dialect::{self, words};
use super::faults::{Decision, ResponseIss};
use super::jwt::fingerprint;
use super::ledger::{Ask, Code, Matter};
use super::params::{Params, append};
use super::providers::{Dialect, Redirects, Renewal};
use super::state::{State, split};
use super::{consent, document, page, par, redirect, target};
use crate::backends::fake::{Received, Reply};

/// What cannot be told to the client, because it is not certain who that is.
const UNTRUSTED: [&str; 3] = ["client_id", "redirect_uri", "request_uri"];

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
    let client = match params.one("client_id").map(|id| document::client(state, id)) {
        Some(Ok(client)) => client,
        Some(Err(refusal)) => return fault(StatusCode::BAD_REQUEST, refusal.error, &words(state, &refusal)),
        None => return fault(StatusCode::BAD_REQUEST, "invalid_client", "client_id is missing"),
    };
    let pushes = params.count("request_uri") > 0 && state.at("par").is_some();
    let (params, jkt) = match pushes.then(|| par::take(state, &client, &params)) {
        None => (params, None),
        Some(Ok(pushed)) => pushed,
        Some(Err(refusal)) => return fault(StatusCode::BAD_REQUEST, refusal.error, refusal.why),
    };
    let Some(address) = address(state, &client, params.one("redirect_uri")) else {
        let refusal = bad("invalid_redirect_uri", "redirect_uri is not one that this client registered");
        return fault(StatusCode::BAD_REQUEST, refusal.error, &words(state, &refusal));
    };
    let known_state = params.one("state").filter(|_| params.count("state") == 1);
    let must_push = state.desk.faults().require_par;
    let asked = match must_push && !pushes {
        true => Err(bad("invalid_request", "authorization requests must be pushed first")),
        false => ask(state, &client, &address, &params),
    };
    let asked = asked.and_then(|mut ask| bind(&mut ask, jkt.as_deref()).map(|()| ask));
    match asked {
        // OIDC Core §3.1.2.1: nothing may be shown then, and without a page nobody is logged in here.
        Ok(ask) if params.one("prompt") == Some("none") && state.desk.decision() == Decision::Ask => {
            refused(state, &address, ask.state.as_deref(), &bad("login_required", "the person must be asked"))
        }
        Ok(ask) => decide(state, request, &client, ask),
        // Google tells the person and not the client which scope it does not know.
        Err(refusal) if state.profile.dialect == Dialect::Google && refusal.error == "invalid_scope" => {
            fault(refusal.status, refusal.error, &words(state, &refusal))
        }
        Err(refusal) => refused(state, &address, known_state, &refusal),
    }
}

/// Binds a request to the key of a proof; a `dpop_jkt` that names another one is a contradiction (RFC 9449 §10.1).
pub(super) fn bind(ask: &mut Ask, jkt: Option<&str>) -> Result<(), Refusal> {
    let Some(jkt) = jkt else { return Ok(()) };
    if ask.jkt.as_ref().is_some_and(|named| named != jkt) {
        return Err(bad("invalid_dpop_proof", "dpop_jkt is not the key of the proof"));
    }
    ask.jkt = Some(jkt.to_owned());
    Ok(())
}

fn fault(status: StatusCode, error: &str, why: &str) -> Reply {
    answer::marked(page::fault(status, error, why), error)
}

/// The address as the request wrote it; the registered one may be left out only if there is no choice.
pub(super) fn address(state: &State, client: &Client, asked: Option<&str>) -> Option<String> {
    match (asked, client.metadata.redirects.as_slice()) {
        (Some(asked), registered) => {
            let rule = if state.desk.faults().exact_redirects { Redirects::Exact } else { state.profile.redirects };
            registered.iter().any(|one| redirect::fits(rule, one, asked)).then(|| asked.to_owned())
        }
        (None, [only]) => Some(only.clone()),
        (None, _) => None,
    }
}

/// What a request asks for, if all of it is in order.
pub(super) fn ask(state: &State, client: &Client, address: &str, params: &Params) -> Result<Ask, Refusal> {
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
    let scope = scope(state, client, params.one("scope"))?;
    let jkt = params.one("dpop_jkt").map(str::to_owned);
    if jkt.as_ref().is_some_and(|jkt| !is_fingerprint(jkt)) {
        return Err(bad("invalid_request", "dpop_jkt is not a SHA-256 in base64url"));
    }
    Ok(Ask {
        client: client.id.clone(),
        redirect: address.to_owned(),
        state: params.one("state").map(str::to_owned),
        challenge: challenge(state, params)?,
        resources: target::asked(state, params, &scope)?,
        renews: renews(state, client, params, &scope),
        scope,
        nonce: params.one("nonce").map(str::to_owned),
        jkt,
        asks_again: params.one("prompt").is_some_and(|prompt| prompt.split(' ').any(|one| one == "consent")),
        acr: acr(state, params),
    })
}

/// How strongly the person is to log in. Whoever asks gets it: there is no password to be strong.
fn acr(state: &State, params: &Params) -> Option<String> {
    let asked = params.one("acr_values").and_then(|all| all.split(' ').next()).map(str::to_owned);
    asked.or_else(|| dialect::acr(state, params))
}

/// Whether this login may be renewed, by the rules of the provider; for Google the person's history counts, too.
pub(super) fn renews(state: &State, client: &Client, params: &Params, scope: &[String]) -> bool {
    client.metadata.may("refresh_token")
        && match state.profile.renewal {
            Renewal::Registered => true,
            Renewal::OfflineScope => scope.iter().any(|one| one == "offline_access"),
            Renewal::AccessType => params.one("access_type") == Some("offline"),
        }
}

/// PKCE is not optional for anybody, and `plain`, which is also the default, protects nothing (RFC 7636 §7.2).
/// `None` only at a provider that does without.
fn challenge(state: &State, params: &Params) -> Result<Option<String>, Refusal> {
    let Some(sent) = params.one("code_challenge") else {
        return match state.profile.pkce {
            true => Err(bad("invalid_request", "code_challenge is missing")),
            false => Ok(None),
        };
    };
    if params.one("code_challenge_method") != Some("S256") {
        return Err(bad("invalid_request", "code_challenge_method must be S256"));
    }
    match is_fingerprint(sent) {
        true => Ok(Some(sent.to_owned())),
        false => Err(bad("invalid_request", "code_challenge is not a SHA-256 in base64url")),
    }
}

fn is_fingerprint(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// The scopes that a client may be given of those it asked for.
pub(super) fn scope(state: &State, client: &Client, asked: Option<&str>) -> Result<Vec<String>, Refusal> {
    let registered = client.metadata.scope.as_deref();
    let mut scope = match (asked, registered) {
        (Some(asked), _) => target::scopes(state, asked),
        (None, Some(registered)) => registered.to_vec(),
        (None, None) => split(state.profile.needs),
    };
    let allowed =
        |one: &String| target::knows_scope(state, one) && registered.is_none_or(|registered| registered.contains(one));
    if !scope.iter().all(allowed) {
        return Err(bad("invalid_scope", "a scope is unknown or not registered for this client"));
    }
    // OIDC Core §11: asking for offline access means nothing where no refresh token can be given.
    scope.retain(|one| client.metadata.may("refresh_token") || one != "offline_access");
    if let Some(most) = &state.desk.faults().narrow_scope {
        let most = split(most);
        scope.retain(|one| most.contains(one));
    }
    Ok(scope)
}

fn decide(state: &State, request: &Received, client: &Client, ask: Ask) -> Reply {
    match state.desk.decision() {
        Decision::Ask => consent::show(state, request, client, Matter::Login(ask)),
        Decision::Allow(user) => allowed(state, ask, &user),
        Decision::Deny => denied(state, &ask),
    }
}

/// Back to the client with a code for what this user allowed.
pub(super) fn allowed(state: &State, mut ask: Ask, user: &str) -> Reply {
    if let Some(refusal) = dialect::unwelcome(state, user) {
        return refused(state, &ask.redirect, ask.state.as_deref(), &refusal);
    }
    let first = state.ledger().consents_first(&ask.client, user);
    ask.renews &= state.profile.renewal != Renewal::AccessType || first || ask.asks_again;
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
    let why = words(state, refusal);
    let told = [("error", refusal.error), ("error_description", why.as_str())];
    answer::marked(answer::see_other(&located(state, address, known_state, &told)), refusal.error)
}

/// The redirect address with the outcome, the client's `state` as it came, and who is speaking (RFC 9207 §2).
fn located(state: &State, address: &str, known_state: Option<&str>, outcome: &[(&str, &str)]) -> String {
    let mut parameters = outcome.to_vec();
    parameters.extend(known_state.map(|value| ("state", value)));
    let iss = match &state.desk.faults().response_iss {
        ResponseIss::Right => Some(state.issuer.clone()).filter(|_| state.profile.response_iss),
        ResponseIss::Omitted => None,
        ResponseIss::Other(text) => Some(text.clone()),
    };
    parameters.extend(iss.as_deref().map(|issuer| ("iss", issuer)));
    append(address, &parameters)
}
