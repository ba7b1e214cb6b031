//! `keyward setup`: by flags, and by a person at a real terminal.

use keyward::report::Exit;
use serde_json::json;

use crate::person::{Press, visit_page};
use crate::terminal::Session;
use crate::world::World;

fn outcomes(ran: &crate::world::Ran) -> Vec<(String, String, String)> {
    let steps = ran.json()["steps"].as_array().cloned().unwrap_or_default();
    let text = |step: &serde_json::Value, name: &str| step[name].as_str().unwrap_or_default().to_owned();
    steps.iter().map(|step| (text(step, "step"), text(step, "what"), text(step, "outcome"))).collect()
}

#[test]
fn without_a_terminal_and_without_flags_there_is_nothing_to_do() {
    let ran = World::new().run(&["setup"]).failed(Exit::Usage);
    assert!(ran.err.contains("keyward setup --connect"), "{ran:?}");
    let ran = World::new().run(&["setup", "--json"]).failed(Exit::Usage);
    assert_eq!(ran.json()["error"]["code"], "not_asked");
}

#[test]
fn by_flags_it_connects_and_tries_and_says_so_as_one_object() {
    let world = World::with_sandbox();
    let url = world.resource();
    let config = format!("[connections.box]\nbackend = \"remote\"\nurl = \"{url}\"\n");
    let world = world.config(&config);
    let words = ["setup", "--connect", "box", "--try", "box_add:a=1,b=2", "--json"];
    let ran = world.run(&words).done();
    assert_eq!(ran.out.lines().count(), 1, "{ran:?}");
    let step = |step: &str, what: &str, became: &str| (step.to_owned(), what.to_owned(), became.to_owned());
    assert_eq!(outcomes(&ran), [step("connect", "box", "done"), step("try", "box_add", "done")]);
    // Again, it finds what is there.
    let ran = world.run(&words).done();
    assert_eq!(outcomes(&ran), [step("connect", "box", "already"), step("try", "box_add", "done")]);
    let ran = world.run(&["setup", "--try", "box_add:a=1,b=2"]).done();
    assert!(ran.out.contains('3') && ran.err.contains("`box_add`"), "{ran:?}");
}

#[test]
fn a_step_that_fails_gives_its_exit_code_and_the_others_are_done() {
    let world = World::with_sandbox().person(Press::Deny);
    let words = ["setup", "--connect", &world.resource(), "--connect", "tavily", "--json"];
    let ran = world.run(&words).failed(Exit::Denied);
    let became: Vec<String> = outcomes(&ran).into_iter().map(|(_, _, became)| became).collect();
    assert_eq!(became, ["failed", "already"]);
    assert_eq!(ran.json()["error"]["exit"], json!(4));
    assert!(!world.config_text().contains("connections"), "{}", world.config_text());
    let ran = World::new().run(&["setup", "--host", "curser", "--json"]).failed(Exit::Usage);
    assert!(ran.out.contains("`cursor`"), "{ran:?}");
    let ran = World::new().run(&["setup", "--connect", "tavly"]).failed(Exit::Usage);
    assert!(ran.err.contains("`tavily`"), "{ran:?}");
}

/// A home in which Cursor was used.
fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(home.path().join(".cursor")).expect("a folder");
    home
}

#[test]
fn a_person_gets_from_nothing_to_a_tool_call() {
    let world = World::with_sandbox();
    let mut session = Session::at(home(), &["setup"]);
    session.sees("Numbers or names, or Enter to go on:");
    session.types("remte\n");
    session.sees("the nearest one is `remote`");
    session.sees("Numbers or names, or Enter to go on:");
    session.types("remote\n");
    session.sees("its address");
    session.sees("Enter skips:");
    session.types(&format!("{}\n", world.resource()));
    session.sees("the way to sign in");
    session.sees("`s` skips:");
    session.types("\n");
    session.sees("open:");
    let (_, address) = session.pty.exp_regex("http://[^ \r\n]+").expect("an address");
    session.sees("It is not shown.");
    visit_page(url::Url::parse(&address).expect("an address"), Press::Allow);
    session.sees("Found here: cursor.");
    session.sees("`s` to skip:");
    session.types("\n");
    session.sees("Do this? [y/N]");
    session.types("y\n");
    session.sees("_whoami`, which as its server says changes nothing?");
    session.sees("`s` skips:");
    session.types("\n");
    let (code, rest, home) = session.end();
    assert_eq!(code, 0, "{rest}");
    assert!(rest.contains("alice") && rest.contains("Done:") && rest.contains("told of keyward"), "{rest}");
    let entry = std::fs::read_to_string(home.path().join(".cursor/mcp.json")).expect("an entry");
    assert!(entry.contains("\"serve\""), "{entry}");
    // Again, only what is missing is offered.
    let mut session = Session::at(home, &["setup"]);
    session.sees("can be used already");
    session.sees("Numbers or names, or Enter to go on:");
    session.types("\n");
    session.sees("Cursor has keyward already");
    session.sees("No other host was found here.");
    session.types("s\n");
    session.sees("which as its server says changes nothing");
    session.sees("`s` skips:");
    session.types("s\n");
    let (code, rest, _) = session.end();
    assert_eq!(code, 0, "{rest}");
}

