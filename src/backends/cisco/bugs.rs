//! Bugs: by id, by words, or by product and release (Bug API v2.0).

use std::sync::Arc;

use serde_json::{Value, json};

use super::answer::{Listing, Rows};
use super::api::Api;
use super::client::{Ask, Client};
use super::page::{self, Batch, Found, Paged, Window};
use super::record::{Column, Detail, Form as F, Row, list};
use super::tool::{DETAIL, LIMIT, OFFSET, Request, Spec};
use super::{path, value};
use crate::backends::arguments::{Field, Form};
use crate::backends::schema::{arguments, written};
use crate::backends::{Boxed, Error, Output, Progress};

/// Bugs in one request for bugs by their ids.
const IDS: usize = 5;
/// Bugs on a page.
const PAGE: u64 = 10;
/// Releases in one request.
const RELEASES: usize = 75;
/// Characters of a search.
const KEYWORD: usize = 50;

/// A bug.
pub(super) const BUG: &[Column] = &[
    Column::new("bug_id", "bug_id", F::Line, "Its id."),
    Column::new("headline", "headline", F::Line, "What it is, in one line."),
    Column::new("severity", "severity", F::Whole, "From 1 (catastrophic) over 3 (moderate) to 6 (enhancement)."),
    Column::new("status", "status", F::Line, "open, fixed or terminated."),
    Column::new("last_modified_date", "modified", F::Date, "When it was last changed."),
    Column::new("created_date", "created", F::Date, "When it was filed."),
    Column::new("product", "component", F::Line, "The component it is filed under."),
    Column::new("product_series", "product_series", F::Line, "The series that was searched."),
    Column::new("product_name", "product_name", F::Line, "The product that was searched."),
    Column::new("base_pid", "product_id", F::Line, "The product id that was searched."),
    Column::new("support_case_count", "support_cases", F::Whole, "How many support cases it has."),
    Column::new("known_affected_releases", "affected_releases", F::Words, "Releases known to have it."),
    Column::new("known_fixed_releases", "fixed_releases", F::Words, "Releases known to be free of it."),
    Column::new("duplicate_of", "duplicate_of", F::Line, "The bug that it repeats."),
    Column::full("behavior_changed", "behavior_changed", F::Flag, "Whether the fix changes behaviour."),
    Column::full("description", "description", F::Prose, "Symptom, conditions and workaround, in Cisco's words."),
    Column::new("url", "url", F::Line, "Its page for people."),
];

pub(super) static SPEC: Spec = Spec {
    name: "bugs",
    title: "Find Cisco bugs",
    description: "Looks up Cisco bugs by id, or finds them by words, by product id (with releases), or by the full name \
                  of a product or series (with affected or fixed releases). Reads all pages. Without `modified` every age \
                  counts. For a search that widens by itself use the tool `search_bugs`.",
    toolset: "bugs",
    takes: arguments!(&[
        (Field::new("bug_ids", Form::Texts(200)), "Bug ids such as CSCvc57217."),
        (Field::new("keyword", Form::Text(KEYWORD)), "Words in headline and description; at most 50 characters."),
        (Field::new("product_id", Form::Text(100)), "A product id such as C9300-48P."),
        (Field::new("product_series", Form::Text(100)), "The full name of a series, as Cisco writes it."),
        (Field::new("product_name", Form::Text(100)), "The full name of a product, as Cisco writes it."),
        (Field::new("releases", Form::Texts(150)), "With `product_id`: only bugs of these software releases."),
        (
            Field::new("affected_releases", Form::Texts(150)),
            "With a series or name: releases that have the bug; any unless given.",
        ),
        (Field::new("fixed_releases", Form::Texts(150)), "With a series or name: releases in which the bug is fixed."),
        (Field::new("severities", Form::Wholes(1, 6)), "Only these severities, 1 (catastrophic) to 6 (enhancement)."),
        (Field::new("status", Form::Choice(&["open", "fixed", "terminated"])), "Only bugs of this status."),
        (
            Field::new("modified", Form::Choice(&["week", "month", "half-year", "year", "any"])),
            "Only bugs changed within this time; any unless given.",
        ),
        (
            Field::new(
                "sort_by",
                Form::Choice(&["modified_date", "modified_date_earliest", "severity", "status", "support_case_count"]),
            ),
            "The order; newest change first unless given.",
        ),
        (Field::new("detail", Form::Choice(&["brief", "full"])), DETAIL),
        (Field::new("limit", Form::Whole(1, 4_000)), LIMIT),
        (Field::new("offset", Form::Whole(0, 100_000)), OFFSET),
    ]),
    returns: written!(Listing::write, Listing { name: "bugs", columns: BUG, extra: &[] }),
    run,
};

/// What narrows a search.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    pub(super) severities: Vec<i64>,
    pub(super) status: Option<&'static str>,
    /// The API's code; it hides bugs older than a month unless told otherwise.
    pub(super) modified: Option<&'static str>,
    pub(super) sort_by: Option<String>,
}

