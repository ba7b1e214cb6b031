//! Registration and its management.

use super::*;

fn metadata() -> Value {
    json!({ "redirect_uris": ["http://127.0.0.1/callback"] })
}

#[test]
fn a_public_client_gets_no_secret_and_the_effective_values() {
    let bench = Bench::new();
    let answer = bench.register(&json!({
        "client_name": "Tool", "redirect_uris": ["http://127.0.0.1/cb", "https://app.example/cb"],
        "token_endpoint_auth_method": "none", "application_type": "native", "scope": "openid unknown",
        "grant_types": ["authorization_code", "refresh_token", client::DEVICE, "implicit"],
        "response_types": ["code"], "resource": "ignored", "x": {},
    }));
    assert_eq!((answer.status, answer.header("cache-control")), (201, "no-store"));
    let id = answer.text("client_id");
    let expected = json!({
        "client_id": id, "client_id_issued_at": 1_800_000_000, "client_name": "Tool", "scope": "openid",
        "redirect_uris": ["http://127.0.0.1/cb", "https://app.example/cb"], "application_type": "native",
        "token_endpoint_auth_method": "none", "response_types": ["code"],
        "grant_types": ["authorization_code", "refresh_token", client::DEVICE],
        "registration_access_token": answer.text("registration_access_token"),
        "registration_client_uri": format!("{}/register/{id}", bench.sandbox.issuer()),
    });
    assert_eq!(answer.json(), expected);
}

#[test]
fn a_client_that_names_no_method_is_confidential() {
    let answer = Bench::new().register(&metadata());
    assert_eq!(answer.text("token_endpoint_auth_method"), "client_secret_basic");
    assert_eq!(answer.json()["client_secret_expires_at"], 0);
    assert_eq!(answer.text("client_secret").len(), 43);
    assert_eq!(answer.json()["grant_types"], json!(["authorization_code"]));
}

#[test]
fn unusable_metadata_is_refused_by_name() {
    let bench = Bench::new();
    let with = |name: &str, value: Value| {
        let mut all = metadata();
        all[name] = value;
        bench.register(&all).refusal()
    };
    for redirects in [
        json!(null),
        json!([]),
        json!(["http://app.example/cb"]),
        json!(["https://app.example/cb#x"]),
        json!(["https://app.example/cb", "javascript:alert(1)"]),
        json!(vec!["https://app.example/cb"; 21]),
    ] {
        assert_eq!(with("redirect_uris", redirects.clone()), (400, "invalid_redirect_uri".to_owned()), "{redirects}");
    }
    for (name, value) in [
        ("redirect_uris", json!("https://app.example/cb")),
        ("redirect_uris", json!([1])),
        ("token_endpoint_auth_method", json!("private_key_jwt")),
        ("token_endpoint_auth_method", json!(1)),
        ("grant_types", json!(["implicit"])),
        ("grant_types", json!(["refresh_token"])),
        ("jwks", json!({ "keys": [] })),
        ("jwks", json!({ "keys": [{ "kty": "oct", "k": "AAAA" }] })),
        ("jwks", json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": "A", "y": "A", "d": "A" }] })),
        ("response_types", json!(["token"])),
        ("client_name", json!("x".repeat(201))),
        ("client_name", json!(["x"])),
        ("scope", json!(["openid"])),
    ] {
        assert_eq!(with(name, value.clone()), (400, "invalid_client_metadata".to_owned()), "{name} {value}");
    }
    let credentials = json!({ "grant_types": ["client_credentials"], "token_endpoint_auth_method": "none" });
    assert_eq!(bench.register(&credentials).refusal(), (400, "invalid_client_metadata".to_owned()));
    let logouts = with("post_logout_redirect_uris", json!(["http://app.example/"]));
    assert_eq!(logouts, (400, "invalid_redirect_uri".to_owned()));
    for (media, body) in [("application/json", "[]"), ("application/json", "{"), ("text/plain", "{}")] {
        let answer = bench.send("POST", "/as/register", &[&format!("Content-Type: {media}")], body);
        assert_eq!(answer.refusal(), (400, "invalid_client_metadata".to_owned()), "{media} {body}");
    }
    assert_eq!(bench.get("/as/register").status, 405);
}

#[test]
fn the_own_record_is_read_replaced_and_deleted_with_its_token() {
    let bench = Bench::new();
    let first = bench.register(&metadata());
    let id = first.text("client_id");
    let path = format!("/as/register/{id}");
    let bearer = format!("Authorization: Bearer {}", first.text("registration_access_token"));
    let manage =
        |method: &str, body: &str| bench.send(method, &path, &[&bearer, "Content-Type: application/json"], body);
    assert_eq!(manage("GET", "").text("client_id"), id);
    assert_eq!(manage("GET", "").json().get("client_secret"), None);

    let mut change = json!({ "client_id": id, "redirect_uris": ["https://app.example/new"] });
    change["token_endpoint_auth_method"] = json!("none");
    assert_eq!(manage("PUT", &change.to_string()).text("token_endpoint_auth_method"), "none");
    assert_eq!(manage("GET", "").json()["redirect_uris"], json!(["https://app.example/new"]));
    for (name, value) in [
        ("client_id", "other"),
        ("client_secret", "chosen"),
        ("registration_access_token", "x"),
        ("client_id_issued_at", "1"),
    ] {
        let mut wrong = change.clone();
        wrong[name] = json!(value);
        assert_eq!(manage("PUT", &wrong.to_string()).refusal(), (400, "invalid_client_metadata".to_owned()), "{name}");
    }
    assert_eq!(manage("PATCH", "").status, 405);
    assert_eq!(manage("DELETE", "").status, 204);
    assert_eq!(manage("GET", "").status, 401);
}

#[test]
fn a_record_is_closed_to_others() {
    let bench = Bench::new();
    let (mine, theirs) = (bench.register(&metadata()), bench.register(&metadata()));
    let path = format!("/as/register/{}", mine.text("client_id"));
    let other = format!("Authorization: Bearer {}", theirs.text("registration_access_token"));
    for headers in [&[][..], &[other.as_str()], &["Authorization: Bearer "]] {
        for method in ["GET", "PUT", "DELETE"] {
            assert_eq!(bench.send(method, &path, headers, "").status, 401, "{headers:?} {method}");
        }
    }
    assert_eq!(bench.send("GET", "/as/register/nobody", &[&other], "").status, 401);
}

#[test]
fn a_deleted_client_loses_its_codes_and_grants() {
    let bench = Bench::new();
    let answer = bench.register(&json!({
        "redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
    }));
    let id = answer.text("client_id");
    let tokens = bench.redeem(&id, &bench.code(&id, &[]));
    let open = bench.code(&id, &[]);
    let bearer = format!("Authorization: Bearer {}", answer.text("registration_access_token"));
    assert_eq!(bench.send("DELETE", &format!("/as/register/{id}"), &[&bearer], "").status, 204);
    assert_eq!(bench.call(&tokens.text("access_token")).status, 401);
    assert_eq!(bench.redeem(&id, &open).refusal(), (401, "invalid_client".to_owned()));
    assert_eq!(bench.authorize(&bench.request(&id)).status, 400);
}
