//! Discovery against scripted servers.

use http::{HeaderMap, HeaderValue, Method};
use serde_json::json as value;

use super::*;
use crate::oauth::error::{Error, Why};
use crate::oauth::habits::Habits;
use crate::oauth::reach::Reach;
use crate::oauth::testing::{Script, Seen, http, json, reply};

fn policy(server: &Script) -> Policy {
    Policy { require_s256: true, reach: Reach::of(&server.address("/")), habits: Habits::default() }
}

fn metadata(base: &str, issuer: &str) -> serde_json::Value {
    value!({
        "issuer": issuer,
        "authorization_endpoint": format!("{base}/authorize"),
        "token_endpoint": format!("{base}/token"),
        "code_challenge_methods_supported": ["plain", "S256"],
    })
}

fn host(server: &Script) -> String {
    server.url.trim_start_matches("http://").to_owned()
}

const CANDIDATES: [&str; 3] = [
    "/.well-known/oauth-authorization-server/t",
    "/.well-known/openid-configuration/t",
    "/t/.well-known/openid-configuration",
];

/// The `n`th candidate succeeds, those before it give `bad`.
async fn nth(n: usize, bad: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Script {
    Script::start(move |base, seen: &Seen| {
        if CANDIDATES.get(n).is_some_and(|good| *good == seen.target()) {
            json(200, &metadata(base, &format!("{base}/t")).to_string())
        } else {
            bad(base)
        }
    })
    .await
}

#[tokio::test]
async fn r25_what_is_not_the_document_leads_to_the_next_address() {
    type Bad = fn(&str) -> Vec<u8>;
    let bad: [(&str, Bad); 9] = [
        ("404", |_| json(404, "{}")),
        ("405", |_| reply(405, &[], "")),
        ("403", |_| reply(403, &[], "no")),
        ("a page", |_| reply(200, &["content-type: text/html"], "<!doctype html>")),
        ("nothing", |_| reply(200, &[], "")),
        ("an array", |_| json(200, "[]")),
        ("no issuer", |_| json(200, "{\"token_endpoint\":\"https://as.example/token\"}")),
        ("another issuer", |base| json(200, &metadata(base, "https://other.example").to_string())),
        ("another origin", |_| reply(302, &["location: https://other.example/"], "")),
    ];
    for (name, bad) in bad {
        for n in 0..3 {
            let server = nth(n, bad).await;
            let found = discover_issuer(&http(), &format!("{}/t", server.url), policy(&server)).await;
            assert_eq!(found.map(|found| found.issuer), Ok(format!("{}/t", server.url)), "{name} {n}");
            assert_eq!(server.targets(), CANDIDATES[..=n], "{name} {n}");
        }
    }
}

#[tokio::test]
async fn r25_trouble_ends_the_search_at_once() {
    for status in [500, 502, 503, 429] {
        let server = nth(1, move |_| reply(status, &["retry-after: 7"], "<html>")).await;
        let found = discover_issuer(&http(), &format!("{}/t", server.url), policy(&server)).await;
        let retry_after = Some(std::time::Duration::from_secs(7));
        assert_eq!(found, Err(Error::Server { host: host(&server), status, retry_after }));
        assert_eq!(server.targets(), CANDIDATES[..1]);
    }
    let server = nth(1, |_| b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec()).await;
    let found = discover_issuer(&http(), &format!("{}/t", server.url), policy(&server)).await;
    assert!(matches!(found, Err(Error::Network(crate::http::Error::Broken { .. }))), "{found:?}");
    assert_eq!(server.targets(), CANDIDATES[..1]);
}

#[tokio::test]
async fn the_most_telling_reason_is_reported_when_no_address_has_the_document() {
    let server = nth(9, |_| json(404, "{}")).await;
    let issuer = format!("{}/t", server.url);
    let found = discover_issuer(&http(), &issuer, policy(&server)).await;
    assert_eq!(found, Err(Error::NoMetadata { issuer: issuer.clone() }));

    let server = nth(9, |_| reply(200, &[], "<html>")).await;
    let found = discover_issuer(&http(), &format!("{}/t", server.url), policy(&server)).await;
    assert_eq!(found, Err(Error::NotJson { host: host(&server), status: 200 }));

    let server = nth(9, |base| json(200, &metadata(base, "https://honest.example").to_string())).await;
    let issuer = format!("{}/t", server.url);
    let found = discover_issuer(&http(), &issuer, policy(&server)).await;
    assert_eq!(found, Err(Error::IssuerMismatch { expected: issuer, received: "https://honest.example".to_owned() }));
}

#[tokio::test]
async fn r26_a_final_slash_is_tolerated_at_the_root_only() {
    for (path, ours, theirs, same) in [
        ("", "", "", true),
        ("", "", "/", true),
        ("", "/", "", true),
        ("", "/", "/", true),
        ("/t", "", "/", false),
        ("/t", "/", "", false),
    ] {
        let server =
            Script::start(move |base, _| json(200, &metadata(base, &format!("{base}{path}{theirs}")).to_string()))
                .await;
        let issuer = |slash| format!("{}{path}{slash}", server.url);
        let found = discover_issuer(&http(), &issuer(ours), policy(&server)).await.map(|found| found.issuer);
        let expected = if same {
            Ok(issuer(theirs))
        } else {
            Err(Error::IssuerMismatch { expected: issuer(ours), received: issuer(theirs) })
        };
        assert_eq!(found, expected, "{path} {ours} {theirs}");
    }
}

#[tokio::test]
async fn all_that_is_used_is_read() {
    let server = Script::start(|base, _| {
        let mut members = metadata(base, base);
        for (name, value) in [
            ("registration_endpoint", value!(format!("{base}/register"))),
            ("revocation_endpoint", value!(format!("{base}/revoke"))),
            ("device_authorization_endpoint", value!(format!("{base}/device"))),
            ("pushed_authorization_request_endpoint", value!(format!("{base}/par"))),
            ("introspection_endpoint", value!(format!("{base}/introspect"))),
            ("userinfo_endpoint", value!(format!("{base}/userinfo"))),
            ("end_session_endpoint", value!(format!("{base}/end"))),
            ("jwks_uri", value!(format!("{base}/keys"))),
            ("grant_types_supported", value!(["authorization_code", "client_credentials"])),
            ("token_endpoint_auth_signing_alg_values_supported", value!(["ES256"])),
            ("dpop_signing_alg_values_supported", value!(["ES256", "EdDSA"])),
            ("id_token_signing_alg_values_supported", value!(["RS256"])),
            ("require_pushed_authorization_requests", value!(true)),
            ("scopes_supported", value!(["openid", 7, "offline_access"])),
            ("token_endpoint_auth_methods_supported", value!(["none"])),
            ("authorization_response_iss_parameter_supported", value!(true)),
            ("client_id_metadata_document_supported", value!(true)),
            ("unknown", value!({"a": [1]})),
        ] {
            members[name] = value;
        }
        json(200, &members.to_string())
    })
    .await;
    let found = discover_issuer(&http(), &server.url, policy(&server)).await;
    let expected = Server {
        issuer: server.url.clone(),
        authorization_endpoint: Some(server.address("/authorize")),
        token_endpoint: server.address("/token"),
        registration_endpoint: Some(server.address("/register")),
        revocation_endpoint: Some(server.address("/revoke")),
        device_authorization_endpoint: Some(server.address("/device")),
        pushed_authorization_request_endpoint: Some(server.address("/par")),
        introspection_endpoint: Some(server.address("/introspect")),
        userinfo_endpoint: Some(server.address("/userinfo")),
        end_session_endpoint: Some(server.address("/end")),
        jwks_uri: Some(server.address("/keys")),
        grant_types: Some(vec!["authorization_code".to_owned(), "client_credentials".to_owned()]),
        assertion_algorithms: vec!["ES256".to_owned()],
        dpop_algorithms: vec!["ES256".to_owned(), "EdDSA".to_owned()],
        id_token_algorithms: vec!["RS256".to_owned()],
        requires_par: true,
        scopes: vec!["openid".to_owned(), "offline_access".to_owned()],
        code_challenge_methods: vec!["plain".to_owned(), "S256".to_owned()],
        auth_methods: Some(vec!["none".to_owned()]),
        promises_iss: true,
        accepts_client_documents: true,
        habits: Habits::default(),
        reach: policy(&server).reach,
    };
    assert_eq!(found.as_ref(), Ok(&expected));
    let kept = serde_json::to_string(&expected).expect("serialisable");
    assert_eq!(serde_json::from_str::<Server>(&kept).expect("readable"), expected);
    assert_eq!(server.seen()[0].header("accept"), Some("application/json"));
    assert_eq!(server.seen()[0].header("authorization"), None);
}

#[tokio::test]
async fn a_server_without_s256_is_refused_unless_the_policy_knows_better() {
    for methods in [value!(null), value!([]), value!(["plain"]), value!(["s256"]), value!("S256")] {
        let listed = methods.clone();
        let server = Script::start(move |base, _| {
            let mut members = metadata(base, base);
            members["code_challenge_methods_supported"] = listed.clone();
            json(200, &members.to_string())
        })
        .await;
        let found = discover_issuer(&http(), &server.url, policy(&server)).await;
        assert_eq!(found, Err(Error::NoS256 { issuer: server.url.clone() }), "{methods}");
        let lenient = Policy { require_s256: false, ..policy(&server) };
        assert!(discover_issuer(&http(), &server.url, lenient).await.is_ok(), "{methods}");
    }
}

#[tokio::test]
async fn a_bad_endpoint_is_named_and_the_document_refused() {
    for (which, url, why) in [
        ("authorization_endpoint", "javascript:alert(1)", Why::NotHttps),
        ("authorization_endpoint", "https://as.example/?state=x", Why::Parameter),
        ("authorization_endpoint", "https://as.example/?a=b&code%5Fchallenge_method=plain", Why::Parameter),
        ("token_endpoint", "http://as.example/token", Why::NotHttps),
        ("token_endpoint", "https://u:p@as.example/token", Why::UserInfo),
        ("registration_endpoint", "file:///etc/passwd", Why::NotHttps),
        ("revocation_endpoint", "https://as.example/revoke#x", Why::Fragment),
        ("device_authorization_endpoint", "https://169.254.169.254/", Why::Private),
        ("pushed_authorization_request_endpoint", "https://10.0.0.1/", Why::Private),
        ("introspection_endpoint", "http://as.example/", Why::NotHttps),
        ("userinfo_endpoint", "http://as.example/", Why::NotHttps),
        ("end_session_endpoint", "javascript:alert(1)", Why::NotHttps),
        ("jwks_uri", "https://u@as.example/", Why::UserInfo),
    ] {
        let server = Script::start(move |base, _| {
            let mut members = metadata(base, base);
            members[which] = value!(url);
            json(200, &members.to_string())
        })
        .await;
        let found = discover_issuer(&http(), &server.url, policy(&server)).await;
        assert_eq!(found, Err(Error::BadEndpoint { which, url: url.to_owned(), why }), "{url}");
    }
}

#[tokio::test]
async fn endpoints_are_never_invented() {
    for (member, what) in [
        ("authorization_endpoint", "there is no authorization endpoint"),
        ("token_endpoint", "there is no token endpoint"),
    ] {
        let server = Script::start(move |base, _| {
            let mut members = metadata(base, base);
            members.as_object_mut().expect("an object").remove(member);
            json(200, &members.to_string())
        })
        .await;
        let found = discover_issuer(&http(), &server.url, policy(&server)).await;
        assert_eq!(found, Err(Error::Malformed { host: host(&server), what }));
    }
}

#[tokio::test]
async fn a_server_that_uses_no_browser_needs_no_authorization_endpoint() {
    for (grant_types, expected) in [(value!(["client_credentials"]), true), (value!(["authorization_code"]), false)] {
        let server = Script::start(move |base, _| {
            let listed = value!({"issuer": base, "token_endpoint": format!("{base}/token"),
                "grant_types_supported": grant_types});
            json(200, &listed.to_string())
        })
        .await;
        let found = discover_issuer(&http(), &server.url, policy(&server)).await;
        assert_eq!(found.is_ok(), expected, "{found:?}");
        if let Ok(found) = found {
            let what = "there is no authorization endpoint";
            assert_eq!(found.browser_endpoint(), Err(Error::Malformed { host: host(&server), what }));
        }
    }
}

#[test]
fn a_server_that_an_older_program_kept_can_be_read() {
    let kept = value!({
        "issuer": "https://as.example", "authorization_endpoint": "https://as.example/a",
        "token_endpoint": "https://as.example/t", "registration_endpoint": null, "revocation_endpoint": null,
        "device_authorization_endpoint": null, "scopes": [], "code_challenge_methods": ["S256"], "auth_methods": null,
        "promises_iss": true, "accepts_client_documents": false, "reach": "public",
    });
    let server: Server = serde_json::from_value(kept).expect("readable");
    assert!(!server.requires_par && server.jwks_uri.is_none() && server.grant_types.is_none());
}

#[tokio::test]
async fn an_issuer_that_is_none_is_not_asked() {
    let reach = Reach::of(&url::Url::parse("https://r.example/").expect("an address"));
    for (issuer, why) in [
        ("http://as.example", Why::NotHttps),
        ("https://as.example/?x", Why::Query),
        ("https://as.example/#x", Why::Fragment),
        ("https://192.168.0.1/", Why::Private),
        ("as.example", Why::NotAnAddress),
    ] {
        let found =
            discover_issuer(&http(), issuer, Policy { require_s256: true, reach, habits: Habits::default() }).await;
        assert_eq!(found, Err(Error::BadEndpoint { which: "issuer", url: issuer.to_owned(), why }));
    }
}

#[tokio::test]
async fn three_redirects_within_the_origin_are_followed_and_a_fourth_is_not() {
    for (hops, expected) in [(0, true), (1, true), (3, true), (4, false)] {
        let server = Script::start(move |base, seen: &Seen| {
            let hop = seen.target().strip_prefix("/hop").map_or(0, |n| n.parse::<u32>().expect("a number"));
            match seen.target() {
                "/.well-known/openid-configuration" => reply(404, &[], ""),
                _ if hop == hops => json(200, &metadata(base, base).to_string()),
                _ => reply(307, &[&format!("location: /hop{}", hop + 1)], ""),
            }
        })
        .await;
        let found = discover_issuer(&http(), &server.url, policy(&server)).await;
        assert_eq!(found.is_ok(), expected, "{hops} {found:?}");
    }
}

/// A resource at `/mcp` that answers 401 with `challenge`; `documents` are served by path.
async fn resource(challenge: &'static str, documents: &'static [(&'static str, &'static str)]) -> Script {
    Script::start(move |base, seen: &Seen| {
        if seen.target() == "/mcp" {
            return reply(401, &[&format!("www-authenticate: {}", challenge.replace("BASE", base))], "");
        }
        let document = documents.iter().find(|(path, _)| *path == seen.target());
        document.map_or_else(|| reply(404, &[], ""), |(_, text)| json(200, &text.replace("BASE", base)))
    })
    .await
}

async fn discover(server: &Script) -> Result<Discovery, Error> {
    discover_resource(&http(), &server.address("/mcp"), Probe::default()).await
}

const INSERTED: &str = "/.well-known/oauth-protected-resource/mcp";
const ROOT: &str = "/.well-known/oauth-protected-resource";

#[tokio::test]
async fn the_challenge_leads_to_the_metadata_and_its_scopes_come_first() {
    let server = resource(
        "Basic realm=\"a, b\", Bearer error=\"invalid_token\", resource_metadata=\"BASE/meta\", scope=\"r:1 r:2\"",
        &[(
            "/meta",
            r#"{"resource":"BASE/mcp","authorization_servers":["https://as.example/","ftp://x","BASE"],
                "scopes_supported":["all"],"resource_name":"A\u0007 name","dpop_bound_access_tokens_required":true}"#,
        )],
    )
    .await;
    let expected = Resource {
        identifier: format!("{}/mcp", server.url),
        issuers: vec!["https://as.example/".to_owned(), server.url.clone()],
        scopes: vec!["r:1".to_owned(), "r:2".to_owned()],
        name: Some("A name".to_owned()),
        bound_tokens_only: true,
        published: true,
    };
    assert_eq!(discover(&server).await, Ok(Discovery::Guarded(expected)));
    assert_eq!(server.targets(), ["/mcp", "/meta"]);
}

