//! Names and words that do not belong here, and the one that may only stand in a few places.

use super::source::{Source, tokens};

/// Module names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 6] = ["utils", "util", "helpers", "common", "manager", "types"];
/// Parts of names for which the project has another word: login.
const SYNONYMS: [&str; 2] = ["signin", "authenticate"];
/// Names that keep such a part: an HTTP header, and what one does with a key.
const NO_SYNONYMS: [&str; 2] = ["www_authenticate", "signing"];

/// Names against the house style, one sentence each.
pub fn names(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    let mut complain = |what: String| found.push(format!("{}: {what}", source.path));
    if let Some(name) = source.module().last().filter(|name| EMPTY_NAMES.contains(&name.as_str())) {
        complain(format!("a module `{name}` says nothing about what is inside"));
    }
    let tokens = tokens(&source.code);
    for (at, token) in tokens.iter().enumerate() {
        let previous = at.checked_sub(1).and_then(|at| tokens.get(at)).copied();
        if previous == Some("fn") && token.starts_with("get_") {
            complain(format!("`{token}`: a getter has no `get_`"));
        }
        if previous == Some("mod") && EMPTY_NAMES.contains(token) {
            complain(format!("a module `{token}` says nothing about what is inside"));
        }
        let lower = NO_SYNONYMS.iter().fold(token.to_lowercase(), |name, word| name.replace(word, ""));
        if SYNONYMS.iter().any(|word| lower.contains(word)) {
            complain(format!("`{token}`: the word is login"));
        }
        if *token == "allow"
            && previous == Some("[")
            && at.checked_sub(2).is_some_and(|at| matches!(tokens.get(at), Some(&"#" | &"!")))
        {
            complain("`allow` hides a lint for good; `expect` with a reason does not".to_owned());
        }
    }
    found
}

/// Text that must not be in any file, code or not. The words are put together here, so that this file has none.
pub fn text(path: &str, text: &str) -> Vec<String> {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X"), concat!("HA", "CK")];
    let fragments = [concat!("/wo", "rk/"), concat!("iss", "ue #"), concat!("/ro", "ot/")];
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let words = line.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        for word in words.filter(|word| marks.contains(word)) {
            found.push(format!("{path}:{number}: `{word}`"));
        }
        let lower = line.to_lowercase();
        for fragment in fragments.iter().filter(|fragment| lower.contains(**fragment)) {
            found.push(format!("{path}:{number}: `{fragment}`"));
        }
    }
    found
}

/// Files where a secret leaves its type without being on the list, and entries of the list that no longer do.
pub fn exposures(sources: &[Source], list: &[(&str, &str)]) -> Vec<String> {
    let calls = |source: &&Source| {
        let tokens = tokens(&source.code);
        !source.is_tests() && tokens.windows(2).any(|pair| matches!(pair, ["." | ":", "expose"]))
    };
    let exposing: Vec<&str> = sources.iter().filter(calls).map(|source| source.path.as_str()).collect();
    let unlisted = exposing.iter().filter(|path| list.iter().all(|(listed, _)| listed != *path));
    let stale = list.iter().filter(|(listed, _)| !exposing.contains(listed));
    unlisted
        .map(|path| format!("{path}: a secret leaves here, and the list of tidy does not say why"))
        .chain(stale.map(|(path, _)| format!("{path}: on the list of tidy, but no secret leaves here")))
        .collect()
}

#[test]
fn names_with_another_word_are_found() {
    for (code, word) in [
        ("fn get_token() {}", "get_token"),
        ("struct SignInPage;", "SignInPage"),
        ("struct Signin;", "Signin"),
        ("fn authenticate() {}", "authenticate"),
        ("mod helpers;", "helpers"),
        ("#[allow(dead_code)] fn a() {}", "allow"),
        ("#![allow(dead_code)]", "allow"),
    ] {
        let found = names(&Source::new("src/app/login.rs", code));
        assert!(found.len() == 1 && found[0].contains(&format!("`{word}`")), "{code}: {found:?}");
    }
    assert_eq!(names(&Source::new("src/app/utils.rs", "")).len(), 1);
    assert_eq!(names(&Source::new("src/app/utils/mod.rs", "")).len(), 1);
}

#[test]
fn names_that_only_look_like_it_are_left_alone() {
    let code = "use http::header::WWW_AUTHENTICATE; struct SigningKey; fn getter() {} let a = map.get(b); fn allow() {} // authenticate\nlet c = \"signin\";";
    assert_eq!(names(&Source::new("src/app/login.rs", code)), [""; 0]);
}

#[test]
fn marks_and_machine_paths_are_found_with_their_line() {
    let mark = concat!("TO", "DO");
    let sample = format!("fine\n// {mark}: later\nsee {} 5 in {}x\n", concat!("Iss", "ue #"), concat!("/wo", "rk/"));
    assert_eq!(
        text("a.rs", &sample),
        [
            format!("a.rs:2: `{mark}`"),
            format!("a.rs:3: `{}`", concat!("/wo", "rk/")),
            format!("a.rs:3: `{}`", concat!("iss", "ue #"))
        ]
    );
    assert_eq!(text("a.rs", "MASTODON todos network/a issue 5"), [""; 0]);
}

#[test]
fn a_secret_leaves_only_where_the_list_says_why() {
    let sources = [
        Source::new("src/a.rs", "fn b(c: Secret) { c.expose(); }"),
        Source::new("src/d.rs", "let e = f.map(Secret::expose);"),
        Source::new("src/g.rs", "// h.expose()\nfn expose() {}\n#[cfg(test)]\nmod tests { fn i() { j.expose(); } }"),
        Source::new("src/k/tests.rs", "l.expose();"),
    ];
    assert_eq!(
        exposures(&sources, &[("src/a.rs", "why"), ("src/g.rs", "no longer")]),
        [
            "src/d.rs: a secret leaves here, and the list of tidy does not say why",
            "src/g.rs: on the list of tidy, but no secret leaves here",
        ]
    );
}
