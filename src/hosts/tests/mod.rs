//! Where the files are, and what is found in them.

use super::*;

fn one(text: &str, host: &str) -> (String, String, Vec<String>, Vec<String>) {
    let entries = named(host).expect("a host").servers(text).expect("readable");
    assert_eq!(entries.len(), 1, "{entries:?}");
    let secrets = entries[0].secrets().map(String::from).collect();
    (entries[0].name.clone(), entries[0].command.clone(), entries[0].args.clone(), secrets)
}

#[test]
fn the_entry_of_every_host_is_found() {
    let found =
        |name: &str| (name.to_owned(), "/opt/keyward".to_owned(), vec!["serve".to_owned()], Vec::<String>::new());
    let plain = r#"{"mcpServers":{"other":{"command":"/opt/other"},"mine":{"type":"stdio","command":"/opt/keyward","args":["serve"],"env":{}}}}"#;
    assert_eq!(one(plain, "claude-code"), found("mine"));
    let project = r#"{"projects":{"/home/a":{"mcpServers":{"kw":{"command":"/opt/keyward","args":["serve"]}}}}}"#;
    assert_eq!(one(project, "claude-code"), found("kw"));
    let code = "{\n// mine\n\"servers\":{\"kw\":{\"command\":\"/opt/keyward\",\"args\":[\"serve\",],},},}";
    assert_eq!(one(code, "vscode"), found("kw"));
    let zed = r#"{"context_servers":{"kw":{"source":"custom","command":"/opt/keyward","args":["serve"],"env":{}}}}"#;
    assert_eq!(one(zed, "zed"), found("kw"));
    let old_zed = r#"{"context_servers":{"kw":{"command":{"path":"/opt/keyward","args":["serve"]}}}}"#;
    assert_eq!(one(old_zed, "zed"), found("kw"));
    let codex = "model = \"x\"\n[mcp_servers.kw]\ncommand = \"/opt/keyward\"\nargs = [\"serve\"]\nstartup_timeout_sec = 20\n[mcp_servers.kw.env]\nA = \"b\"\n";
    assert_eq!(one(codex, "codex"), found("kw"));
    let goose = "extensions:\n  kw:\n    type: stdio\n    cmd: /opt/keyward\n    args: [serve]\n    envs: {A: b}\n  other:\n    cmd: /opt/other\n";
    assert_eq!(one(goose, "goose"), found("kw"));
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
        let found = named("claude-code").expect("a host").servers(&text).expect("readable");
        assert_eq!(!found.is_empty(), ours, "{command} {args}");
    }
}

#[test]
fn what_is_no_list_of_servers_is_nothing_and_what_is_broken_is_said() {
    for text in
        ["", "{}", r#"{"mcpServers":[]}"#, r#"{"mcpServers":{"a":5}}"#, r#"{"mcpServers":{"a":{"url":"https://x"}}}"#]
    {
        assert_eq!(named("claude-code").expect("a host").servers(text), Ok(Vec::new()), "{text}");
    }
    assert_eq!(named("claude-code").expect("a host").servers("{\"mcpServers\":{"), Err(Unread));
    assert_eq!(named("codex").expect("a host").servers("[mcp_servers"), Err(Unread));
}

#[test]
fn secrets_in_an_entry_are_told_by_name_and_references_are_none() {
    let text = r#"{"mcpServers":{"a":{"command":"/opt/keyward","args":["serve"],"env":{
        "KEYWARD_TOKEN_BOX":"canary","KEYWARD_STORE_PASSPHRASE":"canary","TAVILY_API_KEY":"canary","HTTPS_PROXY":"http://a:canary@p",
        "HTTP_PROXY":"http://p:1","GITHUB_TOKEN":"${input:token}","MY_SECRET":"$SECRET","KEYWARD_CONFIG":"/x","EMPTY_TOKEN":""}}}}"#;
    let (.., secrets) = one(text, "claude-code");
    let mut secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    secrets.sort_unstable();
    assert_eq!(secrets, ["HTTPS_PROXY", "KEYWARD_STORE_PASSPHRASE", "KEYWARD_TOKEN_BOX", "TAVILY_API_KEY"]);
}

fn at(system: System, variables: &[(&str, &str)]) -> Here {
    let home = if system == System::Windows { "C:\\Users\\ada" } else { "/home/ada" };
    Here {
        system,
        environment: crate::machine::Environment::of(variables.iter().copied()),
        home: Some(PathBuf::from(home)),
        project: PathBuf::from("/src/app"),
    }
}

/// The file with `/` between its parts, whatever this system has there.
fn file(host: &str, scope: Scope, here: &Here) -> String {
    let file = named(host).expect("a host").file(scope, here);
    file.map(|file| file.display().to_string().replace('\\', "/")).unwrap_or_default()
}

