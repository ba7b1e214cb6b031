//! Going through a checklist or a process: one prompt for each kind, with the document's name to fill in.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::answer;
use super::document::{CHECKLISTS, PROCESSES};
use super::library::Library;
use super::shelf::completion;
use crate::backends::prompt::{Argument, Writer, Written};
use crate::backends::{Boxed, Completion, Connection, Error, Host, Partial, Prompt, name, outside};

/// A prompt: its name, a title, what it is for, its kind, and the request.
struct Template {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    kind: &'static str,
    tool: &'static str,
    request: &'static str,
}

static ALL: [Template; 2] = [
    Template {
        name: "checklist",
        title: "Go through a checklist",
        description: "Checks something against a checklist, point by point.",
        kind: CHECKLISTS,
        tool: "get_checklist",
        request: "Go through the checklist below point by point. For each point say whether it is met, not met or not to be \
                  judged from what you have, and what that rests on. At the end, list what is left to do.",
    },
    Template {
        name: "process",
        title: "Follow a process",
        description: "Follows a process step by step.",
        kind: PROCESSES,
        tool: "get_process",
        request: "Help me to follow the process below, step by step. Say which step we are at, what is needed for it and when it \
                  is done. Ask me before anything that the process leaves to a person.",
    },
];

const ARGUMENTS: [(&str, &str, bool); 2] = [
    ("name", "Which one: its name, as the list of them shows it.", true),
    ("about", "What it is to be used on: a change, a text, a system.", false),
];

/// The prompts of a connection.
pub(super) fn all(connection: &Connection) -> Vec<Prompt> {
    let library = Library::of(connection);
    let argument = |(name, description, is_required): (&'static str, &'static str, bool)| Argument {
        name: name.into(),
        description: description.into(),
        is_required,
    };
    let prompt = |template: &'static Template| Prompt {
        name: name::of(&connection.name, template.name),
        own: template.name.into(),
        title: template.title.into(),
        description: template.description.into(),
        arguments: ARGUMENTS.map(argument).to_vec().into(),
        toolset: None,
        writer: Arc::new(Voice { library: library.clone(), tool: name::of(&connection.name, template.tool), template }),
    };
    ALL.iter().map(prompt).collect()
}

struct Voice {
    library: Library,
    tool: String,
    template: &'static Template,
}

impl Writer for Voice {
    fn write(&self, filled: Map<String, Value>, _: Host) -> Boxed<'static, Result<Written, Error>> {
        let Self { library, tool, template } = self;
        let (library, tool, template) = (library.clone(), tool.clone(), *template);
        Box::pin(async move {
            let given = |name: &str| filled.get(name).and_then(Value::as_str).unwrap_or_default().trim();
            let shelf = library.shelf().await?;
            let held = shelf.find(Some(template.kind), given("name"), template.name)?;
            let (text, note) = library.text(held).await?;
            let (piece, next, _) = answer::piece(&text, 0)?;
            let about =
                if given("about").is_empty() { String::new() } else { format!("\n\nIt is about: {}", given("about")) };
            let about = note.map_or_else(String::new, |note| format!("\n\n({note})")) + &about;
            let rest = next.map_or_else(String::new, |next| {
                format!("\n\n(It goes on: call `{tool}` with this name and `offset` {next}.)")
            });
            let document = &held.document;
            let text = format!("{}{about}\n\n# {}\n\n{piece}{rest}", template.request, document.name);
            Ok(Written::request(&outside::clean(text)))
        })
    }

    fn complete(&self, partial: Partial) -> Boxed<'static, Result<Completion, Error>> {
        let Self { library, template, .. } = self;
        let (library, kind) = (library.clone(), template.kind);
        Box::pin(async move {
            if partial.name != "name" {
                return Ok(Completion::default());
            }
            let shelf = library.shelf().await?;
            Ok(completion(shelf.of(Some(kind)).map(|held| held.document.name.as_str()), &partial.value))
        })
    }
}
