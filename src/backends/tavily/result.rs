//! Tavily's answers, read leniently and written lean: as a structured result and as text.
//!
//! Both are bounded. What was cut is said, with the way to get the rest. Everything that stood on a page is a stranger's
//! text, and marked as such.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::backends::json::{Block, Members, Text, Tree};
use crate::backends::{Error, Output, outside};
pub(super) use prose::{begun, ended};

mod prose;

/// Bytes of page text in one result; the answer to a question rarely needs more, and a model's memory is bounded.
pub(super) const BUDGET: usize = 60 << 10;
/// Bytes of one snippet, and of the written answer.
const SNIPPET: usize = 6 << 10;
/// Bytes of anything that is meant to be short: titles, addresses, ids.
pub(super) const SHORT: usize = 2 << 10;
/// Images of one page or one search.
const IMAGES: usize = 50;
/// Results; more than the service ever returns.
const RESULTS: usize = 50;

/// Says which host answered, where somebody wants to know.
pub(super) type Host<'a> = &'a dyn Fn() -> String;

/// What searching and reading return. Absent means absent: there are no nulls.
#[derive(Serialize, Default)]
struct Structured<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_url: Option<Text<'a>>,
    results: Vec<Entry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_offset: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed_results: Vec<Failed<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<Image<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    auto_parameters: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_time: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

/// A page.
#[derive(Serialize, Default)]
struct Entry<'a> {
    title: Text<'a>,
    url: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    published_date: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    favicon: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<Image<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_content: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_offset: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_characters: Option<usize>,
}

#[derive(Serialize)]
struct Image<'a> {
    url: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Text<'a>>,
}

#[derive(Serialize)]
struct Failed<'a> {
    url: Text<'a>,
    error: String,
}

/// What a call cost.
#[derive(Serialize)]
pub(super) struct Usage {
    pub(super) credits: f64,
}

/// The result of a search. `extract` is the name of the tool that reads whole pages.
pub(super) fn search(host: Host<'_>, fields: Members<'_>, extract: &dyn Fn() -> String) -> Result<Output, Error> {
    let mut found = read(host, fields, true)?;
    bounded(&mut found, RESULTS);
    let cut = share(&mut found.results, 0);
    if cut > 0 {
        found.notes.push(format!(
            "{cut} of the pages are cut, at `next_offset` of `total_characters`: call `{}` with that page's address \
             alone in `urls` and its `next_offset` as `offset`, or search with a smaller `max_results`",
            extract()
        ));
    }
    output(host, &found, "Results of a web search by Tavily")
}

/// The result of an extraction that begins `offset` characters into its only page.
pub(super) fn extract(host: Host<'_>, fields: Members<'_>, offset: usize) -> Result<Output, Error> {
    let mut found = read(host, fields, false)?;
    bounded(&mut found, RESULTS);
    for entry in &mut found.results {
        entry.content = None;
    }
    let total = found.results.first().and_then(|entry| entry.raw_content.as_ref()).map(|text| text.chars().count());
    if let Some(total) = total.filter(|total| offset > 0 && offset >= *total) {
        return Err(Error::Arguments(format!("`offset` is {offset}, and the page has {total} characters")));
    }
    let cut = share(&mut found.results, offset);
    if cut > 0 {
        found.notes.push(format!(
            "{cut} of the pages are cut, at `next_offset` of `total_characters`: call again with that page's address \
             alone in `urls` and its `next_offset` as `offset`, or with a `query` to get only what is about it"
        ));
    }
    output(host, &found, "Pages read by Tavily")
}

/// The pages of a site, from the one at `offset` on. `extract` is the name of the tool that reads single pages.
pub(super) fn crawl(
    host: Host<'_>,
    fields: Members<'_>,
    offset: usize,
    extract: &dyn Fn() -> String,
) -> Result<Output, Error> {
    let mut found = read(host, fields, false)?;
    for entry in &mut found.results {
        entry.content = None;
    }
    let length = |entry: &Entry<'_>| entry.raw_content.as_ref().map_or(0, |text| text.len()).saturating_add(200);
    window(&mut found, offset, length)?;
    if share(&mut found.results, 0) > 0 {
        found.notes.push(format!(
            "a page is cut, at `next_offset` of `total_characters`: call `{}` with its address alone in `urls` and \
             its `next_offset` as `offset`",
            extract()
        ));
    }
    output(host, &found, "Pages of a site read by Tavily")
}

/// What listing a site returns.
#[derive(Serialize)]
struct Listed<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    base_url: Option<Text<'a>>,
    results: Vec<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_offset: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_time: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

