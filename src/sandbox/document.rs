//! Clients whose identifier is the address of a document about them (draft-ietf-oauth-client-id-metadata-document).
//!
//! The document is fetched anew for every login. The sandbox reaches for nothing outside this machine: an address is
//! either `http` on a loopback literal, or one whose document was given to it beforehand.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;
use url::{Host, Url};

use super::answer::{Refusal, bad};
use super::client::{Client, Method};
use super::params::Params;
use super::registration;
use super::state::State;

/// The largest document and its headers.
const LARGEST: u64 = 64 << 10;
const PATIENCE: Duration = Duration::from_secs(5);

const UNKNOWN: Refusal = bad("invalid_client", "no client with this client_id is registered");

/// The client of this identifier: a registered one, or the one that its document describes now.
pub(super) fn client(state: &State, id: &str) -> Result<Client, Refusal> {
    let is_address = id.starts_with("https://") || id.starts_with("http://");
    if !is_address || !is_offered(state) {
        return state.ledger().client(id).ok_or(UNKNOWN);
    }
    let client = read(state, id)?;
    if state.ledger().keep_client(client.clone()) { Ok(client) } else { Err(UNKNOWN) }
}

/// Looks the client of a form up if it is a document: it is known only after somebody looked.
pub(super) fn learn(state: &State, params: &Params) {
    let address = params.one("client_id").filter(|id| id.contains("://"));
    // What is wrong with it is found again when the client is asked for its proof.
    drop(address.map(|id| client(state, id)));
}

/// Whether this server looks documents up.
pub(super) fn is_offered(state: &State) -> bool {
    state.profile.documented && !state.desk.faults().without_client_documents
}

fn read(state: &State, id: &str) -> Result<Client, Refusal> {
    const FORM: Refusal = bad("invalid_client", "client_id is an address that no document may have");
    let url = Url::parse(id).ok().filter(|url| is_plain(id, url)).ok_or(FORM)?;
    let document = match state.desk.document(id) {
        Some(document) => document,
        None => fetched(&url).ok_or(bad("invalid_client", "the document of this client_id could not be read"))?,
    };
    let text = |name: &str| document.get(name).and_then(Value::as_str);
    if text("client_id") != Some(id) {
        return Err(bad("invalid_client", "the document is about another client_id"));
    }
    // What everybody can read holds no secret, and a method that needs one cannot work.
    if document.get("client_secret").is_some() || document.get("client_secret_expires_at").is_some() {
        return Err(bad("invalid_client_metadata", "a document that everybody reads must not hold a secret"));
    }
    let mut metadata = registration::read(state, &document)?;
    if text("token_endpoint_auth_method").is_none() {
        metadata.method = Method::None;
    }
    if !matches!(metadata.method, Method::None | Method::Key) {
        return Err(bad("invalid_client_metadata", "a client that is a document has no shared secret"));
    }
    Ok(Client { id: id.to_owned(), issued: state.now(), secret: None, management: None, metadata })
}

/// Whether an address can be read in one way only: written as parsed, with a path, without the rest.
fn is_plain(id: &str, url: &Url) -> bool {
    let dots = id.split('/').any(|segment| segment == "." || segment == ".." || segment.to_lowercase().contains("%2e"));
    let extra = id.contains(['#', '?', '@', '\\']) || url.password().is_some() || !url.username().is_empty();
    !dots && !extra && url.path().len() > 1 && url.as_str() == id
}

/// Where to fetch from: a loopback literal and no name, which could lead anywhere else.
fn nearby(url: &Url) -> Option<SocketAddr> {
    let host: IpAddr = match url.host()? {
        Host::Ipv4(ip) => ip.into(),
        Host::Ipv6(ip) => ip.into(),
        Host::Domain(_) => return None,
    };
    let here = url.scheme() == "http" && host.is_loopback();
    Some(SocketAddr::new(host, url.port_or_known_default()?)).filter(|_| here)
}

/// The JSON object at an address on this machine.
fn fetched(url: &Url) -> Option<Value> {
    let address = nearby(url)?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {address}\r\nAccept: application/json\r\nConnection: close\r\n\r\n",
        url.path()
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.take(LARGEST).read_to_end(&mut answer).ok()?;
    document(&answer)
}

