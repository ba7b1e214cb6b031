//! What an edit makes of a text, in each format.

use super::super::text::Trouble;
use super::super::*;

pub(super) fn entry() -> Entry {
    Entry { command: "/opt/keyward".to_owned(), args: vec!["serve".to_owned()], env: Vec::new() }
}

fn host(name: &str) -> &'static Host {
    named(name).expect("a host")
}

/// The text with the entry put in, or changed where it is there.
fn put(name: &str, text: &str, entry: &Entry) -> Result<String, Trouble> {
    let host = host(name);
    host.format.check(text, host.key)?;
    let said = host.format.read(text).expect("readable");
    let there = said.get(host.key).and_then(|servers| servers.get(NAME));
    let wanted = host.wanted(entry, there);
    let after = host.format.put(text, host.key, &wanted)?;
    assert_eq!(host.format.read(&after), Some(host.expected(&said, &wanted)), "{after}");
    Ok(after)
}

fn take(name: &str, text: &str) -> String {
    host(name).format.take(text, host(name).key, true).expect("an entry")
}

#[test]
fn each_host_gets_the_entry_it_takes() {
    for (name, expected) in [
        (
            "claude-desktop",
            "{\n  \"mcpServers\": {\n    \"keyward\": {\n      \"command\": \"/opt/keyward\",\n      \"args\": [\"serve\"]\n    }\n  }\n}\n",
        ),
        (
            "claude-code",
            "{\n  \"mcpServers\": {\n    \"keyward\": {\n      \"type\": \"stdio\",\n      \"command\": \"/opt/keyward\",\n      \"args\": [\"serve\"]\n    }\n  }\n}\n",
        ),
        (
            "vscode",
            "{\n  \"servers\": {\n    \"keyward\": {\n      \"type\": \"stdio\",\n      \"command\": \"/opt/keyward\",\n      \"args\": [\"serve\"]\n    }\n  }\n}\n",
        ),
        (
            "copilot",
            "{\n  \"mcpServers\": {\n    \"keyward\": {\n      \"type\": \"local\",\n      \"command\": \"/opt/keyward\",\n      \"args\": [\"serve\"],\n      \"tools\": [\"*\"]\n    }\n  }\n}\n",
        ),
        (
            "zed",
            "{\n  \"context_servers\": {\n    \"keyward\": {\n      \"source\": \"custom\",\n      \"command\": \"/opt/keyward\",\n      \"args\": [\"serve\"]\n    }\n  }\n}\n",
        ),
        ("codex", "[mcp_servers.keyward]\ncommand = \"/opt/keyward\"\nargs = [\"serve\"]\n"),
        (
            "goose",
            "extensions:\n  keyward:\n    name: keyward\n    type: stdio\n    enabled: true\n    cmd: /opt/keyward\n    args: [\"serve\"]\n    timeout: 300\n",
        ),
    ] {
        assert_eq!(host(name).pasted(&entry()), expected);
    }
}

#[test]
fn variables_and_paths_of_windows_are_written_as_each_format_wants_them() {
    let entry = Entry {
        command: r"C:\Program Files\keyward\keyward.exe".to_owned(),
        args: ["serve", "--only", "a,b"].map(String::from).into(),
        env: vec![
            ("KEYWARD_STORE".to_owned(), "file".to_owned()),
            ("KEYWARD_CONFIG".to_owned(), "/a #b/c: d".to_owned()),
        ],
    };
    for (name, part) in [
        (
            "cursor",
            "\"command\": \"C:\\\\Program Files\\\\keyward\\\\keyward.exe\",\n      \"args\": [\"serve\", \"--only\", \"a,b\"],\n      \"env\": {\n        \"KEYWARD_STORE\": \"file\",\n        \"KEYWARD_CONFIG\": \"/a #b/c: d\"\n      }",
        ),
        (
            "codex",
            "command = \"C:\\\\Program Files\\\\keyward\\\\keyward.exe\"\nargs = [\"serve\", \"--only\", \"a,b\"]\nenv = { KEYWARD_STORE = \"file\", KEYWARD_CONFIG = \"/a #b/c: d\" }\n",
        ),
        (
            "goose",
            "    cmd: \"C:\\\\Program Files\\\\keyward\\\\keyward.exe\"\n    args: [\"serve\", \"--only\", \"a,b\"]\n    timeout: 300\n    envs: {\"KEYWARD_CONFIG\": \"/a #b/c: d\", \"KEYWARD_STORE\": \"file\"}\n",
        ),
    ] {
        let text = put(name, "", &entry).expect("an entry");
        assert!(text.contains(part), "{text}");
        assert_eq!(put(name, &text, &entry), Ok(text), "a second time changes nothing");
    }
}

