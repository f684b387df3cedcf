#!/usr/bin/env python3
"""A stranger on the local network: beacons.py hear SECONDS -- prints each beacon that comes, in hexadecimal, and its sender's
address; beacons.py say HEX N PER_SECOND -- sends that datagram N times; beacons.py noise N PER_SECOND -- what is none, or by chance."""
import random
import select
import socket
import struct
import sys
import time

GROUP, GROUP6, PORT = "239.255.74.11", "ff02::7411", 7411


def hear(seconds):
    v4 = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    v4.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    v4.bind((GROUP, PORT))
    v4.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                  struct.pack("4s4si", socket.inet_aton(GROUP), bytes(4), socket.if_nametoindex("lan0")))
    v6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    v6.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    v6.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    v6.bind(("::", PORT))
    v6.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                  socket.inet_pton(socket.AF_INET6, GROUP6) + struct.pack("i", socket.if_nametoindex("lan0")))
    print("ready", flush=True)
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        for s in select.select([v4, v6], [], [], left)[0]:
            data, sender = s.recvfrom(2048)
            print(data.hex(), sender[0], flush=True)


def say(datagrams, per_second):
    v4 = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    v4.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                  struct.pack("4s4si", bytes(4), bytes(4), socket.if_nametoindex("lan0")))
    v6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    for i, data in enumerate(datagrams):
        try:
            v4.sendto(data, (GROUP, PORT))
            v6.sendto(data, (GROUP6, PORT, 0, socket.if_nametoindex("lan0")))
        except OSError:
            pass  # the queue is full: that is what a flood is
        if i % max(1, per_second // 100) == 0:
            time.sleep(max(0.01, 1 / per_second))


def noise(n):
    chance = random.Random(7411)
    for i in range(n):
        kind = i % 4
        size = 39 if kind < 2 else chance.randrange(0, 1400)
        data = chance.randbytes(size)
        yield b"QUIR\x01" + data[5:] if kind in (1, 2) else data


if sys.argv[1] == "hear":
    hear(float(sys.argv[2]))
elif sys.argv[1] == "say":
    say([bytes.fromhex(sys.argv[2])] * int(sys.argv[3]), int(sys.argv[4]))
else:
    say(noise(int(sys.argv[2])), int(sys.argv[3]))
