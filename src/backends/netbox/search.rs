//! Search over many types at the same time: what the web interface's own search does has no counterpart in the API, and
//! `q` of one type looks into a few fields of it (reference: "What `q` covers").
//!
//! What is searched for is looked at first: for an address, a network, a MAC address or a VLAN there are filters that find
//! it where a search for its text does not.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::answer::{self, Answer};
use super::catalog::Type;
use super::client::{Ask, Query};
use super::lean::{self, SHORT};
use super::listing;
use super::release::Release;
use super::shape::{Shape, returns};
use super::tool::{LOOKS, Request, Spec};
use crate::backends::arguments::{Field, Form};
use crate::backends::schema::arguments;
use crate::backends::{Error, Output};

/// Where a text is searched for unless the caller says.
const USUAL: [&str; 13] = [
    "dcim.device",
    "dcim.site",
    "dcim.rack",
    "dcim.interface",
    "ipam.ipaddress",
    "ipam.prefix",
    "ipam.vlan",
    "ipam.vrf",
    "circuits.circuit",
    "circuits.provider",
    "virtualization.virtualmachine",
    "virtualization.cluster",
    "tenancy.tenant",
];
/// Types of one search.
const TYPES: usize = 30;
/// Bytes of the rows of one type.
const ROOM: usize = 12 << 10;

pub(super) static SPECS: &[Spec] = &[Spec {
    name: "search",
    title: "Search",
    description: "Searches many types of objects in NetBox at once: a name or part of it, a serial number, a description, an IP address, \
                  a network, a MAC address or a VLAN id. For each type it says how many there are, and why it could not be \
                  searched if so.",
    toolset: Some("objects"),
    effect: LOOKS,
    takes: arguments!(&[
        (
            Field::required("query", Form::Text(200)),
            "What to search for. A text must be contained as a whole: search for one word, not for a sentence.",
        ),
        (
            Field::new("types", Form::Texts(TYPES)),
            "Where to search, as `dcim.device`; without it devices, sites, racks, interfaces, addresses, prefixes, VLANs, VRFs, \
             circuits, providers, virtual machines, clusters and tenants.",
        ),
        (Field::new("fields", Form::Texts(60)), "The fields to show, where a type has them."),
        (Field::new("limit", Form::Whole(1, 100)), "How many objects of each type at most; 5 unless given."),
    ]),
    returns: returns!(&[
        ("query", Shape::Text, true, ""),
        ("taken_as", Shape::Text, true, "`text`, `address`, `network`, `mac address` or `number`."),
        ("total", Shape::Whole, true, "How many objects were found in all types."),
        (
            "found",
            Shape::Rows(&[
                ("type", Shape::Text, true, ""),
                ("by", Shape::Text, true, "The filter that found them."),
                ("count", Shape::Whole, false, "How many there are; `objects` with this filter lists all."),
                ("objects", Shape::Objects, true, ""),
            ]),
            true,
            "",
        ),
        ("nothing_in", Shape::Texts, false, "Types in which there is nothing."),
        (
            "failed",
            Shape::Rows(&[
                ("type", Shape::Text, true, ""),
                ("kind", Shape::Text, true, ""),
                ("error", Shape::Text, true, ""),
            ]),
            false,
            "Types that could not be searched.",
        ),
    ]),
    run: |request| Box::pin(search(request)),
}];

/// What somebody searches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sought {
    Text,
    Address,
    Network,
    Mac,
    /// A whole number that a VLAN or an AS may have.
    Number,
}

impl Sought {
    fn of(text: &str) -> Self {
        let is_network = |text: &str| {
            let (address, mask) = text.split_once('/')?;
            let address: IpAddr = address.parse().ok()?;
            let mask: u8 = mask.parse().ok()?;
            (mask <= if address.is_ipv4() { 32 } else { 128 }).then_some(())
        };
        if text.parse::<IpAddr>().is_ok() {
            Self::Address
        } else if is_network(text).is_some() {
            Self::Network
        } else if mac(text).is_some() {
            Self::Mac
        } else if text.parse::<u32>().is_ok_and(|number| number > 0) {
            Self::Number
        } else {
            Self::Text
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Address => "address",
            Self::Network => "network",
            Self::Mac => "mac address",
            Self::Number => "number",
        }
    }

