//! Filters and fields as we know them without asking: for calls that need no more, and for instances whose schema cannot
//! be read (reference: "Main filters per type", "Full key lists").

use super::openapi::split;
use super::release::Release;

/// Suffixes that a filter takes, by what stands behind its name in [`FILTERS`].
const TEXT: &[&str] = &["n", "ic", "nic", "isw", "nisw", "iew", "niew", "ie", "nie", "empty"];
const NUMBER: &[&str] = &["n", "lt", "lte", "gt", "gte", "empty"];

/// What every type takes.
const COMMON: &str = "id# q! tag* created# last_updated# created_by_request! updated_by_request! modified_by_request!>4.0 \
    owner*>4.5";
/// Groups of filters that many types take.
const GROUPS: &[(&str, &str)] = &[
    ("@place", "region* site_group* site* location*"),
    ("@tenant", "tenant* tenant_group*"),
    ("@contact", "contact! contact_role! contact_group!"),
    ("@scope", "region* site_group* site* location*>4.2 scope_type!>4.2 scope_id~>4.2"),
    ("@cable", "cabled! connected! occupied! cable_id~ mark_connected!"),
    ("@part", "@place device* rack* role* device_role*>4.0 device_type* virtual_chassis* name label description"),
];
/// The filters of the most used types. Behind a name: nothing for a text, `#` for a number, `*` for a relation that takes
/// slugs or names and has another filter for ids, `~` for ids, `!` for what takes no suffix; `>` and the release from
/// which, `<` and the one up to which it is there.
const FILTERS: &[(&str, &str)] = &[
    (
        "dcim.device",
        "@place @tenant @contact name status serial asset_tag description face airflow mac_address position# vc_position# \
         vc_priority# rack* role* manufacturer* device_type* platform* parent_device* cluster_id~ virtual_chassis_id~ \
         config_template_id~ model! has_primary_ip! has_oob_ip! has_virtual_device_context! interfaces! console_ports! \
         power_ports! module_bays! device_bays! is_full_depth! virtual_chassis_member! interface_count# \
         device_bay_count# module_bay_count# inventory_item_count# latitude# longitude#",
    ),
    (
        "dcim.site",
        "region* group* @tenant @contact name slug status facility description asn! asn_id~ time_zone! latitude# \
         longitude#",
    ),
    ("dcim.region", "parent* ancestor*>4.2 @contact name slug description"),
    ("dcim.sitegroup", "parent* ancestor*>4.2 @contact name slug description"),
    ("dcim.location", "region* site_group* site* parent* @tenant @contact name slug status facility description"),
    (
        "dcim.rack",
        "@place @tenant @contact name facility_id status serial asset_tag description role* rack_type*>4.1 \
         manufacturer*>4.1 group*>4.6 width# u_height# starting_unit# form_factor>4.1",
    ),
    ("dcim.rackreservation", "@place @tenant rack* user* description"),
    (
        "dcim.interface",
        "@part @cable type kind! enabled! mtu# mgmt_only! mode speed# duplex mac_address wwn poe_mode poe_type vlan_id! \
         vlan! vrf* lag_id~ parent_id~ bridge_id~ virtual_chassis_member! virtual_chassis_member_id! vdc* \
         primary_mac_address_id~>4.2 rf_role rf_channel",
    ),
    ("dcim.frontport", "@part @cable type color"),
    ("dcim.rearport", "@part @cable type color positions#"),
    ("dcim.consoleport", "@part @cable type"),
    ("dcim.consoleserverport", "@part @cable type"),
    ("dcim.powerport", "@part @cable type maximum_draw# allocated_draw#"),
    ("dcim.poweroutlet", "@part @cable type feed_leg"),
    (
        "dcim.cable",
        "@tenant type status color label length# length_unit! description device_id! device! rack_id! rack! location_id! \
         location! site_id! site! termination_a_type! termination_a_id~ termination_b_type! termination_b_id~ \
         unterminated! interface_id! console_port_id! front_port_id! rear_port_id! power_port_id!",
    ),
    (
        "dcim.devicetype",
        "manufacturer* default_platform* model slug part_number u_height# is_full_depth! subdevice_role airflow \
         description device_count#>4.4",
    ),
    ("dcim.devicerole", "name slug color vm_role! description parent*>4.3"),
    ("dcim.manufacturer", "@contact name slug description"),
    ("dcim.platform", "manufacturer* name slug description"),
    (
        "dcim.macaddress",
        "mac_address device* virtual_machine* interface* vminterface* assigned! primary!>4.4 description",
    ),
    ("dcim.inventoryitem", "@part parent_id~ manufacturer* serial part_id asset_tag discovered! status>4.2"),
    ("dcim.module", "device_id~ module_bay_id~ manufacturer* module_type* status serial asset_tag description"),
    ("dcim.virtualchassis", "region* site_group* site* @tenant name domain master* description"),
    (
        "ipam.prefix",
        "@scope @tenant prefix! within! within_include! contains! family! status role* vrf* present_in_vrf* is_pool! \
         mark_utilized! depth# children# mask_length! mask_length__gte! mask_length__lte! vlan_id~ vlan_vid# \
         vlan_group*>4.2 description",
    ),
    (
        "ipam.ipaddress",
        "@tenant address! parent! family! mask_length! mask_length__gte! mask_length__lte! status role vrf* \
         present_in_vrf* device! device_id! virtual_machine! virtual_machine_id! interface* vminterface* fhrpgroup_id~ \
         assigned_to_interface! assigned! dns_name service_id~ nat_inside_id~ assigned_object_type! \
         assigned_object_id# description",
    ),
    (
        "ipam.iprange",
        "@tenant start_address! end_address! family! contains! parent! status role* vrf* size# mark_utilized! description",
    ),
    ("ipam.aggregate", "@tenant prefix! family! rir* date_added# description"),
    (
        "ipam.vlan",
        "@place @tenant vid# name status group* role* available_at_site! available_on_device! \
         available_on_virtualmachine! interface_id! vminterface_id! l2vpn* qinq_role>4.2 qinq_svlan_id~>4.2 description",
    ),
    (
        "ipam.vlangroup",
        "name slug description scope_type! scope_id# region! site_group! site! location! rack! cluster! cluster_group! \
         contains_vid!>4.1 min_vid#<4.1 max_vid#<4.1",
    ),
    ("ipam.vrf", "@tenant name rd enforce_unique! description import_target* export_target*"),
    ("ipam.routetarget", "@tenant name description importing_vrf* exporting_vrf*"),
    ("ipam.asn", "@tenant asn# rir* site* provider*>4.2 description"),
    ("ipam.asnrange", "@tenant name slug rir* start# end# description"),
    ("ipam.role", "name slug weight# description"),
    ("ipam.rir", "name slug is_private! description"),
    (
        "ipam.service",
        "name protocol port! device! device_id! virtual_machine! virtual_machine_id! ip_address* parent_object_type!>4.3 \
         parent_object_id#>4.3 description",
    ),
    ("ipam.fhrpgroup", "group_id# protocol auth_type name description related_ip!"),
    (
        "circuits.circuit",
        "region* site_group* site* location_id~>4.2 @tenant @contact cid provider* provider_account* \
         provider_network_id~ type* status install_date# termination_date# commit_rate# description",
    ),
    (
        "circuits.circuittermination",
        "region* site_group* site* location*>4.2 circuit_id~ term_side port_speed# upstream_speed# xconnect_id pp_info \
         provider_network_id~ provider*>4.0 termination_type!>4.2 termination_id~>4.2 cabled! cable_id~ description",
    ),
    ("circuits.provider", "region* site_group* site* @contact name slug asn! asn_id~ description"),
    ("circuits.provideraccount", "@contact provider* name account description"),
    ("circuits.providernetwork", "provider* name service_id description"),
    ("circuits.circuittype", "name slug color description"),
    (
        "virtualization.virtualmachine",
        "region* site_group* site* @tenant @contact name status serial>4.1 cluster* cluster_type* cluster_group* device* \
         role* platform* mac_address has_primary_ip! vcpus# memory# disk# description config_template_id~ \
         interface_count#",
    ),
    (
        "virtualization.vminterface",
        "virtual_machine* cluster* name enabled! mtu# mode mac_address vlan_id! vlan! vrf* description",
    ),
    ("virtualization.cluster", "@scope @tenant @contact name status type* group* description"),
    ("virtualization.clustertype", "name slug description"),
    ("virtualization.clustergroup", "@contact name slug description"),
    ("tenancy.tenant", "@contact name slug group* description"),
    ("tenancy.tenantgroup", "name slug parent* description"),
    ("tenancy.contact", "name title phone email address link group* description"),
    ("tenancy.contactassignment", "object_type!>4.0 content_type!<4.0 object_id# contact_id~ role* group* priority"),
    ("extras.journalentry", "assigned_object_type! assigned_object_id# created_by* kind"),
    ("extras.tag", "name slug color description weight# content_type! for_object_type_id!"),
    ("extras.customfield", "name label type group_name required! description"),
    (
        "core.objectchange",
        "time# time_after! time_before! user* user_name request_id! action changed_object_type! changed_object_type_id~ \
         changed_object_id# related_object_type! related_object_id# object_repr",
    ),
    ("core.objecttype", "app_label! model! public! features!"),
    ("users.user", "username first_name last_name email is_active! group*"),
    ("users.token", "user* created# expires# enabled! write_enabled! description last_used#"),
];

