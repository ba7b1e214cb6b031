"""Secrets stay secret: every command, as loud as it can be, and every failure; then everything is searched (S44).

Run inside `tests/with-keyring.sh` with KEYWARD_BIN set. All that is said between the binary and the sandbox goes through a
relay that writes it down, so that each token, code, verifier and secret of the run is known; others are planted.
"""

import base64
import itertools
import json
import os
import re
import resource
import secrets
import signal
import subprocess
import sys
import urllib.parse
import urllib.request

# The first of these finds `ring` for the others.
from stage import HOST, RENEW, harvest, keyward, known, login, order, plant, planted_bearer, planted_key, planted_secret, register
from stage import answer, remote, sandbox, scratch, tavily, temporary, url
import failures
import ring
from found import IN_THE_ADDRESS, NAMES, Secrets, forms, issued
from person import Person
from ring import Skip, needs, same, talk
from watched import Text, files


# ---- cases, in order


def the_search_finds_every_form():
    """A planted secret is found in each of its forms, and nothing is found where there is none."""
    secret = secrets.token_urlsafe(30)
    lone = Secrets()
    lone.add("planted", secret)
    inner = base64.b64encode(b"ada:" + secret.encode())
    for text in [*(needle for _, needle in forms(secret)), inner, f"x={secret}&y".encode(), secret[:12].encode()]:
        assert lone.found(b"before " + text + b" after"), text
    same(lone.found(secret[:8].encode()), [])
    kinds = dict(issued(f"POST / HTTP/1.1\r\nAuthorization: Bearer {secret}\r\n\r\ncode={secret[::-1]}&state=short".encode()))
    same(kinds, {"access_token": secret, "code": secret[::-1]})


def a_relay_is_there():
    """The sandbox answers through the relay."""
    if not sandbox:
        raise Skip("this machine gives nobody a network of their own")
    same(urllib.request.urlopen(f"{sandbox['issuer']}/jwks", timeout=10).status, 200)


def configuration():
    document = ('backend = "remote"', f'url = "{remote}"', 'scopes = ["openid", "offline_access", "sandbox:read"]')
    entries = {name: list(document) for name in ("box", "pasted", "gadget", "filed", "lost", "plain", "supplied", "broken")}
    entries["bound"] = [*document, "dpop = true"]
    entries["pushed"] = [*document, "par = true"]
    entries["tavily"] = [f'url = "{tavily}"']
    entries["far"] = ['backend = "remote"', 'url = "https://far.example/mcp"']
    robot = register(grant_types=["client_credentials"], token_endpoint_auth_method="client_secret_basic", scope="sandbox:read")
    entries["robot"] = [*document[:2], 'way = "client-credentials"', f'client_id = "{robot["client_id"]}"', 'scopes = ["sandbox:read"]']
    entries["stranger"] = [*document[:2], 'way = "client-credentials"', 'client_id = "nobody"', 'scopes = ["sandbox:read"]']
    keyward.config("\n".join(f"[connections.{name}]\n" + "\n".join(lines) for name, lines in entries.items()))
    return robot["client_secret"]


@needs(a_relay_is_there)
def every_login():
    """Logins by a browser, a paste, a device, a client's own secret, a key, a bearer token; with DPoP, PAR and a file."""
    secret = configuration()
    for name in ("box", "lost", "bound", "pushed", "broken"):
        login(name).must()
    login("box", "--json").must()
    login("filed", "--store", "file").must()
    login("robot", "--client-secret", text=secret).must()
    login("stranger", "--client-secret", text=planted_secret).must(5)
    login("tavily", "--api-key", text=planted_key).must()
    login("plain", "--bearer", text=planted_bearer)
    login("box", "--dry-run").must()
    login("https://ada@far.example/mcp")
    login("far").must(7)
    pasted()
    with_a_device()


def pasted():
    words = ("login", "pasted", "--paste", "--no-browser", "--timeout", "30")
    process = keyward.begin(*words, stdin=-1)
    # The address is read where a person reads it, byte by byte: the rest is for the end.
    shown = b""
    while not (found := re.search(rb"(http://\S+/authorize\?\S+)\s", shown)):
        piece = os.read(process.stderr.fileno(), 1)
        assert piece, shown
        shown += piece
    keyward.texts.append(Text("standard error of a paste", shown, address=True))
    process.stdin.write(end_of_the_way(found[1].decode()).encode() + b"\n")
    process.stdin.flush()
    keyward.end(process, words).must()


