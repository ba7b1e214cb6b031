//! `keyward token`: a token on standard output, or a truthful exit code.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Console, Outcome};
use crate::app::claims::{self, Claims};
use crate::app::token::Token;
use crate::app::{App, token};
use crate::config;
use crate::machine::Timestamp;
use crate::report::{Exit, Report};

/// Print a token that is valid now; never opens a browser
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples: `curl -H \"$(keyward token tavily --header)\" https://mcp.tavily.com/mcp`, \
    `eval \"$(keyward token tavily --env=TOKEN)\"`, `keyward token tavily --claims --verify`")]
pub(super) struct Arguments {
    /// The connection
    connection: String,
    /// Seconds for which the token must be valid
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(i64).range(0..=86_400))]
    min_validity: i64,
    /// Print the whole `Authorization` header line
    #[arg(long, conflicts_with = "json")]
    header: bool,
    /// Print a line that sets a variable in a POSIX shell; without NAME it is `<CONNECTION>_TOKEN`
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "",
        value_parser = variable, conflicts_with_all = ["json", "header"])]
    env: Option<String>,
    /// Print what the token says about itself, as JSON, instead of the token; unchecked without `--verify`
    #[arg(long, conflicts_with_all = ["header", "env"])]
    claims: bool,
    /// Check with the issuer's published keys that the issuer has signed it
    #[arg(long, requires = "claims")]
    verify: bool,
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

/// What a token says. `header`, `claims` and `dates` are null where it cannot be read.
#[derive(Serialize)]
struct ShownClaims<'a> {
    schema_version: u32,
    connection: &'a str,
    format: &'a str,
    verified: bool,
    why: String,
    header: Option<&'a Map<String, Value>>,
    claims: Option<&'a Map<String, Value>>,
    dates: Option<Map<String, Value>>,
}

pub(super) async fn run(arguments: Arguments, console: &Console, app: &App) -> Outcome {
    let connection = app.connection(&arguments.connection).map_err(|error| Report::from(&error))?;
    let token = token::run(app, connection, arguments.min_validity).await.map_err(|error| Report::from(&error))?;
    if arguments.claims {
        if arguments.verify {
            claims::verify(app, connection, &token).await.map_err(|error| Report::from(&error))?;
        }
        show(console, connection, &token, arguments.verify);
        return Ok(Exit::Done);
    }
    if token.token_type == "DPoP" {
        console.say("This token is bound to a key that never leaves keyward; whoever has the token alone can do nothing with it.");
    }
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
    } else if let Some(name) = &arguments.env {
        let name = if name.is_empty() { variable_of(connection) } else { name.clone() };
        console.print(&format!("export {name}={}", quoted(text)));
    } else {
        console.print(text);
    }
    Ok(Exit::Done)
}

fn show(console: &Console, connection: &config::Connection, token: &Token, verified: bool) {
    let read = Claims::read(&token.token);
    let shown = ShownClaims {
        schema_version: 1,
        connection: &connection.name,
        format: if read.is_ok() { "jwt" } else { "opaque" },
        verified,
        why: match &read {
            Ok(_) if verified => {
                "the issuer has signed it; whether the service accepts it is another question".to_owned()
            }
            Ok(_) => "nobody has checked the signature".to_owned(),
            Err(why) => why.to_string(),
        },
        header: read.as_ref().ok().map(|read| &read.header),
        claims: read.as_ref().ok().map(|read| &read.claims),
        dates: read.as_ref().ok().map(Claims::moments),
    };
    if console.json {
        console.print_json(&shown);
    } else {
        console.print(&serde_json::to_string_pretty(&shown).unwrap_or_default());
    }
}

/// A shell runs what it is given: only a plain name can stand before the `=`.
fn variable(text: &str) -> Result<String, String> {
    let is_plain =
        text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !text.starts_with(|c: char| c.is_ascii_digit());
    if is_plain {
        Ok(text.to_owned())
    } else {
        Err("a name has letters, digits and `_`, and no digit first".to_owned())
    }
}

/// Not the variable from which keyward reads a token: what is exported into that one is never renewed.
fn variable_of(connection: &config::Connection) -> String {
    let variable = connection.token_variable();
    let word = variable.strip_prefix("KEYWARD_TOKEN_").unwrap_or(&variable);
    let digit = if word.starts_with(|c: char| c.is_ascii_digit()) { "_" } else { "" };
    format!("{digit}{word}_TOKEN")
}

/// Within single quotes a POSIX shell reads every character as it is, except the single quote.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_for_a_shell_is_one_word() {
        for (text, expected) in [
            ("abc", "'abc'"),
            ("$(touch x) `y` \"z\" \\ !", "'$(touch x) `y` \"z\" \\ !'"),
            ("it's", r"'it'\''s'"),
            ("';rm -rf /;'", r"''\'';rm -rf /;'\'''"),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }

    #[test]
    fn a_variable_has_a_plain_name() {
        for good in ["", "A", "_a1", "TOKEN"] {
            assert_eq!(variable(good).as_deref(), Ok(good));
        }
        for bad in ["1A", "A-B", "A=B", "A;rm", "A B", "ä", "$A"] {
            assert!(variable(bad).is_err(), "{bad}");
        }
    }
}
