//! The resources of every chosen connection, by address.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::answer;
use super::catalog::Service;
use crate::app::Error;
use crate::backends::passage::{self, Feed};
use crate::backends::resource::{Contents, Form, Reader, decoded};
use crate::backends::{self, Completion, Host, Partial, Resource, outside};
use crate::mcp::{BoxFuture, Definitions, Found, ReadError};
use crate::report::Report;

/// The most characters of a template that is none of ours.
const LONGEST_NAME: usize = 200;
/// The most bytes of an encoded variable: longer than any name a service gives.
const LONGEST: usize = 2000;

/// The resources that are offered.
pub struct Resources {
    /// Single ones by their address.
    single: BTreeMap<String, Entry>,
    /// Families by their address up to the variable.
    families: BTreeMap<String, Entry>,
    /// Families under templates of servers' own, by the template.
    templates: BTreeMap<String, Entry>,
    /// Spaces of addresses, by what these begin with.
    open: BTreeMap<String, Space>,
    definitions: OnceLock<Arc<Definitions>>,
    families_and_templates: OnceLock<Arc<Definitions>>,
}

#[derive(Clone)]
struct Entry {
    connection: String,
    resource: Resource,
}

#[derive(Clone)]
struct Space {
    connection: String,
    reader: Arc<dyn Reader>,
    feed: Option<Arc<dyn Feed>>,
}

/// Something that can be read.
pub(super) struct Readable {
    pub(super) connection: String,
    /// Whether another server is behind it.
    pub(super) passes: bool,
    reader: Arc<dyn Reader>,
    media_type: Cow<'static, str>,
    uri: String,
    which: String,
}

impl Resources {
    /// Collects them.
    pub(super) fn of(services: &[Service]) -> Self {
        let [mut single, mut families, mut templates] = [BTreeMap::new(), BTreeMap::new(), BTreeMap::new()];
        let mut open = BTreeMap::new();
        for service in services {
            let (connection, name) = (&service.connection, &service.connection.name);
            for resource in service.backend.resources(connection) {
                let (all, address) = match resource.form {
                    Form::Single => (&mut single, resource.uri.clone()),
                    Form::Family => (&mut families, resource.family().unwrap_or_default().to_owned()),
                    Form::Template => (&mut templates, resource.uri.clone()),
                };
                // An address begins with its connection's name; were two the same, the first keeps it.
                all.entry(address).or_insert(Entry { connection: name.clone(), resource });
            }
            if let Some(passage::Open { start, reader }) = service.backend.open(connection) {
                let feed = service.backend.feed(connection);
                open.entry(start).or_insert(Space { connection: name.clone(), reader, feed });
            }
        }
        let (definitions, families_and_templates) = (OnceLock::new(), OnceLock::new());
        Self { single, families, templates, open, definitions, families_and_templates }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.single.is_empty() && self.families.is_empty() && self.templates.is_empty()
    }

    /// The JSON array of MCP resource definitions.
    pub(super) fn definitions(&self) -> Arc<Definitions> {
        Arc::clone(self.definitions.get_or_init(|| array(self.single.values(), "uri")))
    }

    /// The JSON array of MCP resource templates.
    pub(super) fn templates(&self) -> Arc<Definitions> {
        let all = || array(self.families.values().chain(self.templates.values()), "uriTemplate");
        Arc::clone(self.families_and_templates.get_or_init(all))
    }

    /// What is at an address.
    pub(super) fn find(&self, uri: String) -> Result<Readable, ReadError> {
        let nothing = |uri: String, why: &str| ReadError::NotFound { uri, why: why.to_owned() };
        if let Some(space) = self.space(&uri) {
            let (start, Space { connection, reader, .. }) = space;
            let which = uri.strip_prefix(start).unwrap_or_default().to_owned();
            let (connection, reader) = (connection.clone(), Arc::clone(reader));
            return Ok(Readable { connection, passes: true, reader, media_type: "".into(), uri, which });
        }
        let (entry, which) = match self.single.get(&uri) {
            Some(entry) => (entry, String::new()),
            None => {
                // The variable is one segment: what stands before it ends at the last slash.
                let (start, segment) = uri.split_at(uri.rfind('/').map_or(0, |at| at.saturating_add(1)));
                let Some(entry) = self.families.get(start) else {
                    return Err(nothing(uri, "there is no such resource"));
                };
                let Some(which) = variable(segment) else {
                    return Err(nothing(uri, "the address does not end in one percent-encoded name"));
                };
                (entry, which)
            }
        };
        let Entry { connection, resource: Resource { reader, media_type, .. } } = entry.clone();
        Ok(Readable { connection, passes: false, reader, media_type, uri, which })
    }

    /// What a variable of the address under this template may become.
    pub(super) fn complete(
        &self,
        template: &str,
        partial: Partial,
    ) -> BoxFuture<'static, Result<Completion, ReadError>> {
        let all = self.families.values().chain(self.templates.values()).chain(self.single.values());
        let Some(entry) = all.into_iter().find(|entry| entry.resource.uri == template).cloned() else {
            let why = format!("there is no template `{}`", outside::line(template, LONGEST_NAME));
            return Box::pin(async { Err(ReadError::Parameters(why)) });
        };
        Box::pin(async move {
            let completion = entry.resource.reader.complete(partial).await;
            completion.map_err(|error| match error {
                backends::Error::Arguments(why) => ReadError::Parameters(why),
                error => failed(entry.connection, error),
            })
        })
    }

    /// The connection that tells when what is at the address changes, and its standing connection.
    pub(super) fn feed(&self, uri: &str) -> Option<(&str, Arc<dyn Feed>)> {
        let (_, space) = self.space(uri)?;
        Some((&space.connection, Arc::clone(space.feed.as_ref()?)))
    }

    fn space(&self, uri: &str) -> Option<(&str, &Space)> {
        self.open
            .iter()
            .find(|(start, _)| uri.starts_with(start.as_str()))
            .map(|(start, space)| (start.as_str(), space))
    }
}

impl Readable {
    /// Reads it.
    pub(super) async fn read(self, host: Host) -> Result<Found, ReadError> {
        let Self { connection, reader, media_type, uri, which, .. } = self;
        match reader.read(which, host).await {
            Ok(Contents::Text(text)) => Ok(answer::resource(&uri, &media_type, &outside::clean(text))),
            Ok(Contents::Received(contents)) => Ok(Found::Resource { contents }),
            Err(backends::Error::Arguments(why)) => Err(ReadError::NotFound { uri, why }),
            Err(error) => Err(failed(connection, error)),
        }
    }
}

/// A failure in the words of a report.
pub(super) fn failed(connection: String, error: backends::Error) -> ReadError {
    ReadError::Failed(Report::from(&Error::Service { connection, error }).text())
}

fn array<'a>(all: impl Iterator<Item = &'a Entry>, address: &str) -> Arc<Definitions> {
    let definition = |Entry { resource, .. }: &Entry| {
        let mut members = resource.more.clone();
        let mut put = |name: &str, value: &str| members.insert(name.to_owned(), value.into());
        put(address, &resource.uri);
        put("name", &resource.name);
        put("title", &resource.title);
        put("description", &resource.description);
        if !resource.media_type.is_empty() {
            put("mimeType", &resource.media_type);
        }
        Value::Object(members)
    };
    Arc::new(all.map(definition).collect::<Value>().to_string().into())
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
