"""hostile_peer.py MODE HOST:PORT ... -- one hostile peer, in a process of its own, until it is ended. Prints `ready`, and at the end what it did.

    drip HOST:PORT SOCKETS           so many sockets from many addresses, each one byte a second; each that is closed is opened again
    flood HOST:PORT PER_SECOND       beginnings of handshakes from many addresses that no key stands behind
    greedy HOST:PORT NODE NETWORK SECRET LOG MODE   a member that sends as fast as it can what is allowed: pings, probes of a log, or requests for all of it
    slow HOST:PORT NODE NETWORK SECRET LOG MODE   a member that asks for as much as it may and reads nothing, or (drip) a byte now and then
"""
import asyncio
import errno
import os
import selectors
import signal
import socket
import sys
import time

from quirepy import channel, messages, mp

ended = False
did = {}


def end(*_):
    global ended
    ended = True


def source(i):
    """One of many addresses of the loopback, in several networks; none of them is 127.0.0.*."""
    return f"127.{1 + i % 3}.{1 + i // 250 % 20}.{1 + i % 250}"


def opened(i, address):
    """A socket that is being connected; None: the system has none to give now."""
    s = socket.socket()
    s.setblocking(False)
    s.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
    try:
        s.bind((source(i), 0))
        status = s.connect_ex(address)
    except OSError:
        status = -1
    if status in (0, errno.EINPROGRESS):
        return s
    s.close()
    return None


def drip(address, count):
    sockets, sent, again = {}, 0, 0
    ready = False
    while not ended:
        due = time.monotonic() + 1
        for i in range(count):
            if i not in sockets:
                again += ready
                sockets[i] = opened(i, address)
                if sockets[i] is None:
                    del sockets[i]
                    continue
            try:
                sent += sockets[i].send(b"\0" if not ready else b"\x30")
            except BlockingIOError:
                pass
            except OSError:
                sockets.pop(i).close()
            if i % 50 == 49:
                time.sleep(0.002)
        if not ready:
            ready = True
            print("ready", flush=True)
        while not ended and time.monotonic() < due:
            time.sleep(0.02)
    did.update(sockets=len(sockets), bytes=sent, opened_again=again)


def flood(address, per_second):
    poll, begun, late = selectors.DefaultSelector(), 0, []
    start = time.monotonic()
    print("ready", flush=True)
    while not ended:
        allowed = (time.monotonic() - start) * per_second - begun
        for _ in range(int(min(allowed, 64, 512 - len(poll.get_map())))):
            s = opened(begun, address)
            if s:
                begun += 1
                poll.register(s, selectors.EVENT_WRITE)
        for key, _ in poll.select(0.001):
            poll.unregister(key.fileobj)
            try:
                key.fileobj.send(b"\0\x30" + os.urandom(48))
            except OSError:
                pass
            late.append(key.fileobj)
        while len(late) > 256:
            late.pop(0).close()
    did.update(begun=begun, a_second=round(begun / (time.monotonic() - start)))


def pings():
    one = bytes([messages.BY_NAME["ping"].number]) + b"\0\0\2" + mp.encode([1])
    return one * (65000 // len(one)), 65000 // len(one)


def requests(name, n, **fields):
    out = b""
    for req in range(1, n + 1):
        number, body = messages.encode(name, req=req, **fields)
        out += bytes([number]) + len(body).to_bytes(3, "big") + body
    return out, n


def asked(mode, log):
    return requests("want-run", 20, log=log, first=0, end=128) if mode == "runs" else requests("probe", 100, log=log, seqs=list(range(64)))


async def slow(address, node, network, secret, log, mode):
    """Asks for as many bodies as may be asked for at once, and reads nothing, or a byte a tenth of a second."""
    host, port = channel.split_address(address)
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.setblocking(False)
    await asyncio.get_running_loop().sock_connect(s, (host, port))
    reader, writer = await asyncio.open_connection(sock=s, limit=1)
    ch = await channel.shake(reader, writer, True, bytes.fromhex(secret), bytes.fromhex(network), bytes.fromhex(node))
    ch.send("hello", version=1, instance=os.urandom(16), number=0, cursor_instance=bytes(16), cursor=0, follows=bytes(32), name="slow", addresses=[])
    await ch.flush()
    await ch.receive()
    print("ready", flush=True)
    writer.transport.pause_reading()
    plain, n = requests("want-bodies", 120, log=bytes.fromhex(log), seqs=list(range(1, 64)))
    writer.write(ch.frame(plain))
    while not ended:
        await asyncio.sleep(0.1)
        try:
            if mode == "drip":
                s.recv(1)
        except BlockingIOError:
            pass
        except OSError as e:
            did["closed"] = str(e)
            break
    did.update(asked=n)


async def greedy(address, node, network, secret, log, mode):
    ch = await channel.dial(address, bytes.fromhex(secret), bytes.fromhex(network), bytes.fromhex(node))
    ch.send("hello", version=1, instance=os.urandom(16), number=0, cursor_instance=bytes(16), cursor=0, follows=bytes(32), name="greedy", addresses=[])
    await ch.flush()
    await ch.receive()
    plain, n = pings() if mode == "pings" else asked(mode, bytes.fromhex(log))
    sent, answered = 0, 0
    start = time.monotonic()
    print("ready", flush=True)

    async def drop():
        while await ch.reader.read(1 << 20):
            pass

    async def done():
        """Takes messages until all of one round are answered."""
        left = n
        while left:
            number, _ = await ch.receive()
            left -= number == messages.BY_NAME["done"].number

    reader = asyncio.ensure_future(drop()) if mode == "pings" else None
    while not ended:
        for i in range(0, len(plain), 65000):
            ch.writer.write(ch.frame(plain[i : i + 65000]))
        try:
            await asyncio.wait_for(ch.writer.drain(), 1)
            sent += n
            if mode != "pings":
                await asyncio.wait_for(done(), 5)
                answered += n
        except asyncio.TimeoutError:
            pass
        except (OSError, channel.Cut) as e:
            did["closed"] = str(e)
            break
    if reader:
        reader.cancel()
    ch.close()
    did.update(sent_a_second=round(sent / (time.monotonic() - start)), answered=answered)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, end)
    mode, address, *rest = sys.argv[1:]
    if mode == "drip":
        drip(channel.split_address(address), int(rest[0]))
    elif mode == "flood":
        flood(channel.split_address(address), int(rest[0]))
    else:
        asyncio.run((slow if mode == "slow" else greedy)(address, *rest))
    print(did, flush=True)
