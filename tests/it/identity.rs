//! Who the program is at a provider: which identity comes first, how it is proven, and what becomes of one that the
//! provider has forgotten.

use keyward::report::Exit;
use keyward::store::Key;

use crate::issuer::{Issuer, Rules, Seen};
use crate::person::{Forbidden, Press};
use crate::world::{Ran, World};

const PEM: &str = include_str!("../../src/oauth/jose/p256.pem");

/// A world whose connection `box` is guarded by this issuer; `more` is the rest of its entry.
fn world(issuer: &Issuer, more: &str) -> World {
    let entry = format!("[connections.box]\nbackend = \"remote\"\nurl = \"{}\"\n{more}\n", issuer.resource());
    World::new().person(Press::Allow).config(&entry)
}

fn login(world: &World) -> Ran {
    world.run(&["login", "box", "--timeout", "20", "--json"])
}

fn code(ran: &Ran) -> String {
    ran.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
}

/// The client of each authorization request.
fn asked_as(issuer: &Issuer) -> Vec<String> {
    issuer.seen("GET", "/authorize").iter().map(|seen| seen.form["client_id"].clone()).collect()
}

fn token_requests(issuer: &Issuer) -> Vec<Seen> {
    issuer.seen("POST", "/token")
}

/// The public half of the key in [`PEM`].
fn public() -> Vec<u8> {
    use ring::signature::KeyPair as _;
    use rustls::pki_types::PrivatePkcs8KeyDer;
    use rustls::pki_types::pem::PemObject as _;
    let der = PrivatePkcs8KeyDer::from_pem_slice(PEM.as_bytes()).expect("a key");
    let random = ring::rand::SystemRandom::new();
    let signing = &ring::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
    let pair = ring::signature::EcdsaKeyPair::from_pkcs8(signing, der.secret_pkcs8_der(), &random).expect("a pair");
    pair.public_key().as_ref().to_vec()
}

#[test]
fn what_the_configuration_names_comes_first_then_a_document_then_a_registration() {
    let issuer = Issuer::start(Rules { documents: true, ..Rules::default() });
    issuer.admit("given", "none", b"");
    let document = "client_document = \"https://client.example/keyward.json\"";
    for (more, expected) in [
        (format!("client_id = \"given\"\n{document}"), "given"),
        (document.to_owned(), "https://client.example/keyward.json"),
        (
            format!("{document}\n[login]\nclient_document = \"https://other.example/c.json\""),
            "https://client.example/keyward.json",
        ),
        ("[login]\nclient_document = \"https://other.example/c.json\"".to_owned(), "https://other.example/c.json"),
    ] {
        login(&world(&issuer, &more)).done();
        assert_eq!(asked_as(&issuer).last().map(String::as_str), Some(expected), "{more}");
        assert_eq!(issuer.seen("POST", "/register").len(), 0, "{more}");
    }
    login(&world(&issuer, "")).done();
    assert_eq!(issuer.seen("POST", "/register").len(), 1);
    assert_eq!(asked_as(&issuer).last(), issuer.clients().first());
}

#[test]
fn a_document_is_no_identity_where_the_server_does_not_take_it() {
    let issuer = Issuer::start(Rules::default());
    login(&world(&issuer, "client_document = \"https://client.example/keyward.json\"")).done();
    assert_eq!(issuer.seen("POST", "/register").len(), 1);
    assert!(asked_as(&issuer).iter().all(|id| !id.contains("client.example")));
}

#[test]
fn without_any_identity_nothing_is_opened_and_the_id_is_asked_for() {
    let issuer = Issuer::start(Rules { registration: false, ..Rules::default() });
    let ran = login(&world(&issuer, "").browser(Forbidden)).failed(Exit::Configuration);
    assert_eq!(code(&ran), "client_id_needed");
}

