//! One login of a connection at a time: two would race for the same entry of the store.
//!
//! The lock is the operating system's and ends with its process. A note beside it says who holds it, so that whoever
//! finds the connection taken knows where to look.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Done, stored};
use crate::app::{App, Error};
use crate::config;
use crate::machine::Timestamp;
use crate::store::lock;

/// Which part of the program is signing in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// `keyward login`.
    Login,
    /// A tool call of `keyward serve`.
    Serve,
    /// `keyward demo`.
    Demo,
}

/// Who is signing in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Who {
    /// Which part of the program.
    pub by: By,
    /// Its process.
    pub process: u32,
    /// For how long by now.
    pub seconds: i64,
}

#[derive(Serialize, Deserialize)]
struct Note {
    by: By,
    process: u32,
    since: Timestamp,
}

/// The connection is ours until this is dropped.
pub(in crate::app) struct Claim {
    note: PathBuf,
    _lock: lock::Guard,
}

impl Drop for Claim {
    fn drop(&mut self) {
        // The lock is still held here: the next holder's note cannot be hit.
        let _ = std::fs::remove_file(&self.note);
    }
}

/// Claims the connection, or says who has it. Does not wait.
pub(in crate::app) fn claim(app: &App, connection: &str, by: By) -> Result<Claim, Error> {
    let folder = app.parts.locks()?;
    let note = folder.join(format!("login-{connection}.who"));
    let now = app.parts.clock.now();
    let lock = lock::try_acquire(&folder, &name(connection)).map_err(Error::lock(connection))?;
    let Some(lock) = lock else {
        let who = std::fs::read(&note).ok().and_then(|bytes| serde_json::from_slice::<Note>(&bytes).ok());
        let who = who.map(|Note { by, process, since }| Who { by, process, seconds: now.since(since) });
        return Err(Error::LoginRunning { connection: connection.to_owned(), who });
    };
    // Without the note the next one is told less; that is no reason to stop.
    let text = serde_json::to_vec(&Note { by, process: std::process::id(), since: now }).unwrap_or_default();
    let _ = std::fs::write(&note, text);
    Ok(Claim { note, _lock: lock })
}

/// Waits for the login that has the connection to end. What it obtained if that was at `since` or later; `None` if it
/// obtained nothing.
pub async fn attend(
    app: &App,
    connection: &config::Connection,
    since: Timestamp,
    limit: Duration,
) -> Result<Option<Done>, Error> {
    let connection_name = connection.name.as_str();
    let lock = lock::acquire(&app.parts.locks()?, &name(connection_name), limit).await;
    drop(lock.map_err(Error::lock(connection_name))?);
    let grant = stored(app, connection).await.filter(|grant| grant.obtained_at >= since);
    Ok(grant.map(|grant| Done::of(connection_name, &grant)))
}

fn name(connection: &str) -> String {
    format!("login-{connection}")
}
