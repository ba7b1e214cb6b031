"""Completions in real shells: bash, zsh and fish, each asked as its own line editor asks.

bash gets a line in its variables and the function that `complete -F` named; fish has `complete -C`; zsh is driven through
a pseudo-terminal, because its completion exists only inside the editor.
"""

import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

top = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(top / "tests/peers"))
import ring
from ring import Keyward, same, scratch

keyward = Keyward()
bin = scratch / "bin"
bin.mkdir()
(bin / "keyward").symlink_to(keyward.program)
env = {**keyward.env, "PATH": f"{bin}:{os.environ['PATH']}", "TERM": "dumb"}
CONFIG = """
[connections.box]
backend = "remote"
url = "https://box.example.com/mcp"
[connections.support]
backend = "cisco"
client_id = "abc"
"""
# What somebody wants to run who can choose names: each would leave a file of this name behind.
PROOF = "proof-of-execution"
EVIL = [f"$(touch {PROOF})", f"`touch {PROOF}`", f";touch {PROOF};", f"'$(touch {PROOF})'", f'"$(touch {PROOF})"', f"a|touch {PROOF}", f"$((a[`touch {PROOF}`]))"]


def sh(*command, input=None, seconds=20, **more):
    done = subprocess.run(command, env={**env, **more}, cwd=keyward.home, input=input, capture_output=True, text=True, timeout=seconds)
    same(done.stderr, "", f"messages of {command[0]}")
    return done.stdout


def bash(line):
    script = r"""
. "$1"
COMP_LINE=$2 COMP_POINT=${#2}
# As bash itself splits the line: at spaces, and at `=` and `:` too.
spaced=${COMP_LINE//=/ = }; spaced=${spaced//:/ : }
read -ra COMP_WORDS <<<"$spaced"
case $COMP_LINE in *[[:space:]]) COMP_WORDS+=('') ;; esac
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
compopt() { printf 'option %s\n' "$*"; }
_keyward
[[ ${#COMPREPLY[@]} == 0 ]] || printf '%s\n' "${COMPREPLY[@]}"
"""
    return sh("bash", "--norc", "--noprofile", "-c", script, "bash", top / "completions/keyward.bash", line).split("\n")[:-1]


def fish(line):
    script = f"source {top}/completions/keyward.fish; complete -C $argv[1]"
    return [line.split("\t")[0] for line in sh("fish", "--no-config", "-c", script, line, HOME=str(keyward.home)).splitlines()]


class Zsh:
    """A zsh at a terminal. What it would insert is caught behind a function that all completions end in."""

    def __init__(self):
        self.pid, self.tty = pty.fork()
        if self.pid == 0:
            os.chdir(keyward.home)
            os.execvpe("zsh", ["zsh", "-f", "-i"], {**env, "PS1": "", "ZDOTDIR": str(keyward.home)})
        self.seen = b""
        functions = keyward.home / "site-functions"
        functions.mkdir(exist_ok=True)
        shutil.copy(top / "completions/_keyward", functions / "_keyward")
        self.send(f"fpath=({functions} $fpath); autoload -Uz compinit; compinit -u -d {keyward.home}/dump; stty -echo; echo rea''dy\n")
        self.until(b"ready")
        caught = keyward.home / "caught"
        # The real `compadd` puts what fits into an array instead of the line.
        self.send(
            "compadd() { local -a hits; builtin compadd -O hits \"$@\"; print -rl -- $hits >>" + str(caught) + "; builtin compadd \"$@\" };"
            " ask() { zle complete-word; BUFFER=; zle -R; print en''d >>" + str(caught) + ' }; zle -N ask; bindkey "^T" ask; echo se""t\n'
        )
        self.until(b"set")
        self.caught = caught

    def send(self, text):
        os.write(self.tty, text.encode())

    def until(self, what):
        end = time.monotonic() + 20
        while what not in self.seen:
            ready, _, _ = select.select([self.tty], [], [], max(0, end - time.monotonic()))
            assert ready, f"zsh does not say {what}: {self.seen[-500:]}"
            self.seen += os.read(self.tty, 65536)

    def ask(self, line):
        self.caught.write_text("")
        self.send(line + "\x14")
        text = ring.eventually(lambda: (text := self.caught.read_text()).endswith("end\n") and text, "an answer of zsh")
        self.send("\x15")
        return sorted({word for word in text.splitlines()[:-1] if word})


class once:
    zsh = None


def zsh(line):
    once.zsh = once.zsh or Zsh()
    return once.zsh.ask(line)


SHELLS = (bash, zsh, fish)


def everywhere(line, *expected):
    for shell in SHELLS:
        found = [word for word in shell(line) if not word.startswith("option ")]
        same(sorted(found), sorted(expected), f"{shell.__name__}: `{line}`")


def commands_and_options():
    """commands, options and their values are completed in bash, zsh and fish"""
    everywhere("keyward logi", "login")
    everywhere("keyward config un", "unset")
    everywhere("keyward status --veri", "--verify")
    everywhere("keyward completions z", "zsh")


