"""The binary under watch: what it prints, the arguments and the environment of everything that it starts."""

import os
import sys
import threading
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent))
from ring import Keyward


def read(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


def below(process):
    """The process and all that it has started, and these have."""
    found, waiting = [], [process]
    while waiting:
        one = waiting.pop()
        found.append(one)
        try:
            threads = os.listdir(f"/proc/{one}/task")
        except OSError:
            continue
        for thread in threads:
            waiting += [int(word) for word in read(Path(f"/proc/{one}/task/{thread}/children")).split()]
    return found


class Text:
    """Something that was printed or shown: where, and which kinds of secrets may stand there."""

    def __init__(self, where, data, answer=False, address=False):
        # `answer`: the secret is what the command was asked for. `address`: the login page's address stands there.
        self.where, self.data, self.answer, self.address = where, data, answer, address


class Watched(Keyward):
    """Runs the binary as loudly as it can be, and keeps everything for the end."""

    def __init__(self, **env):
        super().__init__(**env)
        self.texts, self.words, self.children = [], set(), 0

    def watch(self, process, label, stop):
        seen = {}
        while not stop.is_set():
            for one in below(process.pid):
                folder = Path(f"/proc/{one}")
                # Between fork and exec a child still is its parent.
                if one != process.pid and read(folder / "cmdline") != read(Path(f"/proc/{process.pid}/cmdline")):
                    seen[one, "environment"] = read(folder / "environ")
                seen[one, "arguments"] = read(folder / "cmdline")
            stop.wait(0.005)
        for (one, what), data in seen.items():
            who = "its own" if one == process.pid else "a child's"
            self.texts.append(Text(f"{who} {what} ({label})", data, address=one != process.pid))
        self.children += len({one for one, _ in seen if one != process.pid})

    def begin(self, *arguments, env=None, **pipes):
        """Starts the binary under watch; `end` waits for it."""
        self.words.update([arguments[:1], arguments[:2]])
        label = " ".join(arguments)
        everything = {"RUST_LOG": "trace", "RUST_BACKTRACE": "full", **(env or {})}
        process = self.start(*arguments, "-vv", env=everything, **pipes)
        process.stop = threading.Event()
        process.watcher = threading.Thread(target=self.watch, args=(process, label, process.stop))
        process.watcher.start()
        return process

    def end(self, process, arguments, *, answer=False, seconds=60):
        """How it ended."""
        try:
            done = self.finish(process, arguments, seconds)
        finally:
            process.stop.set()
            process.watcher.join()
        label = f"{' '.join(arguments)}, exit code {done.code}"
        is_login = arguments[0] in ("login", "demo", "serve", "logout")
        self.texts.append(Text(f"standard output of {label}", done.out.encode(), answer, is_login))
        self.texts.append(Text(f"standard error of {label}", done.err.encode(), False, is_login))
        return done

    def __call__(self, *arguments, env=None, text="", answer=False, seconds=60):
        """Runs the binary to its end with this on standard input."""
        process = self.begin(*arguments, env=env, stdin=-1)
        try:
            process.stdin.write(text.encode())
            process.stdin.close()
        except BrokenPipeError:
            pass
        process.stdin = None
        return self.end(process, arguments, answer=answer, seconds=seconds)


def files(*folders):
    """Every file below the folders, as a text."""
    for folder in folders:
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield Text(f"the file {path}", read(path))
            yield Text("the name of a file", str(path).encode())
