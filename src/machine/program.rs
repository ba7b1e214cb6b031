//! This program itself: where it is, and a second run of it as a host would start it.

use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::Environment;

/// The variables that hosts pass on to the servers they start: those of the protocol's official libraries, which is
/// less than what a terminal has.
#[cfg(not(windows))]
pub const HOST_VARIABLES: [&str; 6] = ["HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"];
/// The variables that hosts pass on to the servers they start: those of the protocol's official libraries, which is
/// less than what a terminal has.
#[cfg(windows)]
pub const HOST_VARIABLES: [&str; 12] = [
    "APPDATA",
    "HOMEDRIVE",
    "HOMEPATH",
    "LOCALAPPDATA",
    "PATH",
    "PROCESSOR_ARCHITECTURE",
    "SYSTEMDRIVE",
    "SYSTEMROOT",
    "TEMP",
    "USERNAME",
    "USERPROFILE",
    "PROGRAMFILES",
];

/// What a program that the desktop started has as `PATH`: no profile of a shell was read.
#[cfg(target_os = "macos")]
pub const HOST_PATH: &str = "/usr/bin:/bin:/usr/sbin:/sbin";
/// What a program that the desktop started has as `PATH`: no profile of a shell was read.
#[cfg(not(target_os = "macos"))]
pub const HOST_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The file that this process runs, through every link.
pub fn own_program() -> Option<PathBuf> {
    std::env::current_exe().and_then(std::fs::canonicalize).ok()
}

/// What a host that was started from the desktop passes on of this environment.
pub fn host_environment(environment: &Environment) -> Environment {
    let kept = HOST_VARIABLES.into_iter().filter_map(|name| {
        let value = environment.path(name)?.into_os_string();
        // Windows has one `PATH` for everything.
        let value = if name == "PATH" && cfg!(not(windows)) { HOST_PATH.into() } else { value };
        Some((name, value))
    });
    Environment::of(kept)
}

/// Runs this program again, with these arguments and the environment that a host passes on, without a terminal, and
/// returns what it printed. Blocks until it has ended.
#[expect(clippy::disallowed_methods, reason = "the one place that starts this program again")]
pub fn as_host(environment: &Environment, arguments: &[String]) -> io::Result<Vec<u8>> {
    let program = own_program().ok_or(io::ErrorKind::NotFound)?;
    let output = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(host_environment(environment).0)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()?;
    Ok(output.stdout)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_host_passes_on_little_and_a_short_path() {
        let environment = Environment::of([
            ("HOME", "/home/ada"),
            ("PATH", "/home/ada/.local/bin:/usr/bin"),
            ("KEYWARD_CONFIG", "/x"),
            ("HTTPS_PROXY", "http://proxy"),
            ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/x"),
        ]);
        let host = host_environment(&environment);
        assert_eq!(host.names().collect::<Vec<_>>(), ["HOME", "PATH"]);
        assert_eq!(host.text("PATH"), Some(HOST_PATH));
    }
}
