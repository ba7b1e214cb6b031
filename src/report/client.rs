//! Words for a client that is not known, or cannot prove who it is.

use super::{Exit, Report};
use crate::oauth::{BadKey, Unusable};

pub(super) fn id_needed(connection: &str, issuer: &str, redirect: Option<&str>) -> Report {
    let report =
        Report::new(Exit::Configuration, "client_id_needed", format!("the login to `{connection}` did not succeed"))
            .cause(format!("the issuer `{issuer}` wants a client that an administrator has registered"));
    let report = match redirect {
        Some(redirect) => report.cause(format!("its redirect address must be {redirect}")),
        None => report,
    };
    report.hint(format!(
        "`keyward config set connections.{connection}.client_id ID`, with the id your administrator gives"
    ))
}

pub(super) fn secret_needed(report: Report, connection: &str) -> Report {
    report
        .cause("without a person at a browser, the client itself must prove who it is")
        .hint(format!("`keyward login {connection} --client-secret`, or `--client-key`, keeps what it proves it with"))
}

pub(super) fn unusable(connection: &str, why: Unusable) -> Report {
    let report = Report::new(
        Exit::Configuration,
        "client_unusable",
        format!("the client of `{connection}` cannot identify itself as configured"),
    )
    .cause(why.to_string());
    match why {
        Unusable::SecretForCodes => report
            .hint(format!("`keyward login {connection} --client-secret` keeps the secret"))
            .hint(format!("`keyward login {connection} --device` needs none")),
        Unusable::NoSecret | Unusable::SecretExpected => {
            report.hint(format!("`keyward login {connection} --client-secret` keeps the secret"))
        }
        Unusable::NoKey => report.hint(format!("`keyward login {connection} --client-key` keeps the key")),
        Unusable::Algorithm => {
            report.hint("register a key of another kind at the provider; P-256, RSA and Ed25519 can be used")
        }
    }
}

pub(super) fn forgotten(connection: &str, issuer: &str) -> Report {
    Report::new(Exit::LoginRequired, "client_forgotten", format!("the login to `{connection}` did not succeed"))
        .cause(format!("`{issuer}` no longer knows the client that was registered there, so it is forgotten here, too"))
        .hint(format!("`keyward login {connection}` registers another"))
        .retryable()
}

pub(super) fn elsewhere(connection: &str, issuer: &str) -> Report {
    Report::new(
        Exit::Configuration,
        "client_secret_elsewhere",
        format!("the client secret of `{connection}` is not shown to `{issuer}`"),
    )
    .cause("it is kept for another client id or issuer than the configuration leads to now")
    .hint(format!("`keyward login {connection} --client-secret`, or `--client-key`, keeps the one for this issuer"))
}

pub(super) fn bad_key(error: BadKey) -> Report {
    let report = Report::new(Exit::Usage, "bad_key", "the private key cannot be kept").cause(error.to_string());
    match error {
        BadKey::Encrypted => {
            report.hint("`openssl pkey -in KEY.pem` prints it in clear: pipe that into the command, without a file")
        }
        BadKey::NotPem => report.hint("pipe the file that begins with `-----BEGIN PRIVATE KEY-----` into the command"),
        BadKey::Unsupported => report.hint("`openssl genpkey -algorithm ED25519` makes one that can be used"),
    }
}
