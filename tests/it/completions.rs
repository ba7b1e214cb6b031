//! The completion scripts, and what `keyward complete` answers them.

use keyward::report::Exit;

use crate::world::World;

const CONFIG: &str = "[connections.box]\nbackend = \"remote\"\nurl = \"https://box.example.com/mcp\"\n\
    [connections.support]\nbackend = \"cisco\"\nclient_id = \"abc\"\n";

/// The values offered for the last word after the others.
fn offered(world: &World, words: &[&str]) -> Vec<String> {
    let (word, before) = words.split_last().expect("a word");
    let word = format!("--word={word}");
    let ran = world.run(&[&["complete", &word, "--"], before].concat()).failed(Exit::Done);
    assert_eq!(ran.err, "", "whoever completes is typing");
    ran.out.lines().skip(1).filter_map(|line| line.split('\t').next()).map(String::from).collect()
}

#[test]
fn the_committed_scripts_are_printed() {
    for (shell, file) in
        [("bash", "keyward.bash"), ("zsh", "_keyward"), ("fish", "keyward.fish"), ("powershell", "keyward.ps1")]
    {
        let ran = World::new().run(&["completions", shell]).failed(Exit::Done);
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("completions").join(file);
        assert_eq!(ran.out, std::fs::read_to_string(path).expect("a script"));
        assert!(!ran.out.contains("eval"), "{file}");
    }
}

#[test]
fn names_of_the_configuration_are_offered() {
    let world = World::new().config(CONFIG);
    assert_eq!(offered(&world, &["login", "b"]), ["box"]);
    assert_eq!(offered(&world, &["serve", "--only", "tavily,su"]), ["tavily,support"]);
    assert_eq!(offered(&world, &["config", "set", "connections.box.u"]), ["connections.box.url"]);
    assert_eq!(
        offered(&world, &["config", "unset", "connections.b"]).first().map(String::as_str),
        Some("connections.box")
    );
    assert_eq!(offered(&world, &["config", "set", "connections.support.toolsets", "ca"]), ["cases"]);
    assert_eq!(offered(&world, &["config", "set", "connections.box.way", "b"]), ["bearer"]);
}

#[test]
fn tools_and_their_arguments_are_offered() {
    let world = World::new();
    assert_eq!(offered(&world, &["call", "tavily_s"]), ["tavily_search"]);
    assert_eq!(offered(&world, &["call", "tavily_search", "quer"]), ["query="]);
    assert_eq!(offered(&world, &["call", "tavily_search", "query=x", "max_r"]), ["max_results="]);
}

#[test]
fn hosts_are_offered_where_one_is_installed_into() {
    let world = World::new();
    assert_eq!(offered(&world, &["install", "cur"]), ["cursor"]);
    assert_eq!(offered(&world, &["install", "cursor", "ze"]), ["zed"]);
    assert!(offered(&world, &["credential", "kubectl", "box", "cur"]).is_empty(), "another kind of host");
}

#[test]
fn a_broken_configuration_has_no_names_and_no_complaint() {
    for text in
        ["nonsense = [", "[connections.box]\nnonsense = 1\n", "[connections.\"$(touch x)\"]\nbackend = \"remote\"\n"]
    {
        let world = World::new().config(text);
        assert!(offered(&world, &["login", ""]).is_empty(), "{text}");
        assert!(offered(&world, &["call", ""]).is_empty(), "{text}");
        assert_eq!(offered(&world, &["log"]), ["login", "logout"], "commands are known all the same");
    }
}

#[test]
fn the_configuration_that_the_line_names_is_the_one_that_counts() {
    let world = World::new();
    let other = world.folder.path().join("other.toml");
    std::fs::write(&other, CONFIG).expect("written");
    let other = other.to_string_lossy();
    assert_eq!(offered(&world, &["--config", &other, "login", "b"]), ["box"]);
    assert_eq!(offered(&world, &[&format!("--config={other}"), "login", "b"]), ["box"]);
    assert!(offered(&world, &["login", "b"]).is_empty());
}

#[test]
fn completing_leaves_nothing_behind() {
    let world = World::new().config(CONFIG);
    let before = files(world.folder.path());
    offered(&world, &["call", ""]);
    offered(&world, &["login", ""]);
    assert_eq!(files(world.folder.path()), before);
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut all = Vec::new();
    for entry in folder.read_dir().into_iter().flatten().flatten() {
        all.push(entry.path());
        all.extend(files(&entry.path()));
    }
    all.sort();
    all
}