/// The addresses of a site, from the one at `offset` on.
pub(super) fn map(host: Host<'_>, fields: Members<'_>, offset: usize) -> Result<Output, Error> {
    let mut found = read(host, fields, false)?;
    window(&mut found, offset, |entry| entry.url.len().saturating_add(8))?;
    let mut text = begun("Addresses of a site listed by Tavily", &found.notes);
    for (index, entry) in found.results.iter().enumerate() {
        let _ = write!(text, "\n{}. ", index.saturating_add(offset).saturating_add(1));
        text.tell("", &entry.url, "");
    }
    if found.results.is_empty() {
        text.add(found.text.as_deref().unwrap_or("\nNothing was found."));
    }
    text.add("\n");
    ended(&mut text, found.request_id.as_deref(), found.usage.as_ref());
    let listed = Listed {
        base_url: found.base_url,
        results: found.results.into_iter().map(|entry| entry.url).collect(),
        next_offset: found.next_offset,
        total: found.total,
        text: found.text,
        response_time: found.response_time,
        usage: found.usage,
        request_id: found.request_id,
        notes: found.notes,
    };
    written(host, &listed, text)
}

/// Leaves out the first results, and those for which no room is left; at least one is there.
fn window(found: &mut Structured<'_>, offset: usize, length: impl Fn(&Entry<'_>) -> usize) -> Result<(), Error> {
    let total = found.results.len();
    if offset > 0 && offset >= total {
        return Err(Error::Arguments(format!("`offset` is {offset}, and there are {total} results")));
    }
    found.results.drain(..offset);
    let mut room = BUDGET;
    let fits = |entry: &&Entry<'_>| {
        let fits = length(entry) <= room;
        room = room.saturating_sub(length(entry));
        fits
    };
    let count = found.results.iter().take_while(fits).count().max(1);
    if count < found.results.len() {
        found.results.truncate(count);
        let next = offset.saturating_add(count);
        found.next_offset = Some(next);
        found.notes.push(format!(
            "results {} to {next} of {total}: call again with `offset` {next}",
            offset.saturating_add(1)
        ));
    }
    if count < total {
        found.total = Some(total);
    }
    Ok(())
}

fn read<'a>(host: Host<'_>, fields: Members<'a>, snippets: bool) -> Result<Structured<'a>, Error> {
    let (mut found, mut is_listed) = (Structured::default(), false);
    for (name, value) in fields {
        match name.as_ref() {
            "query" => found.query = as_text(value, SHORT),
            "results" => {
                is_listed = true;
                let listed = list(Some(value));
                found.results = Vec::with_capacity(listed.len());
                found.results.extend(listed.into_iter().filter_map(|value| entry(value, snippets)));
            }
            "answer" => found.answer = as_text(value, SNIPPET),
            "base_url" => found.base_url = as_text(value, SHORT),
            "failed_results" => {
                is_listed = true;
                found.failed_results = list(Some(value)).into_iter().take(RESULTS).filter_map(failed).collect();
            }
            "images" => found.images = images(Some(value)),
            "text" => found.text = as_text(value, BUDGET),
            "auto_parameters" => found.auto_parameters = chosen(value),
            "response_time" => found.response_time = number(Some(&value)),
            "usage" => found.usage = credits(&value),
            "request_id" => found.request_id = as_text(value, SHORT),
            _ => {}
        }
    }
    if !is_listed && found.text.is_none() && found.answer.is_none() {
        return Err(Error::Protocol { host: host(), cause: "an answer without results".to_owned() });
    }
    Ok(found)
}

/// What the call cost, if the service says so.
pub(super) fn cost(fields: &Members<'_>) -> Option<Usage> {
    credits(fields.get("usage")?)
}

fn credits(usage: &Tree<'_>) -> Option<Usage> {
    match usage {
        Tree::Object(usage) => number(usage.get("credits")).map(|credits| Usage { credits }),
        _ => None,
    }
}

/// Leaves out results beyond so many.
fn bounded(found: &mut Structured<'_>, most: usize) {
    if found.results.len() > most {
        found.notes.push(format!("{} further results were left out", found.results.len().saturating_sub(most)));
        found.results.truncate(most);
    }
}

