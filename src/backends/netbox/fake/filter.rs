//! What a list is asked for: parameters of the same name are alternatives, different ones must all hold, and unknown ones
//! are ignored without a word (reference: "Filtering").

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::schema::{self, Field, Kind, Type};
use super::shown::View;
use super::special;
use super::world::{Row, generic, id_of, said};

/// Parameters that are about the form of the answer.
pub(super) const SHAPING: [&str; 10] =
    ["limit", "offset", "start", "ordering", "fields", "omit", "brief", "exclude", "format", "export"];
/// What texts, numbers and relations can be asked for besides equality.
pub(super) const OF_TEXT: [&str; 12] =
    ["n", "ic", "nic", "isw", "nisw", "iew", "niew", "ie", "nie", "empty", "regex", "iregex"];
pub(super) const OF_NUMBER: [&str; 6] = ["n", "lt", "lte", "gt", "gte", "empty"];

/// Says whether an object is wanted.
pub(super) type Test<'a> = Box<dyn Fn(u64, &Row) -> bool + 'a>;
/// `None` for a parameter that nobody knows; the error is a sentence about the value.
pub(super) type Found<'a> = Result<Option<Test<'a>>, String>;

/// Compares a text with a value that was asked for.
type Comparison = dyn Fn(&str, &str) -> bool;

/// What a list is asked for.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) view: View<'a>,
    pub(super) kind: &'static Type,
    /// The parameter without its suffix, and that.
    pub(super) name: &'a str,
    pub(super) suffix: &'a str,
    pub(super) values: &'a [String],
}

