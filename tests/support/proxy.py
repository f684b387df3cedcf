#!/usr/bin/env python3
"""A proxy for tests: proxy.py socks|http HOST:PORT USER:PASSWORD LOG NAME=HOST... -- SOCKS 5 with user name and password, or
HTTP CONNECT with Basic authentication. It knows the names that it is given; each request is a line in LOG."""
import base64
import socket
import sys
import threading

KIND, LISTEN, WORDS, LOG = sys.argv[1:5]
NAMES = dict(a.split("=") for a in sys.argv[5:])


def exactly(s, n):
    data = b""
    while len(data) < n:
        more = s.recv(n - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def log(line):
    with open(LOG, "a") as f:
        f.write(line + "\n")


def socks(s):
    _, n = exactly(s, 2)
    if 2 not in exactly(s, n):
        s.sendall(b"\x05\xff")
        log("none")
        return None
    s.sendall(b"\x05\x02")
    user = exactly(s, exactly(s, 2)[1])
    password = exactly(s, exactly(s, 1)[0])
    if (user + b":" + password).decode() != WORDS:
        s.sendall(b"\x01\x01")
        log("wrong")
        return None
    s.sendall(b"\x01\x00")
    kind = exactly(s, 4)[3]
    if kind == 3:
        host = exactly(s, exactly(s, 1)[0]).decode()
    else:
        host = socket.inet_ntop(socket.AF_INET if kind == 1 else socket.AF_INET6, exactly(s, 4 if kind == 1 else 16))
    port = int.from_bytes(exactly(s, 2), "big")
    log("%s:%d" % (host, port))
    try:
        there = socket.create_connection((NAMES.get(host, host), port), 5)
    except OSError:
        s.sendall(b"\x05\x05\x00\x01" + bytes(6))
        return None
    s.sendall(b"\x05\x00\x00\x01" + bytes(6))
    return there


def http(s):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += exactly(s, 1)
    lines = head.decode().split("\r\n")
    given = [x[27:] for x in lines if x.startswith("Proxy-Authorization: Basic ")]
    if given != [base64.b64encode(WORDS.encode()).decode()]:
        s.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n")
        log("wrong" if given else "none")
        return None
    host, port = lines[0].split(" ")[1].rsplit(":", 1)
    log("%s:%s" % (host, port))
    try:
        there = socket.create_connection((NAMES.get(host, host.strip("[]")), int(port)), 5)
    except OSError:
        s.sendall(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
        return None
    s.sendall(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n")
    return there


def pass_on(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
        b.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(s):
    with s:
        try:
            there = socks(s) if KIND == "socks" else http(s)
        except (EOFError, OSError):
            return
        if not there:
            return
        with there:
            there.settimeout(None)
            back = threading.Thread(target=pass_on, args=(there, s))
            back.start()
            pass_on(s, there)
            back.join()


host, port = LISTEN.rsplit(":", 1)
listener = socket.create_server((host, int(port)))
print("ready", flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
