//! A login that is taken out of the store behind the back of the program, as a person does it with the tools of the
//! keychain.

use keyward::report::Exit;
use serde_json::json;

use super::renewals;
use crate::serve::{Talk, request};
use crate::world::World;

#[test]
fn r20_what_was_deleted_behind_our_back_is_no_login_and_nothing_is_asked_or_written() {
    let world = World::signed_in();
    world.forget("box");
    let (saves, asked) = (world.store.calls().saves, world.sandbox().control().received("token").len());
    for after in [0, 400] {
        world.clock.forward(after);
        let ran = world.run(&["token", "box", "--json"]).failed(Exit::LoginRequired);
        assert_eq!(ran.json()["error"]["hint"][0], "`keyward login box`");
        let status = world.run(&["status", "box", "--json"]).failed(Exit::LoginRequired).json();
        assert_eq!(status["connections"][0]["login"], "login-required");
    }
    assert_eq!(world.store.calls().saves, saves);
    assert_eq!(world.sandbox().control().received("token").len(), asked);
    world.run(&["login", "box", "--timeout", "20"]).done();
    world.run(&["token", "box"]).done();
}

#[test]
fn r20_a_running_server_finds_out_at_the_next_renewal_and_brings_nothing_back() {
    let world = World::signed_in();
    let mut talk = Talk::start(&world);
    let call = |id| request(id, "tools/call", &json!({"name": "box_whoami"}));
    assert_ne!(talk.ask(&call(1))["result"]["isError"], true);
    world.forget("box");
    world.clock.forward(400);
    let answer = talk.ask(&call(2));
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    assert!(answer.to_string().contains("`keyward login box`"), "{answer}");
    assert_eq!(renewals(&world), 0);
    assert!(world.grant("box").is_none(), "it stays deleted");
}
