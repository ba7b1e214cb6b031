//! The types of objects: their names, where each is, and how a caller's word for one is understood (reference: "Object
//! type → endpoint map").
//!
//! An instance may have more than this list: those of its plugins, and those of newer releases. It names them itself, and
//! of what it names only a path below the API is taken.

use super::release::Release;
use crate::backends::{Error, arguments, outside};

/// A type of objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Type {
    /// As `dcim.device`; the path, where the instance does not say what it calls the type.
    pub(super) name: String,
    /// As `dcim/devices`: the path of its list below the API.
    pub(super) path: String,
}

/// Each app with its models and the names of their lists.
const APPS: &[(&str, &str)] = &[
    (
        "circuits",
        "circuit=circuits circuitgroup=circuit-groups circuitgroupassignment=circuit-group-assignments \
         circuittermination=circuit-terminations circuittype=circuit-types provider=providers \
         provideraccount=provider-accounts providernetwork=provider-networks virtualcircuit=virtual-circuits \
         virtualcircuittermination=virtual-circuit-terminations virtualcircuittype=virtual-circuit-types",
    ),
    (
        "core",
        "datafile=data-files datasource=data-sources job=jobs objectchange=object-changes objecttype=object-types",
    ),
    (
        "dcim",
        "cable=cables cablebundle=cable-bundles cabletermination=cable-terminations consoleport=console-ports \
         consoleporttemplate=console-port-templates consoleserverport=console-server-ports \
         consoleserverporttemplate=console-server-port-templates device=devices devicebay=device-bays \
         devicebaytemplate=device-bay-templates devicerole=device-roles devicetype=device-types frontport=front-ports \
         frontporttemplate=front-port-templates interface=interfaces interfacetemplate=interface-templates \
         inventoryitem=inventory-items inventoryitemrole=inventory-item-roles \
         inventoryitemtemplate=inventory-item-templates location=locations macaddress=mac-addresses \
         manufacturer=manufacturers module=modules modulebay=module-bays modulebaytemplate=module-bay-templates \
         moduletype=module-types moduletypeprofile=module-type-profiles platform=platforms powerfeed=power-feeds \
         poweroutlet=power-outlets poweroutlettemplate=power-outlet-templates powerpanel=power-panels \
         powerport=power-ports powerporttemplate=power-port-templates rack=racks rackgroup=rack-groups \
         rackreservation=rack-reservations rackrole=rack-roles racktype=rack-types rearport=rear-ports \
         rearporttemplate=rear-port-templates region=regions site=sites sitegroup=site-groups \
         virtualchassis=virtual-chassis virtualdevicecontext=virtual-device-contexts",
    ),
    (
        "extras",
        "bookmark=bookmarks configcontext=config-contexts configcontextprofile=config-context-profiles \
         configtemplate=config-templates customfield=custom-fields customfieldchoiceset=custom-field-choice-sets \
         customlink=custom-links eventrule=event-rules exporttemplate=export-templates imageattachment=image-attachments \
         journalentry=journal-entries notification=notifications notificationgroup=notification-groups \
         savedfilter=saved-filters script=scripts subscription=subscriptions tableconfig=table-configs tag=tags \
         taggeditem=tagged-objects webhook=webhooks",
    ),
    (
        "ipam",
        "aggregate=aggregates asn=asns asnrange=asn-ranges fhrpgroup=fhrp-groups \
         fhrpgroupassignment=fhrp-group-assignments ipaddress=ip-addresses iprange=ip-ranges prefix=prefixes rir=rirs \
         role=roles routetarget=route-targets service=services servicetemplate=service-templates vlan=vlans \
         vlangroup=vlan-groups vlantranslationpolicy=vlan-translation-policies \
         vlantranslationrule=vlan-translation-rules vrf=vrfs",
    ),
    (
        "tenancy",
        "contact=contacts contactassignment=contact-assignments contactgroup=contact-groups contactrole=contact-roles \
         tenant=tenants tenantgroup=tenant-groups",
    ),
    ("users", "group=groups objectpermission=permissions owner=owners ownergroup=owner-groups token=tokens user=users"),
    (
        "virtualization",
        "cluster=clusters clustergroup=cluster-groups clustertype=cluster-types virtualdisk=virtual-disks \
         virtualmachine=virtual-machines virtualmachinetype=virtual-machine-types vminterface=interfaces",
    ),
    (
        "vpn",
        "ikepolicy=ike-policies ikeproposal=ike-proposals ipsecpolicy=ipsec-policies ipsecprofile=ipsec-profiles \
         ipsecproposal=ipsec-proposals l2vpn=l2vpns l2vpntermination=l2vpn-terminations tunnel=tunnels \
         tunnelgroup=tunnel-groups tunneltermination=tunnel-terminations",
    ),
    ("wireless", "wirelesslan=wireless-lans wirelesslangroup=wireless-lan-groups wirelesslink=wireless-links"),
];

