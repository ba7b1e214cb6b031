//! What the authorization endpoint accepts, where it sends the browser, and what it never redirects.

use super::*;

#[test]
fn a_code_comes_back_with_the_state_as_it_was_and_the_issuer() {
    let bench = Bench::new();
    let (address, mut pairs) = bench.authorize(&bench.request(&bench.client())).redirect();
    assert_eq!(address, CALLBACK);
    assert_eq!(pairs.remove("code").unwrap().len(), 43);
    let rest = [("iss", bench.sandbox.issuer()), ("state", "s t/a+t=e&")];
    assert_eq!(pairs, rest.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
}

#[test]
fn an_unknown_client_or_address_gets_a_page_and_never_a_redirect() {
    let bench = Bench::new();
    let client = bench.client();
    let right = bench.request(&client);
    let twice = |name: &'static str, value: &str| {
        let mut request = right.clone();
        request.push((name, value.to_owned()));
        request
    };
    let cases = [
        changed(right.clone(), &[("client_id", "")]),
        changed(right.clone(), &[("client_id", "nobody")]),
        changed(right.clone(), &[("redirect_uri", "https://evil.example/callback")]),
        changed(right.clone(), &[("redirect_uri", "http://localhost:4711/callback")]),
        changed(right.clone(), &[("redirect_uri", "http://127.0.0.1:4711/callback/")]),
        changed(right.clone(), &[("redirect_uri", "http://127.0.0.1:4711/callback?x")]),
        changed(right.clone(), &[("redirect_uri", "http://127.0.0.1:4711@evil.example/callback")]),
        changed(right.clone(), &[("redirect_uri", "http://127.0.0.1.evil.example/callback")]),
        twice("redirect_uri", CALLBACK),
        twice("redirect_uri", "https://evil.example/"),
        twice("client_id", &client),
    ];
    for request in cases {
        let answer = bench.authorize(&request);
        assert_eq!((answer.status, answer.header("location")), (400, ""), "{request:?}");
        assert!(answer.body.contains("Sandbox:"), "{answer:?}");
    }
    let answer = bench.get("/as/authorize?client_id=%zz");
    assert_eq!((answer.status, answer.header("location")), (400, ""));
}

#[test]
fn the_port_of_a_loopback_literal_is_free_and_nothing_else_is() {
    let bench = Bench::new();
    let client = bench.client();
    for address in ["http://127.0.0.1/callback", "http://127.0.0.1:1/callback", "http://127.0.0.1:65535/callback"] {
        let answer = bench.authorize(&changed(bench.request(&client), &[("redirect_uri", address)]));
        assert_eq!(answer.redirect().0, address);
    }
    assert_eq!(
        bench.authorize(&changed(bench.request(&client), &[("redirect_uri", "http://[::1]/callback")])).status,
        400
    );
}

#[test]
fn the_address_may_be_left_out_only_without_a_choice() {
    let bench = Bench::new();
    let registered = |redirects: Value| bench.register(&json!({ "redirect_uris": redirects })).text("client_id");
    let one = registered(json!(["https://app.example/cb?fixed=1"]));
    let answer = bench.authorize(&changed(bench.request(&one), &[("redirect_uri", "")]));
    assert_eq!(answer.redirect().0, "https://app.example/cb");
    assert_eq!(answer.redirect().1["fixed"], "1");
    let two = registered(json!(["https://app.example/a", "https://app.example/b"]));
    assert_eq!(bench.authorize(&changed(bench.request(&two), &[("redirect_uri", "")])).status, 400);
}

#[test]
fn every_other_fault_goes_to_the_client_with_state_and_issuer() {
    let bench = Bench::new();
    let client = bench.client();
    let short = CHALLENGE.strip_prefix('E').unwrap();
    let long = format!("{CHALLENGE}A");
    let padded = format!("{short}=");
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("response_type", "")], "invalid_request"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("response_type", "code id_token")], "unsupported_response_type"),
        (&[("response_mode", "fragment")], "invalid_request"),
        (&[("code_challenge", "")], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
        (&[("code_challenge_method", "plain"), ("code_challenge", VERIFIER)], "invalid_request"),
        (&[("code_challenge_method", "s256")], "invalid_request"),
        (&[("code_challenge", short)], "invalid_request"),
        (&[("code_challenge", &long)], "invalid_request"),
        (&[("code_challenge", &padded)], "invalid_request"),
        (&[("resource", "https://elsewhere.example/mcp")], "invalid_target"),
        (&[("resource", "/echo/mcp")], "invalid_target"),
        (&[("scope", "sandbox:read admin")], "invalid_scope"),
        (&[("request", "eyJ")], "request_not_supported"),
        (&[("registration", "{}")], "registration_not_supported"),
    ];
    for (changes, error) in cases {
        let (address, pairs) = bench.authorize(&changed(bench.request(&client), changes)).redirect();
        assert_eq!((address.as_str(), pairs["error"].as_str()), (CALLBACK, *error), "{changes:?}");
        assert_eq!(
            (pairs["state"].as_str(), pairs["iss"].as_str()),
            ("s t/a+t=e&", bench.sandbox.issuer()),
            "{changes:?}"
        );
        assert!(!pairs.contains_key("code"));
    }
}

