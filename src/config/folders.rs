//! Which folders of this machine the tools of a connection may use, and which they never may.
//!
//! A tool that may write into the home folder may write `.bashrc`, one that may read it reads the private keys. Such a
//! folder is refused, not warned of: who reads warnings of a program that a host starts?

use std::cell::OnceCell;
use std::path::{Component, Path, PathBuf};

use super::Error;
use super::edit::{Change, Setting};
use crate::backends::Backend;
use crate::machine::{Environment, Folders};

/// The key's last word.
const KEY: &str = "folders";
/// Folders of the home folder that hold keys, and what is started with the session or by name, besides the hidden ones.
const KEPT: [&str; 7] = [
    "AppData",
    "Library/Application Support",
    "Library/Keychains",
    "Library/LaunchAgents",
    "Library/Preferences",
    "bin",
    "snap",
];
/// The same for PowerShell on Windows. Elsewhere it keeps nothing there, and what holds these is documents.
const PROFILES: [&str; 2] = ["Documents/PowerShell", "Documents/WindowsPowerShell"];

/// The folders as they are written; refused where the backend has no use for them.
pub(super) fn resolve(backend: &Backend, written: Option<&[String]>, key: &str) -> Result<Vec<PathBuf>, Error> {
    let wrong = |expected: String| Error::Value { key: key.to_owned(), expected };
    let Some(written) = written else { return Ok(Vec::new()) };
    if !backend.takes_folders {
        return Err(wrong(format!("left out: no tool of `{}` uses files of this machine", backend.name)));
    }
    let paths: Vec<PathBuf> = written.iter().map(PathBuf::from).collect();
    for (path, text) in paths.iter().zip(written) {
        // A host starts `serve` in a folder of its own choice, and nothing here is a shell that knows `~`.
        let is_whole = path.is_absolute() && !path.components().any(|part| part == Component::ParentDir);
        if !is_whole || text.chars().any(char::is_control) {
            return Err(wrong("a list of whole paths of folders, from the root on, without `~` and `..`".to_owned()));
        }
        if path.parent().is_none() {
            return Err(wrong(format!("a list of folders with documents, and `{}` is everything", path.display())));
        }
    }
    Ok(paths)
}

/// What no tool may reach, whatever the file says.
pub struct Private {
    /// Every one: a variable may name another than the platform does, and each is somebody's.
    homes: Vec<PathBuf>,
    own: Vec<PathBuf>,
    /// Both in every form, found out with the first folder that is checked: most configurations name none.
    known: OnceCell<[Vec<PathBuf>; 2]>,
}

impl Private {
    /// The home folders of this environment and this person, and what belongs to this program.
    pub fn of(environment: &Environment, folders: Option<&Folders>, config: Option<&Path>) -> Self {
        let platform = folders.and_then(|own| own.home.clone());
        let homes = [environment.path("HOME"), environment.path("USERPROFILE"), platform];
        let own = folders.into_iter().flat_map(|own| [&own.config, &own.state, &own.shared]).cloned();
        let own = own.chain(config.map(Path::to_path_buf)).collect();
        Self { homes: homes.into_iter().flatten().collect(), own, known: OnceCell::new() }
    }

    /// Refuses folders that hold any of it, or lie in it.
    pub fn check(&self, name: &str, folders: &[PathBuf]) -> Result<(), Error> {
        for folder in folders {
            if let Some(why) = forms(folder).find_map(|form| self.complaint(&form)) {
                let expected = format!("a list of folders with documents, and `{}` {why}", folder.display());
                return Err(Error::Value { key: format!("connections.{name}.{KEY}"), expected });
            }
        }
        Ok(())
    }

    /// The same for what is about to be written into the file.
    pub fn check_changes(&self, changes: &[Change]) -> Result<(), Error> {
        for change in changes {
            if let ([_, name, last], Some(Setting::Texts(texts))) = (change.key.as_slice(), &change.value)
                && last == KEY
            {
                self.check(name, &texts.iter().map(PathBuf::from).collect::<Vec<_>>())?;
            }
        }
        Ok(())
    }

    /// What is wrong with this folder, as the rest of a sentence about it.
    fn complaint(&self, folder: &Path) -> Option<&'static str> {
        let overlaps = |one: &PathBuf| one.starts_with(folder) || folder.starts_with(one);
        let forms_of = |all: &[PathBuf]| all.iter().flat_map(|one| forms(one)).collect();
        let [homes, own] = self.known.get_or_init(|| [forms_of(&self.homes), forms_of(&self.own)]);
        for home in homes {
            if home.starts_with(folder) {
                return Some("holds the whole home folder, with its keys and settings");
            }
            let Ok(inside) = folder.strip_prefix(home) else { continue };
            let is_below = |kept: &str| inside.starts_with(kept);
            let is_above = |kept: &str| Path::new(kept).starts_with(inside);
            let is_hidden = inside.components().any(|part| part.as_os_str().as_encoded_bytes().starts_with(b"."));
            let is_kept = KEPT.iter().any(|kept| is_below(kept) || is_above(kept));
            let is_profile = PROFILES.iter().any(|kept| is_below(kept) || (cfg!(windows) && is_above(kept)));
            if is_hidden || is_kept || is_profile {
                return Some("is where programs keep their settings and keys");
            }
        }
        own.iter().any(overlaps).then_some("holds what belongs to keyward itself")
    }
}

