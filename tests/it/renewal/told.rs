//! What is odd about an answer and taken all the same is told in one line of the log.

use std::sync::{Mutex, PoisonError};

use keyward::sandbox::{Effect, Faults, TokenFault};
use serde_json::{Value, json};

use super::edited;
use crate::security::metadata::guarded;
use crate::world::World;

static LINES: Mutex<String> = Mutex::new(String::new());

struct Ear;

impl log::Log for Ear {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.target().starts_with("keyward")
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
            *lines += &format!("{}: {}\n", record.level(), record.args());
        }
    }

    fn flush(&self) {}
}

/// Listens to the log, which a process can do once; so each test here needs a process of its own, as `cargo nextest`
/// gives it. Under `cargo test` another may have been first, and this one hears nothing and says nothing.
pub fn listens() -> bool {
    let first = log::set_boxed_logger(Box::new(Ear)).is_ok();
    if first {
        log::set_max_level(log::LevelFilter::Warn);
    }
    first
}

/// What was told since the last time.
pub fn heard() -> String {
    std::mem::take(&mut *LINES.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The right answer to a login, with other members.
fn login_edited(set: &Value, remove: &[&str]) -> TokenFault {
    TokenFault { grant_type: Some("authorization_code".to_owned()), ..edited(set, remove) }
}

#[test]
fn r01_what_is_odd_about_the_answer_to_a_login_is_told_and_the_login_stands() {
    if !listens() {
        return;
    }
    for (set, remove, expected) in [
        (json!({}), "", ""),
        (json!({"token_type": "BEARER"}), "", ""),
        (json!({}), "token_type", "does not say of which type the token is"),
        (json!({"expires_in": "soon"}), "", "does not say in seconds how long the token is good"),
        (json!({"scope": "sandbox:read"}), "", "missing: offline_access"),
        (json!({"scope": ["sandbox:read", "offline_access"]}), "", "scopes in an array"),
    ] {
        let world = World::with_sandbox();
        world.sandbox().control().next_token(login_edited(&set, &[remove]));
        world.run(&["login", &world.resource(), "--name", "box", "--timeout", "20"]).done();
        let lines = heard();
        if expected.is_empty() {
            assert_eq!(lines, "", "{set} {remove}");
        } else {
            assert!(
                lines.starts_with("WARN: the provider's answer for `box`: ") && lines.contains(expected),
                "{set} {remove}: {lines}"
            );
            assert_eq!(lines.lines().count(), 1, "{lines}");
        }
        world.run(&["token", "box"]).done();
    }
}

#[test]
fn r01_a_login_without_a_refresh_token_says_that_it_does_not_renew() {
    let world = World::with_sandbox();
    for (set, remove) in
        [(json!({}), "refresh_token"), (json!({"refresh_token": ""}), ""), (json!({"refresh_token": null}), "")]
    {
        world.sandbox().control().next_token(login_edited(&set, &[remove]));
        let ran = world.run(&["login", &world.resource(), "--name", "box", "--timeout", "20"]).done();
        assert!(ran.err.contains("gave no refresh token"), "{ran:?}");
        let status = world.run(&["status", "box"]).done().out;
        assert!(!status.contains("renews by itself"), "{status}");
    }
}

#[test]
fn r09_a_scope_that_was_taken_back_at_a_renewal_is_told_once() {
    if !listens() {
        return;
    }
    let world = World::signed_in();
    assert_eq!(heard(), "");
    world.clock.forward(400);
    world.sandbox().control().next_token(edited(&json!({"scope": "sandbox:read"}), &[]));
    world.run(&["token", "box"]).done();
    assert_eq!(heard(), "WARN: `box` was renewed without these scopes: offline_access\n");
    // What is missing for good is no news.
    world.clock.forward(400);
    world.sandbox().control().next_token(edited(&json!({}), &["scope"]));
    world.run(&["token", "box"]).done();
    assert_eq!(heard(), "");
}

#[test]
fn r10_a_clock_that_differs_by_more_than_a_minute_is_told_with_its_direction() {
    if !listens() {
        return;
    }
    let world = World::signed_in();
    for (offset, expected) in [(0, ""), (50, ""), (-50, ""), (3600, "behind that of"), (-3600, "ahead of that of")] {
        world.sandbox().control().set(Faults { date_offset: offset, ..Faults::default() });
        heard();
        world.clock.forward(400);
        world.run(&["token", "box"]).done();
        let lines = heard();
        assert_eq!(lines.is_empty(), expected.is_empty(), "{offset}: {lines}");
        assert!(lines.contains(expected) && lines.matches("clock").count() <= 1, "{offset}: {lines}");
    }
}

#[test]
fn r26_an_issuer_that_spells_itself_with_another_slash_is_told() {
    if !listens() {
        return;
    }
    for (slash, told) in [("", false), ("/", true)] {
        let wire = guarded(move |url, document| {
            document["issuer"] = json!(format!("{url}{slash}"));
            // The login ends here.
            document["token_endpoint"] = json!("ftp://nowhere");
        });
        let world = World::new();
        world.run(&["login", &format!("{}/mcp", wire.url()), "--name", "box", "--timeout", "10"]);
        let expected = format!("the issuer `{0}` spells itself `{0}/`", wire.url());
        assert_eq!(heard().contains(&expected), told, "{slash}");
    }
}

#[test]
fn r07_an_answer_that_was_broken_off_keeps_the_login_and_a_token_that_is_still_good() {
    let world = World::signed_in();
    let first = world.run(&["token", "box"]).done().out;
    world.clock.forward(280);
    world.sandbox().control().next_token(TokenFault {
        grant_type: Some("refresh_token".to_owned()),
        effect: Effect::Drop,
        ..TokenFault::default()
    });
    assert_eq!(world.run(&["token", "box", "--min-validity", "5"]).done().out, first);
    world.clock.forward(2);
    assert_ne!(world.run(&["token", "box"]).done().out, first, "and it is renewed later");
}
