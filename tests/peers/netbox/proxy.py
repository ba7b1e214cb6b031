"""A NetBox behind a proxy that takes tokens of an identity provider, neither of which anybody here wrote.

Run inside `tests/with-keyring.sh`, with KEYWARD_BIN, PEERS_NODE and PEERS_NODE_BIN set. The provider is oidc-provider, the
proxy is Debian's nginx, which asks about every token (`auth_request`); the NetBox is the stand-in. What travelled is read
from nginx's log and the stand-in's record.
"""

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent))
import ring
from ring import Keyward, eventually, http, needs, same

V1 = "0123456789abcdef0123456789abcdef01234567"
home = ring.scratch / "nginx"
(home / "tmp").mkdir(parents=True)
log, port = home / "access.log", ring.free_port()
url = f"http://127.0.0.1:{port}/netbox"
person = f"{sys.executable} {here.parent / 'person.py'}"
node, provider_script = os.environ["PEERS_NODE_BIN"], here.parent / "provider/provider.mjs"
_, provider = ring.start("provider", node, provider_script, "--resource", url, "--scope", "netbox")
_, gate = ring.start("gate", node, here / "gate.mjs", "--issuer", provider["issuer"], "--audience", url)

keyward = Keyward(BROWSER=person, PERSON_LOG=str(ring.scratch / "person.jsonl"), PERSON_NAME="jdoe")
_, sandbox = ring.start("sandbox", keyward.program, "sandbox", "--json")
service = f"{sandbox['url']}/netbox"
keyward.config(
    f'[connections.nb]\nbackend = "netbox"\nway = "oauth"\nurl = "{url}"\nissuer = "{provider["issuer"]}"\n'
    'scopes = ["netbox"]\ntoolsets = ["objects", "dcim", "writes"]\n'
)

CHECKED = "auth_request /gate; auth_request_set $user $upstream_http_x_user;"
# What the proxy does with a request that it lets through, and with others.
MODES = {
    "names the person": f'{CHECKED} proxy_set_header Authorization ""; proxy_set_header Remote-User $user;',
    "sends a token of NetBox": f'{CHECKED} proxy_set_header Authorization "Token {V1}"; proxy_set_header Remote-User "";',
    "names somebody else": f'{CHECKED} proxy_set_header Authorization ""; proxy_set_header Remote-User nobody;',
    "passes its token on": f'{CHECKED} proxy_set_header Remote-User "";',
    "forbids": "deny all;",
    "sends to a login": "return 302 https://sso.example.com/login;",
    "shows a login": 'default_type text/html; return 200 "<html><form>Sign in</form></html>";',
}
NAMES = MODES["names the person"]
MODES["sends changes to a login"] = f"if ($request_method = POST) {{ return 302 https://sso.example.com/; }} {NAMES}"
MODES["shows changes a login"] = f'default_type text/html; if ($request_method = POST) {{ return 200 "<html>Sign in</html>"; }} {NAMES}'
NEW = {"type": "dcim.site", "values": {"name": "New", "slug": "new"}}
server = None


def proxy(mode, reset=True):
    """nginx in this mode, and a stand-in as at the start."""
    global server
    if server:
        ring.stop(server)
    temporary = " ".join(
        f"{kind}_temp_path {home}/tmp/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (home / "nginx.conf").write_text(
        f"""
        {'user root;' if os.geteuid() == 0 else ''} daemon off; pid {home}/pid; error_log {home}/error.log;
        events {{}}
        http {{
          {temporary}
          log_format seen '$request_method $status';
          access_log {log} seen;
          server {{
            listen 127.0.0.1:{port};
            location = /ready {{ access_log off; return 204; }}
            location = /gate {{
              internal; access_log off; proxy_pass {gate['url']}/;
              proxy_pass_request_body off; proxy_set_header Content-Length "";
            }}
            location /netbox/ {{ {MODES[mode]} proxy_pass {service}/; }}
          }}
        }}"""
    )
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    server = ring.background("nginx", program, "-e", home / "error.log", "-c", home / "nginx.conf", "-p", home)
    eventually(ready, "the start of nginx")
    if reset:
        order(reset=True, remote_user=True)


def ready():
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=2).status == 204
    except OSError:
        return False


def order(**what):
    body = json.dumps(what).encode()
    request = urllib.request.Request(f"{service}/control", data=body, headers={"content-type": "application/json"})
    return json.load(urllib.request.urlopen(request, timeout=10))


def seen(work):
    """What nginx logged during the work, without the questions about the release."""
    before = len(log.read_text().splitlines()) if log.exists() else 0
    result = work()
    return result, log.read_text().splitlines()[before:]


def call(tool, code=0, **arguments):
    done = keyward("call", f"nb_{tool}", "--arguments", json.dumps(arguments), "--json").must(code)
    return done.json()["structured"] if code == 0 else done.json()["error"]


HELLO = {"protocolVersion": "2025-06-18", "capabilities": {"elicitation": {}}, "clientInfo": {"name": "ring", "version": "1"}}


