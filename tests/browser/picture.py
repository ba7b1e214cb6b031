"""Makes the picture of a login for the README: `docs/login-light.png` and `docs/login-dark.png`, from the real pages.

    tests/with-keyring.sh -- python3 tests/browser/picture.py

with KEYWARD_BIN and PEERS_BROWSER set as `tests/run` does. The two pages of one login stand beside each other.
"""

import base64
import os
import sys
import tempfile
import urllib.parse
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent / "peers"))
import ring
from chromium import Chromium
from ring import Keyward, eventually, scratch

hand_over = scratch / "address"
keyward = Keyward(BROWSER=f"{sys.executable} {here / 'hand_over.py'}", HAND_OVER=str(hand_over))
docs = here.parent.parent / "docs"
PAGE = """<!doctype html><html><head><style>
body{margin:0;display:flex;gap:12px;padding:12px;background:%s}
img{width:calc(50%% - 6px);border-radius:8px}
</style></head><body><img src="%s"><img src="%s"></body></html>"""


def sized(browser, width, height):
    browser.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)


def shot(browser, name):
    """A picture of the page, as an address for another page."""
    browser.script("document.getAnimations().map((one) => one.finish()).length")
    browser.screenshot(scratch / name)
    return "data:image/png;base64," + base64.b64encode((scratch / name).read_bytes()).decode()


if __name__ == "__main__":
    _, line = ring.start("sandbox", keyward.program, "sandbox", "--port", "0", "--json", env=keyward.env)
    resource = next(backend["resource"] for backend in line["backends"] if backend["backend"] == "remote")
    browser = Chromium(Path(tempfile.mkdtemp(prefix="chromium-", dir=scratch)))
    process = keyward.start("login", resource, "--name", "team", "--expect-user", "alice", "--scope", "openid,email")
    address = eventually(lambda: hand_over.exists() and hand_over.read_text(), "the address for the browser")
    sized(browser, 620, 740)
    browser.open(address)
    pictures = {scheme: [] for scheme in ("light", "dark")}
    for step in ("ask", "done"):
        for scheme, found in pictures.items():
            browser.scheme(scheme)
            found.append(shot(browser, f"{step}-{scheme}.png"))
        if step == "ask":
            browser.click("#allow")
            eventually(lambda: "signed in" in (browser.title or ""), "the page after consent")
    process.wait(20)
    sized(browser, 1264, 764)
    for scheme, found in pictures.items():
        page = scratch / f"{scheme}.html"
        page.write_text(PAGE % ({"light": "#d0d7de", "dark": "#30363d"}[scheme], *found))
        browser.open(page.as_uri())
        browser.script("document.images.length && [...document.images].every((one) => one.complete)")
        browser.screenshot(docs / f"login-{scheme}.png")
        print(docs / f"login-{scheme}.png", (docs / f"login-{scheme}.png").stat().st_size)
    browser.close()
    sys.exit(process.returncode)
