//! A certificate that nobody vouches for, where nobody can be asked.

use keyward::report::Exit;

use crate::scripted::Secured;
use crate::world::World;

#[test]
fn without_a_terminal_the_fingerprint_is_named_and_taken_as_a_flag() {
    let (server, pin) = Secured::new();
    let url = format!("https://{}/mcp", server.address);
    let world = || World::new().piping("canary-token\n");
    let login = ["login", &url, "--name", "box", "--bearer"];
    let refused = world().run(&login).failed(Exit::Network);
    assert!(refused.err.contains("with `--trust`") && refused.err.contains(&pin), "{}", refused.err);
    let json = world();
    let refused = json.run(&[&login[..], &["--json"]].concat()).failed(Exit::Network);
    assert!(refused.out.contains(&pin), "{}", refused.out);
    assert_eq!(json.config_text(), "");
    let other = format!("sha256:{}", "ab".repeat(32));
    let wrong = world();
    wrong.run(&[&login[..], &["--trust", &other]].concat()).failed(Exit::Network);
    assert_eq!(wrong.config_text(), "");
    assert!(!server.has("canary"));
    let right = world();
    right.run(&[&login[..], &["--trust", &pin]].concat()).done();
    assert!(right.config_text().contains(&format!("certificate = \"{pin}\"")), "{}", right.config_text());
    assert!(server.has("canary-token"));
    let again = right.run(&["login", "box", "--bearer", "--trust", &other]).failed(Exit::Usage);
    assert!(again.err.contains("config unset connections.box.certificate"), "{}", again.err);
    let shown = right.run(&["config", "show"]).done();
    assert!(shown.out.contains(&pin), "{}", shown.out);
    right.run(&["config", "unset", "connections.box.certificate"]).done();
    assert!(!right.config_text().contains("sha256"), "{}", right.config_text());
}

#[test]
fn no_certificate_is_kept_for_a_service_whose_address_is_not_the_persons_own() {
    let pin = format!("sha256:{}", "ab".repeat(32));
    let world = World::new().piping("tvly-key\n");
    let refused = world.run(&["login", "tavily", "--api-key", "--trust", &pin]).failed(Exit::Usage);
    assert!(refused.err.contains("--trust"), "{}", refused.err);
    World::new().run(&["login", "tavily", "--api-key", "--trust", "sha256:00"]).failed(Exit::Usage);
}