/// The JSON object in an answer: of status 200 and nothing else, so that no redirect leads elsewhere.
fn document(answer: &[u8]) -> Option<Value> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let (head, body) = answer.split_at_checked(end)?;
    let head = std::str::from_utf8(head).ok()?;
    let mut lines = head.lines();
    if lines.next()?.split(' ').nth(1) != Some("200") {
        return None;
    }
    let header = |wanted: &str| {
        let mut pairs = head.lines().filter_map(|line| line.split_once(':'));
        pairs.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim().to_ascii_lowercase())
    };
    let media = header("content-type")?;
    let media = media.split(';').next()?.trim();
    if media != "application/json" && !media.ends_with("+json") {
        return None;
    }
    let body = body.get(4..)?;
    let whole = match (header("transfer-encoding"), header("content-length")) {
        (Some(encoding), None) if encoding == "chunked" => unchunked(body)?,
        (None, Some(length)) => body.get(..length.parse().ok()?)?.to_vec(),
        (None, None) => body.to_vec(),
        _ => return None,
    };
    serde_json::from_slice(&whole).ok().filter(Value::is_object)
}

/// A body that came in chunks (RFC 9112 §7.1); `None` if its end is missing.
fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let line = rest.windows(2).position(|two| two == b"\r\n")?;
        let size = std::str::from_utf8(rest.get(..line)?).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(whole);
        }
        let start = line.checked_add(2)?;
        let end = start.checked_add(size)?;
        whole.extend_from_slice(rest.get(start..end)?);
        rest = rest.get(end.checked_add(2)?..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_address_has_a_path_and_nothing_that_could_be_read_in_two_ways() {
        let plain = |id: &str| Url::parse(id).is_ok_and(|url| is_plain(id, &url));
        for id in ["https://app.example/client.json", "http://127.0.0.1:5000/a/b"] {
            assert!(plain(id), "{id}");
        }
        for id in [
            "https://app.example",
            "https://app.example/",
            "https://app.example/a#b",
            "https://app.example/a?b",
            "https://user@app.example/a",
            "https://app.example/a/../b",
            "https://app.example/a/%2E%2e/b",
            "https://app.example/./a",
            "HTTPS://app.example/a",
            "https://app.example:443/a",
            "https://app.example/a b",
        ] {
            assert!(!plain(id), "{id}");
        }
    }

    #[test]
    fn only_this_machine_is_asked() {
        let nearby = |url: &str| nearby(&Url::parse(url).unwrap()).map(|address| address.to_string());
        assert_eq!(nearby("http://127.0.0.1/a").as_deref(), Some("127.0.0.1:80"));
        assert_eq!(nearby("http://[::1]:5000/a").as_deref(), Some("[::1]:5000"));
        for url in [
            "https://127.0.0.1/a",
            "http://localhost/a",
            "http://127.0.0.1.evil.example/a",
            "http://10.0.0.1/a",
            "http://169.254.169.254/a",
            "http://[fe80::1]/a",
            "http://0.0.0.0/a",
            "ftp://127.0.0.1/a",
        ] {
            assert_eq!(nearby(url), None, "{url}");
        }
    }

    #[test]
    fn a_document_is_a_whole_json_object_with_status_200() {
        let answer = |status: &str, headers: &str, body: &str| {
            document(format!("HTTP/1.1 {status}\r\n{headers}\r\n{body}").as_bytes())
        };
        const JSON: &str = "Content-Type: application/json; charset=utf-8\r\n";
        let right = Some(json!({ "a": 1 }));
        assert_eq!(answer("200 OK", JSON, r#"{"a":1}"#), right);
        assert_eq!(answer("200 OK", &format!("{JSON}content-length: 7\r\n"), r#"{"a":1}more"#), right);
        let chunked = format!("{JSON}Transfer-Encoding: chunked\r\n");
        assert_eq!(answer("200 OK", &chunked, "3;x=y\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n"), right);
        for (status, headers, body) in [
            ("302 Found", JSON, r#"{"a":1}"#),
            ("404 Not Found", JSON, r#"{"a":1}"#),
            ("200 OK", "Content-Type: text/html\r\n", r#"{"a":1}"#),
            ("200 OK", "", r#"{"a":1}"#),
            ("200 OK", JSON, "[1]"),
            ("200 OK", JSON, r#"{"a":"#),
            ("200 OK", chunked.as_str(), "3\r\n{\"a\r\n"),
            ("200 OK", chunked.as_str(), "ffffffffffffffff\r\n{}\r\n0\r\n\r\n"),
        ] {
            assert_eq!(answer(status, headers, body), None, "{status} {headers} {body}");
        }
        assert_eq!(document(b"HTTP/1.1 200 OK\r\n"), None);
    }
}
