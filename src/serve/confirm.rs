//! A tool call that needs the person's yes: the host asks, where it can do that.
//!
//! In the middle of a legacy call the answer comes to the question itself. A modern host comes again with the answer
//! under a key, and the key is random: it was given out with one question, it is kept here for some minutes, and the
//! first call that brings it uses it up. So a yes counts once, for the deed it was asked for and no other.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};
use url::Url;

use super::Entry;
use super::sign_in::{self, Next};
use crate::app::error::NoYes;
use crate::app::{App, Error};
use crate::backends::{Agreed, Way};
use crate::mcp::{Asked, Asking, Question};

/// How many questions are open at once; the oldest gives way.
const MOST: usize = 256;
/// How long a question stays open, in seconds.
const OPEN_FOR: i64 = 300;
/// What the keys begin with.
const PREFIX: &str = "agree-";

/// The questions that modern hosts were given and have not come back with.
#[derive(Clone, Default)]
pub(super) struct Questions(Arc<Mutex<VecDeque<Open>>>);

struct Open {
    key: String,
    deed: Deed,
    /// In seconds of the machine's clock.
    asked: i64,
}

/// What the person is asked about.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Deed {
    tool: String,
    question: String,
    destination: Option<Destination>,
}

/// Where a deed is done, and under which login. The question need not say it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Destination {
    connection: String,
    way: Way,
    url: Option<Url>,
    issuer: Option<String>,
}

impl Deed {
    /// What the tool would do, with the program as it is now.
    pub(super) fn new(app: &App, entry: &Entry, question: String) -> Self {
        Self { tool: entry.tool.name.clone(), question, destination: Destination::of(app, entry) }
    }
}

impl Destination {
    /// That of the tool's connection, if it has one.
    pub(super) fn of(app: &App, entry: &Entry) -> Option<Self> {
        let connection = app.connection(entry.connection.as_deref()?).ok()?;
        let way = app.way(connection);
        Some(Self {
            connection: connection.name.clone(),
            way,
            url: connection.endpoint(way),
            issuer: connection.issuer.clone(),
        })
    }
}

impl Questions {
    /// Asks the person, or finds what they said.
    pub(super) async fn ask(&self, deed: Deed, now: i64, asking: &Asking, answers: &Map<String, Value>) -> Next {
        let asked = match asking {
            Asking::Cannot => None,
            Asking::Now(asker) => Some(asker.confirm(&deed.question).await),
            Asking::ByResult => match self.answered(&deed, now, answers) {
                Some(asked) => Some(asked),
                None => match self.open(&deed, now) {
                    Some(key) => {
                        return Next::Ask(sign_in::required(&key, Question::Confirm(deed.question)));
                    }
                    None => None,
                },
            },
        };
        let Deed { tool, question, .. } = deed;
        let why = match asked {
            Some(Asked::Accepted) => return Next::Agreed(Agreed::to(question)),
            Some(Asked::Declined) => NoYes::Declined,
            Some(Asked::Cancelled) => NoYes::Cancelled,
            None => NoYes::Unasked,
        };
        Next::Fail(Error::Unconfirmed { tool, question, why })
    }

    /// What the person said to this. Every key that comes is used up, also one that belongs to another question.
    fn answered(&self, deed: &Deed, now: i64, answers: &Map<String, Value>) -> Option<Asked> {
        let mut questions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back opens nothing for longer.
        questions.retain(|open| (0..OPEN_FOR).contains(&now.saturating_sub(open.asked)));
        let mut asked = None;
        for (key, answer) in answers.iter().filter(|(key, _)| key.starts_with(PREFIX)) {
            let found = questions.iter().position(|open| open.key == *key).and_then(|at| questions.remove(at));
            if found.is_some_and(|open| open.deed == *deed) && asked.is_none() {
                asked = Some(Asked::of(Some(answer)));
            }
        }
        asked
    }

    /// Keeps the question; returns the key for its answer. `None` if the system has no random numbers.
    fn open(&self, deed: &Deed, asked: i64) -> Option<String> {
        let key = format!("{PREFIX}{}", super::unguessable()?);
        let mut questions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while questions.len() >= MOST {
            questions.pop_front();
        }
        questions.push_back(Open { key: key.clone(), deed: deed.clone(), asked });
        Some(key)
    }
}

#[cfg(test)]
mod tests;
