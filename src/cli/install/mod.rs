//! `keyward install`: our entry in the lists of MCP hosts.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::{Console, Global, Outcome, confirm};
use crate::app::error::NoYes;
use crate::app::{App, doctor};
use crate::backends::outside;
use crate::config::nearest;
use crate::hosts::{self, Entry, Fleeting, Here, Host, Plan, Scope};
use crate::machine::{Environment, Machine};
use crate::report::{Exit, Failure, Report};
use crate::serve::{Catalog, Choice};
use crate::store::Store;

mod list;

/// Write keyward into the list of servers of an MCP host, after showing what changes
#[derive(Debug, clap::Args)]
#[command(after_help = "Other entries, comments and layout stay as they are, and a copy of the file is kept.\n\n\
    Examples: `keyward install --list`, `keyward install cursor`, `keyward install claude-code --project`, \
    `keyward install zed --uninstall`")]
pub(super) struct Arguments {
    /// The hosts, as `--list` names them
    #[arg(value_name = "HOST", required_unless_present = "list")]
    hosts: Vec<String>,
    /// List the hosts, which of them are here, and which have keyward
    #[arg(long, conflicts_with_all = ["hosts", "uninstall", "print", "project", "yes", "only", "read_only"])]
    list: bool,
    /// Take the entry out again
    #[arg(long, conflicts_with_all = ["print", "only", "read_only"])]
    uninstall: bool,
    /// Only print what would be put where
    #[arg(long, conflicts_with = "yes")]
    print: bool,
    /// In the list of the project in this folder, not in your own
    #[arg(long)]
    project: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Let the host use only these connections
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    only: Vec<String>,
    /// Let the host use only tools that change nothing
    #[arg(long)]
    read_only: bool,
}

/// What is offered to a person for one host.
pub(super) struct Offer<'a> {
    pub(super) plan: Plan,
    /// The command that does the same without a question.
    pub(super) again: String,
    pub(super) yes: bool,
    pub(super) machine: &'a Machine,
    pub(super) console: &'a Console,
}

/// What became of one host's file.
#[derive(Debug, Serialize)]
pub(super) struct Done {
    host: &'static str,
    file: String,
    /// `written`, `unchanged` or `removed`.
    pub(super) result: &'static str,
    backup: Option<String>,
}

#[derive(Serialize)]
struct Shown<'a> {
    schema_version: u32,
    hosts: Vec<Done>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure<'a>>,
}

impl Arguments {
    fn scope(&self) -> Scope {
        if self.project { Scope::Project } else { Scope::User }
    }
}

pub(super) async fn run(
    arguments: Arguments,
    console: &Console,
    machine: &Machine,
    store: Arc<dyn Store>,
    global: &Global,
) -> Outcome {
    let here = Here::of(machine);
    if arguments.list {
        list::show(console, &here);
        return Ok(Exit::Done);
    }
    let chosen = arguments.hosts.iter().map(|name| named(name)).collect::<Result<Vec<_>, _>>()?;
    if !arguments.only.is_empty() {
        // A name that `serve` would refuse must not get into the file: the host only says that it did not start.
        let app = App::open(machine.clone(), store, global.config.as_deref()).map_err(|error| Report::from(&error))?;
        let choice = Choice { only: arguments.only.clone(), read_only: arguments.read_only };
        Catalog::new(Arc::new(app), &choice).map_err(|error| Report::from(&error))?;
    }
    let (entry, notes) = wanted(&arguments, machine, &here, global)?;
    if arguments.print {
        print(console, &chosen, &entry, arguments.scope(), &here);
        return Ok(Exit::Done);
    }
    if !arguments.uninstall {
        notes.iter().for_each(|note| console.say(&format!("note: {note}")));
    }
    let mut all = Vec::new();
    let mut failure = None;
    for host in chosen {
        let planned = match arguments.uninstall {
            true => host.removal(arguments.scope(), &here),
            false => host.plan(arguments.scope(), &entry, &here),
        };
        let offered = match planned {
            Ok(plan) => {
                let again = again(&arguments, host, global);
                offer(Offer { plan, again, yes: arguments.yes, machine, console }).await
            }
            Err(error) => Err(Report::from(&error)),
        };
        match offered {
            Ok(done) => all.push(done),
            Err(report) => {
                failure = Some(report);
                break;
            }
        }
    }
    if !console.json {
        return failure.map_or(Ok(Exit::Done), Err);
    }
    console.print_json(&Shown { schema_version: 1, hosts: all, error: failure.as_ref().map(Report::failure) });
    Ok(failure.map_or(Exit::Done, |report| report.exit))
}

