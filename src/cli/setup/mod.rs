//! `keyward setup`: from nothing to a host that can use the person's services, in four steps: connect, log in, install, try.
//!
//! Every step is the command that does the same alone, so that nothing can be reached only from here. A person at a
//! terminal is asked; a script names the steps by flags. What was begun and not finished is taken back.

use std::sync::{Arc, Mutex, PoisonError};

use clap::Parser;
use serde::Serialize;

use super::{Command, Console, Global, Outcome, SETTLE, call, install, login, signals, width};
use crate::app::App;
use crate::config::edit::Change;
use crate::machine::Machine;
use crate::report::{Exit, Failure, Report};
use crate::store::Stores;

mod ask;
mod connect;
mod hosts;
mod person;
mod trial;

/// Connect services, log in, tell the hosts on this machine, and try one call: asks for what it needs
#[derive(Debug, clap::Args)]
#[command(
    after_help = "At a terminal and without flags it asks, and every question can be left with Enter or `s`; running it \
    again offers what is missing. With flags it does what they name and asks for nothing but a yes to each file.\n\n\
    Examples: `keyward setup`, `keyward setup --connect tavily --host cursor --try tavily_search:query=hello --yes`"
)]
pub(super) struct Arguments {
    /// Log in to this connection, or make one for this address of a remote MCP server
    #[arg(long, value_name = "CONNECTION|URL")]
    connect: Vec<String>,
    /// Put keyward into the list of this host, as `keyward install --list` names it
    #[arg(long, value_name = "HOST")]
    host: Vec<String>,
    /// Call this tool in the end; arguments follow a colon, as in `tavily_search:query=hello,max_results=3`
    #[arg(long = "try", value_name = "TOOL")]
    trial: Option<String>,
    /// Change the files of hosts without asking
    #[arg(short, long)]
    yes: bool,
}

impl Arguments {
    fn names_something(&self) -> bool {
        !(self.connect.is_empty() && self.host.is_empty() && self.trial.is_none())
    }
}

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Became {
    Done,
    /// It was so before.
    Already,
    Skipped,
    Failed,
}

/// One step and what became of it.
#[derive(Clone, Debug)]
struct Step {
    step: &'static str,
    what: String,
    became: Became,
    failure: Option<Report>,
}

#[derive(Serialize)]
struct ShownStep<'a> {
    step: &'a str,
    what: &'a str,
    outcome: Became,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure<'a>>,
}

#[derive(Serialize)]
struct Shown<'a> {
    schema_version: u32,
    steps: Vec<ShownStep<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure<'a>>,
}

/// What setup works with.
struct Setup<'a> {
    console: &'a Console,
    /// What the commands inside write to: standard output is for the one object with `--json`.
    inner: Console,
    machine: &'a Machine,
    stores: &'a Stores,
    global: &'a Global,
    /// The program as it was configured at the start; later ones share its work.
    first: App,
    steps: Mutex<Vec<Step>>,
    /// The new connection whose settings are written and which is not signed in yet.
    begun: Mutex<Option<String>>,
}

pub(super) async fn run(
    arguments: Arguments,
    console: &Console,
    machine: &Machine,
    stores: &Stores,
    global: &Global,
) -> Outcome {
    let somebody = machine.facts.input && machine.facts.messages && !console.json && !console.is_quiet();
    if !arguments.names_something() && !somebody {
        return Err(Report::new(Exit::Usage, "not_asked", "there is nothing to set up")
            .cause("nobody is at a terminal who could be asked, and no flag says what to do")
            .hint("`keyward setup --connect tavily --host cursor --yes` does it without questions")
            .hint("`keyward setup --help` lists the flags"));
    }
    let app = App::open(machine.clone(), Arc::clone(&stores.patient), global.config.as_deref());
    let first = app.map_err(|error| Report::from(&error))?.trusting(global.ca_file.clone());
    let setup = Setup {
        console,
        inner: console.aside(),
        machine,
        stores,
        global,
        first,
        steps: Mutex::default(),
        begun: Mutex::default(),
    };
    let outcome = signals::or(async {
        match arguments.names_something() {
            true => setup.by_flags(&arguments).await,
            false => person::all(&setup).await,
        }
        .map(|()| Exit::Done)
    })
    .await;
    // A login whose code is spent is kept before this ends; a second signal does not wait for it.
    let _ = signals::or(async {
        setup.first.parts.owned.settle(SETTLE).await;
        Ok(Exit::Done)
    })
    .await;
    setup.take_back().await;
    setup.tell(outcome)
}

