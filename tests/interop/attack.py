"""An attacker that follows the table of SPEC 9.2: every message, every field, every way to break it.

Each case is sent on a fresh connection. The node must close that connection with `bye` WIRE (or, for frames that do not
authenticate and lengths that section 7 does not know, without a word), and nothing else may suffer.
"""
import asyncio
import os

from quirepy import channel, messages, mp, noise, prim
from quirepy.messages import TABLE, WIRE

FLOAT, EXT, NIL = b"\xca\0\0\0\0", b"\xd4\1\0", b"\xc0"
FIRST = {"hello", "redeem", "relay", "relay-accept"}


def uint_wide(n):
    """An unsigned integer in a form that is not the shortest."""
    for code, size in ((0xCC, 1), (0xCD, 2), (0xCE, 4), (0xCF, 8)):
        if len(mp.encode(n)) < 1 + size:
            return bytes([code]) + n.to_bytes(size, "big")
    return None


def bin_wide(data):
    return (b"\xc5" + len(data).to_bytes(2, "big") if len(data) < 256 else b"\xc6" + len(data).to_bytes(4, "big")) + data


def good(f):
    """A valid value, encoded."""
    if f.kind == "uint":
        return mp.encode(max(f.low, min(1, f.high)))
    if f.kind == "bin":
        return mp.encode(os.urandom(f.low))
    if f.kind == "str":
        return mp.encode("x" * f.low)
    if f.kind == "bool":
        return mp.encode(True)
    if f.kind == "array":
        return array([good(f.item)] * f.low)
    return {"event": mp.encode([b"x", bytes(64)]), "part": mp.encode([b"", 0, b""]), "row": mp.encode([0, bytes(32), 0, bytes(32)]),
            "peer": mp.encode([bytes(32), [], [], False, 0])}[f.kind]


def array(items):
    return mp.encode([None] * len(items))[: -len(items) or None] + b"".join(items)


