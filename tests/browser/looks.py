"""Every page that a person can be shown by this program, in a real browser: light and dark, wide and at a telephone's
width, judged by axe-core, which is the independent judge of accessibility.

The pages of the client are the files in `pages`, which a unit test holds against the code; those of the sandbox and its
Portal are asked for. Run with KEYWARD_BIN, PEERS_BROWSER and PEERS_AXE set as `tests/run` does. Screenshots go to the
folder in SCREENSHOTS, if it is set.
"""

import json
import os
import sys
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent / "peers"))
import ring
from chromium import Chromium, Gone, contrast
from ring import Keyward, eventually, needs, same, scratch

keyward = Keyward()
axe = Path(os.environ["PEERS_AXE"]).read_text()
shots = Path(os.environ.get("SCREENSHOTS") or tempfile.mkdtemp(dir=scratch))
shots.mkdir(parents=True, exist_ok=True)
WIDTHS = {"wide": (1100, 760), "phone": (360, 740)}
RETURN = "http://127.0.0.1/callback"
# A verifier and its challenge, from RFC 7636, appendix B.
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
NAMES = {
    "keyward": "keyward",
    "long": "Wherever" * 10,
    "right-to-left": "\u05dc\u05e7\u05d5\u05d7 (beta) \u0639\u0645\u064a\u0644",
    "hidden": "key\u200bward\u202efdp.exe\u2066\u00ad\ufeff",
}
browser = None
root = portal = None
looked_at = []


def judge():
    """What axe-core finds wrong with the page that is shown: rule, impact and the elements."""
    browser.send("POST", "/execute/sync", {"script": axe, "args": []})
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    source = f"""const done = arguments[arguments.length - 1];
      axe.run(document, {{runOnly: {json.dumps(tags)}, resultTypes: ['violations']}})
        .then((found) => done(found.violations.map((one) => [one.id, one.impact, one.nodes.map((node) => node.html)])),
              (error) => done([['axe', 'broken', [String(error)]]]));"""
    return browser.send("POST", "/execute/async", {"script": source, "args": []})


def look(name):
    """The page that is shown, in both schemes and both widths."""
    grounds, wrong = {}, []
    for place, (width, height) in WIDTHS.items():
        browser.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2 if place == "phone" else 1, mobile=False)
        for scheme in ("light", "dark"):
            browser.scheme(scheme)
            browser.script("document.getAnimations().map((one) => one.finish()).length")
            browser.screenshot(shots / f"{name}-{place}-{scheme}.png")
            wrong += [f"{name}, {place}, {scheme}: {rule}, {impact}: {nodes}" for rule, impact, nodes in judge()]
            ratio, text, grounds[scheme] = contrast(browser)
            if ratio < 4.5:
                wrong.append(f"{name}, {scheme}: contrast {ratio:.1f} of {text!r}")
        needed = browser.script("document.documentElement.scrollWidth")
        if needed > width:
            wrong.append(f"{name}: {needed} pixels wide where there are {width}")
    # With everything twice as large, nothing is cut off at the side either.
    if (needed := browser.script("(document.documentElement.style.fontSize = '200%', document.documentElement.scrollWidth)")) > 360:
        wrong.append(f"{name}: {needed} pixels wide with letters twice as large where there are 360")
    browser.script("(document.documentElement.style.fontSize = '', 0)")
    if grounds["light"] == grounds["dark"]:
        wrong.append(f"{name}: dark is as light")
    browser.cdp("Emulation.clearDeviceMetricsOverride")
    assert not wrong, "\n".join(wrong)
    looked_at.append(name)


def show(name, url):
    try:
        browser.open(url)
    except Gone as gone:
        raise AssertionError(f"{name}: {gone}")
    look(name)


def post(url, fields, kind="application/x-www-form-urlencoded"):
    data = json.dumps(fields) if kind.endswith("json") else urllib.parse.urlencode(fields)
    with urllib.request.urlopen(urllib.request.Request(url, data.encode(), {"Content-Type": kind}), timeout=10) as answer:
        return json.load(answer)


def client(name):
    """A client id for this name."""
    grants = ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"]
    told = {"client_name": name, "redirect_uris": [RETURN], "token_endpoint_auth_method": "none", "grant_types": grants}
    return post(f"{root}/as/register", told, "application/json")["client_id"]


def asking(name, **more):
    """The address that asks a person for this client."""
    asked = {
        "response_type": "code", "client_id": client(name), "redirect_uri": RETURN.replace("1/", "1:9/"), "state": "s",
        "code_challenge": CHALLENGE, "code_challenge_method": "S256", "scope": "openid profile email sandbox:read sandbox:write",
        "resource": f"{root}/remote/mcp", **more,
    }
    return f"{root}/as/authorize?{urllib.parse.urlencode(asked)}"


def press(selector):
    """Presses what the selector names and waits for the page that follows; the driver's own waiting can end too early."""
    browser.script("(window.isOld = true)")
    browser.click(selector)
    eventually(lambda: browser.shown() and not browser.script("!!window.isOld"), "the page that follows")


def fill(selector, text):
    element = browser.find(selector)
    browser.send("POST", f"/element/{element}/clear")
    browser.send("POST", f"/element/{element}/value", {"text": text})


# ---- cases, in order


