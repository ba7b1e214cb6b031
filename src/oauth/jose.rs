//! Signing with a private key of ours (RFC 7515 in its compact form, RFC 7518 §3, RFC 8037).

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaEncoding, RsaKeyPair,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::error::Error;
use crate::secret::Secret;

/// A private key and the algorithm it signs with. Clones share the key.
#[derive(Clone)]
pub struct SigningKey {
    inner: Arc<Inner>,
    algorithm: Algorithm,
}

struct Inner {
    pem: Secret,
    pair: Pair,
}

enum Pair {
    Ec(EcdsaKeyPair),
    Rsa(RsaKeyPair),
    Ed(Ed25519KeyPair),
}

/// A signature algorithm (RFC 7518 §3.1, RFC 8037 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on P-256.
    Es256,
    /// RSA with PKCS #1 padding.
    Rs256,
    /// RSA with PSS padding.
    Ps256,
    /// Ed25519.
    EdDsa,
}

/// Why a text is no private key that can be used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// There is no private key in PEM in it.
    #[error("it is no private key in PEM")]
    NotPem,
    /// The key is encrypted.
    #[error("the key is encrypted")]
    Encrypted,
    /// A key of another kind or size.
    #[error("only P-256, Ed25519 and RSA keys of 2048 to 4096 bits can be used")]
    Unsupported,
}

impl Algorithm {
    const ALL: [Self; 4] = [Self::Es256, Self::Rs256, Self::Ps256, Self::EdDsa];

    /// The registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of that name, if it is one of ours.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

impl SigningKey {
    /// A new key on P-256.
    pub(super) fn generate() -> Result<Self, Error> {
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map_err(|_| Error::NoRandom)?;
        let text = Zeroizing::new(STANDARD.encode(der.as_ref()));
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", *text);
        Self::of_pem(&Secret::new(pem)).map_err(|_| Error::NoRandom)
    }

    /// The public half of a key on P-256 as a JWK (RFC 7518 §6.2); `None` for keys of another kind.
    pub(super) fn public(&self) -> Option<Map<String, Value>> {
        let Pair::Ec(pair) = &self.inner.pair else { return None };
        // An uncompressed point: one byte that says so, then two coordinates of 32 bytes.
        let (x, y) = pair.public_key().as_ref().get(1..)?.split_at_checked(32)?;
        let members = [
            ("kty", "EC".to_owned()),
            ("crv", "P-256".to_owned()),
            ("x", URL_SAFE_NO_PAD.encode(x)),
            ("y", URL_SAFE_NO_PAD.encode(y)),
        ];
        Some(members.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect())
    }

    /// Reads a key in PEM: PKCS #8, PKCS #1 or SEC 1.
    pub fn of_pem(pem: &Secret) -> Result<Self, BadKey> {
        let text = pem.expose().trim();
        if text.contains("ENCRYPTED") {
            return Err(BadKey::Encrypted);
        }
        let pair = match PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| BadKey::NotPem)? {
            PrivateKeyDer::Pkcs8(der) => of_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Sec1(der) => wrapped(der.secret_sec1_der()).and_then(|der| ec(&der)),
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()).map(Pair::Rsa).ok(),
            _ => None,
        };
        let pair = pair.ok_or(BadKey::Unsupported)?;
        let algorithm = match &pair {
            Pair::Ec(_) => Algorithm::Es256,
            Pair::Rsa(_) => Algorithm::Rs256,
            Pair::Ed(_) => Algorithm::EdDsa,
        };
        Ok(Self { inner: Arc::new(Inner { pem: Secret::new(text), pair }), algorithm })
    }

    /// The key as it was read.
    pub fn pem(&self) -> &Secret {
        &self.inner.pem
    }

    /// What it signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The same key, signing with an algorithm that `listed` names; an empty list leaves the choice to us. `None` if
    /// this kind of key can use none of them.
    #[must_use]
    pub fn among(self, listed: &[String]) -> Option<Self> {
        let usable: &[Algorithm] = match self.inner.pair {
            Pair::Ec(_) => &[Algorithm::Es256],
            Pair::Ed(_) => &[Algorithm::EdDsa],
            Pair::Rsa(_) => &[Algorithm::Rs256, Algorithm::Ps256],
        };
        if listed.is_empty() {
            return Some(self);
        }
        let algorithm = usable.iter().find(|usable| listed.iter().any(|name| name == usable.name()))?;
        Some(Self { algorithm: *algorithm, ..self })
    }

    /// Signs `claims`; `header` holds what the header needs besides `alg`. The result is a compact JWS.
    pub(super) fn sign(&self, mut header: Map<String, Value>, claims: Map<String, Value>) -> Result<Secret, Error> {
        header.insert("alg".to_owned(), self.algorithm.name().into());
        let part = |members: Map<String, Value>| URL_SAFE_NO_PAD.encode(Value::Object(members).to_string());
        let mut text = format!("{}.{}", part(header), part(claims));
        let signature = self.signature(text.as_bytes()).ok_or(Error::NoRandom)?;
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut text);
        Ok(Secret::new(text))
    }

    fn signature(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match &self.inner.pair {
            Pair::Ec(pair) => Some(pair.sign(&random, message).ok()?.as_ref().to_vec()),
            Pair::Ed(pair) => Some(pair.sign(message).as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let padding: &dyn RsaEncoding =
                    if self.algorithm == Algorithm::Ps256 { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(padding, &random, message, &mut signature).ok()?;
                Some(signature)
            }
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} key]", self.algorithm.name())
    }
}

fn of_pkcs8(der: &[u8]) -> Option<Pair> {
    // Many tools write an Ed25519 key without its public half, which is then computed from the other.
    let ed = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(Pair::Ed).ok();
    ed.or_else(|| ec(der)).or_else(|| RsaKeyPair::from_pkcs8(der).map(Pair::Rsa).ok())
}

fn ec(der: &[u8]) -> Option<Pair> {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, &SystemRandom::new()).map(Pair::Ec).ok()
}

/// A SEC 1 key in the envelope of PKCS #8 (RFC 5958 §2), which names the curve.
fn wrapped(key: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    // Version 0, then ecPublicKey on prime256v1.
    const HEAD: &[u8] =
        b"\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
    let inner = element(0x04, &[key])?;
    element(0x30, &[HEAD, &inner])
}

/// One element of DER with at most 255 bytes in it; a longer key is none on this curve.
fn element(tag: u8, parts: &[&[u8]]) -> Option<Zeroizing<Vec<u8>>> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut der = Zeroizing::new(Vec::with_capacity(length + 3));
    der.push(tag);
    // Lengths have one form only: the marker stands before those that need it.
    if length > 127 {
        der.push(0x81);
    }
    der.push(u8::try_from(length).ok()?);
    parts.iter().for_each(|part| der.extend_from_slice(part));
    Some(der)
}

#[cfg(test)]
mod tests;
