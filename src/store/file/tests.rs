//! A real file in a folder of its own. Every instance here is what another process would be: it shares nothing but the
//! file. Guesses are cheap, so that the tests are.

use std::collections::VecDeque;
use std::fs;
use std::pin::Pin;
use std::sync::Mutex;

use proptest::prelude::*;
use tempfile::TempDir;

use super::super::Error as StoreError;
use super::*;

const CHEAP: Cost = Cost { memory: 8, passes: 1, lanes: 1 };
const PASSPHRASE: &str = "correct horse";

fn given(passphrase: &str) -> Passphrase {
    Passphrase { given: Some(Secret::new(passphrase)), ..Passphrase::default() }
}

fn with(folder: &TempDir, passphrase: Passphrase) -> EncryptedFile {
    EncryptedFile::new(Some(&home(folder)), passphrase, CHEAP)
}

fn opened(folder: &TempDir) -> EncryptedFile {
    with(folder, given(PASSPHRASE))
}

// The folder is not there at first, as on a new machine.
fn home(folder: &TempDir) -> PathBuf {
    folder.path().join("state/keyward")
}

fn path(folder: &TempDir) -> PathBuf {
    home(folder).join("store")
}

fn bytes(folder: &TempDir) -> Vec<u8> {
    fs::read(path(folder)).unwrap()
}

fn names(folder: &TempDir) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(home(folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "locks")
        .collect();
    names.sort();
    names
}

async fn load(file: &EncryptedFile, name: &str) -> Outcome<Option<String>> {
    Ok(file.load(&Key::grant(name)).await?.map(|secret| secret.expose().to_owned()))
}

async fn save(file: &EncryptedFile, name: &str, text: &str) -> Outcome<()> {
    file.save(&Key::grant(name), &Secret::new(text)).await
}

/// A file with one secret.
async fn holding(text: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    save(&opened(&folder), "a", text).await.unwrap();
    folder
}

/// Puts the digest right, as somebody would who changes the file on purpose.
fn with_a_digest(content: &[u8]) -> Vec<u8> {
    let digest = ring::digest::digest(&ring::digest::SHA256, content);
    [content, digest.as_ref()].concat()
}

fn line_and_body(bytes: &[u8]) -> (String, Vec<u8>) {
    let content = &bytes[..bytes.len() - 32];
    let end = content.iter().position(|&byte| byte == b'\n').unwrap();
    (String::from_utf8(content[..end].to_vec()).unwrap(), content[end + 1..].to_vec())
}

