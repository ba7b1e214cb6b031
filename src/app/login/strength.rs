//! How the person must prove who they are, where a service asks for more than the usual (RFC 9470).

use crate::oauth::Attempt;

/// What a service asks for; the usual, if nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strength {
    /// In one of these ways, the first before the others (`acr_values`).
    pub acr_values: Vec<String>,
    /// At most that many seconds ago (`max_age`).
    pub max_age: Option<u64>,
}

impl Strength {
    /// The usual.
    pub const USUAL: Self = Self { acr_values: Vec::new(), max_age: None };

    pub(super) fn asked_by(&self, mut attempt: Attempt) -> Attempt {
        if !self.acr_values.is_empty() {
            attempt = attempt.with("acr_values", &self.acr_values.join(" "));
        }
        match self.max_age {
            Some(age) => attempt.with("max_age", &age.to_string()),
            None => attempt,
        }
    }
}
