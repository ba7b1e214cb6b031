"""The stand-in for a CTERA Portal, driven by the vendor's own library `cterasdk`, which nobody here wrote; and keyward's
tools beside it, which must see and do the same.

Run with KEYWARD_BIN set and the interpreter that has it. It runs unmodified: a gate gives it the host with TLS that it
wants. What it makes of the answers is compared in its own models.
"""

import base64
import json
import os
import re
import sys
import threading
import time
import urllib.request
import zipfile
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent))
import ring
from ring import Keyward, http, needs, same, scratch

keyward = Keyward(KEYWARD_STORE_PASSPHRASE="of this ring only")
_, sandbox = ring.start("sandbox", keyward.program, "sandbox", "--json")
_, gate = ring.start("gate", sys.executable, here / "gate.py", sandbox["url"], scratch)
os.environ["HOME"] = str(scratch)

import cterasdk.settings
from cterasdk import GlobalAdmin, ServicesPortal
from cterasdk.core.types import ConflictResolver, FilenameFilter, TypeFilter
from cterasdk.exceptions.auth import AuthenticationError
from cterasdk.exceptions.io import core as io_errors
from cterasdk.exceptions.session import SessionExpired

# The gate's certificate is one that nobody signed, as an appliance's is at first.
cterasdk.settings.core.syn.settings.connector.ssl = False


def received():
    return http("GET", f"{sandbox['url']}/ctera/received")


