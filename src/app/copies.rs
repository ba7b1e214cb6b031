//! Copies of documents behind a login, on disk: in a folder for each connection that only the user can enter.
//!
//! A file's name is made of the account and the address, so that another login does not find it; a login and a logout
//! delete all of them. They are a cache: what is no plain file of this user, or damaged, counts as absent.
//!
//! What was being fetched while they were deleted must not come back: each folder has a mark of its own, which is looked at
//! before something is fetched, and once more before it is kept.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::plain;
use crate::backends::copies::{Begun, Copies, Copy};
use crate::machine::{Clock, Timestamp};

/// Changes with the form of the files.
const VERSION: u64 = 1;
/// More than a copy may be long, with its first line.
const LARGEST: u64 = 5 << 20;
/// The most files and bytes of one connection; beyond them the oldest go.
const FILES: usize = 2_000;
const BYTES: u64 = 64 << 20;

/// The file with the folder's mark.
const MARK: &str = ".mark";

/// The copies of one connection.
pub(super) struct OnDisk {
    folder: PathBuf,
    clock: Arc<dyn Clock>,
}

fn folder(state: &Path, connection: &str) -> PathBuf {
    state.join("copies").join(connection)
}

/// Deletes the copies of a connection.
pub(super) fn forget(state: Option<&Path>, connection: &str) {
    if let Some(state) = state {
        remove(&folder(state, connection));
    }
}

fn remove(folder: &Path) {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            log::warn!("`{}` could not be deleted: {}", folder.display(), error.kind());
        }
        _ => {}
    }
}

/// The copies of a connection; nothing is looked at yet.
pub(super) fn of(state: Option<&Path>, connection: &str, clock: &Arc<dyn Clock>) -> Arc<dyn Copies> {
    match state {
        Some(state) => Arc::new(OnDisk::new(folder(state, connection), Arc::clone(clock))),
        None => Arc::new(crate::backends::copies::Nowhere),
    }
}

impl OnDisk {
    fn new(folder: PathBuf, clock: Arc<dyn Clock>) -> Self {
        Self { folder, clock }
    }

    /// The folder's mark; one is made where there is none.
    fn mark(&self) -> io::Result<String> {
        super::private_folder(&self.folder)?;
        let path = self.folder.join(MARK);
        if let Ok(mut file) = plain::for_reading(&path) {
            let mut mark = String::new();
            file.read_to_string(&mut mark)?;
            return Ok(mark);
        }
        let mut file = tempfile::Builder::new().prefix(".mark").tempfile_in(&self.folder)?;
        // The name is one that no other file has had.
        let mark = file.path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let mark = format!("{mark} {}", self.clock.now().0);
        file.write_all(mark.as_bytes())?;
        file.flush()?;
        match file.persist_noclobber(&path) {
            Ok(_) => Ok(mark),
            // Another process was faster.
            Err(_) => fs::read_to_string(&path),
        }
    }

    /// The file of an address: its name ends in what is the same for every account.
    fn path(&self, whose: &str, address: &str) -> PathBuf {
        self.folder.join(format!("{}-{}", digest(whose), digest(address)))
    }

    fn write(&self, whose: &str, address: &str, copy: &Copy, since: &Begun) -> io::Result<()> {
        // The folder is there, and must not be made again if it goes now.
        if since.0.is_none() || since.0 != fs::read_to_string(self.folder.join(MARK)).ok() {
            return Ok(());
        }
        let head = json!({
            "version": VERSION,
            "address": address,
            "etag": copy.etag,
            "modified": copy.modified,
            "mark": copy.mark,
            "at": self.clock.now().0,
        });
        let mut file = tempfile::Builder::new().prefix(".copy").tempfile_in(&self.folder)?;
        writeln!(file, "{head}")?;
        file.write_all(&copy.body)?;
        file.flush()?;
        file.persist(self.path(whose, address))?;
        self.bound()
    }

    /// Deletes the oldest files where there are too many, and what a crash has left behind.
    fn bound(&self) -> io::Result<()> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.folder)?.flatten().filter(|entry| entry.file_name() != MARK) {
            let found = entry.metadata()?;
            all.push((found.modified()?, found.len(), entry.path()));
        }
        crate::order::by(&mut all, |(one, ..), (other, ..)| other.cmp(one));
        let mut bytes = 0_u64;
        for (number, (_, size, path)) in all.iter().enumerate() {
            bytes = bytes.saturating_add(*size);
            if number >= FILES || bytes > BYTES {
                let _ = fs::remove_file(path);
            }
        }
        Ok(())
    }
}

impl Copies for OnDisk {
    fn begin(&self) -> Begun {
        Begun(self.mark().ok())
    }

    fn load(&self, whose: &str, address: &str) -> Option<Copy> {
        let path = self.path(whose, address);
        let mut bytes = Vec::new();
        plain::for_reading(&path).ok()?.take(LARGEST).read_to_end(&mut bytes).ok()?;
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let head: Value = serde_json::from_slice(bytes.get(..end)?).ok()?;
        let text = |name: &str| head.get(name).and_then(Value::as_str).map(str::to_owned);
        if head.get("version").and_then(Value::as_u64) != Some(VERSION) || text("address")? != address {
            return None;
        }
        let at = head.get("at").and_then(Value::as_i64)?;
        let age = Duration::from_secs(u64::try_from(self.clock.now().since(Timestamp(at))).unwrap_or_default());
        bytes.drain(..=end);
        Some(Copy { etag: text("etag"), modified: text("modified"), mark: text("mark"), body: bytes, age })
    }