/// The fields that a list shows unless others are asked for. `a|b`: the second is the name of older releases. Types that
/// are not here show all that is there.
const FIELDS: &[(&str, &str)] = &[
    (
        "dcim.device",
        "name status role|device_role device_type site location rack position face tenant platform serial asset_tag \
         primary_ip virtual_chassis cluster description tags",
    ),
    (
        "dcim.site",
        "name slug status region group tenant facility asns time_zone description device_count rack_count tags",
    ),
    (
        "dcim.rack",
        "name facility_id site location status role tenant rack_type form_factor width u_height serial asset_tag \
         device_count description tags",
    ),
    ("dcim.location", "name slug site parent status tenant facility rack_count device_count description"),
    (
        "dcim.interface",
        "device name label type enabled mode mtu speed mac_address lag parent untagged_vlan tagged_vlans vrf cable \
         connected_endpoints count_ipaddresses description tags",
    ),
    ("dcim.cable", "label type status a_terminations b_terminations color length length_unit tenant description"),
    ("dcim.devicetype", "manufacturer model slug part_number u_height is_full_depth device_count description"),
    ("dcim.macaddress", "mac_address assigned_object_type assigned_object description"),
    (
        "ipam.ipaddress",
        "address status role vrf tenant dns_name assigned_object_type assigned_object nat_inside description tags",
    ),
    (
        "ipam.prefix",
        "prefix status role vrf scope_type scope|site vlan tenant is_pool mark_utilized children description tags",
    ),
    ("ipam.iprange", "start_address end_address size status role vrf tenant description tags"),
    ("ipam.aggregate", "prefix rir tenant date_added description"),
    ("ipam.vlan", "vid name status role site group tenant description tags"),
    ("ipam.vlangroup", "name slug scope_type scope vid_ranges min_vid max_vid vlan_count utilization description"),
    (
        "ipam.vrf",
        "name rd tenant enforce_unique import_targets export_targets prefix_count ipaddress_count description",
    ),
    ("ipam.asn", "asn rir tenant site_count provider_count description"),
    ("ipam.service", "name protocol ports parent_object_type parent|device virtual_machine ipaddresses description"),
    (
        "circuits.circuit",
        "cid provider provider_account type status tenant install_date termination_date commit_rate termination_a \
         termination_z description tags",
    ),
    (
        "circuits.circuittermination",
        "circuit term_side termination_type termination|site provider_network port_speed upstream_speed xconnect_id \
         pp_info cable link_peers connected_endpoints description",
    ),
    ("circuits.provider", "name slug accounts asns circuit_count description tags"),
    (
        "virtualization.virtualmachine",
        "name status role site cluster device platform tenant primary_ip vcpus memory disk description tags",
    ),
    (
        "virtualization.vminterface",
        "virtual_machine name enabled mode mtu mac_address untagged_vlan tagged_vlans vrf count_ipaddresses description",
    ),
    (
        "virtualization.cluster",
        "name type group status tenant scope_type scope|site device_count virtualmachine_count description tags",
    ),
    ("tenancy.tenant", "name slug group description device_count site_count prefix_count circuit_count tags"),
    ("tenancy.contact", "name title phone email groups|group description"),
    ("tenancy.contactassignment", "object_type|content_type object_id object contact role priority"),
    (
        "extras.journalentry",
        "created kind assigned_object_type assigned_object_id assigned_object created_by comments tags",
    ),
    ("core.objectchange", "time user_name action changed_object_type changed_object_id object_repr message request_id"),
    ("users.token", "user description enabled write_enabled created expires last_used allowed_ips version"),
];

