//! What is plugged in where: what ports show of it, and the way from one end to the other.

use serde_json::{Map, Value, json};

use super::schema::{self, Kind, Type};
use super::shown::View;
use super::world::{Row, ends, id_of};

/// A port.
type Port = (&'static Type, u64);

/// What every port shows.
pub(super) fn members(view: &View<'_>, kind: &'static Type, id: u64) -> Map<String, Value> {
    let plugged = plugged(view, (kind, id));
    let peers: Vec<Port> = plugged.iter().flat_map(|(_, _, peers)| peers.clone()).collect();
    let far = far(view, (kind, id));
    let shown = |ports: &[Port]| ports.iter().map(|(kind, id)| view.brief(kind.name, *id)).collect::<Vec<_>>();
    let named = |ports: &[Port]| ports.first().map(|(kind, _)| kind.name);
    let members = json!({
        "cable": cable(view, (kind, id)),
        "cable_end": plugged.as_ref().map_or("", |(_, end, _)| end),
        "link_peers": shown(&peers),
        "link_peers_type": named(&peers),
        "connected_endpoints": (!far.is_empty()).then(|| shown(&far)),
        "connected_endpoints_type": named(&far),
        "connected_endpoints_reachable": (!far.is_empty()).then_some(true),
        "mark_connected": is_marked(view, (kind, id)),
        "_occupied": is_occupied(view, (kind, id)),
    });
    match members {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// The cable in a port, in brief; null if there is none.
pub(super) fn cable(view: &View<'_>, port: Port) -> Value {
    plugged(view, port).map(|(cable, ..)| view.brief("dcim.cable", cable)).unwrap_or_default()
}

fn is_marked(view: &View<'_>, (kind, id): Port) -> bool {
    view.world.row(kind.name, id).and_then(|row| row.get("mark_connected")) == Some(&true.into())
}

/// Whether something is plugged in, or said to be.
pub(super) fn is_occupied(view: &View<'_>, port: Port) -> bool {
    plugged(view, port).is_some() || is_marked(view, port)
}

/// The cable in a port, which end of it that is, and what is at the other.
pub(super) fn plugged(view: &View<'_>, port: Port) -> Option<(u64, &'static str, Vec<Port>)> {
    let is_it = |(kind, id): &Port| kind.name == port.0.name && *id == port.1;
    view.world.rows("dcim.cable").find_map(|(cable, row)| {
        let (a, b) = (ends(row, "a_terminations"), ends(row, "b_terminations"));
        if a.iter().any(is_it) {
            return Some((cable, "A", b));
        }
        b.iter().any(is_it).then_some((cable, "B", a))
    })
}

/// Where a port leads through a panel: a front port to its rear port, and back.
fn through(view: &View<'_>, (kind, id): Port) -> Option<Port> {
    match kind.name {
        "dcim.frontport" => {
            Some((schema::named("dcim.rearport")?, id_of(view.world.row(kind.name, id)?, "rear_port")?))
        }
        "dcim.rearport" => {
            let is_its = |row: &Row| id_of(row, "rear_port") == Some(id);
            let front = view.world.rows("dcim.frontport").find(|(_, row)| is_its(row))?.0;
            Some((schema::named("dcim.frontport")?, front))
        }
        _ => None,
    }
}

/// The ways of a path: near ends, the cable, far ends; through panels to the end.
fn hops(view: &View<'_>, from: Port) -> Vec<(Vec<Port>, u64, Vec<Port>)> {
    let mut hops = Vec::new();
    let mut near = from;
    while let Some((cable, _, far)) = plugged(view, near) {
        let next = far.first().and_then(|port| through(view, *port));
        hops.push((vec![near], cable, far));
        match next.filter(|_| hops.len() < 20) {
            Some(next) => near = next,
            None => break,
        }
    }
    hops
}

/// What is at the end of the path.
fn far(view: &View<'_>, from: Port) -> Vec<Port> {
    let is_end = |(kind, _): &Port| !matches!(kind.name, "dcim.frontport" | "dcim.rearport");
    hops(view, from).pop().map(|(_, _, far)| far.into_iter().filter(is_end).collect()).unwrap_or_default()
}

/// `trace`: a list of near ends, cable and far ends.
pub(super) fn trace(view: &View<'_>, from: Port) -> Value {
    let shown = |ports: &[Port]| ports.iter().map(|(kind, id)| full(view, kind, *id)).collect::<Vec<_>>();
    let hop = |(near, cable, far): &(Vec<Port>, u64, Vec<Port>)| {
        json!([shown(near), schema::named("dcim.cable").map(|kind| view.full(kind, *cable)), shown(far)])
    };
    hops(view, from).iter().map(hop).collect()
}

fn full(view: &View<'_>, kind: &'static Type, id: u64) -> Value {
    view.world.row(kind.name, id).map(|row| view.small(kind, (id, row), true)).into()
}

/// `paths`: every whole path through a port of a panel or a circuit.
pub(super) fn paths(view: &View<'_>, port: Port) -> Value {
    let mut way: Vec<Value> = Vec::new();
    for start in [through(view, port), Some(port)].into_iter().flatten() {
        let part = hops(view, start).into_iter().flat_map(|(near, cable, far)| {
            let ports =
                |ports: Vec<Port>| -> Value { ports.iter().map(|(kind, id)| view.brief(kind.name, *id)).collect() };
            [ports(near), json!([view.brief("dcim.cable", cable)]), ports(far)]
        });
        way.extend(part);
    }
    let is_whole = !way.is_empty();
    let path = json!({ "id": 1, "path": way, "is_active": true, "is_complete": true, "is_split": false });
    if is_whole { json!([path]) } else { json!([]) }
}

/// Whether a type has ports of that kind.
pub(super) fn takes_cables(kind: &Type) -> bool {
    kind.fields.iter().any(|field| field.kind == Kind::Ports)
}

/// The device at the far side of somebody's interface.
pub(super) fn connected_device(view: &View<'_>, device: &str, interface: &str) -> Option<Map<String, Value>> {
    let of = schema::named("dcim.device")?;
    let named = |name: &str, wanted: &str, row: &Row| row.get(name).and_then(Value::as_str) == Some(wanted);
    let device = view.world.rows("dcim.device").find(|(_, row)| named("name", device, row))?.0;
    let is_it = |row: &Row| id_of(row, "device") == Some(device) && named("name", interface, row);
    let port = view.world.rows("dcim.interface").find(|(_, row)| is_it(row))?.0;
    let (kind, id) = far(view, (schema::named("dcim.interface")?, port)).first().copied()?;
    let (_, peer) = view.world.follow(kind, id, "device")?;
    Some(view.full(of, peer))
}
