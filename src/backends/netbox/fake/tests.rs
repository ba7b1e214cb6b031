//! What the stand-in answers, by the reference's own list of what a stand-in must do.

use http::header::{AUTHORIZATION, LOCATION};
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::schema::TYPES;
use super::*;
use crate::backends::fake::{Body, Guard};

struct Alice;

impl Guard for Alice {
    fn subject(&self, token: &str, _: &str) -> Option<String> {
        (token == "good").then(|| "alice".to_owned())
    }

    fn challenge(&self, resource: &str, _: bool) -> String {
        format!("Bearer resource_metadata=\"{resource}\"")
    }
}

struct Said {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Said {
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{} {}", self.status, self.text))
    }

    #[track_caller]
    fn ok(&self) -> Value {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.text);
        self.json()
    }

    fn detail(&self) -> (u16, String) {
        (self.status, self.json()["detail"].as_str().unwrap_or_default().to_owned())
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }
}

/// A request with this `Authorization`.
fn sent(server: &Server, what: &str, header: Option<&str>, body: &Value) -> Said {
    let (method, path) = what.split_once(' ').expect("a method and a path");
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let mut request = Received::new(body);
    *request.method_mut() = Method::from_bytes(method.as_bytes()).expect("a method");
    *request.uri_mut() = path.replace(' ', "%20").parse().expect("a path");
    if let Some(header) = header {
        let value = HeaderValue::from_bytes(header.as_bytes()).expect("a value");
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    let (head, body) = server.answer(&request, &Place { url: "http://h/netbox", guard: &Alice }).into_parts();
    let Body::Whole(body) = body else { panic!("a whole body") };
    Said { status: head.status.as_u16(), headers: head.headers, text: String::from_utf8(body).expect("text") }
}

fn bearer(key: &str) -> String {
    format!("Bearer nbt_{key}.{SECRET}")
}

fn by(server: &Server, key: &str, what: &str, body: &Value) -> Said {
    sent(server, what, Some(&bearer(key)), body)
}

fn ask(server: &Server, what: &str) -> Said {
    by(server, "SandboxJdoe1", what, &Value::Null)
}

#[track_caller]
fn order(server: &Server, order: Value) {
    server.order(&order).expect("an order");
}

/// The values of a member in the results of a list.
#[track_caller]
fn column(server: &Server, path: &str, member: &str) -> Vec<String> {
    let page = ask(server, &format!("GET {path}")).ok();
    let rows = page["results"].as_array().expect("results").clone();
    rows.iter().map(|row| row[member].as_str().map_or_else(|| row[member].to_string(), String::from)).collect()
}

#[test]
fn every_type_of_the_reference_has_a_list_and_every_row_can_be_read_whole() {
    let server = Server::default();
    for kind in TYPES.iter() {
        let page = by(&server, "SandboxAdmin", &format!("GET /api/{}/?limit=0", kind.path()), &Value::Null).ok();
        for row in page["results"].as_array().expect("results") {
            let (id, url) = (row["id"].as_u64().expect("an id"), row["url"].as_str().expect("an address"));
            assert_eq!(url, format!("http://h/netbox/api/{}/{id}/", kind.path()));
            assert!(row["display"].as_str().is_some_and(|text| !text.is_empty()), "{row}");
            for name in &kind.brief {
                assert!(row.get(*name).is_some(), "{} {name}: {row}", kind.name);
            }
            let brief =
                by(&server, "SandboxAdmin", &format!("GET /api/{}/{id}/?brief=1", kind.path()), &Value::Null).ok();
            assert_eq!(brief.as_object().expect("an object").len(), 3 + kind.brief.len(), "{}: {brief}", kind.name);
        }
    }
    assert!(TYPES.len() > 110, "{}", TYPES.len());
}

#[test]
fn the_world_is_as_large_as_it_must_be_and_agrees_with_itself() {
    let server = Server::default();
    let count =
        |path: &str| by(&server, "SandboxAdmin", &format!("GET /api/{path}/"), &Value::Null).ok()["count"].as_u64();
    for (path, least) in [
        ("dcim/regions", 2),
        ("dcim/sites", 3),
        ("dcim/racks", 4),
        ("dcim/devices", 12),
        ("dcim/interfaces", 40),
        ("dcim/cables", 5),
        ("ipam/vrfs", 2),
        ("ipam/prefixes", 8),
        ("ipam/ip-addresses", 10),
        ("ipam/vlans", 3),
        ("circuits/providers", 2),
        ("circuits/circuits", 3),
        ("virtualization/virtual-machines", 2),
        ("tenancy/tenants", 2),
        ("extras/tags", 2),
        ("extras/custom-fields", 1),
        ("core/object-changes", 3),
    ] {
        assert!(count(path) >= Some(least), "{path}: {:?}", count(path));
    }
    // No relation leads nowhere.
    let world = World::default();
    for kind in TYPES.iter() {
        for (id, row) in world.rows(kind.name) {
            for field in kind.fields.iter().filter(|field| matches!(field.kind, schema::Kind::One { .. })) {
                let to = world::id_of(row, field.name);
                assert!(to.is_none_or(|to| world.row(field.of, to).is_some()), "{} {id} {}", kind.name, field.name);
                assert!(!field.is_required() || to.is_some(), "{} {id} {}", kind.name, field.name);
            }
        }
    }
}

#[test]
fn pages_are_as_long_as_asked_and_lead_to_each_other() {
    let server = Server::default();
    order(&server, json!({ "addresses": 1500 }));
    let page = |query: &str| ask(&server, &format!("GET /api/ipam/ip-addresses/?{query}")).ok();
    let length = |page: &Value| page["results"].as_array().expect("results").len();
    for (query, expected) in
        [("", 50), ("limit=0", 1000), ("limit=5000", 1000), ("limit=-1", 50), ("limit=x", 50), ("limit=7", 7)]
    {
        assert_eq!(length(&page(query)), expected, "{query}");
    }
    let middle = page("limit=5&offset=5&status=active");
    assert_eq!(middle["next"], "http://h/netbox/api/ipam/ip-addresses/?limit=5&offset=10&status=active");
    assert_eq!(middle["previous"], "http://h/netbox/api/ipam/ip-addresses/?limit=5&status=active");
    let beyond = page("offset=9999");
    assert_eq!((length(&beyond), &beyond["count"], &beyond["next"]), (0, &json!(1520), &Value::Null));
    let cursor = page("start=3&limit=2");
    assert_eq!((&cursor["count"], &cursor["previous"]), (&Value::Null, &Value::Null));
    assert_eq!(cursor["next"], "http://h/netbox/api/ipam/ip-addresses/?limit=2&start=5");
    assert_eq!(page("start=999999")["next"], Value::Null);
    for (query, why) in [
        ("start=1&offset=2", "'start' and 'offset' are mutually exclusive."),
        ("start=1&ordering=id", "Ordering cannot be specified in conjunction with cursor-based pagination."),
    ] {
        let said = ask(&server, &format!("GET /api/ipam/ip-addresses/?{query}"));
        assert_eq!((said.status, said.json()), (400, json!([why])));
    }
    order(&server, json!({ "next_scheme": "https" }));
    assert!(page("limit=1")["next"].as_str().expect("next").starts_with("https://h/netbox/"));
    assert_eq!(column(&server, "/api/dcim/sites/?ordering=-name", "slug"), ["sfo1", "ams2", "ams1"]);
    assert_eq!(column(&server, "/api/dcim/sites/?ordering=nonsense", "slug"), ["ams1", "ams2", "sfo1"]);
}

#[test]
fn keys_are_chosen_and_nested_objects_are_brief() {
    let server = Server::default();
    let keys = |query: &str| -> Vec<String> {
        let device = ask(&server, &format!("GET /api/dcim/devices/1/{query}")).ok();
        device.as_object().expect("an object").keys().cloned().collect()
    };
    assert_eq!(keys("?fields=name,nonsense"), ["name"]);
    assert_eq!(keys("?fields=nonsense"), [""; 0]);
    assert_eq!(keys("?brief=false"), ["description", "display", "id", "name", "url"]);
    assert_eq!(keys("?fields=name&omit=name&brief=1"), ["name"]);
    assert!(!keys("?omit=config_context,name").contains(&"name".to_owned()));
    assert!(!keys("?exclude=config_context").contains(&"config_context".to_owned()));
    let device = ask(&server, "GET /api/dcim/devices/1/").ok();
    assert_eq!(device["status"], json!({ "value": "active", "label": "Active" }));
    assert_eq!(
        device["site"],
        json!({ "id": 1, "url": "http://h/netbox/api/dcim/sites/1/", "display": "Amsterdam DC1",
        "name": "Amsterdam DC1", "slug": "ams1", "description": "" })
    );
    assert_eq!(
        (&device["face"]["label"], &device["airflow"], &device["position"]),
        (&json!("Front"), &Value::Null, &json!(40))
    );
    assert_eq!(device["primary_ip"]["address"], "2001:db8:10::11/64");
    assert_eq!(
        (&device["custom_fields"], device["tags"][0]["slug"].as_str()),
        (&json!({ "asset_owner": "Network team" }), Some("prod"))
    );
    assert_eq!(device["config_context"], json!({ "dns": ["10.10.10.53"] }));
    assert!(device["role"].get("device_count").is_none(), "nested ones count nothing: {}", device["role"]);
    let interface = ask(&server, "GET /api/dcim/interfaces/1/").ok();
    assert_eq!((&interface["cable_end"], interface["link_peers"][0]["id"].as_u64()), (&json!("A"), Some(7)));
    assert_eq!((interface["type"]["label"].as_str(), &interface["_occupied"]), (Some("SFP+ (10GE)"), &json!(true)));
    let interface = ask(&server, "GET /api/dcim/interfaces/5/").ok();
    assert_eq!((&interface["mac_address"], &interface["count_ipaddresses"]), (&json!("00:1A:2B:00:00:01"), &json!(2)));
}

/// A list with its filters, the member that is looked at, and its values.
const FILTERED: &[(&str, &str, &str)] = &[
    ("dcim/sites/?name=San Francisco", "slug", "sfo1"),
    ("dcim/sites/?region=eu", "slug", "ams1 ams2"),
    ("dcim/sites/?region__n=eu", "slug", "sfo1"),
    ("dcim/sites/?status=active&status=planned&group=dc", "slug", "ams1"),
    ("dcim/sites/?slug__isw=ams&slug__iew=2", "slug", "ams2"),
    ("dcim/sites/?slug__nisw=ams", "slug", "sfo1"),
    ("dcim/sites/?name__ie=AMSTERDAM DC1", "slug", "ams1"),
    ("dcim/sites/?facility__empty=false", "slug", "ams1"),
    ("dcim/sites/?latitude__gt=50", "slug", "ams1"),
    ("dcim/sites/?cf_tier=a", "slug", "ams1"),
    ("dcim/sites/?asn=64512&nonsense=x", "slug", "ams1 ams2 sfo1"),
    ("dcim/devices/?site=ams2&role=router", "name", "ams2-rtr1"),
    ("dcim/devices/?role=switch&site=ams1", "name", "ams1-acc1 ams1-core1 ams1-core2"),
    ("dcim/devices/?rack_id=3", "name", "ams2-acc1 ams2-rtr1"),
    ("dcim/devices/?manufacturer=dell&status__n=planned", "name", "ams1-srv1 ams1-srv2"),
    ("dcim/devices/?model=fg-100f", "name", "ams1-fw1"),
    ("dcim/devices/?region=na&tenant__n=beta", "name", ""),
    ("dcim/devices/?rack_id=null", "name", "sfo1-srv1"),
    ("dcim/devices/?tag=prod&tag=core", "name", "ams1-core1 ams1-core2"),
    ("dcim/devices/?tag__any=core&tag__any=lab", "name", "ams1-core1 ams1-core2"),
    ("dcim/devices/?has_oob_ip=true", "name", "ams1-srv1"),
    ("dcim/devices/?mac_address=00:1a:2b:00:06:01", "name", "ams1-srv2"),
    ("dcim/devices/?q=FCW000", "name", "ams1-acc1 ams1-core1 ams1-core2 ams2-acc1"),
    ("dcim/devices/?q=10.10.20.11", "name", "ams1-core1"),
    ("dcim/devices/?cf_asset_owner__ic=network", "name", "ams1-core1"),
    ("dcim/devices/?id=1&id=2", "name", "ams1-core1 ams1-core2"),
    ("dcim/devices/?id__lte=2", "name", "ams1-core1 ams1-core2"),
    ("dcim/devices/?position__gte=40", "name", "ams1-core1 ams1-core2 ams1-pp1"),
    ("dcim/interfaces/?device=ams1-fw1", "name", "mgmt port1 port2"),
    ("dcim/interfaces/?device_id=1&kind=virtual", "name", "Po1"),
    ("dcim/interfaces/?device_id=1&cabled=false&enabled=true", "name", "Mgmt0 Po1"),
    ("dcim/interfaces/?lag_id=6", "name", "Te1/0/1"),
    ("dcim/interfaces/?device_id=3&vlan_id=3", "name", "Gi1/0/3 Te1/1/1"),
    ("dcim/interfaces/?mac_address=00:1A:2B:00:05:01", "id", "20"),
    ("dcim/cables/?device_id=5", "id", "4"),
    ("dcim/cables/?site_id=2&type=smf", "id", "8"),
    ("dcim/cables/?interface_id=28&termination_b_type=circuits.circuittermination", "id", "8"),
    ("ipam/prefixes/?within=10.10.0.0/16&vrf_id=1", "id", "3 4 5"),
    ("ipam/prefixes/?within_include=10.10.0.0/16&vrf=65000:1", "id", "2 3 4 5"),
    ("ipam/prefixes/?contains=10.10.10.21&vrf_id=1", "id", "1 2 3"),
    ("ipam/prefixes/?within=nonsense", "id", ""),
    ("ipam/prefixes/?family=6&mask_length__gte=64", "id", "11"),
    ("ipam/prefixes/?vrf_id=null&family=4", "id", "9"),
    ("ipam/prefixes/?site=ams2&role=users", "id", "7"),
    ("ipam/prefixes/?scope_type=dcim.site&scope_id=3", "id", "8"),
    ("ipam/prefixes/?vlan_vid=100", "id", "3 11"),
    ("ipam/prefixes/?is_pool=true", "id", "9"),
    ("ipam/prefixes/?q=10.20.10.7", "id", "1 6 7"),
    ("ipam/ip-addresses/?parent=10.20.10.0/24", "id", "11 12 13 14"),
    ("ipam/ip-addresses/?device=ams1-core1", "id", "2 20"),
    ("ipam/ip-addresses/?virtual_machine=web1", "id", "17"),
    ("ipam/ip-addresses/?assigned=false&vrf_id=1&status=dhcp", "id", "14"),
    ("ipam/ip-addresses/?interface_id=20", "id", "6"),
    ("ipam/ip-addresses/?nat_inside_id=6", "id", "15"),
    ("ipam/ip-addresses/?parent=10.0.0.0/33", "id", ""),
    ("ipam/vlans/?group=lab&vid__gt=900", "name", "lab-2"),
    ("ipam/vlans/?interface_id=11", "name", "servers"),
    ("ipam/vlans/?available_at_site=2&site__n=null", "name", "users"),
    ("ipam/vlans/?q=300", "name", "users"),
    ("circuits/circuits/?site=ams1", "cid", "NF-1002"),
    ("circuits/circuits/?provider=northern-fiber&region=na", "cid", "NF-1001"),
    ("circuits/circuits/?provider_network_id=1", "cid", "NF-1002"),
    ("circuits/circuits/?install_date__gte=2024-01-01", "cid", "NF-1001"),
    ("circuits/circuit-terminations/?circuit_id=1&term_side=Z", "id", "2"),
    ("virtualization/virtual-machines/?cluster=ams1-cluster&memory__gt=2000&has_primary_ip=true", "name", "db1 web1"),
    ("virtualization/virtual-machines/?mac_address=00:1A:2B:01:00:01", "name", "web1"),
    ("tenancy/contact-assignments/?object_type=dcim.site&object_id=1", "id", "1"),
    ("extras/journal-entries/?assigned_object_type=dcim.device&assigned_object_id=6&kind=danger", "id", "2"),
    ("core/object-changes/?changed_object_type=dcim.device&changed_object_id=6&action=update", "id", "903"),
    ("core/object-changes/?time_after=2026-05-01&time_before=2026-05-02T10:00:00Z&user=jdoe", "id", "903 902"),
    ("core/object-changes/?changed_object_type=no.such", "id", ""),
    ("core/object-changes/?request_id=11111111-0000-4000-8000-000000000001", "id", "901"),
    ("dcim/devices/?updated_by_request=11111111-0000-4000-8000-000000000003", "name", "ams1-srv2"),
    ("dcim/devices/?last_updated__gte=2027-01-01", "name", ""),
];

#[test]
fn filters_choose_as_the_reference_says() {
    let server = Server::default();
    for (path, member, expected) in FILTERED {
        assert_eq!(column(&server, &format!("/api/{path}"), member).join(" "), *expected, "{path}");
    }
}

#[test]
fn values_that_cannot_be_are_refused_by_their_name() {
    let server = Server::default();
    for (path, expected) in [
        (
            "dcim/devices/?site=foo",
            json!({ "site": ["Select a valid choice. foo is not one of the available choices."] }),
        ),
        (
            "dcim/devices/?site=Amsterdam DC1",
            json!({ "site": ["Select a valid choice. Amsterdam DC1 is not one of the available choices."] }),
        ),
        (
            "dcim/devices/?rack_id=99&status=odd",
            json!({
            "rack_id": ["Select a valid choice. 99 is not one of the available choices."],
            "status": ["Select a valid choice. odd is not one of the available choices."] }),
        ),
        ("ipam/vlans/?vid=abc", json!({ "vid": ["Enter a whole number."] })),
        (
            "dcim/devices/?tag=nope",
            json!({ "tag": ["Select a valid choice. nope is not one of the available choices."] }),
        ),
    ] {
        let said = ask(&server, &format!("GET /api/{path}"));
        assert_eq!((said.status, said.json()), (400, expected), "{path}");
    }
}

#[test]
fn every_failure_of_a_token_has_the_words_of_the_reference() {
    let server = Server::default();
    let v1 = TOKENS[0];
    for (header, expected) in [
        (None, "Authentication credentials were not provided."),
        (Some("Basic abc".to_owned()), "Authentication credentials were not provided."),
        (Some(format!("Token {}", v1.replace('0', "f"))), "Invalid v1 token"),
        (Some(format!("{}x", bearer("SandboxJdoe1"))), "Invalid v2 token"),
        (
            Some("Token".to_owned()),
            "Invalid authorization header: Must be in the form \"Bearer <key>.<token>\" or \"Token <token>\"",
        ),
        (
            Some("Token a b".to_owned()),
            "Invalid authorization header: Must be in the form \"Bearer <key>.<token>\" or \"Token <token>\"",
        ),
        (Some("Token ü".to_owned()), "Invalid authorization header: Token contains invalid characters"),
        (
            Some("Bearer nbt_abc".to_owned()),
            "Invalid authorization header: Could not parse key from v2 token. Did you mean to use 'Token' instead of 'Bearer'?",
        ),
        (Some(bearer("SandboxEnded")), "Token expired"),
        (Some(bearer("SandboxIsOff")), "Token disabled"),
        (Some(bearer("SandboxGhost")), "User inactive"),
        (Some(bearer("SandboxPlace")), "Source IP 127.0.0.1 is not permitted to authenticate using this token."),
    ] {
        let said = sent(&server, "GET /api/dcim/sites/", header.as_deref(), &Value::Null);
        assert_eq!(said.detail(), (403, expected.to_owned()), "{header:?}");
        assert_eq!((said.header("api-version"), said.headers.get("www-authenticate")), ("4.6", None));
    }
    for header in
        [format!("Token {v1}"), format!("bearer {v1}"), format!("token {}", TOKENS[1]), bearer("SandboxReads")]
    {
        assert_eq!(sent(&server, "GET /api/dcim/sites/", Some(&header), &Value::Null).status, 200, "{header}");
    }
    let not_allowed = (403, NOT_ALLOWED.to_owned());
    let site = json!({ "name": "x", "slug": "x" });
    for (key, what) in [
        ("SandboxNobod", "GET /api/dcim/sites/"),
        ("SandboxReads", "POST /api/dcim/sites/"),
        ("SandboxRay01", "POST /api/dcim/sites/"),
        ("SandboxReads", "POST /api/dcim/devices/5/render-config/"),
        ("SandboxJdoe1", "GET /api/plugins/installed-plugins/"),
    ] {
        assert_eq!(by(&server, key, what, &site).detail(), not_allowed, "{key} {what}");
    }
    assert_eq!(by(&server, "SandboxNobod", "GET /api/status/", &Value::Null).status, 200);
    order(&server, json!({ "open": true }));
    assert_eq!(sent(&server, "GET /api/dcim/sites/", None, &Value::Null).status, 200);
    assert_eq!(sent(&server, "POST /api/dcim/sites/", None, &site).status, 403);
}

#[test]
fn what_a_person_may_not_see_is_not_there() {
    let server = Server::default();
    let device = |key| by(&server, key, "GET /api/dcim/devices/13/", &Value::Null);
    assert_eq!(device("SandboxJdoe1").detail(), (404, "No Device matches the given query.".to_owned()));
    assert_eq!(device("SandboxAdmin").status, 200);
    assert!(!column(&server, "/api/dcim/devices/?limit=0", "name").contains(&"ams1-lab1".to_owned()));
    // Of tokens, everybody sees their own.
    let users = |key| by(&server, key, "GET /api/users/tokens/", &Value::Null).ok()["count"].as_u64();
    assert_eq!((users("SandboxAdmin"), users("SandboxJdoe1"), users("SandboxRay01")), (Some(10), Some(6), Some(1)));
    let tokens = by(&server, "SandboxJdoe1", "GET /api/users/tokens/?key=SandboxJdoe1", &Value::Null).ok();
    assert_eq!((&tokens["count"], &tokens["results"][0]["user"]["username"]), (&json!(1), &json!("jdoe")));
    assert!(!tokens.to_string().contains(SECRET), "{tokens}");
    assert_eq!(ask(&server, "GET /api/users/tokens/1/").status, 404);
}

#[test]
fn a_token_is_made_for_a_name_and_a_password_and_works_until_it_is_deleted() {
    let server = Server::default();
    let provision = |body: Value| sent(&server, "POST /api/users/tokens/provision/", None, &body);
    for (name, password) in [("jdoe", "wrong"), ("ghost", "ghost-p&ss%"), ("nobody-else", "x")] {
        let said = provision(json!({ "username": name, "password": password }));
        assert_eq!(said.detail(), (403, "Invalid username/password".to_owned()));
    }
    assert_eq!(provision(json!({ "username": "jdoe" })).json(), json!({ "password": ["This field is required."] }));
    let made = provision(
        json!({ "username": "jdoe", "password": "jdoe-p&ss%", "description": "here", "write_enabled": false }),
    );
    assert_eq!(made.status, 201);
    let made = made.json();
    let text = |name: &str| made[name].as_str().expect("a text").to_owned();
    assert_eq!((made["version"].as_u64(), text("key").len(), text("token").len()), (Some(2), 12, 40));
    assert_eq!(
        (&made["user"]["username"], &made["write_enabled"], text("description").as_str()),
        (&json!("jdoe"), &json!(false), "here")
    );
    let header = format!("Bearer nbt_{}.{}", text("key"), text("token"));
    let own = format!("/api/users/tokens/{}/", made["id"]);
    assert_eq!(sent(&server, &format!("GET {own}"), Some(&header), &Value::Null).status, 200);
    assert_eq!(sent(&server, &format!("DELETE {own}"), Some(&header), &Value::Null).status, 403, "it may only read");
    assert_eq!(by(&server, "SandboxJdoe1", &format!("DELETE {own}"), &Value::Null).status, 204);
    assert_eq!(sent(&server, "GET /api/status/", Some(&header), &Value::Null).detail().1, "Invalid v2 token");
    let received = server.received().to_string();
    assert!(!received.contains("p&ss") && !received.contains(&text("token")), "{received}");
    order(&server, json!({ "release": "4.4.0" }));
    let made = provision(json!({ "username": "jdoe", "password": "jdoe-p&ss%" })).json();
    assert_eq!((made["key"].as_str().map(str::len), made.get("token")), (Some(40), None));
    let header = format!("Token {}", made["key"].as_str().expect("a key"));
    assert_eq!(sent(&server, "GET /api/status/", Some(&header), &Value::Null).status, 200);
}

#[test]
fn objects_are_made_changed_and_deleted_and_each_change_is_on_record() {
    let server = Server::default();
    let call = |what: &str, body: Value| by(&server, "SandboxJdoe1", what, &body);
    let made = call(
        "POST /api/dcim/sites/",
        json!({ "name": "New", "slug": "new", "region": { "slug": "na" }, "tags": [{ "slug": "lab" }],
        "custom_fields": { "tier": "b" }, "changelog_message": "because" }),
    );
    assert_eq!(made.status, 201, "{}", made.text);
    let site = made.json();
    let path = format!("/api/dcim/sites/{}/", site["id"]);
    assert_eq!(
        (&site["status"]["value"], &site["region"]["id"], &site["custom_fields"]["tier"]),
        (&json!("active"), &json!(3), &json!("b"))
    );
    let changed = call(
        &format!("PATCH {path}"),
        json!({ "status": "planned", "add_tags": [1], "remove_tags": [{ "name": "lab" }] }),
    )
    .ok();
    assert_eq!(
        (
            &changed["status"]["value"],
            &changed["name"],
            &changed["tags"][0]["slug"],
            changed["tags"].as_array().map(Vec::len)
        ),
        (&json!("planned"), &json!("New"), &json!("prod"), Some(1))
    );
    assert_eq!(
        call(&format!("PUT {path}"), json!({ "status": "active" })).json(),
        json!({
        "name": ["This field is required."], "slug": ["This field is required."] })
    );
    assert_eq!(call(&format!("DELETE {path}"), Value::Null).status, 204);
    assert_eq!(ask(&server, &format!("GET {path}")).status, 404);
    let log = ask(
        &server,
        &format!("GET /api/core/object-changes/?changed_object_type=dcim.site&changed_object_id={}", site["id"]),
    )
    .ok();
    let actions: Vec<&str> =
        log["results"].as_array().expect("rows").iter().filter_map(|row| row["action"]["value"].as_str()).collect();
    assert_eq!(actions, ["delete", "update", "create"]);
    let first = &log["results"][2];
    assert_eq!(
        (&first["message"], &first["prechange_data"], &first["postchange_data"]["slug"]),
        (&json!("because"), &Value::Null, &json!("new"))
    );
    assert_eq!(
        (&first["user_name"], first["request_id"].as_str()),
        (&json!("jdoe"), Some(made.header("x-request-id")))
    );
}

#[test]
fn what_cannot_be_written_is_complained_of_by_name() {
    let server = Server::default();
    for (path, body, expected) in [
        (
            "dcim/sites/",
            json!({ "name": "A", "slug": "ams1" }),
            json!({ "slug": ["site with this slug already exists."] }),
        ),
        (
            "dcim/sites/",
            json!({ "name": "", "slug": "a", "status": "odd", "region": 99, "latitude": "x" }),
            json!({
            "name": ["This field may not be blank."], "status": ["odd is not a valid choice."],
            "region": ["Related object not found using the provided numeric ID: 99"], "latitude": ["A valid number is required."] }),
        ),
        (
            "dcim/devices/",
            json!({ "name": "a", "device_type": { "manufacturer": 1 }, "role": { "slug": "no" }, "site": 1 }),
            json!({
            "device_type": ["Multiple objects match the provided attributes: {'manufacturer': 1}"],
            "role": ["Related object not found using the provided attributes: {'slug': 'no'}"] }),
        ),
        (
            "ipam/prefixes/",
            json!({ "prefix": "10.0.0.1/8" }),
            json!({ "prefix": ["10.0.0.1/8 is not a valid prefix. Did you mean 10.0.0.0/8?"] }),
        ),
        (
            "ipam/prefixes/",
            json!({ "prefix": "10.77.0.0/24", "scope_type": "dcim.site", "scope_id": 77 }),
            json!({ "scope_id": ["Related object not found."] }),
        ),
        (
            "ipam/ip-addresses/",
            json!({ "address": "10.10.10.21/24", "vrf": 1 }),
            json!({ "address": ["Duplicate IP address found in VRF corp: 10.10.10.21/24"] }),
        ),
        (
            "dcim/sites/",
            json!({ "name": "A", "slug": "a", "custom_fields": { "tier": "z" } }),
            json!({
            "custom_fields": ["Invalid value for custom field 'tier': Invalid choice (z) for choice set Tiers."] }),
        ),
        (
            "dcim/sites/",
            json!([{ "name": "A", "slug": "a" }, { "name": "B" }]),
            json!([{}, { "slug": ["This field is required."] }]),
        ),
    ] {
        let said = by(&server, "SandboxJdoe1", &format!("POST /api/{path}"), &body);
        assert_eq!((said.status, said.json()), (400, expected), "{path} {body}");
    }
    assert_eq!(column(&server, "/api/dcim/sites/", "slug").len(), 3, "a list is written whole or not at all");
    let mut broken = Received::new(b"{".to_vec());
    *broken.method_mut() = Method::POST;
    *broken.uri_mut() = "/api/dcim/sites/".parse().expect("a path");
    broken.headers_mut().insert(AUTHORIZATION, bearer("SandboxJdoe1").parse().expect("a value"));
    assert_eq!(server.answer(&broken, &Place { url: "http://h", guard: &Alice }).status(), 400);
    let said = by(&server, "SandboxJdoe1", "POST /api/core/object-changes/", &json!({}));
    assert_eq!(said.detail(), (405, "Method \"POST\" not allowed.".to_owned()));
}

#[test]
fn many_are_changed_and_deleted_in_one_request_or_none_is() {
    let server = Server::default();
    let call = |what: &str, body: Value| by(&server, "SandboxJdoe1", what, &body);
    let all = call("PATCH /api/dcim/devices/", json!([{ "id": 1, "serial": "A" }, { "id": 2, "serial": "B" }])).ok();
    assert_eq!((&all[0]["serial"], &all[1]["serial"]), (&json!("A"), &json!("B")));
    assert_eq!(
        call("PATCH /api/dcim/devices/", json!([{ "id": 1, "serial": "C" }, { "id": 2, "status": "odd" }])).status,
        400
    );
    assert_eq!(ask(&server, "GET /api/dcim/devices/1/").ok()["serial"], "A");
    assert_eq!(call("DELETE /api/extras/tags/", json!([{ "id": 1 }, { "id": 99 }])).status, 404);
    assert_eq!(call("DELETE /api/extras/tags/", json!([{ "id": 1 }, { "id": 2 }])).status, 204);
    assert_eq!(column(&server, "/api/extras/tags/", "slug"), ["core"]);
    assert_eq!(ask(&server, "GET /api/dcim/devices/1/").ok()["tags"].as_array().map(Vec::len), Some(1));
}

#[test]
fn what_others_need_is_not_deleted_and_what_belongs_to_it_goes_with_it() {
    let server = Server::default();
    let delete = |path: &str| by(&server, "SandboxAdmin", &format!("DELETE /api/{path}/"), &Value::Null);
    let (status, why) = delete("circuits/providers/2").detail();
    assert_eq!((status, why.as_str()), (409, "Unable to delete object. 1 dependent objects were found: BC-77 (3)"));
    let (status, why) = delete("dcim/sites/1").detail();
    assert!(status == 409 && why.contains("ams1-core1 (1)"), "{why}");
    assert_eq!(delete("dcim/devices/5").status, 204);
    let left =
        |path: &str| by(&server, "SandboxAdmin", &format!("GET /api/{path}"), &Value::Null).ok()["count"].as_u64();
    assert_eq!(
        (left("dcim/interfaces/?id=20"), left("dcim/cables/?id=4"), left("ipam/ip-addresses/?id=6")),
        (Some(0), Some(0), Some(0))
    );
    assert_eq!(left("ipam/ip-addresses/?id=15"), Some(1), "its public address stays, translated to nothing");
    assert_eq!(ask(&server, "GET /api/ipam/ip-addresses/15/").ok()["nat_inside"], Value::Null);
}

#[test]
fn a_change_of_what_has_changed_is_refused() {
    let server = Server::default();
    let read = ask(&server, "GET /api/dcim/devices/1/");
    let etag = read.header("etag").to_owned();
    assert!(etag.starts_with("W/\"2026-"), "{etag}");
    let patch = |etag: &str| {
        let mut request = Received::new(json!({ "serial": "N" }).to_string().into_bytes());
        *request.method_mut() = Method::PATCH;
        *request.uri_mut() = "/api/dcim/devices/1/".parse().expect("a path");
        request.headers_mut().insert(AUTHORIZATION, bearer("SandboxJdoe1").parse().expect("a value"));
        request.headers_mut().insert("if-match", etag.parse().expect("a value"));
        let reply = server.answer(&request, &Place { url: "http://h", guard: &Alice });
        (reply.status().as_u16(), reply.headers()["etag"].to_str().expect("text").to_owned())
    };
    let (status, newer) = patch(&etag);
    assert!(status == 200 && newer != etag);
    assert_eq!(patch(&etag), (412, newer.clone()), "with the version that is there");
    assert_eq!(patch(&newer).0, 200);
    assert!(ask(&server, "GET /api/dcim/devices/").headers.get("etag").is_none());
}

#[test]
fn the_next_free_ones_are_listed_and_taken() {
    let server = Server::default();
    let call = |what: &str, body: Value| by(&server, "SandboxJdoe1", what, &body);
    let first = |path: &str| ask(&server, &format!("GET /api/{path}")).ok()[0].clone();
    let ip = first("ipam/prefixes/3/available-ips/");
    assert_eq!(
        (&ip["address"], &ip["family"], &ip["vrf"]["name"]),
        (&json!("10.10.10.2/24"), &json!(4), &json!("corp"))
    );
    let made = call("POST /api/ipam/prefixes/3/available-ips/", json!({ "dns_name": "new.example.com" }));
    assert_eq!(
        (made.status, made.json()["address"].as_str(), made.json()["dns_name"].as_str()),
        (201, Some("10.10.10.2/24"), Some("new.example.com"))
    );
    let two = call("POST /api/ipam/prefixes/3/available-ips/", json!([{}, {}]));
    assert_eq!(
        (&two.json()[0]["address"], &two.json()[1]["address"]),
        (&json!("10.10.10.3/24"), &json!("10.10.10.4/24"))
    );
    assert_eq!(first("ipam/ip-ranges/1/available-ips/")["address"], "10.10.10.100/24");
    let full = (409, "Insufficient resources are available to satisfy the request".to_owned());
    assert_eq!(call("POST /api/ipam/prefixes/5/available-ips/", json!({})).detail(), full);
    let before = ask(&server, "GET /api/ipam/ip-addresses/").ok()["count"].clone();
    assert_eq!(
        call("POST /api/ipam/ip-ranges/1/available-ips/", json!([{}, {}, {}, {}, {}])).detail(),
        full,
        "all of them or none"
    );
    assert_eq!(ask(&server, "GET /api/ipam/ip-addresses/").ok()["count"], before);
    assert_eq!(first("ipam/prefixes/2/available-prefixes/")["prefix"], "10.10.0.0/21");
    let made = call("POST /api/ipam/prefixes/2/available-prefixes/", json!({ "prefix_length": 28 }));
    assert_eq!((made.status, made.json()["prefix"].as_str()), (201, Some("10.10.0.0/28")));
    assert_eq!(call("POST /api/ipam/prefixes/2/available-prefixes/", json!({ "prefix_length": 8 })).detail(), full);
    assert_eq!(first("ipam/vlan-groups/2/available-vlans/")["vid"], 902);
    let made = call("POST /api/ipam/vlan-groups/2/available-vlans/", json!({ "name": "lab-3" }));
    assert_eq!((made.status, &made.json()["vid"], &made.json()["group"]["slug"]), (201, &json!(902), &json!("lab")));
    assert_eq!(call("POST /api/ipam/vlan-groups/2/available-vlans/", json!({ "name": "lab-4" })).detail(), full);
    assert_eq!(first("ipam/asn-ranges/1/available-asns/")["asn"], 64514);
    assert_eq!(first("ipam/prefixes/11/available-ips/")["address"], "2001:db8:10::1/64");
}

#[test]
fn a_path_is_followed_through_a_panel_to_its_end() {
    let server = Server::default();
    let trace = ask(&server, "GET /api/dcim/interfaces/20/trace/").ok();
    let ids = |hop: usize, side: usize| trace[hop][side][0]["id"].as_u64();
    assert_eq!((ids(0, 0), trace[0][1]["id"].as_u64(), ids(0, 2)), (Some(20), Some(4), Some(1)));
    assert_eq!((ids(1, 0), trace[1][1]["id"].as_u64(), ids(1, 2)), (Some(1), Some(5), Some(11)));
    assert_eq!(ask(&server, "GET /api/dcim/interfaces/21/trace/").ok(), json!([]));
    assert_eq!(ask(&server, "GET /api/dcim/interfaces/20/").ok()["connected_endpoints"][0]["id"], 11);
    let peer = ask(&server, "GET /api/dcim/connected-device/?peer_device=ams1-acc1&peer_interface=Gi1/0/1").ok();
    assert_eq!(peer["name"], "ams1-srv1");
    assert_eq!(ask(&server, "GET /api/dcim/connected-device/?peer_device=ams1-acc1").status, 400);
    assert_eq!(
        ask(&server, "GET /api/dcim/connected-device/?peer_device=ams1-acc1&peer_interface=Vlan200").status,
        404
    );
    let paths = ask(&server, "GET /api/dcim/front-ports/1/paths/").ok();
    assert_eq!((paths.as_array().map(Vec::len), &paths[0]["is_complete"]), (Some(1), &json!(true)));
    assert_eq!(
        ask(&server, "GET /api/dcim/racks/1/elevation/?limit=2").ok()["results"][0]["device"]["name"],
        "ams1-pp1"
    );
    let units = ask(&server, "GET /api/dcim/racks/1/elevation/?limit=0&face=rear").ok();
    let used: Vec<&str> =
        units["results"].as_array().expect("units").iter().filter_map(|unit| unit["device"]["name"].as_str()).collect();
    assert_eq!((units["count"].as_u64(), used), (Some(42), vec!["ams1-core1", "ams1-acc1", "ams1-srv1"]));
    let hidden = ask(&server, "GET /api/dcim/racks/2/elevation/?limit=0").ok();
    let unit = &hidden["results"][37];
    assert_eq!((&unit["name"], &unit["device"], &unit["occupied"]), (&json!("U5"), &Value::Null, &json!(true)));
}

#[test]
fn configurations_are_rendered_where_there_is_a_template() {
    let server = Server::default();
    let post = |path: &str| by(&server, "SandboxJdoe1", &format!("POST /api/{path}"), &json!({}));
    assert_eq!(post("dcim/devices/5/render-config/").ok()["content"], "hostname ams1-srv1");
    let none = post("dcim/devices/1/render-config/");
    assert_eq!((none.status, none.json()), (400, json!({ "error": "No config template found for this device." })));
}

#[test]
fn an_older_release_is_older_in_every_way() {
    let server = Server::default();
    let at = |release: &str| order(&server, json!({ "release": release }));
    let token = format!("Token {}", TOKENS[0]);
    let get = |path: &str| sent(&server, &format!("GET /api/{path}"), Some(&token), &Value::Null);
    for (release, there, gone) in [
        (
            "4.6.8",
            "core/object-changes/ core/object-types/ authentication-check/ dcim/mac-addresses/ dcim/cable-bundles/",
            "extras/object-changes/ extras/object-types/ extras/content-types/",
        ),
        (
            "4.4.2",
            "core/object-changes/ core/object-types/ dcim/mac-addresses/",
            "authentication-check/ dcim/cable-bundles/",
        ),
        (
            "4.0.11",
            "extras/object-changes/ extras/object-types/",
            "core/object-changes/ core/object-types/ authentication-check/ dcim/mac-addresses/",
        ),
        ("3.7.8", "extras/object-changes/ extras/content-types/", "core/object-changes/ extras/object-types/"),
    ] {
        at(release);
        there.split(' ').for_each(|path| assert_eq!(get(path).status, 200, "{release} {path}"));
        gone.split(' ')
            .for_each(|path| assert_eq!(get(path).detail(), (404, "Not found.".to_owned()), "{release} {path}"));
        assert_eq!(get("status/").ok()["netbox-version"], release);
        assert_eq!(get("status/").header("api-version"), release.rsplit_once('.').expect("a patch").0);
    }
    let device = get("dcim/devices/1/?fields=role,device_role,display_url,owner,omit").ok();
    assert_eq!(device["device_role"]["slug"], "core-switch");
    assert_eq!(device.as_object().expect("an object").len(), 1, "{device}");
    assert_eq!(get("ipam/prefixes/3/").ok()["site"]["slug"], "ams1");
    assert_eq!(get("ipam/vlan-groups/2/").ok()["min_vid"], 900);
    assert_eq!(get("ipam/services/1/").ok()["device"]["id"], 5);
    assert!(get("dcim/devices/1/").headers.get("etag").is_none());
    assert_eq!(get("dcim/devices/?start=5").ok()["count"], 12, "it knows no `start`");
    assert_eq!(
        sent(&server, "GET /api/status/", Some(&bearer("SandboxJdoe1")), &Value::Null).detail().1,
        "Authentication credentials were not provided."
    );
    assert_eq!(sent(&server, "GET /api/status/", Some("Token 1"), &Value::Null).detail().1, "Invalid token");
}

#[test]
fn the_api_says_what_it_has() {
    let server = Server::default();
    assert_eq!(ask(&server, "GET /api/").ok()["dcim"], "http://h/netbox/api/dcim/");
    assert_eq!(ask(&server, "GET /api/dcim/").ok()["virtual-chassis"], "http://h/netbox/api/dcim/virtual-chassis/");
    assert_eq!(ask(&server, "GET /api/nonsense/").status, 404);
    let who = ask(&server, "GET /api/authentication-check/").ok();
    assert_eq!(
        (&who["username"], &who["display"], who.get("is_superuser")),
        (&json!("jdoe"), &json!("jdoe (Jane Doe)"), None)
    );
    let types = ask(&server, "GET /api/core/object-types/?app_label=dcim&model=device").ok();
    assert_eq!((&types["count"], &types["results"][0]["rest_api_endpoint"]), (&json!(1), &json!("/api/dcim/devices/")));
    order(&server, json!({ "plugins": true }));
    assert_eq!(ask(&server, "GET /api/core/object-types/?app_label=netbox_inventory").ok()["count"], 2);
    assert_eq!(ask(&server, "GET /api/plugins/inventory/assets/").ok()["count"], 1);
    let options = ask(&server, "OPTIONS /api/dcim/devices/").ok();
    let choices = &options["actions"]["POST"]["status"]["choices"];
    assert_eq!(choices[0], json!({ "value": "active", "display_name": "Active" }));
    assert!(by(&server, "SandboxReads", "OPTIONS /api/dcim/devices/", &Value::Null).ok().get("actions").is_none());
    let schema = ask(&server, "GET /api/schema/?format=json").ok();
    let names = schema["paths"]["/api/dcim/devices/"]["get"]["parameters"].as_array().expect("parameters").clone();
    for name in ["name__ic", "site", "site_id", "region__n", "tag__any", "rack_id", "mac_address", "start", "omit"] {
        assert!(names.iter().any(|one| one["name"] == name), "{name}");
    }
    assert_eq!(
        schema["components"]["schemas"]["WritableDeviceRequest"]["required"],
        json!(["device_type", "role", "site"])
    );
    assert_eq!(schema["paths"]["/api/core/object-changes/"].get("post"), None);
    order(&server, json!({ "no_schema": true }));
    assert_eq!(ask(&server, "GET /api/schema/").status, 404);
    assert_eq!(
        ask(&server, "GET /api/extras/custom-field-choice-sets/1/choices/").ok()["results"][1],
        json!({ "id": "b", "display": "Tier B" })
    );
}

#[test]
fn a_missing_slash_leads_elsewhere_and_loses_a_write() {
    let server = Server::default();
    let said = ask(&server, "GET /api/dcim/sites?limit=1");
    assert_eq!(
        (said.status, said.headers[LOCATION].to_str().ok()),
        (301, Some("http://h/netbox/api/dcim/sites/?limit=1"))
    );
    assert_eq!(by(&server, "SandboxJdoe1", "POST /api/dcim/sites", &json!({})).status, 404);
    let page = sent(&server, "GET /dcim/sites/", None, &Value::Null);
    assert!(page.status == 404 && page.text.starts_with("<html>"));
}

#[test]
fn trouble_comes_when_it_is_ordered() {
    let server = Server::default();
    order(
        &server,
        json!({ "faults": [
        { "path": "/sites/", "status": 502 }, { "path": "/sites/", "status": 500 },
        { "method": "POST", "status": 504, "late": true }, { "path": "/racks/", "status": 403, "body": "<html>", "times": 0 },
        { "path": "/vlans/", "wait": 1 } ] }),
    );
    let sites = "GET /api/dcim/sites/";
    assert!(ask(&server, sites).text.starts_with("<html>"));
    let said = ask(&server, sites);
    assert_eq!((said.status, said.json()["exception"].as_str()), (500, Some("ProgrammingError")));
    assert_eq!(ask(&server, sites).status, 200);
    assert_eq!(
        by(&server, "SandboxJdoe1", "POST /api/dcim/sites/", &json!({ "name": "L", "slug": "late" })).status,
        504
    );
    assert!(column(&server, "/api/dcim/sites/", "slug").contains(&"late".to_owned()), "it was done all the same");
    assert_eq!((ask(&server, "GET /api/dcim/racks/").status, ask(&server, "GET /api/dcim/racks/").status), (403, 403));
    assert_eq!(ask(&server, "GET /api/ipam/vlans/").status, 200);
    order(&server, json!({ "maintenance": true }));
    assert_eq!(by(&server, "SandboxJdoe1", "POST /api/dcim/sites/", &json!({})).json()["error"], "maintenance mode");
    order(&server, json!({ "set": { "users.token": { "2": { "enabled": false } } } }));
    assert_eq!(ask(&server, sites).detail().1, "Token disabled");
    assert!(server.order(&json!({ "set": { "dcim.site": { "77": {} } } })).is_err());
    assert!(server.order(&json!({ "nonsense": true })).is_err());
    order(&server, json!({ "reset": true }));
    assert_eq!(column(&server, "/api/dcim/sites/", "slug").len(), 3);
}

#[test]
fn a_proxy_in_front_takes_tokens_of_the_sandbox_and_turns_others_away_in_its_way() {
    let server = Server::default();
    for (how, status) in [("401", 401), ("302", 302), ("page", 200), ("403", 403)] {
        order(&server, json!({ "proxy": how }));
        let said = ask(&server, "GET /api/status/");
        assert_eq!(said.status, status);
        assert_eq!(said.headers.contains_key("www-authenticate"), how == "401");
        assert!(said.headers.get("api-version").is_none());
        let said = sent(&server, "GET /api/authentication-check/", Some("Bearer good"), &Value::Null).ok();
        assert_eq!(said["username"], "jdoe");
    }
}