#[test]
fn a_resource_with_a_trailing_slash_is_another_resource() {
    let bench = Bench::new();
    let client = bench.client();
    let near = format!("{}/", bench.resource());
    let (_, pairs) = bench.authorize(&changed(bench.request(&client), &[("resource", &near)])).redirect();
    assert_eq!(pairs["error"], "invalid_target");
}

#[test]
fn a_repeated_parameter_is_an_error_even_with_equal_values() {
    let bench = Bench::new();
    let client = bench.client();
    for (name, value) in [("scope", "sandbox:read"), ("code_challenge", CHALLENGE), ("nonce", "n"), ("nonce", "n")] {
        let mut request = bench.request(&client);
        request.push((name, value.to_owned()));
        request.push((name, value.to_owned()));
        let (_, pairs) = bench.authorize(&request).redirect();
        assert_eq!((pairs["error"].as_str(), pairs["state"].as_str()), ("invalid_request", "s t/a+t=e&"), "{name}");
    }
}

#[test]
fn a_state_that_came_twice_is_not_guessed() {
    let bench = Bench::new();
    let client = bench.client();
    let mut request = bench.request(&client);
    request.push(("state", "other".to_owned()));
    let (_, pairs) = bench.authorize(&request).redirect();
    assert_eq!((pairs["error"].as_str(), pairs.contains_key("state")), ("invalid_request", false));
}

#[test]
fn a_state_cannot_add_headers_or_parameters() {
    let bench = Bench::new();
    let state = "x\r\nSet-Cookie: a=b\r\n\r\n&code=evil#\u{e9}\0";
    let answer = bench.authorize(&changed(bench.request(&bench.client()), &[("state", state)]));
    assert_eq!(answer.redirect().1["state"], state);
    assert_eq!(answer.header("set-cookie"), "");
    assert_ne!(answer.redirect().1["code"], "evil");
}

#[test]
fn a_client_stays_within_the_scope_it_registered() {
    let bench = Bench::new();
    let metadata = json!({ "redirect_uris": ["http://127.0.0.1/callback"], "scope": "openid profile" });
    let client = bench.register(&metadata).text("client_id");
    let (_, pairs) = bench.authorize(&bench.request(&client)).redirect();
    assert_eq!(pairs["error"], "invalid_scope");
    assert!(!bench.code(&client, &[("scope", "")]).is_empty());
}

#[test]
fn only_get_opens_the_endpoint() {
    let bench = Bench::new();
    for method in ["POST", "HEAD", "PUT", "OPTIONS"] {
        let answer = bench.send(method, "/as/authorize", &[], "");
        assert_eq!((answer.status, answer.header("allow")), (405, "GET"), "{method}");
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
}

#[test]
fn metadata_is_at_the_two_standard_addresses_and_names_only_what_works() {
    let bench = Bench::new();
    let issuer = bench.sandbox.issuer();
    let document = bench.get("/.well-known/oauth-authorization-server/as").json();
    assert_eq!(bench.get("/as/.well-known/openid-configuration").json(), document);
    assert_eq!(issuer, format!("{}/as", bench.sandbox.url()));
    assert_eq!(document["issuer"], issuer);
    assert_eq!(document["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(document["response_types_supported"], json!(["code"]));
    let grants = ["authorization_code", "refresh_token", "client_credentials", client::DEVICE];
    assert_eq!(document["grant_types_supported"], json!(grants));
    assert_eq!(document["authorization_response_iss_parameter_supported"], true);
    let methods = json!(["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]);
    for endpoint in ["token", "revocation", "introspection"] {
        assert_eq!(document[format!("{endpoint}_endpoint_auth_methods_supported")], methods);
        let algorithms = &document[format!("{endpoint}_endpoint_auth_signing_alg_values_supported")];
        assert_eq!(algorithms, &json!(["ES256", "Ed25519", "EdDSA", "PS256", "RS256"]));
    }
    assert_eq!(document["dpop_signing_alg_values_supported"], json!(["ES256", "Ed25519", "EdDSA", "PS256", "RS256"]));
    assert_eq!(document["require_pushed_authorization_requests"], false);
    assert_eq!(document["client_id_metadata_document_supported"], true);
    assert_eq!(document.as_object().unwrap().keys().filter(|name| name.ends_with("_endpoint")).count(), 9);
    for (name, value) in document.as_object().unwrap() {
        if let Some(path) =
            value.as_str().and_then(|url| url.strip_prefix(bench.sandbox.url())).filter(|_| name != "issuer")
        {
            assert_ne!(bench.get(path).status, 404, "{name}");
        }
    }
    for other in
        ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration/as", "/authorize", "/token"]
    {
        assert_eq!(bench.get(other).status, 404, "{other}");
    }
}
