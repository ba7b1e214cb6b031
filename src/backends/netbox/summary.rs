//! Everything about one thing: a device, a site, a circuit, a prefix or a VLAN, with what belongs to it.
//!
//! Each is a row of a table: the type, and the lists around an object of it. A list that cannot be had leaves the others.

use serde_json::{Map, Value, json};

use super::answer::{self, Answer};
use super::catalog::Type;
use super::client::{Ask, Query};
use super::lean::{self, SHORT};
use super::objects::which;
use super::shape::{Shape, returns};
use super::tool::{LOOKS, Request, Run, Spec};
use super::{ipam, listing, relation};
use crate::backends::arguments::{Field, Form};
use crate::backends::schema::{Arguments, arguments};
use crate::backends::{Error, Output};

/// A list around an object.
struct Part {
    name: &'static str,
    kind: &'static str,
    /// Filters, separated by `&`; `{field}` is a field of the object, of a relation its id, of nothing `null`.
    filters: &'static str,
    /// The fields that are shown.
    fields: &'static [&'static str],
}

/// How many rows of a part are shown.
const MOST: &str = "25";
/// Bytes of the rows of a part.
const ROOM: usize = 8 << 10;

const CONTACTS: &[&str] = &["contact", "role", "priority"];
const DEVICE: &[Part] = &[
    Part {
        name: "interfaces",
        kind: "dcim.interface",
        filters: "device_id={id}",
        fields: &[
            "name",
            "type",
            "enabled",
            "description",
            "untagged_vlan",
            "mac_address",
            "cable",
            "connected_endpoints",
            "count_ipaddresses",
        ],
    },
    Part {
        name: "addresses",
        kind: "ipam.ipaddress",
        filters: "device_id={id}",
        fields: &["address", "status", "vrf", "dns_name", "assigned_object"],
    },
    Part {
        name: "modules",
        kind: "dcim.module",
        filters: "device_id={id}",
        fields: &["module_bay", "module_type", "status", "serial"],
    },
    Part { name: "services", kind: "ipam.service", filters: "device_id={id}", fields: &["name", "protocol", "ports"] },
    Part {
        name: "contacts",
        kind: "tenancy.contactassignment",
        filters: "object_type=dcim.device&object_id={id}",
        fields: CONTACTS,
    },
];
const SITE: &[Part] = &[
    Part { name: "locations", kind: "dcim.location", filters: "site_id={id}", fields: &["name", "parent", "status"] },
    Part {
        name: "racks",
        kind: "dcim.rack",
        filters: "site_id={id}",
        fields: &["name", "location", "status", "role", "u_height", "device_count"],
    },
    Part {
        name: "devices",
        kind: "dcim.device",
        filters: "site_id={id}",
        fields: &["name", "role", "device_type", "status", "primary_ip"],
    },
    Part {
        name: "prefixes",
        kind: "ipam.prefix",
        filters: "site_id={id}",
        fields: &["prefix", "status", "role", "vlan"],
    },
    Part { name: "vlans", kind: "ipam.vlan", filters: "site_id={id}", fields: &["vid", "name", "status", "role"] },
    Part {
        name: "circuits",
        kind: "circuits.circuit",
        filters: "site_id={id}",
        fields: &["cid", "provider", "type", "status"],
    },
    Part {
        name: "contacts",
        kind: "tenancy.contactassignment",
        filters: "object_type=dcim.site&object_id={id}",
        fields: CONTACTS,
    },
];
const CIRCUIT: &[Part] = &[
    Part { name: "terminations", kind: "circuits.circuittermination", filters: "circuit_id={id}", fields: &[] },
    Part {
        name: "contacts",
        kind: "tenancy.contactassignment",
        filters: "object_type=circuits.circuit&object_id={id}",
        fields: CONTACTS,
    },
];
const PREFIX: &[Part] = &[
    Part {
        name: "parents",
        kind: "ipam.prefix",
        filters: "contains={prefix}&vrf_id={vrf}",
        fields: &["prefix", "status", "role", "description"],
    },
    Part {
        name: "children",
        kind: "ipam.prefix",
        filters: "within={prefix}&vrf_id={vrf}",
        fields: &["prefix", "status", "role", "vlan", "description"],
    },
    Part {
        name: "addresses",
        kind: "ipam.ipaddress",
        filters: "parent={prefix}&vrf_id={vrf}",
        fields: &["address", "status", "dns_name", "assigned_object", "description"],
    },
    Part {
        name: "ranges",
        kind: "ipam.iprange",
        filters: "parent={prefix}&vrf_id={vrf}",
        fields: &["start_address", "end_address", "size", "status"],
    },
];
const VLAN: &[Part] = &[
    Part {
        name: "prefixes",
        kind: "ipam.prefix",
        filters: "vlan_id={id}",
        fields: &["prefix", "status", "role", "vrf"],
    },
    Part {
        name: "interfaces",
        kind: "dcim.interface",
        filters: "vlan_id={id}",
        fields: &["device", "name", "mode", "untagged_vlan", "description"],
    },
    Part {
        name: "vm_interfaces",
        kind: "virtualization.vminterface",
        filters: "vlan_id={id}",
        fields: &["virtual_machine", "name", "mode"],
    },
];

