//! One request with the connection's credential and headers: where they may travel, what a refusal means, what may be sent
//! again.
//!
//! They go to the connection's own origin, secrets over TLS or within this machine, and never follow a redirect.
//! What a service says in the body of a refusal is the business of its folder.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use ::http::header::{
    CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue, LOCATION, RETRY_AFTER,
};
use ::http::{Request, Response, StatusCode};
use url::Url;

use super::headers::Values;
use super::outside;
use super::{Connection, Credential, Error, Proof, Unavailable};
use crate::http::{Challenge, Error as Network, Limits, StepUp, Stream, challenges, is_safe};
use crate::secret::Secret;

const DPOP: HeaderName = HeaderName::from_static("dpop");
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
/// The longest wait that is worth holding a call for.
const SHORT: Duration = Duration::from_secs(5);
/// Waits before the second and the third try.
const BACK_OFF: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];
/// How much of a refusal is read, and for how long.
pub(super) const REFUSAL: Limits = Limits { time: Duration::from_secs(5), body: 64 << 10 };

/// What a request does, which decides whether it may be sent again after trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It changes nothing: sent up to three times.
    Read,
    /// It costs something: sent up to three times, as long as the service certainly did not do it.
    Paid,
    /// It may change something: sent once.
    Write,
}

/// Why a credential was withheld; reaches the caller as the source of [`Error::Credential`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Withheld {
    /// Somebody on the way could read it.
    #[error("a login is sent over https only, and `{host}` is not reached that way")]
    Unsafe {
        /// Which host.
        host: String,
    },
    /// It was issued for another service.
    #[error("the login belongs to another address than `{host}`")]
    Elsewhere {
        /// Which host.
        host: String,
    },
    /// It cannot be written into a header: a line break in it would add headers of its own.
    #[error("the login holds characters that cannot be sent")]
    Unsendable,
    /// It is bound to a key, and no proof of that key could be made.
    #[error("the possession of the login's key could not be proved")]
    Unproved,
}

/// Sends the request and reads the whole answer, whatever its status; see [`open`] and [`failure`].
///
/// Of an answer that is not a success, as much of the body as arrives: the status alone says enough.
pub async fn send(
    connection: &Connection,
    request: &Request<Vec<u8>>,
    kind: Kind,
    limits: Limits,
) -> Result<Response<Vec<u8>>, Error> {
    let mut stream = open(connection, request, kind, limits).await?;
    let host = host_of(&connection.url);
    let (status, headers) = (stream.status, std::mem::take(&mut stream.headers));
    let body = match status.is_success() {
        true => read(host, stream, limits).await?,
        false => read(host, stream, REFUSAL).await.unwrap_or_default(),
    };
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    Ok(answer)
}

/// Sends the request and returns when the headers are there, whatever the status, except that a redirect is an error.
///
/// A 401, or what the source of the credentials takes for the same, is answered once with another credential: the service
/// says that it did nothing.
pub async fn open(
    connection: &Connection,
    request: &Request<Vec<u8>>,
    kind: Kind,
    limits: Limits,
) -> Result<Stream, Error> {
    let mut pauses = BACK_OFF.into_iter().filter(|_| kind != Kind::Write);
    loop {
        let outcome = authorised(connection, request, limits).await;
        let Some(pause) = pause(&outcome, kind).and_then(|asked| Some((asked, pauses.next()?))) else {
            return outcome;
        };
        drop(outcome);
        tokio::time::sleep(match pause {
            (Some(asked), _) => asked,
            (None, ours) => ours.saturating_add(jitter(ours)),
        })
        .await;
    }
}

/// Reads the rest of an answer.
pub async fn read(host: String, mut stream: Stream, limits: Limits) -> Result<Vec<u8>, Error> {
    let whole = async {
        let mut body = Vec::new();
        while let Some(chunk) = stream.next().await? {
            if body.len().saturating_add(chunk.len()) > limits.body {
                return Err(Network::TooLarge { host: host.clone(), limit: limits.body });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    };
    match tokio::time::timeout(limits.time, whole).await {
        Ok(body) => Ok(body?),
        Err(_) => Err(Network::TimedOut { host, after: limits.time }.into()),
    }
}

/// What a status that is not a success means, with what the service `said` about it.
pub fn failure(host: String, status: StatusCode, headers: &HeaderMap, said: String) -> Error {
    match status.as_u16() {
        401 | 403 => {
            let said = if said.is_empty() { described(headers) } else { said };
            match (StepUp::of(headers), status) {
                (Some(wanted), _) => Error::StepUp { host, wanted, said },
                (None, StatusCode::UNAUTHORIZED) => Error::Rejected { host, said },
                (None, _) => Error::Forbidden { host, said },
            }
        }
        // 432 and 433 are how some services call a used-up plan.
        429 | 432 | 433 => Error::Limited { host, said, retry_after: retry_after(headers) },
        code @ 400..=499 => Error::Refused { host, code: i64::from(code), said },
        status @ 500..=599 => Error::Server { host, status, said },
        status => Error::Protocol { host, cause: format!("status {status} means nothing here") },
    }
}

/// Whether the answer is a web page, as captive portals and gateways send with any status.
pub fn is_web_page(headers: &HeaderMap, body: &[u8]) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|media| media.as_bytes().starts_with(b"text/html"))
        || body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
}

