//! A store that fails at each of the writes of a renewal: what was renewed is not lost, and nothing is claimed that is
//! not so.

use keyward::app::error::Error;
use keyward::app::grant::State;
use keyward::app::session::Need;
use keyward::report::Exit;
use keyward::store::Error as StoreError;
use keyward::store::lock;
use tokio::time::Instant;

use super::renewals;
use crate::fickle::Save;
use crate::world::World;

/// Signed in, the access token has ended, and these are the next writes: the mark is the first, the renewed grant the
/// second.
fn ended(saves: impl IntoIterator<Item = Save>) -> World {
    let world = World::signed_in();
    world.clock.forward(400);
    world.fickle.saves(saves);
    world
}

fn full() -> Save {
    Save::Fails(StoreError::Failed { cause: "the disk is full".to_owned() })
}

#[test]
fn a_store_that_fails_at_the_mark_sends_no_request() {
    let world = ended([full()]);
    world.run(&["token", "box"]).failed(Exit::Store);
    assert_eq!(world.sandbox().control().received("token").len(), 1, "only that of the login");
    world.run(&["token", "box"]).done();
}

#[test]
fn r04_a_store_that_fails_after_the_answer_loses_nothing() {
    let world = ended([Save::Works]);
    world.fickle.then_always(full());
    let token = world.run(&["token", "box"]).done().out;
    assert_eq!(world.grant("box").expect("a grant").state, State::RefreshStarted);
    let sealed = std::fs::read(world.spill("box")).expect("an emergency copy");
    let clear = token.trim().as_bytes();
    assert!(!sealed.windows(clear.len()).any(|part| part == clear), "the copy is not clear text");
    // While the store goes on failing, every program uses the copy, and nobody asks the provider.
    assert_eq!(world.run(&["token", "box"]).done().out, token);
    assert_eq!(world.run(&["status", "box", "--json"]).json()["connections"][0]["login"], "signed-in");
    assert!(world.spill("box").exists());
    // The first one that can write puts it into the store.
    world.fickle.saves([]);
    assert_eq!(world.run(&["token", "box"]).done().out, token);
    assert_eq!(world.grant("box").expect("a grant").access_token.expose(), token.trim());
    assert!(!world.spill("box").exists(), "it is not needed any more");
    assert_eq!(renewals(&world), 1);
    world.clock.forward(400);
    assert_ne!(world.run(&["token", "box"]).done().out, token, "and the next renewal spends the right token");
}

#[test]
fn a_copy_whose_token_has_ended_is_adopted_and_renewed() {
    let world = ended([Save::Works]);
    world.fickle.then_always(full());
    let token = world.run(&["token", "box"]).done().out;
    world.fickle.saves([]);
    world.clock.forward(400);
    assert_ne!(world.run(&["token", "box"]).done().out, token);
    assert_eq!(renewals(&world), 2);
    assert!(!world.spill("box").exists());
}

#[test]
fn no_copy_is_left_where_the_store_works() {
    let world = ended([]);
    world.run(&["token", "box"]).done();
    assert!(!world.spill("box").exists());
    let folder = world.spill("box").parent().expect("a folder").read_dir().expect("it was made");
    assert_eq!(folder.count(), 0, "nor anything else");
    assert!(world.grant("box").expect("a grant").renewals.spill_key.is_none(), "nor its key");
}

#[test]
fn a_copy_that_nobody_can_read_is_put_aside_and_is_no_failure() {
    let world = ended([Save::Works, full()]);
    world.run(&["token", "box"]).done();
    std::fs::write(world.spill("box"), "garbage").expect("written");
    world.clock.forward(2);
    let ran = world.run(&["token", "box"]).failed(Exit::LoginRequired);
    assert!(ran.err.contains("interrupted"), "the mark tells what happened: {ran:?}");
    assert!(!world.spill("box").exists());
    assert_eq!(std::fs::read_to_string(world.spill("box").with_extension("unreadable")).expect("it"), "garbage");
}

