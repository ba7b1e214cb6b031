//! A report as it is written: events of a stream, read piece by piece (WHATWG HTML §9.2.6), and what is in them.

use serde_json::{Map, Value};

use super::result;
use crate::backends::json::Tree;
use crate::backends::{Progress, Step, outside};

/// The largest event, and the longest report.
const LARGEST: usize = 2 << 20;
/// Characters of one step of progress.
const MESSAGE: usize = 2_000;

/// Reads events.
#[derive(Default)]
pub(super) struct Events {
    /// The unfinished line.
    line: Vec<u8>,
    /// The unfinished event.
    event: Event,
}

/// An event: its type, empty for the usual one, and its data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    kind: String,
    data: Vec<u8>,
}

/// It is larger than any report.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

impl Events {
    /// Takes the next piece; the events that it completes.
    pub(super) fn feed(&mut self, piece: &[u8]) -> Result<Vec<Event>, TooLarge> {
        let mut found = Vec::new();
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            if self.line.len().saturating_add(self.event.data.len()).saturating_add(part.len()) > LARGEST {
                return Err(TooLarge);
            }
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                found.extend(self.end_line());
            }
        }
        Ok(found)
    }

    /// The event that the end of the stream cut short of its blank line: the service closes without one.
    pub(super) fn finish(&mut self) -> Option<Event> {
        let last = self.end_line();
        last.or_else(|| self.end_line())
    }

    fn end_line(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return (event != Event::default()).then_some(event);
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"event" => self.event.kind = String::from_utf8_lossy(value).into_owned(),
            b"data" => {
                if !self.event.data.is_empty() {
                    self.event.data.push(b'\n');
                }
                self.event.data.extend_from_slice(value);
            }
            // A comment keeps the line open; other fields have no meaning here.
            _ => {}
        }
        None
    }
}

/// What has arrived of a report.
#[derive(Default)]
pub(super) struct Report {
    text: String,
    /// The answer as an object, where a form was asked for.
    object: Option<Value>,
    sources: Vec<Value>,
    model: Option<Value>,
    steps: u32,
}

/// How an event leaves the stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    More,
    Done,
    /// The task failed, in the service's words.
    Failed(String),
}

impl Report {
    /// Takes an event, and tells the caller what it brings.
    pub(super) fn take(&mut self, event: &Event, progress: &Progress) -> Result<Next, TooLarge> {
        match event.kind.as_str() {
            "done" => return Ok(Next::Done),
            "error" => return Ok(Next::Failed(outside::said(&event.data))),
            _ if event.data == b"[DONE]" => return Ok(Next::Done),
            _ => {}
        }
        // What is no JSON is no part of the report.
        let Ok(Value::Object(mut chunk)) = serde_json::from_slice(&event.data) else { return Ok(Next::More) };
        if chunk.get("object").and_then(Value::as_str) == Some("error") {
            return Ok(Next::Failed(outside::said(&event.data)));
        }
        if let Some(model) = chunk.remove("model") {
            self.model = Some(model);
        }
        let delta = chunk.get_mut("choices").and_then(|choices| choices.get_mut(0)?.get_mut("delta")).map(Value::take);
        let Some(Value::Object(mut delta)) = delta else { return Ok(Next::More) };
        if let Some(calls) = delta.get("tool_calls") {
            calls_of(calls).into_iter().for_each(|words| self.tell(words, progress));
        }
        match delta.remove("content") {
            Some(Value::String(piece)) if !piece.is_empty() => {
                if self.text.len().saturating_add(piece.len()) > LARGEST {
                    return Err(TooLarge);
                }
                self.text.push_str(&piece);
                self.tell(outside::clean(piece).chars().take(MESSAGE).collect(), progress);
            }
            Some(object @ Value::Object(_)) => self.object = Some(object),
            _ => {}
        }
        if let Some(Value::Array(sources)) = delta.remove("sources") {
            self.sources = sources;
        }
        Ok(Next::More)
    }

