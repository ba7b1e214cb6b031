//! What the tools answer.

use super::*;

#[tokio::test]
async fn the_five_tools_answer_in_the_shapes_of_the_reference() {
    let stage = Stage::samples();
    let found = stage.good("list_checklists", json!({})).await;
    let architecture = json!({"name": "architecture", "description": ""});
    let coding = json!({"name": "Coding Standards", "description": "Review list for code"});
    assert_eq!(found, json!({"checklists": [architecture, coding], "count": 2}));
    let found = stage.good("get_checklist", json!({"name": "CODING standards"})).await;
    let expected = json!({
        "name": "Coding Standards", "description": "Review list for code", "content": "# Coding\n\n- [ ] small\n",
    });
    assert_eq!(found, expected);
    assert_eq!(stage.good("get_checklist", json!({"name": "Coding"})).await, expected, "by the file's name");
    let found = stage.good("search_processes", json!({"keyword": "REVIEW"})).await;
    let hit = json!({
        "name": "Code Review", "description": "How a change is reviewed", "relevance_score": 160, "snippet": "1. review",
    });
    assert_eq!(found, json!({"query": "REVIEW", "results": [hit], "count": 1}));
    assert_eq!(stage.good("search_processes", json!({"query": "REVIEW"})).await, found);
    assert!(stage.refused("search_processes", json!({})).await.contains("`keyword` is missing"));
    let both = json!({"query": "a", "keyword": "b"});
    assert!(stage.refused("search_processes", both).await.contains("the same argument"));
}

#[tokio::test]
async fn an_empty_folder_is_an_empty_list() {
    let stage = Stage::new(&[]);
    assert_eq!(stage.good("list_checklists", json!({})).await, json!({"checklists": [], "count": 0}));
    assert_eq!(stage.good("list_processes", json!({})).await, json!({"processes": [], "count": 0}));
    let found = stage.good("search_processes", json!({"keyword": "x"})).await;
    assert_eq!(found, json!({"query": "x", "results": [], "count": 0}));
    assert!(stage.refused("get_process", json!({"name": "x"})).await.contains("there is no process at all"));
}

#[tokio::test]
async fn without_folders_every_call_says_which_setting_is_missing() {
    let mut stage = Stage::new(&[]);
    stage.folders.clear();
    for (name, arguments) in [("list_checklists", json!({})), ("get_process", json!({"name": "x"}))] {
        let error = call(&BACKEND.tools(&stage.connection()), name, arguments).await.expect_err("no folders");
        let is_told = matches!(
            &error,
            Error::File { fault: crate::backends::folders::Fault::Outside { allowed, .. }, .. } if allowed.is_empty()
        );
        assert!(is_told, "{error:?}");
    }
}

