//! What the log holds and what it never does, with files and many writers.

use serde_json::{Value, json};

use super::*;
use crate::machine::Timestamp;

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp(1_800_000_000)
    }
}

fn log(folder: &Path) -> Audit {
    Audit::new(Some(folder), Arc::new(Noon))
}

fn grant(refresh_token: &str, generation: u64) -> Grant {
    let client = json!({"id": "client", "method": "none", "redirect_uris": []});
    let issued = json!({
        "issuer": "https://as.example", "token_endpoint": "https://as.example/token", "revocation_endpoint": null,
        "client": client, "resource": null, "refresh_token": refresh_token, "expires_at": null, "scopes": [],
        "subject": null, "account": "ada@example.com"
    });
    let text = json!({
        "version": 1, "way": "oauth", "access_token": "canary-access", "generation": generation,
        "url": "https://mcp.example/mcp", "obtained_at": 0, "state": "valid", "issued": issued
    });
    Grant::decode(&Secret::new(text.to_string())).expect("a grant")
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("a log");
    text.lines().map(|line| serde_json::from_str(line).expect("one JSON object a line")).collect()
}

#[test]
fn a_line_says_what_happened_and_holds_no_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let audit = log(folder.path());
    audit.done(What::Login, "box", Some(&grant("canary-refresh", 7)));
    audit.failed(What::Renewal, "box", &Error::Interrupted);
    audit.done(What::Logout, "box", None);
    let found = lines(&folder.path().join(FILE));
    let fingerprint = found[0]["refresh_fingerprint"].as_str().expect("a fingerprint").to_owned();
    let process = std::process::id();
    assert_eq!(
        found,
        [
            json!({
                "time": "2027-01-15T08:00:00Z", "event": "login", "connection": "box", "issuer": "https://as.example",
                "outcome": "done", "generation": 7, "refresh_fingerprint": fingerprint, "process": process
            }),
            json!({
                "time": "2027-01-15T08:00:00Z", "event": "renewal", "connection": "box", "issuer": null,
                "outcome": "interrupted", "generation": null, "refresh_fingerprint": null, "process": process
            }),
            json!({
                "time": "2027-01-15T08:00:00Z", "event": "logout", "connection": "box", "issuer": null,
                "outcome": "done", "generation": null, "refresh_fingerprint": null, "process": process
            }),
        ]
    );
    let text = fs::read_to_string(folder.path().join(FILE)).expect("a log");
    assert!(!text.contains("canary") && !text.contains("ada@"), "{text}");
    assert!(fingerprint.len() == 16 && fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit()), "{fingerprint}");
}

#[test]
fn a_fingerprint_tells_tokens_apart_and_belongs_to_one_machine() {
    let (here, there) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let of = |folder: &tempfile::TempDir, token: &str| fingerprint::of(folder.path(), token).expect("a fingerprint");
    assert_eq!(of(&here, "a"), of(&here, "a"));
    assert_ne!(of(&here, "a"), of(&here, "b"));
    assert_ne!(of(&here, "a"), of(&there, "a"), "without the key nobody can make it");
    let digest = ring::digest::digest(&ring::digest::SHA256, b"a");
    let plain: String = digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    assert_ne!(of(&here, "a"), plain);
}

#[test]
fn switched_off_it_leaves_no_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    let audit = log(&state);
    audit.enable(false);
    audit.clone().done(What::Login, "box", Some(&grant("r", 1)));
    assert!(!state.exists());
    audit.enable(true);
    audit.done(What::Login, "box", None);
    assert_eq!(lines(&state.join(FILE)).len(), 1);
    Audit::new(None, Arc::new(Noon)).done(What::Login, "box", None);
}

#[test]
fn many_writers_lose_and_mix_no_line_also_while_files_are_moved_aside() {
    let folder = tempfile::tempdir().expect("a folder");
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            // Each has handles of its own, as each process has.
            let audit = log(folder.path());
            std::thread::spawn(move || {
                let name = format!("{writer}{}", "x".repeat(900));
                (0..300).for_each(|_| audit.done(What::Renewal, &name, None));
            })
        })
        .collect();
    for writer in writers {
        writer.join().expect("no panic");
    }
    let old: Vec<_> = (1..=KEPT).map(|number| folder.path().join(format!("{FILE}.{number}"))).collect();
    let mut count = [0; 8];
    for path in old.iter().chain([&folder.path().join(FILE)]).filter(|path| path.exists()) {
        assert!(fs::metadata(path).expect("a file").len() <= LONGEST + 8 * 2000, "{}", path.display());
        for line in lines(path) {
            let writer = line["connection"].as_str().expect("a name").as_bytes()[0] - b'0';
            count[usize::from(writer)] += 1;
        }
    }
    assert!(old[1].exists(), "more than two mebibytes were written");
    assert_eq!(count, [300; 8]);
}

