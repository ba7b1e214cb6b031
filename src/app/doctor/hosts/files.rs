//! Where each host keeps its list of servers.

use std::path::PathBuf;

use crate::machine::Environment;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// JSON; comments and trailing commas are forgiven, because some hosts do.
    Json,
    /// TOML.
    Toml,
    /// YAML, as Goose writes it.
    Yaml,
}

/// One file of one host.
pub(super) struct HostFile {
    pub(super) host: &'static str,
    /// The table that holds the servers by name.
    pub(super) key: &'static str,
    pub(super) format: Format,
    place: Place,
}

enum Place {
    /// Below the user's folder.
    Home(&'static str),
    /// Below the folder in which the desktop's programs keep their settings.
    Settings(&'static str),
    /// Below the folder where we are.
    Project(&'static str),
}

impl HostFile {
    /// The whole path; `None` where the platform names no home.
    pub(super) fn path(&self, environment: &Environment) -> Option<PathBuf> {
        let home = || environment.path(if cfg!(windows) { "USERPROFILE" } else { "HOME" });
        match self.place {
            Place::Home(below) => Some(home()?.join(below)),
            Place::Project(below) => Some(PathBuf::from(below)),
            Place::Settings(below) => Some(if cfg!(windows) {
                environment.path("APPDATA")?.join(below)
            } else if cfg!(target_os = "macos") {
                home()?.join("Library/Application Support").join(below)
            } else {
                environment.path("XDG_CONFIG_HOME").or_else(|| Some(home()?.join(".config")))?.join(below)
            }),
        }
    }
}

const fn json(host: &'static str, key: &'static str, place: Place) -> HostFile {
    HostFile { host, key, format: Format::Json, place }
}

use Place::{Home, Project, Settings};

const SERVERS: &str = "mcpServers";

/// Every file that is looked into.
pub(super) const FILES: &[HostFile] = &[
    json("Claude Desktop", SERVERS, Settings("Claude/claude_desktop_config.json")),
    json("Claude Code", SERVERS, Home(".claude.json")),
    json("Claude Code", SERVERS, Project(".mcp.json")),
    json("VS Code", "servers", Settings("Code/User/mcp.json")),
    json("VS Code", "servers", Project(".vscode/mcp.json")),
    json("Copilot CLI", SERVERS, Home(".copilot/mcp-config.json")),
    json("Cursor", SERVERS, Home(".cursor/mcp.json")),
    json("Cursor", SERVERS, Project(".cursor/mcp.json")),
    json("Windsurf", SERVERS, Home(".codeium/windsurf/mcp_config.json")),
    json("Zed", "context_servers", Home(".config/zed/settings.json")),
    json("Zed", "context_servers", Project(".zed/settings.json")),
    json("Junie", SERVERS, Home(".junie/mcp/mcp.json")),
    json("Gemini CLI", SERVERS, Home(".gemini/settings.json")),
    json("Gemini CLI", SERVERS, Project(".gemini/settings.json")),
    HostFile { host: "Codex", key: "mcp_servers", format: Format::Toml, place: Home(".codex/config.toml") },
    HostFile { host: "Codex", key: "mcp_servers", format: Format::Toml, place: Project(".codex/config.toml") },
    #[cfg(not(windows))]
    HostFile { host: "Goose", key: "extensions", format: Format::Yaml, place: Home(".config/goose/config.yaml") },
    #[cfg(windows)]
    HostFile {
        host: "Goose",
        key: "extensions",
        format: Format::Yaml,
        place: Settings("Block/goose/config/config.yaml"),
    },
];
