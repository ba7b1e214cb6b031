//! `keyward login`.

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::{Console, Outcome, client};
use crate::app;
use crate::app::login::{self, Done};
use crate::app::status::{self, Login};
use crate::app::{App, Error};
use crate::backends::{self, Way};
use crate::config::store::{Kind, VARIABLE};
use crate::config::{self, Source};
use crate::http::{Loopback, Pin};
use crate::machine::Machine;
use crate::report::{self, Exit, Report};

mod attempt;
mod choice;
mod face;
mod header;
mod key;
mod own;
mod rehearsal;
mod target;
mod trust;

use face::Face;

/// Sign in to a connection in the browser, or keep a key for it
#[derive(Debug, clap::Args)]
#[command(after_help = after_help())]
pub(super) struct Arguments {
    /// The connection, or the address of a new one: a remote MCP server, or what `--backend` names
    #[arg(value_name = "CONNECTION|URL")]
    connection: String,
    /// What is at the address of a new connection
    #[arg(long, value_name = "BACKEND", value_parser = PossibleValuesParser::new(backends::ALL.iter().map(|backend| backend.name)))]
    backend: Option<String>,
    /// Name for a new connection; otherwise it is named after the host
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Sign in in this way, now and later: one of the ways of the connection's backend
    #[arg(long, value_name = "WAY", value_parser = ways(), conflicts_with_all = ["api_key", "bearer"])]
    way: Option<Way>,
    /// Sign in with name and password, once, also where the service offers something else
    #[arg(long)]
    no_sso: bool,
    /// Take this certificate of the service and no other; `sha256:` and 64 hexadecimal digits
    #[arg(long, value_name = "FINGERPRINT")]
    trust: Option<Pin>,
    /// Keep an API key: asked for without echo, or read from standard input
    #[arg(long, conflicts_with = "bearer")]
    api_key: bool,
    /// Keep a bearer token: asked for without echo, or read from standard input
    #[arg(long)]
    bearer: bool,
    /// Keep the value of a secret header, for every request to the service, besides or instead of another login: asked
    /// for without echo, or read from standard input; several take one line each
    #[arg(long, value_name = "NAME", conflicts_with_all = ["api_key", "bearer", "client_secret", "client_key"])]
    header: Vec<String>,
    /// Keep the login there, now and later: in the keychain, or in a file encrypted with a passphrase
    #[arg(long, value_name = "STORE", value_parser = kinds())]
    store: Option<Kind>,
    #[command(flatten)]
    client: client::Given,
    #[command(flatten)]
    ways: Ways,
    #[command(flatten)]
    wish: Asking,
}

const EXAMPLES: &str = "Examples: `keyward login tavily`, `keyward login https://mcp.example.com/mcp`, \
    `keyward login tavily --api-key < key.txt`";

const NOTE: &str = "The first valid answer ends the login: from the browser here, or pasted from a browser elsewhere. With \
    `--json` every line is one event; the last is `done` or an error.";

fn after_help() -> String {
    let notes = backends::ALL.iter().flat_map(|backend| {
        backend
            .notes
            .iter()
            .map(|(way, note)| format!("\n\n`way = \"{}\"` of `{}` is {note}.", way.word(), backend.name))
    });
    let notes = notes.collect::<String>();
    format!("{NOTE}{notes}\n\n{EXAMPLES}")
}

