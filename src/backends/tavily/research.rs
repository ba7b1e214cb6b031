//! Research: a task that is begun once, followed or asked after, and reported.
//!
//! A task costs up to hundreds of credits. Nothing here begins it a second time, and nothing loses its id: whoever gives
//! up waiting can ask for it later. There is no request that stops a task; closing the stream of one that is followed does.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::client::{Answer, Body, Client, Endpoint, json_of};
use super::result::{self, BUDGET, SHORT, Usage};
use super::stream::{Events, Next, Report};
use super::{refusal, tool};
use crate::backends::json::{Block, Members, Text, Tree};
use crate::backends::turns::Rate;
use crate::backends::{Error, Output, Progress, Step, outside};
use crate::http::Stream;

/// So many tasks are begun at most.
const RATES: &[Rate] = &[Rate { name: "research", most: 20, within: Duration::from_secs(60) }];
/// How long a call waits where the caller does not say: many hosts give up after a minute.
const USUAL: usize = 45;
/// The waits between two questions grow from the first to the second.
const PAUSES: (Duration, Duration) = match cfg!(test) {
    true => (Duration::from_millis(5), Duration::from_millis(5)),
    false => (Duration::from_secs(2), Duration::from_secs(10)),
};
/// The longest silence of a task that is followed; minutes are normal while a report is written.
const SILENCE: Duration = Duration::from_secs(300);
/// How long a task is followed: the small model, and the others.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(5 * 60), Duration::from_secs(15 * 60));
/// The most sources of a report.
const SOURCES: usize = 200;

/// Runs a call whose arguments were checked.
pub(super) async fn run(
    client: Arc<Client>,
    mut given: Map<String, Value>,
    progress: Progress,
) -> Result<Output, Error> {
    let offset = tool::number(&mut given, "offset").unwrap_or_default();
    let wait = tool::number(&mut given, "wait").unwrap_or(USUAL);
    let wait = Duration::from_secs(u64::try_from(wait).unwrap_or_default());
    let follow = given.remove("stream").map_or(progress.is_wanted(), |stream| stream == true);
    if let Some(id) = given.get("request_id").and_then(Value::as_str) {
        if !is_id(id) {
            return Err(Error::Arguments("`request_id` is not the id of a task".to_owned()));
        }
        let remembered = (offset > 0).then(|| client.kept.same(Endpoint::Status, &named(id))).flatten();
        let fields = match remembered {
            Some(answer) => client.fields(&answer)?,
            None => waited(&client, id, wait, &progress).await?,
        };
        return reported(&client, fields, offset, None);
    }
    if !given.contains_key("input") {
        return Err(Error::Arguments("one of `input`, `request_id` is needed".to_owned()));
    }
    described(given.get("output_schema"))?;
    client.turn(RATES).await?;
    if follow && client.is_rest() {
        return followed(&client, given, wait, &progress).await;
    }
    let begun = match client.ask(Endpoint::Research, &given, progress.clone()).await {
        // The service has done nothing: it wants the same task once more, in another form.
        Err(Error::Refused { said, .. }) if said == refusal::MUST_FOLLOW => {
            return followed(&client, given, wait, &progress).await;
        }
        Ok(Answer::Failed(output)) => return Ok(output),
        Ok(Answer::Fields(answer)) => client.fields(&answer).map_err(|error| client.unclear(error))?,
        Err(error) => return Err(error),
    };
    awaited(&client, begun, wait, &progress).await
}

/// Waits for a task that was begun just now. Whatever happens to the waiting, its id reaches the caller.
async fn awaited(
    client: &Client,
    begun: Map<String, Value>,
    wait: Duration,
    progress: &Progress,
) -> Result<Output, Error> {
    let id = begun.get("request_id").and_then(Value::as_str).filter(|id| is_id(id)).map(str::to_owned);
    let (Some(id), true) = (id, is_running(&begun) && !wait.is_zero()) else {
        return reported(client, begun, 0, None);
    };
    match waited(client, &id, wait, progress).await {
        Ok(fields) => reported(client, fields, 0, None),
        Err(error) => reported(client, begun, 0, Some(&error)),
    }
}

/// Asks after a task until it has ended or the wait is over; what was said last.
async fn waited(client: &Client, id: &str, wait: Duration, progress: &Progress) -> Result<Map<String, Value>, Error> {
    let until = Instant::now().checked_add(wait);
    let (mut pause, longest) = PAUSES;
    let mut asked = 0_u32;
    loop {
        let fields = status(client, id).await?;
        let over = until.is_none_or(|until| Instant::now().checked_add(pause).is_none_or(|next| next > until));
        if !is_running(&fields) || over {
            return Ok(fields);
        }
        asked = asked.saturating_add(1);
        let message = Some("the report is not written yet".to_owned());
        progress.report(Step { done: f64::from(asked), total: None, message });
        tokio::time::sleep(pause).await;
        pause = longest.min(pause.saturating_mul(3) / 2);
    }
}

