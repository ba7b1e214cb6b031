//! What travels where: pages, other hosts, redirects, releases, sizes, and failures of one part.

use super::*;

/// A host that nothing may reach.
fn elsewhere() -> (Host, Arc<Mutex<Vec<String>>>) {
    let reached: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&reached);
    let host = Host::answering(move |request: &Received| {
        kept.lock().expect("a healthy lock").push(format!("{:?}", request.headers()));
        list(json!([{"id": 99, "name": "stranger"}]))
    });
    (host, reached)
}

fn rows(from: u64, count: u64) -> Value {
    (from..from + count).map(|id| json!({"id": id, "name": format!("sw{id}")})).collect()
}

#[tokio::test]
async fn the_next_page_is_computed_and_never_followed_to_where_an_answer_points() {
    let (other, reached) = elsewhere();
    let next = format!("{}/api/dcim/devices/?start=3", other.url);
    let stage = scripted("4.6", move |line, _| {
        Some(match line {
            "GET dcim/devices/?limit=2&start=0&fields=id,name" => {
                good(json!({"count": null, "next": next, "previous": null, "results": rows(10, 2)}))
            }
            "GET dcim/devices/?limit=1&fields=id" => good(json!({"count": 3, "next": next, "results": rows(10, 1)})),
            "GET dcim/devices/?limit=2&start=12&fields=id,name" => {
                good(json!({"count": null, "next": null, "previous": null, "results": rows(12, 1)}))
            }
            _ => return None,
        })
    });
    let first = stage.good("objects", json!({"type": "device", "fields": ["name"], "limit": 2})).await;
    assert_eq!((&first["next"], &first["count"]), (&json!("start-12"), &json!(3)));
    let second = json!({"type": "device", "fields": ["name"], "limit": 2, "after": first["next"]});
    let second = stage.good("objects", second).await;
    assert_eq!((second["objects"][0]["id"].as_u64(), second.get("next")), (Some(12), None));
    assert_eq!(*reached.lock().expect("a healthy lock"), [""; 0]);
}

#[tokio::test]
async fn an_order_and_an_older_release_are_read_on_by_offsets() {
    for release in ["3.7", "4.5"] {
        let stage = scripted(release, |line, _| {
            line.starts_with("GET dcim/devices/?").then(|| {
                good(json!({"count": 5, "next": "http://evil.example/", "previous": null, "results": rows(1, 2)}))
            })
        });
        let page = stage.good("objects", json!({"type": "device", "fields": ["name"], "limit": 2})).await;
        assert_eq!((&page["next"], &page["count"]), (&json!("offset-2"), &json!(5)));
        assert_eq!(stage.lines(), ["GET dcim/devices/?limit=2&offset=0&fields=id,name"]);
    }
    let stage = scripted("4.6", |line, _| {
        line.starts_with("GET dcim/devices/?").then(|| good(json!({"count": 5, "next": "x", "results": rows(1, 2)})))
    });
    let call = json!({"type": "device", "fields": ["name"], "limit": 2, "ordering": ["-name"], "after": "offset-2"});
    let page = stage.good("objects", call).await;
    assert_eq!(page["next"], "offset-4");
    assert_eq!(stage.lines(), ["GET dcim/devices/?limit=2&offset=2&fields=id,name&ordering=-name"]);
}

#[tokio::test]
async fn a_token_does_not_follow_a_redirect() {
    let (other, reached) = elsewhere();
    for status in [301, 302, 307, 308] {
        let to = format!("{}/api/dcim/devices/", other.url);
        let stage = scripted("4.6", move |line, _| {
            line.starts_with("GET dcim/").then(|| {
                let mut reply = said(status, json!({}));
                reply.headers_mut().insert("location", HeaderValue::from_str(&to).expect("an address"));
                reply
            })
        });
        let error = stage.call("objects", json!({"type": "device"})).await.expect_err("a redirect");
        assert!(matches!(error, Error::Protocol { .. } | Error::Rejected { .. }), "{error:?}");
    }
    assert_eq!(*reached.lock().expect("a healthy lock"), [""; 0]);
}

