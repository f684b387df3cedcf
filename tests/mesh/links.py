#!/usr/bin/env python3
"""Bad lines between nodes: links.py SEED NODES -- each connection from node A to 10.10.0.B, port 7411, is passed on to 10.9.0.B, late, slowly,
with pauses like those of lost packets, and cut or stalled at random. Orders come as JSON lines; each is answered by one, with figures."""
import asyncio
import json
import random
import signal
import socket
import sys

PORT = 7411
HELD_BYTES = 256 << 10  # on the way in one direction; more waits at the sender
LOSS = 0.01  # of the pieces come late by what a retransmission takes
RETRANSMISSION_S = 0.2
HANG_S = 30  # a connection that does not come about


class Line:
    """One TCP connection between two nodes: two sockets, two directions."""

    def __init__(self, links, a, b, streams):
        self.links, self.ends, self.streams = links, (a, b), streams
        self.stalled_until = 0.0
        self.over = asyncio.Event()

    def cut(self):
        for _, writer in self.streams:
            writer.transport.abort()
        self.over.set()

    async def run(self):
        (near, far), (a, b) = self.streams, self.ends
        both = asyncio.gather(self.direction(near[0], far[1], a, b), self.direction(far[0], near[1], b, a), return_exceptions=True)
        ended = asyncio.create_task(self.over.wait())
        await asyncio.wait([both, ended], return_when=asyncio.FIRST_COMPLETED)
        both.cancel()
        ended.cancel()
        await asyncio.wait([both, ended])
        if both.done() and not both.cancelled():
            both.result()
        self.cut()

    async def direction(self, reader, writer, a, b):
        way, room = asyncio.Queue(), Room(HELD_BYTES)
        sender = asyncio.create_task(self.send(way, room, writer, a, b))
        latency, jitter, rate = self.links.quality(a, b)
        chance, loop, due = self.links.chance, asyncio.get_running_loop(), 0.0
        try:
            while True:
                try:
                    data = await reader.read(16384)
                except OSError:
                    data = b""
                late = latency + chance.uniform(0, jitter) + (RETRANSMISSION_S if chance.random() < LOSS else 0)
                due = max(due, loop.time() + late) + len(data) / rate
                await room.take(len(data))
                way.put_nowait((due, data))
                if not data:
                    break
            await sender
        finally:
            sender.cancel()

    async def send(self, way, room, writer, a, b):
        loop = asyncio.get_running_loop()
        while True:
            due, data = await way.get()
            while (wait := max(due, self.stalled_until) - loop.time()) > 0:
                await asyncio.sleep(wait)
            while (a, b) in self.links.blocked:
                await self.links.changed.wait()
            try:
                if not data:
                    writer.write_eof()
                    return
                writer.write(data)
                await writer.drain()
            except (OSError, RuntimeError):
                self.over.set()
                return
            room.give(len(data))
            self.links.bytes_out[a] += len(data)
            self.links.bytes_in[b] += len(data)


class Room:
    def __init__(self, n):
        self.left, self.more = n, asyncio.Event()

    async def take(self, n):
        while self.left <= 0:
            self.more.clear()
            await self.more.wait()
        self.left -= n

    def give(self, n):
        self.left += n
        self.more.set()


class Links:
    def __init__(self, seed, nodes):
        self.seed, self.nodes = seed, nodes
        self.chance = random.Random("links %s" % seed)
        self.blocked, self.hang, self.cut_mean_s = set(), False, 0
        self.changed = asyncio.Event()
        self.lines = set()
        self.bytes_in, self.bytes_out = [0] * nodes, [0] * nodes
        self.opened = self.cuts = self.stalls = self.refused = 0

    def quality(self, a, b):
        """Of one pair, the same both ways: delay and jitter in seconds, bytes in a second."""
        r = random.Random("pair %s %d %d" % (self.seed, min(a, b), max(a, b)))
        return r.uniform(0.010, 0.050), r.uniform(0, 0.015), r.choice((200e3, 1e6, 4e6, 20e6))

    async def accept(self, reader, writer):
        a = int(writer.get_extra_info("peername")[0].rsplit(".", 1)[1]) - 1
        b = int(writer.get_extra_info("sockname")[0].rsplit(".", 1)[1]) - 1
        try:
            if (a, b) in self.blocked or (b, a) in self.blocked:
                self.refused += 1
                if self.hang:
                    await asyncio.sleep(HANG_S)
                return
            await asyncio.sleep(self.quality(a, b)[0] * 2)
            there = await asyncio.open_connection("10.9.0.%d" % (b + 1), PORT)
            for w in (writer, there[1]):
                w.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line = Line(self, a, b, ((reader, writer), there))
            if (a, b) in self.blocked or (b, a) in self.blocked:
                line.cut()
                return
            self.lines.add(line)
            self.opened += 1
            try:
                await line.run()
            finally:
                self.lines.discard(line)
        except OSError:
            pass
        finally:
            writer.transport.abort()

    async def trouble(self):
        """Now and then a line is cut, or stands still for a while."""
        while True:
            await asyncio.sleep(self.chance.expovariate(1 / self.cut_mean_s) if self.cut_mean_s else 0.2)
            if not self.cut_mean_s or not self.lines:
                continue
            line = self.chance.choice(sorted(self.lines, key=lambda x: x.ends))
            if self.chance.random() < 0.5:
                line.cut()
                self.cuts += 1
            else:
                line.stalled_until = asyncio.get_running_loop().time() + self.chance.uniform(0.5, 5)
                self.stalls += 1

    def order(self, o):
        if o["op"] == "block":  # [from, to] pairs; hang: lines stand still, else they are cut
            self.blocked, self.hang = {tuple(p) for p in o["pairs"]}, o["hang"]
            for line in list(self.lines):
                if not self.hang and (line.ends in self.blocked or line.ends[::-1] in self.blocked):
                    line.cut()
        elif o["op"] == "heal":
            self.blocked = set()
        elif o["op"] == "trouble":
            self.cut_mean_s = o["mean_s"]
        self.changed.set()
        self.changed = asyncio.Event()
        return {"in": self.bytes_in, "out": self.bytes_out, "opened": self.opened, "cuts": self.cuts, "stalls": self.stalls,
                "refused": self.refused, "lines": [sum(i in x.ends for x in self.lines) for i in range(self.nodes)]}


async def main():
    links = Links(sys.argv[1], int(sys.argv[2]))
    loop = asyncio.get_running_loop()
    server = await asyncio.start_server(links.accept, "0.0.0.0", PORT, backlog=512)
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    trouble = loop.create_task(links.trouble())
    print(json.dumps({"ready": True}), flush=True)
    while line := await orders.readline():
        print(json.dumps(links.order(json.loads(line))), flush=True)
    trouble.cancel()
    server.close()
    for line in list(links.lines):
        line.cut()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(main())
