"""The binary in a corporate network: a proxy that nobody here wrote, which wants credentials, and the same proxy as a
middlebox that presents certificates of its own.

Run inside `tests/with-keyring.sh`, with KEYWARD_BIN, PEERS_MODERN and PEERS_PROXY set as `tests/run` does. Who was asked to connect where is read from
the proxy's own log, not from what the binary says about itself. Names ending in `.test` exist for the proxy only.
"""

import datetime
import ipaddress
import os
import socket
import subprocess
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent))
import ring
from ring import Keyward, eventually, free_port, same, scratch, talk

PASSWORD = "p@ss:canary"
WRITTEN = "p%40ss%3Acanary"
LIFE = datetime.timedelta(days=2)


class Certificate:
    """A certificate with its key, signed by another one or by itself."""

    def __init__(self, name, by=None, hosts=(), authority=False, life=(-LIFE, LIFE)):
        now = datetime.datetime.now(datetime.timezone.utc)
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.key = ec.generate_private_key(ec.SECP256R1())
        signer = by or self
        names = [x509.DNSName(host) for host in hosts if not host[0].isdigit()]
        names += [x509.IPAddress(ipaddress.ip_address(host)) for host in hosts if host[0].isdigit()]
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(signer.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + life[0])
            .not_valid_after(now + life[1])
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        self.pem = builder.sign(signer.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        self.file, self.key_file = scratch / f"{name.replace(' ', '-')}.pem", scratch / f"{name.replace(' ', '-')}.key"
        self.file.write_bytes(self.pem)
        form = serialization.PrivateFormat.TraditionalOpenSSL
        self.key_file.write_bytes(self.key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))


root = Certificate("Ring Root", authority=True)
middlebox_root = Certificate("Middlebox CA", authority=True)
hosts = ("service.test", "127.0.0.1")
service = Certificate("service", root, hosts)


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


port = free_port()
ring.background("server", os.environ["PEERS_MODERN"], here / "server.py", port, service.file, service.key_file)


class Proxy:
    """One run of the proxy."""

    def __init__(self, name, *flags):
        self.port, self.log = free_port(), scratch / f"{name}.access"
        python = os.environ["PEERS_PROXY"]
        ring.background(
            name, python, "-m", "proxy", "--hostname", "127.0.0.1", "--port", self.port, "--num-workers", 1, "--num-acceptors", 1,
            "--log-file", self.log, "--log-level", "d", "--data-dir", scratch / f"{name}-data", "--plugins", "names.Names", *flags,
            env={"PYTHONPATH": str(here), "HOME": str(scratch)},
        )
        eventually(lambda: listens(self.port), f"the proxy {name}'s first answer")

    def asked(self):
        """Lines of its log that speak of the service."""
        return self.log.read_text(errors="replace").count("service.test") if self.log.exists() else 0


proxy = Proxy("proxy", "--basic-auth", f"ada:{PASSWORD}")
signing = scratch / "signing.key"
subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", signing], check=True)
middlebox = Proxy(
    "middlebox", "--ca-cert-file", middlebox_root.file, "--ca-key-file", middlebox_root.key_file,
    "--ca-signing-key-file", signing, "--ca-file", root.file, "--ca-cert-dir", scratch / "made",
)
eventually(lambda: listens(port), "the server's first answer")

keyward = Keyward()
keyward.env = {name: value for name, value in keyward.env.items() if not name.startswith("SSL_CERT_") and name.lower() != "no_proxy"}


def config(url, extra=""):
    keyward.url = url
    keyward.config(f'[connections.box]\nbackend = "remote"\nurl = "{url}"\nway = "none"\n{extra}')


config(f"https://service.test:{port}/mcp")
CALL = ("call", "box_add", "a=2", "b=3")
with_credentials = f"http://ada:{WRITTEN}@127.0.0.1:{proxy.port}"
through_middlebox = f"http://127.0.0.1:{middlebox.port}"


def works(*flags, env):
    # What the server offers is learnt on the same way, afresh each time.
    keyward("tools", "--refresh", *flags, env=env).must(0)
    ran = keyward(*CALL, *flags, env=env).must(0)
    assert "the sum is 5" in ran.out, f"{ran}"
    return ran


def fails(*flags, env, code=7, says):
    ran = keyward("login", keyward.url.replace("/mcp", "/other"), "--name", "other", *flags, "-vv", env=env).must(code)
    for part in says:
        assert part in ran.err, f"{ran}: `{part}` expected"
    assert "canary" not in ran.out + ran.err, f"{ran}: the proxy's password is shown"
    return ran


def a_proxy_with_credentials_carries_a_call():
    """R27: a call goes through a proxy that wants credentials, with each spelling of each variable."""
    for variable in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        before = proxy.asked()
        works("--ca-file", str(root.file), env={variable: with_credentials})
        eventually(lambda: proxy.asked() > before, f"the proxy's line for {variable}")


def the_file_may_stand_in_the_configuration():
    """The authority may be named by the configuration or by SSL_CERT_FILE."""
    config(f"https://service.test:{port}/mcp", f'[network]\nca_file = "{root.file}"\n')
    works(env={"HTTPS_PROXY": with_credentials})
    config(f"https://service.test:{port}/mcp")
    works(env={"HTTPS_PROXY": with_credentials, "SSL_CERT_FILE": str(root.file)})


def without_or_with_wrong_credentials_the_proxy_is_named():
    """R27: a proxy that gets no or wrong credentials is named as the cause, and no password is shown."""
    for url in (f"http://127.0.0.1:{proxy.port}", f"http://ada:wrong-canary@127.0.0.1:{proxy.port}"):
        fails("--ca-file", str(root.file), env={"HTTPS_PROXY": url}, says=[f"the proxy `127.0.0.1:{proxy.port}` wants credentials"])


