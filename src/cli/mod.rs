//! The command line: one file per command. Nothing imports this module.
//!
//! A command gets what it needs, says what it did and returns; failures travel up as a [`Report`] and are printed in one
//! place.

use std::ffi::OsString;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{CommandFactory, Parser, Subcommand};

use crate::app::App;
use crate::machine::{Machine, TerminalFacts};
use crate::report::{Exit, Report};
use crate::store::Stores;

mod call;
mod client;
mod complete;
mod completions;
mod config;
mod confirm;
mod console;
mod credential;
mod demo;
mod doctor;
mod install;
mod layout;
mod logging;
mod login;
mod logout;
mod manual;
mod progress;
mod sandbox;
mod schema;
mod serve;
mod setup;
mod signals;
mod status;
mod table;
mod token;
mod tools;
mod width;

use console::Console;

/// Use the services you work with from any MCP host, under your own login
#[derive(Debug, Parser)]
#[command(name = "keyward", version, max_term_width = 100, arg_required_else_help = true)]
#[command(
    after_help = "Example: `keyward setup` asks for everything; or `keyward login tavily`, then `keyward install cursor`."
)]
pub struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Flags that every command takes.
#[derive(Clone, Debug, clap::Args)]
struct Global {
    /// Use this configuration file
    #[arg(long, global = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = "Everywhere")]
    config: Option<PathBuf>,
    /// Also trust the certificate authorities in this PEM file
    #[arg(long, global = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = "Everywhere")]
    ca_file: Option<PathBuf>,
    /// Print one JSON object instead of text
    #[arg(long, global = true, help_heading = "Everywhere")]
    json: bool,
    /// Say only what went wrong
    #[arg(short, long, global = true, help_heading = "Everywhere")]
    quiet: bool,
    /// Say more on standard error; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Everywhere")]
    verbose: u8,
    /// Colour the messages: auto, always or never
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Everywhere")]
    color: console::Color,
}

#[derive(Debug, Subcommand)]
enum Command {
    Setup(setup::Arguments),
    Login(Box<login::Arguments>),
    Logout(logout::Arguments),
    Status(status::Arguments),
    Token(token::Arguments),
    Credential(credential::Arguments),
    Serve(serve::Arguments),
    Tools(tools::Arguments),
    Call(call::Arguments),
    Install(install::Arguments),
    Doctor(doctor::Arguments),
    Config(config::Arguments),
    Demo(demo::Arguments),
    Sandbox(sandbox::Arguments),
    Completions(completions::Arguments),
    Man(manual::Arguments),
    Complete(complete::Arguments),
}

/// What a command ends with: an exit code of its own, or a failure in words.
type Outcome = Result<Exit, Report>;

/// How long work that must not be cut off may go on after the command has ended: a token request and the write behind
/// it. A refresh token that was spent and whose successor was not kept is a lost login.
const SETTLE: Duration = Duration::from_secs(40);

/// The definition of the whole command line.
pub fn definition() -> clap::Command {
    Arguments::command()
}

/// Runs the command that the arguments name and returns the exit code of the process.
pub fn run(arguments: Vec<OsString>, machine: Machine, stores: Stores) -> Exit {
    let arguments = as_helper(arguments);
    let asked = Asked::of(&arguments);
    let parsed = Serving::of(&arguments).map_or_else(|| Arguments::try_parse_from(arguments), Ok);
    let arguments = match parsed {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error, &machine, asked),
    };
    let shows_progress = !(arguments.global.json || arguments.global.quiet);
    let (machine, line) = progress::watched(machine, shows_progress);
    let console = Console::new(&machine, &arguments.global, line);
    // Whoever asks for completions is typing: nothing may be said in between.
    if !matches!(arguments.command, Command::Complete(_)) {
        logging::start(&machine, arguments.global.verbose, arguments.global.quiet);
    }
    let outcome = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Err(error) => Err(crate::report::io("the runtime could not be started", &error)),
        Ok(runtime) => {
            let outcome = runtime.block_on(command(arguments, &console, machine, stores));
            // A keychain that never answers must not keep the process alive.
            runtime.shutdown_background();
            outcome
        }
    };
    match outcome.and_then(|exit| console.verdict().map(|()| exit)) {
        Ok(exit) => exit,
        Err(report) => {
            console.failure(&report);
            report.exit
        }
    }
}