/// The most characters of a path that an instance names.
const LONGEST: usize = 120;

impl Type {
    /// A type by its name, which is in the list.
    pub(super) fn named(name: &str, release: Release) -> Option<Self> {
        bundled(release).find(|one| one.name == name)
    }

    /// The type of a path that an instance names, or somebody writes: segments of a list below the API, and nothing that
    /// could lead elsewhere.
    pub(super) fn at(name: &str, path: &str) -> Option<Self> {
        let path = path.split_once("/api/").map_or(path, |(_, path)| path).trim_matches('/');
        let is_plain = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b))
        };
        let parts = path.split('/').count();
        let is_list = (2..=4).contains(&parts) && path.len() <= LONGEST && path.split('/').all(is_plain);
        let name = outside::line(name, LONGEST);
        (is_list && !name.is_empty()).then(|| Self { name, path: path.to_owned() })
    }

    /// Its name as NetBox itself has it, in the change log and in relations to any type.
    pub(super) fn official(&self) -> Result<&str, Error> {
        match self.name.contains('/') {
            true => Err(Error::Arguments(format!(
                "how NetBox calls the type of `{}` is not known: releases before {} name the types of plugins by their lists only",
                self.name,
                Release::MESSAGE
            ))),
            false => Ok(&self.name),
        }
    }

    /// The app.
    pub(super) fn app(&self) -> &str {
        self.path.split_once('/').map_or("", |(app, _)| app)
    }
}

/// All types of the list, at the paths that they have in this release.
pub(super) fn bundled(release: Release) -> impl Iterator<Item = Type> {
    APPS.iter().flat_map(|(app, models)| models.split_ascii_whitespace().map(move |entry| (*app, entry))).filter_map(
        move |(app, entry)| {
            let (model, list) = entry.split_once('=')?;
            let path = match (model, release) {
                ("objectchange", release) if release < Release::CORE_CHANGES => "extras/object-changes".to_owned(),
                ("objecttype", release) if release < Release::TYPES => "extras/content-types".to_owned(),
                ("objecttype", release) if release < Release::MESSAGE => "extras/object-types".to_owned(),
                _ => format!("{app}/{list}"),
            };
            Some(Type { name: format!("{app}.{model}"), path })
        },
    )
}

