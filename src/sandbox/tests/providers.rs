//! The imitated providers: for each quirk, what its server does and refuses.

use super::*;

/// One provider of a sandbox where alice allows everything, and the moves of a client there.
struct Shop {
    bench: Bench,
    name: &'static str,
}

impl Shop {
    fn of(name: &'static str) -> Self {
        Self { bench: Bench::new(), name }
    }

    fn provider(&self) -> Provider<'_> {
        self.bench.sandbox.provider(self.name).unwrap()
    }

    fn path(&self, endpoint: &str) -> String {
        let url = self.provider().endpoint(endpoint).unwrap_or_else(|| panic!("{} has no {endpoint}", self.name));
        url.strip_prefix(self.bench.sandbox.url()).unwrap().to_owned()
    }

    fn get(&self, rest: &str) -> Answer {
        self.bench.get(&format!("/p/{}{rest}", self.name))
    }

    fn client(&self) -> (&'static str, Option<&'static str>) {
        self.provider().clients().next().unwrap()
    }

    fn authorize(&self, client: &str, more: &[(&str, &str)]) -> Answer {
        let right = [("response_type", "code"), ("client_id", client), ("redirect_uri", CALLBACK), ("state", "s")]
            .into_iter()
            .chain([("code_challenge", CHALLENGE), ("code_challenge_method", "S256")])
            .map(|(name, value)| (name, value.to_owned()))
            .collect();
        let all = changed(right, more);
        let pairs: Vec<(&str, &str)> = all.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.bench.get(&format!("{}?{}", self.path("authorize"), encoded(&pairs)))
    }

    fn code(&self, client: &str, more: &[(&str, &str)]) -> String {
        let answer = self.authorize(client, more);
        answer.redirect().1.remove("code").unwrap_or_else(|| panic!("no code: {answer:?}"))
    }

    fn token(&self, form: &[(&str, &str)]) -> Answer {
        self.bench.post(&self.path("token"), form)
    }

    fn redeem(&self, client: (&str, Option<&str>), code: &str, redirect: &str) -> Answer {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", client.0),
            ("code", code),
            ("redirect_uri", redirect),
            ("code_verifier", VERIFIER),
        ];
        let secret = client.1.map(|secret| ("client_secret", secret));
        self.token(&form.into_iter().chain(secret).collect::<Vec<_>>())
    }

    /// A whole login with the first client.
    fn login(&self, more: &[(&str, &str)]) -> Answer {
        let client = self.client();
        let redirect = more.iter().find(|(name, _)| *name == "redirect_uri").map_or(CALLBACK, |(_, value)| *value);
        self.redeem(client, &self.code(client.0, more), redirect)
    }

    fn refresh(&self, token: &str, more: &[(&str, &str)]) -> Answer {
        let (client, secret) = self.client();
        let form = [("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", token)];
        let secret = secret.map(|secret| ("client_secret", secret));
        self.token(&form.into_iter().chain(secret).chain(more.iter().copied()).collect::<Vec<_>>())
    }

    /// What the provider's resource says to this token: 401, or 406 because it is no MCP request.
    fn admits(&self, token: &str) -> bool {
        let bearer = format!("Authorization: Bearer {token}");
        let path = format!("/p/{}/mcp", self.name);
        let status = self.bench.send("POST", &path, &[&bearer], "").status;
        assert!([401, 406].contains(&status), "{status}");
        status == 406
    }

    fn device(&self, client: &str, scope: &str) -> Answer {
        self.bench.sandbox.provider(self.name).unwrap().control().decide(Decision::Ask);
        self.bench.post(&self.path("device_authorization"), &[("client_id", client), ("scope", scope)])
    }

    fn poll(&self, client: (&str, Option<&str>), code: &str) -> Answer {
        let form = [("grant_type", client::DEVICE), ("client_id", client.0), ("device_code", code)];
        self.token(&form.into_iter().chain(client.1.map(|secret| ("client_secret", secret))).collect::<Vec<_>>())
    }
}

const FIXED: &str = "http://127.0.0.1:8401/callback";
const ANY: &str = "http://localhost:4711/callback";

