//! The path of this program that a host is told. It should be good tomorrow, too.

use std::path::{Path, PathBuf};

use super::{Here, System};
use crate::machine::own_program;

/// Why the path may lead to nothing soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fleeting {
    /// It is in a folder for temporary files.
    Temporary,
    /// It is what a build left.
    Build,
}

/// The path of this program, and why it may not last.
///
/// Package managers put each version into a folder of its own and a link to the newest one into the search path: that
/// link is what a host should start.
pub fn own(here: &Here) -> Option<(String, Option<Fleeting>)> {
    let real = own_program()?;
    let name = real.file_name()?.to_owned();
    let path = here.environment.path("PATH").unwrap_or_default();
    let mut links = std::env::split_paths(&path).filter(|folder| folder.is_absolute()).map(|folder| folder.join(&name));
    let link = links.find(|link| std::fs::canonicalize(link).is_ok_and(|leads| leads == real));
    let chosen = link.filter(|link| fleeting(link, here).is_none()).unwrap_or(real);
    Some((plain(chosen.to_str()?), fleeting(&chosen, here)))
}

/// The path without the mark by which Windows allows long ones: not every host understands it.
fn plain(text: &str) -> String {
    match text.strip_prefix(r"\\?\") {
        Some(rest) if !rest.starts_with("UNC") => rest.to_owned(),
        _ => text.to_owned(),
    }
}

fn fleeting(path: &Path, here: &Here) -> Option<Fleeting> {
    let names: Vec<String> = path.components().map(|part| part.as_os_str().to_string_lossy().to_lowercase()).collect();
    let has = |wanted: &[&str]| names.windows(wanted.len()).any(|names| names.iter().zip(wanted).all(|(a, b)| a == b));
    if has(&["target", "debug"]) || has(&["target", "release"]) {
        return Some(Fleeting::Build);
    }
    let variables = ["TMPDIR", "TEMP", "TMP"].into_iter().filter_map(|name| here.environment.path(name));
    let usual = match here.system {
        System::Windows => Vec::new(),
        _ => ["/tmp", "/var/tmp", "/private/tmp", "/private/var/folders", "/var/folders", "/dev/shm", "/run"]
            .map(PathBuf::from)
            .to_vec(),
    };
    let is_temporary = variables.chain(usual).any(|folder| folder.parent().is_some() && path.starts_with(folder));
    let is_temporary =
        is_temporary || has(&["appdata", "local", "temp"]) || has(&["apptranslocation"]) || has(&["_npx"]);
    is_temporary.then_some(Fleeting::Temporary)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Environment;

    #[test]
    fn a_path_that_may_vanish_is_known_by_its_folders() {
        let here = |system| Here {
            system,
            environment: Environment::of([("TMPDIR", "/home/ada/tmp")]),
            home: None,
            project: PathBuf::new(),
        };
        for (path, system, expected) in [
            ("/usr/local/bin/keyward", System::Unix, None),
            ("/home/ada/.cargo/bin/keyward", System::Unix, None),
            ("/opt/target/keyward", System::Unix, None),
            ("/home/ada/keyward/target/release/keyward", System::Unix, Some(Fleeting::Build)),
            ("/home/ada/keyward/target/debug/deps/keyward", System::Unix, Some(Fleeting::Build)),
            ("/tmp/x/keyward", System::Unix, Some(Fleeting::Temporary)),
            ("/tmpfiles/keyward", System::Unix, None),
            ("/home/ada/tmp/keyward", System::Unix, Some(Fleeting::Temporary)),
            ("/private/var/folders/ab/T/keyward", System::MacOs, Some(Fleeting::Temporary)),
            ("/Users/ada/AppData/Local/Temp/keyward.exe", System::Windows, Some(Fleeting::Temporary)),
        ] {
            assert_eq!(fleeting(Path::new(path), &here(system)), expected, "{path}");
        }
    }

    #[test]
    fn a_path_of_windows_has_no_mark_for_long_ones() {
        assert_eq!(plain(r"\\?\C:\Tools\keyward.exe"), r"C:\Tools\keyward.exe");
        assert_eq!(plain(r"\\?\UNC\server\share\keyward.exe"), r"\\?\UNC\server\share\keyward.exe");
        assert_eq!(plain("/opt/keyward"), "/opt/keyward");
    }
}
