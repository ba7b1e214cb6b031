//! Signatures made by an independent library, keys in every bad shape, and forgeries.

use proptest::prelude::{Strategy as _, any, prop_assert, prop_assert_eq};
use serde_json::json as value;

use super::*;
use crate::oauth::testing::{Signer, encode};

/// Keys and one token for each algorithm, signed by PyJWT.
const VECTORS: &str = include_str!("vectors.json");

fn vectors() -> Map<String, Value> {
    json::object(VECTORS.as_bytes()).expect("an object")
}

fn keys() -> KeySet {
    KeySet::read(&vectors()).expect("a set")
}

fn tokens() -> Vec<(String, String)> {
    let vectors = vectors();
    let tokens = vectors["tokens"].as_object().expect("tokens");
    tokens.iter().map(|(alg, token)| (alg.clone(), token.as_str().expect("a text").to_owned())).collect()
}

/// The public key of that name, as published.
fn published(kid: &str) -> Map<String, Value> {
    let vectors = vectors();
    let keys = vectors["keys"].as_array().expect("keys");
    keys.iter().find(|key| key["kid"] == kid).and_then(Value::as_object).expect("a key").clone()
}

fn check(token: &str, keys: &KeySet) -> Result<(), Refusal> {
    Jws::read(token).expect("a token").check(keys, None)
}

/// The token with another header, its claims and signature untouched.
fn with_header(token: &str, header: &Value) -> String {
    let (_, rest) = token.split_once('.').expect("a token");
    format!("{}.{rest}", encode(header))
}

fn set(keys: &[Value]) -> KeySet {
    KeySet::read(value!({ "keys": keys }).as_object().expect("an object")).expect("a set")
}

#[test]
fn tokens_of_an_independent_library_are_accepted_in_every_algorithm() {
    let tokens = tokens();
    assert_eq!(tokens.len(), 9);
    for (alg, token) in tokens {
        assert_eq!(check(&token, &keys()), Ok(()), "{alg}");
        let jws = Jws::read(&token).expect("a token");
        assert_eq!(jws.unverified()["alg"], *alg);
        // The server's own list is as binding as ours.
        assert_eq!(jws.check(&keys(), Some(std::slice::from_ref(&alg))), Ok(()), "{alg}");
        assert_eq!(jws.check(&keys(), Some(&["XX256".to_owned()])), Err(Refusal::Algorithm), "{alg}");
    }
}

#[test]
fn a_key_signs_for_nobody_else() {
    for (alg, token) in tokens() {
        let kid = Jws::read(&token).expect("a token").kid.expect("a name");
        // Another key under the same name.
        let other = match kid.as_str() {
            "p256" => Signer::new().jwk("p256"),
            _ => Value::Object(Map::from_iter(published(&kid).into_iter().map(|(name, member)| {
                match (name.as_str(), member.as_str()) {
                    ("n" | "x", Some(text)) => (name, value!(changed(text))),
                    _ => (name, member),
                }
            }))),
        };
        assert_eq!(check(&token, &set(&[other])), Err(Refusal::Signature), "{alg}");
    }
}

/// The same text with one character in its middle changed.
fn changed(text: &str) -> String {
    let middle = text.len() / 2;
    let other = |(at, c)| if at == middle { if c == 'A' { 'B' } else { 'A' } } else { c };
    text.chars().enumerate().map(other).collect()
}

#[test]
fn an_algorithm_that_is_no_signature_is_refused() {
    let (_, token) = tokens().into_iter().find(|(alg, _)| alg == "RS256").expect("a token");
    for alg in ["none", "None", "NONE", "nOnE", "HS256", "HS384", "HS512", "RS1", "ES256K", "dir", "", "rs256"] {
        let forged = with_header(&token, &value!({"alg": alg, "kid": "rsa"}));
        assert_eq!(check(&forged, &keys()), Err(Refusal::Algorithm), "{alg}");
        let listed = [alg.to_owned()];
        let jws = Jws::read(&forged).expect("a token");
        assert_eq!(jws.check(&keys(), Some(&listed)), Err(Refusal::Algorithm), "the server lists {alg}");
    }
    let unsigned = format!("{}.{}.", encode(&value!({"alg": "ES256"})), encode(&value!({})));
    assert!(Jws::read(&unsigned).expect("a token").is_unsigned());
    assert_eq!(check(&unsigned, &keys()), Err(Refusal::Signature));
}

