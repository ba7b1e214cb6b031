//! The fakes behind the guard, and what is published about them.

use super::*;

#[test]
fn a_fake_sees_its_own_paths() {
    let bench = Bench::new();
    let (_, tokens) = bench.login(&[]);
    let bearer = format!("Authorization: Bearer {}", tokens.text("access_token"));
    for (target, seen) in [("/echo/a/b?c=d", "/a/b?c=d"), ("/echo", "/"), ("/echo/", "/"), ("/echo?x", "/?x")] {
        assert_eq!(bench.send("POST", target, &[&bearer], "hello").json()["uri"], seen);
    }
    let all = json!({ "user": "alice", "uri": "/a", "method": "DELETE", "bytes": 5 });
    assert_eq!(bench.send("DELETE", "/echo/a", &[&bearer], "hello").json(), all);
    for target in ["/", "/ech", "/echo2", "/Echo/a", "//echo/a"] {
        assert_ne!(bench.send("GET", target, &[&bearer], "").body.chars().next(), Some('{'), "{target}");
    }
}

#[test]
fn a_challenge_leads_to_the_metadata_and_that_to_the_issuer() {
    let bench = Bench::new();
    let answer = bench.get("/echo/mcp");
    let url = bench.sandbox.url();
    let document = format!("{url}/.well-known/oauth-protected-resource/echo/mcp");
    let expected = format!(r#"Bearer resource_metadata="{document}", scope="sandbox:read""#);
    assert_eq!((answer.status, answer.header("www-authenticate")), (401, expected.as_str()));
    let expected = json!({
        "resource": bench.resource(), "authorization_servers": [bench.sandbox.issuer()], "scopes_supported": ["sandbox:read"],
        "bearer_methods_supported": ["header"], "resource_name": "keyward sandbox: echo/mcp",
    });
    assert_eq!(bench.get(document.strip_prefix(url).unwrap()).json(), expected);
    let whole = bench.get("/.well-known/oauth-protected-resource/echo").json();
    assert_eq!(whole["resource"], format!("{url}/echo"));
    for unknown in ["", "/", "/echo/", "/echo/mcp/", "/nothing", "/echo/other"] {
        assert_eq!(bench.get(&format!("/.well-known/oauth-protected-resource{unknown}")).status, 404, "{unknown:?}");
    }
    let challenge = bench.call("x").header("www-authenticate").to_owned();
    assert!(challenge.contains(r#"error="invalid_token""#), "{challenge}");
}

#[test]
fn a_token_is_good_for_its_resource_only() {
    let bench = Bench::new();
    let other = bench.sandbox.resource("other");
    let (_, tokens) = bench.login(&[("resource", &other)]);
    let bearer = format!("Authorization: Bearer {}", tokens.text("access_token"));
    assert_eq!(bench.send("GET", "/echo/x", &[&bearer], "").status, 401);
    assert_eq!(bench.send("GET", "/other/x", &[&bearer], "").status, 200);
}

#[test]
fn a_token_without_a_resource_is_good_for_every_fake() {
    let bench = Bench::new();
    let (_, tokens) = bench.login(&[("resource", "")]);
    let bearer = format!("Authorization: Bearer {}", tokens.text("access_token"));
    assert_eq!(claims(&tokens.text("access_token")).1["aud"], bench.sandbox.url());
    for target in ["/echo/x", "/other/x"] {
        assert_eq!(bench.send("GET", target, &[&bearer], "").status, 200);
    }
}

#[test]
fn several_resources_can_be_asked_for_and_taken_one_by_one() {
    let bench = Bench::new();
    let client = bench.client();
    let (echo, other) = (bench.resource(), bench.sandbox.resource("other"));
    let mut request = bench.request(&client);
    request.push(("resource", other.clone()));
    let code = bench.authorize(&request).redirect().1.remove("code").unwrap();
    let both = bench.redeem(&client, &code);
    assert_eq!(claims(&both.text("access_token")).1["aud"], json!([echo, other]));
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", &client),
        ("refresh_token", &both.text("refresh_token")),
        ("resource", &other),
    ];
    assert_eq!(claims(&bench.post("/as/token", &form).text("access_token")).1["aud"], other);
}

#[test]
fn a_token_ends_with_its_lifetime_by_the_sandboxes_clock() {
    let bench = Bench::new();
    let (_, tokens) = bench.login(&[]);
    bench.pass(299);
    assert_eq!(bench.call(&tokens.text("access_token")).status, 200);
    bench.pass(1);
    assert_eq!(bench.call(&tokens.text("access_token")).status, 401);
}

#[test]
fn foreign_and_forged_tokens_are_refused() {
    let (bench, elsewhere) = (Bench::new(), Bench::new());
    let (_, tokens) = elsewhere.login(&[]);
    let (_, own) = bench.login(&[("scope", "openid")]);
    let access = own.text("access_token");
    let (body, _) = access.rsplit_once('.').unwrap();
    for token in [
        tokens.text("access_token"),
        own.text("id_token"),
        own.text("refresh_token"),
        format!("{body}."),
        String::new(),
    ] {
        assert_eq!(bench.call(&token).status, 401, "{token}");
    }
}

#[test]
fn a_request_for_another_name_is_turned_away() {
    let bench = Bench::new();
    let port = bench.sandbox.url().rsplit(':').next().unwrap();
    let ask = |lines: &str| {
        Answer::of(&exchange(&bench.sandbox, format!("GET / HTTP/1.1\r\nConnection: close\r\n{lines}\r\n").as_bytes()))
            .status
    };
    assert_eq!(ask(&format!("Host: 127.0.0.1:{port}\r\n")), 200);
    for lines in [
        String::new(),
        "Host: 127.0.0.1\r\n".to_owned(),
        format!("Host: evil.example:{port}\r\n"),
        format!("Host: localhost:{port}\r\n"),
        format!("Host: 127.0.0.1.evil.example:{port}\r\n"),
        format!("Host: x@127.0.0.1:{port}\r\n"),
        format!("Host: 127.0.0.1:{port}\r\nHost: 127.0.0.1:{port}\r\n"),
    ] {
        assert_eq!(ask(&lines), 421, "{lines}");
    }
    let absolute = format!("GET http://evil.example/ HTTP/1.1\r\nConnection: close\r\nHost: 127.0.0.1:{port}\r\n\r\n");
    assert_eq!(Answer::of(&exchange(&bench.sandbox, absolute.as_bytes())).status, 421);
}

#[test]
fn it_listens_on_loopback_only() {
    let bench = Bench::new();
    let address: std::net::SocketAddr = bench.sandbox.url().strip_prefix("http://").unwrap().parse().unwrap();
    assert_eq!(address.ip(), std::net::Ipv4Addr::LOCALHOST);
    // The port is free on every other address: nothing listens on a wildcard. Only Linux has more than one to try.
    #[cfg(target_os = "linux")]
    std::net::TcpListener::bind(("127.0.0.2", address.port())).unwrap();
}

#[test]
fn a_taken_port_is_named() {
    let bench = Bench::new();
    let port = bench.sandbox.url().rsplit(':').next().unwrap().parse().unwrap();
    let mut options = Options::new(bench.clock.clone());
    options.port = port;
    let error = Sandbox::start(options).err().unwrap();
    assert_eq!(error.to_string(), format!("cannot listen on 127.0.0.1:{port}"));
}

#[test]
fn what_needs_another_scope_says_so_with_403_until_it_is_granted() {
    let bench = Bench::new();
    let write = |token: &str| bench.send("POST", "/echo/write", &[&format!("Authorization: Bearer {token}")], "");
    let (_, tokens) = bench.login(&[]);
    let refused = write(&tokens.text("access_token"));
    let document = format!("{}/.well-known/oauth-protected-resource/echo/mcp", bench.sandbox.url());
    let challenge = format!(
        r#"Bearer error="insufficient_scope", error_description="the token does not allow this", resource_metadata="{document}", scope="sandbox:write""#
    );
    assert_eq!((refused.status, refused.header("www-authenticate")), (403, challenge.as_str()));
    assert_eq!(refused.json()["error"], "insufficient_scope");
    let (_, tokens) = bench.login(&[("scope", "sandbox:read sandbox:write")]);
    assert_eq!(write(&tokens.text("access_token")).status, 200);
}

#[test]
fn a_resource_can_ask_for_a_stronger_or_a_newer_login() {
    let bench = Bench::new();
    let control = bench.sandbox.control();
    let (_, weak) = bench.login(&[]);
    let (_, strong) = bench.login(&[("acr_values", "urn:strong")]);
    control.set(Faults { acr: Some("urn:strong".to_owned()), max_age: Some(60), ..Faults::default() });
    assert_eq!(bench.call(&strong.text("access_token")).status, 200);
    let refused = bench.call(&weak.text("access_token"));
    let challenge = refused.header("www-authenticate");
    assert_eq!(refused.status, 401);
    for part in [r#"error="insufficient_user_authentication""#, r#"acr_values="urn:strong""#, r#"max_age="60""#] {
        assert!(challenge.contains(part), "{part}: {challenge}");
    }
    bench.pass(60);
    assert_eq!(bench.call(&strong.text("access_token")).status, 200);
    bench.pass(1);
    assert_eq!(bench.call(&strong.text("access_token")).status, 401);
}
