//! What a backend's stand-in server is: a function from a request to a reply, carried by the sandbox.
//!
//! A fake checks what it receives and keeps a record of it, so that a test can prove what was sent.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use serde_json::Value;

/// A request as it arrived, with its whole body.
pub type Received = Request<Vec<u8>>;

/// A reply: complete, or arriving piece by piece.
pub type Reply = Response<Body>;

/// The body of a reply.
pub enum Body {
    /// All of it.
    Whole(Vec<u8>),
    /// Read until its end and flushed after every read, so that a fake can make the client wait.
    Pieces(Box<dyn Read + Send>),
}

/// A stand-in server.
pub trait Fake: Send + Sync {
    /// Answers one request. Paths are relative to where the fake is mounted, and begin with `/`.
    fn answer(&self, request: &Received, place: &Place<'_>) -> Reply;
}

/// Where a fake is mounted and who guards it.
pub struct Place<'a> {
    /// The fake's own address, without a trailing slash: `http://127.0.0.1:PORT/NAME`.
    pub url: &'a str,
    /// Checks the access tokens of the sandbox's authorization server.
    pub guard: &'a dyn Guard,
}

/// A request that needs an access token.
pub struct Asked<'a> {
    /// The request, with the path as the fake sees it.
    pub request: &'a Received,
    /// The address that the client called, without the query.
    pub url: String,
    /// What the token must be for.
    pub resource: &'a str,
    /// What the token must allow; empty if every token will do.
    pub scope: &'a str,
}

/// Why a request was not admitted: a status, and a `WWW-Authenticate` for each scheme that would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// 401, or 403 for a token that is good and not enough.
    pub status: StatusCode,
    /// What the client should bring instead.
    pub challenges: Vec<String>,
}

impl Denied {
    /// As a reply with this error code in its body.
    pub fn reply(&self) -> Reply {
        let error = if self.status == StatusCode::FORBIDDEN { "insufficient_scope" } else { "invalid_token" };
        let mut reply = json(self.status, &serde_json::json!({ "error": error }));
        for challenge in &self.challenges {
            if let Ok(challenge) = HeaderValue::from_str(challenge) {
                reply.headers_mut().append(WWW_AUTHENTICATE, challenge);
            }
        }
        reply
    }
}

impl Place<'_> {
    /// Who sent this request, if it carries a token that is good for the resource and the scope.
    pub fn admit(&self, request: &Received, resource: &str, scope: &str) -> Result<String, Denied> {
        let url = format!("{}{}", self.url, request.uri().path());
        self.guard.admit(&Asked { request, url, resource, scope })
    }
}

/// Checks access tokens.
pub trait Guard: Send + Sync {
    /// Who sent this request; what a guard knows beyond Bearer tokens, it checks here.
    fn admit(&self, asked: &Asked<'_>) -> Result<String, Denied> {
        let token = bearer(asked.request);
        token.and_then(|token| self.subject(token, asked.resource)).ok_or_else(|| Denied {
            status: StatusCode::UNAUTHORIZED,
            challenges: vec![self.challenge(asked.resource, token.is_some())],
        })
    }
    /// The subject of a token that is valid now for this resource; `None` for any other text.
    fn subject(&self, token: &str, resource: &str) -> Option<String>;
    /// The whole `WWW-Authenticate` value for a request that came without a valid token for this resource.
    fn challenge(&self, resource: &str, token_was_sent: bool) -> String;
}

/// A reply in one piece.
pub fn whole(status: StatusCode, media: &'static str, body: impl Into<Vec<u8>>) -> Reply {
    let mut reply = Response::new(Body::Whole(body.into()));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    reply
}

/// A JSON reply in one piece.
pub fn json(status: StatusCode, value: &Value) -> Reply {
    whole(status, "application/json", value.to_string())
}

/// A reply without a body.
pub fn empty(status: StatusCode) -> Reply {
    let mut reply = Response::new(Body::Whole(Vec::new()));
    *reply.status_mut() = status;
    reply
}

/// The bearer token of a request.
pub fn bearer(request: &Received) -> Option<&str> {
    let (scheme, token) = request.headers().get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Makes the client wait.
#[expect(clippy::disallowed_methods, reason = "a fake is slow on purpose, on a thread of the sandbox's own")]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// A body made of pieces that are ready one after the other; each may take its time.
pub fn pieces(pieces: impl Iterator<Item = Vec<u8>> + Send + 'static) -> Body {
    struct Pieces<I> {
        rest: I,
        piece: io::Cursor<Vec<u8>>,
    }
    impl<I: Iterator<Item = Vec<u8>>> Read for Pieces<I> {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            loop {
                match self.piece.read(to)? {
                    0 if !to.is_empty() => match self.rest.next() {
                        Some(piece) => self.piece = io::Cursor::new(piece),
                        None => return Ok(0),
                    },
                    count => return Ok(count),
                }
            }
        }
    }
    Body::Pieces(Box::new(Pieces { rest: pieces, piece: io::Cursor::new(Vec::new()) }))
}

/// What a fake has received, oldest first. Clones share it.
#[derive(Clone, Default)]
pub struct Record(Arc<(Mutex<VecDeque<Seen>>, Condvar)>);

/// One request, without its secrets.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The headers by their lower-case names; of `authorization` only the scheme and whether something follows.
    pub headers: BTreeMap<String, String>,
    /// The body: as JSON if it is, otherwise as text.
    pub body: Value,
}

impl Record {
    /// The most requests that are kept; a fake may run for days.
    const MOST: usize = 1_000;

    /// Writes the request down.
    pub fn note(&self, request: &Received) {
        let header = |(name, value): (&HeaderName, &HeaderValue)| {
            let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            // Somebody may point a client with a real credential here.
            let shown =
                if name == AUTHORIZATION { text.replacen(bearer(request).unwrap_or(&text), "…", 1) } else { text };
            (name.to_string(), shown)
        };
        let text = || Value::String(String::from_utf8_lossy(request.body()).into_owned());
        let seen = Seen {
            method: request.method().to_string(),
            path: request.uri().to_string(),
            headers: request.headers().iter().map(header).collect(),
            body: serde_json::from_slice(request.body()).unwrap_or_else(|_| text()),
        };
        let (kept, changed) = &*self.0;
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= Self::MOST {
            kept.pop_front();
        }
        kept.push_back(seen);
        changed.notify_all();
    }

    /// Everything that is kept.
    pub fn all(&self) -> Vec<Seen> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Whether a request like that is among them.
    pub fn has(&self, like: impl Fn(&Seen) -> bool) -> bool {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).iter().any(like)
    }

    /// Blocks until a request like that has arrived; whether it did within ten seconds.
    pub fn wait(&self, like: impl Fn(&Seen) -> bool) -> bool {
        let (kept, changed) = &*self.0;
        let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = changed.wait_timeout_while(kept, Duration::from_secs(10), |kept| !kept.iter().any(&like));
        outcome.is_ok_and(|(_, waited)| !waited.timed_out())
    }
}
