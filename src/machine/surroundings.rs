//! Where this process runs, as far as that decides whether a browser here can be seen by the person.
//!
//! Signs, not certainties: they choose what happens by default, and what the person asks for goes before them.

use super::{Environment, TerminalFacts};

/// Where this process runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The person is at another machine, at the end of an ssh connection.
    pub ssh: bool,
    /// In a container, whose loopback is not that of the machine around it.
    pub container: bool,
    /// In the Linux beside a Windows, which can open that Windows' browser and shares its loopback.
    pub wsl: bool,
    /// In an automatic build, where nobody watches.
    pub ci: bool,
    /// Started by the system and not by a person.
    pub service: bool,
    /// There is a graphical display.
    pub display: bool,
}

/// What the file system says about where we are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    /// A file that container engines put into every container.
    pub container: bool,
    /// The kernel names Microsoft.
    pub microsoft: bool,
}

/// Which platform's signs count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// macOS and Windows: always a display, unless the session is a remote or a service's.
    Desktop,
    /// Linux and the other Unixes: a display says so in the environment.
    Unix,
}

/// Why a browser on this machine would be seen by nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unseen {
    /// An automatic build.
    Ci,
    /// A container.
    Container,
    /// The far end of an ssh connection.
    Ssh,
    /// A service of the system.
    Service,
    /// No graphical display.
    NoDisplay,
}

impl Platform {
    /// The one this program was built for.
    pub const fn own() -> Self {
        if cfg!(any(target_os = "macos", windows)) { Self::Desktop } else { Self::Unix }
    }
}

impl Traces {
    /// Looks at this machine.
    pub fn here() -> Self {
        let exists = |path: &str| std::path::Path::new(path).exists();
        let kernel = std::fs::read_to_string("/proc/version").unwrap_or_default().to_ascii_lowercase();
        Self {
            container: exists("/.dockerenv") || exists("/run/.containerenv"),
            microsoft: kernel.contains("microsoft"),
        }
    }
}

impl Surroundings {
    /// A desktop with a person in front of it.
    pub const DESKTOP: Self =
        Self { ssh: false, container: false, wsl: false, ci: false, service: false, display: true };

    /// Reads the signs.
    pub fn of(environment: &Environment, traces: Traces, facts: TerminalFacts, platform: Platform) -> Self {
        let is_set = |name: &str| environment.text(name).is_some();
        let says_yes = |name: &str| environment.text(name).is_some_and(|value| value != "0" && value != "false");
        let ssh = ["SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"].into_iter().any(is_set);
        let wsl = traces.microsoft || is_set("WSL_DISTRO_NAME") || is_set("WSL_INTEROP");
        let watched = facts.input || facts.output || facts.messages;
        // The service manager marks what it starts, and a desktop's own programs are started by it, too: only without a
        // terminal and a display is it a service.
        let display = match platform {
            Platform::Desktop => !ssh && environment.text("SESSIONNAME") != Some("Services"),
            Platform::Unix => is_set("DISPLAY") || is_set("WAYLAND_DISPLAY") || (wsl && !ssh),
        };
        Self {
            ssh,
            container: traces.container || is_set("container") || is_set("KUBERNETES_SERVICE_HOST"),
            wsl,
            ci: says_yes("CI") || ["GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD", "JENKINS_URL"].into_iter().any(says_yes),
            service: !display && !watched && (is_set("INVOCATION_ID") || platform == Platform::Desktop),
            display,
        }
    }

    /// Why a browser that is opened here would be seen by nobody; `None` where it would be.
    pub fn unseen(&self) -> Option<Unseen> {
        if self.ci {
            Some(Unseen::Ci)
        } else if self.display {
            None
        } else if self.container {
            Some(Unseen::Container)
        } else if self.ssh {
            Some(Unseen::Ssh)
        } else if self.service {
            Some(Unseen::Service)
        } else {
            Some(Unseen::NoDisplay)
        }
    }
}

