//! Misbehaving on demand, and the record.

use std::thread;
use std::time::Duration;

use super::*;

fn once(effect: Effect) -> TokenFault {
    TokenFault { effect, ..TokenFault::default() }
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Effect {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Effect::Answer { status, headers, body: body.to_owned() }
}

#[test]
fn a_token_answer_can_be_replaced_once() {
    let bench = Bench::new();
    let (client, tokens) = bench.login(&[]);
    let token = tokens.text("refresh_token");
    let control = bench.sandbox.control();
    control.next_token(once(answer(503, &[("Retry-After", "7")], "<html>busy</html>")));
    control.next_token(once(answer(307, &[("Location", "https://evil.example/")], "")));
    let busy = bench.refresh(&client, &token);
    assert_eq!((busy.status, busy.header("retry-after"), busy.body.as_str()), (503, "7", "<html>busy</html>"));
    let moved = bench.refresh(&client, &token);
    assert_eq!((moved.status, moved.header("location")), (307, "https://evil.example/"));
    // Neither was carried out.
    assert_eq!(bench.refresh(&client, &token).status, 200);
}

#[test]
fn an_answer_can_be_lost_after_the_rotation() {
    let bench = Bench::new();
    let (client, tokens) = bench.login(&[]);
    let fault = TokenFault { after_commit: true, ..once(Effect::Drop) };
    bench.sandbox.control().next_token(fault);
    let form = encoded(&[
        ("grant_type", "refresh_token"),
        ("client_id", &client),
        ("refresh_token", &tokens.text("refresh_token")),
    ]);
    let host = bench.sandbox.url().strip_prefix("http://").unwrap();
    let request = format!(
        "POST /as/token HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}",
        form.len()
    );
    assert_eq!(exchange(&bench.sandbox, request.as_bytes()), b"");
    assert_eq!(bench.refresh(&client, &tokens.text("refresh_token")).status, 400, "the old token is spent");
    assert_eq!(
        bench.sandbox.control().received("token").iter().map(|entry| entry.error.as_deref()).collect::<Vec<_>>(),
        [None, Some("dropped"), Some("invalid_grant"),]
    );
}

#[test]
fn members_of_a_token_answer_can_be_changed_and_left_out() {
    let bench = Bench::new();
    let client = bench.client();
    let set = json!({ "expires_in": "3600", "token_type": "bEARER" }).as_object().cloned().unwrap();
    let fault = TokenFault {
        grant_type: Some("authorization_code".to_owned()),
        ..once(Effect::Edit { set, remove: vec!["refresh_token".to_owned(), "scope".to_owned()] })
    };
    bench.sandbox.control().next_token(fault);
    assert_eq!(bench.refresh(&client, "x").status, 400, "the fault waits for its grant type");
    let tokens = bench.redeem(&client, &bench.code(&client, &[])).json();
    let access = tokens["access_token"].clone();
    assert_eq!(tokens, json!({ "access_token": access, "expires_in": "3600", "token_type": "bEARER" }));
}

#[test]
fn a_provider_that_does_not_rotate_can_be_imitated() {
    let bench = Bench::new();
    let (client, tokens) = bench.login(&[]);
    bench.sandbox.control().set(Faults { keep_refresh_token: true, ..Faults::default() });
    for _ in 0..3 {
        let renewed = bench.refresh(&client, &tokens.text("refresh_token"));
        assert_eq!((renewed.status, renewed.json().get("refresh_token")), (200, None));
    }
}

#[test]
fn the_issuer_can_be_wrong_everywhere() {
    let bench = Bench::new();
    let client = bench.client();
    let control = bench.sandbox.control();
    control.set(Faults { response_iss: ResponseIss::Omitted, ..Faults::default() });
    assert_eq!(bench.authorize(&bench.request(&client)).redirect().1.get("iss"), None);
    let wrong = || "https://evil.example".to_owned();
    control.set(Faults {
        response_iss: ResponseIss::Other(wrong()),
        metadata_issuer: Some(wrong()),
        metadata_without_pkce: true,
        metadata_without_iss: true,
        metadata_without_registration: true,
        resource_metadata_names: Some(wrong()),
        ..Faults::default()
    });
    assert_eq!(bench.authorize(&bench.request(&client)).redirect().1["iss"], wrong());
    assert_eq!(bench.authorize(&changed(bench.request(&client), &[("scope", "x")])).redirect().1["iss"], wrong());
    let document = bench.get("/.well-known/oauth-authorization-server/as").json();
    assert_eq!(document["issuer"], wrong());
    for missing in
        ["code_challenge_methods_supported", "authorization_response_iss_parameter_supported", "registration_endpoint"]
    {
        assert_eq!(document.get(missing), None);
    }
    assert_eq!(bench.get("/.well-known/oauth-protected-resource/echo/mcp").json()["resource"], wrong());
}

#[test]
fn members_of_any_json_answer_can_be_changed() {
    let bench = Bench::new();
    let set = json!({ "token_endpoint": "https://evil.example" }).as_object().cloned().unwrap();
    let effect = Effect::Edit { set, remove: vec!["jwks_uri".to_owned()] };
    bench.sandbox.control().set(Faults { answers: [("metadata".to_owned(), effect)].into(), ..Faults::default() });
    let document = bench.get("/.well-known/oauth-authorization-server/as").json();
    assert_eq!((&document["token_endpoint"], document.get("jwks_uri")), (&json!("https://evil.example"), None));
    assert_eq!(document["issuer"], bench.sandbox.issuer());
}

#[test]
fn whole_endpoints_the_date_and_redirect_rules_can_be_those_of_others() {
    let bench = Bench::new();
    let client = bench.client();
    assert_eq!(bench.get("/as/jwks").header("date"), "Fri, 15 Jan 2027 08:00:00 GMT");
    let answers = [("register".to_owned(), answer(403, &[], "no")), ("echo".to_owned(), answer(502, &[], ""))];
    bench.sandbox.control().set(Faults {
        answers: answers.into(),
        exact_redirects: true,
        date_offset: -3600,
        ..Faults::default()
    });
    assert_eq!(bench.register(&json!({ "redirect_uris": ["http://127.0.0.1/callback"] })).status, 403);
    assert_eq!(bench.get("/echo/x").status, 502);
    assert_eq!(bench.get("/as/jwks").header("date"), "Fri, 15 Jan 2027 07:00:00 GMT");
    assert_eq!(bench.authorize(&bench.request(&client)).status, 400);
    assert!(!bench.code(&client, &[("redirect_uri", "http://127.0.0.1/callback")]).is_empty());
}

#[test]
fn the_person_can_be_scripted_and_can_allow_less() {
    let bench = Bench::new();
    let control = bench.sandbox.control();
    control.set(Faults { narrow_scope: Some("openid".to_owned()), ..Faults::default() });
    let (client, tokens) = bench.login(&[("scope", "openid sandbox:read")]);
    assert_eq!(tokens.text("scope"), "openid");
    control.decide(Decision::Deny);
    assert_eq!(bench.authorize(&bench.request(&client)).redirect().1["error"], "access_denied");
    control.decide(Decision::Ask);
    assert_eq!(bench.authorize(&bench.request(&client)).status, 200);
}

#[test]
fn tokens_grants_and_clients_can_be_ended_from_outside() {
    let bench = Bench::new();
    let control = bench.sandbox.control();
    let (client, tokens) = bench.login(&[]);
    control.expire_access_tokens();
    assert_eq!(bench.call(&tokens.text("access_token")).status, 401);
    let renewed = bench.refresh(&client, &tokens.text("refresh_token"));
    assert_eq!(bench.call(&renewed.text("access_token")).status, 200, "later ones are not concerned");
    assert_eq!((control.revoke_grants(), control.revoke_grants()), (1, 0));
    assert_eq!(bench.call(&renewed.text("access_token")).status, 401);
    assert_eq!(bench.refresh(&client, &renewed.text("refresh_token")).refusal(), (400, "invalid_grant".to_owned()));
    assert!(control.forget_client(&client) && !control.forget_client(&client));
    assert_eq!(bench.refresh(&client, "x").refusal(), (401, "invalid_client".to_owned()));
}

#[test]
fn token_requests_can_be_held_and_released() {
    let bench = Bench::new();
    let (client, tokens) = bench.login(&[]);
    let control = bench.sandbox.control();
    control.hold();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| bench.refresh(&client, &tokens.text("refresh_token")).status);
        assert!(control.wait_for_held(1, Duration::from_secs(30)));
        assert_eq!(bench.call(&tokens.text("access_token")).status, 200, "only the token endpoint is held");
        control.release();
        assert_eq!(waiting.join().unwrap(), 200);
    });
}

