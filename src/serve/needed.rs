//! What a failed call would need: a login, or another login that may do more or proves more.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::app::Error;
use crate::app::login::{By, Strength, Wish};
use crate::backends::{self, StepUp, Way};

/// How often the person is asked for more on behalf of one tool. A service that is never content must not become a
/// page that never ends.
const TRIES: u32 = 3;

/// The login that would help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Needed {
    /// Of which connection.
    pub(super) connection: String,
    /// Scopes that the service wants besides those that were granted.
    scopes: Vec<String>,
    /// How the person must prove who they are.
    strength: Strength,
}

impl Needed {
    /// What would help, if a login in the browser does.
    pub(super) fn of(error: &Error) -> Option<Self> {
        let plain = |connection: &str| {
            Some(Self { connection: connection.to_owned(), scopes: Vec::new(), strength: Strength::USUAL })
        };
        let Error::Service { connection, error } = error else { return None };
        match error {
            backends::Error::Credential(unavailable) => match unavailable.0.downcast_ref::<Error>()? {
                Error::LoginRequired { connection, way: Way::OAuth, .. } => plain(connection),
                _ => None,
            },
            backends::Error::Rejected { .. } => plain(connection),
            backends::Error::StepUp { wanted, .. } => {
                let (scopes, strength) = match wanted {
                    // A service that does not say what it wants cannot be given it.
                    StepUp::Scopes { scopes } if scopes.is_empty() => return None,
                    StepUp::Scopes { scopes } => (scopes.clone(), Strength::USUAL),
                    StepUp::Person { acr_values, max_age } => {
                        (Vec::new(), Strength { acr_values: acr_values.clone(), max_age: *max_age })
                    }
                };
                Some(Self { connection: connection.clone(), scopes, strength })
            }
            _ => None,
        }
    }

    /// Whether there is a login, and the service wants more than it.
    pub(super) fn is_more(&self) -> bool {
        !self.scopes.is_empty() || self.strength != Strength::USUAL
    }

    /// Whether a login for `self` serves `other`, too.
    pub(super) fn covers(&self, other: &Self) -> bool {
        other.scopes.iter().all(|scope| self.scopes.contains(scope))
            && (other.strength == Strength::USUAL || other.strength == self.strength)
    }

    /// The same, and what `earlier` was for: two tools must not push each other's login away.
    pub(super) fn with(mut self, earlier: &Self) -> Self {
        let more = earlier.scopes.iter().filter(|scope| !self.scopes.contains(scope)).cloned().collect::<Vec<_>>();
        self.scopes.extend(more);
        if self.strength == Strength::USUAL {
            self.strength = earlier.strength.clone();
        }
        self
    }

    /// The login to begin. What was granted before is asked for again with it.
    pub(super) fn wish(&self) -> Wish {
        Wish { scopes: self.scopes.clone(), strength: self.strength.clone(), ..Wish::usual(By::Serve) }
    }

    /// The sentence with which the host asks.
    pub(super) fn question(&self) -> String {
        let name = &self.connection;
        match (self.scopes.is_empty(), self.is_more()) {
            (false, _) => {
                format!("Sign in to `{name}` again: this tool needs more access ({})", self.scopes.join(", "))
            }
            (true, true) => {
                format!("Sign in to `{name}` again: this tool needs fresh or stronger proof of who you are")
            }
            (true, false) => format!("Sign in to `{name}` so that its tools can be used"),
        }
    }
}

/// How often the person was asked for more, by connection and tool, without the tool being content.
#[derive(Default)]
pub(super) struct Tries(Mutex<HashMap<(String, String), u32>>);

impl Tries {
    /// Whether the person may be asked once more; counts it.
    pub(super) fn one_more(&self, needed: &Needed, tool: &str) -> bool {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = tries.entry((needed.connection.clone(), tool.to_owned())).or_default();
        *count = count.saturating_add(1);
        *count <= TRIES
    }

    /// The tool is content.
    pub(super) fn settled(&self, connection: &str, tool: &str) {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tries.remove(&(connection.to_owned(), tool.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step_up(wanted: StepUp) -> Error {
        let error = backends::Error::StepUp { host: "h".to_owned(), wanted, said: String::new() };
        Error::Service { connection: "box".to_owned(), error }
    }

    fn scopes(scopes: &[&str]) -> Option<Needed> {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        Needed::of(&step_up(StepUp::Scopes { scopes }))
    }

    #[test]
    fn what_a_service_wants_becomes_the_login_to_begin() {
        let wish = scopes(&["a", "b"]).expect("a login helps").wish();
        assert_eq!((wish.scopes, wish.strength), (vec!["a".to_owned(), "b".to_owned()], Strength::USUAL));
        assert_eq!(scopes(&[]), None);
        let person = StepUp::Person { acr_values: vec!["gold".to_owned()], max_age: Some(60) };
        let wish = Needed::of(&step_up(person)).expect("a login helps").wish();
        assert_eq!(wish.strength, Strength { acr_values: vec!["gold".to_owned()], max_age: Some(60) });
        let denied = backends::Error::Forbidden { host: "h".to_owned(), said: String::new() };
        assert_eq!(Needed::of(&Error::Service { connection: "box".to_owned(), error: denied }), None);
    }

    #[test]
    fn a_login_that_is_under_way_serves_whoever_needs_no_more() {
        let (one, both) = (scopes(&["a"]).expect("a login"), scopes(&["a", "b"]).expect("a login"));
        assert!(both.covers(&one) && !one.covers(&both));
        assert!(scopes(&["b"]).expect("a login").with(&one).covers(&both));
        let plain = Needed { scopes: Vec::new(), ..one.clone() };
        assert!(one.covers(&plain) && !plain.is_more() && !plain.covers(&one));
    }

    #[test]
    fn the_person_is_asked_three_times_for_one_tool() {
        let (tries, needed) = (Tries::default(), scopes(&["a"]).expect("a login"));
        assert_eq!([0; 5].map(|_| tries.one_more(&needed, "t")), [true, true, true, false, false]);
        assert!(tries.one_more(&needed, "another"));
        tries.settled("box", "t");
        assert!(tries.one_more(&needed, "t"));
    }
}
