//! The stand-in keeps the rules of the Portal: otherwise the client's tests would prove little.

use http::Request;
use http::header::{COOKIE, SET_COOKIE};
use serde_json::json;

use super::super::wire::{self, Node};
use super::*;
use crate::backends::fake::{Body, Guard};

struct Alice;

impl Guard for Alice {
    fn subject(&self, token: &str, resource: &str) -> Option<String> {
        (token == "good" && resource == "http://127.0.0.1/ctera").then(|| "bob".to_owned())
    }

    fn challenge(&self, _: &str, _: bool) -> String {
        "Bearer".to_owned()
    }
}

struct Said {
    status: u16,
    body: Vec<u8>,
    reply: Reply,
}

impl Said {
    fn header(&self, name: &str) -> &str {
        self.reply.headers().get(name).map_or("", |value| value.to_str().expect("text"))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn value(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        wire::parse(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    fn cookie(&self) -> String {
        let cookie = self.header(SET_COOKIE.as_str());
        cookie.split([';', '=']).nth(1).unwrap_or_default().to_owned()
    }
}

fn send(server: &Server, request: Request<Vec<u8>>) -> Said {
    let mut reply = server.answer(&request, &Place { url: "http://127.0.0.1/ctera", guard: &Alice });
    let body = match std::mem::replace(reply.body_mut(), Body::Whole(Vec::new())) {
        Body::Whole(body) => body,
        Body::Pieces(mut pieces) => {
            let mut body = Vec::new();
            drop(std::io::Read::read_to_end(&mut pieces, &mut body));
            body
        }
    };
    Said { status: reply.status().as_u16(), body, reply }
}

/// Somebody in a session.
struct Session<'a> {
    server: &'a Server,
    scope: &'static str,
    cookie: String,
}

fn login_in<'a>(server: &'a Server, scope: &'static str, name: &str) -> Session<'a> {
    let body = format!("j_username={name}&j_password={name}-p%26ss%25");
    let answer = send(server, Request::post(format!("/{scope}/api/login")).body(body.into_bytes()).expect("a request"));
    assert_eq!((answer.status, answer.text().as_str()), (200, "<val>Login succeed</val>"));
    let shown = format!("; Path=/{scope}; HttpOnly");
    assert!(answer.header("set-cookie").ends_with(&shown), "{}", answer.header("set-cookie"));
    Session { server, scope, cookie: answer.cookie() }
}

fn login<'a>(server: &'a Server, name: &str) -> Session<'a> {
    login_in(server, "ServicesPortal", name)
}

