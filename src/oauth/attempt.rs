//! One login: what was asked for, and everything that the answer will be checked against (RFC 6749 §4.1, RFC 7636).

use std::fmt;
use std::sync::Arc;

use url::Url;

use super::client::Client;
use super::discovery::Server;
use super::dpop;
use super::error::Error;
use super::habits::Habits;
use super::random;
use super::response::Pending;
use super::token::{TokenType, Tokens};
use crate::secret::Secret;

/// A login that is under way. Lives in memory only; one answer is accepted, ever.
///
/// Every later check reads this record and never fresh metadata, so that nobody can change the rules in between.
pub struct Attempt {
    endpoint: Url,
    parameters: Vec<(String, String)>,
    url: Url,
    /// When the reference in `url` ends, where the request was pushed.
    ends_at: Option<i64>,
    pub(super) pending: Arc<Pending>,
    pub(super) verifier: Secret,
    pub(super) nonce: Option<Secret>,
    pub(super) max_age: Option<i64>,
    pub(super) redirect_uri: String,
    pub(super) token_endpoint: Url,
    pub(super) client: Client,
    pub(super) scopes: Vec<String>,
    pub(super) habits: Habits,
    pub(super) resource: Option<String>,
    pub(super) binding: Option<Arc<dpop::Key>>,
}

impl Attempt {
    /// Makes the request: a fresh state of 32 random bytes, a fresh verifier of 43 characters, S256 always, a nonce if
    /// `scopes` has `openid`, and `resource` (RFC 8707) if the caller names one.
    ///
    /// `redirect_uri` is sent exactly as given, here and at the token endpoint.
    pub fn new(
        server: &Server,
        client: &Client,
        redirect_uri: &str,
        scopes: &[String],
        resource: Option<&str>,
    ) -> Result<Self, Error> {
        let scopes = distinct(scopes)?;
        Url::parse(redirect_uri).map_err(|_| Error::Unusable { what: "redirect_uri" })?;
        if resource.is_some_and(|resource| Url::parse(resource).map_or(true, |url| url.fragment().is_some())) {
            return Err(Error::Unusable { what: "resource" });
        }
        let (state, verifier) = (random::secret()?, random::secret()?);
        let nonce = scopes.iter().any(|scope| scope == "openid").then(random::secret).transpose()?;
        let (scope, challenge) = (scopes.join(" "), random::challenge(&verifier));
        let mut parameters = vec![
            ("response_type", "code"),
            ("client_id", &client.id),
            ("redirect_uri", redirect_uri),
            ("state", state.expose()),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        parameters.extend(Some(("scope", scope.as_str())).filter(|_| !scopes.is_empty()));
        parameters.extend(resource.map(|resource| ("resource", resource)));
        parameters.extend(nonce.as_ref().map(|nonce| ("nonce", nonce.expose())));
        let endpoint = server.browser_endpoint()?.clone();
        let parameters: Vec<(String, String)> =
            parameters.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut url = endpoint.clone();
        url.query_pairs_mut().extend_pairs(&parameters);
        Ok(Self {
            endpoint,
            parameters,
            url,
            ends_at: None,
            pending: Arc::new(Pending::new(server, state)),
            verifier,
            nonce,
            max_age: None,
            redirect_uri: redirect_uri.to_owned(),
            token_endpoint: server.token_endpoint.clone(),
            client: client.clone(),
            scopes,
            habits: server.habits,
            resource: resource.map(String::from),
            binding: None,
        })
    }

    /// Adds a parameter that one provider needs (`prompt`, `audience`, …). Parameters of the protocol are left alone.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        if !is_reserved(name) {
            // What was asked for is also what the identity token must agree with.
            if name == "max_age" {
                self.max_age = value.parse().ok();
            }
            self.add(name, value);
        }
        self
    }

    fn add(&mut self, name: &str, value: &str) {
        self.url.query_pairs_mut().append_pair(name, value);
        self.parameters.push((name.to_owned(), value.to_owned()));
    }

    /// Everything that is asked for, to be pushed to the server.
    pub(super) fn parameters(&self) -> &[(String, String)] {
        &self.parameters
    }

    /// The same attempt, whose request the server keeps until `ends_at`: the browser carries the reference and nothing
    /// else of it (RFC 9126 §4).
    pub(super) fn by_reference(mut self, reference: &str, ends_at: i64) -> Self {
        self.url = self.endpoint.clone();
        self.url.query_pairs_mut().append_pair("client_id", &self.client.id).append_pair("request_uri", reference);
        self.ends_at = Some(ends_at);
        self
    }

    /// Until when the address for the browser is good, in seconds since 1970; `None` if it has no end of its own.
    pub fn ends_at(&self) -> Option<i64> {
        self.ends_at
    }

    /// Binds the code and the tokens to a key (RFC 9449 §10).
    #[must_use]
    pub fn bound(mut self, key: Arc<dpop::Key>) -> Self {
        self.add("dpop_jkt", key.thumbprint());
        self.binding = Some(key);
        self
    }

    /// The key that these tokens are bound to, to be kept with them; `None` for tokens that are bound to none.
    pub fn key_of(&self, tokens: &Tokens) -> Option<Secret> {
        let key = self.binding.as_ref().filter(|_| tokens.token_type == TokenType::Dpop)?;
        Some(key.secret().clone())
    }

    /// The address for the browser. It holds the state: it may be shown to the person and never logged.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The redirect URI, exactly as sent.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Whose answer is awaited.
    pub(super) fn issuer(&self) -> &str {
        self.pending.issuer()
    }

    /// The scopes that were asked for.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address holds the state.
        f.debug_struct("Attempt").field("client", &self.client.id).field("scopes", &self.scopes).finish_non_exhaustive()
    }
}

/// Whether a parameter of the authorization request is ours to set.
pub(super) fn is_reserved(name: &str) -> bool {
    const OURS: [&str; 13] = [
        "response_type",
        "response_mode",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "code_challenge",
        "code_challenge_method",
        "resource",
        "nonce",
        "dpop_jkt",
        "request",
        "request_uri",
    ];
    OURS.contains(&name)
}

/// Each scope once, in order. A scope is visible ASCII without quotes and backslashes (RFC 6749 §3.3).
fn distinct(scopes: &[String]) -> Result<Vec<String>, Error> {
    let mut found: Vec<String> = Vec::new();
    for scope in scopes {
        let usable = |byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        if scope.is_empty() || !scope.bytes().all(usable) {
            return Err(Error::Unusable { what: "scope" });
        }
        if !found.contains(scope) {
            found.push(scope.clone());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
