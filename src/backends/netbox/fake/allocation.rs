//! What is free: addresses, networks, VLAN numbers and AS numbers, and taking the next of them.

use serde_json::{Map, Value, json};

use super::network::Net;
use super::schema::{self, Type};
use super::shown::View;
use super::world::{Row, id_of, said};

/// The most free things that are listed.
const MOST: usize = 1_000;

/// The VLAN numbers of a group.
pub(super) fn vids(row: &Row) -> Vec<u64> {
    let ranges = row.get("vid_ranges").and_then(Value::as_array).into_iter().flatten();
    let pair = |range: &Value| Some((range.get(0)?.as_u64()?, range.get(1)?.as_u64()?.min(4094)));
    let ranges: Vec<(u64, u64)> = ranges.filter_map(pair).collect();
    match ranges.is_empty() {
        true => (1..=4094).collect(),
        false => ranges.into_iter().flat_map(|(from, to)| from..=to).collect(),
    }
}

/// What is free of this kind in an object, as its list shows it and as new objects begin; `None` if it has none such.
pub(super) fn free(view: &View<'_>, kind: &'static Type, id: u64, what: &str, limit: usize) -> Option<Vec<Free>> {
    let row = view.world.row(kind.name, id)?;
    let limit = limit.min(MOST);
    let free = match (kind.model, what) {
        ("prefix" | "iprange", "available-ips") => {
            in_network(view, row, ("ipam.ipaddress", "address"), addresses(view, row, limit))
        }
        ("prefix", "available-prefixes") => in_network(view, row, ("ipam.prefix", "prefix"), networks(view, row)),
        ("vlangroup", "available-vlans") => {
            let is_its = |vlan: &Row| id_of(vlan, "group") == Some(id);
            let taken: Vec<u64> = view
                .world
                .rows("ipam.vlan")
                .filter(|(_, vlan)| is_its(vlan))
                .filter_map(|(_, vlan)| id_of(vlan, "vid"))
                .collect();
            let of = schema::named("ipam.vlan")?;
            let free = vids(row).into_iter().filter(|vid| !taken.contains(vid)).take(limit);
            let shown = |vid: u64| json!({ "vid": vid, "group": view.brief("ipam.vlangroup", id) });
            free.map(|vid| Free { of, shown: shown(vid), new: members(json!({ "vid": vid, "group": id })) }).collect()
        }
        ("asnrange", "available-asns") => {
            let taken: Vec<u64> = view.world.rows("ipam.asn").filter_map(|(_, row)| id_of(row, "asn")).collect();
            let of = schema::named("ipam.asn")?;
            let free = (id_of(row, "start")?..=id_of(row, "end")?).filter(|asn| !taken.contains(asn)).take(limit);
            let rir = id_of(row, "rir");
            let shown = |asn: u64| json!({ "rir": rir.map(|id| view.brief("ipam.rir", id)), "asn": asn });
            free.map(|asn| Free { of, shown: shown(asn), new: members(json!({ "asn": asn, "rir": rir })) }).collect()
        }
        _ => return None,
    };
    Some(free)
}

/// Networks, or addresses in one, with its VRF.
fn in_network(view: &View<'_>, row: &Row, (of, member): (&str, &str), nets: Vec<Net>) -> Vec<Free> {
    let Some(of) = schema::named(of) else { return Vec::new() };
    let vrf = id_of(row, "vrf");
    let free = |net: Net| Free {
        of,
        shown: json!({ "family": net.family(), member: net.text(), "vrf": vrf.map(|id| view.brief("ipam.vrf", id)) }),
        new: members(json!({ member: net.text(), "vrf": vrf })),
    };
    nets.into_iter().map(free).collect()
}

/// Something free.
pub(super) struct Free {
    /// What it becomes when somebody takes it.
    pub(super) of: &'static Type,
    pub(super) shown: Value,
    pub(super) new: Map<String, Value>,
}

