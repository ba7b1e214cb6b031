//! Prompts, resources, templates and completions, in both eras.

use super::*;
use crate::backends::prompt::Written;
use crate::backends::resource::{Contents, Form};
use crate::backends::{Completion, Json, Partial};

async fn written(prompts: &[Prompt], name: &str, filled: Value) -> Result<Written, Error> {
    let prompt = prompts.iter().find(|prompt| prompt.name == name).expect("a prompt of that name");
    let Value::Object(filled) = filled else { panic!("an object") };
    prompt.writer.write(filled, Default::default()).await
}

fn value(raw: &RawValue) -> Value {
    serde_json::from_str(raw.get()).expect("JSON")
}

fn read_again(json: &Json) -> Value {
    serde_json::from_str(json.get()).expect("JSON")
}

async fn read(reader: &dyn crate::backends::resource::Reader, which: &str) -> Result<Value, Error> {
    match reader.read(which.to_owned(), Default::default()).await? {
        Contents::Received(contents) => Ok(value(&contents)),
        Contents::Text(text) => panic!("{text}"),
    }
}

#[tokio::test]
async fn prompts_are_marked_and_written_with_what_was_filled_in() {
    for eras in [Eras::Modern, Eras::Legacy, Eras::Both] {
        let stage = stage(eras).await;
        let prompts = BACKEND.prompts(&stage.connection);
        let names: Vec<&str> = prompts.iter().map(|prompt| prompt.name.as_str()).collect();
        assert_eq!(names[..2], ["c_greet", "c_review"]);
        assert!(names.len() == 4 && names[2].starts_with("c_no_one_"), "{names:?}");
        let host = stage.connection.url.authority().to_owned();
        assert_eq!(prompts[0].description, format!("[from the MCP server {host}] Greets somebody."));
        let arguments: Vec<_> =
            prompts[0].arguments.iter().map(|one| (&*one.name, &*one.description, one.is_required)).collect();
        assert_eq!(arguments, [("name", "Whom.", true), ("style", "How", false)]);

        let greeting =
            written(&prompts, "c_greet", json!({"name": "Z\u{fc}rich", "style": "brief"})).await.expect("one");
        assert_eq!(greeting.description.as_deref(), Some(format!("[from the MCP server {host}] A greeting.").as_str()));
        assert_eq!(value(&greeting.messages)[0]["content"]["text"], "Greet Z\u{fc}rich in a brief way.");
        let review = value(&written(&prompts, "c_review", json!({})).await.expect("messages").messages);
        assert_eq!(review[1]["content"]["uri"], "c+memo://today");
        assert_eq!(review[2]["content"]["resource"]["uri"], "c+memo://today");
        assert_eq!(review[2]["content"]["resource"]["text"], "buy \"milk\"");
        let missing = written(&prompts, "c_greet", json!({})).await;
        assert!(matches!(missing, Err(Error::Arguments(why)) if why == "no such prompt"), "{eras:?}");
    }
}

#[tokio::test]
async fn resources_have_our_addresses_and_are_read_at_the_servers() {
    for eras in [Eras::Modern, Eras::Legacy] {
        let stage = stage(eras).await;
        let resources = BACKEND.resources(&stage.connection);
        let addresses: Vec<(&str, Form)> = resources.iter().map(|one| (one.uri.as_str(), one.form)).collect();
        assert_eq!(
            addresses,
            [
                ("c+memo://today", Form::Single),
                ("c+memo://logo", Form::Single),
                ("c+memo://folder", Form::Single),
                ("c+https://files.example/a%20b?x=1#y", Form::Single),
                ("c+keyward:not%20an%20address", Form::Single),
                ("c+memo://notes/{name}", Form::Template),
            ]
        );
        assert_eq!(
            (&*resources[0].name, &*resources[0].title, &*resources[0].media_type),
            ("today", "Today", "text/plain")
        );
        assert_eq!(
            Value::Object(resources[0].more.clone()),
            json!({"size": 11, "annotations": {"audience": ["user"], "priority": 0.5, "lastModified": "2026-11-01T00:00:00Z"}})
        );
        let open = BACKEND.open(&stage.connection).expect("a space of addresses");
        assert_eq!(open.start, "c+");
        for resource in resources.iter().filter(|resource| resource.form == Form::Single) {
            let listed = read(&*resource.reader, "").await.expect("contents");
            let opened = read(&*open.reader, resource.uri.strip_prefix("c+").expect("ours")).await.expect("contents");
            assert_eq!(listed, opened);
            let first = listed[0]["uri"].as_str().expect("an address");
            assert!(first.starts_with(resource.uri.as_str()), "{first}");
        }
        assert_eq!(read(&*open.reader, "memo://today").await.expect("a text")[0]["text"], "buy \"milk\"");
        assert_eq!(read(&*open.reader, "memo://logo").await.expect("a picture")[0]["blob"], "iVBORw0KGgo=");
        assert_eq!(read(&*open.reader, "memo://folder").await.expect("two")[1]["uri"], "c+memo://folder/b");
        assert_eq!(read(&*open.reader, "memo://notes/x").await.expect("a note")[0]["text"], "note x");
        for absent in ["memo://nothing", "keyward:%zz", "keyward:", ""] {
            assert!(matches!(read(&*open.reader, absent).await, Err(Error::Arguments(_))), "{eras:?} {absent}");
        }
    }
}

