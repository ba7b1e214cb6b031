//! Services that answer in parts, and callers that ask for more than a request holds.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::StatusCode;

use super::*;
use crate::backends::fake::json as reply;
use crate::backends::turns::{Rate, TooFar, Turns};
use crate::backends::{Boxed, Credential, CredentialSource, Unavailable};

/// Calls a tool of a connection to this service.
async fn called(host: &Host, name: &str, arguments: Value) -> Result<Value, Error> {
    let toolsets = BACKEND.usual_toolsets();
    let connection = Connection { toolsets, ..connection(host.at(""), Way::None, Tokens::new(None, None)) };
    let tools = BACKEND.tools(&connection);
    let tool = tools.iter().find(|tool| tool.name == format!("c_{name}")).expect("the tool");
    let arguments = arguments.as_object().cloned().expect("an object");
    let call = Call { arguments, progress: Progress::default(), agreed: Agreed::default(), host: Default::default() };
    let output = tool.handler.call(call).await?;
    Ok(serde_json::from_str(output.structured.expect("fields").get()).expect("JSON"))
}

const REFUSED: &str = r#"{"ErrorResponse":{"APIError":[{"ErrorCode":"X","ErrorDescription":"no"}]}}"#;

fn refused() -> crate::backends::fake::Reply {
    reply(StatusCode::BAD_REQUEST, &serde_json::from_str(REFUSED).expect("JSON"))
}

#[tokio::test]
async fn bugs_and_suggestions_go_by_the_base_product_id() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let host = Host::answering({
        let seen = Arc::clone(&seen);
        move |request| {
            let path = request.uri().path().to_owned();
            seen.lock().expect("a healthy lock").push(path.clone());
            let product = json!({"sr_no": "S1", "base_pid": "BASE-1", "orderable_pid": "ORDERED-1"});
            match path.contains("/product/v1/") {
                true => reply(StatusCode::OK, &json!({"product_list": [product]})),
                false => refused(),
            }
        }
    });
    called(&host, "report", json!({"serial_numbers": ["S1"]})).await.expect("a report");
    let seen = seen.lock().expect("a healthy lock").clone();
    let asked = |part: &str| seen.iter().any(|path| path.ends_with(part));
    assert!(asked("/products/product_id/BASE-1") && asked("/releases/productIds/BASE-1"), "{seen:?}");
    assert!(asked("/EOXByProductID/1/ORDERED-1"), "{seen:?}");
}

#[tokio::test]
async fn a_lost_page_is_told_and_never_compared_as_if_it_were_empty() {
    let host = Host::answering(|request| match request.uri().query().unwrap_or_default().contains("pageIndex=1&") {
        true => {
            let all: Vec<Value> = (0..100).map(|number| json!({"advisoryId": format!("a{number}")})).collect();
            reply(StatusCode::OK, &json!({"advisories": all, "paging": {"count": 150, "next": "x", "prev": "NA"}}))
        }
        false => refused(),
    });
    let error = called(&host, "running_version", json!({"os": "iosxe", "version": "17.9.4"})).await;
    assert!(matches!(error, Err(Error::Refused { .. })), "{error:?}");
    let fields = called(&host, "advisories", json!({"all": true, "limit": 500})).await.expect("what was read");
    assert_eq!((&fields["returned"], &fields["failed"][0]["inputs"]), (&json!(100), &json!(["page 2"])));
}

#[tokio::test]
async fn what_was_read_of_a_batch_is_kept_when_a_page_of_it_is_lost() {
    let host = Host::answering(|request| match request.uri().query().unwrap_or_default().contains("page_index=1") {
        true => {
            let paging = json!({"last_index": 2, "total_records": 2});
            let rows = json!([{"sr_no": "S1", "is_covered": "YES"}]);
            reply(StatusCode::OK, &json!({"serial_numbers": rows, "pagination_response_record": paging}))
        }
        false => refused(),
    });
    let arguments = json!({"serial_numbers": ["S1", "S2"], "about": "summary"});
    let fields = called(&host, "coverage", arguments).await.expect("what was read");
    assert_eq!((&fields["returned"], fields["failed"].as_array().map(Vec::len)), (&json!(1), Some(1)), "{fields}");
}

#[tokio::test]
async fn an_error_in_a_suggestion_is_no_suggestion() {
    let fault = json!({"errorCode": "S3_INV_CURR_IMG_REL", "errorDescription": "no such image"});
    let host = Host::answering(move |_| {
        reply(StatusCode::OK, &json!({"suggestions": [{"id": "1", "errorDetailsResponse": fault}]}))
    });
    let fields =
        called(&host, "software", json!({"product_ids": ["P"], "about": "compatible"})).await.expect("a result");
    assert_eq!((&fields["returned"], &fields["failed"][0]["kind"]), (&json!(0), &json!("bad_input")), "{fields}");
}

#[tokio::test]
async fn a_window_counts_for_lists_of_identifiers_too() {
    let stage = stage();
    let ids = ["C9300-48P", "ISR4431/K9", "WIC-1T="];
    let fields = stage.fields("end_of_life", json!({"product_ids": ids, "limit": 1, "offset": 1})).await;
    assert_eq!(texts(&fields["records"], "input"), ["ISR4431/K9"]);
    assert_eq!((&fields["total"], &fields["next_offset"]), (&json!(3), &json!(2)));
}

#[tokio::test]
async fn lists_with_commas_are_bounded_and_what_is_off_counts_as_absent() {
    let stage = stage();
    for (name, arguments, expected) in [
        ("bugs", json!({"bug_ids": "CSCaa00001,".repeat(201)}), "from 1 to 200 are allowed"),
        ("bugs", json!({"bug_ids": " , "}), "from 1 to 200 are allowed"),
        ("advisories", json!({"all": false}), "one of `advisory_ids`"),
    ] {
        let error = stage.error(name, arguments).await;
        assert!(error.to_string().contains(expected), "{name}: {error}");
    }
    assert_eq!(stage.paths(), Vec::<String>::new());
}

/// Nobody is signed in.
struct Nobody;

impl CredentialSource for Nobody {
    fn credential(&self) -> Boxed<'_, Result<Option<Credential>, Unavailable>> {
        Box::pin(async { Err(Unavailable(Arc::new(std::fmt::Error))) })
    }

    fn replace<'a>(&'a self, _: &'a Credential) -> Boxed<'a, Result<Option<Credential>, Unavailable>> {
        self.credential()
    }
}

/// Counts the turns.
#[derive(Default)]
struct Counted(AtomicUsize);

impl Turns for Counted {
    fn turn<'a>(&'a self, _: &'a [Rate], _: Duration) -> Boxed<'a, Result<(), TooFar>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test]
async fn without_a_login_no_turn_is_used_up() {
    let (stage, turns) = (stage(), Arc::new(Counted::default()));
    let counted = |credentials: Arc<dyn CredentialSource>| Connection {
        turns: Arc::clone(&turns) as Arc<dyn Turns>,
        credentials,
        ..stage.connection.clone()
    };
    let outcome = check(&counted(Arc::new(Nobody))).await;
    assert!(matches!(outcome, Err(Error::Credential(_))), "{outcome:?}");
    assert_eq!(turns.0.load(Ordering::SeqCst), 0);
    check(&counted(Arc::clone(&stage.connection.credentials))).await.expect("accepted");
    assert_eq!(turns.0.load(Ordering::SeqCst), 1, "each request takes one");
}
