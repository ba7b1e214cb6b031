//! A request to an endpoint that wants to know who asks: a form, the client's identity, one POST.
//!
//! Tokens, renewals, revocations, pushed requests and device logins all go through here, so that how a client identifies
//! itself (RFC 6749 §2.3) is decided once. What an answer means is left to the callers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header};
use tokio::time::Instant;
use url::Url;
use url::form_urlencoded::{self, Serializer, byte_serialize};
use zeroize::Zeroizing;

use super::assertion;
use super::client::{AuthMethod, Client};
use super::error::Error;
use super::foreign::host;
use super::json;
use super::token::{self, Tokens};
use crate::http::{Http, Limits};
use crate::secret::Secret;

/// What an endpoint said, with whatever status.
pub(super) type Answer = Response<Vec<u8>>;

/// One endpoint, and who asks it.
#[derive(Clone, Copy)]
pub(super) struct Endpoint<'a> {
    pub(super) http: &'a Http,
    pub(super) url: &'a Url,
    /// Who asks.
    pub(super) client: &'a Client,
    /// The endpoint's issuer: to whom an assertion of the client is addressed.
    pub(super) issuer: &'a str,
    /// Seconds since 1970: when an assertion or a proof is made.
    pub(super) now: i64,
    /// The key that the tokens are bound to, where they are.
    pub(super) proof: Option<&'a dyn Proof>,
}

/// Proves the possession of a key to an endpoint (RFC 9449 §4).
pub(super) trait Proof: Sync {
    /// A fresh `DPoP` header for one POST to `url` at `now`, with the nonce that this origin gave last, if it gave one.
    fn header(&self, url: &Url, now: i64) -> Result<HeaderValue, Error>;
    /// Takes the nonce that the origin of `url` wants in the next proof.
    fn take_nonce(&self, url: &Url, nonce: &str);
}

const DPOP: HeaderName = HeaderName::from_static("dpop");
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// Members of a form that say nothing that nobody may know.
const PUBLIC: [&str; 14] = [
    "grant_type",
    "client_id",
    "client_assertion_type",
    "redirect_uri",
    "resource",
    "scope",
    "token_type_hint",
    "response_type",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "acr_values",
    "max_age",
    "dpop_jkt",
];