/// A text, and the same with the entry in it.
const JSON: [[&str; 2]; 13] = [
    ["{}", "{\n  \"mcpServers\": {\n    \"keyward\": E\n  }\n}"],
    ["{\"a\":1}", "{\"a\":1, \"mcpServers\": {\"keyward\": F}}"],
    ["{\"mcpServers\":{}}", "{\"mcpServers\":{\"keyward\": F}}"],
    ["{\"mcpServers\":{\"a\":{\"command\":\"x\"}}}", "{\"mcpServers\":{\"a\":{\"command\":\"x\"}, \"keyward\": F}}"],
    [
        "// mine\n{\n\t\"mcpServers\": {\n\t\t// none yet\n\t}\n}\n",
        "// mine\n{\n\t\"mcpServers\": {\n\t\t// none yet\n\t\t\"keyward\": T\n\t}\n}\n",
    ],
    [
        "{\n  \"mcpServers\": {\n    \"a\": {} // the first\n    // the end\n  }\n}",
        "{\n  \"mcpServers\": {\n    \"a\": {}, // the first\n    \"keyward\": E\n    // the end\n  }\n}",
    ],
    [
        "{\n  \"mcpServers\": {\n    \"a\": {}, // the first\n  },\n}",
        "{\n  \"mcpServers\": {\n    \"a\": {}, // the first\n    \"keyward\": E,\n  },\n}",
    ],
    [
        "\u{feff}{\r\n    \"x\": [1, 2,\r\n 3]\r\n}\r\n",
        "\u{feff}{\r\n    \"x\": [1, 2,\r\n 3],\r\n    \"mcpServers\": {\r\n        \"keyward\": W\r\n    }\r\n}\r\n",
    ],
    [
        "{\n  \"a\": \"// no, \\\" /* comment }\" }",
        "{\n  \"a\": \"// no, \\\" /* comment }\",\n  \"mcpServers\": {\n    \"keyward\": E\n  } }",
    ],
    ["", "{\n  \"mcpServers\": {\n    \"keyward\": E\n  }\n}\n"],
    ["// later\n", "// later\n{\n  \"mcpServers\": {\n    \"keyward\": E\n  }\n}\n"],
    [
        "{\n  \"mcpServers\": {},\n  \"z\": null\n}",
        "{\n  \"mcpServers\": {\n    \"keyward\": E\n  },\n  \"z\": null\n}",
    ],
    ["{ /* x */ }", "{ /* x */\n  \"mcpServers\": {\n    \"keyward\": E\n  } }"],
];

#[test]
fn json_keeps_its_comments_its_layout_and_everybody_else() {
    for [text, expected] in JSON {
        let members = ["\"type\": \"stdio\"", "\"command\": \"/opt/keyward\"", "\"args\": [\"serve\"]"];
        let whole = |newline: &str, outer: &str, inner: &str| {
            format!("{{{newline}{inner}{}{newline}{outer}}}", members.join(&format!(",{newline}{inner}")))
        };
        let expected = expected
            .replace('E', &whole("\n", "    ", "      "))
            .replace('F', &format!("{{{}}}", members.join(", ")))
            .replace('T', &whole("\n", "\t\t", "\t\t\t"))
            .replace('W', &whole("\r\n", "        ", "            "));
        assert_eq!(put("claude-code", text, &entry()).as_deref(), Ok(expected.as_str()));
    }
}

