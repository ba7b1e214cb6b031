"""What goes wrong between the two ends, and what happens in quantity. The calls are counted where they run: none runs twice.

The hosts are those that are there already; a case begins one of its own where it is about a new one.
"""

import os
import time

from gate import Stranger
from offers import TOOLS, fresh
from stage import Host, eventually, failure, keyward, same, words

LONG = float(os.environ.get("REMOTE_LONG", "3"))
PATIENCE = LONG + 60
drive = None


def named(case, host, server):
    def run():
        case(host, drive.by_name[server] if server else None)

    run.__doc__ = f"{host}, {server}: {case.__doc__}" if server else f"{host}: {case.__doc__}"
    return run


def begin(name):
    return Host(name, drive.HOSTS[name][0])


def ask(host, server, tool, seconds=30, **arguments):
    return host.call(f"{server.name}_{tool}", seconds, **arguments)


def running(server, tag):
    """Waits until the call with this tag runs at the server."""
    eventually(lambda: server.noted("called", tag), f"the call {tag} at {server.name}")


# ---- servers and streams that break


def forgotten(name, server):
    """a server that was started again and forgot everything is called on as if nothing had happened."""
    host = drive.hosts[name]
    same(words(ask(host, server, "echo", text="before")), "before")
    server.restart()
    tag = fresh()
    same(words(ask(host, server, "echo", text="after", tag=tag)), "after")
    server.once(tag)
    together = [fresh() for _ in range(8)]
    server.restart()
    calls = [host.begin("call", name=f"{server.name}_echo", arguments={"text": tag, "tag": tag})[1] for tag in together]
    same([words(call.result(30)) for call in calls], together)
    for tag in together:
        server.once(tag)


def parted(name, server):
    """a stream that the server ends in the middle is taken up again, with all that was said meanwhile."""
    host, tag = drive.hosts[name], fresh()
    answer = ask(host, server, "count", progress=True, steps=6, cut=2, pause=0.1, tag=tag)
    same(words(answer), "counted to 6")
    steps = [step for step, _, _ in answer["steps"]]
    assert steps == sorted(set(steps)) and steps[-1] == 6, f"progress {answer['steps']}"
    assert server.noted("resumed", None), "nobody took the stream up again"
    server.once(tag)


def apart(name, server):
    """what two keywards' streams that end in the middle at the same time go on with is their own."""
    # Both begin alike and send the same number of requests, and the server keeps what it says to all sessions by the request's
    # id. The short count is over before the long one is taken up again.
    both, tags, before = [begin(name), begin(name)], [fresh(), fresh()], len(server.noted("resumed", None))
    counts = [{"steps": 8, "pause": 0.1}, {"steps": 1}]
    calls = [
        host.begin("call", name=f"{server.name}_count", arguments={"cut": 1, "tag": tag, **count})[1]
        for host, tag, count in zip(both, tags, counts)
    ]
    same([words(call.result(30)) for call in calls], ["counted to 8", "counted to 1"])
    same(len(server.noted("resumed", None)) - before, 2, "streams that were taken up again")
    for host, tag in zip(both, tags):
        server.once(tag)
        host.end()


def cut(name, server):
    """a connection that breaks in the middle of a call costs no more than the call, which does not run again."""
    host, tag = drive.hosts[name], fresh()
    _, call = host.begin("call", name=f"{server.name}_count", arguments={"steps": 20, "pause": 0.1, "tag": tag}, progress=True)
    running(server, tag)
    time.sleep(0.3)
    assert server.gate.cut() > 0, "no connection to cut"
    answer = call.result(30)
    if server.resumes:
        same(words(answer), "counted to 20")
    else:
        text = failure(answer)
        assert "error:" in text and "hint:" in text, text
    same(words(ask(host, server, "echo", text="still here")), "still here")
    server.once(tag)


def lost(name, server):
    """a call whose server is killed fails with what is known of it, does not run again, and the next one works."""
    host, tag = drive.hosts[name], fresh()
    _, call = host.begin("call", name=f"{server.name}_stuck", arguments={"tag": tag})
    running(server, tag)
    server.restart()
    text = failure(call.result(60))
    assert server.name in text or "127.0.0.1" in text, text
    same(words(ask(host, server, "echo", text="back")), "back")
    server.once(tag)


