//! Proof of possession, at the token endpoint and at the resources.

use std::sync::atomic::AtomicU64;

use super::*;
use crate::sandbox::jose;
use crate::sandbox::jwt::fingerprint;

/// A proof for a POST to this path; changes are to its claims, or with `header` to its header.
pub(super) fn proof(bench: &Bench, signer: &Signer, path: &str, changes: &Value) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let claims = json!({
        "jti": format!("proof-{}", COUNT.fetch_add(1, Ordering::SeqCst)), "htm": "POST",
        "htu": format!("{}{path}", bench.sandbox.url()), "iat": bench.clock.now(),
    });
    let mut changes = changes.clone();
    let header = changes.as_object_mut().unwrap().remove("header").unwrap_or_else(|| json!({}));
    let header = with(json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": signer.public() }), &header);
    format!("DPoP: {}", signer.sign(&header, &with(claims, &changes)))
}

/// A login whose tokens are bound to this key.
fn login(bench: &Bench, signer: &Signer) -> (String, Answer) {
    let client = bench.client();
    let code = bench.code(&client, &[]);
    let proof = proof(bench, signer, "/as/token", &json!({}));
    let tokens = bench.post_with("/as/token", &[&proof], &redemption(&client, &code));
    assert_eq!(tokens.status, 200, "{tokens:?}");
    (client, tokens)
}

fn call(bench: &Bench, scheme: &str, token: &str, proof: &str) -> Answer {
    bench.send("POST", "/echo/call?x=1", &[&format!("Authorization: {scheme} {token}"), proof], "x")
}

fn at_resource(bench: &Bench, signer: &Signer, token: &str, changes: &Value) -> String {
    let mut all = json!({ "ath": fingerprint(token) });
    all.as_object_mut().unwrap().extend(changes.as_object().cloned().unwrap());
    proof(bench, signer, "/echo/call", &all)
}

#[test]
fn a_token_is_bound_to_the_key_of_the_proof_and_good_with_another_proof_of_it() {
    let bench = Bench::new();
    let signer = Signer::new();
    let (_, tokens) = login(&bench, &signer);
    let token = tokens.text("access_token");
    assert_eq!(tokens.text("token_type"), "DPoP");
    assert_eq!(claims(&token).1["cnf"], json!({ "jkt": jose::thumbprint(&signer.public()).unwrap() }));
    let good = at_resource(&bench, &signer, &token, &json!({}));
    assert_eq!(call(&bench, "DPoP", &token, &good).json()["user"], "alice");
    assert_eq!(call(&bench, "DPoP", &token, &good).status, 401, "a proof is good once");
    let other = Signer::new();
    for (scheme, proof) in [
        ("Bearer", at_resource(&bench, &signer, &token, &json!({}))),
        ("DPoP", at_resource(&bench, &other, &token, &json!({}))),
        ("DPoP", "X-None: x".to_owned()),
    ] {
        let answer = call(&bench, scheme, &token, &proof);
        assert_eq!(answer.status, 401, "{scheme} {proof}");
    }
    let (_, plain) = bench.login(&[]);
    let plain = plain.text("access_token");
    let answer = call(&bench, "DPoP", &plain, &at_resource(&bench, &signer, &plain, &json!({})));
    assert_eq!(answer.status, 401, "a token that is bound to nothing cannot be proven");
}

