//! Lists: pages, order, and which keys are shown (reference: "Listing").

use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::filter;
use super::schema::Type;
use super::shown::View;
use super::world::{Row, said};

/// The usual size of a page, and the largest.
const USUAL: usize = 50;
const MOST: usize = 1_000;

/// A query, decoded.
pub(super) type Query = [(String, String)];

/// What is wrong with a query.
pub(super) enum Wrong {
    /// By parameter.
    Filters(Map<String, Value>),
    /// In one sentence.
    Page(&'static str),
}

fn last<'a>(query: &'a Query, name: &str) -> Option<&'a str> {
    query.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
}

/// The page of a list that is asked for. `own` is the list's address, as it stands in `next`.
pub(super) fn page(view: View<'_>, kind: &'static Type, query: &Query, own: &str) -> Result<Value, Wrong> {
    let mut ids = filter::select(view, kind, query).map_err(Wrong::Filters)?;
    let limit = limit(query);
    let shape = Shape::of(query, view);
    let shown = |ids: &[u64]| ids.iter().map(|id| shape.shown(view, kind, *id)).collect::<Vec<_>>();
    if let Some(start) = last(query, "start").filter(|_| view.release >= (4, 6)) {
        if last(query, "offset").is_some() {
            return Err(Wrong::Page("'start' and 'offset' are mutually exclusive."));
        }
        if last(query, "ordering").is_some() {
            return Err(Wrong::Page("Ordering cannot be specified in conjunction with cursor-based pagination."));
        }
        let start = start.parse::<u64>().unwrap_or(0);
        ids.retain(|id| *id >= start);
        ids.truncate(limit);
        let next = ids
            .last()
            .filter(|_| ids.len() == limit)
            .map(|last| at(own, query, &[("limit", limit.to_string()), ("start", last.saturating_add(1).to_string())]));
        return Ok(json!({ "count": null, "next": next, "previous": null, "results": shown(&ids) }));
    }
    order(view, kind, query, &mut ids);
    let offset = last(query, "offset").and_then(|offset| offset.parse::<usize>().ok()).unwrap_or(0);
    let count = ids.len();
    let end = offset.saturating_add(limit);
    let page = ids.get(offset.min(count)..end.min(count)).unwrap_or_default();
    let link = |offset: usize| {
        let offset = (offset > 0).then(|| ("offset", offset.to_string()));
        at(own, query, &[("limit", limit.to_string())].into_iter().chain(offset).collect::<Vec<_>>())
    };
    let next = (end < count).then(|| link(end));
    let previous = (offset > 0 && limit > 0).then(|| link(offset.saturating_sub(limit)));
    Ok(json!({ "count": count, "next": next, "previous": previous, "results": shown(page) }))
}

/// Values that are none give the usual size, and nothing says so; 0 is the most.
pub(super) fn limit(query: &Query) -> usize {
    match last(query, "limit").map(str::parse::<usize>) {
        Some(Ok(0)) => MOST,
        Some(Ok(limit)) => limit.min(MOST),
        _ => USUAL,
    }
}

fn at(own: &str, query: &Query, page: &[(&str, String)]) -> String {
    let mut text = form_urlencoded::Serializer::new(String::new());
    let kept = query.iter().filter(|(name, _)| !matches!(name.as_str(), "limit" | "offset" | "start"));
    text.extend_pairs(page.iter().map(|(name, value)| (*name, value.as_str())));
    text.extend_pairs(kept);
    format!("{own}?{}", text.finish())
}

/// Unknown names are ignored.
fn order(view: View<'_>, kind: &'static Type, query: &Query, ids: &mut [u64]) {
    let usual = match kind.name {
        "core.objectchange" => "-time",
        "ipam.prefix" | "ipam.ipaddress" | "dcim.cable" => "id",
        _ => "name",
    };
    let names = last(query, "ordering").unwrap_or(usual).split(',').rev();
    for name in names {
        let (name, down) = name.strip_prefix('-').map_or((name, false), |name| (name, true));
        if name != "id" && kind.field(name).is_none() && !matches!(name, "created" | "last_updated") {
            continue;
        }
        let key = |id: &u64| {
            let row = view.world.row(kind.name, *id);
            let value = row.and_then(|row: &Row| row.get(name));
            let number = if name == "id" { Some(filter::f64_of(*id)) } else { value.and_then(Value::as_f64) };
            (number.unwrap_or_default(), said(value))
        };
        ids.sort_by(|one, other| {
            let (one, other) = (key(one), key(other));
            let order = one.0.total_cmp(&other.0).then_with(|| one.1.cmp(&other.1));
            if down { order.reverse() } else { order }
        });
    }
}

/// Which keys are shown.
pub(super) struct Shape<'a> {
    fields: Option<Vec<&'a str>>,
    omit: Vec<&'a str>,
    brief: bool,
}

impl<'a> Shape<'a> {
    pub(super) fn of(query: &'a Query, view: View<'_>) -> Self {
        let words =
            |name| last(query, name).filter(|text| !text.is_empty()).map(|text| text.split(',').collect::<Vec<_>>());
        let mut omit = words("omit").filter(|_| view.release >= (4, 5)).unwrap_or_default();
        omit.extend(words("exclude").unwrap_or_default().into_iter().filter(|name| *name == "config_context"));
        Self { fields: words("fields"), omit, brief: last(query, "brief").is_some_and(|brief| !brief.is_empty()) }
    }

    pub(super) fn shown(&self, view: View<'_>, kind: &'static Type, id: u64) -> Value {
        if self.brief && self.fields.is_none() && self.omit.is_empty() {
            return view.world.row(kind.name, id).map(|row| view.small(kind, (id, row), false)).into();
        }
        let mut shown = view.full(kind, id);
        match &self.fields {
            Some(fields) => shown.retain(|name, _| fields.contains(&name.as_str())),
            None => shown.retain(|name, _| !self.omit.contains(&name.as_str())),
        }
        shown.into()
    }
}