#[tokio::test]
async fn r25_without_an_address_in_the_challenge_the_well_known_ones_are_tried_in_order() {
    let document = r#"{"resource":"BASE","authorization_servers":["https://as.example"],"scopes_supported":["a","b"]}"#;
    let expected = |server: &Script| Resource {
        identifier: server.url.clone(),
        issuers: vec!["https://as.example".to_owned()],
        scopes: vec!["a".to_owned(), "b".to_owned()],
        name: None,
        bound_tokens_only: false,
        published: true,
    };
    for (path, targets) in [(INSERTED, vec!["/mcp", INSERTED]), (ROOT, vec!["/mcp", INSERTED, ROOT])] {
        let documents: &'static [_] = Box::leak(Box::new([(path, document)]));
        let server = resource("Bearer", documents).await;
        assert_eq!(discover(&server).await, Ok(Discovery::Guarded(expected(&server))), "{path}");
        assert_eq!(server.targets(), targets);
    }
}

#[tokio::test]
async fn an_older_server_without_any_document_is_its_own_issuer() {
    let server = resource("Bearer scope=x", &[]).await;
    let expected = Resource {
        identifier: format!("{}/mcp", server.url),
        issuers: vec![server.url.clone()],
        scopes: vec!["x".to_owned()],
        name: None,
        bound_tokens_only: false,
        published: false,
    };
    assert_eq!(discover(&server).await, Ok(Discovery::Guarded(expected)));
}

