//! A grant: what a login obtained and the store keeps for one connection.
//!
//! It is kept as one JSON object with a version. A version from the future is refused without writing, so that an older
//! program cannot destroy what a newer one understands.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::backends::Way;
use crate::machine::Timestamp;
use crate::oauth;
use crate::secret::Secret;

const VERSION: u32 = 1;

/// What a login obtained.
#[derive(Clone, Debug)]
pub struct Grant {
    /// How the person signed in.
    pub way: Way,
    /// The access token, or the key that the person pasted.
    pub access_token: Secret,
    /// Grows with every login and every renewal, so that two grants can be told apart and put in order.
    pub generation: u64,
    /// The address it is good for: where the connection pointed at the login.
    pub url: String,
    /// When the access token arrived.
    pub obtained_at: Timestamp,
    /// Whether it can still be used.
    pub state: State,
    /// What an OAuth login obtained besides; `None` for a key or a pasted token.
    pub issued: Option<Issued>,
}

/// The OAuth part of a grant.
#[derive(Clone, Debug)]
pub struct Issued {
    /// Who issued it.
    pub issuer: String,
    /// Where it is renewed.
    pub token_endpoint: Url,
    /// Where it is ended, if the provider lets it be.
    pub revocation_endpoint: Option<Url>,
    /// To which client it was issued; a refresh token cannot move to another.
    pub client: oauth::Client,
    /// For which resource it was asked, character by character as it was sent.
    pub resource: Option<String>,
    /// Renews it; used once where the provider rotates.
    pub refresh_token: Option<Secret>,
    /// When the access token ends; `None` if the provider did not say.
    pub expires_at: Option<Timestamp>,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// Who signed in, as the provider names the account.
    pub subject: Option<String>,
    /// Who signed in, for people.
    pub account: Option<String>,
}

/// Whether a grant can still be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// As far as is known, yes.
    Valid,
    /// A renewal was started and its end is not known: the refresh token may be used up.
    RefreshStarted,
    /// The provider said no, with this code: only a login helps.
    NeedsLogin(String),
}

/// Why stored bytes are not a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// A newer program wrote it.
    Newer,
    /// It is damaged.
    Damaged,
}

/// A grant as JSON; borrowed for writing, owned for reading.
#[derive(Serialize, Deserialize)]
struct Written<T> {
    version: u32,
    way: String,
    access_token: T,
    generation: u64,
    url: String,
    obtained_at: Timestamp,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued: Option<WrittenIssued<T>>,
}

#[derive(Serialize, Deserialize)]
struct WrittenIssued<T> {
    issuer: String,
    token_endpoint: Url,
    revocation_endpoint: Option<Url>,
    client: super::client::Written<T>,
    resource: Option<String>,
    refresh_token: Option<T>,
    expires_at: Option<Timestamp>,
    scopes: Vec<String>,
    subject: Option<String>,
    account: Option<String>,
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl Grant {
    /// A key or token that the person pasted.
    pub fn pasted(way: Way, key: Secret, url: &Url, generation: u64, now: Timestamp) -> Self {
        let url = url.to_string();
        Self { way, access_token: key, generation, url, obtained_at: now, state: State::Valid, issued: None }
    }

    /// The form in which the store keeps it.
    pub fn encode(&self) -> Secret {
        let issued = self.issued.as_ref().map(|issued| WrittenIssued {
            issuer: issued.issuer.clone(),
            token_endpoint: issued.token_endpoint.clone(),
            revocation_endpoint: issued.revocation_endpoint.clone(),
            client: super::client::Written::of(&issued.client),
            resource: issued.resource.clone(),
            refresh_token: issued.refresh_token.as_ref().map(Secret::expose),
            expires_at: issued.expires_at,
            scopes: issued.scopes.clone(),
            subject: issued.subject.clone(),
            account: issued.account.clone(),
        });
        let written = Written {
            version: VERSION,
            way: self.way.word().to_owned(),
            access_token: self.access_token.expose(),
            generation: self.generation,
            url: self.url.clone(),
            obtained_at: self.obtained_at,
            state: self.state.clone(),
            issued,
        };
        // A struct of texts and numbers always has a JSON form.
        Secret::new(serde_json::to_string(&written).unwrap_or_default())
    }

    /// Reads what [`Grant::encode`] made.
    pub fn decode(text: &Secret) -> Result<Self, Unreadable> {
        let text = text.expose();
        let Versioned { version } = serde_json::from_str(text).map_err(|_| Unreadable::Damaged)?;
        if version > VERSION {
            return Err(Unreadable::Newer);
        }
        let written: Written<Secret> = serde_json::from_str(text).map_err(|_| Unreadable::Damaged)?;
        let issued = match written.issued {
            None => None,
            Some(issued) => Some(Issued {
                issuer: issued.issuer,
                token_endpoint: issued.token_endpoint,
                revocation_endpoint: issued.revocation_endpoint,
                client: issued.client.read().ok_or(Unreadable::Damaged)?,
                resource: issued.resource,
                refresh_token: issued.refresh_token,
                expires_at: issued.expires_at,
                scopes: issued.scopes,
                subject: issued.subject,
                account: issued.account,
            }),
        };
        Ok(Self {
            way: Way::of_word(&written.way).ok_or(Unreadable::Damaged)?,
            access_token: written.access_token,
            generation: written.generation,
            url: written.url,
            obtained_at: written.obtained_at,
            state: written.state,
            issued,
        })
    }

    /// Whether it may be sent to `url` by a connection that signs in this way, at this issuer if one is configured.
    ///
    /// Whoever changes the address in the configuration must not receive the token of the old one. A key belongs to a
    /// whole service, a token to one resource.
    pub fn belongs(&self, way: Way, url: &Url, issuer: Option<&str>) -> bool {
        let is_there = match way {
            Way::ApiKey => Url::parse(&self.url).is_ok_and(|known| known.origin() == url.origin()),
            _ => self.url == url.as_str(),
        };
        let issued_by = self.issued.as_ref().map(|issued| issued.issuer.as_str());
        self.way == way && is_there && issuer.is_none_or(|issuer| issued_by.is_none_or(|known| known == issuer))
    }

    /// When the access token ends, if that is known.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.issued.as_ref().and_then(|issued| issued.expires_at)
    }

