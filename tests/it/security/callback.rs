//! The answer to a login, and everything that is not it (S01 to S11, S13, S15, S16, S22 to S25, S28).

use std::sync::Arc;

use keyward::report::Exit;
use keyward::sandbox::{Control, Decision, Faults, ResponseIss};

use super::meddler::{Login, Meddler};
use crate::world::{Ran, World};

/// Runs a login during which `meddle` is at work. The server decides by itself, so that the true answer can be had.
pub fn login_with(world: &World, meddle: impl FnOnce(&Login, &Control) + Send + 'static) -> Ran {
    login_as(world, &[], meddle)
}

/// The same with further words on the command line.
pub fn login_as(world: &World, words: &[&str], meddle: impl FnOnce(&Login, &Control) + Send + 'static) -> Ran {
    let control = world.sandbox().control().clone();
    control.decide(Decision::Allow("alice".to_owned()));
    let meddler = Arc::new(Meddler::new(move |login| meddle(login, &control)));
    let resource = world.resource();
    let limit: &[&str] = if words.contains(&"--timeout") { &[] } else { &["--timeout", "20"] };
    let line = [&["login", &resource, "--name", "box"], limit, words].concat();
    let ran = world.run_in(Arc::clone(&meddler) as Arc<dyn keyward::machine::Browser>, &line);
    meddler.join();
    ran
}

/// Every query is turned away, the login goes on without a token request, and the true answer still counts.
fn turned_away(queries: impl Fn(&Login) -> Vec<String> + Send + 'static) -> Ran {
    let world = World::with_sandbox();
    let ran = login_with(&world, move |login, control| {
        for query in queries(login) {
            let answer = login.come_back(&query);
            assert_eq!(answer.status, 400, "{query}");
            assert!(!answer.body.contains("canary"), "{query}: {}", answer.body);
            assert_eq!(control.token_requests(), 0, "{query}");
        }
        login.arrive(&login.true_answer());
    });
    assert_eq!(world.sandbox().control().token_requests(), 1);
    assert!(!ran.err.contains("canary"), "{ran:?}");
    ran.done()
}

/// The login ends with this code, nothing was exchanged and nothing is stored.
fn refused(world: &World, ran: Ran, code: &str) -> Ran {
    assert_eq!(world.sandbox().control().token_requests(), 0, "{ran:?}");
    assert!(ran.err.contains(code) || ran.out.contains(code), "expected {code}: {ran:?}");
    assert_eq!(world.config_text(), "");
    world.run(&["token", "box"]).failed(Exit::Usage);
    ran
}

#[test]
fn s01_an_answer_with_another_state_is_not_ours() {
    turned_away(|_| vec!["code=canary&state=another".to_owned()]);
}

#[test]
fn s02_an_answer_without_one_whole_state_is_not_ours() {
    turned_away(|login| {
        let state = login.state();
        ["code=canary".to_owned(), "code=canary&state=".to_owned()]
            .into_iter()
            .chain([format!("code=canary&state={state}&state={state}"), format!("code=canary&state={state}&state=x")])
            .collect()
    });
}

#[test]
fn s03_a_state_that_is_almost_right_is_not_ours() {
    turned_away(|login| {
        let state = login.state();
        let flip = |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
        let swapped: String = state.chars().map(flip).collect();
        let (short, long) = (state.chars().skip(1).collect::<String>(), format!("{state}A"));
        [short, long, swapped, format!("{state}%20"), format!("{state}%00"), format!("+{state}")]
            .map(|state| format!("code=canary&state={state}"))
            .into()
    });
}

#[test]
fn s04_an_error_without_the_state_neither_ends_the_login_nor_is_shown() {
    turned_away(|_| vec!["error=access_denied&error_description=canary".to_owned()]);
}

#[test]
fn s05_an_error_with_the_state_ends_the_login_as_denied() {
    let world = World::with_sandbox();
    let issuer = world.sandbox().issuer().to_owned();
    let ran = login_with(&world, move |login, _| {
        let query = format!("error=access_denied&state={}&iss={issuer}", login.state());
        login.arrive(&query);
    });
    refused(&world, ran.failed(Exit::Denied), "refused");
}

fn answer_of(response_iss: ResponseIss) -> (World, Ran) {
    let world = World::with_sandbox();
    world.sandbox().control().set(Faults { response_iss, ..Faults::default() });
    let ran = login_with(&world, |login, _| drop(login.allow()));
    (world, ran)
}

#[test]
fn s06_a_code_from_another_issuer_is_not_exchanged() {
    let (world, ran) = answer_of(ResponseIss::Other("https://evil.example".to_owned()));
    refused(&world, ran.failed(Exit::Server), "https://evil.example");
}

