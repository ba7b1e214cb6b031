//! Registered clients: one per issuer, kept in the store and reused by every login at that issuer.
//!
//! Registering anew for each login would fill the provider's list of applications and forget the consent the person
//! gave. A registration may come with a secret, which is why it is kept where grants are.

use serde::{Deserialize, Serialize};

use super::{Error, Parts};
use crate::oauth::{self, AuthMethod, Client, SigningKey};
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
    let client =
        stored.and_then(|text| serde_json::from_str::<Written<Secret>>(text.expose()).ok()).and_then(Written::read);
    let now = parts.clock.now().0;
    Ok(client.filter(|client| !client.has_expired(now)))
}

/// Keeps the client before the browser opens, so that a crash during the login does not waste the registration.
pub(super) async fn save(parts: &Parts, connection: &str, issuer: &str, client: &Client) -> Result<(), Error> {
    let text = Secret::new(serde_json::to_string(&Written::of(client)).unwrap_or_default());
    parts.store.save(&Key::client(issuer), &text).await.map_err(Error::store(connection))
}

/// Forgets the client.
pub(super) async fn forget(parts: &Parts, connection: &str, issuer: &str) -> Result<bool, Error> {
    parts.store.delete(&Key::client(issuer)).await.map_err(Error::store(connection))
}
