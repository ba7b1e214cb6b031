//! Who has signed in: the account that was meant, the one whose login is stored, or another.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keyward::machine::{Browser, BrowserError, Echo, Line, Lines, Prompt};
use keyward::report::Exit;
use keyward::sandbox::{Effect, Faults};
use keyward::secret::Secret;
use keyward::store::Error as StoreError;
use serde_json::json;

use crate::fickle::Save;
use crate::person::{Person, Press};
use crate::world::{Ran, World};

/// A connection whose provider says who signs in.
fn world() -> World {
    let world = World::with_sandbox();
    let text = format!(
        "[connections.box]\nbackend = \"remote\"\nurl = \"{}\"\nscopes = [\"openid\", \"email\", \"offline_access\"]\n",
        world.resource()
    );
    world.config(&text)
}

fn login(world: &World, arguments: &[&str]) -> Ran {
    let mut words = vec!["login", "box", "--timeout", "20"];
    words.extend(arguments);
    world.run(&words)
}

fn become_(world: &World, name: &str) {
    world.person.as_ref().expect("a person").becomes(name);
}

fn account(world: &World) -> String {
    let status = world.run(&["status", "box", "--json"]).done().json();
    status["connections"][0]["account"].as_str().expect("an account").to_owned()
}

/// At a terminal, where every question gets this answer.
struct Answers(&'static str);

impl Prompt for Answers {
    fn lines(&self, echo: Echo) -> std::io::Result<Lines> {
        let (sender, lines) = Lines::channel(None);
        if echo == Echo::Shown {
            sender.send(Line::Text(Secret::new(self.0))).expect("a receiver");
        }
        Ok(lines)
    }

    fn forget(&self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The tokens that were just issued are of no use any more.
fn assert_ended(world: &World) {
    let ended = world.sandbox().control().received("revoke");
    let kinds: Vec<&str> = ended.iter().map(|it| it.parameters["token_type_hint"].as_str()).collect();
    assert_eq!(kinds, ["refresh_token", "access_token"], "{ended:?}");
}

#[test]
fn s46_another_account_is_refused_where_nobody_can_be_asked() {
    let world = world();
    login(&world, &[]).done();
    let stored = account(&world);
    let token = world.run(&["token", "box"]).done().out;
    become_(&world, "mallory");
    let ran = login(&world, &["--json"]).failed(Exit::Denied);
    assert_eq!(ran.json()["error"]["code"], "other_account");
    assert_ended(&world);
    assert_eq!(account(&world), stored);
    assert_eq!(world.run(&["token", "box"]).done().out, token);
    let pages = world.person.as_ref().expect("a person").pages();
    let text = pages.last().expect("a page").text.clone();
    assert!(text.contains("did not work") && !text.to_lowercase().contains("you are signed in"), "{text}");
}

#[test]
fn s46_at_a_terminal_both_accounts_are_shown_and_only_a_yes_replaces_the_login() {
    for (answer, replaced) in [("yes", true), ("no", false), ("", false), ("YES!", false)] {
        let world = world();
        login(&world, &[]).done();
        let stored = account(&world);
        become_(&world, "mallory");
        let world = world.at_a_terminal(Arc::new(Answers(answer)));
        let ran = login(&world, &[]);
        assert_eq!(ran.exit, if replaced { Exit::Done } else { Exit::Denied }, "{answer}: {ran:?}");
        assert!(ran.err.contains(&format!("stored: {stored}")) && ran.err.contains("new:    mallory"), "{ran:?}");
        assert_eq!(account(&world) == stored, !replaced, "{answer}");
        if !replaced {
            assert_ended(&world);
        }
    }
}

/// At a terminal where a yes was typed before anything was asked; whether the terminal lets go of it.
struct Hasty {
    lets_go: bool,
    typed: AtomicBool,
}

impl Prompt for Hasty {
    fn lines(&self, echo: Echo) -> std::io::Result<Lines> {
        let (sender, lines) = Lines::channel(None);
        if echo == Echo::Shown && self.typed.load(Ordering::Relaxed) {
            sender.send(Line::Text(Secret::new("yes"))).expect("a receiver");
        }
        Ok(lines)
    }

    fn forget(&self) -> std::io::Result<()> {
        if !self.lets_go {
            return Err(std::io::ErrorKind::Unsupported.into());
        }
        self.typed.store(false, Ordering::Relaxed);
        Ok(())
    }
}

#[test]
fn s46_a_yes_that_was_typed_before_the_question_replaces_nothing() {
    for lets_go in [true, false] {
        let world = world();
        login(&world, &[]).done();
        let stored = account(&world);
        become_(&world, "mallory");
        let world = world.at_a_terminal(Arc::new(Hasty { lets_go, typed: AtomicBool::new(true) }));
        let ran = login(&world, &[]).failed(Exit::Denied);
        assert_eq!(ran.err.contains("this is a no"), !lets_go, "{ran:?}");
        assert_eq!(account(&world), stored);
        assert_ended(&world);
    }
}

#[test]
fn the_same_account_signs_in_again_without_a_question() {
    let world = world();
    login(&world, &[]).done();
    login(&world, &[]).done();
    assert!(world.sandbox().control().received("revoke").is_empty());
}

#[test]
fn another_account_may_take_over_after_a_logout_or_when_it_is_named() {
    let world = world();
    login(&world, &[]).done();
    world.run(&["logout", "box"]).done();
    become_(&world, "mallory");
    login(&world, &[]).done();
    become_(&world, "bob");
    login(&world, &["--expect-user", "bob"]).done();
    assert!(account(&world).starts_with("bob"));
}

#[test]
fn the_account_that_is_expected_is_checked_before_anything_is_stored() {
    let world = world();
    let ran = login(&world, &["--expect-user", "bob", "--json"]).failed(Exit::Denied);
    assert_eq!(ran.json()["error"]["code"], "other_account");
    assert_ended(&world);
    world.run(&["token", "box"]).failed(Exit::LoginRequired);
    login(&world, &["--expect-user", "alice"]).done();
}

#[test]
fn who_expects_an_account_asks_the_provider_to_name_it() {
    let world = World::with_sandbox();
    let ran = world.run(&["login", &world.resource(), "--name", "box", "--expect-user", "alice", "--timeout", "20"]);
    ran.done();
    let sent = world.sandbox().control().received("authorize")[0].parameters["scope"].clone();
    assert!(sent.split(' ').any(|scope| scope == "openid"), "{sent}");
}

#[test]
fn s46_who_was_named_once_is_named_again_and_nobody_takes_their_place_without_a_name() {
    let world = World::with_sandbox();
    let url = world.resource();
    let world = world.config(&format!("[connections.box]\nbackend = \"remote\"\nurl = \"{url}\"\n"));
    login(&world, &["--expect-user", "alice"]).done();
    let stored = account(&world);
    become_(&world, "mallory");
    login(&world, &[]).failed(Exit::Denied);
    assert_eq!(account(&world), stored);
    // A provider that has stopped naming anybody.
    let answers = [("metadata".to_owned(), without_openid())].into();
    world.sandbox().control().set(Faults { answers, ..Faults::default() });
    login(&world, &[]).failed(Exit::Denied);
    assert_eq!(account(&world), stored);
}

/// Metadata that lists no scope of identity.
fn without_openid() -> Effect {
    let set = json!({ "scopes_supported": ["sandbox:read", "offline_access"] });
    Effect::Edit { set: set.as_object().cloned().expect("an object"), remove: Vec::new() }
}

#[test]
fn tokens_that_could_not_be_stored_are_ended() {
    let world = world();
    // The first write is the client's, and what follows is the login.
    world.fickle.saves([Save::Works]);
    world.fickle.then_always(Save::Fails(StoreError::Locked));
    login(&world, &[]).failed(Exit::Store);
    assert_ended(&world);
    assert!(world.grant("box").is_none());
}

#[test]
fn a_login_that_is_stored_stands_although_the_configuration_cannot_be_written() {
    let world = World::with_sandbox();
    let person = Person::who_presses(Press::Allow);
    let breaking = Breaking { config: world.config_path(), person };
    let url = world.resource();
    let words = ["login", &url, "--name", "box", "--timeout", "20"];
    world.run_in(Arc::new(breaking), &words).done();
    assert!(world.grant("box").is_some());
    assert_eq!(world.sandbox().control().received("revoke").len(), 0);
}

/// While the person is at the browser, somebody makes the configuration unreadable.
struct Breaking {
    config: std::path::PathBuf,
    person: Person,
}

impl Browser for Breaking {
    fn open(&self, page: &url::Url) -> Result<(), BrowserError> {
        std::fs::write(&self.config, "[[").expect("written");
        self.person.open(page)
    }
}