/// What this machine is called; empty if nobody knows.
pub fn host_name(environment: &Environment) -> String {
    #[cfg(unix)]
    let own = rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(not(unix))]
    let own = String::new();
    match own.as_str() {
        "" | "localhost" => {
            environment.text("COMPUTERNAME").or(environment.text("HOSTNAME")).unwrap_or(&own).to_owned()
        }
        _ => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: TerminalFacts = TerminalFacts { input: false, output: false, messages: false, width: None };
    const PERSON: TerminalFacts = TerminalFacts { input: true, output: true, messages: true, width: Some(80) };
    const NO_TRACE: Traces = Traces { container: false, microsoft: false };
    const CONTAINER: Traces = Traces { container: true, microsoft: false };
    const MICROSOFT: Traces = Traces { container: false, microsoft: true };
    const SSH: (&str, &str) = ("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22");
    const X11: (&str, &str) = ("DISPLAY", ":0");

    /// Variables, and what else is seen; why a browser would be seen by nobody.
    type Row = (&'static [(&'static str, &'static str)], Traces, TerminalFacts, Platform, Option<Unseen>);

    #[test]
    fn signs_tell_where_a_browser_would_be_seen() {
        use Platform::{Desktop, Unix};
        use Unseen::{Ci, Container, NoDisplay, Service, Ssh};
        let table: &[Row] = &[
            (&[X11], NO_TRACE, PERSON, Unix, None),
            (&[("WAYLAND_DISPLAY", "wayland-0")], NO_TRACE, PERSON, Unix, None),
            (&[], NO_TRACE, PERSON, Unix, Some(NoDisplay)),
            (&[("DISPLAY", "")], NO_TRACE, PERSON, Unix, Some(NoDisplay)),
            (&[SSH], NO_TRACE, PERSON, Unix, Some(Ssh)),
            (&[("SSH_TTY", "/dev/pts/1")], NO_TRACE, PERSON, Unix, Some(Ssh)),
            (&[SSH, ("DISPLAY", "localhost:10.0")], NO_TRACE, PERSON, Unix, None),
            (&[], CONTAINER, PERSON, Unix, Some(Container)),
            (&[SSH], CONTAINER, PERSON, Unix, Some(Container)),
            (&[X11], CONTAINER, PERSON, Unix, None),
            (&[("container", "podman")], NO_TRACE, PERSON, Unix, Some(Container)),
            (&[("KUBERNETES_SERVICE_HOST", "10.0.0.1")], NO_TRACE, NOBODY, Unix, Some(Container)),
            (&[], MICROSOFT, PERSON, Unix, None),
            (&[("WSL_DISTRO_NAME", "Debian")], NO_TRACE, PERSON, Unix, None),
            (&[SSH], MICROSOFT, PERSON, Unix, Some(Ssh)),
            (&[X11, ("CI", "true")], NO_TRACE, PERSON, Unix, Some(Ci)),
            (&[X11, ("CI", "false")], NO_TRACE, PERSON, Unix, None),
            (&[("CI", "1")], CONTAINER, NOBODY, Unix, Some(Ci)),
            (&[("GITHUB_ACTIONS", "true")], NO_TRACE, NOBODY, Desktop, Some(Ci)),
            (&[("INVOCATION_ID", "0123")], NO_TRACE, NOBODY, Unix, Some(Service)),
            (&[("INVOCATION_ID", "0123"), X11], NO_TRACE, NOBODY, Unix, None),
            (&[], NO_TRACE, PERSON, Desktop, None),
            (&[SSH], NO_TRACE, PERSON, Desktop, Some(Ssh)),
            (&[("SESSIONNAME", "Services")], NO_TRACE, NOBODY, Desktop, Some(Service)),
        ];
        for (environment, traces, facts, platform, expected) in table.iter().copied() {
            let found = Surroundings::of(&Environment::of(environment.iter().copied()), traces, facts, platform);
            assert_eq!(found.unseen(), expected, "{environment:?} {traces:?} {platform:?}: {found:?}");
        }
    }

    #[test]
    fn a_desktop_program_is_no_service_of_the_system() {
        let environment = Environment::of([("INVOCATION_ID", "0123")]);
        for (facts, expected) in [(PERSON, false), (NOBODY, true)] {
            assert_eq!(Surroundings::of(&environment, NO_TRACE, facts, Platform::Unix).service, expected, "{facts:?}");
        }
        assert!(!Surroundings::of(&Environment::default(), NO_TRACE, NOBODY, Platform::Unix).service);
    }
}
