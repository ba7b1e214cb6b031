//! The sandbox's own keys: signed tokens (RFC 7515, 7517, 7638), message codes, and random texts.
//!
//! ES256 with a key made at start. A key roll adds a key that signs from then on; the former ones stay in the set.

use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::error::Unspecified;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};
use serde_json::{Value, json};

/// How a token is signed. All but the first are forgeries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signing {
    /// By the current key, which the set has.
    Right,
    /// Not at all, with the algorithm `none`.
    Absent,
    /// With HMAC, and the public key as the secret.
    Symmetric,
    /// By a key that is in no set, under the name of the right one.
    Stranger,
    /// By a key that is in no set, under its own name.
    UnknownKey,
}

/// The signing keys and the random source.
pub(super) struct Keys {
    /// The last one signs.
    pairs: Mutex<Vec<Pair>>,
    secret: hmac::Key,
    random: SystemRandom,
}

struct Pair {
    pair: EcdsaKeyPair,
    x: String,
    y: String,
    kid: String,
}

impl Pair {
    fn new(random: &SystemRandom) -> Result<Self, Unspecified> {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, random)?;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), random).map_err(|_| Unspecified)?;
        // An uncompressed point: one byte that says so, then two coordinates of 32 bytes.
        let (x, y) = pair.public_key().as_ref().get(1..).and_then(|p| p.split_at_checked(32)).ok_or(Unspecified)?;
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let kid = fingerprint(&format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#));
        Ok(Self { pair, x, y, kid })
    }
}

impl Keys {
    /// A new key, for this run only.
    pub(super) fn new() -> Result<Self, Unspecified> {
        let random = SystemRandom::new();
        let secret = hmac::Key::generate(hmac::HMAC_SHA256, &random)?;
        Ok(Self { pairs: Mutex::new(vec![Pair::new(&random)?]), secret, random })
    }

    fn pairs(&self) -> MutexGuard<'_, Vec<Pair>> {
        self.pairs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on another key signs.
    pub(super) fn roll(&self) -> Result<(), Unspecified> {
        let pair = Pair::new(&self.random)?;
        self.pairs().push(pair);
        Ok(())
    }

    /// 256 random bits as 43 characters that need no escaping anywhere.
    pub(super) fn random(&self) -> Result<String, Unspecified> {
        let mut bytes = [0; 32];
        self.random.fill(&mut bytes)?;
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// That many characters of this alphabet, each as probable as the others.
    pub(super) fn pick(&self, alphabet: &[u8], length: usize) -> Result<String, Unspecified> {
        let mut text = String::with_capacity(length);
        let even = 256 - 256 % alphabet.len();
        while text.len() < length {
            let mut bytes = [0; 16];
            self.random.fill(&mut bytes)?;
            // Bytes beyond the last whole multiple would favour the first characters.
            let fair = bytes.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < even);
            let picked = fair.filter_map(|byte| alphabet.get(byte % alphabet.len()));
            text.extend(picked.take(length - text.len()).map(|byte| char::from(*byte)));
        }
        Ok(text)
    }

