//! The end of a login: the code becomes tokens, the tokens are looked at, and only then they are stored.
//!
//! It runs in a task that nobody can cancel half-way: a code that was exchanged for nothing cannot be used again, and a
//! token that was issued to somebody else must be ended at the provider.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use url::Url;

use super::occupant::{self, Whose};
use super::person::Swap;
use super::{Proto, binding, first_generation, identify, record};
use crate::app::error::{Left, Outsider};
use crate::app::grant::{Flow, Grant, Issued, Renewals, State};
use crate::app::session::{self, Custody};
use crate::app::{App, Error, Parts};
use crate::backends::Way;
use crate::config;
use crate::oauth::{self, Account, Attempt, Kind, Revocation, Tokens};
use crate::secret::Secret;
use crate::store;

/// How long the provider has to end tokens that are not kept.
const PATIENCE: Duration = Duration::from_secs(8);

/// A question that only the person can answer; without an answer the answer is no.
pub(super) struct Question {
    pub(super) swap: Swap,
    pub(super) answer: oneshot::Sender<bool>,
}

/// What the person's answer brought.
pub(super) enum Brought {
    /// A code to exchange.
    Code(Arc<Attempt>, Secret),
    /// Tokens, and the key they are bound to.
    Tokens(Box<Tokens>, Option<Secret>),
}

/// Who signed in, if the provider said so; an error if what it said does not hold.
type Identified = Result<Option<Account>, oauth::Error>;

/// What it takes to end a login.
pub(super) struct Keeper {
    /// The program as it is for this connection.
    pub(super) app: App,
    pub(super) connection: config::Connection,
    pub(super) issued: Proto,
    /// The account that must have signed in.
    pub(super) expect: Option<String>,
}

impl Keeper {
    /// Makes the grant and stores it, unless it is somebody else's.
    pub(super) async fn keep(&self, brought: Brought, ask: mpsc::Sender<Question>) -> Result<Grant, Error> {
        // A renewal of the older login may be under way in another process; the newer login must have the last word. The
        // lock comes before the code is spent, because a code that was exchanged for nothing cannot be used again.
        let custody = self.custody().await?;
        let (grant, identified) = self.grant(brought).await?;
        let identified = match binding::refused(self.issued.bound_tokens_only, &grant) {
            Some(error) => Err(error),
            None => identified,
        };
        let account = match identified {
            Ok(account) => account,
            // Whoever they belong to, they must not stay open unseen.
            Err(error) => {
                drop(custody);
                self.end(&grant).await;
                return Err(Error::Login { connection: self.connection.name.clone(), error: Arc::new(error) });
            }
        };
        if let Some(expected) = &self.expect {
            let fits = account.as_ref().is_some_and(|account| fits(account, expected));
            if !fits {
                drop(custody);
                let actual = account.map(|account| account.label().to_owned());
                return Err(self.refuse(&grant, Outsider::Unexpected { expected: expected.clone(), actual }).await);
            }
        } else if let Some(swap) = self.swap(&grant).await? {
            // The person may take their time, and renewals of the stored login must not wait for that.
            drop(custody);
            let (answer, decision) = oneshot::channel();
            let asked = ask.send(Question { swap: swap.clone(), answer }).await.is_ok();
            if !asked || !decision.await.unwrap_or(false) {
                let Swap { stored, new, .. } = swap;
                return Err(self.refuse(&grant, Outsider::Swapped { stored, new }).await);
            }
            return match self.custody().await {
                Ok(custody) => self.store(custody, grant).await,
                Err(busy) => {
                    self.end(&grant).await;
                    Err(busy)
                }
            };
        }
        self.store(custody, grant).await
    }

    async fn custody(&self) -> Result<Custody, Error> {
        Custody::take(&self.app.parts, &self.connection.name, session::LONG_WAIT).await
    }

    /// The grant, without the account: that is looked at next.
    async fn grant(&self, brought: Brought) -> Result<(Grant, Identified), Error> {
        let parts = &self.app.parts;
        let (tokens, key, flow, identified) = match brought {
            Brought::Code(attempt, code) => {
                let tokens = match oauth::exchange(&parts.http, &attempt, &code, parts.clock.now().0).await {
                    Ok(tokens) => tokens,
                    Err(error) => return Err(self.failed(error).await),
                };
                let now = parts.clock.now().0;
                let identified = attempt.identify(&parts.http, &self.issued.server, &tokens, now).await;
                let key = attempt.key_of(&tokens);
                (tokens, key, Flow::Code, identified)
            }
            Brought::Tokens(tokens, key) => {
                let (client_id, now) = (self.issued.client.id.as_str(), parts.clock.now().0);
                let expected = oauth::Expected { client_id, nonce: None, max_age: None, now };
                let identified = oauth::identify(&parts.http, &self.issued.server, &tokens, &expected).await;
                (*tokens, key, Flow::Device, identified)
            }
        };
        session::odd(&self.connection.name, &tokens);
        let (now, issued) = (parts.clock.now(), self.issued.clone());
        let account = identified.as_ref().ok().and_then(Option::as_ref);
        let grant = Grant {
            way: Way::OAuth,
            generation: first_generation(now),
            url: issued.url,
            obtained_at: session::obtained(&tokens, now),
            state: State::Valid,
            issued: Some(Issued {
                issuer: issued.issuer,
                token_endpoint: issued.server.token_endpoint,
                revocation_endpoint: issued.server.revocation_endpoint,
                end_session_endpoint: issued.server.end_session_endpoint,
                client: issued.client,
                flow,
                resource: issued.resource,
                expires_at: session::expiry(&tokens, now),
                refresh_expires_at: session::refresh_expiry(&tokens, now),
                claims: None,
                clock_skew: session::clock_skew(&self.connection.name, &tokens, now),
                dpop: key,
                refresh_token: tokens.refresh_token,
                scopes: tokens.scope.unwrap_or(issued.scopes),
                subject: account.map(|account| account.subject.clone()),
                account: account.map(|account| account.label().to_owned()),
            }),
            access_token: tokens.access_token,
            holder: None,
            renewals: Renewals::default(),
        };
        Ok((grant, identified))
    }

