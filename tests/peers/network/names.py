"""What the proxy of the ring knows of names: those that end in `.test` are on this machine, all others do not exist."""

from proxy.http.proxy import HttpProxyBasePlugin


class Names(HttpProxyBasePlugin):
    """A name service of its own, because there is no other here."""

    def resolve_dns(self, host, port):
        return ("127.0.0.1" if host.endswith(".test") else None), None
