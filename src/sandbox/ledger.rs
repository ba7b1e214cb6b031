//! What the authorization server remembers: clients, open consents, codes, grants and the tokens of each grant.
//!
//! Everything is behind one lock, so that a code or a refresh token is spent by exactly one of many parallel requests.
//! Codes and tokens are kept as fingerprints only.

use std::collections::HashMap;

use super::client::Client;
use crate::machine::Timestamp;

/// More registrations than this are refused: the sandbox may stand open for a long time.
const MOST_CLIENTS: usize = 10_000;
/// A table is swept when it has grown to this.
const SWEEP: usize = 4096;

/// What a client asked the person for.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) client: String,
    pub(super) redirect: String,
    pub(super) state: Option<String>,
    pub(super) challenge: String,
    pub(super) scope: Vec<String>,
    /// Empty if the client named none: the token is then for every fake.
    pub(super) resources: Vec<String>,
    pub(super) nonce: Option<String>,
}

/// A consent page that somebody is looking at.
#[derive(Clone)]
pub(super) struct Consent {
    pub(super) ask: Ask,
    pub(super) csrf: String,
    pub(super) browser: String,
    pub(super) opened: Timestamp,
}

/// A code, and afterwards the proof that it was used.
pub(super) struct Code {
    pub(super) ask: Ask,
    pub(super) subject: String,
    pub(super) issued: Timestamp,
    /// The grant it was spent for.
    pub(super) grant: Option<u64>,
}

/// What a person allowed a client, with the refresh tokens that follow one another (a family).
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) id: u64,
    pub(super) client: String,
    pub(super) subject: String,
    pub(super) scope: Vec<String>,
    pub(super) resources: Vec<String>,
    pub(super) nonce: Option<String>,
    pub(super) begun: Timestamp,
    /// The last time a token was issued for it.
    pub(super) used: Timestamp,
    pub(super) revoked: bool,
}

/// One refresh token of a family.
pub(super) struct Refresh {
    pub(super) grant: u64,
    pub(super) spent: Option<Timestamp>,
}

/// One access token.
pub(super) struct Access {
    pub(super) grant: u64,
    pub(super) expires: Timestamp,
    pub(super) revoked: bool,
}

/// All of it.
#[derive(Default)]
pub(super) struct Ledger {
    clients: HashMap<String, Client>,
    consents: HashMap<String, Consent>,
    /// By fingerprint.
    pub(super) codes: HashMap<String, Code>,
    grants: HashMap<u64, Grant>,
    /// By fingerprint.
    pub(super) refresh: HashMap<String, Refresh>,
    /// By `jti`.
    access: HashMap<String, Access>,
    last_grant: u64,
}

impl Ledger {
    pub(super) fn client(&self, id: &str) -> Option<Client> {
        self.clients.get(id).cloned()
    }

    /// Keeps a client; `false` if there are too many.
    pub(super) fn keep_client(&mut self, client: Client) -> bool {
        let room = self.clients.len() < MOST_CLIENTS || self.clients.contains_key(&client.id);
        if room {
            self.clients.insert(client.id.clone(), client);
        }
        room
    }

    /// Forgets a client and ends everything it was allowed (RFC 7592 §2.3); `false` if there was none.
    pub(super) fn forget_client(&mut self, id: &str) -> bool {
        self.consents.retain(|_, consent| consent.ask.client != id);
        self.codes.retain(|_, code| code.ask.client != id);
        self.grants.values_mut().filter(|grant| grant.client == id).for_each(|grant| grant.revoked = true);
        self.clients.remove(id).is_some()
    }

    pub(super) fn open_consent(&mut self, ticket: String, consent: Consent, oldest: Timestamp) {
        if self.consents.len() >= SWEEP {
            self.consents.retain(|_, consent| consent.opened > oldest);
        }
        self.consents.insert(ticket, consent);
    }

    /// The open consent of this ticket, which stays open.
    pub(super) fn consent(&self, ticket: &str) -> Option<&Consent> {
        self.consents.get(ticket)
    }

    /// Takes the consent away, so that one page is one decision.
    pub(super) fn close_consent(&mut self, ticket: &str) -> Option<Consent> {
        self.consents.remove(ticket)
    }

    /// Keeps a code. Used ones stay long enough that a late second use is still noticed.
    pub(super) fn keep_code(&mut self, fingerprint: String, code: Code) {
        if self.codes.len() >= SWEEP {
            let oldest = code.issued.after(-3600);
            self.codes.retain(|_, code| code.issued > oldest);
        }
        self.codes.insert(fingerprint, code);
    }

    /// Begins a grant and returns it with its number. Those that ended, or were not used since `oldest`, may go.
    pub(super) fn begin(&mut self, mut grant: Grant, oldest: Timestamp) -> Grant {
        if self.grants.len() >= SWEEP {
            self.grants.retain(|_, grant| !grant.revoked && grant.used > oldest);
            let grants = &self.grants;
            self.refresh.retain(|_, refresh| grants.contains_key(&refresh.grant));
        }
        self.last_grant += 1;
        grant.id = self.last_grant;
        self.grants.insert(grant.id, grant.clone());
        grant
    }

    pub(super) fn grant(&self, id: u64) -> Option<&Grant> {
        self.grants.get(&id)
    }

    pub(super) fn touch(&mut self, id: u64, now: Timestamp) {
        if let Some(grant) = self.grants.get_mut(&id) {
            grant.used = now;
        }
    }

    /// Ends a family: its refresh tokens and its access tokens.
    pub(super) fn revoke(&mut self, id: u64) {
        if let Some(grant) = self.grants.get_mut(&id) {
            grant.revoked = true;
        }
    }

    /// Ends every family; the number of those that were alive.
    pub(super) fn revoke_all(&mut self) -> usize {
        let alive = self.grants.values_mut().filter(|grant| !grant.revoked);
        alive.map(|grant| grant.revoked = true).count()
    }

    pub(super) fn keep_access(&mut self, jti: String, access: Access, now: Timestamp) {
        if self.access.len() >= SWEEP {
            self.access.retain(|_, access| access.expires > now);
        }
        self.access.insert(jti, access);
    }

    /// The grant of an access token that is neither expired nor revoked.
    pub(super) fn alive(&self, jti: &str, now: Timestamp) -> Option<&Grant> {
        let access = self.access.get(jti).filter(|access| !access.revoked && access.expires > now)?;
        self.grants.get(&access.grant).filter(|grant| !grant.revoked)
    }

    pub(super) fn revoke_access(&mut self, jti: &str) {
        if let Some(access) = self.access.get_mut(jti) {
            access.revoked = true;
        }
    }

    /// Lets every access token of this moment be expired.
    pub(super) fn expire_access(&mut self, now: Timestamp) {
        self.access.values_mut().for_each(|access| access.expires = access.expires.min(now));
    }
}
