//! `keyward status`.

use std::sync::Arc;

use serde::Serialize;

use super::table::Table;
use super::{Console, Outcome};
use crate::app::error::Ended;
use crate::app::headers::State;
use crate::app::status::{self, Login, Status};
use crate::app::verify::{self, Verified};
use crate::app::{App, Error};
use crate::backends::Way;
use crate::config::store::Kind;
use crate::machine::Timestamp;
use crate::report::{Exit, Failure, Report};

/// Show who is signed in where, until when
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Works offline, except with `--verify`. With a CONNECTION the exit code is 3 if it needs a login; `-v` \
    shows everything that is known.\n\nExample: `keyward status --json`"
)]
pub(super) struct Arguments {
    /// Only this connection
    connection: Option<String>,
    /// Ask the provider or the service whether the login is still accepted
    #[arg(long)]
    verify: bool,
}

#[derive(Serialize)]
struct Shown<'a> {
    schema_version: u32,
    connections: Vec<One<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure<'a>>,
}

#[derive(Serialize)]
struct One<'a> {
    connection: &'a str,
    backend: &'a str,
    way: &'a str,
    url: Option<&'a str>,
    login: &'a str,
    ended: Option<&'a str>,
    elsewhere: Option<&'a str>,
    account: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
    issuer: Option<&'a str>,
    scopes: &'a [String],
    expires_at: Option<Timestamp>,
    renewable: bool,
    clock_skew: Option<i64>,
    variable: Option<&'a str>,
    error: Option<&'a str>,
    store: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    secret_headers: Vec<ShownHeader<'a>>,
    /// Only with `--verify`.
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<ShownVerified<'a>>,
}

#[derive(Serialize)]
struct ShownHeader<'a> {
    name: &'a str,
    state: &'a str,
}

#[derive(Serialize)]
struct ShownVerified<'a> {
    by: &'a str,
    host: &'a str,
    /// Null if nobody could tell.
    accepted: Option<bool>,
    error: Option<&'a str>,
}

/// What is known of one connection, and what was answered about it.
struct Row {
    status: Status,
    verified: Option<Verified>,
    /// Why it cannot be said to work.
    failure: Option<Report>,
}

pub(super) async fn run(arguments: Arguments, console: &Console, app: &Arc<App>) -> Outcome {
    let connections: Vec<_> = match &arguments.connection {
        Some(name) => vec![app.connection(name).map_err(|error| Report::from(&error))?],
        None => app.config.connections.iter().collect(),
    };
    let mut rows = Vec::new();
    for connection in &connections {
        rows.push(Row::of(status::of(app, connection).await, None));
    }
    if arguments.verify {
        rows = console.line.during(|passed| format!("Asking about every login ({passed} s)"), verify(app, rows)).await;
    }
    let about_one = arguments.connection.is_some();
    // Asked about all, a login that nobody has done yet is no failure; one that is refused is.
    let failure = rows.iter().find(|row| row.counts(about_one)).and_then(|row| row.failure.clone());
    if console.json {
        let connections = rows.iter().map(one).collect();
        console.print_json(&Shown { schema_version: 1, connections, error: failure.as_ref().map(Report::failure) });
        return Ok(failure.map_or(Exit::Done, |report| report.exit));
    }
    let now = app.parts.clock.now();
    if console.verbose {
        details(console, &rows, now);
    } else {
        table(console, &rows, now);
    }
    failure.map_or(Ok(Exit::Done), Err)
}