#[test]
fn every_step_can_be_skipped() {
    let mut session = Session::at(home(), &["setup"]);
    session.sees("Numbers or names, or Enter to go on:");
    session.types("ctera, cisco, documents, remote\n");
    for asked in ["`ctera`: its address", "`cisco`: the way", "`documents`: the path", "`remote`: its address"] {
        session.sees(asked);
        session.types("s\n");
    }
    session.sees("Found here: cursor.");
    session.types("s\n");
    session.sees("give its");
    session.sees("Enter skips:");
    session.types("\n");
    let (code, rest, home) = session.end();
    assert_eq!(code, 0, "{rest}");
    assert!(rest.contains("goes on from here"), "{rest}");
    assert!(!home.path().join(".config/keyward/config.toml").exists());
    assert!(!home.path().join(".cursor/mcp.json").exists());
}

#[test]
fn the_path_of_a_folder_may_begin_at_home() {
    let home = home();
    std::fs::create_dir(home.path().join("papers, old")).expect("a folder");
    let folder = home.path().join("papers, old");
    let mut session = Session::at(home, &["setup"]);
    session.sees("Numbers or names, or Enter to go on:");
    session.types("documents\n");
    session.sees("`documents`: the path");
    session.types("~/papers, old\n");
    session.sees("Found here: cursor.");
    session.types("s\n");
    session.sees("`s` skips:");
    session.types("s\n");
    let (code, rest, home) = session.end();
    assert_eq!(code, 0, "{rest}");
    let written = std::fs::read_to_string(home.path().join(".config/keyward/config.toml")).expect("a configuration");
    assert!(written.contains(&format!("folders = [\"{}\"]", folder.display())), "{written}");
}

#[test]
fn a_login_that_fails_is_told_and_can_be_tried_again_or_skipped() {
    let mut session = Session::at(home(), &["setup"]);
    session.sees("Numbers or names, or Enter to go on:");
    session.types("remote\n");
    for next in ["r\n", "\n"] {
        session.sees("its address");
        session.sees("Enter skips:");
        session.types("http://example.com/mcp\n");
        session.sees("the way to sign in");
        session.sees("`s` skips:");
        session.types("\n");
        session.sees("cannot be used as an address");
        session.sees("tries `remote` again, Enter skips it:");
        session.types(next);
    }
    session.sees("Found here: cursor.");
    session.types("s\n");
    session.sees("give its");
    session.sees("Enter skips:");
    session.types("s\n");
    let (code, rest, _) = session.end();
    assert_eq!(code, 2, "{rest}");
    assert!(rest.contains("failed") && rest.contains("`remote`"), "{rest}");
}

#[test]
fn an_interrupt_leaves_nothing_half_done_and_says_what_stands() {
    let mut session = Session::at(home(), &["setup"]);
    session.sees("Numbers or names, or Enter to go on:");
    session.types("cisco\n");
    session.sees("the way to sign in");
    session.sees("`s` skips:");
    session.types("\n");
    session.sees("the client id");
    session.sees("Enter skips:");
    session.types("an-id\n");
    session.sees("it is not shown");
    session.becomes(false);
    session.presses('c');
    let (code, rest, home) = session.end();
    assert_eq!(code, 130, "{rest}");
    assert!(rest.contains("This stands:"), "{rest}");
    let written = std::fs::read_to_string(home.path().join(".config/keyward/config.toml")).unwrap_or_default();
    assert!(!written.contains("cisco"), "{written}");
}