/// The host with its port, where it is not the usual one.
pub fn host_of(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => "?".to_owned(),
    }
}

async fn authorised(connection: &Connection, request: &Request<Vec<u8>>, limits: Limits) -> Result<Stream, Error> {
    let stream = signed_in(connection, request, limits).await?;
    // Who asked whether something is still the same is told so, and sent nowhere.
    if !stream.status.is_redirection() || stream.status == StatusCode::NOT_MODIFIED {
        return Ok(stream);
    }
    let target = stream.headers.get(LOCATION).and_then(|to| to.to_str().ok());
    let target = target.and_then(|to| connection.url.join(to).ok()).map_or_else(|| "?".to_owned(), |to| host_of(&to));
    let (host, target) = (host_of(&connection.url), outside::line(&target, 100));
    Err(match connection.credentials.is_refusal(request.extensions(), &stream) {
        true => Error::Rejected { host, said: format!("it sends to a login at `{target}`") },
        false => Error::Protocol { host, cause: format!("it redirects to `{target}`, and a call never follows") },
    })
}

async fn signed_in(connection: &Connection, request: &Request<Vec<u8>>, limits: Limits) -> Result<Stream, Error> {
    let source = &connection.credentials;
    let credential = source.credential().await.map_err(Error::unavailable)?;
    let mut values = connection.headers.values().await.map_err(Error::unavailable)?;
    let mut stream = proved(connection, request, (credential.as_ref(), &values), limits).await?;
    // A token that is good and does too little is not helped by a newer one of the same login.
    if StepUp::of(&stream.headers).is_some() {
        return Ok(stream);
    }
    if matches!(stream.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
        && let Some(others) = connection.headers.replace(&values).await.map_err(Error::unavailable)?
    {
        drop(stream);
        values = others;
        stream = proved(connection, request, (credential.as_ref(), &values), limits).await?;
    }
    let Some(credential) = credential else {
        return match &connection.headers.secret {
            Some(headers) if wants_no_token(&stream) => Err(Error::unavailable(headers.refused())),
            _ => Ok(stream),
        };
    };
    // Some services say only in the body whether it is the login that they refuse.
    if stream.status == StatusCode::FORBIDDEN {
        stream.look_ahead(REFUSAL).await;
    }
    if !source.is_refusal(request.extensions(), &stream) {
        return Ok(stream);
    }
    match source.replace(&credential).await.map_err(Error::unavailable)? {
        Some(another) => proved(connection, request, (Some(&another), &values), limits).await,
        None => Ok(stream),
    }
}

/// Whether a refusal is about something else than a token: no login would help.
fn wants_no_token(stream: &Stream) -> bool {
    stream.status == StatusCode::UNAUTHORIZED && !challenges(&stream.headers).iter().any(Challenge::wants_token)
}

/// Sends the request with this credential and these secret headers; once more if the service, having done nothing, names the nonce that the
/// proof must hold (RFC 9449 §9).
async fn proved(
    connection: &Connection,
    request: &Request<Vec<u8>>,
    (credential, values): (Option<&Credential>, &Values),
    limits: Limits,
) -> Result<Stream, Error> {
    let send = async || {
        let mut request = request.clone();
        dress(connection, &mut request, credential, values)?;
        Ok::<_, Error>(connection.http.stream(request, limits).await?)
    };
    let stream = send().await?;
    let Some(proof) = credential.and_then(|credential| credential.proof.as_ref()) else { return Ok(stream) };
    if !takes_nonce(connection, proof.as_ref(), &stream) || !wants_nonce(&stream) {
        return Ok(stream);
    }
    let stream = send().await?;
    takes_nonce(connection, proof.as_ref(), &stream);
    Ok(stream)
}

/// Remembers the nonce that came with any answer (RFC 9449 §8.2); whether one came.
fn takes_nonce(connection: &Connection, proof: &dyn Proof, stream: &Stream) -> bool {
    let nonce = stream.headers.get(DPOP_NONCE).and_then(|nonce| nonce.to_str().ok());
    nonce.inspect(|nonce| proof.take_nonce(&connection.url, nonce)).is_some()
}

fn wants_nonce(stream: &Stream) -> bool {
    stream.status == StatusCode::UNAUTHORIZED
        && challenges(&stream.headers).iter().any(|challenge| challenge.get("error") == Some("use_dpop_nonce"))
}

/// Puts the credential into the headers of a request, if it may travel to where the request goes.
pub fn attach<B>(connection: &Connection, request: &mut Request<B>, credential: &Credential) -> Result<(), Error> {
    dress(connection, request, Some(credential), &Values::default())
}

/// Puts the connection's headers, their secret values and the credential into a request, if they may travel to where it
/// goes.
fn dress<B>(
    connection: &Connection,
    request: &mut Request<B>,
    credential: Option<&Credential>,
    values: &Values,
) -> Result<(), Error> {
    let plain = &connection.headers.plain;
    if plain.is_empty() && values.is_empty() && credential.is_none() {
        return Ok(());
    }
    let withheld = |why: Withheld| Error::Credential(Unavailable(std::sync::Arc::new(why)));
    let host = || host_of(&connection.url);
    let target = crate::http::target(request).map_err(|_| Network::Address { host: host() })?;
    let is_own = target.origin() == connection.url.origin();
    for (name, value) in plain.iter().filter(|_| is_own) {
        // What the backend says of its request stays.
        request.headers_mut().entry(name).or_insert_with(|| value.clone());
    }
    if values.is_empty() && credential.is_none() {
        return Ok(());
    }
    // A token is only for the service it was issued for: anyone else who receives it can act as the person.
    if !is_own {
        return Err(withheld(Withheld::Elsewhere { host: host_of(&target) }));
    }
    if !is_safe(&target) {
        return Err(withheld(Withheld::Unsafe { host: host() }));
    }
    let unsendable = |_| withheld(Withheld::Unsendable);
    for (name, secret) in values.iter() {
        connection.sent.note_value(secret.expose());
        request.headers_mut().insert(name, sensitive(secret).map_err(unsendable)?);
    }
    let Some(credential) = credential else { return Ok(()) };
    // What opens sessions would be no login, and whoever reads headers on the way would have it.
    let name = credential.header.ok_or_else(|| withheld(Withheld::Unsendable))?;
    if let Some(proof) = &credential.proof {
        let header = proof.header(request.method().as_str(), &target).ok_or_else(|| withheld(Withheld::Unproved))?;
        request.headers_mut().insert(DPOP, header);
    }
    for (name, secret) in
        [(name, &credential.value)].into_iter().chain(credential.companion.as_ref().map(|(name, value)| (*name, value)))
    {
        connection.sent.note(secret.expose());
        request.headers_mut().insert(name, sensitive(secret).map_err(unsendable)?);
    }
    Ok(())
}

fn sensitive(secret: &Secret) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut value = HeaderValue::from_str(secret.expose())?;
    value.set_sensitive(true);
    Ok(value)
}

