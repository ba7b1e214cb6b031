//! What providers word or decide differently, where a value of their profile is not enough to say it.
//!
//! Each function is one question that an endpoint asks; the strict answer is the last branch. What a provider says is in
//! its file in `providers`.

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value, json};
use url::form_urlencoded::Serializer;

use super::answer::{self, Code, Refusal, bad};
use super::client::DEVICE;
use super::jwt::fingerprint;
use super::ledger::Grant;
use super::params::Params;
use super::providers::{Dialect, Registration, auth0, entra, github, google, keycloak, okta};
use super::registration::bearer;
use super::state::{State, split};
use super::target;
use crate::backends::fake::{Body, Received, Reply};
use crate::machine::Timestamp;

/// The description of an error.
pub(super) fn words(state: &State, refusal: &Refusal) -> String {
    let other = match state.profile.dialect {
        Dialect::Entra => entra::words(refusal.error, refusal.why),
        Dialect::Okta => okta::words(refusal).map(str::to_owned),
        _ => None,
    };
    other.unwrap_or_else(|| refusal.why.to_owned())
}

/// Why this person may not use the client at all.
pub(super) fn unwelcome(state: &State, user: &str) -> Option<Refusal> {
    (state.profile.dialect == Dialect::Okta && user == "unassigned").then_some(okta::POLICY)
}

/// Whether a device may ask for these scopes.
pub(super) fn device_scope(state: &State, scope: &[String]) -> Result<(), Refusal> {
    let few = state.profile.dialect == Dialect::Google;
    match few && !scope.iter().all(|one| google::is_for_devices(one)) {
        true => Err(bad("invalid_scope", "Invalid device flow scope")),
        false => Ok(()),
    }
}

/// Whether a device gets a refresh token without asking in the way that a browser does.
pub(super) fn renews_devices(state: &State) -> bool {
    state.profile.dialect == Dialect::Google
}

/// Whether a client of this form need not send the secret that it has.
pub(super) fn needs_no_secret(state: &State, params: &Params) -> bool {
    let device = match params.one("grant_type") {
        Some(grant) => grant == DEVICE,
        None => params.one("code").is_none(),
    };
    state.profile.dialect == Dialect::GitHub && device
}

/// The grant of a token request that does not name one.
pub(super) fn usual_grant(state: &State) -> Option<&'static str> {
    (state.profile.dialect == Dialect::GitHub).then_some("authorization_code")
}

/// How strong a login is to be, from the request's own parameter of this provider.
pub(super) fn acr(state: &State, params: &Params) -> Option<String> {
    if state.profile.dialect == Dialect::Entra { entra::acr(params) } else { None }
}

