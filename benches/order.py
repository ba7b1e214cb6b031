#!/usr/bin/env python3
"""Renews src/link/start.ld: which functions a start runs, and which a first call runs besides.

    benches/order.py        builds keyward as it is released, runs it under valgrind, writes the list

It is worth running when the memory after a start has grown (`cargo bench --bench process -- memory`), and before a release:
a name that is no more does no harm, and one that is missing costs up to 64 KB of memory.
"""

import json
import os
import re
import subprocess
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

project = Path(__file__).resolve().parent.parent
LIST = project / "src/link/start.ld"
HEAD = """/* The code that a start runs, and after it what a first call runs, in one place: the kernel maps files in blocks of 64 KB, and
   scattered over the program the same code would keep five times the memory. Written by benches/order.py; a name that is
   no more does no harm. */
SECTIONS {
 .text.start : {
  *crt1.o(.text)
"""
TAIL = """ }
} INSERT BEFORE .text;
"""
# A name whose pattern means so many bytes of other functions, too, is written as it is.
MOST = 2048


class Service(BaseHTTPRequestHandler):
    """Answers every POST with a page, over connections that stay open; below `/mcp` it is an MCP server of one tool."""

    protocol_version = "HTTP/1.1"
    page = {"title": "Page", "url": "https://example.com/", "content": "A login ends with a token. " * 33, "score": 0.9}
    body = {"query": "q", "results": [page] * 6, "response_time": 0.1}
    tool = {"name": "search", "description": "Searches.", "inputSchema": {"type": "object", "properties": {"query": {"type": "string"}}}}
    results = {
        "initialize": {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "order", "version": "1"}},
        "tools/list": {"tools": [tool]},
        "ping": {},
    }

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if not self.path.startswith("/mcp"):
            return self.answer(200, self.body)
        if "id" not in asked:
            return self.answer(202, None)
        result = self.results.get(asked["method"])
        outcome = {"error": {"code": -32601, "message": "unknown"}} if result is None else {"result": result}
        self.answer(200, {"jsonrpc": "2.0", "id": asked["id"], **outcome})

    def do_GET(self):
        self.answer(405, None)

    def answer(self, status, value):
        body = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def built():
    """The program as it is released, but with its names."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", project / "target")) / "order"
    settings = {"CARGO_TARGET_DIR": str(target), "CARGO_PROFILE_RELEASE_STRIP": "none"}
    command = ["cargo", "build", "--release", "--locked", "--bin", "keyward"]
    subprocess.run(command, cwd=project, env={**os.environ, **settings}, check=True)
    return target / "release/keyward"


def sizes(binary):
    """Bytes of every function."""
    lines = subprocess.run(["nm", "-S", "--defined-only", binary], capture_output=True, text=True, check=True).stdout
    words = (line.split() for line in lines.splitlines())
    return {word[3]: int(word[1], 16) for word in words if len(word) == 4 and word[2] in "tTwW"}


def run(binary, configuration, methods, remote=None):
    """The functions that run while these requests are answered, after a remote server's tools were learnt."""
    with tempfile.TemporaryDirectory() as folder:
        settings, out = Path(folder) / "config.toml", Path(folder) / "out"
        settings.write_text(configuration)
        command = ["valgrind", "-q", "--tool=callgrind", "--compress-strings=no", "--demangle=no", f"--callgrind-out-file={out}"]
        env = {"HOME": folder, "PATH": "/usr/bin:/bin", "DBUS_SESSION_BUS_ADDRESS": "disabled:", "KEYWARD_TOKEN_TAVILY": "tvly-order"}
        if remote:
            subprocess.run([binary, "--config", settings, "tools", "--only", remote, "--refresh", "-q"], env=env, check=True, stdout=subprocess.DEVNULL)
        command += [binary, "--config", settings, "serve"]
        process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for number, (method, params) in enumerate(methods):
            line = json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
            process.stdin.write(line.encode() + b"\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            assert "result" in answer and not answer["result"].get("isError"), answer
        process.communicate(timeout=60)
        names = (line.split("=", 1)[1].strip() for line in out.read_text(errors="replace").splitlines() if re.match("c?fn=", line))
        return {re.sub(r"'\d+$", "", name) for name in names}


def pattern(name):
    """The name without what differs between builds: the numbers of crates, what points back to them, and of twins."""
    name = re.sub(r"B[0-9a-zA-Z]{1,3}_", "B*_", re.sub(r"Cs[0-9a-zA-Z]{6,13}_", "Cs*_", name))
    return re.sub(r"17h[0-9a-f]{16}E", "17h*E", re.sub(r"\.\d+$", ".*", name))


def main():
    binary = built()
    size = sizes(binary)
    meant = {}
    for name in size:
        meant.setdefault(pattern(name), []).append(name)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hello = ("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "order", "version": "1"}})
    whole = "".join(f'[connections.{name}]\nclient_id = "x"\n' for name in ("cisco", "smart-bonding"))
    for name, backend in (("portal", "ctera"), ("nb", "netbox")):
        whole += f'[connections.{name}]\nbackend = "{backend}"\nurl = "https://{name}.example.com/"\n'
    here = f"http://127.0.0.1:{server.server_address[1]}"
    whole += f'[connections.far]\nbackend = "remote"\nurl = "{here}/mcp"\nway = "none"\n'
    with tempfile.TemporaryDirectory() as folder:
        whole += f'[connections.documents]\nfolders = ["{folder}"]\n'
        tavily = f'[connections.tavily]\nurl = "{here}"\nway = "api-key"\n'
        start = run(binary, whole + tavily, [hello, ("tools/list", {})], "far")
    call = ("tools/call", {"name": "tavily_search", "arguments": {"query": "what is OAuth"}})
    call = run(binary, tavily, [hello, call, call])
    text, seen, bytes_of = HEAD, set(), 0  # What is rarely run has another name in front of its own.
    for what, names in (("a start", start), ("a call", call - start)):
        lines = set()
        for name in names & size.keys():
            others = sum(size[twin] for twin in meant[pattern(name)] if twin not in start | call)
            lines.add(name if others > MOST else pattern(name))
            bytes_of += size[name]
        text += f"  /* {what} */\n" + "".join(f"  *(.text.{line} .text.unlikely.{line})\n" for line in sorted(lines - seen))
        seen |= lines
    LIST.write_text(text + TAIL)
    print(f"{len(seen)} names, {bytes_of:,} bytes of code")


main()
