//! The checks of an authorization response, row by row.

use super::*;
use crate::oauth::testing::server;

const ISSUER: &str = "https://as.example/t";

fn pending(promises_iss: bool) -> Pending {
    let server = Server { promises_iss, issuer: ISSUER.to_owned(), ..server("https://as.example") };
    Pending::new(&server, Secret::new("the-state"))
}

/// A verdict as comparable text.
fn judge(promises_iss: bool, query: &str) -> String {
    told(pending(promises_iss).judge(query))
}

fn told(verdict: Verdict) -> String {
    match verdict {
        Verdict::Malformed => "malformed".to_owned(),
        Verdict::Foreign => "foreign".to_owned(),
        Verdict::Spent => "spent".to_owned(),
        Verdict::Answer(Ok(code)) => format!("code {}", code.expose()),
        Verdict::Answer(Err(error)) => error.to_string(),
    }
}

#[test]
fn only_the_whole_state_is_ours() {
    for state in [
        "",
        "state=",
        "state",
        "state=the-stat",
        "state=the-state2",
        "state=The-State",
        "state=the-state+",
        "state=%20the-state",
        "state=the-state%00",
        "STATE=the-state",
        "state%20=the-state",
        "x=the-state",
    ] {
        for rest in ["code=abc", "error=access_denied&error_description=canary", "code=abc&iss=https://as.example/t"] {
            let pending = pending(false);
            assert_eq!(told(pending.judge(&format!("{rest}&{state}"))), "foreign", "{state} {rest}");
            // And none of it has used up the attempt.
            assert_eq!(told(pending.judge("code=abc&state=the-state")), "code abc", "{state} {rest}");
        }
    }
}

#[test]
fn what_needs_guessing_is_refused_and_the_login_goes_on() {
    let long = format!("code={}&state=the-state", "a".repeat(5000));
    for query in [
        "code=a&code=a&state=the-state",
        "code=a&state=the-state&state=the-state",
        "code=a&state=other&state=the-state",
        "code=a&state=the-state&iss=x&iss=y",
        "error=a&error=b&state=the-state",
        "error=a&error_description=b&error_description=b&state=the-state",
        "code=a&%63ode=b&state=the-state",
        "code=a&scope=b&scope=c&state=the-state",
        "code=%&state=the-state",
        "code=%4&state=the-state",
        "code=%zz&state=the-state",
        "code=%+1&state=the-state",
        "code=%c0%af&state=the-state",
        "code=%ff&state=the-state",
        "code=a&x=%ff&state=the-state",
        long.as_str(),
    ] {
        let pending = pending(false);
        assert_eq!(told(pending.judge(query)), "malformed", "{query}");
        assert_eq!(told(pending.judge("code=abc&state=the-state")), "code abc", "{query}");
    }
}

#[test]
fn unknown_parameters_are_ignored_even_twice() {
    let query = "&session_state=x&session_state=y&authuser=0&Code=z&code=abc&&state=the-state&hd&prompt=none";
    assert_eq!(judge(false, query), "code abc");
}

#[test]
fn the_issuer_is_compared_as_plain_text_and_before_anything_else() {
    let mismatch = |received: &str| format!("expected an answer of the issuer `{ISSUER}`, received {received}");
    let of = |issuer: &str| mismatch(&format!("that of `{issuer}`"));
    for (promised, iss, expected) in [
        (true, "&iss=https://as.example/t", "code abc".to_owned()),
        (true, "&iss=https%3A%2F%2Fas.example%2Ft", "code abc".to_owned()),
        (true, "", mismatch("none")),
        (true, "&iss=", of("")),
        (true, "&iss=https://other.example", of("https://other.example")),
        (false, "", "code abc".to_owned()),
        (false, "&iss=https://as.example/t", "code abc".to_owned()),
        (false, "&iss=https://other.example", of("https://other.example")),
        (false, "&iss=https://as.example/t/", of("https://as.example/t/")),
        (false, "&iss=https://as.example/T", of("https://as.example/T")),
        (false, "&iss=HTTPS://as.example/t", of("HTTPS://as.example/t")),
        (false, "&iss=https://as.example:443/t", of("https://as.example:443/t")),
        (false, "&iss=https://as.example/%2574", of("https://as.example/%74")),
        (false, "&iss=https://as.example/t%20", of("https://as.example/t ")),
    ] {
        assert_eq!(judge(promised, &format!("code=abc&state=the-state{iss}")), expected, "{promised} {iss}");
    }
}

