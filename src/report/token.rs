//! Words for a token that a script asked for and that could not be vouched for or handed out.

use super::{Exit, Report, network};
use crate::oauth::{Error, Forged};

pub(super) fn unknown_issuer(connection: &str) -> Report {
    Report::new(Exit::Configuration, "unknown_issuer", format!("the token of `{connection}` cannot be checked"))
        .cause("nobody knows who should have signed it: no login obtained it")
        .hint(format!("`keyward config set connections.{connection}.issuer https://host` names its issuer"))
}

pub(super) fn keys(connection: &str, error: &Error) -> Report {
    let message = format!("the token of `{connection}` could not be checked");
    match error {
        Error::Network(error) => network::failed(&message, error),
        Error::Server { .. } => Report::new(Exit::Server, "issuer_keys", message)
            .cause(error.to_string())
            .hint("try again later")
            .retryable(),
        _ => Report::new(Exit::Server, "issuer_keys", message)
            .cause(error.to_string())
            .hint(format!("`keyward status {connection} --verify` asks whether the login is accepted")),
    }
}

pub(super) fn forged(connection: &str, why: Forged) -> Report {
    let report = Report::new(Exit::Server, "token_unverified", format!("the token of `{connection}` is not verified"))
        .cause(why.to_string());
    match why {
        Forged::NoSignature => {
            report.hint(format!("`keyward status {connection} --verify` asks whether it is accepted"))
        }
        _ => report.hint(format!("`keyward logout {connection}`, then log in again; tell the provider if it goes on")),
    }
}

/// A token that is bound to a key, asked for by a program that cannot prove the possession of the key.
pub fn bound(connection: &str) -> Report {
    Report::new(Exit::Configuration, "token_bound", format!("the token of `{connection}` cannot be handed to others"))
        .cause("it is bound to a key that never leaves keyward (DPoP, RFC 9449)")
        .hint("`keyward serve` offers its tools to a host, `keyward call TOOL` calls one of them")
}
