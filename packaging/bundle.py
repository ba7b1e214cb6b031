"""The MCP bundle, and the entry for the registry of MCP servers.

The tools in the manifest are those that the program itself lists without any configuration: a host shows them before it
has started anything. Connections add others, which `tools_generated` says.
"""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from archives import digest
from facts import AUTHORS, BUNDLED, DESCRIPTION, LICENSE, NAME, TARGETS, TOP, VERSION, bundle_name

SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
ABOUT = (
    "One local program through which an AI host uses the services you work with, under your own login. You sign in once "
    "in the browser (`keyward login`), the tokens stay in the operating system's keychain and are renewed by themselves, "
    "and no secret is in a configuration file, a log or the model's context."
)


def tools(program):
    """What the program offers to somebody who has configured nothing."""
    with tempfile.TemporaryDirectory() as home:
        bare = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
        env = {**bare, "HOME": home, "USERPROFILE": home, "KEYWARD_CONFIG": str(Path(home) / "none.toml")}
        asked = subprocess.run([program, "tools", "--json"], env=env, capture_output=True, text=True, check=True, timeout=60)
    first = lambda text: text.strip().splitlines()[0]
    return [{"name": tool["name"], "description": first(tool["description"])} for tool in json.loads(asked.stdout)["tools"]]


def manifest(offered, systems, repository):
    """The manifest for the systems whose programs are in the bundle; the first of them is the one without an override."""
    place = lambda system: f"server/{system}/{NAME}" + (".exe" if system == "win32" else "")
    command = lambda system: {"command": "${__dirname}/" + place(system)}
    first, *others = systems
    return {
        "manifest_version": "0.3",
        "name": NAME,
        "display_name": NAME,
        "version": VERSION,
        "description": DESCRIPTION,
        "long_description": ABOUT,
        "author": {"name": AUTHORS, "url": repository},
        "repository": {"type": "git", "url": f"{repository}.git"},
        "homepage": repository,
        "support": f"{repository}/issues",
        "license": LICENSE,
        "keywords": ["oauth", "keychain", "login"],
        "server": {
            "type": "binary",
            "entry_point": place(first),
            "mcp_config": {
                **command(first),
                "args": ["serve"],
                "env": {},
                "platform_overrides": {system: command(system) for system in others},
            },
        },
        "tools": offered,
        "tools_generated": True,
        "compatibility": {"platforms": systems},
    }


def make(cpu, binaries, lister, repository, mcpb, out):
    """Packs one bundle from the programs by target, and returns its path. `lister` is one that runs here."""
    chosen = [TARGETS[triple] for triple in BUNDLED[cpu] if triple in binaries]
    folder = Path(out) / "bundles" / cpu
    shutil.rmtree(folder, ignore_errors=True)
    for target in chosen:
        place = folder / "server" / target.system / target.program
        place.parent.mkdir(parents=True)
        shutil.copyfile(binaries[target.triple], place)
        place.chmod(0o755)
    shutil.copyfile(TOP / "LICENSE", folder / "LICENSE")
    described = manifest(tools(lister), [target.system for target in chosen], repository)
    (folder / "manifest.json").write_text(json.dumps(described, indent=2) + "\n")
    path = Path(out).resolve() / bundle_name(cpu)
    for words in (["validate", folder / "manifest.json"], ["pack", folder, path]):
        subprocess.run([*mcpb, *map(str, words)], check=True)
    return path


def server(folder, repository):
    """The entry for the registry: one package for each bundle in the folder."""
    owner = repository.rstrip("/").split("/")[-2]
    variables = [
        ("KEYWARD_CONFIG", "The configuration file, where it is not in its usual place", "filepath"),
        ("KEYWARD_STORE", "Where logins are kept: keychain or file", "string"),
    ]
    package = lambda cpu: {
        "registryType": "mcpb",
        "identifier": f"{repository}/releases/download/v{VERSION}/{bundle_name(cpu)}",
        "version": VERSION,
        "fileSha256": digest(Path(folder) / bundle_name(cpu)),
        "transport": {"type": "stdio"},
        "environmentVariables": [
            {"name": name, "description": text, "format": form, "isRequired": False, "isSecret": False}
            for name, text, form in variables
        ],
    }
    bundles = [cpu for cpu in BUNDLED if (Path(folder) / bundle_name(cpu)).exists()]
    return {
        "$schema": SCHEMA,
        "name": f"io.github.{owner}/{NAME}",
        "title": NAME,
        "description": DESCRIPTION,
        "version": VERSION,
        "websiteUrl": repository,
        "repository": {"url": repository, "source": "github"},
        "packages": [package(cpu) for cpu in bundles],
    }
