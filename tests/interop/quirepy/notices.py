"""Notices, SPEC 20: word of an entry for the node of its reader."""
import time

from . import box, mp
from .prim import CryptoError, H, SUM

SEALED, HOURS_MAX, KEPT_MAX = 512, 2160, 4096
BURST_OUT, BURST_IN, EVERY = 64, 72, 30
FIELDS = {"kind": int, "to": bytes, "from": bytes, "log": bytes, "seq": int, "id": bytes, "node": bytes, "pad": bytes}


class BadNotice(ValueError):
    """Bytes that hold no notice for us."""


def notice_id(expires, sealed):
    return H("quire.notice", expires.to_bytes(4, "big") + sealed)


def make(notice_key, to, header, author, node, addresses, rnd):
    """The sealed bytes that tell a node of an entry; always 512 of them."""
    fields = {"kind": 1, "to": to, "from": author, "log": header.log, "seq": header.seq, "id": header.id, "node": node, "addresses": list(addresses), "pad": b""}
    room = SEALED - box.SEALED_MORE
    while len(mp.encode(fields)) > room:
        fields["addresses"].pop()
    fields["pad"] = rnd(room - len(mp.encode(fields)))
    return box.seal(notice_key, mp.encode(fields), rnd(32))


def read(secret, sealed):
    """What a notice to this key says."""
    try:
        fields = mp.decode(box.seal_open(secret, sealed))
    except (CryptoError, mp.Malformed) as e:
        raise BadNotice(str(e)) from None
    if not isinstance(fields, dict) or any(type(fields.get(k)) is not t for k, t in FIELDS.items()):
        raise BadNotice("fields")
    if fields["kind"] != 1 or any(len(fields[k]) != 32 for k in ("to", "from", "log", "id", "node")) or not 0 <= fields["seq"] < 1 << 32:
        raise BadNotice("fields")
    listed = fields.setdefault("addresses", [])
    if not isinstance(listed, list) or len(listed) > 4 or not all(isinstance(a, str) for a in listed):
        raise BadNotice("addresses")
    return fields


class Bucket:
    """So many at once, then one in so many seconds."""

    def __init__(self, burst):
        self.burst, self.left, self.at = burst, burst, time.monotonic()

    def take(self):
        more = int((time.monotonic() - self.at) / EVERY)
        self.left, self.at = min(self.burst, self.left + more), self.at + more * EVERY
        if not self.left:
            return False
        self.left -= 1
        return True


class Keeper:
    """The notices that a node keeps and passes on; a link is a node key, or None for the node's own people."""

    def __init__(self, hour):
        self.hour, self.kept, self.coming, self.going = hour, {}, {}, {}

    def live(self):
        """{id: (expires, bytes, link)} of those that have not expired."""
        now = self.hour()
        self.kept = {i: k for i, k in self.kept.items() if k[0] > now}
        return self.kept

    def sum(self):
        return SUM(self.live())

    def put(self, expires, sealed, link):
        """Whether this one is new and is kept now."""
        if not self.hour() < expires <= self.hour() + HOURS_MAX or notice_id(expires, sealed) in self.live():
            return False
        if len(self.kept) >= KEPT_MAX:
            links = [k[2] for k in self.kept.values()]
            most = max(links, key=links.count)
            del self.kept[next(i for i, k in self.kept.items() if k[2] == most)]
        self.kept[notice_id(expires, sealed)] = (expires, sealed, link)
        return True

    def may_take(self, link):
        return self.coming.setdefault(link, Bucket(BURST_IN)).take()

    def may_send(self, link):
        return self.going.setdefault(link, Bucket(BURST_OUT)).take()
