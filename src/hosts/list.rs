//! The hosts: one value each.

use super::place::Place::{Config, Home, Package, Settings, Variable, Windows};
use super::{Fixed, Format, Host, Shape};

const SERVERS: &str = "mcpServers";

/// What most hosts take.
const PLAIN: Shape = Shape { command: "command", env: "env", before: &[], after: &[] };
/// The same, with the kind of server beside it.
const STDIO: Shape = Shape { before: &[("type", Fixed::Text("stdio"))], ..PLAIN };
const COPILOT: Shape =
    Shape { before: &[("type", Fixed::Text("local"))], after: &[("tools", Fixed::Texts(&["*"]))], ..PLAIN };
const ZED: Shape = Shape { before: &[("source", Fixed::Text("custom"))], ..PLAIN };
const GOOSE: Shape = Shape {
    command: "cmd",
    env: "envs",
    before: &[("name", Fixed::Text(super::NAME)), ("type", Fixed::Text("stdio")), ("enabled", Fixed::Yes)],
    after: &[("timeout", Fixed::Number(300))],
};

const JSON: Host = Host {
    name: "",
    title: "",
    format: Format::Json,
    key: SERVERS,
    shape: PLAIN,
    user: &[],
    project: None,
    signs: &[],
    programs: &[],
    application: "",
    dialog: "",
    restart: "",
};

/// Every host that is known here.
pub static ALL: &[Host] = &[
    Host {
        name: "claude-desktop",
        title: "Claude Desktop",
        user: &[
            Package("Claude_", "LocalCache/Roaming/Claude/claude_desktop_config.json"),
            Settings("Claude/claude_desktop_config.json"),
        ],
        application: "Claude",
        restart: "quit Claude Desktop, not only its window, and start it again",
        ..JSON
    },
    Host {
        name: "claude-code",
        title: "Claude Code",
        shape: STDIO,
        user: &[Variable("CLAUDE_CONFIG_DIR", ".claude.json"), Home(".claude.json")],
        project: Some(".mcp.json"),
        signs: &[Home(".claude")],
        programs: &["claude"],
        restart: "the next session has it; `claude mcp get keyward` says whether it connects",
        ..JSON
    },
    Host {
        name: "vscode",
        title: "VS Code",
        key: "servers",
        shape: STDIO,
        user: &[Settings("Code/User/mcp.json")],
        project: Some(".vscode/mcp.json"),
        programs: &["code"],
        application: "Visual Studio Code",
        restart: "run `MCP: List Servers` in the command palette, choose keyward, then `Start Server`",
        ..JSON
    },
    Host {
        name: "copilot",
        title: "Copilot CLI",
        shape: COPILOT,
        user: &[Variable("COPILOT_HOME", "mcp-config.json"), Home(".copilot/mcp-config.json")],
        project: Some(".github/mcp.json"),
        programs: &["copilot"],
        restart: "the next session has it; `/mcp` shows it",
        ..JSON
    },
    Host {
        name: "cursor",
        title: "Cursor",
        shape: STDIO,
        user: &[Home(".cursor/mcp.json")],
        project: Some(".cursor/mcp.json"),
        programs: &["cursor"],
        application: "Cursor",
        restart: "Cursor asks whether to enable it; otherwise switch it on in Settings › MCP",
        ..JSON
    },
    Host {
        name: "windsurf",
        title: "Windsurf",
        user: &[Home(".codeium/windsurf/mcp_config.json")],
        programs: &["windsurf"],
        application: "Windsurf",
        restart: "press the refresh button of the MCP servers in Cascade",
        ..JSON
    },
    Host {
        name: "zed",
        title: "Zed",
        key: "context_servers",
        shape: ZED,
        user: &[Windows("Zed/settings.json"), Config("zed/settings.json")],
        project: Some(".zed/settings.json"),
        programs: &["zed", "zeditor"],
        application: "Zed",
        restart: "Zed starts it by itself; the settings of the agent panel show a green dot",
        ..JSON
    },
    Host {
        name: "junie",
        title: "Junie",
        user: &[Home(".junie/mcp/mcp.json")],
        project: Some(".junie/mcp/mcp.json"),
        programs: &["junie"],
        restart: "Junie starts it by itself; Settings › Tools › Junie › MCP shows it",
        ..JSON
    },
    Host {
        name: "ai-assistant",
        title: "AI Assistant",
        dialog: "Settings › Tools › AI Assistant › Model Context Protocol › Add › As JSON",
        restart: "press Apply in that dialog",
        ..JSON
    },
    Host {
        name: "gemini",
        title: "Gemini CLI",
        user: &[Variable("GEMINI_CLI_HOME", ".gemini/settings.json"), Home(".gemini/settings.json")],
        project: Some(".gemini/settings.json"),
        programs: &["gemini"],
        restart: "the next session has it in a folder that you trust; `gemini mcp list` says whether it connects",
        ..JSON
    },
    Host {
        name: "codex",
        title: "Codex",
        format: Format::Toml,
        key: "mcp_servers",
        user: &[Variable("CODEX_HOME", "config.toml"), Home(".codex/config.toml")],
        project: Some(".codex/config.toml"),
        programs: &["codex"],
        restart: "the next session has it; `/mcp` shows it",
        ..JSON
    },
    Host {
        name: "goose",
        title: "Goose",
        format: Format::Yaml,
        key: "extensions",
        shape: GOOSE,
        user: &[Windows("Block/goose/config/config.yaml"), Config("goose/config.yaml")],
        programs: &["goose"],
        application: "Goose",
        restart: "the next session has it",
        ..JSON
    },
];
