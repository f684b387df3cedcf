#!/usr/bin/env bash
# full_disk.sh -- the disk fills up: the daemon stays, says so, refuses what it cannot keep, and goes on by itself when there is room.
# timeout: 180
. "${TOP:?}/tests/e2e/lib.sh"
need quire quired jq curl mount unshare
if [ "$(id -u)" != 0 ]; then
	unshare -rm true 2>/dev/null || fail "a small disk needs root, or user namespaces: run as root"
	exec unshare -rm "$0"
fi

mkdir "$TMPDIR/ann"
mount -t tmpfs -o size=12m quire "$TMPDIR/ann" 2>"$TMPDIR/mount.err" || fail "a small disk: $(cat "$TMPDIR/mount.err")"
finish() {
	for node in "${!node_pids[@]}"; do
		kill -KILL "${node_pids[$node]}" 2>/dev/null || true
		wait "${node_pids[$node]}" 2>/dev/null || true
	done
	umount "$TMPDIR/ann"
}
trap finish EXIT

for node in ann ben; do
	home $node person
	start $node
	unlock $node || fail "$node unlocks"
done
check "two nodes are connected" join ann ben
q ben follow add "$(id_of ann)" 2>/dev/null
q ann follow add "$(id_of ben)" 2>/dev/null
check "they learn each other's keys" within 20 q ann identity show "$(id_of ben)"
check "and the other way round" within 20 q ben identity show "$(id_of ann)"

head -c 3000 /dev/urandom | base64 -w 76 >"$TMPDIR/text"
head -c 2000000 /dev/urandom >"$TMPDIR/file"
write() { act "$1" --json reflection add --text "$TMPDIR/text" --to public 2>/dev/null | jq -r '.ref // empty' || true; }
full() { q ann --json node status | jq -e '.disk_full' >/dev/null; }
not_full() { ! full; }
fill() { # leaves BYTES free, rounded down to pages
	local free
	free=$(($(stat -f -c '%a * %S' "$TMPDIR/ann")))
	fallocate -l $((free - $1)) "$TMPDIR/ann/ballast"
}

before=$(write ann)
[ -n "$before" ] || fail "there is room at first"
fill 400000
written=("$before")
# A refusal moves the log into the database, which may leave room for one more, and a small entry may fit where a large one did not: three
# refusals in a row of each kind are the end.
note() { act ann --json reflection add --text <(echo note) 2>/dev/null | jq -r '.ref // empty' || true; }
for kind in "write ann" note; do
	refusals=0
	for _ in $(seq 2000); do
		ref=$($kind)
		if [ -n "$ref" ]; then
			[ "$kind" = note ] || written+=("$ref")
			refusals=0
		else
			fallocate -l $(($(stat -f -c '%a * %S' "$TMPDIR/ann"))) "$TMPDIR/ann/ballast-2" 2>/dev/null || true
			refusals=$((refusals + 1))
		fi
		[ $refusals -lt 3 ] || break
	done
	[ $refusals = 3 ] || fail "at some point there is no room"
done
ok "after ${#written[@]} entries there is no room"
refused "the refusal says why" 1 "disk.*full" act ann reflection add --text "$TMPDIR/text"
answer=$(jq -n '{kind: "reflection", fields: {text: "x"}}' | curl -s --unix-socket "$TMPDIR/ann/quire.sock" -w '\n%{http_code}' \
	-H 'Content-Type: application/json' -H "Quire-As: $(id_of ann)" -d @- http://localhost/api/v1/entries)
check "as problem text: FULL, 507" test "$(tail -n 1 <<<"$answer") $(head -n 1 <<<"$answer" | jq -r .code)" = "507 FULL"
check "node status says that the disk is full" full
check "in words too" bash -c 'quire --home "$1" node status | grep -qi "disk full *yes"' _ "$TMPDIR/ann"
refused "a file is refused too" 1 "disk.*full" act ann artifact add "$TMPDIR/file" --title F --kind data --depicts nobody
check "what was written can be read" is ann "$before" here "$(id_of ann)"
theirs=$(write ben)
[ -n "$theirs" ] || fail "the other node still writes"
check "the daemon is still there" kill -0 "${node_pids[ann]}"

rm -f "$TMPDIR/ann/ballast" "$TMPDIR/ann/ballast-2"
check "with room again, what a peer wrote comes by itself" within 30 is ann "$theirs" here
check "and the status is well" within 10 not_full
after=$(write ann)
[ -n "$after" ] || fail "entries are written again"
ok "entries are written again"
check "the other node has the last entry" within 30 is ben "$after" here
for ref in "${written[@]}"; do
	is ben "$ref" here || fail "every entry that was acknowledged arrives ($ref)"
done
ok "and every one that was acknowledged: ${#written[@]}"
attached=$(act ann --json artifact add "$TMPDIR/file" --title F --kind data --depicts nobody --to public 2>/dev/null | jq -r .ref)
check "a file is taken again" is ann "$attached" here
check "doctor finds nothing" q ann doctor

# ---- and with nothing at all left, over a restart
fill 0
kill -KILL "${node_pids[ann]}"
wait "${node_pids[ann]}" 2>/dev/null || true
unset "node_pids[ann]"
status=0
timeout 20 quired --home "$TMPDIR/ann" --listen off --http off >"$TMPDIR/said" 2>&1 </dev/null || status=$?
if [ $status = 124 ]; then
	ok "with a full disk it starts, to be read"
else
	check "with a full disk it does not start, and says so" grep -qi 'full' "$TMPDIR/said"
fi
rm "$TMPDIR/ann/ballast"
start ann
check "with room it starts, and has everything" is ann "$after" here
