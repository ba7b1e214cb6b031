//! What becomes of an action is what its task came to, however long that takes and whatever happens meanwhile.

use super::tools::Stage;
use super::*;

/// What became of the one item, and why.
async fn outcome(stage: &Stage, arguments: Value) -> (String, String, bool, Value) {
    let (fields, failed) = stage.result("copy", arguments).await;
    let item = &fields["items"][0];
    let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
    (text("outcome"), text("message"), failed, item["task"].clone())
}

/// How often the action was begun.
fn begun(stage: &Stage) -> u64 {
    let received = stage.server.received();
    let all = received["changes"].as_object().expect("counts");
    all.iter().filter(|(what, _)| what.starts_with("copyResources ")).filter_map(|(_, count)| count.as_u64()).sum()
}

fn copy(choice: Option<&str>) -> Value {
    let mut arguments = json!({"paths": ["My Files/readme.txt"], "to_folder": "My Files/Docs"});
    if let Some(choice) = choice {
        arguments["on_conflict"] = choice.into();
    }
    arguments
}

#[tokio::test]
async fn a_task_that_fails_after_it_was_queued_is_a_failure_with_its_cause() {
    for (plan, word) in [
        (json!({"polls": 3, "end": "failed", "cause": "PermissionDenied"}), "no permission"),
        (json!({"polls": 2, "end": "failed", "cause": "missing"}), "nothing at that path"),
        (json!({"polls": 2, "end": "failed", "cause": "DestinationNotExists"}), "not there"),
        (json!({"polls": 2, "end": "failed", "cause": "StorageTrouble"}), "StorageTrouble"),
        (json!({"polls": 2, "meanwhile": "retrying", "end": "completed with warnings"}), "completed with warnings"),
        (json!({"polls": 1, "end": "stopped"}), "stopped"),
        (json!({"polls": 1, "end": "disabled"}), "disabled"),
    ] {
        let stage = Stage::of("alice");
        stage.server.order(&json!({"tasks": [plan]})).expect("an order");
        let (outcome, message, failed, _) = outcome(&stage, copy(None)).await;
        assert!(outcome == "failed" && failed && message.contains(word), "{plan}: {outcome} {message}");
        assert_eq!(begun(&stage), 1, "{plan}");
    }
}

#[tokio::test]
async fn a_task_that_takes_longer_than_the_call_goes_on_and_can_be_asked_about() {
    let stage = Stage::of("alice");
    stage.server.order(&json!({"tasks": [{"polls": 3}]})).expect("an order");
    let mut arguments = copy(None);
    arguments["wait"] = 0.into();
    let (outcome, _, failed, task) = outcome(&stage, arguments).await;
    assert_eq!((outcome.as_str(), failed), ("running", false));
    let mut seen = Vec::new();
    while seen.last().is_none_or(|last| last == "running") && seen.len() < 10 {
        let looked = stage.good("task", json!({"task": task})).await;
        seen.push(looked["outcome"].as_str().expect("a word").to_owned());
    }
    assert_eq!(seen.last().map(String::as_str), Some("done"), "{seen:?}");
    assert!(stage.error("task", json!({"task": "../../x"})).await.contains("names no task"));
}

#[tokio::test]
async fn a_portal_that_reports_a_conflict_for_ever_is_left_after_some_rounds() {
    let stage = Stage::of("alice");
    stage.server.order(&json!({"usual_task": {"conflict_for_ever": true}})).expect("an order");
    let (outcome, message, failed, _) = outcome(&stage, copy(Some("overwrite"))).await;
    assert!(outcome != "done" && failed, "{outcome} {message}");
    assert!((2..=20).contains(&begun(&stage)), "{}", begun(&stage));
}

