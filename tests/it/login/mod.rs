//! Logging in through the sandbox: what is sent, what is stored, what is written down, what a person reads.

mod account;
mod browser;
mod device;
mod flags;
mod key;
mod many;
mod paste;

use keyward::report::Exit;
use keyward::sandbox::{Faults, ResponseIss};

use crate::person::{Forbidden, Nobody, Press};
use crate::world::{Missing, World};

#[test]
fn a_login_stores_a_grant_and_writes_down_what_it_learned() {
    let world = World::with_sandbox();
    let ran = world.run(&["login", &world.resource(), "--name", "box", "--json"]).done();
    let json = ran.json();
    assert_eq!(json["connection"], "box");
    assert_eq!(json["way"], "oauth");
    assert_eq!(json["renewable"], true);
    let status = world.run(&["status", "box", "--json"]).done().json();
    assert_eq!(status["connections"][0]["login"], "signed-in");
    assert_eq!(status["connections"][0]["issuer"], world.sandbox().issuer());
    assert_eq!(
        world.config_text(),
        format!("[connections.box]\nbackend = \"remote\"\nurl = \"{}\"\n", world.resource())
    );
}

#[test]
fn the_request_carries_state_pkce_the_resource_and_a_redirect_to_this_machine() {
    let world = World::signed_in();
    let authorize = world.sandbox().control().received("authorize");
    let sent = &authorize[0].parameters;
    assert_eq!(sent["response_type"], "code");
    assert_eq!(sent["code_challenge_method"], "S256");
    assert_eq!(sent["resource"], world.resource());
    assert!(sent["redirect_uri"].starts_with("http://127.0.0.1:"), "{sent:?}");
    assert!(sent.contains_key("state") && sent.contains_key("code_challenge"), "{sent:?}");
    let token = world.sandbox().control().received("token");
    assert_eq!(token.len(), 1);
    let sent = &token[0].parameters;
    assert_eq!(sent["grant_type"], "authorization_code");
    assert_eq!(sent["resource"], world.resource());
    assert!(sent.contains_key("code_verifier"), "{sent:?}");
}

#[test]
fn the_page_says_who_is_signed_in_where() {
    let world = World::signed_in();
    let pages = world.person.as_ref().expect("a person").pages();
    let page = pages.last().expect("one page");
    assert_eq!(page.status, 200);
    assert!(page.text.contains("box"), "{}", page.text);
    assert!(!page.address.as_str().contains("code="), "{}", page.address);
}

#[test]
fn a_second_login_reuses_the_registered_client() {
    let world = World::signed_in();
    world.run(&["login", "box"]).done();
    assert_eq!(world.sandbox().control().received("register").len(), 1);
    assert_eq!(world.sandbox().control().tokens_issued("authorization_code"), 2);
}

#[test]
fn a_refusal_stores_nothing_and_the_page_says_so() {
    let world = World::with_sandbox().person(Press::Deny);
    let ran = world.run(&["login", &world.resource(), "--name", "box", "--json"]).failed(Exit::Denied);
    assert_eq!(ran.json()["error"]["oauth_error"], "access_denied");
    assert_eq!(world.config_text(), "");
    assert!(world.sandbox().control().received("token").is_empty());
    let pages = world.person.as_ref().expect("a person").pages();
    let text = pages.last().expect("a page").text.to_lowercase();
    assert!(!text.contains("signed in"), "{text}");
}

#[test]
fn an_answer_of_another_issuer_ends_the_login_without_a_token_request() {
    let world = World::with_sandbox();
    let wrong = ResponseIss::Other("https://evil.example".to_owned());
    for response_iss in [wrong, ResponseIss::Omitted] {
        world.sandbox().control().set(Faults { response_iss, ..Faults::default() });
        let ran = world.run(&["login", &world.resource(), "--name", "box", "--json"]).failed(Exit::Server);
        assert_eq!(ran.json()["error"]["code"], "issuer_mismatch");
    }
    assert!(world.sandbox().control().received("token").is_empty());
}

#[test]
fn metadata_of_another_issuer_ends_the_login_before_the_browser_opens() {
    let world = World::with_sandbox().browser(Forbidden);
    let metadata_issuer = Some("https://evil.example".to_owned());
    world.sandbox().control().set(Faults { metadata_issuer, ..Faults::default() });
    let ran = world.run(&["login", &world.resource(), "--json"]).failed(Exit::Server);
    assert!(
        ran.json()["error"]["code"].as_str().is_some_and(|code| code == "issuer_mismatch" || code == "no_metadata")
    );
}

#[test]
fn a_server_without_s256_is_refused_before_the_browser_opens() {
    let world = World::with_sandbox().browser(Forbidden);
    world.sandbox().control().set(Faults { metadata_without_pkce: true, ..Faults::default() });
    let ran = world.run(&["login", &world.resource(), "--json"]).failed(Exit::Server);
    assert_eq!(ran.json()["error"]["code"], "no_s256");
}