#[test]
fn s07_the_error_of_another_issuer_is_told_nowhere() {
    for words in [&["-vv"][..], &["--json", "-vv"]] {
        let world = World::with_sandbox();
        let ran = login_as(&world, words, |login, _| {
            let query = format!(
                "error=server_error&error_description=canary&error_uri=https://canary.example&state={}&iss=https://evil.example",
                login.state()
            );
            let answer = login.come_back(&query);
            assert_eq!(answer.status, 303);
            let page = login.get(answer.header("location").expect("a page"));
            assert!(!page.body.contains("canary") && !answer.head.contains("canary"), "{page:?}");
        });
        assert!(!ran.err.contains("canary") && !ran.out.contains("canary"), "{ran:?}");
        refused(&world, ran.failed(Exit::Server), "evil.example");
    }
}

#[test]
fn s08_an_issuer_that_was_promised_must_be_there() {
    let (world, ran) = answer_of(ResponseIss::Omitted);
    refused(&world, ran.failed(Exit::Server), "received none");
}

#[test]
fn s09_an_issuer_that_was_not_promised_must_still_be_right() {
    for (response_iss, accepted) in
        [(ResponseIss::Right, true), (ResponseIss::Other("https://evil.example".to_owned()), false)]
    {
        let world = World::with_sandbox();
        world.sandbox().control().set(Faults { metadata_without_iss: true, response_iss, ..Faults::default() });
        let ran = login_with(&world, |login, _| drop(login.allow()));
        if accepted {
            ran.done();
        } else {
            refused(&world, ran.failed(Exit::Server), "https://evil.example");
        }
    }
}

#[test]
fn s10_an_issuer_that_is_almost_right_is_another() {
    let world = World::with_sandbox();
    let issuer = world.sandbox().issuer().to_owned();
    for near in [
        format!("{issuer}/"),
        issuer.to_uppercase(),
        issuer.replace("/as", "/%61s"),
        issuer.replace("http://", "https://"),
        issuer.replace("/as", "/as/../as"),
        format!(" {issuer}"),
        String::new(),
    ] {
        world.sandbox().control().set(Faults { response_iss: ResponseIss::Other(near.clone()), ..Faults::default() });
        let ran = login_with(&world, |login, _| drop(login.allow()));
        assert_eq!(ran.exit, Exit::Server, "{near}: {ran:?}");
        refused(&world, ran, "issuer");
    }
}

#[test]
fn s13_a_code_of_another_session_is_refused_by_the_verifier_and_changes_nothing() {
    let world = World::signed_in();
    let before = world.run(&["token", "box"]).done().out;
    let other = World::with_sandbox();
    let issuer = world.sandbox().issuer().to_owned();
    // The same client asks for another person: same redirect address, another verifier.
    let ran = login_with(&world, move |login, _| {
        let mut stolen = login.page.clone();
        let pairs: Vec<(String, String)> = stolen
            .query_pairs()
            .map(|(name, value)| match name.as_ref() {
                "code_challenge" => (name.into_owned(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned()),
                "state" => (name.into_owned(), "theirs".to_owned()),
                _ => (name.into_owned(), value.into_owned()),
            })
            .collect();
        stolen.query_pairs_mut().clear().extend_pairs(pairs);
        let theirs = Login { page: stolen }.true_answer();
        let code = theirs.split('&').find(|pair| pair.starts_with("code=")).expect("a code").to_owned();
        login.arrive(&format!("{code}&state={}&iss={issuer}", login.state()));
    });
    drop(other);
    let ran = ran.failed(Exit::LoginRequired);
    assert!(ran.err.contains("invalid_grant"), "{ran:?}");
    assert_eq!(world.run(&["token", "box"]).done().out, before, "the login that was there is untouched");
}

#[test]
fn s15_nothing_random_is_used_in_two_logins() {
    let world = World::with_sandbox();
    let (tell, told) = std::sync::mpsc::channel();
    for _ in 0..2 {
        let tell = tell.clone();
        login_with(&world, move |login, _| {
            assert_eq!(login.sent("code_challenge_method"), "S256");
            tell.send((login.state(), login.sent("code_challenge"))).expect("heard");
            login.allow();
        })
        .done();
    }
    let (first, second) = (told.recv().expect("a login"), told.recv().expect("another"));
    let all = [&first.0, &first.1, &second.0, &second.1];
    let distinct: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), 4);
    let usable =
        |text: &&&String| text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    assert!(all.iter().all(|text| usable(&text)), "32 random bytes each, and the digest of a verifier");
}

