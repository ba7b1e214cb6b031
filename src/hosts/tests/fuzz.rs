//! Texts that nobody thought of: what is put in comes out again, and nobody else's entry says anything new.

use proptest::prelude::*;
use saphyr_parser::{Event, Parser};
use serde_json::Value;

use super::super::*;
use super::edit::entry;

/// Space and comments, as they may stand between any two parts of JSON; each line comment ends its line.
fn trivia() -> impl Strategy<Value = String> {
    let one = prop_oneof![
        4 => Just(String::new()),
        2 => "[ \t]{1,3}",
        2 => "(\r\n|\n)[ \t]{0,4}",
        1 => "// [a-z{}\\[\\]:,\" /*]{0,6}\n",
        1 => "/\\*[a-z{}:,\" /]{0,6}\\*/",
    ];
    proptest::collection::vec(one, 0..3).prop_map(|all| all.concat())
}

fn string() -> impl Strategy<Value = String> {
    "[a-z/{}:,* ]{0,6}".prop_map(|text| Value::from(text).to_string())
}

/// Any value, with a trailing comma now and then.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![Just("null".to_owned()), Just("-1.5e3".to_owned()), Just("true".to_owned()), string()];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let item = (trivia(), inner.clone(), trivia()).prop_map(|(a, value, b)| a + &value + &b);
        let member = (trivia(), string(), trivia(), trivia(), inner, trivia())
            .prop_map(|(a, key, b, c, value, d)| format!("{a}{key}{b}:{c}{value}{d}"));
        let all = |open: char, close: char| {
            move |(parts, has_comma, end): (Vec<String>, bool, String)| {
                let comma = if has_comma && !parts.is_empty() { "," } else { "" };
                format!("{open}{}{comma}{end}{close}", parts.join(","))
            }
        };
        prop_oneof![
            (proptest::collection::vec(item, 0..3), any::<bool>(), trivia()).prop_map(all('[', ']')),
            (proptest::collection::vec(member, 0..3), any::<bool>(), trivia()).prop_map(all('{', '}')),
        ]
    })
}

/// A whole file: an object in which the table of servers may be, at any place.
fn file() -> impl Strategy<Value = String> {
    let servers = prop_oneof![Just(None), json().prop_map(Some)];
    let member = |key: Option<&'static str>| {
        (trivia(), string(), trivia(), json(), trivia()).prop_map(move |(a, name, b, value, c)| {
            let name = key.map_or(name, |key| format!("\"{key}\""));
            (a + &name + ":" + &b, value, c)
        })
    };
    let bom = prop_oneof![3 => Just(""), 1 => Just("\u{feff}")];
    let ends = (bom, trivia(), trivia(), trivia(), any::<bool>());
    (ends, member(None), member(Some(SERVERS)), member(None), servers, 0..8_u8).prop_map(
        |((bom, start, inside, end, has_comma), first, ours, last, servers, which)| {
            let servers =
                servers.map(|value| (ours.0, if value.starts_with('{') { value } else { "{}".to_owned() }, ours.2));
            let first = Some(first).filter(|_| which & 1 > 0);
            let last = Some(last).filter(|_| which & 2 > 0);
            let all: Vec<String> = [first, servers, last].into_iter().flatten().map(|(a, b, c)| a + &b + &c).collect();
            let comma = if has_comma && !all.is_empty() { "," } else { "" };
            format!("{bom}{start}{{{}{comma}{inside}}}{end}", all.join(","))
        },
    )
}

const SERVERS: &str = "mcpServers";

