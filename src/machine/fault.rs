//! What a bug costs: the process says where it is, lets those who wait know, and ends. Nothing unwinds: a program that
//! could go on after any mistake would be a quarter larger, and would go on with what the mistake left behind.

use std::io::Write as _;
use std::sync::Mutex;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

type Words = Box<dyn Fn() + Send>;

/// How long standard error may take.
const PATIENCE: Duration = Duration::from_millis(300);

static LAST_WORDS: Mutex<Option<Words>> = Mutex::new(None);

/// What is still done when a panic ends the process. Replaces what was said before.
pub fn before_the_end(words: impl Fn() + Send + 'static) {
    if let Ok(mut last) = LAST_WORDS.lock() {
        *last = Some(Box::new(words));
    }
}

/// From now on a panic ends the process with exit code 1, on whichever thread it happens.
#[expect(clippy::disallowed_methods, reason = "a panic is the one end that main does not see")]
#[expect(clippy::exit, reason = "the same")]
pub fn end_at_a_panic() {
    std::panic::set_hook(Box::new(|panic| {
        // The default hook prints what was panicked with, which may hold an argument or an answer; the place is enough.
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let Ok(words) = LAST_WORDS.try_lock() else {
            // Another thread is at it, and ends the process when its words are out.
            loop {
                std::thread::park();
            }
        };
        if let Some(words) = &*words {
            words();
        }
        // Whoever started us may read no complaints, and must not be able to keep the process by that.
        let (said, heard) = sync_channel(1);
        let complaint = std::thread::Builder::new().spawn(move || {
            let _ = writeln!(std::io::stderr(), "error: keyward has a bug at {place}, and ends");
            let _ = said.send(());
        });
        if complaint.is_ok() {
            let _ = heard.recv_timeout(PATIENCE);
        }
        std::process::exit(1);
    }));
}
