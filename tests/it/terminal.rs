//! The real program at a real terminal: what is typed cannot be seen, and however the program ends the terminal is as it
//! was before.

use std::fs::File;
use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant};

use keyward::sandbox::{Effect, Faults, TokenFault};
use rexpect::process::WaitStatus;
use rexpect::session::{PtySession, spawn_command};
use rustix::termios::{LocalModes, tcgetattr};

use crate::person::{Press, end_of, visit_page};
use crate::portal::{CODE, Manners, PASSWORD, Portal};
use crate::scripted::Secured;
use crate::world::World;

const PATIENCE: Duration = Duration::from_secs(30);

/// A terminal with the program in it.
pub struct Session {
    pub pty: PtySession,
    terminal: File,
    home: tempfile::TempDir,
}

impl Session {
    /// Runs `keyward` with a home of its own, an encrypted file for a store and no browser.
    fn start(arguments: &[&str]) -> Self {
        Self::at(tempfile::tempdir().expect("a folder"), arguments)
    }

    /// As [`Session::start`], in a home that was used before, and nothing but the terminal has the passphrase.
    fn asking(home: tempfile::TempDir, arguments: &[&str]) -> Self {
        Self::with(home, arguments, |command| {
            command.env_remove("KEYWARD_STORE_PASSPHRASE");
        })
    }

    pub fn at(home: tempfile::TempDir, arguments: &[&str]) -> Self {
        Self::with(home, arguments, |_| ())
    }

    fn with(home: tempfile::TempDir, arguments: &[&str], change: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new("/bin/sh");
        // The terminal begins without echo; a shell's has it.
        command.args(["-c", "stty sane && exec \"$@\"", "sh", env!("CARGO_BIN_EXE_keyward")]).args(arguments);
        environment(&mut command, &home);
        change(&mut command);
        let timeout_ms = u64::try_from(PATIENCE.as_millis()).ok();
        let pty = spawn_command(command, timeout_ms).expect("a terminal");
        let terminal = pty.process().get_file_handle().expect("a handle");
        Self { pty, terminal, home }
    }

    /// Starts a login at the sandbox and waits until the address has been printed; returns it.
    fn login(world: &World, arguments: &[&str]) -> (Self, url::Url) {
        let resource = world.resource();
        let mut session = Self::start(&[&["login", &resource, "--name", "box"], arguments].concat());
        session.sees("open:");
        let (_, address) = session.pty.exp_regex("http://[^ \r\n]+").expect("an address");
        session.sees("It is not shown.");
        (session, url::Url::parse(&address).expect("an address"))
    }