/// The entry put into a file of this host and taken out again, as the command does it.
fn there_and_back(name: &str, text: &str) -> Result<Option<(String, String)>, TestCaseError> {
    let folder = tempfile::tempdir().expect("a folder");
    let here = Here {
        system: System::Unix,
        environment: crate::machine::Environment::default(),
        home: Some(folder.path().to_path_buf()),
        project: PathBuf::new(),
    };
    let host = named(name).expect("a host");
    let path = host.file(Scope::User, &here).expect("a file");
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    std::fs::write(&path, text).expect("written");
    let now = || std::fs::read_to_string(&path).expect("readable");
    let Ok(plan) = host.plan(Scope::User, &entry(), &here) else {
        prop_assert_eq!(now(), text);
        return Ok(None);
    };
    let _ = plan.difference();
    plan.apply().expect("written");
    let with = now();
    let again = host.plan(Scope::User, &entry(), &here).expect("what we wrote");
    prop_assert!(again.is_empty(), "{}", with);
    // Without the copy only the text itself says what was there.
    let taken = host.format.take(&with, host.key, true).expect("what we wrote");
    host.removal(Scope::User, &here).expect("what we wrote").apply().expect("written");
    prop_assert_eq!(now(), text, "{}", with);
    let left: Vec<_> = std::fs::read_dir(path.parent().expect("a folder")).expect("readable").flatten().collect();
    prop_assert_eq!(left.len(), 1, "nothing stays behind: {:?}", left);
    Ok(Some((with, taken)))
}

#[test]
fn a_text_that_keeps_the_empty_lines_behind_it_gets_none_of_ours() {
    for text in [
        "e: |+\n  f\n\nextensions:\n\nx: y\n",
        "extensions:\n  e: |+\n    f\n\n\nx: y\n",
        "e: |+\n  f\n\nextensions:\n\n\n",
    ] {
        let (_, taken) = there_and_back("goose", text).expect("no fault").expect("understood");
        let texts = |text: &str| {
            events(text).expect("YAML").into_iter().filter(|event| event.contains("f\\n")).collect::<Vec<_>>()
        };
        assert_eq!(texts(&taken), texts(text), "{taken}");
    }
}