#[test]
fn each_provider_has_its_own_metadata_at_its_own_places_and_names_only_what_works() {
    let bench = Bench::new();
    let url = bench.sandbox.url();
    let get = |path: &str| bench.get(path);
    for (name, issuer, places) in [
        ("okta", "/oauth2/default", &["A", "M"][..]),
        ("entra", "/11111111-2222-3333-4444-555555555555/v2.0", &["A"]),
        ("scalekit", "/resources/res_sandbox", &["I"]),
        ("auth0", "/", &["A", "I", "I/"]),
        ("keycloak", "/realms/sandbox", &["A"]),
        ("google", "", &["A"]),
        ("github", "", &[]),
        ("tavily", "/", &["I", "I/"]),
    ] {
        let provider = bench.sandbox.provider(name).unwrap();
        assert_eq!(provider.issuer(), format!("{url}/p/{name}{issuer}"));
        let path = format!("/p/{name}{}", issuer.trim_end_matches('/'));
        for (place, target) in [
            ("A", format!("{path}/.well-known/openid-configuration")),
            ("M", format!("{path}/.well-known/oauth-authorization-server")),
            ("I", format!("/.well-known/oauth-authorization-server{path}")),
            ("I/", format!("/.well-known/oauth-authorization-server{path}/")),
            ("OI", format!("/.well-known/openid-configuration{path}")),
        ] {
            let answer = get(&target);
            if !places.contains(&place) {
                assert_eq!(answer.status, 404, "{target}");
                continue;
            }
            let document = answer.json();
            assert_eq!(document["issuer"], provider.issuer(), "{target}");
            for (member, value) in document.as_object().unwrap() {
                let endpoint = member.ends_with("_endpoint") || member == "jwks_uri";
                if let Some(path) = value.as_str().and_then(|value| value.strip_prefix(url)).filter(|_| endpoint) {
                    assert_ne!(get(path).status, 404, "{name} {member}");
                }
            }
        }
        let resource = get(&format!("/.well-known/oauth-protected-resource/p/{name}/mcp")).json();
        assert_eq!(resource["resource"], provider.resource());
        let slash = if name == "google" { "/" } else { "" };
        assert_eq!(resource["authorization_servers"], json!([format!("{}{slash}", provider.issuer())]));
        let challenge = get(&format!("/p/{name}/mcp"));
        assert!(
            challenge.status == 401 && challenge.header("www-authenticate").contains("resource_metadata="),
            "{name}"
        );
    }
    assert_eq!(bench.sandbox.providers().count(), 8);
    assert!(bench.sandbox.provider("nobody").is_none() && bench.get("/p/nobody/token").status == 404);
}

#[test]
fn tokens_clients_and_records_of_one_provider_are_nothing_to_another() {
    let (okta, bench) = (Shop::of("okta"), Bench::new());
    let tokens = okta.login(&[("redirect_uri", FIXED)]).text("access_token");
    assert!(okta.admits(&tokens));
    assert_eq!(okta.bench.call(&tokens).status, 401);
    let (_, own) = okta.bench.login(&[]);
    assert!(!okta.admits(&own.text("access_token")));
    let other = okta.bench.send("POST", "/p/keycloak/mcp", &[&format!("Authorization: Bearer {tokens}")], "");
    assert_eq!(other.status, 401);
    assert_eq!(okta.bench.authorize(&okta.bench.request("0oasandbox")).status, 400);
    assert_eq!(okta.provider().control().received("token").len(), 1);
    assert_eq!(okta.bench.sandbox.control().received("token").len(), 1);
    assert!(okta.get("/control").json()["record"].as_array().unwrap().len() > 1);
    let provider = bench.sandbox.provider("auth0").unwrap();
    provider.control().next_token(TokenFault { effect: Effect::Drop, ..TokenFault::default() });
    assert_eq!(bench.login(&[]).1.status, 200, "the fault waits for its own provider");
}

#[test]
fn okta_wants_a_registered_port_offline_access_and_an_assigned_person() {
    let shop = Shop::of("okta");
    let refused = shop.authorize("0oasandbox", &[]);
    assert_eq!((refused.status, refused.header("location")), (400, ""), "port 4711 is not registered");
    let bare = shop.login(&[("redirect_uri", FIXED), ("scope", "openid"), ("resource", "https://nothing.example")]);
    assert_eq!(bare.json().get("refresh_token"), None);
    assert_eq!(claims(&bare.text("access_token")).1["aud"], "api://default");
    let (_, response) = shop.authorize("0oasandbox", &[("redirect_uri", FIXED)]).redirect();
    assert_eq!(response.get("iss"), None);
    let tokens = shop.login(&[("redirect_uri", FIXED), ("scope", "openid offline_access")]);
    let spent = tokens.text("refresh_token");
    assert_eq!(shop.refresh(&spent, &[]).status, 200);
    shop.bench.pass(29);
    let last = shop.refresh(&spent, &[]);
    assert_eq!(last.status, 200, "the grace of 30 seconds");
    shop.bench.pass(1);
    let refused = shop.refresh(&spent, &[]);
    assert_eq!(refused.refusal(), (400, "invalid_grant".to_owned()));
    assert_eq!(refused.text("error_description"), "The refresh token is invalid or expired.");
    assert_eq!(shop.refresh(&last.text("refresh_token"), &[]).status, 400, "reuse ended the family");
    shop.provider().control().decide(Decision::Allow("unassigned".to_owned()));
    let (_, denied) = shop.authorize("0oasandbox", &[("redirect_uri", FIXED)]).redirect();
    assert_eq!(denied["error"], "access_denied");
    assert!(denied["error_description"].starts_with("Policy evaluation failed"), "{denied:?}");
}

