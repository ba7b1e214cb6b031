//! A login on another device (RFC 8628): a code for the person to type, and the patience to wait for them.
//!
//! The person compares the code, so it is always given to the caller, also where an address contains it (§3.3.1): a
//! login page that is opened with the code filled in could be somebody else's (§5.4).

use std::fmt;
use std::future::Future;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::{Instant, sleep_until};
use url::Url;

use super::client::Client;
use super::discovery::Server;
use super::dpop;
use super::endpoint::{Answer, Endpoint, Proof};
use super::error::Error;
use super::foreign::{clean, host, retry_after};
use super::json;
use super::token::{self, Tokens};
use crate::http::{self, Http};
use crate::secret::Secret;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// Between two polls where the server does not say (§3.2), and what is added when it wants us slower (§3.5).
const STEP: Duration = Duration::from_secs(5);
/// A server that counts from the arrival of a request must not find the next one early.
const MARGIN: Duration = Duration::from_millis(500);
/// No login waits longer for its person.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// What is asked for, and by whom.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The server.
    pub server: &'a Server,
    /// The client.
    pub client: &'a Client,
    /// The scopes to ask for.
    pub scopes: &'a [String],
    /// The resource to ask for (RFC 8707).
    pub resource: Option<&'a str>,
    /// Who the tokens are for, where the server wants to be told in this way.
    pub audience: Option<&'a str>,
    /// The key to bind the tokens to.
    pub binding: Option<&'a dpop::Key>,
    /// Seconds since 1970 when the request is made.
    pub now: i64,
}

/// A login that waits for the person on another device. One code has one poller: polling consumes it.
pub struct Device {
    /// What the person types, or compares.
    pub user_code: String,
    /// Where they type it.
    pub verification_uri: Url,
    /// The same with the code filled in; the code must be shown all the same.
    pub verification_uri_complete: Option<Url>,
    /// How long the code is good, counted from the request.
    pub expires_in: Duration,
    code: Secret,
    interval: Duration,
    asked: Instant,
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The user code decides who signs in: it is for the person and for no log.
        f.debug_struct("Device").field("verification_uri", &self.verification_uri.as_str()).finish_non_exhaustive()
    }
}

impl Request<'_> {
    fn endpoint<'a>(&'a self, http: &'a Http, url: &'a Url, now: i64) -> Endpoint<'a> {
        let issuer = &self.server.issuer;
        let proof = self.binding.map(|key| key as &dyn Proof);
        Endpoint { http, url, client: self.client, issuer, now, proof }
    }
}

/// Asks for a code (§3.1).
pub async fn begin(http: &Http, request: Request<'_>) -> Result<Device, Error> {
    let Some(url) = &request.server.device_authorization_endpoint else {
        return Err(Error::NoDeviceLogin { issuer: clean(&request.server.issuer) });
    };
    let scope = request.scopes.join(" ");
    let mut form: Vec<(&str, &str)> = Vec::new();
    form.extend(Some(("scope", scope.as_str())).filter(|_| !scope.is_empty()));
    form.extend(request.resource.map(|resource| ("resource", resource)));
    form.extend(request.audience.map(|audience| ("audience", audience)));
    let asked = Instant::now();
    // A proof belongs to the token endpoint (RFC 9449 §5).
    let endpoint = Endpoint { proof: None, ..request.endpoint(http, url, request.now) };
    let members = endpoint.post(&form, |answer| members(&host(url), &answer)).await?;
    let wrong = |what| Error::Malformed { host: host(url), what };
    let check = |name: &'static str, text: &str| request.server.reach.check(name, text);
    // Some servers still write the name of a draft.
    let address = json::text(&members, "verification_uri").or_else(|| json::text(&members, "verification_url"));
    let user_code = json::text(&members, "user_code").map(clean).filter(|code| !code.trim().is_empty());
    Ok(Device {
        user_code: user_code.ok_or_else(|| wrong("it has no code for the person"))?,
        verification_uri: check("verification_uri", address.ok_or_else(|| wrong("it has no address for the person"))?)?,
        verification_uri_complete: json::text(&members, "verification_uri_complete")
            .map(|text| check("verification_uri_complete", text))
            .transpose()?,
        expires_in: seconds(&members, "expires_in")
            .filter(|lifetime| !lifetime.is_zero())
            .ok_or_else(|| wrong("it does not say how long the code is good"))?,
        code: json::text(&members, "device_code").map(Secret::new).ok_or_else(|| wrong("it has no device code"))?,
        interval: seconds(&members, "interval").unwrap_or(STEP).max(Duration::from_secs(1)),
        asked,
    })
}

/// Waits for the person, asking as often as the server allows and no oftener (§3.4, §3.5), until they answered, the code
/// has run out or `stopped` is over. A request that is under way then is still awaited: its answer may hold tokens, and
/// nobody else would ever know of them.
pub async fn poll(
    http: &Http,
    request: Request<'_>,
    device: Device,
    stopped: impl Future<Output = ()>,
) -> Result<Tokens, Error> {
    tokio::pin!(stopped);
    let url = &request.server.token_endpoint;
    let form = [("grant_type", GRANT_TYPE), ("device_code", device.code.expose())];
    let form: Vec<(&str, &str)> =
        form.into_iter().chain(request.resource.map(|resource| ("resource", resource))).collect();
    let end = device.asked + device.expires_in;
    let expired = || Error::DeviceExpired { after: device.expires_in };
    let mut interval = device.interval;
    let mut pause = interval;
    loop {
        let next = Instant::now() + pause + MARGIN;
        // A code that has run out needs no server to say so.
        tokio::select! {
            () = sleep_until(next.min(end)) => {}
            () = &mut stopped => return Err(expired()),
        }
        if next >= end {
            return Err(expired());
        }
        let now = request.now.saturating_add(i64::try_from(device.asked.elapsed().as_secs()).unwrap_or(i64::MAX));
        let sent = Instant::now();
        let read = |answer| match judge(&answer) {
            Step::Over if is_expiry(&answer) => Err(expired()),
            Step::Over => finish(&request, answer, sent.elapsed()).map(Ok),
            step => Ok(Err(step)),
        };
        let step = match request.endpoint(http, url, now).post(&form, read).await {
            Ok(Ok(tokens)) => return Ok(tokens),
            Ok(Err(step)) => step,
            Err(error) => Step::of_failure(error)?,
        };
        (interval, pause) = step.next(interval);
    }
}

