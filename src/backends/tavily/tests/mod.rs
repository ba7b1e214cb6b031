//! The tools against the stand-in, in every way of signing in, and their schemas.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::fake::Server;
use super::*;
use crate::backends::fake::{Fake, Seen};
use crate::backends::tests::{Host, Tokens, connection, matches};
use crate::backends::{Agreed, Call, Error, Output, Progress, Schema};

mod defaults;
mod equivalents;
mod research;
mod sites;

struct Stage {
    server: Arc<Server>,
    _host: Host,
    tools: Vec<Tool>,
}

fn stage(way: Way) -> Stage {
    preset(way, json!({}))
}

/// A connection that presets these arguments.
fn preset(way: Way, defaults: Value) -> Stage {
    let server = Arc::new(Server::default());
    let host = Host::of(Arc::clone(&server) as Arc<dyn Fake>);
    let (path, token) = match way {
        Way::OAuth => ("/mcp", Some("good")),
        Way::ApiKey => ("", Some("tvly-canary")),
        _ => ("/", None),
    };
    let Value::Object(defaults) = defaults else { panic!("an object") };
    let connection = Connection { defaults, ..connection(host.at(path), way, Tokens::new(token, None)) };
    Stage { server, tools: BACKEND.tools(&connection), _host: host }
}

impl Stage {
    async fn call(&self, name: &str, arguments: Value) -> Result<Output, Error> {
        self.told(name, arguments, Progress::default()).await
    }

    async fn told(&self, name: &str, arguments: Value, progress: Progress) -> Result<Output, Error> {
        let tool = self.tools.iter().find(|tool| tool.name == format!("c_{name}")).expect("a tool of that name");
        let Value::Object(arguments) = arguments else { panic!("an object") };
        tool.handler.call(Call { arguments, progress, agreed: Agreed::default(), host: Default::default() }).await
    }

    async fn fields(&self, name: &str, arguments: Value) -> Value {
        let output = self.call(name, arguments).await.expect("a result");
        assert!(!output.failed);
        serde_json::from_str(output.structured.expect("fields").get()).expect("JSON")
    }

    /// What the REST service was asked.
    fn asked(&self) -> Vec<(String, String)> {
        self.server.record().all().into_iter().map(|seen| (seen.method, seen.path)).collect()
    }

    fn last(&self) -> Seen {
        self.server.record().all().pop().expect("a request")
    }
}

#[tokio::test]
async fn a_search_works_in_every_way() {
    for way in BACKEND.ways {
        let stage = stage(*way);
        let fields = stage.fields("search", json!({"query": "opera", "max_results": 2, "topic": "news"})).await;
        assert_eq!(fields["results"].as_array().map(Vec::len), Some(2), "{way:?}");
        assert_eq!(fields["results"][0]["published_date"], "Tue, 04 Mar 2025 10:00:00 GMT");
        assert_eq!(fields["response_time"], 1.09);
        assert_eq!(fields.get("usage").is_some(), *way == Way::ApiKey);
        let pages = stage.fields("extract", json!({"urls": ["https://a/x", "https://a/gone"]})).await;
        assert_eq!(pages["results"][0]["url"], "https://a/x", "{way:?}");
        assert_eq!(pages["failed_results"], json!([{"url": "https://a/gone", "error": "Failed to fetch url"}]));
    }
}

#[tokio::test]
async fn each_way_sends_its_own_headers_and_the_key_never_in_the_body() {
    let keyless = stage(Way::None);
    keyless.fields("search", json!({"query": "q"})).await;
    let seen = keyless.last();
    assert_eq!((seen.headers["x-tavily-access-mode"].as_str(), seen.headers.get("authorization")), ("keyless", None));
    assert_eq!((seen.path.as_str(), seen.body), ("/search", json!({"query": "q"})));

    let keyed = stage(Way::ApiKey);
    keyed.fields("search", json!({"query": "q", "country": " Switzerland "})).await;
    let seen = keyed.last();
    assert_eq!((seen.headers["authorization"].as_str(), seen.headers.get("x-tavily-access-mode")), ("Bearer …", None));
    assert_eq!(seen.headers["x-client-source"], "keyward");
    assert_eq!(seen.body, json!({"query": "q", "country": "switzerland", "include_usage": true}));

    let oauth = stage(Way::OAuth);
    oauth.fields("search", json!({"query": "q"})).await;
    assert_eq!(oauth.server.record().all(), [], "the token means nothing to the REST service");
    let seen = oauth.server.remote().record().all().pop().expect("a call");
    assert_eq!(seen.headers["x-client-source"], "keyward");
    assert_eq!(seen.body["params"]["name"], "tavily_search");
    assert_eq!(seen.body["params"]["arguments"], json!({"query": "q"}));
}

