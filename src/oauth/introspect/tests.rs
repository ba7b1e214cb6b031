//! Introspection against scripted servers.

use super::*;
use crate::oauth::AuthMethod;
use crate::oauth::testing::{Script, confidential, http, json, pairs, reply};

async fn asked(bytes: Vec<u8>) -> (Result<bool, Error>, Script) {
    let script = Script::always(bytes).await;
    let (endpoint, token, client) =
        (script.address("/introspect"), Secret::new("the-token"), confidential(AuthMethod::Post));
    let introspection =
        Introspection { endpoint: &endpoint, issuer: "https://as.example", client: &client, token: &token, now: 0 };
    (introspect(&http(), introspection).await, script)
}

#[tokio::test]
async fn the_answer_is_yes_or_no_and_the_question_names_token_and_client() {
    for (body, expected) in [
        (r#"{"active":true,"scope":"a"}"#, true),
        (r#"{"active":false}"#, false),
        (r#"{"active":false,"sub":"alice","exp":9999999999}"#, false),
    ] {
        let (outcome, script) = asked(json(200, body)).await;
        assert_eq!(outcome, Ok(expected), "{body}");
        let expected = [
            ("token", "the-token"),
            ("token_type_hint", "access_token"),
            ("client_id", "a:b c"),
            ("client_secret", "p%+&"),
        ];
        assert_eq!(script.seen()[0].form(), pairs(&expected));
    }
}

#[tokio::test]
async fn what_is_not_a_plain_yes_or_no_is_neither() {
    for (bytes, expected) in [
        (json(200, r#"{"active":"true"}"#), "it does not say whether the token is active"),
        (json(200, r#"{"active":1}"#), "it does not say whether the token is active"),
        (json(200, "{}"), "it does not say whether the token is active"),
        (reply(200, &["content-type: text/html"], "<html>active</html>"), "something that is not JSON"),
        (json(401, r#"{"error":"invalid_client"}"#), "answered 401: `invalid_client`"),
        (json(403, ""), "answered 403"),
        (reply(302, &["location: /x"], ""), "pointed elsewhere"),
        (reply(503, &[], ""), "answered 503"),
    ] {
        let (outcome, _) = asked(bytes).await;
        let error = outcome.expect_err(expected).to_string();
        assert!(error.ends_with(expected), "{error}");
    }
}
