//! The pages of the manual are those of this command line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Command;
use keyward::report::Exit;

use crate::world::World;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("man")
}

/// The name and the text of every page.
fn pages() -> BTreeMap<String, String> {
    let mut pages = BTreeMap::new();
    let mut add = |words: &[&str]| {
        let name = [&["keyward"], words].concat().join("-");
        let page = World::new().run(&[&["man"], words].concat()).failed(Exit::Done).out;
        pages.insert(format!("{name}.1"), page);
    };
    add(&[]);
    let is_shown = |command: &&Command| !command.is_hide_set();
    let root = keyward::cli::definition();
    for command in root.get_subcommands().filter(is_shown) {
        add(&[command.get_name()]);
        for inner in command.get_subcommands().filter(is_shown) {
            add(&[command.get_name(), inner.get_name()]);
        }
    }
    pages
}

#[test]
fn the_help_in_the_manual_has_not_drifted() {
    let pages = pages();
    let folder = folder();
    // One environment variable rewrites every golden file.
    if std::env::var_os("KEYWARD_UPDATE_GOLDEN").is_some() {
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        for (name, page) in &pages {
            std::fs::write(folder.join(name), page).expect("written");
        }
    }
    let entries = folder.read_dir().into_iter().flatten().flatten();
    let there: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let strangers: Vec<_> = there.iter().filter(|name| !pages.contains_key(*name)).collect();
    assert!(strangers.is_empty(), "no command has the pages {strangers:?}: KEYWARD_UPDATE_GOLDEN=1 cargo test");
    for (name, page) in &pages {
        let committed = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(committed == *page, "`man/{name}` is stale: KEYWARD_UPDATE_GOLDEN=1 cargo test");
    }
}

#[test]
fn a_page_that_is_not_there_names_the_nearest_one() {
    let ran = World::new().run(&["man", "logni"]).failed(Exit::Usage);
    assert_eq!(ran.err, "error: `logni` has no page in the manual\nhint:  the nearest command is `login`\n");
    World::new().run(&["man", "complete"]).failed(Exit::Usage);
}
