//! `keyward sandbox`.

use std::sync::Arc;

use serde::Serialize;

use super::{Console, Outcome};
use crate::app::App;
use crate::backends;
use crate::report::{Exit, Report};
use crate::sandbox::{Options, Sandbox};

/// Run an authorization server and a stand-in for every backend on this machine, until Ctrl-C
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: `keyward sandbox --port 8080`, then \
    `keyward login http://127.0.0.1:8080/remote/mcp`")]
pub(super) struct Arguments {
    /// The port on 127.0.0.1; any free one if absent
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// Seconds that an access token lives
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    access_lifetime: u64,
    /// Let this user allow every request without a page, for scripts
    #[arg(long, value_name = "USER")]
    auto_consent: Option<String>,
}

#[derive(Serialize)]
struct Shown<'a> {
    schema_version: u32,
    url: &'a str,
    issuer: &'a str,
    backends: Vec<One>,
}

#[derive(Serialize)]
struct One {
    backend: &'static str,
    url: String,
    resource: String,
}

pub(super) async fn run(arguments: Arguments, console: &Console, app: &App) -> Outcome {
    let options = Options {
        port: arguments.port,
        access_lifetime: arguments.access_lifetime,
        auto_consent: arguments.auto_consent,
        ..Options::new(Arc::clone(&app.machine.clock))
    };
    let sandbox = Sandbox::start(options).map_err(|error| failed(&error))?;
    let url = sandbox.url();
    if console.json {
        let backend = |backend: &&backends::Backend| One {
            backend: backend.name,
            url: format!("{url}/{}", backend.name),
            resource: sandbox.resource(backend.name),
        };
        let backends = backends::ALL.iter().map(backend).collect();
        console.print_json(&Shown { schema_version: 1, url, issuer: sandbox.issuer(), backends });
    } else {
        console.print(url);
        console.say(&format!(
            "The sandbox runs until Ctrl-C. Try `keyward login {}`; it accepts any user name.",
            sandbox.resource("remote")
        ));
    }
    std::future::pending::<()>().await;
    Ok(Exit::Done)
}

pub(super) fn failed(error: &crate::sandbox::Error) -> Report {
    let report = Report::new(Exit::Unexpected, "sandbox", "the sandbox did not start").cause(error.to_string());
    match std::error::Error::source(error) {
        Some(source) => report.cause(source.to_string()).hint("`keyward sandbox` without `--port` takes a free port"),
        None => report,
    }
}