    /// The filters that find it in a type, each for itself.
    fn filters(self, kind: &str, text: &str) -> Vec<Query> {
        let one = |name: &str| vec![vec![(name.to_owned(), text.to_owned())]];
        match (self, kind) {
            (Self::Address, "ipam.ipaddress") => one("address"),
            (Self::Address, "ipam.prefix" | "ipam.iprange") => one("contains"),
            (Self::Network, "ipam.ipaddress" | "ipam.iprange") => one("parent"),
            // What it is or lies in, and what lies in it: no network is in both.
            (Self::Network, "ipam.prefix") => [one("contains"), one("within")].concat(),
            (Self::Network, "ipam.aggregate") => one("prefix"),
            (Self::Mac, "dcim.interface" | "dcim.device" | "dcim.macaddress")
            | (Self::Mac, "virtualization.vminterface" | "virtualization.virtualmachine") => {
                vec![vec![("mac_address".to_owned(), mac(text).unwrap_or_else(|| text.to_owned()))]]
            }
            (Self::Number, "ipam.vlan") if text.parse::<u32>().is_ok_and(|vid| vid < 4_095) => {
                let named =
                    [("name__ic", text), ("vid__n", text)].map(|(name, text)| (name.to_owned(), text.to_owned()));
                [one("vid"), vec![named.to_vec()]].concat()
            }
            (Self::Number, "ipam.asn") => one("asn"),
            _ => one("q"),
        }
    }

    /// Types that are searched besides the usual ones.
    const fn further(self) -> &'static [&'static str] {
        match self {
            Self::Text => &[],
            Self::Address => &["ipam.iprange"],
            Self::Network => &["ipam.aggregate", "ipam.iprange"],
            Self::Mac => &["dcim.macaddress", "virtualization.vminterface"],
            Self::Number => &["ipam.asn"],
        }
    }
}

/// A MAC address as NetBox writes it, whatever stands between its digits.
fn mac(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| !matches!(c, ':' | '-' | '.')).collect();
    let is_mac = digits.len() == 12
        && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        && (text.len() > 12 || digits.bytes().any(|byte| byte.is_ascii_alphabetic()));
    let pairs = digits.as_bytes().chunks(2).map(String::from_utf8_lossy);
    is_mac.then(|| pairs.collect::<Vec<_>>().join(":").to_ascii_uppercase())
}

async fn search(request: Request) -> Result<Output, Error> {
    let client = &request.client;
    let text = request.text("query").unwrap_or_default();
    let sought = Sought::of(text);
    let release = client.release().await?;
    let mut kinds: Vec<Type> = Vec::new();
    for word in request.texts("types") {
        kinds.push(client.kind(word).await?);
    }
    if kinds.is_empty() {
        let names =
            USUAL.iter().chain(sought.further()).filter(|name| **name != "dcim.macaddress" || release >= Release(4, 2));
        kinds.extend(names.filter_map(|name| Type::named(name, release)));
    }
    if kinds.len() > TYPES {
        return Err(Error::Arguments(format!(
            "{} types are too many for one search; {TYPES} are allowed",
            kinds.len()
        )));
    }
    let limit = request.whole("limit").unwrap_or(5);
    let fields: Vec<String> = request.texts("fields").into_iter().map(str::to_owned).collect();
    let mut jobs: Vec<(&Type, Query)> = Vec::new();
    let mut asks = Vec::new();
    for kind in &kinds {
        let wanted = listing::wanted(kind, &fields)?;
        let older = wanted.iter().filter_map(|(_, older)| *older);
        let names: Vec<&str> =
            ["id", "display"].into_iter().chain(wanted.iter().map(|(name, _)| name.as_str())).chain(older).collect();
        for query in sought.filters(&kind.name, text) {
            let mut ask = Ask::get(&kind.path).with_all(query.iter().cloned()).with("limit", limit.to_string());
            if !wanted.is_empty() {
                ask = ask.with("fields", names.join(","));
            }
            asks.push(ask);
            jobs.push((kind, query));
        }
    }
    let answers = client.all(asks).await;
    let mut found = Found::default();
    for ((kind, query), answer) in jobs.into_iter().zip(answers) {
        match answer {
            Ok(answer) => found.take(kind, &query, &fields, &answer.body)?,
            Err(error) => found.fail(kind, error),
        }
    }
    found.output(client, text, sought)
}

