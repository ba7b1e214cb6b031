//! Asking the person: one page is one decision, made in the browser that was shown it.
//!
//! The page's form carries a token that only the page has, and the browser a cookie that only the browser has. Another
//! site, or another program that fetched a page of its own, cannot make this browser decide (RFC 6749 §10.12, 10.13).

use http::header::{COOKIE, HeaderValue, ORIGIN, SET_COOKIE};
use http::{Method, StatusCode};
use subtle::ConstantTimeEq as _;

use super::answer::{self, BROKEN};
use super::client::Client;
use super::ledger::{Consent, Matter};
use super::page::{self, Fields, Question};
use super::params::Params;
use super::registration::media_type;
use super::state::State;
use super::{authorize, device, logout};
use crate::backends::fake::{Received, Reply};

/// How long a page may be looked at, in seconds.
const OPEN: i64 = 600;
const COOKIE_NAME: &str = "keyward_sandbox";
const LONGEST_NAME: usize = 64;

/// Shows the page.
pub(super) fn show(state: &State, request: &Received, client: &Client, matter: Matter) -> Reply {
    let name = client.metadata.name.as_deref().unwrap_or("A client without a name");
    open(state, request, matter, |matter, fields| match matter {
        Matter::Login(ask) | Matter::Device(ask, _) => page::question(&Question {
            client: name,
            redirect: (!ask.redirect.is_empty()).then_some(ask.redirect.as_str()),
            resources: &ask.resources,
            scope: &ask.scope,
            fields,
        }),
        Matter::Logout(_) => page::logout(fields),
    })
}

/// Opens a page that asks for a decision, and gives its browser a cookie.
pub(super) fn open(
    state: &State,
    request: &Received,
    matter: Matter,
    shown: impl Fn(&Matter, &Fields<'_>) -> Reply,
) -> Reply {
    let random = || state.keys.random().ok();
    let (Some(browser), Some(ticket), Some(csrf)) = (browser(state, request), random(), random()) else {
        return BROKEN.reply();
    };
    let target = format!("{}/consent", state.base);
    let reply = shown(&matter, &Fields { ticket: &ticket, csrf: &csrf, target: &target });
    let now = state.now();
    let consent = Consent { matter, csrf, browser: browser.clone(), opened: now };
    state.ledger().open_consent(ticket, consent, now.after(-OPEN));
    with_cookie(state, reply, &browser)
}

/// The browser by its cookie, or a new name for it. Several pages in one browser share its cookie, so that a second one
/// does not close the first.
pub(super) fn browser(state: &State, request: &Received) -> Option<String> {
    cookie(request).map(str::to_owned).filter(|value| value.len() == 43).or_else(|| state.keys.random().ok())
}

/// The reply with the browser's cookie.
pub(super) fn with_cookie(state: &State, mut reply: Reply, browser: &str) -> Reply {
    let cookie = format!("{COOKIE_NAME}={browser}; Path={}; HttpOnly; SameSite=Lax", state.path());
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        reply.headers_mut().insert(SET_COOKIE, cookie);
    }
    reply
}

/// `POST` of the page's form.
pub(super) fn answer(state: &State, request: &Received) -> Reply {
    if request.method() != Method::POST {
        return answer::wrong_method("POST");
    }
    let params = match form(state, request) {
        Ok(params) => params,
        Err(reply) => return *reply,
    };
    let Some(matter) = decided(state, request, &params) else {
        return fault(
            StatusCode::FORBIDDEN,
            "this page was already answered, is too old or belongs to another browser",
        );
    };
    let user = params.one("user").unwrap_or_default().trim();
    // Anything but a clear yes is a no.
    let allowed = params.one("decision") == Some("allow");
    if allowed && !is_name(user) && !matches!(matter, Matter::Logout(_)) {
        return fault(StatusCode::BAD_REQUEST, "a user name is 1 to 64 letters, digits or . _ @ -; start again");
    }
    match matter {
        Matter::Login(ask) if allowed => authorize::allowed(state, ask, user),
        Matter::Login(ask) => authorize::denied(state, &ask),
        Matter::Device(_, key) => device::decided(state, &key, allowed.then_some(user)),
        Matter::Logout(back) => logout::decided(allowed, back.as_deref()),
    }
}

/// The form of a page of ours; the refusal if it is broken or came from another site.
pub(super) fn form(state: &State, request: &Received) -> Result<Params, Box<Reply>> {
    let form = media_type(request).is_some_and(|media| media == "application/x-www-form-urlencoded");
    let params = Params::of(request.body()).filter(|params| form && !params.has_repeated());
    let Some(params) = params else {
        return Err(Box::new(fault(StatusCode::BAD_REQUEST, "the form could not be read")));
    };
    // A browser says where a form came from; a page of another site is turned away before anything is looked up.
    if request.headers().get(ORIGIN).is_some_and(|origin| origin.as_bytes() != state.url.as_bytes()) {
        return Err(Box::new(fault(StatusCode::FORBIDDEN, "this form came from another site")));
    }
    Ok(params)
}

/// What the page asked for, if this form is its answer; the page is then closed.
fn decided(state: &State, request: &Received, params: &Params) -> Option<Matter> {
    let (ticket, csrf, browser) = (params.one("ticket")?, params.one("csrf")?, cookie(request)?);
    let oldest = state.now().after(-OPEN);
    let mut ledger = state.ledger();
    let open = ledger.consent(ticket)?;
    let same = open.csrf.as_bytes().ct_eq(csrf.as_bytes()) & open.browser.as_bytes().ct_eq(browser.as_bytes());
    if !bool::from(same) || open.opened <= oldest {
        return None;
    }
    ledger.close_consent(ticket).map(|consent| consent.matter)
}

/// The value of our cookie.
pub(super) fn cookie(request: &Received) -> Option<&str> {
    let headers = request.headers().get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = headers.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE_NAME).map(|(_, value)| value)
}

fn is_name(user: &str) -> bool {
    (1..=LONGEST_NAME).contains(&user.len())
        && user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte))
}

pub(super) fn fault(status: StatusCode, why: &str) -> Reply {
    answer::marked(page::fault(status, "consent not accepted", why), "consent_refused")
}
