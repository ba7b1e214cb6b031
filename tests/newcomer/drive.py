"""A new user on a bare Debian: only what the README names is there, and at the end everything is as it was before.

The root is a `minbase` of Debian with curl and the certificate authorities, made once and kept in the cache. The user is
nobody special. The release is served over https on loopback, as GitHub would serve it. Needs root, for the chroot.
"""

import http.server
import json
import os
import ssl
import subprocess
import sys
import threading
from pathlib import Path

top = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(top / "tests/peers"), str(top / "packaging")]
import ring
from facts import TARGETS, VERSION
from ring import Skip, needs, same, scratch

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "keyward-tests"
PACKAGES = "curl,ca-certificates"
RELEASE = os.environ.get("NEWCOMER_DEBIAN", "bookworm")
NATIVE = TARGETS[f"{os.uname().machine}-unknown-linux-gnu"]
SUDO = [] if os.getuid() == 0 else ["sudo", "-n"]
root = scratch / "root"
dist = scratch / "dist"
HOME = "/home/ada"
before = {}


def do(*words, input=None, seconds=600, **env):
    done = subprocess.run([str(word) for word in words], env={**os.environ, **env}, cwd=scratch, input=input, capture_output=True, text=True, timeout=seconds)
    assert done.returncode == 0, f"`{words[0]}` ended with {done.returncode}: {done.stdout[-1500:]}{done.stderr[-1500:]}"
    return done.stdout


def inside(script, *, user=True, code=0, seconds=120, **env):
    """Runs a shell script in the root, as the user or as root; returns what it printed, messages included."""
    who = ["--userspec=1000:1000"] if user else []
    env = {"HOME": HOME if user else "/root", "PATH": f"{HOME}/.local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", **env}
    words = [*SUDO, "unshare", "--mount", "--pid", "--fork", "--kill-child", f"--mount-proc={root}/proc", "chroot", *who, root]
    words += ["env", "-i", *(f"{name}={value}" for name, value in env.items()), "sh", "-c", f"cd \"$HOME\" && exec 2>&1\n{script}"]
    done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds)
    assert done.returncode == code, f"ended with {done.returncode}: {script}\n{done.stdout[-2500:]}{done.stderr[-500:]}"
    return done.stdout


def files():
    """Everything in the root with kind, rights, owner and size; of Debian's records of packages only that they are there."""
    script = "find / -xdev \\( -path /proc -o -path /var/lib/dpkg -o -path /var/log -o -path /var/cache \\) -prune -o -printf '%y %m %U:%G %s %p %l\\n'"
    lines = inside(script, user=False).splitlines()
    # A folder's size says nothing.
    return {line if line[0] != "d" else " ".join(word for at, word in enumerate(line.split(" ")) if at != 3) for line in lines}


def same_files(which):
    now = files()
    same((sorted(now - before[which])[:20], sorted(before[which] - now)[:20]), ([], []), "files that came and went")


def a_bare_debian():
    """a bare Debian is made, and a user on it"""
    for program in ("mmdebstrap", "unshare", "chroot"):
        if subprocess.run([*SUDO, "sh", "-c", f"command -v {program}"], capture_output=True).returncode != 0:
            raise Skip(f"there is no {program}, or no way to be root")
    kept = CACHE / f"debian-{RELEASE}-{os.uname().machine}.tar"
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part.tar")
        do(*SUDO, "mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", "--dpkgopt=force-unsafe-io",
           "--dpkgopt=path-exclude=/usr/share/doc/*", RELEASE, part)  # fmt: skip
        part.replace(kept)
    root.mkdir()
    do(*SUDO, "tar", "-xf", kept, "-C", root)
    inside("useradd --create-home --uid 1000 ada", user=False)
    inside("test -z \"$(command -v cargo rustc python3 gnome-keyring-daemon dbus-daemon)\"")


@needs(a_bare_debian)
def a_release():
    """a release is made by the packaging scripts and served"""
    stripped = scratch / "keyward"
    do("strip", "-o", stripped, os.environ["KEYWARD_BIN"])
    address, authority = serve()
    make = [sys.executable, top / "packaging/make.py"]
    where = ["--out", dist, "--repository", f"{address}/example/keyward", "--maintainer", "keyward <keyward@users.noreply.github.com>"]
    for what in ("archive", "deb"):
        do(*make, what, NATIVE.triple, stripped, *where)
    do(*make, "sums", *where)
    script = "import sys; sys.path.insert(0, sys.argv[1]); import definitions; print(definitions.installer(sys.argv[2]), end='')"
    (dist / "install.sh").write_text(do(sys.executable, "-c", script, top / "packaging", f"{address}/example/keyward"))
    do(*SUDO, "cp", authority, root / "tmp/authority.pem")
    do(*SUDO, "cp", dist / f"keyward_{VERSION}_{debian_cpu()}.deb", root / "tmp/keyward.deb")
    before["bare"] = files()
    inside(f"curl -fsSL {address}/example/keyward/releases/latest/download/install.sh | sh", CURL_CA_BUNDLE="/tmp/authority.pem")
    same(inside("keyward --version"), f"keyward {VERSION}\n")