#[test]
fn what_is_changed_in_an_entry_of_ours_is_what_is_ours() {
    let other = Entry { args: vec!["serve".to_owned(), "--read-only".to_owned()], ..entry() };
    let env = Entry { env: vec![("KEYWARD_STORE".to_owned(), "file".to_owned())], ..entry() };
    for (name, old, read_only, with_env) in [
        (
            "cursor",
            "{\"mcpServers\":{\"keyward\":{\"command\":\"/old/keyward\",\"args\":[ ],\"disabled\":true,\"env\":{\"A\":\"b\"}}}}",
            "{\"mcpServers\":{\"keyward\":{\"command\":\"/opt/keyward\",\"args\":[\"serve\", \"--read-only\"],\"disabled\":true,\"env\":{\"A\":\"b\"}, \"type\": \"stdio\"}}}",
            "{\"mcpServers\":{\"keyward\":{\"command\":\"/opt/keyward\",\"args\":[\"serve\"],\"disabled\":true,\"env\":{\"A\":\"b\", \"KEYWARD_STORE\": \"file\"}, \"type\": \"stdio\"}}}",
        ),
        (
            "codex",
            "[mcp_servers.keyward]\r\ncommand = '/old/keyward' # here\r\nargs = [\r\n]\r\nenabled = false\r\n[mcp_servers.keyward.env]\r\nA = 'b'\r\n",
            "[mcp_servers.keyward]\r\ncommand = \"/opt/keyward\" # here\r\nargs = [\"serve\", \"--read-only\"]\r\nenabled = false\r\n[mcp_servers.keyward.env]\r\nA = 'b'\r\n",
            "[mcp_servers.keyward]\r\ncommand = \"/opt/keyward\" # here\r\nargs = [\"serve\"]\r\nenabled = false\r\n[mcp_servers.keyward.env]\r\nA = 'b'\r\nKEYWARD_STORE = \"file\"\r\n",
        ),
        (
            "goose",
            "extensions:\n  keyward:\n    cmd: /old/keyward # here\n    args:\n    - one\n    - two\n    name: mine\n    type: stdio\n    enabled: false\n    timeout: 5\n    envs: {}\n",
            "extensions:\n  keyward:\n    cmd: /opt/keyward\n    args: [\"serve\", \"--read-only\"]\n    name: mine\n    type: stdio\n    enabled: false\n    timeout: 5\n    envs: {}\n",
            "extensions:\n  keyward:\n    cmd: /opt/keyward\n    args: [\"serve\"]\n    name: mine\n    type: stdio\n    enabled: false\n    timeout: 5\n    envs: {\"KEYWARD_STORE\": \"file\"}\n",
        ),
    ] {
        assert_eq!(put(name, old, &other).as_deref(), Ok(read_only));
        assert_eq!(put(name, old, &env).as_deref(), Ok(with_env));
        assert_eq!(put(name, with_env, &env).as_deref(), Ok(with_env));
    }
}

#[test]
fn what_people_wrote_around_our_entry_stays_when_it_goes() {
    for (name, text, expected) in [
        ("cursor", "{\"mcpServers\":{\"keyward\":{\"command\":\"keyward\"},\"a\":{}}}", "{\"mcpServers\":{\"a\":{}}}"),
        ("cursor", "{\"mcpServers\":{\"a\":{}, \"keyward\":{}, \"b\":{}}}", "{\"mcpServers\":{\"a\":{}, \"b\":{}}}"),
        ("cursor", "{\"mcpServers\":{\"a\":{}, \"keyward\":{}}}", "{\"mcpServers\":{\"a\":{}}}"),
        ("cursor", "{\"mcpServers\":{\"a\":{}, \"keyward\":{},}}", "{\"mcpServers\":{\"a\":{},}}"),
        ("cursor", "{\n \"mcpServers\": {\n  \"keyward\": {}\n }\n}", "{}"),
        ("cursor", "{\n \"b\": 1,\n \"mcpServers\": {\n  \"keyward\": {}\n }\n}", "{\n \"b\": 1\n}"),
        (
            "cursor",
            "{\n \"mcpServers\": {\n  // ours\n  \"keyward\": {}\n }\n}",
            "{\n \"mcpServers\": {\n  // ours\n }\n}",
        ),
        ("cursor", "{\"a\": {}, // x\n \"mcpServers\": {\"keyward\": {}}}", "{\"a\": {} // x\n }"),
        (
            "codex",
            "a = 1\n\n[mcp_servers.keyward]\ncommand = 'keyward'\n\n[mcp_servers.keyward.env]\nA = 'b'\n\n# next\n[z]\nb = [\n[1]]\n",
            "a = 1\n\n# next\n[z]\nb = [\n[1]]\n",
        ),
        ("codex", "[ mcp_servers . \"keyward\" ] # x\ncommand = 'keyward'\n", ""),
        (
            "goose",
            "a: 1\nextensions:\n  keyward:\n    cmd: keyward\n    args:\n      - serve\n\n  # other\n  other:\n    cmd: x\nb: 2\n",
            "a: 1\nextensions:\n\n  # other\n  other:\n    cmd: x\nb: 2\n",
        ),
        ("goose", "extensions:\n  keyward:\n    cmd: keyward\na: 1\n", "a: 1\n"),
    ] {
        assert_eq!(take(name, text), expected, "{text}");
    }
}