def long_call(name, server):
    """a long call goes on as long as it reports progress."""
    host, tag = drive.hosts[name], fresh()
    pause = min(LONG / 10, 5)
    answer = ask(host, server, "count", PATIENCE, progress=True, steps=int(LONG / pause), pause=pause, tag=tag)
    same(words(answer), f"counted to {int(LONG / pause)}")
    steps = [step for step, _, _ in answer["steps"]]
    assert steps == sorted(set(steps)) and len(steps) >= LONG / pause / 2, answer["steps"]
    server.once(tag)


# ---- logins


def renewal(name, server):
    """access tokens that expire in the middle are renewed: no call fails, none runs twice, no expired one is used."""
    provider, lifetime = drive.provider, 3
    provider.lifetime(lifetime)
    try:
        keyward("login", server.url, "--name", server.name).must()
        refused, since = len(server.noted("token refused", None)), len(provider.records("refreshed"))
        host, tags, end = begin(name), [], time.monotonic() + 2.2 * lifetime
        while time.monotonic() < end:
            together = [fresh() for _ in range(4)]
            calls = [host.begin("call", name=f"{server.name}_nap", arguments={"seconds": 0.1, "text": tag, "tag": tag})[1] for tag in together]
            same([words(call.result(30)) for call in calls], together)
            tags += together
            time.sleep(0.2)
        for tag in tags:
            server.once(tag)
        assert 1 <= len(provider.records("refreshed")) - since <= 20, "how often the token was renewed"
        same(server.noted("token refused", None)[refused:], [], "tokens that the server refused")
        host.end()
    finally:
        provider.lifetime(600)
        keyward("login", server.url, "--name", server.name).must()


def narrow(server):
    """Leaves the connection with a login that has no more than the usual scope."""
    keyward("logout", server.name).must()
    keyward("login", server.url, "--name", server.name).must()


def step_up(name, server):
    """a tool that needs a scope more is told so in words, or the person gives it in the browser and the call runs once."""
    narrow(server)
    host, tag = begin(name), fresh()
    host.do("answers", answers=[{"action": "decline"}])
    text = failure(ask(host, server, "guarded", tag=tag))
    assert "admin" in text and "keyward login" in text, text
    same(server.noted("called", tag), [], "calls that ran")
    tag = fresh()
    host.do("answers", answers=[{"action": "accept", "opens": True}])
    same(words(ask(host, server, "guarded", 60, tag=tag)), "you may")
    server.once(tag)
    host.end()


# ---- several at once


def mixed(name, _):
    """64 calls in flight on all servers: each answer is that of its own call."""
    host = drive.hosts[name]
    calls = []
    for number in range(64):
        server, tag = drive.SERVERS[number % len(drive.SERVERS)], fresh()
        arguments = {"seconds": 0.05 * (1 + number * 7 % 10), "text": f"{server.name} {tag}", "tag": tag}
        calls.append((server, tag, host.begin("call", name=f"{server.name}_nap", arguments=arguments)[1]))
    for server, tag, call in calls:
        same(words(call.result(60)), f"{server.name} {tag}")
        server.once(tag)


def many(name, server):
    """256 calls in flight on one server are all answered, each with its own."""
    host, tags = drive.hosts[name], [fresh() for _ in range(256)]
    calls = [host.begin("call", name=f"{server.name}_nap", arguments={"seconds": 1, "text": tag, "tag": tag})[1] for tag in tags]
    same([words(call.result(90)) for call in calls], tags)
    seen = [one["tag"] for one in server.noted("called", None)]
    same([tag for tag in tags if seen.count(tag) != 1], [], "calls that did not run exactly once")


