"""hostile.py -- a real daemon under attack, with real sockets, while members go on working: docs/threats.md.

Every limit of time is relative to what the same run took before the attack. Prints ok and not ok lines.
"""
import asyncio
import contextlib
import os
import pathlib
import random
import statistics
import sys
import time
import traceback

import attack
import daemon
from live import eventually
from pair import begin, opened, write
from quirepy import channel, invitation, messages, noise, prim
from quirepy.author import Author
from quirepy.node import Node

HERE = pathlib.Path(__file__).resolve().parent
ENTRIES = 128
VISITS = 30
FLOOD = int(os.environ.get("QUIRE_FLOOD", "2000"))  # a second; 10,000 leave a small machine no room for the members themselves


class Attack:
    """A hostile peer of hostile_peer.py, for as long as the block lasts. `did`: what it said at its end."""

    def __init__(self, *args):
        self.args = [str(a) for a in args]

    async def __aenter__(self):
        self.p = await asyncio.create_subprocess_exec(sys.executable, HERE / "hostile_peer.py", *self.args, stdout=asyncio.subprocess.PIPE)
        assert (await asyncio.wait_for(self.p.stdout.readline(), 60)).strip() == b"ready"
        return self

    async def __aexit__(self, *_):
        if self.p.returncode is None:
            self.p.terminate()
        self.did = eval((await asyncio.wait_for(self.p.stdout.read(), 30)).decode())  # noqa: S307 - our own dict
        await self.p.wait()


class World:
    """A daemon that holds a log; a member that is connected with it all the time, and one that comes and goes."""

    async def start(self):
        self.d = daemon.QuireDaemon()
        await self.d.start()
        self.member, self.session = await self._member("member")
        self.me = Author()
        begin(self.me, self.member)
        await self.d.follow(self.me.id)
        for n in range(ENTRIES - 1):
            write(self.me, self.member, f"entry {n}")
        await eventually((self.d.length, self.me.log), ENTRIES, "the daemon has all entries")
        self.visitor = await self._target("visitor")

    async def _member(self, name):
        self.text = await self.d.invitation()
        self.invitation = invitation.read(self.text)
        node = Node(self.invitation.network, name)
        session = await node.redeem(self.text)
        await opened(session)
        return node, session

    async def _target(self, name):
        node, session = await self._member(name)
        await session.bye(messages.CLOSED)
        await node.stop()
        i = self.invitation
        return attack.Target(i.addresses[0], i.node_key, i.network, node.secret)

    async def stop(self):
        await self.member.stop()
        await self.d.stop()

    # ---- what members do

    async def visit(self):
        """A new connection, and the whole log over it. Seconds."""
        begun = time.monotonic()
        while True:
            try:
                ch = await self.visitor.connect("open")
                break
            except (channel.Cut, asyncio.TimeoutError):
                assert time.monotonic() < begun + 20, "no connection within 20 s"
                await asyncio.sleep(0.05)
        ch.send("want-run", req=1, log=self.me.log, first=0, end=ENTRIES)
        got = 0
        while got < ENTRIES:
            number, body = await asyncio.wait_for(ch.receive(), 20)
            kind, f = messages.decode(number, body)
            if kind.name == "run":
                got += len(f["headers"]) // 162
        ch.close()
        return time.monotonic() - begun

    async def visits(self, n=VISITS, pause=0.0):
        took = []
        for _ in range(n):
            took.append(await self.visit())
            await asyncio.sleep(pause)
        return sorted(took)

    async def work(self, seconds=2, a_second=25):
        """A connected member asks for the whole log so often. How many were answered by the end, and how long each took."""
        took, tasks = [], []

        async def one():
            begun = time.monotonic()
            await self.session.ask("want-run", log=self.me.log, first=0, end=ENTRIES)
            took.append(time.monotonic() - begun)

        begun = time.monotonic()
        for i in range(seconds * a_second):
            await asyncio.sleep(max(0, begun + i / a_second - time.monotonic()))
            tasks.append(asyncio.ensure_future(one()))
        await asyncio.sleep(max(0, begun + seconds - time.monotonic()))
        answered = len(took)
        await asyncio.wait_for(asyncio.gather(*tasks), 30)
        return answered, sorted(took)


