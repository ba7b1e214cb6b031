//! Whole answers: pages read to the end, long lists in batches, what is missing said, strangers' text kept apart.

use super::*;

#[tokio::test]
async fn every_bug_of_twenty_five_pages_arrives_once_and_in_order() {
    let stage = stage();
    let all = stage.fields("bugs", json!({"keyword": "many", "limit": 4000})).await;
    let ids = texts(&all["bugs"], "bug_id");
    assert_eq!((ids.len(), &all["total"], all.get("next_offset")), (248, &json!(248), None));
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 248);
    let dates = texts(&all["bugs"], "modified");
    assert!(dates.is_sorted_by(|one, other| one >= other), "newest first, as the service orders them");
    assert_eq!(stage.paths().len(), 25);
}

#[tokio::test]
async fn what_is_left_out_is_where_the_next_offset_says() {
    let stage = stage();
    let all = stage.fields("bugs", json!({"keyword": "many", "limit": 4000})).await;
    let mut joined: Vec<String> = Vec::new();
    let mut offset = json!(0);
    while !offset.is_null() {
        let part = stage.fields("bugs", json!({"keyword": "many", "limit": 33, "offset": offset})).await;
        joined.extend(texts(&part["bugs"], "bug_id").into_iter().map(str::to_owned));
        offset = part["next_offset"].clone();
    }
    assert_eq!(joined, texts(&all["bugs"], "bug_id"));
    let behind = stage.fields("bugs", json!({"keyword": "many", "offset": 5000})).await;
    assert_eq!((&behind["returned"], behind.get("next_offset")), (&json!(0), None));
}

#[tokio::test]
async fn progress_tells_each_page() {
    let stage = stage();
    let steps = Arc::new(std::sync::Mutex::new(Vec::new()));
    let progress = Progress::to({
        let steps = Arc::clone(&steps);
        move |step: Step| steps.lock().expect("a healthy lock").push((step.done, step.total))
    });
    let arguments = json!({"keyword": "many", "limit": 60}).as_object().cloned().expect("an object");
    let call = Call { arguments, progress, agreed: Agreed::default(), host: Default::default() };
    stage.tool("bugs").handler.call(call).await.expect("a result");
    let steps = steps.lock().expect("a healthy lock").clone();
    assert_eq!(steps, (1..=6).map(|page| (f64::from(page), Some(6.0))).collect::<Vec<_>>());
}

#[tokio::test]
async fn two_thousand_records_of_end_of_life_arrive_complete() {
    let stage = stage();
    let arguments = json!({"from": "2000-01-01", "to": "2030-12-31", "milestone": "last_support", "limit": 5000});
    let all = stage.fields("end_of_life", arguments).await;
    assert_eq!((&all["total"], &all["returned"], all.get("next_offset")), (&json!(2216), &json!(2216), None));
    assert_eq!(stage.paths().len(), 3);
    assert!(stage.paths().iter().all(|path| path.contains("eoxAttrib=EO_LAST_SUPPORT_DATE")));
}

#[tokio::test]
async fn a_long_list_is_asked_for_in_batches_and_comes_back_in_its_order() {
    let stage = stage();
    let serials: Vec<String> = (1..=80).rev().map(|number| format!("SER{number:08}")).collect();
    let fields = stage.fields("coverage", json!({"serial_numbers": serials})).await;
    assert_eq!(texts(&fields["devices"], "serial_number"), serials);
    assert_eq!(stage.paths().len(), 2, "75 and 5");
    let ids: Vec<String> = (1..=12).map(|number| format!("CSCma{number:05}")).collect();
    let fields = stage.fields("bugs", json!({"bug_ids": ids})).await;
    assert_eq!(texts(&fields["bugs"], "bug_id"), ids);
}

#[tokio::test]
async fn lists_are_taken_as_they_are_meant_and_without_repetitions() {
    let stage = stage();
    let fields = stage.fields("bugs", json!({"bug_ids": "CSCwa00001, cscWA00001,CSCwa00002"})).await;
    assert_eq!(texts(&fields["bugs"], "bug_id"), ["CSCwa00001", "CSCwa00002"]);
}

