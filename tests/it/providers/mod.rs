//! The particularities of providers, each against the sandbox's imitation of it.
//!
//! The imitations are on this machine, so a connection names its provider; that its issuer is recognised is tested
//! beside the values.

mod audience;
mod entra;
mod github;
mod google;
mod ports;
mod registration;

use keyward::sandbox::{Control, Decision, Entry};

use crate::world::{Ran, World};

/// A world whose connection `box` is the resource of this imitated provider; `more` is the rest of its entry.
fn world(name: &str, more: &str) -> World {
    let world = World::with_sandbox();
    let url = world.sandbox().provider(name).expect("an imitation").resource();
    let entry = format!("[connections.box]\nbackend = \"remote\"\nurl = \"{url}\"\nprovider = \"{name}\"\n{more}\n");
    world.config(&entry)
}

fn control<'a>(world: &'a World, name: &str) -> &'a Control {
    world.sandbox().provider(name).expect("an imitation").control()
}

/// The person enters the code of every device.
fn on_another_device(world: &World, name: &str) {
    control(world, name).decide(Decision::Allow("alice".to_owned()));
}

fn seen(world: &World, name: &str, endpoint: &str) -> Vec<Entry> {
    control(world, name).received(endpoint)
}

/// A parameter of the last request to this endpoint.
fn sent(world: &World, name: &str, endpoint: &str, parameter: &str) -> Option<String> {
    seen(world, name, endpoint).last().expect("a request").parameters.get(parameter).cloned()
}

fn login(world: &World) -> Ran {
    world.run(&["login", "box", "--timeout", "20"])
}

/// Logs in with the secret that stands on standard input.
fn login_with_secret(world: &World) -> Ran {
    world.run(&["login", "box", "--client-secret", "--timeout", "20"])
}

fn scopes(world: &World) -> Vec<String> {
    world.grant("box").and_then(|grant| grant.issued).expect("a login").scopes
}

fn code(ran: &Ran) -> String {
    ran.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn an_unknown_provider_is_refused_with_the_known_ones() {
    let world = World::new().config("[connections.box]\nbackend = \"remote\"\n");
    let ran = world.run(&["config", "set", "connections.box.provider", "gogle"]);
    assert!(ran.err.contains("`google`") && ran.err.contains("`standard`"), "{ran:?}");
}

#[test]
fn the_provider_that_is_named_is_shown() {
    let world = world("google", "");
    assert!(world.run(&["config", "show"]).done().out.contains("google"));
    assert_eq!(world.run(&["config", "show", "--json"]).done().json()["connections"][0]["provider"], "google");
}
