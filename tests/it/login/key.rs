//! Keys that are pasted at the terminal or piped in.

use keyward::report::Exit;

use crate::world::World;

#[test]
fn a_key_is_read_from_the_terminal_or_a_pipe_and_shown_nowhere() {
    for world in [World::new().typing("tvly-canary"), World::new().piping("tvly-canary\n")] {
        let ran = world.run(&["login", "tavily", "--api-key"]).done();
        assert!(!ran.out.contains("canary") && !ran.err.contains("canary"), "{ran:?}");
        assert!(!world.config_text().contains("canary"));
        assert!(world.config_text().contains("way = \"api-key\""), "{}", world.config_text());
        assert_eq!(world.run(&["token", "tavily"]).done().out, "tvly-canary\n");
    }
}

#[test]
fn an_empty_key_is_refused() {
    let world = World::new().piping("\n");
    let ran = world.run(&["login", "tavily", "--api-key", "--json"]).failed(Exit::Usage);
    assert_eq!(ran.json()["error"]["code"], "no_key");
}
