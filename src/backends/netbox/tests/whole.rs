//! The tools against the stand-in, in several of its releases.

use super::*;
use crate::http::Limits;

/// Makes the stand-in behave otherwise.
async fn order(host: &Host, connection: &Connection, order: Value) {
    let request = Request::post(host.at("/control").as_str()).header("content-type", "application/json");
    let request = request.body(order.to_string().into_bytes()).expect("a request");
    let answer = connection.http.send(request, Limits::METADATA).await.expect("an answer");
    assert!(answer.status().is_success(), "{}", String::from_utf8_lossy(answer.body()));
}

#[tokio::test]
async fn every_page_of_a_list_together_is_the_whole_list_in_every_release() {
    let (host, stage) = faked(super::super::fake::TOKENS[0]);
    for release in ["3.7.8", "4.0.11", "4.4.2", "4.6.8"] {
        order(&host, &stage.connection, json!({"reset": true, "release": release})).await;
        let mut call = json!({"type": "dcim.interface", "fields": ["name"], "limit": 7});
        let (mut ids, mut pages) = (Vec::new(), 0);
        loop {
            let page = stage.good("objects", call.clone()).await;
            ids.extend(page["objects"].as_array().expect("rows").iter().map(|row| row["id"].as_u64().expect("an id")));
            pages += 1;
            match page.get("next") {
                Some(next) => call["after"] = next.clone(),
                None => break,
            }
        }
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert!((count, pages) == (ids.len(), count.div_ceil(7)) && count > 30, "{release}: {count} in {pages} pages");
        let status = stage.good("status", json!({})).await;
        assert!(status["release"].as_str().is_some_and(|shown| shown == release), "{status}");
        assert_eq!((&status["token"]["id"], &status["user"]["username"]), (&json!(3), &json!("jdoe")), "{status}");
        assert!(status.get("notes").is_none(), "{release}: {status}");
    }
}

#[tokio::test]
async fn a_search_counts_each_object_once() {
    let (host, stage) = faked(super::super::fake::TOKENS[0]);
    // A VLAN whose name has its number in it, as most have.
    order(&host, &stage.connection, json!({"set": {"ipam.vlan": {"1": {"name": "vlan100"}}}})).await;
    for query in ["10.10.10.0/24", "10.10.0.0/16", "100"] {
        let found = stage.good("search", json!({"query": query, "types": ["prefix", "vlan"], "limit": 100})).await;
        let mut ids: Vec<String> = Vec::new();
        for row in found["found"].as_array().expect("rows") {
            let objects = row["objects"].as_array().expect("objects");
            ids.extend(objects.iter().map(|one| format!("{} {}", row["type"], one["id"])));
        }
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((ids.len(), &found["total"]), (count, &json!(count)), "{query}: {found}");
        assert!(count > 0, "{query}");
    }
}

#[tokio::test]
async fn summaries_and_helpers_work_in_every_release() {
    let (host, stage) = faked(super::super::fake::TOKENS[0]);
    for release in ["3.7.8", "4.0.11", "4.2.9", "4.5.9", "4.6.8"] {
        order(&host, &stage.connection, json!({"reset": true, "release": release})).await;
        for (tool, call) in [
            ("device", json!({"name": "ams1-core1"})),
            ("site", json!({"name": "ams1"})),
            ("circuit", json!({"name": "NF-1001"})),
            ("prefix", json!({"name": "10.10.10.0/24", "filters": {"vrf": "corp"}})),
            ("vlan", json!({"name": "100"})),
            ("trace", json!({"device": "ams1-core1", "name": "Te1/0/1"})),
            ("trace", json!({"type": "frontport", "id": 1})),
            ("rack", json!({"name": "R101", "filters": {"site": "ams1"}})),
            ("containing", json!({"address": "10.10.10.7"})),
            ("free", json!({"what": "vlans", "name": "Lab"})),
            ("free", json!({"what": "addresses_of_range", "name": "10.10.10.100"})),
            ("changes", json!({})),
            ("search", json!({"query": "10.10.10.7"})),
        ] {
            let fields = stage.good(tool, call.clone()).await;
            assert!(fields.get("failed").is_none(), "{release} {tool}: {fields}");
            for part in fields["parts"].as_array().into_iter().flatten() {
                assert!(part.get("error").is_none(), "{release} {tool}: {part}");
            }
        }
        let device = stage.good("objects", json!({"type": "device", "filters": {"role": "Core switch"}})).await;
        assert_eq!(device["objects"][0]["role"]["display"], "Core switch", "{release}");
        let prefix = stage
            .good("objects", json!({"type": "prefix", "filters": {"site": "ams1", "prefix": "10.10.10.0/24"}}))
            .await;
        assert_eq!(prefix["objects"][0]["scope"]["display"], "Amsterdam DC1", "{release}: {prefix}");
    }
}

