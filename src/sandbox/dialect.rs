//! What providers word or decide differently, where a value of their profile is not enough to say it.

use http::header::AUTHORIZATION;
use serde_json::{Map, Value};

use super::answer::Refusal;
use super::ledger::Grant;
use super::params::Params;
use super::registration::bearer;
use super::state::State;
use crate::backends::fake::{Received, Reply};

/// The description of an error.
pub(super) fn words(_: &State, refusal: &Refusal) -> String {
    refusal.why.to_owned()
}

/// Why this person may not use the client at all.
pub(super) fn unwelcome(_: &State, _: &str) -> Option<Refusal> {
    None
}

/// Whether a device may ask for these scopes.
pub(super) fn device_scope(_: &State, _: &[String]) -> Result<(), Refusal> {
    Ok(())
}

/// Whether a device gets a refresh token without asking in the way that a browser does.
pub(super) fn renews_devices(_: &State) -> bool {
    false
}

/// Whether a refresh has what this provider wants in it.
pub(super) fn renewable(_: &State, _: &Grant, _: &Params) -> Result<(), Refusal> {
    Ok(())
}

/// The members of a token answer.
pub(super) fn tokens(_: &State, tokens: Value) -> Value {
    tokens
}

/// More claims of an access token.
pub(super) fn access_claims(_: &State, _: &mut Map<String, Value>) {}

/// More claims of an ID token.
pub(super) fn identity_claims(_: &State, _: &mut Map<String, Value>) {}

/// Whether an access token for these resources is no JWT.
pub(super) fn is_opaque(_: &State, _: &[String]) -> bool {
    true
}

/// Whether an access token is for a resource at all.
pub(super) fn names_audience(_: &State, _: &Value) -> bool {
    true
}

/// Whether an access token may come with this scheme, too.
pub(super) fn is_scheme(_: &State, _: &str) -> bool {
    false
}

/// The scopes that a resource asks for.
pub(super) fn needs(state: &State) -> String {
    state.profile.needs.to_owned()
}

/// The issuer as the metadata of this tenant says it.
pub(super) fn announced(state: &State, _: &str) -> String {
    state.issuer.clone()
}

/// The issuer as resources name it.
pub(super) fn pointed(state: &State) -> String {
    state.issuer.clone()
}

/// Whether this request may register this client.
pub(super) fn registrable(_: &State, request: &Received, _: &Value) -> Result<(), Refusal> {
    let _token = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(bearer);
    Ok(())
}

/// The answer of an endpoint as this provider gives it.
pub(super) fn spoken(_: &State, _: &Received, _: &str, reply: Reply) -> Reply {
    reply
}
