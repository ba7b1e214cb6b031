//! The keychain for real, in every state it can be in. `tests/keychain-ring.sh` runs each module here inside the state
//! that it is named after; nothing here runs by itself, because it would meet the keychain of whoever runs it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests are part of the tests"
)]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use keyward::secret::Secret;
use keyward::store::keychain::habits::windows;
use keyward::store::keychain::{Keychain, Limits};
use keyward::store::{Error, Key, Store};

/// The items of Windows, where a keychain has the smallest limit.
const SMALL_ITEMS: usize = windows::ITEM;
const PATIENCE: Duration = Duration::from_secs(60);

fn keychain() -> Keychain {
    Keychain::new(Limits { deadline: PATIENCE, ..Limits::BRIEF })
}

fn keychain_of_small_items() -> Keychain {
    Keychain::new(Limits { deadline: PATIENCE, item: SMALL_ITEMS })
}

fn grant(letter: &str) -> Secret {
    Secret::new(letter.repeat(8192 / letter.len()))
}

async fn load(keychain: &Keychain, key: &Key) -> Result<Option<String>, Error> {
    Ok(keychain.load(key).await?.map(|secret| secret.expose().to_owned()))
}

#[expect(clippy::disallowed_methods, reason = "the state around the test is told by the environment")]
fn variable(name: &str) -> String {
    std::env::var(name).expect("run it through tests/keychain-ring.sh")
}

fn expect_state(state: &str) {
    assert_eq!(variable("WITH_KEYRING_STATE"), state);
}

/// Gives an order to the script around the test and waits until it is carried out.
fn order(what: &str) {
    let folder = PathBuf::from(variable("WITH_KEYRING_DIR"));
    let mut answer = String::new();
    let answers = fs::File::options().read(true).write(true).open(folder.join("answers")).unwrap();
    fs::write(folder.join("orders"), format!("{what}\n")).unwrap();
    BufReader::new(answers).read_line(&mut answer).unwrap();
    assert_eq!(answer, "ready\n", "{what}");
}

#[expect(clippy::disallowed_methods, reason = "another program looks at the keychain")]
fn secret_tool(arguments: &[&str], input: &'static str) -> Output {
    let mut tool = Command::new("secret-tool")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut tool.stdin.take().unwrap(), input.as_bytes()).unwrap();
    tool.wait_with_output().unwrap()
}

/// The names of our items that contain `text`, as `secret-tool` sees them.
fn items_named(text: &str) -> Vec<String> {
    let found = secret_tool(&["search", "--all", "service", "keyward"], "");
    let description = String::from_utf8(found.stderr).unwrap();
    let names = description.lines().filter_map(|line| line.strip_prefix("attribute.username = "));
    names.filter(|name| name.contains(text)).map(str::to_owned).collect()
}

/// What `dbus-monitor` sees on the bus.
struct BusWatch(Child, mpsc::Receiver<String>);

impl BusWatch {
    #[expect(clippy::disallowed_methods, reason = "another program looks at the bus")]
    fn start() -> Self {
        let mut monitor =
            Command::new("dbus-monitor").args(["--session", "--profile"]).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(monitor.stdout.take().unwrap());
        let (seen, lines) = mpsc::channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| seen.send(line)));
        let watch = Self(monitor, lines);
        // It becomes a monitor, loses its name by that, and is told so.
        while !watch.line().contains("NameLost") {}
        watch
    }

    fn line(&self) -> String {
        self.1.recv_timeout(PATIENCE).unwrap()
    }

    /// What programs ask of the service up to this method, and what it answers; each program has a number.
    fn until(&self, last: &str) -> Vec<String> {
        let (mut seen, mut callers) = (Vec::<String>::new(), Vec::new());
        while !seen.last().is_some_and(|line| line.ends_with(last)) {
            let line = self.line();
            // Kind, time, serial, sender, destination, then path, interface and method, or the serial that is answered.
            match line.split('\t').collect::<Vec<_>>()[..] {
                ["mc", _, _, from, "org.freedesktop.secrets", .., method] => {
                    if !callers.iter().any(|caller| caller == from) {
                        callers.push(from.to_owned());
                    }
                    let number = callers.iter().position(|caller| caller == from).unwrap();
                    seen.push(format!("{number} asks for {method}"));
                }
                ["mr", _, _, from, to, ..] if from != "org.freedesktop.DBus" => {
                    if let Some(number) = callers.iter().position(|caller| caller == to) {
                        seen.push(format!("{number} is answered"));
                    }
                }
                _ => {}
            }
        }
        seen
    }
}

