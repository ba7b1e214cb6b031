//! Opening a session at the Portal, and asking whose it is (reference: Portal API, "Authentication").
//!
//! Cookies are taken from the answer to a successful login and from nowhere else: whatever the Portal answers to somebody
//! without a session carries the cookie of a new and empty one. No redirect is followed.

use std::time::Duration;

use http::header::{CONTENT_TYPE, COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use http::{HeaderName, Method, Request, Response, StatusCode};
use serde::Serialize;
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::kept::Kept;
use super::{Address, Scope, fields, said, wire};
use crate::backends::http::{Withheld, failure, is_web_page};
use crate::backends::{Error, Sent, Unavailable, outside};
use crate::http::{Error as Network, Http, Limits, is_safe};
use crate::secret::Secret;

const LIMITS: Limits = Limits { time: Duration::from_secs(30), body: 1 << 20 };
/// The cookie that is the session.
const SESSION: &str = "JSESSIONID";
/// What must come back with every request after a login by ticket.
pub(super) const TOKEN: &str = "x-ctera-token";
/// The most cookies of one login, and the longest of them.
const MOST_COOKIES: usize = 8;
const LONGEST_COOKIE: usize = 4_096;

/// A session that is open.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    /// The value of the header `Cookie`.
    pub(super) cookie: Secret,
    /// The value of the header `X-CTERA-TOKEN`, where one is wanted.
    pub(super) token: Option<Secret>,
}

/// Whose a session is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Who {
    /// The name with which they sign in.
    pub(super) user: String,
    /// Their directory, for users of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) domain: Option<String>,
    /// What they may do, as the Portal calls it: `EndUser`, `ReadWriteAdmin` and so on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<String>,
    /// The portal that their account belongs to, as the Portal refers to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) portal: Option<String>,
    /// After how many minutes without use the session ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) idle_minutes: Option<u64>,
    /// The most that a public link may allow, as the Portal calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) most_for_links: Option<String>,
}

impl Who {
    /// `alice@example.com`, or `alice` for somebody without a directory.
    pub(super) fn account(&self) -> String {
        match &self.domain {
            Some(domain) if !self.user.contains('@') => format!("{}@{domain}", self.user),
            _ => self.user.clone(),
        }
    }

    /// Reads the object `PortalSession`; `None` if it is another.
    pub(super) fn of(session: &Value) -> Option<Self> {
        let line = |name: &str| fields::text(session, name).map(|text| outside::line(&text, 200));
        let reference = line("userRef");
        Some(Self {
            user: line("username").filter(|user| !user.is_empty())?,
            domain: line("domain"),
            role: line("role"),
            portal: reference.and_then(|reference| reference.split('/').nth(2).map(String::from)),
            idle_minutes: fields::number(session, "idleTimeout"),
            most_for_links: line("maxLinkPermission"),
        })
    }
}

/// Opens a session, or takes up the one that is kept. Of the latter nobody knows yet whether it is still open.
pub(super) async fn open(http: &Http, address: &Address, kept: &Kept) -> Result<Opened, Error> {
    match kept {
        Kept::Login { user, password } => {
            let form = form(&[("j_username", user), ("j_password", password.expose())]);
            let answer = post(http, address, &address.api("/login"), form).await?;
            let cookie = admitted(address, &answer)?;
            Ok(Opened { cookie, token: None })
        }
        Kept::Session { cookie, token } => {
            let value = cookie.expose();
            let is_named = value.contains(&format!("{SESSION}="));
            let cookie = if is_named { value.to_owned() } else { format!("{SESSION}={value}") };
            Ok(Opened { cookie: Secret::new(cookie), token: token.clone() })
        }
    }
}

impl Opened {
    /// Takes note of what is secret in it, so that no answer repeats it.
    pub(super) fn note(&self, sent: &Sent) {
        let values = self.cookie.expose().split("; ").filter_map(|pair| pair.split_once('='));
        values.for_each(|(_, value)| sent.note(value));
    }
}

/// Opens a session with a ticket, which is used up by it (reference: "SSO ticket login").
pub(super) async fn with_ticket(http: &Http, address: &Address, ticket: &Secret) -> Result<Opened, Error> {
    let form = form(&[("ctera_ticket", ticket.expose())]);
    let answer = post(http, address, &address.at("/ServicesPortal/sso"), form).await?;
    // The page that a browser would be sent to is of no interest.
    let is_sent_on = answer.status().is_redirection() && !leads_to_login(&answer);
    let cookie = match is_sent_on {
        true => cookies(answer.headers()).ok_or_else(|| no_cookie(address))?,
        false => admitted(address, &answer)?,
    };
    let opened = Opened { cookie, token: None };
    let (_, token) = who(http, address, &opened).await?;
    Ok(Opened { token, ..opened })
}

