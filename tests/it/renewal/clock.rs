//! Clocks that are wrong, or are set while a program runs: at most one renewal more than needed, and never a loop.

use std::time::Duration;

use keyward::app::session::Need;
use keyward::sandbox::Faults;
use serde_json::json;

use super::renewals;
use crate::serve::Talk;
use crate::world::World;

const CALL: &str = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"box_whoami\"}}\n";

fn calls(talk: &mut Talk) {
    for _ in 0..5 {
        let answer = talk.ask(CALL);
        assert_ne!(answer["result"]["isError"], json!(true), "{answer}");
    }
}

#[test]
fn r10_a_clock_that_is_set_between_two_commands_costs_at_most_one_renewal() {
    for hour in [3600, -3600] {
        let world = World::signed_in();
        world.clock.forward(hour);
        for _ in 0..10 {
            world.run(&["token", "box"]).done();
        }
        assert!(renewals(&world) <= 1, "{hour}: {}", renewals(&world));
        // And back again.
        world.clock.forward(-hour);
        for _ in 0..10 {
            world.run(&["token", "box"]).done();
        }
        assert!(renewals(&world) <= 1, "{hour} and back: {}", renewals(&world));
    }
}

#[test]
fn r10_a_clock_that_is_set_while_a_server_runs_costs_at_most_one_renewal() {
    for hour in [3600, -3600] {
        let world = World::signed_in();
        let mut talk = Talk::start(&world);
        calls(&mut talk);
        world.clock.forward(hour);
        calls(&mut talk);
        assert!(renewals(&world) <= 1, "{hour}: {}", renewals(&world));
        world.clock.forward(-hour);
        calls(&mut talk);
        assert!(renewals(&world) <= 2, "{hour} and back: {}", renewals(&world));
    }
}

#[test]
fn a_token_from_the_future_is_used_until_the_service_refuses_it() {
    let world = World::signed_in();
    world.clock.forward(-3600);
    world.run(&["token", "box"]).done();
    assert_eq!(renewals(&world), 0, "of its end nothing is known");
    world.sandbox().control().expire_access_tokens();
    world.run(&["call", "box_whoami"]).done();
    assert_eq!(renewals(&world), 1);
    // The new token's end is known again.
    world.clock.forward(400);
    world.run(&["token", "box"]).done();
    assert_eq!(renewals(&world), 2);
}

#[test]
fn a_token_grows_older_although_the_clock_was_set_back_meanwhile() {
    let world = World::signed_in();
    let app = world.app();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let session = app.session(app.connection("box").expect("it is configured"));
        let first = session.grant(Need::default()).await.expect("a grant").generation;
        tokio::time::advance(Duration::from_secs(290)).await;
        tokio::time::resume();
        world.clock.forward(-200);
        let second = session.grant(Need::default()).await.expect("a grant").generation;
        assert_eq!(second, first + 1, "290 of its 300 s have passed on the clock that nobody can set");
    });
    assert_eq!(renewals(&world), 1);
}

#[test]
fn the_difference_to_the_providers_clock_is_measured_and_kept() {
    let world = World::signed_in();
    let skew = |world: &World| world.grant("box").and_then(|grant| grant.issued?.clock_skew);
    let near = |measured: Option<i64>, expected: i64| measured.is_some_and(|skew| (skew - expected).abs() <= 1);
    assert!(near(skew(&world), 0), "{:?}", skew(&world));
    for offset in [3600, -90] {
        world.sandbox().control().set(Faults { date_offset: offset, ..Faults::default() });
        world.clock.forward(400);
        let token = world.run(&["token", "box", "-v"]).done();
        assert!(near(skew(&world), offset), "{:?}", skew(&world));
        assert_eq!(world.run(&["token", "box"]).done().out, token.out, "the lifetime does not depend on it");
        let shown = world.run(&["status", "box", "--json"]).done().json()["connections"][0]["clock_skew"].as_i64();
        assert!(near(shown, offset), "{shown:?}");
    }
}
