//! Real folders, with everything in them that is no document, or leads out.

use super::*;

fn reasons(skipped: &[(String, String)]) -> Vec<(&str, &str)> {
    skipped.iter().map(|(file, reason)| (file.as_str(), reason.as_str())).collect()
}

#[tokio::test]
async fn what_is_no_document_is_left_out_with_its_reason() {
    let stage = Stage::new(&[
        ("a/good.md", "good"),
        ("a/empty.md", ""),
        ("a/other.txt", "x"),
        (".git/x.md", "x"),
        ("a/.hidden.md", "x"),
    ]);
    stage.put("a/latin.md", b"caf\xe9");
    stage.put("a/utf16.md", b"\xff\xfea\0");
    stage.put("a/large.md", &vec![b'x'; (4 << 20) + 1]);
    stage.put("a/most.md", &vec![b'x'; 4 << 20]);
    stage.put("a/bad.md", b"---\nname: [\n---\ntext");
    stage.put("a/open.md", b"---\nname: x\ntext");
    let skipped = stage.skipped().await;
    let expected = [
        (".git", "it is hidden"),
        ("a/.hidden.md", "it is hidden"),
        ("a/bad.md", "its front matter is not read, line 3: a quote or bracket is not closed"),
        ("a/large.md", "it is larger than 4 MiB"),
        ("a/latin.md", "it is not UTF-8 text"),
        ("a/open.md", "its front matter is not read, line 1: no line `---` ends it"),
        ("a/utf16.md", "it is not UTF-8 text"),
    ];
    assert_eq!(reasons(&skipped), expected);
    let found = stage.good("list_documents", json!({})).await;
    assert_eq!(
        names(&found, "documents"),
        ["bad", "empty", "good", "most", "open"],
        "what is readable is there by its file's name"
    );
    assert_eq!(stage.good("get_document", json!({"name": "bad"})).await["content"], "text");
    assert_eq!(stage.good("get_document", json!({"name": "open"})).await["content"], "---\nname: x\ntext");
}

#[cfg(unix)]
#[tokio::test]
async fn links_out_of_the_folder_are_never_read_and_loops_never_followed() {
    use std::os::unix::fs::symlink;
    let stage = Stage::new(&[("a/good.md", "good"), ("a/b/c.md", "c")]);
    let secret = stage.beside("secret.md");
    fs::write(&secret, "canary").expect("a file");
    fs::create_dir(stage.beside("outside")).expect("a folder");
    fs::write(stage.beside("outside/in.md"), "canary").expect("a file");
    let at = |name: &str| stage.docs().join(name);
    symlink(&secret, at("a/absolute.md")).expect("a link");
    symlink("../../secret.md", at("a/relative.md")).expect("a link");
    symlink(stage.beside("outside"), at("a/folder")).expect("a link");
    symlink("../..", at("a/up")).expect("a link");
    symlink("..", at("a/b/loop")).expect("a link");
    symlink("self.md", at("a/self.md")).expect("a link");
    symlink("nowhere.md", at("a/dangling.md")).expect("a link");
    symlink("good.md", at("a/alias.md")).expect("a link");
    symlink("/etc/passwd", at("a/passwd")).expect("a link");
    let out = "a link leads from there to a place outside the folder";
    let folder = "a link to a folder, which is not followed";
    let skipped = stage.skipped().await;
    let said: Vec<(&str, &str)> = reasons(&skipped).into_iter().filter(|(file, _)| *file != "a/self.md").collect();
    let expected = [
        ("a/absolute.md", out),
        ("a/b/loop", folder),
        ("a/dangling.md", "it does not exist"),
        ("a/folder", out),
        ("a/passwd", out),
        ("a/relative.md", out),
        ("a/up", out),
    ];
    assert_eq!(said, expected);
    assert!(skipped.iter().any(|(file, _)| file == "a/self.md"));
    let found = stage.good("list_documents", json!({})).await;
    assert_eq!(names(&found, "documents"), ["alias", "c", "good"]);
    assert_eq!(stage.good("get_document", json!({"name": "alias"})).await["content"], "good");
    let found = stage.good("search_documents", json!({"query": "canary root"})).await;
    assert_eq!(found["count"], 0);
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_becomes_a_link_between_two_calls_is_not_followed() {
    let stage = Stage::new(&[("a/x.md", "good")]);
    fs::write(stage.beside("secret.md"), "canary").expect("a file");
    let tools = BACKEND.tools(&stage.connection());
    assert_eq!(good(&tools, "get_document", json!({"name": "x"})).await["content"], "good");
    fs::remove_file(stage.docs().join("a/x.md")).expect("gone");
    std::os::unix::fs::symlink(stage.beside("secret.md"), stage.docs().join("a/x.md")).expect("a link");
    assert!(call(&tools, "get_document", json!({"name": "x"})).await.is_err());
    let documents = stage.docs().to_path_buf();
    assert!(super::super::files::Files::text(&documents, "a/x.md").is_err());
}

#[cfg(unix)]
#[tokio::test]
async fn pipes_sockets_and_what_is_forbidden_keep_nobody_waiting() {
    use std::os::unix::fs::PermissionsExt as _;
    let stage = Stage::new(&[("a/good.md", "good"), ("a/closed.md", "x"), ("b/c.md", "x")]);
    let at = |name: &str| stage.docs().join(name);
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, at("a/pipe.md"), rustix::fs::FileType::Fifo, mode, 0).expect("a pipe");
    let _socket = std::os::unix::net::UnixListener::bind(at("a/socket.md")).expect("a socket");
    for closed in ["a/closed.md", "b"] {
        fs::set_permissions(at(closed), fs::Permissions::from_mode(0o000)).expect("closed");
    }
    let skipped = stage.skipped().await;
    fs::set_permissions(at("b"), fs::Permissions::from_mode(0o700)).expect("open again");
    let nothing = "it is neither a file nor a folder";
    let denied = "the system does not allow it";
    let expected = [("a/closed.md", denied), ("a/pipe.md", nothing), ("a/socket.md", nothing), ("b", denied)];
    // The superuser is allowed everything.
    let expected: Vec<_> =
        expected.into_iter().filter(|(_, why)| *why == nothing || !rustix::process::geteuid().is_root()).collect();
    assert_eq!(reasons(&skipped), expected);
}

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_behind_a_link_is_left_out_too() {
    let stage = Stage::new(&[]);
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, stage.docs().join("pipe"), rustix::fs::FileType::Fifo, mode, 0)
        .expect("a pipe");
    std::os::unix::fs::symlink("pipe", stage.docs().join("x.md")).expect("a link");
    assert_eq!(reasons(&stage.skipped().await), [("x.md", "it is neither a file nor a folder")]);
}