/// Whose the session is, and the token that the Portal wants with it from now on, if it names one.
pub(super) async fn who(http: &Http, address: &Address, opened: &Opened) -> Result<(Who, Option<Secret>), Error> {
    let request = Request::get(address.api("/currentSession?format=jsonext"));
    let request = request.body(Vec::new()).map_err(|_| unsendable(address))?;
    let answer = sent(http, address, (request, opened)).await?;
    let (status, headers) = (answer.status(), answer.headers());
    if status.is_redirection()
        || status == StatusCode::UNAUTHORIZED
        || (status.is_success() && is_web_page(headers, b""))
    {
        return Err(Error::Rejected { host: address.host(), said: "the session is not open".to_owned() });
    }
    if !status.is_success() {
        return Err(failure(address.host(), status, headers, said(answer.body())));
    }
    let wrong = |cause: &str| Error::Protocol { host: address.host(), cause: cause.to_owned() };
    let session = wire::parse(answer.body()).map_err(wrong)?;
    let who = Who::of(&session).ok_or_else(|| wrong("it does not say who is signed in"))?;
    let token = headers.get(TOKEN).and_then(|token| token.to_str().ok()).filter(|token| !token.is_empty());
    Ok((who, token.map(Secret::new).or_else(|| opened.token.clone())))
}

/// Ends a session at the Portal. That it has ended already is as good.
pub(super) async fn close(http: &Http, address: &Address, opened: &Opened) -> Result<(), Error> {
    let request = Request::post(address.api("/logout")).body(Vec::new()).map_err(|_| unsendable(address))?;
    let answer = sent(http, address, (request, opened)).await?;
    match answer.status() {
        status if status.is_success() || status.is_redirection() || status == StatusCode::UNAUTHORIZED => Ok(()),
        status => Err(failure(address.host(), status, answer.headers(), said(answer.body()))),
    }
}

/// Sends a request with the session.
pub(super) async fn sent(
    http: &Http,
    address: &Address,
    (mut request, opened): (Request<Vec<u8>>, &Opened),
) -> Result<Response<Vec<u8>>, Error> {
    dress(&mut request, opened).ok_or_else(|| unsendable(address))?;
    exchange(http, address, request).await
}

/// Attaches the session to a request.
fn dress(request: &mut Request<Vec<u8>>, opened: &Opened) -> Option<()> {
    let token = opened.token.iter().map(|token| (HeaderName::from_static(TOKEN), token));
    for (name, secret) in token.chain([(COOKIE, &opened.cookie)]) {
        let mut value = HeaderValue::from_str(secret.expose()).ok()?;
        value.set_sensitive(true);
        request.headers_mut().insert(name, value);
    }
    Some(())
}

/// A form as the body of a request.
pub(super) fn form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

async fn post(http: &Http, address: &Address, url: &str, form: String) -> Result<Response<Vec<u8>>, Error> {
    let mut request = Request::new(form.into_bytes());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = url.parse().map_err(|_| unsendable(address))?;
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    exchange(http, address, request).await
}

/// Sends what holds a secret, if it may travel there.
pub(super) async fn exchange(
    http: &Http,
    address: &Address,
    request: Request<Vec<u8>>,
) -> Result<Response<Vec<u8>>, Error> {
    let url = Url::parse(&request.uri().to_string()).map_err(|_| unsendable(address))?;
    if !is_safe(&url) {
        let why = Withheld::Unsafe { host: address.host() };
        return Err(Error::Credential(Unavailable(std::sync::Arc::new(why))));
    }
    Ok(http.send(request, LIMITS).await?)
}

/// The cookies of a login that succeeded.
fn admitted(address: &Address, answer: &Response<Vec<u8>>) -> Result<Secret, Error> {
    let (host, status) = (address.host(), answer.status());
    match status.as_u16() {
        // Whichever of these it is, it says no to the name and the password.
        401 | 403 => Err(Error::Rejected { host, said: said(answer.body()) }),
        300..=399 if leads_to_login(answer) => {
            Err(Error::Rejected { host, said: "it sends to its login page".to_owned() })
        }
        300..=399 => Err(Error::Protocol { host, cause: "it answers a login with a redirect".to_owned() }),
        // Whatever cookie comes with a page, it is not that of a login.
        200..=299 if is_web_page(answer.headers(), b"x") => {
            Err(Error::Rejected { host, said: "it shows its login page".to_owned() })
        }
        200..=299 => cookies(answer.headers()).ok_or_else(|| no_cookie(address)),
        404 => Err(Error::Protocol { host, cause: "there is no CTERA Portal at this address".to_owned() }),
        _ => Err(failure(host, status, answer.headers(), said(answer.body()))),
    }
}

