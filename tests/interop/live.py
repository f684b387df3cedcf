"""This implementation's node against a node that somebody else wrote, over TCP.

A daemon under test is an object with these methods (all may be coroutines):
    invitation()            text of an invitation with one use
    follow(id)              makes it follow an identity
    identity()              (identity id, network id) that it writes under
    write(text, readers)    an entry with that text, clear or sealed to identities; gives (log id, seq)
    attach(bytes, readers)  an entry that pins a blob; gives (log id, seq)
    length(log)             how many entries of a log it holds
    text(log, seq)          the text of a record that it can read, or None
    file(log, seq)          the bytes of the file that a record pins, once it has fetched them, or None
    join(text)              makes it redeem an invitation of ours, so that it belongs to our network
    restart()               ends it and starts it again
    waiting()               {node key: node key of its introducer}: who waits to be admitted to its own network
    admit(node)             it admits that node
"""
import asyncio
import inspect

import attack
from pair import begin, opened, text_of, until, write
from quirepy import entries, fetch, invitation, keyevents, messages, parts, records, seal
from quirepy.author import Author
from quirepy.node import Node

CONTENT = bytes(range(256)) * 900


async def call(act, *args):
    result = act(*args)
    return await result if inspect.isawaitable(result) else result


async def eventually(act, wanted, what, seconds=20):
    for _ in range(seconds * 10):
        got = await call(*act)
        if got == wanted:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"never: {what}; last {got!r}")


