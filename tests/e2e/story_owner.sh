#!/usr/bin/env bash
# story_owner.sh -- the network's owner has a second device by the recovery code; it is stolen, and lets a stranger in. The owner closes it behind what it wrote
# honestly: the stranger is out everywhere, at who heard of it before, who slept, and who comes later; who was let in honestly stays.
# sanitizers: yes
# timeout: 120
. "${TOP:?}/tests/e2e/lib.sh"
need quire quired jq

home laptop district
start laptop
unlock laptop || fail "the owner signs in"
owner=$(id_of laptop) network=$(q laptop --json node status | jq -r .network)
first=$(q laptop --json identity devices "$network" | jq -r '.items[].log')
empty() { # nodes without an identity
	local node
	for node in "$@"; do
		quire --home "$TMPDIR/$node" --json init --recover --name "$node" >/dev/null 2>&1 || fail "a home for $node"
		printf '[peers]\nredial_max = 2\n' >"$TMPDIR/$node/quire.conf"
		start "$node"
	done
}
empty phone lincoln riverside stranger
key() { q "$1" --json node status | jq -r .node; }
# member NODE WHO -- is it one there, by the network's word or by an invitation?
member() { q "$1" --json peer list | jq -e --arg node "${keys[$2]}" 'any(.items[]; .node == $node and .origin != "removed")' >/dev/null; }
admitted() { q "$1" --json peer list | jq -e --arg node "${keys[$2]}" 'any(.items[]; .node == $node and .origin == "admitted")' >/dev/null; }
declare -A keys
for node in laptop phone lincoln riverside stranger; do keys[$node]=$(key $node); done

# ---- the second device
check "the phone joins" join laptop phone
check "and another node" join laptop lincoln
recover() { q phone --json identity recover --code-file "$TMPDIR/laptop.code" --passphrase-file "$TMPDIR/laptop.pass" >"$TMPDIR/recovered" 2>/dev/null; }
check "the code brings identity and network to the phone" eval 'within 20 recover && jq -e --arg n "$network" ".network == \$n" "$TMPDIR/recovered"'
check "the owner signs in there" q phone identity unlock "$owner" --passphrase-file "$TMPDIR/laptop.pass"
lengths() { q "$1" --json identity devices "$network" | jq -c '[.items[] | [.log, .closed_length // .length]] | sort'; }
level() { [ "$(lengths "$1")" = "$(lengths "$2")" ]; }
log=$(q phone --json identity devices "$network" | jq -r --arg first "$first" '.items[].log | select(. != $first)')
check "whoever joins at the phone is admitted to the network" eval 'join phone riverside && within 20 admitted lincoln riverside && within 20 admitted laptop riverside'
check "and reaches the others" within 20 connected lincoln riverside
honest=$(q laptop --json identity devices "$network" | jq --arg log "$log" '.items[] | select(.log == $log) | .length')
stop riverside

# ---- stolen
check "the thief lets a stranger in" eval 'join phone stranger && within 20 admitted lincoln stranger && within 20 admitted laptop stranger'
check "who reaches all that are awake" eval 'within 20 connected lincoln stranger && within 20 connected laptop stranger'
check "the owner opens the network's own keys" q laptop identity unlock "$network" --passphrase-file "$TMPDIR/laptop.pass"
check "and closes the phone behind what it wrote honestly" q laptop --as "$network" --yes identity device-close "$log" --length "$honest"
out() { ! member "$1" stranger && ! connected "$1" stranger; }
check "the stranger is out where it was done" within 20 out laptop
check "and at who had heard of it first" within 20 out lincoln
start riverside
check "who slept meanwhile has all that counts" within 20 level riverside laptop
check "and never lets the stranger in" out riverside
empty late
keys[late]=$(key late)
check "somebody joins later" join lincoln late
check "and has all that counts" within 20 level late laptop
check "the stranger is nobody there either" out late
for node in laptop late; do
	check "$node has those who were let in honestly" eval 'admitted $node riverside && member $node lincoln'
done
check "Lincoln too" eval 'admitted lincoln riverside && connected lincoln riverside'
check "they are connected as before" within 20 connected riverside laptop
stop phone
check "the phone is taken out too" act laptop --yes peer remove "${keys[phone]}"
check "and nobody takes it in any more" within 20 eval '! member lincoln phone && ! member late phone'
check "nor is the stranger in anywhere" eval 'out laptop && out lincoln && out riverside && out late'
for node in laptop lincoln riverside; do check "doctor finds nothing wrong at $node" q $node doctor; done
