//! What comes back: one JSON message or a stream of them, and what a refusal tells about the server's era.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout, timeout_at};

use super::peer::{Era, Peer, Trouble};
use super::sse::{self, Parser};
use super::wire::{self, Called, Failure, Incoming, Progressed};
use crate::backends::http as service;
use crate::backends::{Error, Output, Progress, Step, outside};
use crate::http::{Error as Network, Limits, Stream};

/// The longest that a stream may take in all, whatever it says meanwhile.
const OVERALL: Duration = Duration::from_secs(1800);
/// How often an interrupted stream is taken up again without an event in between, and the wait before that.
const RESUMPTIONS: usize = 5;
const PAUSE: Duration = Duration::from_secs(1);
/// Whatever the server asks for: it must not keep this program and the network busy.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// For one answer, however many events came in between.
const MOST_RESUMPTIONS: usize = 200;
/// How long a stream may stay open after its answer.
const DRAIN: Duration = Duration::from_secs(1);

/// Reads the answer to one request.
pub(super) struct Reader<'a> {
    pub peer: &'a Arc<Peer>,
    pub era: &'a Era,
    pub id: u64,
    pub progress: &'a Progress,
    pub limits: Limits,
}

impl Reader<'_> {
    /// The result in the answer, wherever in it.
    pub async fn read<R: DeserializeOwned>(&self, stream: Stream) -> Result<R, Trouble> {
        let media = stream.headers.get(CONTENT_TYPE).map(|media| media.as_bytes().to_ascii_lowercase());
        if media.is_some_and(|media| media.starts_with(b"text/event-stream")) {
            return self.follow(stream).await;
        }
        let headers = stream.headers.clone();
        let body = service::read(self.peer.host(), stream, self.limits).await?;
        if service::is_web_page(&headers, &body) {
            return Err(self.wrong("a web page instead of JSON".to_owned()));
        }
        let mut latest = 0.0;
        let messages = wire::read::<R>(&body, self.id).map_err(|error| self.wrong(unreadable(&error)))?;
        let found = messages.into_iter().find_map(|message| self.take(message, &mut latest));
        found.unwrap_or_else(|| Err(self.wrong("an answer to another request".to_owned())))
    }

    async fn follow<R: DeserializeOwned>(&self, mut stream: Stream) -> Result<R, Trouble> {
        let deadline = Instant::now().checked_add(OVERALL);
        let mut parser = Parser::default();
        let mut latest = 0.0;
        let (mut resumptions, mut all) = (0_usize, 0_usize);
        let mut broken = None;
        let mut unread = None;
        loop {
            let ended = loop {
                let mut events = Vec::new();
                let over = self.next(&mut stream, &mut parser, &mut events, deadline).await;
                for event in events {
                    resumptions = 0;
                    match wire::read::<R>(&event, self.id) {
                        Ok(messages) => {
                            for message in messages {
                                if let Some(found) = self.take(message, &mut latest) {
                                    drain(stream);
                                    return found;
                                }
                            }
                        }
                        // Not every event is for us; the cause counts only if no answer follows.
                        Err(error) => unread = Some(unreadable(&error)),
                    }
                }
                match over {
                    Ok(false) => {}
                    Ok(true) => break None,
                    Err(error @ Error::Network(Network::Broken { .. })) => break Some(error),
                    Err(error) => return Err(error.into()),
                }
            };
            broken = ended.or(broken);
            let (Era::Legacy(_), Some(last_id), true) =
                (self.era, parser.last_id(), resumptions < RESUMPTIONS && all < MOST_RESUMPTIONS)
            else {
                return Err(broken.map_or_else(
                    || self.wrong(unread.unwrap_or_else(|| "the stream ended without the answer".to_owned())),
                    Trouble::Final,
                ));
            };
            resumptions = resumptions.saturating_add(1);
            all = all.saturating_add(1);
            tokio::time::sleep(
                parser.retry().map_or(PAUSE, Duration::from_millis).clamp(SHORTEST_PAUSE, LONGEST_PAUSE),
            )
            .await;
            stream = self.peer.resume(self.era, last_id).await?;
            if !stream.status.is_success() {
                return Err(refused(self.peer.host(), self.era, stream).await.into_final());
            }
            parser.restart();
        }
    }

    /// Reads one piece into events; whether the stream is over.
    async fn next(
        &self,
        stream: &mut Stream,
        parser: &mut Parser,
        events: &mut Vec<Vec<u8>>,
        deadline: Option<Instant>,
    ) -> Result<bool, Error> {
        let host = || self.peer.host();
        let idle = timeout(self.limits.time, stream.next());
        let piece = match deadline {
            Some(deadline) => timeout_at(deadline, idle).await,
            None => Ok(idle.await),
        };
        let piece = match piece {
            Ok(Ok(piece)) => piece,
            Ok(Err(_)) => return Err(Network::TimedOut { host: host(), after: self.limits.time }.into()),
            Err(_) => return Err(Network::TimedOut { host: host(), after: OVERALL }.into()),
        };
        match piece {
            Ok(Some(piece)) => {
                let fed = parser.feed(&piece, |event| events.push(event));
                fed.map_err(|sse::TooLarge| Network::TooLarge { host: host(), limit: sse::LARGEST })?;
                Ok(false)
            }
            ended => {
                events.extend(parser.finish());
                ended?;
                Ok(true)
            }
        }
    }

    /// What one message means for the request; `None` if the answer is still to come.
    fn take<R>(&self, message: Incoming<R>, latest: &mut f64) -> Option<Result<R, Trouble>> {
        match message {
            Incoming::Answer(Ok(result)) => return Some(Ok(result)),
            Incoming::Answer(Err(failure)) => return Some(Err(meaning(self.peer.host(), self.era, failure))),
            Incoming::Notification(method, Some(params)) if method == "notifications/progress" => {
                self.report(&params, latest);
            }
            Incoming::Request(id, method) => self.reply(id, &method),
            Incoming::Notification(..) | Incoming::Other => {}
        }
        None
    }

    fn report(&self, params: &RawValue, latest: &mut f64) {
        let Ok(step) = serde_json::from_str::<Progressed>(params.get()) else { return };
        if step.progress_token == self.id && step.progress > *latest {
            *latest = step.progress;
            let message = step.message.map(|message| outside::line(&message, outside::LONGEST));
            self.progress.report(Step { done: step.progress, total: step.total, message });
        }
    }

    /// Answers a request of the server. Only the legacy era has them, and nothing was offered but `ping`.
    fn reply(&self, id: Box<RawValue>, method: &str) {
        #[derive(Serialize)]
        struct Reply {
            jsonrpc: &'static str,
            id: Box<RawValue>,
            #[serde(skip_serializing_if = "Option::is_none")]
            result: Option<wire::Nothing>,
            #[serde(skip_serializing_if = "Option::is_none")]
            error: Option<Unknown>,
        }
        #[derive(Serialize)]
        struct Unknown {
            code: i64,
            message: &'static str,
        }
        let Era::Legacy(_) = self.era else { return };
        let (result, error) = match method {
            "ping" => (Some(wire::Nothing {}), None),
            _ => (None, Some(Unknown { code: wire::UNKNOWN_METHOD, message: "method not found" })),
        };
        let Ok(body) = serde_json::to_vec(&Reply { jsonrpc: "2.0", id, result, error }) else { return };
        let (peer, era) = (Arc::clone(self.peer), self.era.clone());
        // The stream must not wait for it.
        tokio::spawn(async move { peer.tell(&era, body).await });
    }

    fn wrong(&self, cause: String) -> Trouble {
        Trouble::Final(Error::Protocol { host: self.peer.host(), cause })
    }
}

