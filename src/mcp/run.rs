//! The loop: lines in, answers out, and every call and reading that is in flight.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::{Id as TaskId, JoinError, JoinSet};

use super::ask::{Ask, Asker, Host, Reply, Unanswered};
use super::at_once::{Input, Output};
use super::audience::Audience;
use super::dispatch::{self, Dispatch, Handshake, Invocation, Step, Work};
use super::era::Era;
use super::in_flight::{InFlight, Running};
use super::line::{Line, Lines};
use super::log::From;
use super::message::{self, DUPLICATE, Failure, INTERNAL, Id, Key, Message, PARSE, Params, TOO_LONG, TOO_MANY};
use super::place::Place;
use super::progress::ProgressSender;
use super::read::{self, Found, ReadError};
use super::topics::Turn;
use super::writer::{self, Part, Parts, Writer};
use super::{Asking, CallError, Client, Completion, Ending, Identity, Level, Limits, LogSender};
use super::{NewsSender, Outcome, ReadRequest, Server, ToolRequest, Wire};

mod subscribe;

use subscribe::Waiter;

/// Messages of one batch. Their answers are kept until the last of them is there.
const LARGEST_BATCH: usize = 1_000;
/// How long the writer has for what is left, after the end.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// What a task has come to.
enum Finished {
    /// Its answer is on its way.
    Said,
    /// Its answer, for which there was no room.
    Answer(Parts),
    Call(Result<Outcome, CallError>),
    Read(Result<Found, ReadError>),
    Complete(Result<Completion, ReadError>),
    Turn(Result<(), ReadError>),
}

pub(super) async fn run(wire: Wire, identity: Identity, server: Arc<dyn Server>, limits: Limits) -> Ending {
    let (reads, writes) =
        wire.handles.map(|[input, output]| (Input::new(input), Output::new(output))).unwrap_or_default();
    let mut lines = Lines::new(wire.input, reads, limits.line);
    let (writer, written) = writer::start(wire.output, writes);
    wire.in_flight.writes_to(&writer);
    let (sender, mut asks) = mpsc::unbounded_channel();
    let news = NewsSender::default();
    server.listen(news.clone());
    let mouth = Mouth { dispatch: Dispatch::new(identity), writer: writer.clone(), in_flight: wire.in_flight.clone() };
    let mut state = Loop {
        mouth: Arc::new(mouth),
        server,
        limits,
        running: Arc::new(Semaphore::new(limits.running)),
        writer: writer.clone(),
        host: Arc::new(Host::new(sender)),
        handshake: Handshake { level: news.level().clone(), ..Handshake::default() },
        audience: Audience::new(news.clone()),
        turning: Arc::new(Semaphore::new(subscribe::AT_ONCE)),
        turns: HashMap::new(),
        tasks: JoinSet::new(),
        flights: HashMap::new(),
        in_flight: wire.in_flight,
        batches: HashMap::new(),
        questions: HashMap::new(),
        counter: 0,
    };
    let ending = loop {
        tokio::select! {
            biased;
            () = writer.closed() => break Ending::OutputClosed,
            Some(ended) = state.tasks.join_next_with_id() => state.ended(ended).await,
            Some(ask) = asks.recv() => state.ask(ask).await,
            () = news.arrived() => {
                state.news().await;
                // Whoever tells without end must not keep the client from being heard.
                if let Some(line) = lines.waiting() {
                    state.line(&line).await;
                }
            }
            line = lines.next() => match line {
                Some(line) => state.line(&line).await,
                None => break Ending::InputEnded,
            },
        }
    };
    state.wind_up(ending).await;
    // The writer ends when the last sender is gone, and with it the process may.
    state.in_flight.end();
    drop(state);
    drop(writer);
    let _ = tokio::time::timeout(LAST_WORDS, written).await;
    ending
}

struct Loop {
    server: Arc<dyn Server>,
    mouth: Arc<Mouth>,
    limits: Limits,
    running: Arc<Semaphore>,
    writer: Writer,
    host: Arc<Host>,
    handshake: Handshake,
    audience: Audience<Waiter>,
    /// How many addresses the server may be told of at once.
    turning: Arc<Semaphore>,
    turns: HashMap<TaskId, Turn>,
    tasks: JoinSet<Finished>,
    flights: HashMap<TaskId, Arc<Flight>>,
    in_flight: InFlight,
    batches: HashMap<u64, Batch>,
    questions: HashMap<Key, oneshot::Sender<Reply>>,
    counter: u64,
}

/// A call or reading that is in flight.
struct Flight {
    id: Id,
    era: Era,
    sink: Sink,
    progress: Option<ProgressSender>,
    log: LogSender,
}

