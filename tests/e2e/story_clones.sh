#!/usr/bin/env bash
# story_clones.sh -- two perfect clones of one home that meet different peers: nobody can see it at first; then the fork is proven to all,
# every doctor says so, what both histories share stays, and the owner goes on in a new log.
# timeout: 240
. "${TOP:?}/tests/e2e/lib.sh"
need quire quired jq

home lincoln
home riverside
home laptop person
for node in lincoln riverside laptop; do
	start $node
	unlock $node || fail "$node unlocks"
done
check "two schools are connected" join lincoln riverside
check "the laptop joins one" join lincoln laptop
check "and the other" join riverside laptop
ana=$(id_of laptop)
for node in lincoln riverside; do q $node follow add "$ana" 2>/dev/null; done
echo "What I saw today." >"$TMPDIR/text"
write() { act laptop reflection add --text "$TMPDIR/text" --to public 2>/dev/null; }
shared=$(write)
check "both have what was written before" within 20 is lincoln "$shared" here
check "(the other school)" within 20 is riverside "$shared" here
for node in laptop lincoln riverside; do stop $node; done

# A disk image of this moment. Put back in place, the files are the same files: nothing on the machine shows it.
cp -a "$TMPDIR/laptop" "$TMPDIR/image"
roll_back() {
	local f
	rm -f "$TMPDIR"/laptop/quire.db-wal "$TMPDIR"/laptop/quire.db-shm
	for f in quire.db instance; do cat "$TMPDIR/image/$f" >"$TMPDIR/laptop/$f"; done
}

start lincoln
start laptop
unlock laptop
within 20 connected laptop lincoln || fail "the first clone meets one school"
for i in 1 2 3; do first=$(write); done
check "the first clone's entries are at one school" within 20 is lincoln "$first" here
stop laptop
stop lincoln
roll_back
start riverside
start laptop
unlock laptop
within 20 connected laptop riverside || fail "the second clone meets the other school"
for i in 1 2; do second=$(write); done
check "the second clone's are at the other" within 20 is riverside "$second" here
check "both clones wrote in one log" test "${first%:*}" = "${second%:*}"
stop laptop

says_forked() {
	q "$1" doctor >"$TMPDIR/doctor" 2>&1 || true
	grep -q "forked at entry" "$TMPDIR/doctor"
}
start lincoln
check "the schools meet: the doctor of one says that the log is forked" within 40 says_forked lincoln
check "and that of the other" within 40 says_forked riverside
check "what both histories share is still there" is lincoln "$shared" here
start laptop
check "the laptop's doctor says so too" within 40 says_forked laptop
check "its owner signs in" unlock laptop
fresh=$(write)
check "and goes on in a new log" test "${fresh%:*}" != "${shared%:*}"
check "which arrives" within 20 is lincoln "$fresh" here
check "(at the other school)" within 20 is riverside "$fresh" here

# The owner chooses. The laptop holds the second branch with its bodies; of the first it has what the proof shows.
log=${shared%:*}
branches() { q laptop --json fork show "$log"; }
branches >"$TMPDIR/branches"
check "both branches are shown" jq -e '(.items | length) == 2 and .own' "$TMPDIR/branches"
check "one of three entries that are elsewhere, one of two that are here" \
	jq -e '[.items[] | [.entries, .bodies]] | sort == [[2,2],[3,0]]' "$TMPDIR/branches"
keep=$(jq -r '.items[] | select(.entries == 3).last' "$TMPDIR/branches")
q lincoln doctor >"$TMPDIR/doctor" 2>&1 || true
check "others are told that only its owner can settle it" grep -q "only its owner can settle it" "$TMPDIR/doctor"
unlock lincoln || fail "a school unlocks"
refused "others cannot" 5 "only its owner" act lincoln --yes fork settle "$log" --keep "$keep"
refused "a branch that is none is named" 4 "no branch" act laptop --yes fork settle "$log" --keep 0000000000000000
check "the owner settles it: what is cut off is written again" \
	jq -e '.length > 0 and .again == 2' <(act laptop --yes --json fork settle "$log" --keep "$keep")
for node in lincoln riverside laptop; do
	check "the chosen branch counts at $node" within 30 is $node "$first" here
done
settled() { q "$1" doctor 2>/dev/null | grep -q "its owner has settled it"; }
for node in lincoln riverside laptop; do check "the doctor of $node says so" within 20 settled $node; done
again=$(q lincoln --json entry list --of "$ana" 2>/dev/null | jq '[.items[] | select(.was)] | length')
check "the two entries of the other branch stand in the new log ($again)" test "$again" = 2
last=$(write)
check "and it goes on" within 20 is riverside "$last" here
