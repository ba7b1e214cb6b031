//! Turns that all programs of a person take together, so that what they send stays below a service's limits.
//!
//! Whoever wants a turn takes the earliest one that its rates allow, under a lock that is held for a few file operations
//! and never while waiting; then it waits for its turn. A turn whose owner died or slept too long is lost, not used late.
//! Times are those of the wall clock, the one clock that programs share: a file that a clock set back makes a thing of the
//! future counts as absent.
//!
//! Where no file can be kept, the turns of this process alone are counted.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex as Plain, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use crate::backends::turns::{Rate, TooFar};
use crate::backends::{self, Boxed};
use crate::machine::Clock;
use crate::store::lock;

mod count;
mod kept;
#[cfg(test)]
mod tests;

use count::{Counts, millis, slack};
use kept::Kept;

/// Nobody waits longer than this for a turn, however patient: what is in the file further in the future cannot be true.
const FURTHEST: Duration = Duration::from_secs(600);
/// The lock is held for moments: who waits longer than this, and than its patience, is told that there is no turn.
const LOCK_WAIT: Duration = Duration::from_secs(5);
/// How often a turn that came too late is replaced by another.
const TRIES: u32 = 8;
/// How much earlier than needed a turn is taken at most, in milliseconds.
const LONGEST_LEAD: u64 = 1000;

/// The turns of every connection of this process.
#[derive(Clone, Default)]
pub(super) struct AllTurns(Arc<Plain<BTreeMap<String, Arc<Taken>>>>);

impl AllTurns {
    /// The turns of a connection at this address. Touches no file.
    pub(super) fn of(&self, connection: &str, url: &Url, shared: Option<&Path>, clock: &Arc<dyn Clock>) -> Arc<Taken> {
        let name = name(connection, url);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = || Arc::new(Taken::new(&name, url, shared, Arc::clone(clock)));
        Arc::clone(all.entry(name.clone()).or_insert_with(taken))
    }
}

/// Two addresses of one connection are two services, whose turns have nothing to do with each other.
fn name(connection: &str, url: &Url) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, url.as_str().as_bytes());
    digest.as_ref().iter().take(8).fold(format!("{connection}-"), |mut name, byte| {
        // Writing to a String cannot fail.
        let _ = write!(name, "{byte:02x}");
        name
    })
}

/// The turns of one connection at one address.
pub(super) struct Taken {
    clock: Arc<dyn Clock>,
    place: Option<Place>,
    own: Mutex<Own>,
}

/// Where the turns of all processes are.
struct Place {
    locks: PathBuf,
    lock: String,
    kept: Kept,
}

/// What this process knows by itself.
#[derive(Default)]
struct Own {
    /// Turns that could not be written down.
    unwritten: Counts,
    has_complained: bool,
}

/// A turn that was taken, and how long it is until then.
struct Turn {
    at: u64,
    wait: u64,
}

impl backends::Turns for Taken {
    fn turn<'a>(&'a self, rates: &'a [Rate], patience: Duration) -> Boxed<'a, Result<(), TooFar>> {
        Box::pin(async move { self.turn_at(rates, patience).await.map(drop) })
    }
}

impl Taken {
    fn new(name: &str, url: &Url, shared: Option<&Path>, clock: Arc<dyn Clock>) -> Self {
        let place = shared.map(|shared| Place {
            locks: shared.join("locks"),
            lock: format!("turns-{name}"),
            kept: Kept::new(shared, name, url.as_str()),
        });
        Self { clock, place, own: Mutex::default() }
    }