#[tokio::test]
async fn what_is_written_is_in_the_change_log_with_its_message() {
    let (_host, stage) = faked(super::super::fake::TOKENS[0]);
    let call = json!({"type": "device", "name": "ams1-core1", "values": {"status": "planned"}, "message": "moved"});
    let question = stage.question("update", call.clone()).await;
    let output = stage.with("update", call, Agreed::to(question)).await.expect("changed");
    let request = stage.fields("update", output)["request_id"].clone();
    let log = stage.good("changes", json!({"type": "device", "name": "ams1-core1", "limit": 1})).await;
    let change = &log["changes"][0];
    assert_eq!(change["differences"], json!([{"field": "status", "before": "active", "after": "planned"}]));
    assert_eq!((&change["message"], &change["request_id"]), (&json!("moved"), &request));
}

#[tokio::test]
async fn a_prefix_says_how_full_it_is_and_what_it_lies_in() {
    let stage = fake();
    let fields = stage.good("prefix", json!({"name": "10.10.20.0/24"})).await;
    let part = |name: &str| {
        fields["parts"].as_array().expect("parts").iter().find(|part| part["part"] == name).expect("a part")
    };
    let parents: Vec<&str> =
        part("parents")["objects"].as_array().expect("rows").iter().filter_map(|row| row["prefix"].as_str()).collect();
    assert_eq!(parents, ["10.0.0.0/8", "10.10.0.0/16"]);
    assert_eq!(fields["addresses_usable"], 254.0);
    assert_eq!(fields["addresses_used"], part("addresses")["count"]);
    let containing = stage.good("containing", json!({"address": "10.10.20.9"})).await;
    assert_eq!(containing["prefixes"].as_array().expect("rows").last().expect("a prefix")["prefix"], "10.10.20.0/24");
}

#[tokio::test]
async fn a_schema_that_is_not_there_is_said_and_types_of_plugins_are_found() {
    let (host, stage) = faked(super::super::fake::TOKENS[0]);
    order(&host, &stage.connection, json!({"no_schema": true, "plugins": true})).await;
    let error = stage.error("objects", json!({"type": "device", "filters": {"nmae": "x"}})).await;
    assert!(error.contains("did you mean `name`?") && error.contains("could not be read"), "{error}");
    let types = stage.good("types", json!({})).await;
    let others: Vec<&Value> =
        types["types"].as_array().expect("types").iter().filter(|one| one["from_instance"] == true).collect();
    assert_eq!(others.len(), 1, "{others:?}");
    stage.good("objects", json!({"type": others[0]["type"], "fields": ["all"]})).await;
}

#[tokio::test]
async fn what_a_reader_may_not_do_is_said() {
    let host = Host::of(Arc::new(super::super::fake::Server::default()));
    let token = |key: &str| format!("nbt_{key}.{}", super::super::fake::SECRET);
    let at = |key: &str| {
        let connection = to(host.at(""), &token(key));
        Stage { tools: BACKEND.tools(&connection), connection, seen: Arc::default() }
    };
    let reads = at("SandboxReads");
    let status = reads.good("status", json!({})).await;
    assert_eq!((&status["token"]["write_enabled"], &status["user"]["username"]), (&json!(false), &json!("jdoe")));
    let call = json!({"type": "device", "name": "ams1-core1", "values": {"status": "planned"}});
    let question = reads.question("update", call.clone()).await;
    let error = reads.with("update", call, Agreed::to(question)).await.expect_err("reads only");
    assert!(matches!(&error, Error::Forbidden { said, .. } if said.contains("may only read")), "{error:?}");
    let ended = at("SandboxEnded").call("objects", json!({"type": "device"})).await.expect_err("ended");
    assert!(matches!(&ended, Error::Rejected { said, .. } if said.contains("ended")), "{ended:?}");
    let nobody = at("SandboxNobod").call("objects", json!({"type": "device"})).await.expect_err("nothing");
    assert!(matches!(nobody, Error::Forbidden { .. }), "{nobody:?}");
}
