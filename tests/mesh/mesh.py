#!/usr/bin/env python3
"""A mesh of real daemons over bad lines: mesh.py NODES SEED, in the networks that `run` makes.

Everybody joins by an invitation of one node and finds the others by itself. Authors write all the time; everyone follows some of them. Networks
are parted, nodes are killed, one home is put back from a copy. Then all is healed, and every follower must have what the authors were told."""
import asyncio
import hashlib
import os
import random
import signal
import sys
import time
import traceback

from nodes import RSS_MAX_KIB, SANITIZED, Lines, Node, Wrong, ok, say
from truth import Truth

# Limits are far above what is seen; they only end what would never end.
SLOW = 4 if SANITIZED else 1
MEET_S, SOURCES_S, CONVERGE_S = 120 * SLOW, 150 * SLOW, 300 * SLOW


class Size:
    """How long a run is."""

    def __init__(self, nodes):
        small = nodes <= 12
        self.authors = max(4, nodes // 3 + 1)
        self.acts = ("halves", "kill", "one_way", "few", "alone", "kill", "restore") if small else (
            "halves", "kill", "one_way", "kill", "alone", "few", "kill", "halves_hang", "restore", "kill", "halves", "kill", "one_way")
        self.part_s = 1.5 if small else 10
        self.between_s = 0.5 if small else 4
        self.write_mean_s = 0.5 if small else 1.5
        self.trouble_mean_s = 1.0 if small else 0.5
        self.redial_max_s = 2 if small else 5
        self.followed = (3, 4) if small else (3, 6)


class Mesh:
    def __init__(self, n, seed):
        self.seed, self.chance, self.size = seed, random.Random("mesh %d" % seed), Size(n)
        authors = {0, *self.chance.sample(range(1, n), self.size.authors - 1)}
        self.nodes = [Node(i, i in authors) for i in range(n)]
        self.authors = [x for x in self.nodes if x.author]
        self.lines, self.truth = Lines(), Truth()
        self.paused = set()  # authors that do not write now
        self.writing = True
        self.times = {}  # node: seconds from healing until it had everything
        self.said = 0  # how often a node said rightly what is missing

    async def all(self, do, nodes=None):
        await asyncio.gather(*(do(x) for x in nodes or self.nodes))

    # ---- the beginning

    async def begin(self):
        await self.all(lambda x: x.make(self.size.redial_max_s))
        await self.lines.start(self.seed, len(self.nodes))
        await self.all(lambda x: x.start())
        first = self.nodes[0]
        said = await first.ask("peer", "invite", "--uses", str(len(self.nodes)))
        await self.all(lambda x: x.ask("peer", "join", said["invitation"]), self.nodes[1:])
        low, high = self.size.followed
        for x in self.nodes:
            others = [a.id for a in self.authors if a is not x]
            x.follows = self.chance.sample(others, min(len(others), self.chance.randint(low, high)))
        await self.all(self.follow)
        started = time.monotonic()
        await self.until(self.has_neighbours, MEET_S, "neighbours")
        ok("all %d were invited by one and found neighbours by themselves, %.0f s later" % (len(self.nodes), time.monotonic() - started))

    async def follow(self, x):
        for identity in x.follows:
            await x.ask("follow", "add", identity)

    async def connected(self, x):
        said = await x.ask("peer", "list")
        return sum(p["connected"] for p in said["items"]) if said else 0

    async def has_neighbours(self, x):
        # SPEC 19.1: at least 5, and all while it knows how to reach no more than 8
        n = await self.connected(x)
        return "" if n >= min(5, len(self.nodes) - 1) else "%d connections" % n

    async def until(self, holds, limit_s, what, nodes=None):
        """holds(node) is "", or says what is missing."""
        wanting, end = {x: "not asked" for x in nodes or self.nodes}, time.monotonic() + limit_s
        while wanting:
            for x, why in zip(list(wanting), await asyncio.gather(*(holds(x) for x in wanting))):
                wanting[x] = why
                if not why:
                    del wanting[x]
            if wanting and time.monotonic() > end:
                raise Wrong("%s, %d s later: %s" % (what, limit_s, "; ".join("%s: %s" % (x.name, w) for x, w in wanting.items())))
            if wanting:
                await asyncio.sleep(0.3)

    # ---- all the time

    async def write(self, author):
        chance, n = random.Random("author %d %d" % (self.seed, author.i)), 0
        while self.writing:
            await asyncio.sleep(chance.expovariate(1 / self.size.write_mean_s))
            if author in self.paused or not author.up() or not self.writing:
                continue
            n += 1
            what = {"text": "%s, entry %d" % (author.name, n), "private": chance.random() < 0.25, "sizes": []}
            words, data = ["reflection", "add", "--text", "-"], what["text"].encode()
            if chance.random() < 0.2:
                data = chance.randbytes(int(10 ** chance.uniform(2, 5.3)))
                what.update(sizes=[len(data)], digest=hashlib.sha256(data).hexdigest())
                path = author.home + ".file"
                with open(path, "wb") as f:
                    f.write(data)
                words, data = ["artifact", "add", path, "--title", what["text"], "--kind", "data", "--depicts", "nobody"], b""
            said = await author.act(*words, "--to", "private" if what["private"] else "public", stdin=data)
            if said:
                self.truth.write(author.id, said["ref"], said["id"], what)
            else:
                self.truth.perhaps.setdefault(author.id, []).append(what)

    async def look(self):
        """Somebody's copy of somebody, all the time: what is wrong ends the run."""
        chance = random.Random("look %d" % self.seed)
        while self.writing:
            await asyncio.sleep(0.5)
            x = chance.choice(self.nodes)
            x.alive()
            if x.up() and x.follows:
                x.measure()
                await self.truth.entries(x, chance.choice(x.follows))

    # ---- what happens

    async def sources(self, x, reach):
        """While it reaches only these, exactly what none of them has is said to be without a source."""
        near = {a for y in reach if y is not x and y.up() for a in (*y.follows, y.id)}
        lacking = {a for a in x.follows if a not in near}
        said = await x.ask("node", "status")
        if said is None:
            return "stopped"
        named = {i["id"] for i in said["without_source"]["items"]}
        if named != lacking or said["without_source"]["count"] != len(lacking):
            return "says %s instead of %s" % (sorted(n[:8] for n in named), sorted(n[:8] for n in lacking))
        words = "%d followed %s no connected source now" % (len(lacking), "identity has" if len(lacking) == 1 else "identities have")
        if not lacking:
            words = "Everything that is followed here has a connected source."
        if words not in said["sources"] or (lacking and not any(n[:8] in said["sources"] for n in lacking)):
            raise Wrong("%s says: %s; it should say: %s" % (x.name, said["sources"], words))
        _, out, _ = await x.raw("node", "status")
        if lacking and words not in " ".join(out.decode().split()):
            raise Wrong("%s: quire node status does not say what is missing: %s" % (x.name, out.decode()))
        self.said += bool(lacking)
        return ""

    async def part(self, groups):
        await self.lines.order("trouble", mean_s=0)
        await self.lines.part([[x.i for x in g] for g in groups])
        for g in groups:
            await self.until(lambda x, g=g: self.sources(x, g), SOURCES_S, "what is said to be without a source", g)
        await self.lines.order("trouble", mean_s=self.size.trouble_mean_s)
        await asyncio.sleep(self.size.part_s)

    async def heal(self):
        await self.lines.order("heal")

    def split(self, n):
        shuffled = self.chance.sample(self.nodes, len(self.nodes))
        return shuffled[:n], shuffled[n:]

    async def halves(self):
        await self.part(self.split(len(self.nodes) // 2))
        await self.heal()

    async def few(self):
        await self.part(self.split(2 if len(self.nodes) <= 12 else 3))
        await self.heal()

    async def alone(self):
        await self.part(self.split(1))
        await self.heal()

    async def halves_hang(self):
        """Nobody is told: the lines stand still."""
        a, b = self.split(len(self.nodes) // 2)
        await self.lines.part([[x.i for x in a], [x.i for x in b]], hang=True)
        await asyncio.sleep(self.size.part_s * 2)
        await self.heal()

    async def one_way(self):
        a, b = self.split(self.chance.randint(1, len(self.nodes) // 2))
        await self.lines.one_way([x.i for x in a], [x.i for x in b])
        await asyncio.sleep(self.size.part_s * 2)
        await self.heal()

    async def kill_one(self, x, pause_s):
        async with x.lock:
            await x.stop(signal.SIGKILL)
            await asyncio.sleep(pause_s)
            await x.start()

    async def kill(self):
        some = self.chance.sample(self.nodes, max(2, len(self.nodes) // 6))
        pauses = [self.chance.uniform(0, 2) for _ in some]
        await asyncio.gather(*(self.kill_one(x, p) for x, p in zip(some, pauses)))

    async def save(self):
        """A copy of one author's home, from before most of what it will write."""
        self.victim = self.chance.choice(self.authors[1:])
        async with self.victim.lock:
            await self.victim.stop()
            self.victim.copy()
            await self.victim.start()

    async def restore(self):
        """The home is lost and put back from the copy. What others have comes back; and it goes on in a new log."""
        x = self.victim
        self.paused.add(x)
        await asyncio.sleep(0.5)
        followers = [y for y in self.nodes if x.id in y.follows]

        async def spread(_):
            have = [await self.truth.entries(y, x.id) for y in followers]
            complete = [h for h in have if h and all(r in h and all(b["complete"] for b in h[r]["blobs"]) for r in self.truth.told.get(x.id, {}))]
            return "" if complete else "nobody has all of it"

        await self.until(spread, CONVERGE_S, "what the lost node wrote", [x])
        async with x.lock:
            await x.stop(signal.SIGKILL)
            x.put_back()
            await x.start()
            said = await x.ask("node", "status")
            if not said["restored"]:
                raise Wrong("%s does not see that its home was put back" % x.name)
        self.paused.discard(x)

    # ---- the end

    async def complete(self, x):
        x.alive()
        x.measure()
        for identity in x.follows:
            if identity not in self.complete_now[x]:
                why = await self.truth.follower(x, identity, *self.whole[identity])
                if why:
                    return "of %s %s" % (identity[:8], why)
                self.complete_now[x].add(identity)
        self.times[x] = time.monotonic() - self.healed
        return ""

    async def author_whole(self, x):
        whole, why = await self.truth.author(x)
        if whole:
            self.whole[x.id] = whole
        return why

    async def converge(self):
        self.healed, self.whole, self.complete_now = time.monotonic(), {}, {x: set() for x in self.nodes}
        await self.until(self.author_whole, CONVERGE_S, "what authors have of their own", self.authors)
        ok("every author has what it was told: %d entries" % sum(len(t) for t in self.truth.told.values()))
        await self.until(self.complete, CONVERGE_S, "what followers have")
        ok("every follower has exactly that, %.0f s after healing; %d entries compared on the way" % (max(self.times.values()), self.truth.checked))
        await self.until(lambda x: self.sources(x, self.nodes), SOURCES_S, "what is said to be without a source")
        ok("nobody says that something has no source; when parted, %d times a node said in words what had none" % self.said)
        fetched = 0
        for x in self.nodes:
            fetched += await self.truth.files(x, self.chance.choice(x.follows), self.chance)
        ok("files are what they were: %d fetched and compared" % fetched)

    async def examine(self, x):
        said = await x.ask("doctor", good=(0, 6))  # 6: it found an error, which is told below
        x.doctor = [i for i in said["items"] if i["level"] != "ok"]
        if said["errors"] or (x.doctor and not x.restored):
            raise Wrong("%s: quire doctor: %s" % (x.name, x.doctor))
        x.links = await self.connected(x)

    async def end(self):
        figures = await self.lines.order("trouble", mean_s=0)
        await self.all(self.examine)
        ok("quire doctor finds nothing")
        await self.all(lambda x: x.stop())
        complaints = [(x.name, c) for x in self.nodes for c in x.complaints()]
        if complaints:
            raise Wrong("in the logs: %s" % complaints[:6])
        ok("no error, no honest peer blamed, and no fork in the logs")
        ok("no daemon took more than %d MiB of memory (%d at the most)" %
           (RSS_MAX_KIB >> 10, max(x.rss_kib for x in self.nodes) >> 10))
        self.table(figures)

    def table(self, figures):
        say("# node    writes follows  s to converge  connections  KiB out    KiB in  starts  peak MiB")
        for x in self.nodes:
            say("# %s %6d %7d %14.1f %12d %8d %9d %7d %9.1f" % (
                x.name, len(self.truth.told.get(x.id, {})), len(x.follows), self.times[x], x.links, figures["out"][x.i] >> 10,
                figures["in"][x.i] >> 10, x.starts, x.rss_kib / 1024))
        say("# lines: %(opened)d opened, %(cuts)d cut, %(stalls)d stalled, %(refused)d refused" % figures)

    async def run(self):
        await self.begin()
        busy = [asyncio.create_task(self.write(a)) for a in self.authors] + [asyncio.create_task(self.look())]
        story = asyncio.create_task(self.story())
        done, _ = await asyncio.wait([story, *busy], return_when=asyncio.FIRST_EXCEPTION)
        for t in done:
            t.result()
        await self.converge()
        await self.end()

    async def story(self):
        await self.save()
        await self.lines.order("trouble", mean_s=self.size.trouble_mean_s)
        for act in self.size.acts:
            started = time.monotonic()
            await getattr(self, act)()
            say("# %s: %.1f s" % (act, time.monotonic() - started))
            await asyncio.sleep(self.size.between_s)
        self.writing = False


async def main(n, seed):
    Node.calls = asyncio.Semaphore(6)
    say("# seed %d; again: tests/mesh/run %d %d" % (seed, n, seed))
    mesh, code = Mesh(n, seed), 1
    try:
        await mesh.run()
        code = 0
    except Wrong as e:
        say("not ok - %s (seed %d)" % (e, seed))
        for x in mesh.nodes:
            if x.starts and x.name in str(e):
                say("# %s: %s" % (x.name, x.tail()))
    except Exception:
        say("not ok - the test itself broke: %s" % traceback.format_exc().replace("\n", "\n# "))
    os._exit(code)  # the daemons and the lines go with the namespaces


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
