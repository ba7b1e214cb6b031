//! Servers that answer every request with the same words, for what a well-behaved one never says.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

/// Answers every request with `answer`, byte for byte, until the test ends.
pub fn always(answer: impl Into<String>) -> SocketAddr {
    let answer = answer.into();
    listen(move |mut stream| {
        read_head(&mut stream);
        let _ = stream.write_all(answer.as_bytes());
    })
}

/// Answers each request as `answer` says, which gets the server's own address, the request's target and its body; an
/// empty answer is none, and the connection stays open.
pub fn each(answer: impl Fn(&str, &str, &str) -> String + Send + Sync + 'static) -> SocketAddr {
    let own = Arc::new(std::sync::OnceLock::<String>::new());
    let known = Arc::clone(&own);
    let address = listen(move |mut stream| {
        let (head, body) = read_request(&mut stream);
        let (target, body) = (head.split(' ').nth(1).unwrap_or_default(), String::from_utf8_lossy(&body));
        let base = known.get().cloned().unwrap_or_default();
        let bytes = answer(&base, target, &body);
        let _ = stream.write_all(bytes.as_bytes());
        if bytes.is_empty() {
            let _ = stream.read(&mut [0; 1]);
        }
    });
    own.set(format!("http://{address}")).expect("set once");
    address
}

/// An answer with this status line, type and body.
pub fn answer(status: &str, kind: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// Speaks TLS with a certificate that nobody has signed.
pub fn untrusted() -> SocketAddr {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let certificate = CertificateDer::from_pem_slice(include_bytes!("tls/cert.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/key.pem")).expect("a key");
    let config = showing(certificate, key);
    listen(move |mut stream| {
        let mut session = rustls::ServerConnection::new(Arc::clone(&config)).expect("a session");
        let _ = session.complete_io(&mut stream);
    })
}

/// An MCP server of the older kind behind a certificate that signed itself, and that can be changed for another.
pub struct Secured {
    pub address: SocketAddr,
    config: Arc<std::sync::Mutex<Arc<rustls::ServerConfig>>>,
    /// The heads of the requests that arrived.
    pub heads: Arc<std::sync::Mutex<Vec<String>>>,
}

impl Secured {
    pub fn new() -> (Self, String) {
        let (config, pin) = own_certificate();
        let config = Arc::new(std::sync::Mutex::new(config));
        let heads = Arc::new(std::sync::Mutex::new(Vec::new()));
        let (shown, seen) = (Arc::clone(&config), Arc::clone(&heads));
        let address = listen(move |mut stream| {
            let config = Arc::clone(&shown.lock().expect("no panic"));
            let session = rustls::ServerConnection::new(config).expect("a session");
            let mut stream = rustls::StreamOwned::new(session, &mut stream);
            let (head, body) = read_request(&mut stream);
            if head.is_empty() {
                return;
            }
            seen.lock().expect("no panic").push(head);
            let body = mcp(&body);
            let text = answer(if body == "{}" { "400 Bad Request" } else { "200 OK" }, "application/json", &body);
            let _ = stream.write_all(text.as_bytes());
            stream.conn.send_close_notify();
            let _ = stream.flush();
        });
        (Self { address, config, heads }, pin)
    }

    /// From now on shows another certificate.
    pub fn change(&self) {
        *self.config.lock().expect("no panic") = own_certificate().0;
    }

    /// Whether any request held this.
    pub fn has(&self, text: &str) -> bool {
        self.heads.lock().expect("no panic").iter().any(|head| head.contains(text))
    }
}

/// A certificate that signed itself, and its fingerprint.
fn own_certificate() -> (Arc<rustls::ServerConfig>, String) {
    use std::fmt::Write as _;
    let key = rcgen::KeyPair::generate().expect("a key");
    let params = rcgen::CertificateParams::new(vec!["appliance.example".to_owned()]).expect("names");
    let certificate = params.self_signed(&key).expect("a certificate").der().clone();
    let digest = ring::digest::digest(&ring::digest::SHA256, &certificate);
    let pin = digest.as_ref().iter().fold("sha256:".to_owned(), |mut pin, byte| {
        let _ = write!(pin, "{byte:02x}");
        pin
    });
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    (showing(certificate, key), pin)
}

/// A server that shows this certificate.
fn showing(
    certificate: rustls::pki_types::CertificateDer<'static>,
    key: rustls::pki_types::PrivateKeyDer<'static>,
) -> Arc<rustls::ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a matching key");
    Arc::new(config)
}

/// An MCP server of the older kind that wants no login and has one tool.
pub fn open_mcp() -> SocketAddr {
    listen(|mut stream| {
        let (_, body) = read_request(&mut stream);
        let text = match mcp(&body) {
            body if body.is_empty() => answer("202 Accepted", "application/json", ""),
            body if body == "{}" => answer("400 Bad Request", "application/json", "{}"),
            body => answer("200 OK", "application/json", &body),
        };
        let _ = stream.write_all(text.as_bytes());
    })
}

/// What an MCP server of the older kind with one tool says to a message: nothing to a notification, and an empty object
/// to what it does not know.
pub fn mcp(message: &[u8]) -> String {
    let message: serde_json::Value = serde_json::from_slice(message).unwrap_or_default();
    let result = match message["method"].as_str() {
        Some("initialize") => {
            let info = serde_json::json!({"name": "open", "version": "1"});
            serde_json::json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": info})
        }
        Some("tools/list") => serde_json::json!({"tools": [{"name": "hello", "inputSchema": {"type": "object"}}]}),
        Some("server/discover") => return "{}".to_owned(),
        _ => return String::new(),
    };
    serde_json::json!({"jsonrpc": "2.0", "id": message["id"], "result": result}).to_string()
}

/// A port on which nobody listens.
pub fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address")
}

pub fn listen(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let serve = Arc::new(serve);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            std::thread::spawn(move || serve(stream));
        }
    });
    address
}

/// Head and body of one request.
pub fn read_request(stream: &mut impl Read) -> (String, Vec<u8>) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..at]).into_owned();
            let small = head.to_ascii_lowercase();
            let length = small.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
            if bytes.len() >= at + 4 + length.unwrap_or(0) {
                return (head, bytes.split_off(at + 4));
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return Default::default(),
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(count) => head.extend_from_slice(&buffer[..count]),
        }
    }
}
