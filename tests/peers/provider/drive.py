"""The binary against an authorization server and a protected MCP server that nobody here wrote.

Run inside `tests/with-keyring.sh`, with KEYWARD_BIN, PEERS_NODE, PEERS_NODE_BIN, PEERS_LEGACY and PEERS_MODERN set as
`tests/run` does. What happened is read from the provider's own record, not from what the binary says about itself.
"""

import base64
import json
import os
import subprocess
import sys
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from peers import Keyward, Peers, eventually, here, person, python, ring, same, scratch
from ring import needs

SHORT, LONG = 3, 600

modern = Peers("modern", python)
person_log = scratch / "person.jsonl"
unwanted_log = scratch / "unwanted.jsonl"
# Whatever is not a login finds this person: each visit is a line, and a line is a failure.
keyward = Keyward(BROWSER=person, PERSON_LOG=str(unwanted_log), PERSON_PRESS="deny")
connection = None


def login(target, press="allow", who=keyward):
    person_log.write_text("")
    return who("login", target, env={"PERSON_LOG": str(person_log), "PERSON_PRESS": press, "PERSON_NAME": "ada"})


def named(url, who=keyward):
    """The connection that the configuration has for this address."""
    written = tomllib.loads((who.home / "config.toml").read_text())["connections"]
    names = [name for name, value in written.items() if value.get("url") == url]
    same(len(names), 1, "connections with that address")
    return names[0]


def page():
    """The last page that the person saw."""
    return json.loads(eventually(lambda: person_log.read_text().strip(), "the person's last page").splitlines()[-1])


def find(value, key):
    """Every value under this key, at any depth."""
    if isinstance(value, dict):
        own = [value[key]] if key in value else []
        return own + [found for inner in value.values() for found in find(inner, key)]
    if isinstance(value, list):
        return [found for inner in value for found in find(inner, key)]
    return []


def tool(name, who=keyward):
    """The name under which a tool of the protected server is offered."""
    offered = [n for n in find(who("tools", "--json").must().json(), "name") if isinstance(n, str)]
    names = [n for n in offered if n == name or n.endswith((f"_{name}", f"-{name}"))]
    assert len(names) == 1, f"one tool for {name!r} in {offered}"
    return names[0]


def spoil():
    """Leaves the connection with a fresh grant whose access token has expired; the next token lives long."""
    modern.set("fault", next="")
    modern.lifetime(SHORT)
    login(modern.url).must()
    time.sleep(SHORT + 0.5)
    modern.lifetime(LONG)


def refreshes(work):
    """Does the work and returns the renewals that the provider saw meanwhile."""
    before = len(modern.records("refreshed"))
    bad = len(modern.records("token refused", "grant revoked"))
    work()
    same(modern.records("token refused", "grant revoked")[bad:], [], "refusals and revocations at the provider")
    return modern.records("refreshed")[before:]


def grants():
    """The grants in the private keychain, as another program sees them. Registered clients stay after a logout."""
    seen = subprocess.run(["secret-tool", "search", "--all", "service", "keyward"], capture_output=True, text=True, timeout=10)
    lines = (seen.stdout + seen.stderr).splitlines()
    return sorted(line.split(" = ", 1)[1] for line in lines if line.startswith("attribute.username = grant "))


def claims(token):
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


# ---- cases, in order