#[test]
fn a_public_key_is_no_hmac_secret() {
    use ring::hmac;
    let token = format!("{}.{}", encode(&value!({"alg": "HS256", "kid": "rsa"})), encode(&value!({"sub": "mallory"})));
    let modulus = published("rsa")["n"].as_str().expect("a text").to_owned();
    for secret in [modulus.clone().into_bytes(), URL_SAFE_NO_PAD.decode(modulus).expect("bytes")] {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), token.as_bytes());
        let forged = format!("{token}.{}", URL_SAFE_NO_PAD.encode(tag));
        assert_eq!(check(&forged, &keys()), Err(Refusal::Algorithm));
    }
}

#[test]
fn a_key_is_found_by_its_name_and_no_other_is_tried() {
    let (one, another) = (Signer::new(), Signer::new());
    let both = set(&[one.jwk("one"), another.jwk("another")]);
    let token = |kid: Value| one.sign(&value!({"alg": "ES256", "kid": kid}), &value!({}));
    assert_eq!(check(&token(value!("one")), &both), Ok(()));
    assert_eq!(check(&token(value!("another")), &both), Err(Refusal::Signature));
    for unknown in ["One", "one ", "", "../one", "three"] {
        assert_eq!(check(&token(value!(unknown)), &both), Err(Refusal::UnknownKey), "{unknown:?}");
    }
    // A name that is no text could mean anything.
    for odd in [value!(1), value!(null), value!(["one"])] {
        assert!(Jws::read(&token(odd.clone())).is_none(), "{odd}");
    }
    let nameless = one.sign(&value!({"alg": "ES256"}), &value!({}));
    assert_eq!(check(&nameless, &both), Err(Refusal::UnknownKey), "two keys would have to be tried");
    assert_eq!(check(&nameless, &set(&[one.jwk("one")])), Ok(()));
    assert_eq!(check(&nameless, &KeySet::default()), Err(Refusal::UnknownKey));
}

#[test]
fn one_name_on_two_kinds_of_keys_is_no_confusion() {
    let (alg, token) = tokens().into_iter().find(|(alg, _)| alg == "EdDSA").expect("a token");
    let mut same_name = published("p256");
    same_name.insert("kid".to_owned(), value!("ed"));
    let both = set(&[Value::Object(same_name.clone()), Value::Object(published("ed"))]);
    assert_eq!(check(&token, &both), Ok(()), "{alg}");
    assert_eq!(check(&token, &set(&[Value::Object(same_name)])), Err(Refusal::Signature));
}

#[test]
fn a_key_is_used_for_its_own_algorithm_only() {
    let (_, token) = tokens().into_iter().find(|(alg, _)| alg == "RS256").expect("a token");
    let with = |name: &str, member: Value| {
        let mut key = published("rsa");
        key.insert(name.to_owned(), member);
        check(&token, &set(&[Value::Object(key)]))
    };
    assert_eq!(with("alg", value!("RS256")), Ok(()));
    assert_eq!(with("alg", value!("PS256")), Err(Refusal::Signature));
    assert_eq!(with("key_ops", value!(["verify"])), Ok(()));
    for (name, member) in [
        ("alg", value!("ES256")),
        ("alg", value!("HS256")),
        ("alg", value!(7)),
        ("use", value!("enc")),
        ("use", value!(null)),
        ("key_ops", value!(["encrypt"])),
        ("key_ops", value!("verify")),
        ("kid", value!(7)),
        ("d", value!("AQAB")),
        ("kty", value!("oct")),
        ("crv", value!("P-256")),
    ] {
        assert_eq!(with(name, member.clone()), Err(Refusal::UnknownKey), "{name} {member}");
    }
}

