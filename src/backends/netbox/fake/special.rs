//! Filters that are more than a look at one member: networks, places, cables, and what is on a device.

use serde_json::Value;

use super::cables;
use super::filter::{Found, Test, Wanted, f64_of};
use super::network::Net;
use super::schema::{self, Type};
use super::shown::View;
use super::world::{Row, ends, generic, id_of, said};

/// The filters of this kind, by type; for the other program's schema, too.
pub(super) const NAMES: &[(&str, &str)] = &[
    (
        "ipam.prefix",
        "within within_include contains family mask_length depth vlan_vid present_in_vrf region region_id site_group site_group_id site site_id location location_id",
    ),
    ("ipam.aggregate", "family"),
    ("ipam.iprange", "family contains parent"),
    (
        "ipam.ipaddress",
        "parent family mask_length device device_id virtual_machine virtual_machine_id interface interface_id vminterface_id fhrpgroup_id assigned_to_interface assigned",
    ),
    ("ipam.vlan", "available_at_site available_on_device interface_id"),
    ("dcim.device", "has_primary_ip has_oob_ip mac_address interfaces"),
    (
        "dcim.interface",
        "kind cabled connected occupied vlan vlan_id mac_address virtual_chassis_member virtual_chassis_member_id",
    ),
    (
        "dcim.cable",
        "device_id rack_id site_id location_id termination_a_type termination_a_id termination_b_type termination_b_id unterminated interface_id",
    ),
    ("circuits.circuit", "site site_id region region_id provider_network_id"),
    ("circuits.circuittermination", "site site_id region region_id provider_network_id cabled"),
    ("virtualization.virtualmachine", "has_primary_ip mac_address"),
    ("core.objectchange", "time_after time_before"),
];

/// Whether a type has this filter of this kind.
fn has(kind: &Type, name: &str) -> bool {
    NAMES.iter().any(|(of, names)| *of == kind.name && names.split(' ').any(|own| own == name))
}

/// The filter, if it is one of these.
pub(super) fn test<'a>(wanted: Wanted<'a>) -> Option<Found<'a>> {
    if !has(wanted.kind, wanted.name) {
        return None;
    }
    Some(match wanted.kind.name {
        "ipam.prefix" | "ipam.aggregate" | "ipam.iprange" | "ipam.ipaddress" => of_networks(wanted),
        "dcim.cable" => of_cables(wanted),
        "circuits.circuit" | "circuits.circuittermination" => of_circuits(wanted),
        _ => of_things(wanted),
    })
}

fn net(row: &Row) -> Option<Net> {
    ["prefix", "address", "start_address"].into_iter().find_map(|name| Net::read(row.get(name)?.as_str()?))
}

