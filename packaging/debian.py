"""The Debian package: what the archive holds, in the places that Debian has for it. Needs `dpkg-deb`."""

import gzip
import hashlib
import os
import shutil
import subprocess
import tempfile
from email.utils import formatdate
from pathlib import Path

from facts import COMPLETIONS, MANUAL, NAME, TOP, VERSION, moment
from templates import filled

# Where the programs of these two targets run; the C library is that of the oldest system they are built on.
ARCHITECTURES = {"x86_64-unknown-linux-gnu": "amd64", "aarch64-unknown-linux-gnu": "arm64"}
SHELLS = {
    "keyward.bash": f"usr/share/bash-completion/completions/{NAME}",
    "_keyward": "usr/share/zsh/vendor-completions/_keyward",
    "keyward.fish": "usr/share/fish/vendor_completions.d/keyward.fish",
}


def make(target, binary, repository, maintainer, out):
    """Builds the package and returns its path."""
    architecture = ARCHITECTURES[target.triple]
    path = Path(out).resolve() / f"{NAME}_{VERSION}_{architecture}.deb"
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        files = content(binary, maintainer, repository)
        for name, (data, mode) in files.items():
            put(root / name, data, mode)
        size = sum(len(data) for data, _ in files.values()) // 1024 + 1
        values = {"architecture": architecture, "maintainer": maintainer, "repository": repository, "size": size}
        put(root / "DEBIAN/control", filled("control", **values).encode(), 0o644)
        lines = (f"{hashlib.md5(data, usedforsecurity=False).hexdigest()}  {name}\n" for name, (data, _) in sorted(files.items()))
        put(root / "DEBIAN/md5sums", "".join(lines).encode(), 0o644)
        build = ["dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "--build", str(root), str(path)]
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "SOURCE_DATE_EPOCH": str(moment())})
    return path


def content(binary, maintainer, repository):
    """The files of the package by their place, with their modes."""
    squeezed = lambda data: gzip.compress(data, 9, mtime=0)
    papers = f"usr/share/doc/{NAME}"
    changes = filled("changelog", maintainer=maintainer, date=formatdate(moment()))
    files = {
        f"usr/bin/{NAME}": (Path(binary).read_bytes(), 0o755),
        f"{papers}/copyright": (filled("copyright", repository=repository, text=license_text()).encode(), 0o644),
        f"{papers}/changelog.gz": (squeezed(changes.encode()), 0o644),
        f"{papers}/README.md.gz": (squeezed((TOP / "README.md").read_bytes()), 0o644),
        f"{papers}/NEWS.md.gz": (squeezed((TOP / "CHANGELOG.md").read_bytes()), 0o644),
    }
    for name, place in SHELLS.items():
        files[place] = ((COMPLETIONS / name).read_bytes(), 0o644)
    for page in MANUAL.iterdir():
        files[f"usr/share/man/man1/{page.name}.gz"] = (squeezed(page.read_bytes()), 0o644)
    return files


def license_text():
    """The licence below its heading, indented as the file about copyright has it."""
    _, _, text = (TOP / "LICENSE").read_text().partition("\n\n")
    lines = text.strip().splitlines()[2:]
    return "\n".join(f" {line}" if line else " ." for line in lines)


def put(path, data, mode):
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    path.write_bytes(data)
    path.chmod(mode)


def available():
    return shutil.which("dpkg-deb") is not None
