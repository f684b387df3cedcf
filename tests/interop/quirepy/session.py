"""One connection between two nodes (SPEC 8 to 11): its states, requests, listing and fetching."""
import asyncio

from . import fetch, messages
from .channel import HANDSHAKE_SECONDS, Cut
from .gossip import Gossip
from .introductions import Introducing
from .listing import Listing
from .messages import DUPLICATE, EXPIRED, LIMIT, NOT_FOUND, OK, REFUSED, STATE, TIMEOUT, USED, VERSION, WIRE
from .parts import Parts
from .prim import H, SUM, ZERO16

EVENTS_BYTES, RUN_ASK_MAX = 60000, 65536


class Close(Exception):
    """This connection must be closed with a code."""

    def __init__(self, code, text=""):
        super().__init__(f"{code} {text}")
        self.code, self.text = code, text


class Request:
    """One that was sent and whose answer is not complete."""

    def __init__(self, name, loop):
        self.name, self.answers, self.future = name, [], loop.create_future()


class Session(Listing, Gossip, Introducing, Parts):
    def __init__(self, node, channel, initiator, invitation=None):
        self.node, self.store, self.channel, self.initiator, self.invitation = node, node.store, channel, initiator, invitation
        self.peer = channel.peer
        self.states = {"S"} if invitation else {"H"} if initiator else {"S", "H"}
        self.requests, self.last_req, self.pings = {}, 0, set()
        self.rivals = set()  # the instance id of the last second node with its key
        self.rival = None  # of a second node with its key: the token of a ping, then "answered"
        self.hello = None
        self.ended = asyncio.Event()
        self.opened, self.follows_known, self.peer_listed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.arrived = asyncio.Queue()
        self.rows_waiting, self.cursor_next, self.passed_over = 0, None, False
        self.closed_with = self.welcome = None
        self.tasks, self.log, self.runs_unasked = [], [], 0
        self.init_listing()
        self.init_gossip()
        self.init_introductions()
        self.init_parts()

    # ---- life ----

    async def run(self):
        """Until the connection ends. Afterwards closed_with says how: ('sent' | 'got' | 'cut', code)."""
        loop = asyncio.get_running_loop()
        timer = loop.call_later(HANDSHAKE_SECONDS, self._late)
        try:
            if self.initiator:
                if self.invitation:
                    self.channel.send("redeem", secret=self.invitation.secret, name=self.node.name)
                else:
                    self._send_hello()
            while self.closed_with is None:
                await self._message(*await self.channel.receive())
        except Close as e:
            await self.bye(e.code, e.text)
        except Cut as e:
            self.closed_with = self.closed_with or ("cut", str(e))
        except Exception as e:
            self.node.faults.append(e)
            raise
        finally:
            timer.cancel()
            self._end()

    def _late(self):
        if not self.opened.is_set():
            self.closed_with = ("sent", TIMEOUT)
            self.channel.close()

    async def bye(self, code, text=""):
        if self.ended.is_set():
            return
        self.closed_with = self.closed_with or ("sent", code)
        self.channel.send("bye", code=code, text=text[:200])
        try:
            await asyncio.wait_for(self.channel.flush(), 5)
        except asyncio.TimeoutError:
            pass
        self._end()

    def _end(self):
        self.channel.close()
        me = asyncio.current_task()
        for t in self.tasks:
            if t is not me:
                t.cancel()
        for r in self.requests.values():
            if not r.future.done():
                r.future.set_exception(Cut("closed"))
                r.future.exception()
        self.requests = {}
        self.node.forget(self)
        self.ended.set()

    def _send_hello(self):
        cursor = self.store.cursors.get(self.peer, (ZERO16, 0))
        self.sent_number, self.sent_cursor = self.store.number, cursor
        self.channel.send("hello", version=1, instance=self.node.instance, number=self.store.number, cursor_instance=cursor[0], cursor=cursor[1],
                          follows=SUM(self.store.follows), name=self.node.name, addresses=self.node.addresses)

    # ---- messages ----

    async def _message(self, number, body):
        try:
            kind, f = messages.decode(number, body)
        except messages.BadMessage as e:
            raise Close(WIRE, str(e)) from None
        if kind is None:
            if self.states != {"O"}:
                raise Close(WIRE, "unknown type")
            return
        self.log.append(kind.name)
        if not kind.states & self.states or kind.sender == ("I" if self.initiator else "R"):
            raise Close(WIRE, f"{kind.name} now")
        handler = getattr(self, "on_" + kind.name.replace("-", "_"), None)
        if handler:
            handler(**f)
        elif kind.name.startswith("want-") or kind.name == "probe":
            self._answer(kind.name, f)
        else:
            self._collect(kind.name, f)

    def on_bye(self, code, text):
        self.closed_with = ("got", self._known(code))

    def on_redeem(self, secret, name):
        code = self.node.accept_redeem(self.peer, H("quire.invite", secret), name)
        if code != OK:
            raise Close(code, "invitation")
        self.channel.send("welcome", name=self.node.name, roots=[])
        self.states = {"H"}

    def on_welcome(self, name, roots):
        self.welcome = (name, roots)
        self.node.join(self.peer)
        self.states = {"H"}
        self._send_hello()

    def on_hello(self, **f):
        if f["version"] != 1:
            raise Close(VERSION)
        if not self.node.is_member(self.peer):
            raise Close(REFUSED, "not a member")
        self.hello = f
        if not self.initiator:
            self._send_hello()
        self.states = {"O"}
        code = self.node.admit(self)
        if code is not None:
            raise Close(code)
        kept = self.store.follow_sets.get(self.peer, set())
        self.opened.set()
        if f["follows"] == SUM(kept):
            self.follows_known.set()
        else:
            self.task(self._ask_follows())
        if (f["instance"], f["number"]) == self.sent_cursor:
            self.peer_listed.set()
        self.task(self._list())
        self.task(fetch.commit_loop(self))
        self.gossip_opened()
        self.introduce_newcomers()

    def on_follow(self, add, identity, version):
        kept = self.store.follow_sets.setdefault(self.peer, set())
        if add and identity not in kept:
            kept.add(identity)
            self.node.changed(lambda: self.store.bump_identity(identity))
        elif not add:
            kept.discard(identity)
        if SUM(kept) != version:
            self.task(self._ask_follows())

    def on_changes(self, **f):
        self.arrived.put_nowait(("changes", f))

    def on_more(self, number):
        if number != self.more_due:
            raise Close(WIRE, "more")
        self.more_due = None
        self.more.set()

    def on_run(self, **f):
        if f["req"] == 0:
            self.runs_unasked += 1
            self.arrived.put_nowait(("run", f))
        else:
            self._collect("run", f)

    def on_fork(self, **f):
        if f["req"] == 0:
            self.arrived.put_nowait(("fork", f))
        else:
            self._collect("fork", f)

    def on_ping(self, token):
        self.channel.send("pong", token=token)

    def on_pong(self, token):
        self.pings.discard(token)
        if token == self.rival:
            self.rival = "answered"

    def on_clone(self, instance):
        self.log.append(f"clone {instance.hex()}")

    def on_done(self, req, code):
        r = self.requests.pop(req, None)
        if r is None:
            raise Close(WIRE, "done")
        r.future.set_result((self._known(code), r.answers))

    def _known(self, code):
        """Numbers that SPEC 1.6 does not list are read as REFUSED."""
        if code in messages.NUMBERS:
            return code
        self.node.unlisted.append(code)
        return REFUSED

    def _collect(self, name, f):
        if "req" not in f:
            return  # a hint (SPEC 19, 20), of which this node makes no use
        r = self.requests.get(f.pop("req"))
        if r is None or name not in messages.ANSWERS[r.name] or (name == "total" and r.answers):
            raise Close(WIRE, f"{name} was not asked for")
        r.answers.append((name, f))

    # ---- asking ----

    def task(self, work):
        async def guarded():
            try:
                await work
            except Close as e:
                if not self.ended.is_set():
                    await self.bye(e.code, e.text)
            except Cut:
                pass
            except Exception as e:
                self.node.faults.append(e)
                raise
        self.tasks.append(asyncio.ensure_future(guarded()))
        self.tasks[-1].add_done_callback(lambda _: work.close())

    async def ask(self, name, **fields):
        """(code, [(name, fields)]) of the answer."""
        if self.ended.is_set():
            raise Cut("closed")
        self.last_req += 1
        r = self.requests[self.last_req] = Request(name, asyncio.get_running_loop())
        self.channel.send(name, req=self.last_req, **fields)
        return await r.future

    async def ping(self):
        token = int.from_bytes(self.node.rnd(8), "big")
        self.pings.add(token)
        self.channel.send("ping", token=token)
        while token in self.pings and not self.ended.is_set():
            await asyncio.sleep(0.01)
        return token not in self.pings

    async def _ask_follows(self):
        _, answers = await self.ask("want-follows")
        ids = {i for _, f in answers for i in f["ids"]}
        new = ids - self.store.follow_sets.get(self.peer, set())
        self.store.follow_sets[self.peer] = ids
        self.node.changed(lambda: [self.store.bump_identity(i) for i in sorted(new)])
        self.follows_known.set()

    # ---- answering ----

    def _answer(self, name, f):
        req = f.pop("req")
        slow = name in messages.SLOW
        try:
            code = getattr(self, "_give_" + name.replace("-", "_"))(req, **f)
        except LookupError:
            code = NOT_FOUND
        self.channel.send("done", slow=slow, req=req, code=code or OK)

    def _log(self, log):
        found = self.store.logs[log]
        if not self.store.may_see(found, self.peer):
            raise LookupError
        return found

    def _withheld(self, log):
        return log.log in self.store.written and not self.peer_listed.is_set()

    def _give_want_follows(self, req):
        ids = sorted(self.store.follows)
        for i in range(0, len(ids), 2000):
            self.channel.send("follows", req=req, ids=ids[i : i + 2000])

    def _give_want_keys(self, req, by, key):
        ks = self.store.keys(key) if by == 0 else self.store.by_root_key(key)
        if ks is None:
            raise LookupError
        part, size = [], 0
        for e in ks.in_order():
            if part and (size + len(e.raw) > EVENTS_BYTES or len(part) == 1024):
                self.channel.send("keys", req=req, identity=ks.identity, events=part)
                part, size = [], 0
            part.append([e.raw, e.signatures])
            size += len(e.raw) + 140
        self.channel.send("keys", req=req, identity=ks.identity, events=part)

    def _give_want_run(self, req, log, first, end):
        found = self._log(log)
        if self._withheld(found):
            return STATE
        if end <= first or end - first > RUN_ASK_MAX:
            return LIMIT
        for run in self.store.runs(found, first, end):
            self.channel.send("run", req=req, number=0, **run)
        self.peer_has[log] = max(self.peer_has.get(log, 0), min(end, found.length(self.store.closing(found))))

    def _give_want_bodies(self, req, log, seqs):
        found = self._log(log)
        if self._withheld(found):
            return STATE
        for s in seqs:
            if s >= found.length(self.store.closing(found)):
                raise LookupError
            kind, data = found.part(s)
            self.channel.send("body", req=req, log=log, seq=s, kind=kind, bytes=data)

    def _give_probe(self, req, log, seqs):
        found = self._log(log)
        if self._withheld(found):
            return STATE
        self.channel.send("ids", req=req, ids=[found.id_at(s) for s in seqs])

    def _give_want_fork(self, req, log):
        found = self._log(log)
        if found.fork is None:
            raise LookupError
        self.channel.send("fork", req=req, log=log, **found.fork)

    def _give_want_erased(self, req, log, first):
        found = self._log(log)
        if self._withheld(found):
            return STATE
        listed = [found.statements[s] for s in sorted(found.statements) if s >= first]
        for i in range(0, len(listed), 256):
            self.channel.send("erased", req=req, log=log, statements=listed[i : i + 256])
