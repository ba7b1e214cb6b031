//! Cisco's Support APIs from the login of a client to an answer at the terminal and through a host.

use keyward::report::Exit;
use keyward::store::Key;
use serde_json::{Value, json};

use crate::person::Forbidden;
use crate::serve::{Talk, request};
use crate::world::World;

/// A client that an administrator registered, signed in at the sandbox.
fn world() -> World {
    let world = World::with_sandbox().browser(Forbidden);
    let metadata = json!({"grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_basic"});
    let client = world.sandbox().control().register(&metadata).expect("a client");
    let text = |name: &str| client[name].as_str().expect("a text").to_owned();
    let (url, issuer) = (format!("{}/cisco", world.sandbox().url()), world.sandbox().issuer().to_owned());
    let entry = format!("url = \"{url}\"\nissuer = \"{issuer}\"\nclient_id = \"{}\"", text("client_id"));
    let world = world.config(&format!("[connections.cisco]\n{entry}\n")).piping(&text("client_secret"));
    world.run(&["login", "cisco", "--client-secret"]).done();
    world.piping("")
}

#[test]
fn a_client_signs_in_once_and_an_engineer_asks() {
    let world = world();
    assert!(world.stored(&Key::secret("cisco")).is_some(), "the secret is in the store");
    assert!(!world.config_text().contains("client_secret"), "and nowhere else");
    let status = world.run(&["status", "cisco", "--verify", "--json"]).done().json();
    assert_eq!(status["connections"][0]["way"], "client-credentials");
    assert_eq!(status["connections"][0]["verified"]["accepted"], true, "{status}");
    let ran = world.run(&["call", "cisco_bugs", "bug_ids=CSCwa00001", "detail=full"]).done();
    assert!(ran.out.contains("CSCwa00001") && ran.out.contains("Workaround:"), "{ran:?}");
    let ran = world.run(&["call", "cisco_end_of_life", "product_ids=C9300-48P,WS-C3850-48XS-E", "--json"]).done();
    assert_eq!(ran.json()["structured"]["records"][1]["last_support"], "2026-10-31");
}

#[test]
fn without_a_login_the_command_is_named_and_nothing_is_asked() {
    let world = World::with_sandbox();
    let world = world.config("[connections.cisco]\n");
    let ran = world.run(&["call", "cisco_bugs", "keyword=crash"]).failed(Exit::LoginRequired);
    assert!(ran.err.contains("`keyward login cisco`"), "{ran:?}");
    let shown = world.run(&["config", "show", "--json"]).done().json();
    assert_eq!(shown["connections"][0]["issuer"], "https://id.cisco.com/oauth2/default");
}

#[test]
fn a_refused_api_is_told_with_the_place_where_it_is_ticked() {
    let world = world();
    let ran = world.run(&["call", "cisco_bugs", "product_id=FAKE-403"]).failed(Exit::Denied);
    assert!(ran.err.contains("the application may not use the Bug API"), "{ran:?}");
    assert!(ran.err.contains("https://apiconsole.cisco.com"), "{ran:?}");
    let ran = world.run(&["call", "cisco_bugs", "product_id=FAKE-422"]).failed(Exit::Busy);
    assert!(ran.err.contains("of this day are used up"), "{ran:?}");
}

#[test]
fn a_browser_login_is_labelled_as_not_proven() {
    let world = World::new();
    let help = world.run(&["login", "--help"]).done();
    assert!(help.out.contains("not proven to work"), "{help:?}");
    let shown = world.config("[connections.cisco]\nway = \"oauth\"\nclient_id = \"x\"\n");
    assert_eq!(shown.run(&["config", "show", "--json"]).done().json()["connections"][0]["way"], "oauth");
}

#[test]
fn a_host_sees_twelve_tools_eleven_prompts_and_the_reports() {
    let world = world();
    let mut talk = Talk::start(&world);
    let hello =
        json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    talk.ask(&request(1, "initialize", &hello));
    let names = |answer: &Value, list: &str, key: &str| -> Vec<String> {
        let all = answer["result"][list].as_array().expect("a list");
        all.iter().map(|one| one[key].as_str().expect("a text").to_owned()).collect()
    };
    let tools = talk.ask(&request(2, "tools/list", &json!({})));
    let tools = names(&tools, "tools", "name");
    assert_eq!(tools.iter().filter(|name| name.starts_with("cisco_")).count(), 12, "{tools:?}");
    let prompts = talk.ask(&request(3, "prompts/list", &json!({})));
    assert_eq!(names(&prompts, "prompts", "name").len(), 11);
    let templates = talk.ask(&request(4, "resources/templates/list", &json!({})));
    assert!(
        names(&templates, "resourceTemplates", "uriTemplate").contains(&"keyward://cisco/bugs/{bug_id}".to_owned())
    );
    let read = talk.ask(&request(5, "resources/read", &json!({"uri": "keyward://cisco/bugs/CSCwa00001"})));
    let text = read["result"]["contents"][0]["text"].as_str().expect("a text");
    assert!(text.contains("CSCwa00001"), "{read}");
}

#[test]
fn a_tool_of_a_service_that_nobody_signed_in_to_names_the_login() {
    let world = World::new();
    for tool in ["cisco_bugs", "smart-bonding_ticket"] {
        let ran = world.run(&["call", tool, "keyword=crash"]).failed(Exit::LoginRequired);
        let name = tool.split('_').next().expect("a name");
        assert!(ran.err.contains(&format!("`keyward login {name}`")), "{ran:?}");
    }
    let ran = world.run(&["call", "ciscobugs"]).failed(Exit::Usage);
    assert!(ran.err.contains("there is no tool"), "{ran:?}");
}
