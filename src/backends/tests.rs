//! What the tests of backends share: a carrier for fakes on loopback, a guard, and a supplier of credentials.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use http::header::{HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};
use serde_json::Value;
use serde_json::value::RawValue;
use url::Url;

use super::fake::{Body, Fake, Guard, Place, Received, Reply};
use super::resource::{Contents, Resource};
use super::{Boxed, Connection, Credential, CredentialSource, Error, Memory, Unavailable, Way};
use crate::http::Http;
use crate::machine::Environment;
use crate::secret::Secret;

pub(crate) mod library;

/// Serves a fake on loopback until the process ends.
pub struct Host {
    /// Its address, without a slash at the end.
    pub url: String,
}

impl Host {
    pub fn of(fake: Arc<dyn Fake>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let place = url.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (fake, place) = (Arc::clone(&fake), place.clone());
                std::thread::spawn(move || serve(stream, fake.as_ref(), &place));
            }
        });
        Self { url }
    }

    /// Serves what the function answers.
    pub fn answering(answer: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        struct Function<F>(F);
        impl<F: Fn(&Received) -> Reply + Send + Sync> Fake for Function<F> {
            fn answer(&self, request: &Received, _: &Place<'_>) -> Reply {
                (self.0)(request)
            }
        }
        Self::of(Arc::new(Function(answer)))
    }

    pub fn at(&self, path: &str) -> Url {
        format!("{}{path}", self.url).parse().expect("an address")
    }
}

fn serve(mut stream: TcpStream, fake: &dyn Fake, url: &str) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut first = String::new();
    reader.read_line(&mut first).expect("a request line");
    let mut words = first.split_whitespace();
    let method = words.next().and_then(|method| Method::from_bytes(method.as_bytes()).ok()).expect("a method");
    let mut request = Received::new(Vec::new());
    *request.method_mut() = method;
    *request.uri_mut() = words.next().expect("a path").parse().expect("a path");
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a header");
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
        if name == http::header::CONTENT_LENGTH {
            length = value.trim().parse().expect("a length");
        }
        request.headers_mut().append(name, HeaderValue::from_str(value.trim()).expect("a value"));
    }
    request.body_mut().resize(length, 0);
    reader.read_exact(request.body_mut()).expect("the body");
    let reply = fake.answer(&request, &Place { url, guard: &OneToken });
    // The client may have gone: then there is nobody to tell.
    let _ = write(&mut stream, reply);
}

fn write(stream: &mut TcpStream, reply: Reply) -> std::io::Result<()> {
    let (head, body) = reply.into_parts();
    write!(stream, "HTTP/1.1 {}\r\nconnection: close\r\n", head.status)?;
    for (name, value) in &head.headers {
        write!(stream, "{name}: {}\r\n", value.to_str().expect("text"))?;
    }
    match body {
        Body::Whole(body) => {
            write!(stream, "content-length: {}\r\n\r\n", body.len())?;
            stream.write_all(&body)
        }
        Body::Pieces(mut pieces) => {
            write!(stream, "transfer-encoding: chunked\r\n\r\n")?;
            let mut piece = [0; 4096];
            loop {
                let count = pieces.read(&mut piece)?;
                write!(stream, "{count:x}\r\n")?;
                stream.write_all(&piece[..count])?;
                stream.write_all(b"\r\n")?;
                if count == 0 {
                    return Ok(());
                }
            }
        }
    }
}

/// Knows one token: `good`, of alice.
struct OneToken;

impl Guard for OneToken {
    fn subject(&self, token: &str, _: &str) -> Option<String> {
        (token == "good").then(|| "alice".to_owned())
    }

    fn challenge(&self, resource: &str, _: bool) -> String {
        format!(r#"Bearer resource_metadata="{resource}""#)
    }
}

/// Supplies `first`, and `second` as its replacement.
pub struct Tokens {
    first: Option<&'static str>,
    second: Option<&'static str>,
    pub replaced: AtomicUsize,
}

impl Tokens {
    pub fn new(first: Option<&'static str>, second: Option<&'static str>) -> Arc<Self> {
        Arc::new(Self { first, second, replaced: AtomicUsize::new(0) })
    }

    fn credential(token: Option<&str>, generation: u64) -> Option<Credential> {
        let value = Secret::new(format!("Bearer {}", token?));
        Some(Credential { header: Some("authorization"), value, companion: None, generation, proof: None })
    }
}

impl CredentialSource for Tokens {
    fn credential(&self) -> Boxed<'_, Result<Option<Credential>, Unavailable>> {
        Box::pin(async { Ok(Self::credential(self.first, 1)) })
    }

    fn replace<'a>(&'a self, rejected: &'a Credential) -> Boxed<'a, Result<Option<Credential>, Unavailable>> {
        assert_eq!(rejected.generation, 1, "only the first credential is replaced");
        self.replaced.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(Self::credential(self.second, 2)) })
    }
}

/// Keeps lists where a test can see them.
#[derive(Default)]
pub struct Kept(pub Mutex<Vec<String>>, pub tokio::sync::Notify);

