//! Objects as answers show them: related ones in brief, choices with their labels, and what is found out on the way.

use serde_json::{Map, Value, json};

use super::cables;
use super::network::Net;
use super::schema::{self, Field, Kind, Release, Type};
use super::world::{Row, World, generic, id_of, said};

/// Who looks, and at which release.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) world: &'a World,
    /// The address of the root, as answers write it.
    pub(super) base: &'a str,
    pub(super) release: Release,
    /// Sees also what is hidden.
    pub(super) is_admin: bool,
}

impl View<'_> {
    pub(super) fn sees(&self, kind: &Type, id: u64) -> bool {
        self.is_admin || !kind.hidden.contains(&id)
    }

    /// The whole object; nothing if there is none.
    pub(super) fn full(&self, kind: &'static Type, id: u64) -> Map<String, Value> {
        let Some(row) = self.world.row(kind.name, id) else { return Map::new() };
        let mut shown = self.head(kind, id);
        for field in &kind.fields {
            self.member(kind, (id, row), field, &mut shown);
        }
        shown.insert("description".to_owned(), row.get("description").cloned().unwrap_or_default());
        if !kind.is_bare {
            shown.insert("comments".to_owned(), row.get("comments").cloned().unwrap_or_default());
            let tags = row.get("tags").and_then(Value::as_array);
            let tags = tags.into_iter().flatten().filter_map(Value::as_u64).map(|id| self.brief("extras.tag", id));
            shown.insert("tags".to_owned(), tags.collect());
            shown.insert("custom_fields".to_owned(), self.custom(kind, row));
            if self.release >= (4, 5) {
                shown.insert("owner".to_owned(), Value::Null);
            }
        }
        for name in ["created", "last_updated"] {
            shown.insert(name.to_owned(), row.get(name).cloned().unwrap_or_default());
        }
        older(self, kind, row, &mut shown);
        shown
    }

    fn head(&self, kind: &'static Type, id: u64) -> Map<String, Value> {
        let mut head = Map::new();
        head.insert("id".to_owned(), id.into());
        head.insert("url".to_owned(), format!("{}/api/{}/{id}/", self.base, kind.path()).into());
        if self.release >= (4, 1) {
            head.insert("display_url".to_owned(), format!("{}/{}/{id}/", self.base, kind.path()).into());
        }
        head.insert("display".to_owned(), self.world.display(kind, id).into());
        head
    }

    /// The brief form of an object, as others show it; null if there is none.
    pub(super) fn brief(&self, name: &str, id: u64) -> Value {
        let Some((kind, row)) = schema::named(name).and_then(|kind| Some((kind, self.world.row(name, id)?))) else {
            return Value::Null;
        };
        self.small(kind, (id, row), true).into()
    }

    /// The brief form; `nested` ones count nothing in newer releases.
    pub(super) fn small(&self, kind: &'static Type, (id, row): (u64, &Row), nested: bool) -> Map<String, Value> {
        let mut shown = self.head(kind, id);
        shown.remove("display_url");
        for name in &kind.brief {
            match kind.field(name) {
                Some(Field { kind: Kind::Count, .. }) if nested && self.release >= (4, 6) => {}
                Some(field) => self.member(kind, (id, row), field, &mut shown),
                None if *name == "cable" => drop(shown.insert("cable".to_owned(), cables::cable(self, (kind, id)))),
                None if *name == "_occupied" => {
                    let is_occupied = cables::is_occupied(self, (kind, id));
                    shown.insert("_occupied".to_owned(), is_occupied.into());
                }
                None => drop(shown.insert((*name).to_owned(), row.get(*name).cloned().unwrap_or_default())),
            }
        }
        shown
    }

    fn member(&self, kind: &'static Type, (id, row): (u64, &Row), field: &Field, shown: &mut Map<String, Value>) {
        let name = field.name;
        let kept = row.get(name);
        let value = match field.kind {
            Kind::Hidden { .. } => return,
            Kind::Ports => {
                shown.extend(cables::members(self, kind, id));
                return;
            }
            Kind::Choice { .. } => choice(field, kept),
            Kind::One { .. } => id_of(row, name).map(|id| self.brief(field.of, id)).unwrap_or_default(),
            Kind::Many => {
                let ids = kept.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_u64);
                ids.map(|id| self.brief(field.of, id)).collect()
            }
            Kind::Generic => {
                for end in ["type", "id"] {
                    let name = format!("{name}_{end}");
                    shown.insert(name.clone(), row.get(&name).cloned().unwrap_or_default());
                }
                generic(row, name).map(|(kind, id)| self.brief(kind.name, id)).unwrap_or_default()
            }
            Kind::Ends => {
                let ends = super::world::ends(row, name).into_iter();
                ends.map(|(kind, id)| {
                    json!({ "object_type": kind.name, "object_id": id, "object": self.brief(kind.name, id) })
                })
                .collect()
            }
            Kind::Count => self.count(id, field.of).into(),
            Kind::Made => self.made(kind, (id, row), name),
            _ => kept.cloned().unwrap_or_default(),
        };
        shown.insert(name.to_owned(), value);
    }

    /// How many objects have this one in that member: `dcim.device.site`.
    fn count(&self, id: u64, of: &str) -> usize {
        let Some((name, member)) = of.rsplit_once('.') else { return 0 };
        self.world.rows(name).filter(|(_, row)| id_of(row, member) == Some(id)).count()
    }

    fn made(&self, kind: &'static Type, (id, row): (u64, &Row), name: &str) -> Value {
        let net = |name: &str| row.get(name).and_then(Value::as_str).and_then(Net::read);
        let own = || ["prefix", "address", "start_address"].into_iter().find_map(net);
        match name {
            "family" => own().map(|net| family(net.family())).unwrap_or_default(),
            "_depth" if kind.is_tree() => self.above(kind, row).into(),
            "_depth" => own().map(|net| self.around(row, net).into()).unwrap_or(0.into()),
            "children" => own().map(|net| self.inside(row, id, net).into()).unwrap_or_default(),
            "size" => match (net("start_address"), net("end_address")) {
                (Some(from), Some(to)) => {
                    u64::try_from(to.address.saturating_sub(from.address)).unwrap_or(u64::MAX).saturating_add(1).into()
                }
                _ => Value::Null,
            },
            "primary_ip" => {
                let ip = ["primary_ip6", "primary_ip4"].iter().find_map(|name| id_of(row, name));
                ip.map(|id| self.brief("ipam.ipaddress", id)).unwrap_or_default()
            }
            "config_context" => self.context(kind, id, row),
            "mac_address" => {
                let mac = id_of(row, "primary_mac_address").and_then(|id| self.world.row("dcim.macaddress", id));
                mac.and_then(|mac| mac.get("mac_address")).cloned().unwrap_or_default()
            }
            "mac_addresses" => {
                let own = |row: &Row| {
                    generic(row, "assigned_object").is_some_and(|(of, of_id)| of.name == kind.name && of_id == id)
                };
                self.world
                    .rows("dcim.macaddress")
                    .filter(|(_, row)| own(row))
                    .map(|(id, _)| self.brief("dcim.macaddress", id))
                    .collect()
            }
            "nat_outside" => {
                let of_this = self.world.rows("ipam.ipaddress").filter(|(_, row)| id_of(row, "nat_inside") == Some(id));
                of_this.map(|(id, _)| self.brief("ipam.ipaddress", id)).collect()
            }
            "termination_a" | "termination_z" => {
                let side = if name.ends_with('a') { "A" } else { "Z" };
                let is_it = |row: &Row| {
                    id_of(row, "circuit") == Some(id) && row.get("term_side").is_some_and(|own| own == side)
                };
                let found = self.world.rows("circuits.circuittermination").find(|(_, row)| is_it(row));
                found.map(|(id, _)| self.brief("circuits.circuittermination", id)).unwrap_or_default()
            }
            "total_vlan_ids" => super::allocation::vids(row).len().into(),
            "utilization" => {
                let used = self.world.rows("ipam.vlan").filter(|(_, vlan)| id_of(vlan, "group") == Some(id)).count();
                let all = super::allocation::vids(row).len().max(1);
                format!("{}", used.saturating_mul(100) / all).into()
            }
            "choices_count" => row.get("extra_choices").and_then(Value::as_array).map(Vec::len).into(),
            "data_type" => "string".into(),
            _ => Value::Null,
        }
    }

    fn above(&self, kind: &Type, row: &Row) -> usize {
        let parent = |row: &Row| id_of(row, "parent").and_then(|id| self.world.row(kind.name, id));
        std::iter::successors(parent(row), |row| parent(row)).take(20).count()
    }

    fn others<'a>(&'a self, row: &'a Row) -> impl Iterator<Item = (u64, Net)> + 'a {
        let same = |other: &Row| other.get("vrf") == row.get("vrf");
        let rows = self.world.rows("ipam.prefix").filter(move |(_, other)| same(other));
        rows.filter_map(|(id, other)| Some((id, Net::read(other.get("prefix")?.as_str()?)?)))
    }

    fn around(&self, row: &Row, net: Net) -> usize {
        self.others(row).filter(|(_, other)| other.bits < net.bits && other.contains(net)).count()
    }

    fn inside(&self, row: &Row, id: u64, net: Net) -> usize {
        self.others(row).filter(|(other_id, other)| *other_id != id && net.contains(*other)).count()
    }

    /// What applies to the place of a device or a machine, and what is its own.
    fn context(&self, kind: &'static Type, id: u64, row: &Row) -> Value {
        let site = self.world.follow(kind, id, "site").map(|(_, id)| id);
        let mut all = Map::new();
        for (_, context) in self.world.rows("extras.configcontext") {
            let sites = context.get("sites").and_then(Value::as_array);
            let applies = sites.is_none_or(|sites| sites.is_empty() || sites.iter().any(|one| one.as_u64() == site));
            all.extend(context.get("data").and_then(Value::as_object).filter(|_| applies).cloned().unwrap_or_default());
        }
        all.extend(row.get("local_context_data").and_then(Value::as_object).cloned().unwrap_or_default());
        all.into()
    }

    /// Every custom field of the type, with what the object has for it.
    fn custom(&self, kind: &Type, row: &Row) -> Value {
        let is_for = |field: &Row| {
            let types = field.get("object_types").and_then(Value::as_array);
            types.is_some_and(|types| types.iter().any(|name| name == kind.name))
        };
        let fields = self.world.rows("extras.customfield").filter(|(_, field)| is_for(field));
        let own = |name: &str| row.get("custom_fields").and_then(|own| own.get(name)).cloned().unwrap_or_default();
        fields.map(|(_, field)| (said(field.get("name")), own(&said(field.get("name"))))).collect::<Map<_, _>>().into()
    }
}

