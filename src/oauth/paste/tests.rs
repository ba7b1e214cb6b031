//! Pasted texts: the verdicts of the listener, and a reason for each that is refused.

use super::*;
use crate::oauth::error::Error;
use crate::oauth::testing::{client, server};

const REDIRECT: &str = "http://127.0.0.1:4711/callback";

fn attempt() -> Attempt {
    let mut server = server("https://as.example");
    server.promises_iss = false;
    Attempt::new(&server, &client(), REDIRECT, &[], None).expect("an attempt")
}

fn state(attempt: &Attempt) -> String {
    attempt.url().query_pairs().find(|(key, _)| key == "state").expect("a state").1.into_owned()
}

fn told(pasted: Pasted) -> Result<Result<String, Error>, Unfit> {
    match pasted {
        Pasted::Refused(unfit) => Err(unfit),
        Pasted::Answer(outcome) => Ok(outcome.map(|code| code.expose().to_owned())),
    }
}

#[test]
fn s48_what_is_not_the_answer_is_refused_with_the_reason_and_changes_nothing() {
    let attempt = attempt();
    let state = state(&attempt);
    for (text, expected) in [
        (String::new(), Unfit::Empty),
        (" \n\"\" ".to_owned(), Unfit::Empty),
        (format!("{REDIRECT}?code=abc&state=other"), Unfit::Foreign),
        (format!("{REDIRECT}?code=abc&state={}", state.to_ascii_uppercase()), Unfit::Foreign),
        (format!("{REDIRECT}?code=abc"), Unfit::Foreign),
        (format!("{REDIRECT}?error=access_denied&error_description=canary"), Unfit::Foreign),
        ("code=abc&state=other".to_owned(), Unfit::Foreign),
        ("error=access_denied".to_owned(), Unfit::Foreign),
        (REDIRECT.to_owned(), Unfit::Elsewhere),
        (attempt.url().to_string(), Unfit::Elsewhere),
        (format!("http://127.0.0.1:9/callback?code=abc&state={state}"), Unfit::Elsewhere),
        (format!("http://localhost:4711/callback?code=abc&state={state}"), Unfit::Elsewhere),
        (format!("https://127.0.0.1:4711/callback?code=abc&state={state}"), Unfit::Elsewhere),
        (format!("http://127.0.0.1:4711/callback/?code=abc&state={state}"), Unfit::Elsewhere),
        (format!("http://127.0.0.1:4711/CALLBACK?code=abc&state={state}"), Unfit::Elsewhere),
        (format!("https://evil.example/?code=abc&state={state}"), Unfit::Elsewhere),
        (format!("https://evil.example/?x={REDIRECT}?code=abc&state={state}"), Unfit::Elsewhere),
        (format!("evil.example/callback?code=abc&state={state}"), Unfit::Elsewhere),
        ("abc".to_owned(), Unfit::CodeOnly),
        (state.clone(), Unfit::CodeOnly),
        (format!("{REDIRECT}?code=abc&code=abc&state={state}"), Unfit::Malformed),
        (format!("{REDIRECT}?code=%zz&state={state}"), Unfit::Malformed),
        (format!("{REDIRECT}?code={}&state={state}", "a".repeat(5000)), Unfit::Malformed),
        (format!("{REDIRECT}?code=a\u{1b}[31m&state={state}"), Unfit::Malformed),
        (format!("{REDIRECT}?code=a\0&state={state}"), Unfit::Malformed),
        (format!("{REDIRECT}?code=a b&state={state}"), Unfit::Malformed),
        (format!("{REDIRECT}?code={}&state={state}", "a".repeat(1 << 20)), Unfit::TooLong),
    ] {
        let shown: String = text.chars().take(120).collect();
        assert_eq!(told(attempt.paste(&Secret::new(text))), Err(expected), "{shown}");
    }
    assert_eq!(told(attempt.paste(&Secret::new(format!("code=abc&state={state}")))), Ok(Ok("abc".to_owned())));
}

#[test]
fn the_whole_address_or_its_parameters_are_the_answer_once() {
    for wrap in [
        |query: String| format!("{REDIRECT}?{query}"),
        |query: String| format!(" \"{REDIRECT}?{query}\"\n"),
        |query: String| format!("'{REDIRECT}?{query}#fragment'\r\n"),
        |query: String| format!("<127.0.0.1:4711/callback?{query}>"),
        |query: String| format!("?{query}"),
        |query: String| query,
        |query: String| format!("{REDIRECT}?{}", query.replacen("&state", "\r\n&state", 1)),
    ] {
        let attempt = attempt();
        let text = Secret::new(wrap(format!("code=abc&state={}", state(&attempt))));
        assert_eq!(told(attempt.paste(&text)), Ok(Ok("abc".to_owned())));
        assert_eq!(told(attempt.paste(&text)), Err(Unfit::Spent));
    }
}

#[test]
fn a_refusal_and_another_issuer_end_the_login_as_they_do_at_the_listener() {
    let attempt = attempt();
    let text = format!("{REDIRECT}?error=access_denied&state={}", state(&attempt));
    assert_eq!(told(attempt.paste(&Secret::new(text))), Ok(Err(Error::Denied { description: None })));
    let attempt = self::attempt();
    let text = format!("{REDIRECT}?code=abc&iss=https://evil.example&state={}", state(&attempt));
    assert!(matches!(told(attempt.paste(&Secret::new(text))), Ok(Err(Error::ResponseIssuer { .. }))));
}

#[test]
fn a_bare_code_counts_only_for_who_asked_for_it_by_name() {
    let attempt = attempt();
    let code = Secret::new(" 4/0AbC-d_e~f \n");
    assert_eq!(told(attempt.paste(&code)), Err(Unfit::CodeOnly));
    for unusable in ["a b", "a\u{7f}b", "caf\u{e9}", &"a".repeat(5000)] {
        assert_eq!(told(attempt.paste_code(&Secret::new(unusable))), Err(Unfit::Malformed), "{unusable}");
    }
    // An address is still judged as an address.
    let foreign = Secret::new(format!("{REDIRECT}?code=abc&state=other"));
    assert_eq!(told(attempt.paste_code(&foreign)), Err(Unfit::Foreign));
    assert_eq!(told(attempt.paste_code(&code)), Ok(Ok("4/0AbC-d_e~f".to_owned())));
    assert_eq!(told(attempt.paste_code(&code)), Err(Unfit::Spent));
}

#[test]
fn after_another_end_no_answer_counts() {
    let attempt = attempt();
    let text = Secret::new(format!("code=abc&state={}", state(&attempt)));
    assert!(attempt.close());
    assert!(!attempt.close());
    assert_eq!(told(attempt.paste(&text)), Err(Unfit::Spent));
}
