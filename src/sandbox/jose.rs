//! Signatures made with a client's own key (RFC 7515, 7517, 7518, 7638, 8037): client assertions and DPoP proofs.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde_json::{Map, Value};

use super::jwt::fingerprint;

/// What is verified. No `none` and nothing symmetric: a public key is no secret (RFC 8725 §2.1).
/// `Ed25519` is what RFC 9864 calls the only `EdDSA` there is here.
pub(super) const ALGORITHMS: [&str; 5] = ["ES256", "Ed25519", "EdDSA", "PS256", "RS256"];
/// Members of a JWK that must not leave its owner.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A signed token, taken apart and not yet believed.
pub(super) struct Jws<'a> {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Jws<'a> {
    /// Takes a compact serialization apart; `None` if it is not one of two JSON objects and a signature.
    pub(super) fn of(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let part = |text: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok();
        Some(Self {
            header: part(header)?,
            claims: part(claims)?,
            signed,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.header.get(name)?.as_str()
    }

    pub(super) fn claim(&self, name: &str) -> Option<&Value> {
        self.claims.get(name)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.claim(name)?.as_str()
    }

    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.claim(name)?.as_i64()
    }

    /// The public key that the header carries (RFC 7515 §4.1.3).
    pub(super) fn key(&self) -> Option<&Value> {
        self.header.get("jwk").filter(|key| is_public(key))
    }

    /// Whether this key made the signature, with the algorithm that the header names and the key is for.
    pub(super) fn is_signed_by(&self, key: &Value) -> bool {
        // An extension that must be understood is one that is not (RFC 7515 §4.1.11).
        !self.header.contains_key("crit") && self.verify(key).is_some()
    }

    fn verify(&self, key: &Value) -> Option<()> {
        let text = |name: &str| key.get(name).and_then(Value::as_str);
        let part = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
        let algorithm = self.header("alg")?;
        if text("alg").is_some_and(|only| only != algorithm) || text("use").is_some_and(|usage| usage != "sig") {
            return None;
        }
        let signed = self.signed.as_bytes();
        let outcome = match (algorithm, text("kty")?, text("crv").unwrap_or_default()) {
            ("ES256", "EC", "P-256") => {
                let (x, y) = (part("x")?, part("y")?);
                let point = [&[4], x.as_slice(), y.as_slice()].concat();
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, &self.signature)
            }
            ("EdDSA" | "Ed25519", "OKP", "Ed25519") => {
                UnparsedPublicKey::new(&ED25519, part("x")?).verify(signed, &self.signature)
            }
            ("RS256" | "PS256", "RSA", _) => {
                let key = RsaPublicKeyComponents { n: part("n")?, e: part("e")? };
                let scheme = if algorithm == "PS256" { &RSA_PSS_2048_8192_SHA256 } else { &RSA_PKCS1_2048_8192_SHA256 };
                key.verify(scheme, signed, &self.signature)
            }
            _ => return None,
        };
        outcome.ok()
    }
}

/// Whether a JWK is a public key of a kind that is verified here.
pub(super) fn is_public(key: &Value) -> bool {
    let known = matches!(key.get("kty").and_then(Value::as_str), Some("EC" | "OKP" | "RSA"));
    known && !PRIVATE.iter().any(|name| key.get(name).is_some())
}

/// The thumbprint of a JWK (RFC 7638 §3): its required members in order, as one line.
pub(super) fn thumbprint(key: &Value) -> Option<String> {
    let members: &[&str] = match key.get("kty")?.as_str()? {
        "EC" => &["crv", "kty", "x", "y"],
        "OKP" => &["crv", "kty", "x"],
        "RSA" => &["e", "kty", "n"],
        _ => return None,
    };
    let pairs: Option<Vec<String>> =
        members.iter().map(|name| Some(format!("\"{name}\":{}", Value::from(key.get(name)?.as_str()?)))).collect();
    Some(fingerprint(&format!("{{{}}}", pairs?.join(","))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_thumbprint_is_that_of_rfc_7638() {
        let key = json!({
            "kty": "RSA", "alg": "RS256", "kid": "2011-04-29", "e": "AQAB",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiF\
                  V4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d\
                  0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-c\
                  sFCur-kEgU8awapJzKnqDKgw",
        });
        assert_eq!(thumbprint(&key).as_deref(), Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
    }

    #[test]
    fn an_edwards_signature_is_that_of_rfc_8037_and_not_of_another_key_or_algorithm() {
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
        // The payload of the RFC's example is a sentence, so only its signature is looked at.
        let signed = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        let jws = |header: Value, signed| Jws {
            header: header.as_object().cloned().unwrap(),
            claims: Map::new(),
            signed,
            signature: URL_SAFE_NO_PAD.decode(signature).unwrap(),
        };
        let right = || json!({ "alg": "EdDSA" });
        assert!(jws(right(), signed).is_signed_by(&key));
        assert!(jws(json!({ "alg": "Ed25519" }), signed).is_signed_by(&key));
        assert!(!jws(json!({ "alg": "ES256" }), signed).is_signed_by(&key));
        assert!(!jws(json!({ "alg": "none" }), signed).is_signed_by(&key));
        assert!(!jws(json!({ "alg": "EdDSA", "crit": ["x"] }), signed).is_signed_by(&key));
        assert!(!jws(right(), "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmh").is_signed_by(&key));
        for (name, value) in [("use", "enc"), ("alg", "RS256"), ("crv", "X25519"), ("kty", "EC")] {
            let mut other = key.clone();
            other[name] = json!(value);
            assert!(!jws(right(), signed).is_signed_by(&other), "{name}");
        }
    }

    #[test]
    fn a_key_with_a_private_part_or_a_symmetric_one_is_no_public_key() {
        assert!(is_public(&json!({ "kty": "EC", "x": "a", "y": "b" })));
        for key in [json!({ "kty": "EC", "d": "x" }), json!({ "kty": "oct" }), json!({ "kty": "RSA", "p": "x" })] {
            assert!(!is_public(&key), "{key}");
        }
    }
}
