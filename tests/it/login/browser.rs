//! What browsers do besides the one request that a login waits for, and what becomes of one that does not start. A real
//! browser does the same in `tests/browser/drive.py`.

use std::io::{Read, Write};
use std::net::TcpStream;

use keyward::machine::{Browser, BrowserError, Environment, SystemBrowser};
use url::Url;

use crate::person::{Person, Press};
use crate::security::callback::login_with;
use crate::world::{Missing, World};

/// A request on a connection that is there already; nothing if the listener is gone.
fn ask(mut stream: TcpStream, target: &str, port: u16) -> String {
    let mut answer = String::new();
    let _ = write!(stream, "GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[test]
fn r17_icons_early_connections_two_tabs_the_back_button_and_reloading_make_one_login() {
    let world = World::with_sandbox();
    login_with(&world, |login, control| {
        let port = login.port();
        let connect = || TcpStream::connect(("127.0.0.1", port));
        // Opened ahead of need: one carries the answer later, the other nothing.
        let (early, _idle) = (connect().expect("a connection"), connect().expect("a connection"));
        assert_eq!(login.get("/favicon.ico").status, 404);
        assert_eq!(control.token_requests(), 0);
        // Two tabs of one login, and each is allowed at the provider; the back button leads to a third code.
        let [first, second, third] = [login.true_answer(), login.true_answer(), login.true_answer()];
        assert!(first != second && second != third, "codes of their own");
        let answer = ask(early, &format!("/callback?{first}"), port);
        assert!(answer.starts_with("HTTP/1.1 303 "), "{answer}");
        for again in [&second, &third, &first] {
            let late = login.come_back(again);
            assert_eq!(late.status, 200, "{late:?}");
            assert!(!late.body.contains("You are signed in"), "{late:?}");
        }
        let place = answer.lines().find_map(|line| line.strip_prefix("location: ")).expect("the page").to_owned();
        assert!(login.get(&place).body.contains("You are signed in"));
        // Reloaded: the same page, or nobody there any more, and never another login.
        let reloaded = connect().map(|stream| ask(stream, &place, port)).unwrap_or_default();
        assert!(reloaded.is_empty() || reloaded.contains("You are signed in"), "{reloaded}");
    })
    .done();
    assert_eq!(world.sandbox().control().token_requests(), 1);
    world.run(&["token", "box"]).done();
}

/// A person who opens by hand the address that is shown, whatever became of the program that should have.
struct ByHand<B> {
    opener: B,
    person: Person,
}

impl<B: Browser> Browser for ByHand<B> {
    fn open(&self, page: &Url) -> Result<(), BrowserError> {
        let outcome = self.opener.open(page);
        self.person.open(page)?;
        outcome
    }
}

fn by_hand(opener: impl Browser + 'static) {
    let person = Person::who_presses(Press::Allow);
    let world = World::with_sandbox().browser(ByHand { opener, person });
    let ran = world.run(&["login", &world.resource(), "--name", "box", "--timeout", "20"]).done();
    assert!(ran.err.contains("/as/authorize?"), "the address is shown: {ran:?}");
    assert!(!ran.err.contains("garbage") && ran.out.is_empty(), "{ran:?}");
    world.run(&["token", "box"]).done();
}

#[test]
fn r18_a_login_works_by_hand_where_no_program_opens_the_page() {
    by_hand(Missing);
    by_hand(SystemBrowser::new(&Environment::of([("BROWSER", "/nonexistent/browser")])));
}

#[test]
#[cfg(unix)]
fn r18_a_login_works_by_hand_whatever_the_program_does_that_should_open_the_page() {
    for text in ["exit 3", "echo garbage; echo garbage >&2", "echo garbage >&2; exit 1", "exec sleep 60"] {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("browser");
        std::fs::write(&program, format!("#!/bin/sh\n{text}\n")).expect("written");
        std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("runnable");
        by_hand(SystemBrowser::new(&Environment::of([("BROWSER", program.as_os_str())])));
    }
}
