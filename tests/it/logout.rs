//! Logout: two facts, the provider and the copy here, and neither waits for the other.

use keyward::report::Exit;
use keyward::sandbox::{Effect, Faults};
use keyward::store::Error as StoreError;
use serde_json::{Value, json};

use crate::person::Forbidden;
use crate::scripted::{self, answer};
use crate::world::{Missing, Ran, World};

fn told(ran: &Ran) -> Value {
    ran.json()["connections"][0].clone()
}

/// A logout at a provider whose revocation endpoint answers like this.
fn at_a_provider_that(status: u16, body: &str) -> (World, Ran) {
    let world = World::signed_in();
    let effect = Effect::Answer { status, headers: Vec::new(), body: body.to_owned() };
    world.sandbox().control().set(Faults { answers: [("revoke".to_owned(), effect)].into(), ..Faults::default() });
    let ran = world.run(&["logout", "box", "--json"]);
    (world, ran)
}

#[track_caller]
fn is_forgotten(world: &World) {
    let status = world.run(&["status", "box", "--json"]).failed(Exit::LoginRequired).json();
    assert_eq!(status["connections"][0]["ended"], "absent");
}

#[test]
fn both_tokens_are_ended_at_the_provider_the_refresh_token_first() {
    let world = World::signed_in();
    let ran = world.run(&["logout", "box", "--json"]).done();
    let expected = json!({
        "connection": "box", "was_signed_in": true, "at_provider": "ended", "provider_error": null,
        "access_token_ended": true, "here": "removed", "variable": null
    });
    assert_eq!(told(&ran), expected);
    assert!(ran.json().get("error").is_none());
    let asked = world.sandbox().control().received("revoke");
    let hints: Vec<&str> = asked.iter().map(|entry| entry.parameters["token_type_hint"].as_str()).collect();
    assert_eq!(hints, ["refresh_token", "access_token"]);
    is_forgotten(&world);
}

#[test]
fn the_copy_here_goes_whatever_the_provider_says() {
    for (status, body, expected, code, asked) in [
        (400, "{\"error\":\"unsupported_token_type\"}", "unsupported", None, 4),
        (401, "{\"error\":\"invalid_client\"}", "unknown-client", Some("invalid_client"), 2),
        (400, "{\"error\":\"invalid_request\"}", "failed", Some("invalid_request"), 4),
        (500, "trouble", "failed", None, 1),
        (302, "", "failed", None, 1),
        (404, "<html>", "failed", None, 1),
    ] {
        let (world, ran) = at_a_provider_that(status, body);
        let ran = ran.done();
        let told = told(&ran);
        assert_eq!((&told["at_provider"], &told["here"]), (&json!(expected), &json!("removed")), "{status} {body}");
        assert_eq!(told["provider_error"].as_str(), code, "{status} {body}");
        assert_eq!(world.sandbox().control().received("revoke").len(), asked, "{status} {body}");
        is_forgotten(&world);
    }
}

#[test]
fn a_provider_that_is_gone_or_breaks_off_does_not_keep_the_copy_here() {
    let mut world = World::signed_in();
    world.sandbox = None;
    let ran = world.run(&["logout", "box", "--json"]).done();
    assert_eq!((told(&ran)["at_provider"].as_str(), told(&ran)["here"].as_str()), (Some("failed"), Some("removed")));
    let world = World::signed_in();
    let faults = Faults { answers: [("revoke".to_owned(), Effect::Drop)].into(), ..Faults::default() };
    world.sandbox().control().set(faults);
    let ran = world.run(&["logout", "box"]).done();
    assert!(ran.err.contains("forgotten here") && ran.err.contains("stay valid at the provider"), "{ran:?}");
    is_forgotten(&world);
}

#[test]
fn a_provider_that_asks_for_a_moment_gets_it_once_and_one_that_asks_for_long_does_not() {
    for (moment, times, expected) in [("0", 1, "ended"), ("0", 9, "failed"), ("60", 9, "failed")] {
        let world = World::signed_in();
        let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = std::sync::Arc::clone(&asked);
        let server =
            scripted::each(move |_, _, _| match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < times {
                true => answer(&format!("503 Busy\r\nRetry-After: {moment}"), "text/plain", ""),
                false => answer("200 OK", "text/plain", ""),
            });
        world.rewrite("box", |grant| grant["issued"]["revocation_endpoint"] = json!(format!("http://{server}/revoke")));
        let ran = world.run(&["logout", "box", "--json"]).done();
        assert_eq!(told(&ran)["at_provider"], expected, "{moment} {times}");
        let expected = match (moment, times) {
            ("0", 1) => 3,
            ("0", _) => 2,
            _ => 1,
        };
        assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), expected, "{moment} {times}");
    }
}

#[test]
fn a_provider_without_an_endpoint_is_named_so_that_the_person_can_go_there() {
    let world = World::signed_in();
    world.rewrite("box", |grant| grant["issued"]["revocation_endpoint"] = Value::Null);
    let ran = world.run(&["logout", "box"]).done();
    assert!(ran.err.contains("no way to end it from here") && ran.err.contains("at `127.0.0.1`"), "{ran:?}");
    let world = World::signed_in();
    let ran = world.run(&["logout", "box", "--local-only", "--json"]).done();
    assert_eq!(told(&ran)["at_provider"], "unasked");
    assert_eq!(world.sandbox().control().received("revoke").len(), 0);
    is_forgotten(&world);
}

