//! Who we are to an authorization server (RFC 6749 §2).

use url::Url;

use super::discovery::Server;
use crate::secret::Secret;

/// A client identity. It belongs to the issuer that gave it and must not be shown to another one.
#[derive(Clone, Debug)]
pub struct Client {
    /// The client id.
    pub id: String,
    /// The secret, where the server insists on one. A native program cannot keep it secret, but we try.
    pub secret: Option<Secret>,
    /// How the client identifies itself at the token endpoint.
    pub method: AuthMethod,
    /// The redirect URIs it was registered with; empty if somebody else registered it.
    pub redirect_uris: Vec<String>,
    /// When the secret expires, in seconds since 1970; `None` for never.
    pub secret_expires_at: Option<i64>,
    /// How the registration is managed (RFC 7592), where the server allows it.
    pub registration: Option<Management>,
}

/// Access to a registration.
#[derive(Clone, Debug)]
pub struct Management {
    /// Where it is.
    pub uri: Url,
    /// What opens it.
    pub token: Secret,
}

/// How a client identifies itself at the token endpoint (RFC 6749 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum AuthMethod {
    /// `client_id` in the body.
    #[serde(rename = "none")]
    None,
    /// Id and secret in the `Authorization` header.
    #[serde(rename = "client_secret_basic")]
    Basic,
    /// Id and secret in the body.
    #[serde(rename = "client_secret_post")]
    Post,
}

impl AuthMethod {
    /// The method's registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
        }
    }

    /// The method of that name, if it is one of ours.
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::None, Self::Basic, Self::Post].into_iter().find(|method| method.name() == name)
    }
}

impl Client {
    /// A client that somebody registered: without a secret it is public; with one, the server's list decides between
    /// the header and the body, and the header is the default (RFC 8414 §2). The address of a client id metadata
    /// document is such an id, too.
    pub fn configured(id: impl Into<String>, secret: Option<Secret>, server: &Server) -> Self {
        let secret = secret.filter(|secret| !secret.is_empty());
        let lists = |method: AuthMethod| {
            server.auth_methods.as_ref().is_some_and(|listed| listed.iter().any(|name| name == method.name()))
        };
        let method = match secret {
            None => AuthMethod::None,
            Some(_) if lists(AuthMethod::Post) && !lists(AuthMethod::Basic) => AuthMethod::Post,
            Some(_) => AuthMethod::Basic,
        };
        let id = id.into();
        Self { id, secret, method, redirect_uris: Vec::new(), secret_expires_at: None, registration: None }
    }

    /// Whether the secret has expired at `now` (seconds since 1970).
    pub fn has_expired(&self, now: i64) -> bool {
        self.secret_expires_at.is_some_and(|expiry| expiry <= now)
    }
}
