//! What a connection presets, and what marks its requests.

use super::*;

#[tokio::test]
async fn a_default_never_overrides_what_the_caller_says() {
    let defaults = json!({
        "search_depth": "advanced", "max_results": 10, "time_range": "week", "country": "switzerland",
        "include_images": true, "chunks_per_source": 5, "timeout": 120.0, "include_domains": ["a.example"],
    });
    let stage = preset(Way::None, defaults);
    for (given, expected) in [
        (
            json!({"query": "q"}),
            json!({"query": "q", "search_depth": "advanced", "max_results": 10, "time_range": "week",
                "country": "switzerland", "include_images": true, "include_domains": ["a.example"]}),
        ),
        (
            json!({"query": "q", "search_depth": "basic", "max_results": 0, "include_images": false, "topic": "news",
                "start_date": "2026-01-01", "include_domains": []}),
            json!({"query": "q", "search_depth": "basic", "max_results": 0, "include_images": false, "topic": "news",
                "start_date": "2026-01-01"}),
        ),
        (
            json!({"query": "q", "search_depth": null, "max_results": "3", "country": "", "time_range": "d"}),
            json!({"query": "q", "max_results": 3, "time_range": "d", "include_images": true,
                "include_domains": ["a.example"]}),
        ),
    ] {
        stage.fields("search", given).await;
        assert_eq!(stage.last().body, expected);
    }
    // A default that is none for this tool, or needs what the caller left out, does nothing.
    stage.fields("extract", json!({"urls": ["https://a"]})).await;
    assert_eq!(stage.last().body, json!({"urls": ["https://a"], "include_images": true}));
    stage.fields("extract", json!({"urls": ["https://a"], "query": "q"})).await;
    assert_eq!(stage.last().body["chunks_per_source"], 5);
}

#[test]
fn every_default_is_an_argument_of_a_tool_or_marks_requests() {
    let marks = ["project", "organization", "session", "human", "client_name"];
    for field in DEFAULTS {
        let used = tool::ALL.iter().filter(|spec| spec.usual.contains(&field.name)).count();
        assert_eq!(used > 0, !marks.contains(&field.name), "{}", field.name);
    }
    for spec in tool::ALL {
        let fields = spec.takes.fields;
        for name in spec.usual {
            assert!(fields.iter().any(|field| field.name == *name), "{}: {name}", spec.name);
            assert!(DEFAULTS.iter().any(|field| field.name == *name), "{}: {name}", spec.name);
        }
    }
}

#[tokio::test]
async fn who_asks_is_said_in_headers_and_never_in_the_body() {
    let marks = json!({"project": "p-1", "organization": "o-1", "human": "h-1", "client_name": "team"});
    let rest = preset(Way::ApiKey, marks.clone());
    rest.fields("search", json!({"query": "q"})).await;
    let oauth = preset(Way::OAuth, marks);
    oauth.fields("search", json!({"query": "q"})).await;
    let remote = oauth.server.remote().record().all().pop().expect("a call");
    for seen in [rest.last(), remote] {
        let header = |name: &str| seen.headers.get(name).map(String::as_str);
        assert_eq!(header("x-project-id"), Some("p-1"));
        assert_eq!(header("x-tavily-orgid"), Some("o-1"));
        assert_eq!(header("x-human-id"), Some("h-1"));
        assert_eq!(header("x-client-name"), Some("team"));
        assert_eq!(header("x-session-id").map(str::len), Some(32), "one for each process");
        assert!(!seen.body.to_string().contains("p-1"));
    }
    let own = preset(Way::None, json!({"session": "s-1"}));
    own.fields("search", json!({"query": "q"})).await;
    assert_eq!(own.last().headers["x-session-id"], "s-1");
    assert_eq!(own.last().headers.get("x-project-id"), None);
}
