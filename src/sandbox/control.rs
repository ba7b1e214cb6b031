//! Telling the sandbox to misbehave, and seeing what it received.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::faults::{Decision, Faults, TokenFault};
use super::state::State;
use super::{device, registration};

/// The record keeps this many entries; older ones go first.
const LONGEST_RECORD: usize = 10_000;

/// The handle on a running sandbox: faults, forced events and the record. Clones act on the same sandbox.
#[derive(Clone)]
pub struct Control(pub(super) Arc<State>);

/// One request that the sandbox received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// `authorize`, `par`, `device_authorization`, `device`, `consent`, `token`, `userinfo`, `register`, `client`,
    /// `revoke`, `introspect`, `end_session`, `jwks`, `metadata`, `resource metadata`, or a fake's name.
    pub endpoint: String,
    /// The HTTP method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The parameters of an OAuth request. Secret ones are there with an empty value; a repeated one is joined by spaces.
    /// `(dpop)` stands for a proof in the header, `(authorization)` for that header and has its scheme.
    pub parameters: BTreeMap<String, String>,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The OAuth error of the answer.
    pub error: Option<String>,
}

impl Control {
    /// Replaces all faults.
    pub fn set(&self, faults: Faults) {
        *self.0.desk.faults() = faults;
    }

    /// Adds a fault for one of the next token requests.
    pub fn next_token(&self, fault: TokenFault) {
        self.0.desk.faults().token.push_back(fault);
    }

    /// Decides how consent is found out from now on.
    pub fn decide(&self, decision: Decision) {
        *lock(&self.0.desk.decision) = decision;
    }

    /// Lets token requests wait on arrival until [`Control::release`].
    pub fn hold(&self) {
        lock(&self.0.desk.gate).closed = true;
    }

    /// Lets the waiting token requests go on.
    pub fn release(&self) {
        lock(&self.0.desk.gate).closed = false;
        self.0.desk.turn.notify_all();
    }

    /// Blocks until this many token requests are waiting; `false` if they are not there in time.
    pub fn wait_for_held(&self, count: usize, limit: Duration) -> bool {
        let gate = lock(&self.0.desk.gate);
        let waited = self.0.desk.turn.wait_timeout_while(gate, limit, |gate| gate.waiting < count);
        waited.map_or_else(|poisoned| poisoned.into_inner().0.waiting >= count, |(gate, _)| gate.waiting >= count)
    }

    /// Lets every access token issued so far be expired.
    pub fn expire_access_tokens(&self) {
        let now = self.0.now();
        self.0.ledger().expire_access(now);
    }

    /// Decides for the device that shows this user code, as a person on the page does; `false` if none is waiting.
    pub fn decide_device(&self, user_code: &str, decision: &Decision) -> bool {
        match decision {
            Decision::Ask => false,
            Decision::Allow(user) => device::decide(&self.0, user_code, Some(user)),
            Decision::Deny => device::decide(&self.0, user_code, None),
        }
    }

    /// From now on another key signs; the former ones stay in the key set. `false` if the machine gave no random bytes.
    pub fn roll_key(&self) -> bool {
        self.0.keys.roll().is_ok()
    }

    /// Gives the sandbox the document of a client whose identifier is this address, so that it need not be fetched.
    pub fn serve_document(&self, address: &str, document: Value) {
        lock(&self.0.desk.documents).insert(address.to_owned(), document);
    }

    /// Ends every grant: refresh tokens answer `invalid_grant`, access tokens 401. Returns how many there were.
    pub fn revoke_grants(&self) -> usize {
        self.0.ledger().revoke_all()
    }

    /// Forgets a client and all its grants; `false` if it was not known.
    pub fn forget_client(&self, id: &str) -> bool {
        self.0.ledger().forget_client(id)
    }

    /// Registers a client from RFC 7591 metadata, without a request; the registration answer, or the error's code.
    pub fn register(&self, metadata: &Value) -> Result<Value, &'static str> {
        registration::register(&self.0, metadata).map_err(|refusal| refusal.error)
    }

    /// What was received, oldest first.
    pub fn record(&self) -> Vec<Entry> {
        lock(&self.0.desk.record).iter().cloned().collect()
    }

    /// Empties the record.
    pub fn clear_record(&self) {
        lock(&self.0.desk.record).clear();
    }

    /// The requests that one endpoint (or fake) received.
    pub fn received(&self, endpoint: &str) -> Vec<Entry> {
        lock(&self.0.desk.record).iter().filter(|entry| entry.endpoint == endpoint).cloned().collect()
    }

    /// How many token requests came, well or badly ended.
    pub fn token_requests(&self) -> usize {
        self.received("token").len()
    }

    /// How many token requests of this `grant_type` succeeded.
    pub fn tokens_issued(&self, grant_type: &str) -> usize {
        let of_type = |entry: &&Entry| entry.parameters.get("grant_type").is_some_and(|sent| sent == grant_type);
        self.received("token").iter().filter(of_type).filter(|entry| entry.status == 200).count()
    }
}

/// Where the endpoints read the faults and leave the record.
#[derive(Default)]
pub(super) struct Desk {
    faults: Mutex<Faults>,
    decision: Mutex<Decision>,
    record: Mutex<VecDeque<Entry>>,
    /// By their addresses.
    documents: Mutex<BTreeMap<String, Value>>,
    gate: Mutex<Gate>,
    turn: Condvar,
}

#[derive(Default)]
struct Gate {
    closed: bool,
    waiting: usize,
}

impl Desk {
    pub(super) fn deciding(decision: Decision) -> Self {
        Self { decision: Mutex::new(decision), ..Self::default() }
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }

    pub(super) fn decision(&self) -> Decision {
        lock(&self.decision).clone()
    }

    /// The document that was left for this address.
    pub(super) fn document(&self, address: &str) -> Option<Value> {
        lock(&self.documents).get(address).cloned()
    }

    /// The fault for a token request of this type, used up by asking.
    pub(super) fn take(&self, grant_type: &str) -> TokenFault {
        let queue = &mut self.faults().token;
        let fits = |fault: &TokenFault| fault.grant_type.as_deref().is_none_or(|wanted| wanted == grant_type);
        queue.iter().position(fits).and_then(|index| queue.remove(index)).unwrap_or_default()
    }

    pub(super) fn note(&self, entry: Entry) {
        let mut record = lock(&self.record);
        if record.len() >= LONGEST_RECORD {
            record.pop_front();
        }
        record.push_back(entry);
    }

    /// Waits while the gate is closed.
    pub(super) fn pass(&self) {
        let mut gate = lock(&self.gate);
        gate.waiting += 1;
        self.turn.notify_all();
        gate = self.turn.wait_while(gate, |gate| gate.closed).unwrap_or_else(PoisonError::into_inner);
        gate.waiting -= 1;
    }

    /// Waits on purpose. The sandbox's threads may block: each serves one request.
    pub(super) fn pause(&self, time: Duration) {
        if !time.is_zero() {
            let never = Mutex::new(());
            drop(Condvar::new().wait_timeout_while(lock(&never), time, |()| true));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
