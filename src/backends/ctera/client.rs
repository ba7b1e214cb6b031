//! Requests to a Portal, and what its answers mean.

use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method, Request, Response};
use serde_json::Value;
use tokio::sync::OnceCell;

use super::open::Who;
use super::sessions::{Bearer, Repeatable, Sessions};
use super::wire::{self, Node};
use super::{Address, Scope, fields, said};
use crate::backends::http::{self as service, Kind};
use crate::backends::{Connection, Error, Way, outside};
use crate::http::{Error as Network, Limits, Stream};

/// For the Portal's own answers. A page of a listing is some hundred kilobytes.
const LIMITS: Limits = Limits { time: Duration::from_secs(60), body: 8 << 20 };

/// A connection to a Portal. Clones share its sessions.
#[derive(Clone)]
pub(super) struct Client {
    connection: Connection,
    address: Address,
    sessions: Arc<Sessions>,
    /// Whether the Portal takes the tokens of this connection, once it was asked.
    probed: Arc<OnceCell<()>>,
}

/// The Portal as one call sees it: with a session that looks at one portal.
#[derive(Clone)]
pub(super) struct At {
    connection: Connection,
    address: Address,
    portal: Option<String>,
}

impl Client {
    pub(super) fn new(connection: &Connection) -> Self {
        Self {
            address: Address::of(&connection.url),
            sessions: Arc::new(Sessions::new(connection)),
            connection: connection.clone(),
            probed: Arc::default(),
        }
    }

    pub(super) fn scope(&self) -> Scope {
        self.address.scope
    }

    /// The connection, for what is not a request.
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The Portal, looking at that portal; without one at the person's own, or at the global administration.
    pub(super) async fn at(&self, portal: Option<&str>) -> Result<At, Error> {
        if portal.is_some() && self.address.scope == Scope::User {
            return Err(Error::Arguments("`portal` is for connections to the administration".to_owned()));
        }
        let mut connection = self.connection.clone();
        connection.credentials = match connection.way {
            Way::OAuth | Way::Bearer => Arc::new(Bearer(Arc::clone(&self.connection.credentials))),
            _ => self.sessions.at(portal),
        };
        let at = At { connection, address: self.address.clone(), portal: portal.map(String::from) };
        match self.connection.way {
            Way::OAuth | Way::Bearer if portal.is_some() => Err(Error::Arguments(
                "`portal` needs a session, and a token has none: sign in with a password to choose portals".to_owned(),
            )),
            Way::OAuth | Way::Bearer => {
                self.probed.get_or_try_init(|| at.probe()).await?;
                Ok(at)
            }
            // Somebody else uses this session, too, and may turn it to another portal.
            Way::Session | Way::Ticket if self.address.scope == Scope::Admin => {
                at.must_look_at(portal).await?;
                Ok(at)
            }
            _ => Ok(at),
        }
    }
}

impl At {
    pub(super) fn scope(&self) -> Scope {
        self.address.scope
    }

    pub(super) fn host(&self) -> String {
        self.address.host()
    }

    /// The person behind the session.
    pub(super) async fn who(&self) -> Result<Who, Error> {
        let session = self.get("/currentSession").await?;
        Who::of(&session).ok_or_else(|| self.wrong("it does not say who is signed in"))
    }

    /// Which portal is looked at; `None` for the global administration.
    pub(super) async fn current_portal(&self) -> Result<Option<String>, Error> {
        Ok(fields::scalar(&self.get("/currentPortal").await?).filter(|name| !name.is_empty()))
    }

    /// Whether the Portal takes tokens at all. No release documents it, so a refusal is explained (reference: "Bearer
    /// tokens on the Portal API").
    async fn probe(&self) -> Result<(), Error> {
        match self.who().await {
            Ok(_) => Ok(()),
            Err(Error::Rejected { said, .. } | Error::Forbidden { said, .. } | Error::Protocol { cause: said, .. }) => {
                let why = format!(
                    "it does not take the tokens of this connection ({said}): sign in with `device` or `password`"
                );
                Err(Error::Forbidden { host: self.host(), said: why })
            }
            Err(error) => Err(error),
        }
    }

    /// Before something is changed: whoever else uses this session may have turned it to another portal since.
    pub(super) async fn must_still_be_there(&self) -> Result<(), Error> {
        let is_shared = matches!(self.connection.way, Way::Session | Way::Ticket) && self.scope() == Scope::Admin;
        if is_shared { self.must_look_at(self.portal.as_deref()).await } else { Ok(()) }
    }

    async fn must_look_at(&self, portal: Option<&str>) -> Result<(), Error> {
        let current = self.current_portal().await?;
        if current.as_deref() == portal {
            return Ok(());
        }
        let named = |name: Option<&str>| match name {
            Some(name) => format!("the portal `{}`", outside::line(name, 80)),
            None => "the global administration".to_owned(),
        };
        Err(Error::Arguments(format!(
            "`portal`: the session of this connection was opened elsewhere and looks at {}, not at {}; sign in with a \
             password to look at any of them",
            named(current.as_deref()),
            named(portal)
        )))
    }

    /// Reads an object below the API.
    pub(super) async fn get(&self, object: &str) -> Result<Value, Error> {
        let request =
            self.request(Method::GET, &self.address.api(&format!("{object}?format=jsonext")), String::new())?;
        self.ask(request, Kind::Read).await
    }

    /// Calls a method of the API (reference: "RPC envelope").
    pub(super) async fn call(&self, name: &str, param: Node, kind: Kind) -> Result<Value, Error> {
        let node = Node::object([("type", "user-defined".into()), ("name", name.into()), ("param", param)]);
        let request = self.request(Method::POST, &self.address.api("?format=jsonext"), node.xml())?;
        if kind == Kind::Write {
            self.must_still_be_there().await?;
        }
        let answer = self.ask(request, kind).await;
        if kind == Kind::Read { answer } else { answer.map_err(|error| self.unsure(error)) }
    }

