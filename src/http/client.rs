//! The clients behind [`super::Http`], made when they are needed: one for this machine, one for what the person
//! configured, and one for each configured host's neighbourhood.
//!
//! They are apart because a connection is reused by its host's name: one that was made by a request that may reach far
//! must not serve a request that may not. The certificates are read once for all of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use http::header::{ACCEPT, HOST, PROXY_AUTHORIZATION, USER_AGENT};
use http::uri::{Authority, Parts, Scheme};
use http::{HeaderValue, Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use url::{Position, Url};

use super::awake::Waiting;
use super::connect::{Connector, Way};
use super::outgoing::Outgoing;
use super::pin::Pin;
use super::pool::{Lease, Open, Pool};
use super::proxies::Proxies;
use super::resolve::{Guarded, Lookup, Resolver};
use super::trust::Trust;
use super::{AGENT, Error};
use crate::machine::Environment;

/// Which of the clients a request needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Line {
    /// To a loopback address.
    Local,
    /// To anywhere.
    Open,
    /// To the public network and to the neighbourhood of these hosts.
    Near(Arc<[String]>),
    /// To this host, of which this certificate is expected; whether it is this machine.
    Pinned(Pin, Arc<str>, bool),
}

pub(super) struct Clients {
    proxies: Proxies,
    lookup: Arc<dyn Lookup>,
    made: Mutex<Made>,
}

struct Made {
    trust: Trust,
    config: Option<ClientConfig>,
    clients: BTreeMap<Line, Arc<Client>>,
}

impl Clients {
    pub(super) fn new(environment: &Environment, lookup: Arc<dyn Lookup>) -> Self {
        let made = Made { trust: Trust::of(environment), config: None, clients: BTreeMap::new() };
        Self { proxies: Proxies::of(environment), lookup, made: Mutex::new(made) }
    }

    pub(super) fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    pub(super) fn trusted(&self) -> Trust {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).trust.clone()
    }

    /// Trusts another file; what was made under the old trust is not used again.
    pub(super) fn trust(&self, file: Option<&Path>) {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.trust.extra.as_deref() != file {
            let trust = Trust { extra: file.map(Path::to_path_buf), ..made.trust.clone() };
            *made = Made { trust, config: None, clients: BTreeMap::new() };
        }
    }

    /// The client of that line. A failure is not remembered: the file may be mended while `serve` runs.
    pub(super) fn get(&self, line: Line) -> Result<Arc<Client>, Error> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = made.clients.get(&line) {
            return Ok(Arc::clone(client));
        }
        let config = match (&line, &made.config) {
            (Line::Pinned(pin, host, _), _) => {
                let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
                let name = ServerName::try_from(bare).map_err(|_| Error::Address { host: host.to_string() })?;
                made.trust.config(Some((*pin, name)))?
            }
            (_, Some(config)) => config.clone(),
            (_, None) => {
                let config = made.trust.config(None)?;
                made.config.insert(config).clone()
            }
        };
        let client = Arc::new(self.build(&line, config)?);
        made.clients.insert(line, Arc::clone(&client));
        Ok(client)
    }

    fn build(&self, line: &Line, config: ClientConfig) -> Result<Client, Error> {
        let way = match line {
            Line::Local | Line::Pinned(_, _, true) => Way::Straight,
            _ if !self.proxies.is_empty() => {
                self.proxies.check()?;
                Way::Named(self.proxies.clone())
            }
            // Only macOS and Windows have settings of their own to look for.
            _ if cfg!(any(target_os = "macos", windows)) => Way::System(Box::new(Matcher::from_system())),
            _ => Way::Straight,
        };
        let lookup = Arc::clone(&self.lookup);
        let resolver = match line {
            Line::Near(near) => {
                let (near, proxies) = (Arc::clone(near), self.proxies.clone());
                Resolver::Guarded(Arc::new(Guarded { lookup, near, proxies }))
            }
            _ => Resolver::Open(lookup),
        };
        let waiting = match line {
            Line::Local | Line::Pinned(_, _, true) => Waiting::beside_us(),
            _ => Waiting::default(),
        };
        Ok(Client { connector: Connector::new(resolver, config, way), pool: Arc::new(Pool::new(waiting)) })
    }
}

/// One client: how it connects, and its open connections.
pub(super) struct Client {
    connector: Connector,
    pool: Arc<Pool>,
}

