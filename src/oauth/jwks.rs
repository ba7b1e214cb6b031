//! Keys that a server publishes, and signatures checked with them (RFC 7515, 7517, 7518, 7638, 8037).
//!
//! A token never decides how it is checked. Its `alg` must be on our list and on the server's, and fit the one key that
//! its `kid` names. `none` and HMAC are on no list: with the first there is nothing to check, and with the second
//! everybody who has read the public key could sign.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{self, SHA256, SHA384, SHA512};
use ring::signature::{self as sig, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};
use serde_json::{Map, Value};
use url::Url;

use super::discovery::{Found, fetch};
use super::error::Error;
use super::json;
use crate::http::Http;

/// More keys than any server rolls through; a longer list only costs time.
const MOST_KEYS: usize = 100;
/// A longer token is no token.
const LONGEST_TOKEN: usize = 64 * 1024;

/// A way to sign that is accepted here, by its registered names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Es256,
    Es384,
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    EdDsa,
}

impl Algorithm {
    /// The algorithm of that name; the newer name of Ed25519 (RFC 9864) means the same.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            "EdDSA" | "Ed25519" => Self::EdDsa,
            _ => return None,
        })
    }

    /// The digest inside it; Ed25519 works with SHA-512.
    pub(super) fn digest(self) -> &'static digest::Algorithm {
        match self {
            Self::Es256 | Self::Rs256 | Self::Ps256 => &SHA256,
            Self::Es384 | Self::Rs384 | Self::Ps384 => &SHA384,
            Self::Rs512 | Self::Ps512 | Self::EdDsa => &SHA512,
        }
    }
}

/// A public key that can check signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Jwk {
    kid: Option<String>,
    /// The one algorithm it is for, if the key says so.
    alg: Option<Algorithm>,
    material: Material,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Material {
    P256(Vec<u8>),
    P384(Vec<u8>),
    Rsa { n: Vec<u8>, e: Vec<u8> },
    Ed25519(Vec<u8>),
}

impl Jwk {
    /// Reads one key; `None` for a key that is not for checking signatures, of another kind, or not exactly of its form.
    pub(super) fn read(members: &Map<String, Value>) -> Option<Self> {
        // A key whose private half is public proves nothing about who signed.
        if ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(|private| members.contains_key(*private)) {
            return None;
        }
        if members.get("use").is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let operations = members.get("key_ops").map(|operations| operations.as_array());
        if operations.is_some_and(|listed| !listed.is_some_and(|listed| listed.iter().any(|one| one == "verify"))) {
            return None;
        }
        let alg = match members.get("alg") {
            None => None,
            Some(name) => Some(Algorithm::of_name(name.as_str()?)?),
        };
        let kid = match members.get("kid") {
            None => None,
            Some(kid) => Some(kid.as_str()?.to_owned()),
        };
        let bytes = |name: &str, length: usize| {
            let bytes = URL_SAFE_NO_PAD.decode(json::text(members, name)?).ok()?;
            (bytes.len() == length).then_some(bytes)
        };
        let point = |length| Some([vec![4], bytes("x", length)?, bytes("y", length)?].concat());
        let number = |name: &str| {
            URL_SAFE_NO_PAD.decode(json::text(members, name)?).ok().filter(|number| number.first() != Some(&0))
        };
        let material = match (json::text(members, "kty")?, json::text(members, "crv")) {
            ("EC", Some("P-256")) => Material::P256(point(32)?),
            ("EC", Some("P-384")) => Material::P384(point(48)?),
            ("OKP", Some("Ed25519")) => Material::Ed25519(bytes("x", 32)?),
            ("RSA", None) => Material::Rsa { n: number("n")?, e: number("e")? },
            _ => return None,
        };
        let key = Self { kid, alg: None, material };
        // A key that names an algorithm of another kind of key says two things at once.
        alg.is_none_or(|alg| key.fits(alg)).then_some(Self { alg, ..key })
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        use Algorithm as A;
        self.alg.is_none_or(|alg| alg == algorithm)
            && matches!(
                (&self.material, algorithm),
                (Material::P256(_), A::Es256)
                    | (Material::P384(_), A::Es384)
                    | (Material::Ed25519(_), A::EdDsa)
                    | (Material::Rsa { .. }, A::Rs256 | A::Rs384 | A::Rs512 | A::Ps256 | A::Ps384 | A::Ps512)
            )
    }

    fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        if !self.fits(algorithm) {
            return false;
        }
        let plain = |kind: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(kind, key).verify(message, signature).is_ok()
        };
        match &self.material {
            Material::P256(point) => plain(&sig::ECDSA_P256_SHA256_FIXED, point),
            Material::P384(point) => plain(&sig::ECDSA_P384_SHA384_FIXED, point),
            Material::Ed25519(key) => plain(&sig::ED25519, key),
            Material::Rsa { n, e } => rsa(algorithm)
                .is_some_and(|kind| RsaPublicKeyComponents { n, e }.verify(kind, message, signature).is_ok()),
        }
    }

    /// The key's own name, made from its required members (RFC 7638 §3).
    pub(super) fn thumbprint(&self) -> String {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let ec = |crv: &str, point: &[u8]| {
            let (x, y) = point.get(1..).map(|both| both.split_at(both.len() / 2)).unwrap_or_default();
            format!(r#"{{"crv":"{crv}","kty":"EC","x":"{}","y":"{}"}}"#, text(x), text(y))
        };
        let canonical = match &self.material {
            Material::P256(point) => ec("P-256", point),
            Material::P384(point) => ec("P-384", point),
            Material::Rsa { n, e } => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(e), text(n)),
            Material::Ed25519(key) => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, text(key)),
        };
        text(digest::digest(&SHA256, canonical.as_bytes()).as_ref())
    }
}

