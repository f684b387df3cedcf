#!/usr/bin/env python3
"""crash.py -- two daemons append and sync; one of them is killed at a random moment, again and again.

usage: crash.py KILLS SEED [--shim SHIM.so] HOME:PORT:IDENTITY:PASSFILE HOME:PORT:IDENTITY:PASSFILE

Each daemon has a writer of its own that notes what was acknowledged. With --shim both run under the library that loses what was
not synced. At the end both are started without it, and everything that was acknowledged must be in both, in logs that are equal.
The last line is a JSON object with the figures; the exit status is 0 if nothing is wrong, 1 if entries are lost or a log differs."""
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time

DEADLINE_S = 30


class Local(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(20)
        self.sock.connect(self.path)


class Node:
    def __init__(self, spec, shim):
        self.home, port, self.identity, passfile = spec.rsplit(":", 3)
        self.listen = "127.0.0.1:" + port
        with open(passfile) as f:
            self.passphrase = f.read().rstrip("\n")
        self.shim = shim
        self.process = None
        self.conn = None
        self.acknowledged = {}  # ref -> id
        self.refused = 0
        self.broken = None  # a state that it does not come out of

    def start(self, shim=True):
        env = dict(os.environ)
        if self.shim and shim:
            env.update(LD_PRELOAD=self.shim, QUIRE_SHIM_DIR=self.home, ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=0")
        with open(self.home + ".log", "ab") as log:
            self.process = subprocess.Popen(["quired", "--home", self.home, "--listen", self.listen, "--http", "off"], env=env,
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        line = self.process.stdout.readline().decode()
        if not line.startswith("quired: ready"):
            self.broken = f"{self.home} does not start: exit {self.process.wait()}"
        self.conn = None
        return self.broken is None

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        elif self.process.returncode != -signal.SIGKILL:
            self.broken = f"{self.home} ended by itself: {self.process.returncode}"
        self.process.wait()
        self.process.stdout.close()

    def call(self, method, path, body=None):
        if self.conn is None:
            self.conn = Local(os.path.join(self.home, "quire.sock"))
        headers = {"Quire-As": self.identity}
        if body is not None:
            body = json.dumps(body)
            headers["Content-Type"] = "application/json"
        try:
            self.conn.request(method, path, body, headers)
            answer = self.conn.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")
        except (OSError, http.client.HTTPException, ValueError):
            self.conn = None
            return 0, {}

    def unlock(self):
        status, got = self.call("POST", "/api/v1/session", {"identity": self.identity, "passphrase": self.passphrase})
        if status == 200 and not got.get("writable"):
            self.broken = f"{self.home} can no longer write: {got.get('warning')}"
        return status in (200, 201)

    def append(self, text):
        """True: acknowledged. What a cut answer meant is unknown, and counts for nothing."""
        status, got = self.call("POST", "/api/v1/entries", {"kind": "reflection", "fields": {"text": text}, "to": ["public"]})
        if status in (200, 201):
            self.acknowledged[got["ref"]] = got["id"]
            return True
        self.refused += status != 0
        return False

    def logs(self, identity):
        status, got = self.call("GET", f"/api/v1/identities/{identity}")
        return {d["log"]: d for d in got.get("devices", [])} if status == 200 else {}

    def entries(self, identity):
        held, cursor = {}, ""
        while cursor is not None:
            status, got = self.call("GET", f"/api/v1/entries?of={identity}&limit=100{cursor}")
            if status != 200:
                return None
            held.update({e["ref"]: e["id"] for e in got["items"]})
            cursor = "&cursor=" + got["cursor"] if got.get("cursor") else None
        return held


def live(node, kills, rng, writes_ms):
    """One daemon's life: start, unlock, append as fast as it goes, and be killed from outside."""
    for k in range(kills):
        if not node.start():
            return
        timer = threading.Timer(rng.uniform(0.0, writes_ms / 1000) if k % 4 else rng.uniform(0, 0.3), node.process.kill)
        if k % 4 == 0:  # also while it starts, or checks the passphrase
            timer.start()
        unlocked = node.unlock()
        if k % 4:
            timer.start()
        n = 0
        while node.process.poll() is None and node.broken is None:
            if unlocked:
                node.append(f"{k}.{n} " + "x" * rng.choice((10, 200, 200, 3000)))
                n += 1
            else:
                unlocked = node.unlock()
        timer.join()
        node.kill()
        if node.broken:
            return


def settled(nodes):
    """None: not yet. Otherwise the logs, the same at both."""
    of = {n.identity: [m.logs(n.identity) for m in nodes] for n in nodes}
    for ours, theirs in of.values():
        if not ours or {l: d["length"] for l, d in ours.items()} != {l: d["length"] for l, d in theirs.items()}:
            return None
    return of


def main(argv):
    shim = None
    if "--shim" in argv:
        at = argv.index("--shim")
        shim = argv[at + 1]
        del argv[at:at + 2]
    kills, seed = int(argv[0]), int(argv[1])
    nodes = [Node(spec, shim) for spec in argv[2:4]]
    began = time.monotonic()
    threads = [threading.Thread(target=live, args=(n, kills // 2, random.Random(seed * 2 + i), 450)) for i, n in enumerate(nodes)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    figures = {"kills": kills, "seconds": round(time.monotonic() - began, 1), "acknowledged": sum(len(n.acknowledged) for n in nodes),
               "refused": sum(n.refused for n in nodes), "lost": 0, "changed": 0, "logs": 0, "wrong": [n.broken for n in nodes if n.broken]}
    for n in nodes:
        if n.broken is None:
            n.start(shim=False)
    if not figures["wrong"] and not [n.broken for n in nodes if n.broken]:
        end, of = time.monotonic() + DEADLINE_S, None
        while of is None and time.monotonic() < end:
            of = settled(nodes)
            time.sleep(0.05)
        if of is None:
            figures["wrong"].append("the two do not become equal")
        for log in (d for pair in (of or {}).values() for logs in pair for d in logs.values()):
            figures["logs"] += 1
            if log["forked"]:
                figures["wrong"].append("a fork")
        for n in nodes:
            for m in nodes:
                held = m.entries(n.identity) or {}
                figures["lost"] += sum(ref not in held for ref in n.acknowledged)
                figures["changed"] += sum(ref in held and held[ref] != i for ref, i in n.acknowledged.items())
            status, seen = n.call("GET", "/api/v1/node")
            if status != 200 or seen.get("restored"):
                figures["wrong"].append("a kill was taken for a restored home")
    figures["wrong"] += [n.broken for n in nodes if n.broken and n.broken not in figures["wrong"]]
    figures["own_logs"] = figures.pop("logs") // 2
    for n in nodes:  # in order, so that nothing is left for doctor to wait for
        if n.process and n.process.poll() is None:
            n.process.terminate()
            n.process.wait(10)
    print(json.dumps(figures))
    return 1 if figures["lost"] or figures["changed"] or figures["wrong"] else 0


sys.exit(main(sys.argv[1:]))
