//! The audit log: one JSON line for each login, renewal and logout and each yes that a tool wanted, done or failed, in `audit.jsonl` of the state folder.
//!
//! A line says when, what, which connection, who issued the token, how it ended and which generation of the grant it
//! was. It never holds a secret: a refresh token appears as a keyed fingerprint, which tells two tokens apart and says
//! nothing to whoever does not have this machine's key. Many processes write at once: a line is one write to a file
//! that is open for appending. At one mebibyte the file becomes `audit.jsonl.1`; three old ones are kept.
//!
//! A log that cannot be written never fails the work it tells of. `audit.enabled = false` turns it off.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use super::error::{Error, NoYes};
use super::grant::Grant;
use super::plain;
use crate::backends;
use crate::backends::sign_in::Failed;
use crate::machine::Clock;
use crate::secret::Secret;
use crate::store::lock;

mod fingerprint;
#[cfg(test)]
mod tests;

/// The file's name in the state folder.
pub const FILE: &str = "audit.jsonl";
/// Bytes after which a new file is begun.
const LONGEST: u64 = 1 << 20;
/// How many old files are kept.
const KEPT: u32 = 3;

/// What was done or tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A person signed in, or a key was kept.
    Login,
    /// A token was renewed.
    Renewal,
    /// A login was ended.
    Logout,
    /// A tool wanted the person's yes.
    Agreement,
}

/// Writes the log. Clones share it; nothing is opened before the first line.
#[derive(Clone)]
pub struct Audit(Arc<Inner>);

struct Inner {
    state: Option<PathBuf>,
    clock: Arc<dyn Clock>,
    enabled: AtomicBool,
    has_complained: AtomicBool,
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    event: What,
    connection: &'a str,
    issuer: Option<&'a str>,
    outcome: &'a str,
    generation: Option<u64>,
    refresh_fingerprint: Option<String>,
    process: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool: Option<&'a str>,
}

impl Audit {
    /// A log in this folder; none where the platform names no home.
    pub fn new(state: Option<&Path>, clock: Arc<dyn Clock>) -> Self {
        let (enabled, has_complained) = (AtomicBool::new(true), AtomicBool::new(false));
        Self(Arc::new(Inner { state: state.map(Path::to_path_buf), clock, enabled, has_complained }))
    }

    /// Turns it on or off, here and in every clone.
    pub fn enable(&self, enabled: bool) {
        self.0.enabled.store(enabled, Ordering::Relaxed);
    }

    /// Something was done; with the grant that came of it, or that was ended.
    pub fn done(&self, what: What, connection: &str, grant: Option<&Grant>) {
        self.record((what, None), connection, "done", grant);
    }

    /// Something ended, one way or the other.
    pub fn ended(&self, what: What, connection: &str, outcome: Result<&Grant, &Error>) {
        match outcome {
            Ok(grant) => self.done(what, connection, Some(grant)),
            Err(error) => self.failed(what, connection, error),
        }
    }

    /// Something was tried and failed.
    pub fn failed(&self, what: What, connection: &str, error: &Error) {
        self.record((what, None), connection, outcome(error), None);
    }

    /// A tool wanted the person's yes, and got it or not.
    pub fn agreed(&self, connection: &str, tool: &str, refused: Option<&Error>) {
        self.record((What::Agreement, Some(tool)), connection, refused.map_or("done", outcome), None);
    }

    fn record(&self, (event, tool): (What, Option<&str>), connection: &str, outcome: &str, grant: Option<&Grant>) {
        let Some(state) = self.0.state.as_deref().filter(|_| self.0.enabled.load(Ordering::Relaxed)) else { return };
        let issued = grant.and_then(|grant| grant.issued.as_ref());
        let token = issued.and_then(|issued| issued.refresh_token.as_ref());
        let line = Line {
            time: self.0.clock.now().rfc3339(),
            event,
            connection,
            issuer: issued.map(|issued| issued.issuer.as_str()),
            outcome,
            generation: grant.map(|grant| grant.generation),
            refresh_fingerprint: token.and_then(|token| fingerprint::of(state, Secret::expose(token)).ok()),
            process: std::process::id(),
            tool,
        };
        let written = serde_json::to_string(&line).map_err(io::Error::other).and_then(|text| append(state, &text));
        if let Err(error) = written
            && !self.0.has_complained.swap(true, Ordering::Relaxed)
        {
            log::warn!("the audit log `{}` could not be written: {error}", state.join(FILE).display());
        }
    }
}

