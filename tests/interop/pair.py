"""Two and three nodes of this implementation against each other, over loopback."""
import asyncio
import copy
import traceback

from quirepy import channel, entries, fetch, invitation, keyevents, messages, records, seal
from quirepy.author import Author
from quirepy.node import Node
from quirepy.prim import Random, ZERO32, x_public


async def until(condition, what, seconds=15):
    for _ in range(int(seconds * 50)):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"never: {what}")


class Net:
    """Nodes of one network; the first invites the others."""

    def __init__(self):
        self.owner = Author(4)
        self.nodes = []

    async def node(self, name, network=None):
        n = Node(network or self.owner.id, name)
        await n.listen()
        if not self.nodes:
            self.owner.begin(n.store)
        self.nodes.append(n)
        return n

    async def pair(self):
        a, b = await self.node("a"), await self.node("b")
        s = await b.redeem(a.invite())
        await opened(s)
        return a, b, s

    async def stop(self):
        for n in self.nodes:
            await n.stop()


async def opened(s):
    waits = [asyncio.ensure_future(e.wait()) for e in (s.opened, s.ended)]
    await asyncio.wait(waits, timeout=12, return_when=asyncio.FIRST_COMPLETED)
    assert s.opened.is_set(), f"not opened: {s.closed_with}"


async def refused(session, code):
    await asyncio.wait_for(session.ended.wait(), 12)
    assert session.closed_with == ("got", code), session.closed_with


def write(author, node, text, **more):
    return node.changed(lambda: author.append(node.store, records.write("reflection", text=text), **more))


def begin(author, node):
    node.changed(lambda: author.begin(node.store))


def text_of(node, log, seq):
    found = node.store.logs.get(log)
    record = found.record(seq) if found and seq < len(found.headers) else None
    return record[1].get("text") if record else None


async def redeem_and_sync(net):
    a, b, s = await net.pair()
    assert s.welcome == ("a", [])
    alice, bob = Author(), Author()
    begin(alice, a)
    begin(bob, b)
    write(alice, a, "clear")
    sealed, key = write(alice, a, "for bob", readers=[bob.reading.public])
    _, blob = a.changed(lambda: alice.attach(a.store, b"q" * 150000, "a file", readers=[bob.reading.public]))
    a.follow(bob.id)
    b.follow(alice.id)
    await until(lambda: text_of(b, alice.log, 1) == "clear", "clear entry")
    log = b.store.logs[alice.log]
    await until(lambda: len(log.bodies) == 4, "bodies")
    ks = b.store.keys(alice.id)
    record, content_key = seal.open_body(log.bodies[sealed.seq], alice.log, bob.reading.secret, [ks.reading_key()])
    assert records.read(record)[1]["text"] == "for bob" and content_key == key
    record, _ = seal.open_body(log.bodies[3], alice.log, bob.reading.secret, [ks.reading_key()])
    pin = records.read(record)[1]["blobs"][0]
    assert (pin["root"], pin["size"]) in entries.envelope_read(log.envelopes[3])["blobs"]
    got = await fetch.fetch_blob(s, pin["root"])
    assert got.owner == alice.id and got.plain(pin["key"]) == b"q" * 150000
    await until(lambda: bob.log in a.store.logs and len(a.store.logs[bob.log].bodies) == 1, "bob's entry 0")
    assert a.store.logs[bob.log].record(0)[1]["event"] == bob.device_event.id
    assert net.owner.log in b.store.logs and b.store.keys(net.owner.id).events[net.owner.id].payload[0] == 4
    assert await s.ping()
    # Live: what is written now arrives as a run that was not asked for.
    live = a.sessions[0]
    before = s.log.count("run")
    write(alice, a, "live")
    await until(lambda: text_of(b, alice.log, 4) == "live", "live entry")
    write(bob, b, "live too")
    await until(lambda: text_of(a, bob.log, 1) == "live too", "live entry back")
    assert s.log.count("run") > before and live.log.count("want-run") <= 3, live.log


