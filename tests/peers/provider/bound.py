"""The binary where every token is bound to a key: peers that nobody here wrote verify each proof (bound.mjs).

Run inside `tests/with-keyring.sh`, with KEYWARD_BIN, PEERS_NODE and PEERS_NODE_BIN set as `tests/run` does. What happened
is read from the peers' own record.
"""

import base64
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent))
import ring
from ring import Keyward, http, needs, same, scratch

SHORT, LONG = 3, 600
_, peers = ring.start("bound", os.environ["PEERS_NODE_BIN"], here / "bound.mjs")
person_log, unwanted_log = scratch / "person.jsonl", scratch / "unwanted.jsonl"
person = f"{sys.executable} {here.parent / 'person.py'}"
keyward = Keyward(BROWSER=person, PERSON_LOG=str(unwanted_log), PERSON_PRESS="deny")
name = "bound"


def records(*events, since=0):
    return [r for r in http("GET", f"{peers['control']}/records")[since:] if not events or r["event"] in events]


def put(what, **query):
    http("POST", f"{peers['control']}/{what}?" + "&".join(f"{key}={value}" for key, value in query.items()))


def login(target=name, *arguments):
    person_log.write_text("")
    return keyward("login", target, *arguments, env={"PERSON_LOG": str(person_log), "PERSON_PRESS": "allow", "PERSON_NAME": "ada"})


def since(work):
    """What the peers saw during the work."""
    before = len(records())
    work()
    return records(since=before)


def claims(token):
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


# ---- cases, in order


def login_binds_the_token():
    """A login where the service wants bound tokens proves a key: code, access token and refresh token are bound to it."""
    seen = since(lambda: login(peers["resource"], "--name", name).must())
    same([r for r in seen if r["event"] in ("token refused", "server error")], [], "refusals")
    authorized = [r for r in seen if r["event"] == "authorized"]
    issued = [r for r in seen if r["event"] == "issued"]
    same((len(authorized), len(issued)), (1, 1))
    assert len(authorized[0]["jkt"]) == 43, authorized
    same((issued[0]["jkt"], issued[0]["refresh"]), (authorized[0]["jkt"],) * 2, "the key of the tokens")
    token = claims(keyward("token", name).must().out.strip())
    same(token["cnf"]["jkt"], authorized[0]["jkt"], "the key in the token itself")


@needs(login_binds_the_token)
def identity_is_verified():
    """The account in `status` comes from an identity token whose signature was made by the provider."""
    assert "ada@example.com" in keyward("status", name).must().out


@needs(login_binds_the_token)
def calls_are_proved():
    """Every call comes with a proof that an independent library accepts, event streams included."""
    seen = since(lambda: [keyward("call", f"{name}_whoami").must(), keyward("call", f"{name}_slow").must()])
    same([(r["tool"], r["subject"]) for r in seen if r["event"] == "called"], [("whoami", "ada"), ("slow", "ada")])
    same([r for r in seen if r["event"] == "call refused"], [], "refused calls")


@needs(login_binds_the_token)
def renewal_keeps_the_key():
    """A renewal proves the same key, and the new token is bound to it."""
    put("access-seconds", n=SHORT)
    login().must()
    key = records("issued")[-1]["jkt"]
    time.sleep(SHORT + 0.5)
    put("access-seconds", n=LONG)
    seen = since(lambda: keyward("call", f"{name}_whoami").must())
    same([(r["type"], r["jkt"], r["refresh"]) for r in seen if r["event"] == "issued"], [("refresh_token", key, key)])
    same([r for r in seen if r["event"] in ("token refused", "call refused")], [], "refusals")


@needs(login_binds_the_token)
def another_login_has_another_key():
    """Each login has a key of its own."""
    login().must()
    login().must()
    first, second = [r["jkt"] for r in records("issued")][-2:]
    assert first != second, "one key for two logins"


