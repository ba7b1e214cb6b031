//! The sandbox over its own port, with raw HTTP: what a client that is not ours would see.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::*;
use crate::backends::fake::{Body, Place, Received, Reply};
use crate::machine::Timestamp;

mod assertion;
mod authorize;
mod carrier;
mod consent;
mod device;
mod document;
mod dpop;
mod faults;
mod identity;
mod logout;
mod par;
mod providers;
mod registration;
mod resources;
mod token;

pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(super) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(super) const CALLBACK: &str = "http://127.0.0.1:4711/callback";

/// A clock that stands until it is moved.
pub(super) struct Still(AtomicI64);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// A sandbox with one scripted fake, and the moves of a client.
pub(super) struct Bench {
    pub(super) sandbox: Sandbox,
    pub(super) clock: Arc<Still>,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
}

impl Answer {
    fn of(raw: &[u8]) -> Self {
        let text = String::from_utf8_lossy(raw);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let pair = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        Self { status, headers: lines.filter_map(pair).collect(), body: body.to_owned() }
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub(super) fn text(&self, member: &str) -> String {
        self.json()[member].as_str().unwrap_or_else(|| panic!("no {member}: {self:?}")).to_owned()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The status and the OAuth error of a refusal.
    pub(super) fn refusal(&self) -> (u16, String) {
        (self.status, self.text("error"))
    }

    /// Where the browser is sent, taken apart: the address and its parameters.
    pub(super) fn redirect(&self) -> (String, BTreeMap<String, String>) {
        assert_eq!(self.status, 303, "{self:?}");
        let url = url::Url::parse(self.header("location")).unwrap();
        let pairs = url.query_pairs().into_owned().collect();
        (self.header("location").split('?').next().unwrap().to_owned(), pairs)
    }
}

/// A client's own key, and what it signs.
pub(super) struct Signer {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl Signer {
    pub(super) fn new() -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Self { pair: EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap(), random }
    }

    pub(super) fn public(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let part = |range| URL_SAFE_NO_PAD.encode(&point[range]);
        json!({ "kty": "EC", "crv": "P-256", "x": part(1..33), "y": part(33..65) })
    }

    pub(super) fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = self.pair.sign(&self.random, signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// A JSON object with some members replaced, added or (if null) removed.
pub(super) fn with(mut all: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(all.as_object_mut().unwrap().remove(name)),
            value => all[name] = value.clone(),
        }
    }
    all
}

/// Sends these bytes and reads until the server has nothing more to say.
pub(super) fn exchange(sandbox: &Sandbox, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(sandbox.url().strip_prefix("http://").unwrap()).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    drop(stream.shutdown(Shutdown::Both));
    answer
}

/// Says that a token is good, and what it received.
pub(super) struct Echo;

impl Fake for Echo {
    fn answer(&self, request: &Received, place: &Place<'_>) -> Reply {
        match request.uri().path() {
            "/pieces" => return http::Response::new(Body::Pieces(Box::new(Words(vec!["three", "two", "one"])))),
            "/broken" => return http::Response::new(Body::Pieces(Box::new(Words(vec!["broken", "one"])))),
            _ => {}
        }
        let resource = format!("{}/mcp", place.url);
        let scope = if request.uri().path() == "/write" { "sandbox:write" } else { "" };
        let user = match place.admit(request, &resource, scope) {
            Ok(user) => user,
            Err(denied) => return denied.reply(),
        };
        let seen = json!({
            "user": user, "uri": request.uri().to_string(), "method": request.method().as_str(), "bytes": request.body().len(),
        });
        http::Response::new(Body::Whole(seen.to_string().into_bytes()))
    }
}

/// Yields one word for each read, the last of the list first.
struct Words(Vec<&'static str>);

impl Read for Words {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let Some(word) = self.0.pop() else { return Ok(0) };
        if word == "broken" {
            return Err(std::io::Error::other("the fake breaks off"));
        }
        let count = word.len().min(buffer.len());
        buffer[..count].copy_from_slice(&word.as_bytes()[..count]);
        self.0.extend(word.get(count..).filter(|rest| !rest.is_empty()));
        Ok(count)
    }
}

impl Bench {
    /// A sandbox where alice allows everything at once.
    pub(super) fn new() -> Self {
        Self::with(|options| options.auto_consent = Some("alice".to_owned()))
    }

    pub(super) fn with(change: impl FnOnce(&mut Options)) -> Self {
        let clock = Arc::new(Still(AtomicI64::new(1_800_000_000)));
        let mut options = Options::new(clock.clone());
        change(&mut options);
        let mounts = vec![
            Mount { name: "echo".to_owned(), fake: Box::new(Echo) },
            Mount { name: "other".to_owned(), fake: Box::new(Echo) },
        ];
        Self { sandbox: Sandbox::start_with(options, mounts).unwrap(), clock }
    }

    pub(super) fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(super) fn resource(&self) -> String {
        self.sandbox.resource("echo")
    }

    /// One request; `headers` are whole lines.
    pub(super) fn send(&self, method: &str, target: &str, headers: &[&str], body: &str) -> Answer {
        let host = self.sandbox.url().strip_prefix("http://").unwrap();
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
        if !body.is_empty() {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        for line in headers {
            head += &format!("{line}\r\n");
        }
        Answer::of(&exchange(&self.sandbox, format!("{head}\r\n{body}").as_bytes()))
    }

    pub(super) fn get(&self, target: &str) -> Answer {
        self.send("GET", target, &[], "")
    }

    pub(super) fn post(&self, target: &str, form: &[(&str, &str)]) -> Answer {
        self.post_with(target, &[], form)
    }

    pub(super) fn post_with(&self, target: &str, headers: &[&str], form: &[(&str, &str)]) -> Answer {
        let mut lines = vec!["Content-Type: application/x-www-form-urlencoded"];
        lines.extend(headers);
        self.send("POST", target, &lines, &encoded(form))
    }

    pub(super) fn register(&self, metadata: &Value) -> Answer {
        self.send("POST", "/as/register", &["Content-Type: application/json"], &metadata.to_string())
    }

    /// A public client that may refresh.
    pub(super) fn client(&self) -> String {
        self.register(&json!({
            "client_name": "Test client",
            "redirect_uris": ["http://127.0.0.1/callback"],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
        }))
        .text("client_id")
    }

    /// The parameters of a right authorization request.
    pub(super) fn request<'a>(&self, client: &'a str) -> Vec<(&'a str, String)> {
        [
            ("response_type", "code"),
            ("client_id", client),
            ("redirect_uri", CALLBACK),
            ("scope", "sandbox:read"),
            ("state", "s t/a+t=e&"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("resource", &self.resource()),
        ]
        .map(|(name, value)| (name, value.to_owned()))
        .to_vec()
    }

    pub(super) fn authorize(&self, request: &[(&str, String)]) -> Answer {
        let pairs: Vec<(&str, &str)> = request.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.get(&format!("/as/authorize?{}", encoded(&pairs)))
    }

    /// A code from a right request with these parameters replaced.
    pub(super) fn code(&self, client: &str, changes: &[(&str, &str)]) -> String {
        let answer = self.authorize(&changed(self.request(client), changes));
        answer.redirect().1.remove("code").unwrap_or_else(|| panic!("no code: {answer:?}"))
    }

    pub(super) fn redeem(&self, client: &str, code: &str) -> Answer {
        self.post("/as/token", &redemption(client, code))
    }

    pub(super) fn refresh(&self, client: &str, token: &str) -> Answer {
        self.post("/as/token", &[("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", token)])
    }

    /// A whole login: the client and its tokens.
    pub(super) fn login(&self, changes: &[(&str, &str)]) -> (String, Answer) {
        let client = self.client();
        let tokens = self.redeem(&client, &self.code(&client, changes));
        assert_eq!(tokens.status, 200, "{tokens:?}");
        (client, tokens)
    }

    /// What the fake says to this token.
    pub(super) fn call(&self, token: &str) -> Answer {
        self.send("GET", "/echo/call?x=1", &[&format!("Authorization: Bearer {token}")], "")
    }
}

pub(super) fn redemption<'a>(client: &'a str, code: &'a str) -> [(&'a str, &'a str); 5] {
    [
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]
}

/// The parameters with some replaced, added or (if empty) removed.
pub(super) fn changed<'a>(mut all: Vec<(&'a str, String)>, changes: &[(&'a str, &str)]) -> Vec<(&'a str, String)> {
    for (name, value) in changes {
        all.retain(|(known, _)| known != name);
        if !value.is_empty() {
            all.push((name, (*value).to_owned()));
        }
    }
    all
}

pub(super) fn encoded(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// A JWT's header and claims, read without any check.
pub(super) fn claims(token: &str) -> (Value, Value) {
    let mut parts =
        token.split('.').map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap_or_default());
    (parts.next().unwrap(), parts.next().unwrap())
}

pub(super) fn basic(id: &str, secret: &str) -> String {
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Authorization: Basic {}", STANDARD.encode(format!("{}:{}", encode(id), encode(secret))))
}
