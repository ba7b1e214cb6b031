//! The README's table of backends is made from the list of backends.

use keyward::backends::{ALL, Way};

const BEGIN: &str = "<!-- backends: begin -->";
const END: &str = "<!-- backends: end -->";

fn table() -> String {
    let mut table = String::from("| backend | what it is | ways to sign in |\n|---|---|---|\n");
    for backend in ALL {
        let ways: Vec<&str> = backend.ways.iter().copied().map(Way::word).collect();
        table += &format!("| `{}` | {} | {} |\n", backend.name, backend.summary, ways.join(", "));
    }
    table
}

#[test]
fn the_table_of_backends_has_not_drifted() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = std::fs::read_to_string(&path).expect("a README");
    let (before, rest) = text.split_once(BEGIN).expect("a beginning");
    let (_, after) = rest.split_once(END).expect("an end");
    let expected = format!("{before}{BEGIN}\n{}{END}{after}", table());
    if std::env::var_os("KEYWARD_UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &expected).expect("written");
    }
    let text = std::fs::read_to_string(&path).expect("a README");
    assert!(text == expected, "the table is stale: KEYWARD_UPDATE_GOLDEN=1 cargo test");
}
