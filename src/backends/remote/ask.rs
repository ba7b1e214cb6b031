//! One request in words of the protocol, and what of it each era writes.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Request};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use url::Url;

use super::era::Era;
use super::talk::Talk;
use super::wire::{self, Meta, Outgoing, Params};
use super::{mirror, post};
use crate::backends::http::Kind;
use crate::backends::{Host, Progress};
use crate::http::Limits;

const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");
pub(super) const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

/// For lists, and for what changes nothing.
pub(super) const SHORT: Limits = Limits { time: Duration::from_secs(30), body: 4 << 20 };
/// For calls: until the answer begins, and between two pieces of a stream.
pub(super) const CALL: Limits = Limits { time: Duration::from_secs(300), body: super::sse::LARGEST };

/// A request.
pub(super) struct Ask<'a> {
    pub(super) method: &'static str,
    /// A tool or a prompt, by the server's own name.
    pub(super) name: Option<&'a str>,
    /// A resource, at the server's own address.
    pub(super) uri: Option<&'a str>,
    pub(super) arguments: Option<&'a Map<String, Value>>,
    pub(super) cursor: Option<&'a str>,
    /// What only this method has.
    pub(super) more: Option<Map<String, Value>>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) limits: Limits,
    pub(super) kind: Kind,
    pub(super) progress: Progress,
    pub(super) talk: Talk,
    /// Modern: what was answered to the round before.
    pub(super) answered: Answered,
}

/// What the next round of a modern request brings along.
#[derive(Default)]
pub(super) struct Answered {
    pub(super) responses: Option<BTreeMap<String, Box<RawValue>>>,
    pub(super) state: Option<Box<RawValue>>,
}

impl Ask<'_> {
    /// A request that changes nothing and in which nobody is asked.
    pub(super) fn short<'a>(method: &'static str) -> Ask<'a> {
        Ask::of(method, SHORT, Host::default())
    }

    /// A request in the middle of which the host may be asked.
    pub(super) fn long<'a>(method: &'static str, host: Host) -> Ask<'a> {
        Ask::of(method, CALL, host)
    }

    fn of<'a>(method: &'static str, limits: Limits, host: Host) -> Ask<'a> {
        Ask {
            method,
            name: None,
            uri: None,
            arguments: None,
            cursor: None,
            more: None,
            headers: Vec::new(),
            limits,
            kind: Kind::Read,
            progress: Progress::default(),
            talk: Talk::new(host),
            answered: Answered::default(),
        }
    }

    /// The message for a server of this era, which has been heard to log.
    pub(super) fn request(&self, url: &Url, era: &Era, id: u64, logs: bool) -> Request<Vec<u8>> {
        let token = self.progress.is_wanted().then_some(id);
        let (meta, answered) = match era {
            Era::Modern => {
                let level = self.talk.host().level().filter(|_| logs);
                (Some(Meta::modern(token, self.talk.takes(), level)), Some(&self.answered))
            }
            Era::Legacy(_) => (Meta::legacy(token), None),
        };
        let params = Params {
            name: self.name,
            uri: self.uri,
            arguments: self.arguments,
            cursor: self.cursor,
            more: self.more.as_ref(),
            input_responses: answered.and_then(|answered| answered.responses.as_ref()),
            request_state: answered.and_then(|answered| answered.state.as_deref()),
            meta,
        };
        let mut request = post(url, Outgoing::text(Some(id), self.method, Some(params)));
        let headers = request.headers_mut();
        era.mark(headers);
        if matches!(era, Era::Modern) {
            headers.insert(METHOD, HeaderValue::from_static(self.method));
            if let Some(name) = self.name.or(self.uri) {
                headers.insert(NAME, mirror::value(name));
            }
            headers.extend(self.headers.iter().cloned());
        }
        request
    }
}

impl Era {
    /// The headers that tell the server which era and session a message belongs to.
    pub(super) fn mark(&self, headers: &mut HeaderMap) {
        match self {
            Self::Modern => {
                headers.insert(VERSION, HeaderValue::from_static(wire::MODERN));
            }
            Self::Legacy(session) => {
                // Older servers know no such header, and its absence means their version.
                if let (true, Ok(version)) = (*session.version >= *"2025-06-18", session.version.parse()) {
                    headers.insert(VERSION, version);
                }
                if let Some(id) = &session.id {
                    headers.insert(SESSION, id.clone());
                }
            }
        }
    }
}
