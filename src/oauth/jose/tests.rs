//! Keys as OpenSSL writes them, and signatures against the vector of the standard and a verifier. The keys are for these
//! tests only.

use ring::signature::{self, KeyPair as _, UnparsedPublicKey, VerificationAlgorithm};

use super::*;

fn key(text: &str) -> Result<SigningKey, BadKey> {
    SigningKey::of_pem(&Secret::new(text))
}

const P256: &str = include_str!("p256.pem");
const RSA: &str = include_str!("rsa.pem");
const ED: &str = include_str!("ed25519.pem");

fn public(key: &SigningKey) -> Vec<u8> {
    match &key.inner.pair {
        Pair::Ec(pair) => pair.public_key().as_ref().to_vec(),
        Pair::Rsa(pair) => pair.public_key().as_ref().to_vec(),
        Pair::Ed(pair) => pair.public_key().as_ref().to_vec(),
    }
}

#[test]
fn every_form_of_a_key_is_read_as_the_same_key() {
    for (text, same, algorithm) in [
        (P256, include_str!("p256-sec1.pem"), Algorithm::Es256),
        (RSA, include_str!("rsa-pkcs1.pem"), Algorithm::Rs256),
        (ED, ED, Algorithm::EdDsa),
    ] {
        let (one, other) = (key(text).expect("a key"), key(&format!(" \r\n{same}\n\n")).expect("a key"));
        assert_eq!((one.algorithm(), other.algorithm()), (algorithm, algorithm));
        assert_eq!(public(&one), public(&other));
        let again = SigningKey::of_pem(other.pem()).expect("what it gives back can be read");
        assert_eq!(public(&again), public(&one));
    }
}

#[test]
fn what_is_no_key_says_why() {
    for (text, why) in [
        ("", BadKey::NotPem),
        ("hunter2", BadKey::NotPem),
        (include_str!("public.pem"), BadKey::NotPem),
        ("-----BEGIN PRIVATE KEY-----\n!!!\n-----END PRIVATE KEY-----", BadKey::NotPem),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", BadKey::Unsupported),
        (include_str!("encrypted.pem"), BadKey::Encrypted),
        ("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n", BadKey::Encrypted),
        (include_str!("p384.pem"), BadKey::Unsupported),
        (include_str!("rsa1024.pem"), BadKey::Unsupported),
    ] {
        assert_eq!(key(text).err(), Some(why), "{text}");
    }
}

#[test]
fn the_signature_is_that_of_the_standard() {
    // RFC 8037 Appendix A.4, its key in the envelope of RFC 8410 §7.
    let private = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").expect("base64url");
    let der = [b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20".as_slice(), &private].concat();
    let der = base64::engine::general_purpose::STANDARD.encode(der);
    let key = key(&format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n")).expect("a key");
    let signature = key.signature(b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc").expect("a signature");
    let expected = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    assert_eq!(URL_SAFE_NO_PAD.encode(signature), expected);
}

#[test]
fn each_algorithm_signs_header_and_claims() {
    let ps = |key: SigningKey| key.among(&["PS256".to_owned()]).expect("an RSA key signs with it");
    let cases: [(SigningKey, &str, &dyn VerificationAlgorithm); 4] = [
        (key(P256).expect("a key"), "ES256", &signature::ECDSA_P256_SHA256_FIXED),
        (key(RSA).expect("a key"), "RS256", &signature::RSA_PKCS1_2048_8192_SHA256),
        (ps(key(RSA).expect("a key")), "PS256", &signature::RSA_PSS_2048_8192_SHA256),
        (key(ED).expect("a key"), "EdDSA", &signature::ED25519),
    ];
    for (key, name, verifier) in cases {
        let members = |name: &str, value: &str| Map::from_iter([(name.to_owned(), Value::from(value))]);
        let signed = key.sign(members("kid", "k"), members("iss", "c")).expect("signed");
        let (message, signature) = signed.expose().rsplit_once('.').expect("three parts");
        let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
        let public = UnparsedPublicKey::new(verifier, public(&key));
        public.verify(message.as_bytes(), &signature).expect(name);
        let decoded: Vec<Value> = message
            .split('.')
            .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON"))
            .collect();
        assert_eq!(decoded, [serde_json::json!({"alg": name, "kid": "k"}), serde_json::json!({"iss": "c"})]);
    }
}

#[test]
fn the_algorithm_is_one_that_is_listed() {
    let listed = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    for (text, names, expected) in [
        (RSA, vec![], Some("RS256")),
        (RSA, vec!["PS256", "RS256"], Some("RS256")),
        (RSA, vec!["PS256"], Some("PS256")),
        (RSA, vec!["ES256"], None),
        (P256, vec!["RS256", "ES256"], Some("ES256")),
        (P256, vec!["RS256"], None),
        (ED, vec!["Ed25519", "EdDSA"], Some("EdDSA")),
    ] {
        let found = key(text).expect("a key").among(&listed(&names)).map(|key| key.algorithm().name());
        assert_eq!(found, expected, "{names:?}");
    }
}

#[test]
fn debug_shows_no_key() {
    assert_eq!(format!("{:?}", key(P256)), "Ok([ES256 key])");
}
