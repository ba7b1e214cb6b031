"""Login in a real browser: what the person sees, what stays in the browser, and that the page tells the truth.

Run inside `tests/with-keyring.sh`, with KEYWARD_BIN and PEERS_BROWSER set as `tests/run` does. Screenshots of the result
pages go to the folder in SCREENSHOTS, if it is set.
"""

import json
import os
import pty
import re
import select
import sys
import tempfile
import termios
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent / "peers"))
import ring
from chromium import Chromium, Gone, contrast
from ring import Keyward, eventually, needs, same, scratch

hand_over = scratch / "address"
keyward = Keyward(BROWSER=f"{sys.executable} {here / 'hand_over.py'}", HAND_OVER=str(hand_over))
shots = Path(os.environ.get("SCREENSHOTS") or tempfile.mkdtemp(dir=scratch))
shots.mkdir(parents=True, exist_ok=True)
# Words for a no that was understood.
DENIED = ("denied", "not given", "not allowed", "said no", "refused", "declined")
# Words that only a login that stands may use.
SUCCESS = ("logged in", "signed in", "success", "connected", "welcome", "all set", "you are in")
browser = None
under_way = []
root = resource = None


class Login:
    """A `keyward login` that waits for its browser."""

    def __init__(self, *options):
        hand_over.unlink(missing_ok=True)
        self.arguments = ("login", resource, *options)
        self.process = keyward.start(*self.arguments)
        under_way.append(self.process)
        self.address = eventually(self.handed_over, "the address for the browser")
        self.redirect = urllib.parse.parse_qs(urllib.parse.urlsplit(self.address).query)["redirect_uri"][0]

    def handed_over(self):
        assert self.process.poll() is None, str(keyward.finish(self.process, self.arguments))
        return hand_over.exists() and hand_over.read_text()

    def end(self, code, seconds=60):
        return keyward.finish(self.process, self.arguments, seconds).must(code)

    def waits(self):
        assert self.process.poll() is None, str(keyward.finish(self.process, self.arguments))


class AtATerminal:
    """A `keyward login` at a terminal of its own, whose browser is on another machine."""

    def __init__(self, *options):
        self.terminal, inner = pty.openpty()
        # The program's terminal is its controlling one, as a person's is.
        self.process = keyward.start("login", resource, "--no-browser", *options, stdin=inner, stdout=inner, stderr=inner)
        os.close(inner)
        under_way.append(self.process)
        self.said = ""
        self.hears("It is not shown.")
        self.address = re.search(r"http://\S+", self.said).group()
        self.redirect = urllib.parse.parse_qs(urllib.parse.urlsplit(self.address).query)["redirect_uri"][0]

    def hears(self, words, seconds=30):
        end = time.monotonic() + seconds
        while words not in self.said:
            readable, _, _ = select.select([self.terminal], [], [], max(0, end - time.monotonic()))
            assert readable, f"{words!r} was not said within {seconds} s: {self.said}"
            try:
                piece = os.read(self.terminal, 65536)
            except OSError:  # The other end is closed.
                piece = b""
            assert piece, f"{words!r} was not said: {self.said}"
            self.said += piece.decode(errors="replace")

    def types(self, text):
        os.write(self.terminal, text.encode())

    def echoes(self):
        return bool(termios.tcgetattr(self.terminal)[3] & termios.ECHO)

    def end(self, code, seconds=60):
        self.process.wait(seconds)
        same(self.process.returncode, code, f"exit code after {self.said}")


