//! Moving content: uploads from what a call brings or from a file of this machine, downloads into one. Content travels
//! piece by piece: however large a file is, a few pieces of it are in memory.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_RANGE, LAST_MODIFIED, RANGE};
use http::{Extensions, Request as HttpRequest, Response, StatusCode};
use serde::Serialize;
use tokio::sync::mpsc;

use super::client::At;
use super::fields;
use super::item::{Item, Row};
use super::listing::absent;
use super::path::{Path, new_name};
use super::read::{Source, VERSION, begins, length, total};
use super::shape::{ROW, Shape, returns};
use super::tool::{ADDS, Request, Spec, TAKES, output, takes};
use super::wire::Node;
use crate::backends::arguments::{Field, Form};
use crate::backends::folders::{Existing, Folders, Partial};
use crate::backends::http as service;
use crate::backends::multipart;
use crate::backends::{Error, Output, Progress, Step, outside};
use crate::http::{Error as Network, Limits, Pieces, Stream};

/// For an upload: how long nothing may move, and how much of the answer is read.
const LIMITS: Limits = Limits { time: Duration::from_secs(60), body: 64 << 10 };
/// How often a download goes on where it broke.
const MOST_BREAKS: usize = 5;
/// The most characters that a call brings as content.
const MOST_CONTENT: usize = 8 << 20;

const OVERWRITE: (Field, &str) = (
    Field::new("overwrite", Form::Flag),
    "Whether a file of that name may be replaced, its content becoming a version; otherwise the call fails and changes nothing.",
);
const PARENTS: (Field, &str) =
    (Field::new("parents", Form::Flag), "Also make the folders it is in, where they are missing.");

/// What a file looks like after an upload: [`ROW`].
const UPLOADED: &str = returns!(ROW);

pub(super) static SPECS: &[Spec] = &[
    Spec {
        name: "write",
        title: "Write a file",
        description: "Writes a file on the CTERA Portal with the content of this call.",
        toolset: "write",
        effect: TAKES,
        takes: takes!(&[
            (Field::required("path", Form::Text(4_096)), "The whole path of the file, such as `My Files/notes.md`."),
            (Field::new("content", Form::Text(MOST_CONTENT)), "What the file holds; must be given, and may be empty."),
            (
                Field::new("encoding", Form::Choice(&["text", "base64"])),
                "How `content` is written; `text` (the default) is stored as UTF-8.",
            ),
            OVERWRITE,
            PARENTS,
        ]),
        returns: UPLOADED,
        run: |request| Box::pin(write(request)),
    },
    Spec {
        name: "upload",
        title: "Upload a file of this machine",
        description: "Uploads a file of the person's machine to the CTERA Portal. Only files below the folders that the person's \
                      configuration allows can be read.",
        toolset: "write",
        effect: TAKES,
        takes: takes!(&[
            (
                Field::required("from", Form::Text(4_096)),
                "The file on this machine: its whole path, or a path within the first allowed folder.",
            ),
            (
                Field::required("path", Form::Text(4_096)),
                "Where it goes: the whole path of the new file, or a folder that is there, in which it keeps its name.",
            ),
            OVERWRITE,
            PARENTS,
        ]),
        returns: UPLOADED,
        run: |request| Box::pin(upload(request)),
    },
    Spec {
        name: "download",
        title: "Download to this machine",
        description: "Downloads a file, or a folder as a ZIP archive, from the CTERA Portal to the person's machine. Only folders that \
                      the person's configuration allows can be written to.",
        toolset: "read",
        effect: ADDS,
        takes: takes!(&[
            (Field::required("path", Form::Text(4_096)), "What to download, by its path as lists show it."),
            (
                Field::new("to", Form::Text(4_096)),
                "The new file on this machine: its whole path, or a path within the first allowed folder; the file's own name in \
                 that folder unless given.",
            ),
            VERSION,
            (Field::new("overwrite", Form::Flag), "Whether a file of that name on this machine may be replaced."),
        ]),
        returns: returns!(&[
            ("path", Shape::Text, true, "What was downloaded."),
            ("to", Shape::Text, true, "The file on this machine."),
            ("bytes", Shape::Whole, true, "How many bytes it has."),
            ("archive", Shape::Flag, false, "Present if it is a folder as a ZIP archive."),
        ]),
        run: |request| Box::pin(download(request)),
    },
];

/// What an upload sends. It can be begun again: a session may end under it.
enum Content {
    Given(Bytes),
    File(Folders, String),
}

impl Content {
    /// From the beginning.
    async fn pieces(&self) -> Result<Pieces, Error> {
        match self {
            Self::Given(bytes) => {
                let (send, source) = mpsc::channel(1);
                // There is room for one, and somebody who takes it.
                let _ = send.try_send(Ok(bytes.clone()));
                Ok(Pieces::new(u64::try_from(bytes.len()).unwrap_or(u64::MAX), source))
            }
            Self::File(folders, path) => Ok(folders.read(path).await?.into_pieces()),
        }
    }
}