#[test]
fn error_texts_of_another_issuer_are_never_told() {
    for promised in [true, false] {
        let query =
            "error=canary&error_description=canary&error_uri=https://canary&state=the-state&iss=https://evil.example";
        let verdict = pending(promised).judge(query);
        assert!(!format!("{verdict:?}").contains("canary"), "{verdict:?}");
        assert!(!told(verdict).contains("canary"));
    }
}

#[test]
fn an_answer_is_a_code_or_an_error() {
    let unusable = |what: &str| format!("the answer of the authorization server cannot be used: {what}");
    for (query, expected) in [
        ("code=abc", "code abc".to_owned()),
        ("code=a%2Bb", "code a+b".to_owned()),
        ("code=abc&error=x", unusable("it holds a code and an error")),
        ("code=&error=", unusable("it holds a code and an error")),
        ("", unusable("it holds neither a code nor an error")),
        ("code=", unusable("its code is empty or has characters that no code has")),
        ("code=a+b", unusable("its code is empty or has characters that no code has")),
        ("code=a%0d%0ab", unusable("its code is empty or has characters that no code has")),
        ("code=a%00", unusable("its code is empty or has characters that no code has")),
        ("code=%c3%a9", unusable("its code is empty or has characters that no code has")),
        ("response=x&code=abc", unusable("it is packed in a way that was not asked for")),
    ] {
        let pending = pending(false);
        assert_eq!(told(pending.judge(&format!("state=the-state&{query}"))), expected, "{query}");
        assert_eq!(told(pending.judge("code=abc&state=the-state")), "spent", "{query}");
    }
}

#[test]
fn errors_are_told_apart() {
    let error = |query: &str| match pending(false).judge(&format!("state=the-state&{query}")) {
        Verdict::Answer(Err(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(error("error=access_denied"), Error::Denied { description: None });
    assert_eq!(
        error("error=access_denied&error_description=policy%1b%5b31m%0d%0aText"),
        Error::Denied { description: Some("policy[31mText".to_owned()) }
    );
    for (code, class) in [
        ("unmet_authentication_requirements", Class::Denied),
        ("invalid_request", Class::Configuration),
        ("unauthorized_client", Class::Configuration),
        ("unsupported_response_type", Class::Configuration),
        ("invalid_scope", Class::Configuration),
        ("invalid_target", Class::Configuration),
        ("invalid_request_uri", Class::Configuration),
        ("invalid_request_object", Class::Configuration),
        ("request_not_supported", Class::Configuration),
        ("request_uri_not_supported", Class::Configuration),
        ("registration_not_supported", Class::Configuration),
        ("server_error", Class::Server),
        ("temporarily_unavailable", Class::Server),
        ("something_new", Class::Server),
        ("login_required", Class::LoginRequired),
        ("interaction_required", Class::LoginRequired),
        ("consent_required", Class::LoginRequired),
        ("account_selection_required", Class::LoginRequired),
    ] {
        let expected = Error::AuthorizationError { class, code: code.to_owned(), description: None };
        assert_eq!(error(&format!("error={code}")), expected);
    }
    let long = error(&format!("error=x&error_description={}", "d".repeat(4000)));
    let expected =
        Error::AuthorizationError { class: Class::Server, code: "x".to_owned(), description: Some("d".repeat(300)) };
    assert_eq!(long, expected);
}

#[test]
fn one_answer_is_accepted_however_many_come_at_once() {
    let pending = pending(false);
    let codes = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..10).map(|_| scope.spawn(|| told(pending.judge("code=abc&state=the-state")))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).filter(|told| told == "code abc").count()
    });
    assert_eq!(codes, 1);
}

proptest::proptest! {
    #[test]
    fn without_the_state_no_text_is_an_answer(query in ".{0,200}") {
        let verdict = pending(false).judge(&query);
        proptest::prop_assert!(matches!(verdict, Verdict::Malformed | Verdict::Foreign), "{verdict:?}");
    }

    #[test]
    fn what_is_encoded_comes_back(code in "[!-~]{1,100}") {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("code", &code)
            .append_pair("state", "the-state")
            .finish();
        proptest::prop_assert_eq!(judge(true, &format!("{query}&iss=https%3A%2f%2Fas.example/t")), format!("code {code}"));
    }
}

#[test]
fn a_refusal_that_repeats_the_state_loses_it() {
    let told = judge(false, "state=the-state&error=access_denied&error_description=no+the-state+here");
    assert_eq!(told, "the access was refused: \"no [secret] here\"");
}
