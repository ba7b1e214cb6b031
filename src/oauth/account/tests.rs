//! Identity tokens, good and forged, of servers with keys and without.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json as value;

use url::Url;

use super::*;
use crate::oauth::TokenType;
use crate::oauth::testing::{Script, Signer, client, encode, http, json as answer, reply, server};

const NOW: i64 = 1_000_000;

/// A server that publishes keys, the last of the sets from the second time on.
struct Provider {
    signer: Arc<Signer>,
    script: Script,
    server: Server,
}

impl Provider {
    async fn publishing(sets: impl Fn(&Signer) -> Vec<Value>) -> Self {
        let signer = Arc::new(Signer::new());
        let sets = sets(&signer);
        let asked = std::sync::atomic::AtomicUsize::new(0);
        let script = Script::start(move |_, _| {
            let at = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst).min(sets.len() - 1);
            answer(200, &sets[at].to_string())
        })
        .await;
        let jwks_uri = Some(script.address("/keys"));
        let server = Server { issuer: ISSUER.to_owned(), jwks_uri, ..server(&script.url) };
        Self { signer, script, server }
    }

    async fn new() -> Self {
        Self::publishing(|signer| vec![value!({"keys": [signer.jwk("k")]})]).await
    }

    fn token(&self, claims: &Value) -> String {
        self.signer.sign(&value!({"alg": "ES256", "kid": "k"}), claims)
    }

    async fn read(&self, token: &str) -> Result<Option<Account>, Error> {
        identify(&http(), &self.server, &tokens(token), &expected(Some(&Secret::new("n")))).await
    }
}

const ISSUER: &str = "https://as.example";

fn expected(nonce: Option<&Secret>) -> Expected<'_> {
    Expected { client_id: "client", nonce, max_age: None, now: NOW }
}

