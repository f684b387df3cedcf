"""One identity with one device: writes its key events and its log."""
import time

from . import blobs, entries, keyevents, keys, records, seal
from .keyevents import DEVICE, DEVICE_DOMAIN, GENERATION, HOSTING, HOSTING_DOMAIN, INCEPTION, READING
from .prim import Random, sign
from .store import Log


def hour():
    return int(time.time()) // 3600


class Author:
    def __init__(self, kind=0, seed=None, direct=()):
        self.rnd = Random(seed)
        entropy = self.rnd(18)
        self.root, self.recovery = keys.root_pair(entropy, 0), keys.recovery_pair(entropy, 0)
        self.badge, self.signing = keys.signing_pair(self.rnd(32)), keys.signing_pair(self.rnd(32))
        self.reading, self.device = keys.box_pair(self.rnd(32)), keys.signing_pair(self.rnd(32))
        self.box = keys.box_pair(self.rnd(32))
        inner = [kind, self.root.public, self.recovery.public, self.badge.public, keys.wraps([self.recovery.public], self.badge, self.rnd), self.rnd(16)]
        inception = keyevents.make(INCEPTION, b"", b"", [], 0, inner, self.root.secret)
        self.id, self.events = inception.id, [inception]
        boxes = [self.recovery.public, self.box.public]
        self.generation = keyevents.make(GENERATION, self.id, self.id, [self.id], 0, [1, self.signing.public, keys.wraps(boxes, self.signing, self.rnd), []], self.root.secret)
        self.events.append(self.generation)
        self.slot = 0
        self.write(READING, [self.reading.public, keys.wraps(boxes, self.reading, self.rnd)])
        direct = sorted(direct)
        consent = sign(self.device.secret, DEVICE_DOMAIN, self.id + self.device.public + self.box.public + b"".join(direct))
        self.device_event = self.write(DEVICE, [self.device.public, self.box.public, [], direct], consent)
        self.log = entries.log_id(self.id, self.device.public)

    def write(self, kind, payload, consent=b"", key=None):
        """A key event in the next slot, behind the last."""
        e = keyevents.make(kind, self.id, self.generation.id, [self.events[-1].id], self.slot, payload, (key or self.signing).secret, consent)
        self.slot += 1
        self.events.append(e)
        return e

    def hosting(self, node_key, notice_key, receipt):
        """The event by which a node serves this identity."""
        consent = sign(receipt.secret, HOSTING_DOMAIN, self.id + node_key + notice_key)
        return self.write(HOSTING, [node_key, notice_key, receipt.public], consent)

    def begin(self, store):
        """Puts the identity and its empty log into a store, and entry 0 into the log."""
        store.follows.add(self.id)
        store.add_events(self.id, self.events)
        store.logs[self.log] = Log(self.log, self.id, self.device.public)
        store.written[self.log] = self
        return self.append(store, records.write("device", event=self.device_event.id), flags=entries.KEEP)

    def append(self, store, record, readers=None, flags=0, **envelope):
        """A clear entry, or one sealed to readers; gives its header and, if sealed, the content key."""
        if self.log not in store.written:
            raise ValueError("this log is not written any more")
        log = store.logs[self.log]
        content_key = None
        if readers is None:
            body = self.rnd(32) + record
        else:
            content_key, flags = self.rnd(32), flags | entries.SEALED
            body = seal.seal(record, self.log, self.reading.secret, readers, content_key, self.rnd(32), self.rnd)
        envelope = entries.envelope_write(**envelope)
        seq = len(log.headers)
        prev = log.headers[-1].id if seq else bytes(32)
        raw = entries.header_bytes(flags, self.log, seq, prev, hour(), len(body), entries.commitment(body), entries.envelope_hash(envelope))
        log.put_run([entries.Header(raw)], entries.sign_header(self.device.secret, raw), [envelope])
        log.bodies[seq] = body
        store.bump(log)
        return log.headers[seq], content_key

    def attach(self, store, plain, title, readers=None):
        """A blob and the entry that pins it."""
        b = blobs.Blob(self.rnd(32), plain, self.id)
        store.blobs[b.root] = b
        pin = {"key": b.key, "name": "file", "root": b.root, "size": b.size, "type": "application/octet-stream"}
        record = records.write("artifact", title=title, kind="document", depicts="nobody", blobs=[pin])
        return self.append(store, record, readers, blobs=[(b.root, b.size)])[0], b

    def erase(self, store, log, seq, by=0):
        raw = entries.statement_write(self.signing.secret, 0, by, log.log, hour(), seq, log.headers[seq].id, self.generation.id)
        log.put_statement(raw, store.keys)
        store.bump(log)
