//! What happens to a credential and to a refused request, against servers on loopback.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ::http::header::HeaderMap;

use super::*;
use crate::backends::fake::{self, Record, Reply};
use crate::backends::tests::{Host, Tokens, connection, reply};
use crate::backends::{Boxed, Way, headers};
use crate::secret::Secret;

const LIMITS: Limits = Limits { time: Duration::from_secs(10), body: 1_000 };

/// Asks a server once; what came back, how often it was asked, and with which credentials.
async fn asked(
    kind: Kind,
    tokens: Arc<Tokens>,
    answer: impl Fn(usize, &fake::Received) -> Reply + Send + Sync + 'static,
) -> (Result<String, Error>, Vec<String>) {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (record, count) = (Arc::clone(&seen), AtomicUsize::new(0));
    let host = Host::answering(move |request| {
        let token = fake::bearer(request).unwrap_or("none").to_owned();
        record.lock().expect("a healthy lock").push(token);
        answer(count.fetch_add(1, Ordering::SeqCst), request)
    });
    let connection = connection(host.at("/api"), Way::Bearer, tokens);
    let outcome = send(&connection, &to(&host.at("/api/x")), kind, LIMITS).await.and_then(|answer| {
        let said = outside::said(answer.body());
        if answer.status().is_success() {
            return Ok(String::from_utf8(answer.into_body()).expect("text"));
        }
        Err(failure("h".to_owned(), answer.status(), answer.headers(), said))
    });
    let seen = seen.lock().expect("a healthy lock").clone();
    (outcome, seen)
}

fn to(url: &Url) -> Request<Vec<u8>> {
    Request::post(url.as_str()).body(b"{}".to_vec()).expect("a request")
}

fn plain(status: u16, body: &str) -> Reply {
    reply(status, ("x-test", "1"), body)
}

fn good() -> Arc<Tokens> {
    Tokens::new(Some("good"), Some("new"))
}