#[tokio::test]
async fn an_edit_is_seen_by_the_next_call_also_if_size_and_time_stay_the_same() {
    let stage = Stage::new(&[("checklists/a.md", "one")]);
    let tools = BACKEND.tools(&stage.connection());
    let path = stage.docs().join("checklists/a.md");
    for text in ["one", "two", "six", "ten"] {
        fs::write(&path, text).expect("written");
        assert_eq!(good(&tools, "get_checklist", json!({"name": "a"})).await["content"], text);
    }
    // Somebody sets the time back: what the system notes besides tells the two apart.
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
    for text in ["red", "sky"] {
        fs::write(&path, text).expect("written");
        fs::File::options().write(true).open(&path).expect("open").set_modified(old).expect("a time");
        assert_eq!(good(&tools, "get_checklist", json!({"name": "a"})).await["content"], text);
    }
    fs::remove_file(&path).expect("gone");
    assert_eq!(good(&tools, "list_checklists", json!({})).await["count"], 0);
}

#[tokio::test]
async fn a_folder_that_is_missing_is_said_and_hides_no_other() {
    let mut stage = Stage::samples();
    let missing = stage.beside("missing");
    stage.folders.push(missing.clone());
    let skipped = stage.skipped().await;
    assert!(skipped[0].0.ends_with("missing") && skipped[0].1.contains("cannot be used"), "{skipped:?}");
    stage.folders = vec![missing];
    let error =
        call(&BACKEND.tools(&stage.connection()), "list_checklists", json!({})).await.expect_err("nothing is left");
    let is_told = matches!(&error, Error::File { fault: crate::backends::folders::Fault::Folder { .. }, .. });
    assert!(is_told, "{error:?}");
}

#[tokio::test]
async fn what_was_left_out_is_counted_beyond_what_is_named() {
    let stage = Stage::new(&[]);
    (0..100).for_each(|n| stage.put(&format!("a/{n:03}.md"), b"\xff"));
    let found = stage.good("list_documents", json!({})).await;
    assert_eq!((found["skipped"].as_array().map(Vec::len), found["skipped_count"].as_u64()), (Some(20), Some(100)));
}

#[tokio::test]
async fn folders_lie_in_each_other_only_so_deep() {
    let stage = Stage::new(&[]);
    stage.put(&format!("{}x.md", "d/".repeat(16)), b"x");
    stage.put(&format!("{}y.md", "d/".repeat(17)), b"y");
    let found = stage.good("list_documents", json!({})).await;
    assert_eq!((names(&found, "documents"), found["skipped_count"].as_u64()), (vec!["x".to_owned()], Some(1)));
}

#[tokio::test]
async fn ten_thousand_documents_are_listed_in_pages_and_searched() {
    let stage = Stage::new(&[]);
    for n in 0..10_000 {
        let text = format!("---\nname: Process {n}\ndescription: number {n}\n---\nstep {n}\n");
        stage.put(&format!("processes/{}/p{n:05}.md", n % 100), text.as_bytes());
    }
    let tools = BACKEND.tools(&stage.connection());
    let found = good(&tools, "list_processes", json!({})).await;
    assert_eq!((found["count"].as_u64(), found["next_offset"].as_u64()), (Some(10_000), Some(1_000)));
    let found = good(&tools, "search_processes", json!({"keyword": "step 4242"})).await;
    assert_eq!(names(&found, "results"), ["Process 4242"]);
    let found = good(&tools, "search_documents", json!({"query": "process 77", "limit": 3})).await;
    assert_eq!(found["results"][0]["name"], "Process 77");
}
