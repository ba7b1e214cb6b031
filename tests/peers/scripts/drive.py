"""Tokens for scripts, asked for by the programs that use them: git, a shell, Docker's and Kubernetes' Python clients.

Run inside `tests/with-keyring.sh` with KEYWARD_BIN set and the interpreter that has `docker` and `kubernetes`. The
server behind it checks every token with the issuer's published keys, and what happened is read from its record.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import docker.auth
import docker.credentials
import kubernetes
import yaml

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent))
import ring
from ring import Keyward, Skip, eventually, http, needs, same, scratch

person = f"{sys.executable} {here.parent / 'person.py'}"
keyward = Keyward(BROWSER=person, PERSON_LOG=str(scratch / "person.jsonl"))
_, sandbox = ring.start("sandbox", keyward.program, "sandbox", "--json")
audience = next(one["resource"] for one in sandbox["backends"] if one["backend"] == "remote")
programs = scratch / "programs"
programs.mkdir()
for name in ("keyward", "docker-credential-keyward"):
    (programs / name).symlink_to(Path(keyward.program).resolve())
environment = {**keyward.env, "PATH": f"{programs}:{os.environ['PATH']}", "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1"}
environment |= {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}


class Forge:
    """A git server that takes tokens in one form, and the connection to it."""

    def __init__(self, scheme):
        self.name, self.scheme = f"forge-{scheme.lower()}", scheme
        self.repos, self.record, self.refuse = (scratch / f"{self.name}-{part}" for part in ("repos", "record", "refuse"))
        self.repos.mkdir()
        self.record.touch()
        self.refuse.touch()
        bare = self.repos / "project.git"
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", bare], check=True)
        subprocess.run(["git", "-C", bare, "config", "http.receivepack", "true"], check=True)
        words = ["--scheme", scheme, "--issuer", sandbox["issuer"], "--audience", audience]
        words += ["--repos", self.repos, "--record", self.record, "--refuse", self.refuse]
        _, line = ring.start(self.name, sys.executable, here / "forge.py", *words)
        self.url = line["url"]

    def config(self):
        return f'[connections.{self.name}]\nbackend = "remote"\nurl = "{self.url}/mcp"\nissuer = "{sandbox["issuer"]}"\nresource = "{audience}"\n'

    def seen(self):
        return [json.loads(line) for line in self.record.read_text().splitlines()]


bearer, basic = Forge("Bearer"), Forge("Basic")
forges = (bearer, basic)


def git(*words, code=0, helpers=forges, env=None):
    """Runs the real git with one credential helper for each server."""
    set_up = ["-c", "credential.helper="]
    for forge in helpers:
        set_up += ["-c", f"credential.{forge.url}.helper=!keyward credential git {forge.name}"]
    done = subprocess.run(["git", *set_up, *map(str, words)], env={**environment, **(env or {})}, capture_output=True, text=True, timeout=60)
    assert (done.returncode == 0) == (code == 0), f"git {words} ended with {done.returncode}: {done.stderr}"
    return done


def renewals():
    record = http("GET", f"{sandbox['url']}/control")["record"]
    return sum(e["endpoint"] == "token" and e["parameters"].get("grant_type") == "refresh_token" and e["status"] == 200 for e in record)


def order(what):
    import urllib.request

    request = urllib.request.Request(f"{sandbox['url']}/control", data=json.dumps(what).encode(), headers={"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=10).close()


def works(forge):
    """Clones, commits and pushes; returns the schemes that the server saw."""
    folder, before = scratch / f"work-{len(list(scratch.iterdir()))}", len(forge.seen())
    git("clone", "-q", f"{forge.url}/project.git", folder)
    (folder / "file").write_text(str(folder))
    git("-C", folder, "add", "file")
    git("-C", folder, "commit", "-qm", "a change")
    git("-C", folder, "push", "-q", "origin", "HEAD:main")
    head = subprocess.run(["git", "-C", forge.repos / "project.git", "show", "main:file"], capture_output=True, text=True).stdout
    same(head, str(folder), "what the server has now")
    return [one for one in forge.seen()[before:] if one["scheme"]]


# ---- cases, in order


def signed_in():
    """`keyward login` signs in to a protected MCP server and to two git servers at the sandbox's issuer."""
    # The first login registers the client, with the scopes that a protected server names.
    keyward("login", audience, "--name", "box").must()
    keyward.config((keyward.home / "config.toml").read_text() + "\n" + "".join(forge.config() for forge in forges))
    for forge in forges:
        keyward("login", forge.name).must()


