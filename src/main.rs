//! The program: collects the arguments and the real machine, runs, and returns the exit code.

use std::io::Write as _;
use std::process::ExitCode;

use keyward::machine::{self, Machine};
use keyward::store::Stores;

#[expect(clippy::disallowed_methods, reason = "the one place that collects the arguments")]
fn main() -> ExitCode {
    machine::without_core_dumps();
    // The default hook prints what was panicked with, which may hold an argument or an answer; the place is enough.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(std::io::stderr(), "error: keyward has a bug at {place}; the call it happened in has failed");
    }));
    let exit = keyward::run(std::env::args_os(), Machine::real(), Stores::keychain());
    ExitCode::from(exit as u8)
}
