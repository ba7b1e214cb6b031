//! `keyward logout`.

use std::sync::Arc;

use serde::Serialize;
use url::Url;

use super::{Console, Outcome};
use crate::app::client::AtIssuer;
use crate::app::logout::{AtProvider, Done, Here};
use crate::app::{App, logout};
use crate::backends::Way;
use crate::machine;
use crate::report::{Exit, Failure, Report};

/// End the login of a connection at the provider and forget it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "What became of the login at the provider and of the copy here is told separately; the copy here goes \
    in any case.\n\nExample: `keyward logout tavily`"
)]
pub(super) struct Arguments {
    /// The connection, also one that is configured no more
    #[arg(required_unless_present = "all")]
    connection: Option<String>,
    /// Every connection that is signed in, also those that are configured no more
    #[arg(long, conflicts_with = "connection")]
    all: bool,
    /// Do not tell the provider: what it issued stays good there
    #[arg(long)]
    local_only: bool,
    /// Also end the client's registration at the provider, and forget the client with its secret or key
    #[arg(long)]
    forget_client: bool,
    /// Also open the provider's page that ends your own session there, for every program that uses it
    #[arg(long)]
    end_session: bool,
    /// Only print the address of that page
    #[arg(long, requires = "end_session")]
    no_browser: bool,
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
    was_signed_in: bool,
    at_provider: &'static str,
    /// What became of the registered client, where it was to be forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'static str>,
    provider_error: Option<&'a str>,
    access_token_ended: Option<bool>,
    here: &'static str,
    /// The secret headers that were forgotten, too.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    headers: &'a [String],
    /// The provider's page that ends the person's session, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    end_session_url: Option<&'a str>,
    variable: Option<&'a str>,
}

pub(super) async fn run(arguments: Arguments, console: &Console, app: &App) -> Outcome {
    let names = match &arguments.connection {
        Some(name) => {
            logout::require(app, name).await.map_err(|error| Report::from(&error))?;
            vec![name.clone()]
        }
        None => logout::known(app),
    };
    let Arguments { local_only, forget_client, end_session, .. } = arguments;
    let wish = logout::Wish { local_only, forget_client, end_session };
    let mut all = Vec::new();
    let mut failure = None;
    for name in names {
        let ending = |passed| format!("Ending the login of `{name}` ({passed} s)");
        let done = console.line.during(ending, logout::run(app, &name, wish)).await;
        let done = done.map_err(|error| Report::from(&error))?;
        // The others are still forgotten.
        failure = failure.or(done.trouble.as_ref().map(Report::from));
        if arguments.all && !done.was_signed_in && done.headers.is_empty() && done.trouble.is_none() {
            continue;
        }
        console.say(&sentence(&done));
        if end_session {
            show_page(console, app, &done, arguments.no_browser).await;
        }
        all.push(done);
    }
    if !console.json {
        return failure.map_or(Ok(Exit::Done), Err);
    }
    console.print_json(&Shown {
        schema_version: 1,
        connections: all.iter().map(|done| one(done, forget_client)).collect(),
        error: failure.as_ref().map(Report::failure),
    });
    Ok(failure.map_or(Exit::Done, |report| report.exit))
}

/// The page ends more than this login, so it is only shown: what happens there is between the person and the provider.
async fn show_page(console: &Console, app: &App, done: &Done, no_browser: bool) {
    let Some(page) = &done.page else {
        if done.was_signed_in {
            console.say("The provider has no page that ends your session there.");
        }
        return;
    };
    let opened = match no_browser {
        true => Err("Open it in your browser.".to_owned()),
        false => machine::open(Arc::clone(&app.machine.browser), page.clone())
            .await
            .map_err(|error| format!("No browser was opened: {error}.")),
    };
    match opened {
        Ok(()) => console
            .say(&format!("A browser was asked to open the provider's page that ends your session:\n\n  {page}\n")),
        Err(why) => {
            console.must_say(&format!("This page of the provider ends your session there:\n\n  {page}\n\n{why}"))
        }
    }
}

fn one(done: &Done, forget_client: bool) -> One<'_> {
    One {
        connection: &done.connection,
        was_signed_in: done.was_signed_in,
        at_provider: done.provider.word(),
        client: forget_client.then(|| done.client.word()),
        provider_error: done.provider.code(),
        access_token_ended: done.access_ended,
        here: done.here.word(),
        headers: &done.headers,
        end_session_url: done.page.as_ref().map(Url::as_str),
        variable: done.variable.as_deref(),
    }
}

