//! One connection, two accounts, and two ways to sign in.

use keyward::report::Exit;

use crate::portal::{COOKIE, Manners, Portal, with_a_provider};
use crate::world::World;

/// A connection to this Portal that can be signed in to at the sandbox, too.
fn world(portal: &Portal) -> World {
    with_a_provider(portal, r#"["openid", "email", "sandbox:read"]"#).piping(&format!("{COOKIE}\n"))
}

#[test]
fn an_account_is_replaced_only_with_a_yes_also_by_another_way_to_sign_in() {
    let portal = Portal::start(Manners { account: "stranger", takes_tokens: true, ..Manners::USUAL });
    for [first, second] in [["session", "oauth"], ["oauth", "session"]] {
        let world = world(&portal);
        world.run(&["login", "portal", "--way", first, "--timeout", "20"]).done();
        let before = world.grant("portal").expect("a login");
        let ran = world.run(&["login", "portal", "--way", second, "--timeout", "20"]).failed(Exit::Denied);
        assert!(ran.err.contains("another account has signed in to `portal`"), "{ran:?}");
        assert!(ran.err.contains("stranger@example.com"), "{ran:?}");
        let after = world.grant("portal").expect("a login");
        assert_eq!(after.encode().expose(), before.encode().expose());
    }
}
