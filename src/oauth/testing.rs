//! A scripted server for tests: answers every request as told, and records what it received, byte for byte.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json as value};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::client::{AuthMethod, Client, ClientKey};
use super::discovery::Server;
use super::jose::SigningKey;
use super::reach::Reach;
use crate::http::Http;
use crate::secret::Secret;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// Method and target.
    pub(super) line: String,
    /// Header names in lower case, with their values.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Seen {
    pub(super) fn target(&self) -> &str {
        self.line.split(' ').nth(1).expect("a request line")
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The form in the body, sorted.
    pub(super) fn form(&self) -> Vec<(String, String)> {
        let mut pairs: Vec<_> = url::form_urlencoded::parse(self.body.as_bytes()).into_owned().collect();
        pairs.sort();
        pairs
    }
}

/// A server on loopback. Ends with the test's runtime.
pub(super) struct Script {
    /// `http://127.0.0.1:PORT`
    pub(super) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Script {
    /// `answer` gets the server's own address and the request, and returns the bytes to send before the connection is
    /// closed.
    pub(super) async fn start(answer: impl Fn(&str, &Seen) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (record, base, answer) = (Arc::clone(&seen), url.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (record, base, answer) = (Arc::clone(&record), base.clone(), Arc::clone(&answer));
                tokio::spawn(async move {
                    let mut stream = stream;
                    let Some(request) = receive(&mut stream).await else { return };
                    let bytes = answer(&base, &request);
                    record.lock().expect("no panic").push(request);
                    let _ = stream.write_all(&bytes).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self { url, seen }
    }

    /// A server that gives one answer to everything.
    pub(super) async fn always(bytes: Vec<u8>) -> Self {
        Self::start(move |_, _| bytes.clone()).await
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no panic").clone()
    }

    pub(super) fn targets(&self) -> Vec<String> {
        self.seen().iter().map(|seen| seen.target().to_owned()).collect()
    }

    pub(super) fn address(&self, path: &str) -> Url {
        Url::parse(&format!("{}{path}", self.url)).expect("an address")
    }
}

async fn receive(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&chunk[..count]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes[..end].to_vec()).expect("a readable head");
        let mut lines = head.split("\r\n");
        let line = lines.next().expect("a request line").to_owned();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length: usize = length.map_or(0, |(_, value)| value.parse().expect("a length"));
        if let Some(body) = bytes.get(end + 4..end + 4 + length) {
            return Some(Seen { line, headers, body: String::from_utf8(body.to_vec()).expect("a readable body") });
        }
    }
}

/// The bytes of an answer. `headers` are whole lines.
pub(super) fn reply(status: u16, headers: &[&str], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut bytes = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
    for header in headers {
        bytes.push_str(header);
        bytes.push_str("\r\n");
    }
    bytes.push_str("\r\n");
    [bytes.as_bytes(), body].concat()
}

/// A JSON answer.
pub(super) fn json(status: u16, body: &str) -> Vec<u8> {
    reply(status, &["content-type: application/json"], body)
}

pub(super) fn http() -> Http {
    Http::new(&Default::default())
}

/// A server whose endpoints are below `base`.
pub(super) fn server(base: &str) -> Server {
    let at = |path: &str| Url::parse(&format!("{base}{path}")).expect("an address");
    Server {
        issuer: base.to_owned(),
        authorization_endpoint: Some(at("/authorize")),
        token_endpoint: at("/token"),
        registration_endpoint: Some(at("/register")),
        revocation_endpoint: Some(at("/revoke")),
        device_authorization_endpoint: None,
        pushed_authorization_request_endpoint: None,
        introspection_endpoint: None,
        userinfo_endpoint: None,
        end_session_endpoint: None,
        jwks_uri: None,
        scopes: Vec::new(),
        grant_types: None,
        code_challenge_methods: vec!["S256".to_owned()],
        auth_methods: None,
        assertion_algorithms: Vec::new(),
        dpop_algorithms: Vec::new(),
        id_token_algorithms: Vec::new(),
        requires_par: false,
        promises_iss: false,
        accepts_client_documents: false,
        reach: Reach::of(&at("")),
        habits: Default::default(),
    }
}

/// A public client.
pub(super) fn client() -> Client {
    Client::public("client")
}

/// A key of a client.
pub(super) fn key() -> ClientKey {
    let signing = SigningKey::of_pem(&Secret::new(include_str!("jose/p256.pem"))).expect("a key");
    ClientKey { signing, id: None, audience: None }
}

/// A client with the secret of the header vector.
pub(super) fn confidential(method: AuthMethod) -> Client {
    Client { id: "a:b c".to_owned(), secret: Some(Secret::new("p%+&")), method, ..client() }
}

/// Owned pairs, for comparing forms.
pub(super) fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    pairs.sort();
    pairs
}

/// A part of a token, encoded.
pub(super) fn encode(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

/// Signs tokens as a server does, with ES256.
pub(super) struct Signer {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl Signer {
    pub(super) fn new() -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).expect("a key");
        Self { pair, random }
    }

    pub(super) fn jwk(&self, kid: &str) -> Value {
        let (x, y) = self.pair.public_key().as_ref()[1..].split_at(32);
        value!({
            "kty": "EC", "crv": "P-256", "kid": kid, "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        })
    }

    pub(super) fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = self.pair.sign(&self.random, message.as_bytes()).expect("a signature");
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}