#[test]
fn okta_lists_a_registration_endpoint_and_lets_nobody_register() {
    let shop = Shop::of("okta");
    let metadata = json!({ "redirect_uris": ["http://127.0.0.1/callback"] }).to_string();
    let answer = shop.bench.send("POST", "/p/okta/oauth2/v1/clients", &["Content-Type: application/json"], &metadata);
    assert_eq!((answer.status, answer.text("errorCode").as_str(), answer.json().get("error")), (401, "E0000005", None));
    assert!(shop.get("/oauth2/default/.well-known/openid-configuration").json()["registration_endpoint"].is_string());
}

#[test]
fn entra_has_a_pattern_for_an_issuer_where_the_tenant_is_common() {
    let shop = Shop::of("entra");
    let base = shop.provider().url().to_owned();
    for tenant in ["common", "organizations"] {
        let document = shop.get(&format!("/{tenant}/v2.0/.well-known/openid-configuration")).json();
        assert_eq!(document["issuer"], format!("{base}/{{tenantid}}/v2.0"));
        assert_eq!(document["token_endpoint"], format!("{base}/{tenant}/oauth2/v2.0/token"));
        for missing in ["code_challenge_methods_supported", "revocation_endpoint", "registration_endpoint"] {
            assert_eq!(document.get(missing), None, "{missing}");
        }
    }
    assert_eq!(shop.get("/other/v2.0/.well-known/openid-configuration").status, 404);
    let client = shop.client();
    let code = shop.code(client.0, &[("redirect_uri", ANY), ("scope", "openid api://sandbox/read")]);
    let form = [&redemption(client.0, &code)[..3], &[("redirect_uri", ANY), ("code_verifier", VERIFIER)]].concat();
    let tokens = shop.bench.post("/p/entra/common/oauth2/v2.0/token", &form);
    let (_, identity) = claims(&tokens.text("id_token"));
    assert_eq!(identity["iss"], shop.provider().issuer());
    assert_eq!(identity["iss"], format!("{base}/{}/v2.0", identity["tid"].as_str().unwrap()));
    let access = tokens.text("access_token");
    assert!(access.len() > 5_000 && shop.admits(&access), "{} bytes", access.len());
    assert_eq!((&tokens.json()["ext_expires_in"], &tokens.json()["expires_in"]), (&json!(3599), &json!(3599)));
}

#[test]
fn entra_knows_localhost_with_any_port_and_no_other_address_of_this_machine() {
    let shop = Shop::of("entra");
    let client = shop.client().0;
    for redirect in ["http://localhost:1/callback", "http://localhost:4711", "http://localhost:4711/"] {
        assert!(!shop.code(client, &[("redirect_uri", redirect)]).is_empty());
    }
    for redirect in
        [CALLBACK, "http://[::1]:4711/callback", "http://localhost:4711/Callback", "https://localhost/callback"]
    {
        let answer = shop.authorize(client, &[("redirect_uri", redirect)]);
        assert!(answer.status == 400 && answer.body.contains("AADSTS50011"), "{redirect}");
    }
    assert!(shop.authorize("nobody", &[]).body.contains("AADSTS700016"));
}

