"""Documents behind nginx, which knows the files and checks the token, and keyward's answers from there.

Run with KEYWARD_BIN set. nginx is Debian's, unmodified: `ETag`, `Last-Modified` and 304 are its own.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent))
import ring
from ring import Keyward, eventually, needs, same

TOKEN, OTHER = "canary-token-of-alice", "canary-token-of-bob"
home = ring.scratch / "nginx"
site = home / "site"
stranger = home / "stranger"
for folder in (site / "docs/checklists", site / "docs/processes", stranger, home / "tmp"):
    folder.mkdir(parents=True)
port = ring.free_port()
log = home / "access.log"


def configure(*tokens):
    """nginx, for whoever shows one of these tokens."""
    allowed = " ".join(f'"Bearer {token}" 1;' for token in tokens)
    temporary = " ".join(
        f"{kind}_temp_path {home}/tmp/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (home / "nginx.conf").write_text(
        f"""
        {'user root;' if os.geteuid() == 0 else ''} daemon off; pid {home}/pid; error_log {home}/error.log;
        events {{}}
        http {{
          {temporary}
          types {{ text/markdown md; application/json json; }}
          log_format seen '$status $uri $http_if_none_match';
          access_log {log} seen;
          map $http_authorization $allowed {{ default 0; {allowed} }}
          server {{
            listen 127.0.0.1:{port};
            root {site};
            location = /docs/moved.md {{ return 302 http://127.0.0.1:{port}/stranger/token; }}
            location /stranger/ {{ root {home}; }}
            location /docs/ {{ if ($allowed = 0) {{ return 401; }} }}
          }}
        }}"""
    )


def answers():
    try:
        ring.urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2)
    except ring.urllib.error.HTTPError:
        return True
    except OSError:
        return False


def nginx():
    # Debian keeps it where only the administrator looks.
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    process = ring.background("nginx", program, "-e", home / "error.log", "-c", home / "nginx.conf", "-p", home)
    eventually(answers, "the start of nginx")
    return process


def write(path, text):
    (site / "docs" / path).write_text(text)


def listed():
    entries = [
        {"kind": "checklists", "path": "checklists/release.md", "name": "Release", "description": "Before a release"},
        {"kind": "processes", "path": "processes/rollback.md", "name": "Rollback"},
        {"kind": "processes", "path": "moved.md", "name": "Moved"},
        {"kind": "processes", "path": "../secret.md", "name": "Secret"},
    ]
    write("index.json", json.dumps({"documents": entries}))


listed()
write("checklists/release.md", "---\nname: x\n---\n# Release\n\n- [ ] green\n")
write("processes/rollback.md", "1. perform a rollback\n")
(site / "secret.md").write_text("canary-secret")
(stranger / "token").write_text("canary-stranger")
configure(TOKEN)
server = nginx()


def program(token=TOKEN, base=None):
    """A keyward whose connection leads to nginx."""
    made = Keyward(home=base, **{"KEYWARD_TOKEN_DOCS": token})
    made.config(
        f'[connections.docs]\nbackend = "documents"\nway = "oauth"\nurl = "http://127.0.0.1:{port}/docs/index.json"\n'
    )
    return made


keyward = program()


def call(tool, made=keyward, code=0, **arguments):
    done = made("call", f"docs_{tool}", "--arguments", json.dumps(arguments), "--json").must(code)
    return done.json()["structured"] if code == 0 else json.dumps(done.json()["error"])


def seen(since=0):
    return log.read_text().splitlines()[since:]


def copies():
    return [path for path in keyward.home.rglob("copies/docs/*") if path.is_file()]


def documents_are_read():
    """A list and a document are read with the token, and what leads elsewhere is left out."""
    found = call("list_checklists")
    same(found["checklists"], [{"name": "Release", "description": "Before a release"}])
    same([one["file"] for one in found["skipped"]], ["../secret.md"])
    same(call("get_checklist", name="release")["content"], "# Release\n\n- [ ] green\n")
    found = call("search_processes", keyword="rollback")
    same([(one["name"], one["relevance_score"]) for one in found["results"]], [("Rollback", 110)])


@needs(documents_are_read)
def the_same_is_not_sent_again():
    """What nginx calls the same is not sent again, and a change is seen by the next call."""
    before = len(seen())
    call("get_checklist", name="release")
    lines = seen(before)
    same([line.split()[:2] for line in lines], [["304", "/docs/index.json"], ["304", "/docs/checklists/release.md"]])
    assert all(len(line.split()) == 3 for line in lines), f"no mark of nginx was sent back: {lines}"
    write("checklists/release.md", "# Release\n\n- [ ] changed\n")
    same(call("get_checklist", name="release")["content"], "# Release\n\n- [ ] changed\n")


@needs(documents_are_read)
def no_redirect_is_followed():
    """A document that is somewhere else is not fetched from there."""
    before = len(seen())
    error = call("get_process", code=8, name="moved")
    assert "redirects" in error, error
    assert not any("/stranger/" in line for line in seen(before)), seen(before)


@needs(documents_are_read)
def copies_are_private():
    """Nobody but the person can read a copy, and no copy holds the token."""
    assert copies()
    for path in copies():
        same(oct(path.stat().st_mode & 0o777), "0o600", str(path))
        same(oct(path.parent.stat().st_mode & 0o777), "0o700", str(path))
        assert TOKEN.encode() not in path.read_bytes()


@needs(the_same_is_not_sent_again)
def a_copy_answers_without_the_service():
    """When nginx is gone the copy answers and says how old it is, to nobody but who may see it."""
    global server
    ring.stop(server)
    found = call("get_checklist", name="release")
    same(found["content"], "# Release\n\n- [ ] changed\n")
    assert any("a copy that is" in note for note in found["notes"]), found
    call("get_checklist", program(OTHER, keyward.home), code=7, name="release")
    server = nginx()
    assert "notes" not in call("get_checklist", name="release")


@needs(a_copy_answers_without_the_service)
def a_withdrawn_token_ends_the_copies():
    """After nginx has refused the token once, no copy answers, whether nginx is there or not."""
    global server
    ring.stop(server)
    configure(OTHER)
    server = nginx()
    call("get_checklist", code=3, name="release")
    same(copies(), [])
    ring.stop(server)
    call("get_checklist", code=7, name="release")
    configure(TOKEN)
    server = nginx()
    same(call("get_checklist", name="release")["name"], "Release")


@needs(documents_are_read)
def serve_offers_them():
    """A host lists, reads and searches them through serve, as tools, resources and prompts."""
    process = keyward.start("serve", stdin=subprocess.PIPE)
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "ring", "version": "1"}}

    def ask(number, method, **params):
        return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}

    first = ring.talk(process, [ask(1, "initialize", **hello)])
    assert {"tools", "resources", "prompts"} <= set(first[1]["result"]["capabilities"]), first
    found = ring.talk(
        process,
        [
            {"jsonrpc": "2.0", "method": "notifications/initialized"},
            ask(2, "tools/call", name="docs_search_documents", arguments={"query": "changed release"}),
            ask(3, "resources/read", uri="keyward://docs/checklists/Release"),
            ask(4, "prompts/get", name="docs_process", arguments={"name": "rollback"}),
            ask(5, "resources/read", uri="keyward://docs/checklists/nothing"),
        ],
    )
    same(found[2]["result"]["structuredContent"]["results"][0]["name"], "Release")
    assert found[3]["result"]["contents"][0]["text"].startswith("# Release"), found[3]
    assert "perform a rollback" in json.dumps(found[4]), found[4]
    assert "error" in found[5], found[5]
    ring.stop(process)


def folders_are_read_by_serve():
    """Files in a folder are seen as they are at each call of one running serve."""
    folder = ring.scratch / "papers"
    (folder / "checklists").mkdir(parents=True)
    made = Keyward()
    made("config", "set", "connections.documents.folders", str(folder)).must(0)
    process = made.start("serve", stdin=subprocess.PIPE)
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "ring", "version": "1"}}
    ring.talk(process, [{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}])
    for number, text in enumerate(("one", "two", "six"), start=2):
        (folder / "checklists/a.md").write_text(text)
        call = {"name": "documents_get_checklist", "arguments": {"name": "A"}}
        found = ring.talk(process, [{"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": call}])
        same(found[number]["result"]["structuredContent"]["content"], text)
    ring.stop(process)


sys.exit(
    ring.run(
        [
            documents_are_read,
            the_same_is_not_sent_again,
            no_redirect_is_followed,
            copies_are_private,
            a_copy_answers_without_the_service,
            a_withdrawn_token_ends_the_copies,
            serve_offers_them,
            folders_are_read_by_serve,
        ],
        keep=[ring.scratch / "nginx.log", home / "error.log"],
    )
)
