//! A grant: what a login obtained and the store keeps for one connection.
//!
//! What it may be used for, how long it is good and when it must be renewed is decided here; how it is written is in
//! [`stored`].

use serde::{Deserialize, Serialize};
use url::Url;

use super::error::{Ended, Pause};
use crate::backends::Way;
use crate::backends::sign_in::Holder;
use crate::machine::Timestamp;
use crate::oauth;
use crate::secret::Secret;

mod stored;
#[cfg(test)]
mod tests;

pub use stored::Unreadable;

/// The end of a grant whose renewal was cut off: the provider may have replaced the refresh token unheard.
pub(super) const INTERRUPTED: &str = "interrupted";
/// The end of a grant whose renewal answered with the tokens of somebody else.
pub(super) const ACCOUNT_CHANGED: &str = "account_changed";

/// How far ahead of this machine's clock a moment in the past may lie before nothing is concluded from it.
const CLOCK_TOLERANCE: i64 = 300;
/// How long a token is used that was over when it was issued: it is renewed once a minute at most.
const SHORTEST_USE: i64 = 60;

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
    /// Whose it is, where a backend's own procedure has found out.
    pub holder: Option<Holder>,
    /// What earlier renewals leave behind for the next one, in whichever process.
    pub renewals: Renewals,
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
    /// Where the person's own session at the provider is ended, if it has such a page.
    pub end_session_endpoint: Option<Url>,
    /// To which client it was issued; a refresh token cannot move to another.
    pub client: oauth::Client,
    /// How it was obtained, which decides how it is renewed.
    pub flow: Flow,
    /// For which resource it was asked, character by character as the provider is told if it wants to be.
    pub resource: Option<String>,
    /// Renews it; used once where the provider rotates.
    pub refresh_token: Option<Secret>,
    /// When the refresh token ends; `None` if the provider did not say, or it has no end.
    pub refresh_expires_at: Option<Timestamp>,
    /// When the access token ends; `None` if the provider did not say.
    pub expires_at: Option<Timestamp>,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// Who signed in, as the provider names the account.
    pub subject: Option<String>,
    /// Who signed in, for people.
    pub account: Option<String>,
    /// The private key that the tokens are bound to (RFC 9449); `None` for bearer tokens.
    pub dpop: Option<Secret>,
    /// What the next login must carry in `claims`, because the provider said so when it refused a renewal.
    pub claims: Option<String>,
    /// Seconds by which the provider's clock was ahead of ours when it issued the access token, if it told its time.
    pub clock_skew: Option<i64>,
}

/// How tokens were obtained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// With a code, in a browser (RFC 6749 §4.1).
    #[default]
    Code,
    /// With a device code (RFC 8628).
    Device,
    /// By the client itself, without a person (RFC 6749 §4.4). There is no refresh token: the same is asked for again.
    ClientCredentials,
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

/// What earlier renewals leave behind.
#[derive(Clone, Debug, Default)]
pub struct Renewals {
    /// When those of the last minute were that the token's own lifetime does not account for.
    pub recent: Vec<Timestamp>,
    /// The failures since the last success.
    pub trouble: Option<Trouble>,
    /// Under which key the outcome of a renewal that was started is kept if the store fails; only while it is started.
    pub spill_key: Option<Secret>,
}

/// Renewals that failed in a row without ending the grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// How many.
    pub failures: u32,
    /// Before this moment nobody tries again.
    pub until: Timestamp,
    /// What kind the last one was of.
    pub kind: Pause,
}

impl Flow {
    const fn is_code(&self) -> bool {
        matches!(self, Self::Code)
    }
}

impl State {
    /// Why only a login helps, if that is so.
    pub fn ended(&self) -> Option<Ended> {
        match self {
            Self::Valid | Self::RefreshStarted => None,
            Self::NeedsLogin(code) => Some(match code.as_str() {
                INTERRUPTED => Ended::Interrupted,
                ACCOUNT_CHANGED => Ended::OtherAccount,
                _ => Ended::Revoked { code: code.clone() },
            }),
        }
    }
}

impl Grant {
    /// A key or token that the person pasted.
    pub fn pasted(way: Way, key: Secret, url: &Url, generation: u64, now: Timestamp) -> Self {
        Self {
            way,
            access_token: key,
            generation,
            url: url.to_string(),
            obtained_at: now,
            state: State::Valid,
            issued: None,
            holder: None,
            renewals: Renewals::default(),
        }
    }

