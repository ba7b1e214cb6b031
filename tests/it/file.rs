//! The encrypted file on a real disk that misbehaves, and among real processes: two writers, writers that are killed at
//! any moment, a disk without space, a disk that may not be written.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are part of the tests")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use keyward::secret::Secret;
use keyward::store::file::{Cost, EncryptedFile, Error as FileError, Passphrase};
use keyward::store::{Error, Key, Store};

const CHEAP: Cost = Cost { memory: 8, passes: 1, lanes: 1 };

fn opened(folder: &Path) -> EncryptedFile {
    let passphrase = Passphrase { given: Some(Secret::new("correct horse")), ..Passphrase::default() };
    EncryptedFile::new(Some(folder), passphrase, CHEAP)
}

fn now<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

fn save(file: &EncryptedFile, name: &str, text: &str) -> Result<(), Error> {
    now(file.save(&Key::grant(name), &Secret::new(text)))
}

fn load(file: &EncryptedFile, name: &str) -> Result<Option<String>, Error> {
    Ok(now(file.load(&Key::grant(name)))?.map(|secret| secret.expose().to_owned()))
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A command that runs one test of `child` in another process, perhaps through other programs.
fn child(through: &[&str], test: &str, folder: &Path, argument: &str) -> Command {
    let own = std::env::current_exe().unwrap();
    let mut words: Vec<&std::ffi::OsStr> = through.iter().map(std::ffi::OsStr::new).collect();
    words.push(own.as_os_str());
    let mut command = Command::new(words[0]);
    command
        .args(&words[1..])
        .args(["--exact", "--ignored", "--nocapture", &format!("file::child::{test}")])
        .env("FILE_CHILD_FOLDER", folder)
        .env("FILE_CHILD_ARGUMENT", argument)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The child did all of its test.
#[track_caller]
fn must_succeed(mut command: Command) {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
fn two_processes_that_write_never_lose_each_others_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let writers: Vec<_> = ["a", "b", "c"]
        .into_iter()
        .map(|letter| {
            let command = child(&[], "writes_secrets_of_its_own", folder.path(), letter);
            std::thread::spawn(move || must_succeed(command))
        })
        .collect();
    // A reader beside them sees whole files only.
    while writers.iter().any(|writer| !writer.is_finished()) {
        load(&opened(folder.path()), "a 0").unwrap();
    }
    writers.into_iter().for_each(|writer| writer.join().expect("it succeeds"));
    let file = opened(folder.path());
    for letter in ["a", "b", "c"] {
        for number in 0..child::SECRETS {
            assert_eq!(load(&file, &format!("{letter} {number}")), Ok(Some(letter.repeat(900))), "{letter} {number}");
        }
    }
    assert_eq!(names(folder.path()), ["locks", "store"]);
}

/// Kills the writer when the folder looks as it does at one moment of a write: a draft is there, or is just gone.
fn kill_in_the_middle(mut writer: Child, folder: &Path, round: usize) {
    let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
    assert!(lines.by_ref().map_while(Result::ok).any(|line| line.contains("writing")), "the writer has begun");
    let draft = || names(folder).iter().any(|name| name.starts_with(".store-"));
    while !draft() {}
    if round % 3 == 1 {
        while draft() {}
    }
    for _ in 0..round {
        std::hint::black_box(names(folder));
    }
    // SIGKILL: nothing of the writer's runs any more.
    writer.kill().unwrap();
    writer.wait().unwrap();
}

#[test]
#[cfg(unix)]
fn a_writer_killed_at_any_moment_leaves_the_old_file_or_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    save(&opened(folder.path()), "kept", "before").unwrap();
    save(&opened(folder.path()), "changing", &"0".repeat(100_000)).unwrap();
    let mut drafts = 0;
    for round in 0..60 {
        let command = child(&[], "writes_for_ever", folder.path(), "").spawn().unwrap();
        kill_in_the_middle(command, folder.path(), round);
        drafts += names(folder.path()).iter().filter(|name| name.starts_with(".store-")).count();
        let file = opened(folder.path());
        let text = load(&file, "changing").unwrap().unwrap();
        assert!(text.len() == 100_000 && text.bytes().all(|byte| Some(byte) == text.bytes().next()), "round {round}");
        assert_eq!(load(&file, "kept"), Ok(Some("before".to_owned())));
        // The lock died with its holder, and what it left behind goes with the next write.
        save(&file, "after", "a").unwrap();
        assert_eq!(names(folder.path()), ["locks", "store"], "round {round}");
    }
    assert!(drafts > 0, "no kill fell between the draft and its new name, so this shows nothing");
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_leaves_the_old_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    save(&opened(folder.path()), "kept", "before").unwrap();
    let before = fs::read(folder.path().join("store")).unwrap();
    // A limit of one file's size is the disk that is full for everybody, privileged or not.
    let limit = "trap '' XFSZ; ulimit -f 4; exec \"$0\" \"$@\"";
    must_succeed(child(&["sh", "-c", limit], "finds_no_space", folder.path(), ""));
    assert_eq!(fs::read(folder.path().join("store")).unwrap(), before);
    assert_eq!(load(&opened(folder.path()), "kept"), Ok(Some("before".to_owned())));
}

/// A namespace in which this user may mount, if the system lets them have one.
#[cfg(target_os = "linux")]
fn with_mounts(script: &str) -> Option<[&str; 6]> {
    let words = ["unshare", "--map-root-user", "--mount", "sh", "-c"];
    let allowed = Command::new(words[0]).args(&words[1..]).arg("mount -t tmpfs none /mnt").output();
    allowed
        .is_ok_and(|output| output.status.success())
        .then_some([words[0], words[1], words[2], words[3], words[4], script])
}

#[test]
#[cfg(target_os = "linux")]
fn a_real_disk_that_is_full_or_may_not_be_written_leaves_the_old_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=64k,mode=700 none \"$FILE_CHILD_FOLDER\" && exec \"$0\" \"$@\"";
    // Where no namespace is to be had, the limit of the test above is all there is.
    let Some(through) = with_mounts(script) else { return };
    must_succeed(child(&through, "meets_a_full_and_a_read_only_disk", folder.path(), ""));
    assert_eq!(names(folder.path()), [""; 0], "it was another disk");
}

