//! A client that proves itself with its own key (`private_key_jwt`: RFC 7523 §3, OIDC Core §9).

use serde_json::Value;

use super::answer::{Refusal, bad, unknown_client};
use super::client::{Client, Method};
use super::jose::Jws;
use super::params::Params;
use super::state::State;

/// What `client_assertion_type` must say.
pub(super) const KIND: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// An assertion that is good for longer than this is refused: whoever finds it could use it all the time.
const LONGEST: i64 = 3600;
/// How far the client's clock may be ahead, in seconds.
const SKEW: i64 = 60;
const WRONG: Refusal =
    unknown_client("the assertion is not of its form, not for this server, over, used or not signed");

/// The client whose assertion is in this form.
pub(super) fn client(state: &State, params: &Params, assertion: &str) -> Result<Client, Refusal> {
    if params.one("client_assertion_type") != Some(KIND) {
        return Err(bad("invalid_request", "client_assertion_type is missing or unknown"));
    }
    let jws = Jws::of(assertion).ok_or(WRONG)?;
    let id = jws.text("sub").filter(|id| jws.text("iss") == Some(id)).ok_or(WRONG)?;
    if params.one("client_id").is_some_and(|named| named != id) {
        return Err(bad("invalid_request", "client_id names another client than the assertion"));
    }
    let client = state.ledger().client(id).filter(|client| client.metadata.method == Method::Key).ok_or(WRONG)?;
    let keys = client.metadata.keys.as_ref().and_then(|keys| keys.get("keys")).and_then(Value::as_array);
    let named = |key: &&Value| jws.header("kid").is_none_or(|kid| key.get("kid").is_none_or(|own| own == kid));
    if !keys.into_iter().flatten().filter(named).any(|key| jws.is_signed_by(key)) {
        return Err(WRONG);
    }
    let now = state.now();
    let expires = jws.number("exp").ok_or(WRONG)?;
    let begins = jws.number("nbf").into_iter().chain(jws.number("iat")).max().unwrap_or(now.0);
    let in_time = expires > now.0 && expires <= now.0.saturating_add(LONGEST) && begins <= now.0.saturating_add(SKEW);
    if !(in_time && is_for(state, jws.claim("aud").unwrap_or(&Value::Null))) {
        return Err(WRONG);
    }
    let jti = jws.text("jti").filter(|jti| !jti.is_empty()).ok_or(WRONG)?;
    let until = crate::machine::Timestamp(expires);
    if state.ledger().is_new(format!("assertion {id} {jti}"), until, now) { Ok(client) } else { Err(WRONG) }
}

/// Whether the audience is this server: its issuer, or its token endpoint as older clients say.
fn is_for(state: &State, audience: &Value) -> bool {
    let own = |one: &Value| one == state.issuer.as_str() || state.at("token").is_some_and(|url| one == url.as_str());
    match audience {
        Value::Array(all) => all.iter().any(own),
        one => own(one),
    }
}