    /// The whole answer, as a finished task has it.
    pub(super) fn fields(self, request_id: Option<&str>) -> Map<String, Value> {
        let mut fields = Map::new();
        fields.insert("status".to_owned(), "completed".into());
        fields.insert("content".to_owned(), self.object.unwrap_or(Value::String(self.text)));
        fields.insert("sources".to_owned(), self.sources.into());
        fields.extend(self.model.map(|model| ("model".to_owned(), model)));
        fields.extend(request_id.map(|id| ("request_id".to_owned(), id.into())));
        fields
    }

    fn tell(&mut self, message: String, progress: &Progress) {
        self.steps = self.steps.saturating_add(1);
        progress.report(Step { done: f64::from(self.steps), total: None, message: Some(message) });
    }
}

/// What the service is doing, in one line for each thing.
fn calls_of(calls: &Value) -> Vec<String> {
    let list = |name: &str| calls.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text = |call: &Value, name: &str| call.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let line = |call: &Value| outside::line(&format!("{}: {}", text(call, "name"), text(call, "arguments")), MESSAGE);
    let asked = list("tool_call").iter().map(|call| {
        let queries = result::list(call.get("queries").cloned().map(Tree::from));
        let queries: Vec<&str> = queries.iter().filter_map(Tree::text).collect();
        match queries.is_empty() {
            true => line(call),
            false => outside::line(&format!("{} ({})", line(call), queries.join("; ")), MESSAGE),
        }
    });
    let answered = list("tool_response").iter().map(|call| {
        let sources = call.get("sources").and_then(Value::as_array).map_or(0, Vec::len);
        outside::line(&format!("{} ({sources} sources)", line(call)), MESSAGE)
    });
    asked.chain(answered).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use proptest::prelude::*;

    use super::*;

    const WHOLE: &str = ": hello\r\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"One \"}}],\"model\":\"mini\"}\r\n\r\n\
        data: {\"choices\":[{\"delta\":{\"tool_calls\":{\"type\":\"tool_call\",\"tool_call\":[{\"name\":\"WebSearch\",\"id\":\"1\",\"arguments\":\"Searching\",\"queries\":[\"a\",\"b\"]}]}}}]}\n\n\
        data: {\"choices\":[{\"delta\":{\"content\":\"two.\"}}]}\n\n\
        data: {\"choices\":[{\"delta\":{\"sources\":[{\"url\":\"https://a\"}]}}]}\n\nevent: done\ndata: {}";

    fn read(pieces: &[&[u8]]) -> (Map<String, Value>, Vec<String>, Next) {
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&told);
        let progress = Progress::to(move |step| heard.lock().expect("a lock").push(step.message.expect("words")));
        let (mut events, mut report, mut next) = (Events::default(), Report::default(), Next::More);
        let mut found: Vec<Event> = pieces.iter().flat_map(|piece| events.feed(piece).expect("small")).collect();
        found.extend(events.finish());
        for event in found {
            next = report.take(&event, &progress).expect("small");
        }
        let told = told.lock().expect("a lock").clone();
        (report.fields(Some("id")), told, next)
    }

    proptest! {
        #[test]
        fn a_report_is_the_same_wherever_it_is_split(at in 0..WHOLE.len(), another in 0..WHOLE.len()) {
            let (one, other) = (at.min(another), at.max(another));
            let bytes = WHOLE.as_bytes();
            let (fields, told, next) = read(&[&bytes[..one], &bytes[one..other], &bytes[other..]]);
            let expected = serde_json::json!({
                "status": "completed", "content": "One two.", "sources": [{"url": "https://a"}], "model": "mini",
                "request_id": "id",
            });
            prop_assert_eq!(Value::Object(fields), expected);
            prop_assert_eq!(told, ["One ", "WebSearch: Searching (a; b)", "two."]);
            prop_assert_eq!(next, Next::Done);
        }
    }

    #[test]
    fn a_failure_is_told_in_the_services_words() {
        let (_, _, next) =
            read(&[b"event: error\ndata: {\"id\":\"1\",\"object\":\"error\",\"error\":\"too\\u001b[2J hard\"}\n\n"]);
        assert_eq!(next, Next::Failed("too [2J hard".to_owned()));
    }

    #[test]
    fn nothing_grows_without_end() {
        let mut events = Events::default();
        assert!(events.feed(&vec![b'x'; LARGEST]).is_ok());
        assert_eq!(events.feed(b"x"), Err(TooLarge));
    }
}
