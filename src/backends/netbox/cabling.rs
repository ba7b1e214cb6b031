//! Cables from end to end, and what is where in a rack (reference: "Extra read endpoints").

use serde_json::{Map, Value, json};

use super::answer::{self, Answer};
use super::client::Ask;
use super::lean::{self, SHORT};
use super::objects::which;
use super::shape::{Shape, returns};
use super::tool::{LOOKS, Request, Spec};
use super::{listing, relation};
use crate::backends::arguments::{Field, Form};
use crate::backends::schema::arguments;
use crate::backends::{Error, Output};

/// Types that have one path, and those through which several may lead.
const TRACED: [&str; 6] = ["interface", "consoleport", "consoleserverport", "powerport", "poweroutlet", "powerfeed"];
const PASSED: [&str; 3] = ["frontport", "rearport", "circuittermination"];
/// What can be traced.
const KINDS: &[&str] = &[
    "interface",
    "consoleport",
    "consoleserverport",
    "powerport",
    "poweroutlet",
    "powerfeed",
    "frontport",
    "rearport",
    "circuittermination",
];
/// Units of the highest rack, in halves.
const UNITS: &str = "250";

pub(super) static SPECS: &[Spec] = &[
    Spec {
        name: "trace",
        title: "Trace a cable",
        description: "Follows the cables from an interface, a port or a circuit termination in NetBox to the other end, through patch panels \
                      and circuits: each hop with its near end, its cable and its far end.",
        toolset: Some("dcim"),
        effect: LOOKS,
        takes: arguments!(&[
            (Field::new("type", Form::Choice(KINDS)), "What to start from; an interface unless given."),
            (Field::new("id", Form::Whole(1, i64::MAX)), "Its id in NetBox."),
            (Field::new("name", Form::Text(200)), "Or its name, with the `device` that it belongs to."),
            (Field::new("device", Form::Text(200)), "With `name`: the device, by its name."),
        ]),
        returns: returns!(&[
            ("type", Shape::Text, true, ""),
            ("id", Shape::Whole, true, ""),
            (
                "hops",
                Shape::Rows(&[
                    ("from", Shape::Objects, true, ""),
                    (
                        "cable",
                        Shape::Object,
                        false,
                        "Absent where the path ends, or leads through something without a cable.",
                    ),
                    ("to", Shape::Objects, true, ""),
                ]),
                false,
                "The path, from near to far.",
            ),
            (
                "paths",
                Shape::Objects,
                false,
                "All paths through a port: what each leads through, and whether it is whole.",
            ),
            ("ends_at", Shape::Objects, false, "What is at the far end."),
        ]),
        run: |request| Box::pin(trace(request)),
    },
    Spec {
        name: "rack",
        title: "Rack elevation",
        description: "Shows what is where in a rack in NetBox: each device with its units and its side, and which units are free.",
        toolset: Some("dcim"),
        effect: LOOKS,
        takes: arguments!(&[
            (Field::new("id", Form::Whole(1, i64::MAX)), "The rack's id in NetBox."),
            (Field::new("name", Form::Text(200)), "Or its name."),
            (
                Field::new("filters", Form::Object),
                "With `name`: filters that say which one is meant, as `{\"site\":\"HQ\"}`.",
            ),
            (Field::new("face", Form::Choice(&["front", "rear"])), "One side only."),
        ]),
        returns: returns!(&[
            ("rack", Shape::Object, true, ""),
            (
                "devices",
                Shape::Rows(&[
                    ("face", Shape::Text, true, ""),
                    ("units", Shape::Text, true, "The highest and the lowest."),
                    ("device", Shape::Object, false, "Absent where the account may not see what is there."),
                ]),
                true,
                "From top to bottom.",
            ),
            ("free", Shape::Texts, true, "Units that are free on the sides that were asked for, from top to bottom."),
        ]),
        run: |request| Box::pin(rack(request)),
    },
];

