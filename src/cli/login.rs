//! `keyward login`.

use std::io::BufRead;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Serialize;
use url::Url;

use super::{Console, Outcome};
use crate::app::login::{self, Done};
use crate::app::{App, Error, key};
use crate::backends::{self, Way};
use crate::config::store::{Kind, VARIABLE};
use crate::config::{self, Source};
use crate::machine::{Machine, Timestamp};
use crate::report::{Exit, Report};
use crate::secret::Secret;

/// Sign in to a connection in the browser, or keep a key for it
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples: `keyward login tavily`, `keyward login https://mcp.example.com/mcp`, \
    `keyward login tavily --api-key < key.txt`")]
pub(super) struct Arguments {
    /// The connection, or the address of a remote MCP server
    #[arg(value_name = "CONNECTION|URL")]
    connection: String,
    /// Name for a new connection; otherwise it is named after the host
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Keep an API key: asked for without echo, or read from standard input
    #[arg(long, conflicts_with = "bearer")]
    api_key: bool,
    /// Keep a bearer token: asked for without echo, or read from standard input
    #[arg(long)]
    bearer: bool,
    /// Keep the login there, now and later: in the keychain, or in a file encrypted with a passphrase
    #[arg(long, value_name = "STORE", value_parser = kinds())]
    store: Option<Kind>,
    /// Only print the address of the login page
    #[arg(long)]
    no_browser: bool,
    /// Seconds to wait for the browser
    #[arg(long, value_name = "SECONDS", default_value_t = login::PATIENCE.as_secs(),
        value_parser = clap::value_parser!(u64).range(10..=3600))]
    timeout: u64,
}

fn kinds() -> impl TypedValueParser<Value = Kind> {
    PossibleValuesParser::new(Kind::ALL.map(Kind::word)).map(|word| Kind::of_word(&word).unwrap_or(Kind::Keychain))
}

impl Arguments {
    /// The flag is the variable, for this one command; the login records the choice.
    pub(super) fn choose_store(&self, machine: Machine, console: &Console) -> Machine {
        let Some(kind) = self.store.map(Kind::word) else { return machine };
        if let Some(other) = machine.environment.text(VARIABLE).filter(|other| *other != kind) {
            console
                .say(&format!("`{VARIABLE}` is `{other}`: unset it, or the next command looks for the login there."));
        }
        Machine { environment: machine.environment.with(VARIABLE, kind), ..machine }
    }
}

#[derive(Serialize)]
struct Shown<'a> {
    schema_version: u32,
    connection: &'a str,
    way: &'a str,
    account: Option<&'a str>,
    expires_at: Option<Timestamp>,
    renewable: bool,
    store: Option<&'a str>,
}

pub(super) async fn run(arguments: Arguments, console: &Console, app: &App) -> Outcome {
    let connection = target(&arguments, app).map_err(|error| Report::from(&error))?;
    let done = match chosen(&arguments, &connection) {
        Way::OAuth => in_the_browser(&arguments, console, app, &connection).await,
        way => with_a_key(console, app, &connection, way).await,
    };
    let done = match done {
        Err(Error::LoginNotNeeded { .. }) if connection.backend.ways.contains(&Way::None) => {
            open(app, &connection).await
        }
        other => other,
    };
    let done = match done {
        Ok(done) => done,
        Err(error) => return Err(advice(app, &connection, Report::from(&error)).await),
    };
    if let Err(error) = login::learn_tools(app, &connection, done.way).await {
        let report = Report::from(&error);
        console.say(&format!("Its tools could not be listed yet ({}).", report.causes.join("; ")));
        console.say("`keyward tools --refresh` lists them later.");
    }
    let store = app.config.store_of(&connection).0;
    if console.json {
        console.print_json(&Shown {
            schema_version: 1,
            connection: &done.connection,
            way: done.way.word(),
            account: done.account.as_deref(),
            expires_at: done.expires_at,
            renewable: done.renewable,
            store: (done.way != Way::None).then_some(store.word()),
        });
    } else {
        console.say(&sentence(&done, store));
    }
    Ok(Exit::Done)
}

/// A new connection has no name yet that a hint could use: the hint names its address instead, or, where a setting is
/// needed, the connection is written down so that the setting has a place.
async fn advice(app: &App, connection: &config::Connection, mut report: Report) -> Report {
    let name = &connection.name;
    let (false, Some((url, Source::File))) = (connection.configured, &connection.url) else { return report };
    if report.hints.iter().any(|hint| hint.contains(&format!("connections.{name}."))) {
        return match login::record(app, connection, connection.way.0).await {
            Ok(()) => report,
            Err(error) => Report::from(&error),
        };
    }
    for hint in &mut report.hints {
        *hint = hint
            .replace(&format!("`keyward login {name}`"), &format!("`keyward login {url} --name {name}`"))
            .replace(&format!("`keyward login {name} "), &format!("`keyward login {url} --name {name} "))
            .replace(&format!("that `keyward status {name}` shows"), &format!("`{url}`"));
    }
    report
}

fn chosen(arguments: &Arguments, connection: &config::Connection) -> Way {
    if arguments.api_key {
        return Way::ApiKey;
    }
    if arguments.bearer {
        return Way::Bearer;
    }
    let ways = connection.backend.ways;
    match connection.way {
        (way, Source::File) if way != Way::None => way,
        _ => ways.iter().copied().find(|way| *way != Way::None).unwrap_or(Way::OAuth),
    }
}