/// The class of a failure, as a word that never changes.
fn outcome(error: &Error) -> &'static str {
    use crate::oauth;
    match error {
        Error::Login { error, .. } => match **error {
            oauth::Error::Denied { .. } => "denied",
            oauth::Error::TimedOut { .. } => "nobody_came",
            oauth::Error::Network(_) => "network",
            _ => "refused",
        },
        Error::LoginRequired { .. }
        | Error::EnvironmentTokenRefused { .. }
        | Error::HeaderMissing { .. }
        | Error::HeadersRefused { .. } => "login_required",
        Error::Renewal { error, .. } => match **error {
            oauth::RefreshError::Transient { .. } => "transient",
            _ => "refused",
        },
        Error::Store { .. } => "store",
        Error::NotKept { .. } => "not_kept",
        Error::OtherAccount { .. } => "other_account",
        Error::Paused { .. } => "paused",
        Error::Busy { .. } | Error::LoginRunning { .. } => "busy",
        Error::Network(_) => "network",
        Error::Unconfirmed { why: NoYes::Unasked, .. } => "not_asked",
        Error::Unconfirmed { why: NoYes::Declined, .. } => "declined",
        Error::AnswersTooLate { .. } => "too_late",
        Error::Unconfirmed { why: NoYes::Cancelled, .. } => "cancelled",
        Error::Unconfirmed { why: NoYes::Changed, .. } => "changed",
        Error::NotObtained { failed, .. } => match **failed {
            Failed::Refused { .. } | Failed::Unfinished { .. } => "refused",
            Failed::Service(backends::Error::Network(_)) => "network",
            Failed::Service(_) => "service",
            _ => "configuration",
        },
        Error::NoAnswer { .. } => "nobody_came",
        Error::Service { .. } => "service",
        Error::Interrupted => "interrupted",
        _ => "configuration",
    }
}

/// How often a line is looked at before it counts as cut off.
const LOOKS: u32 = 100;

/// Adds the line with one write, so that lines of many processes never mix. What a full disk has cut off stays a line of
/// its own: the next one must not be lost with it.
fn append(state: &Path, text: &str) -> io::Result<()> {
    super::private_folder(state)?;
    let path = state.join(FILE);
    let line = format!("{text}\n");
    let mut file = plain::for_appending(&path)?;
    if file.metadata()?.len().saturating_add(line.len() as u64) > LONGEST {
        rotate(state, &path, &file)?;
        file = plain::for_appending(&path)?;
    }
    let line = if is_cut_off(&mut file)? { format!("\n{line}") } else { line };
    file.write_all(line.as_bytes())
}

/// Whether the last line has no end. Another process may be in the middle of it, and a moment later is not any more.
fn is_cut_off(file: &mut File) -> io::Result<bool> {
    for _ in 0..LOOKS {
        let mut last = *b"\n";
        if file.seek(io::SeekFrom::End(0))? > 0 {
            file.seek(io::SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
        }
        if last == *b"\n" {
            return Ok(false);
        }
        std::thread::yield_now();
    }
    Ok(true)
}

/// Moves the full file aside, unless another process is at it or has done it: a line that meanwhile goes to the old
/// file is one line too many there, and not lost.
fn rotate(state: &Path, path: &Path, full: &File) -> io::Result<()> {
    let Ok(Some(_guard)) = lock::try_acquire(&state.join("locks"), "audit") else { return Ok(()) };
    if fs::metadata(path).map_or(0, |found| found.len()) < full.metadata()?.len() {
        return Ok(());
    }
    let old = |number: u32| state.join(format!("{FILE}.{number}"));
    for number in (1..KEPT).rev() {
        match fs::rename(old(number), old(number.saturating_add(1))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::rename(path, old(1))
}
