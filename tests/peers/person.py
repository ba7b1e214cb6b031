"""A person with a browser, for servers without scripts: follows redirects, fills in forms, presses a button.

    person.py URL

Used as `BROWSER`. PERSON_PRESS is `allow` (default) or `deny`, PERSON_NAME the account to log in with. What the last
page was is appended to the file in PERSON_LOG as one JSON line, without the query of any address.
"""

import html.parser
import http.cookiejar
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

PRESS = os.environ.get("PERSON_PRESS", "allow")
NAME = os.environ.get("PERSON_NAME", "ada")
PAGES = 20


class Page(html.parser.HTMLParser):
    """What a person sees of a page: title, text, forms with their buttons, links."""

    def __init__(self, source):
        super().__init__()
        self.title, self.text, self.forms, self.links, self.inside = "", [], [], [], []
        self.feed(source)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag not in ("input", "br", "meta", "link", "img", "hr"):
            self.inside.append(tag)
        if tag == "form":
            self.forms.append({"action": attributes.get("action", ""), "method": attributes.get("method", "get").lower(), "fields": {}, "buttons": []})
        elif tag == "a" and attributes.get("href"):
            self.links.append([attributes["href"], attributes.get("id", "")])
        elif tag in ("input", "button") and self.forms:
            kind = attributes.get("type", "submit" if tag == "button" else "text")
            if kind == "submit":
                self.forms[-1]["buttons"].append(attributes)
            elif attributes.get("name"):
                self.forms[-1]["fields"][attributes["name"]] = attributes.get("value") or ("" if kind == "hidden" else NAME)

    def handle_endtag(self, tag):
        if tag in self.inside:
            while self.inside.pop() != tag:
                pass

    def handle_data(self, data):
        if "title" in self.inside:
            self.title += data
        elif not {"script", "style"} & set(self.inside) and data.strip():
            self.text.append(data.strip())
            if self.inside and self.inside[-1] == "a" and self.links:
                self.links[-1][1] += " " + data.strip()


class Stay(urllib.request.HTTPRedirectHandler):
    """Redirects are followed by hand, so that each step can be counted."""

    def redirect_request(self, *_):
        return None


class Person:
    def __init__(self):
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.cookies), Stay()
        )

    def fetch(self, url, data=None):
        request = urllib.request.Request(url, data=data, headers={"Accept": "text/html", "User-Agent": "person"})
        try:
            answer = self.opener.open(request, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        return answer.status, answer.headers, answer.read().decode(errors="replace")

    def step(self, url, status, headers, body):
        """Where a person goes from this page, or None where it ends."""
        if status in (301, 302, 303, 307, 308) and headers.get("Location"):
            return urllib.parse.urljoin(url, headers["Location"]), None
        page = Page(body)
        decline = ("deny", "cancel", "decline", "abort")
        if PRESS == "deny":
            for href, name in page.links:
                if any(word in name.lower() for word in decline):
                    return urllib.parse.urljoin(url, href), None
        for form in page.forms:
            buttons = {str(b.get("id") or b.get("value") or "").lower(): b for b in form["buttons"]}
            chosen = buttons.get(PRESS) or next(iter(form["buttons"]), {})
            if PRESS == "allow" and any(word in buttons for word in decline) and "allow" not in buttons:
                continue
            if PRESS in ("deny", "allow") and "deny" in buttons and PRESS not in buttons:
                continue
            fields = dict(form["fields"])
            if chosen.get("name"):
                fields[chosen["name"]] = chosen.get("value", "")
            target = urllib.parse.urljoin(url, chosen.get("formaction") or form["action"] or url)
            data = urllib.parse.urlencode(fields).encode()
            return (target, data) if form["method"] == "post" else (f"{target}?{data.decode()}", None)
        return None

    def go(self, url):
        data, path = None, []
        for _ in range(PAGES):
            status, headers, body = self.fetch(url, data)
            path.append(f"{status} {urllib.parse.urlsplit(url)._replace(query='', fragment='').geturl()}")
            following = self.step(url, status, headers, body)
            if following is None:
                page = Page(body)
                return {"status": status, "title": page.title.strip(), "text": " ".join(page.text), "path": path}
            url, data = following
        return {"status": 0, "title": "", "text": f"no end after {PAGES} pages", "path": path}


if __name__ == "__main__":
    seen = Person().go(sys.argv[1])
    line = json.dumps(seen)
    if os.environ.get("PERSON_LOG"):
        with open(os.environ["PERSON_LOG"], "a") as log:
            log.write(line + "\n")
    else:
        print(line)