    fn keep(&self, whose: &str, address: &str, copy: &Copy, since: &Begun) {
        if let Err(error) = self.write(whose, address, copy, since) {
            log::warn!("`{}` could not be written: {}", self.folder.display(), error.kind());
        }
    }

    fn forget(&self, address: Option<&str>) {
        let Some(address) = address else { return remove(&self.folder) };
        let end = format!("-{}", digest(address));
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if entry.file_name().to_str().is_some_and(|name| name.ends_with(&end)) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

fn digest(text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;

    fn kept(body: &str) -> Copy {
        Copy { etag: Some("\"1\"".to_owned()), body: body.as_bytes().to_vec(), ..Copy::default() }
    }

    #[test]
    fn a_copy_is_found_by_its_account_and_address_alone_until_it_is_forgotten() {
        let state = tempfile::tempdir().expect("a folder");
        let copies = of(Some(state.path()), "docs", &Machine::real().clock);
        let body = |whose: &str, address: &str| {
            copies.load(whose, address).map(|copy| String::from_utf8(copy.body).expect("text"))
        };
        copies.keep("alice", "https://a/x", &kept("one\ntwo"), &copies.begin());
        copies.keep("bob", "https://a/x", &kept("three"), &copies.begin());
        copies.keep("bob", "https://a/y", &kept(""), &copies.begin());
        assert_eq!(body("alice", "https://a/x").as_deref(), Some("one\ntwo"));
        assert_eq!(body("bob", "https://a/x").as_deref(), Some("three"));
        assert_eq!(body("alice", "https://a/y"), None, "another login sees nothing of it");
        assert_eq!(copies.load("bob", "https://a/y").expect("a copy").etag.as_deref(), Some("\"1\""));
        copies.forget(Some("https://a/x"));
        assert_eq!((body("alice", "https://a/x"), body("bob", "https://a/y")), (None, Some(String::new())));
        forget(Some(state.path()), "docs");
        assert!(!folder(state.path(), "docs").exists());
        assert_eq!(body("bob", "https://a/y"), None);
    }

    #[test]
    fn what_was_being_fetched_during_a_logout_does_not_come_back() {
        let state = tempfile::tempdir().expect("a folder");
        let copies = of(Some(state.path()), "docs", &Machine::real().clock);
        for has_login_again in [false, true] {
            let (begun, other) = (copies.begin(), copies.begin());
            forget(Some(state.path()), "docs");
            if has_login_again {
                let others = of(Some(state.path()), "docs", &Machine::real().clock);
                others.keep("bob", "https://a/x", &kept("two"), &others.begin());
                assert!(others.load("bob", "https://a/x").is_some());
                // A fetch of the new login does not vouch for those of the one before.
                assert_ne!(copies.begin(), begun);
            }
            for begun in [&begun, &other, &Begun::default()] {
                copies.keep("alice", "https://a/x", &kept("one"), begun);
            }
            let there = fs::read_dir(folder(state.path(), "docs")).map(Iterator::count).unwrap_or_default();
            // The copy of the login that there is now, and the mark.
            assert_eq!(there, if has_login_again { 2 } else { 0 });
        }
        assert_eq!(copies.load("alice", "https://a/x"), None);
        copies.keep("alice", "https://a/x", &kept("three"), &copies.begin());
        assert!(copies.load("alice", "https://a/x").is_some(), "what is fetched afterwards is kept");
    }

    #[test]
    fn what_is_damaged_or_of_another_form_is_absent() {
        let state = tempfile::tempdir().expect("a folder");
        let copies = OnDisk::new(folder(state.path(), "docs"), Machine::real().clock);
        copies.keep("a", "b", &kept("x"), &copies.begin());
        let path = copies.path("a", "b");
        let whole = fs::read_to_string(&path).expect("a file");
        for damaged in
            ["", "x", "{}\nx", &whole.replace("\"version\":1", "\"version\":2"), &whole.replace("\"b\"", "\"c\"")]
        {
            fs::write(&path, damaged).expect("written");
            assert_eq!(copies.load("a", "b"), None, "{damaged}");
        }
        fs::write(&path, whole).expect("written");
        assert!(copies.load("a", "b").is_some());
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_a_copy_and_no_link_leads_to_another_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let state = tempfile::tempdir().expect("a folder");
        let copies = OnDisk::new(folder(state.path(), "docs"), Machine::real().clock);
        copies.keep("a", "b", &kept("x"), &copies.begin());
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&copies.folder), mode(&copies.path("a", "b"))), (0o700, 0o600));
        let elsewhere = state.path().join("elsewhere");
        fs::rename(copies.path("a", "b"), &elsewhere).expect("moved");
        std::os::unix::fs::symlink(&elsewhere, copies.path("a", "b")).expect("a link");
        assert_eq!(copies.load("a", "b"), None);
    }

    #[test]
    fn the_oldest_copies_go_where_there_are_too_many_bytes() {
        let state = tempfile::tempdir().expect("a folder");
        let copies = OnDisk::new(folder(state.path(), "docs"), Machine::real().clock);
        let large = Copy { body: vec![b'x'; 4 << 20], ..Copy::default() };
        for number in 0..20 {
            copies.keep("a", &number.to_string(), &large, &copies.begin());
            // Times of files may come in steps.
            let at = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(number);
            let path = copies.path("a", &number.to_string());
            fs::File::options().write(true).open(path).expect("open").set_modified(at).expect("a time");
        }
        let there = |number: u64| copies.load("a", &number.to_string()).is_some();
        assert!(there(19) && there(18) && !there(0) && !there(1));
        assert!(fs::read_dir(&copies.folder).expect("a folder").count() <= 18);
    }
}