#[tokio::test]
async fn a_session_that_ends_while_a_task_is_watched_costs_another_login_and_no_second_action() {
    let stage = Stage::of("alice");
    stage
        .server
        .order(&json!({"tasks": [{"polls": 2}], "faults": [{"at": "getTaskStatus", "expire": true}]}))
        .expect("an order");
    let (outcome, message, failed, _) = outcome(&stage, copy(None)).await;
    assert_eq!((outcome.as_str(), failed), ("done", false), "{message}");
    assert_eq!((begun(&stage), stage.server.received()["counts"]["logins"].as_u64()), (1, Some(2)));
}

#[tokio::test]
async fn what_was_begun_and_lost_from_sight_is_not_called_done_and_not_begun_again() {
    let stage = Stage::of("alice");
    let faults = json!([{"at": "getTaskStatus", "times": 0, "status": 400}]);
    stage.server.order(&json!({"faults": faults})).expect("an order");
    let (outcome, message, failed, task) = outcome(&stage, copy(None)).await;
    assert!(outcome == "unknown" && failed && task.is_string(), "{message}");
    assert_eq!(begun(&stage), 1);
}

#[tokio::test]
async fn an_answer_that_is_lost_after_the_action_is_no_reason_to_do_it_again() {
    let stage = Stage::of("alice");
    stage.server.order(&json!({"faults": [{"at": "copyResources", "late": true, "status": 502}]})).expect("an order");
    let (outcome, _, failed, _) = outcome(&stage, copy(None)).await;
    assert_eq!((outcome.as_str(), failed), ("unknown", true));
    assert_eq!(stage.server.received()["methods"]["copyResources"], 1);
    let listed = stage.good("list", json!({"path": "My Files/Docs"})).await;
    assert!(listed["items"].as_array().expect("rows").iter().any(|row| row["name"] == "readme.txt"), "it was done");
}

#[tokio::test]
async fn a_download_goes_on_where_it_broke_and_begins_again_where_it_must() {
    for ranges in [true, false] {
        let stage = Stage::of("alice");
        let faults = json!([{"at": "GET", "path": "300k.bin", "times": 2, "reset": true}]);
        stage.server.order(&json!({"ranges": ranges, "faults": faults})).expect("an order");
        let down = stage.good("download", json!({"path": "My Files/Big/300k.bin"})).await;
        assert_eq!(down["bytes"].as_u64(), Some(307_200), "{ranges}");
        let saved = std::fs::read(stage.folder.path().join("300k.bin")).expect("a file");
        assert!(saved == "0123456789abcdef".repeat(64 * 300).into_bytes(), "{ranges}");
    }
}

#[tokio::test]
async fn a_quota_a_read_only_portal_and_odd_answers_are_errors_in_words() {
    let stage = Stage::of("alice");
    stage.server.order(&json!({"quota": 3})).expect("an order");
    let error = stage.error("write", json!({"path": "My Files/x.txt", "content": "12345"})).await;
    assert!(error.contains("quota"), "{error}");
    stage.server.order(&json!({"reset": true, "says_ok": true, "no_nulls": true})).expect("an order");
    stage.good("make_folder", json!({"path": "My Files/new"})).await;
    stage.good("write", json!({"path": "My Files/new/x.txt", "content": ""})).await;
    for word in [
        "FileWithTheSameNameExist",
        "DestinationNotExists",
        "ReservedName",
        "InvalidName",
        "PermissionDenied",
        "Somethingelse",
    ] {
        stage.server.order(&json!({"faults": [{"at": "makeCollection", "word": word}]})).expect("an order");
        let error = stage.call("make_folder", json!({"path": format!("My Files/{word}")})).await;
        assert!(error.is_err(), "{word}");
    }
    stage
        .server
        .order(&json!({"faults": [{"at": "fetchResources", "status": 500, "text": "<broken"}]}))
        .expect("an order");
    let error = stage.call("info", json!({"path": "My Files"})).await.expect_err("a failure");
    assert!(matches!(error, Error::Server { .. } | Error::Protocol { .. } | Error::Refused { .. }), "{error:?}");
}
