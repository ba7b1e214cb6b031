//! Words for a login that ended and a renewal that failed.

use std::time::Duration;

use super::{Exit, Report, network, store};
use crate::app::error::{Ended, Pause};
use crate::backends::Way;
use crate::oauth::{Error, RefreshError};
use crate::providers;

pub(super) fn login_required(connection: &str, way: Way, why: &Ended) -> Report {
    let (message, cause) = match why {
        Ended::Absent => (format!("`{connection}` is not signed in"), "no login is stored for it".to_owned()),
        Ended::Expired => {
            (format!("the login of `{connection}` has ended"), "the token ran out and cannot be renewed".to_owned())
        }
        Ended::Revoked { code } => (
            format!("the login of `{connection}` has ended"),
            format!("the provider refused to renew it (`{code}`): revoked, expired, or replaced by another login"),
        ),
        Ended::Interrupted => (
            format!("the login of `{connection}` has ended"),
            "an earlier renewal was interrupted, most likely after the provider had replaced the token and before its \
             answer arrived"
                .to_owned(),
        ),
        Ended::OtherAccount => (
            format!("the login of `{connection}` has ended"),
            "the provider renewed it with the tokens of another account; they were not used".to_owned(),
        ),
        Ended::Refused => (
            format!("`{connection}` refuses the stored login"),
            "the service answered 401 and there is nothing to renew it with".to_owned(),
        ),
        Ended::Elsewhere => (
            format!("`{connection}` is not signed in where it points now"),
            "its login is for another address, issuer or way to sign in than the configuration names".to_owned(),
        ),
        Ended::Unreadable => (
            format!("the stored login of `{connection}` cannot be read"),
            "it is damaged, or a newer keyward wrote it".to_owned(),
        ),
    };
    let flag = if way == Way::ApiKey { " --api-key" } else { "" };
    let report = Report::new(Exit::LoginRequired, "login_required", message)
        .cause(cause)
        .hint(format!("`keyward login {connection}{flag}`"));
    match why {
        Ended::Revoked { code } => report.oauth(code.clone()),
        Ended::Interrupted => report.oauth("invalid_grant"),
        _ => report,
    }
}

pub(super) fn environment_token_refused(variable: &str) -> Report {
    Report::new(Exit::LoginRequired, "environment_token_refused", format!("the token in `{variable}` was refused"))
        .cause("the service answered 401; tokens from the environment are used as they are and never renewed")
        .hint(format!("put a valid token into `{variable}`, or unset it to use the stored login"))
}

pub(super) fn environment_token_unusable(variable: &str) -> Report {
    let message = format!("the token in `{variable}` cannot be used");
    Report::new(Exit::Configuration, "environment_token_unusable", message)
        .cause("it holds a line break or another control character")
        .hint(format!("put the token alone into `{variable}`, on one line, or unset it to use the stored login"))
}

pub(super) fn too_short(connection: &str, asked: i64, lasts: i64) -> Report {
    Report::new(Exit::Server, "too_short", format!("no token of `{connection}` lasts {asked} s"))
        .cause(format!("the newest one the provider gave lasts {lasts} s"))
        .hint(format!("`keyward token {connection} --min-validity {}`", (lasts / 2).max(1)))
}

pub(super) fn busy(connection: &str, waited: Duration) -> Report {
    Report::new(Exit::Busy, "busy", format!("another keyward is working on `{connection}`"))
        .cause(format!("its lock was not free within {} s", waited.as_secs()))
        .hint("run the command again; if it stays busy, end the other process")
        .retryable()
}

pub(super) fn paused(connection: &str, seconds: i64, why: Pause) -> Report {
    let (exit, cause) = match why {
        Pause::Network => (Exit::Network, "the provider could not be reached a moment ago"),
        Pause::Server => (Exit::Server, "the provider was in trouble a moment ago"),
        Pause::Refused => (Exit::Configuration, "the provider refused the last request as such"),
        Pause::TooMany => (Exit::Server, "it was renewed five times within a minute, and that did not help"),
    };
    let message = format!("`{connection}` is not renewed for the moment; the login is kept");
    let report = Report::new(exit, "renewal_paused", message)
        .cause(format!("{cause}; the next renewal is due in {seconds} s"))
        .hint(format!("try again in {seconds} s"));
    if why == Pause::Refused {
        return report.hint(format!("if it goes on, `keyward login {connection}` starts afresh"));
    }
    report.retryable()
}

pub(super) fn not_kept(connection: &str, error: &crate::store::Error) -> Report {
    let inner = store::failed(connection, error);
    let mut report = Report::new(
        Exit::Store,
        "not_kept",
        format!("`{connection}` was renewed, and the new tokens could not be kept"),
    )
    .cause(error.to_string())
    .cause("they were not used either; the old ones may no longer be accepted");
    report.hints = inner.hints.into_iter().take(1).collect();
    report.hint(format!("then `keyward login {connection}`"))
}

pub(super) fn renewal(connection: &str, error: &RefreshError) -> Report {
    let message = format!("`{connection}` could not be renewed; the login is kept");
    let report = match error {
        RefreshError::Transient { cause: Error::Network(error), .. } => return network::failed(&message, error),
        RefreshError::Transient { .. } => {
            Report::new(Exit::Server, "renewal_failed", message).hint("try again later").retryable()
        }
        RefreshError::Protocol(_) => Report::new(Exit::Server, "renewal_failed", message)
            .hint(format!("if it goes on, `keyward login {connection}` starts afresh")),
        RefreshError::Definitive(_) | RefreshError::Client(_) | RefreshError::Configuration(_) => {
            Report::new(Exit::Configuration, "renewal_refused", message)
                .hint(format!("`keyward login {connection}` starts afresh"))
        }
    };
    let mut report = report.cause(error.cause().to_string());
    if let Some(advice) = error.cause().description().and_then(providers::advice) {
        report.hints.insert(0, advice.replace("NAME", connection));
    }
    match error.cause().oauth_code() {
        Some(code) => report.oauth(code),
        None => report,
    }
}
