//! The objects that there are.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::schema::{self, Field, Kind, TYPES, Type};

/// An object as it is kept: relations by id, choices by value.
pub(super) type Row = Map<String, Value>;

/// Everything that is kept. Cheap to copy, so that what fails half-way is thrown away.
#[derive(Clone)]
pub(super) struct World {
    tables: BTreeMap<&'static str, BTreeMap<u64, Row>>,
    /// Moments that have passed.
    ticks: u64,
}

/// When all objects were made.
const LONG_AGO: &str = "2026-04-01T08:00:00.000000Z";
/// Ids of new objects begin there in each type.
const NEW: u64 = 1_000;

impl Default for World {
    fn default() -> Self {
        let mut world = Self { tables: BTreeMap::new(), ticks: 0 };
        for kind in TYPES.iter() {
            for row in &kind.rows {
                let mut cells = row.split('|');
                let Some(id) = cells.next().and_then(|id| id.parse().ok()) else { continue };
                let mut object = empty(kind);
                for (name, cell) in kind.columns.iter().zip(cells) {
                    fill(kind, &mut object, name, cell);
                }
                world.tables.entry(kind.name).or_default().insert(id, object);
            }
        }
        world
    }
}

/// An object of which nothing was said.
pub(super) fn empty(kind: &Type) -> Row {
    let mut row = Row::new();
    for field in &kind.fields {
        let value = match field.kind {
            Kind::Generic => {
                row.insert(format!("{}_type", field.name), Value::Null);
                row.insert(format!("{}_id", field.name), Value::Null);
                continue;
            }
            Kind::Ports => {
                row.insert("mark_connected".to_owned(), false.into());
                continue;
            }
            Kind::Made | Kind::Count => continue,
            _ => default(field),
        };
        row.insert(field.name.to_owned(), value);
    }
    let common: &[(&str, Value)] =
        &[("tags", json!([])), ("custom_fields", json!({})), ("comments", json!("")), ("owner", Value::Null)];
    row.extend(common.iter().filter(|_| !kind.is_bare).map(|(name, value)| ((*name).to_owned(), value.clone())));
    row.entry("description").or_insert_with(|| "".into());
    row.insert("created".to_owned(), LONG_AGO.into());
    row.insert("last_updated".to_owned(), LONG_AGO.into());
    row
}

fn default(field: &Field) -> Value {
    match field.kind {
        Kind::Text { null: false, .. } => field.default.into(),
        Kind::Flag(flag) => flag.into(),
        Kind::Hidden { flag: true } => false.into(),
        Kind::Choice { null: false, .. } => field.choices().next().map(|(value, _)| value.into()).unwrap_or_default(),
        Kind::Many | Kind::List | Kind::Ends => json!([]),
        Kind::Number { .. } | Kind::Decimal => {
            if field.default.is_empty() {
                Value::Null
            } else {
                number(field.default)
            }
        }
        _ => Value::Null,
    }
}

