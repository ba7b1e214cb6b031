//! Microsoft Entra ID: an issuer with a tenant in it, the target in the scopes, no S256 in the metadata, `claims`.

use keyward::report::Exit;
use keyward::sandbox::Faults;

use super::{code, control, login, login_with_secret, scopes, seen, sent, world};
use crate::person::Forbidden;
use crate::renewal::told;
use crate::world::World;

const CLIENT: &str = "client_id = \"00000000-aaaa-bbbb-cccc-000000000001\"";

fn tenant(world: &World, name: &str) -> String {
    format!("issuer = \"{}/p/entra/{name}/v2.0\"", world.sandbox().url())
}

#[test]
fn the_target_is_in_the_scopes_and_they_are_repeated_at_a_renewal() {
    let world = world("entra", CLIENT);
    let ran = login(&world).done();
    assert!(!ran.err.contains("missing"), "{ran:?}");
    let asked = |name| sent(&world, "entra", "authorize", name);
    assert_eq!(asked("scope").as_deref(), Some("api://sandbox/read offline_access"));
    assert_eq!((asked("resource"), asked("prompt")), (None, None));
    assert!(asked("redirect_uri").is_some_and(|uri| uri.starts_with("http://localhost:")));
    assert_eq!(scopes(&world), ["api://sandbox/read", "offline_access"]);
    for _ in 0..2 {
        world.clock.forward(3600);
        world.run(&["token", "box"]).done();
        assert_eq!(sent(&world, "entra", "token", "scope").as_deref(), Some("api://sandbox/read offline_access"));
        assert_eq!(sent(&world, "entra", "token", "resource"), None);
    }
}

#[test]
fn without_any_scope_the_whole_resource_is_asked_for() {
    let world = World::with_sandbox();
    let url = world.sandbox().provider("entra").expect("an imitation").resource();
    let issuer = tenant(&world, "11111111-2222-3333-4444-555555555555");
    let entry = format!("backend = \"remote\"\nurl = \"{url}\"\nprovider = \"entra\"\n{CLIENT}\n{issuer}\n");
    let world = world.config(&format!("[connections.box]\n{entry}"));
    let ran = login(&world).done();
    assert_eq!(sent(&world, "entra", "authorize", "scope"), Some(format!("{url}/.default offline_access")));
    // The answer names what it stands for, which is no less than what was asked for.
    assert!(!ran.err.contains("missing"), "{ran:?}");
    world.clock.forward(3600);
    world.run(&["token", "box"]).done();
    let everything = format!("{url}/everything");
    assert_eq!(sent(&world, "entra", "token", "scope"), Some(format!("{everything} offline_access")));
}

#[test]
fn a_client_without_a_person_asks_for_the_whole_resource() {
    let client = "client_id = \"00000000-aaaa-bbbb-cccc-000000000002\"\nway = \"client-credentials\"";
    let world = world("entra", client).browser(Forbidden).piping("entra-sandbox-secret\n");
    login_with_secret(&world).done();
    let whole = format!("{}/.default", world.sandbox().provider("entra").expect("an imitation").resource());
    for _ in 0..2 {
        assert_eq!(sent(&world, "entra", "token", "resource"), None);
        world.clock.forward(3600);
        world.run(&["token", "box"]).done();
    }
    let asked: Vec<_> = seen(&world, "entra", "token").iter().map(|seen| seen.parameters["scope"].clone()).collect();
    assert_eq!(asked, [whole.as_str(); 3]);
}

#[test]
fn an_issuer_for_any_tenant_takes_tokens_of_the_tenant_they_name() {
    for name in ["common", "organizations"] {
        let world = World::with_sandbox();
        let url = world.sandbox().provider("entra").expect("an imitation").resource();
        let issuer = tenant(&world, name);
        let scopes = "scopes = [\"openid\", \"api://sandbox/read\", \"offline_access\"]";
        let entry = |provider: &str| {
            format!(
                "[connections.box]\nbackend = \"remote\"\nurl = \"{url}\"\n{CLIENT}\n{issuer}\n{scopes}\n{provider}\n"
            )
        };
        let world = world.config(&entry("provider = \"entra\""));
        login(&world).done();
        let subject = world.grant("box").and_then(|grant| grant.issued?.subject);
        assert!(subject.is_some(), "somebody signed in");
        world.clock.forward(3600);
        world.run(&["token", "box"]).done();
        world.run(&["token", "box", "--claims", "--verify"]).done();
        // Who names one tenant does not go on with a login of any.
        let one = tenant(&world, "11111111-2222-3333-4444-555555555555");
        let world = world.config(&entry("provider = \"entra\"").replace(&issuer, &one));
        world.run(&["token", "box"]).failed(Exit::LoginRequired);
        // Elsewhere a document of another issuer is refused.
        let world = world.config(&entry("provider = \"standard\"")).browser(Forbidden);
        let ran = world.run(&["login", "box", "--json"]).failed(Exit::Server);
        assert_eq!(code(&ran), "issuer_mismatch");
    }
}

#[test]
fn what_a_refused_renewal_asks_for_is_in_the_next_login_and_only_there() {
    let world = world("entra", CLIENT);
    login(&world).done();
    control(&world, "entra").set(Faults { acr: Some("c1".to_owned()), ..Faults::default() });
    world.clock.forward(3600);
    let ran = world.run(&["token", "box", "--json"]).failed(Exit::LoginRequired);
    assert_eq!(ran.json()["error"]["oauth_error"], "interaction_required");
    login(&world).done();
    let claims = sent(&world, "entra", "authorize", "claims");
    assert_eq!(claims.as_deref(), Some(r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#));
    world.clock.forward(3600);
    world.run(&["token", "box"]).done();
    login(&world).done();
    assert_eq!(sent(&world, "entra", "authorize", "claims"), None);
}

#[test]
fn a_number_in_the_description_is_explained() {
    let world = world("entra", "client_id = \"00000000-aaaa-bbbb-cccc-000000000002\"");
    let ran = login(&world).failed(Exit::Configuration);
    assert!(ran.err.contains("AADSTS7000218") && ran.err.contains("Allow public client flows"), "{ran:?}");
    let world = world.piping("entra-sandbox-secret\n");
    login_with_secret(&world).done();
}

#[test]
fn why_a_renewal_was_refused_is_told_in_words() {
    if !told::listens() {
        return;
    }
    let world = world("entra", CLIENT);
    login(&world).done();
    control(&world, "entra").revoke_grants();
    world.clock.forward(3600);
    world.run(&["token", "box"]).failed(Exit::LoginRequired);
    let heard = told::heard();
    assert!(heard.contains("`box`: log in again: the refresh token was not used for too long"), "{heard}");
}

#[test]
fn a_device_that_was_declined_is_denied() {
    let world = world("entra", CLIENT).person(crate::person::Press::Deny);
    let ran = world.run(&["login", "box", "--device", "--timeout", "20", "--json"]).failed(Exit::Denied);
    assert_eq!(code(&ran), "denied");
}

#[test]
fn a_logout_says_where_the_login_is_ended() {
    let world = world("entra", CLIENT);
    login(&world).done();
    let ran = world.run(&["logout", "box"]).done();
    assert!(ran.err.contains("no way to end it") && ran.err.contains("https://mysignins.microsoft.com"), "{ran:?}");
}
