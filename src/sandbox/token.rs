//! The token endpoint (RFC 6749 §3.2, §5; OAuth 2.1): a code, a refresh token, a device or a client gets new tokens.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::Value;
use subtle::ConstantTimeEq as _;

use super::answer::{self, BROKEN, Refusal, bad};
use super::client::{Client, DEVICE, GRANTS, Method as Proof, identify};
use super::issue::{Issue, tokens};
use super::jwt::fingerprint;
use super::ledger::{Ask, Grant, Refresh};
use super::params::Params;
use super::providers::Rotation;
use super::registration::media_type;
use super::state::{State, seconds, split};
use super::{authorize, device, dialect, dpop, target};
use crate::backends::fake::{Received, Reply};
use crate::machine::Timestamp;

/// One answer for every reason, so that nobody can find out which.
pub(super) const SPENT: Refusal =
    bad("invalid_grant", "the grant is unknown, used, expired, revoked or another client's");

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
        (Ok(tokens), effect) => effect.edited(answer::json(StatusCode::OK, &dialect::tokens(state, tokens))),
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
    let jkt = dpop::proof(state, request, &state.at("token").unwrap_or_default(), None)?;
    if client.metadata.proves && jkt.is_none() {
        return Err(bad("invalid_dpop_proof", "this client takes tokens with a proof only"));
    }
    let grant = params
        .one("grant_type")
        .or(dialect::usual_grant(state))
        .ok_or(bad("invalid_request", "grant_type is missing"))?;
    if !GRANTS.contains(&grant) {
        return Err(bad("unsupported_grant_type", "this grant is not offered"));
    }
    if !client.metadata.may(grant) {
        return Err(bad("unauthorized_client", "this client did not register that grant"));
    }
    match grant {
        "authorization_code" => redeem(state, &client, params, jkt),
        "refresh_token" => refresh(state, &client, params, jkt),
        DEVICE => device::poll(state, &client, params, jkt),
        _ => itself(state, &client, params, jkt),
    }
}

/// A token for the client itself (RFC 6749 §4.4), which proved who it is. There is nothing to renew: it can ask again.
fn itself(state: &State, client: &Client, params: &Params, jkt: Option<String>) -> Result<Value, Refusal> {
    let scope = authorize::scope(state, client, params.one("scope"))?;
    let personal = |one: &String| ["openid", "profile", "email", "offline_access"].contains(&one.as_str());
    if scope.iter().any(personal) {
        return Err(bad("invalid_scope", "there is no person in this grant"));
    }
    let ask = Ask {
        client: client.id.clone(),
        redirect: String::new(),
        state: None,
        challenge: None,
        resources: target::asked(state, params, &scope)?,
        scope,
        nonce: None,
        jkt: None,
        acr: None,
        renews: false,
        asks_again: false,
    };
    begin(state, Begun { ask, subject: client.id.clone(), jkt }, params)
}

/// A code is spent under the lock: of many parallel requests one gets tokens, and the others take them away again.
fn redeem(state: &State, client: &Client, params: &Params, jkt: Option<String>) -> Result<Value, Refusal> {
    let code = params.one("code").ok_or(bad("invalid_request", "code is missing"))?;
    let verifier = params.one("code_verifier");
    if state.profile.pkce && verifier.is_none() {
        return Err(bad("invalid_request", "code_verifier is missing"));
    }
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
    if own && !same_address {
        return Err(Refusal { why: "redirect_uri is not the one of the request", ..SPENT });
    }
    if !(own && is_proven(kept.ask.challenge.as_deref(), verifier)) {
        return Err(SPENT);
    }
    if kept.ask.jkt.is_some() && kept.ask.jkt != jkt {
        return Err(bad("invalid_dpop_proof", "the code is bound to another key"));
    }
    target::audience(state, &kept.ask.resources, params)?;
    let begun = Begun { ask: kept.ask.clone(), subject: kept.subject.clone(), jkt };
    let grant = ledger.begin(begun.grant(now), now.after(-seconds(state.options.refresh_idle)));
    if let Some(code) = ledger.codes.get_mut(&fingerprint(code)) {
        code.grant = Some(grant.id);
    }
    drop(ledger);
    first_tokens(state, grant, params)
}

/// Whether the verifier belongs to the challenge. One without the other is no proof (RFC 9700 §2.1.1).
fn is_proven(challenge: Option<&str>, verifier: Option<&str>) -> bool {
    let (challenge, verifier) = match (challenge, verifier) {
        (Some(challenge), Some(verifier)) => (challenge, verifier),
        (None, None) => return true,
        _ => return false,
    };
    let well_formed = (43..=128).contains(&verifier.len())
        && verifier.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
    well_formed && bool::from(challenge.as_bytes().ct_eq(fingerprint(verifier).as_bytes()))
}

