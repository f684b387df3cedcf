"""What a session tells of what it has: listings (SPEC 10.3), reconciliation (10.8), live changes (10.6) and lazy rows (19.3)."""
import asyncio
import time

from . import ranges
from .gossip import tree_of
from .messages import LIMIT
from .prim import ZERO16

ROWS_MAX, LAZY_SECONDS, NONCE_SECONDS, AUDIT_MAX = 256, 0.3, 60, 1024


class Listing:
    """The telling half of a Session."""

    def init_listing(self):
        self.wake, self.more = asyncio.Event(), asyncio.Event()
        self.more_due = None
        self.listed = asyncio.Event()
        self.last_number = 0
        self.peer_has, self.peer_whole = {}, {}
        self.waiting = {}
        self.compared_to = 0
        self.nonces, self.answered_ranges = {}, False

    def _withheld_now(self, log):
        return log is not None and log.log in self.store.written and not self.peer_listed.is_set()

    def _good_cursor(self):
        """The number of a good cursor, or None."""
        instance, number = self.hello["cursor_instance"], self.hello["cursor"]
        limit = self.store.number if instance == self.node.instance else self.store.past.get(instance, -1)
        return number if instance != ZERO16 and number <= limit else None

    def _wanted(self):
        return self.store.follow_sets.get(self.peer, set()) | {self.node.network}

    # ---- reconciliation ----

    def items(self, nonce):
        common = (self.store.follow_sets.get(self.peer, set()) & self.store.follows) | {self.node.network}
        found = []
        for _, row, log in self.store.rows(common, self.peer, 0):
            direct = log is not None and self.store.device_of(log.log, log.identity)[0].payload[3]
            if not self._withheld_now(log) and not (direct and self.node.key not in direct):
                found.append(ranges.Item(nonce, row))
        return found

    def _give_want_ranges(self, req, nonce, prefixes):
        now = time.monotonic()
        if nonce not in self.nonces:
            if any(now - at < NONCE_SECONDS for at, _ in self.nonces.values()):
                return LIMIT
            self.nonces = {nonce: (now, self.items(nonce))}
        self.answered_ranges = True
        self.channel.send("ranges", req=req, bytes=ranges.answer(self.nonces[nonce][1], prefixes))

    async def _reconcile(self):
        """Lists what differs; the number from which the listing goes on, or 0 if all must be listed."""
        nonce, start = self.node.rnd(16), self.store.number
        items = self.items(nonce)
        told = None if len(items) <= ranges.SMALL else await ranges.differing(self, items, nonce)
        if told is None:
            return 0
        compared = {i.row[1] for i in items}
        differing = {row[1] for row in told}
        self.peer_has.update({i.row[1]: i.row[3] for i in items if i.row[0] == 1 and i.row[1] not in differing})
        at_start = self.store.rows(self._wanted(), self.peer, 0)
        held = [n for n, _, log in at_start if self._withheld_now(log)]
        told += [row for n, row, log in at_start if n <= start and row[1] not in compared and not self._withheld_now(log)]
        top = min([start, *[n - 1 for n in held]])
        await self._send_changes([(0, row, None) for row in told], top)
        self.compared_to = start
        return top

    async def audit(self):
        """Compares though the peer's cursor is good, and tells what differs (SPEC 10.9); gives the rows."""
        nonce = self.node.rnd(16)
        told = await ranges.differing(self, self.items(nonce), nonce, audit=True) or []
        for i in range(0, len(told[:AUDIT_MAX]), ROWS_MAX):
            self.channel.send("changes", number=self._capped(self.last_number), last=True, rows=told[i : i + ROWS_MAX])
        return told

    # ---- listing ----

    async def _list(self):
        """Lists what changed after the peer's cursor, then what changes."""
        await self.follows_known.wait()
        at = self._good_cursor()
        owed = (self.hello["cursor_instance"], self.hello["cursor"]) != (self.node.instance, self.sent_number)
        if not owed and self.store.number == at:
            self.listed.set()
        withheld_once = {l.log for l in self.store.logs.values() if self._withheld_now(l)}
        if at is None:
            at = await self._reconcile()
        while True:
            # A withheld row keeps the number down, so that a cut does not lose it.
            held = [l.number for l in self.store.logs.values() if self._withheld_now(l) and l.number > at]
            top = min([self.store.number, *[n - 1 for n in held]])
            rows = [(n, row, log) for n, row, log in self.store.rows(self._wanted(), self.peer, at)
                    if not self._withheld_now(log) and (n > self.compared_to or row[1] in withheld_once)]
            if not self.listed.is_set():
                await self._send_changes(rows, top)
            elif rows:
                await self._tell(rows, top)
            at = max(at, top)
            self.last_number = at
            await self.wake.wait()
            self.wake.clear()

    def _capped(self, number):
        """A number that passes no row that waits."""
        return min([number, *[n - 1 for n in self.waiting.values()]])

    async def _send_changes(self, rows, top):
        for i in range(0, max(1, len(rows)), ROWS_MAX):
            part = rows[i : i + ROWS_MAX]
            last = i + ROWS_MAX >= len(rows)
            number = top if last else min(part[-1][0], top)
            if not last:
                self.more_due = number
                self.more.clear()
            self.channel.send("changes", number=self._capped(number) if last else number, last=last, rows=[row for _, row, _ in part])
            if not last:
                await self.more.wait()
        self.listed.set()

    # ---- live ----

    async def _tell(self, rows, top):
        """Changes after the listing: runs, rows at once, and rows that wait."""
        later = [(n, log) for n, _, log in rows if self._is_lazy(log)]
        for n, log in later:
            self.waiting[log.log] = n
            asyncio.get_running_loop().call_later(LAZY_SECONDS, self.flush_waiting, tree_of(log.log))
        now = [r for r in rows if not self._is_lazy(r[2])]
        if now and not all(self._live(n, log, top) for n, _, log in now):
            await self._send_changes(now, top)

    def _is_lazy(self, log):
        return log is not None and tree_of(log.log) in self.lazy and self._new_entries(log) and not self.store.device_of(log.log, log.identity)[0].payload[3]

    def _new_entries(self, log):
        known = self.peer_has.get(log.log)
        return known and known < log.length(self.store.closing(log))

    def flush_waiting(self, tree):
        """The rows that wait are told, but for those of which the peer has shown that it has them."""
        due = [i for i in self.waiting if tree_of(i) == tree]
        if not due or self.ended.is_set():
            return
        top = max(self.waiting[i] for i in due)
        for i in due:
            del self.waiting[i]
        logs = [self.store.logs[i] for i in due]
        rows = [l.row(self.store.closing(l)) for l in logs if self.peer_whole.get(l.log, 0) < l.length(self.store.closing(l))]
        for i in range(0, len(rows), ROWS_MAX):
            self.channel.send("changes", number=self._capped(max(top, self.last_number)), last=True, rows=rows[i : i + ROWS_MAX])

    def _live(self, number, log, top):
        """Sends one change as an unasked run, if the peer is known to have the entry before; False if not."""
        if log is None or log.fork or self.store.closing(log) or number > top:
            return False
        n, known = len(log.headers), self.peer_has.get(log.log)
        if not known or not known < n or n > known // 64 * 64 + 64:
            return False
        self.channel.send("run", req=0, number=self._capped(number), **self.store.run(log, known, n))
        self.peer_has[log.log] = n
        return True
