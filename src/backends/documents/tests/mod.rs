//! The tools against folders and against the stand-in.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::BACKEND;
use crate::backends::tests::{Tokens, connection, matches};
use crate::backends::{Agreed, Call, Connection, Error, Host, Output, Progress, Tool, Way};

mod equivalents;
mod faces;
mod files;
mod front;
mod remote;
mod tools;

/// Folders with documents.
pub(super) struct Stage {
    place: TempDir,
    pub(super) folders: Vec<PathBuf>,
}

impl Stage {
    /// A folder `docs` with these files.
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        let place = tempfile::tempdir().expect("a folder");
        let docs = place.path().join("docs");
        fs::create_dir(&docs).expect("a folder");
        let stage = Self { place, folders: vec![docs] };
        files.iter().for_each(|(name, text)| stage.put(name, text.as_bytes()));
        stage
    }

    /// The samples that the table of equivalents names.
    pub(super) fn samples() -> Self {
        Self::new(&[
            (
                "checklists/coding.md",
                "---\nname: Coding Standards\ndescription: Review list for code\n---\n# Coding\n\n- [ ] small\n",
            ),
            ("checklists/architecture.md", "# Architecture\n\n- [ ] a review by two\n"),
            (
                "processes/code-review.md",
                "---\nname: Code Review\ndescription: How a change is reviewed\ntags: [release]\n---\n1. review\n",
            ),
            ("runbooks/db/restore.md", "---\nname: Restore\nowner: team\n---\n# Restore\n\nfrom the copy\n"),
            ("note.md", "a note"),
        ])
    }

    pub(super) fn docs(&self) -> &Path {
        &self.folders[0]
    }

    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    pub(super) fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.docs().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, bytes).expect("a file");
    }

    pub(super) fn connection(&self) -> Connection {
        let url = "file:///".parse().expect("an address");
        Connection { folders: self.folders.clone(), ..connection(url, Way::None, Tokens::new(None, None)) }
    }

    /// The fields of an answer, which are what the schema says.
    pub(super) async fn good(&self, name: &str, arguments: Value) -> Value {
        good(&BACKEND.tools(&self.connection()), name, arguments).await
    }

    pub(super) async fn refused(&self, name: &str, arguments: Value) -> String {
        call(&BACKEND.tools(&self.connection()), name, arguments).await.expect_err("a refusal").to_string()
    }

    /// What was left out, with the reasons.
    pub(super) async fn skipped(&self) -> Vec<(String, String)> {
        let found = self.good("list_documents", json!({})).await;
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let all = found["skipped"].as_array().cloned().unwrap_or_default();
        all.iter().map(|one| (text(&one["file"]), text(&one["reason"]))).collect()
    }
}

pub(super) async fn call(tools: &[Tool], name: &str, arguments: Value) -> Result<Output, Error> {
    let Value::Object(arguments) = arguments else { panic!("an object") };
    let tool = tools.iter().find(|tool| tool.name == format!("c_{name}")).expect("a tool of that name");
    let call = Call { arguments, progress: Progress::default(), agreed: Agreed::default(), host: Host::default() };
    tool.handler.call(call).await
}

pub(super) async fn good(tools: &[Tool], name: &str, arguments: Value) -> Value {
    let output = call(tools, name, arguments).await.expect("an answer");
    let fields: Value = serde_json::from_str(output.structured.expect("fields").get()).expect("JSON");
    let tool = tools.iter().find(|tool| tool.name == format!("c_{name}")).expect("a tool of that name");
    let schema: Value = serde_json::from_str(tool.output_schema.as_ref().expect("a schema").text()).expect("JSON");
    assert!(matches(&fields, &schema), "{name}: {fields}");
    fields
}

/// The names in a list of an answer.
pub(super) fn names(found: &Value, list: &str) -> Vec<String> {
    let all = found[list].as_array().expect("a list");
    all.iter().map(|one| one["name"].as_str().expect("a name").to_owned()).collect()
}
