//! The code exchange against scripted servers: what is sent, and every row of what may come back.

use super::*;
use crate::oauth::client::{AuthMethod, Client};
use crate::oauth::testing::{Script, client, confidential, http, json, pairs, reply, server};

const NOW: i64 = 1_000_000;
const REDIRECT: &str = "http://127.0.0.1:4711/callback";

fn attempt(base: &str, client: &Client, scopes: &[&str]) -> Attempt {
    let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    Attempt::new(&server(base), client, REDIRECT, &scopes, Some("https://r.example/mcp")).expect("an attempt")
}

async fn traded(script: &Script, scopes: &[&str]) -> Result<Tokens, Error> {
    exchange(&http(), &attempt(&script.url, &client(), scopes), &Secret::new("the-code"), NOW).await
}

/// Tokens as comparable text.
fn told(tokens: &Tokens) -> String {
    let shown = |secret: &Option<Secret>| secret.as_ref().map_or("-".to_owned(), |secret| secret.expose().to_owned());
    let number = |number: Option<u64>| number.map_or("-".to_owned(), |number| number.to_string());
    format!(
        "{} refresh {} in {} refresh-in {} scope {} id {} {:?}",
        tokens.access_token.expose(),
        shown(&tokens.refresh_token),
        number(tokens.expires_in),
        number(tokens.refresh_expires_in),
        tokens.scope.as_ref().map_or("-".to_owned(), |scope| scope.join(",")),
        shown(&tokens.id_token),
        tokens.warnings
    )
}