def order(**what):
    """Tells the stand-in how to behave from now on."""
    body = json.dumps(what).encode()
    request = urllib.request.Request(f"{sandbox['url']}/ctera/control", data=body, headers={"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def portal(name, kind=ServicesPortal):
    """Somebody's session of the library."""
    session = kind("127.0.0.1", gate["port"])
    session.login(name, f"{name}-p&ss%")
    return session


def tool(name, **arguments):
    """What one of keyward's own tools answers, or the error."""
    done = keyward("call", f"portal_{name}", "--arguments", json.dumps(arguments), "--json")
    answer = done.json()
    return answer["error"] if "error" in answer else answer["structured"]


def fails(kind, call, cause=None):
    """The call fails with an error of this kind, which comes from one of that kind."""
    try:
        call()
    except kind as error:
        assert cause is None or isinstance(error.__cause__, cause), f"{error!r} comes from {error.__cause__!r}"
        return error
    raise AssertionError(f"no {kind.__name__}")


def names(resources):
    return [resource.path.name for resource in resources]


def read(session, path):
    return b"".join(session.files.handle(path).iter_content())


def fresh():
    """A stand-in as at the start, and alice in it."""
    order(reset=True)
    return portal("alice")


# ---- signing in


def sessions_begin_and_end():
    """cterasdk logs in, learns who it is, and logs out; a wrong password is told."""
    alice = fresh()
    account = alice.session().account
    same((account.name, account.tenant, account.role.name), ("alice", "acme", "EndUser"))
    alice.logout()
    same((received()["counts"], received()["sessions"]), ({"logins": 1, "logouts": 1}, 0))
    fails(AuthenticationError, lambda: ServicesPortal("127.0.0.1", gate["port"]).login("alice", "wrong"))


def sessions_expire():
    """cterasdk tells an expired session, and only by the form of Location that it knows."""
    alice = fresh()
    order(expire=True)
    fails(SessionExpired, lambda: list(alice.files.listdir("My Files")))
    alice = portal("alice")
    order(expire=True, location="entra")
    fails(SessionExpired, lambda: list(alice.files.listdir("My Files")))
    # Anywhere else it follows, and takes the page for an answer without a value.
    alice = portal("alice")
    order(expire=True, location="admin")
    fails(AttributeError, lambda: list(alice.files.listdir("My Files")))


def sessions_are_taken_over():
    """cterasdk goes on in a session that was opened elsewhere."""
    alice = fresh()
    other = ServicesPortal("127.0.0.1", gate["port"])
    other.set_session_id(alice.get_session_id())
    same((other.session().account.name, received()["counts"]["logins"]), ("alice", 1))


def tickets_open_sessions():
    """cterasdk makes a ticket as a global administrator, enters with it, and sends back the token that it is told."""
    order(reset=True)
    root = portal("root", GlobalAdmin)
    ticket = root.users.generate_ticket("alice", "acme")
    user = ServicesPortal("127.0.0.1", gate["port"])
    user.sso(ticket)
    same(names(user.files.listdir("My Files/Trash")), ["kept.txt"])
    last = received()["received"][-1]
    same((last["user"], last["token"]), ("alice", True))


# ---- looking


def folders_are_listed():
    """cterasdk lists folders, page by page, and what is in the trash."""
    alice = fresh()
    same(names(alice.files.listdir("")), ["My Files", "Shared With Me", "Team Site"])
    same(len(list(alice.files.listdir("My Files/Many"))), 257)
    same(received()["methods"]["fetchResources"], 6)
    same(names(alice.files.listdir("My Files/Trash", include_deleted=True)), ["gone folder", "gone.txt", "kept.txt"])
    fails(io_errors.GetMetadataError, lambda: list(alice.files.listdir("My Files/none")))
    fails(io_errors.NotADirectoryException, lambda: list(alice.files.listdir("My Files/readme.txt")))


def names_survive():
    """cterasdk finds files by every name that must be escaped, and shows numbers as numbers only in the name."""
    alice = fresh()
    rows = {resource.path.name: resource for resource in alice.files.listdir("My Files/Names")}
    for name in ("100%", "file_%25_encoded.txt", "report #1.txt", "file_!@#$%^([{.txt", "Übersicht é.txt", "日本.txt", "R&D.txt", "2024", "1.50"):
        assert name in rows, name
        same(read(alice, f"My Files/Names/{name}").decode(), name)
    same((rows["2024"].name, rows["1.50"].name), (2024, 1.5))


def trees_are_walked():
    """cterasdk walks a tree, rows that lack everything included."""
    alice = fresh()
    found = {str(resource.path) for resource in alice.files.walk("My Files/Docs")}
    same(found, {f"My Files/Docs/{name}" for name in ("a b#.txt", "empty.txt", "notes.md", "Photos", "Photos/dot.png")})
    poor = [resource for resource in alice.files.walk("") if resource.path.name == "Far away"]
    same([(one.id, one.size, one.volume, one.permalink) for one in poor], [(None, None, None, None)])


def rows_say_what_they_are():
    """cterasdk reads ids, sizes, times, volumes and what must be kept."""
    alice = fresh()
    one = alice.files.properties("My Files/Kept/ledger.txt")
    same((one.size, one.is_dir, one.deleted, one.extension), (9, False, False, ".txt"))
    same((one.worm.enabled, one.worm.mode, one.volume.owner.name), (True, "enterprise", "Alice Doe"))
    assert one.id and one.last_modified.year == 2026
    same(alice.files.permalink("My Files/Kept/ledger.txt"), f"{sandbox['url']}/ctera/ServicesPortal/?permalink={one.id - 14000}")
    same([alice.files.exists(f"My Files/Kept/{name}") for name in ("ledger.txt", "none")], [True, False])


def searches_find():
    """cterasdk searches by name and by extension."""
    alice = fresh()
    same(names(alice.files.search("My Files", [FilenameFilter.eq("draft.txt")])), ["draft.txt"])
    same(names(alice.files.search("My Files", [TypeFilter.eq("md")])), ["notes.md"])


# ---- changing


def folders_are_made():
    """cterasdk makes folders with all above them, whether the Portal says Ok or nothing, and knows each refusal."""
    alice = fresh()
    same(alice.files.makedirs("My Files/a/b #1/c%"), "My Files/a/b #1/c%")
    order(says_ok=False)
    alice.files.mkdir("My Files/a/quiet")
    same(names(alice.files.listdir("My Files/a")), ["b #1", "quiet"])
    for path, cause in [
        ("My Files/a", io_errors.FileConflictError),
        ("My Files/none/x", io_errors.FolderNotFoundError),
        ("My Files/con", io_errors.ReservedNameError),
        ("My Files/a:b", io_errors.FilenameError),
        ("Shared With Me/Read only/x", io_errors.PrivilegeError),
    ]:
        fails(io_errors.CreateDirectoryError, lambda: alice.files.mkdir(path), cause)
    order(faults=[{"at": "makeCollection", "word": "SomethingElse"}])
    fails(io_errors.CreateDirectoryError, lambda: alice.files.mkdir("My Files/x"))


def files_go_up_and_down():
    """cterasdk uploads, overwrites, downloads, and gets the versions of a file."""
    alice = fresh()
    for content in (b"one", b"two", bytes(range(256)) * 100):
        alice.files.upload("My Files/Docs/v #1.bin", content)
    same(read(alice, "My Files/Docs/v #1.bin"), bytes(range(256)) * 100)
    local = scratch / "local ü.txt"
    local.write_text("from a file")
    same(alice.files.upload_file(str(local), "My Files/Docs"), "My Files/Docs/local ü.txt")
    same(read(alice, "My Files/Docs/local ü.txt"), b"from a file")
    versions = alice.files.versions("My Files/Docs/v #1.bin")
    same([version.current for version in versions], [True, False, False])
    same([read(alice, version.path) for version in versions][1:], [b"two", b"one"])
    down = alice.files.download("My Files/Docs/a b#.txt", destination=str(scratch / "down.txt"))
    same(Path(down).read_text(), "hello from the Portal\n")
    fails(Exception, lambda: read(alice, "My Files/none.txt"))
    order(faults=[{"at": "upload", "refused": "User is out of quota"}])
    fails(io_errors.UploadError, lambda: alice.files.upload("My Files/full.txt", b"x"), io_errors.QuotaError)


def folders_come_as_zip():
    """cterasdk gets a folder and a selection as a ZIP that Python can read."""
    alice = fresh()
    folder = zipfile.ZipFile(BytesIO(read(alice, "My Files/Docs")))
    same(folder.testzip(), None)
    same(sorted(folder.namelist()), ["Docs/Photos/dot.png", "Docs/a b#.txt", "Docs/empty.txt", "Docs/notes.md"])
    some = zipfile.ZipFile(BytesIO(b"".join(alice.files.handle("My Files/Docs", ["a b#.txt"]).iter_content())))
    same({name: some.read(name) for name in some.namelist()}, {"a b#.txt": b"hello from the Portal\n"})


def files_move():
    """cterasdk copies, moves, renames, deletes and recovers, and waits for each task."""
    alice = fresh()
    order(usual_task={"polls": 1})
    alice.files.copy("My Files/readme.txt", destination="My Files/Docs")
    alice.files.move("My Files/Docs/notes.md", destination="My Files/Trash")
    same(alice.files.rename("My Files/Docs/readme.txt", "100%.txt"), "My Files/Docs/100%.txt")
    same(alice.files.delete("My Files/Docs/empty.txt", "My Files/Docs/Photos"), ["My Files/Docs/empty.txt", "My Files/Docs/Photos"])
    same(alice.files.undelete("My Files/Docs/Photos"), ["My Files/Docs/Photos"])
    same(names(alice.files.listdir("My Files/Docs")), ["100%.txt", "a b#.txt", "Photos"])
    same(received()["methods"]["getTaskStatus"], 10)
    task = alice.files.delete("My Files/readme.txt", wait=False)
    same(task.ref, "servers/MainDB/bgTasks/918913")


def failures_have_causes():
    """cterasdk tells a conflict, a missing source, a missing target and a missing right."""
    alice = fresh()
    order(usual_task={"polls": 0})
    copy = lambda source, target: lambda: alice.files.copy(source, destination=target)
    fails(io_errors.CopyError, copy("My Files/Docs/a b#.txt", "My Files/Docs"), io_errors.FileConflictError)
    fails(io_errors.CopyError, copy("My Files/none", "My Files/Docs"), io_errors.ObjectNotFoundError)
    fails(io_errors.CopyError, copy("My Files/readme.txt", "My Files/none"), io_errors.FolderNotFoundError)
    fails(io_errors.DeleteError, lambda: alice.files.delete("My Files/Kept/ledger.txt"), io_errors.PrivilegeError)
    carol = portal("carol")
    fails(io_errors.RecoverError, lambda: carol.files.undelete("Users/Alice Doe/My Files/Trash/gone.txt"), io_errors.PrivilegeError)


def conflicts_are_resolved():
    """cterasdk resolves conflicts within a folder, one by one and all at once."""
    alice = fresh()
    copy = lambda resolver: alice.files.copy("My Files/Merge/a/Set", destination="My Files/Merge/b", resolver=resolver)
    copy(ConflictResolver.overwrite(apply_all=False))
    same(received()["methods"]["copyResources"], 6)
    same(read(alice, "My Files/Merge/b/Set/inner/three.txt"), b"three of a")
    order(reset=True)
    alice = portal("alice")
    alice.files.copy("My Files/Merge/a/Set", destination="My Files/Merge/b", resolver=ConflictResolver.rename())
    same(received()["methods"]["copyResources"], 2)
    same(names(alice.files.listdir("My Files/Merge/b")), ["Set", "Set (1)"])


def links_are_made():
    """cterasdk makes public links, and is told what does not exist."""
    alice = fresh()
    link = alice.files.public_link("My Files/readme.txt", "RO", 7)
    assert link.startswith(f"{sandbox['url']}/ctera/invitations/?share=") and link.endswith("&dl=0"), link
    param = received()["received"][-1]["param"]
    same((param["share"]["accessMode"], param["share"]["protectionLevel"]), ("ReadOnly", "publicLink"))
    fails(io_errors.CreateLinkError, lambda: alice.files.public_link("My Files/none"), io_errors.ObjectNotFoundError)
    alice.files.share("My Files/Docs", [])
    same(alice.files.get_share_info("My Files/Docs").shares, [])


# ---- administration


def tenants_are_browsed():
    """cterasdk lists tenants as a global administrator, browses one, and works on a user's files there."""
    order(reset=True)
    root = portal("root", GlobalAdmin)
    same(root.session().current_tenant(), "Administration")
    same([tenant.name for tenant in root.portals.list_tenants()], ["acme", "globex"])
    same([tenant.name for tenant in root.portals.tenants()], ["acme", "globex"])
    root.portals.browse("acme")
    same(names(root.files.listdir("Users")), ["Alice Doe", "Bob Roe", "Carol Poe", "Dan Moe"])
    same(read(root, "Users/Alice Doe/My Files/readme.txt"), b"read me\n")
    root.files.copy("Users/Alice Doe/My Files/readme.txt", destination="Users/Bob Roe/My Files")
    root.portals.browse("globex")
    same(names(root.files.listdir("Users/Gina Goe/My Files")), ["globex only.txt"])
    fails(Exception, lambda: root.portals.browse("nowhere"))
    root.portals.browse_global_admin()
    same(root.api.get("/currentPortal") or None, None)


def tasks_are_read_in_the_administration():
    """cterasdk reads a task in Global Administration by its address."""
    order(reset=True, usual_task={"polls": 1})
    root = portal("root", GlobalAdmin)
    root.portals.browse("acme")
    task = root.files.delete("Users/Alice Doe/My Files/readme.txt", wait=False)
    root.portals.browse_global_admin()
    same(root.tasks.wait(str(task)).status, "completed")


# ---- keyward beside it


def keyward_signs_in():
    """keyward signs in with a name and a password, and is who the library says."""
    order(reset=True)
    answers = scratch / "answers"
    answers.write_text("alice\nalice-p&ss%\n")
    words = ["login", f"{sandbox['url']}/ctera/ServicesPortal", "--backend", "ctera", "--name", "portal"]
    words += ["--way", "password", "--store", "file"]
    with open(answers) as stdin:
        keyward.finish(keyward.start(*words, stdin=stdin), words).must()
    who, alice = tool("who_am_i"), portal("alice")
    same((who["account"], who["role"], who["home_portal"]), ("alice", alice.session().account.role.name, "acme"))


def row(resource):
    return (str(resource.path), resource.is_dir, resource.size, resource.id)


def own_row(item):
    return (item["path"], item["is_folder"], item.get("size"), item.get("id"))


@needs(keyward_signs_in)
def both_list_the_same():
    """keyward and cterasdk list the same, with the same ids and sizes, page by page, and walk the same tree."""
    alice = fresh()
    for folder in ("", "My Files", "My Files/Names", "My Files/Many", "Shared With Me", "Shared With Me/Read only"):
        listed = tool("list", path=folder, limit=500)["items"]
        same(sorted(map(own_row, listed)), sorted(map(row, alice.files.listdir(folder))), folder)
    listed = tool("list", path="My Files/Trash", include_deleted=True)["items"]
    same(sorted(map(own_row, listed)), sorted(map(row, alice.files.listdir("My Files/Trash", include_deleted=True))))
    walked = tool("walk", path="My Files/Merge", depth=10)["items"]
    same(sorted(map(own_row, walked)), sorted(map(row, alice.files.walk("My Files/Merge"))))


@needs(keyward_signs_in)
def both_read_the_same():
    """keyward and cterasdk read the same from files of every name, text or not."""
    alice = fresh()
    for resource in [*alice.files.listdir("My Files/Names"), *alice.files.walk("My Files/Docs")]:
        if not resource.is_dir:
            text = tool("read", path=str(resource.path))
            content = text["content"].encode() if text["encoding"] == "text" else base64.b64decode(text["content"])
            same(content, read(alice, resource.path), str(resource.path))


@needs(keyward_signs_in)
def both_change_the_same():
    """What keyward makes, writes, copies, moves, renames, deletes and recovers is there for cterasdk, done once."""
    alice = fresh()
    order(usual_task={"polls": 1})
    tool("make_folder", path="My Files/new/100% #1", parents=True)
    tool("write", path="My Files/new/100% #1/é.txt", content="ü")
    same(read(alice, "My Files/new/100% #1/é.txt"), "ü".encode())
    tool("copy", paths=["My Files/readme.txt"], to_folder="My Files/new")
    tool("move", paths=["My Files/Docs/notes.md"], to_folder="My Files/new")
    tool("rename", path="My Files/new/readme.txt", new_name="2025")
    tool("delete", paths=["My Files/Docs/empty.txt", "My Files/Docs/a b#.txt"])
    tool("recover", paths=["My Files/Docs/a b#.txt"])
    same(names(alice.files.listdir("My Files/new")), ["100% #1", "2025", "notes.md"])
    same(names(alice.files.listdir("My Files/Docs")), ["a b#.txt", "Photos"])
    twice = {change: count for change, count in received()["changes"].items() if count != 1}
    same(twice, {})


@needs(keyward_signs_in)
def both_see_versions_and_links():
    """keyward and cterasdk see the same versions, and the permanent address of a file; keyward restores one."""
    alice = fresh()
    theirs = [version.start_time.isoformat() for version in alice.files.versions("My Files/Old/draft.txt")]
    mine = [version["time"] for version in tool("versions", path="My Files/Old/draft.txt")["versions"]]
    same(mine, theirs)
    same(tool("read", path="My Files/Old/draft.txt", version=mine[2])["content"], "first")
    tool("restore", path="My Files/Old/draft.txt", version=mine[2])
    same(read(alice, "My Files/Old/draft.txt"), b"first")
    same(tool("info", path="My Files/Old/draft.txt")["permalink"], alice.files.permalink("My Files/Old/draft.txt"))
    link = tool("create_link", path="My Files/Old/draft.txt", days=7)
    assert link["url"].startswith(f"{sandbox['url']}/ctera/invitations/?share="), link


@needs(keyward_signs_in)
def both_send_the_same():
    """keyward sends the parameters that cterasdk sends, for what both call."""
    alice = fresh()

    def sent(what, call):
        before = len(received()["received"])
        call()
        later = received()["received"][before:]
        return [one["param"] for one in later if one["what"] == what]

    # The stand-in's calendar stands still, by which keyward counts the days; the library counts them by this machine's.
    ahead = (date.today() - date.fromisoformat(alice.api.get("/currentTime").LocalTime[:10])).days
    for what, theirs, mine in [
        ("makeCollection", lambda: alice.files.mkdir("My Files/a #1"), lambda: tool("make_folder", path="My Files/a #1")),
        (
            "copyResources",
            lambda: alice.files.copy("My Files/readme.txt", destination="My Files/Docs"),
            lambda: tool("copy", paths=["My Files/readme.txt"], to_folder="My Files/Docs"),
        ),
        ("deleteResources", lambda: alice.files.delete("My Files/readme.txt"), lambda: tool("delete", paths=["My Files/readme.txt"])),
        ("restoreResources", lambda: alice.files.undelete("My Files/Trash/gone.txt"), lambda: tool("recover", paths=["My Files/Trash/gone.txt"])),
        ("createShare", lambda: alice.files.public_link("My Files/Docs", "RO", 7), lambda: tool("create_link", path="My Files/Docs", days=7 + ahead)),
    ]:
        order(reset=True)
        alice = portal("alice")
        first = sent(what, theirs)
        order(reset=True)
        assert len(first) == 1 and first[0], f"{what}: {first}"
        same(sent(what, mine), first, what)


@needs(keyward_signs_in)
def keyward_sees_every_end_of_a_session():
    """keyward tells an ended session by every Location, signs in once, and deletes once."""
    alice = fresh()
    for form in ("relative", "absolute", "admin", "entra", "foreign", "none"):
        order(reset=True, location=form, stray_cookie=True, faults=[{"at": "deleteResources", "expire": True}])
        answer = tool("delete", paths=["My Files/readme.txt"])
        seen = received()
        same(seen["counts"]["logins"], 2, form)
        same(seen["changes"], {"deleteResources My Files/readme.txt": 1}, form)
        assert "cause" not in answer, answer


def peak(name, **arguments):
    """The most memory, in KiB, that a call of a tool took."""
    words = ["call", name, "--arguments", json.dumps(arguments), "--json"]
    # Without the store, whose key takes more memory than anything that is measured here.
    pipes = {"stdout": open(scratch / "out", "wb"), "stderr": open(scratch / "err", "wb")}
    process = keyward.start(*words, env={"KEYWARD_TOKEN_LARGE": "large"}, **pipes)
    most = 0
    # The kernel's own count of the process would begin with what this one has.
    while process.poll() is None:
        try:
            most = int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())[1])
        except (OSError, TypeError):
            pass
        time.sleep(0.002)
    assert process.returncode == 0, (scratch / "err").read_text() + (scratch / "out").read_text()
    return most


