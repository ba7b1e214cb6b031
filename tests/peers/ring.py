"""What every ring written in Python uses: cases that are counted, programs that are ended, the binary under test.

A case is a function; its docstring is the sentence it proves. `run` prints one line per case, `ok`, `not ok` or `skip`,
which is what `tests/run` counts.
"""

import atexit
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request
from pathlib import Path

here = Path(__file__).resolve().parent
scratch = Path(tempfile.mkdtemp(prefix="keyward-ring-"))
started = []


class Skip(Exception):
    """The case cannot run here; the text says why."""


def run(cases, *, keep=()):
    """Runs the cases in order and returns the exit status: 0 when none failed."""
    failed = set()
    for case in cases:
        sentence = " ".join((case.__doc__ or case.__name__).split()).rstrip(".")
        missing = [need.__name__ for need in getattr(case, "needs", ()) if need in failed]
        started_at = time.monotonic()
        try:
            if missing:
                raise AssertionError(f"needs {', '.join(missing)}, which failed")
            case()
        except Skip as reason:
            print(f"skip {sentence}: {reason}", flush=True)
            continue
        except Exception as error:
            failed.add(case)
            if not missing:
                traceback.print_exc()
            first = (str(error) or type(error).__name__).splitlines()[0]
            print(f"not ok {sentence}: {first}", flush=True)
            continue
        print(f"ok {sentence} ({time.monotonic() - started_at:.1f} s)", flush=True)
    if failed:
        for log in keep:
            show(log)
    return 1 if failed else 0


def needs(*others):
    """Marks a case that makes no sense when one of the others failed."""

    def mark(case):
        case.needs = others
        return case

    return mark


def show(log, lines=40):
    """Prints the end of a log, so that a failure can be read where it happened."""
    text = Path(log).read_text(errors="replace").splitlines() if Path(log).exists() else []
    print(f"--- {log} ({len(text)} lines)", *text[-lines:], sep="\n", file=sys.stderr, flush=True)


def same(actual, expected, what=""):
    """Compares whole values."""
    assert actual == expected, f"{what or 'value'}: expected {expected!r}, got {actual!r}"


def eventually(probe, what, seconds=20):
    """Waits until `probe` answers something true and returns that."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := probe():
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen within {seconds} s")


def start(name, *command, env=None, inherit=()):
    """Starts a program that prints one JSON line when it is ready, and that gets the descriptors to inherit; returns the
    process and that line."""
    log = scratch / f"{name}.log"
    with open(log, "wb") as errors:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **(env or {})},
            pass_fds=inherit,
            start_new_session=True,
        )
    started.append(process)
    line = process.stdout.readline()
    if not line:
        process.wait(5)
        show(log)
        raise AssertionError(f"{name} ended with {process.returncode} before it was ready")
    return process, json.loads(line)


def background(name, *command, env=None):
    """Starts a program whose output goes to a log."""
    log = scratch / f"{name}.log"
    with open(log, "wb") as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
    started.append(process)
    return process


def stop(process):
    """Ends one program that this ring started, with its children."""
    if process.poll() is None:
        for signum, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            try:
                os.killpg(process.pid, signum)
                process.wait(patience)
                break
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue


# Programs that a ring starts have sessions of their own: a ring that is ended must still end them.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


@atexit.register
def clean():
    for process in started:
        stop(process)
    if os.environ.get("KEEP_SCRATCH"):
        print(f"kept {scratch}", file=sys.stderr)
    else:
        shutil.rmtree(scratch, ignore_errors=True)


def http(method, url, body=None):
    """One request to a peer's control port; returns what its JSON says."""
    request = urllib.request.Request(url, data=body, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def free_port():
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def talk(process, messages, seconds=30):
    """Writes JSON-RPC messages to a server's standard input and returns the answers to its requests, by id.

    Standard input stays open. What the server says besides, such as notifications, is dropped.
    """
    wanted = {message["id"] for message in messages if "id" in message}
    process.stdin.write(b"".join(json.dumps(message).encode() + b"\n" for message in messages))
    process.stdin.flush()
    answers, pending = {}, b""
    end = time.monotonic() + seconds
    while wanted - set(answers):
        readable, _, _ = select.select([process.stdout], [], [], max(0, end - time.monotonic()))
        assert readable, f"no answer to {sorted(wanted - set(answers))} within {seconds} s"
        piece = os.read(process.stdout.fileno(), 65536)
        assert piece, f"the server ended before it had answered {sorted(wanted - set(answers))}: {process.stderr.read()[-800:]!r}"
        *lines, pending = (pending + piece).split(b"\n")
        for message in map(json.loads, filter(bytes.strip, lines)):
            if "method" not in message:
                answers[message["id"]] = message
    return answers


class Done:
    """How a run of the binary ended."""

    def __init__(self, arguments, code, out, err):
        self.arguments, self.code, self.out, self.err = arguments, code, out, err

    def json(self):
        """Standard output as the one JSON object it must be."""
        try:
            return json.loads(self.out)
        except ValueError:
            raise AssertionError(f"{self}: standard output is not one JSON value")

    def must(self, code=0):
        """Fails unless the exit code is this one."""
        assert self.code == code, f"{self}: expected exit code {code}"
        return self

    def __str__(self):
        words = " ".join(self.arguments)
        return f"`keyward {words}` ended with {self.code}; stdout {self.out[-400:]!r}; stderr {self.err[-800:]!r}"


class Keyward:
    """The binary under test with a home of its own."""

    def __init__(self, home=None, **env):
        self.program = os.environ.get("KEYWARD_BIN") or sys.exit("KEYWARD_BIN does not name the binary under test")
        self.home = Path(home or tempfile.mkdtemp(prefix="home-", dir=scratch))
        self.env = {
            # A desktop of the machine must not be reached from here; the keychain is the private one of the ring.
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("KEYWARD_", "XDG_CONFIG", "XDG_DATA", "XDG_STATE", "XDG_CACHE"))
            and name.lower() not in ("display", "wayland_display", "browser", "http_proxy", "https_proxy", "all_proxy")
        }
        self.env |= {"HOME": str(self.home), "KEYWARD_CONFIG": str(self.home / "config.toml"), **env}

    def config(self, text):
        """Replaces the configuration."""
        (self.home / "config.toml").write_text(text)

    def start(self, *arguments, env=None, **pipes):
        """Starts the binary and returns the process."""
        process = subprocess.Popen(
            [self.program, *arguments],
            env={**self.env, **(env or {})},
            cwd=self.home,
            start_new_session=True,
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **pipes},
        )
        started.append(process)
        return process

    def finish(self, process, arguments, seconds=60):
        """Waits for a started binary."""
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            stop(process)
            out, err = process.communicate()
            raise AssertionError(f"{Done(arguments, 'no end', *map(decode, (out, err)))} within {seconds} s")
        return Done(arguments, process.returncode, decode(out), decode(err))

    def __call__(self, *arguments, env=None, seconds=60):
        return self.finish(self.start(*arguments, env=env), arguments, seconds)

    def together(self, *commands, env=None, seconds=60):
        """Runs several commands at the same time and returns how each ended."""
        running = [self.start(*arguments, env=env) for arguments in commands]
        return [self.finish(process, arguments, seconds) for process, arguments in zip(running, commands)]


def decode(data):
    return data.decode(errors="replace")
