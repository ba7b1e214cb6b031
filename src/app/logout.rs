//! A logout: ending the tokens at the provider, then forgetting what the store keeps for a connection.

use std::sync::Arc;
use std::time::Duration;

use super::grant::{Grant, Issued};
use super::session::{Custody, Removal, Unread};
use super::{App, Error, Parts, client, session};
use crate::config;
use crate::oauth::{self, Kind, Revocation};

/// How many logins that come in between are ended, too.
const ROUNDS: u8 = 3;
/// How long the provider has to end the tokens; the local copy goes in any case.
const PATIENCE: Duration = Duration::from_secs(8);

/// What to do besides forgetting the tokens.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish {
    /// Do not talk to the provider.
    pub local_only: bool,
    /// Also forget the client that was registered at the provider.
    pub forget_client: bool,
}

/// What a logout did.
#[derive(Clone, Debug)]
pub struct Done {
    /// Which connection.
    pub connection: String,
    /// Whether there was a login to forget.
    pub was_signed_in: bool,
    /// What became of the tokens at the provider.
    pub provider: AtProvider,
    /// The variable that still supplies a token, if there is one.
    pub variable: Option<String>,
}

/// What became of the tokens at the provider.
#[derive(Clone, Debug)]
pub enum AtProvider {
    /// There were none: nobody was signed in, or a key was kept, which has no end of its own.
    Nothing,
    /// They are ended.
    Ended,
    /// They live until they run out: nobody asked the provider, or it takes no such request.
    Unasked,
    /// They live until they run out: the provider could not be reached, or said no.
    Failed(Arc<oauth::Error>),
    /// They live until they run out: the provider did not answer in time.
    TimedOut,
}

impl AtProvider {
    /// The word for it in `--json`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Ended => "ended",
            Self::Unasked => "unasked",
            Self::Failed(_) => "failed",
            Self::TimedOut => "timed-out",
        }
    }
}

/// Ends and forgets the grant of a connection.
///
/// It holds the same lock as a renewal, so that one which is under way cannot bring the tokens back.
pub async fn run(app: &App, connection: &config::Connection, wish: Wish) -> Result<Done, Error> {
    let name = &connection.name;
    let custody = Custody::take(&app.parts, name, session::LONG_WAIT).await?;
    let mut known = match custody.read().await {
        Ok(known) => known,
        // What cannot be read can still be forgotten.
        Err(Unread::Newer | Unread::Damaged) => None,
        Err(Unread::Store(error)) => return Err(Error::store(name)(error)),
    };
    let mut rounds = 0..ROUNDS;
    let (provider, was_signed_in) = loop {
        let provider = match &known {
            Some(grant) => end(&app.parts, grant, wish.local_only).await,
            None => AtProvider::Nothing,
        };
        let looked_at = known.as_ref().map(|grant| grant.generation);
        match custody.delete(looked_at).await.map_err(Error::store(name))? {
            Removal::Removed(existed) => break (provider, existed),
            // A program that does not know the lock has logged in meanwhile. The person wants no login, and tokens that
            // were merely forgotten would live on at the provider: these are ended, too.
            Removal::Overtaken(newer) if rounds.next().is_some() => known = Some(*newer),
            Removal::Overtaken(_) => return Err(Error::Busy { connection: name.clone(), waited: session::LONG_WAIT }),
        }
    };
    if let Some(issued) = known.as_ref().and_then(|grant| grant.issued.as_ref()).filter(|_| wish.forget_client) {
        client::forget(&app.parts, name, &issued.issuer).await?;
    }
    Ok(Done {
        connection: name.clone(),
        was_signed_in,
        provider,
        variable: app.environment_token(connection).map(|(variable, _)| variable),
    })
}

async fn end(parts: &Parts, grant: &Grant, local_only: bool) -> AtProvider {
    let Some(issued) = &grant.issued else { return AtProvider::Nothing };
    let Some(endpoint) = issued.revocation_endpoint.as_ref().filter(|_| !local_only) else {
        return AtProvider::Unasked;
    };
    match tokio::time::timeout(PATIENCE, revoke(parts, endpoint, issued, grant)).await {
        Ok(Ok(())) => AtProvider::Ended,
        Ok(Err(error)) => AtProvider::Failed(Arc::new(error)),
        Err(_) => AtProvider::TimedOut,
    }
}

/// The refresh token first: with it, servers end the access tokens of the grant, too (RFC 7009 §2.1). Some end access
/// tokens only by their own name, and some cannot end them at all; the refresh token is what matters.
async fn revoke(parts: &Parts, endpoint: &url::Url, issued: &Issued, grant: &Grant) -> Result<(), oauth::Error> {
    let Issued { client, issuer, .. } = issued;
    let (http, now) = (&parts.http, parts.clock.now().0);
    let access = Revocation { endpoint, issuer, client, token: &grant.access_token, kind: Kind::Access, now };
    let Some(token) = &issued.refresh_token else { return oauth::revoke(http, access).await };
    oauth::revoke(http, Revocation { token, kind: Kind::Refresh, ..access }).await?;
    let _ = oauth::revoke(http, access).await;
    Ok(())
}
