//! Revocation against scripted servers.

use super::*;
use crate::oauth::testing::{Script, Seen, client, confidential, http, json, pairs, reply};

async fn revoked(script: &Script, client: &Client, kind: Kind) -> Result<(), Error> {
    let (endpoint, token) = (script.address("/revoke"), Secret::new("the-token"));
    revoke(
        &http(),
        Revocation { endpoint: &endpoint, issuer: "https://as.example", client, token: &token, kind, now: 0 },
    )
    .await
}

#[tokio::test]
async fn the_request_names_the_token_and_the_client() {
    let script = Script::always(reply(200, &[], "whatever")).await;
    assert_eq!(revoked(&script, &client(), Kind::Refresh).await, Ok(()));
    assert_eq!(revoked(&script, &confidential(AuthMethod::Post), Kind::Access).await, Ok(()));
    assert_eq!(revoked(&script, &confidential(AuthMethod::Basic), Kind::Access).await, Ok(()));
    let seen = script.seen();
    let forms: Vec<_> = seen.iter().map(Seen::form).collect();
    let token = ("token", "the-token");
    let expected = [
        pairs(&[token, ("token_type_hint", "refresh_token"), ("client_id", "client")]),
        pairs(&[token, ("token_type_hint", "access_token"), ("client_id", "a:b c"), ("client_secret", "p%+&")]),
        pairs(&[token, ("token_type_hint", "access_token")]),
    ];
    assert_eq!(forms, expected);
    let headers: Vec<_> = seen.iter().map(|seen| seen.header("authorization")).collect();
    assert_eq!(headers, [None, None, Some("Basic YSUzQWIrYzpwJTI1JTJCJTI2")]);
}

#[tokio::test]
async fn a_server_that_insists_on_a_secret_gets_an_empty_one_from_a_public_client() {
    let script = Script::start(|_, seen| match seen.body.contains("client_secret=") {
        true => reply(200, &[], ""),
        false => json(401, r#"{"error":"invalid_client"}"#),
    })
    .await;
    assert_eq!(revoked(&script, &client(), Kind::Refresh).await, Ok(()));
    assert_eq!(script.seen().len(), 2);
}

#[tokio::test]
async fn failures_say_what_they_are_and_are_not_repeated_without_end() {
    for (bytes, client, expected, sent) in [
        (json(400, r#"{"error":"unsupported_token_type"}"#), client(), "answered 400: `unsupported_token_type`", 2),
        (json(401, ""), confidential(AuthMethod::Basic), "answered 401", 1),
        (reply(503, &[], ""), client(), "answered 503", 1),
        (reply(302, &["location: /x"], ""), client(), "answered 302 and pointed elsewhere", 1),
        (reply(404, &[], ""), client(), "answered 404", 1),
    ] {
        let script = Script::always(bytes).await;
        let error = revoked(&script, &client, Kind::Refresh).await.expect_err("a failure");
        assert!(error.to_string().ends_with(expected), "{error}");
        assert_eq!(script.seen().len(), sent, "{expected}");
    }
}
