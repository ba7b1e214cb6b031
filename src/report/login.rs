//! Words for a login that could not be made.

use super::{Exit, Report};
use crate::backends::Way;

pub(super) fn no_login(connection: &str, wanted: Option<Way>, ways: &[Way]) -> Report {
    let words: Vec<String> = ways.iter().map(|way| format!("`{}`", way.word())).collect();
    let report = |message: String| {
        Report::new(Exit::Usage, "no_login", message).cause(format!("its ways to sign in are {}", words.join(", ")))
    };
    match wanted {
        Some(way) => report(format!("`{connection}` cannot be signed in to by `{}`", way.word()))
            .hint(format!("`keyward login {connection}` uses the way it has")),
        None => report(format!("`{connection}` is used without a login, so it has no token"))
            .hint(format!("`keyward login {connection}` signs in")),
    }
}

pub(super) fn not_needed(connection: &str) -> Report {
    Report::new(Exit::Usage, "login_not_needed", format!("`{connection}` answers without a login"))
        .cause("the server did not ask for one")
        .hint(format!("`keyward config set connections.{connection}.way none` uses it without"))
}

pub(super) fn token_in_environment(variable: &str) -> Report {
    Report::new(Exit::Configuration, "token_in_environment", format!("`{variable}` already supplies the token"))
        .cause("a token from the environment is used as it is, so a login would have no effect")
        .hint(format!("unset `{variable}` first"))
}

pub(super) fn no_key(why: &str) -> Report {
    Report::new(Exit::Usage, "no_key", "the key cannot be kept")
        .cause(why.to_owned())
        .hint("paste it at the prompt, or pipe one line into the command; it is never an argument")
}

pub(super) fn running(connection: &str) -> Report {
    Report::new(Exit::Busy, "login_running", format!("another login of `{connection}` is under way"))
        .cause("two at once would overwrite each other")
        .hint("finish it in the browser, or end it with Ctrl-C in its terminal")
        .retryable()
}