impl Endpoint<'_> {
    /// Asks for tokens.
    pub(super) async fn tokens(&self, form: &[(&str, &str)]) -> Result<Tokens, Error> {
        let started = Instant::now();
        let read = |answer| token::read(&host(self.url), answer, started.elapsed(), self.proof.is_some());
        self.post(form, read).await
    }

    /// Sends the form with the client's identity and returns what is read in the answer, whatever its status. Nothing is
    /// followed, and a refusal that repeats what was sent loses it.
    ///
    /// Sent once: a code or a refresh token that arrives twice looks like theft and ends the grant (RFC 9700 §4.14). It
    /// is repeated only if nothing left this machine, or if the server, having done nothing, names the nonce that the
    /// proof must hold (RFC 9449 §8).
    pub(super) async fn post<T>(
        &self,
        form: &[(&str, &str)],
        read: impl FnOnce(Answer) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let (mut answer, mut sent) = self.send(form).await?;
        if let Some(proof) = self.proof
            && self.takes_nonce(proof, &answer)
            && wants_nonce(&answer)
        {
            (answer, sent) = self.send(form).await?;
            self.takes_nonce(proof, &answer);
        }
        read(answer).map_err(|error| error.without(&sent))
    }

    /// The answer, and the secrets that were sent.
    async fn send(&self, form: &[(&str, &str)]) -> Result<(Answer, Vec<Secret>), Error> {
        let request = self.request(form)?;
        let sent = self.secrets(&request);
        match self.http.send(request, Limits::TOKEN).await {
            Err(error) if error.nothing_was_sent() => {
                let request = self.request(form)?;
                let sent = self.secrets(&request);
                Ok((self.http.send(request, Limits::TOKEN).await?, sent))
            }
            outcome => Ok((outcome?, sent)),
        }
    }

    /// Every secret of the request, as it is and as it is written there.
    fn secrets(&self, request: &Request<Vec<u8>>) -> Vec<Secret> {
        let of_the_form = form_urlencoded::parse(request.body()).filter(|(name, _)| !PUBLIC.contains(&name.as_ref()));
        let of_the_form = of_the_form.map(|(_, value)| Secret::new(value));
        let headers =
            [header::AUTHORIZATION, DPOP].into_iter().filter_map(|name| request.headers().get(name)?.to_str().ok());
        let of_the_headers = headers.filter_map(|value| value.rsplit(' ').next()).map(Secret::new);
        let all: Vec<Secret> = of_the_form.chain(of_the_headers).chain(self.client.secret.clone()).collect();
        let written = |secret: &Secret| Secret::new(byte_serialize(secret.expose().as_bytes()).collect::<String>());
        let encoded: Vec<Secret> = all.iter().map(written).collect();
        all.into_iter().chain(encoded).collect()
    }

    fn takes_nonce(&self, proof: &dyn Proof, answer: &Answer) -> bool {
        let nonce = answer.headers().get(DPOP_NONCE).and_then(|nonce| nonce.to_str().ok());
        nonce.inspect(|nonce| proof.take_nonce(self.url, nonce)).is_some()
    }

    fn request(&self, form: &[(&str, &str)]) -> Result<Request<Vec<u8>>, Error> {
        let mut headers = HeaderMap::new();
        let mut identity = self.identity(&mut headers)?;
        // A pushed request names the client already (RFC 9126 §2.1), and no member may come twice (RFC 6749 §3.2).
        identity.retain(|(name, _)| form.iter().all(|(written, _)| written != name));
        let body = encode(form.iter().copied().chain(identity.iter().map(|(name, value)| (*name, value.expose()))));
        if let Some(proof) = self.proof {
            headers.insert(DPOP, proof.header(self.url, self.now)?);
        }
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(self.url.as_str())
            .body(body)
            .map_err(|_| Error::Network(crate::http::Error::Address { host: host(self.url) }))?;
        *request.headers_mut() = headers;
        Ok(request)
    }

    /// Who asks, in the header or as members of the form: never a secret in both (RFC 6749 §2.3).
    fn identity(&self, headers: &mut HeaderMap) -> Result<Vec<(&'static str, Secret)>, Error> {
        let id = || ("client_id", Secret::new(&self.client.id));
        let Client { secret, key, .. } = self.client;
        Ok(match (self.client.method, secret, key) {
            (AuthMethod::Basic, Some(secret), _) => {
                headers.insert(header::AUTHORIZATION, basic(&self.client.id, secret)?);
                Vec::new()
            }
            (AuthMethod::Post, Some(secret), _) => vec![id(), ("client_secret", secret.clone())],
            // Made for each request: a server takes an assertion once.
            (AuthMethod::PrivateKeyJwt, _, Some(key)) => vec![
                id(),
                ("client_assertion_type", Secret::new(assertion::KIND)),
                ("client_assertion", assertion::assertion(&self.client.id, key, self.issuer, self.now)?),
            ],
            // A public client is known by the id in its body.
            _ => vec![id()],
        })
    }
}

/// The body of a form, with room for all of it at once: a text that grows leaves copies of itself behind.
fn encode<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Vec<u8> {
    let room = pairs.clone().map(|(name, value)| name.len() + value.len() * 3 + 2).sum();
    let mut text = String::with_capacity(room);
    Serializer::new(&mut text).extend_pairs(pairs);
    text.into_bytes()
}

/// The `Authorization` header of RFC 6749 §2.3.1: both parts form-encoded before they are joined.
fn basic(id: &str, secret: &Secret) -> Result<HeaderValue, Error> {
    let encode = |text: &str| Zeroizing::new(byte_serialize(text.as_bytes()).collect::<String>());
    let pair = Zeroizing::new(format!("{}:{}", *encode(id), *encode(secret.expose())));
    let text = Zeroizing::new(format!("Basic {}", *Zeroizing::new(STANDARD.encode(pair.as_bytes()))));
    let mut value = HeaderValue::from_str(&text).map_err(|_| Error::Unusable { what: "client_secret" })?;
    value.set_sensitive(true);
    Ok(value)
}

fn wants_nonce(answer: &Answer) -> bool {
    matches!(answer.status().as_u16(), 400 | 401)
        && json::object(answer.body()).is_ok_and(|members| json::text(&members, "error") == Some("use_dpop_nonce"))
}

#[cfg(test)]
mod tests;