pub(super) fn list(value: Option<Tree<'_>>) -> Vec<Tree<'_>> {
    match value {
        Some(Tree::List(all)) => all,
        // A single one without its list is still a result.
        Some(one @ (Tree::Object(_) | Tree::Text(_))) => vec![one],
        _ => Vec::new(),
    }
}

/// A result; `None` only if there is nothing in it.
fn entry(value: Tree<'_>, snippets: bool) -> Option<Entry<'_>> {
    let fields = match value {
        Tree::Object(fields) => fields,
        Tree::Text(_) => Members::from_iter([("url", value)]),
        _ => return None,
    };
    let mut entry = Entry { content: snippets.then(Text::default), ..Entry::default() };
    for (name, value) in fields {
        match name.as_ref() {
            "title" => entry.title = as_text(value, SHORT).unwrap_or_default(),
            "url" => entry.url = as_text(value, SHORT).unwrap_or_default(),
            "content" => entry.content = as_text(value, SNIPPET).or(snippets.then(Text::default)),
            "score" => entry.score = number(Some(&value)),
            "published_date" => entry.published_date = as_text(value, SHORT),
            "id" => entry.id = as_text(value, SHORT),
            "favicon" => entry.favicon = as_text(value, SHORT),
            "images" => entry.images = images(Some(value)),
            "raw_content" => entry.raw_content = as_text(value, usize::MAX),
            _ => {}
        }
    }
    let empty = entry.title.is_empty() && entry.url.is_empty() && entry.raw_content.is_none();
    (!empty || entry.content.as_ref().is_some_and(|content| !content.is_empty())).then_some(entry)
}

fn failed(value: Tree<'_>) -> Option<Failed<'_>> {
    let mut fields = match value {
        Tree::Object(fields) => fields,
        Tree::Text(_) => Members::from_iter([("url", value)]),
        _ => return None,
    };
    Some(Failed {
        url: text(&mut fields, "url", SHORT).unwrap_or_default(),
        error: outside::line(&text(&mut fields, "error", SHORT).unwrap_or_default(), outside::LONGEST),
    })
}

fn images(value: Option<Tree<'_>>) -> Vec<Image<'_>> {
    let image = |value| {
        let (url, description) = match value {
            Tree::Text(url) => (url, None),
            Tree::Object(mut fields) => {
                (text(&mut fields, "url", usize::MAX)?, text(&mut fields, "description", SHORT))
            }
            _ => return None,
        };
        // An image written into its own address would fill the result with digits.
        (url.len() <= SHORT && !url.starts_with("data:")).then(|| Image { url: url.clean(), description })
    };
    list(value).into_iter().filter_map(image).take(IMAGES).collect()
}

fn chosen(value: Tree<'_>) -> Map<String, Value> {
    let Tree::Object(mut fields) = value else { return Map::new() };
    let names = ["topic", "search_depth", "time_range", "start_date", "end_date", "country"];
    names
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), text(&mut fields, name, SHORT)?.into_owned().into())))
        .collect()
}

/// A member as text, cleaned, bounded to `longest` bytes; `None` if it is absent, empty or no text.
pub(super) fn text<'a>(fields: &mut Members<'a>, name: &str, longest: usize) -> Option<Text<'a>> {
    as_text(fields.take(name)?, longest)
}

/// The same of a member that was taken out.
fn as_text(value: Tree<'_>, longest: usize) -> Option<Text<'_>> {
    let mut text = match value {
        Tree::Text(text) => text.clean(),
        Tree::Number(number) => number.to_string().into(),
        _ => return None,
    };
    if text.len() > longest {
        cut(&mut text, longest);
        text = (text.into_owned() + "…").into();
    }
    (!text.is_empty()).then_some(text)
}

pub(super) fn number(value: Option<&Tree<'_>>) -> Option<f64> {
    let number = match value? {
        Tree::Number(number) => number.as_f64(),
        Tree::Text(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

/// Where a text of at most `longest` bytes ends, between two characters.
pub(super) fn end(text: &str, longest: usize) -> usize {
    (0..=longest.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default()
}

/// Shortens the text to that.
fn cut(text: &mut Text<'_>, longest: usize) {
    text.truncate(end(text, longest));
}

/// Divides the room that is left among the pages' whole texts, the short ones first; how many were cut.
fn share(entries: &mut [Entry<'_>], offset: usize) -> usize {
    let snippets: usize = entries.iter().filter_map(|entry| entry.content.as_ref()).map(|text| text.len()).sum();
    let mut room = BUDGET.saturating_sub(snippets);
    let mut pages: Vec<&mut Entry<'_>> = entries.iter_mut().filter(|entry| entry.raw_content.is_some()).collect();
    crate::order::by_key(&mut pages, |page| page.raw_content.as_ref().map_or(0, |text| text.len()));
    let mut left = pages.len();
    let mut count = 0_usize;
    for page in pages {
        let Some(text) = page.raw_content.as_mut() else { continue };
        let whole = text.len();
        if offset > 0 {
            *text = text.chars().skip(offset).collect::<String>().into();
        }
        let kept = room.checked_div(left).unwrap_or_default();
        let rest = text.chars().count();
        if text.len() > kept {
            cut(text, kept);
            page.next_offset = Some(offset.saturating_add(text.chars().count()));
            count = count.saturating_add(1);
        }
        if page.next_offset.is_some() || text.len() != whole {
            page.total_characters = Some(offset.saturating_add(rest));
        }
        room = room.saturating_sub(text.len());
        left = left.saturating_sub(1);
    }
    count
}

fn output(host: Host<'_>, found: &Structured<'_>, heading: &str) -> Result<Output, Error> {
    written(host, found, prose::readable(found, heading))
}

/// A result as fields and as text.
pub(super) fn written(host: Host<'_>, fields: &impl Serialize, text: Block) -> Result<Output, Error> {
    Output::with(text.end(), fields).ok_or_else(|| Error::unwritten(&host()))
}

#[cfg(test)]
mod tests;
