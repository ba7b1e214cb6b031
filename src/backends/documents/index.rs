//! Documents behind an address: a list in JSON, and the files that it names.
//!
//! The connection's `url` is the address of the list:
//!
//! ```json
//! {"documents": [
//!   {"kind": "checklists", "path": "checklists/coding.md", "name": "Coding", "description": "…", "tags": ["code"], "modified": "…"}
//! ]}
//! ```
//!
//! `kind` and `path` must be there. A path is relative to the list; instead of it, `url` may name the whole address. Either
//! must be at the list's own origin and below its folder, because the login is sent there. `modified` is any text that
//! changes with the document: as long as it stays the same, a copy is not asked after.
//!
//! Everything is asked for with the connection's login, follows no redirect, and is kept as a copy with the service's own
//! marks (`ETag`, `Last-Modified`), by which it is asked next time whether that is still so. Where the service cannot be
//! reached the copy answers, and says how old it is. Once the service has refused the login, the copies are deleted: what
//! a person may see no more, no copy shows.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::header::{ETAG, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use http::{Extensions, HeaderMap, Method, Request, StatusCode};
use serde_json::Value;
use tokio::task::JoinSet;
use url::Url;

use super::document::{self, Document, Held, LARGEST, Place};
use super::front;
use super::library::{ROOM, no_room};
use super::shelf::LeftOut;
use crate::backends::copies::{Copies, Copy};
use crate::backends::folders;
use crate::backends::headers::{HeaderSource, Values};
use crate::backends::http::{Kind, failure, host_of, is_web_page, send};
use crate::backends::{Boxed, Connection, Credential, CredentialSource, Error, Unavailable, outside};
use crate::http::{Limits, Stream};

/// How long a mark of the list saves asking: after that it is asked whether the person may still see the document.
const MARKED: Duration = Duration::from_secs(300);
/// The most documents of a list.
const MOST: usize = 5_000;
/// How many documents are brought for one search, and how many at once.
const BROUGHT: usize = 500;
const WIDTH: usize = 6;
const TIME: Duration = Duration::from_secs(20);

/// Where the documents are. Cheap to clone.
#[derive(Clone)]
pub(super) struct Index {
    connection: Arc<Connection>,
}

/// What was brought; with its age if it is a copy that the service could not be asked about.
struct Brought {
    body: Vec<u8>,
    age: Option<Duration>,
}

impl Index {
    /// The list of a connection, if it has an address.
    pub(super) fn of(connection: &Connection) -> Option<Self> {
        let is_there = matches!(connection.url.scheme(), "http" | "https");
        is_there.then(|| Self { connection: Arc::new(connection.clone()) })
    }

    /// The documents of the list, what of it was left out, and a note where it is an old copy.
    pub(super) async fn documents(&self) -> Result<(Vec<Held>, LeftOut, Option<String>), Error> {
        let url = &self.connection.url;
        let brought = self.bring(url, None).await?;
        let wrong = |cause: &str| Error::Protocol { host: host_of(url), cause: cause.to_owned() };
        let list: Value =
            serde_json::from_slice(&brought.body).map_err(|_| wrong("the list of documents is not JSON"))?;
        let entries = list.get("documents").unwrap_or(&list).as_array();
        let entries = entries.ok_or_else(|| wrong("the list of documents has no `documents`"))?;
        let (mut all, mut left_out) = (Vec::new(), LeftOut::default());
        for (number, entry) in entries.iter().enumerate() {
            let path = ["path", "url"].iter().find_map(|name| entry.get(*name)).and_then(Value::as_str);
            let shown = path.map_or_else(|| format!("entry {}", number + 1), |path| outside::line(path, 200));
            if all.len() >= MOST {
                left_out.add(&shown, format!("there are more than {MOST} documents"));
                continue;
            }
            match self.entry(entry) {
                Ok(document) => all.push(Held { document: Arc::new(document), text: None }),
                Err(why) => left_out.add(&shown, why.to_owned()),
            }
        }
        let note = brought
            .age
            .map(|age| format!("`{}` cannot be reached: the list is a copy that is {} old", host_of(url), spoken(age)));
        Ok((all, left_out, note))
    }

