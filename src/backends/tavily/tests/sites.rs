//! Sites: read and listed, within limits, and window by window without paying twice.

use super::*;

#[tokio::test]
async fn a_site_is_read_and_listed_as_the_caller_wants() {
    for way in [Way::ApiKey, Way::OAuth] {
        let stage = stage(way);
        let map =
            stage.fields("map", json!({"url": "docs.example.com", "max_depth": 2, "select_paths": ["/docs/.*"]})).await;
        assert_eq!(map["results"], json!(["https://docs.example.com/docs/start", "https://docs.example.com/docs/api"]));
        assert_eq!((&map["base_url"], &map["response_time"]), (&json!("docs.example.com"), &json!(9.14)));
        let crawl =
            stage.fields("crawl", json!({"url": "docs.example.com", "limit": 2, "include_favicon": true})).await;
        assert_eq!(crawl["results"][1]["url"], "https://docs.example.com/intro", "{way:?}");
        assert_eq!(crawl["results"][1]["favicon"], "https://example.org/favicon.ico");
        assert!(crawl["results"][0]["raw_content"].as_str().is_some_and(|text| text.starts_with("# https://docs")));
        assert_eq!(crawl.get("usage").is_some(), way == Way::ApiKey);
        let error = stage.call("crawl", json!({"url": "blocked.example"})).await.expect_err("a refusal");
        let words = "the service does not read this address: [403] URL is not supported";
        assert!(matches!(&error, Error::Refused { code: 403, said, .. } if said == words), "{error:?}");
    }
}

#[tokio::test]
async fn every_page_of_a_long_site_comes_once_and_is_paid_for_once() {
    let stage = stage(Way::ApiKey);
    let call = json!({"url": "large.example", "limit": 200});
    let mut urls = Vec::new();
    let mut offset = json!(0);
    while !offset.is_null() {
        let mut call = call.clone();
        call["offset"] = offset;
        let output = stage.call("crawl", call).await.expect("pages");
        let fields: Value = serde_json::from_str(output.structured.expect("fields").get()).expect("JSON");
        assert!(output.content.get().len() < 100_000, "a window is bounded");
        assert_eq!(fields["total"], 151);
        urls.extend(fields["results"].as_array().expect("pages").iter().map(|page| page["url"].clone()));
        offset = fields["next_offset"].clone();
    }
    assert_eq!(urls.len(), 151);
    urls.dedup();
    assert_eq!((urls.len(), stage.asked().len()), (151, 1));
    let error = stage.call("crawl", json!({"url": "large.example", "limit": 200, "offset": 151})).await;
    assert_eq!(error.expect_err("too far").to_string(), "`offset` is 151, and there are 151 results");
}

#[tokio::test]
async fn a_cut_page_goes_on_from_what_is_remembered_of_a_crawl_or_an_extraction() {
    let stage = stage(Way::ApiKey);
    stage.fields("crawl", json!({"url": "very.large.example", "limit": 200})).await;
    let last = stage.fields("crawl", json!({"url": "very.large.example", "limit": 200, "offset": 150})).await;
    let page = &last["results"][0];
    let next = page["next_offset"].as_u64().expect("a cut page");
    let rest = stage.fields("extract", json!({"urls": [page["url"]], "offset": next})).await;
    assert_eq!(rest["results"][0]["total_characters"], 200_000);
    assert_eq!(stage.asked().len(), 1, "nothing was asked for again");
    // Another form of the page is another text.
    stage.fields("extract", json!({"urls": [page["url"]], "offset": next, "format": "text"})).await;
    assert_eq!(stage.asked().len(), 2);
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_not_remembered() {
    let stage = stage(Way::ApiKey);
    for (tool, asked) in [("crawl", [1, 2]), ("map", [3, 4])] {
        for asked in asked {
            let call = json!({"url": "a", "instructions": "fake:prose", "offset": 1});
            assert!(matches!(stage.call(tool, call).await, Err(Error::Protocol { .. })));
            assert_eq!(stage.asked().len(), asked);
        }
    }
}

#[tokio::test]
async fn limits_of_sites_are_checked_before_anything_is_sent() {
    let stage = stage(Way::ApiKey);
    for (arguments, expected) in [
        (json!({}), "`url` is missing"),
        (json!({"url": "a", "max_depth": 6}), "`max_depth` is 6, and must be a whole number from 1 to 5"),
        (json!({"url": "a", "max_breadth": 501}), "`max_breadth` is 501, and must be a whole number from 1 to 500"),
        (json!({"url": "a", "limit": 0}), "`limit` is 0, and must be a whole number from 1 to 10000"),
        (json!({"url": "a", "timeout": 9}), "`timeout` is 9, and must be a number from 10 to 150"),
        (json!({"url": "a", "timeout": 151}), "`timeout` is 151, and must be a number from 10 to 150"),
    ] {
        for tool in ["crawl", "map"] {
            let error = stage.call(tool, arguments.clone()).await.expect_err("a refusal");
            assert_eq!(error.to_string(), expected);
        }
    }
    let error = stage.call("crawl", json!({"url": "a", "chunks_per_source": 2})).await.expect_err("a refusal");
    assert_eq!(error.to_string(), "`chunks_per_source` goes together with `instructions` only");
    assert_eq!(stage.asked(), []);
}

#[tokio::test]
async fn what_may_have_been_paid_is_asked_for_once() {
    let stage = stage(Way::ApiKey);
    for (tool, arguments) in [
        ("search", json!({"query": "fake:503"})),
        ("extract", json!({"urls": ["https://a"], "query": "fake:503"})),
        ("crawl", json!({"url": "a", "instructions": "fake:503"})),
        ("map", json!({"url": "a", "instructions": "fake:503"})),
        ("search", json!({"query": "fake:drop"})),
    ] {
        let before = stage.asked().len();
        stage.call(tool, arguments.clone()).await.expect_err("trouble");
        assert_eq!(stage.asked().len() - before, 1, "{tool} {arguments}");
    }
}

#[tokio::test]
async fn credits_are_shown_and_asked_for_once_a_minute() {
    let stage = stage(Way::ApiKey);
    for _ in 0..3 {
        let fields = stage.fields("usage", json!({})).await;
        assert_eq!((&fields["key"]["limit"], &fields["key"]["research_usage"]), (&json!(1000.0), &json!(3.0)));
        assert_eq!(fields["account"]["current_plan"], "Bootstrap");
    }
    assert_eq!(stage.asked(), [("GET".to_owned(), "/usage".to_owned())]);
}
