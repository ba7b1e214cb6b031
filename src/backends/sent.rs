//! What was attached to a connection's requests. Some services repeat it in what they answer, and it must reach neither a
//! person's terminal nor a model.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::host::{Entry, Host, Link, Question, Takes, Unanswered};
use super::prompt::{Writer, Written};
use super::resource::{Contents, Reader};
use super::{
    Boxed, Call, Completion, Error, Handler, Json, Output, Partial, Progress, Prompt, Resource, Step, StepUp, Tool,
};
use crate::secret::Secret;

/// Remembers the last tokens and keys of a connection. Clones share them.
#[derive(Clone, Default)]
pub struct Sent(Arc<Mutex<VecDeque<Secret>>>);

/// How many are remembered: a request may carry several, and calls that are under way may have been sent with older ones.
const REMEMBERED: usize = 32;

impl Sent {
    /// Takes note of a header's value.
    pub(super) fn note(&self, value: &str) {
        self.note_whole(value.rsplit(' ').next().unwrap_or_default());
    }

    /// Takes note of a secret that may have blanks in it, as passwords do, or characters that JSON writes in another way.
    pub(super) fn note_whole(&self, secret: &str) {
        // The whole comes last, and so is looked for first.
        if secret.contains(['"', '\\']) {
            let json = Zeroizing::new(serde_json::to_string(secret).unwrap_or_default());
            self.remember(json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or_default());
        }
        self.remember(secret);
    }

    fn remember(&self, secret: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What is used again is not the oldest any more: all that one request carries is remembered together.
        let known = all.iter().position(|known| known.matches(secret)).and_then(|at| all.remove(at));
        all.truncate(REMEMBERED - 1);
        all.push_front(known.unwrap_or_else(|| Secret::new(secret)));
    }

    /// Takes note of the value of a secret header, which may be `Bearer …`.
    pub(super) fn note_value(&self, value: &str) {
        self.note_whole(value.rsplit(' ').next().unwrap_or_default());
        self.note_whole(value);
    }

