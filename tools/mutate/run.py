#!/usr/bin/env python3
"""run.py [--named NAMES|all|none] [--random N] [--seed S] [--in GLOB] [--seeds N] [--jobs J] [--list] -- would the tests see it?

Each mutation is made in a copy of the tree, built, and judged: first by the tests that name it or that exercise its file, then by seeds of the
simulator. The first that fails has caught it; where none does it survived, and that is a test to be written. A table on stdout; exit
status 1 if one survived. The copies keep their objects, so that a mutation costs one file and a few links.
"""
import argparse
import fnmatch
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from named import NAMED  # noqa: E402
from operators import draw  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
B = "build/mutate"
BUILD_SECONDS, TEST_SECONDS, SEED_SECONDS = 900, 240, 400
ALWAYS = ["sim/test_two_nodes", "sim/test_restored", "sim/test_erasure", "sim/test_faults"]


def sh(command, cwd, limit, env=None):
    """(status, output); status 124: it took too long."""
    try:
        p = subprocess.run(
            command, cwd=cwd, timeout=limit, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=env
        )
        return p.returncode, p.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired:
        return 124, "stopped"


def tests_of(path):
    """Unit and vector programs that include the file's header, or bear its name; those of the simulator for what peers do."""
    stem = os.path.splitext(os.path.basename(path))[0]
    header = os.path.splitext(path)[0] + ".h"
    found = []
    for folder in ("unit", "vectors"):
        for name in sorted(os.listdir(f"{TOP}/tests/{folder}")):
            if not name.startswith("test_") or not name.endswith(".c"):
                continue
            test = f"{folder}/{name[:-2]}"
            with open(f"{TOP}/tests/{folder}/{name}", encoding="utf-8") as f:
                text = f.read()
            if name == f"test_{stem}.c":
                found.insert(0, test)
            elif f'"{header}"' in text or f'"{os.path.basename(header)}"' in text:
                found.append(test)
    return found[:8] + (ALWAYS if path.startswith(("protocol/peer/", "store/")) else [])


def edit(tree, changes):
    """changes: {path: new text}. What stood there, to be put back."""
    before = {}
    for path, text in changes.items():
        with open(f"{tree}/{path}", encoding="utf-8") as f:
            before[path] = f.read()
        with open(f"{tree}/{path}", "w", encoding="utf-8") as f:
            f.write(text)
    return before


def build(tree, targets):
    command = ["make", "-s", f"B={B}", "WERROR=0", *[f"{B}/{t}" for t in targets]]
    return sh(command, tree, BUILD_SECONDS)


def judge(tree, tests, seeds):
    """What caught it, or None."""
    env = dict(os.environ, TOP=tree, BUILD=f"{tree}/{B}", V="dev")
    status, out = build(tree, [f"tests/{t}" for t in tests] + (["quire-sim"] if seeds else []))
    if status:
        return "the build" if status != 124 else "the build, by its time"
    for t in tests:
        arguments = []
        if t.startswith("fuzz/"):
            corpus = f"{tree}/tests/fuzz/corpus/{os.path.basename(t).removeprefix('fuzz_')}"
            arguments = [f"{corpus}/{f}" for f in sorted(os.listdir(corpus))]
        status, out = sh([f"{B}/tests/{t}", *arguments], tree, TEST_SECONDS, env)
        if status:
            names = re.findall(r"^\[  FAILED  \] (\w+)$", out, re.M) or re.findall(r"^not ok \d+ - (.*)", out, re.M)
            return t + (", by its time" if status == 124 else f": {names[0]}" if names else f", status {status}")
    if seeds:
        status, out = sh([f"{B}/quire-sim", "--seeds", str(seeds), "--no-shrink"], tree, SEED_SECONDS, env)
        if status:
            seen = re.search(r"^seed (\d+): (\w+)", out, re.M)
            return "seeds, by their time" if status == 124 else f"seed {seen[1]}: {seen[2]}" if seen else "seeds"
    return None


def named_jobs(tree, wanted):
    for name, what, edits, tests in NAMED:
        if wanted not in ("all", name) and name not in wanted.split(","):
            continue
        changes = {}
        for path, old, new in edits:
            if not os.path.isfile(f"{tree}/{path}"):
                continue
            with open(f"{tree}/{path}", encoding="utf-8") as f:
                text = changes.get(path, f.read())
            if text.count(old) != 1:
                sys.exit(f"{name}: the text to be changed stands {text.count(old)} times in {path}: mend tools/mutate/named.py")
            changes[path] = text.replace(old, new)
        there = [t for t in tests if os.path.isfile(f"{tree}/tests/{t}.c")]
        yield name, what, changes, there


def random_jobs(tree, pattern, seed, n):
    files = {}
    tracked = subprocess.run(["git", "ls-files", "protocol", "store"], cwd=TOP, check=True, capture_output=True).stdout
    for path in tracked.decode().split():
        if path.endswith(".c") and fnmatch.fnmatch(path, pattern):
            with open(f"{tree}/{path}", encoding="utf-8") as f:
                files[path] = f.read()
    for k, (path, line, start, end, new, what) in enumerate(draw(files, seed, n)):
        text = files[path]
        yield f"{seed}.{k}", f"{path}:{line}: {what}", {path: text[:start] + new + text[end:]}, tests_of(path)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--named", default="all")
    p.add_argument("--random", type=int, default=0)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--in", dest="pattern", default="protocol/*")
    p.add_argument("--seeds", type=int, default=40, help="of the simulator, for what the tests let pass")
    p.add_argument("--tree", help="a copy to work in, kept; otherwise one that is removed")
    p.add_argument("--list", action="store_true", help="only say what would be done")
    o = p.parse_args()
    tree = o.tree or tempfile.mkdtemp(prefix="quire-mutate-")
    if not os.path.isfile(f"{tree}/Makefile"):
        files = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, check=True, capture_output=True).stdout.decode()
        for path in filter(None, files.split("\0")):
            if os.path.isfile(f"{TOP}/{path}"):
                os.makedirs(os.path.dirname(f"{tree}/{path}") or tree, exist_ok=True)
                shutil.copy2(f"{TOP}/{path}", f"{tree}/{path}")
    jobs = [*(named_jobs(tree, o.named) if o.named != "none" else []), *random_jobs(tree, o.pattern, o.seed, o.random)]
    survived = 0
    try:
        for name, what, changes, tests in jobs:
            if o.list or not changes:
                print(f"| {name} | {what} | {'' if changes else 'its file is not there yet'} |", flush=True)
                continue
            start = time.monotonic()
            before = edit(tree, changes)
            caught = judge(tree, tests, o.seeds)
            edit(tree, before)
            survived += caught is None
            print(f"| {name} | {what} | {caught or 'SURVIVED'} | {time.monotonic() - start:.0f} s |", flush=True)
    finally:
        if not o.tree:
            shutil.rmtree(tree, ignore_errors=True)
    if not o.list:
        print(f"{len(jobs)} mutations, {survived} survived")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
