"""How many instructions fixed tasks take, by valgrind's count, against `baseline.json`.

Run with MEASURED_BIN set; names of cases choose some. A task that takes over a fifth more than the baseline fails, with the figure and the place: the
innermost function of keyward in which most of the growth is. Counts repeat to about 1 %: time, other programs and the
processor's speed are not in them.

KEYWARD_UPDATE_GOLDEN=1 writes the baseline. The compiler decides, too: the baseline says which one it was made with, and
so does a failure if another one was used. Then the question is whether the growth is in one place or everywhere.
"""

import json
import os
import re
import socketserver
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent / "peers"))
import ring
from ring import scratch

# Seconds after which the time of a file is believed, and a little more.
SETTLED = 4
BASELINE = here / "baseline.json"
MOST = 1.20
# Functions with less than this part of a task are not written down.
PART = 0.005
binary = os.environ["MEASURED_BIN"]
counted = {}


class Service(BaseHTTPRequestHandler):
    """Answers every POST with the same six pages, over connections that stay open."""

    protocol_version = "HTTP/1.1"
    body = json.dumps(
        {
            "query": "q",
            "results": [
                {"title": f"Page {n}", "url": f"https://example.com/{n}", "content": "A login ends with a token. " * 33, "score": 0.9}
                for n in range(6)
            ],
            "response_time": 0.1,
        }
    ).encode()

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        # What comes at once is waited for awake, with as many looks as there is time for.
        time.sleep(0.002)
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(self.body)}\r\n\r\n"
        # One write: what arrives in two pieces is read in one or in two, which would be counted.
        self.wfile.write(head.encode() + self.body)

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


def line(number, method, **params):
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params})


def call(number, tool, **arguments):
    return line(number, "tools/call", name=tool, arguments=arguments)