/// What was called otherwise, or is elsewhere: the type, the name, and what to say (reference: "Field moves").
const MOVED: &[(&str, &str, &str)] = &[
    ("dcim.device", "device_role", "it is `role` since release 4.0"),
    ("dcim.device", "device_role_id", "it is `role_id`"),
    ("ipam.prefix", "site", "a prefix has `scope_type` and `scope_id` since release 4.2"),
    ("virtualization.cluster", "site", "a cluster has `scope_type` and `scope_id` since release 4.2"),
    ("wireless.wirelesslan", "site", "a wireless LAN has `scope_type` and `scope_id` since release 4.2"),
    ("circuits.circuittermination", "site", "it has `termination_type` and `termination_id` since release 4.2"),
    (
        "circuits.circuittermination",
        "provider_network",
        "it has `termination_type` and `termination_id` since release 4.2",
    ),
    ("dcim.interface", "mac_address", "since release 4.2 it is read-only, and `primary_mac_address` is an object"),
    ("ipam.service", "device", "it has `parent_object_type` and `parent_object_id` since release 4.3"),
    ("ipam.service", "virtual_machine", "it has `parent_object_type` and `parent_object_id` since release 4.3"),
    ("ipam.vlangroup", "min_vid", "it has `vid_ranges` since release 4.1"),
    ("ipam.vlangroup", "max_vid", "it has `vid_ranges` since release 4.1"),
    ("tenancy.contact", "group", "a contact has `groups` since release 4.3"),
];

