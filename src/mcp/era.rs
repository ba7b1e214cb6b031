//! Which rules a request follows, and what its results look like under them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::client::Takes;
use super::message::{Failure, Params, string};
use super::{Identity, Level};

/// The revision without a handshake.
pub(super) const MODERN: &str = "2026-07-28";
/// The newest revision with one.
pub(super) const NEWEST_LEGACY: &str = "2025-11-25";
/// The revision with a handshake in which the person could first be asked something.
pub(super) const FORMS_LEGACY: &str = "2025-06-18";
/// All revisions, newest first.
pub(super) const VERSIONS: [&str; 5] = [MODERN, NEWEST_LEGACY, FORMS_LEGACY, "2025-03-26", "2024-11-05"];

/// The rules of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Era {
    /// A handshake, and results without decoration.
    Legacy,
    /// Everything in each request, also what this client takes.
    Modern(Takes),
}

/// The known members of `_meta`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Meta<'a> {
    #[serde(borrow, rename = "progressToken")]
    pub(super) progress_token: Option<&'a RawValue>,
    #[serde(borrow, rename = "io.modelcontextprotocol/protocolVersion")]
    version: Option<&'a RawValue>,
    #[serde(borrow, rename = "io.modelcontextprotocol/clientCapabilities")]
    capabilities: Option<&'a RawValue>,
    #[serde(borrow, rename = "io.modelcontextprotocol/logLevel")]
    log_level: Option<&'a RawValue>,
}

impl<'a> Meta<'a> {
    /// Reads `_meta`; absence is empty.
    pub(super) fn of(params: &Params<'a>) -> Result<Self, Failure> {
        match params.meta.map(RawValue::get) {
            None => Ok(Self::default()),
            Some(text) => serde_json::from_str(text).map_err(|_| Failure::parameters("`_meta` is not an object")),
        }
    }

    /// The rules of the request that carries this.
    pub(super) fn era(&self, method: &str) -> Result<Era, Failure> {
        let Some(version) = self.version else {
            if method == "server/discover" {
                // Without a version the client cannot be told which rules hold; it falls back to `initialize`.
                return Err(Failure::parameters("`_meta` has no `io.modelcontextprotocol/protocolVersion`"));
            }
            return Ok(Era::Legacy);
        };
        let version = string(version).ok_or_else(|| Failure::parameters("the protocol version is not a text"))?;
        if version != MODERN {
            let is_known = VERSIONS.contains(&version.as_ref());
            return if is_known && method != "server/discover" { Ok(Era::Legacy) } else { Err(unsupported(&version)) };
        }
        match self.capabilities {
            Some(raw) if raw.get().starts_with('{') => {}
            _ => return Err(Failure::parameters("`_meta` has no object `io.modelcontextprotocol/clientCapabilities`")),
        }
        if self.log_level.is_some() && self.level().is_none() {
            return Err(Failure::parameters("`io.modelcontextprotocol/logLevel` is not a level"));
        }
        Ok(Era::Modern(Takes::of(self.capabilities)))
    }

    /// From which level on a modern client wants the log messages of this request.
    pub(super) fn level(&self) -> Option<Level> {
        self.log_level.and_then(string).and_then(|word| Level::of(&word))
    }
}

fn unsupported(requested: &str) -> Failure {
    let requested: String = requested.chars().take(100).collect();
    let data = json!({ "supported": VERSIONS, "requested": requested });
    Failure { data: Some(data.to_string()), ..Failure::new(-32022, "unsupported protocol version") }
}

/// The revision that a handshake ends with: the requested one if it is known and has a handshake, else the newest that
/// has one. The client then goes on or leaves.
pub(super) fn negotiate(requested: &str) -> &'static str {
    VERSIONS.into_iter().find(|version| *version == requested && *version != MODERN).unwrap_or(NEWEST_LEGACY)
}

/// How long a client may keep a result.
#[derive(Clone, Copy)]
pub(super) enum Keep {
    /// It has no such members.
    Not,
    /// A minute, for this person: a login or another configuration may add to what is offered at any time.
    Offer,
    /// Not at all, and for this person: what a service holds changes without notice.
    Reading,
}

/// What stands before and after the members of a result.
pub(super) struct Frame {
    /// Begins with `{`; ends with a comma where it holds anything.
    pub(super) head: &'static str,
    /// Ends with `}`; begins with a comma.
    pub(super) tail: Cow<'static, str>,
}

/// The decorations of a result. `server_info` is the JSON of [`server_info`]; `meta` what else is to stand in `_meta`:
/// members with commas between them, or nothing.
pub(super) fn frame(era: Era, is_complete: bool, keep: Keep, server_info: &str, meta: &str) -> Frame {
    if era == Era::Legacy {
        let tail = if meta.is_empty() { "}".into() } else { format!(",\"_meta\":{{{meta}}}}}").into() };
        return Frame { head: "{", tail };
    }
    let keep = match keep {
        Keep::Not => "",
        Keep::Offer => ",\"ttlMs\":60000,\"cacheScope\":\"private\"",
        Keep::Reading => ",\"ttlMs\":0,\"cacheScope\":\"private\"",
    };
    let comma = if meta.is_empty() { "" } else { "," };
    Frame {
        head: if is_complete { "{\"resultType\":\"complete\"," } else { "{\"resultType\":\"input_required\"," },
        tail: format!("{keep},\"_meta\":{{\"io.modelcontextprotocol/serverInfo\":{server_info}{comma}{meta}}}}}")
            .into(),
    }
}

/// The members of somebody else's `_meta` that may stand in ours: those whose prefix MCP does not keep for itself.
pub(super) fn foreign(meta: &RawValue) -> String {
    let members: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(meta.get()).unwrap_or_default();
    let members = members.iter().filter(|(key, _)| !is_reserved(key));
    members.map(|(key, value)| format!("{}:{}", json!(key), value.get())).collect::<Vec<_>>().join(",")
}

/// Whether the second label of the key's prefix is MCP's.
fn is_reserved(key: &str) -> bool {
    let prefix = key.split_once('/').map_or("", |(prefix, _)| prefix);
    prefix.split('.').nth(1).is_some_and(|label| {
        ["mcp", "modelcontextprotocol"].iter().any(|reserved| label.eq_ignore_ascii_case(reserved))
    })
}

/// Who we are, as JSON.
pub(super) fn server_info(identity: &Identity) -> String {
    json!({ "name": identity.name, "title": identity.title, "version": identity.version }).to_string()
}