    fn entry(&self, entry: &Value) -> Result<Document, &'static str> {
        let text =
            |name: &str| entry.get(name).and_then(Value::as_str).map(front::line).filter(|text| !text.is_empty());
        let path = ["path", "url"].iter().find_map(|name| entry.get(*name)).and_then(Value::as_str);
        let path = path.ok_or("it has neither `path` nor `url`")?;
        let kind = text("kind").ok_or("it has no `kind`")?.to_lowercase();
        let url = self.below(path)?;
        let tags = entry.get("tags").and_then(Value::as_array).into_iter().flatten();
        let stem = document::stem_of(path);
        Ok(Document {
            kind,
            name: text("name").unwrap_or_else(|| stem.clone()).chars().take(200).collect(),
            stem,
            description: text("description").unwrap_or_default(),
            tags: tags.filter_map(Value::as_str).take(100).map(front::line).collect(),
            file: outside::line(path, 300),
            modified: text("modified"),
            place: Place::At(url),
            ..Document::default()
        })
    }

    /// The address of a document, if the login may travel there.
    fn below(&self, path: &str) -> Result<Url, &'static str> {
        let own = &self.connection.url;
        let url = own.join(path).map_err(|_| "it has no address")?;
        let folder = own.path().rsplit_once('/').map_or("/", |(folder, _)| folder);
        let inside = url.path().strip_prefix(folder).is_some_and(|rest| rest.starts_with('/') && rest.len() > 1);
        // A server may take an encoded slash for one, after it has looked where the path leads.
        let coded = url.path().to_ascii_lowercase();
        let is_plain = !["%2f", "%5c", "%00", "\\"].iter().any(|code| coded.contains(code));
        if url.origin() != own.origin() || !inside || !is_plain {
            return Err("it is not below the folder of the list");
        }
        if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
            return Err("its address has more than a path");
        }
        Ok(url)
    }

    /// The text of a document, and a note where it is an old copy.
    pub(super) async fn text(&self, document: &Document) -> Result<(Arc<str>, Option<String>), Error> {
        let Place::At(url) = &document.place else { return Ok(("".into(), None)) };
        let brought = self.bring(url, document.modified.as_deref()).await?;
        let text = document::text_of(brought.body);
        let text = text
            .map_err(|cause| Error::Protocol { host: host_of(url), cause: format!("`{}`: {cause}", document.file) })?;
        let note = brought.age.map(|age| {
            format!("`{}` cannot be reached: `{}` is a copy that is {} old", host_of(url), document.file, spoken(age))
        });
        Ok((front::split(&text).1.into(), note))
    }

    /// Brings the texts of these documents, a few at a time; what cannot be brought is said. A refused login is an error.
    pub(super) async fn texts(
        &self,
        all: &mut [Held],
        left_out: &mut LeftOut,
        notes: &mut Vec<String>,
    ) -> Result<(), Error> {
        let is_wanted = |held: &Held| held.text.is_none() && matches!(held.document.place, Place::At(_));
        let mut waiting: VecDeque<(usize, Arc<Document>)> = all
            .iter()
            .enumerate()
            .filter(|(_, held)| is_wanted(held))
            .map(|(at, held)| (at, Arc::clone(&held.document)))
            .collect();
        for (_, document) in waiting.drain(waiting.len().min(BROUGHT)..) {
            left_out.add(&document.file, format!("only {BROUGHT} documents are read for one search"));
        }
        let mut running = JoinSet::new();
        let (mut is_old, mut room) = (false, ROOM);
        loop {
            while running.len() < WIDTH
                && let Some((at, document)) = waiting.pop_front()
            {
                let index = self.clone();
                running.spawn(async move {
                    let text = index.text(&document).await;
                    (at, document, text)
                });
            }
            let Some(finished) = running.join_next().await else { break };
            let Ok((at, document, text)) = finished else { continue };
            match text {
                Ok((text, _)) if text.len() > room => left_out.add(&document.file, no_room()),
                Ok((text, note)) => {
                    is_old |= note.is_some();
                    room = room.saturating_sub(text.len());
                    if let Some(held) = all.get_mut(at) {
                        held.text = Some(text);
                    }
                }
                Err(error @ (Error::Rejected { .. } | Error::StepUp { .. } | Error::Credential(_))) => {
                    return Err(error);
                }
                Err(error) => left_out.add(&document.file, error.to_string()),
            }
        }
        if is_old {
            notes.push("some of the texts are copies, because the service cannot be reached".to_owned());
        }
        Ok(())
    }

    /// What is at an address: asked for, or the copy if it is still the same, or if the service cannot be asked.
    async fn bring(&self, url: &Url, mark: Option<&str>) -> Result<Brought, Error> {
        let whose = self.connection.credentials.whose().await;
        let address = url.to_string();
        let (begun, copy) = match whose.clone() {
            Some(whose) => {
                self.aside({
                    let address = address.clone();
                    move |copies| (copies.begin(), copies.load(&whose, &address))
                })
                .await
            }
            None => Default::default(),
        };
        if let Some(copy) =
            copy.as_ref().filter(|copy| copy.age < MARKED && mark.is_some() && copy.mark.as_deref() == mark)
        {
            return Ok(Brought { body: copy.body.clone(), age: None });
        }
        let noting = Arc::new(Noting::new(&self.connection.credentials));
        let new = match self.ask(url, copy.as_ref(), &noting).await {
            Ok(Some(new)) => new,
            Ok(None) => copy.unwrap_or_default(),
            Err(error) => {
                let is_refused = noting.is_refused.load(Ordering::Relaxed);
                self.heed(&error, &address, is_refused).await;
                return match copy.filter(|_| !is_refused && is_out_of_reach(&error)) {
                    Some(copy) => Ok(Brought { body: copy.body, age: Some(copy.age) }),
                    None => Err(error),
                };
            }
        };
        let new = Copy { mark: mark.map(str::to_owned), ..new };
        let body = new.body.clone();
        // The login that was used may be a newer one than the one before.
        if let Some(whose) = whose.filter(|_| new.etag.is_some() || new.modified.is_some() || !body.is_empty()) {
            self.aside(move |copies| copies.keep(&whose, &address, &new, &begun)).await;
        }
        Ok(Brought { body, age: None })
    }

    /// Asks for it; `None` if it is what the copy is.
    async fn ask(&self, url: &Url, copy: Option<&Copy>, noting: &Arc<Noting>) -> Result<Option<Copy>, Error> {
        let mut request = Request::new(Vec::new());
        *request.method_mut() = Method::GET;
        let wrong = |cause: &str| Error::Protocol { host: host_of(url), cause: cause.to_owned() };
        *request.uri_mut() = url.as_str().parse().map_err(|_| wrong("an address cannot be requested"))?;
        for (name, value) in [
            (IF_NONE_MATCH, copy.and_then(|copy| copy.etag.as_ref())),
            (IF_MODIFIED_SINCE, copy.and_then(|copy| copy.modified.as_ref())),
        ] {
            if let Some(value) = value.and_then(|value| value.parse().ok()) {
                request.headers_mut().insert(name, value);
            }
        }
        let limits = Limits { time: TIME, body: usize::try_from(LARGEST).unwrap_or_default() };
        let credentials: Arc<dyn CredentialSource> = Arc::clone(noting) as _;
        let mut connection = Connection { credentials, ..(*self.connection).clone() };
        connection.headers.secret = connection.headers.secret.map(|inner| {
            let headers: Arc<dyn HeaderSource> = Arc::new(Headers { inner, noting: Arc::clone(noting) });
            headers
        });
        let answer = send(&connection, &request, Kind::Read, limits).await?;
        let text = |name: HeaderName| header(answer.headers(), &name);
        match answer.status() {
            StatusCode::NOT_MODIFIED if copy.is_some() => Ok(None),
            status if !status.is_success() => {
                Err(failure(host_of(url), status, answer.headers(), outside::said(answer.body())))
            }
            _ if is_web_page(answer.headers(), b"") => Err(wrong("it sent a web page instead of a document")),
            _ => Ok(Some(Copy {
                etag: text(ETAG),
                modified: text(LAST_MODIFIED),
                body: answer.body().clone(),
                ..Copy::default()
            })),
        }
    }

    /// Deletes the copies of what may be seen no more, or is not there any more.
    async fn heed(&self, error: &Error, address: &str, is_refused: bool) {
        let own = self.connection.url.as_str() == address;
        match error {
            _ if is_refused => self.aside(|copies| copies.forget(None)).await,
            Error::Rejected { .. } | Error::StepUp { .. } => self.aside(|copies| copies.forget(None)).await,
            Error::Forbidden { .. } if own => self.aside(|copies| copies.forget(None)).await,
            Error::Forbidden { .. } | Error::Refused { code: 404 | 410, .. } => {
                let address = address.to_owned();
                self.aside(move |copies| copies.forget(Some(&address))).await;
            }
            _ => {}
        }
    }

    /// The disk, on a thread of its own.
    async fn aside<T: Default + Send + 'static>(&self, work: impl FnOnce(&dyn Copies) -> T + Send + 'static) -> T {
        let copies = Arc::clone(&self.connection.copies);
        folders::aside(move || Ok(work(copies.as_ref()))).await.unwrap_or_default()
    }
}

