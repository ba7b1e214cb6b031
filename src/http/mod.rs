//! The one HTTP client of the process: trust, proxies, time and size limits, and errors in our own words.
//!
//! It follows no redirect, keeps no cookie and leaves the meaning of every answer to its callers. It is built on first
//! use, because reading the system's certificates costs milliseconds that `--help` and a starting `serve` do not have.
//! Errors never hold an address with its query, a header or a body.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, Uri};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use url::{Host, Position, Url};
use zeroize::Zeroizing;

use crate::machine::Environment;

mod awake;
mod challenge;
mod client;
mod connect;
mod error;
mod loopback;
mod name;
mod outgoing;
mod pin;
mod pool;
mod proxies;
mod range;
mod resolve;
#[cfg(test)]
mod tests;
mod trust;
mod upload;

pub use challenge::{Challenge, StepUp, challenges, scopes};
use client::{Clients, Line};
pub use error::Error;
pub use loopback::{Loopback, NotLoopback};
use outgoing::Outgoing;
pub use pin::{NotAPin, Pin, Presented};
use pool::Lease;
pub use proxies::Proxies;
pub use range::Range;
pub use trust::{Counted, TlsFault, Trust};
pub use upload::Pieces;

/// Who asks, as every request says.
const AGENT: &str = concat!("keyward/", env!("CARGO_PKG_VERSION"));

/// How long an exchange may take and how much of the answer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From the first byte sent to the last byte read; for a stream, to its headers.
    pub time: Duration,
    /// Bytes of the body; a longer one is an error, never a cut.
    pub body: usize,
}

impl Limits {
    /// For metadata: 10 s and 1 MiB.
    pub const METADATA: Self = Self { time: Duration::from_secs(10), body: 1 << 20 };
    /// For token, registration and revocation requests: 30 s and 1 MiB.
    pub const TOKEN: Self = Self { time: Duration::from_secs(30), body: 1 << 20 };
}

/// Sends requests. Clones share the connections.
#[derive(Clone)]
pub struct Http {
    clients: Arc<Clients>,
    near: Option<Arc<[String]>>,
    /// The one origin of which a certificate is expected.
    pinned: Option<(Arc<str>, Pin)>,
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.near {
            None => f.write_str("Http anywhere"),
            Some(hosts) => write!(f, "Http near {hosts:?}"),
        }
    }
}

impl Http {
    /// Remembers the proxy and certificate settings of `environment`; does nothing else yet.
    pub fn new(environment: &Environment) -> Self {
        Self { clients: Arc::new(Clients::new(environment, Arc::new(resolve::System))), near: None, pinned: None }
    }

    /// From now on also trusts the authorities in this file, here and in every clone.
    pub fn trust(&self, file: Option<&Path>) {
        self.clients.trust(file);
    }

    /// A client for addresses that a stranger's document names: it reaches public hosts, the `configured` ones, and
    /// those in the kinds of private network that the configured ones are in. Connections are not shared with clients
    /// that reach further.
    #[must_use]
    pub fn near<'a>(&self, configured: impl IntoIterator<Item = &'a Url>) -> Self {
        let hosts: BTreeSet<String> =
            configured.into_iter().filter_map(|url| url.host_str().map(String::from)).collect();
        Self { near: Some(hosts.into_iter().collect()), ..self.clone() }
    }

    /// A client for addresses that the person configured, wherever they are.
    #[must_use]
    pub fn anywhere(&self) -> Self {
        Self { near: None, ..self.clone() }
    }

    /// A client that takes this certificate of the host of `url` and no other, whoever signed it; all other hosts are
    /// judged as always. Connections are not shared with clients that expect another.
    #[must_use]
    pub fn pinned(&self, url: &Url, pin: Option<Pin>) -> Self {
        let origin: Arc<str> = url.origin().ascii_serialization().into();
        Self { pinned: pin.map(|pin| (origin, pin)), ..self.clone() }
    }

    /// The proxies that are in use.
    pub fn proxies(&self) -> &Proxies {
        self.clients.proxies()
    }

    /// Where trusted certificates come from.
    pub fn trusted(&self) -> Trust {
        self.clients.trusted()
    }

    /// Sends `request` once and reads the whole answer, whatever its status.
    pub async fn send(&self, request: Request<Vec<u8>>, limits: Limits) -> Result<Response<Vec<u8>>, Error> {
        let host = Error::host_of(request.uri());
        let exchange = async {
            let mut stream = self.begin(request, &host).await?;
            let mut body = Vec::new();
            while let Some(chunk) = stream.next().await? {
                if body.len().saturating_add(chunk.len()) > limits.body {
                    return Err(Error::TooLarge { host: host.clone(), limit: limits.body });
                }
                body.extend_from_slice(&chunk);
            }
            let mut answer = Response::new(body);
            *answer.status_mut() = stream.status;
            *answer.headers_mut() = stream.headers;
            Ok(answer)
        };
        match tokio::time::timeout(limits.time, exchange).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::TimedOut { host, after: limits.time }),
        }
    }

    /// Sends `request` once and returns when the headers are there; the body is read piece by piece.
    pub async fn stream(&self, request: Request<Vec<u8>>, limits: Limits) -> Result<Stream, Error> {
        let host = Error::host_of(request.uri());
        match tokio::time::timeout(limits.time, self.begin(request, &host)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::TimedOut { host, after: limits.time }),
        }
    }

    async fn begin(&self, request: Request<Vec<u8>>, host: &str) -> Result<Stream, Error> {
        // Many bodies are forms with a secret in them.
        self.execute(request.map(|body| Outgoing::Whole(Bytes::from_owner(Zeroizing::new(body)))), host).await
    }

    async fn execute(&self, mut request: Request<Outgoing>, host: &str) -> Result<Stream, Error> {
        let address = || Error::Address { host: host.to_owned() };
        let url = taken(&mut request).map_err(|_| address())?;
        // What is judged here is what is connected to, whatever other readers would make of how it was written.
        if !says(request.uri(), url.as_str()) {
            *request.uri_mut() = url[..Position::AfterQuery].parse().map_err(|_| address())?;
        }
        let pin = self.pinned.as_ref().filter(|(origin, _)| **origin == *url.origin().ascii_serialization());
        let line = match &self.near {
            _ if let Some((_, pin)) = pin => {
                Line::Pinned(*pin, url.host_str().unwrap_or_default().into(), is_loopback(&url))
            }
            // Nothing is resolved on the way to a loopback address, and no proxy is asked, whatever the system says.
            _ if is_loopback(&url) => Line::Local,
            Some(hosts) => Line::Near(Arc::clone(hosts)),
            None => Line::Open,
        };
        let (answer, lease) = self.clients.get(line)?.exchange(host, &url, request).await?;
        let (head, body) = answer.into_parts();
        let mut stream = Stream {
            status: head.status,
            headers: head.headers,
            host: host.to_owned(),
            body,
            lease: Some(lease),
            early: None,
            sending: None,
        };
        stream.end_if_read();
        Ok(stream)
    }
}