/// Fields that hold what nobody should read in a conversation. `key` is one for tokens only.
const SECRETS: [&str; 7] = ["auth_key", "auth_psk", "password", "plaintext", "preshared_key", "secret", "token"];

/// One filter of the list.
struct Entry {
    name: &'static str,
    suffixes: &'static [&'static str],
    has_ids: bool,
}

/// The entries of a text, with the groups in it, as far as they are in this release.
fn entries(text: &'static str, release: Release) -> Vec<Entry> {
    let mut all = Vec::new();
    for word in text.split_ascii_whitespace() {
        let (word, since, until) = match (word.split_once('>'), word.split_once('<')) {
            (Some((word, since)), _) => (word, Release::parse(since), None),
            (_, Some((word, until))) => (word, None, Release::parse(until)),
            _ => (word, None, None),
        };
        if since.is_some_and(|since| release < since) || until.is_some_and(|until| release >= until) {
            continue;
        }
        if let Some((_, group)) = GROUPS.iter().find(|(name, _)| *name == word) {
            all.extend(entries(group, release));
            continue;
        }
        let name = word.trim_end_matches(['#', '*', '~', '!']);
        let suffixes: &[&str] = match word.strip_prefix(name) {
            Some("#") => NUMBER,
            Some("*" | "~") => &["n"],
            Some("!") => &[],
            _ => TEXT,
        };
        all.push(Entry { name, suffixes, has_ids: word.ends_with('*') });
    }
    all
}

fn filters(kind: &str, release: Release) -> Option<Vec<Entry>> {
    let (_, own) = FILTERS.iter().find(|(name, _)| *name == kind)?;
    let mut all = entries(own, release);
    all.extend(entries(COMMON, release));
    Some(all)
}

