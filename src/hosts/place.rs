//! Where files are, on every system. The system is a value and not the one this was built for, so that each can be
//! looked at from any.

use std::path::{Path, PathBuf};

use crate::machine::{Environment, Machine};

/// Which system's habits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
    /// Linux and the other Unixes.
    Unix,
}

/// What decides where a host's files are.
#[derive(Clone, Debug)]
pub struct Here {
    /// The system.
    pub system: System,
    /// The environment variables.
    pub environment: Environment,
    /// The person's folder; `None` where nobody names one.
    pub home: Option<PathBuf>,
    /// The folder of the project, for files that belong to one.
    pub project: PathBuf,
}

impl System {
    /// The one this program was built for.
    pub const fn own() -> Self {
        if cfg!(windows) {
            Self::Windows
        } else if cfg!(target_os = "macos") {
            Self::MacOs
        } else {
            Self::Unix
        }
    }
}

impl Here {
    /// This machine, and the folder we are in as the project.
    pub fn of(machine: &Machine) -> Self {
        let system = System::own();
        let variable = if system == System::Windows { "USERPROFILE" } else { "HOME" };
        let platform = || machine.folders.as_ref().and_then(|folders| folders.home.clone());
        Self {
            system,
            home: machine.environment.path(variable).or_else(platform),
            environment: machine.environment.clone(),
            project: std::env::current_dir().unwrap_or_default(),
        }
    }

    /// The folder in which the desktop's programs keep their settings.
    fn settings(&self) -> Option<PathBuf> {
        match self.system {
            System::Windows => {
                self.environment.path("APPDATA").or_else(|| Some(self.home.as_ref()?.join("AppData/Roaming")))
            }
            System::MacOs => Some(self.home.as_ref()?.join("Library/Application Support")),
            System::Unix => self.config(),
        }
    }

    /// The same for programs that do on macOS as they do on Linux.
    fn config(&self) -> Option<PathBuf> {
        self.environment.path("XDG_CONFIG_HOME").or_else(|| Some(self.home.as_ref()?.join(".config")))
    }

    /// Where Windows keeps the folders of packaged programs.
    fn packages(&self) -> Option<PathBuf> {
        let local = self.environment.path("LOCALAPPDATA").or_else(|| Some(self.home.as_ref()?.join("AppData/Local")));
        Some(local?.join("Packages"))
    }

    /// Whether a program of this name is where programs are looked for.
    pub(super) fn has_program(&self, name: &str) -> bool {
        let names: &[String] = &match self.system {
            System::Windows => [".exe", ".cmd", ".bat"].map(|ending| format!("{name}{ending}")).to_vec(),
            _ => vec![name.to_owned()],
        };
        let path = self.environment.path("PATH").unwrap_or_default();
        std::env::split_paths(&path)
            .filter(|folder| folder.is_absolute())
            .any(|folder| names.iter().any(|name| folder.join(name).is_file()))
    }

    /// Whether macOS has an application of this name.
    pub(super) fn has_application(&self, name: &str) -> bool {
        let own = self.home.as_ref().map(|home| home.join("Applications"));
        self.system == System::MacOs
            && [Some(PathBuf::from("/Applications")), own]
                .into_iter()
                .flatten()
                .any(|folder| folder.join(format!("{name}.app")).is_dir())
    }
}

/// A file, and from where on its folders belong to the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Located {
    pub(super) base: PathBuf,
    pub(super) file: PathBuf,
}

/// Where a file may be. Of a host's places the first one counts that this system has.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// Below the folder that a variable names, where it is set.
    Variable(&'static str, &'static str),
    /// Below the person's folder.
    Home(&'static str),
    /// Below the folder in which the desktop's programs keep their settings.
    Settings(&'static str),
    /// The same, on Windows only.
    Windows(&'static str),
    /// Below the folder for settings of Linux, which some programs use on macOS too; not on Windows.
    Config(&'static str),
    /// In the folder of a packaged program of Windows, where there is one whose name begins so: what it writes below
    /// the person's settings ends up there, and what others write there it never sees.
    Package(&'static str, &'static str),
}

impl Place {
    pub(super) fn locate(self, here: &Here) -> Option<Located> {
        let is_windows = here.system == System::Windows;
        let (base, below) = match self {
            Self::Variable(name, below) => (here.environment.path(name)?, below),
            Self::Home(below) => (here.home.clone()?, below),
            Self::Settings(below) => (here.settings()?, below),
            Self::Windows(below) => (is_windows.then(|| here.settings())??, below),
            Self::Config(below) => ((!is_windows).then(|| here.config())??, below),
            Self::Package(prefix, below) => (is_windows.then(|| package(&here.packages()?, prefix))??, below),
        };
        Some(Located { file: joined(&base, below), base })
    }
}

/// The only folder whose name begins so, or the first by name.
fn package(packages: &Path, prefix: &str) -> Option<PathBuf> {
    let begins = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix));
    std::fs::read_dir(packages).ok()?.flatten().map(|entry| entry.path()).filter(begins).min()
}

/// Joined part by part, so that a path of Windows has the separators of Windows.
pub(super) fn joined(base: &Path, below: &str) -> PathBuf {
    below.split('/').fold(base.to_path_buf(), |path, part| path.join(part))
}
