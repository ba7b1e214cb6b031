"""keyward between strangers: MCP servers of several SDKs behind its remote backend, hosts of several SDKs before it.

Run inside `tests/with-keyring.sh`, with KEYWARD_BIN, PEERS_NODE, PEERS_NODE_BIN, PEERS_LEGACY and PEERS_MODERN set as
`tests/run` does. Every server is protected by one authorization server that nobody here wrote and is logged in to once.
REMOTE_LONG is how many seconds the long call takes (3).
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import offers
import troubles
from stage import Host, Provider, Server, View, failure, here, keyward, legacy, modern, needs, node, ring, same, scratch, words

SERVERS = [
    Server("py1", legacy, here / "server.py", resumes=True),
    Server("py1json", legacy, here / "server.py", "--json", streams=False),
    Server("py2", modern, here / "server.py", sessions=False),
    Server("py2old", modern, here / "server.py", "--old", resumes=True),
    Server("ts1", node, here / "server.mjs", resumes=True),
    Server("ts2", node, here / "server.mjs", "--newer", sessions=False),
]
HOSTS = {
    # name: command, revision it must end up with
    "Python 1.x": ([legacy, here / "host.py", "session"], "2025-11-25"),
    "Python 2.x auto": ([modern, here / "host.py", "auto"], "2026-07-28"),
    "Python 2.x legacy": ([modern, here / "host.py", "legacy"], "2025-11-25"),
    "TypeScript 1.x": ([node, here / "host.mjs", "sdk"], "2025-11-25"),
    "TypeScript 2.x auto": ([node, here / "host.mjs", "auto"], "2026-07-28"),
}
# Which host proves which server without keyward between them.
PROOFS = [("Python 1.x", "py1"), ("Python 2.x auto", "py2"), ("Python 2.x legacy", "py2old"), ("TypeScript 1.x", "ts1"), ("TypeScript 2.x auto", "ts2")]
# Two hosts meet every server; the others meet some of either era.
MEETS = {
    "Python 2.x legacy": ["py2", "ts1"],
    "TypeScript 1.x": ["py1", "py2", "ts2"],
    "TypeScript 2.x auto": ["py1", "ts1", "ts2"],
}
hosts = {}
by_name = {server.name: server for server in SERVERS}


def peers_are_up():
    """The authorization server and all protected servers are up."""
    global provider
    provider = Provider(SERVERS)
    for server in SERVERS:
        server.issuer = provider.issuer
        server.start()
    for server in SERVERS:
        server.ready()


@needs(peers_are_up)
def one_login_each():
    """One login through the browser for each server, with the keychain of this machine, makes it known with its tools."""
    for server in SERVERS:
        before = len(provider.records("exchanged"))
        keyward("login", server.url, "--name", server.name).must()
        same(len(provider.records("exchanged")) - before, 1, f"logins at {server.name}")
    keyward("tools", "--refresh", "--json").must()


@needs(peers_are_up)
def sandbox_too():
    """The sandbox's own MCP server is logged in to like any other, and its tools are known."""
    global sandbox
    _, line = ring.start("sandbox", keyward.program, "sandbox", "--port", "0", "--auto-consent", "ada", "--json", env=keyward.env)
    (sandbox,) = [backend["resource"] for backend in line["backends"] if backend["backend"] == "remote"]
    keyward("login", sandbox, "--name", "sandbox").must()
    keyward("tools", "--refresh", "--json").must()


def at_sandbox(begun, name):
    @needs(begun, sandbox_too)
    def run():
        host = hosts[name]
        answer = host.call("sandbox_echo", text="hello")
        same((words(answer), answer["structuredContent"]), ("hello", {"text": "hello"}))
        answer = host.call("sandbox_slow", progress=True, steps=4, delay_ms=50)
        words(answer)
        steps = [step for step, _, _ in answer["steps"]]
        assert len(steps) >= 2 and steps == sorted(set(steps)), answer["steps"]
        assert "always fails" in failure(host.call("sandbox_fail")), "no failure"
        same(len(words(host.call("sandbox_big", size=5 << 20))), 5 << 20)

    run.__doc__ = f"{name} through keyward to the sandbox: structure, progress, a failure, 5 MiB."
    return run


def proof(host, server, case):
    @needs(one_login_each)
    def run():
        key = (host, server)
        if key not in hosts:
            token = keyward("token", server).must().out.strip()
            hosts[key] = Host(f"{host} at {server}", HOSTS[host][0], {"url": by_name[server].url, "token": token})
        case(hosts[key], View(by_name[server]))

    run.__doc__ = f"{host} at {server} itself: {case.__doc__}"
    return run


def begins(name):
    @needs(one_login_each)
    def run():
        command, revision = HOSTS[name]
        hosts[name] = Host(name, command)
        same(hosts[name].revision, revision, "revision")

    run.__doc__ = f"{name} begins with `keyward serve`."
    return run


def bridged(begun, name, server, case):
    @needs(begun)
    def run():
        case(hosts[name], server.bridged())

    run.__doc__ = f"{name} through keyward to {server.name}: {case.__doc__}"
    return run


def applies(case, server):
    return (server.streams or case not in offers.NEED_STREAMS) and (case != offers.required or server.name == "ts1")


def passes(case, host, server):
    """What keyward does not carry over: what a server logs outside of a call, to hosts whose era has no place for it."""
    is_modern = HOSTS[host][1] == "2026-07-28"
    return not (case == offers.logs and is_modern and server.name == "ts1")


def all_end():
    """Every host ends, and `keyward serve` with it."""
    for host in hosts.values():
        host.end()


if __name__ == "__main__":
    cases = [peers_are_up, one_login_each, sandbox_too]
    cases += [proof(host, server, case) for host, server in PROOFS for case in offers.CASES if applies(case, by_name[server])]
    begun = []
    for name in HOSTS:
        begun.append(begins(name))
        cases.append(begun[-1])
        cases.append(at_sandbox(begun[-1], name))
        met = [server for server in SERVERS if server.name in MEETS.get(name, by_name)]
        cases += [bridged(begun[-1], name, server, case) for server in met for case in offers.CASES if applies(case, server) and passes(case, name, server)]
    cases += [needs(*begun)(case) for case in troubles.cases(sys.modules[__name__])]
    cases.append(needs(one_login_each)(all_end))
    if wanted := os.environ.get("REMOTE_ONLY"):
        # For who looks into one case: those that build the stage, and those whose sentence has the word.
        cases = [case for case in cases if wanted in case.__doc__ or case in (peers_are_up, one_login_each, sandbox_too) or "begins with" in case.__doc__]
    sys.exit(ring.run(cases, keep=[scratch / f"server-{server.name}.log" for server in SERVERS]))
