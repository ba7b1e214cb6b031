//! Writes: asked about, sent once, and only what was agreed to.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

/// The fields that may be written.
fn options() -> Reply {
    let field = |read_only: bool| json!({"type": "string", "required": false, "read_only": read_only});
    good(json!({"actions": {"POST": {
        "id": field(true), "name": field(false), "site": field(false), "status": field(false), "tags": field(false),
        "custom_fields": field(false), "comments": field(false),
    }}}))
}

/// A schema that says which fields take null.
fn nullable() -> Reply {
    let page = json!({"$ref": "#/components/schemas/Page"});
    let request = json!({"$ref": "#/components/schemas/Request"});
    good(json!({
        "paths": {"/api/dcim/devices/": {
            "get": {"responses": {"200": {"content": {"application/json": {"schema": page}}}}},
            "post": {"requestBody": {"content": {"application/json": {"schema": request}}}},
        }},
        "components": {"schemas": {
            "Page": {"properties": {"results": {"items": {"$ref": "#/components/schemas/One"}}}},
            "One": {"properties": {"id": {}, "name": {}}},
            "Request": {"properties": {
                "status": {"type": "string", "enum": ["active"]}, "comments": {"type": "string"},
                "site": {"oneOf": [{"type": "integer"}], "nullable": true}, "name": {"type": "string", "nullable": true},
            }},
        }},
    }))
}

fn device() -> Value {
    json!({
        "id": 5, "display": "sw5", "name": "sw5", "status": {"value": "active", "label": "Active"},
        "site": {"id": 3, "display": "HQ"}, "comments": "", "interface_count": 24, "last_updated": "2026-01-01T00:00:00Z",
        "custom_fields": {"rate": 1},
    })
}

fn tagged(mut reply: Reply) -> Reply {
    reply.headers_mut().insert("etag", HeaderValue::from_static("W/\"1\""));
    reply.headers_mut().insert("x-request-id", HeaderValue::from_static("0000-1"));
    reply
}

fn stage() -> Stage {
    scripted("4.6", |line, _| {
        Some(match line {
            "OPTIONS dcim/devices/" | "OPTIONS dcim/devices/5/" => options(),
            "GET schema/?format=json" => nullable(),
            line if line.starts_with("GET extras/tags/") => {
                list(json!([{"id": 2, "display": "lab", "name": "lab", "slug": "lab"}]))
            }
            "GET dcim/devices/5/" => tagged(good(device())),
            line if line.starts_with("GET dcim/sites/?slug__ie=") => {
                list(json!([{"id": 4, "display": "Branch", "slug": "branch"}]))
            }
            line if line.starts_with("GET dcim/sites/?name__ie=") => list(json!([])),
            "GET dcim/sites/9/?fields=id,display" => good(json!({"id": 9, "display": "Nine"})),
            "POST dcim/devices/" => tagged(said(201, json!({"id": 6, "name": "sw6"}))),
            "PATCH dcim/devices/5/" => tagged(good(device())),
            "DELETE dcim/devices/5/" => tagged(reply(204, ("content-type", "application/json"), "")),
            _ => return None,
        })
    })
}

fn is_write(seen: &Seen) -> bool {
    ["POST", "PATCH", "PUT", "DELETE"].iter().any(|method| seen.line.starts_with(method))
}

impl Stage {
    fn writes(&self) -> Vec<Seen> {
        self.sent().into_iter().filter(is_write).collect()
    }

    async fn agreeing(&self, name: &str, arguments: Value) -> Result<Output, Error> {
        let question = self.question(name, arguments.clone()).await;
        self.with(name, arguments, Agreed::to(question)).await
    }
}

#[tokio::test]
async fn nothing_is_written_without_a_yes_to_exactly_this() {
    let stage = stage();
    let create = |name: &str| json!({"type": "device", "values": {"name": name, "site": "branch"}});
    let update = json!({"type": "device", "id": 5, "values": {"name": "x"}});
    let delete = json!({"type": "device", "id": 5});
    let question = stage.question("create", create("sw6")).await;
    let yes = Agreed::to(question);
    for (tool, call) in [("create", create("other")), ("update", update), ("delete", delete)] {
        for agreed in [Agreed::default(), yes.clone()] {
            let error = stage.with(tool, call.clone(), agreed).await.expect_err("no yes");
            assert!(matches!(error, Error::Unconfirmed { .. }), "{tool}: {error:?}");
        }
    }
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    let output = stage.with("create", create("sw6"), yes).await.expect("created");
    assert_eq!(stage.fields("create", output)["object"]["id"], 6);
    let [write] = stage.writes().try_into().expect("one request");
    assert_eq!((write.line.as_str(), write.body), ("POST dcim/devices/", json!({"name": "sw6", "site": 4})));
}

