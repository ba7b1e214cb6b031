//! Answers that join several APIs.

use super::*;

#[tokio::test]
async fn a_report_joins_what_six_apis_know() {
    let stage = stage();
    let fields = stage.fields("report", json!({"serial_numbers": ["FOC0000A0AB", "FOC0000A0AA", "NOPE"]})).await;
    let device = &fields["devices"][0];
    for (member, expected) in [
        ("serial_number", json!("FOC0000A0AB")),
        ("product_id", json!("C9300-48P")),
        ("covered", json!(true)),
        ("end_of_life_announced", json!(false)),
        ("suggested_release", json!("17.12.4")),
        ("severe_bugs", json!(1)),
        ("bugs", json!(["CSCwa00003"])),
    ] {
        assert_eq!(device[member], expected, "{member} of {device}");
    }
    assert_eq!(fields["devices"][1]["last_support"], "2027-10-31");
    assert_eq!(fields["not_found"], json!(["NOPE"]));
    assert!(texts(&fields["parts"], "status").iter().all(|status| *status == "ok"), "{}", fields["parts"]);
}

#[tokio::test]
async fn a_refused_api_leaves_the_rest_of_a_report() {
    for (api, part, lost) in [
        ("serial", "coverage", "coverage_end"),
        ("eox", "end_of_life", "last_support"),
        ("software", "software", "suggested_release"),
        ("bug", "bugs", "severe_bugs"),
        ("psirt", "advisories", "advisories"),
    ] {
        let stage = stage();
        stage.disable(&[api]).await;
        let fields = stage.fields("report", json!({"serial_numbers": ["FOC0000A0AA"]})).await;
        let device = &fields["devices"][0];
        assert_eq!((&device["product_id"], device.get(lost)), (&json!("WS-C2960X-48FPD-L"), None), "{api}: {fields}");
        let parts = fields["parts"].as_array().expect("parts");
        let refused: Vec<&Value> = parts.iter().filter(|part| part["status"] != "ok").collect();
        assert_eq!(refused.len(), 1, "{api}: {fields}");
        assert_eq!((&refused[0]["part"], &refused[0]["status"]), (&json!(part), &json!("not_entitled")));
        assert!(refused[0]["error"].as_str().is_some_and(|error| error.contains("apiconsole.cisco.com")));
    }
}

#[tokio::test]
async fn without_any_api_a_report_is_an_error() {
    let stage = stage();
    stage.disable(&["bug", "eox", "product", "serial", "software", "psirt"]).await;
    let error = stage.error("report", json!({"serial_numbers": ["FOC0000A0AA"]})).await;
    assert!(matches!(error, Error::Forbidden { .. }), "{error:?}");
}

#[tokio::test]
async fn seventy_five_devices_are_one_report() {
    let stage = stage();
    let serials: Vec<String> = (1..=75).map(|number| format!("SER{number:08}")).collect();
    let fields = stage.fields("report", json!({"serial_numbers": serials})).await;
    assert_eq!(texts(&fields["devices"], "serial_number"), serials);
    assert!(texts(&fields["devices"], "product_id").iter().all(|product| !product.is_empty()));
    let more: Vec<String> = (1..=76).map(|number| format!("SER{number:08}")).collect();
    let error = stage.error("report", json!({"serial_numbers": more})).await;
    assert!(error.to_string().contains("at most 75"), "{error}");
}