#[test]
fn entra_takes_the_target_from_the_scope_and_wants_it_again() {
    let shop = Shop::of("entra");
    let client = shop.client().0;
    let resource = shop.provider().resource();
    let error = |more: &[(&str, &str)]| {
        let (_, mut pairs) = shop.authorize(client, &[&[("redirect_uri", ANY)], more].concat()).redirect();
        (pairs.remove("error").unwrap_or_default(), pairs.remove("error_description").unwrap_or_default())
    };
    let (code, why) = error(&[("scope", "openid api://sandbox/read"), ("resource", &resource)]);
    assert_eq!((code.as_str(), why.contains("AADSTS9010010")), ("invalid_target", true), "{why}");
    let both = format!("api://sandbox/read {resource}/.default");
    let (code, why) = error(&[("scope", &both)]);
    assert_eq!((code.as_str(), why.contains("AADSTS28000")), ("invalid_request", true), "{why}");
    assert!(error(&[("scope", "everything")]).1.contains("AADSTS70011"));
    let scope = format!("openid offline_access {resource}/.default");
    let tokens = shop.login(&[("redirect_uri", ANY), ("scope", &scope), ("resource", &resource)]);
    assert_eq!(claims(&tokens.text("access_token")).1["aud"], resource);
    assert_eq!(tokens.text("scope"), format!("{resource}/everything"), "the names, and none of identity");
    let mixed = format!("{resource}/everything {resource}/.default");
    assert!(error(&[("scope", &mixed)]).1.contains("AADSTS70011"));
    let token = tokens.text("refresh_token");
    let refused = shop.refresh(&token, &[]);
    assert_eq!((refused.status, &refused.json()["error_codes"]), (400, &json!([90009])));
    let renewed = shop.refresh(&token, &[("scope", &scope)]);
    assert_ne!(renewed.text("refresh_token"), token);
    assert_eq!(shop.refresh(&token, &[("scope", &scope)]).status, 200, "the old one stays good");
    let wrong = shop.refresh(&token, &[("scope", &scope), ("resource", "https://elsewhere.example")]);
    assert_eq!(wrong.json()["error_codes"], json!([9_010_010]));
    assert_eq!(shop.login(&[("redirect_uri", ANY), ("scope", "openid")]).json().get("refresh_token"), None);
}

#[test]
fn entra_errors_have_numbers_and_a_policy_asks_for_claims() {
    let shop = Shop::of("entra");
    let scope = "offline_access api://sandbox/read";
    let token = shop.login(&[("redirect_uri", ANY), ("scope", scope)]).text("refresh_token");
    shop.provider().control().set(Faults { acr: Some("c1".to_owned()), ..Faults::default() });
    let refused = shop.refresh(&token, &[("scope", scope)]);
    assert_eq!(refused.refusal(), (400, "interaction_required".to_owned()));
    let body = refused.json();
    assert_eq!((&body["error_codes"], &body["suberror"]), (&json!([50076]), &json!("basic_action")));
    assert!(body["trace_id"].is_string() && body["correlation_id"].is_string() && body["timestamp"].is_string());
    let demanded = body["claims"].as_str().unwrap();
    let again = shop.login(&[("redirect_uri", ANY), ("scope", scope), ("claims", demanded)]);
    assert!(shop.admits(&again.text("access_token")));
    assert_eq!(shop.refresh(&again.text("refresh_token"), &[("scope", scope)]).status, 200);
    shop.provider().control().revoke_grants();
    let ended = shop.refresh(&token, &[("scope", scope)]);
    assert_eq!((ended.text("error").as_str(), &ended.json()["error_codes"]), ("invalid_grant", &json!([700_082])));
    let (web, _) = shop.provider().clients().nth(1).unwrap();
    let secretless = shop.token(&[("grant_type", "client_credentials"), ("client_id", web)]);
    assert_eq!((secretless.status, &secretless.json()["error_codes"]), (401, &json!([7_000_218])));
    let begun = shop.device(shop.client().0, scope);
    let (client, code) = (shop.client(), begun.text("device_code"));
    assert_eq!(shop.poll(client, "guessed").text("error"), "bad_verification_code");
    shop.provider().control().decide_device(&begun.text("user_code"), &Decision::Deny);
    shop.bench.pass(5);
    assert_eq!(shop.poll(client, &code).text("error"), "authorization_declined");
}

#[test]
fn scalekit_tokens_name_the_environment_and_the_metadata_the_resource() {
    let shop = Shop::of("scalekit");
    let (issuer, base) = (shop.provider().issuer().to_owned(), shop.provider().url().to_owned());
    let registered = shop.bench.send(
        "POST",
        &shop.path("register"),
        &["Content-Type: application/json"],
        &json!({ "redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none" }).to_string(),
    );
    let id = registered.text("client_id");
    let code = shop.code(&id, &[("scope", "openid sandbox:read"), ("resource", &shop.provider().resource())]);
    let tokens = shop.redeem((&id, None), &code, CALLBACK);
    let (access, identity) = (claims(&tokens.text("access_token")).1, claims(&tokens.text("id_token")).1);
    assert_eq!((&access["iss"], &access["aud"]), (&json!(base), &json!("res_sandbox")));
    assert!(identity["iss"] == json!(base) && issuer != base && issuer.starts_with(&base));
    assert!(shop.admits(&tokens.text("access_token")));
    assert_eq!(tokens.json()["expires_in"], 300);
    let document = shop.bench.get("/.well-known/oauth-authorization-server/p/scalekit/resources/res_sandbox").json();
    assert_eq!(document["client_id_metadata_document_supported"], true);
    assert_eq!(document["jwks_uri"], format!("{base}/keys"));
}

