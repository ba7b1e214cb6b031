//! `keyward demo`: everything once, against the sandbox, with nothing but this binary.
//!
//! Login, store, serve, renewal and logout are the real ones; only the provider and the services are stand-ins. A step
//! that did not really happen ends the demo with its failure, so that exit code 0 means that all of them did.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use super::{Console, Outcome, sandbox};
use crate::app::logout::{AtProvider, Wish};
use crate::app::{App, Error, login, logout, status};
use crate::backends;
use crate::config::edit::{Change, Setting};
use crate::machine::{Environment, Folders, Machine};
use crate::report::{Exit, Report};
use crate::sandbox::{Options, Sandbox};
use crate::store::Store;
use crate::store::memory::Memory;

mod host;
mod person;

use host::Host;

/// Show the whole thing without any account: login, keychain, serve, calls, renewal, logout
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: `keyward demo --no-browser`")]
pub(super) struct Arguments {
    /// Do not open a browser: the demo allows the request by itself
    #[arg(long)]
    no_browser: bool,
    /// Seconds to wait for the browser
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    timeout: u64,
}

/// The connection that the demo signs in to; a name of its own, so that no real login is touched.
const REMOTE: &str = "keyward-demo-remote";
/// The connection that needs no login and never gets one here.
const TAVILY: &str = "tavily";

/// Nothing of the demo stays in the keychain.
const EVERYTHING: Wish = Wish { local_only: false, forget_client: true, end_session: false };

/// Tells the steps and counts them.
struct Tale<'a> {
    console: &'a Console,
    steps: Vec<Step>,
}

#[derive(Serialize)]
struct Step {
    step: &'static str,
    what: String,
}

#[derive(Serialize)]
struct Shown {
    schema_version: u32,
    steps: Vec<Step>,
}

impl Tale<'_> {
    fn tell(&mut self, step: &'static str, what: impl Into<String>) {
        let what = what.into();
        if !self.console.json {
            self.console.print(&format!("{:>2}. {step:<9} {what}", self.steps.len() + 1));
        }
        self.steps.push(Step { step, what });
    }
}

pub(super) async fn run(arguments: &Arguments, console: &Console, machine: &Machine, store: Arc<dyn Store>) -> Outcome {
    let folder = tempfile::Builder::new().prefix("keyward-demo").tempdir();
    let folder = folder.map_err(|error| crate::report::io("the demo has no place for its files", &error))?;
    let sandbox = Sandbox::start(Options::new(Arc::clone(&machine.clock))).map_err(|error| sandbox::failed(&error))?;
    let mut tale = Tale { console, steps: Vec::new() };
    tale.tell("sandbox", format!("a provider and stand-in services run at {}", sandbox.url()));
    let store = keychain_or_memory(&mut tale, store).await;
    let app = open(machine, folder.path(), &sandbox, store).await?;
    let outcome = story(arguments, &mut tale, &app, &sandbox).await;
    // Also after a failure nothing of the demo stays in the keychain.
    let left = clean(&app).await;
    sandbox.stop();
    outcome?;
    left?;
    if console.json {
        console.print_json(&Shown { schema_version: 1, steps: tale.steps });
    } else {
        console.print(&format!("\nAll {} steps really happened. Next: `keyward login tavily`.", tale.steps.len()));
    }
    Ok(Exit::Done)
}

async fn keychain_or_memory(tale: &mut Tale<'_>, store: Arc<dyn Store>) -> Arc<dyn Store> {
    match store.prove().await {
        Ok(()) => {
            tale.tell("keychain", "an item was written, read back and deleted");
            store
        }
        Err(error) => {
            tale.tell("keychain", format!("not usable here ({error}); the demo keeps its tokens in memory instead"));
            Arc::new(Memory::default())
        }
    }
}

/// The program with a configuration and folders of its own.
async fn open(machine: &Machine, folder: &Path, sandbox: &Sandbox, store: Arc<dyn Store>) -> Result<Arc<App>, Report> {
    let file = folder.join("config.toml");
    let machine = Machine {
        // Neither the person's configuration nor their tokens are for the sandbox.
        environment: Environment::default(),
        folders: Some(Folders {
            config: folder.to_path_buf(),
            state: folder.join("state"),
            shared: folder.join("state"),
            home: machine.folders.as_ref().and_then(|folders| folders.home.clone()),
        }),
        ..machine.clone()
    };
    let scopes = ["openid", "email", "offline_access", "sandbox:read"].map(String::from).into();
    let settings = [
        Change::connection(REMOTE, "backend", "remote"),
        Change::connection(REMOTE, "url", sandbox.resource("remote")),
        // With the first of them the provider says who signed in.
        Change { key: ["connections", REMOTE, "scopes"].map(String::from).into(), value: Some(Setting::Texts(scopes)) },
        Change::connection(TAVILY, "url", format!("{}/tavily", sandbox.url())),
    ];
    let failed = |error: &Error| Report::from(error);
    let app = App::open(machine, store, Some(&file)).map_err(|error| failed(&error))?;
    app.edit_config(&settings).await.map_err(|error| failed(&error))?;
    Ok(Arc::new(app.reload().map_err(|error| failed(&error))?))
}

