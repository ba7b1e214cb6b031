"""What the cases of this ring play on: an authorization server, protected MCP servers behind gates, and hosts, none of them
written here.
"""

import itertools
import json
import os
import re
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from concurrent.futures import Future
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent))
import ring
from gate import Gate
from ring import Keyward, eventually, free_port, http, needs, same, scratch

legacy, modern, node = (os.environ[name] for name in ("PEERS_LEGACY", "PEERS_MODERN", "PEERS_NODE_BIN"))
person = f"{sys.executable} {here.parent / 'person.py'}"
keyward = Keyward(BROWSER=person, PERSON_LOG=str(scratch / "person.jsonl"), PERSON_PRESS="allow", PERSON_NAME="ada")


class Server:
    """A server behind a gate, which keeps its address when the server is started again."""

    def __init__(self, name, *command, streams=True, resumes=False, sessions=True):
        self.name, self.command, self.gate = name, command, Gate()
        # Whether it can turn to the client, takes up a stream that broke off, and has sessions to forget.
        self.streams, self.resumes, self.sessions = streams, resumes, sessions
        self.url, self.process, self.issuer = self.gate.url, None, None
        self.record = scratch / f"{name}.jsonl"

    def start(self):
        port = free_port()
        options = ("--port", port, "--public", self.url, "--issuer", self.issuer, "--record", self.record)
        self.process = ring.background(f"server-{self.name}", *self.command, *options)
        self.gate.target = port

    def ready(self):
        eventually(self.answers, f"the first answer of {self.name}", 30)

    def answers(self):
        try:
            urllib.request.urlopen(urllib.request.Request(self.url, method="POST", data=b"{}"), timeout=2)
        except urllib.error.HTTPError as error:
            return error.code == 401
        except OSError:
            return False

    def restart(self):
        """Ends the server as a crash would, and starts it again with an empty memory."""
        self.process.kill()
        self.process.wait()
        self.start()
        self.ready()

    def noted(self, event, tag):
        lines = self.record.read_text().splitlines() if self.record.exists() else []
        return [seen for seen in map(json.loads, lines) if seen["event"] == event and (tag is None or seen.get("tag") == tag)]

    def once(self, tag):
        """The call with this tag ran, and ran once."""
        same(len(self.noted("called", tag)), 1, f"how often the call {tag!r} ran on {self.name}")

    def bridged(self):
        """How a host behind keyward sees this server."""
        return View(self, self.name)


class Provider:
    """One authorization server for all of them."""

    def __init__(self, servers):
        resources = [word for server in servers for word in ("--resource", server.url)]
        script = here.parent / "provider" / "provider.mjs"
        _, line = ring.start("provider", node, script, *resources, "--scope", "tools admin")
        self.issuer, self.control = line["issuer"], line["control"]

    def records(self, event, since=0):
        return [seen for seen in http("GET", f"{self.control}/records?from={since}") if seen["event"] == event]

    def lifetime(self, seconds):
        http("POST", f"{self.control}/access-seconds?n={seconds}")


class View:
    """The names and addresses under which a server's things are found: its own, or keyward's for a connection."""

    def __init__(self, server, connection=None):
        self.server, self.connection = server, connection

    def name(self, word):
        return f"{self.connection}_{word}" if self.connection else word

    def mine(self, name):
        """The server's own name of something, if it is this server's."""
        start = self.name("")
        return name[len(start):] if name.startswith(start) else None

    def address(self, listed, word, member="uri"):
        """The one address among those listed that stands for this word."""
        found = [one[member] for one in listed if word in one[member] and (not self.connection or self.connection in re.split(r"\W+", one[member]))]
        same(len(found), 1, f"addresses with {word!r} of {self.connection} in {[one[member] for one in listed]}")
        return found[0]


class Host:
    """A host that does what it is told, in a process of its own."""

    def __init__(self, name, command, peer=None, **env):
        self.name, self.count, self.waiting, self.lock = name, itertools.count(1), {}, threading.Lock()
        peer = peer or {"command": [keyward.program, "serve"]}
        self.log = scratch / f"host-{name.replace(' ', '-')}-{id(self)}.log"
        environment = {**keyward.env, "PEER": json.dumps(peer), **env}
        with open(self.log, "wb") as errors:
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": errors}
            self.process = subprocess.Popen(list(map(str, command)), env=environment, cwd=keyward.home, start_new_session=True, **pipes)
        ring.started.append(self.process)
        self.hello = self.line()
        if not self.hello:
            ring.show(self.log)
            raise AssertionError(f"{name} did not begin")
        self.revision, self.capabilities = self.hello["ready"], self.hello["capabilities"]
        threading.Thread(target=self.follow, daemon=True).start()

    def line(self):
        line = self.process.stdout.readline()
        return json.loads(line) if line else None

    def follow(self):
        while said := self.line():
            self.waiting.pop(said["id"]).set_result(said["result"])
        for future in list(self.waiting.values()):
            future.set_exception(AssertionError(f"{self.name} ended"))

    def begin(self, do, **request):
        """Gives an order; returns its number and what will come of it."""
        number, future = next(self.count), Future()
        self.waiting[number] = future
        with self.lock:
            self.process.stdin.write(json.dumps({"id": number, "do": do, **request}).encode() + b"\n")
            self.process.stdin.flush()
        return number, future

    def do(self, what, seconds=30, **request):
        return self.begin(what, **request)[1].result(seconds)

    def call(self, name, seconds=30, *, progress=False, level=None, **arguments):
        return self.do("call", seconds, name=name, arguments=arguments, progress=progress, level=level)

    @property
    def is_modern(self):
        return self.revision >= "2026-07-28"

    def end(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            ring.stop(self.process)
            raise AssertionError(f"{self.name} did not end with its input")


def words(result):
    """The text of a result that is no failure."""
    assert "error" not in result and not result.get("isError"), result
    return result["content"][0]["text"]


def failure(result):
    """The text of a failure, whichever kind it is."""
    if "error" in result:
        return result["message"]
    assert result.get("isError"), f"no failure: {str(result)[:300]}"
    return result["content"][0]["text"]
