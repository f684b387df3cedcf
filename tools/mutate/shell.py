"""Commands with an end: tests that a mistake sends round in circles are stopped by the processor time that they use, since a busy machine
makes no test wrong; those that wait for nothing are stopped by the clock."""
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import time

BUILD, COVER, SAN = "build/mutate", "build/cover", "build/mutate-san"
FLAGS = {
    BUILD: ["V=rel", "FLAGS_rel=-O2"],  # no debug information: links are most of the work
    COVER: ["V=rel", "FLAGS_rel=-O2", "-f", "tools/mutate/cover.mk", "LDFLAGS=--coverage"],
    SAN: ["V=san"],
}
BUILD_SECONDS = 1800


def sh(command, cwd, limit, cpu=None, env=None):
    """(status, output); status 124: it took too long."""

    def bounds():
        if cpu:
            resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 2))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    with tempfile.TemporaryFile() as out:
        p = subprocess.Popen(
            command, cwd=cwd, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=env, start_new_session=True, preexec_fn=bounds
        )
        try:
            status = p.wait(limit)
        except subprocess.TimeoutExpired:
            status = 124
        try:
            os.killpg(p.pid, signal.SIGKILL)  # and whatever it left behind
        except ProcessLookupError:
            pass
        p.wait()
        out.seek(max(0, out.seek(0, os.SEEK_END) - 200000))
        return 124 if status == -signal.SIGXCPU else status, out.read().decode(errors="replace")


def make(tree, build, targets):
    return sh(["make", "-s", "-f", "Makefile", *FLAGS[build], "WERROR=0", f"B={build}", *targets], tree, BUILD_SECONDS)


def shims(tree, build):
    """What tests preload into children of theirs."""
    return [f"{build}/shim/{f[:-2]}.so" for f in sorted(os.listdir(f"{tree}/tests/shim")) if f.endswith(".c")]


def run_test(tree, build, test, limit, cpu):
    """A test as tests/run runs it: (status, output, seconds, seconds of the processor)."""
    home = tempfile.mkdtemp(prefix="mutate-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    kind = "san" if build == SAN else "rel"
    env = dict(os.environ, TOP=tree, BUILD=f"{tree}/{build}", V=kind, TMPDIR=home, PATH=f"{tree}/{build}:{os.environ['PATH']}", MESH_NODES="40")
    arguments = []
    if test.startswith("fuzz/fuzz_"):
        corpus = f"{tree}/tests/fuzz/corpus/{os.path.basename(test).removeprefix('fuzz_')}"
        arguments = [f"{corpus}/{f}" for f in sorted(os.listdir(corpus))] if os.path.isdir(corpus) else []
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    status, out = sh([f"{build}/tests/{test}", *arguments], tree, limit, cpu, env)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    shutil.rmtree(home, ignore_errors=True)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return status, out, time.monotonic() - start, used


def first_failure(test, status, out):
    names = re.findall(r"^\[  FAILED  \] (\w+)$", out, re.M) or re.findall(r"^not ok \d+ - (.*)", out, re.M)
    if status == 124:
        return f"{test}, by its time"
    return f"{test}: {names[0]}" if names else f"{test}, status {status}"
