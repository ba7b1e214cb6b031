"""A proxy that stands for Cisco: gate.py SANDBOX FOLDER.

Libraries that know Cisco's hosts by heart are sent here by `HTTPS_PROXY` and trust its certificate by
`REQUESTS_CA_BUNDLE`; so nothing in them is changed. `id.cisco.com` is the sandbox's token endpoint, `apix.cisco.com` its
stand-in, and no other host can be reached. Prints its address and the certificate as one JSON line.
"""

import http.client
import http.server
import json
import ssl
import subprocess
import sys
from urllib.parse import urlsplit

sandbox, folder = sys.argv[1:]
HOSTS = {"id.cisco.com", "apix.cisco.com"}
certificate, key = f"{folder}/gate.pem", f"{folder}/gate.key"
words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
words += ["-subj", "/CN=gate", "-addext", "subjectAltName=" + ",".join(f"DNS:{host}" for host in sorted(HOSTS))]
subprocess.run([*words, "-keyout", key, "-out", certificate], check=True, capture_output=True)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(certificate, key)


class Gate(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    host = None

    def do_CONNECT(self):
        host = self.path.rpartition(":")[0]
        if host not in HOSTS:
            return self.send_error(502, f"{host} cannot be reached from here")
        self.send_response(200)
        self.end_headers()
        # Some ask in HTTP/1.0, and go on all the same.
        self.host, self.close_connection = host, False
        self.connection = tls.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)

    def forward(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "content-length", "connection")}
        if self.host == "apix.cisco.com":
            path = f"/cisco{self.path}"
        elif self.host == "id.cisco.com" and self.path.partition("?")[0] == "/oauth2/default/v1/token":
            # Cisco takes the secret of a client in the address, too; the sandbox does not, and need not.
            path, query = "/as/token", self.path.partition("?")[2].encode()
            body = b"&".join(filter(None, (query, body)))
        else:
            return self.send_error(404)
        onward = http.client.HTTPConnection(urlsplit(sandbox).netloc, timeout=60)
        onward.request(self.command, path, body=body or None, headers=headers)
        answer = onward.getresponse()
        text = answer.read()
        self.send_response(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = forward

    def log_message(self, *words):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gate)
print(json.dumps({"url": f"http://127.0.0.1:{server.server_port}", "certificate": certificate}), flush=True)
server.serve_forever()
