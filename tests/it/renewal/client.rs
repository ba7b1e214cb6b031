//! Renewals of a client that acts for itself: it asks again, and there is no refresh token that could be spent.

use keyward::app::grant::{Flow, Grant, State};
use keyward::report::Exit;

use crate::issuer::{Issuer, Rules};
use crate::person::Forbidden;
use crate::world::World;

fn signed_in(issuer: &Issuer) -> World {
    let world = configured(issuer, "");
    world.run(&["login", "box", "--client-secret"]).done();
    world
}

/// A client that could log in; `more` is the rest of its entry.
fn configured(issuer: &Issuer, more: &str) -> World {
    issuer.admit("robot", "client_secret_basic", b"secret");
    let url = issuer.resource();
    let way = "way = \"client-credentials\"\nclient_id = \"robot\"\nscopes = [\"a\", \"b\"]";
    let entry = format!("[connections.box]\nbackend = \"remote\"\nurl = \"{url}\"\n{way}\n{more}\n");
    World::new().browser(Forbidden).config(&entry).piping("secret")
}

#[test]
fn a_client_asks_again_when_its_token_has_ended() {
    let issuer = Issuer::start(Rules::default());
    let world = signed_in(&issuer);
    let before = world.grant("box").expect("a grant");
    assert_eq!(before.issued.as_ref().map(|issued| issued.flow), Some(Flow::ClientCredentials));
    let mut tokens = vec![world.run(&["token", "box"]).done().out];
    for _ in 0..3 {
        world.clock.forward(4000);
        tokens.push(world.run(&["token", "box"]).done().out);
    }
    tokens.dedup();
    assert_eq!(tokens.len(), 4, "{tokens:?}");
    let after = world.grant("box").expect("a grant");
    assert_eq!((after.generation, after.state), (before.generation + 3, State::Valid));
    let forms: Vec<_> = issuer.seen("POST", "/token").iter().map(|seen| seen.form.clone()).collect();
    assert_eq!(forms.len(), 4);
    assert!(forms.iter().all(|form| *form == forms[0]), "each is the request of the login: {forms:?}");
    assert_eq!(world.run(&["status", "box", "--json"]).json()["connections"][0]["renewable"], true);
}

#[test]
fn a_client_that_is_refused_for_a_while_keeps_its_login() {
    let issuer = Issuer::start(Rules::default());
    let world = signed_in(&issuer);
    world.clock.forward(4000);
    issuer.rules().refuses_clients = true;
    let ran = world.run(&["token", "box", "--json"]).failed(Exit::Configuration);
    assert_eq!(ran.json()["error"]["oauth_error"], "invalid_client");
    issuer.rules().refuses_clients = false;
    world.clock.forward(2);
    world.run(&["token", "box"]).done();
}

#[test]
fn a_client_whose_renewal_was_cut_off_has_lost_nothing() {
    let issuer = Issuer::start(Rules::default());
    let world = signed_in(&issuer);
    let cut_off = Grant { state: State::RefreshStarted, ..world.grant("box").expect("a grant") };
    world.put("box", &cut_off);
    world.clock.forward(4000);
    world.run(&["token", "box"]).done();
    assert_eq!(world.grant("box").expect("a grant").state, State::Valid);
}

/// What came to the token endpoint while this ran.
fn asked(issuer: &Issuer, run: impl FnOnce()) -> usize {
    let before = issuer.seen("POST", "/token").len();
    run();
    issuer.seen("POST", "/token").len() - before
}

#[test]
fn a_provider_that_refuses_a_client_in_passing_is_asked_once_more_at_a_login_and_at_a_renewal() {
    let issuer = Issuer::start(Rules::default());
    let world = configured(&issuer, "provider = \"cisco\"");
    issuer.rules().refuses_next = 1;
    let login = || drop(world.run(&["login", "box", "--client-secret", "-q"]).done());
    assert_eq!(asked(&issuer, login), 2);
    world.clock.forward(4000);
    issuer.rules().refuses_next = 1;
    assert_eq!(asked(&issuer, || drop(world.run(&["token", "box"]).done())), 2);
    let after = world.grant("box").expect("a grant");
    assert!(after.state == State::Valid && after.renewals.trouble.is_none(), "as if nothing had been: {after:?}");

    // Twice is no accident.
    world.clock.forward(4000);
    issuer.rules().refuses_next = 9;
    let refused = || {
        let ran = world.run(&["token", "box"]).failed(Exit::Configuration);
        assert!(ran.err.contains("Invalid value for 'client_id' parameter."), "{ran:?}");
    };
    assert_eq!(asked(&issuer, refused), 2);
    issuer.rules().refuses_next = 0;
    world.clock.forward(2);
    world.run(&["token", "box"]).done();
}

#[test]
fn other_providers_are_believed_at_once() {
    let issuer = Issuer::start(Rules::default());
    let world = configured(&issuer, "provider = \"okta\"");
    issuer.rules().refuses_next = 1;
    let refused = || {
        let ran = world.run(&["login", "box", "--client-secret", "--json"]).failed(Exit::Configuration);
        assert_eq!(ran.json()["error"]["oauth_error"], "invalid_client");
    };
    assert_eq!(asked(&issuer, refused), 1);
}