    /// A code over this text that nobody else can make, for what need not be remembered.
    pub(super) fn seal(&self, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.secret, text.as_bytes()))
    }

    /// The key set that verifiers fetch.
    pub(super) fn set(&self) -> Value {
        let pairs = self.pairs();
        let keys = pairs.iter().map(|Pair { x, y, kid, .. }| {
            json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "use": "sig", "alg": "ES256" })
        });
        json!({ "keys": keys.collect::<Vec<_>>() })
    }

    /// A token of the type `typ` with these claims.
    pub(super) fn sign(&self, typ: &str, claims: &Value) -> Result<String, Unspecified> {
        self.sign_as(Signing::Right, typ, claims)
    }

    /// A token that is signed in one of the ways that no client may believe.
    pub(super) fn sign_as(&self, how: Signing, typ: &str, claims: &Value) -> Result<String, Unspecified> {
        let foreign = matches!(how, Signing::Stranger | Signing::UnknownKey);
        let stranger = if foreign { Some(Pair::new(&self.random)?) } else { None };
        let pairs = self.pairs();
        let own = pairs.last().ok_or(Unspecified)?;
        let signer = stranger.as_ref().unwrap_or(own);
        let kid = if how == Signing::UnknownKey { &signer.kid } else { &own.kid };
        let algorithm = match how {
            Signing::Absent => "none",
            Signing::Symmetric => "HS256",
            _ => "ES256",
        };
        let header = json!({ "alg": algorithm, "typ": typ, "kid": kid });
        let body =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = match how {
            Signing::Absent => Vec::new(),
            Signing::Symmetric => {
                let public = hmac::Key::new(hmac::HMAC_SHA256, own.pair.public_key().as_ref());
                hmac::sign(&public, body.as_bytes()).as_ref().to_vec()
            }
            _ => signer.pair.sign(&self.random, body.as_bytes())?.as_ref().to_vec(),
        };
        Ok(format!("{body}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The claims of a token that one of these keys signed for this type; `None` for any other text.
    pub(super) fn verify(&self, typ: &str, token: &str) -> Option<Value> {
        let (body, signature) = token.rsplit_once('.')?;
        let (header, claims) = body.split_once('.')?;
        let part = |text: &str| -> Option<Value> { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok() };
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        // The algorithm is ours, never the token's: `none` and HMAC with the public key are the classic forgeries.
        let made = |pair: &Pair| {
            let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.pair.public_key().as_ref());
            key.verify(body.as_bytes(), &signature).is_ok()
        };
        if !self.pairs().iter().any(made) {
            return None;
        }
        let header = part(header)?;
        (header.get("alg")? == "ES256" && header.get("typ")? == typ).then(|| part(claims))?
    }
}

/// SHA-256 as base64url: a PKCE challenge, a key thumbprint, or the form in which the sandbox remembers a token.
pub(super) fn fingerprint(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
}

/// The first half of the SHA-256 (OIDC Core §3.1.3.6).
pub(super) fn half_fingerprint(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()).as_ref().get(..16).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_is_the_challenge_of_rfc_7636() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(fingerprint(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn only_untouched_tokens_of_the_right_type_and_key_are_read() {
        let keys = Keys::new().unwrap();
        let claims = json!({ "sub": "alice" });
        let token = keys.sign("at+jwt", &claims).unwrap();
        assert_eq!(keys.verify("at+jwt", &token), Some(claims.clone()));
        assert_eq!(keys.verify("JWT", &token), None);
        for forged in [Signing::Absent, Signing::Symmetric, Signing::Stranger, Signing::UnknownKey] {
            assert_eq!(keys.verify("at+jwt", &keys.sign_as(forged, "at+jwt", &claims).unwrap()), None, "{forged:?}");
        }
        assert_eq!(Keys::new().unwrap().verify("at+jwt", &token), None);
        let parts: Vec<&str> = token.split('.').collect();
        let other = URL_SAFE_NO_PAD.encode(r#"{"sub":"mallory"}"#);
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"at+jwt"}"#);
        for forged in [
            format!("{}.{other}.{}", parts[0], parts[2]),
            format!("{none}.{}.{}", parts[1], parts[2]),
            format!("{none}.{}.", parts[1]),
            format!("{}.{}", parts[0], parts[1]),
            format!("{token}A"),
            String::new(),
        ] {
            assert_eq!(keys.verify("at+jwt", &forged), None, "{forged}");
        }
    }

    #[test]
    fn after_a_roll_another_key_signs_and_the_former_one_is_still_in_the_set() {
        let keys = Keys::new().unwrap();
        let before = keys.sign("at+jwt", &json!({})).unwrap();
        keys.roll().unwrap();
        let after = keys.sign("at+jwt", &json!({})).unwrap();
        assert_ne!(before.split('.').next(), after.split('.').next());
        assert!(keys.verify("at+jwt", &before).is_some() && keys.verify("at+jwt", &after).is_some());
        assert_eq!(keys.set()["keys"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn picked_characters_are_of_the_alphabet_and_as_many_as_asked_for() {
        let keys = Keys::new().unwrap();
        for length in [0, 1, 16, 17, 40] {
            let text = keys.pick(b"ABC", length).unwrap();
            assert!(text.len() == length && text.bytes().all(|byte| b"ABC".contains(&byte)), "{text}");
        }
    }
}