fn run(request: Request) -> Boxed<'static, Result<Output, Error>> {
    Box::pin(async move {
        let subject = request.one_of(&["bug_ids", "keyword", "product_id", "product_series", "product_name"])?;
        request.only_with(&["releases"], subject == "product_id", "`product_id`")?;
        let named = matches!(subject, "product_series" | "product_name");
        request.only_with(&["affected_releases", "fixed_releases"], named, "`product_series` or `product_name`")?;
        if named && request.has("affected_releases") && request.has("fixed_releases") {
            return Err(Error::Arguments("`affected_releases` and `fixed_releases` do not go together".to_owned()));
        }
        let (client, detail) = (&request.client, request.detail());
        if subject == "bug_ids" {
            let filters = ["severities", "status", "modified", "sort_by"];
            request.only_with(&filters, false, "a search")?;
            let found = by_id(client, &request.texts("bug_ids"), detail, &request.progress).await?;
            let rows = Rows { missing: found.missing, failed: found.failed, ..Rows::new("Bugs", "bugs", BUG) };
            let fields = found.rows.into_iter().map(|row| row.fields).collect();
            return request.windowed(Rows { rows: fields, ..rows }).output(&client.host());
        }
        let paths = paths(&request, subject)?;
        let filter = filter(&request);
        let search = Search { client, paths: &paths, filter: &filter, detail, window: request.window() };
        let found = search.run(&request.progress).await?;
        answer(found, request.bounded(Rows::new("Bugs", "bugs", BUG)), &client.host())
    })
}

/// What was found as a result.
pub(super) fn answer(found: Found, mut rows: Rows, host: &str) -> Result<Output, Error> {
    rows.total = found.total;
    rows.more = found.more;
    rows.rows = found.rows.into_iter().map(|row| row.fields).collect();
    rows.notes.extend(found.notes);
    rows.notes.extend(found.nothing);
    rows.failed.extend(found.lost.into_iter().map(|(page, error)| (vec![format!("page {page}")], error)));
    rows.output(host)
}

/// Bugs by their ids.
pub(super) async fn by_id(
    client: &Client,
    ids: &[String],
    detail: Detail,
    progress: &Progress,
) -> Result<page::Batches, Error> {
    let make = |ids: &[String]| {
        let path = format!("/bug_ids/{}", path::list(ids)?);
        Ok(paged(path, &Filter { modified: Some(""), ..Filter::default() }, None, detail))
    };
    page::batched(client, ids, Batch { size: IDS, key: "bug_id" }, &make, progress).await
}

fn filter(request: &Request) -> Filter {
    Filter {
        severities: {
            let mut all = request.wholes("severities");
            all.sort_unstable();
            all.dedup();
            all
        },
        status: request.text("status").and_then(status_code),
        modified: request.text("modified").map(|word| match word {
            "week" => "1",
            "month" => "2",
            "half-year" => "3",
            "year" => "4",
            _ => "5",
        }),
        sort_by: request.text("sort_by").map(str::to_owned),
    }
}

/// The API's letter for a status.
pub(super) fn status_code(word: &str) -> Option<&'static str> {
    match word {
        "open" => Some("O"),
        "fixed" => Some("F"),
        "terminated" => Some("T"),
        _ => None,
    }
}

/// The addresses of a search: one, or one for each part of a long list of releases.
fn paths(request: &Request, subject: &'static str) -> Result<Vec<String>, Error> {
    let words = request.text(subject).unwrap_or_default();
    let name = path::one(words)?;
    let (releases, before, any) = match subject {
        "keyword" => return Ok(vec![format!("/keyword/{name}")]),
        "product_id" => ("releases", format!("/products/product_id/{name}"), None),
        _ if request.has("fixed_releases") => ("fixed_releases", format!("/{subject}/{name}/fixed_in_releases"), None),
        _ => ("affected_releases", format!("/{subject}/{name}/affected_releases"), Some("*")),
    };
    let releases = page::distinct(&request.texts(releases));
    match (releases.is_empty(), any) {
        (true, Some(any)) => Ok(vec![format!("{before}/{any}")]),
        (true, None) => Ok(vec![before]),
        (false, _) => {
            let middle = if subject == "product_id" { "/software_releases" } else { "" };
            releases.chunks(RELEASES).map(|part| Ok(format!("{before}{middle}/{}", path::list(part)?))).collect()
        }
    }
}

/// The most bugs that are read of one address to be merged or chosen from.
const READ: Window = Window { offset: 0, limit: 1_000 };

/// A search, at one address or several.
pub(super) struct Search<'a> {
    pub(super) client: &'a Client,
    pub(super) paths: &'a [String],
    pub(super) filter: &'a Filter,
    pub(super) detail: Detail,
    pub(super) window: Window,
}

