//! A stand-in for documents behind HTTPS: a list at `/index.json`, and the files that it names, with `ETag` and
//! `Last-Modified`.
//!
//! Everything wants a token of the sandbox for the resource `…/index.json`, which a login to that address gets; it is what
//! the login protects. `PUT /fake/PATH` adds or changes a file (of the kind of its first folder), `DELETE /fake/PATH`
//! removes it, `PUT /fake/status` with a number makes every further answer that one (`0` ends it); `GET /received` shows what
//! arrived. These three need no token.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use http::header::{ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use crate::backends::fake::{Fake, Place, Received, Record, Reply, empty, json as reply_json, whole};

/// A server of documents.
pub struct Server {
    record: Record,
    state: Mutex<State>,
}

struct State {
    /// By path: how often it was changed, and what it holds.
    files: BTreeMap<String, (u64, Vec<u8>)>,
    changes: u64,
    status: u16,
}

const SAMPLES: [(&str, &str); 3] = [
    (
        "checklists/release.md",
        "---\nname: Release\ndescription: Before a release\n---\n# Release\n\n- [ ] the tests are green\n",
    ),
    (
        "processes/rollback.md",
        "---\nname: Rollback\ndescription: Going back\n---\n# Rollback\n\n1. perform a rollback\n",
    ),
    ("runbooks/restore.md", "# Restore\n\nFrom the copy of the night.\n"),
];

impl Default for Server {
    fn default() -> Self {
        let files = SAMPLES.iter().map(|(path, text)| ((*path).to_owned(), (1, text.as_bytes().to_vec()))).collect();
        Self { record: Record::default(), state: Mutex::new(State { files, changes: 1, status: 0 }) }
    }
}

impl Server {
    /// What was received with a good token.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Adds or changes a file; `None` removes it.
    pub fn put(&self, path: &str, text: Option<&[u8]>) {
        let mut state = self.state();
        state.changes += 1;
        let changes = state.changes;
        match text {
            Some(text) => drop(state.files.insert(path.to_owned(), (changes, text.to_vec()))),
            None => drop(state.files.remove(path)),
        }
    }

    /// Answers everything with this status from now on; 0 ends that.
    pub fn fail(&self, status: u16) {
        self.state().status = status;
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What stands at a path: its version and its bytes.
    fn at(&self, path: &str) -> Option<(u64, Vec<u8>)> {
        let state = self.state();
        if path != "index.json" {
            return state.files.get(path).cloned();
        }
        let entry = |(path, (version, _)): (&String, &(u64, Vec<u8>))| {
            let (kind, file) = path.split_once('/').unwrap_or(("documents", path));
            let name = SAMPLES.iter().find(|(sample, _)| sample == path).map(|_| title(file));
            json!({"kind": kind, "path": path, "name": name, "description": format!("{file} of the stand-in"), "modified": version.to_string()})
        };
        let list = json!({"documents": state.files.iter().map(entry).collect::<Vec<Value>>()});
        Some((state.changes, list.to_string().into_bytes()))
    }
}

/// `release.md` as `Release`.
fn title(file: &str) -> String {
    let stem = file.trim_end_matches(".md");
    let mut chars = stem.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

impl Fake for Server {
    fn answer(&self, request: &Received, place: &Place<'_>) -> Reply {
        let path = request.uri().path();
        match (request.method(), path.strip_prefix("/fake/")) {
            (&Method::GET, None) if path == "/received" => {
                return reply_json(StatusCode::OK, &json!({"received": self.record.all()}));
            }
            (&Method::PUT, Some("status")) => {
                let text = String::from_utf8_lossy(request.body());
                self.fail(text.trim().parse().unwrap_or_default());
                return empty(StatusCode::NO_CONTENT);
            }
            (&Method::PUT, Some(file)) => {
                self.put(file, Some(request.body()));
                return empty(StatusCode::NO_CONTENT);
            }
            (&Method::DELETE, Some(file)) => {
                self.put(file, None);
                return empty(StatusCode::NO_CONTENT);
            }
            _ => {}
        }
        if let Err(denied) = place.admit(request, &format!("{}/index.json", place.url), "") {
            return denied.reply();
        }
        self.record.note(request);
        let status = self.state().status;
        if status != 0 {
            return empty(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
        }
        match self.at(path.trim_start_matches('/')).filter(|_| request.method() == Method::GET) {
            Some((version, bytes)) => current(request, version, bytes),
            None => reply_json(StatusCode::NOT_FOUND, &json!({"error": "there is no such document"})),
        }
    }
}

/// The bytes with their marks, or that they are the same as the client has (RFC 9110 §13).
fn current(request: &Received, version: u64, bytes: Vec<u8>) -> Reply {
    let header = |name| request.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let etag = format!("\"v{version}\"");
    let modified =
        format!("Mon, 01 Jan 2024 {:02}:{:02}:{:02} GMT", version / 3600 % 24, version / 60 % 60, version % 60);
    let is_same = match (header(IF_NONE_MATCH), header(IF_MODIFIED_SINCE)) {
        (Some(known), _) => known == etag,
        (None, Some(known)) => known == modified,
        (None, None) => false,
    };
    let mut reply = match is_same {
        true => empty(StatusCode::NOT_MODIFIED),
        false => whole(StatusCode::OK, "text/markdown; charset=utf-8", bytes),
    };
    for (name, value) in [(ETAG, etag), (LAST_MODIFIED, modified)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            reply.headers_mut().insert(name, value);
        }
    }
    reply
}
