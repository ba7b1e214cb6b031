//! Codes, tokens and their rotation.

use std::thread;

use super::*;

#[test]
fn a_login_yields_tokens_for_the_resource_and_nothing_else() {
    let bench = Bench::new();
    let (client, tokens) = bench.login(&[]);
    assert_eq!((tokens.header("cache-control"), tokens.header("content-type")), ("no-store", "application/json"));
    let body = tokens.json();
    assert_eq!(
        (&body["token_type"], &body["expires_in"], &body["scope"]),
        (&json!("Bearer"), &json!(300), &json!("sandbox:read"))
    );
    assert!(body.get("id_token").is_none());
    let (header, claims) = claims(&tokens.text("access_token"));
    assert_eq!((&header["alg"], &header["typ"]), (&json!("ES256"), &json!("at+jwt")));
    assert_eq!(header["kid"], bench.get("/as/jwks").json()["keys"][0]["kid"]);
    let jti = claims["jti"].clone();
    let expected = json!({
        "iss": bench.sandbox.issuer(), "sub": "alice", "aud": bench.resource(), "client_id": client,
        "scope": "sandbox:read", "iat": 1_800_000_000, "exp": 1_800_000_300, "auth_time": 1_800_000_000, "jti": jti,
    });
    assert_eq!(claims, expected);
    assert_eq!(bench.call(&tokens.text("access_token")).json()["user"], "alice");
}

#[test]
fn an_identity_comes_with_openid_and_carries_the_nonce() {
    let bench = Bench::new();
    let (client, tokens) = bench.login(&[("scope", "openid profile email"), ("nonce", "n-1")]);
    let (header, identity) = claims(&tokens.text("id_token"));
    assert_eq!(header["alg"], "ES256");
    let at = identity["at_hash"].clone();
    assert_eq!(at.as_str().unwrap().len(), 22);
    let expected = json!({
        "iss": bench.sandbox.issuer(), "sub": "alice", "aud": client, "nonce": "n-1", "at_hash": at,
        "iat": 1_800_000_000, "exp": 1_800_000_300, "auth_time": 1_800_000_000,
        "name": "Alice", "preferred_username": "alice", "email": "alice@sandbox.example",
    });
    assert_eq!(identity, expected);
}

#[test]
fn the_published_key_verifies_the_tokens() {
    let bench = Bench::new();
    let (_, tokens) = bench.login(&[]);
    let key = &bench.get("/as/jwks").json()["keys"][0];
    let coordinate = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    let token = tokens.text("access_token");
    let (body, signature) = token.rsplit_once('.').unwrap();
    let key = ring::signature::UnparsedPublicKey::new(&ring::signature::ECDSA_P256_SHA256_FIXED, point);
    key.verify(body.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
}

#[test]
fn a_code_needs_its_verifier_its_client_and_its_address() {
    let bench = Bench::new();
    let (client, other) = (bench.client(), bench.client());
    let code = bench.code(&client, &[]);
    let wrong = format!("{}A", VERIFIER.strip_suffix('k').unwrap());
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("code_verifier", "")], "invalid_request"),
        (&[("code_verifier", &wrong)], "invalid_grant"),
        (&[("code_verifier", CHALLENGE)], "invalid_grant"),
        (&[("code_verifier", "short")], "invalid_grant"),
        (&[("client_id", &other)], "invalid_grant"),
        (&[("redirect_uri", "http://127.0.0.1:4712/callback")], "invalid_grant"),
        (&[("code", "")], "invalid_request"),
        (&[("code", "guessed")], "invalid_grant"),
        (&[("resource", "https://elsewhere.example")], "invalid_target"),
        (&[("grant_type", "")], "invalid_request"),
        (&[("grant_type", "password")], "unsupported_grant_type"),
        (&[("grant_type", "client_credentials")], "unauthorized_client"),
    ];
    for (changes, error) in cases {
        let all = redemption(&client, &code).map(|(name, value)| (name, value.to_owned())).to_vec();
        let form = changed(all, changes);
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(bench.post("/as/token", &form).refusal(), (400, (*error).to_owned()), "{changes:?}");
    }
    // None of these attempts used the code up.
    assert_eq!(bench.redeem(&client, &code).status, 200);
}

#[test]
fn a_code_lives_for_a_minute() {
    let bench = Bench::new();
    let client = bench.client();
    let (early, late) = (bench.code(&client, &[]), bench.code(&client, &[]));
    bench.pass(59);
    assert_eq!(bench.redeem(&client, &early).status, 200);
    bench.pass(1);
    assert_eq!(bench.redeem(&client, &late).refusal(), (400, "invalid_grant".to_owned()));
}

