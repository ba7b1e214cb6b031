//! Words for why a host's file was left as it is.

use std::path::Path;

use super::{Exit, Report};
use crate::hosts::{Error, Host, Scope};

const UNTOUCHED: &str = "the file was left as it is";

impl From<&Error> for Report {
    fn from(error: &Error) -> Self {
        let report = |code, message: String| Self::new(Exit::Configuration, code, message);
        let at = |file: &Path| format!("`{}`", file.display());
        let by_hand = "`keyward install --print HOST` prints what to put there by hand";
        match error {
            Error::NoFile { host, scope } => no_file(host, *scope),
            Error::Unreadable { file, why } => {
                report("host_file_unreadable", format!("{} cannot be read", at(file))).cause(why.clone()).hint(by_hand)
            }
            Error::NotWhole { file, line } => report("host_file_broken", format!("{} cannot be understood", at(file)))
                .cause(format!("it ceases to be whole in line {line}; {UNTOUCHED}"))
                .hint("correct that line, or restore the file from a copy; then run the command again"),
            Error::Kind { file, key } => report("host_file_broken", format!("{} cannot be understood", at(file)))
                .cause(format!("`{key}` is no table of names there; {UNTOUCHED}"))
                .hint("correct it, or take it out; then run the command again"),
            Error::Twice { file, key } => report("host_file_broken", format!("{} cannot be understood", at(file)))
                .cause(format!("`{key}` is there twice, and hosts differ in which one counts; {UNTOUCHED}"))
                .hint("take one of them out; then run the command again"),
            Error::Foreign { file, command } => {
                let runs = command.as_ref().map_or("something else".to_owned(), |command| format!("`{command}`"));
                report("host_entry_foreign", format!("the entry `keyward` in {} is not ours", at(file)))
                    .cause(format!("it runs {runs}; {UNTOUCHED}"))
                    .hint("give that entry another name in the file, or take it out; then run the command again")
            }
            Error::Unsure { file, why } => {
                report("host_file_unsure", format!("{} cannot be changed without a risk", at(file)))
                    .cause(format!("{why}; {UNTOUCHED}"))
                    .hint(by_hand)
            }
            Error::Changed { file } => {
                Self::new(Exit::Busy, "host_file_changed", format!("{} was not written", at(file)))
                    .cause("another program changed it meanwhile")
                    .hint("close the host, then run the command again")
                    .retryable()
            }
            Error::Unwritable { file, why } => {
                report("host_file_unwritable", format!("{} cannot be written", at(file)))
                    .cause(why.clone())
                    .hint(by_hand)
            }
        }
    }
}

fn no_file(host: &Host, scope: Scope) -> Report {
    let name = host.name;
    let report = |message: String| Report::new(Exit::Usage, "host_file", message);
    if !host.dialog.is_empty() {
        return report(format!("{} keeps its servers where only its own dialog writes", host.title))
            .cause(format!("the dialog is {}", host.dialog))
            .hint(format!("`keyward install --print {name}` prints what to paste there"));
    }
    match (scope, host.has(scope)) {
        (Scope::Project, false) => report(format!("{} has no list of servers for a project", host.title))
            .cause("it knows only the one of the person")
            .hint(format!("`keyward install {name}`")),
        _ => Report::new(
            Exit::Configuration,
            "host_file",
            format!("nobody knows where {} keeps its servers", host.title),
        )
        .cause("the platform names no home folder for this user")
        .hint("set `HOME`"),
    }
}
