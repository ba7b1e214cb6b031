//! What is checked before anything is sent: filters, fields, orders, names and bad input.

use super::*;

const TAKEN: &[&str] = &["name", "name__ic", "status", "custom", "q", "site_id", "tag", "tag__any"];

/// A NetBox with its schema, two sites of nearly one name, and devices.
fn stage() -> Stage {
    scripted("4.6", |line, _| {
        Some(match line {
            "GET schema/?format=json" => schema("dcim/devices", TAKEN),
            line if line.starts_with("GET dcim/sites/?slug__ie=") => list(json!([])),
            line if line.starts_with("GET dcim/sites/?name__ie=hq") => list(json!([
                {"id": 3, "display": "HQ", "name": "HQ", "slug": "a"},
                {"id": 7, "display": "hq", "name": "hq", "slug": "b"},
            ])),
            line if line.starts_with("GET dcim/sites/?name__ie=twin") => list(json!([
                {"id": 4, "display": "Twin", "name": "Twin", "slug": "c"},
                {"id": 5, "display": "TWIN", "name": "TWIN", "slug": "d"},
            ])),
            line if line.starts_with("GET dcim/sites/?name__ie=") => list(json!([
                // A release that does not know the filter answers with everything.
                {"id": 3, "display": "HQ", "name": "HQ", "slug": "a"},
            ])),
            line if line.starts_with("GET dcim/sites/?q=") => list(json!([{"id": 3, "display": "HQ"}])),
            line if line.starts_with("GET extras/tags/") => {
                list(json!([{"id": 1, "display": "Core", "name": "Core", "slug": "core"}]))
            }
            line if line.starts_with("GET extras/custom-fields/") => {
                let of = |name: &str, types: &str, kind: &str, logic: &str| {
                    let value = |value: &str| json!({ "value": value, "label": value });
                    json!({"name": name, "object_types": [types], "type": value(kind), "filter_logic": value(logic)})
                };
                list(json!([
                    {"name": "my__field"},
                    of("rate", "dcim.device", "integer", "loose"),
                    of("tier", "dcim.site", "select", "loose"),
                    of("owner", "dcim.device", "text", "exact"),
                    of("hidden", "dcim.device", "text", "disabled"),
                ]))
            }
            line if line.starts_with("GET dcim/devices/") => list(json!([{"id": 1, "name": "sw1", "status": null}])),
            _ => return None,
        })
    })
}

fn devices(filters: Value) -> Value {
    json!({"type": "device", "filters": filters, "fields": ["name"]})
}

#[tokio::test]
async fn a_filter_that_the_instance_does_not_take_is_refused_and_never_sent() {
    let stage = stage();
    for (filters, said) in [
        (json!({"nmae": "sw1"}), "dcim.device has no filter `nmae`; did you mean `name`?"),
        (json!({"name__gte": "a"}), "`name` of dcim.device does not take the suffix `gte`; it takes ic"),
        (json!({"device_role": "x"}), "dcim.device has no filter `device_role`: it is `role` since release 4.0"),
        (json!({"interface__name": "x"}), "filters do not reach through relations: there is `name`"),
        (json!({"id__in": [1]}), "there is no `id__in`: give `id` a list of values"),
        (json!({"limit": 5}), "`limit` is no filter; there is `limit` for it"),
        (json!({"name=x&q": "y"}), "`name=x&q` cannot be the name of a filter"),
        (json!({"name": {"a": 1}}), "the filter `name` takes texts, numbers, true, false, null, or a list of them"),
        (json!({"name": []}), "the filter `name` has an empty list"),
        (json!({"cf_rat": 1}), "there is no custom field `rat`; did you mean `rate`?"),
        (json!({"cf_tier": "a"}), "`cf_tier` is none of dcim.device; it belongs to dcim.site"),
        (json!({"cf_hidden": "a"}), "`cf_hidden` is no filter: that is switched off in NetBox"),
        (json!({"cf_rate__ic": 1}), "`cf_rate__ic` does not take the suffix `ic`; it takes n, lt"),
        (json!({"cf_owner__gte": 1}), "`cf_owner__gte` does not take the suffix `gte`; it takes n, ic"),
        (json!({"name": ""}), "the filter `name` is empty, and NetBox would find everything"),
    ] {
        let error = stage.error("objects", devices(filters.clone())).await;
        assert!(error.contains(said), "{filters}: {error}");
    }
    let both = json!({"type": "dcim.device", "id": 1, "filters": {"site": "HQ"}});
    let error = stage.error("object", both).await;
    assert!(error.contains("an `id` needs none"), "{error}");
    let lists: Vec<String> = stage.lines().into_iter().filter(|line| line.starts_with("GET dcim/devices/")).collect();
    assert_eq!(lists, [""; 0]);
    // Of the instance's own schema one copy is enough.
    assert_eq!(stage.lines().iter().filter(|line| line.starts_with("GET schema/")).count(), 1);
}

