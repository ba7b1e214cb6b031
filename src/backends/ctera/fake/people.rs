//! Who there is: two tenants, and the global administration above them.

use serde_json::{Value, json};

/// Somebody with a name and a password, which is `NAME-p&ss%`.
pub(super) struct Person {
    /// The name at the login.
    pub(super) name: &'static str,
    /// The full name, which is a folder in the administration.
    pub(super) full: &'static str,
    /// The tenant; empty for a global administrator.
    pub(super) tenant: &'static str,
    /// The role.
    pub(super) role: &'static str,
    /// The number in `userRef`.
    pub(super) uid: u64,
    /// The directory the person comes from.
    pub(super) domain: Option<&'static str>,
}

const fn person(uid: u64, name: &'static str, full: &'static str, tenant: &'static str, role: &'static str) -> Person {
    Person { name, full, tenant, role, uid, domain: None }
}

/// All of them.
pub(super) const PEOPLE: [Person; 7] = [
    person(101, "alice", "Alice Doe", "acme", "EndUser"),
    person(102, "bob", "Bob Roe", "acme", "ReadWriteAdmin"),
    person(103, "carol", "Carol Poe", "acme", "ReadOnlyAdmin"),
    Person { domain: Some("corp.example"), ..person(104, "dan", "Dan Moe", "acme", "EndUser") },
    person(201, "gina", "Gina Goe", "globex", "EndUser"),
    person(1, "root", "Global Administrator", "", "ReadWriteAdmin"),
    person(2, "audit", "Global Auditor", "", "ReadOnlyAdmin"),
];
/// The tenant that this host name stands for.
pub(super) const HOME: &str = "acme";
/// All tenants.
pub(super) const TENANTS: [&str; 2] = ["acme", "globex"];
/// The release.
pub(super) const VERSION: &str = "8.1.1417.20";

impl Person {
    /// Who calls themselves that: the name alone, or with the directory before or behind it.
    pub(super) fn named(text: &str) -> Option<usize> {
        PEOPLE.iter().position(|person| match person.domain {
            None => text == person.name,
            Some(domain) => {
                let short = domain.split('.').next().unwrap_or_default();
                let slashed = format!("{}\\{}", short.to_uppercase(), person.name);
                text == format!("{}@{domain}", person.name) || text == slashed
            }
        })
    }

    /// Whether that is the password.
    pub(super) fn has(&self, password: &str) -> bool {
        password.strip_prefix(self.name) == Some("-p&ss%")
    }

    /// Whether it is a global administrator.
    pub(super) fn is_global(&self) -> bool {
        self.tenant.is_empty()
    }

    /// Whether the role administers.
    pub(super) fn is_administrator(&self) -> bool {
        self.role != "EndUser"
    }

    /// The address of the person among the Portal's objects.
    pub(super) fn reference(&self) -> String {
        let class = match (self.is_global(), self.domain) {
            (true, _) => "PortalAdmin",
            (_, Some(_)) => "ADUser",
            _ => "PortalUser",
        };
        format!("objs/{}/{}/{class}/{}", self.uid, if self.is_global() { "admin" } else { self.tenant }, self.name)
    }

    /// `currentSession`.
    pub(super) fn session(&self) -> Value {
        json!({
            "$class": "PortalSession", "username": self.name, "domain": self.domain, "userRef": self.reference(),
            "portalFirstTimeConfiguration": false, "enableResellerProvisioning": true, "idleTimeout": 15,
            "folder": format!("objs/{}/{}/CloudDrive/My Files/{}", self.uid + 2, self.tenant, self.uid),
            "cloudFileSharingEnabled": true, "maxLinkPermission": "ReadWrite", "disableProjectControls": false,
            "language": "en", "remoteIpAddr": "203.0.113.7", "role": self.role, "showSharedByMe": true,
            "hidePassword": true, "displayInvitations": true, "isRemoteWipeEnabled": true,
        })
    }

    /// What `userRef` points to.
    pub(super) fn object(&self, used: usize) -> Value {
        let (first, last) = self.full.split_once(' ').unwrap_or((self.full, ""));
        json!({
            "$class": "PortalUser", "uid": self.uid, "name": self.name, "firstName": first, "lastName": last,
            "displayName": self.full, "email": format!("{}@example.com", self.name), "userAvatarName": null,
            "sla": {"calculatedQuota": 107_374_182_400_u64}, "userStats": {"foldersSize": used},
        })
    }
}

/// `rolesSettings/KEY`.
pub(super) fn role(key: &str) -> Option<Value> {
    const RIGHTS: [&str; 17] = [
        "allowRemoteWipe",
        "allowSSO",
        "allowSeedingExport",
        "allowSeedingImport",
        "canAccessEndUserFolders",
        "canChangePortalSettings",
        "canChangeRoles",
        "canChangeUserEmail",
        "canChangeUserPassword",
        "canManageAllFolders",
        "canManagePlans",
        "canManageUsers",
        "canManageLogSettings",
        "allowFoldersFilesPermanentDelete",
        "canManageLegalHolds",
        "canManageComplianceSetting",
        "superUser",
    ];
    let (name, all) = match key {
        "readWriteAdminSettings" => ("ReadWriteAdmin", true),
        "readOnlyAdminSettings" => ("ReadOnlyAdmin", false),
        "supportAdminSettings" => ("Support", false),
        "complianceOfficerSettings" => ("ComplianceOffer", false),
        _ => return None,
    };
    let mut settings = json!({"$class": "PortalRoleSettings", "name": name});
    for right in RIGHTS {
        // An auditor looks at everybody's files.
        let granted = all || (name == "ReadOnlyAdmin" && right == "canAccessEndUserFolders");
        if let Some(members) = settings.as_object_mut() {
            members.insert(right.to_owned(), granted.into());
        }
    }
    Some(settings)
}
