//! Answers of the listener. Every one of them carries the same headers, whatever its status.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Bytes;

use super::page::STYLE;

pub(super) type Reply = Response<Full<Bytes>>;

/// Nothing may be kept, framed, sniffed, loaded from elsewhere or told to another site. There are no cookies, no CORS
/// headers and no scripts.
fn headers() -> [(&'static str, &'static str); 9] {
    [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("pragma", "no-cache"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("content-security-policy", policy()),
        ("cross-origin-opener-policy", "same-origin"),
        ("connection", "close"),
    ]
}

/// The one fixed style block is allowed by its digest, so that injected markup cannot bring its own.
fn policy() -> &'static str {
    static POLICY: OnceLock<String> = OnceLock::new();
    POLICY.get_or_init(|| {
        let digest = STANDARD.encode(ring::digest::digest(&ring::digest::SHA256, STYLE.as_bytes()));
        format!(
            "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
    })
}

/// An answer with a page, which may be empty.
pub(super) fn reply(status: StatusCode, html: String) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(html)));
    *reply.status_mut() = status;
    for (name, value) in headers() {
        reply.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        reply.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET"));
    }
    reply
}

/// Sends the browser to a path of this listener. `path` is ours, never a part of the request.
pub(super) fn see(path: &str) -> Reply {
    let mut reply = reply(StatusCode::SEE_OTHER, String::new());
    if let Ok(path) = HeaderValue::from_str(path) {
        reply.headers_mut().insert(header::LOCATION, path);
    }
    reply
}

/// The bytes of an empty answer, for requests that are too broken to be answered the usual way.
pub(super) fn refusal(status: StatusCode) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {} {}\r\n", status.as_u16(), status.canonical_reason().unwrap_or_default());
    for (name, value) in headers() {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("content-length: 0\r\n\r\n");
    text.into_bytes()
}
