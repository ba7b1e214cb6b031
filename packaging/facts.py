"""What every package says of keyward. Cargo.toml is the one place; nothing is repeated here that stands there."""

import os
import re
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
PACKAGE = tomllib.loads((TOP / "Cargo.toml").read_text())["package"]
NAME, VERSION, DESCRIPTION, LICENSE = (PACKAGE[key] for key in ("name", "version", "description", "license"))
# The names that the descriptions of packages elsewhere have room for.
assert len(DESCRIPTION) <= 80, "Debian, Homebrew and the registry of MCP have no room for a longer description"
AUTHORS = re.search(r"\(c\) \d+ (?:The )?(.+)", (TOP / "LICENSE").read_text()).group(1)
COMPLETIONS = TOP / "completions"
MANUAL = TOP / "man"
DOCUMENTS = ("README.md", "CHANGELOG.md", "LICENSE")


@dataclass(frozen=True)
class Target:
    """One kind of machine, by the name that Rust has for it and those that others have."""

    triple: str
    system: str  # as Node, and so the bundle, calls it
    cpu: str

    @property
    def is_windows(self):
        return self.system == "win32"

    @property
    def program(self):
        return f"{NAME}.exe" if self.is_windows else NAME

    @property
    def stem(self):
        return f"{NAME}-{VERSION}-{self.triple}"

    @property
    def archive(self):
        return self.stem + (".zip" if self.is_windows else ".tar.gz")


TARGETS = {
    triple: Target(triple, system, cpu)
    for triple, system, cpu in (
        ("x86_64-unknown-linux-gnu", "linux", "x86_64"),
        ("aarch64-unknown-linux-gnu", "linux", "aarch64"),
        ("x86_64-unknown-linux-musl", "linux", "x86_64"),
        ("aarch64-unknown-linux-musl", "linux", "aarch64"),
        ("x86_64-apple-darwin", "darwin", "x86_64"),
        ("aarch64-apple-darwin", "darwin", "aarch64"),
        ("x86_64-pc-windows-msvc", "win32", "x86_64"),
    )
}
# A bundle names systems, not CPUs, so that there is one for each CPU; the program without a C library runs on every Linux.
BUNDLED = {
    "x86_64": ("x86_64-unknown-linux-musl", "x86_64-apple-darwin", "x86_64-pc-windows-msvc"),
    "aarch64": ("aarch64-unknown-linux-musl", "aarch64-apple-darwin"),
}


def bundle_name(cpu):
    """The file name of the bundle for a CPU; the registry wants `mcp` in its address."""
    return f"{NAME}-{VERSION}-{cpu}.mcpb"


def moment():
    """The second that all files of a package are from, so that the same commit makes the same bytes."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    asked = subprocess.run(["git", "-C", TOP, "log", "-1", "--format=%ct"], capture_output=True, text=True)
    return int(asked.stdout.strip() or 0) or 1_700_000_000