def needs_authtype():
    version = tuple(map(int, re.findall(r"\d+", subprocess.run(["git", "--version"], capture_output=True, text=True).stdout)[:2]))
    if version < (2, 46):
        raise Skip(f"git {version} cannot send a bearer token")


@needs(signed_in)
def git_sends_a_bearer_token():
    """git clones from and pushes to a server that takes bearer tokens only."""
    needs_authtype()
    same({(one["scheme"], one["good"]) for one in works(bearer)}, {("Bearer", True)}, "what the server saw")


@needs(signed_in)
def git_sends_a_password():
    """git clones from and pushes to a server that takes passwords only, with the token as one."""
    same({(one["scheme"], one["good"]) for one in works(basic)}, {("Basic", True)}, "what the server saw")


@needs(git_sends_a_bearer_token)
def nobody_else_keeps_it():
    """A helper that writes credentials into a file beside ours is not given the bearer token."""
    needs_authtype()
    file = scratch / "kept-by-git"
    folder = scratch / "beside"
    git("-c", f"credential.helper=store --file={file}", "clone", "-q", f"{bearer.url}/project.git", folder)
    assert not file.exists() or "eyJ" not in file.read_text(), "git's own store has the token"


@needs(signed_in)
def another_server_gets_nothing():
    """A helper that is set up for every address answers for its own only: the other server sees no credential."""
    before = len(basic.seen())
    done = git("-c", f"credential.helper=!keyward credential git {bearer.name}", "ls-remote", f"{basic.url}/project.git", code=1, helpers=())
    assert "could not read Username" in done.stderr, done.stderr
    same({one["scheme"] for one in basic.seen()[before:]}, {None}, "schemes that the other server saw")


@needs(git_sends_a_password)
def a_refused_token_is_renewed():
    """A token that the server refuses is erased by git and renewed for its next command, once."""
    token = keyward("token", basic.name).must().out.strip()
    basic.refuse.write_text(token)
    before = renewals()
    done = git("ls-remote", f"{basic.url}/project.git", code=1)
    assert "Authentication failed" in done.stderr, done.stderr
    same(renewals() - before, 0, "renewals while nobody asked")
    git("ls-remote", f"{basic.url}/project.git")
    git("ls-remote", f"{basic.url}/project.git")
    same(renewals() - before, 1, "renewals")
    assert keyward("token", basic.name).must().out.strip() != token, "the refused token is still handed out"


@needs(signed_in)
def shells_read_it():
    """A real shell sets the variable, and curl takes the header line."""
    for shell in filter(shutil.which, ("sh", "bash", "dash")):
        script = f'eval "$(keyward token {bearer.name} --env=T)" && curl -sf -H "Authorization: Bearer $T" {bearer.url}/version/'
        done = subprocess.run([shell, "-c", script], env=environment, capture_output=True, text=True)
        assert '"major"' in done.stdout, f"{shell}: {done}"
    script = f'curl -sf -H "$(keyward token {bearer.name} --header)" {bearer.url}/version/'
    assert '"major"' in subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True).stdout


def with_programs(function):
    """Clients of Docker and Kubernetes find keyward on the PATH of this process."""
    kept = dict(os.environ)
    os.environ.update(environment)
    try:
        return function()
    finally:
        os.environ.clear()
        os.environ.update(kept)


@needs(signed_in)
def docker_finds_its_helper():
    """Docker's Python client gets, lists and resolves the identity token through a link named after its protocol."""
    store = with_programs(lambda: docker.credentials.Store("keyward", environment=environment))
    token = keyward("token", bearer.name).must().out.strip()
    host = bearer.url.removeprefix("http://")
    for server in (bearer.url, host, f"{bearer.url}/v2/"):
        same(with_programs(lambda: store.get(server)), {"ServerURL": server, "Username": "<token>", "Secret": token})
    same(with_programs(store.list), {url: "<token>" for url in (bearer.url, basic.url, sandbox["url"])})
    config = docker.auth.AuthConfig({"credHelpers": {host: "keyward"}}, credstore_env=environment)
    resolved = with_programs(lambda: config.resolve_authconfig(host))
    same(resolved, {"ServerAddress": host, "IdentityToken": token}, "what a pull would send")