/// What an answer needs to go out from where it is found.
struct Mouth {
    dispatch: Dispatch,
    writer: Writer,
    in_flight: InFlight,
}

/// Where an answer goes.
#[derive(Clone, Copy)]
enum Sink {
    /// A line of its own.
    Line,
    /// The array of this batch.
    Batch(u64),
}

/// A batch that still waits for answers.
#[derive(Default)]
struct Batch {
    open: usize,
    answers: Vec<Parts>,
    /// The requests of these answers, which are in flight until all of them are there.
    answered: Vec<Key>,
}

impl Loop {
    async fn line(&mut self, line: &Line) {
        match line {
            Line::TooLong => self.write(dispatch::refusal(None, &TOO_LONG)).await,
            Line::NotText => self.write(dispatch::refusal(None, &PARSE)).await,
            Line::Text(text) if !message::is_sound(text) => self.write(dispatch::refusal(None, &PARSE)).await,
            Line::Text(text) if text.trim_start().starts_with('[') => self.batch(text).await,
            Line::Text(text) => self.message(text, Sink::Line).await,
        }
    }

    /// Batches exist in 2025-03-26 only, but answering them always costs little and keeps nobody waiting.
    async fn batch(&mut self, text: &str) {
        let elements: Vec<&RawValue> = match serde_json::from_str(text) {
            Ok(elements) => elements,
            Err(_) => return self.write(dispatch::refusal(None, &PARSE)).await,
        };
        if elements.is_empty() {
            let failure = Failure::new(-32600, "the batch is empty");
            return self.write(dispatch::refusal(None, &failure)).await;
        }
        if elements.len() > LARGEST_BATCH {
            let failure = Failure::new(-32600, "the batch has too many messages");
            return self.write(dispatch::refusal(None, &failure)).await;
        }
        self.counter += 1;
        let number = self.counter;
        // The batch itself holds one place, so that it is not complete before its last element was read.
        self.batches.insert(number, Batch { open: 1, ..Batch::default() });
        for element in elements {
            if let Some(batch) = self.batches.get_mut(&number) {
                batch.open += 1;
            }
            self.message(element.get(), Sink::Batch(number)).await;
        }
        self.deliver(Sink::Batch(number), None).await;
    }

    async fn message(&mut self, text: &str, sink: Sink) {
        match message::read(text) {
            Message::Request { id, method, params } => self.request(id, &method, &params, sink).await,
            Message::Notification { method, params } => {
                if method == "notifications/cancelled" {
                    self.cancel(&params).await;
                }
                self.deliver(sink, None).await;
            }
            Message::Response { id, result, error } => {
                if let Some(question) = self.questions.remove(&id.key) {
                    // An answer that is an error, too, is no answer to rely on.
                    let _ = question.send(match (error, result) {
                        (Some(error), _) => Err(Unanswered::of(error)),
                        (None, Some(result)) => Ok(result.to_owned()),
                        (None, None) => Err(Unanswered::new("the client answered nothing")),
                    });
                }
                self.deliver(sink, None).await;
            }
            Message::Invalid { id, failure } => {
                self.deliver(sink, Some(dispatch::refusal(id.as_ref(), &failure))).await;
            }
        }
    }

    async fn request(&mut self, id: Id, method: &str, params: &Params<'_>, sink: Sink) {
        if self.in_flight.contains(&id.key) {
            return self.deliver(sink, Some(dispatch::refusal(Some(&id), &DUPLICATE))).await;
        }
        self.in_flight.insert(id.key.clone(), Running::Still);
        let step = self.mouth.dispatch.request(&*self.server, &mut self.handshake, method, params);
        let parts = match step {
            Ok(Step::Start(_) | Step::Subscribe(_)) if self.accepted() >= self.limits.accepted => {
                dispatch::refusal(Some(&id), &TOO_MANY)
            }
            Ok(Step::Start(invocation)) => return self.start(id, invocation, sink),
            Ok(Step::Listen(wish)) => return self.listen(id, wish, sink).await,
            Ok(Step::Subscribe(uri)) => return self.subscribe(id, &uri, sink).await,
            Ok(Step::Unsubscribe(uri)) => return self.unsubscribe(&id, &uri, sink).await,
            Ok(Step::Hello(result)) => {
                self.audience.forget_legacy();
                self.turn();
                dispatch::answer(&id, result)
            }
            Ok(Step::Answer(result)) => dispatch::answer(&id, result),
            Err(failure) => dispatch::refusal(Some(&id), &failure),
        };
        self.answered(id.key, sink, parts).await;
    }

    fn accepted(&self) -> usize {
        self.flights.len() + self.audience.waiting()
    }