#[test]
fn auth0_needs_an_audience_and_a_registered_port() {
    let shop = Shop::of("auth0");
    let resource = shop.provider().resource();
    let opaque = shop.login(&[("redirect_uri", FIXED), ("scope", "openid"), ("resource", &resource)]);
    let token = opaque.text("access_token");
    assert!(!token.contains('.') && !shop.admits(&token), "good for the userinfo endpoint only");
    let bearer = format!("Authorization: Bearer {token}");
    assert_eq!(shop.bench.send("GET", "/p/auth0/userinfo", &[&bearer], "").json()["sub"], "alice");
    let jwt = shop.login(&[("redirect_uri", FIXED), ("audience", &resource)]);
    assert!(shop.admits(&jwt.text("access_token")));
    assert_eq!(claims(&jwt.text("access_token")).1["iss"], shop.provider().issuer());
    assert!(shop.provider().issuer().ends_with("/p/auth0/"));
    let (_, refused) =
        shop.authorize("auth0sandbox", &[("redirect_uri", FIXED), ("audience", "https://x.example")]).redirect();
    assert_eq!(
        (refused["error"].as_str(), refused["error_description"].as_str()),
        ("access_denied", "Service not found")
    );
    assert_eq!(shop.authorize("auth0sandbox", &[]).status, 400);
    assert_eq!(
        shop.bench.send("POST", "/p/auth0/oidc/register", &["Content-Type: application/json"], "{}").status,
        403
    );
    let document = shop.get("/.well-known/openid-configuration").json();
    assert_eq!(document.get("registration_endpoint"), None);
}

#[test]
fn auth0_revokes_refresh_tokens_only_and_says_no_with_403() {
    let shop = Shop::of("auth0");
    let resource = shop.provider().resource();
    let login = || shop.login(&[("redirect_uri", FIXED), ("audience", &resource), ("scope", "openid offline_access")]);
    let tokens = login();
    let revoke =
        |token: &str| shop.bench.post("/p/auth0/oauth/revoke", &[("client_id", "auth0sandbox"), ("token", token)]);
    let access = tokens.text("access_token");
    assert_eq!(revoke(&access).refusal(), (400, "unsupported_token_type".to_owned()));
    assert_eq!(revoke(&tokens.text("refresh_token")).status, 200);
    assert_eq!(shop.refresh(&tokens.text("refresh_token"), &[]).refusal(), (403, "invalid_grant".to_owned()));
    assert!(shop.admits(&access), "the access token lives on");
    let first = login();
    for _ in 0..200 {
        login();
    }
    assert_eq!(shop.refresh(&first.text("refresh_token"), &[]).status, 403, "200 are kept, the oldest is not");
    let begun = shop.device("auth0sandbox", "openid");
    let code = begun.text("device_code");
    assert_eq!(shop.poll(shop.client(), &code).refusal(), (429, "slow_down".to_owned()));
    shop.bench.pass(10);
    assert_eq!(shop.poll(shop.client(), &code).refusal(), (403, "authorization_pending".to_owned()));
}

#[test]
fn keycloak_trusts_few_hosts_and_knows_few_members() {
    let shop = Shop::of("keycloak");
    let register = |headers: &[&str], more: &Value| {
        let metadata =
            with(json!({ "redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none" }), more);
        let headers = [&["Content-Type: application/json"], headers].concat();
        shop.bench.send("POST", &shop.path("register"), &headers, &metadata.to_string())
    };
    let refused = register(&[], &json!({}));
    assert_eq!(refused.refusal(), (403, "insufficient_scope".to_owned()));
    assert!(refused.text("error_description").contains("Host not trusted"), "{refused:?}");
    let initial = ["Authorization: Bearer keycloak-sandbox-initial"];
    assert_eq!(register(&["Authorization: Bearer guessed"], &json!({})).status, 403);
    assert_eq!(register(&initial, &json!({})).status, 201);
    assert_eq!(register(&initial, &json!({ "resource": "x" })).refusal(), (400, "invalid_client_metadata".to_owned()));
    assert_eq!(register(&initial, &json!({ "scope": "x" })).refusal(), (403, "insufficient_scope".to_owned()));
    shop.provider().control().set(Faults { open_registration: true, ..Faults::default() });
    assert_eq!(register(&[], &json!({ "client_name": "Tool", "application_type": "native" })).status, 201);
    assert_eq!(register(&[], &json!({ "resource": "x" })).status, 400);
}

