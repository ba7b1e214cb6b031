//! A search for bugs that widens step by step until it has found enough, and says what each step asked and found.

use serde_json::{Map, Value, json};

use super::answer::{Listing, Rows, kind, words};
use super::bugs::{self, BUG, Filter, Search};
use super::client::Client;
use super::page::{Found, Window};
use super::path;
use super::products::{self, Operation};
use super::record::{Column, Detail, Form as F, Row};
use super::release::other_spelling;
use super::tool::{DETAIL, Request, Spec};
use crate::backends::arguments::{Field, Form};
use crate::backends::schema::{arguments, written};
use crate::backends::{Boxed, Error, Output, Progress, Step};

/// Bugs that are read in one step; they come by severity.
const READ: u64 = 60;

const STEP: &[Column] = &[
    Column::new("", "asked", F::Line, "What was asked."),
    Column::new("", "found", F::Whole, "How many bugs the service has for it."),
    Column::new("", "read", F::Whole, "How many of them were read, the most severe first."),
    Column::new("", "new", F::Whole, "How many of them were wanted and new."),
    Column::new("", "error", F::Line, "Why it could not be asked."),
];

const EXTRA: &[Column] = &[
    Column::new("", "steps", F::Rows(STEP), "What was asked, in this order, and what came of it."),
    Column::new("", "widened", F::Flag, "Whether more was asked than was wished for, because that found too little."),
];

pub(super) static SPEC: Spec = Spec {
    name: "search_bugs",
    title: "Search Cisco bugs, widening",
    description: "Searches bugs about a product (id, or full name of a product or series) or a symptom, in a version if given, \
                  and widens the search step by step until enough are found: other spellings of the version, the product's \
                  full name and series, its base id, any version, plain words. Says what each step asked and found. Use it \
                  when you do not know how Cisco files the bug; use `bugs` when you do.",
    toolset: "bugs",
    takes: arguments!(&[
        (
            Field::required("term", Form::Text(100)),
            "A product id, the full name of a product or series, a bug id, or words for a symptom.",
        ),
        (Field::new("version", Form::Text(60)), "The running software version."),
        (Field::new("max_severity", Form::Whole(1, 6)), "Bugs up to this severity, 1 being the worst; 3 unless given."),
        (Field::new("status", Form::Choice(&["open", "fixed", "terminated"])), "Only bugs of this status."),
        (Field::new("wanted", Form::Whole(1, 100)), "Stop widening when so many are found; 10 unless given."),
        (Field::new("detail", Form::Choice(&["brief", "full"])), DETAIL),
    ]),
    returns: written!(Listing::write, Listing { name: "bugs", columns: BUG, extra: EXTRA }),
    run,
};

/// One step: what it asks, in words, and where.
struct Attempt {
    asked: String,
    path: String,
    /// It asks for more than was wished for.
    is_wider: bool,
}

/// What was found so far.
#[derive(Default)]
struct Gathered {
    rows: Vec<Row>,
    steps: Vec<Value>,
    widened: bool,
    failed: Option<Error>,
}

fn run(request: Request) -> Boxed<'static, Result<Output, Error>> {
    Box::pin(async move {
        let client = &request.client;
        let term = request.text("term").unwrap_or_default().trim().to_owned();
        if is_bug(&term) {
            let found = bugs::by_id(client, &[term], request.detail(), &request.progress).await?;
            let rows = found.rows.into_iter().map(|row| row.fields).collect();
            return Rows { rows, missing: found.missing, failed: found.failed, ..listing(Map::new()) }
                .output(&client.host());
        }
        let wanted = usize::try_from(request.whole("wanted").unwrap_or(10)).unwrap_or(10);
        let mut gathered = Gathered::default();
        let version = request.text("version");
        try_all(&request, &mut gathered, first(&term, version)?, wanted).await?;
        if gathered.rows.len() < wanted && is_product_id(&term) {
            let further = named(client, &term, version, &request.progress, &mut gathered).await?;
            try_all(&request, &mut gathered, further, wanted).await?;
        }
        try_all(&request, &mut gathered, last(&term, version)?, wanted).await?;
        let Gathered { mut rows, steps, widened, failed } = gathered;
        // If no step could be asked, that is the answer.
        if let Some(error) = failed.filter(|_| steps.iter().all(|step| step.get("error").is_some())) {
            return Err(error);
        }
        bugs::merge(&mut rows);
        let extra = Map::from_iter([("steps".to_owned(), steps.into()), ("widened".to_owned(), widened.into())]);
        let rows = rows.into_iter().map(|row| row.fields).collect();
        Rows { rows, ..listing(extra) }.output(&client.host())
    })
}

