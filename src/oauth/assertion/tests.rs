//! What an assertion says (RFC 7523 §3).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;
use crate::oauth::testing::key;

fn told(key: &ClientKey) -> (Value, Value) {
    let signed = assertion("c", key, "https://as.example", 1000).expect("signed");
    let mut parts = signed.expose().split('.').take(2).map(|part| {
        let bytes = URL_SAFE_NO_PAD.decode(part).expect("base64url");
        serde_json::from_slice(&bytes).expect("JSON")
    });
    (parts.next().expect("a header"), parts.next().expect("claims"))
}

#[test]
fn it_names_the_client_twice_the_issuer_once_and_ends_soon() {
    let (header, mut claims) = told(&key());
    let id = claims.as_object_mut().and_then(|claims| claims.remove("jti")).expect("an id");
    assert_eq!(id.as_str().map(str::len), Some(43));
    assert_eq!(header, json!({"alg": "ES256", "typ": "JWT"}));
    assert_eq!(
        claims,
        json!({"iss": "c", "sub": "c", "aud": "https://as.example", "iat": 1000, "exp": 1000 + LIFETIME})
    );
}

#[test]
fn the_key_may_have_an_id_and_another_audience() {
    let key = ClientKey { id: Some("k1".to_owned()), audience: Some("https://as.example/token".to_owned()), ..key() };
    let (header, claims) = told(&key);
    assert_eq!((&header["kid"], &claims["aud"]), (&json!("k1"), &json!("https://as.example/token")));
}

#[test]
fn no_two_have_the_same_id() {
    assert_ne!(told(&key()).1["jti"], told(&key()).1["jti"]);
}
