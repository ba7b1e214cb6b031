//! The emergency copy of renewed tokens: what keeps a login alive when the store fails after the provider has rotated.
//!
//! It is written, encrypted, before the store is asked to keep the tokens, and removed when the store has them. Its key
//! is random, was put into the store before the request was sent, and goes with the next write there: a copy that is
//! left behind can be read by nobody. Connection and generation are bound to it, so that no copy passes for another.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use zeroize::Zeroizing;

use crate::app::grant::Grant;
use crate::app::private_folder;
use crate::secret::Secret;

/// The first byte of a copy: how the rest is to be read.
const FORMAT: u8 = 1;
const KEY: usize = 32;
/// No grant is larger; what is was not written here.
const LONGEST: u64 = 1 << 20;

/// Where the emergency copy of one connection is.
#[derive(Clone, Debug)]
pub(super) struct Spill {
    connection: String,
    folder: Option<PathBuf>,
}

/// What is found in the place of the copy.
#[derive(Debug)]
pub(super) enum Found {
    /// No copy.
    Nothing,
    /// The tokens that the renewal obtained.
    Kept(Box<Grant>),
    /// Something that is not the copy of this generation.
    Foreign,
}

/// A fresh key; `None` if the system has no random numbers, and then there will be no copy.
pub(super) fn key() -> Option<Secret> {
    let mut bytes = Zeroizing::new([0; KEY]);
    SystemRandom::new().fill(bytes.as_mut()).ok()?;
    Some(Secret::new(URL_SAFE_NO_PAD.encode(bytes.as_ref())))
}

impl Spill {
    /// The copy of `connection` below the folder that all programs of the person share.
    pub(super) fn new(shared: Option<&Path>, connection: &str) -> Self {
        Self { connection: connection.to_owned(), folder: shared.map(|folder| folder.join("spills")) }
    }

    /// Keeps what the renewal of `marked` obtained, durably. The caller holds the connection's lock.
    pub(super) fn write(&self, marked: &Grant, renewed: &Grant) -> io::Result<()> {
        let (Some(folder), Some(path)) = (&self.folder, self.path()) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let sealed = self.seal(marked, renewed).ok_or_else(|| io::Error::other("it could not be encrypted"))?;
        private_folder(folder)?;
        let fresh = path.with_extension("new");
        // What a killed process has left. Opening it anew instead could follow a link that somebody planted.
        remove(&fresh)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&fresh)?;
        let written = file.write_all(&sealed).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&fresh, &path));
        if written.is_err() {
            let _ = remove(&fresh);
        }
        written.and_then(|()| sync_folder(folder))
    }

    /// What is kept of the renewal of `marked`.
    pub(super) fn read(&self, marked: &Grant) -> Found {
        let Some(path) = self.path() else { return Found::Nothing };
        let mut sealed = Vec::new();
        match File::open(&path).and_then(|file| file.take(LONGEST).read_to_end(&mut sealed)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Found::Nothing,
            Err(_) => Found::Foreign,
            Ok(_) => self.open(marked, sealed).map_or(Found::Foreign, |grant| Found::Kept(Box::new(grant))),
        }
    }

    /// Removes the copy: the store has the tokens, or nobody wants them any more.
    pub(super) fn remove(&self) {
        if let Some(path) = self.path()
            && let Err(error) = remove(&path)
        {
            log::warn!("`{}` could not be removed: {}", path.display(), error.kind());
        }
    }

    /// Puts aside what nobody can read, for whoever wants to know what happened.
    pub(super) fn set_aside(&self) {
        if let Some(path) = self.path() {
            log::warn!("`{}` is no copy of the renewal that was cut off; it was put aside", path.display());
            let _ = fs::rename(&path, path.with_extension("unreadable"));
        }
    }

    // The prefix keeps names apart that Windows gives to devices.
    fn path(&self) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(format!("grant-{}", self.connection)))
    }

    fn seal(&self, marked: &Grant, renewed: &Grant) -> Option<Vec<u8>> {
        let cipher = cipher(marked)?;
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).ok()?;
        let mut text = renewed.encode().expose().as_bytes().to_vec();
        let aad = Aad::from(self.bound_to(marked));
        cipher.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut text).ok()?;
        Some([&[FORMAT], nonce.as_slice(), text.as_slice()].concat())
    }

    fn open(&self, marked: &Grant, sealed: Vec<u8>) -> Option<Grant> {
        let cipher = cipher(marked)?;
        let (&FORMAT, rest) = sealed.split_first()? else { return None };
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>()?;
        let mut text = Zeroizing::new(text.to_vec());
        let aad = Aad::from(self.bound_to(marked));
        let text = cipher.open_in_place(Nonce::assume_unique_for_key(*nonce), aad, &mut text).ok()?;
        let renewed = Grant::decode(&Secret::new(std::str::from_utf8(text).ok()?)).ok()?;
        (renewed.generation > marked.generation).then_some(renewed)
    }

    fn bound_to(&self, marked: &Grant) -> Vec<u8> {
        format!("keyward spill {FORMAT}\0{}\0{}", self.connection, marked.generation).into_bytes()
    }
}

