//! `fetchResources`: rows, pages and searches; and the versions of a file.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::super::path::Path;
use super::people::PEOPLE;
use super::said::{self, Said, list, member};
use super::world::{Found, View, World, snapshot, stamp};
use crate::backends::fake::Reply;

/// What a listing looks at.
pub(super) struct Looking<'a> {
    pub(super) world: &'a World,
    pub(super) view: &'a View,
    /// The Portal's address.
    pub(super) url: &'a str,
}

/// The path in a request; 400 if it is none of this part of the Portal.
pub(super) fn path(view: &View, href: &str) -> Result<Path, Box<Reply>> {
    Path::of_href(href, view.scope).ok_or_else(|| said::text(400, "Malformed path"))
}

impl Looking<'_> {
    /// `fetchResources`.
    pub(super) fn fetch(&self, param: &Value) -> said::Result {
        let path = path(self.view, &member(param, "root"))?;
        let trash = member(param, "includeDeleted") == "true";
        let number = |name: &str, usual: usize| match member(param, name).as_str() {
            "" => Ok(usual),
            text => text.parse().map_err(|_| said::text(400, "Malformed number")),
        };
        let (start, limit) = (number("start", 0)?, number("limit", 100)?);
        let depth = member(param, "depth");
        let Some(found) = self.world.find(self.view, &path, trash) else {
            let error = if depth == "0" { Value::Null } else { "DestinationNotExists".into() };
            return Ok(Said::Value(answer(Value::Null, Vec::new(), error, false)));
        };
        let root = self.row(&found);
        let mut all = match depth.as_str() {
            "0" => Vec::new(),
            "1" => self.inside(&found, trash),
            "Infinity" => self.world.below(self.view, &found, trash),
            _ => return Err(said::text(400, "Malformed depth")),
        };
        all.retain(|found| self.fits(found, param));
        for sort in list(param, "sort").iter().rev() {
            crate::order::by(&mut all, |a, b| self.compare(a, b, sort));
        }
        let more = start.saturating_add(limit) < all.len();
        let rows = all.iter().skip(start).take(limit).map(|found| self.row(found)).collect();
        Ok(Said::Value(answer(root, rows, Value::Null, more)))
    }

    fn inside(&self, found: &Found, trash: bool) -> Vec<Found> {
        let there = |id: &usize| self.world.is_there(*id, found.at, trash);
        let inside = self.world.children(found.id).into_iter().filter(there);
        inside.map(|id| self.world.entered(self.view, found, id)).collect()
    }

    fn content(&self, found: &Found) -> String {
        let version = self.world.version(found);
        version.map(|version| String::from_utf8_lossy(&version.content).into_owned()).unwrap_or_default()
    }

    /// Whether the search means it.
    fn fits(&self, found: &Found, param: &Value) -> bool {
        let name = found.path.name().unwrap_or_default();
        let within = |text: &str, piece: &str| text.to_lowercase().contains(&piece.to_lowercase());
        let means = |filter: &Value| {
            let value = member(filter, "value");
            let field = match member(filter, "field").as_str() {
                "name" => name.to_owned(),
                "extension" => self.extension(found).unwrap_or_default().to_owned(),
                _ => self.content(found),
            };
            match member(filter, "operator").as_str() {
                "eq" => field.eq_ignore_ascii_case(&value),
                "neq" => !field.eq_ignore_ascii_case(&value),
                _ => within(&field, &value),
            }
        };
        within(name, &member(param, "searchCriteria")) && list(param, "searchFilters").iter().all(means)
    }

    fn compare(&self, a: &Found, b: &Found, sort: &Value) -> Ordering {
        let key = |found: &Found| match member(sort, "field").as_str() {
            "size" => (self.size(found).unwrap_or(0), String::new()),
            "lastmodified" => (self.modified(found).unwrap_or(0), String::new()),
            _ => (0, found.path.name().unwrap_or_default().to_lowercase()),
        };
        let order = key(a).cmp(&key(b));
        if member(sort, "ascending") == "false" { order.reverse() } else { order }
    }

    fn extension<'a>(&self, found: &'a Found) -> Option<&'a str> {
        let name = found.path.name().filter(|_| !self.world.item(found.id).is_folder)?;
        name.rsplit_once('.').map(|(_, extension)| extension)
    }

    fn size(&self, found: &Found) -> Option<u64> {
        self.world.version(found).map(|version| version.content.len() as u64)
    }

    fn modified(&self, found: &Found) -> Option<u64> {
        let item = self.world.item(found.id);
        let folder = (item.scope.is_empty() || item.owner.is_some()).then_some(item.created);
        self.world.version(found).map(|version| version.stamp).or(folder)
    }

    /// A row.
    pub(super) fn row(&self, found: &Found) -> Value {
        let item = self.world.item(found.id);
        let href = found.path.href(self.view.scope);
        let by = self.world.version(found).map_or("alice", |version| version.by.as_str());
        let permalink = format!("{}/{}/?permalink={}", self.url, self.view.scope.word(), found.id);
        let is_file = !item.is_folder;
        let mut row = json!({
            "$class": "ResourceInfo", "name": found.path.name().unwrap_or_default(), "href": href,
            "extension": self.extension(found), "scope": found.scope, "isFolder": item.is_folder,
            "isDeleted": item.deleted.is_some(), "isShared": false, "hasLinks": false, "size": self.size(found),
            "lastmodified": self.modified(found).map(stamp), "permission": found.permission, "permalink": permalink,
            "cloudFolderInfo": self.cloud(found), "actionsAllowed": actions(found, is_file),
            "lastActionBy": {"user": by, "action": "Modified"},
        });
        if let Some(members) = row.as_object_mut() {
            // Containers have no number.
            if found.cloud.is_some() {
                members.insert("fileId".to_owned(), (14_000 + found.id).into());
            }
            if item.worm {
                let kept = json!({"worm": true, "retentionMode": "Enterprise", "retainUntil": "2036-01-01T00:00:00"});
                members.insert("complianceInfo".to_owned(), kept);
            }
            if item.is_bare {
                members.retain(|name, _| {
                    ["$class", "name", "href", "isFolder", "isDeleted", "scope", "permission"].contains(&name.as_str())
                });
                // The vendor's own client reads these whatever they are.
                for name in ["size", "lastmodified", "cloudFolderInfo", "permalink"] {
                    members.insert(name.to_owned(), Value::Null);
                }
            }
        }
        row
    }

    fn cloud(&self, found: &Found) -> Value {
        let Some(id) = found.cloud else { return Value::Null };
        let item = self.world.item(id);
        let owner = item.owner.and_then(|owner| PEOPLE.get(owner));
        json!({
            "uid": uid(id), "groupUid": 3, "ownerUid": owner.map(|owner| owner.uid), "name": item.name,
            "type": if item.scope == "Project" { "Project" } else { "Personal" }, "isShared": false,
            "ownerFriendlyName": owner.map(|owner| owner.full), "passphraseProtected": false,
        })
    }

    /// What a path held before, newest first: the moment of each version of what is there or below.
    fn moments(&self, found: &Found) -> Vec<(u64, String, bool)> {
        let below = self.world.below(self.view, found, true);
        let items = below.iter().map(|found| found.id).chain([found.id]);
        let all = items.flat_map(|id| &self.world.item(id).versions);
        let mut moments: Vec<(u64, String)> = all.map(|version| (version.stamp, version.by.clone())).collect();
        moments.push((self.world.item(found.id).created, "alice".to_owned()));
        moments.sort();
        moments.dedup_by_key(|(moment, _)| *moment);
        if !self.world.item(found.id).is_folder {
            // A file that was written has no moment before.
            moments.retain(|(moment, _)| self.world.item(found.id).versions.iter().any(|it| it.stamp == *moment));
        }
        let newest = moments.len().saturating_sub(1);
        let all = moments.into_iter().enumerate().rev().take(50);
        all.map(|(number, (moment, by))| (moment, by, number == newest)).collect()
    }

    fn asked(&self, param: &Value) -> Result<Found, Box<Reply>> {
        let path = path(self.view, param.as_str().unwrap_or_default())?;
        let found = self.world.find(self.view, &path, true);
        found.ok_or_else(|| said::error(500, "Resource does not exist"))
    }

    /// `listSnapshots`. The two halves of a path are cut where no client would guess.
    pub(super) fn snapshots(&self, param: &Value) -> said::Result {
        let found = self.asked(param)?;
        let base = Path::default().href(self.view.scope);
        let own = found.path.href(self.view.scope).replacen(&base, "", 1);
        let mut end = None;
        let one = |(moment, _, current): (u64, String, bool)| {
            let past = Path::default().child(&snapshot(moment)).href(self.view.scope);
            let calculated = end.replace(moment).unwrap_or(self.world.clock);
            json!({
                "$class": "SnapshotResp", "current": current, "startTimestamp": stamp(moment),
                "calculatedTimestamp": stamp(calculated), "url": if current { format!("{base}/") } else { format!("{past}/") },
                "path": own.trim_start_matches('/'),
            })
        };
        Ok(Said::Value(self.moments(&found).into_iter().map(one).collect()))
    }

    /// `listVersions`, which the mobile client asks for.
    pub(super) fn versions(&self, param: &Value) -> said::Result {
        let found = self.asked(param)?;
        let base = Path::default().href(self.view.scope);
        let own = found.path.href(self.view.scope).replacen(&base, "", 1);
        let one = |(moment, by, current): (u64, String, bool)| {
            let past = Path::default().child(&snapshot(moment)).href(self.view.scope);
            let then = Found { at: Some(moment), ..found.clone() };
            json!({
                "timestamp": stamp(moment), "fullUrl": if current { format!("{base}{own}") } else { format!("{past}{own}") },
                "modifier": by, "current": current, "restorable": !current, "deleted": false,
                "getcontentlength": self.size(&then), "fileRelativeTime": stamp(moment), "snapshotTime": stamp(moment),
                "lastActionBy": {"user": by, "action": "Modified"},
            })
        };
        Ok(Said::Value(self.moments(&found).into_iter().map(one).collect()))
    }
}

fn answer(root: Value, items: Vec<Value>, error: Value, more: bool) -> Value {
    json!({"$class": "FetchResourcesResp", "root": root, "items": items, "errorType": error, "hasMore": more})
}

/// The number of a cloud folder.
pub(super) fn uid(id: usize) -> u64 {
    500 + id as u64
}

fn actions(found: &Found, is_file: bool) -> Value {
    let changes = may_write(found);
    let reads = matches!(found.permission, "ReadWrite" | "ReadOnly");
    json!({
        "_delete": changes, "copy": reads, "move": changes, "createFile": changes && !is_file,
        "createFolder": changes && !is_file, "createPublicLink": changes, "manageSharing": changes, "leaveShare": false,
        "download": reads && is_file, "allowShowDeleted": changes, "versioning": reads, "undelete": changes,
        "invitePermissions": {"allowedAccess": found.permission, "invitationSettings": {}},
        "previewStatus": {"preview": is_file, "failure": ""},
    })
}

/// Whether something may be put there, or changed.
pub(super) fn may_write(found: &Found) -> bool {
    found.permission == "ReadWrite"
        && found.at.is_none()
        && matches!(found.scope, "Personal" | "Project" | "InsideCloudFolder")
}
