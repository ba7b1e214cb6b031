//! The tools against the stand-in: what they find, what they change and what they refuse.

use super::*;
use crate::backends::Schema;
use crate::backends::tests::matches;

/// The stand-in, and somebody's tools.
pub(super) struct Stage {
    pub(super) server: Arc<super::super::fake::Server>,
    /// Serves as long as the process lives.
    _host: Host,
    pub(super) tools: Vec<Tool>,
    pub(super) folder: tempfile::TempDir,
}

impl Stage {
    pub(super) fn of(user: &str) -> Self {
        Self::at("", user)
    }

    /// In that part of the Portal.
    pub(super) fn at(path: &str, user: &str) -> Self {
        let server = Arc::new(super::super::fake::Server::default());
        let host = Host::of(Arc::clone(&server) as Arc<dyn crate::backends::fake::Fake>);
        let folder = tempfile::tempdir().expect("a folder");
        let kept = Holding::password(user, &format!("{user}-p&ss%"));
        let root = folder.path().canonicalize().expect("a folder");
        let connection = Connection { folders: vec![root], ..to(&host, path, Way::Password, kept) };
        Self { tools: BACKEND.tools(&connection), server, _host: host, folder }
    }

    pub(super) async fn call(&self, name: &str, arguments: Value) -> Result<Output, Error> {
        call(&self.tools, name, arguments).await
    }

    /// The fields of a result, which are what the schema says.
    pub(super) async fn result(&self, name: &str, arguments: Value) -> (Value, bool) {
        let shown = arguments.to_string();
        let output = self.call(name, arguments).await.unwrap_or_else(|error| panic!("{name} {shown}: {error:?}"));
        let found = fields(&output);
        let tool = self.tools.iter().find(|tool| tool.name == format!("c_{name}")).expect("a tool");
        let schema = tool.output_schema.as_ref().map(Schema::text).expect("a schema").to_owned();
        assert!(matches(&found, &serde_json::from_str(&schema).expect("JSON")), "{name} {shown}: {found}");
        (found, output.failed)
    }

    pub(super) async fn good(&self, name: &str, arguments: Value) -> Value {
        let (fields, failed) = self.result(name, arguments).await;
        assert!(!failed, "{name}: {fields}");
        fields
    }

    pub(super) async fn error(&self, name: &str, arguments: Value) -> String {
        self.call(name, arguments).await.expect_err("an error").to_string()
    }

    async fn names(&self, path: &str) -> Vec<String> {
        let listed = self.good("list", json!({"path": path})).await;
        listed["items"]
            .as_array()
            .expect("rows")
            .iter()
            .map(|row| row["name"].as_str().expect("a name").to_owned())
            .collect()
    }

    /// What became of the only item.
    async fn outcome(&self, name: &str, arguments: Value) -> (String, String) {
        let (fields, _) = self.result(name, arguments).await;
        let item = &fields["items"][0];
        let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
        (text("outcome"), text("message"))
    }
}

#[tokio::test]
async fn who_is_signed_in_and_where() {
    let found = Stage::of("alice").good("who_am_i", json!({})).await;
    assert_eq!(
        (found["account"].as_str(), found["role"].as_str(), found["portal"].as_str()),
        (Some("alice"), Some("EndUser"), Some("acme"))
    );
    assert!(found["version"].as_str().is_some_and(|version| version.starts_with("8.")));
    let root = Stage::at("/admin", "root").good("who_am_i", json!({})).await;
    assert_eq!((root["account"].as_str(), root.get("portal")), (Some("root"), None));
}

#[tokio::test]
async fn a_folder_is_listed_over_three_pages_and_its_rows_go_on_where_they_ended() {
    let stage = Stage::of("alice");
    let whole = stage.good("list", json!({"path": "My Files/Many", "limit": 1000})).await;
    assert_eq!(whole["items"].as_array().expect("rows").len(), 257);
    assert!(whole.get("next_offset").is_none());
    let mut names = Vec::new();
    let mut offset = json!(0);
    while !offset.is_null() {
        let part = stage.good("list", json!({"path": "My Files/Many", "limit": 120, "offset": offset})).await;
        names.extend(part["items"].as_array().expect("rows").iter().map(|row| row["name"].clone()));
        offset = part["next_offset"].clone();
    }
    let expected: Vec<Value> = whole["items"].as_array().expect("rows").iter().map(|row| row["name"].clone()).collect();
    assert_eq!(names, expected);
}

