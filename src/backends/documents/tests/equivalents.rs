//! The table of equivalents is true: every call in it is run.

use super::*;

const TABLE: &str = include_str!("../equivalents.md");

/// The rows: what is theirs, our tool, the arguments.
fn rows() -> Vec<(&'static str, &'static str, Value)> {
    let rows = TABLE.lines().filter(|line| line.ends_with("}` |"));
    rows.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`')).collect();
        let [theirs, ours, arguments] = cells.as_slice() else { panic!("a row of another form: {line}") };
        (*theirs, *ours, serde_json::from_str(arguments).expect("JSON"))
    })
    .collect()
}

#[tokio::test]
async fn every_call_in_the_table_finds_something() {
    let stage = Stage::samples();
    for (theirs, ours, arguments) in rows() {
        let found = stage.good(ours, arguments).await;
        let is_found = found["content"].as_str().is_some_and(|text| !text.is_empty())
            || ["checklists", "processes", "documents", "results"]
                .iter()
                .any(|list| found[*list][0]["name"].is_string());
        assert!(is_found, "{theirs}: {found}");
    }
}

#[test]
fn every_one_of_their_tools_is_in_the_table_with_the_name_it_has_here() {
    let theirs = ["list_checklists", "get_checklist", "list_processes", "get_process", "search_processes"];
    for name in theirs {
        assert!(rows().iter().any(|(theirs, ours, _)| *theirs == name && *ours == name), "{name}");
    }
}
