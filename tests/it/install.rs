//! `keyward install`: what is asked, said and refused.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use keyward::machine::{Echo, Line, Lines, Prompt};
use keyward::report::Exit;
use keyward::secret::Secret;

use crate::world::World;

/// Somebody at a terminal who types this.
struct Typist(&'static str);

impl Prompt for Typist {
    fn lines(&self, _: Echo) -> std::io::Result<Lines> {
        let (sender, lines) = Lines::channel(None);
        sender.send(Line::Text(Secret::new(self.0))).expect("a receiver");
        Ok(lines)
    }

    fn forget(&self) -> std::io::Result<()> {
        Ok(())
    }
}

fn world() -> World {
    let world = World::new();
    let home = world.folder.path().join("home");
    fs::create_dir(&home).expect("made");
    world.environment("HOME", home.to_str().expect("a path")).environment("USERPROFILE", home.to_str().expect("a path"))
}

fn file(world: &World) -> PathBuf {
    world.folder.path().join("home/.cursor/mcp.json")
}

#[test]
fn a_host_that_is_not_known_by_that_name_is_found_all_the_same() {
    for (word, meant) in [
        ("claude", "it may be `claude-desktop` or `claude-code`;"),
        ("Code", "it may be `claude-code` or `vscode`;"),
        ("cursr", "the nearest one is `cursor`;"),
        ("vs-code", "the nearest one is `vscode`;"),
        ("emacs", "any other host takes `keyward` as its command"),
    ] {
        let ran = world().run(&["install", word]).failed(Exit::Usage);
        assert!(ran.err.contains(meant), "{word}: {ran:?}");
    }
}

#[test]
fn without_a_terminal_and_without_a_yes_nothing_is_written() {
    let world = world();
    let ran = world.run(&["install", "cursor", "--read-only"]).failed(Exit::Usage);
    assert!(ran.err.contains("`keyward install cursor --read-only --yes`"), "{ran:?}");
    assert!(!file(&world).exists());
    let config = world.folder.path().join("a b.toml");
    let config = config.to_str().expect("a path");
    let ran = world.run(&["install", "cursor", "--config", config]).failed(Exit::Usage);
    assert!(ran.err.contains(&format!("`keyward install cursor --config '{config}' --yes`")), "{ran:?}");
    let ran = world.run(&["install", "cursor", "--json"]).failed(Exit::Usage);
    assert_eq!((ran.json()["error"]["code"].as_str(), ran.err.contains("error:")), (Some("not_asked"), false));
}

#[test]
fn the_difference_is_shown_and_only_a_yes_writes_it() {
    let no = world().at_a_terminal(Arc::new(Typist("n")));
    let ran = no.run(&["install", "cursor"]).failed(Exit::Denied);
    assert!(ran.err.contains("+   \"keyward\": {") && ran.err.contains("Do this? [y/N]"), "{ran:?}");
    assert!(!file(&no).exists());
    let yes = world().at_a_terminal(Arc::new(Typist("y")));
    let ran = yes.run(&["install", "cursor"]).done();
    assert!(ran.err.contains("Next, Cursor: "), "{ran:?}");
    assert!(fs::read_to_string(file(&yes)).expect("written").contains("\"args\": [\"serve\"]"));
    let ran = yes.run(&["install", "cursor"]).done();
    assert!(ran.err.contains("already; nothing to change") && !ran.err.contains("[y/N]"), "{ran:?}");
    let ran = yes.run(&["install", "cursor", "--uninstall"]).done();
    assert!(ran.err.contains("is gone: only keyward was in it"), "{ran:?}");
    assert!(!file(&yes).parent().expect("a folder").exists());
    yes.run(&["install", "cursor", "--uninstall"]).done();
}

#[test]
fn what_is_not_secret_goes_along_and_what_is_secret_is_told_and_stays() {
    let world = world()
        .environment("KEYWARD_STORE", "file")
        .environment("KEYWARD_STORE_PASSPHRASE", "canary")
        .environment("KEYWARD_TOKEN_TAVILY", "canary");
    let config = world.folder.path().join("other.toml");
    let config = config.to_str().expect("a path");
    let ran = world.run(&["install", "cursor", "--yes", "--config", config, "--only", "tavily", "--read-only"]).done();
    let text = fs::read_to_string(file(&world)).expect("written");
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let entry = &value["mcpServers"]["keyward"];
    assert_eq!(entry["args"], serde_json::json!(["serve", "--config", config, "--only", "tavily", "--read-only"]));
    assert_eq!(entry["env"], serde_json::json!({"KEYWARD_STORE": "file"}));
    assert!(!(text + &ran.err).contains("canary"));
    assert!(ran.err.contains("`KEYWARD_STORE_PASSPHRASE`, `KEYWARD_TOKEN_TAVILY`"), "{ran:?}");
}

#[test]
fn what_serve_would_refuse_is_refused_and_a_misspelt_host_finds_the_one_that_was_meant() {
    let world = world();
    let ran = world.run(&["install", "cursor", "--yes", "--only", "tavly"]).failed(Exit::Usage);
    assert!(ran.err.contains("tavily"), "{ran:?}");
    for (word, meant) in [("curser", "cursor"), ("Claude Code", "claude-code"), ("vs-code", "vscode")] {
        let ran = world.run(&["install", word, "--yes"]).failed(Exit::Usage);
        assert!(ran.err.contains(&format!("`{meant}`")), "{ran:?}");
    }
    let ran = world.run(&["install", "emacs", "--yes"]).failed(Exit::Usage);
    assert!(ran.err.contains("any other host takes"), "{ran:?}");
    world.run(&["install"]).failed(Exit::Usage);
    let ran = world.run(&["install", "windsurf", "--project"]).failed(Exit::Usage);
    assert!(ran.err.contains("`keyward install windsurf`"), "{ran:?}");
    let ran = world.run(&["install", "ai-assistant"]).failed(Exit::Usage);
    assert!(ran.err.contains("AI Assistant › Model Context Protocol"), "{ran:?}");
    assert!(!file(&world).exists());
}

#[test]
fn what_would_be_put_where_is_printed_and_nothing_is_written() {
    let world = world();
    let ran = world.run(&["install", "--print", "codex", "goose"]).done();
    assert!(ran.out.contains("[mcp_servers.keyward]") && ran.out.contains("extensions:\n  keyward:"), "{ran:?}");
    let ran = world.run(&["install", "--print", "zed", "--json"]).done().json();
    assert!(ran["hosts"][0]["place"].as_str().is_some_and(|place| place.contains("settings.json")), "{ran}");
    assert_eq!(fs::read_dir(world.folder.path().join("home")).expect("a folder").count(), 0);
}

#[test]
fn the_list_says_what_is_here_and_what_has_keyward() {
    let world = world();
    fs::create_dir(file(&world).parent().expect("a folder")).expect("made");
    fs::write(file(&world), "{\"mcpServers\": {\"keyward\": {\"command\": \"/gone/keyward\"}}}").expect("written");
    let ran = world.run(&["install", "--list"]).done();
    let row = ran.out.lines().find(|line| line.starts_with("cursor")).expect("a row");
    assert!(row.contains("yes, as `/gone/keyward`, which is not this one"), "{row}");
    let list = world.run(&["install", "--list", "--json"]).done().json();
    let cursor = list["hosts"].as_array().expect("hosts").iter().find(|host| host["host"] == "cursor").expect("cursor");
    assert_eq!((&cursor["found"], &cursor["lists"][0]["keyward"]), (&true.into(), &"yes".into()));
    assert_eq!(cursor["lists"][0]["this"], false);
    fs::write(file(&world), "{").expect("written");
    let ran = world.run(&["install", "--list"]).done();
    assert!(ran.out.contains("unknown: the file cannot be understood"), "{ran:?}");
    let ran = world.run(&["install", "cursor", "--yes"]).failed(Exit::Configuration);
    assert!(ran.err.contains("line 1"), "{ran:?}");
    assert_eq!(fs::read_to_string(file(&world)).expect("there"), "{");
}

#[test]
fn in_the_home_folder_one_list_is_shown_once() {
    // The project is the folder that tests run in, and nothing is written here.
    let home = std::env::current_dir().expect("a folder");
    let home = home.to_str().expect("a path");
    let world = World::new().environment("HOME", home).environment("USERPROFILE", home);
    let list = world.run(&["install", "--list", "--json"]).done().json();
    let hosts = list["hosts"].as_array().expect("hosts");
    let files = |host: &serde_json::Value| -> Vec<String> {
        host["lists"].as_array().expect("lists").iter().map(|list| list["file"].to_string()).collect()
    };
    assert!(hosts.iter().any(|host| host["host"] == "cursor" && files(host).len() == 1), "{list}");
    for host in hosts {
        let all = files(host);
        let once: std::collections::BTreeSet<&String> = all.iter().collect();
        assert_eq!(once.len(), all.len(), "{host}");
    }
}
