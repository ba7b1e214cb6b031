//! Signing in to a Portal: every way, what is kept and shown, and what every other command makes of it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use keyward::backends::Way;
use keyward::machine::{Browser, BrowserError, Echo, Line, Lines, Prompt};
use keyward::report::Exit;
use keyward::secret::Secret;
use keyward::store::Error as StoreError;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;
use url::Url;

use crate::person::{Forbidden, Press, exchange, visit_page};
use crate::portal::{CODE, COOKIE, Manners, PASSWORD, Portal, SHARED, TICKET, with_a_provider};
use crate::world::{Missing, Ran, World};

/// Somebody at a terminal who answers each question with the next line, and pastes what comes of the page they see.
#[derive(Default)]
struct Typist {
    lines: Mutex<VecDeque<String>>,
    hidden: Mutex<Vec<bool>>,
    pastes: Option<fn(&str) -> Vec<String>>,
    terminal: Mutex<Option<UnboundedSender<Line>>>,
}

impl Typist {
    fn who_types(lines: &[&str]) -> Arc<Self> {
        Arc::new(Self { lines: Mutex::new(lines.iter().map(ToString::to_string).collect()), ..Self::default() })
    }

    fn who_pastes(pastes: fn(&str) -> Vec<String>) -> Arc<Self> {
        Arc::new(Self { pastes: Some(pastes), ..Self::default() })
    }
}

impl Prompt for Typist {
    fn lines(&self, echo: Echo) -> std::io::Result<Lines> {
        let (sender, lines) = Lines::channel(None);
        self.hidden.lock().expect("no panic").push(echo == Echo::Hidden);
        if let Some(line) = self.lines.lock().expect("no panic").pop_front() {
            sender.send(Line::Text(Secret::new(line))).expect("a receiver");
        }
        *self.terminal.lock().expect("no panic") = Some(sender);
        Ok(lines)
    }