/// Every call of the store, with what it ended with.
async fn all_calls(file: &EncryptedFile) -> [(&'static str, Option<StoreError>); 4] {
    [
        ("load", load(file, "a").await.err()),
        ("delete", file.delete(&Key::grant("a")).await.err()),
        ("prove", file.prove().await.err()),
        ("save", save(file, "a", "new").await.err()),
    ]
}

/// A person who answers what they were told to answer, and counts the questions.
#[derive(Default)]
struct Person(Mutex<VecDeque<&'static str>>, Mutex<Vec<String>>);

impl Person {
    fn who_types(answers: &[&'static str]) -> Arc<Self> {
        Arc::new(Self(Mutex::new(answers.iter().copied().collect()), Mutex::default()))
    }

    fn as_source(self: &Arc<Self>) -> Passphrase {
        Passphrase { person: Some(Arc::clone(self) as Arc<dyn Ask>), ..Passphrase::default() }
    }

    fn questions(&self) -> usize {
        self.1.lock().unwrap().len()
    }
}

impl Ask for Person {
    fn ask<'a>(&'a self, prompt: &'a str) -> Pin<Box<dyn Future<Output = io::Result<Secret>> + Send + 'a>> {
        self.1.lock().unwrap().push(prompt.to_owned());
        let answer = self.0.lock().unwrap().pop_front();
        Box::pin(std::future::ready(answer.map(Secret::new).ok_or_else(|| ErrorKind::UnexpectedEof.into())))
    }
}

#[tokio::test]
async fn what_was_saved_is_loaded_by_other_processes_until_it_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(load(&opened(&folder), "a").await, Ok(None));
    assert_eq!(opened(&folder).delete(&Key::grant("a")).await, Ok(false));
    assert!(!home(&folder).exists(), "reading makes nothing");
    let text = "grün 🔑 \" \\ \n \u{0}".repeat(400);
    save(&opened(&folder), "a", &text).await.unwrap();
    save(&opened(&folder), "b", "other").await.unwrap();
    assert_eq!(load(&opened(&folder), "a").await, Ok(Some(text)));
    assert_eq!(load(&opened(&folder), "c").await, Ok(None));
    assert_eq!(opened(&folder).delete(&Key::grant("a")).await, Ok(true));
    assert_eq!(opened(&folder).delete(&Key::grant("a")).await, Ok(false));
    assert_eq!(load(&opened(&folder), "a").await, Ok(None));
    assert_eq!(load(&opened(&folder), "b").await, Ok(Some("other".to_owned())));
    assert_eq!(names(&folder), ["store"]);
}

#[tokio::test]
async fn neither_a_secret_nor_the_name_of_a_service_can_be_read_from_the_file() {
    let folder = holding("canary-secret").await;
    let text = String::from_utf8_lossy(&bytes(&folder)).into_owned();
    assert!(text.starts_with("keyward-store/1 argon2id 8 1 1 "), "{text}");
    for word in ["canary", "grant", PASSPHRASE] {
        assert!(!text.contains(word), "{word}");
    }
}

#[tokio::test]
async fn no_two_writes_share_a_nonce() {
    let folder = holding("same").await;
    let file = opened(&folder);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        save(&file, "a", "same").await.unwrap();
        let (line, body) = line_and_body(&bytes(&folder));
        assert!(seen.insert(line.rsplit(' ').next().unwrap().to_owned()) && seen.insert(format!("{body:?}")));
    }
}

#[tokio::test]
async fn a_proof_makes_the_file_and_changes_nothing_in_it() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(opened(&folder).prove().await, Ok(()));
    assert_eq!(names(&folder), ["store"]);
    save(&opened(&folder), "a", "kept").await.unwrap();
    let before = bytes(&folder);
    assert_eq!(opened(&folder).prove().await, Ok(()));
    assert_ne!(bytes(&folder), before, "it is really written");
    assert_eq!(load(&opened(&folder), "a").await, Ok(Some("kept".to_owned())));
}

#[tokio::test]
async fn another_passphrase_opens_nothing_and_changes_nothing() {
    let folder = holding("old").await;
    let before = bytes(&folder);
    for wrong in ["correct hors", "correct horse ", "Correct horse"] {
        let wrong_passphrase = StoreError::File(Error::WrongPassphrase { path: path(&folder) });
        for (call, error) in all_calls(&with(&folder, given(wrong))).await {
            assert_eq!(error, Some(wrong_passphrase.clone()), "{call} with {wrong:?}");
        }
    }
    for (call, error) in all_calls(&with(&folder, Passphrase::default())).await {
        assert!(matches!(error, Some(StoreError::File(Error::NoPassphrase { .. }))), "{call}: {error:?}");
    }
    assert_eq!(bytes(&folder), before);
}

#[tokio::test]
async fn a_person_is_asked_twice_for_a_new_file_and_once_for_an_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let maker = Person::who_types(&[PASSPHRASE, PASSPHRASE]);
    let file = with(&folder, maker.as_source());
    assert_eq!(load(&file, "a").await, Ok(None));
    assert_eq!(maker.questions(), 0, "nobody is asked about a file that does not exist");
    file.prove().await.unwrap();
    save(&file, "a", "kept").await.unwrap();
    assert_eq!(load(&file, "a").await, Ok(Some("kept".to_owned())));
    assert_eq!(maker.questions(), 2);
    let reader = Person::who_types(&["correct house", PASSPHRASE]);
    let file = with(&folder, reader.as_source());
    assert_eq!(load(&file, "a").await, Ok(Some("kept".to_owned())));
    assert_eq!(load(&file, "b").await, Ok(None));
    assert_eq!(reader.questions(), 2, "the mistyped one and the right one");
    let guesser = Person::who_types(&["guess one", "guess two", "guess three", PASSPHRASE]);
    let wrong = load(&with(&folder, guesser.as_source()), "a").await;
    assert_eq!(wrong, Err(Error::WrongPassphrase { path: path(&folder) }.into()));
    assert_eq!(guesser.questions(), 3);
}

