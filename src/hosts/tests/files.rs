//! Files on a disk: through links, with their mode, with a copy, and left alone where they are not ours to change.

use std::fs;
use std::path::Path;

use super::super::*;
use super::edit::entry;

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn here(&self) -> Here {
        Here {
            system: System::Unix,
            environment: crate::machine::Environment::default(),
            home: Some(self.0.path().to_path_buf()),
            project: self.0.path().join("src"),
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn with(self, name: &str, text: &str) -> Self {
        fs::create_dir_all(self.at(name).parent().expect("a folder")).expect("made");
        fs::write(self.at(name), text).expect("written");
        self
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).unwrap_or_default()
    }

    fn plan(&self, host: &str) -> Result<Plan, Error> {
        named(host).expect("a host").plan(Scope::User, &entry(), &self.here())
    }

    fn install(&self, host: &str) -> Written {
        self.plan(host).expect("a plan").apply().expect("written")
    }

    fn remove(&self, host: &str) -> Written {
        let plan = named(host).expect("a host").removal(Scope::User, &self.here()).expect("a plan");
        plan.apply().expect("written")
    }

    /// Everything below it.
    fn all(&self) -> Vec<String> {
        fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
            for path in fs::read_dir(folder).expect("readable").flatten().map(|entry| entry.path()) {
                if path.is_dir() && !path.is_symlink() {
                    walk(&path, found);
                }
                found.push(path);
            }
        }
        let mut found = Vec::new();
        walk(self.0.path(), &mut found);
        let mut names: Vec<String> = found
            .iter()
            .map(|path| path.strip_prefix(self.0.path()).expect("below it").to_string_lossy().into_owned())
            .collect();
        names.sort_unstable();
        names
    }
}

#[test]
fn a_file_that_only_we_made_goes_again_with_the_folders_for_it() {
    for host in ["junie", "goose", "codex", "claude-code"] {
        let home = Home::new();
        assert!(!home.plan(host).expect("a plan").is_empty());
        assert_eq!(home.all(), [""; 0], "a plan writes nothing");
        assert_eq!(home.install(host), Written { backup: None, is_gone: false });
        assert!(home.plan(host).expect("a plan").is_empty());
        assert_eq!(home.remove(host), Written { backup: None, is_gone: true });
        let left = if host == "goose" { vec![".config"] } else { Vec::new() };
        let left: Vec<_> = left.into_iter().filter(|_| home.at(".config").exists()).collect();
        assert_eq!(home.all(), left, "{host}");
    }
}

#[test]
fn a_file_of_others_comes_back_letter_by_letter_and_its_copy_goes() {
    for (host, name, text) in [
        ("cursor", ".cursor/mcp.json", "{ \"mcpServers\" : { } }"),
        ("cursor", ".cursor/mcp.json", ""),
        ("cursor", ".cursor/mcp.json", "{\n\n}\n"),
        ("codex", ".codex/config.toml", "model = \"x\""),
        ("goose", ".config/goose/config.yaml", "extensions:\n\n# none\n"),
    ] {
        let home = Home::new().with(name, text);
        let written = home.install(host);
        assert_eq!(written.backup, Some(home.at(&format!("{name}.keyward-backup"))));
        assert_eq!(home.text(&format!("{name}.keyward-backup")), text);
        assert_eq!(home.remove(host), Written { backup: None, is_gone: false });
        assert_eq!(home.text(name), text);
        assert!(home.all().iter().all(|name| !name.contains("keyward")), "{:?}", home.all());
    }
}

#[test]
fn what_the_person_changed_since_stays_when_we_go() {
    let home = Home::new().with(".cursor/mcp.json", "{\"mcpServers\": {\"a\": {}}}");
    home.install("cursor");
    let edited = home.text(".cursor/mcp.json").replace("\"a\": {}", "\"b\": {\"command\": \"c\"}");
    fs::write(home.at(".cursor/mcp.json"), edited).expect("written");
    home.remove("cursor");
    assert_eq!(home.text(".cursor/mcp.json"), "{\"mcpServers\": {\"b\": {\"command\": \"c\"}}}");
}

