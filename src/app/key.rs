//! Keeping a key or token that the person pasted.

use super::audit::What;
use super::grant::Grant;
use super::session::{self, Custody};
use super::{App, Error, login};
use crate::backends::Way;
use crate::config;
use crate::secret::Secret;

/// Keeps `key` as the login of this connection, replacing an older login, and records the way in the configuration.
pub async fn keep(app: &App, connection: &config::Connection, way: Way, key: Secret) -> Result<login::Done, Error> {
    if let Some((variable, _)) = app.environment_token(connection) {
        return Err(Error::TokenInEnvironment { variable });
    }
    let app = &app.at(connection);
    let key = clean(&key)?;
    let url = connection.endpoint(way).ok_or_else(|| Error::NoAddress { connection: connection.name.clone() })?;
    let _claim = login::claim(app, &connection.name, login::By::Login)?;
    app.parts.store.prove().await.map_err(Error::store(&connection.name))?;
    {
        let custody = Custody::take(&app.parts, &connection.name, session::LONG_WAIT).await?;
        let now = app.parts.clock.now();
        let grant = Grant::pasted(way, key, &url, login::first_generation(now), now);
        let grant = custody.keep_login(grant).await.map_err(Error::store(&connection.name))?;
        app.parts.audit.done(What::Login, &connection.name, Some(&grant));
    }
    login::record(app, connection, way).await?;
    Ok(login::Done {
        connection: connection.name.clone(),
        way,
        account: None,
        holder: None,
        expires_at: None,
        renewable: false,
    })
}

/// A key becomes a header's value: a line break in it would start another header.
fn clean(key: &Secret) -> Result<Secret, Error> {
    let text = key.expose().trim();
    if text.is_empty() {
        return Err(Error::NoKey { why: "it is empty" });
    }
    if text.len() > 8192 {
        return Err(Error::NoKey { why: "it is longer than 8192 bytes" });
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::NoKey { why: "it has a space, a line break or a character that no header can carry" });
    }
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_trimmed_and_cannot_start_another_header() {
        assert_eq!(clean(&Secret::new(" tvly-k\n")).expect("a key").expose(), "tvly-k");
        for text in ["", "  \n", "a b", "a\r\nX-Evil: 1", "a\0b", "schlüssel", &"a".repeat(8193)] {
            assert!(matches!(clean(&Secret::new(text)), Err(Error::NoKey { .. })), "{text:?}");
        }
    }
}
