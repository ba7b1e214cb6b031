//! The shapes of the sandbox's own answers.

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use serde_json::{Value, json};

use crate::backends::fake::{Body, Reply};

/// An OAuth error (RFC 6749 §5.2, 7591 §3.2.2): the code for programs and a sentence for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) error: &'static str,
    pub(super) why: &'static str,
}

/// The error code of an answer, for the record.
#[derive(Clone)]
pub(super) struct Code(pub(super) String);

/// Marks an answer that must not arrive whole: the connection breaks instead.
#[derive(Clone)]
pub(super) struct Cut;

/// A refusal with status 400.
pub(super) const fn bad(error: &'static str, why: &'static str) -> Refusal {
    Refusal { status: StatusCode::BAD_REQUEST, error, why }
}

/// The client could not be authenticated.
pub(super) const fn unknown_client(why: &'static str) -> Refusal {
    Refusal { status: StatusCode::UNAUTHORIZED, error: "invalid_client", why }
}

/// What is answered when the machine's random source or a signature fails.
pub(super) const BROKEN: Refusal =
    Refusal { status: StatusCode::INTERNAL_SERVER_ERROR, error: "server_error", why: "the sandbox itself failed" };

impl Refusal {
    /// As a JSON answer.
    pub(super) fn reply(&self) -> Reply {
        let mut reply = json(self.status, &json!({ "error": self.error, "error_description": self.why }));
        if self.status == StatusCode::UNAUTHORIZED && self.error == "invalid_client" {
            set(&mut reply, WWW_AUTHENTICATE, "Basic realm=\"keyward sandbox\"");
        }
        marked(reply, self.error)
    }
}

/// Notes an error code for the record.
pub(super) fn marked(mut reply: Reply, error: &str) -> Reply {
    reply.extensions_mut().insert(Code(error.to_owned()));
    reply
}

/// An answer with this body and no caching: everything here is either a secret or changes with every run.
pub(super) fn whole(status: StatusCode, media: &'static str, body: impl Into<Vec<u8>>) -> Reply {
    let mut reply = Response::new(Body::Whole(body.into()));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    reply
}

/// A JSON answer.
pub(super) fn json(status: StatusCode, value: &Value) -> Reply {
    whole(status, "application/json", value.to_string())
}

/// A line of text.
pub(super) fn text(status: StatusCode, line: &str) -> Reply {
    whole(status, "text/plain; charset=utf-8", format!("keyward sandbox: {line}\n"))
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Reply {
    let mut reply = whole(status, "text/plain", "");
    reply.headers_mut().remove(CONTENT_TYPE);
    reply
}

/// The method is not one of `allowed`.
pub(super) fn wrong_method(allowed: &'static str) -> Reply {
    let mut reply = text(StatusCode::METHOD_NOT_ALLOWED, "this address does not know that method");
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    reply
}

/// Sends the browser on with GET, whatever it came with: 307 would carry the consent form to the client (RFC 9700 §4.12).
pub(super) fn see_other(location: &str) -> Reply {
    let mut reply = empty(StatusCode::SEE_OTHER);
    set(&mut reply, HeaderName::from_static("referrer-policy"), "no-referrer");
    set(&mut reply, LOCATION, location);
    reply
}

/// Sets a header; a value that cannot be one is left out.
pub(super) fn set(reply: &mut Reply, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        reply.headers_mut().insert(name, value);
    }
}