#[tokio::test]
async fn every_trouble_has_its_error() {
    let stage = stage(Way::ApiKey);
    for (query, expected) in [
        (
            "fake:432",
            "Limited { host, said: \"the credits of the key or of the plan are used up; `https://app.tavily.com`",
        ),
        ("fake:433", "Limited { host, said: \"the limit of pay-as-you-go is reached; `https://app.tavily.com` shows"),
        ("fake:503", "Server { host, status: 503, said: \"Service Unavailable\""),
        ("fake:500", "Server { host, status: 500, said: \"Internal Server Error\""),
        ("fake:text", "Protocol { host, cause: \"no JSON at line 1, column 2\""),
        ("fake:html", "Protocol { host, cause: \"a web page instead of JSON\""),
        (
            "fake:cap",
            "Limited { host, said: \"the calls without a login of this hour are used up (hourly_cap_reached); after `keyward \
             login c --api-key` the plan of the key counts: The hourly limit of calls without a key is reached.\", \
             retry_after: Some(1800s)",
        ),
    ] {
        let before = stage.server.record().all().len();
        let error = stage.call("search", json!({"query": query})).await.expect_err("trouble");
        let shown = format!("{error:?}");
        let (kind, rest) = shown.split_once("host: ").expect("a host");
        let rest = rest.split_once(',').expect("more").1;
        let shown = format!("{kind}host,{rest}");
        assert!(shown.starts_with(expected), "{query}: {shown}");
        assert_eq!(stage.server.record().all().len() - before, 1, "{query}: asked once");
        assert!(!shown.contains("canary"));
    }
}

#[tokio::test]
async fn a_short_block_is_waited_out() {
    let stage = stage(Way::None);
    let fields = stage.fields("search", json!({"query": "fake:429", "max_results": 1})).await;
    assert_eq!(fields["results"].as_array().map(Vec::len), Some(1));
    assert_eq!(stage.server.record().all().len(), 2);
}

#[tokio::test]
async fn a_wrong_key_is_a_refused_login() {
    let server = Arc::new(Server::default());
    let host = Host::of(Arc::clone(&server) as Arc<dyn Fake>);
    let connection = connection(host.at(""), Way::ApiKey, Tokens::new(Some("sk-other"), None));
    let stage = Stage { server, tools: BACKEND.tools(&connection), _host: host };
    let error = stage.call("search", json!({"query": "q"})).await.expect_err("a refusal");
    assert!(
        matches!(error, Error::Rejected { said, .. } if said.ends_with(": Unauthorized: missing or invalid API key."))
    );
}

#[tokio::test]
async fn the_remote_servers_failures_and_words_are_told_apart() {
    let stage = stage(Way::OAuth);
    let error = stage.call("search", json!({"query": "fake:432"})).await.expect_err("a refusal");
    assert!(
        matches!(error, Error::Limited { said, retry_after: None, .. } if said.contains("used up; `https://app.tavily.com` shows and raises it: This request exceeds"))
    );
    let failed = stage.call("search", json!({"query": "fake:failed"})).await.expect("an answer");
    assert!(failed.failed && failed.content.get().contains("the remote server failed"));
    let fields = stage.fields("search", json!({"query": "fake:words"})).await;
    assert_eq!(fields, json!({"results": [], "text": "Detailed Results:\nTitle: A"}));
}

#[tokio::test]
async fn arguments_are_checked_before_anything_is_sent() {
    let stage = stage(Way::None);
    for (tool, arguments, expected) in [
        ("search", json!({}), "`query` is missing"),
        ("search", json!({"query": "x".repeat(401)}), "`query` has 401 characters, at most 400 are allowed"),
        (
            "search",
            json!({"query": "q", "max_results": 21}),
            "`max_results` is 21, and must be a whole number from 0 to 20",
        ),
        (
            "search",
            json!({"query": "q", "topic": "new"}),
            "`topic` is `new`, and must be one of `general`, `news`, `finance`; did you mean `news`?",
        ),
        (
            "search",
            json!({"query": "q", "time_range": "day", "start_date": "2026-01-01"}),
            "`time_range` does not go together with `start_date`",
        ),
        (
            "search",
            json!({"query": "q", "start_date": "2026-01-02", "end_date": "2026-01-01"}),
            "`start_date` is after `end_date`",
        ),
        (
            "search",
            json!({"query": "q", "country": "x", "topic": "news"}),
            "`country` goes together with `topic` `general` only",
        ),
        ("search", json!({"query": "q", "api_key": "tvly-x"}), "there is no argument `api_key`"),
        ("extract", json!({"urls": vec!["https://a"; 21]}), "`urls` has 21 entries, at most 20 are allowed"),
        ("extract", json!({"urls": ["file:///etc/passwd"]}), "`file:///etc/passwd` is not the address of a web page"),
        ("extract", json!({"urls": "example.org"}), "`example.org` is not the address of a web page"),
        (
            "extract",
            json!({"urls": ["https://a", "https://b"], "offset": 5}),
            "`offset` goes together with a single address in `urls` only",
        ),
        (
            "extract",
            json!({"urls": ["https://a"], "chunks_per_source": 2}),
            "`chunks_per_source` goes together with `query` only",
        ),
    ] {
        let error = stage.call(tool, arguments.clone()).await.expect_err("a refusal");
        assert_eq!(error.to_string(), expected, "{arguments}");
    }
    assert_eq!(stage.server.record().all(), []);
}

