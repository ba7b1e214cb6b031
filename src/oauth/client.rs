//! Who we are to an authorization server (RFC 6749 §2).

use url::Url;

use super::discovery::Server;
use super::jose::SigningKey;
use crate::secret::Secret;

/// A client identity. It belongs to the issuer that gave it and must not be shown to another one.
#[derive(Clone, Debug)]
pub struct Client {
    /// The client id.
    pub id: String,
    /// The secret, where the server insists on one. A native program cannot keep it secret, but we try.
    pub secret: Option<Secret>,
    /// The key that signs its assertions, where it has one.
    pub key: Option<ClientKey>,
    /// How the client identifies itself at the token endpoint.
    pub method: AuthMethod,
    /// The redirect URIs it was registered with; empty if somebody else registered it.
    pub redirect_uris: Vec<String>,
    /// The scopes that its registration asked for; `None` if that is not known, or somebody else registered it.
    pub scopes: Option<Vec<String>>,
    /// When the secret expires, in seconds since 1970; `None` for never.
    pub secret_expires_at: Option<i64>,
    /// Whether the server binds every token of this client to a key (RFC 9449 §5.2).
    pub bound: bool,
    /// How the registration is managed (RFC 7592), where the server allows it.
    pub registration: Option<Management>,
}

/// The key of a client (`private_key_jwt`).
#[derive(Clone, Debug)]
pub struct ClientKey {
    /// The key.
    pub signing: SigningKey,
    /// Its id at the server (`kid`), where the server needs one to find the public half.
    pub id: Option<String>,
    /// To whom assertions are addressed; `None` for the issuer.
    pub audience: Option<String>,
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
    /// A signed assertion in the body (RFC 7523).
    #[serde(rename = "private_key_jwt")]
    PrivateKeyJwt,
}

impl AuthMethod {
    /// Every method.
    pub const ALL: [Self; 4] = [Self::None, Self::Basic, Self::Post, Self::PrivateKeyJwt];

    /// The method's registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }

    /// The method of that name, if it is one of ours.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }
}

/// What a client proves itself with.
#[derive(Clone, Debug)]
pub enum Evidence {
    /// A secret that it shares with the server.
    Secret(Secret),
    /// A key whose public half the server has.
    Key(ClientKey),
}

impl Client {
    /// Whether it may ask for these: some servers refuse a scope that the registration did not name, and one that named
    /// none got the server's usual ones (RFC 7591 §2).
    pub fn covers(&self, scopes: &[String]) -> bool {
        self.scopes.as_ref().is_none_or(|known| scopes.iter().all(|scope| known.contains(scope)))
    }

    /// A public client: anybody may use its id. The address of a client id metadata document is such an id, too.
    pub fn public(id: impl Into<String>) -> Self {
        let (secret, key, method) = (None, None, AuthMethod::None);
        let (redirect_uris, scopes, secret_expires_at, registration) = (Vec::new(), None, None, None);
        Self {
            id: id.into(),
            secret,
            key,
            method,
            redirect_uris,
            scopes,
            secret_expires_at,
            bound: false,
            registration,
        }
    }

    /// A client that an administrator registered, with what it was given. `forced` is the method the person chose;
    /// otherwise a key signs, a secret travels in the header unless the server lists only the body (RFC 8414 §2 makes
    /// the header the default), and without either the client is public.
    pub fn configured(
        id: impl Into<String>,
        evidence: Option<Evidence>,
        forced: Option<AuthMethod>,
        server: &Server,
    ) -> Result<Self, Unusable> {
        let lists = |method: AuthMethod| {
            server.auth_methods.as_ref().is_some_and(|listed| listed.iter().any(|name| name == method.name()))
        };
        let public = Self::public(id);
        match (evidence, forced) {
            (_, Some(AuthMethod::None)) | (None, None) => Ok(public),
            (None, Some(AuthMethod::PrivateKeyJwt)) | (Some(Evidence::Secret(_)), Some(AuthMethod::PrivateKeyJwt)) => {
                Err(Unusable::NoKey)
            }
            (None, Some(_)) | (Some(Evidence::Key(_)), Some(AuthMethod::Basic | AuthMethod::Post)) => {
                Err(Unusable::NoSecret)
            }
            (Some(Evidence::Key(key)), _) => {
                let signing = key.signing.among(&server.assertion_algorithms).ok_or(Unusable::Algorithm)?;
                let key = Some(ClientKey { signing, ..key });
                Ok(Self { key, method: AuthMethod::PrivateKeyJwt, ..public })
            }
            (Some(Evidence::Secret(secret)), forced) => {
                let only_body = lists(AuthMethod::Post) && !lists(AuthMethod::Basic);
                let method = forced.unwrap_or(if only_body { AuthMethod::Post } else { AuthMethod::Basic });
                Ok(Self { secret: Some(secret), method, ..public })
            }
        }
    }

