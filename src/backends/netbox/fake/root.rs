//! What is not a list of objects: the roots, what NetBox says of itself, object types, plugins.

use serde_json::{Map, Value, json};

use super::asked::Asked;
use super::listing;
use super::schema::{Release, TYPES, Type};

/// The parts of the API.
pub(super) const APPS: [&str; 11] =
    ["circuits", "core", "dcim", "extras", "ipam", "plugins", "tenancy", "users", "virtualization", "vpn", "wireless"];

/// Whether the release has the type, and where.
pub(super) fn path(kind: &Type, release: Release) -> String {
    match kind.name {
        "core.objectchange" if release < (4, 1) => "extras/object-changes".to_owned(),
        _ => kind.path(),
    }
}

/// `/api/`.
pub(super) fn root(base: &str) -> Value {
    let apps = APPS.iter().copied().chain(["status"]);
    apps.map(|app| (app.to_owned(), format!("{base}/api/{app}/").into())).collect::<Map<String, Value>>().into()
}

/// `/api/dcim/`; `None` if there is no such part.
pub(super) fn app(base: &str, app: &str, release: Release) -> Option<Value> {
    APPS.contains(&app).then(|| {
        let types = TYPES.iter().filter(|kind| kind.since <= release).map(|kind| path(kind, release));
        let lists = types.chain(object_types(release).map(String::from)).filter_map(|path| {
            let (own, list) = path.split_once('/')?;
            (own == app).then(|| (list.to_owned(), Value::from(format!("{base}/api/{path}/"))))
        });
        lists.collect::<Map<String, Value>>().into()
    })
}

/// Where the list of object types is.
pub(super) fn object_types(release: Release) -> Option<&'static str> {
    match release {
        release if release >= (4, 4) => Some("core/object-types"),
        release if release >= (4, 0) => Some("extras/object-types"),
        _ => Some("extras/content-types"),
    }
}

/// `/api/status/`.
pub(super) fn status(version: &str, release: Release, has_plugins: bool) -> Value {
    let plugins = if has_plugins { json!({ "netbox_inventory": "2.4" }) } else { json!({}) };
    let mut status = json!({
        "django-version": "5.2.4", "installed_apps": {}, "netbox-version": version, "plugins": plugins,
        "python-version": "3.12.3", "rq-workers-running": 1,
    });
    if let Some(status) = status.as_object_mut().filter(|_| release >= (4, 4)) {
        status.insert("hostname".to_owned(), "netbox".into());
        status.insert("netbox-full-version".to_owned(), version.into());
    }
    status
}

/// The rows of the list of object types, filtered and in pages.
pub(super) fn types(asked: &Asked<'_>, release: Release, has_plugins: bool) -> Value {
    let base = asked.base.as_str();
    let own = object_types(release).unwrap_or_default();
    let mut rows: Vec<Map<String, Value>> = Vec::new();
    for (number, kind) in TYPES.iter().filter(|kind| kind.since <= release).enumerate() {
        let place = format!("/api/{}/", path(kind, release));
        rows.push(row(number.saturating_add(1), (kind.app, kind.model), (Some(&place), false)));
    }
    if has_plugins {
        rows.push(row(900, ("netbox_inventory", "asset"), (Some("/api/plugins/inventory/assets/"), true)));
        rows.push(row(901, ("netbox_inventory", "secret"), (None, true)));
    }
    for row in &mut rows {
        let id = row.get("id").map(Value::to_string).unwrap_or_default();
        row.insert("url".to_owned(), format!("{base}/api/{own}/{id}/").into());
        if release < (4, 4) {
            row.retain(|name, _| matches!(name.as_str(), "id" | "url" | "display" | "app_label" | "model"));
        }
    }
    let wanted = |row: &Map<String, Value>| {
        asked.query.iter().all(|(name, value)| match name.as_str() {
            "app_label" | "model" => row.get(name).is_some_and(|own| own == value.as_str()),
            "q" => row.get("model").and_then(Value::as_str).is_some_and(|own| own.contains(value.as_str())),
            "public" => row.get("public").and_then(Value::as_bool).is_none_or(|own| own == (value == "true")),
            "features" => {
                row.get("features").and_then(Value::as_array).is_none_or(|all| all.contains(&value.as_str().into()))
            }
            _ => true,
        })
    };
    rows.retain(wanted);
    paged(asked, rows.into_iter().map(Value::from).collect(), &format!("{base}/api/{own}/"))
}

fn row(id: usize, (app, model): (&str, &str), (place, is_plugin): (Option<&str>, bool)) -> Map<String, Value> {
    let is_logged =
        !matches!(model, "bookmark" | "notification" | "subscription" | "job" | "objectchange" | "datafile");
    let features: &[&str] = if is_logged { &["change_logging", "custom_fields", "tags"] } else { &[] };
    let row = json!({
        "id": id, "display": format!("{} | {model}", super::schema::capital(app)), "app_label": app,
        "app_name": super::schema::capital(app), "model": model, "model_name": model,
        "model_name_plural": format!("{model}s"), "public": true, "features": features,
        "is_plugin_model": is_plugin, "rest_api_endpoint": place, "description": "",
    });
    row.as_object().cloned().unwrap_or_default()
}

/// Rows that are no objects, in pages.
pub(super) fn paged(asked: &Asked<'_>, rows: Vec<Value>, own: &str) -> Value {
    let limit = listing::limit(&asked.query);
    let offset = asked.query("offset").and_then(|offset| offset.parse::<usize>().ok()).unwrap_or(0);
    let count = rows.len();
    let end = offset.saturating_add(limit).min(count);
    let next = (end < count).then(|| format!("{own}?limit={limit}&offset={end}"));
    let page = rows.get(offset.min(count)..end).unwrap_or_default();
    json!({ "count": count, "next": next, "previous": null, "results": page })
}
