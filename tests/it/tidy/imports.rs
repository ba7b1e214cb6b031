//! Who imports whom: the table in the crate header is the law, read from there.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Source, tokens};

/// For each module of the table the modules it may import.
pub type Map = BTreeMap<String, BTreeSet<String>>;

/// Reads the table of the crate header. A row says `nothing of ours`, names modules, `each other`, `everything above`
/// or `everything but` some.
pub fn map(header: &str) -> Map {
    let rows: Vec<(Vec<String>, &str)> = header
        .lines()
        .filter_map(|line| line.strip_prefix("//! | [`")?.split_once(" | "))
        .map(|(names, rule)| (quoted(&format!("[`{names}")), rule))
        .collect();
    let all: BTreeSet<String> = rows.iter().flat_map(|(names, _)| names.clone()).collect();
    let mut above = BTreeSet::new();
    let mut map = Map::new();
    for (names, rule) in rows {
        let named: BTreeSet<String> = quoted(rule).into_iter().collect();
        let mut allowed = if rule.contains("everything but") { &all - &named } else { named };
        if rule.contains("everything above") {
            allowed.extend(above.iter().cloned());
        }
        if rule.contains("each other") {
            allowed.extend(names.iter().cloned());
        }
        for name in &names {
            map.insert(name.clone(), allowed.clone());
        }
        above.extend(names);
    }
    map
}

fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(String::from).collect()
}

/// What the file imports against the map, one sentence each.
pub fn complaints(source: &Source, map: &Map) -> Vec<String> {
    let module = source.module();
    let Some(own) = module.first() else { return Vec::new() };
    if source.is_tests() {
        return Vec::new();
    }
    let Some(allowed) = map.get(own) else {
        return vec![format!("{}: `{own}` has no row in the import map of src/lib.rs", source.path)];
    };
    let mut found = BTreeSet::new();
    for path in paths(&source.code, &module) {
        if let Some(target) = path.first().filter(|target| *target != own && !allowed.contains(*target)) {
            // Items of the crate root are nobody's module.
            if map.contains_key(target) {
                found.insert(format!("{}: `{own}` may not import `{target}`", source.path));
            }
        }
    }
    found.into_iter().collect()
}

/// Every path that starts with `crate`, `super` or `self`, resolved from the crate root.
fn paths(code: &str, module: &[String]) -> Vec<Vec<String>> {
    let tokens = tokens(code);
    let mut found = Vec::new();
    // Modules written inside the file, each with the depth of its braces.
    let mut inside: Vec<(usize, String)> = Vec::new();
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match *token {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                inside.retain(|(opened, _)| *opened < depth + 1);
            }
            "mod" if tokens.get(at + 2) == Some(&"{") => {
                inside.extend(tokens.get(at + 1).map(|name| (depth + 1, (*name).to_owned())));
            }
            // In the middle of a path the word belongs to what the first one started.
            "crate" | "super" | "self" if at < 2 || tokens.get(at - 1) != Some(&":") => {
                let mut base = module.to_vec();
                base.extend(inside.iter().map(|(_, name)| name.clone()));
                follow(&tokens, at, base, &mut found);
            }
            _ => {}
        }
    }
    found
}

/// Follows one path from `at`, through groups, and returns where it ends.
fn follow(tokens: &[&str], mut at: usize, mut base: Vec<String>, found: &mut Vec<Vec<String>>) -> usize {
    loop {
        match tokens.get(at).copied() {
            Some("crate") => base.clear(),
            Some("super") => drop(base.pop()),
            Some("{") => {
                at += 1;
                while !matches!(tokens.get(at).copied(), Some("}") | None) {
                    at = if tokens.get(at) == Some(&",") { at + 1 } else { follow(tokens, at, base.clone(), found) };
                }
                return at + 1;
            }
            Some("self" | "*") => {}
            Some(word) if word.starts_with(|c: char| c.is_alphabetic() || c == '_') => base.push(word.to_owned()),
            _ => return at + 1,
        }
        at += 1;
        if tokens.get(at) == Some(&":") && tokens.get(at + 1) == Some(&":") {
            at += 2;
            continue;
        }
        found.push(base);
        // Past `as name`, so that the name is not taken for a path.
        return if tokens.get(at) == Some(&"as") { at + 2 } else { at };
    }
}

#[cfg(test)]
const HEADER: &str = "\
//! | module | may import |
//! |---|---|
//! | [`secret`] | nothing of ours |
//! | [`machine`], [`http`] | `secret`, each other |
//! | [`store`] | `secret` |
//! | [`app`] | everything above |
//! | [`cli`] | everything but `store` |
";

#[test]
fn the_table_of_the_header_is_understood() {
    let expected = [
        ("app", "http machine secret store"),
        ("cli", "app cli http machine secret"),
        ("http", "http machine secret"),
        ("machine", "http machine secret"),
        ("secret", ""),
        ("store", "secret"),
    ];
    let map = map(HEADER);
    let read: Vec<(&str, String)> =
        map.iter().map(|(name, to)| (name.as_str(), to.iter().cloned().collect::<Vec<_>>().join(" "))).collect();
    assert_eq!(read, expected.map(|(name, to)| (name, to.to_owned())));
}

#[test]
fn every_way_of_naming_a_forbidden_module_is_found() {
    let map = map(HEADER);
    for code in [
        "use crate::http::Http;",
        "use crate::{secret::Secret, http};",
        "use crate::{secret::{self, Secret}, http::{Http}};",
        "use super::super::http::Http;",
        "use super::super::{secret, http as web};",
        "fn a(b: &crate::http::Http) {}",
        "fn a() { let b = super::super::http::c(); }",
        "mod inner { use super::super::super::http::Http; }",
        "pub(crate) use crate :: http;",
        "pub use super::super::http::*;",
    ] {
        let source = Source::new("src/store/lock.rs", code);
        assert_eq!(complaints(&source, &map), ["src/store/lock.rs: `store` may not import `http`"], "{code}");
    }
}

#[test]
fn what_the_map_allows_is_left_alone() {
    let map = map(HEADER);
    for code in [
        "use crate::secret::Secret; use super::Key; use super::super::store::Key as K;",
        "use super::http::Inner; // a module of store's own",
        "// use crate::http;\nlet a = \"crate::http\";",
        "use http::Request; use ::http::Response;",
        "fn b() {}\n#[cfg(test)]\nmod tests { use crate::http::Http; }",
        "use crate::run; pub(crate) fn http() {}",
    ] {
        assert_eq!(complaints(&Source::new("src/store/lock.rs", code), &map), [""; 0], "{code}");
    }
    let tests = Source::new("src/store/tests.rs", "use crate::http::Http;");
    assert_eq!(complaints(&tests, &map), [""; 0]);
}

#[test]
fn a_module_without_a_row_is_refused() {
    let source = Source::new("src/extra/mod.rs", "");
    assert_eq!(
        complaints(&source, &map(HEADER)),
        ["src/extra/mod.rs: `extra` has no row in the import map of src/lib.rs"]
    );
}
