//! A browser on another machine: what it shows in the end is pasted at the terminal.

use keyward::machine::Surroundings;
use keyward::report::Exit;

use crate::person::{Elsewhere, Press};
use crate::world::{Ran, World};

const SSH: Surroundings = Surroundings { ssh: true, display: false, ..Surroundings::DESKTOP };

/// A login whose answer comes by `pastes`, and what was printed.
fn pasted(arguments: &[&str], press: Press, pastes: fn(&str) -> Vec<String>) -> (World, Ran) {
    let world = World::with_sandbox().elsewhere(&Elsewhere::who_pastes(press, pastes));
    let resource = world.resource();
    let mut words = vec!["login", &resource, "--name", "box", "--timeout", "20"];
    words.extend(arguments);
    let ran = world.run(&words);
    (world, ran)
}

/// What the address holds after its question mark.
fn query(address: &str) -> &str {
    address.split_once('?').expect("a query").1
}

fn parameter(address: &str, name: &str) -> String {
    let url = url::Url::parse(address).expect("an address");
    url.query_pairs().find(|(key, _)| key == name).expect("the parameter").1.into_owned()
}

#[test]
fn the_whole_address_or_its_parameters_finish_the_login() {
    for pastes in [
        (|address| vec![address.to_owned()]) as fn(&str) -> Vec<String>,
        |address| vec![format!(" \"{address}\" ")],
        |address| vec![query(address).to_owned()],
        |address| {
            let [code, state, issuer] = ["code", "state", "iss"].map(|name| parameter(address, name));
            vec![format!("code={code}&state={state}&iss={issuer}")]
        },
    ] {
        let (world, ran) = pasted(&[], Press::Allow, pastes);
        ran.done();
        assert_eq!(world.sandbox().control().tokens_issued("authorization_code"), 1);
        world.run(&["token", "box"]).done();
    }
}

#[test]
fn s48_what_is_not_the_answer_is_refused_in_one_line_each_and_the_right_one_still_counts() {
    let (world, ran) = pasted(&[], Press::Allow, |address| {
        let (code, state) = (parameter(address, "code"), parameter(address, "state"));
        vec![
            String::new(),
            code.clone(),
            address.replace(&state, "somebody-elses"),
            address.replace("127.0.0.1", "evil.example"),
            format!("{address}\u{1b}]0;owned\u{7}"),
            format!("{address}&code=another"),
            "x".repeat(1 << 20),
            address.to_owned(),
        ]
    });
    let ran = ran.done();
    for said in [
        "Nothing was pasted",
        "no whole address",
        "for another login",
        "not the address that the browser ends at",
        "is damaged",
        "longer than any answer",
    ] {
        assert!(ran.err.contains(said), "{said}: {ran:?}");
    }
    assert_eq!(ran.err.matches("is damaged").count(), 2, "{ran:?}");
    assert!(!ran.err.contains('\u{1b}') && !ran.err.contains("somebody-elses"), "{ran:?}");
    // One token request, and no second one for what came before or after.
    assert_eq!(world.sandbox().control().received("token").len(), 1);
}

#[test]
fn a_code_alone_counts_only_where_it_is_asked_for_by_name() {
    let alone: fn(&str) -> Vec<String> = |address| vec![parameter(address, "code")];
    let (_, ran) = pasted(&["--paste-code"], Press::Allow, alone);
    ran.done();
    let (world, ran) = pasted(&[], Press::Allow, |address| vec![parameter(address, "code"), query(address).to_owned()]);
    assert!(ran.done().err.contains("--paste-code"));
    assert_eq!(world.sandbox().control().received("token").len(), 1);
}

#[test]
fn a_pasted_refusal_ends_the_login() {
    let (world, ran) = pasted(&["--json", "--paste"], Press::Deny, |address| vec![address.to_owned()]);
    assert_eq!(ran.failed(Exit::Denied).json()["error"]["oauth_error"], "access_denied");
    assert!(world.sandbox().control().received("token").is_empty());
    assert_eq!(world.config_text(), "");
}

#[test]
fn nothing_pasted_is_shown() {
    let (_, ran) =
        pasted(&["-vv"], Press::Allow, |address| vec![format!("{address}&x=canary"), query(address).to_owned()]);
    let ran = ran.done();
    assert!(!ran.err.contains("canary") && !ran.err.contains("code="), "{ran:?}");
}

#[test]
fn over_ssh_no_browser_is_opened_and_the_way_back_is_told() {
    let world = World::with_sandbox()
        .browser(crate::person::Forbidden)
        .surroundings(SSH)
        .environment("SSH_CONNECTION", "198.51.100.7 50000 203.0.113.5 22")
        .environment("USER", "ada");
    let ran = world.run(&["login", &world.resource(), "--name", "box", "--timeout", "10"]).failed(Exit::Network);
    let port = ran.err.split("answer on port ").nth(1).and_then(|rest| rest.split(',').next()).expect("a port");
    let forward = format!("`ssh -L {port}:127.0.0.1:{port} ada@203.0.113.5`");
    for said in ["/as/authorize?", "No browser is opened here: this is the far end of an ssh connection.", &forward] {
        assert!(ran.err.contains(said), "{said}: {ran:?}");
    }
}
