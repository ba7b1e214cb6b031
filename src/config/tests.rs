//! What the configuration means, what it refuses, and that edits keep what the person wrote.

use std::path::Path;

use super::edit::{Change, Setting, apply};
use super::written::Written;
use super::*;

fn parse(text: &str) -> Result<Written, Error> {
    Written::parse(text, Path::new("config.toml"))
}

#[test]
fn a_preset_that_needs_a_login_is_offered_once_somebody_uses_it() {
    let names = |text: &str, environment: &Environment| {
        let written = Written::parse(text, Path::new("config.toml")).expect("a configuration");
        let config = Config::of(None, written, environment).expect("a configuration");
        assert!(config.connection("cisco").is_some(), "a login finds it all the same");
        config.connections.iter().map(|connection| connection.name.clone()).collect::<Vec<_>>()
    };
    let nothing = Environment::default();
    assert_eq!(names("", &nothing), ["tavily"]);
    assert_eq!(names("[connections.cisco]\n", &nothing), ["cisco", "tavily"]);
    assert_eq!(names("", &nothing.with("KEYWARD_TOKEN_CISCO", "t")), ["cisco", "tavily"]);
}

#[test]
fn a_service_that_names_no_issuer_has_a_usual_one_at_its_usual_address_only() {
    let issuer = |name: &str, url: Option<&str>, issuer: Option<&str>| {
        let entry = written::Connection {
            backend: Some("cisco".to_owned()),
            url: url.map(str::to_owned),
            issuer: issuer.map(str::to_owned),
            ..written::Connection::default()
        };
        Connection::resolve(name, Some(&entry)).expect("a connection").issuer
    };
    let usual = Some("https://id.cisco.com/oauth2/default".to_owned());
    assert_eq!(Connection::resolve("cisco", None).expect("a connection").issuer, usual);
    assert_eq!(issuer("x", Some("https://apix.cisco.com"), None), usual);
    assert_eq!(issuer("x", Some("https://gateway.example"), None), None);
    let other = Some("https://id.example".to_owned());
    assert_eq!(issuer("x", Some("https://gateway.example"), other.as_deref()), other);
    assert_eq!(issuer("x", None, other.as_deref()), other);
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_known_one() {
    for (text, key, nearest) in [
        ("[conections.x]\n", "conections", Some("connections")),
        ("[connections.x]\nclientid = \"a\"\n", "connections.x.clientid", Some("connections.x.client_id")),
        ("[serve]\nreadonly = true\n", "serve.readonly", Some("serve.read_only")),
        ("[serve]\nzzzzzzz = true\n", "serve.zzzzzzz", None),
        ("[network]\nca-file = \"/a\"\n", "network.ca-file", Some("network.ca_file")),
        ("[audit]\nenable = false\n", "audit.enable", Some("audit.enabled")),
        ("[networks]\n", "networks", Some("network")),
    ] {
        let expected = Error::UnknownKey { key: key.to_owned(), nearest: nearest.map(String::from) };
        assert_eq!(parse(text), Err(expected), "{text}");
    }
}

#[test]
fn a_value_of_the_wrong_kind_names_the_key_and_what_it_may_be() {
    for text in [
        "connections = 3\n",
        "[connections]\nx = 1\n",
        "[connections.x]\nurl = 5\n",
        "[connections.x]\nurl = \"\"\n",
        "[connections.x]\nscopes = \"a\"\n",
        "[connections.x]\nports = [0]\n",
        "[connections.x]\nports = [70000]\n",
        "[connections.x]\nredirect_host = \"0.0.0.0\"\n",
        "[connections.x]\ndpop = \"yes\"\n",
        "[connections.x]\ncertificate = true\n",
        "[connections.x]\ncertificate = \"sha256:00\"\n",
        "[serve]\nread_only = \"yes\"\n",
        "[network]\nca_file = \"relative.pem\"\n",
        "[network]\nca_file = true\n",
        "[audit]\nenabled = \"no\"\n",
    ] {
        assert!(matches!(parse(text), Err(Error::Value { .. })), "{text}: {:?}", parse(text));
    }
}

#[test]
fn a_syntax_error_names_the_line() {
    let error = parse("[serve]\nread_only = true\n[connections\n").expect_err("broken");
    assert!(matches!(error, Error::Syntax { line: 3, .. }), "{error:?}");
}

#[test]
fn only_safe_addresses_are_accepted() {
    for text in ["https://host/mcp", "http://127.0.0.1:1/mcp", "http://[::1]:1/", "http://localhost:1/"] {
        assert!(address(text, "url").is_ok(), "{text}");
    }
    for text in
        ["host", "http://host/mcp", "ftp://host/", "https://u:p@host/", "https://u@host/", "https://host/#f", "/x", ""]
    {
        assert!(address(text, "url").is_err(), "{text}");
    }
}

#[test]
fn names_are_short_and_plain() {
    for name in ["tavily", "a", "9", "my-portal_2", &"a".repeat(40)] {
        assert!(is_name(name), "{name}");
    }
    for name in ["", "-a", "_a", "A", "a b", "a/b", "a.b", "ä", &"a".repeat(41)] {
        assert!(!is_name(name), "{name}");
    }
}

#[test]
fn an_edit_keeps_comments_order_and_spacing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config.toml");
    let text = "# mine\n[connections.x] # here\nbackend = \"remote\"\nurl = \"https://a/mcp\" # old\n\n[serve]\nread_only = true\n";
    std::fs::write(&path, text).expect("written");
    let change = Change::connection("x", "url", "https://b/mcp");
    assert_eq!(apply(&path, std::slice::from_ref(&change)), Ok(true));
    let after = std::fs::read_to_string(&path).expect("read");
    assert_eq!(after, text.replace("https://a/mcp", "https://b/mcp"));
    assert_eq!(apply(&path, &[change]), Ok(false), "the second time nothing changes");
}