/// What a task has come to. Costs nothing.
async fn status(client: &Client, id: &str) -> Result<Map<String, Value>, Error> {
    let mut fields = if client.is_rest() {
        client.get(&["research", id], Some("include_usage=true")).await?
    } else {
        match client.ask(Endpoint::Status, &named(id), Progress::default()).await? {
            Answer::Fields(answer) => client.fields(&answer)?,
            Answer::Failed(output) => {
                let said = outside::said(output.content.get().as_bytes());
                return Err(Error::Refused { host: client.host(), code: 404, said });
            }
        }
    };
    fields.entry("request_id").or_insert_with(|| id.into());
    client.kept.keep(Endpoint::Status, &named(id), &Body::new(json_of(&fields)));
    Ok(fields)
}

fn named(id: &str) -> Map<String, Value> {
    Map::from_iter([("request_id".to_owned(), id.into())])
}

/// An id becomes part of an address.
fn is_id(id: &str) -> bool {
    (1..=100).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn is_running(fields: &Map<String, Value>) -> bool {
    matches!(fields.get("status").and_then(Value::as_str), Some("pending" | "in_progress"))
}

/// The service refuses a form whose parts are not described, after the task was counted.
fn described(form: Option<&Value>) -> Result<(), Error> {
    let Some(form) = form else { return Ok(()) };
    let Some(properties) = form.get("properties").and_then(Value::as_object).filter(|all| !all.is_empty()) else {
        return Err(Error::Arguments("`output_schema` has no `properties`".to_owned()));
    };
    let bare = properties.iter().find(|(_, property)| {
        let has = |name: &str| property.get(name).and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty());
        !has("description") || !has("type")
    });
    match bare {
        Some((name, _)) => Err(Error::Arguments(format!(
            "`{}` in `output_schema` needs a `type` and a `description`",
            outside::line(name, 40)
        ))),
        None => Ok(()),
    }
}

/// Begins a task and follows it to its end. Dropping this closes the stream, which stops the task.
async fn followed(
    client: &Client,
    mut given: Map<String, Value>,
    wait: Duration,
    progress: &Progress,
) -> Result<Output, Error> {
    let patience = if given.get("model") == Some(&"mini".into()) { PATIENCE.0 } else { PATIENCE.1 };
    given.insert("stream".to_owned(), true.into());
    let stream = client.follow(&given).await?;
    let header = |name: &str| stream.headers.get(name).and_then(|value| value.to_str().ok());
    let id = header("x-request-id").filter(|id| is_id(id)).map(str::to_owned);
    if !header(CONTENT_TYPE.as_str()).is_some_and(|media| media.starts_with("text/event-stream")) {
        return awaited(client, client.begun(stream).await?, wait, progress).await;
    }
    let outcome = tokio::time::timeout(patience, read(stream, id.as_deref(), progress)).await;
    let lost = |why: String| {
        let later = id.as_ref().map(|id| format!("; a call with `request_id` `{id}` may find it")).unwrap_or_default();
        Err(Error::MaybeDone { host: client.host(), cause: format!("{why} before the report was whole{later}") })
    };
    match outcome {
        Ok(Ok(fields)) => {
            if let Some(id) = &id {
                client.kept.keep(Endpoint::Status, &named(id), &Body::new(json_of(&fields)));
            }
            reported(client, fields, 0, None)
        }
        Ok(Err(why)) => lost(why),
        Err(_) => lost(format!("{} s were over", patience.as_secs())),
    }
}

/// Reads a followed task to its end; otherwise why it broke off.
async fn read(mut stream: Stream, id: Option<&str>, progress: &Progress) -> Result<Map<String, Value>, String> {
    let (mut events, mut report) = (Events::default(), Report::default());
    loop {
        let piece = tokio::time::timeout(SILENCE, stream.next()).await;
        let piece = piece.map_err(|_| format!("nothing came for {} s", SILENCE.as_secs()))?;
        let piece = piece.map_err(|error| error.to_string())?;
        let large = |_| "more came than fits".to_owned();
        let (found, ended) = match &piece {
            Some(piece) => (events.feed(piece).map_err(large)?, false),
            None => (events.finish().into_iter().collect(), true),
        };
        for event in found {
            match report.take(&event, progress).map_err(large)? {
                Next::More => {}
                Next::Done => return Ok(report.fields(id)),
                Next::Failed(said) => {
                    let mut fields = id.map(named).unwrap_or_default();
                    fields.insert("status".to_owned(), "failed".into());
                    fields.insert("error".to_owned(), said.into());
                    return Ok(fields);
                }
            }
        }
        if ended {
            return Err("the stream ended".to_owned());
        }
    }
}