    /// The text without any of them; `None` if none is in it.
    fn hidden_in(&self, text: &str) -> Option<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter()
            .fold(None, |found: Option<String>, secret| secret.hidden_in(found.as_deref().unwrap_or(text)).or(found))
    }

    /// Takes them out of a text.
    pub(super) fn hide(&self, text: &mut String) {
        if let Some(without) = self.hidden_in(text) {
            *text = without;
        }
    }

    /// JSON that a service wrote, without any of them. Some writers escape characters that need it not, and a token may
    /// have them (`/`, `+`, `=`): where such an escape is, the texts are looked at as they are meant.
    pub(super) fn out_of_json(&self, json: Box<RawValue>) -> Box<RawValue> {
        self.without(json.get()).unwrap_or(json)
    }

    /// The same of a result.
    fn out_of_result(&self, json: Json) -> Json {
        self.without(json.get()).map_or(json, Json::from)
    }

    /// The same; `None` if none is in it.
    fn without(&self, json: &str) -> Option<Box<RawValue>> {
        let (found, is_broken) = match self.hidden_in(json).map(RawValue::from_string) {
            None => (None, false),
            Some(Ok(found)) => (Some(found), false),
            // It stood outside of texts: a number that is somebody's password, or a word of JSON's own.
            Some(Err(_)) => (None, true),
        };
        let json = found.as_deref().map_or(json, RawValue::get);
        let escapes = |text: &str| {
            memchr::memchr_iter(b'\\', text.as_bytes()).any(|at| {
                text.as_bytes().get(at..).is_some_and(|rest| rest.starts_with(b"\\/") || rest.starts_with(b"\\u00"))
            })
        };
        let meant = (is_broken || escapes(json)).then(|| serde_json::from_str::<Value>(json).ok()).flatten();
        match meant.and_then(|mut meant| self.hide_below(&mut meant).then_some(meant)) {
            Some(meant) => Some(to_raw_value(&meant).unwrap_or_else(|_| RawValue::NULL.to_owned())),
            None => found.or_else(|| is_broken.then(|| RawValue::NULL.to_owned())),
        }
    }

    /// Takes them out of every text of a value; whether one was in it.
    fn hide_below(&self, value: &mut Value) -> bool {
        match value {
            Value::String(text) => match self.hidden_in(text) {
                Some(without) => {
                    *text = without;
                    true
                }
                None => false,
            },
            Value::Array(all) => {
                let mut found = false;
                for one in all {
                    found |= self.hide_below(one);
                }
                found
            }
            Value::Object(members) => {
                let mut found = false;
                for one in members.values_mut() {
                    found |= self.hide_below(one);
                }
                let names: Vec<String> =
                    members.keys().filter(|name| self.hidden_in(name).is_some()).cloned().collect();
                for name in names {
                    found = true;
                    if let (Some(value), Some(without)) = (members.remove(&name), self.hidden_in(&name)) {
                        members.insert(without, value);
                    }
                }
                found
            }
            Value::Number(number) => match self.hidden_in(&number.to_string()) {
                Some(without) => {
                    *value = Value::String(without);
                    true
                }
                None => false,
            },
            Value::Null | Value::Bool(_) => false,
        }
    }

    /// An error without any of them.
    pub(super) fn out_of(&self, mut error: Error) -> Error {
        match &mut error {
            Error::StepUp { wanted: StepUp::Scopes { scopes: words }, said, .. }
            | Error::StepUp { wanted: StepUp::Person { acr_values: words, .. }, said, .. } => {
                words.iter_mut().chain([said]).for_each(|text| self.hide(text));
            }
            Error::Rejected { said: text, .. }
            | Error::Forbidden { said: text, .. }
            | Error::Limited { said: text, .. }
            | Error::Refused { said: text, .. }
            | Error::Server { said: text, .. }
            | Error::MaybeDone { cause: text, .. }
            | Error::Protocol { cause: text, .. } => self.hide(text),
            Error::Unconfirmed { question: text } => self.hide(text),
            Error::Arguments(_) | Error::Credential(_) | Error::File { .. } | Error::Network(_) => {}
        }
        error
    }

    /// The tool, whose answers have lost them.
    pub(super) fn out_of_tool(&self, tool: Tool) -> Tool {
        Tool { handler: Arc::new(Quiet { sent: self.clone(), handler: tool.handler }), ..tool }
    }

    /// The resource, whose contents have lost them.
    pub(super) fn out_of_resource(&self, resource: Resource) -> Resource {
        Resource { reader: self.out_of_reader(resource.reader), ..resource }
    }

    /// The reader, whose contents have lost them.
    pub(super) fn out_of_reader(&self, reader: Arc<dyn Reader>) -> Arc<dyn Reader> {
        Arc::new(Quiet { sent: self.clone(), handler: reader })
    }

    /// The prompt, whose messages have lost them.
    pub(super) fn out_of_prompt(&self, prompt: Prompt) -> Prompt {
        Prompt { writer: Arc::new(Quiet { sent: self.clone(), handler: prompt.writer }), ..prompt }
    }

    /// The host, which is told nothing of them.
    fn out_of_host(&self, host: Host) -> Host {
        match host.is_there() {
            true => Host::by(Quiet { sent: self.clone(), handler: Arc::new(host) }),
            false => host,
        }
    }

    /// What comes of a request, without any of them.
    fn out_of_answer<T: Send + 'static>(
        &self,
        answer: Boxed<'static, Result<T, Error>>,
        quiet: impl FnOnce(&Self, T) -> T + Send + 'static,
    ) -> Boxed<'static, Result<T, Error>> {
        let sent = self.clone();
        Box::pin(async move {
            match answer.await {
                Ok(answer) => Ok(quiet(&sent, answer)),
                Err(error) => Err(sent.out_of(error)),
            }
        })
    }

    fn out_of_completion(&self, mut completion: Completion) -> Completion {
        completion.values.iter_mut().for_each(|value| self.hide(value));
        completion
    }
}

/// A handler, a reader or a writer whose answers lose what was sent, and a host that is not told of it.
struct Quiet<T: ?Sized> {
    sent: Sent,
    handler: Arc<T>,
}

