//! The Portal's two notations for one kind of value: XML objects, in which everything is asked, and JSON, in which most
//! is answered (reference: Portal API, "XML object notation" and `format=jsonext`).
//!
//! ```text
//! value := <val>text</val> | <list> value* </list> | <obj class="X"> att* </obj>
//! att   := <att id="name"> value </att> | <att id="name"/>
//! ```
//!
//! Both are read into [`Value`]. XML does not say which texts are numbers, and nothing here guesses: a file may be called
//! `2024`. Whoever wants a number asks for one, see [`super::fields`].

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value};

/// The member that holds an object's class, in JSON as the Portal writes it.
pub(super) const CLASS: &str = "$class";

/// How deep values may lie within each other.
const DEEPEST: usize = 64;
/// How many values an answer may have.
const MOST: usize = 200_000;

/// Reads an answer in either notation; an empty one is null. The error says what is wrong, without quoting.
pub(super) fn parse(body: &[u8]) -> Result<Value, &'static str> {
    let text = std::str::from_utf8(body).map_err(|_| "it is not UTF-8")?;
    let text = text.trim_start_matches('\u{feff}').trim();
    match text.as_bytes().first() {
        None => Ok(Value::Null),
        Some(b'<') => parse_xml(text),
        // The library bounds the depth itself.
        Some(_) => serde_json::from_str(text).map_err(|_| "it is neither XML nor JSON"),
    }
}

/// A value that is still being read.
enum Open {
    /// `<val>`.
    Text(String),
    /// `<list>`.
    List(Vec<Value>),
    /// `<obj>`, with the attribute that is open in it.
    Object(Map<String, Value>),
    /// `<att>`, with its name.
    Attribute(String, Option<Value>),
}

fn parse_xml(text: &str) -> Result<Value, &'static str> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut open: Vec<Open> = Vec::new();
    let mut root = None;
    let mut count = 0_usize;
    loop {
        match reader.read_event().map_err(|_| "its XML is damaged")? {
            Event::Start(tag) => {
                count = count.saturating_add(1);
                if open.len() >= DEEPEST || count > MOST {
                    return Err("its XML is deeper or longer than anything it could be");
                }
                if open.is_empty() && root.is_some() {
                    return Err("its XML has more than one root");
                }
                open.push(begun(&tag, open.last())?);
            }
            Event::End(_) => {
                let (name, value) = match open.pop().ok_or("its XML is damaged")? {
                    Open::Text(text) => (None, Value::String(text)),
                    Open::List(all) => (None, Value::Array(all)),
                    Open::Object(members) => (None, Value::Object(members)),
                    Open::Attribute(name, value) => (Some(name), value.unwrap_or(Value::Null)),
                };
                match (open.last_mut(), name) {
                    (None, None) => root = Some(value),
                    (Some(Open::List(all)), None) => all.push(value),
                    (Some(Open::Attribute(_, held @ None)), None) => *held = Some(value),
                    (Some(Open::Object(members)), Some(name)) => drop(members.insert(name, value)),
                    _ => return Err("its XML is not an object of the Portal"),
                }
            }
            Event::Text(piece) => append(&mut open, &piece)?,
            Event::CData(piece) => append(&mut open, &piece)?,
            Event::GeneralRef(name) => append(&mut open, &resolved(&name)?)?,
            // Entities of its own, which could be expanded without end, or point to files.
            Event::DocType(_) => return Err("its XML declares a document type"),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Empty(_) => return Err("its XML is damaged"),
            Event::Eof if open.is_empty() => return root.ok_or("its XML is empty"),
            Event::Eof => return Err("its XML is cut off"),
        }
    }
}

