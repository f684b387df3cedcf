#!/usr/bin/env bash
# failing_start.sh -- a daemon that cannot start says why, on stderr and to whoever waits at $NOTIFY_SOCKET, and ends with a status of its own;
# also where reading its database fails at any one call of the start. Mended, it starts.
# timeout: 180
. "${TOP:?}/tests/e2e/lib.sh"
need quire quired jq python3 timeout

home ann person
start ann
unlock ann || fail "ann unlocks"
act ann reflection add --text <(echo "before all this") --to public >/dev/null 2>&1 || fail "an entry"
stop ann
cp -a "$TMPDIR/ann" "$TMPDIR/whole"
listener() {
	python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
open(sys.argv[2], "w").close()
while True:
    print(s.recv(4096).decode(), flush=True)
' "$TMPDIR/notify" "$TMPDIR/listening" >"$TMPDIR/notified" &
	node_pids[listener]=$!
	within 10 test -e "$TMPDIR/listening" || fail "nobody listens"
}
listener

# run_once [NAME=VALUE...] [ARGUMENT...] -- the daemon, until it is ready (then it is stopped) or ends; its status is in $status (200: it was ready).
run_once() {
	local -a vars=() args=()
	local word
	for word in "$@"; do
		case $word in
		[A-Z]*=*) vars+=("$word") ;;
		*) args+=("$word") ;;
		esac
	done
	status=0
	: >"$TMPDIR/out"
	: >"$TMPDIR/notified"
	env NOTIFY_SOCKET="$TMPDIR/notify" "${vars[@]}" quired --home "$TMPDIR/ann" --listen 127.0.0.1:0 --http off "${args[@]}" \
		>"$TMPDIR/out" 2>"$TMPDIR/err" </dev/null &
	local pid=$! end=$((SECONDS + 15))
	node_pids[once]=$pid
	while kill -0 $pid 2>/dev/null; do
		if grep -q '^quired: ready' "$TMPDIR/out"; then
			kill -TERM $pid 2>/dev/null || true
			status=200
		fi
		[ $SECONDS -lt $end ] || fail "it neither starts nor ends: $* ($(tail -n 3 "$TMPDIR/err"))"
		sleep 0.02
	done
	if [ $status = 200 ]; then
		wait $pid 2>/dev/null || true
	else
		wait $pid || status=$?
	fi
	unset "node_pids[once]"
}

# It ended with that status, said something that begins like that, and never said that it was ready.
refused() { # TEXT STATUS PATTERN
	[ "$status" = "$2" ] || fail "$1: status $status, not $2 ($(cat "$TMPDIR/err"))"
	grep -q "^quired: .*$3" "$TMPDIR/err" || fail "$1: it says $(cat "$TMPDIR/err")"
	! grep -q ready "$TMPDIR/out" || fail "$1: it says that it is ready"
	! grep -q READY=1 "$TMPDIR/notified" || fail "$1: it tells systemd that it is ready"
}
told() { within 5 grep -q "^STATUS=.*$2" "$TMPDIR/notified" || fail "$1: systemd hears $(cat "$TMPDIR/notified")"; }
mend() {
	rm -rf "${TMPDIR:?}/ann"
	cp -a "$TMPDIR/whole" "$TMPDIR/ann"
}

printf '[peers]\nlisten = nowhere at all\n' >"$TMPDIR/ann/quire.conf"
run_once
refused "broken settings" 2 "listen"
mend
run_once --http 127.0.0.1:1x
refused "a broken flag" 2 "http"
ok "broken settings end it, and it names them"

rm "$TMPDIR/ann/quire.db"
run_once
refused "no database" 1 "no database"
told "no database" "no database"
mend
head -c 20000 /dev/urandom | dd of="$TMPDIR/ann/quire.db" conv=notrunc status=none
rm -f "$TMPDIR/ann/quire.db-wal" "$TMPDIR/ann/quire.db-shm"
run_once
refused "a damaged database" 1 "damaged"
mend
rm "$TMPDIR/ann/keys/node"
run_once
refused "no key" 1 ""
mend
ok "a home that lacks something ends it, and it says what"

start ann
run_once
refused "a home in use" 1 ""
taken=${node_ports[ann]}
stop ann
mend
python3 -c '
import socket, sys, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("127.0.0.1", int(sys.argv[1]))); s.listen(1)
open(sys.argv[2], "w").close(); time.sleep(60)' "$taken" "$TMPDIR/taken" &
node_pids[squatter]=$!
within 10 test -e "$TMPDIR/taken" || fail "nobody takes the address"
run_once --listen "127.0.0.1:$taken"
refused "an address in use" 1 "$taken"
kill "${node_pids[squatter]}" 2>/dev/null || true
ok "a home or an address in use ends it"

# The files of its home are put back in place: a copy of the home would be taken for one.
back() {
	local file
	for file in quire.db instance; do cat "$TMPDIR/whole/$file" >"$TMPDIR/ann/$file"; done
	rm -f "$TMPDIR/ann/quire.db-wal" "$TMPDIR/ann/quire.db-shm"
}

# failing KIND N -- a start whose Nth call, and all behind it, fails.
failing() {
	run_once LD_PRELOAD="$BUILD/shim/failing.so" QUIRE_SHIM_DIR="$TMPDIR/ann" QUIRE_SHIM_FAIL="$1" QUIRE_SHIM_NTH="$2" \
		QUIRE_SHIM_TALLY="$TMPDIR/tally"
	back
}

# sweep KIND -- how many calls does a start make? The last without which it is not ready fails, and those before it; each until the engine's own are met, then others now and then; SWEEP=full: each.
sweep() {
	local n step=1
	: >"$TMPDIR/tally"
	failing "$1" 1000000
	[ $status = 200 ] || fail "a start of which nothing fails: $(cat "$TMPDIR/err")"
	calls=$(stat -c %s "$TMPDIR/tally") cases=0 loads=0
	[ "${SWEEP:-}" = full ] || step=$((calls / 5 + 1))
	for ((n = calls; n > 0; n -= cases < 3 || loads == 0 ? 1 : step)); do
		failing "$1" "$n"
		[ $status != 200 ] || [ $cases != 0 ] || continue # it was ready already
		refused "call $n of the start that would $1" 1 ""
		told "call $n of the start that would $1" ""
		cases=$((cases + 1))
		! grep -q 'could not be loaded' "$TMPDIR/err" || loads=$((loads + 1))
	done
	[ $cases -gt 4 ] || fail "$cases of $calls calls that $1 are needed"
}

start ann
stop ann
rm -rf "$TMPDIR/whole"
cp -a "$TMPDIR/ann" "$TMPDIR/whole"
sweep read
ok "it ends whichever of $cases of the $calls reads of its start fails; $loads of them after the engine had begun"
[ "$loads" -gt 0 ] || fail "no read failed while the engine loads"
sweep write
ok "it ends whichever of $cases of the $calls writes of its start finds the disk full"

start ann
q ann --json node status | jq -e .ready >/dev/null 2>&1 || q ann --json node status >/dev/null || fail "it answers again"
stop ann
ok "and with all well it starts again"
