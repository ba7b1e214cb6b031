//! Addresses: what is free, and what an address lies in.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::answer::{self, Answer};
use super::client::Ask;
use super::lean::{self, SHORT};
use super::objects::which;
use super::shape::{Shape, returns};
use super::tool::{LOOKS, Request, Spec};
use super::{listing, relation};
use crate::backends::arguments::{Field, Form};
use crate::backends::schema::arguments;
use crate::backends::{Error, Output, outside};

/// What can be free, in what, and under which name there.
pub(super) struct Pool {
    pub(super) what: &'static str,
    pub(super) parent: &'static str,
    /// The endpoint below the parent.
    pub(super) list: &'static str,
    /// The member of an entry that says it.
    pub(super) member: &'static str,
}

/// All of them (reference: "Extra read endpoints").
pub(super) static POOLS: &[Pool] = &[
    Pool { what: "addresses", parent: "ipam.prefix", list: "available-ips", member: "address" },
    Pool { what: "addresses_of_range", parent: "ipam.iprange", list: "available-ips", member: "address" },
    Pool { what: "prefixes", parent: "ipam.prefix", list: "available-prefixes", member: "prefix" },
    Pool { what: "vlans", parent: "ipam.vlangroup", list: "available-vlans", member: "vid" },
    Pool { what: "asns", parent: "ipam.asnrange", list: "available-asns", member: "asn" },
];
/// Their names.
pub(super) const WHAT: &[&str] = &["addresses", "addresses_of_range", "prefixes", "vlans", "asns"];
pub(super) const NAME: (Field, &str) =
    (Field::new("name", Form::Text(200)), "Or its prefix, its start address, its name or its slug.");
pub(super) const NARROW: (Field, &str) =
    (Field::new("filters", Form::Object), "With `name`: filters that say which one is meant, as `{\"vrf\":\"blue\"}`.");

pub(super) static SPECS: &[Spec] = &[
    Spec {
        name: "free",
        title: "Free addresses, prefixes, VLANs",
        description: "Says what is free in NetBox: addresses of a prefix or a range, prefixes in a prefix, VLAN ids of a VLAN group, AS \
                      numbers of a range. It reserves nothing; `allocate` does.",
        toolset: Some("ipam"),
        effect: LOOKS,
        takes: arguments!(&[
            (Field::required("what", Form::Choice(WHAT)), "What is wanted."),
            (
                Field::new("id", Form::Whole(1, i64::MAX)),
                "The id of the prefix, IP range, VLAN group or AS range in which it is to be.",
            ),
            NAME,
            NARROW,
            (
                Field::new("prefix_length", Form::Whole(0, 128)),
                "With `prefixes`: only free ones in which a prefix of this length fits.",
            ),
            (Field::new("limit", Form::Whole(1, 500)), "How many at most; 20 unless given."),
        ]),
        returns: returns!(&[
            ("what", Shape::Text, true, ""),
            ("in", Shape::Object, true, "Where it is free."),
            ("free", Shape::Texts, true, "The lowest first; of prefixes the whole free ones."),
            ("more", Shape::Flag, false, "Present if there may be more."),
        ]),
        run: |request| Box::pin(free(request)),
    },
    Spec {
        name: "containing",
        title: "What an address lies in",
        description: "Finds what NetBox has about an IP address or a network: the prefixes that contain it, from the widest to the \
                      narrowest, the IP ranges around it, and the address itself with what it is assigned to.",
        toolset: Some("ipam"),
        effect: LOOKS,
        takes: arguments!(&[
            (Field::required("address", Form::Text(60)), "As `192.0.2.7`, `192.0.2.0/24` or `2001:db8::1`."),
            (
                Field::new("vrf", Form::Text(200)),
                "In this VRF only, by its name, route distinguisher or id; `null` for the global table.",
            ),
        ]),
        returns: returns!(&[
            ("address", Shape::Text, true, ""),
            ("prefixes", Shape::Objects, true, "The narrowest last."),
            ("addresses", Shape::Objects, true, "The address itself, in each VRF that has it."),
            ("ranges", Shape::Objects, true, ""),
        ]),
        run: |request| Box::pin(containing(request)),
    },
];

/// The pool of that name.
pub(super) fn pool(request: &Request) -> Result<&'static Pool, Error> {
    let what = request.text("what").unwrap_or_default();
    POOLS.iter().find(|pool| pool.what == what).ok_or_else(|| Error::Arguments("`what` is missing".to_owned()))
}