fn begun(tag: &BytesStart<'_>, parent: Option<&Open>) -> Result<Open, &'static str> {
    let is_in_object = matches!(parent, Some(Open::Object(_)));
    match tag.name().as_ref() {
        "att" if is_in_object => {
            let name = attribute(tag, "id")?.ok_or("an attribute in its XML has no name")?;
            Ok(Open::Attribute(name, None))
        }
        "val" if !is_in_object => Ok(Open::Text(String::new())),
        "list" if !is_in_object => Ok(Open::List(Vec::new())),
        "obj" if !is_in_object => {
            let class = attribute(tag, "class")?.map(|class| (CLASS.to_owned(), Value::String(class)));
            Ok(Open::Object(class.into_iter().collect()))
        }
        _ => Err("its XML is not an object of the Portal"),
    }
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, &'static str> {
    let damaged = "an attribute in its XML is damaged";
    let found = tag.try_get_attribute(name).map_err(|_| damaged)?;
    let text = |found: quick_xml::events::attributes::Attribute<'_>| {
        found.normalized_value(quick_xml::XmlVersion::Implicit1_0).map(|text| text.into_owned()).map_err(|_| damaged)
    };
    found.map(text).transpose()
}

/// Text counts within `<val>`; between the others it is layout.
fn append(open: &mut [Open], piece: &str) -> Result<(), &'static str> {
    match open.last_mut() {
        Some(Open::Text(text)) => {
            text.push_str(piece);
            Ok(())
        }
        _ if piece.chars().all(char::is_whitespace) => Ok(()),
        _ => Err("its XML has text where none belongs"),
    }
}

fn resolved(name: &quick_xml::events::BytesRef<'_>) -> Result<String, &'static str> {
    let unknown = "its XML names an entity that XML does not have";
    if let Some(c) = name.resolve_char_ref().map_err(|_| unknown)? {
        return Ok(c.to_string());
    }
    resolve_predefined_entity(name).map(String::from).ok_or(unknown)
}

/// A value on its way to the Portal.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// Nothing.
    Null,
    /// A text, a number or a flag, as it is written.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// An object: its class, where it has one, and its attributes in their order.
    Object(Option<String>, Vec<(String, Node)>),
}

impl Node {
    /// An object without a class.
    pub(super) fn object<const N: usize>(attributes: [(&str, Self); N]) -> Self {
        Self::Object(None, attributes.into_iter().map(|(name, node)| (name.to_owned(), node)).collect())
    }

    /// This object, of that class.
    #[must_use]
    pub(super) fn of(self, class: &str) -> Self {
        match self {
            Self::Object(_, attributes) => Self::Object(Some(class.to_owned()), attributes),
            other => other,
        }
    }

    /// This object with that attribute, instead of one that it has of that name.
    #[must_use]
    pub(super) fn with(self, name: &str, node: Self) -> Self {
        match self {
            Self::Object(class, mut attributes) => {
                attributes.retain(|(known, _)| known != name);
                attributes.push((name.to_owned(), node));
                Self::Object(class, attributes)
            }
            other => other,
        }
    }

    /// As XML, in the compact form.
    pub(super) fn xml(&self) -> String {
        let mut xml = String::new();
        self.write(&mut xml);
        xml
    }

    fn write(&self, xml: &mut String) {
        match self {
            Self::Null => xml.push_str("<val/>"),
            Self::Text(text) if text.is_empty() => xml.push_str("<val/>"),
            Self::Text(text) => {
                xml.push_str("<val>");
                escape(text, xml);
                xml.push_str("</val>");
            }
            Self::List(all) => {
                xml.push_str("<list>");
                all.iter().for_each(|node| node.write(xml));
                xml.push_str("</list>");
            }
            Self::Object(class, attributes) => {
                xml.push_str("<obj");
                if let Some(class) = class {
                    xml.push_str(" class=\"");
                    escape(class, xml);
                    xml.push('"');
                }
                xml.push('>');
                for (name, node) in attributes {
                    xml.push_str("<att id=\"");
                    escape(name, xml);
                    match node {
                        Self::Null => xml.push_str("\"/>"),
                        node => {
                            xml.push_str("\">");
                            node.write(xml);
                            xml.push_str("</att>");
                        }
                    }
                }
                xml.push_str("</obj>");
            }
        }
    }
}

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Node {
    fn from(flag: bool) -> Self {
        Self::Text(flag.to_string())
    }
}

impl From<u64> for Node {
    fn from(number: u64) -> Self {
        Self::Text(number.to_string())
    }
}