def sandbox_is_up():
    """The sandbox and a browser are there."""
    global browser, root, portal
    _, line = ring.start("sandbox", keyward.program, "sandbox", "--port", "0", "--json", env=keyward.env)
    root = line["url"].rstrip("/")
    portal = next(backend["url"] for backend in line["backends"] if backend["backend"] == "ctera")
    browser = Chromium(Path(tempfile.mkdtemp(prefix="chromium-", dir=scratch)))


@needs(sandbox_is_up)
def the_judge_finds_what_is_wrong():
    """The judge is awake: it finds a page without a language, a label and enough contrast."""
    browser.open("data:text/html,<title>x</title><main><h1>x</h1><input><p style='color:%23aaa;background:%23fff'>hardly to be seen</p></main>")
    found = {rule for rule, _, _ in judge()}
    assert {"html-has-lang", "label", "color-contrast"} <= found, found


@needs(the_judge_finds_what_is_wrong)
def pages_of_the_client_are_for_everybody():
    """Each page at the end of a login is readable in light and dark, wide and narrow, and by a screen reader."""
    pages = sorted((here / "pages").glob("*.html"))
    assert len(pages) >= 12, pages
    for page in pages:
        show(f"client-{page.stem}", page.as_uri())
        assert browser.script("getComputedStyle(document.querySelector('main')).borderTopStyle") == "solid", "the style was not read"


@needs(the_judge_finds_what_is_wrong)
def consent_is_for_everybody():
    """The consent page is so with any name of a client, and can be gone through with the keyboard alone."""
    for word, name in NAMES.items():
        show(f"sandbox-consent-{word}", asking(name))
    same(browser.script("document.querySelector('#client').textContent"), "keywardfdp.exe", "the name without hidden characters")
    order = []
    for _ in range(3):
        browser.send("POST", "/actions", {"actions": [{"type": "key", "id": "k", "actions": [{"type": "keyDown", "value": "\ue004"}, {"type": "keyUp", "value": "\ue004"}]}]})
        order.append(browser.script("document.activeElement.id"))
        ring_ = browser.script("getComputedStyle(document.activeElement).outlineStyle + getComputedStyle(document.activeElement).outlineWidth")
        same(ring_, "solid3px", f"the frame of {order[-1]} with the focus")
    same(order, ["user", "allow", "deny"], "the order of the keyboard")


@needs(the_judge_finds_what_is_wrong)
def other_pages_of_the_sandbox_are_for_everybody():
    """So are its other pages: devices, the end of a login, faults and what is over."""
    show("sandbox-index", f"{root}/")
    show("sandbox-fault", f"{root}/as/authorize?client_id=nobody")
    device = post(f"{root}/as/device_authorization", {"client_id": client("a television"), "scope": "openid"})
    show("sandbox-device", device["verification_uri"])
    fill("#user_code", "WRONG-ONE")
    press("#allow")
    look("sandbox-device-unknown")
    for button, word in (("#allow", "connected"), ("#deny", "not-connected")):
        device = post(f"{root}/as/device_authorization", {"client_id": client("a television"), "scope": "openid"})
        show("sandbox-device-filled", device["verification_uri_complete"])
        press("#allow")
        look("sandbox-device-consent")
        press(button)
        look(f"sandbox-device-{word}")
    browser.open(asking("keyward"))
    browser.script("(document.querySelector('[name=ticket]').value = 'of-another-day', 0)")
    press("#allow")
    assert "too old" in browser.text, browser.text
    look("sandbox-consent-over")
    show("sandbox-logout", f"{root}/as/end_session?client_id={client('keyward')}")
    press("#deny")
    look("sandbox-still-logged-in")


@needs(the_judge_finds_what_is_wrong)
def pages_of_the_portal_are_for_everybody():
    """So are the pages of the Portal's stand-in at which a device is activated."""
    show("portal-activate", f"{portal}/ServicesPortal/activate?scheme=ctera%3Awebsso")
    press("#show")
    look("portal-code")


@needs(pages_of_the_client_are_for_everybody)
def colours_of_the_system_and_stillness_are_respected():
    """With the system's own colours every mark stays to be seen, and nothing moves for who wants no motion."""
    browser.cdp("Emulation.setDeviceMetricsOverride", width=900, height=640, deviceScaleFactor=1, mobile=False)
    still = {"name": "prefers-reduced-motion", "value": "reduce"}
    for page, colours in ((page, colours) for page in ("signed-in", "denied", "failed") for colours in ("none", "active")):
        browser.cdp("Emulation.setEmulatedMedia", features=[still, {"name": "forced-colors", "value": colours}])
        browser.open((here / "pages" / f"{page}.html").as_uri())
        browser.screenshot(shots / f"forced-{colours}-{page}.png")
        same(browser.script("document.getAnimations().length"), 0, "what moves")
        if colours == "active":
            told = browser.script("getComputedStyle(document.querySelector('.mark')).stroke")
            same(told, browser.script("getComputedStyle(document.querySelector('h1')).color"), "the colour of the mark")
    browser.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "no-preference"}])
    browser.reload()


if __name__ == "__main__":
    cases = [
        sandbox_is_up,
        the_judge_finds_what_is_wrong,
        pages_of_the_client_are_for_everybody,
        consent_is_for_everybody,
        other_pages_of_the_sandbox_are_for_everybody,
        pages_of_the_portal_are_for_everybody,
        colours_of_the_system_and_stillness_are_respected,
    ]
    status = ring.run(cases, keep=[scratch / "sandbox.log"])
    print(f"note: {len(looked_at)} pages were looked at")
    if browser:
        browser.close()
    sys.exit(status)