def stranger_logs_in_and_renews():
    """These peers let an independent client log in, call and renew."""
    modern.lifetime(SHORT)
    done = subprocess.run([python, here / "stranger.py", modern.url], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    same(
        json.loads(done.stdout),
        {"tools": ["add", "broken", "slow", "whoami"], "sum": {"total": 3}, "again": "ada", "rotated": True, "page": "done"},
    )
    modern.lifetime(LONG)


def login_by_address():
    """`login URL` with an empty configuration logs in, names the connection and shows the person a page."""
    global connection
    seen = len(modern.records())
    done = login(modern.url).must()
    same(done.out, "", "standard output")
    new = modern.records()[seen:]
    registered = [r for r in new if r["event"] == "registered"]
    same(len(registered), 1, "registrations")
    same(registered[0]["kind"], "native", "kind of client")
    authorized = [r for r in new if r["event"] == "authorized"]
    same([(r["method"], r["resource"], r["client"]) for r in authorized], [("S256", modern.url, registered[0]["client"])])
    assert authorized[0]["redirect"].startswith("http://127.0.0.1:"), authorized
    same([r["resource"] for r in new if r["event"] == "exchanged"], [modern.url], "resource of the exchange")
    same(page()["status"], 200, "status of the last page")
    connection = named(modern.url)


@needs(login_by_address)
def nothing_in_clear_text():
    """No token, code or verifier is in any file below the home folder, and the keychain has the grant."""
    for path in keyward.home.rglob("*"):
        if path.is_file():
            text = path.read_bytes()
            for mark in (b"eyJ", b"refresh_token", b"access_token", b"code_verifier"):
                assert mark not in text, f"{mark!r} in {path}"
    assert [name for name in grants() if connection in name], f"only {grants()} in the keychain"


@needs(login_by_address)
def status_tells_who():
    """`status --json` is one object that starts with schema_version and names the connection."""
    done = keyward("status", "--json").must()
    same(list(done.json())[0], "schema_version", "first member")
    assert connection in done.out, done.out


@needs(login_by_address)
def tools_are_listed():
    """`tools --json` offers the four tools of the protected server."""
    for name in ("add", "broken", "slow", "whoami"):
        tool(name)


@needs(tools_are_listed)
def call_with_structure():
    """`call add a=1 b=2` answers with the server's structured result."""
    done = keyward("call", tool("add"), "a=1", "b=2", "--json").must()
    assert 3 in find(done.json(), "total"), done.out
    same(modern.calls("called")[-1]["subject"], "ada", "who called")


@needs(tools_are_listed)
def call_with_progress():
    """A tool that reports progress gives its last word on standard output."""
    assert "counted to 3" in keyward("call", tool("slow"), "steps=3").must().out


@needs(tools_are_listed)
def call_that_fails():
    """A failing tool ends with an exit code other than 0 and the server's text."""
    done = keyward("call", tool("broken"))
    assert done.code != 0 and "refuses on purpose" in done.out + done.err, str(done)


@needs(tools_are_listed)
def one_call_one_renewal():
    """A call after expiry renews once, and no expired token reaches the server."""
    spoil()
    refused = len(modern.calls("token refused"))
    seen = refreshes(lambda: keyward("call", tool("whoami")).must())
    same(len(seen), 1, "renewals")
    same(seen[0]["resource"], modern.url, "resource of the renewal")
    same(modern.calls("token refused")[refused:], [], "tokens that the server refused")


@needs(one_call_one_renewal)
def two_processes_one_renewal():
    """Two processes on one expired grant make one renewal, and both calls succeed."""
    name = tool("whoami")
    spoil()
    seen = refreshes(lambda: [done.must() for done in keyward.together(*[("call", name)] * 2)])
    same(len(seen), 1, "renewals")


@needs(one_call_one_renewal)
def eight_tokens_one_renewal():
    """Eight `token` commands at once on one expired grant make one renewal and print the same token."""
    spoil()
    printed = []

    def work():
        printed.extend(done.must().out for done in keyward.together(*[("token", connection, "--min-validity", "5")] * 8))

    same(len(refreshes(work)), 1, "renewals")
    same(len(set(printed)), 1, "different tokens")
    token = claims(printed[0].strip())
    same((token["aud"], token["iss"], token["sub"]), (modern.url, modern.issuer, "ada"))
    assert token["exp"] - time.time() > 5, token


@needs(one_call_one_renewal)
def servers_share_one_renewal():
    """Two `serve` processes with four calls each on one expired grant make one renewal, and no call fails."""
    name = tool("whoami")
    spoil()
    hello = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "ring", "version": "1"}}}
    call = {"jsonrpc": "2.0", "method": "tools/call", "params": {"name": name, "arguments": {}}}
    lines = [hello, {"jsonrpc": "2.0", "method": "notifications/initialized"}] + [{**call, "id": n} for n in range(1, 5)]

    def work():
        running = [keyward.start("serve", stdin=subprocess.PIPE) for _ in range(2)]
        with ThreadPoolExecutor() as pool:
            spoken = list(pool.map(lambda process: ring.talk(process, lines), running))
        for process, answers in zip(running, spoken):
            for n in range(1, 5):
                result = answers[n].get("result", {})
                assert not result.get("isError") and "ada" in json.dumps(result), answers[n]
            done = keyward.finish(process, ("serve",), 10)
            same(done.code, 0, "exit code after the end of standard input")

    same(len(refreshes(work)), 1, "renewals")


@needs(one_call_one_renewal)
def outage_is_not_an_end():
    """A 503 from the token endpoint keeps the grant: the command fails as an outage and a later one succeeds."""
    spoil()
    modern.set("fault", next="503")
    done = keyward("token", connection)
    # Retrying within the command is as good as failing with the code of an outage.
    assert done.code in (0, 7, 8), str(done)
    same(len(modern.records("fault")), 1, "faults")
    eventually(lambda: keyward("token", connection).code == 0, "a token after the outage", 30)


