"""`keyward serve` met by MCP clients that nobody here wrote, in every mode they have.

Each client runs once against the Python SDK's own stdio server, which proves the client, and once against the binary.
The binary has three connections: tavily and cisco at the sandbox, and an open MCP server of the Python SDK as a remote one.
"""

import base64
import json
import os
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

import jsonschema

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent))
import ring
from ring import Keyward, eventually, free_port, needs, same, scratch

legacy, modern, node = (os.environ[name] for name in ("PEERS_LEGACY", "PEERS_MODERN", "PEERS_NODE_BIN"))
CLIENTS = {
    # name: command, revision it must end up with
    "Python mcp 1.x": ([legacy, here / "client.py", "session"], "2025-11-25"),
    "Python mcp 2.x session": ([modern, here / "client.py", "session"], "2025-11-25"),
    "Python mcp 2.x auto": ([modern, here / "client.py", "auto"], "2026-07-28"),
    "Python mcp 2.x legacy": ([modern, here / "client.py", "legacy"], "2025-11-25"),
    "Python mcp 2.x 2026-07-28": ([modern, here / "client.py", "2026-07-28"], "2026-07-28"),
    "TypeScript sdk 1.x": ([node, here / "client.mjs", "sdk"], None),
    "TypeScript client 2.x auto": ([node, here / "client.mjs", "auto"], "2026-07-28"),
    "TypeScript client 2.x legacy": ([node, here / "client.mjs", "legacy"], "2025-11-25"),
    "TypeScript client 2.x pinned": ([node, here / "client.mjs", "pin"], "2026-07-28"),
}
# What cisco has besides tools: a prompt with texts for its arguments; the addresses of a resource, of one of a family, and
# of nothing.
READINGS = {
    "prompt": ["cisco_known_issues", {"product": "C9300-24T", "software_version": "17.9.4"}],
    "resources": ["keyward://cisco/bugs/recent/critical", "keyward://cisco/bugs/CSCwa00007", "keyward://cisco/nothing"],
}
keyward = Keyward(BROWSER="/nonexistent/no-browser-here")