def control(**order):
    """An order to the sandbox, or its record."""
    data = json.dumps(order).encode() if order else None
    request = urllib.request.Request(f"{root}/control", data=data, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def tokens_given():
    """How many codes the sandbox has answered with tokens; a request is on its record when its answer is ready."""
    return sum(
        entry["endpoint"] == "token" and entry["status"] == 200 and entry["parameters"].get("grant_type") == "authorization_code"
        for entry in control()["record"]
    )


def keychain(order):
    """An order to the private keychain that this ring runs in."""
    pipes = Path(os.environ["WITH_KEYRING_DIR"])
    (pipes / "orders").write_text(f"{order}\n")
    with open(pipes / "answers") as answers:
        same(answers.readline(), "ready\n", f"the keychain's answer to {order}")


def claims_success(page=None):
    # The sandbox's consent page, which speaks of staying logged in, may still be there: a click does not always wait.
    if page is None and browser.url.startswith(root):
        return []
    words = (page if page is not None else f"{browser.title} {browser.text}").lower()
    return [word for word in SUCCESS if word in words and f"not {word}" not in words and f"no {word}" not in words]


def answer(button):
    """Presses a button of the consent page, waits for the page that follows, and returns its address. The driver's own
    waiting is not enough: it sometimes ends while the consent page is still there."""
    try:
        browser.click(button)
    except Gone:
        pass  # Nobody listens at the address that follows.
    return eventually(lambda: (shown := browser.shown()) and not shown.startswith(root) and shown, "the page after consent")


def fetch(url, **headers):
    """Status and headers of one request outside the browser; redirects are not followed."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), Stay())
    try:
        with opener.open(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return answer.status, answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.headers


def clean(redirect):
    """Neither the address bar nor the history holds a code, and nobody outside this machine was asked for anything."""
    for url in [browser.url, *browser.history()]:
        assert "code=" not in url, f"a code stays in {urllib.parse.urlsplit(url)._replace(query='…').geturl()}"
    hosts = {urllib.parse.urlsplit(url).hostname for url in browser.requests() if url.startswith("http")}
    same(hosts, {"127.0.0.1"}, "hosts that were asked")
    # An address without a page is the server's business to refuse, and the browser says so when it asks for an icon.
    complaints = [text for text in browser.complaints if "favicon.ico" not in text]
    same(complaints, [], "what the browser complained of")
    assert redirect.startswith("http://127.0.0.1:"), redirect


def fresh(*flags):
    """A new browser without a past, and no login left over from a case that failed."""
    global browser
    while under_way:
        ring.stop(under_way.pop())
    if browser:
        browser.close()
    browser = Chromium(Path(tempfile.mkdtemp(prefix="chromium-", dir=scratch)), *flags)


# ---- cases, in order


def sandbox_is_up():
    """The sandbox is up, and its consent page shows in this browser without a complaint."""
    global root, resource
    _, line = ring.start("sandbox", keyward.program, "sandbox", "--port", "0", "--json", env=keyward.env)
    root = line["url"].rstrip("/")
    resource = next(backend["resource"] for backend in line["backends"] if backend["backend"] == "remote")
    fresh()
    browser.open(f"{root}/")
    assert "sandbox" in browser.text.lower(), browser.text


@needs(sandbox_is_up)
def allowing_logs_in():
    """Allow: the page says where, in the words of a login that stands, and the command ends with 0."""
    fresh()
    login = Login()
    browser.open(login.address)
    browser.click("#allow")
    done = login.end(0)
    same(done.out, "", "standard output")
    eventually(claims_success, "the page of a login that stands")
    assert connection() in browser.text, browser.text
    for scheme in ("light", "dark"):
        browser.scheme(scheme)
        browser.screenshot(shots / f"allowed-{scheme}.png")
    clean(login.redirect)
    keyward("token", connection()).must()


def connection():
    """The name of the connection, read from the configuration that the login wrote."""
    import tomllib

    written = tomllib.loads((keyward.home / "config.toml").read_text())["connections"]
    return [name for name, value in written.items() if value.get("url") == resource][0]


@needs(allowing_logs_in)
def page_is_readable_in_both_schemes():
    """The result page has two looks, light and dark, with enough contrast in both, and fits a narrow window."""
    grounds = {}
    for scheme in ("light", "dark"):
        browser.scheme(scheme)
        ratio, text, grounds[scheme] = contrast(browser)
        assert ratio >= 4.5, f"contrast {ratio:.1f} of {text!r} in {scheme}"
    assert grounds["light"] != grounds["dark"], grounds
    browser.cdp("Emulation.setDeviceMetricsOverride", width=320, height=640, deviceScaleFactor=1, mobile=True)
    browser.screenshot(shots / "allowed-narrow.png")
    wide = browser.script("document.documentElement.scrollWidth")
    browser.cdp("Emulation.clearDeviceMetricsOverride")
    assert wide <= 320, f"{wide} pixels wide"
    same(browser.script("document.documentElement.lang"), "en", "language")
    same(browser.script("document.querySelectorAll('img,link[href],iframe,[src]').length"), 0, "outside assets")


@needs(allowing_logs_in)
def headers_are_strict():
    """Every answer of the listener has the headers that keep a page to itself."""
    answers = [answer for answer in browser.responses() if answer[0].startswith("http://127.0.0.1:") and not answer[0].startswith(root)]
    assert answers, "no answer of the listener was seen"
    for url, status, headers in answers:
        where = f"{status} {urllib.parse.urlsplit(url).path}"
        same(headers.get("cache-control"), "no-store", f"cache-control of {where}")
        same(headers.get("referrer-policy"), "no-referrer", f"referrer-policy of {where}")
        same(headers.get("x-content-type-options"), "nosniff", f"x-content-type-options of {where}")
        policy = headers.get("content-security-policy", "")
        for part in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"):
            assert part in policy, f"{part} is missing in the policy of {where}: {policy}"
        assert "unsafe" not in policy, policy
        assert "set-cookie" not in headers and not [name for name in headers if name.startswith("access-control-")], where
        if 300 <= status < 400:
            assert headers["location"].startswith("/") or headers["location"].startswith("http://127.0.0.1:"), headers["location"]


@needs(allowing_logs_in)
def r17_reloading_and_going_back_change_nothing():
    """Reloading the result page and going back asks for no second token and claims nothing new."""
    fresh()
    login = Login()
    browser.open(login.address)
    asked = control()["token_requests"]
    browser.click("#allow")
    eventually(claims_success, "the result page")
    for step in (browser.reload, lambda: browser.send("POST", "/back"), lambda: browser.send("POST", "/forward")):
        try:
            step()
        except Gone:
            pass  # The listener is closed by now: the browser says so itself.
    login.end(0)
    same(control()["token_requests"], asked + 1, "token requests")
    for url in browser.history():
        assert "code=" not in url, "a code stays in the history"
    keyward("token", connection()).must()


@needs(allowing_logs_in)
def pasting_from_another_machine_logs_in():
    """The browser is on another machine: the address of the page that it cannot load is pasted, unseen, and logs in."""
    # Everything but the provider is out of reach of that browser.
    fresh("--proxy-server=http://127.0.0.1:9", f"--proxy-bypass-list=<-loopback>;{urllib.parse.urlsplit(root).netloc}")
    login = AtATerminal()
    browser.open(login.address)
    assert not login.echoes(), "the terminal shows what is pasted"
    login.types(f"{login.address}\n")
    login.hears("not the address that the browser ends at")
    asked = control()["token_requests"]
    try:
        browser.click("#allow")
    except Gone:
        pass  # What the browser says of an address that it cannot reach.
    # What stands in the address bar, which is all that the person has.
    address = eventually(lambda: next((url for url in browser.history() if url.startswith(login.redirect)), None), "the address")
    assert "code=" in address, address
    login.types(f"{address}\n")
    login.hears("Signed in to")
    login.end(0)
    assert login.echoes(), "the terminal hides what is typed after the end"
    code = urllib.parse.parse_qs(urllib.parse.urlsplit(address).query)["code"][0]
    assert code not in login.said, "the code was shown"
    same(control()["token_requests"], asked + 1, "token requests")
    keyward("token", connection()).must()


@needs(allowing_logs_in)
def r17_early_connections_and_icons_come_first():
    """A connection opened ahead of need and a request for an icon come before the answer; the login succeeds once."""
    import socket

    fresh()
    login = Login()
    port = urllib.parse.urlsplit(login.redirect).port
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(4)]
    same(fetch(f"http://127.0.0.1:{port}/favicon.ico")[0], 404, "the icon")
    browser.open(login.address)
    # The browser's own way to do the same.
    browser.script(f"""(() => {{ const link = document.createElement('link'); link.rel = 'preconnect';
      link.href = 'http://127.0.0.1:{port}'; document.head.append(link); return true; }})()""")
    asked = control()["token_requests"]
    browser.click("#allow")
    login.end(0)
    eventually(claims_success, "the page of a login that stands")
    same(control()["token_requests"], asked + 1, "token requests")
    for connection_ in idle:
        connection_.close()


@needs(allowing_logs_in)
def denying_says_so():
    """Deny: the page says that nothing was allowed, the command ends with 4, and the earlier login stands."""
    fresh()
    login = Login()
    browser.open(login.address)
    answer("#deny")
    login.end(4)
    same(claims_success(), [], f"claims on {browser.title} | {browser.text}")
    said = f"{browser.title} {browser.text}"
    assert any(word in said.lower() for word in DENIED), said
    for scheme in ("light", "dark"):
        browser.scheme(scheme)
        browser.screenshot(shots / f"denied-{scheme}.png")
    clean(login.redirect)
    keyward("token", connection()).must()


@needs(allowing_logs_in)
def r17_two_tabs_log_in_once():
    """Two tabs of one login: the first to be allowed counts, the other one ends in no second token."""
    fresh()
    login = Login()
    browser.open(login.address)
    first = browser.tab()
    browser.open(login.address)
    asked = control()["token_requests"]
    browser.click("#allow")
    eventually(claims_success, "the first tab's result")
    browser.go(first)
    # By now the listener may be closed, and the browser show its own page about an address where nobody answers.
    assert "code=" not in answer("#allow"), "a code stays in the address bar of the second tab"
    login.end(0)
    same(control()["token_requests"], asked + 1, "token requests")


@needs(allowing_logs_in)
def strays_change_nothing():
    """Icons, probes, false callbacks and foreign hosts get an error each, and the login goes on."""
    fresh()
    login = Login()
    origin = "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(login.redirect))
    for path in ("/favicon.ico", "/robots.txt", "/", "/apple-touch-icon.png"):
        same(fetch(origin + path)[0], 404, path)
    for query in ("", "?code=stolen", "?code=stolen&state=wrong", "?error=access_denied", "?error=access_denied&state=wrong"):
        same(fetch(login.redirect + query)[0], 400, query)
    same(fetch(f"{login.redirect}?code=stolen&state=wrong", Host="evil.example")[0], 400, "another host")
    browser.open(f"{origin}/favicon.ico")
    login.waits()
    browser.open(login.address)
    browser.click("#allow")
    login.end(0)
    eventually(claims_success, "the page of a login that stands")


@needs(allowing_logs_in)
def failed_exchange_is_admitted():
    """The token endpoint fails: the page claims nothing, and the command ends with 7 or 8."""
    fresh()
    login = Login()
    browser.open(login.address)
    control(faults={"token": [{"grant_type": "authorization_code", "effect": {"answer": {"status": 500, "body": "<h1>logged in</h1>"}}}]})
    answer("#allow")
    done = keyward.finish(login.process, login.arguments)
    assert done.code in (7, 8), str(done)
    same(claims_success(), [], f"claims on {browser.title} | {browser.text}")
    browser.screenshot(shots / "exchange-failed.png")
    clean(login.redirect)
    control(faults={})


@needs(allowing_logs_in)
def slow_exchange_is_awaited():
    """The token endpoint is slow: until the tokens are stored no page claims that they are."""
    fresh()
    login = Login()
    browser.open(login.address)
    control(faults={"token": [{"grant_type": "authorization_code", "delay_ms": 3000}]})
    answered = tokens_given()
    browser.click("#allow")
    eventually(claims_success, "the page after the exchange")
    same(tokens_given(), answered + 1, "the tokens given when the page claims them")
    login.end(0)
    control(faults={})


@needs(allowing_logs_in)
def failed_store_is_admitted():
    """The keychain goes away while the person decides: the page claims nothing, and the command ends with 6."""
    fresh()
    login = Login()
    browser.open(login.address)
    keychain("stop")
    try:
        answer("#allow")
        done = keyward.finish(login.process, login.arguments, 180)
    finally:
        keychain("restart")
    assert done.code == 6, str(done)
    same(claims_success(), [], f"claims on {browser.title} | {browser.text}")
    browser.screenshot(shots / "store-failed.png")
    clean(login.redirect)


@needs(allowing_logs_in)
def listener_is_gone():
    """After each end of a login nobody answers at its address any more."""
    fresh()
    login = Login()
    browser.open(login.address)
    browser.click("#allow")
    login.end(0)
    try:
        fetch(login.redirect)
    except (urllib.error.URLError, ConnectionError):
        return
    raise AssertionError("the listener still answers")


if __name__ == "__main__":
    cases = [
        sandbox_is_up,
        allowing_logs_in,
        page_is_readable_in_both_schemes,
        headers_are_strict,
        r17_reloading_and_going_back_change_nothing,
        pasting_from_another_machine_logs_in,
        r17_early_connections_and_icons_come_first,
        denying_says_so,
        r17_two_tabs_log_in_once,
        strays_change_nothing,
        failed_exchange_is_admitted,
        slow_exchange_is_awaited,
        failed_store_is_admitted,
        listener_is_gone,
    ]
    status = ring.run(cases, keep=[scratch / "sandbox.log"])
    if browser:
        browser.close()
    sys.exit(status)