async def equal_nodes(net):
    a, b, s = await net.pair()
    alice = Author()
    begin(alice, a)
    b.follow(alice.id)
    await until(lambda: alice.log in b.store.logs and len(b.store.logs[alice.log].bodies) == 1, "entry 0")
    await until(lambda: b.store.cursors[a.key][1] == a.store.number and a.store.cursors[b.key][1] == b.store.number, "cursors")
    await s.bye(messages.CLOSED)
    again = await b.dial(a.addresses[0], a.key)
    await opened(again)
    assert await again.ping()
    said = [[m for m in s.log if m != "peers"] for s in (again, a.sessions[0])]
    assert said == [["hello", "pong"], ["hello", "ping"]], said
    await again.bye(messages.CLOSED)
    # A restarted node owes one empty listing, no more.
    await a.stop()
    a2 = a.restarted()
    net.nodes.append(a2)
    await a2.listen()
    third = await b.dial(a2.addresses[0], a2.key)
    await opened(third)
    await asyncio.wait_for(third.peer_listed.wait(), 5)
    assert [n for n in third.log if n not in ("hello", "peers")] == ["changes"], third.log
    write(alice, a2, "after the restart")
    await until(lambda: text_of(b, alice.log, 1) == "after the restart", "entry after the restart")


async def replaced_database(net):
    a, b, s = await net.pair()
    alice = Author()
    begin(alice, a)
    b.follow(alice.id)
    for n in range(5):
        write(alice, a, f"entry {n}")
    await until(lambda: text_of(b, alice.log, 5) == "entry 4", "entries")
    await s.bye(messages.CLOSED)
    await a.stop()
    fresh = Node(a.network, "a", a.secret)
    fresh.join(b.key)
    fresh.store.follows |= {alice.id, net.owner.id}
    net.nodes.append(fresh)
    await fresh.listen()
    await opened(await b.dial(fresh.addresses[0], fresh.key))
    await until(lambda: text_of(fresh, alice.log, 5) == "entry 4", "the entries come back")


async def rolled_back(net):
    a, b, s = await net.pair()
    alice = Author()
    begin(alice, a)
    b.follow(alice.id)
    write(alice, a, "one")
    await until(lambda: text_of(b, alice.log, 1) == "one", "first entries")
    await s.bye(messages.CLOSED)
    old = copy.deepcopy(a.store)
    again = await b.dial(a.addresses[0], a.key)
    await opened(again)
    write(alice, a, "two")
    await until(lambda: text_of(b, alice.log, 2) == "two", "an entry after the copy")
    await again.bye(messages.CLOSED)
    await a.stop()
    a.store = old
    back = a.restarted()
    net.nodes.append(back)
    await back.listen()
    await opened(await b.dial(back.addresses[0], back.key))
    await until(lambda: text_of(back, alice.log, 2) == "two", "what was lost comes back")
    assert alice.log in back.rolled_back and alice.log not in back.store.written
    try:
        write(alice, back, "never")
    except ValueError:
        return
    raise AssertionError("a rolled back log was written to")


async def cut_while_withheld(net):
    """The withheld row of one's own log is not lost by a cut (SPEC 10.5)."""
    a, b, s = await net.pair()
    alice, other = Author(), Author()
    begin(alice, a)
    a.changed(lambda: other.begin(a.store))
    a.store.written.pop(other.log)
    b.store.follows |= {alice.id, other.id}
    await s.bye(messages.CLOSED)
    # B never completes its listing: its answer to want-follows comes, its changes do not.
    held = await b.dial(a.addresses[0], a.key)
    held._list = never
    await opened(held)
    await until(lambda: other.log in b.store.logs and b.store.logs[other.log].bodies, "the other log")
    await asyncio.sleep(0.2)
    assert alice.log not in b.store.logs, "a withheld row was listed"
    code, _ = await held.ask("want-run", log=alice.log, first=0, end=1)
    assert code == messages.STATE, code
    held.channel.close()
    await asyncio.wait_for(held.ended.wait(), 5)
    await opened(await b.dial(a.addresses[0], a.key))
    await until(lambda: alice.log in b.store.logs and b.store.logs[alice.log].bodies, "the log that was withheld")


async def never():
    await asyncio.Event().wait()


async def long_log(net):
    a, b, s = await net.pair()
    alice = Author()
    begin(alice, a)
    for n in range(200):
        write(alice, a, "x" * (30 * n))
    b.follow(alice.id)
    await until(lambda: alice.log in b.store.logs and len(b.store.logs[alice.log].bodies) == 201, "201 entries")
    assert all(q in b.store.logs[alice.log].signatures for q in (63, 127, 191, 200))
    # A third node fetches from the second, which has fewer signatures.
    c = await net.node("c")
    c.follow(alice.id)
    t = await c.redeem(b.invite())
    await opened(t)
    await until(lambda: alice.log in c.store.logs and len(c.store.logs[alice.log].bodies) == 201, "the third node")


