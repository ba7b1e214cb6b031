//! Making the tokens of one answer.

use serde_json::{Map, Value, json};

use super::answer::{BROKEN, Refusal};
use super::jwt::half_fingerprint;
use super::ledger::{Access, Grant};
use super::state::{State, joined, seconds};
use crate::machine::Timestamp;

/// What one answer hands out.
pub(super) struct Issue {
    /// Of the access token; the grant may have more.
    pub(super) scope: Vec<String>,
    pub(super) audience: Vec<String>,
    /// For the ID token of a login.
    pub(super) nonce: Option<String>,
    /// The next refresh token.
    pub(super) renewal: Option<String>,
    pub(super) now: Timestamp,
}

/// The token answer (RFC 6749 §5.1): a JWT access token (RFC 9068), and an ID token if `openid` was granted.
pub(super) fn tokens(state: &State, grant: &Grant, issue: Issue) -> Result<Value, Refusal> {
    let Issue { scope, audience, nonce, renewal, now } = issue;
    let jti = state.keys.random().map_err(|_| BROKEN)?;
    let expires = now.after(seconds(state.options.access_lifetime));
    let aud = if let [only] = audience.as_slice() { json!(only) } else { json!(audience) };
    let claims = json!({
        "iss": state.issuer, "sub": grant.subject, "aud": aud, "client_id": grant.client, "scope": joined(&scope),
        "iat": now, "exp": expires, "jti": jti, "auth_time": grant.begun,
    });
    let access = state.keys.sign("at+jwt", &claims).map_err(|_| BROKEN)?;
    state.ledger().keep_access(jti, Access { grant: grant.id, expires, revoked: false }, now);
    let mut answer = json!({
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": state.options.access_lifetime,
        "scope": joined(&scope),
    });
    if let Some(members) = answer.as_object_mut() {
        if let Some(renewal) = renewal {
            members.insert("refresh_token".to_owned(), json!(renewal));
        }
        if scope.iter().any(|one| one == "openid") {
            let mut claims = identity(state, grant, &scope, now);
            claims.insert("at_hash".to_owned(), json!(half_fingerprint(&access)));
            claims.extend(nonce.map(|nonce| ("nonce".to_owned(), json!(nonce))));
            let token = state.keys.sign("JWT", &Value::Object(claims)).map_err(|_| BROKEN)?;
            members.insert("id_token".to_owned(), json!(token));
        }
    }
    Ok(answer)
}

/// Who logged in (OIDC Core §2), as far as the scopes tell it.
fn identity(state: &State, grant: &Grant, scope: &[String], now: Timestamp) -> Map<String, Value> {
    let has = |name: &str| scope.iter().any(|one| one == name);
    let name = grant.subject.split('@').next().unwrap_or_default();
    let mut rest = name.chars();
    let shown: String = rest.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(rest).collect();
    let mut claims = Map::new();
    let mut put = |name: &str, value: Value| drop(claims.insert(name.to_owned(), value));
    put("iss", json!(state.issuer));
    put("sub", json!(grant.subject));
    put("aud", json!(grant.client));
    put("iat", json!(now));
    put("exp", json!(now.after(seconds(state.options.access_lifetime))));
    put("auth_time", json!(grant.begun));
    if has("profile") {
        put("name", json!(shown));
        put("preferred_username", json!(grant.subject));
    }
    if has("email") {
        put("email", json!(format!("{name}@sandbox.example")));
    }
    claims
}
