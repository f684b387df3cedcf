#!/usr/bin/env bash
# story_lan.sh -- members on one local network find each other by beacons though none knows an address; a stranger's datagrams do nothing.
# sanitizers: yes
# timeout: 180
. "${TOP:?}/tests/support/nets.sh"
. "${TOP:?}/tests/e2e/lib.sh"
need quire quired jq sqlite3 ip nsenter unshare
python=${PYTHON:-python3}

# On one machine the three become members of one network; then nobody knows an address any more.
for node in lincoln riverside district; do
	home $node
	start $node
	unlock $node || fail "$node unlocks"
done
check "two are members" join lincoln riverside
check "and a third" join lincoln district
knows() { q "$1" --json peer list | jq -e --arg name "$2" 'any(.items[]; .name == $name)' >/dev/null; }
check "of whom the second knows" within 20 knows riverside district
for node in lincoln riverside district; do
	stop $node
	sqlite3 "$TMPDIR/$node/quire.db" "UPDATE peer SET addresses = ''; DELETE FROM peer_heard" || fail "addresses are forgotten"
	printf '[peers]\nlan = on\nredial_max = 2\n[log]\nlevel = debug\n' >"$TMPDIR/$node/quire.conf"
	: >"$TMPDIR/$node.log"
	net $node
	node_nets[$node]=$node node_hosts[$node]=0.0.0.0
	unset "node_ports[$node]"
done
net cable
net stranger
switch cable 3 lincoln riverside district stranger

hear() { # FILE: the stranger hears from now on
	: >"$1"
	nsenter --net=/run/netns/stranger "$python" "$TOP/tests/support/beacons.py" hear 100 >"$1" 2>&1 &
	node_pids[hearing]=$!
	within 10 grep -q ready "$1" || fail "the stranger hears: $(cat "$1")"
}
hear "$TMPDIR/first"
start lincoln
check "a beacon is sent at once, 39 bytes" within 10 grep -qE '^51554952 *01[0-9a-f]{68} 10\.3\.0\.1$' "$TMPDIR/first"
start riverside
check "the second finds the first" within 20 connected lincoln riverside
check "over the local network" grep -qE 'event=dials .*address="?10\.3\.0\.2' "$TMPDIR/lincoln.log"
start district
check "the third is found by both" within 20 bash -c '
	for n in lincoln riverside; do
		quire --home "$1/$n" --json peer list | jq -e "any(.items[]; .name == \"district\" and .connected)" >/dev/null || exit 1
	done' _ "$TMPDIR"

# What the stranger has heard of lincoln, it says again and again; and what is none, as fast as it can.
heard=$(sed -n 's/ 10\.3\.0\.1$//p' "$TMPDIR/first" | head -n 1)
dials() { grep -c 'event=dials' "$TMPDIR/$1.log" || true; }
opened() { grep -c 'peer.*opened\|event=open' "$TMPDIR/$1.log" || true; }
before=$(dials riverside)
in_net stranger "$python" "$TOP/tests/support/beacons.py" say "$heard" 60 100
in_net stranger "$python" "$TOP/tests/support/beacons.py" noise 20000 20000
check "replayed beacons of a connected member and 20,000 other datagrams are dialled for by nobody" test "$(dials riverside)" = "$before"
for node in lincoln riverside district; do
	check "$node answers" q $node node status
done
check "and all are still connected" connected lincoln district

# Of one that is not there: one attempt, which ends in the handshake.
stop lincoln
check "the first is gone" within 20 bash -c '! quire --home "$1" --json peer list | jq -e "any(.items[]; .name == \"lincoln\" and .connected)" >/dev/null' _ "$TMPDIR/district"
before=$(dials district)
in_net stranger "$python" "$TOP/tests/support/beacons.py" say "$heard" 60 100
check "a replayed beacon of one that is gone is dialled for once in 30 s at the most" test $(($(dials district) - before)) -le 1
check "and connects nobody" bash -c '! quire --home "$1" --json peer list | jq -e "any(.items[]; .name == \"lincoln\" and .connected)" >/dev/null' _ "$TMPDIR/district"

kill "${node_pids[hearing]}"
hear "$TMPDIR/second"
start lincoln
check "back with another salt" within 10 grep -qE '^51554952 *01[0-9a-f]{68} 10\.3\.0\.1$' "$TMPDIR/second"
again=$(sed -n 's/ 10\.3\.0\.1$//p' "$TMPDIR/second" | head -n 1)
check "nothing in the two beacons is the same but head and port" test "${heard:14}" != "${again:14}" -a "${heard:46}" != "${again:46}"
check "it is found again" within 40 connected lincoln district

# Who listens on IPv6 is found there too.
stop riverside
node_hosts[riverside]=[::]
unset "node_ports[riverside]"
start riverside
check "a beacon over IPv6 is heard" within 10 grep -qE '^51554952 *01[0-9a-f]{68} f' "$TMPDIR/second"
check "and the member is found" within 40 connected lincoln riverside