#[test]
fn the_copy_is_of_the_file_before_keyward_was_in_it() {
    let home = Home::new().with(".cursor/mcp.json", "{\"a\": 1}");
    home.install("cursor");
    let other = Entry { args: vec!["serve".to_owned(), "--read-only".to_owned()], ..entry() };
    let plan = named("cursor").expect("a host").plan(Scope::User, &other, &home.here()).expect("a plan");
    assert!(plan.is_installed());
    assert_eq!(plan.apply().expect("written").backup, None);
    assert_eq!(home.text(".cursor/mcp.json.keyward-backup"), "{\"a\": 1}");
    home.remove("cursor");
    assert_eq!(home.text(".cursor/mcp.json"), "{\"a\": 1}");
}

#[test]
fn a_broken_or_foreign_file_is_left_as_it_is() {
    for (host, name, text, part) in [
        ("cursor", ".cursor/mcp.json", "{\"mcpServers\": {", "not whole in line 1"),
        ("cursor", ".cursor/mcp.json", "{\"mcpServers\": []}", "no table of servers"),
        ("cursor", ".cursor/mcp.json", "[]", "no table of servers"),
        ("cursor", ".cursor/mcp.json", "{\"mcpServers\": {}, \"mcpServers\": {}}", "twice"),
        ("cursor", ".cursor/mcp.json", "{\"mcpServers\": {\"keyward\": {\"command\": \"npx\"}}}", "somebody else's"),
        ("cursor", ".cursor/mcp.json", "{\"mcpServers\": {\"keyward\": 5}}", "somebody else's"),
        ("cursor", ".cursor/mcp.json", "{\"mcpServers\": {\"keyward\": {\"url\": \"https://x\"}}}", "somebody else's"),
        ("codex", ".codex/config.toml", "[mcp_servers\n", "not whole in line 1"),
        ("codex", ".codex/config.toml", "mcp_servers = 5\n", "no table of servers"),
        ("codex", ".codex/config.toml", "mcp_servers = { a = {} }\n", "cannot be changed safely"),
        ("codex", ".codex/config.toml", "[mcp_servers.keyward]\nurl = 'x'\n", "somebody else's"),
        ("goose", ".config/goose/config.yaml", "extensions: {}\n", "cannot be changed safely"),
    ] {
        let home = Home::new().with(name, text);
        let before = home.all();
        let error = home.plan(host).expect_err(text);
        assert!(error.to_string().contains(part), "{text}: {error}");
        assert_eq!((home.text(name).as_str(), home.all()), (text, before));
    }
    let home = Home::new().with(".cursor/mcp.json", "");
    fs::write(home.at(".cursor/mcp.json"), [0xff, 0xfe, b'{', 0]).expect("written");
    assert!(matches!(home.plan("cursor"), Err(Error::NotWhole { line: 1, .. })));
    fs::remove_file(home.at(".cursor/mcp.json")).expect("removed");
    fs::create_dir(home.at(".cursor/mcp.json")).expect("made");
    assert!(matches!(home.plan("cursor"), Err(Error::Unreadable { .. })));
}

#[test]
fn a_file_that_changed_while_the_person_was_asked_is_not_written() {
    let home = Home::new().with(".claude.json", "{\"a\": 1}");
    let plan = home.plan("claude-code").expect("a plan");
    fs::write(home.at(".claude.json"), "{\"a\": 2}").expect("written");
    assert!(matches!(plan.apply(), Err(Error::Changed { .. })));
    assert_eq!((home.text(".claude.json").as_str(), home.all()), ("{\"a\": 2}", vec![".claude.json".to_owned()]));
    let plan = home.plan("cursor").expect("a plan");
    let home = home.with(".cursor/mcp.json", "{}");
    assert!(matches!(plan.apply(), Err(Error::Changed { .. })), "a file that is there now is somebody's");
    assert_eq!(home.text(".cursor/mcp.json"), "{}");
}

