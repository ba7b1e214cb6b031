//! The page, and who may answer it.

use super::*;

struct Page {
    answer: Answer,
    cookie: String,
    fields: Vec<(&'static str, String)>,
}

fn open(bench: &Bench, client: &str) -> Page {
    let answer = bench.authorize(&bench.request(client));
    assert_eq!(answer.status, 200, "{answer:?}");
    let hidden = |name: &str| {
        let (_, rest) = answer.body.split_once(&format!(r#"name="{name}" value=""#)).unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    };
    let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    let fields = vec![("ticket", hidden("ticket")), ("csrf", hidden("csrf")), ("user", "bob".to_owned())];
    Page { cookie: format!("Cookie: {cookie}"), answer, fields }
}

fn decide(bench: &Bench, page: &Page, decision: &str, changes: &[(&'static str, &str)]) -> Answer {
    decide_with(bench, &[&page.cookie], page, &[&[("decision", decision)], changes].concat())
}

fn decide_with(bench: &Bench, headers: &[&str], page: &Page, changes: &[(&'static str, &str)]) -> Answer {
    let fields = changed(page.fields.clone(), changes);
    let form: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    bench.post_with("/as/consent", headers, &form)
}

fn asking() -> (Bench, String) {
    let bench = Bench::with(|_| ());
    let client = bench.client();
    (bench, client)
}

#[test]
fn allowing_gives_a_code_for_the_chosen_user() {
    let (bench, client) = asking();
    let page = open(&bench, &client);
    let origin = format!("Origin: {}", bench.sandbox.url());
    let answer = decide_with(&bench, &[&page.cookie, &origin], &page, &[("decision", "allow")]);
    let (address, pairs) = answer.redirect();
    assert_eq!((address.as_str(), pairs["state"].as_str()), (CALLBACK, "s t/a+t=e&"));
    let tokens = bench.redeem(&client, &pairs["code"]);
    assert_eq!(bench.call(&tokens.text("access_token")).json()["user"], "bob");
}

#[test]
fn anything_but_a_clear_yes_is_a_no() {
    let (bench, client) = asking();
    for decision in ["deny", "ALLOW", "yes", ""] {
        let (_, pairs) = decide(&bench, &open(&bench, &client), decision, &[]).redirect();
        assert_eq!((pairs["error"].as_str(), pairs["iss"].as_str()), ("access_denied", bench.sandbox.issuer()));
        assert_eq!(pairs["state"], "s t/a+t=e&");
    }
}

#[test]
fn a_form_needs_the_token_of_its_page_and_the_cookie_of_its_browser() {
    let (bench, client) = asking();
    let (page, other) = (open(&bench, &client), open(&bench, &client));
    let (csrf, ticket) = (other.fields[1].1.as_str(), other.fields[0].1.as_str());
    let yes = ("decision", "allow");
    let foreign = ["Origin: https://evil.example", "Origin: null"].map(|origin| vec![page.cookie.as_str(), origin]);
    let cases = [
        (Vec::new(), vec![yes]),
        (vec![other.cookie.as_str()], vec![yes]),
        (vec!["Cookie: keyward_sandbox="], vec![yes]),
        (vec![page.cookie.as_str()], vec![yes, ("csrf", "")]),
        (vec![page.cookie.as_str()], vec![yes, ("csrf", csrf)]),
        (vec![page.cookie.as_str()], vec![yes, ("ticket", "")]),
        (vec![page.cookie.as_str()], vec![yes, ("ticket", ticket)]),
        (foreign[0].clone(), vec![yes]),
        (foreign[1].clone(), vec![yes]),
    ];
    for (headers, changes) in cases {
        let answer = decide_with(&bench, &headers, &page, &changes);
        assert_eq!((answer.status, answer.header("location")), (403, ""), "{headers:?} {changes:?}");
    }
    assert_eq!(decide(&bench, &page, "allow", &[]).status, 303, "none of them closed the page");
}

#[test]
fn a_page_is_answered_once_and_in_time() {
    let (bench, client) = asking();
    let page = open(&bench, &client);
    assert_eq!(decide(&bench, &page, "allow", &[]).status, 303);
    assert_eq!(decide(&bench, &page, "allow", &[]).status, 403);
    let page = open(&bench, &client);
    bench.pass(600);
    assert_eq!(decide(&bench, &page, "allow", &[]).status, 403);
}

#[test]
fn two_pages_in_one_browser_do_not_disturb_each_other() {
    let (bench, client) = asking();
    let first = open(&bench, &client);
    let pairs = bench.request(&client);
    let query: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let target = format!("/as/authorize?{}", encoded(&query));
    let second = bench.send("GET", &target, &[&first.cookie], "");
    let cookie = first.cookie.strip_prefix("Cookie: ").unwrap();
    assert!(second.header("set-cookie").starts_with(cookie), "{second:?}");
    assert_eq!(decide(&bench, &first, "allow", &[]).status, 303);
}

#[test]
fn a_user_name_has_a_plain_form() {
    let (bench, client) = asking();
    for name in ["<b>", "a b", "a\nb", &"x".repeat(65), ""] {
        let answer = decide(&bench, &open(&bench, &client), "allow", &[("user", name)]);
        assert_eq!(answer.status, 400, "{name:?}");
    }
    assert_eq!(decide(&bench, &open(&bench, &client), "allow", &[("user", "carol@example.com")]).status, 303);
}

#[test]
fn the_page_shows_who_asks_for_what_and_cannot_be_framed_or_scripted() {
    let bench = Bench::with(|_| ());
    let name = r#""><script>alert(1)</script>"#;
    let metadata = json!({ "client_name": name, "redirect_uris": ["http://127.0.0.1/callback"] });
    let client = bench.register(&metadata).text("client_id");
    let Page { answer, .. } = open(&bench, &client);
    assert!(!answer.body.contains("<script"), "{}", answer.body);
    for shown in ["&quot;&gt;&lt;script&gt;", "http://127.0.0.1:4711<", &bench.resource(), "sandbox:read", "Sandbox:"] {
        assert!(answer.body.contains(shown), "{shown}: {}", answer.body);
    }
    for part in [r#"id="allow""#, r#"id="deny""#, r#"value="alice""#] {
        assert!(answer.body.contains(part), "{part}");
    }
    let policy = answer.header("content-security-policy");
    let (_, style) = answer.body.split_once("<style>").unwrap();
    let style = style.split_once("</style>").unwrap().0;
    let hash = STANDARD.encode(ring::digest::digest(&ring::digest::SHA256, style.as_bytes()));
    for rule in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", &format!("'sha256-{hash}'")] {
        assert!(policy.contains(rule), "{rule}: {policy}");
    }
    for (header, value) in [
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.header(header), value);
    }
    let cookie = answer.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
}

#[test]
fn nothing_is_allowed_by_looking() {
    let (bench, client) = asking();
    assert_eq!(bench.get("/as/consent?decision=allow").status, 405);
    let answer = bench.authorize(&changed(bench.request(&client), &[("decision", "allow"), ("csrf", "x")]));
    assert_eq!((answer.status, answer.header("location")), (200, ""));
    let (_, pairs) = bench.authorize(&changed(bench.request(&client), &[("prompt", "none")])).redirect();
    assert_eq!((pairs["error"].as_str(), pairs["state"].as_str()), ("login_required", "s t/a+t=e&"));
}