impl Reader for Quiet<dyn Reader> {
    fn read(&self, which: String, host: Host) -> Boxed<'static, Result<Contents, Error>> {
        let contents = self.handler.read(which, self.sent.out_of_host(host));
        self.sent.out_of_answer(contents, |sent, contents| match contents {
            Contents::Text(mut text) => {
                sent.hide(&mut text);
                Contents::Text(text)
            }
            Contents::Received(contents) => Contents::Received(sent.out_of_json(contents)),
        })
    }

    fn complete(&self, partial: Partial) -> Boxed<'static, Result<Completion, Error>> {
        self.sent.out_of_answer(self.handler.complete(partial), Sent::out_of_completion)
    }
}

impl Writer for Quiet<dyn Writer> {
    fn write(&self, filled: Map<String, Value>, host: Host) -> Boxed<'static, Result<Written, Error>> {
        let written = self.handler.write(filled, self.sent.out_of_host(host));
        self.sent.out_of_answer(written, |sent, Written { mut description, messages }| {
            description.iter_mut().for_each(|text| sent.hide(text));
            Written { description, messages: sent.out_of_json(messages) }
        })
    }

    fn complete(&self, partial: Partial) -> Boxed<'static, Result<Completion, Error>> {
        self.sent.out_of_answer(self.handler.complete(partial), Sent::out_of_completion)
    }
}

impl Link for Quiet<Host> {
    fn takes(&self) -> Takes {
        self.handler.takes()
    }

    fn ask(&self, question: Question, patience: Duration) -> Boxed<'static, Result<Box<RawValue>, Unanswered>> {
        let question = Question { params: self.sent.out_of_json(question.params), ..question };
        let host = Arc::clone(&self.handler);
        Box::pin(async move { host.ask(question, patience).await })
    }

    fn level(&self) -> Option<&'static str> {
        self.handler.level()
    }

    fn log(&self, mut entry: Entry) {
        entry.logger.iter_mut().for_each(|logger| self.sent.hide(logger));
        self.handler.log(Entry { data: self.sent.out_of_json(entry.data), ..entry });
    }

    fn completed(&self, id: &str) {
        let mut id = id.to_owned();
        self.sent.hide(&mut id);
        self.handler.completed(&id);
    }
}

