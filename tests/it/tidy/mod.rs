//! The house rules that no lint knows: who imports whom, sizes, names, words, and where a secret may leave its type.
//!
//! Each check is a function from text to complaints and has a test on a small text, so that it is known to be able to fail.

mod imports;
mod source;
mod words;

use std::fs;
use std::path::Path;

use source::{Source, files};

/// The files where a secret leaves its type, and why it must there.
const EXPOSURES: &[(&str, &str)] = &[
    ("src/app/audit.rs", "a refresh token becomes its keyed fingerprint"),
    ("src/app/claims.rs", "the claims of the access token are read and shown"),
    ("src/app/client.rs", "a registered client is written into its stored form, which is a secret again"),
    ("src/app/grant.rs", "the token becomes a header's value, which is a secret again"),
    ("src/app/grant/stored.rs", "a grant is written into its stored form, which is a secret again"),
    (
        "src/app/headers.rs",
        "a value is looked at, written into its stored form, which is a secret again, and becomes a header",
    ),
    ("src/app/key.rs", "what was pasted is checked and trimmed; the rest is a secret again"),
    (
        "src/app/secret_of_client.rs",
        "a client's secret or key is written into its stored form, which is a secret again",
    ),
    ("src/app/session/binding.rs", "the stored key is compared with the one in use"),
    ("src/app/session/spill.rs", "a grant is encrypted, and the key for that is read"),
    ("src/app/supplier.rs", "the token of the environment becomes a header's value, and its shape tells what it is"),
    ("src/app/token.rs", "the characters of a token from the environment are looked at"),
    ("src/backends/ctera/kept.rs", "what opens sessions is written into its stored form, which is a secret again"),
    ("src/backends/ctera/open.rs", "a password or a ticket is sent to the Portal, and a session becomes a header"),
    (
        "src/backends/ctera/sign_in/device.rs",
        "a code or a password is sent to the Portal in exchange for a device's secret",
    ),
    ("src/backends/ctera/sign_in/discreet.rs", "what was typed is remembered, to be hidden in what comes back"),
    ("src/backends/ctera/sign_in/mod.rs", "what was typed is looked at; a name is no secret"),
    ("src/backends/http.rs", "the credential becomes a header of the request"),
    (
        "src/backends/netbox/token.rs",
        "a token is told by its shape, and written into its stored form or a header's value",
    ),
    (
        "src/backends/netbox/sign_in.rs",
        "what was typed is looked at, sent once, and noted to be hidden in what comes back",
    ),
    ("src/backends/netbox/who.rs", "the token becomes a header of the request"),
    ("src/cli/credential/docker.rs", "handing the token to Docker is what the command is for"),
    ("src/cli/credential/git.rs", "handing the token to git is what the command is for"),
    ("src/cli/credential/kubectl.rs", "handing the token to a Kubernetes client is what the command is for"),
    ("src/cli/login/own.rs", "what was pasted is compared with the address that the browser was sent back to"),
    ("src/cli/setup/ask.rs", "what was typed in sight, as the answer to a question, is no secret"),
    ("src/cli/token.rs", "printing the token is what the command is for"),
    (
        "src/oauth/account.rs",
        "the identity token is checked and its claims are read; the access token is compared with its `at_hash`",
    ),
    ("src/oauth/assertion.rs", "a random id becomes a claim"),
    ("src/oauth/attempt.rs", "state and nonce become parameters of the address for the browser"),
    ("src/oauth/device.rs", "the device code is sent to the token endpoint"),
    ("src/oauth/dpop.rs", "a token is hashed for a proof, and a proof becomes a header"),
    ("src/oauth/end_session.rs", "a state becomes a parameter of the address for the browser"),
    ("src/oauth/endpoint.rs", "the client identifies itself: its secret becomes a header or a member of the form"),
    ("src/oauth/introspect.rs", "the token is sent to the introspection endpoint"),
    ("src/oauth/jose.rs", "a private key is read from its PEM"),
    ("src/oauth/listener/shared.rs", "random text becomes paths of the listener"),
    ("src/oauth/management.rs", "what opens a registration becomes a header"),
    ("src/oauth/paste.rs", "what was pasted is compared with the redirect address, and its query is judged"),
    ("src/oauth/random.rs", "the challenge is the digest of the verifier"),
    ("src/oauth/refresh.rs", "the refresh token is sent to the token endpoint"),
    ("src/oauth/revoke.rs", "the token is sent to the revocation endpoint"),
    ("src/oauth/signature.rs", "the claims and the signature of the access token are read"),
    ("src/oauth/token/mod.rs", "the code and the verifier are sent to the token endpoint"),
    ("src/store/file/format.rs", "the passphrase becomes a key, and the secrets become what is encrypted with it"),
    ("src/store/file/mod.rs", "the size of a secret is looked at"),
    ("src/store/file/passphrase.rs", "a new passphrase is measured, and compared with what is typed the second time"),
    ("src/store/split/head.rs", "the secret becomes the bytes of an item"),
    ("src/store/split/mod.rs", "the secret becomes the bytes of several items"),
];

/// Lines of a file, its tests excluded.
const LINES: usize = 500;
/// Folders under `src`.
const DEPTH: usize = 3;
/// What may lie beside the dot-files at the top of the project. `target` is what cargo leaves there.
const TOP: [&str; 15] = [
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "benches",
    "build.rs",
    "completions",
    "docs",
    "install.sh",
    "man",
    "packaging",
    "src",
    "target",
    "tests",
];

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(folder: &str, ending: &str) -> Vec<(String, String)> {
    let found = files(&project().join(folder), ending);
    assert!(!found.is_empty(), "no `{ending}` below `{folder}`");
    found
        .iter()
        .map(|path| {
            let name = path.strip_prefix(project()).expect("a file of the project");
            let text = fs::read_to_string(path).unwrap_or_default();
            (name.to_string_lossy().replace('\\', "/"), text)
        })
        .collect()
}

