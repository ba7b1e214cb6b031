//! How often a provider is asked: at most five times a minute beyond what its tokens' lifetimes ask for, and never in
//! the middle of its trouble.

use std::time::Duration;

use keyward::report::Exit;
use keyward::sandbox::{Effect, TokenFault};
use serde_json::json;

use super::{answer, edited, renewals};
use crate::world::World;

/// How many requests for a renewal came, well or badly ended.
fn asked(world: &World) -> usize {
    let all = world.sandbox().control().received("token");
    all.iter().filter(|entry| entry.parameters["grant_type"] == "refresh_token").count()
}

#[test]
fn a_loop_of_commands_does_not_hammer_a_provider_in_trouble() {
    let world = World::signed_in();
    world.clock.forward(400);
    for _ in 0..40 {
        world.sandbox().control().next_token(answer(503, ""));
    }
    for _ in 0..60 {
        let ran = world.run(&["token", "box", "--json"]).failed(Exit::Server);
        assert_eq!(ran.json()["error"]["retryable"], true);
        world.clock.forward(1);
    }
    // After about 1, 2, 4 and 8 s, and then not before the first of the five is a minute old.
    assert!((4..=5).contains(&asked(&world)), "{}", asked(&world));
    let control = world.sandbox().control();
    control.set(keyward::sandbox::Faults::default());
    world.clock.forward(120);
    world.run(&["token", "box"]).done();
    assert!(world.grant("box").expect("a grant").renewals.trouble.is_none(), "a success ends it");
}

#[test]
fn r07_what_the_provider_asks_for_is_waited() {
    let world = World::signed_in();
    world.clock.forward(400);
    world.sandbox().control().next_token(TokenFault {
        grant_type: Some("refresh_token".to_owned()),
        effect: Effect::Answer {
            status: 503,
            headers: vec![("retry-after".to_owned(), "90".to_owned())],
            body: String::new(),
        },
        ..TokenFault::default()
    });
    world.run(&["token", "box"]).failed(Exit::Server);
    world.clock.forward(90);
    let ran = world.run(&["token", "box", "--json"]).failed(Exit::Server);
    assert_eq!(ran.json()["error"]["code"], "renewal_paused");
    assert_eq!(ran.json()["error"]["hint"][0], "try again in 1 s");
    assert_eq!(asked(&world), 1);
    world.clock.forward(1);
    world.run(&["token", "box"]).done();
}

#[test]
fn a_pause_keeps_a_token_that_is_still_good_in_use() {
    let world = World::signed_in();
    let first = world.run(&["token", "box"]).done().out;
    world.clock.forward(280);
    world.sandbox().control().next_token(answer(500, ""));
    for _ in 0..3 {
        assert_eq!(world.run(&["token", "box", "--min-validity", "5"]).done().out, first);
    }
    assert_eq!(asked(&world), 1);
    world.clock.forward(20);
    world.sandbox().control().next_token(answer(500, ""));
    let ran = world.run(&["token", "box", "--min-validity", "0"]).failed(Exit::Server);
    assert!(ran.out.is_empty(), "an expired token is never handed out: {ran:?}");
}

#[test]
fn a_network_that_breaks_is_told_as_such_and_a_refusal_as_such() {
    for (status, body, exit) in [
        (0, "", Exit::Network),
        (401, "{\"error\":\"invalid_client\"}", Exit::Configuration),
        (400, "{}", Exit::Server),
    ] {
        let world = World::signed_in();
        world.clock.forward(400);
        let fault = match status {
            0 => TokenFault { effect: Effect::Drop, ..answer(0, "") },
            _ => answer(status, body),
        };
        world.sandbox().control().next_token(fault);
        world.run(&["token", "box"]).failed(exit);
        let ran = world.run(&["token", "box", "--json"]).failed(exit);
        assert_eq!(ran.json()["error"]["code"], "renewal_paused", "{status}");
        assert_eq!(asked(&world), 1, "{status}");
    }
}

