"""`keyward install`, judged by the hosts themselves: their own command lines read what it wrote, and start it.

No network and a throw-away home: a host that wanted an account or a server of its maker would say so. Each host first
has a server of its own making, which must be there afterwards letter by letter.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent))
import ring
from ring import needs, same, scratch

programs = Path(os.environ["PEERS_HOSTS"])
keyward = os.environ["KEYWARD_BIN"]
OTHER = ["/bin/true", "serve"]
# How each host makes a server of its own, and where it puts it.
HOSTS = {
    "claude-code": (["claude", "mcp", "add", "-s", "user", "other", "-e", "A=b", "--", *OTHER], ".claude.json"),
    "gemini": (["gemini", "mcp", "add", "-s", "user", "-e", "A=b", "other", *OTHER], ".gemini/settings.json"),
    "codex": (["codex", "mcp", "add", "other", "--env", "A=b", "--", *OTHER], ".codex/config.toml"),
    "copilot": (["copilot", "mcp", "add", "other", "--env", "A=b", "--", *OTHER], ".copilot/mcp-config.json"),
}
CUT_OFF = ["unshare", "--map-root-user", "--net"]
if subprocess.run([*CUT_OFF, "true"], capture_output=True).returncode != 0:
    # Where nobody gets a network of their own, every request ends at a closed door.
    CUT_OFF = []


class Home:
    """A person's folder in which these hosts were used before."""

    def __init__(self, name):
        self.folder = scratch / name
        self.work = self.folder / "work"
        self.work.mkdir(parents=True)
        (self.folder / ".gemini").mkdir()
        # Gemini starts nothing in a folder that nobody trusts.
        trusted = {str(self.work): "TRUST_FOLDER"}
        (self.folder / ".gemini/trustedFolders.json").write_text(json.dumps(trusted))
        self.env = {
            "HOME": str(self.folder),
            "PATH": f"{programs / 'node_modules/.bin'}:/usr/bin:/bin",
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "HTTP_PROXY": "http://127.0.0.1:9",
            "NO_COLOR": "1",
        }

    def run(self, *command, code=0):
        """What the program says, on either stream."""
        return "".join(self.said(*command, code=code))

    def said(self, *command, code=0):
        done = subprocess.run(
            [*CUT_OFF, *command], cwd=self.work, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90
        )
        assert code is None or done.returncode == code, f"{command[:3]} ended with {done.returncode}: {(done.stdout + done.stderr)[-1500:]}"
        return done.stdout, done.stderr

    def install(self, host, *flags):
        return json.loads(self.said(keyward, "install", host, "--yes", "--json", *flags)[0])["hosts"][0]

    def text(self, name):
        path = self.folder / name
        return path.read_bytes() if path.exists() else None


full = Home("full")
before = {}


def hosts_have_a_server_of_their_own():
    """The hosts' own command lines make a server in an empty home."""
    for host, (command, name) in HOSTS.items():
        full.run(*command)
        before[host] = full.text(name)
        assert b"other" in before[host], f"{host}: {before[host]!r}"


@needs(hosts_have_a_server_of_their_own)
def nothing_of_others_changes():
    """keyward is put beside them, nothing else changes, and a second time changes nothing."""
    for host, (_, name) in HOSTS.items():
        done = full.install(host)
        same(done["result"], "written", host)
        same(Path(done["backup"]).read_bytes(), before[host], f"{host}: the copy")
        lines = [line.rstrip(b",") for line in full.text(name).splitlines()]
        rest = iter(lines)
        assert all(line.rstrip(b",") in rest for line in before[host].splitlines()), f"{host}: {full.text(name)!r}"
        same(full.install(host)["result"], "unchanged", f"{host} again")


@needs(nothing_of_others_changes)
def claude_connects():
    """Claude Code starts what it finds and reports it connected, in the list and by name."""
    listed = [line for line in full.run("claude", "mcp", "list").splitlines() if line.startswith("keyward:")]
    assert len(listed) == 1 and "Connected" in listed[0] and keyward in listed[0], f"{listed}"
    shown = full.run("claude", "mcp", "get", "keyward")
    assert "Connected" in shown and "Scope: User" in shown and f"Command: {keyward}" in shown and "Args: serve" in shown, shown
    assert "Environment" in full.run("claude", "mcp", "get", "other", code=None)


@needs(nothing_of_others_changes)
def gemini_connects():
    """Gemini CLI starts what it finds and reports it connected."""
    listed = [line for line in full.run("gemini", "mcp", "list").splitlines() if " keyward:" in line]
    assert len(listed) == 1 and "Connected" in listed[0] and f"{keyward} serve" in listed[0], f"{listed}"


