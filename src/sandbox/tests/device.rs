//! Devices: the codes, the page, the polling and its answers.

use super::*;

fn registered(bench: &Bench) -> String {
    let metadata = json!({
        "client_name": "A <b>device</b>", "token_endpoint_auth_method": "none",
        "grant_types": ["refresh_token", client::DEVICE],
    });
    bench.register(&metadata).text("client_id")
}

fn asking() -> (Bench, String) {
    let bench = Bench::with(|_| ());
    let client = registered(&bench);
    (bench, client)
}

fn begin(bench: &Bench, client: &str, more: &[(&str, &str)]) -> Answer {
    bench.post("/as/device_authorization", &[&[("client_id", client)], more].concat())
}

fn poll(bench: &Bench, client: &str, code: &str) -> Answer {
    bench.post("/as/token", &[("grant_type", client::DEVICE), ("client_id", client), ("device_code", code)])
}

fn refused(bench: &Bench, client: &str, code: &str) -> String {
    let (status, error) = poll(bench, client, code).refusal();
    assert_eq!(status, 400);
    error
}

/// The code page as a browser sees it: its cookie line and its `csrf`.
fn page(bench: &Bench, target: &str) -> (Answer, String, String) {
    let answer = bench.get(target);
    let (_, rest) = answer.body.split_once(r#"name="csrf" value=""#).unwrap();
    let csrf = rest.split_once('"').unwrap().0.to_owned();
    let cookie = format!("Cookie: {}", answer.header("set-cookie").split(';').next().unwrap());
    (answer, cookie, csrf)
}

fn type_in(bench: &Bench, code: &str) -> Answer {
    let (_, cookie, csrf) = page(bench, "/as/device");
    bench.post_with("/as/device", &[&cookie], &[("csrf", &csrf), ("user_code", code)])
}

#[test]
fn a_device_gets_two_codes_and_an_address() {
    let (bench, client) = asking();
    let answer = begin(&bench, &client, &[("scope", "sandbox:read"), ("resource", &bench.resource())]);
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    let (user_code, page) = (answer.text("user_code"), format!("{}/device", bench.sandbox.issuer()));
    let expected = json!({
        "device_code": answer.text("device_code"), "user_code": user_code, "expires_in": 600, "interval": 5,
        "verification_uri": page, "verification_uri_complete": format!("{page}?user_code={user_code}"),
    });
    assert_eq!(answer.json(), expected);
    assert_eq!(answer.text("device_code").len(), 43);
    let plain = user_code.len() == 9 && user_code.chars().nth(4) == Some('-');
    assert!(plain && user_code.chars().all(|c| "BCDFGHJKLMNPQRSTVWXZ-".contains(c)), "{user_code}");
    assert_eq!(bench.get("/as/device_authorization").status, 405);
}

#[test]
fn only_clients_that_registered_the_grant_and_known_scopes_and_resources_get_a_code() {
    let (bench, client) = asking();
    for (id, more, refusal) in [
        ("nobody", &[][..], (401, "invalid_client")),
        (&bench.client(), &[], (400, "unauthorized_client")),
        (&client, &[("scope", "everything")], (400, "invalid_scope")),
        (&client, &[("resource", "https://elsewhere.example")], (400, "invalid_target")),
        (&client, &[("scope", "openid"), ("scope", "openid")], (400, "invalid_request")),
    ] {
        let (status, error) = begin(&bench, id, more).refusal();
        assert_eq!((status, error.as_str()), refusal, "{id} {more:?}");
    }
}

#[test]
fn a_person_types_the_code_and_the_device_gets_tokens_once() {
    let (bench, client) = asking();
    let begun = begin(&bench, &client, &[("scope", "openid sandbox:read"), ("resource", &bench.resource())]);
    let code = begun.text("device_code");
    bench.pass(5);
    assert_eq!(refused(&bench, &client, &code), "authorization_pending");
    // Small letters and no hyphen, as people type.
    let (shown, cookie, csrf) = page(&bench, "/as/device");
    assert!(shown.body.contains("Never type a code that somebody sent you"), "{}", shown.body);
    let typed = begun.text("user_code").replace('-', " ").to_lowercase();
    let origin = format!("Origin: {}", bench.sandbox.url());
    let form = [("csrf", csrf.as_str()), ("user_code", typed.as_str())];
    let question = bench.post_with("/as/device", &[&cookie, &origin], &form);
    for part in ["A &lt;b&gt;device&lt;/b&gt;", "sandbox:read", &bench.resource(), r#"id="allow""#, r#"id="deny""#] {
        assert!(question.body.contains(part), "{part}: {}", question.body);
    }
    assert!(!question.body.contains("return to"), "a device has no address");
    let hidden = |name: &str| {
        let (_, rest) = question.body.split_once(&format!(r#"name="{name}" value=""#)).unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    };
    let (ticket, csrf) = (hidden("ticket"), hidden("csrf"));
    let form = [("ticket", ticket.as_str()), ("csrf", csrf.as_str()), ("user", "bob"), ("decision", "allow")];
    assert!(bench.post_with("/as/consent", &[&cookie], &form).body.contains("Your device is connected"));
    bench.pass(5);
    let tokens = poll(&bench, &client, &code);
    assert_eq!(bench.call(&tokens.text("access_token")).json()["user"], "bob");
    assert_eq!(claims(&tokens.text("id_token")).1["sub"], "bob");
    assert_eq!(bench.refresh(&client, &tokens.text("refresh_token")).status, 200);
    bench.pass(5);
    assert_eq!(refused(&bench, &client, &code), "invalid_grant");
    assert_eq!(type_in(&bench, &begun.text("user_code")).status, 400, "the user code is used up, too");
}

#[test]
fn polling_too_early_costs_five_seconds_each_time_and_for_good() {
    let (bench, client) = asking();
    let code = begin(&bench, &client, &[]).text("device_code");
    // At once, and a second too early.
    for wait in [0, 9] {
        bench.pass(wait);
        assert_eq!(refused(&bench, &client, &code), "slow_down");
    }
    bench.pass(14);
    assert_eq!(refused(&bench, &client, &code), "slow_down");
    bench.pass(20);
    assert_eq!(refused(&bench, &client, &code), "authorization_pending");
}

#[test]
fn a_code_is_over_after_its_time_and_belongs_to_its_client() {
    let (bench, client) = asking();
    let begun = begin(&bench, &client, &[]);
    let code = begun.text("device_code");
    assert_eq!(refused(&bench, &registered(&bench), &code), "invalid_grant");
    assert_eq!(refused(&bench, &client, "guessed"), "invalid_grant");
    bench.pass(599);
    assert_eq!(refused(&bench, &client, &code), "authorization_pending");
    bench.pass(1);
    assert_eq!(refused(&bench, &client, &code), "expired_token");
    assert_eq!(type_in(&bench, &begun.text("user_code")).status, 400);
}

#[test]
fn a_denied_device_is_told_so_and_then_forgotten() {
    let (bench, client) = asking();
    let begun = begin(&bench, &client, &[]);
    let control = bench.sandbox.control();
    assert!(!control.decide_device("BBBB-BBBB", &Decision::Deny));
    assert!(control.decide_device(&begun.text("user_code"), &Decision::Deny));
    assert!(!control.decide_device(&begun.text("user_code"), &Decision::Allow("bob".to_owned())), "decided once");
    bench.pass(5);
    assert_eq!(refused(&bench, &client, &begun.text("device_code")), "access_denied");
    bench.pass(5);
    assert_eq!(refused(&bench, &client, &begun.text("device_code")), "invalid_grant");
}

#[test]
fn a_scripted_person_allows_at_once_and_the_interval_still_counts() {
    let bench = Bench::new();
    let client = registered(&bench);
    let code = begin(&bench, &client, &[]).text("device_code");
    assert_eq!(refused(&bench, &client, &code), "slow_down");
    bench.pass(10);
    assert_eq!(poll(&bench, &client, &code).status, 200);
}

#[test]
fn the_code_page_is_bound_to_its_browser_and_shows_what_came_in_the_address_harmlessly() {
    let (bench, client) = asking();
    let code = begin(&bench, &client, &[]).text("user_code");
    let (shown, cookie, csrf) = page(&bench, &format!("/as/device?user_code={code}"));
    assert!(shown.body.contains(&format!(r#"value="{code}""#)), "{}", shown.body);
    assert!(shown.header("content-security-policy").contains("frame-ancestors 'none'"));
    let hostile = page(&bench, "/as/device?user_code=%22%3E%3Cscript%3E").0;
    assert!(!hostile.body.contains("<script"), "{}", hostile.body);
    let (_, other, _) = page(&bench, "/as/device");
    let right = [("csrf", csrf.as_str()), ("user_code", code.as_str())];
    for (headers, form) in [
        (vec![], &right[..]),
        (vec![other.as_str()], &right),
        (vec![cookie.as_str(), "Origin: https://evil.example"], &right),
        (vec![cookie.as_str()], &right[1..]),
    ] {
        assert_eq!(bench.post_with("/as/device", &headers, form).status, 403, "{headers:?} {form:?}");
    }
    assert!(bench.post_with("/as/device", &[&cookie], &right).body.contains(r#"id="deny""#));
    assert_eq!(bench.send("PUT", "/as/device", &[], "").status, 405);
}

#[test]
fn guessing_codes_is_stopped_for_everybody_and_for_a_minute() {
    let (bench, client) = asking();
    let code = begin(&bench, &client, &[]).text("user_code");
    for _ in 0..10 {
        assert_eq!(type_in(&bench, "BBBB-BBBB").status, 400);
    }
    assert_eq!(type_in(&bench, &code).status, 429);
    bench.pass(60);
    assert_eq!(type_in(&bench, &code).status, 200);
}

#[test]
fn a_device_may_bind_its_tokens_to_a_key() {
    let (bench, client) = asking();
    let begun = begin(&bench, &client, &[]);
    bench.sandbox.control().decide_device(&begun.text("user_code"), &Decision::Allow("bob".to_owned()));
    bench.pass(5);
    let signer = Signer::new();
    let proof = super::dpop::proof(&bench, &signer, "/as/token", &json!({}));
    let code = begun.text("device_code");
    let form = [("grant_type", client::DEVICE), ("client_id", &client), ("device_code", &code)];
    assert_eq!(bench.post_with("/as/token", &[&proof], &form).text("token_type"), "DPoP");
}