fn header(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).filter(|value| value.len() <= 1000).map(str::to_owned)
}

/// Supplies the same credentials, and notes whether the service refused one: what the supplier then says may be that there is
/// no other, or that its provider is out of reach.
struct Noting {
    inner: Arc<dyn CredentialSource>,
    is_refused: AtomicBool,
}

impl Noting {
    fn new(inner: &Arc<dyn CredentialSource>) -> Self {
        Self { inner: Arc::clone(inner), is_refused: AtomicBool::new(false) }
    }
}

impl CredentialSource for Noting {
    fn credential(&self) -> Boxed<'_, Result<Option<Credential>, Unavailable>> {
        self.inner.credential()
    }

    fn replace<'a>(&'a self, rejected: &'a Credential) -> Boxed<'a, Result<Option<Credential>, Unavailable>> {
        self.is_refused.store(true, Ordering::Relaxed);
        self.inner.replace(rejected)
    }

    fn is_refusal(&self, asked: &Extensions, answer: &Stream) -> bool {
        self.inner.is_refusal(asked, answer)
    }
}

/// Secret headers, for which the same is noted.
struct Headers {
    inner: Arc<dyn HeaderSource>,
    noting: Arc<Noting>,
}

impl HeaderSource for Headers {
    fn values(&self) -> Boxed<'_, Result<Values, Unavailable>> {
        self.inner.values()
    }

    fn replace<'a>(&'a self, rejected: &'a Values) -> Boxed<'a, Result<Option<Values>, Unavailable>> {
        self.inner.replace(rejected)
    }

    fn refused(&self) -> Unavailable {
        self.noting.is_refused.store(true, Ordering::Relaxed);
        self.inner.refused()
    }
}

/// Whether nobody can tell what the service would say: it is not reached, or has trouble itself.
fn is_out_of_reach(error: &Error) -> bool {
    use crate::http::Error as Network;
    match error {
        Error::Network(error) => {
            !matches!(error, Network::TooLarge { .. } | Network::Address { .. } | Network::OutOfReach { .. })
        }
        Error::Server { .. } => true,
        Error::Credential(why) => {
            // The provider of a login that must be renewed may be out of reach as well.
            let mut source: Option<&(dyn std::error::Error + 'static)> = Some(why.0.as_ref());
            while let Some(error) = source {
                if error.is::<Network>() {
                    return true;
                }
                source = error.source();
            }
            false
        }
        _ => false,
    }
}

/// An age in words.
fn spoken(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
