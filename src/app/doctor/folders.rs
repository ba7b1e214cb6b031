//! The state folder, with locks, caches and the audit log: whether it can be trusted and written, and whether its file
//! system honours locks.

use std::path::{Path, PathBuf};

use super::configuration::loose;
use super::{Check, Class};
use crate::app::{App, audit};

pub(super) fn look(app: &App) -> Vec<Check> {
    let (Some(state), Some(shared)) = (&app.parts.state, &app.parts.shared) else {
        let check =
            Check::fail("state-folder", Class::Configuration, "the platform names no home folder for this user");
        return vec![check.hint("set `HOME` to a folder of this user")];
    };
    let mut checks = vec![folder(state)];
    // Where the two differ, the locks are in the one that all programs share.
    checks.extend((shared != state).then(|| folder(shared)));
    checks.extend(unix::file_system(&existing(shared)));
    checks.push(log(app, state));
    checks
}

/// The folder, or what is there of its parents.
fn existing(folder: &Path) -> PathBuf {
    folder.ancestors().find(|path| path.exists()).unwrap_or(folder).to_path_buf()
}

fn folder(state: &Path) -> Check {
    let name = "state-folder";
    let there = existing(state);
    let shown = there.display();
    if !there.is_dir() {
        return Check::fail(name, Class::Configuration, format!("`{shown}` is no folder"))
            .hint(format!("move `{shown}` away"));
    }
    if there == state
        && let Some((path, why)) = loose(state)
    {
        let check = Check::fail(name, Class::Configuration, format!("`{path}` {why}, so its locks are not trusted"));
        return check.hint(format!("`chmod 700 {path}`"));
    }
    if !unix::can_write(&there) {
        let check = Check::fail(name, Class::Configuration, format!("`{shown}` cannot be written"));
        return check.hint(format!("`chmod u+rwx {shown}`, unless the disk itself is read-only"));
    }
    if there == state {
        Check::ok(name, format!("`{shown}`"))
    } else {
        Check::ok(name, format!("`{}`, made when it is needed", state.display()))
    }
}

fn log(app: &App, state: &Path) -> Check {
    let (name, path) = ("audit-log", state.join(audit::FILE));
    let shown = path.display();
    if !app.config.audit.is_enabled() {
        return Check::ok(name, "switched off by `audit.enabled`");
    }
    match std::fs::symlink_metadata(&path) {
        Err(_) => Check::ok(name, format!("`{shown}`, made when it is needed")),
        Ok(found) if !found.is_file() => {
            Check::warn(name, format!("`{shown}` is not a plain file, so nothing is written"))
                .hint(format!("move `{shown}` away"))
        }
        Ok(_) if !unix::can_write(&path) => {
            Check::warn(name, format!("`{shown}` cannot be written")).hint(format!("`chmod 600 {shown}`"))
        }
        Ok(_) => Check::ok(name, format!("`{shown}`")),
    }
}

#[cfg(unix)]
mod unix {
    use super::{Check, Path};
    use rustix::fs::{Access, access, statfs, statvfs};

    pub(super) fn can_write(path: &Path) -> bool {
        access(path, Access::WRITE_OK).is_ok()
    }

    /// What a full disk cannot hold any more: one grant and its copy.
    const ENOUGH: u64 = 1 << 20;

    pub(super) fn file_system(folder: &Path) -> Vec<Check> {
        let name = "file-system";
        let mut checks = Vec::new();
        if let Ok(found) = statvfs(folder)
            && found.f_bavail.saturating_mul(found.f_frsize) < ENOUGH
        {
            let check = Check::warn("disk", format!("the disk of `{}` is full", folder.display()));
            checks.push(check.hint("free some space: a renewed token that cannot be kept is a lost login"));
        }
        checks.push(match statfs(folder).map(|found| kind(&found)) {
            Err(error) => Check::skip(name, format!("`{}` could not be asked: {error}", folder.display())),
            Ok(None) => Check::ok(name, "on a local disk, where locks hold"),
            Ok(Some(kind)) => {
                let shown = folder.display();
                let check = Check::warn(
                    name,
                    format!(
                        "`{shown}` is on {kind}, where a lock may exclude nobody: two machines could renew one login"
                    ),
                );
                check.hint("use each login on one machine only, or give each machine a home folder of its own")
            }
        });
        checks
    }

