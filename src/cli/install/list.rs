//! `keyward install --list`: the hosts, and which of them have keyward.

use std::path::Path;

use serde::Serialize;

use super::super::Console;
use super::super::table::Table;
use crate::hosts::{self, Error, Here, Host, Scope};
use crate::machine::own_program;

#[derive(Serialize)]
struct Shown {
    schema_version: u32,
    hosts: Vec<One>,
}

#[derive(Serialize)]
struct One {
    host: &'static str,
    title: &'static str,
    /// Whether it seems to be on this machine.
    found: bool,
    /// The dialog in which the entry is pasted, where no other program can write it.
    #[serde(skip_serializing_if = "Option::is_none")]
    dialog: Option<&'static str>,
    lists: Vec<List>,
}

#[derive(Serialize)]
struct List {
    scope: &'static str,
    file: String,
    /// `yes`, `no`, `other` (an entry of that name that is not ours) or `unread`.
    keyward: &'static str,
    command: Option<String>,
    /// Whether the entry runs this very program.
    this: Option<bool>,
}

pub(super) fn show(console: &Console, here: &Here) {
    let all: Vec<One> = hosts::ALL.iter().map(|host| one(host, here)).collect();
    if console.json {
        console.print_json(&Shown { schema_version: 1, hosts: all });
        return;
    }
    let mut table = Table::new(["HOST", "WHAT", "HERE", "KEYWARD", "FILE"]);
    for host in &all {
        let found = if host.found { "yes" } else { "-" };
        let own = |list: &&List| list.scope == "user" || list.keyward != "no";
        let mut lists = host.lists.iter().filter(own).peekable();
        if lists.peek().is_none() {
            let place = host.dialog.unwrap_or("-");
            let row = [host.host, host.title, found, "-", place].map(String::from);
            table.row(row);
        }
        for list in lists {
            let row = [host.host, host.title, found, &words(list), &short(&list.file, here)].map(String::from);
            table.row(row);
        }
    }
    console.print(&table.text(console.width));
}

fn one(host: &'static Host, here: &Here) -> One {
    let dialog = Some(host.dialog).filter(|dialog| !dialog.is_empty());
    let mut lists: Vec<List> = Vec::new();
    for list in [Scope::User, Scope::Project].into_iter().filter_map(|scope| list(host, scope, here)) {
        // In the home folder some hosts have the list of the project where the person's own is.
        if lists.iter().all(|known| known.file != list.file) {
            lists.push(list);
        }
    }
    One { host: host.name, title: host.title, found: host.is_present(here), dialog, lists }
}

fn list(host: &'static Host, scope: Scope, here: &Here) -> Option<List> {
    let file = host.file(scope, here)?.display().to_string();
    let (keyward, command) = match host.installed(scope, here) {
        Ok(None) => ("no", None),
        Ok(Some(server)) => ("yes", Some(server.command)),
        Err(Error::Foreign { command, .. }) => ("other", command),
        Err(_) => ("unread", None),
    };
    let is_this = |command: &String| std::fs::canonicalize(Path::new(command)).ok() == own_program();
    let this = command.as_ref().filter(|_| keyward == "yes").map(is_this);
    let scope = if scope == Scope::User { "user" } else { "project" };
    Some(List { scope, file, keyward, command, this })
}

fn words(list: &List) -> String {
    let project = if list.scope == "project" { ", in this project" } else { "" };
    let command = list.command.as_deref().unwrap_or("something else");
    match (list.keyward, list.this) {
        ("yes", Some(false)) => format!("yes{project}, as `{command}`, which is not this one"),
        ("yes", _) => format!("yes{project}"),
        ("other", _) => format!("no{project}: that name runs `{command}`"),
        ("unread", _) => format!("unknown{project}: the file cannot be understood"),
        _ => "no".to_owned(),
    }
}

/// The path with `~` for the person's folder, which makes a table narrow.
fn short(file: &str, here: &Here) -> String {
    let below = here.home.as_ref().and_then(|home| Path::new(file).strip_prefix(home).ok());
    below.map_or_else(|| file.to_owned(), |below| format!("~{}{}", std::path::MAIN_SEPARATOR, below.display()))
}
