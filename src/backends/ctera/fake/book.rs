//! What arrived, without its secrets, and how often.

use std::collections::{BTreeMap, VecDeque};

use http::HeaderName;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, RANGE, USER_AGENT};
use serde_json::{Value, json};

use super::asked::Asked;
use crate::backends::fake::bearer;

/// The record.
#[derive(Default)]
pub(super) struct Book {
    seen: VecDeque<Value>,
    methods: BTreeMap<String, u64>,
    counts: BTreeMap<&'static str, u64>,
    changes: BTreeMap<String, u64>,
}

/// Members whose values are secrets.
const SECRETS: [&str; 9] = [
    "password",
    // Where somebody is to come back to may hold what only they should know.
    "scheme",
    "ssoActivationCode",
    "sharedSecret",
    "secretKey",
    "userPassword",
    "passphrase",
    "j_password",
    "ctera_ticket",
];
/// What counts as a change of files.
const CHANGES: [&str; 8] = [
    "makeCollection",
    "copyResources",
    "moveResources",
    "deleteResources",
    "restoreResources",
    "createShare",
    "updateShare",
    "deleteShare",
];

impl Book {
    /// The most requests that are kept; a fake may run for days.
    const MOST: usize = 2_000;

    /// One more of these.
    pub(super) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// One more change, which was accepted.
    pub(super) fn change(&mut self, what: String) {
        *self.changes.entry(what).or_default() += 1;
    }

    /// Writes a request down, with who sent it and what it got.
    pub(super) fn note(&mut self, asked: &Asked<'_>, user: Option<&str>, status: u16) {
        *self.methods.entry(asked.what.clone()).or_default() += 1;
        if status < 300 && CHANGES.contains(&asked.what.as_str()) {
            self.change(asked.subject());
        }
        let request = asked.request;
        let header = |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
        let query = request.uri().query().filter(|_| asked.what != "activate");
        let sent = bearer(request).is_some() || header(AUTHORIZATION).is_some();
        let (cookie, token) = (header(COOKIE).is_some(), request.headers().contains_key("x-ctera-token"));
        let mut param = asked.param.clone();
        blank(&mut param);
        self.seen.push_back(json!({
            "method": request.method().as_str(), "path": request.uri().path(), "query": query, "what": asked.what,
            "param": param, "user": user, "status": status, "cookie": cookie, "token": token, "authorization": sent,
            "range": header(RANGE), "type": header(CONTENT_TYPE), "agent": header(USER_AGENT), "size": request.body().len(),
        }));
        if self.seen.len() > Self::MOST {
            self.seen.pop_front();
        }
    }

    /// All of it.
    pub(super) fn value(&self) -> Value {
        json!({"received": self.seen, "methods": self.methods, "counts": self.counts, "changes": self.changes})
    }
}

fn blank(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members.iter_mut() {
                if SECRETS.contains(&name.as_str()) && !value.is_null() {
                    *value = "…".into();
                } else {
                    blank(value);
                }
            }
        }
        Value::Array(all) => all.iter_mut().for_each(blank),
        _ => {}
    }
}
