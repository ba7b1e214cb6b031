//! `keyward complete`: what may stand at one place of a command line, for the scripts in `completions/`.
//!
//! Everything comes from the definition of the command line, so that the scripts are small, never stale and know nothing
//! of keyward. The answer is one line that says of which kind it is (`words`, `files`, `folders`), then one candidate a
//! line, with a tab before what it means. Whatever goes wrong, there is no message: it would land in the middle of the
//! line that the person types.

use clap::{Arg, ArgAction, Command, ValueHint};

use super::{Console, Global, Outcome};
use crate::machine::Machine;
use crate::report::Exit;
use crate::store::Stores;

mod known;

use known::Known;

/// Print what may stand at a place of a command line
#[derive(Debug, clap::Args)]
#[command(hide = true, after_help = "Example: `keyward complete --word=tav -- login`")]
pub(super) struct Arguments {
    /// What was typed of the word so far
    #[arg(long, value_name = "TEXT", require_equals = true, default_value = "")]
    word: String,
    /// The words between the program's name and that word
    #[arg(last = true, value_name = "WORD")]
    before: Vec<String>,
}

/// More are of no use to anybody at a terminal.
const MOST: usize = 500;
/// Letters of an explanation.
const LETTERS: usize = 80;

pub(super) fn run(
    arguments: &Arguments,
    console: &Console,
    machine: Machine,
    stores: Stores,
    global: &Global,
) -> Outcome {
    let mut definition = super::definition();
    definition.build();
    let place = Place::of(&definition, &arguments.before);
    let file = place.config().map(Into::into).or_else(|| global.config.clone());
    let known = Known::new(machine, stores.brief, file);
    console.print(&place.answer(&arguments.word, &known));
    Ok(Exit::Done)
}

/// One candidate and what it means.
type Candidate = (String, String);

/// Where on the command line the word stands.
struct Place<'a> {
    command: &'a Command,
    /// The option whose value the word is.
    option: Option<&'a Arg>,
    /// The words before it that belong to no option.
    values: Vec<&'a str>,
    /// Options that were given, with their values.
    given: Vec<(&'a Arg, Option<&'a str>)>,
    /// Options are over.
    is_over: bool,
}

impl<'a> Place<'a> {
    fn of(root: &'a Command, words: &'a [String]) -> Self {
        let mut place = Self { command: root, option: None, values: Vec::new(), given: Vec::new(), is_over: false };
        for word in words {
            place.pass(word);
        }
        place
    }

    fn pass(&mut self, word: &'a str) {
        if let Some(option) = self.option.take() {
            self.given.push((option, Some(word)));
        } else if !self.is_over && word == "--" {
            self.is_over = true;
        } else if !self.is_over && word.len() > 1 && word.starts_with('-') {
            let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
            let Some(option) = self.named(name) else { return };
            if value.is_none() && takes_value(option) && !option.is_require_equals_set() {
                self.option = Some(option);
            } else {
                self.given.push((option, value));
            }
        } else if let Some(inner) = self.command.find_subcommand(word).filter(|_| self.values.is_empty()) {
            self.command = inner;
        } else {
            self.values.push(word);
        }
    }

