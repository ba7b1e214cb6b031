//! What comes back: one JSON message or a stream of them, and what a refusal tells about the server's era.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::value::RawValue;
use tokio::time::timeout;

use super::ask::{Ask, CALL};
use super::era::{Era, Trouble};
use super::peer::Peer;
use super::sse::{self, Parser};
use super::wire::{self, Answer, Failure, Incoming, Progressed};
use super::{address, listed, standing};
use crate::backends::http as service;
use crate::backends::{Error, Json, Output, Step, outside};
use crate::http::{Error as Network, Stream};

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
/// What was to be done at an address is done.
pub(super) const COMPLETE: &str = "notifications/elicitation/complete";
/// How long a stream may stay open after its answer.
const DRAIN: Duration = Duration::from_secs(1);

/// Reads the answer to one request.
pub(super) struct Reader<'a> {
    pub peer: &'a Arc<Peer>,
    pub era: &'a Era,
    pub id: u64,
    pub ask: &'a Ask<'a>,
}

impl Reader<'_> {
    /// The result in the answer, wherever in it.
    pub async fn read(&self, stream: Stream) -> Result<Box<Answer>, Trouble> {
        if sse::is_stream(&stream.headers) {
            // What a person may wait for is long; what everything else waits for is not, however often something comes.
            let whole = if self.ask.limits == CALL { OVERALL } else { self.ask.limits.time };
            let found = self.ask.talk.within(whole, self.follow(stream)).await;
            return found.unwrap_or_else(|| Err(self.late(whole)));
        }
        let headers = stream.headers.clone();
        let limits = self.ask.limits;
        let unlimited = crate::http::Limits { time: OVERALL, ..limits };
        let body = self.ask.talk.within(limits.time, service::read(self.peer.host(), stream, unlimited)).await;
        let body = body.ok_or_else(|| self.late(limits.time))??;
        if service::is_web_page(&headers, &body) {
            return Err(self.wrong("a web page instead of JSON".to_owned()));
        }
        let mut latest = f64::NEG_INFINITY;
        let messages = wire::read(&body, Some(self.id)).map_err(|error| self.wrong(unreadable(&error)))?;
        let found = messages.into_iter().find_map(|message| self.take(message, &mut latest));
        found.unwrap_or_else(|| Err(self.wrong("an answer to another request".to_owned())))
    }

    fn late(&self, after: Duration) -> Trouble {
        Trouble::Final(Network::TimedOut { host: self.peer.host(), after }.into())
    }

    async fn follow(&self, mut stream: Stream) -> Result<Box<Answer>, Trouble> {
        let mut parser = Parser::default();
        let mut latest = f64::NEG_INFINITY;
        let (mut resumptions, mut all) = (0_usize, 0_usize);
        let mut broken = None;
        let mut unread = None;
        loop {
            let ended = loop {
                let mut events = Vec::new();
                let over = self.next(&mut stream, &mut parser, &mut events).await;
                for event in events {
                    resumptions = 0;
                    match wire::read(&event, Some(self.id)) {
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
            stream = self.peer.resume(self.era, Some(last_id)).await?;
            if !stream.status.is_success() {
                return Err(refused(self.peer.host(), self.era, stream).await.into_final());
            }
            parser.restart();
        }
    }

    /// Reads one piece into events; whether the stream is over.
    async fn next(&self, stream: &mut Stream, parser: &mut Parser, events: &mut Vec<Vec<u8>>) -> Result<bool, Error> {
        let host = || self.peer.host();
        let after = self.ask.limits.time;
        self.ask.talk.take_again(&self.peer.places).await;
        let piece = self.ask.talk.within(after, stream.next()).await;
        match piece.ok_or_else(|| Network::TimedOut { host: host(), after })? {
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
    fn take(&self, message: Incoming, latest: &mut f64) -> Option<Result<Box<Answer>, Trouble>> {
        let talk = &self.ask.talk;
        match message {
            Incoming::Answer(Ok(result)) => return Some(Ok(result)),
            Incoming::Answer(Err(failure)) => return Some(Err(meaning(self.peer.host(), self.era, failure))),
            // Only the legacy era has requests of the server.
            Incoming::Request(asking) if matches!(self.era, Era::Legacy(_)) => {
                talk.voice().take(self.peer, self.era, asking);
            }
            Incoming::Notification(method, Some(params)) => match method.as_str() {
                "notifications/progress" => self.report(&params, latest),
                "notifications/message" => talk.host().level().iter().for_each(|_| {
                    listed::entry(&params).into_iter().for_each(|entry| talk.host().log(entry));
                }),
                "notifications/cancelled" => talk.voice().withdraw(&params),
                COMPLETE => talk.voice().completed(&params),
                method => standing::heard(self.peer, method, Some(&params)),
            },
            Incoming::Notification(method, None) => standing::heard(self.peer, &method, None),
            Incoming::Request(_) | Incoming::Other => {}
        }
        None
    }

    fn report(&self, params: &RawValue, latest: &mut f64) {
        let Ok(step) = serde_json::from_str::<Progressed>(params.get()) else { return };
        if step.progress_token == self.id && step.progress > *latest {
            *latest = step.progress;
            let message = step.message.map(|message| outside::line(&message, outside::LONGEST));
            self.ask.progress.report(Step { done: step.progress, total: step.total, message });
        }
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

/// What servers say of a session that they do not know, in small letters.
const FORGOTTEN: [&str; 9] = [
    "session id",
    "session-id",
    "no valid session",
    "invalid session",
    "unknown session",
    "session not found",
    "session expired",
    "session has expired",
    "not initialized",
];

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
            // Words about sessions of another kind are the business of a tool, which may have done a part of it.
            says(&FORGOTTEN)
                || (code == Some(wire::BAD_PARAMETERS) && says(&["_meta"]))
                || matches!(code, Some(wire::HEADER_MISMATCH | wire::MISSING_CAPABILITY))
        }
        (Era::Modern, 400) => {
            let known = [wire::HEADER_MISMATCH, wire::MISSING_CAPABILITY, wire::BAD_PARAMETERS, wire::UNKNOWN_METHOD];
            !code.is_some_and(|code| known.contains(&code))
        }
        (Era::Modern, 404..=406) => code != Some(wire::UNKNOWN_METHOD),
        _ => false,
    }
}

fn meaning(host: String, era: &Era, mut failure: Failure) -> Trouble {
    let pages = failure.pages();
    let error = Error::Refused { host, code: failure.code, said: failure.said() };
    match (era, failure.code) {
        // Refusing the revision comes before everything else, with whatever status.
        (_, wire::UNSUPPORTED_VERSION) => Trouble::Stale(error),
        // The newest revision has no such refusal.
        (Era::Legacy(_), _) if !pages.is_empty() => Trouble::Pages(error, pages),
        _ => Trouble::Final(error),
    }
}

/// A tool's answer, its parts as the server wrote them, but for addresses of its resources, which are ours.
pub(super) fn output(peer: &Peer, called: Box<Answer>) -> Result<Output, Error> {
    let structured = called.structured_content.map(wire::on_one_line);
    let content = match (called.content.map(wire::on_one_line), &structured) {
        (Some(content), _) if content.get().starts_with('[') => address::in_blocks(peer, content).into(),
        (Some(_), _) => return Err(peer.wrong("the content of the result is not a list")),
        (None, None) => return Err(peer.wrong("the result has no content")),
        (None, Some(structured)) => Json::block(structured.get()),
    };
    // Only newer hosts take a structured result that is not an object; its text is in the content.
    let structured = structured.filter(|value| value.get().starts_with('{')).map(Json::from);
    Ok(Output { content, structured, failed: called.is_error.unwrap_or(false) })
}
