"""Every failure that can be ordered: of the provider, of the services, of the stores and of the folders."""

import json

from stage import RENEW, SAID, Echo, answer, fault, issuer_path, keychain, keyward, login, order, plant, planted_bearer, remote, wrong


def bodies():
    """Answers of a token endpoint that hold secrets and cannot be used as they are."""
    tokens = {name: plant(f"{name} of a bad answer") for name in ("access_token", "refresh_token", "id_token")}
    page = f"<html><body><pre>{json.dumps(tokens)}</pre></body></html>"
    lines = [f"Set-Cookie: s={plant('cookie')}", f"X-Token: {tokens['access_token']}"]
    headers = [line.split(": ", 1) for line in lines]
    yield "page", answer(200, page, headers)
    yield "500", answer(500, page, headers)
    yield "503", answer(503, json.dumps(tokens), [["Retry-After", "1"]])
    yield "400", answer(400, page, headers)
    yield "cut", answer(200, json.dumps(tokens)[:-40])
    yield "array", answer(200, json.dumps([tokens]))
    yield "type", answer(200, {**tokens, "token_type": "mac"})
    yield "twice", answer(200, '{"access_token":"%s",%s' % (tokens["refresh_token"], json.dumps(tokens)[1:]))
    yield "line break", answer(200, {**tokens, "token_type": "Bearer", "access_token": tokens["access_token"] + "\r\nX: y"})
    yield "empty", answer(200, {"refresh_token": tokens["refresh_token"], "token_type": "Bearer"})
    yield "both", answer(400, {**tokens, "error": "invalid_request"})
    yield "redirect", answer(307, "", [["Location", f"https://evil.example/?token={tokens['access_token']}"]])
    yield "refused", answer(401, page, [["WWW-Authenticate", 'Basic realm="x"']])
    yield "dropped", "drop"


def bad_token_answers():
    """Token answers that are pages, errors, cut, oversized or of a wrong type, at a login and at a renewal."""
    for name, effect in bodies():
        fault(effect, "authorization_code")
        # A client that is refused is registered anew, once, and that login is good.
        assert (login("broken").code != 0) == (name != "refused"), name
        fault(effect, "refresh_token")
        keyward("token", "box", *RENEW, answer=True)
        fault(effect, "client_credentials")
        login("robot")
    fault("drop", "authorization_code", after=True)
    assert login("broken").code != 0
    order(faults={})
    with Echo(200, f"{issuer_path}/token", access_token=plant("access token of a large answer"), pad="x" * (3 << 20)):
        assert login("broken").code != 0
        keyward("token", "box", *RENEW, answer=True)


def servers_that_repeat_what_was_sent():
    """A server that repeats the code, the verifier, the tokens or the client's secret in its refusal."""
    for status, error in ((400, "invalid_grant"), (400, "invalid_request"), (401, "invalid_client"), (403, "odd")):
        with Echo(status, f"{issuer_path}/token", **SAID, error=error):
            assert login("broken").code != 0
            assert login("robot").code != 0
            keyward("token", "lost", *RENEW, answer=True)
            keyward("token", "robot", *RENEW, answer=True)
            keyward("call", "lost_whoami")
        login("lost").must()
    for endpoint in ("register", "par", "device_authorization", "revoke", "userinfo", "introspect"):
        with Echo(400, f"{issuer_path}/{endpoint}", **SAID, error="invalid_request"):
            login("pushed")
            login("gadget", "--device")
            login(remote, "--name", f"new-{endpoint.replace('_', '-')}")
            keyward("status", "box", "--verify")
            keyward("logout", "lost")
        login("lost").must()
    for status in (400, 401, 403, 404, 429, 500):
        for members in (SAID, {"jsonrpc": "2.0", "id": "ID", "error": {"code": -32000, "message": "SAID"}}):
            with Echo(status, "/remote/mcp", **members):
                for name in ("box", "bound", "supplied", "plain"):
                    keyward("call", f"{name}_whoami")
                keyward("tools", "--refresh")
                keyward("status", "box", "--verify")
        with Echo(status, "/tavily/search"):
            keyward("call", "tavily_search", "query=x")
    result = {"content": [{"type": "text", "text": "SAID"}], "structuredContent": {"said": "SAID"}}
    for failed in (True, False):
        with Echo(200, "/remote/mcp", "tools/call", jsonrpc="2.0", id="ID", result={**result, "isError": failed}):
            for name in ("box", "bound"):
                done = keyward("call", f"{name}_whoami")
                assert (done.code == 0) != failed and "[secret]" in done.out + done.err, str(done)
                keyward("call", f"{name}_whoami", "--json")


