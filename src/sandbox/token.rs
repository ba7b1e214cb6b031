//! The token endpoint (RFC 6749 §3.2, §5; OAuth 2.1): a code or a refresh token becomes new tokens.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::Value;
use subtle::ConstantTimeEq as _;

use super::answer::{self, BROKEN, Refusal, bad};
use super::client::{Client, identify};
use super::faults::Effect;
use super::issue::{Issue, tokens};
use super::jwt::fingerprint;
use super::ledger::{Grant, Refresh};
use super::params::Params;
use super::registration::media_type;
use super::state::{State, seconds, split};
use crate::backends::fake::{Received, Reply};

const SPENT: Refusal = bad("invalid_grant", "the grant is unknown, used, expired, revoked or another client's");

/// Answers a token request, with the fault that was ordered for it, if any.
pub(super) fn answer(state: &State, request: &Received) -> Reply {
    state.desk.pass();
    let params = form(request);
    let grant_type = params.as_ref().ok().and_then(|params| params.one("grant_type")).unwrap_or_default();
    let fault = state.desk.take(grant_type);
    if let Some(reply) = fault.effect.replacement().filter(|_| !fault.after_commit) {
        state.desk.pause(Duration::from_millis(fault.delay_ms));
        return reply;
    }
    let outcome = params.and_then(|params| exchange(state, request, &params));
    state.desk.pause(Duration::from_millis(fault.delay_ms));
    if let Some(reply) = fault.effect.replacement() {
        return reply;
    }
    match (outcome, fault.effect) {
        (Ok(mut tokens), Effect::Edit { set, remove }) => {
            if let Some(members) = tokens.as_object_mut() {
                members.extend(set);
                members.retain(|name, _| !remove.contains(name));
            }
            answer::json(StatusCode::OK, &tokens)
        }
        (Ok(tokens), _) => answer::json(StatusCode::OK, &tokens),
        (Err(refusal), _) => refusal.reply(),
    }
}

/// The form of a request to the token, revocation or introspection endpoint.
pub(super) fn form(request: &Received) -> Result<Params, Refusal> {
    if request.method() != Method::POST {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        return Err(Refusal { status, error: "invalid_request", why: "only POST is answered here" });
    }
    // A token in an address ends up in logs (RFC 6749 §2.3.1).
    if request.uri().query().is_some() {
        return Err(bad("invalid_request", "parameters belong in the body, not in the address"));
    }
    if media_type(request).is_none_or(|media| media != "application/x-www-form-urlencoded") {
        return Err(bad("invalid_request", "the body must be application/x-www-form-urlencoded"));
    }
    let params = Params::of(request.body()).ok_or(bad("invalid_request", "the body is not form-encoded"))?;
    if params.has_repeated() { Err(bad("invalid_request", "a parameter was sent twice")) } else { Ok(params) }
}

fn exchange(state: &State, request: &Received, params: &Params) -> Result<Value, Refusal> {
    let client = identify(state, request, params)?;
    match params.one("grant_type") {
        Some("authorization_code") => redeem(state, &client, params),
        Some("refresh_token") if client.metadata.refreshes => refresh(state, &client, params),
        Some("refresh_token") => {
            Err(bad("unauthorized_client", "this client did not register the refresh_token grant"))
        }
        Some(_) => Err(bad("unsupported_grant_type", "only authorization_code and refresh_token are offered")),
        None => Err(bad("invalid_request", "grant_type is missing")),
    }
}

