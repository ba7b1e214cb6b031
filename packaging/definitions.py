"""Package definitions for Homebrew and Scoop, and the installer that knows its release."""

import json
from pathlib import Path

from facts import DESCRIPTION, LICENSE, NAME, TARGETS, TOP, VERSION
from templates import filled


def listed(folder):
    """The sums in SHA256SUMS, by file name."""
    lines = (Path(folder) / "SHA256SUMS").read_text().splitlines()
    return {name: sum for sum, name in (line.split("  ", 1) for line in lines)}


def homebrew(folder, repository):
    """The formula. An archive that is not there is a release that is not whole."""
    values, sums = {"repository": repository}, listed(folder)
    for target in TARGETS.values():
        if not target.is_windows:
            word = target.triple.replace("-", "_")
            values[f"address_{word}"] = address(repository, target.archive)
            values[f"sum_{word}"] = sums[target.archive]
    return filled("keyward.rb", **values)


def scoop(folder, repository):
    """The manifest of a bucket."""
    target = TARGETS["x86_64-pc-windows-msvc"]
    later = target.archive.replace(VERSION, "$version")
    described = {
        "version": VERSION,
        "description": DESCRIPTION,
        "homepage": repository,
        "license": LICENSE,
        "architecture": {
            "64bit": {
                "url": address(repository, target.archive),
                "hash": listed(folder)[target.archive],
                "extract_dir": target.stem,
            }
        },
        "bin": target.program,
        "notes": "Completions: keyward completions powershell >> $PROFILE",
        "checkver": {"github": repository},
        "autoupdate": {
            "architecture": {
                "64bit": {
                    "url": f"{repository}/releases/download/v$version/{later}",
                    "extract_dir": target.stem.replace(VERSION, "$version"),
                }
            },
            "hash": {"url": "$baseurl/SHA256SUMS"},
        },
    }
    return json.dumps(described, indent=4) + "\n"


def installer(repository):
    """install.sh that downloads from this project's releases unless it is told another place."""
    before, after = "\nreleases=\n", f"\nreleases={repository}/releases\n"
    text = (TOP / "install.sh").read_text()
    assert text.count(before) == 1, "install.sh has one place for the address of the releases"
    return text.replace(before, after)


def address(repository, name):
    return f"{repository}/releases/download/v{VERSION}/{name}"