#[tokio::test]
async fn every_odd_name_is_found_by_the_path_that_the_list_shows() {
    let stage = Stage::of("alice");
    let listed = stage.good("list", json!({"path": "My Files/Names"})).await;
    let rows = listed["items"].as_array().expect("rows");
    assert!(rows.len() >= 13);
    for row in rows {
        let read = stage.good("read", json!({"path": row["path"]})).await;
        assert_eq!(
            (read["content"].as_str(), read["encoding"].as_str()),
            (row["name"].as_str(), Some("text")),
            "{row}"
        );
    }
    assert!(rows.iter().any(|row| row["name"] == "2024"), "a name that looks like a number is a text");
}

#[tokio::test]
async fn poor_rows_of_containers_are_shown_as_they_are() {
    let stage = Stage::of("alice");
    assert_eq!(stage.names("").await, ["My Files", "Shared With Me", "Team Site"]);
    let names = stage.names("Shared With Me").await;
    assert!(names.contains(&"Far away".to_owned()), "{names:?}");
}

#[tokio::test]
async fn what_is_not_there_and_what_is_no_folder_is_said() {
    let stage = Stage::of("alice");
    for (tool, path, word) in [
        ("list", "My Files/Nothing", "nothing at"),
        ("list", "My Files/readme.txt", "is a file"),
        ("info", "My Files/Nothing", "nothing at"),
        ("read", "My Files/Docs", "is a folder"),
        ("read", "My Files/Nothing", "nothing at"),
        ("read", "Shared With Me/Preview only/report.txt", "not be read"),
        ("info", "../x", "`..`"),
        ("info", "/admin/webdav/Users", "must begin with"),
        ("versions", "My Files/Nothing", "not exist"),
    ] {
        let error = stage.error(tool, json!({"path": path})).await;
        assert!(error.contains(word), "{tool} {path}: {error}");
    }
}

#[tokio::test]
async fn a_walk_stays_within_its_bounds_and_says_what_it_left_out() {
    let stage = Stage::of("alice");
    let whole = stage.good("walk", json!({"path": "My Files/Merge", "depth": 10})).await;
    assert_eq!(whole["items"].as_array().expect("rows").len(), 2 * 7);
    let shallow = stage.good("walk", json!({"path": "My Files/Merge", "depth": 2})).await;
    assert_eq!((shallow["items"].as_array().expect("rows").len(), shallow["deeper_folders"].as_u64()), (4, Some(2)));
    let short = stage.good("walk", json!({"path": "My Files", "limit": 20})).await;
    assert_eq!(short["items"].as_array().expect("rows").len(), 20);
    assert!(!short["unread"].as_array().expect("folders").is_empty());
}