async def many_rows(net):
    a, b, s = await net.pair()
    authors = [Author() for _ in range(150)]
    for x in authors:
        begin(x, a)
    b.store.follows |= {x.id for x in authors}
    await s.bye(messages.CLOSED)
    again = await b.dial(a.addresses[0], a.key)
    await opened(again)
    await until(lambda: all(x.log in b.store.logs and b.store.logs[x.log].bodies for x in authors), "300 rows", 60)
    assert again.log.count("changes") >= 2


async def forks(net):
    a, b, s = await net.pair()
    alice = Author()
    begin(alice, a)
    write(alice, a, "shared")
    b.follow(alice.id)
    await until(lambda: text_of(b, alice.log, 1) == "shared", "shared entries")
    # The device writes two chains: one at A, one at B.
    b.store.written[alice.log] = alice
    await s.bye(messages.CLOSED)
    for n in range(3):
        write(alice, a, f"at A {n}")
        write(alice, b, f"at B {n}")
    a.store.written.clear()
    b.store.written.clear()
    a.store.follows.add(alice.id)
    again = await b.dial(a.addresses[0], a.key)
    await opened(again)
    la, lb = a.store.logs[alice.log], b.store.logs[alice.log]
    await until(lambda: la.fork and lb.fork, "a proven fork on both")
    assert la.fork["seq"] == lb.fork["seq"] == 2 and la.length() == lb.length() == 2
    assert la.row(None) == lb.row(None)
    # A newcomer fetches proof and prefix, though nobody may have a signature of entry 1.
    for log in (la, lb):
        log.signatures.pop(1, None)
    c = await net.node("c")
    c.follow(alice.id)
    await opened(await c.redeem(b.invite()))
    await until(lambda: text_of(c, alice.log, 1) == "shared", "the prefix at a third node")
    assert c.store.logs[alice.log].fork["seq"] == 2
    # The owner closes at B's chain.
    close = alice.write(keyevents.CLOSE, [alice.device.public, 4, lb.headers[3].id, 0])
    b.changed(lambda: b.store.add_events(alice.id, [close]))
    assert lb.length(b.store.closing(lb)) == 4
    await until(lambda: text_of(a, alice.log, 3) == "at B 1" and text_of(c, alice.log, 3) == "at B 1", "the chain that the closing names")
    await until(lambda: la.row(a.store.closing(la))[:7] == lb.row(b.store.closing(lb))[:7] == [1, la.log, alice.id, 4, close.payload[2], ZERO32, 3], "equal rows")


async def erasure(net):
    a, b, s = await net.pair()
    alice, school = Author(), Author(1)
    begin(alice, a)
    begin(school, a)
    b.follow(alice.id)
    write(alice, a, "to be erased")
    write(alice, a, "by the school", custodian=school.id)
    write(alice, a, "kept", flags=entries.KEEP)
    await until(lambda: text_of(b, alice.log, 3) == "kept", "entries")
    log = a.store.logs[alice.log]
    a.changed(lambda: alice.erase(a.store, log, 1))
    a.changed(lambda: school.erase(a.store, log, 2, by=1))
    there = b.store.logs[alice.log]
    await until(lambda: set(there.statements) == {1, 2} and set(there.bodies) == {0, 3}, "the erasures")
    assert there.row(None) == log.row(None)
    try:
        alice.erase(a.store, log, 3)
    except entries.BadEntry:
        pass
    else:
        raise AssertionError("a kept entry was erased")
    # A third node that never had the bodies gets the statements in their place.
    c = await net.node("c")
    c.follow(alice.id)
    await opened(await c.redeem(b.invite()))
    await until(lambda: alice.log in c.store.logs and set(c.store.logs[alice.log].statements) == {1, 2}, "statements at a third node")


async def direct_logs(net):
    a, b, s = await net.pair()
    c = await net.node("c")
    t = await c.redeem(a.invite())
    await opened(t)
    alice = Author(direct=[b.key])
    begin(alice, a)
    b.follow(alice.id)
    c.follow(alice.id)
    await until(lambda: alice.log in b.store.logs and b.store.logs[alice.log].bodies, "the direct log where it is named")
    await until(lambda: c.store.keys(alice.id), "the keys at the other")
    await asyncio.sleep(0.2)
    assert alice.log not in c.store.logs
    for name, fields in (("want-run", {"first": 0, "end": 1}), ("want-bodies", {"seqs": [0]}), ("probe", {"seqs": [0]}), ("want-fork", {}), ("want-erased", {"first": 0})):
        code, answers = await t.ask(name, log=alice.log, **fields)
        assert (code, answers) == (messages.NOT_FOUND, []), (name, code)


