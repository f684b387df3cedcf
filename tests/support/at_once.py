#!/usr/bin/env python3
"""One request several times at the same moment: at_once.py SOCKET IDENTITY N PATH JSON -- posts it N times, each on a connection of its own that has all but
the last byte before any has that; prints for each answer a line, its status and its body."""
import socket
import sys


def ask(path, identity, where, body):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    s.connect(path)
    s.sendall((f"POST {where} HTTP/1.1\r\nHost: localhost\r\nQuire-As: {identity}\r\nContent-Type: application/json\r\n"
               f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n").encode() + body[:-1])
    return s


def answer(s):
    said = b""
    while more := s.recv(65536):
        said += more
    head, _, body = said.partition(b"\r\n\r\n")
    return head.split()[1].decode(), " ".join(body.decode().split())


def main():
    path, identity, n, where, body = sys.argv[1:6]
    asking = [ask(path, identity, where, body.encode()) for _ in range(int(n))]
    for s in asking:
        s.sendall(body[-1].encode())
    for s in asking:
        print(*answer(s))


main()
