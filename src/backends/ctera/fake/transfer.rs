//! Bytes: downloads, ZIPs and uploads.

use std::io::{self, Read};
use std::time::Duration;

use http::HeaderValue;
use http::header::{ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, ETAG, LAST_MODIFIED};
use serde_json::Value;

use super::super::path::Path;
use super::super::wire;
use super::asked::Asked;
use super::listing::{may_write, path, uid};
use super::orders::Wrong;
use super::people::PEOPLE;
use super::said::{self, Said, list, member};
use super::world::{Found, View, World, is_name};
use crate::backends::fake::{Body, Reply, pause, pieces, whole};

/// `GET webdav/PATH`.
pub(super) fn download(world: &World, view: &View, asked: &Asked<'_>, ranges: bool) -> said::Result {
    let path = path(view, asked.request.uri().path())?;
    let trash = asked.query("showDeleted").is_some_and(|value| value == "true");
    let Some(found) = world.find(view, &path, trash) else { return Err(said::page(404, "Not Found")) };
    let previews = asked.query("preview").is_some_and(|value| value == "true");
    if previews && !world.item(found.id).is_folder {
        return Ok(Said::Value(serde_json::json!({"viewingSessionId": "v1"})));
    }
    if !matches!(found.permission, "ReadWrite" | "ReadOnly") || world.item(found.id).is_folder {
        return Err(said::page(403, "Forbidden"));
    }
    let Some(version) = world.version(&found) else { return Err(said::page(404, "Not Found")) };
    let tag = format!("\"{}-{}\"", found.id, version.stamp);
    let changed = format!("Sat, 28 Nov 2026 10:{:02}:{:02} GMT", version.stamp / 60 % 60, version.stamp % 60);
    let whole_body = whole(said::code(200), "application/octet-stream", version.content.clone());
    let mut reply = whole_body;
    if ranges {
        set(&mut reply, ACCEPT_RANGES, "bytes");
        let same = asked.header("if-range").is_none_or(|validator| validator == tag || validator == changed);
        if let Some(range) = asked.header("range").filter(|_| same) {
            reply = part(&version.content, range);
        }
    }
    set(&mut reply, ETAG, &tag);
    set(&mut reply, LAST_MODIFIED, &changed);
    Ok(Said::Raw(Box::new(reply)))
}

fn set(reply: &mut Reply, name: http::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(name, value);
    }
}

/// One range of a file: 206, or 416.
fn part(content: &[u8], range: &str) -> Reply {
    let bounds = range.strip_prefix("bytes=").and_then(|range| range.split_once('-'));
    let length = content.len();
    let wanted = bounds.and_then(|(first, last)| match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) => Some((first, last.min(length.saturating_sub(1)))),
        (Ok(first), Err(_)) if last.is_empty() => Some((first, length.saturating_sub(1))),
        (Err(_), Ok(count)) if first.is_empty() => Some((length.saturating_sub(count), length.saturating_sub(1))),
        _ => None,
    });
    let found = wanted.and_then(|(first, last)| Some((first, last, content.get(first..last.saturating_add(1))?)));
    match found.filter(|(first, last, _)| *first < length && first <= last) {
        Some((first, last, piece)) => {
            let mut reply = whole(said::code(206), "application/octet-stream", piece);
            set(&mut reply, CONTENT_RANGE, &format!("bytes {first}-{last}/{length}"));
            reply
        }
        None => {
            let mut reply = *said::page(416, "Range Not Satisfiable");
            set(&mut reply, CONTENT_RANGE, &format!("bytes */{length}"));
            reply
        }
    }
}

/// A right answer that arrives wrongly.
pub(super) fn warped(reply: Reply, wrong: &Wrong) -> Reply {
    let (mut parts, body) = reply.into_parts();
    let Body::Whole(content) = body else { return Reply::from_parts(parts, body) };
    let body = match wrong {
        Wrong::Slow(milliseconds) => {
            let wait = Duration::from_millis(*milliseconds);
            let all: Vec<Vec<u8>> = content.chunks(content.len().div_ceil(8).max(1)).map(<[u8]>::to_vec).collect();
            pieces(all.into_iter().inspect(move |_| pause(wait)))
        }
        Wrong::Reset(true) => {
            parts.headers.insert(CONTENT_LENGTH, content.len().into());
            let half = content.len() / 2;
            Body::Pieces(Box::new(Broken(io::Cursor::new(content.into_iter().take(half).collect()))))
        }
        _ => Body::Whole(content),
    };
    Reply::from_parts(parts, body)
}

/// What was there before the connection broke.
struct Broken(io::Cursor<Vec<u8>>);

impl Read for Broken {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        match self.0.read(to)? {
            0 => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
            count => Ok(count),
        }
    }
}