async fn trace(request: Request) -> Result<Output, Error> {
    let client = &request.client;
    let model = request.text("type").unwrap_or("interface");
    let kind = client.kind(model).await?;
    if request.whole("id").is_some() && request.text("device").is_some() {
        return Err(Error::Arguments("one of `id`, and `device` with `name`, is needed".to_owned()));
    }
    let (id, notes) = match (request.text("device"), request.text("name")) {
        (Some(device), Some(name)) => {
            let device = relation::of(client, "dcim.device", device).await?.id;
            let within = [("device_id".to_owned(), device.to_string())];
            (relation::named(client, &kind, name, &within).await?.id, Vec::new())
        }
        (Some(_), None) => return Err(Error::Arguments("`device` goes together with `name`".to_owned())),
        _ => which(&request, &kind).await?,
    };
    let list = if PASSED.contains(&model) { "paths" } else { "trace" };
    let body = client.ask(Ask::get(&format!("{}/{id}/{list}", kind.path))).await?.body;
    let mut answer =
        Answer::new(format!("{} {id}", kind.name)).with("type", kind.name.clone()).with("id", id).noting(notes);
    if TRACED.contains(&model) {
        let hops: Vec<Value> = answer::results(&body).iter().map(hop).collect();
        let ends = hops.iter().rev().find_map(|hop| hop.get("to")?.as_array().filter(|to| !to.is_empty()).cloned());
        if hops.is_empty() {
            answer = answer.then("It is not connected.");
        }
        if let Some(ends) = ends {
            answer.put("ends_at", ends);
        }
        answer.put("hops", hops);
    } else {
        answer.put("paths", answer::results(&body).iter().map(path).collect::<Vec<_>>());
    }
    answer.ordered(["from", "cable", "to"].map(str::to_owned)).output(client)
}

/// One hop: near ends, a cable, far ends. A NetBox writes one end alone, too.
fn hop(hop: &Value) -> Value {
    let part = |place: usize| hop.get(place).unwrap_or(&Value::Null);
    let ends = |value: &Value| -> Vec<Value> {
        let all = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
        all.iter().filter_map(|end| lean::value_of(end, SHORT, 0)).filter(Value::is_object).collect()
    };
    let mut row = json!({"from": ends(part(0)), "to": ends(part(2))});
    let cable = lean::value_of(part(1), SHORT, 0).map(|cable| match cable {
        Value::Array(all) => all.into_iter().next().unwrap_or_default(),
        cable => cable,
    });
    if let (Some(row), Some(cable @ Value::Object(_))) = (row.as_object_mut(), cable) {
        row.insert("cable".to_owned(), cable);
    }
    row
}

/// A path through a port.
fn path(path: &Value) -> Value {
    Value::Object(lean::whole("dcim.cablepath", path, SHORT))
}

async fn rack(request: Request) -> Result<Output, Error> {
    let client = &request.client;
    let kind = relation::kind("dcim.rack", client.release().await?)?;
    let (id, notes) = which(&request, &kind).await?;
    let faces: &[&str] = match request.text("face") {
        Some("front") => &["front"],
        Some(_) => &["rear"],
        None => &["front", "rear"],
    };
    let path = format!("{}/{id}", kind.path);
    let elevation = format!("{path}/elevation");
    let mut asks = vec![Ask::get(&path)];
    asks.extend(faces.iter().map(|face| Ask::get(&elevation).with("face", *face).with("limit", UNITS)));
    let mut answers = client.all(asks).await.into_iter();
    let rack = answers.next().map_or(Ok(Value::Null), |answer| answer.map(|answer| answer.body))?;
    let shown = listing::wanted(&kind, &[])?;
    let mut devices = Vec::new();
    let mut free: Option<Vec<String>> = None;
    for (face, answer) in faces.iter().zip(answers) {
        let body = answer?.body;
        let (mounted, empty) = units(face, answer::results(&body));
        devices.extend(mounted);
        // Free is what is free on every side that was asked for.
        free = Some(match free {
            Some(free) => free.into_iter().filter(|unit| empty.contains(unit)).collect(),
            None => empty,
        });
    }
    let free = free.unwrap_or_default();
    Answer::new(format!("Rack {id}: {} places taken, {} units free", devices.len(), free.len()))
        .with("rack", lean::chosen(&kind.name, &rack, &shown, SHORT))
        .with("devices", devices)
        .with("free", free)
        .ordered(["face", "units", "device"].map(str::to_owned))
        .noting(notes)
        .output(client)
}

