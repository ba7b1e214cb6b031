//! Who is signed in, and how they came in: sessions, devices, tickets, activation codes and keys.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

use super::super::Scope;
use super::people::{HOME, PEOPLE, Person};

/// A session.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) scope: Scope,
    pub(super) who: usize,
    /// The tenant that is looked at; empty in the administration of all.
    pub(super) tenant: String,
    /// What the header `X-CTERA-TOKEN` must hold, once it was told.
    pub(super) token: Option<String>,
    pub(super) is_told: bool,
}

/// A device that is attached to somebody.
pub(super) struct Device {
    pub(super) uid: u64,
    pub(super) who: usize,
    pub(super) name: String,
    pub(super) mac: String,
    secret: String,
    pub(super) is_attached: bool,
}

/// All ways in.
#[derive(Default)]
pub(super) struct Doors {
    sessions: HashMap<String, Session>,
    pub(super) devices: Vec<Device>,
    tickets: HashMap<String, usize>,
    codes: HashMap<String, usize>,
    /// Keys: whose, number, and what they are.
    pub(super) keys: Vec<(usize, u64, String)>,
    keys_made: u64,
}

/// Something that nobody guesses.
pub(super) fn secret(length: usize) -> String {
    let mut text = String::new();
    while text.len() < length {
        text.push_str(&format!("{:016X}", RandomState::new().build_hasher().finish()));
    }
    text.truncate(length);
    text
}

impl Doors {
    /// Opens a session, and says its cookie.
    pub(super) fn open(&mut self, scope: Scope, who: usize, token: Option<String>) -> String {
        let cookie = secret(32);
        let tenant = PEOPLE.get(who).map(|person| person.tenant.to_owned()).unwrap_or_default();
        self.sessions.insert(cookie.clone(), Session { scope, who, tenant, token, is_told: false });
        cookie
    }

    /// The session of that cookie in that part of the Portal.
    pub(super) fn session(&mut self, cookie: &str, scope: Scope) -> Option<&mut Session> {
        self.sessions.get_mut(cookie).filter(|session| session.scope == scope)
    }

    /// Ends one.
    pub(super) fn close(&mut self, cookie: &str) {
        self.sessions.remove(cookie);
    }

    /// Ends all.
    pub(super) fn expire(&mut self) {
        self.sessions.clear();
    }

    /// How many there are.
    pub(super) fn open_sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Who signs in with that name and password in that part of the Portal.
    pub(super) fn signs_in(&self, scope: Scope, name: &str, password: &str, web_sso: bool) -> Option<usize> {
        if let Some(uid) = name.strip_prefix("device\\").filter(|_| scope == Scope::User) {
            let named = |device: &&Device| device.uid.to_string() == uid && device.is_attached;
            return self.devices.iter().find(named).filter(|device| device.secret == password).map(|device| device.who);
        }
        let who = Person::named(name)?;
        let person = PEOPLE.get(who).filter(|person| person.has(password))?;
        let may = match scope {
            Scope::User => person.tenant == HOME && !web_sso,
            Scope::Admin => person.is_administrator(),
        };
        may.then_some(who)
    }

    /// Attaches a device; the same machine keeps its number and gets another secret.
    pub(super) fn attach(&mut self, who: usize, name: String, mac: String) -> (u64, String) {
        let secret = secret(24);
        let known = self.devices.iter_mut().find(|device| device.who == who && device.mac == mac);
        if let Some(device) = known {
            (device.secret, device.is_attached, device.name) = (secret.clone(), true, name);
            return (device.uid, secret);
        }
        let uid = 5_986 + self.devices.len() as u64;
        self.devices.push(Device { uid, who, name, mac, secret: secret.clone(), is_attached: true });
        (uid, secret)
    }

    /// Detaches all devices.
    pub(super) fn detach(&mut self) {
        self.devices.iter_mut().for_each(|device| device.is_attached = false);
    }

    /// Makes a ticket, good for one login. It looks as the published one does.
    pub(super) fn ticket(&mut self, who: usize) -> String {
        use base64::Engine as _;
        let person = PEOPLE.get(who).map(|person| (person.name, person.tenant)).unwrap_or_default();
        let text =
            format!("{}/{},1764324000000,{},{}", person.0, person.1, self.tickets.len(), secret(40).to_lowercase());
        let ticket = base64::engine::general_purpose::STANDARD.encode(text);
        self.tickets.insert(ticket.clone(), who);
        ticket
    }

    /// Whose ticket it is, once.
    pub(super) fn redeem(&mut self, ticket: &str) -> Option<usize> {
        self.tickets.remove(ticket)
    }

    /// Makes an activation code.
    pub(super) fn code(&mut self, who: usize) -> String {
        let code = secret(12);
        self.codes.insert(code.clone(), who);
        code
    }

    /// Whose code it is, once.
    pub(super) fn activate(&mut self, code: &str) -> Option<usize> {
        self.codes.remove(code)
    }

    /// Makes a key: its number, its name and its secret.
    pub(super) fn key(&mut self, who: usize) -> (u64, String, String) {
        self.keys_made += 1;
        let (uid, access) = (self.keys_made, secret(20));
        self.keys.push((who, uid, access.clone()));
        (uid, access, secret(40))
    }
}
