//! The person's yes at a terminal: some tools do nothing without it. No flag stands in for it, because whoever may put
//! together a command line is not always the person.

use std::io::{self, Write as _};

use serde_json::{Map, Value};

use crate::app::error::NoYes;
use crate::app::{App, Error};
use crate::backends::{Agreed, Call, Host, Output, Progress, outside};
use crate::machine::{Echo, Line, Lines, Machine};
use crate::serve::Entry;

/// What counts as a yes. Everything else is a no, also an empty line and the end of the input.
const YES: [&str; 5] = ["y", "Y", "yes", "Yes", "YES"];

/// Calls the tool; where it wants the person's yes, asks for it and calls again.
pub(super) async fn call(
    app: &App,
    entry: &Entry,
    arguments: Map<String, Value>,
    progress: Progress,
) -> Result<Output, Error> {
    let call =
        |agreed| Call { arguments: arguments.clone(), progress: progress.clone(), agreed, host: Host::default() };
    let (tool, question) = match entry.call(call(Agreed::default())).await {
        Err(Error::Unconfirmed { tool, question, .. }) => (tool, question),
        other => return other,
    };
    let (audit, whose) = (&app.parts.audit, entry.whose());
    if let Err(why) = ask(&app.machine, &question).await {
        let error = Error::Unconfirmed { tool, question, why };
        audit.agreed(whose, &entry.tool.name, Some(&error));
        return Err(error);
    }
    audit.agreed(whose, &entry.tool.name, None);
    entry.call(call(Agreed::to(question))).await.map_err(Error::after_a_yes)
}

/// Shows the question and waits for the answer, if somebody sits there to read the one and give the other.
pub(super) async fn ask(machine: &Machine, question: &str) -> Result<(), NoYes> {
    if !(machine.facts.input && machine.facts.messages) {
        return Err(NoYes::Unasked);
    }
    let mut lines = show(machine, question).map_err(|_| NoYes::Unasked)?;
    match lines.next().await {
        Line::Text(answer) if YES.iter().any(|yes| answer.matches(yes)) => Ok(()),
        Line::Text(_) | Line::TooLong | Line::End => Err(NoYes::Declined),
    }
}

/// The question is partly made of arguments: it must neither steer the terminal nor show something else than it says.
/// Whatever was typed before it could be read is no answer to it.
fn show(machine: &Machine, question: &str) -> io::Result<Lines> {
    let mut messages = machine.terminal.messages();
    writeln!(messages, "{}", outside::clean(question.to_owned()))?;
    messages.flush()?;
    machine.prompt.forget()?;
    write!(messages, "Do this? [y/N] ")?;
    messages.flush()?;
    machine.prompt.lines(Echo::Shown)
}

#[cfg(test)]
mod tests;