async fn command(arguments: Arguments, console: &Console, machine: Machine, stores: Stores) -> Outcome {
    signals::survive_limits();
    let Arguments { global, command } = arguments;
    let command = match command {
        // These work without a configuration, so a broken one does not stop them.
        Command::Completions(arguments) => return completions::run(&arguments, console),
        Command::Man(arguments) => return manual::run(&arguments, console),
        Command::Complete(arguments) => return complete::run(&arguments, console, machine, stores, &global),
        Command::Demo(arguments) => return signals::or(demo::run(&arguments, console, &machine, stores.patient)).await,
        Command::Doctor(arguments) => {
            return signals::or(doctor::run(arguments, console, machine, stores.brief, &global)).await;
        }
        Command::Setup(arguments) => return setup::run(arguments, console, &machine, &stores, &global).await,
        Command::Install(arguments) => {
            return signals::or(install::run(arguments, console, &machine, stores.brief, &global)).await;
        }
        Command::Config(arguments) if arguments.works_on_a_broken_file() => {
            return signals::or(config::mend(arguments, console, &machine, global.config.as_deref())).await;
        }
        other => other,
    };
    let store = match command {
        Command::Login(_) | Command::Logout(_) => stores.patient,
        _ => stores.brief,
    };
    let machine = match &command {
        Command::Login(arguments) => arguments.choose_store(machine, console),
        // Standard input is the protocol there: nobody can be asked for a passphrase.
        Command::Serve(_) => Machine { facts: TerminalFacts::default(), ..machine },
        _ => machine,
    };
    let app = App::open(machine, store, global.config.as_deref()).map_err(|error| Report::from(&error))?;
    let app = Arc::new(app.trusting(global.ca_file));
    let running: std::pin::Pin<Box<dyn Future<Output = Outcome> + '_>> = match command {
        Command::Login(arguments) => Box::pin(login::run(*arguments, console, &app)),
        Command::Logout(arguments) => Box::pin(logout::run(arguments, console, &app)),
        Command::Status(arguments) => Box::pin(status::run(arguments, console, &app)),
        Command::Token(arguments) => Box::pin(token::run(arguments, console, &app)),
        Command::Credential(arguments) => Box::pin(credential::run(arguments, console, &app)),
        Command::Serve(arguments) => Box::pin(serve::run(arguments, &app)),
        Command::Tools(arguments) => Box::pin(tools::run(arguments, console, &app)),
        Command::Call(arguments) => Box::pin(call::run(arguments, console, &app)),
        Command::Config(_) => Box::pin(std::future::ready(config::run(console, &app))),
        Command::Sandbox(arguments) => Box::pin(sandbox::run(arguments, console, &app)),
        Command::Demo(_)
        | Command::Doctor(_)
        | Command::Install(_)
        | Command::Setup(_)
        | Command::Completions(_)
        | Command::Man(_)
        | Command::Complete(_) => return Ok(Exit::Done),
    };
    let outcome = signals::or(running).await;
    // A renewal that has begun may already have used up the refresh token: it gets its time, a second signal ends it.
    let _ = signals::or(async {
        app.parts.owned.settle(SETTLE).await;
        Ok(Exit::Done)
    })
    .await;
    outcome
}

/// Under the name by which Docker looks for its helper, the program is that helper.
fn as_helper(arguments: Vec<OsString>) -> Vec<OsString> {
    let own = arguments.first().map(PathBuf::from);
    if own.is_none_or(|own| own.file_stem().is_none_or(|name| name != credential::DOCKER)) {
        return arguments;
    }
    let words = ["keyward", "credential", "docker"].into_iter().map(OsString::from);
    words.chain(arguments.into_iter().skip(1)).collect()
}