#[tokio::test]
async fn a_rejected_credential_is_replaced_once() {
    let tokens = Tokens::new(Some("old"), Some("good"));
    let (outcome, seen) = asked(Kind::Write, Arc::clone(&tokens), |_, request| {
        if fake::bearer(request) == Some("good") { plain(200, "fine") } else { plain(401, "") }
    })
    .await;
    assert_eq!((outcome.ok().as_deref(), seen), (Some("fine"), vec!["old".to_owned(), "good".to_owned()]));
    assert_eq!(tokens.replaced.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_second_refusal_is_final() {
    for (second, expected) in [(Some("also-old"), vec!["old", "also-old"]), (None, vec!["old"])] {
        let (outcome, seen) =
            asked(Kind::Read, Tokens::new(Some("old"), second), |_, _| plain(401, r#"{"error":"why"}"#)).await;
        assert!(matches!(outcome, Err(Error::Rejected { said, .. }) if said == "why"));
        assert_eq!(seen, expected);
    }
    let (outcome, seen) = asked(Kind::Read, Tokens::new(None, None), |_, _| plain(401, "")).await;
    assert!(matches!(outcome, Err(Error::Rejected { .. })));
    assert_eq!(seen, ["none"]);
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_credential_stays_here() {
    let elsewhere = Record::default();
    let record = elsewhere.clone();
    let other = Host::answering(move |request| {
        record.note(request);
        plain(200, "caught")
    });
    let location: &'static str = other.at("/catch").to_string().leak();
    for status in [301, 302, 303, 307, 308] {
        let (outcome, seen) = asked(Kind::Read, good(), move |_, _| reply(status, ("location", location), "")).await;
        let port = other.at("/").port().expect("a port");
        let expected = format!("it redirects to `127.0.0.1:{port}`, and a call never follows");
        assert!(matches!(outcome, Err(Error::Protocol { cause, .. }) if cause == expected), "{status}");
        assert_eq!(seen.len(), 1);
    }
    assert_eq!(elsewhere.all(), []);
}

#[tokio::test]
async fn a_credential_goes_to_its_own_service_only() {
    let record = Record::default();
    let seen = record.clone();
    let other = Host::answering(move |request| {
        seen.note(request);
        plain(200, "caught")
    });
    let own = Url::parse("https://service.example/api").expect("an address");
    let outcome = send(&connection(own, Way::Bearer, good()), &to(&other.at("/x")), Kind::Read, LIMITS).await;
    assert_eq!(source(outcome.err()), Some(Withheld::Elsewhere { host: host_of(&other.at("/")) }));

    let open = Url::parse("http://service.example/api").expect("an address");
    let outcome = send(&connection(open.clone(), Way::Bearer, good()), &to(&open), Kind::Read, LIMITS).await;
    assert_eq!(source(outcome.err()), Some(Withheld::Unsafe { host: "service.example".to_owned() }));
    assert_eq!(record.all(), []);
}

#[tokio::test]
async fn a_credential_with_a_line_break_is_never_sent() {
    let (outcome, seen) = asked(Kind::Read, Tokens::new(Some("a\r\nx-evil: 1"), None), |_, _| plain(200, "")).await;
    assert_eq!(source(outcome.err()), Some(Withheld::Unsendable));
    assert_eq!(seen, [""; 0]);
}

fn source(error: Option<Error>) -> Option<Withheld> {
    match error? {
        Error::Credential(Unavailable(why)) => why.downcast_ref::<Withheld>().cloned(),
        _ => None,
    }
}

#[tokio::test]
async fn what_costs_is_repeated_only_if_the_service_did_not_do_it() {
    for (status, times) in [(429, 2), (502, 1), (503, 1), (504, 1)] {
        let (outcome, seen) = asked(Kind::Paid, good(), move |count, _| match count {
            0 => reply(status, ("retry-after", "0"), ""),
            _ => plain(200, "done"),
        })
        .await;
        assert_eq!((outcome.is_ok(), seen.len()), (times == 2, times), "{status}");
    }
}

#[tokio::test]
async fn a_read_is_repeated_when_the_service_asks_for_it() {
    for status in [429, 502, 503, 504] {
        let (outcome, seen) = asked(Kind::Read, good(), move |count, _| {
            if count < 2 { reply(status, ("retry-after", "0"), "") } else { plain(200, "fine") }
        })
        .await;
        assert_eq!((outcome.ok().as_deref(), seen.len()), (Some("fine"), 3), "{status}");
    }
}

#[tokio::test]
async fn a_read_is_sent_three_times_at_most() {
    let (outcome, seen) = asked(Kind::Read, good(), |_, _| reply(503, ("retry-after", "0"), "busy")).await;
    assert!(matches!(outcome, Err(Error::Server { status: 503, said, .. }) if said == "busy"));
    assert_eq!(seen.len(), 3);
}

#[tokio::test]
async fn a_write_is_sent_once_whatever_happens() {
    for status in [429, 500, 502, 503, 504] {
        let (outcome, seen) = asked(Kind::Write, good(), move |_, _| reply(status, ("retry-after", "0"), "")).await;
        assert!(outcome.is_err());
        assert_eq!(seen.len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_long_wait_or_a_final_answer_is_not_repeated() {
    for (status, wait) in [(429, "6"), (503, "3600"), (400, "0"), (403, "0"), (404, "0"), (432, "0"), (500, "0")] {
        let (outcome, seen) = asked(Kind::Read, good(), move |_, _| reply(status, ("retry-after", wait), "")).await;
        assert!(outcome.is_err());
        assert_eq!(seen.len(), 1, "{status}");
    }
}

#[tokio::test]
async fn an_answer_larger_than_allowed_is_an_error() {
    let (outcome, _) = asked(Kind::Read, good(), |_, _| plain(200, &"x".repeat(1_001))).await;
    assert!(matches!(outcome, Err(Error::Network(Network::TooLarge { limit: 1_000, .. }))));
    let (outcome, _) = asked(Kind::Read, good(), |_, _| plain(200, &"x".repeat(1_000))).await;
    assert!(outcome.is_ok());
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
}

#[test]
fn the_wait_is_read_in_seconds_and_as_a_date() {
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    for (wait, date, expected) in [
        ("120", None, Some(120)),
        (" 0 ", None, Some(0)),
        ("99999999999999999999", None, Some(u64::from(u32::MAX))),
        ("Sun, 06 Nov 1994 08:49:40 GMT", Some(date), Some(3)),
        ("Sunday, 06-Nov-94 08:49:40 GMT", Some(date), Some(3)),
        ("Sun, 06 Nov 1994 08:49:30 GMT", Some(date), Some(0)),
        ("Sun, 06 Nov 1994 08:49:40 GMT", None, None),
        ("soon", Some(date), None),
        ("-1", None, None),
        ("", None, None),
    ] {
        let mut pairs = vec![("retry-after", wait)];
        pairs.extend(date.map(|date| ("date", date)));
        assert_eq!(retry_after(&headers(&pairs)).map(|wait| wait.as_secs()), expected, "{wait}");
    }
}

#[test]
fn a_refusal_says_which_other_login_would_do() {
    let scopes = |scopes: &[&str]| StepUp::Scopes { scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect() };
    for (challenge, body, wanted, expected) in [
        (
            r#"Bearer error="insufficient_scope", scope="files:read files:write", resource_metadata="https://x""#,
            "no",
            Some(scopes(&["files:read", "files:write"])),
            "no",
        ),
        (r#"Basic realm="a, error=\"x\"", Bearer ERROR=insufficient_scope,scope=a"#, "", Some(scopes(&["a"])), ""),
        (
            r#"Bearer error="insufficient_scope", error_description="ask for more""#,
            "",
            Some(scopes(&[])),
            "ask for more",
        ),
        (
            r#"DPoP error="insufficient_user_authentication", acr_values="gold", max_age=60"#,
            "",
            Some(StepUp::Person { acr_values: vec!["gold".to_owned()], max_age: Some(60) }),
            "",
        ),
        (r#"Bearer error="invalid_token", error_description="it expired""#, "", None, "it expired"),
        ("Bearer", "no", None, "no"),
    ] {
        for status in [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN] {
            let headers = headers(&[("www-authenticate", challenge)]);
            let (found, text) = match failure("h".to_owned(), status, &headers, body.to_owned()) {
                Error::StepUp { wanted, said, .. } => (Some(wanted), said),
                Error::Rejected { said, .. } if status == StatusCode::UNAUTHORIZED => (None, said),
                Error::Forbidden { said, .. } if status == StatusCode::FORBIDDEN => (None, said),
                other => panic!("{challenge}: {other:?}"),
            };
            assert_eq!((found, text.as_str()), (wanted.clone(), expected), "{challenge} {status}");
        }
    }
}

#[tokio::test]
async fn a_good_token_that_does_too_little_is_not_renewed() {
    for (status, challenge) in [
        (403, r#"Bearer error="insufficient_scope", scope="b""#),
        (401, r#"Bearer error="insufficient_scope", scope="b""#),
        (401, r#"Bearer error="insufficient_user_authentication", max_age=0"#),
    ] {
        let tokens = Tokens::new(Some("good"), Some("new"));
        let (outcome, seen) =
            asked(Kind::Read, Arc::clone(&tokens), move |_, _| reply(status, ("www-authenticate", challenge), ""))
                .await;
        assert!(matches!(outcome, Err(Error::StepUp { .. })), "{status} {challenge}: {outcome:?}");
        assert_eq!((seen.len(), tokens.replaced.load(Ordering::SeqCst)), (1, 0), "{status} {challenge}");
    }
    let tokens = Tokens::new(Some("good"), Some("new"));
    let (outcome, seen) = asked(Kind::Read, Arc::clone(&tokens), |_, _| plain(403, "no")).await;
    assert!(matches!(outcome, Err(Error::Forbidden { .. })), "{outcome:?}");
    assert_eq!((seen.len(), tokens.replaced.load(Ordering::SeqCst)), (1, 0), "a plain denial");
}

#[tokio::test]
async fn what_opens_sessions_is_attached_to_no_request() {
    let (host, credential) = (
        Host::answering(|_| plain(200, "fine")),
        Credential { header: None, value: Secret::new("pass"), companion: None, generation: 1, proof: None },
    );
    let connection = connection(host.at("/api"), Way::Password, good());
    let mut request = to(&host.at("/api/x"));
    let error = attach(&connection, &mut request, &credential).expect_err("withheld");
    assert!(matches!(error, Error::Credential(_)), "{error:?}");
    assert!(request.headers().is_empty());
}

#[tokio::test]
async fn a_credential_travels_with_its_companion() {
    let host = Host::answering(|_| plain(200, "fine"));
    let companion = Some(("x-second", Secret::new("two")));
    let credential =
        Credential { header: Some("cookie"), value: Secret::new("one"), companion, generation: 1, proof: None };
    let mut request = to(&host.at("/api/x"));
    attach(&connection(host.at("/api"), Way::Password, good()), &mut request, &credential).expect("attached");
    assert_eq!(
        (request.headers()["cookie"].as_bytes(), request.headers()["x-second"].as_bytes()),
        (&b"one"[..], &b"two"[..])
    );
    assert!(request.headers().values().all(HeaderValue::is_sensitive));
}

/// Supplies one value, and another one from the second time on.
struct Supplier {
    first: &'static str,
    second: Option<&'static str>,
    replaced: AtomicUsize,
}

#[derive(Debug, thiserror::Error)]
#[error("the header was refused")]
struct HeaderRefused;

impl headers::HeaderSource for Supplier {
    fn values(&self) -> Boxed<'_, Result<Values, Unavailable>> {
        Box::pin(async { Ok(value(self.first)) })
    }

    fn replace<'a>(&'a self, rejected: &'a Values) -> Boxed<'a, Result<Option<Values>, Unavailable>> {
        assert!(rejected.iter().all(|(name, value)| name == "x-api-key" && value.matches(self.first)));
        self.replaced.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(self.second.map(value)) })
    }

    fn refused(&self) -> Unavailable {
        Unavailable(Arc::new(HeaderRefused))
    }
}

fn value(text: &str) -> Values {
    Arc::new([(HeaderName::from_static("x-api-key"), Secret::new(text))])
}

/// A connection with a header, a secret one and these tokens, to a service that answers like this; and what it saw:
/// method, token and every value of the two headers.
fn with_headers(
    secret: (&'static str, Option<&'static str>),
    tokens: Arc<Tokens>,
    answer: impl Fn(&fake::Received) -> Reply + Send + Sync + 'static,
) -> (Connection, Arc<Supplier>, Arc<std::sync::Mutex<Vec<String>>>) {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let record = Arc::clone(&seen);
    let host = Host::answering(move |request| {
        let all = |name| {
            let values = request.headers().get_all(name).iter().map(|value| value.to_str().expect("text"));
            values.collect::<Vec<_>>().join(" and ")
        };
        let token = fake::bearer(request).unwrap_or("none");
        let line = format!("{} {token} {} {}", request.method(), all("x-team"), all("x-api-key"));
        record.lock().expect("a healthy lock").push(line);
        answer(request)
    });
    let source = Arc::new(Supplier { first: secret.0, second: secret.1, replaced: AtomicUsize::new(0) });
    let team = (HeaderName::from_static("x-team"), HeaderValue::from_static("search"));
    let headers = headers::Headers { plain: vec![team], secret: Some(Arc::clone(&source) as Arc<_>) };
    (Connection { headers, ..connection(host.at("/api"), Way::Bearer, tokens) }, source, seen)
}

fn seen(record: &std::sync::Mutex<Vec<String>>) -> Vec<String> {
    record.lock().expect("a healthy lock").clone()
}

#[tokio::test]
async fn headers_go_once_with_every_request_with_a_credential_and_without() {
    for (token, shown) in [(Some("good"), "good"), (None, "none")] {
        let (connection, _, record) =
            with_headers(("canary-1", None), Tokens::new(token, None), |_| plain(200, "fine"));
        for method in ["GET", "POST", "DELETE"] {
            let request = Request::builder().method(method).uri(connection.url.as_str()).body(Vec::new());
            send(&connection, &request.expect("a request"), Kind::Write, LIMITS).await.expect("an answer");
        }
        let expected = ["GET", "POST", "DELETE"].map(|method| format!("{method} {shown} search canary-1"));
        assert_eq!(seen(&record), expected);
    }
}

#[tokio::test]
async fn a_header_that_the_request_has_already_stays_and_a_secret_one_replaces_it() {
    let (connection, _, record) = with_headers(("canary-1", None), good(), |_| plain(200, "fine"));
    let mut request = to(&connection.url);
    request.headers_mut().insert("x-team", HeaderValue::from_static("own"));
    request.headers_mut().insert("x-api-key", HeaderValue::from_static("own"));
    send(&connection, &request, Kind::Read, LIMITS).await.expect("an answer");
    assert_eq!(seen(&record), ["POST good own canary-1"]);
}

#[tokio::test]
async fn no_header_goes_to_another_place_than_the_connections_own() {
    let record = Record::default();
    let caught = record.clone();
    let other = Host::answering(move |request| {
        caught.note(request);
        plain(200, "caught")
    });
    let (connection, _, own) = with_headers(("canary-1", None), Tokens::new(None, None), |_| plain(200, ""));
    let outcome = send(&connection, &to(&other.at("/x")), Kind::Read, LIMITS).await;
    assert_eq!(source(outcome.err()), Some(Withheld::Elsewhere { host: host_of(&other.at("/")) }));
    assert_eq!((record.all().len(), seen(&own).len()), (0, 0));
    // Those that are no secret stay at home, too.
    let headers = headers::Headers { secret: None, ..connection.headers.clone() };
    send(&Connection { headers, ..connection.clone() }, &to(&other.at("/x")), Kind::Read, LIMITS).await.expect("sent");
    assert!(record.all().iter().all(|request| !format!("{request:?}").contains("x-team")), "{:?}", record.all());
    let open = Url::parse("http://service.example/api").expect("an address");
    let outcome = send(&Connection { url: open.clone(), ..connection }, &to(&open), Kind::Read, LIMITS).await;
    assert_eq!(source(outcome.err()), Some(Withheld::Unsafe { host: "service.example".to_owned() }));
}

#[tokio::test]
async fn a_secret_header_that_is_refused_is_looked_for_anew_once() {
    for (status, token, way) in [(401, None, "none"), (403, None, "none"), (401, Some("good"), "good")] {
        let (connection, source, record) =
            with_headers(("old-canary", Some("new-canary")), Tokens::new(token, None), move |request| {
                match request.headers()["x-api-key"] == "new-canary" {
                    true => plain(200, "fine"),
                    false => plain(status, "no"),
                }
            });
        let answer = send(&connection, &to(&connection.url), Kind::Write, LIMITS).await.expect("an answer");
        assert_eq!(answer.status(), 200);
        let expected = ["old", "new"].map(|key| format!("POST {way} search {key}-canary"));
        assert_eq!((seen(&record), source.replaced.load(Ordering::SeqCst)), (expected.to_vec(), 1));
    }
}

#[tokio::test]
async fn a_refusal_of_headers_alone_says_so_and_one_that_wants_a_token_does_not() {
    let (connection, source, record) = with_headers(("canary-1", None), Tokens::new(None, None), |_| plain(401, "no"));
    let error = send(&connection, &to(&connection.url), Kind::Read, LIMITS).await.expect_err("a refusal");
    let Error::Credential(Unavailable(why)) = error else { panic!("{error:?}") };
    assert!(why.downcast_ref::<HeaderRefused>().is_some(), "{why}");
    assert_eq!((seen(&record).len(), source.replaced.load(Ordering::SeqCst)), (1, 1));
    let (connection, ..) = with_headers(("canary-1", None), Tokens::new(None, None), |_| {
        reply(401, ("www-authenticate", "Bearer realm=\"x\""), "")
    });
    let answer = send(&connection, &to(&connection.url), Kind::Read, LIMITS).await.expect("an answer");
    assert_eq!(answer.status(), 401);
    // A token that does too little is no matter of headers.
    let (connection, source, _) = with_headers(("canary-1", Some("canary-2")), good(), |_| {
        reply(403, ("www-authenticate", "Bearer error=\"insufficient_scope\", scope=\"a\""), "")
    });
    send(&connection, &to(&connection.url), Kind::Read, LIMITS).await.expect("an answer");
    assert_eq!(source.replaced.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_value_of_a_secret_header_is_noted_and_marked() {
    let host = Host::answering(|_| plain(200, "fine"));
    let connection = connection(host.at("/api"), Way::None, Tokens::new(None, None));
    let mut request = to(&host.at("/api/x"));
    dress(&connection, &mut request, None, &value("Key canary-1")).expect("dressed");
    assert!(request.headers()["x-api-key"].is_sensitive());
    let mut text = "you sent `Key canary-1`, that is canary-1".to_owned();
    connection.sent.hide(&mut text);
    assert_eq!(text, "you sent `[secret]`, that is [secret]");
    let error = dress(&connection, &mut request, None, &value("a\r\nx-evil: 1")).expect_err("withheld");
    assert_eq!(source(Some(error)), Some(Withheld::Unsendable));
}
