//! A Portal, or something in front of it, that does not do what it says.

use std::sync::Mutex;

use http::header::{ETAG, RANGE, SET_COOKIE};
use http::{HeaderValue, StatusCode};

use super::*;
use crate::backends::fake::{Received, Reply, empty, pieces, whole};

/// A Portal with one file and one folder; `odd` may answer instead.
fn portal(odd: impl Fn(&Received, usize) -> Option<Reply> + Send + Sync + 'static) -> (Host, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&seen);
    let host = Host::answering(move |request| {
        let body = String::from_utf8_lossy(request.body()).into_owned();
        let count = {
            let mut all = record.lock().expect("a healthy lock");
            all.push(format!("{} {} {body}", request.method(), request.uri().path()));
            all.len()
        };
        if let Some(reply) = odd(request, count) {
            return reply;
        }
        let path = request.uri().path();
        if path.ends_with("/login") {
            let mut reply = whole(StatusCode::OK, "text/xml", "<val>Login succeed</val>");
            reply.headers_mut().insert(SET_COOKIE, HeaderValue::from_static("JSESSIONID=open"));
            return reply;
        }
        if path.ends_with("/currentSession") {
            return json_of(&json!({"username": "alice"}));
        }
        let is_missing = body.contains("missing");
        let row = json!({
            "name": "f", "href": "/ServicesPortal/webdav/My%20Files/f.txt", "isFolder": !body.contains("f.txt"), "size": 10,
            "scope": "Personal", "permission": "ReadWrite", "cloudFolderInfo": {"uid": 7},
        });
        match is_missing {
            // What is null may be left out.
            true => json_of(&json!({"$class": "R", "hasMore": false})),
            false => json_of(&json!({"root": row, "items": [], "hasMore": false})),
        }
    });
    (host, seen)
}

fn json_of(value: &Value) -> Reply {
    whole(StatusCode::OK, "application/json", value.to_string())
}

fn page() -> Reply {
    whole(StatusCode::OK, "text/html;charset=UTF-8", "<!DOCTYPE html><form>login</form>")
}

struct Here {
    tools: Vec<Tool>,
    folder: tempfile::TempDir,
    seen: Arc<Mutex<Vec<String>>>,
    _host: Host,
}

fn here((host, seen): (Host, Arc<Mutex<Vec<String>>>)) -> Here {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().canonicalize().expect("a folder");
    let connection =
        Connection { folders: vec![root], ..to(&host, "", Way::Password, Holding::password("alice", "right")) };
    Here { tools: BACKEND.tools(&connection), folder, seen, _host: host }
}

fn is_file(request: &Received) -> bool {
    request.uri().path().contains("/webdav/")
}

#[tokio::test]
async fn a_login_page_with_a_cookie_is_no_session_and_the_password_is_not_sent_again() {
    let here = here(portal(|request, _| {
        request.uri().path().ends_with("/login").then(|| {
            let mut reply = page();
            reply.headers_mut().insert(SET_COOKIE, HeaderValue::from_static("JSESSIONID=anonymous"));
            reply
        })
    }));
    for _ in 0..3 {
        let error = call(&here.tools, "info", json!({"path": "x"})).await.expect_err("no session");
        assert!(matches!(error, Error::Rejected { .. }), "{error:?}");
    }
    assert_eq!(here.seen.lock().expect("a healthy lock").len(), 1);
}

#[tokio::test]
async fn a_page_in_place_of_a_file_is_neither_read_nor_saved() {
    let here = here(portal(|request, _| is_file(request).then(page)));
    for (tool, arguments) in
        [("read", json!({"path": "My Files/f.txt"})), ("download", json!({"path": "My Files/f.txt"}))]
    {
        let error = call(&here.tools, tool, arguments).await.expect_err("no file");
        assert!(matches!(&error, Error::Protocol { cause, .. } if cause.contains("web page")), "{error:?}");
    }
    assert_eq!(std::fs::read_dir(here.folder.path()).expect("a folder").count(), 0, "nothing is left behind");
}

