//! What a proof holds and does not hold, how nonces travel, and the answers to a token request that came with one.

use std::sync::Arc;

use super::*;
use crate::http::Http;
use crate::oauth::jwks::{Jws, KeySet};
use crate::oauth::refresh::{Refresh, RefreshError, refresh};
use crate::oauth::testing::{Script, Seen, client, http, json as answer, reply, server};
use crate::oauth::token::exchange;
use crate::oauth::{Attempt, json};

const NOW: i64 = 1_800_000_000;

fn url(text: &str) -> Url {
    Url::parse(text).expect("an address")
}

/// Header and claims of a proof whose signature was checked with the key that it shows.
fn read(proof: &str) -> (Map<String, Value>, Map<String, Value>) {
    let encoded = proof.split('.').next().expect("a header");
    let header = json::object(&URL_SAFE_NO_PAD.decode(encoded).expect("base64url")).expect("an object");
    let jws = Jws::read(proof).expect("a token");
    let keys = serde_json::json!({ "keys": [header["jwk"]] });
    let keys = KeySet::read(keys.as_object().expect("an object")).expect("a set");
    assert_eq!(jws.check(&keys, Some(&["ES256".to_owned()])), Ok(()));
    (header, jws.unverified().clone())
}

fn text(header: &HeaderValue) -> &str {
    header.to_str().expect("a text")
}

fn at_service<'a>(url: &'a Url, token: &'a Secret) -> Request<'a> {
    Request { method: "GET", url, access_token: Some(token), now: NOW }
}

#[test]
fn a_proof_holds_the_request_and_nothing_else() {
    let key = Key::generate().expect("a key");
    let (at, token) =
        (url("https://r.example:8443/a/b?secret=1#f"), Secret::new("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"));
    let (header, mut claims) = read(text(&key.header(at_service(&at, &token)).expect("a proof")));
    assert_eq!(header["typ"], "dpop+jwt");
    assert_eq!(header["alg"], "ES256");
    let members: Vec<&str> = header["jwk"].as_object().expect("a key").keys().map(String::as_str).collect();
    assert_eq!(members, ["crv", "kty", "x", "y"], "never the private half");
    assert_eq!(header.len(), 3);
    let jti = claims.remove("jti").expect("an id");
    assert_eq!(jti.as_str().map(str::len), Some(43));
    // RFC 9449 §7.1: the hash of this very token.
    let expected = serde_json::json!({
        "htm": "GET", "htu": "https://r.example:8443/a/b", "iat": NOW, "ath": "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo",
    });
    assert_eq!(Value::Object(claims), expected);

    let endpoint = url("https://as.example/token");
    let (_, claims) = read(text(&Proof::header(&key, &endpoint, NOW).expect("a proof")));
    assert_eq!((&claims["htm"], &claims["htu"]), (&"POST".into(), &"https://as.example/token".into()));
    assert!(!claims.contains_key("ath") && !claims.contains_key("nonce"));
}

#[test]
fn no_proof_comes_twice() {
    let (key, at, token) = (Key::generate().expect("a key"), url("https://r.example/"), Secret::new("t"));
    let ids: std::collections::BTreeSet<String> = (0..50)
        .map(|_| read(text(&key.header(at_service(&at, &token)).expect("a proof"))).1["jti"].to_string())
        .collect();
    assert_eq!(ids.len(), 50);
}

#[test]
fn a_key_is_the_same_after_the_store_and_another_for_another_grant() {
    let key = Key::generate().expect("a key");
    let again = Key::of_secret(key.secret()).expect("a key");
    assert_eq!(again.thumbprint(), key.thumbprint());
    let header = Proof::header(&again, &url("https://as.example/token"), NOW).expect("a proof");
    let (header, _) = read(text(&header));
    let shown = Jwk::read(header["jwk"].as_object().expect("a key")).expect("a key");
    assert_eq!(shown.thumbprint(), key.thumbprint());
    assert_ne!(Key::generate().expect("a key").thumbprint(), key.thumbprint());
    assert!(Key::of_secret(&Secret::new("nonsense")).is_err());
}

#[test]
fn neither_key_nor_proof_is_shown() {
    let key = Key::generate().expect("a key");
    let header = Proof::header(&key, &url("https://as.example/token"), NOW).expect("a proof");
    let shown = format!("{key:?} {header:?}");
    let body = key.secret().expose().lines().nth(1).expect("a line");
    assert!(!shown.contains(body) && !shown.contains("eyJ"), "{shown}");
}