/// What YAML says, by another reader: every event of the document.
fn events(text: &str) -> Option<Vec<String>> {
    let all = Parser::new_from_str(text).map(|event| event.map(|(event, _)| event));
    let all: Vec<Event<'_>> = all.collect::<Result<_, _>>().ok()?;
    Some(all.iter().map(|event| format!("{event:?}")).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_json_is_the_same_again_and_says_the_same_with_us_in_it(text in file()) {
        let said = json::read(&text);
        let Some((with, taken)) = there_and_back("cursor", &text)? else { return Ok(()) };
        let without = |text: &str| {
            let mut said = json::read(text).expect("JSON");
            let servers = said.get_mut(SERVERS).and_then(Value::as_object_mut).expect("servers");
            let ours = servers.remove(NAME);
            let is_empty = servers.is_empty();
            if is_empty {
                said.as_object_mut().expect("an object").remove(SERVERS);
            }
            (said, ours)
        };
        let mut said = said.expect("JSON");
        if said.get(SERVERS).is_some_and(|servers| servers.as_object().is_some_and(serde_json::Map::is_empty)) {
            said.as_object_mut().expect("an object").remove(SERVERS);
        }
        let (others, ours) = without(&with);
        prop_assert_eq!(&others, &said);
        prop_assert_eq!(&ours.expect("ours")["command"], "/opt/keyward");
        let mut left = json::read(&taken).expect("JSON");
        if left.get(SERVERS).is_some_and(|servers| servers.as_object().is_some_and(serde_json::Map::is_empty)) {
            left.as_object_mut().expect("an object").remove(SERVERS);
        }
        prop_assert_eq!(left, said);
        let comments = |text: &str| text.matches("//").count() + text.matches("/*").count();
        prop_assert_eq!(comments(&with), comments(&text));
    }

    #[test]
    fn any_text_is_refused_or_comes_back(text in "\\PC{0,40}", name in prop_oneof![Just("cursor"), Just("codex"), Just("goose")]) {
        there_and_back(name, &text)?;
    }

    #[test]
    fn any_toml_is_the_same_again(
        parts in proptest::collection::vec(prop_oneof![
            Just("a = 1\n"), Just("# x\n"), Just("\n"), Just("[b]\nc = '''\n[mcp_servers.keyward]\n'''\n"),
            Just("[mcp_servers.other]\ncommand = \"x\" # y\n"), Just("[mcp_servers]\n"), Just("[[d]]\ne = [\n[1],\n]\r\n"),
            Just("[mcp_servers.z.env]\nA = 'b'\r\n"), Just("mcp_servers = {}\n"), Just("mcp_servers.q.command = 'r'\n"),
        ], 0..6),
        cut in 0..3_usize,
    ) {
        let text = parts.concat();
        let text = text.get(..text.len().saturating_sub(cut)).unwrap_or_default();
        if let Some((with, taken)) = there_and_back("codex", text)? {
            let value = |text: &str| toml::read(text).expect("TOML");
            prop_assert_eq!(&value(&with)["mcp_servers"]["keyward"]["args"][0], "serve");
            let mut left = value(&with);
            left["mcp_servers"].as_object_mut().expect("servers").remove(NAME);
            if value(text).get("mcp_servers").is_none() {
                left.as_object_mut().expect("a table").remove("mcp_servers");
            }
            prop_assert_eq!(&left, &value(text));
            prop_assert_eq!(value(&taken), value(text));
        }
    }

    #[test]
    fn any_yaml_is_refused_or_says_the_same_by_another_reader(
        parts in proptest::collection::vec(prop_oneof![
            Just("a: 1\n"), Just("# x\n"), Just("\n"), Just("b: |\n  extensions:\n    c: d\n\n"), Just("e: |+\n  f\n\n"),
            Just("extensions:\n"), Just("  g:\n    cmd: x\n"), Just("  h: {i: [1, 'j, k']}\n"), Just("  l:\n      - m: >-\n          n\n"),
            Just("o: \"p\n"), Just("q: 'r # s'\n"), Just("t:\n- u\n- v: w\n"), Just("---\n"), Just("x: \"y: z\"\r\n"), Just("    aa: bb\n"),
            Just("cc: dd\n  ee\n"), Just("  ff: |\n    gg\n"), Just("extensions: {}\n"), Just("  ? hh\n"), Just("  - ii\n"),
        ], 0..7),
        cut in 0..3_usize,
    ) {
        let text = parts.concat();
        let text = text.get(..text.len().saturating_sub(cut)).unwrap_or_default();
        let Some(before) = events(text) else { return Ok(()) };
        if let Some((with, taken)) = there_and_back("goose", text)? {
            let after = events(&with).expect("still YAML");
            let taken = events(&taken).expect("still YAML");
            let is_key = |event: &&String| event.contains("\"keyward\"");
            prop_assert_eq!(after.iter().filter(is_key).count(), 2, "the name, and its own name: {:?}", after);
            // Nobody else's event is gone or in another order.
            let mut rest = after.iter();
            let had_table = before.iter().any(|event| event.contains("\"extensions\""));
            for event in before.iter().filter(|event| !event.contains("DocumentStart")) {
                // What had nothing in it has something now.
                let is_now_full = event.contains("\"~\"") || event.contains("\"\"") || event.contains("StreamEnd");
                prop_assert!(is_now_full || rest.any(|other| other == event), "{} in\n{}", event, with);
            }
            // A table that had nothing in it goes with us, and so does a document that had nothing else.
            let mut rest = before.iter();
            let lost = |taken: &String| rest.by_ref().take_while(|event| *event != taken).cloned().collect::<Vec<_>>();
            let lost: Vec<String> = taken.iter().flat_map(lost).collect();
            let is_empty = |event: &String| {
                ["extensions", "\"~\"", "\"\"", "Mapping", "Document"].iter().any(|word| event.contains(word))
            };
            prop_assert!(lost.is_empty() || (had_table && lost.iter().all(is_empty)), "{:?} of {:?}", lost, before);
        }
    }
}