/// The network of that length that is taken from what is free.
pub(super) fn cut(free: &[Free], bits: u64) -> Option<String> {
    let bits = u32::try_from(bits).ok()?;
    let mut nets = free.iter().filter_map(|one| Net::read(&said(one.new.get("prefix"))));
    let fits = nets.find(|net| net.bits <= bits)?;
    let longest = if fits.is_v4 { 32 } else { 128 };
    (bits <= longest).then(|| Net { bits, ..fits }.network().text())
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn nets<'a>(view: &'a View<'_>, name: &'a str, member: &'a str, row: &'a Row) -> impl Iterator<Item = Net> + 'a {
    let rows = view.world.rows(name).filter(|(_, other)| other.get("vrf") == row.get("vrf"));
    rows.filter_map(move |(_, other)| Net::read(other.get(member)?.as_str()?))
}

/// Free addresses of a network or a range. In IPv4 the first and the last of a network are none, unless it is a pool.
fn addresses(view: &View<'_>, row: &Row, limit: usize) -> Vec<Net> {
    let net = |name: &str| row.get(name).and_then(Value::as_str).and_then(Net::read);
    let is_pool = row.get("is_pool").is_some_and(|pool| pool == true);
    let (net, first, last) = match (net("prefix"), net("start_address"), net("end_address")) {
        (Some(net), ..) if net.is_v4 && net.bits < 31 && !is_pool => {
            (net, net.first().saturating_add(1), net.last().saturating_sub(1))
        }
        (Some(net), ..) if !net.is_v4 && net.bits < 127 => (net, net.first().saturating_add(1), net.last()),
        (Some(net), ..) => (net, net.first(), net.last()),
        (_, Some(from), Some(to)) => (from, from.address, to.address),
        _ => return Vec::new(),
    };
    let taken: std::collections::BTreeSet<u128> = nets(view, "ipam.ipaddress", "address", row)
        .filter(|other| other.is_v4 == net.is_v4)
        .map(|other| other.address)
        .collect();
    (first..=last).filter(|address| !taken.contains(address)).take(limit).map(|address| net.at(address)).collect()
}

fn networks(view: &View<'_>, row: &Row) -> Vec<Net> {
    let Some(net) = row.get("prefix").and_then(Value::as_str).and_then(Net::read) else { return Vec::new() };
    let inside = |other: &Net| net.contains(*other) && other.bits > net.bits;
    let taken: Vec<Net> = nets(view, "ipam.prefix", "prefix", row).filter(inside).collect();
    net.without(&taken)
}

/// A rack unit by unit, from the top.
pub(super) fn elevation(view: &View<'_>, id: u64, face: &str) -> Option<Vec<Value>> {
    let rack = view.world.row("dcim.rack", id)?;
    let height = id_of(rack, "u_height").unwrap_or(42);
    let kind = schema::named("dcim.device")?;
    let devices: Vec<(u64, f64, f64)> = view
        .world
        .rows("dcim.device")
        .filter(|(_, row)| id_of(row, "rack") == Some(id))
        .filter_map(|(device, row)| {
            let position = row.get("position")?.as_f64()?;
            let (of, of_id) = view.world.follow(kind, device, "device_type")?;
            let of = view.world.row(of.name, of_id)?;
            let is_deep = of.get("is_full_depth").is_some_and(|deep| deep == true);
            let is_seen = is_deep || row.get("face").and_then(Value::as_str) == Some(face);
            is_seen.then(|| (device, position, of.get("u_height").and_then(Value::as_f64).unwrap_or(1.0)))
        })
        .collect();
    let unit = |number: u64| {
        let at = u32::try_from(number).map(f64::from).unwrap_or_default();
        let device = devices.iter().find(|(_, position, height)| (*position..position + height).contains(&at));
        let shown = device.filter(|(id, ..)| view.sees(kind, *id)).map(|(id, ..)| view.brief("dcim.device", *id));
        json!({
            "id": at, "name": format!("U{number}"), "face": { "value": face, "label": schema::capital(face) },
            "device": shown, "occupied": device.is_some(), "display": format!("U{number}"), "description": "",
        })
    };
    Some((1..=height).rev().map(unit).collect())
}
