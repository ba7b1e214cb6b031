//! Logging in a device that has no browser (RFC 8628): its code, the page where a person types it, and the polling.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use super::answer::{self, BROKEN, Refusal, bad};
use super::client::{Client, DEVICE, identify};
use super::faults::Decision;
use super::jwt::fingerprint;
use super::ledger::{Ask, Device, Matter};
use super::page;
use super::params::Params;
use super::state::{State, seconds};
use super::{authorize, consent, dialect, document, target, token};
use crate::backends::fake::{Received, Reply};

/// Twenty consonants: no word comes out, nothing looks like something else, and eight of them are 34 bits (§6.1).
const ALPHABET: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 8;
/// How many wrong codes a minute, from everybody together, are looked up before nobody's are (§5.1).
const MOST_MISSES: usize = 10;
/// What a device that polls too early has to wait more from then on, in seconds (§3.5).
const SLOWER: i64 = 5;

/// The device authorization endpoint: a code for the device and one for the person.
pub(super) fn answer(state: &State, request: &Received) -> Reply {
    begin(state, request).unwrap_or_else(|refusal| refusal.reply())
}

fn begin(state: &State, request: &Received) -> Result<Reply, Refusal> {
    let params = token::form(request)?;
    document::learn(state, &params);
    let client = identify(state, request, &params)?;
    if !client.metadata.may(DEVICE) {
        return Err(bad("unauthorized_client", "this client did not register the device grant"));
    }
    let scope = authorize::scope(state, &client, params.one("scope"))?;
    dialect::device_scope(state, &scope)?;
    let ask = Ask {
        client: client.id.clone(),
        redirect: String::new(),
        state: None,
        challenge: None,
        resources: target::asked(state, &params, &scope)?,
        // Google's device flow always gives a refresh token, without `access_type`.
        renews: authorize::renews(state, &client, &params, &scope) || dialect::renews_devices(state),
        scope,
        nonce: None,
        jkt: None,
        acr: None,
        asks_again: true,
    };
    let code = state.keys.random().map_err(|_| BROKEN)?;
    let user_code = state.keys.pick(ALPHABET, LENGTH).map_err(|_| BROKEN)?;
    let now = state.now();
    let decided = match state.desk.decision() {
        Decision::Ask => None,
        Decision::Allow(user) => Some(Some(user)),
        Decision::Deny => Some(None),
    };
    let (interval, lifetime) = (state.options.device_interval, state.options.device_lifetime);
    let device = Device {
        ask,
        user_code: user_code.clone(),
        until: now.after(seconds(lifetime)),
        interval: seconds(interval),
        polled: now,
        decided,
    };
    state.ledger().keep_device(fingerprint(&code), device, now);
    let shown = shown(&user_code);
    let page = state.at("device").unwrap_or_default();
    Ok(answer::json(
        StatusCode::OK,
        &json!({
            "device_code": code,
            "user_code": shown,
            "verification_uri": page,
            "verification_uri_complete": format!("{page}?user_code={shown}"),
            "expires_in": lifetime,
            "interval": interval,
        }),
    ))
}

/// A user code as people read it.
fn shown(code: &str) -> String {
    code.split_at_checked(LENGTH / 2).map_or_else(|| code.to_owned(), |(front, rest)| format!("{front}-{rest}"))
}

