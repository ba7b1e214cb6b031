//! Who asks, in which form, and how often.

use std::sync::Mutex;

use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;
use crate::oauth::testing::{Script, client, confidential, http, json, key, pairs, reply};

const GRANTED: &str = r#"{"access_token":"t","token_type":"DPoP"}"#;

/// A key that notes every nonce it was given and says which proof it is.
#[derive(Default)]
struct Key {
    nonces: Mutex<Vec<String>>,
    proofs: Mutex<u32>,
}

impl Proof for Key {
    fn header(&self, url: &Url, now: i64) -> Result<HeaderValue, Error> {
        let mut proofs = self.proofs.lock().expect("no panic");
        *proofs += 1;
        let nonce = self.nonces.lock().expect("no panic").last().cloned().unwrap_or_default();
        HeaderValue::from_str(&format!("{proofs} {} {now} {nonce}", url.path())).map_err(|_| Error::NoRandom)
    }

    fn take_nonce(&self, _: &Url, nonce: &str) {
        self.nonces.lock().expect("no panic").push(nonce.to_owned());
    }
}

async fn asked(script: &Script, client: &Client, proof: Option<&dyn Proof>) -> Result<Tokens, Error> {
    let (http, url) = (http(), script.address("/token"));
    let endpoint = Endpoint { http: &http, url: &url, client, issuer: &script.url, now: 7, proof };
    endpoint.tokens(&[("grant_type", "x"), ("empty", "")]).await
}

#[tokio::test]
async fn the_header_is_that_of_the_standard_and_is_never_shown() {
    let value = basic("a:b c", &Secret::new("p%+&")).expect("a header");
    assert_eq!(value.to_str().ok(), Some("Basic YSUzQWIrYzpwJTI1JTJCJTI2"));
    assert_eq!(format!("{value:?}"), "Sensitive");
}

#[tokio::test]
async fn the_form_holds_the_callers_members_and_the_identity() {
    let script = Script::always(json(200, r#"{"access_token":"t"}"#)).await;
    for client in [client(), confidential(AuthMethod::Basic), confidential(AuthMethod::Post)] {
        asked(&script, &client, None).await.expect("tokens");
    }
    let own = [("grant_type", "x"), ("empty", "")];
    let forms: Vec<_> = script.seen().iter().map(|seen| seen.form()).collect();
    assert_eq!(forms[0], pairs(&[own[0], own[1], ("client_id", "client")]));
    assert_eq!(forms[1], pairs(&own));
    assert_eq!(forms[2], pairs(&[own[0], own[1], ("client_id", "a:b c"), ("client_secret", "p%+&")]));
}

#[tokio::test]
async fn an_assertion_is_addressed_to_the_issuer_and_never_sent_twice() {
    let script = Script::always(json(200, r#"{"access_token":"t"}"#)).await;
    let client = Client { key: Some(key()), method: AuthMethod::PrivateKeyJwt, ..client() };
    for _ in 0..2 {
        asked(&script, &client, None).await.expect("tokens");
    }
    let seen = script.seen();
    let names: Vec<_> = seen[0].form().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["client_assertion", "client_assertion_type", "client_id", "empty", "grant_type"]);
    let (one, other) = (&seen[0].form()[0].1, &seen[1].form()[0].1);
    assert_ne!(one, other);
    let claims = URL_SAFE_NO_PAD.decode(one.split('.').nth(1).expect("claims")).expect("base64url");
    let claims: serde_json::Value = serde_json::from_slice(&claims).expect("JSON");
    assert_eq!((claims["aud"].as_str(), claims["iat"].as_i64()), (Some(script.url.as_str()), Some(7)));
}

#[tokio::test]
async fn a_proof_is_made_anew_for_the_nonce_that_the_server_wants_and_once_only() {
    let wants = r#"{"error":"use_dpop_nonce"}"#;
    let script = Script::always(reply(400, &["dpop-nonce: n1"], wants)).await;
    let key = Key::default();
    let error = asked(&script, &client(), Some(&key)).await.expect_err("no tokens");
    assert_eq!(error.oauth_code(), Some("use_dpop_nonce"));
    let proofs: Vec<_> = script.seen().iter().filter_map(|seen| seen.header("dpop").map(String::from)).collect();
    assert_eq!(proofs, ["1 /token 7 ", "2 /token 7 n1"]);
}

#[tokio::test]
async fn a_nonce_of_any_answer_is_kept_and_only_a_refusal_for_its_sake_is_repeated() {
    for (status, nonce, body, nonces) in [
        (200, "dpop-nonce: n1", GRANTED, 1),
        (400, "dpop-nonce: n1", r#"{"error":"invalid_grant"}"#, 1),
        (500, "dpop-nonce: n1", r#"{"error":"use_dpop_nonce"}"#, 1),
        (400, "x-other: n1", r#"{"error":"use_dpop_nonce"}"#, 0),
    ] {
        let script = Script::always(reply(status, &[nonce], body)).await;
        let key = Key::default();
        let _ = asked(&script, &client(), Some(&key)).await;
        assert_eq!((script.seen().len(), key.nonces.lock().expect("no panic").len()), (1, nonces), "{status} {body}");
    }
}

#[tokio::test]
async fn without_a_key_there_is_no_proof_no_second_request_and_no_bound_token() {
    let script = Script::always(reply(400, &["dpop-nonce: n1"], r#"{"error":"use_dpop_nonce"}"#)).await;
    assert!(asked(&script, &client(), None).await.is_err());
    assert_eq!(script.seen().len(), 1);
    assert_eq!(script.seen()[0].header("dpop"), None);
    let script = Script::always(json(200, GRANTED)).await;
    assert!(matches!(asked(&script, &client(), None).await, Err(Error::Malformed { .. })));
    let bound = asked(&script, &client(), Some(&Key::default())).await.expect("tokens");
    assert_eq!(bound.token_type, token::TokenType::Dpop);
}

#[tokio::test]
async fn a_refusal_loses_what_it_repeats_of_the_request() {
    for status in [200, 400, 401, 403] {
        for client in [confidential(AuthMethod::Basic), confidential(AuthMethod::Post)] {
            let script = Script::start(move |_, seen| {
                let header = seen.header("authorization").unwrap_or_default();
                let said = format!("{header} {}", seen.body);
                json(status, &format!(r#"{{"error":"invalid_request","error_description":"{said}"}}"#))
            })
            .await;
            let (http, url) = (http(), script.address("/token"));
            let client = Client { secret: Some(Secret::new("canary%+&secret")), ..client };
            let endpoint =
                Endpoint { http: &http, url: &url, client: &client, issuer: &script.url, now: 7, proof: None };
            let form = [("grant_type", "x"), ("code", "canary/of+the=code"), ("odd", "canary-of-another")];
            let error = endpoint.tokens(&form).await.expect_err("refused").to_string();
            assert!(error.contains("grant_type=x") && error.contains("[secret]"), "{error}");
            assert!(!error.contains("canary") && !error.contains("Y2FuYXJ5"), "{error}");
        }
    }
}
