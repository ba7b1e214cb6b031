//! What is attached to requests, and who supplies it.

use std::sync::Arc;

use ::http::{Extensions, HeaderValue, StatusCode};
use url::Url;

use super::Boxed;
use crate::http::Stream;
use crate::secret::Secret;

/// What is attached to one request.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The header's name, in lower case: `authorization` for tokens. `None` for what is attached to no request, see
    /// [`Way::is_exchanged`].
    pub header: Option<&'static str>,
    /// The header's whole value, for example `Bearer …`; without a header, what the store keeps.
    pub value: Secret,
    /// Another header that goes with it, for services that want two.
    pub companion: Option<(&'static str, Secret)>,
    /// Which generation of the grant it came from.
    pub generation: u64,
    /// Proves the possession of the key that the credential is bound to, where it is bound to one.
    pub proof: Option<Arc<dyn Proof>>,
}

/// Proves, request by request, that the sender holds the key that its token is bound to (RFC 9449): a token that was
/// copied on its way is worth nothing to the thief.
pub trait Proof: std::fmt::Debug + Send + Sync {
    /// A fresh `DPoP` header for one request; `None` if none can be made.
    fn header(&self, method: &str, url: &Url) -> Option<HeaderValue>;
    /// Takes the nonce that the origin of `url` wants in the next proof.
    fn take_nonce(&self, url: &Url, nonce: &str);
}

/// Supplies credentials. The supplier renews by itself and lets one renewal serve all callers.
pub trait CredentialSource: Send + Sync {
    /// A credential that is valid now; `None` if the connection needs none.
    fn credential(&self) -> Boxed<'_, Result<Option<Credential>, Unavailable>>;
    /// Another credential, after the server refused this one. Called at most once per request.
    fn replace<'a>(&'a self, rejected: &'a Credential) -> Boxed<'a, Result<Option<Credential>, Unavailable>>;
    /// Whose credentials these are, for telling apart what each may see; `None` if that is not known, or if the login has
    /// ended. Asks nobody but the store.
    fn whose(&self) -> Boxed<'_, Option<String>> {
        Box::pin(async { None })
    }
    /// Whether this answer means that the credential is not good any more, and that the request was not carried out.
    /// `asked` are the extensions of the request, by which a backend can tell its requests apart.
    fn is_refusal(&self, asked: &Extensions, answer: &Stream) -> bool {
        let _ = asked;
        answer.status == StatusCode::UNAUTHORIZED
    }
}

/// Why there is no credential; the supplier's own error, for the layer above to put into words.
#[derive(Clone, Debug)]
pub struct Unavailable(pub Arc<dyn std::error::Error + Send + Sync>);