    /// Whether it can be renewed without the person.
    pub fn is_renewable(&self) -> bool {
        self.issued.as_ref().is_some_and(|issued| issued.refresh_token.is_some())
            && !matches!(self.state, State::NeedsLogin(_))
    }

    /// How long before its end the token is renewed: a tenth of its lifetime, at least 10 s, at most 300 s, and never
    /// more than half of the lifetime.
    pub fn skew(&self) -> i64 {
        let Some(expires_at) = self.expires_at() else { return 0 };
        let lifetime = expires_at.since(self.obtained_at).max(0);
        (lifetime / 10).clamp(10, 300).min(lifetime / 2)
    }

    /// Whether the access token is good for another `seconds`. A token of unknown end is taken as good: the service's
    /// 401 will tell.
    pub fn lasts(&self, now: Timestamp, seconds: i64) -> bool {
        if matches!(self.state, State::NeedsLogin(_)) && self.issued.is_some() && self.expires_at().is_none() {
            return false;
        }
        self.expires_at().is_none_or(|expires_at| now.after(seconds) < expires_at)
    }

    /// The whole value of an `Authorization` header.
    pub fn bearer(&self) -> Secret {
        Secret::new(format!("Bearer {}", self.access_token.expose()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pasted() -> Grant {
        Grant::pasted(Way::ApiKey, Secret::new("tvly-k"), &url("https://api.example/v1"), 7, Timestamp(100))
    }

    fn url(text: &str) -> Url {
        Url::parse(text).expect("an address")
    }

    #[test]
    fn a_key_belongs_to_its_service_and_a_token_to_its_resource() {
        let key = pasted();
        assert!(key.belongs(Way::ApiKey, &url("https://api.example/other"), None));
        assert!(!key.belongs(Way::ApiKey, &url("https://evil.example/v1"), None));
        assert!(!key.belongs(Way::OAuth, &url("https://api.example/v1"), None));
        let token = Grant { way: Way::OAuth, ..pasted() };
        assert!(token.belongs(Way::OAuth, &url("https://api.example/v1"), None));
        for other in ["https://api.example/v2", "https://api.example:444/v1", "https://evil.example/v1"] {
            assert!(!token.belongs(Way::OAuth, &url(other), None), "{other}");
        }
    }

    #[test]
    fn a_grant_survives_the_store() {
        let again = Grant::decode(&pasted().encode()).expect("readable");
        assert_eq!(again.encode().expose(), pasted().encode().expose());
        assert_eq!((again.way, again.generation, again.state), (Way::ApiKey, 7, State::Valid));
    }

    #[test]
    fn a_grant_from_the_future_is_told_apart_from_a_damaged_one() {
        let newer = Secret::new("{\"version\":2,\"anything\":true}");
        assert_eq!(Grant::decode(&newer).err(), Some(Unreadable::Newer));
        for text in ["", "{}", "{\"version\":1}", "null", "{\"version\":1,\"way\":\"none\"", "\u{0}"] {
            assert_eq!(Grant::decode(&Secret::new(text)).err(), Some(Unreadable::Damaged), "{text:?}");
        }
    }
}