fn ways() -> impl TypedValueParser<Value = Way> {
    let words = Way::ALL.into_iter().filter(|way| *way != Way::None).map(Way::word);
    PossibleValuesParser::new(words).map(|word| Way::of_word(&word).unwrap_or(Way::OAuth))
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

/// How the answer comes back.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Finishing the login")]
struct Ways {
    /// Open the page with this program; goes before `BROWSER`
    #[arg(long, value_name = "PROGRAM", conflicts_with = "no_browser")]
    browser: Option<String>,
    /// Only print the address of the login page
    #[arg(long)]
    no_browser: bool,
    /// Read the pasted answer from standard input also where that is no terminal
    #[arg(long)]
    paste: bool,
    /// As `--paste`, and take a code alone, from a provider that shows one on a page
    #[arg(long)]
    paste_code: bool,
    /// Use a browser on another device, which takes a code; no browser has to reach this machine
    #[arg(long)]
    device: bool,
    /// Wait on one of these ports, the first that is free
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..))]
    port: Vec<u16>,
    /// Come back to 127.0.0.1, localhost or [::1], as the provider has it registered
    #[arg(long, value_name = "HOST")]
    redirect_host: Option<Loopback>,
    /// Seconds to wait for the person
    #[arg(long, value_name = "SECONDS", default_value_t = login::PATIENCE.as_secs(),
        value_parser = clap::value_parser!(u64).range(10..=3600))]
    timeout: u64,
    /// Wait for another login of the same connection instead of giving way to it
    #[arg(long)]
    wait: bool,
}