#[test]
fn an_edit_makes_the_file_and_its_folder_and_can_undo_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("new").join("config.toml");
    let flag = |value| Change { key: vec!["serve".into(), "read_only".into()], value };
    assert_eq!(apply(&path, &[flag(Some(Setting::Flag(true)))]), Ok(true));
    assert_eq!(parse(&std::fs::read_to_string(&path).expect("read")).map(|w| w.serve.read_only), Ok(true));
    assert_eq!(apply(&path, &[flag(None)]), Ok(true));
    assert_eq!(parse(&std::fs::read_to_string(&path).expect("read")), Ok(Written::default()));
}

#[test]
fn an_edit_that_would_break_the_file_leaves_it_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config.toml");
    std::fs::write(&path, "[connections.x]\nbackend = \"remote\"\n").expect("written");
    let before = std::fs::read(&path).expect("read");
    for change in [
        Change::connection("x", "backend", "nonsense"),
        Change::connection("x", "url", "ftp://host"),
        Change::connection("Not A Name", "url", "https://host"),
    ] {
        assert!(apply(&path, std::slice::from_ref(&change)).is_err(), "{change:?}");
        assert_eq!(std::fs::read(&path).expect("read"), before);
    }
}

#[test]
fn a_broken_file_can_be_mended_key_by_key_and_a_whole_one_cannot_be_broken() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config.toml");
    std::fs::write(&path, "[connections.tavily]\nclientid = \"x\"\nway = \"magic\"\n").expect("written");
    let unset = |key: &str| Change::of_words(key, None).and_then(|change| apply(&path, &[change]));
    assert_eq!(unset("connections.tavily.clientid"), Ok(true));
    assert_eq!(unset("connections.tavily.way"), Ok(true));
    assert!(Written::load(&path).is_ok());
    std::fs::write(&path, "[[[").expect("written");
    assert!(matches!(unset("serve.read_only"), Err(Error::Syntax { .. })));
}

#[test]
fn words_become_changes_of_the_right_kind() {
    let value = |key: &str, text: &str| Change::of_words(key, Some(text)).map(|change| change.value);
    assert_eq!(value("serve.read_only", "true"), Ok(Some(Setting::Flag(true))));
    assert_eq!(value("connections.x.dpop", "true"), Ok(Some(Setting::Flag(true))));
    assert_eq!(value("connections.x.ports", "80, 81"), Ok(Some(Setting::Ports(vec![80, 81]))));
    assert_eq!(value("connections.x.scopes", "a,b"), Ok(Some(Setting::Texts(vec!["a".into(), "b".into()]))));
    for text in ["X-A: 1, X-B: 2", r#"["X-A: 1", "X-B: 2"]"#] {
        assert_eq!(
            value("connections.x.headers", text),
            Ok(Some(Setting::Texts(vec!["X-A: 1".into(), "X-B: 2".into()])))
        );
    }
    let list = Setting::Texts(vec!["X-A: 1, 2".into()]);
    assert_eq!(value("connections.x.headers", r#" ["X-A: 1, 2"] "#), Ok(Some(list)));
    assert_eq!(value("connections.x.url", "https://a"), Ok(Some(Setting::Text("https://a".into()))));
    for key in ["serve", "serve.x", "connections.x", "connections.x.y", "x.y.z", ""] {
        assert!(value(key, "1").is_err(), "{key}");
    }
}

#[test]
fn two_names_that_share_a_token_variable_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config.toml");
    let entry = |name: &str| format!("[connections.{name}]\nbackend = \"remote\"\nurl = \"https://a.example/mcp\"\n");
    std::fs::write(&path, entry("my-api") + &entry("my_api")).expect("written");
    let loaded = Config::load(Some(&path), &Environment::default(), None);
    assert!(matches!(loaded, Err(Error::Value { key, .. }) if key == "connections.my_api"));
}

#[test]
fn a_resource_is_a_name_to_ask_for_and_not_a_place_to_send_to() {
    let entry = written::Connection {
        backend: Some("remote".into()),
        url: Some("https://gateway.example/mcp".into()),
        resource: Some("https://api.example/".into()),
        ..Default::default()
    };
    let connection = Connection::resolve("x", Some(&entry)).expect("a connection");
    assert_eq!(connection.endpoint(Way::OAuth).map(String::from), Some("https://gateway.example/mcp".into()));
}
