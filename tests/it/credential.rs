//! Tokens for other programs: the forms of `token`, and the protocols of git, Docker and Kubernetes clients.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keyward::report::Exit;
use serde_json::{Value, json};

use crate::world::{Ran, World};

/// A connection whose token the environment supplies.
fn supplied() -> World {
    World::new()
        .config("[connections.forge]\nbackend = \"remote\"\nurl = \"https://git.example.com/mcp\"\n")
        .environment("KEYWARD_TOKEN_FORGE", "it's-a-token")
}

fn renewals(world: &World) -> usize {
    world.sandbox().control().tokens_issued("refresh_token")
}

/// One answer of the git helper, as `name=value` lines.
fn git(world: World, operation: &str, request: &str) -> (World, Ran) {
    let world = world.piping(request);
    let name = if world.sandbox.is_some() { "box" } else { "forge" };
    let ran = world.run(&["credential", "git", name, operation]);
    (world, ran)
}

/// What git writes to ask for the connection's own host.
fn asking(world: &World, more: &str) -> String {
    let own = match &world.sandbox {
        Some(_) => url::Url::parse(&world.resource()).expect("an address"),
        None => url::Url::parse("https://git.example.com").expect("an address"),
    };
    let host = own.port().map_or_else(String::new, |port| format!(":{port}"));
    format!("protocol={}\nhost={}{host}\n{more}\n", own.scheme(), own.host_str().expect("a host"))
}

fn line<'a>(ran: &'a Ran, name: &str) -> Option<&'a str> {
    ran.out.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
}

#[test]
fn a_token_for_a_shell_is_one_safely_quoted_assignment() {
    let world = supplied();
    let ran = world.run(&["token", "forge", "--env"]).done();
    assert_eq!(ran.out, "export FORGE_TOKEN='it'\\''s-a-token'\n");
    let ran = world.run(&["token", "forge", "--env=GH_TOKEN"]).done();
    assert_eq!(ran.out, "export GH_TOKEN='it'\\''s-a-token'\n");
    for bad in ["--env=A;touch x", "--env=1A", "--env=A B"] {
        assert_eq!(world.run(&["token", "forge", bad]).failed(Exit::Usage).out, "");
    }
}

#[test]
#[cfg(unix)]
fn a_real_shell_reads_back_every_character() {
    let odd = "a'b\"c$(touch x)`y`\\ $HOME !z*?~#&|;<>(){}[]";
    let world = supplied().environment("KEYWARD_TOKEN_FORGE", odd);
    let line = world.run(&["token", "forge", "--env=X"]).done().out;
    let folder = tempfile::tempdir().expect("a folder");
    let script = format!("{line}printf %s \"$X\"");
    let shell = std::process::Command::new("sh").arg("-c").arg(script).current_dir(folder.path()).output();
    assert_eq!(String::from_utf8_lossy(&shell.expect("a shell").stdout), odd);
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "nothing in it was run");
}

#[test]
fn claims_are_shown_unverified_with_readable_dates_and_never_the_token() {
    let world = World::signed_in();
    let token = world.run(&["token", "box"]).done().out;
    let ran = world.run(&["token", "box", "--claims", "--json"]).done();
    let shown = ran.json();
    assert_eq!((&shown["format"], &shown["verified"]), (&json!("jwt"), &json!(false)));
    assert_eq!(shown["header"]["typ"], "at+jwt");
    assert_eq!(shown["claims"]["exp"], 1_800_000_300);
    assert_eq!(shown["dates"]["exp"], "2027-01-15T08:05:00Z");
    let signature = token.trim().rsplit('.').next().expect("a signature");
    assert!(!ran.out.contains(signature), "{ran:?}");
    // Without `--json` it is the same object, laid out for people.
    let pretty: Value = serde_json::from_str(&world.run(&["token", "box", "--claims"]).done().out).expect("JSON");
    assert_eq!(pretty, shown);
}