@needs(nothing_of_others_changes)
def codex_reads_it():
    """Codex reads back what was written, and its own server."""
    def read(name):
        return json.loads(full.said("codex", "mcp", "get", name, "--json")[0])

    found = read("keyward")
    same(found["enabled"], True)
    same({name: found["transport"][name] for name in ("type", "command", "args", "env")},
         {"type": "stdio", "command": keyward, "args": ["serve"], "env": None})
    same(read("other")["transport"]["env"], {"A": "b"})


@needs(nothing_of_others_changes)
def copilot_reads_it():
    """Copilot CLI reads back what was written, and its own server."""
    found = json.loads(full.said("copilot", "mcp", "get", "keyward", "--json")[0])["keyward"]
    same({name: found[name] for name in ("type", "command", "args", "tools", "enabled")},
         {"type": "local", "command": keyward, "args": ["serve"], "tools": ["*"], "enabled": True})
    assert "other" in full.run("copilot", "mcp", "list")


@needs(claude_connects, gemini_connects, codex_reads_it, copilot_reads_it)
def it_goes_without_a_trace():
    """Once it is taken out, each host knows only its own server, whose file says what it said."""
    for host, (_, name) in HOSTS.items():
        same(full.install(host, "--uninstall")["result"], "removed", host)
        after = full.text(name)
        if host == "claude-code":
            # It keeps notes of its own in that file whenever it runs.
            same(json.loads(after)["mcpServers"], json.loads(before[host])["mcpServers"], host)
        else:
            same(after, before[host], host)
    assert not list(full.folder.rglob("*keyward-backup")), "a copy was left"
    for command in (["claude", "mcp", "list"], ["gemini", "mcp", "list"], ["codex", "mcp", "list"], ["copilot", "mcp", "list"]):
        listed = full.run(*command)
        assert "other" in listed and "keyward" not in listed.replace(str(scratch), ""), f"{command[0]}: {listed}"


def an_empty_home_is_empty_again():
    """Where no host was ever used, install makes the files and uninstall leaves none of them."""
    home = Home("empty")
    start = sorted(home.folder.rglob("*"))
    for host in HOSTS:
        same(home.install(host)["result"], "written", host)
    assert "Connected" in home.run("claude", "mcp", "get", "keyward")
    for host in HOSTS:
        same(home.install(host, "--uninstall")["result"], "removed", host)
    left = [path for path in home.folder.rglob("*") if path.is_file() and path not in start]
    # What Claude Code itself wrote while it ran is its own.
    ours = [".gemini/settings.json", ".codex", ".copilot"]
    same([name for name in ours if (home.folder / name).exists()], [])
    same([path for path in left if b'"keyward"' in path.read_bytes() and ".claude/" not in str(path)], [])


def a_project_has_it_for_itself():
    """In a project, each host finds it there and not in the person's own list."""
    home = Home("project")
    # What a person says to the question of Codex and of Copilot whether a folder is trusted.
    trust = {".codex/config.toml": f'[projects."{home.work}"]\ntrust_level = "trusted"\n',
             ".copilot/config.json": json.dumps({"trustedFolders": [str(home.work)]})}
    for name, text in trust.items():
        (home.folder / name).parent.mkdir()
        (home.folder / name).write_text(text)
    places = {"claude-code": ".mcp.json", "gemini": ".gemini/settings.json", "codex": ".codex/config.toml", "copilot": ".github/mcp.json"}
    for host, name in places.items():
        done = home.install(host, "--project")
        same(Path(done["file"]), home.work / name, host)
    for name in (".claude.json", ".gemini/settings.json", ".codex/config.toml", ".copilot/mcp-config.json"):
        assert b"keyward" not in (home.text(name) or b"").replace(bytes(scratch), b""), name
    # A project's server waits for the person's approval there.
    shown = home.run("claude", "mcp", "get", "keyward", code=None)
    assert "Project" in shown and keyward in shown, shown
    assert "Connected" in home.run("gemini", "mcp", "list")
    same(json.loads(home.said("codex", "mcp", "get", "keyward", "--json")[0])["transport"]["command"], keyward)
    # Without the project's own list Copilot would read Claude Code's.
    (home.work / ".mcp.json").rename(scratch / "mcp.json")
    found = json.loads(home.said("copilot", "mcp", "get", "keyward", "--json")[0])["keyward"]
    same((found["command"], found["sourcePath"]), (keyward, str(home.work / ".github/mcp.json")))
    (scratch / "mcp.json").rename(home.work / ".mcp.json")
    for host in places:
        home.install(host, "--project", "--uninstall")
    same([str(path.relative_to(home.work)) for path in home.work.rglob("*") if path.is_file()], [])


if __name__ == "__main__":
    cases = [hosts_have_a_server_of_their_own, nothing_of_others_changes, claude_connects, gemini_connects, codex_reads_it]
    cases += [copilot_reads_it, it_goes_without_a_trace, an_empty_home_is_empty_again, a_project_has_it_for_itself]
    sys.exit(ring.run(cases))
