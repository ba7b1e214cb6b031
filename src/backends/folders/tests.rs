//! Real files in real folders, with everything in them that could lead out.

use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// An allowed folder with a file in it, and beside it what nobody may reach.
struct Stage {
    place: TempDir,
    folders: Folders,
}

impl Stage {
    fn new() -> Self {
        let place = tempfile::tempdir().expect("a folder");
        let inside = place.path().join("inside");
        fs::create_dir_all(inside.join("sub")).expect("folders");
        fs::create_dir(place.path().join("outside")).expect("a folder");
        fs::write(inside.join("a.txt"), "hello").expect("a file");
        fs::write(inside.join("sub/b.txt"), "below").expect("a file");
        fs::write(place.path().join("outside/secret"), "canary").expect("a file");
        let folders = Folders::new("box", &[inside]);
        Self { place, folders }
    }

    fn inside(&self, below: &str) -> PathBuf {
        self.place.path().join("inside").join(below)
    }

    fn outside(&self, below: &str) -> PathBuf {
        self.place.path().join("outside").join(below)
    }

    async fn text(&self, path: impl AsRef<Path>) -> Result<String, Fault> {
        let reading = self.folders.read(path.as_ref().to_str().expect("a path")).await.map_err(fault)?;
        Ok(String::from_utf8(rest(reading).await?).expect("text"))
    }

    async fn put(&self, path: impl AsRef<Path>, existing: Existing) -> Result<(), Fault> {
        let path = path.as_ref().to_str().expect("a path");
        let mut partial = self.folders.write(path, existing).await.map_err(fault)?;
        partial.append("new").await.map_err(fault)?;
        partial.commit().await.map_err(fault)
    }

