//! One line on standard error that is written over again while something takes long; nothing where no terminal is.
//!
//! Whatever else is written to the terminal first takes the line away, and as long as something else stands in the line
//! (a question, what a person types) it does not come back: a [`Line`] watches the terminal and the prompt that everybody
//! uses. Blanks take it away, not a code: that works on every terminal.

use std::future::Future;
use std::io::{self, BufRead, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::width;
use crate::backends::outside;
use crate::backends::{Progress, Step};
use crate::machine::{Echo, Handle, Lines, Machine, Prompt, Terminal};

/// What ends before this shows nothing.
const SOON: Duration = Duration::from_secs(1);
/// How often the line is looked at: a server may tell of a thousand steps a second.
const BEAT: Duration = Duration::from_millis(250);
/// The width where standard output is no terminal, which is the one that is measured.
const USUAL: usize = 80;

/// The line. Clones are the same line.
#[derive(Clone)]
pub(super) struct Line(Option<Arc<Inner>>);

struct Inner {
    terminal: Arc<dyn Terminal>,
    width: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How wide what stands there now is.
    shown: usize,
    /// Something else stands in the line.
    is_taken: bool,
    /// Questions whose answers can be seen.
    questions: usize,
}

/// Lets the line know what else happens at this machine's terminal.
pub(super) fn watched(machine: Machine, is_wanted: bool) -> (Machine, Line) {
    if !(is_wanted && machine.facts.messages) || machine.environment.text("TERM") == Some("dumb") {
        return (machine, Line(None));
    }
    // The last column stays free: some terminals go on in the next line as soon as it is written.
    let width = machine.facts.width.unwrap_or(USUAL).saturating_sub(1);
    let inner = Arc::new(Inner { terminal: Arc::clone(&machine.terminal), width, state: Mutex::default() });
    let terminal = Arc::new(Watched(Arc::clone(&inner)));
    let prompt = Arc::new(Asking(Arc::clone(&machine.prompt), Arc::clone(&inner)));
    (Machine { terminal, prompt, ..machine }, Line(Some(inner)))
}

impl Line {
    /// Runs the work; while it takes long, the line says what `text` says after so many seconds.
    pub(super) async fn during<T>(&self, text: impl Fn(u64) -> String, work: impl Future<Output = T>) -> T {
        let Some(inner) = &self.0 else { return work.await };
        let began = tokio::time::Instant::now();
        let mut beat = tokio::time::interval_at(began + SOON, BEAT);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        // Also when the work is given up.
        let _end = End(inner);
        tokio::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                _ = beat.tick() => inner.show(&text(began.elapsed().as_secs())),
            }
        }
    }

    /// As [`Line::during`], for work that tells how far it is.
    pub(super) async fn during_steps<T, F>(&self, what: &str, work: impl FnOnce(Progress) -> F) -> T
    where
        F: Future<Output = T>,
    {
        let latest = Arc::new(Mutex::new(None));
        let progress = match &self.0 {
            None => Progress::default(),
            Some(_) => {
                let latest = Arc::clone(&latest);
                Progress::to(move |step| {
                    *latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(told(&step));
                })
            }
        };
        let text = |seconds| match latest.lock().unwrap_or_else(PoisonError::into_inner).as_deref() {
            Some(step) => format!("{what}: {step} ({seconds} s)"),
            None => format!("{what} ({seconds} s)"),
        };
        self.during(text, work(progress)).await
    }
}

/// A step in words.
fn told(step: &Step) -> String {
    let message = step.message.as_deref().map(|message| outside::line(message, 200)).unwrap_or_default();
    let count = match step.total {
        Some(total) => format!("{}/{total}", step.done),
        None => step.done.to_string(),
    };
    format!("{count} {message}").trim_end().to_owned()
}

impl Inner {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, text: &str) {
        let mut state = self.state();
        if state.is_taken || state.questions > 0 {
            return;
        }
        let mut line = String::new();
        let mut taken = 0;
        for letter in outside::line(text, self.width).chars() {
            let wide = width::of_letter(letter);
            if taken + wide > self.width {
                break;
            }
            line.push(letter);
            taken += wide;
        }
        let rest = " ".repeat(state.shown.saturating_sub(taken));
        state.shown = taken;
        // A terminal that went away is told nothing.
        let mut messages = self.terminal.messages();
        let _ = write!(messages, "\r{line}{rest}\r").and_then(|()| messages.flush());
    }

    /// Takes the line away, if it is there.
    fn wipe(&self, state: &mut State) {
        let shown = std::mem::take(&mut state.shown);
        if shown > 0 {
            let mut messages = self.terminal.messages();
            let _ = write!(messages, "\r{}\r", " ".repeat(shown)).and_then(|()| messages.flush());
        }
    }
}

struct End<'a>(&'a Arc<Inner>);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.wipe(&mut self.0.state());
    }
}

struct Watched(Arc<Inner>);

impl Terminal for Watched {
    fn input(&self) -> Box<dyn BufRead + Send> {
        self.0.terminal.input()
    }

    fn output(&self) -> Box<dyn Write + Send> {
        self.0.wipe(&mut self.0.state());
        self.0.terminal.output()
    }

    fn handles(&self) -> Option<[Handle; 2]> {
        self.0.wipe(&mut self.0.state());
        self.0.terminal.handles()
    }

    fn messages(&self) -> Box<dyn Write + Send> {
        Box::new(Writer { inner: Arc::clone(&self.0), stream: self.0.terminal.messages() })
    }
}

struct Writer {
    inner: Arc<Inner>,
    stream: Box<dyn Write + Send>,
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.inner.state();
        self.inner.wipe(&mut state);
        if let Some(last) = bytes.last() {
            state.is_taken = *last != b'\n';
        }
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

struct Asking(Arc<dyn Prompt>, Arc<Inner>);

/// A question whose answer can be seen.
struct Question(Arc<Inner>);

impl Drop for Question {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.questions = state.questions.saturating_sub(1);
        // The person's Enter has ended the line.
        state.is_taken = state.is_taken && state.questions > 0;
    }
}

impl Prompt for Asking {
    fn lines(&self, echo: Echo) -> io::Result<Lines> {
        let lines = self.0.lines(echo)?;
        if echo == Echo::Hidden {
            return Ok(lines);
        }
        let mut state = self.1.state();
        self.1.wipe(&mut state);
        state.questions += 1;
        Ok(lines.holding(Box::new(Question(Arc::clone(&self.1)))))
    }

    fn forget(&self) -> io::Result<()> {
        self.0.forget()
    }
}

#[cfg(test)]
mod tests;
