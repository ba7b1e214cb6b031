//! Calls with a session: `POST api`, by the name of the method.

use serde_json::{Value, json};

use super::State;
use super::asked::Asked;
use super::change::{self, Action};
use super::doors::Session;
use super::listing::Looking;
use super::login::multi;
use super::people::{PEOPLE, Person, TENANTS};
use super::said::{self, Said, list, member};
use super::shares;
use super::world::View;

impl State {
    /// Where somebody looks from; in the administration of all there are no files.
    pub(super) fn view(&self, session: &Session) -> Option<View> {
        let tenant =
            || self.world.administrations.iter().find(|(name, _)| *name == session.tenant).map(|(_, root)| *root);
        let own = || self.world.roots.get(session.who).copied();
        let root = if session.scope == super::Scope::Admin { tenant() } else { own() }?;
        Some(View { root, scope: session.scope, who: session.who })
    }

    /// Answers a call.
    pub(super) fn call(&mut self, asked: &Asked<'_>, session: &Session) -> said::Result {
        let Some(person) = PEOPLE.get(session.who) else { return Err(said::error(500, "Unknown user")) };
        let param = &asked.param;
        match asked.what.as_str() {
            "getGlobalSystemStatus" => {
                let status = if self.orders.read_only { "ReadOnly" } else { "OK" };
                Ok(Said::Value(json!({"globalSystemStatus": status})))
            }
            "get-multi" => self.multi(asked, session),
            "query" | "getPortalsDisplayInfo" => tenants(asked, person, session),
            "getSessionToken" => self.token(asked, person, session),
            "createApiKey" | "getApiKeys" | "deleteApiKey" => self.keys(asked, session.who),
            "searchCollaborationMembers" => shares::members(&session.tenant, param),
            "getTaskStatus" if !session.tenant.is_empty() => {
                self.task(param.as_str().unwrap_or_default(), asked, session)
            }
            _ => {
                let Some(view) = self.view(session) else {
                    return Err(said::error(500, "This is not available in Global Administration"));
                };
                self.file(asked, &view)
            }
        }
    }

    fn file(&mut self, asked: &Asked<'_>, view: &View) -> said::Result {
        let param = &asked.param;
        let writes = Action::named(&asked.what).is_some() || asked.what == "makeCollection";
        if writes && self.orders.read_only {
            return Err(said::error(500, "The system is in read only mode"));
        }
        let looking = Looking { world: &self.world, view, url: asked.place.url };
        match asked.what.as_str() {
            "fetchResources" => looking.fetch(param),
            "listSnapshots" => looking.snapshots(param),
            "listVersions" => looking.versions(param),
            "makeCollection" => Ok(match change::make(&mut self.world, view, param)? {
                Some(word) => Said::Value(word.into()),
                None if self.orders.says_ok => Said::Value("Ok".into()),
                None => Said::Nothing,
            }),
            "createShare" => self.shares.create(&self.world, view, asked),
            "listPublicShares" => self.shares.links(&self.world, view, param),
            "updateShare" | "deleteShare" => self.shares.change(&self.world, view, asked),
            "listShares" => self.shares.shared(&self.world, view, param),
            "shareResource" => self.shares.share(&self.world, view, param),
            "preVerifyDownloadFile" => Ok(Said::Value(json!({"rc": "OK", "msg": null}))),
            what => match Action::named(what) {
                Some(action) => self.tasks.start(action, &mut self.world, view, param),
                None => Err(said::error(500, "No such method")),
            },
        }
    }

    /// How a task goes.
    pub(super) fn task(&mut self, reference: &str, asked: &Asked<'_>, session: &Session) -> said::Result {
        self.book.count("polls");
        let task = self.tasks.poll(reference, session.who, &mut self.world, asked.place.url);
        task.map(Said::Value).ok_or_else(|| said::error(500, "Task does not exist"))
    }