#[tokio::test]
async fn the_person_sees_what_is_created_with_the_names_behind_ids() {
    let stage = stage();
    let call = json!({"type": "device", "values": {"name": "sw6", "site": 9}, "message": "for the new floor"});
    let question = stage.question("create", call).await;
    for line in [
        "Create this object in NetBox?",
        "type: \"dcim.device\"",
        "name: \"sw6\"",
        "site: \"Nine (id 9)\"",
        "message in the change log: \"for the new floor\"",
    ] {
        assert!(question.lines().any(|one| one == line), "{line}\n{question}");
    }
}

#[tokio::test]
async fn a_change_is_shown_field_by_field_and_bound_to_the_state_that_was_seen() {
    let stage = stage();
    let call = json!({"type": "device", "id": 5, "values": {
        "name": "sw5", "status": "planned", "site": "branch", "custom_fields": {"rate": 2},
    }, "message": "moved"});
    let question = stage.question("update", call.clone()).await;
    for line in [
        "object: \"sw5\"",
        "status is now: \"active\"",
        "status becomes: \"planned\"",
        "site is now: \"HQ (3)\"",
        "site becomes: \"Branch (id 4)\"",
        "custom_fields.rate is now: 1",
        "custom_fields.rate becomes: 2",
    ] {
        assert!(question.lines().any(|one| one == line), "{line}\n{question}");
    }
    assert!(!question.contains("name is now"), "{question}");
    let output = stage.with("update", call, Agreed::to(question)).await.expect("changed");
    let fields = stage.fields("update", output);
    assert_eq!(fields["request_id"], "0000-1");
    assert_eq!(fields["changes"].as_array().map(Vec::len), Some(3));
    let [write] = stage.writes().try_into().expect("one request");
    assert_eq!(write.matching.as_deref(), Some("W/\"1\""));
    assert_eq!(
        write.body,
        json!({"status": "planned", "site": 4, "custom_fields": {"rate": 2}, "changelog_message": "moved"})
    );
}

#[tokio::test]
async fn what_is_so_already_is_not_written() {
    let stage = stage();
    let call =
        json!({"type": "device", "id": 5, "values": {"name": "sw5", "status": "active", "site": 9, "comments": ""}});
    let question = stage.question("update", call).await;
    assert!(question.contains("site becomes") && !question.contains("status"), "{question}");
    let same = stage.good("update", json!({"type": "device", "id": 5, "values": {"name": "sw5"}})).await;
    assert_eq!(same["changes"], json!([]));
    assert!(stage.writes().is_empty());
}

#[tokio::test]
async fn an_object_that_changed_after_the_question_is_asked_about_again() {
    let changed = AtomicU64::new(0);
    let stage = scripted("4.6", move |line, _| {
        Some(match line {
            "OPTIONS dcim/devices/5/" => options(),
            "GET dcim/devices/5/" => {
                let mut device = device();
                device["last_updated"] =
                    json!(format!("2026-01-0{}T00:00:00Z", changed.fetch_add(1, Ordering::SeqCst) + 1));
                good(device)
            }
            "PATCH dcim/devices/5/" => said(412, json!({"detail": "Precondition failed."})),
            _ => return None,
        })
    });
    let call = json!({"type": "device", "id": 5, "values": {"status": "planned"}});
    let error = stage.agreeing("update", call).await.expect_err("another state");
    assert!(matches!(error, Error::Unconfirmed { .. }), "{error:?}");
    assert!(stage.writes().is_empty());
}