async fn story(arguments: &Arguments, tale: &mut Tale<'_>, app: &Arc<App>, sandbox: &Sandbox) -> Result<(), Report> {
    sign_in(arguments, tale, app).await?;
    let mut host = Host::start(app)?;
    tale.tell("serve", format!("an MCP host initialized it and listed {} tools", host.initialize().await?));
    let answer = host.call("tavily_search", json!({"query": "what is PKCE", "max_results": 2})).await?;
    if !answer.text.contains("http") {
        return Err(untrue("a search should find pages", &answer.text));
    }
    tale.tell("call", "a web search with Tavily's stand-in found pages, without any login");
    calls(tale, &mut host).await?;
    renewal(tale, &mut host, app, sandbox).await?;
    goodbye(tale, &mut host, app).await?;
    host.stop().await
}

async fn sign_in(arguments: &Arguments, tale: &mut Tale<'_>, app: &App) -> Result<(), Report> {
    let report = |error: Error| Report::from(&error);
    let connection = app.connection(REMOTE).map_err(report)?;
    let pending = login::begin(app, connection, login::Wish::usual(login::By::Demo)).await.map_err(report)?;
    tale.tell(
        "login",
        format!("registered at the provider; the answer is awaited on port {}", pending.port().unwrap_or_default()),
    );
    let opened = !arguments.no_browser && app.machine.browser.open(pending.url()).is_ok();
    if opened {
        tale.tell("browser", "your browser shows the consent page: choose a name and press Allow");
    } else {
        tale.tell("browser", "none was opened: the demo presses Allow by itself");
    }
    let url = pending.url().clone();
    let person = async { if opened { Ok(()) } else { person::allow(&app.parts.http, url).await } };
    let patience = Duration::from_secs(arguments.timeout);
    let ((), done) = tokio::try_join!(person, async { pending.finish(app, patience).await.map_err(report) })?;
    let account = done.account.unwrap_or_else(|| "somebody".to_owned());
    tale.tell("login", format!("signed in as {account}; the tokens are stored"));
    let service = app.service(connection).map_err(report)?;
    backends::remote::learn(&service)
        .await
        .map_err(|error| report(Error::Service { connection: REMOTE.to_owned(), error }))?;
    Ok(())
}

async fn calls(tale: &mut Tale<'_>, host: &mut Host) -> Result<(), Report> {
    let who = host.call(&remote("whoami"), json!({})).await?;
    tale.tell("call", format!("the remote server sees who you are: {}", first_line(&who.text)));
    let sum = host.call(&remote("add"), json!({"a": 20, "b": 22})).await?;
    if sum.text != "42" {
        return Err(untrue("the remote server did not add", &sum.text));
    }
    tale.tell("call", "the remote server adds 20 and 22: 42");
    Ok(())
}

async fn renewal(tale: &mut Tale<'_>, host: &mut Host, app: &App, sandbox: &Sandbox) -> Result<(), Report> {
    let renewals = || sandbox.control().tokens_issued("refresh_token");
    let before = renewals();
    sandbox.control().expire_access_tokens();
    tale.tell("expiry", "the provider ended the access token");
    host.call(&remote("whoami"), json!({})).await?;
    match renewals() - before {
        1 => tale.tell("renewal", "the next call renewed it with one request and succeeded"),
        other => return Err(untrue("one renewal was expected", &other.to_string())),
    }
    let state = status::of(app, app.connection(REMOTE).map_err(|error| Report::from(&error))?).await;
    tale.tell("status", format!("{}: {}", state.connection, state.login.word()));
    Ok(())
}

async fn goodbye(tale: &mut Tale<'_>, host: &mut Host, app: &App) -> Result<(), Report> {
    let connection = app.connection(REMOTE).map_err(|error| Report::from(&error))?;
    let done = logout::run(app, &connection.name, EVERYTHING).await.map_err(|error| Report::from(&error))?;
    if !done.was_signed_in || !matches!(done.provider, AtProvider::Ended) {
        return Err(untrue("the login should have been ended at the provider", done.provider.word()));
    }
    tale.tell("logout", "the provider ended the tokens, and they are deleted here");
    let answer = host.try_call(&remote("whoami"), json!({})).await?;
    if !answer.failed || !answer.text.contains("keyward login") {
        return Err(untrue("a call without a login should fail and say which command helps", &answer.text));
    }
    tale.tell("call", format!("without the login: {}", first_line(&answer.text)));
    Ok(())
}

async fn clean(app: &App) -> Result<(), Report> {
    let connection = app.connection(REMOTE).map_err(|error| Report::from(&error))?;
    let done = logout::run(app, &connection.name, EVERYTHING).await.map_err(|error| Report::from(&error))?;
    done.trouble.as_ref().map_or(Ok(()), |error| Err(Report::from(error)))
}

fn remote(tool: &str) -> String {
    format!("{REMOTE}_{tool}")
}

fn first_line(text: &str) -> String {
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().chars().take(90).collect()
}

/// A step that did not happen as it should.
fn untrue(what: &str, saw: &str) -> Report {
    Report::new(Exit::Unexpected, "demo", what.to_owned()).cause(first_line(saw))
}
