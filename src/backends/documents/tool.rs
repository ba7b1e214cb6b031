//! The tools: five that are those of the SSO MCP server (reference: A.2), and three over all kinds.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::answer::{self, Answer};
use super::document::{CHECKLISTS, Held, PROCESSES};
use super::library::{Library, aside};
use super::search::{self, Hit};
use super::shelf::Shelf;
use crate::backends::arguments::{self, Field, Form};
use crate::backends::schema::{Arguments, arguments};
use crate::backends::{Boxed, Call, Connection, Effect, Error, Handler, Output, Schema, Tool, name};

const EFFECT: Effect = Effect { read_only: true, destructive: false, idempotent: true, open_world: false };

/// What a tool does, with which kind; `None` for those over all kinds.
#[derive(Clone, Copy, Debug)]
enum Act {
    List(Option<&'static str>),
    Get(Option<&'static str>),
    Search(Option<&'static str>),
}

struct Spec {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    takes: Arguments,
    returns: &'static str,
    act: Act,
}

const KIND: (Field, &str) = (
    Field::new("kind", Form::Text(100)),
    "Only documents of this kind, for example `checklists`, `processes` or the name of another folder; all kinds unless given.",
);
const TAG: (Field, &str) = (Field::new("tag", Form::Text(100)), "Only documents with this tag.");
const LIMIT: (Field, &str) = (Field::new("limit", Form::Whole(1, 1000)), "How many at most.");
const OFFSET: (Field, &str) =
    (Field::new("offset", Form::Whole(0, 1_000_000)), "Leave out this many: the `next_offset` of an earlier result.");
const FROM: (Field, &str) = (
    Field::new("offset", Form::Whole(0, 10_000_000)),
    "Begin at this character: the `next_offset` of an earlier result.",
);
const NAME: (Field, &str) = (
    Field::required("name", Form::Text(300)),
    "Its name as listed, or the name of its file without `.md`, in whatever case.",
);

/// What every result may say besides.
macro_rules! described {
    ($required:literal, $members:literal) => {
        concat!(
            r#"{"type":"object","properties":{"#,
            $members,
            r#","skipped":{"type":"array","items":{"type":"object","properties":{"file":{"type":"string"},"reason":{"type":"string"}},"required":["file","reason"],"additionalProperties":false},"description":"What was left out, the first of them."},"skipped_count":{"type":"integer","description":"How much was left out."},"notes":{"type":"array","items":{"type":"string"}}},"required":["#,
            $required,
            r#"],"additionalProperties":false}"#
        )
    };
}
const CHECKLIST_ROWS: &str = described!(
    r#""checklists","count""#,
    r#""checklists":{"type":"array","items":{"type":"object","properties":{"name":{"type":"string"},"description":{"type":"string"}},"required":["name","description"],"additionalProperties":false}},"count":{"type":"integer","description":"How many there are in all."},"next_offset":{"type":"integer","description":"There are more: call again with this `offset`."}"#
);
const PROCESS_ROWS: &str = described!(
    r#""processes","count""#,
    r#""processes":{"type":"array","items":{"type":"object","properties":{"name":{"type":"string"},"description":{"type":"string"}},"required":["name","description"],"additionalProperties":false}},"count":{"type":"integer","description":"How many there are in all."},"next_offset":{"type":"integer","description":"There are more: call again with this `offset`."}"#
);
const ROWS: &str = described!(
    r#""documents","count","kinds""#,
    r#""documents":{"type":"array","items":{"type":"object","properties":{"kind":{"type":"string"},"name":{"type":"string"},"description":{"type":"string"},"tags":{"type":"array","items":{"type":"string"}},"file":{"type":"string"},"size":{"type":"integer","description":"In bytes."},"modified":{"type":"string"}},"required":["kind","name","description","file"],"additionalProperties":false}},"count":{"type":"integer","description":"How many there are in all."},"kinds":{"type":"array","items":{"type":"object","properties":{"kind":{"type":"string"},"count":{"type":"integer"}},"required":["kind","count"],"additionalProperties":false}},"next_offset":{"type":"integer","description":"There are more: call again with this `offset`."}"#
);
const ONE: &str = described!(
    r#""name","description","content""#,
    r#""name":{"type":"string"},"description":{"type":"string"},"content":{"type":"string","description":"Markdown, without the front matter."},"next_offset":{"type":"integer","description":"The document goes on: call again with this `offset`."},"total_characters":{"type":"integer"},"kind":{"type":"string"},"tags":{"type":"array","items":{"type":"string"}},"file":{"type":"string"},"size":{"type":"integer","description":"In bytes."},"modified":{"type":"string"},"front_matter":{"type":"object","description":"What else stands in it."},"headings":{"type":"array","items":{"type":"string"}},"also":{"type":"array","items":{"type":"string"},"description":"Other documents that the name could mean; this one comes first."}"#
);
const HITS: &str = described!(
    r#""query","results","count""#,
    r#""query":{"type":"string"},"results":{"type":"array","items":{"type":"object","properties":{"name":{"type":"string"},"description":{"type":"string"},"relevance_score":{"type":"integer"},"snippet":{"type":"string"}},"required":["name","description","relevance_score","snippet"],"additionalProperties":false}},"count":{"type":"integer"},"total":{"type":"integer","description":"How many there are, where that is more than 50."}"#
);
const RANKED: &str = described!(
    r#""query","results","count""#,
    r#""query":{"type":"string"},"results":{"type":"array","items":{"type":"object","properties":{"kind":{"type":"string"},"name":{"type":"string"},"description":{"type":"string"},"tags":{"type":"array","items":{"type":"string"}},"file":{"type":"string"},"size":{"type":"integer"},"modified":{"type":"string"},"score":{"type":"integer"},"words":{"type":"integer","description":"How many of the words it has."},"heading":{"type":"string","description":"The heading above the snippet."},"snippet":{"type":"string"}},"required":["kind","name","description","file","score","words","snippet"],"additionalProperties":false}},"count":{"type":"integer","description":"How many there are in all."},"next_offset":{"type":"integer","description":"There are more: call again with this `offset`."}"#
);

static ALL: &[Spec] = &[
    Spec {
        name: "list_checklists",
        title: "List checklists",
        description: "Lists every checklist with its name and description.",
        takes: arguments!(&[OFFSET]),
        returns: CHECKLIST_ROWS,
        act: Act::List(Some(CHECKLISTS)),
    },
    Spec {
        name: "get_checklist",
        title: "Read a checklist",
        description: "Reads a checklist. A long one comes in pieces.",
        takes: arguments!(&[NAME, FROM]),
        returns: ONE,
        act: Act::Get(Some(CHECKLISTS)),
    },
    Spec {
        name: "list_processes",
        title: "List processes",
        description: "Lists every process with its name and description.",
        takes: arguments!(&[OFFSET]),
        returns: PROCESS_ROWS,
        act: Act::List(Some(PROCESSES)),
    },
    Spec {
        name: "get_process",
        title: "Read a process",
        description: "Reads a process. A long one comes in pieces.",
        takes: arguments!(&[NAME, FROM]),
        returns: ONE,
        act: Act::Get(Some(PROCESSES)),
    },
    Spec {
        name: "search_processes",
        title: "Search processes",
        description: "Finds up to 50 processes that hold a phrase in their name, description or content, in whatever case. For several \
                      words that need not stand together, use `search_documents` with the kind `processes`.",
        takes: arguments!(&[
            (Field::new("keyword", Form::Text(200)), "The phrase."),
            (Field::new("query", Form::Text(200)), "The same under another name."),
        ]),
        returns: HITS,
        act: Act::Search(Some(PROCESSES)),
    },
    Spec {
        name: "list_documents",
        title: "List documents",
        description: "Lists documents of every kind: checklists, processes and others, and says which kinds there are.",
        takes: arguments!(&[KIND, TAG, LIMIT, OFFSET]),
        returns: ROWS,
        act: Act::List(None),
    },
    Spec {
        name: "get_document",
        title: "Read a document",
        description: "Reads a document of any kind, with its tags and headings. A long one comes in pieces.",
        takes: arguments!(&[NAME, KIND, FROM]),
        returns: ONE,
        act: Act::Get(None),
    },
    Spec {
        name: "search_documents",
        title: "Search documents",
        description: "Finds documents of every kind by words, in whatever case and order; words in quotes stand together. Best first: those with \
                      all words, then those that have them in name, tags, headings and description.",
        takes: arguments!(&[(Field::required("query", Form::Text(500)), "The words."), KIND, TAG, LIMIT, OFFSET]),
        returns: RANKED,
        act: Act::Search(None),
    },
];

/// Rows in one answer unless the caller says otherwise.
const USUAL: usize = 100;
/// Rows of a list that has no limit to be chosen.
const LONG: usize = 1000;
/// Results of a search unless the caller says otherwise.
const FEW: usize = 20;
/// The most headings that are listed.
const HEADINGS: usize = 100;

/// The tools of a connection.
pub(super) fn all(connection: &Connection) -> Vec<Tool> {
    let library = Arc::new(Library::of(connection));
    let tool = |spec: &'static Spec| Tool {
        name: name::of(&connection.name, spec.name),
        own: spec.name.into(),
        title: spec.title.into(),
        description: spec.description.into(),
        input_schema: Schema::Static(spec.takes.schema),
        output_schema: Some(Schema::Static(spec.returns)),
        effect: EFFECT,
        toolset: None,
        handler: Arc::new(Runner { library: Arc::clone(&library), spec }),
    };
    ALL.iter().map(tool).collect()
}

struct Runner {
    library: Arc<Library>,
    spec: &'static Spec,
}

impl Handler for Runner {
    fn call(&self, call: Call) -> Boxed<'static, Result<Output, Error>> {
        let Self { library, spec } = self;
        let (library, spec) = (Library::clone(library), *spec);
        Box::pin(async move {
            let given = Given(arguments::check(spec.takes.fields, call.arguments)?);
            match spec.act {
                Act::List(kind) => list(library, kind, given).await,
                Act::Get(kind) => get(library, kind, &given).await,
                Act::Search(Some(kind)) => search_phrase(library, kind, &given).await,
                Act::Search(None) => search_words(library, given).await,
            }
        })
    }
}

/// Arguments that were checked.
struct Given(Map<String, Value>);

impl Given {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    fn whole(&self, name: &str) -> Option<usize> {
        self.0.get(name).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok())
    }

