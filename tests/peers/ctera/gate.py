"""A TLS gate before the stand-in: gate.py SANDBOX FOLDER.

The vendor's own library knows a Portal by host and port only, with TLS: here it finds the stand-in, which the sandbox has
below `/ctera`. Nothing in a request or an answer is changed but that. Prints its port as one JSON line.
"""

import http.client
import http.server
import json
import ssl
import subprocess
import sys
from urllib.parse import urlsplit

sandbox, folder = sys.argv[1:]
certificate, key = f"{folder}/gate.pem", f"{folder}/gate.key"
words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
words += ["-subj", "/CN=gate", "-addext", "subjectAltName=IP:127.0.0.1"]
subprocess.run([*words, "-keyout", key, "-out", certificate], check=True, capture_output=True)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(certificate, key)
# What concerns one connection only, and what is written anew.
OWN = ("host", "content-length", "connection", "transfer-encoding", "date")


class Gate(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        self.request = tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def body(self):
        if "chunked" not in self.headers.get("transfer-encoding", ""):
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        whole = b""
        while length := int(self.rfile.readline().split(b";")[0], 16):
            whole += self.rfile.read(length)
            self.rfile.readline()
        self.rfile.readline()
        return whole

    def forward(self):
        headers = {name: value for name, value in self.headers.items() if name.lower() not in OWN}
        onward = http.client.HTTPConnection(urlsplit(sandbox).netloc, timeout=60)
        onward.request(self.command, f"/ctera{self.path}", body=self.body(), headers=headers)
        answer = onward.getresponse()
        text = answer.read()
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in OWN:
                self.send_header(name, value)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_DELETE = forward

    def log_message(self, *words):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gate)
print(json.dumps({"port": server.server_port}), flush=True)
server.serve_forever()
