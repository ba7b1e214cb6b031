//! Renewal against scripted servers: what is sent, and which class each answer falls into.

use super::*;
use crate::oauth::client::AuthMethod;
use crate::oauth::testing::{Script, client, confidential, http, json, pairs, reply};

async fn renewed(script: &Script, resource: Option<&str>, scope: Option<&[String]>) -> Result<Tokens, RefreshError> {
    let renewal = Refresh {
        token_endpoint: &script.address("/token"),
        issuer: "https://as.example",
        key: None,
        now: 0,
        client: &client(),
        refresh_token: &Secret::new("the-token"),
        resource,
        scope,
    };
    refresh(&http(), renewal).await
}

#[tokio::test]
async fn the_request_holds_these_fields_and_no_others() {
    let script =
        Script::always(json(200, r#"{"access_token":"t","token_type":"bearer","refresh_token":"next"}"#)).await;
    renewed(&script, None, None).await.expect("tokens");
    let scopes = ["a".to_owned(), "b".to_owned()];
    let tokens = renewed(&script, Some("https://r.example"), Some(&scopes)).await.expect("tokens");
    assert!(tokens.refresh_token.is_some_and(|token| token.matches("next")));
    let basic = pairs(&[("grant_type", "refresh_token"), ("refresh_token", "the-token"), ("client_id", "client")]);
    let more = pairs(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", "the-token"),
        ("client_id", "client"),
        ("resource", "https://r.example"),
        ("scope", "a b"),
    ]);
    let forms: Vec<_> = script.seen().iter().map(|seen| seen.form()).collect();
    assert_eq!(forms, [basic, more]);
}

#[tokio::test]
async fn a_confidential_client_identifies_itself_as_at_login() {
    let script = Script::always(json(200, r#"{"access_token":"t","token_type":"bearer"}"#)).await;
    let renewal = Refresh {
        token_endpoint: &script.address("/token"),
        issuer: "https://as.example",
        key: None,
        now: 0,
        client: &confidential(AuthMethod::Basic),
        refresh_token: &Secret::new("the-token"),
        resource: None,
        scope: None,
    };
    let tokens = refresh(&http(), renewal).await.expect("tokens");
    assert!(tokens.refresh_token.is_none());
    let seen = script.seen();
    assert_eq!(seen[0].header("authorization"), Some("Basic YSUzQWIrYzpwJTI1JTJCJTI2"));
    assert_eq!(seen[0].form(), pairs(&[("grant_type", "refresh_token"), ("refresh_token", "the-token")]));
}

#[tokio::test]
async fn every_failure_has_its_class() {
    let error = |code: &str| json(400, &format!("{{\"error\":\"{code}\"}}"));
    for (bytes, expected) in [
        (error("invalid_grant"), "definitive"),
        (json(401, r#"{"error":"invalid_grant"}"#), "definitive"),
        (error("interaction_required"), "definitive"),
        (error("consent_required"), "definitive"),
        (error("login_required"), "definitive"),
        (json(200, r#"{"error":"bad_refresh_token"}"#), "definitive"),
        (error("invalid_client"), "client"),
        (error("unauthorized_client"), "client"),
        (json(401, ""), "client"),
        (reply(401, &[], "<html>"), "client"),
        (error("invalid_scope"), "configuration"),
        (error("invalid_target"), "configuration"),
        (error("invalid_request"), "configuration"),
        (error("unsupported_grant_type"), "configuration"),
        (json(404, ""), "configuration"),
        (error("temporarily_unavailable"), "transient None"),
        (error("server_error"), "transient None"),
        (json(408, ""), "transient None"),
        (json(425, ""), "transient None"),
        (json(407, ""), "transient None"),
        (reply(429, &["retry-after: 7"], ""), "transient Some(7s)"),
        (reply(503, &["retry-after: 86400"], "<html>"), "transient Some(600s)"),
        (json(500, r#"{"error":"invalid_grant"}"#), "transient None"),
        (reply(200, &["content-type: text/html"], "<html>portal</html>"), "transient None"),
        (reply(403, &["content-type: text/html"], "<html>portal</html>"), "transient None"),
        (json(200, "{}"), "transient None"),
        (json(200, r#"{"access_token":"a\n"}"#), "transient None"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_vec(), "transient None"),
        (b"".to_vec(), "transient None"),
        (error("something_new"), "protocol"),
        (json(400, "{}"), "protocol"),
        (reply(307, &["location: https://evil.example/"], ""), "protocol"),
        (json(200, &" ".repeat(2 << 20)), "protocol"),
    ] {
        let script = Script::always(bytes.clone()).await;
        let class = match renewed(&script, None, None).await.expect_err("no tokens") {
            RefreshError::Definitive(_) => "definitive".to_owned(),
            RefreshError::Client(_) => "client".to_owned(),
            RefreshError::Configuration(_) => "configuration".to_owned(),
            RefreshError::Transient { retry_after, .. } => format!("transient {retry_after:?}"),
            RefreshError::Protocol(_) => "protocol".to_owned(),
        };
        let shown: String = String::from_utf8_lossy(&bytes).chars().take(200).collect();
        assert_eq!(class, expected, "{shown}");
        assert_eq!(script.seen().len(), 1, "sent once: {shown}");
    }
}

#[tokio::test]
async fn nobody_listening_is_transient() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}/token", listener.local_addr().expect("an address"));
    drop(listener);
    let renewal = Refresh {
        token_endpoint: &Url::parse(&address).expect("an address"),
        issuer: "https://as.example",
        key: None,
        now: 0,
        client: &client(),
        refresh_token: &Secret::new("the-token"),
        resource: None,
        scope: None,
    };
    let error = refresh(&http(), renewal).await.expect_err("no tokens");
    assert!(matches!(error.cause(), Error::Network(http::Error::Connect { .. })), "{error:?}");
    assert!(matches!(error, RefreshError::Transient { retry_after: None, .. }), "{error:?}");
}
