//! The form in which the store keeps a grant: one JSON object with a version.
//!
//! A version from the future is refused without writing, so that an older program cannot destroy what a newer one
//! understands. A member that an older program did not know is absent in what it wrote, and then has its default.

use serde::{Deserialize, Serialize};
use url::Url;

use super::{Flow, Grant, Issued, Renewals, State, Trouble};
use crate::app::client;
use crate::backends::Way;
use crate::backends::sign_in::Holder;
use crate::machine::Timestamp;
use crate::secret::Secret;

const VERSION: u32 = 1;

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
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<Holder>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    renewals: Vec<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<Trouble>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spill_key: Option<T>,
}

#[derive(Serialize, Deserialize)]
struct WrittenIssued<T> {
    issuer: String,
    token_endpoint: Url,
    revocation_endpoint: Option<Url>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_session_endpoint: Option<Url>,
    client: client::Written<T>,
    #[serde(default, skip_serializing_if = "Flow::is_code")]
    flow: Flow,
    resource: Option<String>,
    refresh_token: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_expires_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    scopes: Vec<String>,
    subject: Option<String>,
    account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dpop: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claims: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_skew: Option<i64>,
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl Grant {
    /// The form in which the store keeps it.
    pub fn encode(&self) -> Secret {
        let issued = self.issued.as_ref().map(|issued| WrittenIssued {
            issuer: issued.issuer.clone(),
            token_endpoint: issued.token_endpoint.clone(),
            revocation_endpoint: issued.revocation_endpoint.clone(),
            end_session_endpoint: issued.end_session_endpoint.clone(),
            client: client::Written::of(&issued.client),
            flow: issued.flow,
            resource: issued.resource.clone(),
            refresh_token: issued.refresh_token.as_ref().map(Secret::expose),
            refresh_expires_at: issued.refresh_expires_at,
            expires_at: issued.expires_at,
            scopes: issued.scopes.clone(),
            subject: issued.subject.clone(),
            account: issued.account.clone(),
            dpop: issued.dpop.as_ref().map(Secret::expose),
            claims: issued.claims.clone(),
            clock_skew: issued.clock_skew,
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
            holder: self.holder.clone(),
            renewals: self.renewals.recent.clone(),
            trouble: self.renewals.trouble.clone(),
            spill_key: self.renewals.spill_key.as_ref().map(Secret::expose),
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
        let issued = written.issued.map(|issued| issued.read().ok_or(Unreadable::Damaged)).transpose()?;
        Ok(Self {
            way: Way::of_word(&written.way).ok_or(Unreadable::Damaged)?,
            access_token: written.access_token,
            generation: written.generation,
            url: written.url,
            obtained_at: written.obtained_at,
            state: written.state,
            issued,
            holder: written.holder,
            renewals: Renewals { recent: written.renewals, trouble: written.trouble, spill_key: written.spill_key },
        })
    }
}

impl WrittenIssued<Secret> {
    fn read(self) -> Option<Issued> {
        Some(Issued {
            issuer: self.issuer,
            token_endpoint: self.token_endpoint,
            revocation_endpoint: self.revocation_endpoint,
            end_session_endpoint: self.end_session_endpoint,
            client: self.client.read()?,
            flow: self.flow,
            resource: self.resource,
            refresh_token: self.refresh_token,
            refresh_expires_at: self.refresh_expires_at,
            expires_at: self.expires_at,
            scopes: self.scopes,
            subject: self.subject,
            account: self.account,
            dpop: self.dpop,
            claims: self.claims,
            clock_skew: self.clock_skew,
        })
    }
}