@needs(docker_finds_its_helper)
def docker_understands_the_refusals():
    """Docker's Python client sees "not found" for other servers and a failure for what keyward does not do."""
    store = with_programs(lambda: docker.credentials.Store("keyward", environment=environment))
    for server in ("registry.example.com", "https://evil.example/", "", "nonsense\n"):
        try:
            with_programs(lambda: store.get(server))
            raise AssertionError(f"{server!r} has a credential")
        except docker.credentials.CredentialsNotFound:
            pass
    for refused in (lambda: store.store(bearer.url, "alice", "canary"), lambda: store.erase(bearer.url)):
        try:
            with_programs(refused)
            raise AssertionError("it was not refused")
        except docker.credentials.StoreError as error:
            assert "keyward" in str(error) and "canary" not in str(error), error
    token = keyward("token", bearer.name).must().out.strip()
    with_programs(lambda: store.store(bearer.url, "<token>", token))


def cluster(version, server):
    plugin = {"apiVersion": f"client.authentication.k8s.io/{version}", "command": keyward.program, "args": ["credential", "kubectl", bearer.name]}
    return asking(server, plugin | {"interactiveMode": "Never", "provideClusterInfo": True})


def asking(server, plugin):
    plugin = plugin | {"env": [{"name": key, "value": value} for key, value in environment.items()]}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"exec": plugin}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }
    settings = kubernetes.client.Configuration()
    kubernetes.config.load_kube_config_from_dict(config, client_configuration=settings)
    settings.retries = 0
    return kubernetes.client.VersionApi(kubernetes.client.ApiClient(settings))


@needs(signed_in)
def kubernetes_calls_with_it():
    """The Kubernetes client calls the cluster with the token of its exec plugin, in both versions of the protocol."""
    for version in ("v1", "v1beta1"):
        before = len(bearer.seen())
        same(cluster(version, bearer.url).get_code().major, "1")
        same(bearer.seen()[before:], [{"path": "/version/", "scheme": "Bearer", "good": True}])


@needs(kubernetes_calls_with_it)
def kubernetes_elsewhere_gets_nothing():
    """A cluster at another address than the connection's does not see the token, and an old protocol is refused."""
    before = len(basic.seen())
    for version, server in (("v1", basic.url), ("v1alpha1", bearer.url)):
        try:
            cluster(version, server).get_code()
            raise AssertionError(f"{version} {server} was answered")
        except kubernetes.client.exceptions.ApiException as error:
            assert error.status == 401, error
        except kubernetes.config.config_exception.ConfigException:
            pass
    same([one for one in basic.seen()[before:] if one["scheme"]], [], "credentials that the other server saw")


@needs(kubernetes_calls_with_it)
def as_the_readme_says():
    """What the README tells to set up for each program works as it is written, with another connection's name and address."""
    readme = (here.parents[2] / "README.md").read_text()
    host = bearer.url.removeprefix("http://")
    for old, new in (("https://git.example.com", bearer.url), ("git.example.com", host), ("/api`", "/version/`")):
        readme = readme.replace(old, new)
    readme = re.sub(r"\bforge\b", bearer.name, readme)
    rows = re.findall(r"^\| ([^|]+) \| (.+) \|$", readme.split("## Scripts and other programs")[1].split("\n## ")[0], re.MULTILINE)
    told = {name: re.findall(r"`([^`]+)`", text) for name, text in rows if "`" in text}
    same(sorted(told), ["a POSIX shell", "curl", "docker", "git", "kubectl"], "programs")
    home = scratch / "as-the-readme-says"
    (home / ".local/bin").mkdir(parents=True)
    # The home of the programs, not of keyward.
    env = {**environment, "GIT_CONFIG_GLOBAL": str(home / "gitconfig"), "PATH": f"{home}/.local/bin:{environment['PATH']}"}

    def run(shell, script):
        done = subprocess.run([shell, "-c", script], env=env, capture_output=True, text=True, timeout=60)
        same(done.returncode, 0, f"{script}: {done.stderr}")
        return done.stdout

    token = keyward("token", bearer.name).must().out.strip()
    (curl,) = told["curl"]
    assert '"major"' in run("sh", curl)
    posix, fish, power = told["a POSIX shell"]
    same(run("sh", f"{posix}; printf %s \"$TOKEN\""), token)
    assert shutil.which("fish"), "no fish"
    same(run("fish", f"{fish}; printf %s $TOKEN"), token)
    same(power, f"$env:TOKEN = keyward token {bearer.name}")
    link, _, helpers = told["docker"]
    run("sh", link.replace("~", str(home)))
    config = docker.auth.AuthConfig(json.loads(f"{{{helpers}}}"), credstore_env=env)
    (exec_plugin,) = told["kubectl"]
    plugin = yaml.safe_load(exec_plugin)["exec"]
    environment["PATH"], kept = env["PATH"], environment["PATH"]
    (programs / "docker-credential-keyward").unlink()
    try:
        same(with_programs(lambda: config.resolve_authconfig(host)), {"ServerAddress": host, "IdentityToken": token})
        same(with_programs(lambda: asking(bearer.url, plugin).get_code().major), "1")
    finally:
        environment["PATH"] = kept
        (programs / "docker-credential-keyward").symlink_to(Path(keyward.program).resolve())
    needs_authtype()
    (git_config,) = told["git"]
    run("sh", git_config)
    assert "refs/heads/main" in run("sh", f"git ls-remote {bearer.url}/project.git")


