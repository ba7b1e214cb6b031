//! Addresses of a server's resources, as the host sees them: `{connection}+{address}`.
//!
//! What stands before the plus is made from the connection's name so that the whole is an address by RFC 3986 §3.1, and
//! different for different connections. Clients read addresses by the rules of WHATWG and send back what they made of
//! them; an address that would not survive that is packed into one that does.

use std::cell::Cell;

use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use url::Url;

use super::peer::Peer;
use crate::backends::resource;

/// What packed addresses begin with, after the plus.
const PACKED: &str = "keyward:";
/// The most bytes of an address.
pub(super) const LONGEST: usize = 4_000;

/// What all addresses of a connection begin with.
///
/// A name has small letters, digits, `-` and `_`. A scheme has no underscore, which becomes two dots, and begins with a
/// letter: before a digit stands `c` with a single dot, which no name can make.
pub(super) fn start(connection: &str) -> String {
    let digit = if connection.starts_with(|c: char| c.is_ascii_digit()) { "c." } else { "" };
    format!("{digit}{}+", connection.replace('_', ".."))
}

/// Our address of a server's own.
pub(super) fn ours(connection: &str, theirs: &str) -> String {
    let plain = format!("{}{theirs}", start(connection));
    let survives = Url::parse(&plain).is_ok_and(|url| url.as_str() == plain);
    if survives && !theirs.starts_with(PACKED) {
        return plain;
    }
    let mut packed = format!("{}{PACKED}", start(connection));
    for byte in theirs.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => packed.push(char::from(byte)),
            other => packed.push_str(&format!("%{other:02X}")),
        }
    }
    packed
}

/// Our template of a server's own; what is made of it is an address that begins as ours do.
pub(super) fn template(connection: &str, theirs: &str) -> Option<String> {
    (!theirs.starts_with(PACKED)).then(|| format!("{}{theirs}", start(connection)))
}

/// The server's own address, of what follows the start of ours.
pub(super) fn theirs(rest: &str) -> Option<String> {
    let Some(packed) = rest.strip_prefix(PACKED) else { return Some(rest.to_owned()) };
    String::from_utf8(resource::decoded(packed)?).ok()
}

/// Content blocks in which links to resources, and resources that are embedded, have our addresses: those can be read.
/// Blocks without any are not even read.
pub(super) fn in_blocks(peer: &Peer, blocks: Box<RawValue>) -> Box<RawValue> {
    mapped(peer, blocks, &|rename, block| {
        for member in ["", "resource"] {
            let place = if member.is_empty() { Some(&mut *block) } else { block.get_mut(member) };
            place.into_iter().for_each(rename);
        }
    })
}

/// Messages of a prompt, whose content is one block or several.
pub(super) fn in_messages(peer: &Peer, messages: Box<RawValue>) -> Box<RawValue> {
    mapped(peer, messages, &|rename, message| {
        let content = match message.get_mut("content") {
            Some(Value::Array(all)) => all.iter_mut().collect(),
            Some(one) => vec![one],
            None => Vec::new(),
        };
        for block in content {
            rename(block);
            block.get_mut("resource").into_iter().for_each(rename);
        }
    })
}

/// What was read from resources.
pub(super) fn in_contents(peer: &Peer, contents: &RawValue) -> Option<Box<RawValue>> {
    let all: Vec<&RawValue> = serde_json::from_str(contents.get()).ok()?;
    each(all, &|_| true, &|place| rename(&peer.connection.name, place))
}

/// Changes a place that has an address.
type Rename<'a> = dyn Fn(&mut Value) + 'a;

fn mapped(peer: &Peer, list: Box<RawValue>, change: &dyn Fn(&Rename<'_>, &mut Value)) -> Box<RawValue> {
    let connection = &peer.connection.name;
    // A server without resources has addresses only of what is elsewhere, and those stay. But one that looks like ours
    // would be read from another connection, with the login of that.
    let is_any = peer.offers.described().capabilities.resources;
    let is_renamed = Cell::new(false);
    let rename = |place: &mut Value| {
        if place.get("uri").and_then(Value::as_str).is_some_and(|uri| is_any || seems_ours(uri)) {
            is_renamed.set(true);
            rename(connection, place);
        }
    };
    // A large result is searched for a word, not read again.
    let is_about = |text: &str| text.contains(r#""resource"#);
    if !is_about(list.get()) {
        return list;
    }
    let all: Vec<&RawValue> = serde_json::from_str(list.get()).unwrap_or_default();
    let changed = each(all, &is_about, &|value| change(&rename, value));
    changed.filter(|_| is_renamed.get()).unwrap_or(list)
}

/// Whether an address has the form of one that is given out here.
fn seems_ours(uri: &str) -> bool {
    let scheme = uri.trim_start().split(':').next().unwrap_or_default();
    scheme.contains('+') || scheme.eq_ignore_ascii_case("keyward")
}

fn each(all: Vec<&RawValue>, is_about: &dyn Fn(&str) -> bool, change: &dyn Fn(&mut Value)) -> Option<Box<RawValue>> {
    let mut text = String::from("[");
    for (index, one) in all.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        match is_about(one.get()) {
            true => {
                let mut value: Value = serde_json::from_str(one.get()).ok()?;
                change(&mut value);
                text.push_str(to_raw_value(&value).ok()?.get());
            }
            false => text.push_str(one.get()),
        }
    }
    text.push(']');
    RawValue::from_string(text).ok()
}

fn rename(connection: &str, place: &mut Value) {
    if let Some(Value::String(uri)) = place.get_mut("uri") {
        *uri = ours(connection, uri);
    }
}
