//! The one writer of the command line: data to standard output, text for people to standard error.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use super::Global;
use super::progress::Line;
use crate::machine::{Machine, Terminal};
use crate::report::Report;

/// When messages are coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Whether a stream is coloured that a person sees or not.
    pub(super) fn applies(self, machine: &Machine, is_seen: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            // https://no-color.org: any value but the empty one.
            Self::Auto => is_seen && machine.environment.text("NO_COLOR").is_none(),
        }
    }
}

/// Writes what a command says.
pub(super) struct Console {
    terminal: Arc<dyn Terminal>,
    /// Data is one JSON object.
    pub(super) json: bool,
    /// The person wants to read more.
    pub(super) verbose: bool,
    /// How many letters fit into a line; `None` where no person reads it.
    pub(super) width: Option<usize>,
    /// Shows that something takes long.
    pub(super) line: Line,
    quiet: bool,
    color: bool,
    unwritten: Mutex<Option<Report>>,
}

impl Console {
    pub(super) fn new(machine: &Machine, global: &Global, line: Line) -> Self {
        let color = global.color.applies(machine, machine.facts.messages);
        Self {
            terminal: Arc::clone(&machine.terminal),
            json: global.json,
            verbose: global.verbose > 0,
            width: machine.facts.width,
            line,
            quiet: global.quiet,
            color,
            unwritten: Mutex::default(),
        }
    }

    /// The console of a command that runs inside another one: with `--json` it speaks to people, and leaves standard output
    /// to the one object.
    pub(super) fn aside(&self) -> Self {
        let terminal: Arc<dyn Terminal> = match self.json {
            true => Arc::new(Aside(Arc::clone(&self.terminal))),
            false => Arc::clone(&self.terminal),
        };
        let (verbose, width, quiet, color) = (self.verbose, self.width, self.quiet, self.color);
        let line = self.line.clone();
        Self { terminal, json: false, verbose, width, line, quiet, color, unwritten: Mutex::default() }
    }

    /// Whether only failures are to be told.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Tells the person something; not with `--quiet`.
    pub(super) fn say(&self, text: &str) {
        if !self.quiet {
            write(self.terminal.messages(), text);
        }
    }

    /// Tells the person something they asked for, also with `--quiet`.
    pub(super) fn must_say(&self, text: &str) {
        write(self.terminal.messages(), text);
    }

    /// Prints the requested data as text.
    pub(super) fn print(&self, text: &str) {
        if let Err(report) = put(self.terminal.output(), text) {
            *self.unwritten.lock().unwrap_or_else(PoisonError::into_inner) = Some(report);
        }
    }

    /// What became of the data that was printed.
    pub(super) fn verdict(&self) -> Result<(), Report> {
        match self.unwritten.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(report) => Err(report),
            None => Ok(()),
        }
    }

    /// Prints the requested data as one JSON object.
    pub(super) fn print_json<T: Serialize>(&self, value: &T) {
        self.print(&serde_json::to_string(value).unwrap_or_default());
    }

    /// Prints a failure: words to standard error, and with `--json` the object to standard output.
    pub(super) fn failure(&self, report: &Report) {
        if self.json {
            self.print(&report.json());
            return;
        }
        let text = report.text();
        if !self.color {
            write(self.terminal.messages(), &text);
            return;
        }
        let mut colored = String::new();
        for line in text.lines() {
            // The word itself carries the meaning; the colour only helps the eye.
            let (word, rest) = line.split_once(':').unwrap_or(("", line));
            let code = match word {
                "error" => "1;31",
                "cause" => "1",
                _ => "1;36",
            };
            colored.push_str(&format!("\x1b[{code}m{word}:\x1b[0m{rest}\n"));
        }
        write(self.terminal.messages(), colored.trim_end());
    }
}

/// A terminal whose data goes where the messages go.
struct Aside(Arc<dyn Terminal>);

impl Terminal for Aside {
    fn input(&self) -> Box<dyn std::io::BufRead + Send> {
        self.0.input()
    }

    fn output(&self) -> Box<dyn Write + Send> {
        self.0.messages()
    }

    fn messages(&self) -> Box<dyn Write + Send> {
        self.0.messages()
    }
}

/// Writes what was asked for. A reader that went away has what it wanted; a full disk has not.
pub(super) fn put(mut stream: Box<dyn Write + Send>, text: &str) -> Result<(), Report> {
    match writeln!(stream, "{text}").and_then(|()| stream.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(crate::report::io("the output could not be written", &error)
                .hint("look at where standard output leads: a full disk, or a closed file"))
        }
        _ => Ok(()),
    }
}

/// Writes a line. A reader that went away is not an error: nobody is left to be told.
pub(super) fn write(mut stream: Box<dyn Write + Send>, text: &str) {
    let _ = writeln!(stream, "{text}").and_then(|()| stream.flush());
}