fn of_networks(wanted: Wanted<'_>) -> Found<'_> {
    let (view, kind, name) = (wanted.view, wanted.kind, wanted.name);
    // What is no network is in none.
    let nets: Vec<Net> = wanted.values.iter().filter_map(|value| Net::read(value)).collect();
    Ok(match name {
        "within" => Some(Box::new(move |_, row| {
            net(row).is_some_and(|own| nets.iter().any(|net| net.contains(own) && net.bits < own.bits))
        })),
        "parent" => Some(Box::new(move |_, row| {
            // The address counts, whatever its mask.
            let host = |own: Net| Net { bits: if own.is_v4 { 32 } else { 128 }, ..own };
            net(row).is_some_and(|own| nets.iter().any(|net| net.contains(host(own))))
        })),
        "within_include" => {
            Some(Box::new(move |_, row| net(row).is_some_and(|own| nets.iter().any(|net| net.contains(own)))))
        }
        "contains" => Some(Box::new(move |_, row| {
            net(row).is_some_and(|own| nets.iter().any(|net| own.network().contains(*net)))
        })),
        "family" => return wanted.of_number(|_, row| net(row).map(|net| f64::from(net.family()))),
        "mask_length" => return wanted.of_number(|_, row| net(row).map(|net| f64::from(net.bits))),
        "depth" => return wanted.of_number(move |id, _| view.full(kind, id).get("_depth").and_then(Value::as_f64)),
        "vlan_vid" => {
            return wanted.of_number(move |id, _| {
                let (of, vlan) = view.world.follow(kind, id, "vlan")?;
                view.world.row(of.name, vlan)?.get("vid")?.as_f64()
            });
        }
        "present_in_vrf" => {
            return wanted.of_relation(("ipam.vrf", false), |_, row| id_of(row, "vrf").into_iter().collect());
        }
        "assigned" | "assigned_to_interface" => wanted.of_flag(|_, row| generic(row, "assigned_object").is_some()),
        "fhrpgroup_id" => return wanted.of_number(|_, row| assigned(row, "ipam.fhrpgroup").map(f64_of)),
        "vminterface_id" => return wanted.of_number(|_, row| assigned(row, "virtualization.vminterface").map(f64_of)),
        "interface" | "interface_id" => {
            let by_id = name.ends_with("_id");
            let ids = |_: u64, row: &Row| assigned(row, "dcim.interface").into_iter().collect();
            return wanted.of_relation(("dcim.interface", by_id), ids);
        }
        "device" | "device_id" | "virtual_machine" | "virtual_machine_id" => {
            let by_id = name.ends_with("_id");
            let member = name.trim_end_matches("_id");
            let of = if member == "device" { "dcim.device" } else { "virtualization.virtualmachine" };
            return wanted.of_relation((of, by_id), move |_, row| {
                let port = generic(row, "assigned_object");
                port.and_then(|(kind, id)| view.world.follow(kind, id, member)).map(|(_, id)| id).into_iter().collect()
            });
        }
        _ => return of_scope(wanted),
    })
}

fn assigned(row: &Row, of: &str) -> Option<u64> {
    generic(row, "assigned_object").filter(|(kind, _)| kind.name == of).map(|(_, id)| id)
}

/// Where something is: a site, a region and so on, and everything in it.
fn of_scope(wanted: Wanted<'_>) -> Found<'_> {
    let view = wanted.view;
    let member = wanted.name.trim_end_matches("_id");
    let by_id = wanted.name.ends_with("_id");
    let Some(of) = ["dcim.region", "dcim.sitegroup", "dcim.site", "dcim.location"]
        .into_iter()
        .find(|of| of.trim_start_matches("dcim.") == member.replace('_', ""))
    else {
        return Ok(None);
    };
    wanted.of_relation((of, by_id), move |_, row| {
        let scope = generic(row, "scope").or_else(|| generic(row, "termination"));
        scope.and_then(|(kind, id)| up(&view, kind, id, of)).into_iter().collect()
    })
}

/// The place of this type in which a place is.
fn up(view: &View<'_>, kind: &'static Type, id: u64, of: &str) -> Option<u64> {
    if kind.name == of {
        return Some(id);
    }
    let path = match (kind.name, of) {
        ("dcim.location", "dcim.site") => "site",
        ("dcim.location", "dcim.region") => "site.region",
        ("dcim.location", _) => "site.group",
        ("dcim.site", "dcim.region") => "region",
        ("dcim.site", "dcim.sitegroup") => "group",
        _ => return None,
    };
    view.world.follow(kind, id, path).map(|(_, id)| id)
}

fn of_circuits(wanted: Wanted<'_>) -> Found<'_> {
    let (view, kind) = (wanted.view, wanted.kind);
    let of_circuit = kind.name == "circuits.circuit";
    let terminations = move |id: u64, row: &Row| -> Vec<Row> {
        match of_circuit {
            true => {
                let own =
                    view.world.rows("circuits.circuittermination").filter(|(_, row)| id_of(row, "circuit") == Some(id));
                own.map(|(_, row)| row.clone()).collect()
            }
            false => vec![row.clone()],
        }
    };
    let of = match wanted.name.trim_end_matches("_id") {
        "site" => "dcim.site",
        "region" => "dcim.region",
        "provider_network" => "circuits.providernetwork",
        _ => return Ok(wanted.of_flag(move |id, _| cables::plugged(&view, (kind, id)).is_some())),
    };
    wanted.of_relation((of, wanted.name.ends_with("_id")), move |id, row| {
        let ends = terminations(id, row);
        ends.iter()
            .filter_map(|row| generic(row, "termination"))
            .filter_map(|(kind, id)| up(&view, kind, id, of))
            .collect()
    })
}

fn of_cables(wanted: Wanted<'_>) -> Found<'_> {
    let view = wanted.view;
    let all = |row: &Row| [ends(row, "a_terminations"), ends(row, "b_terminations")].concat();
    let name = wanted.name;
    if name == "unterminated" {
        return Ok(
            wanted.of_flag(|_, row| ends(row, "a_terminations").is_empty() || ends(row, "b_terminations").is_empty())
        );
    }
    if let Some(end) = name.strip_prefix("termination_") {
        let (side, what) = end.split_once('_').unwrap_or_default();
        let side = if side == "a" { "a_terminations" } else { "b_terminations" };
        return match what {
            "type" => Ok(wanted.of_text(move |_, row| {
                ends(row, side).first().map(|(kind, _)| kind.name.to_owned()).unwrap_or_default()
            })),
            _ => wanted.of_number(move |_, row| ends(row, side).first().map(|(_, id)| f64_of(*id))),
        };
    }
    let of = match name {
        "device_id" => "dcim.device",
        "rack_id" => "dcim.rack",
        "site_id" => "dcim.site",
        "location_id" => "dcim.location",
        _ => "dcim.interface",
    };
    wanted.of_relation((of, true), move |_, row| {
        let places = all(row).into_iter().filter_map(|(kind, id)| {
            if kind.name == of {
                return Some(id);
            }
            let (device, device_id) = view.world.follow(kind, id, "device")?;
            let member = of.trim_start_matches("dcim.");
            if device.name == of {
                Some(device_id)
            } else {
                view.world.follow(device, device_id, member).map(|(_, id)| id)
            }
        });
        places.collect()
    })
}

fn of_things(wanted: Wanted<'_>) -> Found<'_> {
    let (view, kind) = (wanted.view, wanted.kind);
    Ok(match wanted.name {
        "has_primary_ip" => wanted.of_flag(|_, row| id_of(row, "primary_ip4").or(id_of(row, "primary_ip6")).is_some()),
        "has_oob_ip" => wanted.of_flag(|_, row| id_of(row, "oob_ip").is_some()),
        "interfaces" => wanted
            .of_flag(move |id, _| view.world.rows("dcim.interface").any(|(_, row)| id_of(row, "device") == Some(id))),
        "mac_address" => of_mac(wanted),
        "cabled" | "connected" | "occupied" => {
            wanted.of_flag(move |id, _| cables::plugged(&view, (kind, id)).is_some())
        }
        "kind" => {
            let values = wanted.values;
            Some(Box::new(move |_, row| {
                let own = match said(row.get("type")).as_str() {
                    "virtual" | "lag" | "bridge" => "virtual",
                    "ieee802.11ax" => "wireless",
                    _ => "physical",
                };
                values.iter().any(|value| value == own)
            }))
        }
        "virtual_chassis_member" | "virtual_chassis_member_id" => {
            let by_id = wanted.name.ends_with("_id");
            return wanted.of_relation(("dcim.device", by_id), |_, row| id_of(row, "device").into_iter().collect());
        }
        "time_after" | "time_before" => {
            let suffix = wanted.name.trim_start_matches("time_");
            (Wanted { suffix, ..wanted }).of_moment(|_, row| said(row.get("time")))
        }
        _ => return of_vlans(wanted),
    })
}

/// The VLANs of an interface.
fn vlans(row: &Row) -> Vec<u64> {
    let tagged = row.get("tagged_vlans").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_u64);
    id_of(row, "untagged_vlan").into_iter().chain(tagged).collect()
}

fn of_vlans(wanted: Wanted<'_>) -> Found<'_> {
    let (view, values) = (wanted.view, wanted.values);
    let ids = || values.iter().filter_map(|value| value.parse::<u64>().ok());
    Ok(match wanted.name {
        "vlan_id" => return wanted.of_relation(("ipam.vlan", true), |_, row| vlans(row)),
        "vlan" => Some(Box::new(move |_, row| {
            let own = vlans(row);
            let mut rows = own.iter().filter_map(|id| view.world.row("ipam.vlan", *id));
            rows.any(|vlan| values.contains(&said(vlan.get("vid"))))
        })),
        "interface_id" => {
            let on: Vec<u64> = ids().filter_map(|id| view.world.row("dcim.interface", id)).flat_map(vlans).collect();
            Some(Box::new(move |id, _| on.contains(&id)))
        }
        name => {
            let device = schema::named("dcim.device");
            let site = |id: u64| match name {
                "available_at_site" => Some(id),
                _ => view.world.follow(device?, id, "site").map(|(_, id)| id),
            };
            let sites: Vec<u64> = ids().filter_map(site).collect();
            Some(Box::new(move |_, row| id_of(row, "site").is_none_or(|site| sites.contains(&site))))
        }
    })
}

/// Whose address it is: of an interface itself, or of the device or machine that has it.
fn of_mac(wanted: Wanted<'_>) -> Option<Test<'_>> {
    let (view, kind, values) = (wanted.view, wanted.kind, wanted.values);
    let owner = move |row: &Row| {
        let (of, id) = generic(row, "assigned_object")?;
        match kind.model {
            "device" => view.world.follow(of, id, "device"),
            "virtualmachine" => view.world.follow(of, id, "virtual_machine"),
            _ => Some((of, id)),
        }
    };
    Some(Box::new(move |id, _| {
        view.world.rows("dcim.macaddress").any(|(_, row)| {
            owner(row).is_some_and(|(of, of_id)| of.name == kind.name && of_id == id)
                && values.iter().any(|value| value.eq_ignore_ascii_case(&said(row.get("mac_address"))))
        })
    }))
}

/// Whether `q` means this object otherwise than by its texts: an address of a device, a network that an address is in.
pub(super) fn is_meant(view: &View<'_>, kind: &Type, (_, row): (u64, &Row), text: &str) -> bool {
    let Some(meant) = Net::read(text) else { return false };
    match kind.name {
        "ipam.prefix" => net(row).is_some_and(|own| own.contains(meant)),
        "dcim.device" | "virtualization.virtualmachine" => ["primary_ip4", "primary_ip6"].iter().any(|name| {
            let ip = id_of(row, name).and_then(|id| view.world.row("ipam.ipaddress", id));
            ip.and_then(net).is_some_and(|own| own.address == meant.address)
        }),
        _ => false,
    }
}