/// A user code as it is compared: hyphens, spaces and small letters do not matter (§6.1).
pub(super) fn compared(typed: &str) -> String {
    typed.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// The page where a person types the code, and what the form leads to.
pub(super) fn page(state: &State, request: &Received) -> Reply {
    let target = state.at("device").unwrap_or_default();
    if request.method() == Method::GET {
        let Some(browser) = consent::browser(state, request) else { return BROKEN.reply() };
        let params = Params::of(request.uri().query().unwrap_or_default().as_bytes()).unwrap_or_default();
        // A code in the address is shown and not used: the person compares it with the device first (§3.3.1).
        let shown = page::device(&state.keys.seal(&browser), &target, params.one("user_code").unwrap_or_default());
        return consent::with_cookie(state, shown, &browser);
    }
    if request.method() != Method::POST {
        return answer::wrong_method("GET, POST");
    }
    let params = match consent::form(state, request) {
        Ok(params) => params,
        Err(reply) => return *reply,
    };
    let sealed = consent::cookie(request).map(|browser| state.keys.seal(browser)).unwrap_or_default();
    let sent = params.one("csrf").unwrap_or_default();
    if sealed.is_empty() || !bool::from(sealed.as_bytes().ct_eq(sent.as_bytes())) {
        return consent::fault(StatusCode::FORBIDDEN, "this page belongs to another browser");
    }
    match found(state, params.one("user_code").unwrap_or_default()) {
        Ok((client, matter)) => consent::show(state, request, &client, matter),
        Err(refusal) => answer::marked(page::fault(refusal.status, refusal.error, refusal.why), refusal.error),
    }
}

/// The waiting device with this user code. Guessing is slow, or 34 bits would not be enough.
fn found(state: &State, typed: &str) -> Result<(Client, Matter), Refusal> {
    let now = state.now();
    let mut ledger = state.ledger();
    if ledger.misses_since(now.after(-60)) >= MOST_MISSES {
        let status = StatusCode::TOO_MANY_REQUESTS;
        return Err(Refusal { status, error: "slow_down", why: "too many wrong codes; wait a minute" });
    }
    let waiting = ledger.waiting(&compared(typed), now).map(|(key, device)| (key.clone(), device.ask.clone()));
    let known = waiting.and_then(|(key, ask)| Some((ledger.client(&ask.client)?, Matter::Device(ask, key))));
    if known.is_none() {
        ledger.miss(now);
    }
    known.ok_or(bad("invalid_user_code", "no device waits with this code"))
}

/// The person's answer on the page.
pub(super) fn decided(state: &State, key: &str, user: Option<&str>) -> Reply {
    let mut ledger = state.ledger();
    if let Some(device) = ledger.devices.get_mut(key) {
        device.decided.get_or_insert(user.map(str::to_owned));
    }
    page::end(if user.is_some() { "Your device is connected" } else { "Your device was not connected" })
}

/// Decides for the device with this user code, without a page; whether one was waiting.
pub(super) fn decide(state: &State, user_code: &str, user: Option<&str>) -> bool {
    let now = state.now();
    let mut ledger = state.ledger();
    let Some(key) = ledger.waiting(&compared(user_code), now).map(|(key, _)| key.clone()) else { return false };
    ledger.devices.get_mut(&key).is_some_and(|device| {
        device.decided = Some(user.map(str::to_owned));
        true
    })
}

/// What the token endpoint answers to a device (§3.5).
pub(super) fn poll(state: &State, client: &Client, params: &Params, jkt: Option<String>) -> Result<Value, Refusal> {
    let code = params.one("device_code").ok_or(bad("invalid_request", "device_code is missing"))?;
    let now = state.now();
    let key = fingerprint(code);
    let mut ledger = state.ledger();
    let device = ledger.devices.get_mut(&key).filter(|device| device.ask.client == client.id).ok_or(token::SPENT)?;
    if device.until <= now {
        return Err(bad("expired_token", "the code is over; ask for a new one"));
    }
    let early = now.since(device.polled) < device.interval;
    device.polled = now;
    if early {
        device.interval = device.interval.saturating_add(SLOWER);
        return Err(bad("slow_down", "that was too early; wait five seconds longer from now on"));
    }
    match device.decided.clone() {
        None => Err(bad("authorization_pending", "the person has not answered yet")),
        Some(None) => {
            ledger.devices.remove(&key);
            Err(bad("access_denied", "the person did not allow it"))
        }
        Some(Some(user)) => {
            // Taken away under the lock, so that one code becomes tokens once.
            let device = ledger.devices.remove(&key).ok_or(token::SPENT)?;
            drop(ledger);
            token::begin(state, token::Begun { ask: device.ask, subject: user, jkt }, params)
        }
    }
}