/// The host of that name.
pub(super) fn named(name: &str) -> Result<&'static Host, Report> {
    hosts::named(name).ok_or_else(|| {
        let report = Report::new(Exit::Usage, "unknown_host", format!("there is no host `{name}`"))
            .cause("no host that is known here has that name");
        let has_word = |host: &&Host| {
            host.name.split('-').chain(host.title.split(' ')).any(|word| word.eq_ignore_ascii_case(name))
        };
        let meant: Vec<String> = hosts::ALL.iter().filter(has_word).map(|host| format!("`{}`", host.name)).collect();
        if !meant.is_empty() {
            return report.hint(format!("it may be {}; `keyward install --list` lists them", meant.join(" or ")));
        }
        match nearest::of(name, hosts::ALL.iter().flat_map(|host| [host.name, host.title])) {
            Some(found) => {
                let named = hosts::ALL.iter().find(|host| host.title == found).map_or(found, |host| host.name);
                report.hint(format!("the nearest one is `{named}`; `keyward install --list` lists them"))
            }
            None => report
                .hint("`keyward install --list` lists them")
                .hint("any other host takes `keyward` as its command and `serve` as its argument"),
        }
    })
}

/// The command that does the same without a question.
fn again(arguments: &Arguments, host: &Host, global: &Global) -> String {
    let mut words = vec!["keyward install".to_owned(), host.name.to_owned()];
    for (flag, file) in [("--config", &global.config), ("--ca-file", &global.ca_file)] {
        words.extend(file.iter().map(|file| format!("{flag} {}", quoted(&file.display().to_string()))));
    }
    let flags =
        [(arguments.uninstall, "--uninstall"), (arguments.project, "--project"), (arguments.read_only, "--read-only")];
    words.extend(flags.into_iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| flag.to_owned()));
    if !arguments.only.is_empty() {
        words.push(format!("--only {}", arguments.only.join(",")));
    }
    words.push("--yes".to_owned());
    words.join(" ")
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | ':' | '\\');
    if word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// Shows what would change in one host's file, asks, writes it, and says how the host notices.
pub(super) async fn offer(offer: Offer<'_>) -> Result<Done, Report> {
    let Offer { plan, again, yes, machine, console } = offer;
    let (host, shown) = (plan.host, plan.file.display().to_string());
    let is_removal = plan.is_removal();
    let done = |result, backup| Done { host: host.name, file: shown.clone(), result, backup };
    if plan.is_empty() {
        console.say(&match is_removal {
            true => format!("{}: keyward is not in `{shown}`; nothing to change.", host.title),
            false => format!("{}: keyward is in `{shown}` already; nothing to change.", host.title),
        });
        return Ok(done("unchanged", None));
    }
    let others: Vec<String> = plan.others.iter().map(|name| format!("`{name}`")).collect();
    if !(others.is_empty() || is_removal) {
        console.say(&format!(
            "note: {} in that file runs keyward, too; its tools would be there twice",
            others.join(", ")
        ));
    }
    if !plan.kept.is_empty() {
        console.say(&format!(
            "note: `{}` stays in the entry; `keyward install {} --uninstall` first lifts it",
            plan.kept.join(" "),
            host.name
        ));
    }
    let verb = if is_removal { "Takes keyward out of" } else { "Puts keyward into" };
    let question = outside::clean(format!("{verb} {}:\n\n{}\n", host.title, plan.difference()));
    if yes {
        console.say(&question);
    } else {
        confirm::ask(machine, &question).await.map_err(|why| refused(why, &shown, &again))?;
    }
    let written = plan.apply().map_err(|error| Report::from(&error))?;
    let backup = written.backup.map(|backup| backup.display().to_string());
    let mut text = match (is_removal, written.is_gone) {
        (true, true) => format!("Done. `{shown}` is gone: only keyward was in it."),
        (true, false) => "Done. Nothing else in the file has changed.".to_owned(),
        (false, _) => "Done.".to_owned(),
    };
    if let Some(backup) = &backup {
        let _ = write!(text, " The file as it was is in `{backup}`.");
    }
    let _ = match is_removal {
        true => write!(text, "\n{} forgets it when it starts again.", host.title),
        false => write!(text, "\nNext, {}: {}.", host.title, host.restart),
    };
    console.say(&text);
    Ok(done(if is_removal { "removed" } else { "written" }, backup))
}

