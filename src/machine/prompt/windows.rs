//! Standard input where there is no safe way to stop reading a terminal: the thread is left behind, and the end of the
//! process ends it. A terminal is therefore only read where the person asked for that.

use std::io::{self, IsTerminal, Read};

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::{Echo, Editor, Line, Lines, Prompt, Step};
use crate::secret::Secret;

/// Standard input.
#[derive(Debug)]
pub struct Standard;

impl Prompt for Standard {
    fn lines(&self, echo: Echo) -> io::Result<Lines> {
        let (sender, lines) = unbounded_channel();
        let hidden = echo == Echo::Hidden && io::stdin().is_terminal();
        let read = move || if hidden { ask(&sender) } else { read(&sender) };
        std::thread::Builder::new().name("keyward-prompt".to_owned()).spawn(read)?;
        Ok(Lines { lines, _reading: None })
    }

    /// What waits at the console is dropped by calls of Windows alone, which no safe code reaches.
    fn forget(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

fn ask(lines: &UnboundedSender<Line>) {
    while let Ok(text) = rpassword::read_password() {
        if lines.send(Line::Text(Secret::new(text))).is_err() {
            return;
        }
    }
    let _ = lines.send(Line::End);
}

fn read(lines: &UnboundedSender<Line>) {
    let mut editor = Editor::new(false);
    for byte in io::stdin().lock().bytes() {
        let Ok(byte) = byte else { break };
        if editor.take(byte) == Step::Enter && lines.send(editor.line()).is_err() {
            return;
        }
    }
    if !editor.is_empty() {
        let _ = lines.send(editor.line());
    }
    let _ = lines.send(Line::End);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_to_be_dropped_that_was_not() {
        assert!(Standard.forget().is_err());
    }
}