#[tokio::test]
async fn the_login_page_of_a_proxy_is_told_from_an_answer() {
    let page = |status: u16, location: Option<&'static str>| {
        scripted("4.6", move |line, _| {
            line.starts_with("GET dcim/").then(|| {
                let mut page = reply(status, ("content-type", "text/html"), "<html>Sign in</html>");
                if let Some(to) = location {
                    page.headers_mut().insert("location", HeaderValue::from_static(to));
                }
                page
            })
        })
    };
    for stage in [page(200, None), page(302, Some("/login/?next=/"))] {
        let error = stage.call("objects", json!({"type": "device"})).await.expect_err("no answer");
        assert!(matches!(error, Error::Rejected { .. }), "{error:?}");
    }
    let error = page(502, None).call("objects", json!({"type": "device"})).await.expect_err("no answer");
    assert!(matches!(error, Error::Server { status: 502, .. }), "{error:?}");
}

/// A login for what stands in front, which can be renewed once.
struct Bearer(std::sync::atomic::AtomicU64);

impl CredentialSource for Bearer {
    fn credential(&self) -> Boxed<'_, Result<Option<Credential>, Unavailable>> {
        Box::pin(async { Ok(Some(self.now())) })
    }

    fn replace<'a>(&'a self, _: &'a Credential) -> Boxed<'a, Result<Option<Credential>, Unavailable>> {
        self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Box::pin(async { Ok(Some(self.now())) })
    }
}

impl Bearer {
    fn now(&self) -> Credential {
        let generation = self.0.load(std::sync::atomic::Ordering::SeqCst);
        let value = Secret::new(format!("Bearer access-{generation}"));
        Credential { header: Some("authorization"), value, companion: None, generation, proof: None }
    }
}

/// A proxy that answers so, seen with a login that can be renewed.
fn behind(status: u16, location: Option<&'static str>) -> Stage {
    let stage = scripted("4.6", move |line, _| {
        Some(match line {
            "OPTIONS dcim/devices/" => return Some(good(json!({"actions": {"POST": {"name": {}}}}))),
            line if !line.contains("dcim/devices/") => return None,
            _ => {
                let mut page = reply(status, ("content-type", "text/html"), "<html>Sign in</html>");
                if let Some(to) = location {
                    page.headers_mut().insert("location", HeaderValue::from_static(to));
                }
                page
            }
        })
    });
    let bearer = Arc::new(Bearer(std::sync::atomic::AtomicU64::new(1)));
    let connection = Connection { credentials: bearer, way: Way::OAuth, ..stage.connection };
    Stage { tools: BACKEND.tools(&connection), connection, seen: stage.seen }
}

#[tokio::test]
async fn what_a_proxy_refuses_is_renewed_once_and_a_write_is_never_sent_again_after_a_redirect() {
    // A status, where it leads, and how often a read and a write are sent.
    for (status, location, reads, writes) in [
        (401, None, 2, 2),
        (302, Some("https://sso.example.com/login"), 2, 1),
        (303, Some("/dcim/devices/7/"), 2, 1),
        (200, None, 1, 1),
        (403, None, 1, 1),
    ] {
        let stage = behind(status, location);
        let read = stage.call("objects", json!({"type": "device"})).await.expect_err("no answer");
        let sent = |method: &str| stage.sent().iter().filter(|seen| seen.line.starts_with(method)).count();
        assert_eq!(sent("GET dcim/"), reads, "{status} {location:?}");
        match status {
            403 => assert!(
                matches!(&read, Error::Forbidden { said, .. } if said.contains("in front of NetBox")),
                "{read:?}"
            ),
            _ => assert!(matches!(read, Error::Rejected { .. }), "{status}: {read:?}"),
        }
        let call = json!({"type": "device", "values": {"name": "sw6"}});
        let question = stage.question("create", call.clone()).await;
        let write = stage.with("create", call, Agreed::to(question)).await.expect_err("no answer");
        assert_eq!(sent("POST"), writes, "{status} {location:?}");
        // After a redirect nobody knows what became of it.
        assert_eq!(matches!(write, Error::MaybeDone { .. }), location.is_some(), "{status}: {write:?}");
    }
}

#[tokio::test]
async fn a_long_list_is_cut_to_what_has_room_and_goes_on_behind_it() {
    let stage = scripted("4.6", |line, _| {
        let rows: Vec<Value> = (1..=100).map(|id| json!({"id": id, "name": "x".repeat(900)})).collect();
        line.starts_with("GET dcim/devices/").then(|| good(json!({"count": null, "next": null, "results": rows})))
    });
    let page = stage.good("objects", json!({"type": "device", "fields": ["name"], "limit": 100})).await;
    let returned = page["returned"].as_u64().expect("a number");
    assert!(returned < 60 && page.to_string().len() < 60_000, "{returned}");
    assert_eq!(page["next"], format!("start-{}", returned + 1));
}