#[test]
fn claims_count_as_verified_only_if_the_issuer_signed_them() {
    let world = World::signed_in();
    let shown = world.run(&["token", "box", "--claims", "--verify", "--json"]).done().json();
    assert_eq!(shown["verified"], true);
    // One letter of the claims is another.
    world.rewrite("box", |grant| {
        let token = grant["access_token"].as_str().expect("a token").to_owned();
        let (head, rest) = token.split_once('.').expect("three parts");
        let (claims, signature) = rest.split_once('.').expect("three parts");
        let mut bytes = URL_SAFE_NO_PAD.decode(claims).expect("claims");
        let at = bytes.windows(5).position(|window| window == b"alice").expect("a subject");
        bytes[at] = b'b';
        grant["access_token"] = json!(format!("{head}.{}.{signature}", URL_SAFE_NO_PAD.encode(bytes)));
    });
    let ran = world.run(&["token", "box", "--claims", "--verify", "--json"]).failed(Exit::Server);
    assert_eq!(ran.json()["error"]["code"], "token_unverified");
    let shown = world.run(&["token", "box", "--claims", "--json"]).done().json();
    assert_eq!(shown["verified"], false);
}

#[test]
fn a_token_cannot_name_its_own_judge() {
    let ran = supplied().run(&["token", "forge", "--claims", "--verify", "--json"]).failed(Exit::Configuration);
    assert_eq!(ran.json()["error"]["code"], "unknown_issuer");
    let world = World::signed_in();
    let token = world.run(&["token", "box"]).done().out;
    let config = |issuer: &str| {
        format!("[connections.forge]\nbackend = \"remote\"\nurl = \"http://127.0.0.1:9/mcp\"\nissuer = \"{issuer}\"\n")
    };
    let other = |issuer: &str| World::new().config(&config(issuer)).environment("KEYWARD_TOKEN_FORGE", token.trim());
    let shown =
        other(world.sandbox().issuer()).run(&["token", "forge", "--claims", "--verify", "--json"]).done().json();
    assert_eq!(shown["verified"], true);
    let another = World::with_sandbox();
    let ran = other(another.sandbox().issuer()).run(&["token", "forge", "--claims", "--verify"]).failed(Exit::Server);
    assert!(ran.err.contains("it names another issuer") && ran.out.is_empty(), "{ran:?}");
    let ran = other("http://127.0.0.1:9").run(&["token", "forge", "--claims", "--verify"]).failed(Exit::Network);
    assert!(ran.out.is_empty(), "{ran:?}");
    let opaque = other(another.sandbox().issuer()).environment("KEYWARD_TOKEN_FORGE", "opaque");
    opaque.run(&["token", "forge", "--claims", "--verify"]).failed(Exit::Server);
}

#[test]
fn a_token_that_is_bound_to_a_key_is_told_as_such_and_handed_to_nobody() {
    let world = World::signed_in();
    world.rewrite("box", |grant| grant["issued"]["dpop"] = json!("a key"));
    let json = world.run(&["token", "box", "--json"]).done().json();
    assert_eq!(json["token_type"], "DPoP");
    let ran = world.run(&["token", "box", "--header"]).done();
    assert!(ran.out.starts_with("Authorization: DPoP ") && ran.err.contains("bound to a key"), "{ran:?}");
    let request = asking(&world, "capability[]=authtype\n");
    let (world, ran) = git(world, "get", &request);
    assert_eq!(ran.failed(Exit::Configuration).out, "quit=1\n");
    let ran = world.run(&["credential", "kubectl", "box"]).failed(Exit::Configuration);
    assert_eq!(ran.out, "");
    let address = world.resource();
    let ran = world.piping(&address).run(&["credential", "docker", "get"]).failed(Exit::Configuration);
    assert!(ran.out.starts_with("keyward: ") && !ran.out.contains("Secret"), "{ran:?}");
}

#[test]
fn a_token_that_only_the_service_can_read_says_so() {
    let shown = supplied().run(&["token", "forge", "--claims", "--json"]).done().json();
    assert_eq!(
        (&shown["format"], &shown["verified"], &shown["claims"]),
        (&json!("opaque"), &json!(false), &Value::Null)
    );
    assert!(shown["why"].as_str().expect("a reason").contains("only the service can read it"));
}

#[test]
fn r21_token_and_status_of_a_valid_login_need_no_network() {
    let mut world = World::signed_in();
    let token = world.run(&["token", "box"]).done().out;
    world.sandbox = None;
    assert_eq!(world.run(&["token", "box"]).done().out, token);
    world.run(&["token", "box", "--json"]).done();
    world.run(&["token", "box", "--claims"]).done();
    world.run(&["status", "box"]).done();
    world.run(&["status", "--json"]).done();
    // And what cannot be had offline says so with the same exit code in both outputs.
    world.clock.forward(400);
    world.run(&["token", "box"]).failed(Exit::Network);
    let ran = world.run(&["token", "box", "--json"]).failed(Exit::Network);
    assert_eq!(ran.json()["error"]["exit"], 7);
    world.run(&["status", "box"]).done();
}