    /// Waits for a turn, and says for which moment it was.
    async fn turn_at(&self, rates: &[Rate], patience: Duration) -> Result<u64, TooFar> {
        let Some(first) = rates.first() else { return Ok(self.clock.millis()) };
        let (started, patience) = (Instant::now(), patience.min(FURTHEST));
        let slack = rates.iter().map(slack).min().unwrap_or_default();
        // How late the last try was: where the disk is slow, the turn of this moment is over when it is written down.
        let mut lead = 0;
        for _ in 0..TRIES {
            let left = patience.saturating_sub(started.elapsed());
            let limit = left.max(LOCK_WAIT);
            let taken = timeout(limit, self.take(rates, lead, millis(left).max(lead))).await;
            let turn = taken.unwrap_or(Err(None)).map_err(|too_far| too_far.unwrap_or_else(|| self.busy(*first)))?;
            // Counted from now: writing it down took its time.
            let wait = turn.at.saturating_sub(self.clock.millis()).min(turn.wait);
            if wait > 0 {
                sleep(Duration::from_millis(wait)).await;
            }
            let late = self.clock.millis().saturating_sub(turn.at);
            if late < slack {
                return Ok(turn.at);
            }
            // A machine that was asleep is late once and by hours.
            lead = late.min(LONGEST_LEAD);
        }
        Err(TooFar { rate: *first, wait: Duration::from_millis(lead) })
    }

    /// There may be a turn, and nobody can say when.
    fn busy(&self, rate: Rate) -> TooFar {
        if let Some(place) = &self.place {
            log::warn!("another program holds the lock `{}` and does not let go", place.lock);
        }
        TooFar { rate, wait: LOCK_WAIT }
    }

    /// Takes the earliest turn that is at least `lead` and at most `most` milliseconds away. Nothing in the error means
    /// that somebody holds the lock for longer than a file takes: without it more turns could be handed out than allowed.
    async fn take(&self, rates: &[Rate], lead: u64, most: u64) -> Result<Turn, Option<TooFar>> {
        // Callers of this process queue here, in the order in which they came, and one of them at a time asks for the lock.
        let mut own = self.own.lock().await;
        let locked = match &self.place {
            None => Err("there is no folder for it".to_owned()),
            Some(place) => match lock::acquire(&place.locks, &place.lock, FURTHEST).await {
                Ok(guard) => Ok((guard, &place.kept)),
                Err(lock::Error::Busy { .. }) => return Err(None),
                Err(error) => Err(error.to_string()),
            },
        };
        let kept = locked.as_ref().map(|(_, kept)| *kept).map_err(String::as_str);
        own.take(kept, self.clock.millis(), rates, (lead, most)).map_err(Some)
    }
}

impl Own {
    fn take(
        &mut self,
        kept: Result<&Kept, &str>,
        now: u64,
        rates: &[Rate],
        (lead, most): (u64, u64),
    ) -> Result<Turn, TooFar> {
        let latest = now.saturating_add(millis(FURTHEST));
        if !self.unwritten.is_plausible(latest) {
            self.unwritten = Counts::default();
        }
        let mut counts =
            kept.map_or_else(|_| Ok(Counts::default()), |kept| kept.read(latest)).unwrap_or_else(|error| {
                self.complain(kept, "does not hold the turns that were taken, and counts as empty", &error.to_string());
                Counts::default()
            });
        counts.merge(&self.unwritten);
        counts.forget(now);
        let at = counts.take(rates, now.saturating_add(lead), now.saturating_add(most))?;
        let written =
            kept.map_err(ToOwned::to_owned).and_then(|kept| kept.write(&counts).map_err(|error| error.to_string()));
        match written {
            Ok(()) => *self = Self::default(),
            Err(why) => {
                self.unwritten.forget(now);
                self.unwritten.add(rates, at);
                self.complain(kept, "cannot be written, so other programs do not know of the turns of this one", &why);
            }
        }
        Ok(Turn { at, wait: at.saturating_sub(now) })
    }

    /// Once, until it works again.
    fn complain(&mut self, kept: Result<&Kept, &str>, what: &str, why: &str) {
        if !std::mem::replace(&mut self.has_complained, true) {
            let place = kept
                .map_or_else(|_| "the file with the turns".to_owned(), |kept| format!("`{}`", kept.path().display()));
            log::warn!("{place} {what}: {why}");
        }
    }
}
