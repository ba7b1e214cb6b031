//! What is in the tree at the start.
//!
//! | below the root of alice | what is special |
//! |---|---|
//! | `My Files` | everything she may change; also `Users/Alice Doe/My Files` in the administration |
//! | `My Files/Many` | 257 files: three pages of 100 |
//! | `My Files/Names` | names that must be escaped, or that look like numbers |
//! | `My Files/Trash` | a file and a folder that were deleted |
//! | `My Files/Old` | a file with three versions |
//! | `My Files/Kept` | a file that must be kept (WORM) |
//! | `My Files/Merge` | `a/Set` and `b/Set` have three names in common, one of them a folder |
//! | `Team Site` | a project, which bob shares |
//! | `Shared With Me` | a container; in it `Read only`, `Preview only`, `Drop box` of bob's, and a row with nothing but names |

use super::people::{HOME, PEOPLE, TENANTS};
use super::world::{Item, World};

/// Names that must be escaped, or that look like numbers.
pub(super) const NAMES: [&str; 13] = [
    "2024",
    "1.50",
    "007",
    "true",
    "100%",
    "file_100%_done.txt",
    "file_%25_encoded.txt",
    "report #1.txt",
    "file with spaces.txt",
    "file_!@#$%^([{.txt",
    "Übersicht é.txt",
    "R&D.txt",
    "日本.txt",
];

impl Default for World {
    fn default() -> Self {
        let mut world = Self { items: Vec::new(), clock: 0, roots: Vec::new(), administrations: Vec::new() };
        let root = Item { is_folder: true, scope: "Root", ..Item::default() };
        let mut homes = Vec::new();
        for index in 0..PEOPLE.len() {
            let own = world.items.len();
            world.add(own, root.clone());
            world.roots.push(own);
            homes.push(world.cloud(own, "My Files", "Personal", index));
        }
        for tenant in TENANTS {
            let own = world.items.len();
            world.add(own, root.clone());
            world.administrations.push((tenant, own));
            world.administration(own, tenant, &homes);
        }
        let of = |list: &[usize], index: usize| list.get(index).copied().unwrap_or_default();
        world.alice(of(&homes, 0));
        world.file(of(&homes, 4), "globex only.txt", "of the other tenant");
        let (alice, bob) = (of(&world.roots, 0), of(&world.roots, 1));
        world.shared(alice, bob, of(&homes, 1));
        // An administrator of the team sees everybody's folders beside their own.
        let users = world.administrations.iter().find(|(tenant, _)| *tenant == HOME).map(|(_, own)| *own);
        for (index, person) in PEOPLE.iter().enumerate() {
            if let (true, false, Some(own)) = (person.is_administrator(), person.is_global(), users) {
                let target = world.children(own).into_iter().find(|id| world.item(*id).name == "Users");
                let entry = Item { target, ..named("Users", "UsersContainer") };
                world.add(of(&world.roots, index), entry);
            }
        }
        world
    }
}

fn named(name: &str, scope: &'static str) -> Item {
    Item { name: name.to_owned(), is_folder: true, scope, ..Item::default() }
}

impl World {
    fn folder(&mut self, parent: usize, name: &str) -> usize {
        self.add(parent, named(name, ""))
    }

    fn cloud(&mut self, parent: usize, name: &str, scope: &'static str, owner: usize) -> usize {
        self.add(parent, Item { owner: Some(owner), ..named(name, scope) })
    }

    fn file(&mut self, folder: usize, name: &str, content: &str) -> usize {
        self.write(folder, name, content.as_bytes().to_vec(), "alice")
    }

    fn administration(&mut self, root: usize, tenant: &str, homes: &[usize]) {
        let users = self.add(root, named("Users", "UsersContainer"));
        self.add(root, named("backups", "BackupsContainer"));
        self.add(root, named("backupFolders", "BackupsContainer"));
        for (person, home) in PEOPLE.iter().zip(homes).filter(|(person, _)| person.tenant == tenant) {
            let own = self.add(users, named(person.full, "UsersFoldersContainer"));
            self.add(own, Item { target: Some(*home), ..named("My Files", "Personal") });
        }
    }

    fn alice(&mut self, home: usize) {
        let docs = self.folder(home, "Docs");
        self.file(docs, "a b#.txt", "hello from the Portal\n");
        self.file(docs, "notes.md", "# Notes\n\nalpha beta gamma\n");
        self.file(docs, "empty.txt", "");
        let photos = self.folder(docs, "Photos");
        self.write(photos, "dot.png", vec![0x89, b'P', b'N', b'G', 13, 10, 26, 10, 0, 255, 254], "alice");
        self.file(home, "readme.txt", "read me\n");
        let names = self.folder(home, "Names");
        for name in NAMES {
            self.file(names, name, name);
        }
        let many = self.folder(home, "Many");
        for number in 0..257 {
            self.file(many, &format!("item {number:03}.txt"), &number.to_string());
        }
        let trash = self.folder(home, "Trash");
        self.file(trash, "kept.txt", "still here");
        let old = self.file(trash, "gone.txt", "was here");
        let folder = self.folder(trash, "gone folder");
        self.file(folder, "inside.txt", "was inside");
        for id in [old, folder] {
            let now = self.tick();
            self.items.get_mut(id).map(|item| item.deleted = Some(now)).unwrap_or_default();
        }
        let versions = self.folder(home, "Old");
        for content in ["first", "second, longer", "third"] {
            self.clock += 60;
            self.file(versions, "draft.txt", content);
        }
        let kept = self.folder(home, "Kept");
        let ledger = self.file(kept, "ledger.txt", "must stay");
        self.items.get_mut(ledger).map(|item| item.worm = true).unwrap_or_default();
        let merge = self.folder(home, "Merge");
        for side in ["a", "b"] {
            let parent = self.folder(merge, side);
            let set = self.folder(parent, "Set");
            let inner = self.folder(set, "inner");
            self.file(set, "one.txt", &format!("one of {side}"));
            self.file(set, "two.txt", &format!("two of {side}"));
            self.file(set, &format!("only {side}.txt"), side);
            self.file(inner, "three.txt", &format!("three of {side}"));
        }
        let big = self.folder(home, "Big");
        let line = "0123456789abcdef".repeat(64);
        self.file(big, "300k.bin", &line.repeat(300));
    }

    fn shared(&mut self, alice: usize, bob: usize, home: usize) {
        let site = self.cloud(bob, "Team Site", "Project", 1);
        self.file(site, "plan.txt", "the plan\n");
        self.add(alice, Item { target: Some(site), ..named("Team Site", "Project") });
        let container = self.add(alice, named("Shared With Me", "SharedContainer"));
        for (name, permission) in
            [("Read only", "ReadOnly"), ("Preview only", "PreviewOnly"), ("Drop box", "UploadOnly")]
        {
            let own = self.folder(home, name);
            self.file(own, "report.txt", "not to be changed\n");
            let entry = Item { target: Some(own), permission: Some(permission), ..named(name, "Shared") };
            self.add(container, entry);
        }
        self.add(container, Item { is_bare: true, ..named("Far away", "OfflineFolder") });
    }
}
