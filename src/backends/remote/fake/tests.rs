//! The stand-in refuses what a strict server refuses: otherwise the client's tests would prove little.

use http::Request;
use serde_json::{Value, json};

use super::*;
use crate::backends::fake::Guard;

struct Everyone;

impl Guard for Everyone {
    fn subject(&self, token: &str, resource: &str) -> Option<String> {
        (resource == "http://127.0.0.1/remote/mcp").then(|| token.to_owned())
    }

    fn challenge(&self, resource: &str, token_was_sent: bool) -> String {
        format!("Bearer for {resource} {token_was_sent}")
    }
}

const MODERN_CALL: [(&str, &str); 6] = [
    ("authorization", "Bearer alice"),
    ("accept", "application/json, text/event-stream"),
    ("content-type", "application/json"),
    ("mcp-protocol-version", "2026-07-28"),
    ("mcp-method", "tools/call"),
    ("mcp-name", "whoami"),
];

fn modern_body() -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "whoami", "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }}})
}

/// The status, the code of the failure and the reply itself.
fn ask(server: &Server, method: &str, headers: &[(&str, &str)], body: &str) -> (u16, Option<i64>, Reply) {
    let mut request = Request::builder().method(method).uri("/mcp");
    for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
        request = request.header(*name, *value);
    }
    let request = request.body(body.as_bytes().to_vec()).expect("a request");
    let reply = server.answer(&request, &Place { url: "http://127.0.0.1/remote", guard: &Everyone });
    let code = match reply.body() {
        Body::Whole(body) => serde_json::from_slice::<Value>(body).ok().and_then(|body| body["error"]["code"].as_i64()),
        Body::Pieces(_) => None,
    };
    (reply.status().as_u16(), code, reply)
}

/// The modern call with some headers replaced; an empty value removes the header.
fn with(changes: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let kept = MODERN_CALL.into_iter().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    kept.chain(changes.iter().copied()).collect()
}

#[test]
fn a_modern_call_needs_headers_that_say_what_its_body_says() {
    let server = Server::default();
    let body = modern_body().to_string();
    for (changes, expected) in [
        (vec![], (200, None)),
        (vec![("mcp-name", "=?base64?d2hvYW1p?=")], (200, None)),
        (vec![("accept", "application/json")], (406, Some(-32600))),
        (vec![("content-type", "text/plain")], (415, Some(-32600))),
        (vec![("mcp-protocol-version", "2025-11-25")], (400, Some(-32020))),
        (vec![("mcp-protocol-version", "")], (400, Some(-32020))),
        (vec![("mcp-method", "tools/list")], (400, Some(-32020))),
        (vec![("mcp-method", "")], (400, Some(-32020))),
        (vec![("mcp-name", "echo")], (400, Some(-32020))),
        (vec![("mcp-name", "")], (400, Some(-32020))),
        (vec![("mcp-session-id", "x")], (400, Some(-32600))),
        (vec![("authorization", "")], (401, None)),
    ] {
        let (status, code, _) = ask(&server, "POST", &with(&changes), &body);
        assert_eq!((status, code), expected, "{changes:?}");
    }
    for (body, expected) in [
        ("{".to_owned(), (400, Some(-32700))),
        (json!({"id": 1, "method": "tools/call"}).to_string(), (400, Some(-32600))),
        (json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {}}).to_string(), (400, Some(-32602))),
        (body.replace("clientCapabilities", "other"), (400, Some(-32602))),
        (body.replace("whoami", "nobody"), (400, Some(-32020))),
    ] {
        let (status, code, _) = ask(&server, "POST", &MODERN_CALL, &body);
        assert_eq!((status, code), expected, "{body}");
    }
    let older = body.replace("2026-07-28", "2027-01-01");
    let (status, code, _) = ask(&server, "POST", &with(&[("mcp-protocol-version", "2027-01-01")]), &older);
    assert_eq!((status, code), (400, Some(-32022)));
}

#[test]
fn a_request_without_a_token_is_challenged() {
    let (status, _, reply) = ask(&Server::default(), "POST", &[], "{}");
    assert_eq!(
        (status, &reply.headers()["www-authenticate"]),
        (401, &HeaderValue::from_static("Bearer for http://127.0.0.1/remote/mcp false"))
    );
}

#[test]
fn a_legacy_call_needs_the_session_of_its_own_subject() {
    let server = Server::default();
    let basic = &MODERN_CALL[..3];
    let initialize = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}});
    let (status, _, reply) = ask(&server, "POST", basic, &initialize.to_string());
    assert_eq!(status, 200);
    let id = reply.headers()["mcp-session-id"].to_str().expect("text").to_owned();
    let ping = json!({"jsonrpc": "2.0", "id": 2, "method": "ping"}).to_string();
    let version = ("mcp-protocol-version", "2025-06-18");
    for (headers, expected) in [
        (vec![("mcp-session-id", id.as_str()), version], 200),
        (vec![("mcp-session-id", id.as_str())], 400),
        (vec![("mcp-session-id", id.as_str()), ("mcp-protocol-version", "2025-11-25")], 400),
        (vec![version], 400),
        (vec![("mcp-session-id", "another"), version], 404),
    ] {
        let (status, _, _) = ask(&server, "POST", &[basic, &headers].concat(), &ping);
        assert_eq!(status, expected, "{headers:?}");
    }
    let stranger =
        [("authorization", "Bearer mallory"), MODERN_CALL[1], MODERN_CALL[2], ("mcp-session-id", &id), version];
    assert_eq!(ask(&server, "POST", &stranger, &ping).0, 404, "a session is not a login");
    assert_eq!(ask(&server, "DELETE", &stranger, "").0, 404);
    let own = [MODERN_CALL[0], ("mcp-session-id", &id)];
    assert_eq!(ask(&server, "DELETE", &own, "").0, 204);
    assert_eq!(ask(&server, "DELETE", &own, "").0, 404);
}

#[test]
fn the_record_holds_no_token() {
    let server = Server::default();
    ask(&server, "POST", &MODERN_CALL, &modern_body().to_string());
    let seen = server.record().all();
    assert_eq!(seen[0].headers["authorization"], "Bearer …");
    assert!(!format!("{seen:?}").contains("alice"));
}