#[test]
fn s16_many_answers_of_another_program_do_not_stop_the_true_one() {
    let ran = turned_away(|_| (0..25).map(|n| format!("code=canary&state=guess-{n}")).collect());
    assert!(ran.err.contains("20"), "the person is told: {ran:?}");
}

#[test]
fn s22_parameters_that_occur_twice_are_refused_and_a_code_with_an_error_ends_the_login() {
    turned_away(|login| {
        let state = login.state();
        ["code=a&code=a", "code=a&code=b", "iss=a&iss=b&code=a", "error=a&error=b", "error=a&error=a"]
            .map(|twice| format!("{twice}&state={state}"))
            .into()
    });
    let world = World::with_sandbox();
    let issuer = world.sandbox().issuer().to_owned();
    let ran = login_with(&world, move |login, _| {
        let both = format!("code=a&error=access_denied&state={}&iss={issuer}", login.state());
        login.arrive(&both);
    });
    refused(&world, ran.failed(Exit::Server), "a code and an error");
}

#[test]
fn s23_broken_encodings_are_refused_and_split_no_header() {
    turned_away(|login| {
        let state = login.state();
        ["code=%zz", "code=%c0%af", "code=%f", "code=%ff%fe", "%=x&code=a"]
            .map(|broken| format!("{broken}&state={state}"))
            .into()
    });
    for value in ["a%0d%0aSet-Cookie:%20x=y", "a%00b", "a b", "a+b", "a%20b"] {
        let world = World::with_sandbox();
        let issuer = world.sandbox().issuer().to_owned();
        let ran = login_with(&world, move |login, _| {
            let answer =
                login.come_back(&format!("code={value}&state={}&iss={issuer}", login.state()).replace(' ', "+"));
            assert_eq!((answer.status, answer.header("set-cookie")), (303, None), "{value}");
            login.get(answer.header("location").expect("the page"));
        });
        refused(&world, ran.failed(Exit::Server), "characters that no code has");
    }
}

/// What a hostile description may hold.
const MARKUP: [&str; 6] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'\"&<>",
    "\u{202e}evil\u{2066}",
    "\u{1b}[31mred\u{1b}[0m\u{1b}]0;title\u{7}",
    "\u{85}\u{0}\r\n",
];

#[test]
fn s24_a_description_becomes_neither_markup_nor_terminal_commands() {
    for description in MARKUP.iter().map(ToString::to_string).chain(["x".repeat(4000)]) {
        let world = World::with_sandbox();
        let issuer = world.sandbox().issuer().to_owned();
        let ran = login_with(&world, move |login, _| {
            let state = login.state();
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.append_pair("error", "server_error").append_pair("error_description", &description);
            query.append_pair("state", &state).append_pair("iss", &issuer);
            let answer = login.come_back(&query.finish());
            let page = login.get(answer.header("location").expect("a page")).body;
            for live in ["<script", "<img", "onerror", "\u{202e}", "\u{1b}", "href"] {
                assert!(!page.contains(live), "{live}: {page}");
            }
        });
        let shown = ran.failed(Exit::Server).err;
        assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
        assert!(!shown.contains(['\u{202e}', '\u{2066}', '\u{1b}']), "{shown:?}");
        assert!(shown.lines().all(|line| line.chars().count() < 1000), "{shown}");
    }
}

#[test]
fn s25_nothing_in_a_request_leads_anywhere() {
    let world = World::with_sandbox();
    login_with(&world, |login, _| {
        let lure = "redirect=https://evil.example&next=//evil.example&return_to=x&error_uri=javascript:alert(1)";
        for target in [format!("/?{lure}"), format!("/callback?{lure}"), format!("/login?{lure}")] {
            let answer = login.get(&target);
            assert_eq!(answer.header("location"), None, "{target}");
            assert!(!answer.body.contains("evil") && !answer.body.contains("javascript"), "{target}");
        }
        let answer = login.come_back(&format!("{}&{lure}", login.true_answer()));
        let place = answer.header("location").expect("the page").to_owned();
        assert!(place.starts_with('/') && !place.starts_with("//") && !place.contains("evil"), "{place}");
        let page = login.get(&place).body;
        assert!(!page.contains("evil") && !page.contains("href"), "{page}");
    })
    .done();
}

#[test]
fn s28_of_many_true_answers_one_is_exchanged() {
    let world = World::with_sandbox();
    login_with(&world, |login, _| {
        let query = login.true_answer();
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let racers: Vec<_> = (0..10).map(|_| scope.spawn(|| login.come_back(&query).status)).collect();
            racers.into_iter().map(|racer| racer.join().expect("an answer")).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| [200, 303].contains(status)), "{statuses:?}");
    })
    .done();
    assert_eq!(world.sandbox().control().token_requests(), 1);
}