#[tokio::test]
async fn metadata_of_another_resource_is_refused() {
    for published in ["https://other.example/mcp", "BASE/mc", "BASE/other", "BASE/mcp#x", "", "mcp"] {
        let document = format!(r#"{{"resource":"{published}","authorization_servers":["https://as.example"]}}"#);
        for (challenge, path) in
            [("Bearer resource_metadata=\"BASE/meta\"", "/meta"), ("Bearer", INSERTED), ("Bearer", ROOT)]
        {
            let documents: &'static [_] = Box::leak(Box::new([(path, &*document.clone().leak())]));
            let server = resource(challenge, documents).await;
            let called = format!("{}/mcp", server.url);
            let published = published.replace("BASE", &server.url);
            assert_eq!(discover(&server).await, Err(Error::ResourceMismatch { called, published }), "{path}");
        }
    }
}

#[tokio::test]
async fn metadata_without_a_usable_issuer_is_refused() {
    for (issuers, expected) in [
        ("[]", None),
        ("\"https://as.example\"", None),
        ("[\"http://as.example\"]", Some(("http://as.example", Why::NotHttps))),
        ("[\"https://10.0.0.1\"]", Some(("https://10.0.0.1", Why::Private))),
    ] {
        let document = format!(r#"{{"resource":"BASE/mcp","authorization_servers":{issuers}}}"#);
        let documents: &'static [_] = Box::leak(Box::new([(INSERTED, &*document.leak())]));
        let server = resource("Bearer", documents).await;
        let expected = match expected {
            Some((url, why)) => Error::BadEndpoint { which: "issuer", url: url.to_owned(), why },
            None => Error::NoIssuer { host: host(&server) },
        };
        assert_eq!(discover(&server).await, Err(expected), "{issuers}");
    }
}

#[tokio::test]
async fn an_address_in_the_challenge_must_be_safe_and_lead_to_the_document() {
    let server = resource("Bearer resource_metadata=\"http://r.example/meta\"", &[]).await;
    let url = "http://r.example/meta".to_owned();
    let expected = Error::BadEndpoint { which: "resource_metadata", url, why: Why::NotHttps };
    assert_eq!(discover(&server).await, Err(expected));
    let server = resource("Bearer resource_metadata=\"BASE/gone\"", &[]).await;
    assert_eq!(discover(&server).await, Err(Error::Status { host: host(&server), status: 404 }));
    assert_eq!(server.targets(), ["/mcp", "/gone"]);
}

/// Answers that are no document, by name; each leads on.
fn no_documents() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("404", json(404, "{}")),
        ("405", reply(405, &[], "")),
        ("403", reply(403, &[], "no")),
        ("410", reply(410, &["content-type: text/html"], "<html>gone</html>")),
        ("a page", reply(200, &["content-type: text/html"], "<!doctype html>")),
        ("nothing", reply(200, &[], "")),
        ("an array", json(200, "[]")),
    ]
}