def names():
    """connections, tools, hosts, toolsets and keys of the configuration are completed in all three"""
    keyward.config(CONFIG)
    everywhere("keyward login b", "box")
    everywhere("keyward call tavily_s", "tavily_search")
    everywhere("keyward install curs", "cursor")
    everywhere("keyward serve --only tavily,su", "tavily,support")
    everywhere("keyward config set connections.box.ur", "connections.box.url")
    everywhere("keyward config set connections.support.toolsets ca", "cases")


def after_an_equals_sign():
    """what follows an equals sign is completed in all three, although bash takes it for a word of its own"""
    keyward.config(CONFIG)
    same(bash("keyward login --backend=net"), ["netbox"])
    same(zsh("keyward login --backend=net"), ["--backend=netbox"])
    same(fish("keyward login --backend=net"), ["--backend=netbox"])
    same(bash("keyward call tavily_search quer"), ["option -o nospace", "query="])
    same(fish("keyward call tavily_search quer"), ["query="])


def files():
    """where a file stands, the shell's own completion of files answers"""
    (keyward.home / "some.toml").write_text("")
    same(bash("keyward --config so"), ["option -o default"])
    same(zsh("keyward --config so"), ["some.toml"])
    same(fish("keyward --config so"), ["some.toml"])


def broken():
    """a broken configuration completes no names and says nothing"""
    keyward.config("nonsense = [")
    everywhere("keyward login bo")
    everywhere("keyward logi", "login")


def nothing_runs():
    """whatever stands on the line or in the configuration, completing runs none of it"""
    for evil in EVIL:
        quoted = json.dumps(evil)
        keyward.config(f'[connections.{quoted}]\nbackend = "remote"\nurl = "https://box.example.com/mcp"\n')
        for shell in SHELLS:
            shell("keyward login ")
            if shell is not zsh:
                shell(f"keyward login {evil}")
                shell(f"keyward {evil} ")
    # The tool names of a remote server are somebody else's: a program that answers with them stands for keyward here.
    liar = scratch / "liar"
    liar.mkdir()
    lines = "\n".join(["words", *(f"{evil}\t{evil}" for evil in EVIL)])
    (liar / "answer").write_text(lines + "\n")
    (liar / "keyward").write_text(f"#!/bin/sh\ncat {liar}/answer\n")
    (liar / "keyward").chmod(0o755)
    before, env["PATH"] = env["PATH"], f"{liar}:{env['PATH']}"
    once.zsh = None
    try:
        for shell in SHELLS:
            shell("keyward login ")
    finally:
        env["PATH"], once.zsh = before, None
    assert not list(keyward.home.rglob(PROOF)) and not list(Path.cwd().glob(PROOF)), "something was run"


def an_alias_is_not_run():
    """completing asks the program itself, not an alias or a function of its name"""
    script = f"keyward() {{ touch {PROOF}; }}; . {top}/completions/keyward.bash; COMP_LINE='keyward log' COMP_POINT=11 COMP_WORDS=(keyward log) COMP_CWORD=1; _keyward; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    same(sh("bash", "--norc", "-c", script).split(), ["login", "logout"])
    assert not list(keyward.home.rglob(PROOF))


def without_the_program():
    """without the program on the PATH the scripts answer with nothing and say nothing"""
    before, env["PATH"] = env["PATH"], os.environ["PATH"].replace(str(bin), "")
    try:
        same(bash("keyward log"), [])
        same(fish("keyward log"), [])
    finally:
        env["PATH"] = before


def cheap():
    """completing asks no keychain and no network and writes nothing"""
    keyward.config(CONFIG)
    before = sorted(path for path in keyward.home.rglob("*") if "zcomp" not in path.name)
    counted = ["strace", "-f", "-qq", "-e", "trace=connect,socket", "-o", str(scratch / "calls"), keyward.program]
    subprocess.run([*counted, "complete", "--word=", "--", "call"], env=env, cwd=keyward.home, check=True, capture_output=True)
    same((scratch / "calls").read_text(), "", "sockets")
    same(sorted(path for path in keyward.home.rglob("*") if "zcomp" not in path.name), before, "files")


def powershell():
    """the script for PowerShell asks the program as the others do"""
    text = (top / "completions/keyward.ps1").read_text()
    assert not re.search(r"Invoke-Expression|\biex\b", text) and "--word=$wordToComplete" in text
    if shutil.which("pwsh"):
        line = "keyward logi"
        script = f". {top}/completions/keyward.ps1; (TabExpansion2 '{line}' {len(line)}).CompletionMatches.CompletionText"
        same(sh("pwsh", "-NoProfile", "-Command", script).split(), ["login"])


if __name__ == "__main__":
    sys.exit(ring.run([
        commands_and_options, names, after_an_equals_sign, files, broken, nothing_runs, an_alias_is_not_run,
        without_the_program, cheap, powershell,
    ]))  # fmt: skip