#[tokio::test]
async fn a_long_page_goes_on_where_it_was_cut() {
    let stage = stage(Way::None);
    let first = stage.fields("extract", json!({"urls": ["https://a/long"]})).await;
    let next = first["results"][0]["next_offset"].as_u64().expect("more");
    assert_eq!((next, &first["results"][0]["total_characters"]), (61_440, &json!(200_000)));
    let second = stage.fields("extract", json!({"urls": ["https://a/long"], "offset": next})).await;
    assert_eq!(second["results"][0]["next_offset"], 2 * next);
    assert_eq!(stage.last().body, json!({"urls": ["https://a/long"]}), "the offset is ours alone");
}

#[tokio::test]
async fn dropping_a_call_ends_it() {
    let stage = stage(Way::None);
    let slow = stage.call("search", json!({"query": "fake:slow"}));
    assert!(tokio::time::timeout(Duration::ZERO, slow).await.is_err());
}

#[test]
fn the_tools_are_named_after_the_connection_and_follow_its_login() {
    let url = url::Url::parse("https://api.tavily.com").expect("an address");
    let named = |name: &str, way| {
        let mut connection = connection(url.clone(), way, Tokens::new(None, None));
        connection.name = name.to_owned();
        BACKEND.tools(&connection).into_iter().map(|tool| tool.name).collect::<Vec<_>>()
    };
    assert_eq!(named("tavily", Way::None), ["tavily_search", "tavily_extract"], "the others need a login");
    let all = ["search", "extract", "crawl", "map", "research", "usage"];
    assert_eq!(named("work", Way::ApiKey), all.map(|name| format!("work_{name}")));
    assert_eq!(named("work", Way::OAuth), all[..5].iter().map(|name| format!("work_{name}")).collect::<Vec<_>>());
}

fn schemas() -> Vec<(String, Value)> {
    let read = |text: &str| {
        assert!(!text.contains('\n'), "{text} must be one line");
        serde_json::from_str(text).expect("JSON")
    };
    let of = |spec: &tool::Spec| {
        [
            (spec.name.to_owned(), read(Schema::Static(spec.takes.schema).text())),
            (format!("{} result", spec.name), read(spec.returns)),
        ]
    };
    tool::ALL.iter().flat_map(of).collect()
}

#[test]
fn the_schemas_describe_everything_and_allow_nothing_else() {
    fn walk(name: &str, schema: &Value) {
        for forbidden in ["$ref", "$defs", "$schema", "anyOf", "oneOf", "allOf"] {
            assert!(schema.get(forbidden).is_none(), "{name} has {forbidden}");
        }
        // What the caller gives a form of has the caller's form.
        if schema["type"] == "object" && !name.ends_with(".output") && !name.ends_with(".output_schema") {
            assert_eq!(schema["additionalProperties"], false, "{name}");
            for required in schema["required"].as_array().unwrap_or(&Vec::new()) {
                assert!(schema["properties"].get(required.as_str().expect("a name")).is_some(), "{name}: {required}");
            }
            for (property, inner) in schema["properties"].as_object().expect("properties") {
                let name = format!("{name}.{property}");
                assert!(inner["description"].as_str().is_some_and(|text| text.len() > 5), "{name} is not described");
                walk(&name, inner);
            }
        }
        if let Some(items) = schema.get("items") {
            walk(&format!("{name}[]"), items);
        }
    }
    for (name, schema) in schemas() {
        assert_eq!(schema["type"], "object");
        walk(&name, &schema);
    }
}

#[tokio::test]
async fn results_match_the_schemas_they_are_listed_with() {
    let search = json!({
        "query": "q", "include_answer": true, "include_raw_content": "text", "include_image_descriptions": true,
        "include_favicon": true, "auto_parameters": true, "topic": "news",
    });
    for way in BACKEND.ways {
        let stage = stage(*way);
        for (index, name, arguments) in [
            (0, "search", search.clone()),
            (0, "search", json!({"query": "q", "max_results": 0})),
            (1, "extract", json!({"urls": ["https://a/long", "https://a/gone", "https://a"]})),
            (1, "extract", json!({"urls": ["https://a/long"], "offset": 199_000})),
            (2, "crawl", json!({"url": "large.example", "limit": 200})),
            (2, "crawl", json!({"url": "very.large.example", "limit": 200, "offset": 150})),
            (3, "map", json!({"url": "docs.example", "max_depth": 3})),
            (4, "research", json!({"input": "q"})),
            (4, "research", json!({"input": "fake:long", "stream": true})),
            (4, "research", json!({"input": "q", "wait": 0})),
            (
                4,
                "research",
                json!({"input": "q", "output_schema": {"properties": {"a": {"type": "string", "description": "what"}}}}),
            ),
            (5, "usage", json!({})),
        ] {
            if index >= stage.tools.len() {
                continue;
            }
            let fields = stage.fields(name, arguments).await;
            let schema = stage.tools[index].output_schema.as_ref().map(Schema::text).expect("a schema");
            let schema: Value = serde_json::from_str(schema).expect("JSON");
            assert!(matches(&fields, &schema), "{name} {way:?}: {fields}");
        }
    }
}
