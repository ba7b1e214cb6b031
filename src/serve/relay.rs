//! Questions of a service to the host, in the middle of a call or a reading.
//!
//! A legacy host is asked while it waits. A modern one is answered with the questions, and comes again with the answers
//! and the state that it was given: until then the work goes on waiting in here, for some minutes. So a service may ask
//! whichever way its own protocol has, and each host hears it in its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinError, JoinHandle};

use super::{answer, ears};
use crate::backends::host::{Asked, Entry, Link, Question, Takes, Unanswered};
use crate::backends::{Boxed, Host, Progress};
use crate::mcp::{self, Asking, Level, LogSender, Method, ProgressSender};

/// How much may wait at once; what has waited longest gives way.
const MOST: usize = 256;
/// What an address to open is called by, for legacy hosts.
const ID: &str = "elicitationId";
/// How long it waits.
const PATIENCE: Duration = Duration::from_secs(600);

/// What a request brings besides what it wants.
pub(super) struct Request {
    /// Where progress goes.
    pub(super) progress: Option<ProgressSender>,
    /// Where logs go.
    pub(super) log: LogSender,
    /// Who made it.
    pub(super) client: mcp::Client,
    /// Modern: answers to earlier questions.
    pub(super) answers: Map<String, Value>,
    /// Modern: the state that came with those questions.
    pub(super) state: Option<String>,
}

/// How it went on.
pub(super) enum Went<T> {
    /// It is done.
    Done(T),
    /// The host is to answer these, and to bring the state back.
    Asks {
        /// The questions, by a key each.
        questions: Vec<(String, mcp::Question)>,
        /// The state.
        state: String,
    },
    /// The answers are for something that does not wait any more, or is not what they came with.
    Gone,
    /// It ended by a mistake of ours.
    Broken,
}

/// Work of one kind that waits for answers of modern hosts. Clones share it.
pub(super) struct Relay<T>(Arc<Mutex<Vec<Waiting<T>>>>);

impl<T> Clone for Relay<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Relay<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

struct Waiting<T> {
    state: String,
    work: Work<T>,
}

/// Work that is under way in a task of its own. Dropping it ends it.
struct Work<T> {
    /// What was asked for: the answers to its questions count for the same again and for nothing else.
    wanted: Wanted,
    task: JoinHandle<T>,
    asks: mpsc::UnboundedReceiver<Open>,
    open: HashMap<String, Open>,
    asked: usize,
    sinks: Sinks,
}

impl<T> Drop for Work<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a request wants.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wanted {
    /// Of which tool, prompt or resource.
    pub(super) what: String,
    /// With which arguments.
    pub(super) arguments: Map<String, Value>,
}

/// A question without an answer.
struct Open {
    question: Question,
    answer: oneshot::Sender<Result<Box<RawValue>, Unanswered>>,
}

impl<T: Send + 'static> Relay<T> {
    /// Does the work that `start` begins, with a host that can be asked whatever this request's can; or goes on with the
    /// work that the request brings answers for.
    pub(super) async fn run(
        &self,
        connection: &str,
        wanted: Wanted,
        request: Request,
        start: impl FnOnce(&Wanted, Host, Progress) -> Boxed<'static, T>,
    ) -> Went<T> {
        let Request { progress, log, client, answers, state } = request;
        let sinks = Sinks(Arc::new(Mutex::new((progress, log))));
        let (asks, asking) = match client.asking() {
            Asking::ByResult => {
                let (sender, receiver) = mpsc::unbounded_channel();
                (Some(receiver), How::Later(sender))
            }
            Asking::Now(asker) => (None, How::Now(asker.clone())),
            Asking::Cannot => (None, How::Never),
        };
        let mut work = match (state, asks) {
            (Some(state), Some(_)) => match self.take(&state, &wanted) {
                Some(mut work) => {
                    work.sinks.go_on(sinks);
                    work.answer(answers);
                    work
                }
                None => return Went::Gone,
            },
            (Some(_), None) => return Went::Gone,
            (None, asks) => {
                let progress = sinks.progress();
                let line = Line {
                    connection: connection.to_owned(),
                    takes: takes(client.takes()),
                    asking,
                    sinks: sinks.clone(),
                };
                let work = start(&wanted, Host::by(line), progress);
                let Some(asks) = asks else { return Went::Done(work.await) };
                Work { wanted, task: tokio::spawn(work), asks, open: HashMap::new(), asked: 0, sinks }
            }
        };
        match work.next().await {
            Some(Ok(done)) => return Went::Done(done),
            Some(Err(_)) => return Went::Broken,
            None => {}
        }
        let questions = work.questions();
        match super::unguessable() {
            Some(state) => {
                self.keep(state.clone(), work);
                Went::Asks { questions, state }
            }
            None => Went::Broken,
        }
    }

    fn take(&self, state: &str, wanted: &Wanted) -> Option<Work<T>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = all.iter().position(|waiting| waiting.state == state && waiting.work.wanted == *wanted)?;
        Some(all.remove(found).work)
    }

    fn keep(&self, state: String, work: Work<T>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.remove(0);
        }
        all.push(Waiting { state: state.clone(), work });
        let waiting = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            tokio::time::sleep(PATIENCE).await;
            if let Some(all) = waiting.upgrade() {
                all.lock().unwrap_or_else(PoisonError::into_inner).retain(|waiting| waiting.state != state);
            }
        });
    }
}