impl Drop for BusWatch {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Another process, which runs one test of `child`.
#[expect(clippy::disallowed_methods, reason = "the other process is a real one")]
fn child(test: &str, argument: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", &format!("keychain::child::{test}")])
        .env("KEYCHAIN_CHILD", argument)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until the process has ended, and ends it if it does not end by itself.
fn must_succeed(mut child: Child) {
    let mut output = child.stdout.take().unwrap();
    let (done, ended) = mpsc::channel();
    std::thread::spawn(move || {
        // The pipe closes when the process ends.
        let mut text = String::new();
        let _ = output.read_to_string(&mut text);
        done.send(text)
    });
    let Ok(text) = ended.recv_timeout(PATIENCE) else {
        child.kill().unwrap();
        child.wait().unwrap();
        panic!("the other process does not end");
    };
    assert!(child.wait().unwrap().success(), "{text}");
    assert!(text.contains("1 passed"), "{text}");
}

mod unlocked {
    use super::*;

    #[tokio::test]
    #[ignore = "needs a real keychain: tests/keychain-ring.sh"]
    async fn a_grant_comes_back_whole_in_items_of_any_size_and_leaves_nothing_behind() {
        expect_state("unlocked");
        for (name, keychain) in [("whole", keychain()), ("parts", keychain_of_small_items())] {
            let key = Key::grant(name);
            assert_eq!(load(&keychain, &key).await, Ok(None));
            for letter in ["x", "ü🔑"] {
                keychain.save(&key, &grant(letter)).await.unwrap();
                // The reader knows nothing of the writer's limit.
                let found = super::keychain().load(&key).await.unwrap().unwrap();
                assert!(found.matches(grant(letter).expose()), "{name}");
            }
            // In parts: seven of them, the head and the list.
            assert_eq!(items_named(key.as_str()).len(), if name == "whole" { 1 } else { 9 });
            assert_eq!(keychain.delete(&key).await, Ok(true));
            assert_eq!(keychain.delete(&key).await, Ok(false));
            assert_eq!(load(&keychain, &key).await, Ok(None));
            assert_eq!(items_named(key.as_str()), [""; 0]);
        }
    }

    #[tokio::test]
    #[ignore = "needs a real keychain: tests/keychain-ring.sh"]
    async fn other_programs_see_what_was_stored_under_the_service_name() {
        expect_state("unlocked");
        let (keychain, key) = (keychain(), Key::grant("seen"));
        keychain.save(&key, &Secret::new("canary")).await.unwrap();
        let found = secret_tool(&["lookup", "service", "keyward", "username", "grant seen"], "");
        assert!(String::from_utf8(found.stdout).unwrap().ends_with("\ncanary"));
        keychain.delete(&key).await.unwrap();
    }

    #[tokio::test]
    #[ignore = "needs a real keychain: tests/keychain-ring.sh"]
    async fn a_proof_succeeds_and_leaves_nothing_behind() {
        expect_state("unlocked");
        assert_eq!(keychain().prove().await, Ok(()));
        assert_eq!(items_named("probe"), [""; 0]);
    }

    #[tokio::test]
    #[ignore = "needs a real keychain: tests/keychain-ring.sh"]
    async fn an_item_that_another_program_made_under_our_name_is_told_and_left_alone() {
        expect_state("unlocked");
        let (keychain, key) = (keychain(), Key::grant("twice"));
        keychain.save(&key, &Secret::new("ours")).await.unwrap();
        let attributes = ["service", "keyward", "username", "grant twice", "foreign", "1"];
        secret_tool(&[&["store", "--label=foreign"], &attributes[..]].concat(), "theirs");
        let ambiguous = Error::Ambiguous { key: key.clone() };
        assert_eq!(load(&keychain, &key).await, Err(ambiguous.clone()));
        assert_eq!(keychain.save(&key, &Secret::new("new")).await, Err(ambiguous.clone()));
        assert_eq!(keychain.delete(&key).await, Err(ambiguous));
        secret_tool(&[&["clear"], &attributes[..]].concat(), "");
        assert_eq!(load(&keychain, &key).await, Ok(Some("ours".to_owned())));
        keychain.delete(&key).await.unwrap();
    }

    #[tokio::test]
    #[ignore = "needs a real keychain: tests/keychain-ring.sh"]
    async fn what_another_program_wrote_over_ours_is_damaged_and_a_save_sets_it_aside() {
        expect_state("unlocked");
        let (keychain, key) = (keychain(), Key::grant("over"));
        secret_tool(&["store", "--label=foreign", "service", "keyward", "username", "grant over"], "theirs");
        assert_eq!(load(&keychain, &key).await, Err(Error::Damaged { key: key.clone() }));
        keychain.save(&key, &Secret::new("ours")).await.unwrap();
        assert_eq!(load(&keychain, &key).await, Ok(Some("ours".to_owned())));
        assert_eq!(load(&keychain, &key.damaged()).await, Ok(Some("theirs".to_owned())));
        assert_eq!(items_named(key.as_str()).len(), 2);
        keychain.delete(&key).await.unwrap();
        keychain.delete(&key.damaged()).await.unwrap();
    }

    #[tokio::test]
    #[ignore = "needs a real keychain: tests/keychain-ring.sh"]
    async fn two_writers_in_one_process_never_show_a_reader_half_a_grant() {
        expect_state("unlocked");
        let key = Key::grant("threads");
        keychain_of_small_items().save(&key, &grant("a")).await.unwrap();
        let writers: Vec<_> = ["a", "b"]
            .map(|letter| {
                let key = key.clone();
                std::thread::spawn(move || child::write(&key, letter))
            })
            .into();
        read_while(&key, || writers.iter().any(|writer| !writer.is_finished())).await;
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        keychain().delete(&key).await.unwrap();
    }

    #[tokio::test]
    #[ignore = "needs a real keychain: tests/keychain-ring.sh"]
    async fn two_writers_in_two_processes_never_show_a_reader_half_a_grant() {
        expect_state("unlocked");
        let key = Key::grant("processes");
        keychain_of_small_items().save(&key, &grant("a")).await.unwrap();
        let mut writers = ["a", "b"].map(|letter| child("writes_many_grants", letter));
        let mut running = || writers.iter_mut().any(|writer| writer.try_wait().unwrap().is_none());
        read_while(&key, &mut running).await;
        writers.into_iter().for_each(must_succeed);
        keychain().delete(&key).await.unwrap();
    }

    async fn read_while(key: &Key, mut running: impl FnMut() -> bool) {
        let (keychain, grants) = (keychain(), [grant("a"), grant("b")]);
        let mut last = false;
        while !last {
            last = !running();
            let found = keychain.load(key).await.unwrap().unwrap();
            assert!(grants.iter().any(|grant| found.matches(grant.expose())), "half a grant");
        }
    }

    #[tokio::test]
    #[ignore = "needs a real keychain: tests/keychain-ring.sh"]
    async fn an_open_store_survives_the_keychains_restart() {
        expect_state("unlocked");
        let (keychain, key) = (keychain_of_small_items(), Key::grant("restart"));
        keychain.save(&key, &grant("a")).await.unwrap();
        order("restart");
        assert!(keychain.load(&key).await.unwrap().unwrap().matches(grant("a").expose()));
        order("restart");
        keychain.save(&key, &grant("b")).await.unwrap();
        order("stop");
        assert!(matches!(load(&keychain, &key).await, Err(Error::Absent { .. })));
        order("restart");
        assert!(keychain.load(&key).await.unwrap().unwrap().matches(grant("b").expose()));
        order("restart");
        assert_eq!(keychain.delete(&key).await, Ok(true));
    }

    #[tokio::test]
    #[ignore = "needs a real keychain: tests/keychain-ring.sh"]
    async fn a_lock_that_falls_under_an_open_store_is_never_taken_for_no_login() {
        expect_state("unlocked");
        let (keychain, key, other) = (keychain(), Key::grant("lock"), Key::grant("never"));
        keychain.save(&key, &Secret::new("canary")).await.unwrap();
        order("lock");
        assert_eq!(load(&keychain, &key).await, Err(Error::Locked));
        assert_eq!(load(&keychain, &other).await, Err(Error::Locked));
        assert_eq!(keychain.save(&key, &Secret::new("new")).await, Err(Error::Locked));
        assert_eq!(keychain.delete(&key).await, Err(Error::Locked));
        order("restart");
        assert_eq!(load(&keychain, &key).await, Ok(Some("canary".to_owned())));
        assert_eq!(load(&keychain, &other).await, Ok(None));
        keychain.delete(&key).await.unwrap();
    }

    /// A session for a program that GNOME Keyring has not noted yet ends it, and locks what it holds. It notes a program at
    /// its first message, and before it turns to the next.
    #[tokio::test]
    #[ignore = "needs a real keychain: tests/keychain-ring.sh"]
    async fn no_session_is_asked_for_before_the_keychain_knows_who_asks() {
        expect_state("unlocked");
        let watched = BusWatch::start();
        assert_eq!(load(&keychain(), &Key::grant("never")).await, Ok(None));
        let expected =
            ["0 asks for GetAll", "0 is answered", "0 asks for OpenSession", "0 is answered", "0 asks for SearchItems"];
        assert_eq!(watched.until("SearchItems"), expected);
    }

    #[tokio::test]
    #[ignore = "needs a real keychain: tests/keychain-ring.sh"]
    async fn a_keychain_that_ends_before_it_knows_who_asks_is_not_asked_for_a_session() {
        expect_state("unlocked");
        let watched = BusWatch::start();
        order("freeze");
        let asking = tokio::spawn(async { load(&keychain(), &Key::grant("never")).await });
        tokio::task::yield_now().await;
        watched.until("GetAll");
        order("stop");
        assert!(matches!(asking.await.unwrap(), Err(Error::Absent { .. })));
        order("restart");
        assert_eq!(load(&keychain(), &Key::grant("never")).await, Ok(None));
        let seen = watched.until("SearchItems");
        assert_eq!(seen.first().map(String::as_str), Some("0 asks for GetAll"), "{seen:?}");
        assert!(!seen.contains(&"0 asks for OpenSession".to_owned()), "{seen:?}");
    }

    #[tokio::test]
    #[ignore = "needs a real keychain: tests/keychain-ring.sh"]
    async fn a_keychain_that_hangs_for_a_while_is_used_again_when_it_answers() {
        expect_state("unlocked");
        let (keychain, key) = (keychain(), Key::grant("freeze"));
        keychain.save(&key, &Secret::new("canary")).await.unwrap();
        order("freeze");
        let brief = keychain.with_deadline(Duration::from_millis(100));
        assert_eq!(load(&brief, &key).await, Err(Error::TimedOut { after: Duration::from_millis(100) }));
        assert_eq!(load(&brief, &key).await, Err(Error::Busy));
        order("thaw");
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                match load(&keychain, &key).await {
                    Err(Error::Busy) => tokio::task::yield_now().await,
                    other => return other,
                }
            }
        });
        assert_eq!(found.await.unwrap(), Ok(Some("canary".to_owned())));
        keychain.delete(&key).await.unwrap();
    }
}

