"""Renewals of the real binary on full disks and in read-only folders, at each of the writes that a renewal makes.

Run by `small-disk.sh`, inside `tests/with-keyring.sh`: the keychain keeps its file on one small disk, and the binary its
locks and copies on another.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from peers import Keyward, Logins, Peers, eventually, person, ring, same, scratch

SHORT, LONG = 2, 600
keyring, home = Path(os.environ["WITH_KEYRING_BASE"]), Path(os.environ["SMALL_HOME"])
collections = Path(os.environ["HOME"]) / ".local/share/keyrings"
shared = home / ".local/state/keyward"

peers = Peers("modern")
keyward = Keyward(home=home, BROWSER=person)
login = Logins(peers, keyward)


class Full:
    """A disk without a free byte."""

    def __init__(self, *disks):
        self.disks = disks

    def __enter__(self):
        for disk in self.disks:
            with open(disk / "filler", "wb", buffering=0) as filler:
                try:
                    while filler.write(b"\0" * 4096):
                        pass
                except OSError:
                    pass

    def __exit__(self, *_):
        for disk in self.disks:
            (disk / "filler").unlink()


class ReadOnly:
    """A folder that takes no write, not even from root."""

    def __init__(self, folder):
        self.folder = folder

    def __enter__(self):
        subprocess.run(["mount", "--bind", self.folder, self.folder], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", self.folder], check=True)

    def __exit__(self, *_):
        subprocess.run(["umount", self.folder], check=True)


def fresh(name):
    """A new login whose access token has ended. Where the provider's record goes on from here."""
    peers.lifetime(SHORT)
    login(name)
    time.sleep(SHORT)
    peers.lifetime(LONG)
    return len(peers.records())


def token(name):
    return keyward("token", name, "--min-validity", "0")


def renewing(name):
    """A process whose renewal has been carried out, and whose answer waits at the provider."""
    peers.set("hold", at="after")
    process = keyward.start("token", name, "--min-validity", "0")
    peers.held()
    return process


def release(process, name):
    peers.set("release")
    return keyward.finish(process, ("token", name), 90)


def nothing_was_sent(name, trouble, code):
    since = fresh(name)
    with trouble:
        done = token(name).must(code)
        assert not done.out, str(done)
    same(peers.records("refreshed", "token refused", since=since), [], "requests")
    token(name).must()
    same(len(login.refreshes(name, since)), 1, "renewals")


def full_before_the_request():
    """On a full disk the keychain takes no mark: no request is sent, and the login works when there is space."""
    nothing_was_sent("mark-full", Full(keyring), 6)


def read_only_before_the_request():
    """In a read-only folder the keychain takes no mark: no request is sent, and the login works later."""
    nothing_was_sent("mark-ro", ReadOnly(collections), 6)


def locks_on_a_read_only_disk():
    """Where no lock can be taken no request is sent, and the login works later."""
    nothing_was_sent("lock-ro", ReadOnly(shared), 5)


def kept_beside_the_keychain(name, trouble):
    since = fresh(name)
    process = renewing(name)
    copy = shared / "spills" / f"grant-{name}"
    with trouble:
        printed = release(process, name).must().out
        assert copy.exists() and b"eyJ" not in copy.read_bytes(), "no encrypted copy"
        same(token(name).must().out, printed, "the token, while the keychain still fails")
    same(token(name).must().out, printed, "the token, when it works again")
    assert not copy.exists(), "the copy is still there"
    same(len(login.refreshes(name, since)), 1, "renewals")
    peers.lifetime(SHORT)


def full_after_the_answer():
    """When the keychain's disk is full after the answer, the renewed tokens are kept encrypted beside it, used, and put
    into the keychain when there is space."""
    kept_beside_the_keychain("write-full", Full(keyring))


def read_only_after_the_answer():
    """When the keychain's folder is read-only after the answer, the renewed tokens are kept encrypted beside it."""
    kept_beside_the_keychain("write-ro", ReadOnly(collections))


def kept_in_the_keychain(name, trouble):
    since = fresh(name)
    process = renewing(name)
    with trouble:
        printed = release(process, name).must().out
    same(token(name).must().out, printed, "the token")
    same(len(login.refreshes(name, since)), 1, "renewals")


def no_space_for_the_copy():
    """When only the disk of the copy is full, the keychain keeps the tokens."""
    kept_in_the_keychain("copy-full", Full(home))


def no_place_for_the_copy():
    """When only the folder of the copy is read-only, the keychain keeps the tokens."""
    kept_in_the_keychain("copy-ro", ReadOnly(shared / "spills"))


def space_comes_back():
    """When both disks are full after the answer, the write is tried until there is space, and nothing is lost."""
    name = "both-for-a-while"
    since = fresh(name)
    process = renewing(name)
    with Full(keyring, home):
        peers.set("release")
        eventually(lambda: peers.records("answered", since=since), "the answer")
        time.sleep(1)
        same(process.poll(), None, "it is still trying")
    printed = keyward.finish(process, ("token", name), 60).must().out
    same(token(name).must().out, printed, "the token")
    same(len(login.refreshes(name, since)), 1, "renewals")


def space_never_comes_back():
    """When both disks stay full after the answer, the token is not handed out, and the message says what that means."""
    name = "both-for-good"
    fresh(name)
    process = renewing(name)
    with Full(keyring, home):
        done = release(process, name).must(6)
        assert not done.out and "could not be kept" in done.err and f"keyward login {name}" in done.err, str(done)
    done = token(name).must(3)
    assert "interrupted" in done.err, str(done)
    login(name)
    token(name).must()


if __name__ == "__main__":
    cases = [
        full_before_the_request,
        read_only_before_the_request,
        locks_on_a_read_only_disk,
        full_after_the_answer,
        read_only_after_the_answer,
        no_space_for_the_copy,
        no_place_for_the_copy,
        space_comes_back,
        space_never_comes_back,
    ]
    sys.exit(ring.run(cases, keep=[scratch / "modern-provider.log"]))
