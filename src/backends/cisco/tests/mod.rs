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
async fn explore() {
    let stage = stage();
    for (name, arguments) in [
        ("bugs", json!({"keyword": "many", "limit": 3})),
        ("bugs", json!({"product_id": "C9300-48P", "releases": ["17.9.4a"]})),
        ("search_bugs", json!({"term": "C9300-48P", "version": "17.9.4a"})),
        ("end_of_life", json!({"product_ids": ["WS-C3850-48XS-E", "C9300-48P", "ISR4431/K9", "NOPE", "WIC-1T="]})),
        ("end_of_life", json!({"software": ["12.2,IOS", "17.3.1,IOS-XE"]})),
        ("products", json!({"serial_numbers": ["FOC0000A0AA", "NOPE"]})),
        ("coverage", json!({"serial_numbers": ["FOC0000A0AA", "NOPE"], "about": "summary"})),
        ("software", json!({"product_ids": ["C9300-48P", "NOPE"]})),
        ("software", json!({"product_ids": ["C9300-48P"], "about": "compatible"})),
        ("report", json!({"serial_numbers": ["FOC0000A0AA", "FOC0000A0AB", "NOPE"]})),
        ("compare_versions", json!({"product_id": "C9300-48P", "version_a": "17.3.1", "version_b": "17.9.4a"})),
    ] {
        match stage.call(name, arguments.clone()).await {
            Ok(output) => {
                let content: Value = serde_json::from_str(output.content.get()).expect("JSON");
                println!("=== {name} {arguments}\n{}\n", content[0]["text"].as_str().unwrap());
            }
            Err(error) => println!("=== {name} {arguments}\nERR {error:?}\n"),
        }
    }
}