    /// All that can take long is a task.
    fn start(&mut self, id: Id, invocation: Invocation, sink: Sink) {
        let Invocation { work, progress_token, answers, request_state, era, level } = invocation;
        let progress = progress_token.and_then(|token| ProgressSender::new(&token, &self.writer));
        let place = Place::new(&self.running);
        let client = self.client(era, &place);
        let log = self.log(era, level);
        let flight = Flight { id, era, sink, progress: progress.clone(), log: log.clone() };
        let server = Arc::clone(&self.server);
        match work {
            Work::Call(name, arguments) => {
                let request = ToolRequest { name, arguments, progress, log, client, answers, request_state };
                self.spawn(flight, place, async move { Finished::Call(server.call(request).await) });
            }
            Work::Read(reading) => {
                let request = ReadRequest { reading, progress, log, client, answers, request_state };
                self.spawn(flight, place, async move { Finished::Read(server.read(request).await) });
            }
            Work::Complete(partial) => {
                self.spawn(flight, place, async move { Finished::Complete(server.complete(partial).await) });
            }
        }
    }

    fn spawn(&mut self, flight: Flight, place: Place, work: impl Future<Output = Finished> + Send + 'static) {
        let (mouth, flight) = (Arc::clone(&self.mouth), Arc::new(flight));
        let here = Arc::clone(&flight);
        let handle = self.tasks.spawn(async move {
            let _taken = place.take().await;
            mouth.say(&here, work.await)
        });
        self.in_flight.insert(flight.id.key.clone(), Running::Task(handle.clone()));
        self.flights.insert(handle.id(), flight);
    }

    /// Nothing where nobody wants to hear.
    fn log(&self, era: Era, level: Option<Level>) -> LogSender {
        let from = match era {
            Era::Modern(_) => level.filter(|_| self.server.features().logging).map(From::This),
            Era::Legacy => {
                Some(&self.handshake.level).filter(|level| level.level().is_some()).cloned().map(From::Client)
            }
        };
        from.map_or_else(LogSender::default, |from| LogSender::new(from, &self.writer))
    }

    fn client(&self, era: Era, place: &Place) -> Client {
        match era {
            Era::Modern(takes) if takes.anything() => Client::new(takes, Asking::ByResult),
            Era::Legacy if self.handshake.takes.anything() => {
                let (host, takes) = (Arc::clone(&self.host), self.handshake.takes);
                Client::new(takes, Asking::Now(Asker { host, place: place.clone(), takes }))
            }
            _ => Client::default(),
        }
    }

    async fn cancel(&mut self, params: &Params<'_>) {
        // Unknown, finished and malformed ids are ignored, as the specification says.
        let Some(id) = params.request_id.and_then(Id::read) else { return };
        match self.in_flight.cancel(&id.key) {
            None | Some(Running::Still) => {}
            Some(Running::Task(handle)) => {
                handle.abort();
                if let Some(flight) = self.flights.get(&handle.id()) {
                    close(flight);
                }
            }
            Some(Running::Listen(number)) => {
                self.audience.stop(number);
                self.turn();
            }
            Some(Running::Subscribe(uri)) => {
                if let Some(waiter) = self.audience.give_up(&uri, &id.key) {
                    self.deliver(waiter.sink, None).await;
                }
                self.turn();
            }
        }
    }

    async fn ended(&mut self, ended: Result<(TaskId, Finished), JoinError>) {
        let task = ended.as_ref().map_or_else(JoinError::id, |(task, _)| *task);
        if let Some(turn) = self.turns.remove(&task) {
            return self.turned(&turn, ended).await;
        }
        let Some(flight) = self.flights.remove(&task) else { return };
        close(&flight);
        let parts = match ended {
            Ok((_, Finished::Said)) => return,
            Ok((_, finished)) => self.mouth.answer(&flight, finished),
            Err(_) => dispatch::refusal(Some(&flight.id), &INTERNAL),
        };
        if self.in_flight.is_of(&flight.id.key, task) {
            self.answered(flight.id.key.clone(), flight.sink, parts).await;
        } else {
            self.deliver(flight.sink, None).await;
        }
    }

    async fn ask(&mut self, ask: Ask) {
        let text = match ask {
            Ask::Completed { params, _room } => {
                format!("{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/elicitation/complete\",\"params\":{params}}}")
            }
            Ask::Withdrawn { id, _room } => {
                let key = Key::Text(id);
                let (Some(_), Key::Text(id)) = (self.questions.remove(&key), key) else { return };
                format!(
                    "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{{\"requestId\":\"{id}\",\"reason\":\"nobody waits for the answer any more\"}}}}"
                )
            }
            Ask::Request { id, method, params, answer } => {
                let method = method.name();
                let head = format!("{{\"jsonrpc\":\"2.0\",\"id\":\"{id}\",\"method\":\"{method}\",\"params\":");
                self.questions.insert(Key::Text(id), answer);
                return self.write(vec![Part::Text(head), params, Part::Static("}")]).await;
            }
        };
        self.write(vec![Part::Text(text)]).await;
    }

