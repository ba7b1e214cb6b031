"""Who the binary is at an authorization server that nobody here wrote: secrets, keys, registrations, pushed requests.

Run inside `tests/with-keyring.sh` as `tests/run` does. What happened is read from the provider's own record.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent))
import ring
from ring import Keyward, eventually, free_port, http, needs, same, scratch

SECRET = "canary-secret-of-a-client"
PKCS8, TRADITIONAL = PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL

port = free_port()
url = f"http://127.0.0.1:{port}/mcp"
everything = {"grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"], "application_type": "native", "redirect_uris": ["http://127.0.0.1/callback"]}
# The name of the client, the key, how it is written, the algorithm, and how the provider reads the public half.
keys = [
    ("es256", ec.generate_private_key(ec.SECP256R1()), PKCS8, "ES256", ECAlgorithm),
    ("es256-sec1", ec.generate_private_key(ec.SECP256R1()), TRADITIONAL, "ES256", ECAlgorithm),
    ("rs256", rsa.generate_private_key(65537, 2048), PKCS8, "RS256", RSAAlgorithm),
    ("rs256-pkcs1", rsa.generate_private_key(65537, 2048), TRADITIONAL, "RS256", RSAAlgorithm),
    ("eddsa", ed25519.Ed25519PrivateKey.generate(), PKCS8, "EdDSA", OKPAlgorithm),
]


def jwk(key, algorithm, kind):
    return {**kind.to_jwk(key.public_key(), as_dict=True), "alg": algorithm, "use": "sig"}


clients = [
    {"client_id": name, "token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": algorithm, "jwks": {"keys": [jwk(key, algorithm, kind)]}, **everything}
    for name, key, _, algorithm, kind in keys
] + [
    {"client_id": "basic", "client_secret": SECRET, "token_endpoint_auth_method": "client_secret_basic", **everything},
    {"client_id": "post", "client_secret": SECRET, "token_endpoint_auth_method": "client_secret_post", **everything},
    {"client_id": "robot", "client_secret": SECRET, "token_endpoint_auth_method": "client_secret_basic", "grant_types": ["client_credentials"], "response_types": [], "redirect_uris": [], "scope": "tools"},
]
(scratch / "clients.json").write_text(json.dumps(clients))
_, line = ring.start("identity-provider", os.environ["PEERS_NODE_BIN"], here / "identity.mjs", "--resource", url, "--clients", scratch / "clients.json")
issuer, control = line["issuer"], line["control"]
ring.background("identity-server", os.environ["PEERS_MODERN"], here / "server.py", "--port", port, "--issuer", issuer)


def answers():
    try:
        urllib.request.urlopen(urllib.request.Request(url, method="POST", data=b"{}"), timeout=2)
    except urllib.error.HTTPError as error:
        return error.code == 401
    except OSError:
        return False


eventually(answers, "the protected server's first answer")
unwanted = scratch / "unwanted.jsonl"
person = f"{sys.executable} {here.parent / 'person.py'}"
keyward = Keyward(BROWSER=person, PERSON_LOG=str(unwanted), PERSON_PRESS="deny")


def entry(name, **more):
    lines = [f"[connections.{name}]", 'backend = "remote"', f'url = "{url}"']
    return "\n".join(lines + [f"{key} = {json.dumps(value)}" for key, value in more.items()]) + "\n"


keyward.config(
    "".join(entry(name, client_id=name) for name, *_ in keys)
    + entry("basic", client_id="basic")
    + entry("post", client_id="post", client_auth="client_secret_post")
    + entry("robot", client_id="robot", way="client-credentials", scopes=["tools"])
    + entry("registered")
)


def records(*events, since=0):
    return [r for r in http("GET", f"{control}/records")[since:] if not events or r["event"] in events]


def run(*arguments, given=None):
    """One command by a person who allows everything, with this on standard input."""
    env = {"PERSON_LOG": str(scratch / "person.jsonl"), "PERSON_PRESS": "allow", "PERSON_NAME": "ada"}
    path = scratch / "given"
    path.write_text(given or "")
    with open(path) as source:
        return keyward.finish(keyward.start(*arguments, env=env, stdin=source), arguments)


def login_with(name, flag, given, method):
    """A login of this client; every request was identified by this method."""
    since = len(records())
    done = run("login", name, flag, given=given).must()
    assert given.strip() not in done.out + done.err, "what was given is shown"
    same([(r["client"], r["method"]) for r in records("pushed", since=since)], [(name, method)], "pushed requests")
    same([(r["type"], r["client"], r["method"]) for r in records("granted", since=since)], [("authorization_code", name, method)])
    same(records("token refused", "push refused", since=since), [], "refusals")


# ---- cases, in order


def keys_of_every_kind():
    """A client logs in with a key of each kind, in each form that OpenSSL writes, and another program accepts its signatures."""
    for name, key, form, _, _ in keys:
        login_with(name, "--client-key", key.private_bytes(Encoding.PEM, form, NoEncryption()).decode(), "private_key_jwt")


def secrets_in_both_places():
    """A client logs in with its secret in the header and in the body, as its registration says."""
    login_with("basic", "--client-secret", SECRET + "\n", "client_secret_basic")
    login_with("post", "--client-secret", SECRET + "\n", "client_secret_post")


@needs(keys_of_every_kind, secrets_in_both_places)
def pages_carry_a_reference():
    """Every page was asked for with the client id and a reference, and with nothing else of the request."""
    asked = [r["query"] for r in records("page")]
    assert len(asked) >= 7, asked
    same([query for query in asked if query != ["client_id", "request_uri"]], [], "other queries")


@needs(keys_of_every_kind, secrets_in_both_places)
def their_tokens_work_and_end():
    """The tokens work at the protected server, and a logout ends the grant with the same identity."""
    for name in ("eddsa", "basic"):
        keyward("tools", "--refresh").must()
        assert "ada" in keyward("call", f"{name}_whoami").must().out
        since = len(records())
        keyward("logout", name).must()
        assert records("grant revoked", since=since), f"no grant of {name} was revoked"
        # This provider ends access tokens of this form with their grant only, and says so after it has found out who asks.
        refused = {r["error"] for r in records("revocation refused", since=since)}
        same(refused - {"unsupported_token_type"}, set(), "refused revocations")


def no_secret_on_disk():
    """No secret and no key is in any file below the home folder."""
    for path in keyward.home.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert SECRET.encode() not in data and b"PRIVATE KEY" not in data, path


def a_robot_needs_no_person():
    """A client gets a token for itself without a browser, and the protected server knows it by its id."""
    since = len(records())
    (scratch / "given").write_text(SECRET)
    with open(scratch / "given") as source:
        keyward.finish(keyward.start("login", "robot", "--client-secret", stdin=source), ("login", "robot")).must()
    same([(r["type"], r["client"]) for r in records("granted", since=since)], [("client_credentials", "robot")])
    keyward("tools", "--refresh").must()
    assert "robot" in keyward("call", "robot_whoami").must().out


def a_registration_with_a_secret():
    """Where no public client is allowed, the registration's own secret is used for every request, and kept for the next login."""
    since = len(records())
    run("login", "registered").must()
    registered = records("registered", since=since)
    same([r["method"] for r in registered], ["client_secret_basic"], "registrations")
    run("login", "registered").must()
    used = {(r["client"], r["method"]) for r in records("pushed", "granted", since=since)}
    same(used, {(registered[0]["client"], "client_secret_basic")}, "clients of both logins")
    same(len(records("registered", since=since)), 1, "registrations after the second login")