#[test]
fn the_record_proves_what_was_sent_and_keeps_no_secret() {
    let bench = Bench::new();
    let control = bench.sandbox.control();
    let client = bench.client();
    let code = bench.code(&client, &[]);
    let tokens = bench.redeem(&client, &code);
    bench.refresh(&client, &tokens.text("refresh_token"));
    bench.call(&tokens.text("access_token"));
    let record = control.record();
    let seen: Vec<(&str, u16)> = record.iter().map(|entry| (entry.endpoint.as_str(), entry.status)).collect();
    assert_eq!(seen, [("register", 201), ("authorize", 303), ("token", 200), ("token", 200), ("echo", 200)]);
    let authorize = &control.received("authorize")[0].parameters;
    assert_eq!(
        (authorize["code_challenge_method"].as_str(), authorize["resource"].as_str()),
        ("S256", bench.resource().as_str())
    );
    assert_eq!(authorize["state"], "");
    assert!(control.received("token")[0].parameters.contains_key("code_verifier"));
    assert_eq!((control.token_requests(), control.tokens_issued("refresh_token")), (2, 1));
    let text = bench.get("/control").body;
    for secret in
        [code, tokens.text("access_token"), tokens.text("refresh_token"), VERIFIER.to_owned(), "s t".to_owned()]
    {
        assert!(!text.contains(&secret), "{secret}");
    }
    control.clear_record();
    assert_eq!(control.record(), []);
}