#[test]
fn keycloak_sessions_end_without_offline_access_and_do_not_with_it() {
    let shop = Shop::of("keycloak");
    let online = shop.login(&[("scope", "openid"), ("resource", "https://nothing.example")]);
    assert_eq!(online.json()["refresh_expires_in"], 1800);
    assert!(online.json()["session_state"].is_string() && online.json()["not-before-policy"] == 0);
    assert!(shop.admits(&online.text("access_token")));
    let offline = shop.login(&[("scope", "openid offline_access")]);
    assert_eq!(offline.json()["refresh_expires_in"], 0);
    shop.bench.pass(1799);
    let token = online.text("refresh_token");
    assert_eq!(shop.refresh(&token, &[]).status, 200);
    assert_eq!(shop.refresh(&token, &[]).status, 200, "it is not single use");
    shop.bench.pass(1800);
    let ended = shop.refresh(&token, &[]);
    let why = ended.text("error_description");
    assert_eq!((ended.refusal().1.as_str(), why.as_str()), ("invalid_grant", "Session not active"));
    assert_eq!(shop.refresh(&offline.text("refresh_token"), &[]).status, 200);
    assert_eq!(shop.refresh("guessed", &[]).text("error_description"), "Token is not active");
    assert_eq!(shop.authorize("keycloak-sandbox", &[("redirect_uri", ANY)]).status, 400, "localhost is not a literal");
    assert_eq!(shop.authorize("keycloak-sandbox", &[]).redirect().1["iss"], shop.provider().issuer());
}

#[test]
fn google_wants_the_secret_that_is_none_and_gives_one_refresh_token() {
    let shop = Shop::of("google");
    let client = shop.client();
    let code = shop.code(client.0, &[("scope", "openid email")]);
    let refused = shop.redeem((client.0, None), &code, CALLBACK);
    assert_eq!(refused.refusal(), (400, "invalid_request".to_owned()));
    assert_eq!(refused.text("error_description"), "client_secret is missing.");
    assert_eq!(shop.redeem((client.0, Some("wrong")), &code, CALLBACK).refusal(), (401, "invalid_client".to_owned()));
    let header = basic(client.0, client.1.unwrap());
    let tokens = shop.bench.post_with(&shop.path("token"), &[&header], &redemption(client.0, &code));
    assert_eq!((tokens.status, tokens.json().get("refresh_token")), (200, None), "without access_type=offline");
    let granted = "https://www.googleapis.com/auth/userinfo.email openid";
    assert_eq!(tokens.text("scope"), granted);
    let fresh = Shop::of("google");
    let offline = ("access_type", "offline");
    let first = fresh.login(&[("scope", "openid email"), offline]);
    assert_eq!(first.json()["refresh_token_expires_in"], 604_799);
    assert_eq!(fresh.login(&[("scope", "openid"), offline]).json().get("refresh_token"), None, "not the first consent");
    let again = fresh.login(&[("scope", "openid"), offline, ("prompt", "select_account consent")]);
    assert!(again.json().get("refresh_token").is_some());
    let token = first.text("refresh_token");
    for _ in 0..2 {
        let renewed = fresh.refresh(&token, &[]);
        assert_eq!((renewed.status, renewed.json().get("refresh_token")), (200, None), "no rotation");
        assert_eq!(renewed.text("scope"), granted);
        assert!(renewed.text("access_token").starts_with("ya29.") && fresh.admits(&renewed.text("access_token")));
    }
    fresh.bench.pass(7 * 86_400);
    assert_eq!(fresh.refresh(&token, &[]).text("error_description"), "Token has been expired or revoked.");
}

#[test]
fn google_takes_any_address_of_this_machine_and_tells_the_person_about_scopes() {
    let shop = Shop::of("google");
    let (client, _) = shop.client();
    for redirect in [CALLBACK, "http://[::1]:1/x", "http://localhost:4711/any", "http://127.0.0.1:4711"] {
        let answer = shop
            .authorize(client, &[("redirect_uri", redirect), ("code_challenge", ""), ("code_challenge_method", "")]);
        assert_eq!(answer.redirect().1["iss"], shop.provider().issuer());
    }
    for redirect in ["https://app.example/", "http://127.0.0.1.evil.example/", "http://localhost:1@evil.example/"] {
        assert_eq!(shop.authorize(client, &[("redirect_uri", redirect)]).status, 400, "{redirect}");
    }
    let refused = shop.authorize(client, &[("scope", "openid offline_access")]);
    assert_eq!((refused.status, refused.header("location")), (400, ""));
    assert!(refused.body.contains("invalid_scope"));
    let old = shop.provider().clients().nth(2).unwrap();
    let tokens = shop.redeem(old, &shop.code(old.0, &[("scope", "openid")]), CALLBACK);
    let (_, identity) = claims(&tokens.text("id_token"));
    assert_eq!(format!("http://{}", identity["iss"].as_str().unwrap()), shop.provider().issuer());
    assert_eq!(identity["azp"], old.0);
}