    /// The names in a folder.
    fn names(&self, below: &str) -> Vec<String> {
        let entries = self.inside(below).read_dir().expect("a folder").flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn fault(error: Error) -> Fault {
    match error {
        Error::File { fault, .. } => fault,
        other => panic!("{other:?}"),
    }
}

async fn rest(mut reading: Reading) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    while let Some(piece) = reading.next().await.map_err(fault)? {
        assert!(piece.len() <= PIECE);
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

fn is_out(outcome: &Result<impl Sized, Fault>) -> bool {
    matches!(outcome, Err(Fault::Outside { .. } | Fault::LeadsOut))
}

#[tokio::test]
async fn a_file_is_named_from_the_root_on_or_from_the_first_folder_on() {
    let stage = Stage::new();
    let second = stage.place.path().join("second");
    fs::create_dir(&second).expect("a folder");
    fs::write(second.join("c.txt"), "other").expect("a file");
    let stage = Stage { folders: Folders::new("box", &[stage.inside(""), second.clone()]), ..stage };
    for (path, text) in [
        (PathBuf::from("a.txt"), "hello"),
        (PathBuf::from("./sub/./b.txt"), "below"),
        (stage.inside("a.txt"), "hello"),
        (stage.inside("sub/b.txt"), "below"),
        (second.join("c.txt"), "other"),
    ] {
        assert_eq!(stage.text(&path).await.as_deref(), Ok(text), "{}", path.display());
    }
    let reading = stage.folders.read("sub/b.txt").await.expect("a file");
    assert_eq!((reading.name.as_str(), reading.length), ("b.txt", 5));
    assert_eq!(reading.modified, fs::metadata(stage.inside("sub/b.txt")).and_then(|found| found.modified()).ok());
    assert_eq!(stage.text("c.txt").await, Err(Fault::NotThere), "relative to the first folder only");
}

#[tokio::test]
async fn nothing_outside_is_read_or_written_by_its_name() {
    let stage = Stage::new();
    let inside = stage.inside("").display().to_string();
    let inside = inside.trim_end_matches('/');
    for path in [
        "../outside/secret".to_owned(),
        "sub/../../outside/secret".to_owned(),
        "sub/../a.txt".to_owned(),
        "..".to_owned(),
        "/etc/passwd".to_owned(),
        format!("{inside}/../outside/secret"),
        format!("{inside}/sub/../../outside/secret"),
        format!("{inside}-more/secret"),
        stage.outside("secret").display().to_string(),
    ] {
        let read = stage.text(&path).await;
        assert!(matches!(read, Err(Fault::Outside { .. })), "{path}: {read:?}");
        for existing in [Existing::Refuse, Existing::Replace] {
            let written = stage.put(&path, existing).await;
            assert!(matches!(written, Err(Fault::Outside { .. })), "{path}: {written:?}");
        }
    }
    assert_eq!(fs::read_to_string(stage.outside("secret")).expect("a file"), "canary");
    let nothing = Folders::new("box", &[]);
    let refused = nothing.read("a.txt").await.err().map(fault);
    assert_eq!(refused, Some(Fault::Outside { connection: "box".to_owned(), allowed: Vec::new() }));
}

#[tokio::test]
async fn what_is_no_file_is_told_apart() {
    let stage = Stage::new();
    for (path, expected) in [
        ("missing.txt", Fault::NotThere),
        ("missing/a.txt", Fault::NoParent),
        ("a.txt/b", Fault::NoParent),
        ("sub", Fault::IsFolder),
        ("sub/", Fault::IsFolder),
        ("", Fault::IsFolder),
        (".", Fault::IsFolder),
    ] {
        assert_eq!(stage.text(path).await, Err(expected.clone()), "{path}");
        if expected != Fault::NotThere {
            assert_eq!(stage.put(path, Existing::Replace).await, Err(expected), "{path}");
        }
    }
    for path in ["a\0.txt", "a.txt:stream", "nul", "sub\\b.txt", "sub./b.txt", "CON.txt"] {
        assert!(matches!(stage.text(path).await, Err(Fault::Name { .. })), "{path}");
        assert!(matches!(stage.put(path, Existing::Refuse).await, Err(Fault::Name { .. })), "{path}");
    }
    let gone = Folders::new("box", &[stage.inside("gone")]);
    assert!(matches!(gone.read("a.txt").await.err().map(fault), Some(Fault::Folder { .. })));
    let long = "x".repeat(300);
    assert!(matches!(stage.text(&long).await, Err(Fault::Name { .. })));
}

#[tokio::test]
async fn a_file_appears_whole_and_only_when_it_is_committed() {
    let stage = Stage::new();
    let mut partial = stage.folders.write("sub/new.txt", Existing::Refuse).await.expect("a draft");
    partial.append("one two").await.expect("written");
    assert_eq!(partial.offset(), 7);
    partial.truncate(4).await.expect("cut");
    partial.truncate(100).await.expect("not made longer");
    assert_eq!(partial.offset(), 4);
    partial.append(b"three".to_vec()).await.expect("written");
    assert!(!stage.inside("sub/new.txt").exists());
    partial.commit().await.expect("there");
    assert_eq!(stage.text("sub/new.txt").await.as_deref(), Ok("one three"));
    assert_eq!(stage.names("sub"), ["b.txt", "new.txt"]);
    let mut partial = stage.folders.write("sub/other.txt", Existing::Refuse).await.expect("a draft");
    partial.append("half").await.expect("written");
    assert_eq!(stage.names("sub").len(), 3);
    drop(partial);
    assert_eq!(stage.names("sub"), ["b.txt", "new.txt"]);
}

#[tokio::test]
async fn an_existing_file_stays_or_is_replaced_as_it_was_asked_for() {
    let stage = Stage::new();
    assert_eq!(stage.put("a.txt", Existing::Refuse).await, Err(Fault::Exists));
    assert_eq!(stage.text("a.txt").await.as_deref(), Ok("hello"));
    // It comes between the first look and the end.
    let mut partial = stage.folders.write("late.txt", Existing::Refuse).await.expect("a draft");
    partial.append("new").await.expect("written");
    fs::write(stage.inside("late.txt"), "somebody else's").expect("a file");
    assert_eq!(partial.commit().await.map_err(fault), Err(Fault::Exists));
    assert_eq!(stage.text("late.txt").await.as_deref(), Ok("somebody else's"));
    assert_eq!(stage.put("a.txt", Existing::Replace).await, Ok(()));
    assert_eq!(stage.text("a.txt").await.as_deref(), Ok("new"));
    assert_eq!(stage.names(""), ["a.txt", "late.txt", "sub"]);
}

/// Of two who make a file of the same name at the same moment, one is told that it exists already.
#[test]
fn a_file_of_somebody_who_was_faster_is_never_replaced() {
    let stage = Stage::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for round in 0..300 {
        let name = format!("sub/{round}");
        let path = stage.inside(&name);
        let partial = runtime.block_on(stage.folders.write(&name, Existing::Refuse)).expect("a draft");
        let over = std::sync::atomic::AtomicBool::new(false);
        let (ours, theirs) = std::thread::scope(|scope| {
            let other = scope.spawn(|| {
                // Now and then at another moment of the other's work, which begins and ends meanwhile.
                let mut made = Err(std::io::ErrorKind::NotFound.into());
                for turn in 0..10_000_000 {
                    if over.load(std::sync::atomic::Ordering::Relaxed) || turn == round * 50 {
                        made = fs::OpenOptions::new().write(true).create_new(true).open(&path);
                        break;
                    }
                    std::hint::spin_loop();
                }
                made.is_ok()
            });
            let ours = runtime.block_on(partial.commit()).map_err(fault);
            over.store(true, std::sync::atomic::Ordering::Relaxed);
            (ours, other.join().expect("a thread"))
        });
        assert_eq!(ours, if theirs { Err(Fault::Exists) } else { Ok(()) }, "round {round}");
    }
}

#[tokio::test]
async fn a_second_name_is_given_only_where_there_is_none() {
    let stage = Stage::new();
    let folder = Dir::open_ambient_dir(stage.inside(""), ambient_authority()).expect("a folder");
    folder.write("draft", "new").expect("a file");
    let kept = folder.hard_link("draft", &folder, "a.txt").expect_err("a name that is taken");
    assert_eq!(Fault::of(&kept), Fault::Exists);
    folder.hard_link("draft", &folder, "b.txt").expect("a name that is free");
    assert_eq!(stage.text("b.txt").await.as_deref(), Ok("new"));
}

#[tokio::test]
async fn a_file_that_shrinks_while_it_is_read_is_an_error_and_one_that_grows_is_not() {
    let stage = Stage::new();
    let size = 10 * PIECE as u64;
    let file = fs::File::create(stage.inside("big")).expect("a file");
    file.set_len(size).expect("a size");
    let reading = stage.folders.read("big").await.expect("a file");
    file.set_len(size + 5).expect("a size");
    assert_eq!(rest(reading).await.map(|bytes| bytes.len() as u64), Ok(size));
    let reading = stage.folders.read("big").await.expect("a file");
    file.set_len(PIECE as u64).expect("a size");
    assert_eq!(rest(reading).await, Err(Fault::Changed));
}

#[tokio::test]
async fn a_large_file_is_never_in_memory() {
    let stage = Stage::new();
    let size = 200 << 20;
    fs::File::create(stage.inside("big")).and_then(|file| file.set_len(size)).expect("a sparse file");
    let mut reading = stage.folders.read("big").await.expect("a file");
    let mut read = 0;
    while let Some(piece) = reading.next().await.expect("a piece") {
        read += piece.len() as u64;
        assert!(reading.waiting() <= 2, "{} pieces wait", reading.waiting());
    }
    assert_eq!(read, size);
}

#[cfg(unix)]
mod links {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_link_is_followed_inside_the_folder_and_never_out_of_it() {
        let stage = Stage::new();
        symlink("sub/b.txt", stage.inside("near")).expect("a link");
        symlink("sub", stage.inside("way")).expect("a link");
        assert_eq!(stage.text("near").await.as_deref(), Ok("below"));
        assert_eq!(stage.text("way/b.txt").await.as_deref(), Ok("below"));
        symlink(stage.outside("secret"), stage.inside("last")).expect("a link");
        symlink("../outside/secret", stage.inside("up")).expect("a link");
        symlink(stage.outside(""), stage.inside("middle")).expect("a link");
        symlink("../outside", stage.inside("sub/middle")).expect("a link");
        symlink("middle", stage.inside("chain")).expect("a link");
        symlink(stage.outside("made"), stage.inside("dangling")).expect("a link");
        for path in ["last", "up", "middle/secret", "chain/secret", "dangling"] {
            let read = stage.text(path).await;
            assert!(is_out(&read), "{path}: {read:?}");
            for existing in [Existing::Refuse, Existing::Replace] {
                let written = stage.put(path, existing).await;
                assert!(written.is_err(), "{path}: {written:?}");
            }
        }
        // That link is no way out: it means the `outside` of this folder, and there is none.
        assert!(stage.text("sub/middle/secret").await.is_err());
        assert!(is_out(&stage.put("middle/new", Existing::Refuse).await));
        assert_eq!(stage.place.path().join("outside").read_dir().expect("a folder").count(), 1);
        assert_eq!(fs::read_to_string(stage.outside("secret")).expect("a file"), "canary");
    }

    #[tokio::test]
    async fn the_allowed_folder_itself_may_be_a_link() {
        let stage = Stage::new();
        symlink(stage.inside(""), stage.place.path().join("other")).expect("a link");
        let folders = Folders::new("box", &[stage.place.path().join("other")]);
        assert_eq!(rest(folders.read("a.txt").await.expect("a file")).await.as_deref(), Ok("hello".as_bytes()));
    }

    #[tokio::test]
    async fn pipes_devices_and_sockets_are_neither_waited_for_nor_read_nor_replaced() {
        let stage = Stage::new();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            stage.inside("pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .expect("a pipe");
        let _socket = std::os::unix::net::UnixListener::bind(stage.inside("socket")).expect("a socket");
        for path in ["pipe", "socket"] {
            assert_eq!(stage.text(path).await, Err(Fault::NotAFile), "{path}");
            assert_eq!(stage.put(path, Existing::Replace).await, Err(Fault::NotAFile), "{path}");
            assert_eq!(stage.put(path, Existing::Refuse).await, Err(Fault::Exists), "{path}");
        }
        let devices = Folders::new("box", &[PathBuf::from("/dev")]);
        assert_eq!(devices.read("null").await.err().map(fault), Some(Fault::NotAFile));
    }

    #[tokio::test]
    async fn a_link_is_not_replaced_by_a_file() {
        let stage = Stage::new();
        symlink("a.txt", stage.inside("near")).expect("a link");
        assert_eq!(stage.put("near", Existing::Replace).await, Err(Fault::NotAFile));
        assert_eq!(stage.put("near", Existing::Refuse).await, Err(Fault::Exists));
        assert_eq!(stage.text("a.txt").await.as_deref(), Ok("hello"));
    }

    #[tokio::test]
    async fn a_new_file_is_the_persons_own_and_never_a_program() {
        let stage = Stage::new();
        fs::set_permissions(stage.inside("a.txt"), fs::Permissions::from_mode(0o755)).expect("changed");
        for (path, existing) in [("new", Existing::Refuse), ("a.txt", Existing::Replace)] {
            stage.put(path, existing).await.expect("written");
            let mode = fs::metadata(stage.inside(path)).expect("a file").permissions().mode();
            assert_eq!(mode & 0o7777, 0o600, "{path}");
        }
    }

    /// While one thread exchanges a folder and a link that leads out, nothing outside is ever reached.
    #[test]
    fn a_link_that_is_put_there_between_two_looks_leads_nowhere() {
        let stage = Stage::new();
        fs::write(stage.inside("sub/secret"), "harmless").expect("a file");
        symlink(stage.outside(""), stage.inside("trap")).expect("a link");
        symlink(stage.outside("secret"), stage.inside("bait")).expect("a link");
        fs::write(stage.inside("file"), "harmless").expect("a file");
        let over = AtomicBool::new(false);
        let root = stage.inside("");
        let swap = |one: &str, other: &str| {
            use rustix::fs::{CWD, RenameFlags, renameat_with};
            let _ = renameat_with(CWD, root.join(one), CWD, root.join(other), RenameFlags::EXCHANGE);
        };
        let mut harmless = 0;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // Bounded, so that a failing test ends.
                for _ in 0..1_000_000 {
                    swap("sub", "trap");
                    swap("file", "bait");
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                for round in 0..200 {
                    for path in ["sub/secret", "file"] {
                        let read = stage.text(path).await;
                        assert_ne!(read.as_deref(), Ok("canary"), "{path}");
                        harmless += u32::from(read.is_ok());
                    }
                    let _ = stage.put(format!("sub/{round}"), Existing::Refuse).await;
                    let _ = stage.put("file", Existing::Replace).await;
                }
            });
            over.store(true, Ordering::Relaxed);
        });
        assert!(harmless > 0, "the race was never lost by the link");
        assert_eq!(stage.place.path().join("outside").read_dir().expect("a folder").count(), 1);
        assert_eq!(fs::read_to_string(stage.outside("secret")).expect("a file"), "canary");
    }
}

proptest! {
    #[test]
    fn a_place_is_below_its_folder_whatever_is_asked_for(path in "[a./\\\\:~ ]{0,12}|\\PC{0,20}") {
        let folders = Folders::new("box", &[PathBuf::from("/allowed")]);
        if let Ok(place) = folders.place(&path) {
            prop_assert_eq!(&place.folder, Path::new("/allowed"));
            let whole = place.parent.join(&place.name);
            prop_assert!(whole.components().all(|part| matches!(part, Component::Normal(_))), "{:?}", whole);
        }
    }
}
