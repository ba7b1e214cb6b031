//! The command line itself: help, exit codes, JSON, configuration.

use keyward::report::Exit;
use serde_json::json;

use crate::world::World;

#[test]
fn the_help_of_every_command_is_pinned() {
    let mut definition = keyward::cli::definition();
    definition.build();
    let mut text = World::new().run(&["--help"]).done().out;
    for command in definition.get_subcommands().filter(|command| command.get_name() != "help") {
        let help = World::new().run(&[command.get_name(), "--help"]).done().out;
        text += &format!("\n---- keyward {} --help\n\n{help}", command.get_name());
        for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
            let help = World::new().run(&[command.get_name(), inner.get_name(), "--help"]).done().out;
            text += &format!("\n---- keyward {} {} --help\n\n{help}", command.get_name(), inner.get_name());
        }
    }
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("help", text);
    });
}

/// The last paragraph of the help of a command and of all below it begins with an example, and its commands parse.
fn ends_with_an_example(command: &clap::Command, path: &str) {
    let path = format!("{path} {}", command.get_name());
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let last = after.split("\n\n").last().unwrap_or_default();
    assert!(last.starts_with("Example"), "the help of `{}` ends with an example: {after}", path.trim());
    for command in last.split('`').skip(1).step_by(2).filter(|part| part.starts_with("keyward ")) {
        let is_plain = !command.contains(['\'', '<', '>', '|', '$', '"']);
        if is_plain {
            crate::reports::parses(command);
        }
    }
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help" && !inner.is_hide_set()) {
        ends_with_an_example(inner, &path);
    }
}

#[test]
fn every_help_ends_with_an_example_that_can_be_run() {
    ends_with_an_example(&keyward::cli::definition(), "");
}

#[test]
fn a_connection_that_is_misspelt_in_a_key_is_named_and_nothing_is_changed() {
    let text = "[connections.box]\nbackend = \"remote\"\nurl = \"https://box.example/mcp\"\n";
    let world = World::new().config(text);
    for words in [
        &["config", "set", "connections.bx.deny", "x"][..],
        &["config", "unset", "connections.bx.deny"],
        &["config", "unset", "connections.bx"],
    ] {
        let ran = world.run(words).failed(Exit::Usage);
        assert!(ran.err.contains("the nearest one is `box`"), "{words:?} {ran:?}");
    }
    let ran = world.run(&["config", "unset", "serve.read_olny"]).failed(Exit::Configuration);
    assert!(ran.err.contains("`serve.read_only`"), "{ran:?}");
    assert_eq!(world.config_text(), text);
    world.run(&["config", "unset", "connections.box.deny"]).done();
    world.run(&["config", "unset", "connections.tavily"]).done();
    world.run(&["config", "set", "connections.tavily.deny", "x"]).done();
}

#[test]
fn a_tool_that_is_switched_off_says_so_and_by_what() {
    let world = World::signed_in();
    for (key, value, cause) in [
        ("connections.box.deny", "add", "`connections.box.deny` has `add`"),
        ("connections.box.allow", "echo", "`connections.box.allow` has only others"),
        ("serve.disable", "box_a*", "`serve.disable` has `box_a*`"),
    ] {
        world.run(&["config", "set", key, value]).done();
        for words in [&["call", "box_add", "a=1", "b=2"][..], &["tools", "box_add"]] {
            let ran = world.run(words).failed(Exit::Configuration);
            assert!(
                ran.err.starts_with("error: the tool `box_add` is switched off") && ran.err.contains(cause),
                "{ran:?}"
            );
            ran.err.lines().flat_map(crate::reports::commands).for_each(|command| crate::reports::parses(&command));
        }
        world.run(&["config", "unset", key]).done();
    }
    let world = World::new().config("[connections.netbox]\nurl = \"https://netbox.example\"\n");
    let ran = world.run(&["call", "netbox_create"]);
    assert!(ran.exit == Exit::Usage || ran.err.contains("the toolset `writes` of `netbox` is not on"), "{ran:?}");
}

#[test]
fn one_tool_is_shown_with_what_it_takes_and_an_example() {
    let world = World::signed_in();
    let ran = world.run(&["tools", "box_add"]).done();
    for part in
        ["box_add (connection `box`), changes nothing", "ARGUMENT", "required", "`keyward call box_add a=1 b=1`"]
    {
        assert!(ran.out.contains(part), "{part}: {ran:?}");
    }
    let ran = world.run(&["tools", "box_add", "--json"]).done();
    assert_eq!(ran.json()["tools"].as_array().map(Vec::len), Some(1));
    let ran = world.run(&["tools", "box_ad"]).failed(Exit::Usage);
    assert!(ran.err.contains("`box_add`"), "{ran:?}");
}