fn finish(request: &Request<'_>, answer: Answer, took: Duration) -> Result<Tokens, Error> {
    let host = host(&request.server.token_endpoint);
    let mut tokens = match token::read(&host, answer, took, request.binding.is_some()) {
        Err(Error::TokenEndpoint { code: Some(code), description, .. }) if is_denial(&code) => {
            return Err(Error::Denied { description });
        }
        outcome => outcome?,
    };
    if request.binding.is_some() {
        dpop::judge(&mut tokens);
    }
    tokens.settle(request.scopes, &request.server.habits);
    Ok(tokens)
}

/// One provider has a word of its own for it.
fn is_denial(code: &str) -> bool {
    code == "access_denied" || code == "authorization_declined"
}

/// What follows one poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// There is an answer, well or badly.
    Over,
    /// The person is not done.
    Pending,
    /// Slower, for good; not faster than the server's own interval.
    Slower { interval: Option<Duration>, retry_after: Option<Duration> },
    /// The server is in trouble.
    Trouble { retry_after: Option<Duration> },
    /// The connection timed out.
    Unreachable,
}

impl Step {
    /// Only what passes by itself is waited for: a certificate that is not trusted now will not be in a minute.
    fn of_failure(error: Error) -> Result<Self, Error> {
        use http::Error as E;
        match error {
            Error::Network(E::TimedOut { .. } | E::Connect { .. } | E::NotFound { .. } | E::Broken { .. }) => {
                Ok(Self::Unreachable)
            }
            other => Err(other),
        }
    }

    /// The interval from now on, and the wait before the next poll.
    fn next(self, interval: Duration) -> (Duration, Duration) {
        let longer = |by: Duration| interval.saturating_add(by).min(LONGEST);
        match self {
            Self::Over | Self::Pending => (interval, interval),
            Self::Slower { interval: asked, retry_after } => {
                let slower = longer(STEP).max(asked.unwrap_or_default());
                (slower, slower.max(retry_after.unwrap_or_default()))
            }
            Self::Trouble { retry_after: Some(asked) } => (interval, asked.max(interval)),
            Self::Trouble { retry_after: None } => (longer(STEP), longer(STEP)),
            Self::Unreachable => (longer(interval), longer(interval)),
        }
    }
}

/// Reads the error before the status: servers send these with 400, 429 and even 200.
fn judge(answer: &Answer) -> Step {
    let members = json::object(answer.body()).unwrap_or_default();
    let asked = || retry_after(answer.headers());
    match (answer.status().as_u16(), json::text(&members, "error")) {
        (_, Some("authorization_pending")) => match asked() {
            None => Step::Pending,
            retry_after => Step::Trouble { retry_after },
        },
        (_, Some("slow_down")) => Step::Slower { interval: seconds(&members, "interval"), retry_after: asked() },
        (_, Some("temporarily_unavailable" | "server_error")) | (408 | 425 | 429 | 500..=599, _) => {
            Step::Trouble { retry_after: asked() }
        }
        _ => Step::Over,
    }
}

fn is_expiry(answer: &Answer) -> bool {
    json::object(answer.body()).is_ok_and(|members| json::text(&members, "error") == Some("expired_token"))
}

/// The members of a success, or what the answer says instead.
fn members(host: &str, answer: &Answer) -> Result<Map<String, Value>, Error> {
    let (host, status) = (host.to_owned(), answer.status().as_u16());
    let members = json::object(answer.body());
    match (status, members) {
        (300..=399, _) => Err(Error::Redirected { host, status }),
        (408 | 425 | 429 | 500..=599, _) => {
            Err(Error::Server { host, status, retry_after: retry_after(answer.headers()) })
        }
        (_, Ok(members)) if members.get("error").is_some_and(|error| !error.is_null()) || status == 401 => {
            let said = |name| json::text(&members, name).map(clean);
            let (code, description) = (said("error"), said("error_description"));
            Err(Error::TokenEndpoint { host, status, code, description })
        }
        (200..=299, Ok(members)) => Ok(members),
        (401, Err(_)) => Err(Error::TokenEndpoint { host, status, code: None, description: None }),
        (200..=299, Err(_)) => Err(Error::NotJson { host, status }),
        _ => Err(Error::Status { host, status }),
    }
}

/// A number of seconds, from whatever servers write; `None` if it is none.
fn seconds(members: &Map<String, Value>, name: &str) -> Option<Duration> {
    let value = members.get(name)?;
    let seconds = value.as_f64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()))?;
    // Clamped, so that the sum with any moment is one.
    seconds.is_finite().then(|| Duration::from_secs_f64(seconds.clamp(0.0, LONGEST.as_secs_f64())))
}

#[cfg(test)]
mod tests;