def bad(f):
    """[(what, encoded)] of values that must be refused."""
    found = [("nil", NIL), ("float", FLOAT), ("ext", EXT), ("type byte c1", b"\xc1")]
    if f.kind == "uint":
        found += [("above", mp.encode(f.high + 1))] if f.high < 2**64 - 1 else []
        found += [("below", mp.encode(f.low - 1))] if f.low else []
        wide = uint_wide(max(f.low, 1))
        found += [("not the shortest", wide), ("negative", b"\xff"), ("signed type", b"\xd0\1"), ("str", mp.encode("1")), ("bin", mp.encode(b"\1")), ("bool", mp.encode(True)),
                  ("array", mp.encode([1]))]
    elif f.kind == "bin":
        found += [("too short", mp.encode(bytes(f.low - 1)))] if f.low else []
        found += [("too long", mp.encode(bytes(f.high + 1))), ("not the shortest", bin_wide(bytes(f.low))), ("str", mp.encode("x" * f.low)), ("uint", mp.encode(1)), ("array", mp.encode([]))]
    elif f.kind == "str":
        found += [("too short", mp.encode("x" * (f.low - 1)))] if f.low else []
        found += [("too long", mp.encode("x" * (f.high + 1))), ("too long in bytes", mp.encode("ü" * (f.high // 2 + 1))), ("not the shortest", b"\xd9\1x"), ("bin", mp.encode(b"x" * f.low)),
                  ("not UTF-8", b"\xa2\xc3\x28"), ("U+0000", b"\xa1\0"), ("uint", mp.encode(1))]
    elif f.kind == "bool":
        found += [("uint 0", b"\0"), ("uint 1", b"\1"), ("str", mp.encode("true"))]
    elif f.kind == "array":
        found += [("too few", array([good(f.item)] * (f.low - 1)))] if f.low else []
        found += [("too many", array([good(f.item)] * (f.high + 1))), ("not the shortest", b"\xdc\0" + bytes([max(f.low, 1)]) + good(f.item) * max(f.low, 1)), ("map", b"\x80"), ("bin", mp.encode(b"")),
                  ("count beyond the bytes", b"\xdd\xff\xff\xff\xff")]
        found += [("item: " + what, array([raw])) for what, raw in bad(f.item)]
    else:
        found += [("map", b"\x80"), ("empty", b"\x90"), ("bin", mp.encode(b""))] + shapes(f.kind)
    return found


def shapes(kind):
    i, e = bytes(32), mp.encode
    if kind == "event":
        return [("three elements", e([b"x", bytes(64), 1])), ("no bytes", e([b"", bytes(64)])), ("65,537 bytes", e([bytes(65537), bytes(64)])), ("63 bytes of signature", e([b"x", bytes(63)])),
                ("96 bytes of signature", e([b"x", bytes(96)])), ("129 bytes of signature", e([b"x", bytes(129)])), ("str", e(["x", bytes(64)])), ("one element", e([b"x"]))]
    if kind == "part":
        return [("two elements", e([b"", 0])), ("four elements", e([b"", 0, b"", 0])), ("envelope of 1,025", e([bytes(1025), 0, b""])), ("kind 5", e([b"", 5, b""])), ("bytes of 61,441", e([b"", 1, bytes(61441)])),
                ("bytes with kind 0", e([b"", 0, b"x"])), ("bytes with kind 3", e([b"", 3, b"x"])), ("bytes with kind 4", e([b"", 4, b"x"])), ("statement of 175", e([b"", 2, bytes(175)])), ("kind as str", e([b"", "0", b""]))]
    if kind == "peer":
        return [("four elements", e([i, [], [], False])), ("17 elements", e([i, [], [], False, 0] + [1] * 12)), ("key of 31", e([i[1:], [], [], False, 0])), ("five addresses", e([i, ["x:1"] * 5, [], False, 0])),
                ("an empty address", e([i, [""], [], False, 0])), ("an address of 65", e([i, ["x" * 65], [], False, 0])), ("an address as bin", e([i, [b"x:1"], [], False, 0])),
                ("five relays", e([i, [], [i] * 5, False, 0])), ("a relay of 33", e([i, [], [i + b"x"], False, 0])), ("relays as bin", e([i, [], i, False, 0])), ("relaying as uint", e([i, [], [], 1, 0])),
                ("65,536 hours", e([i, [], [], False, 65536])), ("negative hours", e([i, [], [], False, -1]))]
    return [("three elements", e([0, i, 1])), ("log of six", e([1, i, i, 1, i, i])), ("identity of 31", e([0, i[1:], 1, i])), ("count 2^32", e([0, i, 2**32, i])), ("log of 33", e([1, i + b"x", i, 1, i, i, 0])),
            ("negative length", e([1, i, i, -1, i, i, 0])), ("kind as str", e(["0", i, 1, i])), ("digest as str", e([0, i, 1, "x" * 32]))]


class Case:
    """One thing to send: in state 'first' (right after the handshake) or 'open'; silent: no bye is due."""

    def __init__(self, name, state, number=0, body=b"", raw=None, silent=False):
        self.name, self.state, self.number, self.body, self.raw, self.silent = name, state, number, body, raw, silent


def cases():
    for kind in TABLE:
        fields = [good(f) for f in kind.fields]
        state = "first" if kind.name in FIRST else "open"
        n = kind.number

        def broken(what, body):
            return Case(f"{kind.name}: {what}", state, n, body)

        for i, f in enumerate(kind.fields):
            for what, raw in bad(f):
                body = array([*fields[:i], raw, *fields[i + 1 :]])
                if len(body) <= messages.BODY_MAX:
                    yield broken(f"{f.name} {what}", body)
        whole = array(fields)
        yield broken("a field too few", array(fields[:-1]))
        yield broken("empty", b"")
        yield broken("no fields", b"\x90")
        yield broken("bytes behind", whole + b"\xc0")
        yield broken("cut", whole[:-1])
        yield broken("a map", b"\x80")
        yield broken("nil", NIL)
        yield broken("array head too long", b"\xdc" + len(fields).to_bytes(2, "big") + whole[1:])
        yield broken("a further field out of the profile", array([*fields, FLOAT]))
        yield broken("a further field that is too deep", array([*fields, b"\x91" * 8 + b"\xc0"]))
        yield broken("too many objects", array([*fields, mp.encode([0] * 16384)]))
        yield from wrong_times(kind, whole)
    yield from text_rules()
    yield from outside_the_table()


def text_rules():
    """What the text under the table asks of fields that the table lets pass."""
    i, e = bytes(32), mp.encode
    part = [b"", 0, b""]
    for name, what, fields in (
        ("run", "163 bytes of headers", [7, 0, i, 0, bytes(163), b"", [part]]), ("run", "more parts than headers", [7, 0, i, 0, bytes(162), b"", [part, part]]),
        ("run", "fewer parts than headers", [7, 0, i, 0, bytes(324), b"", [part]]), ("run", "a signature of 63 bytes", [7, 0, i, 0, bytes(162), bytes(63), [part]]),
        ("body", "bytes with kind 3", [7, i, 0, 3, b"x"]), ("body", "a statement of 177 bytes", [7, i, 0, 2, bytes(177)]), ("ids", "an id of 31 bytes", [7, [bytes(31)]]),
        ("fork", "163 bytes of headers", [0, i, 0, bytes(163), bytes(64), bytes(162), bytes(64)]), ("want-bodies", "seqs not ascending", [7, i, [2, 1]]),
        ("want-bodies", "a seq twice", [7, i, [1, 1]]), ("probe", "seqs not ascending", [7, i, [2, 1]]), ("blob", "33 bytes of pages", [7, i, i, 0, bytes(33)]), ("leaves", "33 bytes", [7, bytes(33)]),
        ("want-ranges", "10 bytes of prefixes", [7, bytes(16), bytes(10)]), ("want-ranges", "depth 16", [7, bytes(16), b"\x10" + bytes(8)]), ("want-ranges", "bits behind depth 0", [7, bytes(16), b"\0\x80" + bytes(7)]),
        ("want-ranges", "bits behind depth 15", [7, bytes(16), b"\x0f" + bytes(7) + b"\1"]), ("want-ranges", "bits behind the depth of the second prefix", [7, bytes(16), bytes(9) + b"\1\x01" + bytes(7)]),
        ("notice-ids", "9 bytes", [bytes(9)]),
    ):
        yield Case(f"{name}: {what}", "open", messages.BY_NAME[name].number, e(fields))


def wrong_times(kind, whole):
    """The whole message where it may not come."""
    if kind.sender == "R" or "O" not in kind.states:
        yield Case(f"{kind.name}: in state O", "open", kind.number, whole)
    if kind.sender == "R" or not kind.states & {"S", "H"}:
        yield Case(f"{kind.name}: before hello", "first", kind.number, whole)
    answers = set().union(*messages.ANSWERS.values()) | {"done"}
    if kind.name in answers:
        asked = [mp.encode(7)] + [good(f) for f in kind.fields[1:]]
        yield Case(f"{kind.name}: not asked for", "open", kind.number, array(asked))
    if kind.name == "more":
        yield Case(f"{kind.name}: not due", "open", kind.number, whole)


def outside_the_table():
    yield Case("unknown type: not in the profile", "open", 200, FLOAT)
    yield Case("unknown type: empty", "open", 200, b"")
    yield Case("unknown type: before hello", "first", 200, b"\x90")
    yield Case("a frame that does not authenticate", "open", raw=lambda ch: b"\0\x20" + os.urandom(32), silent=True)
    yield Case("a frame of 16 bytes", "open", raw=lambda ch: ch.frame(b""), silent=True)
    yield Case("a frame of 0 bytes", "open", raw=lambda ch: b"\0\0", silent=True)
    yield Case("a message of 81,917 bytes", "open", raw=lambda ch: ch.frame(b"\x1c" + (81917).to_bytes(3, "big")), silent=True)
    yield Case("a message of 2^24 - 1 bytes, first", "first", raw=lambda ch: ch.frame(b"\1\xff\xff\xff"), silent=True)


class Target:
    """A node to attack, as a member of its network."""

    def __init__(self, address, node_key, network, secret):
        self.address, self.node_key, self.network, self.secret = address, node_key, network, secret

    async def connect(self, state):
        ch = await channel.dial(self.address, self.secret, self.network, self.node_key)
        if state == "open":
            ch.send("hello", version=1, instance=os.urandom(16), number=0, cursor_instance=bytes(16), cursor=0, follows=bytes(32), name="attacker", addresses=[])
            number, body = await asyncio.wait_for(ch.receive(), 10)
            if messages.decode(number, body)[0].name != "hello":
                raise AssertionError(f"no hello but {number} {body.hex()[:80]}")
        return ch

    async def end_of(self, ch):
        """How the node ends this connection: the code of its bye, 'silent', or 'alive'."""
        try:
            while True:
                number, body = await asyncio.wait_for(ch.receive(), 10)
                kind, f = messages.decode(number, body)
                if kind.name == "bye":
                    code = f["code"]
                    try:
                        await asyncio.wait_for(ch.receive(), 10)
                    except channel.Cut:
                        return code
                    return "alive"
        except channel.Cut:
            return "silent"
        except asyncio.TimeoutError:
            return "alive"

    async def attack(self, case):
        """None, or what was wrong."""
        ch = await self.connect(case.state)
        try:
            if case.raw:
                ch.writer.write(case.raw(ch))
                await ch.writer.drain()
            else:
                ch.send_raw(case.number, case.body)
            end = await self.end_of(ch)
        finally:
            ch.close()
        wanted = "silent" if case.silent else WIRE
        return None if end == wanted else f"{case.name}: ended {end}"

    async def welcome_guest(self):
        """What must be accepted: further fields, unknown types, and an answered ping."""
        ch = await self.connect("open")
        ch.send_raw(200, mp.encode([1, "later"]))
        ch.send_raw(28, mp.encode([5, "later", {"version": 2}]))
        try:
            while True:
                kind, f = messages.decode(*await asyncio.wait_for(ch.receive(), 10))
                if kind.name == "pong" and f["token"] == 5:
                    return
        finally:
            ch.close()


async def _opened(target):
    return await asyncio.open_connection(*channel.split_address(target.address))


async def _silence(reader, seconds):
    """Closed without a word, within some seconds."""
    try:
        got = await asyncio.wait_for(reader.read(1 << 16), seconds)
    except ConnectionError:
        got = b""
    except asyncio.TimeoutError:
        return "not closed"
    return f"answered with {len(got)} bytes" if got else None


def first_messages(target):
    """[(what, bytes)]: beginnings that are no first handshake message to this node."""
    sized = lambda data: len(data).to_bytes(2, "big") + data
    good = lambda network=target.network, key=target.node_key, payload=b"": noise.Handshake(True, channel.prologue(network), target.secret, os.urandom(32), key).write(payload)
    changed = bytearray(good())
    changed[-1] ^= 1
    yield "48 random bytes", sized(os.urandom(48))
    yield "an authentication that fails", sized(bytes(changed))
    yield "another network", sized(good(network=bytes(32)))
    yield "another node key", sized(good(key=prim.x_public(os.urandom(32))))
    yield "a key of small order", sized(bytes(32) + os.urandom(16))
    yield "a payload", sized(good(payload=b"x"))
    for n in (0, 1, 47, 49, 65535):
        yield f"a length of {n}", n.to_bytes(2, "big")
    yield "HTTP", b"GET / HTTP/1.1\r\n\r\n"


async def third_message(target, change):
    """A good first and second message, then a third that is none."""
    reader, writer = await _opened(target)
    h = noise.Handshake(True, channel.prologue(target.network), target.secret, os.urandom(32), target.node_key)
    writer.write(b"\0\x30" + h.write())
    h.read((await asyncio.wait_for(reader.readexactly(50), 5))[2:])
    writer.write(change(h))
    fault = await _silence(reader, 5)
    writer.close()
    return fault


async def begun(target, data, seconds):
    reader, writer = await _opened(target)
    writer.write(data)
    fault = await _silence(reader, seconds)
    writer.close()
    return fault


async def dripping(target):
    """One byte each second is no handshake within 10 s."""
    reader, writer = await _opened(target)
    wait = asyncio.ensure_future(_silence(reader, 13))
    for byte in b"\0\x30" + os.urandom(20):
        if wait.done():
            break
        writer.write(bytes([byte]))
        await asyncio.sleep(1)
    writer.close()
    return await wait


async def no_hello(target):
    """A handshake, and then nothing: the node closes, with or without a bye TIMEOUT."""
    ch = await target.connect("first")
    try:
        kind, f = messages.decode(*await asyncio.wait_for(ch.receive(), 13))
        return None if kind.name == "bye" and f["code"] == messages.TIMEOUT else f"sent {kind.name} {f}"
    except channel.Cut:
        return None
    except asyncio.TimeoutError:
        return "not closed"
    finally:
        ch.close()


def _garbled(h):
    data = bytearray(h.write())
    data[-1] ^= 1
    return b"\0\x40" + data


async def handshakes(target):
    """Everything that is no handshake: what is refused at once one after the other, what takes too long side by side. Returns (count, [what was wrong])."""
    quick = [(f"message 1: {what}", begun(target, data, 5)) for what, data in first_messages(target)]
    quick += [("message 3: garbled", third_message(target, _garbled)), ("message 3: a payload", third_message(target, lambda h: b"\0\x41" + h.write(b"x"))),
              ("message 3: a length of 63", third_message(target, lambda h: b"\0\x3f"))]
    slow = [("nothing at all", begun(target, b"", 13)), ("half a message", begun(target, b"\0\x30" + bytes(20), 13)), ("one byte each second", dripping(target)), ("no hello", no_hello(target))]
    ends = [(what, await attempt) for what, attempt in quick]
    ends += zip([what for what, _ in slow], await asyncio.gather(*[attempt for _, attempt in slow]))
    await target.welcome_guest()
    return len(ends), [f"{what}: {end}" for what, end in ends if end is not None]


async def attack(target, bystander):
    """All cases against a target; bystander() must stay true. Returns (count, [what was wrong])."""
    count, wrong = 0, []
    await target.welcome_guest()
    for case in cases():
        try:
            fault = await target.attack(case)
        except (channel.Cut, asyncio.TimeoutError, AssertionError) as e:
            fault = f"{case.name}: {type(e).__name__} {e}"
        count += 1
        if fault:
            wrong.append(fault)
        if count % 100 == 0 and not await bystander():
            wrong.append(f"after {case.name}: another connection suffered")
            break
        if len(wrong) > 40:
            break
    await target.welcome_guest()
    if not await bystander():
        wrong.append("another connection suffered")
    return count, wrong