    #[track_caller]
    pub fn sees(&mut self, text: &str) -> String {
        self.pty.exp_string(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    pub fn types(&mut self, text: &str) {
        self.pty.send(text).expect("typed");
        self.pty.flush().expect("typed");
    }

    pub fn presses(&mut self, control: char) {
        self.pty.send_control(control).expect("pressed");
        self.pty.flush().expect("pressed");
    }

    fn shows_what_is_typed(&self) -> bool {
        let modes = tcgetattr(&self.terminal).expect("a terminal").local_modes;
        modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
    }

    #[track_caller]
    pub fn becomes(&self, shown: bool) {
        let started = Instant::now();
        while self.shows_what_is_typed() != shown {
            assert!(started.elapsed() < PATIENCE, "the terminal shows what is typed: {}", !shown);
            std::thread::yield_now();
        }
    }

    /// How the program ended, the rest of what it printed, and its home.
    pub fn end(mut self) -> (i32, String, tempfile::TempDir) {
        let rest = self.pty.exp_eof().expect("it ends");
        let status = self.pty.process().wait().expect("it ends");
        assert!(self.shows_what_is_typed(), "the terminal has its echo back: {rest}");
        match status {
            WaitStatus::Exited(_, code) => (code, rest, self.home),
            other => panic!("{other:?}: {rest}"),
        }
    }
}

fn environment(command: &mut Command, home: &tempfile::TempDir) {
    command.env_clear().env("HOME", home.path()).env("KEYWARD_NO_BROWSER", "1").env("PATH", "/usr/bin:/bin");
    command.env("KEYWARD_STORE", "file").env("KEYWARD_STORE_PASSPHRASE", "correct horse battery staple");
}

/// A home with a connection that asks before it does something, and a token for it.
fn asking_tool(world: &World) -> (tempfile::TempDir, String) {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join(".config/keyward");
    std::fs::create_dir_all(&folder).expect("a folder");
    let url = format!("{}/smart-bonding", world.sandbox().url());
    let entry = format!("[connections.smart-bonding]\nurl = \"{url}\"\ntoolsets = [\"all\"]\n");
    std::fs::write(folder.join("config.toml"), entry).expect("written");
    let world_token = world.run(&["token", "box"]).done().out.trim().to_owned();
    (home, world_token)
}

#[test]
fn a_deed_is_shown_and_waits_for_a_yes_at_the_terminal() {
    // A token that names no resource is good for every stand-in.
    let world = World::with_sandbox();
    let resource = format!("{}/smart-bonding", world.sandbox().url());
    let entry =
        format!("[connections.box]\nbackend = \"remote\"\nurl = \"{}\"\nresource = \"{resource}\"\n", world.resource());
    let world = world.config(&entry);
    world.run(&["login", "box", "--timeout", "20"]).done();
    let pushed = || {
        let received = world.sandbox().control().received("smart-bonding");
        received.iter().filter(|entry| entry.path.ends_with("/push/call")).count()
    };
    let remarks = "remarks=done\u{1b}[2J\nDo this? [y/N] y";
    for (before, answer, code, count) in [
        ("", "n\n", 4, 0),
        ("", "\n", 4, 0),
        ("", "\u{4}", 4, 0),
        ("", "\u{3}", 130, 0),
        // Typed before there was a question, and so no answer to it.
        ("y\n", "n\n", 4, 0),
        ("yes\ny\n", "\n", 4, 0),
        ("", "y\n", 0, 1),
    ] {
        let (home, token) = asking_tool(&world);
        let arguments = ["call", "smart-bonding_ticket", "action=resolve", "ticket=P-1", remarks];
        let mut session = Session::with(home, &arguments, |command| {
            command.env("KEYWARD_TOKEN_SMART_BONDING", &token);
        });
        session.types(before);
        let shown = session.sees(r#"Do this? \u005by/N\u005d y""#);
        assert!(shown.contains(r"\u001b\u005b2J\n") && !shown.contains('\u{1b}'), "{shown:?}");
        session.sees("Do this? [y/N] ");
        session.becomes(true);
        session.types(answer);
        let (ended, rest, _) = session.end();
        assert_eq!((ended, pushed()), (code, count), "{answer:?}: {rest}");
    }
}

/// What stands in the configuration of that home.
fn written(home: &tempfile::TempDir) -> String {
    std::fs::read_to_string(home.path().join(".config/keyward/config.toml")).unwrap_or_default()
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_compared_and_kept_or_nothing_is_sent() {
    let (server, pin) = Secured::new();
    let url = format!("https://{}/mcp", server.address);
    let arguments = ["login", &url, "--name", "box", "--bearer"];
    for (before, reply) in [("", "n\n"), ("", "\n"), ("", "\u{4}"), ("y\n", "n\n"), ("yes\ny\n", "\n")] {
        let mut session = Session::start(&arguments);
        session.types(before);
        session.sees(&pin);
        session.sees("Do this? [y/N] ");
        session.becomes(true);
        session.types(reply);
        let (ended, rest, home) = session.end();
        assert!(ended == 7 && rest.contains("with `--trust`"), "{reply:?}: {rest}");
        assert!(!written(&home).contains("certificate"), "{}", written(&home));
    }
    let mut session = Session::start(&arguments);
    session.sees("Do this? [y/N] ");
    session.becomes(true);
    session.types("y\n");
    session.sees("it is not shown");
    session.becomes(false);
    assert!(!server.has("canary"));
    session.types("canary-token\n");
    let (ended, rest, home) = session.end();
    assert_eq!(ended, 0, "{rest}");
    assert!(written(&home).contains(&format!("certificate = \"{pin}\"")), "{}", written(&home));
    assert!(server.has("canary-token"));
    // Another certificate, and nothing is sent to it.
    server.change();
    server.heads.lock().expect("no panic").clear();
    for again in [&["tools", "--refresh"][..], &["call", "box_hello"], &arguments] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyward"));
        command.args(again).stdin(std::process::Stdio::null());
        environment(&mut command, &home);
        let said = command.output().expect("it runs");
        let said = String::from_utf8_lossy(&said.stderr).into_owned();
        let is_known = again.first() != Some(&"login");
        assert!(!is_known || said.contains("not the one that is pinned"), "{again:?}: {said}");
    }
    assert!(!server.has("canary"));
}

fn token(home: &tempfile::TempDir) -> bool {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyward"));
    command.args(["token", "box"]);
    environment(&mut command, home);
    command.output().expect("it runs").status.success()
}

#[test]
fn r28_the_terminal_has_its_echo_back_however_a_prompt_for_a_key_ends() {
    for (end, code) in [('c', 130), ('d', 2)] {
        let mut session = Session::start(&["login", "tavily", "--api-key"]);
        session.sees("it is not shown");
        session.becomes(false);
        session.types("tvly-canary");
        if end == 'd' {
            // Ctrl-D ends an empty line only, so what was typed is taken back first.
            session.presses('u');
        }
        session.presses(end);
        let (ended, rest, _) = session.end();
        assert_eq!(ended, code, "{rest}");
        assert!(!rest.contains("canary"), "{rest}");
    }
}

#[test]
fn r28_a_passphrase_is_asked_for_without_echo_and_the_question_can_be_ended() {
    let passphrase = "canary of a passphrase\n";
    let mut session = Session::asking(tempfile::tempdir().expect("a folder"), &["login", "tavily", "--api-key"]);
    session.sees("it is not shown");
    session.becomes(false);
    session.types("tvly-key\n");
    session.sees("New passphrase for the store, at least 8 characters: ");
    session.types(passphrase);
    session.sees("The same once more: ");
    session.types(passphrase);
    let (ended, rest, home) = session.end();
    assert_eq!(ended, 0, "{rest}");
    assert!(rest.contains("kept in the encrypted file") && !rest.contains("canary"), "{rest}");
    let mut session = Session::asking(home, &["token", "tavily"]);
    session.sees("Passphrase of the store: ");
    session.types("canary of a wrong one\n");
    session.sees("That is not it. Passphrase of the store: ");
    session.types(passphrase);
    let (ended, rest, _) = session.end();
    assert_eq!(ended, 0, "{rest}");
    assert!(rest.contains("tvly-key") && !rest.contains("canary"), "{rest}");
    for (end, code) in [('c', 130), ('d', 6)] {
        let mut session = Session::asking(tempfile::tempdir().expect("a folder"), &["login", "tavily", "--api-key"]);
        session.sees("it is not shown");
        session.becomes(false);
        session.types("tvly-key\n");
        session.sees("New passphrase for the store");
        session.presses(end);
        let (ended, rest, _) = session.end();
        assert_eq!(ended, code, "{rest}");
    }
}

#[test]
fn r28_the_terminal_has_its_echo_back_when_a_login_is_interrupted_or_terminated() {
    let world = World::with_sandbox();
    for (terminated, code) in [(false, 130), (true, 143)] {
        let (mut session, _) = Session::login(&world, &[]);
        session.becomes(false);
        session.types("half a paste canary");
        if terminated {
            session.pty.process_mut().signal(rexpect::process::Signal::SIGTERM).expect("a signal");
        } else {
            session.presses('c');
        }
        let (ended, rest, home) = session.end();
        assert_eq!(ended, code, "{rest}");
        assert!(!rest.contains("canary"), "{rest}");
        assert!(!token(&home));
        assert!(!home.path().join(".config/keyward/config.toml").exists(), "no partial record");
    }
}

#[test]
fn r28_a_closed_input_ends_the_prompt_and_not_the_login() {
    let world = World::with_sandbox();
    let (mut session, page) = Session::login(&world, &[]);
    session.becomes(false);
    session.presses('d');
    session.sees("Nothing more can be pasted");
    session.becomes(true);
    visit_page(page, Press::Allow);
    let (ended, rest, home) = session.end();
    assert_eq!(ended, 0, "{rest}");
    assert!(token(&home));
}

#[test]
fn a_login_that_ends_in_the_browser_leaves_no_prompt_behind() {
    let world = World::with_sandbox();
    let (mut session, page) = Session::login(&world, &[]);
    session.becomes(false);
    session.types("rm -rf canary");
    visit_page(page, Press::Allow);
    let (ended, rest, home) = session.end();
    assert_eq!(ended, 0, "{rest}");
    assert!(!rest.contains("canary"), "{rest}");
    assert!(token(&home));
}

#[test]
fn a_logout_that_takes_long_says_so() {
    let world = World::with_sandbox();
    let (session, page) = Session::login(&world, &[]);
    visit_page(page, Press::Allow);
    let (ended, rest, home) = session.end();
    assert_eq!(ended, 0, "{rest}");
    let busy = Effect::Answer { status: 503, headers: vec![("Retry-After".into(), "2".into())], body: String::new() };
    world.sandbox().control().set(Faults { answers: [("revoke".to_owned(), busy)].into(), ..Faults::default() });
    let mut session = Session::at(home, &["logout", "box"]);
    session.sees("Ending the login of `box` (1 s)");
    session.sees("forgotten");
    session.end();
}

#[test]
fn an_address_longer_than_a_line_of_a_terminal_can_be_pasted_and_is_not_shown() {
    let world = World::with_sandbox();
    let (mut session, page) = Session::login(&world, &[]);
    session.becomes(false);
    session.types("http://127.0.0.1:1/callback?code=wrong&state=wrong\n");
    session.sees("not the address that the browser ends at");
    let end = end_of(page, Press::Allow);
    // What counts comes last, so that a line which is cut is no answer.
    let (head, query) = end.as_str().split_once('?').expect("a query");
    let padding = "canary".repeat(500);
    session.types(&format!("\"{head}\r\n?a={padding}&b={padding}&{query}\"\n"));
    let (ended, rest, home) = session.end();
    assert_eq!(ended, 0, "{rest}");
    assert!(!rest.contains("canary") && !rest.contains("code="), "{rest}");
    assert!(token(&home));
}

#[test]
fn an_interrupt_during_the_exchange_lets_it_finish_and_a_second_one_does_not() {
    for (patient, kept) in [(true, true), (false, false)] {
        let world = World::with_sandbox();
        let delay_ms = if patient { 2_000 } else { 600_000 };
        let slow = TokenFault { delay_ms, ..TokenFault::default() };
        world.sandbox().control().set(Faults { token: [slow].into(), ..Faults::default() });
        let (mut session, page) = Session::login(&world, &[]);
        session.becomes(false);
        std::thread::spawn(move || visit_page(page, Press::Allow));
        // The prompt ends when the answer is there, and the exchange begins at that moment.
        session.becomes(true);
        let mut terminal = session.pty.process().get_file_handle().expect("a handle");
        session.presses('c');
        if !patient {
            // Again and again: two that come at once are one.
            std::thread::spawn(move || {
                while terminal.write_all(b"\x03").is_ok() {
                    std::thread::sleep(Duration::from_millis(100));
                }
            });
        }
        let (ended, rest, home) = session.end();
        assert_eq!(ended, 130, "{rest}");
        assert_eq!(token(&home), kept);
    }
}

#[test]
fn in_the_background_a_login_neither_reads_the_terminal_nor_stops() {
    let world = World::with_sandbox();
    let home = tempfile::tempdir().expect("a folder");
    let mut command = Command::new("/bin/sh");
    let script = "stty sane; set -m; \"$@\" & job=$!; wait $job; echo ended=$?";
    let resource = world.resource();
    command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_keyward"), "login", &resource, "--name", "box"]);
    environment(&mut command, &home);
    let timeout_ms = u64::try_from(PATIENCE.as_millis()).ok();
    let mut pty = spawn_command(command, timeout_ms).expect("a terminal");
    let (_, address) = pty.exp_regex("http://[^ \r\n]+").expect("an address");
    pty.exp_string("Waiting for the answer").expect("it waits");
    visit_page(url::Url::parse(&address).expect("an address"), Press::Allow);
    pty.exp_string("ended=0").expect("it ends well");
    assert!(token(&home));
}

#[test]
fn at_the_login_to_a_portal_the_name_is_seen_and_the_password_is_not() {
    let portal = Portal::start(Manners::USUAL);
    let login = ["login", &portal.url, "--backend", "ctera", "--name", "portal"];
    let mut session = Session::start(&login);
    session.sees("Your name at");
    session.becomes(true);
    session.types("alice\n");
    session.sees("it is not shown:");
    session.becomes(false);
    session.types(&format!("{PASSWORD}\n"));
    let (code, rest, _) = session.end();
    assert!(code == 0 && rest.contains("Signed in to `portal` as alice@example.com (acme, EndUser)."), "{code} {rest}");
    assert!(!rest.contains("canary"), "{rest}");
    // Whoever thinks better of it leaves nothing behind.
    let mut session = Session::start(&login);
    session.sees("Your name at");
    session.types("alice\n");
    session.sees("it is not shown:");
    session.becomes(false);
    session.presses('c');
    let (code, rest, _) = session.end();
    assert!(code == 130 && rest.contains("interrupted"), "{code} {rest}");
    assert_eq!(portal.devices().len(), 1);
}

#[test]
fn the_activation_code_is_pasted_unseen_while_the_browser_is_awaited() {
    let portal = Portal::start(Manners::SSO);
    let mut session = Session::start(&["login", &portal.url, "--backend", "ctera", "--name", "portal"]);
    session.sees("/ServicesPortal/activate?scheme=http");
    session.sees("It is not shown.");
    session.becomes(false);
    session.types("nothing of the kind\n");
    session.sees("There is no activation code in that");
    session.types(&format!("{CODE}\n"));
    let (code, rest, _) = session.end();
    assert!(code == 0 && rest.contains("Signed in to `portal` as alice@example.com"), "{code} {rest}");
    assert!(!rest.contains("canary"), "{rest}");
}
