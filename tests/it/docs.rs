//! The pages under `docs`: what is generated has not drifted, what is quoted exists, what is claimed is shown.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use keyward::backends::{ALL, Backend};

use crate::readme::{is_current, shown_by, texts, toolsets};
use crate::reports::parses;
use crate::world::World;

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pages for people, README first.
fn pages() -> Vec<(PathBuf, String)> {
    let docs = top().join("docs").read_dir().expect("the folder").map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<PathBuf> = docs.filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    paths.sort();
    paths.insert(0, top().join("README.md"));
    paths.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).expect("a page"))).collect()
}

/// Every tool of every backend, with all its toolsets and whatever way of signing in it has.
fn tools() -> String {
    let mut page = String::new();
    for backend in ALL {
        let named = backend.name;
        let ways = backend.ways.iter().flat_map(|way| rows_of(backend, way.word()));
        let rows: BTreeSet<String> = ways.collect();
        page += &format!("\n## `{named}`: {}\n\n", backend.summary);
        page +=
            if rows.is_empty() { "The tools of the server that it leads to, under their own names.\n" } else { HEAD };
        page.extend(rows);
    }
    page += "\n";
    page
}

fn rows_of(backend: &Backend, way: &str) -> Vec<String> {
    let (named, url) = (backend.name, backend.url.unwrap_or("https://service.example/"));
    let sets = if backend.toolsets.is_empty() { "" } else { "toolsets = [\"all\"]\n" };
    let folders = tempfile::tempdir().expect("a folder");
    let mut text = format!("[connections.{named}]\nbackend = \"{named}\"\nurl = \"{url}\"\nway = \"{way}\"\n{sets}");
    if backend.is_local() {
        text = format!("[connections.{named}]\nfolders = [\"{}\"]\n", folders.path().display());
    }
    let listed = World::new().config(&text).run(&["tools", "--json"]).done().json();
    let tools = listed["tools"].as_array().expect("tools").iter();
    let is_its =
        |tool: &&serde_json::Value| tool["name"].as_str().is_some_and(|name| name.starts_with(&format!("{named}_")));
    tools.filter(is_its).map(row).collect()
}

const HEAD: &str = "| tool | what it is | what it changes | arguments; **needed** |\n|---|---|---|---|\n";

fn row(tool: &serde_json::Value) -> String {
    let hint = |name: &str| tool["annotations"][name].as_bool().unwrap_or_default();
    let changes = match (hint("readOnlyHint"), hint("destructiveHint")) {
        (true, _) => "nothing",
        (false, false) => "adds",
        (false, true) => "changes or deletes",
    };
    let schema = &tool["inputSchema"];
    let needed: BTreeSet<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(|one| one.as_str()).collect();
    let name =
        |name: &String| if needed.contains(name.as_str()) { format!("**`{name}`**") } else { format!("`{name}`") };
    let arguments: Vec<String> =
        schema["properties"].as_object().into_iter().flatten().map(|(one, _)| name(one)).collect();
    let text = |name: &str| tool[name].as_str().unwrap_or_default().replace('|', "\\|");
    format!("| `{}` | {} | {changes} | {} |\n", text("name"), text("title"), arguments.join(" "))
}

/// Every failure that the goldens hold, as rows: the error, its causes and its hints.
fn failures() -> BTreeSet<String> {
    let goldens = top().join("tests/it/snapshots").read_dir().expect("the goldens");
    let row = |text: String| {
        let lines = |word: &str| {
            let found =
                text.lines().filter_map(|line| line.strip_prefix(word)).map(|line| line.trim().replace('|', "\\|"));
            found.collect::<Vec<_>>().join("<br>")
        };
        let error = lines("error:");
        (!error.is_empty()).then(|| format!("| {error} | {} | {} |\n", lines("cause:"), lines("hint:")))
    };
    let texts = goldens.map(|entry| std::fs::read_to_string(entry.expect("an entry").path()).expect("a golden"));
    texts.filter_map(row).collect()
}

fn every_failure() -> String {
    let rows: String = failures().into_iter().collect();
    format!("\n| error | cause | what helps |\n|---|---|---|\n{rows}\n")
}

