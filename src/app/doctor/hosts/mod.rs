//! The MCP hosts on this machine: whether their entry that runs keyward would start it. Their files are only read, and
//! what an entry names is looked at and never run.

use std::path::{Path, PathBuf};

use super::browser::{find, is_program};
use super::{Check, Class};
use crate::hosts::{self, Here, Scope, Server, Unread};
use crate::machine::{Environment, HOST_PATH, own_program};

const NAME: &str = "host";

pub(super) fn look(here: &Here) -> Vec<Check> {
    let mut checks = Vec::new();
    let own = own_program();
    let both = |host| [(host, Scope::User), (host, Scope::Project)];
    for (host, scope) in hosts::ALL.iter().flat_map(both) {
        let Some(path) = host.file(scope, here) else { continue };
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        match host.servers(&text) {
            Ok(servers) => {
                let judged = servers.iter().map(|server| judge(server, &path, own.as_deref(), &here.environment));
                checks.extend(judged.map(|check| check.about(host.title)));
            }
            Err(Unread) if text.contains("keyward") => {
                let check = Check::warn(NAME, format!("`{}` cannot be read: it is not whole", path.display()))
                    .about(host.title);
                checks.push(check.hint(format!("correct `{}`; the host itself may say where", path.display())));
            }
            Err(Unread) => {}
        }
    }
    if checks.is_empty() {
        let check = Check::skip(NAME, "no host that is known here has an entry that runs keyward");
        checks.push(check.hint("add one to your host: its command is this program, its argument `serve`"));
    }
    checks
}

/// What would happen if the host started this entry.
fn judge(entry: &Server, file: &Path, own: Option<&Path>, environment: &Environment) -> Check {
    let (name, command, shown) = (&entry.name, &entry.command, file.display());
    let configuration = |detail: String| Check::fail(NAME, Class::Configuration, detail);
    let whole = own.map_or("the whole path of keyward".to_owned(), |own| format!("`{}`", own.display()));
    let mend = format!("set `command` of `{name}` in `{shown}` to {whole}");
    let short = Environment::of([("PATH", HOST_PATH)]);
    let path = PathBuf::from(command);
    if !path.is_absolute() {
        return match find(&short, command).or_else(|| find(environment, command)) {
            Some(_) => Check::warn(
                NAME,
                format!("`{name}` has `{command}` without its folder, and a desktop's search path is short"),
            ),
            None => configuration(format!("`{name}` runs `{command}`, which is not there")),
        }
        .hint(mend);
    }
    if !path.is_file() {
        return configuration(format!("`{name}` runs `{command}`, which is not there")).hint(mend);
    }
    if !is_program(&path) {
        return configuration(format!("`{name}` runs `{command}`, which may not be started"))
            .hint(format!("`chmod +x {command}`"));
    }
    if !entry.args.iter().any(|word| word == "serve") {
        let detail = format!("`{name}` does not run `serve`, so the host talks to nobody");
        return configuration(detail).hint(format!("set `args` of `{name}` in `{shown}` to `[\"serve\"]`"));
    }
    if let Some(variable) = entry.secrets().next() {
        let detail = format!("`{name}` has `{variable}` in clear text in `{shown}`");
        return Check::warn(NAME, detail)
            .hint("`keyward login CONNECTION` keeps it in the keychain; take it out of the file");
    }
    let Some(own) = own.filter(|_| entry.is_direct()) else {
        return Check::ok(NAME, format!("`{name}` runs `{command}`"));
    };
    if is_same(own, &path) {
        return Check::ok(NAME, format!("`{name}` runs this program"));
    }
    let detail = format!("`{name}` runs `{command}`, which is another copy or version than this one");
    Check::warn(NAME, detail).hint(format!("`{command} --version` tells which; {mend}"))
}

/// Whether both are the same file, or copies of it. Running the other one to ask would run what a file says.
fn is_same(own: &Path, other: &Path) -> bool {
    let Ok(other) = std::fs::canonicalize(other) else { return false };
    if own == other {
        return true;
    }
    let length = |path: &Path| std::fs::metadata(path).map(|found| found.len()).ok();
    if length(own) != length(&other) {
        return false;
    }
    let digest = |path: &Path| {
        std::fs::read(path).ok().map(|bytes| ring::digest::digest(&ring::digest::SHA256, &bytes).as_ref().to_vec())
    };
    digest(own) == digest(&other)
}

#[cfg(test)]
mod tests;
