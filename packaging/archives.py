"""The archives of a release: the program, its completions, its manual and its papers below one folder; and their sums."""

import gzip
import hashlib
import io
import tarfile
import time
import zipfile
from pathlib import Path

from facts import COMPLETIONS, DOCUMENTS, MANUAL, TOP, moment


def members(target, binary):
    """The names inside the folder of the archive, with bytes and mode, in order."""
    files = {target.program: (Path(binary).read_bytes(), 0o755)}
    for name in DOCUMENTS:
        files[name] = ((TOP / name).read_bytes(), 0o644)
    for folder in (COMPLETIONS, MANUAL):
        for path in folder.iterdir():
            files[f"{folder.name}/{path.name}"] = (path.read_bytes(), 0o644)
    return sorted(files.items())


def make(target, binary, out):
    """Writes the archive of a target and returns its path."""
    path = Path(out) / target.archive
    path.parent.mkdir(parents=True, exist_ok=True)
    write = zip_archive if target.is_windows else tar_archive
    path.write_bytes(write(target.stem, members(target, binary)))
    return path


def tar_archive(stem, files):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        folders = {stem} | {f"{stem}/{name.rsplit('/', 1)[0]}" for name, _ in files if "/" in name}
        for folder in sorted(folders):
            archive.addfile(member(folder, 0o755, tarfile.DIRTYPE))
        for name, (data, mode) in files:
            entry = member(f"{stem}/{name}", mode)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(packed.getvalue(), 6, mtime=0)


def member(name, mode, kind=tarfile.REGTYPE):
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.mtime = kind, mode, moment()
    entry.uname = entry.gname = "root"
    return entry


def zip_archive(stem, files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, (data, mode) in files:
            entry = zipfile.ZipInfo(f"{stem}/{name}", time.gmtime(moment())[:6])
            entry.external_attr, entry.compress_type = (0o100000 | mode) << 16, zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return packed.getvalue()


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def sums(folder):
    """Writes SHA256SUMS over all that is in the folder, as `sha256sum` would, and returns its path."""
    folder = Path(folder)
    names = sorted(path.name for path in folder.iterdir() if path.is_file() and path.name != "SHA256SUMS")
    path = folder / "SHA256SUMS"
    path.write_text("".join(f"{digest(folder / name)}  {name}\n" for name in names))
    return path