    /// The kind of file system, if it is one that other machines share or that may not pass locks on.
    #[cfg(target_os = "linux")]
    fn kind(found: &rustix::fs::StatFs) -> Option<&'static str> {
        // The numbers are those of statfs(2). The type is signed on some platforms.
        let number = u32::try_from(found.f_type as u64 & 0xffff_ffff).unwrap_or_default();
        super::kind_of(number)
    }

    #[cfg(not(target_os = "linux"))]
    fn kind(_: &rustix::fs::StatFs) -> Option<&'static str> {
        None
    }
}

/// As numbered by Linux.
#[cfg(target_os = "linux")]
fn kind_of(number: u32) -> Option<&'static str> {
    Some(match number {
        0x6969 => "NFS",
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => "SMB",
        0x6573_5546 => "FUSE",
        0x0102_1997 => "9p",
        0x5346_414f => "AFS",
        0x00c3_6400 => "Ceph",
        0x0bd0_0bd0 => "Lustre",
        0x4750_4653 => "GPFS",
        0x7461_636f => "OCFS2",
        0x0116_1970 => "GFS2",
        0x786f_4256 => "a folder of the virtual machine's host",
        0x7373_7570 | 0x1970_0426 => "a folder of the virtual machine's host",
        _ => return None,
    })
}

#[cfg(not(unix))]
mod unix {
    use super::{Check, Path};

    pub(super) fn can_write(path: &Path) -> bool {
        std::fs::metadata(path).is_ok_and(|found| !found.permissions().readonly())
    }

    pub(super) fn file_system(folder: &Path) -> Vec<Check> {
        let is_remote = folder.to_string_lossy().starts_with("\\\\");
        vec![if is_remote {
            Check::warn("file-system", "the state folder is on another machine, where a lock may exclude nobody")
                .hint("move the profile to a local disk")
        } else {
            Check::ok("file-system", "on a local disk, where locks hold")
        }]
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::app::doctor::Verdict;

    #[test]
    fn shared_file_systems_are_known_by_their_numbers_and_local_ones_are_not_blamed() {
        for (number, kind) in [
            (0x6969, Some("NFS")),
            (0xff53_4d42, Some("SMB")),
            (0x6573_5546, Some("FUSE")),
            (0xef53, None),
            (0x0102_1994, None),
        ] {
            assert_eq!(kind_of(number), kind, "{number:x}");
        }
        let found = unix::file_system(Path::new("/"));
        assert!(found.iter().all(|check| check.verdict == Verdict::Ok || check.verdict == Verdict::Warn), "{found:?}");
    }

    #[test]
    fn a_folder_that_is_not_there_yet_is_judged_by_what_is() {
        let outer = tempfile::tempdir().expect("a folder");
        let state = outer.path().join("a/b/c");
        assert_eq!(existing(&state), outer.path());
        assert_eq!(folder(&state).verdict, Verdict::Ok);
        std::fs::write(outer.path().join("a"), "").expect("written");
        assert!(matches!(folder(&state).verdict, Verdict::Fail(Class::Configuration)));
    }

    #[test]
    fn a_folder_that_others_can_write_is_not_trusted() {
        use std::os::unix::fs::PermissionsExt as _;
        let state = tempfile::tempdir().expect("a folder");
        std::fs::set_permissions(state.path(), std::fs::Permissions::from_mode(0o770)).expect("changed");
        let check = folder(state.path());
        assert_eq!(check.verdict, Verdict::Fail(Class::Configuration));
        assert_eq!(check.hint, Some(format!("`chmod 700 {}`", state.path().display())));
    }
}
