//! Logging out at the provider.

use super::*;

const BACK: &str = "http://127.0.0.1:4711/bye";

fn registered(bench: &Bench) -> String {
    let metadata = json!({
        "redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none",
        "post_logout_redirect_uris": [BACK],
    });
    let answer = bench.register(&metadata);
    assert_eq!(answer.json()["post_logout_redirect_uris"], json!([BACK]));
    answer.text("client_id")
}

fn end(bench: &Bench, parameters: &[(&str, &str)]) -> Answer {
    bench.get(&format!("/as/end_session?{}", encoded(parameters)))
}

#[test]
fn the_person_is_asked_and_sent_back_with_the_state() {
    let bench = Bench::with(|_| ());
    let client = registered(&bench);
    let asked = [("client_id", client.as_str()), ("post_logout_redirect_uri", BACK), ("state", "s t&")];
    for (decision, status) in [("allow", 303), ("deny", 200)] {
        let page = end(&bench, &asked);
        let hidden = |name: &str| {
            let (_, rest) = page.body.split_once(&format!(r#"name="{name}" value=""#)).unwrap();
            rest.split_once('"').unwrap().0.to_owned()
        };
        let (ticket, csrf) = (hidden("ticket"), hidden("csrf"));
        let form = [("ticket", ticket.as_str()), ("csrf", csrf.as_str()), ("decision", decision)];
        assert_eq!(bench.post("/as/consent", &form).status, 403, "without the cookie of the page");
        let cookie = format!("Cookie: {}", page.header("set-cookie").split(';').next().unwrap());
        let answer = bench.post_with("/as/consent", &[&cookie], &form);
        assert_eq!(answer.status, status, "{answer:?}");
        if decision == "allow" {
            assert_eq!(answer.redirect(), (BACK.to_owned(), [("state".to_owned(), "s t&".to_owned())].into()));
        }
    }
}

#[test]
fn only_a_registered_address_of_the_client_is_ever_redirected_to() {
    let bench = Bench::new();
    let (client, other) = (registered(&bench), bench.client());
    let near = format!("{BACK}/");
    let moved = BACK.replace("4711", "4712");
    for (client, to) in [
        (client.as_str(), "https://evil.example/"),
        (client.as_str(), near.as_str()),
        (client.as_str(), moved.as_str()),
        (client.as_str(), CALLBACK),
        (other.as_str(), BACK),
        ("nobody", BACK),
        ("", BACK),
    ] {
        let answer = end(&bench, &[("client_id", client), ("post_logout_redirect_uri", to)]);
        assert_eq!((answer.status, answer.header("location")), (400, ""), "{client} {to}");
    }
    let twice =
        [("client_id", client.as_str()), ("post_logout_redirect_uri", BACK), ("post_logout_redirect_uri", BACK)];
    assert_eq!(end(&bench, &twice).status, 400);
    assert_eq!(end(&bench, &[("client_id", &client), ("post_logout_redirect_uri", BACK)]).redirect().0, BACK);
    assert!(end(&bench, &[]).body.contains("You are logged out"));
    bench.sandbox.control().decide(Decision::Deny);
    assert!(end(&bench, &[]).body.contains("You are still logged in"));
}

#[test]
fn an_id_token_names_the_client_even_when_it_is_over() {
    let bench = Bench::new();
    let client = registered(&bench);
    let tokens = bench.redeem(&client, &bench.code(&client, &[("scope", "openid")]));
    let hint = tokens.text("id_token");
    bench.pass(100_000);
    let back = |hint: &str, more: &[(&str, &str)]| {
        end(&bench, &[&[("id_token_hint", hint), ("post_logout_redirect_uri", BACK)], more].concat())
    };
    assert_eq!(back(&hint, &[]).redirect().0, BACK);
    assert_eq!(back(&hint, &[("client_id", "other")]).status, 400);
    for forged in [tokens.text("access_token"), format!("{}.", hint.rsplit_once('.').unwrap().0), "x".to_owned()] {
        assert_eq!(back(&forged, &[]).status, 400, "{forged}");
    }
    let form = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", BACK)];
    assert_eq!(bench.post("/as/end_session", &form).redirect().0, BACK);
    assert_eq!(bench.send("PUT", "/as/end_session", &[], "").status, 405);
    let record = bench.sandbox.control().received("end_session");
    assert!(record.iter().all(|entry| entry.parameters.get("id_token_hint").is_none_or(String::is_empty)));
}

#[test]
fn logging_out_revokes_no_token() {
    let bench = Bench::new();
    let client = registered(&bench);
    let tokens = bench.redeem(&client, &bench.code(&client, &[]));
    end(&bench, &[("client_id", &client)]);
    assert_eq!(bench.call(&tokens.text("access_token")).status, 200);
}
