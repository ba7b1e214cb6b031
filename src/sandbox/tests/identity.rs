//! ID tokens: right ones, forged ones and their keys, and the userinfo endpoint.

use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

use super::*;
use crate::sandbox::jwt::half_fingerprint;

/// The key of the set that signed the token, by its `kid`; `None` if there is none or it did not.
fn signer(bench: &Bench, token: &str) -> Option<String> {
    let (header, _) = claims(token);
    let keys = bench.get("/as/jwks").json();
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"])?;
    let part = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
    let point = [vec![4], part("x"), part("y")].concat();
    let (body, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let verified = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(body.as_bytes(), &signature);
    verified.ok().map(|()| key["kid"].as_str().unwrap().to_owned())
}

fn login(bench: &Bench) -> (String, Answer) {
    bench.login(&[("scope", "openid profile email"), ("nonce", "n-1"), ("acr_values", "strong weak")])
}

#[test]
fn an_id_token_says_who_when_how_and_for_which_tokens() {
    let bench = Bench::new();
    let (client, tokens) = login(&bench);
    let token = tokens.text("id_token");
    let expected = json!({
        "iss": bench.sandbox.issuer(), "aud": client, "sub": "alice", "nonce": "n-1", "acr": "strong",
        "iat": 1_800_000_000, "exp": 1_800_000_300, "auth_time": 1_800_000_000,
        "at_hash": half_fingerprint(&tokens.text("access_token")),
        "name": "Alice", "preferred_username": "alice", "email": "alice@sandbox.example",
    });
    assert_eq!(claims(&token).1, expected);
    assert!(signer(&bench, &token).is_some());
    let (_, renewed) = claims(&bench.refresh(&client, &tokens.text("refresh_token")).text("id_token"));
    assert_eq!((renewed.get("nonce"), &renewed["sub"]), (None, &json!("alice")), "OIDC Core §12.2");
}

#[test]
fn a_key_roll_adds_a_key_and_the_former_one_stays() {
    let bench = Bench::new();
    let (_, before) = login(&bench);
    let order = |body: &str| bench.send("POST", "/control", &["Content-Type: application/json"], body).status;
    assert_eq!(order(r#"{"roll_key":true}"#), 200);
    let (_, after) = login(&bench);
    let kids = [&before, &after].map(|tokens| signer(&bench, &tokens.text("id_token")).unwrap());
    assert_ne!(kids[0], kids[1]);
    assert_eq!(bench.call(&before.text("access_token")).status, 200);
}

#[test]
fn each_forgery_is_wrong_in_its_own_way_and_in_no_other() {
    let bench = Bench::new();
    let control = bench.sandbox.control();
    let right = claims(&login(&bench).1.text("id_token")).1;
    for (how, changed, signed) in [
        (Forgery::Unsigned, None, false),
        (Forgery::Symmetric, None, false),
        (Forgery::Signature, None, false),
        (Forgery::UnknownKey, None, false),
        (Forgery::Audience, Some("aud"), true),
        (Forgery::Party, Some("azp"), true),
        (Forgery::Issuer, Some("iss"), true),
        (Forgery::Nonce, Some("nonce"), true),
        (Forgery::WithoutNonce, Some("nonce"), true),
        (Forgery::Expired, Some("exp"), true),
        (Forgery::Future, Some("iat"), true),
        (Forgery::Hash, Some("at_hash"), true),
        (Forgery::Subject, Some("sub"), true),
    ] {
        control.set(Faults { id_token: Some(how), ..Faults::default() });
        let (_, tokens) = login(&bench);
        let token = tokens.text("id_token");
        let (header, claims) = claims(&token);
        assert_eq!(signer(&bench, &token).is_some(), signed, "{how:?}");
        let different: Vec<&str> = ["iss", "sub", "nonce", "exp", "iat", "azp"]
            .into_iter()
            .filter(|name| claims.get(*name) != right.get(*name))
            .collect();
        let expected: &[&str] = match how {
            Forgery::Expired | Forgery::Future => &["exp", "iat"],
            Forgery::Audience | Forgery::Hash => &[],
            _ => changed.as_slice(),
        };
        assert_eq!(different, expected, "{how:?}");
        let right_hash = half_fingerprint(&tokens.text("access_token"));
        assert_eq!(claims["at_hash"] != right_hash, how == Forgery::Hash, "{how:?}");
        let algorithm = match how {
            Forgery::Unsigned => "none",
            Forgery::Symmetric => "HS256",
            _ => "ES256",
        };
        assert_eq!(header["alg"], algorithm, "{how:?}");
        assert_eq!(claims["aud"] == "another-client", how == Forgery::Audience);
        assert_eq!(claims["aud"].is_array(), how == Forgery::Party);
    }
}

#[test]
fn the_symmetric_forgery_is_the_one_that_a_careless_client_accepts() {
    let bench = Bench::new();
    bench.sandbox.control().set(Faults { id_token: Some(Forgery::Symmetric), ..Faults::default() });
    let token = login(&bench).1.text("id_token");
    let key = bench.get("/as/jwks").json()["keys"][0].clone();
    let part = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
    let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &[vec![4], part("x"), part("y")].concat());
    let (body, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    assert!(ring::hmac::verify(&secret, body.as_bytes(), &signature).is_ok());
}

#[test]
fn userinfo_tells_as_much_as_the_scopes_allow_to_the_holder_of_a_token() {
    let bench = Bench::new();
    let (_, tokens) = login(&bench);
    let ask = |header: &str| bench.send("GET", "/as/userinfo", &[header], "");
    let answer = ask(&format!("Authorization: Bearer {}", tokens.text("access_token")));
    let expected = json!({
        "sub": "alice", "name": "Alice", "preferred_username": "alice", "email": "alice@sandbox.example",
    });
    assert_eq!((answer.status, answer.json()), (200, expected));
    for header in ["Authorization: Bearer x", "Authorization: Basic x", "X-None: x"] {
        let refused = ask(header);
        assert!(refused.status == 401 && refused.header("www-authenticate").starts_with("Bearer"), "{header}");
    }
    assert_eq!(bench.send("PUT", "/as/userinfo", &[], "").status, 405);
}