#[tokio::test]
async fn a_search_finds_by_name_ending_and_content_below_a_folder() {
    let stage = Stage::of("alice");
    let paths = async |arguments: Value| {
        let found = stage.good("search", arguments).await;
        found["items"]
            .as_array()
            .expect("rows")
            .iter()
            .map(|row| row["path"].as_str().expect("a path").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(paths(json!({"name": "NOTES", "path": "My Files"})).await, ["My Files/Docs/notes.md"]);
    assert_eq!(paths(json!({"extension": ".md", "path": "My Files"})).await, ["My Files/Docs/notes.md"]);
    assert_eq!(paths(json!({"content": "beta gamma"})).await, ["My Files/Docs/notes.md"]);
    assert!(stage.error("search", json!({"path": "My Files"})).await.contains("is needed"));
}

#[tokio::test]
async fn a_file_is_read_in_parts_that_fit_together() {
    let stage = Stage::of("alice");
    let (mut whole, mut offset) = (String::new(), json!(0));
    while !offset.is_null() {
        let part = stage.good("read", json!({"path": "My Files/Big/300k.bin", "offset": offset})).await;
        whole.push_str(part["content"].as_str().expect("text"));
        assert_eq!(part["size"].as_u64(), Some(307_200));
        offset = part["next_offset"].clone();
    }
    assert_eq!(whole, "0123456789abcdef".repeat(64 * 300));
    let beyond = stage.good("read", json!({"path": "My Files/readme.txt", "offset": 9_999})).await;
    assert_eq!((beyond["bytes"].as_u64(), beyond.get("next_offset")), (Some(0), None));
    let empty = stage.good("read", json!({"path": "My Files/Docs/empty.txt"})).await;
    assert_eq!((empty["content"].as_str(), empty["encoding"].as_str()), (Some(""), Some("text")));
}

#[tokio::test]
async fn what_is_no_text_comes_as_base64() {
    let stage = Stage::of("alice");
    let path = "My Files/Docs/Photos/dot.png";
    let read = stage.good("read", json!({"path": path})).await;
    assert_eq!((read["encoding"].as_str(), read["content"].as_str()), (Some("base64"), Some("iVBORw0KGgoA//4=")));
    assert!(stage.error("read", json!({"path": path, "as": "text"})).await.contains("base64"));
    let exact = stage.good("read", json!({"path": "My Files/readme.txt", "as": "base64"})).await;
    assert_eq!(exact["content"].as_str(), Some("cmVhZCBtZQo="));
}

#[tokio::test]
async fn an_older_version_is_read_and_restored() {
    let stage = Stage::of("alice");
    let path = "My Files/Old/draft.txt";
    let listed = stage.good("versions", json!({"path": path})).await;
    let versions = listed["versions"].as_array().expect("versions");
    assert_eq!((versions.len(), versions[0]["current"].as_bool()), (3, Some(true)));
    let read = async |version: &Value| {
        stage.good("read", json!({"path": path, "version": version["time"]})).await["content"].clone()
    };
    assert_eq!((read(&versions[2]).await, read(&versions[1]).await), (json!("first"), json!("second, longer")));
    let restored = stage.outcome("restore", json!({"path": path, "version": versions[2]["time"]})).await;
    assert_eq!(restored.0, "done");
    assert_eq!(stage.good("read", json!({"path": path})).await["content"], "first");
    assert!(
        stage.error("read", json!({"path": path, "version": "1999-01-01T00:00:00"})).await.contains("there is none")
    );
}

#[tokio::test]
async fn folders_are_made_with_what_they_are_in_and_only_what_is_missing() {
    let stage = Stage::of("alice");
    let made = stage.good("make_folder", json!({"path": "My Files/New/Deep/100% #1"})).await;
    assert_eq!(made["made"], json!(["My Files/New", "My Files/New/Deep", "My Files/New/Deep/100% #1"]));
    let again = stage.good("make_folder", json!({"path": "My Files/New/Deep"})).await;
    assert_eq!(again["made"], json!([]));
    assert_eq!(stage.names("My Files/New/Deep").await, ["100% #1"]);
    for (arguments, word) in [
        (json!({"path": "My Files/readme.txt/x"}), "is a file"),
        (json!({"path": "My Files/Docs/empty.txt"}), "is a file"),
        (json!({"path": "My Files/a/b", "parents": false}), "is not there"),
        (json!({"path": "My Files/a:b"}), "which no name"),
        (json!({"path": "My Files/con"}), "keeps that name"),
        (json!({"path": "Shared With Me/Read only/x"}), "no permission"),
        (json!({"path": ""}), "missing"),
    ] {
        let error = stage.error("make_folder", arguments.clone()).await;
        assert!(error.contains(word), "{arguments}: {error}");
    }
    assert!(!stage.names("My Files").await.contains(&"a".to_owned()), "nothing is made of what cannot be made whole");
}

#[tokio::test]
async fn a_copy_a_move_and_a_rename_do_what_they_say() {
    let stage = Stage::of("alice");
    stage.good("make_folder", json!({"path": "My Files/To"})).await;
    let copied = stage
        .good("copy", json!({"paths": ["My Files/readme.txt", "My Files/Docs"], "to_folder": "My Files/To"}))
        .await;
    assert_eq!(copied["items"][0]["target"], "My Files/To/readme.txt");
    assert_eq!(stage.names("My Files/To").await, ["Docs", "readme.txt"]);
    stage
        .good("move", json!({"paths": ["My Files/To/readme.txt"], "to_folder": "My Files", "new_name": "moved.txt"}))
        .await;
    stage.good("rename", json!({"path": "My Files/moved.txt", "new_name": "2025"})).await;
    let names = stage.names("My Files").await;
    assert!(names.contains(&"2025".to_owned()) && !names.contains(&"moved.txt".to_owned()), "{names:?}");
    for (tool, arguments, word) in [
        ("copy", json!({"paths": ["My Files/readme.txt"], "to_folder": "My Files/Nothing"}), "nothing at"),
        ("copy", json!({"paths": ["My Files/readme.txt"], "to_folder": "My Files/2025"}), "is a file"),
        (
            "copy",
            json!({"paths": ["My Files/2025", "My Files/Docs"], "to_folder": "My Files/To", "new_name": "x"}),
            "one path only",
        ),
        ("rename", json!({"path": "My Files/2025", "new_name": "a/b"}), "which no name"),
        ("rename", json!({"path": "My Files/2025", "new_name": ".."}), "must be a name"),
        ("move", json!({"paths": ["/"], "to_folder": "My Files"}), "below the root"),
    ] {
        let error = stage.error(tool, arguments.clone()).await;
        assert!(error.contains(word), "{tool} {arguments}: {error}");
    }
    let inside = stage.outcome("move", json!({"paths": ["My Files/Docs"], "to_folder": "My Files/Docs/Photos"})).await;
    assert_eq!(inside.0, "failed");
}

#[tokio::test]
async fn each_item_has_the_outcome_that_its_own_task_had() {
    let stage = Stage::of("alice");
    let arguments = json!({
        "paths": ["My Files/readme.txt", "My Files/Nothing", "My Files/Kept/ledger.txt", "My Files/Docs/notes.md"],
        "to_folder": "My Files/Trash",
    });
    let (found, failed) = stage.result("move", arguments).await;
    let outcomes: Vec<&str> = found["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| item["outcome"].as_str().expect("a word"))
        .collect();
    assert_eq!((outcomes, failed), (vec!["done", "failed", "failed", "done"], true));
    assert!(found["items"][1]["message"].as_str().is_some_and(|why| why.contains("nothing at that path")), "{found}");
    assert!(found["items"][2]["message"].as_str().is_some_and(|why| why.contains("no permission")), "{found}");
}

#[tokio::test]
async fn a_conflict_is_settled_as_the_caller_chose() {
    for (choice, outcome, content, names) in [
        (None, "conflict", "read me\n", 1),
        (Some("skip"), "skipped", "read me\n", 1),
        (Some("overwrite"), "done", "# Notes\n\nalpha beta gamma\n", 1),
        (Some("rename"), "done", "read me\n", 2),
    ] {
        let stage = Stage::of("alice");
        stage.good("make_folder", json!({"path": "My Files/To"})).await;
        stage.good("copy", json!({"paths": ["My Files/readme.txt"], "to_folder": "My Files/To"})).await;
        let mut arguments =
            json!({"paths": ["My Files/Docs/notes.md"], "to_folder": "My Files/To", "new_name": "readme.txt"});
        if let Some(choice) = choice {
            arguments["on_conflict"] = json!(choice);
        }
        let found = stage.outcome("copy", arguments).await;
        assert_eq!(found.0, outcome, "{choice:?}: {found:?}");
        let read = stage.good("read", json!({"path": "My Files/To/readme.txt"})).await;
        assert_eq!(
            (read["content"].as_str(), stage.names("My Files/To").await.len()),
            (Some(content), names),
            "{choice:?}"
        );
    }
}

#[tokio::test]
async fn conflicts_within_folders_are_settled_by_one_choice() {
    let stage = Stage::of("alice");
    let arguments =
        json!({"paths": ["My Files/Merge/a/Set"], "to_folder": "My Files/Merge/b", "on_conflict": "overwrite"});
    let found = stage.good("copy", arguments).await;
    assert_eq!(found["items"][0]["outcome"], "done");
    let read = async |path: &str| stage.good("read", json!({"path": path})).await["content"].clone();
    assert_eq!(read("My Files/Merge/b/Set/one.txt").await, "one of a");
    assert_eq!(read("My Files/Merge/b/Set/inner/three.txt").await, "three of a");
    assert_eq!(read("My Files/Merge/b/Set/only b.txt").await, "b");
}

#[tokio::test]
async fn what_is_deleted_is_recovered_and_a_full_folder_is_not_deleted_by_mistake() {
    let stage = Stage::of("alice");
    let refused = stage.outcome("delete", json!({"paths": ["My Files/Docs"]})).await;
    assert!(refused.0 == "failed" && refused.1.contains("recursive"), "{refused:?}");
    assert!(stage.names("My Files").await.contains(&"Docs".to_owned()));
    stage.good("delete", json!({"paths": ["My Files/Docs"], "recursive": true})).await;
    assert!(!stage.names("My Files").await.contains(&"Docs".to_owned()));
    let deleted = stage.good("list", json!({"path": "My Files", "include_deleted": true})).await;
    assert!(
        deleted["items"].as_array().expect("rows").iter().any(|row| row["name"] == "Docs" && row["deleted"] == true)
    );
    stage.good("recover", json!({"paths": ["My Files/Docs"]})).await;
    assert!(stage.names("My Files").await.contains(&"Docs".to_owned()));
    assert_eq!(stage.outcome("delete", json!({"paths": ["My Files/Nothing"]})).await.0, "failed");
}

#[tokio::test]
async fn a_file_is_written_once_and_replaced_only_when_that_is_said() {
    let stage = Stage::of("alice");
    let written = stage.good("write", json!({"path": "My Files/new 100%.md", "content": "é\n"})).await;
    assert_eq!((written["path"].as_str(), written["size"].as_u64()), (Some("My Files/new 100%.md"), Some(3)));
    let refused = stage.error("write", json!({"path": "My Files/new 100%.md", "content": "x"})).await;
    assert!(refused.contains("there already"), "{refused}");
    stage
        .good(
            "write",
            json!({"path": "My Files/new 100%.md", "content": "AAEC", "encoding": "base64", "overwrite": true}),
        )
        .await;
    assert_eq!(stage.good("read", json!({"path": "My Files/new 100%.md"})).await["content"], "AAEC");
    assert_eq!(
        stage.good("versions", json!({"path": "My Files/new 100%.md"})).await["versions"]
            .as_array()
            .expect("versions")
            .len(),
        2
    );
    stage.good("write", json!({"path": "My Files/x/y/z.txt", "content": "z", "parents": true})).await;
    for (arguments, word) in [
        (json!({"path": "My Files/Docs", "content": "x"}), "is a folder"),
        (json!({"path": "My Files/No/x.txt", "content": "x"}), "nothing at"),
        (json!({"path": "Shared With Me/Read only/x.txt", "content": "x"}), "no files can be put"),
        (json!({"path": "x.txt", "content": "x"}), "no files can be put"),
        (json!({"path": "My Files/a|b", "content": "x"}), "which no name"),
        (json!({"path": "My Files/b64", "content": "%%%", "encoding": "base64"}), "not base64"),
    ] {
        let error = stage.error("write", arguments.clone()).await;
        assert!(error.contains(word), "{arguments}: {error}");
    }
}

#[tokio::test]
async fn files_go_up_and_come_down_through_allowed_folders_only() {
    let stage = Stage::of("alice");
    let local = stage.folder.path().canonicalize().expect("a folder");
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    std::fs::write(local.join("big.bin"), &bytes).expect("written");
    let up = stage.good("upload", json!({"from": local.join("big.bin"), "path": "My Files/Docs"})).await;
    assert_eq!((up["path"].as_str(), up["size"].as_u64()), (Some("My Files/Docs/big.bin"), Some(3_000_000)));
    let down = stage.good("download", json!({"path": "My Files/Docs/big.bin", "to": local.join("again.bin")})).await;
    assert_eq!(down["bytes"].as_u64(), Some(3_000_000));
    assert!(std::fs::read(local.join("again.bin")).expect("read") == bytes);
    stage.good("download", json!({"path": "My Files/readme.txt"})).await;
    assert_eq!(std::fs::read_to_string(local.join("readme.txt")).expect("read"), "read me\n");
    let zip = stage.good("download", json!({"path": "My Files/Docs", "to": "docs.zip"})).await;
    assert_eq!(zip["archive"], true);
    assert!(std::fs::read(local.join("docs.zip")).expect("read").starts_with(b"PK"));
    std::os::unix::fs::symlink("/etc", local.join("way out")).expect("a link");
    for (tool, arguments) in [
        ("upload", json!({"from": "/etc/passwd", "path": "My Files"})),
        ("upload", json!({"from": "../x", "path": "My Files"})),
        ("upload", json!({"from": "way out/passwd", "path": "My Files"})),
        ("download", json!({"path": "My Files/readme.txt", "to": "/tmp/readme.txt"})),
        ("download", json!({"path": "My Files/readme.txt", "to": "way out/readme.txt"})),
        ("download", json!({"path": "My Files/readme.txt", "to": "../readme.txt"})),
        ("download", json!({"path": "My Files/readme.txt", "to": "readme.txt"})),
    ] {
        let error = stage.call(tool, arguments.clone()).await.expect_err("refused");
        assert!(matches!(error, Error::File { .. }), "{tool} {arguments}: {error:?}");
    }
    assert!(!stage.names("My Files").await.contains(&"passwd".to_owned()));
    stage.good("download", json!({"path": "My Files/readme.txt", "to": "readme.txt", "overwrite": true})).await;
}

#[tokio::test]
async fn a_public_link_is_made_listed_and_removed() {
    let stage = Stage::of("alice");
    let made = stage.good("create_link", json!({"path": "My Files/readme.txt", "days": 3})).await;
    assert!(made["url"].as_str().is_some_and(|url| url.contains("/invitations/")), "{made}");
    assert_eq!((made["access"].as_str(), made["expires"].as_str().map(str::len)), (Some("read"), Some(10)));
    stage.good("create_link", json!({"path": "My Files/readme.txt", "access": "preview", "never_expires": true})).await;
    let listed = stage.good("links", json!({"path": "My Files/readme.txt"})).await;
    assert_eq!(listed["links"].as_array().expect("links").len(), 2);
    stage.good("remove_link", json!({"path": "My Files/readme.txt", "link": made["url"]})).await;
    let left = stage.good("links", json!({"path": "My Files/readme.txt"})).await;
    assert_eq!(
        (left["links"].as_array().expect("links").len(), left["links"][0]["access"].as_str()),
        (1, Some("preview"))
    );
    for (tool, arguments, word) in [
        ("create_link", json!({"path": "My Files/readme.txt", "access": "upload"}), "for folders"),
        ("create_link", json!({"path": "My Files/readme.txt", "days": 3, "never_expires": true}), "do not go together"),
        ("create_link", json!({"path": "Shared With Me/Read only/report.txt"}), "no public link"),
        ("create_link", json!({"path": "My Files/Nothing"}), "nothing at"),
        ("remove_link", json!({"path": "My Files/readme.txt", "link": "no such"}), "no such link"),
    ] {
        let error = stage.error(tool, arguments.clone()).await;
        assert!(error.contains(word), "{tool} {arguments}: {error}");
    }
}

#[tokio::test]
async fn an_administrator_works_in_the_portal_that_a_call_names() {
    let stage = Stage::at("/admin", "root");
    assert_eq!(stage.good("portals", json!({})).await["portals"], json!(["acme", "globex"]));
    let seen = async |portal: &str, path: &str| stage.good("list", json!({"portal": portal, "path": path})).await;
    assert_eq!(seen("acme", "Users").await["items"][0]["name"], "Alice Doe");
    assert_eq!(seen("globex", "Users").await["items"][0]["name"], "Gina Goe");
    let arguments = json!({"portal": "acme", "paths": ["Users/Alice Doe/My Files/readme.txt"], "to_folder": "Users/Alice Doe/My Files/Docs"});
    assert_eq!(stage.outcome("copy", arguments).await.0, "done");
    let error = stage.error("list", json!({"portal": "nobody", "path": "Users"})).await;
    assert!(error.contains("cannot be looked at"), "{error}");
}

#[tokio::test]
async fn a_read_only_administrator_changes_nothing() {
    let stage = Stage::at("/admin", "carol");
    let path = "Users/Alice Doe/My Files/readme.txt";
    assert_eq!(stage.good("read", json!({"path": path})).await["content"], "read me\n");
    let refused = stage.outcome("delete", json!({"paths": [path]})).await;
    assert_eq!(refused.0, "failed");
}

#[test]
fn what_changes_something_says_so_and_what_does_not_is_in_read() {
    let stage = Stage::at("/admin", "root");
    let changing: Vec<&str> = stage
        .tools
        .iter()
        .filter(|tool| !tool.effect.read_only)
        .map(|tool| tool.name.trim_start_matches("c_"))
        .collect();
    let expected = [
        "make_folder",
        "copy",
        "move",
        "rename",
        "delete",
        "recover",
        "restore",
        "write",
        "upload",
        "download",
        "create_link",
        "remove_link",
    ];
    assert_eq!(changing, expected);
    for tool in &stage.tools {
        let schema: Value = serde_json::from_str(tool.input_schema.text()).expect("JSON");
        assert!(schema["properties"]["portal"].is_object(), "{} takes a portal in the administration", tool.name);
    }
    let own = Stage::of("alice");
    assert!(own.tools.iter().all(|tool| !tool.input_schema.text().contains("\"portal\"") && tool.name != "c_portals"));
}