/// What a caller means by a word: `dcim.device`, `device`, `devices`, `Device`, `dcim/devices`, `plugins/bgp/sessions`.
/// `others` are the types that the instance names. `Ok(None)` if there is none and `others` is not known yet.
pub(super) fn find(word: &str, release: Release, others: Option<&[Type]>) -> Result<Option<Type>, Error> {
    let word = word.trim().trim_matches('/');
    let word = word.strip_prefix("api/").unwrap_or(word).to_ascii_lowercase();
    let plain = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let all: Vec<Type> = bundled(release).chain(others.unwrap_or_default().iter().cloned()).collect();
    if let Some(exact) = all.iter().find(|one| one.name == word || one.path == word) {
        return Ok(Some(exact.clone()));
    }
    // Without dots and slashes it is the model, or the name of the list.
    let bare = plain(&word);
    let model = |one: &&Type| one.name.rsplit('.').next().is_some_and(|model| plain(model) == bare);
    let list = |one: &&Type| one.path.rsplit('/').next().is_some_and(|list| plain(list) == bare);
    for is_meant in [&model as &dyn Fn(&&Type) -> bool, &list] {
        let meant: Vec<&Type> =
            all.iter().filter(|one| !bare.is_empty() && !word.contains(['.', '/']) && is_meant(one)).collect();
        match meant.as_slice() {
            [] => {}
            [one] => return Ok(Some((*one).clone())),
            several => {
                let names: Vec<&str> = several.iter().map(|one| one.name.as_str()).collect();
                return Err(Error::Arguments(format!("`{word}` could be {}: name one", names.join(" or "))));
            }
        }
    }
    if others.is_none() {
        return Ok(None);
    }
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    let models: Vec<&str> = names.iter().filter_map(|name| name.rsplit('.').next()).collect();
    let hint = match arguments::hint(&word, &names) {
        hint if hint.is_empty() => arguments::hint(&word, &models),
        hint => hint,
    };
    Err(Error::Arguments(format!("there is no type `{}`{hint}", outside::line(&word, 60))))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn found(word: &str) -> Result<String, String> {
        let others = [Type::at("bgp.session", "/api/plugins/bgp/sessions/").expect("a list")];
        match find(word, Release::NEWEST, Some(&others)) {
            Ok(found) => Ok(found.expect("the instance was asked").path),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_type_is_found_by_any_of_its_names() {
        for (word, path) in [
            ("dcim.device", "dcim/devices"),
            ("device", "dcim/devices"),
            (" Devices ", "dcim/devices"),
            ("/api/dcim/devices/", "dcim/devices"),
            ("IP address", "ipam/ip-addresses"),
            ("ip_address", "ipam/ip-addresses"),
            ("ip-addresses", "ipam/ip-addresses"),
            ("users.objectpermission", "users/permissions"),
            ("tagged-objects", "extras/tagged-objects"),
            ("interface", "dcim/interfaces"),
            ("vminterface", "virtualization/interfaces"),
            ("virtual chassis", "dcim/virtual-chassis"),
            ("bgp.session", "plugins/bgp/sessions"),
            ("plugins/bgp/sessions", "plugins/bgp/sessions"),
        ] {
            assert_eq!(found(word), Ok(path.to_owned()), "{word}");
        }
    }

    #[test]
    fn a_misspelt_or_ambiguous_type_is_refused_with_what_is_near() {
        for (word, said) in [
            ("dcim.devcie", "there is no type `dcim.devcie`; did you mean `dcim.device`?"),
            ("prefx", "there is no type `prefx`; did you mean `prefix`?"),
            ("interfaces", "`interfaces` could be dcim.interface or virtualization.vminterface: name one"),
            ("", "there is no type ``"),
            ("../users", "there is no type `../users`"),
        ] {
            assert_eq!(found(word), Err(said.to_owned()), "{word}");
        }
    }

    #[test]
    fn what_an_instance_names_is_a_list_below_its_api_or_nothing() {
        for (path, kept) in [
            ("https://evil.example/api/plugins/a/b/", Some("plugins/a/b")),
            ("/netbox/api/dcim/devices/", Some("dcim/devices")),
            ("/api/plugins/../users/", None),
            ("/api/plugins/a/b/?x=1", None),
            ("/api/plugins/a%2f/b/", None),
            ("//evil.example/", None),
            ("/api/dcim/", None),
        ] {
            assert_eq!(Type::at("a.b", path).map(|one| one.path).as_deref(), kept, "{path}");
        }
    }

    #[test]
    fn every_type_is_there_once_and_moves_with_the_release() {
        let all: Vec<Type> = bundled(Release::NEWEST).collect();
        let names: HashSet<&str> = all.iter().map(|one| one.name.as_str()).collect();
        let paths: HashSet<&str> = all.iter().map(|one| one.path.as_str()).collect();
        assert_eq!((all.len(), names.len(), paths.len()), (132, 132, 132));
        for (name, release, path) in [
            ("core.objectchange", Release(4, 0), "extras/object-changes"),
            ("core.objectchange", Release(4, 1), "core/object-changes"),
            ("core.objecttype", Release(3, 7), "extras/content-types"),
            ("core.objecttype", Release(4, 3), "extras/object-types"),
            ("core.objecttype", Release(4, 4), "core/object-types"),
        ] {
            assert_eq!(Type::named(name, release).map(|one| one.path).as_deref(), Some(path), "{name} {release}");
        }
    }
}