#[test]
fn a_difference_shows_our_entry_and_nothing_of_anybody_else() {
    let secrets = "{\"mcpServers\": {\"a\": {\"env\": {\"TOKEN\": \"canary\"}}, \"keyward\": {\"command\": \"/old/keyward\", \
                   \"args\": [], \"type\": \"stdio\",\n \"env\": {\"MY_TOKEN\": \"canary\", \"A\": \"b\"}}}}";
    let home = Home::new().with(".cursor/mcp.json", secrets);
    let plan = home.plan("cursor").expect("a plan");
    let shown = plan.difference();
    assert!(!shown.contains("canary") && shown.contains("/old/keyward") && shown.contains("/opt/keyward"), "{shown}");
    let home =
        Home::new().with(".cursor/mcp.json", "{\n  \"mcpServers\": {\n    \"a\": {\"token\": \"canary\"}\n  }\n}\n");
    let shown = home.plan("cursor").expect("a plan").difference();
    let file = home.at(".cursor/mcp.json").display().to_string();
    assert_eq!(
        shown,
        format!(
            "{file}\n  mcpServers\n+   \"keyward\": {{\n+     \"type\": \"stdio\",\n+     \"command\": \"/opt/keyward\",\n+     \"args\": [\"serve\"]\n+   }}"
        )
    );
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link_and_the_file_keeps_its_mode() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let home = Home::new().with("dotfiles/cursor.json", "{}");
    fs::set_permissions(home.at("dotfiles/cursor.json"), fs::Permissions::from_mode(0o640)).expect("changed");
    fs::create_dir(home.at(".cursor")).expect("made");
    symlink("../dotfiles/cursor.json", home.at(".cursor/mcp.json")).expect("a link");
    home.install("cursor");
    assert!(home.at(".cursor/mcp.json").is_symlink());
    assert!(home.text("dotfiles/cursor.json").contains("/opt/keyward"));
    let mode = |name: &str| fs::metadata(home.at(name)).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode("dotfiles/cursor.json"), mode(".cursor/mcp.json.keyward-backup")), (0o640, 0o640));
    home.remove("cursor");
    assert!(home.at(".cursor/mcp.json").is_symlink());
    assert_eq!((home.text("dotfiles/cursor.json").as_str(), mode("dotfiles/cursor.json")), ("{}", 0o640));
    // A link to a file that is yet to be made.
    fs::remove_file(home.at("dotfiles/cursor.json")).expect("removed");
    home.install("cursor");
    assert!(home.at(".cursor/mcp.json").is_symlink());
    assert_eq!(mode("dotfiles/cursor.json"), 0o600, "what the person has of their own is theirs alone");
    home.remove("cursor");
    assert!(home.at(".cursor/mcp.json").is_symlink() && !home.at("dotfiles/cursor.json").exists());
    // A circle leads nowhere.
    symlink("b", home.at("a")).expect("a link");
    symlink("a", home.at("b")).expect("a link");
    fs::remove_file(home.at(".cursor/mcp.json")).expect("removed");
    symlink("../a", home.at(".cursor/mcp.json")).expect("a link");
    assert!(matches!(home.plan("cursor"), Err(Error::Unreadable { .. })));
}

#[cfg(unix)]
#[test]
fn a_write_protected_file_is_not_replaced() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new().with(".cursor/mcp.json", "{}");
    fs::set_permissions(home.at(".cursor/mcp.json"), fs::Permissions::from_mode(0o444)).expect("changed");
    let error = home.plan("cursor").expect("a plan").apply().expect_err("write-protected");
    assert!(matches!(error, Error::Unwritable { .. }), "{error}");
    assert_eq!(home.text(".cursor/mcp.json"), "{}");
}

