#!/usr/bin/env python3
"""run.py [--named NAMES|all|none] [--random N] [--seed S] [--only S.K,…] [--tests T,…] [--in GLOB] [--seeds N] [--cpu N] [--san]
       [--tree FOLDER] [--list]
-- would the tests see it?

Each mutation is made in a copy of the tree, built, and judged: by the tests that name it, or that come by its line (cover.py), the likeliest
first, then by seeds of the simulator. The first that fails has caught it; where none does it survived, and that is a test to be written.
A random mutation that does not build, or changes no object code, is not counted: another is drawn. A table on stdout; exit status 1 if
one survived. A copy that is kept (--tree) is brought up to date at the start and keeps its objects and its map of lines.
"""
import argparse
import filecmp
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
from cover import TEST_SECONDS, Map  # noqa: E402
from named import NAMED  # noqa: E402
from operators import draw  # noqa: E402
from shell import BUILD, SAN, first_failure, make, run_test, sh, shims  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
AT_ONCE = 4  # tests that are linked before the first of them is run
SIM = f"{BUILD}/quire-sim"
SAN_CPU = 2  # tests that take longer are not run under the sanitizers


def say(text):
    print(text, flush=True)


def refresh(tree):
    """What git knows, where it differs; what it no longer knows goes."""
    files = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, check=True, capture_output=True).stdout.decode()
    files = [f for f in files.split("\0") if f and os.path.isfile(f"{TOP}/{f}")]
    for path in files:
        if not os.path.isfile(f"{tree}/{path}") or not filecmp.cmp(f"{TOP}/{path}", f"{tree}/{path}", shallow=False):
            os.makedirs(os.path.dirname(f"{tree}/{path}") or tree, exist_ok=True)
            shutil.copy(f"{TOP}/{path}", f"{tree}/{path}")
    for folder in ("protocol", "store", "daemon", "include", "tools", "tests"):
        for at, _, names in os.walk(f"{tree}/{folder}"):
            for name in names:
                path = os.path.relpath(f"{at}/{name}", tree)
                if path.endswith((".c", ".h", ".def")) and path not in files:
                    os.remove(f"{tree}/{path}")


def write(tree, changes):
    """changes: {path: new text}. What stood there, to be put back."""
    before = {}
    for path, text in changes.items():
        with open(f"{tree}/{path}", encoding="utf-8") as f:
            before[path] = f.read()
        with open(f"{tree}/{path}", "w", encoding="utf-8") as f:
            f.write(text)
    return before


def objects(tree, changes):
    """The bytes of what the changed files are compiled to; None: they are not."""
    paths = [f"{BUILD}/{p[:-2]}.o" for p in changes if p.endswith(".c")]
    status, out = make(tree, BUILD, paths)
    if status:
        return None
    found = []
    for path in paths:
        with open(f"{tree}/{path}", "rb") as f:
            found.append(f.read())
    return found


def by_tests(tree, tests, cost, build=BUILD):
    slower = 8 if build == SAN else 1
    for k in range(0, len(tests), AT_ONCE):
        status, out = make(tree, build, [f"{build}/tests/{t}" for t in tests[k : k + AT_ONCE]])
        if status:
            return "the build"
        for t in tests[k : k + AT_ONCE]:
            usual = slower * cost(t)
            status, out, _, _ = run_test(tree, build, t, 120 + 40 * usual, int(10 + 4 * usual))
            if status:
                return first_failure(t, status, out)
    return None


def check_judges(tree, tests):
    """A test that fails without a mistake would catch each."""
    if tests:
        status, out = make(tree, BUILD, [f"{BUILD}/tests/{t}" for t in tests])
        if status:
            sys.exit(out)
    for t in sorted(tests):
        status, out, _, _ = run_test(tree, BUILD, t, TEST_SECONDS, TEST_SECONDS)
        if status:
            sys.exit(f"{first_failure(t, status, out)}: it fails as it is\n{out[-2000:]}")


def by_seeds(tree, seeds):
    """Where the simulator came out the same, byte for byte, there is nothing to run."""
    os.replace(f"{tree}/{SIM}", f"{tree}/{SIM}.before")
    try:
        if make(tree, BUILD, [SIM])[0]:
            return "the build"
        if filecmp.cmp(f"{tree}/{SIM}", f"{tree}/{SIM}.before", shallow=False):
            return None
        command = [SIM, "--seeds", str(seeds), "--no-shrink", "--jobs", "2"]
        status, out = sh(command, tree, 300 + 20 * seeds, cpu=300)
        seen = re.search(r"^seed (\d+): (\w+)", out, re.M)
        if status:
            return "seeds, by their time" if status == 124 else f"seed {seen[1]}: {seen[2]}" if seen else "seeds"
        return None
    finally:
        os.replace(f"{tree}/{SIM}.before", f"{tree}/{SIM}")


