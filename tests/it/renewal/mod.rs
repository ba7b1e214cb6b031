//! Renewal: when it happens, how often, and what it leaves behind when it fails.

use keyward::report::Exit;
use keyward::sandbox::{Effect, TokenFault};
use keyward::secret::Secret;
use serde_json::{Value, json};

use crate::world::World;

mod behind;
mod client;
mod clock;
mod pace;
mod rivals;
mod spill;
pub mod told;

fn renewals(world: &World) -> usize {
    world.sandbox().control().tokens_issued("refresh_token")
}

fn answer(status: u16, body: &str) -> TokenFault {
    TokenFault {
        grant_type: Some("refresh_token".to_owned()),
        effect: Effect::Answer { status, headers: Vec::new(), body: body.to_owned() },
        ..TokenFault::default()
    }
}

/// The right answer to a renewal, with other members.
fn edited(set: &Value, remove: &[&str]) -> TokenFault {
    let set = set.as_object().expect("members").clone();
    let remove = remove.iter().map(ToString::to_string).collect();
    TokenFault {
        grant_type: Some("refresh_token".to_owned()),
        effect: Effect::Edit { set, remove },
        ..TokenFault::default()
    }
}

#[test]
fn a_fresh_token_is_not_renewed() {
    let world = World::signed_in();
    world.run(&["token", "box"]).done();
    assert_eq!(renewals(&world), 0);
}

#[test]
fn a_token_is_renewed_ahead_of_its_end_and_the_new_one_is_kept() {
    let world = World::signed_in();
    let first = world.run(&["token", "box"]).done().out;
    // Of 300 s the last tenth is the margin.
    world.clock.forward(271);
    let second = world.run(&["token", "box", "--min-validity", "0"]).done().out;
    assert_ne!(first, second);
    assert_eq!(world.run(&["token", "box"]).done().out, second);
    assert_eq!(renewals(&world), 1);
}

#[test]
fn many_renewals_in_a_row_follow_the_rotation() {
    let world = World::signed_in();
    for _ in 0..5 {
        world.clock.forward(400);
        world.run(&["token", "box"]).done();
    }
    assert_eq!(renewals(&world), 5);
}

#[test]
fn a_script_that_asks_for_more_gets_a_newer_token_or_the_truth() {
    let world = World::signed_in();
    world.clock.forward(100);
    world.run(&["token", "box", "--min-validity", "250"]).done();
    assert_eq!(renewals(&world), 1);
    let ran = world.run(&["token", "box", "--min-validity", "1000", "--json"]).failed(Exit::Server);
    assert_eq!(ran.json()["error"]["code"], "too_short");
}

#[test]
fn r13_a_revoked_grant_says_so_once_and_asks_no_more() {
    let world = World::signed_in();
    world.sandbox().control().revoke_grants();
    world.clock.forward(400);
    for _ in 0..3 {
        let ran = world.run(&["token", "box", "--json"]).failed(Exit::LoginRequired);
        assert_eq!(ran.json()["error"]["oauth_error"], "invalid_grant");
        assert_eq!(ran.json()["error"]["hint"][0], "`keyward login box`");
    }
    let refreshes = world.sandbox().control().received("token");
    let refreshes = refreshes.iter().filter(|entry| entry.parameters["grant_type"] == "refresh_token").count();
    assert_eq!(refreshes, 1, "the provider's answer is remembered");
    let status = world.run(&["status", "box", "--json"]);
    assert_eq!(status.exit, Exit::LoginRequired);
    assert_eq!(status.json()["connections"][0]["ended"], "revoked");
}

#[test]
fn r07_network_and_server_trouble_never_logs_out() {
    for (status, body) in
        [(500, ""), (503, "<html>"), (429, "{}"), (502, "<html>bad gateway"), (200, "<html>"), (200, "{}")]
    {
        let world = World::signed_in();
        world.clock.forward(400);
        world.sandbox().control().next_token(answer(status, body));
        let ran = world.run(&["token", "box", "--json"]).failed(Exit::Server);
        assert_eq!(ran.json()["error"]["retryable"], true, "{status} {body}: {ran:?}");
        world.clock.forward(2);
        world.run(&["token", "box"]).done();
        // The sandbox counts by status, so an odd answer with 200 counts, too.
        assert_eq!(renewals(&world), if status == 200 { 2 } else { 1 }, "{status} {body}");
    }
}

#[test]
fn r07_a_token_that_is_still_good_is_used_while_renewing_fails() {
    let world = World::signed_in();
    let first = world.run(&["token", "box"]).done().out;
    world.clock.forward(280);
    world.sandbox().control().next_token(answer(503, ""));
    assert_eq!(world.run(&["token", "box", "--min-validity", "5"]).done().out, first);
}

#[test]
fn r04_a_store_that_cannot_be_written_sends_no_request() {
    let world = World::signed_in();
    world.clock.forward(400);
    world.store.fail_saves(Some(keyward::store::Error::Locked));
    world.run(&["token", "box"]).failed(Exit::Store);
    assert_eq!(renewals(&world), 0, "the refresh token is unspent");
    world.store.fail_saves(None);
    world.run(&["token", "box"]).done();
}

