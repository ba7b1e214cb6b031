//! Which rules a request follows, and what its results look like under them.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::Identity;
use super::message::{Failure, Params, string};

/// The revision without a handshake.
pub(super) const MODERN: &str = "2026-07-28";
/// The newest revision with one.
const NEWEST_LEGACY: &str = "2025-11-25";
/// The revision with a handshake in which the person could first be asked something.
const FORMS_LEGACY: &str = "2025-06-18";
/// All revisions, newest first.
pub(super) const VERSIONS: [&str; 5] = [MODERN, NEWEST_LEGACY, FORMS_LEGACY, "2025-03-26", "2024-11-05"];
const LOG_LEVELS: [&str; 8] = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

/// The rules of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Era {
    /// A handshake, and results without decoration.
    Legacy,
    /// Everything in each request, also what this one lets the person be asked.
    Modern(Can),
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

/// The part of a client's capabilities that matters here.
#[derive(Default, Deserialize)]
struct Capabilities {
    elicitation: Option<Elicitation>,
}

#[derive(Deserialize)]
struct Elicitation {
    form: Option<serde_json::Map<String, serde_json::Value>>,
    url: Option<serde_json::Map<String, serde_json::Value>>,
}

/// What the person can be asked. A host may do one and not the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Can {
    /// To open an address.
    pub(super) open: bool,
    /// To say yes or no.
    pub(super) confirm: bool,
}

impl Can {
    /// What these capabilities let the person be asked.
    fn of(capabilities: Option<&RawValue>) -> Self {
        let read = |raw: &RawValue| serde_json::from_str::<Capabilities>(raw.get()).ok();
        let Some(elicitation) = capabilities.and_then(read).and_then(|it| it.elicitation) else {
            return Self::default();
        };
        let open = elicitation.url.is_some();
        // Forms are older than modes: whoever names no mode means them.
        Self { open, confirm: elicitation.form.is_some() || !open }
    }

    /// The same for a client with a handshake: forms came with 2025-06-18, addresses with 2025-11-25.
    pub(super) fn under(version: &str, capabilities: Option<&RawValue>) -> Self {
        let can = Self::of(capabilities);
        let open = can.open && version == NEWEST_LEGACY;
        Self { open, confirm: can.confirm && [NEWEST_LEGACY, FORMS_LEGACY].contains(&version) }
    }
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
        let level = self.log_level.map(|raw| string(raw).unwrap_or_default());
        if level.is_some_and(|level| !LOG_LEVELS.contains(&level.as_ref())) {
            return Err(Failure::parameters("`io.modelcontextprotocol/logLevel` is not a level"));
        }
        Ok(Era::Modern(Can::of(self.capabilities)))
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

/// The decorations of a result. `server_info` is the JSON of [`server_info`].
pub(super) fn frame(era: Era, is_complete: bool, keep: Keep, server_info: &str) -> Frame {
    if era == Era::Legacy {
        return Frame { head: "{", tail: "}".into() };
    }
    let keep = match keep {
        Keep::Not => "",
        Keep::Offer => ",\"ttlMs\":60000,\"cacheScope\":\"private\"",
        Keep::Reading => ",\"ttlMs\":0,\"cacheScope\":\"private\"",
    };
    Frame {
        head: if is_complete { "{\"resultType\":\"complete\"," } else { "{\"resultType\":\"input_required\"," },
        tail: format!("{keep},\"_meta\":{{\"io.modelcontextprotocol/serverInfo\":{server_info}}}}}").into(),
    }
}

/// Who we are, as JSON.
pub(super) fn server_info(identity: &Identity) -> String {
    json!({ "name": identity.name, "title": identity.title, "version": identity.version }).to_string()
}