#[tokio::test]
async fn older_releases_have_other_paths_and_other_names() {
    let stage = scripted("3.7", |line, _| {
        Some(match line {
            line if line.starts_with("GET extras/object-changes/") => list(json!([])),
            line if line.starts_with("GET dcim/devices/") => {
                list(json!([{"id": 1, "name": "sw1", "device_role": {"id": 3, "display": "Access"}}]))
            }
            _ => return None,
        })
    });
    stage.good("changes", json!({"type": "device", "id": 1})).await;
    assert!(
        stage
            .lines()
            .pop()
            .is_some_and(|line| line.starts_with("GET extras/object-changes/?changed_object_type=dcim.device"))
    );
    let devices = stage.good("objects", json!({"type": "device"})).await;
    assert_eq!(devices["objects"][0]["role"], json!({"id": 3, "display": "Access"}));
    let named = stage.good("objects", json!({"type": "device", "fields": ["role"]})).await;
    assert_eq!(named["objects"][0]["role"]["id"], 3);
    assert!(stage.lines().iter().all(|line| !line.contains("start=")));
}

#[tokio::test]
async fn one_type_that_fails_does_not_hide_what_the_others_found() {
    let stage = scripted("4.6", |line, _| {
        Some(match line {
            line if line.starts_with("GET dcim/devices/") => list(json!([{"id": 1, "name": "sw1"}])),
            line if line.starts_with("GET dcim/racks/") => {
                said(403, json!({"detail": "You do not have permission to perform this action."}))
            }
            line if line.starts_with("GET dcim/sites/") => said(500, json!({"error": "e", "exception": "E"})),
            _ => list(json!([])),
        })
    });
    let found = stage.good("search", json!({"query": "sw1"})).await;
    assert_eq!((&found["total"], &found["found"][0]["type"]), (&json!(1), &json!("dcim.device")));
    let failed: Vec<&str> =
        found["failed"].as_array().expect("failures").iter().filter_map(|one| one["kind"].as_str()).collect();
    assert_eq!(failed, ["service_down", "not_allowed"]);
    assert!(found["nothing_in"].as_array().expect("types").len() > 8);
    // A login that is over is not "nothing found".
    let over = scripted("4.6", |line, _| match line {
        line if line.starts_with("GET dcim/") => Some(said(403, json!({"detail": "Token expired"}))),
        _ => Some(list(json!([]))),
    });
    let error = over.call("search", json!({"query": "sw1"})).await.expect_err("no login");
    assert!(matches!(error, Error::Rejected { .. }), "{error:?}");
}

#[tokio::test]
async fn nothing_secret_is_shown_of_a_token() {
    let stage = scripted("4.4", |line, _| {
        let row = json!({
            "id": 3, "display": "0123456789abcdef0123456789abcdef01234567", "key": "canary-key", "write_enabled": true,
            "user": {"id": 2, "display": "jdoe", "username": "jdoe"}, "expires": "2027-01-01T00:00:00Z",
        });
        match line {
            "GET users/tokens/3/" => Some(good(row)),
            line if line.starts_with("GET users/tokens/") => Some(list(json!([row]))),
            _ => None,
        }
    });
    for (tool, call) in [
        ("objects", json!({"type": "token", "fields": ["all"]})),
        ("objects", json!({"type": "token", "fields": ["key", "display"]})),
        ("object", json!({"type": "token", "id": 3})),
        ("status", json!({})),
    ] {
        let output = stage.call(tool, call).await.expect("an answer");
        let (text, fields) = (output.content.get().to_owned(), output.structured.expect("fields"));
        assert!(!text.contains("canary") && !fields.get().contains("canary"), "{text}");
        assert!(!text.contains("89abcdef0123") && !fields.get().contains("89abcdef0123"), "{text}");
    }
    let status = stage.good("status", json!({})).await;
    assert_eq!((&status["user"]["username"], &status["token"]["write_enabled"]), (&json!("jdoe"), &json!(true)));
    assert_eq!(status["token"]["expires"], "2027-01-01T00:00:00Z");
}