/// Answers of a server in trouble; each ends the search.
fn troubles() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("500", reply(500, &[], "<html>")),
        ("502", reply(502, &["content-type: text/html"], "<html>bad gateway</html>")),
        ("503", json(503, "{}")),
        ("429", reply(429, &[], "")),
        ("a broken answer", b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec()),
        ("a closed connection", Vec::new()),
    ]
}

/// A resource at `called` whose well-known addresses before the `n`th answer with `bad`.
async fn protected(called: &'static str, wells: &'static [&'static str], n: usize, bad: Vec<u8>) -> Script {
    Script::start(move |base, seen: &Seen| match seen.target() {
        target if target == called => reply(401, &["www-authenticate: Bearer"], ""),
        target if wells.get(n) == Some(&target) => {
            let document = value!({"resource": format!("{base}{called}"), "authorization_servers": [base]});
            json(200, &document.to_string())
        }
        target if wells.contains(&target) => bad.clone(),
        _ => reply(500, &[], "never asked"),
    })
    .await
}

#[tokio::test]
async fn r25_the_addresses_of_a_resource_are_tried_in_order_and_trouble_stops() {
    let rows: [(&str, &[&str]); 4] = [
        ("/", &[ROOT]),
        ("/mcp", &[INSERTED, ROOT]),
        ("/a/b/", &["/.well-known/oauth-protected-resource/a/b/", ROOT]),
        ("/x?t=1", &["/.well-known/oauth-protected-resource/x?t=1", ROOT]),
    ];
    for (called, wells) in rows {
        let asked = |n: usize| [&[called], &wells[..n]].concat();
        for (name, bad) in no_documents() {
            for n in 0..wells.len() {
                let server = protected(called, wells, n, bad.clone()).await;
                let found = discover_resource(&http(), &server.address(called), Probe::default()).await;
                let Ok(Discovery::Guarded(found)) = found else { panic!("{called} {name} {n}: {found:?}") };
                assert!(found.published, "{called} {name} {n}");
                assert_eq!(server.targets(), asked(n + 1), "{called} {name}");
            }
            let server = protected(called, wells, 9, bad).await;
            let found = discover_resource(&http(), &server.address(called), Probe::default()).await;
            let Ok(Discovery::Guarded(found)) = found else { panic!("{called} {name}: {found:?}") };
            assert!(!found.published && found.issuers == [server.url.clone()], "{called} {name}");
            assert_eq!(server.targets(), asked(wells.len()), "{called} {name}");
        }
        for (name, bad) in troubles() {
            let server = protected(called, wells, 1, bad).await;
            let found = discover_resource(&http(), &server.address(called), Probe::default()).await;
            assert!(matches!(found, Err(Error::Server { .. } | Error::Network(_))), "{called} {name}: {found:?}");
            assert_eq!(server.targets(), asked(1), "{called} {name}");
        }
    }
}

#[tokio::test]
async fn r25_an_address_that_the_challenge_names_is_the_only_one_asked() {
    for (name, bad) in no_documents().into_iter().chain(troubles()) {
        let server = Script::start(move |base, seen: &Seen| match seen.target() {
            "/mcp" => reply(401, &[&format!("www-authenticate: Bearer resource_metadata=\"{base}/meta\"")], ""),
            _ => bad.clone(),
        })
        .await;
        let found = discover(&server).await;
        assert!(found.is_err(), "{name}: {found:?}");
        assert_eq!(server.targets(), ["/mcp", "/meta"], "{name}");
    }
}

#[tokio::test]
async fn r25_the_addresses_of_an_issuer_are_tried_in_order_and_trouble_stops() {
    const OAUTH: &str = "/.well-known/oauth-authorization-server";
    const OPENID: &str = "/.well-known/openid-configuration";
    let rows: [(&str, &[&str]); 3] = [
        ("", &[OAUTH, OPENID]),
        ("/t", &CANDIDATES),
        (
            "/realms/x/",
            &[
                "/.well-known/oauth-authorization-server/realms/x",
                "/.well-known/openid-configuration/realms/x",
                "/realms/x/.well-known/openid-configuration",
            ],
        ),
    ];
    for (path, wells) in rows {
        for (bad, leads_on) in
            no_documents().into_iter().map(|bad| (bad, true)).chain(troubles().into_iter().map(|bad| (bad, false)))
        {
            for n in 0..=wells.len() {
                let bytes = bad.1.clone();
                let server = Script::start(move |base, seen: &Seen| {
                    if wells.get(n) == Some(&seen.target()) {
                        return json(200, &metadata(base, &format!("{base}{path}")).to_string());
                    }
                    bytes.clone()
                })
                .await;
                let found = discover_issuer(&http(), &format!("{}{path}", server.url), policy(&server)).await;
                let good = n == 0 || (leads_on && n < wells.len());
                let asked = if leads_on { (n + 1).min(wells.len()) } else { 1 };
                assert_eq!(found.is_ok(), good, "{path} {} {n}: {found:?}", bad.0);
                assert_eq!(server.targets(), wells[..asked], "{path} {} {n}", bad.0);
            }
        }
    }
}

#[tokio::test]
async fn r25_an_issuer_whose_tls_fails_is_asked_at_one_address_only() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let issuer = format!("https://{}/t", listener.local_addr().expect("an address"));
    let (sender, mut connections) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            // Not what the other side of a TLS connection says.
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
            sender.send(()).expect("the test is there");
        }
    });
    let reach = Reach::of(&url::Url::parse(&issuer).expect("an address"));
    let policy = Policy { require_s256: true, reach, habits: Habits::default() };
    let found = discover_issuer(&http(), &issuer, policy).await;
    assert!(matches!(found, Err(Error::Network(_))), "{found:?}");
    assert_eq!(connections.recv().await, Some(()));
    assert!(connections.try_recv().is_err(), "no other address was asked");
}