def change(tool, **arguments):
    """A call by a host whose person says yes to what they are asked; returns its result and how often they were asked."""
    process = keyward.start("serve", stdin=subprocess.PIPE)
    asked = 0

    def say(**message):
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        process.stdin.flush()

    def answer(number):
        nonlocal asked
        for line in process.stdout:
            message = json.loads(line)
            if message.get("method") == "elicitation/create":
                asked += 1
                say(id=message["id"], result={"action": "accept", "content": {}})
            elif message.get("id") == number and "method" not in message:
                return message["result"]
        raise AssertionError(f"serve ended: {process.stderr.read()[-800:]!r}")

    say(id=1, method="initialize", params=HELLO)
    answer(1)
    say(method="notifications/initialized")
    say(id=2, method="tools/call", params={"name": f"nb_{tool}", "arguments": arguments})
    result = answer(2)
    ring.stop(process)
    return result, asked


def renewals():
    return [one for one in http("GET", f"{provider['control']}/records?from=0") if one["event"] == "refreshed"]


def sites():
    return call("objects", type="dcim.site", fields=["name"])


def a_login_works_through_the_proxy():
    """A login at the provider reads NetBox as the person whom the proxy names, and NetBox never sees its token."""
    proxy("names the person")
    keyward("login", "nb").must()
    same(call("status")["user"]["username"], "jdoe")
    same(sites()["count"], 3)
    received = http("GET", f"{service}/received")["received"]
    same({(one["user"], one["keyword"]) for one in received}, {("jdoe", None)})
    assert keyward("status", "nb", "--verify", "--json").json()["connections"][0]["verified"]["accepted"]


@needs(a_login_works_through_the_proxy)
def a_refused_token_is_renewed_once():
    """A token that the proxy turns away is renewed once at the provider, and the request is sent again with the new one."""
    proxy("names the person")
    sites()
    before = len(renewals())
    http("POST", f"{gate['url']}/refuse", b"")
    found, lines = seen(sites)
    same((found["count"], len(renewals()) - before), (3, 1))
    same([line for line in lines if line.endswith("401")], ["GET 401"])
    sites()
    same(len(renewals()) - before, 1)


@needs(a_login_works_through_the_proxy)
def the_proxy_is_told_from_netbox():
    """What the proxy forbids and what NetBox forbids have words of their own, and neither ends the login."""
    proxy("forbids")
    before = len(renewals())
    error, lines = seen(lambda: call("status", code=4))
    assert "what stands in front of NetBox refuses this" in json.dumps(error), error
    same(lines, ["GET 403"])
    proxy("names somebody else")
    error = json.dumps(call("objects", code=4, type="dcim.site"))
    assert "lacks the permission" in error and "in front" not in error, error
    same(len(renewals()) - before, 0)
    proxy("names the person")
    same(sites()["count"], 3)


@needs(a_login_works_through_the_proxy)
def a_token_that_is_passed_on_is_told():
    """A proxy that passes its own token on to NetBox is noticed by NetBox's words, after one renewal."""
    proxy("passes its token on")
    before = len(renewals())
    error = json.dumps(call("status", code=3))
    assert "it knows no such token" in error, error
    assert len(renewals()) - before <= 1


@needs(a_login_works_through_the_proxy)
def a_login_page_is_no_answer():
    """A proxy that shows or sends to its login instead of answering is a login that is missing, and no write is sent twice."""
    for mode, reads, status in (("shows a login", 1, "200"), ("sends to a login", 2, "302")):
        proxy(mode)
        error, lines = seen(lambda: call("status", code=3))
        assert "login" in json.dumps(error), error
        same(lines, [f"GET {status}"] * reads, mode)
        (result, _), lines = seen(lambda: change("create", **NEW))
        assert result["isError"], result
        assert len([line for line in lines if line.startswith("POST")]) <= 1, lines


@needs(a_login_works_through_the_proxy)
def changes_need_a_token_of_netbox():
    """Whom a proxy only names may change nothing, which is said; where it sends a token of NetBox, a change is made once."""
    proxy("names the person")
    (result, asked), lines = seen(lambda: change("create", **NEW))
    assert "takes no changes from whom the proxy in front names" in json.dumps(result), result
    same((asked, [line for line in lines if line.startswith("POST")]), (1, ["POST 403"]))
    proxy("sends a token of NetBox")
    (result, asked), lines = seen(lambda: change("create", **NEW))
    same(result["structuredContent"]["object"]["slug"], "new")
    same((asked, [line for line in lines if line.startswith("POST")]), (1, ["POST 201"]))


@needs(changes_need_a_token_of_netbox)
def no_change_is_sent_twice():
    """A change that the proxy answers with its login, after it has let all reading through, is sent once."""
    for mode, status in (("sends changes to a login", "302"), ("shows changes a login", "200")):
        proxy(mode)
        (result, asked), lines = seen(lambda: change("create", **NEW))
        assert result["isError"], result
        same((asked, [line for line in lines if line.startswith("POST")]), (1, [f"POST {status}"]), mode)


sys.exit(
    ring.run(
        [
            a_login_works_through_the_proxy,
            a_refused_token_is_renewed_once,
            the_proxy_is_told_from_netbox,
            a_token_that_is_passed_on_is_told,
            a_login_page_is_no_answer,
            changes_need_a_token_of_netbox,
            no_change_is_sent_twice,
        ],
        keep=[home / "error.log", ring.scratch / "provider.log", ring.scratch / "gate.log", log],
    )
)