def meet(name, plan, env):
    """Runs one client and returns what it saw, after the checks that hold for every server."""
    command, revision = CLIENTS[name]
    notes = scratch / "ends.txt"
    notes.write_text("")
    plan = {**plan, "command": [sys.executable, str(here / "noted.py"), str(notes), *plan["command"]]}
    done = subprocess.run(list(map(str, command)), env={**env, "PLAN": json.dumps(plan)}, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr[-1500:]
    seen = json.loads(done.stdout.splitlines()[-1])
    if revision:
        same(seen["revision"], revision, "revision")
    offered = {tool["name"]: tool for tool in seen["tools"]}
    for kind in ("good", "progress", "after"):
        if kind not in seen:
            continue
        answer = seen[kind]
        assert "error" not in answer and not answer.get("isError"), f"{kind}: {answer}"
        schema = offered[plan["good" if kind == "after" else kind][0]].get("outputSchema")
        if schema:
            jsonschema.validate(answer["structuredContent"], schema)
    same(seen["bad"].get("isError"), True, f"isError of {seen['bad']}")
    assert seen["bad"]["content"][0]["text"].strip(), seen["bad"]
    assert seen["unknown"].get("error") == -32602 or seen["unknown"].get("isError"), seen["unknown"]
    if "steps" in seen:
        steps = [step for step, _ in seen["steps"]]
        assert steps and steps == sorted(set(steps)), f"progress {seen['steps']}"
    if "stuck" in seen:
        same(seen["stuck"], "abandoned", "the call that never ends")
    if "prompt" in plan:
        readings(plan, seen)
    same(seen["many"], 20, "good answers of twenty at once")
    # A client in auto mode starts a copy to try and ends it by a signal; the real one must end by itself.
    ends = [int(line) for line in notes.read_text().split()]
    assert 0 in ends and set(ends) <= {0, -15, 143}, f"exit codes {ends}"
    return seen


def readings(plan, seen):
    """What holds for the prompts and resources of every server; what is not there has one of several codes."""
    name, given = plan["prompt"]
    found = [prompt for prompt in seen["prompts"] if prompt["name"] == name]
    same(len(found), 1, f"prompts named {name} of {[prompt['name'] for prompt in seen['prompts']]}")
    same({argument["name"] for argument in found[0]["arguments"]} >= set(given), True, f"arguments of {name}")
    assert "error" not in seen["prompt"], seen["prompt"]
    (message,) = seen["prompt"]["messages"]
    same((message["role"], message["content"]["type"]), ("user", "text"), "the message")
    assert all(text in message["content"]["text"] for text in given.values()), message
    assert "error" in seen["lacking"], seen["lacking"]
    single, member, nothing = plan["resources"]
    assert single in {resource["uri"] for resource in seen["resources"]}, seen["resources"]
    families = [family["uriTemplate"] for family in seen["families"]]
    assert any(member.startswith(family.split("{")[0]) for family in families), families
    for uri, read in zip((single, member), seen["read"]):
        assert "error" not in read, read
        (content,) = read["contents"]
        same((content["uri"], content["mimeType"]), (uri, "application/json"), "the resource")
        json.loads(content["text"])
    assert "error" in seen["read"][2], f"{nothing}: {seen['read'][2]}"


def proven(name):
    def case():
        stuck = scratch / "stuck.txt"
        stuck.unlink(missing_ok=True)
        plan = {
            "command": [modern, str(here / "server.py"), "stdio"],
            "good": ["add", {"a": 1, "b": 2}],
            "bad": ["broken", {}],
            "progress": ["slow", {"steps": 3}],
            "stuck": ["stuck", {}],
            "prompt": ["greet", {"who": "Ada", "tone": "dry"}],
            "resources": ["peer://note", "peer://books/a%20b", "peer://nothing"],
        }
        seen = meet(name, plan, {**os.environ, "STUCK_LOG": str(stuck)})
        same(seen["good"]["structuredContent"], {"total": 3})
        same(stuck.read_text().split(), ["started", "cancelled"], "what the stuck tool noted")

    case.__doc__ = f"{name} works with the SDK's own server."
    return case


def peers_are_up():
    """The sandbox and the open remote server are up and configured."""
    global stuck_log, bonding
    command = (keyward.program, "sandbox", "--port", "0", "--access-lifetime", "3600", "--json")
    _, line = ring.start("sandbox", *command, env=keyward.env)
    cisco = next(backend["url"] for backend in line["backends"] if backend["backend"] == "cisco")
    keyward.env["KEYWARD_TOKEN_CISCO"] = token(line["issuer"], cisco)
    bonding = next(backend["url"] for backend in line["backends"] if backend["backend"] == "smart-bonding")
    keyward.env["KEYWARD_TOKEN_SMART_BONDING"] = token(line["issuer"], bonding)
    port, stuck_log = free_port(), scratch / "remote-stuck.txt"
    ring.background("remote", modern, here / "server.py", port, env={"STUCK_LOG": str(stuck_log)})
    eventually(lambda: listening(port), "the remote server")
    keyward.config(
        f"""
[connections.tavily]
url = "{line['url'].rstrip('/')}/tavily"
way = "none"

[connections.cisco]
url = "{cisco}"

[connections.smart-bonding]
url = "{bonding}"
toolsets = ["all"]

[connections.peer]
backend = "remote"
url = "http://127.0.0.1:{port}/mcp"
way = "none"
"""
    )
    # `serve` asks nobody at its start: what a remote server offers is known from an earlier command.
    keyward("tools", "--refresh", "--json").must()


def token(issuer, resource):
    """A token that a client of the sandbox gets for itself."""

    def post(path, body, kind, **headers):
        request = urllib.request.Request(f"{issuer}/{path}", body.encode(), {"Content-Type": f"application/{kind}", **headers})
        return json.load(urllib.request.urlopen(request, timeout=10))

    metadata = {"client_name": "robot", "grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_basic"}
    robot = post("register", json.dumps(metadata), "json")
    proof = base64.b64encode(f"{robot['client_id']}:{robot['client_secret']}".encode()).decode()
    form = urllib.parse.urlencode({"grant_type": "client_credentials", "resource": resource})
    return post("token", form, "x-www-form-urlencoded", Authorization=f"Basic {proof}")["access_token"]


def listening(port):
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def named(tools, connection, word):
    """The name under which a connection's tool is offered: its own, or with the connection's in front."""
    names = [tool["name"] for tool in tools if tool["name"] in (word, f"{connection}_{word}", f"{connection}-{word}")]
    assert len(names) == 1, f"one tool for {word!r} of {connection} in {[tool['name'] for tool in tools]}"
    return names[0]


def offered():
    """The tools of `keyward serve`, through the oldest of the clients' languages: plain lines."""
    hello = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "ring", "version": "1"}}}
    lines = [hello, {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}]
    process = keyward.start("serve", stdin=subprocess.PIPE)
    answers = ring.talk(process, lines)
    keyward.finish(process, ("serve",), 10).must()
    return answers[1]["result"]["tools"]