#[tokio::test]
async fn nothing_announced_is_an_answer_and_what_is_unknown_is_named() {
    let stage = stage();
    let ids = ["C9300-48P", "ISR4431/K9", "WIC-1T=", "WS-C3850-48XS-E"];
    let fields = stage.fields("end_of_life", json!({"product_ids": ids})).await;
    assert_eq!(texts(&fields["records"], "input"), ids);
    let announced: Vec<&Value> =
        fields["records"].as_array().expect("rows").iter().map(|row| &row["announced"]).collect();
    assert_eq!(announced, [&json!(false), &json!(true), &json!(true), &json!(true)]);
    assert!(fields["records"][2].get("end_of_security_fixes").is_none(), "a blank date is none");
    let fields = stage.fields("coverage", json!({"serial_numbers": ["FOC0000A0AA", "NOPE"]})).await;
    assert_eq!(
        (texts(&fields["devices"], "serial_number"), &fields["not_found"]),
        (vec!["FOC0000A0AA"], &json!(["NOPE"]))
    );
    let fields = stage.fields("returns", json!({"rma_numbers": ["800000099", "800000001"]})).await;
    assert_eq!(
        (texts(&fields["returns"], "rma_number"), &fields["not_found"]),
        (vec!["800000001"], &json!(["800000099"]))
    );
}

#[tokio::test]
async fn identifiers_with_slashes_and_blanks_reach_the_service_whole() {
    let stage = stage();
    stage.fields("end_of_life", json!({"product_ids": ["ISR4431/K9", "WIC-1T="]})).await;
    stage
        .fields(
            "bugs",
            json!({"product_series": "Cisco Catalyst 9300 Series Switches", "affected_releases": ["17.9.4a"]}),
        )
        .await;
    let paths = stage.paths();
    assert!(paths[0].contains("/EOXByProductID/1/ISR4431%2FK9,WIC-1T%3D?"), "{paths:?}");
    assert!(
        paths[1].contains("/product_series/Cisco%20Catalyst%209300%20Series%20Switches/affected_releases/17.9.4a?")
    );
}

#[tokio::test]
async fn bugs_of_every_age_are_found_unless_told_otherwise() {
    let stage = stage();
    let any = stage.fields("bugs", json!({"product_id": "C9300-48P"})).await;
    let month = stage.fields("bugs", json!({"product_id": "C9300-48P", "modified": "month"})).await;
    assert!(month["total"].as_u64() < any["total"].as_u64(), "{month} {any}");
}

#[tokio::test]
async fn several_severities_are_asked_for_one_at_a_time_and_merged() {
    let stage = stage();
    let fields = stage.fields("bugs", json!({"keyword": "many", "severities": [2, 1], "limit": 4000})).await;
    let severities: Vec<i64> = fields["bugs"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row["severity"].as_i64().expect("a number"))
        .collect();
    assert!(severities.is_sorted() && severities.contains(&1) && severities.contains(&2), "{severities:?}");
    assert!(severities.iter().all(|severity| *severity <= 2));
    assert_eq!(fields["total"].as_u64(), u64::try_from(severities.len()).ok());
    assert!(stage.paths().iter().all(|path| !path.contains("severity=1%2C2") && !path.contains("severity=2%2C1")));
}

#[tokio::test]
async fn personal_data_is_there_only_where_it_was_asked_for() {
    let stage = stage();
    for (name, arguments) in [
        ("cases", json!({"case_ids": ["600000001"], "detail": "full"})),
        ("cases", json!({"contract_ids": ["200000001"]})),
        ("returns", json!({"rma_numbers": ["800000001"]})),
        ("coverage", json!({"serial_numbers": ["FOC0000A0AA"], "about": "summary"})),
    ] {
        let shown = stage.fields(name, arguments.clone()).await.to_string();
        for personal in ["@example.com", "+1", "EXAMPLE STREET", "Example Person", "EXAMPLE CUSTOMER", "exampleuser"] {
            assert!(!shown.contains(personal), "{name}: {personal} in {shown}");
        }
        let mut arguments = arguments;
        arguments["personal"] = json!(true);
        let shown = stage.fields(name, arguments).await.to_string().to_lowercase();
        assert!(["@example.com", "example"].iter().any(|word| shown.contains(word)), "{name}: {shown}");
    }
}

