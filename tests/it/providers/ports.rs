//! Okta, and who compares the port of a redirect: a few are registered, and every other one is refused.

use keyward::report::Exit;
use url::Url;

use super::{code, login, seen, sent, world};
use crate::person::Forbidden;

const CLIENT: &str = "client_id = \"0oasandbox\"";

#[test]
fn one_of_the_registered_ports_is_used_without_anybody_naming_it() {
    let world = world("okta", CLIENT);
    login(&world).done();
    let redirect = sent(&world, "okta", "authorize", "redirect_uri").expect("an address");
    let port = Url::parse(&redirect).ok().and_then(|url| url.port());
    assert!(port.is_some_and(|port| (8400..=8402).contains(&port)), "{redirect}");
    // Without the scope there is no refresh token, and the policy decides about the consent.
    assert!(sent(&world, "okta", "authorize", "scope").is_some_and(|scope| scope.ends_with("offline_access")));
    assert_eq!(sent(&world, "okta", "authorize", "prompt"), None);
    world.clock.forward(3600);
    world.run(&["token", "box"]).done();
}

#[test]
fn the_ports_that_the_person_names_come_first() {
    let world = world("okta", &format!("{CLIENT}\nports = [8499]")).browser(crate::person::Nobody);
    let ran = world.run(&["login", "box", "--dry-run", "--json"]).done().json();
    assert_eq!(ran["ports"], serde_json::json!([8499]), "{ran}");
    let text = world.config_text().replace("ports = [8499]", "");
    let world = world.config(&text);
    let ran = world.run(&["login", "box", "--dry-run", "--json"]).done().json();
    assert_eq!(ran["ports"], serde_json::json!([8400, 8401, 8402]), "{ran}");
}

#[test]
fn a_registration_that_is_for_administrators_is_not_tried() {
    let world = world("okta", "").browser(Forbidden);
    let ran = world.run(&["login", "box", "--json"]).failed(Exit::Configuration);
    assert_eq!(code(&ran), "client_id_needed");
    let text = world.run(&["login", "box"]).failed(Exit::Configuration).err;
    assert!(text.contains("`http://127.0.0.1:8400/callback`, also with the ports 8401 and 8402"), "{text}");
    assert_eq!(seen(&world, "okta", "register").len(), 0);
    assert_eq!(world.run(&["login", "box", "--dry-run", "--json"]).done().json()["client"]["from"], "nobody");
    let shown = world.run(&["login", "box", "--dry-run", "--json"]).done().json();
    assert_eq!(shown["ports"], serde_json::json!([8400, 8401, 8402]), "what is to be registered");
}

#[test]
fn a_person_who_may_not_use_the_client_reads_what_the_policy_says() {
    let world = world("okta", CLIENT);
    world.person.as_ref().expect("a person").becomes("unassigned");
    let ran = login(&world).failed(Exit::Denied);
    assert!(ran.err.contains("Policy evaluation failed"), "{ran:?}");
}
