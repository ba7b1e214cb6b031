//! `keyward completions`.

use clap_complete::Shell;

use super::{Console, Outcome};
use crate::report::Exit;

/// Print the completion script of a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: `keyward completions bash > ~/.local/share/bash-completion/completions/keyward`")]
pub(super) struct Arguments {
    /// bash, zsh, fish or powershell
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments, console: &Console) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut super::definition(), "keyward", &mut script);
    console.print(String::from_utf8_lossy(&script).trim_end());
    Ok(Exit::Done)
}