#[test]
fn a_key_that_is_not_exactly_of_its_form_is_left_out() {
    for kid in ["p256", "p384", "ed", "rsa"] {
        assert!(Jwk::read(&published(kid)).is_some(), "{kid}");
        for name in ["x", "y", "n", "e"] {
            let Some(text) = published(kid).get(name).and_then(Value::as_str).map(String::from) else { continue };
            for bad in [String::new(), format!("{text}="), format!("{text} "), format!("AA{text}"), "!".to_owned()] {
                let mut key = published(kid);
                key.insert(name.to_owned(), value!(bad));
                assert_eq!(Jwk::read(&key), None, "{kid} {name} {bad:?}");
            }
            let mut key = published(kid);
            key.remove(name);
            assert_eq!(Jwk::read(&key), None, "{kid} without {name}");
        }
        let mut key = published(kid);
        key.insert("kty".to_owned(), value!("ec"));
        assert_eq!(Jwk::read(&key), None, "{kid}");
    }
}

#[test]
fn what_is_no_token_is_not_read() {
    let good = Signer::new().sign(&value!({"alg": "ES256"}), &value!({"a": 1}));
    assert!(Jws::read(&good).is_some());
    let parts: Vec<&str> = good.split('.').collect();
    let twice = URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","alg":"none"}"#);
    for bad in [
        String::new(),
        "a".to_owned(),
        "a.b".to_owned(),
        format!("{}.{}", parts[0], parts[1]),
        format!("{good}.x"),
        format!("{good}="),
        format!(" {good}"),
        format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode("[1]"), parts[2]),
        format!("{twice}.{}.{}", parts[1], parts[2]),
        with_header(&good, &value!({"alg": "ES256", "crit": ["exp"]})),
        with_header(&good, &value!({"alg": "ES256", "b64": false})),
        with_header(&good, &value!({"alg": 7})),
        with_header(&good, &value!({})),
        format!("{good}{}", "A".repeat(LONGEST_TOKEN)),
    ] {
        assert!(Jws::read(&bad).is_none(), "{bad:.200}");
    }
}

#[test]
fn the_thumbprint_is_that_of_the_standards() {
    // RFC 7638 §3.1 and RFC 8037 §A.3.
    let rsa = value!({
        "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    });
    let ed = value!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    for (key, expected) in
        [(rsa, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"), (ed, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")]
    {
        let key = Jwk::read(key.as_object().expect("an object")).expect("a key");
        assert_eq!(key.thumbprint(), expected);
    }
}

proptest::proptest! {
    #[test]
    fn a_token_with_any_bit_changed_is_refused(at in 0_usize..1000, bit in 0_u8..8) {
        for (alg, token) in tokens() {
            let mut bytes = token.into_bytes();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            let Ok(forged) = String::from_utf8(bytes) else { continue };
            let verdict = Jws::read(&forged).map(|jws| jws.check(&keys(), None));
            prop_assert!(!matches!(verdict, Some(Ok(()))), "{} {}", alg, forged);
        }
    }

    #[test]
    fn what_was_signed_is_read_and_nothing_else(text in ".{0,60}", other in ".{0,60}") {
        let signer = Signer::new();
        let keys = set(&[signer.jwk("k")]);
        let header = value!({"alg": "ES256", "kid": "k"});
        let token = signer.sign(&header, &value!({"text": text}));
        let jws = Jws::read(&token).expect("a token");
        prop_assert_eq!(jws.check(&keys, None), Ok(()));
        prop_assert_eq!(&jws.unverified()["text"], &value!(text));
        if text != other {
            let (_, signature) = token.rsplit_once('.').expect("a token");
            let forged = format!("{}.{}.{signature}", encode(&header), encode(&value!({"text": other})));
            prop_assert_eq!(check(&forged, &keys), Err(Refusal::Signature));
        }
    }

    #[test]
    fn any_text_is_read_without_harm(text in "[A-Za-z0-9_.=-]{0,200}") {
        if let Some(jws) = Jws::read(&text) {
            prop_assert!(jws.check(&keys(), None).is_err());
        }
    }

    #[test]
    fn any_set_is_read_without_harm(members in proptest::collection::vec(
        ("(kty|crv|x|y|n|e|use|alg|kid|key_ops)", any::<Option<String>>().prop_map(|text| value!(text))), 0..12)
    ) {
        let key = Value::Object(members.into_iter().collect());
        let set = KeySet::read(value!({"keys": [key, 7, null]}).as_object().expect("an object")).expect("a set");
        prop_assert!(set.0.len() <= 1);
    }
}
