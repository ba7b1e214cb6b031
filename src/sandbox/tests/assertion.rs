//! Clients that prove themselves with a key, and clients that ask for themselves.

use super::*;

const NOW: i64 = 1_800_000_000;

/// A client of the grant `client_credentials` with this key.
fn robot(bench: &Bench, signer: &Signer) -> String {
    let mut key = signer.public();
    key["kid"] = json!("one");
    let metadata = json!({
        "grant_types": ["client_credentials"], "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [key] },
    });
    let answer = bench.register(&metadata);
    assert_eq!((answer.status, answer.json().get("client_secret")), (201, None), "{answer:?}");
    answer.text("client_id")
}

fn assertion(bench: &Bench, signer: &Signer, id: &str, changes: &Value) -> String {
    static COUNT: AtomicI64 = AtomicI64::new(0);
    let jti = format!("assertion-{}", COUNT.fetch_add(1, Ordering::SeqCst));
    let claims = json!({
        "iss": id, "sub": id, "aud": bench.sandbox.issuer(), "iat": NOW, "exp": NOW + 60, "jti": jti,
    });
    signer.sign(&json!({ "alg": "ES256", "kid": "one" }), &with(claims, changes))
}

fn ask(bench: &Bench, assertion: &str, more: &[(&str, &str)]) -> Answer {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", super::super::assertion::KIND),
        ("client_assertion", assertion),
    ];
    bench.post("/as/token", &[&form, more].concat())
}

#[test]
fn a_client_with_a_key_gets_tokens_for_itself_and_nothing_to_renew() {
    let bench = Bench::new();
    let signer = Signer::new();
    let id = robot(&bench, &signer);
    let tokens = ask(&bench, &assertion(&bench, &signer, &id, &json!({})), &[("resource", &bench.resource())]);
    assert_eq!(tokens.status, 200, "{tokens:?}");
    assert_eq!((tokens.json().get("refresh_token"), tokens.json().get("id_token")), (None, None));
    let (_, claims) = claims(&tokens.text("access_token"));
    assert_eq!(
        (&claims["sub"], &claims["client_id"], &claims["scope"]),
        (&json!(id), &json!(id), &json!("sandbox:read"))
    );
    assert_eq!(bench.call(&tokens.text("access_token")).json()["user"], id);
    let older = assertion(&bench, &signer, &id, &json!({ "aud": [format!("{}/token", bench.sandbox.issuer()), "x"] }));
    assert_eq!(ask(&bench, &older, &[("client_id", &id), ("scope", "sandbox:write")]).text("scope"), "sandbox:write");
}

#[test]
fn an_assertion_is_for_this_server_this_client_this_moment_and_once() {
    let bench = Bench::new();
    let (signer, stranger) = (Signer::new(), Signer::new());
    let id = robot(&bench, &signer);
    let wrong = (401, "invalid_client".to_owned());
    for changes in [
        json!({ "aud": "https://elsewhere.example" }),
        json!({ "aud": null }),
        json!({ "aud": format!("{}/", bench.sandbox.issuer()) }),
        json!({ "iss": "other" }),
        json!({ "sub": "other" }),
        json!({ "iss": "other", "sub": "other" }),
        json!({ "exp": NOW }),
        json!({ "exp": NOW + 3601 }),
        json!({ "exp": null }),
        json!({ "iat": NOW + 61 }),
        json!({ "nbf": NOW + 61 }),
        json!({ "jti": null }),
        json!({ "jti": "" }),
    ] {
        assert_eq!(ask(&bench, &assertion(&bench, &signer, &id, &changes), &[]).refusal(), wrong, "{changes}");
    }
    assert_eq!(ask(&bench, &assertion(&bench, &stranger, &id, &json!({})), &[]).refusal(), wrong);
    let good = assertion(&bench, &signer, &id, &json!({}));
    let (body, signature) = good.rsplit_once('.').unwrap();
    for forged in [format!("{body}."), body.to_owned(), format!("{body}.{}", signature.to_lowercase()), "x".to_owned()]
    {
        assert_eq!(ask(&bench, &forged, &[]).refusal(), wrong, "{forged}");
    }
    let claims = json!({ "iss": id, "sub": id, "aud": bench.sandbox.issuer(), "exp": NOW + 60, "jti": "a" });
    for header in [json!({ "alg": "none" }), json!({ "alg": "HS256" }), json!({ "alg": "ES256", "kid": "two" })] {
        assert_eq!(ask(&bench, &signer.sign(&header, &claims), &[]).refusal(), wrong, "{header}");
    }
    assert_eq!(ask(&bench, &good, &[("client_id", "other")]).refusal(), (400, "invalid_request".to_owned()));
    assert_eq!(ask(&bench, &good, &[("client_secret", "x")]).refusal(), (400, "invalid_request".to_owned()));
    let form = [("grant_type", "client_credentials"), ("client_assertion", good.as_str())];
    assert_eq!(bench.post("/as/token", &form).refusal(), (400, "invalid_request".to_owned()), "no type");
    assert_eq!(ask(&bench, &good, &[]).status, 200);
    assert_eq!(ask(&bench, &good, &[]).refusal(), wrong, "used");
}

#[test]
fn a_client_with_a_key_has_no_other_way_in_and_another_client_not_this_one() {
    let bench = Bench::new();
    let signer = Signer::new();
    let id = robot(&bench, &signer);
    let wrong = (401, "invalid_client".to_owned());
    let form = [("grant_type", "client_credentials"), ("client_id", id.as_str())];
    assert_eq!(bench.post("/as/token", &form).refusal(), wrong);
    assert_eq!(bench.post_with("/as/token", &[&basic(&id, "x")], &form[..1]).refusal(), wrong);
    // Having keys is not enough: this one registered a secret.
    let secret = bench.register(&json!({
        "grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_basic",
        "jwks": { "keys": [signer.public()] },
    }));
    let id = secret.text("client_id");
    assert_eq!(ask(&bench, &assertion(&bench, &signer, &id, &json!({})), &[]).refusal(), wrong);
    let public = bench.client();
    assert_eq!(ask(&bench, &assertion(&bench, &signer, &public, &json!({})), &[]).refusal(), wrong);
}

#[test]
fn a_client_with_a_secret_may_ask_for_itself_if_it_registered_that() {
    let bench = Bench::new();
    let metadata =
        json!({ "grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_basic" });
    let answer = bench.register(&metadata);
    let header = basic(&answer.text("client_id"), &answer.text("client_secret"));
    let ask = |more: &[(&str, &str)]| {
        bench.post_with("/as/token", &[&header], &[&[("grant_type", "client_credentials")], more].concat())
    };
    assert_eq!(ask(&[]).status, 200);
    for (more, error) in [
        (&[("scope", "openid")][..], "invalid_scope"),
        (&[("scope", "everything")], "invalid_scope"),
        (&[("resource", "https://elsewhere.example")], "invalid_target"),
    ] {
        assert_eq!(ask(more).refusal(), (400, error.to_owned()), "{more:?}");
    }
}