#[test]
fn the_definition_of_the_command_line_is_sound() {
    keyward::cli::definition().debug_assert();
}

#[test]
fn a_wrong_command_line_is_a_usage_error_with_a_suggestion() {
    let ran = World::new().run(&["lgoin", "tavily"]).failed(Exit::Usage);
    assert!(ran.err.contains("login"), "{ran:?}");
    assert_eq!(ran.out, "");
    let ran = World::new().run(&["lgoin", "tavily", "--json"]).failed(Exit::Usage);
    assert_eq!(ran.json()["error"]["code"], "usage");
    assert_eq!(ran.json()["error"]["exit"], 2);
}

#[test]
fn colour_is_for_people_who_want_it_also_when_the_command_line_cannot_be_read() {
    let colored = |arguments: &[&str], variable: Option<&str>| {
        let mut world = World::new().of_width(80);
        if let Some(value) = variable {
            world = world.environment("NO_COLOR", value);
        }
        world.run(arguments).failed(Exit::Usage).err.contains('\x1b')
    };
    assert!(colored(&["lgoin"], None));
    assert!(colored(&["lgoin"], Some("")), "an empty one counts as unset");
    assert!(!colored(&["lgoin"], Some("1")));
    assert!(!colored(&["lgoin", "--color=never"], None));
    assert!(!colored(&["lgoin", "--color", "never"], None));
    assert!(colored(&["lgoin", "--color=always"], Some("1")));
    assert!(colored(&["status", "nothing"], None));
    assert!(!colored(&["status", "nothing"], Some("1")));
}

#[test]
fn failures_go_to_standard_error_and_with_json_to_standard_output() {
    let ran = World::new().run(&["status", "nothing"]).failed(Exit::Usage);
    assert_eq!(ran.out, "");
    assert!(ran.err.starts_with("error: "), "{ran:?}");
    let ran = World::new().run(&["status", "nothing", "--json"]).failed(Exit::Usage);
    assert_eq!(ran.err, "");
    let keys: Vec<String> = ran.json()["error"].as_object().expect("an object").keys().cloned().collect();
    let expected = ["cause", "code", "exit", "hint", "message", "oauth_error", "retryable"];
    assert_eq!(keys.iter().map(String::as_str).collect::<std::collections::BTreeSet<_>>(), expected.into());
}

#[test]
fn exit_codes_are_the_promised_numbers() {
    let codes = [
        (Exit::Done, 0),
        (Exit::Unexpected, 1),
        (Exit::Usage, 2),
        (Exit::LoginRequired, 3),
        (Exit::Denied, 4),
        (Exit::Configuration, 5),
        (Exit::Store, 6),
        (Exit::Network, 7),
        (Exit::Server, 8),
        (Exit::Busy, 9),
        (Exit::Interrupted, 130),
        (Exit::Terminated, 143),
    ];
    for (exit, code) in codes {
        assert_eq!(exit as u8, code, "{exit:?}");
    }
}

#[test]
fn status_works_offline_without_any_configuration() {
    let ran = World::new().run(&["status", "--json"]).done();
    assert_eq!(
        ran.json()["connections"],
        json!([{
            "connection": "tavily", "backend": "tavily", "way": "none", "url": "https://api.tavily.com/",
            "login": "not-needed", "ended": null, "elsewhere": null, "account": null, "issuer": null, "scopes": [],
            "expires_at": null, "renewable": false, "clock_skew": null, "variable": null, "error": null, "store": null
        }])
    );
}

#[test]
fn status_of_a_store_that_cannot_be_read_is_unknown_and_not_signed_out() {
    let world = World::signed_in();
    world.store.fail_loads(Some(keyward::store::Error::Locked));
    let ran = world.run(&["status", "box", "--json"]).failed(Exit::Store);
    assert_eq!(ran.json()["connections"][0]["login"], "unknown");
    assert_eq!(ran.json()["connections"][0]["error"], "store_locked");
}

#[test]
fn a_token_from_the_environment_is_used_as_it_is_and_status_says_so() {
    let world = World::new().environment("KEYWARD_TOKEN_TAVILY", "tvly-from-env");
    assert_eq!(world.run(&["token", "tavily"]).done().out, "tvly-from-env\n");
    let status = world.run(&["status", "tavily", "--json"]).done().json();
    assert_eq!(status["connections"][0]["login"], "environment");
    assert_eq!(status["connections"][0]["variable"], "KEYWARD_TOKEN_TAVILY");
    assert_eq!(world.store.calls(), Default::default());
}

