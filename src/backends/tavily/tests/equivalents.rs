//! The table of equivalents is true: every call in it is run, and every parameter is one of ours.

use super::*;

const TABLE: &str = include_str!("../equivalents.md");
/// Tavily's own server, as release 0.2.22 lists its tools.
const THEIRS: [(&str, &[&str]); 5] = [
    (
        "tavily_search",
        &[
            "query",
            "search_depth",
            "topic",
            "time_range",
            "start_date",
            "end_date",
            "max_results",
            "include_images",
            "include_image_descriptions",
            "include_raw_content",
            "include_domains",
            "exclude_domains",
            "country",
            "include_favicon",
            "exact_match",
        ],
    ),
    ("tavily_extract", &["urls", "extract_depth", "include_images", "format", "include_favicon", "query"]),
    (
        "tavily_crawl",
        &[
            "url",
            "max_depth",
            "max_breadth",
            "limit",
            "instructions",
            "select_paths",
            "select_domains",
            "allow_external",
            "extract_depth",
            "format",
            "include_favicon",
        ],
    ),
    (
        "tavily_map",
        &[
            "url",
            "max_depth",
            "max_breadth",
            "limit",
            "instructions",
            "select_paths",
            "select_domains",
            "allow_external",
        ],
    ),
    ("tavily_research", &["input", "model"]),
];

/// Theirs, our tool, and the arguments of a row.
fn rows() -> Vec<(&'static str, &'static str, Value)> {
    let calls = TABLE.lines().filter(|line| line.starts_with("| `") && line.contains('{'));
    let row = |line: &'static str| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`')).collect();
        let [theirs, ours, arguments] = cells.as_slice() else { panic!("a row of another form: {cells:?}") };
        (*theirs, *ours, serde_json::from_str(arguments).expect("JSON"))
    };
    calls.map(row).collect()
}

#[tokio::test]
async fn every_call_in_the_table_finds_something() {
    let stage = stage(Way::ApiKey);
    for (theirs, ours, arguments) in rows() {
        let fields = stage.fields(ours, arguments).await;
        let found = fields["results"].as_array().is_some_and(|all| !all.is_empty())
            || fields["status"] == "completed"
            || fields["key"].is_object();
        assert!(found, "{theirs}: {fields}");
    }
}

#[test]
fn every_parameter_of_theirs_is_in_the_table_and_is_ours() {
    for (theirs, parameters) in THEIRS {
        let (_, ours, arguments) = rows().into_iter().find(|(name, ..)| *name == theirs).expect("a row");
        let spec = tool::ALL.iter().find(|spec| spec.name == ours).expect("a tool of ours");
        let fields = spec.takes.fields;
        let shown = rows().into_iter().filter(|(name, ..)| *name == theirs).map(|(.., arguments)| arguments);
        let shown: Vec<Value> = shown.collect();
        for parameter in parameters {
            assert!(fields.iter().any(|field| field.name == *parameter), "{theirs}: {parameter}");
            assert!(shown.iter().any(|call| call.get(*parameter).is_some()), "{theirs}: no row shows {parameter}");
        }
        assert!(arguments.is_object());
    }
    let used: Vec<&str> = rows().into_iter().map(|(_, ours, _)| ours).collect();
    assert!(tool::ALL.iter().all(|spec| used.contains(&spec.name)), "a tool of ours is in no row");
}