const ID: (Field, &str) = (Field::new("id", Form::Whole(1, i64::MAX)), "Its id in NetBox.");
const NARROW: (Field, &str) =
    (Field::new("filters", Form::Object), "With `name`: filters that say which one is meant, as `{\"site\":\"HQ\"}`.");
const RETURNS: &str = returns!(&[
    ("type", Shape::Text, true, ""),
    ("object", Shape::Object, true, "A relation is its id and its display; what is empty is left out."),
    (
        "parts",
        Shape::Rows(&[
            ("part", Shape::Text, true, ""),
            ("type", Shape::Text, true, "What `objects` lists all of."),
            ("filters", Shape::Object, true, "With these filters."),
            ("count", Shape::Whole, false, "How many there are in all."),
            ("objects", Shape::Objects, false, "The first of them."),
            ("error", Shape::Text, false, "Why they could not be had."),
        ]),
        true,
        "What belongs to it.",
    ),
    ("addresses_used", Shape::Whole, false, "Of a prefix: how many addresses NetBox has in it."),
    ("addresses_usable", Shape::Number, false, "Of a prefix: how many it can have."),
    ("utilization", Shape::Number, false, "Of a prefix: the share that is used, in per cent. Ranges are not counted."),
]);

/// A summary tool: what differs is its names, its argument and its table.
const fn spec(
    (name, title): (&'static str, &'static str),
    description: &'static str,
    toolset: &'static str,
    takes: Arguments,
    run: Run,
) -> Spec {
    Spec { name, title, description, toolset: Some(toolset), effect: LOOKS, takes, returns: RETURNS, run }
}

pub(super) static SPECS: &[Spec] = &[
    spec(
        ("device", "A device"),
        "Everything about one device in NetBox: its fields, interfaces, addresses, modules, services and contacts.",
        "dcim",
        arguments!(&[ID, (Field::new("name", Form::Text(200)), "Or its name."), NARROW]),
        |request| Box::pin(summary(request, "dcim.device", DEVICE)),
    ),
    spec(
        ("site", "A site"),
        "Everything about one site in NetBox: its fields and counts, locations, racks, devices, prefixes, VLANs, circuits and contacts.",
        "dcim",
        arguments!(&[ID, (Field::new("name", Form::Text(200)), "Or its name or slug."), NARROW]),
        |request| Box::pin(summary(request, "dcim.site", SITE)),
    ),
    spec(
        ("circuit", "A circuit"),
        "Everything about one circuit in NetBox: its fields, both terminations with where they are, and contacts.",
        "circuits",
        arguments!(&[
            ID,
            (Field::new("name", Form::Text(200)), "Or its circuit id, as the provider calls it."),
            NARROW
        ]),
        |request| Box::pin(summary(request, "circuits.circuit", CIRCUIT)),
    ),
    spec(
        ("prefix", "A prefix"),
        "Everything about one prefix in NetBox: its fields, what it lies in, what lies in it, its addresses and ranges, and how full it is.",
        "ipam",
        arguments!(&[ID, (Field::new("name", Form::Text(60)), "Or the prefix, as `192.0.2.0/24`."), NARROW]),
        |request| Box::pin(summary(request, "ipam.prefix", PREFIX)),
    ),
    spec(
        ("vlan", "A VLAN"),
        "Everything about one VLAN in NetBox: its fields, its prefixes, and the interfaces that carry it.",
        "ipam",
        arguments!(&[ID, (Field::new("name", Form::Text(200)), "Or its name or its VLAN id (1 to 4094)."), NARROW]),
        |request| Box::pin(summary(request, "ipam.vlan", VLAN)),
    ),
];

