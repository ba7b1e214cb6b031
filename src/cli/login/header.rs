//! `keyward login --header NAME`: the value of a secret header is asked for without echo, or read from a pipe.

use http::HeaderName;

use super::super::Console;
use crate::app::status::{self, Login};
use crate::app::{App, Error, headers};
use crate::backends::Way;
use crate::config;
use crate::machine::{Echo, Line};
use crate::secret::Secret;

/// What is left to do once the values are kept.
pub(super) enum Left {
    /// The login that the connection needs besides.
    Login,
    /// The headers are all that it shows.
    Nothing,
    /// It is signed in already, or its login takes a secret of its own, which has a command of its own.
    SignedIn(Login),
}

/// The headers of which values are to be kept. Whoever writes a value behind the name has shown it to every program of
/// this machine; here it is not repeated.
pub(super) fn names(given: &[String]) -> Result<Vec<HeaderName>, Error> {
    let mut names = Vec::new();
    for text in given {
        let head = text.split([':', '=', ' ']).next().unwrap_or_default();
        let unfit = |why: String| Error::UnfitHeader { header: head.chars().take(60).collect(), why };
        if head.len() < text.len() {
            let why = "a value among the arguments can be seen by every program of this machine, so it is not taken";
            return Err(unfit(why.to_owned()));
        }
        let name = config::headers::name(text).map_err(unfit)?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// Asks for the values and keeps them; the connection as it is configured then, and what is left to do. A login that was
/// asked for is made, too.
pub(super) async fn keep(
    names: Vec<HeaderName>,
    console: &Console,
    app: &App,
    connection: &config::Connection,
    (way, is_asked): (Way, bool),
) -> Result<(config::Connection, Left), Error> {
    // Without being asked for, there is no login to what only the headers are for, and to what the environment signs in.
    let way = if connection.way.0 == Way::None && !is_asked { app.way(connection) } else { way };
    headers::with(connection, names.iter())?;
    let given = ask(&names, console, app, connection).await?;
    let connection = headers::keep(app, connection, way, given).await?;
    let list = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let store = app.config.store_of(&connection).0.name();
    console.say(&format!("Of the headers of `{}`, kept in the {store}: {list}.", connection.name));
    if is_asked {
        return Ok((connection, Left::Login));
    }
    let left = match status::of(app, &connection).await.login {
        Login::NotNeeded => Left::Nothing,
        Login::Unknown(error) => return Err(error),
        Login::Required(_) if matches!(way, Way::OAuth | Way::ClientCredentials) => Left::Login,
        login => Left::SignedIn(login),
    };
    Ok((connection, left))
}

/// One line for each, in their order.
async fn ask(
    names: &[HeaderName],
    console: &Console,
    app: &App,
    connection: &config::Connection,
) -> Result<Vec<(HeaderName, Secret)>, Error> {
    let mut lines = app.machine.prompt.lines(Echo::Hidden).map_err(|_| Error::NoKey { why: "nothing can be read" })?;
    let mut given = Vec::new();
    for name in names {
        if app.machine.facts.input {
            console.must_say(&format!("Paste the value of `{name}` for `{}`; it is not shown.", connection.name));
        }
        let value = match lines.next().await {
            Line::Text(typed) => headers::clean(&typed)?,
            Line::TooLong => return Err(Error::NoKey { why: "it is longer than 16 KiB" }),
            Line::End if given.is_empty() => return Err(Error::NoKey { why: "it is empty" }),
            Line::End => return Err(Error::NoKey { why: "there is one line for each header, and fewer came" }),
        };
        given.push((name.clone(), value));
    }
    Ok(given)
}