#[test]
fn no_parameter_that_could_be_used_by_who_reads_the_record_is_in_it() {
    let bench = Bench::new();
    let names = [
        "assertion",
        "client_assertion",
        "client_secret",
        "code",
        "code_verifier",
        "device_code",
        "id_token_hint",
        "nonce",
        "password",
        "refresh_token",
        "request",
        "request_uri",
        "state",
        "subject_token",
        "ticket",
        "token",
        "user_code",
    ];
    let form = names.map(|name| (name, "canary"));
    for endpoint in ["token", "par", "device_authorization", "device", "consent", "revoke", "introspect", "end_session"]
    {
        let headers = ["DPoP: canary", "Authorization: canary x"];
        bench.post_with(&format!("/as/{endpoint}"), &headers, &form);
    }
    for endpoint in ["authorize", "device", "end_session"] {
        bench.get(&format!("/as/{endpoint}?{}", encoded(&form)));
    }
    let seen = &bench.sandbox.control().received("device_authorization")[0].parameters;
    assert!(names.iter().all(|name| seen.contains_key(*name)) && seen.contains_key("(dpop)"), "{seen:?}");
    assert!(!bench.get("/control").body.contains("canary"), "{}", bench.get("/control").body);
}

#[test]
fn other_programs_decide_for_devices() {
    let bench = Bench::with(|_| ());
    let metadata = json!({ "token_endpoint_auth_method": "none", "grant_types": [client::DEVICE] });
    let id = bench.register(&metadata).text("client_id");
    let begun = bench.post("/as/device_authorization", &[("client_id", &id)]);
    let order = json!({ "device": { "user_code": begun.text("user_code"), "decision": { "allow": "bob" } } });
    bench.send("POST", "/control", &["Content-Type: application/json"], &order.to_string());
    bench.pass(5);
    let code = begun.text("device_code");
    let form = [("grant_type", client::DEVICE), ("client_id", &id), ("device_code", &code)];
    assert_eq!(claims(&bench.post("/as/token", &form).text("access_token")).1["sub"], "bob");
}

#[test]
fn other_programs_order_through_the_control_endpoint_and_web_pages_do_not() {
    let bench = Bench::new();
    let (client, tokens) = bench.login(&[]);
    const JSON: &str = "Content-Type: application/json";
    let order = |headers: &[&str], body: &str| bench.send("POST", "/control", headers, body).status;
    let faults = json!({ "faults": {
        "token": [{ "grant_type": "refresh_token", "after_commit": true, "effect": "drop" },
                  { "effect": { "answer": { "status": 429, "headers": [["Retry-After", "1"]] } } },
                  { "delay_ms": 1, "effect": { "edit": { "remove": ["expires_in"] } } }],
        "response_iss": { "other": "x" }, "metadata_without_pkce": true,
    }, "decision": { "allow": "bob" } });
    for (headers, body, status) in [
        (&[JSON, "Origin: https://evil.example"][..], "{}", 403),
        (&[JSON, "Sec-Fetch-Site: cross-site"], "{}", 403),
        (&["Content-Type: text/plain"], "{}", 415),
        (&[JSON], r#"{"unknown":1}"#, 400),
        (&[JSON], "", 400),
        (&[JSON], r#"{"revoke_grants":true,"clear_record":true}"#, 200),
        (&[JSON], &faults.to_string(), 200),
    ] {
        assert_eq!(order(headers, body), status, "{headers:?} {body}");
    }
    assert_eq!(bench.call(&tokens.text("access_token")).status, 401);
    assert_eq!(bench.authorize(&bench.request(&client)).redirect().1["iss"], "x");
    assert_eq!(bench.redeem(&client, &bench.code(&client, &[])).status, 429);
    let odd = bench.redeem(&client, &bench.code(&client, &[]));
    assert_eq!((odd.status, odd.json().get("expires_in")), (200, None));
    assert_eq!(order(&[JSON], &json!({ "forget_client": client, "expire_access_tokens": true }).to_string()), 200);
    assert_eq!(bench.authorize(&bench.request(&client)).status, 400);
}