HELLO = line(0, "initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo={"name": "count", "version": "1"})


def run(task, configuration, *arguments, lines=(), **environment):
    """Runs the binary under callgrind and returns the counts: all, by function alone, and by function with what it calls."""
    home, out, settings = scratch / task / "home", scratch / task / "out", scratch / task / "config.toml"
    home.mkdir(parents=True)
    settings.write_text(configuration)
    command = ["valgrind", "--tool=callgrind", "--dump-line=no", "--compress-strings=no", f"--callgrind-out-file={out}"]
    command += [binary, "--config", settings, *arguments]
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "DBUS_SESSION_BUS_ADDRESS": "disabled:", "LC_ALL": "C", **environment}
    log = open(scratch / task / "log", "wb")
    process = subprocess.Popen([str(word) for word in command], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
    ring.started.append(process)
    for text in lines:
        # One at a time, so that no two runs differ in what waits for what.
        process.stdin.write(text.encode() + b"\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        assert "result" in answer and not answer["result"].get("isError"), answer
    process.communicate(timeout=120)
    assert process.returncode == 0, (scratch / task / "log").read_text()[-2000:]
    return read(out)


def read(out):
    """The counts of callgrind's file."""
    alone, inclusive, name, called, total = {}, {}, None, False, 0
    for text in open(out, errors="replace"):
        if text.startswith("fn="):
            name = re.sub(r"'\d+$", "", text[3:].strip())
        elif text.startswith("calls="):
            called = True
        elif text.startswith("totals:"):
            total = int(text.split()[1])
        elif name and re.match(r"[0-9+*-]", text):
            cost = int(text.split()[-1])
            inclusive[name] = inclusive.get(name, 0) + cost
            if not called:
                alone[name] = alone.get(name, 0) + cost
            called = False
    return {"total": total, "alone": alone, "inclusive": inclusive}


def large(counts, total):
    return {name: count for name, count in sorted(counts.items(), key=lambda item: -item[1]) if count > total * PART}


def is_ours(name):
    return "keyward::" in name


def place(before, now):
    """Where most of the growth is: in keyward's innermost function that holds it, and in which function itself."""
    grown = now["total"] - before["total"]
    growth = {name: count - before["inclusive"].get(name, 0) for name, count in now["inclusive"].items() if is_ours(name)}
    holding = [name for name, more in growth.items() if 0.6 * grown <= more <= 1.5 * grown]
    inner = min(holding, key=lambda name: now["inclusive"][name], default="no single function")
    alone = {name: count - before["alone"].get(name, 0) for name, count in now["alone"].items()}
    most = max(alone, key=alone.get)
    return f"{growth.get(inner, 0):+,} in {inner}; alone {alone[most]:+,} in {most}"


def rustc():
    return subprocess.run(["rustc", "-V"], capture_output=True, text=True, check=True).stdout.strip()


def judge(task, now):
    """Compares one task with the baseline."""
    inclusive = {name: count for name, count in now["inclusive"].items() if is_ours(name)}
    counted[task] = {"total": now["total"], "alone": large(now["alone"], now["total"]), "inclusive": large(inclusive, now["total"])}
    if os.environ.get("KEYWARD_UPDATE_GOLDEN"):
        return
    baseline = json.loads(BASELINE.read_text())
    assert task in baseline["tasks"], f"no baseline: KEYWARD_UPDATE_GOLDEN=1 tests/run instructions"
    before = baseline["tasks"][task]
    ratio = now["total"] / before["total"]
    made = baseline["rustc"]
    other = "" if made == rustc() else f" (the baseline is of {made}, this is {rustc()}: if everything grew alike, renew it)"
    print(f"note {task}: {now['total']:,} instructions, {ratio:.3f} of the baseline{other}")
    assert ratio <= MOST, f"{now['total']:,} instructions, {(ratio - 1) * 100:.0f} % over {before['total']:,}: {place(before, now)}{other}"
    if ratio < 1 / MOST:
        print(f"note {task} has become much cheaper: KEYWARD_UPDATE_GOLDEN=1 tests/run instructions holds it there")


TAVILY = '[connections.tavily]\nurl = "http://127.0.0.1:{port}"\nway = "api-key"\n'
KEY = {"KEYWARD_TOKEN_TAVILY": "tvly-count"}
WHOLE = (
    "".join(f'[connections.{name}]\nclient_id = "x"\n\n' for name in ("cisco", "smart-bonding"))
    + "".join(
        f'[connections.{name}]\nbackend = "{backend}"\nurl = "https://{name}.example.com/"\n\n'
        for name, backend in (("portal", "ctera"), ("nb", "netbox"), ("far", "remote"))
    )
    + '[connections.tavily]\nway = "api-key"\n'
)


def start():
    """starting with every backend and shaking hands takes no more instructions than before"""
    judge("start", run("start", WHOLE, "serve", lines=[HELLO]))


def listing():
    """listing the tools of every backend takes no more instructions than before"""
    judge("list", run("list", WHOLE, "serve", lines=[HELLO, line(1, "tools/list")]))


def calls():
    """two hundred calls over HTTP take no more instructions than before"""
    with Server(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        asked = [call(number, "tavily_search", query="what is OAuth") for number in range(1, 201)]
        text = TAVILY.format(port=server.server_address[1])
        judge("calls", run("calls", text, "serve", lines=[HELLO, *asked], **KEY))
        server.shutdown()


def status():
    """`status` takes no more instructions than before"""
    judge("status", run("status", TAVILY.format(port=9), "status", **KEY))


def token():
    """`token` takes no more instructions than before"""
    judge("token", run("token", TAVILY.format(port=9), "token", "tavily", **KEY))


def documents():
    """searching two hundred documents takes no more instructions than before"""
    folder = scratch / "texts" / "processes"
    folder.mkdir(parents=True)
    for number in range(200):
        text = "".join(f"- [ ] step {step}: ask for the backup of rack {number * step % 17}\n" for step in range(20))
        (folder / f"{number}.md").write_text(f"---\nname: Process {number}\ndescription: Of rack {number % 17}\n---\n{text}")
    # What was written in the last seconds is read again at each call, and how often that happens would be a matter of speed.
    while time.time() - os.stat(folder / "199.md").st_ctime < SETTLED:
        time.sleep(0.1)
    settings = f'[connections.documents]\nfolders = ["{folder.parent}"]\n'
    asked = [
        call(1, "documents_search_processes", keyword="backup of rack 3"),
        call(2, "documents_search_documents", query="backup rack step"),
        call(3, "documents_search_documents", query='"rack 11"'),
    ]
    judge("documents", run("documents", settings, "serve", lines=[HELLO, *asked]))


cases = [start, listing, calls, status, token, documents]
code = ring.run([case for case in cases if case.__name__ in (sys.argv[1:] or [case.__name__])])
if os.environ.get("KEYWARD_UPDATE_GOLDEN") and code == 0:
    # Counts of two compilers do not belong into one baseline.
    before = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    kept = before.get("tasks", {}) if before.get("rustc") == rustc() else {}
    BASELINE.write_text(json.dumps({"rustc": rustc(), "tasks": {**kept, **counted}}, indent=1) + "\n")
    print("note baseline.json is written")
sys.exit(code)
