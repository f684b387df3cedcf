"""Which tests come by which line of protocol/: each test program is run once, with counters in protocol/ only (cover.mk).
Worlds of many nodes come by nearly all of protocol/peer and protocol/log, and take long: of them only the time is taken.
The map is kept in the tree beside the build, and made again for tests that changed, or for all if protocol/ did."""
import bisect
import glob
import gzip
import hashlib
import json
import os
import subprocess

from shell import BUILD, COVER, make, run_test, shims

TEST_SECONDS = 900
WORLDS = ("sim/", "fault/")
IN_WORLDS = ("protocol/peer/", "protocol/log/")
# Its seeds are the last judge of every mutation anyhow.
LEFT_OUT = {"sim/test_seeds", "fuzz/planted", "fuzz/test_replay"}


def programs(tree):
    found = []
    for folder in ("unit", "vectors", "sim", "story", "fault", "fuzz"):
        for path in glob.glob(f"{tree}/tests/{folder}/*.c"):
            name = f"{folder}/{os.path.basename(path)[:-2]}"
            if os.path.basename(name).startswith(("test_", "fuzz_")) and name not in LEFT_OUT:
                found.append(name)
    return sorted(found)


def digest(tree, pattern):
    sum_ = hashlib.sha256()
    for path in sorted(glob.glob(f"{tree}/{pattern}", recursive=True)):
        if os.path.isfile(path):
            with open(path, "rb") as f:
                sum_.update(path.encode() + b"\0" + f.read())
    return sum_.hexdigest()


def counted(tree):
    """{path: [(line, times)]} of what ran since the last call."""
    lines = {}
    for data in glob.glob(f"{tree}/{COVER}/protocol/**/*.gcda", recursive=True):
        p = subprocess.run(["gcov", "-j", "-t", data], cwd=tree, check=True, capture_output=True)
        text = gzip.decompress(p.stdout) if p.stdout[:2] == b"\x1f\x8b" else p.stdout
        for file in json.loads(text)["files"]:
            if file["file"].startswith("protocol/") and file["file"].endswith(".c"):
                lines.setdefault(file["file"], []).extend((k["line_number"], k["count"]) for k in file["lines"])
        os.remove(data)
    return lines


class Map:
    def __init__(self, tree):
        self.tree, self.file = tree, f"{tree}/build/mutate-map.json"
        self.tests = {}  # name: {"key", "ok", "seconds", "cpu", "lines": {path: [line]}}
        self.known = {}  # path: the lines that have code
        if os.path.isfile(self.file):
            with open(self.file, encoding="utf-8") as f:
                self.tests, self.known = json.load(f)

    def fill(self, say):
        core = digest(self.tree, "protocol/**/*.[cdh]*")
        keys = {t: core + digest(self.tree, f"tests/{t}.c") for t in programs(self.tree)}
        due = [t for t in keys if self.tests.get(t, {}).get("key") != keys[t]]
        self.tests = {t: self.tests[t] for t in keys if t in self.tests and t not in due}
        if not due:
            return
        for build, some in ((COVER, [t for t in due if not t.startswith(WORLDS)]), (BUILD, [t for t in due if t.startswith(WORLDS)])):
            status, out = make(self.tree, build, [f"{build}/tests/{t}" for t in some] + shims(self.tree, build))
            if status:
                raise SystemExit(out)
            counted(self.tree)
            for i, t in enumerate(some):
                self.add(t, keys[t], build)
                v = self.tests[t]
                say(f"# {i + 1}/{len(some)} {t}: {v['cpu']:.1f} s of the processor{'' if v['ok'] else ', failed: not used'}")

    def add(self, t, key, build):
        status, _, seconds, cpu = run_test(self.tree, build, t, TEST_SECONDS, TEST_SECONDS)
        lines = counted(self.tree)
        for path, all_of in lines.items():
            self.known[path] = sorted({line for line, _ in all_of} | set(self.known.get(path, [])))
        hit = {path: sorted({line for line, n in all_of if n}) for path, all_of in lines.items()}
        self.tests[t] = {"key": key, "ok": status == 0, "seconds": seconds, "cpu": cpu, "lines": {p: l for p, l in hit.items() if l}}
        with open(self.file + ".new", "w", encoding="utf-8") as f:
            json.dump([self.tests, self.known], f)
        os.replace(self.file + ".new", self.file)

    def tests_of(self, path, line):
        """Those that come by the line, or by the last before it that has code (a statement may take several): first the file's own,
        then the shortest, worlds last."""
        known = self.known.get(path, [])
        at = bisect.bisect_right(known, line)
        line = known[at - 1] if at else line
        stem = os.path.splitext(os.path.basename(path))[0]

        def comes_by(t, v):
            return path.startswith(IN_WORLDS) if t.startswith(WORLDS) else line in v["lines"].get(path, [])

        def rank(t):
            name = os.path.basename(t).split("_", 1)[1]
            kin = name.split("_")[0].rstrip("s") == stem.split("_")[0].rstrip("s")
            return (name != stem, t.startswith(WORLDS), not kin, self.tests[t]["cpu"])

        return sorted((t for t, v in self.tests.items() if v["ok"] and comes_by(t, v)), key=rank)
