//! What a server speaks, its legacy sessions, and when one of both is no longer true.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use http::HeaderValue;

use super::listed;
use super::talk::{Shared, Talk, Voice};
use crate::backends::Error;
use crate::backends::host::Takes;

/// What a server speaks.
#[derive(Clone)]
pub(super) enum Era {
    Modern,
    Legacy(Arc<Session>),
}

/// A legacy session. Servers without sessions give it no id.
pub(super) struct Session {
    pub(super) id: Option<HeaderValue>,
    pub(super) version: String,
    /// What was declared when it began: the server may ask nothing else in it.
    pub(super) takes: Takes,
    /// From which severity on it was told to log.
    level: Mutex<Option<&'static str>>,
    /// The requests that run in it and whose host can be asked.
    talks: Mutex<Vec<Weak<Shared>>>,
}

impl Session {
    pub(super) fn new(id: Option<HeaderValue>, version: String, takes: Takes) -> Arc<Self> {
        Arc::new(Self { id, version, takes, level: Mutex::default(), talks: Mutex::default() })
    }

    /// Whether the server gave the session an id.
    pub(super) fn has_id(&self) -> bool {
        self.id.is_some()
    }

    pub(super) fn join(&self, talk: &Talk) {
        if talk.takes() != Takes::default() {
            let mut talks = self.talks.lock().unwrap_or_else(PoisonError::into_inner);
            talks.retain(|talk| talk.strong_count() > 0);
            talks.push(talk.voice().downgrade());
        }
    }

    /// Who is asked what the server asks outside of any request: the host of the request that began last in this session.
    pub(super) fn voice(&self) -> Option<Voice> {
        let talks = self.talks.lock().unwrap_or_else(PoisonError::into_inner);
        talks.iter().rev().find_map(Weak::upgrade).map(Voice::of)
    }

    /// Whether the server must be told to log from this severity on.
    pub(super) fn raises(&self, level: &'static str) -> bool {
        let mut told = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let raises = told.is_none_or(|told| listed::severity(level) < listed::severity(told));
        if raises {
            *told = Some(level);
        }
        raises
    }
}

impl Era {
    pub(super) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Modern, Self::Modern) => true,
            (Self::Legacy(one), Self::Legacy(another)) => Arc::ptr_eq(one, another),
            _ => false,
        }
    }
}

/// Why an attempt brought no result.
pub(super) enum Trouble {
    /// What is known about the server is no longer true; nothing was executed.
    Stale(Error),
    /// It did not work.
    Final(Error),
    /// Nothing was executed, because the person must open these pages first.
    Pages(Error, Vec<serde_json::Value>),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Stale(error) | Trouble::Final(error) | Trouble::Pages(error, _) => error,
        }
    }
}