/// Keys of fewer than 2048 bits are refused by the library.
fn rsa(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        Algorithm::Rs256 => &sig::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rs384 => &sig::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::Rs512 => &sig::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::Ps256 => &sig::RSA_PSS_2048_8192_SHA256,
        Algorithm::Ps384 => &sig::RSA_PSS_2048_8192_SHA384,
        Algorithm::Ps512 => &sig::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

/// A signed token, taken apart and not yet believed.
#[derive(Debug)]
pub(super) struct Jws<'a> {
    pub(super) algorithm: Option<Algorithm>,
    algorithm_name: String,
    kid: Option<String>,
    claims: Map<String, Value>,
    message: &'a str,
    signature: Vec<u8>,
}

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The algorithm is not accepted, here or by the server itself.
    Algorithm,
    /// No key of the set is the one that the token names.
    UnknownKey,
    /// The key is there, and the signature is not its own.
    Signature,
}

impl<'a> Jws<'a> {
    /// Takes the compact form apart (RFC 7515 §7.1); `None` for anything else. A header or claims with a member written
    /// twice are refused, and so is a header that demands an extension (`crit`, §4.1.11): none is spoken here.
    pub(super) fn read(token: &'a str) -> Option<Self> {
        if token.len() > LONGEST_TOKEN {
            return None;
        }
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let part = |text: &str| json::object(&URL_SAFE_NO_PAD.decode(text).ok()?).ok();
        let (header, claims) = (part(header)?, part(claims)?);
        if header.contains_key("crit") || header.contains_key("b64") {
            return None;
        }
        let kid = match header.get("kid") {
            None => None,
            Some(kid) => Some(kid.as_str()?.to_owned()),
        };
        let algorithm_name = header.get("alg")?.as_str()?.to_owned();
        let algorithm = Algorithm::of_name(&algorithm_name);
        Some(Self {
            algorithm,
            algorithm_name,
            kid,
            claims,
            message,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// The claims, which anybody may have written until [`Jws::check`] says otherwise.
    pub(super) fn unverified(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// Whether it is unsigned by its own account.
    pub(super) fn is_unsigned(&self) -> bool {
        self.algorithm_name.eq_ignore_ascii_case("none") || self.signature.is_empty()
    }

    /// Checks the signature with the key that the token names. `listed` are the algorithms that the server says it
    /// uses, if it says so.
    pub(super) fn check(&self, keys: &KeySet, listed: Option<&[String]>) -> Result<(), Refusal> {
        let algorithm = self.algorithm.ok_or(Refusal::Algorithm)?;
        if listed.is_some_and(|listed| !listed.contains(&self.algorithm_name)) {
            return Err(Refusal::Algorithm);
        }
        let named: Vec<&Jwk> = match &self.kid {
            Some(kid) => keys.0.iter().filter(|key| key.kid.as_ref() == Some(kid)).collect(),
            // Without a name, only a set with a single key of that kind leaves no choice (OIDC Core §10.1).
            None => {
                let fitting: Vec<&Jwk> = keys.0.iter().filter(|key| key.fits(algorithm)).collect();
                if fitting.len() == 1 { fitting } else { Vec::new() }
            }
        };
        if named.is_empty() {
            return Err(Refusal::UnknownKey);
        }
        // The same name on keys of several kinds is legal (RFC 7517 §4.5); the kind must be that of the algorithm.
        let signed = named.iter().any(|key| key.verifies(algorithm, self.message.as_bytes(), &self.signature));
        if signed { Ok(()) } else { Err(Refusal::Signature) }
    }
}

/// The keys of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct KeySet(Vec<Jwk>);

impl KeySet {
    /// The usable keys of a set; others are left out (RFC 7517 §5). `None` if there is no set.
    pub(super) fn read(members: &Map<String, Value>) -> Option<Self> {
        let keys = members.get("keys")?.as_array()?;
        Some(Self(keys.iter().take(MOST_KEYS).filter_map(|key| Jwk::read(key.as_object()?)).collect()))
    }

    /// Fetches the set: at most 1 MiB, within 10 s, never from another origin.
    pub(super) async fn fetch(http: &Http, url: &Url) -> Result<Self, Error> {
        match fetch(http, url).await? {
            Found::Object(members) => Self::read(&members)
                .ok_or_else(|| Error::Malformed { host: super::foreign::host(url), what: "it is no set of keys" }),
            Found::Nothing(reason) => Err(reason),
        }
    }
}

#[cfg(test)]
mod tests;
