//! Servers of one test: a function from a request to an answer, and a record of what came.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub head: String,
    pub body: String,
}

impl Request {
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.split("\r\n").filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

/// A server on loopback that lives as long as the test.
#[derive(Clone)]
pub struct Wire {
    address: SocketAddr,
    record: Arc<Mutex<Vec<Request>>>,
}

impl Wire {
    /// Answers each request with what `answer` makes of it; an empty text closes the connection without a word.
    pub fn start(answer: impl Fn(&Self, &Request) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let wire = Self { address: listener.local_addr().expect("an address"), record: Arc::default() };
        let (shared, answer) = (wire.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (shared, answer) = (shared.clone(), Arc::clone(&answer));
                std::thread::spawn(move || shared.serve(stream, answer.as_ref()));
            }
        });
        wire
    }

    fn serve(&self, mut stream: TcpStream, answer: &(impl Fn(&Self, &Request) -> String + ?Sized)) {
        let Some(request) = read(&mut stream) else { return };
        self.record.lock().expect("no panic").push(request.clone());
        let _ = stream.write_all(answer(self, &request).as_bytes());
    }

    /// Without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What came to this path.
    pub fn received(&self, path: &str) -> Vec<Request> {
        self.record.lock().expect("no panic").iter().filter(|request| request.path() == path).cloned().collect()
    }

    /// Everything that came.
    pub fn record(&self) -> Vec<Request> {
        self.record.lock().expect("no panic").clone()
    }
}

/// An answer of this status with a JSON body.
pub fn json(status: &str, body: &serde_json::Value) -> String {
    crate::scripted::answer(status, "application/json", &body.to_string())
}

/// An answer without a body and with these header lines, each ended by a line break.
pub fn bare(status: &str, headers: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n")
}

/// Nothing here.
pub fn missing() -> String {
    bare("404 Not Found", "")
}

fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..at]).into_owned();
            let lower = head.to_ascii_lowercase();
            let length = lower.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
            if bytes.len() >= at + 4 + length.unwrap_or(0) {
                let mut words = head.split(' ');
                let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
                let body = String::from_utf8_lossy(&bytes[at + 4..]).into_owned();
                return Some(Request { method, target, head, body });
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}
