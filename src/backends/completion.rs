//! Completion: what a person who fills in an argument of a prompt, or the variable of an address, may mean.

use serde_json::{Map, Value};

/// What is written so far.
#[derive(Clone, Debug, Default)]
pub struct Partial {
    /// The argument or variable.
    pub name: String,
    /// What of it is there; may be empty.
    pub value: String,
    /// The texts of the others, as far as they are filled in.
    pub others: Map<String, Value>,
}

/// What it may become.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// The best first; more than 100 are cut.
    pub values: Vec<String>,
    /// How many there are in all, if known.
    pub total: Option<u64>,
    /// Whether there are more than these.
    pub has_more: bool,
}