impl Search<'_> {
    /// Searches each address, once for each severity, since the API takes one at a time. Several answers are merged:
    /// each bug once, the most severe first.
    pub(super) fn run<'b>(&'b self, progress: &'b Progress) -> Boxed<'b, Result<Found, Error>> {
        Box::pin(self.found(progress))
    }

    async fn found(&self, progress: &Progress) -> Result<Found, Error> {
        let severities: Vec<Option<i64>> = match self.filter.severities.as_slice() {
            [] => vec![None],
            some => some.iter().map(|severity| Some(*severity)).collect(),
        };
        if let ([path], [severity]) = (self.paths, severities.as_slice()) {
            let found = page::read(self.client, &self.question(path, *severity), self.window, progress).await;
            return match (found, severity) {
                (Err(Error::Server { .. }), Some(_)) => self.locally(progress).await,
                (found, _) => found,
            };
        }
        let mut questions = Vec::new();
        for path in self.paths {
            questions.extend(severities.iter().map(|severity| (self.question(path, *severity), severity.is_some())));
        }
        let mut merged = Found::default();
        let mut total = Some(0_u64);
        // Several lists of releases are merged by severity: every window must be cut out of the same whole.
        let window = if self.paths.len() > 1 { READ } else { self.window.widened() };
        for (question, by_severity) in questions {
            match page::read(self.client, &question, window, progress).await {
                Ok(found) => {
                    total = total.zip(found.total).map(|(total, more)| total.saturating_add(more));
                    gather(&mut merged, found);
                }
                Err(Error::Server { .. }) if by_severity => return self.locally(progress).await,
                Err(error) => return Err(error),
            }
        }
        merge(&mut merged.rows);
        // Bugs of several lists of releases may be the same: then only what was read can be counted.
        merged.total = match self.paths {
            [_] => total,
            _ if merged.more => None,
            _ => u64::try_from(merged.rows.len()).ok(),
        };
        if self.paths.len() > 1 && merged.more {
            merged.notes.push(format!("the first {} bugs of each list of releases were read", READ.limit));
            merged.more = false;
        }
        merged.cut(self.window);
        Ok(merged)
    }

    /// Some accounts get an error for any severity: then everything is read, and chosen from here.
    async fn locally(&self, progress: &Progress) -> Result<Found, Error> {
        // Who wants a few is not made to wait for hundreds of pages.
        let read = Window { offset: 0, limit: if self.window.limit <= 10 { 100 } else { READ.limit } };
        let mut merged = Found::default();
        for path in self.paths {
            gather(&mut merged, page::read(self.client, &self.question(path, None), read, progress).await?);
        }
        let failed = "the service failed on a search by severity; all severities were read, and chosen from afterwards";
        merged.notes.push(failed.to_owned());
        if merged.more {
            merged.notes.push(format!("only the first {} bugs were looked through", read.limit));
        }
        let is_whole = !merged.more;
        merged.more = false;
        merge(&mut merged.rows);
        let severity = |row: &Row| row.fields.get("severity").and_then(Value::as_i64);
        merged.rows.retain(|row| severity(row).is_some_and(|severity| self.filter.severities.contains(&severity)));
        merged.total = is_whole.then(|| u64::try_from(merged.rows.len()).unwrap_or_default());
        merged.cut(self.window);
        Ok(merged)
    }

    fn question(&self, path: &str, severity: Option<i64>) -> Paged {
        paged(path.to_owned(), self.filter, severity, self.detail)
    }
}

fn gather(merged: &mut Found, found: Found) {
    merged.more |= found.more;
    merged.rows.extend(found.rows);
    merged.lost.extend(found.lost);
    merged.notes.extend(found.notes);
}

/// Each bug once, the most severe first, otherwise as they came.
pub(super) fn merge(rows: &mut Vec<Row>) {
    let mut met = std::collections::HashSet::new();
    rows.retain(|row| row.text("bug_id").is_empty() || met.insert(row.text("bug_id").to_owned()));
    crate::order::by_key(rows, |row| row.fields.get("severity").and_then(Value::as_i64).unwrap_or(i64::MAX));
}

fn paged(path: String, filter: &Filter, severity: Option<i64>, detail: Detail) -> Paged {
    let filter = filter.clone();
    let ask = move |page: u64| {
        let mut ask = Ask::get(Api::Bug, path.clone()).with("page_index", page.to_string());
        // Without it the API leaves out what was not changed for a month.
        let modified = filter.modified.unwrap_or("5");
        for (name, value) in
            [("modified_date", Some(modified)), ("status", filter.status), ("sort_by", filter.sort_by.as_deref())]
        {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                ask = ask.with(name, value);
            }
        }
        match severity {
            Some(severity) => ask.with("severity", severity.to_string()),
            None => ask,
        }
    };
    Paged { ask: Arc::new(ask), records, columns: BUG, detail, size: Some(PAGE) }
}

/// The bugs of an answer, with words for letters and the page for people.
pub(super) fn records(answer: &mut Value) -> Vec<Value> {
    let mut records = list(answer.get_mut("bugs").map(Value::take));
    for record in records.iter_mut().filter_map(Value::as_object_mut) {
        let status = match record.get("status").and_then(value::line).as_deref() {
            Some("O") => "open",
            Some("F") => "fixed",
            Some("T") => "terminated",
            _ => "",
        };
        if !status.is_empty() {
            record.insert("status".to_owned(), status.into());
        }
        if let Some(id) = record.get("bug_id").and_then(value::line).and_then(|id| path::one(&id).ok()) {
            record.insert("url".to_owned(), json!(format!("https://bst.cisco.com/bugsearch/bug/{id}")));
        }
    }
    records
}