    /// The kind that is asked for, if it is there.
    fn kind(&self, shelf: &Shelf) -> Result<Option<String>, Error> {
        self.text("kind").map(|kind| shelf.kind(kind)).transpose()
    }

    fn has_tag(&self, held: &Held) -> bool {
        let wanted = self.text("tag").map(|tag| tag.trim().to_lowercase());
        wanted.is_none_or(|wanted| held.document.tags.iter().any(|tag| tag.to_lowercase() == wanted))
    }
}

/// The name of one document of a kind.
fn one_of(kind: Option<&str>) -> &'static str {
    match kind {
        Some(CHECKLISTS) => "checklist",
        Some(PROCESSES) => "process",
        _ => "document",
    }
}

async fn list(library: Library, kind: Option<&'static str>, given: Given) -> Result<Output, Error> {
    let shelf = library.shelf().await?;
    let wanted = given.kind(&shelf)?;
    let of = kind.or(wanted.as_deref());
    let all: Vec<&Held> = shelf.of(of).filter(|held| given.has_tag(held)).collect();
    let offset = given.whole("offset").unwrap_or_default();
    let limit = given.whole("limit").unwrap_or(if kind.is_some() { LONG } else { USUAL });
    let page: Vec<&Held> = all.iter().skip(offset).take(limit).copied().collect();
    let mut answer = Answer { heading: format!("{} of {} documents", page.len(), all.len()), ..Answer::default() };
    let rows = page.iter().map(|held| match kind {
        Some(_) => json!({"name": held.document.name, "description": held.document.description}),
        None => Value::Object(answer::row(held)),
    });
    answer.field(kind.unwrap_or("documents"), rows.collect::<Value>());
    answer.field("count", all.len());
    if kind.is_none() {
        let kinds = shelf.kinds();
        answer
            .field("kinds", kinds.iter().map(|(kind, count)| json!({"kind": kind, "count": count})).collect::<Value>());
        let kinds: Vec<String> = kinds.iter().map(|(kind, count)| format!("{kind} ({count})")).collect();
        answer.lines.push(format!("Kinds: {}", kinds.join(", ")));
    }
    answer.lines.extend(page.iter().map(|held| answer::named(held)));
    more(&mut answer, offset, page.len(), all.len());
    answer.tell(&shelf);
    answer.output()
}

