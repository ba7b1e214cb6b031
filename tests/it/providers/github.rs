//! GitHub: no metadata, commas between scopes, errors with status 200, no revocation.

use keyward::report::Exit;

use super::{code, login_with_secret, on_another_device, scopes, seen, sent, world};
use crate::person::Forbidden;
use crate::world::World;

const SECRET: &str = "github-sandbox-secret\n";
const APP: &str = "client_id = \"Iv23sandbox\"\nscopes = [\"read:user\", \"repo\"]";

#[test]
fn a_server_without_metadata_is_known_by_its_name() {
    let app = APP.replace(']', ", \"offline_access\"]");
    let world = world("github", &app).piping(SECRET);
    let ran = login_with_secret(&world).done();
    assert_eq!(sent(&world, "github", "authorize", "scope").as_deref(), Some("read:user repo"));
    assert_eq!(scopes(&world), ["read:user", "repo"]);
    assert!(!ran.err.contains("missing"), "{ran:?}");
    for parameter in ["resource", "prompt", "access_type"] {
        assert_eq!(sent(&world, "github", "authorize", parameter), None, "{parameter}");
    }
    assert!(sent(&world, "github", "authorize", "code_challenge").is_some());
    world.clock.forward(28_800);
    let ran = world.run(&["token", "box", "-v"]).done();
    assert!(!ran.err.contains("without these scopes"), "{ran:?}");
    assert_eq!(scopes(&world), ["read:user", "repo"]);
}

#[test]
fn nobody_else_without_metadata_is_made_up() {
    let world = World::with_sandbox().browser(Forbidden);
    let url = world.sandbox().provider("github").expect("an imitation").resource();
    let world = world.config(&format!("[connections.box]\nbackend = \"remote\"\nurl = \"{url}\"\nclient_id = \"c\"\n"));
    let ran = world.run(&["login", "box", "--json"]).failed(Exit::Server);
    assert_eq!(code(&ran), "no_metadata");
}

#[test]
fn a_token_of_an_oauth_app_has_no_end_and_no_renewal() {
    let world = world("github", "client_id = \"Ov23sandbox\"\nscopes = [\"read:user\"]").piping(SECRET);
    login_with_secret(&world).done();
    let grant = world.grant("box").expect("a login");
    assert_eq!((grant.expires_at(), grant.is_renewable()), (None, false));
    world.clock.forward(86_400 * 365);
    world.run(&["token", "box"]).done();
}

#[test]
fn without_the_secret_nobody_is_asked_to_consent() {
    let world = world("github", APP).browser(Forbidden);
    let ran = world.run(&["login", "box", "--json"]).failed(Exit::Configuration);
    assert_eq!(code(&ran), "client_unusable");
    assert!(ran.json()["error"]["hint"].to_string().contains("keyward login box --device"), "{ran:?}");
}

#[test]
fn a_device_needs_no_secret() {
    let world = world("github", APP);
    on_another_device(&world, "github");
    world.run(&["login", "box", "--device", "--timeout", "20"]).done();
    assert_eq!(scopes(&world), ["read:user", "repo"]);
}

#[test]
fn an_error_with_status_200_is_an_error() {
    let world = world("github", APP).piping("another-secret\n");
    let ran = world.run(&["login", "box", "--client-secret", "--timeout", "20", "--json"]).failed(Exit::Configuration);
    assert_eq!(ran.json()["error"]["oauth_error"], "incorrect_client_credentials", "{ran:?}");
    assert!(world.grant("box").is_none());
}

#[test]
fn a_refused_renewal_ends_the_login_once() {
    let world = world("github", APP).piping(SECRET);
    login_with_secret(&world).done();
    super::control(&world, "github").revoke_grants();
    world.clock.forward(28_800);
    for _ in 0..2 {
        let ran = world.run(&["token", "box", "--json"]).failed(Exit::LoginRequired);
        assert_eq!(ran.json()["error"]["oauth_error"], "bad_refresh_token", "{ran:?}");
    }
    let renewals = seen(&world, "github", "token");
    let renewals =
        renewals.iter().filter(|seen| seen.parameters.get("grant_type").is_some_and(|grant| grant == "refresh_token"));
    assert_eq!(renewals.count(), 1);
}

#[test]
fn a_logout_says_where_the_login_is_ended() {
    let world = world("github", APP).piping(SECRET);
    login_with_secret(&world).done();
    let ran = world.run(&["logout", "box"]).done();
    assert!(
        ran.err.contains("no way to end it from here") && ran.err.contains("https://github.com/settings/applications"),
        "{ran:?}"
    );
}