/// The places of one side, each with the units it takes, and the units that are free. Halves of a unit count as it.
fn units(face: &str, rows: &[Value]) -> (Vec<Value>, Vec<String>) {
    let mut places: Vec<(Option<u64>, String, Map<String, Value>)> = Vec::new();
    let mut free: Vec<String> = Vec::new();
    let mut taken: Vec<String> = Vec::new();
    for row in rows {
        let unit =
            row.get("id").and_then(Value::as_f64).map_or_else(|| "?".to_owned(), |unit| unit.floor().to_string());
        let device = row.get("device").filter(|device| device.is_object());
        if device.is_none() && row.get("occupied") != Some(&Value::Bool(true)) {
            if !free.contains(&unit) {
                free.push(unit);
            }
            continue;
        }
        let id = device.and_then(|device| device.get("id")?.as_u64());
        taken.push(unit.clone());
        match places.last_mut() {
            Some((last, lowest, _)) if *last == id && id.is_some() => *lowest = unit,
            _ => {
                let mut place =
                    Map::from_iter([("face".to_owned(), face.into()), ("units".to_owned(), unit.clone().into())]);
                place.extend(device.and_then(|device| Some(("device".to_owned(), lean::value_of(device, SHORT, 0)?))));
                places.push((id, unit, place));
            }
        }
    }
    free.retain(|unit| !taken.contains(unit));
    let whole = |(_, lowest, mut place): (Option<u64>, String, Map<String, Value>)| {
        if let Some(Value::String(units)) = place.get_mut("units")
            && *units != lowest
        {
            units.push_str(&format!("-{lowest}"));
        }
        Value::Object(place)
    };
    (places.into_iter().map(whole).collect(), free)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_has_the_units_that_it_takes_and_half_a_unit_is_not_free() {
        let device = |id: u64| json!({"id": id, "display": format!("sw{id}")});
        let rows = [
            json!({"id": 4.0, "device": device(1), "occupied": true}),
            json!({"id": 3.5, "device": device(1), "occupied": true}),
            json!({"id": 3.0, "device": device(1), "occupied": true}),
            json!({"id": 2.5, "device": null, "occupied": false}),
            json!({"id": 2.0, "device": device(2), "occupied": true}),
            json!({"id": 1.0, "device": null, "occupied": true}),
            json!({"id": 0.5, "device": null, "occupied": false}),
        ];
        let (places, free) = units("front", &rows);
        assert_eq!(
            json!(places),
            json!([
                {"face": "front", "units": "4-3", "device": {"id": 1, "display": "sw1"}},
                {"face": "front", "units": "2", "device": {"id": 2, "display": "sw2"}},
                {"face": "front", "units": "1"},
            ])
        );
        assert_eq!(free, ["0"]);
    }

    #[test]
    fn a_hop_is_read_whether_its_ends_are_lists_or_not() {
        let end = json!({"id": 1, "display": "Gi1", "device": {"id": 2, "display": "sw1"}});
        let lean = json!({"id": 1, "display": "Gi1", "device": "sw1"});
        let cable = json!({"id": 5, "display": "#5"});
        let expected = json!({"from": [lean], "cable": cable, "to": []});
        assert_eq!(hop(&json!([[end], cable, []])), expected);
        assert_eq!(hop(&json!([end, cable, null])), expected);
        assert_eq!(hop(&json!(7)), json!({"from": [], "to": []}));
    }
}
