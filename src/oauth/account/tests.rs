//! Identity tokens, good and forged.

use serde_json::json as value;

use super::*;

const NOW: i64 = 1_000_000;

fn token(claims: &Value) -> Secret {
    Secret::new(format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string())))
}

fn good() -> Value {
    value!({"iss": "https://as.example", "aud": "client", "sub": "s1", "exp": NOW + 60, "nonce": "n"})
}

fn read(claims: &Value) -> Option<Account> {
    let nonce = Secret::new("n");
    let expected = Expected { issuer: "https://as.example", client_id: "client", nonce: Some(&nonce), now: NOW };
    account(&token(claims), &expected)
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = good();
    claims[name] = value;
    claims
}

#[test]
fn a_token_for_this_login_names_the_account() {
    let subject = "s1".to_owned();
    assert_eq!(read(&good()), Some(Account { subject: subject.clone(), name: None, email: None }));
    let mut claims = with("name", value!("Ada\u{7} Lovelace"));
    claims["email"] = value!("ada@example.com");
    claims["aud"] = value!(["other", "client"]);
    claims["azp"] = value!("client");
    let found = read(&claims).expect("an account");
    assert_eq!(found.label(), "ada@example.com");
    let expected =
        Account { subject, name: Some("Ada Lovelace".to_owned()), email: Some("ada@example.com".to_owned()) };
    assert_eq!(found, expected);
}

#[test]
fn a_token_for_another_login_names_nobody() {
    for (name, value) in [
        ("iss", value!("https://as.example/")),
        ("iss", value!("https://evil.example")),
        ("aud", value!("other")),
        ("aud", value!(["other"])),
        ("aud", value!([])),
        ("aud", value!(7)),
        ("azp", value!("other")),
        ("exp", value!(NOW - 121)),
        ("nonce", value!("N")),
        ("nonce", value!("")),
        ("nonce", value!(null)),
        ("sub", value!("")),
        ("sub", value!(7)),
    ] {
        assert_eq!(read(&with(name, value.clone())), None, "{name} {value}");
    }
    assert!(read(&with("exp", value!(NOW - 119))).is_some());
}

#[test]
fn a_renewed_token_needs_no_nonce() {
    let expected = Expected { issuer: "https://as.example", client_id: "client", nonce: None, now: NOW };
    assert!(account(&token(&with("nonce", value!(null))), &expected).is_some());
}

#[test]
fn what_is_no_token_names_nobody() {
    let expected = Expected { issuer: "https://as.example", client_id: "client", nonce: None, now: NOW };
    for text in ["", "a", "a.b", "a.b.c", "a.b.c.d", "e30.W10.x", "e30.IntvcGVuIg.x", "e30.!.x", "e30..x"] {
        assert_eq!(account(&Secret::new(text), &expected), None, "{text}");
    }
}