/// What a person, or a client for itself, has just been allowed.
pub(super) struct Begun {
    pub(super) ask: Ask,
    pub(super) subject: String,
    pub(super) jkt: Option<String>,
}

impl Begun {
    fn grant(&self, now: Timestamp) -> Grant {
        Grant {
            id: 0,
            client: self.ask.client.clone(),
            subject: self.subject.clone(),
            scope: self.ask.scope.clone(),
            resources: self.ask.resources.clone(),
            nonce: self.ask.nonce.clone(),
            jkt: self.jkt.clone(),
            acr: self.ask.acr.clone(),
            renews: self.ask.renews,
            begun: now,
            used: now,
            revoked: false,
            over: false,
        }
    }
}

/// Begins a grant and issues its first tokens.
pub(super) fn begin(state: &State, begun: Begun, params: &Params) -> Result<Value, Refusal> {
    let now = state.now();
    target::audience(state, &begun.ask.resources, params)?;
    let grant = state.ledger().begin(begun.grant(now), now.after(-seconds(state.options.refresh_idle)));
    first_tokens(state, grant, params)
}

fn first_tokens(state: &State, grant: Grant, params: &Params) -> Result<Value, Refusal> {
    let renewal = if grant.renews { Some(next_refresh(state, grant.id)?) } else { None };
    state.ledger().drop_oldest(&grant.client, &grant.subject, state.profile.most_grants);
    let issue = Issue {
        scope: grant.scope.clone(),
        audience: target::audience(state, &grant.resources, params)?,
        nonce: grant.nonce.clone(),
        renewal,
        jkt: grant.jkt.clone(),
        now: state.now(),
    };
    tokens(state, &grant, issue)
}

/// A refresh token is spent under the lock; one that comes back ends its family (RFC 9700 §4.14).
fn refresh(state: &State, client: &Client, params: &Params, jkt: Option<String>) -> Result<Value, Refusal> {
    let sent = params.one("refresh_token").ok_or(bad("invalid_request", "refresh_token is missing"))?;
    let now = state.now();
    let keep = state.desk.faults().keep_refresh_token || state.profile.rotation == Rotation::Absent;
    let fresh = state.keys.random().map_err(|_| BROKEN)?;
    let mut ledger = state.ledger();
    let held = ledger.refresh.get(&fingerprint(sent)).ok_or(SPENT)?;
    let (spent, grant) = (held.spent, ledger.grant(held.grant).cloned().ok_or(SPENT)?);
    if grant.client != client.id || !is_alive(state, &grant) {
        return Err(SPENT);
    }
    // Whoever finds a refresh token of a public client has nothing without its key (RFC 9449 §5).
    if client.metadata.method == Proof::None && grant.jkt.is_some() && grant.jkt != jkt {
        return Err(bad("invalid_grant", "the refresh token is bound to another key"));
    }
    dialect::renewable(state, &grant, params)?;
    // A clock that was set back must not reopen a token: only a moment within the grace counts.
    let grace = 0..seconds(state.options.refresh_grace);
    if spent.is_some_and(|at| !grace.contains(&now.since(at))) {
        ledger.revoke(grant.id);
        return Err(SPENT);
    }
    let scope = params.one("scope").map_or_else(|| grant.scope.clone(), split);
    if !scope.iter().all(|one| grant.scope.iter().any(|known| known == one || target::named(state, known) == *one)) {
        return Err(bad("invalid_scope", "a refresh cannot add scopes"));
    }
    let audience = target::audience(state, &grant.resources, params)?;
    if !keep {
        let spends = state.profile.rotation == Rotation::Strict;
        if let Some(held) = ledger.refresh.get_mut(&fingerprint(sent)).filter(|_| spends) {
            held.spent = held.spent.or(Some(now));
        }
        ledger.refresh.insert(fingerprint(&fresh), Refresh { grant: grant.id, spent: None });
    }
    ledger.touch(grant.id, now);
    drop(ledger);
    let renewal = (!keep).then_some(fresh);
    tokens(state, &grant, Issue { scope, audience, nonce: None, renewal, jkt, now })
}

/// Whether a grant may still be renewed.
pub(super) fn is_alive(state: &State, grant: &Grant) -> bool {
    let now = state.now();
    !(grant.revoked || grant.over)
        && now.since(grant.used) < seconds(state.options.refresh_idle)
        && now.since(grant.begun) < seconds(state.options.refresh_absolute)
}

fn next_refresh(state: &State, grant: u64) -> Result<String, Refusal> {
    let token = state.keys.random().map_err(|_| BROKEN)?;
    state.ledger().refresh.insert(fingerprint(&token), Refresh { grant, spent: None });
    Ok(token)
}
