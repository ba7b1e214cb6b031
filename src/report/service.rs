//! Words for what a service said no to.

use super::{Exit, Report, local, network};
use crate::app;
use crate::app::error::NoYes;
use crate::backends::{Error, StepUp};

pub(super) fn failed(connection: &str, error: &Error) -> Report {
    let message = format!("`{connection}` could not do it");
    let report = |exit, code| Report::new(exit, code, message.clone());
    match error {
        Error::Arguments(why) => Report::new(Exit::Usage, "arguments", "the arguments cannot be used")
            .cause(why.clone())
            .hint("`keyward tools --json` prints what each tool takes"),
        Error::Unconfirmed { .. } => Report::new(Exit::Denied, "unconfirmed", message)
            .cause("it is done only after the person has said yes to it, and nobody was asked")
            .hint("`keyward call` at a terminal asks the person"),
        Error::Credential(unavailable) => match unavailable.0.downcast_ref::<app::Error>() {
            Some(error) => Report::from(error),
            None => report(Exit::Unexpected, "credential").cause(unavailable.0.to_string()),
        },
        Error::Rejected { host, said } => report(Exit::LoginRequired, "rejected")
            .cause(said_by(host, "refused the login", said))
            .hint(format!("`keyward login {connection}`")),
        Error::Forbidden { host, said } => report(Exit::Denied, "forbidden")
            .cause(said_by(host, "does not allow it", said))
            .hint(format!("`keyward status {connection}` shows who is signed in; an administrator grants rights")),
        Error::StepUp { host, wanted, said } => step_up(connection, host, wanted, said),
        Error::Limited { host, said, retry_after } => {
            let report = report(Exit::Busy, "limited").cause(said_by(host, "limits requests", said)).retryable();
            match retry_after {
                Some(wait) => report.hint(format!("try again in {} s", wait.as_secs().max(1))),
                None => report.hint("try again later, or raise the limit at the service"),
            }
        }
        Error::Refused { host, code, said } => report(Exit::Server, "refused")
            .cause(said_by(host, &format!("refused the request ({code})"), said))
            .hint("change the arguments; `keyward tools --json` prints what each tool takes"),
        Error::Server { host, status, said } => report(Exit::Server, "server_error")
            .cause(said_by(host, &format!("failed with status {status}"), said))
            .hint("try again later")
            .retryable(),
        // Not worth another try: that is what must not happen twice.
        Error::MaybeDone { host, cause } => {
            Report::new(Exit::Server, "maybe_done", format!("nobody knows whether `{connection}` did it"))
                .cause(format!("`{host}` gave no answer that says so: {cause}"))
                .hint("look at the service whether it is done before you do it again")
        }
        Error::Protocol { host, cause } => report(Exit::Server, "protocol")
            .cause(format!("`{host}` answered wrongly: {cause}"))
            .hint(format!("check the address that `keyward status {connection}` shows")),
        Error::File { path, fault } => local::failed(connection, path, fault),
        Error::Network(error) => network::failed_for(connection, &message, error),
    }
}

/// The person's yes is missing. The question is not repeated: who could say yes reads it where it is asked.
pub(super) fn unconfirmed(tool: &str, why: NoYes) -> Report {
    let cause = match why {
        NoYes::Unasked => "it is done only after the person has said yes to it, and nobody could be asked here",
        NoYes::Declined => "the person was asked and said no",
        NoYes::Cancelled => "the person was asked and said neither yes nor no",
        NoYes::Changed => "the person said yes to something else than what would be done now",
    };
    // A model reads this, too: who was asked is not to be got round on another way.
    let hint = match why {
        NoYes::Unasked => format!("`keyward call {tool} …` at a terminal asks the person there"),
        NoYes::Declined | NoYes::Cancelled => "do not try again unless the person asks for it".to_owned(),
        NoYes::Changed => "call it again only if the person still wants it: they will be asked anew".to_owned(),
    };
    Report::new(Exit::Denied, "unconfirmed", format!("`{tool}` has done nothing")).cause(cause).hint(hint)
}

/// A call that asked something has ended before the answers came. It is not made again by itself.
pub(super) fn answers_too_late(tool: &str) -> Report {
    Report::new(Exit::Denied, "answers_too_late", format!("`{tool}` got no answers to what it asked"))
        .cause("they came too late, or were for another call; what the call did before it asked is done")
        .hint("look at what has been done, then call the tool again")
}

/// Another login helps, and the service said which. The connection's own scopes are part of what the hint asks for only
/// where the caller knew them.
fn step_up(connection: &str, host: &str, wanted: &StepUp, said: &str) -> Report {
    let report = |message: String, did: &str| {
        Report::new(Exit::LoginRequired, "step_up", message).cause(said_by(host, did, said))
    };
    match wanted {
        StepUp::Scopes { scopes } if scopes.is_empty() => report(
            format!("the login of `{connection}` does not allow this"),
            "wants a login that may do more (`insufficient_scope`) and does not say what",
        )
        .hint(format!(
            "`keyward status {connection}` shows what the login may do; the service's manual names its scopes"
        ))
        .oauth("insufficient_scope"),
        StepUp::Scopes { scopes } => report(
            format!("the login of `{connection}` does not allow this"),
            &format!("wants a login with {}", quoted(scopes)),
        )
        .hint(with_scopes(connection, scopes))
        .oauth("insufficient_scope"),
        StepUp::Person { acr_values, max_age } => report(
            format!("`{connection}` wants fresh or stronger proof of who you are"),
            "wants another login for this (`insufficient_user_authentication`)",
        )
        .hint(with_strength(connection, acr_values, *max_age))
        .oauth("insufficient_user_authentication"),
    }
}

/// The command that helps. The scopes are a stranger's text and the command is made for copying: what a shell would
/// read as more than a word stays out of it.
fn with_scopes(connection: &str, scopes: &[String]) -> String {
    match scopes.iter().all(|scope| is_plain(scope)) {
        true => format!("`keyward login {connection} --scope {}`", scopes.join(",")),
        false => format!("`keyward login {connection} --scope …`, with the scopes that the service names"),
    }
}

/// The same for a login that proves more.
fn with_strength(connection: &str, acr_values: &[String], max_age: Option<u64>) -> String {
    let mut command = format!("keyward login {connection}");
    let acr_values: Vec<&str> = acr_values.iter().map(String::as_str).filter(|acr| is_plain(acr)).collect();
    if !acr_values.is_empty() {
        command += &format!(" --acr {}", acr_values.join(","));
    }
    if let Some(age) = max_age {
        command += &format!(" --max-age {age}");
    }
    format!("`{command}`")
}

fn is_plain(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.:/+@=".contains(&byte))
}

fn quoted(words: &[String]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn said_by(host: &str, did: &str, said: &str) -> String {
    if said.is_empty() { format!("`{host}` {did}") } else { format!("`{host}` {did}: {said}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_never_becomes_more_than_a_word_of_the_hinted_command() {
        let hint = |scope: &str| with_scopes("box", &["a".to_owned(), scope.to_owned()]);
        assert_eq!(hint("https://x.example/files.read"), "`keyward login box --scope a,https://x.example/files.read`");
        for scope in ["$(x)", "a;x", "a|x", "a&x", "`x`", "a'x", "a>x", "a,b", "~", "*", "!x", "#x", "a\\x"] {
            assert!(!hint(scope).contains(scope), "{scope}");
            let acr = with_strength("box", &["gold".to_owned(), scope.to_owned()], Some(60));
            assert_eq!(acr, "`keyward login box --acr gold --max-age 60`", "{scope}");
        }
    }
}
