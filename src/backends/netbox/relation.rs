//! Names of objects, as people say them, turned into what NetBox wants: an id, or a slug.
//!
//! What matches exactly comes before what matches in another case. Several objects of a name are an error that lists
//! them: the first one would be a guess that nobody sees.

use serde_json::Value;

use super::catalog::Type;
use super::client::{Ask, Client};
use super::release::Release;
use super::vocabulary;
use crate::backends::{Boxed, Error, outside};

/// What a field or a filter refers to, wherever it stands.
const TARGETS: &[(&str, &str)] = &[
    ("circuits.circuit", "circuit"),
    ("circuits.provider", "provider"),
    ("circuits.provideraccount", "provider_account"),
    ("circuits.providernetwork", "provider_network"),
    ("dcim.device", "device parent_device"),
    ("dcim.devicerole", "device_role"),
    ("dcim.devicetype", "device_type"),
    ("dcim.location", "location"),
    ("dcim.manufacturer", "manufacturer"),
    ("dcim.moduletype", "module_type"),
    ("dcim.platform", "platform default_platform"),
    ("dcim.powerpanel", "power_panel"),
    ("dcim.rack", "rack"),
    ("dcim.racktype", "rack_type"),
    ("dcim.region", "region"),
    ("dcim.site", "site"),
    ("dcim.sitegroup", "site_group"),
    ("dcim.virtualchassis", "virtual_chassis"),
    ("extras.configtemplate", "config_template"),
    ("extras.tag", "tag"),
    ("ipam.ipaddress", "primary_ip4 primary_ip6 oob_ip nat_inside"),
    ("ipam.rir", "rir"),
    ("ipam.routetarget", "import_target export_target import_targets export_targets"),
    ("ipam.vlangroup", "vlan_group"),
    ("ipam.vrf", "vrf present_in_vrf"),
    ("tenancy.contact", "contact"),
    ("tenancy.contactgroup", "contact_group"),
    ("tenancy.contactrole", "contact_role"),
    ("tenancy.tenant", "tenant"),
    ("tenancy.tenantgroup", "tenant_group"),
    ("users.owner", "owner"),
    ("users.ownergroup", "owner_group"),
    ("users.user", "user created_by"),
    ("virtualization.cluster", "cluster"),
    ("virtualization.clustergroup", "cluster_group"),
    ("virtualization.clustertype", "cluster_type"),
    ("virtualization.virtualmachine", "virtual_machine"),
    ("vpn.l2vpn", "l2vpn"),
    ("vpn.tunnel", "tunnel"),
];
/// What a field refers to that is another thing in each type: the models that have it, the field, and the target.
const OWN: &[(&str, &str, &str)] = &[
    ("device virtualmachine", "role", "dcim.devicerole"),
    ("inventoryitem", "role", "dcim.inventoryitemrole"),
    ("prefix iprange vlan", "role", "ipam.role"),
    ("rack", "role", "dcim.rackrole"),
    ("contactassignment", "role", "tenancy.contactrole"),
    ("site", "group", "dcim.sitegroup"),
    ("tenant", "group", "tenancy.tenantgroup"),
    ("contact contactassignment", "group", "tenancy.contactgroup"),
    ("contact", "groups", "tenancy.contactgroup"),
    ("vlan", "group", "ipam.vlangroup"),
    ("cluster", "group", "virtualization.clustergroup"),
    ("tunnel", "group", "vpn.tunnelgroup"),
    ("wirelesslan", "group", "wireless.wirelesslangroup"),
    ("rack", "group", "dcim.rackgroup"),
    ("circuit", "type", "circuits.circuittype"),
    ("virtualcircuit", "type", "circuits.virtualcircuittype"),
    ("cluster", "type", "virtualization.clustertype"),
    ("region", "parent", "dcim.region"),
    ("sitegroup", "parent", "dcim.sitegroup"),
    ("location", "parent", "dcim.location"),
    ("devicerole", "parent", "dcim.devicerole"),
    ("tenantgroup", "parent", "tenancy.tenantgroup"),
    ("contactgroup", "parent", "tenancy.contactgroup"),
];
/// By what an object is named, where that is not its slug or its name.
const NAMED: &[(&str, &[&str])] = &[
    ("circuits.circuit", &["cid"]),
    ("circuits.virtualcircuit", &["cid"]),
    ("circuits.provideraccount", &["account", "name"]),
    ("circuits.providernetwork", &["name"]),
    ("dcim.cable", &["label"]),
    ("dcim.device", &["name"]),
    ("dcim.interface", &["name"]),
    ("dcim.macaddress", &["mac_address"]),
    ("dcim.devicetype", &["slug", "model"]),
    ("dcim.moduletype", &["model"]),
    ("dcim.powerpanel", &["name"]),
    ("dcim.rack", &["name"]),
    ("dcim.racktype", &["slug", "model"]),
    ("dcim.virtualchassis", &["name"]),
    ("extras.configtemplate", &["name"]),
    ("ipam.aggregate", &["prefix"]),
    ("ipam.asn", &["asn"]),
    ("ipam.ipaddress", &["address"]),
    ("ipam.iprange", &["start_address"]),
    ("ipam.prefix", &["prefix"]),
    ("ipam.routetarget", &["name"]),
    ("ipam.service", &["name"]),
    ("ipam.vlan", &["name", "vid"]),
    ("ipam.vrf", &["name", "rd"]),
    ("tenancy.contact", &["name"]),
    ("users.owner", &["name"]),
    ("users.ownergroup", &["name"]),
    ("users.user", &["username"]),
    ("users.group", &["name"]),
    ("virtualization.cluster", &["name"]),
    ("virtualization.virtualmachine", &["name"]),
    ("virtualization.vminterface", &["name"]),
];
/// What has no form without regard to case: networks and numbers.
const EXACT: [&str; 6] = ["prefix", "address", "start_address", "asn", "vid", "mac_address"];
/// Objects that are compared with a name, and how many of them an error lists.
const COMPARED: &str = "50";
const LISTED: usize = 8;

