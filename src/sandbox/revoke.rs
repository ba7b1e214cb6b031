//! Ending tokens early and asking about them (RFC 7009, RFC 7662). Both need the client's own authentication.

use http::StatusCode;
use serde_json::{Value, json};

use super::answer::{self, Refusal, bad};
use super::client::{Client, identify};
use super::jwt::fingerprint;
use super::ledger::Grant;
use super::providers::Dialect;
use super::state::{State, joined};
use super::token;
use crate::backends::fake::{Received, Reply};

/// 200 for every authenticated caller: whether the token existed is nobody's business.
pub(super) fn answer(state: &State, request: &Received) -> Reply {
    if state.profile.dialect == Dialect::Google {
        return anybodys(state, request).unwrap_or_else(|refusal| refusal.reply());
    }
    match asked(state, request) {
        // Auth0 keeps access tokens alive, and says that it does not know how to end them.
        Ok((_, sent)) if state.profile.dialect == Dialect::Auth0 && state.valid_access(&sent).is_some() => {
            bad("unsupported_token_type", "only refresh tokens are revoked here").reply()
        }
        Ok((client, sent)) => {
            revoke(state, &client, &sent);
            answer::empty(StatusCode::OK)
        }
        Err(refusal) => refusal.reply(),
    }
}

/// Google asks for no client, ends the whole grant with either token, and says when it knows none.
fn anybodys(state: &State, request: &Received) -> Result<Reply, Refusal> {
    let params = token::form(request)?;
    let key = fingerprint(params.one("token").ok_or(bad("invalid_request", "token is missing"))?);
    let now = state.now();
    let mut ledger = state.ledger();
    let by_access = ledger.alive(&key, now).map(|grant| grant.id);
    let by_refresh = ledger.refresh.get(&key).map(|refresh| refresh.grant);
    let id = by_access.or(by_refresh).filter(|id| ledger.grant(*id).is_some_and(|grant| !grant.revoked));
    ledger.revoke(id.ok_or(bad("invalid_token", "Token expired or revoked"))?);
    Ok(answer::empty(StatusCode::OK))
}

/// Whether a token of this client is alive, and what it is.
pub(super) fn introspect(state: &State, request: &Received) -> Reply {
    match asked(state, request) {
        Ok((client, sent)) => answer::json(StatusCode::OK, &describe(state, &client, &sent)),
        Err(refusal) => refusal.reply(),
    }
}

fn asked(state: &State, request: &Received) -> Result<(Client, String), Refusal> {
    let params = token::form(request)?;
    if state.profile.dialect == Dialect::Tavily && params.count("client_secret") == 0 {
        return Err(bad("invalid_request", "client_secret: Field required"));
    }
    let client = identify(state, request, &params)?;
    let sent = params.one("token").ok_or(bad("invalid_request", "token is missing"))?;
    Ok((client, sent.to_owned()))
}

/// A refresh token ends its whole family, an access token itself; a token of another client stays as it is (§2.1).
fn revoke(state: &State, client: &Client, sent: &str) {
    let signed = state.keys.verify("at+jwt", sent);
    let mut ledger = state.ledger();
    let key = fingerprint(sent);
    let claims = signed.or_else(|| ledger.meaning(&key));
    let family = ledger.refresh.get(&fingerprint(sent)).map(|refresh| refresh.grant);
    if let Some(id) = family.filter(|id| ledger.grant(*id).is_some_and(|grant| grant.client == client.id)) {
        match state.profile.dialect {
            Dialect::Auth0 => ledger.end_renewal(id),
            _ => ledger.revoke(id),
        }
    }
    let claim = |name: &str| claims.as_ref().and_then(|claims| claims.get(name)).and_then(Value::as_str);
    if claim("client_id") == Some(&client.id) {
        ledger.revoke_access(claim("jti").unwrap_or_default());
        ledger.revoke_access(&key);
    }
}

fn describe(state: &State, client: &Client, sent: &str) -> Value {
    const UNKNOWN: fn() -> Value = || json!({ "active": false });
    if let Some(mut claims) = state.valid_access(sent) {
        if claims.get("client_id").and_then(Value::as_str) != Some(&client.id) {
            return UNKNOWN();
        }
        if let Some(members) = claims.as_object_mut() {
            members.insert("active".to_owned(), json!(true));
            let bound = members.contains_key("cnf");
            members.insert("token_type".to_owned(), json!(if bound { "DPoP" } else { "Bearer" }));
        }
        return claims;
    }
    let ledger = state.ledger();
    let unspent = ledger.refresh.get(&fingerprint(sent)).filter(|refresh| refresh.spent.is_none());
    let grant = unspent.and_then(|refresh| ledger.grant(refresh.grant));
    let alive = |grant: &&Grant| grant.client == client.id && token::is_alive(state, grant);
    grant.filter(alive).map_or_else(UNKNOWN, |grant| {
        json!({ "active": true, "client_id": grant.client, "sub": grant.subject, "scope": joined(&grant.scope) })
    })
}
