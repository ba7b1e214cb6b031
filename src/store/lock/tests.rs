//! Other holders here are a second handle of this process and, on Linux, the `flock` program.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

fn held(folder: &Path, name: &str) -> bool {
    try_acquire(folder, name).unwrap().is_none()
}

#[test]
fn a_lock_is_held_until_its_guard_is_dropped_and_only_under_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let guard = try_acquire(folder.path(), "a").unwrap().unwrap();
    assert!(held(folder.path(), "a"));
    assert!(!held(folder.path(), "b"));
    drop(guard);
    assert!(!held(folder.path(), "a"));
    assert!(folder.path().join("a.lock").exists());
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_with_the_lock_or_after_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let guard = try_acquire(folder.path(), "a").unwrap().unwrap();
    let wait = Duration::from_secs(20);
    let late = acquire(folder.path(), "a", wait).await;
    assert_eq!(late.err(), Some(Error::Busy { waited: wait }));
    let later = async {
        sleep(Duration::from_secs(3)).await;
        drop(guard);
    };
    let started = Instant::now();
    let (second, ()) = tokio::join!(acquire(folder.path(), "a", wait), later);
    assert!(second.is_ok() && held(folder.path(), "a"));
    assert!(started.elapsed() <= Duration::from_secs(3) + LONGEST_PAUSE);
}

#[tokio::test]
async fn without_time_to_wait_a_free_lock_is_taken_and_a_held_one_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let guard = acquire(folder.path(), "a", Duration::ZERO).await;
    assert!(matches!(acquire(folder.path(), "a", Duration::ZERO).await, Err(Error::Busy { .. })));
    drop(guard);
}

#[test]
fn names_that_a_file_system_could_confuse_have_files_of_their_own() {
    let (long, longer) = ("a".repeat(121), "a".repeat(122));
    let names = [
        "", "a", "A", "%41", "%", "a b", "a/b", "a\\b", "..", ".", "a.lock", "ä", "con", "aux", "com1", "nul", "a\0b",
        &long, &longer,
    ];
    let files: HashSet<String> = names.iter().map(|name| file_name(name).to_lowercase()).collect();
    assert_eq!(files.len(), names.len());
    for file in &files {
        let stem = file.strip_suffix(".lock").unwrap();
        assert!(stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_%".contains(&byte)), "{file}");
        assert!(file.len() <= 130 && !["con", "aux", "com1", "nul", ""].contains(&stem), "{file}");
    }
}

proptest! {
    #[test]
    fn two_names_never_share_a_file(one in ".{0,60}", other in ".{0,60}") {
        prop_assert_eq!(one == other, file_name(&one).to_lowercase() == file_name(&other).to_lowercase());
    }
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

    fn why(folder: &Path) -> Option<&'static str> {
        match try_acquire(folder, "a") {
            Err(Error::Folder { why, .. }) => Some(why),
            Ok(_) => None,
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn folders_and_files_are_made_for_the_person_alone() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("state/keyward");
        let guard = try_acquire(&folder, "a").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
        assert_eq!(mode(&outer.path().join("state")), 0o700);
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&folder.join("a.lock")), 0o600);
        drop(guard);
    }

    #[test]
    fn a_folder_or_file_that_others_can_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for mode in [0o777, 0o1777, 0o770, 0o702] {
            fs::set_permissions(folder.path(), Permissions::from_mode(mode)).unwrap();
            assert_eq!(why(folder.path()), Some("can be written by others"), "{mode:o}");
        }
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        assert_eq!(why(folder.path()), None);
        fs::set_permissions(folder.path().join("a.lock"), Permissions::from_mode(0o606)).unwrap();
        assert_eq!(why(folder.path()), Some("can be written by others"));
    }

    #[test]
    fn a_folder_or_file_of_another_user_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        if !rustix::process::geteuid().is_root() {
            // Only root can give a folder away; for everybody else the root folder is somebody else's.
            assert_eq!(why(Path::new("/")), Some("belongs to another user"));
            return;
        }
        fs::write(folder.path().join("a.lock"), "").unwrap();
        chown(folder.path().join("a.lock"), Some(4711), None).unwrap();
        assert_eq!(why(folder.path()), Some("belongs to another user"));
        chown(folder.path(), Some(4711), None).unwrap();
        assert_eq!(why(folder.path()), Some("belongs to another user"));
    }

    #[test]
    fn a_link_in_place_of_the_file_is_refused_and_not_followed() {
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let target = elsewhere.path().join("made");
        symlink(&target, folder.path().join("a.lock")).unwrap();
        assert_eq!(why(folder.path()), Some("is a symbolic link"));
        assert!(!target.exists());
        fs::write(&target, "").unwrap();
        assert_eq!(why(folder.path()), Some("is a symbolic link"));
    }

    #[test]
    fn what_is_no_folder_and_what_is_no_file_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        assert_eq!(why(&folder.path().join("file")), Some("is not a folder"));
        let pipe = folder.path().join("a.lock");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
        assert_eq!(why(folder.path()), Some("is not a plain file"));
    }

    #[test]
    fn a_file_that_was_removed_meanwhile_locks_nobody_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let stale = folder::open(&path).unwrap();
        assert_eq!(folder::is_still(&path, &stale), Ok(true));
        fs::remove_file(&path).unwrap();
        assert_eq!(folder::is_still(&path, &stale), Ok(false));
        let fresh = folder::open(&path).unwrap();
        assert_eq!(folder::is_still(&path, &stale), Ok(false));
        assert_eq!(folder::is_still(&path, &fresh), Ok(true));
    }

    #[cfg(target_os = "linux")]
    #[test]
    #[expect(clippy::disallowed_methods, reason = "the other process is a real one")]
    fn another_process_is_waited_for_and_its_lock_dies_with_it() {
        use std::io::{BufRead, BufReader};
        use std::process::{Command, Stdio};

        let folder = tempfile::tempdir().unwrap();
        drop(try_acquire(folder.path(), "a").unwrap());
        // `flock` takes the lock and then becomes the program it is told to run.
        let mut other = Command::new("flock")
            .args(["--no-fork".as_ref(), folder.path().join("a.lock").as_os_str()])
            .args(["sh", "-c", "echo locked; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(other.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "locked\n");
        assert!(held(folder.path(), "a"));
        other.kill().unwrap();
        other.wait().unwrap();
        assert!(!held(folder.path(), "a"));
    }
}