/// An object that was found by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) id: u64,
    pub(super) slug: Option<String>,
    /// What it is called, for people.
    pub(super) display: String,
}

/// The type that a field or filter of this type refers to.
pub(super) fn target(kind: &Type, field: &str) -> Option<&'static str> {
    let model = kind.name.rsplit('.').next().unwrap_or_default();
    let has = |list: &str, word: &str| list.split(' ').any(|one| one == word);
    let own = OWN.iter().find(|(models, name, _)| *name == field && has(models, model)).map(|(.., target)| *target);
    own.or_else(|| TARGETS.iter().find(|(_, fields)| has(fields, field)).map(|(target, _)| *target))
}

/// Finds the one object of a type that is meant by a text. `within` narrows the search.
pub(super) fn named<'a>(
    client: &'a Client,
    kind: &'a Type,
    text: &'a str,
    within: &'a [(String, String)],
) -> Boxed<'a, Result<Found, Error>> {
    Box::pin(find(client, kind, text.trim(), within))
}

/// [`named`], of a type of the list.
pub(super) async fn of(client: &Client, target: &str, text: &str) -> Result<Found, Error> {
    let release = client.release().await?;
    let kind = Type::named(target, release)
        .ok_or_else(|| Error::Arguments(format!("`{text}` cannot be looked up: there is no type `{target}`")))?;
    named(client, &kind, text, &[]).await
}

async fn find(client: &Client, kind: &Type, text: &str, within: &[(String, String)]) -> Result<Found, Error> {
    let names = NAMED.iter().find(|(name, _)| *name == kind.name).map_or(&["slug", "name"][..], |(_, names)| *names);
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let usable = |name: &&&str| is_number || !matches!(**name, "vid" | "asn");
    let asks: Vec<Ask> = names
        .iter()
        .filter(usable)
        .map(|name| {
            let filter = if EXACT.contains(name) { (*name).to_owned() } else { format!("{name}__ie") };
            let shown = ["id", "display", "slug", "site", "tenant", "vrf", "group"].into_iter();
            let fields: Vec<&str> = shown.chain(names.iter().copied().filter(|name| *name != "slug")).collect();
            let ask = Ask::get(&kind.path).with(&filter, text).with_all(within.iter().cloned());
            ask.with("limit", COMPARED).with("fields", fields.join(","))
        })
        .collect();
    let mut rows: Vec<Value> = Vec::new();
    for answer in client.all(asks).await {
        let answer = answer?.body.get_mut("results").map(Value::take);
        for row in answer.as_ref().and_then(Value::as_array).into_iter().flatten() {
            if !rows.iter().any(|known| known.get("id") == row.get("id")) {
                rows.push(row.clone());
            }
        }
    }
    // A filter that this release does not know would have been ignored: what counts is what the objects say.
    let exact: Vec<&Value> = rows.iter().filter(|row| is_called(row, names, text, false)).collect();
    let near: Vec<&Value> = rows.iter().filter(|row| is_called(row, names, text, true)).collect();
    match (exact.as_slice(), near.as_slice()) {
        ([one], _) | ([], [one]) => found(one)
            .ok_or_else(|| Error::Protocol { host: client.host(), cause: "an object without an id".to_owned() }),
        ([], []) => Err(Error::Arguments(absent(client, kind, text).await)),
        ([], several) | (several, _) => Err(Error::Arguments(ambiguous(kind, text, several))),
    }
}

