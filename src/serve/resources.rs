//! The resources of every chosen connection, by address.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};

use super::catalog::Service;
use crate::app::Error;
use crate::backends::resource::Contents;
use crate::backends::{self, Host, Resource, outside};
use crate::mcp::{BoxFuture, Found, ReadError};
use crate::report::Report;

/// The most bytes of an encoded variable: longer than any name a service gives.
const LONGEST: usize = 2000;

/// The resources that are offered.
pub struct Resources {
    /// Single ones by their address.
    single: BTreeMap<String, Entry>,
    /// Families by their address up to the variable.
    families: BTreeMap<String, Entry>,
    definitions: OnceLock<Arc<str>>,
    templates: OnceLock<Arc<str>>,
}

#[derive(Clone)]
struct Entry {
    connection: String,
    resource: Resource,
}

impl Resources {
    /// Collects them.
    pub(super) fn of(services: &[Service]) -> Self {
        let (mut single, mut families) = (BTreeMap::new(), BTreeMap::new());
        for service in services {
            for resource in service.backend.resources(&service.connection) {
                let (all, address) = match resource.family() {
                    Some(start) => (&mut families, start.to_owned()),
                    None => (&mut single, resource.uri.clone()),
                };
                // An address begins with its connection's name; were two the same, the first keeps it.
                all.entry(address).or_insert(Entry { connection: service.connection.name.clone(), resource });
            }
        }
        Self { single, families, definitions: OnceLock::new(), templates: OnceLock::new() }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.single.is_empty() && self.families.is_empty()
    }

    /// The JSON array of MCP resource definitions.
    pub(super) fn definitions(&self) -> Arc<str> {
        Arc::clone(self.definitions.get_or_init(|| array(&self.single, "uri")))
    }

    /// The JSON array of MCP resource templates.
    pub(super) fn templates(&self) -> Arc<str> {
        Arc::clone(self.templates.get_or_init(|| array(&self.families, "uriTemplate")))
    }

    /// Reads what is at an address.
    pub(super) fn read(&self, uri: String) -> BoxFuture<'static, Result<Found, ReadError>> {
        match self.find(&uri) {
            Ok((entry, which)) => Box::pin(entry.clone().read(uri, which)),
            Err(why) => Box::pin(async move { Err(ReadError::NotFound { uri, why: why.to_owned() }) }),
        }
    }

    fn find(&self, uri: &str) -> Result<(&Entry, String), &'static str> {
        if let Some(entry) = self.single.get(uri) {
            return Ok((entry, String::new()));
        }
        // The variable is one segment: what stands before it ends at the last slash.
        let (start, segment) = uri.split_at(uri.rfind('/').map_or(0, |at| at.saturating_add(1)));
        let entry = self.families.get(start).ok_or("there is no such resource")?;
        let which = variable(segment).ok_or("the address does not end in one percent-encoded name")?;
        Ok((entry, which))
    }
}

impl Entry {
    async fn read(self, uri: String, which: String) -> Result<Found, ReadError> {
        match self.resource.reader.read(which, Host::default()).await {
            Ok(Contents::Text(text)) => {
                let media_type = self.resource.media_type.into_owned();
                Ok(Found::Resource { uri, media_type, text: outside::clean(text) })
            }
            Ok(Contents::Received(_)) => Err(ReadError::Failed("these contents are no text".to_owned())),
            Err(backends::Error::Arguments(why)) => Err(ReadError::NotFound { uri, why }),
            Err(error) => {
                let error = Error::Service { connection: self.connection, error };
                Err(ReadError::Failed(Report::from(&error).text()))
            }
        }
    }
}

fn array(all: &BTreeMap<String, Entry>, address: &str) -> Arc<str> {
    let definition = |Entry { resource, .. }: &Entry| {
        json!({
            address: resource.uri,
            "name": resource.name,
            "title": resource.title,
            "description": resource.description,
            "mimeType": resource.media_type,
        })
    };
    all.values().map(definition).collect::<Value>().to_string().into()
}

/// What the last segment of an address stands for; `None` if it stands for nothing a service could have a name for. A
/// service's own address may be made of it, so what would lead elsewhere there is no name either.
fn variable(segment: &str) -> Option<String> {
    if segment.len() > LONGEST || segment.contains(['?', '#']) {
        return None;
    }
    let text = String::from_utf8(decoded(segment)?).ok()?;
    let is_name = !text.trim().is_empty() && !text.chars().any(char::is_control) && text != "." && text != "..";
    is_name.then_some(text)
}

/// The bytes of percent-encoded text (RFC 3986 §2.1); `None` if a percent sign has no two digits.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (high, low) = (digit()?, digit()?);
        bytes.push(high << 4 | low);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_one_percent_encoded_segment() {
        for (segment, expected) in [
            ("CSCvb12345", Some("CSCvb12345")),
            ("ASR1001-X%2FK9%3D", Some("ASR1001-X/K9=")),
            ("a%20b", Some("a b")),
            ("a+b", Some("a+b")),
            ("%C3%A9", Some("\u{e9}")),
            ("%2525", Some("%25")),
            ("...", Some("...")),
            ("", None),
            ("%20", None),
            ("%", None),
            ("%4", None),
            ("%4g", None),
            ("%+4", None),
            ("%ff", None),
            ("a%00", None),
            ("a%0Ab", None),
            ("a\u{7}", None),
            ("%C2%85", None),
            ("a?b", None),
            ("a#b", None),
            (".", None),
            ("..", None),
            ("%2e%2E", None),
        ] {
            assert_eq!(variable(segment).as_deref(), expected, "{segment:?}");
        }
        assert_eq!(variable(&"a".repeat(LONGEST)).map(|text| text.len()), Some(LONGEST));
        assert_eq!(variable(&"a".repeat(LONGEST + 1)), None);
    }
}
