"""What SPEC 10.8, 11.2, 19 and 20 add, against a node that somebody else wrote; the daemons are those of live.py."""
import asyncio
import copy
import time

from live import call, ended_well, eventually
from pair import begin, opened, until, write
from quirepy import blobs, entries, fetch, invitation, keyevents, keys, messages, notices, parts, ranges, records, seal
from quirepy.author import Author, hour
from quirepy.gossip import tree_of
from quirepy.node import Node
from quirepy.prim import SUM, sign
from quirepy.store import Log

LOGS, CHUNKS = 320, 40
CONTENT = bytes(range(251)) * (65536 * CHUNKS // 251)
AHEAD, BEHIND, EVENT = "ahead", "behind", "event"


class Pen:
    """One of the many devices of the network's identity."""

    def __init__(self, owner):
        self.pair, self.box = keys.signing_pair(owner.rnd(32)), keys.box_pair(owner.rnd(32))
        consent = sign(self.pair.secret, keyevents.DEVICE_DOMAIN, owner.id + self.pair.public + self.box.public)
        self.event = keyevents.make(keyevents.DEVICE, owner.id, owner.generation.id, [owner.generation.id], owner.slot, [self.pair.public, self.box.public, [], []], owner.signing.secret, consent)
        owner.slot += 1
        self.log = entries.log_id(owner.id, self.pair.public)

    def append(self, store, record, flags=0):
        log, body = store.logs[self.log], bytes(32) + record
        seq = len(log.headers)
        raw = entries.header_bytes(flags, self.log, seq, log.id_at(seq - 1) or bytes(32), hour(), len(body), entries.commitment(body))
        log.put_run([entries.Header(raw)], entries.sign_header(self.pair.secret, raw), [b""])
        log.bodies[seq] = body
        store.bump(log)


def rows_told(session):
    """Lists that fill with the rows that a session is told, and those that it tells, each in the first listing."""
    got, sent, ended = [], [], set()
    taken, send = session.on_changes, session.channel.send

    def note(rows, f):
        if id(rows) not in ended:
            rows.extend(f["rows"])
        if f["last"]:
            ended.add(id(rows))

    def on_changes(**f):
        note(got, f)
        taken(**f)

    def spy(message, /, **fields):
        if message == "changes":
            note(sent, fields)
        send(message, **fields)

    session.on_changes, session.channel.send = on_changes, spy
    return got, sent


class Many:
    """A network with hundreds of logs; its node's database is replaced again and again."""

    def __init__(self, daemon):
        self.daemon = daemon

    async def it_joins(self):
        """An empty peer is listed everything."""
        self.owner = Author(4)
        self.node = Node(self.owner.id, "many")
        await self.node.listen()
        begin(self.owner, self.node)
        store = self.node.store
        self.pens = [Pen(self.owner) for _ in range(LOGS)]
        store.add_events(self.owner.id, [p.event for p in self.pens])
        for p in self.pens:
            store.logs[p.log] = Log(p.log, self.owner.id, p.pair.public)
            p.append(store, records.write("device", event=p.event.id), entries.KEEP)
            p.append(store, records.write("reflection", text="first"))
        store.written.clear()
        await call(self.daemon.join, self.node.invite())
        await until(lambda: any(s.opened.is_set() for s in self.node.sessions), "a connection from the daemon", 30)
        session = next(s for s in self.node.sessions if s.opened.is_set())
        self.way = invitation.read(await call(self.daemon.invitation))
        await until(lambda: session.log.count("want-run") > LOGS, "it asks for all logs", 60)
        assert await session.ping()
        return f"{session.log.count('want-run')} logs, {session.log.count('ranges')} ranges"

    async def _meet(self, *changes, lie=None, cursors=False):
        """The node's database is replaced by one that differs; returns the session and the rows told either way."""
        await self.node.stop()
        store = copy.deepcopy(self.node.store)
        if cursors:
            store.past[self.node.instance] = store.number
        else:
            store.cursors, store.follow_sets, store.past = {}, {}, {}
        self.differing = set()
        for pen, what in zip(self.pens, changes):
            self.differing.add(self.owner.id if what == EVENT else pen.log)
            if what == AHEAD:
                pen.append(store, records.write("reflection", text="ahead"))
            elif what == BEHIND:
                store.logs[pen.log].cut(len(store.logs[pen.log].headers) - 1)
            else:
                store.add_events(self.owner.id, [Pen(self.owner).event])
        self.node = Node(self.owner.id, "many", self.node.secret, store)
        began, start = time.monotonic(), self.node._start
        found = []

        def watched(ch, *args):
            s = start(ch, *args)
            found.append((s, *rows_told(s)))
            if lie:
                lie(s)
            return s

        self.node._start = watched
        await self.node.dial(self.way.addresses[0], self.way.node_key)
        session, got, sent = found[0]
        await opened(session)
        if not lie:
            await until(lambda: session.listed.is_set() and session.peer_listed.is_set(), "both listings", 30)
        self.seconds = time.monotonic() - began
        return session, got, sent

    async def _exactly(self, *changes):
        session, got, sent = await self._meet(*changes)
        assert "want-ranges" in session.log and "ranges" in session.log, session.log
        told = [sorted(r[1].hex() for r in rows) for rows in (got, [r for r in sent if r[2] != await self._mine() and r[1] != await self._mine()])]
        wanted = sorted(i.hex() for i in self.differing)
        assert told[0] == wanted, f"it told {len(told[0])} rows, {len(wanted)} differ"
        assert told[1] == wanted, f"we told {len(told[1])} rows, {len(wanted)} differ"
        await asyncio.sleep(0.3)
        assert await session.ping()
        return f"{len(got)} rows told, {len(sent)} tell, {session.log.count('want-ranges')} questions and {session.log.count('ranges')} answers, {self.seconds:.2f} s"

    async def _mine(self):
        return (await call(self.daemon.identity))[0]

    async def nothing_differs(self):
        return await self._exactly()

    async def one_row_behind(self):
        return await self._exactly(BEHIND)

    async def one_row_ahead(self):
        return await self._exactly(AHEAD)

    async def twenty_rows(self):
        return await self._exactly(*[AHEAD, BEHIND] * 10)

    async def key_events(self):
        return await self._exactly(AHEAD, BEHIND, EVENT)

    async def equal_after_all(self):
        """What was told was fetched, so nothing differs any more."""
        return await self._exactly()

    async def another_nonce(self):
        """SPEC 10.8: the same nonce goes on being answered, another one is refused so soon."""
        session, _, _ = await self._meet()
        asks = lambda nonce, *prefixes: session.ask("want-ranges", nonce=nonce, prefixes=b"".join(ranges.prefix(*p) for p in prefixes))
        code, answers = await asks(bytes(16), (0, 0))
        assert (code, answers) == (messages.LIMIT, []), code

    async def audit(self):
        """SPEC 10.9: on a connection with good cursors nothing is compared, until one side audits."""
        session, _, _ = await self._meet(AHEAD)
        await until(lambda: self.node.store.cursors.get(session.peer), "a cursor")
        await asyncio.sleep(1.5)
        await session.bye(messages.CLOSED)
        session = await self.node.dial(self.way.addresses[0], self.way.node_key)
        await opened(session)
        await until(lambda: session.listed.is_set() and session.peer_listed.is_set(), "both listings")
        assert not {"want-ranges", "ranges"} & set(session.log), session.log
        store, pen = self.node.store, self.pens[-1]
        number = store.number
        pen.append(store, records.write("reflection", text="that nobody was told of"))
        store.number, store.logs[pen.log].number = number, 1
        assert [r[1] for r in await session.audit()] == [pen.log]
        await until(lambda: "want-run" in session.log, "it asks for what the audit told")
        assert session.log.count("want-run") == 1

    async def every_prefix(self):
        """Every answer of the daemon's to our own choice of prefixes is what we compute ourselves."""
        await self._meet(AHEAD)
        await asyncio.sleep(0.5)
        session, _, _ = await self._meet(cursors=True)
        assert "ranges" not in session.log, "the cursor was not good"
        nonce = self.node.rnd(16)
        items = session.items(nonce)
        asked = [(0, 0)] + [(1, n << 60) for n in range(16)] + [(2, n << 56) for n in range(64)] + [(15, items[0].place & ~15), (15, 0), (7, items[1].place >> 36 << 36)]
        code, answers = await session.ask("want-ranges", nonce=nonce, prefixes=b"".join(ranges.prefix(*p) for p in asked))
        assert code == messages.OK and len(answers) == 1
        assert answers[0][1]["bytes"] == ranges.answer(items, b"".join(ranges.prefix(*p) for p in asked)), "its answer is another"
        return f"{len(items)} items, {len(asked)} prefixes"

    async def malformed_ranges(self):
        """Whatever is no answer to what the daemon asked ends the connection with WIRE, and nothing else suffers."""
        for name, change in BAD_RANGES:
            asked = []

            def lie(s, change=change):
                send = s.channel.send

                def lying(message, /, **fields):
                    if message == "ranges":
                        asked.append(name)
                        for data in change(fields["bytes"]):
                            send(message, req=fields["req"], bytes=data)
                    else:
                        send(message, **fields)

                s.channel.send = lying

            session, _, _ = await self._meet(lie=lie)
            await asyncio.wait_for(session.ended.wait(), 10)
            assert asked and session.closed_with == ("got", messages.WIRE), f"{name}: {session.closed_with}"
        return f"{len(BAD_RANGES)} that are none"

    async def end(self):
        await ended_well(self.node)


BAD_RANGES = (
    ("a byte too few", lambda b: [b[:-1]]), ("a byte too many", lambda b: [b + b"\0"]), ("33 items", lambda b: [b"\x21" + bytes(8 * 33)]), ("254 items", lambda b: [b"\xfe" + bytes(8 * 254)]),
    ("not ascending", lambda b: [b"\2" + b"\2" * 8 + b"\1" * 8]), ("15 fingerprints", lambda b: [b"\xff" + bytes(8 * 15)]), ("two answers in one", lambda b: [b + b]),
    ("two messages", lambda b: [b, b]), ("no message", lambda b: []),
)


class Few:
    """Several nodes of ours at one daemon: parts of blobs, trees and notices."""

    def __init__(self, daemon):
        self.daemon = daemon

    async def _guest(self, name, listens=False):
        node = Node(self.network, name)
        if listens:
            await node.listen()
        s = await node.redeem(await call(self.daemon.invitation))
        await opened(s)
        self.nodes.append(node)
        return node, s

    async def redeem(self):
        text = await call(self.daemon.invitation)
        self.way = invitation.read(text)
        self.network, self.nodes = self.way.network, []
        self.theirs, _ = await call(self.daemon.identity)
        (self.a, self.sa), (self.b, self.sb) = await self._guest("a"), await self._guest("b")
        self.me = Author()
        begin(self.me, self.a)
        write(self.me, self.a, "first")
        self.b.follow(self.me.id)
        await call(self.daemon.follow, self.me.id)
        await eventually((self.daemon.length, self.me.log), 2, "the daemon has our log")
        await until(lambda: self.me.log in self.b.store.logs and len(self.b.store.logs[self.me.log].headers) == 2, "the other node has it through the daemon")
        assert "peers" in self.sa.log and "peers" in self.sb.log

    # ---- blobs in part ----

    def _attach(self, title):
        header, blob = self.a.changed(lambda: self.me.attach(self.a.store, CONTENT, title))
        del self.a.store.blobs[blob.root]
        return header, blob

    async def two_halves(self):
        """The daemon fetches one blob from two nodes, each of which holds every other chunk."""
        count = blobs.chunk_count(len(CONTENT))
        header, blob = self._attach("two halves")
        for node, first in ((self.a, 0), (self.b, 1)):
            node.store.partials[blob.root] = blobs.Partial.of(blob, range(first, count, 2))
        await eventually((self.daemon.file, self.me.log, header.seq), CONTENT, "the whole file", 30)
        asked = [s.log.count("want-chunks") for s in (self.sa, self.sb)]
        assert all(asked), asked
        return f"{count} chunks, {asked[0]} and {asked[1]} questions"

    async def as_it_arrives(self):
        """What the daemon has of a blob it hands on at once, and says so."""
        count = blobs.chunk_count(len(CONTENT))
        header, blob = self._attach("as it arrives")
        half = blobs.Partial.of(blob, range(count // 2))
        self.a.store.partials[blob.root] = half
        got = asyncio.ensure_future(eventually((self.daemon.file, self.me.log, header.seq), CONTENT, "the whole file", 40))
        await until(lambda: self.sa.log.count("want-chunks") >= 1, "it asks for the first half", 20)
        c, sc = await self._guest("c")
        c.follow(self.me.id)
        part = None
        for _ in range(50):
            part = blobs.Partial(blob.root)
            code, answers = await sc.ask("want-blob", root=blob.root)
            if code == messages.OK:
                break
            await asyncio.sleep(0.2)
        assert code == messages.OK, code
        fetching = asyncio.ensure_future(parts.fetch_from(c, [sc], blob.root))
        await until(lambda: len(c.store.partials.get(blob.root, part).chunks) == count // 2, "the first half through the daemon", 20)
        told = sc.log.count("have-chunks")
        assert told, "the daemon did not say what it has"
        half.chunks.update({i: blob.chunks[i] for i in range(count // 2, count)})
        await got
        whole = await fetching
        assert whole is not None and whole.plain(blob.key) == CONTENT
        await until(lambda: sc.parts_shown.get(blob.root, 0) is None, "it says that it has all")
        await c.stop()
        return f"{told} and then {sc.log.count('have-chunks') - told} have-chunks"

    async def wrong_parts(self):
        """have-chunks that do not fit: of an unknown blob ignored, of another WIRE or ignored; neither keeps the truth away."""
        header, blob = self._attach("wrong parts")
        self.a.store.partials[blob.root] = blobs.Partial.of(blob, [0])
        looking = asyncio.ensure_future(call(self.daemon.file, self.me.log, header.seq))
        await until(lambda: "want-blob" in self.sa.log and blob.root in self.sa.parts_told, "it looks for the blob", 20)
        for root, page, bits in ((bytes(32), 7, b"\xff"), (bytes(32), 1, b""), (blob.root, 0, b"\1" + bytes(4))):
            self.sa.channel.send("have-chunks", root=root, page=page, bits=bits)
        assert await self.sa.ping()
        for name, page, bits in (("too short", 0, b"\1"), ("too long", 0, bytes(6)), ("another page", 1, bytes(5))):
            self.sb.channel.send("have-chunks", root=blob.root, page=page, bits=bits)
            assert await asyncio.wait_for(self.sb.ping(), 10) or self.sb.closed_with == ("got", messages.WIRE), (name, self.sb.closed_with)
            if self.sb.ended.is_set():
                self.sb = await self.b.dial(self.way.addresses[0], self.way.node_key)
                await opened(self.sb)
        self.a.store.partials[blob.root].chunks.update(enumerate(blob.chunks))
        await eventually((self.daemon.file, self.me.log, header.seq), CONTENT, "the truth", 30)
        looking.cancel()

    # ---- trees ----

    async def we_prune(self):
        """On a link that we made lazy the daemon tells a row, later; we graft, and it is eager again."""
        self.a.follow(self.theirs)
        log, seq = await call(self.daemon.write, "eager", [])
        held = lambda: self.a.store.logs.get(log)
        await until(lambda: held() and len(held().headers) > seq, "its entry")
        log, seq = await call(self.daemon.write, "eager too", [])
        await until(lambda: len(held().headers) > seq, "its entry")
        tree = tree_of(log)
        self.sa.lazy.add(tree)
        self.sa.channel.send("prune", tree=tree)
        assert await self.sa.ping()
        runs, began = self.sa.runs_unasked, time.monotonic()
        log, seq = await call(self.daemon.write, "lazy", [])
        await until(lambda: len(held().headers) > seq, "its entry, by a row")
        took = time.monotonic() - began
        assert self.sa.runs_unasked == runs and tree not in self.sa.lazy and took >= 1, (self.sa.runs_unasked - runs, took)
        log, seq = await call(self.daemon.write, "eager again", [])
        await until(lambda: len(held().headers) > seq, "its entry")
        assert self.sa.runs_unasked == runs + 1
        return f"the lazy one took {took:.2f} s"

    async def it_prunes(self):
        """The daemon prunes who brings what it has already, and grafts when only that one has an entry."""
        tree, own = tree_of(self.me.log), self.b.store.logs[self.me.log]
        await until(lambda: len(own.headers) == len(self.a.store.logs[self.me.log].headers), "the log at both")
        write(self.me, self.a, "warm")
        await until(lambda: len(own.headers) == len(self.a.store.logs[self.me.log].headers), "the log at both")
        self.sb.lazy.discard(tree)
        links = (self.sa, self.sb)
        before = [s.log.count("prune") for s in links]
        header, _ = write(self.me, self.a, "at both")
        self._copy(header.seq)

        def pruned():  # whose run came second, which is not for us to say
            return [s for s, n in zip(links, before) if s.log.count("prune") > n]

        await until(pruned, "a prune")
        (lazy,) = pruned()
        (eager,) = (s for s in links if s is not lazy)
        assert tree in lazy.lazy
        # Now an entry that only the lazy side tells of.
        eager.flush_waiting = lambda _: None
        tell, eager._tell = eager._tell, never_tell
        header, _ = write(self.me, self.a, "by the lazy link")
        self._copy(header.seq)
        await eventually((self.daemon.text, self.me.log, header.seq), "by the lazy link", "the daemon fetches it")
        assert "graft" in lazy.log and tree not in lazy.lazy, lazy.log
        eager._tell = tell

    def _copy(self, seq):
        """The same entry comes to node b, in whatever way."""
        one, other = self.a.store.logs[self.me.log], self.b.store.logs[self.me.log]

        def put():
            other.put_run([one.headers[seq]], one.signatures[seq], [one.envelopes[seq]])
            other.bodies[seq] = one.bodies[seq]
            self.b.store.bump(other)

        self.b.changed(put)

    # ---- notices ----

    async def our_notice(self):
        """A notice of ours leads the daemon to follow and fetch."""
        self.a.follow(self.theirs)
        await until(lambda: self.a.store.keys(self.theirs) and self.a.store.keys(self.theirs).with_right(keyevents.HOSTING), "its hosting event")
        stranger = Author()
        begin(stranger, self.a)
        header, _ = write(stranger, self.a, "by notice", readers=[self.a.store.keys(self.theirs).reading_key()])
        await asyncio.sleep(0.5)
        assert await call(self.daemon.text, stranger.log, header.seq) is None
        assert self.a.tell_reader(self.theirs, stranger, header) == 1 and self.a.tell_reader(self.theirs, stranger, header) == 0
        await eventually((self.daemon.text, stranger.log, header.seq), "by notice", "the daemon opens what the notice told of")

    async def it_dials(self):
        """A notice that comes by one node names another, with which the daemon has no connection."""
        d, sd = await self._guest("d", listens=True)
        stranger = Author()
        begin(stranger, d)
        d.follow(self.theirs)
        await until(lambda: d.store.keys(self.theirs) and d.store.keys(self.theirs).with_right(keyevents.HOSTING), "its hosting event")
        header, _ = write(stranger, d, "by dialling", readers=[d.store.keys(self.theirs).reading_key()])
        await sd.bye(messages.CLOSED)
        assert d.tell_reader(self.theirs, stranger, header) == 1
        expires, sealed, _ = next(iter(k for k in d.notices.live().values() if k[2] is None))
        self.a.take_notice(expires, sealed, None)
        await eventually((self.daemon.text, stranger.log, header.seq), "by dialling", "the daemon dials and opens it", 30)
        await d.stop()

    async def its_notice(self):
        """The daemon seals to somebody who lives here; the notice leads us to it."""
        host, s = await self._guest("host")
        reader = Author()
        begin(reader, host)
        host.changed(lambda: host.store.add_events(reader.id, [host.host(reader)]))
        await call(self.daemon.follow, reader.id)
        await eventually((self.daemon.length, reader.log), 1, "the daemon knows the reader")
        assert self.theirs not in host.store.follows
        log, seq = await call(self.daemon.write, "for a reader elsewhere", [reader.id])
        await until(lambda: self.theirs in host.guests, "a notice that opens")
        said = host.guests[self.theirs]
        assert (said["log"], said["seq"], said["to"], said["node"]) == (log, seq, reader.id, s.peer), said
        assert all(len(k[1]) == notices.SEALED for k in host.notices.live().values())
        await until(lambda: log in host.store.logs and seq in host.store.logs[log].bodies, "the entry")
        found, ks = host.store.logs[log], host.store.keys(self.theirs)
        assert found.headers[seq].id == said["id"]
        record, _ = seal.open_body(found.bodies[seq], log, reader.reading.secret, [e.payload[0] for e in ks.events.values() if e.kind == keyevents.READING])
        assert records.read(record)[1]["text"] == "for a reader elsewhere"
        log, seq = await call(self.daemon.write, "who follows gets all", [reader.id])
        await until(lambda: log in host.store.logs and seq in host.store.logs[log].bodies, "the next entry")
        assert s.log.count("notice") == len(host.notices.live()), "another notice for one who follows"

    async def sums(self):
        """Whoever comes later gets the notices that are kept; what only the newcomer has goes the other way."""
        e, s = await self._guest("e")
        kept = set(self.a.notices.live())
        await until(lambda: kept <= set(e.notices.live()), "the notices that are kept")
        assert "notice-sum" in s.log, s.log
        await s.bye(messages.CLOSED)
        f, s = await self._guest("f")
        await s.bye(messages.CLOSED)
        stranger = Author()
        begin(stranger, f)
        f.store.add_events(self.theirs, list(self.a.store.keys(self.theirs).events.values()))
        header, _ = write(stranger, f, "by sum", readers=[f.store.keys(self.theirs).reading_key()])
        f.tell_reader(self.theirs, stranger, header)
        mine = next(i for i, k in f.notices.live().items() if k[2] is None)
        s = await f.dial(self.way.addresses[0], self.way.node_key)
        await opened(s)
        await eventually((self.daemon.text, stranger.log, header.seq), "by sum", "the daemon asks for the notice, and follows it")
        assert "notice-ids" in s.log and mine in self.a.notices.live(), "it was not passed on"
        return f"{len(kept)} kept"

    async def notices_that_are_none(self):
        """What does not open, or has expired or expires too late, does nothing, and costs nothing."""
        now, before = hour(), len(self.a.notices.live())
        for expires, sealed in ((now + 9, bytes(512)), (now + 9, self.b.rnd(49)), (now - 1, self.b.rnd(512)), (now, self.b.rnd(512)), (now + 2161, self.b.rnd(512)), (2**32 - 1, self.b.rnd(512))):
            self.sb.channel.send("notice", expires=expires, bytes=sealed)
        assert await self.sb.ping()
        await until(lambda: len(self.a.notices.live()) == before + 2, "those that may be somebody's are passed on")
        await asyncio.sleep(0.5)
        assert len(self.a.notices.live()) == before + 2, "one that has expired was passed on"

    async def end(self):
        for node in self.nodes:
            await ended_well(node)


async def never_tell(rows, top):
    """A listing that tells nothing more."""


STEPS = {Many: ("it_joins", "nothing_differs", "one_row_behind", "one_row_ahead", "twenty_rows", "key_events", "equal_after_all", "another_nonce", "every_prefix", "audit", "malformed_ranges", "end"),
         Few: ("redeem", "two_halves", "as_it_arrives", "wrong_parts", "we_prune", "it_prunes", "our_notice", "it_dials", "its_notice", "sums", "notices_that_are_none", "end")}


def run(tap, make, name, parties=(Many, Few)):
    """All steps of the parties, each against a daemon of its own."""
    for party in parties:
        steps = STEPS[party]
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        daemon = make()
        who = party(daemon)

        def check(what, act):
            tap.check(f"{name}: {party.__name__.lower()}: {what.replace('_', ' ')}", lambda: loop.run_until_complete(asyncio.wait_for(call(act), 120)))

        try:
            check("start", daemon.start)
            for step in steps:
                check(step, getattr(who, step))
        finally:
            check("stop", daemon.stop)
            loop.close()