@needs(calls_are_proved)
def nonces_are_given():
    """Where both servers want nonces, each is asked once more, and a session uses the nonce of the last answer."""
    put("nonces", on="true")
    try:
        seen = since(lambda: login().must())
        same([r["error"] for r in seen if r["event"] == "token refused"], ["use_dpop_nonce"])
        same(len([r for r in seen if r["event"] == "issued"]), 1, "exchanges")
        hello = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "ring", "version": "1"}}}
        call = {"jsonrpc": "2.0", "method": "tools/call", "params": {"name": f"{name}_whoami", "arguments": {}}}
        server = keyward.start("serve", stdin=-1)
        ring.talk(server, [hello, {"jsonrpc": "2.0", "method": "notifications/initialized"}])
        for number in range(1, 6):
            answer = ring.talk(server, [{**call, "id": number}])[number]
            assert "ada" in json.dumps(answer) and not answer["result"].get("isError"), answer
        same(keyward.finish(server, ("serve",), 10).code, 0, "exit code after the end of standard input")
    finally:
        put("nonces", on="false")


@needs(login_binds_the_token)
def copied_token_is_worthless():
    """A token that was printed opens nothing without its key, neither as Bearer nor as DPoP."""
    printed = keyward("token", name, "--header").must().out.strip()
    assert printed.startswith("Authorization: DPoP "), "the header does not say that the token is bound"
    token = printed.split()[-1]
    thief = Keyward(**{f"KEYWARD_TOKEN_{name.upper()}": token})
    thief.config(f'[connections.{name}]\nbackend = "remote"\nurl = "{peers["resource"]}"\n')
    seen = since(lambda: thief("tools", "--refresh"))
    same([r for r in seen if r["event"] == "called"], [], "calls of the thief")
    assert [r["detail"] for r in seen if r["event"] == "call refused"], "the thief was not even refused"


@needs(login_binds_the_token)
def unbound_token_is_refused():
    """A provider that answers with a token for anybody is not believed where the service takes bound tokens only."""
    before = hashlib.sha256(keyward("token", name).must().out.encode()).hexdigest()
    put("bearer", on="true")
    try:
        done = login()
    finally:
        put("bearer", on="false")
    assert done.code == 8, str(done)
    same(hashlib.sha256(keyward("token", name).must().out.encode()).hexdigest(), before, "the login that was there before")


@needs(calls_are_proved)
def device_login_binds_the_token():
    """A login on another device binds its tokens to a key, too, needs no browser here, and never polls too early."""
    before = len(records())
    process = keyward.start("login", name, "--device", "--no-browser", "--json")
    for line in process.stdout:
        event = json.loads(line)
        if event.get("user_code"):
            break
    assert event["verification_uri"].startswith(peers["issuer"]), event
    # The person at the other device, who finds the code filled in and compares it.
    env = {**os.environ, "PERSON_PRESS": "allow", "PERSON_NAME": "ada", "PERSON_LOG": str(person_log)}
    subprocess.run([sys.executable, here.parent / "person.py", event["verification_uri_complete"]], env=env, timeout=30, check=True)
    done = keyward.finish(process, ("login", name, "--device"))
    same(done.code, 0, f"exit code of {done}")
    seen = records(since=before)
    issued = [r for r in seen if r["event"] == "issued"]
    same([r["type"] for r in issued], ["urn:ietf:params:oauth:grant-type:device_code"])
    assert issued[0]["jkt"] and issued[0]["refresh"] == issued[0]["jkt"], issued
    refused = {r["error"] for r in seen if r["event"] == "token refused"}
    assert refused <= {"authorization_pending"}, refused
    keyward("call", f"{name}_whoami").must()


@needs(login_binds_the_token)
def logout_revokes():
    """A logout ends the bound grant at the provider."""
    seen = since(lambda: keyward("logout", name).must())
    same(len([r for r in seen if r["event"] == "grant revoked"]), 1, "revocations")
    keyward("token", name).must(3)


def nobody_was_disturbed():
    """No command but `login` opened a browser, and no peer met an error of its own."""
    same(unwanted_log.read_text() if unwanted_log.exists() else "", "", "visits")
    same(records("server error"), [], "errors inside the provider")


if __name__ == "__main__":
    cases = [
        login_binds_the_token,
        identity_is_verified,
        calls_are_proved,
        renewal_keeps_the_key,
        another_login_has_another_key,
        nonces_are_given,
        copied_token_is_worthless,
        unbound_token_is_refused,
        device_login_binds_the_token,
        logout_revokes,
        nobody_was_disturbed,
    ]
    sys.exit(ring.run(cases, keep=[scratch / "bound.log"]))
