"""The backend that docs/backends.md adds: taken from the page, put into a copy of the sources, built, linted and called.

    backend.py

Its cases print `ok` or `not ok`, which is what `tests/run` counts. Libraries come from the usual target folder.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

top = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(top / "tests/peers"))
import ring
from ring import needs

PAGE = (top / "docs/backends.md").read_text()
target = Path(os.environ.get("CARGO_TARGET_DIR") or top / "target").absolute()
# Always the same place, so that cargo replaces what it built there instead of adding to it.
copy = target / "documented"


def blocks(language):
    """The blocks of the page in this language, with the file that stands above each."""
    return re.findall(rf"^`(src/[a-z_/]+\.rs)`:\n\n```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def cargo(*words):
    run = subprocess.run(["cargo", *words], cwd=copy, env={**os.environ, "CARGO_TARGET_DIR": str(target)}, capture_output=True, text=True)
    assert run.returncode == 0, f"cargo {' '.join(words)}\n{run.stdout[-3000:]}\n{run.stderr[-6000:]}"
    return run.stdout


def page_says_which_files():
    """The page has the three files of the example and the change of the list."""
    files = dict(blocks("rust"))
    ring.same(sorted(files), [f"src/backends/quotes/{name}.rs" for name in ("fake", "mod", "tests")], "files")
    ring.same([path for path, _ in blocks("diff")], ["src/backends/mod.rs"], "changed files")
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True)
    for name in ("src", "tests", "benches", "completions", ".clippy.toml", ".rustfmt.toml"):
        if (top / name).is_dir():
            shutil.copytree(top / name, copy / name)
        elif (top / name).exists():
            shutil.copy2(top / name, copy / name)
    for name in ("Cargo.toml", "Cargo.lock", "README.md"):
        shutil.copy2(top / name, copy / name)
    # Another version, so that what is built of it does not take the place of what is built here.
    manifest = (copy / "Cargo.toml").read_text()
    (copy / "Cargo.toml").write_text(re.sub(r'(?m)^version = "([0-9.]+)"$', r'version = "\1-documented"', manifest, count=1))
    for path, text in files.items():
        (copy / path).parent.mkdir(exist_ok=True)
        (copy / path).write_text(text)
    for path, change in blocks("diff"):
        apply(copy / path, change)


def apply(path, change):
    """Each added line goes before the line that follows it, or after the one before it."""
    source, lines = path.read_text(), change.splitlines()
    for at, line in enumerate(lines):
        if not line.startswith("+"):
            continue
        before = [other[1:] for other in lines[at - 1 : at] if other.startswith(" ")]
        after = [other[1:] for other in lines[at + 1 : at + 2] if other.startswith(" ")]
        anchor = next((one for one in (*before, *after) if source.count(f"\n{one}\n") == 1), None)
        assert anchor is not None, f"{path} has no single line {before or after}"
        both = f"\n{anchor}\n{line[1:]}\n" if anchor in before else f"\n{line[1:]}\n{anchor}\n"
        source = source.replace(f"\n{anchor}\n", both)
    path.write_text(source)


@needs(page_says_which_files)
def example_is_as_the_formatter_writes_it():
    """The formatter has nothing to change in the example."""
    cargo("fmt", "--check")


@needs(page_says_which_files)
def example_works():
    """The documented backend builds, its stand-in is called, and its tests pass."""
    told = cargo("test", "--quiet", "--lib", "quotes::")
    assert re.search(r"test result: ok\. 2 passed", told), told


@needs(example_works)
def linter_finds_nothing():
    """The linter finds nothing in it either."""
    cargo("clippy", "--quiet", "--lib", "--", "-D", "warnings")


if __name__ == "__main__":
    sys.exit(ring.run([page_says_which_files, example_is_as_the_formatter_writes_it, example_works, linter_finds_nothing]))
