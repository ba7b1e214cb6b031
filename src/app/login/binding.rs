//! Whether the tokens of a login are bound to a key, and what becomes of tokens that are not (RFC 9449).

use std::sync::Arc;

use crate::config;
use crate::oauth::dpop::{Key, Unbound};
use crate::oauth::{Client, Error, Server};

/// A new key for a login whose tokens are to be bound: because the service takes no others, because the server binds
/// all that it gives to this client, or because the person wants it. `None` where nobody asks for it.
pub(super) fn key(
    connection: &config::Connection,
    (server, client): (&Server, &Client),
    bound_tokens_only: bool,
) -> Result<Option<(Arc<Key>, Unbound)>, Error> {
    if !bound_tokens_only && !client.bound && !connection.dpop {
        return Ok(None);
    }
    server.binds_tokens()?;
    // What the service would refuse must not be kept as if it were a login.
    let unbound = if bound_tokens_only { Unbound::Refused } else { Unbound::Accepted };
    Ok(Some((Arc::new(Key::generate()?), unbound)))
}