def end_of_the_way(address):
    """Where a browser ends that cannot reach this machine."""
    person, data = Person(), None
    while True:
        address, data = person.step(address, *person.fetch(address, data))
        if urllib.parse.urlsplit(address).path == "/callback":
            return address


def with_a_device():
    words = ("login", "gadget", "--device", "--json", "--timeout", "30")
    process = keyward.begin(*words)
    line = process.stdout.readline()
    keyward.texts.append(Text("the event of a device", line, address=True))
    order(device={"user_code": json.loads(line)["user_code"], "decision": {"allow": "ada"}})
    keyward.end(process, words).must()


@needs(every_login)
def every_command():
    """Every command that reads, calls or shows something."""
    for line in ["status", "status box", "status --json", "tools", "tools --refresh", "tools --json", "config path", "config show"]:
        keyward(*line.split()).must()
    for name in ("box", "robot", "supplied"):
        keyward("status", name, "--verify")
        keyward("token", name, "--claims", "--verify")
    for form in ([], ["--json"], ["--header"], ["--env"], ["--env=T"]):
        for name in ("box", "bound", "robot", "filed", "supplied", "tavily"):
            keyward("token", name, *form, answer=True).must()
    for name in ("box", "bound", "pushed", "robot", "filed", "lost"):
        keyward("token", name, *RENEW, answer=True)
        keyward("call", f"{name}_whoami").must()
    keyward("call", "box_echo", "text=hello", "--json").must()
    for line in ["call box_echo", "call box_fail", "call box_needs_more", "call plain_whoami", "call supplied_whoami", "call nothing"]:
        assert keyward(*line.split()).code != 0, line
    keyward("call", "tavily_search", "query=oauth").must()
    keyward("call", "tavily_search", "query=fake:500")
    for line in ["doctor", "doctor box", "doctor --as-host", "doctor --json"]:
        keyward(*line.split(), seconds=90)
    keyward("config", "set", "connections.box.url", f"http://ada:{plant('password in an address')}@127.0.0.1/mcp")
    keyward("config", "set", "connections.scratch.url", remote).must()
    keyward("config", "unset", "connections.scratch").must()
    for line in ["completions bash", "man", "man login", "install --list", "install cursor --yes", "install cursor --uninstall --yes"]:
        keyward(*line.split()).must()
    keyward("setup", "--connect", "tavily", "--try", "tavily_search:query=hello", "--yes").must()
    keyward("demo", "--no-browser", "--timeout", "10", seconds=90)
    keyward("sandbox", "--port", url.rsplit(":", 1)[1])


@needs(every_login)
def every_helper():
    """The helpers of git, docker and kubectl get, store and erase."""
    host = urllib.parse.urlsplit(url).netloc
    wanted = f"protocol=http\nhost={host}\ncapability[]=authtype\n\n"
    token = keyward("token", "box", answer=True).out.strip()
    keyward("credential", "git", "box", "get", text=wanted, answer=True).must()
    for operation in ("store", "erase"):
        keyward("credential", "git", "box", operation, text=wanted.replace("\n\n", f"\npassword={token}\n\n"))
    keyward("credential", "git", "box", "get", text=f"nonsense {planted_bearer}\n")
    for name, operation in itertools.product(("box", "filed"), ("get", "list", "store", "erase", "version")):
        text = json.dumps({"ServerURL": remote, "Username": "<token>", "Secret": token}) if operation == "store" else remote
        keyward("credential", "docker", operation, text=text, answer=operation == "get")
    keyward("credential", "docker", "store", text=json.dumps({"ServerURL": remote, "Username": "ada", "Secret": planted_bearer}))
    keyward("credential", "kubectl", "box", answer=True)
    keyward("credential", "kubectl", "box", env={"KUBERNETES_EXEC_INFO": "{"})


@needs(every_login)
def serving():
    """`serve` answers calls over pipes, renews, and says what does not work."""
    process = keyward.begin("serve", stdin=-1)
    tools = ["box_whoami", "bound_whoami", "robot_whoami", "filed_whoami", "plain_whoami", "box_needs_more", "keyward_status", "tavily_search"]
    messages = [{"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": HOST}, {"jsonrpc": "2.0", "method": "notifications/initialized"}]
    messages += [{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}]
    said = talk(process, messages)
    order(expire_access_tokens=True)
    calls = [
        {"jsonrpc": "2.0", "id": 10 + number, "method": "tools/call", "params": {"name": name, "arguments": {"query": "x"} if "search" in name else {}}}
        for number, name in enumerate(tools)
    ]
    said |= talk(process, calls)
    keyward.texts.append(Text("what `serve` answers", json.dumps(said).encode()))
    assert not said[10]["result"].get("isError"), said[10]
    process.stdin.close()
    process.stdin = None
    keyward.end(process, ("serve",)).must()


