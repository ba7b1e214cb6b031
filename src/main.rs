//! The program: collects the arguments and the real machine, runs, and returns the exit code.

use std::process::ExitCode;

use keyward::machine::{self, Machine};
use keyward::store::Stores;

#[expect(clippy::disallowed_methods, reason = "the one place that collects the arguments")]
fn main() -> ExitCode {
    machine::without_core_dumps();
    machine::end_at_a_panic();
    let exit = keyward::run(std::env::args_os(), Machine::real(), Stores::keychain());
    ExitCode::from(exit as u8)
}