#[test]
fn what_narrows_a_host_stays_when_the_entry_is_written_anew() {
    for (there, asked, expected, kept) in [
        (r#"["serve","--read-only"]"#, vec!["serve"], r#"["serve", "--read-only"]"#, vec!["--read-only"]),
        (
            r#"["serve","--only","a,b"]"#,
            vec!["serve", "--read-only"],
            r#"["serve", "--read-only", "--only", "a,b"]"#,
            vec!["--only", "a,b"],
        ),
        (r#"["serve","--only=a"]"#, vec!["serve", "--only", "b"], r#"["serve", "--only", "b"]"#, vec![]),
        (r#"["serve","--verbose"]"#, vec!["serve"], r#"["serve"]"#, vec![]),
    ] {
        let text = format!(r#"{{"mcpServers": {{"keyward": {{"command": "/old/keyward", "args": {there}}}}}}}"#);
        let home = Home::new().with(".cursor/mcp.json", &text);
        let wanted = Entry { args: asked.into_iter().map(String::from).collect(), ..entry() };
        let plan = named("cursor").expect("a host").plan(Scope::User, &wanted, &home.here()).expect("a plan");
        assert_eq!(plan.kept, kept);
        plan.apply().expect("written");
        assert!(
            home.text(".cursor/mcp.json").replace("\",\"", "\", \"").contains(expected),
            "{}",
            home.text(".cursor/mcp.json")
        );
    }
}

#[test]
fn another_program_of_the_same_name_is_somebody_elses() {
    let text = r#"{"mcpServers":{"keyward":{"command":"/opt/acme/keyward","args":["daemon","--vault","a"]}}}"#;
    let home = Home::new().with(".cursor/mcp.json", text);
    assert!(matches!(home.plan("cursor"), Err(Error::Foreign { .. })));
    let removal = named("cursor").expect("a host").removal(Scope::User, &home.here());
    assert!(matches!(removal, Err(Error::Foreign { .. })));
    assert_eq!(home.text(".cursor/mcp.json"), text);
}

#[test]
fn a_file_where_the_copy_would_be_is_not_written_over() {
    let home = Home::new().with(".cursor/mcp.json", "{}").with(".cursor/mcp.json.keyward-backup", "mine");
    let refused = home.plan("cursor").expect("a plan").apply();
    assert!(matches!(&refused, Err(Error::Unwritable { why, .. }) if why.contains("in the way")), "{refused:?}");
    assert_eq!(
        (home.text(".cursor/mcp.json"), home.text(".cursor/mcp.json.keyward-backup")),
        ("{}".into(), "mine".into())
    );
}

#[cfg(unix)]
#[test]
fn a_project_cannot_lead_to_files_outside_it() {
    use std::os::unix::fs::symlink;
    let plan = |home: &Home, host: &str| named(host).expect("a host").plan(Scope::Project, &entry(), &home.here());
    let home = Home::new().with(".claude.json", "{\"account\": 1}").with("src/readme", "");
    symlink("../.claude.json", home.at("src/.mcp.json")).expect("a link");
    // To a file that is not there, and through a folder.
    fs::create_dir(home.at("src/.vscode")).expect("a folder");
    symlink("../../new/place.json", home.at("src/.vscode/mcp.json")).expect("a link");
    fs::create_dir(home.at("elsewhere")).expect("a folder");
    symlink("../elsewhere", home.at("src/.cursor")).expect("a link");
    for host in ["claude-code", "vscode", "cursor"] {
        let refused = plan(&home, host);
        assert!(
            matches!(&refused, Err(Error::Unreadable { why, .. }) if why.contains("out of the project")),
            "{host}: {refused:?}"
        );
    }
    // Links inside it are its own affair.
    fs::remove_file(home.at("src/.mcp.json")).expect("removed");
    symlink("real.json", home.at("src/.mcp.json")).expect("a link");
    plan(&home, "claude-code").expect("a plan").apply().expect("written");
    assert!(home.text("src/real.json").contains("keyward"));
}

#[test]
fn what_a_host_writes_at_the_last_moment_is_not_lost_and_a_refusal_leaves_no_copy() {
    let home = Home::new().with(".cursor/mcp.json", "{}");
    let found = disk::look(&home.at(".cursor/mcp.json")).expect("found");
    fs::write(home.at(".cursor/mcp.json"), "{\"a\": 1}").expect("written");
    let new = disk::New { bytes: b"ours", is_shared: false };
    assert!(!disk::replace(&found, &new).expect("looked"));
    assert_eq!(home.text(".cursor/mcp.json"), "{\"a\": 1}");
    let mut rights = fs::metadata(home.at(".cursor/mcp.json")).expect("there").permissions();
    rights.set_readonly(true);
    fs::set_permissions(home.at(".cursor/mcp.json"), rights).expect("set");
    assert!(matches!(home.plan("cursor").expect("a plan").apply(), Err(Error::Unwritable { .. })));
    assert_eq!(home.all(), [".cursor", ".cursor/mcp.json"]);
}