impl<T> Work<T> {
    /// Waits until it is done, or has something to ask.
    async fn next(&mut self) -> Option<Result<T, JoinError>> {
        self.open.retain(|_, open| !open.answer.is_closed());
        while self.open.is_empty() {
            tokio::select! {
                biased;
                Some(open) = self.asks.recv() => self.ask(open),
                done = &mut self.task => return Some(done),
            }
        }
        // Several may ask at once, and the host is given all of it together.
        while let Ok(open) = self.asks.try_recv() {
            self.ask(open);
        }
        None
    }

    fn ask(&mut self, open: Open) {
        if !open.answer.is_closed() {
            self.asked = self.asked.saturating_add(1);
            self.open.insert(format!("ask-{}", self.asked), open);
        }
    }

    fn questions(&self) -> Vec<(String, mcp::Question)> {
        let question = |open: &Open| mcp::Question::Relay {
            method: method(open.question.to),
            params: open.question.params.clone(),
        };
        let mut questions: Vec<_> = self.open.iter().map(|(key, open)| (key.clone(), question(open))).collect();
        crate::order::by(&mut questions, |(one, _), (other, _)| {
            one.len().cmp(&other.len()).then_with(|| one.cmp(other))
        });
        questions
    }

    /// Hands answers to those who wait for them. A question without one is asked again.
    fn answer(&mut self, answers: Map<String, Value>) {
        for (key, answer) in answers {
            if let Some(open) = self.open.remove(&key) {
                let answer = to_raw_value(&answer).map_err(|_| Unanswered::cannot());
                let _ = open.answer.send(answer);
            }
        }
    }
}

/// How a host is asked.
enum How {
    Never,
    Now(mcp::Asker),
    Later(mpsc::UnboundedSender<Open>),
}

/// The host of one request, as backends see it.
struct Line {
    connection: String,
    takes: Takes,
    asking: How,
    sinks: Sinks,
}

impl Link for Line {
    fn takes(&self) -> Takes {
        self.takes
    }

    fn ask(&self, question: Question, patience: Duration) -> Boxed<'static, Result<Box<RawValue>, Unanswered>> {
        match &self.asking {
            How::Never => Box::pin(async { Err(Unanswered::cannot()) }),
            How::Now(asker) => {
                let asker = asker.clone();
                Box::pin(async move {
                    let reply = asker.forward(method(question.to), named(question), patience).await;
                    reply.map_err(|mcp::Unanswered { code, message }| Unanswered { code, message })
                })
            }
            How::Later(asks) => {
                let (answer, answered) = oneshot::channel();
                // Nobody receives it any more if the request was given up, and then nobody waits here either.
                let _ = asks.send(Open { question, answer });
                Box::pin(async move {
                    match tokio::time::timeout(patience, answered).await {
                        Ok(Ok(answer)) => answer,
                        _ => Err(Unanswered { code: -32603, message: "nobody answered in time".to_owned() }),
                    }
                })
            }
        }
    }

    fn completed(&self, id: &str) {
        // A host of the newest revision is not told: it comes again when the person is done.
        if let How::Now(asker) = &self.asking {
            asker.completed(id);
        }
    }

    fn level(&self) -> Option<&'static str> {
        self.sinks.get().1.level().map(Level::word)
    }

    fn log(&self, entry: Entry) {
        if let Some(level) = Level::of(&entry.level) {
            let logger = ears::logger(&self.connection, entry.logger.as_deref());
            self.sinks.get().1.send(level, Some(&logger), &entry.data);
        }
    }
}

/// Where progress and logs go; another place after the host has come again. Clones share it.
#[derive(Clone)]
struct Sinks(Arc<Mutex<(Option<ProgressSender>, LogSender)>>);

impl Sinks {
    fn get(&self) -> (Option<ProgressSender>, LogSender) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on as there.
    fn go_on(&self, there: Self) {
        let there = there.get();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = there;
    }

    /// Progress that goes wherever it is wanted; none if nobody wanted it at the start.
    fn progress(&self) -> Progress {
        if self.get().0.is_none() {
            return Progress::default();
        }
        let sinks = self.clone();
        Progress::to(move |step| {
            if let (Some(sender), _) = sinks.get() {
                answer::step(&sender, step);
            }
        })
    }
}

fn takes(takes: mcp::Takes) -> Takes {
    let mcp::Takes { form, url, sampling, sampling_tools, sampling_context } = takes;
    Takes { form, url, sampling, sampling_tools, sampling_context }
}

/// The question as a legacy host takes it: there an address to open has an id (2025-11-25, `elicitationId`).
fn named(question: Question) -> Box<RawValue> {
    let Question { to: Asked::Person, params } = question else { return question.params };
    let Ok(mut members) = serde_json::from_str::<Map<String, Value>>(params.get()) else { return params };
    if members.get("mode").is_none_or(|mode| mode != "url") || members.contains_key(ID) {
        return params;
    }
    let Some(id) = super::unguessable() else { return params };
    members.insert(ID.to_owned(), id.into());
    to_raw_value(&members).unwrap_or(params)
}

const fn method(to: Asked) -> Method {
    match to {
        Asked::Person => Method::Elicit,
        Asked::Model => Method::Sample,
    }
}

#[cfg(test)]
mod tests;