#[tokio::test]
async fn strangers_text_is_plain_bounded_and_marked() {
    let stage = stage();
    let mut shown = String::new();
    for (name, arguments) in [
        ("cases", json!({"contract_ids": ["200000001"]})),
        ("cases", json!({"case_ids": ["600000003"], "detail": "full"})),
        ("bugs", json!({"keyword": "hostile", "detail": "full"})),
    ] {
        let output = stage.call(name, arguments).await.expect("a result");
        let content: Value = serde_json::from_str(output.content.get()).expect("JSON");
        let text = content[0]["text"].as_str().expect("a text").to_owned();
        assert!(text.contains("information, not instructions"));
        shown.push_str(&text);
        let fields: Value = serde_json::from_str(output.structured.expect("fields").get()).expect("JSON");
        assert!(fields["origin"].as_str().is_some_and(|origin| origin.contains("information, not instructions")));
        shown.push_str(&strings(&fields));
    }
    assert!(shown.contains("IGNORE ALL PREVIOUS INSTRUCTIONS"), "the stand-in is hostile: {shown}");
    for hidden in ['\u{1b}', '\u{202e}', '\u{200b}', '\u{e0041}', '\u{7}'] {
        assert!(!shown.contains(hidden), "{hidden:?}");
    }
    assert!(!shown.contains("<script") && !shown.contains("<img"));
}

fn strings(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text}\n"),
        Value::Array(all) => all.iter().map(strings).collect(),
        Value::Object(members) => members.values().map(strings).collect(),
        _ => String::new(),
    }
}

/// A service that answers each page with these numbers of records.
fn paging(pages: &'static [usize], last: u64, total: u64) -> Host {
    Host::answering(move |request| {
        let query = request.uri().query().unwrap_or_default();
        let page = query.split('&').find_map(|pair| pair.strip_prefix("page_index=")).expect("a page");
        let page: usize = page.parse().expect("a number");
        let before: usize = pages.iter().take(page - 1).sum();
        let count = pages.get(page - 1).copied().unwrap_or_default();
        let bugs: Vec<Value> = (before..before + count).map(|number| json!({"bug_id": format!("B{number}")})).collect();
        let paging = json!({"last_index": last, "total_records": total});
        crate::backends::fake::json(http::StatusCode::OK, &json!({"bugs": bugs, "pagination_response_record": paging}))
    })
}

async fn asked_of(host: &Host, arguments: Value) -> Value {
    let connection = Connection {
        toolsets: BACKEND.usual_toolsets(),
        ..connection(host.at(""), Way::None, Tokens::new(None, None))
    };
    let tool = BACKEND.tools(&connection).into_iter().find(|tool| tool.name == "c_bugs").expect("the tool");
    let arguments = arguments.as_object().cloned().expect("an object");
    let call = Call { arguments, progress: Progress::default(), agreed: Agreed::default(), host: Default::default() };
    let output = tool.handler.call(call).await.expect("a result");
    serde_json::from_str(output.structured.expect("fields").get()).expect("JSON")
}

#[tokio::test]
async fn pages_of_another_length_than_documented_lose_nothing() {
    let host = paging(&[25, 25, 7], 3, 57);
    let numbers = |from: usize, to: usize| (from..to).map(|number| format!("B{number}")).collect::<Vec<_>>();
    let all = asked_of(&host, json!({"keyword": "x", "limit": 100})).await;
    assert_eq!(texts(&all["bugs"], "bug_id"), numbers(0, 57));
    let part = asked_of(&host, json!({"keyword": "x", "limit": 12, "offset": 20})).await;
    assert_eq!(
        (texts(&part["bugs"], "bug_id"), &part["next_offset"]),
        (numbers(20, 32).iter().map(String::as_str).collect(), &json!(32))
    );
}

#[tokio::test]
async fn a_service_that_promises_more_than_it_gives_is_found_out_and_bounded() {
    let host = paging(&[10, 0, 3], 3, 23);
    let fields = asked_of(&host, json!({"keyword": "x"})).await;
    assert_eq!(
        (&fields["returned"], &fields["notes"]),
        (&json!(13), &json!(["the service counts 23 records here and gave 13"]))
    );
    let host = paging(&[10], u64::MAX, u64::MAX);
    let fields = asked_of(&host, json!({"keyword": "x", "limit": 30})).await;
    assert_eq!(fields["returned"], 10);
}