#[test]
fn a_nonce_stays_with_the_origin_that_gave_it() {
    let key = Key::generate().expect("a key");
    let nonce = |at: &str| read(text(&Proof::header(&key, &url(at), NOW).expect("a proof"))).1.get("nonce").cloned();
    key.take_nonce(&url("https://as.example/token"), "one");
    key.take_nonce(&url("https://r.example/mcp"), "two");
    assert_eq!(nonce("https://as.example/other"), Some("one".into()));
    assert_eq!(nonce("https://r.example/"), Some("two".into()));
    for other in ["https://as.example:444/token", "http://as.example/token", "https://evil.example/"] {
        assert_eq!(nonce(other), None, "{other}");
    }
    key.take_nonce(&url("https://as.example/token"), "three");
    assert_eq!(nonce("https://as.example/token"), Some("three".into()));
    for bad in ["", "a b", "a\"b", "a\\b", "\u{e9}", &"n".repeat(1025)] {
        key.take_nonce(&url("https://as.example/token"), bad);
        assert_eq!(nonce("https://as.example/token"), Some("three".into()), "{bad:?}");
    }
    for number in 0..100 {
        key.take_nonce(&url(&format!("https://o{number}.example/")), "n");
    }
    assert_eq!(key.nonces().len(), MOST_ORIGINS);
    assert_eq!(nonce("https://as.example/token"), Some("three".into()));
}

fn attempt(base: &str, key: &Arc<Key>) -> Attempt {
    let attempt = Attempt::new(&server(base), &client(), "http://127.0.0.1:1/callback", &[], None).expect("an attempt");
    attempt.bound(Arc::clone(key))
}

async fn traded(http: &Http, script: &Script, key: &Arc<Key>) -> Result<Tokens, Error> {
    exchange(http, &attempt(&script.url, key), &Secret::new("code"), NOW).await
}

const BOUND: &str = r#"{"access_token":"t","token_type":"DPoP"}"#;
const BEARER: &str = r#"{"access_token":"t","token_type":"Bearer"}"#;

fn proof_of(seen: &Seen) -> Map<String, Value> {
    assert_eq!(seen.headers.iter().filter(|(name, _)| name == "dpop").count(), 1, "exactly one proof");
    read(seen.header("dpop").expect("a proof")).1
}

#[test]
fn the_authorization_request_names_the_key_once() {
    let key = Arc::new(Key::generate().expect("a key"));
    let attempt = attempt("https://as.example", &key).with("dpop_jkt", "mine");
    let named: Vec<String> = attempt
        .url()
        .query_pairs()
        .filter(|(name, _)| name == "dpop_jkt")
        .map(|(_, value)| value.into_owned())
        .collect();
    assert_eq!(named, [key.thumbprint()]);
}

#[tokio::test]
async fn the_token_request_comes_with_a_proof_and_tells_a_bound_token_from_another() {
    let key = Arc::new(Key::generate().expect("a key"));
    for (body, expected) in [(BOUND, (TokenType::Dpop, vec![])), (BEARER, (TokenType::Bearer, vec![Warning::NotBound]))]
    {
        let script = Script::always(answer(200, body)).await;
        let tokens = traded(&http(), &script, &key).await.expect("tokens");
        assert_eq!((tokens.token_type, tokens.warnings), expected, "{body}");
        let claims = proof_of(&script.seen()[0]);
        assert_eq!(claims["htu"], script.address("/token").as_str());
        assert_eq!((&claims["htm"], &claims["iat"]), (&"POST".into(), &NOW.into()));
    }
}