@needs(serving)
def crashing():
    """`serve` is aborted with tokens in its memory, where cores may be as large as they get."""
    resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
    process = keyward.begin("serve", stdin=-1)
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "box_whoami", "arguments": {}}}
    talk(process, [{"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": HOST}, call])
    process.send_signal(signal.SIGABRT)
    keyward.end(process, ("serve",)).must(-signal.SIGABRT)


@needs(every_login)
def every_logout():
    """Logins end at the provider and here, also where one of the two fails."""
    order(faults={"answers": {"revoke": answer(500, f"<html>{planted_bearer}</html>")}})
    keyward("logout", "pasted")
    order(faults={})
    keyward("logout", "gadget", "--local-only").must()
    keyward("logout", "pushed", "--end-session", "--no-browser")
    keyward("logout", "box", "--forget-client").must()
    keyward("logout", "--all", "--json")


@needs(every_login)
def nothing_was_left_out():
    """Every command of the help was run, every kind of secret was issued, and children were seen."""
    harvest()

    def listed(*words):
        text = subprocess.run([keyward.program, *words, "--help"], env=keyward.env, capture_output=True, text=True).stdout
        block = re.search(r"^Commands:\n((?:  .*\n)+)", text, re.M)
        return re.findall(r"^  (\w+) ", block[1], re.M) if block else []

    commands = {(one,) for one in listed()} | {(one, two) for one in ("config", "credential") for two in listed(one)}
    same(sorted(one for one in commands if one not in keyward.words and one[-1] != "help"), [], "commands that were not run")
    kinds = {kind for kind in known.kinds.values()}
    absent = set(NAMES) - kinds - {"token", "assertion", "id_token_hint", "client_assertion"}
    same(absent, set(), "kinds of secrets that were never on the wire")
    assert keyward.children >= 10, f"only {keyward.children} programs were seen that the binary has started"


def check(texts):
    shown = known.of_kinds(IN_THE_ADDRESS)
    asked = [secret for secret, kind in known.kinds.items() if kind == "access_token" or kind.startswith("planted")]
    typed = known.of_kinds(["planted password in an address"])
    # The person's proxy is there for all their programs.
    common = known.of_kinds(["planted proxy password"])
    leaks = set()
    for text in texts:
        allowed = (shown if text.address else []) + (asked if text.answer else [])
        allowed += typed if text.where.startswith("its own arguments") else []
        allowed += common if text.where.startswith("a child's environment") else []
        leaks.update(f"{text.where}: {kind}, {form}" for kind, form in known.found(text.data, allowed))
    for leak in sorted(leaks):
        print(f"note leak: {leak}", flush=True)
    assert not leaks, f"{len(leaks)} leaks, the first: {sorted(leaks)[0]}"


@needs(nothing_was_left_out)
def s44_no_output_holds_a_secret():
    """No secret of the run is in what any command printed."""
    check(text for text in keyward.texts if not text.where.startswith(("its own", "a child's")))


@needs(nothing_was_left_out)
def s44_no_argument_holds_a_secret():
    """No secret of the run is in the arguments of any process, or in the environment of one that was started."""
    check(text for text in keyward.texts if text.where.startswith(("its own", "a child's")))


@needs(nothing_was_left_out)
def s44_no_file_holds_a_secret():
    """No secret of the run is in a file: configuration, state, audit log, temporary files, the keychain's own, a core."""
    texts = list(files(keyward.home, temporary, os.environ["HOME"], os.environ["XDG_RUNTIME_DIR"]))
    assert any("audit.jsonl" in text.where for text in texts), "no audit log was written"
    check(texts)


if __name__ == "__main__":
    cases = [
        the_search_finds_every_form,
        a_relay_is_there,
        every_login,
        every_command,
        every_helper,
        serving,
        crashing,
        needs(every_login)(failures.bad_token_answers),
        needs(every_login)(failures.servers_that_repeat_what_was_sent),
        needs(every_login)(failures.lies),
        needs(every_login)(failures.a_store_in_trouble),
        every_logout,
        nothing_was_left_out,
        s44_no_output_holds_a_secret,
        s44_no_argument_holds_a_secret,
        s44_no_file_holds_a_secret,
    ]
    sys.exit(ring.run(cases, keep=[scratch / "sandbox.log"]))
