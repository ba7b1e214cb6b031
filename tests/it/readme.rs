//! The tables of backends, their toolsets and providers are made from their lists.

use keyward::backends::{ALL, Way};
use keyward::hosts;
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

fn hosts() -> String {
    let mut table = String::from("| host | command | then |\n|---|---|---|\n");
    for host in hosts::ALL {
        let then = if host.dialog.is_empty() {
            host.restart.to_owned()
        } else {
            format!("paste what it prints at {}; {}", host.dialog, host.restart)
        };
        table += &format!("| {} | `keyward install {}` | {then} |\n", host.title, host.name);
    }
    table
}

/// Nothing where no backend has toolsets.
pub fn toolsets() -> String {
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
    is_current("README.md", "backends", &table());
    is_current("README.md", "hosts", &hosts());
    is_current("docs/providers.md", "providers", &providers());
}

#[test]
fn the_figures_are_those_of_the_last_benchmark() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let page = std::fs::read_to_string(folder.join("benchmark.md")).expect("a page that the benchmark wrote");
    let told =
        page.split_once("<!-- benchmark: begin -->\n").and_then(|(_, rest)| rest.split_once("<!-- benchmark: end -->"));
    let (told, _) = told.expect("what the README says of it");
    assert!(told.lines().count() > 4 && told.contains("| floor | keyward |"), "{told}");
    is_current("README.md", "benchmark", told);
    let plots = page.split("](benchmark/").skip(1).filter_map(|rest| rest.split(')').next());
    let plots: Vec<&str> = plots.filter(|plot| folder.join("benchmark").join(plot).is_file()).collect();
    assert_eq!(plots.len(), 8, "{plots:?}");
}

/// Whether what stands between the marks of that name on a page is this table.
pub fn is_current(page: &str, name: &str, table: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let (begin, end) = (format!("<!-- {name}: begin -->"), format!("<!-- {name}: end -->"));
    let text = std::fs::read_to_string(&path).expect("a page");
    let (before, rest) = text.split_once(&begin).expect("a beginning");
    let (_, after) = rest.split_once(&end).expect("an end");
    let expected = format!("{before}{begin}\n{table}{end}{after}");
    if std::env::var_os("KEYWARD_UPDATE_GOLDEN").is_some() {
        let new = path.with_extension("new");
        std::fs::write(&new, &expected).and_then(|()| std::fs::rename(&new, &path)).expect("written");
    }
    let text = std::fs::read_to_string(&path).expect("a page");
    assert!(text == expected, "the table `{name}` of {page} is stale: KEYWARD_UPDATE_GOLDEN=1 cargo test");
}

/// The code spans of a table's last column.
pub fn shown_by(page: &str) -> Vec<String> {
    let rows = page.lines().filter(|line| line.starts_with('|')).skip(2);
    let last = rows.filter_map(|row| row.trim_end().strip_suffix('|')?.rsplit('|').next().map(str::to_owned));
    let spans = |cell: String| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    last.flat_map(spans).collect()
}

/// All that is in the files below a folder whose names end so.
pub fn texts(folder: &std::path::Path, ending: &str) -> String {
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
fn the_last_column_of_a_table_is_read() {
    let page = "words\n| a | b |\n|---|---|\n| `x` | `y` and `z/w` |\n| `x` | |\n";
    assert_eq!(shown_by(page), ["y", "z/w"]);
}
