//! `keyward completions`.

use super::{Console, Outcome};
use crate::report::Exit;

/// Print the completion script of a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: `keyward completions bash > ~/.local/share/bash-completion/completions/keyward`")]
pub(super) struct Arguments {
    /// bash, zsh, fish or powershell
    shell: Shell,
}

/// The shells that are known. Each script asks `keyward complete`, and is the same for every release.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    #[value(name = "powershell")]
    Power,
}

pub(super) fn run(arguments: &Arguments, console: &Console) -> Outcome {
    let script = match arguments.shell {
        Shell::Bash => include_str!("../../completions/keyward.bash"),
        Shell::Zsh => include_str!("../../completions/_keyward"),
        Shell::Fish => include_str!("../../completions/keyward.fish"),
        Shell::Power => include_str!("../../completions/keyward.ps1"),
    };
    console.print(script.trim_end());
    Ok(Exit::Done)
}