@needs(a_registration_with_a_secret)
def a_forgotten_registration_is_renewed_once():
    """A client that the provider has lost is registered anew, once, before the person sees a page."""
    http("POST", f"{control}/forget-clients")
    since = len(records())
    run("login", "registered").must()
    same(len(records("registered", since=since)), 1, "registrations")
    same(len(records("page", since=since)) > 0, True, "pages")
    same(records("push refused", "authorization refused", "token refused", since=since), [], "refusals")


@needs(a_forgotten_registration_is_renewed_once)
def a_registration_can_be_ended():
    """`logout --forget-client` ends the registration at the provider."""
    since = len(records())
    keyward("logout", "registered", "--forget-client").must()
    same(len(records("registration deleted", since=since)), 1, "deleted registrations")
    run("login", "registered").must()
    same(len(records("registered", since=since)), 1, "registrations afterwards")


def nobody_was_disturbed():
    """Nothing but a login opened a page, and the provider met no error of its own."""
    same(unwanted.read_text() if unwanted.exists() else "", "", "visits")
    same(records("server error"), [], "errors inside the provider")


if __name__ == "__main__":
    cases = [
        keys_of_every_kind,
        secrets_in_both_places,
        pages_carry_a_reference,
        their_tokens_work_and_end,
        no_secret_on_disk,
        a_robot_needs_no_person,
        a_registration_with_a_secret,
        a_forgotten_registration_is_renewed_once,
        a_registration_can_be_ended,
        nobody_was_disturbed,
    ]
    sys.exit(ring.run(cases, keep=[scratch / "identity-provider.log", scratch / "identity-server.log"]))