/// The ids of the objects that are wanted and seen, or what is wrong with the parameters.
pub(super) fn select(
    view: View<'_>,
    kind: &'static Type,
    query: &[(String, String)],
) -> Result<Vec<u64>, Map<String, Value>> {
    let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, value) in query.iter().filter(|(name, _)| !SHAPING.contains(&name.as_str())) {
        groups.entry(name).or_default().push(value.clone());
    }
    let (mut tests, mut wrong) = (Vec::new(), Map::new());
    for (parameter, values) in &groups {
        let (name, suffix) = parameter.rsplit_once("__").unwrap_or((parameter, ""));
        match (Wanted { view, kind, name, suffix, values }).test() {
            Ok(test) => tests.extend(test),
            Err(why) => drop(wrong.insert((*parameter).to_owned(), json!([why]))),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let rows = view.world.rows(kind.name).filter(|(id, _)| view.sees(kind, *id));
    Ok(rows.filter(|(id, row)| tests.iter().all(|test| test(*id, row))).map(|(id, _)| id).collect())
}

impl<'a> Wanted<'a> {
    fn test(self) -> Found<'a> {
        if let Some(field) = self.name.strip_prefix("cf_") {
            let value = move |_: u64, row: &Row| said(row.get("custom_fields").and_then(|own| own.get(field)));
            return Ok(self.of_text(value));
        }
        match self.name {
            "id" => return self.of_number(|id, _| Some(f64_of(id))),
            "q" => return Ok(self.q()),
            "tag" | "tag_id" if !self.kind.is_bare => return self.tag(),
            "created" | "last_updated" if !matches!(self.kind.app, "users" | "core") => {
                let name = self.name;
                return Ok(self.of_moment(move |_, row| said(row.get(name))));
            }
            "created_by_request" => return Ok(self.by_request(&["create"])),
            "updated_by_request" => return Ok(self.by_request(&["update"])),
            "modified_by_request" => return Ok(self.by_request(&["create", "update"])),
            _ => {}
        }
        if let Some(found) = special::test(self) {
            return found;
        }
        if let Some(found) = self.through() {
            return found;
        }
        match self.kind.field(self.name) {
            Some(field) => self.of_field(field),
            None => self.of_generic(),
        }
    }

    fn of_field(self, field: &'static Field) -> Found<'a> {
        let name = field.name;
        match field.kind {
            Kind::Text { .. } => Ok(self.of_text(move |_, row| said(row.get(name)))),
            Kind::Choice { .. } => {
                if matches!(self.suffix, "" | "n") {
                    let known = |value: &&String| field.choices().all(|(own, _)| own != value.as_str());
                    if let Some(value) = self.values.iter().find(known) {
                        return Err(no_choice(value));
                    }
                }
                Ok(self.of_text(move |_, row| said(row.get(name))))
            }
            Kind::Number { .. } | Kind::Decimal => self.of_number(move |_, row| row.get(name).and_then(Value::as_f64)),
            Kind::Date => Ok(self.of_moment(move |_, row| said(row.get(name)))),
            Kind::Flag(_) if self.suffix.is_empty() => {
                Ok(self.of_flag(move |_, row| row.get(name) == Some(&true.into())))
            }
            Kind::One { .. } => {
                self.of_relation((field.of, false), move |_, row| id_of(row, name).into_iter().collect())
            }
            Kind::Many => {
                let ids = move |row: &Row| -> Vec<u64> {
                    row.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_u64).collect()
                };
                self.of_relation((field.of, false), move |_, row| ids(row))
            }
            Kind::Count => {
                let view = self.view;
                let kind = self.kind;
                self.of_number(move |id, _| view.full(kind, id).get(name).and_then(Value::as_f64))
            }
            _ => Ok(None),
        }
    }

    /// `rack_id`, or the ends of a generic relation.
    fn of_generic(self) -> Found<'a> {
        if let Some((base, end)) = self.name.rsplit_once('_')
            && let Some(field) = self.kind.field(base)
        {
            match (field.kind, end) {
                (Kind::One { .. }, "id") => {
                    let name = field.name;
                    return self.of_relation((field.of, true), move |_, row| id_of(row, name).into_iter().collect());
                }
                (Kind::Generic, "type") => {
                    let name = self.name;
                    return Ok(self.of_text(move |_, row| said(row.get(name))));
                }
                (Kind::Generic, "id") => {
                    let name = self.name;
                    return self.of_number(move |_, row| row.get(name).and_then(Value::as_f64));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// `region` of a device: through what it is related to.
    fn through(self) -> Option<Found<'a>> {
        let (bare, by_id) = self.name.strip_suffix("_id").map_or((self.name, false), |bare| (bare, true));
        let (_, path) = self.kind.via.iter().find(|(name, _)| *name == bare)?;
        let (kind, view) = (self.kind, self.view);
        let end = path.split('.').try_fold(kind, |kind, name| schema::named(kind.field(name)?.of))?;
        Some(self.of_relation((end.name, by_id), move |id, _| {
            view.world.follow(kind, id, path).map(|(_, id)| id).into_iter().collect()
        }))
    }

    /// Equality, and everything that a suffix can ask of a text; `None` for a suffix that is none.
    pub(super) fn of_text(self, text: impl Fn(u64, &Row) -> String + 'a) -> Option<Test<'a>> {
        let values = self.values;
        let any = move |id: u64, row: &Row, is: &Comparison| {
            let own = text(id, row);
            values.iter().any(|value| is(&own, value))
        };
        let folded =
            |is: fn(&str, &str) -> bool| move |own: &str, value: &str| is(&own.to_lowercase(), &value.to_lowercase());
        let (negated, suffix) = match self.suffix {
            "" => (false, ""),
            "n" => (true, ""),
            suffix => match suffix.strip_prefix('n').filter(|rest| OF_TEXT.contains(rest) && *rest != "n") {
                Some(rest) => (true, rest),
                None => (false, suffix),
            },
        };
        let is: Box<Comparison> = match suffix {
            "" => Box::new(|own, value| own == value || (value == "null" && own.is_empty())),
            "ic" | "regex" | "iregex" => {
                Box::new(folded(|own, value| own.contains(value.trim_matches(['^', '$', '.', '*']))))
            }
            "isw" => Box::new(folded(|own, value| own.starts_with(value))),
            "iew" => Box::new(folded(|own, value| own.ends_with(value))),
            "ie" => Box::new(folded(|own, value| own == value)),
            "empty" => Box::new(|own, value| own.is_empty() == (value == "true")),
            _ => return None,
        };
        Some(Box::new(move |id, row| any(id, row, &is) != negated))
    }

    pub(super) fn of_number(self, number: impl Fn(u64, &Row) -> Option<f64> + 'a) -> Found<'a> {
        if self.suffix == "empty" {
            let wanted = self.values.iter().any(|value| value == "true");
            return Ok(Some(Box::new(move |id, row| number(id, row).is_none() == wanted)));
        }
        let values: Option<Vec<f64>> = self.values.iter().map(|value| value.parse().ok()).collect();
        let values = values.ok_or_else(|| "Enter a whole number.".to_owned())?;
        let is: fn(f64, f64) -> bool = match self.suffix {
            "" | "n" => |own, value| (own - value).abs() < 1e-9,
            "lt" => |own, value| own < value,
            "lte" => |own, value| own <= value,
            "gt" => |own, value| own > value,
            "gte" => |own, value| own >= value,
            _ => return Ok(None),
        };
        let negated = self.suffix == "n";
        let any = move |id, row: &Row| number(id, row).is_some_and(|own| values.iter().any(|value| is(own, *value)));
        Ok(Some(Box::new(move |id, row| any(id, row) != negated)))
    }

    /// Moments compare as they are written: `2026-05-01`, or with a time.
    pub(super) fn of_moment(self, text: impl Fn(u64, &Row) -> String + 'a) -> Option<Test<'a>> {
        let values = self.values;
        let is: fn(&str, &str) -> bool = match self.suffix {
            "" | "n" => |own, value| own.starts_with(value.trim_end_matches('Z')),
            "lt" => |own, value| own < value,
            "lte" | "before" => |own, value| own <= value,
            "gt" => |own, value| own > value,
            "gte" | "after" => |own, value| own >= value,
            "empty" => |own, value| own.is_empty() == (value == "true"),
            _ => return None,
        };
        let negated = self.suffix == "n";
        Some(Box::new(move |id, row| {
            let own = text(id, row);
            values.iter().any(|value| is(&own, value)) != negated
        }))
    }

    pub(super) fn of_flag(self, flag: impl Fn(u64, &Row) -> bool + 'a) -> Option<Test<'a>> {
        let wanted = match self.values.last().map(|value| value.to_ascii_lowercase()).as_deref() {
            Some("true" | "1" | "yes" | "on") => true,
            Some("false" | "0" | "no" | "off") => false,
            _ => return Some(Box::new(|_, _| true)),
        };
        Some(Box::new(move |id, row| flag(id, row) == wanted))
    }

    /// By slug, name or id of what it is related to, with all that is below that.
    pub(super) fn of_relation(self, (of, by_id): (&str, bool), ids: impl Fn(u64, &Row) -> Vec<u64> + 'a) -> Found<'a> {
        if !matches!(self.suffix, "" | "n") {
            return Ok(None);
        }
        let Some(kind) = schema::named(of) else { return Ok(None) };
        let mut wanted: Vec<Option<u64>> = Vec::new();
        for value in self.values {
            if value == "null" {
                wanted.push(None);
                continue;
            }
            let found = found(&self.view, kind, value, by_id);
            if found.is_empty() {
                return Err(no_choice(value));
            }
            wanted.extend(found.into_iter().flat_map(|id| self.view.world.below(kind, id)).map(Some));
        }
        let negated = self.suffix == "n";
        Ok(Some(Box::new(move |id, row| {
            let own = ids(id, row);
            let is =
                if own.is_empty() { wanted.contains(&None) } else { own.iter().any(|id| wanted.contains(&Some(*id))) };
            is != negated
        })))
    }

    fn q(self) -> Option<Test<'a>> {
        let text = self.values.last().map(|value| value.to_lowercase()).unwrap_or_default();
        let (view, kind) = (self.view, self.kind);
        Some(Box::new(move |id, row| {
            let fields = kind.q.iter().map(|path| match path.rsplit_once('.') {
                None => said(row.get(*path)),
                Some((path, name)) => {
                    let to = view.world.follow(kind, id, path);
                    said(to.and_then(|(kind, id)| view.world.row(kind.name, id)).and_then(|row| row.get(name)))
                }
            });
            special::is_meant(&view, kind, (id, row), &text)
                || fields.into_iter().any(|own| own.to_lowercase().contains(&text))
        }))
    }

    /// All of the tags; with `any` one of them is enough, with `n` none may be there.
    fn tag(self) -> Found<'a> {
        let kind = schema::named("extras.tag").ok_or_else(String::new)?;
        let mut wanted = Vec::new();
        for value in self.values {
            let found = found(&self.view, kind, value, self.name == "tag_id");
            wanted.push(found.first().copied().ok_or_else(|| no_choice(value))?);
        }
        let has = |row: &Row, id: &u64| {
            row.get("tags").and_then(Value::as_array).is_some_and(|tags| tags.contains(&(*id).into()))
        };
        Ok(match self.suffix {
            "" => Some(Box::new(move |_, row| wanted.iter().all(|id| has(row, id)))),
            "any" => Some(Box::new(move |_, row| wanted.iter().any(|id| has(row, id)))),
            "n" => Some(Box::new(move |_, row| !wanted.iter().any(|id| has(row, id)))),
            _ => None,
        })
    }

    fn by_request(self, actions: &'static [&'static str]) -> Option<Test<'a>> {
        let (view, kind, values) = (self.view, self.kind, self.values);
        Some(Box::new(move |id, _| {
            view.world.rows("core.objectchange").any(|(_, change)| {
                generic(change, "changed_object").is_some_and(|(of, of_id)| of.name == kind.name && of_id == id)
                    && actions.contains(&said(change.get("action")).as_str())
                    && values.contains(&said(change.get("request_id")))
            })
        }))
    }
}

/// The objects that are called so.
fn found(view: &View<'_>, kind: &'static Type, value: &str, by_id: bool) -> Vec<u64> {
    if by_id {
        let id = value.parse().ok().filter(|id| view.world.row(kind.name, *id).is_some());
        return id.into_iter().collect();
    }
    let natural = ["slug", "username", "name", "model", "cid"];
    let key =
        if kind.key.is_empty() { natural.into_iter().find(|key| kind.field(key).is_some()) } else { Some(kind.key) };
    let Some(key) = key else { return Vec::new() };
    let is_it = |row: &Row| row.get(key).and_then(Value::as_str) == Some(value);
    view.world.rows(kind.name).filter(|(_, row)| is_it(row)).map(|(id, _)| id).collect()
}

pub(super) fn no_choice(value: &str) -> String {
    format!("Select a valid choice. {value} is not one of the available choices.")
}

pub(super) fn f64_of(id: u64) -> f64 {
    u32::try_from(id).map(f64::from).unwrap_or_default()
}
