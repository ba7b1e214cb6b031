//! What goes wrong, and what becomes of it.

use super::*;
use crate::backends::tests::text_of;

#[tokio::test]
async fn trouble_that_passes_is_waited_out() {
    let stage = stage();
    for (product, requests) in [("FAKE-503", 3), ("FAKE-420", 2), ("FAKE-427", 2), ("FAKE-401", 1)] {
        let before = stage.paths().len();
        let fields = stage.fields("bugs", json!({"product_id": product, "limit": 1})).await;
        assert_eq!(fields["returned"], 1, "{product}");
        assert!(stage.paths().len() - before >= requests, "{product}");
    }
}

#[tokio::test]
async fn trouble_that_stays_has_its_name() {
    let stage = stage();
    for (number, kind, words) in [
        ("200", "bad_input", ""),
        ("201", "wrong_answer", "a web page instead of JSON"),
        ("202", "wrong_answer", "no JSON"),
        ("403", "not_entitled", "may not use the Bug API"),
        ("404", "bad_input", "there is nothing at this address"),
        ("422", "rate_limited", "of this day are used up"),
        ("424", "not_entitled", "unknown or not active"),
        ("402", "login", ""),
        ("500", "service_down", ""),
        ("596", "wrong_answer", "found no service"),
    ] {
        let error = stage.error("bugs", json!({"product_id": format!("FAKE-{number}")})).await;
        assert_eq!(answer::kind(&error), kind, "{number}: {error:?}");
        assert!(answer::words(&error).contains(words), "{number}: {error:?}");
    }
}

#[tokio::test]
async fn a_limit_of_the_day_and_a_refused_application_are_not_asked_again() {
    let stage = stage();
    for number in ["422", "403", "424", "596"] {
        let before = stage.paths().len();
        stage.error("bugs", json!({"product_id": format!("FAKE-{number}")})).await;
        assert_eq!(stage.paths().len() - before, 1, "{number}");
    }
}

#[tokio::test]
async fn what_fails_for_some_is_told_and_the_others_are_there() {
    let stage = stage();
    let serials: Vec<String> =
        (1..=75).map(|number| format!("SER{number:08}")).chain(["FAK0000A500".to_owned()]).collect();
    let fields = stage.fields("coverage", json!({"serial_numbers": serials})).await;
    assert_eq!(fields["returned"], 75);
    assert_eq!(
        (&fields["failed"][0]["inputs"], &fields["failed"][0]["kind"]),
        (&json!(["FAK0000A500"]), &json!("service_down"))
    );
    assert!(fields.get("not_found").is_none(), "failed is not missing");
}

#[tokio::test]
async fn wrong_arguments_never_reach_the_service() {
    let stage = stage();
    for (name, arguments, expected) in [
        ("bugs", json!({}), "one of `bug_ids`"),
        ("bugs", json!({"keyword": "a", "product_id": "b"}), "do not go together"),
        ("bugs", json!({"keyword": "a", "releases": ["1"]}), "`releases` goes together with `product_id` only"),
        ("bugs", json!({"keyword": "x".repeat(51)}), "at most 50"),
        ("bugs", json!({"bug_ids": [".."]}), "is not an identifier"),
        ("bugs", json!({"product_id": "."}), "is not an identifier"),
        ("bugs", json!({"keyword": "a", "severities": [7]}), "from 1 to 6"),
        ("cases", json!({"contract_ids": ["1"], "created_from": "2026-02-30"}), "must be a day"),
        ("cases", json!({"user_ids": ["u"], "created_from": "2026-02-02", "created_to": "2026-01-01"}), "is after"),
        ("end_of_life", json!({"product_ids": ["A*"]}), "at least three characters"),
        ("end_of_life", json!({"software": ["12.2"]}), "is not a release and a system"),
        ("end_of_life", json!({"from": "2026-01-01"}), "`from` and `to` go together"),
        ("advisories", json!({"published_from": "2026-01-01"}), "go together"),
        ("advisories", json!({"year": 1994}), "from 1995"),
        ("running_version", json!({"os": "iosxe"}), "`version` is missing"),
        ("running_version", json!({"os": "windows", "version": "11"}), "must be one of"),
        ("software", json!({"product_ids": ["a", "b"], "about": "compatible"}), "one of `product_ids` at a time"),
        ("software", json!({"product_ids": ["a"], "about": "images"}), "needs `current_release`"),
        ("report", json!({"serial_numbers": ["a"], "os": "ios"}), "go together"),
        ("report", json!({"serial_numbers": ["a"], "leave_out": ["x"]}), "`leave_out` takes"),
        ("returns", json!({"user_id": "u", "from": "1990-01-01", "to": "2026-01-01"}), "too far apart"),
    ] {
        let error = stage.error(name, arguments.clone()).await;
        assert!(matches!(error, Error::Arguments(_)), "{name} {arguments}: {error:?}");
        assert!(error.to_string().contains(expected), "{name} {arguments}: {error}");
    }
    assert_eq!(stage.paths(), Vec::<String>::new());
}

#[tokio::test]
async fn a_toolset_that_is_off_takes_its_tools_prompts_and_resources_with_it() {
    let stage = stage();
    let connection = Connection { toolsets: vec!["cases", "lifecycle"], ..stage.connection.clone() };
    let names: Vec<String> = BACKEND.tools(&connection).into_iter().map(|tool| tool.name).collect();
    assert_eq!(names, ["c_cases", "c_end_of_life"]);
    assert!(BACKEND.prompts(&connection).iter().all(|prompt| !prompt.name.contains("bug")));
    assert!(BACKEND.resources(&connection).iter().all(|resource| resource.uri.contains("end-of-life")));
    assert!(tool::ALL.iter().all(|spec| BACKEND.toolsets.iter().any(|set| set.name == spec.toolset)));
    assert!(tool::ALL.len() <= 15);
}

#[tokio::test]
async fn resources_are_read_and_an_unknown_one_is_an_empty_report() {
    let stage = stage();
    for resource in BACKEND.resources(&stage.connection) {
        let which = match resource.uri.rsplit('/').next() {
            Some("{bug_id}") => "CSCwa00001",
            Some("{product_id}") => "C9300-48P",
            Some("{advisory_id}") => "cisco-sa-iosxe-fwd-AbCdEfGh",
            Some("{cve_id}") => "CVE-2026-20001",
            Some("{serial_number}") => "FOC0000A0AA",
            _ => "",
        };
        assert_eq!(which.is_empty(), resource.family().is_none(), "{}", resource.uri);
        let text = text_of(&resource, which).await.unwrap_or_else(|error| panic!("{}: {error:?}", resource.uri));
        let fields: Value = serde_json::from_str(&text).expect("JSON");
        assert!(fields["returned"].is_u64(), "{}: {text}", resource.uri);
    }
}
