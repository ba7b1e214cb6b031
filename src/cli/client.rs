//! What a configured client proves itself with: `keyward login NAME --client-secret` and `--client-key`.

use std::io::Read as _;

use super::Console;
use crate::app::secret_of_client::{self, Kind};
use crate::app::{App, Error};
use crate::config;
use crate::machine;
use crate::secret::Secret;

/// Which of the two is given.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
pub(super) struct Given {
    /// Keep the secret of the configured client first: asked for without echo, or read from standard input
    #[arg(long, conflicts_with_all = ["api_key", "bearer"])]
    client_secret: bool,
    /// Keep the private key of the configured client first: PEM, read from standard input
    #[arg(long, conflicts_with_all = ["api_key", "bearer"])]
    client_key: bool,
}

/// Keeps what is given, if anything is.
pub(super) async fn keep(
    given: &Given,
    console: &Console,
    app: &App,
    connection: &config::Connection,
) -> Result<(), Error> {
    let kind = match (given.client_secret, given.client_key) {
        (true, _) => Kind::Secret,
        (_, true) => Kind::Key,
        (false, false) => return Ok(()),
    };
    let typed = typed(console, app, connection, kind).await?;
    secret_of_client::keep(app, connection, kind, &typed).await
}

async fn typed(console: &Console, app: &App, connection: &config::Connection, kind: Kind) -> Result<Secret, Error> {
    let (prompt, terminal) = (app.machine.prompt.as_ref(), app.machine.terminal.as_ref());
    if app.machine.facts.input {
        if kind == Kind::Key {
            // A prompt without echo takes one line, and a key has many.
            return Err(Error::NoKey { why: "a private key is piped in, as in `--client-key < key.pem`" });
        }
        console.say(&format!("Paste the client secret for `{}`; it is not shown.", connection.name));
        return machine::ask_secret(prompt, terminal, "Client secret: ")
            .await
            .map_err(|_| Error::NoKey { why: "the terminal could not be read" });
    }
    let mut text = String::new();
    let mut input = terminal.input().take(secret_of_client::LONGEST);
    input.read_to_string(&mut text).map_err(|_| Error::NoKey { why: "standard input could not be read" })?;
    Ok(Secret::new(text))
}
