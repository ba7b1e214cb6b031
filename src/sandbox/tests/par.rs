//! Pushed authorization requests.

use super::*;

fn push(bench: &Bench, request: &[(&str, String)]) -> Answer {
    let form: Vec<(&str, &str)> = request.iter().map(|(name, value)| (*name, value.as_str())).collect();
    bench.post("/as/par", &form)
}

fn open(bench: &Bench, client: &str, name: &str) -> Answer {
    bench.get(&format!("/as/authorize?{}", encoded(&[("client_id", client), ("request_uri", name)])))
}

#[test]
fn a_pushed_request_is_used_by_its_name_once() {
    let bench = Bench::new();
    let client = bench.client();
    let pushed = push(&bench, &bench.request(&client));
    assert_eq!((pushed.status, pushed.header("cache-control")), (201, "no-store"));
    assert_eq!(pushed.json()["expires_in"], 60);
    let name = pushed.text("request_uri");
    assert!(name.starts_with("urn:ietf:params:oauth:request_uri:"), "{name}");
    let (address, pairs) = open(&bench, &client, &name).redirect();
    assert_eq!((address.as_str(), pairs["state"].as_str()), (CALLBACK, "s t/a+t=e&"));
    assert_eq!(bench.redeem(&client, &pairs["code"]).status, 200);
    assert_eq!(open(&bench, &client, &name).status, 400);
}

#[test]
fn the_name_is_for_its_client_and_its_minute_and_stands_alone() {
    let bench = Bench::new();
    let (client, other) = (bench.client(), bench.client());
    let name = push(&bench, &bench.request(&client)).text("request_uri");
    assert_eq!(open(&bench, &other, &name).status, 400);
    let query = encoded(&[("client_id", &client), ("request_uri", &name), ("scope", "openid")]);
    assert_eq!(bench.get(&format!("/as/authorize?{query}")).status, 400);
    let query = encoded(&[("client_id", &client), ("request_uri", &name), ("request_uri", &name)]);
    assert_eq!(bench.get(&format!("/as/authorize?{query}")).status, 400);
    assert_eq!(open(&bench, &client, "urn:ietf:params:oauth:request_uri:guessed").status, 400);
    assert_eq!(open(&bench, &client, &name).status, 303, "none of them used it up");
    let late = push(&bench, &bench.request(&client)).text("request_uri");
    bench.pass(60);
    let answer = open(&bench, &client, &late);
    assert_eq!((answer.status, answer.header("location")), (400, ""));
}

#[test]
fn a_pushed_request_is_checked_at_once_and_needs_the_clients_proof() {
    let bench = Bench::new();
    let client = bench.client();
    for (changes, error) in [
        (&[("request_uri", "urn:x")][..], "invalid_request"),
        (&[("request", "eyJ")], "request_not_supported"),
        (&[("code_challenge", "")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("redirect_uri", "https://evil.example/")], "invalid_request"),
        (&[("resource", "https://elsewhere.example")], "invalid_target"),
        (&[("scope", "everything")], "invalid_scope"),
        (&[("dpop_jkt", "short")], "invalid_request"),
    ] {
        let answer = push(&bench, &changed(bench.request(&client), changes));
        assert_eq!(answer.refusal(), (400, error.to_owned()), "{changes:?}");
    }
    assert_eq!(push(&bench, &bench.request("nobody")).refusal(), (401, "invalid_client".to_owned()));
    let secret = bench.register(&json!({ "redirect_uris": ["http://127.0.0.1/callback"] }));
    let id = secret.text("client_id");
    assert_eq!(push(&bench, &bench.request(&id)).refusal(), (401, "invalid_client".to_owned()));
    let request = bench.request(&id);
    let form: Vec<(&str, &str)> = request.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let proven = bench.post_with("/as/par", &[&basic(&id, &secret.text("client_secret"))], &form);
    assert_eq!(proven.status, 201);
    assert_eq!(bench.get("/as/par").status, 405);
}

#[test]
fn a_server_can_insist_on_it() {
    let bench = Bench::new();
    let client = bench.client();
    bench.sandbox.control().set(Faults { require_par: true, ..Faults::default() });
    let document = bench.get("/.well-known/oauth-authorization-server/as").json();
    assert_eq!(document["require_pushed_authorization_requests"], true);
    let (_, pairs) = bench.authorize(&bench.request(&client)).redirect();
    assert_eq!(pairs["error"], "invalid_request");
    let name = push(&bench, &bench.request(&client)).text("request_uri");
    assert!(open(&bench, &client, &name).redirect().1.contains_key("code"));
}

#[test]
fn a_proof_at_the_push_binds_the_code() {
    let bench = Bench::new();
    let client = bench.client();
    let (signer, other) = (Signer::new(), Signer::new());
    let request = bench.request(&client);
    let form: Vec<(&str, &str)> = request.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let proof = |signer: &Signer, path: &str| super::dpop::proof(&bench, signer, path, &json!({}));
    let name = bench.post_with("/as/par", &[&proof(&signer, "/as/par")], &form).text("request_uri");
    let code = open(&bench, &client, &name).redirect().1.remove("code").unwrap();
    let redeem = |headers: &[&str]| bench.post_with("/as/token", headers, &redemption(&client, &code));
    let wrong = (400, "invalid_dpop_proof".to_owned());
    assert_eq!(redeem(&[]).refusal(), wrong);
    assert_eq!(redeem(&[&proof(&other, "/as/token")]).refusal(), wrong);
    assert_eq!(redeem(&[&proof(&signer, "/as/token")]).text("token_type"), "DPoP");
    let contradiction = [&form[..], &[("dpop_jkt", CHALLENGE)]].concat();
    assert_eq!(bench.post_with("/as/par", &[&proof(&signer, "/as/par")], &contradiction).refusal(), wrong);
}
