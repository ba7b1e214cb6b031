"""The sandbox on a loopback of its own, and a relay in front of it that writes down every byte.

    relay.py FOLDER LISTENER PORT PROGRAM

Run in a new network namespace. LISTENER is a socket of the old one, inherited, which listens at the same port that the
sandbox gets here: for whoever asks, the relay is the sandbox. Each request and each answer becomes a file in FOLDER.

A file `echo` in FOLDER holds a status, a path, a word and an answer: requests for this path with this word in their body
are answered here. `"SAID"` in the answer becomes what was sent, as some servers repeat it, and `"ID"` the request's id.
"""

import fcntl
import json
import socket
import struct
import subprocess
import sys
import threading
from itertools import count
from pathlib import Path

folder, port = Path(sys.argv[1]), int(sys.argv[3])
outside = socket.socket(fileno=int(sys.argv[2]))
numbers = count()
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def loopback_up():
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def note(kind, data):
    (folder / f"{next(numbers):06}.{kind}").write_bytes(data)


def receive(connection):
    """One HTTP message whose length its header tells; empty at the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return data
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")[1:]
    lengths = [int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:")]
    while len(body) < (lengths or [0])[0]:
        piece = connection.recv(65536)
        if not piece:
            break
        body += piece
    return head + b"\r\n\r\n" + body


def echoed(request):
    """The answer that repeats what was sent; None if the request is to go on."""
    try:
        status, path, word, answer = (folder / "echo").read_text().split(" ", 3)
    except FileNotFoundError:
        return None
    head, _, body = request.partition(b"\r\n\r\n")
    if head.split(b" ")[1].decode().partition("?")[0] != path or word.encode() not in body:
        return None
    headers = [line.decode() for line in head.split(b"\r\n") if line.lower().startswith((b"authorization:", b"dpop:"))]
    said = body.decode(errors="replace") + " " + " ".join(headers)
    answer = answer.replace('"SAID"', json.dumps(said))
    if '"ID"' in answer:
        answer = answer.replace('"ID"', json.dumps(json.loads(body).get("id")))
    answer = answer.encode()
    challenge = f'Bearer error="invalid_token", error_description="{" ".join(headers)}"' if headers else "Bearer"
    top = f"HTTP/1.1 {status} Echo\r\nContent-Type: application/json\r\nWWW-Authenticate: {challenge}\r\n"
    return f"{top}Content-Length: {len(answer)}\r\nConnection: close\r\n\r\n".encode() + answer


def answers(inside, client):
    """Hands on what the sandbox says, and writes it down as one piece when it is over."""
    said = b""
    try:
        while piece := inside.recv(65536):
            said += piece
            client.sendall(piece)
    except OSError:
        pass
    note("answer", said)
    for side in (client, inside):
        try:
            side.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(client):
    inside = None
    try:
        while request := receive(client):
            note("request", request)
            if answer := echoed(request):
                client.sendall(answer)
                break
            if inside is None:
                inside = socket.create_connection(("127.0.0.1", port))
                threading.Thread(target=answers, args=(inside, client), daemon=True).start()
            inside.sendall(request)
    except OSError:
        pass
    # What is still being said is handed on; the other thread ends it.
    if inside is not None:
        try:
            inside.shutdown(socket.SHUT_WR)
        except OSError:
            pass
    else:
        client.close()


def main():
    loopback_up()
    words = [sys.argv[4], "sandbox", "--port", str(port), "--json", "--device-interval", "1"]
    sandbox = subprocess.Popen(words, stdin=subprocess.DEVNULL)
    try:
        while sandbox.poll() is None:
            client, _ = outside.accept()
            threading.Thread(target=serve, args=(client,), daemon=True).start()
    finally:
        sandbox.terminate()
        sandbox.wait()


main()
