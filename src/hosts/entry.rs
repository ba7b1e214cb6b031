//! What is to stand in a list: our entry, as each host spells it.

use serde_json::{Map, Value};

use super::{Fixed, Format, Host, NAME};

/// Our entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The program, with its whole path.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Variables that it is started with. Nothing here is secret: the file is no place for that.
    pub env: Vec<(String, String)>,
}

impl Entry {
    /// This entry with what the one that is there narrows and this one says nothing of, and what that is: whoever writes
    /// an entry anew, for a program that has moved, does not mean to allow more.
    pub(super) fn as_narrow_as(&self, there: &[String]) -> (Self, Vec<String>) {
        let is_only = |word: &String| word == "--only" || word.starts_with("--only=");
        let mut kept = Vec::new();
        let mut words = there.iter();
        while let Some(word) = words.next() {
            let is_new = if is_only(word) { !self.args.iter().any(is_only) } else { !self.args.contains(word) };
            let names = if word == "--only" { words.next() } else { None };
            if is_new && (is_only(word) || word == "--read-only") {
                kept.push(word.clone());
                kept.extend(names.cloned());
            }
        }
        let args = self.args.iter().chain(&kept).cloned().collect();
        (Self { args, ..self.clone() }, kept)
    }
}

/// What is to be written for that.
pub(super) struct Wanted {
    /// There is no entry yet.
    pub(super) is_new: bool,
    /// Values by their place in the entry: one name, or two for a variable.
    pub(super) changes: Vec<(Vec<String>, Value)>,
}

impl Fixed {
    fn value(self) -> Value {
        match self {
            Self::Text(text) => Value::from(text),
            Self::Texts(texts) => Value::from(texts),
            Self::Number(number) => Value::from(number),
            Self::Yes => Value::from(true),
        }
    }
}

impl Host {
    /// What is missing in what is there, or all of it. What the person added to the entry stays.
    pub(super) fn wanted(&self, entry: &Entry, there: Option<&Value>) -> Wanted {
        let shape = &self.shape;
        let fixed = |(name, value): &(&str, Fixed)| (vec![(*name).to_owned()], value.value());
        let own = [
            (vec![shape.command.to_owned()], Value::from(entry.command.as_str())),
            (vec!["args".to_owned()], Value::from(entry.args.as_slice())),
        ];
        let env = entry
            .env
            .iter()
            .map(|(name, value)| (vec![shape.env.to_owned(), name.clone()], Value::from(value.as_str())));
        let all = shape.before.iter().map(fixed).chain(own).chain(env).chain(shape.after.iter().map(fixed));
        let is_fixed = |path: &[String]| {
            let mut names = shape.before.iter().chain(shape.after);
            names.any(|(name, _)| path.first().is_some_and(|first| first == name))
        };
        let is_missing = |(path, value): &(Vec<String>, Value)| {
            let old = there.and_then(|there| path.iter().try_fold(there, |value, name| value.get(name)));
            if is_fixed(path) { old.is_none() } else { old != Some(value) }
        };
        Wanted { is_new: there.is_none(), changes: all.filter(is_missing).collect() }
    }

    /// A whole file with nothing but our entry, to be pasted by hand.
    pub fn pasted(&self, entry: &Entry) -> String {
        self.format.put("", self.key, &self.wanted(entry, None)).unwrap_or_default()
    }

    /// What the file says once this is done.
    pub(super) fn expected(&self, said: &Value, wanted: &Wanted) -> Value {
        let mut whole = said.clone();
        for (path, value) in &wanted.changes {
            let path: Vec<&str> = [self.key, NAME].into_iter().chain(path.iter().map(String::as_str)).collect();
            place(&mut whole, &path, self.format.as_read(value));
        }
        whole
    }
}

fn place(whole: &mut Value, path: &[&str], value: Value) {
    let Some((name, rest)) = path.split_first() else {
        *whole = value;
        return;
    };
    if !whole.is_object() {
        *whole = Value::Object(Map::new());
    }
    if let Some(members) = whole.as_object_mut() {
        place(members.entry(*name).or_insert(Value::Null), rest, value);
    }
}

impl Format {
    /// The value as the reader of this format gives it back.
    fn as_read(self, value: &Value) -> Value {
        match (self, value) {
            (Self::Yaml, Value::Bool(_) | Value::Number(_)) => Value::from(value.to_string()),
            _ => value.clone(),
        }
    }
}