pub(super) fn family(family: u8) -> Value {
    json!({ "value": family, "label": format!("IPv{family}") })
}

fn choice(field: &Field, kept: Option<&Value>) -> Value {
    let Some(value) = kept.and_then(Value::as_str).filter(|value| !value.is_empty()) else { return Value::Null };
    let label = field.choices().find(|(own, _)| *own == value).map_or_else(|| value.to_owned(), |(_, label)| label);
    json!({ "value": value, "label": label })
}

/// What older releases call otherwise (reference: "Field moves").
fn older(view: &View<'_>, kind: &Type, row: &Row, shown: &mut Map<String, Value>) {
    let release = view.release;
    let mut renamed = |until: Release, new: &str, old: &str| {
        if release < until
            && let Some(value) = shown.remove(new)
        {
            shown.insert(old.to_owned(), value);
        }
    };
    match kind.name {
        "dcim.device" => renamed((4, 0), "role", "device_role"),
        "tenancy.contact" => renamed((4, 3), "groups", "group"),
        "ipam.prefix" | "virtualization.cluster" | "wireless.wirelesslan" if release < (4, 2) => {
            ["scope_type", "scope_id", "scope"].iter().for_each(|name| drop(shown.remove(*name)));
            let site = generic(row, "scope").filter(|(of, _)| of.name == "dcim.site");
            shown.insert("site".to_owned(), site.map(|(kind, id)| view.brief(kind.name, id)).unwrap_or_default());
        }
        "circuits.circuittermination" if release < (4, 2) => {
            ["termination_type", "termination_id", "termination"].iter().for_each(|name| drop(shown.remove(*name)));
            for (name, of) in [("site", "dcim.site"), ("provider_network", "circuits.providernetwork")] {
                let found = generic(row, "termination").filter(|(kind, _)| kind.name == of);
                shown.insert(name.to_owned(), found.map(|(kind, id)| view.brief(kind.name, id)).unwrap_or_default());
            }
        }
        "dcim.interface" | "virtualization.vminterface" if release < (4, 2) => {
            ["primary_mac_address", "mac_addresses"].iter().for_each(|name| drop(shown.remove(*name)));
        }
        "ipam.service" if release < (4, 3) => {
            ["parent_object_type", "parent_object_id", "parent_object"]
                .iter()
                .for_each(|name| drop(shown.remove(*name)));
            for (name, of) in [("device", "dcim.device"), ("virtual_machine", "virtualization.virtualmachine")] {
                let found = generic(row, "parent_object").filter(|(kind, _)| kind.name == of);
                shown.insert(name.to_owned(), found.map(|(kind, id)| view.brief(kind.name, id)).unwrap_or_default());
            }
        }
        "ipam.vlangroup" if release < (4, 1) => {
            let vids = super::allocation::vids(row);
            ["vid_ranges", "total_vlan_ids"].iter().for_each(|name| drop(shown.remove(*name)));
            shown.insert("min_vid".to_owned(), vids.first().copied().into());
            shown.insert("max_vid".to_owned(), vids.last().copied().into());
        }
        "users.token" if release < (4, 5) => {
            shown.remove("version");
        }
        _ => {}
    }
}