#[tokio::test]
async fn what_the_plugins_of_an_instance_have_is_found_by_its_name() {
    let stage = scripted("4.6", |line, _| {
        Some(match line {
            line if line.starts_with("GET core/object-types/") => list(json!([
                {"app_label": "bgp", "model": "session", "rest_api_endpoint": "https://evil.example/api/plugins/bgp/sessions/"},
                {"app_label": "bgp", "model": "evil", "rest_api_endpoint": "//evil.example/x"},
                {"app_label": "dcim", "model": "device", "rest_api_endpoint": "/api/dcim/devices/"},
                {"app_label": "auth", "model": "group", "rest_api_endpoint": null},
            ])),
            line if line.starts_with("GET plugins/bgp/sessions/") => list(json!([{"id": 1, "name": "peer"}])),
            _ => return None,
        })
    });
    let found = stage.good("objects", json!({"type": "bgp.session"})).await;
    assert_eq!(found["objects"][0]["name"], "peer");
    let types = stage.good("types", json!({"query": "bgp"})).await;
    assert_eq!(types["types"], json!([{"type": "bgp.session", "path": "plugins/bgp/sessions", "from_instance": true}]));
    let old = scripted("4.2", |line, _| {
        Some(match line {
            "GET plugins/" => good(json!({"installed-plugins": "x", "bgp": "https://evil.example/"})),
            "GET plugins/bgp/" => good(json!({"sessions": "https://evil.example/", "../users": "x"})),
            "GET plugins/bgp/sessions/?limit=25&offset=0" => list(json!([{"id": 1, "name": "peer"}])),
            _ => return None,
        })
    });
    let types = old.good("types", json!({"query": "bgp"})).await;
    assert_eq!(
        types["types"],
        json!([{"type": "plugins/bgp/sessions", "path": "plugins/bgp/sessions", "from_instance": true}])
    );
    let found = old.good("objects", json!({"type": types["types"][0]["type"]})).await;
    assert_eq!(found["objects"][0]["name"], "peer");
    // A name of which NetBox knows nothing would find nothing, and look like no changes.
    let error = old.error("changes", json!({"type": "plugins/bgp/sessions"})).await;
    assert!(error.contains("how NetBox calls the type of `plugins/bgp/sessions` is not known"), "{error}");
    assert!(!old.lines().iter().any(|line| line.contains("object-changes")), "{:?}", old.lines());
}

#[tokio::test]
async fn another_release_makes_what_was_known_of_the_old_one_void() {
    let upgraded = std::sync::atomic::AtomicBool::new(false);
    let stage = scripted("4.5", move |line, _| {
        let mut reply = match line {
            line if line.starts_with("GET schema/") => schema("dcim/devices", &["custom"]),
            line if line.starts_with("GET dcim/devices/") => list(json!([])),
            _ => return None,
        };
        let release = if upgraded.swap(true, std::sync::atomic::Ordering::SeqCst) { "4.6" } else { "4.5" };
        reply.headers_mut().insert("api-version", HeaderValue::from_static(release));
        Some(reply)
    });
    for _ in 0..2 {
        stage.good("objects", json!({"type": "device", "filters": {"custom": 1}})).await;
    }
    assert_eq!(stage.lines().iter().filter(|line| line.starts_with("GET schema/")).count(), 2);
}

#[tokio::test]
async fn an_object_with_an_address_is_read_by_id_and_by_name() {
    let stage = scripted("4.6", |line, _| {
        Some(match line {
            "GET dcim/sites/3/" => good(json!({"id": 3, "name": "HQ", "url": "x"})),
            line if line.starts_with("GET dcim/sites/?") => {
                list(json!([{"id": 3, "display": "HQ", "name": "HQ", "slug": "hq"}]))
            }
            _ => return None,
        })
    });
    let all = BACKEND.resources(&stage.connection);
    let read = |name: &str, which: &str| {
        let resource = all.iter().find(|resource| resource.name == name).expect("a resource of that name");
        resource.reader.read(which.to_owned(), crate::backends::Host::default())
    };
    for (name, which) in [("dcim.site", "3"), ("dcim.site", "HQ"), ("object", "dcim.site:3"), ("object", "site:hq")] {
        match read(name, which).await.expect("a text") {
            crate::backends::resource::Contents::Text(text) => assert_eq!(text, r#"{"id":3,"name":"HQ"}"#, "{which}"),
            other => panic!("a text: {other:?}"),
        }
    }
    for (name, which) in [("dcim.site", "9"), ("object", "3"), ("object", "nothing:3"), ("dcim.site", "../users/1")] {
        let error = read(name, which).await.expect_err("there is none");
        assert!(matches!(error, Error::Arguments(_)), "{which}: {error:?}");
    }
    assert!(stage.lines().iter().all(|line| line.starts_with("GET dcim/sites/")
        || line.starts_with("GET core/")
        || line.starts_with("GET plugins/")));
}