async fn summary(request: Request, name: &'static str, parts: &'static [Part]) -> Result<Output, Error> {
    let client = &request.client;
    let release = client.release().await?;
    let kind = relation::kind(name, release)?;
    let (id, notes) = which(&request, &kind).await?;
    let object = client.ask(Ask::get(&format!("{}/{id}", kind.path)).with("exclude", "config_context")).await?.body;
    let mut asks = Vec::new();
    let mut asked: Vec<(&Part, Type, Query)> = Vec::new();
    for part in parts {
        let kind = relation::kind(part.kind, release)?;
        // The type of what a contact is assigned to was called otherwise in older releases.
        let older = if release < super::release::Release::TYPES { Some("content_type") } else { None };
        let query = filled(part.filters, &object, older);
        let fields: Vec<&str> = ["id"].into_iter().chain(part.fields.iter().copied()).collect();
        let mut ask = Ask::get(&kind.path).with_all(query.iter().cloned()).with("limit", MOST);
        if !part.fields.is_empty() {
            ask = ask.with("fields", fields.join(","));
        }
        asks.push(ask);
        asked.push((part, kind, query));
    }
    let mut answer = Answer::new(format!("{name} {id}")).with("type", name).noting(notes);
    let mut rows = Vec::new();
    for ((part, kind, query), found) in asked.into_iter().zip(client.all(asks).await) {
        let body = found.map(|answer| answer.body);
        if part.name == "addresses" && name == "ipam.prefix" {
            usage(&object, body.as_ref().ok().and_then(answer::count), &mut answer);
        }
        rows.push(shown(part, &kind, (query, body), id)?);
    }
    let mut row = lean::whole(name, &object, SHORT);
    row.remove("config_context");
    answer.put("object", row);
    answer.put("parts", rows);
    answer.ordered(["part", "count", "name", "prefix", "address", "vid"].map(str::to_owned)).output(client)
}

/// A part with its rows, or with why it could not be had.
fn shown(part: &Part, kind: &Type, (query, body): (Query, Result<Value, Error>), id: u64) -> Result<Value, Error> {
    let filters: Map<String, Value> = query.into_iter().map(|(name, value)| (name, value.into())).collect();
    let mut row = json!({"part": part.name, "type": kind.name, "filters": filters});
    let Some(members) = row.as_object_mut() else { return Ok(row) };
    match body {
        Err(error) if answer::is_login(&error) => return Err(error),
        Err(error) => drop(members.insert("error".to_owned(), answer::words(&error).into())),
        Ok(body) => {
            let fields: Vec<String> = part.fields.iter().map(|name| (*name).to_owned()).collect();
            let wanted = listing::wanted(kind, &fields)?;
            // A prefix contains itself.
            let is_other = |row: &&Value| part.name != "parents" || row.get("id").and_then(Value::as_u64) != Some(id);
            let all = answer::results(&body).iter().filter(is_other);
            let mut rows: Vec<Map<String, Value>> =
                all.map(|row| lean::chosen(&kind.name, row, &wanted, SHORT)).collect();
            let own = answer::results(&body).len().saturating_sub(rows.len());
            let count = answer::count(&body).map(|count| count.saturating_sub(u64::try_from(own).unwrap_or_default()));
            answer::cut(&mut rows, ROOM);
            members.insert("count".to_owned(), count.map_or_else(|| rows.len().into(), Value::from));
            members.insert("objects".to_owned(), rows.into_iter().map(Value::Object).collect());
        }
    }
    Ok(row)
}

/// The filters of a part for an object.
fn filled(filters: &str, object: &Value, older: Option<&str>) -> Query {
    let value = |name: &str| match object.get(name) {
        Some(Value::Object(relation)) => relation.get("id").map_or_else(|| "null".to_owned(), Value::to_string),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => "null".to_owned(),
        Some(other) => other.to_string(),
    };
    let one = |pair: &str| {
        let (name, form) = pair.split_once('=')?;
        let name = older.filter(|_| name == "object_type").unwrap_or(name);
        let field = form.strip_prefix('{').and_then(|form| form.strip_suffix('}'));
        Some((name.to_owned(), field.map_or_else(|| form.to_owned(), value)))
    };
    filters.split('&').filter_map(one).collect()
}

/// How full a prefix is, as far as its own addresses tell.
fn usage(prefix: &Value, used: Option<u64>, answer: &mut Answer) {
    let text = prefix.get("prefix").and_then(Value::as_str).unwrap_or_default();
    let is_container = prefix.pointer("/status/value").and_then(Value::as_str) == Some("container");
    let (Some(length), Some(used)) = (ipam::length(text), used) else { return };
    answer.put("addresses_used", used);
    if is_container {
        return;
    }
    let is_pool = prefix.get("is_pool") == Some(&Value::Bool(true));
    let is_v6 = text.contains(':');
    let bits = if is_v6 { 128_i32 } else { 32 }.saturating_sub(i32::from(length));
    // Of a network of version 4 the first and the last address are no hosts, unless it is a pool or a link.
    let reserved = if is_v6 || is_pool || bits < 2 { 0.0 } else { 2.0 };
    let usable = 2_f64.powi(bits) - reserved;
    #[expect(clippy::cast_precision_loss, reason = "a share in per cent needs no more")]
    let share = (used as f64 / usable * 1_000.0).round() / 10.0;
    answer.put("addresses_usable", usable);
    answer.put("utilization", share.min(100.0));
}