impl Client {
    /// Sends the request to this address, which is its own, and returns when the headers of the answer are there.
    pub(super) async fn exchange(
        &self,
        host: &str,
        url: &Url,
        mut request: Request<Outgoing>,
    ) -> Result<(Response<Incoming>, Lease), Error> {
        let uri = std::mem::take(request.uri_mut());
        let proxy = self.connector.proxy(url, &uri)?;
        prepare(&mut request, &uri, proxy.as_ref())?;
        let origin = &url[..Position::BeforePath];
        loop {
            let (mut open, is_new) = match self.pool.take(origin) {
                Some(open) => (open, false),
                None => match self.connected(host, &uri, proxy.as_ref()).await {
                    Ok(sender) => (Open { sender, is_quick: false }, true),
                    // Where no more connections are accepted, one may have become free meanwhile.
                    Err(error) => (self.pool.take(origin).ok_or(error)?, false),
                },
            };
            let answer = open.sender.try_send_request(request);
            let (answer, is_quick) = self.pool.waiting.until(answer, open.is_quick).await;
            match answer {
                Ok(answer) => return Ok((answer, self.pool.lease(origin, Open { is_quick, ..open }))),
                Err(mut error) => match (error.take_message(), is_new) {
                    // The other side closed it while it waited, and nothing was sent.
                    (Some(unsent), false) => request = unsent,
                    (Some(_), true) => return Err(Error::unconnected(host, None, &error.into_error())),
                    (None, _) => return Err(Error::broken(host, &error.into_error())),
                },
            }
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that makes an HTTP connection")]
    async fn connected(
        &self,
        host: &str,
        uri: &Uri,
        proxy: Option<&Intercept>,
    ) -> Result<SendRequest<Outgoing>, Error> {
        let stream = self.connector.connect(host, uri, proxy).await?;
        let (sender, connection) =
            Builder::new().handshake(stream).await.map_err(|error| Error::broken(host, &error))?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                log::debug!("a connection ended: {error}");
            }
        });
        Ok(sender)
    }
}

