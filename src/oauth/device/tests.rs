//! Device logins against scripted servers: what is asked, what the person gets, and every row of the rules for polling
//! with the time of each poll.

use std::sync::{Arc, Mutex};

use std::future::{pending as never, ready};

use super::*;
use crate::oauth::testing::{Script, client, confidential, http, json as answer, pairs, reply, server};
use crate::oauth::{AuthMethod, TokenType, Warning};

const NOW: i64 = 1_800_000_000;
const TOKENS: &str = r#"{"access_token":"t","token_type":"bearer","scope":"a"}"#;
const PENDING: &str = r#"{"error":"authorization_pending"}"#;

fn code(rest: &str) -> Vec<u8> {
    answer(
        200,
        &format!(
            r#"{{"device_code":"d-canary","user_code":"WDJB-MJHT","verification_uri":"https://as.example/device"{rest}}}"#
        ),
    )
}

fn at(base: &str) -> Server {
    let device_authorization_endpoint = Some(Url::parse(&format!("{base}/device")).expect("an address"));
    Server { device_authorization_endpoint, ..server(base) }
}

fn request<'a>(server: &'a Server, client: &'a Client, scopes: &'a [String]) -> Request<'a> {
    Request { server, client, scopes, resource: Some("https://r.example/mcp"), audience: None, binding: None, now: NOW }
}

async fn begun(bytes: Vec<u8>) -> Result<Device, Error> {
    let script = Script::always(bytes).await;
    begin(&http(), request(&at(&script.url), &client(), &[])).await
}

