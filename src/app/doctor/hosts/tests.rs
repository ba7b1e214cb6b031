//! What would become of an entry.

use super::*;
use crate::app::doctor::Verdict;

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
        let entries = hosts::named("claude-code").expect("a host").servers(&text).expect("readable");
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