/// Whether the type certainly takes this filter, with its suffix, in this release.
pub(super) fn takes(kind: &str, release: Release, name: &str) -> bool {
    let Some(all) = filters(kind, release) else { return false };
    let (base, suffix) = split(name);
    all.iter().any(|entry| {
        let is_named = base == entry.name || (entry.has_ids && base.strip_suffix("_id") == Some(entry.name));
        let is_taken = suffix.is_none_or(|suffix| {
            entry.suffixes.contains(&suffix) || (suffix == "any" && matches!(base, "tag" | "tag_id"))
        });
        (is_named && is_taken) || entry.name == name
    })
}

/// The filters of the type that we know, without suffixes; empty if we know none.
pub(super) fn names(kind: &str, release: Release) -> Vec<(String, &'static [&'static str])> {
    let mut names = Vec::new();
    for entry in filters(kind, release).unwrap_or_default() {
        names.push((entry.name.to_owned(), entry.suffixes));
        if entry.has_ids {
            names.push((format!("{}_id", entry.name), entry.suffixes));
        }
    }
    names
}

/// The fields that a list of the type shows, each with the name that it has in older releases.
pub(super) fn shown(kind: &str) -> Vec<(&'static str, Option<&'static str>)> {
    let text = FIELDS.iter().find(|(name, _)| *name == kind).map_or("", |(_, text)| *text);
    let one = |word: &'static str| word.split_once('|').map_or((word, None), |(new, old)| (new, Some(old)));
    text.split_ascii_whitespace().map(one).collect()
}

/// What became of a name of the type that is not there any more.
pub(super) fn moved(kind: &str, name: &str) -> Option<&'static str> {
    MOVED.iter().find(|(of, old, _)| *of == kind && *old == name).map(|(_, _, said)| *said)
}

/// Whether the field of the type holds what nobody should read in a conversation.
pub(super) fn is_secret(kind: &str, field: &str) -> bool {
    SECRETS.contains(&field)
        || match kind {
            "users.token" => matches!(field, "key" | "display"),
            // The keys of a store, and headers that sign a request.
            "core.datasource" => field == "parameters",
            "extras.webhook" => field == "additional_headers",
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_certainly_taken_depends_on_the_kind_of_filter_and_on_the_release() {
        let old = Release(4, 0);
        for (kind, release, name, expected) in [
            ("dcim.device", Release::NEWEST, "name__ic", true),
            ("dcim.device", Release::NEWEST, "site", true),
            ("dcim.device", Release::NEWEST, "site_id__n", true),
            ("dcim.device", Release::NEWEST, "site__ic", false),
            ("dcim.device", Release::NEWEST, "nmae", false),
            ("dcim.device", Release::NEWEST, "tag__any", true),
            ("dcim.device", Release::NEWEST, "name__any", false),
            ("dcim.device", Release::NEWEST, "q__ic", false),
            ("dcim.device", Release::NEWEST, "created__gte", true),
            ("ipam.vlan", Release::NEWEST, "vid__gte", true),
            ("ipam.vlan", Release::NEWEST, "vid__ic", false),
            ("ipam.prefix", Release::NEWEST, "mask_length__lte", true),
            ("ipam.prefix", Release::NEWEST, "scope_id", true),
            ("ipam.prefix", old, "scope_id", false),
            ("ipam.prefix", old, "site_id", true),
            ("ipam.vlangroup", Release::NEWEST, "min_vid", false),
            ("ipam.vlangroup", old, "min_vid", true),
            ("dcim.device", old, "owner", false),
            ("bgp.session", Release::NEWEST, "q", false),
        ] {
            assert_eq!(takes(kind, release, name), expected, "{kind} {release} {name}");
        }
    }

    #[test]
    fn every_type_of_the_tables_is_one() {
        let tables = FILTERS.iter().chain(FIELDS).map(|(kind, _)| *kind).chain(MOVED.iter().map(|(kind, ..)| *kind));
        for kind in tables {
            assert!(super::super::catalog::Type::named(kind, Release::NEWEST).is_some(), "{kind}");
        }
        assert!(entries("@part @scope", Release::NEWEST).iter().all(|entry| !entry.name.starts_with('@')));
    }
}
