"""A node: it listens, dials, admits peers, and tells its sessions what changed."""
import asyncio
import os

from . import author, channel, keys, messages, notices
from .channel import Cut
from .introductions import Introductions
from .invitation import Invitation, read as read_invitation
from .keyevents import HOSTING
from .notices import Keeper
from .prim import H, SUM, Random, x_public
from .session import Session
from .store import Store


class Node:
    def __init__(self, network, name="python", secret=None, store=None):
        self.rnd = Random()
        self.network, self.name = network, name
        self.secret = secret or self.rnd(32)
        self.key = x_public(self.secret)
        self.instance = self.rnd(16)
        self.store = store or Store()
        self.sessions, self.tasks, self.rolled_back, self.faults, self.unlisted = [], [], set(), [], []
        self.server, self.addresses = None, []
        self.known, self.grafted = {}, {}
        self.notices, self.notice, self.receipt = Keeper(author.hour), keys.box_pair(self.rnd(32)), keys.signing_pair(self.rnd(32))
        self.hosted, self.guests, self.told_of = set(), {}, {}
        self.introductions = Introductions(self)

    # ---- connections ----

    async def listen(self, host="127.0.0.1", port=0):
        self.server = await asyncio.start_server(self._accept, host, port)
        self.addresses = [f"{host}:{self.server.sockets[0].getsockname()[1]}"]
        return self.addresses[0]

    async def _accept(self, reader, writer):
        try:
            ch = await channel.shake(reader, writer, False, self.secret, self.network)
        except Cut:
            return
        await self._start(ch, False, None)

    async def dial(self, address, peer, invitation=None):
        """A Session that runs; wait for its opened or ended."""
        ch = await channel.dial(address, self.secret, self.network, peer)
        return self._start(ch, True, invitation)

    async def redeem(self, text):
        i = read_invitation(text)
        return await self.dial(i.addresses[0], i.node_key, i)

    def _start(self, ch, initiator, invitation):
        s = Session(self, ch, initiator, invitation)
        self.sessions.append(s)
        task = asyncio.ensure_future(s.run())
        self.tasks.append(task)
        return s if initiator else task

    def forget(self, s):
        if s in self.sessions:
            self.sessions.remove(s)

    async def stop(self):
        """As a daemon that ends: its instance becomes one of the past."""
        for s in list(self.sessions):
            await s.bye(messages.CLOSED)
        if self.server:
            self.server.close()
        for t in self.tasks:
            t.cancel()

    def restarted(self):
        """The same node with the same store, started again."""
        self.store.past[self.instance] = self.store.number
        return Node(self.network, self.name, self.secret, self.store)

    # ---- who may ----

    def invite(self, uses=1, hours=24):
        secret = self.rnd(16)
        self.store.invitations[H("quire.invite", secret)] = [author.hour() + hours, uses]
        return Invitation(self.key, self.network, secret, author.hour() + hours, self.addresses).write()

    def accept_redeem(self, peer, digest, name):
        found = self.store.invitations.get(digest)
        if self.is_member(peer):
            return messages.OK
        if found is None:
            return messages.REFUSED
        if author.hour() >= found[0]:
            return messages.EXPIRED
        if found[1] == 0:
            return messages.USED
        found[1] -= 1
        self.join(peer)
        self.introductions.newcomers[peer] = name
        for s in self.sessions:
            s.introduce_newcomers()
        return messages.OK

    def _ends(self, peer):
        """The admissions of a node key that the network ended."""
        return frozenset(at for at, node in self.store.admitted(self.network)[1].items() if node == peer)

    def join(self, peer):
        """An own join: it lasts until the network ends an admission of that node key."""
        self.store.joins[peer] = self._ends(peer)

    def is_member(self, peer):
        admitted, _ = self.store.admitted(self.network)
        return peer in admitted.values() or self.store.joins.get(peer) == self._ends(peer)

    def admit(self, session):
        """Looks for another live connection with this node key (SPEC 10.2); a code if this one must close."""
        for other in list(self.sessions):
            if other is session or other.peer != session.peer or other.hello is None:
                continue
            if other.hello["instance"] != session.hello["instance"]:
                if other.rival == "answered":
                    session.channel.send("clone", instance=other.hello["instance"])
                if session.hello["instance"] in other.rivals:
                    other.channel.send("clone", instance=session.hello["instance"])
                other.rivals = {session.hello["instance"]}
                if not isinstance(other.rival, int):
                    other.rival = int.from_bytes(os.urandom(7), "big")
                    other.channel.send("ping", token=other.rival)
                return messages.DUPLICATE
            lower_is_mine = self.key < session.peer
            if other.initiator == session.initiator or session.initiator == lower_is_mine:
                asyncio.ensure_future(other.bye(messages.DUPLICATE))
            else:
                return messages.DUPLICATE
        return None

    # ---- changes ----

    def changed(self, act):
        """Does something to the store, and wakes the listings if it changed."""
        before = self.store.number
        result = act()
        if self.store.number != before:
            for s in self.sessions:
                s.wake.set()
                s.introduce_newcomers()
        return result

    def follow(self, identity, add=True):
        (self.store.follows.add if add else self.store.follows.discard)(identity)
        for s in self.sessions:
            if s.opened.is_set():
                s.channel.send("follow", add=add, identity=identity, version=SUM(self.store.follows))

    def found_fork(self, log, proof, source):
        """Keeps a verified proof and tells the peers that follow the log."""
        log.fork = proof
        self.changed(lambda: self.store.bump(log))
        for s in self.sessions:
            if s is not source and s.opened.is_set() and log.identity in self.store.follow_sets.get(s.peer, set()) and self.store.may_see(log, s.peer):
                s.channel.send("fork", req=0, log=log.log, **proof)

    # ---- notices ----

    def host(self, owner):
        """This node serves an identity, and a hosting event says so."""
        self.hosted.add(owner.id)
        return owner.hosting(self.key, self.notice.public, self.receipt)

    def take_notice(self, expires, sealed, link):
        """Keeps a notice, passes it on, and does what it says if it is for us."""
        if not self.notices.put(expires, sealed, link):
            return
        for s in self.sessions:
            if s.peer != link:
                s.send_notice(expires, sealed)
        try:
            said = notices.read(self.notice.secret, sealed)
        except notices.BadNotice:
            return
        if said["to"] in self.hosted:
            self.guests[said["from"]] = said
            self.follow(said["from"])
            if not any(said["from"] in self.store.follow_sets.get(s.peer, set()) for s in self.sessions):
                self.tasks.append(asyncio.ensure_future(self._dial_told(said)))

    async def _dial_told(self, said):
        for address in said["addresses"]:
            if said["node"] == self.key or any(s.peer == said["node"] for s in self.sessions):
                return
            try:
                await self.dial(address, said["node"])
                return
            except (Cut, ValueError):
                continue

    def tell_reader(self, reader, writer, header):
        """Makes a notice of an entry sealed to somebody whom other nodes host; how many were made."""
        made, ks = 0, self.store.keys(reader)
        for event in (ks.events[i] for i in ks.with_right(HOSTING)):
            node, notice_key = event.payload[:2]
            day_ago = author.hour() - 24
            if node == self.key or writer.id in self.store.follow_sets.get(node, set()) or self.told_of.get((writer.id, node), 0) > day_ago:
                continue
            self.told_of[writer.id, node] = author.hour()
            sealed = notices.make(notice_key, reader, header, writer.id, self.key, self.addresses, self.rnd)
            self.take_notice(author.hour() + notices.HOURS_MAX, sealed, None)
            made += 1
        return made