/// Says where to go on.
fn more(answer: &mut Answer, offset: usize, shown: usize, total: usize) {
    let next = offset.saturating_add(shown);
    if shown > 0 && next < total {
        answer.field("next_offset", next);
        answer.lines.push(format!("There are more: go on with `offset` {next}."));
    }
}

async fn get(library: Library, kind: Option<&'static str>, given: &Given) -> Result<Output, Error> {
    let shelf = library.shelf().await?;
    let wanted = given.kind(&shelf)?;
    let of = kind.or(wanted.as_deref());
    let held = &shelf.find(of, given.text("name").unwrap_or_default(), one_of(of))?.clone();
    let (text, note) = library.text(held).await?;
    let (piece, next, total) = answer::piece(&text, given.whole("offset").unwrap_or_default())?;
    let document = &held.document;
    let mut answer = Answer { heading: format!("# {}", document.name), ..Answer::default() };
    if kind.is_none() {
        answer.fields = answer::row(held);
        let other = answer::other(held);
        if !other.is_empty() {
            answer.field("front_matter", other);
        }
        let headings: Vec<String> =
            search::headings(&text).map(|(_, heading)| super::front::line(heading)).take(HEADINGS).collect();
        answer.field("headings", headings);
    } else {
        answer.field("name", document.name.as_str());
        answer.field("description", document.description.as_str());
    }
    answer.field("content", piece);
    answer.lines.push(piece.to_owned());
    if next.is_some() || piece.len() < text.len() {
        answer.field("total_characters", total);
    }
    if let Some(next) = next {
        answer.field("next_offset", next);
        answer.lines.push(format!("It goes on: call again with `offset` {next} of {total} characters."));
    }
    let also = if of.is_none() || kind.is_some() { shelf.also(held) } else { Vec::new() };
    if !also.is_empty() {
        answer.lines.push(format!("This is `{}`. The name could also mean: {}", document.file, also.join(", ")));
        answer.field("also", also);
    }
    // What was left out elsewhere is no news about this one.
    let mut shelf = shelf;
    shelf.left_out.named.retain(|(file, _)| *file == document.file);
    shelf.left_out.count = shelf.left_out.named.len();
    shelf.notes.extend(note);
    answer.tell(&shelf);
    answer.output()
}

