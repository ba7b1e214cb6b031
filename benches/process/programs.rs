//! The programs that are measured: how each is built or found, and how it is started.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::figures::{FLOOR, OURS};
use crate::host::Program;
use crate::service::Service;
use crate::{Outcome, project, wrong};

/// Programs that others wrote.
#[derive(Clone, Debug)]
pub struct Peer {
    pub name: &'static str,
    pub version: String,
    kind: Kind,
    /// What `peers.sh` installed, as words of a command.
    command: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A server for Tavily with the address written into it.
    Tavily,
    /// A bridge to a remote MCP server.
    Bridge,
    /// A script of ours, with a library of theirs.
    Script,
}

const PEERS: &[(&str, Kind)] = &[
    ("tavily-mcp", Kind::Tavily),
    ("mcp-remote", Kind::Bridge),
    ("fastmcp", Kind::Script),
    ("hyper-mcp-remote", Kind::Bridge),
];

/// Ours as a bridge, beside which other bridges are measured.
pub const BRIDGE: &str = "keyward (bridge)";

/// All of them.
pub struct Programs {
    pub keyward: PathBuf,
    floor: PathBuf,
    pub peers: Vec<Peer>,
    /// Which are not here, and why.
    pub absent: Vec<String>,
    folder: PathBuf,
    /// The host and port of the service.
    service: String,
}

impl Programs {
    pub fn prepare(folder: &Path, service: &Service) -> Outcome<Self> {
        let (keyward, floor) = (keyward()?, floor(folder)?);
        let (peers, absent) = peers()?;
        Ok(Self { keyward, floor, peers, absent, folder: folder.to_owned(), service: service.host() })
    }

    pub fn floor(&self, delay: u64, size: usize) -> Program {
        let path = format!("{}/search", Service::path(delay, size));
        Program::new(FLOOR, [self.floor.as_os_str(), self.service.as_ref(), path.as_ref()])
    }

    /// The floor with a list of tools that somebody else made.
    pub fn floor_with(&self, name: &'static str, list: &str) -> Outcome<Program> {
        let file = self.folder.join("list.json");
        fs::write(&file, list)?;
        Ok(Program { name, ..self.floor(0, 100).and(&file) })
    }

    /// `keyward serve` with this configuration.
    pub fn serve(&self, name: &'static str, configuration: &str) -> Outcome<Program> {
        let file = tempfile::Builder::new().suffix(".toml").tempfile_in(&self.folder)?;
        let (_, path) = file.keep()?;
        fs::write(&path, configuration)?;
        let keyward = self.keyward.as_os_str();
        Ok(Program::new(name, [keyward, "--config".as_ref(), path.as_os_str(), "serve".as_ref()]))
    }

    /// With one connection to the service, whose key comes from the environment.
    pub fn keyward(&self, delay: u64, size: usize) -> Outcome<Program> {
        let url = format!("http://{}{}", self.service, Service::path(delay, size));
        let program = self.serve(OURS, &format!("[connections.tavily]\nurl = \"{url}\"\nway = \"api-key\"\n"))?;
        Ok(program.with("KEYWARD_TOKEN_TAVILY", "tvly-benchmark").calling("tavily_search"))
    }

    /// As a bridge to a remote MCP server.
    pub fn bridge(&self, delay: u64, size: usize) -> Outcome<Program> {
        let program = self.serve(BRIDGE, &self.far(delay, size))?.calling("far_search");
        self.learn(&program)?;
        Ok(program)
    }

    /// A connection to a remote MCP server.
    fn far(&self, delay: u64, size: usize) -> String {
        let url = format!("http://{}{}/mcp", self.service, Service::path(delay, size));
        format!("[connections.far]\nbackend = \"remote\"\nurl = \"{url}\"\nway = \"none\"\n")
    }

    /// What the remote server offers is learnt once, as after a login.
    fn learn(&self, program: &Program) -> Outcome<()> {
        let home = self.folder.join("home");
        fs::create_dir_all(&home)?;
        let mut learn = program.clone();
        learn.command.pop();
        learn.command.extend(["tools", "--only", "far", "--refresh", "-q"].map(Into::into));
        let learnt = learn.command(&home)?.stdout(Stdio::null()).status()?.success();
        learnt.then_some(()).ok_or_else(|| wrong("the remote server's tools were not learnt"))
    }

    /// With every backend configured, each with the toolsets that are on by themselves.
    pub fn whole(&self) -> Outcome<Program> {
        self.whole_with("")
    }

