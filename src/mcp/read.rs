//! What is read: prompts and resources. Their requests, their results, and which error of which era a refusal is.

use serde_json::{Map, Value, json};

use super::era::Era;
use super::message::{Failure, Params, string};
use super::writer::{Part, Parts};

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A request in the person's name.
    Prompt {
        /// What it is for.
        description: String,
        /// The request.
        text: String,
    },
    /// A resource's text.
    Resource {
        /// The address that was asked for.
        uri: String,
        /// Its media type.
        media_type: String,
        /// The text.
        text: String,
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

/// The parameters of `prompts/get`.
pub(super) fn prompt(params: &Params<'_>) -> Result<Reading, Failure> {
    let name = super::dispatch::name(params)?;
    Ok(Reading::Prompt { name, arguments: super::dispatch::arguments(params)? })
}

/// The parameters of `resources/read`.
pub(super) fn resource(params: &Params<'_>) -> Result<Reading, Failure> {
    let uri = params.uri.ok_or_else(|| Failure::parameters("`uri` is missing"))?;
    let uri = string(uri).ok_or_else(|| Failure::parameters("`uri` is not a text"))?.into_owned();
    Ok(Reading::Resource { uri })
}

/// The members of the result.
pub(super) fn members(found: &Found) -> Parts {
    let text = |text: &str| Part::Text(serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned()));
    match found {
        Found::Prompt { description, text: request } => vec![
            Part::Static("\"description\":"),
            text(description),
            Part::Static(",\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":"),
            text(request),
            Part::Static("}}]"),
        ],
        Found::Resource { uri, media_type, text: body } => vec![
            Part::Static("\"contents\":[{\"uri\":"),
            text(uri),
            Part::Static(",\"mimeType\":"),
            text(media_type),
            Part::Static(",\"text\":"),
            text(body),
            Part::Static("}]"),
        ],
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
