//! What a configured client proves itself with: a secret that it shares with one issuer, or a private key.
//!
//! It is kept beside the grants, belongs to one client id, and is shown to one issuer: the first that a login finds.
//! Whoever changes the address or the issuer in the configuration must not receive it.

use serde::{Deserialize, Serialize};

use super::{App, Error, Parts, provider};
use crate::config;
use crate::oauth::{ClientKey, Evidence, SigningKey};
use crate::secret::Secret;
use crate::store::Key;

/// What a person gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A secret.
    Secret,
    /// A private key in PEM.
    Key,
}

/// Longer texts are neither.
pub const LONGEST: u64 = 16 * 1024;

/// What is kept, as JSON; borrowed for writing, owned for reading.
#[derive(Serialize, Deserialize)]
struct Written<T> {
    client_id: String,
    /// To whom it is shown; `None` until a login knows.
    issuer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<T>,
}

/// Keeps what was typed or piped in for the client of this connection, in place of an older one.
pub async fn keep(app: &App, connection: &config::Connection, kind: Kind, typed: &Secret) -> Result<(), Error> {
    let name = &connection.name;
    let Some(client_id) = connection.client_id.clone() else {
        let issuer = connection.issuer.clone().unwrap_or_else(|| "the provider".to_owned());
        return Err(Error::ClientIdNeeded { connection: name.clone(), issuer, redirect: None });
    };
    let text = clean(kind, typed)?;
    let (secret, key) = match kind {
        Kind::Secret => (Some(text.expose()), None),
        Kind::Key => (None, Some(text.expose())),
    };
    save(&app.parts_of(connection), name, &Written { client_id, issuer: connection.issuer.clone(), secret, key }).await
}

/// What the client proves itself with at this issuer, if anything is kept.
pub(super) async fn load(
    parts: &Parts,
    connection: &config::Connection,
    client_id: &str,
    issuer: &str,
) -> Result<Option<Evidence>, Error> {
    let name = &connection.name;
    let Some(kept) = read(parts, name).await? else { return Ok(None) };
    let provider = provider::of(connection, issuer);
    let is_its = |named: &str| named == issuer || provider::is_issuer(provider, named, issuer);
    if kept.client_id != client_id || !kept.issuer.as_deref().is_none_or(is_its) {
        return Err(Error::ClientSecretElsewhere { connection: name.clone(), issuer: issuer.to_owned() });
    }
    let (id, audience) = (connection.client.key_id.clone(), connection.client.audience.clone());
    let key = kept.key.and_then(|pem| SigningKey::of_pem(&pem).ok());
    Ok(match key {
        Some(signing) => Some(Evidence::Key(ClientKey { signing, id, audience })),
        None => kept.secret.map(Evidence::Secret),
    })
}

/// From now on what is kept belongs to this issuer, unless it belongs to one already. Written down before anything is
/// shown: a login that fails afterwards may still have shown it.
pub(super) async fn bind(parts: &Parts, connection: &str, issuer: &str) -> Result<(), Error> {
    let Some(kept) = read(parts, connection).await?.filter(|kept| kept.issuer.is_none()) else { return Ok(()) };
    let (secret, key) = (kept.secret.as_ref().map(Secret::expose), kept.key.as_ref().map(Secret::expose));
    let written = Written { client_id: kept.client_id.clone(), issuer: Some(issuer.to_owned()), secret, key };
    save(parts, connection, &written).await
}

/// What cannot be read counts as absent: the next `--client-secret` replaces it.
async fn read(parts: &Parts, connection: &str) -> Result<Option<Written<Secret>>, Error> {
    let stored = parts.store.load(&Key::secret(connection)).await.map_err(Error::store(connection))?;
    Ok(stored.and_then(|text| serde_json::from_str(text.expose()).ok()))
}

/// Forgets it; whether there was one.
pub(super) async fn forget(parts: &Parts, connection: &str) -> Result<bool, Error> {
    parts.store.delete(&Key::secret(connection)).await.map_err(Error::store(connection))
}

async fn save(parts: &Parts, connection: &str, written: &Written<&str>) -> Result<(), Error> {
    // A struct of texts always has a JSON form.
    let text = Secret::new(serde_json::to_string(written).unwrap_or_default());
    parts.store.save(&Key::secret(connection), &text).await.map_err(Error::store(connection))
}

fn clean(kind: Kind, typed: &Secret) -> Result<Secret, Error> {
    let text = typed.expose().trim();
    if text.is_empty() {
        return Err(Error::NoKey { why: "it is empty" });
    }
    match kind {
        // RFC 6749 Appendix A.2; a pasted line break would be part of the secret and nobody would see it.
        Kind::Secret if !text.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) => {
            Err(Error::NoKey { why: "a client secret is one line of plain characters" })
        }
        Kind::Key => match SigningKey::of_pem(typed) {
            Ok(key) => Ok(key.pem().clone()),
            Err(error) => Err(Error::BadKey { error }),
        },
        Kind::Secret => Ok(Secret::new(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_one_line_and_a_key_is_a_key() {
        assert!(clean(Kind::Secret, &Secret::new(" s e\n")).is_ok_and(|secret| secret.matches("s e")));
        for text in ["", " \n", "a\nb", "schlüssel", "a\u{7f}b"] {
            assert!(matches!(clean(Kind::Secret, &Secret::new(text)), Err(Error::NoKey { .. })), "{text:?}");
        }
        assert!(matches!(clean(Kind::Key, &Secret::new("hunter2")), Err(Error::BadKey { .. })));
        let pem = include_str!("../oauth/jose/p256.pem");
        assert!(clean(Kind::Key, &Secret::new(pem)).is_ok_and(|key| key.matches(pem.trim())));
    }
}
