//! The tools against the stand-in.

use std::sync::Arc;

use serde_json::{Value, json};

use super::fake::Server;
use super::*;
use crate::backends::fake::Fake;
use crate::backends::tests::{Host, Tokens, connection};
use crate::backends::{Agreed, Call, Output, Progress, Tool};

/// The stand-in, and a connection to it.
struct Stage {
    server: Arc<Server>,
    _host: Host,
    connection: Connection,
    tools: Vec<Tool>,
}

fn stage() -> Stage {
    let server = Arc::new(Server::default());
    let host = Host::of(Arc::clone(&server) as Arc<dyn Fake>);
    let toolsets = BACKEND.usual_toolsets();
    let connection = Connection {
        toolsets,
        ..connection(host.at(""), Way::ClientCredentials, Tokens::new(Some("good"), None))
    };
    let tools = BACKEND.tools(&connection);
    Stage { server, tools, connection, _host: host }
}

impl Stage {
    async fn call(&self, name: &str, arguments: Value) -> Result<Output, Error> {
        let tool = self.tools.iter().find(|tool| tool.name == format!("c_{name}")).expect("a tool of that name");
        let Value::Object(arguments) = arguments else { panic!("an object") };
        tool.handler.call(Call { arguments, progress: Progress::default(), agreed: Agreed::default() }).await
    }

    async fn fields(&self, name: &str, arguments: Value) -> Value {
        let output = self.call(name, arguments.clone()).await.unwrap_or_else(|error| panic!("{name} {arguments}: {error:?}"));
        assert!(!output.failed);
        serde_json::from_str(output.structured.expect("fields").get()).expect("JSON")
    }
}

#[tokio::test]
async fn every_bug_of_twenty_five_pages_arrives_in_order() {
    let stage = stage();
    let all = stage.fields("bugs", json!({"keyword": "many", "limit": 4000})).await;
    let ids: Vec<&str> = texts(&all["bugs"], "bug_id");
    assert_eq!((ids.len(), all["total"].as_u64(), all.get("next_offset")), (248, Some(248), None));
    let distinct: std::collections::HashSet<&&str> = ids.iter().collect();
    assert_eq!(distinct.len(), 248);
    let first = stage.fields("bugs", json!({"keyword": "many", "limit": 25})).await;
    let rest = stage.fields("bugs", json!({"keyword": "many", "limit": 4000, "offset": first["next_offset"]})).await;
    let joined: Vec<&str> = texts(&first["bugs"], "bug_id").into_iter().chain(texts(&rest["bugs"], "bug_id")).collect();
    assert_eq!(joined, ids);
}

fn texts<'a>(rows: &'a Value, name: &str) -> Vec<&'a str> {
    rows.as_array().expect("rows").iter().map(|row| row[name].as_str().unwrap_or_default()).collect()
}
