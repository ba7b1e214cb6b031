//! The exec credential plugin of Kubernetes clients (client.authentication.k8s.io): the request in the variable
//! `KUBERNETES_EXEC_INFO`, the answer as JSON on standard output.
//!
//! The request may say that somebody is there to be asked. Nobody is asked in any case: a login is a command of its own.

use serde::{Deserialize, Serialize};
use url::Url;

use super::{Console, Outcome, bearer};
use crate::app::App;
use crate::config;
use crate::report::{Exit, Report};

const VARIABLE: &str = "KUBERNETES_EXEC_INFO";
const KIND: &str = "ExecCredential";
const GROUP: &str = "client.authentication.k8s.io/";
/// The newest first: it is the answer to a person who tries the command by hand.
const VERSIONS: [&str; 2] = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];

/// Answer kubectl and other Kubernetes clients as their credential plugin
#[derive(Debug, clap::Args)]
#[command(after_help = "Example, in a kubeconfig: `users: [{name: me, user: {exec: {apiVersion: \
    client.authentication.k8s.io/v1, interactiveMode: Never, provideClusterInfo: true, command: keyward, args: \
    [credential, kubectl, NAME]}}}]`")]
pub(super) struct Arguments {
    /// The connection, whose address is that of the cluster
    connection: String,
}

/// As much of the request as matters. A client may write more.
#[derive(Deserialize)]
struct Asked {
    #[serde(rename = "apiVersion")]
    version: String,
    kind: String,
    #[serde(default)]
    spec: Spec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Spec {
    cluster: Option<Cluster>,
}

#[derive(Deserialize)]
struct Cluster {
    server: Option<String>,
}

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(rename = "apiVersion")]
    version: &'a str,
    kind: &'a str,
    status: Status<'a>,
}

#[derive(Serialize)]
struct Status<'a> {
    #[serde(rename = "expirationTimestamp", skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    token: &'a str,
}

pub(super) async fn run(arguments: &Arguments, console: &Console, app: &App) -> Outcome {
    let connection = app.connection(&arguments.connection).map_err(|error| Report::from(&error))?;
    let [newest, ..] = VERSIONS;
    let version = match app.machine.environment.text(VARIABLE) {
        None => newest,
        Some(text) => asked(text, app, connection)?,
    };
    let token = bearer(app, connection).await?;
    let (expires, token) = (token.expires_at.map(crate::machine::Timestamp::rfc3339), token.token.expose());
    console.print_json(&Answer { version, kind: KIND, status: Status { expires, token } });
    Ok(Exit::Done)
}

/// The version to answer in. A cluster at another address than the connection's does not get its token.
fn asked(text: &str, app: &App, connection: &config::Connection) -> Result<&'static str, Report> {
    let report = |cause: String| {
        Report::new(Exit::Usage, "input", format!("the request in `{VARIABLE}` cannot be answered")).cause(cause)
    };
    let wrong = |cause: String| report(cause).hint("a Kubernetes client sets it; unset it to try the command by hand");
    let asked: Asked = serde_json::from_str(text)
        .map_err(|error| wrong(format!("it is not an `{KIND}`: line {}, column {}", error.line(), error.column())))?;
    if asked.kind != KIND || !asked.version.starts_with(GROUP) {
        return Err(wrong(format!("it is not an `{KIND}` of `{}`", GROUP.trim_end_matches('/'))));
    }
    let known = VERSIONS.into_iter().find(|version| *version == asked.version);
    let version = known.ok_or_else(|| {
        report("it asks for a version that keyward does not speak".to_owned())
            .hint(format!("`apiVersion: {}` in the `exec` part of the kubeconfig", VERSIONS.join("` or `apiVersion: ")))
    })?;
    if let Some(server) = asked.spec.cluster.and_then(|cluster| cluster.server)
        && !Url::parse(&server).is_ok_and(|server| app.is_at(connection, &server))
    {
        return Err(Report::new(Exit::Configuration, "elsewhere", "the token is not for this cluster")
            .cause(format!("the cluster has another address than `{}`", connection.name))
            .hint(format!("`keyward config set connections.{}.url https://host`", connection.name)));
    }
    Ok(version)
}