impl Memory for Kept {
    fn keep(&self, offer: &RawValue) {
        self.0.lock().expect("a healthy lock").push(offer.get().to_owned());
        self.1.notify_one();
    }
}

/// A connection named `c`.
pub fn connection(url: Url, way: Way, credentials: Arc<Tokens>) -> Connection {
    Connection {
        name: "c".to_owned(),
        url,
        way,
        http: Http::new(&Environment::default()),
        credentials,
        headers: Default::default(),
        sent: super::Sent::default(),
        remembered: None,
        listener: Default::default(),
        copies: Arc::new(super::copies::Nowhere),
        slot: Default::default(),
        memory: Arc::new(Kept::default()),
        toolsets: Vec::new(),
        folders: Vec::new(),
        defaults: serde_json::Map::new(),
        turns: Arc::new(super::turns::Unlimited),
    }
}

/// A reply with a status, one header and a body.
pub fn reply(status: u16, header: (&'static str, &'static str), body: &str) -> Reply {
    let mut reply = Response::new(Body::Whole(body.as_bytes().to_vec()));
    *reply.status_mut() = StatusCode::from_u16(status).expect("a status");
    reply.headers_mut().insert(header.0, HeaderValue::from_static(header.1));
    reply
}

#[test]
fn every_backend_is_found_by_its_name_and_has_a_way_in() {
    for backend in super::ALL {
        assert!(super::named(backend.name).is_some_and(|found| std::ptr::eq(found, *backend)));
        assert!(!backend.ways.is_empty() && !backend.summary.is_empty(), "{}", backend.name);
        assert!(backend.notes.iter().all(|(way, note)| backend.ways.contains(way) && !note.is_empty()));
        for url in [backend.url, backend.oauth_url].into_iter().flatten() {
            assert!(crate::http::is_safe(&url.parse().expect("an address")), "{url}");
        }
    }
    assert!(super::named("nobody").is_none());
}

/// A reader keeps one of two members of the same name, so a text with two would be longer than what was read.
#[test]
fn a_schema_has_no_name_twice() {
    for backend in super::ALL {
        let url = "http://127.0.0.1:9/".parse().expect("an address");
        let mut connection = connection(url, Way::None, Tokens::new(Some("good"), None));
        connection.toolsets = backend.toolsets.iter().map(|toolset| toolset.name).collect();
        for way in backend.ways {
            connection.way = *way;
            for tool in backend.tools(&connection) {
                for schema in [Some(&tool.input_schema), tool.output_schema.as_ref()].into_iter().flatten() {
                    let text = schema.text();
                    let read: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
                    let length = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count();
                    assert_eq!(length(text), length(&read.to_string()), "{}: {text}", tool.name);
                }
            }
        }
    }
}

#[test]
fn every_tool_of_our_own_has_a_schema_of_its_result() {
    let mut count = 0;
    // What other servers offer is passed on as it is.
    for backend in super::ALL.iter().filter(|backend| !backend.passes()) {
        let url = "http://127.0.0.1:9/".parse().expect("an address");
        let mut connection = connection(url, backend.ways[0], Tokens::new(Some("good"), None));
        connection.toolsets = backend.toolsets.iter().map(|toolset| toolset.name).collect();
        for tool in backend.tools(&connection) {
            assert!(tool.output_schema.is_some(), "{}", tool.name);
            count += 1;
        }
    }
    assert!(count > 60, "{count} tools were looked at");
}

#[test]
fn every_way_has_a_word_of_its_own() {
    for way in Way::ALL {
        assert_eq!(Way::of_word(way.word()), Some(way));
    }
    assert_eq!(Way::of_word("anything"), None);
}

/// Whether the value matches the schema, as far as our schemas go.
pub fn matches(value: &Value, schema: &Value) -> bool {
    match (schema["type"].as_str().expect("one type"), value) {
        ("string", Value::String(_)) => true,
        ("number", Value::Number(_)) | ("boolean", Value::Bool(_)) => true,
        ("integer", Value::Number(number)) => number.is_i64() || number.is_u64(),
        ("array", Value::Array(all)) => all.iter().all(|one| matches(one, &schema["items"])),
        // Whoever calls decides what is in it.
        ("object", Value::Object(_)) if schema["properties"].is_null() => true,
        ("object", Value::Object(members)) => {
            let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
            required.iter().all(|name| members.contains_key(name.as_str().expect("a name")))
                && members
                    .iter()
                    .all(|(name, inner)| schema["properties"].get(name).is_some_and(|schema| matches(inner, schema)))
        }
        _ => false,
    }
}

/// The text of a resource.
pub fn text_of(resource: &Resource, which: &str) -> impl Future<Output = Result<String, Error>> + use<> {
    let contents = resource.reader.read(which.to_owned(), super::Host::default());
    async {
        Ok(match contents.await? {
            Contents::Text(text) => text,
            Contents::Received(contents) => contents.get().to_owned(),
        })
    }
}
