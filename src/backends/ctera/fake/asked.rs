//! A request, read.

use http::Method;
use http::header::COOKIE;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::super::{Scope, path, wire};
use super::said::{list, member};
use crate::backends::fake::{Place, Received};

/// A request, and what it is about.
pub(super) struct Asked<'a> {
    pub(super) request: &'a Received,
    pub(super) place: &'a Place<'a>,
    pub(super) scope: Scope,
    /// The path after the part of the Portal; of calls, after `/api`.
    pub(super) rest: &'a str,
    /// A word for it: the method of a call, or what the path is for.
    pub(super) what: String,
    /// The parameter of a call, the fields of a form, or null.
    pub(super) param: Value,
    /// Whether the answer is to be JSON.
    pub(super) json: bool,
    /// Whether the body of a call could not be read.
    pub(super) is_broken: bool,
}

impl<'a> Asked<'a> {
    /// Reads it; `None` if it is for no part of the Portal.
    pub(super) fn of(request: &'a Received, place: &'a Place<'a>) -> Option<Self> {
        let path = request.uri().path();
        let (scope, rest) = Scope::ALL.into_iter().find_map(|scope| {
            let rest = path.strip_prefix('/')?.strip_prefix(scope.word())?;
            (rest.is_empty() || rest.starts_with('/')).then_some((scope, rest))
        })?;
        let json = request.uri().query().is_some_and(|query| query.split('&').any(|pair| pair == "format=jsonext"));
        let mut asked =
            Self { request, place, scope, rest, what: String::new(), param: Value::Null, json, is_broken: false };
        asked.read();
        Some(asked)
    }

    fn read(&mut self) {
        let posts = self.request.method() == Method::POST;
        let mut segments = self.rest.split('/').filter(|segment| !segment.is_empty());
        let (first, second) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
        let what = match (first, second) {
            ("api", "login" | "logout") => second,
            ("api", _) if posts => return self.call("/api"),
            ("public", "users") if posts => return self.call(""),
            ("api" | "public", _) => second,
            ("webdav", _) => {
                if self.request.method() == Method::GET {
                    "download"
                } else {
                    "webdav"
                }
            }
            ("folders", _) => "zip",
            _ => first,
        };
        self.what = what.to_owned();
        self.rest = self.rest.strip_prefix("/api").unwrap_or(self.rest);
        if posts && matches!(what, "login" | "sso" | "activate" | "zip") {
            let pairs =
                form_urlencoded::parse(self.request.body()).map(|(name, value)| (name.into_owned(), value.into()));
            self.param = Value::Object(pairs.collect::<Map<String, Value>>());
        }
    }

    fn call(&mut self, prefix: &str) {
        self.rest = self.rest.strip_prefix(prefix).unwrap_or(self.rest);
        let read = wire::parse(self.request.body());
        let call = read.unwrap_or_default();
        self.what = member(&call, "name");
        self.is_broken = self.what.is_empty();
        self.param = call.get("param").cloned().unwrap_or_default();
    }

    /// The value of the session's cookie.
    pub(super) fn cookie(&self) -> Option<&str> {
        let headers = self.request.headers().get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = headers.flat_map(|header| header.split(';'));
        pairs.find_map(|pair| pair.trim().strip_prefix("JSESSIONID="))
    }

    /// A value of the query, decoded.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        let query = self.request.uri().query().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes()).find(|(own, _)| own == name).map(|(_, value)| value.into_owned())
    }

    /// A header, as text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.request.headers().get(name)?.to_str().ok()
    }

    /// What is done to which paths, in words for the record.
    pub(super) fn subject(&self) -> String {
        let shown = |href: String| {
            let path = href.split_once("/webdav").map_or(href.as_str(), |(_, path)| path).to_owned();
            path::decoded(path.trim_start_matches('/')).unwrap_or(path)
        };
        let pairs = list(&self.param, "urls").iter().map(|pair| {
            let (from, to) = (shown(member(pair, "src")), shown(member(pair, "dest")));
            if to.is_empty() { from } else { format!("{from} > {to}") }
        });
        let of_parent = json!(member(&self.param, "name"));
        let paths: Vec<String> = match self.what.as_str() {
            "makeCollection" => {
                vec![format!("{}/{}", shown(member(&self.param, "parentPath")), member(&json!({"n": of_parent}), "n"))]
            }
            "createShare" => vec![shown(member(&self.param, "url"))],
            "updateShare" | "deleteShare" => vec![member(&self.param, "id")],
            _ => pairs.collect(),
        };
        format!("{} {}", self.what, paths.join(", "))
    }

    /// Whether the address or the body names something with this in its path.
    pub(super) fn mentions(&self, piece: &str) -> bool {
        let mut encoded = String::new();
        for (number, name) in piece.split('/').enumerate() {
            if number > 0 {
                encoded.push('/');
            }
            path::encode(name, &mut encoded);
        }
        let body = String::from_utf8_lossy(self.request.body());
        [piece, &encoded].into_iter().any(|piece| body.contains(piece) || self.request.uri().path().contains(piece))
    }
}