#[tokio::test]
async fn a_passphrase_that_cannot_be_one_makes_no_file() {
    let folder = tempfile::tempdir().unwrap();
    for (answers, why) in [
        (["correct horse", "correct house"], "the two that were typed differ"),
        (["seven c", "seven c"], "a new one needs at least 8 characters"),
        (["", ""], "nothing was typed"),
    ] {
        let file = with(&folder, Person::who_types(&answers).as_source());
        assert_eq!(save(&file, "a", "x").await, Err(Error::NoPassphrase { why }.into()));
    }
    let silent = with(&folder, Person::who_types(&[]).as_source());
    let unread = Error::NoPassphrase { why: "the terminal could not be read" };
    assert_eq!(save(&silent, "a", "x").await, Err(unread.into()));
    let short = Error::NoPassphrase { why: "a new one needs at least 8 characters" };
    assert_eq!(save(&with(&folder, given("seven c")), "a", "x").await, Err(short.into()));
    assert!(!path(&folder).exists());
}

#[tokio::test]
async fn a_credential_comes_before_the_person_and_after_the_environment() {
    let folder = holding("kept").await;
    let credential = folder.path().join("keyward-passphrase");
    let nobody = Person::who_types(&[]);
    let source = |given: Option<&str>| Passphrase {
        given: given.map(Secret::new),
        credential: Some(credential.clone()),
        ..nobody.as_source()
    };
    assert!(load(&with(&folder, source(None)), "a").await.is_err());
    assert_eq!(nobody.questions(), 1, "without the file the person is asked");
    for text in ["correct horse", "correct horse\n", "correct horse\r\n"] {
        write_private(&credential, text.as_bytes());
        assert_eq!(load(&with(&folder, source(None)), "a").await, Ok(Some("kept".to_owned())), "{text:?}");
    }
    write_private(&credential, b"another one");
    assert_eq!(load(&with(&folder, source(Some(PASSPHRASE))), "a").await, Ok(Some("kept".to_owned())));
    for (text, why) in
        [(&b""[..], "is empty"), (b"\n", "is empty"), (b"\xFF\xFE", "is not text"), (&[b'x'; 5000], "is too large")]
    {
        write_private(&credential, text);
        let unusable = Error::Unsafe { path: credential.clone(), why };
        assert_eq!(load(&with(&folder, source(None)), "a").await, Err(unusable.into()));
    }
    assert_eq!(nobody.questions(), 1);
}

fn write_private(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn a_change_of_any_byte_is_found_out() {
    let folder = holding("secret").await;
    let whole = bytes(&folder);
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(path(&folder), &changed).unwrap();
        let outcome = load(&opened(&folder), "a").await;
        assert_eq!(outcome, Err(Error::Damaged { path: path(&folder) }.into()), "byte {at}");
    }
    for length in 0..whole.len() {
        fs::write(path(&folder), &whole[..length]).unwrap();
        let outcome = load(&opened(&folder), "a").await;
        assert_eq!(outcome, Err(Error::Damaged { path: path(&folder) }.into()), "the first {length} bytes");
    }
}