def ms(seconds):
    return f"{seconds * 1000:.0f} ms"


def p99(times):
    return times[len(times) * 99 // 100 - 1]


async def dripping(w):
    """2,000 sockets that say nothing worth hearing: a member's visit takes at most twice as long."""
    before = await w.visits()
    async with Attack("drip", w.visitor.address, 2000) as a:
        during = await w.visits(pause=0.16)  # as long as they drip: places enough are taken and given on
        assert await asyncio.wait_for(w.session.ping(), 10)
    assert a.did["opened_again"] > 1000, a.did
    figures = f"mean {ms(statistics.mean(before))} before, {ms(statistics.mean(during))} during, longest {ms(during[-1])}; {a.did}"
    assert statistics.mean(during) < 2 * statistics.mean(before) + 0.05, figures
    return figures


async def flooded(w):
    """Beginnings of handshakes as fast as they can be made: 99 of 100 visits take less than a second."""
    before = await w.visits()
    async with Attack("flood", w.visitor.address, FLOOD) as a:
        during = await w.visits(100, 0.02)
        assert await asyncio.wait_for(w.session.ping(), 10)
    assert a.did["a_second"] > 300, a.did
    figures = f"99 of 100 within {ms(p99(during))}, longest {ms(during[-1])}, before within {ms(p99(before))}; {a.did}"
    assert p99(during) < max(1, 10 * p99(before)), figures
    return figures


async def greedy(w, mode):
    """A member that asks as fast as it can: another gets at least nine tenths of what it got before."""
    before, took = await w.work()
    t = await w._target("greedy")
    async with Attack("greedy", t.address, t.node_key.hex(), t.network.hex(), t.secret.hex(), w.me.log.hex(), mode) as a:
        during, took_then = await w.work()
    assert "closed" not in a.did and a.did["sent_a_second"] > 500, a.did
    figures = f"{before} answers before, {during} during; median {ms(statistics.median(took))}, {ms(statistics.median(took_then))}; {a.did}"
    assert during >= 0.9 * before, figures
    return figures


async def crowded(w, modes=("pings", "probes", "runs", "probes", "pings", "runs")):
    """Six members at once that ask as fast as they can: another gets at least eight tenths of what it got before, each within a second."""
    before, took = await w.work()
    async with contextlib.AsyncExitStack() as stack:
        attacks = []
        for mode in modes:
            t = await w._target(mode)
            attacks.append(await stack.enter_async_context(Attack("greedy", t.address, t.node_key.hex(), t.network.hex(), t.secret.hex(), w.me.log.hex(), mode)))
        during, took_then = await w.work()
    did = ", ".join(f"{a.did['sent_a_second']} {mode}" for mode, a in zip(modes, attacks))
    assert not any("closed" in a.did for a in attacks) and all(a.did["sent_a_second"] > 20 for a in attacks), [a.did for a in attacks]
    figures = f"{before} answers before, {during} during; median {ms(statistics.median(took))}, {ms(statistics.median(took_then))}, longest {ms(took_then[-1])}; a second: {did}"
    assert during >= 0.8 * before and took_then[-1] < 1, figures
    return figures


def memory(pid):
    """Bytes that the process holds."""
    with open(f"/proc/{pid}/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def unread(w, members=4):
    """Members that ask for far more than they read: each costs a queue of 1 MiB and what was being read for it."""
    long = Author()
    begin(long, w.member)
    await w.d.follow(long.id)
    for n in range(63):
        write(long, w.member, f"{n} " * 8000)
    await eventually((w.d.length, long.log), 64, "the daemon has the long entries")
    before, took = await w.work()
    held = memory(w.d.process.pid)
    async with contextlib.AsyncExitStack() as stack:
        attacks = []
        for i in range(members):
            t = await w._target(f"slow {i}")
            attacks.append(await stack.enter_async_context(Attack("slow", t.address, t.node_key.hex(), t.network.hex(), t.secret.hex(), long.log.hex(), "nothing" if i % 2 else "drip")))
        during, took_then = await w.work(4)
        more = memory(w.d.process.pid) - held
    figures = f"{before} answers before in 2 s, {during} during in 4 s; median {ms(statistics.median(took))}, {ms(statistics.median(took_then))}; {more / 2**20:.1f} MiB more; {attacks[0].did}"
    assert during >= 0.9 * 2 * before and more < members * 8 * 2**20, figures
    return figures


async def scanned(w):
    """Who does not have the key hears nothing, and cannot tell by the time whether another part was right."""
    t = w.visitor
    sized = lambda data: len(data).to_bytes(2, "big") + data
    first = lambda network, key: sized(noise.Handshake(True, channel.prologue(network), t.secret, os.urandom(32), key).write())
    kinds = {"random bytes": lambda: sized(os.urandom(48)), "the key, another network": lambda: first(bytes(32), t.node_key),
             "the network, another key": lambda: first(t.network, prim.x_public(os.urandom(32)))}
    took = {k: [] for k in kinds}
    for _ in range(30):
        for k, make in kinds.items():
            reader, writer = await asyncio.open_connection(*channel.split_address(t.address))
            writer.write(make())
            begun = time.monotonic()
            try:
                got = await asyncio.wait_for(reader.read(100), 5)
            except ConnectionError:
                got = b""
            took[k].append(time.monotonic() - begun)
            writer.close()
            assert got == b"", f"{k}: {got.hex()}"
        await asyncio.sleep(0.03)
    medians = {k: statistics.median(v) for k, v in took.items()}
    assert max(medians.values()) < 2 * min(medians.values()) + 0.002, medians
    return ", ".join(f"{k} {v * 1e6:.0f} µs" for k, v in medians.items())


class Tape:
    """A writer that keeps what is written."""

    def __init__(self, writer):
        self.writer, self.kept = writer, b""

    def write(self, data):
        self.kept += data
        self.writer.write(data)

    def __getattr__(self, name):
        return getattr(self.writer, name)


async def replayed(w):
    """All that a member said, sent again: answered with one handshake message, and nothing is different afterwards."""
    text = await w.d.invitation()
    i = invitation.read(text)
    secret = os.urandom(32)
    reader, writer = await asyncio.open_connection(*channel.split_address(i.addresses[0]))
    tape = Tape(writer)
    ch = await channel.shake(reader, tape, True, secret, i.network, i.node_key)
    ch.send("redeem", secret=i.secret, name="recorded")
    await ch.flush()
    assert messages.decode(*await asyncio.wait_for(ch.receive(), 10))[0].name == "welcome"
    ch.send("hello", version=1, instance=os.urandom(16), number=0, cursor_instance=bytes(16), cursor=0, follows=bytes(32), name="recorded", addresses=[])
    ch.send("want-keys", req=1, by=0, key=i.network)
    await ch.flush()
    assert messages.decode(*await asyncio.wait_for(ch.receive(), 10))[0].name == "hello"
    ch.close()

    async def state():
        return [sorted((p["node"], p["name"]) for p in (await w.d.quire("peer", "list"))["items"]), await w.d.quire("identity", "list"), await w.d.length(w.me.log)]

    before = await state()
    for cut in [len(tape.kept)] * 3 + [50, 51, 115, 116, 117, 150]:
        reader, writer = await asyncio.open_connection(*channel.split_address(i.addresses[0]))
        writer.write(tape.kept[:cut])
        if cut < len(tape.kept):
            writer.write_eof()
        try:
            got = await asyncio.wait_for(reader.read(), 10)
        except ConnectionError:
            got = b"\0" * 50  # what came before a reset is gone
        writer.close()
        assert len(got) in (0, 50), f"{len(got)} bytes to {cut}"
    assert await state() == before
    return f"{len(tape.kept)} bytes"


class Line:
    """Passes on so many bytes of each direction, then ends both connections at once."""

    def __init__(self, address, up, down):
        self.address, self.left = channel.split_address(address), [up, down]
        self.passed, self.writers = [0, 0], []

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return "127.0.0.1:%d" % self.server.sockets[0].getsockname()[1]

    async def __aexit__(self, *_):
        self._end()
        self.server.close()

    def _end(self):
        for writer in self.writers:
            writer.transport.abort()

    async def _connected(self, reader, writer):
        there, out = await asyncio.open_connection(*self.address)
        self.writers += [writer, out]
        await asyncio.gather(self._pass(reader, out, 0), self._pass(there, writer, 1))

    async def _pass(self, reader, writer, way):
        try:
            while data := await reader.read(4096):
                data = data[: self.left[way]]
                self.left[way] -= len(data)
                self.passed[way] += len(data)
                writer.write(data)
                await writer.drain()
                if self.left[way] == 0:
                    return self._end()
        except ConnectionError:
            pass
        self._end()


async def cut_off(w, cuts=32):
    """A line that ends after any number of bytes, of either direction: what came before is a sound beginning, and nothing is different afterwards."""
    seed = int(os.environ.get("QUIRE_SEED", time.time_ns() % 1000000))
    draw = random.Random(seed)
    length, address = await w.d.length(w.me.log), w.visitor.address

    async def all_of(line):
        got, ch = [], None
        async with line as w.visitor.address:
            try:
                ch = await asyncio.wait_for(w.visitor.connect("open"), 10)
                ch.send("want-run", req=1, log=w.me.log, first=0, end=ENTRIES)
                while sum(got) < ENTRIES:
                    kind, f = messages.decode(*await asyncio.wait_for(ch.receive(), 10))
                    if kind.name == "run":
                        got.append(len(f["headers"]) // 162)
            except (channel.Cut, ConnectionError, asyncio.TimeoutError):
                return None
            finally:
                w.visitor.address = address
                if ch:
                    ch.close()
        return sum(got)

    whole = Line(address, 1 << 30, 1 << 30)
    assert await all_of(whole) == ENTRIES
    sizes, cut = list(whole.passed), 0
    for i in range(cuts):
        way = i % 2
        at = draw.randrange(1, 200 if i % 4 < 2 else sizes[way])
        line = Line(address, at if way == 0 else 1 << 30, at if way == 1 else 1 << 30)
        cut += await all_of(line) is None
    assert cut > cuts // 2, f"only {cut} of {cuts} were cut, seed {seed}"
    assert await asyncio.wait_for(w.session.ping(), 10) and await w.d.length(w.me.log) == length
    await w.visit()
    return f"{cut} of {cuts} were cut, of {sizes[0]} and {sizes[1]} bytes; seed {seed}"


async def main():
    w = World()
    failed = 0
    await w.start()
    for name, act in (("whoever scans hears nothing", lambda: scanned(w)), ("a session that is sent again changes nothing", lambda: replayed(w)),
                      ("a line that is cut anywhere leaves all as it was", lambda: cut_off(w)), ("2,000 dripping sockets do not keep members out", lambda: dripping(w)), ("a flood of handshakes does not keep members out", lambda: flooded(w)),
                      ("a member that floods with pings costs others nothing", lambda: greedy(w, "pings")), ("a member that floods with requests costs others nothing", lambda: greedy(w, "probes")),
                      ("six members that flood at once leave another its service", lambda: crowded(w)),
                      ("who reads nothing, or a byte at a time, costs others nothing", lambda: unread(w))):
        try:
            print(f"ok - {name}: {await act()}", flush=True)
        except Exception as e:  # noqa: BLE001 - whatever goes wrong is the test's result
            failed += 1
            print(f"not ok - {name}: {type(e).__name__}: {e}", flush=True)
            if not isinstance(e, AssertionError):
                traceback.print_exc()
    await w.stop()
    sys.exit(failed > 0)


if __name__ == "__main__":
    asyncio.run(main())