#[test]
fn r07_a_provider_that_does_not_answer_is_left_after_its_time_and_keeps_the_login() {
    let world = World::signed_in();
    world.clock.forward(400);
    world.sandbox().control().hold();
    let app = world.app();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let error = runtime.expect("a runtime").block_on(async {
        let session = app.session(app.connection("box").expect("it is configured"));
        session.grant(keyward::app::session::Need::default()).await.expect_err("nobody answers")
    });
    assert_eq!(keyward::report::Report::from(&error).exit, Exit::Network, "{error:?}");
    assert!(world.grant("box").is_some());
    world.sandbox().control().release();
}

#[test]
fn five_renewals_a_minute_are_the_most_that_a_service_can_provoke() {
    let world = World::signed_in();
    for done in 0..12 {
        world.sandbox().control().expire_access_tokens();
        let ran = world.run(&["call", "box_whoami"]);
        assert_eq!(ran.exit, if done < 5 { Exit::Done } else { Exit::Server }, "{done}: {ran:?}");
    }
    assert_eq!(renewals(&world), 5);
    world.clock.forward(60);
    world.sandbox().control().expire_access_tokens();
    world.run(&["call", "box_whoami"]).done();
    assert_eq!(renewals(&world), 6);
}

#[test]
fn a_script_that_asks_for_more_than_there_is_provokes_five_a_minute() {
    let world = World::signed_in();
    for _ in 0..12 {
        world.run(&["token", "box", "--min-validity", "1000"]).failed(Exit::Server);
    }
    assert_eq!(renewals(&world), 5);
    world.run(&["token", "box"]).done();
}

#[test]
fn tokens_of_a_short_life_are_renewed_as_often_as_they_end() {
    let world = World::signed_in();
    for _ in 0..30 {
        world.sandbox().control().next_token(edited(&json!({"expires_in": 2}), &[]));
        world.clock.forward(if renewals(&world) == 0 { 400 } else { 2 });
        world.run(&["token", "box", "--min-validity", "0"]).done();
    }
    assert_eq!(renewals(&world), 30, "that pace is the provider's own");
}

#[test]
fn a_token_that_is_over_when_it_comes_is_renewed_once_a_minute() {
    for value in [json!(0), json!(-5)] {
        let world = World::signed_in();
        for _ in 0..10 {
            world.sandbox().control().next_token(edited(&json!({"expires_in": value}), &[]));
        }
        world.clock.forward(400);
        for minute in 1..=4 {
            for _ in 0..3 {
                world.run(&["token", "box", "--min-validity", "0"]);
                world.run(&["call", "box_whoami"]).done();
                world.clock.forward(10);
            }
            world.clock.forward(30);
            assert_eq!(renewals(&world), minute, "{value}");
        }
    }
}

#[test]
fn r11_a_token_of_unknown_end_is_renewed_when_the_service_refuses_it() {
    let world = World::signed_in();
    world.sandbox().control().next_token(edited(&json!({}), &["expires_in"]));
    world.clock.forward(400);
    world.run(&["token", "box"]).done();
    world.clock.forward(100_000);
    world.run(&["token", "box"]).done();
    assert_eq!(renewals(&world), 1, "nobody knows that it has ended");
    world.run(&["call", "box_whoami"]).done();
    assert_eq!(renewals(&world), 2, "one renewal, one repetition");
}

#[test]
fn r12_many_calls_that_are_refused_with_one_token_make_one_renewal() {
    let world = World::signed_in();
    world.sandbox().control().expire_access_tokens();
    let call = |id: u32| {
        let params = json!({"name": "box_whoami"});
        format!("{}\n", json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}))
    };
    let answers = crate::serve::talk(&world, &(0..20).map(call).collect::<String>(), 20);
    assert!(answers.iter().all(|answer| answer["result"]["isError"] != true), "{answers:?}");
    assert_eq!(renewals(&world), 1);
}

#[test]
fn many_programs_meet_the_trouble_once() {
    let world = World::signed_in();
    world.clock.forward(400);
    for _ in 0..16 {
        world.sandbox().control().next_token(answer(503, ""));
    }
    world.sandbox().control().hold();
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..16).map(|_| scope.spawn(|| world.run(&["token", "box"]))).collect();
        assert!(world.sandbox().control().wait_for_held(1, Duration::from_secs(20)));
        world.sandbox().control().release();
        for program in running {
            program.join().expect("it ends").failed(Exit::Server);
        }
    });
    assert_eq!(asked(&world), 1);
}
