#!/usr/bin/env bash
# story_invitations.sh -- who gets in: expired, used and altered invitations; a third node is known to all; a peer taken out.
# sanitizers: yes
# timeout: 120
. "${TOP:?}/tests/e2e/lib.sh"
need quire quired jq sqlite3

for node in lincoln riverside district; do
	home $node
	start $node
	unlock $node || fail "$node unlocks"
done

invitation=$(q lincoln peer invite --note "for Riverside" 2>/dev/null)
# One letter in the middle, by its neighbour in the alphabet.
letter=${invitation:60:1}
altered=${invitation:0:60}$(tr 'a-z2-7' 'b-z2-7a' <<<"$letter")${invitation:61}
refused "an altered invitation is refused, with what to do" 2 "copy it whole" q riverside peer join "$altered"
refused "a cut one too" 2 "invitation" q riverside peer join "${invitation:0:80}"
refused "what is none at all too" 2 "quire:" q riverside peer join hello
check "the sound one is good" q riverside peer join "$invitation"
check "both are connected" within 20 connected lincoln riverside
refused "used up, it admits nobody else" 5 "used" q district peer join "$invitation"
check "whoever failed is not known" bash -c '! quire --home "$1" --json peer list | jq -e "any(.items[]; .name == \"district\")"' _ "$TMPDIR/lincoln"

# Its hour has passed: the clock of both is set on, by the one who made it.
late=$(q lincoln peer invite --expires 1h 2>/dev/null)
stop lincoln
sqlite3 "$TMPDIR/lincoln/quire.db" "UPDATE invite SET expires_hour = 490000"
start lincoln
unlock lincoln
refused "an expired invitation is refused" 5 "expired" q district peer join "$late"

# One that was given away is taken back before somebody uses it; who gave it sees that.
stolen=$(q lincoln peer invite --uses 2 --note "lost letter" 2>/dev/null)
id=$(q lincoln --json peer invite list | jq -r '.items[] | select(.note == "lost letter") | .id')
refused "an invitation that is none cannot be revoked" 4 "no such invitation" q lincoln peer invite revoke "$(printf '%08d' 9)"
check "one that was given away is revoked" q lincoln peer invite revoke "${id:0:8}"
refused "then it admits nobody" 5 "took it back" q district peer join "$stolen"
check "and the list says so" bash -c 'quire --home "$1" --json peer invite list | jq -e ".items[] | select(.note == \"lost letter\") | .revoked and .uses_left == 0 and .used_by == []"' _ "$TMPDIR/lincoln"

check "another one admits the third node" join lincoln district
knows() { q "$1" --json peer list | jq -e --arg name "$2" 'any(.items[]; .name == $name)' >/dev/null; }
check "the network's log tells riverside of it" within 20 knows riverside district
check "and the third node of riverside" within 20 knows district riverside

# What is followed and comes from nobody is said.
q riverside follow add "$(id_of district)" >/dev/null 2>&1
lacking() { q "$1" --json node status | jq -e --argjson n "$2" '.without_source.count == $n' >/dev/null; }
check "who follows an identity is connected to a node that has it" within 20 lacking riverside 0
stop district
check "when that node goes, node status counts what has no source" within 20 lacking riverside 1
check "and says whose it is, in words" eval 'q riverside node status >"$TMPDIR/said" && grep -q "1 followed identity has no connected source now.*$(cut -c1-8 <"$TMPDIR/district.id")" "$TMPDIR/said"'
check "as the list of peers does" eval 'q riverside peer list >"$TMPDIR/said" 2>&1 && grep -q "no connected source now" "$TMPDIR/said"'
start district

node=$(q lincoln --json peer list | jq -r '.items[] | select(.name == "district") | .node')
check "a peer is taken out" q lincoln --yes peer remove "$node"
check "and is not connected any more" within 10 bash -c '
	! quire --home "$1" --json peer list | jq -e "any(.items[]; .name == \"district\" and .connected)" >/dev/null' _ "$TMPDIR/lincoln"
check "the others stay" connected lincoln riverside
refused "who is not there cannot be taken out" 4 "no such peer" q lincoln --yes peer remove "$(printf '%064d' 9)"
