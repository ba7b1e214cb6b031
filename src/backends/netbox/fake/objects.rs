//! Lists and objects of every type: reading, changing, and what some types can do besides.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::asked::Asked;
use super::change::{Change, Undeleted};
use super::doors::{self, NOT_ALLOWED, Who};
use super::listing::{self, Shape, Wrong};
use super::schema::{self, Release, Type};
use super::shown::View;
use super::world::{World, said};
use super::{allocation, cables, check, openapi, root};
use crate::backends::fake::{Reply, empty, json, whole};

/// A status and a body.
pub(super) type Said = Result<(u16, Value), Box<Reply>>;

pub(super) fn detail(status: u16, text: &str) -> Said {
    Ok((status, json!({ "detail": text })))
}

/// What a request works with.
pub(super) struct Work<'a> {
    pub(super) asked: &'a Asked<'a>,
    pub(super) world: &'a mut World,
    pub(super) release: Release,
    pub(super) who: &'a Who,
    /// The version of the object that the answer shows.
    pub(super) etag: Option<String>,
}

impl Work<'_> {
    fn view(&self) -> View<'_> {
        View { world: self.world, base: &self.asked.base, release: self.release, is_admin: self.who.is_admin }
    }

    fn change(&mut self) -> Change<'_> {
        Change { world: self.world, release: self.release, who: self.who, request: &self.asked.id }
    }

    /// A list, an object of it, or what one can do.
    pub(super) fn answer(&mut self, kind: &'static Type, rest: &[&str]) -> Said {
        let reads = self.asked.reads();
        // Rendering is done with POST and changes nothing, and wants a token that may write all the same.
        if (!reads && !self.who.writes) || !self.who.may(kind, reads) {
            return detail(403, NOT_ALLOWED);
        }
        let id = match rest.first().map(|id| id.parse::<u64>()) {
            None => return self.list(kind),
            Some(Ok(id)) => id,
            Some(Err(_)) => return detail(404, "Not found."),
        };
        let own = self.world.row(kind.name, id).filter(|row| self.who.owns(kind, row));
        if own.is_none() || !self.view().sees(kind, id) {
            return detail(404, &check::no_match(kind));
        }
        match rest.get(1..).unwrap_or_default() {
            [] => self.object(kind, id),
            [action] => self.action(kind, id, action),
            _ => detail(404, "Not found."),
        }
    }

    fn list(&mut self, kind: &'static Type) -> Said {
        let method = self.asked.method();
        if !self.asked.reads() && openapi::is_read_only(kind, self.release) {
            return detail(405, &format!("Method \"{method}\" not allowed."));
        }
        match method {
            "GET" | "HEAD" => self.page(kind),
            "OPTIONS" => Ok((200, openapi::options(kind, "POST", self.who.writes && self.who.may(kind, false)))),
            "POST" if kind.name == "users.token" => self.token(),
            "POST" => self.many(kind, 201, |work, kind, given| work.change().create(kind, given)),
            "PATCH" | "PUT" if self.asked.body.as_ref().is_some_and(Value::is_array) => {
                let whole = method == "PUT";
                self.many(kind, 200, |work, kind, given| {
                    let id = given.get("id").and_then(Value::as_u64).unwrap_or_default();
                    work.change().update((kind, id), given, whole).map(|()| id)
                })
            }
            "DELETE" => match self.asked.body.clone() {
                Some(Value::Array(all)) => self.delete_all(kind, &all),
                _ => detail(400, "Expected a list of items but got type \"dict\"."),
            },
            _ => detail(405, &format!("Method \"{method}\" not allowed.")),
        }
    }

    fn page(&self, kind: &'static Type) -> Said {
        let asked = self.asked;
        let own = format!("{}/api/{}/", asked.base, root::path(kind, self.release));
        let mut world = None;
        // Of tokens everybody has their own list.
        if kind.name == "users.token" && !self.who.is_admin {
            let mut own = self.world.clone();
            let others: Vec<u64> =
                own.rows(kind.name).filter(|(_, row)| !self.who.owns(kind, row)).map(|(id, _)| id).collect();
            others.into_iter().for_each(|id| drop(own.remove(kind.name, id)));
            world = Some(own);
        }
        let view = View { world: world.as_ref().unwrap_or(self.world), ..self.view() };
        match listing::page(view, kind, &asked.query, &own) {
            Ok(page) => Ok((200, page)),
            Err(Wrong::Filters(wrong)) => Ok((400, wrong.into())),
            Err(Wrong::Page(why)) => Ok((400, json!([why]))),
        }
    }

    fn token(&mut self) -> Said {
        let Some(given) = self.asked.object() else { return broken() };
        let user = given.get("user").and_then(Value::as_u64).unwrap_or(self.who.user);
        if user != self.who.user && !self.who.is_admin {
            return detail(403, NOT_ALLOWED);
        }
        let wish = Value::from(given.clone());
        match (doors::made(self.world, self.release, user, &wish), schema::named("users.token")) {
            (Some((id, secret)), Some(kind)) => {
                Ok((201, doors::shown_once(self.view().full(kind, id), self.release, &secret)))
            }
            _ => detail(500, "no such type"),
        }
    }

    /// Does it with one object or with all of a list; with none if one of them cannot be.
    fn many(
        &mut self,
        kind: &'static Type,
        status: u16,
        each: impl Fn(&mut Self, &'static Type, &Map<String, Value>) -> Result<u64, check::Wrong>,
    ) -> Said {
        let before = self.world.clone();
        let (all, is_list) = match self.asked.body.clone() {
            Some(Value::Array(all)) => (all, true),
            Some(one @ Value::Object(_)) => (vec![one], false),
            _ => return broken(),
        };
        let (mut done, mut wrong, mut failed) = (Vec::new(), Vec::new(), false);
        for one in &all {
            let given = one.as_object().cloned().unwrap_or_default();
            match each(self, kind, &given) {
                Ok(id) => {
                    done.push(id);
                    wrong.push(json!({}));
                }
                Err(why) => {
                    failed = true;
                    wrong.push(why.into());
                }
            }
        }
        if failed {
            *self.world = before;
            return Ok((400, if is_list { wrong.into() } else { wrong.pop().unwrap_or_default() }));
        }
        let view = self.view();
        let shown = |id: &u64| Value::from(view.full(kind, *id));
        Ok((
            status,
            if is_list { done.iter().map(shown).collect() } else { done.first().map(shown).unwrap_or_default() },
        ))
    }

    fn delete_all(&mut self, kind: &'static Type, all: &[Value]) -> Said {
        let before = self.world.clone();
        for one in all {
            let id = one.get("id").and_then(Value::as_u64).unwrap_or_default();
            if let Err(why) = self.change().delete(kind, id, &Map::new()) {
                *self.world = before;
                return undeleted(kind, why);
            }
        }
        Err(Box::new(empty(StatusCode::NO_CONTENT)))
    }

    fn object(&mut self, kind: &'static Type, id: u64) -> Said {
        let method = self.asked.method();
        self.stamp(kind, id);
        if !self.asked.reads() {
            if openapi::is_read_only(kind, self.release) {
                return detail(405, &format!("Method \"{method}\" not allowed."));
            }
            let wanted = self.asked.header("if-match").filter(|_| self.release >= (4, 6));
            if wanted.is_some_and(|wanted| wanted != "*" && Some(wanted) != self.etag.as_deref()) {
                return detail(412, "Precondition failed.");
            }
        }
        match method {
            "GET" | "HEAD" => Ok((200, Shape::of(&self.asked.query, self.view()).shown(self.view(), kind, id))),
            "OPTIONS" => Ok((200, openapi::options(kind, "PUT", self.who.writes))),
            "PATCH" | "PUT" => {
                let Some(given) = self.asked.object().cloned() else { return broken() };
                match self.change().update((kind, id), &given, method == "PUT") {
                    Ok(()) => {
                        self.stamp(kind, id);
                        Ok((200, self.view().full(kind, id).into()))
                    }
                    Err(wrong) => Ok((400, wrong.into())),
                }
            }
            "DELETE" => {
                let given = self.asked.object().cloned().unwrap_or_default();
                self.etag = None;
                match self.change().delete(kind, id, &given) {
                    Ok(()) => Err(Box::new(empty(StatusCode::NO_CONTENT))),
                    Err(why) => undeleted(kind, why),
                }
            }
            _ => detail(405, &format!("Method \"{method}\" not allowed.")),
        }
    }

    fn stamp(&mut self, kind: &Type, id: u64) {
        let updated = self.world.row(kind.name, id).map(|row| said(row.get("last_updated")));
        self.etag = updated.filter(|_| self.release >= (4, 6)).map(|updated| format!("W/\"{updated}\""));
    }

    fn action(&mut self, kind: &'static Type, id: u64, action: &str) -> Said {
        let view = self.view();
        let asked = self.asked;
        match (asked.method(), action) {
            ("GET", "trace") if cables::takes_cables(kind) && !kind.name.ends_with("rearport") => {
                if asked.query("render") == Some("svg") {
                    return Err(Box::new(whole(
                        StatusCode::OK,
                        "image/svg+xml",
                        "<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
                    )));
                }
                Ok((200, cables::trace(&view, (kind, id))))
            }
            ("GET", "paths") if matches!(kind.model, "frontport" | "rearport" | "circuittermination") => {
                Ok((200, cables::paths(&view, (kind, id))))
            }
            ("GET", "elevation") if kind.model == "rack" => {
                if asked.query("render") == Some("svg") {
                    return Err(Box::new(whole(
                        StatusCode::OK,
                        "image/svg+xml",
                        "<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
                    )));
                }
                let face = asked.query("face").unwrap_or("front");
                let own = format!("{}/api/dcim/racks/{id}/elevation/", asked.base);
                Ok((200, root::paged(asked, allocation::elevation(&view, id, face).unwrap_or_default(), &own)))
            }
            ("GET", "choices") if kind.model == "customfieldchoiceset" => {
                let pairs =
                    self.world.row(kind.name, id).and_then(|row| row.get("extra_choices")).and_then(Value::as_array);
                let rows = pairs.into_iter().flatten().map(|pair| json!({ "id": pair.get(0), "display": pair.get(1) }));
                Ok((200, root::paged(asked, rows.collect(), &format!("{}{}", asked.base, asked.request.uri().path()))))
            }
            ("POST", "render-config") if matches!(kind.model, "device" | "virtualmachine") => self.rendered(kind, id),
            ("POST", "render") if kind.model == "configtemplate" => {
                let code = said(self.world.row(kind.name, id).and_then(|row| row.get("template_code")));
                Ok((200, json!({ "configtemplate": view.brief(kind.name, id), "content": code })))
            }
            ("GET", what) => {
                let limit = listing::limit(&asked.query);
                match allocation::free(&view, kind, id, what, limit) {
                    Some(free) => Ok((200, free.into_iter().map(|one| one.shown).collect())),
                    None => detail(404, "Not found."),
                }
            }
            ("POST", what) => self.allocated(kind, id, what),
            (method, _) => detail(405, &format!("Method \"{method}\" not allowed.")),
        }
    }

    fn rendered(&self, kind: &'static Type, id: u64) -> Said {
        let wish = self.asked.object().and_then(|given| given.get("config_template_id")).and_then(Value::as_u64);
        let of = |path: &str| self.world.follow(kind, id, path).map(|(_, id)| id);
        let template = wish.or_else(|| {
            ["config_template", "role.config_template", "platform.config_template"].into_iter().find_map(of)
        });
        let Some(row) = template.and_then(|id| self.world.row("extras.configtemplate", id)) else {
            return Ok((400, json!({ "error": format!("No config template found for this {}.", kind.model) })));
        };
        let content = said(row.get("template_code")).replace("{{ device.name }}", &self.world.display(kind, id));
        if self.asked.header("accept").is_some_and(|accept| accept.starts_with("text/plain")) {
            return Err(Box::new(whole(StatusCode::OK, "text/plain", content)));
        }
        let template = template.map(|id| self.view().brief("extras.configtemplate", id));
        Ok((200, json!({ "configtemplate": template, "content": content })))
    }

    /// Takes the next free ones, all or none.
    fn allocated(&mut self, kind: &'static Type, id: u64, what: &str) -> Said {
        let (all, is_list) = match self.asked.body.clone() {
            Some(Value::Array(all)) => (all, true),
            Some(Value::Null) => (vec![json!({})], false),
            Some(one) => (vec![one], false),
            None => return broken(),
        };
        let before = self.world.clone();
        let mut made = Vec::new();
        for wish in &all {
            let wish = wish.as_object().cloned().unwrap_or_default();
            let Some(free) = allocation::free(&self.view(), kind, id, what, usize::MAX) else {
                return detail(404, "Not found.");
            };
            let length = wish.get("prefix_length");
            let Some((of, mut new)) = free.first().map(|first| (first.of, first.new.clone())) else {
                *self.world = before;
                return full();
            };
            if what == "available-prefixes" {
                let Some(length) = length.and_then(Value::as_u64) else {
                    *self.world = before;
                    return Ok((400, json!({ "prefix_length": ["This field is required."] })));
                };
                let Some(prefix) = allocation::cut(&free, length) else {
                    *self.world = before;
                    return full();
                };
                new.insert("prefix".to_owned(), prefix.into());
            }
            new.extend(wish.into_iter().filter(|(name, _)| name != "prefix_length"));
            match self.change().create(of, &new) {
                Ok(id) => made.push((of, id)),
                Err(wrong) => {
                    *self.world = before;
                    return Ok((400, wrong.into()));
                }
            }
        }
        let view = self.view();
        let shown = |(of, id): &(&'static Type, u64)| Value::from(view.full(of, *id));
        Ok((201, if is_list { made.iter().map(shown).collect() } else { made.first().map(shown).unwrap_or_default() }))
    }
}

fn full() -> Said {
    detail(409, "Insufficient resources are available to satisfy the request")
}

fn broken() -> Said {
    detail(400, "JSON parse error - Expecting value: line 1 column 1 (char 0)")
}

fn undeleted(kind: &Type, why: Undeleted) -> Said {
    match why {
        Undeleted::Missing => detail(404, &check::no_match(kind)),
        Undeleted::Kept(keeps) => detail(
            409,
            &format!("Unable to delete object. {} dependent objects were found: {}", keeps.len(), keeps.join(", ")),
        ),
    }
}

/// A reply of the API.
pub(super) fn reply((status, body): (u16, Value)) -> Reply {
    json(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), &body)
}