/// Asks about every login at the same time: together they take as long as the slowest.
async fn verify(app: &Arc<App>, rows: Vec<Row>) -> Vec<Row> {
    let mut asked = tokio::task::JoinSet::new();
    let mut answered: Vec<Option<Row>> = rows.iter().map(|_| None).collect();
    for (at, row) in rows.into_iter().enumerate() {
        let app = Arc::clone(app);
        asked.spawn(async move {
            let Some(connection) = app.config.connection(&row.status.connection) else { return (at, row) };
            let verified = verify::of(&app, connection, &row.status).await;
            // A renewal may have happened on the way.
            let status = if verified.is_some() { status::of(&app, connection).await } else { row.status };
            (at, Row::of(status, verified))
        });
    }
    while let Some(joined) = asked.join_next().await {
        if let Ok((at, row)) = joined
            && let Some(place) = answered.get_mut(at)
        {
            *place = Some(row);
        }
    }
    answered.into_iter().flatten().collect()
}

impl Row {
    fn of(mut status: Status, verified: Option<Verified>) -> Self {
        let mut failure = match &status.login {
            Login::Required(why) => {
                let (connection, way, why) = (status.connection.clone(), status.way, why.clone());
                Some(Report::from(&Error::LoginRequired { connection, way, why }))
            }
            Login::Unknown(error) => Some(Report::from(error)),
            _ => status.missing().map(|error| Report::from(&error)),
        };
        if let Some(Err(error)) = verified.as_ref().map(|verified| &verified.outcome) {
            let report = Report::from(error);
            // A token from the environment stays what it is: no login helps against it.
            if report.exit == Exit::LoginRequired && matches!(status.login, Login::SignedIn | Login::Renewable) {
                status.login = Login::Required(match error {
                    Error::LoginRequired { why, .. } => why.clone(),
                    _ => Ended::Refused,
                });
            }
            failure = Some(report);
        }
        Self { status, verified, failure }
    }

    fn counts(&self, about_one: bool) -> bool {
        match &self.status.login {
            Login::Unknown(_) => true,
            Login::Required(_) => about_one || self.verified.is_some(),
            _ if self.status.missing().is_some() => about_one || self.verified.is_some(),
            _ => self.failure.is_some(),
        }
    }
}

fn one(row: &Row) -> One<'_> {
    let status = &row.status;
    One {
        connection: &status.connection,
        backend: status.backend,
        way: status.way.word(),
        url: status.url.as_deref(),
        login: status.login.word(),
        ended: match &status.login {
            Login::Required(ended) => Some(ended.word()),
            _ => None,
        },
        elsewhere: status.elsewhere.as_deref(),
        account: status.account.as_deref(),
        tenant: status.holder.as_ref().and_then(|holder| holder.tenant.as_deref()),
        role: status.holder.as_ref().and_then(|holder| holder.role.as_deref()),
        issuer: status.issuer.as_deref(),
        scopes: &status.scopes,
        expires_at: status.expires_at,
        renewable: status.renewable,
        clock_skew: status.clock_skew,
        variable: match &status.login {
            Login::Environment { variable } => Some(variable),
            _ => None,
        },
        error: match (&status.login, &row.failure) {
            (Login::Unknown(_), Some(report)) => Some(report.code),
            _ => None,
        },
        store: match &status.login {
            Login::Environment { .. } => Some("environment"),
            _ => status.store.map(Kind::word),
        },
        secret_headers: status.headers.iter().map(|(name, state)| ShownHeader { name, state: state.word() }).collect(),
        verified: row.verified.as_ref().map(|verified| ShownVerified {
            by: verified.by.word(),
            host: &verified.host,
            accepted: row.accepted(),
            error: row.failure.as_ref().map(|report| report.code),
        }),
    }
}

impl Row {
    /// What the answer says: yes, no, or that nobody could tell.
    fn accepted(&self) -> Option<bool> {
        match (&self.verified, &self.failure) {
            (Some(_), None) => Some(true),
            (Some(_), Some(report)) if report.exit == Exit::LoginRequired => Some(false),
            _ => None,
        }
    }
}

fn table(console: &Console, rows: &[Row], now: Timestamp) {
    let mut table = Table::new(["CONNECTION", "BACKEND", "LOGIN", "ACCOUNT"]);
    for row in rows {
        let status = &row.status;
        table.row([
            status.connection.clone(),
            status.backend.to_owned(),
            words(row, now),
            status.account.clone().unwrap_or_default(),
        ]);
    }
    console.print(&table.text(console.width));
}

