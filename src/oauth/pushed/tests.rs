//! Pushed requests against scripted servers (RFC 9126).

use url::Url;

use super::*;
use crate::oauth::client::{AuthMethod, Client};
use crate::oauth::error::Class;
use crate::oauth::testing::{Script, client, confidential, http, json, key, pairs, reply, server};

const NOW: i64 = 1_000_000;
const REDIRECT: &str = "http://127.0.0.1:4711/callback";
const KEPT: &str = r#"{"request_uri":"urn:ietf:params:oauth:request_uri:abc","expires_in":60}"#;

fn listed(script: &Script) -> Server {
    let endpoint = script.address("/par");
    Server { pushed_authorization_request_endpoint: Some(endpoint), requires_par: true, ..server(&script.url) }
}

async fn pushed(script: &Script, client: &Client) -> Result<Attempt, Error> {
    let server = listed(script);
    let scopes = ["openid".to_owned(), "a".to_owned()];
    let attempt = Attempt::new(&server, client, REDIRECT, &scopes, Some("https://r.example/mcp")).expect("an attempt");
    push(&http(), &server, attempt.with("prompt", "consent"), NOW).await
}

fn query(url: &Url) -> Vec<(String, String)> {
    let mut found: Vec<_> = url.query_pairs().into_owned().collect();
    found.sort();
    found
}

#[tokio::test]
async fn the_whole_request_is_pushed_and_the_browser_carries_a_reference() {
    let script = Script::always(json(201, KEPT)).await;
    let attempt = pushed(&script, &client()).await.expect("kept");
    assert_eq!(attempt.url().as_str().split('?').next(), Some(script.address("/authorize").as_str()));
    let reference = "urn:ietf:params:oauth:request_uri:abc";
    assert_eq!(query(attempt.url()), pairs(&[("client_id", "client"), ("request_uri", reference)]));
    assert_eq!(attempt.ends_at(), Some(NOW + 60));
    let seen = &script.seen()[0];
    assert_eq!((seen.line.as_str(), seen.header("authorization")), ("POST /par HTTP/1.1", None));
    let form = seen.form();
    let value = |name: &str| form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
    let expected = pairs(&[
        ("response_type", "code"),
        ("client_id", "client"),
        ("redirect_uri", REDIRECT),
        ("scope", "openid a"),
        ("state", value("state")),
        ("nonce", value("nonce")),
        ("code_challenge", value("code_challenge")),
        ("code_challenge_method", "S256"),
        ("resource", "https://r.example/mcp"),
        ("prompt", "consent"),
    ]);
    assert_eq!(form, expected);
    assert_eq!((value("state").len(), value("code_challenge").len()), (43, 43));
    assert!(!seen.body.contains(attempt.verifier.expose()), "the verifier stays here");
}

#[tokio::test]
async fn the_client_identifies_itself_as_at_the_token_endpoint_and_is_named_once() {
    let script = Script::always(json(201, KEPT)).await;
    let signing = Client { key: Some(key()), method: AuthMethod::PrivateKeyJwt, ..client() };
    for client in [confidential(AuthMethod::Basic), confidential(AuthMethod::Post), signing] {
        pushed(&script, &client).await.expect("kept");
    }
    let seen = script.seen();
    assert_eq!(seen[0].header("authorization"), Some("Basic YSUzQWIrYzpwJTI1JTJCJTI2"));
    for (seen, identity) in seen.iter().zip([vec![], vec!["client_secret"], vec!["client_assertion"]]) {
        let names: Vec<String> = seen.form().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names.iter().filter(|name| *name == "client_id").count(), 1, "{names:?}");
        for name in ["client_secret", "client_assertion"] {
            assert_eq!(names.iter().any(|found| found == name), identity.contains(&name), "{names:?}");
        }
    }
}

#[tokio::test]
async fn an_attempt_can_be_pushed_again_and_keeps_its_state() {
    let script = Script::start(|_, seen| {
        let number = seen.body.len();
        json(201, &format!(r#"{{"request_uri":"urn:x:{number}","expires_in":1}}"#))
    })
    .await;
    let first = pushed(&script, &client()).await.expect("kept");
    let second = push(&http(), &listed(&script), first, NOW + 100).await.expect("kept");
    assert_eq!(second.ends_at(), Some(NOW + 101));
    let seen = script.seen();
    assert_eq!(seen[0].form(), seen[1].form());
    assert_eq!(query(second.url()).len(), 2);
}

#[tokio::test]
async fn answers_without_a_usable_reference_are_refused() {
    for bytes in [
        json(201, "{}"),
        json(201, r#"{"request_uri":"urn:x"}"#),
        json(201, r#"{"request_uri":"urn:x","expires_in":0}"#),
        json(201, r#"{"request_uri":"urn:x","expires_in":"soon"}"#),
        json(201, r#"{"request_uri":"","expires_in":60}"#),
        json(201, r#"{"request_uri":"a b","expires_in":60}"#),
        json(201, r#"{"request_uri":"a\nb","expires_in":60}"#),
        json(201, &format!(r#"{{"request_uri":"{}","expires_in":60}}"#, "a".repeat(3000))),
        json(201, r#"{"request_uri":"urn:x","request_uri":"urn:y","expires_in":60}"#),
    ] {
        let script = Script::always(bytes.clone()).await;
        let error = pushed(&script, &client()).await.expect_err("no reference");
        assert!(matches!(error, Error::Malformed { .. }), "{error:?} {}", String::from_utf8_lossy(&bytes));
    }
}

#[tokio::test]
async fn refusals_are_those_of_both_endpoints() {
    let class = |class, code: &str| Error::AuthorizationError { class, code: code.to_owned(), description: None };
    let refused = |code: &str| json(400, &format!("{{\"error\":\"{code}\"}}"));
    for (bytes, expected) in [
        (refused("invalid_scope"), class(Class::Configuration, "invalid_scope")),
        (refused("invalid_request"), class(Class::Configuration, "invalid_request")),
        (refused("unauthorized_client"), class(Class::Configuration, "unauthorized_client")),
        (refused("access_denied"), Error::Denied { description: None }),
        (refused("something_new"), class(Class::Server, "something_new")),
    ] {
        let script = Script::always(bytes).await;
        assert_eq!(pushed(&script, &client()).await.err(), Some(expected));
        assert_eq!(script.seen().len(), 1, "sent once");
    }
    for (bytes, expected) in [
        (json(401, r#"{"error":"invalid_client"}"#), "answered 401: `invalid_client`"),
        (reply(401, &[], ""), "answered 401"),
        (reply(302, &["location: /x"], ""), "answered 302 and pointed elsewhere"),
        (reply(503, &["retry-after: 7"], ""), "answered 503"),
        (reply(405, &[], ""), "answered 405"),
        (reply(413, &[], "<html>"), "answered 413 with something that is not JSON"),
        (reply(200, &[], "<html>"), "answered 200 with something that is not JSON"),
    ] {
        let script = Script::always(bytes).await;
        let error = pushed(&script, &client()).await.expect_err("refused");
        assert!(error.to_string().ends_with(expected), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_names_no_endpoint_gets_no_request() {
    let script = Script::always(json(201, KEPT)).await;
    let server = Server { requires_par: true, ..server(&script.url) };
    let attempt = Attempt::new(&server, &client(), REDIRECT, &[], None).expect("an attempt");
    let error = push(&http(), &server, attempt, NOW).await.expect_err("no endpoint");
    assert!(matches!(error, Error::Malformed { what: "it names no endpoint for pushed requests", .. }), "{error:?}");
    assert_eq!(script.targets(), Vec::<String>::new());
}
