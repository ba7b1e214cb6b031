//! Identity tokens as the sandbox forges them (S47): each ends the login, and nothing of it is kept.

use keyward::report::Exit;
use keyward::sandbox::{Faults, Forgery};

use crate::world::World;

/// A connection that asks who signs in.
fn asking() -> World {
    let world = World::with_sandbox();
    let resource = world.resource();
    let scopes = "scopes = [\"openid\", \"profile\", \"sandbox:read\"]";
    world.config(&format!("[connections.box]\nbackend = \"remote\"\nurl = \"{resource}\"\n{scopes}\n"))
}

#[test]
fn a_genuine_token_names_the_account() {
    let world = asking();
    world.run(&["login", "box", "--timeout", "20"]).done();
    let issued = world.grant("box").and_then(|grant| grant.issued).expect("a grant");
    assert!(issued.subject.is_some() && issued.account.is_some());
    let keys = world.sandbox().control().received("jwks");
    assert_eq!(keys.len(), 1, "{keys:?}");
}

#[test]
fn s47_a_forged_token_ends_the_login_and_nothing_is_kept() {
    for forgery in [
        Forgery::Unsigned,
        Forgery::Symmetric,
        Forgery::Signature,
        Forgery::UnknownKey,
        Forgery::Audience,
        Forgery::Party,
        Forgery::Issuer,
        Forgery::Nonce,
        Forgery::WithoutNonce,
        Forgery::Expired,
        Forgery::Future,
        Forgery::Hash,
    ] {
        let world = asking();
        world.sandbox().control().set(Faults { id_token: Some(forgery), ..Faults::default() });
        let ran = world.run(&["login", "box", "--timeout", "20"]).failed(Exit::Server);
        assert!(ran.err.contains("the identity token of"), "{forgery:?}: {ran:?}");
        assert!(world.grant("box").is_none(), "{forgery:?}");
        let page = world.person.as_ref().expect("a person").pages().pop().expect("a page");
        assert!(!page.text.to_lowercase().contains("signed in"), "{forgery:?}: {}", page.text);
        let asked = world.sandbox().control().received("jwks").len();
        assert_eq!(asked, if forgery == Forgery::UnknownKey { 2 } else { asked.min(1) }, "{forgery:?}");
    }
}

#[test]
fn a_key_that_was_rolled_since_is_found() {
    let world = asking();
    assert!(world.sandbox().control().roll_key());
    world.run(&["login", "box", "--timeout", "20"]).done();
    assert!(world.grant("box").is_some());
}

#[test]
fn a_renewal_that_names_another_person_does_not_pass_for_the_first() {
    let world = asking();
    world.run(&["login", "box", "--timeout", "20"]).done();
    world.sandbox().control().set(Faults { id_token: Some(Forgery::Subject), ..Faults::default() });
    world.clock.forward(400);
    world.run(&["token", "box"]).failed(Exit::LoginRequired);
    world.run(&["call", "box_whoami"]).failed(Exit::LoginRequired);
}
