//! `keyward doctor`.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::width::{self, wrapped};
use super::{Console, Global, Outcome};
use crate::app::doctor::{self, Check, Class, Verdict};
use crate::app::{App, Error};
use crate::machine::{self, Machine};
use crate::report::{self, Exit, Report};
use crate::store::Store;

/// Find out what is wrong on this machine and how to mend it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Nothing is changed and no browser is opened. The exit code is that of the first check that failed.\n\n\
    Example: `keyward doctor --as-host`, when it works in the terminal and not in the host"
)]
pub(super) struct Arguments {
    /// Of the connections, look only at this one
    connection: Option<String>,
    /// Look with the few variables and without the terminal that a host gives to its servers
    #[arg(long)]
    as_host: bool,
}

#[derive(Serialize, Deserialize)]
struct Shown {
    schema_version: u32,
    as_host: bool,
    checks: Vec<One>,
}

#[derive(Clone, Serialize, Deserialize)]
struct One {
    name: String,
    about: Option<String>,
    verdict: String,
    detail: String,
    hint: Option<String>,
    exit: Option<u8>,
}

pub(super) async fn run(
    arguments: Arguments,
    console: &Console,
    machine: Machine,
    store: Arc<dyn Store>,
    global: &Global,
) -> Outcome {
    let checks = if arguments.as_host {
        let mut checks = vec![one(&doctor::lost_in_a_host(&machine.environment))];
        checks.extend(of_a_host(&arguments, &machine, global).await?);
        checks
    } else {
        let (app, broken) = App::open_anyway(machine, store, global.config.as_deref());
        let app = Arc::new(app.trusting(global.ca_file.clone()));
        let looking = |passed| format!("Looking at this machine and its connections ({passed} s)");
        let found = doctor::run(&app, broken, arguments.connection.as_deref());
        let found = console.line.during(looking, found).await;
        found.map_err(|error| Report::from(&error))?.iter().map(one).collect()
    };
    let exit = checks.iter().find_map(|check| check.exit).map_or(Exit::Done, exit_of);
    if console.json {
        console.print_json(&Shown { schema_version: 1, as_host: arguments.as_host, checks });
    } else {
        console.print(&text(&checks, console.width));
    }
    Ok(exit)
}

/// The checks of this program, run again as a host would run it.
async fn of_a_host(arguments: &Arguments, machine: &Machine, global: &Global) -> Result<Vec<One>, Report> {
    let failed =
        |error: &std::io::Error| report::io("keyward could not be run as a host would", error).hint("`keyward doctor`");
    let mut words = vec!["doctor".to_owned(), "--json".to_owned()];
    let files = [("--config", &global.config), ("--ca-file", &global.ca_file)];
    for (flag, file) in files.into_iter().filter_map(|(flag, file)| Some((flag, file.as_deref()?))) {
        words.extend([flag.to_owned(), whole(file)]);
    }
    words.extend(arguments.connection.clone());
    let (sender, ended) = tokio::sync::oneshot::channel();
    let environment = machine.environment.clone();
    // On a thread of its own, so that a signal is heard meanwhile.
    let thread = std::thread::Builder::new().name("keyward-doctor".to_owned());
    let started = thread.spawn(move || sender.send(machine::as_host(&environment, &words)));
    started.map_err(|error| failed(&error))?;
    let output =
        ended.await.map_err(|_| failed(&std::io::ErrorKind::Interrupted.into()))?.map_err(|error| failed(&error))?;
    match serde_json::from_slice::<Shown>(&output) {
        Ok(shown) => Ok(shown.checks),
        // The other run failed before it looked at anything, and says why in words of its own.
        Err(_) => Err(said(&output)),
    }
}

fn said(output: &[u8]) -> Report {
    let value: serde_json::Value = serde_json::from_slice(output).unwrap_or_default();
    let error = value.get("error");
    let text = |key: &str| error.and_then(|error| error.get(key)).and_then(serde_json::Value::as_str);
    let exit = error.and_then(|error| error.get("exit")?.as_u64()).and_then(|exit| u8::try_from(exit).ok());
    Report::new(exit.map_or(Exit::Unexpected, exit_of), "as_host", "keyward could not be run as a host would")
        .cause(text("message").unwrap_or("it said nothing"))
        .hint("`keyward doctor` looks from this terminal")
}

fn whole(file: &Path) -> String {
    std::path::absolute(file).unwrap_or_else(|_| file.to_path_buf()).display().to_string()
}

fn one(check: &Check) -> One {
    let report = check.error.as_ref().map(Report::from);
    let exit = match (check.verdict, &report) {
        (Verdict::Fail(_), Some(report)) => Some(report.exit),
        (Verdict::Fail(Class::Configuration), None) => Some(Exit::Configuration),
        (Verdict::Fail(Class::Network), None) => Some(Exit::Network),
        (Verdict::Fail(Class::LoginRequired), None) => Some(Exit::LoginRequired),
        _ => None,
    };
    let detail = report.as_ref().map(|report| match &check.error {
        // What the store says is not about one connection.
        Some(Error::Store { error, .. }) => error.to_string(),
        Some(Error::Config(_)) => format!("{}: {}", report.message, report.causes.join("; ")),
        _ if report.causes.is_empty() => report.message.clone(),
        _ => report.causes.join("; "),
    });
    let hint = report.and_then(|report| report.hints.into_iter().next());
    One {
        name: check.name.to_owned(),
        about: check.about.clone(),
        verdict: check.verdict.word().to_owned(),
        detail: clean(&detail.unwrap_or_else(|| check.detail.clone())),
        hint: check.hint.clone().or(hint).map(|hint| clean(&hint)),
        exit: exit.map(|exit| exit as u8),
    }
}

/// Texts of files and servers reach a terminal here.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

fn exit_of(code: u8) -> Exit {
    let known =
        [Exit::LoginRequired, Exit::Denied, Exit::Configuration, Exit::Store, Exit::Network, Exit::Server, Exit::Busy];
    known.into_iter().find(|exit| *exit as u8 == code).unwrap_or(Exit::Unexpected)
}

fn text(checks: &[One], columns: Option<usize>) -> String {
    let title = |check: &One| match &check.about {
        Some(about) => format!("{} {about}", check.name),
        None => check.name.clone(),
    };
    let widest = checks.iter().map(|check| width::of(&title(check))).max().unwrap_or_default();
    // Where the titles would leave no room beside them, they stand above.
    let beside = columns.is_none_or(|columns| widest + 8 + 24 <= columns);
    let (shift, room) = if beside { (widest + 8, widest + 8) } else { (6, 6) };
    let room = columns.map_or(usize::MAX, |columns| columns.saturating_sub(room).max(10));
    let mut lines = Vec::new();
    for check in checks {
        let head = format!("{:<4}  {}", check.verdict, title(check));
        let mut details = wrapped(&check.detail, room);
        let hint = check.hint.iter().flat_map(|hint| wrapped(&format!("hint: {hint}"), room));
        let mut first = width::filled(&head, shift);
        if beside && !details.is_empty() {
            first.push_str(&details.remove(0));
        }
        lines.push(first.trim_end().to_owned());
        lines.extend(details.into_iter().chain(hint).map(|line| format!("{}{line}", " ".repeat(shift))));
    }
    let count = |word: &str| checks.iter().filter(|check| check.verdict == word).count();
    lines.push(String::new());
    lines.push(format!(
        "{} ok, {} to look at, {} failed, {} skipped",
        count("ok"),
        count("warn"),
        count("fail"),
        count("skip")
    ));
    lines.join("\n")
}