@needs(signed_in)
def verify_asks():
    """`status --verify` says who accepts the login, and tells one that was ended elsewhere from one that works."""
    host = sandbox["url"].removeprefix("http://")
    asked = keyward("status", "box", "--verify", "--json").must().json()["connections"][0]["verified"]
    same(asked, {"by": "service", "host": host, "accepted": True, "error": None})
    order({"revoke_grants": True})
    keyward("status", "box", "--json").must()
    ended = keyward("status", "box", "--verify", "--json").must(3).json()
    same((ended["connections"][0]["verified"]["accepted"], ended["error"]["exit"]), (False, 3))
    keyward("login", basic.name).must()


def has_connected(process, port):
    """Whether a process has a connection to this port of this machine."""
    sockets = set()
    for fd in Path(f"/proc/{process.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # Closed since it was listed.
            sockets.add(os.readlink(fd))
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "01" and int(fields[2].split(":")[1], 16) == port and f"socket:[{fields[9]}]" in sockets:
            return True
    return False


@needs(signed_in)
def interrupted_renewals():
    """Ctrl-C and SIGTERM during a renewal end `token` with 130 and 143, and the renewal is kept all the same."""
    for signum, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        before = renewals()
        token = keyward("token", basic.name).must().out.strip()
        order({"faults": {"token": [{"grant_type": "refresh_token", "delay_ms": 1500}]}})
        process = keyward.start("token", basic.name, "--min-validity", "1000")
        eventually(lambda: has_connected(process, int(sandbox["url"].rsplit(":", 1)[1])), "the renewal's request")
        process.send_signal(signum)
        done = keyward.finish(process, ("token",))
        same((done.code, done.out), (code, ""), f"after signal {signum}: {done}")
        assert keyward("token", basic.name).must().out.strip() != token, "the renewed token was lost"
        same(renewals() - before, 1, "renewals")


@needs(signed_in)
def logout_ends_it_for_git():
    """After a logout git is told to stop and asks nobody for a password."""
    keyward("logout", basic.name).must()
    before = len(basic.seen())
    done = git("ls-remote", f"{basic.url}/project.git", code=1, env={"GIT_ASKPASS": "/nonexistent/never-asked"})
    assert "told us to quit" in done.stderr and f"keyward login {basic.name}" in done.stderr, done.stderr
    assert "never-asked" not in done.stderr, done.stderr
    same({one["scheme"] for one in basic.seen()[before:]}, {None})


if __name__ == "__main__":
    cases = [
        signed_in,
        git_sends_a_bearer_token,
        git_sends_a_password,
        nobody_else_keeps_it,
        another_server_gets_nothing,
        a_refused_token_is_renewed,
        shells_read_it,
        docker_finds_its_helper,
        docker_understands_the_refusals,
        kubernetes_calls_with_it,
        kubernetes_elsewhere_gets_nothing,
        as_the_readme_says,
        verify_asks,
        interrupted_renewals,
        logout_ends_it_for_git,
    ]
    sys.exit(ring.run(cases, keep=[scratch / "sandbox.log", scratch / "forge-bearer.log", scratch / "forge-basic.log"]))
