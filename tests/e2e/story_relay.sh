#!/usr/bin/env bash
# story_relay.sh -- two that can only dial out, behind networks of their own, reach each other through a third, which cannot read along.
# sanitizers: yes
# timeout: 240
. "${TOP:?}/tests/support/nets.sh"
. "${TOP:?}/tests/e2e/lib.sh"
need quire quired jq ip nsenter unshare

net left
net middle
net right
wire left middle 1
wire middle right 2
settings() { # NODE LINE...
	printf '%s\n' '[peers]' 'redial_max = 2' "${@:2}" '[log]' 'level = debug' >"$TMPDIR/$1/quire.conf"
}
home district
node_nets[district]=middle node_hosts[district]=0.0.0.0 node_ports[district]=7411
settings district 'advertise = 10.1.0.2:7411 10.2.0.1:7411'
start district
unlock district
for node in lincoln riverside; do
	home $node
	node_hosts[$node]=off
	settings $node
done
node_nets[lincoln]=left node_nets[riverside]=right
for node in lincoln riverside; do
	start $node
	unlock $node
	check "$node joins where it can dial to" join district $node
done
check "nobody leads from one network to the other" bash -c '
	! nsenter --net=/run/netns/left timeout 5 bash -c "</dev/tcp/10.2.0.2/1" 2>&1 | grep -q refused'
knows() { q "$1" --json peer list | jq -e --arg name "$2" 'any(.items[]; .name == $name)' >/dev/null; }
check "they know of each other" within 30 knows lincoln riverside

# A node that does not relay is not asked.
check "so the two are not connected" bash -c '
	! quire --home "$1" --json peer list | jq -e "any(.items[]; .name == \"riverside\" and .connected)" >/dev/null' _ "$TMPDIR/lincoln"
check "but each with the third" connected lincoln district
check "which nobody asked to relay" bash -c '! grep "event=dials" "$1"/*.log' _ "$TMPDIR"

stop district
settings district 'advertise = 10.1.0.2:7411 10.2.0.1:7411' 'relay = on'
start district
unlock district
check "when it relays, the two are connected" within 60 connected lincoln riverside
check "both ways" within 20 connected riverside lincoln
check "the relay passed bytes on" grep -q 'relay.*event="\?passes on' "$TMPDIR/district.log"

q riverside follow add "$(id_of lincoln)" 2>/dev/null
printf 'only for those who follow\n' >"$TMPDIR/text"
first=$(act lincoln --json reflection add --text "$TMPDIR/text" --to public | jq -r .ref)
check "what one writes the other has" within 20 is riverside "$first" here
check "and the relay, which does not follow, has nothing of it" test -z "$(state district "$first")"
head -c 3000000 /dev/urandom >"$TMPDIR/film"
file=$(act lincoln artifact add "$TMPDIR/film" --title Film --kind video --depicts nobody --to public 2>/dev/null)
complete() { q "$1" --json entry show "$2" | jq -e 'all(.blobs[]; .complete)' >/dev/null; }
check "a file of 3 MB comes through" within 60 complete riverside "$file"

stop riverside KILL
check "one end is cut off: the other sees it" within 60 bash -c '
	! quire --home "$1" --json peer list | jq -e "any(.items[]; .name == \"riverside\" and .connected)" >/dev/null' _ "$TMPDIR/lincoln"
check "and is still connected with the relay" connected lincoln district
second=$(act lincoln --json reflection add --text "$TMPDIR/text" --to public | jq -r .ref)
start riverside
check "it comes back through the relay" within 60 connected lincoln riverside
check "and catches up" within 20 is riverside "$second" here

stop district KILL
check "without the relay nobody is connected" within 20 bash -c '
	! quire --home "$1" --json peer list | jq -e "any(.items[]; .connected)" >/dev/null' _ "$TMPDIR/lincoln"
start district
check "with it all are again" within 60 connected lincoln riverside
stop district
stop lincoln
check "all of them end in good order" bash -c '! grep -h "left open" "$1"/*.log' _ "$TMPDIR"
