//! What an attacker may try, one test a row of the list of security tests: S01 to S50, over the whole program.
//!
//! The numbers are the rows' names, so that a missing one is seen: [`every_row_has_a_test_or_a_reason`]. Here the
//! program runs from its command line to its exit code; the modules under attack have tests of their own beside them.

pub mod callback;
mod listener;
pub mod meddler;
pub mod metadata;
mod secrets;
mod tokens;

pub use tokens::protected;

use std::fs;
use std::path::Path;

/// Rows that cannot be tested here, and why.
const UNTESTABLE: [(&str, &str); 0] = [];

/// The rows of a list that neither a test nor a reason stands for.
fn missing(letter: char, last: u32, sources: &str) -> Vec<String> {
    let named = |row: &str| sources.contains(&format!("fn {row}_")) || sources.contains(&format!("def {row}_"));
    (1..=last)
        .map(|number| format!("{letter}{number:02}"))
        .filter(|row| !named(&row.to_lowercase()) && !UNTESTABLE.iter().any(|(untestable, _)| untestable == row))
        .collect()
}

fn all(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            all(&path, text);
        } else if path.extension().is_some_and(|ending| ending == "rs" || ending == "py") {
            text.push_str(&fs::read_to_string(&path).expect("a text"));
        }
    }
}

#[test]
fn every_row_has_a_test_or_a_reason() {
    let mut sources = String::new();
    for folder in ["src", "tests"] {
        all(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut sources);
    }
    assert_eq!(missing('S', 50, &sources), Vec::<String>::new());
    assert_eq!(missing('R', 28, &sources), Vec::<String>::new());
}

#[test]
fn a_row_without_a_test_is_found() {
    assert_eq!(missing('S', 3, "fn s01_a() {} def s03_b():"), ["S02"]);
}
