"""A real `quired` with its `quire`, as live.py wants a daemon: a home of its own, free ports, one identity signed in."""
import asyncio
import json
import os
import pathlib
import shutil
import tempfile

PASSPHRASE = "seven quiet tests in a row\n"
NOT_FOUND, NOT_YET = 4, 7  # exit statuses
TOP = pathlib.Path(__file__).resolve().parents[2]


def programs():
    """The folder with `quire` and `quired`: BUILD names it, else what was built last in the tree."""
    if os.environ.get("BUILD"):
        return pathlib.Path(os.environ["BUILD"]).resolve()
    built = [d for d in (TOP / "build/dev", TOP / "build/rel") if (d / "quire").exists() and (d / "quired").exists()]
    assert built, "neither build/dev nor build/rel holds quire and quired: run make, or set BUILD"
    return max(built, key=lambda d: (d / "quired").stat().st_mtime)


class QuireDaemon:
    def __init__(self):
        self.dir = self.process = self.drain = None
        self.log, self.followed = [], set()

    async def start(self):
        self.programs = programs()
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="qi."))
        self.home = self.dir / "home"
        self.passphrase = self._file("passphrase", PASSPHRASE.encode())
        self.passphrase.chmod(0o600)
        self.me = (await self.quire("init", "--name", "Daemon", "--kind", "person", "--passphrase-file", self.passphrase))["id"]
        await self._run()

    async def _run(self):
        self.process = await asyncio.create_subprocess_exec(
            self.programs / "quired", "--home", self.home, "--listen", "127.0.0.1:0", "--http", "off", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
        line = await asyncio.wait_for(self.process.stdout.readline(), 30)
        assert line.startswith(b"quired: ready "), line + await self.process.stderr.read()
        self.drain = asyncio.ensure_future(self._keep_log())
        await self.quire("identity", "unlock", self.me, "--passphrase-file", self.passphrase)

    async def _keep_log(self):
        """What it logs, so that its pipe never fills and its last words are there to be shown."""
        async for line in self.process.stderr:
            self.log.append(line.decode(errors="replace").rstrip())

    def _file(self, name, data):
        path = self.dir / name
        path.write_bytes(data)
        return path

    async def quire(self, *args, none_if=()):
        """One command; what it printed as JSON, or None for the exit statuses none_if."""
        p = await asyncio.create_subprocess_exec(
            self.programs / "quire", "--home", self.home, "--json", *map(str, args), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
        out, err = await asyncio.wait_for(p.communicate(), 60)
        if p.returncode in none_if:
            return None
        assert p.returncode == 0, f"quire {' '.join(map(str, args))}: status {p.returncode}: {(out + err).decode(errors='replace')}"
        return json.loads(out)

    # ---- what live.py asks for ----

    async def invitation(self):
        return (await self.quire("peer", "invite", "--uses", 1))["invitation"]

    async def waiting(self):
        found = (await self.quire("peer", "list"))["items"]
        return {bytes.fromhex(p["node"]): bytes.fromhex(p["introduced_by"]["node"]) for p in found if p["origin"] == "waiting"}

    async def admit(self, node):
        await self.quire("peer", "admit", node.hex())

    async def follow(self, identity):
        self.followed.add(identity)
        await self.quire("follow", "add", identity.hex())

    async def identity(self):
        return bytes.fromhex(self.me), bytes.fromhex((await self.quire("node", "status"))["network"])

    async def join(self, text):
        await self.quire("peer", "join", text)

    async def restart(self):
        await self._end()
        await self._run()

    @staticmethod
    def _to(readers):
        return [a for r in readers for a in ("--to", r.hex())] or ["--to", "public"]

    @staticmethod
    def _ref(answer):
        log, seq = answer["ref"].split(":")
        return bytes.fromhex(log), int(seq)

    async def write(self, text, readers):
        return self._ref(await self.quire("reflection", "add", "--text", self._file("text", text.encode()), *self._to(readers)))

    async def attach(self, data, readers):
        return self._ref(await self.quire("artifact", "add", self._file("file.bin", data), "--title", "a file", "--kind", "data", "--depicts", "nobody", *self._to(readers)))

    async def length(self, log):
        for identity in self.followed:
            found = await self.quire("identity", "show", identity.hex(), none_if=(NOT_FOUND,)) or {}
            for device in found.get("devices", []):
                if device["log"] == log.hex():
                    return device["length"]
        return 0

    async def text(self, log, seq):
        found = await self.quire("entry", "show", f"{log.hex()}:{seq}", none_if=(NOT_FOUND,))
        return (found or {}).get("fields", {}).get("text")

    async def file(self, log, seq):
        found = await self.quire("entry", "show", f"{log.hex()}:{seq}", none_if=(NOT_FOUND,))
        blobs = (found or {}).get("fields", {}).get("blobs")
        if not blobs:
            return None
        path = self.dir / "fetched"
        path.unlink(missing_ok=True)
        got = await self.quire("blob", "get", blobs[0]["root"], "-o", path, none_if=(NOT_FOUND, NOT_YET))
        return got and path.read_bytes()

    async def _end(self):
        """In order, and it must end well."""
        if self.process.returncode is None:
            self.process.terminate()
            try:
                await asyncio.wait_for(self.process.wait(), 20)
            except asyncio.TimeoutError:
                self.process.kill()
        await self.drain
        assert await self.process.wait() == 0, f"quired ended with {self.process.returncode}: " + " / ".join(self.log[-20:])

    async def stop(self):
        try:
            if self.drain:
                await self._end()
        finally:
            if self.dir:
                shutil.rmtree(self.dir, ignore_errors=True)