async fn in_the_browser(
    arguments: &Arguments,
    console: &Console,
    app: &App,
    connection: &config::Connection,
) -> Result<Done, Error> {
    let pending = login::begin(app, connection).await?;
    let ask = format!("To sign in to `{}` at {}, open:\n\n  {}\n", connection.name, pending.provider(), pending.url());
    if arguments.no_browser {
        console.must_say(&format!("{ask}\nOpen it in a browser on this machine."));
    } else if let Err(error) = app.machine.browser.open(pending.url()) {
        console.must_say(&format!(
            "{ask}\nNo browser was opened: {error}. Open the address in a browser on this machine."
        ));
    } else {
        console.say(&format!("{ask}\nA browser was asked to open it."));
    }
    console.say(&format!("Waiting for the answer on port {}, at most {} s.", pending.port(), arguments.timeout));
    pending.finish(app, Duration::from_secs(arguments.timeout)).await
}

async fn with_a_key(console: &Console, app: &App, connection: &config::Connection, way: Way) -> Result<Done, Error> {
    let ways = connection.backend.ways;
    if !ways.contains(&way) {
        return Err(Error::NoLogin { connection: connection.name.clone(), wanted: Some(way), ways });
    }
    let terminal = &app.machine.terminal;
    let typed = if app.machine.facts.input {
        console.say(&format!("Paste the key for `{}`; it is not shown.", connection.name));
        terminal.ask_secret("Key: ").map_err(|_| Error::NoKey { why: "the terminal could not be read" })?
    } else {
        let mut line = String::new();
        // One line is enough, and a stream without an end must not be waited for.
        let mut input = std::io::Read::take(terminal.input(), 16 * 1024);
        input.read_line(&mut line).map_err(|_| Error::NoKey { why: "standard input could not be read" })?;
        Secret::new(line)
    };
    key::keep(app, connection, way, typed).await
}

/// The server answers without a login: the connection is worth keeping all the same.
async fn open(app: &App, connection: &config::Connection) -> Result<Done, Error> {
    // Any web page answers without a login; only a server that lists its tools is one.
    login::learn_tools(app, connection, Way::None).await?;
    login::record(app, connection, Way::None).await?;
    let connection = connection.name.clone();
    Ok(Done { connection, way: Way::None, account: None, expires_at: None, renewable: false })
}

fn sentence(done: &Done, store: Kind) -> String {
    let name = &done.connection;
    match (done.way, &done.account) {
        (Way::None, _) => format!("`{name}` answers without a login; its tools can be used."),
        (Way::OAuth, Some(account)) => format!("Signed in to `{name}` as {}.{}", clean(account), renewal(done)),
        (Way::OAuth, None) => format!("Signed in to `{name}`.{}", renewal(done)),
        _ => format!("The key of `{name}` is kept in the {}.", store.name()),
    }
}

fn renewal(done: &Done) -> &'static str {
    match (done.renewable, done.expires_at) {
        (true, _) => " The token renews by itself.",
        (false, Some(_)) => " The provider gave no refresh token: sign in again when the token ends.",
        (false, None) => "",
    }
}

fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

/// The connection that is meant: by name, by address, or a new one for an address.
fn target(arguments: &Arguments, app: &App) -> Result<config::Connection, Error> {
    let text = &arguments.connection;
    if !text.contains("://") {
        if arguments.name.is_some() {
            let why = "an address: `--name` names a new connection".to_owned();
            return Err(Error::Address { address: shown(text), why });
        }
        return app.connection(text).cloned();
    }
    let url = config::address(text, "url").map_err(|error| match error {
        config::Error::Value { expected, .. } => Error::Address { address: shown(text), why: expected },
        other => Error::Config(other),
    })?;
    let known = |connection: &&config::Connection| {
        connection.backend.name == backends::remote::BACKEND.name
            && connection.url.as_ref().is_some_and(|(known, _)| *known == url)
    };
    if arguments.name.is_none()
        && let Some(known) = app.config.connections.iter().find(known)
    {
        return Ok(known.clone());
    }
    let name = arguments.name.clone().unwrap_or_else(|| name_of(&url, app));
    if let Some(taken) = app.config.connection(&name).filter(|taken| !known(taken)) {
        return Err(Error::Address {
            address: shown(text),
            why: format!("given another `--name`: `{}` is a connection already", taken.name),
        });
    }
    let entry = config::written::Connection {
        backend: Some(backends::remote::BACKEND.name.to_owned()),
        url: Some(url.to_string()),
        ..Default::default()
    };
    let mut connection = config::Connection::resolve(&name, Some(&entry)).map_err(Error::Config)?;
    connection.configured = false;
    Ok(connection)
}

/// An address without what may be secret in it.
fn shown(text: &str) -> String {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let text = text.get(..end).unwrap_or_default();
    let user = text.find("://").and_then(|at| text.rfind('@').map(|end| (at + 3, end)));
    match user {
        Some((start, end)) if start < end => {
            let (head, tail) = (text.get(..start).unwrap_or_default(), text.get(end + 1..).unwrap_or_default());
            format!("{head}{tail}")
        }
        _ => text.to_owned(),
    }
}

/// A short name after the host: `https://mcp.notion.com/mcp` becomes `notion-com`.
fn name_of(url: &Url, app: &App) -> String {
    let host = url.host_str().unwrap_or("remote");
    let host = ["mcp.", "www.", "api."].iter().find_map(|prefix| host.strip_prefix(prefix)).unwrap_or(host);
    let mut name: String =
        host.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    if let Some(port) = url.port() {
        name = format!("{name}-{port}");
    }
    let name: String = name.trim_matches('-').chars().take(36).collect();
    let free = |name: &String| app.config.connection(name).is_none() && backends::named(name).is_none();
    if free(&name) {
        return name;
    }
    (2..100).map(|number| format!("{name}-{number}")).find(free).unwrap_or(name)
}
