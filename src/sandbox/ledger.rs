//! What the authorization server remembers: clients, open consents, codes, grants and the tokens of each grant.
//!
//! Everything is behind one lock, so that a code or a refresh token is spent by exactly one of many parallel requests.
//! Codes and tokens are kept as fingerprints only.

use std::collections::{HashMap, HashSet, VecDeque};

use serde_json::Value;

use super::client::Client;
use super::params::Params;
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
    /// Absent only at a provider that does without PKCE, and for a device.
    pub(super) challenge: Option<String>,
    pub(super) scope: Vec<String>,
    /// Empty if the client named none: the token is then for every fake.
    pub(super) resources: Vec<String>,
    pub(super) nonce: Option<String>,
    /// The thumbprint of the only key that may redeem the code (RFC 9449 §10).
    pub(super) jkt: Option<String>,
    /// How strongly the person is to log in (OIDC Core §2, RFC 9470).
    pub(super) acr: Option<String>,
    /// Whether the tokens may be renewed.
    pub(super) renews: bool,
    /// Whether the person was to be asked although they allowed it before.
    pub(super) asks_again: bool,
}

/// What a page asks a person to decide.
#[derive(Clone)]
pub(super) enum Matter {
    /// Whether a client gets a code.
    Login(Ask),
    /// Whether the device with this code, of which this is the fingerprint, gets tokens.
    Device(Ask, String),
    /// Whether to log out, and where to go afterwards.
    Logout(Option<String>),
}

/// A request that waits to be used by its name (RFC 9126).
pub(super) struct Pushed {
    pub(super) client: String,
    pub(super) params: Params,
    pub(super) jkt: Option<String>,
    pub(super) until: Timestamp,
}

/// A device that waits for a person (RFC 8628).
pub(super) struct Device {
    pub(super) ask: Ask,
    /// As it is compared: without a hyphen, in capitals.
    pub(super) user_code: String,
    pub(super) until: Timestamp,
    /// Seconds from one poll to the next.
    pub(super) interval: i64,
    pub(super) polled: Timestamp,
    /// The person's answer: who allowed it, or nobody.
    pub(super) decided: Option<Option<String>>,
}

/// A consent page that somebody is looking at.
#[derive(Clone)]
pub(super) struct Consent {
    pub(super) matter: Matter,
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
    /// The key that its tokens are bound to; at a public client its refresh tokens, too (RFC 9449 §5).
    pub(super) jkt: Option<String>,
    pub(super) acr: Option<String>,
    /// Whether it has refresh tokens.
    pub(super) renews: bool,
    pub(super) begun: Timestamp,
    /// The last time a token was issued for it.
    pub(super) used: Timestamp,
    pub(super) revoked: bool,
    /// Its refresh tokens are revoked; its access tokens live on.
    pub(super) over: bool,
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
    /// What the token stands for, if it does not say it itself.
    pub(super) claims: Option<Value>,
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
    /// By `jti`, or by fingerprint if the token has none.
    access: HashMap<String, Access>,
    /// By the name that the client was given.
    pub(super) pushed: HashMap<String, Pushed>,
    /// By fingerprint of the device code.
    pub(super) devices: HashMap<String, Device>,
    /// Identifiers of proofs and assertions that were seen, and until when they would be good.
    once: HashMap<String, Timestamp>,
    /// When somebody typed a user code that there is not.
    misses: VecDeque<Timestamp>,
    /// Which person has allowed which client anything before.
    consented: HashSet<(String, String)>,
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
        self.consents.retain(|_, consent| consent.matter.client() != Some(id));
        self.pushed.retain(|_, pushed| pushed.client != id);
        self.devices.retain(|_, device| device.ask.client != id);
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

    /// Ends the refresh tokens of a family, not its access tokens.
    pub(super) fn end_renewal(&mut self, id: u64) {
        if let Some(grant) = self.grants.get_mut(&id) {
            grant.over = true;
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

    /// What an access token stands for that does not say it itself.
    pub(super) fn meaning(&self, fingerprint: &str) -> Option<Value> {
        self.access.get(fingerprint)?.claims.clone()
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

    /// Ends the oldest families of this person and client, so that at most so many are left.
    pub(super) fn drop_oldest(&mut self, client: &str, subject: &str, most: usize) {
        let of_them = |grant: &&mut Grant| !grant.revoked && grant.client == client && grant.subject == subject;
        let mut all: Vec<&mut Grant> = self.grants.values_mut().filter(of_them).collect();
        all.sort_by_key(|grant| std::cmp::Reverse(grant.id));
        all.into_iter().skip(most).for_each(|grant| grant.revoked = true);
    }

    /// Keeps a pushed request; those that are over may go.
    pub(super) fn push(&mut self, name: String, pushed: Pushed, now: Timestamp) {
        if self.pushed.len() >= SWEEP {
            self.pushed.retain(|_, pushed| pushed.until > now);
        }
        self.pushed.insert(name, pushed);
    }

    /// Keeps a waiting device; those that are over for an hour may go.
    pub(super) fn keep_device(&mut self, fingerprint: String, device: Device, now: Timestamp) {
        if self.devices.len() >= SWEEP {
            self.devices.retain(|_, device| device.until > now.after(-3600));
        }
        self.devices.insert(fingerprint, device);
    }

    /// The device that shows this code and still waits for its person.
    pub(super) fn waiting(&self, user_code: &str, now: Timestamp) -> Option<(&String, &Device)> {
        let open = |device: &Device| device.decided.is_none() && device.until > now;
        self.devices.iter().find(|(_, device)| device.user_code == user_code && open(device))
    }

    /// Whether this identifier was never seen before; from now on it was.
    pub(super) fn is_new(&mut self, id: String, until: Timestamp, now: Timestamp) -> bool {
        if self.once.len() >= SWEEP {
            self.once.retain(|_, until| *until > now);
        }
        self.once.insert(id, until).is_none_or(|until| until <= now)
    }

    /// Notes a wrong user code.
    pub(super) fn miss(&mut self, now: Timestamp) {
        self.misses.push_back(now);
    }

    /// How many wrong user codes were typed since `then`.
    pub(super) fn misses_since(&mut self, then: Timestamp) -> usize {
        self.misses.retain(|at| *at > then);
        self.misses.len()
    }

    /// Notes that this person allowed this client something; whether it is the first time.
    pub(super) fn consents_first(&mut self, client: &str, subject: &str) -> bool {
        self.consented.insert((client.to_owned(), subject.to_owned()))
    }
}

impl Matter {
    fn client(&self) -> Option<&str> {
        match self {
            Self::Login(ask) | Self::Device(ask, _) => Some(&ask.client),
            Self::Logout(_) => None,
        }
    }
}