mod locked {
    use super::*;

    #[tokio::test]
    #[ignore = "needs a real keychain: tests/keychain-ring.sh"]
    async fn r20_every_call_says_locked_even_where_nothing_is_stored() {
        expect_state("locked");
        let (keychain, key) = (keychain(), Key::grant("never"));
        assert_eq!(load(&keychain, &key).await, Err(Error::Locked));
        assert_eq!(keychain.save(&key, &Secret::new("x")).await, Err(Error::Locked));
        assert_eq!(keychain.delete(&key).await, Err(Error::Locked));
        assert_eq!(keychain.prove().await, Err(Error::Locked));
    }
}

/// A state in which there is nothing to talk to, or nowhere to write.
async fn every_call_says_absent() {
    let (keychain, key) = (keychain(), Key::grant("never"));
    let outcomes = [
        load(&keychain, &key).await.map(drop),
        keychain.save(&key, &Secret::new("x")).await,
        keychain.delete(&key).await.map(drop),
        keychain.prove().await,
    ];
    for outcome in outcomes {
        let Err(Error::Absent { cause }) = outcome else { panic!("{outcome:?}") };
        assert!(!cause.is_empty());
    }
}

mod empty {
    #[tokio::test]
    #[ignore = "needs a real keychain: tests/keychain-ring.sh"]
    async fn r20_a_service_without_a_default_collection_is_absent() {
        super::expect_state("empty");
        super::every_call_says_absent().await;
    }
}