#[tokio::test]
async fn arguments_and_variables_are_completed() {
    let partial = |name: &str, value: &str, others: Value| Partial {
        name: name.to_owned(),
        value: value.to_owned(),
        others: others.as_object().expect("an object").clone(),
    };
    let completion = |values: &[&str]| Completion {
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        total: Some(values.len() as u64),
        has_more: false,
    };
    for eras in [Eras::Modern, Eras::Legacy] {
        let stage = stage(eras).await;
        assert!(BACKEND.features(&stage.connection).completions);
        let greet = &BACKEND.prompts(&stage.connection)[0].writer;
        let names = greet.complete(partial("name", "al", json!({}))).await.expect("values");
        assert_eq!(names, completion(&["alice", "alina"]));
        let styles = greet.complete(partial("style", "", json!({"name": "bob"}))).await.expect("values");
        assert_eq!(styles, completion(&["brief"]));
        let resources = BACKEND.resources(&stage.connection);
        let notes = resources.iter().find(|one| one.form == Form::Template).expect("a template");
        let notes = notes.reader.complete(partial("name", "ot", json!({}))).await.expect("values");
        assert_eq!(notes, completion(&["other"]));
    }
}

#[tokio::test]
async fn what_the_server_says_of_itself_is_kept_with_all_lists() {
    for eras in [Eras::Modern, Eras::Legacy] {
        let stage = stage(eras).await;
        let document = value(stage.connection.remembered.as_deref().expect("a document"));
        let count = |kind: &str| document[kind].as_array().map_or(0, Vec::len);
        assert_eq!([count("tools"), count("prompts"), count("resources"), count("templates")], [7, 4, 5, 1]);
        assert_eq!(instructions(&stage.connection).as_deref(), Some("Ask before you greet."));
        let all = Features {
            prompts: true,
            resources: true,
            completions: true,
            list_changed: true,
            subscribe: true,
            logging: true,
        };
        assert_eq!(BACKEND.features(&stage.connection), all);
    }
}

#[tokio::test]
async fn a_kind_without_which_a_server_lives_is_not_asked_for_and_one_that_fails_costs_itself() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let host = Host::answering(move |request| {
        let message: Value = serde_json::from_slice(request.body()).expect("JSON");
        let method = message["method"].as_str().expect("a method").to_owned();
        seen.lock().expect("a healthy lock").push(method.clone());
        let result = match method.as_str() {
            "server/discover" => {
                json!({"supportedVersions": ["2026-07-28"], "capabilities": {"prompts": {}, "resources": {}}})
            }
            "prompts/list" => json!({"prompts": [{"name": "p"}]}),
            "resources/list" => json!({"resources": "none"}),
            _ => json!({"resourceTemplates": [{"uriTemplate": "a:{b}", "name": "t"}]}),
        };
        fake::json(StatusCode::OK, &json!({"jsonrpc": "2.0", "id": message["id"], "result": result}))
    });
    let mut connection = connection(host.at("/mcp"), Way::None, Tokens::new(None, None));
    connection.remembered = Some(learn(&connection).await.expect("a document"));
    let asked = asked.lock().expect("a healthy lock").clone();
    assert_eq!(asked, ["server/discover", "prompts/list", "resources/list", "resources/templates/list"]);
    assert_eq!(BACKEND.prompts(&connection).len(), 1);
    let uris: Vec<String> = BACKEND.resources(&connection).into_iter().map(|one| one.uri).collect();
    assert_eq!(uris, ["c+a:{b}"]);
    assert!(BACKEND.tools(&connection).is_empty());
}

