//! Whether the tokens of a login are bound to a key, and what becomes of tokens that are not (RFC 9449).

use std::sync::Arc;

use crate::app::grant::Grant;
use crate::config;
use crate::oauth::dpop::Key;
use crate::oauth::{Client, Error, Server};

/// A new key for a login whose tokens are to be bound: because the service takes no others, because the server binds
/// all that it gives to this client, or because the person wants it. `None` where nobody asks for it.
pub(super) fn key(
    connection: &config::Connection,
    (server, client): (&Server, &Client),
    bound_tokens_only: bool,
) -> Result<Option<Arc<Key>>, Error> {
    if !bound_tokens_only && !client.bound && !connection.dpop {
        return Ok(None);
    }
    server.binds_tokens()?;
    Ok(Some(Arc::new(Key::generate()?)))
}

/// Why tokens that are bound to nothing are not kept, where the service takes only bound ones: it would refuse them, so
/// they must not pass for a login.
pub(super) fn refused(bound_tokens_only: bool, grant: &Grant) -> Option<Error> {
    let issued = grant.issued.as_ref().filter(|issued| bound_tokens_only && issued.dpop.is_none())?;
    Some(Error::NotBound { host: issued.token_endpoint.host_str().unwrap_or_default().to_owned() })
}
