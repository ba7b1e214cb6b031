//! Everything we cannot control: the clock, the browser, the terminal, the environment and the user's folders.
//!
//! `main` builds the real one, tests build their own. The rest of the program reads no environment variable, asks no
//! clock and starts no program except through this file; the linter refuses other call sites.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

mod browser;
mod date;
mod dump;
mod fault;
mod program;
mod prompt;
mod surroundings;

pub use browser::{Browser, BrowserError, SystemBrowser, may_be_opened, open};
pub use dump::without_core_dumps;
pub use fault::{before_the_end, end_at_a_panic};
pub use program::{HOST_PATH, HOST_VARIABLES, as_host, host_environment, own_program};
pub use prompt::{Echo, Line, Lines, Prompt, ask_secret};
pub use surroundings::{Platform, Surroundings, Traces, Unseen, host_name};

/// The machine as the program sees it. Cloning shares the parts.
#[derive(Clone)]
pub struct Machine {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What shows a page to the person.
    pub browser: Arc<dyn Browser>,
    /// Where text comes from and goes to.
    pub terminal: Arc<dyn Terminal>,
    /// What asks the person while something else may come first.
    pub prompt: Arc<dyn Prompt>,
    /// Which of the standard streams a person is looking at.
    pub facts: TerminalFacts,
    /// Where this process runs.
    pub surroundings: Surroundings,
    /// The environment variables at start.
    pub environment: Environment,
    /// Where configuration and state live; absent where the platform names no home.
    pub folders: Option<Folders>,
}

/// Tells the time. Waiting is the runtime's job.
pub trait Clock: Send + Sync {
    /// The wall clock.
    fn now(&self) -> Timestamp;

    /// The wall clock in milliseconds, where it knows them; 0 before 1970.
    fn millis(&self) -> u64 {
        u64::try_from(self.now().0).unwrap_or_default().saturating_mul(1000)
    }
}

/// Seconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This many seconds later; stays at the end of time instead of overflowing.
    #[must_use]
    pub fn after(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Seconds from `earlier` to this; negative if `earlier` is later.
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// What the person reads and writes.
pub trait Terminal: Send + Sync {
    /// Standard input.
    fn input(&self) -> Box<dyn BufRead + Send>;
    /// Standard output: the requested data or the protocol, nothing else.
    fn output(&self) -> Box<dyn Write + Send>;
    /// Standard error: text for people.
    fn messages(&self) -> Box<dyn Write + Send>;
    /// Standard input and standard output as the operating system knows them, where they may be used past the two above.
    fn handles(&self) -> Option<[Handle; 2]> {
        None
    }
}

/// One end of a stream.
#[cfg(target_os = "linux")]
pub type Handle = std::os::fd::OwnedFd;
/// One end of a stream; nothing here uses one.
#[cfg(not(target_os = "linux"))]
pub type Handle = std::convert::Infallible;

/// Which of the standard streams a person is looking at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TerminalFacts {
    /// Standard input is a terminal.
    pub input: bool,
    /// Standard output is a terminal.
    pub output: bool,
    /// Standard error is a terminal.
    pub messages: bool,
    /// How many letters fit into a line of standard output; `None` where nobody looks at it.
    pub width: Option<usize>,
}

/// The environment variables at start; never read again.
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<String, OsString>);

impl Environment {
    /// An environment made of these pairs.
    pub fn of<K: Into<String>, V: Into<OsString>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        Self(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }

    /// The same with one variable changed.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// The variable's text; `None` if it is unset, empty or not Unicode.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(|value| value.to_str()).filter(|text| !text.is_empty())
    }

    /// The variable as a path; `None` if it is unset or empty.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.0.get(name).filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    /// Names of the variables that hold a secret of ours: no program that is started may see them.
    pub fn secrets(&self) -> Vec<String> {
        let is_secret = |name: &&str| name.starts_with("KEYWARD_TOKEN_") || *name == "KEYWARD_STORE_PASSPHRASE";
        self.names().filter(is_secret).map(String::from).collect()
    }

    /// Names of the variables that are set.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// The user's folders for this program. Nothing here exists until somebody writes to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    /// Holds `config.toml`.
    pub config: PathBuf,
    /// Holds cached discovery and cached tool lists; mode 0700.
    pub state: PathBuf,
    /// Holds what all programs of this person must find in one place: locks, the encrypted file, what belongs to a
    /// renewal, and the turns that were taken. Mode 0700.
    pub shared: PathBuf,
    /// The person's home folder, as the platform knows it.
    pub home: Option<PathBuf>,
}

impl Folders {
    fn of_the_user() -> Option<Self> {
        let dirs = directories::ProjectDirs::from("", "", "keyward")?;
        // macOS and Windows have no state folder; their local data folder is the nearest thing.
        let state = dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()).to_path_buf();
        // Two hosts share one keychain although each may have been given a state folder of its own (Flatpak does that):
        // with a lock in each of the two, both would spend the same refresh token.
        let home = directories::BaseDirs::new()?.home_dir().to_path_buf();
        let shared = match dirs.state_dir() {
            Some(_) => home.join(".local/state/keyward"),
            None => state.clone(),
        };
        Some(Self { config: dirs.config_dir().to_path_buf(), state, shared, home: Some(home) })
    }
}

impl Machine {
    /// The machine this process runs on.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn real() -> Self {
        let environment = Environment(
            std::env::vars_os().filter_map(|(key, value)| Some((key.into_string().ok()?, value))).collect(),
        );
        let facts = TerminalFacts {
            input: io::stdin().is_terminal(),
            output: io::stdout().is_terminal(),
            messages: io::stderr().is_terminal(),
            width: terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0)),
        };
        Self {
            clock: Arc::new(SystemClock),
            browser: Arc::new(SystemBrowser::new(&environment)),
            terminal: Arc::new(Standard),
            prompt: Arc::new(prompt::Standard),
            surroundings: Surroundings::of(&environment, Traces::here(), facts, Platform::own()),
            facts,
            folders: Folders::of_the_user(),
            environment,
        }
    }
}

struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        let seconds = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX),
        };
        Timestamp(seconds)
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn millis(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}

struct Standard;

impl Terminal for Standard {
    fn input(&self) -> Box<dyn BufRead + Send> {
        Box::new(io::BufReader::new(io::stdin()))
    }

    fn output(&self) -> Box<dyn Write + Send> {
        Box::new(io::stdout())
    }

    fn messages(&self) -> Box<dyn Write + Send> {
        Box::new(io::stderr())
    }

    #[cfg(target_os = "linux")]
    fn handles(&self) -> Option<[Handle; 2]> {
        use std::os::fd::AsFd as _;

        let own = |stream: std::os::fd::BorrowedFd<'_>| stream.try_clone_to_owned().ok();
        Some([own(io::stdin().as_fd())?, own(io::stdout().as_fd())?])
    }
}
