//! A backend that offers prompts and resources, for the tests of whoever serves them.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::backends::prompt::{Argument, Writer, Written};
use crate::backends::resource::{Contents, Form, Reader};
use crate::backends::{
    Backend, Boxed, Connection, Error, Features, Host, Prompt, Resource, Toolset, Way, name, tavily,
};

/// The backend.
pub static BACKEND: Backend = Backend {
    name: "library",
    summary: "prompts and resources",
    ways: &[Way::OAuth, Way::None],
    notes: &[],
    url: None,
    oauth_url: None,
    sign_in: None,
    issuer: |_| None,
    toolsets: &[Toolset { name: "more", summary: "more of them", is_usual: false }],
    takes_folders: false,
    tools: |_| Vec::new(),
    prompts,
    resources,
    features: |_| Features::default(),
    passage: None,
    check: |_| Box::pin(async { Ok(()) }),
    fake: tavily::BACKEND.fake,
};

thread_local! {
    static BUILT: Cell<usize> = const { Cell::new(0) };
}

/// How often prompts or resources were made on this thread.
pub fn built() -> usize {
    BUILT.get()
}

fn prompts(connection: &Connection) -> Vec<Prompt> {
    BUILT.set(BUILT.get() + 1);
    let prompt = |name: &'static str, toolset| Prompt {
        name: name::of(&connection.name, name),
        own: name.into(),
        title: name.into(),
        description: "asks \"it\"".into(),
        arguments: Cow::Borrowed(
            const {
                &[
                    Argument {
                        name: Cow::Borrowed("topic"),
                        description: Cow::Borrowed("what about"),
                        is_required: true,
                    },
                    Argument { name: Cow::Borrowed("tone"), description: Cow::Borrowed("how"), is_required: false },
                ]
            },
        ),
        toolset,
        writer: Arc::new(Voice(name)),
    };
    vec![prompt("ask", None), prompt("picky", None), prompt("broken", None), prompt("extra", Some("more"))]
}

struct Voice(&'static str);

impl Writer for Voice {
    fn write(&self, filled: Map<String, Value>, _: Host) -> Boxed<'static, Result<Written, Error>> {
        let written = match self.0 {
            "picky" => Err(Error::Arguments("`topic` is none of ours".to_owned())),
            "broken" => Err(Error::Protocol { host: "library".to_owned(), cause: "no words".to_owned() }),
            _ => Ok(Written::request(&Value::Object(filled).to_string())),
        };
        Box::pin(async { written })
    }
}

fn resources(connection: &Connection) -> Vec<Resource> {
    BUILT.set(BUILT.get() + 1);
    let resource = |name: &'static str, toolset| Resource {
        uri: format!("keyward://{}/{}", connection.name, if name == "book" { "books/{title}" } else { name }),
        name: name.into(),
        title: name.into(),
        description: "holds \"it\"".into(),
        form: if name == "book" { Form::Family } else { Form::Single },
        media_type: "text/plain".into(),
        more: Map::new(),
        toolset,
        reader: Arc::new(Shelf { name, connection: connection.clone() }),
    };
    vec![
        resource("note", None),
        resource("mine", None),
        resource("down", None),
        resource("book", None),
        resource("extra", Some("more")),
    ]
}

struct Shelf {
    name: &'static str,
    connection: Connection,
}

impl Reader for Shelf {
    fn read(&self, which: String, _: Host) -> Boxed<'static, Result<Contents, Error>> {
        let (name, connection) = (self.name, self.connection.clone());
        Box::pin(async move {
            let text = match name {
                "mine" => {
                    connection.credentials.credential().await.map_err(Error::Credential)?;
                    Ok("mine".to_owned())
                }
                "down" => Err(Error::Server { host: "library".to_owned(), status: 503, said: "later".to_owned() }),
                "book" if which == "none" => Err(Error::Arguments("no book has that title".to_owned())),
                "book" => Ok(format!("the book {which}")),
                name => Ok(format!("{name}\u{202e}{which}")),
            };
            text.map(Contents::Text)
        })
    }
}