#[test]
fn who_comes_late_to_a_full_file_moves_nothing_aside() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(FILE);
    fs::write(&path, "full\n").expect("written");
    let (first, late) = (File::open(&path).expect("a file"), File::open(&path).expect("a file"));
    rotate(folder.path(), &path, &first).expect("moved");
    rotate(folder.path(), &path, &late).expect("nothing to move");
    fs::write(&path, "new\n").expect("written");
    rotate(folder.path(), &path, &late).expect("nothing to move");
    let text = |name: &str| fs::read_to_string(folder.path().join(name)).ok();
    assert_eq!(text(FILE).as_deref(), Some("new\n"));
    assert_eq!(text("audit.jsonl.1").as_deref(), Some("full\n"));
    assert_eq!(text("audit.jsonl.2"), None);
}

#[test]
fn no_more_than_three_old_files_are_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let audit = log(folder.path());
    for round in 0..6 {
        fs::write(folder.path().join(FILE), vec![b'\n'; usize::try_from(LONGEST).expect("small")]).expect("written");
        audit.done(What::Login, &round.to_string(), None);
    }
    let mut names: Vec<_> =
        fs::read_dir(folder.path()).expect("a folder").flatten().map(|one| one.file_name()).collect();
    names.sort();
    assert_eq!(names, ["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2", "audit.jsonl.3", "locks"]);
}

#[test]
fn a_log_that_cannot_be_written_fails_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join(FILE)).expect("a folder in its place");
    let audit = log(folder.path());
    audit.done(What::Login, "box", None);
    assert!(audit.0.has_complained.load(Ordering::Relaxed));
    audit.done(What::Login, "box", None);
}

#[test]
fn each_failure_has_a_word_that_a_script_can_rely_on() {
    use crate::oauth;
    let login = |error| Error::Login { connection: "box".to_owned(), error: Arc::new(error) };
    let host = || "as.example".to_owned();
    let unconfirmed = |why| Error::Unconfirmed { tool: "t".to_owned(), question: String::new(), why };
    let network = crate::http::Error::NotFound { host: host() };
    for (error, word) in [
        (login(oauth::Error::Network(network.clone())), "network"),
        (login(oauth::Error::NoIssuer { host: host() }), "refused"),
        (Error::Network(network), "network"),
        (Error::Busy { connection: "box".to_owned(), waited: std::time::Duration::ZERO }, "busy"),
        (Error::Paused { connection: "box".to_owned(), seconds: 5, why: crate::app::error::Pause::Network }, "paused"),
        (Error::NoAddress { connection: "box".to_owned() }, "configuration"),
        (unconfirmed(NoYes::Unasked), "not_asked"),
        (unconfirmed(NoYes::Declined), "declined"),
        (unconfirmed(NoYes::Cancelled), "cancelled"),
        (unconfirmed(NoYes::Changed), "changed"),
        (Error::Store { connection: "box".to_owned(), error: crate::store::Error::Locked }, "store"),
    ] {
        assert_eq!(outcome(&error), word, "{error:?}");
    }
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("a file").permissions().mode() & 0o7777
    }

    #[test]
    fn the_files_are_for_the_user_alone_also_if_they_were_made_loosely() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = folder.path().join("state");
        log(&state).done(What::Login, "box", Some(&grant("r", 1)));
        assert_eq!((mode(&state), mode(&state.join(FILE)), mode(&state.join("audit.key"))), (0o700, 0o600, 0o600));
        fs::set_permissions(state.join(FILE), fs::Permissions::from_mode(0o666)).expect("changed");
        log(&state).done(What::Login, "box", None);
        assert_eq!(mode(&state.join(FILE)), 0o600);
    }

    #[test]
    fn a_link_in_place_of_the_log_or_its_key_is_not_followed() {
        let (folder, elsewhere) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let target = elsewhere.path().join("target");
        symlink(&target, folder.path().join(FILE)).expect("a link");
        log(folder.path()).done(What::Login, "box", None);
        assert!(!target.exists());
        fs::write(&target, [7; 32]).expect("written");
        symlink(&target, folder.path().join("audit.key")).expect("a link");
        assert!(fingerprint::of(folder.path(), "a").is_err());
    }
}

#[test]
fn a_line_that_a_full_disk_has_cut_off_takes_no_other_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let audit = log(folder.path());
    audit.done(What::Login, "box", None);
    let path = folder.path().join(FILE);
    let whole = fs::read_to_string(&path).expect("a log");
    fs::write(&path, format!("{whole}{{\"time\":\"2027-")).expect("written");
    audit.done(What::Logout, "box", None);
    audit.done(What::Login, "box", None);
    let text = fs::read_to_string(&path).expect("a log");
    let read = |line: &str| serde_json::from_str::<Value>(line).ok().map(|line| line["event"].clone());
    let events: Vec<Option<Value>> = text.lines().map(read).collect();
    assert_eq!(events, [Some("login".into()), None, Some("logout".into()), Some("login".into())]);
}