class Visit:
    """One node of ours, redeemed at the daemon, with an identity of its own."""

    def __init__(self, daemon):
        self.daemon = daemon

    async def redeem(self):
        text = await call(self.daemon.invitation)
        self.invitation = invitation.read(text)
        self.node = Node(self.invitation.network, "interop")
        # It does not listen, so that each connection is one of ours; being dialled has a step of its own.
        self.session = await self.node.redeem(text)
        await opened(self.session)
        assert self.session.welcome is not None
        self.me = Author()
        begin(self.me, self.node)
        return f"the node calls itself {self.session.welcome[0]!r}"

    async def network_identity(self):
        network = self.invitation.network
        await until(lambda: self.node.store.keys(network), "the network's key events")
        assert self.node.store.keys(network).events[network].payload[0] == 4
        return f"{len(self.node.store.keys(network).events)} key events"

    async def it_follows_us(self):
        await call(self.daemon.follow, self.me.id)
        await eventually((self.daemon.length, self.me.log), 1, "the daemon has our entry 0")

    async def our_entries(self):
        write(self.me, self.node, "clear from Python")
        await eventually((self.daemon.text, self.me.log, 1), "clear from Python", "the daemon reads our clear entry")
        for n in range(70):
            write(self.me, self.node, f"entry {n}")
        await eventually((self.daemon.length, self.me.log), 72, "the daemon has 72 entries of ours")
        return "72 entries"

    async def sealed_to_it(self):
        self.theirs, _ = await call(self.daemon.identity)
        self.node.follow(self.theirs)
        await until(lambda: self.node.store.keys(self.theirs) and self.node.store.keys(self.theirs).reading_key(), "its reading key")
        header, _ = write(self.me, self.node, "sealed from Python", readers=[self.node.store.keys(self.theirs).reading_key()])
        await eventually((self.daemon.text, self.me.log, header.seq), "sealed from Python", "the daemon opens what we sealed")

    async def _body(self, log, seq):
        held = lambda: self.node.store.logs.get(log)
        await until(lambda: held() and seq in held().bodies, "an entry of the daemon's")
        return held(), held().bodies[seq]

    async def its_clear_entry(self):
        log, seq = await call(self.daemon.write, "clear from the daemon", [])
        found, _ = await self._body(log, seq)
        assert found.record(seq)[1]["text"] == "clear from the daemon"
        event, in_force = self.node.store.device_of(log, self.theirs)
        assert in_force and found.record(0) == ("device", {"event": event.id})
        assert found.headers[0].flags & entries.KEEP
        signed = max(found.signatures)
        assert signed >= seq, "no signature vouches for it"

    def _open(self, body, log):
        keys = self.node.store.keys(self.theirs)
        author = [e.payload[0] for e in keys.events.values() if e.kind == 2]
        return records.read(seal.open_body(body, log, self.me.reading.secret, author)[0])

    async def its_sealed_entry(self):
        log, seq = await call(self.daemon.write, "sealed by the daemon", [self.me.id])
        found, body = await self._body(log, seq)
        assert found.headers[seq].sealed and seal.padme(len(body)) == len(body)
        kind, fields = self._open(body, log)
        assert fields["text"] == "sealed by the daemon", fields

    async def its_blob(self):
        log, seq = await call(self.daemon.attach, CONTENT, [self.me.id])
        found, body = await self._body(log, seq)
        _, fields = self._open(body, log) if found.headers[seq].sealed else found.record(seq)
        pin = fields["blobs"][0]
        assert (pin["root"], pin["size"]) in entries.envelope_read(found.envelopes[seq])["blobs"]
        blob = await fetch.fetch_blob(self.session, pin["root"])
        assert blob is not None and blob.owner == self.theirs and blob.plain(pin["key"]) == CONTENT
        return f"{len(CONTENT)} bytes"

    async def our_blob(self):
        header, _ = self.node.changed(lambda: self.me.attach(self.node.store, CONTENT, "from Python", [self.node.store.keys(self.theirs).reading_key()]))
        await eventually((self.daemon.file, self.me.log, header.seq), CONTENT, "the daemon has fetched and opened our blob")

    async def erasure(self):
        log = self.node.store.logs[self.me.log]
        self.node.changed(lambda: self.me.erase(self.node.store, log, 5))
        await eventually((self.daemon.text, self.me.log, 5), None, "the daemon drops an erased body")

    async def pings(self):
        assert await asyncio.wait_for(self.session.ping(), 10)

    async def introductions(self):
        """The daemon owns its network: whom we introduce waits there, once, until it is admitted; then we hear of it from the network's log."""
        new, one = self.node.rnd(32), {}
        for node in (new, new, self.node.key, self.invitation.node_key):
            self.session.channel.send("introduce", node=node, name="newcomer")
        one[new] = self.node.key
        await eventually((self.daemon.waiting,), one, "the daemon keeps whom we introduced")
        for n in range(70):
            self.session.channel.send("introduce", node=self.node.rnd(32), name="")
        await self.session.ping()
        await call(self.daemon.admit, new)
        await until(lambda: self.node.is_member(new), "the admission")
        waiting = await call(self.daemon.waiting)
        assert new not in waiting and len(waiting) < 64 and set(waiting.values()) == {self.node.key}, len(waiting)
        told = [log.record(seq)[1] for log in self.node.store.logs.values() if log.identity == self.invitation.network for seq in range(len(log.headers))
                if log.record(seq)[0] == "admission" and log.record(seq)[1]["node"] == new]
        assert [a.get("introducer") for a in told] == [self.node.key], told
        return f"{len(waiting)} of 70 more wait"

    async def again(self):
        """A second connection after a good end carries nothing that was there before."""
        await until(lambda: self.node.store.cursors.get(self.session.peer), "a cursor")
        await self.session.bye(messages.CLOSED)
        self.session = await self.node.dial(self.invitation.addresses[0], self.invitation.node_key)
        await opened(self.session)
        assert await self.session.ping()
        write(self.me, self.node, "after the second hello")
        n = len(self.node.store.logs[self.me.log].headers)
        await eventually((self.daemon.length, self.me.log), n, "an entry after the second hello")
        assert "want-keys" not in self.session.log, self.session.log

    async def _dial(self, lie=None):
        """A new connection in place of the old one; lie(message, fields) may change what we send."""
        await self.session.bye(messages.CLOSED)
        self.session = await self.node.dial(self.invitation.addresses[0], self.invitation.node_key)
        if lie:
            ch, honest = self.session.channel, self.session.channel.send

            def send(message, /, **fields):
                lie(message, fields)
                honest(message, **fields)

            ch.send = send
        await opened(self.session)

    async def lies(self):
        """Whatever does not verify ends the connection and is not taken, and the truth is taken afterwards."""
        self.witness = await self._member("witness")
        for name, deed, message, change in LIES:
            act, old, new = await deed(self, name, lambda: self._dial(lambda sent, f: change(f) if sent == message else None))
            for n in range(100):
                await asyncio.sleep(0.05)
                taken = await call(*act)
                assert taken == old, f"taken: {name}: {taken!r:.100}"
                if n > 4 and self.session.ended.is_set():
                    break
            end, code = self.session.closed_with or ("not", None)
            assert end == "got" and code not in (messages.CLOSED, messages.REFUSED), f"{name}: {end} closed {code}"
            await self._dial()
            await eventually(act, new, f"the truth after {name}")
            assert await self.witness.ping(), f"another connection suffered from {name}"
        await self.witness.bye(messages.CLOSED)
        return f"{len(LIES)} lies"

    async def _member(self, name):
        """A connection of one more node."""
        node = Node(self.invitation.network, name)
        session = await node.redeem(await call(self.daemon.invitation))
        await opened(session)
        return session

    async def _entry(self, name, lying):
        n = len(self.node.store.logs[self.me.log].headers)
        await lying()
        write(self.me, self.node, f"behind {name}", drop_after=40000)
        return (self.daemon.text, self.me.log, n), None, f"behind {name}"

    async def _file(self, name, lying):
        await lying()
        header, _ = self.node.changed(lambda: self.me.attach(self.node.store, CONTENT, "from Python"))
        return (self.daemon.file, self.me.log, header.seq), None, CONTENT

    async def _erasure(self, name, lying):
        header, _ = write(self.me, self.node, name)
        await eventually((self.daemon.text, self.me.log, header.seq), name, "an entry that will be erased")
        await lying()
        self.node.changed(lambda: self.me.erase(self.node.store, self.node.store.logs[self.me.log], header.seq))
        return (self.daemon.text, self.me.log, header.seq), name, None

    async def _event(self, name, lying):
        n = await self._events()
        await lying()
        self.node.changed(lambda: self.node.store.add_events(self.me.id, [self.me.write(keyevents.OFFICER, [self.theirs, 1])]))
        return (self._events,), n, n + 1

    async def _events(self):
        """How many key events of ours the daemon gives to others."""
        code, answers = await self.witness.ask("want-keys", by=0, key=self.me.id)
        assert code == messages.OK
        return sum(len(f["events"]) for _, f in answers)

    async def questions(self):
        """What SPEC 9.2 and 9.3 say of requests that have no good answer, and of the answers that are due."""
        ask, other = self.session.ask, bytes(range(32))
        for message, fields in (("want-keys", {"by": 0, "key": other}), ("want-keys", {"by": 1, "key": other}), ("want-run", {"log": other, "first": 0, "end": 1}),
                                ("want-bodies", {"log": other, "seqs": [0]}), ("probe", {"log": other, "seqs": [0]}), ("want-fork", {"log": other}), ("want-erased", {"log": other, "first": 0}),
                                ("want-blob", {"root": other}), ("want-leaves", {"root": other, "page": 0}), ("want-chunks", {"root": other, "first": 0, "count": 1})):
            assert await ask(message, **fields) == (messages.NOT_FOUND, []), message
        log, seq = await call(self.daemon.write, "to be asked for", [])
        length = seq + 1
        for first, end, code in ((3, 3, messages.LIMIT), (3, 1, messages.LIMIT), (0, 65537, messages.LIMIT), (length, length + 1, messages.OK), (2**32 - 1, 2**32, messages.OK)):
            assert await ask("want-run", log=log, first=first, end=end) == (code, []), (first, end)
        code, answers = await ask("want-run", log=log, first=0, end=65536)
        runs = [f for name, f in answers if name == "run"]
        assert code == messages.OK and sum(len(f["parts"]) for f in runs) == length and runs[-1]["signature"]
        headers = [entries.Header(h) for f in runs for h in (f["headers"][i : i + 162] for i in range(0, len(f["headers"]), 162))]
        code, answers = await ask("want-bodies", log=log, seqs=list(range(length)))
        assert code == messages.OK and [f["seq"] for _, f in answers] == list(range(length))
        for h, (_, f) in zip(headers, answers):
            assert f["kind"] == 1 and entries.check_body(h, f["bytes"]) is None
        code, answers = await ask("probe", log=log, seqs=[0, seq, length, 2**32 - 1])
        assert (code, [i for _, f in answers for i in f["ids"]]) == (messages.OK, [headers[0].id, headers[-1].id, b"", b""])
        assert await ask("want-fork", log=log) == (messages.NOT_FOUND, [])
        assert await ask("want-erased", log=log, first=0) == (messages.OK, [])
        root = self.node.store.keys(self.theirs).events[self.theirs].payload[1]
        code, answers = await ask("want-keys", by=1, key=root)
        assert code == messages.OK and {f["identity"] for _, f in answers} == {self.theirs}

    async def twice(self):
        """SPEC 10.2: of two connections the newer; of two nodes with one key the first, and both are told."""
        second = await self.node.dial(self.invitation.addresses[0], self.invitation.node_key)
        await opened(second)
        await asyncio.wait_for(self.session.ended.wait(), 10)
        # Whichever side saw it first.
        assert self.session.closed_with[1] == messages.DUPLICATE and await second.ping(), self.session.closed_with
        self.session = second
        clone = Node(self.invitation.network, "clone", self.node.secret)
        clone.join(self.invitation.node_key)
        third = await clone.dial(self.invitation.addresses[0], self.invitation.node_key)
        await asyncio.wait_for(third.ended.wait(), 10)
        assert not [x for x in third.log if x.startswith("clone")] and third.closed_with == ("got", messages.DUPLICATE), (third.log, third.closed_with)
        assert await second.ping()
        fourth = await clone.dial(self.invitation.addresses[0], self.invitation.node_key)  # the first is known to be there by now
        await asyncio.wait_for(fourth.ended.wait(), 10)
        assert f"clone {self.node.instance.hex()}" in fourth.log and fourth.closed_with == ("got", messages.DUPLICATE), (fourth.log, fourth.closed_with)
        await until(lambda: f"clone {clone.instance.hex()}" in second.log, "the first one is told")
        assert await second.ping()

    async def used_invitation(self):
        stranger = Node(self.invitation.network, "late")
        s = await stranger.dial(self.invitation.addresses[0], self.invitation.node_key, self.invitation)
        await asyncio.wait_for(s.ended.wait(), 12)
        assert s.closed_with == ("got", messages.USED), s.closed_with

    async def stranger(self):
        s = await Node(self.invitation.network).dial(self.invitation.addresses[0], self.invitation.node_key)
        await asyncio.wait_for(s.ended.wait(), 12)
        assert s.closed_with == ("got", messages.REFUSED), s.closed_with

    async def _target(self):
        s = await self._member("attacker")
        await s.bye(messages.CLOSED)
        return attack.Target(self.invitation.addresses[0], self.invitation.node_key, self.invitation.network, s.node.secret)

    async def handshakes(self):
        count, wrong = await attack.handshakes(await self._target())
        assert not wrong, f"{len(wrong)} of {count}: " + "; ".join(wrong)
        assert await asyncio.wait_for(self.session.ping(), 10)
        return f"{count} that are none"

    async def attacks(self):
        count, wrong = await attack.attack(await self._target(), lambda: asyncio.wait_for(self.session.ping(), 10))
        assert not wrong, f"{len(wrong)} of {count}: " + "; ".join(wrong)
        return f"{count} attacks"

    async def end(self):
        await ended_well(self.node)