    fn forget(&self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Browser for Typist {
    fn open(&self, page: &Url) -> Result<(), BrowserError> {
        let (_, head, _) = exchange(page, None, "");
        let end = head.lines().find_map(|line| line.strip_prefix("Location: ")).expect("the page sends on").to_owned();
        let terminal = self.terminal.lock().expect("no panic").clone().expect("somebody reads what is pasted");
        for text in (self.pastes.expect("something to paste"))(&end) {
            let _ = terminal.send(Line::Text(Secret::new(text)));
        }
        Ok(())
    }
}

/// A world with a connection to this Portal that nobody has signed in to.
fn world(portal: &Portal) -> World {
    World::new()
        .config(&format!("[connections.portal]\nbackend = \"ctera\"\nurl = \"{}/ServicesPortal\"\n", portal.url))
}

/// Nothing secret was shown or written into the configuration.
#[track_caller]
fn quiet(world: &World, ran: &Ran) {
    let config = world.config_text();
    for secret in [PASSWORD, SHARED, COOKIE, TICKET, "canary"] {
        for text in [&ran.out, &ran.err, &config] {
            assert!(!text.contains(secret), "{secret}: {ran:?} {config}");
        }
    }
}

fn kept(world: &World) -> Value {
    let grant = world.grant("portal").expect("a login");
    serde_json::from_str(grant.access_token.expose()).expect("JSON")
}

fn status(world: &World) -> Value {
    world.run(&["status", "portal", "--json"]).done().json()["connections"][0].clone()
}

#[test]
fn one_command_and_a_browser_are_enough_for_a_first_login() {
    let portal = Portal::start(Manners::SSO);
    let world = World::new().person(Press::Allow);
    let copied = format!("{}/ServicesPortal/index.html?x=1#/My%20Files", portal.url);
    let ran = world.run(&["login", &copied, "--backend", "ctera", "--name", "portal", "--timeout", "20"]).done();
    quiet(&world, &ran);
    assert!(ran.err.contains("Signed in to `portal` as alice@example.com (acme, EndUser)."), "{ran:?}");
    assert_eq!(kept(&world), json!({"user": "device\\5986", "password": SHARED}));
    assert!(
        world.config_text().contains(&format!("url = \"{}/ServicesPortal\"", portal.url)),
        "{}",
        world.config_text()
    );
    let status = status(&world);
    assert_eq!(
        (&status["login"], &status["way"], &status["account"], &status["tenant"], &status["role"]),
        (&"signed-in".into(), &"device".into(), &"alice@example.com".into(), &"acme".into(), &"EndUser".into())
    );
    let pages = world.person.as_ref().expect("a person").pages();
    assert!(pages[0].text.contains("You are signed in") && pages[0].text.contains("alice@example.com"), "{pages:?}");
    assert!(!pages[0].address.as_str().contains("canary"), "the code leaves the address bar: {}", pages[0].address);
    assert_eq!(portal.devices().len(), 1);
}

#[test]
fn the_device_is_the_same_at_every_login_of_the_connection_and_another_elsewhere() {
    let portal = Portal::start(Manners::USUAL);
    let piped = format!("alice\n{PASSWORD}\n");
    let first = world(&portal).piping(&piped);
    for _ in 0..2 {
        first.run(&["login", "portal"]).done();
        first.run(&["logout", "portal"]).done();
    }
    world(&portal).piping(&piped).run(&["login", "portal"]).done();
    let devices = portal.devices();
    assert_eq!(devices[0], devices[1]);
    assert_ne!(devices[0], devices[2], "another installation");
    assert!(devices[0].len() == 32 && devices[0].bytes().all(|byte| byte.is_ascii_hexdigit()), "{devices:?}");
}

#[test]
fn what_the_browser_shows_elsewhere_is_pasted_and_what_holds_no_code_is_told() {
    let portal = Portal::start(Manners::SSO);
    for pastes in [
        (|end| vec![end.to_owned()]) as fn(&str) -> Vec<String>,
        |end| vec![end.trim_start_matches("http://").to_owned()],
        |end| vec![end.rsplit('=').next().expect("a code").to_owned()],
        |end| vec!["https://portal.example.com/ServicesPortal/".to_owned(), "a b".to_owned(), end.to_owned()],
    ] {
        let typist = Typist::who_pastes(pastes);
        let world = world(&portal).browser(Shared(Arc::clone(&typist))).at_a_terminal(typist);
        let ran = world.run(&["login", "portal", "--timeout", "20"]).done();
        quiet(&world, &ran);
        assert_eq!(kept(&world)["user"], "device\\5986");
    }
    assert_eq!(portal.devices().len(), 4, "what holds no code is sent nowhere");
}

/// One double for two seams.
struct Shared(Arc<Typist>);

impl Browser for Shared {
    fn open(&self, page: &Url) -> Result<(), BrowserError> {
        self.0.open(page)
    }
}

#[test]
fn the_events_of_a_login_are_one_line_each_and_tell_no_secret() {
    let portal = Portal::start(Manners::SSO);
    let world = world(&portal).person(Press::Allow);
    let ran = world.run(&["login", "portal", "--json", "--timeout", "20"]).done();
    quiet(&world, &ran);
    let events = ran.events();
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().expect("a name")).collect();
    assert_eq!((names[0], *names.last().expect("events")), ("started", "done"), "{names:?}");
    assert!(
        events[0]["url"]
            .as_str()
            .expect("an address")
            .contains("/ServicesPortal/activate?scheme=http%3A%2F%2F127.0.0.1")
    );
    assert_eq!((&events[0]["browser"], &events[0]["paste"]), (&json!(true), &json!(false)));
    let done = ran.json();
    assert_eq!(
        (&done["way"], &done["account"], &done["tenant"], &done["role"], &done["store"]),
        (&"device".into(), &"alice@example.com".into(), &"acme".into(), &"EndUser".into(), &"keychain".into())
    );
}

#[test]
fn an_address_that_is_known_is_the_connection_that_has_it() {
    let portal = Portal::start(Manners::USUAL);
    let world = world(&portal).piping(&format!("alice\n{PASSWORD}\n"));
    world.run(&["login", "portal", "--way", "password"]).done();
    let copied = format!("{}/ServicesPortal/#/My%20Files", portal.url);
    for more in [&[][..], &["--backend", "ctera"], &["--backend", "ctera", "--name", "portal"]] {
        let ran = world.run(&[&["login", &copied], more].concat()).done();
        assert!(ran.err.contains("The password is kept"), "the way that the connection has: {ran:?}");
        assert_eq!(status(&world)["login"], "signed-in", "{more:?}");
    }
    // Another way, by the address, is recorded as it is by the name.
    world.run(&["login", &copied, "--backend", "ctera", "--name", "portal", "--way", "device"]).done();
    assert_eq!((&status(&world)["login"], &status(&world)["way"]), (&"signed-in".into(), &"device".into()));
    let ran =
        world.run(&["login", "https://other.example", "--backend", "ctera", "--name", "portal"]).failed(Exit::Usage);
    assert!(ran.err.contains("`portal` is a connection already"), "{ran:?}");
}

#[test]
fn a_name_and_a_password_are_asked_for_once_and_only_the_password_is_hidden() {
    let portal = Portal::start(Manners::USUAL);
    let typist = Typist::who_types(&["alice", PASSWORD]);
    let world = world(&portal).browser(Forbidden).at_a_terminal(Arc::clone(&typist) as Arc<dyn Prompt>);
    let ran = world.run(&["login", "portal"]).done();
    quiet(&world, &ran);
    assert_eq!(*typist.hidden.lock().expect("no panic"), [false, true]);
    assert_eq!(kept(&world), json!({"user": "device\\5986", "password": SHARED}), "the password is not kept");
}

#[test]
fn with_single_sign_on_a_password_is_used_when_it_is_asked_for() {
    let portal = Portal::start(Manners::SSO);
    let world = world(&portal).browser(Forbidden).piping(&format!("alice\n{PASSWORD}\n"));
    world.run(&["login", "portal", "--no-sso"]).done();
    assert_eq!(kept(&world)["user"], "device\\5986");
}

#[test]
fn a_password_is_kept_where_that_is_asked_for_and_said_before() {
    let portal = Portal::start(Manners::USUAL);
    let world = world(&portal).piping(&format!("alice\n{PASSWORD}\n"));
    let ran = world.run(&["login", "portal", "--way", "password"]).done();
    quiet(&world, &ran);
    assert!(ran.err.contains("`password` for `portal` is kept in the store as it is"), "{ran:?}");
    assert_eq!(kept(&world), json!({"user": "alice", "password": PASSWORD}));
    assert!(world.config_text().contains("way = \"password\""), "{}", world.config_text());
    assert_eq!(status(&world)["way"], "password");
}

#[test]
fn a_session_and_a_ticket_are_taken() {
    let portal = Portal::start(Manners::USUAL);
    for (way, given) in [("session", COOKIE), ("ticket", TICKET)] {
        let world = world(&portal).piping(&format!("{given}\n"));
        let ran = world.run(&["login", "portal", "--way", way]).done();
        quiet(&world, &ran);
        assert!(kept(&world)["cookie"].as_str().expect("a cookie").contains(COOKIE));
        assert_eq!(status(&world)["way"], way);
        assert_eq!(portal.count("POST /ServicesPortal/api/logout"), 0);
    }
}

#[test]
fn a_way_that_the_backend_lacks_names_those_it_has() {
    let portal = Portal::start(Manners::USUAL);
    let ran = world(&portal).run(&["login", "portal", "--way", "api-key"]).failed(Exit::Usage);
    assert!(ran.err.contains("`device`, `password`, `session`, `ticket`, `oauth`"), "{ran:?}");
    let ran = World::new().run(&["login", "tavily", "--way", "device"]).failed(Exit::Usage);
    assert!(ran.err.contains("cannot be signed in to by `device`"), "{ran:?}");
    let ran = world(&portal).run(&["login", "portal", "--way", "magic"]).failed(Exit::Usage);
    assert!(ran.err.contains("client-credentials"), "{ran:?}");
    let ran = world(&portal).run(&["login", "portal", "--backend", "ctera"]).failed(Exit::Usage);
    assert!(ran.err.contains("`--backend` is for a new connection"), "{ran:?}");
    assert!(portal.lines().is_empty());
}

#[test]
fn a_refused_login_stores_nothing_and_leaves_the_older_one() {
    let portal = Portal::start(Manners::USUAL);
    let world = world(&portal).piping(&format!("alice\n{PASSWORD}\n"));
    world.run(&["login", "portal", "--way", "password"]).done();
    let before = kept(&world);
    let world = world.piping("alice\nwrong-canary\n");
    for way in ["password", "device"] {
        let ran = world.run(&["login", "portal", "--way", way]).failed(Exit::Denied);
        quiet(&world, &ran);
        assert!(ran.err.contains("nothing is tried again by itself"), "{ran:?}");
    }
    let ran = world.run(&["login", "portal", "--way", "session"]).failed(Exit::Denied);
    quiet(&world, &ran);
    assert_eq!(kept(&world), before);
    assert!(world.config_text().contains("way = \"password\""), "{}", world.config_text());
}

#[test]
fn a_login_that_is_not_finished_or_not_of_this_place_is_explained() {
    let portal = Portal::start(Manners { second_step: true, ..Manners::USUAL });
    let world = world(&portal).piping(&format!("alice\n{PASSWORD}\n"));
    let ran = world.run(&["login", "portal", "--way", "password"]).failed(Exit::Denied);
    assert!(ran.err.contains("a second step") && ran.err.contains("--way session"), "{ran:?}");
    assert!(world.grant("portal").is_none());
    let admin =
        World::new().run(&["login", &format!("{}/admin/#/x", portal.url), "--backend", "ctera", "--name", "top"]);
    let admin = admin.failed(Exit::Usage);
    assert!(admin.err.contains("a device belongs to a person's own portal"), "{admin:?}");
    assert!(
        admin.err.contains(&format!("`keyward login {}/admin --name top --backend ctera --way password`", portal.url)),
        "{admin:?}"
    );
    assert_eq!(portal.count("POST /ServicesPortal/public/users"), 0);
}

#[test]
fn a_store_that_can_keep_nothing_is_told_before_anybody_is_asked() {
    let portal = Portal::start(Manners::USUAL);
    let world = world(&portal).piping(&format!("alice\n{PASSWORD}\n"));
    let ran = world.run(&["login", "portal", "--store", "file"]).failed(Exit::Store);
    quiet(&world, &ran);
    assert!(portal.lines().is_empty(), "no device is attached for nothing: {:?}", portal.lines());
}

#[test]
fn nobody_who_answers_ends_the_login_with_the_way_to_answer() {
    let portal = Portal::start(Manners::USUAL);
    for piped in ["", "alice\n"] {
        let world = world(&portal).piping(piped);
        let ran = world.run(&["login", "portal"]).failed(Exit::Usage);
        assert!(ran.err.contains("standard input has ended") && ran.err.contains("one line"), "{ran:?}");
        assert!(world.grant("portal").is_none());
    }
    assert_eq!(portal.count("POST"), 0);
}

#[test]
fn a_browser_that_brings_nothing_readable_is_told_and_the_login_goes_on() {
    let portal = Portal::start(Manners { back: "?error=", ..Manners::SSO });
    let world = world(&portal).browser(Stumbler);
    let ran = world.run(&["login", "portal", "--timeout", "20"]).done();
    assert!(ran.err.contains("what it brought cannot be read"), "{ran:?}");
    assert_eq!(portal.devices().len(), 1, "what holds no code is sent nowhere");
}

/// Comes back with something else first.
struct Stumbler;

impl Browser for Stumbler {
    fn open(&self, page: &Url) -> Result<(), BrowserError> {
        let page = page.clone();
        std::thread::spawn(move || {
            let mut seen = visit_page(page, Press::Allow);
            assert!(seen.status == 400 && seen.text.contains("No code came along"), "{seen:?}");
            seen.address.set_query(Some(&format!("activationCode={CODE}")));
            visit_page(seen.address, Press::Allow)
        });
        Ok(())
    }
}

#[test]
fn a_code_is_piped_in_where_no_browser_can_be_opened() {
    let portal = Portal::start(Manners::SSO);
    let world = world(&portal).browser(Missing).piping(&format!("{CODE}\n"));
    let ran = world.run(&["login", "portal", "--paste", "--timeout", "20"]).done();
    quiet(&world, &ran);
    let world = world.browser(Forbidden).environment("KEYWARD_NO_BROWSER", "1");
    let ran = world.run(&["login", "portal", "--paste", "--timeout", "20"]).done();
    assert!(ran.err.contains("No browser is opened here: `KEYWARD_NO_BROWSER` says so."), "{ran:?}");
    assert_eq!(kept(&world)["user"], "device\\5986");
}

#[test]
fn another_account_takes_the_place_of_the_stored_one_only_with_a_yes() {
    let portal = Portal::start(Manners::USUAL);
    let piped = format!("{COOKIE}\n");
    let world = world(&portal).piping(&piped);
    world.run(&["login", "portal", "--way", "session"]).done();
    portal.behaves(Manners { account: "bob", ..Manners::USUAL });
    let ran = world.run(&["login", "portal", "--way", "session"]).failed(Exit::Denied);
    assert!(ran.err.contains("alice@example.com") && ran.err.contains("bob@example.com"), "{ran:?}");
    assert_eq!(status(&world)["account"], "alice@example.com");
    world.run(&["login", "portal", "--way", "session", "--expect-user", "bob@example.com"]).done();
    assert_eq!(status(&world)["account"], "bob@example.com");
    world.run(&["login", "portal", "--way", "session", "--expect-user", "carol"]).failed(Exit::Denied);
    let typist = Typist::who_types(&[COOKIE, "yes"]);
    let world = world.at_a_terminal(typist);
    portal.behaves(Manners::USUAL);
    world.run(&["login", "portal", "--way", "session"]).done();
    assert_eq!(status(&world)["account"], "alice@example.com");
}

#[test]
fn a_declined_login_says_what_became_of_it_at_the_service() {
    for (way, given, said) in [
        ("device", format!("alice\n{PASSWORD}\n"), "the device that was attached stays in the list there"),
        ("password", format!("alice\n{PASSWORD}\n"), "the new login left nothing at the provider"),
        ("session", format!("{COOKIE}\n"), "the new tokens were ended at the provider"),
    ] {
        let portal = Portal::start(Manners::USUAL);
        let world = world(&portal).piping(&given);
        let ran = world.run(&["login", "portal", "--way", way, "--expect-user", "carol"]).failed(Exit::Denied);
        assert!(ran.err.contains(said), "{way}: {ran:?}");
        let was_ended = portal.count("POST /ServicesPortal/api/logout") > 0;
        assert!(was_ended || !ran.err.contains("ended at the provider"), "{way}: {ran:?}");
    }
}

#[test]
fn what_opens_sessions_is_no_token_for_anybody() {
    let portal = Portal::start(Manners::USUAL);
    let host = Url::parse(&portal.url).expect("an address");
    let asking = format!("protocol=http\nhost=127.0.0.1:{}\n\n", host.port().expect("a port"));
    for (way, given) in [
        ("device", format!("alice\n{PASSWORD}\n")),
        ("password", format!("alice\n{PASSWORD}\n")),
        ("session", format!("{COOKIE}\n")),
        ("ticket", format!("{TICKET}\n")),
    ] {
        let world = world(&portal).piping(&given);
        world.run(&["login", "portal", "--way", way]).done();
        for form in [
            &["token", "portal"][..],
            &["token", "portal", "--header"],
            &["token", "portal", "--claims"],
            &["token", "portal", "--env"],
        ] {
            let ran = world.run(form).failed(Exit::Usage);
            quiet(&world, &ran);
            assert!(ran.out.is_empty() && ran.err.contains(&format!("it is signed in by `{way}`")), "{ran:?}");
        }
        let world = world.piping(&asking);
        let ran = world.run(&["credential", "git", "portal", "get"]).failed(Exit::Usage);
        quiet(&world, &ran);
        assert_eq!(ran.out, "quit=1\n");
        let ran = world.piping(&format!("{}\n", portal.url)).run(&["credential", "docker", "get"]);
        assert!(!ran.out.contains("canary") && ran.exit != Exit::Done, "{ran:?}");
    }
}

/// A login, and what a logout says of it.
struct Logout {
    way: &'static str,
    given: String,
    said: &'static str,
    word: &'static str,
    ended: usize,
    /// What is said where the Portal was not to be asked.
    stays: &'static str,
}

fn logouts() -> [Logout; 4] {
    let (named, over) = (format!("alice\n{PASSWORD}\n"), "is ended at the provider and forgotten here");
    let session = "forgotten here. The session stays open at the service until it ends there.";
    let [listed, attached] = [
        "The Portal keeps the device 5986 in its list",
        "forgotten here. The device stays attached to the account until an administrator removes it there.",
    ];
    let [forgotten, good] =
        ["The password of `portal` is forgotten here.", "forgotten here. The password is good until it is changed."];
    [
        Logout { way: "device", given: named.clone(), said: listed, word: "stays", ended: 0, stays: attached },
        Logout { way: "password", given: named, said: forgotten, word: "nothing", ended: 0, stays: good },
        Logout { way: "session", given: format!("{COOKIE}\n"), said: over, word: "ended", ended: 1, stays: session },
        Logout { way: "ticket", given: format!("{TICKET}\n"), said: over, word: "ended", ended: 1, stays: session },
    ]
}

#[test]
fn what_is_configured_no_more_is_ended_as_the_login_itself_tells() {
    let portal = Portal::start(Manners::USUAL);
    for Logout { way, given, said, ended, .. } in logouts() {
        let world = world(&portal).piping(&given);
        world.run(&["login", "portal", "--way", way]).done();
        world.run(&["config", "unset", "connections.portal"]).done();
        let before = portal.count("POST /ServicesPortal/api/logout");
        let ran = world.run(&["logout", "portal"]).done();
        assert!(ran.err.contains(said), "{way}: {ran:?}");
        assert_eq!(portal.count("POST /ServicesPortal/api/logout") - before, ended, "{way}");
        assert!(world.grant("portal").is_none());
    }
}

#[test]
fn a_device_is_of_no_use_here_only_after_its_secret_is_gone() {
    let portal = Portal::start(Manners::USUAL);
    let world = world(&portal).piping(&format!("alice\n{PASSWORD}\n"));
    world.run(&["login", "portal", "--way", "device"]).done();
    let useless = "Nothing here can use it any more.";
    world.store.fail_saves(Some(StoreError::Locked));
    let ran = world.run(&["logout", "portal"]).failed(Exit::Store);
    assert!(ran.err.contains("still kept here") && !ran.err.contains(useless), "{ran:?}");
    world.store.fail_saves(None);
    let ran = world.run(&["logout", "portal"]).done();
    assert!(ran.err.contains(useless), "{ran:?}");
}

#[test]
fn a_logout_ends_what_can_be_ended_and_says_what_remains() {
    let portal = Portal::start(Manners::USUAL);
    for Logout { way, given, said, word, ended, stays } in logouts() {
        let world = world(&portal).piping(&given);
        for json in [false, true] {
            world.run(&["login", "portal", "--way", way]).done();
            let before = portal.count("POST /ServicesPortal/api/logout");
            let ran = match json {
                true => world.run(&["logout", "portal", "--json"]).done(),
                false => world.run(&["logout", "portal"]).done(),
            };
            quiet(&world, &ran);
            match json {
                true => assert_eq!(ran.json()["connections"][0]["at_provider"], word, "{way}"),
                false => assert!(ran.err.contains(said), "{way}: {ran:?}"),
            }
            assert_eq!(portal.count("POST /ServicesPortal/api/logout") - before, ended, "{way}");
            assert!(world.grant("portal").is_none());
        }
        world.run(&["login", "portal", "--way", way]).done();
        let before = portal.lines().len();
        let ran = world.run(&["logout", "portal", "--local-only"]).done();
        assert!(ran.err.contains(stays), "{way}: {ran:?}");
        assert_eq!(portal.lines().len(), before, "nobody was to ask the Portal");
    }
}

#[test]
fn the_environment_supplies_a_token_or_a_session() {
    let portal = Portal::start(Manners { takes_tokens: true, ..Manners::USUAL });
    let bearer = world(&portal).environment("KEYWARD_TOKEN_PORTAL", "tok-canary");
    let status = bearer.run(&["status", "portal", "--verify", "--json"]).done();
    quiet(&bearer, &status);
    assert_eq!(status.json()["connections"][0]["verified"]["accepted"], true, "{status:?}");
    let ran = bearer.run(&["login", "portal"]).failed(Exit::Configuration);
    assert!(ran.err.contains("unset `KEYWARD_TOKEN_PORTAL`"), "{ran:?}");

    // A device's secret is in the store or nowhere: what the environment supplies is a token all the same.
    let url = &portal.url;
    let entry =
        format!("[connections.portal]\nbackend = \"ctera\"\nurl = \"{url}/ServicesPortal\"\nway = \"device\"\n");
    let device = World::new().config(&entry).environment("KEYWARD_TOKEN_PORTAL", "tok-canary");
    let status = device.run(&["status", "portal", "--verify", "--json"]).done().json()["connections"][0].clone();
    assert_eq!((&status["way"], &status["verified"]["accepted"]), (&"oauth".into(), &true.into()), "{status}");

    let entry =
        format!("[connections.portal]\nbackend = \"ctera\"\nurl = \"{url}/ServicesPortal\"\nway = \"session\"\n");
    let session = World::new().config(&entry).environment("KEYWARD_TOKEN_PORTAL", COOKIE);
    let status = session.run(&["status", "portal", "--verify", "--json"]).done();
    quiet(&session, &status);
    assert_eq!(status.json()["connections"][0]["verified"]["accepted"], true, "{status:?}");
    let ran = session.run(&["token", "portal"]).failed(Exit::Usage);
    quiet(&session, &ran);
}

#[test]
fn a_portal_that_takes_no_tokens_says_so_after_a_login_by_oauth() {
    for takes_tokens in [false, true] {
        let portal = Portal::start(Manners { takes_tokens, ..Manners::USUAL });
        let world = with_a_provider(&portal, r#"["sandbox:read"]"#);
        let ran = world.run(&["login", "portal", "--way", "oauth", "--timeout", "20"]);
        match takes_tokens {
            true => drop(ran.done()),
            false => {
                let ran = ran.failed(Exit::Denied);
                assert!(ran.err.contains("the service does not take it"), "{ran:?}");
                assert!(ran.err.contains("`keyward login portal --way device`"), "{ran:?}");
            }
        }
    }
}

#[test]
fn a_rehearsal_asks_nobody() {
    let portal = Portal::start(Manners::SSO);
    let world = world(&portal).browser(Forbidden);
    let shown = world.run(&["login", "portal", "--way", "password", "--dry-run", "--json"]).done().json();
    assert_eq!((&shown["way"], &shown["dry_run"]), (&"password".into(), &json!(true)));
    assert!(shown["note"].as_str().expect("a note").contains("kept in the store"));
    assert!(portal.lines().is_empty() && world.grant("portal").is_none());
}

#[test]
fn a_stranger_at_the_port_neither_ends_the_login_nor_fools_it() {
    let portal = Portal::start(Manners::SSO);
    let intruder = Intruder::default();
    let knocks = Arc::clone(&intruder.0);
    let world = world(&portal).browser(intruder);
    let ran = world.run(&["login", "portal", "--timeout", "20"]).done();
    quiet(&world, &ran);
    assert_eq!(*knocks.lock().expect("no panic"), [404; 4]);
    let all = portal.lines();
    assert_eq!(all.iter().filter(|line| line.starts_with("POST /ServicesPortal/public/users")).count(), 1, "{all:?}");
}

/// Knocks at the port with a code of its own before the person comes back.
#[derive(Default)]
struct Intruder(Arc<Mutex<Vec<u16>>>);

impl Browser for Intruder {
    fn open(&self, page: &Url) -> Result<(), BrowserError> {
        let back = page.query_pairs().find(|(name, _)| name == "scheme").expect("a way back").1.into_owned();
        let back = Url::parse(&back).expect("an address");
        for path in ["/", "/callback", "/back/", "/back/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            let mut knock = back.clone();
            knock.set_path(path);
            knock.set_query(Some("activationCode=evil-code&code=evil-code"));
            self.0.lock().expect("no panic").push(exchange(&knock, None, "").0);
        }
        let page = page.clone();
        std::thread::spawn(move || visit_page(page, Press::Allow));
        Ok(())
    }
}

#[test]
fn every_way_that_is_exchanged_has_a_procedure_and_no_other() {
    for backend in keyward::backends::ALL {
        let exchanged = backend.ways.iter().any(|way: &Way| way.is_exchanged());
        assert_eq!(exchanged, backend.sign_in.is_some(), "{}", backend.name);
    }
}
