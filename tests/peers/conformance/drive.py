"""The binary as the client of the MCP conformance suite, which brings its own servers.

Run inside `tests/with-keyring.sh`, with KEYWARD_BIN, PEERS_NODE and PEERS_NODE_BIN set as `tests/run` does. Every
scenario of both releases that is about authorization is run: one that is not named below must pass, one that is named
must fail in the named check, so that neither list can rot.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent))
import ring
from ring import scratch

node = os.environ["PEERS_NODE_BIN"]
packages = Path(os.environ["PEERS_NODE"]).parent / "node_modules"
# The released suite, and the one for the newest revision of the protocol.
SUITES = {"released": packages / "@modelcontextprotocol/conformance", "newest": packages / "conformance-newest"}

# scenario: (suites, the check that must fail, or several of which one must, why)
REFUSED = {
    "auth/2025-03-26-oauth-metadata-backcompat": (
        {"released"},
        "authorization-request",
        "its metadata names another issuer than the one it was fetched for, which RFC 8414 §3.3 tells a client to refuse; "
        "the newest suite has mended its server, and there the scenario passes",
    ),
    "auth/2025-03-26-oauth-endpoint-fallback": (
        {"released", "newest"},
        "authorization-request",
        "a server without any metadata: endpoints are never made up, and nothing promises that it checks S256",
    ),
    "auth/cross-app-access-complete-flow": (
        {"released"},
        "complete-flow-token-exchange",
        "a grant obtained by an enterprise's identity provider, without a person and without client credentials",
    ),
    "auth/enterprise-managed-authorization": (
        {"newest"},
        "complete-flow-token-exchange",
        "a grant obtained by an enterprise's identity provider, without a person and without client credentials",
    ),
    "auth/wif-jwt-bearer": (
        {"newest"},
        "wif-grant-type wif-assertion-verified",
        "a workload's own identity token in place of a person or client credentials",
    ),
}


def conformance(suite, *arguments):
    """Runs the suite's program to its end."""
    package = SUITES[suite]
    program = json.loads((package / "package.json").read_text())["bin"]["conformance"]
    return subprocess.run([node, package / program, *arguments], capture_output=True, text=True, timeout=150)


def scenarios(suite):
    listed = conformance(suite, "list", "--client").stdout
    found = re.findall(r"^ +- (auth/\S+)", listed, re.M)
    assert len(found) > 20, f"the scenarios of the {suite} suite: {listed!r}"
    return found


def checks(suite, scenario):
    """The checks of one scenario, and how the suite judged it."""
    folder = scratch / suite
    command = shlex.join([sys.executable, str(here / "client.py")])
    ran = conformance(suite, "client", "--command", command, "--scenario", scenario, "--timeout", "120000", "-o", str(folder))
    results = sorted(folder.glob(f"**/{scenario.split('/')[-1]}-2*/checks.json"))
    assert results, f"no result of {scenario}: {ran.stdout[-400:]!r} {ran.stderr[-400:]!r}"
    said = (results[-1].parent / "stderr.txt").read_text(errors="replace")
    return json.loads(results[-1].read_text()), ran, said


def case(suite, scenario):
    suites, wanted, why = REFUSED.get(scenario, ((), None, None))

    def passes():
        found, ran, said = checks(suite, scenario)
        bad = [f"{c['id']}: {c.get('errorMessage') or c['description']}" for c in found if c["status"] in ("FAILURE", "WARNING")]
        if bad or ran.returncode != 0:
            print(said[-3000:], file=sys.stderr)
        assert not bad, "; ".join(bad)
        assert ran.returncode == 0, ran.stdout[-600:]

    def refused():
        found, _, _ = checks(suite, scenario)
        failed = [c["id"] for c in found if c["status"] == "FAILURE"]
        assert set(wanted.split()) & set(failed), f"expected `{wanted}` to fail, failed: {failed}"

    if suite in suites:
        refused.__doc__ = f"{scenario} ({suite}) is not for this client: {why}"
        return refused
    passes.__doc__ = f"{scenario} ({suite}) passes"
    return passes


sys.exit(ring.run([case(suite, scenario) for suite in SUITES for scenario in scenarios(suite)]))