#[test]
fn a_proof_is_for_one_request_at_one_moment_with_a_public_key() {
    let bench = Bench::new();
    let signer = Signer::new();
    let client = bench.client();
    let code = bench.code(&client, &[]);
    let token = format!("{}/as/token", bench.sandbox.url());
    let wrong = (400, "invalid_dpop_proof".to_owned());
    let private = with(signer.public(), &json!({ "d": "AAAA" }));
    for changes in [
        json!({ "htm": "GET" }),
        json!({ "htm": "post" }),
        json!({ "htm": null }),
        json!({ "htu": format!("{token}?x") }),
        json!({ "htu": format!("{token}#x") }),
        json!({ "htu": format!("{token}?") }),
        json!({ "htu": format!("{token}/") }),
        json!({ "htu": "https://elsewhere.example/as/token" }),
        json!({ "htu": null }),
        json!({ "iat": 1_800_000_000 - 121 }),
        json!({ "iat": 1_800_000_000 + 121 }),
        json!({ "iat": null }),
        json!({ "jti": null }),
        json!({ "jti": "" }),
        json!({ "jti": "x".repeat(257) }),
        json!({ "header": { "typ": "JWT" } }),
        json!({ "header": { "typ": null } }),
        json!({ "header": { "alg": "none" } }),
        json!({ "header": { "alg": "HS256" } }),
        json!({ "header": { "jwk": null } }),
        json!({ "header": { "jwk": private } }),
        json!({ "header": { "jwk": Signer::new().public() } }),
    ] {
        let proof = proof(&bench, &signer, "/as/token", &changes);
        let answer = bench.post_with("/as/token", &[&proof], &redemption(&client, &code));
        assert_eq!(answer.refusal(), wrong, "{changes}");
    }
    let two = [(); 2].map(|()| proof(&bench, &signer, "/as/token", &json!({})));
    assert_eq!(bench.post_with("/as/token", &[&two[0], &two[1]], &redemption(&client, &code)).refusal(), wrong);
    assert_eq!(bench.post_with("/as/token", &["DPoP: x"], &redemption(&client, &code)).refusal(), wrong);
    assert_eq!(bench.post_with("/as/token", &[&two[0]], &redemption(&client, &code)).status, 200);
    let form = [("grant_type", "refresh_token"), ("client_id", client.as_str()), ("refresh_token", "x")];
    assert_eq!(bench.post_with("/as/token", &[&two[0]], &form).refusal(), wrong, "used");
}

