//! Client credentials against scripted servers (RFC 6749 §4.4).

use super::*;
use crate::oauth::testing::{Script, client, confidential, http, json, key, pairs};
use crate::oauth::token::Warning;

async fn asked(script: &Script, client: &Client, scopes: &[&str], resource: Option<&str>) -> Result<Tokens, Error> {
    let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    let token_endpoint = &script.address("/token");
    let issuer = script.url.as_str();
    let (binding, audience, habits) = (None, None, Habits::default());
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