#[tokio::test]
async fn an_unknown_name_lists_what_there_is_and_suggests_the_nearest() {
    let stage = Stage::samples();
    let error = stage.refused("get_checklist", json!({"name": "codin standard"})).await;
    let expected = "there is no checklist `codin standard`; did you mean `Coding Standards`?; \
                    of 2 there are `architecture`, `Coding Standards`";
    assert_eq!(error, expected);
    let error = stage.refused("get_document", json!({"name": "stor"})).await;
    assert!(error.contains("did you mean `Restore`?"), "{error}");
    let error = stage.refused("list_documents", json!({"kind": "runbook"})).await;
    assert!(
        error.starts_with("there is no kind `runbook`; did you mean `runbooks`?; there are `checklists`"),
        "{error}"
    );
    let many: Vec<(String, String)> = (0..200).map(|n| (format!("processes/p{n:03}.md"), String::new())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let error = Stage::new(&many).refused("get_process", json!({"name": "\u{1b}[2Jzzzzzzzzzzz"})).await;
    assert!(error.ends_with("`p029` and 170 more") && !error.contains('\u{1b}'), "{error}");
}

#[tokio::test]
async fn the_kind_is_the_first_folder_or_the_folder_itself() {
    let mut stage = Stage::samples();
    for name in ["Checklists", "Operations"] {
        let folder = stage.beside(name);
        fs::create_dir_all(folder.join("deep/er")).expect("folders");
        fs::write(folder.join("deep/er/x.md"), "x").expect("a file");
        fs::write(folder.join(format!("of {name}.MARKDOWN")), "x").expect("a file");
        stage.folders.push(folder);
    }
    let found = stage.good("list_documents", json!({})).await;
    let kinds: Vec<(String, u64)> = found["kinds"]
        .as_array()
        .expect("kinds")
        .iter()
        .map(|one| (one["kind"].as_str().expect("a kind").to_owned(), one["count"].as_u64().expect("a number")))
        .collect();
    let expected = [("checklists", 4), ("deep", 1), ("docs", 1), ("operations", 1), ("processes", 1), ("runbooks", 1)];
    assert_eq!(kinds, expected.map(|(kind, count)| (kind.to_owned(), count)));
    let found = stage.good("list_checklists", json!({})).await;
    assert_eq!(names(&found, "checklists"), ["architecture", "Coding Standards", "x", "of Checklists"]);
}

#[tokio::test]
async fn of_two_with_one_name_the_first_counts_and_the_answers_say_so() {
    let stage = Stage::new(&[
        ("processes/a.md", "---\nname: Release\n---\nfirst"),
        ("processes/b/c.md", "---\nname: RELEASE\n---\nsecond"),
        ("processes/release.md", "---\nname: Other\n---\nits file is called so"),
        ("runbooks/r.md", "---\nname: release\n---\nof another kind"),
    ]);
    for _ in 0..3 {
        let found = stage.good("get_process", json!({"name": "release"})).await;
        assert_eq!((found["content"].as_str(), &found["also"][0]), (Some("first"), &json!("processes/b/c.md")));
    }
    let found = stage.good("list_processes", json!({})).await;
    assert_eq!(names(&found, "processes"), ["Release", "Other"]);
    let reason = "its name `Release` is that of `processes/a.md`, which comes first";
    assert_eq!(found["skipped"], json!([{"file": "processes/b/c.md", "reason": reason}]));
    let found = stage.good("get_document", json!({"name": "release"})).await;
    assert_eq!(found["also"], json!(["processes/b/c.md", "runbooks: runbooks/r.md"]));
    let found = stage.good("get_document", json!({"name": "release", "kind": "Runbooks"})).await;
    assert_eq!(found["content"], "of another kind");
}

#[tokio::test]
async fn a_long_document_comes_in_pieces_that_together_are_the_whole() {
    let text: String = (0..20_000).map(|n| format!("Zeile {n} äöü\n")).collect();
    let stage = Stage::new(&[("checklists/long.md", &text)]);
    let (mut whole, mut offset) = (String::new(), json!(0));
    while !offset.is_null() {
        let found = stage.good("get_checklist", json!({"name": "long", "offset": offset})).await;
        assert_eq!(found["total_characters"], text.chars().count());
        whole.push_str(found["content"].as_str().expect("a text"));
        offset = found["next_offset"].clone();
    }
    assert!(whole == text);
    let error = stage.refused("get_checklist", json!({"name": "long", "offset": 9_000_000})).await;
    assert!(error.contains("the document has"), "{error}");
}

#[tokio::test]
async fn sixty_matching_processes_are_fifty_results_and_all_of_them_in_pages() {
    let all: Vec<String> = (0..60).map(|n| format!("processes/p{n:02}.md")).collect();
    let all: Vec<(&str, &str)> = all.iter().map(|name| (name.as_str(), "needle")).collect();
    let stage = Stage::new(&all);
    let found = stage.good("search_processes", json!({"keyword": "needle"})).await;
    assert_eq!(
        (found["results"].as_array().map(Vec::len), &found["count"], &found["total"]),
        (Some(50), &json!(50), &json!(60))
    );
    let (mut seen, mut offset) = (Vec::new(), json!(0));
    while !offset.is_null() {
        let found = stage.good("search_documents", json!({"query": "needle", "limit": 25, "offset": offset})).await;
        seen.extend(names(&found, "results"));
        offset = found["next_offset"].clone();
    }
    assert_eq!(seen, (0..60).map(|n| format!("p{n:02}")).collect::<Vec<_>>());
    let found = stage.good("list_documents", json!({"limit": 59})).await;
    assert_eq!((found["count"].as_u64(), found["next_offset"].as_u64()), (Some(60), Some(59)));
}

#[tokio::test]
async fn a_document_comes_with_its_tags_headings_and_the_rest_of_its_front_matter() {
    let stage = Stage::new(&[(
        "runbooks/a.md",
        "---\nname: A\nowner: team one\ntags: a, b\nreviewers: [x, y]\nnested:\n  deep: 1\n---\n# One\ntext\n## Two\n",
    )]);
    let found = stage.good("get_document", json!({"name": "a"})).await;
    assert_eq!(found["tags"], json!(["a", "b"]));
    assert_eq!(found["headings"], json!(["One", "Two"]));
    assert_eq!(found["front_matter"], json!({"owner": "team one", "reviewers": ["x", "y"]}));
    assert!(found["modified"].as_str().is_some_and(|time| time.ends_with('Z')), "{found}");
    assert_eq!(stage.good("list_documents", json!({"tag": "B"})).await["count"], 1);
    assert_eq!(stage.good("list_documents", json!({"tag": "c"})).await["count"], 0);
}

#[tokio::test]
async fn what_nobody_sees_does_not_reach_the_model() {
    let stage =
        Stage::new(&[("checklists/a.md", "---\nname: \"A\\e[2J\u{202e}B\"\n---\n\u{1b}[2Jtext\u{200b}\u{e0041}\n")]);
    let output =
        call(&BACKEND.tools(&stage.connection()), "get_checklist", json!({"name": "a"})).await.expect("an answer");
    let all = format!("{}{}", output.content.get(), output.structured.expect("fields").get());
    assert!(
        !all.contains("\\u001b")
            && !all.contains('\u{202e}')
            && !all.contains('\u{200b}')
            && !all.contains('\u{e0041}'),
        "{all}"
    );
}
