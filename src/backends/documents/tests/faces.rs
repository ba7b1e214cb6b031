//! The same documents as resources and as prompts, with completion.

use serde_json::Map;

use super::*;
use crate::backends::resource::Contents;
use crate::backends::{Completion, Partial};

fn partial(name: &str, value: &str) -> Partial {
    Partial { name: name.to_owned(), value: value.to_owned(), others: Map::new() }
}

#[tokio::test]
async fn every_document_has_an_address_and_no_list_reads_a_file() {
    let stage = Stage::samples();
    let connection = stage.connection();
    let resources = BACKEND.resources(&connection);
    let families: Vec<&str> = resources.iter().map(|one| one.family().expect("a family")).collect();
    assert_eq!(families, ["keyward://c/checklists/", "keyward://c/processes/", "keyward://c/documents/"]);
    let read = |family: usize, which: &str| resources[family].reader.read(which.to_owned(), Host::default());
    for (family, which, expected) in
        [(0, "coding standards", "# Coding"), (1, "code-review", "1. review"), (2, "runbooks/Restore", "# Restore")]
    {
        let Contents::Text(text) = read(family, which).await.expect("a document") else { panic!("a text") };
        assert!(text.starts_with(expected), "{text}");
    }
    for (family, which) in
        [(0, "Code Review"), (2, "Restore"), (2, "runbooks/nothing"), (2, "nothing/Restore"), (2, "../x")]
    {
        assert!(matches!(read(family, which).await, Err(Error::Arguments(_))), "{which}");
    }
}

#[tokio::test]
async fn names_are_completed_those_that_begin_so_first() {
    let stage = Stage::new(&[
        ("checklists/Data Release.md", ""),
        ("checklists/release.md", ""),
        ("checklists/other.md", ""),
        ("runbooks/release.md", ""),
    ]);
    let resources = BACKEND.resources(&stage.connection());
    let found = resources[0].reader.complete(partial("name", "Re")).await.expect("texts");
    let expected = vec!["release".to_owned(), "Data Release".to_owned()];
    assert_eq!(found, Completion { values: expected.clone(), total: Some(2), has_more: false });
    let found = resources[2].reader.complete(partial("kind_and_name", "runbooks/")).await.expect("texts");
    assert_eq!(found.values, ["runbooks/release"]);
    let prompts = BACKEND.prompts(&stage.connection());
    let found = prompts[0].writer.complete(partial("name", "re")).await.expect("texts");
    assert_eq!(found.values, expected);
    assert_eq!(prompts[0].writer.complete(partial("about", "re")).await.expect("texts"), Completion::default());
}

#[tokio::test]
async fn a_completion_is_bounded_and_says_how_many_there_are() {
    let all: Vec<String> = (0..150).map(|n| format!("checklists/c{n:03}.md")).collect();
    let all: Vec<(&str, &str)> = all.iter().map(|name| (name.as_str(), "")).collect();
    let found =
        BACKEND.prompts(&Stage::new(&all).connection())[0].writer.complete(partial("name", "")).await.expect("texts");
    assert_eq!((found.values.len(), found.total, found.has_more), (100, Some(150), true));
}

#[tokio::test]
async fn a_prompt_holds_the_checklist_and_what_it_is_about() {
    let stage = Stage::samples();
    let prompts = BACKEND.prompts(&stage.connection());
    let names: Vec<&str> = prompts.iter().map(|prompt| prompt.name.as_str()).collect();
    assert_eq!(names, ["c_checklist", "c_process"]);
    let filled =
        |name: &str| json!({"name": name, "about": "the new\u{202e} service"}).as_object().cloned().expect("an object");
    let written = prompts[0].writer.write(filled("coding"), Host::default()).await.expect("a request");
    let text = written.messages.get();
    assert!(
        text.contains("- [ ] small") && text.contains("about: the new service") && text.contains("# Coding Standards"),
        "{text}"
    );
    let error = prompts[1].writer.write(filled("coding"), Host::default()).await.expect_err("no process");
    assert!(error.to_string().contains("there is no process `coding`"), "{error}");
}