def beside(name, _):
    """a server that is down, one that is silent and one without a login leave the others as they are."""
    down, silent, out, good = drive.SERVERS[:4]
    keyward("logout", out.name).must()
    down.gate.mode, silent.gate.mode = "refuse", "slow"
    down.gate.cut()
    try:
        host = begin(name)
        started = time.monotonic()
        names = {tool["name"] for tool in host.do("tools")}
        took = time.monotonic() - started
        for server in (down, silent, good):
            missing = {f"{server.name}_{tool}" for tool in TOOLS} - names
            same(missing, set(), f"tools of {server.name} that are not listed")
        assert took < 3, f"the list took {took:.1f} s"
        _, waiting = host.begin("call", name=f"{silent.name}_echo", arguments={"text": "late"})
        started = time.monotonic()
        same(words(ask(host, good, "echo", text="good")), "good")
        assert time.monotonic() - started < 3, "a good server waited for a silent one"
        text = failure(ask(host, down, "echo", 60, text="nobody"))
        assert "error:" in text and "hint:" in text, text
        host.do("answers", answers=[{"action": "decline"}])
        text = failure(host.call(f"{out.name}_echo", text="nobody"))
        assert "keyward login" in text or "unknown" in text.lower(), text
        silent.gate.mode = "open"
        same(words(waiting.result(30)), "late")
        down.gate.mode = "open"
        same(words(ask(host, down, "echo", text="back")), "back")
        host.end()
    finally:
        down.gate.mode = silent.gate.mode = "open"
        keyward("login", out.url, "--name", out.name).must()


# ---- what nobody else may hear


def reached(token, who):
    """Whether a token, or a part of one, or anything that looks like one, arrived."""
    seen = bytes(who.seen).lower()
    return any(mark.lower() in seen for mark in (token.encode(), token.split(".")[2].encode(), b"authorization:", b"refresh_token"))


def faithful(name, server):
    """a server that sends its clients elsewhere gets neither token nor call there, whichever redirect it is."""
    stranger, token = Stranger(), keyward("token", server.name).must().out.strip()
    host = drive.hosts[name]
    words(ask(host, server, "echo", text="home"))
    assert reached(token, server.gate), "what the token is looked for in does not show it where it belongs"
    try:
        for status in (301, 302, 303, 307, 308):
            server.gate.mode, server.gate.status, turned = stranger.url, status, server.gate.turned
            server.gate.cut()
            tag = fresh()
            failure(ask(host, server, "echo", text="elsewhere", tag=tag))
            keyward("tools", "--refresh", "--json")
            keyward("call", f"{server.name}_echo", "text=elsewhere")
            assert server.gate.turned > turned, "nobody was sent elsewhere"
            same(server.noted("called", tag), [], "calls that ran")
    finally:
        server.gate.mode = "open"
        server.gate.cut()
    assert not reached(token, stranger), f"the token reached a stranger: {bytes(stranger.seen[:400])!r}"
    assert b"tools/call" not in stranger.seen, f"the call reached a stranger: {bytes(stranger.seen[:400])!r}"
    same(words(ask(host, server, "echo", text="home")), "home")


def cases(ring_of_all):
    global drive
    drive = ring_of_all
    old, new = "Python 1.x", "Python 2.x auto"
    names = list(drive.by_name)
    resuming = [server.name for server in drive.SERVERS if server.resumes]
    plan = [(forgotten, host, name) for host in (old, new) for name in names]
    plan += [(parted, host, name) for host in (old, new) for name in resuming]
    # The others name streams at random.
    plan += [(apart, host, name) for host in (old, new) for name in resuming if name.startswith("py")]
    plan += [(cut, host, name) for host in (old, new) for name in names if drive.by_name[name].streams]
    plan += [(lost, new, "py1json"), (lost, old, "py2"), (lost, old, "py1")]
    plan += [(long_call, host, name) for host, name in ((old, "py2"), (new, "py1"))]
    plan += [(renewal, old, "py2"), (renewal, new, "py1")]
    plan += [(step_up, host, name) for host in (old, new) for name in ("py1", "py2")]
    plan += [(mixed, host, None) for host in (old, new)] + [(many, old, "py2"), (many, new, "py1")]
    plan += [(beside, host, None) for host in (old, new)]
    plan += [(faithful, old, "py1"), (faithful, new, "py2")]
    return [named(*entry) for entry in plan]