#[test]
fn a_token_comes_in_the_three_forms_that_scripts_use() {
    let world = World::signed_in();
    let bare = world.run(&["token", "box"]).done().out;
    assert_eq!(bare.lines().count(), 1);
    assert_eq!(world.run(&["token", "box", "--header"]).done().out, format!("Authorization: Bearer {bare}"));
    let json = world.run(&["token", "box", "--json"]).done().json();
    assert_eq!(json["access_token"], bare.trim_end());
    assert_eq!(json["token_type"], "Bearer");
    assert_eq!(json["from_environment"], false);
}

#[test]
fn the_configuration_is_shown_set_and_unset() {
    let world = World::new();
    let path = world.run(&["config", "path"]).done().out;
    assert_eq!(path.trim_end(), world.config_path().display().to_string());
    world.run(&["config", "set", "connections.notes.url", "https://notes.example/mcp"]).done();
    world.run(&["config", "set", "serve.read_only", "true"]).done();
    assert_eq!(
        world.config_text(),
        "[connections.notes]\nbackend = \"remote\"\nurl = \"https://notes.example/mcp\"\n\n[serve]\nread_only = true\n"
    );
    let shown = world.run(&["config", "show", "--json"]).done().json();
    assert_eq!(shown["connections"][0]["url"], "https://notes.example/mcp");
    assert_eq!(shown["connections"][0]["url_from"], "file");
    assert_eq!(shown["serve"]["read_only"], true);
    world.run(&["config", "set", "network.ca_file", "/etc/corp.pem"]).done();
    world.run(&["config", "set", "audit.enabled", "false"]).done();
    let shown = world.run(&["config", "show", "--json"]).done().json();
    assert_eq!(
        (&shown["network"], &shown["audit"]),
        (&json!({"ca_file": "/etc/corp.pem"}), &json!({"enabled": false}))
    );
    world.run(&["config", "set", "audit.enabled", "maybe"]).failed(Exit::Configuration);
    world.run(&["config", "set", "network.ca_file", "corp.pem"]).failed(Exit::Configuration);
    world.run(&["config", "unset", "connections.notes"]).done();
    world.run(&["config", "unset", "serve.read_only"]).done();
    assert!(!world.config_text().contains("notes"), "{}", world.config_text());
}

#[test]
fn the_certificate_of_a_connection_is_set_shown_and_forgotten() {
    let world = World::new().config("[connections.box]\nbackend = \"remote\"\nurl = \"https://box.example/mcp\"\n");
    let (key, pin) = ("connections.box.certificate", format!("sha256:{}", "0a".repeat(32)));
    world.run(&["config", "set", key, "sha256:0a"]).failed(Exit::Configuration);
    world.run(&["config", "set", key, &pin]).done();
    assert!(world.run(&["config", "show"]).done().out.contains(&pin));
    let certificate =
        || world.run(&["config", "show", "--json"]).done().json()["connections"][0]["certificate"].clone();
    assert_eq!(certificate(), json!(pin));
    world.run(&["config", "unset", key]).done();
    assert_eq!(certificate(), json!(null));
}

#[test]
fn folders_for_tools_are_set_shown_and_refused_where_they_would_hold_the_configuration() {
    let world = World::new().config("[connections.portal]\nbackend = \"ctera\"\n\n[connections.tavily]\n");
    world.run(&["config", "set", "connections.tavily.folders", "/srv/notes"]).failed(Exit::Configuration);
    world.run(&["config", "set", "connections.portal.folders", "relative"]).failed(Exit::Configuration);
    world.run(&["config", "set", "connections.portal.folders", "/srv/a, /srv/b"]).done();
    let shown = world.run(&["config", "show", "--json"]).done().json();
    assert_eq!(shown["connections"][0]["folders"], json!(["/srv/a", "/srv/b"]));
    assert!(world.run(&["config", "show"]).done().out.contains("/srv/a,/srv/b"));
    // There, a tool would choose its own folders.
    let own = world.config_path().parent().expect("a folder").display().to_string();
    world.run(&["config", "set", "connections.portal.folders", &own]).failed(Exit::Configuration);
    let world = world.config(&format!("[connections.portal]\nbackend = \"ctera\"\nfolders = [{own:?}]\n"));
    world.run(&["status"]).failed(Exit::Configuration);
    world.run(&["config", "unset", "connections.portal.folders"]).done();
    world.run(&["status"]).done();
}

#[test]
fn a_broken_configuration_still_tells_where_it_is() {
    let world = World::new().config("[[[");
    world.run(&["config", "path"]).done();
    world.run(&["status"]).failed(Exit::Configuration);
}

