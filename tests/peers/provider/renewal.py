"""Renewals of the real binary, in many processes and beside others, in front of a provider that forgives nothing.

Run inside `tests/with-keyring.sh`, with KEYWARD_BIN, PEERS_NODE, PEERS_NODE_BIN and PEERS_MODERN set as `tests/run` does.
The provider rotates with zero grace and ends a grant whose spent refresh token comes back: a renewal too many is a lost
login.
"""

import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from peers import Keyward, Logins, Peers, eventually, order, person, ring, same, scratch

PROCESSES, CALLS = 8, 50
SHORT, LONG = 2, 600

peers = Peers("modern")
unwanted = scratch / "unwanted.jsonl"
keyward = Keyward(BROWSER=person, PERSON_LOG=str(unwanted), PERSON_PRESS="deny")
login = Logins(peers, keyward)
shared = keyward.home / ".local/state/keyward"
background = ThreadPoolExecutor()

HELLO = [
    {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "ring", "version": "1"}}},
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
]


def call(name, number):
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": f"{name}_whoami", "arguments": {}}}


def succeeded(answer):
    result = answer.get("result", {})
    return not result.get("isError") and "ada" in json.dumps(result)


def fresh(name, lifetime=LONG):
    """A new login whose access token has ended; what is issued from now on lives for `lifetime`. Where the provider's
    record goes on from here."""
    peers.lifetime(SHORT)
    login(name)
    time.sleep(SHORT)
    peers.lifetime(lifetime)
    return len(peers.records())


def token(name, *more, env=None, seconds=60):
    return keyward("token", name, "--min-validity", "0", *more, env=env, seconds=seconds)


def generation(name):
    return int((shared / "stamps" / name).read_text().split()[0])


def unforgiven(names, since=0):
    """What a provider does to who spends a token twice."""
    grants = {grant for name in names for grant in login.grants[name]}
    return [r for r in peers.records("grant revoked", since=since) if r["grant"] in grants]


# ---- many processes


def r02_eight_by_fifty():
    """Eight servers with fifty calls each on tokens that live for two seconds make one chain of rotations, no more than
    there are seconds, and no call fails."""
    name = "many"
    peers.lifetime(SHORT)
    login(name)
    since, first, started = len(peers.records()), generation(name), time.monotonic()

    def work(number):
        process = keyward.start("serve", stdin=subprocess.PIPE)
        ring.talk(process, HELLO)
        for turn in range(CALLS):
            # Each process a little later than the one before it, each call a little more than a second later.
            time.sleep(max(0, started + turn * 1.05 + number * 0.13 - time.monotonic()))
            answer = ring.talk(process, [call(name, turn + 1)])[turn + 1]
            assert succeeded(answer), f"process {number}, call {turn}: {answer}"
        same(keyward.finish(process, ("serve",), 15).code, 0, "exit code after the end of standard input")

    with ThreadPoolExecutor(PROCESSES) as pool:
        list(pool.map(work, range(PROCESSES)))
    seen, seconds = login.chain(name, since), time.monotonic() - started
    same(generation(name) - first, len(seen), "generations")
    same(unforgiven([name], since), [], "revocations")
    assert CALLS * 0.9 <= len(seen) <= seconds + 1, f"{len(seen)} rotations in {seconds:.0f} s"


def sixteen_servers():
    """Sixteen servers started at once on one expired grant make one renewal, and all sixteen work."""
    name = "sixteen"
    since = fresh(name)
    running = [keyward.start("serve", stdin=subprocess.PIPE) for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        spoken = list(pool.map(lambda process: ring.talk(process, [*HELLO, call(name, 1)], 60), running))
    for process, answers in zip(running, spoken):
        assert succeeded(answers[1]), answers[1]
        same(keyward.finish(process, ("serve",), 15).code, 0, "exit code after the end of standard input")
    same(len(login.chain(name, since)), 1, "renewals")


def other_state_folders():
    """Processes that were given state folders of their own and share one keychain make one renewal."""
    name = "folders"
    since = fresh(name)
    running = [keyward.start("token", name, env={"XDG_STATE_HOME": str(scratch / f"state-{n}")}) for n in range(8)]
    printed = {keyward.finish(process, ("token", name)).must().out for process in running}
    same(len(printed), 1, "different tokens")
    same(len(login.chain(name, since)), 1, "renewals")
    same(unforgiven([name], since), [], "revocations")


# ---- killed


def renewing(name, at):
    """A process whose renewal waits at the provider."""
    peers.set("hold", at=at)
    process = keyward.start("token", name, "--min-validity", "0")
    peers.held()
    return process


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=10)


def killed_before_the_request():
    """A kill before the provider has looked at the request costs nothing: the next command renews."""
    name = "before"
    since = fresh(name)
    kill(renewing(name, "before"))
    peers.set("release")
    eventually(lambda: peers.records("abandoned", since=since), "the end of the request")
    token(name).must()
    same(len(login.chain(name, since)), 1, "renewals")


def killed_before_the_answer():
    """A kill after the rotation and before its answer loses the login, and that is what the message says, also later."""
    name = "between"
    since = fresh(name)
    kill(renewing(name, "after"))
    peers.set("release")
    for _ in range(2):
        done = token(name).must(3)
        assert "interrupted" in done.err and f"keyward login {name}" in done.err, str(done)
    same(len(login.refreshes(name, since)), 1, "renewals")
    login(name)
    token(name).must()