/// The form of the address that its first reader expects (RFC 9112 §3.2), and the headers that every request has.
fn prepare(request: &mut Request<Outgoing>, uri: &Uri, proxy: Option<&Intercept>) -> Result<(), Error> {
    let address = || Error::Address { host: Error::host_of(uri) };
    let authority = uri.authority().ok_or_else(address)?.as_str();
    // Who signs in is no part of where the request goes.
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = HeaderValue::from_str(host).map_err(|_| address())?;
    let told = proxy.filter(|_| uri.scheme() == Some(&Scheme::HTTP));
    let mut form = Parts::default();
    form.path_and_query = uri.path_and_query().cloned();
    if told.is_some() {
        form.scheme = uri.scheme().cloned();
        form.authority = Some(Authority::try_from(host.as_bytes()).map_err(|_| address())?);
    }
    *request.uri_mut() = Uri::from_parts(form).map_err(|_| address())?;
    let mut add = |name, value| {
        request.headers_mut().entry(name).or_insert(value);
    };
    add(HOST, host);
    add(USER_AGENT, HeaderValue::from_static(AGENT));
    add(ACCEPT, HeaderValue::from_static("*/*"));
    if let Some(credentials) = told.and_then(Intercept::basic_auth) {
        add(PROXY_AUTHORIZATION, credentials.clone());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::time::Duration;

    use bytes::Bytes;
    use hyper_util::rt::TokioIo;
    use rustls::crypto::ring::default_provider;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::super::resolve::System;
    use super::*;

    fn config() -> ClientConfig {
        ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth()
    }

    /// A connection that is in use, and its other end.
    #[expect(clippy::disallowed_methods, reason = "a connection of the test's own")]
    async fn open(pool: &Arc<Pool>, url: &Url) -> (Lease, tokio::io::DuplexStream) {
        let (near, far) = tokio::io::duplex(1024);
        let near: Box<dyn super::super::connect::Io> = Box::new(TokioIo::new(near));
        let (mut sender, connection) = Builder::new().handshake(near).await.expect("a connection");
        tokio::spawn(connection);
        sender.ready().await.expect("ready");
        (pool.lease(&url[..Position::BeforePath], Open { sender, is_quick: false }), far)
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "a connection of the test's own")]
    async fn a_request_that_its_connection_has_not_taken_goes_over_another() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = Url::parse(&format!("http://{}/", listener.local_addr().expect("a port"))).expect("an address");
        let server = std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().expect("a connection");
            let mut seen = [0; 4096];
            let count = socket.read(&mut seen).expect("a request");
            socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").expect("written");
            String::from_utf8_lossy(&seen[..count]).into_owned()
        });
        let connector = Connector::new(Resolver::Open(Arc::new(System)), config(), Way::Straight);
        let client = Client { connector, pool: Arc::default() };
        // A connection that waits, and that nobody drives from here on.
        let (near, _far) = tokio::io::duplex(64);
        let near: Box<dyn super::super::connect::Io> = Box::new(TokioIo::new(near));
        let (mut sender, connection) = Builder::new().handshake(near).await.expect("a connection");
        let mut connection = Box::pin(connection);
        tokio::select! {
            biased;
            _ = &mut connection => panic!("it ended"),
            ready = sender.ready() => ready.expect("ready"),
        }
        client.pool.lease(&url[..Position::BeforePath], Open { sender, is_quick: false }).end();
        let body = Outgoing::Whole(Bytes::from_static(b"once"));
        let request = Request::post(url.as_str()).body(body).expect("a request");
        let mut exchange = Box::pin(client.exchange("host", &url, request));
        tokio::select! {
            biased;
            _ = &mut exchange => panic!("nobody can have answered"),
            () = std::future::ready(()) => drop(connection),
        }
        let (answer, _) = exchange.await.expect("an answer");
        assert_eq!(answer.status(), 204);
        let seen = server.join().expect("no panic");
        assert!(seen.starts_with("POST / HTTP/1.1\r\n") && seen.ends_with("\r\n\r\nonce"), "{seen}");
    }

    #[tokio::test]
    async fn a_connection_whose_last_answer_came_at_once_is_waited_for_awake() {
        let url = Url::parse("http://127.0.0.1/").expect("an address");
        for (at_once, expected) in [(Duration::MAX, true), (Duration::ZERO, false)] {
            let pool = Arc::new(Pool::new(Waiting::with(at_once)));
            let (lease, mut far) = open(&pool, &url).await;
            lease.end();
            tokio::spawn(async move {
                while far.read(&mut [0; 1024]).await.is_ok_and(|size| size > 0) {
                    for _ in 0..100 {
                        tokio::task::yield_now().await;
                    }
                    far.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.expect("written");
                }
            });
            let connector = Connector::new(Resolver::Open(Arc::new(System)), config(), Way::Straight);
            let client = Client { connector, pool };
            for is_awake in [false, expected] {
                let request = Request::get(url.as_str()).body(Outgoing::Whole(Bytes::new())).expect("a request");
                let (mut looks, mut exchange) = (0, Box::pin(client.exchange("host", &url, request)));
                let exchange = std::future::poll_fn(|context| {
                    looks += 1;
                    exchange.as_mut().poll(context)
                });
                exchange.await.expect("an answer").1.end();
                assert_eq!(looks > 50, is_awake, "{looks} looks, {at_once:?}");
            }
        }
    }

    #[test]
    fn what_is_beyond_this_machine_is_never_waited_for_awake() {
        let clients = Clients::new(&Environment::of::<&str, &str>([]), Arc::new(System));
        let at_once = |line| clients.get(line).expect("a client").pool.waiting.at_once();
        assert_eq!(at_once(Line::Local), Waiting::beside_us().at_once());
        for line in [Line::Open, Line::Near(Arc::new(["localhost".to_owned()]))] {
            assert_eq!(at_once(line), Duration::ZERO);
        }
    }

    /// Knows no name, and frees a connection when it is asked.
    struct Freeing(Mutex<Option<Lease>>);

    impl Lookup for Freeing {
        fn lookup<'a>(&'a self, _: &'a str) -> super::super::resolve::Found<'a> {
            self.0.lock().expect("no panic").take().expect("asked once").end();
            Box::pin(std::future::ready(Err(std::io::ErrorKind::NotFound.into())))
        }
    }

    #[tokio::test]
    async fn where_no_connection_can_be_made_one_that_became_free_is_used() {
        let url = Url::parse("http://service.example/").expect("an address");
        let pool = Arc::<Pool>::default();
        let (lease, mut far) = open(&pool, &url).await;
        let connector =
            Connector::new(Resolver::Open(Arc::new(Freeing(Mutex::new(Some(lease))))), config(), Way::Straight);
        let client = Client { connector, pool };
        let request = Request::get(url.as_str()).body(Outgoing::Whole(Bytes::new())).expect("a request");
        let served = tokio::spawn(async move {
            let _ = far.read(&mut [0; 1024]).await;
            let _ = far.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
            far
        });
        let (answer, _) = client.exchange("host", &url, request).await.expect("an answer");
        assert_eq!(answer.status(), 204);
        drop(served);
    }
}