#[test]
fn a_second_use_of_a_code_takes_away_what_the_first_one_got() {
    let bench = Bench::new();
    let client = bench.client();
    let code = bench.code(&client, &[]);
    let first = bench.redeem(&client, &code);
    assert_eq!(bench.call(&first.text("access_token")).status, 200);
    assert_eq!(bench.redeem(&client, &code).refusal(), (400, "invalid_grant".to_owned()));
    assert_eq!(bench.call(&first.text("access_token")).status, 401);
    assert_eq!(bench.refresh(&client, &first.text("refresh_token")).refusal(), (400, "invalid_grant".to_owned()));
}

#[test]
fn of_many_parallel_redemptions_one_gets_tokens() {
    let bench = Bench::new();
    let client = bench.client();
    for _ in 0..20 {
        let code = bench.code(&client, &[]);
        let answers: Vec<Answer> = thread::scope(|scope| {
            let all: Vec<_> = (0..16).map(|_| scope.spawn(|| bench.redeem(&client, &code))).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let won: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(won.len(), 1);
        assert_eq!(bench.call(&won[0].text("access_token")).status, 401, "the second use was noticed");
    }
}

#[test]
fn of_many_parallel_refreshes_one_rotates_and_the_family_ends() {
    let bench = Bench::new();
    for _ in 0..5 {
        let (client, tokens) = bench.login(&[]);
        let token = tokens.text("refresh_token");
        let answers: Vec<u16> = thread::scope(|scope| {
            let all: Vec<_> = (0..16).map(|_| scope.spawn(|| bench.refresh(&client, &token).status)).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1);
        assert_eq!(bench.call(&tokens.text("access_token")).status, 401);
    }
}

#[test]
fn every_refresh_rotates_and_keeps_earlier_access_tokens() {
    let bench = Bench::new();
    let (client, first) = bench.login(&[("scope", "openid sandbox:read"), ("nonce", "n")]);
    let second = bench.refresh(&client, &first.text("refresh_token"));
    let third = bench.refresh(&client, &second.text("refresh_token"));
    assert_ne!(first.text("refresh_token"), second.text("refresh_token"));
    assert_ne!(second.text("refresh_token"), third.text("refresh_token"));
    for tokens in [&first, &second, &third] {
        assert_eq!(bench.call(&tokens.text("access_token")).status, 200);
    }
    let (_, identity) = claims(&third.text("id_token"));
    assert_eq!((&identity["sub"], identity.get("nonce")), (&json!("alice"), None));
}

#[test]
fn a_spent_refresh_token_ends_its_family() {
    let bench = Bench::new();
    let (client, first) = bench.login(&[]);
    let (_, unrelated) = bench.login(&[]);
    let second = bench.refresh(&client, &first.text("refresh_token"));
    assert_eq!(bench.refresh(&client, &first.text("refresh_token")).refusal(), (400, "invalid_grant".to_owned()));
    assert_eq!(bench.refresh(&client, &second.text("refresh_token")).refusal(), (400, "invalid_grant".to_owned()));
    assert_eq!(bench.call(&second.text("access_token")).status, 401);
    assert_eq!(bench.call(&unrelated.text("access_token")).status, 200);
}

#[test]
fn a_grace_allows_a_spent_token_for_that_long() {
    let bench = Bench::with(|options| {
        options.refresh_grace = 10;
        options.auto_consent = Some("alice".to_owned());
    });
    let (client, first) = bench.login(&[]);
    let spent = first.text("refresh_token");
    assert_eq!(bench.refresh(&client, &spent).status, 200);
    bench.pass(9);
    assert_eq!(bench.refresh(&client, &spent).status, 200);
    bench.pass(1);
    assert_eq!(bench.refresh(&client, &spent).status, 400);
}

#[test]
fn a_clock_set_back_does_not_reopen_a_spent_token() {
    let bench = Bench::new();
    let (client, first) = bench.login(&[]);
    assert_eq!(bench.refresh(&client, &first.text("refresh_token")).status, 200);
    bench.pass(-100);
    assert_eq!(bench.refresh(&client, &first.text("refresh_token")).status, 400);
}

#[test]
fn a_refresh_stays_within_what_was_granted() {
    let bench = Bench::new();
    let (client, tokens) = bench.login(&[("scope", "sandbox:read profile")]);
    let token = tokens.text("refresh_token");
    let ask = |token: &str, name: &str, value: &str| {
        let form = [("grant_type", "refresh_token"), ("client_id", &client), ("refresh_token", token), (name, value)];
        bench.post("/as/token", &form)
    };
    let other = bench.sandbox.resource("other");
    assert_eq!(ask(&token, "scope", "sandbox:read email").refusal(), (400, "invalid_scope".to_owned()));
    assert_eq!(ask(&token, "resource", &other).refusal(), (400, "invalid_target".to_owned()));
    // The refusals spent nothing; a smaller scope counts for one access token only.
    let narrow = ask(&token, "scope", "profile");
    assert_eq!(narrow.text("scope"), "profile");
    assert_eq!(ask(&narrow.text("refresh_token"), "resource", &bench.resource()).text("scope"), "sandbox:read profile");
}

#[test]
fn a_refresh_token_belongs_to_its_client() {
    let bench = Bench::new();
    let (client, tokens) = bench.login(&[]);
    let token = tokens.text("refresh_token");
    assert_eq!(bench.refresh(&bench.client(), &token).refusal(), (400, "invalid_grant".to_owned()));
    assert_eq!(bench.refresh(&client, &token).status, 200);
}

#[test]
fn a_login_ends_when_it_is_idle_or_old() {
    const DAY: i64 = 86_400;
    let bench = Bench::new();
    let (client, mut tokens) = bench.login(&[]);
    let (idle, forgotten) = bench.login(&[]);
    for _ in 0..6 {
        bench.pass(13 * DAY);
        tokens = bench.refresh(&client, &tokens.text("refresh_token"));
        assert_eq!(tokens.status, 200);
    }
    assert_eq!(bench.refresh(&idle, &forgotten.text("refresh_token")).status, 400);
    bench.pass(12 * DAY);
    assert_eq!(bench.refresh(&client, &tokens.text("refresh_token")).status, 400);
}

#[test]
fn a_client_without_the_refresh_grant_gets_no_refresh_token() {
    let bench = Bench::new();
    let metadata = json!({ "redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none" });
    let client = bench.register(&metadata).text("client_id");
    let tokens = bench.redeem(&client, &bench.code(&client, &[("scope", "openid offline_access")]));
    assert_eq!((tokens.json().get("refresh_token"), tokens.text("scope")), (None, "openid".to_owned()));
    assert_eq!(bench.refresh(&client, "x").refusal(), (400, "unauthorized_client".to_owned()));
}

#[test]
fn only_a_well_formed_post_is_read() {
    let bench = Bench::new();
    let client = bench.client();
    let code = bench.code(&client, &[]);
    let form = encoded(&redemption(&client, &code));
    const FORM: &str = "Content-Type: application/x-www-form-urlencoded";
    let refused = |method: &str, target: &str, headers: &[&str], body: &str| {
        let answer = bench.send(method, target, headers, body);
        assert_eq!(answer.header("cache-control"), "no-store");
        answer.refusal()
    };
    let invalid = |status: u16| (status, "invalid_request".to_owned());
    assert_eq!(refused("GET", &format!("/as/token?{form}"), &[], ""), invalid(405));
    assert_eq!(refused("PUT", "/as/token", &[FORM], &form), invalid(405));
    assert_eq!(refused("POST", &format!("/as/token?{form}"), &[FORM], &form), invalid(400));
    assert_eq!(refused("POST", "/as/token", &[], &form), invalid(400));
    assert_eq!(refused("POST", "/as/token", &["Content-Type: application/json"], "{}"), invalid(400));
    assert_eq!(refused("POST", "/as/token", &[FORM], &format!("{form}&code=x")), invalid(400));
    assert_eq!(refused("POST", "/as/token", &[FORM], &format!("{form}&x=%ff")), invalid(400));
    assert_eq!(bench.redeem(&client, &code).status, 200);
}

#[test]
fn a_client_proves_itself_in_the_registered_way_only() {
    let bench = Bench::new();
    let registered = |method: &str| {
        let metadata = json!({ "redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": method });
        let answer = bench.register(&metadata).json();
        let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        (text("client_id"), text("client_secret"))
    };
    let ask = |method: &str, client: &(String, String), secret: &str| {
        let code = bench.code(&client.0, &[]);
        let all = redemption(&client.0, &code);
        match method {
            "client_secret_basic" => {
                let form: Vec<_> = all.into_iter().filter(|(name, _)| *name != "client_id").collect();
                bench.post_with("/as/token", &[&basic(&client.0, secret)], &form)
            }
            "client_secret_post" => bench.post("/as/token", &[&all[..], &[("client_secret", secret)]].concat()),
            _ => bench.post("/as/token", &all),
        }
    };
    let methods = ["none", "client_secret_basic", "client_secret_post"];
    for right in methods {
        let client = registered(right);
        for sent in methods {
            let secret = if client.1.is_empty() { "x" } else { &client.1 };
            let answer = ask(sent, &client, secret);
            if sent == right {
                assert_eq!(answer.status, 200, "{right}");
            } else {
                assert_eq!(answer.refusal(), (401, "invalid_client".to_owned()), "{right} {sent}");
                assert!(answer.header("www-authenticate").starts_with("Basic "), "{right} {sent}");
            }
        }
        if right != "none" {
            assert_eq!(ask(right, &client, "wrong").refusal(), (401, "invalid_client".to_owned()));
        }
    }
}

#[test]
fn two_proofs_at_once_or_two_identities_are_refused() {
    let bench = Bench::new();
    let client = bench.client();
    let code = bench.code(&client, &[]);
    let form = redemption(&client, &code);
    let header = basic(&client, "x");
    let both = [&form[..], &[("client_secret", "x")]].concat();
    assert_eq!(bench.post_with("/as/token", &[&header], &both).refusal(), (400, "invalid_request".to_owned()));
    let other = basic("other", "x");
    assert_eq!(bench.post_with("/as/token", &[&other], &form).refusal(), (400, "invalid_request".to_owned()));
    assert_eq!(bench.post_with("/as/token", &[&header, &header], &form).refusal(), (400, "invalid_request".to_owned()));
    for broken in
        ["Authorization: Bearer x", "Authorization: Basic", "Authorization: Basic !", "Authorization: Basic eA=="]
    {
        let answer = bench.post_with("/as/token", &[broken], &form);
        assert_eq!(answer.refusal(), (401, "invalid_client".to_owned()), "{broken}");
    }
}

#[test]
fn revoking_a_refresh_token_ends_everything_and_an_access_token_only_itself() {
    let bench = Bench::new();
    let (client, tokens) = bench.login(&[]);
    let revoke = |client: &str, token: &str| bench.post("/as/revoke", &[("client_id", client), ("token", token)]);
    let other = bench.client();
    assert_eq!(revoke(&other, &tokens.text("refresh_token")).status, 200);
    assert_eq!(revoke(&other, &tokens.text("access_token")).status, 200);
    assert_eq!(revoke(&client, "unknown").status, 200);
    assert_eq!(bench.call(&tokens.text("access_token")).status, 200, "neither stranger nor unknown token matters");
    assert_eq!(revoke(&client, &tokens.text("access_token")).status, 200);
    assert_eq!(bench.call(&tokens.text("access_token")).status, 401);
    let renewed = bench.refresh(&client, &tokens.text("refresh_token"));
    assert_eq!(revoke(&client, &renewed.text("refresh_token")).status, 200);
    assert_eq!(bench.call(&renewed.text("access_token")).status, 401);
    assert_eq!(bench.refresh(&client, &renewed.text("refresh_token")).status, 400);
    assert_eq!(revoke("nobody", "x").refusal(), (401, "invalid_client".to_owned()));
    assert_eq!(bench.post("/as/revoke", &[("client_id", &client)]).refusal(), (400, "invalid_request".to_owned()));
}

#[test]
fn introspection_tells_a_client_about_its_own_live_tokens_only() {
    let bench = Bench::new();
    let (client, tokens) = bench.login(&[]);
    let ask =
        |client: &str, token: &str| bench.post("/as/introspect", &[("client_id", client), ("token", token)]).json();
    let dead = json!({ "active": false });
    assert_eq!(ask(&client, &tokens.text("access_token"))["active"], true);
    assert_eq!(ask(&client, &tokens.text("refresh_token"))["sub"], "alice");
    assert_eq!(ask(&bench.client(), &tokens.text("access_token")), dead);
    assert_eq!(ask(&bench.client(), &tokens.text("refresh_token")), dead);
    assert_eq!(ask(&client, "unknown"), dead);
    bench.refresh(&client, &tokens.text("refresh_token"));
    assert_eq!(ask(&client, &tokens.text("refresh_token")), dead);
    bench.pass(300);
    assert_eq!(ask(&client, &tokens.text("access_token")), dead);
}