    /// Whether it may be sent to `url` by a connection that signs in this way, at an issuer like this.
    ///
    /// Whoever changes the address in the configuration must not receive the token of the old one. A key belongs to a
    /// whole service, a token to one resource.
    pub fn belongs(&self, way: Way, url: &Url, is_issuer: impl Fn(&str) -> bool) -> bool {
        let is_there = match way {
            Way::ApiKey => Url::parse(&self.url).is_ok_and(|known| known.origin() == url.origin()),
            _ => self.url == url.as_str(),
        };
        let issued_by = self.issued.as_ref().map(|issued| issued.issuer.as_str());
        self.way == way && is_there && issued_by.is_none_or(is_issuer)
    }

    /// Who signed in, for people.
    pub fn account(&self) -> Option<&str> {
        let issued = self.issued.as_ref().and_then(|issued| issued.account.as_deref());
        issued.or_else(|| self.holder.as_ref().map(|holder| holder.account.as_str()))
    }

    /// When the access token ends, if that is known.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.issued.as_ref().and_then(|issued| issued.expires_at)
    }

    /// Whether it can be renewed without the person, as far as is known without a clock.
    pub fn is_renewable(&self) -> bool {
        let has_means = |issued: &Issued| issued.refresh_token.is_some() || issued.flow == Flow::ClientCredentials;
        self.issued.as_ref().is_some_and(has_means) && !matches!(self.state, State::NeedsLogin(_))
    }

    /// Whether it can be renewed at this moment: a refresh token that has run out is not worth a request.
    pub fn renews(&self, now: Timestamp) -> bool {
        let is_over = |issued: &Issued| {
            issued.flow != Flow::ClientCredentials && issued.refresh_expires_at.is_some_and(|end| end <= now)
        };
        self.is_renewable() && !self.issued.as_ref().is_some_and(is_over)
    }

    /// How long before its end the token is renewed: a tenth of its lifetime, at least 10 s, at most 300 s, and never
    /// more than half of the lifetime.
    pub fn skew(&self) -> i64 {
        let lifetime = self.lifetime().unwrap_or(0).max(0);
        (lifetime / 10).clamp(10, 300).min(lifetime / 2)
    }

    /// Whether the access token is good for another `seconds`. A token of unknown end is taken as good: the service's
    /// 401 will tell.
    pub fn lasts(&self, now: Timestamp, seconds: i64) -> bool {
        let Some(expires_at) = self.expires_at() else {
            return self.issued.is_none() || !matches!(self.state, State::NeedsLogin(_));
        };
        // The clock was set back since: of such a token nobody knows how old it is, and renewing on every call until
        // the clock has caught up would be a loop.
        if self.comes_from_the_future(now) {
            return !matches!(self.state, State::NeedsLogin(_));
        }
        // Some servers say 0 and mean anything. Its first use renews it; what that brings must do for a minute.
        if self.lifetime().is_some_and(|lifetime| lifetime <= 0) {
            let is_renewed = self.renewals.recent.last().is_some_and(|renewal| *renewal <= self.obtained_at);
            return is_renewed && now.since(self.obtained_at) < SHORTEST_USE;
        }
        now.after(seconds) < expires_at
    }

    /// Whether it was obtained at a moment that is still to come: this machine's clock was set back.
    pub fn comes_from_the_future(&self, now: Timestamp) -> bool {
        self.obtained_at.since(now) > CLOCK_TOLERANCE
    }

    /// Whether the token's own lifetime asks for its renewal by now.
    pub fn is_ripe(&self, now: Timestamp) -> bool {
        let reached = |end: Timestamp| now.after(self.skew()) >= end && !self.comes_from_the_future(now);
        self.lifetime().is_some_and(|lifetime| lifetime > 0) && self.expires_at().is_some_and(reached)
    }

    fn lifetime(&self) -> Option<i64> {
        self.expires_at().map(|end| end.since(self.obtained_at))
    }

    /// How the token travels: bound to a key, or good for whoever has it.
    pub fn scheme(&self) -> &'static str {
        let is_bound = self.issued.as_ref().is_some_and(|issued| issued.dpop.is_some());
        if is_bound { "DPoP" } else { "Bearer" }
    }

    /// The whole value of an `Authorization` header.
    pub fn authorization(&self) -> Secret {
        Secret::new(format!("{} {}", self.scheme(), self.access_token.expose()))
    }
}
