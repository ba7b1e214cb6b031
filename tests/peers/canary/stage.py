"""The stage of this ring: a sandbox whose every word is written down, the binary under watch, and what is planted where."""

import json
import os
import secrets
import socket
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent))
import ring
from found import Secrets, issued
from ring import scratch
from watched import Watched

record, temporary = scratch / "record", scratch / "temporary"
for folder in (record, temporary):
    folder.mkdir(mode=0o700)
known = Secrets()


def plant(what, prefix=""):
    """A secret that this ring has made up."""
    secret = prefix + secrets.token_urlsafe(30)
    known.add(f"planted {what}", secret)
    return secret


passphrase, wrong, password = plant("passphrase"), plant("wrong passphrase"), plant("proxy password")
planted_key, planted_bearer, supplied = plant("API key", "tvly-"), plant("bearer token"), plant("token of the environment")
planted_secret = plant("client secret")
ordinary = {"HTTPS_PROXY": f"http://ada:{password}@127.0.0.1:1", "KEYWARD_STORE_PASSPHRASE": passphrase, "KEYWARD_TOKEN_SUPPLIED": supplied}
keyward = Watched(BROWSER=f"{sys.executable} {here.parent / 'person.py'}", PERSON_LOG="/dev/null", TMPDIR=str(temporary), **ordinary)


def sandbox_behind_a_relay():
    if subprocess.run(["unshare", "--map-root-user", "--net", "true"], capture_output=True).returncode:
        return None
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.set_inheritable(True)
        port = listener.getsockname()[1]
        words = ["unshare", "--map-root-user", "--net", sys.executable, here / "relay.py", record, listener.fileno(), port, keyward.program]
        return ring.start("sandbox", *words, inherit=[listener.fileno()])[1]


sandbox = sandbox_behind_a_relay()
url = sandbox["url"] if sandbox else ""
remote, tavily = f"{url}/remote/mcp", f"{url}/tavily"
issuer_path = urllib.parse.urlsplit(sandbox["issuer"]).path if sandbox else ""
# More than the sandbox gives: every call renews, and tells that this is not enough.
RENEW = ("--min-validity", "1000")


def order(**what):
    data = json.dumps(what).encode()
    request = urllib.request.Request(f"{url}/control", data=data, headers={"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=10).close()


def fault(effect, grant=None, after=False):
    """Lets the next token request go wrong."""
    order(faults={"token": [{"grant_type": grant, "after_commit": after, "effect": effect}]})


def answer(status, body, headers=()):
    return {"answer": {"status": status, "body": body if isinstance(body, str) else json.dumps(body), "headers": list(headers)}}


# Where servers put what they have to say.
SAID = {"error_description": "SAID", "message": "SAID"}
HOST = {"protocolVersion": "2025-06-18", "capabilities": {"elicitation": {"url": {}}}, "clientInfo": {"name": "ring", "version": "1"}}


class Echo:
    """The relay answers requests for this path itself and repeats what was sent."""

    def __init__(self, status, path, word="", **members):
        self.text = f"{status} {path} {word} {json.dumps(members or SAID)}"

    def __enter__(self):
        (record / "echo").write_text(self.text)

    def __exit__(self, *_):
        (record / "echo").unlink()


def keychain(word):
    folder = Path(os.environ["WITH_KEYRING_DIR"])
    with open(folder / "orders", "w") as orders, open(folder / "answers") as answers:
        orders.write(f"{word}\n")
        orders.flush()
        answers.readline()


def harvest():
    for path in sorted(record.iterdir()):
        for kind, secret in issued(path.read_bytes()):
            known.add(kind, secret)


def register(**metadata):
    body = json.dumps({"client_name": "robot", **metadata}).encode()
    request = urllib.request.Request(f"{sandbox['issuer']}/register", data=body, headers={"Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request, timeout=10))


def login(name, *more, **options):
    return keyward("login", name, "--timeout", "20", *more, **options)
