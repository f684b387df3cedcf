"""Connections: handshake, frames, rekeying, and the stream of messages (SPEC 7), over asyncio."""
import asyncio
import os
from collections import deque

from . import messages
from .noise import Handshake, NoiseError

FRAME_MAX = 65535
REKEY_EVERY = 1024
HANDSHAKE_SECONDS = 10


class Cut(Exception):
    """The connection ended, or sent something that is no frame."""


def prologue(network):
    return b"quire/1\0" + network


class Channel:
    """An encrypted connection after its handshake. peer is the other node's key."""

    def __init__(self, reader, writer, handshake):
        self.reader, self.writer, self.peer = reader, writer, handshake.rs
        self.sender, self.receiver = handshake.split()
        self.stream = b""
        self.fast, self.slow = deque(), deque()
        self.wake, self.idle = asyncio.Event(), asyncio.Event()
        self.pump = asyncio.ensure_future(self._pump())

    def _next(self, cipher):
        if cipher.nonce and cipher.nonce % REKEY_EVERY == 0:
            cipher.rekey()
        return cipher

    def frame(self, plain):
        """The bytes of one frame."""
        sealed = self._next(self.sender).encrypt(b"", plain)
        return len(sealed).to_bytes(2, "big") + sealed

    def send(self, message, /, slow=None, **fields):
        number, body = messages.encode(message, **fields)
        self.send_raw(number, body, message in messages.SLOW if slow is None else slow)

    def send_raw(self, number, body, slow=False):
        (self.slow if slow else self.fast).append(bytes([number]) + len(body).to_bytes(3, "big") + body)
        self.idle.clear()
        self.wake.set()

    async def _pump(self):
        try:
            while True:
                while self.fast or self.slow:
                    message = (self.fast or self.slow).popleft()
                    for i in range(0, len(message), FRAME_MAX - 16):
                        self.writer.write(self.frame(message[i : i + FRAME_MAX - 16]))
                    await self.writer.drain()
                self.wake.clear()
                self.idle.set()
                await self.wake.wait()
        except OSError:
            self.idle.set()

    async def flush(self):
        await self.idle.wait()

    async def _more(self):
        try:
            head = await self.reader.readexactly(2)
            size = int.from_bytes(head, "big")
            if size < 17:
                raise Cut("frame too short")
            sealed = await self.reader.readexactly(size)
            self.stream += self._next(self.receiver).decrypt(b"", sealed)
        except (asyncio.IncompleteReadError, OSError, NoiseError) as e:
            raise Cut(f"{type(e).__name__}") from None

    async def receive(self):
        """(type, body) of the next message; Cut at the end."""
        while len(self.stream) < 4:
            await self._more()
        size = int.from_bytes(self.stream[1:4], "big")
        if size > messages.BODY_MAX:
            raise Cut("message too long")
        while len(self.stream) < 4 + size:
            await self._more()
        number, body = self.stream[0], self.stream[4 : 4 + size]
        self.stream = self.stream[4 + size :]
        return number, body

    def close(self):
        self.pump.cancel()
        self.idle.set()
        self.writer.close()


async def _read(reader, size):
    """A handshake message of just that size."""
    head = await reader.readexactly(2)
    if int.from_bytes(head, "big") != size:
        raise Cut("handshake length")
    return await reader.readexactly(size)


async def _write(writer, message):
    writer.write(len(message).to_bytes(2, "big") + message)
    await writer.drain()


async def _shake(reader, writer, h):
    for step, size in enumerate((48, 48, 64)):
        if (step % 2 == 0) == h.initiator:
            await _write(writer, h.write())
        elif h.read(await _read(reader, size)):
            raise Cut("handshake payload")


async def shake(reader, writer, initiator, node_secret, network, peer=None, ephemeral=None):
    """The handshake; gives a Channel or raises Cut."""
    h = Handshake(initiator, prologue(network), node_secret, ephemeral or os.urandom(32), peer)
    try:
        await asyncio.wait_for(_shake(reader, writer, h), HANDSHAKE_SECONDS)
    except (asyncio.IncompleteReadError, asyncio.TimeoutError, OSError, ValueError) as e:
        writer.close()
        raise Cut(f"{type(e).__name__}: {e}") from None
    except Cut:
        writer.close()
        raise
    return Channel(reader, writer, h)


def split_address(address):
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


async def dial(address, node_secret, network, peer):
    host, port = split_address(address)
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port), HANDSHAKE_SECONDS)
    except (OSError, asyncio.TimeoutError) as e:
        raise Cut(str(e)) from None
    return await shake(reader, writer, True, node_secret, network, peer)