async fn write(request: Request) -> Result<Output, Error> {
    let path = request.inner_path("path")?;
    // As it came: blanks are content, too.
    let text = request.content.as_deref().ok_or_else(|| Error::Arguments("`content` is missing".to_owned()))?;
    let bytes = match request.text("encoding") {
        Some("base64") => {
            let plain: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
            STANDARD.decode(plain).map_err(|_| Error::Arguments("`content` is not base64".to_owned()))?
        }
        _ => text.as_bytes().to_vec(),
    };
    let content = Content::Given(bytes.into());
    if let Some(item) = request.at.stat(&path).await?
        && item.is_folder
    {
        return Err(Error::Arguments(format!("`path`: `{path}` is a folder; name the file in it as well")));
    }
    put(&request, &path, &content).await
}

async fn upload(request: Request) -> Result<Output, Error> {
    let from = request.text("from").unwrap_or_default().to_owned();
    let folders = Folders::of(request.client.connection());
    // What cannot be read is said before anything is asked.
    let name = folders.read(&from).await?.name;
    let mut path = request.path("path")?;
    let is_folder = path.is_root() || request.at.stat(&path).await?.is_some_and(|item| item.is_folder);
    if is_folder {
        path = path.child(&name);
    }
    put(&request, &path, &Content::File(folders, from)).await
}

/// Sends the content to a path, if it may go there (reference: "Upload").
async fn put(request: &Request, path: &Path, content: &Content) -> Result<Output, Error> {
    let at = &request.at;
    let name = path.name().unwrap_or_default();
    new_name(name).map_err(|why| Error::Arguments(format!("`path`: its last name {why}")))?;
    let parent = path.parent().unwrap_or_default();
    // What ends in a slash is meant as a folder.
    if request.text("path").is_some_and(|text| text.trim_matches('/') == path.to_string() && text.ends_with('/')) {
        return Err(Error::Arguments(format!("`path`: there is no folder `{path}`; make it first, or name the file")));
    }
    match at.stat(path).await? {
        Some(item) if item.is_folder => {
            return Err(Error::Arguments(format!("`path`: `{path}` is a folder")));
        }
        // The Portal has no such option: somebody may still put a file there in between.
        Some(_) if !request.is("overwrite") => {
            let said = format!("`{path}` is there already; `overwrite` makes its content a version");
            return Err(Error::Refused { host: at.host(), code: 409, said });
        }
        _ => {}
    }
    let folder = match at.stat(&parent).await? {
        Some(folder) => folder,
        None if request.is("parents") && !parent.is_root() => {
            at.make_folder(&parent, true).await?;
            at.must_stat(&parent).await?
        }
        None => return Err(absent(at.host(), &parent)),
    };
    let folder = accepting(at, &parent, &folder)?;
    let length = at.send(path, folder, content).await.map_err(|error| at.unsure(error))?;
    // Whether it is there is looked at; where that cannot be, the Portal's word counts.
    let row = match at.stat(path).await {
        Ok(Some(item)) if item.size.is_none_or(|size| size == length) => item.row(),
        Ok(_) => {
            let cause = "it says that it took the file, and does not show it as it was sent".to_owned();
            return Err(Error::MaybeDone { host: at.host(), cause });
        }
        Err(_) => bare(path),
    };
    let heading = format!("`{path}` is uploaded.");
    output(&heading, &[row.line()], &row)
}

/// A file of which only the name is known.
fn bare(path: &Path) -> Row {
    Row {
        path: Some(path.to_string()),
        name: path.name().unwrap_or_default().to_owned(),
        is_folder: false,
        deleted: false,
        size: None,
        modified: None,
        id: None,
        permission: None,
        shared: false,
        has_links: false,
    }
}

/// The number of the cloud folder that takes files there.
fn accepting(at: &At, path: &Path, folder: &Item) -> Result<u64, Error> {
    if !folder.is_folder {
        return Err(Error::Arguments(format!("`path`: `{path}` is a file, not a folder")));
    }
    match folder.folder {
        Some(number) if folder.takes_files() => Ok(number),
        _ => Err(Error::Forbidden { host: at.host(), said: format!("no files can be put into `{path}`") }),
    }
}