#[tokio::test]
async fn a_nonce_that_the_server_wants_is_sent_once_more_and_kept() {
    let key = Arc::new(Key::generate().expect("a key"));
    let script = Script::start(|_, seen| {
        match read(seen.header("dpop").expect("a proof")).1.get("nonce").and_then(Value::as_str) {
            Some("wanted") => reply(200, &["dpop-nonce: next"], BOUND),
            Some("next") => answer(200, BOUND),
            _ => reply(400, &["dpop-nonce: wanted"], r#"{"error":"use_dpop_nonce"}"#),
        }
    })
    .await;
    let http = http();
    assert!(traded(&http, &script, &key).await.is_ok());
    assert_eq!(script.seen().len(), 2);
    // The nonce of the success is the one for the next request, which needs no second try.
    assert!(traded(&http, &script, &key).await.is_ok());
    assert_eq!(script.seen().len(), 3);
    let ids: Vec<Value> = script.seen().iter().map(|seen| proof_of(seen)["jti"].clone()).collect();
    assert!(ids[0] != ids[1] && ids[1] != ids[2], "each try has a proof of its own");
}

#[tokio::test]
async fn a_server_that_never_has_enough_of_nonces_is_asked_twice() {
    let key = Arc::new(Key::generate().expect("a key"));
    for bytes in [
        reply(400, &["dpop-nonce: again"], r#"{"error":"use_dpop_nonce"}"#),
        reply(401, &["dpop-nonce: again"], r#"{"error":"use_dpop_nonce"}"#),
    ] {
        let script = Script::always(bytes).await;
        let outcome = traded(&http(), &script, &key).await;
        assert_eq!(
            outcome.err().and_then(|error| error.oauth_code().map(String::from)).as_deref(),
            Some("use_dpop_nonce")
        );
        assert_eq!(script.seen().len(), 2);
    }
    // Another error is no wish for a nonce, whatever header comes with it: the code would be sent twice.
    let script = Script::always(reply(400, &["dpop-nonce: x"], r#"{"error":"invalid_grant"}"#)).await;
    assert!(traded(&http(), &script, &key).await.is_err());
    assert_eq!(script.seen().len(), 1);
}

#[tokio::test]
async fn a_renewal_proves_the_same_key() {
    let key = Key::generate().expect("a key");
    let renew = |script: &Script| {
        let (endpoint, issuer) = (script.address("/token"), script.url.clone());
        let key = Key::of_secret(key.secret()).expect("a key");
        async move {
            let (client, token) = (client(), Secret::new("r"));
            let request = Refresh {
                token_endpoint: &endpoint,
                issuer: &issuer,
                client: &client,
                refresh_token: &token,
                resource: None,
                scope: None,
                key: Some(&key),
                now: NOW,
            };
            refresh(&http(), request).await
        }
    };
    let script = Script::always(answer(200, BOUND)).await;
    assert_eq!(renew(&script).await.map(|tokens| tokens.token_type).ok(), Some(TokenType::Dpop));
    let shown = script.seen()[0].header("dpop").map(|proof| {
        let (header, _) = read(proof);
        Jwk::read(header["jwk"].as_object().expect("a key")).expect("a key").thumbprint()
    });
    assert_eq!(shown.as_deref(), Some(key.thumbprint()));
    let script = Script::always(answer(200, BEARER)).await;
    let tokens = renew(&script).await.expect("tokens");
    assert_eq!((tokens.token_type, tokens.warnings), (TokenType::Bearer, vec![Warning::NotBound]));
    let script = Script::always(answer(400, r#"{"error":"invalid_dpop_proof"}"#)).await;
    assert!(matches!(renew(&script).await, Err(RefreshError::Protocol(_))), "the grant stays");
}

#[test]
fn a_server_without_our_algorithm_is_told_apart() {
    let mut server = server("https://as.example");
    assert_eq!(server.binds_tokens(), Ok(()), "it does not say");
    server.dpop_algorithms = vec!["RS256".to_owned(), "ES256".to_owned()];
    assert_eq!(server.binds_tokens(), Ok(()));
    server.dpop_algorithms = vec!["RS256".to_owned()];
    assert!(matches!(server.binds_tokens(), Err(Error::Insists { .. })));
}

proptest::proptest! {
    #[test]
    fn a_proof_is_good_for_one_address_only(path in "[a-z/]{0,20}", query in "[a-z=&]{0,20}") {
        let key = Key::generate().expect("a key");
        let at = url(&format!("https://r.example/{path}?{query}"));
        let (_, claims) = read(text(&key.header(at_service(&at, &Secret::new("t"))).expect("a proof")));
        let expected = format!("https://r.example{}", at.path());
        proptest::prop_assert_eq!(claims["htu"].as_str(), Some(expected.as_str()));
    }

    #[test]
    fn any_nonce_leaves_a_proof_that_can_be_sent(nonce in ".{0,40}") {
        let key = Key::generate().expect("a key");
        let at = url("https://as.example/token");
        key.take_nonce(&at, &nonce);
        proptest::prop_assert!(Proof::header(&key, &at, NOW).is_ok());
    }
}
