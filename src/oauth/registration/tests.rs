//! Registration against scripted servers.

use serde_json::json as value;

use super::*;
use crate::oauth::error::Why;
use crate::oauth::testing::{Script, http, json as answer, reply, server};

const REDIRECT: &str = "http://127.0.0.1:4711/callback";

fn registration(scopes: &[&str]) -> Registration {
    Registration {
        client_name: "keyward".to_owned(),
        redirect_uris: vec![REDIRECT.to_owned()],
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
    }
}

async fn outcome(bytes: Vec<u8>) -> Result<Client, Error> {
    let script = Script::always(bytes).await;
    register(&http(), &server(&script.url), &registration(&[])).await
}

/// A client as comparable text.
fn told(client: &Client) -> String {
    let secret = client.secret.as_ref().map(Secret::expose);
    format!("{} {secret:?} {} {:?}", client.id, client.method.name(), client.secret_expires_at)
}

#[tokio::test]
async fn a_native_client_is_asked_for() {
    let script = Script::always(answer(201, "{\"client_id\":\"c1\"}")).await;
    let client = register(&http(), &server(&script.url), &registration(&["openid", "offline_access"])).await;
    assert_eq!(client.as_ref().map(told), Ok("c1 None none None".to_owned()));
    let seen = &script.seen()[0];
    assert_eq!(seen.line, "POST /register HTTP/1.1");
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(seen.header("accept"), Some("application/json"));
    assert_eq!(seen.header("authorization"), None);
    let sent: Value = serde_json::from_str(&seen.body).expect("JSON");
    let expected = value!({
        "client_name": "keyward",
        "redirect_uris": [REDIRECT],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
        "scope": "openid offline_access",
    });
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn without_scopes_the_member_is_left_out() {
    let script = Script::always(answer(200, "{\"client_id\":\"c1\"}")).await;
    let client = register(&http(), &server(&script.url), &registration(&[])).await;
    assert_eq!(client.map(|client| client.redirect_uris), Ok(vec![REDIRECT.to_owned()]));
    assert!(!script.seen()[0].body.contains("scope"));
}

#[tokio::test]
async fn the_method_is_one_that_the_server_lists() {
    for (listed, expected) in [
        (None, Ok("none")),
        (Some(vec!["none", "client_secret_basic"]), Ok("none")),
        (Some(vec!["client_secret_post", "client_secret_basic"]), Ok("client_secret_basic")),
        (Some(vec!["client_secret_post"]), Ok("client_secret_post")),
        (Some(vec!["private_key_jwt"]), Err(())),
    ] {
        let mut server = server("https://as.example");
        server.auth_methods = listed.map(|listed| listed.into_iter().map(String::from).collect());
        let issuer = server.issuer.clone();
        let expected = expected.map_err(|()| Error::NoAuthMethod { issuer });
        assert_eq!(method_to_ask_for(&server).map(AuthMethod::name), expected);
    }
}

#[tokio::test]
async fn what_the_server_made_of_it_counts() {
    for (members, expected) in [
        (value!({"client_id": "c"}), "c None none None"),
        (value!({"client_id": "c", "client_secret": ""}), "c None none None"),
        (value!({"client_id": "c", "client_secret": null}), "c None none None"),
        (value!({"client_id": "c", "client_secret": "s"}), "c Some(\"s\") client_secret_basic None"),
        (
            value!({"client_id": "c", "client_secret": "s", "client_secret_expires_at": 0}),
            "c Some(\"s\") client_secret_basic None",
        ),
        (
            value!({"client_id": "c", "client_secret": "s", "client_secret_expires_at": 99,
                    "token_endpoint_auth_method": "client_secret_post"}),
            "c Some(\"s\") client_secret_post Some(99)",
        ),
        (value!({"client_id": "c", "client_secret": "s", "token_endpoint_auth_method": "none"}), "c None none None"),
        (value!({"client_id": "c", "token_endpoint_auth_method": "client_secret_basic"}), "c None none None"),
        (value!({"client_id": "c", "redirect_uris": [REDIRECT, "http://[::1]/"]}), "c None none None"),
    ] {
        let client = outcome(answer(201, &members.to_string())).await;
        assert_eq!(client.as_ref().map(told), Ok(expected.to_owned()), "{members}");
    }
}

#[tokio::test]
async fn tricks_are_refused() {
    let altered = |field| move |host| Error::RegistrationAltered { host, field };
    let malformed = |what| move |host| Error::Malformed { host, what };
    type Expected = Box<dyn Fn(String) -> Error>;
    let cases: Vec<(Value, Expected)> = vec![
        (value!({"client_id": "c", "redirect_uris": ["https://evil.example/"]}), Box::new(altered("redirect_uris"))),
        (value!({"client_id": "c", "redirect_uris": []}), Box::new(altered("redirect_uris"))),
        (
            value!({"client_id": "c", "client_secret": "s", "token_endpoint_auth_method": "private_key_jwt"}),
            Box::new(altered("token_endpoint_auth_method")),
        ),
        (value!({}), Box::new(malformed("the registration has no usable client id"))),
        (value!({"client_id": ""}), Box::new(malformed("the registration has no usable client id"))),
        (value!({"client_id": 7}), Box::new(malformed("the registration has no usable client id"))),
        (value!({"client_id": "a\r\nb"}), Box::new(malformed("the registration has no usable client id"))),
        (value!({"client_id": "c".repeat(100 << 10)}), Box::new(malformed("the registration has no usable client id"))),
        (
            value!({"client_id": "c", "client_secret": "a\nb"}),
            Box::new(malformed("the registration has no usable client secret")),
        ),
    ];
    for (members, expected) in cases {
        let script = Script::always(answer(201, &members.to_string())).await;
        let host = script.url.trim_start_matches("http://").to_owned();
        let client = register(&http(), &server(&script.url), &registration(&[])).await;
        assert_eq!(client.as_ref().map(told), Err(&expected(host)));
    }
}

#[tokio::test]
async fn refusals_name_what_was_sent() {
    let sent = vec![
        "client_name",
        "redirect_uris",
        "grant_types",
        "response_types",
        "token_endpoint_auth_method",
        "application_type",
    ];
    for (status, body, code, description) in [
        (
            400,
            "{\"error\":\"invalid_redirect_uri\",\"error_description\":\"no\\u001b[31m\"}",
            Some("invalid_redirect_uri"),
            Some("no[31m"),
        ),
        (401, "", None, None),
        (403, "{\"error\":\"insufficient_scope\"}", Some("insufficient_scope"), None),
    ] {
        let script = Script::always(answer(status, body)).await;
        let client = register(&http(), &server(&script.url), &registration(&[])).await;
        let expected = Error::Registration {
            host: script.url.trim_start_matches("http://").to_owned(),
            status,
            code: code.map(String::from),
            description: description.map(String::from),
            sent: sent.clone(),
        };
        assert_eq!(client.as_ref().map(told), Err(&expected));
    }
}

#[tokio::test]
async fn other_answers_are_told_apart() {
    for (bytes, expected) in [
        (reply(201, &[], "<html>"), "answered 201 with something that is not JSON"),
        (reply(302, &["location: /x"], ""), "answered 302 and pointed elsewhere"),
        (reply(429, &[], ""), "answered 429"),
        (reply(500, &[], ""), "answered 500"),
        (reply(404, &[], ""), "answered 404"),
        (
            answer(201, "{\"client_id\":\"a\",\"client_id\":\"b\"}"),
            "cannot be used: the registration is not one plain object",
        ),
    ] {
        let error = outcome(bytes).await.expect_err("no client");
        assert!(error.to_string().ends_with(expected), "{error}");
    }
    let mut none = server("https://as.example");
    none.registration_endpoint = None;
    let client = register(&http(), &none, &registration(&[])).await;
    assert_eq!(client.err(), Some(Error::NoRegistration { issuer: none.issuer }));
}

#[tokio::test]
async fn the_registration_can_be_managed_where_its_address_is_safe() {
    for (uri, expected) in [
        ("https://as.example/register/c", true),
        ("http://as.example/register/c", false),
        ("https://10.0.0.1/c", false),
    ] {
        let members = value!({"client_id": "c", "registration_client_uri": uri, "registration_access_token": "t"});
        let management = outcome(answer(201, &members.to_string())).await.expect("a client").registration;
        let found = management.map(|m| (m.uri.to_string(), m.token.expose().to_owned()));
        assert_eq!(found, expected.then(|| (uri.to_owned(), "t".to_owned())), "{uri}");
    }
    let public = Reach::of(&url::Url::parse("https://as.example").expect("an address"));
    let refused = public.check("registration_client_uri", "https://127.0.0.1/");
    assert!(matches!(refused, Err(Error::BadEndpoint { why: Why::Private, .. })));
}