/// Whether a refresh has what this provider wants in it, and a login that is good enough.
pub(super) fn renewable(state: &State, grant: &Grant, params: &Params) -> Result<(), Refusal> {
    match state.profile.dialect {
        Dialect::Entra if params.one("scope").is_none() => Err(bad("invalid_request", "AADSTS90009")),
        Dialect::Entra => match state.desk.faults().acr.as_ref().is_some_and(|acr| grant.acr.as_ref() != Some(acr)) {
            true => Err(bad("interaction_required", "AADSTS50076")),
            false => Ok(()),
        },
        Dialect::Keycloak => {
            let offline = grant.scope.iter().any(|one| one == "offline_access");
            match !offline && state.now().since(grant.used) >= keycloak::IDLE {
                true => Err(bad("invalid_grant", "Session not active")),
                false => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// The members of a token answer.
pub(super) fn tokens(state: &State, mut tokens: Value) -> Value {
    if let Some(members) = tokens.as_object_mut() {
        match state.profile.dialect {
            Dialect::Google => google::tokens(members),
            Dialect::GitHub => github::tokens(members),
            Dialect::Keycloak => keycloak::tokens(members),
            Dialect::Tavily => drop(members.remove("id_token")),
            Dialect::Entra => {
                let scope = members.get("scope").and_then(Value::as_str).unwrap_or_default();
                let mut rest: Vec<String> = split(scope).iter().map(|one| target::named(state, one)).collect();
                rest.retain(|one| !entra::IDENTITY.contains(&one.as_str()));
                members.insert("scope".to_owned(), json!(rest.join(" ")));
                members.insert("ext_expires_in".to_owned(), json!(state.options.access_lifetime));
            }
            _ => {}
        }
    }
    tokens
}

/// More claims of an access token.
pub(super) fn access_claims(state: &State, claims: &mut Map<String, Value>) {
    if state.profile.dialect == Dialect::Entra {
        entra::groups(claims);
    }
}

/// More claims of an ID token.
pub(super) fn identity_claims(state: &State, claims: &mut Map<String, Value>) {
    match state.profile.dialect {
        Dialect::Entra => entra::person(claims),
        Dialect::Google => google::person(claims),
        _ => {}
    }
}

/// Until when an access token of this grant is good. A GitHub app's tokens end, an OAuth app's do not.
pub(super) fn expiry(state: &State, renews: bool, usual: Timestamp) -> Timestamp {
    if state.profile.dialect == Dialect::GitHub && !renews { Timestamp(i64::MAX) } else { usual }
}

/// Whether an access token may come with this scheme, too.
pub(super) fn is_scheme(state: &State, scheme: &str) -> bool {
    state.profile.dialect == Dialect::GitHub && scheme.eq_ignore_ascii_case("token")
}

/// The issuer as the metadata of this tenant says it: where the tenant is none, a pattern that nothing equals.
pub(super) fn announced(state: &State, tenant: &str) -> String {
    match state.profile.tenants.last() {
        Some(own) if *own != tenant => format!("{}/{{tenantid}}{}", state.base, state.profile.issuer),
        _ => state.issuer.clone(),
    }
}

/// The issuer as resources name it.
pub(super) fn pointed(state: &State) -> String {
    if state.profile.dialect == Dialect::Google { format!("{}/", state.issuer) } else { state.issuer.clone() }
}

/// Whether this request may register this client.
pub(super) fn registrable(state: &State, request: &Received, metadata: &Value) -> Result<(), Refusal> {
    let status = StatusCode::FORBIDDEN;
    let token = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(bearer);
    let opened = state.desk.faults().open_registration;
    match state.profile.registration {
        Registration::Open => Ok(()),
        Registration::TrustedHosts if !opened && token != Some(keycloak::INITIAL) => Err(keycloak::UNTRUSTED),
        Registration::TrustedHosts if !keycloak::knows(metadata) => {
            Err(bad("invalid_client_metadata", "Unrecognized field in the client representation"))
        }
        Registration::TrustedHosts => {
            let scope = metadata.get("scope").and_then(Value::as_str).unwrap_or_default();
            let why = "Policy 'Allowed Client Scopes' rejected request to client-registration service.";
            match split(scope).iter().all(|one| state.knows_scope(one)) {
                true => Ok(()),
                false => Err(Refusal { status, error: "insufficient_scope", why }),
            }
        }
        Registration::Administrators | Registration::Absent if opened => Ok(()),
        Registration::Administrators => {
            Err(Refusal { status: StatusCode::UNAUTHORIZED, error: "invalid_token", why: "Invalid session" })
        }
        Registration::Absent => Err(Refusal { status, error: "access_denied", why: "registration is off" }),
    }
}

/// The answer of an endpoint as this provider gives it.
pub(super) fn spoken(state: &State, request: &Received, endpoint: &str, reply: Reply) -> Reply {
    let tokens = ["token", "device_authorization", "revoke", "register"].contains(&endpoint);
    if !tokens || state.profile.dialect == Dialect::Plain {
        return reply;
    }
    let status = reply.status();
    let Some(members) = members(&reply) else { return reply };
    let said = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (error, why) = (said("error"), said("error_description"));
    let sent = Params::of(request.body()).unwrap_or_default();
    let grant = sent.one("grant_type").unwrap_or_default();
    match state.profile.dialect {
        Dialect::GitHub => return github_answer(state, request, members, grant),
        Dialect::Google if endpoint == "device_authorization" && error.is_empty() => {
            return answer::json(status, &verification_url(members));
        }
        _ if error.is_empty() => return reply,
        Dialect::Google => {
            let missing = error == "invalid_client" && sent.one("client_secret").is_none() && endpoint == "token";
            let (status, why) = match google::error(&error, status) {
                _ if missing => (StatusCode::BAD_REQUEST, "client_secret is missing.".to_owned()),
                (status, other) => (status, other.map_or(why, str::to_owned)),
            };
            let error = if missing { "invalid_request".to_owned() } else { error };
            return refusal(status, &error, json!({ "error": error, "error_description": why }));
        }
        Dialect::Entra => {
            let why = entra::words(&error, &why).unwrap_or(why);
            let mut members = entra::error(&error, &why, grant == DEVICE);
            let acr = state.desk.faults().acr.clone().filter(|_| error == "interaction_required");
            if let Some(acr) = acr {
                members.insert("suberror".to_owned(), json!("basic_action"));
                members.insert("claims".to_owned(), json!(entra::challenge(&acr)));
            }
            return refusal(status, &error, Value::Object(members));
        }
        Dialect::Auth0 if endpoint == "token" => {
            return refusal(auth0::status(&error, status), &error, Value::Object(members));
        }
        Dialect::Okta if endpoint == "register" => return refusal(status, &error, okta::no_session()),
        Dialect::Okta | Dialect::Keycloak if error == "invalid_grant" => {
            let why = match (state.profile.dialect, why.as_str()) {
                (Dialect::Okta, _) => "The refresh token is invalid or expired.",
                (_, "Session not active") => "Session not active",
                _ if grant == "refresh_token" => "Token is not active",
                _ => "Code not valid",
            };
            return refusal(status, &error, json!({ "error": error, "error_description": why }));
        }
        _ => {}
    }
    reply
}

/// GitHub's answer: 200 for everything, form-encoded unless JSON was asked for.
fn github_answer(state: &State, request: &Received, mut members: Map<String, Value>, grant: &str) -> Reply {
    let said = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut error = "";
    if !said("error").is_empty() {
        error = github::error(said("error"), said("error_description"), grant);
        members.insert("error".to_owned(), json!(error));
    }
    if error == "slow_down" {
        let sent = Params::of(request.body()).unwrap_or_default();
        let key = fingerprint(sent.one("device_code").unwrap_or_default());
        let interval = state.ledger().devices.get(&key).map(|device| device.interval);
        members.insert("interval".to_owned(), json!(interval));
    }
    members.remove("verification_uri_complete");
    let json = request.headers().get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let reply = if json.into_iter().any(|accepted| accepted.contains("application/json")) {
        answer::json(StatusCode::OK, &Value::Object(members))
    } else {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let pairs = members.iter().map(|(name, value)| (name, text(value)));
        let form = Serializer::new(String::new()).extend_pairs(pairs).finish();
        answer::whole(StatusCode::OK, "application/x-www-form-urlencoded; charset=utf-8", form)
    };
    if error.is_empty() { reply } else { answer::marked(reply, error) }
}

/// Google's name for where the person goes.
fn verification_url(mut members: Map<String, Value>) -> Value {
    let url = members.remove("verification_uri").unwrap_or_default();
    members.remove("verification_uri_complete");
    members.insert("verification_url".to_owned(), url);
    Value::Object(members)
}

/// The members of a JSON answer.
fn members(reply: &Reply) -> Option<Map<String, Value>> {
    let Body::Whole(body) = reply.body() else { return None };
    let json = reply.headers().get(CONTENT_TYPE) == Some(&HeaderValue::from_static("application/json"));
    serde_json::from_slice(body).ok().filter(|_| json)
}

fn refusal(status: StatusCode, error: &str, body: Value) -> Reply {
    let mut reply = answer::json(status, &body);
    reply.extensions_mut().insert(Code(error.to_owned()));
    reply
}
