//! The table of equivalents is true: every call in it is run.

use super::*;
use crate::backends::smart_bonding;

const TABLE: &str = include_str!("../equivalents.md");

/// The cells of the rows that have a call in them: what is theirs (empty where nothing is), our tool, the arguments.
fn rows() -> Vec<(&'static str, &'static str, Value)> {
    let mut rows = Vec::new();
    for line in TABLE.lines().filter(|line| line.starts_with("| ") && line.contains('{')) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`')).collect();
        let (theirs, ours, arguments) = match cells.as_slice() {
            [ours, arguments, _] if arguments.starts_with('{') => ("", *ours, *arguments),
            [theirs, ours, arguments] => (*theirs, *ours, *arguments),
            other => panic!("a row of another form: {other:?}"),
        };
        rows.push((theirs, ours, serde_json::from_str(arguments).expect("JSON")));
    }
    rows
}

#[tokio::test]
async fn every_call_in_the_table_finds_something() {
    let stage = stage();
    let prompts = BACKEND.prompts(&stage.connection);
    let bonding = bonding();
    for (theirs, ours, arguments) in rows() {
        if let Some(name) = ours.strip_prefix("prompt `") {
            let prompt = prompts.iter().find(|prompt| prompt.name == format!("c_{name}")).expect("a prompt");
            let filled: &Map<String, Value> = arguments.as_object().expect("arguments");
            let written = prompt.writer.write(filled.clone(), Default::default()).await.expect("a text");
            let text = written.messages.get();
            assert!(filled.values().all(|value| text.contains(value.as_str().expect("a text"))), "{theirs}: {text}");
            continue;
        }
        if let Some(name) = ours.strip_prefix("smart-bonding_") {
            bonded(&bonding, name, arguments).await;
            continue;
        }
        let fields = stage.fields(ours, arguments).await;
        let found = fields["returned"].as_u64().unwrap_or(0) > 0 || fields["verdict"].is_string();
        assert!(found && fields.get("failed").is_none(), "{theirs}: {fields}");
    }
}

/// Smart Bonding with everything switched on, and its stand-in.
fn bonding() -> (Host, Vec<Tool>) {
    let host = Host::of(Arc::from((smart_bonding::BACKEND.fake)()));
    let toolsets = smart_bonding::BACKEND.toolsets.iter().map(|set| set.name).collect();
    let tokens = Tokens::new(Some("good"), None);
    let connection = Connection { toolsets, ..connection(host.at(""), Way::ClientCredentials, tokens) };
    let tools = smart_bonding::BACKEND.tools(&connection);
    (host, tools)
}

/// Calls a tool of Smart Bonding for somebody who says yes.
async fn bonded((_, tools): &(Host, Vec<Tool>), name: &str, arguments: Value) {
    let tool = tools.iter().find(|tool| tool.name == format!("c_{name}")).expect("a tool of that name");
    let call = |agreed| Call {
        arguments: arguments.as_object().cloned().expect("arguments"),
        progress: Progress::default(),
        agreed,
        host: Default::default(),
    };
    let outcome = match tool.handler.call(call(Agreed::default())).await {
        Err(Error::Unconfirmed { question }) => tool.handler.call(call(Agreed::to(question))).await,
        outcome => {
            assert!(tool.effect.read_only, "{name} changes something, and nobody was asked");
            outcome
        }
    };
    assert!(!outcome.unwrap_or_else(|error| panic!("{name} {arguments}: {error:?}")).failed);
}

#[test]
fn every_one_of_their_tools_is_in_the_table_once() {
    let theirs: Vec<&str> = rows().into_iter().map(|(theirs, ..)| theirs).filter(|name| !name.is_empty()).collect();
    let distinct: HashSet<&str> = theirs.iter().copied().collect();
    assert_eq!(distinct.len(), theirs.len(), "a tool is there twice");
    // 45 of the Support APIs, 5 that ask the host's model, 8 of Smart Bonding, one of which is refused on purpose.
    assert_eq!(theirs.len(), 57);
    assert!(TABLE.contains("`upload_file_to_smart_bonding_ticket` has no equivalent on purpose"));
    assert!(tool::ALL.len() + bonding().1.len() <= 15);
    let ours: HashSet<&str> = tool::ALL.iter().map(|spec| spec.name).collect();
    let used: HashSet<&str> = rows().into_iter().map(|(_, ours, _)| ours).collect();
    assert!(ours.iter().all(|name| used.contains(name)), "a tool of ours is in no row");
}
