//! What is read: prompts and resources. Their requests, their results, and which error of which era a refusal is.

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::era::Era;
use super::message::{Failure, Params, string};
use super::writer::{Part, Parts};
use super::{Client, LogSender, ProgressSender, Question};

/// One reading.
#[derive(Debug)]
pub struct ReadRequest {
    /// Of what.
    pub reading: Reading,
    /// Where progress goes; `None` if the client did not ask for it.
    pub progress: Option<ProgressSender>,
    /// Where log messages go.
    pub log: LogSender,
    /// What the client can be asked, and how.
    pub client: Client,
    /// Modern: what was answered to the questions of an earlier [`Found::InputRequired`], by their keys.
    pub answers: Map<String, Value>,
    /// Modern: the state of that earlier result. It comes from an untrusted place.
    pub request_state: Option<String>,
}

/// Something to read.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// A prompt, filled in.
    Prompt {
        /// Which.
        name: String,
        /// What was filled in; empty if there was nothing.
        arguments: Map<String, Value>,
    },
    /// A resource.
    Resource {
        /// Its address, as it was written.
        uri: String,
    },
}

/// What was read.
#[derive(Clone, Debug)]
pub enum Found {
    /// A prompt.
    Prompt {
        /// What it is for.
        description: Option<String>,
        /// Its messages: a JSON array.
        messages: Box<RawValue>,
    },
    /// A resource.
    Resource {
        /// What it holds, in one or several parts: a JSON array.
        contents: Box<RawValue>,
    },
    /// Nothing yet. Modern only: these are to be answered first, by a key each.
    InputRequired {
        /// The questions.
        questions: Vec<(String, Question)>,
        /// What the client is to bring again with the answers. It is seen by the client.
        state: Option<String>,
    },
}

/// Why nothing was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// There is no such prompt, or it cannot be filled in with this.
    Parameters(String),
    /// There is no such resource.
    NotFound {
        /// The address that was asked for.
        uri: String,
        /// What is wrong with it.
        why: String,
    },
    /// It is there and could not be read; says what helps.
    Failed(String),
}

impl ReadRequest {
    /// A reading by a client that wants nothing else and can be asked nothing.
    pub fn new(reading: Reading) -> Self {
        Self {
            reading,
            progress: None,
            log: LogSender::default(),
            client: Client::default(),
            answers: Map::new(),
            request_state: None,
        }
    }
}

/// The parameters of `prompts/get`.
pub(super) fn prompt(params: &Params<'_>) -> Result<Reading, Failure> {
    let name = super::dispatch::name(params)?;
    Ok(Reading::Prompt { name, arguments: super::dispatch::arguments(params)? })
}

/// The parameters of `resources/read`.
pub(super) fn resource(params: &Params<'_>) -> Result<Reading, Failure> {
    Ok(Reading::Resource { uri: uri(params)? })
}

/// An address.
pub(super) fn uri(params: &Params<'_>) -> Result<String, Failure> {
    let uri = params.uri.ok_or_else(|| Failure::parameters("`uri` is missing"))?;
    Ok(string(uri).ok_or_else(|| Failure::parameters("`uri` is not a text"))?.into_owned())
}

/// The members of a prompt's result.
pub(super) fn messages(description: Option<&str>, messages: Box<RawValue>) -> Parts {
    let mut parts = Vec::with_capacity(3);
    if let Some(description) = description {
        parts.push(Part::Text(format!("\"description\":{},", json!(description))));
    }
    parts.extend([Part::Static("\"messages\":"), Part::Raw(messages)]);
    parts
}

/// The error of a completion: whatever is not there is a wrong parameter.
pub(super) fn incomplete(error: ReadError) -> Failure {
    match error {
        ReadError::NotFound { why, .. } => Failure::parameters(why),
        error => failure(Era::Legacy, error),
    }
}

/// The error. A resource that is not there had a code of its own until 2026-07-28, which no modern peer may be sent.
pub(super) fn failure(era: Era, error: ReadError) -> Failure {
    match error {
        ReadError::Parameters(why) => Failure::parameters(why),
        ReadError::NotFound { uri, why } => {
            let code = if era == Era::Legacy { -32002 } else { -32602 };
            Failure { code, message: why.into(), data: Some(json!({ "uri": uri }).to_string()) }
        }
        ReadError::Failed(why) => Failure { code: -32603, message: why.into(), data: None },
    }
}