#[test]
fn a_login_and_a_logout_remove_the_copy() {
    for command in [vec!["login", "box", "--timeout", "20"], vec!["logout", "box"]] {
        let world = ended([Save::Works]);
        world.fickle.then_always(full());
        world.run(&["token", "box"]).done();
        assert!(world.spill("box").exists());
        world.fickle.saves([]);
        world.run(&command).done();
        assert!(!world.spill("box").exists(), "{command:?}");
    }
}

#[test]
fn a_logout_ends_the_tokens_of_the_copy() {
    let world = ended([Save::Works]);
    world.fickle.then_always(full());
    let token = world.run(&["token", "box"]).done().out;
    world.run(&["logout", "box"]).done();
    let world = world.environment("KEYWARD_TOKEN_BOX", token.trim());
    let ran = world.run(&["call", "box_whoami"]);
    assert!(ran.err.contains("refused"), "the provider has ended it: {ran:?}");
}

/// Runs a case below the command line on a clock that jumps to the next timer when nothing else is to be done.
fn paused<T>(case: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(case)
}

/// Keeps the paused clock from jumping until so many writes have failed: a request over a real socket takes real time.
fn hold_the_clock(world: &World, failures: usize) -> tokio::task::JoinHandle<()> {
    let fickle = std::sync::Arc::clone(&world.fickle);
    tokio::spawn(async move {
        while fickle.failed() < failures {
            tokio::task::yield_now().await;
        }
    })
}

#[test]
fn r04_tokens_that_could_be_kept_nowhere_are_not_handed_out() {
    let world = ended([Save::Works]);
    world.fickle.then_always(full());
    // A file in the place of the folder: as good as a full disk, also for root.
    std::fs::write(world.spill("box").parent().expect("a folder"), "").expect("written");
    let app = world.app();
    let error = paused(async {
        let _busy = hold_the_clock(&world, 1);
        let connection = app.connection("box").expect("it is configured");
        app.session(connection).grant(Need::default()).await.expect_err("nothing could be kept")
    });
    assert!(matches!(error, Error::NotKept { .. }), "{error:?}");
    assert!(world.fickle.failed() > 5, "it was tried again: {}", world.fickle.failed());
    let report = keyward::report::Report::from(&error);
    assert_eq!(report.exit, Exit::Store);
    assert!(report.text().contains("may no longer be accepted"), "{}", report.text());
    assert_eq!(renewals(&world), 1);
    world.fickle.saves([]);
    world.clock.forward(2);
    let ran = world.run(&["token", "box"]).failed(Exit::LoginRequired);
    assert!(ran.err.contains("interrupted"), "{ran:?}");
}

#[test]
fn a_write_that_works_the_second_time_is_enough_where_no_copy_can_be_made() {
    let world = ended([Save::Works, full(), full()]);
    std::fs::write(world.spill("box").parent().expect("a folder"), "").expect("written");
    let app = world.app();
    let grant = paused(async {
        let _busy = hold_the_clock(&world, 1);
        app.session(app.connection("box").expect("it")).grant(Need::default()).await.expect("the third try works")
    });
    let kept = world.grant("box").expect("a grant");
    assert_eq!((kept.generation, kept.state), (grant.generation, State::Valid));
}

#[test]
fn the_lock_is_held_until_a_late_write_has_landed() {
    let world = ended([Save::Works, Save::IsLate]);
    let app = world.app();
    let locks = world.folder.path().join("state/locks");
    let is_free = || lock::try_acquire(&locks, "grant-box").expect("a folder").is_some();
    paused(async {
        let busy = hold_the_clock(&world, 1);
        let session = app.session(app.connection("box").expect("it is configured"));
        let renewed = session.grant(Need::default()).await.expect("the copy is safe");
        busy.await.expect("it ends");
        tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
        assert!(!is_free(), "another process could write now, and the late write would replace that");
        world.fickle.land().await;
        let waited = Instant::now();
        while !is_free() {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            assert!(waited.elapsed().as_secs() < 60, "the lock is never released");
        }
        assert_eq!(session.stored().await.expect("a store").expect("a grant").generation, renewed.generation);
    });
    assert_eq!(world.grant("box").expect("a grant").state, State::Valid);
}