/// What the other processes of these tests do.
mod child {
    use super::*;
    use std::io::Write;

    pub const SECRETS: usize = 25;

    fn folder() -> PathBuf {
        std::env::var_os("FILE_CHILD_FOLDER").expect("started by another test").into()
    }

    #[test]
    #[ignore = "started by tests that need another process"]
    fn writes_secrets_of_its_own() {
        let letter = std::env::var("FILE_CHILD_ARGUMENT").expect("started by another test");
        let file = opened(&folder());
        for number in 0..SECRETS {
            save(&file, &format!("{letter} {number}"), &letter.repeat(900)).unwrap();
        }
    }

    #[test]
    #[ignore = "started by tests that need another process"]
    fn writes_for_ever() {
        let file = opened(&folder());
        writeln!(std::io::stdout(), "writing").unwrap();
        for letter in ["0", "1", "2"].iter().cycle() {
            save(&file, "changing", &letter.repeat(100_000)).unwrap();
        }
    }

    #[test]
    #[ignore = "started by tests that need another process"]
    fn finds_no_space() {
        let (folder, file) = (folder(), opened(&folder()));
        let full = || Err(FileError::Full { path: folder.join("store") }.into());
        assert_eq!(save(&file, "large", &"x".repeat(10_000)), full());
        assert_eq!(load(&file, "kept"), Ok(Some("before".to_owned())));
        assert_eq!(names(&folder), ["locks", "store"], "the draft is gone");
    }

    #[test]
    #[ignore = "started by tests that need another process"]
    fn meets_a_full_and_a_read_only_disk() {
        let (folder, file) = (folder(), opened(&folder()));
        save(&file, "kept", "before").unwrap();
        let before = fs::read(folder.join("store")).unwrap();
        let full = Err(FileError::Full { path: folder.join("store") }.into());
        assert_eq!(save(&file, "large", &"x".repeat(100_000)), full);
        // What is small fits again.
        assert_eq!(fs::read(folder.join("store")).unwrap(), before);
        now(file.prove()).unwrap();
        let before = fs::read(folder.join("store")).unwrap();
        let remounted = Command::new("mount").args(["-o", "remount,ro"]).arg(&folder).status().unwrap();
        assert!(remounted.success());
        for outcome in
            [save(&file, "kept", "after"), now(file.prove()), now(file.delete(&Key::grant("kept"))).map(drop)]
        {
            assert!(matches!(outcome, Err(Error::File(FileError::ReadOnly { .. }))), "{outcome:?}");
        }
        assert_eq!(load(&file, "kept"), Ok(Some("before".to_owned())));
        assert_eq!(fs::read(folder.join("store")).unwrap(), before);
    }
}
