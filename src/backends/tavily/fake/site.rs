//! A site of a few pages, the same for every host, for `/crawl` and `/map`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Refusal;

/// Paths, each with the number of links between it and the first page.
const PAGES: [(&str, u64); 6] =
    [("/", 0), ("/intro", 1), ("/docs/start", 1), ("/docs/api", 2), ("/docs/api/errors", 3), ("/about", 1)];
/// A page of another site that the first one links to.
const EXTERNAL: &str = "https://blog.example.org/post";
/// How many pages a large site has.
const LARGE: u64 = 150;

/// The answer to `/crawl`.
pub(super) fn crawl(body: &Value) -> Result<Value, Refusal> {
    let wants = |name: &str| body.get(name) == Some(&json!(true));
    let large = text(body, "url").contains("large");
    let page = |url: &String| {
        let mut content = format!("# {url}\n\nWhat stands on this page.\n");
        if large {
            // Writing to a string cannot fail.
            let _ = write!(content, "{}", "0123456789".repeat(300));
        }
        if url.ends_with("/long") {
            content = "0123456789".repeat(20_000);
        }
        json!({
            "url": url, "raw_content": content, "images": [],
            "favicon": wants("include_favicon").then_some("https://example.org/favicon.ico"),
        })
    };
    let urls = urls(body)?;
    let results: Vec<Value> = urls.iter().map(page).collect();
    Ok(envelope(body, results))
}

/// The answer to `/map`.
pub(super) fn map(body: &Value) -> Result<Value, Refusal> {
    let results = urls(body)?.into_iter().map(Value::from).collect();
    Ok(envelope(body, results))
}

fn envelope(body: &Value, results: Vec<Value>) -> Value {
    // A block of ten pages is billed when it is full.
    let credits = results.len() / 10;
    json!({
        "base_url": text(body, "url"), "results": results, "response_time": 9.14, "request_id": super::REQUEST,
        "usage": (body.get("include_usage") == Some(&json!(true))).then(|| json!({"credits": credits})),
    })
}

fn urls(body: &Value) -> Result<Vec<String>, Refusal> {
    let url = body.get("url").and_then(Value::as_str).ok_or((422, "url"))?.trim();
    if url.is_empty() {
        return Err((400, "[400] No starting url provided"));
    }
    if url.contains("blocked") {
        return Err((403, "[403] URL is not supported"));
    }
    let base = if url.contains("://") { url.to_owned() } else { format!("https://{url}") };
    let base = base.trim_end_matches('/');
    let number = |name: &str, usual: u64| body.get(name).and_then(Value::as_u64).unwrap_or(usual);
    let depth = number("max_depth", 1);
    let mut urls: Vec<String> = if url.contains("large") {
        (0..LARGE).map(|index| format!("{base}/page/{index}")).collect()
    } else {
        PAGES.iter().filter(|(_, away)| *away <= depth).map(|(path, _)| format!("{base}{path}")).collect()
    };
    if url.contains("very") {
        urls.push(format!("{base}/long"));
    }
    if body.get("allow_external") != Some(&json!(false)) {
        urls.push(EXTERNAL.to_owned());
    }
    let keeps = |url: &String| {
        let selected = patterns(body, "select_paths");
        (selected.is_empty() || selected.iter().any(|part| url.contains(part)))
            && !patterns(body, "exclude_paths").iter().any(|part| url.contains(part))
    };
    urls.retain(keeps);
    urls.truncate(usize::try_from(number("limit", 50)).unwrap_or(usize::MAX));
    Ok(urls)
}

/// Patterns by their plain parts: `/docs/.*` stands for `/docs/`.
fn patterns(body: &Value, name: &str) -> Vec<String> {
    let all = body.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let plain = |pattern: &str| pattern.trim_start_matches('^').trim_end_matches('$').trim_end_matches(".*").to_owned();
    all.iter().filter_map(Value::as_str).map(plain).collect()
}

fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body.get(name).and_then(Value::as_str).unwrap_or_default()
}
