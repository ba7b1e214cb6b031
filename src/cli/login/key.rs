//! `keyward login --api-key` and `--bearer`: a key is asked for without echo, or read from a pipe.

use super::super::Console;
use crate::app::login::Done;
use crate::app::{App, Error, key};
use crate::backends::Way;
use crate::config;
use crate::machine::{Echo, Line};

/// Asks for a key and keeps it.
pub(super) async fn with_a_key(
    console: &Console,
    app: &App,
    connection: &config::Connection,
    way: Way,
) -> Result<Done, Error> {
    // Nobody should paste a secret that cannot be kept.
    if let Some((variable, _)) = app.environment_token(connection) {
        return Err(Error::TokenInEnvironment { variable });
    }
    if app.machine.facts.input {
        console.say(&format!("Paste the key for `{}`; it is not shown.", connection.name));
    }
    // One line is enough, and a stream without an end must not be waited for.
    let mut lines = app.machine.prompt.lines(Echo::Hidden).map_err(|_| Error::NoKey { why: "nothing can be read" })?;
    let line = lines.next().await;
    // The terminal has its echo back before anything else happens.
    drop(lines);
    match line {
        Line::Text(typed) => key::keep(app, connection, way, typed).await,
        Line::TooLong => Err(Error::NoKey { why: "it is longer than 16 KiB" }),
        Line::End => Err(Error::NoKey { why: "it is empty" }),
    }
}
