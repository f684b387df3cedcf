"""The MessagePack profile of SPEC 1.5: strict both ways. Values are None, bool, int, str, bytes, list and dict."""

DEPTH_MAX = 8
OBJECTS_MAX = 4096


class Malformed(ValueError):
    """Bytes that are not in the profile."""


def _head(value, n):
    """The first bytes of an integer, or of a str, bin, array or map with n bytes or elements."""
    if isinstance(value, int):
        if n >= 0:
            if n < 128:
                return bytes([n])
            for code, size in ((0xCC, 1), (0xCD, 2), (0xCE, 4), (0xCF, 8)):
                if n < 1 << 8 * size:
                    return bytes([code]) + n.to_bytes(size, "big")
        else:
            if n >= -32:
                return bytes([n & 0xFF])
            for code, size in ((0xD0, 1), (0xD1, 2), (0xD2, 4), (0xD3, 8)):
                if n >= -(1 << 8 * size - 1):
                    return bytes([code]) + n.to_bytes(size, "big", signed=True)
        raise Malformed("integer out of range")
    small, limit, codes = {
        str: (0xA0, 32, ((0xD9, 1), (0xDA, 2), (0xDB, 4))),
        bytes: (None, 0, ((0xC4, 1), (0xC5, 2), (0xC6, 4))),
        list: (0x90, 16, ((0xDC, 2), (0xDD, 4))),
        dict: (0x80, 16, ((0xDE, 2), (0xDF, 4))),
    }[type(value)]
    if n < limit:
        return bytes([small | n])
    for code, size in codes:
        if n < 1 << 8 * size:
            return bytes([code]) + n.to_bytes(size, "big")
    raise Malformed("too long")


def _key_order(key):
    return key if isinstance(key, int) else key.encode("utf-8")


def _check_keys(keys):
    """Keys of one type, str or unsigned; a bool is no integer."""
    if not (all(type(k) is str for k in keys) or all(type(k) is int and k >= 0 for k in keys)):
        raise Malformed("map keys")


def encode(value):
    """The one encoding of a value."""
    if value is None:
        return b"\xc0"
    if value is False:
        return b"\xc2"
    if value is True:
        return b"\xc3"
    if isinstance(value, int):
        return _head(value, value)
    if isinstance(value, str):
        raw = value.encode("utf-8")
        if 0 in raw:
            raise Malformed("U+0000")
        return _head(value, len(raw)) + raw
    if isinstance(value, (bytes, bytearray)):
        return _head(bytes(), len(value)) + bytes(value)
    if isinstance(value, (list, tuple)):
        return _head([], len(value)) + b"".join(map(encode, value))
    if isinstance(value, dict):
        _check_keys(list(value))
        pairs = sorted(value.items(), key=lambda kv: _key_order(kv[0]))
        return _head({}, len(pairs)) + b"".join(encode(k) + encode(v) for k, v in pairs)
    raise Malformed(f"no type {type(value).__name__} in the profile")


class _Reader:
    def __init__(self, data, objects):
        self.data, self.at, self.objects = data, 0, objects

    def take(self, n):
        if n > len(self.data) - self.at:
            raise Malformed("ends early")
        self.at += n
        return self.data[self.at - n : self.at]

    def uint(self, size, floor):
        n = int.from_bytes(self.take(size), "big")
        if n < floor:
            raise Malformed("not the shortest form")
        return n

    def sint(self, size, ceiling):
        n = int.from_bytes(self.take(size), "big", signed=True)
        if n >= ceiling:
            raise Malformed("not the shortest form")
        return n

    def text(self, n):
        raw = self.take(n)
        try:
            s = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed("not UTF-8") from None
        if "\0" in s:
            raise Malformed("U+0000")
        return s

    def value(self, depth):
        self.objects -= 1
        if self.objects < 0:
            raise Malformed("too many objects")
        c = self.take(1)[0]
        if c < 0x80:
            return c
        if c < 0x90:
            return self.map(c & 15, depth)
        if c < 0xA0:
            return self.array(c & 15, depth)
        if c < 0xC0:
            return self.text(c & 31)
        if c >= 0xE0:
            return c - 256
        if c in (0xC0, 0xC2, 0xC3):
            return {0xC0: None, 0xC2: False, 0xC3: True}[c]
        if 0xC4 <= c <= 0xC6:
            size = 1 << c - 0xC4
            return self.take(self.uint(size, 0 if size == 1 else 1 << 4 * size))
        if 0xCC <= c <= 0xCF:
            size = 1 << c - 0xCC
            return self.uint(size, 128 if size == 1 else 1 << 4 * size)
        if 0xD0 <= c <= 0xD3:
            size = 1 << c - 0xD0
            return self.sint(size, -32 if size == 1 else -(1 << 4 * size - 1))
        if 0xD9 <= c <= 0xDB:
            size = 1 << c - 0xD9
            return self.text(self.uint(size, 32 if size == 1 else 1 << 4 * size))
        if c in (0xDC, 0xDD):
            return self.array(self.uint(2, 16) if c == 0xDC else self.uint(4, 1 << 16), depth)
        if c in (0xDE, 0xDF):
            return self.map(self.uint(2, 16) if c == 0xDE else self.uint(4, 1 << 16), depth)
        raise Malformed(f"type byte {c:#x}")

    def array(self, n, depth):
        if depth >= DEPTH_MAX:
            raise Malformed("too deep")
        if n > len(self.data) - self.at:
            raise Malformed("ends early")
        return [self.value(depth + 1) for _ in range(n)]

    def map(self, n, depth):
        if depth >= DEPTH_MAX:
            raise Malformed("too deep")
        if 2 * n > len(self.data) - self.at:
            raise Malformed("ends early")
        found = {}
        last = None
        for _ in range(n):
            key = self.value(depth + 1)
            if type(key) not in (int, str) or (type(key) is int and key < 0):
                raise Malformed("map keys")
            if last is not None and (type(key) is not type(last) or _key_order(key) <= _key_order(last)):
                raise Malformed("map keys not ascending")
            last = key
            found[key] = self.value(depth + 1)
        return found


def decode_first(data, objects=OBJECTS_MAX):
    """The first object of data, and how many bytes it takes."""
    r = _Reader(bytes(data), objects)
    return r.value(0), r.at


def decode(data, objects=OBJECTS_MAX):
    """The one object that data is."""
    value, used = decode_first(data, objects)
    if used != len(data):
        raise Malformed("bytes after the object")
    return value
