"""The stand-in for a NetBox, driven by `pynetbox`, the library that NetBox's own people maintain; and keyward beside it.

Run with KEYWARD_BIN set and the interpreter that has it. The library runs unmodified; the sandbox is its address.
"""

import json
import sys
import urllib.request
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent))
import ring
from ring import Keyward, http, same

import pynetbox

V1 = "0123456789abcdef0123456789abcdef01234567"
SECRET = "0123456789abcdefghijklmnopqrstuvwxyzABCD"
keyward = Keyward(KEYWARD_TOKEN_NB=f"nbt_SandboxJdoe1.{SECRET}")
_, sandbox = ring.start("sandbox", keyward.program, "sandbox", "--json")
service = f"{sandbox['url']}/netbox"
keyward.config(f'[connections.nb]\nbackend = "netbox"\nurl = "{service}"\n')


def order(**what):
    """Tells the stand-in how to behave from now on."""
    body = json.dumps(what).encode()
    request = urllib.request.Request(f"{service}/control", data=body, headers={"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def received():
    return http("GET", f"{service}/received")["received"]


def api(key="SandboxJdoe1", **options):
    """The library, signed in."""
    return pynetbox.api(service, token=V1 if key is None else f"nbt_{key}.{SECRET}", **options)


def fresh(key="SandboxJdoe1", **options):
    """A stand-in as at the start, and the library signed in to it."""
    order(reset=True)
    return api(key, **options)


def refused(call, status, *words):
    """The library's own error, with this status and these words of the stand-in in it."""
    try:
        call()
    except pynetbox.RequestError as error:
        same(error.req.status_code, status)
        assert all(word in str(error) for word in words), f"{error} says nothing of {words}"
        return error
    raise AssertionError("nothing was refused")


def names(records):
    return [str(record) for record in records]


# ---- signing in


def both_versions_of_tokens_are_taken():
    """pynetbox sends tokens of either version behind the right word, and reads the status."""
    for key, keyword in (("SandboxJdoe1", "Bearer"), (None, "Token")):
        there = fresh(key)
        same((there.version, there.status()["netbox-version"]), ("4.6", "4.6.8"))
        same({one["keyword"] for one in received() if one["path"] == "/api/status/"}, {keyword})


def a_token_is_provisioned():
    """pynetbox has a token made with name and password, works with it, and deletes it."""
    order(reset=True)
    there = pynetbox.api(service)
    made = there.create_token("jdoe", "jdoe-p&ss%")
    same((len(made.key), made.write_enabled, there.dcim.sites.count()), (12, True, 3))
    assert made.delete()
    refused(lambda: there.dcim.sites.count(), 403, "Invalid v2 token")
    refused(lambda: pynetbox.api(service).create_token("jdoe", "wrong"), 403, "Invalid username/password")


def refusals_are_told():
    """pynetbox shows what the stand-in says about each token and each right."""
    order(reset=True)
    for key, words in (
        ("SandboxEnded", "Token expired"),
        ("SandboxIsOff", "Token disabled"),
        ("SandboxGhost", "User inactive"),
        ("SandboxPlace", "Source IP 127.0.0.1 is not permitted"),
        ("SandboxNobod", "You do not have permission"),
    ):
        refused(lambda: list(api(key).dcim.sites.all()), 403, words)
    refused(lambda: api("SandboxReads").dcim.sites.create(name="x", slug="x"), 403, "You do not have permission")
    same(api("SandboxJdoe1").dcim.devices.get(13), None)
    same(api("SandboxAdmin").dcim.devices.get(13).name, "ams1-lab1")


# ---- reading


def objects_are_listed_and_found():
    """pynetbox lists, gets, filters and counts."""
    there = fresh()
    same(names(there.dcim.sites.all()), ["Amsterdam DC1", "Amsterdam Office", "San Francisco"])
    device = there.dcim.devices.get(name="ams1-core1")
    same((device.id, device.site.slug, device.status.value, str(device.role)), (1, "ams1", "active", "Core switch"))
    device.site.full_details()
    same(device.site.facility, "AMS-DC1")
    same(device.primary_ip.address, "2001:db8:10::11/64")
    same(there.dcim.devices.count(), 12)
    same(there.dcim.devices.count(site="ams1", role=["server", "router"]), 2)
    same(names(there.dcim.devices.filter("core")), ["ams1-core1", "ams1-core2"])
    same(names(there.dcim.devices.filter(tag=["prod", "core"], name__ic="CORE1")), ["ams1-core1"])
    same(names(there.ipam.prefixes.filter(within="10.10.0.0/16", vrf_id=1)), ["10.10.10.0/24", "10.10.20.0/24", "10.10.30.0/30"])
    same(there.ipam.prefixes.filter(contains="nonsense").__len__(), 0)
    same(there.dcim.devices.get(name="nobody"), None)
    same([record.custom_fields["tier"] for record in there.dcim.sites.filter(cf_tier="a")], ["a"])


def pages_are_walked():
    """pynetbox walks pages one after the other and in threads, and sees every object once."""
    there = fresh()
    order(addresses=1200)
    expected = set(range(1, 21)) | set(range(1000, 2200))
    same({ip.id for ip in there.ipam.ip_addresses.all(limit=100)}, expected)
    threaded = api(threading=True)
    same(sorted(ip.id for ip in threaded.ipam.ip_addresses.all(limit=150)), sorted(expected))
    same(len(list(there.ipam.ip_addresses.filter(parent="10.99.1.0/24", limit=0))), 250)
    same(len(list(there.ipam.ip_addresses.all(limit=7, offset=3))), 7)


def what_is_wrong_is_told():
    """pynetbox shows the stand-in's complaints about filters and values."""
    there = fresh()
    refused(lambda: list(there.dcim.devices.filter(site="nowhere")), 400, "Select a valid choice. nowhere is not one of")
    refused(lambda: list(there.ipam.vlans.filter(vid="abc")), 400, "Enter a whole number.")
    refused(lambda: there.dcim.sites.create(name="x"), 400, "slug", "This field is required.")
    refused(lambda: there.dcim.sites.create(name="x", slug="ams1"), 400, "site with this slug already exists.")
    refused(lambda: there.circuits.providers.get(2).delete(), 409, "Unable to delete object. 1 dependent objects")
    order(faults=[{"path": "/sites/", "status": 502}])
    refused(lambda: list(there.dcim.sites.all()), 502)
    order(faults=[{"path": "/sites/", "status": 500}])
    refused(lambda: list(there.dcim.sites.all()), 500, "ProgrammingError")


def choices_and_the_schema_are_read():
    """pynetbox reads choices of fields, and the document about the API."""
    there = fresh()
    choices = there.dcim.devices.choices()
    same(choices["status"][0], {"value": "active", "display_name": "Active"})
    # It asks for the document as a stranger.
    order(open=True)
    assert "/api/dcim/devices/" in there.openapi()["paths"]
    same([name for name in ("dcim", "ipam", "plugins") if name not in http_root()], [])


def http_root():
    request = urllib.request.Request(f"{service}/api/", headers={"authorization": f"Token {V1}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


# ---- changing


def objects_are_made_changed_and_deleted():
    """pynetbox creates, updates and deletes one object and many."""
    there = fresh()
    site = there.dcim.sites.create(name="New", slug="new", status="planned", region={"slug": "na"}, tags=[{"slug": "lab"}])
    same((site.status.value, site.region.id, site.tags[0].slug), ("planned", 3, "lab"))
    site.status, site.facility = "active", "F1"
    assert site.save() and not site.save()
    same(there.dcim.sites.get(slug="new").facility, "F1")
    assert site.update({"description": "told"}) and site.delete()
    made = there.ipam.vlans.create([{"vid": 500 + n, "name": f"v{n}", "site": 1} for n in range(3)])
    same([vlan.vid for vlan in made], [500, 501, 502])
    for vlan in made:
        vlan.name = f"{vlan.name}-b"
    assert there.ipam.vlans.update(made)
    same(names(there.ipam.vlans.filter(vid__gte=500, site="ams1")), ["v0-b", "v1-b", "v2-b"])
    assert there.ipam.vlans.delete(made)
    same(there.ipam.vlans.count(vid__gte=500, site="ams1"), 0)
    log = list(there.core.object_changes.filter(changed_object_type="dcim.site", changed_object_id=site.id))
    same([entry.action.value for entry in log], ["delete", "update", "update", "create"])


def the_next_free_ones_are_taken():
    """pynetbox lists and takes free addresses, networks and VLANs, until there are none."""
    there = fresh()
    prefix = there.ipam.prefixes.get(3)
    same(str(prefix.available_ips.list()[0]), "10.10.10.2/24")
    same(str(prefix.available_ips.create({"dns_name": "a.example.com"})), "10.10.10.2/24")
    same(names(prefix.available_ips.create([{}, {}])), ["10.10.10.3/24", "10.10.10.4/24"])
    parent = there.ipam.prefixes.get(2)
    same(str(parent.available_prefixes.list()[0]), "10.10.0.0/21")
    same(str(parent.available_prefixes.create({"prefix_length": 28})), "10.10.0.0/28")
    group = there.ipam.vlan_groups.get(slug="lab")
    same(group.available_vlans.create({"name": "lab-3"}).vid, 902)
    full = there.ipam.prefixes.get(5)
    try:
        full.available_ips.create()
    except pynetbox.AllocationError as error:
        assert "could not be fulfilled" in str(error), error
    else:
        raise AssertionError("a full network gave an address")


def cables_and_racks_are_looked_at():
    """pynetbox traces a path through a panel and shows a rack unit by unit."""
    there = fresh()
    trace = there.dcim.interfaces.get(20).trace()
    flat = [[str(end) for end in hop] if isinstance(hop, list) else str(hop) for hop in trace]
    same(flat, [["eth0"], "eth0 <> Port 1", ["Port 1"], ["Rear 1"], "Rear 1 <> Gi1/0/1", ["Gi1/0/1"]])
    units = list(there.dcim.racks.get(1).elevation.list())
    same((len(units), str(units[0].device), units[1].device), (42, "ams1-pp1", None))


def older_releases_are_read():
    """pynetbox works with an older release, whose tokens are of version 1."""
    order(reset=True, release="3.7.8")
    there = api(None)
    same((there.version, there.dcim.devices.get(1).device_role.slug), ("3.7", "core-switch"))
    same(there.extras.object_changes.count(), 4)
    refused(lambda: list(api().dcim.sites.all()), 403, "Authentication credentials were not provided.")


# ---- keyward


def keyward_signs_in_beside_it():
    """keyward prints a token that pynetbox works with, and notices when pynetbox deletes it."""
    there = fresh("SandboxAdmin")
    user = there.users.users.get(username="jdoe")
    made = there.users.tokens.create(user=user.id, description="ring")
    token = f"nbt_{made.key}.{made.token}"
    own = {"KEYWARD_TOKEN_NB": token}
    same(keyward("token", "nb", env=own).must().out.strip(), token)
    same(pynetbox.api(service, token=keyward("token", "nb", env=own).must().out.strip()).dcim.sites.count(), 3)
    accepted = lambda: keyward("status", "nb", "--verify", "--json", env=own).json()["connections"][0]["verified"]["accepted"]
    same(accepted(), True)
    assert made.delete()
    same(accepted(), False)


if __name__ == "__main__":
    sys.exit(ring.run([
        both_versions_of_tokens_are_taken,
        a_token_is_provisioned,
        refusals_are_told,
        objects_are_listed_and_found,
        pages_are_walked,
        what_is_wrong_is_told,
        choices_and_the_schema_are_read,
        objects_are_made_changed_and_deleted,
        the_next_free_ones_are_taken,
        cables_and_racks_are_looked_at,
        older_releases_are_read,
        keyward_signs_in_beside_it,
    ]))
