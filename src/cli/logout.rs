//! `keyward logout`.

use serde::Serialize;

use super::{Console, Outcome};
use crate::app::client::AtIssuer;
use crate::app::logout::AtProvider;
use crate::app::{App, logout};
use crate::backends::Way;
use crate::report::{Exit, Report};

/// End the login of a connection at the provider and forget it
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: `keyward logout tavily`")]
pub(super) struct Arguments {
    /// The connection
    #[arg(required_unless_present = "all")]
    connection: Option<String>,
    /// Every connection that is signed in
    #[arg(long, conflicts_with = "connection")]
    all: bool,
    /// Do not tell the provider: its tokens live until they run out
    #[arg(long)]
    local_only: bool,
    /// Also end the client's registration at the provider, and forget the client with its secret or key
    #[arg(long)]
    forget_client: bool,
}

#[derive(Serialize)]
struct Shown {
    schema_version: u32,
    connections: Vec<One>,
}

#[derive(Serialize)]
struct One {
    connection: String,
    was_signed_in: bool,
    at_provider: &'static str,
    /// What became of the registered client, where it was to be forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'static str>,
}

pub(super) async fn run(arguments: Arguments, console: &Console, app: &App) -> Outcome {
    let connections = match &arguments.connection {
        Some(name) => vec![app.connection(name).map_err(|error| Report::from(&error))?],
        // Also those that are used without a login now: an earlier one may still be kept.
        None => app.config.connections.iter().filter(|c| c.backend.ways.iter().any(|way| *way != Way::None)).collect(),
    };
    let wish = logout::Wish { local_only: arguments.local_only, forget_client: arguments.forget_client };
    let mut shown = Vec::new();
    let mut failure = None;
    for connection in connections {
        match logout::run(app, connection, wish).await {
            Ok(done) if arguments.all && !done.was_signed_in => {}
            Ok(done) => {
                console.say(&sentence(&done));
                shown.push(One {
                    at_provider: done.provider.word(),
                    client: arguments.forget_client.then(|| done.client.word()),
                    connection: done.connection,
                    was_signed_in: done.was_signed_in,
                });
            }
            // The others are still forgotten.
            Err(error) => failure = Some(Report::from(&error)),
        }
    }
    if let Some(report) = failure {
        return Err(report);
    }
    if console.json {
        console.print_json(&Shown { schema_version: 1, connections: shown });
    }
    Ok(Exit::Done)
}

fn sentence(done: &logout::Done) -> String {
    let name = &done.connection;
    let rest = "Its tokens stay valid at the provider until they run out; end the session in your account there if that \
        matters.";
    let mut text = match &done.provider {
        _ if !done.was_signed_in => format!("`{name}` was not signed in."),
        AtProvider::Nothing => {
            format!("The key of `{name}` is forgotten here; end it at the service if it is no longer needed.")
        }
        AtProvider::Ended => format!("The login of `{name}` is ended at the provider and forgotten here."),
        AtProvider::Unasked => format!("The login of `{name}` is forgotten here. {rest}"),
        AtProvider::Failed(error) => {
            format!("The login of `{name}` is forgotten here. The provider did not end it ({error}). {rest}")
        }
        AtProvider::TimedOut => {
            format!("The login of `{name}` is forgotten here. The provider did not answer in time. {rest}")
        }
    };
    text.push_str(&match &done.client {
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
    });
    if let Some(variable) = &done.variable {
        text.push_str(&format!(" `{variable}` still supplies a token."));
    }
    text
}
