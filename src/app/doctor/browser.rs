//! Which browser a login would open. None is opened here.

use std::path::{Path, PathBuf};

use super::Check;
use crate::machine::{Environment, Machine, Surroundings, Unseen};

const NAME: &str = "browser";
/// Who opens a page where the platform has no one program for it.
const LAUNCHERS: [&str; 5] = ["xdg-open", "gio", "gnome-open", "kde-open", "wslview"];
const BY_HAND: &str = "a login prints its address; open it anywhere and finish there";

pub(super) fn look(machine: &Machine) -> Vec<Check> {
    vec![one(&machine.environment, machine.surroundings)]
}

fn one(environment: &Environment, surroundings: Surroundings) -> Check {
    if environment.text("KEYWARD_NO_BROWSER").is_some_and(|value| value != "0") {
        return Check::ok(NAME, "switched off by `KEYWARD_NO_BROWSER`; a login prints its address");
    }
    let separator = if cfg!(windows) { ';' } else { ':' };
    let chosen = environment.text("BROWSER").unwrap_or_default();
    let programs: Vec<&str> = chosen.split(separator).filter_map(|words| words.split_whitespace().next()).collect();
    if !programs.is_empty() {
        return match programs.iter().find_map(|program| find(environment, program)) {
            Some(path) => Check::ok(NAME, format!("`{}`, from `BROWSER`", path.display())),
            None => Check::warn(NAME, "`BROWSER` names no program that is there")
                .hint("`unset BROWSER`, or name a program that exists"),
        };
    }
    if let Some(unseen) = surroundings.unseen() {
        return Check::warn(NAME, format!("nobody would see one here: {}", why(unseen))).hint(BY_HAND);
    }
    if cfg!(any(target_os = "macos", windows)) {
        return Check::ok(NAME, "the system's");
    }
    match LAUNCHERS.into_iter().find_map(|program| find(environment, program)) {
        Some(path) => Check::ok(NAME, format!("the desktop's, through `{}`", path.display())),
        None => Check::warn(NAME, "no program that opens pages was found").hint(BY_HAND),
    }
}

fn why(unseen: Unseen) -> &'static str {
    match unseen {
        Unseen::Ci => "this is an automatic build",
        Unseen::Container => "this is a container",
        Unseen::Ssh => "this is the far end of an ssh connection",
        Unseen::Service => "the system started this as a service",
        Unseen::NoDisplay => "there is no display",
    }
}

/// The program's file, as starting it would find it.
pub(super) fn find(environment: &Environment, program: &str) -> Option<PathBuf> {
    if program.contains(['/', '\\']) {
        return Some(PathBuf::from(program)).filter(|path| is_program(path));
    }
    let folders = environment.path("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(program)).find(|path| is_program(path))
}

/// Whether the system would start it.
pub(super) fn is_program(path: &Path) -> bool {
    #[cfg(unix)]
    let may_start = rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok();
    #[cfg(not(unix))]
    let may_start = true;
    may_start && path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::doctor::Verdict;

    #[test]
    fn the_browser_that_a_login_would_open_is_named_and_not_opened() {
        let missing = [("BROWSER", "/nonexistent/a:/nonexistent/b %s")];
        assert_eq!(one(&Environment::of(missing), Surroundings::DESKTOP).verdict, Verdict::Warn);
        let off = [("KEYWARD_NO_BROWSER", "1"), ("BROWSER", "/nonexistent/a")];
        assert_eq!(one(&Environment::of(off), Surroundings::DESKTOP).verdict, Verdict::Ok);
        let far = one(&Environment::default(), Surroundings { ssh: true, display: false, ..Surroundings::DESKTOP });
        assert_eq!(far.detail, "nobody would see one here: this is the far end of an ssh connection");
    }

    #[cfg(unix)]
    #[test]
    fn a_program_is_found_as_starting_it_would_find_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("opener");
        std::fs::write(&path, "#!/bin/sh\n").expect("written");
        let environment =
            Environment::of([("PATH", folder.path().as_os_str()), ("BROWSER", "opener --new %s".as_ref())]);
        assert_eq!(find(&environment, "opener"), None, "it may not be started");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("changed");
        assert_eq!(find(&environment, "opener"), Some(path.clone()));
        assert_eq!(find(&environment, path.to_str().expect("text")), Some(path.clone()));
        assert_eq!(one(&environment, Surroundings::DESKTOP).detail, format!("`{}`, from `BROWSER`", path.display()));
        assert_eq!(find(&environment, "nothing"), None);
    }
}
