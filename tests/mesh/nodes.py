"""Daemons in networks of their own, the command `quire`, and the lines between them."""
import asyncio
import json
import os
import re
import shutil
import signal
import sys

TMP = os.environ["TMPDIR"]
SANITIZED = os.environ.get("V") in ("san", "tsan")
RSS_MAX_KIB = 600 << 10 if SANITIZED else 64 << 10
CALL_S = 120 if SANITIZED else 60
START_S = 120
BROKEN = re.compile(r"^error |Sanitizer|runtime error|SUMMARY:|^quired: |left open|stopped at once|event=\"?(a second node|forked)")
# With these codes an honest peer is never closed on.
BLAMED = re.compile(r"event=closed .*error=(FORMAT|RANGE|VERSION|SIGNATURE|HASH|CHAIN|FORK|WIRE|DECRYPT|STATE|LIMIT|MEMORY|CORRUPT|REFUSED)\b")


class Wrong(Exception):
    """Something does not hold; the run is over."""


def say(text):
    print(text, flush=True)


def ok(text):
    say("ok - " + text)


class Node:
    calls = None  # of the command at once

    def __init__(self, i, author):
        self.i, self.author = i, author
        self.name = "node%02d" % i
        self.home = os.path.join(TMP, self.name)
        self.log = self.home + ".log"
        self.id = None
        self.follows = []
        self.process = None
        self.ready = False  # and signed in
        self.starts = 0  # a call that was under way at another number may have failed
        self.rss_kib = 0
        self.restored = False
        self.lock = asyncio.Lock()  # whoever stops it

    # ---- the command

    async def raw(self, *words, stdin=b"", limit_s=CALL_S):
        async with Node.calls:
            p = await asyncio.create_subprocess_exec("quire", "--home", self.home, *words, stdin=asyncio.subprocess.PIPE,
                                                     stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
            try:
                out, err = await asyncio.wait_for(p.communicate(stdin), limit_s)
            except asyncio.TimeoutError:
                p.kill()
                await p.wait()
                return None, b"", b"no answer in %d s" % limit_s
            return p.returncode, out, err

    async def ask(self, *words, stdin=b"", good=(0,)):
        """What it answers; None if it was stopped meanwhile."""
        starts = self.starts
        code, out, err = await self.raw("--json", *words, stdin=stdin)
        if code in good:
            return json.loads(out)
        if starts != self.starts or not self.up():
            return None
        raise Wrong("%s: quire %s: exit status %s: %s%s" % (self.name, " ".join(words), code, out.decode()[-600:], err.decode()[-300:]))

    async def act(self, *words, stdin=b""):
        return await self.ask("--as", self.id, *words, stdin=stdin)

    # ---- life

    def up(self):
        return self.ready

    async def make(self, redial_max_s):
        passphrase = self.home + ".pass"
        with open(passphrase, "w") as f:
            f.write("passphrase of %s\n" % self.name)
        words = ("--passphrase-file", passphrase) if self.author else ("--recover",)
        code, out, err = await self.raw("--json", "init", "--name", self.name, *words)
        if code != 0:
            raise Wrong("%s: init: %s%s" % (self.name, out.decode(), err.decode()))
        said = json.loads(out)
        self.id = said.get("id")
        with open(os.path.join(self.home, "quire.conf"), "w") as f:
            f.write("[peers]\nadvertise = 10.10.0.%d:7411\nredial_max = %d\n" % (self.i + 1, redial_max_s))

    async def start(self):
        with open(self.log, "ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                "nsenter", "--net=/run/netns/n%d" % self.i, "quired", "--home", self.home, "--listen", "0.0.0.0:7411", "--http", "off",
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=log)
        self.starts += 1
        try:
            line = await asyncio.wait_for(self.process.stdout.readline(), START_S)
        except asyncio.TimeoutError:
            line = b""
        if not line.startswith(b"quired: ready"):
            raise Wrong("%s does not start: %s" % (self.name, self.tail()))
        if self.author:
            code, _, err = await self.raw("identity", "unlock", self.id, "--passphrase-file", self.home + ".pass")
            if code != 0:
                raise Wrong("%s: identity unlock: %s" % (self.name, err.decode()))
        try:
            with open("/proc/%d/clear_refs" % self.process.pid, "w") as f:
                f.write("5")  # what a passphrase takes is known; the rest counts
        except OSError:
            pass
        self.ready = True

    def measure(self):
        try:
            with open("/proc/%d/status" % self.process.pid) as f:
                kib = int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1))
        except (OSError, AttributeError):
            return
        self.rss_kib = max(self.rss_kib, kib)
        if kib > RSS_MAX_KIB:
            raise Wrong("%s took %d KiB of memory, more than %d" % (self.name, kib, RSS_MAX_KIB))

    async def stop(self, how=signal.SIGTERM):
        p = self.process
        if p.returncode is not None:
            raise Wrong("%s ended by itself, with %d: %s" % (self.name, p.returncode, self.tail()))
        self.measure()
        self.process, self.ready = None, False
        p.send_signal(how)
        try:
            code = await asyncio.wait_for(p.wait(), 60)
        except asyncio.TimeoutError:
            p.kill()
            raise Wrong("%s does not stop" % self.name) from None
        if code != (0 if how == signal.SIGTERM else -how):
            raise Wrong("%s ended with %d: %s" % (self.name, code, self.tail()))

    def alive(self):
        if self.process and self.process.returncode is not None:
            raise Wrong("%s ended by itself, with %d: %s" % (self.name, self.process.returncode, self.tail()))

    def copy(self):
        shutil.copytree(self.home, self.home + ".copy", symlinks=True, ignore=sockets)

    def put_back(self):
        shutil.rmtree(self.home)
        shutil.copytree(self.home + ".copy", self.home, symlinks=True)
        self.restored = True

    # ---- what it logged

    def tail(self):
        with open(self.log, errors="replace") as f:
            return " | ".join(f.read().splitlines()[-12:])

    def complaints(self):
        with open(self.log, errors="replace") as f:
            return [x for x in f.read().splitlines() if BROKEN.search(x) or BLAMED.search(x)]


def sockets(folder, names):
    return [n for n in names if not (os.path.isfile(os.path.join(folder, n)) or os.path.isdir(os.path.join(folder, n)))]


class Lines:
    """The program links.py, in the hub."""

    async def start(self, seed, n):
        with open(os.path.join(TMP, "links.log"), "wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                "nsenter", "--net=/run/netns/hub", sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "links.py"),
                str(seed), str(n), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log)
        self.lock = asyncio.Lock()
        await self.process.stdout.readline()

    async def order(self, op, **more):
        async with self.lock:
            self.process.stdin.write(json.dumps({"op": op, **more}).encode() + b"\n")
            line = await self.process.stdout.readline()
        if not line:
            raise Wrong("the lines are gone: see links.log")
        return json.loads(line)

    async def part(self, groups, hang=False):
        """Nobody reaches anybody of another group."""
        pairs = [(a, b) for g in groups for h in groups if g is not h for a in g for b in h]
        await self.order("block", pairs=pairs, hang=hang)

    async def one_way(self, a, b):
        """What one says does not arrive at the others; what they say does."""
        await self.order("block", pairs=[(x, y) for x in a for y in b], hang=True)
