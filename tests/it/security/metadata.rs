//! Documents of strangers: what they say about others, and where they lead (S11, S12, S14, S38 to S41).

use keyward::machine::{Browser, BrowserError, Environment, SystemBrowser};
use keyward::report::Exit;
use keyward::sandbox::Faults;
use serde_json::{Value, json};
use url::Url;

use super::meddler::Meddler;
use crate::person::Forbidden;
use crate::wire::{Request, Wire, bare, json as answer, missing};
use crate::world::{Ran, World};

/// What an authorization server says about itself: its own addresses, changed by `edit`.
fn server(wire: &Wire, edit: &dyn Fn(&str, &mut Value)) -> Value {
    let url = wire.url();
    let mut document = json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "registration_endpoint": format!("{url}/register"),
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
    });
    edit(&url, &mut document);
    document
}

/// A protected server and its authorization server in one, with a document of the second that is edited.
pub fn guarded(edit: impl Fn(&str, &mut Value) + Send + Sync + 'static) -> Wire {
    guarded_by(|wire| json!({ "resource": format!("{}/mcp", wire.url()), "authorization_servers": [wire.url()] }), edit)
}

fn guarded_by(
    resource: impl Fn(&Wire) -> Value + Send + Sync + 'static,
    edit: impl Fn(&str, &mut Value) + Send + Sync + 'static,
) -> Wire {
    Wire::start(move |wire, request| match (request.method.as_str(), request.path()) {
        ("POST", "/mcp") => bare("401 Unauthorized", "WWW-Authenticate: Bearer\r\n"),
        (_, "/.well-known/oauth-protected-resource/mcp") => answer("200 OK", &resource(wire)),
        (_, "/.well-known/oauth-authorization-server") => answer("200 OK", &server(wire, &edit)),
        ("POST", "/register") => answer("201 Created", &registered(request)),
        _ => missing(),
    })
}

fn registered(request: &Request) -> Value {
    let sent: Value = serde_json::from_str(&request.body).unwrap_or_default();
    json!({ "client_id": "their-client", "redirect_uris": sent["redirect_uris"] })
}

/// A login that must fail before any browser opens.
fn login(wire: &Wire) -> Ran {
    let world = World::new().browser(Forbidden);
    let ran = world.run(&["login", &format!("{}/mcp", wire.url()), "--name", "box", "--timeout", "10"]);
    assert_eq!(world.config_text(), "", "{ran:?}");
    assert_ne!(ran.exit, Exit::Done, "{ran:?}");
    ran
}

#[test]
fn s11_an_attackers_server_that_sends_the_person_to_an_honest_one_gets_no_code() {
    let world = World::with_sandbox();
    let issuer = world.sandbox().issuer().to_owned();
    let honest = format!("{issuer}/authorize");
    let client = world.sandbox().control().register(&json!({
        "redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none",
    }));
    let id = client.expect("a client")["client_id"].as_str().expect("an id").to_owned();
    world.sandbox().control().decide(keyward::sandbox::Decision::Allow("alice".to_owned()));
    let attacker = Wire::start(move |wire, request| match (request.method.as_str(), request.path()) {
        ("POST", "/mcp") => bare("401 Unauthorized", "WWW-Authenticate: Bearer\r\n"),
        (_, "/.well-known/oauth-protected-resource/mcp") => answer(
            "200 OK",
            &json!({ "resource": format!("{}/mcp", wire.url()), "authorization_servers": [wire.url()] }),
        ),
        (_, "/.well-known/oauth-authorization-server") => {
            let honest = honest.clone();
            answer("200 OK", &server(wire, &move |_, document| document["authorization_endpoint"] = json!(honest)))
        }
        ("POST", "/register") => {
            let sent: Value = serde_json::from_str(&request.body).unwrap_or_default();
            answer("201 Created", &json!({ "client_id": id, "redirect_uris": sent["redirect_uris"] }))
        }
        _ => missing(),
    });
    let meddler = std::sync::Arc::new(Meddler::new(move |login| {
        // The honest server knows nothing of the attacker's resource.
        let mut page = login.page.clone();
        let pairs: Vec<(String, String)> = page
            .query_pairs()
            .filter(|(name, _)| name != "resource")
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        page.query_pairs_mut().clear().extend_pairs(pairs);
        let answer = super::meddler::Login { page }.true_answer();
        assert!(answer.contains("code=") && answer.contains("iss="), "{answer}");
        login.arrive(&answer);
    }));
    let line = ["login", &format!("{}/mcp", attacker.url()), "--name", "box", "--timeout", "15"];
    let ran = world.run_in(std::sync::Arc::clone(&meddler) as _, &line).failed(Exit::Server);
    meddler.join();
    assert!(ran.err.contains(&issuer), "the honest issuer is named: {ran:?}");
    assert_eq!(attacker.received("/token"), [], "the code stays here");
}