/// What was found.
#[derive(Default)]
struct Found {
    rows: Vec<Value>,
    nothing: Vec<String>,
    failed: Vec<Value>,
    total: u64,
    had: bool,
    error: Option<Error>,
}

impl Found {
    fn take(&mut self, kind: &Type, query: &Query, fields: &[String], body: &Value) -> Result<(), Error> {
        self.had = true;
        let wanted = listing::wanted(kind, fields)?;
        let mut rows: Vec<Map<String, Value>> =
            answer::results(body).iter().map(|row| lean::chosen(&kind.name, row, &wanted, SHORT)).collect();
        let count = answer::count(body).unwrap_or_else(|| u64::try_from(rows.len()).unwrap_or_default());
        if rows.is_empty() {
            if !self.nothing.contains(&kind.name) {
                self.nothing.push(kind.name.clone());
            }
            return Ok(());
        }
        answer::cut(&mut rows, ROOM);
        self.total = self.total.saturating_add(count);
        let by: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        self.rows.push(json!({"type": kind.name, "by": by.join("&"), "count": count, "objects": rows}));
        Ok(())
    }

    fn fail(&mut self, kind: &Type, error: Error) {
        self.failed.push(json!({"type": kind.name, "kind": answer::word(&error), "error": answer::words(&error)}));
        // A login that is over is over for all of them, and must not look like nothing was found.
        if !self.error.as_ref().is_some_and(answer::is_login) {
            self.error = Some(error);
        }
    }

    fn output(mut self, client: &super::client::Client, text: &str, sought: Sought) -> Result<Output, Error> {
        if let Some(error) = self.error.take().filter(|error| !self.had || answer::is_login(error)) {
            return Err(error);
        }
        let found: Vec<&str> = self.rows.iter().filter_map(|row| row.get("type")?.as_str()).collect();
        self.nothing.retain(|kind| !found.contains(&kind.as_str()));
        let mut answer = Answer::new(format!("{} found, taken as {}", self.total, sought.word()))
            .with("query", text)
            .with("taken_as", sought.word())
            .with("total", self.total)
            .with("found", self.rows);
        if !self.nothing.is_empty() {
            answer.put("nothing_in", self.nothing);
        }
        if !self.failed.is_empty() {
            answer.put("failed", self.failed);
        }
        answer.output(client)
    }
}

#[cfg(test)]
mod tests {
    use super::super::vocabulary;
    use super::*;

    #[test]
    fn what_is_searched_for_is_recognised() {
        for (text, sought) in [
            ("sw1", Sought::Text),
            ("192.0.2.7", Sought::Address),
            ("2001:db8::1", Sought::Address),
            ("192.0.2.0/24", Sought::Network),
            ("192.0.2.7/33", Sought::Text),
            ("2001:db8::/32", Sought::Network),
            ("Gi1/0/1", Sought::Text),
            ("aa:bb:cc:dd:ee:ff", Sought::Mac),
            ("AABB.CCDD.EEFF", Sought::Mac),
            ("aa-bb-cc-dd-ee-ff", Sought::Mac),
            ("aabbccddeeff", Sought::Mac),
            ("123456789012", Sought::Text),
            ("00:00:00:00:00:01", Sought::Mac),
            ("100", Sought::Number),
            ("0", Sought::Text),
        ] {
            assert_eq!(Sought::of(text), sought, "{text}");
        }
        assert_eq!(mac("aabb.ccdd.eeff").as_deref(), Some("AA:BB:CC:DD:EE:FF"));
    }

    #[test]
    fn every_filter_of_a_search_is_one_that_the_type_takes() {
        for sought in [Sought::Text, Sought::Address, Sought::Network, Sought::Mac, Sought::Number] {
            for kind in USUAL.iter().chain(sought.further()) {
                for query in sought.filters(kind, "100") {
                    let is_taken = |(name, _): &(String, String)| vocabulary::takes(kind, Release::NEWEST, name);
                    assert!(query.iter().all(is_taken), "{kind} {query:?}");
                }
            }
        }
    }
}
