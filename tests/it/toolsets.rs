//! Toolsets, with every backend that has some: the configuration says which are on, and nothing else is offered.

use std::collections::BTreeSet;

use keyward::backends::{ALL, Backend};
use keyward::report::Exit;
use serde_json::{Value, json};

use crate::serve::{Talk, handshake, request};
use crate::world::World;

fn divided() -> impl Iterator<Item = &'static Backend> {
    ALL.iter().copied().filter(|backend| !backend.toolsets.is_empty())
}

/// A configuration with one connection of this backend and this line.
fn text(backend: &Backend, line: &str) -> String {
    let url = backend.url.unwrap_or("https://service.example/");
    format!("[connections.box]\nbackend = \"{}\"\nurl = \"{url}\"\n{line}\n", backend.name)
}

fn names(tools: &Value) -> BTreeSet<String> {
    let names = tools.as_array().expect("tools").iter().filter_map(|tool| tool["name"].as_str());
    names.filter(|name| name.starts_with("box")).map(String::from).collect()
}

/// The tools of the connection with this line.
fn offered(backend: &Backend, line: &str) -> BTreeSet<String> {
    let world = World::new().config(&text(backend, line));
    names(&world.run(&["tools", "--json"]).done().json()["tools"])
}

#[test]
fn every_toolset_has_a_name_of_its_own_that_the_configuration_can_hold() {
    for backend in ALL {
        let names: BTreeSet<&str> = backend.toolsets.iter().map(|set| set.name).collect();
        assert_eq!(names.len(), backend.toolsets.len(), "{}", backend.name);
        for set in backend.toolsets {
            let is_plain = set.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            assert!(is_plain && !set.name.starts_with('-') && set.name != "all" && !set.summary.is_empty(), "{set:?}");
        }
    }
}

#[test]
fn what_is_not_on_is_not_offered() {
    for backend in divided() {
        let always = offered(backend, "toolsets = []");
        let of_one = |name: &str| &offered(backend, &format!("toolsets = [\"{name}\"]")) - &always;
        let sets: Vec<(bool, BTreeSet<String>)> =
            backend.toolsets.iter().map(|set| (set.is_usual, of_one(set.name))).collect();
        let union = |usual_only: bool| -> BTreeSet<String> {
            let chosen = sets.iter().filter(|(is_usual, _)| *is_usual || !usual_only);
            chosen.flat_map(|(_, tools)| tools.clone()).chain(always.clone()).collect()
        };
        assert_ne!(union(false), always, "{}: its toolsets hold no tools", backend.name);
        assert_eq!(offered(backend, ""), union(true), "{}", backend.name);
        assert_eq!(offered(backend, "toolsets = [\"all\"]"), union(false), "{}", backend.name);
        for (set, (_, tools)) in backend.toolsets.iter().zip(&sets) {
            let (more, less) = (format!("toolsets = [\"+{}\"]", set.name), format!("toolsets = [\"-{}\"]", set.name));
            assert_eq!(offered(backend, &more), &union(true) | tools, "{more}");
            assert_eq!(offered(backend, &less), &union(true) - tools, "{less}");
        }
    }
}

#[test]
fn the_choice_is_set_and_shown_with_who_made_it() {
    for backend in divided() {
        let world = World::new().config(&text(backend, ""));
        let first = backend.toolsets[0].name;
        let shown = || world.run(&["config", "show", "--json"]).done().json()["connections"].clone();
        let of_box = || {
            let all = shown();
            let one = all.as_array().expect("rows").iter().find(|row| row["connection"] == "box").cloned();
            let one = one.expect("a row");
            (one["toolsets"].clone(), one["toolsets_from"].clone())
        };
        assert_eq!(of_box(), (json!(backend.usual_toolsets()), json!("preset")));
        world.run(&["config", "set", "connections.box.toolsets", first]).done();
        assert_eq!(of_box(), (json!([first]), json!("file")));
        let table = world.run(&["config", "show"]).done().out;
        let row = table.lines().find(|line| line.starts_with("connections.box.toolsets")).expect("a row").to_owned();
        assert_eq!(row.split_whitespace().skip(1).collect::<Vec<_>>(), ["file", first]);
        let wrong = format!("{first}q");
        let ran = world.run(&["config", "set", "connections.box.toolsets", &wrong]).failed(Exit::Configuration);
        assert!(ran.err.contains(&format!("the nearest to `{wrong}` is `{first}`")), "{ran:?}");
        assert_eq!(of_box(), (json!([first]), json!("file")), "nothing was written");
        world.run(&["config", "unset", "connections.box.toolsets"]).done();
        assert_eq!(of_box().1, "preset");
    }
}

#[test]
fn a_running_server_follows_the_choice() {
    for backend in divided() {
        let world = World::new().config(&text(backend, "toolsets = []"));
        let mut talk = Talk::start(&world);
        handshake(&mut talk);
        let mut listed = || {
            let answer = talk.ask(&request(2, "tools/list", &json!({})));
            names(&answer["result"]["tools"])
        };
        let before = listed();
        assert_eq!(before, offered(backend, "toolsets = []"));
        world.run(&["config", "set", "connections.box.toolsets", "all"]).done();
        let after = listed();
        assert_ne!(before, after, "{}", backend.name);
        assert_eq!(after, offered(backend, "toolsets = [\"all\"]"), "{}", backend.name);
    }
}

#[test]
fn a_backend_without_toolsets_says_so() {
    let world = World::new();
    let ran = world.run(&["config", "set", "connections.tavily.toolsets", "search"]).failed(Exit::Configuration);
    assert!(ran.err.contains("the tools of `tavily` are not divided into toolsets"), "{ran:?}");
    let ran = World::new().config("[connections.tavily]\ntoolsets = [\"all\"]\n").run(&["tools"]);
    let ran = ran.failed(Exit::Configuration);
    assert!(ran.err.contains("`keyward config unset connections.tavily.toolsets` removes it"), "{ran:?}");
}