/// What the tool returns. Absent means absent: there are no nulls.
#[derive(Serialize)]
struct Shown {
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sources: Vec<Source>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_offset: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_characters: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_time: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Source {
    title: String,
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    favicon: Option<String>,
}

/// What a task has come to, from the character at `offset` of its report on.
fn reported(
    client: &Client,
    mut fields: Map<String, Value>,
    offset: usize,
    trouble: Option<&Error>,
) -> Result<Output, Error> {
    let host = || client.host();
    let (mut content, mut output) = content_of(fields.remove("content"));
    let mut fields = Members::from_iter(fields);
    // The remote server answers some calls with the report alone.
    let alone = text(&mut fields, "text", usize::MAX);
    content = content.or(alone);
    let status = text(&mut fields, "status", SHORT);
    let status = status.or_else(|| content.as_ref().map(|_| "completed".to_owned()));
    let Some(status) = status else {
        return Err(Error::Protocol { host: host(), cause: "an answer without a status".to_owned() });
    };
    let request_id = text(&mut fields, "request_id", SHORT);
    let mut notes: Vec<String> =
        trouble.map(|error| format!("it could not be asked after: {error}")).into_iter().collect();
    let error = text(&mut fields, "error", SHORT);
    notes.extend(error.map(|said| format!("the service says: {}", outside::line(&said, outside::LONGEST))));
    let again = request_id.as_ref().map(|id| format!("call `{}` with `request_id` `{id}`", client.tool("research")));
    if matches!(status.as_str(), "pending" | "in_progress") {
        notes.extend(
            again.as_ref().map(|again| format!("the task still runs and is paid for: {again} to get its report")),
        );
    }
    let total = content.as_ref().map_or(0, |content| content.chars().count());
    if offset > 0 && offset >= total {
        return Err(Error::Arguments(format!("`offset` is {offset}, and the report has {total} characters")));
    }
    let next_offset = content.as_mut().and_then(|content| cut(content, offset));
    if let Some(next) = next_offset {
        let again =
            again.map_or_else(|| "it cannot be read on".to_owned(), |again| format!("{again} and `offset` {next}"));
        notes.push(format!("the report is cut at {next} of {total} characters: {again}"));
    }
    if next_offset.is_some() || offset > 0 {
        output = None;
    }
    let shown = Shown {
        content,
        output,
        sources: sources(fields.take("sources")),
        total_characters: (next_offset.is_some() || offset > 0).then_some(total),
        next_offset,
        created_at: text(&mut fields, "created_at", SHORT),
        completed_at: text(&mut fields, "completed_at", SHORT),
        model: text(&mut fields, "model", SHORT),
        response_time: result::number(fields.get("response_time")),
        usage: result::cost(&fields),
        request_id,
        notes,
        status,
    };
    let failed = shown.status == "failed";
    Ok(Output { failed, ..result::written(&host, &shown, readable(&shown))? })
}

/// A member as text (see [`result::text`]).
fn text(fields: &mut Members<'_>, name: &str, longest: usize) -> Option<String> {
    result::text(fields, name, longest).map(Text::into_owned)
}

/// The report as text, and as an object where it is one.
fn content_of(content: Option<Value>) -> (Option<String>, Option<Value>) {
    match content {
        Some(Value::String(report)) if !report.is_empty() => (Some(outside::clean(report)), None),
        Some(object @ (Value::Object(_) | Value::Array(_))) => {
            let object = outside::cleaned(object);
            (Some(object.to_string()), Some(object).filter(Value::is_object))
        }
        _ => (None, None),
    }
}

/// Leaves the part of a text that begins at the character `offset`; where it goes on, if it does.
fn cut(content: &mut String, offset: usize) -> Option<usize> {
    if offset > 0 {
        *content = content.chars().skip(offset).collect();
    }
    (content.len() > BUDGET).then(|| {
        content.truncate(result::end(content, BUDGET));
        offset.saturating_add(content.chars().count())
    })
}

fn sources(value: Option<Tree<'_>>) -> Vec<Source> {
    let source = |value| match value {
        Tree::Object(mut fields) => Some(Source {
            title: text(&mut fields, "title", SHORT).unwrap_or_default(),
            url: text(&mut fields, "url", SHORT)?,
            favicon: text(&mut fields, "favicon", SHORT),
        }),
        Tree::Text(url) => Some(Source { title: String::new(), url: outside::line(&url, SHORT), favicon: None }),
        _ => None,
    };
    result::list(value).into_iter().filter_map(source).take(SOURCES).collect()
}

fn readable(shown: &Shown) -> Block {
    let mut text = result::begun("Research by Tavily", &shown.notes);
    // Writing to a string cannot fail.
    let _ = writeln!(text, "Status: {}", outside::line(&shown.status, 40));
    if let Some(content) = &shown.content {
        let _ = writeln!(text, "\n{content}");
    }
    for (index, source) in shown.sources.iter().enumerate() {
        let head = if index == 0 { "\nSources:\n" } else { "" };
        let number = index.saturating_add(1);
        let _ = writeln!(text, "{head}[{number}] {} {}", outside::line(&source.title, SHORT), source.url);
    }
    result::ended(&mut text, shown.request_id.as_deref(), shown.usage.as_ref());
    text
}