impl Handler for Quiet<dyn Handler> {
    fn call(&self, call: Call) -> Boxed<'static, Result<Output, Error>> {
        let sent = self.sent.clone();
        let Call { arguments, progress, agreed, host } = call;
        let progress = match progress.is_wanted() {
            true => Progress::to({
                let sent = sent.clone();
                move |mut step: Step| {
                    step.message.iter_mut().for_each(|message| sent.hide(message));
                    progress.report(step);
                }
            }),
            false => progress,
        };
        let host = sent.out_of_host(host);
        let answer = self.handler.call(Call { arguments, progress, agreed, host });
        sent.out_of_answer(answer, |sent, Output { content, structured, failed }| Output {
            content: sent.out_of_result(content),
            structured: structured.map(|structured| sent.out_of_result(structured)),
            failed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_are_remembered_once_each() {
        let sent = Sent::default();
        for number in (10..12).chain(10..12 + REMEMBERED) {
            sent.note(&format!("Bearer canary-{number}"));
        }
        assert_eq!(sent.hidden_in("canary-10 canary-11"), None);
        let text = "canary-12 canary-13, canary-14 and canary-15";
        assert_eq!(sent.hidden_in(text).as_deref(), Some("[secret] [secret], [secret] and [secret]"));
    }

    #[test]
    fn what_is_sent_again_and_again_is_not_forgotten_for_newer_ones() {
        let sent = Sent::default();
        for number in 10..12 + REMEMBERED {
            sent.note_value("header-canary");
            sent.note(&format!("Bearer token-{number}"));
        }
        assert_eq!(sent.hidden_in("header-canary").as_deref(), Some("[secret]"));
    }

    #[test]
    fn the_value_of_a_header_is_hidden_in_every_form_in_which_it_comes_back() {
        let sent = Sent::default();
        sent.note_value(r#"Key canary"7\x"#);
        for (text, expected) in [
            (r#"got Key canary"7\x"#, "got [secret]"),
            (r#"got canary"7\x alone"#, "got [secret] alone"),
            (r#"{"got":"Key canary\"7\\x"}"#, r#"{"got":"[secret]"}"#),
            (r#"{"got":"canary\"7\\x"}"#, r#"{"got":"[secret]"}"#),
        ] {
            assert_eq!(sent.hidden_in(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_password_is_hidden_with_the_blanks_that_are_in_it() {
        let sent = Sent::default();
        sent.note_whole("canary horse 7");
        assert_eq!(sent.hidden_in("no canary horse 7 here").as_deref(), Some("no [secret] here"));
        sent.note_whole(r#"ca"na\ry"#);
        assert_eq!(sent.hidden_in(r#"{"a":"ca\"na\\ry"}"#).as_deref(), Some(r#"{"a":"[secret]"}"#));
    }

    #[test]
    fn a_password_that_is_a_number_is_hidden_where_it_is_one_and_where_it_is_none() {
        let sent = Sent::default();
        sent.note_whole("20250101");
        let json = |text: &str| RawValue::from_string(text.to_owned()).expect("JSON");
        for (given, expected) in [
            (r#"{"n":"x 20250101","size":20250101}"#, r#"{"n":"x [secret]","size":"[secret]"}"#),
            (r#"{"n":"x 20250101","size":7}"#, r#"{"n":"x [secret]","size":7}"#),
            (r#"[1.20250101]"#, r#"["1.[secret]"]"#),
        ] {
            assert_eq!(sent.out_of_json(json(given)).get(), expected, "{given}");
        }
        // What cannot be read to take it out is not shown.
        let deep = format!("{}20250101{}", "[".repeat(200), "]".repeat(200));
        assert_eq!(sent.out_of_json(json(&deep)).get(), "null");
    }

    #[test]
    fn an_error_and_a_result_lose_what_was_sent() {
        let sent = Sent::default();
        sent.note("Bearer canary-token");
        let host = || "box.example".to_owned();
        let said = || "the token canary-token is over".to_owned();
        let scopes = vec!["canary-token".to_owned()];
        for error in [
            Error::Rejected { host: host(), said: said() },
            Error::Forbidden { host: host(), said: said() },
            Error::StepUp { host: host(), wanted: StepUp::Scopes { scopes: scopes.clone() }, said: said() },
            Error::StepUp {
                host: host(),
                wanted: StepUp::Person { acr_values: scopes.clone(), max_age: None },
                said: said(),
            },
            Error::Limited { host: host(), said: said(), retry_after: None },
            Error::Refused { host: host(), code: 400, said: said() },
            Error::Server { host: host(), status: 500, said: said() },
            Error::MaybeDone { host: host(), cause: said() },
            Error::Protocol { host: host(), cause: said() },
        ] {
            let error = format!("{:?}", sent.out_of(error));
            assert!(!error.contains("canary") && error.contains("the token [secret] is over"), "{error}");
        }
        let raw = RawValue::from_string(r#"[{"type":"text","text":"Bearer canary-token"}]"#.to_owned()).expect("JSON");
        assert_eq!(sent.out_of_json(raw).get(), r#"[{"type":"text","text":"Bearer [secret]"}]"#);
    }

    #[test]
    fn a_token_is_found_however_json_writes_its_characters() {
        let sent = Sent::default();
        sent.note("Bearer can/ary+token=");
        for (json, expected) in [
            (r#"["x can\/ary+token= y"]"#, r#"["x [secret] y"]"#),
            (r#"{"a":["can/ary\u002btoken\u003D"]}"#, r#"{"a":["[secret]"]}"#),
            (r#"{"can\/ary+token=":1}"#, r#"{"[secret]":1}"#),
            (r#"{"a": "no \/ secret", "n": 1.0}"#, r#"{"a": "no \/ secret", "n": 1.0}"#),
        ] {
            let raw = RawValue::from_string(json.to_owned()).expect("JSON");
            assert_eq!(sent.out_of_json(raw).get(), expected);
        }
    }

    #[tokio::test]
    async fn a_resource_loses_what_was_sent_while_it_was_read() {
        struct Repeats(Sent);
        impl Reader for Repeats {
            fn read(&self, which: String, _: Host) -> Boxed<'static, Result<Contents, Error>> {
                self.0.note("Bearer canary-token");
                let said = "the token canary-token".to_owned();
                let error = || Error::Server { host: "box.example".to_owned(), status: 500, said: said.clone() };
                let answer =
                    if which.is_empty() { Err(error()) } else { Ok(Contents::Text(format!("{said} {which}"))) };
                Box::pin(async { answer })
            }
        }
        let sent = Sent::default();
        let resource = sent.out_of_resource(Resource {
            uri: "keyward://box/a".to_owned(),
            form: crate::backends::resource::Form::Single,
            name: "a".into(),
            title: "a".into(),
            description: "a".into(),
            media_type: "text/plain".into(),
            more: Map::new(),
            toolset: None,
            reader: Arc::new(Repeats(sent.clone())),
        });
        let Ok(Contents::Text(text)) = resource.reader.read("b".to_owned(), Host::default()).await else {
            panic!("a text")
        };
        assert_eq!(text, "the token [secret] b");
        let error = format!("{:?}", resource.reader.read(String::new(), Host::default()).await.expect_err("a failure"));
        assert!(!error.contains("canary") && error.contains("[secret]"), "{error}");
    }

    #[tokio::test]
    async fn a_prompt_and_what_the_host_is_told_lose_what_was_sent() {
        #[derive(Default)]
        struct Ears(Mutex<Vec<String>>);
        impl Link for Arc<Ears> {
            fn takes(&self) -> Takes {
                Takes { form: true, ..Takes::default() }
            }
            fn ask(&self, question: Question, _: Duration) -> Boxed<'static, Result<Box<RawValue>, Unanswered>> {
                self.0.lock().expect("no panic").push(question.params.get().to_owned());
                Box::pin(async { Err(Unanswered::cannot()) })
            }
            fn level(&self) -> Option<&'static str> {
                Some("info")
            }
            fn log(&self, entry: Entry) {
                self.0.lock().expect("no panic").push(format!("{entry:?}"));
            }
            fn completed(&self, id: &str) {
                self.0.lock().expect("no panic").push(id.to_owned());
            }
        }
        struct Talks(Sent);
        impl Writer for Talks {
            fn write(&self, _: Map<String, Value>, host: Host) -> Boxed<'static, Result<Written, Error>> {
                self.0.note("Bearer canary-token");
                let raw = || RawValue::from_string(r#"["canary-token"]"#.to_owned()).expect("JSON");
                Box::pin(async move {
                    assert!(host.takes().form && host.level() == Some("info"));
                    let (level, logger) = ("info".to_owned(), Some("canary-token".to_owned()));
                    host.log(Entry { level, logger, data: raw() });
                    let question = Question { to: crate::backends::host::Asked::Person, params: raw() };
                    let _ = host.ask(question, Duration::from_secs(1)).await;
                    host.completed("canary-token");
                    Ok(Written { description: Some("canary-token".to_owned()), messages: raw() })
                })
            }
            fn complete(&self, _: Partial) -> Boxed<'static, Result<Completion, Error>> {
                Box::pin(async { Ok(Completion { values: vec!["canary-token".to_owned()], ..Completion::default() }) })
            }
        }
        let (sent, ears) = (Sent::default(), Arc::new(Ears::default()));
        let prompt = sent.out_of_prompt(Prompt {
            name: "box_ask".to_owned(),
            own: "ask".into(),
            title: "a".into(),
            description: "a".into(),
            arguments: std::borrow::Cow::Borrowed(&[]),
            toolset: None,
            writer: Arc::new(Talks(sent.clone())),
        });
        let written = prompt.writer.write(Map::new(), Host::by(Arc::clone(&ears))).await.expect("a prompt");
        let completion = prompt.writer.complete(Partial::default()).await.expect("values");
        let told = ears.0.lock().expect("no panic");
        let all = format!("{written:?} {completion:?} {told:?}");
        assert!(!all.contains("canary") && told.len() == 3, "{all}");
        assert_eq!(all.matches("[secret]").count(), 7, "{all}");
    }
}