#[test]
fn git_gets_a_bearer_token_where_it_can_send_one_and_a_password_elsewhere() {
    let world = World::signed_in();
    let token = world.run(&["token", "box"]).done().out;
    let request = asking(&world, "capability[]=authtype\ncapability[]=state\nwwwauth[]=Bearer realm=\"mcp\"\n");
    let (world, ran) = git(world, "get", &request);
    let expected = format!(
        "capability[]=authtype\nauthtype=Bearer\ncredential={token}ephemeral=1\npassword_expiry_utc=1800000300\n"
    );
    assert_eq!(ran.done().out, expected);
    let request = asking(&world, "capability[]=authtype\nwwwauth[]=Basic realm=\"git\"\n");
    let (world, ran) = git(world, "get", &request);
    assert_eq!(ran.done().out, format!("username=oauth2\npassword={token}password_expiry_utc=1800000300\n"));
    let request = asking(&world, "username=alice\n");
    let (_, ran) = git(world, "get", &request);
    assert_eq!(line(&ran, "username"), Some("alice"));
    let ran =
        supplied().piping(&asking(&supplied(), "")).run(&["credential", "git", "forge", "get", "--username", "x"]);
    assert_eq!(ran.done().out, "username=x\npassword=it's-a-token\n");
}

#[test]
fn git_gets_nothing_for_any_other_address() {
    for request in [
        "protocol=https\nhost=evil.example\n",
        "protocol=https\nhost=git.example.com.evil.example\n",
        "protocol=https\nhost=evil.example@git.example.com\n",
        "protocol=https\nhost=git.example.com:8443\n",
        "protocol=http\nhost=git.example.com\n",
        "protocol=ssh\nhost=git.example.com\n",
        "protocol=https\nhost=\n",
        "host=git.example.com\n",
        "protocol=https\n\nhost=git.example.com\n",
        "",
    ] {
        let (_, ran) = git(supplied(), "get", request);
        assert_eq!(ran.done().out, "", "{request:?}");
    }
    let (_, ran) = git(supplied(), "get", &asking(&supplied(), ""));
    assert_eq!(line(&ran, "password"), Some("it's-a-token"));
}

#[test]
fn a_request_that_git_would_not_write_is_refused() {
    let (_, ran) = git(supplied(), "get", "protocol=https\nnonsense\n");
    assert_eq!(ran.failed(Exit::Usage).out, "");
    let (_, ran) = git(supplied(), "get", &"x=y\n".repeat(100_000));
    assert_eq!(ran.failed(Exit::Usage).out, "");
}

#[test]
fn what_git_stores_is_not_news_and_what_it_may_ask_one_day_is_ignored() {
    for operation in ["store", "capability", "nonsense"] {
        let (world, ran) = git(supplied(), operation, &asking(&supplied(), "username=a\npassword=canary\n"));
        assert_eq!((ran.out.as_str(), ran.err.as_str(), ran.exit), ("", "", Exit::Done));
        assert_eq!(world.store.calls(), Default::default());
    }
}

#[test]
fn a_token_that_git_had_refused_is_renewed_for_the_next_use() {
    let world = World::signed_in();
    let first = world.run(&["token", "box"]).done().out;
    // A token that is not ours says nothing about ours.
    let request = asking(&world, "username=x\npassword=another-token\n");
    let (world, ran) = git(world, "erase", &request);
    assert_eq!(ran.done().out, "");
    assert_eq!(world.run(&["token", "box"]).done().out, first);
    let request = asking(&world, &format!("username=x\npassword={first}"));
    let (world, ran) = git(world, "erase", &request);
    assert_eq!((ran.done().out, renewals(&world)), (String::new(), 0));
    let request = asking(&world, "");
    let (world, ran) = git(world, "get", &request);
    let second = line(&ran, "password").expect("a token").to_owned();
    assert_ne!(format!("{second}\n"), first);
    assert_eq!(renewals(&world), 1);
    let (world, ran) = git(world, "get", &request);
    assert_eq!((line(&ran, "password"), renewals(&world)), (Some(second.as_str()), 1));
}