#[test]
fn a_second_connection_to_the_same_address_is_the_same_connection() {
    let world = World::signed_in();
    world.run(&["login", &world.resource()]).done();
    let status = world.run(&["status", "--json"]).done().json();
    let names: Vec<&str> =
        status["connections"].as_array().expect("rows").iter().filter_map(|row| row["connection"].as_str()).collect();
    assert_eq!(names, ["box", "tavily"]);
}

#[test]
fn an_address_is_named_after_its_host() {
    let world = World::with_sandbox();
    let ran = world.run(&["login", &world.resource(), "--json"]).done();
    let name = ran.json()["connection"].as_str().expect("a name").to_owned();
    assert!(name.starts_with("127-0-0-1-"), "{name}");
}

#[test]
fn a_result_for_a_person_is_its_text_and_for_a_script_its_structure() {
    let world = World::signed_in();
    let ran = world.run(&["call", "box_add", "a=1", "b=2"]).done();
    assert!(ran.out.contains('3'), "{ran:?}");
    let ran = world.run(&["call", "box_echo", "--arguments", "{\"text\": \"so\"}", "--json"]).done();
    assert_eq!(ran.json()["structured"], json!({"text": "so"}));
}

#[test]
fn a_tool_that_says_it_failed_is_a_failure() {
    let world = World::signed_in();
    let ran = world.run(&["call", "box_fail", "--json"]).failed(Exit::Server);
    assert_eq!((&ran.json()["failed"], &ran.json()["error"]["code"]), (&json!(true), &json!("tool_failed")));
    assert_eq!(ran.json()["error"]["exit"], 8);
    let ran = world.run(&["call", "box_fail"]).failed(Exit::Server);
    assert!(ran.err.starts_with("error: `box_fail` says that it failed"), "{ran:?}");
}

#[test]
fn arguments_are_checked_before_anything_is_sent() {
    let world = World::signed_in();
    let sent = world.sandbox().control().received("remote").len();
    for (words, expected) in [
        (vec!["call", "box_add", "a=1"], "`b` is missing"),
        (vec!["call", "box_add", "a=1", "bb=2"], "there is no argument `bb`; the nearest one is `b`"),
        (vec!["call", "box_add", "a=1", "b:=\"x\""], "`b` must be a number"),
        (vec!["call", "box_add", "--arguments", "{\"a\": 1}"], "`b` is missing"),
    ] {
        let ran = world.run(&words).failed(Exit::Usage);
        assert!(ran.err.contains(expected) && ran.err.contains("hint:  "), "{ran:?}");
    }
    assert_eq!(world.sandbox().control().received("remote").len(), sent);
}

#[test]
fn a_tool_of_a_server_that_was_never_asked_is_looked_up_there() {
    let world = World::signed_in();
    std::fs::remove_dir_all(world.folder.path().join("state/tools")).expect("removed");
    world.run(&["call", "box_nothing"]).failed(Exit::Usage);
    std::fs::remove_dir_all(world.folder.path().join("state/tools")).expect("removed");
    assert!(world.run(&["call", "box_add", "a=1", "b=2"]).done().out.contains('3'));
    std::fs::remove_dir_all(world.folder.path().join("state/tools")).expect("removed");
    world.forget("box");
    let ran = world.run(&["call", "box_add", "a=1", "b=2", "--json"]).failed(Exit::LoginRequired);
    assert_eq!(ran.json()["error"]["hint"][0], "`keyward login box`");
}

#[test]
fn logging_out_of_everything_says_what_it_found() {
    let world = World::signed_in();
    let ran = world.run(&["logout", "--all", "--json"]).done();
    let rows = ran.json()["connections"].clone();
    assert_eq!(rows.as_array().map(Vec::len), Some(1));
    assert_eq!((rows[0]["connection"].as_str(), rows[0]["at_provider"].as_str()), (Some("box"), Some("ended")));
    let ran = world.run(&["logout", "box", "--json"]).done();
    assert_eq!(ran.json()["connections"][0]["was_signed_in"], false);
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_cannot_be_written_is_a_failure() {
    let home = tempfile::tempdir().expect("a folder");
    let full = std::fs::File::options().write(true).open("/dev/full").expect("a full device");
    let mut command = crate::stdio::keyward(&home, &["token", "tavily"]);
    let ended = command.env("KEYWARD_TOKEN_TAVILY", "x").stdout(full).output().expect("it runs");
    assert_eq!(ended.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ended.stderr).starts_with("error: the output could not be written"));
}
