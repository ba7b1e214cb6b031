//! Google: `access_type`, a secret that is none, renamed scopes, an issuer in three spellings.

use keyward::report::Exit;

use super::{code, login, login_with_secret, on_another_device, scopes, seen, sent, world};
use crate::person::Forbidden;

const SECRET: &str = "GOCSPX-sandbox\n";
const CLIENT: &str = "client_id = \"sandbox-desktop.apps.example\"";

#[test]
fn a_login_asks_for_offline_access_in_the_way_that_is_understood() {
    let world =
        world("google", &format!("{CLIENT}\nscopes = [\"openid\", \"email\", \"offline_access\"]")).piping(SECRET);
    login_with_secret(&world).done();
    let asked = |name| sent(&world, "google", "authorize", name);
    assert_eq!(asked("access_type").as_deref(), Some("offline"));
    assert_eq!(asked("prompt").as_deref(), Some("consent"));
    // An unknown scope ends on a page of Google's, and what is not known may not be sent.
    assert_eq!(asked("scope").as_deref(), Some("openid email"));
    assert_eq!(asked("resource"), None);
    let grant = world.grant("box").expect("a login");
    assert!(grant.is_renewable() && grant.issued.is_some_and(|issued| issued.refresh_expires_at.is_some()));
    // The second login is given a refresh token as well, and needs no flag.
    login(&world).done();
    world.clock.forward(3600);
    world.run(&["token", "box"]).done();
    assert_eq!(sent(&world, "google", "token", "grant_type").as_deref(), Some("refresh_token"));
    assert_eq!(sent(&world, "google", "token", "resource"), None);
}

#[test]
fn granted_scopes_keep_the_names_they_were_asked_by_and_nothing_is_missed() {
    let world = world("google", &format!("{CLIENT}\nscopes = [\"openid\", \"email\", \"profile\"]")).piping(SECRET);
    let ran = login_with_secret(&world).done();
    let mut granted = scopes(&world);
    granted.sort();
    assert_eq!(granted, ["email", "openid", "profile"]);
    assert!(!ran.err.contains("missing"), "{ran:?}");
    world.clock.forward(3600);
    let ran = world.run(&["token", "box", "-v"]).done();
    assert!(!ran.err.contains("without these scopes"), "{ran:?}");
    assert_eq!(scopes(&world).len(), 3);
}

#[test]
fn the_issuer_may_stand_with_a_slash_in_the_resource_and_without_a_scheme_in_the_token() {
    let world =
        world("google", "client_id = \"sandbox-old.apps.example\"\nscopes = [\"openid\", \"email\"]").piping(SECRET);
    login_with_secret(&world).done();
    let issued = world.grant("box").and_then(|grant| grant.issued).expect("a login");
    assert!(issued.subject.is_some() && issued.issuer.ends_with("/p/google"), "{}", issued.issuer);
    world.clock.forward(3600);
    world.run(&["token", "box"]).done();
}

#[test]
fn without_the_secret_nobody_is_asked_to_consent() {
    let world = world("google", CLIENT).browser(Forbidden);
    let ran = world.run(&["login", "box", "--json"]).failed(Exit::Configuration);
    assert_eq!(code(&ran), "client_unusable");
    assert!(ran.json()["error"]["hint"].to_string().contains("keyward login box --client-secret"), "{ran:?}");
}

#[test]
fn a_device_without_the_secret_is_not_begun_either() {
    let world = world("google", "client_id = \"sandbox-tv.apps.example\"").browser(Forbidden);
    let ran = world.run(&["login", "box", "--device", "--json"]).failed(Exit::Configuration);
    assert_eq!(code(&ran), "client_unusable");
    assert_eq!(seen(&world, "google", "device_authorization").len(), 0);
}

#[test]
fn a_device_that_speaks_of_a_verification_url_logs_in() {
    let client = "client_id = \"sandbox-tv.apps.example\"\nscopes = [\"openid\", \"email\"]";
    let world = world("google", client).piping(SECRET);
    on_another_device(&world, "google");
    world.run(&["login", "box", "--client-secret", "--device", "--timeout", "20"]).done();
    assert!(world.grant("box").is_some_and(|grant| grant.is_renewable()));
}

#[test]
fn one_token_ends_the_whole_login() {
    let world = world("google", CLIENT).piping(SECRET);
    login_with_secret(&world).done();
    let shown = world.run(&["logout", "box", "--json"]).done().json();
    assert_eq!(shown["connections"][0]["at_provider"], "ended", "{shown}");
    assert_eq!(shown["connections"][0]["access_token_ended"], true, "{shown}");
    // Of the other one Google would say that it knows none.
    assert_eq!(seen(&world, "google", "revoke").len(), 1);
}
