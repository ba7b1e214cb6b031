//! `keyward doctor`: what it finds, that it changes nothing, and that what it advises exists.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use keyward::report::Exit;
use keyward::store::memory::Calls;
use serde_json::Value;

use crate::person::{Forbidden, Press};
use crate::reports::{commands, parses};
use crate::stdio;
use crate::world::{Ran, World};

/// What each check found, by its name and what it is about.
#[track_caller]
fn found(ran: &Ran) -> BTreeMap<String, (String, String)> {
    let text = |check: &Value, key: &str| check[key].as_str().unwrap_or_default().to_owned();
    let json = ran.json();
    let checks = json["checks"].as_array().expect("checks");
    for check in checks {
        let hint = format!("hint: {}", text(check, "hint"));
        commands(&hint).iter().for_each(|command| parses(command));
        let keys: Vec<&str> = check.as_object().expect("an object").keys().map(String::as_str).collect();
        let mut expected = ["name", "about", "verdict", "detail", "hint", "exit"];
        expected.sort_unstable();
        assert_eq!(keys, expected);
        assert!(check["verdict"] == "ok" || check["verdict"] == "skip" || check["hint"].is_string(), "{check}");
    }
    let title = |check: &Value| format!("{} {}", text(check, "name"), text(check, "about")).trim_end().to_owned();
    checks.iter().map(|check| (title(check), (text(check, "verdict"), text(check, "detail")))).collect()
}

#[track_caller]
fn verdict(ran: &Ran, title: &str) -> String {
    found(ran).get(title).unwrap_or_else(|| panic!("no check `{title}`: {ran:?}")).0.clone()
}

#[track_caller]
fn detail(ran: &Ran, title: &str) -> String {
    found(ran).get(title).unwrap_or_else(|| panic!("no check `{title}`: {ran:?}")).1.clone()
}

/// Every file below the folder, with its length and when it was changed.
fn traces(folder: &Path) -> BTreeMap<String, (u64, SystemTime)> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, found) = (entry.path(), entry.metadata().expect("a file"));
        all.insert(path.display().to_string(), (found.len(), found.modified().expect("a time")));
        if found.is_dir() {
            all.extend(traces(&path));
        }
    }
    all
}

#[test]
fn a_machine_in_order_has_no_failure_and_nothing_is_changed_or_opened() {
    let world = World::signed_in().browser(Forbidden).environment("KEYWARD_NO_BROWSER", "1");
    let (before, calls) = (traces(world.folder.path()), world.store.calls());
    let ran = world.run(&["doctor", "box", "--json"]).done();
    let all = found(&ran);
    let verdicts: Vec<(&str, &str)> =
        all.iter().map(|(title, (verdict, _))| (title.as_str(), verdict.as_str())).collect();
    assert_eq!(
        verdicts,
        [
            ("audit-log", "ok"),
            ("browser", "ok"),
            ("certificates", "ok"),
            ("clock", "ok"),
            ("configuration", "ok"),
            ("file-system", "ok"),
            ("host", "skip"),
            ("login box", "ok"),
            ("loopback 127.0.0.1", "ok"),
            ("loopback ::1", "ok"),
            ("loopback localhost", "ok"),
            ("provider box", "ok"),
            ("proxy", "ok"),
            ("service box", "ok"),
            ("state-folder", "ok"),
            ("store keychain", "ok"),
        ]
    );
    assert_eq!(traces(world.folder.path()), before);
    let after = world.store.calls();
    assert_eq!(after, Calls { proofs: calls.proofs + 1, loads: after.loads, ..calls });
    assert_eq!(ran.err, "");
}

#[test]
fn for_people_it_is_a_list_with_a_sum() {
    let ran = World::signed_in().environment("KEYWARD_NO_BROWSER", "1").run(&["doctor", "box"]).done();
    assert!(ran.out.starts_with("ok    configuration"), "{ran:?}");
    assert!(ran.out.trim_end().ends_with("15 ok, 0 to look at, 0 failed, 1 skipped"), "{ran:?}");
}

