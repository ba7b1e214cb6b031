//! Public links, and who a folder is shared with.

use serde_json::{Value, json};

use super::asked::Asked;
use super::doors::secret;
use super::listing::{may_write, path};
use super::people::PEOPLE;
use super::said::{self, Said, list, member};
use super::world::{View, World};
use crate::backends::fake::Reply;

/// All shares.
#[derive(Default)]
pub(super) struct Shares {
    links: Vec<Value>,
    /// Numbers of links and the items they are for; what was ended stays.
    items: Vec<usize>,
    members: Vec<(usize, Value)>,
}

fn item(world: &World, view: &View, href: &str) -> Result<super::world::Found, Box<Reply>> {
    let path = path(view, href)?;
    world.find(view, &path, false).ok_or_else(|| said::error(500, "Resource does not exist"))
}

impl Shares {
    /// `createShare`.
    pub(super) fn create(&mut self, world: &World, view: &View, asked: &Asked<'_>) -> said::Result {
        let found = item(world, view, &member(&asked.param, "url"))?;
        let share = asked.param.get("share").cloned().unwrap_or_default();
        let access = member(&share, "accessMode");
        let is_folder = world.item(found.id).is_folder;
        let fits = match access.as_str() {
            "ReadWrite" | "ReadOnly" | "PreviewOnly" | "None" => true,
            "UploadOnly" => is_folder,
            _ => false,
        };
        if !fits || member(&share, "protectionLevel") != "publicLink" {
            return Err(said::error(500, "Invalid share configuration"));
        }
        if !may_write(&found) {
            return Err(said::error(403, "Permission denied"));
        }
        let key = secret(20).to_lowercase();
        let id = self.links.len();
        let link = json!({
            "$class": "ShareConfig", "id": id + 1, "key": key, "href": found.path.href(view.scope),
            "resourceName": found.path.name(), "isDirectory": is_folder, "accessMode": access,
            "protectionLevel": "publicLink", "createDate": "2026-11-28", "expiration": share.get("expiration"),
            "canEdit": true, "publicLink": format!("{}/invitations/?share={key}&dl=0", asked.place.url),
            "createdBy": PEOPLE.get(view.who).map(|person| person.name),
            "invitee": {"$class": "Collaborator", "type": "external"},
        });
        self.links.push(link.clone());
        self.items.push(found.id);
        Ok(Said::Value(link))
    }

    /// `listPublicShares`.
    pub(super) fn links(&self, world: &World, view: &View, param: &Value) -> said::Result {
        let found = item(world, view, param.as_str().unwrap_or_default())?;
        let own = self.links.iter().zip(&self.items).filter(|(link, item)| **item == found.id && !link.is_null());
        Ok(Said::Value(own.map(|(link, _)| link.clone()).collect()))
    }

    /// `updateShare` and `deleteShare`, which get a whole share back.
    pub(super) fn change(&mut self, world: &World, view: &View, asked: &Asked<'_>) -> said::Result {
        let param = &asked.param;
        let number = member(param, "id").parse::<usize>().ok().and_then(|id| id.checked_sub(1));
        let at = number.filter(|at| self.links.get(*at).is_some_and(|link| !link.is_null()));
        let Some(at) = at else { return Err(said::error(500, "Share does not exist")) };
        let found = item(world, view, &member(param, "href"))?;
        let same = self.links.get(at).is_some_and(|link| member(link, "key") == member(param, "key"));
        if !same || self.items.get(at) != Some(&found.id) || !may_write(&found) {
            return Err(said::error(500, "Invalid share"));
        }
        let ends = asked.what == "deleteShare" || member(param, "isRemove") == "true";
        let Some(link) = self.links.get_mut(at) else { return Err(said::error(500, "Share does not exist")) };
        if ends {
            *link = Value::Null;
            return Ok(Said::Nothing);
        }
        for name in ["accessMode", "expiration"] {
            if let (Some(members), Some(value)) = (link.as_object_mut(), param.get(name)) {
                members.insert(name.to_owned(), value.clone());
            }
        }
        Ok(Said::Value(link.clone()))
    }

    /// `listShares`.
    pub(super) fn shared(&self, world: &World, view: &View, param: &Value) -> said::Result {
        let found = item(world, view, param.as_str().unwrap_or_default())?;
        let own = self.members.iter().rev().find(|(item, _)| *item == found.id);
        let owner = found.cloud.and_then(|cloud| world.item(cloud).owner).and_then(|owner| PEOPLE.get(owner));
        Ok(Said::Value(json!({
            "$class": "ShareResourceParam", "shares": own.map_or_else(|| json!([]), |(_, shares)| shares.clone()),
            "owner": owner.map(|owner| json!({
                "$class": "Collaborator", "type": "localUser", "uid": owner.uid, "name": owner.name, "firstName": owner.full,
            })),
            "allowReshare": true, "teamProject": false, "shouldSync": true, "enableSyncWinNtExtendedAttributes": false,
            "canModifyTeamProject": true, "showAllowReshare": true, "canModifyShouldSync": true,
            "canModifySyncWinNtAcl": false,
        })))
    }

    /// `shareResource`, which replaces the whole list.
    pub(super) fn share(&mut self, world: &World, view: &View, param: &Value) -> said::Result {
        let found = item(world, view, &member(param, "url"))?;
        if !may_write(&found) {
            return Err(said::error(403, "Permission denied"));
        }
        self.members.retain(|(item, _)| *item != found.id);
        let mut shares = list(param, "shares").to_vec();
        for share in &mut shares {
            if let Some(members) = share.as_object_mut() {
                for name in ["expiration", "protectionLevel"] {
                    members.entry(name).or_insert(Value::Null);
                }
            }
        }
        self.members.push((found.id, shares.into()));
        Ok(Said::Nothing)
    }
}

/// `searchCollaborationMembers`.
pub(super) fn members(tenant: &str, param: &Value) -> said::Result {
    let term = member(param, "searchTerm").to_lowercase();
    let own = PEOPLE.iter().filter(|person| person.tenant == tenant && member(param, "searchType") == "users");
    let found = own.filter(|person| person.name.contains(&term)).map(|person| {
        json!({
            "$class": "Collaborator", "type": if person.domain.is_some() { "adUser" } else { "localUser" },
            "uid": person.uid, "name": person.name, "email": format!("{}@example.com", person.name),
            "domain": person.domain,
        })
    });
    Ok(Said::Value(json!({"objects": found.collect::<Vec<Value>>(), "hasMore": false})))
}
