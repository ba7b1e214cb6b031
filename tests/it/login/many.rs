//! Two logins of one connection: the second gives way, or waits.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keyward::machine::{Browser, BrowserError};
use keyward::report::Exit;
use url::Url;

use crate::person::{Forbidden, Person, Press};
use crate::serve::{Talk, handshake, refusal};
use crate::world::{Paper, World};

/// A person who sits down only when they are told to.
struct Late {
    person: Person,
    opened: Mutex<Sender<()>>,
    go: Mutex<Receiver<()>>,
}

impl Browser for Late {
    fn open(&self, page: &Url) -> Result<(), BrowserError> {
        self.opened.lock().expect("no panic").send(()).expect("somebody waits");
        self.go.lock().expect("no panic").recv().expect("told to");
        self.person.open(page)
    }
}

/// Runs `second` while a first login waits for its person, then lets the first one end.
fn during_a_login(second: impl FnOnce(&World, Sender<()>)) {
    let ((opened, is_open), (go, told)) = (channel(), channel());
    let late = Late { person: Person::who_presses(Press::Allow), opened: Mutex::new(opened), go: Mutex::new(told) };
    let world = World::with_sandbox();
    let resource = world.resource();
    let text = format!("[connections.box]\nbackend = \"remote\"\nurl = \"{resource}\"\n");
    let world = world.config(&text).browser(late);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| world.run(&["login", "box", "--timeout", "60"]));
        is_open.recv_timeout(Duration::from_secs(60)).expect("the first login is under way");
        second(&world, go);
        first.join().expect("no panic").done();
    });
}

#[test]
fn the_second_is_refused_with_who_is_at_it() {
    during_a_login(|world, go| {
        world.clock.forward(7);
        let ran = world.run(&["login", "box", "--json"]).failed(Exit::Busy);
        let error = &ran.json()["error"];
        assert_eq!(error["code"], "login_running");
        assert_eq!(error["retryable"], true);
        let cause = format!("`keyward login` (process {}) has been at it for 7 s", std::process::id());
        assert_eq!(error["cause"][0], cause, "{ran:?}");
        world.run(&["login", "tavily", "--api-key", "--json"]).failed(Exit::Usage);
        go.send(()).expect("the first goes on");
    });
}

#[test]
fn the_second_waits_if_it_is_told_to_and_reports_what_the_first_obtained() {
    during_a_login(|world, go| {
        let terminal = Arc::new(Paper::default());
        let words = ["login", "box", "--wait", "--timeout", "60", "--json"];
        std::thread::scope(|scope| {
            let second = scope.spawn(|| world.run_on(&terminal, Arc::new(Forbidden), &words));
            // Before it has said so, it could still find the first one at its end.
            terminal.waits_for("Waiting for another login");
            go.send(()).expect("the first goes on");
            let ran = second.join().expect("no panic").done();
            assert_eq!(ran.json()["event"], "done");
            assert_eq!(ran.json()["connection"], "box");
        });
        assert_eq!(world.sandbox().control().tokens_issued("authorization_code"), 1);
    });
}

#[test]
fn who_wants_somebody_in_particular_does_not_take_what_another_login_obtained() {
    during_a_login(|world, go| {
        let terminal = Arc::new(Paper::default());
        let words = ["login", "box", "--wait", "--expect-user", "bob", "--timeout", "60", "--json"];
        std::thread::scope(|scope| {
            let second = scope.spawn(|| world.run_on(&terminal, Arc::new(Person::who_presses(Press::Allow)), &words));
            terminal.waits_for("Waiting for another login");
            go.send(()).expect("the first goes on");
            let ran = second.join().expect("no panic").failed(Exit::Denied);
            assert_eq!(ran.json()["error"]["code"], "other_account");
        });
        assert!(world.grant("box").is_some(), "what the first obtained is kept");
    });
}

#[test]
fn after_the_end_the_connection_is_free_again() {
    let world = World::signed_in();
    world.run(&["login", "box", "--timeout", "20"]).done();
    let locks = std::fs::read_dir(world.folder.path().join("state/locks")).expect("a folder");
    let notes = locks.filter(|file| file.as_ref().is_ok_and(|file| file.path().extension() == Some("who".as_ref())));
    assert_eq!(notes.count(), 0);
}

#[test]
fn r16_a_server_that_starts_during_a_login_is_answered_and_opens_no_other_page() {
    during_a_login(|world, go| {
        let mut talk = Talk::start(world);
        handshake(&mut talk);
        assert_eq!(world.sandbox().control().token_requests(), 0, "the login still waits");
        // Of a login that has not ended no tools are known yet, and the status names the command.
        let status = talk.ask(&crate::serve::request(
            2,
            "tools/call",
            &serde_json::json!({"name": "keyward_status", "arguments": {}}),
        ));
        assert!(status.to_string().contains("box"), "{status}");
        go.send(()).expect("the first goes on");
    });
}

#[test]
fn r16_a_call_during_another_login_of_its_connection_names_the_command_and_opens_no_page() {
    let world = World::signed_in();
    world.forget("box");
    let ((opened, is_open), (go, told)) = (channel(), channel());
    let late = Late { person: Person::who_presses(Press::Allow), opened: Mutex::new(opened), go: Mutex::new(told) };
    let world = world.browser(late);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| world.run(&["login", "box", "--timeout", "60"]));
        is_open.recv_timeout(Duration::from_secs(60)).expect("the first login is under way");
        let mut talk = Talk::start(&world);
        handshake(&mut talk);
        let text = refusal(&mut talk);
        assert!(text.contains("`keyward login box`"), "{text}");
        assert!(is_open.try_recv().is_err(), "no other page was opened");
        go.send(()).expect("the first goes on");
        first.join().expect("no panic").done();
        let call = serde_json::json!({"name": "box_whoami"});
        let answer = talk.ask(&crate::serve::request(4, "tools/call", &call));
        assert_ne!(answer["result"]["isError"], true, "{answer}");
    });
}
