//! `keyward token`: a token on standard output, or a truthful exit code.

use serde::Serialize;

use super::{Console, Outcome};
use crate::app::{App, token};
use crate::machine::Timestamp;
use crate::report::{Exit, Report};

/// Print a token that is valid now; never opens a browser
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: `curl -H \"$(keyward token tavily --header)\" https://mcp.tavily.com/mcp`")]
pub(super) struct Arguments {
    /// The connection
    connection: String,
    /// Seconds for which the token must be valid
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(i64).range(0..=86_400))]
    min_validity: i64,
    /// Print the whole `Authorization` header line
    #[arg(long, conflicts_with = "json")]
    header: bool,
}

#[derive(Serialize)]
struct Shown<'a> {
    schema_version: u32,
    connection: &'a str,
    access_token: &'a str,
    token_type: &'a str,
    expires_at: Option<Timestamp>,
    scopes: &'a [String],
    from_environment: bool,
}

pub(super) async fn run(arguments: Arguments, console: &Console, app: &App) -> Outcome {
    let connection = app.connection(&arguments.connection).map_err(|error| Report::from(&error))?;
    let token = token::run(app, connection, arguments.min_validity).await.map_err(|error| Report::from(&error))?;
    // Printing the token is what this command is for; nothing else of it is printed.
    let text = token.token.expose();
    if console.json {
        console.print_json(&Shown {
            schema_version: 1,
            connection: &connection.name,
            access_token: text,
            token_type: token.token_type,
            expires_at: token.expires_at,
            scopes: &token.scopes,
            from_environment: token.from_environment,
        });
    } else if arguments.header {
        console.print(&format!("Authorization: {} {text}", token.token_type));
    } else {
        console.print(text);
    }
    Ok(Exit::Done)
}
