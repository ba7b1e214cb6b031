//! Taking turns, so that all processes of a person together stay below what a service allows.

use std::time::Duration;

use super::Boxed;

/// So many requests within so much time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Its name, for the file in which it is counted and for errors: lower-case letters and `-`.
    pub name: &'static str,
    /// How many requests.
    pub most: u32,
    /// Within which time, sliding.
    pub within: Duration,
}

/// The next turn is too far away to wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooFar {
    /// Which rate is used up.
    pub rate: Rate,
    /// How long until the next turn.
    pub wait: Duration,
}

/// Hands out turns. Every process of the person counts; a turn that was given is used up, whatever becomes of it.
pub trait Turns: Send + Sync {
    /// Waits for a turn in all of these rates, in the order in which callers came. [`TooFar`], with nothing used up, if
    /// that would take longer than `patience`.
    fn turn<'a>(&'a self, rates: &'a [Rate], patience: Duration) -> Boxed<'a, Result<(), TooFar>>;
}

/// Turns that are never refused: for services without limits, and for tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unlimited;

impl Turns for Unlimited {
    fn turn<'a>(&'a self, _: &'a [Rate], _: Duration) -> Boxed<'a, Result<(), TooFar>> {
        Box::pin(async { Ok(()) })
    }
}
