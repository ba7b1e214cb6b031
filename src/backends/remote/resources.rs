//! A server's resources and templates, turned into ours, and the reader of all addresses that are below ours.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::ask::Ask;
use super::completing::complete;
use super::listed::{self, TITLE, lenient};
use super::prompts::arguments;
use super::{Shared, address, wire};
use crate::backends::resource::{Contents, Form, Reader};
use crate::backends::{Boxed, Completion, Error, Host, Partial, Resource, outside};

/// The most bytes of annotations.
const ANNOTATIONS: usize = 2_000;

/// The resources of the list that can be offered, in its order.
pub(super) fn resources(peer: &Shared, list: &RawValue) -> Vec<Resource> {
    listed::once(list, |entry| resource(peer, entry, Form::Single), |resource| &resource.uri)
}

/// The templates of the list that can be offered, in its order.
pub(super) fn templates(peer: &Shared, list: &RawValue) -> Vec<Resource> {
    listed::once(list, |entry| resource(peer, entry, Form::Template), |resource| &resource.uri)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(alias = "uriTemplate")]
    uri: String,
    #[serde(default, deserialize_with = "lenient")]
    name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    title: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    description: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    mime_type: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    size: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    annotations: Option<Map<String, Value>>,
}

fn resource(peer: &Shared, entry: &RawValue, form: Form) -> Option<Resource> {
    // Addresses are compared and shown: one that hides something could be taken for another.
    let entry = outside::clean_json(entry).filter(|clean| clean.get().len() <= entry.get().len().max(64))?;
    let entry: Entry = serde_json::from_str(entry.get()).ok()?;
    let is_usable = !entry.uri.is_empty() && entry.uri.len() <= address::LONGEST;
    let uri = match form {
        _ if !is_usable || entry.uri.contains(char::is_control) => return None,
        Form::Template => address::template(&peer.connection.name, &entry.uri)?,
        _ => address::ours(&peer.connection.name, &entry.uri),
    };
    let mut more = Map::new();
    if let Some(size) = entry.size {
        more.insert("size".to_owned(), size.into());
    }
    if let Some(annotations) = entry.annotations.and_then(annotations) {
        more.insert("annotations".to_owned(), annotations);
    }
    let name = entry.name.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| entry.uri.clone());
    let title = entry.title.filter(|title| !title.trim().is_empty());
    Some(Resource {
        uri,
        form,
        title: outside::line(title.as_deref().unwrap_or(&name), TITLE).into(),
        name: outside::line(&name, TITLE).into(),
        description: listed::marked(&peer.host(), entry.description.as_deref().unwrap_or_default()).into(),
        media_type: outside::line(entry.mime_type.as_deref().unwrap_or_default(), TITLE).into(),
        more,
        toolset: None,
        reader: Arc::new(Remote { peer: Arc::clone(peer), uri: entry.uri.into(), form }),
    })
}

/// For whom something is, how much it matters and how old it is.
fn annotations(mut all: Map<String, Value>) -> Option<Value> {
    all.retain(|name, value| match name.as_str() {
        "audience" => {
            value.as_array().is_some_and(|all| all.iter().all(|who| matches!(who.as_str(), Some("user" | "assistant"))))
        }
        "priority" => value.as_f64().is_some_and(|priority| (0.0..=1.0).contains(&priority)),
        "lastModified" => value.as_str().is_some_and(|text| text.len() <= 40),
        _ => false,
    });
    let all = Value::Object(all);
    (all.as_object().is_some_and(|all| !all.is_empty()) && all.to_string().len() <= ANNOTATIONS).then_some(all)
}

/// Reads a resource at the server's own address for it.
struct Remote {
    peer: Shared,
    uri: Arc<str>,
    form: Form,
}

impl Reader for Remote {
    fn read(&self, _: String, host: Host) -> Boxed<'static, Result<Contents, Error>> {
        match self.form {
            Form::Single => read(&self.peer, &self.uri, host),
            _ => Box::pin(async { Err(Error::Arguments("a template is no address".to_owned())) }),
        }
    }

    fn complete(&self, partial: Partial) -> Boxed<'static, Result<Completion, Error>> {
        complete(&self.peer, json!({ "type": "ref/resource", "uri": &*self.uri }), partial)
    }
}

/// Reads all addresses below ours.
pub(super) struct Rest(pub(super) Shared);

impl Reader for Rest {
    fn read(&self, which: String, host: Host) -> Boxed<'static, Result<Contents, Error>> {
        match address::theirs(&which).filter(|uri| !uri.is_empty() && uri.len() <= address::LONGEST) {
            Some(uri) => read(&self.0, &uri, host),
            None => Box::pin(async { Err(Error::Arguments("there is no such address".to_owned())) }),
        }
    }
}

fn read(peer: &Shared, uri: &str, host: Host) -> Boxed<'static, Result<Contents, Error>> {
    let (peer, uri) = (Arc::clone(peer), uri.to_owned());
    Box::pin(async move {
        let outcome = peer.ask(Ask { uri: Some(&uri), ..Ask::long("resources/read", host) }).await;
        if matches!(outcome, Ok(_) | Err(Error::Refused { .. })) {
            peer.refresh();
        }
        let answer = outcome.map_err(arguments)?;
        let contents = answer.contents.map(wire::on_one_line);
        let contents = contents.and_then(|contents| address::in_contents(&peer, &contents));
        Ok(Contents::Received(contents.ok_or_else(|| peer.wrong("what was read is no list of contents"))?))
    })
}