#[tokio::test]
async fn a_download_that_is_cut_without_an_error_is_not_a_file() {
    let here = here(portal(|request, _| {
        is_file(request).then(|| {
            let mut reply = http::Response::new(pieces([b"01234".to_vec()].into_iter()));
            reply.headers_mut().insert(ETAG, HeaderValue::from_static("\"1\""));
            reply
        })
    }));
    let error = call(&here.tools, "download", json!({"path": "My Files/f.txt"})).await.expect_err("half a file");
    assert!(matches!(error, Error::Protocol { .. }), "{error:?}");
    assert_eq!(std::fs::read_dir(here.folder.path()).expect("a folder").count(), 0, "nothing is left behind");
    let read = call(&here.tools, "read", json!({"path": "My Files/f.txt"})).await.expect("a part");
    assert_eq!(fields(&read)["next_offset"], 5, "the file has ten bytes");
}

#[tokio::test]
async fn two_versions_of_a_file_are_never_put_together() {
    // Heeds `Range` and not `If-Range`: the second part is of another file.
    let here = here(portal(|request, _| {
        is_file(request).then(|| match request.headers().get(RANGE) {
            None => {
                // Ends early, and does not say so.
                let mut reply = http::Response::new(pieces([b"AAAAA".to_vec()].into_iter()));
                reply.headers_mut().insert(ETAG, HeaderValue::from_static("\"old\""));
                reply
            }
            Some(_) => {
                let mut reply = whole(StatusCode::PARTIAL_CONTENT, "text/plain", "BBBBB");
                reply.headers_mut().insert(ETAG, HeaderValue::from_static("\"new\""));
                reply.headers_mut().insert("content-range", HeaderValue::from_static("bytes 5-9/10"));
                reply
            }
        })
    }));
    drop(call(&here.tools, "download", json!({"path": "My Files/f.txt"})).await);
    let saved = std::fs::read_to_string(here.folder.path().join("f.txt")).unwrap_or_default();
    assert!(!(saved.contains('A') && saved.contains('B')), "{saved}");
}

#[tokio::test]
async fn an_archive_that_is_none_is_not_saved() {
    let here = here(portal(|request, _| {
        let refusal = "<obj><att id=\"rc\"><val>1</val></att><att id=\"msg\"><val>No</val></att></obj>";
        request.uri().path().contains("/folders/folders/").then(|| whole(StatusCode::OK, "text/xml", refusal))
    }));
    let error = call(&here.tools, "download", json!({"path": "My Files/Docs"})).await.expect_err("no archive");
    assert!(matches!(&error, Error::Protocol { cause, .. } if cause.contains("no archive")), "{error:?}");
    assert_eq!(std::fs::read_dir(here.folder.path()).expect("a folder").count(), 0);
}

#[tokio::test]
async fn an_upload_counts_only_if_the_file_is_there_as_it_was_sent() {
    for (answer, is_sure) in [
        ("", false),
        ("<obj><att id=\"rc\"><val>0</val></att></obj>", false),
        ("<obj><att id=\"rc\"><val>1</val></att><att id=\"msg\"><val>Folder is out of quota</val></att></obj>", true),
    ] {
        let here = here(portal(move |request, _| {
            request.uri().path().contains("/upload/").then(|| match answer.is_empty() {
                true => empty(StatusCode::OK),
                false => whole(StatusCode::OK, "text/xml", answer),
            })
        }));
        // The stand-in goes on showing nothing at that path.
        let arguments = json!({"path": "My Files/missing.txt", "content": "12345"});
        let error = call(&here.tools, "write", arguments).await.expect_err("nobody knows");
        match is_sure {
            true => assert!(matches!(&error, Error::Refused { said, .. } if said.contains("quota")), "{error:?}"),
            false => assert!(matches!(error, Error::MaybeDone { .. }), "{answer}: {error:?}"),
        }
    }
}

#[tokio::test]
async fn a_refusal_within_a_success_is_no_success() {
    let refusal = "<obj><att id=\"rc\"><val>1</val></att><att id=\"msg\"><val>Not today</val></att></obj>";
    let here = here(portal(move |request, _| {
        let body = String::from_utf8_lossy(request.body()).into_owned();
        body.contains("makeCollection").then(|| whole(StatusCode::OK, "text/xml", refusal))
    }));
    let error = call(&here.tools, "make_folder", json!({"path": "My Files/missing"})).await.expect_err("refused");
    assert!(matches!(&error, Error::Refused { said, .. } if said == "Not today"), "{error:?}");
}