@needs(peers_are_up)
def tools_are_well_described():
    """Every tool has a portable name and schema, a description and all four hints."""
    tools = offered()
    assert tools, "no tools"
    for tool in tools:
        name = tool["name"]
        assert len(name) <= 64 and all(c.isascii() and (c.isalnum() or c in "_-") for c in name), name
        assert tool.get("description", "").strip(), f"{name} has no description"
        same(tool["inputSchema"]["type"], "object", name)
        jsonschema.Draft202012Validator.check_schema(tool["inputSchema"])
        if "outputSchema" in tool:
            same(tool["outputSchema"]["type"], "object", name)
            jsonschema.Draft202012Validator.check_schema(tool["outputSchema"])
        if name.startswith("tavily"):
            hints = {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}
            assert hints <= set(tool.get("annotations", {})), f"{name}: {tool.get('annotations')}"


def local(name):
    @needs(peers_are_up)
    def case():
        search = named(offered(), "tavily", "search")
        plan = {"command": [keyward.program, "serve"], "good": [search, {"query": "keychain"}], "bad": [search, {}]}
        meet(name, plan, keyward.env)

    case.__doc__ = f"{name} lists and calls tavily's tools through `keyward serve`."
    return case


def remote(name):
    @needs(peers_are_up)
    def case():
        tools = offered()
        stuck_log.unlink(missing_ok=True)
        plan = {
            "command": [keyward.program, "serve"],
            "good": [named(tools, "peer", "add"), {"a": 1, "b": 2}],
            "bad": [named(tools, "peer", "broken"), {}],
            "progress": [named(tools, "peer", "slow"), {"steps": 3}],
            "stuck": [named(tools, "peer", "stuck"), {}],
        }
        seen = meet(name, plan, keyward.env)
        same(seen["good"]["structuredContent"], {"total": 3})
        eventually(lambda: "cancelled" in stuck_log.read_text(), "cancellation at the remote server", 10)

    case.__doc__ = f"{name} reaches a remote server through `keyward serve`: structure, progress, cancellation."
    return case


def reading(name):
    @needs(peers_are_up)
    def case():
        search = named(offered(), "tavily", "search")
        plan = {"command": [keyward.program, "serve"], "good": [search, {"query": "keychain"}], "bad": [search, {}], **READINGS}
        seen = meet(name, plan, keyward.env)
        same(seen["lacking"]["error"], -32602, f"code of {seen['lacking']}")
        # The newer TypeScript client gives the code that a legacy server says as the modern one.
        is_legacy = seen["revision"] != "2026-07-28" and not name.startswith("TypeScript client 2.x")
        same(seen["read"][2]["error"], -32002 if is_legacy else -32602, f"code of {seen['read'][2]}")

    case.__doc__ = f"{name} lists and gets a prompt, and lists and reads resources, through `keyward serve`."
    return case


def pushed():
    """The messages that the stand-in for Smart Bonding has received."""
    received = json.load(urllib.request.urlopen(f"{bonding}/received", timeout=10))["received"]
    return [seen["body"] for seen in received if seen["path"] == "/push/call"]