/// The command line of `serve` alone. Hosts start it many times a day and wait for it, and the definition of every other
/// command would be a third of what a start costs.
#[derive(Parser)]
#[command(disable_help_flag = true)]
struct Serving {
    #[command(flatten)]
    global: Global,
    #[command(flatten)]
    serve: serve::Arguments,
}

impl Serving {
    /// `None` for every other command, and for whatever has a mistake in it or asks for help: the whole definition has
    /// the words for that.
    fn of(arguments: &[OsString]) -> Option<Arguments> {
        let is = |place: usize, word: &str| arguments.get(place).is_some_and(|there| there == word);
        // Its configuration may be named first; whatever else comes before the command is for the whole definition.
        let place = if is(1, "--config") { 3 } else { 1 };
        if !is(place, "serve") {
            return None;
        }
        let words = arguments.iter().enumerate().filter(|(at, _)| *at != place).map(|(_, word)| word);
        let Self { global, serve } = Self::try_parse_from(words).ok()?;
        Some(Arguments { global, command: Command::Serve(serve) })
    }
}

/// What a command line asks for that could not be read as a whole.
#[derive(Clone, Copy)]
struct Asked {
    json: bool,
    color: Option<console::Color>,
}

impl Asked {
    fn of(arguments: &[OsString]) -> Self {
        let words = || arguments.iter().filter_map(|word| word.to_str()).take_while(|word| *word != "--");
        let after = words().skip_while(|word| *word != "--color").nth(1);
        let color = words().find_map(|word| word.strip_prefix("--color=")).or(after);
        let color = color.and_then(|word| <console::Color as clap::ValueEnum>::from_str(word, false).ok());
        Self { json: words().any(|word| word == "--json"), color }
    }
}

fn usage(error: &clap::Error, machine: &Machine, asked: Asked) -> Exit {
    use clap::error::ErrorKind;
    let wanted = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if asked.json && !wanted {
        let text = error.render().to_string();
        let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        let report = Report::new(Exit::Usage, "usage", first);
        let tip = text.lines().find_map(|line| line.trim_start().strip_prefix("tip: "));
        let report = tip.into_iter().fold(report, Report::hint).hint("`keyward --help`");
        console::write(machine.terminal.output(), &report.json());
        return Exit::Usage;
    }
    let is_seen = if wanted { machine.facts.output } else { machine.facts.messages };
    let is_colored = asked.color.unwrap_or(console::Color::Auto).applies(machine, is_seen);
    let text = if is_colored { error.render().ansi().to_string() } else { error.render().to_string() };
    if !wanted {
        console::write(machine.terminal.messages(), text.trim_end());
        return Exit::Usage;
    }
    match console::put(machine.terminal.output(), text.trim_end()) {
        Ok(()) => Exit::Done,
        Err(report) => {
            console::write(machine.terminal.messages(), &report.text());
            report.exit
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serve_alone_is_read_as_the_whole_definition_reads_it() {
        let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        for line in [
            "keyward serve",
            "keyward serve --read-only --only a,b",
            "keyward --config f.toml serve -v --ca-file c.pem",
            "keyward --config serve serve -q",
            "keyward serve --json --color=never -q",
        ] {
            let whole = Arguments::try_parse_from(words(line)).map(|read| format!("{read:?}")).ok();
            let alone = Serving::of(&words(line)).map(|read| format!("{read:?}"));
            assert_eq!(alone, whole, "{line}");
            assert!(alone.is_some(), "{line}");
        }
        for line in [
            "keyward",
            "keyward status serve",
            "keyward --config serve",
            "keyward --config serve status",
            "keyward serve --help",
            "keyward serve extra",
            "keyward serve --onyl a",
            "keyward --json serve",
            "keyward help serve",
        ] {
            assert!(Serving::of(&words(line)).is_none(), "{line}");
        }
    }
}