fn leads_to_login(answer: &Response<Vec<u8>>) -> bool {
    let target = answer.headers().get(http::header::LOCATION).and_then(|target| target.to_str().ok());
    target.is_some_and(|target| target.contains("login"))
}

fn no_cookie(address: &Address) -> Error {
    Error::Protocol {
        host: address.host(),
        cause: "it gave no session: is this the address of a CTERA Portal?".to_owned(),
    }
}

fn unsendable(address: &Address) -> Error {
    Network::Address { host: address.host() }.into()
}

/// The header `Cookie` for what a login set: the session, and what else keeps the person at the same server.
fn cookies(headers: &HeaderMap) -> Option<Secret> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte);
    let mut all: Vec<(&str, &str)> = Vec::new();
    for set in headers.get_all(SET_COOKIE).iter().take(MOST_COOKIES) {
        let pair = set.to_str().ok().and_then(|set| set.split(';').next());
        let Some((name, value)) = pair.and_then(|pair| pair.trim().split_once('=')) else { continue };
        if value.is_empty()
            || pair.is_some_and(|pair| pair.len() > LONGEST_COOKIE)
            || !name.bytes().chain(value.bytes()).all(is_plain)
        {
            continue;
        }
        all.retain(|(known, _)| *known != name);
        all.push((name, value));
    }
    all.iter().any(|(name, _)| *name == SESSION).then(|| {
        let pairs: Vec<String> = all.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Secret::new(pairs.join("; "))
    })
}

/// The value of a session's cookie, as a person may paste it: alone or with its name. `None` if it cannot be one.
pub(super) fn session_of(pasted: &str) -> Option<Secret> {
    let pasted = pasted.trim();
    let value = pasted.strip_prefix(SESSION).map_or(Some(pasted), |rest| rest.trim_start().strip_prefix('='))?;
    let value = value.trim().trim_end_matches(';');
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\",;\\=".contains(&byte);
    (!value.is_empty() && value.len() <= LONGEST_COOKIE && value.bytes().all(is_plain)).then(|| Secret::new(value))
}

impl Address {
    /// An address below the API of this part of the Portal.
    pub(super) fn api(&self, rest: &str) -> String {
        self.at(&format!("/{}/api{rest}", self.scope.word()))
    }
}

/// Whether the way of signing in makes sense in this part of the Portal.
pub(super) fn is_possible(scope: Scope, kept: &Kept) -> bool {
    scope == Scope::User || !matches!(kept, Kept::Login { user, .. } if user.starts_with("device\\"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn set(values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (SET_COOKIE, HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn cookies_of_a_login_are_kept_together_and_others_are_no_session() {
        let all = set(&[
            "JSESSIONID=abc.node1; Path=/ServicesPortal; Secure; HttpOnly",
            "LB=7; Path=/",
            "bad=a\"b",
            "JSESSIONID=abd",
        ]);
        assert_eq!(cookies(&all).expect("a session").expose(), "LB=7; JSESSIONID=abd");
        assert!(cookies(&set(&["LB=7", "JSESSIONID=", "JSESSIONID"])).is_none());
        assert!(cookies(&HeaderMap::new()).is_none());
    }

    #[test]
    fn a_pasted_session_is_taken_with_its_name_or_without() {
        for pasted in ["ABC123.n1", " ABC123.n1\n", "JSESSIONID=ABC123.n1", "JSESSIONID = ABC123.n1;"] {
            assert_eq!(session_of(pasted).expect("a session").expose(), "ABC123.n1");
        }
        for pasted in ["", "a b", "a=b", "JSESSIONID", "JSESSIONID=a; other=b", "a\r\nX: y"] {
            assert!(session_of(pasted).is_none(), "{pasted}");
        }
    }

    #[test]
    fn who_is_signed_in_is_read_from_both_kinds_of_accounts() {
        let session = json!({
            "$class": "PortalSession", "username": "alice", "domain": "example.com", "role": "EndUser", "idleTimeout": "15",
            "userRef": "objs/5986/acme/ADUser/alice", "maxLinkPermission": "ReadOnly",
        });
        let who = Who::of(&session).expect("somebody");
        assert_eq!(
            (who.account().as_str(), who.portal.as_deref(), who.idle_minutes),
            ("alice@example.com", Some("acme"), Some(15))
        );
        let local = Who::of(&json!({"username": "bob@example.com", "domain": "x"})).expect("somebody");
        assert_eq!(local.account(), "bob@example.com");
        assert_eq!(Who::of(&json!({"rc": "1"})), None);
    }
}