class Large(BaseHTTPRequestHandler):
    """A Portal with one folder, for files that the stand-in is too small for: it keeps sizes, and sends zeros."""

    protocol_version = "HTTP/1.1"
    sizes = {}

    def log_message(self, *_):
        pass

    def answer(self, body, kind="application/json", **headers):
        self.send_response(200)
        for name, value in {"content-type": kind, "content-length": len(body), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        left = int(self.headers["content-length"])
        if self.path.startswith("/ServicesPortal/upload/"):
            head = self.rfile.read(min(left, 1024))
            name = re.search(rb'name="Filename"\r\n\r\n([^\r]+)', head)[1].decode()
            size = int(re.search(rb'name="fileSize"\r\n\r\n([0-9]+)', head)[1])
            left -= len(head)
            while left:
                left -= len(self.rfile.read(min(left, 1 << 16)))
            self.sizes[name] = size
            return self.answer(b"<obj><att id='rc'><val>0</val></att></obj>", "text/xml")
        body = self.rfile.read(left).decode()
        if self.path.endswith("/api/login"):
            return self.answer(b"<val>Login succeed</val>", "text/xml", **{"set-cookie": "JSESSIONID=large"})
        path = re.search("/ServicesPortal/webdav([^<]*)", body)[1]
        name = path.rsplit("/", 1)[-1]
        is_folder = path in ("", "/My%20Files")
        row = {"name": name, "href": f"/ServicesPortal/webdav{path}", "isFolder": is_folder, "size": self.sizes.get(name)}
        row |= {"scope": "Personal", "permission": "ReadWrite", "cloudFolderInfo": {"uid": 1}}
        there = is_folder or name in self.sizes
        self.answer(json.dumps({"root": row if there else None, "items": [], "hasMore": False}).encode())

    def do_GET(self):
        if "/webdav/" not in self.path:
            return self.answer(b'{"username": "alice", "name": "acme", "hasWebSSO": false, "version": "8.1"}')
        left = self.sizes[self.path.rsplit("/", 1)[-1]]
        self.send_response(200)
        self.send_header("content-length", str(left))
        self.end_headers()
        block = bytes(1 << 16)
        while left:
            left -= self.wfile.write(block[: min(left, len(block))])


def large_files_take_little_memory():
    """A file of 128 MiB goes up and comes down whole, in less than 16 MiB more than a small one."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Large)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    folder = scratch / "transfer"
    folder.mkdir()
    for key, value in {"backend": "ctera", "url": f"http://127.0.0.1:{server.server_port}", "way": "session"}.items():
        keyward("config", "set", f"connections.large.{key}", value).must()
    keyward("config", "set", "connections.large.folders", str(folder)).must()
    (folder / "small").write_bytes(b"small")
    with open(folder / "big", "wb") as big:
        big.truncate(128 << 20)
    up = [peak("large_upload", **{"from": name, "path": f"My Files/{name}"}) for name in ("small", "big")]
    same(Large.sizes, {"small": 5, "big": 128 << 20})
    down = [peak("large_download", path=f"My Files/{name}", to=f"{name}.back") for name in ("small", "big")]
    print(f"note: peak memory in KiB of a small and a large upload {up}, download {down}")
    same((folder / "big.back").stat().st_size, 128 << 20)
    for small, large in (up, down):
        assert large - small < 16 << 10, (up, down)
    for name in ("big", "big.back"):
        (folder / name).unlink()
    server.shutdown()


def read_only_changes_nothing():
    """With `serve --read-only` no tool that changes something is offered, and none is run."""
    fresh()
    call = {"name": "portal_delete", "arguments": {"paths": ["My Files/readme.txt"]}}
    lines = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "ring", "version": "1"}}},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
        {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": call},
    ]
    words = ["serve", "--read-only"]
    (scratch / "lines").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with open(scratch / "lines") as stdin:
        done = keyward.finish(keyward.start(*words, stdin=stdin), words).must()
    answers = {answer.get("id"): answer for answer in map(json.loads, done.out.splitlines())}
    tools = [tool for tool in answers[2]["result"]["tools"] if tool["name"].startswith("portal_")]
    assert len(tools) > 8 and all(tool["annotations"]["readOnlyHint"] for tool in tools), tools
    refused = answers[3]
    assert "error" in refused or refused["result"].get("isError"), refused
    assert received()["changes"] == {}, received()["changes"]


def nothing_secret_is_kept():
    """The record of the stand-in has no password, cookie, ticket or key."""
    alice = fresh()
    cookie = alice.get_session_id()
    text = json.dumps(received())
    assert cookie and cookie not in text and "p&ss" not in text and "p%26ss" not in text


if __name__ == "__main__":
    sys.exit(
        ring.run(
            [
                sessions_begin_and_end,
                sessions_expire,
                sessions_are_taken_over,
                tickets_open_sessions,
                folders_are_listed,
                names_survive,
                trees_are_walked,
                rows_say_what_they_are,
                searches_find,
                folders_are_made,
                files_go_up_and_down,
                folders_come_as_zip,
                files_move,
                failures_have_causes,
                conflicts_are_resolved,
                links_are_made,
                tenants_are_browsed,
                tasks_are_read_in_the_administration,
                keyward_signs_in,
                both_list_the_same,
                both_read_the_same,
                both_change_the_same,
                both_see_versions_and_links,
                both_send_the_same,
                keyward_sees_every_end_of_a_session,
                read_only_changes_nothing,
                large_files_take_little_memory,
                nothing_secret_is_kept,
            ],
            keep=[scratch / "sandbox.log", scratch / "gate.log"],
        )
    )