def lies():
    """Wrong issuers, forged ID tokens, lost clients, refused and narrowed logins."""
    evil = "https://evil.example"
    for faults in (
        {"response_iss": {"other": evil}}, {"response_iss": "omitted"}, {"metadata_issuer": evil}, {"metadata_without_pkce": True},
        {"resource_metadata_names": f"{evil}/mcp"}, {"narrow_scope": "openid"}, {"date_offset": -86400}, {"require_dpop": True},
        {"require_par": True}, {"dpop_nonce": True}, {"acr": "gold"}, {"max_age": 0},
    ):  # fmt: skip
        order(faults=faults)
        login("broken")
        keyward("call", "box_whoami")
        keyward("token", "bound", *RENEW, answer=True)
    for forgery in "unsigned symmetric signature unknown_key audience party issuer nonce without_nonce expired future hash subject".split():
        order(faults={"id_token": forgery})
        login("broken")
        keyward("token", "box", *RENEW, answer=True)
    order(faults={}, decision="deny")
    login("broken").must(4)
    order(decision="ask")
    for endpoint in ("metadata", "register", "jwks", "userinfo", "remote"):
        page = answer(500, f"<html>{planted_bearer}</html>")
        order(faults={"answers": {endpoint: page}})
        login("broken")
        keyward("call", "box_whoami")
    order(faults={}, roll_key=True, revoke_grants=True)
    for name in ("box", "bound", "lost"):
        keyward("token", name, *RENEW, answer=True)
        keyward("call", f"{name}_whoami")
        keyward("status", name, "--verify")
    login("box").must()
    login("broken").must()


def a_store_in_trouble():
    """A keychain that is locked or gone, a wrong passphrase, a damaged file, a state folder and an audit log without room."""
    for word in ("lock", "stop"):
        keychain(word)
        for line in (["token", "box", *RENEW], ["status", "box"], ["call", "box_whoami"], ["login", "broken", "--timeout", "10"], ["logout", "broken"], ["doctor"]):
            keyward(*line, answer=line[0] == "token", seconds=150)
        keychain("restart")
    for variable in (wrong, ""):
        for line in (["token", "filed", *RENEW], ["login", "filed", "--timeout", "10"], ["status", "filed"]):
            keyward(*line, env={"KEYWARD_STORE_PASSPHRASE": variable}, answer=line[0] == "token")
    state = keyward.home / ".local/state/keyward"
    log, kept = state / "audit.jsonl", (state / "audit.jsonl").read_bytes()
    log.unlink()
    log.symlink_to("/dev/full")
    keyward("token", "box", *RENEW, answer=True)
    log.unlink()
    log.mkdir()
    keyward("token", "box", *RENEW, answer=True)
    log.rmdir()
    log.write_bytes(kept)
    for line in (["token", "box", *RENEW], ["login", "broken"], ["logout", "broken"], ["status"]):
        keyward(*line, env={"XDG_STATE_HOME": "/proc/none", "HOME": "/proc/none"}, answer=line[0] == "token")
    damaged = [path for path in keyward.home.rglob("*") if path.is_file() and "store" in path.name and path.stat().st_size > 100]
    assert damaged, "there is no encrypted file"
    for path in damaged:
        path.write_bytes(path.read_bytes()[:-7])
        keyward("token", "filed", answer=True).must(6)