#[tokio::test]
async fn a_comparison_compares() {
    let stage = stage();
    let arguments = json!({"product_id": "C9300-48P", "version_a": "17.9.4a", "version_b": "17.12.4", "os": "iosxe"});
    let fields = stage.fields("compare_versions", arguments.clone()).await;
    let ids = |group: &str| texts(&fields["bugs"][group]["rows"], "bug_id");
    assert_eq!(ids("fixed_by_move"), ["CSCwa00001", "CSCwa00002"]);
    assert_eq!(ids("still_open"), ["CSCwa00003"]);
    assert_eq!(ids("newly_exposed"), ["CSCwa00005", "CSCwa00004"]);
    let advisories = |group: &str| texts(&fields["advisories"][group]["rows"], "advisory_id");
    assert_eq!(advisories("fixed_by_move"), ["cisco-sa-iosxe-fwd-AbCdEfGh"]);
    assert_eq!(advisories("still_open"), ["cisco-sa-iosxe-poe-BcDeFgHi"]);
    assert_eq!(advisories("newly_exposed"), ["cisco-sa-iosxe-chan-CdEfGhIj"]);
    assert_eq!((&fields["order"], &fields["suggested"][0]["release"]), (&json!("newer"), &json!("17.12.4")));
    // The other way round.
    let back = json!({"product_id": "C9300-48P", "version_a": "17.12.4", "version_b": "17.9.4a", "os": "iosxe"});
    let fields = stage.fields("compare_versions", back).await;
    assert_eq!(fields["order"], "older");
    assert!(texts(&fields["bugs"]["newly_exposed"]["rows"], "bug_id").contains(&"CSCwa00001"), "{fields}");
    stage.disable(&["psirt"]).await;
    let fields = stage.fields("compare_versions", arguments).await;
    assert!(fields["verdict"].as_str().is_some_and(|verdict| verdict.contains("advisories could not be compared")));
}

#[tokio::test]
async fn a_running_version_has_its_advisories_and_bugs() {
    let stage = stage();
    let arguments = json!({"os": "iosxe", "version": "17.9.4a", "product_id": "C9300-48P"});
    let fields = stage.fields("running_version", arguments).await;
    assert_eq!(
        texts(&fields["advisories"], "advisory_id"),
        ["cisco-sa-iosxe-poe-BcDeFgHi", "cisco-sa-iosxe-fwd-AbCdEfGh"]
    );
    // One is fixed in 17.9.5, the other in 17.15.2: no release is known to be free of both.
    assert_eq!((&fields["affected"], fields.get("first_fixed_for_all")), (&json!(true), None));
    assert!(texts(&fields["bugs"], "bug_id").contains(&"CSCwa00001"));
    let fields = stage.fields("running_version", json!({"os": "nxos", "version": "9.3(7)"})).await;
    assert_eq!(fields["without_fix"], json!(["cisco-sa-nxos-vxlan-EfGhIjKl"]));
    assert!(fields.get("first_fixed_for_all").is_none(), "one of them has no fix");
}

#[tokio::test]
async fn a_widening_search_says_what_it_asked_and_stops_when_it_has_enough() {
    let stage = stage();
    let fields = stage.fields("search_bugs", json!({"term": "C9300-48P", "version": "17.9.4a", "wanted": 2})).await;
    assert_eq!((fields["steps"].as_array().map(Vec::len), &fields["widened"]), (Some(1), &json!(false)));
    let fields = stage.fields("search_bugs", json!({"term": "C9300-48P", "version": "17.9.4a", "wanted": 50})).await;
    let steps = fields["steps"].as_array().expect("steps");
    assert_eq!(fields["widened"], true);
    let new: u64 = steps.iter().filter_map(|step| step["new"].as_u64()).sum();
    assert_eq!(Some(new), fields["returned"].as_u64(), "every bug came from a step that is told");
    let ids = texts(&fields["bugs"], "bug_id");
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "each once");
    stage.disable(&["product"]).await;
    let fields = stage.fields("search_bugs", json!({"term": "C9300-48P", "version": "17.9.4a", "wanted": 50})).await;
    let failed = fields["steps"].as_array().expect("steps").iter().filter(|step| step.get("error").is_some()).count();
    assert_eq!(failed, 1, "a step that failed is told, and the search goes on: {fields}");
    let fields = stage.fields("search_bugs", json!({"term": "CSCwa00001"})).await;
    assert_eq!(texts(&fields["bugs"], "bug_id"), ["CSCwa00001"]);
}