/// The path, and where it leads: a link to the home folder is the home folder.
fn forms(path: &Path) -> impl Iterator<Item = PathBuf> {
    // What is not there yet will be where the part that is there leads.
    let real = path.ancestors().find_map(|there| {
        let rest = path.strip_prefix(there).ok()?;
        std::fs::canonicalize(there).ok().map(|there| there.join(rest))
    });
    [Some(path.to_path_buf()), real].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::{ctera, tavily};

    fn texts(all: &[&str]) -> Vec<String> {
        all.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn only_whole_paths_of_folders_are_taken_and_only_where_tools_use_them() {
        let resolve = |backend, all: &[&str]| resolve(backend, Some(&texts(all)), "connections.x.folders");
        let refused = |backend, all: &[&str]| format!("{}", resolve(backend, all).expect_err("refused"));
        assert_eq!(super::resolve(&tavily::BACKEND, None, "k"), Ok(Vec::new()));
        assert!(refused(&tavily::BACKEND, &["/a"]).contains("left out: no tool of `tavily` uses files"));
        let root = if cfg!(windows) { "C:\\" } else { "/" };
        let good = [format!("{root}a"), format!("{root}a b")];
        let good: Vec<&str> = good.iter().map(String::as_str).collect();
        assert_eq!(resolve(&ctera::BACKEND, &good), Ok(good.iter().map(PathBuf::from).collect()));
        assert_eq!(resolve(&ctera::BACKEND, &[]), Ok(Vec::new()));
        for wrong in ["", "a", "./a", "~/Portal", "../a"] {
            assert!(refused(&ctera::BACKEND, &[wrong]).contains("whole paths"), "{wrong}");
        }
        for wrong in ["a/../../etc", "a\nb", ".."] {
            assert!(refused(&ctera::BACKEND, &[&format!("{root}{wrong}")]).contains("whole paths"), "{wrong}");
        }
        assert!(refused(&ctera::BACKEND, &[root]).contains("is everything"));
    }

    #[cfg(unix)]
    #[test]
    fn the_home_folder_and_what_programs_keep_there_are_refused_also_behind_a_link() {
        let place = tempfile::tempdir().expect("a folder");
        let home = place.path().join("me");
        std::fs::create_dir_all(home.join("Portal")).expect("folders");
        std::os::unix::fs::symlink(&home, place.path().join("link")).expect("a link");
        let state = place.path().join("state/keyward");
        let folders =
            Folders { config: home.join("conf"), state: state.clone(), shared: state.join("shared"), home: None };
        let environment = Environment::of([("HOME", &home)]);
        let private = Private::of(&environment, Some(&folders), Some(&place.path().join("elsewhere/config.toml")));
        let check = |path: &Path| private.check("box", &[home.join("Portal"), path.to_path_buf()]);
        for good in [
            home.join("Portal"),
            home.join("Library/CloudStorage"),
            home.join("Documents"),
            place.path().join("statement"),
            place.path().join(".hidden"),
        ] {
            assert_eq!(check(&good), Ok(()), "{}", good.display());
        }
        for wrong in [
            home.clone(),
            place.path().to_path_buf(),
            place.path().join("link"),
            place.path().join("link/.ssh"),
            home.join(".ssh"),
            home.join(".config/autostart"),
            home.join("Library"),
            home.join("Library/Keychains/x"),
            home.join("Library/Application Support/Firefox"),
            home.join("Library/Preferences"),
            home.join("bin"),
            home.join("Documents/PowerShell"),
            home.join("Documents/WindowsPowerShell/Modules"),
            home.join("snap"),
            home.join("snap/firefox/common/.mozilla"),
            home.join("work/.git"),
            home.join("work/.git/hooks"),
            home.join("conf"),
            state.join("locks"),
            place.path().join("state"),
            place.path().join("elsewhere"),
        ] {
            assert!(matches!(check(&wrong), Err(Error::Value { .. })), "{}", wrong.display());
        }
        let text = home.display().to_string();
        let change =
            Change { key: texts(&["connections", "box", "folders"]), value: Some(Setting::Texts(vec![text.clone()])) };
        let expected = format!(
            "a list of folders with documents, and `{text}` holds the whole home folder, with its keys and settings"
        );
        assert_eq!(
            private.check_changes(&[change]),
            Err(Error::Value { key: "connections.box.folders".to_owned(), expected })
        );
    }

    #[test]
    fn every_home_folder_is_refused_that_a_variable_or_the_platform_names() {
        let place = tempfile::tempdir().expect("a folder");
        let at = |name: &str| place.path().join(name);
        let folders =
            Folders { config: at("conf"), state: at("state"), shared: at("shared"), home: Some(at("platform")) };
        let environment = Environment::of([("HOME", at("unix")), ("USERPROFILE", at("windows"))]);
        let private = Private::of(&environment, Some(&folders), None);
        for home in ["unix", "windows", "platform"] {
            for inside in ["", ".ssh", "bin"] {
                let wrong = at(home).join(inside);
                assert!(private.check("box", std::slice::from_ref(&wrong)).is_err(), "{}", wrong.display());
            }
            assert_eq!(private.check("box", &[at(home).join("Portal")]), Ok(()), "{home}");
        }
    }
}