#[tokio::test]
async fn the_request_says_who_asks_for_what() {
    let script = Script::always(code(r#","expires_in":600"#)).await;
    let scopes = ["a".to_owned(), "b".to_owned()];
    begin(&http(), request(&at(&script.url), &client(), &scopes)).await.expect("a code");
    let seen = &script.seen()[0];
    assert_eq!(seen.line, "POST /device HTTP/1.1");
    assert_eq!(seen.form(), pairs(&[("client_id", "client"), ("scope", "a b"), ("resource", "https://r.example/mcp")]));
    let known = confidential(AuthMethod::Basic);
    begin(&http(), Request { resource: None, ..request(&at(&script.url), &known, &[]) }).await.expect("a code");
    let seen = &script.seen()[1];
    assert_eq!((seen.form(), seen.header("authorization")), (vec![], Some("Basic YSUzQWIrYzpwJTI1JTJCJTI2")));
}

#[tokio::test]
async fn s43_the_person_gets_the_code_even_with_the_complete_address() {
    let complete = r#","verification_uri_complete":"https://as.example/device?user_code=WDJB-MJHT","expires_in":"600","interval":7.0"#;
    let device = begun(code(complete)).await.expect("a code");
    assert_eq!(device.user_code, "WDJB-MJHT");
    assert_eq!(device.verification_uri.as_str(), "https://as.example/device");
    let complete = device.verification_uri_complete.as_ref().map(Url::as_str);
    assert_eq!(complete, Some("https://as.example/device?user_code=WDJB-MJHT"));
    assert_eq!((device.expires_in, device.interval), (Duration::from_secs(600), Duration::from_secs(7)));
    let shown = format!("{device:?}");
    assert!(!shown.contains("WDJB") && !shown.contains("canary"), "{shown}");
}

#[tokio::test]
async fn the_name_of_a_draft_is_read_and_the_interval_has_a_default() {
    let body =
        r#"{"device_code":"d","user_code":" ab\u0007c ","verification_url":"https://as.example/d","expires_in":60}"#;
    let device = begun(answer(200, body)).await.expect("a code");
    assert_eq!((device.verification_uri.as_str(), device.user_code.as_str()), ("https://as.example/d", " abc "));
    assert_eq!(device.interval, Duration::from_secs(5));
    for (interval, expected) in [("0", 1), ("-3", 1), ("\"10\"", 10), ("null", 5), ("\"x\"", 5), ("1e300", 86_400)] {
        let device = begun(code(&format!(r#","expires_in":60,"interval":{interval}"#))).await.expect("a code");
        assert_eq!(device.interval, Duration::from_secs(expected), "{interval}");
    }
}

#[tokio::test]
async fn an_address_that_is_not_safe_to_open_is_refused() {
    for bad in ["http://as.example/d", "javascript:alert(1)", "file:///etc/passwd", "https://user@as.example/", "", "d"]
    {
        for name in ["verification_uri", "verification_uri_complete"] {
            let mut body = serde_json::json!({
                "device_code": "d", "user_code": "u", "verification_uri": "https://as.example/d", "expires_in": 60,
            });
            body[name] = bad.into();
            let outcome = begun(answer(200, &body.to_string())).await;
            // An empty address is as good as none.
            let good = bad.is_empty() && name == "verification_uri_complete";
            assert_eq!(outcome.is_ok(), good, "{name} {bad}: {outcome:?}");
        }
    }
    let local =
        answer(200, r#"{"device_code":"d","user_code":"u","verification_uri":"http://127.0.0.1:9/d","expires_in":60}"#);
    assert!(begun(local).await.is_ok(), "this machine's own server may be asked without TLS");
}

#[tokio::test]
async fn an_answer_without_what_a_login_needs_is_none() {
    for body in [
        r#"{"user_code":"u","verification_uri":"https://as.example/d","expires_in":60}"#,
        r#"{"device_code":"d","verification_uri":"https://as.example/d","expires_in":60}"#,
        r#"{"device_code":"d","user_code":"\u0007","verification_uri":"https://as.example/d","expires_in":60}"#,
        r#"{"device_code":"d","user_code":"u","expires_in":60}"#,
        r#"{"device_code":"d","user_code":"u","verification_uri":"https://as.example/d"}"#,
        r#"{"device_code":"d","user_code":"u","verification_uri":"https://as.example/d","expires_in":0}"#,
        r#"{"device_code":"d","user_code":"u","verification_uri":"https://as.example/d","expires_in":"soon"}"#,
    ] {
        let outcome = begun(answer(200, body)).await;
        assert!(matches!(outcome, Err(Error::Malformed { .. })), "{body}: {outcome:?}");
    }
    let refusal = begun(answer(400, r#"{"error":"unauthorized_client"}"#)).await.expect_err("a refusal");
    assert_eq!(refusal.oauth_code(), Some("unauthorized_client"));
    assert!(matches!(begun(reply(401, &[], "")).await, Err(Error::TokenEndpoint { code: None, .. })));
    assert!(matches!(begun(reply(404, &[], "")).await, Err(Error::Status { status: 404, .. })));
    assert!(matches!(begun(reply(503, &[], "")).await, Err(Error::Server { status: 503, .. })));
    assert!(matches!(begun(reply(302, &["location: /x"], "")).await, Err(Error::Redirected { .. })));
    assert!(matches!(begun(reply(200, &[], "<html>")).await, Err(Error::NotJson { .. })));
    let nowhere = begin(&http(), request(&server("https://as.example"), &client(), &[])).await;
    assert_eq!(nowhere.err(), Some(Error::NoDeviceLogin { issuer: "https://as.example".to_owned() }));
}

/// Polls a server that gives these answers in order; the outcome, and the milliseconds from the answer before (or from
/// the code) to the arrival of each poll.
async fn polled(start: &str, answers: Vec<Vec<u8>>) -> (Result<Tokens, Error>, Vec<u128>) {
    let times: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let (record, code) = (Arc::clone(&times), code(start));
    let script = Script::start(move |_, _| {
        let mut times = record.lock().expect("no panic");
        times.push(Instant::now());
        match times.len() {
            1 => code.clone(),
            poll => answers.get(poll - 2).cloned().unwrap_or_else(|| panic!("poll {} was not expected", poll - 1)),
        }
    })
    .await;
    let (server, client, scopes) = (at(&script.url), client(), ["a".to_owned()]);
    let http = http();
    let device = begin(&http, request(&server, &client, &scopes)).await.expect("a code");
    let outcome = poll(&http, request(&server, &client, &scopes), device, never()).await;
    for seen in script.seen().iter().skip(1) {
        let expected = [
            ("client_id", "client"),
            ("device_code", "d-canary"),
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("resource", "https://r.example/mcp"),
        ];
        assert_eq!(seen.form(), pairs(&expected));
    }
    let times = times.lock().expect("no panic").clone();
    (outcome, times.windows(2).map(|pair| (pair[1] - pair[0]).as_millis()).collect())
}

/// Whether each wait is as long as it must be, and at most one second longer.
#[track_caller]
fn assert_waits(waits: &[u128], seconds: &[u64]) {
    assert_eq!(waits.len(), seconds.len(), "{waits:?} {seconds:?}");
    for (wait, expected) in waits.iter().zip(seconds) {
        let expected = u128::from(*expected) * 1000;
        assert!((expected..=expected + 1000).contains(wait), "{waits:?} {seconds:?}");
    }
}

fn pending() -> Vec<u8> {
    answer(400, PENDING)
}

fn slow(rest: &str) -> Vec<u8> {
    answer(400, &format!(r#"{{"error":"slow_down"{rest}}}"#))
}

fn success() -> Vec<u8> {
    answer(200, TOKENS)
}

const HOUR: &str = r#","expires_in":3600"#;

#[tokio::test(start_paused = true)]
async fn r24_polls_are_never_early_and_at_most_a_second_late() {
    let wait = |seconds: u32| vec![format!("retry-after: {seconds}")];
    let busy = |status: u16, headers: Vec<String>| {
        reply(status, &headers.iter().map(String::as_str).collect::<Vec<_>>(), "<html>")
    };
    for (answers, seconds) in [
        // The first poll only after one interval, and each after the answer before.
        (vec![success()], vec![5]),
        (vec![pending(), pending(), success()], vec![5, 5, 5]),
        // Some servers send these with another status.
        (vec![answer(200, PENDING), answer(428, PENDING), answer(429, PENDING), success()], vec![5, 5, 5, 5]),
        // Slower for good, and more so each time.
        (vec![slow(""), pending(), slow(""), pending(), success()], vec![5, 10, 10, 15, 15]),
        // The server's own interval counts where it is the larger one.
        (vec![slow(r#","interval":30"#), slow(r#","interval":8"#), success()], vec![5, 30, 35]),
        (vec![slow(r#","interval":"x""#), success()], vec![5, 10]),
        // Trouble: as the server asks, or five seconds more; never faster than the interval.
        (vec![busy(503, wait(40)), pending(), success()], vec![5, 40, 5]),
        (vec![busy(429, wait(1)), success()], vec![5, 5]),
        (vec![busy(500, vec![]), busy(502, vec![]), success()], vec![5, 10, 15]),
        (vec![answer(400, r#"{"error":"temporarily_unavailable"}"#), success()], vec![5, 10]),
        (vec![reply(429, &["retry-after: 20"], r#"{"error":"slow_down"}"#), pending(), success()], vec![5, 20, 10]),
        // A connection that breaks doubles the interval.
        (vec![b"".to_vec(), pending(), b"".to_vec(), success()], vec![5, 10, 10, 20]),
    ] {
        let (outcome, waits) = polled(HOUR, answers).await;
        assert_waits(&waits, &seconds);
        let tokens = outcome.expect("tokens");
        assert_eq!((tokens.access_token.expose(), tokens.token_type), ("t", TokenType::Bearer));
    }
    let (_, waits) = polled(r#","expires_in":600,"interval":12"#, vec![pending(), slow(""), success()]).await;
    assert_waits(&waits, &[12, 12, 17]);
}

#[tokio::test(start_paused = true)]
async fn r24_what_is_final_ends_the_polling() {
    let refused = |code: &'static str| (answer(400, &format!(r#"{{"error":"{code}"}}"#)), code);
    for (bytes, code) in
        ["access_denied", "invalid_grant", "bad_verification_code", "invalid_client", "unsupported_grant_type"]
            .map(refused)
    {
        let (outcome, waits) = polled(HOUR, vec![pending(), bytes]).await;
        assert_eq!(outcome.expect_err("no tokens").oauth_code(), Some(code));
        assert_waits(&waits, &[5, 5]);
    }
    let (outcome, _) = polled(HOUR, vec![answer(400, r#"{"error":"access_denied","error_description":"no"}"#)]).await;
    assert_eq!(outcome.err(), Some(Error::Denied { description: Some("no".to_owned()) }));
    let (outcome, _) = polled(HOUR, vec![answer(400, r#"{"error":"expired_token"}"#)]).await;
    assert_eq!(outcome.err(), Some(Error::DeviceExpired { after: Duration::from_secs(3600) }));
    for bytes in [answer(400, "{}"), reply(404, &[], ""), reply(200, &[], "<html>"), reply(302, &["location: /x"], "")]
    {
        let (outcome, waits) = polled(HOUR, vec![bytes]).await;
        assert!(outcome.is_err());
        assert_waits(&waits, &[5]);
    }
}

#[tokio::test(start_paused = true)]
async fn r24_the_code_ends_here_whatever_the_server_says() {
    let begun = Instant::now();
    let (outcome, waits) = polled(r#","expires_in":22"#, vec![pending(), pending(), pending(), pending()]).await;
    assert_eq!(outcome.err(), Some(Error::DeviceExpired { after: Duration::from_secs(22) }));
    assert_waits(&waits, &[5, 5, 5]);
    let lasted = begun.elapsed();
    assert!((Duration::from_secs(22)..Duration::from_secs(23)).contains(&lasted), "{lasted:?}");
    // An interval longer than the code lives leaves no time to ask.
    let (outcome, waits) = polled(r#","expires_in":10,"interval":60"#, vec![]).await;
    assert!(matches!(outcome, Err(Error::DeviceExpired { .. })));
    assert_waits(&waits, &[]);
}

#[tokio::test(start_paused = true)]
async fn r24_a_silent_server_doubles_the_interval() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let (sender, mut polls) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut silent = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            sender.send(Instant::now()).expect("the test is there");
            silent.push(stream);
        }
    });
    let (server, client) = (at(&base), client());
    let asked = Instant::now();
    let device = Device {
        user_code: "u".to_owned(),
        verification_uri: Url::parse("https://as.example/d").expect("an address"),
        verification_uri_complete: None,
        expires_in: Duration::from_secs(200),
        code: Secret::new("d"),
        interval: Duration::from_secs(5),
        asked,
    };
    let outcome = poll(&http(), request(&server, &client, &[]), device, never()).await;
    assert!(matches!(outcome, Err(Error::DeviceExpired { .. })));
    let mut times = vec![asked];
    while let Ok(at) = polls.try_recv() {
        times.push(at);
    }
    let waits: Vec<u128> = times.windows(2).map(|pair| (pair[1] - pair[0]).as_millis()).collect();
    // Each try lasts the 30 s of a token request before the wait begins.
    assert_waits(&waits, &[5, 30 + 10, 30 + 20, 30 + 40]);
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_is_not_trusted_is_not_waited_for() {
    let step = Step::of_failure(Error::Network(http::Error::Tls {
        host: "h".to_owned(),
        fault: http::TlsFault::NotYetValid,
        presented: None,
    }));
    assert!(step.is_err());
    let step = Step::of_failure(Error::Network(http::Error::NotFound { host: "h".to_owned() }));
    assert_eq!(step, Ok(Step::Unreachable));
}

#[tokio::test(start_paused = true)]
async fn fewer_scopes_are_noticed_and_an_identity_nobody_asked_for_is_dropped() {
    let body = r#"{"access_token":"t","token_type":"bearer","scope":"b","id_token":"x.y.z"}"#;
    let (outcome, _) = polled(HOUR, vec![answer(200, body)]).await;
    let tokens = outcome.expect("tokens");
    assert!(tokens.id_token.is_none());
    assert_eq!(tokens.warnings, [Warning::ScopeNarrowed { missing: vec!["a".to_owned()] }]);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_proved_to_the_token_endpoint_with_the_time_of_the_poll() {
    let key = dpop::Key::generate().expect("a key");
    for (kind, warnings) in [("DPoP", vec![]), ("Bearer", vec![Warning::NotBound])] {
        let body = format!(r#"{{"access_token":"t","token_type":"{kind}"}}"#);
        let script = Script::start(move |_, seen| match seen.target() {
            "/device" => code(HOUR),
            _ => answer(200, &body),
        })
        .await;
        let (server, client) = (at(&script.url), client());
        let request = Request { binding: Some(&key), ..request(&server, &client, &[]) };
        let http = http();
        let device = begin(&http, request).await.expect("a code");
        assert_eq!(poll(&http, request, device, never()).await.expect("tokens").warnings, warnings, "{kind}");
        let seen = script.seen();
        assert!(seen[0].header("dpop").is_none());
        let proof = seen[1].header("dpop").expect("a proof");
        let claims = crate::oauth::jwks::Jws::read(proof).expect("a token").unverified().clone();
        assert_eq!(claims["iat"], NOW + 5);
    }
}

proptest::proptest! {
    #[test]
    fn whatever_a_server_says_no_wait_is_shorter_than_the_last_interval(
        steps in proptest::collection::vec((0_u8..4, proptest::option::of(0_u64..=86_400)), 0..40)
    ) {
        let mut interval = Duration::from_secs(5);
        for (kind, seconds) in steps {
            let seconds = seconds.map(Duration::from_secs);
            let step = match kind {
                0 => Step::Pending,
                1 => Step::Slower { interval: seconds, retry_after: None },
                2 => Step::Trouble { retry_after: seconds },
                _ => Step::Unreachable,
            };
            let (next, pause) = step.next(interval);
            proptest::prop_assert!(next >= interval && pause >= interval);
            interval = next;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_stops_waiting_stops_the_asking_and_not_a_request_that_is_under_way() {
    let script = Script::start(|_, seen| match seen.target() {
        "/device" => code(HOUR),
        _ => answer(200, TOKENS),
    })
    .await;
    let (server, client, http) = (at(&script.url), client(), http());
    let device = begin(&http, request(&server, &client, &[])).await.expect("a code");
    assert!(poll(&http, request(&server, &client, &[]), device, ready(())).await.is_err());
    assert_eq!(script.seen().len(), 1, "nobody was asked");
    // From the moment at which a request can be under way, its answer counts.
    let device = begin(&http, request(&server, &client, &[])).await.expect("a code");
    let late = sleep_until(Instant::now() + device.interval + MARGIN + Duration::from_millis(1));
    assert!(poll(&http, request(&server, &client, &[]), device, late).await.is_ok());
}