def asking(name):
    @needs(peers_are_up)
    def case():
        tools = offered()
        search, ticket = named(tools, "tavily", "search"), named(tools, "smart-bonding", "ticket")
        before = len(pushed())
        closing = {"action": "close", "ticket": f"ring {name}", "solution": "a new cable"}
        plan = {
            "command": [keyward.program, "serve"],
            "good": [search, {"query": "keychain"}],
            "bad": [search, {}],
            "asks": {"tool": [ticket, closing], "answers": ["decline", "cancel", "accept"]},
        }
        seen = meet(name, plan, keyward.env)["asked"]
        same(len(seen["questions"]), 3, f"questions of {seen}")
        for question in seen["questions"]:
            assert all(json.dumps(value) in question["message"] for value in (closing["ticket"], closing["solution"])), question
            same(list(question["requestedSchema"]["properties"]), ["agree"], "the form")
        same([bool(call.get("isError")) for call in seen["calls"]], [True, True, False], f"{seen['calls']}")
        same([message["Calls"]["CustCallID"] for message in pushed()[before:]], [closing["ticket"]], "what was sent")

    case.__doc__ = f"{name} asks the person before a ticket is written, and only a yes sends it."
    return case


def strictly(program):
    """The strict check finds nothing wrong with any tool that the program offers."""
    home = scratch / "inspector"
    home.mkdir(exist_ok=True)
    names = [tool["name"] for tool in program("tools", "--json").must(0).json()["tools"]]
    # The Inspector writes into a HOME of its own, and passes on no variable that it is not told to.
    ours = {name: value for name, value in program.env.items() if name == "HOME" or name.startswith(("KEYWARD_", "XDG_"))}
    variables = [word for name, value in ours.items() for word in ("-e", f"{name}={value}")]
    command = [node, os.environ["PEERS_INSPECTOR"], "--cli", *variables, program.program, "serve"]
    command += ["--method", "tools/list", "--strict", "--format", "json", "-q"]
    done = subprocess.run(command, env={**program.env, "HOME": str(home)}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"exit code {done.returncode}: {(done.stdout + done.stderr)[-1500:]}"
    same([name for name in names if f'"{name}"' not in done.stdout], [], "tools that the Inspector did not see")
    return names


def inspector_is_content():
    """The Inspector's strict check finds nothing wrong with the tools, also those of a remote server."""
    strictly(keyward)


def inspector_is_content_with_everything():
    """The Inspector's strict check finds nothing wrong with the tools of any backend, every toolset switched on."""
    whole = Keyward()
    _, line = ring.start("sandbox-of-all", whole.program, "sandbox", "--port", "0", "--json", env=whole.env)
    at = {backend["backend"]: backend["url"] for backend in line["backends"]}
    folder = scratch / "papers"
    folder.mkdir()
    sets = {"cisco", "ctera", "netbox", "smart-bonding"}
    entries = [
        f"[connections.{name}]\nurl = {json.dumps(url)}\n" + ('toolsets = ["all"]\n' if name in sets else "")
        for name, url in at.items()
        if name in sets | {"tavily"}
    ]
    whole.config("\n".join([*entries, f"[connections.documents]\nfolders = [{json.dumps(str(folder))}]\n"]))
    same(sets | {"tavily"} <= set(at), True, f"backends of the sandbox: {sorted(at)}")
    names = strictly(whole)
    for prefix in ("tavily_", "cisco_", "ctera_", "netbox_", "smart-bonding_", "documents_"):
        assert any(name.startswith(prefix) for name in names), f"no tool of {prefix} among {names}"


if __name__ == "__main__":
    cases = [proven(name) for name in CLIENTS] + [peers_are_up, tools_are_well_described]
    cases += [make(name) for make in (local, remote, reading, asking) for name in CLIENTS] + [needs(peers_are_up)(inspector_is_content), inspector_is_content_with_everything]
    sys.exit(ring.run(cases, keep=[scratch / "sandbox.log", scratch / "remote.log"]))