#[tokio::test]
async fn a_change_by_somebody_who_puts_the_digest_right_is_found_out() {
    let folder = holding("secret").await;
    let (line, body) = line_and_body(&bytes(&folder));
    let words: Vec<&str> = line.split(' ').collect();
    let mut lines = Vec::new();
    // The same numbers in another spelling, other numbers, another salt and another nonce.
    for (number, word) in [(2, "08"), (2, "+8"), (2, "16"), (3, "2"), (5, &"0".repeat(32)), (6, &"0".repeat(24))] {
        let mut changed = words.clone();
        changed[number] = word;
        lines.push(changed.join(" "));
    }
    for changed in lines {
        fs::write(path(&folder), with_a_digest(&[changed.as_bytes(), b"\n", &body].concat())).unwrap();
        let outcome = load(&opened(&folder), "a").await;
        assert!(matches!(outcome, Err(StoreError::File(_))), "{changed}: {outcome:?}");
    }
    for at in 0..body.len() {
        let mut changed = body.clone();
        changed[at] ^= 1;
        fs::write(path(&folder), with_a_digest(&[line.as_bytes(), b"\n", &changed].concat())).unwrap();
        let outcome = load(&opened(&folder), "a").await;
        assert_eq!(outcome, Err(Error::WrongPassphrase { path: path(&folder) }.into()), "byte {at}");
    }
    fs::write(path(&folder), with_a_digest(&[line.as_bytes(), b"\n", &body].concat())).unwrap();
    assert_eq!(load(&opened(&folder), "a").await, Ok(Some("secret".to_owned())), "the test changes what it means to");
}

#[tokio::test]
async fn a_file_that_asks_for_too_much_is_refused_before_anything_is_derived() {
    let folder = holding("secret").await;
    let (line, body) = line_and_body(&bytes(&folder));
    for (from, to) in [
        (" 8 1 1 ", " 1073741824 1 1 "),
        (" 8 1 1 ", " 4294967295 4294967295 1 "),
        (" 8 1 1 ", " 262145 1 1 "),
        (" 8 1 1 ", " 8 17 1 "),
        (" 8 1 1 ", " 8 1 16777215 "),
        (" 8 1 1 ", " 7 1 1 "),
        (" 8 1 1 ", " 8 0 1 "),
        (" 8 1 1 ", " -8 1 1 "),
        (" 8 1 1 ", " 8 1 "),
        ("argon2id", "argon2i"),
        ("argon2id", "pbkdf2"),
    ] {
        let changed = line.replace(from, to);
        fs::write(path(&folder), with_a_digest(&[changed.as_bytes(), b"\n", &body].concat())).unwrap();
        let outcome = load(&opened(&folder), "a").await;
        assert_eq!(outcome, Err(Error::Damaged { path: path(&folder) }.into()), "{changed}");
    }
}

proptest! {
    #[test]
    fn no_bytes_are_trusted(bytes in any::<Vec<u8>>(), text in "keyward-store/1 argon2id [0-9a-f \n]{0,200}") {
        for content in [&bytes[..], text.as_bytes()] {
            prop_assert!(Sealed::read(content).is_err());
            // With a right digest it may look like a file, and still holds nothing for anybody.
            let _ = Sealed::read(&with_a_digest(content));
        }
    }
}

#[tokio::test]
async fn r22_a_newer_format_is_refused_and_left_alone() {
    let folder = holding("old").await;
    for newer in ["keyward-store/2", "keyward-store/10 something else\n", "keyward-store/2 argon2id 8 1 1"] {
        fs::write(path(&folder), newer).unwrap();
        for (call, error) in all_calls(&opened(&folder)).await {
            assert!(matches!(error, Some(StoreError::Newer { .. })), "{call}: {error:?}");
        }
        assert_eq!(bytes(&folder), newer.as_bytes());
        assert_eq!(names(&folder), ["store"]);
    }
}

#[tokio::test]
async fn a_damaged_file_is_never_taken_for_an_empty_one_and_a_save_sets_it_aside() {
    let folder = holding("lost").await;
    let damaged = Error::Damaged { path: path(&folder) };
    fs::write(path(&folder), "").unwrap();
    let file = opened(&folder);
    assert_eq!(load(&file, "a").await, Err(damaged.clone().into()));
    assert_eq!(file.delete(&Key::grant("a")).await, Err(damaged.into()));
    assert_eq!(names(&folder), ["store"], "nothing has moved it yet");
    for number in 1..=12 {
        fs::write(path(&folder), format!("damage {number}")).unwrap();
        save(&opened(&folder), "a", "new").await.unwrap();
        assert_eq!(load(&opened(&folder), "a").await, Ok(Some("new".to_owned())));
        let kept = home(&folder).join(format!("store.damaged-{}", number.min(9)));
        assert_eq!(fs::read_to_string(kept).unwrap(), format!("damage {number}"));
    }
    assert_eq!(names(&folder).len(), 10, "the file and nine damaged ones");
}