def what_no_proxy_names_goes_straight():
    """R27: a host that NO_PROXY names, by name, suffix or port, is not asked of the proxy."""
    for excepted in ("service.test", ".test", "test", f"service.test:{port}", "*"):
        before = proxy.asked()
        env = {"HTTPS_PROXY": with_credentials, "NO_PROXY": excepted}
        fails("--ca-file", str(root.file), env=env, says=["the host name `service.test", "was not found"])
        same(proxy.asked(), before, f"lines of the proxy with NO_PROXY={excepted}")
    works("--ca-file", str(root.file), env={"HTTPS_PROXY": with_credentials, "NO_PROXY": f"service.test:{port + 1},other.test,10.0.0.0/8"})


def loopback_is_never_proxied():
    """R27: a loopback address is not asked of the proxy, and its certificate is judged all the same."""
    config(f"https://127.0.0.1:{port}/mcp")
    try:
        dead = {"ALL_PROXY": "http://127.0.0.1:9"}
        works("--ca-file", str(root.file), env=dead)
        fails(env=dead, says=["issued by `Ring Root`", "--ca-file FILE"])
    finally:
        config(f"https://service.test:{port}/mcp")


def a_middlebox_is_named_by_its_certificate():
    """R27: a middlebox that presents its own certificate is named, with the way out."""
    env = {"HTTPS_PROXY": through_middlebox}
    fails(env=env, says=["no trusted connection to `service.test", "issued by `Middlebox CA`", "hint:", "--ca-file FILE"])
    fails("--ca-file", str(root.file), env=env, says=["issued by `Middlebox CA`"])


def with_its_authority_the_middlebox_carries_calls():
    """R27: with its authority added, calls and the stdio server go through the middlebox."""
    env = {"HTTPS_PROXY": through_middlebox}
    works("--ca-file", str(middlebox_root.file), env=env)
    config(f"https://service.test:{port}/mcp", f'[network]\nca_file = "{middlebox_root.file}"\n')
    serve = keyward.start("serve", env=env, stdin=subprocess.PIPE)
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "ring", "version": "1"}}
    call = {"name": "box_add", "arguments": {"a": 2, "b": 3}}
    answers = talk(serve, [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call},
    ])
    ring.stop(serve)
    config(f"https://service.test:{port}/mcp")
    assert "the sum is 5" in str(answers[2]), answers[2]


def doctor_says_the_same():
    """keyward doctor finds the middlebox, the credentials and the file that is missing."""
    def service_of(ran):
        return next(check for check in ran.json()["checks"] if check["name"] == "service" and check["about"] == "box")

    doctor = ("doctor", "box", "--json")
    found = service_of(keyward(*doctor, env={"HTTPS_PROXY": through_middlebox}))
    assert found["verdict"] == "fail" and "`Middlebox CA`" in found["detail"] and "--ca-file" in found["hint"], found
    found = service_of(keyward(*doctor, env={"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"}))
    assert found["verdict"] == "fail" and "wants credentials" in found["detail"], found
    ran = keyward(*doctor, "--ca-file", str(middlebox_root.file), env={"HTTPS_PROXY": through_middlebox})
    found = service_of(ran)
    assert found["verdict"] == "ok" and f"through the proxy `127.0.0.1:{middlebox.port}`" in found["detail"], found
    ran = keyward(*doctor, "--ca-file", str(scratch / "missing.pem"), env={"HTTPS_PROXY": with_credentials})
    assert "missing.pem" in ran.out and "canary" not in ran.out + ran.err, f"{ran}"


def s_server(certificate, *flags):
    """OpenSSL's own server with this certificate; returns its port."""
    at = free_port()
    ring.background(f"s_server-{at}", "openssl", "s_server", "-accept", f"127.0.0.1:{at}", "-www", "-cert", certificate.file, "-key", certificate.key_file, *flags)
    eventually(lambda: listens(at), "OpenSSL's first answer")
    return at


def each_fault_of_a_certificate_has_its_own_words():
    """S49: a wrong host, an expired, a self-signed and an unknown certificate and TLS 1.1 of OpenSSL are told apart."""
    old = Certificate("old", root, hosts, life=(-3 * LIFE, -LIFE))
    other = Certificate("other", root, ("other.test",))
    own = Certificate("own", hosts=hosts, authority=True)
    stranger = Certificate("stranger", middlebox_root, hosts)
    tls11 = ("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    for certificate, flags, part in (
        (other, (), "its certificate is for `other.test`"),
        (old, (), "its certificate has expired, 2 days ago"),
        (own, (), "its certificate is self-signed by `own`"),
        (stranger, (), "its certificate was issued by `Middlebox CA`"),
        (service, tls11, "it speaks no TLS that is safe"),
    ):
        config(f"https://127.0.0.1:{s_server(certificate, *flags)}/mcp")
        fails("--ca-file", str(root.file), env={}, says=[part])
    config(f"https://service.test:{port}/mcp")


if __name__ == "__main__":
    sys.exit(
        ring.run(
            [
                a_proxy_with_credentials_carries_a_call,
                the_file_may_stand_in_the_configuration,
                without_or_with_wrong_credentials_the_proxy_is_named,
                what_no_proxy_names_goes_straight,
                loopback_is_never_proxied,
                a_middlebox_is_named_by_its_certificate,
                with_its_authority_the_middlebox_carries_calls,
                doctor_says_the_same,
                each_fault_of_a_certificate_has_its_own_words,
            ],
            keep=[scratch / "server.log", scratch / "proxy.log", scratch / "middlebox.log", proxy.log, middlebox.log],
        )
    )