def named_jobs(tree, wanted, of_lines):
    for name, what, edits, tests in NAMED:
        if wanted != "all" and name not in wanted.split(","):
            continue
        changes = {}
        for path, old, new in edits:
            with open(f"{tree}/{path}", encoding="utf-8") as f:
                text = changes.get(path, f.read())
            if text.count(old) != 1:
                sys.exit(f"{name}: the text to be changed stands {text.count(old)} times in {path}: mend tools/mutate/named.py")
            changes[path] = text.replace(old, new)
        yield name, what, changes, list(tests)


def random_jobs(tree, pattern, seed, of_lines):
    files = {}
    tracked = subprocess.run(["git", "ls-files", "protocol"], cwd=TOP, check=True, capture_output=True).stdout
    for path in tracked.decode().split():
        if path.endswith(".c") and fnmatch.fnmatch(path, pattern):
            with open(f"{tree}/{path}", encoding="utf-8") as f:
                files[path] = f.read()
    for k, (path, line, start, end, new, what) in enumerate(draw(files, seed)):
        text = files[path]
        yield f"{seed}.{k}", f"{path}:{line}: {what}", {path: text[:start] + new + text[end:]}, of_lines.tests_of(path, line)


def judge(tree, job, o, of_lines, counted_only):
    """(what came of it, whether it counts)"""
    _, _, changes, tests = job

    def cost(t):
        return of_lines.tests.get(t, {}).get("cpu", 10)

    before_objects = objects(tree, changes)
    before = write(tree, changes)
    try:
        after = objects(tree, changes)
        if counted_only and after is None:
            return "does not build", False
        if counted_only and after == before_objects:
            return "the same code", False
        if counted_only:
            tests = list(filter(None, o.tests.split(","))) or [t for t in tests if cost(t) <= o.cpu]
        caught = by_tests(tree, tests, cost)
        if not caught and o.seeds:
            caught = by_seeds(tree, o.seeds)
        if not caught and o.san:
            caught = by_tests(tree, [t for t in tests if o.tests or cost(t) <= SAN_CPU], cost, SAN)
            caught = caught and f"{caught} (sanitizers)"
        if not caught:
            caught = "**survived**" + ("" if tests else " (no test comes by the line)")
            return caught, True
        return caught, True
    finally:
        write(tree, before)


def go(tree, o):
    of_lines = Map(tree)
    if not o.list:
        status, out = make(tree, BUILD, [SIM, *shims(tree, BUILD)])
        if status:
            sys.exit(out)
        if (o.random or o.only) and not o.tests:
            of_lines.fill(say)
    jobs = list(named_jobs(tree, o.named, of_lines)) if o.named != "none" else []
    if not o.list:
        check_judges(tree, {*filter(None, o.tests.split(",")), *(t for job in jobs for t in job[3])})
    for job in jobs:
        report(tree, job, o, of_lines, False)
    wanted, counted, left_out = set(filter(None, o.only.split(","))), 0, 0
    for job in random_jobs(tree, o.pattern, o.seed, of_lines) if o.random or wanted else ():
        if counted == (len(wanted) or o.random):
            break
        if wanted and job[0] not in wanted:
            continue
        counts = report(tree, job, o, of_lines, True)
        counted, left_out = counted + counts, left_out + (not counts)
    return len(jobs) + counted, left_out


def report(tree, job, o, of_lines, counted_only):
    start = time.monotonic()
    caught, counts = ("", True) if o.list else judge(tree, job, o, of_lines, counted_only)
    o.survived += caught.startswith("**")
    say(f"| {job[0]} | {job[1].replace('|', chr(92) + '|')} | {caught}{'' if counts else ': not counted'} | {time.monotonic() - start:.0f} s |")
    return counts


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--named", default="all")
    p.add_argument("--random", type=int, default=0)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--only", default="", help="these random ones, by their names in the table")
    p.add_argument("--in", dest="pattern", default="protocol/*")
    p.add_argument("--seeds", type=int, default=40, help="of the simulator, for what the tests let pass")
    p.add_argument("--san", action="store_true", help="show what is left to the tests under the sanitizers too, which see leaks")
    p.add_argument("--cpu", type=float, default=1e9, help="leave out tests that take more seconds of the processor: a first pass")
    p.add_argument("--tests", default="", help="ask these only, whatever comes by the line: for what survived, and a new test")
    p.add_argument("--tree", help="a copy to work in, kept; otherwise one that is removed")
    p.add_argument("--list", action="store_true", help="only say what would be done")
    o = p.parse_args()
    o.survived = 0
    tree = os.path.abspath(o.tree or tempfile.mkdtemp(prefix="quire-mutate-"))
    os.environ.pop("MAKEFLAGS", None)
    os.environ.pop("MAKELEVEL", None)
    try:
        refresh(tree)
        n, left_out = go(tree, o)
    finally:
        if not o.tree:
            shutil.rmtree(tree, ignore_errors=True)
    if not o.list:
        say(f"{n} mutations, {o.survived} survived; {left_out} more were not counted")
    return 1 if o.survived else 0


if __name__ == "__main__":
    sys.exit(main())
