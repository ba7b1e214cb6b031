//! Connections to a service: straight to it, or by way of a proxy; over TLS where the address says so.
//!
//! What is reached by `https` is reached through a tunnel of the proxy, who sees nothing but the host's name; what is
//! reached by `http` is told to the proxy itself (RFC 9110 §7.6, §9.3.6).

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::header::USER_AGENT;
use http::uri::Scheme;
use http::{HeaderMap, HeaderValue, Uri};
use hyper::rt::{Read, Write};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;
use tower_service::Service;
use url::Url;

use super::proxies::Proxies;
use super::resolve::Resolver;
use super::{AGENT, Error};

/// How long a connection may take, with the proxy's tunnel and TLS.
const PATIENCE: Duration = Duration::from_secs(10);
/// When an open connection on which nothing moves is asked whether the other side is still there, and how often.
const ALIVE: Duration = Duration::from_secs(15);
const ALIVE_TRIES: u32 = 3;
/// How long what was sent may stay unconfirmed.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNCONFIRMED: Duration = Duration::from_secs(30);

type Boxed = Box<dyn StdError + Send + Sync>;

/// What a connection is made of, whichever way it goes.
pub(super) trait Io: Read + Write + Send + Unpin {}

impl<T: Read + Write + Send + Unpin> Io for T {}

/// Whom requests are handed to.
pub(super) enum Way {
    /// The service itself, always.
    Straight,
    /// The proxy that the environment names for it, if it names one.
    Named(Proxies),
    /// The proxy that the system's settings name.
    System(Box<Matcher>),
}

/// Makes connections.
pub(super) struct Connector {
    secure: HttpsConnector<HttpConnector<Resolver>>,
    tls: Arc<ClientConfig>,
    way: Way,
}

impl Connector {
    pub(super) fn new(resolver: Resolver, tls: ClientConfig, way: Way) -> Self {
        let mut plain = HttpConnector::new_with_resolver(resolver);
        plain.enforce_http(false);
        plain.set_nodelay(true);
        plain.set_connect_timeout(Some(PATIENCE));
        plain.set_keepalive(Some(ALIVE));
        plain.set_keepalive_interval(Some(ALIVE));
        plain.set_keepalive_retries(Some(ALIVE_TRIES));
        #[cfg(any(target_os = "linux", target_os = "android"))]
        plain.set_tcp_user_timeout(Some(UNCONFIRMED));
        let tls = Arc::new(tls);
        Self { secure: HttpsConnector::from((plain, Arc::clone(&tls))), tls, way }
    }

    /// The proxy on the way to this address.
    pub(super) fn proxy(&self, url: &Url, uri: &Uri) -> Result<Option<Intercept>, Error> {
        match &self.way {
            Way::Straight => Ok(None),
            Way::System(matcher) => Ok(matcher.intercept(uri)),
            Way::Named(proxies) => match proxies.choose(url) {
                None => Ok(None),
                // One that somebody asked for is not gone around.
                Some((variable, proxy)) => match Matcher::builder().all(proxy.as_str()).build().intercept(uri) {
                    None => Err(Error::Proxy { variable: variable.to_owned() }),
                    proxy => Ok(proxy),
                },
            },
        }
    }

    /// A connection to that host, or to its proxy.
    pub(super) async fn connect(&self, host: &str, uri: &Uri, proxy: Option<&Intercept>) -> Result<Box<dyn Io>, Error> {
        let name = proxy.map(named);
        let connecting = async {
            let Some(proxy) = proxy else { return called(self.secure.clone(), uri).await.map(boxed) };
            if !matches!(proxy.uri().scheme_str(), Some("http" | "https")) {
                return Err(
                    io::Error::new(io::ErrorKind::Unsupported, "a proxy of a kind that is not spoken here").into()
                );
            }
            match uri.scheme() == Some(&Scheme::HTTPS) {
                false => called(self.secure.clone(), proxy.uri()).await.map(boxed),
                true => called(self.tunnel(proxy), uri).await.map(boxed),
            }
        };
        let whole = async {
            let stream = connecting.await.map_err(|error| Error::unconnected(host, name.as_deref(), &*error))?;
            match proxy.is_some() && uri.scheme() == Some(&Scheme::HTTPS) {
                true => self.secured(stream, uri).await.map_err(|error| Error::unconnected(host, None, &error)),
                false => Ok(stream),
            }
        };
        match tokio::time::timeout(PATIENCE, whole).await {
            Ok(connected) => connected,
            Err(_) => Err(Error::unconnected(host, name.as_deref(), &io::Error::from(io::ErrorKind::TimedOut))),
        }
    }

    fn tunnel(&self, proxy: &Intercept) -> Tunnel<HttpsConnector<HttpConnector<Resolver>>> {
        let headers = HeaderMap::from_iter([(USER_AGENT, HeaderValue::from_static(AGENT))]);
        let tunnel = Tunnel::new(proxy.uri().clone(), self.secure.clone()).with_headers(headers);
        match proxy.basic_auth() {
            Some(credentials) => tunnel.with_auth(credentials.clone()),
            None => tunnel,
        }
    }

    /// TLS with the host of this address over what leads there.
    async fn secured(&self, stream: Box<dyn Io>, uri: &Uri) -> io::Result<Box<dyn Io>> {
        let host = uri.host().unwrap_or_default();
        let name = ServerName::try_from(host.trim_start_matches('[').trim_end_matches(']').to_owned());
        let name = name.map_err(io::Error::other)?;
        let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name, TokioIo::new(stream)).await?;
        Ok(Box::new(TokioIo::new(stream)))
    }
}

/// Host and port of a proxy.
fn named(proxy: &Intercept) -> String {
    let port = if proxy.uri().scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
    format!("{}:{}", proxy.uri().host().unwrap_or("?"), proxy.uri().port_u16().unwrap_or(port))
}

fn boxed(stream: impl Io + 'static) -> Box<dyn Io> {
    Box::new(stream)
}

async fn called<S: Service<Uri, Error: Into<Boxed>>>(mut service: S, uri: &Uri) -> Result<S::Response, Boxed> {
    std::future::poll_fn(|context| service.poll_ready(context)).await.map_err(Into::into)?;
    service.call(uri.clone()).await.map_err(Into::into)
}