#[test]
fn a_store_that_does_not_let_go_is_a_failure_and_the_provider_is_told_all_the_same() {
    let world = World::signed_in();
    world.store.fail_saves(Some(StoreError::Locked));
    let ran = world.run(&["logout", "box", "--json"]).failed(Exit::Store);
    assert_eq!((told(&ran)["at_provider"].as_str(), told(&ran)["here"].as_str()), (Some("ended"), Some("kept")));
    assert_eq!(ran.json()["error"]["code"], "store_locked");
    let ran = world.run(&["logout", "box"]).failed(Exit::Store);
    assert!(ran.err.contains("still kept here") && ran.err.contains("error: "), "{ran:?}");
}

#[test]
fn a_copy_that_cannot_be_read_is_forgotten_without_the_provider() {
    let world = World::signed_in();
    world.rewrite("box", |grant| grant["generation"] = json!("x"));
    let ran = world.run(&["logout", "box", "--json"]).done();
    assert_eq!((told(&ran)["at_provider"].as_str(), told(&ran)["here"].as_str()), (Some("unread"), Some("removed")));
    is_forgotten(&world);
    let world = World::signed_in();
    world.store.fail_loads(Some(StoreError::Locked));
    let ran = world.run(&["logout", "box", "--json"]).failed(Exit::Store);
    assert_eq!((told(&ran)["at_provider"].as_str(), told(&ran)["here"].as_str()), (Some("unread"), Some("kept")));
    assert_eq!(ran.json()["error"]["code"], "store_locked");
    // What only a newer program understands stays.
    let world = World::signed_in();
    world.rewrite("box", |grant| grant["version"] = json!(99));
    let ran = world.run(&["logout", "box", "--json"]).failed(Exit::Store);
    assert_eq!(
        (told(&ran)["here"].as_str(), ran.json()["error"]["code"].as_str()),
        (Some("kept"), Some("store_newer"))
    );
}

#[test]
fn the_providers_own_page_is_shown_only_when_it_is_asked_for() {
    let world = World::signed_in();
    let ran = world.run(&["logout", "box", "--json"]).done();
    assert!(told(&ran).get("end_session_url").is_none());
    assert_eq!(world.sandbox().control().received("end_session").len(), 0);
    let world = World::signed_in().browser(Missing);
    let ran = world.run(&["logout", "box", "--end-session"]).done();
    assert!(ran.err.contains("/end_session?client_id=") && ran.err.contains("No browser was opened"), "{ran:?}");
    let world = World::signed_in().browser(Forbidden);
    let ran = world.run(&["logout", "box", "--end-session", "--no-browser", "-q"]).done();
    assert!(ran.err.contains("/end_session?client_id="), "{ran:?}");
    // A real visit.
    let world = World::signed_in();
    world.run(&["logout", "box", "--end-session"]).done();
    let pages = world.person.as_ref().expect("a person").pages();
    assert!(pages.last().is_some_and(|page| page.status == 200));
    assert_eq!(world.sandbox().control().received("end_session").first().map(|entry| entry.status), Some(200));
}

#[test]
fn a_page_that_no_browser_should_see_is_no_page() {
    for page in ["http://evil.example/end", "file:///etc/passwd", "javascript:alert(1)"] {
        let world = World::signed_in().browser(Forbidden);
        world.rewrite("box", |grant| grant["issued"]["end_session_endpoint"] = json!(page));
        let ran = world.run(&["logout", "box", "--end-session"]).done();
        assert!(ran.err.contains("has no page that ends your session") && !ran.err.contains(page), "{ran:?}");
    }
}

#[test]
fn a_login_outlives_its_entry_in_the_configuration_and_can_still_be_ended() {
    let world = World::signed_in();
    world.run(&["config", "unset", "connections.box"]).done();
    let ran = world.run(&["logout", "box", "--json"]).done();
    assert_eq!((told(&ran)["at_provider"].as_str(), told(&ran)["here"].as_str()), (Some("ended"), Some("removed")));
    world.run(&["logout", "box"]).failed(Exit::Usage);
    // Also where the state folder was cleared and only the keychain knows.
    let world = World::signed_in();
    world.run(&["config", "unset", "connections.box"]).done();
    std::fs::remove_dir_all(world.folder.path().join("state")).expect("removed");
    let ran = world.run(&["logout", "box", "--json"]).done();
    assert_eq!(told(&ran)["at_provider"], "ended");
}

#[test]
fn everything_includes_what_is_configured_no_more() {
    let world = World::signed_in();
    world.run(&["login", &world.resource(), "--name", "other"]).done();
    world.run(&["config", "unset", "connections.other"]).done();
    let ran = world.run(&["logout", "--all", "--json"]).done();
    let names: Vec<Value> =
        ran.json()["connections"].as_array().expect("rows").iter().map(|row| row["connection"].clone()).collect();
    assert_eq!(names, ["box", "other"]);
    let ran = world.run(&["logout", "--all", "--json"]).done();
    assert_eq!(ran.json()["connections"], json!([]));
}

#[test]
fn a_name_that_is_a_path_is_no_connection() {
    let world = World::signed_in();
    for name in ["../box", "..", "/etc/passwd", "a/b", "", "Box", "box\n"] {
        world.run(&["logout", name]).failed(Exit::Usage);
    }
    assert_eq!(world.store.calls().deletes, 0);
    // Nor is a file that somebody put among the stamps.
    let stamps = world.folder.path().join("state/stamps");
    std::fs::write(stamps.join("Odd Name"), "5 x").expect("written");
    let ran = world.run(&["logout", "--all", "--json"]).done();
    assert_eq!(ran.json()["connections"].as_array().map(Vec::len), Some(1));
    assert_eq!(world.store.calls().deletes, 4, "`box` and `tavily`, each with what was set aside");
}
