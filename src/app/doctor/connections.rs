//! The connections: whether each can be called now, whether its service and its provider can be reached and publish
//! what a login needs, and what time they say it is.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Request, header};
use tokio::task::JoinSet;
use url::Url;

use super::clock::{self, Reading};
use super::{Check, Class};
use crate::app::error::Ended;
use crate::app::headers::State;
use crate::app::status::{self, Login, Status};
use crate::app::{App, Error, login};
use crate::backends::Way;
use crate::config;
use crate::http::{Http, Limits};
use crate::machine::Timestamp;

/// What one connection showed.
#[derive(Default)]
struct Seen {
    checks: Vec<Check>,
    readings: Vec<Reading>,
}

pub(super) async fn look(app: &Arc<App>, connections: &[config::Connection]) -> Vec<Check> {
    let mut looking = JoinSet::new();
    for (index, connection) in connections.iter().cloned().enumerate() {
        let app = Arc::clone(app);
        looking.spawn(async move { (index, one(&app, &connection).await) });
    }
    let mut found: Vec<(usize, Seen)> = Vec::new();
    while let Some(seen) = looking.join_next().await {
        found.extend(seen);
    }
    crate::order::by_key(&mut found, |(index, _)| *index);
    let mut all = Seen::default();
    for (_, seen) in found {
        all.checks.extend(seen.checks);
        all.readings.extend(seen.readings);
    }
    all.checks.push(clock::look(all.readings));
    all.checks
}

async fn one(app: &App, connection: &config::Connection) -> Seen {
    let mut seen = Seen::default();
    let status = status::of(app, connection).await;
    seen.checks.extend(headers(&status));
    seen.checks.insert(0, signed_in(status));
    let way = app.way(connection);
    // A preset that nobody configured may well be out of reach, and nobody minds.
    let mildly = !connection.configured && way == Way::None;
    let Some(url) = connection.endpoint(way) else { return seen };
    let (service, reading) = reached(&app.parts.http.anywhere(), &url, &connection.headers.plain, app).await;
    seen.readings.extend(reading);
    seen.checks.push(
        match service {
            Ok(()) => Check::ok("service", format!("`{}` answers{}", host(&url), through(app, &url))),
            Err(error) => Check::failed("service", Error::Network(error)).mildly(mildly),
        }
        .about(&connection.name),
    );
    if way == Way::OAuth {
        provider(&app.at(connection), connection, &mut seen).await;
    }
    seen
}

/// Whether it can be called now.
fn signed_in(status: Status) -> Check {
    let name = &status.connection;
    let again = format!("`keyward login {name}`");
    match status.login {
        Login::NotNeeded => Check::ok("login", "not needed"),
        Login::Environment { variable } => Check::ok("login", format!("the token is from `{variable}`, used as it is")),
        Login::SignedIn => Check::ok("login", "signed in"),
        Login::Renewable => Check::ok("login", "signed in; the next call renews the token"),
        Login::Required(Ended::Absent) => Check::warn("login", "not signed in").hint(again),
        Login::Required(_) => Check::fail("login", Class::LoginRequired, "the login has ended").hint(again),
        Login::Unknown(error) => Check::failed("login", error),
    }
    .about(name)
}

/// Whether its secret headers are there.
fn headers(status: &Status) -> Vec<Check> {
    let name = &status.connection;
    let one = |(header, state): &(String, State)| {
        let again = format!("`keyward login {name} --header {header}`");
        let fail = |what: &str| Check::fail("header", Class::LoginRequired, format!("`{header}` {what}")).hint(again);
        match state {
            State::Kept => Some(Check::ok("header", format!("`{header}` is kept"))),
            State::Missing => Some(fail("is missing")),
            State::Elsewhere => Some(fail("is for another address than the connection points to")),
            // The check of the login says why.
            State::Unknown => None,
        }
    };
    status.headers.iter().filter_map(one).map(|check| check.about(name)).collect()
}

/// Whether the provider publishes what a login needs.
async fn provider(app: &App, connection: &config::Connection, seen: &mut Seen) {
    let name = "provider";
    let looking = login::issuer(app, connection);
    let found = match tokio::time::timeout(Limits::METADATA.time, looking).await {
        Ok(found) => found,
        Err(_) => Err(Error::Network(crate::http::Error::TimedOut {
            host: connection.name.clone(),
            after: Limits::METADATA.time,
        })),
    };
    seen.checks.push(
        match found {
            Err(Error::LoginNotNeeded { .. }) => Check::ok(name, "the service answers without a login"),
            Err(error) => Check::failed(name, error),
            Ok(issuer) => {
                if let Ok(address) = Url::parse(&issuer) {
                    seen.readings.extend(reached(&app.parts.http, &address, &[], app).await.1);
                }
                Check::ok(name, format!("`{}` publishes what a login needs", issuer))
            }
        }
        .about(&connection.name),
    );
}

/// Whether anybody answers there, whatever the answer is, and what time they say it is. The body is not waited for: it
/// may be a stream without an end.
async fn reached(
    http: &Http,
    url: &Url,
    headers: &[(HeaderName, HeaderValue)],
    app: &App,
) -> (Result<(), crate::http::Error>, Option<Reading>) {
    let address = || crate::http::Error::Address { host: host(url) };
    let Ok(mut request) = Request::get(url.as_str()).body(Vec::new()) else { return (Err(address()), None) };
    request.headers_mut().extend(headers.iter().cloned());
    match http.stream(request, Limits::METADATA).await {
        Err(error) => (Err(error), None),
        Ok(answer) => {
            let date = answer.headers.get(header::DATE).and_then(|date| date.to_str().ok()).and_then(moment);
            (Ok(()), date.map(|there| Reading { host: host(url), there, here: app.parts.clock.now() }))
        }
    }
}

fn moment(date: &str) -> Option<Timestamp> {
    let since = httpdate::parse_http_date(date).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok().map(Timestamp)
}

fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or("?");
    url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
}

fn through(app: &App, url: &Url) -> String {
    app.parts.http.proxies().for_address(url).map(|proxy| format!(" through the proxy `{proxy}`")).unwrap_or_default()
}
