"""Fetching what a peer listed (SPEC 10.4 to 10.7), in the order in which it arrived, and blobs (SPEC 11)."""
import asyncio
import time

from . import blobs, entries, keyevents
from .gossip import tree_of
from .messages import OK, WIRE
from .store import Log

ASK_MAX, GRAFT_SECONDS = 65536, 1


async def commit_loop(s):
    """Takes what arrived, one after the other; a cursor moves when everything asked for is committed."""
    while True:
        kind, f = await s.arrived.get()
        if kind == "changes":
            for row in f["rows"]:
                if row[0] == 0:
                    await _keys_row(s, *row[1:4])
                elif f["last"] and _may_wait(s, row):
                    s.rows_waiting += 1
                    s.task(_row_that_waits(s, row))
                else:
                    await _log_row(s, *row[1:7])
                if row[0] == 1 and row[7:8] == [True]:
                    s.peer_whole[row[1]] = max(row[3], s.peer_whole.get(row[1], 0))
        elif kind == "run":
            await _live_run(s, f)
        else:
            _fork(s, f)
        if kind != "fork":
            _cursor(s, f["number"])
        if kind == "changes":
            if f["last"]:
                first = not s.peer_listed.is_set()
                s.peer_listed.set()
                s.wake.set()
                if first and s.answered_ranges:
                    await _untold_bodies(s)
            else:
                s.channel.send("more", number=f["number"])


def _cursor(s, number):
    """Stores a cursor, unless a row waits: then when none waits any more."""
    s.cursor_next = number
    if not s.rows_waiting and not s.passed_over:
        s.store.cursors[s.peer] = (s.hello["instance"], number)


def _may_wait(s, row):
    """Whether a row of an entry that is lacking came over a lazy link after the first listing (SPEC 19.3)."""
    local = s.store.logs.get(row[1])
    return (s.peer_listed.is_set() and tree_of(row[1]) in s.lazy and local is not None and _follows(s, row[2])
            and row[3] > local.length(s.store.closing(local)))


async def _row_that_waits(s, row):
    """For a second the entry may come another way; then the link is grafted."""
    log, length = row[1], row[3]
    local, tree = s.store.logs[log], tree_of(log)
    began = time.monotonic()
    while time.monotonic() < max(began, s.node.grafted.get(log, 0)) + GRAFT_SECONDS:
        if local.length(s.store.closing(local)) >= length:
            break
        await asyncio.sleep(0.02)
    else:
        if tree in s.lazy:
            s.lazy.discard(tree)
            s.node.grafted[log] = time.monotonic()
            s.channel.send("graft", tree=tree)
    await _log_row(s, *row[1:7])
    s.rows_waiting -= 1
    _cursor(s, s.cursor_next)


async def _untold_bodies(s):
    """Equal rows are not told, so bodies that are lacking are asked for (SPEC 10.8)."""
    common = (s.store.follow_sets.get(s.peer, set()) & s.store.follows) | {s.node.network}
    for local in [l for l in s.store.logs.values() if l.identity in common]:
        await _bodies(s, local, local.length(s.store.closing(local)))


def _fail(e):
    from .session import Close

    return Close(WIRE, str(e))


def _follows(s, identity):
    return identity in s.store.follows or identity == s.node.network


async def _keys_row(s, identity, count, digest):
    ks = s.store.keys(identity)
    if _follows(s, identity) and (ks is None or ks.row() != (count, digest)):
        await fetch_keys(s, identity)


async def fetch_keys(s, identity):
    _, answers = await s.ask("want-keys", by=0, key=identity)
    events = []
    for _, f in answers:
        try:
            events += [keyevents.Event(*pair) for pair in f["events"]]
        except keyevents.BadEvent as e:
            raise _fail(e) from None
    s.node.changed(lambda: s.store.add_events(identity, events))
    held = s.store.keys(identity)
    if events and (held is None or held.refused):
        raise _fail("a key event that is not valid")


