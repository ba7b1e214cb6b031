//! Documents behind an address, from the stand-in.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::StatusCode;

use super::*;
use crate::backends::copies::{Begun, Copies, Copy};
use crate::backends::documents::fake::Server;
use crate::backends::fake::{Reply, empty, whole};
use crate::backends::headers::{HeaderSource, Values};
use crate::backends::tests::Host as Served;
use crate::backends::{Boxed, Credential, CredentialSource, Unavailable};
use crate::secret::Secret;

/// Copies in memory; all of them are two hours old, or as new as the switch says.
#[derive(Default)]
struct Memory(Mutex<HashMap<(String, String), Copy>>, AtomicBool);

impl Memory {
    fn count(&self) -> usize {
        self.0.lock().expect("a healthy lock").len()
    }
}

impl Copies for Memory {
    fn begin(&self) -> Begun {
        Begun::default()
    }

    fn load(&self, whose: &str, address: &str) -> Option<Copy> {
        let found = self.0.lock().expect("a healthy lock").get(&(whose.to_owned(), address.to_owned())).cloned();
        let age = Duration::from_secs(if self.1.load(Ordering::Relaxed) { 60 } else { 7_200 });
        found.map(|copy| Copy { age, ..copy })
    }

    fn keep(&self, whose: &str, address: &str, copy: &Copy, _: &Begun) {
        self.0.lock().expect("a healthy lock").insert((whose.to_owned(), address.to_owned()), copy.clone());
    }

    fn forget(&self, address: Option<&str>) {
        self.0.lock().expect("a healthy lock").retain(|(_, known), _| address.is_some_and(|address| address != known));
    }
}

/// Somebody's token, or the error that there is none.
struct Account(&'static str, Mutex<Result<&'static str, Unavailable>>);

impl CredentialSource for Account {
    fn credential(&self) -> Boxed<'_, Result<Option<Credential>, Unavailable>> {
        let token = self.1.lock().expect("a healthy lock").clone();
        let credential = token.map(|token| {
            let value = Secret::new(format!("Bearer {token}"));
            Some(Credential { header: Some("authorization"), value, companion: None, generation: 1, proof: None })
        });
        Box::pin(async { credential })
    }

    fn replace<'a>(&'a self, _: &'a Credential) -> Boxed<'a, Result<Option<Credential>, Unavailable>> {
        Box::pin(async { Ok(None) })
    }

    fn whose(&self) -> Boxed<'_, Option<String>> {
        let whose = self.0.to_owned();
        Box::pin(async { Some(whose) })
    }
}

/// The stand-in, somebody's login and their copies.
struct Remote {
    server: Arc<Server>,
    copies: Arc<Memory>,
    account: Arc<Account>,
    connection: Connection,
}

impl Remote {
    fn new() -> Self {
        let server = Arc::new(Server::default());
        let host = Served::of(Arc::clone(&server) as Arc<dyn crate::backends::fake::Fake>);
        Self::at(host.at("/index.json"), server)
    }

    fn at(url: url::Url, server: Arc<Server>) -> Self {
        let (copies, account) = (Arc::<Memory>::default(), Arc::new(Account("alice", Mutex::new(Ok("good")))));
        let connection = Connection {
            credentials: Arc::clone(&account) as Arc<dyn CredentialSource>,
            copies: Arc::clone(&copies) as Arc<dyn Copies>,
            ..connection(url, Way::OAuth, Tokens::new(None, None))
        };
        Self { server, copies, account, connection }
    }

    async fn good(&self, name: &str, arguments: Value) -> Value {
        good(&BACKEND.tools(&self.connection), name, arguments).await
    }

    async fn bad(&self, name: &str, arguments: Value) -> Error {
        call(&BACKEND.tools(&self.connection), name, arguments).await.expect_err("a failure")
    }

    /// The requests since the last time, each with what it asked about.
    fn asked(&self, since: usize) -> Vec<(String, bool)> {
        let all = self.server.record().all();
        let seen = all.iter().skip(since);
        seen.map(|seen| (seen.path.clone(), seen.headers.contains_key("if-none-match"))).collect()
    }
}

