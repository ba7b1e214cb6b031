//! Every failure a person can meet: its words, its exit code, and that the hinted command exists.
//!
//! The words are golden: `INSTA_UPDATE=always` rewrites them. Ports, folders and random names are filtered.

use keyward::app::error::{Ended, Error, Pause};
use keyward::backends::Way;
use keyward::report::Exit;
use keyward::sandbox::{Effect, Faults, ResponseIss, TokenFault};
use keyward::secret::Secret;
use keyward::store::{Error as StoreError, Key};

use crate::issuer::{Issuer, Rules};
use crate::person::{Forbidden, Nobody, Press};
use crate::scripted::{self, answer};
use crate::world::{Ran, World};

/// Compares the whole report and proves that each hinted command parses.
#[track_caller]
fn pinned(name: &str, ran: &Ran, exit: Exit) {
    assert_eq!(ran.exit, exit, "{name}: {ran:?}");
    let report: Vec<&str> = ran.err.lines().skip_while(|line| !line.starts_with("error: ")).collect();
    assert!(report.iter().any(|line| line.starts_with("hint:  ")), "{name} has a hint: {ran:?}");
    for command in report.iter().flat_map(|line| commands(line)) {
        parses(&command);
    }
    insta::with_settings!({
        filters => vec![(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"), (r"`/[^`]*/config\.toml`", "`CONFIG`"), (r"\[\d{4,5}\]", "[PORT]")],
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!(name, report.join("\n")); });
}

/// The commands in backticks of a hint, with every placeholder filled in.
pub fn commands(line: &str) -> Vec<String> {
    let Some(hint) = line.strip_prefix("hint:") else { return Vec::new() };
    hint.split('`').skip(1).step_by(2).filter(|part| part.starts_with("keyward ")).map(String::from).collect()
}

#[track_caller]
pub fn parses(command: &str) {
    let filled = command.replace('…', "x");
    let words: Vec<&str> = filled.split(' ').collect();
    if let Err(error) = keyward::cli::definition().try_get_matches_from(words) {
        let harmless = matches!(error.kind(), clap::error::ErrorKind::DisplayHelp);
        assert!(harmless, "the hinted command `{command}` does not parse: {error}");
    }
}

#[test]
fn an_unknown_connection() {
    let ran = World::new().run(&["status", "tavly"]);
    pinned("unknown_connection", &ran, Exit::Usage);
    let ran = World::new().run(&["login", "something-else"]);
    pinned("unknown_connection_without_a_neighbour", &ran, Exit::Usage);
}

#[test]
fn an_unknown_tool() {
    let ran = World::new().run(&["call", "tavily_serch"]);
    pinned("unknown_tool", &ran, Exit::Usage);
    let ran = World::new().run(&["tools", "tavily"]);
    pinned("unknown_tool_connection", &ran, Exit::Usage);
}

#[test]
fn a_malformed_configuration() {
    for (name, text) in [
        ("config_unknown_key", "[connections.tavily]\nclientid = \"x\"\n"),
        ("config_value", "[connections.tavily]\nway = \"magic\"\n"),
        ("config_name", "[connections.Tavily]\nbackend = \"tavily\"\n"),
        ("config_syntax", "[connections.tavily\n"),
        (
            "config_secret_header",
            "[connections.x]\nbackend = \"remote\"\nurl = \"https://a.example/mcp\"\nheaders = [\"X-Api-Key: canary\"]\n",
        ),
        (
            "config_own_header",
            "[connections.x]\nbackend = \"remote\"\nurl = \"https://a.example/mcp\"\nheaders = [\"Host: x\"]\n",
        ),
        ("config_insecure_url", "[connections.x]\nbackend = \"remote\"\nurl = \"http://example.com/mcp\"\n"),
    ] {
        let ran = World::new().config(text).run(&["status"]);
        pinned(name, &ran, Exit::Configuration);
    }
}

#[test]
fn a_secret_header_that_is_missing_refused_or_none() {
    let server = scripted::always(answer("401 Unauthorized", "application/json", "{}"));
    let entry = format!(
        "[connections.box]\nbackend = \"remote\"\nurl = \"http://{server}/mcp\"\nway = \"none\"\nsecret_headers = [\"x-api-key\"]\n"
    );
    let world = World::new().config(&entry);
    pinned("header_missing", &world.run(&["status", "box"]), Exit::LoginRequired);
    let kept = |origin: &str| {
        let kept = format!(r#"{{"version":1,"headers":{{"x-api-key":{{"origin":"{origin}","value":"canary-1"}}}}}}"#);
        world.keep(&Key::headers("box"), &Secret::new(kept));
    };
    kept("https://other.example");
    pinned("header_elsewhere", &world.run(&["status", "box"]), Exit::LoginRequired);
    kept(&format!("http://{server}"));
    pinned("headers_refused", &world.run(&["status", "box", "--verify"]), Exit::LoginRequired);
    pinned("header_unfit", &world.run(&["login", "box", "--header", "Authorization"]), Exit::Usage);
    pinned("header_with_its_value", &world.run(&["login", "box", "--header", "X-Api-Key: canary"]), Exit::Usage);
}

#[test]
fn a_backend_without_an_address() {
    let ran = World::new().run(&["login", "remote"]);
    pinned("no_address", &ran, Exit::Configuration);
}

#[test]
fn a_wrong_url() {
    for (name, url) in [
        ("url_insecure", "http://example.com/mcp"),
        ("url_not_http", "ftp://example.com/mcp"),
        ("url_with_a_secret", "https://example.com/mcp?api_key=canary"),
    ] {
        let ran = World::new().run(&["login", url]);
        pinned(name, &ran, Exit::Usage);
        assert!(!ran.err.contains("canary"), "{ran:?}");
    }
    let address = scripted::always(answer("404 Not Found", "text/html", "<html>nothing here</html>"));
    let ran = World::new().browser(Forbidden).run(&["login", &format!("http://{address}/mcp"), "--name", "box"]);
    pinned("url_of_nothing", &ran, Exit::Server);
}

#[test]
fn an_issuer_that_does_not_match() {
    let world = World::with_sandbox().browser(Forbidden);
    let metadata_issuer = Some("https://evil.example".to_owned());
    world.sandbox().control().set(Faults { metadata_issuer, ..Faults::default() });
    pinned("issuer_in_metadata", &world.run(&["login", &world.resource(), "--name", "box"]), Exit::Server);
    let world = World::with_sandbox();
    let response_iss = ResponseIss::Other("https://evil.example".to_owned());
    world.sandbox().control().set(Faults { response_iss, ..Faults::default() });
    pinned("issuer_in_the_answer", &world.run(&["login", &world.resource(), "--name", "box"]), Exit::Server);
}

#[test]
fn a_server_without_s256() {
    let world = World::with_sandbox().browser(Forbidden);
    world.sandbox().control().set(Faults { metadata_without_pkce: true, ..Faults::default() });
    pinned("no_s256", &world.run(&["login", &world.resource(), "--name", "box"]), Exit::Server);
}

#[test]
fn a_busy_fixed_port() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let world = World::with_sandbox().browser(Forbidden);
    let resource = world.resource();
    let world =
        world.config(&format!("[connections.box]\nbackend = \"remote\"\nurl = \"{resource}\"\nports = [{port}]\n"));
    pinned("port_busy", &world.run(&["login", "box"]), Exit::Network);
}

#[test]
fn a_dismissed_consent_and_a_closed_tab() {
    let world = World::with_sandbox().person(Press::Deny);
    pinned("denied", &world.run(&["login", &world.resource(), "--name", "box"]), Exit::Denied);
    let world = World::with_sandbox().browser(Nobody);
    pinned("closed_tab", &world.run(&["login", &world.resource(), "--name", "box", "--timeout", "10"]), Exit::Network);
}

#[test]
fn a_login_that_is_not_the_one_that_was_meant() {
    use keyward::app::Error;
    use keyward::app::error::{Left, Outsider};
    use keyward::app::login::{By, Who};
    let connection = || "box".to_owned();
    let other = |who, left| Error::OtherAccount { connection: connection(), who, left };
    let running = |who| Error::LoginRunning { connection: connection(), who };
    let login = |error| Error::Login { connection: connection(), error: std::sync::Arc::new(error) };
    let elsewhere = keyward::oauth::Error::LocalhostElsewhere { address: [192, 0, 2, 1].into() };
    for (name, error) in [
        ("another_account", other(Outsider::Swapped { stored: "ada".into(), new: "bob".into() }, Left::Ended)),
        (
            "unexpected_account",
            other(Outsider::Unexpected { expected: "ada".into(), actual: Some("bob".into()) }, Left::Alive),
        ),
        ("unnamed_account", other(Outsider::Unexpected { expected: "ada".into(), actual: None }, Left::Ended)),
        ("login_running", running(Some(Who { by: By::Serve, process: 4711, seconds: 12 }))),
        ("login_running_unknown", running(None)),
        ("localhost_elsewhere", login(elsewhere)),
        ("no_device_login", login(keyward::oauth::Error::NoDeviceLogin { issuer: "https://as.example".into() })),
    ] {
        let report = keyward::report::Report::from(&error);
        pinned(name, &Ran { exit: report.exit, out: String::new(), err: report.text() }, report.exit);
    }
}

#[test]
fn r20_a_keychain_that_does_not_work() {
    let cause = || "the session bus does not answer".to_owned();
    for (name, error) in [
        ("store_absent", StoreError::Absent { cause: cause() }),
        ("store_locked", StoreError::Locked),
        ("store_denied", StoreError::Denied { cause: cause() }),
        ("store_timed_out", StoreError::TimedOut { after: std::time::Duration::from_secs(5) }),
        ("store_too_large", StoreError::TooLarge { size: 90_000, limit: 65_536 }),
        ("store_busy", StoreError::Busy),
        ("store_damaged", StoreError::Damaged { key: Key::grant("box") }),
        ("store_newer", StoreError::Newer { key: Key::grant("box") }),
        ("store_ambiguous", StoreError::Ambiguous { key: Key::grant("box") }),
        ("store_failed", StoreError::Failed { cause: cause() }),
    ] {
        let world = World::with_sandbox().browser(Forbidden);
        world.store.fail_saves(Some(error.clone()));
        pinned(name, &world.run(&["login", &world.resource(), "--name", "box"]), Exit::Store);
        let world = World::signed_in();
        // A login replaces what is damaged, and nothing else helps.
        let exit = if name == "store_damaged" { Exit::LoginRequired } else { Exit::Store };
        world.store.fail_loads(Some(error));
        world.run(&["token", "box"]).failed(exit);
    }
}

#[test]
fn an_encrypted_file_that_does_not_work() {
    use keyward::store::file::Error as E;
    let path = || std::path::PathBuf::from("/home/you/.local/state/keyward/store");
    let waited = std::time::Duration::from_secs(20);
    for (name, error) in [
        ("file_no_folder", E::NoFolder),
        ("file_no_passphrase", E::NoPassphrase { why: "nobody can be asked here" }),
        ("file_wrong_passphrase", E::WrongPassphrase { path: path() }),
        ("file_unsafe", E::Unsafe { path: path(), why: "can be read or written by others" }),
        ("file_damaged", E::Damaged { path: path() }),
        ("file_full", E::Full { path: path() }),
        ("file_read_only", E::ReadOnly { path: path() }),
        ("file_held", E::Held { waited }),
        ("file_io", E::Io { path: path(), kind: std::io::ErrorKind::Interrupted }),
    ] {
        let world = World::signed_in();
        world.store.fail_loads(Some(StoreError::File(error)));
        pinned(name, &world.run(&["token", "box"]), Exit::Store);
    }
}

#[test]
fn a_login_that_ended() {
    let world = World::signed_in();
    world.forget("box");
    pinned("never_signed_in", &world.run(&["token", "box"]), Exit::LoginRequired);
    let world = World::signed_in();
    world.sandbox().control().revoke_grants();
    world.clock.forward(400);
    pinned("revoked", &world.run(&["token", "box"]), Exit::LoginRequired);
    let world = World::signed_in();
    world.sandbox().control().revoke_grants();
    pinned("revoked_during_a_call", &world.run(&["call", "box_whoami"]), Exit::LoginRequired);
    let ran = World::new().run(&["token", "tavily"]);
    pinned("no_token_without_a_login", &ran, Exit::Usage);
    let world = World::signed_in().environment("KEYWARD_TOKEN_BOX", "a.b.c");
    pinned("environment_token_refused", &world.run(&["call", "box_whoami"]), Exit::LoginRequired);
    pinned("environment_token_in_the_way", &world.run(&["login", "box"]), Exit::Configuration);
}

#[test]
fn a_renewal_that_does_not_work_now_or_any_more() {
    let connection = || "box".to_owned();
    let paused = |why| Error::Paused { connection: connection(), seconds: 7, why };
    let ended = |why| Error::LoginRequired { connection: connection(), way: Way::OAuth, why };
    let error = StoreError::Failed { cause: "the disk is full".to_owned() };
    for (name, error, exit) in [
        ("paused_network", paused(Pause::Network), Exit::Network),
        ("paused_server", paused(Pause::Server), Exit::Server),
        ("paused_refused", paused(Pause::Refused), Exit::Configuration),
        ("paused_too_many", paused(Pause::TooMany), Exit::Server),
        ("interrupted", ended(Ended::Interrupted), Exit::LoginRequired),
        ("other_account", ended(Ended::OtherAccount), Exit::LoginRequired),
        ("not_kept", Error::NotKept { connection: connection(), error }, Exit::Store),
    ] {
        let report = keyward::report::Report::from(&error);
        pinned(name, &Ran { exit: report.exit, out: String::new(), err: report.text() }, exit);
    }
}

#[test]
fn a_network_that_does_not_work() {
    let world = || World::new().browser(Forbidden);
    let url = |address| format!("https://{address}/mcp");
    pinned("tls", &world().run(&["login", &url(scripted::untrusted()), "--name", "box"]), Exit::Network);
    pinned("no_connection", &world().run(&["login", &url(scripted::nobody()), "--name", "box"]), Exit::Network);
    let unknown = ["login", "https://no-such-host.invalid/mcp", "--name", "box"];
    pinned("host_not_found", &world().run(&unknown), Exit::Network);
    let proxied = |proxy: &str| world().environment("HTTPS_PROXY", proxy).run(&unknown);
    let ran = proxied(&format!("http://ada:canary@{}", scripted::always(answer("407 No", "text/html", ""))));
    pinned("proxy_credentials", &ran, Exit::Network);
    assert!(!ran.err.contains("canary"), "{ran:?}");
    let ran = proxied(&format!("http://{}", scripted::always(answer("403 No", "text/html", ""))));
    pinned("proxy_refused", &ran, Exit::Network);
    let ran = proxied(&format!("http://ada:canary@{}", scripted::nobody()));
    pinned("no_proxy_connection", &ran, Exit::Network);
    assert!(!ran.err.contains("canary"), "{ran:?}");
    let ran = proxied("socks5://ada:canary@127.0.0.1:1080");
    pinned("proxy_of_another_kind", &ran, Exit::Configuration);
    assert!(!ran.err.contains("canary"), "{ran:?}");
}

#[test]
fn certificates_that_cannot_be_used() {
    let login = ["login", "https://no-such-host.invalid/mcp", "--name", "box"];
    let missing = "/nonexistent/ca.pem";
    let ran = World::new().run(&[&login[..], &["--ca-file", missing]].concat());
    pinned("ca_file_missing", &ran, Exit::Configuration);
    let ran = World::new().environment("SSL_CERT_FILE", missing).run(&login);
    pinned("ssl_cert_file_missing", &ran, Exit::Configuration);
    let ran = World::new().environment("SSL_CERT_DIR", "/nonexistent").run(&login);
    pinned("ssl_cert_dir_missing", &ran, Exit::Configuration);
    let world = World::new().config(&format!("[network]\nca_file = \"{missing}\"\n"));
    pinned("ca_file_missing", &world.run(&login), Exit::Configuration);
}

#[test]
fn a_server_that_answers_wrongly() {
    let login = |text: String| {
        let url = format!("http://{}/mcp", scripted::always(text));
        World::new().browser(Forbidden).run(&["login", &url, "--name", "box"])
    };
    pinned("server_error", &login(answer("500 Internal Server Error", "text/html", "<h1>oops</h1>")), Exit::Server);
    pinned("html", &login(answer("401 Unauthorized", "text/html", "<html>sign in</html>")), Exit::Server);
    let world = World::signed_in();
    world.clock.forward(400);
    let html = Effect::Answer { status: 200, headers: Vec::new(), body: "<html>captive portal</html>".to_owned() };
    world.sandbox().control().next_token(TokenFault { effect: html, ..TokenFault::default() });
    pinned("html_from_the_token_endpoint", &world.run(&["token", "box"]), Exit::Server);
}

#[test]
fn arguments_that_cannot_be_used() {
    let world = World::new();
    pinned("argument_not_a_pair", &world.run(&["call", "tavily_search", "query"]), Exit::Usage);
    pinned(
        "argument_of_another_kind",
        &world.run(&["call", "tavily_search", "query=x", "max_results=many"]),
        Exit::Usage,
    );
    pinned("argument_missing", &world.run(&["call", "tavily_search"]), Exit::Usage);
    pinned("key_empty", &World::new().piping("").run(&["login", "tavily", "--api-key"]), Exit::Usage);
    pinned("no_such_way", &World::new().piping("x").run(&["login", "tavily", "--bearer"]), Exit::Usage);
}

#[test]
fn a_deed_without_a_yes_and_one_that_may_be_done() {
    use keyward::app::error::NoYes;
    let unconfirmed = |why| Error::Unconfirmed { tool: "box_send".into(), question: "Send it?".into(), why };
    let cause = || "no answer from `box.example` within 60 s".to_owned();
    let error = keyward::backends::Error::MaybeDone { host: "box.example".into(), cause: cause() };
    for (name, error) in [
        ("unconfirmed_unasked", unconfirmed(NoYes::Unasked)),
        ("unconfirmed_declined", unconfirmed(NoYes::Declined)),
        ("unconfirmed_cancelled", unconfirmed(NoYes::Cancelled)),
        ("unconfirmed_changed", unconfirmed(NoYes::Changed)),
        ("maybe_done", Error::Service { connection: "box".into(), error }),
    ] {
        let report = keyward::report::Report::from(&error);
        let exit = if name == "maybe_done" { Exit::Server } else { Exit::Denied };
        assert!(!report.retryable && !report.text().contains("Send it"), "{name}");
        pinned(name, &Ran { exit: report.exit, out: String::new(), err: report.text() }, exit);
    }
}

#[test]
fn a_file_of_this_machine_that_a_tool_cannot_use() {
    use keyward::backends::Error as Failed;
    use keyward::backends::folders::Fault;
    let outside = |allowed: &[&str]| Fault::Outside {
        connection: "box".into(),
        allowed: allowed.iter().map(std::path::PathBuf::from).collect(),
    };
    for (name, fault, exit) in [
        ("local_outside", outside(&["/home/me/Portal", "/srv/a b"]), Exit::Denied),
        ("local_nothing_allowed", outside(&[]), Exit::Denied),
        ("local_link", Fault::LeadsOut, Exit::Denied),
        (
            "local_folder",
            Fault::Folder { folder: "/srv/x".into(), why: "entity not found".into() },
            Exit::Configuration,
        ),
        ("local_name", Fault::Name { why: "Windows keeps that name for a device" }, Exit::Usage),
        ("local_missing", Fault::NotThere, Exit::Usage),
        ("local_no_parent", Fault::NoParent, Exit::Usage),
        ("local_is_folder", Fault::IsFolder, Exit::Usage),
        ("local_not_a_file", Fault::NotAFile, Exit::Usage),
        ("local_exists", Fault::Exists, Exit::Usage),
        ("local_denied", Fault::Denied, Exit::Denied),
        ("local_unwritable", Fault::Unwritable { why: "read-only filesystem or storage medium".into() }, Exit::Denied),
        ("local_full", Fault::Full, Exit::Unexpected),
        ("local_changed", Fault::Changed, Exit::Unexpected),
        ("local_system", Fault::System("deadlock".into()), Exit::Unexpected),
    ] {
        let error = Error::Service { connection: "box".into(), error: Failed::File { path: "a/b.txt".into(), fault } };
        let report = keyward::report::Report::from(&error);
        pinned(name, &Ran { exit: report.exit, out: String::new(), err: report.text() }, exit);
    }
    let unread = keyward::http::Error::Unread { host: "box.example".into(), cause: "it was cut off".into() };
    let report = keyward::report::Report::from(&Error::Service { connection: "box".into(), error: unread.into() });
    pinned("local_unread", &Ran { exit: report.exit, out: String::new(), err: report.text() }, Exit::Unexpected);
}

/// An issuer that knows one client.
fn issuer(rules: Rules) -> Issuer {
    let issuer = Issuer::start(rules);
    issuer.admit("given", "client_secret_basic", b"s");
    issuer
}

/// A world whose connection is guarded by this issuer; `more` is the rest of its entry.
fn guarded(issuer: &Issuer, more: &str) -> World {
    let entry = format!("[connections.box]\nbackend = \"remote\"\nurl = \"{}\"\n{more}\n", issuer.resource());
    World::new().person(Press::Allow).config(&entry)
}

const GUARDED: [&str; 4] = ["login", "box", "--timeout", "20"];
const GIVEN: &str = "client_id = \"given\"";

#[test]
fn a_client_that_is_not_known_or_cannot_prove_who_it_is() {
    let open = issuer(Rules::default());
    let robot = "way = \"client-credentials\"";
    for (name, issuer, more) in [
        ("client_id_needed", issuer(Rules { registration: false, ..Rules::default() }), String::new()),
        ("client_without_a_secret", open.clone(), format!("{GIVEN}\nclient_auth = \"client_secret_basic\"")),
        ("client_without_a_key", open.clone(), format!("{GIVEN}\nclient_auth = \"private_key_jwt\"")),
        ("client_refused", open.clone(), GIVEN.to_owned()),
        ("client_credentials_without_a_secret", open.clone(), format!("{robot}\n{GIVEN}")),
        ("client_credentials_without_an_id", open.clone(), robot.to_owned()),
    ] {
        pinned(name, &guarded(&issuer, &more).run(&GUARDED), Exit::Configuration);
    }
    let keyed = |key: &str| guarded(&open, GIVEN).piping(key).run(&["login", "box", "--client-key"]);
    pinned("key_encrypted", &keyed(include_str!("../../src/oauth/jose/encrypted.pem")), Exit::Usage);
    pinned("key_of_no_kind", &keyed("hunter2"), Exit::Usage);
    let world = guarded(&open, GIVEN).piping("s");
    world.run(&["login", "box", "--client-secret", "--timeout", "20"]).done();
    world.run(&["config", "set", "connections.box.url", &issuer(Rules::default()).resource()]).done();
    pinned("client_secret_of_another_issuer", &world.run(&GUARDED), Exit::Configuration);
}

#[test]
fn a_pushed_request_that_is_refused() {
    for (name, error, exit) in [
        ("pushed_scope_refused", "invalid_scope", Exit::Configuration),
        ("pushed_target_refused", "invalid_target", Exit::Configuration),
        ("pushed_client_not_allowed", "unauthorized_client", Exit::Configuration),
        ("pushed_request_ended", "invalid_request_uri", Exit::LoginRequired),
    ] {
        let rules = Rules { par: true, requires_par: true, refuses_pushed: Some(error), ..Rules::default() };
        pinned(name, &guarded(&issuer(rules), "").run(&GUARDED), exit);
    }
}

#[test]
fn a_token_that_cannot_be_vouched_for_or_handed_out() {
    let config = "[connections.forge]\nbackend = \"remote\"\nurl = \"https://git.example.com/mcp\"\n";
    let world = World::new().config(config).environment("KEYWARD_TOKEN_FORGE", "opaque");
    pinned("unknown_issuer", &world.run(&["token", "forge", "--claims", "--verify"]), Exit::Configuration);
    let sandbox = World::with_sandbox();
    let known = format!("{config}issuer = \"{}\"\n", sandbox.sandbox().issuer())
        .replace("https://git.example.com", "http://127.0.0.1:9");
    let world = World::new().config(&known).environment("KEYWARD_TOKEN_FORGE", "opaque");
    pinned("token_opaque", &world.run(&["token", "forge", "--claims", "--verify"]), Exit::Server);
    let foreign = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJodHRwczovL2V2aWwuZXhhbXBsZSJ9.c2ln";
    let world = World::new().config(&known).environment("KEYWARD_TOKEN_FORGE", foreign);
    pinned("token_of_another_issuer", &world.run(&["token", "forge", "--claims", "--verify"]), Exit::Server);
    let world = World::signed_in();
    world.rewrite("box", |grant| grant["issued"]["dpop"] = serde_json::json!("a key"));
    pinned("token_bound", &world.run(&["credential", "kubectl", "box"]), Exit::Configuration);
}

#[test]
fn a_program_that_asks_for_a_token_in_a_way_nobody_understands() {
    let config = "[connections.forge]\nbackend = \"remote\"\nurl = \"https://git.example.com/mcp\"\n";
    let world = || World::new().config(config).environment("KEYWARD_TOKEN_FORGE", "t");
    let ran = world().piping("nonsense\n").run(&["credential", "git", "forge", "get"]);
    pinned("credential_git_input", &ran, Exit::Usage);
    let asking =
        |text: &str| world().environment("KUBERNETES_EXEC_INFO", text).run(&["credential", "kubectl", "forge"]);
    let request = |version: &str, spec: &str| {
        format!(
            "{{\"apiVersion\":\"client.authentication.k8s.io/{version}\",\"kind\":\"ExecCredential\",\"spec\":{{{spec}}}}}"
        )
    };
    pinned("credential_kubectl_input", &asking("{"), Exit::Usage);
    pinned("credential_kubectl_version", &asking(&request("v1alpha1", "")), Exit::Usage);
    let elsewhere = request("v1", "\"cluster\":{\"server\":\"https://other.example\"}");
    pinned("credential_kubectl_elsewhere", &asking(&elsewhere), Exit::Configuration);
}

#[test]
fn a_call_whose_arguments_or_result_are_wrong() {
    let world = World::signed_in();
    pinned("arguments_missing", &world.run(&["call", "box_add", "a=1"]), Exit::Usage);
    pinned("arguments_unknown", &world.run(&["call", "box_add", "a=1", "bb=1"]), Exit::Usage);
    pinned("tool_failed", &world.run(&["call", "box_fail"]), Exit::Server);
}

#[test]
fn a_login_by_a_procedure_of_the_backends_own() {
    use keyward::backends::sign_in::{Failed, Given};
    let host = || "portal.example.com".to_owned();
    let refused = |given, sso| Failed::Refused { given, host: host(), said: String::new(), sso };
    for (name, way, failed) in [
        ("own_password", Way::Password, refused(Given::Password, false)),
        ("own_password_sso", Way::Password, refused(Given::Password, true)),
        ("own_password_device", Way::Device, refused(Given::Password, false)),
        ("own_code", Way::Device, refused(Given::Code, false)),
        ("own_session", Way::Session, refused(Given::Session, false)),
        ("own_ticket", Way::Ticket, refused(Given::Ticket, false)),
        ("own_unfit_name", Way::Device, Failed::Unfit { given: Given::Password, why: "the password is empty" }),
        (
            "own_unfit_session",
            Way::Session,
            Failed::Unfit { given: Given::Session, why: "it is not the value of one cookie" },
        ),
        (
            "own_unfinished",
            Way::Password,
            Failed::Unfinished { host: host(), cause: "it answers a login with a redirect".into() },
        ),
        ("own_misplaced", Way::Device, Failed::Misplaced { why: "a device belongs elsewhere", instead: Way::Password }),
        (
            "own_elsewhere",
            Way::Device,
            Failed::Elsewhere { service: "CTERA Portal", host: host(), cause: "it answers with a web page".into() },
        ),
        (
            "own_server",
            Way::Device,
            Failed::Service(keyward::backends::Error::Server { host: host(), status: 503, said: "busy".into() }),
        ),
    ] {
        let error = Error::NotObtained { connection: "portal".into(), way, failed: Box::new(failed) };
        let report = keyward::report::Report::from(&error);
        pinned(name, &Ran { exit: report.exit, out: String::new(), err: report.text() }, report.exit);
    }
    for (name, error) in [
        ("own_no_answer", Error::NoAnswer { connection: "portal".into(), why: "standard input has ended" }),
        ("own_no_token", Error::NoToken { connection: "portal".into(), way: Way::Session }),
    ] {
        let report = keyward::report::Report::from(&error);
        pinned(name, &Ran { exit: report.exit, out: String::new(), err: report.text() }, report.exit);
    }
}