#[test]
fn nothing_opens_when_the_store_cannot_keep_anything() {
    let world = World::with_sandbox().browser(Forbidden);
    world.store.fail_saves(Some(keyward::store::Error::Locked));
    let ran = world.run(&["login", &world.resource(), "--json"]).failed(Exit::Store);
    assert_eq!(ran.json()["error"]["code"], "store_locked");
    assert!(world.sandbox().control().received("register").is_empty());
}

#[test]
fn r18_a_missing_browser_is_not_the_end() {
    let world = World::with_sandbox().browser(Missing);
    let ran = world.run(&["login", &world.resource(), "--timeout", "10"]);
    assert_eq!(ran.exit, Exit::Network, "{ran:?}");
    assert!(ran.err.contains("/as/authorize?"), "the address is printed: {ran:?}");
    assert!(ran.err.contains("No browser was opened"), "{ran:?}");
}

#[test]
fn nobody_coming_back_is_a_time_out_that_stores_nothing() {
    let world = World::with_sandbox().browser(Nobody);
    let ran =
        world.run(&["login", &world.resource(), "--name", "box", "--timeout", "10", "--json"]).failed(Exit::Network);
    assert_eq!(ran.json()["error"]["code"], "login_timed_out");
    assert_eq!(ran.json()["error"]["retryable"], true);
    assert_eq!(world.config_text(), "");
}

#[test]
fn a_server_that_needs_no_login_becomes_a_connection_all_the_same() {
    let world = World::new().browser(Forbidden);
    let ran = world.run(&["login", &format!("http://{}/mcp", crate::scripted::open_mcp()), "--name", "open"]).done();
    assert!(ran.err.contains("without a login"), "{ran:?}");
    assert!(world.config_text().contains("way = \"none\""), "{}", world.config_text());
    assert!(world.run(&["tools"]).done().out.contains("open_hello"));
}

#[test]
fn a_web_page_is_no_server_and_is_not_written_down() {
    let page = crate::scripted::answer("200 OK", "text/html", "<html>a page</html>");
    let world = World::new().browser(Forbidden);
    world
        .run(&["login", &format!("http://{}/mcp", crate::scripted::always(page)), "--name", "open"])
        .failed(Exit::Server);
    assert_eq!(world.config_text(), "");
}

#[test]
fn a_token_is_not_sent_to_another_address_than_it_was_issued_for() {
    let world = World::signed_in();
    let elsewhere = format!("{}/tavily/mcp", world.sandbox().url());
    world.run(&["config", "set", "connections.box.url", &elsewhere]).done();
    for command in [vec!["token", "box"], vec!["call", "box_whoami"], vec!["status", "box"]] {
        world.sandbox().control().clear_record();
        let ran = world.run(&command);
        assert!(matches!(ran.exit, Exit::LoginRequired | Exit::Usage), "{command:?}: {ran:?}");
        assert_eq!(world.sandbox().control().record(), [], "{command:?}");
    }
    world.run(&["config", "set", "connections.box.url", &world.resource()]).done();
    world.run(&["token", "box"]).done();
    world.run(&["config", "set", "connections.box.issuer", "https://other.example"]).done();
    world.run(&["token", "box"]).failed(Exit::LoginRequired);
}

#[test]
fn tavily_signs_in_at_the_provider_that_its_remote_server_names() {
    let world = World::with_sandbox();
    let base = format!("{}/tavily", world.sandbox().url());
    let world = world.config(&format!("[connections.tavily]\nurl = \"{base}\"\nresource = \"{base}/mcp\"\n"));
    world.run(&["login", "tavily"]).done();
    let ran = world.run(&["call", "tavily_search", "query=oauth", "--json"]).done();
    assert_eq!(ran.json()["failed"], false, "{ran:?}");
}

#[test]
fn a_server_that_looks_at_the_request_before_it_asks_who_sends_it_is_asked_in_its_own_words() {
    let server = crate::scripted::each(|base, target, body| match target {
        "/mcp" if body.contains("\"initialize\"") => {
            let document = format!("{base}/document");
            format!(
                "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer resource_metadata=\"{document}\"\r\n\
                 Content-Length: 0\r\nConnection: close\r\n\r\n"
            )
        }
        "/document" => {
            let document = serde_json::json!({"resource": format!("{base}/mcp"), "authorization_servers": [format!("{base}/issuer")]});
            crate::scripted::answer("200 OK", "application/json", &document.to_string())
        }
        "/mcp" => crate::scripted::answer("400 Bad Request", "application/json", "{}"),
        _ => crate::scripted::answer("404 Not Found", "text/plain", ""),
    });
    let ran = World::new().run(&["login", &format!("http://{server}/mcp"), "--json"]);
    // It is known that there is a login, and where: only the issuer itself says nothing.
    assert!(ran.out.contains("no_metadata") && ran.out.contains("/issuer"), "{} {}", ran.out, ran.err);
}