impl At {
    /// Uploads once; a second time only if the Portal says that the session had ended.
    async fn send(&self, path: &Path, folder: u64, content: &Content) -> Result<u64, Error> {
        self.must_still_be_there().await?;
        let connection = self.connection();
        let source = &connection.credentials;
        let mut credential = source.credential().await.map_err(Error::unavailable)?;
        let mut is_first = true;
        loop {
            let (mut request, pieces, length) = self.form(path, folder, content).await?;
            if let Some(credential) = &credential {
                service::attach(connection, &mut request, credential)?;
            }
            let stream = connection.http.upload(request, pieces, LIMITS).await?;
            if !source.is_refusal(&Extensions::new(), &stream) {
                return self.uploaded(stream).await.map(|()| length);
            }
            let Some(used) = credential.filter(|_| is_first) else {
                return Err(Error::Rejected { host: self.host(), said: "the session has ended".to_owned() });
            };
            drop(stream);
            credential = source.replace(&used).await.map_err(Error::unavailable)?;
            is_first = false;
        }
    }

    /// The request of an upload: the parts in the order in which the vendor's client sends them.
    async fn form(&self, path: &Path, folder: u64, content: &Content) -> Result<(HttpRequest<()>, Pieces, u64), Error> {
        let address = self.address();
        let (name, href) = (path.name().unwrap_or_default(), path.href(self.scope()));
        let pieces = content.pieces().await?;
        let length = pieces.length();
        let (pieces, media) = multipart::Form::new()?
            .field("name", name)
            .field("Filename", name)
            .field("fullpath", &address.at(&href))
            .field("fileSize", &length.to_string())
            .file("file", name, pieces);
        let url = address.at(&format!("/{}/upload/folders/{folder}", self.scope().word()));
        let request = HttpRequest::post(url).header(CONTENT_TYPE, media).body(());
        Ok((request.map_err(|_| Network::Address { host: self.host() })?, pieces, length))
    }

    /// What the Portal says about an upload: a code, which is zero if all is well, and words.
    async fn uploaded(&self, stream: Stream) -> Result<(), Error> {
        let (status, headers) = (stream.status, stream.headers.clone());
        let body = service::read(self.host(), stream, LIMITS).await?;
        let mut answer = Response::new(body);
        (*answer.status_mut(), *answer.headers_mut()) = (status, headers);
        let object = self.read(&answer)?;
        let said = fields::text(&object, "msg").map(|said| outside::line(&said, outside::LONGEST));
        match fields::text(&object, "rc").as_deref() {
            Some("0") => Ok(()),
            Some(code) => Err(Error::Refused {
                host: self.host(),
                code: code.parse().unwrap_or(-1),
                said: said.unwrap_or_else(|| "it does not say why".to_owned()),
            }),
            None => Err(self.wrong("it does not say what became of the upload")),
        }
    }
}

#[derive(Serialize)]
struct Downloaded {
    path: String,
    to: String,
    bytes: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    archive: bool,
}

async fn download(request: Request) -> Result<Output, Error> {
    let path = request.inner_path("path")?;
    let folders = Folders::of(request.client.connection());
    let source = request.source(&path).await?;
    let name = path.name().unwrap_or_default();
    let usual = if source.is_folder { format!("{name}.zip") } else { name.to_owned() };
    let to = request.text("to").map_or(usual, String::from);
    let existing = if request.is("overwrite") { Existing::Replace } else { Existing::Refuse };
    let mut file = folders.write(&to, existing).await?;
    match source.is_folder {
        true => request.at.archive(&path, &source, &mut file, &request.progress).await?,
        false => request.at.fetch(&path, &source, &mut file, &request.progress).await?,
    }
    let bytes = file.offset();
    file.commit().await?;
    let what = if source.is_folder { " as a ZIP archive" } else { "" };
    let heading = format!("`{path}` is downloaded{what} to `{to}`, {bytes} bytes.");
    output(&heading, &[], &Downloaded { path: path.to_string(), to, bytes, archive: source.is_folder })
}

