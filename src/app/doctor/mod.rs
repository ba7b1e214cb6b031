//! What is wrong on this machine: one file for each kind of check, each returning plain values.
//!
//! A check changes nothing, opens nothing and shows nothing. The one thing that is written is the store's own probe,
//! which it takes away again. No value here holds a secret; of a variable or a setting that may hold one, only the name
//! is told.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{App, Error};
use crate::config;

mod browser;
mod clock;
mod configuration;
mod connections;
mod folders;
mod hosts;
mod loopback;
mod network;
mod store;
mod variables;

pub use variables::lost_in_a_host;

/// What was found about one thing.
#[derive(Clone, Debug)]
pub struct Check {
    /// Which check, as a word that never changes.
    pub name: &'static str,
    /// Which connection, host program or folder it is about, if there are several.
    pub about: Option<String>,
    /// How it is.
    pub verdict: Verdict,
    /// What was found; empty if `error` says it.
    pub detail: String,
    /// The command or setting that mends it.
    pub hint: Option<String>,
    /// What failed, where a use case would fail in the same way.
    pub error: Option<Error>,
}

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It works, or is not needed yet, and is worth a look.
    Warn,
    /// It does not work.
    Fail(Class),
    /// It could not be looked at, or there is nothing to look at.
    Skip,
}

/// What a failure without an error of its own counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The configuration, a file or a folder.
    Configuration,
    /// The network.
    Network,
    /// Only a login helps.
    LoginRequired,
}

impl Verdict {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail(_) => "fail",
            Self::Skip => "skip",
        }
    }
}

impl Check {
    fn new(name: &'static str, verdict: Verdict, detail: impl Into<String>) -> Self {
        Self { name, about: None, verdict, detail: detail.into(), hint: None, error: None }
    }

    fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, Verdict::Ok, detail)
    }

    fn warn(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, Verdict::Warn, detail)
    }

    fn fail(name: &'static str, class: Class, detail: impl Into<String>) -> Self {
        Self::new(name, Verdict::Fail(class), detail)
    }

    fn skip(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, Verdict::Skip, detail)
    }

    /// A failure that a use case would meet, too; its words are those of that failure.
    fn failed(name: &'static str, error: Error) -> Self {
        Self { error: Some(error), ..Self::fail(name, Class::Configuration, "") }
    }

    fn about(mut self, about: impl Into<String>) -> Self {
        self.about = Some(about.into());
        self
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A failure of something that nobody asked for is worth a look and no more.
    fn mildly(mut self, mildly: bool) -> Self {
        if mildly && matches!(self.verdict, Verdict::Fail(_)) {
            self.verdict = Verdict::Warn;
        }
        self
    }
}

/// Looks at everything, or of the connections only at this one. `broken` is why the configuration could not be used,
/// if it could not; the rest is looked at all the same.
pub async fn run(app: &Arc<App>, broken: Option<Error>, only: Option<&str>) -> Result<Vec<Check>, Error> {
    let chosen: Vec<config::Connection> = match only {
        Some(name) => vec![app.connection(name)?.clone()],
        None => app.config.connections.clone(),
    };
    // What waits for somebody else goes on at the same time.
    let mut waiting = JoinSet::new();
    let reaching = Arc::clone(app);
    let names = chosen.clone();
    waiting.spawn(async move { (2, connections::look(&reaching, &names).await) });
    let storing = Arc::clone(app);
    let names = chosen.clone();
    waiting.spawn(async move { (0, store::look(&storing, &names).await) });
    waiting.spawn(async move { (1, loopback::look(&chosen).await) });
    let mut checks = configuration::look(app, broken);
    checks.extend(variables::look(app));
    checks.extend(folders::look(app));
    checks.extend(network::look(app));
    checks.extend(browser::look(&app.machine));
    let mut later = Vec::new();
    while let Some(found) = waiting.join_next().await {
        // A check that died is one that found something.
        later.push(found.unwrap_or_else(|_| (3, vec![Check::fail("doctor", Class::Network, "a check did not end")])));
    }
    crate::order::by_key(&mut later, |(order, _)| *order);
    checks.extend(later.into_iter().flat_map(|(_, found)| found));
    checks.extend(hosts::look(&crate::hosts::Here::of(&app.machine)));
    Ok(checks)
}
