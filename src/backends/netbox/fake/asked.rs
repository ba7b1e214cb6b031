//! A request, read.

use http::Method;
use http::header::AUTHORIZATION;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::backends::fake::{Place, Received};

/// A request, and what it is about.
pub(super) struct Asked<'a> {
    pub(super) request: &'a Received,
    pub(super) place: &'a Place<'a>,
    /// The address of the root, as answers write it.
    pub(super) base: String,
    /// The path below `/api/`, in parts.
    pub(super) parts: Vec<&'a str>,
    pub(super) query: Vec<(String, String)>,
    /// The body; `None` if it is no JSON.
    pub(super) body: Option<Value>,
    /// The number of the request in the record of changes.
    pub(super) id: String,
}

impl<'a> Asked<'a> {
    pub(super) fn of(request: &'a Received, place: &'a Place<'a>, base: String, number: u64) -> Option<Self> {
        let path = request.uri().path().strip_prefix("/api")?;
        let query = request.uri().query().unwrap_or_default().as_bytes();
        let query = form_urlencoded::parse(query).map(|(name, value)| (name.into_owned(), value.into_owned()));
        let body = match request.body().is_empty() {
            true => Some(Value::Null),
            false => serde_json::from_slice(request.body()).ok(),
        };
        Some(Self {
            request,
            place,
            base,
            parts: path.split('/').filter(|part| !part.is_empty()).collect(),
            query: query.collect(),
            body,
            id: format!("00000000-0000-4000-8000-{number:012}"),
        })
    }

    pub(super) fn method(&self) -> &str {
        self.request.method().as_str()
    }

    pub(super) fn reads(&self) -> bool {
        matches!(*self.request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
    }

    /// The last value of a parameter.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.request.headers().get(name)?.to_str().ok()
    }

    /// The body, if it is an object.
    pub(super) fn object(&self) -> Option<&serde_json::Map<String, Value>> {
        self.body.as_ref()?.as_object()
    }

    /// For the record: without the token and without passwords.
    pub(super) fn noted(&self, user: Option<&str>, status: u16) -> Value {
        let mut body = self.body.clone().unwrap_or_default();
        for name in ["password", "token", "key"] {
            if let Some(secret) = body.get_mut(name) {
                *secret = "…".into();
            }
        }
        let keyword = self.header(AUTHORIZATION.as_str()).and_then(|value| value.split(' ').next());
        json!({
            "method": self.method(), "path": self.request.uri().path(), "query": self.request.uri().query(), "body": body,
            "user": user, "status": status, "keyword": keyword, "if_match": self.header("if-match"),
            "accept": self.header("accept"),
        })
    }
}
