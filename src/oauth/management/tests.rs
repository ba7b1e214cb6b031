//! A registration and its end, against scripted servers (RFC 7592).

use super::*;
use crate::oauth::client::AuthMethod;
use crate::oauth::testing::{Script, client, confidential, http, json, reply};
use crate::secret::Secret;

fn registered(script: &Script, client: Client) -> Client {
    let management = Management { uri: script.address("/register/c"), token: Secret::new("mt") };
    Client { registration: Some(management), redirect_uris: vec!["http://127.0.0.1/a".to_owned()], ..client }
}

fn reach(script: &Script) -> Reach {
    Reach::of(&script.address("/"))
}

/// A client as comparable text.
fn told(client: &Client) -> String {
    let shown = |secret: Option<&Secret>| secret.map_or("-".to_owned(), |secret| secret.expose().to_owned());
    let management = client.registration.as_ref().expect("a registration");
    let (method, uris) = (client.method.name(), client.redirect_uris.len());
    format!(
        "{} {} {method} {uris} {} {}",
        client.id,
        shown(client.secret.as_ref()),
        management.uri.path(),
        shown(Some(&management.token))
    )
}

#[tokio::test]
async fn the_record_is_asked_for_with_its_own_token() {
    let script = Script::always(json(200, "{}")).await;
    standing(&http(), &registered(&script, client()), reach(&script)).await;
    unregister(&http(), &registered(&script, client())).await.expect("ended");
    let seen = script.seen();
    let lines: Vec<&str> = seen.iter().map(|seen| seen.line.as_str()).collect();
    assert_eq!(lines, ["GET /register/c HTTP/1.1", "DELETE /register/c HTTP/1.1"]);
    assert!(seen.iter().all(|seen| seen.header("authorization") == Some("Bearer mt") && seen.body.is_empty()));
}

#[tokio::test]
async fn what_the_record_says_now_counts_and_what_it_leaves_out_stays() {
    let post = || confidential(AuthMethod::Post);
    for (before, body, expected) in [
        (client(), r#"{"client_id":"client"}"#, "client - none 1 /register/c mt"),
        (
            client(),
            r#"{"client_id":"other","registration_access_token":"x","registration_client_uri":"BASE/register/x"}"#,
            "client - none 1 /register/c mt",
        ),
        (client(), "[]", "client - none 1 /register/c mt"),
        (
            client(),
            r#"{"client_id":"client","registration_access_token":"new","registration_client_uri":"BASE/register/d",
                "redirect_uris":["http://127.0.0.1/a","http://127.0.0.1/b"]}"#,
            "client - none 2 /register/d new",
        ),
        // Codes of the next login would go elsewhere.
        (
            client(),
            r#"{"client_id":"client","redirect_uris":["https://evil.example/"],"registration_access_token":"new",
                "registration_client_uri":"BASE/register/d"}"#,
            "client - none 1 /register/c mt",
        ),
        // The token would go to a stranger.
        (
            client(),
            r#"{"client_id":"client","registration_access_token":"new","registration_client_uri":"http://evil.example/"}"#,
            "client - none 1 /register/c mt",
        ),
        (post(), r#"{"client_id":"a:b c"}"#, "a:b c p%+& client_secret_post 1 /register/c mt"),
        (
            post(),
            r#"{"client_id":"a:b c","client_secret":"fresh","token_endpoint_auth_method":"client_secret_basic"}"#,
            "a:b c fresh client_secret_basic 1 /register/c mt",
        ),
    ] {
        let script = Script::start(move |base, _| json(200, &body.replace("BASE", base))).await;
        match standing(&http(), &registered(&script, before), reach(&script)).await {
            Standing::Known(now) => assert_eq!(told(&now), expected, "{body}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn only_the_answer_of_the_standard_means_forgotten() {
    for (bytes, forgotten) in [
        (reply(401, &[], ""), true),
        (reply(403, &[], ""), false),
        (reply(404, &[], ""), false),
        (reply(405, &[], ""), false),
        (reply(500, &[], ""), false),
        (reply(302, &["location: /x"], ""), false),
        (Vec::new(), false),
    ] {
        let script = Script::always(bytes.clone()).await;
        let found = standing(&http(), &registered(&script, client()), reach(&script)).await;
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        match found {
            Standing::Forgotten => assert!(forgotten, "{shown}"),
            Standing::Untold => assert!(!forgotten, "{shown}"),
            Standing::Known(_) => panic!("{shown}"),
        }
    }
    let script = Script::always(Vec::new()).await;
    assert!(matches!(standing(&http(), &client(), reach(&script)).await, Standing::Untold));
    assert_eq!(script.targets(), Vec::<String>::new());
}

#[tokio::test]
async fn the_end_of_a_registration_has_four_outcomes() {
    for (status, expected) in [
        (204, Some(Unregistered::Ended)),
        (200, Some(Unregistered::Ended)),
        (401, Some(Unregistered::Gone)),
        (404, Some(Unregistered::Gone)),
        (405, Some(Unregistered::Unsupported)),
        (403, Some(Unregistered::Unsupported)),
        (503, None),
        (302, None),
        (400, None),
    ] {
        let script = Script::always(reply(status, &[], "")).await;
        assert_eq!(unregister(&http(), &registered(&script, client())).await.ok(), expected, "{status}");
    }
    assert_eq!(unregister(&http(), &client()).await, Ok(Unregistered::Unsupported));
}
