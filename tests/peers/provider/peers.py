"""An authorization server and a protected MCP server that nobody here wrote, and the binary that uses them.

What the rings of this folder share. What happened is read from the provider's own record, not from what the binary says
about itself.
"""

import json
import os
import select
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent))
import ring
from ring import Keyward, eventually, free_port, http, same, scratch

python = os.environ["PEERS_MODERN"]
person = f"{sys.executable} {here.parent / 'person.py'}"


class Peers:
    """One provider with one protected server behind it."""

    def __init__(self, name, interpreter=python):
        self.name, port = name, free_port()
        self.url = f"http://127.0.0.1:{port}/mcp"
        self.calls_file = scratch / f"{name}-calls.jsonl"
        _, line = ring.start(f"{name}-provider", os.environ["PEERS_NODE_BIN"], here / "provider.mjs", "--resource", self.url)
        self.issuer, self.control = line["issuer"], line["control"]
        ring.background(f"{name}-server", interpreter, here / "server.py", "--port", port, "--issuer", self.issuer, "--record", self.calls_file)
        eventually(self.answers, f"the {name} server's first answer")

    def answers(self):
        try:
            urllib.request.urlopen(urllib.request.Request(self.url, method="POST", data=b"{}"), timeout=2)
        except urllib.error.HTTPError as error:
            return error.code == 401
        except OSError:
            return False

    def records(self, *events, since=0):
        return [r for r in http("GET", f"{self.control}/records?from={since}") if not events or r["event"] in events]

    def calls(self, *events):
        lines = self.calls_file.read_text().splitlines() if self.calls_file.exists() else []
        return [r for r in map(json.loads, lines) if not events or r["event"] in events]

    def set(self, what, **query):
        http("POST", f"{self.control}/{what}?" + "&".join(f"{k}={v}" for k, v in query.items()))

    def held(self, count=1):
        """Waits until so many renewals wait at the provider."""
        eventually(lambda: http("GET", f"{self.control}/held") >= count, f"{count} renewals at the provider")

    def lifetime(self, seconds):
        self.set("access-seconds", n=seconds)


class Logins:
    """Logs connections in at one provider, and knows which grant of the provider is whose."""

    def __init__(self, peers, who):
        self.peers, self.who, self.grants, self.lock = peers, who, {}, threading.Lock()

    def __call__(self, name):
        log = scratch / f"person-{name}.jsonl"
        # One at a time, so that the exchange that the provider has recorded is this one.
        with self.lock:
            before = len(self.peers.records())
            env = {"PERSON_LOG": str(log), "PERSON_PRESS": "allow", "PERSON_NAME": "ada"}
            done = self.who("login", self.peers.url, "--name", name, env=env).must()
            exchanged = self.peers.records("exchanged", since=before)
            same(len(exchanged), 1, "exchanges of one login")
            self.grants.setdefault(name, []).append(exchanged[0]["grant"])
        return done

    def refreshes(self, name, since=0):
        """The renewals of this connection that the provider carried out."""
        return [r for r in self.peers.records("refreshed", since=since) if r["grant"] in self.grants[name]]

    def chain(self, name, since=0):
        """The same; each must have spent what the one before it had issued, and each token once."""
        seen = self.refreshes(name, since)
        spent = [r["spent"] for r in seen]
        same(len(set(spent)), len(spent), "tokens that were spent")
        for before, after in zip(seen, seen[1:]):
            if before["grant"] == after["grant"]:
                same(after["spent"], before["issued"], "what was spent")
        return seen


def order(word):
    """Tells the private keychain of this ring something."""
    folder = Path(os.environ["WITH_KEYRING_DIR"])
    with open(folder / "orders", "w") as orders:
        orders.write(f"{word}\n")
    with open(folder / "answers") as answers:
        assert select.select([answers], [], [], 30)[0], f"no answer to {word}"
        same(answers.readline().strip(), "ready", word)


__all__ = ["Keyward", "Logins", "Peers", "eventually", "here", "http", "order", "person", "python", "ring", "same", "scratch"]
