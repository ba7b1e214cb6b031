//! Renewals beside other programs: a login or a logout in another terminal, a caller who gives up, a program that hangs,
//! and programs that do not know the lock.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use keyward::app::grant::{Grant, State};
use keyward::app::session::Need;
use keyward::report::Exit;
use keyward::secret::Secret;
use keyward::store::{Key, Store, lock};

use super::renewals;
use crate::world::{Ran, World};

const LONG: Duration = Duration::from_secs(20);

/// Signed in, and the access token has ended.
fn ended() -> World {
    let world = World::signed_in();
    world.clock.forward(400);
    world
}

/// Does `meanwhile` while the request of a renewal is on its way; how the command ended that made it.
fn while_renewing(world: &World, meanwhile: impl FnOnce()) -> Ran {
    let control = world.sandbox().control();
    control.hold();
    thread::scope(|scope| {
        let running = scope.spawn(|| world.run(&["token", "box"]));
        assert!(control.wait_for_held(1, LONG), "the request arrives");
        meanwhile();
        control.release();
        running.join().expect("it ends")
    })
}

/// A login of a later generation, as a program would leave it that does not know the lock.
fn newer(world: &World) -> Grant {
    let before = world.grant("box").expect("a grant");
    let access_token = Secret::new("newer");
    let obtained_at = before.obtained_at.after(400);
    let mut issued = before.issued.clone();
    issued.as_mut().expect("OAuth").expires_at = Some(obtained_at.after(300));
    Grant { access_token, issued, obtained_at, generation: before.generation + 1000, state: State::Valid, ..before }
}

#[test]
fn r08_a_newer_login_survives_a_renewal_that_is_refused() {
    let world = ended();
    let login = newer(&world);
    let ran = while_renewing(&world, || {
        world.put("box", &login);
        world.sandbox().control().revoke_grants();
    });
    assert_eq!(ran.done().out.trim(), "newer", "it is used");
    let kept = world.grant("box").expect("a grant");
    assert_eq!((kept.generation, kept.state), (login.generation, State::Valid), "and it is still there");
}

#[test]
fn a_newer_login_survives_a_renewal_that_succeeds() {
    let world = ended();
    let login = newer(&world);
    let ran = while_renewing(&world, || world.put("box", &login));
    assert_eq!(ran.done().out.trim(), "newer");
    assert_eq!(world.grant("box").expect("a grant").generation, login.generation);
    assert!(!world.spill("box").exists());
}

#[test]
fn a_newer_login_survives_a_renewal_that_meets_trouble() {
    let world = ended();
    let login = newer(&world);
    world.sandbox().control().next_token(super::answer(503, ""));
    let ran = while_renewing(&world, || world.put("box", &login));
    assert_eq!(ran.done().out.trim(), "newer");
    assert_eq!(world.grant("box").expect("a grant").generation, login.generation);
}

#[test]
fn a_login_that_vanished_meanwhile_is_not_brought_back() {
    let world = ended();
    let ran = while_renewing(&world, || world.forget("box"));
    ran.failed(Exit::LoginRequired);
    assert!(world.grant("box").is_none());
    assert!(!world.spill("box").exists());
}

#[test]
fn r14_a_logout_during_a_renewal_ends_without_tokens() {
    let world = ended();
    thread::scope(|scope| {
        let control = world.sandbox().control();
        control.hold();
        let renewing = scope.spawn(|| world.run(&["token", "box"]));
        assert!(control.wait_for_held(1, LONG));
        let leaving = scope.spawn(|| world.run(&["logout", "box"]));
        control.release();
        let token = renewing.join().expect("it ends").done().out;
        leaving.join().expect("it ends").done();
        assert!(world.grant("box").is_none() && !world.spill("box").exists());
        let revoked = control.received("revoke").len();
        assert_eq!(revoked, 2, "both tokens of the renewal are ended at the provider, not those before: {token}");
    });
    world.run(&["token", "box"]).failed(Exit::LoginRequired);
    assert_eq!(renewals(&world), 1);
}

#[test]
fn a_login_during_a_renewal_has_the_last_word() {
    let world = ended();
    let before = world.grant("box").expect("a grant").generation;
    thread::scope(|scope| {
        let control = world.sandbox().control();
        control.hold();
        let renewing = scope.spawn(|| world.run(&["token", "box"]));
        assert!(control.wait_for_held(1, LONG));
        let login = scope.spawn(|| world.run(&["login", "box", "--timeout", "20"]));
        control.release();
        renewing.join().expect("it ends").done();
        login.join().expect("it ends").done();
    });
    let after = world.grant("box").expect("a grant");
    assert!(after.generation > before + 1, "its generation is above that of the renewal: {}", after.generation);
    world.clock.forward(400);
    world.run(&["token", "box"]).done();
}

