//! Unguessable text: state, nonce, verifier, paths of the listener, ids of assertions.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::error::Error;
use crate::secret::Secret;

/// 32 bytes of the system's random source as 43 characters of base64url: 256 bits where 128 are asked for (RFC 6749
/// §10.10), and a verifier of exactly the length and alphabet of RFC 7636 §4.1.
pub(super) fn secret() -> Result<Secret, Error> {
    let mut bytes = Zeroizing::new([0; 32]);
    SystemRandom::new().fill(bytes.as_mut()).map_err(|_| Error::NoRandom)?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes.as_ref())))
}

/// The S256 challenge of a verifier (RFC 7636 §4.2).
pub(super) fn challenge(verifier: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.expose().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_standard() {
        // RFC 7636 Appendix B.
        let verifier = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn random_text_has_43_characters_of_base64url_and_never_comes_twice() {
        let texts: Vec<Secret> = (0..100).map(|_| secret().expect("random numbers")).collect();
        for (index, text) in texts.iter().enumerate() {
            let text = text.expose();
            assert_eq!(text.len(), 43);
            assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{text}");
            assert!(!texts.iter().skip(index + 1).any(|other| other.matches(text)));
        }
    }
}