/// What the Portal said, to be said back to it.
impl From<&Value> for Node {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::from(*flag),
            Value::Number(number) => Self::Text(number.to_string()),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(all) => Self::List(all.iter().map(Self::from).collect()),
            Value::Object(members) => {
                let class = members.get(CLASS).and_then(Value::as_str).map(String::from);
                let others = members.iter().filter(|(name, _)| *name != CLASS);
                Self::Object(class, others.map(|(name, value)| (name.clone(), Self::from(value))).collect())
            }
        }
    }
}

/// Escapes for text and attributes. A line break is written as a reference, or the reader would make another of it; what
/// XML cannot hold at all is left out.
fn escape(text: &str, xml: &mut String) {
    for c in text.chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\t' | '\n' | '\r' => xml.push_str(&format!("&#{};", u32::from(c))),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => xml.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn xml_is_read_without_guessing_what_a_text_means() {
        let xml = r#"<?xml version="1.0"?><!-- x --><obj class="A" uuid="u"><att id="name"><val>2024</val></att>
            <att id="none"/><att id="empty"><val/></att><att id="list"><list><val>1.50</val><obj/></list></att>
            <att id="text"><val>a &amp; b&#32;&lt;c&gt; <![CDATA[<&]]></val></att></obj>"#;
        let read = parse(xml.as_bytes()).expect("an object");
        let expected = json!({
            "$class": "A", "name": "2024", "none": null, "empty": "", "list": ["1.50", {}], "text": "a & b <c> <&",
        });
        assert_eq!(read, expected);
    }

    #[test]
    fn both_notations_of_a_scalar_are_the_same_and_nothing_is_null() {
        assert_eq!(parse(b"<val>servers/MainDB/bgTasks/7</val>"), Ok(json!("servers/MainDB/bgTasks/7")));
        assert_eq!(parse(br#""servers\/MainDB\/bgTasks\/7""#), Ok(json!("servers/MainDB/bgTasks/7")));
        assert_eq!(parse(b" \n"), Ok(Value::Null));
    }

    #[test]
    fn entities_document_types_depth_and_stray_text_are_refused() {
        let deep = format!("{}<val/>{}", "<list>".repeat(70), "</list>".repeat(70));
        let bomb = r#"<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><val>&c;</val>"#;
        let file = r#"<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><val>&b;</val>"#;
        let wide = format!("<list>{}</list>", "<val/>".repeat(MOST + 1));
        for bad in [
            deep.as_str(),
            bomb,
            file,
            wide.as_str(),
            "<!DOCTYPE val><val/>",
            "<val>&unknown;</val>",
            "<val>",
            "<obj>text</obj>",
            "<html></html>",
            "<val/><val/>",
            "<obj><val/></obj>",
            "<att id=\"a\"/>",
            "<list><att id=\"a\"/></list>",
            "<val><val/></val>",
            "{",
            "<obj><att/></obj>",
            "<obj><att id=\"a\"><val/><val/></att></obj>",
            "<val>a</list>",
        ] {
            assert!(parse(bad.as_bytes()).is_err(), "{}", bad.get(..80.min(bad.len())).unwrap_or(bad));
        }
        assert!(parse(b"<val>\xff</val>").is_err());
    }

    #[test]
    fn a_request_is_written_as_the_reference_shows_it() {
        let param = Node::object([("start", 0_u64.into()), ("root", "/a%20b".into()), ("none", Node::Null)]).of("P");
        let xml = r#"<obj class="P"><att id="start"><val>0</val></att><att id="root"><val>/a%20b</val></att><att id="none"/></obj>"#;
        assert_eq!(param.xml(), xml);
        assert_eq!(Node::from("").xml(), "<val/>");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(text in "[^\\p{Cc}\u{fffe}\u{ffff}]*", broken in "[a-z\t\n\r<&>\"']*") {
            let node = Node::object([("t", Node::List(vec![text.as_str().into(), broken.as_str().into()]))]).of("C");
            prop_assert_eq!(parse(node.xml().as_bytes()), Ok(json!({"$class": "C", "t": [text, broken]})));
        }

        #[test]
        fn no_answer_makes_the_reader_panic(text in "[<>&;a-z\"=/!\\[\\]? -]{0,60}", bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            drop(parse(text.as_bytes()));
            drop(parse(&bytes));
        }
    }
}