#[test]
fn yaml_is_edited_only_where_it_is_surely_understood() {
    let put = |text: &str| put("goose", text, &entry());
    let ours = "  keyward:\n    name: keyward\n    type: stdio\n    enabled: true\n    cmd: /opt/keyward\n    args: [\"serve\"]\n    timeout: 300\n";
    for (before, after) in [
        (
            "# mine\nGOOSE_MODEL: x\nextensions: # here\n",
            "  developer:\n    enabled: true\n    text: |\n      a: b\n\n     # c\n",
        ),
        ("---\nextensions:\n", "\n  # first\n  a: {cmd: x, args: [1, 'b,c']}\nother: [1]\n"),
        ("a: |+\n  extensions:\n\nextensions:\n", "  b:\n    cmd: \"x: y\"\n"),
    ] {
        assert_eq!(put(&format!("{before}{after}")), Ok(format!("{before}{ours}{after}")));
    }
    assert_eq!(put("a: 1"), Ok(format!("a: 1\nextensions:\n{ours}")));
    let crlf = "a: 1\r\nextensions:\r\n    b:\r\n        cmd: x\r\n";
    assert!(put(crlf).is_ok_and(|text| text.contains("extensions:\r\n    keyward:\r\n      name: keyward\r\n")));
    for text in [
        "extensions: {}\n",
        "extensions: {a: {cmd: x}}\n",
        "extensions: &all\n  a:\n    cmd: x\n",
        "extensions: !x\n  a: b\n",
        "extensions:\n  <<: *all\n  a:\n    cmd: x\n",
        "extensions:\n\ta:\n",
        "extensions:\n  - a\n",
        "extensions:\n- a\n",
        "extensions:\n  a:\n    b: 1\n c: 2\n",
        "extensions:\n  a: 1\nextensions:\n  b: 1\n",
        "a: 1\n---\nb: 2\n",
        "%YAML 1.2\n---\na: 1\n",
        "a: \"one\nextensions:\n  two\"\n",
        "a: [1,\n  2]\n",
        "{a: 1}\n",
        "- a\n- b: 1\n? c\n",
        "a: |+\n  b\n",
        "a: |\n  b",
        "\u{feff}a: 1\n",
        "just text\n",
        "extensions:\n  keyward: {cmd: keyward}\n",
        "extensions:\n  keyward:\n    cmd: keyward\n  keyward:\n    cmd: keyward\n",
    ] {
        let found = put(text);
        assert!(found.is_err(), "{text:?} became {found:?}");
    }
}

#[test]
fn what_is_not_whole_is_said_with_its_line() {
    for (name, text, expected) in [
        ("cursor", "{\n  \"a\": 1\n  \"b\": 2\n}", Trouble::NotWhole(3)),
        ("cursor", "{\"mcpServers\": {", Trouble::NotWhole(1)),
        ("cursor", "{} {}", Trouble::NotWhole(1)),
        ("cursor", "{\"a\": tru}", Trouble::NotWhole(1)),
        ("cursor", "{\n/* never ends", Trouble::NotWhole(2)),
        ("cursor", "[]", Trouble::Kind("mcpServers".to_owned())),
        ("cursor", "{\"mcpServers\": []}", Trouble::Kind("keyward".to_owned())),
        ("cursor", "{\"mcpServers\": null}", Trouble::Kind("keyward".to_owned())),
        ("cursor", "{\"mcpServers\": {}, \"mcpServers\": {}}", Trouble::Twice("mcpServers".to_owned())),
        ("cursor", "{\"mcpServers\": {\"keyward\": {}, \"key\\u0077ard\": {}}}", Trouble::Twice("keyward".to_owned())),
        ("codex", "a = 1\n[b\n", Trouble::NotWhole(2)),
        ("codex", "a = 1\na = 2\n", Trouble::NotWhole(2)),
    ] {
        assert_eq!(host(name).format.check(text, host(name).key), Err(expected), "{text}");
    }
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    assert!(host("cursor").format.check(&deep, "mcpServers").is_err());
}