async def ended_well(node):
    await node.stop()
    assert not node.faults, node.faults
    assert not node.unlisted, f"error numbers that SPEC 1.6 does not list: {node.unlisted}"


class Host:
    """A network of ours, to which the daemon comes: it redeems, follows and dials."""

    def __init__(self, daemon):
        self.daemon = daemon

    async def _session(self):
        """The connection that the daemon made."""
        await until(lambda: any(s.opened.is_set() for s in self.node.sessions), "a connection from the daemon", 30)
        session = next(s for s in self.node.sessions if s.opened.is_set())
        assert not session.initiator
        return session

    async def it_joins(self):
        owner = Author(4)
        self.owner, self.node, self.me = owner, Node(owner.id, "host"), Author()
        await self.node.listen()
        begin(owner, self.node)
        begin(self.me, self.node)
        self.node.changed(lambda: self.node.store.add_events(owner.id, [self.node.host(owner)]))
        await call(self.daemon.join, self.node.invite())
        session = await self._session()
        assert session.log[:2] == ["redeem", "hello"], session.log
        _, network = await call(self.daemon.identity)
        assert network == owner.id, "it is in another network"

    async def what_it_writes(self):
        theirs, _ = await call(self.daemon.identity)
        self.node.follow(theirs)
        log, seq = await call(self.daemon.write, "from a guest", [])
        await until(lambda: text_of(self.node, log, seq) == "from a guest", "its entry")

    async def what_we_write(self):
        await call(self.daemon.follow, self.me.id)
        header, _ = write(self.me, self.node, "from the host")
        await eventually((self.daemon.text, self.me.log, header.seq), "from the host", "our entry")

    async def it_introduces(self):
        """Who comes by the daemon's invitation reaches the daemon only; we, who own the network, hear of it, and admit it."""
        theirs = (await self._session()).peer
        newcomer = Node(self.node.network, "newcomer")
        await opened(await newcomer.redeem(await call(self.daemon.invitation)))
        await until(lambda: self.node.introductions.waiting().get(newcomer.key) == ("newcomer", theirs), "the introduction")
        assert not self.node.is_member(newcomer.key)
        self.node.changed(lambda: self.owner.append(self.node.store, records.write("admission", node=newcomer.key, name="newcomer", introducer=theirs)))
        await until(lambda: newcomer.is_member(newcomer.key), "its admission, by way of the daemon")
        assert not self.node.introductions.waiting()
        await newcomer.stop()

    async def restarted(self):
        """It dials us as a member, and only what is new is listed and fetched."""
        await call(self.daemon.restart)
        session = await self._session()
        header, _ = write(self.me, self.node, "after its restart")
        await eventually((self.daemon.text, self.me.log, header.seq), "after its restart", "our entry after its restart")
        log, seq = await call(self.daemon.write, "restarted", [])
        await until(lambda: text_of(self.node, log, seq) == "restarted", "its entry after its restart")
        assert session.log[0] == "hello" and not {"redeem", "want-keys"} & set(session.log), session.log

    async def end(self):
        await ended_well(self.node)