/// Connections to a service that answers this, whatever it is asked.
fn answering(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Remote {
    let host = Served::answering(move |request| answer(request.uri().path()));
    Remote::at(host.at("/docs/index.json"), Arc::default())
}

fn listing(entries: &Value) -> Reply {
    whole(StatusCode::OK, "application/json", json!({ "documents": entries }).to_string())
}

#[tokio::test]
async fn documents_behind_a_login_are_those_of_every_tool() {
    let remote = Remote::new();
    assert_eq!(names(&remote.good("list_checklists", json!({})).await, "checklists"), ["Release"]);
    let found = remote.good("get_checklist", json!({"name": "release"})).await;
    assert_eq!(found["content"], "# Release\n\n- [ ] the tests are green\n");
    let found = remote.good("search_processes", json!({"keyword": "rollback"})).await;
    assert_eq!(
        (&found["results"][0]["name"], &found["results"][0]["relevance_score"]),
        (&json!("Rollback"), &json!(170))
    );
    let found = remote.good("search_documents", json!({"query": "night copy"})).await;
    assert_eq!(found["results"][0]["kind"], "runbooks");
    *remote.account.1.lock().expect("a healthy lock") = Ok("bad");
    assert!(matches!(remote.bad("list_checklists", json!({})).await, Error::Rejected { .. }));
}

#[tokio::test]
async fn what_is_the_same_is_not_sent_again_and_what_its_list_calls_the_same_not_asked_for_at_once() {
    let remote = Remote::new();
    remote.copies.1.store(true, Ordering::Relaxed);
    for _ in 0..2 {
        remote.good("get_checklist", json!({"name": "release"})).await;
    }
    let list = |known| ("/index.json".to_owned(), known);
    assert_eq!(remote.asked(0), [list(false), ("/checklists/release.md".to_owned(), false), list(true)]);
    remote.server.put("checklists/release.md", Some(b"new"));
    assert_eq!(remote.good("get_checklist", json!({"name": "release"})).await["content"], "new");
    assert_eq!(remote.asked(3), [list(true), ("/checklists/release.md".to_owned(), true)]);
    // Whether the person may still see it is asked from time to time.
    remote.copies.1.store(false, Ordering::Relaxed);
    remote.good("get_checklist", json!({"name": "release"})).await;
    assert_eq!(remote.asked(5), [list(true), ("/checklists/release.md".to_owned(), true)]);
}

#[tokio::test]
async fn a_service_out_of_reach_is_answered_for_by_a_copy_that_says_its_age() {
    let remote = Remote::new();
    remote.good("get_checklist", json!({"name": "release"})).await;
    remote.server.fail(500);
    let found = remote.good("get_checklist", json!({"name": "release"})).await;
    assert_eq!(found["content"], "# Release\n\n- [ ] the tests are green\n");
    let note = found["notes"][0].as_str().expect("a note");
    assert!(note.contains("cannot be reached: the list is a copy that is 2 hours old"), "{note}");
    assert!(
        matches!(remote.bad("get_process", json!({"name": "rollback"})).await, Error::Server { .. }),
        "no copy of it"
    );
    // A provider that cannot be reached for the renewal is the same trouble.
    let network = crate::http::Error::NotFound { host: "login.example".to_owned() };
    *remote.account.1.lock().expect("a healthy lock") = Err(Unavailable(Arc::new(network)));
    assert_eq!(remote.good("get_checklist", json!({"name": "release"})).await["content"], found["content"]);
    let other = Error::Arguments("no login".to_owned());
    *remote.account.1.lock().expect("a healthy lock") = Err(Unavailable(Arc::new(other)));
    remote.bad("get_checklist", json!({"name": "release"})).await;
}

#[tokio::test]
async fn once_the_login_is_refused_no_copy_answers_any_more() {
    for status in [401, 403] {
        let remote = Remote::new();
        remote.good("get_checklist", json!({"name": "release"})).await;
        assert_eq!(remote.copies.count(), 2);
        remote.server.fail(status);
        let error = remote.bad("get_checklist", json!({"name": "release"})).await;
        assert!(matches!(error, Error::Rejected { .. } | Error::Forbidden { .. }), "{error:?}");
        assert_eq!(remote.copies.count(), 0, "{status}");
        remote.server.fail(503);
        assert!(matches!(remote.bad("list_checklists", json!({})).await, Error::Server { .. }), "{status}");
    }
}

/// A login that is good until the service says otherwise, and then has ended, or cannot be renewed.
struct Ending(Unavailable);

impl CredentialSource for Ending {
    fn credential(&self) -> Boxed<'_, Result<Option<Credential>, Unavailable>> {
        let value = Secret::new("Bearer good");
        Box::pin(async {
            Ok(Some(Credential { header: Some("authorization"), value, companion: None, generation: 1, proof: None }))
        })
    }

    fn replace<'a>(&'a self, _: &'a Credential) -> Boxed<'a, Result<Option<Credential>, Unavailable>> {
        Box::pin(async { Err(self.0.clone()) })
    }

    fn whose(&self) -> Boxed<'_, Option<String>> {
        Box::pin(async { Some("alice".to_owned()) })
    }
}

