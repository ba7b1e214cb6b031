//! Tokens and those who must not have them (S35 to S37, S50).

use keyward::report::Exit;
use keyward::sandbox::{Effect, TokenFault};
use serde_json::{Value, json};

use super::callback::login_with;
use crate::wire::{Wire, bare, json as answer, missing};
use crate::world::World;

fn token_fault(effect: Effect) -> TokenFault {
    TokenFault { grant_type: None, effect, ..TokenFault::default() }
}

#[test]
fn s35_a_redirect_of_the_token_endpoint_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let thief = Wire::start(|_, _| missing());
        let world = World::with_sandbox();
        let headers = vec![("Location".to_owned(), format!("{}/token", thief.url()))];
        let effect = Effect::Answer { status, headers, body: String::new() };
        world.sandbox().control().next_token(token_fault(effect));
        let ran = login_with(&world, |login, _| drop(login.allow()));
        assert_eq!(ran.exit, Exit::Server, "{status}: {ran:?}");
        assert_eq!(thief.record(), [], "{status}");
    }
}

/// A server that asks for a token, issues one itself, and sends whoever has one elsewhere.
pub fn protected(redirect: impl Fn(&Wire) -> String + Send + Sync + 'static) -> Wire {
    Wire::start(move |wire, request| {
        let url = wire.url();
        match (request.method.as_str(), request.path()) {
            ("POST", "/mcp") if request.header("authorization").is_some() => redirect(wire),
            ("POST", "/mcp") => bare("401 Unauthorized", "WWW-Authenticate: Bearer\r\n"),
            (_, "/.well-known/oauth-protected-resource/mcp") => {
                answer("200 OK", &json!({ "resource": format!("{url}/mcp"), "authorization_servers": [url] }))
            }
            (_, "/.well-known/oauth-authorization-server") => answer(
                "200 OK",
                &json!({
                    "issuer": url,
                    "authorization_endpoint": format!("{url}/authorize"),
                    "token_endpoint": format!("{url}/token"),
                    "registration_endpoint": format!("{url}/register"),
                    "code_challenge_methods_supported": ["S256"],
                }),
            ),
            ("POST", "/register") => {
                let sent: Value = serde_json::from_str(&request.body).unwrap_or_default();
                answer("201 Created", &json!({ "client_id": "c", "redirect_uris": sent["redirect_uris"] }))
            }
            ("GET", "/authorize") => {
                let sent: Vec<(String, String)> = url::Url::parse(&format!("{url}{}", request.target))
                    .map(|page| page.query_pairs().into_owned().collect())
                    .unwrap_or_default();
                let value = |name: &str| sent.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
                let (back, state) = (value("redirect_uri").unwrap_or_default(), value("state").unwrap_or_default());
                bare("302 Found", &format!("Location: {back}?code=canary-code&state={state}\r\n"))
            }
            ("POST", "/token") => answer(
                "200 OK",
                &json!({ "access_token": "canary-access", "token_type": "Bearer", "expires_in": 600, "refresh_token": "canary-refresh" }),
            ),
            _ => missing(),
        }
    })
}

#[test]
fn s36_a_redirect_of_the_service_gets_no_token() {
    let thief = Wire::start(|_, _| missing());
    let target = format!("{}/mcp", thief.url());
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let target = target.clone();
        let wire = protected(move |_| bare(status, &format!("Location: {target}\r\n")));
        let world = World::new().person(crate::person::Press::Allow);
        let ran = world.run(&["login", &format!("{}/mcp", wire.url()), "--name", "box", "--timeout", "15"]).done();
        assert!(ran.err.contains("tools could not be listed"), "{ran:?}");
        assert!(!wire.received("/mcp").is_empty());
        assert_eq!(thief.record(), [], "{status}");
    }
}

#[test]
fn s37_a_token_that_would_end_its_header_is_refused() {
    for token in ["a\r\nX-Evil: 1", "a\nb", "a b", "a\u{0}b", "", "t\u{f6}ken"] {
        let world = World::with_sandbox();
        let set = json!({ "access_token": token }).as_object().expect("an object").clone();
        world.sandbox().control().next_token(token_fault(Effect::Edit { set, remove: Vec::new() }));
        let ran = login_with(&world, |login, _| drop(login.allow()));
        assert_eq!(ran.exit, Exit::Server, "{token:?}: {ran:?}");
        assert!(ran.err.contains("no usable access token"), "{ran:?}");
        assert_eq!(world.config_text(), "");
    }
}

#[test]
fn s50_no_token_travels_in_an_address_or_a_referer() {
    let wire = protected(|_| bare("404 Not Found", ""));
    let world = World::new().person(crate::person::Press::Allow);
    world.run(&["login", &format!("{}/mcp", wire.url()), "--name", "box", "--timeout", "15"]).done();
    world.run(&["call", "box_anything"]);
    let record = wire.record();
    assert!(record.iter().any(|request| request.header("authorization") == Some("Bearer canary-access")), "{record:?}");
    for request in &record {
        assert!(!request.target.contains("canary"), "{request:?}");
        assert_eq!(request.header("referer"), None, "{request:?}");
        let elsewhere = request.head.lines().filter(|line| !line.to_lowercase().starts_with("authorization:"));
        assert!(elsewhere.collect::<String>().matches("canary").count() == 0, "{request:?}");
    }
}
