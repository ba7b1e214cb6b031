//! `keyward sandbox`.

use std::sync::Arc;

use serde::Serialize;

use super::{Console, Outcome};
use crate::app::App;
use crate::backends;
use crate::report::{Exit, Report};
use crate::sandbox::{Faults, Options, Provider, Sandbox};

/// Run an authorization server and a stand-in for every backend on this machine, until Ctrl-C
#[derive(Debug, clap::Args)]
#[command(
    after_help = "It imitates providers, too: `okta`, `entra`, `scalekit`, `auth0`, `keycloak`, `google`, `github` and `tavily` \
    at `/p/NAME`, each with a resource `/p/NAME/mcp`; `--json` shows their issuers and clients.\n\n\
    What it received, without secrets, is at `/control` (or `/p/NAME/control`). Post JSON there to let it misbehave: \
    `faults`, `decision`, `device`, `documents`, `roll_key`, `expire_access_tokens`, `revoke_grants`, `forget_client`, \
    `clear_record`.\n\n\
    Example: `keyward sandbox --port 8080`, then `keyward login http://127.0.0.1:8080/remote/mcp`"
)]
pub(super) struct Arguments {
    /// The port on 127.0.0.1; any free one if absent
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// Seconds that an access token lives
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    access_lifetime: u64,
    /// Seconds that a device waits from one poll to the next
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    device_interval: u64,
    /// Refuse authorization requests that were not pushed first
    #[arg(long)]
    require_par: bool,
    /// Let the resources take tokens with a proof of possession only
    #[arg(long)]
    require_dpop: bool,
    /// Let every proof of possession need a nonce
    #[arg(long)]
    dpop_nonce: bool,
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
    providers: Vec<Imitated>,
}

#[derive(Serialize)]
struct Imitated {
    provider: &'static str,
    url: String,
    issuer: String,
    resource: String,
    clients: Vec<Preset>,
}

#[derive(Serialize)]
struct Preset {
    client_id: &'static str,
    /// Written in the source, so it is no secret; it must be sent all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'static str>,
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
        device_interval: arguments.device_interval.max(1),
        auto_consent: arguments.auto_consent,
        ..Options::new(Arc::clone(&app.machine.clock))
    };
    let sandbox = Sandbox::start(options).map_err(|error| failed(&error))?;
    sandbox.control().set(Faults {
        require_par: arguments.require_par,
        require_dpop: arguments.require_dpop,
        dpop_nonce: arguments.dpop_nonce,
        ..Faults::default()
    });
    let url = sandbox.url();
    if console.json {
        let backend = |backend: &&backends::Backend| One {
            backend: backend.name,
            url: format!("{url}/{}", backend.name),
            resource: sandbox.resource(backend.name),
        };
        let backends = backends::ALL.iter().map(backend).collect();
        let providers = sandbox.providers().map(imitated).collect();
        console.print_json(&Shown { schema_version: 1, url, issuer: sandbox.issuer(), backends, providers });
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

fn imitated(provider: Provider<'_>) -> Imitated {
    let preset = |(client_id, client_secret)| Preset { client_id, client_secret };
    Imitated {
        provider: provider.name(),
        url: provider.url().to_owned(),
        issuer: provider.issuer().to_owned(),
        resource: provider.resource(),
        clients: provider.clients().map(preset).collect(),
    }
}

pub(super) fn failed(error: &crate::sandbox::Error) -> Report {
    let report = Report::new(Exit::Unexpected, "sandbox", "the sandbox did not start").cause(error.to_string());
    match std::error::Error::source(error) {
        Some(source) => report.cause(source.to_string()).hint("`keyward sandbox` without `--port` takes a free port"),
        None => report,
    }
}