    async fn failed(&self, error: oauth::Error) -> Error {
        let Proto { issuer, client, origin, .. } = &self.issued;
        identify::failed(&self.app.parts, &self.connection.name, (issuer, client, *origin), error).await
    }

    /// Whether the stored login is another account's. What came for one that cannot be read is ended.
    async fn swap(&self, grant: &Grant) -> Result<Option<Swap>, Error> {
        let Some(new) = &grant.issued else { return Ok(None) };
        let swap = occupant::swap(&self.app.parts, &self.connection.name, Whose::Issued(new)).await;
        if swap.is_err() {
            self.end(grant).await;
        }
        swap
    }

    async fn store(&self, custody: Custody, grant: Grant) -> Result<Grant, Error> {
        let name = &self.connection.name;
        let kept = match custody.keep_login(grant.clone()).await {
            Ok(kept) => kept,
            Err(error) => {
                drop(custody);
                // A write that is late may still land, and then it is a login.
                if !matches!(error, store::Error::TimedOut { .. }) {
                    self.end(&grant).await;
                }
                return Err(Error::store(name)(error));
            }
        };
        drop(custody);
        // Here and not by whoever waits: an interrupted wait must not leave a login of a connection that nobody knows. The
        // login stands all the same, and to say otherwise would leave it behind unseen.
        if let Err(error) = record(&self.app, &self.connection, Way::OAuth).await {
            log::warn!("the login is kept, and the configuration does not know of it yet ({error})");
            log::warn!("`keyward login {name}` writes it down once that works; `keyward logout {name}` ends it");
        }
        Ok(kept)
    }

    /// Nothing is stored, and the tokens are ended: a login of somebody else must not stay open unseen.
    async fn refuse(&self, grant: &Grant, who: Outsider) -> Error {
        let left = if self.end(grant).await { Left::Ended } else { Left::Alive };
        Error::OtherAccount { connection: self.connection.name.clone(), who, left }
    }

    /// Ends the tokens at the provider; whether it did.
    async fn end(&self, grant: &Grant) -> bool {
        ended(&self.app.parts, grant).await
    }
}

/// Ends the tokens of a login that is not kept; whether the provider did it in time.
pub(super) async fn ended(parts: &Parts, grant: &Grant) -> bool {
    let Some(issued) = &grant.issued else { return false };
    let tokens = (issued.refresh_token.as_ref(), &grant.access_token);
    end(parts, (issued.revocation_endpoint.as_ref(), &issued.issuer, &issued.client), tokens).await
}

/// As [`ended`], for tokens that came when nobody waited for them any more.
pub(super) async fn ended_at(parts: &Parts, issued: &Proto, tokens: &Tokens) -> bool {
    let provider = (issued.server.revocation_endpoint.as_ref(), issued.issuer.as_str(), &issued.client);
    end(parts, provider, (tokens.refresh_token.as_ref(), &tokens.access_token)).await
}

/// Ends the tokens at the provider, the refresh token first: with it servers end the access tokens, too (RFC 7009 §2.1).
async fn end(
    parts: &Parts,
    (endpoint, issuer, client): (Option<&Url>, &str, &oauth::Client),
    (refresh, access): (Option<&Secret>, &Secret),
) -> bool {
    let Some(endpoint) = endpoint else { return false };
    let now = parts.clock.now().0;
    let work = async {
        let mut ended = true;
        for (token, kind) in [(refresh, Kind::Refresh), (Some(access), Kind::Access)] {
            let Some(token) = token else { continue };
            let revoked = oauth::revoke(&parts.http, Revocation { endpoint, issuer, client, token, kind, now }).await;
            // Some servers end access tokens with their refresh token only, and say no to more.
            ended &= revoked.is_ok() || (kind == Kind::Access && refresh.is_some());
        }
        ended
    };
    tokio::time::timeout(PATIENCE, work).await.unwrap_or(false)
}

/// Whether this is the account that was named: by its subject, its address or its name. Addresses differ in case only by
/// accident.
fn fits(account: &Account, expected: &str) -> bool {
    // A name is what people call themselves: it counts only if the provider vouches for it, and never as an address.
    let named = account.verified && !expected.contains('@') && account.name.as_deref() == Some(expected);
    account.subject == expected
        || named
        || account.email.as_deref().is_some_and(|email| email.eq_ignore_ascii_case(expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_named_by_its_subject_its_address_or_its_name() {
        let account = Account {
            subject: "248".to_owned(),
            name: Some("Ada".to_owned()),
            email: Some("ada@example.com".to_owned()),
            verified: true,
        };
        for (expected, fit) in [
            ("248", true),
            ("Ada", true),
            ("Ada@Example.com", true),
            ("ada", false),
            ("ada@example.net", false),
            ("24", false),
            ("ada@example.org", false),
            ("", false),
        ] {
            assert_eq!(fits(&account, expected), fit, "{expected}");
        }
        // What people call themselves is no proof of an address, and without a signature of nothing.
        let named =
            |name: &str, verified| Account { name: Some(name.to_owned()), email: None, verified, ..account.clone() };
        assert!(!fits(&named("eve@example.com", true), "eve@example.com"));
        assert!(fits(&named("Ada", true), "Ada") && !fits(&named("Ada", false), "Ada"));
        let nameless = Account { subject: "248".to_owned(), name: None, email: None, verified: true };
        assert!(!fits(&nameless, ""));
    }
}