def flipped(data, at=-1):
    out = bytearray(data)
    out[at] ^= 1
    return bytes(out)


def spoil(name, at=-1):
    """Changes a byte of a field."""
    return lambda f: f.update({name: flipped(f[name], at)})


def spoil_part(index, value):
    def change(f):
        f["parts"] = [[*p[:index], value(p[index]), *p[index + 1 :]] for p in f["parts"]]

    return change


def spoil_all(name, value):
    """Changes the items of a list."""
    return lambda f: f.update({name: [value(item) for item in f[name]]})


# What is claimed, by which deed, and what is changed in which message.
LIES = (
    ("a signature changed", Visit._entry, "run", spoil("signature")),
    ("no signature", Visit._entry, "run", lambda f: f.update(signature=b"")),
    ("a header changed", Visit._entry, "run", spoil("headers")),
    ("a scope tag changed", Visit._entry, "run", spoil("headers", -80)),
    ("an envelope changed", Visit._entry, "run", spoil_part(0, lambda e: flipped(e) if e else e)),
    ("a body changed", Visit._entry, "run", spoil_part(2, lambda b: flipped(b) if b else b)),
    ("an envelope left out", Visit._entry, "run", spoil_part(0, lambda e: b"")),
    ("a chunk changed", Visit._file, "chunk", spoil("bytes")),
    ("a leaf changed", Visit._file, "leaves", spoil("leaves")),
    ("a page changed", Visit._file, "blob", spoil("pages")),
    ("a size changed", Visit._file, "blob", lambda f: f.update(size=f["size"] + 1)),
    ("another owner", Visit._file, "blob", spoil("owner")),
    ("an erasure's signature changed", Visit._erasure, "erased", spoil_all("statements", flipped)),
    ("an erasure's reason changed", Visit._erasure, "erased", spoil_all("statements", lambda s: flipped(s, 1))),
    ("a key event's signature changed", Visit._event, "keys", spoil_all("events", lambda e: [e[0], flipped(e[1])])),
    ("a key event changed", Visit._event, "keys", spoil_all("events", lambda e: [flipped(e[0]), e[1]])),
)