/// `POST upload/folders/UID`, or the mobile client's `POST upload`.
pub(super) fn upload(world: &mut World, view: &View, asked: &Asked<'_>, quota: usize) -> said::Result {
    let refused = |message: &str| Ok(Said::Raw(said::error(200, message)));
    let form = multipart(asked).ok_or_else(|| said::text(400, "Malformed form"))?;
    let names: Vec<&str> = form.iter().map(|(name, _)| name.as_str()).collect();
    let number = asked.rest.strip_prefix("/upload/folders/").and_then(|uid| uid.parse::<u64>().ok());
    let full: &[&str] = &["name", "Filename", "fullpath", "fileSize", "file"];
    let (expected, is_mobile) =
        (if number.is_some() { full } else { &["fullpath", "Filename", "file"] }, number.is_none());
    if names != expected {
        return Err(said::text(400, &format!("Malformed form: {}", names.join(", "))));
    }
    let field = |wanted: &str| form.iter().find(|(name, _)| name == wanted).map_or(&[][..], |(_, value)| value);
    let text = |wanted: &str| String::from_utf8_lossy(field(wanted)).into_owned();
    let (name, content) = (text("Filename"), field("file").to_vec());
    let full = text("fullpath");
    let at = full.find(&format!("/{}/webdav", view.scope.word())).unwrap_or_default();
    let target = path(view, full.get(at..).unwrap_or_default())?;
    let parent = target.parent().and_then(|parent| world.find(view, &parent, false));
    let Some(parent) = parent.filter(|parent| world.item(parent.id).is_folder) else {
        return refused("Folder does not exist");
    };
    let same = (target.name() == Some(name.as_str())) && (is_mobile || text("name") == name);
    if !same || !is_name(&name) {
        return refused("Invalid file name");
    }
    if !is_mobile && (number != parent.cloud.map(uid) || text("fileSize") != content.len().to_string()) {
        return refused("The form does not fit the folder or the file");
    }
    let there = world.find(view, &target, false);
    let kept = there.as_ref().is_some_and(|there| world.item(there.id).worm || world.item(there.id).is_folder);
    let drops = parent.permission == "UploadOnly" && there.is_none();
    if kept || !(drops || may_write(&parent)) {
        return refused("Permission denied");
    }
    if content.len() > quota {
        return refused("User is out of quota");
    }
    let by = PEOPLE.get(view.who).map_or("", |person| person.name);
    world.write(parent.id, &name, content, by);
    Ok(Said::Value(serde_json::json!({"$class": "UploadResponse", "rc": 0, "msg": "OK"})))
}

/// The parts of a form, in their order.
fn multipart(asked: &Asked<'_>) -> Option<Vec<(String, Vec<u8>)>> {
    let (_, boundary) = asked.header("content-type")?.split_once("boundary=")?;
    let boundary = format!("--{}", boundary.trim_matches('"'));
    let mut rest = asked.request.body().as_slice().strip_prefix(boundary.as_bytes())?;
    let delimiter = format!("\r\n{boundary}");
    let mut parts = Vec::new();
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let (part, after) = cut(part, delimiter.as_bytes())?;
        let (head, content) = cut(part, b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(head);
        let name = head.split("; name=").nth(1)?.split([';', '\r']).next()?.trim_matches('"');
        parts.push((name.to_owned(), content.to_vec()));
        rest = after;
    }
    rest.starts_with(b"--").then_some(parts)
}

fn cut<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let found = bytes.windows(at.len()).position(|window| window == at)?;
    Some((bytes.get(..found)?, bytes.get(found + at.len()..)?))
}

/// `POST folders/folders/UID`: everything that is asked for, as a ZIP with its members stored as they are.
pub(super) fn zip(world: &World, view: &View, asked: &Asked<'_>) -> said::Result {
    let order =
        wire::parse(member(&asked.param, "inputXML").as_bytes()).map_err(|_| said::text(400, "Malformed form"))?;
    let trash = member(&order, "showDeleted") == "true";
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for href in list(&order, "paths").iter().filter_map(Value::as_str) {
        // The vendor's own client leaves the path of a whole folder as it is.
        let plain = Path::parse(href.split_once("/webdav/").map_or("", |(_, path)| path)).unwrap_or_default();
        let found = path(view, href).ok().and_then(|path| world.find(view, &path, trash));
        let Some(found) = found.or_else(|| world.find(view, &plain, trash)) else {
            return Err(said::error(500, "Resource does not exist"));
        };
        if asked.rest.strip_prefix("/folders/folders/") != found.cloud.map(|cloud| uid(cloud).to_string()).as_deref() {
            return Err(said::error(500, "The path is in another folder"));
        }
        let base = found.path.parent().unwrap_or_default().to_string();
        let all = std::iter::once(found.clone()).chain(world.below(view, &found, trash));
        files.extend(all.filter_map(|found| {
            let name = found.path.to_string().strip_prefix(&base)?.trim_start_matches('/').to_owned();
            readable(&found).then(|| world.version(&found).map(|version| (name, version.content.clone())))?
        }));
    }
    let mut reply = whole(said::code(200), "application/zip", archive(&files));
    set(&mut reply, CONTENT_DISPOSITION, "attachment; filename=\"files.zip\"");
    Ok(Said::Raw(Box::new(reply)))
}

fn readable(found: &Found) -> bool {
    matches!(found.permission, "ReadWrite" | "ReadOnly")
}

fn archive(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut zip, mut directory) = (Vec::new(), Vec::new());
    let four = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
    for (name, content) in files {
        let start = four(zip.len());
        let length = u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes();
        // Version 2.0, names in UTF-8, stored, no time, then the sum and the lengths.
        let mut common = vec![20, 0, 0, 8, 0, 0, 0, 0, 0x7c, 0x5b];
        common.extend(sum(content).to_le_bytes());
        common.extend([four(content.len()), four(content.len())].concat());
        common.extend([length, [0, 0]].concat());
        zip.extend([&b"PK\x03\x04"[..], &common, name.as_bytes(), content].concat());
        directory.extend([&b"PK\x01\x02\x14\x00"[..], &common, &[0; 10], &start, name.as_bytes()].concat());
    }
    let count = u16::try_from(files.len()).unwrap_or(u16::MAX).to_le_bytes();
    let end = [&b"PK\x05\x06\0\0\0\0"[..], &count, &count, &four(directory.len()), &four(zip.len()), &[0, 0]].concat();
    zip.extend(directory);
    zip.extend(end);
    zip
}

/// CRC-32.
fn sum(bytes: &[u8]) -> u32 {
    let step = |sum: u32, _| if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 };
    !bytes.iter().fold(!0_u32, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), step))
}