#[test]
fn the_first_failure_decides_the_exit_code() {
    let world = World::signed_in();
    world.store.fail_saves(Some(keyward::store::Error::Locked));
    let ran = world.run(&["doctor", "box", "--json"]).failed(Exit::Store);
    assert_eq!(detail(&ran, "store keychain"), "the keychain is locked");

    let world = World::signed_in();
    world.sandbox().control().revoke_grants();
    world.clock.forward(400);
    world.run(&["token", "box"]).failed(Exit::LoginRequired);
    let ran = world.run(&["doctor", "box", "--json"]).failed(Exit::LoginRequired);
    assert_eq!(verdict(&ran, "login box"), "fail");

    let nobody = crate::scripted::nobody();
    let world =
        World::new().config(&format!("[connections.box]\nbackend = \"remote\"\nurl = \"http://{nobody}/mcp\"\n"));
    let ran = world.run(&["doctor", "box", "--json"]).failed(Exit::Network);
    assert_eq!((verdict(&ran, "service box"), verdict(&ran, "login box")), ("fail".to_owned(), "warn".to_owned()));
}

#[test]
fn with_a_broken_configuration_everything_else_is_still_looked_at() {
    let world = World::new().config("[connections.tavily]\nclientid = \"x\"\n");
    let ran = world.run(&["doctor", "--json"]).failed(Exit::Configuration);
    assert!(detail(&ran, "configuration").contains("unknown key `connections.tavily.clientid`"), "{ran:?}");
    assert_eq!(verdict(&ran, "store keychain"), "ok");
    assert_eq!(verdict(&ran, "loopback 127.0.0.1"), "ok");
}

#[test]
fn a_provider_that_publishes_nonsense_is_found() {
    let world = World::signed_in();
    let faults = keyward::sandbox::Faults { metadata_without_pkce: true, ..Default::default() };
    world.sandbox().control().set(faults);
    let ran = world.run(&["doctor", "box", "--json"]).failed(Exit::Server);
    assert_eq!((verdict(&ran, "service box"), verdict(&ran, "provider box")), ("ok".to_owned(), "fail".to_owned()));
}

#[test]
fn a_preset_that_nobody_uses_may_be_out_of_reach() {
    let world = World::new().environment("HTTPS_PROXY", &format!("http://{}", crate::scripted::nobody()));
    let ran = world.run(&["doctor", "--json"]).done();
    assert_eq!(verdict(&ran, "service tavily"), "warn");
}

#[test]
fn a_name_that_is_no_connection_is_a_usage_error() {
    World::new().run(&["doctor", "tavly"]).failed(Exit::Usage);
}

#[test]
fn proxies_certificates_and_variables_are_judged_by_name_and_no_value_is_shown() {
    let world = World::new()
        .environment("HTTPS_PROXY", "http://ada:canary@127.0.0.1:9")
        .environment("KEYWARD_TOKEN_NOBODY", "canary")
        .environment("KEYWARD_CONFG", "canary")
        .environment("SSL_CERT_FILE", "/nonexistent/ca.pem");
    let ran = world.run(&["doctor", "--json"]).failed(Exit::Configuration);
    assert!(!ran.out.contains("canary"), "{ran:?}");
    assert_eq!(detail(&ran, "proxy"), "`HTTPS_PROXY` is `127.0.0.1:9`, with credentials");
    assert!(detail(&ran, "certificates").starts_with("`/nonexistent/ca.pem`, which `SSL_CERT_FILE` names"), "{ran:?}");
    let variables: Vec<&str> = ran.out.split("KEYWARD_").skip(1).filter_map(|rest| rest.split('`').next()).collect();
    assert_eq!(variables, ["CONFG", "CONFIG", "TOKEN_NOBODY"]);
    let world = World::new().environment("all_proxy", "socks5://ada:canary@127.0.0.1:1");
    let ran = world.run(&["doctor", "--json"]).failed(Exit::Configuration);
    assert!(!ran.out.contains("canary"), "{ran:?}");
    let world = World::new().environment("NO_PROXY", "a").environment("no_proxy", "b");
    assert_eq!(verdict(&world.run(&["doctor", "--json"]), "proxy"), "warn");
}

#[test]
fn a_fixed_port_that_is_taken_is_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let address = crate::scripted::nobody();
    let config = |ports: &str| {
        format!("[connections.box]\nbackend = \"remote\"\nurl = \"http://{address}/mcp\"\nports = [{ports}]\n")
    };
    let ran = World::new().config(&config(&port.to_string())).run(&["doctor", "box", "--json"]);
    assert_eq!(verdict(&ran, "ports box"), "fail");
    let free = crate::scripted::nobody().port();
    let ran = World::new().config(&config(&format!("{port},{free}"))).run(&["doctor", "box", "--json"]);
    assert_eq!(verdict(&ran, "ports box"), "warn");
    let ran = World::new().config(&config(&free.to_string())).run(&["doctor", "box", "--json"]);
    assert_eq!(verdict(&ran, "ports box"), "ok");
}

