//! Registered clients: one per issuer, kept in the store and reused by every login at that issuer.
//!
//! Registering anew for each login would fill the provider's list of applications and forget the consent the person
//! gave. A registration may come with a secret, which is why it is kept where grants are.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{App, Error, Parts};
use crate::oauth::{self, AuthMethod, Client, SigningKey, Unregistered};
use crate::secret::Secret;
use crate::store::Key;

/// A client as JSON; borrowed for writing, owned for reading.
#[derive(Serialize, Deserialize)]
pub(super) struct Written<T> {
    id: String,
    secret: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Signing<T>>,
    method: String,
    redirect_uris: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<String>>,
    secret_expires_at: Option<i64>,
    #[serde(default)]
    bound: bool,
    management: Option<Management<T>>,
}

/// A client's key.
#[derive(Serialize, Deserialize)]
struct Signing<T> {
    pem: T,
    algorithm: String,
    id: Option<String>,
    audience: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Management<T> {
    uri: url::Url,
    token: T,
}

impl<'a> Written<&'a str> {
    pub(super) fn of(client: &'a Client) -> Self {
        Self {
            id: client.id.clone(),
            secret: client.secret.as_ref().map(Secret::expose),
            key: client.key.as_ref().map(|key| Signing {
                pem: key.signing.pem().expose(),
                algorithm: key.signing.algorithm().name().to_owned(),
                id: key.id.clone(),
                audience: key.audience.clone(),
            }),
            method: client.method.name().to_owned(),
            redirect_uris: client.redirect_uris.clone(),
            scopes: client.scopes.clone(),
            secret_expires_at: client.secret_expires_at,
            bound: client.bound,
            management: client
                .registration
                .as_ref()
                .map(|management| Management { uri: management.uri.clone(), token: management.token.expose() }),
        }
    }
}

impl Written<Secret> {
    pub(super) fn read(self) -> Option<Client> {
        let key = match self.key {
            Some(key) => Some(oauth::ClientKey {
                signing: SigningKey::of_pem(&key.pem).ok()?.among(&[key.algorithm])?,
                id: key.id,
                audience: key.audience,
            }),
            None => None,
        };
        Some(Client {
            key,
            method: AuthMethod::of_name(&self.method)?,
            id: self.id,
            secret: self.secret,
            redirect_uris: self.redirect_uris,
            scopes: self.scopes,
            secret_expires_at: self.secret_expires_at,
            bound: self.bound,
            registration: self
                .management
                .map(|management| oauth::Management { uri: management.uri, token: management.token }),
        })
    }
}

/// The client registered at this issuer, if it can still be used. A damaged record counts as absent: registering again
/// replaces it.
pub(super) async fn load(parts: &Parts, connection: &str, issuer: &str) -> Result<Option<Client>, Error> {
    let stored = parts.store.load(&Key::client(issuer)).await.map_err(Error::store(connection))?;
    let now = parts.clock.now().0;
    Ok(stored.and_then(|text| read(&text)).filter(|client| !client.has_expired(now)))
}

/// Keeps the client before the browser opens, so that a crash during the login does not waste the registration.
pub(super) async fn save(parts: &Parts, connection: &str, issuer: &str, client: &Client) -> Result<(), Error> {
    let text = Secret::new(serde_json::to_string(&Written::of(client)).unwrap_or_default());
    parts.store.save(&Key::client(issuer), &text).await.map_err(Error::store(connection))
}

/// Forgets the client of that id, which the issuer refuses, so that the next login registers another; whether it was
/// the one that is kept. Grants are left alone: each has its own copy of the client it was issued to, and its access
/// token may still be good.
pub(super) async fn refused(parts: &Parts, connection: &str, issuer: &str, id: &str) -> Result<bool, Error> {
    let key = Key::client(issuer);
    let kept = parts.store.load(&key).await.map_err(Error::store(connection))?;
    if kept.and_then(|text| read(&text)).is_none_or(|client| client.id != id) {
        return Ok(false);
    }
    log::info!("`{issuer}` no longer knows the client that was registered there");
    parts.store.delete(&key).await.map_err(Error::store(connection))
}

/// How long the issuer has to end a registration; the local copy goes in any case.
const PATIENCE: Duration = Duration::from_secs(8);

/// What became of a registration.
#[derive(Clone, Debug)]
pub enum AtIssuer {
    /// There was none.
    Nothing,
    /// The issuer has ended it, or had done so before.
    Ended,
    /// It stays there: nobody asked, or the issuer does not let clients end it.
    Stays,
    /// It stays there, because this other connection is signed in with it.
    InUse(String),
    /// It stays there: the issuer could not be reached in time, or said no.
    Failed(Option<Arc<oauth::Error>>),
}

impl AtIssuer {
    /// The word for it in `--json`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Ended => "ended",
            Self::Stays => "stays",
            Self::InUse(_) => "in-use",
            Self::Failed(_) => "failed",
        }
    }
}

/// Ends the registration at the issuer and forgets it here. Done on request only: a registration outlives a logout,
/// because the person's consent at the provider is tied to it, and the next login goes on with both.
pub(super) async fn end(
    app: &App,
    parts: &Parts,
    name: &str,
    issuer: &str,
    local_only: bool,
) -> Result<AtIssuer, Error> {
    let key = Key::client(issuer);
    let kept = parts.store.load(&key).await.map_err(Error::store(name))?;
    let client = kept.and_then(|text| read(&text));
    let outcome = match client {
        None => AtIssuer::Nothing,
        Some(_) if local_only => AtIssuer::Stays,
        Some(client) => match user_of(app, name, issuer, &client.id).await {
            // Every token of the client ends with it.
            Some(other) => AtIssuer::InUse(other),
            None => match tokio::time::timeout(PATIENCE, oauth::unregister(&parts.http, &client)).await {
                Ok(Ok(Unregistered::Ended | Unregistered::Gone)) => AtIssuer::Ended,
                Ok(Ok(Unregistered::Unsupported)) => AtIssuer::Stays,
                Ok(Err(error)) => AtIssuer::Failed(Some(Arc::new(error))),
                Err(_) => AtIssuer::Failed(None),
            },
        },
    };
    parts.store.delete(&key).await.map_err(Error::store(name))?;
    Ok(outcome)
}

/// Another connection that is signed in with this client.
async fn user_of(app: &App, connection: &str, issuer: &str, id: &str) -> Option<String> {
    for other in app.config.connections.iter().filter(|other| other.name != connection) {
        let grant = app.session(other).stored().await.ok().flatten();
        let issued = grant.as_ref().and_then(|grant| grant.issued.as_ref());
        if issued.is_some_and(|issued| issued.issuer == issuer && issued.client.id == id) {
            return Some(other.name.clone());
        }
    }
    None
}

fn read(text: &Secret) -> Option<Client> {
    serde_json::from_str::<Written<Secret>>(text.expose()).ok().and_then(Written::read)
}
