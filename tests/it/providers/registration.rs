//! Keycloak, Scalekit and Tavily: who registers, and what their tokens are like.

use keyward::report::Exit;
use keyward::sandbox::Faults;

use super::{code, control, login, seen, sent, world};
use crate::person::Forbidden;

#[test]
fn a_host_that_is_not_trusted_reads_that_an_administrator_registers() {
    let world = world("keycloak", "").browser(Forbidden);
    let ran = world.run(&["login", "box", "--json"]).failed(Exit::Configuration);
    assert_eq!(code(&ran), "registration_refused");
    assert!(ran.json()["error"]["hint"].to_string().contains("connections.box.client_id"), "{ran:?}");
}

#[test]
fn a_registration_has_no_member_and_no_scope_that_a_strict_server_does_not_know() {
    let world = world("keycloak", "");
    control(&world, "keycloak").set(Faults { open_registration: true, ..Faults::default() });
    login(&world).done();
    assert_eq!(seen(&world, "keycloak", "register").len(), 1);
}

#[test]
fn an_offline_session_has_no_end_and_another_one_has() {
    let client = "client_id = \"keycloak-sandbox\"";
    let offline = world("keycloak", client);
    login(&offline).done();
    assert!(sent(&offline, "keycloak", "authorize", "scope").is_some_and(|scope| scope.contains("offline_access")));
    assert_eq!(sent(&offline, "keycloak", "authorize", "prompt"), None);
    let end = |world: &crate::world::World| {
        world.grant("box").and_then(|grant| grant.issued).expect("a login").refresh_expires_at
    };
    assert_eq!(end(&offline), None, "0 means no end");
    offline.clock.forward(86_400);
    offline.run(&["token", "box"]).done();
    let short = world("keycloak", &format!("{client}\nscopes = [\"openid\", \"sandbox:read\"]"));
    login(&short).done();
    assert!(end(&short).is_some());
    short.clock.forward(1801);
    short.run(&["token", "box"]).failed(Exit::LoginRequired);
    // What the answer said is enough to know it: nobody was asked.
    assert_eq!(seen(&short, "keycloak", "token").len(), 1);
}

#[test]
fn tokens_that_name_the_environment_are_those_of_the_issuer_below_it() {
    let world = world("scalekit", "scopes = [\"openid\", \"sandbox:read\", \"offline_access\"]");
    login(&world).done();
    let issued = world.grant("box").and_then(|grant| grant.issued).expect("a login");
    assert!(
        issued.subject.is_some() && issued.issuer.ends_with("/p/scalekit/resources/res_sandbox"),
        "{}",
        issued.issuer
    );
    // Short lives: renewed ahead of the end, and the account stays the same.
    world.clock.forward(280);
    world.run(&["token", "box"]).done();
    assert_eq!(sent(&world, "scalekit", "token", "grant_type").as_deref(), Some("refresh_token"));
    let shown = world.run(&["token", "box", "--claims", "--verify", "--json"]).done().json();
    assert_eq!(shown["verified"], true, "{shown}");
    let text = world.config_text().replace("provider = \"scalekit\"", "provider = \"standard\"");
    let world = world.config(&text);
    let ran = world.run(&["login", "box", "--timeout", "20", "--json"]).failed(Exit::Server);
    assert_eq!(code(&ran), "id_token_refused");
}

#[test]
fn a_revocation_that_insists_on_a_secret_gets_an_empty_one() {
    let world = world("tavily", "");
    login(&world).done();
    assert!(sent(&world, "tavily", "authorize", "scope").is_some_and(|scope| scope.contains("offline_access")));
    let shown = world.run(&["logout", "box", "--json"]).done().json();
    assert_eq!(shown["connections"][0]["at_provider"], "ended", "{shown}");
}