#[tokio::test]
async fn an_instance_that_had_it_open_notices_the_damage() {
    let folder = holding("old").await;
    let file = opened(&folder);
    assert_eq!(load(&file, "a").await, Ok(Some("old".to_owned())));
    let (line, mut body) = line_and_body(&bytes(&folder));
    body[0] ^= 1;
    fs::write(path(&folder), with_a_digest(&[line.as_bytes(), b"\n", &body].concat())).unwrap();
    assert_eq!(load(&file, "a").await, Err(Error::Damaged { path: path(&folder) }.into()));
    save(&file, "a", "new").await.unwrap();
    assert_eq!(names(&folder), ["store", "store.damaged-1"]);
    assert_eq!(load(&opened(&folder), "a").await, Ok(Some("new".to_owned())));
}

#[tokio::test]
async fn makers_of_one_new_file_agree_on_it() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other, stranger) = (opened(&folder), opened(&folder), with(&folder, given("another one")));
    for file in [&one, &other, &stranger] {
        file.unlock(&Key::grant("a"), Goal::Write).await.unwrap();
    }
    save(&one, "a", "one").await.unwrap();
    save(&other, "b", "other").await.unwrap();
    assert_eq!(load(&one, "b").await, Ok(Some("other".to_owned())));
    let wrong = Error::WrongPassphrase { path: path(&folder) };
    assert_eq!(save(&stranger, "c", "stranger").await, Err(wrong.into()));
    assert_eq!(load(&other, "a").await, Ok(Some("one".to_owned())));
}

#[tokio::test]
async fn an_instance_that_had_it_open_follows_to_a_new_file_with_the_same_passphrase() {
    let folder = holding("old").await;
    let file = opened(&folder);
    assert_eq!(load(&file, "a").await, Ok(Some("old".to_owned())));
    fs::remove_file(path(&folder)).unwrap();
    assert_eq!(load(&file, "a").await, Ok(None));
    save(&opened(&folder), "a", "new").await.unwrap();
    assert_eq!(load(&file, "a").await, Ok(Some("new".to_owned())));
    save(&file, "b", "more").await.unwrap();
    assert_eq!(load(&opened(&folder), "b").await, Ok(Some("more".to_owned())));
}

#[tokio::test]
async fn what_a_dead_writer_left_behind_is_removed_by_the_next() {
    let folder = holding("old").await;
    fs::write(home(&folder).join(".store-dead"), "half").unwrap();
    save(&opened(&folder), "a", "new").await.unwrap();
    assert_eq!(names(&folder), ["store"]);
}

#[tokio::test]
async fn writers_that_know_nothing_of_each_other_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let writer = |letter: &'static str| {
        let file = opened(&folder);
        async move {
            for number in 0..25 {
                save(&file, &format!("{letter}{number}"), letter).await.unwrap();
            }
        }
    };
    tokio::join!(writer("a"), writer("b"), writer("c"));
    let file = opened(&folder);
    for letter in ["a", "b", "c"] {
        for number in 0..25 {
            let found = load(&file, &format!("{letter}{number}")).await;
            assert_eq!(found, Ok(Some(letter.to_owned())), "{letter}{number}");
        }
    }
}

#[tokio::test]
async fn a_secret_beyond_the_limit_is_refused_and_the_old_one_stays() {
    let folder = holding("old").await;
    let too_large = StoreError::TooLarge { size: LARGEST_SECRET + 1, limit: LARGEST_SECRET };
    assert_eq!(save(&opened(&folder), "a", &"x".repeat(LARGEST_SECRET + 1)).await, Err(too_large));
    let file = opened(&folder);
    let mut number = 0;
    let refused = loop {
        number += 1;
        if let Err(error) = save(&file, &format!("large {number}"), &"x".repeat(LARGEST_SECRET)).await {
            break error;
        }
    };
    assert!(matches!(refused, StoreError::TooLarge { limit: disk::LARGEST, .. }), "{refused:?}");
    assert_eq!(number, 16);
    assert_eq!(load(&opened(&folder), "a").await, Ok(Some("old".to_owned())));
}