fn is_called(row: &Value, names: &[&str], text: &str, in_any_case: bool) -> bool {
    names.iter().any(|name| match row.get(*name) {
        // The mask of an address is left out by most who name one.
        Some(Value::String(value)) if name.ends_with("address") && !text.contains('/') => {
            value.split('/').next().is_some_and(|address| address.eq_ignore_ascii_case(text))
        }
        Some(Value::String(value)) if in_any_case => value.to_lowercase() == text.to_lowercase(),
        Some(Value::String(value)) => value == text,
        Some(Value::Number(value)) => value.to_string() == text,
        _ => false,
    })
}

fn found(row: &Value) -> Option<Found> {
    let slug = row.get("slug").and_then(Value::as_str).map(str::to_owned);
    let display = row.get("display").and_then(Value::as_str).unwrap_or_default();
    Some(Found { id: row.get("id")?.as_u64()?, slug, display: outside::line(display, 100) })
}

fn ambiguous(kind: &Type, text: &str, rows: &[&Value]) -> String {
    let listed: Vec<String> = rows.iter().take(LISTED).map(|row| told(kind, row)).collect();
    let more = rows.len().saturating_sub(LISTED);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    format!(
        "`{}` is the name of {} objects of {}: {}{more}; give the id of the one that is meant",
        outside::line(text, 60),
        rows.len(),
        kind.name,
        listed.join(", ")
    )
}

/// An object in a few words: its id, its name, and where it belongs.
fn told(kind: &Type, row: &Value) -> String {
    let display = |value: &Value| value.get("display").and_then(Value::as_str).map(|text| outside::line(text, 60));
    let places = ["site", "vrf", "group", "tenant"].iter().filter_map(|name| display(row.get(*name)?));
    // The name of a token may be the token.
    let name = display(row).filter(|_| !vocabulary::is_secret(&kind.name, "display"));
    let parts: Vec<String> = name.into_iter().chain(places).collect();
    format!("{} ({})", row.get("id").unwrap_or(&Value::Null), parts.join(", "))
}

/// That there is none, with what comes near.
async fn absent(client: &Client, kind: &Type, text: &str) -> String {
    let said = format!("there is no {} called `{}`", kind.name, outside::line(text, 60));
    let ask = Ask::get(&kind.path).with("q", text).with("limit", "5").with("fields", "id,display");
    let answer = client.ask(ask).await.map(|answer| answer.body).unwrap_or_default();
    let rows = answer.get("results").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let near: Vec<String> = rows.iter().map(|row| told(kind, row)).collect();
    if near.is_empty() { said } else { format!("{said}; near are {}", near.join(", ")) }
}

/// The object of the target that a value means: its id, or its name.
pub(super) async fn meant(client: &Client, target: &str, value: &Value) -> Result<Found, Error> {
    match value {
        Value::Number(number) => {
            let id = number.as_u64().ok_or_else(|| Error::Arguments(format!("{number} is no id")))?;
            let kind = kind(target, client.release().await?)?;
            let ask = Ask::get(&format!("{}/{id}", kind.path)).with("fields", "id,display");
            match client.ask(ask).await {
                Ok(answer) => Ok(found(&answer.body).unwrap_or(Found { id, slug: None, display: String::new() })),
                Err(Error::Refused { code: 404, .. }) => Err(Error::Arguments(format!(
                    "there is no {target} with the id {id}, or this account may not see it"
                ))),
                // Who may not look at it may still name it.
                Err(Error::Forbidden { .. }) => Ok(Found { id, slug: None, display: String::new() }),
                Err(error) => Err(error),
            }
        }
        Value::String(text) => of(client, target, text).await,
        other => Err(Error::Arguments(format!("{other} is neither an id nor a name"))),
    }
}

/// The type at its path in this release.
pub(super) fn kind(name: &str, release: Release) -> Result<Type, Error> {
    Type::named(name, release).ok_or_else(|| Error::Arguments(format!("there is no type `{name}`")))
}
