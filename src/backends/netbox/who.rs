//! Whose a token is, and what it may do, as far as this release of NetBox says it (reference: "Service endpoints",
//! "Tokens").

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response};
use serde_json::Value;
use url::Url;

use super::token::Token;
use super::{address, refusal};
use crate::backends::http::{Kind, Withheld, host_of};
use crate::backends::sign_in::Holder;
use crate::backends::{Error, Unavailable, outside};
use crate::http::{Error as Network, Http, Limits, is_safe};

/// Tokens of one person that are looked through for the one at hand.
const MOST: usize = 1_000;

/// A NetBox, outside of a connection.
#[derive(Clone, Copy)]
pub(super) struct There<'a> {
    pub(super) http: &'a Http,
    pub(super) url: &'a Url,
}

impl There<'_> {
    pub(super) fn host(&self) -> String {
        host_of(self.url)
    }

    /// Sends a request, with the token if there is one.
    pub(super) async fn send(
        &self,
        (method, path): (Method, &str),
        token: Option<&Token>,
        body: Vec<u8>,
    ) -> Result<Response<Vec<u8>>, Error> {
        let host = self.host();
        if !is_safe(self.url) {
            return Err(Error::Credential(Unavailable(std::sync::Arc::new(Withheld::Unsafe { host }))));
        }
        let unsendable = || Error::from(Network::Address { host: self.host() });
        let mut request =
            Request::builder().method(method).uri(address::api(self.url, path)).body(body).map_err(|_| unsendable())?;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(token.header().expose()).map_err(|_| unsendable())?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(self.http.send(request, Limits::METADATA).await?)
    }

    /// Reads an object; `None` where this release has none there, or the token's owner may not see it.
    async fn read(&self, path: &str, token: &Token) -> Result<Option<Value>, Error> {
        let answer = self.send((Method::GET, path), Some(token), Vec::new()).await?;
        match refusal::of(&self.host(), &answer, Kind::Read) {
            Some(Error::Forbidden { .. } | Error::Refused { code: 404, .. }) => Ok(None),
            Some(error) => Err(error),
            None => serde_json::from_slice(answer.body()).map(Some).map_err(|_| self.wrong()),
        }
    }

    /// The numbers of the person's own tokens with this description. Where they cannot be seen, there are none.
    pub(super) async fn described(&self, token: &Token, description: &str) -> Vec<u64> {
        let user = self.read("authentication-check/", token).await.ok().flatten();
        let rows = self.read(&format!("users/tokens/?limit={MOST}"), token).await.ok().flatten();
        let rows = rows.as_ref().and_then(|rows| rows.get("results")?.as_array());
        // An administrator's list has other people's tokens in it, which may be described alike.
        let Some(own) = user.as_ref().and_then(|user| user.get("id")) else { return Vec::new() };
        let is_it = |row: &&Value| {
            row.pointer("/user/id") == Some(own) && row.get("description").and_then(Value::as_str) == Some(description)
        };
        rows.into_iter().flatten().filter(is_it).filter_map(|row| row.get("id")?.as_u64()).collect()
    }

    fn wrong(&self) -> Error {
        Error::Protocol { host: self.host(), cause: "its answer is not JSON".to_owned() }
    }

    /// Whose this token is. An error means that it is not taken.
    pub(super) async fn holder(&self, token: &Token) -> Result<Holder, Error> {
        let answer = self.send((Method::GET, "status/"), Some(token), Vec::new()).await?;
        if let Some(error) = refusal::of(&self.host(), &answer, Kind::Read) {
            return Err(error);
        }
        let user = self.read("authentication-check/", token).await?;
        let rows = self.read(&own_rows(token), token).await?;
        let rows = rows.as_ref().and_then(|rows| rows.get("results")?.as_array());
        let user = user.as_ref().filter(|user| user.get("username").is_some());
        let mut own = rows.into_iter().flatten().filter(|row| is_of(row, token, user));
        let row = own.next().filter(|_| own.next().is_none());
        let account = user.or_else(|| row?.get("user")).and_then(|user| text(user, "username"));
        Ok(Holder { account: account.unwrap_or_else(|| UNKNOWN.to_owned()), tenant: None, role: row.and_then(rights) })
    }
}

/// Releases before 4.5 tell a person who may not see tokens nothing of themselves.
const UNKNOWN: &str = "somebody whom this NetBox does not name";

/// Where the row of this token is. The key is in the address, because it is no secret; a token of version 1 has none.
fn own_rows(token: &Token) -> String {
    match token.key() {
        Some(key) => format!("users/tokens/?key={key}"),
        None => format!("users/tokens/?limit={MOST}"),
    }
}

/// Whether this is the row of the token, whose end it shows.
pub(super) fn is_of(row: &Value, token: &Token, user: Option<&Value>) -> bool {
    let is_theirs = user.is_none_or(|user| row.pointer("/user/id") == user.get("id"));
    let is_it = match token.key() {
        Some(key) => row.get("key").and_then(Value::as_str) == Some(key),
        None => row.get("display").and_then(Value::as_str).is_some_and(|shown| token.ends_as(shown)),
    };
    is_theirs && is_it
}

/// What the token may do, and until when.
fn rights(row: &Value) -> Option<String> {
    let may = match row.get("write_enabled")?.as_bool()? {
        true => "reading and writing",
        false => "reading only",
    };
    Some(match text(row, "expires") {
        Some(end) => format!("{may}, until {end}"),
        None => may.to_owned(),
    })
}

fn text(object: &Value, name: &str) -> Option<String> {
    object.get(name)?.as_str().map(|text| outside::line(text, 100)).filter(|text| !text.is_empty())
}
