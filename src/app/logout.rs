//! A logout: ending the tokens at the provider, then forgetting what the store keeps for a connection.

use std::sync::Arc;
use std::time::Duration;

use super::audit::What;
use super::client::{self, AtIssuer};
use super::grant::{Grant, Issued};
use super::session::{Custody, Removal, Unread};
use super::{App, Error, Parts, login, secret_of_client, session};
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
    /// Also end the registration of the client at the provider, and forget it and its secret.
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
    /// What became of the client that was registered there, if it was to be forgotten.
    pub client: AtIssuer,
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
    let (app, name) = (&app.at(connection), &connection.name);
    let custody = Custody::take(&app.parts, name, session::LONG_WAIT).await?;
    let mut known = match custody.read().await {
        Ok(known) => known,
        // What cannot be read can still be forgotten.
        Err(Unread::Damaged) => None,
        Err(unread) => return Err(Error::store(name)(custody.failure(unread))),
    };
    let mut rounds = 0..ROUNDS;
    let (provider, was_signed_in) = loop {
        let provider = match &known {
            Some(grant) => end(&app.parts, grant, wish.local_only).await,
            None => AtProvider::Nothing,
        };
        let looked_at = known.as_ref().map(|grant| grant.generation);
        let deleted = custody.delete(looked_at).await.map_err(Error::store(name));
        match deleted.inspect_err(|error| app.parts.audit.failed(What::Logout, name, error))? {
            Removal::Removed(existed) => break (provider, existed),
            // A program that does not know the lock has logged in meanwhile. The person wants no login, and tokens that
            // were merely forgotten would live on at the provider: these are ended, too.
            Removal::Overtaken(newer) if rounds.next().is_some() => known = Some(*newer),
            Removal::Overtaken(_) => return Err(Error::Busy { connection: name.clone(), waited: session::LONG_WAIT }),
        }
    };
    app.parts.audit.done(What::Logout, name, known.as_ref());
    let issuer = known.as_ref().and_then(|grant| grant.issued.as_ref()).map(|issued| issued.issuer.as_str());
    let client = if wish.forget_client {
        secret_of_client::forget(&app.parts, name).await?;
        end_client(app, connection, issuer, wish.local_only).await?
    } else {
        AtIssuer::Nothing
    };
    Ok(Done {
        connection: name.clone(),
        was_signed_in,
        provider,
        client,
        variable: app.environment_token(connection).map(|(variable, _)| variable),
    })
}

/// Without a login to tell who the issuer is, the configuration or the service does: a client that the issuer refuses at
/// the first login must be forgotten, too.
async fn end_client(
    app: &App,
    connection: &config::Connection,
    issuer: Option<&str>,
    local_only: bool,
) -> Result<AtIssuer, Error> {
    let found = match issuer.or(connection.issuer.as_deref()) {
        Some(issuer) => Some(issuer.to_owned()),
        None if local_only => None,
        None => login::issuer(app, connection).await.ok(),
    };
    match found {
        Some(issuer) => client::end(app, connection, &issuer, local_only).await,
        None => Ok(AtIssuer::Nothing),
    }
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
