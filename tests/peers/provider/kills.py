"""Two hundred renewals of the real binary, killed at random moments.

Run inside `tests/with-keyring.sh`, with KEYWARD_BIN, PEERS_NODE, PEERS_NODE_BIN and PEERS_MODERN set as `tests/run` does.
It has a keychain of its own, because the keychain's daemon, too, now and then dies of a client that dies in the middle of
a call: then it is started again, and what it had on disk must do.
"""

import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from peers import Keyward, Logins, Peers, order, person, ring, same, scratch

KILLS, LANES, SEED = 200, 5, 23
SHORT = 2
# How long an answer is on its way from the provider's socket into the copy that survives a kill, on a busy machine.
ARRIVAL = 0.1
# So often the keychain's daemon may die before that is a failure of its own.
CRASHES = 3

peers = Peers("modern")
unwanted = scratch / "unwanted.jsonl"
keyward = Keyward(BROWSER=person, PERSON_LOG=str(unwanted), PERSON_PRESS="deny")
login = Logins(peers, keyward)


class Keychain:
    """Notices when the keychain's daemon has died, and starts another."""

    def __init__(self):
        self.lock, self.crashes = threading.Lock(), 0

    @staticmethod
    def is_gone():
        ask = ["dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.DBus", "/"]
        ask += ["org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"]
        return "boolean false" in subprocess.run(ask, capture_output=True, text=True, timeout=10).stdout

    def mended(self):
        """Whether there was a need; the caller then tries again."""
        with self.lock:
            if not self.is_gone():
                return False
            self.crashes += 1
            assert self.crashes <= CRASHES, f"the keychain's daemon died {self.crashes} times"
            order("restart")
            return True


keychain = Keychain()


class Lane:
    """One connection whose renewals are killed, one after the other."""

    def __init__(self, number, kills):
        self.name, self.random = f"killed-{number}", random.Random(SEED + number)
        self.left, self.usual, self.lost = kills, 0.4, 0
        self.login()

    def login(self):
        try:
            login(self.name)
        except AssertionError:
            if not keychain.mended():
                raise
            login(self.name)

    def token(self):
        done = keyward("token", self.name, "--min-validity", "0")
        # Another lane may have mended it in between.
        while done.code == 6 and (keychain.mended() or "no keychain" in done.err):
            done = keyward("token", self.name, "--min-validity", "0")
        return done

    def run(self):
        while self.left > 0:
            self.kill_one()
        return self.lost

    def kill_one(self):
        # A token of two seconds is renewed when the clock's second has changed.
        time.sleep(1.02 - time.time() % 1)
        since = len(peers.records())
        process = keyward.start("token", self.name, "--min-validity", "0")
        started = time.monotonic()
        try:
            process.wait(self.random.uniform(0, self.usual * 1.1))
            self.usual += (max(0.05, time.monotonic() - started) - self.usual) / 8
            keyward.finish(process, ("token", self.name))
            return
        except subprocess.TimeoutExpired:
            pass
        about_to = time.time()
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=10)
        self.left -= 1
        began = time.monotonic()
        after = self.token()
        if after.code == 0:
            # A renewal that nobody kills tells how long one takes on this machine.
            if login.refreshes(self.name, since):
                self.usual += (time.monotonic() - began - self.usual) / 8
            return
        self.tells_the_truth(after, since, about_to)
        self.login()

    def tells_the_truth(self, after, since, killed):
        """The login may be lost only if the kill came between the rotation and the arrival of its answer."""
        after.must(3)
        assert "interrupted" in after.err and f"keyward login {self.name}" in after.err, str(after)
        seen = login.refreshes(self.name, since)
        assert seen, f"lost without a rotation: {after}"
        answers = {r["issued"]: r["at"] for r in peers.records("answered", since=since)}
        arrived = answers.get(seen[0]["issued"], killed) + ARRIVAL
        assert killed <= arrived, f"killed {killed - arrived:.3f} s after the answer was there, and lost"
        self.lost += 1


def r03_two_hundred_kills():
    """Of 200 kills at random moments of a renewal, the login survives all that do not fall between the rotation and the
    arrival of its answer, and after one that does the message tells the truth."""
    peers.lifetime(SHORT)
    lanes = [Lane(number, KILLS // LANES) for number in range(LANES)]
    with ThreadPoolExecutor(LANES) as pool:
        lost = sum(pool.map(Lane.run, lanes))
    for lane in lanes:
        login.chain(lane.name)
    print(f"# {lost} of {KILLS} kills fell between the rotation and the arrival of its answer", flush=True)
    if keychain.crashes:
        print(f"# the keychain's own daemon died {keychain.crashes} times", flush=True)


def nobody_was_disturbed():
    """No killed renewal opened a browser, and the provider met no error of its own."""
    same(unwanted.read_text() if unwanted.exists() else "", "", "visits")
    same(peers.records("server error"), [], "errors inside the provider")


if __name__ == "__main__":
    sys.exit(ring.run([r03_two_hundred_kills, nobody_was_disturbed], keep=[scratch / "modern-provider.log"]))