fn sentence(done: &Done) -> String {
    let name = &done.connection;
    let here = match done.here {
        Here::Nothing | Here::Removed => "forgotten here",
        Here::RemovedUnlocked => "removed here, while another process was working on it",
        Here::Kept => "still kept here: the store did not let it go",
    };
    let lives = lives(done);
    let mut text = match &done.provider {
        AtProvider::Unread if !done.was_signed_in => {
            format!("Nobody knows whether `{name}` is signed in, and it stays so.")
        }
        _ if !done.was_signed_in => format!("`{name}` was not signed in."),
        AtProvider::Nothing => {
            format!("The key of `{name}` is {here}; end it at the service if it is no longer needed.")
        }
        AtProvider::Forgotten if done.way == Some(Way::Password) => format!("The password of `{name}` is {here}."),
        AtProvider::Forgotten => format!("The login of `{name}` is {here}."),
        AtProvider::Stays(what) => {
            // Whoever still keeps it, or may have written it anew, can use it.
            let is_gone = matches!(done.here, Here::Nothing | Here::Removed);
            let unusable = if is_gone { " Nothing here can use it any more." } else { "" };
            format!("The login of `{name}` is {here}. {what}{unusable}")
        }
        AtProvider::Unended(error) => format!(
            "The login of `{name}` is {here}. The service did not end the session ({error}), which ends some time after \
             its last use."
        ),
        AtProvider::Ended => format!("The login of `{name}` is ended at the provider and {here}."),
        AtProvider::Unasked => format!("The login of `{name}` is {here}. {lives}"),
        AtProvider::NoEndpoint if done.way.is_some_and(Way::is_exchanged) => {
            format!("The login of `{name}` is {here}. Nothing could be ended at the service from here. {lives}")
        }
        AtProvider::NoEndpoint => {
            format!("The login of `{name}` is {here}. The provider has no way to end it from here. {lives}")
        }
        AtProvider::Unsupported => {
            format!("The login of `{name}` is {here}. The provider does not end tokens of this kind. {lives}")
        }
        AtProvider::UnknownClient(_) => {
            format!("The login of `{name}` is {here}. The provider does not know this client any more. {lives}")
        }
        AtProvider::Failed(error) => {
            format!("The login of `{name}` is {here}. The provider did not end it ({error}). {lives}")
        }
        AtProvider::TimedOut => {
            format!("The login of `{name}` is {here}. The provider did not answer in time. {lives}")
        }
        AtProvider::Unread => {
            format!("The login of `{name}` is {here}. It could not be read, so the provider was not told. {lives}")
        }
    };
    if matches!((&done.provider, done.access_ended), (AtProvider::Ended, Some(false))) {
        text.push_str(" The provider did not confirm the end of the access token, which may live until it runs out.");
    }
    text.push_str(&headers(&done.headers));
    text.push_str(&client(&done.client));
    if let Some(variable) = &done.variable {
        text.push_str(&format!(" `{variable}` still supplies a token."));
    }
    text
}

/// What still works at the provider if it was not ended there, and until when.
fn lives(done: &Done) -> String {
    let place = match done.sessions {
        Some(page) => format!(" on {page}"),
        None => done.issuer.as_deref().and_then(host).map(|host| format!(" at `{host}`")).unwrap_or_default(),
    };
    match done.way {
        Some(Way::Device) => {
            "The device stays attached to the account until an administrator removes it there.".to_owned()
        }
        Some(Way::Password) => "The password is good until it is changed.".to_owned(),
        Some(Way::Token) => "The token stays good until it is deleted at the service or ends.".to_owned(),
        Some(Way::Session | Way::Ticket) => "The session stays open at the service until it ends there.".to_owned(),
        _ => format!(
            "Its tokens stay valid at the provider until they run out; end the session in your account{place} if that \
             matters."
        ),
    }
}

fn headers(forgotten: &[String]) -> String {
    if forgotten.is_empty() {
        return String::new();
    }
    let names = forgotten.iter().map(|header| format!("`{header}`")).collect::<Vec<_>>().join(", ");
    format!(" Of its headers, forgotten here: {names}; end the keys at the service if they are no longer needed.")
}

fn client(client: &AtIssuer) -> String {
    match client {
        AtIssuer::Nothing => String::new(),
        AtIssuer::Ended => " The client is no longer registered there.".to_owned(),
        AtIssuer::Stays => " The client is forgotten here and stays registered there.".to_owned(),
        AtIssuer::InUse(other) => {
            format!(" The client is forgotten here and stays registered there, because `{other}` is signed in with it.")
        }
        AtIssuer::Failed(Some(error)) => {
            format!(" The client is forgotten here; the provider did not end its registration ({error}).")
        }
        AtIssuer::Failed(None) => {
            " The client is forgotten here; the provider did not end its registration in time.".to_owned()
        }
    }
}

fn host(issuer: &str) -> Option<String> {
    Url::parse(issuer).ok()?.host_str().map(String::from)
}