#[test]
fn what_is_generated_has_not_drifted() {
    is_current("docs/tools.md", "toolsets", &toolsets());
    is_current("docs/tools.md", "tools", &tools());
    is_current("docs/troubleshooting.md", "errors", &every_failure());
}

/// The code spans of a text.
fn spans(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_error_that_is_quoted_is_one_that_keyward_says() {
    // What only a real network brings about is worded in these sources.
    let words = texts(&top().join("src/report"), ".rs") + &texts(&top().join("src/http"), ".rs");
    let goldens = texts(&top().join("tests/it/snapshots"), ".snap") + &words;
    for (path, page) in pages() {
        let Some((_, table)) = page.split_once("| you see |") else { continue };
        let rows: Vec<&str> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
        assert!(rows.len() > 5, "{}", path.display());
        for row in rows {
            let cell = row.trim_start_matches('|').split(" | ").next().expect("a cell").trim();
            let said = cell.trim_matches('`').trim();
            let parts = said.split('…').map(|part| part.trim().replace("`x`", "`"));
            let parts: Vec<String> = parts.map(|part| part.trim_matches('`').trim().to_owned()).collect();
            assert!(parts.iter().map(String::len).sum::<usize>() > 9, "{}: {cell} could be anything", path.display());
            // All of it in one message, in this order.
            let is_said = goldens.lines().any(|line| {
                parts.iter().try_fold(line, |rest, part| rest.split_once(part.as_str()).map(|(_, rest)| rest)).is_some()
            });
            assert!(is_said, "{}: keyward never says {cell}", path.display());
        }
    }
}

/// The commands of this program in blocks of a shell, and in code spans outside of blocks.
fn commands(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fence: Option<&str> = None;
    for line in page.lines() {
        if let Some(language) = line.trim().strip_prefix("```") {
            fence = if fence.is_some() { None } else { Some(language) };
            continue;
        }
        let line = line.trim();
        match fence {
            None => found.extend(spans(line).into_iter().filter(|span| span.starts_with("keyward "))),
            Some("console") => found.extend(line.strip_prefix("$ ").map(str::to_owned)),
            Some("sh") => found.push(line.split(" #").next().unwrap_or_default().trim().to_owned()),
            Some(_) => {}
        }
    }
    found.retain(|command| command.starts_with("keyward ") && !command.contains('|'));
    found
}

/// What a placeholder in capitals is replaced by, so that the rest can be judged.
fn filled(command: &str) -> String {
    let words = command.replace(" …", "").replace('\'', "");
    let words = words.split_whitespace().map(|word| match word {
        "HOST" => "cursor",
        "SHELL" => "bash",
        "SECONDS" | "PORT" => "9",
        "WAY" => "oauth",
        word if word.starts_with("name=") => "a=b",
        word => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

fn is_whole(command: &str) -> bool {
    let error = keyward::cli::definition().try_get_matches_from(command.split(' ')).err();
    !error.is_some_and(|error| {
        use clap::error::ErrorKind::{
            DisplayHelpOnMissingArgumentOrSubcommand, MissingRequiredArgument, MissingSubcommand,
        };
        matches!(error.kind(), DisplayHelpOnMissingArgumentOrSubcommand | MissingRequiredArgument | MissingSubcommand)
    })
}

#[test]
fn every_command_in_the_pages_is_one_that_keyward_takes() {
    let mut seen = 0;
    for (_, page) in pages() {
        for command in commands(&page) {
            seen += 1;
            // A command that is only spoken of may leave out what it needs.
            if is_whole(&filled(&command)) {
                parses(&filled(&command));
            }
        }
    }
    assert!(seen > 40, "{seen} commands were found");
}

#[test]
fn every_link_to_a_file_leads_to_one() {
    for (path, page) in pages() {
        let links = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let srcs =
            page.split("src=\"").chain(page.split("srcset=\"")).skip(1).filter_map(|rest| rest.split('"').next());
        for link in
            links.chain(srcs).filter(|link| !link.contains(':') && !link.starts_with('#') && !link.contains('\n'))
        {
            let file = path.parent().expect("a folder").join(link.split('#').next().expect("a file"));
            assert!(file.exists(), "{}: {link}", path.display());
        }
    }
}

#[test]
fn what_is_claimed_is_shown_by_tests_that_exist() {
    let rust = texts(&top().join("src"), ".rs") + &texts(&top().join("tests"), ".rs");
    for (name, least) in [("src/backends/remote/bridges.md", 20), ("docs/security.md", 20), ("docs/comparison.md", 15)]
    {
        let page = std::fs::read_to_string(top().join(name)).expect("the page");
        let names = shown_by(&page);
        assert!(names.len() > least, "the tables of {name} were not understood: {names:?}");
        let missing: Vec<&String> = names.iter().filter(|name| !is_test(&rust, name)).collect();
        assert!(missing.is_empty(), "{name}: no such tests: {missing:?}");
    }
}

/// A test of that name, or a case of a ring that is run: `remote/form`.
fn is_test(rust: &str, name: &str) -> bool {
    match name.split_once('/') {
        Some((ring, case)) => ["tests/peers", "tests"].iter().any(|folder| {
            let text = texts(&top().join(folder).join(ring), ".py");
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            text.contains(&format!("def {case}("))
                && text.split(|c| !is_word(c)).filter(|word| *word == case).count() > 1
        }),
        None => {
            let begun = format!("fn {name}(");
            let named = rust.match_indices(&begun).filter_map(|(at, _)| rust.get(..at));
            let mut attributes = named.map(|before| before.rsplit("\n\n").next().unwrap_or_default());
            attributes.any(|text| text.contains("#[test]") || text.contains("#[tokio::test"))
        }
    }
}

/// The session at the top of the README: each command with the lines below it.
fn session() -> Vec<(String, Vec<String>)> {
    let page = std::fs::read_to_string(top().join("README.md")).expect("a README");
    let block = page.split_once("```console\n").and_then(|(_, rest)| rest.split_once("```")).expect("a session").0;
    let parts = block.split("$ ").skip(1).map(|part| part.split_once('\n').expect("a command and its lines"));
    let lines = |text: &str| text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
    parts.map(|(command, said)| (command.to_owned(), lines(said))).collect()
}

/// A line up to what the README leaves out, with every number as the same one.
fn shape(line: &str) -> String {
    let kept = line.split('…').next().unwrap_or_default().trim_end();
    let mut shape = String::new();
    for c in kept.chars() {
        match c.is_ascii_digit() && !kept.starts_with("ey") {
            true if shape.ends_with('0') => {}
            true => shape.push('0'),
            false => shape.push(c),
        }
    }
    shape
}

#[test]
fn the_session_in_the_readme_is_what_keyward_says() {
    let world = World::with_sandbox();
    let (resource, issuer) = (world.resource(), world.sandbox().issuer().to_owned());
    let host = issuer.trim_end_matches("/as").to_owned();
    let session = session();
    assert!(session.len() > 3, "{session:?}");
    for (command, expected) in session {
        let words: Vec<String> =
            command.split(' ').skip(1).map(|word| word.replace("https://mcp.example.com/mcp", &resource)).collect();
        let ran = world.run(&words.iter().map(String::as_str).collect::<Vec<_>>()).done();
        let said = format!("{}{}", ran.err, ran.out).replace(&host, "https://login.example.com");
        let said: Vec<&str> = said.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(said.len(), expected.len(), "{command}: {said:?}");
        for (said, expected) in said.iter().zip(&expected) {
            assert!(shape(said).starts_with(&shape(expected)), "{command}: {said} is not {expected}");
        }
    }
}

#[test]
fn the_readme_is_short_enough_to_be_read() {
    let lines = std::fs::read_to_string(top().join("README.md")).expect("a README").lines().count();
    assert!(lines < 250, "{lines} lines");
}

#[test]
fn commands_are_found_where_people_copy_them_from() {
    let page = "`keyward a` and `x`\n```sh\nkeyward b  # why\nls\n```\n```console\n$ keyward c\nkeyward is\n```\n";
    assert_eq!(commands(page), ["keyward a", "keyward b", "keyward c"]);
}