fn number(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// Puts a cell of `world.txt` into the object.
fn fill(kind: &Type, row: &mut Row, name: &str, cell: &str) {
    if cell.is_empty() {
        return;
    }
    let ids = || cell.split(',').map(number).collect::<Vec<_>>().into();
    let value = match kind.field(name).map(|field| field.kind) {
        Some(
            Kind::Text { .. } | Kind::Choice { .. } | Kind::Network { .. } | Kind::Date | Kind::Hidden { flag: false },
        ) => cell.into(),
        Some(Kind::Flag(_) | Kind::Hidden { .. }) => (cell == "1").into(),
        Some(Kind::Many) => ids(),
        None if name == "tags" => ids(),
        None if name == "description" || name == "changed_object_type" => cell.into(),
        Some(Kind::Generic) => {
            let (of, id) = cell.split_once(':').unwrap_or_default();
            row.insert(format!("{name}_type"), of.into());
            row.insert(format!("{name}_id"), number(id));
            return;
        }
        Some(Kind::Ends) => {
            let (of, id) = cell.split_once(':').unwrap_or_default();
            json!([{ "object_type": of, "object_id": number(id) }])
        }
        _ => number(cell),
    };
    row.insert(name.to_owned(), value);
}

impl World {
    /// The objects of a type, by id.
    pub(super) fn rows(&self, name: &str) -> impl DoubleEndedIterator<Item = (u64, &Row)> {
        self.tables.get(name).into_iter().flatten().map(|(id, row)| (*id, row))
    }

    pub(super) fn row(&self, name: &str, id: u64) -> Option<&Row> {
        self.tables.get(name)?.get(&id)
    }

    pub(super) fn row_mut(&mut self, name: &str, id: u64) -> Option<&mut Row> {
        self.tables.get_mut(name)?.get_mut(&id)
    }

    /// Keeps a new object; its id.
    pub(super) fn add(&mut self, kind: &'static Type, row: Row) -> u64 {
        let table = self.tables.entry(kind.name).or_default();
        let id = table.keys().next_back().map_or(NEW, |last| last.saturating_add(1).max(NEW));
        table.insert(id, row);
        id
    }

    /// Keeps this instead of what was there.
    pub(super) fn put(&mut self, kind: &'static Type, id: u64, row: Row) {
        self.tables.entry(kind.name).or_default().insert(id, row);
    }

    pub(super) fn remove(&mut self, name: &str, id: u64) -> Option<Row> {
        if name == "extras.tag" {
            let all = self.tables.values_mut().flat_map(|table| table.values_mut());
            let tags = all.filter_map(|row| row.get_mut("tags").and_then(Value::as_array_mut));
            tags.for_each(|tags| tags.retain(|tag| tag.as_u64() != Some(id)));
        }
        self.tables.get_mut(name)?.remove(&id)
    }

    /// A moment that was never before.
    pub(super) fn tick(&mut self) -> String {
        self.ticks = self.ticks.saturating_add(1);
        self.now()
    }

    /// The last moment.
    pub(super) fn now(&self) -> String {
        let (minutes, seconds) = (self.ticks / 60, self.ticks % 60);
        format!(
            "2026-05-{:02}T{:02}:{:02}:{seconds:02}.000000Z",
            3 + minutes / 1440 % 28,
            minutes / 60 % 24,
            minutes % 60
        )
    }

    /// The ids of an object and of all that is below it.
    pub(super) fn below(&self, kind: &Type, top: u64) -> Vec<u64> {
        let mut found = vec![top];
        let mut at = 0;
        while let Some(parent) = found.get(at).copied().filter(|_| kind.is_tree()) {
            let children =
                self.rows(kind.name).filter(|(id, row)| id_of(row, "parent") == Some(parent) && !found.contains(id));
            let children: Vec<u64> = children.map(|(id, _)| id).collect();
            found.extend(children);
            at += 1;
        }
        found
    }

    /// The object that a path of relations leads to, with its type.
    pub(super) fn follow(&self, kind: &'static Type, id: u64, path: &str) -> Option<(&'static Type, u64)> {
        path.split('.').try_fold((kind, id), |(kind, id), name| {
            let field = kind.field(name)?;
            let row = self.row(kind.name, id)?;
            Some((schema::named(field.of)?, id_of(row, name)?))
        })
    }

    /// What the object is called.
    pub(super) fn display(&self, kind: &'static Type, id: u64) -> String {
        let Some(row) = self.row(kind.name, id) else { return String::new() };
        if kind.name == "users.token" && id_of(row, "version") == Some(1) {
            let secret = said(row.get("secret"));
            let shown = secret.get(secret.len().saturating_sub(6)..).unwrap_or_default();
            return format!("{}{shown}", "*".repeat(34));
        }
        let mut text = String::new();
        let mut rest = kind.show;
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(&before.replace('_', " "));
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            match (name, kind.field(name)) {
                ("id", _) => text.push_str(&id.to_string()),
                (_, Some(field)) if matches!(field.kind, Kind::One { .. }) => {
                    let to = self.follow(kind, id, name);
                    text.push_str(&to.map(|(kind, id)| self.display(kind, id)).unwrap_or_default());
                }
                _ => text.push_str(&said(row.get(name))),
            }
            rest = after;
        }
        text.push_str(&rest.replace('_', " "));
        let text = text.replace(" ()", "");
        let label =
            || row.get("label").and_then(Value::as_str).filter(|label| kind.model == "cable" && !label.is_empty());
        match text.is_empty() {
            true => format!("{} {id}", kind.title()),
            false => label().map_or(text, str::to_owned),
        }
    }
}

/// A value as text, as filters see it.
pub(super) fn said(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

pub(super) fn id_of(row: &Row, name: &str) -> Option<u64> {
    row.get(name).and_then(Value::as_u64)
}

/// What a generic relation of the object leads to.
pub(super) fn generic(row: &Row, name: &str) -> Option<(&'static Type, u64)> {
    let kind = schema::named(row.get(&format!("{name}_type"))?.as_str()?)?;
    Some((kind, id_of(row, &format!("{name}_id"))?))
}

/// The ends of a cable, on one of its sides.
pub(super) fn ends(row: &Row, side: &str) -> Vec<(&'static Type, u64)> {
    let ends = row.get(side).and_then(Value::as_array);
    let one = |end: &Value| Some((schema::named(end.get("object_type")?.as_str()?)?, end.get("object_id")?.as_u64()?));
    ends.into_iter().flatten().filter_map(one).collect()
}