/// Where a request goes. It is read once: whoever asks next finds it among the request's extensions, and takes it only if it
/// is exactly what the request says.
pub fn target<B>(request: &mut Request<B>) -> Result<Url, url::ParseError> {
    let url = taken(request)?;
    request.extensions_mut().insert(url.clone());
    Ok(url)
}

/// The same for who needs it last.
fn taken<B>(request: &mut Request<B>) -> Result<Url, url::ParseError> {
    let known = request.extensions_mut().remove::<Url>().filter(|known| says(request.uri(), known.as_str()));
    known.map_or_else(|| Url::parse(&request.uri().to_string()), Ok)
}

/// Whether the address reads like this text.
fn says(uri: &Uri, text: &str) -> bool {
    let rest = uri.scheme_str().and_then(|scheme| text.strip_prefix(scheme)?.strip_prefix("://"));
    let rest = rest.and_then(|rest| rest.strip_prefix(uri.authority()?.as_str()));
    rest.is_some_and(|rest| uri.path_and_query().is_some_and(|path| path.as_str() == rest))
}

/// An answer whose body is still arriving.
pub struct Stream {
    /// The status code.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    host: String,
    body: Incoming,
    /// The connection, until the body is read.
    lease: Option<Lease>,
    /// What was read ahead of the body's reader.
    early: Option<Bytes>,
    /// Ends what is still being sent when nobody waits for the answer any more.
    sending: Option<upload::Hold>,
}

impl Stream {
    /// The next piece of the body; `None` at its end.
    pub async fn next(&mut self) -> Result<Option<impl AsRef<[u8]> + std::ops::Deref<Target = [u8]> + use<>>, Error> {
        if let Some(early) = self.early.take() {
            return Ok(Some(early));
        }
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|error| Error::broken(&self.host, &error))?;
            self.end_if_read();
            // Trailers say nothing that anybody here asks for.
            if let Ok(piece) = frame.into_data() {
                return Ok(Some(piece));
            }
        }
        self.end();
        Ok(None)
    }

    /// Gives the connection back after the last of a body whose length was said.
    fn end_if_read(&mut self) {
        if self.body.is_end_stream() {
            self.end();
        }
    }

    fn end(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.end();
        }
    }

    /// Reads the beginning of the body ahead: as much as arrives within these limits. Whoever reads the body gets it all
    /// the same.
    pub async fn look_ahead(&mut self, limits: Limits) {
        let mut seen = Vec::new();
        let reading = async {
            while let Ok(Some(piece)) = self.next().await {
                seen.extend_from_slice(&piece);
                if seen.len() >= limits.body {
                    break;
                }
            }
        };
        // Whatever ends it, what has arrived is what there is to see.
        let _ = tokio::time::timeout(limits.time, reading).await;
        self.early = (!seen.is_empty()).then(|| seen.into());
    }

    /// What was read ahead.
    pub fn ahead(&self) -> &[u8] {
        self.early.as_deref().unwrap_or_default()
    }
}

/// Whether the address names this machine, by a loopback literal or by `localhost`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Whether a credential may travel to this address: over TLS, or without leaving this machine.
pub fn is_safe(url: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url))
}
