#!/usr/bin/env python3
"""syncthing.py [blob,files,idle] -- one file and 10,000 small ones between two syncthing processes on the loopback interface; one at rest.

Announcing, relays, reports and upgrades are off. FILE and FILES name what is copied, WORKDIR where the homes are made, RUNS how often.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

WORK = Path(os.environ.get("WORKDIR", ".")) / "syncthing"
SYNCTHING = shutil.which("syncthing") or sys.exit("syncthing.py: syncthing is not on this machine")
GUI = {"a": 23841, "b": 23843}
LISTEN = {"a": 23842, "b": 23844}
ENV = dict(os.environ, STNODEFAULTFOLDER="1", STNOUPGRADE="1", HOME=str(WORK))

CONFIG = """<configuration version="36">
<folder id="t" label="t" path="{folder}" type="{kind}" rescanIntervalS="0" fsWatcherEnabled="true" fsWatcherDelayS="1">
<device id="{id_a}"/><device id="{id_b}"/><minDiskFree unit="%">0</minDiskFree></folder>
<device id="{own}" name="own" compression="metadata"><address>dynamic</address></device>
<device id="{other}" name="other" compression="metadata"><address>tcp://127.0.0.1:{port}</address></device>
<gui enabled="true" tls="false"><address>127.0.0.1:{gui}</address><apikey>bench</apikey></gui>
<options><listenAddress>tcp://127.0.0.1:{listen}</listenAddress><globalAnnounceEnabled>false</globalAnnounceEnabled>
<localAnnounceEnabled>false</localAnnounceEnabled><relaysEnabled>false</relaysEnabled><natEnabled>false</natEnabled>
<urAccepted>-1</urAccepted><urSeen>9999</urSeen><autoUpgradeIntervalH>0</autoUpgradeIntervalH><startBrowser>false</startBrowser>
<crashReportingEnabled>false</crashReportingEnabled><stunKeepaliveStartS>0</stunKeepaliveStartS>
<announceLANAddresses>false</announceLANAddresses><reconnectionIntervalS>1</reconnectionIntervalS></options></configuration>"""


def version():
    words = subprocess.run([SYNCTHING, "--version"], capture_output=True, text=True, env=ENV).stdout.split()
    return words[1] if len(words) > 1 else "unknown"


def ask(side, path, method=None):
    r = urllib.request.Request(f"http://127.0.0.1:{GUI[side]}{path}", method=method, headers={"X-API-Key": "bench"})
    body = urllib.request.urlopen(r, timeout=10).read()
    return json.loads(body) if body.strip() else None


def status(side):
    return ask(side, "/rest/db/status?folder=t")


def prepare():
    shutil.rmtree(WORK, ignore_errors=True)
    ids = {}
    for side in "ab":
        (WORK / f"folder-{side}" / ".stfolder").mkdir(parents=True)
        home = ["--home", str(WORK / side)]
        subprocess.run([SYNCTHING, "generate", *home, "--no-default-folder"], check=True, env=ENV, capture_output=True)
        ids[side] = subprocess.run([SYNCTHING, *home, "--device-id"], capture_output=True, text=True, env=ENV).stdout.strip()
    for side, other in ("ab", "ba"):
        (WORK / side / "config.xml").write_text(CONFIG.format(
            folder=WORK / f"folder-{side}", kind="sendonly" if side == "a" else "receiveonly", id_a=ids["a"], id_b=ids["b"],
            own=ids[side], other=ids[other], port=LISTEN[other], gui=GUI[side], listen=LISTEN[side]))


def start(side):
    p = subprocess.Popen([SYNCTHING, "serve", "--home", str(WORK / side), "--no-browser", "--no-upgrade", "--no-restart",
                          "--no-default-folder"], env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                         start_new_session=True)
    end = time.monotonic() + 30
    while True:
        try:
            ask(side, "/rest/system/ping")
            return p
        except OSError:
            if time.monotonic() > end or p.poll() is not None:
                raise
            time.sleep(0.02)


def stop(p):
    if p and p.poll() is None:
        os.killpg(p.pid, signal.SIGTERM)
        try:
            p.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)
            p.wait()


def wait(until, limit_s, step_s):
    end = time.monotonic() + limit_s
    while not until():
        if time.monotonic() > end:
            raise TimeoutError("syncthing took too long")
        time.sleep(step_s)


def run(work):
    """Seconds from launch, and from the moment when the receiver knew what there is."""
    prepare()
    if work == "blob":
        shutil.copyfile(os.environ["FILE"], WORK / "folder-a" / "file")
        files = 1
    else:
        shutil.copytree(os.environ["FILES"], WORK / "folder-a", dirs_exist_ok=True)
        files = 10000
    a = b = None
    try:
        a = start("a")
        wait(lambda: status("a")["state"] == "idle" and status("a")["localFiles"] >= files, 120, 0.1)
        begun, known = time.monotonic(), None
        b = start("b")

        def there():
            nonlocal known
            s = status("b")
            if known is None and s["globalFiles"] > 0:
                known = time.monotonic()
            return s["needTotalItems"] == 0 and s["localFiles"] >= files and s["state"] == "idle"
        wait(there, 200, 0.05)
        end = time.monotonic()
        same = ["diff", "-rq", "-x", ".stfolder", str(WORK / "folder-a"), str(WORK / "folder-b")]
        subprocess.run(same, check=True, stdout=subprocess.DEVNULL)
        return end - begun, end - known
    finally:
        stop(b)
        stop(a)
        shutil.rmtree(WORK, ignore_errors=True)


def resident_mib(p):
    """Of the process and its children: syncthing watches itself."""
    kib = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            ours = os.getsid(int(status.parent.name)) == p.pid
            text = status.read_text() if ours else ""
        except OSError:
            continue  # it has ended
        kib += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS:"))
    return kib / 1024


def idle():
    """Milliseconds until it answers, and MiB resident ten seconds later, with nothing in it."""
    prepare()
    p = None
    try:
        begun = time.monotonic()
        p = start("a")
        answered = time.monotonic()
        time.sleep(10)
        return (answered - begun) * 1e3, resident_mib(p)
    finally:
        stop(p)
        shutil.rmtree(WORK, ignore_errors=True)


def figure(values):
    v = sorted(values)
    return [round(x, 3) for x in (v[len(v) // 2], v[0], v[-1])]


def main():
    runs = int(os.environ.get("RUNS", "3"))
    for work in (sys.argv[1] if len(sys.argv) > 1 else "blob,files").split(","):
        times = [idle() if work == "idle" else run(work) for _ in range(runs)]
        line = {"peer": "syncthing", "version": version(), "work": work, "runs": runs}
        if work == "idle":
            line.update(start_ms=figure(t for t, _ in times), resident_mib=figure(m for _, m in times))
        elif work == "blob":
            n = os.path.getsize(os.environ["FILE"]) / 1e6
            line.update(bytes=int(n * 1e6), mb_per_s=figure(n / k for _, k in times), mb_per_s_from_launch=figure(n / t for t, _ in times))
        else:
            line.update(files=10000, bytes_each=4096, files_per_s=figure(10000 / k for _, k in times),
                        files_per_s_from_launch=figure(10000 / t for t, _ in times))
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