mod absent {
    #[tokio::test]
    #[ignore = "needs a real keychain: tests/keychain-ring.sh"]
    async fn r20_a_bus_without_the_service_is_absent() {
        super::expect_state("absent");
        super::every_call_says_absent().await;
    }
}

mod nobus {
    #[tokio::test]
    #[ignore = "needs a real keychain: tests/keychain-ring.sh"]
    async fn r20_a_machine_without_a_bus_is_absent() {
        super::expect_state("nobus");
        super::every_call_says_absent().await;
    }
}

mod hung {
    use super::*;

    #[tokio::test]
    #[ignore = "needs a real keychain: tests/keychain-ring.sh"]
    async fn r20_the_first_call_ends_at_its_deadline_and_the_next_is_refused_at_once() {
        expect_state("hung");
        child::meets_a_hanging_keychain(&keychain()).await;
    }

    #[test]
    #[ignore = "needs a real keychain: tests/keychain-ring.sh"]
    fn a_process_whose_keychain_hangs_can_end() {
        expect_state("hung");
        must_succeed(child("ends_although_the_keychain_hangs", ""));
    }
}

/// What the other processes of these tests do.
mod child {
    use super::*;

    fn argument() -> String {
        variable("KEYCHAIN_CHILD")
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
    }

    pub fn write(key: &Key, letter: &str) {
        let keychain = keychain_of_small_items();
        runtime().block_on(async {
            for _ in 0..30 {
                keychain.save(key, &grant(letter)).await.unwrap();
            }
        });
    }

    pub async fn meets_a_hanging_keychain(keychain: &Keychain) {
        let (key, deadline) = (Key::grant("never"), Duration::from_millis(100));
        let brief = keychain.with_deadline(deadline);
        assert_eq!(load(&brief, &key).await, Err(Error::TimedOut { after: deadline }));
        assert_eq!(load(keychain, &key).await, Err(Error::Busy));
        assert_eq!(keychain.prove().await, Err(Error::Busy));
    }

    #[test]
    #[ignore = "started by tests that need another process"]
    fn writes_many_grants() {
        write(&Key::grant("processes"), &argument());
    }

    #[test]
    #[ignore = "started by tests that need another process"]
    fn ends_although_the_keychain_hangs() {
        argument();
        runtime().block_on(meets_a_hanging_keychain(&keychain()));
    }
}