#[tokio::test]
async fn two_items_of_one_name_do_not_take_each_others_place() {
    let here = here(portal(|_, _| None));
    let arguments =
        json!({"paths": ["My Files/a/x", "My Files/b/x"], "to_folder": "My Files/c", "on_conflict": "overwrite"});
    let error = call(&here.tools, "move", arguments).await.expect_err("refused");
    assert!(matches!(&error, Error::Arguments(why) if why.contains("called so")), "{error:?}");
    assert!(here.seen.lock().expect("a healthy lock").iter().all(|seen| !seen.contains("moveResources")));
}

#[tokio::test]
async fn a_name_that_hides_something_has_no_path() {
    let here = here(portal(|request, _| {
        let body = String::from_utf8_lossy(request.body()).into_owned();
        let row = |name: &str, href: &str| json!({"name": name, "href": format!("/ServicesPortal/webdav/{href}"), "isFolder": false});
        body.contains("<val>1</val></att></obj></att></obj>").then(|| {
            let rows = json!([row("report\u{200b}.txt", "report%E2%80%8B.txt"), row("report.txt", "report.txt")]);
            json_of(&json!({"items": rows, "hasMore": false}))
        })
    }));
    let listed = fields(&call(&here.tools, "list", json!({})).await.expect("a list"));
    let items = listed["items"].as_array().expect("rows");
    assert_eq!(
        (items.len(), items[0].get("path"), items[1]["path"].as_str()),
        (2, None, Some("report.txt")),
        "{listed}"
    );
}

#[tokio::test]
async fn trouble_of_the_network_does_not_end_a_session_from_elsewhere() {
    // The first request is sent to a login, and the question whether that is true meets a gateway that fails.
    let (host, _) = portal(|request, count| match (count, request.uri().path().ends_with("/currentSession")) {
        (1, _) => Some(empty(StatusCode::UNAUTHORIZED)),
        (2, true) => Some(empty(StatusCode::BAD_GATEWAY)),
        _ => None,
    });
    let kept = Holding::new(Kept::Session { cookie: Secret::new("from-a-browser"), token: None });
    let tools = BACKEND.tools(&to(&host, "", Way::Session, kept));
    let error = call(&tools, "info", json!({"path": "x"})).await.expect_err("nobody knows");
    assert!(matches!(error, Error::Server { .. }), "{error:?}");
    call(&tools, "info", json!({"path": "x"})).await.expect("it is open still");
}

#[tokio::test]
async fn a_failure_in_the_middle_leaves_the_outcomes_before_it() {
    let here = here(portal(|request, _| {
        let body = String::from_utf8_lossy(request.body()).into_owned();
        let is_look = body.contains("fetchResources") && body.contains("<val>1</val></att></obj></att></obj>");
        match () {
            () if is_look && body.contains("second") => Some(empty(StatusCode::FORBIDDEN)),
            () if body.contains("deleteResources") => Some(json_of(&json!("servers/MainDB/bgTasks/7"))),
            () if body.contains("getTaskStatus") => Some(json_of(&json!({"status": "completed"}))),
            () => None,
        }
    }));
    let arguments = json!({"paths": ["My Files/first", "My Files/second"]});
    let output = call(&here.tools, "delete", arguments).await.expect("outcomes");
    let items = fields(&output)["items"].clone();
    assert_eq!((items[0]["outcome"].as_str(), items[1]["outcome"].as_str()), (Some("done"), Some("failed")), "{items}");
    assert!(output.failed);
}

#[tokio::test]
async fn one_odd_answer_does_not_end_a_session_from_elsewhere() {
    let (host, seen) = portal(|request, count| {
        let is_first = count == 1 && !request.uri().path().ends_with("/currentSession");
        is_first.then(|| {
            let mut reply = empty(StatusCode::FOUND);
            reply.headers_mut().insert(http::header::LOCATION, HeaderValue::from_static("/maintenance"));
            reply
        })
    });
    let kept = Holding::new(Kept::Session { cookie: Secret::new("from-a-browser"), token: None });
    let tools = BACKEND.tools(&to(&host, "", Way::Session, kept));
    call(&tools, "info", json!({"path": "x"})).await.expect("it is open still");
    call(&tools, "info", json!({"path": "x"})).await.expect("it is open still");
    assert!(seen.lock().expect("a healthy lock").iter().all(|seen| !seen.contains("/login")));
}
