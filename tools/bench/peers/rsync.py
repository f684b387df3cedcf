#!/usr/bin/env python3
"""rsync.py [blob,files] -- one file and 10,000 small ones from an rsync daemon on the loopback interface, with --fsync.

Nothing is encrypted and nothing is verified against a signature: this is what copying alone costs. FILE, FILES, WORKDIR, RUNS as in syncthing.py.
"""
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

WORK = Path(os.environ.get("WORKDIR", ".")) / "rsync"
RSYNC = shutil.which("rsync") or sys.exit("rsync.py: rsync is not on this machine")
PORT = 18873


def figure(values):
    v = sorted(values)
    return [round(x, 3) for x in (v[len(v) // 2], v[0], v[-1])]


def daemon():
    (WORK / "blob").mkdir(parents=True)
    os.link(os.environ["FILE"], WORK / "blob" / "file")
    config = WORK / "rsyncd.conf"
    config.write_text(f"""use chroot = no
address = 127.0.0.1
port = {PORT}
[blob]
path = {WORK}/blob
read only = yes
[files]
path = {os.path.realpath(os.environ["FILES"])}
read only = yes
""")
    p = subprocess.Popen([RSYNC, "--daemon", "--no-detach", f"--config={config}"])
    end = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", PORT), 1).close()
            return p
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


def run(work):
    shutil.rmtree(WORK / "to", ignore_errors=True)
    (WORK / "to").mkdir()
    begun = time.monotonic()
    subprocess.run([RSYNC, "-a", "--whole-file", "--fsync", f"rsync://127.0.0.1:{PORT}/{work}/", f"{WORK}/to/"], check=True)
    return time.monotonic() - begun


def main():
    runs = int(os.environ.get("RUNS", "3"))
    version = subprocess.run([RSYNC, "--version"], capture_output=True, text=True).stdout.split()[2]
    shutil.rmtree(WORK, ignore_errors=True)
    p = daemon()
    try:
        for work in (sys.argv[1] if len(sys.argv) > 1 else "blob,files").split(","):
            times = [run(work) for _ in range(runs)]
            line = {"peer": "rsync", "version": version, "work": work, "runs": runs}
            if work == "blob":
                n = os.path.getsize(os.environ["FILE"])
                line.update(bytes=n, mb_per_s=figure(n / 1e6 / t for t in times))
            else:
                line.update(files=10000, bytes_each=4096, files_per_s=figure(10000 / t for t in times))
            print(json.dumps(line), flush=True)
    finally:
        p.terminate()
        p.wait(10)
        shutil.rmtree(WORK, ignore_errors=True)


if __name__ == "__main__":
    main()