    fn multi(&self, asked: &Asked<'_>, session: &Session) -> said::Result {
        if let Some(name) = asked.rest.strip_prefix("/portals/") {
            let known = TENANTS.contains(&name).then(|| json!({"name": name, "uid": 456}));
            let of = |field: &str| known.as_ref().and_then(|tenant| tenant.get(field)).cloned().unwrap_or_default();
            return Ok(Said::Value(multi(&asked.param, of)));
        }
        let of = |field: &str| {
            let rest = format!("/{field}");
            let asked = Asked { rest: &rest, what: String::new(), param: Value::Null, ..*asked };
            match self.read(&asked, session.who, &session.tenant) {
                Ok(Said::Value(value)) => value,
                _ => Value::Null,
            }
        };
        Ok(Said::Value(multi(&asked.param, of)))
    }

    /// Tickets: for a global administrator of anybody, for a device of its own person.
    fn token(&mut self, asked: &Asked<'_>, person: &Person, session: &Session) -> said::Result {
        let own =
            asked.rest.strip_prefix("/devices/").map(|name| super::super::path::decoded(name).unwrap_or_default());
        let who = match own {
            Some(name) => {
                let mine = |it: &&super::doors::Device| it.name == name && it.who == session.who && it.is_attached;
                self.doors.devices.iter().find(mine).map(|device| device.who)
            }
            None if person.is_global() && person.role == "ReadWriteAdmin" => {
                let portal = member(&asked.param, "portal");
                let named = Person::named(&member(&asked.param, "username"));
                named.filter(|who| PEOPLE.get(*who).is_some_and(|person| person.tenant == portal))
            }
            None => return Err(said::error(403, "Permission denied")),
        };
        let Some(who) = who else { return Err(said::error(500, "User does not exist")) };
        Ok(Said::Value(self.doors.ticket(who).into()))
    }

    fn keys(&mut self, asked: &Asked<'_>, who: usize) -> said::Result {
        let uid = asked.param.as_str().unwrap_or_default();
        let is_own = PEOPLE.get(who).is_some_and(|person| person.uid.to_string() == uid);
        match asked.what.as_str() {
            "deleteApiKey" => {
                self.doors.keys.retain(|(owner, key, _)| *owner != who || key.to_string() != uid);
                Ok(Said::Nothing)
            }
            _ if !is_own => Err(said::error(403, "Permission denied")),
            "createApiKey" => {
                let (uid, access, secret) = self.doors.key(who);
                Ok(Said::Value(json!({"$class": "ApiKey", "accessKey": access, "secretKey": secret, "uid": uid})))
            }
            _ => {
                let own = self.doors.keys.iter().filter(|(owner, _, _)| *owner == who);
                Ok(Said::Value(
                    own.map(|(_, uid, key)| json!({"accessKey": key, "secretKey": null, "uid": uid})).collect(),
                ))
            }
        }
    }
}

fn tenants(asked: &Asked<'_>, person: &Person, session: &Session) -> said::Result {
    let known = ["", "/portals", "/teamPortals"].contains(&asked.rest);
    if !person.is_global() || !session.tenant.is_empty() || !(known || asked.rest == "/resellerPortals") {
        return Err(said::error(403, "Permission denied"));
    }
    let number = |name: &str, usual: usize| member(&asked.param, name).parse().unwrap_or(usual);
    let (start, limit) = (number("startFrom", 0), number("countLimit", 50));
    let with = list(&asked.param, "filters").iter().all(|filter| member(filter, "field") == "name");
    if !with {
        return Err(said::error(500, "Unknown field"));
    }
    let named = |name: &&&str| {
        let mut filters = list(&asked.param, "filters").iter();
        filters.all(|filter| name.contains(member(filter, "value").as_str()))
    };
    let all: Vec<&str> = TENANTS.iter().filter(named).filter(|_| known).copied().collect();
    let page = all.iter().skip(start).take(limit);
    let page: Vec<Value> =
        page.map(|name| json!({"$class": "TeamPortal", "name": name, "displayName": null})).collect();
    Ok(Said::Value(json!({"objects": page, "hasMore": start.saturating_add(limit) < all.len()})))
}