@needs(login_by_address)
def denial_keeps_the_old_grant():
    """Pressing deny ends `login` with 4, on a page that claims no success, and leaves the old grant in place."""
    refused = len(modern.records("authorization refused"))
    done = login(modern.url, press="deny").must(4)
    same([r["error"] for r in modern.records("authorization refused")[refused:]], ["access_denied"])
    said = f"{page()['title']} {page()['text']}".lower()
    assert any(word in said for word in ("denied", "not given", "not allowed", "said no", "refused", "declined")), said
    assert "signed in" not in said and "logged in" not in said, said
    keyward("token", connection).must()


@needs(one_call_one_renewal)
def lost_answer_needs_a_login():
    """A rotation whose answer was lost is found out at the next renewal: exit 3 with the command that helps."""
    spoil()
    modern.set("fault", next="drop")
    first = keyward("token", connection)
    assert first.code in (3, 7, 8), str(first)
    same(len([r for r in modern.records("fault") if r["kind"] == "drop"]), 1, "lost answers")
    done = eventually(lambda: (d := keyward("token", connection)).code == 3 and d, "exit code 3", 30)
    assert "keyward login" in done.err, done.err
    login(modern.url).must()
    keyward("token", connection).must()


@needs(one_call_one_renewal)
def ended_sessions_are_remembered():
    """A grant that the provider ended is reported with 3, and asked for once only."""
    spoil()
    modern.set("forget")
    keyward("token", connection).must(3)
    asked = len(modern.records("token refused"))
    keyward("token", connection).must(3)
    same(len(modern.records("token refused")), asked, "token requests after the answer is known")
    login(modern.url).must()


@needs(one_call_one_renewal)
def renewable_under_the_oidc_rule():
    """Where a refresh token needs `offline_access` and `prompt=consent`, the login asks for both."""
    modern.set("refresh-tokens", rule="offline")
    try:
        keyward("logout", connection).must()
        login(modern.url).must()
        spoil()
        same(len(refreshes(lambda: keyward("token", connection).must())), 1, "renewals")
    finally:
        modern.set("refresh-tokens", rule="always")


@needs(login_by_address)
def json_errors():
    """A failure with --json is one object with the error's code, exit, message and hint."""
    done = keyward("token", "nowhere-to-be-found", "--json")
    assert done.code in (2, 5), str(done)
    body = done.json()
    same(list(body)[0], "schema_version", "first member")
    error = body["error"]
    same(error["exit"], done.code, "exit")
    assert {"code", "exit", "message", "hint"} <= set(error), error


@needs(login_by_address)
def logout_revokes_and_forgets():
    """`logout` revokes the grant at the provider, takes it out of the keychain, and `token` then ends with 3."""
    login(modern.url).must()
    assert grants(), "no grant in the keychain"
    revoked = len(modern.records("grant revoked"))
    keyward("logout", connection).must()
    same(len(modern.records("grant revoked")) - revoked, 1, "revocations")
    same(grants(), [], "grants in the keychain")
    done = keyward("token", connection).must(3)
    assert "keyward login" in done.err, done.err


def issuer_with_a_slash():
    """A server whose resource metadata writes the issuer with one more slash can be logged in to."""
    legacy = Peers("legacy", os.environ["PEERS_LEGACY"])
    other = Keyward(**{name: keyward.env[name] for name in ("BROWSER", "PERSON_LOG", "PERSON_PRESS")})
    same(login(legacy.url, who=other).must().out, "", "standard output")
    name = named(legacy.url, other)
    other("token", name).must()
    assert 3 in find(other("call", tool("add", other), "a=1", "b=2", "--json").must().json(), "total")
    other("logout", name).must()


@needs(login_by_address)
def nobody_was_disturbed():
    """No command but `login` opened a browser, and the provider met no error of its own."""
    same(unwanted_log.read_text() if unwanted_log.exists() else "", "", "visits")
    same(modern.records("server error"), [], "errors inside the provider")


if __name__ == "__main__":
    cases = [
        stranger_logs_in_and_renews,
        login_by_address,
        nothing_in_clear_text,
        status_tells_who,
        tools_are_listed,
        call_with_structure,
        call_with_progress,
        call_that_fails,
        one_call_one_renewal,
        two_processes_one_renewal,
        eight_tokens_one_renewal,
        servers_share_one_renewal,
        outage_is_not_an_end,
        denial_keeps_the_old_grant,
        lost_answer_needs_a_login,
        ended_sessions_are_remembered,
        renewable_under_the_oidc_rule,
        json_errors,
        logout_revokes_and_forgets,
        issuer_with_a_slash,
        nobody_was_disturbed,
    ]
    sys.exit(ring.run(cases, keep=[scratch / "modern-provider.log", scratch / "modern-server.log"]))