    /// Opens a file for reading, from `start` on where the Portal can do that. The answer's status tells: 206 if it could.
    pub(super) async fn file(&self, href: &str, headers: HeaderMap) -> Result<Stream, Error> {
        let mut request = self.request(Method::GET, &self.address.at(href), String::new())?;
        request.headers_mut().extend(headers);
        let stream = service::open(&self.connection, &request, Kind::Read, LIMITS).await?;
        match stream.status.as_u16() {
            200 | 206 | 416 => Ok(stream),
            _ => Err(self.refusal(stream).await),
        }
    }

    /// Opens the archive of what `asked` names in a cloud folder (reference: "Download / read").
    pub(super) async fn zip(&self, folder: u64, asked: &Node) -> Result<Stream, Error> {
        let url = self.address.at(&format!("/{}/folders/folders/{folder}", self.scope().word()));
        let mut request = self.request(Method::POST, &url, super::open::form(&[("inputXML", &asked.xml())]))?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let stream = service::open(&self.connection, &request, Kind::Read, LIMITS).await?;
        if stream.status.is_success() { Ok(stream) } else { Err(self.refusal(stream).await) }
    }

    fn request(&self, method: Method, url: &str, body: String) -> Result<Request<Vec<u8>>, Error> {
        let mut request = Request::new(body.into_bytes());
        *request.uri_mut() = url.parse().map_err(|_| Network::Address { host: self.host() })?;
        if !request.body().is_empty() {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        }
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("*/*"));
        *request.method_mut() = method;
        Ok(request)
    }

    async fn ask(&self, mut request: Request<Vec<u8>>, kind: Kind) -> Result<Value, Error> {
        if kind == Kind::Read {
            request.extensions_mut().insert(Repeatable);
        }
        let answer = service::send(&self.connection, &request, kind, LIMITS).await?;
        self.read(&answer)
    }

    /// What an answer of the API says.
    pub(super) fn read(&self, answer: &Response<Vec<u8>>) -> Result<Value, Error> {
        let (status, headers, body) = (answer.status(), answer.headers(), answer.body());
        if !status.is_success() {
            return Err(refused(self.host(), answer));
        }
        let is_page =
            service::is_web_page(headers, b"") || body.trim_ascii_start().get(..2).is_some_and(|start| start == b"<!");
        if is_page || body.trim_ascii_start().to_ascii_lowercase().starts_with(b"<html") {
            return Err(self.wrong("a web page instead of an answer: something in front of it may want a login"));
        }
        wire::parse(body).map_err(|cause| self.wrong(cause))
    }

    async fn refusal(&self, stream: Stream) -> Error {
        let (status, headers) = (stream.status, stream.headers.clone());
        let body = service::read(self.host(), stream, service::REFUSAL).await.unwrap_or_default();
        let mut answer = Response::new(body);
        (*answer.status_mut(), *answer.headers_mut()) = (status, headers);
        refused(self.host(), &answer)
    }

    /// What failed while something was to be changed: where nobody can say whether it was done, that is what it says.
    pub(super) fn unsure(&self, error: Error) -> Error {
        let unknown = |cause: String| Error::MaybeDone { host: self.host(), cause };
        match error {
            // With every other trouble of the network nothing was sent.
            Error::Network(error @ (Network::TimedOut { .. } | Network::TooLarge { .. } | Network::Broken { .. })) => {
                unknown(error.to_string())
            }
            Error::Server { status, said, .. } => unknown(format!("it failed with status {status}: {said}")),
            Error::Protocol { cause, .. } => unknown(cause),
            error => error,
        }
    }

    /// Whether an answer without words means that it was done: nothing, or `Ok`. A word is a refusal, an object says so or
    /// is nothing that is known.
    pub(super) fn accepted(&self, answer: &Value) -> Result<(), Error> {
        match answer {
            Value::Null => Ok(()),
            Value::Object(_) => match (fields::text(answer, "rc").as_deref(), fields::text(answer, "msg")) {
                (Some("0"), _) => Ok(()),
                (_, Some(said)) => {
                    Err(Error::Refused { host: self.host(), code: 0, said: outside::line(&said, outside::LONGEST) })
                }
                (_, None) => Err(self.unsure(self.wrong("it does not say whether it was done"))),
            },
            _ => match super::listing::word(answer).filter(|word| !word.eq_ignore_ascii_case("ok")) {
                None => Ok(()),
                Some(refused) => Err(super::listing::failed(self.host(), &refused)),
            },
        }
    }

    pub(super) fn wrong(&self, cause: impl Into<String>) -> Error {
        Error::Protocol { host: self.host(), cause: cause.into() }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }
}

/// What an answer that is no success means. The Portal answers what cannot be done with 500 and says why in an object
/// (reference: "Errors in one place").
fn refused(host: String, answer: &Response<Vec<u8>>) -> Error {
    let (status, said) = (answer.status(), said(answer.body()));
    let object = wire::parse(answer.body()).ok();
    let is_explained = object.is_some_and(|object| fields::text(&object, "msg").is_some());
    match status.as_u16() {
        _ if said.contains("Resource does not exist") => Error::Refused { host, code: 404, said },
        500 if is_explained => Error::Refused { host, code: 500, said },
        404 => Error::Refused { host, code: 404, said: "there is nothing of that name".to_owned() },
        _ => service::failure(host, status, answer.headers(), said),
    }
}
