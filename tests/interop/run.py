#!/usr/bin/python3
# sanitizers: yes
# timeout: 600
"""run.py [--no-live] -- everything that the second implementation proves; prints ok and not ok lines.

The real daemon is taken from $BUILD, else from build/dev or build/rel; --no-live leaves it out.
Under a sanitizer (V is san or tsan) nothing but the part with the real daemon is run.
"""
import argparse
import hashlib
import json
import os
import pathlib
import sys
import traceback

import awards
import daemon
import generate
import keysets
import live
import meet
import pair
import vectors
from quirepy import box, entries, keys, mp, noise, prim, records

HERE = pathlib.Path(__file__).resolve().parent
DATA = HERE.parent / "vectors" / "data"


class Tap:
    """Prints a line for each check, and counts those that fail."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, name, act):
        try:
            note = act()
        except Exception as e:  # noqa: BLE001 - whatever goes wrong is the test's result
            self.failed += 1
            print(f"not ok - {name}: {type(e).__name__}: {e}")
            if not isinstance(e, (AssertionError, ValueError)):
                traceback.print_exc()
        else:
            self.passed += 1
            print(f"ok - {name}" + (f": {note}" if note else ""))


def load(path):
    return json.loads((DATA / path).read_text())["tests"]


def hexed(t, *names):
    return [bytes.fromhex(t[n]) for n in names]


def blake2b():
    """RFC 7693 appendix A; it has no personalisation, so that is only told apart."""
    abc = hashlib.blake2b(b"abc").hexdigest()
    assert abc.startswith("ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"), abc
    assert prim.H("quire.log", b"") == hashlib.blake2b(digest_size=32, person=b"quire.log" + bytes(7)).digest()
    assert prim.H("quire.log", b"") != prim.H("quire.body", b"")


def speccheck():
    accepted = []
    for i, t in enumerate(load("ed25519-speccheck/cases.json")):
        key, message, signature = hexed(t, "pub_key", "message", "signature")
        if prim.verify_raw(key, message, signature):
            accepted.append(i)
    assert accepted == [3], accepted
    return "only number 3 of 12"


def wycheproof_ed25519():
    tests = load("wycheproof/ed25519.json")
    for t in tests:
        pk, msg, sig = hexed(t, "pk", "msg", "sig")
        assert prim.verify_raw(pk, msg, sig) == (t["result"] == "valid"), t["id"]
    return f"{len(tests)} cases"


def wycheproof_x25519():
    tests = load("wycheproof/x25519.json")
    for t in tests:
        public, private, shared = hexed(t, "public", "private", "shared")
        try:
            got = prim.x25519(private, public)
        except prim.CryptoError:
            got = bytes(32)
        assert got == shared, t["id"]
    return f"{len(tests)} cases"


def wycheproof_xchacha():
    tests = [t for t in load("wycheproof/xchacha20_poly1305.json") if len(t["iv"]) == 48]
    for t in tests:
        key, iv, aad, msg, ct, tag = hexed(t, "key", "iv", "aad", "msg", "ct", "tag")
        try:
            good = prim.xopen(key, iv, ct + tag, aad) == msg and prim.xseal(key, iv, msg, aad) == ct + tag
        except prim.CryptoError:
            good = False
        assert good == (t["result"] == "valid"), t["id"]
    return f"{len(tests)} cases"


def hchacha():
    # draft-irtf-cfrg-xchacha-03, section 2.2.1.
    key = bytes(range(32))
    out = prim.hchacha20(key, bytes.fromhex("000000090000004a0000000031415927"))
    assert out.hex() == "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc", out.hex()


def sealed_box():
    # What libsodium's crypto_box_seal_open opens.
    sealed, secret = "34a7ca8bbded4e3f24c60ecb655f9235ac1b12d97aea698c554df8bf1d950f2d5aee242de3e978b51751c16813444c20983b8e5c61b5599fe85a8e3ec63b6b32140ffa23db376383", hashlib.sha256(b"b").digest()
    assert box.seal_open(secret, bytes.fromhex(sealed)) == b"a notice" * 3
    assert box.seal(prim.x_public(secret), b"a notice" * 3, hashlib.sha256(b"a").digest()).hex() == sealed
    try:
        box.seal_open(secret, bytes.fromhex(sealed[:-2] + "00"))
    except prim.CryptoError:
        return
    raise AssertionError("opened a changed one")


def noise_vector(t):
    prologue, static_i, eph_i, rs, static_r, eph_r = hexed(t, "init_prologue", "init_static", "init_ephemeral", "init_remote_static", "resp_static", "resp_ephemeral")
    sides = noise.Handshake(True, prologue, static_i, eph_i, rs), noise.Handshake(False, prologue, static_r, eph_r)
    ciphers = None
    for n, m in enumerate(t["messages"]):
        payload, wanted = hexed(m, "payload", "ciphertext")
        sender, receiver = sides[n % 2], sides[1 - n % 2]
        if n < 3:
            got = sender.write(payload)
            back = receiver.read(got)
        else:
            ciphers = ciphers or (sides[0].split(), sides[1].split())
            got = ciphers[n % 2][0].encrypt(b"", payload)
            back = ciphers[1 - n % 2][1].decrypt(b"", got)
        assert got == wanted and back == payload, n
    if "handshake_hash" in t:
        assert sides[0].h.hex() == sides[1].h.hex() == t["handshake_hash"]


def noise_xk():
    count = 0
    for name in ("cacophony", "snow"):
        for t in load(f"noise/{name}.json"):
            if t["protocol_name"] == "Noise_XK_25519_ChaChaPoly_SHA256":
                noise_vector(t)
                count += 1
    assert count >= 2
    return f"{count} handshakes"


def messagepack():
    good = {b"\xc0": None, b"\xcd\1\0": 256, b"\xd0\xdf": -33, b"\xcf" + b"\xff" * 8: 2**64 - 1, b"\xd3\x80" + bytes(7): -(2**63), b"\x81\xa0\x90": {"": []}}
    for raw, value in good.items():
        assert mp.decode(raw) == value and mp.encode(value) == raw, raw
    for n in (31, 32, 255, 256, 65535, 65536):
        for value in ("x" * n, b"x" * n, [None] * min(n, 4000), {i: i for i in range(min(n, 2000))}):
            assert mp.decode(mp.encode(value)) == value
    bad = ["cc7f", "cd00ff", "ce0000ffff", "cf00000000ffffffff", "d07f", "d0e0", "d1ff80", "d2ffff8000", "d3ffffffff80000000", "d9" + "1f" + "61" * 31,
           "da00ff" + "61" * 255, "c500ff" + "00" * 255, "c60000ffff" + "00" * 65535, "dc000f" + "c0" * 15, "dd0000ffff" + "c0" * 65535, "de000100c0", "8200c000c0", "8201c000c0",
           "82a161c0a0c0", "8200c0a0c0", "81ffc0", "81c0c0", "81c400c0", "81c3c0", "a100", "a1ff", "a3eda080", "c1", "c7", "ca00000000", "d40000", "91" * 9 + "c0", "", "c0c0",
           "ddffffffff", "dfffffffff", "dbffffffff", "c6ffffffff", "92c0"]
    for raw in bad:
        try:
            mp.decode(bytes.fromhex(raw))
        except mp.Malformed:
            continue
        raise AssertionError(f"accepted {raw[:20]}")
    mp.decode(mp.encode([None] * 4095))
    try:
        mp.decode(mp.encode([None] * 4096))
    except mp.Malformed:
        return f"{len(bad)} malformed ones refused"
    raise AssertionError("4,097 objects accepted")


def recovery_readers():
    code = keys.code_write(bytes(range(18)))
    assert keys.code_read(code.lower().replace("-", " - ").replace("0", "o").replace("1", "l")) == bytes(range(18))


def fork_proofs():
    w = generate.Writer(b"forks")
    o = keysets.Owner(b"forks")
    seed = w.rnd(32)
    key = prim.ed_public(seed)
    log = entries.log_id(o.id, key)
    a, _, _ = generate.chain(w, seed, log, 5, b"\7" * 32, 3)
    b, _, _ = generate.chain(w, seed, log, 5, b"\7" * 32, 2)
    sign = lambda h: entries.sign_header(seed, h[-1])
    entries.fork_check(key, log, 5, b"".join(a), sign(a), b"".join(b), sign(b))
    c, _, _ = generate.chain(w, seed, log, 5, b"\6" * 32, 2)
    for x, y in ((a, a), (a, c), (a, b[1:])):
        try:
            entries.fork_check(key, log, 5, b"".join(x), sign(x), b"".join(y), sign(y))
        except ValueError:
            continue
        raise AssertionError("a false proof was accepted")


def vector_file(name):
    tests, failed, refusals = load(f"quire/{name}"), [], 0
    for t in tests:
        try:
            vectors.check_case(t)
        except Exception as e:  # noqa: BLE001
            failed.append(f"{t['id']} {t['case']} {t.get('note', '')} ({type(e).__name__}: {e})")
        refusals += t.get("valid") is False
    missing = set(vectors.CHECKS) - {"case", "keyset"} - {t["case"] for t in tests}
    assert not failed, f"{len(failed)} of {len(tests)}: " + "; ".join(failed[:20])
    assert not missing, f"no case of {sorted(missing)}"
    return f"{len(tests)} cases, {refusals} of them refusals"


def keyset_file(name):
    tests, failed = load(f"quire/{name}"), []
    for t in tests:
        try:
            vectors.check_keyset(t)
        except Exception as e:  # noqa: BLE001
            failed.append(f"{t['name']} ({type(e).__name__}: {e})")
    assert not failed, f"{len(failed)} of {len(tests)}: " + "; ".join(failed[:20])
    return f"{len(tests)} sets, {sum(len(t['events']) for t in tests)} events, {sum(len(t['refused']) for t in tests)} refusals"


def generated():
    for name, text in generate.files().items():
        assert (DATA / "quire" / name).read_text() == text, f"{name} is not what generate.py writes"


def vector_part(tap):
    for f in (blake2b, hchacha, sealed_box, speccheck, wycheproof_ed25519, wycheproof_x25519, wycheproof_xchacha, noise_xk, messagepack, recovery_readers, fork_proofs):
        tap.check(f.__name__.replace("_", " "), f)
    for name in ("c.json", "python.json"):
        tap.check(name, lambda name=name: vector_file(name))
    for name in ("keyset-c.json", "keyset-python.json"):
        tap.check(name, lambda name=name: keyset_file(name))
    tap.check("generate.py writes the same again", generated)


def main():
    sys.stdout.reconfigure(line_buffering=True)
    options = argparse.ArgumentParser(prog="run.py")
    options.add_argument("--no-live", action="store_true", help="without the real daemon")
    args = options.parse_args()
    tap = Tap()
    if os.environ.get("V") not in ("san", "tsan"):
        vector_part(tap)
        awards.run(tap)
        pair.run(tap)
        live.run(tap, live.PythonDaemon(), "itself")
        meet.run(tap, live.PythonDaemon, "itself", (meet.Many,))
    if not args.no_live:
        tap.check("awards: quire verify agrees", lambda: awards.quire_agrees(daemon.programs() / "quire"))
        live.run(tap, daemon.QuireDaemon(), "quired")
        meet.run(tap, daemon.QuireDaemon, "quired")
    print(f"# {tap.passed} passed, {tap.failed} failed")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
