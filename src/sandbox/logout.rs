//! Ending the person's session at the provider, when a client sends them here (OIDC RP-Initiated Logout 1.0).
//!
//! The sandbox keeps no session, so there is nothing to end but the page. It revokes no token: that is RFC 7009.

use http::Method;

use super::answer::{self, Refusal, bad};
use super::client::Client;
use super::consent;
use super::faults::Decision;
use super::ledger::Matter;
use super::page;
use super::params::{Params, append};
use super::state::State;
use crate::backends::fake::{Received, Reply};

/// The end-session endpoint: `GET` or `POST` (§2).
pub(super) fn answer(state: &State, request: &Received) -> Reply {
    let raw = match *request.method() {
        Method::GET => request.uri().query().unwrap_or_default().as_bytes(),
        Method::POST => request.body(),
        _ => return answer::wrong_method("GET, POST"),
    };
    match Params::of(raw)
        .ok_or(bad("invalid_request", "the request is not form-encoded"))
        .and_then(|sent| back(state, &sent))
    {
        Err(refusal) => answer::marked(page::fault(refusal.status, refusal.error, refusal.why), refusal.error),
        Ok(back) => match state.desk.decision() {
            Decision::Ask => consent::open(state, request, Matter::Logout(back), |_, fields| page::logout(fields)),
            Decision::Allow(_) => decided(true, back.as_deref()),
            Decision::Deny => decided(false, back.as_deref()),
        },
    }
}

/// Where the person may be sent afterwards: only to an address that this client registered, to the letter (§3).
fn back(state: &State, params: &Params) -> Result<Option<String>, Refusal> {
    if params.has_repeated() {
        return Err(bad("invalid_request", "a parameter was sent twice"));
    }
    let hinted = match params.one("id_token_hint") {
        // An ID token that is over still says whose session it was (§2).
        Some(hint) => Some(
            state
                .keys
                .verify("JWT", hint)
                .and_then(|claims| Some(claims.get("aud")?.as_str()?.to_owned()))
                .ok_or(bad("invalid_request", "id_token_hint is not an ID token of this server"))?,
        ),
        None => None,
    };
    let named = params.one("client_id").map(str::to_owned);
    if hinted.is_some() && named.is_some() && hinted != named {
        return Err(bad("invalid_request", "client_id is not the client of id_token_hint"));
    }
    let client: Option<Client> = hinted.or(named).and_then(|id| state.ledger().client(&id));
    let Some(to) = params.one("post_logout_redirect_uri") else { return Ok(None) };
    let registered = client.is_some_and(|client| client.metadata.logouts.iter().any(|one| one == to));
    if !registered {
        return Err(bad("invalid_request", "post_logout_redirect_uri is not one that this client registered"));
    }
    let state: Vec<(&str, &str)> = params.one("state").map(|value| ("state", value)).into_iter().collect();
    Ok(Some(append(to, &state)))
}

/// The person's answer.
pub(super) fn decided(leaves: bool, back: Option<&str>) -> Reply {
    match (leaves, back) {
        (true, Some(back)) => answer::see_other(back),
        (true, None) => page::end("You are logged out"),
        (false, _) => page::end("You are still logged in"),
    }
}