#[tokio::test]
async fn the_request_holds_these_fields_and_no_others() {
    let script = Script::always(json(200, r#"{"access_token":"t","token_type":"bearer"}"#)).await;
    let attempt = attempt(&script.url, &client(), &["a"]);
    let tokens = exchange(&http(), &attempt, &Secret::new("the-code"), NOW).await;
    assert_eq!(tokens.as_ref().map(told), Ok("t refresh - in - refresh-in - scope - id - []".to_owned()));
    let seen = script.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].line, "POST /token HTTP/1.1");
    assert_eq!(seen[0].header("accept"), Some("application/json"));
    assert_eq!(seen[0].header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(seen[0].header("authorization"), None);
    assert_eq!(seen[0].header("cookie"), None);
    let expected = pairs(&[
        ("grant_type", "authorization_code"),
        ("code", "the-code"),
        ("redirect_uri", REDIRECT),
        ("client_id", "client"),
        ("code_verifier", attempt.verifier.expose()),
        ("resource", "https://r.example/mcp"),
    ]);
    assert_eq!(seen[0].form(), expected);
}

#[tokio::test]
async fn a_secret_travels_in_the_header_or_in_the_body_never_in_both() {
    let script = Script::always(json(200, r#"{"access_token":"t","token_type":"bearer"}"#)).await;
    for method in [AuthMethod::Basic, AuthMethod::Post] {
        let attempt = attempt(&script.url, &confidential(method), &[]);
        exchange(&http(), &attempt, &Secret::new("the-code"), NOW).await.expect("tokens");
    }
    let seen = script.seen();
    let identity = |n: usize| {
        let form = seen[n].form();
        let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        (seen[n].header("authorization").map(String::from), field("client_id"), field("client_secret"))
    };
    assert_eq!(identity(0), (Some("Basic YSUzQWIrYzpwJTI1JTJCJTI2".to_owned()), None, None));
    assert_eq!(identity(1), (None, Some("a:b c".to_owned()), Some("p%+&".to_owned())));
}

#[tokio::test]
async fn r01_success_is_read_in_every_form_that_servers_use() {
    let plain = |rest: &str| format!(r#"{{"access_token":"t","token_type":"Bearer"{rest}}}"#);
    let token = |rest: &str| format!("t {rest}");
    let bare = "refresh - in - refresh-in - scope - id - []";
    let expiry = |text: &str| token(&format!("refresh - in {text} refresh-in - scope - id - []"));
    for (body, expected) in [
        (plain(""), token(bare)),
        (format!("\u{feff}\r\n {} \n", plain("")), token(bare)),
        (r#"{"access_token":"t","token_type":"BEARER"}"#.to_owned(), token(bare)),
        (r#"{"access_token":"t"}"#.to_owned(), token("refresh - in - refresh-in - scope - id - [NoTokenType]")),
        (
            r#"{"access_token":"t","token_type":null}"#.to_owned(),
            token("refresh - in - refresh-in - scope - id - [NoTokenType]"),
        ),
        (plain(r#","error":null"#), token(bare)),
        (plain(r#","expires_in":3600"#), expiry("3600")),
        (plain(r#","expires_in":"3600""#), expiry("3600")),
        (plain(r#","expires_in":3600.0"#), expiry("3600")),
        (plain(r#","expires_in":"3600.9""#), expiry("3600")),
        (plain(r#","expires_in":0"#), expiry("0")),
        (plain(r#","expires_in":-5"#), expiry("0")),
        (plain(r#","expires_in":null"#), expiry("-")),
        (plain(r#","expires_in":99999999999999999999"#), expiry("315360000")),
        (plain(r#","expires_in":1e300"#), expiry("315360000")),
        (plain(r#","expires_in":"soon""#), token("refresh - in - refresh-in - scope - id - [UnreadableExpiry]")),
        (plain(r#","expires_in":"NaN""#), token("refresh - in - refresh-in - scope - id - [UnreadableExpiry]")),
        (plain(r#","expires_in":"inf""#), token("refresh - in - refresh-in - scope - id - [UnreadableExpiry]")),
        (plain(r#","expires_in":{}"#), token("refresh - in - refresh-in - scope - id - [UnreadableExpiry]")),
        (plain(r#","expires":7,"expires_at":8,"ext_expires_in":9"#), token(bare)),
        (plain(r#","refresh_token":"r""#), token("refresh r in - refresh-in - scope - id - []")),
        (plain(r#","refresh_token":"""#), token(bare)),
        (plain(r#","refresh_token":null"#), token(bare)),
        (plain(r#","refresh_expires_in":1800"#), token("refresh - in - refresh-in 1800 scope - id - []")),
        (plain(r#","refresh_token_expires_in":"60""#), token("refresh - in - refresh-in 60 scope - id - []")),
        (plain(r#","refresh_expires_in":0"#), token(bare)),
        (plain(r#","scope":"openid a""#), token("refresh - in - refresh-in - scope openid,a id - []")),
        (plain(r#","scope":" a  openid b ""#), token("refresh - in - refresh-in - scope a,openid,b id - []")),
        (plain(r#","scope":["openid","a"]"#), token("refresh - in - refresh-in - scope openid,a id - [ScopeArray]")),
        (
            plain(r#","scope":"a""#),
            token("refresh - in - refresh-in - scope a id - [ScopeNarrowed { missing: [\"openid\"] }]"),
        ),
        (
            plain(r#","scope":"a,openid""#),
            token("refresh - in - refresh-in - scope a,openid id - [ScopeNarrowed { missing: [\"openid\", \"a\"] }]"),
        ),
        (plain(r#","scope":"""#), token(bare)),
        (plain(r#","scope":null"#), token(bare)),
        (plain(r#","id_token":"i.d.t""#), token("refresh - in - refresh-in - scope - id i.d.t []")),
        (plain(r#","issued_token_type":"x","authorization_details":[{}],"more":{"a":[1]}"#), token(bare)),
    ] {
        let script = Script::always(json(200, &body)).await;
        assert_eq!(traded(&script, &["openid", "a"]).await.as_ref().map(told), Ok(expected), "{body}");
    }
}

#[tokio::test]
async fn r01_status_and_media_type_of_a_success_do_not_matter() {
    let body = r#"{"access_token":"t","token_type":"bearer"}"#;
    for bytes in [
        reply(200, &[], body),
        reply(200, &["content-type: text/plain"], body),
        reply(200, &["content-type: text/html; charset=utf-8"], body),
        reply(200, &["content-type: application/vnd.api+json"], body),
        reply(201, &["content-type: application/json"], body),
        reply(203, &["content-type: application/json"], body),
    ] {
        let tokens = traded(&Script::always(bytes).await, &[]).await;
        assert_eq!(tokens.as_ref().map(told), Ok("t refresh - in - refresh-in - scope - id - []".to_owned()));
    }
}

#[tokio::test]
async fn r01_an_identity_token_nobody_asked_for_is_dropped() {
    let script = Script::always(json(200, r#"{"access_token":"t","token_type":"bearer","id_token":"i.d.t"}"#)).await;
    assert!(traded(&script, &["a"]).await.expect("tokens").id_token.is_none());
}

#[tokio::test]
async fn the_servers_clock_is_remembered() {
    let body = r#"{"access_token":"t","token_type":"bearer"}"#;
    let script = Script::always(reply(200, &["date: Sun, 06 Nov 1994 08:49:37 GMT"], body)).await;
    assert_eq!(traded(&script, &[]).await.expect("tokens").server_date, Some(784_111_777));
}

type Expected = Box<dyn Fn(String) -> Error>;

fn malformed(what: &'static str) -> Expected {
    Box::new(move |host| Error::Malformed { host, what })
}

fn not_json(status: u16) -> Expected {
    Box::new(move |host| Error::NotJson { host, status })
}

fn in_trouble(status: u16) -> Expected {
    Box::new(move |host| Error::Server { host, status, retry_after: None })
}

fn refused(status: u16, code: Option<&'static str>, description: Option<&'static str>) -> Expected {
    let (code, description) = (code.map(String::from), description.map(String::from));
    Box::new(move |host| Error::TokenEndpoint { host, status, code: code.clone(), description: description.clone() })
}

async fn assert_errors(cases: Vec<(Vec<u8>, Expected)>) {
    for (bytes, expected) in cases {
        let script = Script::always(bytes.clone()).await;
        let host = script.url.trim_start_matches("http://").to_owned();
        let tokens = traded(&script, &[]).await;
        assert_eq!(tokens.as_ref().map(told), Err(&expected(host)), "{}", String::from_utf8_lossy(&bytes));
        assert_eq!(script.seen().len(), 1, "sent once");
    }
}

#[tokio::test]
async fn r01_a_success_without_a_usable_token_is_none() {
    const NO_TOKEN: &str = "it has no usable access token";
    const NO_REFRESH: &str = "it has no usable refresh token";
    const TYPE: &str = "its token is of a type that was not asked for";
    const OBJECT: &str = "it is not one plain object";
    let form = ["content-type: application/x-www-form-urlencoded"];
    assert_errors(vec![
        (json(200, "{}"), malformed(NO_TOKEN)),
        (json(200, r#"{"access_token":"","token_type":"bearer"}"#), malformed(NO_TOKEN)),
        (json(200, r#"{"access_token":7,"token_type":"bearer"}"#), malformed(NO_TOKEN)),
        (json(200, r#"{"access_token":"a b","token_type":"bearer"}"#), malformed(NO_TOKEN)),
        (json(200, r#"{"access_token":"a\r\nX: y","token_type":"bearer"}"#), malformed(NO_TOKEN)),
        (json(200, r#"{"access_token":"a\u0000","token_type":"bearer"}"#), malformed(NO_TOKEN)),
        (json(200, r#"{"access_token":"é","token_type":"bearer"}"#), malformed(NO_TOKEN)),
        (json(200, r#"{"access_token":"t","token_type":"DPoP"}"#), malformed(TYPE)),
        (json(200, r#"{"access_token":"t","token_type":"mac"}"#), malformed(TYPE)),
        (json(200, r#"{"access_token":"t","token_type":7}"#), malformed(TYPE)),
        (json(200, r#"{"access_token":"t","refresh_token":"a\nb"}"#), malformed(NO_REFRESH)),
        (json(200, r#"{"access_token":"t","refresh_token":7}"#), malformed(NO_REFRESH)),
        (json(200, r#"{"access_token":"t","access_token":"u"}"#), malformed(OBJECT)),
        (json(200, "[]"), malformed(OBJECT)),
        (json(200, ""), not_json(200)),
        (json(200, r#"{"access_token":"t","token_"#), not_json(200)),
        (reply(200, &form, "access_token=t&token_type=bearer"), not_json(200)),
        (reply(200, &["content-type: text/html"], "<!doctype html>"), not_json(200)),
    ])
    .await;
}

/// As Okta's server words it.
const OKTA: &str = r#"{"errorCode":"invalid_client","errorSummary":"Invalid value for 'client_id' parameter.",
    "errorLink":"invalid_client","errorId":"oaeEXAMPLE","errorCauses":[]}"#;

#[tokio::test]
async fn r01_a_refusal_says_what_it_is() {
    let described = r#"{"error":"invalid_grant","error_description":"a\u001b[31mb"}"#;
    assert_errors(vec![
        (json(200, r#"{"error":"bad_code","error_description":"d"}"#), refused(200, Some("bad_code"), Some("d"))),
        (json(200, r#"{"access_token":"t","error":"x"}"#), refused(200, Some("x"), None)),
        (json(400, described), refused(400, Some("invalid_grant"), Some("a[31mb"))),
        (json(401, r#"{"error":"invalid_client"}"#), refused(401, Some("invalid_client"), None)),
        (json(401, OKTA), refused(401, Some("invalid_client"), Some("Invalid value for 'client_id' parameter."))),
        (json(400, OKTA), refused(400, Some("invalid_client"), Some("Invalid value for 'client_id' parameter."))),
        (json(401, &OKTA.replace("invalid_client", "E0000005")), refused(401, None, None)),
        (json(403, &OKTA.replace("invalid_client", "E0000006")), Box::new(|host| Error::Status { host, status: 403 })),
        (json(401, &OKTA.replace('{', r#"{"error":"invalid_grant","#)), refused(401, Some("invalid_grant"), None)),
        (json(200, OKTA), malformed("it has no usable access token")),
        (reply(401, &[], ""), refused(401, None, None)),
        (reply(401, &[], "<html>"), refused(401, None, None)),
        (reply(403, &[], "<html>"), not_json(403)),
        (reply(404, &[], ""), Box::new(|host| Error::Status { host, status: 404 })),
        (json(400, "{}"), Box::new(|host| Error::Status { host, status: 400 })),
        (json(400, r#"{"error":"temporarily_unavailable"}"#), in_trouble(400)),
        (json(500, r#"{"error":"invalid_grant"}"#), in_trouble(500)),
        (reply(502, &[], "<html>"), in_trouble(502)),
        (reply(429, &[], ""), in_trouble(429)),
        (reply(302, &["location: /x"], ""), Box::new(|host| Error::Redirected { host, status: 302 })),
    ])
    .await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let stranger = Script::always(json(200, r#"{"access_token":"t","token_type":"bearer"}"#)).await;
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = format!("location: {}/token", stranger.url);
        let script =
            Script::always(reply(status, &[&elsewhere], r#"{"access_token":"t","token_type":"bearer"}"#)).await;
        let host = script.url.trim_start_matches("http://").to_owned();
        let tokens = traded(&script, &[]).await;
        assert_eq!(tokens.as_ref().map(told), Err(&Error::Redirected { host, status }));
    }
    assert_eq!(stranger.targets(), Vec::<String>::new());
}

#[tokio::test]
async fn r01_a_code_is_sent_once_even_if_the_connection_breaks() {
    for bytes in [b"".to_vec(), b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"access".to_vec()] {
        let script = Script::always(bytes).await;
        let tokens = traded(&script, &[]).await;
        assert!(matches!(tokens, Err(Error::Network(crate::http::Error::Broken { .. }))), "{tokens:?}");
        assert_eq!(script.targets(), ["/token"]);
    }
}

#[tokio::test]
async fn a_request_that_never_left_is_sent_again_once() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("https://{}", listener.local_addr().expect("an address"));
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        // Closed before the TLS handshake, so that no byte of a request can have been sent.
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
            sender.send(()).expect("the test is there");
        }
    });
    let tokens = exchange(&http(), &attempt(&base, &client(), &[]), &Secret::new("the-code"), NOW).await;
    assert!(matches!(&tokens, Err(Error::Network(error)) if error.nothing_was_sent()), "{tokens:?}");
    assert_eq!((receiver.recv().await, receiver.recv().await), (Some(()), Some(())));
    assert!(receiver.try_recv().is_err());
}

#[tokio::test]
async fn r01_a_huge_answer_is_not_read() {
    let script = Script::always(json(200, &format!("{{\"access_token\":\"{}\"}}", "a".repeat(2 << 20)))).await;
    let tokens = traded(&script, &[]).await;
    assert!(matches!(tokens, Err(Error::Network(crate::http::Error::TooLarge { .. }))), "{tokens:?}");
}

#[tokio::test]
async fn debug_shows_no_token() {
    let body = r#"{"access_token":"canary","token_type":"bearer","refresh_token":"canary","id_token":"canary"}"#;
    let script = Script::always(json(200, body)).await;
    let text = format!("{:?}", traded(&script, &["openid"]).await);
    assert!(!text.contains("canary"), "{text}");
    // A success that cannot be read must not travel inside the error either.
    let script = Script::always(json(200, r#"{"access_token":"canary\n","token_type":"bearer"}"#)).await;
    let text = format!("{:?}", traded(&script, &["openid"]).await);
    assert!(!text.contains("canary"), "{text}");
}