fn sources(folder: &str) -> Vec<Source> {
    read(folder, ".rs").iter().map(|(path, text)| Source::new(path, text)).collect()
}

fn refuse(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn modules_import_what_the_crate_header_allows() {
    let sources = sources("src");
    let header = sources.iter().find(|source| source.path == "src/lib.rs").expect("the crate header");
    let map = imports::map(&header.text);
    assert!(map.len() > 10, "the table of the crate header was not understood: {map:?}");
    refuse(&sources.iter().flat_map(|source| imports::complaints(source, &map)).collect::<Vec<_>>());
}

#[test]
fn secrets_leave_their_type_only_where_the_list_says_why() {
    refuse(&words::exposures(&sources("src"), EXPOSURES));
}

#[test]
fn names_follow_the_house_style() {
    let all = ["src", "tests", "benches"].into_iter().flat_map(sources);
    refuse(&all.flat_map(|source| words::names(&source)).collect::<Vec<_>>());
}

#[test]
fn no_file_speaks_of_how_it_was_made() {
    let mut all = [read("src", ""), read("tests", ""), read("packaging", ""), read("benches", "")].concat();
    for name in ["Cargo.toml", "README.md", "CHANGELOG.md", "install.sh", ".ci/run"] {
        all.extend(fs::read_to_string(project().join(name)).ok().map(|text| (name.to_owned(), text)));
    }
    refuse(&all.iter().flat_map(|(path, text)| words::text(path, text)).collect::<Vec<_>>());
}

/// Length, depth and first line of one source file.
fn shape(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    let lines = source.code.lines().count();
    if lines > LINES && !source.is_tests() {
        found.push(format!("{}: {lines} lines, tests excluded; the limit is {LINES}", source.path));
    }
    if source.path.starts_with("src/") && source.path.matches('/').count() > DEPTH + 1 {
        found.push(format!("{}: more than {DEPTH} folders below src", source.path));
    }
    if !source.text.starts_with("//! ") {
        found.push(format!("{}: the file does not begin by saying what it is", source.path));
    }
    found
}

#[test]
fn files_are_short_shallow_and_say_what_they_are() {
    let all = ["src", "tests", "benches"].into_iter().flat_map(sources);
    refuse(&all.flat_map(|source| shape(&source)).collect::<Vec<_>>());
}

/// Names at the top of the project that have no business there.
fn strangers<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let stranger = |name: &&str| !name.starts_with('.') && !TOP.contains(name);
    names
        .into_iter()
        .filter(stranger)
        .map(|name| format!("{name}: does not belong at the top of the project"))
        .collect()
}

#[test]
fn the_top_of_the_project_holds_only_what_belongs_there() {
    let entries = project().read_dir().expect("the project's folder").flatten();
    let names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    refuse(&strangers(names.iter().map(String::as_str)));
}

/// Dependencies without a comment right above them.
fn unexplained(manifest: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (mut inside, mut before) = (false, "");
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[').map(|header| header.trim_matches(['[', ']'])) {
            inside = header.ends_with("dependencies");
            if header.contains("dependencies.") {
                found.push(format!("{header}: a dependency is one line"));
            }
        } else if inside && line.contains('=') && !line.starts_with('#') && !before.starts_with('#') {
            found.push(format!("{line}: no reason above it"));
        }
        before = line;
    }
    found
}

#[test]
fn every_dependency_has_its_reason_above_it() {
    refuse(&unexplained(&fs::read_to_string(project().join("Cargo.toml")).expect("the manifest")));
}

#[test]
fn a_file_out_of_shape_is_found() {
    let long = format!("//! Long.\n{}", "fn a() {}\n".repeat(LINES));
    let tested = format!("//! Tested.\n#[cfg(test)]\nmod tests {{\n{}}}\n", "fn a() {}\n".repeat(LINES));
    for (path, text, complaints) in [
        ("src/a.rs", long.as_str(), 1),
        ("src/a/tests.rs", long.as_str(), 0),
        ("src/a.rs", tested.as_str(), 0),
        ("src/a.rs", "fn a() {}\n", 1),
        ("src/a/b/c/d.rs", "//! Deep enough.\n", 0),
        ("src/a/b/c/d/e.rs", "//! Too deep.\n", 1),
    ] {
        assert_eq!(shape(&Source::new(path, text)).len(), complaints, "{path}");
    }
}

#[test]
fn a_stranger_at_the_top_is_found() {
    assert_eq!(
        strangers(["src", ".ci", "notes.txt", "papers"]),
        ["notes.txt: does not belong at the top of the project", "papers: does not belong at the top of the project"]
    );
}

#[test]
fn a_dependency_without_a_reason_is_found() {
    let manifest = "[package]\nname = \"a\"\n[dependencies]\n# Why.\nb = \"1\"\nc = \"1\"\n\n[target.'cfg(unix)'.dev-dependencies]\nd = \"1\"\n[dependencies.e]\nversion = \"1\"\n";
    assert_eq!(
        unexplained(manifest),
        ["c = \"1\": no reason above it", "d = \"1\": no reason above it", "dependencies.e: a dependency is one line"]
    );
}
