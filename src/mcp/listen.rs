//! What a client wants to hear outside its requests, and what it is sent for that: `subscriptions/listen` of 2026-07-28,
//! and the notifications of every revision.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Deserialize;
use serde_json::json;

use super::message::{Failure, Id, Params};
use super::writer::{Part, Parts};

/// The most addresses of one request.
const MOST: usize = 1_000;
/// The most bytes of one of them.
const LONGEST: usize = 2_048;

/// What tells that a list has changed: of tools, prompts and resources; and how a request wants it.
const LISTS: [(&str, &str); 3] = [
    ("notifications/tools/list_changed", "toolsListChanged"),
    ("notifications/prompts/list_changed", "promptsListChanged"),
    ("notifications/resources/list_changed", "resourcesListChanged"),
];

/// What a request wants to hear, of what there is to hear.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wish {
    /// Whether lists change: of tools, prompts and resources.
    pub(super) lists: [bool; 3],
    /// Addresses, each once.
    pub(super) uris: Vec<String>,
}

#[derive(Deserialize)]
struct Filter<'a> {
    #[serde(rename = "toolsListChanged")]
    tools: Option<bool>,
    #[serde(rename = "promptsListChanged")]
    prompts: Option<bool>,
    #[serde(rename = "resourcesListChanged")]
    resources: Option<bool>,
    #[serde(borrow, rename = "resourceSubscriptions")]
    uris: Option<Vec<Cow<'a, str>>>,
}

impl Wish {
    /// The parameters of `subscriptions/listen`, less what is not `offered`: lists, and addresses.
    pub(super) fn of(params: &Params<'_>, lists: [bool; 3], has_addresses: bool) -> Result<Self, Failure> {
        let raw = params.notifications.ok_or_else(|| Failure::parameters("`notifications` is missing"))?;
        let object = Some(raw.get()).filter(|text| text.starts_with('{'));
        let filter = object.and_then(|text| serde_json::from_str::<Filter<'_>>(text).ok());
        let filter = filter.ok_or_else(|| Failure::parameters("`notifications` does not have the form of a filter"))?;
        let mut uris = filter.uris.unwrap_or_default();
        if uris.len() > MOST {
            return Err(Failure::parameters("`resourceSubscriptions` has too many addresses"));
        }
        uris.iter().try_for_each(|uri| sized(uri))?;
        if !has_addresses {
            uris.clear();
        }
        let mut known = HashSet::new();
        let uris = uris.into_iter().map(Cow::into_owned).filter(|uri| known.insert(uri.clone())).collect();
        let [tools, prompts, resources] = lists;
        let wants = |wanted: Option<bool>, is_offered| is_offered && wanted == Some(true);
        let lists = [wants(filter.tools, tools), wants(filter.prompts, prompts), wants(filter.resources, resources)];
        Ok(Self { lists, uris })
    }
}

/// Refuses an address without measure: it would be kept for as long as it is watched.
pub(super) fn sized(uri: &str) -> Result<(), Failure> {
    if uri.len() > LONGEST { Err(Failure::parameters("the address is too long")) } else { Ok(()) }
}

/// What the request of this id was granted.
pub(super) fn acknowledged(id: &Id, lists: [bool; 3], uris: &[impl AsRef<str>]) -> Parts {
    let lists = LISTS.into_iter().zip(lists).filter(|(_, is_granted)| *is_granted);
    let mut granted: Vec<String> = lists.map(|((_, member), _)| format!("\"{member}\":true")).collect();
    if !uris.is_empty() {
        let uris = uris.iter().map(|uri| json!(uri.as_ref()).to_string()).collect::<Vec<_>>().join(",");
        granted.push(format!("\"resourceSubscriptions\":[{uris}]"));
    }
    let granted = format!("\"notifications\":{{{}}}", granted.join(","));
    notification("notifications/subscriptions/acknowledged", Some(&granted), Some(id))
}

/// One of the lists has changed.
pub(super) fn changed(list: usize, id: Option<&Id>) -> Option<Parts> {
    LISTS.get(list).map(|(method, _)| notification(method, None, id))
}

/// What is at the address has changed.
pub(super) fn updated(uri: &str, id: Option<&Id>) -> Parts {
    notification("notifications/resources/updated", Some(&format!("\"uri\":{}", json!(uri))), id)
}

/// What marks all that is sent for the listening request of this id.
pub(super) fn mark(id: &Id) -> String {
    format!("\"io.modelcontextprotocol/subscriptionId\":{}", id.raw.get())
}

/// A notification, for a listening request or for the legacy client.
fn notification(method: &str, member: Option<&str>, id: Option<&Id>) -> Parts {
    let meta = id.map(|id| format!("\"_meta\":{{{}}}", mark(id)));
    let members: Vec<&str> = member.into_iter().chain(meta.as_deref()).collect();
    let params = match members.join(",") {
        members if members.is_empty() => String::new(),
        members => format!(",\"params\":{{{members}}}"),
    };
    vec![Part::Text(format!("{{\"jsonrpc\":\"2.0\",\"method\":\"{method}\"{params}}}"))]
}
