"""install.sh from a release: folders and an https server of this ring's own, honest and not.

The program in these archives is a script that says what keyward would: what is tested is how it gets here and away.
"""

import hashlib
import http.server
import io
import json
import os
import re
import ssl
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

top = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(top / "tests/peers"))
from ring import same, scratch

PROGRAM = """#!/bin/sh
case $0 in "${TMPDIR:-/nowhere}"/*) exit 126 ;; esac
case "$*" in
  --version) echo "keyward 0.1.0" ;;
  "--json status") [ ! -f "$HOME/status.json" ] || cat "$HOME/status.json"; exit "${STATUS:-0}" ;;
  "--json install --list") [ ! -f "$HOME/hosts.json" ] || cat "$HOME/hosts.json"; exit "${LIST:-0}" ;;
  "install --uninstall --yes "*) echo "$*" >>"$HOME/taken"; exit "${TAKE:-0}" ;;
  "logout --all") echo out >>"$HOME/logouts"; exit "${LOGOUT:-0}" ;;
  "config path") echo "$HOME/.config/keyward/config.toml" ;;
esac
"""
SIGNED_IN = '{"schema_version":1,"connections":[{"connection":"box","login":"signed-in"},{"connection":"c","login":"renewable"}]}'
said = subprocess.run(["getconf", "GNU_LIBC_VERSION"], capture_output=True, text=True).stdout
musl = [int(number) for number in re.findall(r"[0-9]+", said)] < [2, 36]
TARGET = f"{os.uname().machine}-unknown-linux-{'musl' if musl else 'gnu'}"
served = {}


def make(*words):
    subprocess.run([sys.executable, top / "packaging/make.py", *map(str, words)], check=True, stdout=subprocess.DEVNULL)


def release(name):
    """A folder with an honest release for this machine."""
    folder = scratch / name
    folder.mkdir()
    program = scratch / "program"
    program.write_text(PROGRAM)
    make("archive", TARGET, program, "--out", folder)
    make("sums", "--out", folder)
    return folder


def archive(folder):
    return next(folder.glob("*.tar.gz"))


def forged(name, *entries):
    """A release whose sums are right and whose archive holds these besides."""
    folder = release(name)
    path = archive(folder)
    stem = path.name.removesuffix(".tar.gz")
    with tarfile.open(path) as old:
        kept = [(entry, old.extractfile(entry).read() if entry.isfile() else b"") for entry in old.getmembers()]
    with tarfile.open(path, "w:gz") as new:
        for entry, data in kept:
            new.addfile(entry, io.BytesIO(data))
        for place, kind, link in entries:
            entry = tarfile.TarInfo(place.replace("STEM", stem))
            entry.type, entry.linkname, entry.mode = kind, link, 0o644
            new.addfile(entry)
    make("sums", "--out", folder)
    return folder


def run(*words, home=None, script=top / "install.sh", **env):
    home = home or scratch / "release-home"
    home.mkdir(exist_ok=True)
    temporary = scratch / "temporary"
    temporary.mkdir(exist_ok=True)
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(temporary), **env}
    command = ["sh", str(script), *map(str, words)]
    done = subprocess.run(command, env=env, cwd=scratch, capture_output=True, text=True, timeout=60)
    done.text = done.stdout + done.stderr
    same(os.listdir(temporary), [], f"temporary files left by {words}")
    return done


