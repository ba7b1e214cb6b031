//! Warnings, and what `-v` shows besides: our own log lines on standard error. Lines of dependencies are left out at
//! every level, because nobody here knows what they print.

use std::sync::Arc;

use log::{LevelFilter, Log, Metadata, Record};

use super::console;
use crate::backends::outside;
use crate::machine::{Machine, Terminal};

struct Lines(Arc<dyn Terminal>);

impl Log for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("keyward")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let level = record.level().as_str().to_ascii_lowercase();
            // Much of it quotes what somebody else wrote, and a line is one line.
            let text = outside::clean(record.args().to_string()).replace('\n', " ");
            console::write(self.0.messages(), &format!("{level}: {text}"));
        }
    }

    fn flush(&self) {}
}

/// Starts logging at the level of so many `-v`; without one, with warnings unless `--quiet` is there. Only the first call
/// of a process counts.
pub(super) fn start(machine: &Machine, verbose: u8, quiet: bool) {
    let level = match verbose {
        0 if quiet => LevelFilter::Error,
        0 => LevelFilter::Warn,
        1 => LevelFilter::Info,
        _ => LevelFilter::Trace,
    };
    if log::set_boxed_logger(Box::new(Lines(Arc::clone(&machine.terminal)))).is_ok() {
        log::set_max_level(level);
    }
}
