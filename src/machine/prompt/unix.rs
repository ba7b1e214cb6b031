//! Standard input on Unix: a terminal without echo, a pipe or a file.
//!
//! A terminal that hides its input is not left in its line mode either: that mode cuts a line at 4,096 bytes on Linux and
//! at 1,024 on macOS, and the address of an answer can be longer. Ctrl-C stays a signal.

use std::io::{self, IsTerminal, PipeReader, PipeWriter, Stdin};
use std::os::fd::AsFd;
use std::thread::JoinHandle;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::getpgrp;
use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush, tcgetattr, tcgetpgrp, tcsetattr,
};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use zeroize::Zeroizing;

use super::{Echo, Editor, Line, Lines, Prompt, Step};

/// How often the terminal is looked at: its state is another one after the program was stopped and continued.
const GLANCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 500_000_000 };
/// What follows the end of a line within this time was pasted together with it.
const TOGETHER: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// Standard input.
#[derive(Debug)]
pub struct Standard;

impl Prompt for Standard {
    fn lines(&self, echo: Echo) -> io::Result<Lines> {
        let input = io::stdin();
        let mode = match echo {
            Echo::Hidden if input.is_terminal() => Some(Mode::hidden()?),
            _ => None,
        };
        let (stopped, stop) = io::pipe()?;
        let (sender, lines) = unbounded_channel();
        let editor = Editor::new(mode.is_some());
        let reader = Reader { input, stopped, mode, editor, lines: sender };
        let is_hidden = reader.mode.is_some();
        let thread = std::thread::Builder::new().name("keyward-prompt".to_owned()).spawn(move || reader.run())?;
        // A line that is shown is read in the terminal's own line mode, where such a read can wait; nothing is to be
        // restored there, so nobody waits for the thread.
        let thread = Some(thread).filter(|_| is_hidden);
        Ok(Lines { lines, _reading: Some(Box::new(Reading { stop: Some(stop), thread })) })
    }

    fn forget(&self) -> io::Result<()> {
        let input = io::stdin();
        if in_background(&input) {
            // Touching the terminal from there would stop the program, and what waits there is for another one.
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(tcflush(&input, QueueSelector::IFlush)?)
    }
}

/// Ends the thread when it is dropped, and waits until the terminal is as it was.
struct Reading {
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Reading {
    fn drop(&mut self) {
        // The thread notices the closed pipe at once, whatever it waits for.
        self.stop = None;
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// A terminal that hides what is typed until this is dropped.
struct Mode {
    before: Termios,
    hidden: Termios,
}

impl Mode {
    fn hidden() -> io::Result<Self> {
        let input = io::stdin();
        if in_background(&input) {
            // Touching the terminal from there would stop the program.
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let before = tcgetattr(&input)?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON);
        hidden.local_modes.insert(LocalModes::ISIG);
        // Ctrl-C throws away what was typed. If that happens between a look and a read, the read must find nothing and not
        // wait: whoever drops the prompt waits for its thread.
        hidden.special_codes[SpecialCodeIndex::VMIN] = 0;
        hidden.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(&input, OptionalActions::Now, &hidden)?;
        Ok(Self { before, hidden })
    }

    /// Hides the input again if a shell has shown it meanwhile.
    fn keep(&self, input: &Stdin) {
        let shown = |now: &Termios| now.local_modes.intersects(LocalModes::ECHO | LocalModes::ICANON);
        if !in_background(input) && tcgetattr(input).is_ok_and(|now| shown(&now)) {
            let _ = tcsetattr(input, OptionalActions::Now, &self.hidden);
        }
    }
}

impl Drop for Mode {
    fn drop(&mut self) {
        let input = io::stdin();
        if !in_background(&input) {
            // What was pasted and not read yet must not become a command of the shell.
            let _ = tcsetattr(&input, OptionalActions::Flush, &self.before);
        }
    }
}

/// Whether the terminal belongs to another job right now.
fn in_background(input: &Stdin) -> bool {
    tcgetpgrp(input).is_ok_and(|group| group != getpgrp())
}

/// What the thread found when it looked.
enum Seen {
    /// Nobody wants lines any more.
    Stop,
    /// There is something to read, or the input has ended.
    Input {
        /// Nobody is at the other end any more.
        hung_up: bool,
    },
    /// The time is up.
    Nothing,
}

struct Reader {
    input: Stdin,
    stopped: PipeReader,
    mode: Option<Mode>,
    editor: Editor,
    lines: UnboundedSender<Line>,
}

impl Reader {
    fn run(mut self) {
        let mut bytes = Zeroizing::new([0; 1024]);
        // The end of a line was seen, and the line may still go on: a copied address can hold line breaks.
        let mut ending = false;
        loop {
            match self.look(if ending { TOGETHER } else { GLANCE }) {
                Seen::Stop => return,
                Seen::Nothing if ending => {
                    ending = false;
                    if !self.send_line() {
                        return;
                    }
                }
                Seen::Nothing => self.keep(),
                Seen::Input { hung_up } => match rustix::io::read(&self.input, bytes.as_mut_slice()) {
                    Err(rustix::io::Errno::INTR) => {}
                    Ok(0) if self.mode.is_some() && !hung_up => {}
                    Ok(count @ 1..) => match self.take(bytes.get(..count).unwrap_or_default()) {
                        Some(open) => ending = open,
                        None => return,
                    },
                    Ok(_) | Err(_) => {
                        self.end(ending);
                        return;
                    }
                },
            }
        }
    }

    /// Whether a line waits for its continuation; `None` if this was the end.
    fn take(&mut self, bytes: &[u8]) -> Option<bool> {
        self.keep();
        let mut ending = false;
        for byte in bytes {
            match self.editor.take(*byte) {
                Step::More => ending = false,
                Step::Enter if self.mode.is_some() => ending = true,
                Step::Enter if !self.send_line() => return None,
                Step::Enter => {}
                Step::End => {
                    self.end(false);
                    return None;
                }
            }
        }
        Some(ending)
    }

    fn keep(&self) {
        if let Some(mode) = &self.mode {
            mode.keep(&self.input);
        }
    }

    fn send_line(&mut self) -> bool {
        let line = self.editor.line();
        self.lines.send(line).is_ok()
    }

    /// The input has ended; a last line without an end counts.
    fn end(&mut self, ending: bool) {
        if ending || !self.editor.is_empty() {
            self.send_line();
        }
        let _ = self.lines.send(Line::End);
    }

    fn look(&self, wait: Timespec) -> Seen {
        // Reading from the background would stop the program, so the input is not even looked at.
        let watched = if in_background(&self.input) { PollFlags::empty() } else { PollFlags::IN };
        let stopped = self.stopped.as_fd();
        let mut found = [PollFd::new(&stopped, PollFlags::IN), PollFd::new(&self.input, watched)];
        match poll(&mut found, Some(&wait)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => Seen::Nothing,
            Ok(_) => match found.map(|one| one.revents()) {
                [stop, _] if !stop.is_empty() => Seen::Stop,
                [_, input] if !input.is_empty() => Seen::Input { hung_up: input.intersects(PollFlags::HUP) },
                _ => Seen::Nothing,
            },
            Err(_) => Seen::Stop,
        }
    }
}