fn tokens(id_token: &str) -> Tokens {
    Tokens {
        access_token: Secret::new("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
        token_type: TokenType::Bearer,
        refresh_token: None,
        expires_in: None,
        refresh_expires_in: None,
        scope: None,
        id_token: Some(Secret::new(id_token)),
        took: Duration::ZERO,
        server_date: None,
        warnings: Vec::new(),
    }
}

fn good() -> Value {
    value!({"iss": ISSUER, "aud": "client", "sub": "s1", "exp": NOW + 60, "iat": NOW, "nonce": "n"})
}

fn with(name: &str, member: Value) -> Value {
    let mut claims = good();
    claims[name] = member;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = good();
    claims.as_object_mut().expect("an object").remove(name);
    claims
}

fn refused(outcome: &Result<Option<Account>, Error>) -> bool {
    matches!(outcome, Err(Error::IdToken { .. }))
}

#[tokio::test]
async fn a_token_for_this_login_names_the_account() {
    let provider = Provider::new().await;
    let subject = "s1".to_owned();
    let plain = Account { subject: subject.clone(), name: None, email: None, verified: true };
    assert_eq!(provider.read(&provider.token(&good())).await, Ok(Some(plain)));
    let mut claims = with("name", value!("Ada\u{7} Lovelace"));
    claims["email"] = value!("ada@example.com");
    claims["aud"] = value!(["other", "client"]);
    claims["azp"] = value!("client");
    // Half of the SHA-256 of the access token: the vector of OpenID Connect Core §A.3.
    claims["at_hash"] = value!("77QmUPtjPfzWtF2AnpK9RQ");
    let found = provider.read(&provider.token(&claims)).await.expect("a verdict").expect("an account");
    assert_eq!(found.label(), "ada@example.com");
    let (name, email) = (Some("Ada Lovelace".to_owned()), Some("ada@example.com".to_owned()));
    assert_eq!(found, Account { subject, name, email, verified: true });
    assert_eq!(provider.script.targets(), ["/keys", "/keys"], "one request for each token");
}

/// Claims that belong to another login, client, issuer or time.
fn forged() -> Vec<(&'static str, Value)> {
    vec![
        ("iss", value!("https://as.example/")),
        ("iss", value!("https://AS.example")),
        ("iss", value!("https://evil.example")),
        ("iss", value!(7)),
        ("iss", value!("")),
        ("aud", value!("other")),
        ("aud", value!("client ")),
        ("aud", value!(["other"])),
        ("aud", value!([])),
        ("aud", value!(7)),
        ("aud", value!(["client", "other"])),
        ("azp", value!("other")),
        ("azp", value!(7)),
        ("exp", value!(NOW - 121)),
        ("exp", value!("never")),
        ("exp", value!(-1e300)),
        ("iat", value!(NOW + 121)),
        ("iat", value!(NOW - 121)),
        ("iat", value!("now")),
        ("nonce", value!("N")),
        ("nonce", value!("")),
        ("nonce", value!(null)),
        ("sub", value!("")),
        ("sub", value!("\u{7}")),
        ("sub", value!(7)),
        ("at_hash", value!("77QmUPtjPfzWtF2AnpK9RR")),
        ("at_hash", value!("")),
        ("at_hash", value!(7)),
    ]
}

#[tokio::test]
async fn s47_a_token_for_another_login_ends_the_login() {
    let provider = Provider::new().await;
    for (name, member) in forged() {
        let outcome = provider.read(&provider.token(&with(name, member.clone()))).await;
        assert!(refused(&outcome), "{name} {member}: {outcome:?}");
    }
    for name in ["iss", "aud", "sub", "exp", "iat", "nonce"] {
        let outcome = provider.read(&provider.token(&without(name))).await;
        assert!(refused(&outcome), "without {name}: {outcome:?}");
    }
    for (name, member) in [
        ("exp", value!(NOW - 119)),
        ("iat", value!(NOW + 120)),
        ("iat", value!(NOW - 120)),
        ("iat", value!(NOW as f64 + 0.5)),
        ("aud", value!(["client"])),
        ("azp", value!("client")),
    ] {
        let outcome = provider.read(&provider.token(&with(name, member.clone()))).await;
        assert!(matches!(outcome, Ok(Some(_))), "{name} {member}: {outcome:?}");
    }
}

#[tokio::test]
async fn s47_a_forged_signature_ends_the_login() {
    let provider = Provider::new().await;
    let (stranger, claims) = (Signer::new(), good());
    let genuine = provider.token(&claims);
    let (message, signature) = genuine.rsplit_once('.').expect("a token");
    let (_, payload) = message.split_once('.').expect("a token");
    let header = |value: Value| encode(&value);
    for (what, token) in [
        ("none", format!("{}.{payload}.", header(value!({"alg": "none"})))),
        ("none with a signature", format!("{}.{payload}.{signature}", header(value!({"alg": "none", "kid": "k"})))),
        ("no signature", format!("{message}.")),
        (
            "a public key as HMAC secret",
            format!("{}.{payload}.{signature}", header(value!({"alg": "HS256", "kid": "k"}))),
        ),
        ("a stranger's key", stranger.sign(&value!({"alg": "ES256", "kid": "k"}), &claims)),
        ("an unknown key", stranger.sign(&value!({"alg": "ES256", "kid": "x"}), &claims)),
        (
            "a key that the token brings along",
            stranger.sign(&value!({"alg": "ES256", "kid": "k", "jwk": stranger.jwk("k")}), &claims),
        ),
        ("an address of keys that the token brings along", {
            stranger.sign(&value!({"alg": "ES256", "kid": "x", "jku": "https://evil.example/keys"}), &claims)
        }),
        ("an extension", provider.signer.sign(&value!({"alg": "ES256", "kid": "k", "crit": ["x"]}), &claims)),
        (
            "other claims",
            format!(
                "{}.{}.{signature}",
                header(value!({"alg": "ES256", "kid": "k"})),
                encode(&with("sub", value!("s2")))
            ),
        ),
        ("nothing", String::new()),
        ("an encrypted token", "a.b.c.d.e".to_owned()),
    ] {
        let outcome = provider.read(&token).await;
        assert!(refused(&outcome), "{what}: {outcome:?}");
    }
    assert!(matches!(provider.read(&genuine).await, Ok(Some(_))));
}

#[tokio::test]
async fn the_servers_own_list_of_algorithms_binds_it() {
    let mut provider = Provider::new().await;
    provider.server.id_token_algorithms = vec!["RS256".to_owned()];
    assert!(refused(&provider.read(&provider.token(&good())).await));
    provider.server.id_token_algorithms = vec!["RS256".to_owned(), "ES256".to_owned()];
    assert!(matches!(provider.read(&provider.token(&good())).await, Ok(Some(_))));
}

#[tokio::test]
async fn an_unknown_key_is_asked_for_once_more_and_no_oftener() {
    let rolled = Provider::publishing(|signer| {
        vec![value!({"keys": [Signer::new().jwk("old")]}), value!({"keys": [signer.jwk("k")]})]
    })
    .await;
    assert!(matches!(rolled.read(&rolled.token(&good())).await, Ok(Some(_))));
    assert_eq!(rolled.script.targets(), ["/keys", "/keys"]);

    let never = Provider::publishing(|_| vec![value!({"keys": [Signer::new().jwk("old")]})]).await;
    assert!(refused(&never.read(&never.token(&good())).await));
    assert_eq!(never.script.targets(), ["/keys", "/keys"]);

    // What is wrong with the claims is seen without asking anybody.
    let quiet = Provider::new().await;
    assert!(refused(&quiet.read(&quiet.token(&with("nonce", value!("x")))).await));
    assert_eq!(quiet.script.targets(), [""; 0]);
}

#[tokio::test]
async fn a_set_of_keys_that_cannot_be_fetched_is_an_error_of_its_own() {
    let signer = Signer::new();
    let token = signer.sign(&value!({"alg": "ES256", "kid": "k"}), &good());
    let elsewhere = Script::always(answer(200, &value!({"keys": [signer.jwk("k")]}).to_string())).await;
    let away = format!("location: {}/keys", elsewhere.url);
    let huge = format!("{{\"keys\":[],\"x\":\"{}\"}}", "a".repeat(2 << 20));
    for bytes in [
        reply(503, &[], ""),
        reply(404, &[], ""),
        reply(200, &["content-type: text/html"], "<html>"),
        answer(200, "{}"),
        answer(200, r#"{"keys":{}}"#),
        answer(200, &huge),
        reply(302, &[&away], ""),
    ] {
        let script = Script::always(bytes).await;
        let jwks_uri = Some(script.address("/keys"));
        let server = Server { issuer: ISSUER.to_owned(), jwks_uri, ..server(&script.url) };
        let outcome = identify(&http(), &server, &tokens(&token), &expected(None)).await;
        assert!(outcome.is_err() && !refused(&outcome), "{outcome:?}");
    }
    assert_eq!(elsewhere.targets(), [""; 0], "keys of another origin are nobody's");
}

#[tokio::test]
async fn without_keys_the_claims_are_marked_and_need_a_safe_line() {
    let base = server("https://as.example");
    let read = |server: Server, token: String| async move {
        identify(&http(), &server, &tokens(&token), &expected(Some(&Secret::new("n")))).await
    };
    let unsigned = |claims: &Value| format!("{}.{}.c2ln", encode(&value!({"alg": "RS256"})), encode(claims));
    let found = read(base.clone(), unsigned(&good())).await.expect("a verdict").expect("an account");
    assert!(!found.verified && found.subject == "s1");
    // A sloppy server may leave claims out, but a claim that disagrees is somebody else's.
    for name in ["iss", "aud", "exp", "iat"] {
        assert!(matches!(read(base.clone(), unsigned(&without(name))).await, Ok(Some(_))), "without {name}");
    }
    for (name, member) in forged().into_iter().filter(|(name, _)| *name != "at_hash") {
        let outcome = read(base.clone(), unsigned(&with(name, member.clone()))).await;
        assert!(refused(&outcome), "{name} {member}: {outcome:?}");
    }
    let none = format!("{}.{}.", encode(&value!({"alg": "none"})), encode(&good()));
    assert!(refused(&read(base.clone(), none).await));
    for text in ["", "a", "a.b.c", "a.b.c.d.e", "e30.e30.x"] {
        assert_eq!(read(base.clone(), text.to_owned()).await, Ok(None), "{text}");
    }
    let plain = Url::parse("http://as.example/token").expect("an address");
    assert_eq!(read(Server { token_endpoint: plain, ..base }, unsigned(&good())).await, Ok(None));
}

#[tokio::test]
async fn a_recent_proof_that_was_asked_for_must_be_there() {
    let provider = Provider::new().await;
    let asked = |age| Expected { max_age: Some(age), ..expected(None) };
    for (at, age, good) in [
        (Some(NOW - 300), 300, true),
        (Some(NOW - 420), 300, true),
        (Some(NOW - 421), 300, false),
        (Some(NOW), 0, true),
        (Some(i64::MIN), i64::MAX, false),
        (None, 300, false),
    ] {
        let claims = at.map_or_else(|| without("auth_time"), |at| with("auth_time", value!(at)));
        let outcome = identify(&http(), &provider.server, &tokens(&provider.token(&claims)), &asked(age)).await;
        assert_eq!(outcome.is_ok(), good, "{at:?} {age}: {outcome:?}");
    }
}

#[tokio::test]
async fn an_attempt_remembers_what_its_token_must_agree_with() {
    let provider = Provider::new().await;
    let scopes = ["openid".to_owned()];
    let attempt = Attempt::new(&provider.server, &client(), "http://127.0.0.1:1/", &scopes, None).expect("an attempt");
    let attempt = attempt.with("max_age", "60");
    let nonce = attempt.nonce.clone().expect("a nonce");
    let claims = |at: i64| {
        let mut claims = with("nonce", value!(nonce.expose()));
        claims["auth_time"] = value!(at);
        claims
    };
    for (claims, good) in [(claims(NOW), true), (claims(NOW - 181), false), (with("auth_time", value!(NOW)), false)] {
        let tokens = tokens(&provider.token(&claims));
        let outcome = attempt.identify(&http(), &provider.server, &tokens, NOW).await;
        assert_eq!(outcome.is_ok(), good, "{claims}: {outcome:?}");
    }
    let nobody = Tokens { id_token: None, ..tokens("") };
    assert_eq!(attempt.identify(&http(), &provider.server, &nobody, NOW).await, Ok(None));
}

#[test]
fn a_renewal_must_stay_with_the_same_person() {
    let known = Known { issuer: ISSUER, client_id: "client", subject: "s1", habits: Habits::default() };
    let signer = Signer::new();
    let of =
        |claims: &Value| same_subject(&Secret::new(signer.sign(&value!({"alg": "ES256", "kid": "k"}), claims)), &known);
    // A renewed token needs no nonce, and its time is that of the login.
    assert_eq!(of(&value!({"iss": ISSUER, "aud": ["client"], "sub": "s1"})), Ok(()));
    assert_eq!(of(&with("sub", value!("s2"))), Err(Error::AnotherAccount { issuer: ISSUER.to_owned() }));
    for claims in [
        with("iss", value!("https://evil.example")),
        with("aud", value!("other")),
        with("aud", value!(["client", "other"])),
        with("azp", value!("other")),
        with("sub", value!("")),
        without("iss"),
        without("aud"),
        without("sub"),
    ] {
        assert!(matches!(of(&claims), Err(Error::IdToken { .. })), "{claims}");
    }
    for text in ["", "a.b", "a.b.c.d.e"] {
        assert_eq!(same_subject(&Secret::new(text), &known), Ok(()), "{text} says nothing");
    }
}

proptest::proptest! {
    #[test]
    fn any_claims_are_judged_without_harm(
        names in proptest::collection::vec("(iss|aud|sub|exp|iat|nonce|azp|at_hash|auth_time)", 0..9),
        numbers in proptest::collection::vec(proptest::prelude::any::<i64>(), 9),
        texts in proptest::collection::vec(".{0,20}", 9),
        pick in proptest::collection::vec(0_u8..4, 9),
    ) {
        let member = |at: usize| match pick[at] {
            0 => value!(numbers[at]),
            1 => value!(texts[at]),
            2 => value!([texts[at], "client"]),
            _ => value!(numbers[at] as f64 * 1e10),
        };
        let members: Map<String, Value> =
            names.iter().enumerate().map(|(at, name)| (name.clone(), member(at))).collect();
        let claims = Claims { members: &members, strict: true };
        let nonce = Secret::new("the nonce that nobody guesses");
        let expected = Expected { max_age: Some(numbers[0]), now: numbers[1], ..expected(Some(&nonce)) };
        proptest::prop_assert!(claims.agree(&server(ISSUER), &expected).is_err());
    }
}