#[tokio::test]
async fn a_machine_without_a_home_has_no_file() {
    let file = EncryptedFile::new(None, given(PASSPHRASE), CHEAP);
    for (call, error) in all_calls(&file).await {
        assert_eq!(error, Some(Error::NoFolder.into()), "{call}");
    }
}

#[tokio::test]
async fn r22_the_file_of_an_earlier_version_is_read_and_replaced_at_its_own_cost() {
    let digits: String = include_str!("../../../tests/layouts/store-1.hex").split_whitespace().collect();
    let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    let old: Vec<u8> = pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
    let folder = holding("x").await;
    fs::write(path(&folder), old).unwrap();
    let grant = include_str!("../../../tests/layouts/grant-1-oauth.json").trim_end();
    assert_eq!(load(&opened(&folder), "box").await, Ok(Some(grant.to_owned())));
    save(&opened(&folder), "new", "n").await.unwrap();
    assert_eq!(load(&opened(&folder), "box").await, Ok(Some(grant.to_owned())));
    assert!(line_and_body(&bytes(&folder)).0.starts_with("keyward-store/1 argon2id 64 2 2 "));
}

#[test]
fn the_cost_of_a_guess_is_what_the_standard_recommends() {
    assert_eq!(Cost::STANDARD, Cost { memory: 1 << 16, passes: 3, lanes: 4 });
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    /// Every call refuses, and the file is as it was.
    async fn refused(folder: &TempDir, what: &Path, why: &'static str) {
        let before = fs::read(path(folder)).ok();
        let expected = StoreError::File(Error::Unsafe { path: what.to_owned(), why });
        for (call, error) in all_calls(&opened(folder)).await {
            assert_eq!(error, Some(expected.clone()), "{call}");
        }
        assert_eq!(fs::read(path(folder)).ok(), before, "{why}");
    }

    #[tokio::test]
    async fn s45_the_file_and_its_folder_are_made_for_the_person_alone() {
        let folder = holding("x").await;
        assert_eq!((mode(&home(&folder)), mode(&path(&folder))), (0o700, 0o600));
        // A folder that others may look into is closed by the next write.
        set_mode(&home(&folder), 0o755);
        assert_eq!(load(&opened(&folder), "a").await, Ok(Some("x".to_owned())));
        save(&opened(&folder), "a", "y").await.unwrap();
        assert_eq!((mode(&home(&folder)), mode(&path(&folder))), (0o700, 0o600));
    }

    #[tokio::test]
    async fn s45_a_file_that_others_can_read_or_write_is_refused() {
        let folder = holding("x").await;
        // An access control list that lets another user in shows as the bits of the group.
        for loose in [0o644, 0o640, 0o660, 0o604, 0o602, 0o601] {
            set_mode(&path(&folder), loose);
            refused(&folder, &path(&folder), "can be read or written by others").await;
            assert_eq!(mode(&path(&folder)), loose);
        }
        set_mode(&path(&folder), 0o600);
        assert_eq!(load(&opened(&folder), "a").await, Ok(Some("x".to_owned())));
    }

    #[tokio::test]
    async fn s45_a_folder_that_others_can_write_is_refused() {
        let folder = holding("x").await;
        for loose in [0o777, 0o1777, 0o770, 0o702] {
            set_mode(&home(&folder), loose);
            refused(&folder, &home(&folder), "can be written by others").await;
        }
        set_mode(&home(&folder), 0o700);
        assert_eq!(load(&opened(&folder), "a").await, Ok(Some("x".to_owned())));
    }

    #[tokio::test]
    async fn s45_a_file_or_folder_of_another_user_is_refused() {
        let folder = holding("x").await;
        if !rustix::process::geteuid().is_root() {
            // Only root can give a file away; for everybody else the root folder is somebody else's.
            let file = EncryptedFile::new(Some(Path::new("/")), given(PASSPHRASE), CHEAP);
            let foreign = StoreError::File(Error::Unsafe { path: "/".into(), why: "belongs to another user" });
            assert_eq!(save(&file, "a", "x").await, Err(foreign));
            return;
        }
        chown(path(&folder), Some(4711), None).unwrap();
        refused(&folder, &path(&folder), "belongs to another user").await;
        chown(path(&folder), Some(0), None).unwrap();
        chown(home(&folder), Some(4711), None).unwrap();
        refused(&folder, &home(&folder), "belongs to another user").await;
    }

    #[tokio::test]
    async fn s45_a_link_in_place_of_the_file_is_refused_and_not_followed() {
        let (folder, elsewhere) = (holding("x").await, tempfile::tempdir().unwrap());
        let target = elsewhere.path().join("target");
        fs::rename(path(&folder), &target).unwrap();
        symlink(&target, path(&folder)).unwrap();
        refused(&folder, &path(&folder), "is a symbolic link").await;
        // One that leads nowhere is no file that could be made.
        fs::remove_file(&target).unwrap();
        refused(&folder, &path(&folder), "is a symbolic link").await;
        assert!(!target.exists());
    }

    #[tokio::test]
    async fn s45_a_file_with_a_second_name_is_refused() {
        let folder = holding("x").await;
        let second = folder.path().join("second");
        fs::hard_link(path(&folder), &second).unwrap();
        refused(&folder, &path(&folder), "has a second name, a hard link").await;
        fs::remove_file(second).unwrap();
        assert_eq!(load(&opened(&folder), "a").await, Ok(Some("x".to_owned())));
    }

    #[tokio::test]
    async fn what_is_no_file_is_refused_without_waiting_for_it() {
        let folder = holding("x").await;
        fs::remove_file(path(&folder)).unwrap();
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, path(&folder), mode).unwrap();
        let error = load(&opened(&folder), "a").await.unwrap_err();
        assert_eq!(error, Error::Unsafe { path: path(&folder), why: "is not a plain file" }.into());
        fs::remove_file(path(&folder)).unwrap();
        fs::create_dir(path(&folder)).unwrap();
        assert!(matches!(load(&opened(&folder), "a").await, Err(StoreError::File(Error::Unsafe { .. }))));
    }

    #[tokio::test]
    async fn a_credential_that_others_can_read_is_refused_and_one_of_systemd_is_not() {
        let folder = holding("x").await;
        let credential = folder.path().join("keyward-passphrase");
        fs::write(&credential, PASSPHRASE).unwrap();
        let source = || Passphrase { credential: Some(credential.clone()), ..Passphrase::default() };
        for (bits, accepted) in [
            (0o400, true),
            (0o600, true),
            (0o440, true),
            (0o444, false),
            (0o404, false),
            (0o460, false),
            (0o420, false),
        ] {
            set_mode(&credential, bits);
            let outcome = load(&with(&folder, source()), "a").await;
            let loose = Error::Unsafe { path: credential.clone(), why: "can be read or written by others" };
            let expected = if accepted { Ok(Some("x".to_owned())) } else { Err(loose.into()) };
            assert_eq!(outcome, expected, "{bits:o}");
        }
        set_mode(&credential, 0o400);
        if rustix::process::geteuid().is_root() {
            chown(&credential, Some(4711), None).unwrap();
            let foreign = Error::Unsafe { path: credential.clone(), why: "belongs to another user" };
            assert_eq!(load(&with(&folder, source()), "a").await, Err(foreign.into()));
        }
        fs::remove_file(&credential).unwrap();
        symlink(path(&folder), &credential).unwrap();
        let link = Error::Unsafe { path: credential.clone(), why: "is a symbolic link" };
        assert_eq!(load(&with(&folder, source()), "a").await, Err(link.into()));
    }
}
