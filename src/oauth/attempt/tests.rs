//! What an attempt asks for, and how a pasted address is judged.

use std::collections::BTreeMap;

use super::*;
use crate::oauth::testing::{client, pairs, server};

const REDIRECT: &str = "http://127.0.0.1:4711/callback";

fn scopes(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn attempt(names: &[&str], resource: Option<&str>) -> Attempt {
    Attempt::new(&server("https://as.example"), &client(), REDIRECT, &scopes(names), resource).expect("an attempt")
}

fn query(attempt: &Attempt) -> Vec<(String, String)> {
    let mut found: Vec<_> = attempt.url().query_pairs().into_owned().collect();
    found.sort();
    found
}

fn value(attempt: &Attempt, name: &str) -> String {
    attempt.url().query_pairs().find(|(key, _)| key == name).expect("the parameter").1.into_owned()
}

#[test]
fn the_request_holds_these_parameters_and_no_others() {
    let attempt = attempt(&["b", "a", "b"], Some("https://r.example/mcp"));
    let expected = pairs(&[
        ("response_type", "code"),
        ("client_id", "client"),
        ("redirect_uri", REDIRECT),
        ("scope", "b a"),
        ("state", &value(&attempt, "state")),
        ("code_challenge", &random::challenge(&attempt.verifier)),
        ("code_challenge_method", "S256"),
        ("resource", "https://r.example/mcp"),
    ]);
    assert_eq!(query(&attempt), expected);
    assert_eq!(attempt.url().as_str().split('?').next(), Some("https://as.example/authorize"));
    assert!(!attempt.url().as_str().contains(attempt.verifier.expose()));
}

#[test]
fn without_scopes_and_resource_neither_is_sent() {
    let names: Vec<String> = query(&attempt(&[], None)).into_iter().map(|(name, _)| name).collect();
    let expected = ["client_id", "code_challenge", "code_challenge_method", "redirect_uri", "response_type", "state"];
    assert_eq!(names, expected);
}

#[test]
fn a_nonce_goes_with_openid_only() {
    let attempt = attempt(&["openid"], None);
    let nonce = value(&attempt, "nonce");
    assert!(nonce.len() == 43 && attempt.nonce.as_ref().is_some_and(|kept| kept.matches(&nonce)), "{nonce}");
}

#[test]
fn nothing_random_is_used_twice() {
    let mut seen = BTreeMap::new();
    for _ in 0..2 {
        let attempt = attempt(&["openid"], None);
        let verifier = attempt.verifier.expose().to_owned();
        let (state, nonce) = (value(&attempt, "state"), value(&attempt, "nonce"));
        for text in [&verifier, &state, &nonce] {
            assert_eq!(text.len(), 43);
            assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{text}");
        }
        for text in [verifier, state, nonce, value(&attempt, "code_challenge")] {
            assert_eq!(seen.insert(text, ()), None);
        }
    }
}

#[test]
fn the_query_of_the_endpoint_stays_and_providers_may_add_but_not_replace() {
    let mut server = server("https://as.example");
    server.authorization_endpoint = Url::parse("https://as.example/authorize?tenant=a%20b").ok();
    let attempt = Attempt::new(&server, &client(), REDIRECT, &[], None).expect("an attempt");
    let attempt = attempt.with("prompt", "consent & more").with("state", "x").with("code_challenge_method", "plain");
    let found = query(&attempt);
    assert_eq!(value(&attempt, "tenant"), "a b");
    assert_eq!(value(&attempt, "prompt"), "consent & more");
    assert_eq!(found.iter().filter(|(name, _)| name == "state" || name == "code_challenge_method").count(), 2);
    assert_eq!(value(&attempt, "code_challenge_method"), "S256");
}

#[test]
fn values_that_no_request_may_hold_are_refused() {
    let server = server("https://as.example");
    let make = |redirect: &str, scope: &str, resource: &str| {
        Attempt::new(&server, &client(), redirect, &scopes(&[scope]), Some(resource)).err()
    };
    let unusable = |what| Some(Error::Unusable { what });
    assert_eq!(make("callback", "a", "https://r.example"), unusable("redirect_uri"));
    assert_eq!(make(REDIRECT, "a b", "https://r.example"), unusable("scope"));
    assert_eq!(make(REDIRECT, "", "https://r.example"), unusable("scope"));
    assert_eq!(make(REDIRECT, "a\n", "https://r.example"), unusable("scope"));
    assert_eq!(make(REDIRECT, "a", "r.example"), unusable("resource"));
    assert_eq!(make(REDIRECT, "a", "https://r.example/#x"), unusable("resource"));
    assert_eq!(make(REDIRECT, "a", "https://r.example"), None);
}

#[test]
fn debug_shows_no_secret() {
    let attempt = attempt(&["openid"], None);
    let text = format!("{attempt:?}");
    for secret in [value(&attempt, "state"), value(&attempt, "nonce"), attempt.verifier.expose().to_owned()] {
        assert!(!text.contains(&secret), "{text}");
    }
}