#[test]
fn google_devices_have_their_own_statuses_and_names_and_few_scopes() {
    let shop = Shop::of("google");
    let tv = shop.provider().clients().nth(1).unwrap();
    let begin = |scope: &str| {
        let form = [("client_id", tv.0), ("client_secret", tv.1.unwrap()), ("scope", scope)];
        shop.bench.post(&shop.path("device_authorization"), &form)
    };
    shop.provider().control().decide(Decision::Ask);
    assert_eq!(begin("https://www.googleapis.com/auth/drive").refusal(), (400, "invalid_scope".to_owned()));
    let begun = begin("openid email");
    assert_eq!((begun.json().get("verification_uri"), begun.json().get("verification_uri_complete")), (None, None));
    assert_eq!(begun.text("verification_url"), format!("{}/device", shop.provider().url()));
    let code = begun.text("device_code");
    assert_eq!(shop.poll(tv, &code).refusal(), (403, "slow_down".to_owned()));
    shop.bench.pass(10);
    assert_eq!(shop.poll(tv, &code).refusal(), (428, "authorization_pending".to_owned()));
    shop.provider().control().decide_device(&begun.text("user_code"), &Decision::Allow("bob".to_owned()));
    shop.bench.pass(10);
    let tokens = shop.poll(tv, &code);
    assert!(tokens.status == 200 && tokens.json().get("refresh_token").is_some(), "{tokens:?}");
}

#[test]
fn google_revokes_without_a_client_and_says_what_it_does_not_know() {
    let shop = Shop::of("google");
    let tokens = shop.login(&[("scope", "openid"), ("access_type", "offline")]);
    let revoke = |token: &str| shop.bench.post("/p/google/revoke", &[("token", token)]);
    assert_eq!(revoke("guessed").refusal(), (400, "invalid_token".to_owned()));
    assert_eq!(revoke(&tokens.text("access_token")).status, 200);
    assert_eq!(revoke(&tokens.text("refresh_token")).refusal(), (400, "invalid_token".to_owned()));
    assert_eq!(shop.refresh(&tokens.text("refresh_token"), &[]).refusal(), (400, "invalid_grant".to_owned()));
    let login = || shop.login(&[("scope", "openid"), ("access_type", "offline"), ("prompt", "consent")]);
    let first = login();
    for _ in 0..100 {
        login();
    }
    assert_eq!(shop.refresh(&first.text("refresh_token"), &[]).status, 400, "100 are kept");
}

#[test]
fn github_answers_in_forms_with_status_200_unless_json_is_asked_for() {
    let shop = Shop::of("github");
    let client = shop.client();
    let code = shop.code(client.0, &[("scope", "repo,gist unknown")]);
    let json = |form: &[(&str, &str)]| shop.bench.post_with(&shop.path("token"), &["Accept: application/json"], form);
    let form = redemption(client.0, &code);
    let secret = ("client_secret", client.1.unwrap());
    let refusal = json(&form);
    assert_eq!(refusal.refusal(), (200, "incorrect_client_credentials".to_owned()));
    let moved =
        changed(form.map(|(name, value)| (name, value.to_owned())).to_vec(), &[("redirect_uri", "http://127.0.0.1/x")]);
    let moved: Vec<(&str, &str)> = moved.iter().map(|(name, value)| (*name, value.as_str())).chain([secret]).collect();
    assert_eq!(json(&moved).refusal(), (200, "redirect_uri_mismatch".to_owned()));
    let right = [&form[1..], &[secret]].concat();
    let tokens = shop.token(&right);
    assert_eq!(
        (tokens.status, tokens.header("content-type")),
        (200, "application/x-www-form-urlencoded; charset=utf-8")
    );
    let pairs: BTreeMap<String, String> = url::form_urlencoded::parse(tokens.body.as_bytes()).into_owned().collect();
    let names: Vec<&str> = pairs.keys().map(String::as_str).collect();
    assert_eq!(names, ["access_token", "scope", "token_type"], "neither an end nor a renewal");
    assert_eq!((pairs["scope"].as_str(), pairs["token_type"].as_str()), ("repo,gist", "bearer"));
    assert_eq!(json(&right).refusal(), (200, "bad_verification_code".to_owned()));
    let entry = shop.provider().control().received("token").pop().unwrap();
    assert_eq!((entry.status, entry.error.as_deref()), (200, Some("bad_verification_code")));
    let fresh = json(&[&redemption(client.0, &shop.code(client.0, &[]))[..], &[secret]].concat()).text("access_token");
    assert!(fresh.starts_with("gho_") && shop.admits(&fresh));
    shop.bench.pass(10 * 365 * 86_400);
    assert!(shop.admits(&fresh), "it does not expire");
    let entry = |_| json(&[&redemption(client.0, &shop.code(client.0, &[]))[..], &[secret]].concat()).status;
    assert_eq!((0..9).map(entry).filter(|status| *status == 200).count(), 9);
    assert!(shop.admits(&fresh), "ten tokens are kept, and the first login made one that is older");
    let user = shop.bench.send("GET", "/p/github/user", &[&format!("Authorization: token {fresh}")], "");
    assert_eq!(user.text("login"), "alice");
    assert_eq!((entry(0), shop.admits(&fresh)), (200, false), "the oldest of eleven ends");
}