#[test]
fn a_refused_token_that_cannot_be_renewed_is_not_handed_out_again() {
    let world = World::with_sandbox();
    let url = world.resource();
    let world = world.config(&format!("[connections.box]\nbackend = \"remote\"\nurl = \"{url}\"\nway = \"bearer\"\n"));
    let world = world.piping("pasted-token\n");
    world.run(&["login", "box", "--bearer"]).done();
    let request = asking(&world, "capability[]=authtype\nauthtype=Bearer\ncredential=pasted-token\n");
    let (world, ran) = git(world, "erase", &request);
    ran.done();
    let (world, ran) = git(world, "get", &request);
    assert_eq!(ran.out, "quit=1\n");
    assert!(ran.err.contains("refuses the stored login"), "{ran:?}");
    let status = world.run(&["status", "box", "--json"]).failed(Exit::LoginRequired).json();
    assert_eq!(status["connections"][0]["ended"], "refused");
    // Another login is another generation.
    world.clock.forward(1);
    let world = world.piping("another-token\n");
    world.run(&["login", "box", "--bearer"]).done();
    let (_, ran) = git(world, "get", &request);
    assert_eq!(line(&ran.done(), "credential"), Some("another-token"));
}

#[test]
fn git_is_told_to_quit_where_a_login_is_needed() {
    let world = World::signed_in();
    world.forget("box");
    let request = asking(&world, "");
    let (_, ran) = git(world, "get", &request);
    assert_eq!((ran.exit, ran.out.as_str()), (Exit::LoginRequired, "quit=1\n"));
    assert!(ran.err.contains("`keyward login box`"), "{ran:?}");
}

#[test]
fn docker_gets_an_identity_token_for_the_address_of_a_connection() {
    for server in ["https://git.example.com", "https://git.example.com/v2/", "git.example.com", "git.example.com:443\n"]
    {
        let ran = supplied().piping(server).run(&["credential", "docker", "get"]).done();
        let expected = json!({"ServerURL": server.trim(), "Username": "<token>", "Secret": "it's-a-token"});
        assert_eq!(serde_json::from_str::<Value>(&ran.out).expect("JSON"), expected);
    }
    let ran = supplied().run(&["credential", "docker", "list"]).done();
    assert_eq!(ran.out, "{\"https://git.example.com\":\"<token>\"}\n");
    let ran = supplied().run(&["credential", "docker", "version"]).done();
    assert!(ran.out.starts_with("docker-credential-keyward (keyward) v"), "{ran:?}");
}

#[test]
fn docker_finds_nothing_anywhere_else_in_the_words_it_knows() {
    for server in [
        "",
        "evil.example",
        "https://git.example.com:8443",
        "http://git.example.com",
        "a@git.example.com",
        "\0",
        "x\ny",
    ] {
        let ran = supplied().piping(server).run(&["credential", "docker", "get"]).failed(Exit::Unexpected);
        assert_eq!(ran.out, "credentials not found in native keychain\n", "{server:?}");
    }
}

#[test]
fn docker_is_told_what_keyward_does_not_do() {
    let typed = json!({"ServerURL": "git.example.com", "Username": "alice", "Secret": "canary"}).to_string();
    let ran = supplied().piping(&typed).run(&["credential", "docker", "store"]).failed(Exit::Usage);
    assert!(ran.out.contains("keeps no passwords") && !ran.out.contains("canary"), "{ran:?}");
    let own = json!({"ServerURL": "git.example.com", "Username": "<token>", "Secret": "it's-a-token"}).to_string();
    supplied().piping(&own).run(&["credential", "docker", "store"]).done();
    for bad in ["", "{", "[]", "{\"ServerURL\":1}"] {
        supplied().piping(bad).run(&["credential", "docker", "store"]).failed(Exit::Usage);
    }
    let ran = supplied().piping("git.example.com").run(&["credential", "docker", "erase"]).failed(Exit::Usage);
    assert!(ran.out.contains("`keyward logout forge` ends it"), "{ran:?}");
    let world = World::signed_in();
    world.forget("box");
    let address = world.resource();
    let ran = world.piping(&address).run(&["credential", "docker", "get"]).failed(Exit::LoginRequired);
    assert!(ran.out.starts_with("keyward: ") && ran.out.contains("`keyward login box`"), "{ran:?}");
    assert_eq!(ran.out.lines().count(), 1);
}

