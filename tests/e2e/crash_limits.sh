#!/usr/bin/env bash
# crash_limits.sh -- what a daemon must refuse in clear words, and lengths that ask for more memory than it may have.
# timeout: 120
. "${TOP:?}/tests/e2e/lib.sh"
need quire quired jq

home ann person
start ann
refused "a second daemon on the same home: a clear text, exit status 1" 1 "uses the home" \
	quired --home "$TMPDIR/ann" --listen off --http off
check "the first goes on" q ann node status
stop ann

long=$TMPDIR/$(printf 'd%.0s' $(seq 120))
cp -r "$TMPDIR/ann" "$long"
refused "a home whose path is too long for a socket: a clear text, exit status 2" 2 "too long for a socket" \
	quired --home "$long" --listen off --http off

"$PYTHON" - "$TMPDIR/ann/quire.db" <<'P'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute(f"PRAGMA user_version = {db.execute('PRAGMA user_version').fetchone()[0] + 1000}")
db.commit()
P
cp "$TMPDIR/ann/quire.db" "$TMPDIR/before.db"
refused "a database newer than the program: a clear text, exit status 1" 1 "newer" \
	quired --home "$TMPDIR/ann" --listen off --http off
check "and nothing is changed in it" cmp "$TMPDIR/ann/quire.db" "$TMPDIR/before.db"

# ---- 256 MiB of memory are all there is
home ben person
start_small() {
	(ulimit -v 262144 && exec quired --home "$TMPDIR/ben" --listen 127.0.0.1:0 --http off) >"$TMPDIR/ben.ready" 2>"$TMPDIR/ben.log" </dev/null &
	node_pids[ben]=$!
	within 30 grep -q '^quired: ready' "$TMPDIR/ben.ready"
}
start_small || fail "it starts within 256 MiB: $(tail -n 3 "$TMPDIR/ben.log")"
ok "it starts within 256 MiB"
address=$(sed -n 's/.* listen=\([^ ]*\) .*/\1/p' "$TMPDIR/ben.ready")
invitation=$(q ben peer invite 2>/dev/null)
count=$("$PYTHON" "$TOP/tests/crash/frames.py" "$address" "$invitation" 2>"$TMPDIR/frames.err") ||
	fail "each connection is ended: $(tail -n 3 "$TMPDIR/frames.err")"
ok "$count connections that ask for up to 16 GiB in 5 bytes are ended"
check "the daemon is still there" q ben node status
check "and the limit was in force" test "$(awk '/Max address space/ { print $4 }' "/proc/${node_pids[ben]}/limits")" = 268435456