#[test]
fn a_secret_is_kept_and_sent_in_the_way_that_the_server_lists() {
    for (methods, forced, expected) in [
        (vec!["client_secret_post", "client_secret_basic"], "", "client_secret_basic"),
        (vec!["client_secret_post"], "", "client_secret_post"),
        (vec!["client_secret_basic"], "client_auth = \"client_secret_post\"", "client_secret_post"),
    ] {
        let issuer = Issuer::start(Rules { auth_methods: methods, ..Rules::default() });
        issuer.admit("given", expected, b"canary-secret");
        let world = world(&issuer, &format!("client_id = \"given\"\n{forced}")).piping("canary-secret\n");
        let ran = world.run(&["login", "box", "--client-secret", "--timeout", "20"]).done();
        assert!(!format!("{ran:?}{}", world.config_text()).contains("canary"), "{ran:?}");
        // The next login needs no flag, and so does a renewal.
        login(&world).done();
        world.clock.forward(3600);
        world.run(&["token", "box"]).done();
        let seen = token_requests(&issuer);
        assert_eq!(seen.len(), 3);
        for seen in seen {
            let in_the_header = seen.headers.contains_key("authorization");
            assert_eq!(in_the_header, expected == "client_secret_basic", "{seen:?}");
        }
    }
}

#[test]
fn a_key_signs_an_assertion_for_each_request() {
    let issuer = Issuer::start(Rules { par: true, requires_par: true, ..Rules::default() });
    issuer.admit("given", "private_key_jwt", &public());
    let world = world(&issuer, "client_id = \"given\"").piping(PEM);
    let ran = world.run(&["login", "box", "--client-key", "--timeout", "20"]).done();
    assert!(!format!("{ran:?}{}", world.config_text()).contains("PRIVATE KEY"), "{ran:?}");
    world.clock.forward(3600);
    world.run(&["token", "box"]).done();
    // Pushed, exchanged, renewed: the server takes an assertion once, and each was taken.
    assert_eq!((issuer.seen("POST", "/par").len(), token_requests(&issuer).len()), (1, 2));
}

#[test]
fn a_secret_is_shown_to_no_other_issuer_and_belongs_to_one_client_id() {
    let (issuer, stranger) = (Issuer::start(Rules::default()), Issuer::start(Rules::default()));
    for one in [&issuer, &stranger] {
        one.admit("given", "client_secret_basic", b"canary-secret");
        one.admit("other", "client_secret_basic", b"canary-secret");
    }
    let world = world(&issuer, "client_id = \"given\"").piping("canary-secret");
    world.run(&["login", "box", "--client-secret", "--timeout", "20"]).done();
    world.run(&["config", "set", "connections.box.url", &stranger.resource()]).done();
    let ran = login(&world).failed(Exit::Configuration);
    assert_eq!(code(&ran), "client_secret_elsewhere");
    assert_eq!(token_requests(&stranger).len() + asked_as(&stranger).len(), 0);
    world.run(&["config", "set", "connections.box.url", &issuer.resource()]).done();
    world.run(&["config", "set", "connections.box.client_id", "other"]).done();
    assert_eq!(code(&login(&world).failed(Exit::Configuration)), "client_secret_elsewhere");
    world.run(&["config", "set", "connections.box.client_id", "given"]).done();
    login(&world).done();
}

