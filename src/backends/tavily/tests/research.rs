//! Research: begun once, followed or asked after, stopped with its call, and never lost.

use std::sync::Mutex;

use super::*;

fn posts(stage: &Stage) -> usize {
    stage.asked().iter().filter(|(method, _)| method == "POST").count()
}

/// Progress whose messages are kept.
fn heard() -> (Progress, Arc<Mutex<Vec<String>>>) {
    let all = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&all);
    let progress = Progress::to(move |step| kept.lock().expect("a lock").extend(step.message));
    (progress, all)
}

#[tokio::test]
async fn a_task_is_begun_once_and_asked_after_until_it_ends() {
    for way in [Way::ApiKey, Way::OAuth] {
        let stage = stage(way);
        let fields = stage.fields("research", json!({"input": "batteries", "model": "mini"})).await;
        assert_eq!(
            (&fields["status"], &fields["content"]),
            (&json!("completed"), &json!("# A report about batteries\n\nIt is so [1].\n"))
        );
        assert_eq!(fields["sources"][1], json!({"title": "Another", "url": "https://example.org/2"}));
        assert_eq!((fields["usage"]["credits"].as_f64(), stage.server.tasks()), (Some(15.0), 1), "{way:?}");
        if way == Way::ApiKey {
            let question =
                ("GET".to_owned(), "/research/123e4567-e89b-12d3-a456-000000000000?include_usage=true".to_owned());
            let all = [vec![("POST".to_owned(), "/research".to_owned())], vec![question; 3]].concat();
            assert_eq!(stage.asked(), all);
        }
    }
}

#[tokio::test]
async fn a_task_that_is_not_waited_for_is_found_by_its_id() {
    let stage = stage(Way::ApiKey);
    let begun = stage.fields("research", json!({"input": "q", "wait": 0})).await;
    assert_eq!(begun["status"], "pending");
    let id = begun["request_id"].clone();
    assert!(begun["notes"][0].as_str().is_some_and(|note| note.contains(id.as_str().expect("an id"))));
    let found = stage.fields("research", json!({"request_id": id})).await;
    assert_eq!((&found["status"], stage.server.tasks()), (&json!("completed"), 1));
    let error = stage.call("research", json!({"request_id": "nobody"})).await.expect_err("no such task");
    assert!(matches!(error, Error::Refused { code: 404, .. }));
}

#[tokio::test]
async fn whatever_happens_to_the_waiting_the_id_reaches_the_caller() {
    let stage = stage(Way::ApiKey);
    let fields = stage.fields("research", json!({"input": "fake:lost"})).await;
    assert_eq!(
        (&fields["status"], &fields["request_id"]),
        (&json!("pending"), &json!("123e4567-e89b-12d3-a456-000000000000"))
    );
    assert!(fields["notes"][0].as_str().is_some_and(|note| note.contains("failed with status 500")), "{fields}");
}

#[tokio::test]
async fn a_followed_report_is_told_as_it_is_written() {
    let stage = stage(Way::ApiKey);
    let (progress, told) = heard();
    let output =
        stage.told("research", json!({"input": "batteries", "model": "pro"}), progress).await.expect("a report");
    let fields: Value = serde_json::from_str(output.structured.expect("fields").get()).expect("JSON");
    assert_eq!(fields["content"], "# A report about batteries\n\nIt is so [1].\n");
    assert_eq!((&fields["status"], &fields["model"]), (&json!("completed"), &json!("pro")));
    assert_eq!(fields["sources"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        *told.lock().expect("a lock"),
        [
            "Planning: Working on batteries",
            "WebSearch: Working on batteries (one; two)",
            "WebSearch: Found pages (2 sources)",
            "Generating: Working on batteries",
            "# A report about batt",
            "eries\n\nIt is so [1].\n",
        ]
    );
    assert_eq!((stage.asked().len(), stage.last().body["stream"].clone()), (1, json!(true)));
}

#[tokio::test]
async fn giving_up_a_followed_task_stops_it_at_the_service() {
    let stage = stage(Way::ApiKey);
    let (begun, wait) = tokio::sync::oneshot::channel();
    let begun = Mutex::new(Some(begun));
    let progress = Progress::to(move |step| {
        if step.message.as_deref() == Some("# The first") {
            begun.lock().expect("a lock").take().map(|begun| begun.send(()));
        }
    });
    let call = stage.told("research", json!({"input": "fake:slow"}), progress);
    tokio::select! {
        outcome = call => panic!("it ended: {outcome:?}"),
        _ = wait => {}
    }
    let record = stage.server.record().clone();
    let (tell, closed) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || tell.send(record.wait(|seen| seen.method == "CLOSED")));
    assert_eq!(closed.await, Ok(true), "the stream is still open");
    assert_eq!(stage.server.tasks(), 1);
}