def killed_before_the_write():
    """A kill after the answer, while the keychain hangs, loses nothing: the encrypted copy is taken over."""
    name = "written"
    since = fresh(name)
    process = renewing(name, "after")
    order("freeze")
    try:
        peers.set("release")
        copy = shared / "spills" / f"grant-{name}"
        eventually(copy.exists, "the emergency copy")
        assert b"eyJ" not in copy.read_bytes(), "the copy is clear text"
        same(copy.stat().st_mode & 0o777, 0o600, "mode of the copy")
        kill(process)
    finally:
        order("thaw")
    printed = token(name).must().out
    same(token(name).must().out, printed, "the token")
    same(len(login.chain(name, since)), 1, "renewals")
    assert not copy.exists(), "the copy is still there"


def a_keychain_that_hangs():
    """A keychain that hangs after the answer delays nobody for long: the token comes, and the next process has it, too."""
    name = "hung"
    since = fresh(name)
    process = renewing(name, "after")
    order("freeze")
    try:
        peers.set("release")
        done = keyward.finish(process, ("token", name)).must()
    finally:
        order("thaw")
    same(token(name).must().out, done.out, "the token")
    same(len(login.chain(name, since)), 1, "renewals")


# ---- beside others


def a_holder_that_is_frozen():
    """A process that is stopped in the middle of a renewal makes others busy after their patience, and goes on later."""
    name = "frozen"
    since = fresh(name)
    holder = renewing(name, "before")
    holder.send_signal(signal.SIGSTOP)
    try:
        peers.set("release")
        done = token(name).must(9)
        assert "another keyward is working" in done.err, str(done)
    finally:
        holder.send_signal(signal.SIGCONT)
    printed = keyward.finish(holder, ("token", name)).must().out
    same(token(name).must().out, printed, "the token")
    same(len(login.chain(name, since)), 1, "renewals")


def login_meanwhile():
    """A login while a renewal is under way has the last word, and a server that runs uses it without a restart."""
    name = "relogin"
    since = fresh(name)
    serving = keyward.start("serve", stdin=subprocess.PIPE)
    ring.talk(serving, HELLO)
    process = renewing(name, "before")
    again = background.submit(login, name)
    eventually(lambda: peers.records("authorized", since=since), "the consent")
    peers.set("release")
    keyward.finish(process, ("token", name)).must()
    again.result(60)
    same(len(login.grants[name]), 2, "grants")
    answer = ring.talk(serving, [call(name, 1)])[1]
    assert succeeded(answer), answer
    subject = [r for r in peers.calls("called")][-1]
    same(subject["subject"], "ada", "who called")
    token(name).must()
    same(peers.records("token refused", since=since), [], "refusals")
    same(keyward.finish(serving, ("serve",), 15).code, 0, "exit code of the server")


def logout_meanwhile():
    """A logout while a renewal is under way ends without tokens, here and at the provider."""
    name = "logout"
    since = fresh(name)
    process = renewing(name, "before")
    leaving = keyward.start("logout", name)
    peers.set("release")
    keyward.finish(process, ("token", name)).must()
    keyward.finish(leaving, ("logout", name)).must()
    token(name).must(3)
    same(len(peers.records("grant revoked", since=since)), 1, "revocations")
    found = subprocess.run(["secret-tool", "search", "--all", "service", "keyward"], capture_output=True, text=True, timeout=10)
    assert f"grant {name}" not in found.stdout + found.stderr, "the keychain still has the grant"


def a_loop_in_a_shell():
    """Thirty commands in a row, and sixteen at once, do not hammer a provider in trouble; what it asks for is waited."""
    name = "loop"
    since = fresh(name)
    peers.set("fault", next="503", count=100)
    started = time.monotonic()
    for done in [token(name) for _ in range(30)] + keyward.together(*[("token", name, "--min-validity", "0")] * 16):
        done.must(8)
    # The answer asks for one second, and each try that failed counts.
    seen, seconds = len(peers.records("fault", since=since)), time.monotonic() - started
    assert 1 <= seen <= min(5, seconds + 1), f"{seen} requests in {seconds:.1f} s"
    peers.set("fault", next="")
    eventually(lambda: token(name).code == 0, "a token after the outage", 70)
    same(len(login.chain(name, since)), 1, "renewals")


def nobody_was_disturbed():
    """No renewal opened a browser, and the provider met no error of its own."""
    same(unwanted.read_text() if unwanted.exists() else "", "", "visits")
    same(peers.records("server error"), [], "errors inside the provider")


if __name__ == "__main__":
    cases = [
        r02_eight_by_fifty,
        sixteen_servers,
        other_state_folders,
        killed_before_the_request,
        killed_before_the_answer,
        killed_before_the_write,
        a_keychain_that_hangs,
        a_holder_that_is_frozen,
        login_meanwhile,
        logout_meanwhile,
        a_loop_in_a_shell,
        nobody_was_disturbed,
    ]
    sys.exit(ring.run(cases, keep=[scratch / "modern-provider.log", scratch / "modern-server.log"]))