impl At {
    /// Fetches a file, and goes on where the connection broke if the Portal can do that and the file is still the same.
    async fn fetch(&self, path: &Path, source: &Source, file: &mut Partial, progress: &Progress) -> Result<(), Error> {
        let (mut validator, mut whole): (Option<HeaderValue>, Option<u64>) = (None, None);
        let mut breaks = 0;
        loop {
            if validator.is_none() {
                file.truncate(0).await?;
            }
            let stream = match self.file(&source.href, rest(file.offset(), validator.as_ref())).await {
                Err(Error::Refused { code: 404, .. }) => return Err(absent(self.host(), path)),
                stream => stream?,
            };
            match stream.status {
                StatusCode::PARTIAL_CONTENT if begins(&stream) == Some(file.offset()) => {
                    // Not every server heeds the condition: another tag or another size is another file.
                    let is_same = validator_of(&stream.headers).is_none_or(|now| validator.as_ref() == Some(&now))
                        && whole.is_none_or(|whole| total(&stream) == Some(whole));
                    if !is_same {
                        (validator, whole, breaks) = (None, None, breaks + 1);
                        if breaks > MOST_BREAKS {
                            return Err(self.wrong("the file changes while it is sent"));
                        }
                        continue;
                    }
                }
                StatusCode::OK => {
                    file.truncate(0).await?;
                    (validator, whole) = (validator_of(&stream.headers), length(&stream));
                }
                _ => return Err(self.wrong("it sends another part than the one it was asked for")),
            }
            if is_page(path, source, &stream) {
                return Err(self.wrong("a web page instead of the file: something in front of it may want a login"));
            }
            let expected = whole.or(source.size);
            match self.pour(stream, file, expected, progress).await {
                // A part may be shorter than what was asked for, and a connection may end without an error.
                Ok(()) if expected.is_some_and(|expected| file.offset() < expected) && breaks < MOST_BREAKS => {
                    breaks += 1
                }
                Ok(()) if whole.is_some_and(|whole| file.offset() != whole) => {
                    return Err(self.wrong("it sends another number of bytes than the file has"));
                }
                Ok(()) if expected.is_some_and(|expected| file.offset() < expected) => {
                    return Err(self.wrong("it ends before the end of the file"));
                }
                Ok(()) => return Ok(()),
                Err(Error::Network(Network::Broken { .. } | Network::TimedOut { .. })) if breaks < MOST_BREAKS => {
                    breaks += 1
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn pour(
        &self,
        mut stream: Stream,
        file: &mut Partial,
        total: Option<u64>,
        progress: &Progress,
    ) -> Result<(), Error> {
        let late = |_| Network::TimedOut { host: self.host(), after: LIMITS.time };
        let count = |bytes: u64| f64::from(u32::try_from(bytes >> 10).unwrap_or(u32::MAX));
        let mut told = file.offset();
        while let Some(piece) = tokio::time::timeout(LIMITS.time, stream.next()).await.map_err(late)?? {
            file.append(piece.to_vec()).await?;
            if file.offset().saturating_sub(told) >= 1 << 20 {
                told = file.offset();
                let message = Some(format!("{} KiB", told >> 10));
                progress.report(Step { done: count(told), total: total.map(count), message });
            }
        }
        Ok(())
    }

    /// Fetches a folder as an archive, which the Portal makes while it sends it.
    async fn archive(
        &self,
        path: &Path,
        source: &Source,
        file: &mut Partial,
        progress: &Progress,
    ) -> Result<(), Error> {
        let Some(folder) = source.folder else {
            let said = format!("`{path}` is a place for folders and cannot be downloaded as a whole");
            return Err(Error::Refused { host: self.host(), code: 400, said });
        };
        let asked = Node::object([
            ("paths", Node::List(vec![source.href.as_str().into()])),
            ("snapshot", Node::Null),
            ("password", Node::Null),
            ("portalName", Node::Null),
            ("showDeleted", false.into()),
        ]);
        let mut stream = self.zip(folder, &asked).await?;
        let first = tokio::time::timeout(LIMITS.time, stream.next()).await;
        let first = first.map_err(|_| Network::TimedOut { host: self.host(), after: LIMITS.time })??;
        let first = first.map(|piece| piece.to_vec()).unwrap_or_default();
        // Whatever else comes with a success, a refusal or a login page, is no archive.
        if !first.starts_with(b"PK") {
            return Err(self.wrong("what it sends is no archive"));
        }
        file.append(first).await?;
        self.pour(stream, file, None, progress).await
    }
}

/// Whether a page was sent that is not the file: a file may be a page itself.
pub(super) fn is_page(path: &Path, source: &Source, stream: &Stream) -> bool {
    let name = path.name().unwrap_or_default().to_ascii_lowercase();
    let may_be = [".html", ".htm", ".xhtml"].iter().any(|ending| name.ends_with(ending));
    let sent = if stream.status == StatusCode::PARTIAL_CONTENT { total(stream) } else { length(stream) };
    let is_its_size = sent.is_some() && sent == source.size;
    service::is_web_page(&stream.headers, b"x") && !is_its_size && (!may_be || source.size.is_some())
}

/// The headers that ask for what is missing, if the file is the same still.
fn rest(offset: u64, validator: Option<&HeaderValue>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let (Some(validator), true) = (validator, offset > 0)
        && let Ok(range) = HeaderValue::from_str(&format!("bytes={offset}-"))
    {
        headers.insert(RANGE, range);
        headers.insert(IF_RANGE, validator.clone());
    }
    headers
}

/// By what the Portal can tell whether a file is the same: its tag unless that is a weak one, or its date (RFC 9110 §13.1.5).
fn validator_of(headers: &HeaderMap) -> Option<HeaderValue> {
    let tag = headers.get(ETAG).filter(|tag| tag.as_bytes().starts_with(b"\""));
    tag.or_else(|| headers.get(LAST_MODIFIED)).cloned()
}