    /// Delivers the answer to the request of this id, which is in flight until the line is on its way: a bug, at whatever
    /// moment it ends the process, must find every request that nobody has answered.
    async fn answered(&mut self, key: Key, sink: Sink, parts: Parts) {
        match sink {
            Sink::Line => {
                self.write(parts).await;
                self.in_flight.remove(&key);
            }
            Sink::Batch(number) => {
                self.in_flight.insert(key.clone(), Running::Still);
                if let Some(batch) = self.batches.get_mut(&number) {
                    batch.answered.push(key);
                }
                self.deliver(sink, Some(parts)).await;
            }
        }
    }

    async fn deliver(&mut self, sink: Sink, parts: Option<Parts>) {
        match sink {
            Sink::Line => {
                if let Some(parts) = parts {
                    self.write(parts).await;
                }
            }
            Sink::Batch(number) => {
                let Some(batch) = self.batches.get_mut(&number) else { return };
                batch.answers.extend(parts);
                batch.open -= 1;
                if batch.open == 0
                    && let Some(batch) = self.batches.remove(&number)
                    && !batch.answers.is_empty()
                {
                    self.write(array(batch.answers)).await;
                    for key in &batch.answered {
                        self.in_flight.remove(key);
                    }
                }
            }
        }
    }

    /// A host that does not read makes this wait, and with it the reading of further lines. An error means that nobody
    /// reads any more, which the loop notices by itself.
    async fn write(&self, parts: Parts) {
        let _ = self.writer.send(parts).await;
    }

    /// Calls that are nearly done get their time; the rest is cancelled.
    async fn wind_up(&mut self, ending: Ending) {
        if ending == Ending::OutputClosed {
            return;
        }
        let _ = tokio::time::timeout(self.limits.grace, async {
            self.end_listening().await;
            while let Some(ended) = self.tasks.join_next_with_id().await {
                self.ended(ended).await;
            }
        })
        .await;
    }
}

impl Mouth {
    /// Writes the answer of this task, the one that runs, if it is a line and there is room for it now: nobody has to be
    /// woken for it. The loop does the rest.
    fn say(&self, flight: &Flight, finished: Finished) -> Finished {
        let key = &flight.id.key;
        if !matches!(flight.sink, Sink::Line) || !self.in_flight.is_of(key, tokio::task::id()) {
            return finished;
        }
        close(flight);
        match self.writer.try_send(self.answer(flight, finished)) {
            Err(TrySendError::Full(parts)) => Finished::Answer(parts),
            // If nobody reads any more, the loop notices.
            Ok(()) | Err(TrySendError::Closed(_)) => {
                self.in_flight.remove(key);
                Finished::Said
            }
        }
    }

    fn answer(&self, flight: &Flight, finished: Finished) -> Parts {
        let result = match finished {
            Finished::Answer(parts) => return parts,
            Finished::Call(Ok(outcome)) => self.dispatch.outcome(flight.era, outcome),
            Finished::Call(Err(CallError::UnknownTool)) => Err(Failure::parameters("unknown tool")),
            Finished::Call(Err(CallError::Internal)) => Err(INTERNAL),
            Finished::Read(Ok(found)) => self.dispatch.found(flight.era, found),
            Finished::Read(Err(error)) => Err(read::failure(flight.era, error)),
            Finished::Complete(Ok(completion)) => Ok(self.dispatch.completed(flight.era, completion)),
            Finished::Complete(Err(error)) => Err(read::incomplete(error)),
            // Neither has anything to say.
            Finished::Turn(_) | Finished::Said => Err(INTERNAL),
        };
        match result {
            Ok(result) => dispatch::answer(&flight.id, result),
            Err(failure) => dispatch::refusal(Some(&flight.id), &failure),
        }
    }
}

fn close(flight: &Flight) {
    if let Some(progress) = &flight.progress {
        progress.close();
    }
    flight.log.close();
}

fn array(answers: Vec<Parts>) -> Parts {
    let mut parts = vec![Part::Static("[")];
    for (index, answer) in answers.into_iter().enumerate() {
        if index > 0 {
            parts.push(Part::Static(","));
        }
        parts.extend(answer);
    }
    parts.push(Part::Static("]"));
    parts
}
