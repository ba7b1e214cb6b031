//! The table of equivalents is true: every call in it is run, in its order.

use super::tools::Stage;
use super::*;

const TABLE: &str = include_str!("../equivalents.md");

/// The rows: what is theirs, our tool, the arguments.
fn rows() -> Vec<(&'static str, &'static str, Value)> {
    let rows = TABLE.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`')).collect();
        let [theirs, ours, arguments] = cells.as_slice() else { panic!("a row of another form: {line}") };
        (*theirs, *ours, serde_json::from_str(arguments).expect("JSON"))
    })
    .collect()
}

#[tokio::test]
async fn every_call_in_the_table_does_what_theirs_was_for() {
    let (own, admin) = (Stage::of("alice"), Stage::at("/admin", "root"));
    for (theirs, ours, arguments) in rows() {
        let is_admin = ours == "portals" || arguments.get("portal").is_some();
        let found = if is_admin { admin.good(ours, arguments).await } else { own.good(ours, arguments).await };
        assert!(found.as_object().is_some_and(|found| !found.is_empty()), "{theirs}");
        assert!(ours != "info" || found["permalink"].is_string(), "{found}");
    }
}

#[test]
fn every_one_of_their_tools_is_in_the_table_once() {
    let theirs: std::collections::BTreeSet<&str> = rows().into_iter().map(|(theirs, ..)| theirs).collect();
    assert_eq!((theirs.len(), rows().len()), (19, 19));
}