fn listing(extra: Map<String, Value>) -> Rows {
    let mut notes = Vec::new();
    for step in extra.get("steps").and_then(Value::as_array).into_iter().flatten() {
        let asked = step.get("asked").and_then(Value::as_str).unwrap_or_default();
        notes.push(match step.get("error").and_then(Value::as_str) {
            Some(error) => format!("{asked}: {error}"),
            None => format!(
                "{asked}: {} found, {} read, {} new",
                count(step, "found"),
                count(step, "read"),
                count(step, "new")
            ),
        });
    }
    Rows { extra, notes, ..Rows::new("Bugs", "bugs", BUG) }
}

fn count(step: &Value, name: &str) -> String {
    step.get(name).map_or_else(|| "?".to_owned(), Value::to_string)
}

fn is_bug(term: &str) -> bool {
    let rest = term.get(..3).filter(|start| start.eq_ignore_ascii_case("csc")).and(term.get(3..)).unwrap_or_default();
    rest.len() == 7 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Product ids have no blank, and a digit and a capital letter.
fn is_product_id(term: &str) -> bool {
    !term.contains(' ')
        && term.chars().any(|c| c.is_ascii_digit())
        && term.chars().any(|c| c.is_ascii_uppercase())
        && term.len() >= 4
}

/// The first steps: exactly what was wished for.
fn first(term: &str, version: Option<&str>) -> Result<Vec<Attempt>, Error> {
    let mut attempts = Vec::new();
    if is_product_id(term) {
        attempts.extend(by_product(term, version)?);
        return Ok(attempts);
    }
    if term.to_ascii_lowercase().starts_with("cisco ") {
        attempts.extend(by_name("product_series", term, version)?);
        attempts.extend(by_name("product_name", term, version)?);
    }
    attempts.extend(version.map(|version| by_words(&format!("{term} {version}"), false)).transpose()?);
    if version.is_none() {
        attempts.push(by_words(term, false)?);
    }
    Ok(attempts)
}

/// Product and version; the version in both spellings.
fn by_product(product: &str, version: Option<&str>) -> Result<Vec<Attempt>, Error> {
    let base = format!("/products/product_id/{}", path::one(product)?);
    Ok(match version {
        Some(version) => {
            let both: Vec<String> = [Some(version.to_owned()), other_spelling(version)].into_iter().flatten().collect();
            let path = format!("{base}/software_releases/{}", path::list(&both)?);
            vec![Attempt {
                asked: format!("product id {product}, release {}", both.join(" or ")),
                path,
                is_wider: false,
            }]
        }
        None => vec![Attempt { asked: format!("product id {product}"), path: base, is_wider: false }],
    })
}

fn by_name(kind: &str, name: &str, version: Option<&str>) -> Result<Vec<Attempt>, Error> {
    let both: Vec<String> = version.map_or_else(
        || vec!["*".to_owned()],
        |version| [Some(version.to_owned()), other_spelling(version)].into_iter().flatten().collect(),
    );
    let path = format!("/{kind}/{}/affected_releases/{}", path::one(name)?, path::list(&both)?);
    let kind = kind.replace('_', " ");
    let release = if version.is_some() { format!(", release {}", both.join(" or ")) } else { String::new() };
    Ok(vec![Attempt { asked: format!("{kind} {name}{release}"), path, is_wider: false }])
}

fn by_words(text: &str, is_wider: bool) -> Result<Attempt, Error> {
    /// Characters that the service takes.
    const LONGEST: usize = 50;
    let short: String = text.chars().take(LONGEST).collect();
    Ok(Attempt { asked: format!("words {short}"), path: format!("/keyword/{}", path::one(&short)?), is_wider })
}

/// The product under its full name, its series and its base id.
async fn named(
    client: &Client,
    term: &str,
    version: Option<&str>,
    progress: &Progress,
    gathered: &mut Gathered,
) -> Result<Vec<Attempt>, Error> {
    let mut attempts = Vec::new();
    match products::look_up(client, Operation::Products, &[term.to_owned()], progress).await {
        Ok(batches) => {
            let row = batches.rows.into_iter().next().unwrap_or_default();
            for (kind, member) in [("product_name", "name"), ("product_series", "series")] {
                if !row.text(member).is_empty() {
                    attempts.extend(by_name(kind, row.text(member), version)?);
                }
            }
            let base = row.text("base_product_id");
            if !base.is_empty() && !base.eq_ignore_ascii_case(term) {
                attempts.extend(by_product(base, version)?);
            }
        }
        Err(error) => {
            let asked = format!("full name of {term}");
            gathered.steps.push(json!({"asked": asked, "error": format!("{}: {}", kind(&error), words(&error))}));
        }
    }
    if let Some((base, _)) = term.split_once('/') {
        attempts.extend(by_product(base, version)?);
    }
    Ok(attempts.into_iter().map(|attempt| Attempt { is_wider: true, ..attempt }).collect())
}

/// The last steps: any version, then words.
fn last(term: &str, version: Option<&str>) -> Result<Vec<Attempt>, Error> {
    let mut attempts = Vec::new();
    if version.is_some() && is_product_id(term) {
        attempts.extend(by_product(term, None)?);
    }
    if let Some(version) = version.filter(|_| is_product_id(term)) {
        attempts.push(by_words(&format!("{term} {version}"), true)?);
    }
    if version.is_some() || is_product_id(term) {
        attempts.push(by_words(term, true)?);
    }
    Ok(attempts.into_iter().map(|attempt| Attempt { is_wider: true, ..attempt }).collect())
}

/// Runs the attempts until enough is found.
async fn try_all(
    request: &Request,
    gathered: &mut Gathered,
    attempts: Vec<Attempt>,
    wanted: usize,
) -> Result<(), Error> {
    let most = i64::try_from(request.whole("max_severity").unwrap_or(3)).unwrap_or(3);
    let filter = Filter {
        status: request.text("status").and_then(bugs::status_code),
        sort_by: Some("severity".to_owned()),
        ..Filter::default()
    };
    let detail = Detail { personal: false, ..request.detail() };
    for attempt in attempts {
        if gathered.rows.len() >= wanted {
            return Ok(());
        }
        #[expect(clippy::cast_precision_loss, reason = "steps are few")]
        let done = gathered.steps.len() as f64;
        request.progress.report(Step { done, total: None, message: Some(attempt.asked.clone()) });
        gathered.widened |= attempt.is_wider;
        let window = Window { offset: 0, limit: READ };
        let path = [attempt.path];
        let search = Search { client: &request.client, paths: &path, filter: &filter, detail, window };
        match search.run(&Progress::default()).await.and_then(Found::whole) {
            Ok(found) => {
                let is_known =
                    |row: &Row, rows: &[Row]| rows.iter().any(|known| known.text("bug_id") == row.text("bug_id"));
                let mut new = 0_usize;
                let read = found.rows.len();
                for row in found.rows {
                    let severity = row.fields.get("severity").and_then(Value::as_i64);
                    if severity.is_none_or(|severity| severity <= most) && !is_known(&row, &gathered.rows) {
                        gathered.rows.push(row);
                        new = new.saturating_add(1);
                    }
                }
                let total = found.total.unwrap_or_else(|| u64::try_from(read).unwrap_or_default());
                gathered.steps.push(json!({"asked": attempt.asked, "found": total, "read": read, "new": new}));
            }
            Err(error @ (Error::Credential(_) | Error::Rejected { .. } | Error::StepUp { .. })) => return Err(error),
            Err(error) => {
                let said = format!("{}: {}", kind(&error), words(&error));
                gathered.steps.push(json!({"asked": attempt.asked, "error": said}));
                gathered.failed = Some(error);
            }
        }
    }
    Ok(())
}
