"""Introductions, SPEC 8.4: who waits at the network's owner, and which newcomers a node tells of."""
from .keyevents import HOSTING

OF_ONE, IN_ALL = 64, 1024


class Introductions:
    """What one node knows of them."""

    def __init__(self, node):
        self.node = node
        self.newcomers = {}  # node key: name
        self.pending = {}  # node key: (name, introducer)
        self.refused = set()

    def owners(self):
        """Node keys at which the network's identity is hosted."""
        keys = self.node.store.keys(self.node.network)
        return {keys.events[i].payload[0] for i in keys.with_right(HOSTING)} if keys else set()

    def _named(self):
        """Whom the network's log ever admitted."""
        return {node for admissions in self.node.store.admitted(self.node.network) for node in admissions.values()}

    def to_tell(self):
        named = self._named()
        return {k: n for k, n in self.newcomers.items() if k not in named and self.node.is_member(k)}

    def waiting(self):
        """Those that still wait."""
        named = self._named()
        self.pending = {k: v for k, v in self.pending.items() if k not in named and not self.node.is_member(k) and self.node.is_member(v[1])}
        return self.pending

    def take(self, introducer, node, name):
        if self.node.key not in self.owners():
            return
        waiting = self.waiting()
        known = node == self.node.key or self.node.is_member(node) or node in self._named() or node in self.node.store.joins
        if known or node in self.refused or node in waiting:
            return
        if len(waiting) < IN_ALL and sum(by == introducer for _, by in waiting.values()) < OF_ONE:
            waiting[node] = (name, introducer)


class Introducing:
    """The part of a Session."""

    def init_introductions(self):
        self.introduced, self.introductions_taken = set(), 0

    def introduce_newcomers(self):
        """Whatever was not told yet on this connection, if the peer is the owner."""
        ours = self.node.introductions
        if not self.opened.is_set() or not ours.newcomers or self.peer not in ours.owners():
            return
        for node, name in ours.to_tell().items():
            if node not in self.introduced and node != self.peer and len(self.introduced) < OF_ONE:
                self.introduced.add(node)
                self.channel.send("introduce", node=node, name=name)

    def on_introduce(self, node, name):
        self.introductions_taken += 1
        if self.introductions_taken <= OF_ONE:
            self.node.introductions.take(self.peer, node, name)
