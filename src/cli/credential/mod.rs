//! `keyward credential`: the protocols by which other programs ask for a credential, one file each.
//!
//! They all get a token that is valid now, for the connection's own address only, and never a page in a browser: the
//! program that asks may have nobody in front of it.

use std::io::Read as _;

use super::{Console, Outcome};
use crate::app::App;
use crate::app::token::{self, Token};
use crate::config;
use crate::report::{self, Exit, Report};

mod docker;
mod git;
mod kubectl;

/// Seconds for which a token that is handed out is good: time for one request.
const VALIDITY: i64 = 60;
/// More than any of these programs sends.
const LONGEST: u64 = 256 << 10;

/// Supply the tokens to other programs in the protocols they speak: git, docker, kubectl
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: `git config --global credential.https://git.example.com.helper \
    '!keyward credential git NAME'`. Each protocol has its own `--help`.")]
pub(super) struct Arguments {
    #[command(subcommand)]
    protocol: Protocol,
}

#[derive(Debug, clap::Subcommand)]
enum Protocol {
    Git(git::Arguments),
    Docker(docker::Arguments),
    Kubectl(kubectl::Arguments),
}

pub(super) async fn run(arguments: Arguments, console: &Console, app: &App) -> Outcome {
    match arguments.protocol {
        Protocol::Git(arguments) => git::run(arguments, console, app).await,
        Protocol::Docker(arguments) => docker::run(arguments, console, app).await,
        Protocol::Kubectl(arguments) => kubectl::run(&arguments, console, app).await,
    }
}

/// Docker looks for a program with this name; a link of that name to keyward is the helper.
pub(super) const DOCKER: &str = "docker-credential-keyward";

/// A token that can be handed over: a program that only has the token can do nothing with one that is bound to a key.
async fn bearer(app: &App, connection: &config::Connection) -> Result<Token, Report> {
    let token = token::run(app, connection, VALIDITY).await.map_err(|error| Report::from(&error))?;
    if token.token_type != "DPoP" { Ok(token) } else { Err(report::bound(&connection.name)) }
}

/// Standard input up to its end, as text. A thread of its own reads it, so that Ctrl-C ends a program that waits.
async fn input(app: &App) -> Result<String, Report> {
    let unread = |why: &str| {
        Report::new(Exit::Usage, "input", "standard input cannot be used")
            .cause(why.to_owned())
            .hint("a program runs this command and writes to it; `keyward credential --help` says how it is set up")
    };
    let (landed, read) = tokio::sync::oneshot::channel();
    let terminal = std::sync::Arc::clone(&app.machine.terminal);
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let outcome = terminal.input().take(LONGEST + 1).read_to_end(&mut bytes).map(|_| bytes);
        let _ = landed.send(outcome);
    });
    let bytes = match read.await {
        Ok(Ok(bytes)) if bytes.len() as u64 <= LONGEST => bytes,
        Ok(Ok(_)) => return Err(unread("it is longer than any such request")),
        Ok(Err(error)) => return Err(unread(&error.kind().to_string())),
        Err(_) => return Err(unread("nobody could read it")),
    };
    String::from_utf8(bytes).map_err(|_| unread("it is not UTF-8"))
}