async fn search_phrase(library: Library, kind: &'static str, given: &Given) -> Result<Output, Error> {
    let phrase = match (given.text("keyword"), given.text("query")) {
        (Some(one), Some(other)) if one != other => {
            return Err(Error::Arguments(
                "`keyword` and `query` are the same argument, and say different things".to_owned(),
            ));
        }
        (Some(phrase), _) | (None, Some(phrase)) => phrase.trim().to_owned(),
        (None, None) => return Err(Error::Arguments("`keyword` is missing".to_owned())),
    };
    let shelf = library.read(library.shelf().await?, Some(kind)).await?;
    aside(move || {
        let hits = search::phrase(shelf.of(None), &phrase);
        let mut answer = Answer { heading: format!("{} found for `{phrase}`", hits.len()), ..Answer::default() };
        let shown = hits.get(..hits.len().min(search::MOST)).unwrap_or_default();
        let row = |hit: &Hit<'_>| {
            let document = &hit.held.document;
            json!({"name": document.name, "description": document.description, "relevance_score": hit.score, "snippet": hit.snippet})
        };
        answer.field("query", phrase.as_str());
        answer.field("results", shown.iter().map(row).collect::<Value>());
        answer.field("count", shown.len());
        if hits.len() > shown.len() {
            answer.field("total", hits.len());
        }
        answer.lines.extend(shown.iter().map(line));
        answer.tell(&shelf);
        answer.output()
    })
    .await?
}

async fn search_words(library: Library, given: Given) -> Result<Output, Error> {
    let shelf = library.shelf().await?;
    let kind = given.kind(&shelf)?;
    let shelf = library.read(shelf, kind.as_deref()).await?;
    aside(move || {
        let query = given.text("query").unwrap_or_default();
        let hits = search::words(shelf.of(None).filter(|held| given.has_tag(held)), query);
        let offset = given.whole("offset").unwrap_or_default();
        let page: Vec<&Hit<'_>> = hits.iter().skip(offset).take(given.whole("limit").unwrap_or(FEW)).collect();
        let row = |hit: &&Hit<'_>| {
            let mut row = answer::row(hit.held);
            row.insert("score".to_owned(), hit.score.into());
            row.insert("words".to_owned(), hit.words.into());
            row.insert("snippet".to_owned(), hit.snippet.as_str().into());
            hit.heading.as_deref().map(|heading| row.insert("heading".to_owned(), heading.into()));
            Value::Object(row)
        };
        let mut answer =
            Answer { heading: format!("{} of {} found for `{query}`", page.len(), hits.len()), ..Answer::default() };
        answer.field("query", query);
        answer.field("results", page.iter().map(row).collect::<Value>());
        answer.field("count", hits.len());
        answer.lines.extend(page.iter().map(|hit| line(hit)));
        more(&mut answer, offset, page.len(), hits.len());
        answer.tell(&shelf);
        answer.output()
    })
    .await?
}

/// A hit in a line.
fn line(hit: &Hit<'_>) -> String {
    format!("{} ({}): {}", answer::named(hit.held), hit.score, hit.snippet)
}
