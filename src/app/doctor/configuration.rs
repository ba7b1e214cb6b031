//! The configuration file: whether it can be used, and whether somebody else could change it.

use std::path::Path;

use super::{Check, Class};
use crate::app::{App, Error};

const NAME: &str = "configuration";

pub(super) fn look(app: &App, broken: Option<Error>) -> Vec<Check> {
    if let Some(error) = broken {
        return vec![Check::failed(NAME, error)];
    }
    let Some(path) = &app.config.path else {
        return vec![
            Check::fail(NAME, Class::Configuration, "the platform names no folder for it")
                .hint("`--config FILE` names a file"),
        ];
    };
    let connections = app.config.connections.iter().filter(|connection| connection.configured).count();
    let shown = path.display();
    if !path.exists() {
        return vec![Check::ok(NAME, format!("`{shown}` is not there, which is fine: the built-in values are used"))];
    }
    // Whoever can write there decides where tokens are sent.
    match loose(path).or_else(|| path.parent().and_then(loose)) {
        Some((path, why)) => {
            let hint = if why == OTHERS {
                format!("`chmod go-w {path}`")
            } else {
                "make a file of your own; `--config FILE` names it".to_owned()
            };
            vec![Check::warn(NAME, format!("`{path}` {why}, who decides then where tokens go")).hint(hint)]
        }
        None => vec![Check::ok(NAME, format!("`{shown}`: connections: {connections}"))],
    }
}

const OTHERS: &str = "can be written by others";

#[cfg(unix)]
pub(super) fn loose(path: &Path) -> Option<(String, &'static str)> {
    use std::os::unix::fs::MetadataExt as _;
    let found = std::fs::metadata(path).ok()?;
    let why = if ![0, rustix::process::geteuid().as_raw()].contains(&found.uid()) {
        "belongs to another user"
    } else if found.mode() & 0o022 != 0 && !(found.is_dir() && found.mode() & 0o1000 != 0) {
        OTHERS
    } else {
        return None;
    };
    Some((path.display().to_string(), why))
}

#[cfg(not(unix))]
pub(super) fn loose(_: &Path) -> Option<(String, &'static str)> {
    None
}