    /// Whether the secret has expired at `now` (seconds since 1970).
    pub fn has_expired(&self, now: i64) -> bool {
        self.secret_expires_at.is_some_and(|expiry| expiry <= now)
    }
}

/// Why a configured client cannot identify itself the way that was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// The method needs a secret.
    #[error("the method needs a secret")]
    NoSecret,
    /// The provider wants the secret of a native program, too.
    #[error("this provider wants the secret of the client, though a native program's secret is none")]
    SecretExpected,
    /// The provider wants the secret of a native program, too, when a browser brings a code.
    #[error("this provider wants the secret of the client with every code, though a native program's secret is none")]
    SecretForCodes,
    /// The method needs a key.
    #[error("the method needs a key")]
    NoKey,
    /// The server accepts no signature that this kind of key makes.
    #[error("the server accepts no signature of this kind of key")]
    Algorithm,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::testing::{key, server};

    fn method(
        evidence: Option<Evidence>,
        forced: Option<AuthMethod>,
        listed: &[&str],
    ) -> Result<&'static str, Unusable> {
        let listed: Vec<String> = listed.iter().map(|name| (*name).to_owned()).collect();
        let server = Server { auth_methods: Some(listed).filter(|listed| !listed.is_empty()), ..server("https://a") };
        let client = Client::configured("c", evidence, forced, &server)?;
        assert_eq!(client.secret.is_some(), matches!(client.method, AuthMethod::Basic | AuthMethod::Post));
        assert_eq!(client.key.is_some(), client.method == AuthMethod::PrivateKeyJwt);
        Ok(client.method.name())
    }

    #[test]
    fn a_client_that_was_registered_for_nothing_in_particular_may_ask_for_nothing_in_particular() {
        let scopes = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        let unknown = Client::public("c");
        assert!(unknown.covers(&[]) && unknown.covers(&scopes(&["a"])));
        let plain = Client { scopes: Some(Vec::new()), ..unknown };
        assert!(plain.covers(&[]) && !plain.covers(&scopes(&["a"])));
        let two = Client { scopes: Some(scopes(&["a", "b"])), ..plain };
        assert!(two.covers(&scopes(&["b"])) && two.covers(&[]) && !two.covers(&scopes(&["a", "c"])));
    }

    #[test]
    fn what_a_client_was_given_decides_how_it_identifies_itself() {
        let secret = || Some(Evidence::Secret(Secret::new("s")));
        let key = || Some(Evidence::Key(key()));
        assert_eq!(method(None, None, &[]), Ok("none"));
        assert_eq!(method(secret(), None, &[]), Ok("client_secret_basic"));
        assert_eq!(method(secret(), None, &["client_secret_post"]), Ok("client_secret_post"));
        assert_eq!(method(secret(), None, &["client_secret_post", "client_secret_basic"]), Ok("client_secret_basic"));
        assert_eq!(method(key(), None, &["client_secret_post"]), Ok("private_key_jwt"));
        assert_eq!(method(secret(), Some(AuthMethod::Post), &["client_secret_basic"]), Ok("client_secret_post"));
        assert_eq!(method(secret(), Some(AuthMethod::None), &[]), Ok("none"));
        for (evidence, forced, why) in [
            (None, AuthMethod::Basic, Unusable::NoSecret),
            (key(), AuthMethod::Post, Unusable::NoSecret),
            (None, AuthMethod::PrivateKeyJwt, Unusable::NoKey),
            (secret(), AuthMethod::PrivateKeyJwt, Unusable::NoKey),
        ] {
            assert_eq!(method(evidence, Some(forced), &[]), Err(why), "{forced:?}");
        }
    }

    #[test]
    fn a_key_must_make_a_signature_that_the_server_accepts() {
        let server = Server { assertion_algorithms: vec!["RS256".to_owned()], ..server("https://a") };
        let client = Client::configured("c", Some(Evidence::Key(key())), None, &server);
        assert_eq!(client.err(), Some(Unusable::Algorithm));
    }
}
