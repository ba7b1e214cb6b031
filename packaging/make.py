#!/usr/bin/env python3
"""Makes what a release consists of, from Cargo.toml and programs that were built before.

    make.py targets                              the kinds of machines, one a line
    make.py archive TARGET PROGRAM               the archive for one of them
    make.py deb TARGET PROGRAM                   the Debian package
    make.py bundle CPU LISTER TARGET=PROGRAM…    the MCP bundle; LISTER is a program that runs here
    make.py sums                                 SHA256SUMS over all that is there
    make.py definitions                          server.json, Homebrew, Scoop and install.sh, from all that is there

Everything goes into the folder `--out`. `--repository` is the address of the project, `--maintainer` who answers for the
Debian package, `--mcpb` the command of the bundle's own packer. Needs Python 3.11 and nothing else.
"""

import argparse
import json
import re
import shlex
import sys
from pathlib import Path

import archives
import bundle
import debian
import definitions
from facts import TARGETS


def main(words):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["targets", "archive", "deb", "bundle", "sums", "definitions"])
    parser.add_argument("words", nargs="*")
    parser.add_argument("--out", type=Path, default=Path("dist"))
    parser.add_argument("--repository", type=repository)
    parser.add_argument("--maintainer")
    parser.add_argument("--mcpb", type=shlex.split, default=["mcpb"])
    given = parser.parse_args(words)
    given.out.mkdir(parents=True, exist_ok=True)
    if given.what in ("deb", "bundle", "definitions") and not given.repository:
        parser.error("--repository is needed: packages say where they come from")
    match given.what, given.words:
        case "targets", []:
            print(*TARGETS, sep="\n")
        case "archive", [triple, program]:
            print(archives.make(TARGETS[triple], program, given.out))
        case "deb", [triple, program] if given.maintainer:
            print(debian.make(TARGETS[triple], program, given.repository, given.maintainer, given.out))
        case "bundle", [cpu, lister, *pairs] if pairs:
            programs = dict(pair.split("=", 1) for pair in pairs)
            print(bundle.make(cpu, programs, lister, given.repository, given.mcpb, given.out))
        case "sums", []:
            print(archives.sums(given.out))
        case "definitions", []:
            write(given.out, given.repository)
        case _:
            parser.error("see --help for the words that belong to this")


def write(out, address):
    texts = {
        "server.json": json.dumps(bundle.server(out, address), indent=2) + "\n",
        "keyward.rb": definitions.homebrew(out, address),
        "keyward.json": definitions.scoop(out, address),
        "install.sh": definitions.installer(address),
    }
    for name, text in texts.items():
        (out / name).write_text(text)
        print(out / name)


def repository(text):
    """It becomes part of scripts and of addresses: anything but a plain one is refused."""
    if not re.fullmatch(r"https://[A-Za-z0-9.-]+(:[0-9]+)?/[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+", text):
        raise argparse.ArgumentTypeError("an address such as https://github.com/OWNER/keyward")
    return text


if __name__ == "__main__":
    main(sys.argv[1:])