#[tokio::test]
async fn a_refusal_counts_whatever_becomes_of_the_renewal_after_it() {
    let network = crate::http::Error::NotFound { host: "login.example".to_owned() };
    for why in [Unavailable(Arc::new(Error::Arguments("it has ended".to_owned()))), Unavailable(Arc::new(network))] {
        let mut remote = Remote::new();
        remote.connection.credentials = Arc::new(Ending(why));
        remote.good("list_checklists", json!({})).await;
        assert_eq!(remote.copies.count(), 1);
        remote.server.fail(401);
        remote.bad("list_checklists", json!({})).await;
        assert_eq!(remote.copies.count(), 0);
    }
}

/// A secret header, of which there is no other.
struct Badge;

impl HeaderSource for Badge {
    fn values(&self) -> Boxed<'_, Result<Values, Unavailable>> {
        Box::pin(async { Ok([(http::HeaderName::from_static("x-badge"), Secret::new("canary-badge"))].into()) })
    }

    fn replace<'a>(&'a self, _: &'a Values) -> Boxed<'a, Result<Option<Values>, Unavailable>> {
        Box::pin(async { Ok(None) })
    }

    fn refused(&self) -> Unavailable {
        Unavailable(Arc::new(Error::Arguments("the badge was refused".to_owned())))
    }
}

#[tokio::test]
async fn a_refused_header_ends_the_copies_as_a_refused_login_does() {
    let status = Arc::new(std::sync::atomic::AtomicU16::new(200));
    let answered = Arc::clone(&status);
    let mut remote = answering(move |_| match answered.load(std::sync::atomic::Ordering::SeqCst) {
        200 => listing(&json!([{"kind": "checklists", "path": "a.md"}])),
        status => empty(StatusCode::from_u16(status).expect("a status")),
    });
    remote.connection.credentials = Arc::new(Nobody);
    remote.connection.headers.secret = Some(Arc::new(Badge));
    remote.good("list_checklists", json!({})).await;
    assert_eq!(remote.copies.count(), 1);
    status.store(401, std::sync::atomic::Ordering::SeqCst);
    remote.bad("list_checklists", json!({})).await;
    assert_eq!(remote.copies.count(), 0);
}

/// No login at all.
struct Nobody;

impl CredentialSource for Nobody {
    fn credential(&self) -> Boxed<'_, Result<Option<Credential>, Unavailable>> {
        Box::pin(async { Ok(None) })
    }

    fn replace<'a>(&'a self, _: &'a Credential) -> Boxed<'a, Result<Option<Credential>, Unavailable>> {
        self.credential()
    }

    fn whose(&self) -> Boxed<'_, Option<String>> {
        Box::pin(async { Some("nobody".to_owned()) })
    }
}

#[tokio::test]
async fn another_account_sees_no_copy() {
    let remote = Remote::new();
    remote.good("get_checklist", json!({"name": "release"})).await;
    remote.server.fail(500);
    let other: Arc<dyn CredentialSource> = Arc::new(Account("bob", Mutex::new(Ok("good"))));
    let connection = Connection { credentials: other, ..remote.connection.clone() };
    assert!(call(&BACKEND.tools(&connection), "list_checklists", json!({})).await.is_err());
}

#[tokio::test]
async fn a_document_that_is_gone_leaves_no_copy() {
    let remote = answering(|path| match path {
        "/docs/index.json" => listing(&json!([{"kind": "checklists", "path": "a.md"}])),
        _ => empty(StatusCode::NOT_FOUND),
    });
    remote.copies.keep(
        "alice",
        remote.connection.url.join("a.md").expect("an address").as_str(),
        &Copy::default(),
        &Begun::default(),
    );
    let error = remote.bad("get_checklist", json!({"name": "a"})).await;
    assert!(matches!(error, Error::Refused { code: 404, .. }), "{error:?}");
    assert_eq!(remote.copies.count(), 1, "the list alone");
}