#[test]
fn a_secret_belongs_to_an_issuer_from_the_first_login_on_and_not_from_a_rehearsal() {
    let issuer = Issuer::start(Rules::default());
    issuer.admit("given", "client_secret_basic", b"s");
    let world = world(&issuer, "client_id = \"given\"");
    let kept = keyward::secret::Secret::new(r#"{"client_id":"given","issuer":null,"secret":"s"}"#);
    world.keep(&Key::secret("box"), &kept);
    let bound = || world.stored(&Key::secret("box")).is_some_and(|secret| secret.expose().contains(&issuer.url));
    world.run(&["login", "box", "--dry-run"]).done();
    assert!(!bound());
    // Even a login that comes to nothing may have shown it.
    issuer.rules().refuses_clients = true;
    login(&world).failed(Exit::Configuration);
    assert!(bound());
}

#[test]
fn what_is_no_secret_or_key_is_not_kept() {
    let issuer = Issuer::start(Rules::default());
    for (flag, text, expected) in [
        ("--client-secret", "\n", "no_key"),
        ("--client-secret", "a\nb", "no_key"),
        ("--client-key", "hunter2", "bad_key"),
        ("--client-key", "", "no_key"),
        ("--client-key", include_str!("../../src/oauth/jose/encrypted.pem"), "bad_key"),
    ] {
        let world = world(&issuer, "client_id = \"given\"").piping(text).browser(Forbidden);
        let ran = world.run(&["login", "box", flag, "--json"]).failed(Exit::Usage);
        assert_eq!(code(&ran), expected, "{flag} {text:?}");
        assert!(world.stored(&Key::secret("box")).is_none());
    }
    let ran = world(&issuer, "").piping("s").run(&["login", "box", "--client-secret", "--json"]);
    assert_eq!(code(&ran.failed(Exit::Configuration)), "client_id_needed");
}

#[test]
fn a_method_that_lacks_its_means_is_refused_before_anybody_is_asked() {
    let issuer = Issuer::start(Rules::default());
    for method in ["client_secret_basic", "client_secret_post", "private_key_jwt"] {
        let world = world(&issuer, &format!("client_id = \"given\"\nclient_auth = \"{method}\"")).browser(Forbidden);
        assert_eq!(code(&login(&world).failed(Exit::Configuration)), "client_unusable", "{method}");
    }
}

#[test]
fn the_secret_of_a_registration_and_its_method_are_honoured_to_the_end() {
    let issuer = Issuer::start(Rules { auth_methods: vec!["client_secret_post"], ..Rules::default() });
    let world = world(&issuer, "");
    login(&world).done();
    world.clock.forward(3600);
    world.run(&["token", "box"]).done();
    world.run(&["logout", "box"]).done();
    let all = [token_requests(&issuer), issuer.seen("POST", "/revoke")].concat();
    assert!(all.len() >= 3 && all.iter().all(|seen| seen.form["client_secret"].starts_with("secret-")), "{all:?}");
    login(&world).done();
    assert_eq!(issuer.seen("POST", "/register").len(), 1, "a logout keeps the registration");
}

#[test]
fn a_secret_that_ends_leads_to_another_registration() {
    let rules = Rules { auth_methods: vec!["client_secret_basic"], secrets_end: 1_800_001_000, ..Rules::default() };
    let issuer = Issuer::start(rules);
    let world = world(&issuer, "");
    login(&world).done();
    login(&world).done();
    assert_eq!(issuer.seen("POST", "/register").len(), 1);
    world.clock.forward(1000);
    login(&world).done();
    assert_eq!(issuer.seen("POST", "/register").len(), 2);
}

#[test]
fn a_registration_that_the_server_has_forgotten_is_renewed_before_the_browser_opens() {
    let issuer = Issuer::start(Rules::default());
    let world = world(&issuer, "");
    login(&world).done();
    issuer.forget_clients();
    login(&world).done();
    assert_eq!((issuer.seen("POST", "/register").len(), asked_as(&issuer).len()), (2, 2));
    assert_eq!(asked_as(&issuer).last(), issuer.clients().first());
}

#[test]
fn a_rotated_management_token_is_kept() {
    let issuer = Issuer::start(Rules::default());
    let world = world(&issuer, "");
    for _ in 0..3 {
        login(&world).done();
    }
    // Each reading makes the token anew, so the second one proves that the first answer was kept.
    let seen = issuer.seen("GET", "/register/");
    assert_eq!(seen.len(), 2);
    assert_ne!(seen[0].headers["authorization"], seen[1].headers["authorization"]);
    assert_eq!(issuer.seen("POST", "/register").len(), 1);
}

#[test]
fn r23_a_client_that_the_token_endpoint_has_forgotten_is_registered_anew_once() {
    let issuer = Issuer::start(Rules { management: false, ..Rules::default() });
    let world = world(&issuer, "");
    login(&world).done();
    let first = asked_as(&issuer)[0].clone();
    // The page still works; only the exchange says that the client is gone.
    issuer.forget_clients();
    issuer.admit(&first, "client_secret_basic", b"changed");
    let ran = login(&world).done();
    assert!(ran.err.contains("registered anew"), "{ran:?}");
    assert_eq!(issuer.seen("POST", "/register").len(), 2);
    assert_eq!(asked_as(&issuer).len(), 3);
}

#[test]
fn a_server_that_refuses_every_client_ends_the_login_and_not_the_older_grant() {
    for par in [false, true] {
        let issuer = Issuer::start(Rules { management: false, par, requires_par: par, ..Rules::default() });
        let world = world(&issuer, "");
        login(&world).done();
        let token = world.run(&["token", "box"]).done().out;
        issuer.rules().refuses_clients = true;
        let ran = login(&world).failed(Exit::Configuration);
        assert_eq!(code(&ran), "client_refused");
        assert_eq!(issuer.seen("POST", "/register").len(), 2, "one more registration, and no other");
        assert_eq!(world.run(&["token", "box"]).done().out, token, "the older grant still works");
        // The next login tries once more, not for ever.
        login(&world).failed(Exit::Configuration);
        assert_eq!(issuer.seen("POST", "/register").len(), 3);
    }
}

#[test]
fn a_renewal_registers_nothing_and_the_next_login_does() {
    let issuer = Issuer::start(Rules { management: false, ..Rules::default() });
    let world = world(&issuer, "");
    login(&world).done();
    issuer.forget_clients();
    world.clock.forward(3600);
    let ran = world.run(&["token", "box", "--json"]).failed(Exit::Configuration);
    assert_eq!(code(&ran), "renewal_refused");
    assert_eq!(issuer.seen("POST", "/register").len(), 1);
    assert!(world.stored(&Key::grant("box")).is_some(), "the grant is not deleted");
    login(&world).done();
    assert_eq!(issuer.seen("POST", "/register").len(), 2);
    assert_eq!(asked_as(&issuer).len(), 2, "the forgotten client is not tried first");
}

#[test]
fn where_requests_are_pushed_the_browser_carries_a_reference() {
    for (rules, more) in [
        (Rules { par: true, requires_par: true, ..Rules::default() }, ""),
        (Rules { par: true, ..Rules::default() }, "par = true"),
    ] {
        let issuer = Issuer::start(rules);
        let ran = world(&issuer, more).run(&["login", "box", "--timeout", "20"]).done();
        assert!(ran.err.contains("keeps this request for 60 s"), "{ran:?}");
        let seen = issuer.seen("GET", "/authorize");
        let names: Vec<&String> = seen[0].form.keys().collect();
        assert_eq!(names, ["client_id", "request_uri"]);
        assert_eq!(issuer.seen("POST", "/par")[0].form["resource"], issuer.resource());
    }
    let issuer = Issuer::start(Rules { par: true, ..Rules::default() });
    login(&world(&issuer, "")).done();
    assert_eq!(issuer.seen("POST", "/par").len(), 0, "nobody asked for it");
}

#[test]
fn a_pushed_request_finds_out_about_a_forgotten_client_before_the_browser_opens() {
    let issuer = Issuer::start(Rules { management: false, par: true, requires_par: true, ..Rules::default() });
    let world = world(&issuer, "");
    login(&world).done();
    issuer.forget_clients();
    login(&world).done();
    assert_eq!((issuer.seen("POST", "/register").len(), asked_as(&issuer).len()), (2, 2));
}

#[test]
fn a_pushed_request_that_is_refused_opens_no_browser() {
    let rules = Rules { par: true, requires_par: true, refuses_pushed: Some("invalid_scope"), ..Rules::default() };
    let issuer = Issuer::start(rules);
    let ran = login(&world(&issuer, "").browser(Forbidden)).failed(Exit::Configuration);
    assert_eq!(ran.json()["error"]["oauth_error"], "invalid_scope");
    let issuer = Issuer::start(Rules { requires_par: true, ..Rules::default() });
    assert_eq!(code(&login(&world(&issuer, "").browser(Forbidden)).failed(Exit::Server)), "wrong_answer");
}

#[test]
fn a_logout_that_forgets_the_client_ends_its_registration() {
    let issuer = Issuer::start(Rules::default());
    let world = world(&issuer, "");
    login(&world).done();
    let ran = world.run(&["logout", "box", "--forget-client", "--json"]).done();
    assert_eq!(ran.json()["connections"][0]["client"], "ended");
    assert_eq!(issuer.clients(), Vec::<String>::new());
    login(&world).done();
    assert_eq!(issuer.seen("POST", "/register").len(), 2);
    let ran = world.run(&["logout", "box", "--forget-client", "--local-only", "--json"]).done();
    assert_eq!(ran.json()["connections"][0]["client"], "stays");
    assert_eq!(issuer.seen("DELETE", "/register/").len(), 1);
}

#[test]
fn what_the_server_says_to_the_end_of_a_registration_is_told_and_the_copy_goes() {
    for (status, expected) in [(405, "stays"), (404, "ended"), (500, "failed")] {
        let issuer = Issuer::start(Rules { delete: status, ..Rules::default() });
        let world = world(&issuer, "");
        login(&world).done();
        let ran = world.run(&["logout", "box", "--forget-client", "--json"]).done();
        assert_eq!(ran.json()["connections"][0]["client"], expected, "{status}");
        assert!(world.stored(&Key::client(&issuer.url)).is_none(), "{status}");
    }
}

#[test]
fn a_registration_stays_while_another_connection_is_signed_in_with_it() {
    let issuer = Issuer::start(Rules::default());
    let other = format!("[connections.twin]\nbackend = \"remote\"\nurl = \"{}\"", issuer.resource());
    let world = world(&issuer, &other);
    login(&world).done();
    world.run(&["login", "twin", "--timeout", "20"]).done();
    assert_eq!(issuer.clients().len(), 1);
    let ran = world.run(&["logout", "box", "--forget-client"]).done();
    assert!(ran.err.contains("`twin` is signed in with it"), "{ran:?}");
    assert_eq!(issuer.seen("DELETE", "/register/").len(), 0);
    world.clock.forward(3600);
    world.run(&["token", "twin"]).done();
}

#[test]
fn a_client_that_no_login_came_of_can_be_forgotten() {
    let issuer = Issuer::start(Rules::default());
    let world = world(&issuer, "").person(Press::Allow);
    login(&world).done();
    world.run(&["logout", "box"]).done();
    world.run(&["logout", "box", "--forget-client"]).done();
    assert_eq!(issuer.clients(), Vec::<String>::new());
}

#[test]
fn a_forgotten_client_takes_its_secret_along() {
    let issuer = Issuer::start(Rules::default());
    issuer.admit("given", "client_secret_basic", b"s");
    let world = world(&issuer, "client_id = \"given\"").piping("s");
    world.run(&["login", "box", "--client-secret", "--timeout", "20"]).done();
    world.run(&["logout", "box"]).done();
    assert!(world.stored(&Key::secret("box")).is_some());
    world.run(&["logout", "box", "--forget-client"]).done();
    assert!(world.stored(&Key::secret("box")).is_none());
}

#[test]
fn a_client_logs_in_without_a_person() {
    let issuer = Issuer::start(Rules::default());
    issuer.admit("robot", "client_secret_basic", b"canary-secret");
    let entry = "way = \"client-credentials\"\nclient_id = \"robot\"\nscopes = [\"a\"]";
    let world = world(&issuer, entry).browser(Forbidden).piping("canary-secret");
    let ran = world.run(&["login", "box", "--client-secret", "--json"]).done();
    assert_eq!(ran.json()["way"], "client-credentials");
    let seen = &token_requests(&issuer)[0];
    let sent: Vec<(&str, &str)> = seen.form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let resource = issuer.resource();
    assert_eq!(sent, [("grant_type", "client_credentials"), ("resource", &resource), ("scope", "a")]);
    assert!(world.run(&["token", "box"]).done().out.starts_with("token-"));
    assert_eq!(token_requests(&issuer).len(), 1, "the token is kept");
    assert_eq!(world.run(&["status", "box", "--json"]).done().json()["connections"][0]["way"], "client-credentials");
    world.run(&["logout", "box"]).done();
    assert_eq!(issuer.seen("POST", "/register").len(), 0);
}

#[test]
fn a_client_without_a_secret_or_an_id_is_told_what_is_missing() {
    let issuer = Issuer::start(Rules::default());
    issuer.admit("robot", "none", b"");
    let way = "way = \"client-credentials\"";
    for (more, expected) in
        [(format!("{way}\nclient_id = \"robot\""), "client_secret_needed"), (way.to_owned(), "client_id_needed")]
    {
        let world = world(&issuer, &more).browser(Forbidden);
        assert_eq!(code(&login(&world).failed(Exit::Configuration)), expected);
        assert_eq!(token_requests(&issuer).len() + issuer.seen("POST", "/register").len(), 0);
    }
}

#[test]
fn an_issuer_that_is_configured_with_a_slash_more_is_still_the_one_of_the_login() {
    let issuer = Issuer::start(Rules::default());
    issuer.admit("given", "client_secret_basic", b"s");
    let root = url::Url::parse(&issuer.resource()).expect("an address").origin().ascii_serialization();
    for spelled in [root.clone(), format!("{root}/")] {
        let world = world(&issuer, &format!("client_id = \"given\"\nissuer = \"{spelled}\"")).piping("s");
        world.run(&["login", "box", "--client-secret", "--timeout", "20"]).done();
        // The secret and the tokens belong to the issuer by either name.
        login(&world).done();
        world.run(&["token", "box"]).done();
    }
    let world = world(&issuer, &format!("client_id = \"given\"\nissuer = \"{root}\"")).piping("s");
    world.run(&["login", "box", "--client-secret", "--timeout", "20"]).done();
    let elsewhere = world.config_text().replace(&format!("issuer = \"{root}\""), "issuer = \"https://as.example\"");
    world.config(&elsewhere).run(&["token", "box"]).failed(Exit::LoginRequired);
}

#[test]
fn a_client_that_was_registered_for_less_is_not_used_to_ask_for_more() {
    let issuer = Issuer::start(Rules::default());
    let world = world(&issuer, "");
    let registered = || -> Vec<Option<String>> {
        let scope = |seen: &Seen| {
            let body: serde_json::Value = serde_json::from_str(&seen.body).expect("JSON");
            body["scope"].as_str().map(str::to_owned)
        };
        issuer.seen("POST", "/register").iter().map(scope).collect()
    };
    login(&world).done();
    login(&world).done();
    assert_eq!(registered(), [Some("offline_access".to_owned())]);
    for _ in 0..2 {
        world.run(&["login", "box", "--scope", "a,b", "--timeout", "20"]).done();
        assert_eq!(registered()[1..], [Some("offline_access a b".to_owned())]);
    }
    world.run(&["login", "box", "--scope", "a", "--timeout", "20"]).done();
    assert_eq!(registered().len(), 2, "less is no reason to register");
    assert_eq!(asked_as(&issuer).last(), issuer.clients().last());
}

#[test]
fn a_configured_issuer_may_be_in_another_network_than_the_service() {
    let issuer = Issuer::start(Rules::default());
    let root = url::Url::parse(&issuer.resource()).expect("an address").origin().ascii_serialization();
    let entry = |issuer: &str| {
        format!(
            "[connections.box]\nbackend = \"remote\"\nurl = \"https://mcp.example.com/mcp\"\nissuer = \"{issuer}\"\n"
        )
    };
    let world = World::new().person(Press::Allow).config(&entry(&root));
    world.run(&["login", "box", "--timeout", "20", "-q"]).done();
    assert_eq!(token_requests(&issuer)[0].form["resource"], "https://mcp.example.com/mcp");
    // From a public issuer nothing leads here.
    let ran = World::new().browser(Forbidden).config(&entry("https://as.example")).run(&["login", "box", "--dry-run"]);
    assert_ne!(ran.exit, Exit::Done);
}