#[test]
fn a_login_after_the_clock_was_set_back_is_newer_than_every_renewal() {
    let world = World::signed_in();
    for _ in 0..3 {
        world.clock.forward(400);
        world.run(&["token", "box"]).done();
    }
    let before = world.grant("box").expect("a grant").generation;
    world.clock.forward(-100_000);
    world.run(&["login", "box", "--timeout", "20"]).done();
    assert_eq!(world.grant("box").expect("a grant").generation, before + 1);
}

#[test]
fn a_logout_also_ends_a_login_that_came_in_between() {
    let world = ended();
    let login = newer(&world);
    // It looks, and before it looks again and removes, somebody else has logged in.
    world.fickle.intrude_after_load(1, Key::grant("box"), login.encode());
    world.run(&["logout", "box"]).done();
    assert!(world.grant("box").is_none());
    assert_eq!(world.sandbox().control().received("revoke").len(), 4, "two tokens of each");
}

#[test]
fn r05_a_caller_who_gives_up_does_not_stop_the_renewal() {
    let world = ended();
    let before = world.grant("box").expect("a grant").generation;
    let app = world.app();
    let control = world.sandbox().control();
    control.hold();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let session = app.session(app.connection("box").expect("it is configured"));
        let caller = tokio::spawn(async move { session.grant(Need::default()).await.map(drop) });
        let held = control.clone();
        tokio::task::spawn_blocking(move || held.wait_for_held(1, LONG)).await.expect("the request arrives");
        caller.abort();
        assert!(caller.await.expect_err("it was cancelled").is_cancelled());
        control.release();
        app.parts.owned.settle(LONG).await;
    });
    let after = world.grant("box").expect("a grant");
    assert_eq!((after.generation, after.state), (before + 1, State::Valid), "the rotation is stored");
}

#[test]
fn r06_a_program_that_hangs_with_the_lock_makes_others_busy_and_no_more() {
    let world = ended();
    let _held =
        lock::try_acquire(&world.folder.path().join("state/locks"), "grant-box").expect("a folder").expect("it");
    let app = world.app();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let error = runtime.expect("a runtime").block_on(async {
        let session = app.session(app.connection("box").expect("it is configured"));
        session.grant(Need::default()).await.expect_err("the lock is taken")
    });
    assert_eq!(keyward::report::Report::from(&error).exit, Exit::Busy, "{error:?}");
    assert_eq!(renewals(&world), 0);
}

/// The holder is another process, and it is stopped as by Ctrl-Z: it lives, holds the lock and does nothing.
#[test]
#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "the other process is a real one")]
fn r06_a_frozen_process_with_the_lock_makes_others_busy_until_it_is_gone() {
    use rustix::process::{Pid, Signal, kill_process};
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    let world = ended();
    let locks = world.folder.path().join("state/locks");
    drop(lock::try_acquire(&locks, "grant-box").expect("a folder").expect("it"));
    let mut other = Command::new("flock")
        .args(["--no-fork".as_ref(), locks.join("grant-box.lock").as_os_str()])
        .args(["sh", "-c", "echo locked; exec cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut line = String::new();
    BufReader::new(other.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    let pid = Pid::from_raw(i32::try_from(other.id()).expect("a number")).expect("a process");
    kill_process(pid, Signal::STOP).expect("frozen");
    let app = world.app();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let error = runtime.expect("a runtime").block_on(async {
        let session = app.session(app.connection("box").expect("it is configured"));
        session.grant(Need::default()).await.expect_err("the lock is taken")
    });
    let state = std::fs::read_to_string(format!("/proc/{}/stat", other.id())).expect("it lives");
    other.kill().expect("ended");
    other.wait().expect("gone");
    assert!(state.contains(") T "), "it was frozen all the time: {state}");
    assert_eq!(keyward::report::Report::from(&error).exit, Exit::Busy, "{error:?}");
    assert_eq!(renewals(&world), 0);
    world.run(&["token", "box"]).done();
}

#[test]
fn a_lock_in_one_place_holds_for_programs_with_other_state_folders() {
    let world = ended();
    let store = Arc::clone(&world.store) as Arc<dyn Store>;
    let elsewhere = tempfile::tempdir().expect("a folder");
    let mut machine = world.machine(&Arc::new(crate::world::Paper::default()));
    machine.folders.as_mut().expect("folders").state = elsewhere.path().to_path_buf();
    let app = keyward::app::App::open(machine, store, None).expect("a configuration");
    let ran = while_renewing(&world, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        let error = runtime.expect("a runtime").block_on(async {
            let session = app.session(app.connection("box").expect("it is configured"));
            session.grant(Need::default()).await.expect_err("the other one holds the lock")
        });
        assert_eq!(keyward::report::Report::from(&error).exit, Exit::Busy, "{error:?}");
    });
    ran.done();
    assert_eq!(renewals(&world), 1);
}