@needs(a_release)
def demo():
    """keyward demo runs to its end where there is no keychain and no browser"""
    text = inside("keyward demo")
    assert "memory" in text or "keychain" in text, text[-800:]


def asked(command):
    """What `keyward_status` answers a host that starts this command."""
    lines = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "host", "version": "1"}}},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "keyward_status", "arguments": {}}},
    ]  # fmt: skip
    typed = "\n".join(map(json.dumps, lines)).replace("'", "'\\''")
    answers = [json.loads(line) for line in inside(f"printf '%s\\n' '{typed}' | {command}").splitlines() if line.startswith("{")]
    return next(answer["result"] for answer in answers if answer.get("id") == 2)


@needs(a_release)
def first_tool_call():
    """a first tool call answers, from the terminal and as a host asks, without a login"""
    inside("mkdir -p notes/checklists && printf '%s\\n' '---' 'title: Release' 'tags: [release]' '---' '- [ ] sign' >notes/checklists/release.md")
    inside(f"keyward config set connections.documents.folders {HOME}/notes")
    tools = inside("keyward tools --json")
    names = [tool["name"] for tool in json.loads(tools)["tools"]]
    assert "keyward_status" in names and any(name.startswith("documents_") for name in names), names
    said = inside("keyward call documents_get_checklist name=release")
    assert "- [ ] sign" in said, said
    result = asked("keyward serve")
    assert not result.get("isError"), result


@needs(first_tool_call)
def into_a_host():
    """keyward is installed into a host, which then starts it and calls a tool; taken out again, the host's file is as it was"""
    inside("""mkdir -p .cursor && printf '{\n  // mine\n  "mcpServers": {}\n}\n' >.cursor/mcp.json && cp .cursor/mcp.json before.json""")
    inside("keyward install cursor --yes")
    # The one comment of that file; hosts that take comments drop them as this does.
    lines = inside("cat .cursor/mcp.json").splitlines()
    entry = json.loads("\n".join(line for line in lines if "// mine" not in line))["mcpServers"]["keyward"]
    assert any("// mine" in line for line in lines), lines
    assert not entry.get("env"), entry
    result = asked(" ".join([entry["command"], *entry["args"]]))
    assert not result.get("isError"), result
    inside("keyward install cursor --uninstall --yes")
    inside("cmp .cursor/mcp.json before.json && rm -rf .cursor before.json")


@needs(a_release)
def a_login_without_a_keychain():
    """where there is no keychain, a login says so and names the encrypted file, which works"""
    said = inside(
        """
        printf '#!/bin/sh\\ncurl -sL -o /dev/null "$1"\\n' >browser && chmod +x browser
        keyward sandbox --auto-consent ada >sandbox.json & sandbox=$!
        until [ -s sandbox.json ]; do sleep 0.1; done
        url=$(cat sandbox.json); url=${url%/}/remote/mcp
        keyward login "$url" --name box --timeout 20 --browser "$HOME/browser"; echo "without: $?"
        keyward login "$url" --name box --timeout 20 --browser "$HOME/browser" --store file; echo "with: $?"
        keyward status; kill $sandbox
        """,
        KEYWARD_STORE_PASSPHRASE="correct horse battery staple",
    )
    assert "without: 6" in said and "--store file" in said and "with: 0" in said, said


@needs(a_release)
def nothing_stays():
    """--uninstall refuses while somebody is signed in; --purge leaves the machine as it was"""
    address, _ = serve()
    script = f"curl -fsSL {address}/example/keyward/releases/latest/download/install.sh | sh -s -- --uninstall"
    env = {"CURL_CA_BUNDLE": "/tmp/authority.pem", "KEYWARD_STORE_PASSPHRASE": "correct horse battery staple"}
    said = inside(script, code=1, **env)
    assert "signed in, and would stay so" in said, said
    inside("keyward logout --all --local-only; rm -rf notes browser sandbox.json", **env)
    inside(f"{script} --purge", **env)
    # Folders that every program of a person puts its own into; that they are there is nobody's trace.
    inside("rmdir .config .local/state .local/share .local/bin .local 2>/dev/null || :")
    same_files("bare")


@needs(a_release)
def debian_package():
    """the Debian package installs with what a bare Debian has, works, and goes without a trace"""
    inside("dpkg --install /tmp/keyward.deb", user=False)
    same(inside("/usr/bin/keyward --version"), f"keyward {VERSION}\n")
    inside("dpkg --purge keyward", user=False)
    same_files("bare")


def debian_cpu():
    return {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]


class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = dist / self.path.rsplit("/", 1)[-1]
        known = self.path.startswith("/example/keyward/releases/latest/download/") and path.is_file()
        data = path.read_bytes() if known else b""
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


class once:
    address = None


def serve():
    """The server's address, and the file with the authority that vouches for it."""
    cert, key = scratch / "server.pem", scratch / "server.key"
    if not once.address:
        new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        do(*new, "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        once.address = f"https://127.0.0.1:{server.server_address[1]}"
    return once.address, cert


if __name__ == "__main__":
    status = ring.run([
        a_bare_debian, a_release, demo, first_tool_call, into_a_host, a_login_without_a_keychain, nothing_stays, debian_package,
    ])  # fmt: skip
    if SUDO:
        subprocess.run([*SUDO, "rm", "-rf", root])
    sys.exit(status)
