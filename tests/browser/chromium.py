"""A real browser, driven over the WebDriver protocol: one process, its tabs, what it fetched and what it complained of."""

import base64
import json
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "peers"))
import ring
from ring import eventually, free_port

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=900,700",
    # Nothing but this machine can be reached, whatever a page asks for.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Gone(Exception):
    """The page cannot be shown: nobody answers at its address."""


class Chromium:
    def __init__(self, profile, *flags):
        self.port = free_port()
        self.driver = ring.background(f"chromedriver-{profile.name}", "chromedriver", f"--port={self.port}", "--allowed-ips=127.0.0.1")
        eventually(self.ready, "chromedriver")
        options = {
            "binary": os.environ["PEERS_BROWSER"],
            "args": [*FLAGS, *flags, f"--user-data-dir={profile}"],
        }
        logging = {"browser": "ALL", "performance": "ALL"}
        capabilities = {"alwaysMatch": {"goog:chromeOptions": options, "goog:loggingPrefs": logging, "pageLoadStrategy": "normal"}}
        self.path = ""
        session = self.send("POST", "/session", {"capabilities": capabilities})
        self.path = f"/session/{session['sessionId']}"
        self.events, self.complaints = [], []

    def ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/status", timeout=2) as answer:
                return json.load(answer)["value"]["ready"]
        except OSError:
            return False

    def send(self, method, path, body=None):
        data = json.dumps(body or {}).encode() if method == "POST" else None
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{self.path}{path}", data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            value = json.load(error)["value"]
            if "net::ERR" in value["message"]:
                raise Gone(value["message"].splitlines()[0])
            raise AssertionError(f"WebDriver {method} {path}: {value['error']}: {value['message'].splitlines()[0]}")

    def cdp(self, command, **parameters):
        return self.send("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def close(self):
        try:
            self.send("DELETE", "")
        finally:
            ring.stop(self.driver)

    # ---- tabs and pages

    def open(self, url):
        """Shows a page in this tab."""
        self.send("POST", "/url", {"url": url})

    def reload(self):
        self.send("POST", "/refresh")

    def tab(self):
        """Opens another tab, goes there and returns the handle of the one left."""
        before = self.send("GET", "/window")
        self.go(self.send("POST", "/window/new", {"type": "tab"})["handle"])
        return before

    def go(self, handle):
        self.send("POST", "/window", {"handle": handle})

    def find(self, selector):
        return self.send("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector):
        """Presses what the selector names and waits until the page that follows is complete."""
        self.send("POST", f"/element/{self.find(selector)}/click")

    def script(self, source):
        return self.send("POST", "/execute/sync", {"script": f"return {source}", "args": []})

    @property
    def url(self):
        return self.send("GET", "/url")

    @property
    def title(self):
        return self.send("GET", "/title")

    @property
    def text(self):
        return self.script("document.body.innerText")

    def shown(self):
        """The address of the document that is shown, complete: the browser's own `chrome-error:` where nobody answered.
        None between two pages."""
        try:
            state, address = self.script("[document.readyState, document.location.href]")
        except AssertionError:  # The page went away while it was asked.
            return None
        return address if state == "complete" else None

    def history(self):
        """The addresses behind the back and forward buttons."""
        return [entry["url"] for entry in self.cdp("Page.getNavigationHistory")["entries"]]

    def scheme(self, name):
        """As if the desktop were set to `light` or `dark`."""
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def screenshot(self, path):
        path.write_bytes(base64.b64decode(self.send("GET", "/screenshot")))

    # ---- what happened

    def collect(self):
        """Reads the logs; each entry is given out only once by the driver."""
        self.events += [json.loads(row["message"])["message"] for row in self.send("POST", "/se/log", {"type": "performance"})]
        self.complaints += [row["message"] for row in self.send("POST", "/se/log", {"type": "browser"})]

    def requests(self):
        self.collect()
        return [event["params"]["request"]["url"] for event in self.events if event["method"] == "Network.requestWillBeSent"]

    def responses(self):
        """Address, status and headers of every document that arrived, redirects included."""
        self.collect()
        found = []
        for event in self.events:
            answer = None
            if event["method"] == "Network.responseReceived" and event["params"]["type"] == "Document":
                answer = event["params"]["response"]
            elif event["method"] == "Network.requestWillBeSent" and "redirectResponse" in event["params"]:
                answer = event["params"]["redirectResponse"]
            if answer:
                headers = {name.lower(): value for name, value in answer["headers"].items()}
                found.append((answer["url"], answer["status"], headers))
        return found


def contrast(browser):
    """The worst contrast between a text and what is behind it, as WCAG 2 counts it (1 to 21), that text, and the ground."""
    return browser.script("""(() => {
      const rgb = (colour) => [...colour.match(/[\\d.]+/g).map(Number), 1].slice(0, 4);
      const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
      const behind = (at) => {
        for (; at; at = at.parentElement) {
          const ground = rgb(getComputedStyle(at).backgroundColor);
          if (ground[3] > 0) return ground;
        }
        return matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18, 1] : [255, 255, 255, 1];
      };
      const told = [...document.querySelectorAll('body, body *')]
        .filter((at) => [...at.childNodes].some((node) => node.nodeType === 3 && node.data.trim()) && at.getClientRects().length)
        .map((at) => {
          const [high, low] = [light(rgb(getComputedStyle(at).color)), light(behind(at))].sort((a, b) => b - a);
          return [(high + 0.05) / (low + 0.05), at.innerText];
        });
      const [ratio, text] = told.sort((a, b) => a[0] - b[0])[0];
      return [ratio, text, behind(document.body).slice(0, 3).join(' ')];
    })()""")