#[tokio::test]
async fn a_list_leads_nowhere_but_below_its_own_folder() {
    let remote = answering(|path| match path {
        "/docs/index.json" => listing(&json!([
            {"kind": "checklists", "path": "good/a b.md", "tags": ["x", 1]},
            {"kind": "checklists", "path": "https://evil.example/docs/x.md"},
            {"kind": "checklists", "path": "//evil.example/docs/x.md"},
            {"kind": "checklists", "path": "../secret.md"},
            {"kind": "checklists", "path": "a/../../secret.md"},
            {"kind": "checklists", "path": "%2e%2e/secret.md"},
            {"kind": "checklists", "path": "a%2f..%2F..%2fsecret.md"},
            {"kind": "checklists", "path": "..%5csecret.md"},
            {"kind": "checklists", "path": "/docsecret/x.md"},
            {"kind": "checklists", "path": "/docs/"},
            {"kind": "checklists", "path": "x.md?token=1"},
            {"kind": "checklists", "path": "x.md#y"},
            {"kind": "checklists", "url": "http://user:word@127.0.0.1/docs/x.md"},
            {"kind": "checklists", "path": "file:///etc/passwd"},
            {"kind": "checklists", "path": "javascript:alert(1)"},
            {"kind": "checklists"},
            {"path": "x.md"},
            7,
        ])),
        "/docs/good/a%20b.md" => whole(StatusCode::OK, "text/markdown", "---\nname: ignored\n---\ntext"),
        _ => panic!("nothing else is asked for"),
    });
    let found = remote.good("list_checklists", json!({})).await;
    assert_eq!((names(&found, "checklists"), found["skipped_count"].as_u64()), (vec!["a b".to_owned()], Some(17)));
    let outside = found["skipped"].as_array().expect("reasons").iter();
    let outside = outside.filter(|one| one["reason"] == "it is not below the folder of the list").count();
    assert_eq!(outside, 12, "{}", found["skipped"]);
    assert_eq!(remote.good("get_checklist", json!({"name": "a b"})).await["content"], "text");
}

#[tokio::test]
async fn no_redirect_is_followed_and_no_web_page_taken_for_a_document() {
    for (status, media) in [(302, "text/markdown"), (200, "text/html")] {
        let remote = answering(move |path| match path {
            "/docs/index.json" => listing(&json!([{"kind": "checklists", "path": "a.md"}])),
            "/docs/a.md" => {
                let mut reply = whole(StatusCode::from_u16(status).expect("a status"), media, "<html>sign in</html>");
                reply.headers_mut().insert("location", http::HeaderValue::from_static("/docs/b.md"));
                reply
            }
            _ => panic!("nothing else is asked for"),
        });
        let error = remote.bad("get_checklist", json!({"name": "a"})).await;
        assert!(matches!(error, Error::Protocol { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_list_that_is_none_is_said() {
    for body in ["", "x", "{}", "{\"documents\": 7}", "7"] {
        let remote = answering(move |_| whole(StatusCode::OK, "application/json", body));
        assert!(matches!(remote.bad("list_checklists", json!({})).await, Error::Protocol { .. }), "{body}");
    }
    let remote = answering(|_| whole(StatusCode::OK, "application/json", vec![b'['; 5 << 20]));
    let error = remote.bad("list_checklists", json!({})).await;
    assert!(matches!(error, Error::Network(crate::http::Error::TooLarge { .. })), "{error:?}");
}

#[tokio::test]
async fn folders_and_a_list_are_one_library_in_which_folders_come_first() {
    let stage = Stage::new(&[("checklists/x.md", "---\nname: Release\n---\nlocal")]);
    let remote = Remote::new();
    let connection = Connection { folders: stage.folders.clone(), ..remote.connection.clone() };
    let tools = BACKEND.tools(&connection);
    let found = good(&tools, "list_checklists", json!({})).await;
    assert_eq!((found["count"].as_u64(), &found["skipped"][0]["file"]), (Some(1), &json!("checklists/release.md")));
    assert_eq!(good(&tools, "get_checklist", json!({"name": "release"})).await["content"], "local");
    assert_eq!(good(&tools, "get_process", json!({"name": "rollback"})).await["name"], "Rollback");
}

#[tokio::test]
async fn one_search_holds_no_more_texts_than_there_is_room_for_and_says_which_were_left_out() {
    let large: Arc<str> = format!("# A\n\n{}rollback", "x ".repeat(1_900_000)).into();
    let remote = answering(move |path| match path {
        "/docs/index.json" => {
            let one = |number: u32| json!({"kind": "processes", "path": format!("{number}.md"), "name": format!("P{number}")});
            listing(&(0..10).map(one).collect())
        }
        _ => whole(StatusCode::OK, "text/markdown", large.to_string()),
    });
    let found = remote.good("search_processes", json!({"keyword": "rollback"})).await;
    let (count, left_out) = (found["count"].as_u64().expect("a count"), found["skipped"].to_string());
    assert_eq!(count, 8, "{left_out}");
    assert_eq!(left_out.matches("only 32 MiB of texts are read for one search").count(), 2, "{left_out}");
}
