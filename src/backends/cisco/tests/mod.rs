//! The tools against the stand-in.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::fake::Server;
use super::*;
use crate::backends::fake::Fake;
use crate::backends::tests::{Host, Tokens, connection, matches};
use crate::backends::{Agreed, Call, Output, Progress, Schema, Step, Tool};

mod answers;
mod edges;
mod equivalents;
mod joined;
mod trouble;
mod wire;

/// The stand-in, and a connection to it.
struct Stage {
    server: Arc<Server>,
    host: Host,
    connection: Connection,
    tools: Vec<Tool>,
}

fn stage() -> Stage {
    let server = Arc::new(Server::default());
    let host = Host::of(Arc::clone(&server) as Arc<dyn Fake>);
    let tokens = Tokens::new(Some("good"), Some("good"));
    let connection =
        Connection { toolsets: BACKEND.usual_toolsets(), ..connection(host.at(""), Way::ClientCredentials, tokens) };
    Stage { tools: BACKEND.tools(&connection), server, connection, host }
}

impl Stage {
    fn tool(&self, name: &str) -> &Tool {
        self.tools.iter().find(|tool| tool.name == format!("c_{name}")).expect("a tool of that name")
    }

    async fn call(&self, name: &str, arguments: Value) -> Result<Output, Error> {
        let Value::Object(arguments) = arguments else { panic!("an object") };
        let call =
            Call { arguments, progress: Progress::default(), agreed: Agreed::default(), host: Default::default() };
        self.tool(name).handler.call(call).await
    }

    /// The structured result, which is what the schema says.
    async fn fields(&self, name: &str, arguments: Value) -> Value {
        let shown = arguments.to_string();
        let output = self.call(name, arguments).await.unwrap_or_else(|error| panic!("{name} {shown}: {error:?}"));
        assert!(!output.failed);
        let fields: Value = serde_json::from_str(output.structured.expect("fields").get()).expect("JSON");
        let schema = self.tool(name).output_schema.as_ref().map(Schema::text).expect("a schema").to_owned();
        let schema: Value = serde_json::from_str(&schema).expect("JSON");
        assert!(matches(&fields, &schema), "{name} {shown}: {fields}");
        fields
    }

    async fn error(&self, name: &str, arguments: Value) -> Error {
        self.call(name, arguments).await.expect_err("an error")
    }

    /// Takes APIs away from the application.
    async fn disable(&self, apis: &[&str]) {
        let request = http::Request::post(self.host.at("/control").as_str());
        let body = json!({"disabled": apis}).to_string().into_bytes();
        let request = request.header("content-type", "application/json").body(body).expect("a request");
        let limits = crate::http::Limits { time: std::time::Duration::from_secs(5), body: 1 << 20 };
        let reply = crate::backends::http::send(&self.connection, &request, crate::backends::http::Kind::Write, limits);
        assert!(reply.await.expect("a reply").status().is_success());
    }

    fn paths(&self) -> Vec<String> {
        self.server.record().all().into_iter().map(|seen| seen.path).collect()
    }
}

fn texts<'a>(rows: &'a Value, name: &str) -> Vec<&'a str> {
    rows.as_array().expect("rows").iter().map(|row| row[name].as_str().unwrap_or_default()).collect()
}