#[tokio::test]
async fn refusals_of_a_write_say_what_was_wrong() {
    for (status, body, said_so) in [
        (400, json!({"name": ["This field may not be blank."]}), "`name`: This field may not be blank."),
        (403, json!({"detail": "You do not have permission to perform this action."}), "the token may only read"),
        (
            409,
            json!({"detail": "Unable to delete object. 3 dependent objects were found: sw1 (12)"}),
            "3 dependent objects were found: sw1 (12)",
        ),
        (412, json!({"detail": "Precondition failed."}), "somebody has changed it since it was looked at"),
    ] {
        let stage = scripted("4.6", move |line, _| {
            Some(match line {
                "OPTIONS dcim/devices/5/" => options(),
                "GET dcim/devices/5/" => good(device()),
                line if line.starts_with("PATCH") => said(status, body.clone()),
                _ => return None,
            })
        });
        let call = json!({"type": "device", "id": 5, "values": {"status": "planned"}});
        let error = stage.agreeing("update", call).await.expect_err("a refusal").to_string();
        assert!(error.contains(said_so), "{status}: {error}");
        assert_eq!(stage.writes().len(), 1);
    }
}

#[tokio::test]
async fn a_write_with_a_lost_answer_is_not_sent_again_and_may_have_been_done() {
    for status in [500, 502, 503, 504] {
        let stage = scripted("4.6", move |line, _| {
            Some(match line {
                "OPTIONS dcim/devices/" => options(),
                "POST dcim/devices/" => reply(status, ("content-type", "text/html"), "<html>"),
                _ => return None,
            })
        });
        let call = json!({"type": "device", "values": {"name": "sw6"}});
        let error = stage.agreeing("create", call).await.expect_err("no answer");
        assert!(matches!(error, Error::MaybeDone { .. }), "{status}: {error:?}");
        assert_eq!(stage.writes().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_field_that_cannot_be_written_is_refused_before_anybody_is_asked() {
    let stage = stage();
    for (values, said_so) in [
        (json!({"nmae": "x"}), "dcim.device has no field `nmae` that can be written; did you mean `name`?"),
        (json!({"id": 7}), "dcim.device has no field `id` that can be written"),
        (
            json!({"device_role": 1}),
            "dcim.device has no field `device_role` that can be written: it is `role` since release 4.0",
        ),
        (json!({"site": "nowhere\u{202e}"}), "there is no dcim.site called"),
        (json!({"name\nyes": "x"}), "has no field `name yes`"),
        (json!({}), "`values` is empty"),
    ] {
        let error = stage.error("create", json!({"type": "device", "values": values})).await;
        assert!(error.contains(said_so), "{error}");
    }
    let error = stage.error("create", json!({"type": "token", "values": {"user": 1}})).await;
    assert!(error.contains("accounts, rights and tokens are not changed from here"), "{error}");
    let error = stage.error("delete", json!({"type": "users.user", "id": 1})).await;
    assert!(error.contains("are not changed from here"), "{error}");
    assert!(stage.writes().is_empty());
}

#[tokio::test]
async fn a_deletion_says_what_the_object_has() {
    let stage = stage();
    let call = json!({"type": "device", "id": 5, "message": "gone"});
    let question = stage.question("delete", call.clone()).await;
    for line in ["Delete this object in NetBox for good?", "id: 5", "it has: {\"interface_count\":24}"] {
        assert!(question.lines().any(|one| one == line), "{line}\n{question}");
    }
    let output = stage.with("delete", call, Agreed::to(question)).await.expect("deleted");
    assert_eq!(stage.fields("delete", output)["deleted"], "sw5");
    let [write] = stage.writes().try_into().expect("one request");
    assert_eq!((write.line.as_str(), write.body), ("DELETE dcim/devices/5/", json!({"changelog_message": "gone"})));
    assert_eq!(write.matching.as_deref(), Some("W/\"1\""));
}

#[tokio::test]
async fn the_next_free_one_is_taken_in_one_request() {
    let stage = scripted("4.6", |line, _| {
        Some(match line {
            line if line.starts_with("GET ipam/prefixes/?prefix=10.0.0.0/24") => {
                list(json!([{"id": 7, "display": "10.0.0.0/24", "prefix": "10.0.0.0/24"}]))
            }
            "GET ipam/prefixes/7/?fields=id,display" => good(json!({"id": 7, "display": "10.0.0.0/24"})),
            "GET ipam/prefixes/7/" => good(json!({"id": 7, "prefix": "10.0.0.0/24"})),
            line if line.starts_with("GET ipam/prefixes/7/available-ips/") => {
                good(json!([{"family": 4, "address": "10.0.0.3/24"}, {"family": 4, "address": "10.0.0.4/24"}]))
            }
            line if line.starts_with("GET ipam/prefixes/7/available-prefixes/") => good(json!([
                {"family": 4, "prefix": "10.0.0.8/30"}, {"family": 4, "prefix": "10.0.0.16/28"},
            ])),
            "POST ipam/prefixes/7/available-ips/" => {
                said(201, json!([{"id": 1, "address": "10.0.0.3/24"}, {"id": 2, "address": "10.0.0.4/24"}]))
            }
            "POST ipam/prefixes/7/available-prefixes/" => {
                said(409, json!({"detail": "Insufficient resources are available to satisfy the request"}))
            }
            "OPTIONS ipam/ip-addresses/" | "OPTIONS ipam/prefixes/" => {
                good(json!({"actions": {"POST": {"dns_name": {}, "description": {}}}}))
            }
            _ => return None,
        })
    });
    let call = json!({"what": "addresses", "name": "10.0.0.0/24", "count": 2, "values": {"dns_name": "a.example"}});
    let question = stage.question("allocate", call.clone()).await;
    for line in [
        "out of: \"ipam.prefix 10.0.0.0/24 (id 7)\"",
        "how many: 2",
        "the first free one is: \"10.0.0.3/24\"",
        "dns_name: \"a.example\"",
    ] {
        assert!(question.lines().any(|one| one == line), "{line}\n{question}");
    }
    let output = stage.with("allocate", call, Agreed::to(question)).await.expect("taken");
    assert_eq!(stage.fields("allocate", output)["objects"][1]["address"], "10.0.0.4/24");
    assert_eq!(stage.writes()[0].body, json!([{"dns_name": "a.example"}, {"dns_name": "a.example"}]));
    let call = json!({"what": "prefixes", "id": 7, "prefix_length": 28});
    let question = stage.question("allocate", call.clone()).await;
    assert!(question.contains("from the free space: \"10.0.0.16/28\""), "{question}");
    let error = stage.with("allocate", call, Agreed::to(question)).await.expect_err("full").to_string();
    assert!(error.contains("Insufficient resources"), "{error}");
    let free = stage.good("free", json!({"what": "prefixes", "id": 7, "prefix_length": 28})).await;
    assert_eq!(free["free"], json!(["10.0.0.16/28"]));
    for call in [
        json!({"what": "prefixes", "id": 7}),
        json!({"what": "addresses", "id": 7, "prefix_length": 28}),
        json!({"what": "vlans", "id": 7}),
    ] {
        assert!(stage.call("allocate", call).await.is_err());
    }
    let call = json!({"what": "vlans", "id": 7, "count": 2, "values": {"name": "a"}});
    let error = stage.call("allocate", call).await.expect_err("one name for two").to_string();
    assert!(error.contains("one by one"), "{error}");
}

#[tokio::test]
async fn null_is_refused_before_the_question_where_a_field_always_has_a_value() {
    let stage = stage();
    for (values, said_so) in [
        (json!({"status": null}), "`status` of dcim.device takes no null: it always has a value"),
        (json!({"comments": null}), "`comments` of dcim.device takes no null: an empty text empties it"),
    ] {
        let error = stage.error("update", json!({"type": "device", "id": 5, "values": values.clone()})).await;
        assert!(error.contains(said_so), "{error}");
        let error = stage.error("create", json!({"type": "device", "values": values})).await;
        assert!(error.contains(said_so), "{error}");
    }
    let question = stage.question("update", json!({"type": "device", "id": 5, "values": {"site": null}})).await;
    assert!(question.contains("site becomes: null"), "{question}");
    // What no schema says is up to NetBox.
    let silent = scripted("4.6", |line, _| match line {
        "OPTIONS dcim/devices/" => Some(options()),
        _ => None,
    });
    let question = silent.question("create", json!({"type": "device", "values": {"status": null}})).await;
    assert!(question.contains("status: null"), "{question}");
    assert!(stage.writes().is_empty() && silent.writes().is_empty());
}

#[tokio::test]
async fn what_a_type_or_a_release_does_not_take_is_never_sent_to_be_ignored() {
    let bare = |release| {
        scripted(release, |line, _| {
            Some(match line {
                line if line.starts_with("OPTIONS ipam/roles/") => {
                    good(json!({"actions": {"POST": {"name": {}, "slug": {}}}}))
                }
                line if line.starts_with("OPTIONS dcim/devices/") => options(),
                line if line.starts_with("GET extras/tags/") => {
                    list(json!([{"id": 2, "display": "lab", "name": "lab", "slug": "lab"}]))
                }
                _ => return None,
            })
        })
    };
    let new = bare("4.6");
    for (kind, field, said_so) in [
        ("ipam.role", "tags", "ipam.role has no field `tags` that can be written"),
        ("ipam.role", "add_tags", "ipam.role has no field `add_tags` that can be written"),
        ("ipam.role", "custom_fields", "ipam.role has no field `custom_fields` that can be written"),
        ("device", "changelog_message", "`message` of the call is for it"),
    ] {
        let error = new.error("create", json!({"type": kind, "values": {"name": "x", field: ["lab"]}})).await;
        assert!(error.contains(said_so), "{error}");
    }
    let question =
        new.question("create", json!({"type": "device", "values": {"name": "x", "add_tags": ["lab"]}})).await;
    assert!(question.contains("add_tags: [\"lab (id 2)\"]"), "{question}");
    let error = bare("4.5").error("create", json!({"type": "device", "values": {"add_tags": ["lab"]}})).await;
    assert!(error.contains("before release 4.6; `tags` takes the whole list"), "{error}");
}

#[tokio::test]
async fn a_message_is_sent_where_it_is_kept_and_left_out_with_words_elsewhere() {
    let logging = |release, features: Value| {
        scripted(release, move |line, _| {
            Some(match line {
                line if line.starts_with("GET core/object-types/") => {
                    list(json!([{"app_label": "dcim", "model": "device", "features": features}]))
                }
                "OPTIONS dcim/devices/" => options(),
                "POST dcim/devices/" => said(201, json!({"id": 6, "name": "x"})),
                _ => return None,
            })
        })
    };
    for (release, features, is_sent) in [
        ("4.6", json!(["change_logging", "tags"]), true),
        ("4.6", json!(["tags"]), false),
        ("4.6", Value::Null, true),
        ("4.3", json!(["change_logging"]), false),
    ] {
        let stage = logging(release, features.clone());
        let call = json!({"type": "device", "values": {"name": "x"}, "message": "why"});
        let output = stage.agreeing("create", call).await.expect("created");
        let fields = stage.fields("create", output);
        let body = stage.writes().pop().expect("one request").body;
        assert_eq!(body.get("changelog_message").is_some(), is_sent, "{release} {features}");
        assert_eq!(fields["notes"].to_string().contains("`message` was not sent"), !is_sent, "{fields}");
    }
}

#[tokio::test]
async fn a_change_that_is_bound_to_no_state_says_so_before_and_after() {
    // A mark that the release does not heed binds nothing either.
    for (release, has_mark, is_bound) in [("4.6", true, true), ("4.6", false, false), ("4.5", true, false)] {
        let stage = scripted(release, move |line, _| {
            let reply = match line {
                "OPTIONS dcim/devices/5/" => options(),
                "GET dcim/devices/5/" | "PATCH dcim/devices/5/" => good(device()),
                "DELETE dcim/devices/5/" => reply(204, ("content-type", "application/json"), ""),
                _ => return None,
            };
            Some(if has_mark { tagged(reply) } else { reply })
        });
        let update = json!({"type": "device", "id": 5, "values": {"status": "planned"}});
        for (tool, call) in [("update", update), ("delete", json!({"type": "device", "id": 5}))] {
            let question = stage.question(tool, call.clone()).await;
            assert_eq!(question.contains("marks no states of objects"), !is_bound, "{release} {tool}: {question}");
            let output = stage.with(tool, call, Agreed::to(question)).await.expect("done");
            let fields = stage.fields(tool, output);
            assert_eq!(
                fields["notes"].to_string().contains("marks no states"),
                !is_bound,
                "{release} {tool}: {fields}"
            );
        }
        assert!(stage.writes().iter().all(|write| write.matching.is_some() == is_bound), "{release}");
    }
}
