//! The tools against a NetBox of a few lines, which shows what is sent, and against the stand-in.

use std::sync::{Arc, Mutex};

use http::HeaderValue;
use serde_json::{Map, Value, json};

use super::token::{Kept, Token};
use super::*;
use crate::backends::fake::{Received, Reply};
use crate::backends::tests::{Host, Tokens, connection, matches, reply};
use crate::backends::{Agreed, Boxed, Call, Credential, CredentialSource, Output, Progress, Schema, Tool, Unavailable};
use crate::secret::Secret;

mod checks;
mod equivalents;
mod whole;
mod wire;
mod writes;

/// A store that keeps a token.
struct Holding(Kept);

impl Holding {
    fn of(token: &str) -> Arc<Self> {
        let token = Token::read(&Secret::new(token)).expect("a token");
        Arc::new(Self(Kept { token, id: None }))
    }
}

impl CredentialSource for Holding {
    fn credential(&self) -> Boxed<'_, Result<Option<Credential>, Unavailable>> {
        let value = self.0.encode();
        Box::pin(async { Ok(Some(Credential { header: None, value, companion: None, generation: 1, proof: None })) })
    }

    fn replace<'a>(&'a self, _: &'a Credential) -> Boxed<'a, Result<Option<Credential>, Unavailable>> {
        Box::pin(async { Ok(None) })
    }
}

/// A connection to an address, with everything switched on.
fn to(url: url::Url, token: &str) -> Connection {
    let toolsets = BACKEND.toolsets.iter().map(|set| set.name).collect();
    Connection { credentials: Holding::of(token), toolsets, ..connection(url, Way::Token, Tokens::new(None, None)) }
}