/// Reads what is left of a stream after its answer, in the background: only then can the connection be used again.
fn drain(mut stream: Stream) {
    tokio::spawn(timeout(DRAIN, async move { while let Ok(Some(_)) = stream.next().await {} }));
}

impl Trouble {
    fn into_final(self) -> Self {
        Self::Final(self.into())
    }
}

fn unreadable(error: &serde_json::Error) -> String {
    // The text of the error may quote the answer; its place and class do not.
    match error.classify() {
        serde_json::error::Category::Data => "a message of another form".to_owned(),
        _ => format!("no JSON at line {}, column {}", error.line(), error.column()),
    }
}

/// What an answer with an error status means.
pub(super) async fn refused(host: String, era: &Era, stream: Stream) -> Trouble {
    let (status, headers) = (stream.status, stream.headers.clone());
    let body = service::read(host.clone(), stream, service::REFUSAL).await.unwrap_or_default();
    let failure = wire::failure(&body);
    let stale = is_stale(era, status, failure.as_ref());
    let error = match failure {
        Some(failure) if matches!(status.as_u16(), 400 | 404..=422) && failure.code != 0 => {
            Error::Refused { host, code: failure.code, said: failure.said() }
        }
        _ => service::failure(host, status, &headers, outside::said(&body)),
    };
    if stale { Trouble::Stale(error) } else { Trouble::Final(error) }
}