#[test]
fn an_answer_that_was_lost_after_the_rotation_is_told_truthfully() {
    let world = World::signed_in();
    world.clock.forward(400);
    world.sandbox().control().next_token(TokenFault {
        grant_type: Some("refresh_token".to_owned()),
        after_commit: true,
        effect: Effect::Drop,
        ..TokenFault::default()
    });
    world.run(&["token", "box"]).failed(Exit::Network);
    world.clock.forward(2);
    for _ in 0..2 {
        let ran = world.run(&["token", "box"]).failed(Exit::LoginRequired);
        assert!(ran.err.contains("interrupted"), "and it is told again: {ran:?}");
    }
    assert_eq!(world.run(&["status", "box", "--json"]).json()["connections"][0]["ended"], "interrupted");
}

#[test]
fn r09_a_scope_that_was_taken_back_is_kept_as_it_is() {
    let world = World::signed_in();
    world.clock.forward(400);
    world.sandbox().control().next_token(edited(&json!({"scope": "sandbox:read"}), &["refresh_token"]));
    let before = world.grant("box").expect("a grant").issued.expect("OAuth");
    world.run(&["token", "box"]).done();
    let after = world.grant("box").expect("a grant").issued.expect("OAuth");
    assert_eq!(after.scopes, ["sandbox:read"]);
    let same = |token: &Option<Secret>| token.as_ref().map(|token| token.expose().to_owned());
    assert_eq!(same(&after.refresh_token), same(&before.refresh_token), "none came, so the old one stays");
    world.clock.forward(400);
    world.sandbox().control().next_token(edited(&json!({}), &["scope"]));
    world.run(&["token", "box"]);
    assert_eq!(world.grant("box").expect("a grant").issued.expect("OAuth").scopes, ["sandbox:read"], "none came");
}

#[test]
fn a_refresh_token_that_has_run_out_is_not_sent() {
    let world = World::signed_in();
    world.clock.forward(400);
    world.sandbox().control().next_token(edited(&json!({"refresh_expires_in": 500}), &[]));
    world.run(&["token", "box"]).done();
    world.clock.forward(499);
    world.run(&["token", "box"]).done();
    world.sandbox().control().next_token(edited(&json!({"refresh_expires_in": 500}), &[]));
    world.clock.forward(400);
    world.run(&["token", "box"]).done();
    world.clock.forward(500);
    let asked = renewals(&world);
    let ran = world.run(&["token", "box"]).failed(Exit::LoginRequired);
    assert!(ran.err.contains("cannot be renewed"), "{ran:?}");
    assert_eq!(renewals(&world), asked);
    assert_eq!(world.run(&["status", "box", "--json"]).json()["connections"][0]["ended"], "expired");
}

#[test]
fn tokens_of_another_account_are_not_used() {
    let world = World::signed_in_as_somebody();
    world.clock.forward(400);
    let before = world.grant("box").expect("a grant");
    let mut other = before.clone();
    other.issued.as_mut().expect("OAuth").subject = Some("somebody else".to_owned());
    world.put("box", &other);
    for _ in 0..2 {
        let ran = world.run(&["token", "box"]).failed(Exit::LoginRequired);
        assert!(ran.err.contains("another account") && ran.out.is_empty(), "{ran:?}");
    }
    assert_eq!(renewals(&world), 1, "it is remembered");
    let after = world.grant("box").expect("a grant");
    assert_eq!(after.access_token.expose(), before.access_token.expose(), "nothing of the answer is kept");
}

#[test]
fn a_provider_that_keeps_its_refresh_token_is_fine() {
    let world = World::signed_in();
    world.sandbox().control().set(keyward::sandbox::Faults { keep_refresh_token: true, ..Default::default() });
    for _ in 0..2 {
        world.clock.forward(400);
        world.run(&["token", "box"]).done();
    }
    assert_eq!(renewals(&world), 2);
}

#[test]
fn a_rejected_token_is_renewed_once_and_the_call_succeeds() {
    let world = World::signed_in();
    world.sandbox().control().expire_access_tokens();
    let ran = world.run(&["call", "box_whoami", "--json"]).done();
    assert_eq!(ran.json()["failed"], false);
    assert_eq!(renewals(&world), 1);
}

#[test]
fn many_calls_on_one_expired_grant_make_one_request() {
    let world = World::signed_in();
    world.clock.forward(400);
    let lines: String = (0..64)
        .map(|id| {
            format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",\"params\":{{\"name\":\"box_whoami\"}}}}\n"
            )
        })
        .collect();
    let answers = crate::serve::talk(&world, &lines, 64);
    assert!(answers.iter().all(|answer| answer["result"]["isError"] != true), "{answers:?}");
    assert_eq!(renewals(&world), 1);
}

#[test]
fn a_logout_forgets_and_a_call_then_names_the_command() {
    let world = World::signed_in();
    world.run(&["logout", "box"]).done();
    world.run(&["token", "box"]).failed(Exit::LoginRequired);
    let ran = world.run(&["call", "box_whoami"]).failed(Exit::LoginRequired);
    assert!(ran.err.contains("hint:  `keyward login box`"), "its tools stay listed: {ran:?}");
}
