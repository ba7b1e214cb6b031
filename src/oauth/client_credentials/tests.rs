//! Client credentials against scripted servers (RFC 6749 §4.4).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::*;
use crate::oauth::habits::TokenIssuer;
use crate::oauth::testing::{Script, Seen, client, confidential, http, json, key, pairs, reply};
use crate::oauth::token::Warning;
use crate::secret::Secret;

/// A server that is known to refuse a client in passing.
const MISTAKEN: Habits = Habits { second_try: Some(Duration::ZERO), ..STRICT };
const STRICT: Habits = Habits {
    token_issuer: TokenIssuer::Exact,
    commas: false,
    renamed: &[],
    silent: &[],
    whatever: None,
    second_try: None,
};
const GOOD: &str = r#"{"access_token":"t","token_type":"bearer"}"#;

async fn asked(script: &Script, client: &Client, scopes: &[&str], resource: Option<&str>) -> Result<Tokens, Error> {
    asked_of(script, client, STRICT, (scopes, resource)).await
}

async fn asked_of(
    script: &Script,
    client: &Client,
    habits: Habits,
    (scopes, resource): (&[&str], Option<&str>),
) -> Result<Tokens, Error> {
    let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    let token_endpoint = &script.address("/token");
    let issuer = script.url.as_str();
    let (binding, audience) = (None, None);
    let scopes = &scopes;
    let request =
        ClientCredentials { token_endpoint, issuer, client, scopes, resource, audience, habits, binding, now: 7 };
    client_credentials(&http(), request).await
}