#[tokio::test]
async fn r25_a_resource_in_trouble_is_not_taken_for_one_without_metadata() {
    let server = Script::start(|_, seen: &Seen| match seen.target() {
        "/mcp" => reply(401, &["www-authenticate: Bearer"], ""),
        _ => reply(503, &[], ""),
    })
    .await;
    assert_eq!(discover(&server).await, Err(Error::Server { host: host(&server), status: 503, retry_after: None }));
    assert_eq!(server.targets(), ["/mcp", INSERTED]);
}

#[tokio::test]
async fn other_answers_of_the_resource_say_what_they_are() {
    for (bytes, expected) in [
        (reply(200, &[], "hello"), None),
        (reply(202, &[], ""), None),
        (reply(403, &[], ""), Some(403)),
        (reply(405, &[], ""), Some(405)),
    ] {
        let server = Script::always(bytes).await;
        let expected = match expected {
            None => Ok(Discovery::Open),
            Some(status) => Err(Error::Status { host: host(&server), status }),
        };
        assert_eq!(discover(&server).await, expected);
    }
    let server = Script::always(reply(302, &["location: /login"], "")).await;
    assert_eq!(discover(&server).await, Err(Error::Redirected { host: host(&server), status: 302 }));
    assert_eq!(server.targets(), ["/mcp"]);
}

#[tokio::test]
async fn the_probe_is_sent_as_the_caller_made_it() {
    let server = Script::always(reply(200, &[], "")).await;
    let mut headers = HeaderMap::new();
    headers.insert("accept", HeaderValue::from_static("text/event-stream"));
    let probe = Probe { method: Method::POST, headers, body: b"hello".to_vec() };
    let called = server.address("/mcp?t=1#part");
    assert_eq!(discover_resource(&http(), &called, probe).await, Ok(Discovery::Open));
    let seen = &server.seen()[0];
    assert_eq!(
        (seen.line.as_str(), seen.header("accept"), seen.body.as_str()),
        ("POST /mcp?t=1 HTTP/1.1", Some("text/event-stream"), "hello")
    );
}