#[tokio::test]
async fn valid_forms_of_filters_are_sent_as_they_are() {
    let stage = stage();
    let filters = json!({
        "custom": [1, 2], "name__ic": "sw", "cf_my__field": "a", "cf_rate__gte": 3, "tag__any": ["Core", "core"],
        "status": null, "q": true,
    });
    let found = stage.good("objects", devices(filters)).await;
    assert_eq!(found["count"], 1);
    assert!(found.get("notes").is_none(), "{found}");
    let line = stage.lines().pop().expect("a request");
    assert_eq!(
        line,
        "GET dcim/devices/?cf_my__field=a&cf_rate__gte=3&custom=1&custom=2&name__ic=sw&q=true&status=null&tag__any=core\
         &tag__any=core&limit=25&start=0&fields=id,name"
    );
}

#[tokio::test]
async fn what_is_known_for_certain_needs_no_schema() {
    let stage = stage();
    stage.good("objects", devices(json!({"name__ic": "sw", "site_id": 3, "status": "active"}))).await;
    assert_eq!(
        stage.lines(),
        ["GET dcim/devices/?name__ic=sw&site_id=3&status=active&limit=25&start=0&fields=id,name"]
    );
}

/// A NetBox without a schema, of ten devices, that filters by what is named and ignores everything else, as it does.
fn schemaless(heeded: &'static [&'static str]) -> Stage {
    scripted("4.6", move |line, _| {
        let (path, query) = line.split_once('?').unwrap_or((line, ""));
        let row = json!({"id": 1, "name": "sw1", "odd_field": "here", "flag": true});
        let asked = |name: &&&str| query.split('&').find_map(|pair| pair.strip_prefix(**name)?.strip_prefix('='));
        match path {
            "GET dcim/devices/" => {}
            "GET extras/custom-fields/" => {
                return Some(said(403, json!({"detail": "You do not have permission to perform this action."})));
            }
            _ => return None,
        }
        let mut count = 10;
        for name in heeded {
            count = match (asked(&name), *name) {
                (None, _) => count,
                (Some("here"), "odd_field__n") => 4,
                (Some(_), "odd_field__n") => count,
                (Some("7"), _) => 3,
                (Some("true"), "flag") => 10,
                (Some("false"), "flag") => 0,
                (Some(_), "flag") => count,
                (Some(_), "number") => return Some(said(400, json!({"number": ["Enter a whole number."]}))),
                (Some(_), _) => 0,
            };
        }
        Some(good(json!({"count": count, "next": null, "results": [row]})))
    })
}

#[tokio::test]
async fn without_a_schema_a_filter_is_believed_only_if_netbox_heeds_it() {
    let stage = schemaless(&["odd_field", "odd_field__n", "flag", "number", "cf_x"]);
    for name in ["odd_field", "odd_field__n", "flag", "number", "cf_x"] {
        let value = if name == "odd_field__n" { json!("here") } else { json!(7) };
        let found = stage.good("objects", devices(json!({ name: value, "name": "sw1" }))).await;
        assert!(found["notes"].to_string().contains("NetBox was asked"), "{name}: {found}");
    }
    let deaf = schemaless(&[]);
    for (filter, said_so) in [
        // That an object shows it makes no filter of it.
        ("odd_field", "dcim.device has the field `odd_field` and no filter by it"),
        ("odd_field__n", "`odd_field` of dcim.device does not take the suffix `n`"),
        ("flag", "dcim.device has the field `flag` and no filter by it"),
        ("odd_feld", "has no filter `odd_feld`; did you mean `odd_field`?"),
        ("cf_x", "NetBox does not filter dcim.device by `cf_x`"),
    ] {
        let error = deaf.error("objects", devices(json!({ filter: 7 }))).await;
        assert!(error.contains(said_so), "{filter}: {error}");
    }
    assert!(!deaf.lines().iter().any(|line| line.contains("=7")), "what is not heeded was sent: {:?}", deaf.lines());
    // What failed is not asked for with every call, and what was heeded is not tried again.
    assert_eq!(stage.lines().iter().filter(|line| line.starts_with("GET schema/")).count(), 1);
    let before = stage.lines().len();
    stage.good("objects", devices(json!({"number": 7}))).await;
    assert!(stage.lines().len() <= before + 3, "{:?}", stage.lines());
    // Of no filter is said that it is one because an object shows it.
    let described = deaf.good("describe", json!({"type": "device", "about": "filters"})).await;
    assert_eq!(described["known_by"], "list");
    assert!(!described["filters"].to_string().contains("odd_field"), "{described}");
}