async def invitations(net):
    a, b, s = await net.pair()
    c = await net.node("c")
    one = a.invite(uses=1)
    await opened(await c.redeem(one))
    d = await net.node("d")
    await refused(await d.redeem(one), messages.USED)
    await refused(await d.redeem(a.invite(hours=0)), messages.EXPIRED)
    await refused(await d.dial(a.addresses[0], a.key), messages.REFUSED)
    forged = invitation.read(d.invite())
    forged.node_key, forged.addresses = a.key, a.addresses
    await refused(await d.redeem(forged.write()), messages.REFUSED)
    # The welcome was lost: the same node redeems again, and it costs no use.
    await c.sessions[0].bye(messages.CLOSED)
    again = await c.redeem(one)
    await opened(again)
    assert again.welcome


async def admission(net):
    """A node that the network admits is a member everywhere; one whose admission ended is no more."""
    a, b, s = await net.pair()
    c = Node(net.owner.id, "c")
    record = records.write("admission", node=c.key, name="c")
    header, _ = a.changed(lambda: net.owner.append(a.store, record))
    await until(lambda: b.is_member(c.key), "the admission at b")
    c.join(b.key)
    first = await c.dial(b.addresses[0], b.key)
    await opened(first)
    await first.bye(messages.CLOSED)
    a.changed(lambda: net.owner.append(a.store, records.write("admission-end", of=[header.log, header.seq, header.id])))
    await until(lambda: not b.is_member(c.key), "the end at b")
    await refused(await c.dial(b.addresses[0], b.key), messages.REFUSED)
    await opened(await c.redeem(b.invite()))


async def twice(net):
    """A second connection with one key, and a second node with one key."""
    a, b, s = await net.pair()
    second = await b.dial(a.addresses[0], a.key)
    await opened(second)
    await asyncio.wait_for(s.ended.wait(), 5)
    assert s.closed_with[1] == messages.DUPLICATE and await second.ping()
    clone = Node(net.owner.id, "clone", b.secret)
    clone.join(a.key)
    third = await clone.dial(a.addresses[0], a.key)
    await asyncio.wait_for(third.ended.wait(), 5)
    assert not [x for x in third.log if x.startswith("clone")] and third.closed_with == ("got", messages.DUPLICATE), (third.log, third.closed_with)
    assert await second.ping()
    fourth = await clone.dial(a.addresses[0], a.key)  # the first is known to be there by now
    await asyncio.wait_for(fourth.ended.wait(), 5)
    assert f"clone {b.instance.hex()}" in fourth.log and fourth.closed_with == ("got", messages.DUPLICATE), (fourth.log, fourth.closed_with)
    await until(lambda: f"clone {clone.instance.hex()}" in second.log, "the first one is told")


async def other_network(net):
    a, b, s = await net.pair()
    c = Node(bytes(32), "c")
    for node, key in ((c, a.key), (Node(net.owner.id), b.key)):
        try:
            await node.dial(a.addresses[0], key)
        except channel.Cut:
            continue
        raise AssertionError("a handshake succeeded")


async def rekeying(net):
    """More than 2,048 frames each way."""
    a, b, s = await net.pair()
    s.on_pong = lambda token: None
    for _ in range(2100):
        s.channel.send("ping", token=1)
        await s.channel.flush()
    await until(lambda: s.log.count("pong") == 2100, "2,100 answers")
    del s.on_pong
    assert await s.ping() and s.channel.sender.nonce > 2048


SCENES = (redeem_and_sync, equal_nodes, replaced_database, rolled_back, cut_while_withheld, long_log, many_rows, forks, erasure, direct_logs, invitations,
          admission, twice, other_network, rekeying)


async def _scene(scene):
    net = Net()
    try:
        note = await asyncio.wait_for(scene(net), 90)
    finally:
        for fault in [f for n in net.nodes for f in n.faults]:
            traceback.print_exception(fault)
        await net.stop()
    assert not any(n.faults for n in net.nodes), "a session failed"
    return note


def run(tap):
    for scene in SCENES:
        tap.check("two nodes: " + scene.__name__.replace("_", " "), lambda scene=scene: asyncio.run(_scene(scene)))