#[test]
fn github_apps_renew_and_need_their_secret_for_it() {
    let shop = Shop::of("github");
    let (app, secret) = shop.provider().clients().nth(1).unwrap();
    let json = |form: &[(&str, &str)]| shop.bench.post_with(&shop.path("token"), &["Accept: application/json"], form);
    let secret = ("client_secret", secret.unwrap());
    let tokens = json(&[&redemption(app, &shop.code(app, &[]))[..], &[secret]].concat());
    assert_eq!(
        (&tokens.json()["expires_in"], &tokens.json()["refresh_token_expires_in"]),
        (&json!(28_800), &json!(15_897_600))
    );
    let token = tokens.text("refresh_token");
    let form = [("grant_type", "refresh_token"), ("client_id", app), ("refresh_token", token.as_str())];
    assert_eq!(json(&form).refusal(), (200, "incorrect_client_credentials".to_owned()));
    let renewed = json(&[&form[..], &[secret]].concat());
    assert_ne!(renewed.text("refresh_token"), token);
    assert_eq!(json(&[&form[..], &[secret]].concat()).refusal(), (200, "bad_refresh_token".to_owned()));
}

#[test]
fn github_takes_any_port_and_path_below_and_devices_without_a_secret() {
    let shop = Shop::of("github");
    let (client, _) = shop.client();
    for redirect in [CALLBACK, "http://127.0.0.1:1/callback/below", "http://127.0.0.1/callback/"] {
        assert_eq!(shop.authorize(client, &[("redirect_uri", redirect)]).redirect().1.get("iss"), None);
    }
    for redirect in ["http://127.0.0.1:1/callback2", "http://127.0.0.1:1/", ANY, "http://127.0.0.1:1/callback/../x"] {
        assert_eq!(shop.authorize(client, &[("redirect_uri", redirect)]).status, 400, "{redirect}");
    }
    shop.provider().control().decide(Decision::Ask);
    let accept = ["Accept: application/json"];
    let form = [("client_id", client), ("scope", "repo")];
    let begun = shop.bench.post_with(&shop.path("device_authorization"), &accept, &form);
    assert_eq!(begun.json().get("verification_uri_complete"), None);
    let code = begun.text("device_code");
    let poll = || {
        let form = [("grant_type", client::DEVICE), ("client_id", client), ("device_code", code.as_str())];
        shop.bench.post_with(&shop.path("token"), &accept, &form)
    };
    let early = poll();
    assert_eq!((early.refusal(), &early.json()["interval"]), ((200, "slow_down".to_owned()), &json!(10)));
    shop.bench.pass(10);
    assert_eq!(poll().refusal(), (200, "authorization_pending".to_owned()));
    shop.provider().control().decide_device(&begun.text("user_code"), &Decision::Allow("bob".to_owned()));
    shop.bench.pass(10);
    assert!(poll().text("access_token").starts_with("gho_"));
}

#[test]
fn tavily_wants_a_field_for_a_secret_that_there_is_not() {
    let shop = Shop::of("tavily");
    let registered = shop.bench.send(
        "POST",
        "/p/tavily/register",
        &["Content-Type: application/json"],
        &json!({
            "redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"], "scope": "openid offline_access",
        })
        .to_string(),
    );
    let id = registered.text("client_id");
    let code = shop.code(&id, &[("resource", &shop.provider().resource()), ("scope", "openid offline_access")]);
    let tokens = shop.redeem((&id, None), &code, CALLBACK);
    assert_eq!(tokens.json().get("id_token"), None);
    let access = tokens.text("access_token");
    assert!(shop.admits(&access));
    let form = [("client_id", id.as_str()), ("token", &tokens.text("refresh_token"))];
    let refused = shop.bench.post("/p/tavily/revoke", &form);
    assert_eq!(refused.refusal(), (400, "invalid_request".to_owned()));
    assert!(shop.admits(&access));
    assert_eq!(shop.bench.post("/p/tavily/revoke", &[&form[..], &[("client_secret", "")]].concat()).status, 200);
    assert!(!shop.admits(&access));
}