async fn free(request: Request) -> Result<Output, Error> {
    let client = &request.client;
    let pool = pool(&request)?;
    let wanted = request.whole("prefix_length");
    if wanted.is_some() && pool.what != "prefixes" {
        return Err(Error::Arguments("`prefix_length` goes together with `what` = `prefixes`".to_owned()));
    }
    let kind = relation::kind(pool.parent, client.release().await?)?;
    let (id, notes) = which(&request, &kind).await?;
    let limit = request.whole("limit").unwrap_or(20);
    let path = format!("{}/{id}", kind.path);
    let below = format!("{path}/{}", pool.list);
    let asks = vec![Ask::get(&path), Ask::get(&below).with("limit", limit.to_string())];
    let mut answers = client.all(asks).await.into_iter();
    let mut body = || answers.next().unwrap_or_else(|| Err(Error::Arguments(String::new()))).map(|answer| answer.body);
    let (parent, list) = (body()?, body()?);
    let fits = |text: &String| match wanted {
        Some(wanted) => length(text).is_some_and(|length| u64::from(length) <= wanted),
        None => true,
    };
    let mut free: Vec<String> =
        answer::results(&list).iter().filter_map(|entry| said(entry, pool.member)).filter(fits).collect();
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = free.len() >= most;
    free.truncate(most);
    let shown = listing::wanted(&kind, &[])?;
    let mut answer = Answer::new(format!("{} free {} in {} {id}", free.len(), pool.what, kind.name))
        .with("what", pool.what)
        .with("in", lean::chosen(&kind.name, &parent, &shown, SHORT))
        .with("free", free)
        .noting(notes);
    if has_more {
        answer.put("more", true);
    }
    answer.output(client)
}

/// What an entry says is free.
pub(super) fn said(entry: &Value, member: &str) -> Option<String> {
    match entry.get(member)? {
        Value::String(text) => Some(outside::line(text, 80)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The length of a prefix.
pub(super) fn length(prefix: &str) -> Option<u8> {
    let (address, length) = prefix.split_once('/')?;
    let most = if address.parse::<IpAddr>().ok()?.is_ipv4() { 32 } else { 128 };
    length.parse().ok().filter(|length| *length <= most)
}

/// Refuses what is neither an address nor a network: NetBox finds nothing for it, and says nothing.
pub(super) fn network(name: &str, text: &str) -> Result<(), Error> {
    match text.parse::<IpAddr>().is_ok() || length(text).is_some() {
        true => Ok(()),
        false => {
            let text = outside::line(text, 60);
            Err(Error::Arguments(format!(
                "`{name}` is `{text}`, and must be an address or a network as `192.0.2.0/24`"
            )))
        }
    }
}

async fn containing(request: Request) -> Result<Output, Error> {
    let client = &request.client;
    let text = request.text("address").unwrap_or_default();
    network("address", text)?;
    let release = client.release().await?;
    let vrf = match request.text("vrf") {
        None => None,
        Some("null") => Some("null".to_owned()),
        Some(word) => Some(match word.parse::<u64>() {
            Ok(id) => id.to_string(),
            Err(_) => relation::of(client, "ipam.vrf", word).await?.id.to_string(),
        }),
    };
    let bare = text.split('/').next().unwrap_or(text);
    let parts = [
        ("prefixes", "ipam.prefix", ("contains", text)),
        ("addresses", "ipam.ipaddress", ("address", if text.contains('/') { text } else { bare })),
        ("ranges", "ipam.iprange", ("contains", bare)),
    ];
    let mut asks = Vec::new();
    let mut kinds = Vec::new();
    for (_, name, (filter, value)) in parts {
        let kind = relation::kind(name, release)?;
        let ask = Ask::get(&kind.path).with(filter, value).with("limit", "100");
        asks.push(ask.with_all(vrf.iter().map(|vrf| ("vrf_id".to_owned(), vrf.clone()))));
        kinds.push(kind);
    }
    let mut answer = Answer::new(format!("What {text} lies in")).with("address", text);
    for (((member, ..), kind), found) in parts.into_iter().zip(kinds).zip(client.all(asks).await) {
        let body = found?.body;
        let shown = listing::wanted(&kind, &[])?;
        let mut rows: Vec<Value> = answer::results(&body)
            .iter()
            .map(|row| Value::Object(lean::chosen(&kind.name, row, &shown, SHORT)))
            .collect();
        crate::order::by_key(&mut rows, |row| row.get("prefix").and_then(Value::as_str).and_then(length));
        if answer::count(&body).is_some_and(|count| count > 100) {
            answer = answer.noting([format!("only the first 100 of {member} are here")]);
        }
        answer.put(member, json!(rows));
    }
    answer.ordered(["prefix", "address", "status", "vrf", "tenant"].map(str::to_owned)).output(client)
}
