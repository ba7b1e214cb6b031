//! Making the tokens of one answer.

use serde_json::{Map, Value, json};

use super::answer::{BROKEN, Refusal};
use super::dialect;
use super::faults::Forgery;
use super::jwt::{Signing, fingerprint, half_fingerprint};
use super::ledger::{Access, Grant};
use super::providers::Target;
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
    /// The key that the access token is bound to.
    pub(super) jkt: Option<String>,
    pub(super) now: Timestamp,
}

/// The token answer (RFC 6749 §5.1): a JWT access token (RFC 9068), and an ID token if `openid` was granted.
pub(super) fn tokens(state: &State, grant: &Grant, issue: Issue) -> Result<Value, Refusal> {
    let Issue { scope, audience, nonce, renewal, jkt, now } = issue;
    let token = access(state, grant, &scope, &audience, jkt.as_deref())?;
    let mut answer = json!({
        "access_token": token,
        "token_type": if jkt.is_some() { "DPoP" } else { "Bearer" },
        "expires_in": state.options.access_lifetime,
        "scope": joined(&scope),
    });
    if let Some(members) = answer.as_object_mut() {
        if let Some(renewal) = renewal {
            members.insert("refresh_token".to_owned(), json!(renewal));
        }
        if scope.iter().any(|one| one == "openid") {
            let mut claims = identity(state, grant, &scope, now);
            claims.insert("at_hash".to_owned(), json!(half_fingerprint(&token)));
            claims.extend(nonce.map(|nonce| ("nonce".to_owned(), json!(nonce))));
            let forgery = state.desk.faults().id_token;
            let signing = forgery.map_or(Signing::Right, |how| forge(how, &mut claims, now));
            let token = state.keys.sign_as(signing, "JWT", &Value::Object(claims)).map_err(|_| BROKEN)?;
            members.insert("id_token".to_owned(), json!(token));
        }
    }
    Ok(answer)
}

/// An access token, which the ledger knows.
fn access(
    state: &State,
    grant: &Grant,
    scope: &[String],
    audience: &[String],
    jkt: Option<&str>,
) -> Result<String, Refusal> {
    let now = state.now();
    let jti = state.keys.random().map_err(|_| BROKEN)?;
    let expires = now.after(seconds(state.options.access_lifetime));
    let aud = match (state.profile.audience, audience) {
        (Some(fixed), _) => json!(fixed),
        (None, [only]) => json!(only),
        (None, several) => json!(several),
    };
    let mut claims = json!({
        "iss": state.token_issuer, "sub": grant.subject, "aud": aud, "client_id": grant.client,
        "scope": joined(scope), "iat": now, "exp": expires, "jti": jti, "auth_time": grant.begun,
    });
    if let Some(members) = claims.as_object_mut() {
        members.extend(grant.acr.as_ref().map(|acr| ("acr".to_owned(), json!(acr))));
        members.extend(jkt.map(|jkt| ("cnf".to_owned(), json!({ "jkt": jkt }))));
        dialect::access_claims(state, members);
    }
    let until = dialect::expiry(state, grant.renews, expires);
    let record = |claims| Access { grant: grant.id, expires: until, revoked: false, claims };
    // Without a resource of its own, a token of such a provider is a name for what only the provider knows.
    let is_opaque = state.profile.target != Target::Audience || grant.resources.is_empty();
    if let Some(prefix) = state.profile.opaque.filter(|_| is_opaque) {
        let token = format!("{prefix}{jti}");
        state.ledger().keep_access(fingerprint(&token), record(Some(claims)), now);
        return Ok(token);
    }
    state.ledger().keep_access(jti, record(None), now);
    state.keys.sign("at+jwt", &claims).map_err(|_| BROKEN)
}

/// Who logged in (OIDC Core §2), as far as the scopes tell it.
fn identity(state: &State, grant: &Grant, scope: &[String], now: Timestamp) -> Map<String, Value> {
    let mut claims = person(&grant.subject, scope);
    let mut put = |name: &str, value: Value| drop(claims.insert(name.to_owned(), value));
    put("iss", json!(state.token_issuer));
    put("aud", json!(grant.client));
    put("iat", json!(now));
    put("exp", json!(now.after(seconds(state.options.access_lifetime))));
    put("auth_time", json!(grant.begun));
    if let Some(acr) = &grant.acr {
        put("acr", json!(acr));
    }
    dialect::identity_claims(state, &mut claims);
    claims
}

/// What is told about a person, as far as the scopes allow it.
pub(super) fn person(subject: &str, scope: &[String]) -> Map<String, Value> {
    let has = |name: &str| scope.iter().any(|one| one == name || one.ends_with(&format!("/userinfo.{name}")));
    let name = subject.split('@').next().unwrap_or_default();
    let mut rest = name.chars();
    let shown: String = rest.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(rest).collect();
    let mut claims = Map::new();
    let mut put = |name: &str, value: Value| drop(claims.insert(name.to_owned(), value));
    put("sub", json!(subject));
    if has("profile") {
        put("name", json!(shown));
        put("preferred_username", json!(subject));
    }
    if has("email") {
        put("email", json!(format!("{name}@sandbox.example")));
    }
    claims
}

/// Turns right claims into those of a forgery, and says how it is signed.
fn forge(how: Forgery, claims: &mut Map<String, Value>, now: Timestamp) -> Signing {
    let mut put = |name: &str, value: Value| drop(claims.insert(name.to_owned(), value));
    match how {
        Forgery::Unsigned => return Signing::Absent,
        Forgery::Symmetric => return Signing::Symmetric,
        Forgery::Signature => return Signing::Stranger,
        Forgery::UnknownKey => return Signing::UnknownKey,
        Forgery::Audience => put("aud", json!("another-client")),
        Forgery::Party => {
            let own = claims.get("aud").cloned().unwrap_or_default();
            claims.insert("aud".to_owned(), json!([own, "another-client"]));
            claims.insert("azp".to_owned(), json!("another-client"));
        }
        Forgery::Issuer => put("iss", json!("https://issuer.example")),
        Forgery::Nonce => put("nonce", json!("another-nonce")),
        Forgery::WithoutNonce => drop(claims.remove("nonce")),
        Forgery::Expired => {
            put("iat", json!(now.after(-7200)));
            put("exp", json!(now.after(-3600)));
        }
        Forgery::Future => {
            put("iat", json!(now.after(3600)));
            put("exp", json!(now.after(7200)));
        }
        Forgery::Hash => put("at_hash", json!(half_fingerprint("another-token"))),
        Forgery::Subject => put("sub", json!("mallory")),
    }
    Signing::Right
}