#[tokio::test]
async fn names_become_ids_and_several_of_a_name_are_listed() {
    let stage = stage();
    // Exactly so comes before another case.
    stage.good("objects", devices(json!({"site": "hq"}))).await;
    assert!(stage.lines().pop().is_some_and(|line| line.starts_with("GET dcim/devices/?site_id=7&")));
    stage.good("objects", devices(json!({"site": [3, 4]}))).await;
    assert!(stage.lines().pop().is_some_and(|line| line.starts_with("GET dcim/devices/?site_id=3&site_id=4&")));
    stage.good("objects", devices(json!({"site_id": "hq"}))).await;
    assert!(stage.lines().pop().is_some_and(|line| line.starts_with("GET dcim/devices/?site_id=7&")));
    let before = stage.lines().iter().filter(|line| line.starts_with("GET dcim/devices/")).count();
    let error = stage.error("objects", devices(json!({"site": "twin"}))).await;
    assert_eq!(
        error,
        "`twin` is the name of 2 objects of dcim.site: 4 (Twin), 5 (TWIN); give the id of the one that is meant"
    );
    let error = stage.error("objects", devices(json!({"site": "nowhere"}))).await;
    assert_eq!(error, "there is no dcim.site called `nowhere`; near are 3 (HQ)");
    let after = stage.lines().iter().filter(|line| line.starts_with("GET dcim/devices/")).count();
    assert_eq!(before, after, "nothing is listed by a guess");
}

#[tokio::test]
async fn fields_and_orders_that_there_are_none_of_are_refused() {
    let stage = stage();
    for (arguments, said) in [
        (json!({"fields": ["nmae"]}), "dcim.device has no field `nmae`; did you mean `name`?"),
        (json!({"ordering": ["-nmae"]}), "dcim.device has no field `nmae`; did you mean `name`?"),
        (json!({"fields": ["name&x"]}), "`name&x` cannot be a field"),
        (json!({"after": "https://evil.example/"}), "`after` is `https://evil.example/`"),
        (json!({"after": "start-5", "ordering": ["name"]}), "`after` belongs to a page without `ordering`"),
        (json!({"limit": 251}), "`limit` is 251, and must be a whole number from 0 to 250"),
        (json!({"type": "dvice"}), "there is no type `dvice`; did you mean `device`?"),
    ] {
        let mut call = json!({"type": "device"});
        call.as_object_mut().expect("an object").extend(object(arguments.clone()));
        let error = stage.error("objects", call).await;
        assert!(error.starts_with(said), "{arguments}: {error}");
    }
}

#[tokio::test]
async fn what_is_no_network_is_said_before_netbox_finds_nothing_for_it() {
    let stage = stage();
    for (kind, filters) in [
        ("prefix", json!({"within": "10.0.0.0/33"})),
        ("prefix", json!({"contains": ["10.0.0.1", "x"]})),
        ("ip address", json!({"parent": "ten"})),
    ] {
        let error = stage.error("objects", json!({"type": kind, "filters": filters})).await;
        assert!(error.contains("must be an address or a network"), "{error}");
    }
    let error = stage.error("containing", json!({"address": "10.0.0"})).await;
    assert!(error.contains("must be an address or a network"), "{error}");
    assert_eq!(stage.lines(), [""; 0]);
}
