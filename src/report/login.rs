//! Words for a login that could not be made.

use super::{Exit, Report};
use crate::app::error::{Left, Outsider};
use crate::app::login::{By, Who};
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

pub(super) fn running(connection: &str, who: Option<&Who>) -> Report {
    let who = who.map(|Who { by, process, seconds }| {
        let by = match by {
            By::Login => "`keyward login`",
            By::Serve => "a tool call of `keyward serve`",
            By::Demo => "`keyward demo`",
        };
        format!("{by} (process {process}) has been at it for {} s", seconds.max(&0))
    });
    Report::new(Exit::Busy, "login_running", format!("another login of `{connection}` is under way"))
        .cause(who.unwrap_or_else(|| "two at once would overwrite each other".to_owned()))
        .hint("finish it in the browser, or end it with Ctrl-C in its terminal")
        .hint(format!("`keyward login {connection} --wait` waits for its outcome"))
        .retryable()
}

pub(super) fn other_account(connection: &str, who: &Outsider, left: Left) -> Report {
    let report = Report::new(Exit::Denied, "other_account", format!("another account has signed in to `{connection}`"))
        .cause(who.to_string())
        .cause(match left {
            Left::Nothing => "nothing was stored, and the new login left nothing at the provider that could be ended",
            Left::Ended => "nothing was stored, and the new tokens were ended at the provider",
            Left::Listed => {
                "nothing was stored; the device that was attached stays in the list there, and nobody can use it"
            }
            Left::Alive => {
                "nothing was stored; the new tokens end by themselves, because the provider did not end them"
            }
        });
    match who {
        Outsider::Unexpected { actual: Some(_), .. } => {
            report.hint("sign out at the provider in the browser, then log in again as the right account")
        }
        Outsider::Unexpected { actual: None, .. } => report.hint(format!(
            "`keyward login {connection} --scope openid` asks the provider to say who signs in, if it can"
        )),
        Outsider::Swapped { .. } => report
            .hint(format!("`keyward login {connection} --expect-user NAME` names the account that is meant"))
            .hint(format!("`keyward logout {connection}` first, if the stored login is not needed any more")),
    }
}