impl Session<'_> {
    fn send(&self, method: &str, rest: &str, body: impl Into<Vec<u8>>) -> Said {
        self.send_with(method, rest, &[], body)
    }

    fn send_with(&self, method: &str, rest: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Said {
        let mut request = Request::builder().method(method).uri(format!("/{}{rest}", self.scope));
        request = request.header(COOKIE, format!("other=1; JSESSIONID={}", self.cookie));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        send(self.server, request.body(body.into()).expect("a request"))
    }

    fn call(&self, name: &str, param: &Value) -> Said {
        self.call_at("/api", name, param)
    }

    fn call_at(&self, rest: &str, name: &str, param: &Value) -> Said {
        let call = Node::object([("type", "user-defined".into()), ("name", name.into()), ("param", Node::from(param))]);
        self.send("POST", rest, call.xml())
    }

    fn href(&self, path: &str) -> String {
        let scope = super::super::Scope::ALL.into_iter().find(|scope| scope.word() == self.scope).expect("a part");
        super::super::path::Path::parse(path).expect("a path").href(scope)
    }

    fn fetch(&self, path: &str, depth: &str, more: &Value) -> Value {
        let mut param =
            json!({"$class": "FetchResourcesParam", "start": 0, "limit": 100, "root": self.href(path), "depth": depth});
        param.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        self.call("fetchResources", &param).value()
    }

    fn names(&self, path: &str) -> Vec<String> {
        names(&self.fetch(path, "1", &Value::Null))
    }

    fn act(&self, method: &str, pairs: &[(&str, &str)], cursor: &Value) -> Value {
        let url = |(from, to): &(&str, &str)| {
            let to = if to.is_empty() { Value::Null } else { self.href(to).into() };
            json!({"$class": "SrcDstParam", "src": self.href(from), "dest": to})
        };
        let urls: Vec<Value> = pairs.iter().map(url).collect();
        let param = json!({"$class": "ActionResourcesParam", "urls": urls, "startFrom": cursor});
        self.call(method, &param).value()
    }

    fn status(&self, task: &Value) -> Value {
        self.call("getTaskStatus", task).value()
    }

    fn done(&self, method: &str, pairs: &[(&str, &str)]) -> Value {
        self.status(&self.act(method, pairs, &Value::Null))
    }

    fn read(&self, path: &str) -> String {
        let href = self.href(path);
        let answer = self.send("GET", href.strip_prefix(&format!("/{}", self.scope)).expect("a path"), "");
        assert_eq!(answer.status, 200, "{path}");
        answer.text()
    }

    fn upload(&self, path: &str, content: &str) -> Said {
        let parent = path.rsplit_once('/').expect("a folder").0;
        let uid = self.fetch(parent, "0", &Value::Null)["root"]
            .pointer("/cloudFolderInfo/uid")
            .map(|uid| uid.as_str().expect("text").to_owned());
        let name = path.rsplit('/').next().expect("a name");
        let full = format!("https://portal.example.com{}", self.href(path));
        let size = content.len().to_string();
        let fields = [("name", name), ("Filename", name), ("fullpath", &full), ("fileSize", &size)];
        self.form(&format!("/upload/folders/{}", uid.expect("a cloud folder")), &fields, content)
    }

    fn form(&self, rest: &str, fields: &[(&str, &str)], content: &str) -> Said {
        let mut body = String::new();
        for (name, value) in fields {
            body.push_str(&format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
        }
        body.push_str("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n");
        body.push_str(&format!("Content-Type: application/octet-stream\r\n\r\n{content}\r\n--b--\r\n"));
        self.send_with("POST", rest, &[("content-type", "multipart/form-data; boundary=b")], body)
    }
}

fn names(answer: &Value) -> Vec<String> {
    let items = answer["items"].as_array().expect("items");
    items.iter().map(|item| item["name"].as_str().expect("a name").to_owned()).collect()
}

fn order(server: &Server, order: &Value) {
    server.order(order).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn only_the_session_of_a_login_opens_anything() {
    let server = Server::default();
    let wrong = send(
        &server,
        Request::post("/ServicesPortal/api/login").body(b"j_username=alice&j_password=x".to_vec()).expect("a request"),
    );
    assert_eq!((wrong.status, wrong.header("set-cookie")), (403, ""));
    let none = send(&server, Request::get("/ServicesPortal/api/currentSession").body(Vec::new()).expect("a request"));
    assert_eq!((none.status, none.header("location")), (302, "/ServicesPortal/login.html"));
    // The cookie that came with it looks like one of a session.
    let poisoned = Session { server: &server, scope: "ServicesPortal", cookie: none.cookie() };
    assert!(!poisoned.cookie.is_empty());
    assert_eq!(poisoned.send("GET", "/api/currentSession", "").status, 302);

    let alice = login(&server, "alice");
    let session = alice.send("GET", "/api/currentSession", "").value();
    assert_eq!((&session["username"], &session["role"]), (&json!("alice"), &json!("EndUser")));
    let other = Session { server: &server, scope: "admin", cookie: alice.cookie.clone() };
    assert_eq!(other.send("GET", "/api/currentSession", "").status, 302);
    for (method, rest) in [
        ("GET", "/webdav/My%20Files/readme.txt"),
        ("POST", "/upload/folders/1"),
        ("POST", "/folders/folders/1"),
        ("POST", "/api"),
        ("PUT", "/api/currentPortal"),
    ] {
        assert_eq!(poisoned.send(method, rest, "").status, 302, "{rest}");
    }
    assert_eq!(alice.send("POST", "/api/logout", "").status, 200);
    assert_eq!(alice.send("GET", "/api/currentSession", "").status, 302);
    assert_eq!(server.received()["counts"]["logins"], 1);
}

#[test]
fn both_notations_say_the_same() {
    let server = Server::default();
    let alice = login(&server, "alice");
    let json = alice.send("GET", "/api/currentSession?format=jsonext", "");
    assert!(json.text().starts_with('{') && json.text().contains("objs\\/101"), "{}", json.text());
    assert_eq!(json.value()["userRef"], alice.send("GET", "/api/currentSession", "").value()["userRef"]);
    let task = alice.call_at(
        "/api?format=jsonext",
        "deleteResources",
        &json!({"urls": [{"src": "/ServicesPortal/webdav/My%20Files/readme.txt", "dest": null}]}),
    );
    assert!(task.text().starts_with("\"objs\\/101\\/acme\\/servers\\/MainDB\\/bgTasks\\/"), "{}", task.text());
}

#[test]
fn a_listing_has_pages_depths_and_what_is_not_there() {
    let server = Server::default();
    let alice = login(&server, "alice");
    assert_eq!(alice.names(""), ["My Files", "Shared With Me", "Team Site"]);
    let page = |start: u32| alice.fetch("My Files/Many", "1", &json!({"start": start}));
    for (start, count, more) in [(0, 100, "true"), (100, 100, "true"), (200, 57, "false")] {
        assert_eq!((names(&page(start)).len(), &page(start)["hasMore"]), (count, &json!(more)), "{start}");
    }
    assert_eq!(alice.fetch("My Files/none", "0", &Value::Null)["root"], Value::Null);
    assert_eq!(alice.fetch("My Files/none", "1", &Value::Null)["errorType"], "DestinationNotExists");
    let mut all = filled::NAMES.map(String::from).to_vec();
    all.sort_by_key(|name| name.to_lowercase());
    assert_eq!(alice.names("My Files/Names"), all);
    assert_eq!(alice.read("My Files/Names/file_%25_encoded.txt"), "file_%25_encoded.txt");
    assert_eq!(alice.names("My Files/Trash"), ["kept.txt"]);
    let trash = alice.fetch("My Files/Trash", "1", &json!({"includeDeleted": true}));
    assert_eq!(names(&trash), ["gone folder", "gone.txt", "kept.txt"]);
    assert_eq!(trash["items"][1]["isDeleted"], "true");
    let found = alice.fetch(
        "My Files",
        "Infinity",
        &json!({"searchFilters": [{"field": "extension", "operator": "eq", "value": "md"}]}),
    );
    assert_eq!(names(&found), ["notes.md"]);
    let found = alice.fetch(
        "My Files",
        "Infinity",
        &json!({"searchFilters": [{"field": "content", "operator": "contains", "value": "Gamma"}]}),
    );
    assert_eq!(names(&found), ["notes.md"]);
    let sorted = alice.fetch("My Files/Docs", "1", &json!({"sort": [{"field": "size", "ascending": false}]}));
    assert_eq!(names(&sorted), ["notes.md", "a b#.txt", "empty.txt", "Photos"]);
}

#[test]
fn a_poor_row_lacks_what_a_client_may_not_count_on() {
    let server = Server::default();
    let alice = login(&server, "alice");
    let rows = alice.fetch("Shared With Me", "1", &Value::Null);
    let poor = rows["items"]
        .as_array()
        .expect("rows")
        .iter()
        .find(|row| row["name"] == "Far away")
        .expect("the poor one")
        .clone();
    assert!(poor.get("fileId").is_none() && poor.get("actionsAllowed").is_none());
    assert!(poor["size"].is_null() && poor["cloudFolderInfo"].is_null());
    order(&server, &json!({"no_nulls": true}));
    let rows = alice.fetch("Shared With Me", "1", &Value::Null);
    assert!(rows["items"].as_array().expect("rows").iter().all(|row| row.get("size").is_none()));
}

#[test]
fn a_folder_is_made_or_a_word_says_why_not() {
    let server = Server::default();
    let alice = login(&server, "alice");
    let make = |parent: &str, name: &str| {
        alice.call("makeCollection", &json!({"name": name, "parentPath": alice.href(parent)})).value()
    };
    assert_eq!(make("My Files", "100% #1"), "Ok");
    assert_eq!(alice.names("My Files/100% #1"), [""; 0]);
    for (parent, name, word) in [
        ("My Files", "100% #1", "FileWithTheSameNameExist"),
        ("My Files", "readme.txt", "FileWithTheSameNameExist"),
        ("My Files/none", "x", "DestinationNotExists"),
        ("My Files", "a:b", "InvalidName"),
        ("My Files", "CON", "ReservedName"),
        ("", "New", "PermissionDenied"),
        ("", "My Files", "FileWithTheSameNameExist"),
        ("Shared With Me/Read only", "x", "PermissionDenied"),
    ] {
        assert_eq!(make(parent, name), word, "{parent}/{name}");
    }
    order(&server, &json!({"says_ok": false, "faults": [{"at": "makeCollection", "path": "zzz", "word": "Unheard"}]}));
    assert_eq!(make("My Files", "v"), Value::Null);
    assert_eq!(make("My Files", "zzz"), "Unheard");
    assert_eq!(make("My Files", "zzz"), Value::Null);
    assert_eq!(server.received()["changes"]["makeCollection My Files/v"], 1);
}

#[test]
fn actions_answer_with_tasks_that_do_them() {
    let server = Server::default();
    let alice = login(&server, "alice");
    let reference = alice.act("copyResources", &[("My Files/Docs", "My Files/Copy")], &Value::Null);
    assert_eq!(reference, "objs/101/acme/servers/MainDB/bgTasks/918908");
    for form in [reference.as_str().expect("text"), "servers/MainDB/bgTasks/918908"] {
        assert_eq!(alice.status(&form.into())["status"], "completed");
    }
    assert_eq!(
        alice.read(
            "My Files/Copy/Photos/../../Docs/a b#.txt"
                .replace("Photos/../../", "")
                .replace("Copy/Docs", "Copy")
                .as_str()
        ),
        "hello from the Portal\n"
    );
    for (method, pair) in [
        ("moveResources", ("My Files/Copy/notes.md", "My Files/Copy/renamed.md")),
        ("deleteResources", ("My Files/Docs/notes.md", "")),
        ("restoreResources", ("My Files/Docs/notes.md", "")),
        ("restoreResources", ("My Files/Trash/gone.txt", "")),
    ] {
        assert_eq!(alice.done(method, &[pair])["status"], "completed", "{method}");
    }
    assert_eq!(alice.names("My Files/Copy"), ["a b#.txt", "empty.txt", "Photos", "renamed.md"]);
    assert_eq!(alice.names("My Files/Trash"), ["gone.txt", "kept.txt"]);
    alice.done("deleteResources", &[("My Files/Docs/notes.md", "")]);
    assert_eq!(alice.names("My Files/Docs"), ["a b#.txt", "empty.txt", "Photos"]);
}

#[test]
fn a_task_fails_late_and_says_why() {
    let server = Server::default();
    let alice = login(&server, "alice");
    order(&server, &json!({"usual_task": {"polls": 2}}));
    for (method, pair, error, words) in [
        ("copyResources", ("My Files/none", "My Files/x"), json!(null), "Resource, My Files/none , doesn't exist."),
        ("copyResources", ("My Files/readme.txt", "My Files/none/x"), json!(null), "DestinationNotExists"),
        ("moveResources", ("My Files/readme.txt", "My Files/Docs"), json!("Conflict"), ""),
        ("deleteResources", ("My Files/Kept/ledger.txt", ""), json!("PermissionDenied"), ""),
        ("deleteResources", ("My Files/Kept", ""), json!("PermissionDenied"), ""),
        ("deleteResources", ("My Files", ""), json!("PermissionDenied"), ""),
        ("copyResources", ("Shared With Me/Preview only/report.txt", "My Files/x"), json!("PermissionDenied"), ""),
        ("copyResources", ("My Files/readme.txt", "Shared With Me/Read only/x"), json!("PermissionDenied"), ""),
        ("moveResources", ("Shared With Me/Read only/report.txt", "My Files/x"), json!("PermissionDenied"), ""),
    ] {
        let task = alice.act(method, &[pair], &Value::Null);
        assert_eq!([alice.status(&task), alice.status(&task)].map(|it| it["status"].clone()), ["running", "running"]);
        let end = alice.status(&task);
        assert_eq!(
            (&end["status"], &end["errorType"], &end["progstring"]),
            (&json!("failed"), &error, &json!(words)),
            "{pair:?}"
        );
    }
    let ends = json!({"tasks": [
        {"end": "stopped"}, {"end": "completed with warnings"}, {"end": "failed", "cause": "StrangeWord"}, {"end": "never"},
        {"end": "failed", "cause": "missing"}, {"end": "disabled", "meanwhile": "waiting", "polls": 1},
    ]});
    order(&server, &ends);
    for (polls, status, error) in [
        (0, "stopped", json!(null)),
        (0, "completed with warnings", json!(null)),
        (0, "failed", json!("StrangeWord")),
        (3, "running", json!(null)),
        (0, "failed", json!(null)),
        (1, "disabled", json!(null)),
    ] {
        let task = alice.act("copyResources", &[("My Files/readme.txt", "My Files/Copies")], &Value::Null);
        (0..polls).for_each(|_| drop(alice.status(&task)));
        let end = alice.status(&task);
        assert_eq!((&end["status"], &end["errorType"]), (&json!(status), &error));
    }
}

#[test]
fn conflicts_inside_a_folder_are_resolved_one_by_one_or_all_at_once() {
    let server = Server::default();
    let alice = login(&server, "alice");
    let pair = [("My Files/Merge/a/Set", "My Files/Merge/b/Set")];
    let with = |cursor: &Value, choice: Value| {
        let mut cursor = cursor.clone();
        cursor.as_object_mut().expect("a cursor").extend(choice.as_object().cloned().expect("a choice"));
        alice.status(&alice.act("copyResources", &pair, &cursor))
    };
    let one = |handler: &str| json!({"skipHandler": handler});
    let mut end = alice.done("copyResources", &pair);
    for (path, handler) in [
        ("Set", "Override"),
        ("Set/inner", "Override"),
        ("Set/inner/three.txt", "Skip"),
        ("Set/one.txt", "Override"),
        ("Set/two.txt", "Rename"),
    ] {
        assert_eq!(end["errorType"], "Conflict");
        assert_eq!(end["cursor"]["destResource"]["href"], alice.href(&format!("My Files/Merge/b/{path}")));
        end = with(&end["cursor"], one(handler));
    }
    assert_eq!(end["status"], "completed");
    assert_eq!(
        alice.names("My Files/Merge/b/Set"),
        ["inner", "one.txt", "only a.txt", "only b.txt", "two (1).txt", "two.txt"]
    );
    let read = |name: &str| alice.read(&format!("My Files/Merge/b/Set/{name}"));
    assert_eq!(
        ["inner/three.txt", "one.txt", "two.txt", "two (1).txt"].map(read),
        ["three of b", "one of a", "two of b", "two of a"]
    );

    let all = json!({"fileMoveConflictResolutaion": [{"$class": "FileMoveConflictResolutaion", "errorType": "Conflict", "handler": "Override"}]});
    let end = with(&alice.done("copyResources", &pair)["cursor"], all.clone());
    assert_eq!(end["status"], "completed");
    assert_eq!(read("two.txt"), "two of a");

    let bad = json!({"urls": [{"src": alice.href("My Files/x"), "dest": alice.href("My Files/y")}], "startFrom": {"mark": "m1"}});
    assert_eq!(alice.call("copyResources", &bad).status, 500);
    order(&server, &json!({"usual_task": {"conflict_for_ever": true}}));
    let mut end = alice.done("copyResources", &pair);
    for _ in 0..3 {
        end = with(&end["cursor"], all.clone());
        assert_eq!(end["errorType"], "Conflict");
    }
}

#[test]
fn a_second_upload_is_a_new_version_that_can_be_read_and_restored() {
    let server = Server::default();
    let alice = login(&server, "alice");
    for content in ["one", "two", "three"] {
        let answer = alice.upload("My Files/Docs/v #1.txt", content).value();
        assert_eq!((&answer["rc"], &answer["msg"]), (&json!("0"), &json!("OK")));
    }
    let all = alice.call("listSnapshots", &alice.href("My Files/Docs/v #1.txt").into()).value();
    let all: Vec<Value> = all.as_array().cloned().expect("versions");
    assert_eq!(all.iter().map(|one| one["current"].clone()).collect::<Vec<_>>(), ["true", "false", "false"]);
    let paths: Vec<String> = all
        .iter()
        .map(|one| format!("{}{}", one["url"].as_str().expect("text"), one["path"].as_str().expect("text")))
        .collect();
    let read = |href: &str| alice.send("GET", href.strip_prefix("/ServicesPortal").expect("a path"), "").text();
    assert_eq!(paths.iter().map(|href| read(href)).collect::<Vec<_>>(), ["three", "two", "one"]);
    let param = json!({"urls": [{"src": paths[2], "dest": null}], "startFrom": null});
    let task = alice.call("restoreResources", &param).value();
    assert_eq!(alice.status(&task)["status"], "completed");
    assert_eq!(alice.read("My Files/Docs/v #1.txt"), "one");
    let all = alice.call("listVersions", &alice.href("My Files/Docs/v #1.txt").into()).value();
    assert_eq!((all.as_array().map(Vec::len), &all[0]["getcontentlength"]), (Some(4), &json!("3")));
    let old = alice.call("listSnapshots", &alice.href("My Files/Docs").into()).value();
    let first = old.as_array().and_then(|all| all.last()).expect("the first").clone();
    let root = format!("{}{}", first["url"].as_str().expect("text"), first["path"].as_str().expect("text"));
    let before = alice.call("fetchResources", &json!({"root": root, "depth": 1})).value();
    assert_eq!(names(&before), [""; 0]);
}

fn attach(server: &Server, rest: &str, code: &str, password: &str) -> Said {
    let param = json!({
        "$class": "AttachedMobileDeviceParams", "deviceType": "Mobile", "deviceMac": "m1", "ssoActivationCode": code,
        "password": password, "hostname": "my-host",
    });
    let call = Node::object([
        ("type", "user-defined".into()),
        ("name", "attachMobileDevice".into()),
        ("param", (&param).into()),
    ]);
    let request = Request::post(format!("/ServicesPortal/public/users{rest}?format=jsonext"));
    send(server, request.body(call.xml().into_bytes()).expect("a request"))
}

fn form(server: &Server, path: &str, body: &str) -> Said {
    send(server, Request::post(path).body(body.as_bytes().to_vec()).expect("a request"))
}

#[test]
fn a_device_is_attached_by_code_or_password_and_logs_in_until_it_is_detached() {
    let server = Server::default();
    let page = "/ServicesPortal/activate?scheme=http%3A%2F%2F127.0.0.1%3A9%2Fback%3Fx%3D1";
    let page = send(&server, Request::get(page).body(Vec::new()).expect("a request"));
    assert!(page.text().contains("id=\"activate\"") && page.text().contains("http://127.0.0.1:9/back?x=1"));
    let back = form(&server, "/ServicesPortal/activate", "scheme=http%3A%2F%2F127.0.0.1%3A9%2Fback%3Fx%3D1&user=alice");
    let code = back.header("location").strip_prefix("http://127.0.0.1:9/back?x=1&code=").expect("a code").to_owned();
    assert_eq!(back.status, 302);
    let back = form(&server, "/ServicesPortal/activate", "scheme=ctera%3Awebsso&user=alice");
    assert!(back.header("location").starts_with("ctera:websso?code="), "{}", back.header("location"));
    let shown = form(&server, "/ServicesPortal/activate", "scheme=ctera%3Awebsso&user=alice&show=1");
    assert!(shown.text().contains("<code id=\"code\">"));
    for (body, status) in [
        ("scheme=https%3A%2F%2Fevil.example&user=alice", 400),
        ("scheme=http%3A%2F%2Fevil.example&user=alice", 400),
        ("user=gina", 403),
    ] {
        assert_eq!(form(&server, "/ServicesPortal/activate", body).status, status, "{body}");
    }

    let device = attach(&server, "", &code, "").value();
    assert_eq!((&device["deviceUID"], &device["deviceName"]), (&json!(5986), &json!("my-host")));
    assert_eq!(attach(&server, "", &code, "").status, 500, "a code is good once");
    let wrong = attach(&server, "/alice", "", "no");
    assert_eq!(
        (wrong.status, wire::parse(&wrong.body).expect("XML")["msg"].clone()),
        (500, json!("Invalid username or password"))
    );
    let again = attach(&server, "/alice", "", "alice-p&ss%").value();
    assert_eq!(again["deviceUID"], 5986, "the same machine");
    let enter = |secret: &Value| {
        let body = format!("j_username=device%5c5986&j_password={}", secret.as_str().expect("a secret"));
        form(&server, "/ServicesPortal/api/login?format=jsonext", &body)
    };
    assert_eq!(enter(&device["sharedSecret"]).status, 403);
    order(&server, &json!({"web_sso": true}));
    let entered = enter(&again["sharedSecret"]);
    assert_eq!((entered.status, entered.text().as_str()), (200, "\"Login succeed\""));
    assert_eq!(form(&server, "/ServicesPortal/api/login", "j_username=alice&j_password=alice-p%26ss%25").status, 403);
    assert_eq!(attach(&server, "/alice", "", "alice-p&ss%").status, 500);
    let info = send(&server, Request::get("/ServicesPortal/public/publicInfo").body(Vec::new()).expect("a request"));
    assert_eq!(info.value()["hasWebSSO"], "true");
    let alice = Session { server: &server, scope: "ServicesPortal", cookie: entered.cookie() };
    assert_eq!(alice.send("GET", "/api/devices", "").value()[0]["name"], "my-host");
    let ticket = alice.call_at("/api/devices/my-host", "getSessionToken", &Value::Null).value();
    assert!(ticket.as_str().is_some_and(|ticket| ticket.len() > 40));
    order(&server, &json!({"detach": true}));
    assert_eq!(enter(&again["sharedSecret"]).status, 403);
}

#[test]
fn a_ticket_is_good_once_and_its_session_wants_the_token() {
    let server = Server::default();
    let root = login_in(&server, "admin", "root");
    let ticket = root.call("getSessionToken", &json!({"username": "alice", "portal": "acme"})).value();
    let body: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("ctera_ticket", ticket.as_str().expect("a ticket"))
        .finish();
    let entered = form(&server, "/ServicesPortal/sso", &body);
    let alice = Session { server: &server, scope: "ServicesPortal", cookie: entered.cookie() };
    assert_eq!(form(&server, "/ServicesPortal/sso", &body).status, 403);
    let session = alice.send("GET", "/api/currentSession", "");
    let token = session.header("x-ctera-token").to_owned();
    let href = "/webdav/My%20Files/readme.txt";
    assert_eq!(alice.send("GET", href, "").status, 302);
    assert_eq!(alice.send_with("GET", href, &[("x-ctera-token", &token)], "").status, 200);
    for (name, portal) in [("alice", "globex"), ("nobody", "acme")] {
        assert_eq!(root.call("getSessionToken", &json!({"username": name, "portal": portal})).status, 500);
    }
    assert_eq!(
        login(&server, "bob").call("getSessionToken", &json!({"username": "alice", "portal": "acme"})).status,
        403
    );
}

#[test]
fn sessions_end_when_ordered_and_say_so_in_every_form() {
    let server = Server::default();
    let alice = login(&server, "alice");
    order(&server, &json!({"expire_at": 3}));
    let ends: Vec<u16> = (0..4).map(|_| alice.send("GET", "/api/currentTime", "").status).collect();
    assert_eq!(ends, [200, 200, 302, 302]);
    for (form, location) in [
        ("absolute", "http://127.0.0.1/ctera/ServicesPortal/login.html"),
        ("admin", "/admin/login.html"),
        ("foreign", "https://idp.example.com/sso/saml?SAMLRequest=x"),
        ("entra", "https://login.microsoftonline.com/common/saml2?SAMLRequest=x"),
        ("none", ""),
        ("/elsewhere", "/elsewhere"),
    ] {
        order(&server, &json!({"location": form}));
        let away = alice.send("POST", "/api", "");
        assert_eq!((away.status, away.header("location")), (302, location), "{form}");
        assert_eq!(away.cookie().len(), 32);
    }
    let page = send(&server, Request::get("/ServicesPortal/login.html").body(Vec::new()).expect("a request"));
    assert!(page.status == 200 && page.header("content-type").starts_with("text/html"));
    order(&server, &json!({"unauthorized": true}));
    assert_eq!(alice.send("GET", "/api/version", "").status, 401);
    order(&server, &json!({"unauthorized": false, "stray_cookie": true}));
    let alice = login(&server, "alice");
    let stray = alice.send("GET", "/api/version", "");
    assert!(stray.status == 200 && stray.cookie().len() == 32 && stray.cookie() != alice.cookie);
    let stray = Session { server: &server, scope: "ServicesPortal", cookie: stray.cookie() };
    assert_eq!(stray.send("GET", "/api/version", "").status, 302);
}

#[test]
fn a_token_counts_only_where_it_was_ordered() {
    let server = Server::default();
    let ask = |token: &str| {
        let request =
            Request::get("/ServicesPortal/api/currentSession").header("authorization", format!("Bearer {token}"));
        send(&server, request.body(Vec::new()).expect("a request"))
    };
    assert_eq!(ask("good").status, 302);
    order(&server, &json!({"bearer": true}));
    assert_eq!(ask("good").value()["username"], "bob");
    assert_eq!(ask("bad").status, 302);
    assert!(!server.received().to_string().contains("good"));
}

#[test]
fn administrators_see_tenants_and_everybody_only_their_own() {
    let server = Server::default();
    let root = login_in(&server, "admin", "root");
    let fetch = |session: &Session<'_>, path: &str| session.fetch(path, "1", &Value::Null);
    assert_eq!(root.send("GET", "/api/currentPortal", "").value(), "");
    assert_eq!(root.call("fetchResources", &json!({"root": "/admin/webdav", "depth": 1})).status, 500);
    let tenants = root.call("getPortalsDisplayInfo", &json!({"startFrom": 0, "countLimit": 1})).value();
    assert_eq!((&tenants["objects"][0]["name"], &tenants["hasMore"]), (&json!("acme"), &json!("true")));
    assert_eq!(root.send("PUT", "/api/currentPortal", "<val>nowhere</val>").status, 500);
    assert_eq!(root.send("PUT", "/api/currentPortal", "<val>globex</val>").status, 200);
    assert_eq!(root.send("GET", "/api/currentPortal", "").value(), "globex");
    assert_eq!(names(&fetch(&root, "Users")), ["Gina Goe"]);
    assert_eq!(names(&fetch(&root, "")), ["backupFolders", "backups", "Users"]);
    assert_eq!(root.send("PUT", "/api/currentPortal", "<val/>").status, 200);
    let other = login_in(&server, "admin", "root");
    assert_eq!(other.send("GET", "/api/currentPortal", "").value(), "", "a session of its own");

    let bob = login_in(&server, "admin", "bob");
    assert_eq!(bob.send("GET", "/api/currentPortal", "").value(), "acme");
    assert_eq!(bob.send("PUT", "/api/currentPortal", "<val>globex</val>").status, 403);
    assert_eq!(
        bob.send("GET", "/api/rolesSettings/readWriteAdminSettings", "").value()["canAccessEndUserFolders"],
        "true"
    );
    let alice = login(&server, "alice");
    assert_eq!(alice.send("GET", "/api/rolesSettings/readWriteAdminSettings", "").status, 404);
    assert_eq!(fetch(&alice, "Users")["errorType"], "DestinationNotExists");
    assert_eq!(form(&server, "/admin/api/login", "j_username=alice&j_password=alice-p%26ss%25").status, 403);
    assert_eq!(form(&server, "/ServicesPortal/api/login", "j_username=gina&j_password=gina-p%26ss%25").status, 403);
    let carol = login(&server, "carol");
    let end = carol.done("deleteResources", &[("Users/Alice Doe/My Files/readme.txt", "")]);
    assert_eq!(end["errorType"], "PermissionDenied");
    let dan = form(&server, "/ServicesPortal/api/login", "j_username=CORP%5Cdan&j_password=dan-p%26ss%25");
    let dan = Session { server: &server, scope: "ServicesPortal", cookie: dan.cookie() };
    let session = dan.send("GET", "/api/currentSession", "").value();
    assert_eq!((&session["domain"], &session["userRef"]), (&json!("corp.example"), &json!("objs/104/acme/ADUser/dan")));
    let own = dan.send("GET", "/api/objs/104/acme/ADUser/dan", "").value();
    assert_eq!((&own["displayName"], &own["sla"]["calculatedQuota"]), (&json!("Dan Moe"), &json!("107374182400")));
    let several = dan.call("get-multi", &json!(["/currentSession", "/currentTime", "/none"])).value();
    assert_eq!((&several["currentSession"]["username"], &several["none"]), (&json!("dan"), &Value::Null));
}

#[test]
fn downloads_have_ranges_and_refusals() {
    let server = Server::default();
    let alice = login(&server, "alice");
    let href = "/webdav/My%20Files/readme.txt";
    let whole = alice.send("GET", href, "");
    assert_eq!((whole.status, whole.text().as_str()), (200, "read me\n"));
    let tag = whole.header("etag").to_owned();
    let part = |range: &str, check: &str| alice.send_with("GET", href, &[("range", range), ("if-range", check)], "");
    for (range, status, text, shown) in [
        ("bytes=0-3", 206, "read", "bytes 0-3/8"),
        ("bytes=5-", 206, "me\n", "bytes 5-7/8"),
        ("bytes=-2", 206, "e\n", "bytes 6-7/8"),
        ("bytes=2-99", 206, "ad me\n", "bytes 2-7/8"),
    ] {
        let got = part(range, &tag);
        assert_eq!((got.status, got.text().as_str(), got.header("content-range")), (status, text, shown), "{range}");
    }
    assert_eq!(part("bytes=8-", &tag).status, 416);
    assert_eq!(part("bytes=3-2", &tag).status, 416);
    assert_eq!(part("bytes=0-3", "\"old\"").status, 200);
    order(&server, &json!({"ranges": false}));
    let whole = part("bytes=0-3", &tag);
    assert_eq!((whole.status, whole.text().len(), whole.header("accept-ranges")), (200, 8, ""));
    for (href, status) in [
        ("/webdav/My%20Files/none", 404),
        ("/webdav/My%20Files", 403),
        ("/webdav/Shared%20With%20Me/Preview%20only/report.txt", 403),
        ("/webdav/a%2Fb", 400),
    ] {
        assert_eq!(alice.send("GET", href, "").status, status, "{href}");
    }
    order(
        &server,
        &json!({"faults": [{"at": "download", "reset": true}, {"at": "download", "slow": 0}, {"at": "download", "path": "readme", "status": 500}]}),
    );
    let broken = alice.send("GET", href, "");
    assert_eq!((broken.header("content-length"), broken.text().as_str()), ("8", "read"));
    assert_eq!(alice.send("GET", href, "").text(), "read me\n");
    assert_eq!(alice.send("GET", href, "").status, 500);
    assert_eq!(alice.send("GET", href, "").status, 200);
}

#[test]
fn uploads_must_fit_their_form_and_their_folder() {
    let server = Server::default();
    let alice = login(&server, "alice");
    let said = |answer: Said| answer.value()["msg"].clone();
    assert_eq!(said(alice.upload("My Files/new é%.txt", "x")), "OK");
    assert_eq!(alice.read("My Files/new é%.txt"), "x");
    let full = alice.href("My Files/m.txt");
    assert_eq!(said(alice.form("/upload?", &[("fullpath", &full), ("Filename", "m.txt")], "mobile")), "OK");
    assert_eq!(alice.read("My Files/m.txt"), "mobile");
    assert_eq!(alice.form("/upload?", &[("Filename", "m.txt"), ("fullpath", &full)], "mobile").status, 400);
    for (path, message) in [
        ("My Files/Kept/ledger.txt", "Permission denied"),
        ("My Files/Docs", "Permission denied"),
        ("Shared With Me/Read only/x", "Permission denied"),
        ("Shared With Me/Drop box/new.txt", "OK"),
        ("Shared With Me/Drop box/report.txt", "Permission denied"),
    ] {
        assert_eq!(said(alice.upload(path, "x")), message, "{path}");
    }
    let lies = [("name", "m.txt"), ("Filename", "m.txt"), ("fullpath", &*full), ("fileSize", "99")];
    assert_ne!(said(alice.form("/upload/folders/501", &lies, "x")), "OK");
    order(
        &server,
        &json!({"quota": 3, "faults": [{"at": "upload", "refused": "Rejected by Cloud Drive policy rule"}]}),
    );
    assert_eq!(said(alice.upload("My Files/q.txt", "xx")), "Rejected by Cloud Drive policy rule");
    assert_eq!(said(alice.upload("My Files/q.txt", "xxxx")), "User is out of quota");
    order(&server, &json!({"read_only": true}));
    assert_ne!(said(alice.upload("My Files/q.txt", "x")), "OK");
    assert_eq!(alice.call("getGlobalSystemStatus", &Value::Null).value()["globalSystemStatus"], "ReadOnly");
    assert_eq!(alice.call("deleteResources", &json!({"urls": []})).status, 500);
}

#[test]
fn links_and_shares_are_made_changed_and_ended() {
    let server = Server::default();
    let alice = login(&server, "alice");
    let create = |path: &str, access: &str| {
        let share = json!({"$class": "ShareConfig", "accessMode": access, "protectionLevel": "publicLink", "expiration": "2026-12-21", "invitee": {"type": "external"}});
        alice.call("createShare", &json!({"url": alice.href(path), "share": share}))
    };
    let mut link = create("My Files/readme.txt", "ReadOnly").value();
    assert_eq!((&link["expiration"], &link["isDirectory"]), (&json!("2026-12-21"), &json!("false")));
    for (path, access, status) in [
        ("My Files/none", "ReadOnly", 500),
        ("My Files/readme.txt", "UploadOnly", 500),
        ("My Files/Docs", "UploadOnly", 200),
        ("Shared With Me/Read only/report.txt", "ReadOnly", 403),
    ] {
        assert_eq!(create(path, access).status, status, "{path} {access}");
    }
    let links = || alice.call("listPublicShares", &alice.href("My Files/readme.txt").into()).value();
    assert_eq!(links()[0]["key"], link["key"]);
    link["accessMode"] = json!("ReadWrite");
    assert_eq!(alice.call("updateShare", &link).value()["accessMode"], "ReadWrite");
    assert_eq!(links()[0]["accessMode"], "ReadWrite");
    assert_eq!(alice.call("deleteShare", &link).status, 200);
    assert_eq!(links(), json!([]));
    assert_eq!(alice.call("deleteShare", &link).status, 500);
    let shares = json!([{"accessMode": "ReadOnly", "invitee": {"type": "localUser", "name": "bob"}}]);
    alice.call("shareResource", &json!({"url": alice.href("My Files/Docs"), "shares": shares}));
    let shared = alice.call("listShares", &alice.href("My Files/Docs").into()).value();
    assert_eq!((&shared["shares"][0]["invitee"]["name"], &shared["owner"]["name"]), (&json!("bob"), &json!("alice")));
    let missing = alice.call("listShares", &alice.href("My Files/none").into());
    assert_eq!(
        (missing.status, wire::parse(&missing.body).expect("XML")["msg"].clone()),
        (500, json!("Resource does not exist"))
    );
}

#[test]
fn faults_meet_what_they_were_ordered_for_and_the_record_has_no_secrets() {
    let server = Server::default();
    let alice = login(&server, "alice");
    order(
        &server,
        &json!({"faults": [
            {"at": "fetchResources", "page": "<p>hello"}, {"at": "listShares", "message": "Resource does not exist"},
            {"at": "moveResources", "path": "readme.txt", "status": 502, "late": true}, {"at": "deleteResources", "expire": true},
            {"at": "currentTime", "times": 0, "text": "?"},
        ]}),
    );
    let listing = || alice.call("fetchResources", &json!({"root": alice.href("My Files"), "depth": 1}));
    assert!(listing().text().contains("<p>hello") && listing().value()["root"]["name"] == "My Files");
    assert_eq!(alice.call("listShares", &alice.href("My Files").into()).status, 500);
    let pair = json!({"urls": [{"src": alice.href("My Files/readme.txt"), "dest": alice.href("My Files/moved.txt")}]});
    assert_eq!(alice.call("moveResources", &pair).status, 502);
    assert_eq!(alice.read("My Files/moved.txt"), "read me\n");
    assert_eq!([0, 1].map(|_| alice.send("GET", "/api/currentTime", "").text()), ["?", "?"]);
    assert_eq!(alice.call("deleteResources", &pair).status, 302);
    for bad in [json!({"unknown": 1}), json!({"faults": [{"at": "x", "nothing": 1}]}), json!({"tasks": [{"end": 1}]})] {
        assert!(server.order(&bad).is_err(), "{bad}");
    }

    let key = login(&server, "alice").call("createApiKey", &json!("101")).value();
    attach(&server, "/alice", "", "alice-p&ss%");
    let text = server.received().to_string();
    for secret in ["p&ss", "p%26ss", alice.cookie.as_str(), key["secretKey"].as_str().expect("a key")] {
        assert!(!text.contains(secret), "{secret}");
    }
    assert_eq!(server.received()["counts"]["logins"], 2);
    order(&server, &json!({"reset": true}));
    assert_eq!((&server.received()["received"], &server.received()["sessions"]), (&json!([]), &json!(0)));
}