STEPS = ("redeem", "network_identity", "it_follows_us", "our_entries", "sealed_to_it", "its_clear_entry", "its_sealed_entry", "its_blob", "our_blob", "erasure", "pings", "introductions",
         "again", "lies", "used_invitation", "stranger", "questions", "twice", "handshakes", "attacks", "end")
HOST_STEPS = ("it_joins", "what_it_writes", "what_we_write", "it_introduces", "restarted", "end")


class PythonDaemon:
    """This implementation's own node as the daemon, so that the steps are tested themselves."""

    def __init__(self):
        network = Author(4)
        self.network, self.author, self.fetching, self.owner = network.id, Author(), {}, network
        self.node = Node(self.network, "python daemon")
        begin(network, self.node)
        begin(self.author, self.node)
        self.node.changed(lambda: self.node.store.add_events(network.id, [self.node.host(network)]))
        self._host()

    def _host(self):
        self.node.changed(lambda: self.node.store.add_events(self.author.id, [self.node.host(self.author)]))

    async def start(self):
        await self.node.listen()

    def invitation(self):
        return self.node.invite()

    def waiting(self):
        return {node: by for node, (_, by) in self.node.introductions.waiting().items()}

    def admit(self, node):
        name, by = self.node.introductions.waiting()[node]
        self.node.changed(lambda: self.owner.append(self.node.store, records.write("admission", node=node, name=name or "node", introducer=by)))

    def follow(self, identity):
        self.node.follow(identity)

    def identity(self):
        return self.author.id, self.network

    def _readers(self, readers):
        return [self.node.store.keys(r).reading_key() for r in readers] or None

    def write(self, text, readers):
        header, _ = write(self.author, self.node, text, readers=self._readers(readers))
        for r in readers:
            self.node.tell_reader(r, self.author, header)
        return self.author.log, header.seq

    def attach(self, data, readers):
        return self.author.log, self.node.changed(lambda: self.author.attach(self.node.store, data, "a file", self._readers(readers)))[0].seq

    def length(self, log):
        found = self.node.store.logs.get(log)
        return len(found.headers) if found else 0

    def _fields(self, log, seq):
        found = self.node.store.logs.get(log)
        body = found.bodies.get(seq) if found else None
        if body is None:
            return {}
        if not found.headers[seq].sealed:
            return found.record(seq)[1]
        author = self.node.store.keys(found.identity).reading_key()
        return records.read(seal.open_body(body, log, self.author.reading.secret, [author])[0])[1]

    def text(self, log, seq):
        return self._fields(log, seq).get("text")

    async def file(self, log, seq):
        for pin in self._fields(log, seq).get("blobs", []):
            root = pin["root"]
            if root not in self.node.store.blobs and set(self.node.sessions) - set(self.fetching.get(root, ())):
                self.fetching[root] = list(self.node.sessions)
                asyncio.ensure_future(parts.fetch_from(self.node, self.fetching[root], root))
            if root in self.node.store.blobs:
                return self.node.store.blobs[root].plain(pin["key"])
        return None

    async def join(self, text):
        await self.node.stop()
        self.way = invitation.read(text)
        self.network = self.way.network
        self.node = Node(self.network, "python daemon")
        begin(self.author, self.node)
        await self.node.listen()
        await opened(await self.node.redeem(text))

    async def restart(self):
        await self.node.stop()
        self.node = self.node.restarted()
        await self.node.listen()
        await opened(await self.node.dial(self.way.addresses[0], self.way.node_key))

    async def stop(self):
        await self.node.stop()


def run(tap, daemon, name):
    """All steps against one daemon: first it is visited, then it comes to us. After a failed one the others are still tried."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    def check(what, act, *args):
        tap.check(f"{name}: {what.replace('_', ' ')}", lambda: loop.run_until_complete(asyncio.wait_for(call(act, *args), 300)))

    try:
        check("start", daemon.start)
        for party, steps in ((Visit(daemon), STEPS), (Host(daemon), HOST_STEPS)):
            for step in steps:
                check(step, getattr(party, step))
    finally:
        check("stop", daemon.stop)
        loop.close()