async def _log_row(s, log, identity, length, last, erased, fork):
    if not _follows(s, identity):
        s.passed_over = True
        return
    event, in_force = s.store.device_of(log, identity)
    if event is None:
        await fetch_keys(s, identity)
        event, in_force = s.store.device_of(log, identity)
    if not in_force:
        return
    local = s.store.logs.get(log)
    if local is None:
        local = s.store.logs[log] = Log(log, identity, event.payload[0])
    s.peer_has[log] = max(length, s.peer_has.get(log, 0))
    if fork and (local.fork is None or local.fork["seq"] > fork - 1):
        _, answers = await s.ask("want-fork", log=log)
        for _, f in answers:
            _fork(s, f)
    closing = s.store.closing(local)
    if closing and (length, last) == closing[:2] and local.contradicts(closing):
        await _other_chain(s, local, closing)
    n = local.length(closing)
    if log in s.store.written and length > n:
        s.store.written.pop(log)
        s.node.rolled_back.add(log)
    while n < length:
        _, answers = await s.ask("want-run", log=log, first=n, end=min(length, n + ASK_MAX))
        for name, f in answers:
            if name == "run":
                await take_run(s, local, f)
        if local.length(s.store.closing(local)) <= n:
            break
        n = local.length(s.store.closing(local))
    if length and length <= len(local.headers) and local.headers[length - 1].id != last:
        await find_fork(s, local, length)
    await _bodies(s, local, min(length, n))
    if length == n and erased != local.row(s.store.closing(local))[5]:
        _, answers = await s.ask("want-erased", log=log, first=0)
        await _statements(s, local, [raw for _, f in answers for raw in f["statements"]])


async def _other_chain(s, local, closing):
    """The chain that the closing names, in place of the one that is held."""
    first = local.fork["seq"] if local.fork else 0
    _, answers = await s.ask("want-run", log=local.log, first=first, end=closing[0])
    trial = Log(local.log, local.identity, local.device_key)
    trial.headers = local.headers[:first]
    for _, f in [a for a in answers if a[0] == "run"]:
        try:
            run = entries.run_check(local.device_key, local.log, f["first"], f["headers"], f["signature"], {closing[1]})
        except entries.BadEntry as e:
            raise _fail(e) from None
        if f["first"] != len(trial.headers) or (f["first"] and run[0].prev != trial.headers[-1].id):
            return
        trial.put_run(run, f["signature"], [p[0] for p in f["parts"]])
    if len(trial.headers) >= closing[0] and not trial.contradicts(closing):
        local.cut(first)
        for _, f in [a for a in answers if a[0] == "run"]:
            await take_run(s, local, f)


async def _statements(s, local, listed):
    for raw in listed:
        try:
            st = entries.Statement(raw)
            custodian = entries.envelope_read(local.envelopes.get(st.seq, b"")).get("custodian")
            if st.by == 1 and custodian and s.store.keys(custodian) is None:
                await fetch_keys(s, custodian)
            s.node.changed(lambda raw=raw: local.put_statement(raw, s.store.keys) and s.store.bump(local))
        except entries.BadEntry as e:
            raise _fail(e) from None


async def _bodies(s, local, length):
    lacking = [q for q in local.lacking(length)]
    for i in range(0, len(lacking), 64):
        _, answers = await s.ask("want-bodies", log=local.log, seqs=lacking[i : i + 64])
        for _, f in answers:
            if f["log"] != local.log or f["seq"] not in lacking:
                raise _fail("a body that was not asked for")
            await _content(s, local, f["seq"], f["kind"], f["bytes"])


async def _content(s, local, seq, kind, data):
    if kind == 2:
        await _statements(s, local, [data])
        return
    try:
        s.node.changed(lambda: local.put_content(seq, kind, data, s.store.keys) and s.store.bump(local))
    except entries.BadEntry as e:
        raise _fail(e) from None


def _checked(s, local, f):
    run = entries.run_check(local.device_key, local.log, f["first"], f["headers"], f["signature"], local.vouched(s.store.closing(local)))
    for h, (envelope, kind, data) in zip(run, f["parts"]):
        entries.need(entries.envelope_hash(envelope) == h.envelope_hash, "envelope hash")
        entries.envelope_read(envelope)
        if kind == 1:
            entries.check_body(h, data)
    return run


async def take_run(s, local, f):
    """A run that was asked for, or not; False if it does not fit behind what is held."""
    try:
        entries.need(f["log"] == local.log, "log")
        run = _checked(s, local, f)
    except entries.BadEntry as e:
        raise _fail(e) from None
    first, held = f["first"], len(local.headers)
    if first > held:
        return False
    if (first and run[0].prev != local.headers[first - 1].id) or any(h.seq < held and local.headers[h.seq].id != h.id for h in run):
        await find_fork(s, local, min(held, run[-1].seq + 1))
        return True

    def put():
        before = len(local.headers)
        local.put_run(run, f["signature"], [p[0] for p in f["parts"]])
        if len(local.headers) > before:
            local.brought_by = s.peer
            s.store.bump(local)

    s.node.changed(put)
    for h, (_, kind, data) in zip(run, f["parts"]):
        await _content(s, local, h.seq, kind, data)
    return True


