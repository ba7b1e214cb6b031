"""Secrets: which were issued, in which forms one could show itself, and where one is found."""

import base64
import json
import re
import urllib.parse

# What a request or an answer calls its secrets. The address of the login page shows the last three to the person.
NAMES = """code code_verifier refresh_token access_token id_token token client_secret registration_access_token device_code
    client_assertion assertion id_token_hint state nonce request_uri""".split()
IN_THE_ADDRESS = {"state", "nonce", "request_uri"}
FORM = re.compile(rb"(?<![\w-])(%s)=([^&\s\"'<>#;\\]{12,})" % "|".join(NAMES).encode())
JSON = re.compile(rb'"(%s)"\s*:\s*("(?:[^"\\]|\\.){12,}")' % "|".join(name for name in NAMES if name not in ("code", "state")).encode())
# A proof of a key is none of them: it is good for one request at one moment.
HEADER = re.compile(rb"(?im)^authorization: *(bearer|dpop|basic) +([^\s]{12,})")


def issued(data):
    """Every secret in a message, with its kind."""
    for name, value in FORM.findall(data):
        yield name.decode(), urllib.parse.unquote_plus(value.decode(errors="replace"))
    for name, value in JSON.findall(data):
        yield name.decode(), json.loads(value)
    for scheme, value in HEADER.findall(data):
        is_basic, value = scheme.lower() == b"basic", value.decode(errors="replace")
        if is_basic:
            _, _, password = base64.b64decode(value).decode(errors="replace").partition(":")
            yield "client_secret", urllib.parse.unquote_plus(password)
        yield ("basic header" if is_basic else "access_token"), value


def forms(secret):
    """What a secret looks like as itself, encoded, cut and backwards."""
    data = secret.encode()
    yield "itself", data
    yield "percent-encoded", urllib.parse.quote(secret, safe="").encode()
    yield "hexadecimal", data.hex().encode()
    yield "a list of numbers", ", ".join(map(str, data[-12:])).encode()
    for shift in range(3):
        # Whatever stands before it; the letters at both ends depend on what is beside it.
        whole = base64.b64encode(b"\0" * shift + data)
        inner = whole[(0, 2, 3)[shift] : len(whole) - 4]
        if len(inner) >= 12:
            yield "base64", inner
            yield "base64url", inner.replace(b"+", b"-").replace(b"/", b"_")
    # The beginning of a JSON web token says nothing; its signature, if it has one, is what nobody else can know.
    own = data.rstrip(b".").rsplit(b".", 1)[-1] if secret.startswith("eyJ") else data
    yield "a part of it", own[-12:] if own is not data else own[:12]
    yield "backwards", data[::-1][:12]


class Secrets:
    """All that must not be seen, and the search for it."""

    def __init__(self):
        self.kinds, self.needles = {}, {}

    def add(self, kind, secret):
        if len(secret) < 12 or secret in self.kinds:
            return
        self.kinds[secret] = kind
        for form, needle in forms(secret):
            self.needles.setdefault(needle, (kind, form))

    def found(self, data, allowed=()):
        """Kind and form of every secret in the text; those that are allowed there do not count."""
        rest = data
        for secret in allowed:
            for _, needle in forms(secret):
                rest = rest.replace(needle, b"")
        return sorted({which for needle, which in self.needles.items() if needle in rest})

    def of_kinds(self, kinds):
        return [secret for secret, kind in self.kinds.items() if kind in kinds]
