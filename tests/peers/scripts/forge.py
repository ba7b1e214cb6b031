"""A git server and the smallest Kubernetes API, behind an access token that it checks with the issuer's published keys.

    forge.py --scheme Bearer|Basic --issuer URL --audience URL --repos DIR --record FILE --refuse FILE

Prints one JSON line with its address. Each request is appended to FILE: its path, the scheme it came with and whether
its token was good; never the token. A token that stands in the file of refused ones is refused although it is good.
"""

import argparse
import base64
import http.server
import json
import os
import subprocess
from pathlib import Path

import jwt

arguments = argparse.ArgumentParser()
for name in ("scheme", "issuer", "audience", "repos", "record", "refuse"):
    arguments.add_argument(f"--{name}", required=True)
given = arguments.parse_args()
keys = jwt.PyJWKClient(f"{given.issuer}/jwks")


def token_of(header):
    """Scheme and token of an Authorization header; with Basic the token is the password."""
    scheme, _, rest = (header or "").partition(" ")
    if scheme == "Basic":
        rest = base64.b64decode(rest).decode().partition(":")[2]
    return scheme or None, rest


def is_good(token):
    if token in Path(given.refuse).read_text().split():
        return False
    try:
        key = keys.get_signing_key_from_jwt(token)
        jwt.decode(token, key.key, algorithms=["ES256"], audience=given.audience, issuer=given.issuer)
    except jwt.PyJWTError:
        return False
    return True


class Forge(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        scheme, token = token_of(self.headers.get("Authorization"))
        good = scheme == given.scheme and is_good(token)
        path, _, query = self.path.partition("?")
        with open(given.record, "a") as record:
            record.write(json.dumps({"path": path, "scheme": scheme, "good": good}) + "\n")
        if not good:
            return self.answer(401, headers=[("WWW-Authenticate", f'{given.scheme} realm="forge"')])
        if path == "/version/":
            version = {key: "1" for key in ("buildDate", "compiler", "gitCommit", "gitTreeState", "gitVersion", "goVersion", "major", "minor", "platform")}
            return self.answer(200, json.dumps(version).encode(), [("Content-Type", "application/json")])
        return self.git(path, query, body)

    def git(self, path, query, body):
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": given.repos,
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "HTTP_GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_USER": "somebody",
        }
        done = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True)
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        headers = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n") if ": " in line]
        status = next((int(value.split()[0]) for name, value in headers if name == "Status"), 200)
        self.answer(status, rest, [(name, value) for name, value in headers if name != "Status"])

    do_GET = do_POST = handle_any


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Forge)
print(json.dumps({"url": f"http://127.0.0.1:{server.server_port}"}), flush=True)
server.serve_forever()
