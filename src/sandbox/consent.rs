//! Asking the person: one page is one decision, made in the browser that was shown it.
//!
//! The page's form carries a token that only the page has, and the browser a cookie that only the browser has. Another
//! site, or another program that fetched a page of its own, cannot make this browser decide (RFC 6749 §10.12, 10.13).

use http::header::{COOKIE, HeaderValue, ORIGIN, SET_COOKIE};
use http::{Method, StatusCode};
use subtle::ConstantTimeEq as _;

use super::answer::{self, BROKEN};
use super::authorize;
use super::client::Client;
use super::ledger::{Ask, Consent};
use super::page::{self, Question};
use super::params::Params;
use super::registration::media_type;
use super::state::State;
use crate::backends::fake::{Received, Reply};

/// How long a page may be looked at, in seconds.
const OPEN: i64 = 600;
const COOKIE_NAME: &str = "keyward_sandbox";
const LONGEST_NAME: usize = 64;

/// Shows the page.
pub(super) fn show(state: &State, request: &Received, client: &Client, ask: Ask) -> Reply {
    let random = || state.keys.random().ok();
    // Several pages in one browser share its cookie, so that a second one does not close the first.
    let browser = cookie(request).map(str::to_owned).filter(|value| value.len() == 43).or_else(random);
    let (Some(browser), Some(ticket), Some(csrf)) = (browser, random(), random()) else { return BROKEN.reply() };
    let question = Question {
        client: client.metadata.name.as_deref().unwrap_or("A client without a name"),
        redirect: &ask.redirect,
        resources: &ask.resources,
        scope: &ask.scope,
        ticket: &ticket,
        csrf: &csrf,
        target: &format!("{}/consent", state.issuer),
    };
    let mut reply = page::question(&question);
    let cookie = format!("{COOKIE_NAME}={browser}; Path=/as; HttpOnly; SameSite=Lax");
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        reply.headers_mut().insert(SET_COOKIE, cookie);
    }
    let now = state.now();
    state.ledger().open_consent(ticket, Consent { ask, csrf, browser, opened: now }, now.after(-OPEN));
    reply
}

/// `POST` of the page's form.
pub(super) fn answer(state: &State, request: &Received) -> Reply {
    if request.method() != Method::POST {
        return answer::wrong_method("POST");
    }
    let form = media_type(request).is_some_and(|media| media == "application/x-www-form-urlencoded");
    let params = Params::of(request.body()).filter(|params| form && !params.has_repeated());
    let Some(params) = params else {
        return fault(StatusCode::BAD_REQUEST, "the form could not be read");
    };
    // A browser says where a form came from; a page of another site is turned away before anything is looked up.
    if request.headers().get(ORIGIN).is_some_and(|origin| origin.as_bytes() != state.url.as_bytes()) {
        return fault(StatusCode::FORBIDDEN, "this form came from another site");
    }
    let Some(ask) = decided(state, request, &params) else {
        return fault(
            StatusCode::FORBIDDEN,
            "this page was already answered, is too old or belongs to another browser",
        );
    };
    match (params.one("decision"), params.one("user").unwrap_or_default().trim()) {
        (Some("allow"), user) if is_name(user) => authorize::allowed(state, ask, user),
        (Some("allow"), _) => {
            fault(StatusCode::BAD_REQUEST, "a user name is 1 to 64 letters, digits or . _ @ -; start again")
        }
        // Anything but a clear yes is a no.
        _ => authorize::denied(state, &ask),
    }
}

/// What the page asked for, if this form is its answer; the page is then closed.
fn decided(state: &State, request: &Received, params: &Params) -> Option<Ask> {
    let (ticket, csrf, browser) = (params.one("ticket")?, params.one("csrf")?, cookie(request)?);
    let oldest = state.now().after(-OPEN);
    let mut ledger = state.ledger();
    let open = ledger.consent(ticket)?;
    let same = open.csrf.as_bytes().ct_eq(csrf.as_bytes()) & open.browser.as_bytes().ct_eq(browser.as_bytes());
    if !bool::from(same) || open.opened <= oldest {
        return None;
    }
    ledger.close_consent(ticket).map(|consent| consent.ask)
}

fn cookie(request: &Received) -> Option<&str> {
    let headers = request.headers().get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = headers.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE_NAME).map(|(_, value)| value)
}

fn is_name(user: &str) -> bool {
    (1..=LONGEST_NAME).contains(&user.len())
        && user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte))
}

fn fault(status: StatusCode, why: &str) -> Reply {
    answer::marked(page::fault(status, "consent not accepted", why), "consent_refused")
}