async def _live_run(s, f):
    local = s.store.logs.get(f["log"])
    before = len(local.headers) if local else 0
    fits = local is not None and await take_run(s, local, f)
    if local is not None:
        _judge_link(s, local, f, before)
    if not fits and local is not None:
        n = local.length(s.store.closing(local))
        _, answers = await s.ask("want-run", log=f["log"], first=n, end=f["first"] + len(f["parts"]))
        for name, g in answers:
            if name == "run":
                await take_run(s, local, g)
    if local is not None:
        s.peer_has[local.log] = max(s.peer_has.get(local.log, 0), f["first"] + len(f["parts"]))
        await _bodies(s, local, local.length(s.store.closing(local)))


def _judge_link(s, local, f, before):
    """An unasked run with something new makes a link eager, one with nothing new makes it lazy (SPEC 19.3)."""
    end, tree = f["first"] + len(f["parts"]), tree_of(local.log)
    if all(kind in (1, 2) for _, kind, _ in f["parts"]):
        s.peer_whole[local.log] = max(end, s.peer_whole.get(local.log, 0))
    if len(local.headers) > before:
        s.lazy.discard(tree)
    elif end <= before and local.brought_by not in (None, s.peer) and tree not in s.lazy:
        s.lazy.add(tree)
        s.channel.send("prune", tree=tree)


def _fork(s, f):
    local = s.store.logs.get(f["log"])
    if local is None or (local.fork and local.fork["seq"] <= f["seq"]):
        return
    try:
        entries.fork_check(local.device_key, local.log, f["seq"], f["headers_a"], f["signature_a"], f["headers_b"], f["signature_b"])
    except entries.BadEntry as e:
        raise _fail(e) from None
    s.node.found_fork(local, {k: v for k, v in f.items() if k not in ("req", "log")}, s)


async def find_fork(s, local, common):
    """The first seq below common at which the peer's chain and ours differ, and its proof."""
    low, high = 0, common
    while low < high:
        step = max(1, (high - low) // 64)
        seqs = list(range(low, high, step))[:64]
        _, answers = await s.ask("probe", log=local.log, seqs=seqs)
        ids = [i for _, f in answers for i in f["ids"]]
        if len(ids) != len(seqs):
            return
        good = [q for q, i in zip(seqs, ids) if i == local.id_at(q)]
        bad = [q for q, i in zip(seqs, ids) if i and i != local.id_at(q)]
        low = max(good, default=low - 1) + 1
        high = min(bad, default=high)
        if step == 1 and (not bad or low == high):
            break
    if low >= len(local.headers):
        return
    code, answers = await s.ask("want-run", log=local.log, first=low, end=low + 1)
    signed = min((q for q in local.signatures if q >= low), default=None)
    if code != OK or not answers or signed is None:
        return
    theirs = answers[-1][1]
    mine = b"".join(h.raw for h in local.headers[low : signed + 1])
    _fork(s, {"log": local.log, "seq": low, "headers_a": mine, "signature_a": local.signatures[signed], "headers_b": theirs["headers"],
              "signature_b": theirs["signature"]})


async def fetch_blob(s, root):
    """A Partial that holds the whole blob, or None."""
    code, answers = await s.ask("want-blob", root=root)
    if code != OK or not answers:
        return None
    b = blobs.Partial(root)
    if not b.take_pages(*(answers[0][1][k] for k in ("owner", "size", "pages"))):
        raise _fail("pages")
    for page in range(len(b.pages)):
        _, answers = await s.ask("want-leaves", root=root, page=page)
        if not answers or not b.take_leaves(page, answers[0][1]["leaves"]):
            raise _fail("leaves")
    count = blobs.chunk_count(b.size)
    for first in range(0, count, 16):
        _, answers = await s.ask("want-chunks", root=root, first=first, count=min(16, count - first))
        for _, f in answers:
            if not b.take_chunk(f["index"], f["bytes"]):
                raise _fail("chunk")
    return b
