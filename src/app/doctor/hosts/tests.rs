//! The entries of every kind of host, and what would become of them.

use super::files::Format;
use super::*;
use crate::app::doctor::Verdict;

fn one(text: &str, format: Format, key: &str) -> (String, String, Vec<String>, Vec<String>) {
    let entries = formats::entries(text, format, key).expect("readable");
    assert_eq!(entries.len(), 1, "{entries:?}");
    let secrets = entries[0].secrets().map(String::from).collect();
    (entries[0].name.clone(), entries[0].command.clone(), entries[0].args.clone(), secrets)
}

#[test]
fn the_entry_of_every_host_is_found() {
    let found =
        |name: &str| (name.to_owned(), "/opt/keyward".to_owned(), vec!["serve".to_owned()], Vec::<String>::new());
    let plain = r#"{"mcpServers":{"other":{"command":"/opt/other"},"mine":{"type":"stdio","command":"/opt/keyward","args":["serve"],"env":{}}}}"#;
    assert_eq!(one(plain, Format::Json, "mcpServers"), found("mine"));
    let project = r#"{"projects":{"/home/a":{"mcpServers":{"kw":{"command":"/opt/keyward","args":["serve"]}}}}}"#;
    assert_eq!(one(project, Format::Json, "mcpServers"), found("kw"));
    let code = "{\n// mine\n\"servers\":{\"kw\":{\"command\":\"/opt/keyward\",\"args\":[\"serve\",],},},}";
    assert_eq!(one(code, Format::Json, "servers"), found("kw"));
    let zed = r#"{"context_servers":{"kw":{"source":"custom","command":"/opt/keyward","args":["serve"],"env":{}}}}"#;
    assert_eq!(one(zed, Format::Json, "context_servers"), found("kw"));
    let old_zed = r#"{"context_servers":{"kw":{"command":{"path":"/opt/keyward","args":["serve"]}}}}"#;
    assert_eq!(one(old_zed, Format::Json, "context_servers"), found("kw"));
    let codex = "model = \"x\"\n[mcp_servers.kw]\ncommand = \"/opt/keyward\"\nargs = [\"serve\"]\nstartup_timeout_sec = 20\n[mcp_servers.kw.env]\nA = \"b\"\n";
    assert_eq!(one(codex, Format::Toml, "mcp_servers"), found("kw"));
    let goose = "extensions:\n  kw:\n    type: stdio\n    cmd: /opt/keyward\n    args: [serve]\n    envs: {A: b}\n  other:\n    cmd: /opt/other\n";
    assert_eq!(one(goose, Format::Yaml, "extensions"), found("kw"));
}

#[test]
fn keyward_is_recognised_by_its_file_also_behind_another_program() {
    for (command, args, ours) in [
        ("/opt/keyward", "serve", true),
        (r"C:\\Tools\\Keyward.exe", "serve", true),
        ("keyward", "serve", true),
        ("/usr/bin/env", "/opt/keyward", true),
        ("bash", "exec /opt/keyward serve", true),
        ("/opt/keyward-old", "serve", false),
        ("npx", "keywards", false),
        ("/opt/keyward/other", "serve", false),
    ] {
        let text = format!(r#"{{"mcpServers":{{"a":{{"command":"{command}","args":["{args}"]}}}}}}"#);
        let found = formats::entries(&text, Format::Json, "mcpServers").expect("readable");
        assert_eq!(!found.is_empty(), ours, "{command} {args}");
    }
}

#[test]
fn what_is_no_list_of_servers_is_nothing_and_what_is_broken_is_said() {
    for text in
        ["", "{}", r#"{"mcpServers":[]}"#, r#"{"mcpServers":{"a":5}}"#, r#"{"mcpServers":{"a":{"url":"https://x"}}}"#]
    {
        assert_eq!(formats::entries(text, Format::Json, "mcpServers"), Ok(Vec::new()), "{text}");
    }
    assert_eq!(formats::entries("{\"mcpServers\":{", Format::Json, "mcpServers"), Err(Unread));
    assert_eq!(formats::entries("[mcp_servers", Format::Toml, "mcp_servers"), Err(Unread));
}

#[test]
fn secrets_in_an_entry_are_told_by_name_and_references_are_none() {
    let text = r#"{"mcpServers":{"a":{"command":"/opt/keyward","args":["serve"],"env":{
        "KEYWARD_TOKEN_BOX":"canary","KEYWARD_STORE_PASSPHRASE":"canary","TAVILY_API_KEY":"canary","HTTPS_PROXY":"http://a:canary@p",
        "HTTP_PROXY":"http://p:1","GITHUB_TOKEN":"${input:token}","MY_SECRET":"$SECRET","KEYWARD_CONFIG":"/x","EMPTY_TOKEN":""}}}}"#;
    let (.., secrets) = one(text, Format::Json, "mcpServers");
    let mut secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    secrets.sort_unstable();
    assert_eq!(secrets, ["HTTPS_PROXY", "KEYWARD_STORE_PASSPHRASE", "KEYWARD_TOKEN_BOX", "TAVILY_API_KEY"]);
}

#[cfg(unix)]
#[test]
fn each_reason_why_a_host_would_not_start_it_is_found() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let program = |path: &Path, text: &str, mode: u32| {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("changed");
    };
    let own = at("own/keyward");
    program(&own, "one", 0o755);
    program(&at("copy/keyward"), "one", 0o755);
    program(&at("other/keyward"), "two", 0o755);
    program(&at("locked/keyward"), "one", 0o644);
    symlink(&own, at("keyward")).expect("a link");
    let own = std::fs::canonicalize(own).expect("a file");
    let judged = |command: &str, args: &str, env: &str| {
        let text = format!(r#"{{"mcpServers":{{"kw":{{"command":"{command}","args":{args},"env":{env}}}}}}}"#);
        let entries = formats::entries(&text, Format::Json, "mcpServers").expect("readable");
        judge(&entries[0], Path::new("/h.json"), Some(&own), &Environment::of([("PATH", folder.path())]))
    };
    let path = |name: &str| at(name).display().to_string();
    let fail = Verdict::Fail(Class::Configuration);
    for (command, args, env, verdict, part) in [
        (path("own/keyward"), r#"["serve"]"#, "{}", Verdict::Ok, "runs this program"),
        (path("keyward"), r#"["serve"]"#, "{}", Verdict::Ok, "runs this program"),
        (path("copy/keyward"), r#"["serve"]"#, "{}", Verdict::Ok, "runs this program"),
        (path("other/keyward"), r#"["serve"]"#, "{}", Verdict::Warn, "another copy or version"),
        (path("locked/keyward"), r#"["serve"]"#, "{}", fail, "may not be started"),
        (path("gone/keyward"), r#"["serve"]"#, "{}", fail, "is not there"),
        ("keyward".to_owned(), r#"["serve"]"#, "{}", Verdict::Warn, "without its folder"),
        ("gone/keyward".to_owned(), r#"["serve"]"#, "{}", fail, "is not there"),
        (path("own/keyward"), "[]", "{}", fail, "does not run `serve`"),
        (path("own/keyward"), r#"["serve"]"#, r#"{"KEYWARD_TOKEN_X":"canary"}"#, Verdict::Warn, "in clear text"),
    ] {
        let check = judged(&command, args, env);
        assert_eq!(check.verdict, verdict, "{command}: {check:?}");
        assert!(check.detail.contains(part), "{command}: {check:?}");
        assert!(!format!("{check:?}").contains("canary"), "{check:?}");
        assert_eq!(check.hint.is_none(), verdict == Verdict::Ok, "{check:?}");
    }
}
