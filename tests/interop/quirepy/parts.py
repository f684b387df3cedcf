"""Blobs that are held in part (SPEC 11): serving them, and fetching one from several peers."""
import asyncio

from . import blobs
from .messages import NOT_FOUND, OK, STATE, WIRE

TELL_SECONDS, ASK_CHUNKS = 0.25, 16


class Parts:
    """The part of a Session that answers and hears about chunks."""

    def init_parts(self):
        self.parts_told = {}
        self.parts_shown = {}
        self.part_news = asyncio.Event()
        self.late_news, self.came = [], {}

    def _blob(self, root):
        """What is held of a blob: all or a part."""
        return self.store.blobs.get(root) or self.store.partials[root]

    def _give_want_blob(self, req, root):
        b = self._blob(root)
        if b.pages is None:
            raise LookupError
        self.channel.send("blob", req=req, root=root, owner=b.owner, size=b.size, pages=b"".join(b.pages))
        if not b.whole():
            self._tell_part(b)
            self._hears_of(root)

    def _give_want_leaves(self, req, root, page):
        b = self._blob(root)
        listed = b.page(page)
        if not listed:
            raise LookupError
        self.channel.send("leaves", req=req, leaves=listed)

    def _give_want_chunks(self, req, root, first, count):
        b = self._blob(root)
        if not b.whole():
            self._hears_of(root)
        lacking = False
        for i in range(first, first + count):
            try:
                self.channel.send("chunk", req=req, index=i, bytes=b.chunk(i))
            except LookupError:
                lacking = True
        return NOT_FOUND if lacking else OK

    # ---- telling ----

    def _hears_of(self, root):
        if root not in self.parts_told:
            self.parts_told[root] = {}
            self.task(self._tell_more(root))

    def _tell_part(self, b):
        """One have-chunks for each page of which chunks are held that were not told; of page 0 if there are none."""
        told = self.parts_told.setdefault(b.root, {})
        count = blobs.chunk_count(b.size)
        if b.whole():
            self.channel.send("have-chunks", root=b.root, page=0, bits=b"")
            return
        for page in sorted({i // blobs.PAGE for i in b.chunks} or {0}):
            bits = blobs.bits_of(count, page, b.chunks)
            if told.get(page) != bits:
                told[page] = bits
                self.channel.send("have-chunks", root=b.root, page=page, bits=bits)

    async def _tell_more(self, root):
        while True:
            await asyncio.sleep(TELL_SECONDS)
            b = self._blob(root)
            self._tell_part(b)
            if b.whole():
                return

    # ---- hearing ----

    def on_have_chunks(self, root, page, bits):
        from .session import Close

        b = self.store.blobs.get(root) or self.store.partials.get(root)
        if b is None or b.size is None:
            # This may be a blob that is being asked for: its size comes first, so nobody waits for what is left out here.
            self.late_news.append((root, page, bits))
            return
        if not bits and not page:
            self.parts_shown[root] = None
        else:
            named = blobs.read_bits(blobs.chunk_count(b.size), page, bits)
            if named is None:
                raise Close(WIRE, "have-chunks")
            if self.parts_shown.get(root, ()) is not None:
                self.parts_shown.setdefault(root, set()).update(named)
        self.part_news.set()

    def shows(self, root, i):
        """Whether the peer is known, or thought, to hold a chunk."""
        shown = self.parts_shown.get(root)
        return shown is None or i in shown


async def _from_one(s, part, asked):
    """Fetches chunks of a blob from one peer until it is whole or the peer is gone."""
    from .session import Close

    code, answers = await s.ask("want-blob", root=part.root)
    if code != OK or not answers:
        return
    if part.pages is None and not part.take_pages(*(answers[0][1][k] for k in ("owner", "size", "pages"))):
        raise Close(WIRE, "pages")
    for root, page, bits in s.late_news:
        if root == part.root:
            s.on_have_chunks(root, page, bits)
    s.late_news = []
    for page in range(len(part.pages)):
        if page * blobs.PAGE not in part.leaves:
            code, answers = await s.ask("want-leaves", root=part.root, page=page)
            if code == NOT_FOUND:
                return
            if not answers or not part.take_leaves(page, answers[0][1]["leaves"]):
                raise Close(WIRE, "leaves")
    count = blobs.chunk_count(part.size)
    while not part.whole():
        want = next((i for i in range(count) if i not in part.chunks and i not in asked and s.shows(part.root, i)), None)
        if want is None:
            s.part_news.clear()
            try:
                await asyncio.wait_for(s.part_news.wait(), 0.1)
            except asyncio.TimeoutError:
                pass
            continue
        group = [want]
        while len(group) < ASK_CHUNKS and group[-1] + 1 < count and group[-1] + 1 not in part.chunks and group[-1] + 1 not in asked and s.shows(part.root, group[-1] + 1):
            group.append(group[-1] + 1)
        asked.update(group)
        try:
            code, answers = await s.ask("want-chunks", root=part.root, first=want, count=len(group))
        finally:
            asked.difference_update(group)
        for _, f in answers:
            if f["index"] not in group or not part.take_chunk(f["index"], f["bytes"]):
                raise Close(WIRE, "chunk")
            s.came[part.root] = s.came.get(part.root, 0) + 1
        if code not in (OK, NOT_FOUND, STATE):
            return
        if len(answers) < len(group):
            s.parts_shown[part.root] = (s.parts_shown.get(part.root) or set(part.chunks)) - set(group)


async def fetch_from(node, sessions, root, seconds=30):
    """A blob from several peers at once; meanwhile what is here is served. None if it does not become whole in time."""
    part = node.store.partials.setdefault(root, blobs.Partial(root))
    asked, ready = set(), asyncio.Event()

    async def one(s):
        await _from_one(s, part, asked)
        if part.whole():
            ready.set()

    for s in sessions:
        s.task(one(s))
    try:
        await asyncio.wait_for(ready.wait(), seconds)
    except asyncio.TimeoutError:
        return None
    node.store.blobs[root] = part
    return part