fn cipher(marked: &Grant) -> Option<LessSafeKey> {
    let key = Zeroizing::new(URL_SAFE_NO_PAD.decode(marked.renewals.spill_key.as_ref()?.expose()).ok()?);
    Some(LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &key).ok()?))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

/// A name in a folder is durable only when the folder is.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Windows has no such call; its file system keeps a journal of names.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::grant::State;
    use crate::backends::Way;
    use crate::machine::Timestamp;

    fn grant(token: &str, generation: u64) -> Grant {
        let url = url::Url::parse("https://api.example/mcp").unwrap();
        Grant::pasted(Way::OAuth, Secret::new(token), &url, generation, Timestamp(100))
    }

    fn marked(generation: u64) -> Grant {
        let mut marked = Grant { state: State::RefreshStarted, ..grant("old", generation) };
        marked.renewals.spill_key = key();
        marked
    }

    fn kept(spill: &Spill, marked: &Grant) -> Option<String> {
        match spill.read(marked) {
            Found::Kept(grant) => Some(grant.access_token.expose().to_owned()),
            Found::Nothing | Found::Foreign => None,
        }
    }

    #[test]
    fn a_copy_comes_back_and_is_not_clear_text() {
        let folder = tempfile::tempdir().unwrap();
        let (spill, marked) = (Spill::new(Some(folder.path()), "box"), marked(7));
        assert!(matches!(spill.read(&marked), Found::Nothing));
        spill.write(&marked, &grant("canary", 8)).unwrap();
        let bytes = fs::read(folder.path().join("spills/grant-box")).unwrap();
        assert!(!bytes.windows(6).any(|part| part == b"canary" || part == b"access"));
        assert_eq!(kept(&spill, &marked).as_deref(), Some("canary"));
        spill.remove();
        assert!(matches!(spill.read(&marked), Found::Nothing));
        assert_eq!(fs::read_dir(folder.path().join("spills")).unwrap().count(), 0, "nothing is left");
    }

    #[test]
    fn a_copy_is_good_for_one_connection_one_generation_and_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let (spill, own) = (Spill::new(Some(folder.path()), "box"), marked(7));
        spill.write(&own, &grant("new", 8)).unwrap();
        let path = folder.path().join("spills/grant-box");
        fs::copy(&path, folder.path().join("spills/grant-other")).unwrap();
        assert_eq!(kept(&Spill::new(Some(folder.path()), "other"), &own), None, "another connection");
        assert_eq!(kept(&spill, &Grant { generation: 6, ..own.clone() }), None, "another generation");
        assert_eq!(kept(&spill, &marked(7)), None, "another key");
        let mut keyless = own.clone();
        keyless.renewals.spill_key = None;
        assert_eq!(kept(&spill, &keyless), None, "no key");
        let whole = fs::read(&path).unwrap();
        for at in [0, 1, 13, whole.len() - 1] {
            let mut bent = whole.clone();
            bent[at] ^= 1;
            fs::write(&path, bent).unwrap();
            assert!(matches!(spill.read(&own), Found::Foreign), "byte {at}");
        }
        fs::write(&path, "").unwrap();
        assert!(matches!(spill.read(&own), Found::Foreign));
        fs::write(&path, whole).unwrap();
        assert_eq!(kept(&spill, &own).as_deref(), Some("new"));
    }

    #[test]
    fn a_copy_of_an_older_generation_than_the_mark_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (spill, marked) = (Spill::new(Some(folder.path()), "box"), marked(7));
        spill.write(&marked, &grant("old", 7)).unwrap();
        assert!(matches!(spill.read(&marked), Found::Foreign));
    }

    #[test]
    fn two_copies_under_one_key_share_no_nonce() {
        let folder = tempfile::tempdir().unwrap();
        let (spill, marked) = (Spill::new(Some(folder.path()), "box"), marked(7));
        assert_ne!(spill.seal(&marked, &grant("a", 8)), spill.seal(&marked, &grant("a", 8)));
    }

    #[cfg(unix)]
    #[test]
    fn only_the_person_can_read_it_and_a_planted_link_is_replaced() {
        use std::os::unix::fs::{MetadataExt, symlink};
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (spill, marked) = (Spill::new(Some(folder.path()), "box"), marked(7));
        let (path, target) = (folder.path().join("spills/grant-box"), elsewhere.path().join("target"));
        private_folder(&folder.path().join("spills")).unwrap();
        fs::write(&target, "theirs").unwrap();
        symlink(&target, &path).unwrap();
        symlink(&target, path.with_extension("new")).unwrap();
        spill.write(&marked, &grant("new", 8)).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "theirs");
        let mode = |path: &Path| fs::symlink_metadata(path).unwrap().mode() & 0o7777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(kept(&spill, &marked).as_deref(), Some("new"));
    }

    #[test]
    fn without_a_folder_or_on_a_full_disk_there_is_no_copy_and_that_is_said() {
        assert!(Spill::new(None, "box").write(&marked(7), &grant("new", 8)).is_err());
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("spills"), "in the way").unwrap();
        assert!(Spill::new(Some(folder.path()), "box").write(&marked(7), &grant("new", 8)).is_err());
    }
}
