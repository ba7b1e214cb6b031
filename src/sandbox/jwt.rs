//! Signed tokens: ES256 with a key made at start (RFC 7515, 7517, 7638), and the sandbox's random texts.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::error::Unspecified;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};
use serde_json::{Value, json};

/// The signing key and the random source.
pub(super) struct Keys {
    pair: EcdsaKeyPair,
    x: String,
    y: String,
    kid: String,
    random: SystemRandom,
}

impl Keys {
    /// A new key, for this run only.
    pub(super) fn new() -> Result<Self, Unspecified> {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random)?;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).map_err(|_| Unspecified)?;
        // An uncompressed point: one byte that says so, then two coordinates of 32 bytes.
        let (x, y) = pair.public_key().as_ref().get(1..).and_then(|p| p.split_at_checked(32)).ok_or(Unspecified)?;
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let kid = fingerprint(&format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#));
        Ok(Self { pair, x, y, kid, random })
    }

    /// 256 random bits as 43 characters that need no escaping anywhere.
    pub(super) fn random(&self) -> Result<String, Unspecified> {
        let mut bytes = [0; 32];
        self.random.fill(&mut bytes)?;
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The key set that verifiers fetch.
    pub(super) fn set(&self) -> Value {
        json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "x": self.x, "y": self.y, "kid": self.kid, "use": "sig", "alg": "ES256",
        }] })
    }

    /// A token of the type `typ` with these claims.
    pub(super) fn sign(&self, typ: &str, claims: &Value) -> Result<String, Unspecified> {
        let header = json!({ "alg": "ES256", "typ": typ, "kid": self.kid });
        let body =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self.pair.sign(&self.random, body.as_bytes())?;
        Ok(format!("{body}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The claims of a token that this key signed for this type; `None` for any other text.
    pub(super) fn verify(&self, typ: &str, token: &str) -> Option<Value> {
        let (body, signature) = token.rsplit_once('.')?;
        let (header, claims) = body.split_once('.')?;
        let part = |text: &str| -> Option<Value> { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok() };
        // The algorithm is ours, never the token's: `none` and HMAC with the public key are the classic forgeries.
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.pair.public_key().as_ref());
        key.verify(body.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
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
}