fn refused(why: NoYes, file: &str, again: &str) -> Report {
    let report = |exit, code| Report::new(exit, code, format!("`{file}` was left as it is"));
    match why {
        NoYes::Unasked => report(Exit::Usage, "not_asked")
            .cause("nobody is at a terminal who could be asked")
            .hint(format!("`{again}` does it without a question"))
            .hint("with `--print` in place of `--yes` it only shows what would be put where"),
        _ => report(Exit::Denied, "declined").cause("the answer was no").hint(format!("`{again}` does it later")),
    }
}

/// Our entry, and what the person should know about it.
fn wanted(
    arguments: &Arguments,
    machine: &Machine,
    here: &Here,
    global: &Global,
) -> Result<(Entry, Vec<String>), Report> {
    let (command, fleeting) = hosts::own(here).ok_or_else(|| {
        Report::new(Exit::Unexpected, "own_path", "the path of this program cannot be told")
            .cause("the system does not name it, or it is no text")
            .hint("move `keyward` into a folder with a plain name, then run the command again")
    })?;
    let mut notes = Vec::new();
    match fleeting {
        Some(Fleeting::Temporary) => notes.push(format!(
            "`{command}` is in a folder for temporary files: the host will not find it when that is emptied"
        )),
        Some(Fleeting::Build) => {
            notes.push(format!("`{command}` is what a build left: the host will not find it when the build is cleaned"))
        }
        None => {}
    }
    let mut args = vec!["serve".to_owned()];
    for (flag, file) in [("--config", &global.config), ("--ca-file", &global.ca_file)] {
        if let Some(file) = file {
            args.extend([flag.to_owned(), whole(file)?]);
        }
    }
    if !arguments.only.is_empty() {
        args.extend(["--only".to_owned(), arguments.only.join(",")]);
    }
    if arguments.read_only {
        args.push("--read-only".to_owned());
    }
    let environment = &machine.environment;
    let mut env = Vec::new();
    if let Some(file) = environment.path("KEYWARD_CONFIG").filter(|_| global.config.is_none()) {
        env.push(("KEYWARD_CONFIG".to_owned(), whole(&file)?));
    }
    if let Some(store) = environment.text("KEYWARD_STORE") {
        env.push(("KEYWARD_STORE".to_owned(), store.to_owned()));
    }
    notes.extend(unseen(environment));
    if arguments.project {
        notes.push(
            "the entry names where keyward is on this machine; think of that before the file is shared".to_owned(),
        );
    }
    Ok((Entry { command, args, env }, notes))
}

/// Variables of this terminal that the host will not pass on, and that the file is no place for.
fn unseen(environment: &Environment) -> Vec<String> {
    let secrets: Vec<String> = environment.secrets().iter().map(|name| format!("`{name}`")).collect();
    let mut notes = Vec::new();
    if !secrets.is_empty() {
        notes.push(format!(
            "{} is set here and secret, so it is not written into the file, and the host may not see it; \
             `keyward login` keeps a login in the keychain",
            secrets.join(", ")
        ));
    }
    let others = environment.names().filter(|name| !name.starts_with("KEYWARD_"));
    let others = Environment::of(others.filter_map(|name| Some((name, environment.path(name)?))));
    let lost = doctor::lost_in_a_host(&others);
    if lost.verdict == doctor::Verdict::Warn {
        notes.push(format!("{}; `keyward doctor --as-host` looks as a host would", lost.detail));
    }
    notes
}

fn whole(file: &Path) -> Result<String, Report> {
    let path = std::path::absolute(file).unwrap_or_else(|_| file.to_path_buf());
    path.to_str().map(String::from).ok_or_else(|| {
        Report::new(Exit::Usage, "path", format!("`{}` cannot be written into a host's file", path.display()))
            .cause("the path is no text")
            .hint("give the file a plain name")
    })
}

fn print(console: &Console, chosen: &[&'static Host], entry: &Entry, scope: Scope, here: &Here) {
    let place = |host: &Host| match host.file(scope, here) {
        Some(file) => file.display().to_string(),
        None => host.dialog.to_owned(),
    };
    if console.json {
        let one = |host: &&'static Host| Printed { host: host.name, place: place(host), text: host.pasted(entry) };
        console.print_json(&Prints { schema_version: 1, hosts: chosen.iter().map(one).collect() });
        return;
    }
    for host in chosen {
        console.say(&format!("{}: into `{}`, beside what is there", host.title, place(host)));
        console.print(host.pasted(entry).trim_end());
    }
}

#[derive(Serialize)]
struct Prints {
    schema_version: u32,
    hosts: Vec<Printed>,
}

#[derive(Serialize)]
struct Printed {
    host: &'static str,
    /// The file, or the dialog in which it is pasted.
    place: String,
    text: String,
}
