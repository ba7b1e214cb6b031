//! The README's tables of backends, their toolsets and providers are made from their lists.

use keyward::backends::{ALL, Way};
use keyward::providers::{self, Provider, Secret};

fn providers() -> String {
    let secret = |provider: &Provider| if provider.secret != Secret::Unasked { "with its secret" } else { "public" };
    let mut table = String::from("| provider | word | redirect address to register | client |\n|---|---|---|---|\n");
    for provider in providers::ALL {
        let (title, word) = (provider.title, provider.name);
        table += &format!("| {title} | `{word}` | {} | {} |\n", provider.redirect.text(), secret(provider));
    }
    table
}

fn table() -> String {
    let mut table = String::from("| backend | what it is | ways to sign in |\n|---|---|---|\n");
    for backend in ALL {
        let way = |way: &Way| match backend.note(*way) {
            None => way.word().to_owned(),
            Some(note) => format!("{} ({note})", way.word()),
        };
        let ways: Vec<String> = backend.ways.iter().map(way).collect();
        table += &format!("| `{}` | {} | {} |\n", backend.name, backend.summary, ways.join(", "));
    }
    table
}

/// Nothing where no backend has toolsets.
fn toolsets() -> String {
    let mut table = String::new();
    for backend in ALL {
        for set in backend.toolsets {
            let usually = if set.is_usual { "on" } else { "off" };
            table += &format!("| `{}` | `{}` | {} | {usually} |\n", backend.name, set.name, set.summary);
        }
    }
    let head = "| backend | toolset | what is in it | usually |\n|---|---|---|---|\n";
    if table.is_empty() { table } else { format!("\n{head}{table}\n") }
}

#[test]
fn the_tables_have_not_drifted() {
    for (name, table) in [("backends", table()), ("toolsets", toolsets()), ("providers", providers())] {
        is_current(&format!("<!-- {name}: begin -->"), &format!("<!-- {name}: end -->"), &table);
    }
}

fn is_current(begin: &str, end: &str, table: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = std::fs::read_to_string(&path).expect("a README");
    let (before, rest) = text.split_once(begin).expect("a beginning");
    let (_, after) = rest.split_once(end).expect("an end");
    let expected = format!("{before}{begin}\n{table}{end}{after}");
    if std::env::var_os("KEYWARD_UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &expected).expect("written");
    }
    let text = std::fs::read_to_string(&path).expect("a README");
    assert!(text == expected, "the table is stale: KEYWARD_UPDATE_GOLDEN=1 cargo test");
}

/// The code spans of a table's last column.
fn shown_by(page: &str) -> Vec<String> {
    let rows = page.lines().filter(|line| line.starts_with('|')).skip(2);
    let last = rows.filter_map(|row| row.trim_end().strip_suffix('|')?.rsplit('|').next().map(str::to_owned));
    let spans = |cell: String| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    last.flat_map(spans).collect()
}

/// All that is in the files below a folder whose names end so.
fn texts(folder: &std::path::Path, ending: &str) -> String {
    let mut all = String::new();
    for entry in folder.read_dir().into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            all += &texts(&path, ending);
        } else if path.to_string_lossy().ends_with(ending) {
            all += &std::fs::read_to_string(&path).unwrap_or_default();
        }
    }
    all
}

#[test]
fn what_is_said_about_bridges_is_shown_by_tests_that_exist() {
    let top = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(top.join("src/backends/remote/bridges.md")).expect("the page");
    let rust = texts(&top.join("src"), ".rs") + &texts(&top.join("tests"), ".rs");
    let names = shown_by(&page);
    assert!(names.len() > 20, "the table was not understood: {names:?}");
    let missing: Vec<&String> = names
        .iter()
        .filter(|name| match name.split_once('/') {
            Some((ring, case)) => !texts(&top.join("tests/peers").join(ring), ".py").contains(&format!("def {case}(")),
            None => !rust.contains(&format!("fn {name}(")),
        })
        .collect();
    assert!(missing.is_empty(), "no such tests: {missing:?}");
}

#[test]
fn the_last_column_of_a_table_is_read() {
    let page = "words\n| a | b |\n|---|---|\n| `x` | `y` and `z/w` |\n| `x` | |\n";
    assert_eq!(shown_by(page), ["y", "z/w"]);
}
