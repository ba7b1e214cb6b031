"""install.sh, in folders of its own: from source here, from releases in `releases.py`.

Builds with the profile settings that cargo reads from the environment, without what takes minutes when it is linked;
what is tested here is the script.
"""

import os
import stat
import subprocess
import sys
from pathlib import Path
from shutil import copy, which

top = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(top / "tests/peers"), str(top / "tests/install")]
import releases
import ring
from ring import same, scratch

quick = {"LTO": "off", "CODEGEN_UNITS": "16", "STRIP": "none"}
base = {
    **os.environ,
    # cargo and rustup look for themselves in HOME, which some cases move.
    "CARGO_HOME": os.environ.get("CARGO_HOME", os.path.expanduser("~/.cargo")),
    "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", os.path.expanduser("~/.rustup")),
    # Not beside a real release build. The ring `instructions` counts what is built here.
    "CARGO_TARGET_DIR": os.path.join(os.environ.get("CARGO_TARGET_DIR", str(top / "target")), "install-ring"),
    **{f"CARGO_PROFILE_RELEASE_{name}": value for name, value in quick.items()},
}


def install(*arguments, **env):
    done = subprocess.run([top / "install.sh", *arguments], env={**base, **env}, cwd=scratch, capture_output=True, text=True, timeout=900)
    done.text = done.stdout + done.stderr
    return done


def works(program):
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10)
    assert done.returncode == 0 and done.stdout.startswith("keyward "), done
    same(stat.S_IMODE(program.stat().st_mode), 0o755, "mode")


def script(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def help_and_mistakes():
    """install.sh shows its help and refuses what it does not know."""
    done = install("--help")
    assert done.returncode == 0 and "--to DIR" in done.stdout and "set -eu" not in done.stdout, done
    same(install("--nonsense").returncode, 2)
    done = install("--to")
    assert done.returncode == 2 and "needs a folder" in done.stderr and done.stdout == "", done


def into_a_new_folder():
    """install.sh builds and installs into a folder that is not there yet, with a space in its name."""
    folder = scratch / "new folder" / "bin"
    done = install("--to", folder)
    same(done.returncode, 0, done.text[-1500:])
    works(folder / "keyward")
    same(names(folder), ["keyward"], "files")
    assert (folder.parent / "share/man/man1/keyward.1").exists(), "the manual"
    assert f"installed keyward" in done.stdout and "is not on the PATH" in done.stdout, done.stdout


def into_the_default_folder():
    """install.sh installs into ~/.local/bin and touches nothing else in HOME."""
    home = scratch / "home"
    home.mkdir()
    done = install(HOME=str(home), PATH=f"{home}/.local/bin:{base['PATH']}")
    same(done.returncode, 0, done.text[-1500:])
    works(home / ".local/bin/keyward")
    same(names(home), [".local"], "files")
    assert "not on the PATH" not in done.text, done.text


def over_a_running_one():
    """install.sh replaces a program that is running, and says what it replaced."""
    folder = scratch / "busy"
    folder.mkdir()
    copy(which("sleep"), folder / "keyward")
    running = ring.background("running", folder / "keyward", "60")
    done = install("--to", folder)
    same(done.returncode, 0, done.text[-1500:])
    assert running.poll() is None, "the old program was disturbed"
    ring.stop(running)
    works(folder / "keyward")
    assert "replaced " in done.stdout, done.stdout


def never_through_a_link():
    """install.sh replaces a link itself, not what it points to."""
    folder, target = scratch / "linked", scratch / "precious"
    folder.mkdir()
    target.write_text("precious")
    (folder / "keyward").symlink_to(target)
    same(install("--to", folder).returncode, 0)
    same(target.read_text(), "precious")
    assert not (folder / "keyward").is_symlink()


def where_it_may_not():
    """install.sh says what helps when the folder cannot be made."""
    (scratch / "file").write_text("")
    done = install("--to", scratch / "file" / "bin")
    assert done.returncode == 1 and "hint:" in done.stderr and "building" not in done.stdout, done


def over_a_folder():
    """install.sh does not install into a folder that has the program's name."""
    (scratch / "odd" / "keyward").mkdir(parents=True)
    done = install("--to", scratch / "odd")
    assert done.returncode == 1 and "is a folder" in done.stderr, done
    same(names(scratch / "odd"), ["keyward"])
    same(names(scratch / "odd" / "keyward"), [])


def a_program_that_fails():
    """install.sh keeps the old program when the new one does not run."""
    fake, folder = scratch / "fake", scratch / "old"
    script(fake / "keyward", "exit 1")
    script(fake / "cargo", f"""echo '{{"executable":"{fake}/keyward"}}'""")
    script(folder / "keyward", "echo the old one")
    done = install("--to", folder, PATH=f"{fake}:{base['PATH']}")
    assert done.returncode == 1 and "does not run" in done.stderr, done
    same(subprocess.run([folder / "keyward"], capture_output=True, text=True).stdout, "the old one\n")
    same(names(folder), ["keyward"])


def a_build_that_fails():
    """install.sh installs nothing when the build fails, and shows why."""
    fake = scratch / "failing"
    script(fake / "cargo", "echo 'error: could not compile' >&2; exit 101")
    done = install("--to", scratch / "nothing", PATH=f"{fake}:{base['PATH']}")
    assert done.returncode == 1 and "could not compile" in done.stderr, done
    assert not (scratch / "nothing").exists()


def without_cargo():
    """install.sh names what to install when there is no cargo."""
    bare = scratch / "bare"
    bare.mkdir()
    for tool in ("sh", "sed", "dirname", "mktemp", "mkdir", "rm", "rmdir", "sort"):
        (bare / tool).symlink_to(which(tool))
    done = install("--to", scratch / "none", PATH=str(bare))
    assert done.returncode == 1 and "rustup.rs" in done.stderr, done


def no_sudo():
    """install.sh calls no sudo, runs no text, and has one place that downloads."""
    code = [line for line in (top / "install.sh").read_text().splitlines() if not line.lstrip().startswith("#")]
    for word in ("sudo", "wget", "eval"):
        assert not [line for line in code if word in line.split()], word
    same(len([line for line in code if line.split()[:1] == ["curl"]]), 1, "downloads")


if __name__ == "__main__":
    sys.exit(
        ring.run([
            help_and_mistakes, into_a_new_folder, into_the_default_folder, over_a_running_one, never_through_a_link,
            where_it_may_not, over_a_folder, a_program_that_fails, a_build_that_fails, without_cargo, no_sudo,
            *releases.CASES,
        ])
    )  # fmt: skip
