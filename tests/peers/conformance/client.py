"""The client that the conformance suite drives: signs in to one server, lists its tools and calls each of them.

    client.py URL

The suite says what it wants in MCP_CONFORMANCE_SCENARIO and MCP_CONFORMANCE_CONTEXT. What this does is what a person at
a terminal would: it runs a command, and when that fails, the command that the failure's hint names. Nothing here knows
OAuth.
"""

import json
import os
import re
import shlex
import sys
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent))
from ring import Keyward

# The suite never serves it; its authorization servers take the address as it is.
DOCUMENT = "https://conformance-test.local/client-metadata.json"
# A person gives up, too. The limit that counts is the program's own and lower than this.
HINTS = 8

url, scenario = sys.argv[1], os.environ["MCP_CONFORMANCE_SCENARIO"]
given = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}")
# A store of its own for each scenario: the ports of their servers repeat themselves, and with them the names by which a
# keychain that outlives the scenario knows a client.
store = {"KEYWARD_STORE": "file", "KEYWARD_STORE_PASSPHRASE": "for one scenario"}
keyward = Keyward(BROWSER=f"{sys.executable} {here.parent / 'person.py'}", PERSON_LOG=os.devnull, **store)


def settings():
    """What somebody wrote into the configuration before: the address, and what the scenario says was agreed upon."""
    lines = ['[connections.box]', 'backend = "remote"', f'url = "{url}"']
    if scenario.startswith("auth/client-credentials"):
        lines.append('way = "client-credentials"')
    if "client_id" in given:
        lines.append(f'client_id = "{given["client_id"]}"')
    if scenario == "auth/basic-cimd":
        lines.append(f'client_document = "{DOCUMENT}"')
    return "\n".join(lines) + "\n"


def login(*words):
    """A login, with what the suite agreed upon piped in."""
    flag, secret = next(
        ((flag, given[name]) for flag, name in (("--client-secret", "client_secret"), ("--client-key", "private_key_pem")) if name in given),
        (None, None),
    )
    arguments = ["login", "box", "--timeout", "20", *words, *([flag] if flag else [])]
    process = keyward.start(*arguments, **({"stdin": -1} if flag else {}))
    if flag:
        process.stdin.write(secret.encode())
        process.stdin.close()
        process.stdin = None
    return keyward.finish(process, arguments)


def arguments_for(schema):
    """Something for every argument that the tool requires."""
    example = {"string": "text", "number": 1, "integer": 1, "boolean": True, "object": {}, "array": []}
    kinds = {name: schema.get("properties", {}).get(name, {}).get("type") for name in schema.get("required", [])}
    return [f"{name}={json.dumps(example.get(kind, 'text')) if kind != 'string' else 'text'}" for name, kind in kinds.items()]


def call(tool):
    """A call, and whatever the hints of its failures ask for, in order."""
    words = ["call", tool["name"], *arguments_for(tool.get("input_schema") or tool.get("inputSchema") or {})]
    for _ in range(HINTS):
        done = keyward(*words)
        print(done, file=sys.stderr)
        if done.code == 0:
            return True
        hinted = re.search(r"hint: +`keyward (login [^`]+)`", done.err)
        if not hinted:
            return False
        again = login(*shlex.split(hinted.group(1))[2:])
        print(again, file=sys.stderr)
        if again.code != 0:
            return False
    return False


keyward.config(settings())
first = login()
print(first, file=sys.stderr)
if first.code != 0:
    sys.exit(first.code)
listed = keyward("tools", "--json").must().json()["tools"]
offered = [tool for tool in listed if tool["name"].startswith("box_")]
if not offered:
    # Its tools could not be listed at the login; a person would look again.
    print(keyward("tools", "--refresh"), file=sys.stderr)
    again = login()
    print(again, file=sys.stderr)
    offered = [tool for tool in keyward("tools", "--json").must().json()["tools"] if tool["name"].startswith("box_")]
outcomes = [call(tool) for tool in offered]
sys.exit(0 if outcomes and all(outcomes) else 1)
