//! Every document has an address: one family for checklists, one for processes, and one for every kind.
//!
//! There is no entry for each document: a list of ten thousand would be in everybody's way, and making it would read them.

use std::sync::Arc;

use serde_json::Map;

use super::document::{CHECKLISTS, PROCESSES};
use super::library::Library;
use super::shelf::completion;
use crate::backends::resource::{Contents, Form, Reader};
use crate::backends::{Boxed, Completion, Connection, Error, Host, Partial, Resource};

/// A family: its path with the variable, its name, a title, what it holds, and its kind.
type Family = (&'static str, &'static str, &'static str, &'static str, Option<&'static str>);

const ALL: [Family; 3] = [
    ("checklists/{name}", "checklist", "A checklist", "A checklist by its name.", Some(CHECKLISTS)),
    ("processes/{name}", "process", "A process", "A process by its name.", Some(PROCESSES)),
    (
        "documents/{kind_and_name}",
        "document",
        "A document",
        "A document of any kind, by its kind and its name with `/` between them, which is written `%2F` there.",
        None,
    ),
];

/// The resources of a connection.
pub(super) fn all(connection: &Connection) -> Vec<Resource> {
    let library = Library::of(connection);
    let resource = |(path, name, title, description, kind): Family| Resource {
        uri: format!("keyward://{}/{path}", connection.name),
        form: Form::Family,
        name: name.into(),
        title: title.into(),
        description: description.into(),
        media_type: "text/markdown".into(),
        more: Map::new(),
        toolset: None,
        reader: Arc::new(Documents { library: library.clone(), kind }),
    };
    ALL.map(resource).into()
}

struct Documents {
    library: Library,
    kind: Option<&'static str>,
}

impl Reader for Documents {
    fn read(&self, which: String, _: Host) -> Boxed<'static, Result<Contents, Error>> {
        let Self { library, kind } = self;
        let (library, kind) = (library.clone(), *kind);
        Box::pin(async move {
            let shelf = library.shelf().await?;
            let (kind, name) = match (kind, which.split_once('/')) {
                (Some(kind), _) => (kind.to_owned(), which.as_str()),
                (None, Some((kind, name))) => (shelf.kind(kind)?, name),
                (None, None) => {
                    return Err(Error::Arguments("name the kind and the document, as `kind%2Fname`".to_owned()));
                }
            };
            let held = shelf.find(Some(&kind), name, "document")?;
            let (text, note) = library.text(held).await?;
            Ok(Contents::Text(note.map_or_else(|| text.to_string(), |note| format!("({note})\n\n{text}"))))
        })
    }

    fn complete(&self, partial: Partial) -> Boxed<'static, Result<Completion, Error>> {
        let Self { library, kind } = self;
        let (library, kind) = (library.clone(), *kind);
        Box::pin(async move {
            let shelf = library.shelf().await?;
            if kind.is_some() {
                return Ok(completion(shelf.of(kind).map(|held| held.document.name.as_str()), &partial.value));
            }
            let both: Vec<String> =
                shelf.all.iter().map(|held| format!("{}/{}", held.document.kind, held.document.name)).collect();
            Ok(completion(both.iter().map(String::as_str), &partial.value))
        })
    }
}