#[test]
fn the_entries_of_hosts_are_read_and_their_secrets_are_told_by_name() {
    let world = World::new();
    let home = world.folder.path().display().to_string();
    let program = env!("CARGO_BIN_EXE_keyward");
    let write = |name: &str, text: String| {
        let path = world.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    };
    write(".claude.json", format!(r#"{{"mcpServers":{{"kw":{{"command":"{program}","args":["serve"]}}}}}}"#));
    write(
        ".cursor/mcp.json",
        r#"{"mcpServers":{"kw":{"command":"/nonexistent/keyward","args":["serve"]}}}"#.to_owned(),
    );
    write(
        ".codex/config.toml",
        format!(
            "[mcp_servers.kw]\ncommand = \"{program}\"\nargs = [\"serve\"]\nenv = {{ KEYWARD_TOKEN_BOX = \"canary\" }}\n"
        ),
    );
    write(".gemini/settings.json", "{\"mcpServers\": {\"keyward\": ".to_owned());
    let world = world.environment("HOME", &home).environment("USERPROFILE", &home);
    let ran = world.run(&["doctor", "--json"]).failed(Exit::Configuration);
    assert!(!ran.out.contains("canary"), "{ran:?}");
    // In this process the program itself is the test, so that the built binary is another copy.
    assert_eq!(verdict(&ran, "host Claude Code"), "warn");
    assert_eq!(detail(&ran, "host Cursor"), "`kw` runs `/nonexistent/keyward`, which is not there");
    assert!(detail(&ran, "host Codex").contains("`KEYWARD_TOKEN_BOX` in clear text"), "{ran:?}");
    assert!(detail(&ran, "host Gemini CLI").contains("cannot be read"), "{ran:?}");
}

#[cfg(unix)]
#[test]
fn files_that_others_can_write_are_told_with_the_command_that_mends_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new().config("[serve]\nread_only = true\n");
    std::fs::set_permissions(world.config_path(), std::fs::Permissions::from_mode(0o666)).expect("changed");
    let ran = world.run(&["doctor", "--json"]);
    assert_eq!(verdict(&ran, "configuration"), "warn");
    assert!(ran.out.contains(&format!("chmod go-w {}", world.config_path().display())), "{ran:?}");
}

#[test]
fn as_a_host_would_run_it_the_terminal_and_its_variables_are_gone() {
    let home = tempfile::tempdir().expect("a folder");
    let config = home.path().join("elsewhere.toml");
    std::fs::write(&config, "[connections.seen]\nbackend = \"remote\"\nurl = \"http://127.0.0.1:9/mcp\"\n")
        .expect("written");
    let doctor = |arguments: &[&str]| {
        let mut command = stdio::keyward(&home, arguments);
        command.env("KEYWARD_CONFIG", &config).env("KEYWARD_TOKEN_TAVILY", "canary").env("PATH", "/nonexistent");
        let output = command.output().expect("the binary runs");
        assert!(!String::from_utf8_lossy(&output.stdout).contains("canary"));
        let value: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let titles = value["checks"].as_array().expect("checks").iter();
        titles.map(|check| format!("{} {}", check["name"], check["about"]).replace('"', "")).collect::<Vec<_>>()
    };
    let has = |titles: &[String], title: &str| titles.iter().any(|one| one == title);
    let here = doctor(&["doctor", "--json"]);
    assert!(has(&here, "login seen") && !has(&here, "host-variables null"), "{here:?}");
    let there = doctor(&["doctor", "--json", "--as-host"]);
    assert!(!has(&there, "login seen") && has(&there, "host-variables null"), "{there:?}");
    let told = doctor(&["doctor", "--json", "--as-host", "--config", config.to_str().expect("text")]);
    assert!(has(&told, "login seen"), "what the host's entry would say is passed on: {told:?}");
    std::fs::remove_file(&config).expect("removed");
    assert_eq!(traces(home.path()), BTreeMap::new());
}

#[test]
fn a_login_under_way_is_not_disturbed() {
    let world = World::signed_in().person(Press::Allow);
    world.run(&["doctor", "--json"]);
    world.run(&["login", "box", "--timeout", "20"]).done();
}