/// What is asked for.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What is asked for")]
struct Asking {
    /// Ask for these scopes besides the usual ones
    #[arg(long, value_name = "SCOPE", value_delimiter = ',')]
    scope: Vec<String>,
    /// Prove who you are in one of these ways, by the provider's names for them
    #[arg(long, value_name = "WAY", value_delimiter = ',')]
    acr: Vec<String>,
    /// Prove who you are anew if that is longer ago than this
    #[arg(long, value_name = "SECONDS")]
    max_age: Option<u64>,
    /// Keep the login only if this account signs in: its subject, address or name
    #[arg(long, value_name = "NAME")]
    expect_user: Option<String>,
    /// Show what would be asked for; open, register and store nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(arguments: Arguments, console: &Console, app: &App) -> Outcome {
    let headers = header::names(&arguments.header).map_err(|error| Report::from(&error))?;
    let connection = target::target(&arguments, app).map_err(|error| Report::from(&error))?;
    let way = chosen(&arguments, &connection).map_err(|error| Report::from(&error))?;
    if arguments.wish.dry_run && way.is_exchanged() {
        return own::rehearse(console, app, (&connection, way)).map_err(|error| Report::from(&error));
    }
    if arguments.wish.dry_run {
        let shown = attempt::rehearse(&arguments, console, app, (&connection, way)).await;
        return shown.unwrap_or_else(|error| Err(Report::from(&error)));
    }
    let connection = match trust::settled(&arguments, console, app, connection.clone()).await {
        Ok(connection) => connection,
        Err(report) => return Err(advice(app, &connection, report).await),
    };
    client::keep(&arguments.client, console, app, &connection).await.map_err(|error| Report::from(&error))?;
    let (connection, left) = match headers.is_empty() {
        true => {
            app::headers::bring(app, &connection).await.map_err(|error| Report::from(&error))?;
            (connection, header::Left::Login)
        }
        false => header::keep(headers, console, app, &connection, (way, asks_for_login(&arguments)))
            .await
            .map_err(|error| Report::from(&error))?,
    };
    let done = match way {
        _ if matches!(left, header::Left::Nothing) => open(app, &connection).await,
        _ if let header::Left::SignedIn(login) = left => return signed_in(console, app, &connection, login).await,
        Way::OAuth => attempt::sign_in(&arguments, console, app, &connection).await,
        way if way.is_exchanged() => own::sign_in(&arguments, console, app, (&connection, way)).await,
        Way::ClientCredentials => login::client_credentials(app, &connection).await,
        way => key::with_a_key(console, app, &connection, way).await,
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
    let face = Face { console, prompt: None };
    if way == Way::OAuth
        && let Err(error) = login::proved(app, &connection).await
    {
        return Err(report::token_not_taken(&connection.name, Report::from(&error)));
    }
    learn_tools(&face, app, &connection, done.way).await;
    let store = app.config.store_of(&connection).0;
    let is_kept = done.way != Way::None || !connection.headers.secret.is_empty();
    face.done(&done, is_kept.then_some(store));
    if !console.json {
        console.say(&sentence(&done, store));
    }
    Ok(Exit::Done)
}

/// Whether the command line says something of the login itself.
fn asks_for_login(arguments: &Arguments) -> bool {
    let Asking { scope, acr, max_age, expect_user, .. } = &arguments.wish;
    arguments.way.is_some() || !scope.is_empty() || !acr.is_empty() || max_age.is_some() || expect_user.is_some()
}

/// The end of a command that has kept headers for a connection with another login, which it may still need.
async fn signed_in(console: &Console, app: &App, connection: &config::Connection, login: Login) -> Outcome {
    let (name, way) = (connection.name.clone(), app.way(connection));
    if let Login::Required(why) = login {
        return Err(Report::from(&Error::LoginRequired { connection: name, way, why }));
    }
    let face = Face { console, prompt: None };
    learn_tools(&face, app, connection, way).await;
    let account = status::of(app, connection).await.account;
    let done = Done { connection: name, way, account, holder: None, expires_at: None, renewable: false };
    face.done(&done, Some(app.config.store_of(connection).0));
    Ok(Exit::Done)
}

async fn learn_tools(face: &Face<'_>, app: &App, connection: &config::Connection, way: Way) {
    if let Err(error) = login::learn_tools(app, connection, way).await {
        let report = Report::from(&error);
        let text = format!("Its tools could not be listed yet ({}).", report.causes.join("; "));
        face.warning("tools", &format!("{text}\n`keyward tools --refresh` lists them later."));
    }
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
    // A query would be cut off by the shell, or worse.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ":/._-".contains(c);
    let url = if url.as_str().chars().all(is_plain) {
        url.to_string()
    } else {
        format!("'{}'", url.as_str().replace('\'', "%27"))
    };
    let is_remote = connection.backend.name == backends::remote::BACKEND.name;
    let backend = if is_remote { String::new() } else { format!(" --backend {}", connection.backend.name) };
    let again = format!("`keyward login {url} --name {name}{backend}");
    for hint in &mut report.hints {
        *hint = hint
            .replace(&format!("`keyward login {name}`"), &format!("{again}`"))
            .replace(&format!("`keyward login {name} "), &format!("{again} "))
            .replace(&format!("that `keyward status {name}` shows"), &format!("`{url}`"))
            .replace(
                &format!("`keyward config show` prints the addresses of `{name}`"),
                &format!("check the address `{url}`"),
            );
    }
    report
}

fn chosen(arguments: &Arguments, connection: &config::Connection) -> Result<Way, Error> {
    let ways = connection.backend.ways;
    let asked = match (arguments.api_key, arguments.bearer) {
        (true, _) => Some(Way::ApiKey),
        (_, true) => Some(Way::Bearer),
        _ => arguments.way,
    };
    match (asked, connection.way) {
        (Some(way), _) if !ways.contains(&way) => {
            Err(Error::NoLogin { connection: connection.name.clone(), wanted: Some(way), ways })
        }
        (Some(way), _) => Ok(way),
        (None, (way, Source::File)) if way != Way::None => Ok(way),
        _ => Ok(ways.iter().copied().find(|way| *way != Way::None).unwrap_or(Way::OAuth)),
    }
}

/// The server answers without a login: the connection is worth keeping all the same.
async fn open(app: &App, connection: &config::Connection) -> Result<Done, Error> {
    // Any web page answers without a login; only a server that lists its tools is one.
    login::learn_tools(app, connection, Way::None).await?;
    login::record(app, connection, Way::None).await?;
    let connection = connection.name.clone();
    Ok(Done { connection, way: Way::None, account: None, holder: None, expires_at: None, renewable: false })
}

fn sentence(done: &Done, store: Kind) -> String {
    let name = &done.connection;
    match (done.way, &done.account) {
        (Way::None, _) => format!("`{name}` answers without a login; its tools can be used."),
        (Way::OAuth, Some(account)) => format!("Signed in to `{name}` as {}.{}", clean(account), renewal(done)),
        (way, _) if way.is_exchanged() => own::sentence(done, store),
        (Way::ClientCredentials, _) => format!("`{name}` has a token for its client.{}", renewal(done)),
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