def listed(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def refused(folder, *words, cause):
    """It is refused with a hint, and nothing is there afterwards."""
    home = scratch / f"home-of-{folder if isinstance(folder, str) else folder.name}".replace("/", "_").replace(":", "_")
    done = run("--from", folder, *words, home=home)
    assert done.returncode == 1 and cause in done.stderr and "hint:" in done.stderr, done
    same(listed(home), [], "left behind")


def there_and_back():
    """a release is installed with completions and manual, and --uninstall leaves nothing behind"""
    home = scratch / "there and back"
    (home / ".local/share/man/man1").mkdir(parents=True)
    (home / ".local/share/man/man1/other.1").write_text("another's")
    before = listed(home)
    folder = release("plain")
    done = run("--from", folder, home=home)
    same(done.returncode, 0, done.text)
    there = listed(home)
    for place in ("bin/keyward", "share/man/man1/keyward-login.1", "share/bash-completion/completions/keyward",
                  "share/zsh/site-functions/_keyward", "share/fish/vendor_completions.d/keyward.fish"):  # fmt: skip
        assert f".local/{place}" in there, (place, there)
    same((home / ".local/bin/keyward").stat().st_mode & 0o777, 0o755, "mode")
    again = run("--from", folder, home=home)
    assert again.returncode == 0 and "replaced keyward 0.1.0" in again.stdout, again
    same(listed(home), there, "after the second time")
    done = run("--uninstall", home=home)
    same((done.returncode, listed(home)), (0, before), done.text)


def only_the_program():
    """into a folder that is not named bin goes the program alone"""
    to = scratch / "tools"
    same(run("--from", release("alone"), "--to", to).returncode, 0)
    same(listed(to), [".keyward-installed", "keyward"])
    same(run("--uninstall", "--to", to).returncode, 0)
    assert not to.exists()


def an_older_release_leaves():
    """what a release before had and this one has not is removed; what somebody changed is kept, and said"""
    home = scratch / "older"
    old, new = release("release-before"), release("release-after")
    path = archive(old)
    stem = path.name.removesuffix(".tar.gz")
    forged_page = (f"{stem}/man/keyward-gone.1", tarfile.REGTYPE, "")
    rewritten = forged("old-with-a-page", forged_page)
    same(run("--from", rewritten, home=home).returncode, 0)
    assert (home / ".local/share/man/man1/keyward-gone.1").exists()
    same(run("--from", new, home=home).returncode, 0)
    assert not (home / ".local/share/man/man1/keyward-gone.1").exists()
    changed = home / ".local/share/man/man1/keyward.1"
    changed.write_text("mine")
    done = run("--uninstall", home=home)
    assert done.returncode == 0 and f"kept {changed}" in done.stdout, done
    same([place for place in listed(home) if "." in Path(place).name[1:]], [".local/share/man/man1/keyward.1"])


def wrong_sum():
    """an archive that is not the one of SHA256SUMS is refused before it is unpacked"""
    folder = release("wrong")
    data = bytearray(archive(folder).read_bytes())
    data[len(data) // 2] ^= 1
    archive(folder).write_bytes(data)
    refused(folder, cause="is not the file that SHA256SUMS names")


def truncated():
    """half an archive is refused"""
    folder = release("half")
    archive(folder).write_bytes(archive(folder).read_bytes()[:1000])
    refused(folder, cause="is not the file that SHA256SUMS names")


def nothing_to_compare_with():
    """without sums, without a line for this machine, and with two of them, nothing is installed"""
    folder = release("unsummed")
    sums = folder / "SHA256SUMS"
    line = sums.read_text()
    sums.unlink()
    refused(folder, cause="holds no SHA256SUMS")
    for text in ("", "<html>", line.replace(TARGET, "other-machine"), line.upper(), line.replace("  keyward", "  ../keyward")):
        sums.write_text(text)
        refused(folder, cause="names no archive")
    sums.write_text(line + line.replace("0.1.0", "0.2.0"))
    refused(folder, cause="several archives")
    same(run("--from", folder, "--version", "0.1.0", "--to", scratch / "chosen").returncode, 0)
    refused(folder, "--version", "0.3.0", cause="names no archive of version 0.3.0")


def outside():
    """an archive with names outside its folder, links or devices is refused although its sum is right"""
    for number, (place, kind, link) in enumerate([
        ("STEM/../../escaped", tarfile.REGTYPE, ""),
        ("/tmp/keyward-escaped", tarfile.REGTYPE, ""),
        ("elsewhere/file", tarfile.REGTYPE, ""),
        ("STEM/a\nb", tarfile.REGTYPE, ""),
        ("STEM/$(touch x)", tarfile.REGTYPE, ""),
        ("STEM/link", tarfile.SYMTYPE, "/etc/passwd"),
        ("STEM/hard", tarfile.LNKTYPE, "/etc/passwd"),
        ("STEM/pipe", tarfile.FIFOTYPE, ""),
    ]):  # fmt: skip
        refused(forged(f"odd-{number}", (place, kind, link)), cause="the archive holds")
    assert not (scratch / "escaped").exists() and not Path("/tmp/keyward-escaped").exists()


def without_tls():
    """http and other schemes are refused, also where an https address leads to them"""
    refused("http://127.0.0.1:1/x", cause="is not https")
    refused("ftp://127.0.0.1:1/x", cause="neither a folder nor an https address")
    address, env = serve()
    plain = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=plain.serve_forever, daemon=True).start()
    for path in release("without TLS").iterdir():
        served[f"/{path.name}"] = path.read_bytes()
        served[f"/plain/{path.name}"] = f"http://127.0.0.1:{plain.server_address[1]}/{path.name}"
    done = run("--from", f"{address}/plain", home=scratch / "home-redirected", **env)
    assert done.returncode == 1 and "could not be downloaded" in done.stderr, done
    stranger = run("--from", address, home=scratch / "home-stranger", CURL_CA_BUNDLE="/dev/null")
    assert stranger.returncode == 1 and "could not be downloaded" in stranger.stderr, stranger
    same(listed(scratch / "home-stranger"), [])


def over_https():
    """a release is downloaded over https, by the script of that release piped into sh"""
    address, env = serve()
    folder = release("served")
    for path in folder.iterdir():
        served[f"/releases/latest/download/{path.name}"] = served[f"/releases/download/v0.1.0/{path.name}"] = path.read_bytes()
    text = (top / "install.sh").read_text().replace("\nreleases=\n", f"\nreleases={address}/releases\n")
    for words in ([], ["--version", "v0.1.0"]):
        home = scratch / f"piped{len(words)}"
        home.mkdir()
        piped = ["sh", "-s", "--", *words]
        env = {"PATH": os.environ["PATH"], **env, "HOME": str(home)}
        done = subprocess.run(piped, input=text, env=env, cwd=scratch, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and (home / ".local/bin/keyward").exists(), done
    none = scratch / "none"
    # Wherever it breaks off, also between two commands.
    ends = [*range(len(text) // 20, len(text), 97)] + [at for at in range(len(text)) if text.startswith("\nesac", at)] + [len(text) - 3]
    for end in ends:
        half = subprocess.run(["sh"], input=text[:end], env={**env, "HOME": str(none)}, capture_output=True, text=True)
        assert half.returncode != 0 and not none.exists(), f"{end} bytes of {len(text)} did something: {half}"


def not_signed_out():
    """--uninstall does not leave logins behind that nobody can end any more, unless it is told to"""
    home = scratch / "signed in"
    folder = release("signed")
    same(run("--from", folder, home=home).returncode, 0)
    (home / "status.json").write_text(SIGNED_IN)
    there = listed(home)
    done = run("--uninstall", home=home)
    assert done.returncode == 1 and "2 connection(s) are signed in" in done.stderr and "logout --all" in done.stderr, done
    same(listed(home), there)
    for words in ([], ["--purge"]):
        done = run("--uninstall", *words, home=home, STATUS="5")
        assert done.returncode == 1 and "could not be found out" in done.stderr, done
        same(listed(home), there)
    done = run("--uninstall", "--purge", home=home, LOGOUT="7")
    assert done.returncode == 1 and "nothing was removed" in done.stderr, done
    same(listed(home), sorted([*there, "logouts"]))
    done = run("--uninstall", "--keep-logins", home=home)
    same((done.returncode, listed(home)), (0, ["logouts", "status.json"]), done.text)


def purged():
    """--purge signs out and removes configuration and state, and nothing beside them"""
    home = scratch / "purged"
    same(run("--from", release("purge"), home=home).returncode, 0)
    for place in (".config/keyward/config.toml", ".local/state/keyward/locks/a", ".config/other/file"):
        (home / place).parent.mkdir(parents=True, exist_ok=True)
        (home / place).write_text("x")
    done = run("--uninstall", "--purge", home=home)
    same(done.returncode, 0, done.text)
    same((home / "logouts").read_text(), "out\n")
    assert not (home / ".config/keyward").exists() and not (home / ".local/state/keyward").exists()
    assert (home / ".config/other/file").exists()


def others_files():
    """what somebody else put in a place of ours stays, is said, and is not taken away later"""
    home, folder = scratch / "others", release("beside-others")
    page, fish = home / ".local/share/man/man1/keyward.1", home / ".local/share/fish/vendor_completions.d/keyward.fish"
    for place in (page, fish):
        place.parent.mkdir(parents=True)
        place.write_text("somebody else's")
    done = run("--from", folder, home=home)
    assert done.returncode == 0 and f"kept {page}" in done.stdout and f"kept {fish}" in done.stdout, done
    same(run("--uninstall", home=home).returncode, 0)
    same([place.read_text() for place in (page, fish)], ["somebody else's"] * 2)


def hosts_that_start_it():
    """--uninstall is refused while a host starts it, and says how that ends; --purge ends it, --keep-logins leaves it"""
    home, folder = scratch / "hosts", release("started")
    same(run("--from", folder, home=home).returncode, 0)
    entry = {"scope": "user", "file": "/f", "keyward": "yes", "command": "/k", "this": True}
    lists = {"claude-code": [{**entry, "this": None, "keyward": "no"}, {**entry, "scope": "project"}], "cursor": [entry], "zed": [entry]}
    hosts = [{"host": name, "title": name, "found": True, "lists": of} for name, of in lists.items()]
    (home / "hosts.json").write_text(json.dumps({"schema_version": 1, "hosts": hosts}, separators=(",", ":")))
    there = listed(home)
    done = run("--uninstall", home=home)
    assert done.returncode == 1 and "of: cursor zed" in done.stderr and "install --uninstall cursor zed" in done.stderr, done
    same(listed(home), there)
    for words in [], ["--purge"]:
        done = run("--uninstall", *words, home=home, LIST="1")
        assert done.returncode == 1 and "which hosts" in done.stderr and "install --list says why" in done.stderr, done
    same(listed(home), there)
    known = (home / "hosts.json").read_text()
    broken = scratch / "broken list.json"
    unread = [{"host": "goose", "lists": [{"scope": "user", "file": str(broken), "keyward": "unread", "command": None, "this": None}]}]
    (home / "hosts.json").write_text(json.dumps({"schema_version": 1, "hosts": unread}, separators=(",", ":")))
    broken.write_text('{"keyward": {,')
    done = run("--uninstall", home=home)
    assert done.returncode == 1 and "which hosts" in done.stderr, done
    same(listed(home), there)
    # Of another program's broken list there is nothing to know.
    broken.write_text('{"other": {,')
    same(run("--uninstall", home=home).returncode, 0)
    same(run("--from", folder, home=home).returncode, 0)
    done = run("--uninstall", "--keep-logins", home=home, LIST="1")
    assert done.returncode == 0 and "could not be found out" in done.text and "removed" in done.text, done
    same(run("--from", folder, home=home).returncode, 0)
    (home / "hosts.json").write_text(known)
    done = run("--uninstall", "--purge", home=home, TAKE="5")
    assert done.returncode == 1 and "nothing was removed" in done.stderr, done
    assert set(there) <= set(listed(home))
    (home / "taken").unlink()
    same(run("--uninstall", "--purge", home=home).returncode, 0)
    same((home / "taken").read_text(), "install --uninstall --yes cursor zed\n")
    same(run("--from", folder, home=home).returncode, 0)
    (home / "taken").unlink()
    done = run("--uninstall", "--keep-logins", home=home)
    assert done.returncode == 0 and "still in the list of servers of: cursor zed\n" in done.text, done
    assert not (home / "taken").exists() and not (home / ".local/bin/keyward").exists()


def one_folder_however_it_is_spelt():
    """--to is the same folder with dots and slashes, and --purge takes no relative folder of a variable"""
    home = scratch / "spelt"
    folder = release("spelt-release")
    (home / "work").mkdir(parents=True)
    for told, again in [("x/../bin", "bin"), ("bin//", "bin"), ("./bin", "bin/"), ("bin", "work/..//bin")]:
        (home / "x").mkdir(exist_ok=True)
        same(run("--from", folder, "--to", f"{home}/{told}", home=home).returncode, 0)
        assert (home / "share/man/man1/keyward.1").exists(), told
        done = run("--uninstall", "--to", f"{home}/{again}", home=home)
        same((done.returncode, sorted(listed(home))[:1]), (0, ["bin"] if (home / "bin").exists() else ["work"]), done.text)
        assert not (home / "share").exists() and not (home / "bin/keyward").exists(), listed(home)
    same(run("--from", folder, "--to", f"{home}/nowhere/../bin", home=home).returncode, 1)
    precious = scratch / "keyward" / "precious"
    precious.parent.mkdir()
    precious.write_text("mine")
    same(run("--from", folder, home=home).returncode, 0)
    relative = {f"XDG_{name}_HOME": "." for name in ("CONFIG", "STATE", "DATA", "CACHE")}
    same(run("--uninstall", "--purge", home=home, **relative).returncode, 0)
    same(precious.read_text(), "mine")


def a_list_that_was_forged():
    """--uninstall removes nothing that the list of an installation has no business to name"""
    home, precious = scratch / "forged list", scratch / "precious file"
    same(run("--from", release("listed"), home=home).returncode, 0)
    precious.write_text("precious")
    sum = hashlib.sha256(b"precious").hexdigest()
    record = home / ".local/share/keyward/installed"
    for place in (precious, f"{home}/.local/bin/../../../precious file"):
        with record.open("a") as file:
            file.write(f"file {sum} {place}\n")
    same(run("--uninstall", home=home).returncode, 0)
    assert precious.exists()


def nothing_installed():
    """--uninstall says so where nothing was installed, and mistakes in the words are told"""
    done = run("--uninstall", home=scratch / "empty")
    assert done.returncode == 1 and "nothing that install.sh put there" in done.stderr, done
    for words in (["--purge"], ["--version", "latest;x"], ["--version", ""], ["--from"], ["--from", "x", "--version", "1/2"]):
        same(run(*words).returncode, 2, words)


def another_machine():
    """a machine for which there is no release is told what to do"""
    fake = scratch / "fake-uname"
    fake.mkdir()
    (fake / "uname").write_text('#!/bin/sh\n[ "$1" = -m ] && echo riscv64 || echo Linux\n')
    (fake / "uname").chmod(0o755)
    done = run("--from", release("other"), PATH=f"{fake}:{os.environ['PATH']}")
    assert done.returncode == 1 and "riscv64" in done.stderr and "from source" in done.stderr, done


class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        answer = served.get(self.path)
        if isinstance(answer, str):
            self.send_response(302)
            self.send_header("Location", answer)
        else:
            self.send_response(404 if answer is None else 200)
            self.send_header("Content-Length", str(len(answer or b"")))
        self.end_headers()
        self.wfile.write(answer if isinstance(answer, bytes) else b"")

    def log_message(self, *_):
        pass


class once:
    """The server of all cases: its address, and what makes curl trust it."""

    address = None


def serve():
    if not once.address:
        cert, key = scratch / "server.pem", scratch / "server.key"
        new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        where = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert]
        subprocess.run([*new, *where], check=True, capture_output=True)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        once.address = f"https://127.0.0.1:{server.server_address[1]}"
    return once.address, {"CURL_CA_BUNDLE": str(scratch / "server.pem")}


CASES = [
    there_and_back, only_the_program, an_older_release_leaves, wrong_sum, truncated, nothing_to_compare_with, outside,
    without_tls, over_https, not_signed_out, purged, others_files, hosts_that_start_it, one_folder_however_it_is_spelt, a_list_that_was_forged, nothing_installed, another_machine,
]  # fmt: skip
