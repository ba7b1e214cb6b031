//! The audit log of whole commands: what it holds after a life of a login, and that no secret is in it.

use serde_json::Value;

use keyward::report::Exit;

use crate::person::Press;
use crate::world::World;

fn lines(world: &World) -> Vec<Value> {
    let text = std::fs::read_to_string(world.folder.path().join("state/audit.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("one JSON object a line")).collect()
}

fn told(world: &World) -> Vec<(String, String)> {
    let text = |line: &Value, key: &str| line[key].as_str().expect("a word").to_owned();
    lines(world).iter().map(|line| (text(line, "event"), text(line, "outcome"))).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(event, outcome)| ((*event).to_owned(), (*outcome).to_owned())).collect()
}

#[test]
fn the_life_of_a_login_is_written_down_without_a_secret() {
    let world = World::signed_in();
    let first = world.run(&["token", "box"]).done().out;
    world.clock.forward(400);
    let second = world.run(&["token", "box"]).done().out;
    world.sandbox().control().revoke_grants();
    world.clock.forward(400);
    world.run(&["token", "box"]).failed(Exit::LoginRequired);
    world.run(&["logout", "box"]).done();
    let expected = [("login", "done"), ("renewal", "done"), ("renewal", "login_required"), ("logout", "done")];
    assert_eq!(told(&world), pairs(&expected));
    let found = lines(&world);
    assert_eq!(found[0]["connection"], "box");
    assert!(found[0]["issuer"].as_str().is_some_and(|issuer| issuer.starts_with("http://127.0.0.1:")), "{found:?}");
    assert!(found[0]["generation"].as_u64() < found[1]["generation"].as_u64(), "{found:?}");
    assert_ne!(found[0]["refresh_fingerprint"], found[1]["refresh_fingerprint"], "the provider rotates");
    assert_eq!(found[1]["refresh_fingerprint"], found[3]["refresh_fingerprint"], "what was ended is what was renewed");
    let text = std::fs::read_to_string(world.folder.path().join("state/audit.jsonl")).expect("a log");
    for token in [first.trim(), second.trim()] {
        assert!(!text.contains(token), "{text}");
    }
}

#[test]
fn a_login_that_fails_and_a_key_that_is_kept_are_written_down() {
    let world = World::with_sandbox().person(Press::Deny);
    world.run(&["login", &world.resource(), "--name", "box"]).failed(Exit::Denied);
    let world = world.piping("tvly-canary\n");
    world.run(&["login", "tavily", "--api-key"]).done();
    assert_eq!(told(&world), pairs(&[("login", "denied"), ("login", "done")]));
    assert!(!format!("{:?}", lines(&world)).contains("canary"));
}

#[test]
fn the_log_is_off_by_a_setting() {
    let world = World::new().config("[audit]\nenabled = false\n").piping("tvly-x\n");
    world.run(&["login", "tavily", "--api-key"]).done();
    assert!(!world.folder.path().join("state/audit.jsonl").exists());
    assert!(!world.folder.path().join("state/audit.key").exists());
}

#[test]
fn reading_writes_no_line() {
    let world = World::signed_in();
    for command in [&["status"][..], &["token", "box"], &["tools"], &["call", "box_whoami"], &["config", "show"]] {
        world.run(command).done();
    }
    assert_eq!(told(&world), pairs(&[("login", "done")]));
}