#[test]
fn s12_a_document_that_names_another_issuer_is_refused_before_the_browser_opens() {
    let wire = guarded(|_, document| document["issuer"] = json!("https://honest.example"));
    let ran = login(&wire).failed(Exit::Server);
    assert!(ran.err.contains("https://honest.example") && ran.err.contains(&wire.url()), "both are named: {ran:?}");
    assert_eq!(wire.received("/register"), []);
}

#[test]
fn s14_a_server_without_s256_is_refused_and_plain_is_never_sent() {
    for methods in [json!(null), json!([]), json!(["plain"]), json!(["s256"]), json!("S256")] {
        let wire = guarded(move |_, document| document["code_challenge_methods_supported"] = methods.clone());
        let ran = login(&wire).failed(Exit::Server);
        assert!(ran.err.contains("S256"), "{ran:?}");
    }
    // A server that puts its own method into the address would be believed before ours.
    let wire = guarded(|url, document| {
        document["authorization_endpoint"] = json!(format!("{url}/authorize?code_challenge_method=plain"));
    });
    assert!(login(&wire).err.contains("authorization_endpoint"));
}

#[test]
fn s38_endpoints_that_no_token_may_be_sent_to_are_refused_by_name() {
    for endpoint in ["authorization_endpoint", "token_endpoint", "registration_endpoint"] {
        for bad in [
            "http://as.example/x",
            "ftp://127.0.0.1/x",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "https://user:secret@as.example/x",
            "https://as.example/x#fragment",
            "//as.example/x",
            "not an address",
        ] {
            let wire = guarded(move |_, document| document[endpoint] = json!(bad));
            let ran = login(&wire);
            assert!(ran.err.contains(endpoint), "{endpoint} {bad}: {ran:?}");
            assert_eq!(wire.received("/register"), [], "{endpoint} {bad}");
        }
    }
}