/// A code is spent under the lock: of many parallel requests one gets tokens, and the others take them away again.
fn redeem(state: &State, client: &Client, params: &Params) -> Result<Value, Refusal> {
    let code = params.one("code").ok_or(bad("invalid_request", "code is missing"))?;
    let verifier = params.one("code_verifier").ok_or(bad("invalid_request", "code_verifier is missing"))?;
    let now = state.now();
    let mut ledger = state.ledger();
    let kept = ledger.codes.get(&fingerprint(code)).ok_or(SPENT)?;
    if let Some(grant) = kept.grant {
        // A second use means that somebody else has the code: nobody keeps what it bought (RFC 6749 §4.1.2).
        ledger.revoke(grant);
        return Err(SPENT);
    }
    let own = kept.ask.client == client.id && now.since(kept.issued) < seconds(state.options.code_lifetime);
    let same_address = params.one("redirect_uri").is_none_or(|sent| sent == kept.ask.redirect);
    let proof = kept.ask.challenge.as_bytes().ct_eq(fingerprint(verifier).as_bytes());
    let well_formed = (43..=128).contains(&verifier.len())
        && verifier.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
    if !(own && same_address && well_formed && bool::from(proof)) {
        return Err(SPENT);
    }
    let audience = audience(state, &kept.ask.resources, params)?;
    let grant = Grant {
        id: 0,
        client: client.id.clone(),
        subject: kept.subject.clone(),
        scope: kept.ask.scope.clone(),
        resources: kept.ask.resources.clone(),
        nonce: kept.ask.nonce.clone(),
        begun: now,
        used: now,
        revoked: false,
    };
    let grant = ledger.begin(grant, now.after(-seconds(state.options.refresh_idle)));
    if let Some(code) = ledger.codes.get_mut(&fingerprint(code)) {
        code.grant = Some(grant.id);
    }
    drop(ledger);
    let renewal = if client.metadata.refreshes { Some(next_refresh(state, grant.id)?) } else { None };
    let issue = Issue { scope: grant.scope.clone(), audience, nonce: grant.nonce.clone(), renewal, now };
    tokens(state, &grant, issue)
}

/// A refresh token is spent under the lock; one that comes back ends its family (RFC 9700 §4.14).
fn refresh(state: &State, client: &Client, params: &Params) -> Result<Value, Refusal> {
    let sent = params.one("refresh_token").ok_or(bad("invalid_request", "refresh_token is missing"))?;
    let now = state.now();
    let keep = state.desk.faults().keep_refresh_token;
    let fresh = state.keys.random().map_err(|_| BROKEN)?;
    let mut ledger = state.ledger();
    let held = ledger.refresh.get(&fingerprint(sent)).ok_or(SPENT)?;
    let (spent, grant) = (held.spent, ledger.grant(held.grant).cloned().ok_or(SPENT)?);
    if grant.client != client.id || !is_alive(state, &grant) {
        return Err(SPENT);
    }
    // A clock that was set back must not reopen a token: only a moment within the grace counts.
    let grace = 0..seconds(state.options.refresh_grace);
    if spent.is_some_and(|at| !grace.contains(&now.since(at))) {
        ledger.revoke(grant.id);
        return Err(SPENT);
    }
    let scope = params.one("scope").map_or_else(|| grant.scope.clone(), split);
    if !scope.iter().all(|one| grant.scope.contains(one)) {
        return Err(bad("invalid_scope", "a refresh cannot add scopes"));
    }
    let audience = audience(state, &grant.resources, params)?;
    if !keep {
        if let Some(held) = ledger.refresh.get_mut(&fingerprint(sent)) {
            held.spent = held.spent.or(Some(now));
        }
        ledger.refresh.insert(fingerprint(&fresh), Refresh { grant: grant.id, spent: None });
    }
    ledger.touch(grant.id, now);
    drop(ledger);
    let renewal = (!keep).then_some(fresh);
    tokens(state, &grant, Issue { scope, audience, nonce: None, renewal, now })
}

/// Whether a grant may still be renewed.
pub(super) fn is_alive(state: &State, grant: &Grant) -> bool {
    let now = state.now();
    !grant.revoked
        && now.since(grant.used) < seconds(state.options.refresh_idle)
        && now.since(grant.begun) < seconds(state.options.refresh_absolute)
}

/// Who the access token is for: what was granted, or the part of it that this request names (RFC 8707 §2.2).
fn audience(state: &State, granted: &[String], params: &Params) -> Result<Vec<String>, Refusal> {
    let asked: Vec<String> = params.all("resource").map(str::to_owned).collect();
    let allowed = |one: &String| if granted.is_empty() { state.knows_resource(one) } else { granted.contains(one) };
    if !asked.iter().all(allowed) {
        return Err(bad("invalid_target", "resource was not granted"));
    }
    Ok(match (asked.is_empty(), granted.is_empty()) {
        (false, _) => asked,
        (true, false) => granted.to_vec(),
        (true, true) => vec![state.url.clone()],
    })
}

fn next_refresh(state: &State, grant: u64) -> Result<String, Refusal> {
    let token = state.keys.random().map_err(|_| BROKEN)?;
    state.ledger().refresh.insert(fingerprint(&token), Refresh { grant, spent: None });
    Ok(token)
}