    /// The same with this in the section of Tavily's connection.
    pub fn whole_with(&self, tavily: &str) -> Outcome<Program> {
        let documents = self.folder.join("documents");
        fs::create_dir_all(&documents)?;
        let mut text =
            String::from("[connections.cisco]\nclient_id = \"x\"\n\n[connections.smart-bonding]\nclient_id = \"x\"\n");
        write!(text, "\n[connections.documents]\nfolders = [{:?}]\n", documents.display().to_string())?;
        write!(text, "\n[connections.tavily]\nway = \"api-key\"\n{tavily}\n")?;
        for (name, backend) in [("portal", "ctera"), ("netbox", "netbox")] {
            write!(text, "\n[connections.{name}]\nbackend = \"{backend}\"\nurl = \"https://{name}.example.com/\"\n")?;
        }
        write!(text, "\n{}", self.far(0, 100))?;
        let program = self.serve(OURS, &text)?.with("KEYWARD_TOKEN_TAVILY", "tvly-benchmark");
        self.learn(&program)?;
        Ok(program)
    }

    /// The peers that are here, calling the service.
    pub fn peers(&self, delay: u64, size: usize) -> Outcome<Vec<Program>> {
        let url = format!("http://{}{}", self.service, Service::path(delay, size));
        self.peers.iter().map(|peer| self.peer(peer, &url)).collect()
    }

    fn peer(&self, peer: &Peer, url: &str) -> Outcome<Program> {
        let mut words = peer.command.clone();
        match peer.kind {
            Kind::Bridge if peer.name == "mcp-remote" => {
                words.extend([format!("{url}/mcp"), "--allow-http".into(), "--transport".into(), "http-only".into()]);
            }
            Kind::Bridge => words.push(format!("{url}/mcp")),
            Kind::Script => words.extend([project().join("benches/peer.py").display().to_string(), url.to_owned()]),
            Kind::Tavily => {
                // Its address cannot be configured: a copy beside it has ours in its place.
                let script = words.pop().ok_or_else(|| wrong("tavily-mcp without a script"))?;
                let text = fs::read_to_string(&script)?.replace("https://api.tavily.com", url);
                let name = format!("here-{}.js", url.replace(|mark: char| !mark.is_ascii_alphanumeric(), "-"));
                let copy = Path::new(&script).with_file_name(name);
                fs::write(&copy, text)?;
                words.push(copy.display().to_string());
            }
        }
        let program = Program::new(peer.name, words).with("TAVILY_API_KEY", "tvly-benchmark");
        Ok(if peer.kind == Kind::Tavily { program.calling("tavily_search") } else { program })
    }
}

/// The release binary. Not the one that comes with a benchmark: that is built with what tests need besides.
fn keyward() -> Outcome<PathBuf> {
    if let Some(path) = std::env::var_os("KEYWARD_BIN") {
        return Ok(path.into());
    }
    let done = Command::new("cargo")
        .args(["build", "--release", "--bin", "keyward", "--message-format=json-render-diagnostics"])
        .current_dir(project())
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8(done.stdout)?;
    let path = text.lines().rev().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        message.get("executable")?.as_str().map(PathBuf::from)
    });
    path.filter(|_| done.status.success()).ok_or_else(|| wrong("the release binary was not built"))
}

fn floor(folder: &Path) -> Outcome<PathBuf> {
    let path = folder.join("floor");
    let options = ["--edition=2024", "-Copt-level=3", "-Cpanic=abort", "-Cstrip=symbols", "-o"];
    let built = Command::new("rustc").args(options).arg(&path).arg(project().join("benches/floor.rs")).status()?;
    built.success().then_some(path).ok_or_else(|| wrong("the floor was not built"))
}

/// Asks `peers.sh`, which writes a line for each: its name, its version and a command, or a reason.
fn peers() -> Outcome<(Vec<Peer>, Vec<String>)> {
    let done = Command::new(project().join("benches/peers.sh")).stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8(done.stdout)?;
    let (mut peers, mut absent) = (Vec::new(), Vec::new());
    for (name, kind) in PEERS {
        let line = text.lines().map(|line| line.split('\t')).find_map(|mut words| {
            (words.next() == Some(name)).then(|| words.map(str::to_owned).collect::<Vec<String>>())
        });
        match line.as_deref() {
            Some([state, version, command @ ..]) if state == "here" => {
                peers.push(Peer { name, version: version.clone(), kind: *kind, command: command.to_vec() });
            }
            Some([_, why, ..]) => absent.push(format!("{name}: {why}")),
            _ => absent.push(format!("{name}: `benches/peers.sh` said nothing of it")),
        }
    }
    Ok((peers, absent))
}