#[test]
fn a_proof_at_a_resource_is_for_one_token() {
    let bench = Bench::new();
    let signer = Signer::new();
    let (_, tokens) = login(&bench, &signer);
    let token = tokens.text("access_token");
    for changes in [json!({ "ath": fingerprint("another") }), json!({ "ath": "" }), json!({ "htm": "GET" })] {
        let answer = call(&bench, "DPoP", &token, &at_resource(&bench, &signer, &token, &changes));
        assert_eq!(answer.status, 401, "{changes}");
        let challenge = answer.header("www-authenticate");
        assert!(challenge.contains(r#"error="invalid_dpop_proof""#) || challenge.starts_with("Bearer"), "{challenge}");
    }
    let without = proof(&bench, &signer, "/echo/call", &json!({}));
    assert_eq!(call(&bench, "DPoP", &token, &without).status, 401);
}

#[test]
fn a_refresh_token_of_a_public_client_needs_its_key() {
    let bench = Bench::new();
    let (signer, other) = (Signer::new(), Signer::new());
    let (client, tokens) = login(&bench, &signer);
    let refresh = |proofs: &[&str], token: &str| {
        let form = [("grant_type", "refresh_token"), ("client_id", client.as_str()), ("refresh_token", token)];
        bench.post_with("/as/token", proofs, &form)
    };
    let token = tokens.text("refresh_token");
    let wrong = (400, "invalid_grant".to_owned());
    assert_eq!(refresh(&[], &token).refusal(), wrong);
    assert_eq!(refresh(&[&proof(&bench, &other, "/as/token", &json!({}))], &token).refusal(), wrong);
    let renewed = refresh(&[&proof(&bench, &signer, "/as/token", &json!({}))], &token);
    assert_eq!((renewed.status, renewed.text("token_type").as_str()), (200, "DPoP"), "the wrong ones spent nothing");
    let access = renewed.text("access_token");
    assert_eq!(call(&bench, "DPoP", &access, &at_resource(&bench, &signer, &access, &json!({}))).status, 200);
}

#[test]
fn a_confidential_client_may_change_its_key_at_a_refresh() {
    let bench = Bench::new();
    let registered = bench.register(&json!({
        "redirect_uris": ["http://127.0.0.1/callback"], "grant_types": ["authorization_code", "refresh_token"],
    }));
    let id = registered.text("client_id");
    let header = basic(&id, &registered.text("client_secret"));
    let code = bench.code(&id, &[]);
    let first = proof(&bench, &Signer::new(), "/as/token", &json!({}));
    let tokens = bench.post_with("/as/token", &[&header, &first], &redemption(&id, &code));
    let token = tokens.text("refresh_token");
    let second = proof(&bench, &Signer::new(), "/as/token", &json!({}));
    let form = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
    assert_eq!(bench.post_with("/as/token", &[&header, &second], &form).text("token_type"), "DPoP");
}

#[test]
fn a_code_can_be_bound_to_a_key_beforehand() {
    let bench = Bench::new();
    let (signer, other) = (Signer::new(), Signer::new());
    let client = bench.client();
    let code = bench.code(&client, &[("dpop_jkt", &jose::thumbprint(&signer.public()).unwrap())]);
    let redeem = |proofs: &[&str]| bench.post_with("/as/token", proofs, &redemption(&client, &code));
    let wrong = (400, "invalid_dpop_proof".to_owned());
    assert_eq!(redeem(&[]).refusal(), wrong);
    assert_eq!(redeem(&[&proof(&bench, &other, "/as/token", &json!({}))]).refusal(), wrong);
    assert_eq!(redeem(&[&proof(&bench, &signer, "/as/token", &json!({}))]).status, 200);
}

#[test]
fn a_client_can_register_that_it_takes_bound_tokens_only() {
    let bench = Bench::new();
    let registered = bench.register(&json!({
        "redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none",
        "dpop_bound_access_tokens": true,
    }));
    assert_eq!(registered.json()["dpop_bound_access_tokens"], true);
    let client = registered.text("client_id");
    let code = bench.code(&client, &[]);
    assert_eq!(bench.redeem(&client, &code).refusal(), (400, "invalid_dpop_proof".to_owned()));
    let proof = proof(&bench, &Signer::new(), "/as/token", &json!({}));
    assert_eq!(bench.post_with("/as/token", &[&proof], &redemption(&client, &code)).status, 200);
}

#[test]
fn a_nonce_can_be_demanded_everywhere_and_is_in_every_answer() {
    let bench = Bench::new();
    let signer = Signer::new();
    let client = bench.client();
    let code = bench.code(&client, &[]);
    bench.sandbox.control().set(Faults { dpop_nonce: true, ..Faults::default() });
    let redeem = |changes: &Value| {
        let proof = proof(&bench, &signer, "/as/token", changes);
        bench.post_with("/as/token", &[&proof], &redemption(&client, &code))
    };
    let first = redeem(&json!({}));
    assert_eq!(first.refusal(), (400, "use_dpop_nonce".to_owned()));
    let nonce = first.header("dpop-nonce").to_owned();
    assert_eq!(redeem(&json!({ "nonce": "guessed" })).refusal(), (400, "use_dpop_nonce".to_owned()));
    let tokens = redeem(&json!({ "nonce": nonce }));
    assert_eq!((tokens.status, tokens.header("dpop-nonce")), (200, nonce.as_str()));
    let token = tokens.text("access_token");
    let refused = call(&bench, "DPoP", &token, &at_resource(&bench, &signer, &token, &json!({})));
    assert_eq!((refused.status, refused.header("dpop-nonce")), (401, nonce.as_str()));
    let nonces = |nonce: &str| at_resource(&bench, &signer, &token, &json!({ "nonce": nonce }));
    assert_eq!(call(&bench, "DPoP", &token, &nonces(&nonce)).status, 200);
    bench.pass(120);
    let newer = call(&bench, "DPoP", &token, &nonces(&nonce));
    assert_eq!(newer.status, 200, "the one before is still good");
    assert_ne!(newer.header("dpop-nonce"), nonce);
    bench.pass(120);
    assert_eq!(call(&bench, "DPoP", &token, &nonces(&nonce)).status, 401);
}

#[test]
fn a_resource_can_insist_on_proofs() {
    let bench = Bench::new();
    let signer = Signer::new();
    let (_, plain) = bench.login(&[]);
    let (_, tokens) = login(&bench, &signer);
    bench.sandbox.control().set(Faults { require_dpop: true, ..Faults::default() });
    let document = bench.get("/.well-known/oauth-protected-resource/echo/mcp").json();
    assert_eq!(document["dpop_bound_access_tokens_required"], true);
    assert_eq!(document["dpop_signing_alg_values_supported"], json!(["ES256", "Ed25519", "EdDSA", "PS256", "RS256"]));
    let refused = bench.call(&plain.text("access_token"));
    assert!(refused.status == 401 && refused.header("www-authenticate").starts_with("DPoP error="), "{refused:?}");
    assert!(bench.get("/echo/mcp").header("www-authenticate").starts_with("DPoP resource_metadata="));
    let token = tokens.text("access_token");
    assert_eq!(call(&bench, "DPoP", &token, &at_resource(&bench, &signer, &token, &json!({}))).status, 200);
}

#[test]
fn the_record_says_that_there_was_a_proof_and_not_which() {
    let bench = Bench::new();
    let (_, tokens) = login(&bench, &Signer::new());
    assert!(bench.sandbox.control().received("token")[0].parameters.contains_key("(dpop)"));
    let text = bench.get("/control").body;
    assert!(!text.contains("eyJ") && !text.contains(&tokens.text("access_token")), "{text}");
}