impl Setup<'_> {
    async fn by_flags(&self, arguments: &Arguments) -> Result<(), Report> {
        // What cannot be meant is refused before anything is done.
        for name in &arguments.host {
            install::named(name)?;
        }
        for target in &arguments.connect {
            let outcome = connect::named(self, target).await;
            self.note("connect", target, outcome);
        }
        for name in &arguments.host {
            let outcome = hosts::install(self, name, arguments.yes).await;
            self.note("host", name, outcome);
        }
        if let Some(text) = &arguments.trial {
            let words = trial::words(text);
            let outcome = trial::call(self, &words).await;
            self.note("try", words.first().map_or("", String::as_str), outcome);
        }
        Ok(())
    }

    /// Tells the person something, in lines that fit the terminal.
    fn say(&self, text: &str) {
        self.console.say(&width::folded(text, self.console.width));
    }

    fn note(&self, step: &'static str, what: &str, outcome: Result<Became, Report>) {
        let (became, failure) = match outcome {
            Ok(became) => (became, None),
            Err(report) => {
                if !self.console.json {
                    self.console.failure(&report);
                }
                (Became::Failed, Some(report))
            }
        };
        let step = Step { step, what: what.to_owned(), became, failure };
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        // A second try takes the place of the first.
        steps.retain(|earlier| (earlier.step, &earlier.what) != (step.step, &step.what));
        steps.push(step);
    }

    fn steps(&self) -> Vec<Step> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The program as it is configured now.
    fn app(&self) -> Result<App, Report> {
        self.first.reload().map_err(|error| Report::from(&error))
    }

    fn begin(&self, connection: Option<&str>) {
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = connection.map(String::from);
    }

    /// Takes the settings of a connection out again that came to nothing.
    async fn take_back(&self) {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some(name), Ok(app)) = (begun, self.app()) {
            // An exchange that was under way may have come to its end.
            if connect::is_usable(&app, &name).await {
                return;
            }
            let change = Change { key: vec!["connections".to_owned(), name.clone()], value: None };
            if app.edit_config(&[change]).await.is_err() {
                self.say(&format!("`keyward config unset connections.{name}` takes back what was begun."));
            }
        }
    }

    /// Says what was done and what stands; the exit code is that of the first step that failed.
    fn tell(&self, outcome: Outcome) -> Outcome {
        let steps = self.steps();
        let failed = steps.iter().find_map(|step| step.failure.clone());
        if self.console.json {
            let error = outcome.as_ref().err().cloned().or(failed);
            self.console.print_json(&Shown {
                schema_version: 1,
                steps: steps.iter().map(shown).collect(),
                error: error.as_ref().map(Report::failure),
            });
            return Ok(error.map_or(Exit::Done, |report| report.exit));
        }
        self.say(&person::summary(&steps, outcome.is_err()));
        outcome.map(|exit| failed.map_or(exit, |report| report.exit))
    }
}

fn shown(step: &Step) -> ShownStep<'_> {
    let error = step.failure.as_ref().map(Report::failure);
    ShownStep { step: step.step, what: &step.what, outcome: step.became, error }
}

/// Reads the words of another command and runs it, as if it had been typed.
async fn command(setup: &Setup<'_>, words: &[&str]) -> Outcome {
    let all = std::iter::once("keyward").chain(words.iter().copied());
    let parsed = super::Arguments::try_parse_from(all).map_err(|error| {
        let text = error.render().to_string();
        let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        Report::new(Exit::Usage, "usage", first).hint("`keyward setup --help`")
    })?;
    match parsed.command {
        Command::Login(arguments) => Box::pin(login::run(*arguments, &setup.inner, &setup.app()?)).await,
        Command::Call(arguments) => Box::pin(call::run(arguments, &setup.inner, &Arc::new(setup.app()?))).await,
        Command::Install(arguments) => {
            let store = Arc::clone(&setup.stores.brief);
            Box::pin(install::run(arguments, &setup.inner, setup.machine, store, setup.global)).await
        }
        _ => Ok(Exit::Done),
    }
}