/// A host, its file on macOS, Windows and Linux, and the one of a project.
const PLACES: [[&str; 5]; 12] = [
    [
        "claude-desktop",
        "~/Library/Application Support/Claude/claude_desktop_config.json",
        "~/AppData/Roaming/Claude/claude_desktop_config.json",
        "~/.config/Claude/claude_desktop_config.json",
        "",
    ],
    ["claude-code", "~/.claude.json", "=", "=", "/src/app/.mcp.json"],
    [
        "vscode",
        "~/Library/Application Support/Code/User/mcp.json",
        "~/AppData/Roaming/Code/User/mcp.json",
        "~/.config/Code/User/mcp.json",
        "/src/app/.vscode/mcp.json",
    ],
    ["copilot", "~/.copilot/mcp-config.json", "=", "=", "/src/app/.github/mcp.json"],
    ["cursor", "~/.cursor/mcp.json", "=", "=", "/src/app/.cursor/mcp.json"],
    ["windsurf", "~/.codeium/windsurf/mcp_config.json", "=", "=", ""],
    ["zed", "~/.config/zed/settings.json", "~/AppData/Roaming/Zed/settings.json", "=", "/src/app/.zed/settings.json"],
    ["junie", "~/.junie/mcp/mcp.json", "=", "=", "/src/app/.junie/mcp/mcp.json"],
    ["ai-assistant", "", "=", "=", ""],
    ["gemini", "~/.gemini/settings.json", "=", "=", "/src/app/.gemini/settings.json"],
    ["codex", "~/.codex/config.toml", "=", "=", "/src/app/.codex/config.toml"],
    ["goose", "~/.config/goose/config.yaml", "~/AppData/Roaming/Block/goose/config/config.yaml", "=", ""],
];

#[test]
fn every_host_has_its_file_on_every_system() {
    let roaming = ("APPDATA", "C:\\Users\\ada\\AppData\\Roaming");
    let (mac, windows, linux) = (at(System::MacOs, &[]), at(System::Windows, &[roaming]), at(System::Unix, &[]));
    for [host, on_mac, on_windows, on_linux, project] in PLACES {
        for (here, expected) in [(&mac, on_mac), (&windows, on_windows), (&linux, on_linux)] {
            let expected = if expected == "=" { on_mac } else { expected };
            let home = if here.system == System::Windows { "C:/Users/ada" } else { "/home/ada" };
            assert_eq!(file(host, Scope::User, here), expected.replace('~', home), "{host}");
            assert_eq!(file(host, Scope::Project, here), project, "{host}");
        }
        assert_eq!(named(host).expect("a host").has(Scope::User), !on_mac.is_empty());
        assert_eq!(named(host).expect("a host").has(Scope::Project), !project.is_empty());
    }
    assert_eq!(ALL.iter().map(|host| host.name).collect::<Vec<_>>(), PLACES.map(|[name, ..]| name));
}

#[test]
fn a_variable_that_a_host_reads_moves_its_file() {
    let variables = [
        ("XDG_CONFIG_HOME", "/x"),
        ("CLAUDE_CONFIG_DIR", "/c"),
        ("COPILOT_HOME", "/p"),
        ("GEMINI_CLI_HOME", "/g"),
        ("CODEX_HOME", "/o"),
    ];
    let here = at(System::Unix, &variables);
    for (host, expected) in [
        ("claude-desktop", "/x/Claude/claude_desktop_config.json"),
        ("vscode", "/x/Code/User/mcp.json"),
        ("zed", "/x/zed/settings.json"),
        ("goose", "/x/goose/config.yaml"),
        ("claude-code", "/c/.claude.json"),
        ("copilot", "/p/mcp-config.json"),
        ("gemini", "/g/.gemini/settings.json"),
        ("codex", "/o/config.toml"),
        ("cursor", "/home/ada/.cursor/mcp.json"),
    ] {
        assert_eq!(file(host, Scope::User, &here), expected);
    }
    let nobody = Here { home: None, ..at(System::Unix, &[]) };
    assert!(ALL.iter().all(|host| host.file(Scope::User, &nobody).is_none() && !host.is_present(&nobody)));
}

#[test]
fn a_packaged_program_of_windows_reads_only_what_is_in_its_own_folder() {
    let place = tempfile::tempdir().expect("a folder");
    let local = place.path().display().to_string();
    let here = at(System::Windows, &[("LOCALAPPDATA", &local), ("APPDATA", "/roaming")]);
    assert_eq!(file("claude-desktop", Scope::User, &here), "/roaming/Claude/claude_desktop_config.json");
    std::fs::create_dir_all(place.path().join("Packages/Claude_abc")).expect("made");
    let found = file("claude-desktop", Scope::User, &here);
    assert!(found.ends_with("/Packages/Claude_abc/LocalCache/Roaming/Claude/claude_desktop_config.json"), "{found}");
}

#[test]
fn a_host_is_here_if_it_left_a_folder_a_program_or_an_application() {
    let place = tempfile::tempdir().expect("a folder");
    let here = |system| Here {
        system,
        environment: crate::machine::Environment::of([("PATH", place.path().join("bin"))]),
        home: Some(place.path().to_path_buf()),
        project: place.path().join("src"),
    };
    let present = |system| -> Vec<&str> {
        ALL.iter().filter(|host| host.is_present(&here(system))).map(|host| host.name).collect()
    };
    assert_eq!(present(System::Unix), [""; 0]);
    for folder in ["bin", ".cursor", ".config/goose", ".claude", "Applications/Zed.app", "src/.gemini"] {
        std::fs::create_dir_all(place.path().join(folder)).expect("made");
    }
    std::fs::write(place.path().join("bin/codex"), "").expect("written");
    std::fs::write(place.path().join("bin/gemini.cmd"), "").expect("written");
    assert_eq!(present(System::Unix), ["claude-code", "cursor", "codex", "goose"]);
    assert_eq!(present(System::MacOs), ["claude-code", "cursor", "zed", "codex", "goose"]);
    assert_eq!(present(System::Windows), ["claude-code", "cursor", "gemini"]);
}

mod edit;
mod files;
mod fuzz;