#[test]
fn of_a_server_that_was_not_heard_yet_prompts_and_resources_may_come() {
    let features = |remembered: Option<&str>| {
        let url = Url::parse("https://host.example/mcp").expect("an address");
        let mut connection = connection(url, Way::None, Tokens::new(None, None));
        connection.remembered = remembered.map(|text| Arc::from(RawValue::from_string(text.to_owned()).expect("JSON")));
        BACKEND.features(&connection)
    };
    for (remembered, prompts, resources) in [
        (None, true, true),
        (Some("[]"), true, true),
        (Some(r#"{"tools":[],"capabilities":{"tools":{}}}"#), false, false),
        (Some(r#"{"capabilities":{"prompts":{}}}"#), true, false),
    ] {
        let features = features(remembered);
        assert_eq!((features.prompts, features.resources), (prompts, resources), "{remembered:?}");
    }
}

#[test]
fn an_older_array_of_tools_is_still_read() {
    assert_eq!(offered(r#"[{"name": "a", "inputSchema": {"type": "object"}}]"#).len(), 1);
    assert_eq!(offered(r#"{"tools": [{"name": "a", "inputSchema": {"type": "object"}}]}"#).len(), 1);
}

#[test]
fn addresses_of_different_connections_are_different_and_read_back() {
    let names = ["a", "a-b", "a_b", "a__b", "1", "c", "c1", "1a", "c_1", "c-1", "c__1", "1_"];
    let starts: std::collections::BTreeSet<String> = names.iter().map(|name| address::start(name)).collect();
    assert_eq!(starts.len(), names.len());
    for (one, start) in names.iter().map(|name| (name, address::start(name))) {
        let scheme = start.strip_suffix('+').expect("a plus");
        assert!(scheme.starts_with(|c: char| c.is_ascii_lowercase()), "{scheme}");
        assert!(scheme.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c)), "{scheme}");
        for theirs in [
            "memo://a",
            "file:///x/../y",
            "HTTP://Example.COM",
            "urn:a:b",
            "https://h",
            "http://h:80/",
            "a b",
            "\u{e9}:x",
            "keyward:x",
            "keyward://c/x",
            "?",
            "#",
            "x:y#z?w",
            "memo://a b/c",
            "memo://user@h/",
            "x://[::1]/%zz",
            "%41",
        ] {
            let ours = address::ours(one, theirs);
            let url = Url::parse(&ours).expect("an address");
            assert_eq!(url.as_str(), ours, "survives a client");
            let rest = ours.strip_prefix(&start).expect("ours");
            assert_eq!(address::theirs(rest).as_deref(), Some(theirs), "{ours}");
        }
    }
}

proptest::proptest! {
    #[test]
    fn any_address_survives_and_is_read_back(one in "[a-z0-9][a-z0-9_-]{0,8}", theirs in ".{1,60}") {
        let ours = address::ours(&one, &theirs);
        let url = Url::parse(&ours).expect("an address");
        proptest::prop_assert_eq!(url.as_str(), &ours);
        let rest = ours.strip_prefix(&address::start(&one)).expect("ours");
        proptest::prop_assert_eq!(address::theirs(rest), Some(theirs));
    }

    #[test]
    fn no_document_makes_the_library_panic(text in ".{0,80}", uri in ".{0,40}") {
        let document = json!({
            "prompts": [{"name": text, "arguments": [{"name": uri}]}, {"name": text, "arguments": text}, 5],
            "resources": [{"uri": uri, "name": text, "size": text, "annotations": uri}, {"uri": 5}, null],
            "templates": [{"uriTemplate": uri, "name": text}, []],
            "capabilities": text,
            "instructions": {},
        });
        let url = Url::parse("https://host.example/mcp").expect("an address");
        let mut connection = connection(url, Way::None, Tokens::new(None, None));
        connection.remembered = Some(Arc::from(serde_json::value::to_raw_value(&document).expect("JSON")));
        BACKEND.prompts(&connection);
        BACKEND.resources(&connection);
        BACKEND.features(&connection);
    }
}

#[tokio::test]
async fn links_in_the_result_of_a_tool_can_be_read_and_other_results_stay_as_they_are() {
    let result = r#"[ {"type":"resource_link","uri":"memo://a","name":"a"}, {"type":"text","text":"\"resource"},
        {"type":"resource","resource":{"uri":"https://h/x","blob":"AA=="}} ]"#;
    for (capabilities, expected) in [
        (
            json!({"tools": {}, "resources": {}}),
            r#"[{"name":"a","type":"resource_link","uri":"c+memo://a"},{"text":"\"resource","type":"text"},{"resource":{"blob":"AA==","uri":"c+https://h/x"},"type":"resource"}]"#
                .to_owned(),
        ),
        (json!({"tools": {}}), result.replace('\n', " ")),
    ] {
        let host = Host::answering(move |request| {
            let asked: Value = serde_json::from_slice(request.body()).expect("JSON");
            let result = match asked["method"].as_str() {
                Some("server/discover") => {
                    json!({"supportedVersions": ["2026-07-28"], "capabilities": capabilities}).to_string()
                }
                _ => format!(r#"{{"content":{result}}}"#),
            };
            let body = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#, asked["id"]);
            fake::whole(StatusCode::OK, "application/json", body)
        });
        let peer = Peer::new(connection(host.at("/mcp"), Way::None, Tokens::new(None, None)));
        let output = peer.call(plain(&Map::new(), Progress::default())).await.expect("a result");
        if expected.starts_with("[{") {
            assert_eq!(read_again(&output.content), serde_json::from_str::<Value>(&expected).expect("JSON"));
        } else {
            assert_eq!(output.content.get(), expected);
        }
    }
}

#[tokio::test]
async fn an_address_that_looks_like_one_of_another_connection_is_never_passed_on_as_it_is() {
    for (uri, is_kept) in [
        ("https://h/x", true),
        ("memo:a", true),
        ("other+file:///a", false),
        ("keyward://other/a", false),
        ("KEYWARD://other/a", false),
        (" other+file:///a", false),
    ] {
        let host = Host::answering(move |request| {
            let asked: Value = serde_json::from_slice(request.body()).expect("JSON");
            let result = match asked["method"].as_str() {
                Some("server/discover") => {
                    json!({"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}})
                }
                _ => json!({"content": [{"type": "resource_link", "uri": uri, "name": "a"}]}),
            };
            let body = json!({"jsonrpc": "2.0", "id": asked["id"], "result": result});
            fake::whole(StatusCode::OK, "application/json", body.to_string())
        });
        let peer = Peer::new(connection(host.at("/mcp"), Way::None, Tokens::new(None, None)));
        let output = peer.call(plain(&Map::new(), Progress::default())).await.expect("a result");
        let given = read_again(&output.content)[0]["uri"].as_str().expect("an address").to_owned();
        assert_eq!((given == uri, given.starts_with("c+")), (is_kept, !is_kept), "{uri} {given}");
    }
}

#[test]
fn what_was_learnt_elsewhere_is_taken_over_by_a_connection_that_goes_on() {
    let document = |tool: &str| {
        let tool = json!({"name": tool, "inputSchema": {"type": "object"}});
        Some(Arc::from(serde_json::value::to_raw_value(&json!({ "tools": [tool], "capabilities": {} })).expect("JSON")))
    };
    let url = "https://h.example/mcp".parse().expect("an address");
    let before = connection(url, Way::None, Tokens::new(None, None));
    let names =
        |connection: &Connection| BACKEND.tools(connection).into_iter().map(|tool| tool.name).collect::<Vec<_>>();
    assert_eq!(names(&before), [""; 0]);
    let at = |remembered| Connection { remembered, ..before.clone() };
    assert_eq!(names(&at(document("one"))), ["c_one"]);
    assert_eq!(names(&at(document("two"))), ["c_two"]);
    assert_eq!(names(&at(None)), ["c_two"], "what cannot be read is no news");
}
