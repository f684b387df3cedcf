"""Invitations, SPEC 8.3."""
import ipaddress
import re

from .prim import H, base32_lower, base32_lower_decode


def is_address(text):
    """`host:port` or `[ipv6]:port`."""
    m = re.fullmatch(r"(?:([A-Za-z0-9._-]+)|\[([0-9A-Fa-f:.]+)\]):([1-9][0-9]{0,4})", text)
    if not m or int(m[3]) > 65535:
        return False
    try:
        return m[1] is not None or ipaddress.IPv6Address(m[2]) is not None
    except ValueError:
        return False


class Invitation:
    def __init__(self, node_key, network, secret, hour, addresses):
        self.node_key, self.network, self.secret, self.hour, self.addresses = node_key, network, secret, hour, list(addresses)

    def write(self):
        raw = b"\x01" + self.node_key + self.network + self.secret + self.hour.to_bytes(4, "big") + bytes([len(self.addresses)])
        for a in self.addresses:
            a = a.encode("ascii")
            raw += bytes([len(a)]) + a
        return "quire:" + base32_lower(raw + H("quire.invitesum", raw)[:4])


def read(text):
    """The invitation in text; ValueError if it is none."""
    text = text.strip().lower()
    if not text.startswith("quire:"):
        raise ValueError("not an invitation")
    raw = base32_lower_decode(text[6:])
    if len(raw) < 90 or H("quire.invitesum", raw[:-4])[:4] != raw[-4:]:
        raise ValueError("the sum does not fit")
    if raw[0] != 1 or not 1 <= raw[85] <= 4:
        raise ValueError("version or number of addresses")
    addresses, at = [], 86
    for _ in range(raw[85]):
        n = raw[at]
        if not 1 <= n <= 64 or at + 1 + n > len(raw) - 4:
            raise ValueError("address")
        addresses.append(raw[at + 1 : at + 1 + n].decode("ascii"))
        if not is_address(addresses[-1]):
            raise ValueError("address")
        at += 1 + n
    if at != len(raw) - 4:
        raise ValueError("bytes after the addresses")
    return Invitation(raw[1:33], raw[33:65], raw[65:81], int.from_bytes(raw[81:85], "big"), addresses)
