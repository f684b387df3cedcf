"""What a session does of SPEC 19 and 20, and of relays: the part of a Session that no guarantee depends on."""
import time

from . import invitation
from .messages import REFUSED

TREES, PEERS_EVERY, SUMS_EVERY = 8, 5, 60


def tree_of(log):
    return log[0] % TREES


class Gossip:
    """Handlers of messages that are told and never asked for."""

    def init_gossip(self):
        self.lazy = set()
        self.taken_at = {}

    def gossip_opened(self):
        """What is sent when a session opens."""
        self.channel.send("peers", peers=[[self.node.key, self.node.addresses, [], False, 0]])
        if self.node.notices.live():
            self.channel.send("notice-sum", sum=self.node.notices.sum())

    def _seldom(self, what, seconds):
        """Whether a message of that kind is taken, and not ignored as one too many."""
        now = time.monotonic()
        if what in self.taken_at and now - self.taken_at[what] < seconds:
            return False
        self.taken_at[what] = now
        return True

    def on_peers(self, peers):
        if not self._seldom("peers", PEERS_EVERY):
            return
        for key, addresses, *_ in peers:
            good = [a for a in addresses if invitation.is_address(a)]
            if self.node.is_member(key) and good:
                self.node.known[key] = good

    # ---- trees ----

    def on_prune(self, tree):
        self.lazy.add(tree)

    def on_graft(self, tree):
        self.lazy.discard(tree)
        self.flush_waiting(tree)

    # ---- notices ----

    def on_notice(self, expires, bytes):  # noqa: A002 - the field's name
        if self.node.notices.may_take(self.peer):
            self.node.take_notice(expires, bytes, self.peer)

    def send_notice(self, expires, sealed):
        if self.opened.is_set() and self.node.notices.may_send(self.peer):
            self.channel.send("notice", expires=expires, bytes=sealed)

    def on_notice_sum(self, sum):  # noqa: A002
        if self._seldom("notice-sum", SUMS_EVERY) and sum != self.node.notices.sum():
            self.channel.send("notice-ids", ids=b"".join(sorted(i[:8] for i in self.node.notices.live())))

    def on_notice_ids(self, ids):
        if not self._seldom("notice-ids", SUMS_EVERY):
            return
        there = {ids[i : i + 8] for i in range(0, len(ids), 8)}
        for i, (expires, sealed, _) in list(self.node.notices.live().items()):
            if i[:8] not in there:
                self.send_notice(expires, sealed)

    # ---- relays: this node is none, and needs none ----

    def on_relay(self, node):
        self._no_relay()

    def on_relay_accept(self, token):
        self._no_relay()

    def _no_relay(self):
        from .session import Close

        raise Close(REFUSED, "no relay")

    def on_relay_offer(self, token):
        """It need not be taken up."""