/// The tools of a connection, and what is sent by them.
struct Stage {
    tools: Vec<Tool>,
    connection: Connection,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// A request that arrived.
#[derive(Clone, Debug)]
struct Seen {
    line: String,
    matching: Option<String>,
    body: Value,
}

/// A NetBox of this release that answers what the function says; nothing else is there.
fn scripted(release: &'static str, answer: impl Fn(&str, &Value) -> Option<Reply> + Send + Sync + 'static) -> Stage {
    let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let kept = Arc::clone(&seen);
    let host = Host::answering(move |request: &Received| {
        let query = request.uri().query().map(|query| format!("?{}", decoded(query))).unwrap_or_default();
        let path = request.uri().path().trim_start_matches("/api/");
        let line = format!("{} {path}{query}", request.method());
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let matching = request.headers().get("if-match").map(|tag| tag.to_str().expect("text").to_owned());
        let known = answer(&line, &body);
        kept.lock().expect("a healthy lock").push(Seen { line: line.clone(), matching, body });
        let mut reply = match known {
            Some(reply) => reply,
            None if line == "GET status/" => good(json!({"netbox-version": format!("{release}.1")})),
            None => said(404, json!({"detail": "Not found."})),
        };
        reply.headers_mut().entry("api-version").or_insert(HeaderValue::from_static(release));
        reply
    });
    let connection = to(host.at(""), "0123456789abcdef0123456789abcdef01234567");
    Stage { tools: BACKEND.tools(&connection), connection, seen }
}

/// The stand-in, as the person who may do nearly everything in it sees it.
fn fake() -> Stage {
    faked(&format!("nbt_SandboxJdoe1.{}", super::fake::SECRET)).1
}

/// The stand-in, and its tools with this token. Every release takes one of version 1.
fn faked(token: &str) -> (Host, Stage) {
    let host = Host::of(Arc::new(super::fake::Server::default()));
    let connection = to(host.at(""), token);
    let stage = Stage { tools: BACKEND.tools(&connection), connection, seen: Arc::default() };
    (host, stage)
}

/// A query as people read it.
fn decoded(query: &str) -> String {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn said(status: u16, body: Value) -> Reply {
    reply(status, ("content-type", "application/json"), &body.to_string())
}

fn good(body: Value) -> Reply {
    said(200, body)
}

/// A list, as one page.
fn list(rows: Value) -> Reply {
    let count = rows.as_array().map(Vec::len);
    good(json!({"count": count, "next": null, "previous": null, "results": rows}))
}

/// The schema of one list, with these filters.
fn schema(path: &str, filters: &[&str]) -> Reply {
    let parameters: Vec<Value> = filters.iter().map(|name| json!({"in": "query", "name": name})).collect();
    let page = json!({"$ref": "#/components/schemas/Page"});
    good(json!({
        "paths": {
            format!("/api/{path}/"): {"get": {
                "parameters": parameters,
                "responses": {"200": {"content": {"application/json": {"schema": page}}}},
            }},
        },
        "components": {"schemas": {
            "Page": {"properties": {"results": {"items": {"$ref": "#/components/schemas/One"}}}},
            "One": {"properties": {"id": {}, "name": {}, "status": {}}},
        }},
    }))
}

impl Stage {
    fn tool(&self, name: &str) -> &Tool {
        self.tools.iter().find(|tool| tool.name == format!("c_{name}")).expect("a tool of that name")
    }

    async fn with(&self, name: &str, arguments: Value, agreed: Agreed) -> Result<Output, Error> {
        let Value::Object(arguments) = arguments else { panic!("an object") };
        let call = Call { arguments, progress: Progress::default(), agreed, host: crate::backends::Host::default() };
        self.tool(name).handler.call(call).await
    }

    async fn call(&self, name: &str, arguments: Value) -> Result<Output, Error> {
        self.with(name, arguments, Agreed::default()).await
    }

    /// The structured result, which is what the schema says.
    fn fields(&self, name: &str, output: Output) -> Value {
        let fields: Value = serde_json::from_str(output.structured.expect("fields").get()).expect("JSON");
        let schema = self.tool(name).output_schema.as_ref().map(Schema::text).expect("a schema").to_owned();
        let schema: Value = serde_json::from_str(&schema).expect("JSON");
        assert!(matches(&fields, &schema), "{name}: {fields}");
        fields
    }

    async fn good(&self, name: &str, arguments: Value) -> Value {
        let shown = arguments.to_string();
        let output = self.call(name, arguments).await.unwrap_or_else(|error| panic!("{name} {shown}: {error:?}"));
        self.fields(name, output)
    }

    async fn error(&self, name: &str, arguments: Value) -> String {
        self.call(name, arguments).await.expect_err("an error").to_string()
    }

    /// What the person is asked.
    async fn question(&self, name: &str, arguments: Value) -> String {
        match self.call(name, arguments).await {
            Err(Error::Unconfirmed { question }) => question,
            other => panic!("a question: {other:?}"),
        }
    }

    /// What arrived so far, in its order; the release is asked for once and is left out.
    fn sent(&self) -> Vec<Seen> {
        let all = self.seen.lock().expect("a healthy lock").clone();
        all.into_iter().filter(|seen| seen.line != "GET status/").collect()
    }

    fn lines(&self) -> Vec<String> {
        self.sent().into_iter().map(|seen| seen.line).collect()
    }
}

#[test]
fn writes_are_off_unless_they_are_switched_on() {
    let url = "https://netbox.example.com".parse().expect("an address");
    let usual =
        Connection { toolsets: BACKEND.usual_toolsets(), ..to(url, "0123456789abcdef0123456789abcdef01234567") };
    let offered = BACKEND.tools(&usual);
    assert!(
        offered.iter().all(|tool| tool.effect.read_only),
        "{:?}",
        offered.iter().map(|tool| &tool.name).collect::<Vec<_>>()
    );
    let all = BACKEND.toolsets.iter().map(|set| set.name).collect();
    let writes = BACKEND.tools(&Connection { toolsets: all, ..usual });
    let writes: Vec<&str> =
        writes.iter().filter(|tool| !tool.effect.read_only).map(|tool| tool.name.as_str()).collect();
    assert_eq!(writes, ["c_create", "c_update", "c_delete", "c_allocate"]);
}

#[test]
fn a_tool_takes_an_object_and_says_what_comes_back() {
    let connection =
        to("https://netbox.example.com".parse().expect("an address"), "0123456789abcdef0123456789abcdef01234567");
    let tools = BACKEND.tools(&connection);
    assert!((15..=22).contains(&tools.len()), "{}", tools.len());
    for tool in &tools {
        for schema in [Some(&tool.input_schema), tool.output_schema.as_ref()] {
            let schema: Value = serde_json::from_str(schema.expect("a schema").text()).expect("JSON");
            assert_eq!(schema["type"], "object", "{}", tool.name);
        }
    }
}

/// The arguments of an object.
fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}