/// With `-v`: everything that is known, a paragraph for each connection.
fn details(console: &Console, rows: &[Row], now: Timestamp) {
    for (at, row) in rows.iter().enumerate() {
        let status = &row.status;
        let mut table = Table::new([status.connection.as_str(), ""]);
        let mut line = |name: &str, value: Option<String>| {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                table.row([format!("  {name}"), value]);
            }
        };
        line("login", Some(words(row, now)));
        line("account", status.account.clone());
        line("tenant", status.holder.as_ref().and_then(|holder| holder.tenant.clone()));
        line("role", status.holder.as_ref().and_then(|holder| holder.role.clone()));
        line("way", Some(status.way.word().to_owned()));
        line("address", status.url.clone());
        line("login is for", status.elsewhere.clone());
        line("issuer", status.issuer.clone());
        line("scopes", Some(status.scopes.join(" ")));
        line("token ends", status.expires_at.map(Timestamp::rfc3339));
        line("kept in", status.store.map(|store| format!("the {}", store.name())));
        let headers = status.headers.iter().map(|(name, state)| format!("{name} ({})", state.word()));
        line("secret headers", Some(headers.collect::<Vec<_>>().join(", ")));
        line("backend", Some(status.backend.to_owned()));
        if at > 0 {
            console.print("");
        }
        console.print(&table.text(console.width));
    }
}

fn words(row: &Row, now: Timestamp) -> String {
    let status = &row.status;
    let name = &status.connection;
    let flag = if status.way == Way::ApiKey { " --api-key" } else { "" };
    let again = format!("`keyward login {name}{flag}`");
    let login = match &status.login {
        Login::NotNeeded => "not needed".to_owned(),
        Login::Environment { variable } => format!("token from `{variable}`, used as it is"),
        Login::SignedIn => match (status.expires_at, status.renewable) {
            (None, _) => "signed in".to_owned(),
            (Some(end), true) => format!("signed in, token good for {}, renews by itself", lasting(end.since(now))),
            (Some(end), false) => format!("signed in for {}, then log in again", lasting(end.since(now))),
        },
        Login::Renewable => "signed in, the next call renews the token".to_owned(),
        Login::Required(Ended::Absent) => format!("not signed in: {again}"),
        Login::Required(Ended::Elsewhere) => match &status.elsewhere {
            Some(address) => format!("for another address ({address}): {again}"),
            None => format!("for another address: {again}"),
        },
        Login::Required(Ended::Unreadable) => format!("cannot be read: {again}"),
        Login::Required(Ended::Refused) => format!("refused by the service: {again}"),
        Login::Required(_) => format!("ended: {again}"),
        Login::Unknown(_) => {
            format!("unknown: the {} could not be read", status.store.unwrap_or(Kind::Keychain).name())
        }
    };
    let login = login + &headers(status);
    match (&row.verified, row.accepted()) {
        (Some(verified), Some(true)) => format!("{login}; `{}` accepts it", verified.host),
        (Some(verified), Some(false)) if matches!(status.login, Login::Environment { .. }) => {
            format!("{login}; `{}` refuses it", verified.host)
        }
        (Some(verified), None) => format!("{login}; `{}` could not tell", verified.host),
        _ => login,
    }
}

/// What is to be said of the secret headers beside the login.
fn headers(status: &Status) -> String {
    let one = |(name, state): &(String, State)| {
        let again = format!("`keyward login {} --header {name}`", status.connection);
        match state {
            State::Kept => format!(", with `{name}`"),
            State::Missing => format!("; `{name}` is missing: {again}"),
            State::Elsewhere => format!("; `{name}` is for another address: {again}"),
            State::Unknown => String::new(),
        }
    };
    status.headers.iter().map(one).collect()
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
