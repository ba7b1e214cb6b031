//! What was attached to a connection's requests. Some services repeat it in what they answer, and it must reach neither a
//! person's terminal nor a model.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::value::RawValue;

use super::resource::Reader;
use super::{Boxed, Call, Error, Handler, Output, Progress, Resource, Step, StepUp, Tool};
use crate::secret::Secret;

/// Remembers the last tokens and keys of a connection. Clones share them.
#[derive(Clone, Default)]
pub struct Sent(Arc<Mutex<VecDeque<Secret>>>);

/// How many are remembered: calls that are under way may have been sent with older ones.
const REMEMBERED: usize = 8;

impl Sent {
    /// Takes note of a header's value.
    pub(super) fn note(&self, value: &str) {
        self.note_whole(value.rsplit(' ').next().unwrap_or_default());
    }

    /// Takes note of a secret that may have blanks in it, as passwords do.
    pub(super) fn note_whole(&self, secret: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.iter().any(|known| known.matches(secret)) {
            all.truncate(REMEMBERED - 1);
            all.push_front(Secret::new(secret));
        }
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

    /// JSON that a service wrote, without any of them. A token has no character that JSON would write in another way.
    pub(super) fn out_of_json(&self, json: Box<RawValue>) -> Box<RawValue> {
        self.hidden_in(json.get()).and_then(|text| RawValue::from_string(text).ok()).unwrap_or(json)
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

    /// The resource, whose text has lost them.
    pub(super) fn out_of_resource(&self, resource: Resource) -> Resource {
        Resource { reader: Arc::new(Quiet { sent: self.clone(), handler: resource.reader }), ..resource }
    }
}

/// A handler or a reader whose answers lose what was sent.
struct Quiet<T: ?Sized> {
    sent: Sent,
    handler: Arc<T>,
}

impl Reader for Quiet<dyn Reader> {
    fn read(&self, which: String) -> Boxed<'static, Result<String, Error>> {
        let sent = self.sent.clone();
        let text = self.handler.read(which);
        Box::pin(async move {
            match text.await {
                Ok(mut text) => {
                    sent.hide(&mut text);
                    Ok(text)
                }
                Err(error) => Err(sent.out_of(error)),
            }
        })
    }
}

impl Handler for Quiet<dyn Handler> {
    fn call(&self, call: Call) -> Boxed<'static, Result<Output, Error>> {
        let sent = self.sent.clone();
        let Call { arguments, progress, agreed } = call;
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
        let answer = self.handler.call(Call { arguments, progress, agreed });
        Box::pin(async move {
            match answer.await {
                Ok(Output { content, structured, failed }) => Ok(Output {
                    content: sent.out_of_json(content),
                    structured: structured.map(|structured| sent.out_of_json(structured)),
                    failed,
                }),
                Err(error) => Err(sent.out_of(error)),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_are_remembered_once_each() {
        let sent = Sent::default();
        for number in [1, 1, 2, 3, 4, 5, 6, 7, 8, 9] {
            sent.note(&format!("Bearer canary-{number}"));
        }
        assert_eq!(sent.hidden_in("canary-1"), None);
        let text = "canary-2 canary-3, canary-4 and canary-5";
        assert_eq!(sent.hidden_in(text).as_deref(), Some("[secret] [secret], [secret] and [secret]"));
    }

    #[test]
    fn a_password_is_hidden_with_the_blanks_that_are_in_it() {
        let sent = Sent::default();
        sent.note_whole("canary horse 7");
        assert_eq!(sent.hidden_in("no canary horse 7 here").as_deref(), Some("no [secret] here"));
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

    #[tokio::test]
    async fn a_resource_loses_what_was_sent_while_it_was_read() {
        struct Repeats(Sent);
        impl Reader for Repeats {
            fn read(&self, which: String) -> Boxed<'static, Result<String, Error>> {
                self.0.note("Bearer canary-token");
                let said = "the token canary-token".to_owned();
                let error = || Error::Server { host: "box.example".to_owned(), status: 500, said: said.clone() };
                let answer = if which.is_empty() { Err(error()) } else { Ok(format!("{said} {which}")) };
                Box::pin(async { answer })
            }
        }
        let sent = Sent::default();
        let resource = sent.out_of_resource(Resource {
            uri: "keyward://box/a".to_owned(),
            name: "a".into(),
            title: "a".into(),
            description: "a".into(),
            media_type: "text/plain",
            toolset: None,
            reader: Arc::new(Repeats(sent.clone())),
        });
        let text = resource.reader.read("b".to_owned()).await.expect("a text");
        assert_eq!(text, "the token [secret] b");
        let error = format!("{:?}", resource.reader.read(String::new()).await.expect_err("a failure"));
        assert!(!error.contains("canary") && error.contains("[secret]"), "{error}");
    }
}
