//! The table of equivalents is true: every call in it is run, in its order.

use std::collections::BTreeSet;

use super::*;

const TABLE: &str = include_str!("../equivalents.md");

/// All tools of theirs with their parameters (reference: "Server A", "Server B").
const THEIRS: &[(&str, &str)] = &[
    ("netbox_get_objects", "object_type filters fields brief limit offset ordering"),
    ("netbox_get_object_by_id", "object_type object_id fields brief"),
    ("netbox_get_changelogs", "filters"),
    ("netbox_search_objects", "query object_types fields limit"),
    ("get_devices", "name name_contains search site role status manufacturer model tag limit"),
    ("get_device", "name"),
    ("ask_about_devices", "query"),
    ("get_sites", "limit"),
    ("get_site_info", "name"),
    ("get_circuits", "cid cid_contains search provider type status site tenant description tag limit"),
    ("get_circuit", "cid"),
    ("ask_about_circuits", "query"),
    ("get_prefixes_tool", "prefix search site vrf tenant vlan status role family is_pool tag limit"),
    ("get_prefix_tool", "prefix_id"),
    ("ask_about_prefixes_tool", "query"),
    ("get_vlans", "vid name name_contains site group tenant role status search description_contains tag limit"),
    ("get_vlan", "vlan_id"),
    ("ask_about_vlans", "query"),
];

/// The rows: what is theirs, its parameters, our tool, the arguments.
fn rows() -> Vec<(&'static str, Vec<&'static str>, &'static str, Value)> {
    let mut rows = Vec::new();
    for line in TABLE.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let bare = |cell: &'static str| cell.trim_matches('`');
        let (theirs, parameters, ours, arguments) = match cells.as_slice() {
            [ours, arguments] => ("", "", bare(ours), bare(arguments)),
            [theirs, parameters, ours, arguments] => (bare(theirs), *parameters, bare(ours), bare(arguments)),
            other => panic!("a row of another form: {other:?}"),
        };
        let parameters = parameters.split_whitespace().map(bare).collect();
        rows.push((theirs, parameters, ours, serde_json::from_str(arguments).expect("JSON")));
    }
    rows
}

#[tokio::test]
async fn every_call_in_the_table_finds_something() {
    let stage = fake();
    for (theirs, _, ours, arguments) in rows() {
        let output = match stage.call(ours, arguments.clone()).await {
            Err(Error::Unconfirmed { question }) => stage.with(ours, arguments.clone(), Agreed::to(question)).await,
            outcome => {
                assert!(
                    stage.tool(ours).effect.read_only,
                    "{ours} changes something, and nobody was asked: {outcome:?}"
                );
                outcome
            }
        };
        let output = output.unwrap_or_else(|error| panic!("{theirs} {ours} {arguments}: {error:?}"));
        let fields = stage.fields(ours, output);
        let is_empty = |name: &str| fields.get(name).is_some_and(|it| *it == json!([]) || *it == json!(0));
        let empty = ["objects", "found", "types", "prefixes", "hops", "devices", "free", "changes"];
        // A fresh instance has no changes of its own before the first write.
        assert!(ours == "changes" || !empty.iter().any(|name| is_empty(name)), "{theirs} {ours} {arguments}: {fields}");
        assert!(
            fields.get("failed").is_none() && fields.get("notes").is_none(),
            "{theirs} {ours} {arguments}: {fields}"
        );
        let parts = fields["parts"].as_array().into_iter().flatten();
        for part in parts {
            assert!(part.get("error").is_none(), "{ours}: {part}");
        }
    }
}

#[test]
fn every_tool_and_every_parameter_of_theirs_is_in_the_table_and_every_tool_of_ours() {
    let rows = rows();
    let named: BTreeSet<(&str, &str)> =
        rows.iter().flat_map(|(theirs, names, ..)| names.iter().map(|name| (*theirs, *name))).collect();
    let theirs: BTreeSet<(&str, &str)> =
        THEIRS.iter().flat_map(|(tool, names)| names.split(' ').map(|name| (*tool, name))).collect();
    assert_eq!(named, theirs);
    let ours: BTreeSet<&str> = tool::ALL.iter().copied().flatten().map(|spec| spec.name).collect();
    let used: BTreeSet<&str> = rows.iter().map(|(.., ours, _)| *ours).collect();
    assert_eq!(used, ours);
}