#[tokio::test]
async fn a_report_that_breaks_off_is_never_taken_for_whole_and_never_begun_again() {
    let stage = stage(Way::ApiKey);
    let error = stage.call("research", json!({"input": "fake:cut", "stream": true})).await.expect_err("a part");
    let cause = "the stream ended before the report was whole; a call with `request_id` \
                 `123e4567-e89b-12d3-a456-000000000000` may find it";
    assert!(matches!(&error, Error::MaybeDone { cause: why, .. } if why == cause), "{error:?}");
    for input in ["fake:503", "fake:drop", "fake:html"] {
        for stream in [true, false] {
            let before = posts(&stage);
            let outcome = stage.call("research", json!({"input": input, "stream": stream})).await;
            assert!(matches!(outcome, Err(Error::MaybeDone { .. })), "{input}: {outcome:?}");
            assert_eq!(posts(&stage) - before, 1, "{input} {stream}");
        }
    }
}

#[tokio::test]
async fn a_failed_task_is_a_failed_result_that_says_why() {
    let stage = stage(Way::ApiKey);
    for (input, stream) in [("fake:failed", false), ("fake:error", true)] {
        let output = stage.call("research", json!({"input": input, "stream": stream})).await.expect("a result");
        assert!(output.failed && output.content.get().contains("Status: failed"), "{input}");
        assert_eq!(output.content.get().contains("The research could not be done."), stream);
    }
}

#[tokio::test]
async fn a_task_that_must_be_followed_is_followed() {
    let stage = stage(Way::ApiKey);
    let fields = stage.fields("research", json!({"input": "fake:stream"})).await;
    assert_eq!((&fields["status"], posts(&stage), stage.server.tasks()), (&json!("completed"), 2, 1));
    let before = posts(&stage);
    let error = stage.call("research", json!({"input": "fake:400"})).await.expect_err("a refusal");
    assert!(matches!(error, Error::Refused { code: 400, .. }), "{error:?}");
    assert_eq!(posts(&stage) - before, 1, "any other refusal is final");
    let silent = stage.fields("research", json!({"input": "fake:silent", "stream": true})).await;
    assert_eq!(silent["status"], "completed");
}

#[tokio::test]
async fn the_rest_of_a_long_report_costs_nothing() {
    for stream in [true, false] {
        let stage = stage(Way::ApiKey);
        let first = stage.fields("research", json!({"input": "fake:long", "stream": stream})).await;
        assert_eq!((&first["next_offset"], &first["total_characters"]), (&json!(61_440), &json!(100_000)));
        let asked = stage.asked().len();
        let rest = json!({"request_id": first["request_id"], "offset": 61_440});
        let rest = stage.fields("research", rest).await;
        assert_eq!(rest["content"].as_str().map(str::len), Some(38_560));
        assert_eq!((rest.get("next_offset"), stage.asked().len()), (None, asked));
    }
}

#[tokio::test]
async fn an_answer_in_a_form_is_an_object_and_text() {
    let stage = stage(Way::ApiKey);
    let form = json!({"properties": {"name": {"type": "string", "description": "the name"}}, "required": ["name"]});
    for stream in [true, false] {
        let fields = stage.fields("research", json!({"input": "q", "output_schema": form, "stream": stream})).await;
        assert_eq!(fields["output"], json!({"name": "about q"}));
        assert_eq!(fields["content"], "{\"name\":\"about q\"}");
    }
}

#[tokio::test]
async fn what_a_task_cannot_be_is_refused_before_it_costs() {
    let stage = stage(Way::ApiKey);
    for (arguments, expected) in [
        (json!({}), "one of `input`, `request_id` is needed"),
        (json!({"input": "a", "request_id": "b"}), "`request_id` does not go together with `input`"),
        (json!({"request_id": "b", "model": "mini"}), "`model` goes together with `input` only"),
        (json!({"request_id": "../usage"}), "`request_id` is not the id of a task"),
        (json!({"input": "a", "offset": 5}), "`offset` goes together with `request_id` only"),
        (json!({"input": "a", "wait": 901}), "`wait` is 901, and must be a whole number from 0 to 900"),
        (
            json!({"input": "a", "citation_format": "harvard"}),
            "`citation_format` is `harvard`, and must be one of `numbered`, `mla`, `apa`, `chicago`",
        ),
        (json!({"input": "a", "output_schema": {"type": "object"}}), "`output_schema` has no `properties`"),
        (
            json!({"input": "a", "output_schema": {"properties": {"b": {"type": "string"}}}}),
            "`b` in `output_schema` needs a `type` and a `description`",
        ),
    ] {
        let error = stage.call("research", arguments.clone()).await.expect_err("a refusal");
        assert_eq!(error.to_string(), expected, "{arguments}");
    }
    assert_eq!(stage.asked(), []);
}