/// Whether a refusal says that the server does not speak this era, or forgot the session: then nothing was executed.
fn is_stale(era: &Era, status: StatusCode, failure: Option<&Failure>) -> bool {
    let says = |words: &[&str]| {
        let message = failure.map(|failure| failure.message.to_ascii_lowercase()).unwrap_or_default();
        words.iter().any(|word| message.contains(word))
    };
    let code = failure.map(|failure| failure.code);
    match (era, status.as_u16()) {
        (_, 400) if code == Some(wire::UNSUPPORTED_VERSION) => true,
        (Era::Legacy(session), 404) => session.has_id() || code == Some(wire::UNKNOWN_METHOD),
        (Era::Legacy(_), 400) => {
            says(&["session", "_meta"]) || matches!(code, Some(wire::HEADER_MISMATCH | wire::MISSING_CAPABILITY))
        }
        (Era::Modern, 400) => {
            let known = [wire::HEADER_MISMATCH, wire::MISSING_CAPABILITY, wire::BAD_PARAMETERS, wire::UNKNOWN_METHOD];
            !code.is_some_and(|code| known.contains(&code))
        }
        (Era::Modern, 404..=406) => code != Some(wire::UNKNOWN_METHOD),
        _ => false,
    }
}

fn meaning(host: String, era: &Era, failure: Failure) -> Trouble {
    let error = Error::Refused { host, code: failure.code, said: failure.said() };
    match (era, failure.code) {
        // Refusing the revision comes before everything else, with whatever status.
        (_, wire::UNSUPPORTED_VERSION) => Trouble::Stale(error),
        _ => Trouble::Final(error),
    }
}

/// A tool's answer, its parts as the server wrote them.
pub(super) fn output(host: &str, called: Called) -> Result<Output, Error> {
    let wrong = |cause: &str| Error::Protocol { host: host.to_owned(), cause: cause.to_owned() };
    if let Some(other) = called.result_type.as_deref().filter(|kind| *kind != "complete") {
        let other = outside::line(other, 40);
        return Err(wrong(&format!("the result is `{other}`, which was not offered")));
    }
    let structured = called.structured_content.map(wire::on_one_line);
    let content = match (called.content.map(wire::on_one_line), &structured) {
        (Some(content), _) if content.get().starts_with('[') => content,
        (Some(_), _) => return Err(wrong("the content of the result is not a list")),
        (None, None) => return Err(wrong("the result has no content")),
        (None, Some(structured)) => text_of(structured).ok_or_else(|| wrong("the result cannot be read"))?,
    };
    // Only newer hosts take a structured result that is not an object; its text is in the content.
    let structured = structured.filter(|value| value.get().starts_with('{'));
    Ok(Output { content, structured, failed: called.is_error.unwrap_or(false) })
}

fn text_of(structured: &RawValue) -> Option<Box<RawValue>> {
    let text = serde_json::to_string(structured.get()).ok()?;
    RawValue::from_string(format!(r#"[{{"type":"text","text":{text}}}]"#)).ok()
}
