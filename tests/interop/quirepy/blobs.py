"""Blobs, SPEC 6."""
from .prim import H, xopen, xseal

CHUNK, TAG, PAGE = 65536, 16, 1024


def chunk_count(size):
    return max(1, -(-size // CHUNK))


def _nonce(i, count):
    return i.to_bytes(8, "big") + bytes([i == count - 1]) + bytes(15)


def encrypt(key, plain):
    """The encrypted chunks of a file."""
    n = chunk_count(len(plain))
    return [xseal(key, _nonce(i, n), plain[i * CHUNK : (i + 1) * CHUNK]) for i in range(n)]


def chunk_bytes(size, i):
    """The length of encrypted chunk i."""
    return min(CHUNK, size - i * CHUNK) + TAG


def decrypt_chunk(key, size, i, sealed):
    return xopen(key, _nonce(i, chunk_count(size)), sealed)


def leaf(i, sealed):
    return H("quire.leaf", i.to_bytes(8, "big") + sealed)


def pages_of(leaves):
    return [H("quire.node", b"".join(leaves[p : p + PAGE])) for p in range(0, len(leaves), PAGE)]


def root_of(pages, size, owner):
    return H("quire.root", b"".join(pages) + size.to_bytes(8, "big") + owner)


def bits_of(leaves, page, held):
    """The `bits` of have-chunks for a page of a blob with so many leaves."""
    count = min(PAGE, leaves - page * PAGE)
    out = bytearray(-(-count // 8))
    for i in held:
        if page * PAGE <= i < page * PAGE + count:
            out[(i - page * PAGE) // 8] |= 1 << i % 8
    return bytes(out)


def read_bits(leaves, page, bits):
    """The chunks that `bits` name, or None if they do not fit a blob with so many leaves."""
    count = min(PAGE, leaves - page * PAGE)
    if count <= 0 or len(bits) != -(-count // 8) or int.from_bytes(bits, "little") >> count:
        return None
    return {page * PAGE + i for i in range(count) if bits[i // 8] >> i % 8 & 1}


class Blob:
    """A blob that is held whole."""

    def __init__(self, key, plain, owner):
        self.key, self.owner, self.size = key, owner, len(plain)
        self.chunks = encrypt(key, plain)
        self.leaves = [leaf(i, c) for i, c in enumerate(self.chunks)]
        self.pages = pages_of(self.leaves)
        self.root = root_of(self.pages, self.size, owner)

    def whole(self):
        return True

    def page(self, page):
        return b"".join(self.leaves[page * PAGE : page * PAGE + PAGE])

    def chunk(self, i):
        return self.chunks[i]


class Partial:
    """A blob that is being fetched: everything is checked against its root as it arrives."""

    def __init__(self, root):
        self.root, self.leaves, self.chunks = root, {}, {}
        self.owner = self.size = self.pages = None

    def take_pages(self, owner, size, pages):
        listed = [pages[i : i + 32] for i in range(0, len(pages), 32)]
        fits = len(pages) % 32 == 0 and len(listed) == -(-chunk_count(size) // PAGE) and root_of(listed, size, owner) == self.root
        if fits:
            self.owner, self.size, self.pages = owner, size, listed
        return fits

    def take_leaves(self, page, leaves):
        listed = [leaves[i : i + 32] for i in range(0, len(leaves), 32)]
        if len(leaves) % 32 or H("quire.node", leaves) != self.pages[page]:
            return False
        for i, l in enumerate(listed):
            self.leaves[page * PAGE + i] = l
        return True

    def take_chunk(self, i, sealed):
        if i not in self.leaves or leaf(i, sealed) != self.leaves[i]:
            return False
        self.chunks[i] = sealed
        return True

    def whole(self):
        return self.size is not None and len(self.chunks) == chunk_count(self.size)

    def page(self, page):
        """The leaves of a page, if all are known."""
        count = min(PAGE, chunk_count(self.size) - page * PAGE)
        return b"".join(self.leaves[page * PAGE + i] for i in range(count)) if count > 0 else b""

    def chunk(self, i):
        return self.chunks[i]

    @classmethod
    def of(cls, blob, held):
        """A part of a blob that is held whole: those chunks, and everything to check them by."""
        part = cls(blob.root)
        part.owner, part.size, part.pages = blob.owner, blob.size, blob.pages
        part.leaves, part.chunks = dict(enumerate(blob.leaves)), {i: blob.chunks[i] for i in held}
        return part

    def plain(self, key):
        return b"".join(decrypt_chunk(key, self.size, i, self.chunks[i]) for i in range(chunk_count(self.size)))