#[test]
fn s39_a_hostile_authorization_endpoint_is_not_opened_or_is_one_intact_argument() {
    for bad in ["javascript:alert(1)", "file:///bin/sh", "\\\\\\\\evil\\\\share", "--version", "-h https://as.example"]
    {
        let wire = guarded(move |_, document| document["authorization_endpoint"] = json!(bad));
        assert!(login(&wire).err.contains("authorization_endpoint"), "{bad}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("arguments");
    let program = folder.path().join("browser");
    // Each argument on a line of its own, so that a split one would be seen.
    let script = format!(
        "#!/bin/sh\nfor word in \"$@\"; do printf '%s\\n' \"$word\"; done > {}.new\nmv {0}.new {0}\n",
        log.display()
    );
    std::fs::write(&program, script).expect("written");
    #[cfg(unix)]
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("executable");
    let long = format!("/{}", "a".repeat(8 << 10));
    for path in ["/a?x=$(touch%20x)&y=`id`", "/a?x=%5E%25PATH%25", "/a;x|y&z", "/'\"", "/a?-x=--y", long.as_str()] {
        let path = path.to_owned();
        let wire = guarded(move |url, document| document["authorization_endpoint"] = json!(format!("{url}{path}")));
        let browser = SystemBrowser::new(&Environment::of([("BROWSER", program.as_os_str())]));
        let denied = Denied { browser, log: log.clone() };
        let world = World::new().browser(denied);
        let ran = world.run(&["login", &format!("{}/mcp", wire.url()), "--name", "box", "--timeout", "20"]);
        assert_eq!(ran.exit, Exit::Denied, "{ran:?}");
        let words = std::fs::read_to_string(&log).expect("the browser was started");
        assert_eq!(words.lines().count(), 1, "{words}");
        assert!(words.starts_with(&wire.url()) && ran.err.contains(words.trim()), "{words} {ran:?}");
        std::fs::remove_file(&log).expect("removed");
    }
}

/// A real launcher, and somebody who says no as soon as it has started.
struct Denied {
    browser: SystemBrowser,
    log: std::path::PathBuf,
}

impl Browser for Denied {
    fn open(&self, page: &Url) -> Result<(), BrowserError> {
        self.browser.open(page)?;
        let (login, log) = (super::meddler::Login { page: page.clone() }, self.log.clone());
        std::thread::spawn(move || {
            while !log.exists() {
                std::thread::yield_now();
            }
            login.arrive(&format!("error=access_denied&state={}", login.state()));
        });
        Ok(())
    }
}

#[test]
fn s40_a_resource_document_about_another_resource_is_refused() {
    for resource in ["https://evil.example/mcp", "URL/other", "URL.evil.example/mcp", ""] {
        let wire = guarded_by(
            move |wire| json!({ "resource": resource.replace("URL", &wire.url()), "authorization_servers": [wire.url()] }),
            |_, _| {},
        );
        let ran = login(&wire).failed(Exit::Server);
        assert!(ran.err.contains("another resource"), "{resource}: {ran:?}");
    }
    let world = World::with_sandbox().browser(Forbidden);
    let resource_metadata_names = Some("https://evil.example/mcp".to_owned());
    world.sandbox().control().set(Faults { resource_metadata_names, ..Faults::default() });
    world.run(&["login", &world.resource(), "--name", "box"]).failed(Exit::Server);
}

/// A server whose answer to a registration is this one; `REDIRECT` in it becomes the address that was asked for.
fn registering(reply: impl Fn(&str) -> String + Send + Sync + 'static) -> Wire {
    let document = |wire: &Wire| server(wire, &|_, _| {});
    Wire::start(move |wire, request| match (request.method.as_str(), request.path()) {
        ("POST", "/mcp") => bare("401 Unauthorized", "WWW-Authenticate: Bearer\r\n"),
        (_, "/.well-known/oauth-authorization-server") => answer("200 OK", &document(wire)),
        ("POST", "/register") => {
            let sent: Value = serde_json::from_str(&request.body).unwrap_or_default();
            reply(sent["redirect_uris"][0].as_str().unwrap_or_default())
        }
        _ => missing(),
    })
}

/// An answer to a registration, made of the redirect address that was asked for.
type Trick = Box<dyn Fn(&str) -> String + Send + Sync>;

#[test]
fn s42_a_registration_with_tricks_is_refused_with_a_clear_message() {
    let created = |body: Value| answer("201 Created", &body);
    let tricks: [(&str, Trick); 8] = [
        (
            "redirect_uris",
            Box::new(move |_| created(json!({ "client_id": "c", "redirect_uris": ["https://evil.example/cb"] }))),
        ),
        ("redirect_uris", Box::new(move |_| created(json!({ "client_id": "c", "redirect_uris": [] })))),
        ("client id", Box::new(move |_| created(json!({ "client_id": "c".repeat(100 << 10) })))),
        ("client id", Box::new(move |_| created(json!({ "client_id": "" })))),
        ("client id", Box::new(move |_| created(json!({ "client_id": ["c"] })))),
        ("client id", Box::new(move |_| created(json!({ "client_id": "a\r\nX-Evil: 1" })))),
        ("client secret", Box::new(move |_| created(json!({ "client_id": "c", "client_secret": "s\r\nX: 1" })))),
        ("not JSON", Box::new(|_| crate::scripted::answer("201 Created", "text/html", "<html>welcome</html>"))),
    ];
    for (told, trick) in tricks {
        let ran = login(&registering(trick)).failed(Exit::Server);
        assert!(ran.err.contains(told), "{told}: {ran:?}");
        assert!(ran.err.len() < 2000 && !ran.err.contains("X-Evil"), "{ran:?}");
    }
}

#[test]
fn s42_a_secret_that_a_registration_adds_is_used_as_it_says_and_shown_nowhere() {
    let wire = registering(|redirect| {
        let client = json!({
            "client_id": "c", "client_secret": "canary-secret", "client_secret_expires_at": 0,
            "token_endpoint_auth_method": "client_secret_basic", "redirect_uris": [redirect],
        });
        answer("201 Created", &client)
    });
    let meddler = std::sync::Arc::new(Meddler::new(|login| {
        assert!(!login.page.as_str().contains("canary"));
        login.arrive(&format!("code=abc&state={}", login.state()));
    }));
    let world = World::new();
    let line = ["login", &format!("{}/mcp", wire.url()), "--name", "box", "--timeout", "15", "-vv"];
    let ran = world.run_in(std::sync::Arc::clone(&meddler) as _, &line);
    meddler.join();
    let sent = wire.received("/token");
    assert_eq!(sent.len(), 1, "{ran:?}");
    assert!(sent[0].header("authorization").is_some_and(|value| value.starts_with("Basic ")), "{sent:?}");
    assert!(!sent[0].body.contains("canary"), "{sent:?}");
    assert!(!ran.err.contains("canary") && !ran.out.contains("canary"), "{ran:?}");
}

/// A service whose document has these issuers and scopes.
fn naming(issuers: Value, scopes: Value) -> Wire {
    let document = move |wire: &Wire| {
        let issuers = if issuers.is_null() { json!([wire.url()]) } else { issuers.clone() };
        json!({ "resource": format!("{}/mcp", wire.url()), "authorization_servers": issuers, "scopes_supported": scopes })
    };
    guarded_by(document, |_, _| {})
}

#[test]
fn what_a_service_calls_its_issuer_or_its_scopes_never_becomes_a_sentence_of_ours() {
    for issuer in [
        "https://host.example/x`.\u{2003}To\u{2003}finish,\u{2003}run\u{2003}`curl",
        "https://host.example/\u{202e}x",
        "https://host.example/\u{2028}error:",
        "https://host.example/a`.b",
    ] {
        let ran = login(&naming(json!([issuer]), json!([]))).failed(Exit::Server);
        assert!(!ran.err.contains(['\u{202e}', '\u{2028}']) && !ran.err.contains("`."), "{ran:?}");
    }
    let long = format!("https://host.example/{}", "A".repeat(3000));
    let ran = login(&naming(json!([long]), json!([]))).failed(Exit::Server);
    assert!(ran.err.len() < 1500, "{}", ran.err.len());
    let wire = naming(Value::Null, json!(["good", "x\u{1b}]0;OWNED\u{7}", "a\nclient  none", "\u{202e}", "two words"]));
    let world = World::new().browser(Forbidden);
    let words = ["login", &format!("{}/mcp", wire.url()), "--name", "box", "--dry-run", "--json"];
    assert_eq!(world.run(&words).done().json()["scopes"], json!(["good", "a", "client", "none", "two", "words"]));
}

#[test]
fn a_name_below_localhost_is_no_address_of_this_machine() {
    for host in ["auth.localhost", "localhost."] {
        let wire = guarded(move |_, document| document["token_endpoint"] = json!(format!("http://{host}:1/token")));
        assert!(login(&wire).failed(Exit::Server).err.contains("`token_endpoint` is not usable"));
    }
}

#[test]
fn s40_a_document_for_a_whole_origin_counts_only_at_its_well_known_place() {
    let start = |well_known: bool| {
        Wire::start(move |wire, request| match (request.method.as_str(), request.path()) {
            ("POST", "/tenant/mcp") => {
                let place = if well_known { ".well-known/oauth-protected-resource" } else { "tenant/prm" };
                let header = format!("WWW-Authenticate: Bearer resource_metadata=\"{}/{place}\"\r\n", wire.url());
                bare("401 Unauthorized", &header)
            }
            (_, "/tenant/prm" | "/.well-known/oauth-protected-resource") => {
                answer("200 OK", &json!({ "resource": wire.url(), "authorization_servers": [wire.url()] }))
            }
            (_, "/.well-known/oauth-authorization-server") => answer("200 OK", &server(wire, &|_, _| {})),
            _ => missing(),
        })
    };
    for (well_known, exit) in [(true, Exit::Done), (false, Exit::Server)] {
        let wire = start(well_known);
        let world = World::new().browser(Forbidden);
        let words = ["login", &format!("{}/tenant/mcp", wire.url()), "--name", "box", "--dry-run", "--json"];
        assert_eq!(world.run(&words).exit, exit, "{well_known}");
    }
}
