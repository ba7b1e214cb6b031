//! The pages: what they say, and that nothing in them can do anything.

use super::*;

fn text(value: &str) -> String {
    value.to_owned()
}

fn failed(reason: &str) -> Page {
    Page::Failed { connection: text("cisco"), reason: Some(text(reason)) }
}

/// Every page, by the name of its file in `tests/browser/pages`.
fn all() -> Vec<(&'static str, String)> {
    let as_whom = |account: &str| Page::SignedIn { connection: text("portal"), account: Some(text(account)) }.html();
    vec![
        ("signed-in", as_whom("alice@example.com")),
        ("signed-in-nameless", Page::SignedIn { connection: text("tavily"), account: None }.html()),
        ("signed-in-long", as_whom(&format!("{}@{}.example.com", "alice.of.".repeat(14), "wonderland".repeat(20)))),
        (
            "signed-in-right-to-left",
            as_whom("\u{5d0}\u{5dc}\u{5d9}\u{5e1} \u{5d1}\u{5d0}\u{5e8}\u{5e5} (team <b>7</b>)"),
        ),
        ("signed-in-hidden", as_whom("al\u{200b}ice\u{202e}moc.live\u{2066}@exa\u{ad}mple.com\u{e0041}\u{feff}")),
        ("denied", Page::Denied { connection: text("cisco") }.html()),
        ("expired", Page::Expired { connection: text("cisco") }.html()),
        ("failed", Page::Failed { connection: text("cisco"), reason: None }.html()),
        ("failed-with-reason", failed("`bob@example.com` has signed in, and `alice@example.com` was meant").html()),
        ("working", Word::Working.html()),
        ("ended", Word::Ended.html()),
        ("late", Word::Late.html()),
        ("again", Word::Again.html()),
        ("refused", Word::Refused.html()),
        ("unread", Word::Unread.html()),
    ]
}

/// The files can be opened in a browser, and the ring `browser` does: instead of the style they name it.
#[test]
#[expect(clippy::disallowed_methods, reason = "whether to write the files is the developer's word to this test")]
fn every_page_is_the_one_that_was_looked_at() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/pages");
    let style = format!("<style>{STYLE}</style>");
    let link = r#"<link rel="stylesheet" href="../../../src/oauth/listener/page.css">"#;
    let writes = std::env::var_os("KEYWARD_UPDATE_GOLDEN").is_some();
    for (name, html) in all() {
        assert!(html.contains(&style), "{name} has another style");
        let (path, page) = (folder.join(format!("{name}.html")), html.replace(&style, link));
        if writes {
            std::fs::write(&path, &page).expect("written");
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == page, "tests/browser/pages/{name}.html is stale: KEYWARD_UPDATE_GOLDEN=1 cargo test, and look");
    }
    let files = folder.read_dir().expect("the folder").count();
    assert_eq!(files, all().len(), "files of pages that are no more");
}

#[test]
fn texts_of_others_become_no_markup() {
    let hostile = "<script>alert(1)</script>\"><img onerror='x'>&\u{202e}\u{1b}[31m".to_owned();
    let html = Page::SignedIn { connection: "cisco".to_owned(), account: Some(hostile.repeat(1000)) }.html();
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&gt;&lt;img onerror=&#39;x&#39;&gt;&amp;[31m"));
    for live in ["<script", "<img", "\u{202e}", "\u{1b}"] {
        assert!(!html.contains(live), "{live:?}");
    }
    assert!(html.len() < 10_000, "{}", html.len());
}

#[test]
fn a_name_has_no_characters_that_nobody_sees() {
    assert_eq!(escape("al\u{200b}i\u{ad}c\u{e0041}e\u{feff}\u{2066}\u{3164}"), "alice");
    assert_eq!(escape("\u{5d0}\u{5dc}\u{5d9}\u{5e1} \u{e9}"), "\u{5d0}\u{5dc}\u{5d9}\u{5e1} \u{e9}");
}

#[test]
fn a_name_without_end_is_seen_to_be_cut() {
    assert_eq!(escape(&"é".repeat(200)), "é".repeat(200));
    assert_eq!(escape(&"é".repeat(201)), "é".repeat(200) + "…");
}

#[test]
fn only_a_stored_login_claims_success() {
    for (name, html) in all() {
        let claims = html.to_lowercase().contains("you are signed in");
        assert_eq!(claims, name.starts_with("signed-in"), "{name}: {html}");
    }
}

#[test]
fn every_page_stands_alone() {
    for (name, page) in all() {
        for outside in ["http:", "https:", "src=", "href=", "url(", "@import", "<script", "style=", "<form", "<a "] {
            assert!(!page.contains(outside), "{name}: {outside}");
        }
    }
}

#[test]
fn every_page_has_what_a_screen_reader_goes_by() {
    for (name, page) in all() {
        let title = page.split_once("<title>").and_then(|(_, rest)| rest.split_once(" · keyward</title>"));
        let heading = page.split_once("<h1>").and_then(|(_, rest)| rest.split_once("</h1>"));
        assert_eq!(title.map(|(text, _)| text), heading.map(|(text, _)| text), "{name}");
        for once in ["<html lang=\"en\">", "<header>", "<main ", "<h1>", "<footer>", "name=\"viewport\""] {
            assert_eq!(page.matches(once).count(), 1, "{name}: {once}");
        }
        assert_eq!(page.matches("<svg ").count(), page.matches("aria-hidden=\"true\"").count(), "{name}");
    }
}
