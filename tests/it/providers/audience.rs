//! Auth0: an audience in the place of a resource, and a revocation of refresh tokens only.

use super::{login, seen, sent, world};

const CLIENT: &str = "client_id = \"auth0sandbox\"";

#[test]
fn the_audience_makes_a_token_that_the_service_takes() {
    let world = world("auth0", CLIENT);
    let resource = world.sandbox().provider("auth0").expect("an imitation").resource();
    let shown = world.run(&["login", "box", "--dry-run", "--json"]).done().json();
    assert_eq!((&shown["provider"], &shown["resource"]), (&"auth0".into(), &serde_json::Value::Null), "{shown}");
    assert_eq!(shown["audience"], resource);
    login(&world).done();
    let asked = |name| sent(&world, "auth0", "authorize", name);
    assert_eq!(asked("audience"), Some(resource));
    assert_eq!((asked("resource"), asked("prompt")), (None, None));
    assert!(asked("scope").is_some_and(|scope| scope.contains("offline_access")));
    world.run(&["tools", "--refresh"]).done();
    world.clock.forward(86_400);
    world.run(&["token", "box"]).done();
    assert_eq!(sent(&world, "auth0", "token", "resource"), None);
}

#[test]
fn only_the_refresh_token_is_ended_and_that_is_said() {
    let world = world("auth0", CLIENT);
    login(&world).done();
    let shown = world.run(&["logout", "box", "--json"]).done().json();
    assert_eq!(shown["connections"][0]["at_provider"], "ended", "{shown}");
    assert_eq!(shown["connections"][0]["access_token_ended"], false, "{shown}");
    assert_eq!(seen(&world, "auth0", "revoke").len(), 1);
}

#[test]
fn a_device_names_the_audience_too() {
    let world = world("auth0", CLIENT);
    let resource = world.sandbox().provider("auth0").expect("an imitation").resource();
    world.run(&["login", "box", "--device", "--timeout", "20"]).done();
    assert_eq!(sent(&world, "auth0", "device_authorization", "audience"), Some(resource));
}