/// Whether a request may be sent again: `Some` with the wait the service asked for, if it did.
fn pause(outcome: &Result<Stream, Error>, kind: Kind) -> Option<Option<Duration>> {
    match outcome {
        Err(Error::Network(Network::Connect { .. } | Network::NotFound { .. })) => Some(None),
        Err(_) => None,
        Ok(stream) => {
            let asked = retry_after(&stream.headers);
            match (stream.status.as_u16(), asked) {
                // A gateway that lost the answer says nothing about whether the service behind it did what costs.
                (502..=504, _) if kind == Kind::Paid => None,
                (429 | 502..=504, Some(wait)) => (wait <= SHORT).then_some(Some(wait)),
                (502..=504, None) => Some(None),
                // Without a date, another request at once only adds to what the service complains about.
                _ => None,
            }
        }
    }
}

/// Up to half of `pause`, so that many callers do not come back at the same moment.
pub fn jitter(pause: Duration) -> Duration {
    let share = u32::from(RandomState::new().hash_one(0_u8).to_le_bytes()[0]);
    pause.saturating_mul(share) / 512
}

/// `Retry-After` in seconds or as a date (RFC 9110 §10.2.3). A date counts from the answer's own `Date`: the two
/// clocks may differ.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that does not fit is a very long time, not the absence of one.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::from(u32::MAX))));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let from = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?.trim()).ok()?;
    Some(until.duration_since(from).unwrap_or_default())
}

/// What the challenge says about itself (RFC 6750 §3), where the body says nothing.
fn described(headers: &HeaderMap) -> String {
    let all = challenges(headers);
    let text = all.iter().find_map(|challenge| challenge.get("error_description"));
    outside::line(text.unwrap_or_default(), outside::LONGEST)
}

#[cfg(test)]
mod tests;