#[tokio::test]
async fn the_request_holds_these_fields_and_no_others() {
    let script = Script::always(json(200, r#"{"access_token":"t","token_type":"bearer"}"#)).await;
    asked(&script, &confidential(AuthMethod::Basic), &[], None).await.expect("tokens");
    asked(&script, &confidential(AuthMethod::Post), &["a", "b"], Some("https://r.example")).await.expect("tokens");
    let signing = Client { key: Some(key()), method: AuthMethod::PrivateKeyJwt, ..client() };
    asked(&script, &signing, &[], None).await.expect("tokens");
    let seen = script.seen();
    assert_eq!(seen[0].header("authorization"), Some("Basic YSUzQWIrYzpwJTI1JTJCJTI2"));
    assert_eq!(seen[0].form(), pairs(&[("grant_type", "client_credentials")]));
    let expected = pairs(&[
        ("grant_type", "client_credentials"),
        ("client_id", "a:b c"),
        ("client_secret", "p%+&"),
        ("scope", "a b"),
        ("resource", "https://r.example"),
    ]);
    assert_eq!(seen[1].form(), expected);
    let names: Vec<String> = seen[2].form().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["client_assertion", "client_assertion_type", "client_id", "grant_type"]);
}

#[tokio::test]
async fn a_client_without_a_secret_asks_for_nothing() {
    let script = Script::always(json(200, r#"{"access_token":"t"}"#)).await;
    let error = asked(&script, &client(), &[], None).await.expect_err("no tokens");
    assert_eq!(error, Error::PublicClient { issuer: script.url.clone() });
    assert_eq!(script.targets(), Vec::<String>::new());
}

#[tokio::test]
async fn what_belongs_to_a_person_is_not_kept() {
    let body = r#"{"access_token":"t","token_type":"bearer","refresh_token":"r","refresh_expires_in":9,"id_token":"i",
        "scope":"a","expires_in":60}"#;
    let script = Script::always(json(200, body)).await;
    let tokens = asked(&script, &confidential(AuthMethod::Basic), &["openid", "a"], None).await.expect("tokens");
    assert!(tokens.refresh_token.is_none() && tokens.id_token.is_none() && tokens.refresh_expires_in.is_none());
    assert_eq!(tokens.expires_in, Some(60));
    assert_eq!(tokens.warnings, [Warning::ScopeNarrowed { missing: vec!["openid".to_owned()] }]);
}

#[tokio::test]
async fn a_refusal_says_what_it_is() {
    let script = Script::always(json(401, r#"{"error":"invalid_client"}"#)).await;
    let error = asked(&script, &confidential(AuthMethod::Basic), &[], None).await.expect_err("no tokens");
    assert_eq!(error.oauth_code(), Some("invalid_client"));
    assert_eq!(script.seen().len(), 1);
}

/// A server whose first answers are these, and then tokens.
async fn first(answers: Vec<Vec<u8>>) -> Script {
    let next = AtomicUsize::new(0);
    Script::start(move |_, _| {
        let answer = answers.get(next.fetch_add(1, Ordering::SeqCst));
        answer.cloned().unwrap_or_else(|| json(200, GOOD))
    })
    .await
}

const OF_RFC: &str = r#"{"error":"invalid_client","error_description":"unknown canary-secret"}"#;
const OF_OKTA: &str = r#"{"errorCode":"invalid_client","errorSummary":"unknown canary-secret","errorCauses":[]}"#;

#[tokio::test]
async fn a_refusal_that_may_pass_is_asked_about_once_more() {
    for body in [OF_RFC, OF_OKTA] {
        for status in [400, 401] {
            let script = first(vec![json(status, body)]).await;
            let signing = Client { key: Some(key()), method: AuthMethod::PrivateKeyJwt, ..client() };
            asked_of(&script, &signing, MISTAKEN, (&["a"], None)).await.expect("tokens");
            let forms: Vec<_> = script.seen().iter().map(Seen::form).collect();
            assert_eq!(forms.len(), 2, "{status} {body}");
            assert_ne!(forms[0], forms[1], "an assertion is good once");
            let names = |form: &[(String, String)]| form.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
            assert_eq!(names(&forms[0]), names(&forms[1]));
        }
    }
}

#[tokio::test]
async fn a_refusal_that_does_not_pass_is_told_after_the_second_try() {
    for body in [OF_RFC, OF_OKTA] {
        let script = first(vec![json(401, body); 5]).await;
        let client = Client { secret: Some(Secret::new("canary-secret")), ..confidential(AuthMethod::Post) };
        let refused = asked_of(&script, &client, MISTAKEN, (&[], None)).await;
        let error = refused.expect_err("no tokens");
        assert!(error.refuses_client() && error.oauth_code() == Some("invalid_client"), "{error}");
        assert_eq!(error.description(), Some("unknown [secret]"), "its words, without what was sent");
        assert_eq!(script.seen().len(), 2);
    }
}

#[tokio::test]
async fn what_cannot_pass_and_what_another_server_says_is_asked_once() {
    let refusals = [
        json(400, r#"{"error":"invalid_scope"}"#),
        json(400, r#"{"error":"unauthorized_client"}"#),
        json(401, ""),
        json(503, OF_RFC),
        json(429, OF_OKTA),
        reply(302, &["location: /elsewhere"], OF_RFC),
    ];
    for (habits, answers) in [(MISTAKEN, refusals.to_vec()), (STRICT, vec![json(401, OF_RFC), json(401, OF_OKTA)])] {
        for answer in answers {
            let script = first(vec![answer.clone()]).await;
            let asked = asked_of(&script, &confidential(AuthMethod::Basic), habits, (&[], None)).await;
            assert!(asked.is_err(), "{}", String::from_utf8_lossy(&answer));
            assert_eq!(script.seen().len(), 1, "{}", String::from_utf8_lossy(&answer));
        }
    }
}

#[tokio::test]
async fn another_refusal_at_the_second_try_is_the_one_that_is_told() {
    let script = first(vec![json(401, OF_OKTA), json(400, r#"{"error":"invalid_scope"}"#)]).await;
    let error =
        asked_of(&script, &confidential(AuthMethod::Basic), MISTAKEN, (&[], None)).await.expect_err("no tokens");
    assert_eq!((error.oauth_code(), script.seen().len()), (Some("invalid_scope"), 2));
}
