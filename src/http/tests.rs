//! Trust, proxies and reach, against real TLS servers and real sockets.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;

use super::resolve::tests::Book;
use super::*;

mod connections;

/// A certificate authority that no system knows.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn named(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    fn in_file(&self, folder: &tempfile::TempDir) -> PathBuf {
        let path = folder.path().join("authority.pem");
        std::fs::write(&path, &self.pem).expect("written");
        path
    }

    /// A server with a certificate for these hosts, changed by `change`.
    fn serves(&self, hosts: &[&str], change: impl Fn(&mut CertificateParams)) -> SocketAddr {
        let key = KeyPair::generate().expect("a key");
        let mut params = params(hosts);
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        tls(vec![certificate.der().clone()], &key)
    }
}

fn params(hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(hosts).expect("names");
    params.distinguished_name.push(DnType::CommonName, "server");
    params
}

/// A server with this chain that answers every request with `hello`.
fn tls(chain: Vec<rustls::pki_types::CertificateDer<'static>>, key: &KeyPair) -> SocketAddr {
    speaking(rustls::DEFAULT_VERSIONS, chain, key)
}

/// The same with these versions of TLS.
fn speaking(
    versions: &[&'static rustls::SupportedProtocolVersion],
    chain: Vec<rustls::pki_types::CertificateDer<'static>>,
    key: &KeyPair,
) -> SocketAddr {
    let config = showing(versions, chain, key);
    listen(move |mut socket| {
        let session = rustls::ServerConnection::new(Arc::clone(&config)).expect("a session");
        let mut stream = rustls::StreamOwned::new(session, &mut socket);
        if head(&mut stream).is_some() {
            let _ = stream.write_all(HELLO);
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    })
}

/// TLS of these versions that shows this chain.
fn showing(
    versions: &[&'static rustls::SupportedProtocolVersion],
    chain: Vec<rustls::pki_types::CertificateDer<'static>>,
    key: &KeyPair,
) -> Arc<rustls::ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_protocol_versions(versions);
    let config = config.expect("versions").with_no_client_auth();
    Arc::new(config.with_cert_resolver(Arc::new(Shown::new(chain, key))))
}

/// Shows this chain, whether or not the key belongs to it.
#[derive(Debug)]
struct Shown(Arc<rustls::sign::CertifiedKey>);

impl Shown {
    fn new(chain: Vec<rustls::pki_types::CertificateDer<'static>>, key: &KeyPair) -> Self {
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let key = rustls::crypto::ring::sign::any_supported_type(&key).expect("a key");
        Self(Arc::new(rustls::sign::CertifiedKey::new(chain, key)))
    }
}

impl rustls::server::ResolvesServerCert for Shown {
    fn resolve(&self, _: rustls::server::ClientHello<'_>) -> Option<Arc<rustls::sign::CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";

fn listen(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || listener.incoming().flatten().for_each(&serve));
    address
}

fn head(stream: &mut impl Read) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0; 1];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

async fn ask(http: &Http, url: &str) -> Result<String, Error> {
    let request = Request::get(url).body(Vec::new()).expect("a request");
    let answer = http.send(request, Limits::METADATA).await?;
    Ok(String::from_utf8_lossy(answer.body()).into_owned())
}

fn http(variables: &[(&str, &str)]) -> Http {
    Http::new(&Environment::of(variables.iter().copied()))
}

/// What is wrong with the TLS of that server, for one who trusts the authority.
async fn fault(authority: &Authority, url: &str) -> Option<TlsFault> {
    let folder = tempfile::tempdir().expect("a folder");
    let http = http(&[]);
    http.trust(Some(&authority.in_file(&folder)));
    match ask(&http, url).await {
        Ok(_) => None,
        Err(Error::Tls { fault, .. }) => Some(fault),
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn s49_each_fault_of_a_certificate_has_its_own_name() {
    let authority = Authority::named("Corp Root");
    let at = |address: SocketAddr| format!("https://127.0.0.1:{}/", address.port());
    let good = authority.serves(&["127.0.0.1"], |_| {});
    assert_eq!(fault(&authority, &at(good)).await, None);

    let wrong_host = authority.serves(&["other.example", "www.other.example"], |_| {});
    let names = vec!["other.example".to_owned(), "www.other.example".to_owned()];
    assert_eq!(fault(&authority, &at(wrong_host)).await, Some(TlsFault::WrongHost { names }));

    let expired = authority.serves(&["127.0.0.1"], |params| params.not_after = date_time_ymd(2020, 1, 1));
    let found = fault(&authority, &at(expired)).await;
    assert!(matches!(found, Some(TlsFault::Expired { days: Some(2000..) })), "{found:?}");

    let early = authority.serves(&["127.0.0.1"], |params| params.not_before = date_time_ymd(4000, 1, 1));
    assert_eq!(fault(&authority, &at(early)).await, Some(TlsFault::NotYetValid));

    let middlebox = Authority::named("Middlebox CA").serves(&["127.0.0.1"], |_| {});
    let issuer = Some("Middlebox CA".to_owned());
    assert_eq!(fault(&authority, &at(middlebox)).await, Some(TlsFault::UnknownIssuer { issuer }));
}

#[tokio::test]
async fn s49_a_self_signed_certificate_is_called_that_whether_or_not_it_claims_to_be_an_authority() {
    let authority = Authority::named("Corp Root");
    for is_ca in [IsCa::ExplicitNoCa, IsCa::NoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        let key = KeyPair::generate().expect("a key");
        let mut params = params(&["127.0.0.1"]);
        params.is_ca = is_ca;
        let address = tls(vec![params.self_signed(&key).expect("a certificate").der().clone()], &key);
        let found = fault(&authority, &format!("https://{address}/")).await;
        assert_eq!(found, Some(TlsFault::SelfSigned { issuer: Some("server".to_owned()) }));
    }
}

#[tokio::test]
async fn s49_of_a_chain_the_missing_authority_is_named() {
    let root = Authority::named("Corp Root");
    let key = KeyPair::generate().expect("a key");
    let mut middle = CertificateParams::default();
    middle.distinguished_name.push(DnType::CommonName, "Corp Issuing");
    middle.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let middle_certificate = middle.signed_by(&key, &root.issuer).expect("a certificate").der().clone();
    let middle = Issuer::new(middle, key);
    let key = KeyPair::generate().expect("a key");
    let leaf = params(&["127.0.0.1"]).signed_by(&key, &middle).expect("a certificate").der().clone();
    let url = |address| format!("https://{address}/");
    let whole = tls(vec![leaf.clone(), middle_certificate], &key);
    assert_eq!(fault(&root, &url(whole)).await, None);
    let stranger = Authority::named("Stranger");
    let unknown = |issuer: &str| Some(TlsFault::UnknownIssuer { issuer: Some(issuer.to_owned()) });
    assert_eq!(fault(&stranger, &url(whole)).await, unknown("Corp Root"));
    // A server that forgot its intermediate is recognised by the name that is missing then.
    assert_eq!(fault(&root, &url(tls(vec![leaf], &key))).await, unknown("Corp Issuing"));
}

#[tokio::test]
async fn s49_old_tls_and_no_tls_are_told_apart() {
    let authority = Authority::named("Corp Root");
    // An alert `protocol_version`, as a server of TLS 1.1 sends it.
    let old = listen(|mut socket| {
        let mut hello = [0; 5];
        let _ = socket.read_exact(&mut hello);
        let _ = socket.write_all(&[0x15, 3, 2, 0, 2, 2, 70]);
    });
    assert_eq!(fault(&authority, &format!("https://{old}/")).await, Some(TlsFault::TooOld));
    let plain = listen(|mut socket| {
        let mut hello = [0; 5];
        let _ = socket.read_exact(&mut hello);
        let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    assert_eq!(fault(&authority, &format!("https://{plain}/")).await, Some(TlsFault::NotTls));
}

/// A certificate that signed itself, its server and its pin.
fn own(
    hosts: &[&str],
    change: impl Fn(&mut CertificateParams),
) -> (SocketAddr, Pin, Vec<rustls::pki_types::CertificateDer<'static>>) {
    let key = KeyPair::generate().expect("a key");
    let mut params = params(hosts);
    change(&mut params);
    let chain = vec![params.self_signed(&key).expect("a certificate").der().clone()];
    (tls(chain.clone(), &key), Pin::of(&chain[0]), chain)
}

fn expecting(address: SocketAddr, pin: Pin) -> Http {
    http(&[]).pinned(&Url::parse(&format!("https://{address}/x")).expect("an address"), Some(pin))
}

#[tokio::test]
async fn a_pinned_certificate_is_taken_whoever_signed_it_for_whichever_name_and_time() {
    for change in [
        (|_: &mut CertificateParams| {}) as fn(&mut CertificateParams),
        |params| params.not_after = date_time_ymd(2020, 1, 1),
        |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained),
    ] {
        let (address, pin, _) = own(&["appliance.example"], change);
        assert_eq!(ask(&expecting(address, pin), &format!("https://{address}/")).await.as_deref(), Ok("hello"));
    }
}

#[tokio::test]
async fn beside_a_pin_no_other_certificate_counts_and_for_other_hosts_the_pin_does_not() {
    let authority = Authority::named("Corp Root");
    let folder = tempfile::tempdir().expect("a folder");
    let trusted = authority.serves(&["127.0.0.1"], |_| {});
    let (address, pin, _) = own(&["127.0.0.1"], |_| {});
    let url = |address: SocketAddr| format!("https://{address}/");
    // A certificate that is trusted is not the one that is expected.
    let http = expecting(trusted, pin);
    http.trust(Some(&authority.in_file(&folder)));
    let error = ask(&http, &url(trusted)).await.expect_err("another certificate");
    assert!(
        matches!(&error, Error::Tls { fault: TlsFault::Changed { expected, .. }, .. } if **expected == pin),
        "{error:?}"
    );
    // The pin of one port is none of another's, and whom the system trusts is trusted there.
    let error = ask(&http, &url(address)).await.expect_err("nobody vouches for it");
    assert!(matches!(error, Error::Tls { fault: TlsFault::SelfSigned { .. }, .. }), "{error:?}");
    let elsewhere = expecting(address, pin);
    elsewhere.trust(Some(&authority.in_file(&folder)));
    assert_eq!(ask(&elsewhere, &url(trusted)).await.as_deref(), Ok("hello"));
    let near = elsewhere.near([&Url::parse(&url(address)).expect("an address")]).anywhere();
    assert_eq!(ask(&near, &url(address)).await.as_deref(), Ok("hello"), "a pin outlives a change of reach");
}

#[tokio::test]
async fn a_pinned_certificate_without_its_key_is_worth_nothing() {
    let (_, pin, chain) = own(&["127.0.0.1"], |_| {});
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let thief = speaking(&[version], chain.clone(), &KeyPair::generate().expect("another key"));
        let error = ask(&expecting(thief, pin), &format!("https://{thief}/")).await.expect_err("no key");
        assert!(matches!(error, Error::Tls { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_refused_certificate_comes_with_what_a_person_compares() {
    let (address, pin, _) = own(&["127.0.0.1"], |params| params.not_after = date_time_ymd(2031, 2, 3));
    let error = ask(&http(&[]), &format!("https://{address}/")).await.expect_err("nobody vouches for it");
    let Error::Tls { presented: Some(presented), .. } = error else { panic!("{error:?}") };
    let server = Some("server".to_owned());
    let expected = Presented { pin, subject: server.clone(), issuer: server, until: Some("2031-02-03".to_owned()) };
    assert_eq!(*presented, expected);
}

#[tokio::test]
async fn a_file_of_authorities_that_cannot_be_used_is_named_with_the_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ca.pem");
    let whole = Authority::named("Corp Root").pem;
    let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (text, part) in [
        (None, "not found"),
        (Some(""), "no certificate in PEM form"),
        (Some("<html>"), "no certificate in PEM form"),
        (Some(whole.split_at(whole.len() / 2).0), "not whole"),
        (Some(damaged), "damaged"),
    ] {
        let _ = std::fs::remove_file(&path);
        if let Some(text) = text {
            std::fs::write(&path, text).expect("written");
        }
        let extra = http(&[]);
        extra.trust(Some(&path));
        let instead = http(&[("SSL_CERT_FILE", path.to_str().expect("text"))]);
        for (http, wanted) in [(extra, "--ca-file"), (instead, "SSL_CERT_FILE")] {
            match ask(&http, "https://127.0.0.1:9/").await {
                Err(Error::Certificates { from, path: named, why }) => {
                    assert_eq!((from, &named), (wanted, &path));
                    assert!(why.contains(part), "{text:?}: {why}");
                }
                other => panic!("{text:?}: {other:?}"),
            }
        }
    }
    std::fs::write(&path, &whole).expect("written");
    let mended = http(&[]);
    mended.trust(Some(&path));
    assert_eq!(mended.trusted().count(), Ok(Counted { instead: None, extra: 1 }));
}

#[tokio::test]
async fn the_variables_replace_the_system_and_the_file_adds_to_either() {
    let (one, two) = (Authority::named("One"), Authority::named("Two"));
    let (first, second) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let (one_file, two_file) = (one.in_file(&first), two.in_file(&second));
    std::fs::write(first.path().join("README"), "not a certificate").expect("written");
    let of_one = format!("https://{}/", one.serves(&["127.0.0.1"], |_| {}));
    let of_two = format!("https://{}/", two.serves(&["127.0.0.1"], |_| {}));
    for variable in [("SSL_CERT_FILE", one_file.to_str()), ("SSL_CERT_DIR", first.path().to_str())] {
        let http = http(&[(variable.0, variable.1.expect("text"))]);
        assert_eq!(ask(&http, &of_one).await.as_deref(), Ok("hello"), "{variable:?}");
        assert!(matches!(ask(&http, &of_two).await, Err(Error::Tls { .. })), "{variable:?}");
        http.trust(Some(&two_file));
        assert_eq!(ask(&http, &of_one).await.as_deref(), Ok("hello"), "{variable:?}");
        assert_eq!(ask(&http, &of_two).await.as_deref(), Ok("hello"), "{variable:?}");
        let clone = http.clone();
        clone.trust(None);
        assert!(matches!(ask(&http, &of_two).await, Err(Error::Tls { .. })), "{variable:?}");
    }
}

/// A proxy that wants these credentials and records what it was asked.
fn proxy(credentials: Option<&'static str>, answer: &'static str) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&seen);
    let address = listen(move |mut socket| {
        let Some(head) = head(&mut socket) else { return };
        let allowed = credentials.is_none_or(|wanted| head.contains(wanted));
        record.lock().expect("no panic").push(head);
        let answer = if allowed { answer } else { "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n" };
        let _ = socket.write_all(answer.as_bytes());
    });
    (address, seen)
}

#[tokio::test]
async fn r27_a_proxy_that_wants_credentials_or_says_no_is_named() {
    let target = "https://service.example/";
    let named = |address: SocketAddr| format!("127.0.0.1:{}", address.port());
    let (address, _) = proxy(Some("Basic "), "");
    let error = ask(&http(&[("HTTPS_PROXY", &format!("http://{address}"))]), target).await;
    assert_eq!(error, Err(Error::ProxyCredentials { proxy: named(address) }));

    let (address, _) = proxy(None, "HTTP/1.1 403 Forbidden\r\n\r\n");
    let error = ask(&http(&[("https_proxy", &format!("http://ada:canary@{address}"))]), target).await;
    assert!(!format!("{error:?}").contains("canary"));
    assert_eq!(error, Err(Error::ProxyRefused { proxy: named(address), host: "service.example".to_owned() }));

    // A port that nobody listens on and that nobody else is given.
    let held = tokio::net::TcpSocket::new_v4().expect("a socket");
    held.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let gone = held.local_addr().expect("a port");
    let error = ask(&http(&[("ALL_PROXY", &format!("http://ada:canary@{gone}"))]), target).await;
    assert!(!format!("{error:?}").contains("canary"));
    assert!(matches!(&error, Err(Error::ProxyConnect { proxy, .. }) if *proxy == named(gone)), "{error:?}");
    assert!(error.is_err_and(|error| error.nothing_was_sent()));
}

#[tokio::test]
async fn r27_a_proxy_that_cannot_be_used_is_not_gone_around() {
    let error = ask(&http(&[("ALL_PROXY", "socks5://127.0.0.1:1080")]), "https://service.invalid/").await;
    assert_eq!(error, Err(Error::Proxy { variable: "ALL_PROXY".to_owned() }));
}

#[tokio::test]
async fn r27_credentials_are_sent_as_they_are_meant_and_the_target_is_a_tunnel() {
    use base64::Engine as _;
    let (address, seen) = proxy(None, "HTTP/1.1 403 Forbidden\r\n\r\n");
    let variable = format!("http://ada:p%40ss%3Aword@{address}");
    let _ = ask(&http(&[("HTTPS_PROXY", &variable)]), "https://service.example/path?secret=1").await;
    let seen = seen.lock().expect("no panic").join("");
    let expected = base64::engine::general_purpose::STANDARD.encode("ada:p@ss:word");
    assert!(seen.starts_with("CONNECT service.example:443 HTTP/1.1\r\n"), "{seen}");
    let sent = seen
        .lines()
        .find_map(|line| line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("proxy-authorization")));
    assert_eq!(sent.map(|(_, value)| value), Some(format!("Basic {expected}").as_str()), "{seen}");
    assert!(!seen.contains("secret"), "{seen}");
}

#[tokio::test]
async fn r27_loopback_and_what_no_proxy_names_go_straight() {
    let (address, seen) = proxy(None, "HTTP/1.1 403 Forbidden\r\n\r\n");
    let proxied = http(&[("ALL_PROXY", &format!("http://{address}"))]);
    let plain = listen(|mut socket| {
        let _ = head(&mut socket).map(|_| socket.write_all(HELLO));
    });
    assert_eq!(ask(&proxied, &format!("http://{plain}/")).await.as_deref(), Ok("hello"));
    let variables = [("ALL_PROXY", format!("http://{address}")), ("NO_PROXY", "service.invalid".to_owned())];
    let excepted = Http::new(&Environment::of(variables));
    let error = ask(&excepted, "https://a.service.invalid/").await;
    assert_eq!(error, Err(Error::NotFound { host: "a.service.invalid".to_owned() }));
    assert!(seen.lock().expect("no panic").is_empty());
}

fn guarded(near: &str, names: &[(&'static str, &'static str)]) -> Http {
    let book = Book(names.iter().map(|(name, ip)| (*name, vec![*ip])).collect());
    let clients = Arc::new(Clients::new(&Environment::default(), Arc::new(book)));
    Http { clients, near: None, pinned: None }.near([&Url::parse(near).expect("an address")])
}

#[tokio::test]
async fn s41_a_name_that_leads_to_this_machine_is_not_even_connected_to() {
    let connected = Arc::new(Mutex::new(0));
    let count = Arc::clone(&connected);
    let port = listen(move |_| *count.lock().expect("no panic") += 1).port();
    let names = [("rebound.example", "127.0.0.1"), ("as.example", "93.184.216.34"), ("near.example", "127.0.0.1")];
    let target = format!("https://rebound.example:{port}/token");
    let error = ask(&guarded("https://as.example/", &names), &target).await;
    let host = format!("rebound.example:{port}");
    assert_eq!(error, Err(Error::OutOfReach { host, range: Range::Loopback }));
    assert!(error.is_err_and(|error| error.nothing_was_sent()));
    assert_eq!(*connected.lock().expect("no panic"), 0);
    // The same name is fine for one who configured a neighbour.
    let error = ask(&guarded("https://near.example/", &names), &target).await;
    assert!(!matches!(error, Err(Error::OutOfReach { .. })), "{error:?}");
    assert_eq!(*connected.lock().expect("no panic"), 1);
}

#[tokio::test]
async fn s41_a_connection_made_with_a_longer_reach_is_not_lent_to_a_shorter_one() {
    let authority = Authority::named("Corp Root");
    let folder = tempfile::tempdir().expect("a folder");
    let key = KeyPair::generate().expect("a key");
    let certificate = params(&["shared.example"]).signed_by(&key, &authority.issuer).expect("a certificate");
    let address = keeping_alive(certificate.der().clone(), &key);
    let names = [("shared.example", "127.0.0.1"), ("as.example", "93.184.216.34"), ("near.example", "127.0.0.1")];
    let far = guarded("https://near.example/", &names);
    far.trust(Some(&authority.in_file(&folder)));
    let near = far.near([&Url::parse("https://as.example/").expect("an address")]);
    let target = format!("https://shared.example:{}/", address.port());
    assert_eq!(ask(&far, &target).await.as_deref(), Ok("hello"));
    let refused = ask(&near, &target).await;
    assert!(matches!(refused, Err(Error::OutOfReach { .. })), "{refused:?}");
    assert_eq!(ask(&far, &target).await.as_deref(), Ok("hello"));
}

/// As [`tls`], and the connection stays open for more.
fn keeping_alive(certificate: rustls::pki_types::CertificateDer<'static>, key: &KeyPair) -> SocketAddr {
    let config = showing(rustls::DEFAULT_VERSIONS, vec![certificate], key);
    listen(move |mut socket| {
        let config = Arc::clone(&config);
        std::thread::spawn(move || {
            let session = rustls::ServerConnection::new(config).expect("a session");
            let mut stream = rustls::StreamOwned::new(session, &mut socket);
            while head(&mut stream).is_some() {
                let _ = stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello")
                    .and_then(|()| stream.flush());
            }
        });
    })
}

#[test]
fn a_request_goes_where_it_says_whatever_is_noted_beside_it() {
    let [own, other] = ["https://service.example/a", "https://elsewhere.example/a"];
    let mut request = http::Request::get(own).body(()).expect("a request");
    assert_eq!(target(&mut request).expect("an address").as_str(), own);
    *request.uri_mut() = other.parse().expect("an address");
    assert_eq!(target(&mut request).expect("an address").as_str(), other);
    request.extensions_mut().insert(Url::parse(own).expect("an address"));
    assert_eq!(target(&mut request).expect("an address").as_str(), other);
    request.extensions_mut().insert(Url::parse(own).expect("an address"));
    assert_eq!(taken(&mut request).expect("an address").as_str(), other);
}
