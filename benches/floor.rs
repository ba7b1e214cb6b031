//! The floor that every figure is compared with: the least that a program between a host and a service can do.
//!
//! One thread reads a line, makes one call over a connection that stays open, and writes a line. No parser, no schema, no
//! login: what it answers to `initialize` and `tools/list` is written here.
//!
//!   floor ADDRESS PATH [LIST]     the service's host and port, what to ask it for, a file with the answer to `tools/list`

use std::io::{self, BufRead, BufReader, Error, Read, Write};
use std::net::TcpStream;

const HANDSHAKE: &str =
    r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"floor","version":"1"}}"#;
const LIST: &str =
    r#"{"tools":[{"name":"search","inputSchema":{"type":"object","properties":{"query":{"type":"string"}}}}]}"#;

#[expect(clippy::disallowed_methods, reason = "a program of its own, with nothing of keyward in it")]
fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (address, path) = (arguments.next().unwrap_or_default(), arguments.next().unwrap_or_default());
    let list = arguments.next().map(std::fs::read_to_string).transpose()?;
    let list = list.as_deref().unwrap_or(LIST);
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let (mut line, mut service) = (String::new(), None);
    while input.read_line(&mut line)? > 0 {
        let id = between(&line, "\"id\":", &[',', '}']);
        let mut answer = |result: &str| {
            let text = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}\n");
            output.write_all(text.as_bytes()).and_then(|()| output.flush())
        };
        match between(&line, "\"method\":\"", &['"']) {
            "initialize" => answer(HANDSHAKE)?,
            "tools/list" => answer(list)?,
            "tools/call" => {
                let query = between(&line, "\"query\":\"", &['"']);
                let body = call(&mut service, &address, &path, query)?;
                answer(&format!("{{\"content\":[],\"structuredContent\":{body}}}"))?;
            }
            _ => {}
        }
        line.clear();
    }
    Ok(())
}

/// What stands between the first `before` and whatever ends it; nothing if there is none.
fn between<'a>(text: &'a str, before: &str, ends: &[char]) -> &'a str {
    text.split_once(before).and_then(|(_, rest)| rest.split(ends).next()).unwrap_or_default()
}

fn call(service: &mut Option<BufReader<TcpStream>>, address: &str, path: &str, query: &str) -> io::Result<String> {
    let service = match service {
        Some(service) => service,
        None => {
            let stream = TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            service.insert(BufReader::new(stream))
        }
    };
    let body = format!("{{\"query\":\"{query}\"}}");
    let size = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n{body}"
    );
    service.get_mut().write_all(request.as_bytes())?;
    let (mut line, mut size) = (String::new(), 0);
    while service.read_line(&mut line)? > 2 {
        if let Some((_, value)) = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length")) {
            size = value.trim().parse().map_err(Error::other)?;
        }
        line.clear();
    }
    let mut body = vec![0; size];
    service.read_exact(&mut body)?;
    String::from_utf8(body).map_err(Error::other)
}
