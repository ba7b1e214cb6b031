//! A file or a folder, as the Portal describes it and as results show it (reference: "fetchResources").

use serde::Serialize;
use serde_json::Value;

use super::path::Path;
use super::{Scope, fields};
use crate::backends::outside;

/// A file or a folder.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    /// Where it is; `None` if the Portal names a place outside its files.
    pub(super) path: Option<Path>,
    /// Its address, as the Portal wrote it.
    pub(super) href: String,
    /// Its name, for people.
    pub(super) name: String,
    pub(super) is_folder: bool,
    pub(super) is_deleted: bool,
    pub(super) size: Option<u64>,
    pub(super) modified: Option<String>,
    pub(super) id: Option<u64>,
    /// Which kind of place it is in, by the Portal's word.
    pub(super) kind: Option<String>,
    /// What the person may do with it, by the Portal's word.
    pub(super) permission: Option<String>,
    /// The cloud folder it belongs to.
    pub(super) folder: Option<u64>,
    pub(super) permalink: Option<String>,
    whole: Value,
}

/// An item in a result.
#[derive(Clone, Debug, Serialize, PartialEq)]
pub(super) struct Row {
    /// Absent where the name has characters that show nothing: what is shown must be what is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<String>,
    pub(super) name: String,
    pub(super) is_folder: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) deleted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) modified: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) permission: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) shared: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) has_links: bool,
}

/// Everything that is known about one item.
#[derive(Clone, Debug, Serialize, PartialEq)]
pub(super) struct Details {
    #[serde(flatten)]
    pub(super) row: Row,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) permalink: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_changed_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_change: Option<String>,
    /// What may be done with it, by the names of our tools.
    pub(super) allowed: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retained_until: Option<String>,
}

/// What the Portal allows, and what it is here.
const ACTIONS: [(&str, &str); 10] = [
    ("download", "read"),
    ("copy", "copy"),
    ("move", "move"),
    ("_delete", "delete"),
    ("undelete", "recover"),
    ("createFile", "write"),
    ("createFolder", "make_folder"),
    ("versioning", "versions"),
    ("createPublicLink", "create_link"),
    ("manageSharing", "share"),
];

impl Item {
    /// Reads a `ResourceInfo`; `None` if it has neither an address nor a name.
    pub(super) fn of(whole: &Value, scope: Scope) -> Option<Self> {
        let href = fields::text(whole, "href").unwrap_or_default();
        let path = Path::of_href(&href, scope);
        let name = fields::text(whole, "name").or_else(|| Some(path.as_ref()?.name()?.to_owned()));
        if href.is_empty() && name.is_none() {
            return None;
        }
        let word = |name: &str| fields::text(whole, name).map(|text| outside::line(&text, 200));
        Some(Self {
            path,
            href,
            // A name is data as well: what shows nothing must not hide in it.
            name: outside::line(&name.unwrap_or_default(), 1_000),
            is_folder: fields::flag(whole, "isFolder").unwrap_or(false),
            is_deleted: fields::flag(whole, "isDeleted").unwrap_or(false),
            size: fields::number(whole, "size").filter(|_| fields::flag(whole, "isFolder") != Some(true)),
            modified: word("lastmodified"),
            id: fields::number(whole, "fileId"),
            kind: word("scope"),
            permission: word("permission"),
            folder: whole.get("cloudFolderInfo").and_then(|folder| fields::number(folder, "uid")),
            permalink: word("permalink"),
            whole: whole.clone(),
        })
    }

    /// Whether the Portal says that this may be done; `None` if it does not say.
    pub(super) fn allows(&self, action: &str) -> Option<bool> {
        self.whole.get("actionsAllowed").and_then(|actions| fields::flag(actions, action))
    }

    /// Whether new files may be put into it, as far as the Portal says (reference: "scope values").
    pub(super) fn takes_files(&self) -> bool {
        let is_place =
            self.kind.as_deref().is_none_or(|kind| matches!(kind, "Personal" | "Project" | "InsideCloudFolder"));
        let is_open = self.permission.as_deref().is_none_or(|permission| permission == "ReadWrite");
        is_place && is_open
    }

    /// For a list.
    pub(super) fn row(&self) -> Row {
        let flag = |name: &str| fields::flag(&self.whole, name).unwrap_or(false);
        Row {
            path: self.path.as_ref().map(ToString::to_string).filter(|path| outside::clean(path.clone()) == *path),
            name: self.name.clone(),
            is_folder: self.is_folder,
            deleted: self.is_deleted,
            size: self.size,
            modified: self.modified.clone(),
            id: self.id,
            permission: self.permission.clone().filter(|permission| permission != "ReadWrite"),
            shared: flag("isShared"),
            has_links: flag("hasLinks"),
        }
    }

    /// For a look at it alone.
    pub(super) fn details(&self) -> Details {
        let inner = |object: &str, name: &str| {
            self.whole.get(object).and_then(|object| fields::text(object, name)).map(|text| outside::line(&text, 200))
        };
        Details {
            row: Row { permission: self.permission.clone(), ..self.row() },
            permalink: self.permalink.clone(),
            kind: self.kind.clone(),
            owner: inner("cloudFolderInfo", "ownerFriendlyName"),
            last_changed_by: inner("lastActionBy", "user"),
            last_change: inner("lastActionBy", "action"),
            allowed: ACTIONS
                .iter()
                .filter(|(action, _)| self.allows(action) == Some(true))
                .map(|(_, ours)| *ours)
                .collect(),
            retained_until: inner("complianceInfo", "retainUntil"),
        }
    }
}

impl Row {
    /// For people and for hosts that take no fields.
    pub(super) fn line(&self) -> String {
        let slash = if self.is_folder { "/" } else { "" };
        let mut line = match &self.path {
            Some(path) => format!("{path}{slash}"),
            None => format!(
                "{}{slash}  (its name holds characters that show nothing; rename it on the Portal's own pages)",
                self.name
            ),
        };
        if let Some(size) = self.size {
            line.push_str(&format!("  {size} bytes"));
        }
        if let Some(modified) = &self.modified {
            line.push_str(&format!("  {modified}"));
        }
        if self.deleted {
            line.push_str("  (deleted)");
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_without_most_of_its_members_is_still_a_row() {
        let bare =
            json!({"name": "2024", "href": "/ServicesPortal/webdav/My%20Files/2024", "isFolder": "true", "size": "7"});
        let item = Item::of(&bare, Scope::User).expect("an item");
        let row = item.row();
        assert_eq!(
            (row.path.as_deref(), row.name.as_str(), row.is_folder, row.size, row.id),
            (Some("My Files/2024"), "2024", true, None, None)
        );
        assert!(item.takes_files());
        assert_eq!(Item::of(&json!({"$class": "ResourceInfo"}), Scope::User), None);
    }

    #[test]
    fn what_may_be_done_is_named_as_the_tools_are() {
        let whole = json!({
            "name": "a", "href": "/ServicesPortal/webdav/a", "isFolder": false, "size": 3, "permission": "PreviewOnly", "scope": "Shared",
            "actionsAllowed": {"download": false, "copy": true, "_delete": "true", "invitePermissions": {}},
            "lastActionBy": {"user": "ali\u{202e}ce", "action": "Modified"},
        });
        let item = Item::of(&whole, Scope::User).expect("an item");
        assert_eq!(item.details().allowed, ["copy", "delete"]);
        assert_eq!(item.details().last_changed_by.as_deref(), Some("alice"));
        assert!(!item.takes_files() && item.allows("download") == Some(false) && item.allows("move").is_none());
    }
}
