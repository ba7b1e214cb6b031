//! Authorization requests that the client pushes over its own connection, and the browser only names (RFC 9126).

use http::StatusCode;
use serde_json::json;

use super::answer::{self, BROKEN, Refusal, bad};
use super::client::{Client, identify};
use super::ledger::Pushed;
use super::params::Params;
use super::state::State;
use super::{authorize, document, dpop, token};
use crate::backends::fake::{Received, Reply};

const NAME: &str = "urn:ietf:params:oauth:request_uri:";
/// How long a pushed request may wait, in seconds.
const OPEN: i64 = 60;
/// What belongs to the client's authentication and not to the request.
const CREDENTIALS: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];

/// `POST` of a request; it is checked as if a browser had brought it.
pub(super) fn answer(state: &State, request: &Received) -> Reply {
    push(state, request).unwrap_or_else(|refusal| refusal.reply())
}

fn push(state: &State, request: &Received) -> Result<Reply, Refusal> {
    let params = token::form(request)?;
    document::learn(state, &params);
    let client = identify(state, request, &params)?;
    // A pushed request that names a pushed request would be a circle (§2.1).
    if params.count("request_uri") > 0 {
        return Err(bad("invalid_request", "a pushed request must not contain request_uri"));
    }
    let address = authorize::address(state, &client, params.one("redirect_uri"))
        .ok_or(bad("invalid_request", "redirect_uri is not one that this client registered"))?;
    let mut ask = authorize::ask(state, &client, &address, &params)?;
    let jkt = dpop::proof(state, request, &state.at("par").unwrap_or_default(), None)?;
    authorize::bind(&mut ask, jkt.as_deref())?;
    let now = state.now();
    let name = format!("{NAME}{}", state.keys.random().map_err(|_| BROKEN)?);
    let pushed = Pushed { client: client.id, params: params.without(&CREDENTIALS), jkt, until: now.after(OPEN) };
    state.ledger().push(name.clone(), pushed, now);
    Ok(answer::json(StatusCode::CREATED, &json!({ "request_uri": name, "expires_in": OPEN })))
}

/// The request of this name, which is gone afterwards: a second browser cannot use it (§7.3).
pub(super) fn take(state: &State, client: &Client, named: &Params) -> Result<(Params, Option<String>), Refusal> {
    const GONE: Refusal = bad("invalid_request_uri", "request_uri is unknown, used, over or another client's");
    let name = named.one("request_uri").ok_or(GONE)?;
    if named.iter().any(|(name, _)| name != "client_id" && name != "request_uri") {
        return Err(bad("invalid_request", "beside request_uri only client_id may be sent"));
    }
    let now = state.now();
    let mut ledger = state.ledger();
    let own = |pushed: &&Pushed| pushed.client == client.id;
    ledger.pushed.get(name).filter(own).ok_or(GONE)?;
    let pushed = ledger.pushed.remove(name).filter(|pushed| pushed.until > now).ok_or(GONE)?;
    Ok((pushed.params, pushed.jkt))
}