#[test]
fn two_connections_at_one_address_are_not_guessed_between() {
    let two = "[connections.a]\nbackend = \"remote\"\nurl = \"https://git.example.com/a\"\n\
        [connections.b]\nbackend = \"remote\"\nurl = \"https://git.example.com/b\"\n";
    let ran = World::new().config(two).piping("git.example.com").run(&["credential", "docker", "get"]);
    assert!(ran.out.contains("`a` and `b`"), "{ran:?}");
    ran.failed(Exit::Configuration);
}

/// A request of a Kubernetes client.
fn exec(version: &str, more: &str) -> String {
    format!(
        "{{\"apiVersion\":\"client.authentication.k8s.io/{version}\",\"kind\":\"ExecCredential\",\"spec\":{{{more}}}}}"
    )
}

#[test]
fn a_kubernetes_client_gets_the_token_with_its_end_in_the_version_it_speaks() {
    for version in ["v1", "v1beta1"] {
        let world = World::signed_in();
        let server = world.resource();
        let more = format!("\"interactive\":true,\"cluster\":{{\"server\":\"{server}\",\"config\":null}}");
        let world = world.environment("KUBERNETES_EXEC_INFO", &exec(version, &more));
        let token = world.run(&["token", "box"]).done().out;
        let ran = world.run(&["credential", "kubectl", "box"]).done();
        let expected = json!({
            "apiVersion": format!("client.authentication.k8s.io/{version}"),
            "kind": "ExecCredential",
            "status": {"token": token.trim(), "expirationTimestamp": "2027-01-15T08:05:00Z"},
        });
        assert_eq!(serde_json::from_str::<Value>(&ran.out).expect("JSON"), expected);
    }
    let ran = supplied().run(&["credential", "kubectl", "forge"]).done();
    let status = serde_json::from_str::<Value>(&ran.out).expect("JSON")["status"].clone();
    assert_eq!(status, json!({"token": "it's-a-token"}), "of unknown end, and asked by hand");
}

#[test]
fn a_kubernetes_client_that_asks_wrongly_gets_no_token() {
    for (request, exit) in [
        ("{".to_owned(), Exit::Usage),
        ("[]".to_owned(), Exit::Usage),
        ("{}".to_owned(), Exit::Usage),
        (exec("v1alpha1", ""), Exit::Usage),
        (exec("v2", ""), Exit::Usage),
        (exec("v1", "").replace("ExecCredential", "Pod"), Exit::Usage),
        (exec("v1", "").replace("client.authentication", "evil"), Exit::Usage),
        (exec("v1", "\"cluster\":{\"server\":\"https://evil.example\"}"), Exit::Configuration),
        (exec("v1", "\"cluster\":{\"server\":\"nonsense\"}"), Exit::Configuration),
        (exec("v1", "\"cluster\":{\"server\":\"http://git.example.com\"}"), Exit::Configuration),
    ] {
        let ran = supplied().environment("KUBERNETES_EXEC_INFO", &request).run(&["credential", "kubectl", "forge"]);
        assert_eq!((ran.exit, ran.out.as_str()), (exit, ""), "{request}: {ran:?}");
        assert!(ran.err.starts_with("error: "), "{ran:?}");
    }
}

#[test]
#[cfg(unix)]
fn a_link_with_dockers_name_for_it_is_dockers_helper() {
    let home = tempfile::tempdir().expect("a folder");
    let link = home.path().join("docker-credential-keyward");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_keyward"), &link).expect("a link");
    let ran = std::process::Command::new(&link).arg("list").env_clear().env("HOME", home.path()).output();
    let ran = ran.expect("it runs");
    assert_eq!((ran.status.code(), String::from_utf8_lossy(&ran.stdout).trim()), (Some(0), "{}"));
}

#[test]
fn a_token_of_the_environment_with_a_line_break_is_no_line_of_a_protocol() {
    for token in ["abc\nusername=evil", "abc\r\nX: y", "abc\u{1b}[2J"] {
        let world = World::new()
            .config("[connections.forge]\nbackend = \"remote\"\nurl = \"https://git.example.com/mcp\"\n")
            .environment("KEYWARD_TOKEN_FORGE", token)
            .piping("protocol=https\nhost=git.example.com\n\n");
        for command in
            [&["token", "forge", "--header"][..], &["token", "forge"], &["credential", "git", "forge", "get"]]
        {
            let ran = world.run(command).failed(Exit::Configuration);
            assert!(["", "quit=1\n"].contains(&ran.out.as_str()) && !ran.err.contains("abc"), "{ran:?}");
        }
    }
}
