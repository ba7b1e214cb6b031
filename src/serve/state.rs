//! `keyward_status`: the one tool that belongs to no connection. It lets a model say who is signed in where, and which
//! command helps, instead of guessing.

use std::sync::Arc;

use serde_json::json;

use super::{Choice, answer};
use crate::app::status::{self, Login, Status};
use crate::app::{self, App};
use crate::backends::{Boxed, Call, Effect, Error, Handler, Json, Output, Schema, Tool, Way};
use crate::report::Report;

const NOTHING: &str = r#"{"type":"object","properties":{},"additionalProperties":false}"#;
const STATUS: &str = r#"{"type":"object","required":["connections"],"properties":{"connections":{"type":"array","description":"every connection that is offered here","items":{"type":"object","required":["connection","backend","login"],"properties":{"connection":{"type":"string","description":"its name"},"backend":{"type":"string","description":"what kind of service it is"},"login":{"type":"string","enum":["not-needed","environment","signed-in","renewable","login-required","unknown"],"description":"whether it can be called now"},"account":{"type":"string","description":"who is signed in"},"hint":{"type":"string","description":"the command that the person can run"}}}}}}"#;

/// The tool.
pub(super) fn tool(app: &Arc<App>, choice: &Choice) -> Tool {
    Tool {
        name: "keyward_status".to_owned(),
        own: "status".into(),
        title: "Login status".into(),
        description: "Lists the connected services, whether each is signed in, as whom, and the command that signs \
            in. Use it when a tool reports a login problem. Changes nothing."
            .into(),
        input_schema: Schema::Static(NOTHING),
        output_schema: Some(Schema::Static(STATUS)),
        effect: Effect { read_only: true, destructive: false, idempotent: true, open_world: false },
        toolset: None,
        handler: Arc::new(Statuses(Arc::clone(app), choice.clone())),
    }
}

/// Tells of the chosen connections; of others also not that they exist.
struct Statuses(Arc<App>, Choice);

impl Handler for Statuses {
    fn call(&self, _: Call) -> Boxed<'static, Result<Output, Error>> {
        let (app, choice) = (Arc::clone(&self.0), self.1.clone());
        Box::pin(async move {
            let mut rows = Vec::new();
            for connection in app.config.connections.iter().filter(|connection| choice.names(&connection.name)) {
                rows.push(row(&status::of(&app, connection).await));
            }
            let structured = Json::from(&json!({ "connections": rows }));
            Ok(Output { content: answer::text(structured.get()), structured: Some(structured), failed: false })
        })
    }
}

fn row(status: &Status) -> serde_json::Value {
    let mut row = json!({
        "connection": status.connection,
        "backend": status.backend,
        "login": status.login.word(),
    });
    if let Some(object) = row.as_object_mut() {
        if let Some(account) = &status.account {
            object.insert("account".into(), json!(account));
        }
        if let Some(hint) = hint(status) {
            object.insert("hint".into(), json!(hint));
        }
    }
    row
}

fn hint(status: &Status) -> Option<String> {
    let name = &status.connection;
    match &status.login {
        Login::Required(_) if status.way == Way::ApiKey => Some(format!("keyward login {name} --api-key")),
        Login::Required(_) => Some(format!("keyward login {name}")),
        Login::Unknown(error) => Some(Report::from(error as &app::Error).text()),
        _ => status.missing().map(|error| Report::from(&error).text()),
    }
}
