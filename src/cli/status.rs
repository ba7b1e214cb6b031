//! `keyward status`.

use serde::Serialize;

use super::table::Table;
use super::{Console, Outcome};
use crate::app::App;
use crate::app::error::Ended;
use crate::app::status::{self, Login, Status};
use crate::config::store::Kind;
use crate::machine::Timestamp;
use crate::report::{Exit, Report};

/// Show who is signed in where, until when
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: `keyward status --json`. With a CONNECTION the exit code is 3 if it needs a login.")]
pub(super) struct Arguments {
    /// Only this connection
    connection: Option<String>,
}

#[derive(Serialize)]
struct Shown {
    schema_version: u32,
    connections: Vec<One>,
}

#[derive(Serialize)]
struct One {
    connection: String,
    backend: &'static str,
    way: &'static str,
    url: Option<String>,
    login: &'static str,
    ended: Option<&'static str>,
    account: Option<String>,
    issuer: Option<String>,
    scopes: Vec<String>,
    expires_at: Option<Timestamp>,
    renewable: bool,
    variable: Option<String>,
    error: Option<&'static str>,
    store: Option<&'static str>,
}

pub(super) async fn run(arguments: Arguments, console: &Console, app: &App) -> Outcome {
    let connections = match &arguments.connection {
        Some(name) => vec![app.connection(name).map_err(|error| Report::from(&error))?],
        None => app.config.connections.iter().collect(),
    };
    let mut all = Vec::new();
    for connection in connections {
        all.push(status::of(app, connection).await);
    }
    if console.json {
        console.print_json(&Shown { schema_version: 1, connections: all.iter().map(one).collect() });
    } else {
        table(console, &all, app.parts.clock.now());
    }
    verdict(console, arguments.connection.is_some(), &all)
}

/// Asked about one connection, the exit code tells; asked about all, only a store that cannot be read is a failure.
fn verdict(console: &Console, about_one: bool, all: &[Status]) -> Outcome {
    for status in all {
        match &status.login {
            Login::Unknown(error) => {
                let report = Report::from(error);
                if !console.json {
                    return Err(report);
                }
                return Ok(report.exit);
            }
            Login::Required(_) if about_one => return Ok(Exit::LoginRequired),
            _ => {}
        }
    }
    Ok(Exit::Done)
}

fn one(status: &Status) -> One {
    One {
        connection: status.connection.clone(),
        backend: status.backend,
        way: status.way.word(),
        url: status.url.clone(),
        login: status.login.word(),
        ended: match &status.login {
            Login::Required(ended) => Some(ended.word()),
            _ => None,
        },
        account: status.account.clone(),
        issuer: status.issuer.clone(),
        scopes: status.scopes.clone(),
        expires_at: status.expires_at,
        renewable: status.renewable,
        variable: match &status.login {
            Login::Environment { variable } => Some(variable.clone()),
            _ => None,
        },
        error: match &status.login {
            Login::Unknown(error) => Some(Report::from(error).code),
            _ => None,
        },
        store: match &status.login {
            Login::Environment { .. } => Some("environment"),
            _ => status.store.map(Kind::word),
        },
    }
}

fn table(console: &Console, all: &[Status], now: Timestamp) {
    let mut table = Table::new(["CONNECTION", "BACKEND", "LOGIN", "ACCOUNT"]);
    for status in all {
        table.row([
            status.connection.clone(),
            status.backend.to_owned(),
            words(status, now),
            status.account.clone().unwrap_or_default(),
        ]);
    }
    console.print(&table.text());
}

fn words(status: &Status, now: Timestamp) -> String {
    let name = &status.connection;
    match &status.login {
        Login::NotNeeded => "not needed".to_owned(),
        Login::Environment { variable } => format!("token from `{variable}`, used as it is"),
        Login::SignedIn => match (status.expires_at, status.renewable) {
            (None, _) => "signed in".to_owned(),
            (Some(end), true) => format!("signed in, token good for {}, renews by itself", lasting(end.since(now))),
            (Some(end), false) => format!("signed in for {}, then log in again", lasting(end.since(now))),
        },
        Login::Renewable => "signed in, the next call renews the token".to_owned(),
        Login::Required(Ended::Absent) => format!("not signed in: `keyward login {name}`"),
        Login::Required(_) => format!("ended: `keyward login {name}`"),
        Login::Unknown(_) => {
            format!("unknown: the {} could not be read", status.store.unwrap_or(Kind::Keychain).name())
        }
    }
}

/// A length of time as a person says it.
pub(super) fn lasting(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{} s", seconds.max(0)),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}
