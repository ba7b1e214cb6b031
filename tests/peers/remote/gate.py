"""A gate before a server: passes everything on, notes it, and breaks what it is told to break.

The gate has the address that clients know, so that the server behind it can be ended and started again elsewhere.
"""

import socket
import threading
import time
import urllib.parse


class Gate:
    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/mcp"
        self.target = None
        # `open`, `refuse` (ends connections at once), `slow` (nothing comes back), or an address to send everybody to.
        self.mode, self.status = "open", 307
        self.pairs, self.lock, self.seen, self.turned = set(), threading.Lock(), bytearray(), 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            if self.mode == "refuse":
                return client.close()
            if self.mode.startswith("http"):
                return self.redirect(client)
            server = socket.create_connection(("127.0.0.1", self.target), timeout=10)
            server.settimeout(None)
        except OSError:
            return client.close()
        pair = (client, server)
        with self.lock:
            self.pairs.add(pair)
        back = threading.Thread(target=self.pump, args=(pair, server, client, False), daemon=True)
        back.start()
        self.pump(pair, client, server, True)
        back.join()
        with self.lock:
            self.pairs.discard(pair)
        client.close()
        server.close()

    def pump(self, pair, source, sink, upward):
        try:
            while piece := source.recv(1 << 16):
                while self.mode == "slow":
                    time.sleep(0.02)
                if upward and len(self.seen) < 1 << 24:
                    self.seen += piece
                sink.sendall(piece)
        except OSError:
            pass
        for end in pair:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def redirect(self, client):
        """Answers one request by sending whoever asks somewhere else."""
        request = b""
        client.settimeout(5)
        while b"\r\n\r\n" not in request and (piece := client.recv(1 << 16)):
            request += piece
        self.turned += 1
        self.seen += request
        path = request.split(b" ")[1].decode() if request.count(b" ") > 1 else "/"
        place = urllib.parse.urljoin(self.mode, path)
        client.sendall(f"HTTP/1.1 {self.status} Elsewhere\r\nLocation: {place}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        client.close()

    def cut(self):
        """Breaks every connection that is open."""
        with self.lock:
            pairs = list(self.pairs)
        for pair in pairs:
            for end in pair:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        return len(pairs)


class Stranger:
    """A listener that answers 404 and keeps every byte that it was sent."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        self.seen = bytearray()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        client.settimeout(2)
        try:
            while piece := client.recv(1 << 16):
                self.seen += piece
                if b"\r\n\r\n" in piece:
                    client.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        except OSError:
            pass
        client.close()