    /// The option of that name; of several short ones in one word the last, which alone can take a value.
    fn named(&self, name: &str) -> Option<&'a Arg> {
        let mut options = self.command.get_arguments();
        match name.strip_prefix("--") {
            Some(long) => options.find(|option| option.get_long() == Some(long)),
            None => options.find(|option| option.get_short() == name.chars().last()),
        }
    }

    /// The configuration file that the line names.
    fn config(&self) -> Option<&'a str> {
        self.given.iter().rev().find(|(option, _)| option.get_id() == "config").and_then(|(_, value)| *value)
    }

    fn answer(&self, word: &str, known: &Known) -> String {
        let (fixed, arg) = match self.option {
            Some(option) => (String::new(), Some(option)),
            None if self.is_over || !word.starts_with('-') => (String::new(), self.positional()),
            None => match word.split_once('=') {
                Some((name, _)) => (format!("{name}="), self.named(name).filter(|option| takes_value(option))),
                None => return text(self.options(), word),
            },
        };
        if let Some(kind) = arg.and_then(path) {
            return kind.to_owned();
        }
        let mut found = Vec::new();
        if self.option.is_none() && !self.is_over && fixed.is_empty() && self.values.is_empty() {
            let inner = self.command.get_subcommands().filter(|inner| !inner.is_hide_set());
            found.extend(inner.map(|inner| (inner.get_name().to_owned(), about(inner.get_about()))));
        }
        if let Some(arg) = arg {
            let typed = word.strip_prefix(&fixed).unwrap_or(word);
            // Of several values between commas, the last is the one being typed.
            let listed = arg.get_value_delimiter().and_then(|comma| typed.rsplit_once(comma));
            let before = listed.map(|(before, _)| format!("{before},")).unwrap_or_default();
            let values = self.candidates(arg, known).into_iter();
            found.extend(values.map(|(value, means)| (format!("{fixed}{before}{value}"), means)));
        }
        text(found, word)
    }

    /// What belongs to no option and stands here.
    fn positional(&self) -> Option<&'a Arg> {
        let all: Vec<&Arg> = self.command.get_positionals().collect();
        let last = all.last().copied().filter(|arg| matches!(arg.get_action(), ArgAction::Append));
        all.get(self.values.len()).copied().or(last)
    }

    fn options(&self) -> Vec<Candidate> {
        let is_given = |option: &Arg| self.given.iter().any(|(given, _)| given.get_id() == option.get_id());
        let may_come =
            |option: &&Arg| !is_given(option) || matches!(option.get_action(), ArgAction::Append | ArgAction::Count);
        let options = self
            .command
            .get_arguments()
            .filter(|option| !option.is_positional() && !option.is_hide_set())
            .filter(may_come);
        options.filter_map(|option| Some((format!("--{}", option.get_long()?), about(option.get_help())))).collect()
    }

    /// What the argument may be: its own values, or those that its name in the usage stands for.
    fn candidates(&self, arg: &Arg, known: &Known) -> Vec<Candidate> {
        let own = arg.get_possible_values();
        if !own.is_empty() {
            let own = own.iter().filter(|value| !value.is_hide_set());
            return own.map(|value| (value.get_name().to_owned(), about(value.get_help()))).collect();
        }
        let name = arg.get_value_names().and_then(|names| names.first()).map(|name| name.as_str()).unwrap_or_default();
        match name {
            "CONNECTION" | "CONNECTION|URL" | "A,B" => known.connections(),
            "TOOL" => known.tools(),
            // Other options of that name mean a host of the network.
            "HOST" if arg.is_positional() || arg.get_id() == "host" => known::hosts(),
            "KEY" => known.keys(self.command.get_name() == "unset"),
            "VALUE" => known.values(self.values.last().copied().unwrap_or_default()),
            "NAME=VALUE" => known.arguments(self.values.first().copied().unwrap_or_default()),
            "COMMAND" => known::commands(self.values.as_slice()),
            _ => Vec::new(),
        }
    }
}

fn takes_value(option: &Arg) -> bool {
    option.get_action().takes_values()
}

/// Whether the shell itself knows what may stand there.
fn path(arg: &Arg) -> Option<&'static str> {
    match arg.get_value_hint() {
        ValueHint::DirPath => Some("folders"),
        ValueHint::FilePath | ValueHint::AnyPath | ValueHint::ExecutablePath => Some("files"),
        _ => None,
    }
}

fn about(help: Option<&clap::builder::StyledStr>) -> String {
    help.map(ToString::to_string).unwrap_or_default()
}

/// The candidates that begin as the word does. One that a shell could take for anything but a word is left out, whoever
/// thought of its name; what a candidate means is one short line of letters.
fn text(candidates: Vec<Candidate>, word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/:@+=,".contains(c);
    let fitting = candidates.into_iter().filter(|(value, _)| value.starts_with(word) && value.chars().all(is_plain));
    let mut text = String::from("words");
    for (value, means) in fitting.take(MOST) {
        let line = means.lines().next().unwrap_or_default();
        let means: String = line.chars().filter(|c| !c.is_control()).take(LETTERS).collect();
        text += &format!("\n{value}\t{means}");
    }
    text
}

#[cfg(test)]
mod tests;
