#!/usr/bin/env bash
# story_portfolio.sh -- who sees what; files that go on where they broke off; following ended; small files over two hops.
# sanitizers: yes
# timeout: 150
. "${TOP:?}/tests/e2e/lib.sh"
need quire quired jq curl

for node in lincoln riverside district; do
	home $node person
	start $node
	unlock $node || fail "$node unlocks"
done
check "two nodes are connected" join lincoln riverside
q riverside follow add "$(id_of lincoln)" 2>/dev/null
q lincoln follow add "$(id_of riverside)" 2>/dev/null
check "lincoln learns riverside's keys" within 20 q lincoln identity show "$(id_of riverside)"

echo "What everybody may read." >"$TMPDIR/text"
public=$(act lincoln reflection add --text "$TMPDIR/text" --to public 2>/dev/null)
private=$(act lincoln reflection add --text "$TMPDIR/text" 2>/dev/null)
sealed=$(act lincoln artifact add "$TMPDIR/text" --title "For one" --kind document --depicts nobody --to "$(id_of riverside)" 2>/dev/null)
head -c 5000000 /dev/urandom >"$TMPDIR/big"
big=$(act lincoln artifact add "$TMPDIR/big" --title "Big" --kind data --depicts nobody --to public 2>/dev/null)
check "public: open to who only looks after the node" within 20 is riverside "$public" here
check "public: open to a person there" is riverside "$public" here "$(id_of riverside)"
check "private: locked there for everybody" within 20 is riverside "$private" locked "$(id_of riverside)"
check "private: open to its author" is lincoln "$private" here "$(id_of lincoln)"
q lincoln identity lock "$(id_of lincoln)" 2>/dev/null
check "private: locked at home too once she has signed out" is lincoln "$private" locked
unlock lincoln
check "sealed: open to its reader" within 20 is riverside "$sealed" here "$(id_of riverside)"
check "sealed: open to its author" is lincoln "$sealed" here "$(id_of lincoln)"
q riverside identity lock "$(id_of riverside)" 2>/dev/null
check "sealed: locked for who only looks after the node" is riverside "$sealed" locked
check "signed out, it is locked for its reader too" is riverside "$sealed" locked "$(id_of riverside)"
unlock riverside

# ---- files
root_of() { q "$1" --as "$2" --json entry show "$3" | jq -r '.blobs[0].root'; }
complete() { q "$1" --json entry show "$2" | jq -e 'all(.blobs[]; .complete)' >/dev/null; }
check "the big file arrives" within 30 complete riverside "$big"
root=$(root_of riverside "$(id_of riverside)" "$big")
head -c 3000001 "$TMPDIR/big" >"$TMPDIR/copy.part"
check "a file goes on where it was broken off" act riverside blob get "$root" -o "$TMPDIR/copy"
check "and is whole" cmp "$TMPDIR/big" "$TMPDIR/copy"
check "nothing is left of the part" test ! -e "$TMPDIR/copy.part"
refused "a file that is there is not written over" 1 "exists" act riverside blob get "$root" -o "$TMPDIR/copy"
check "unless it is wanted" act riverside --yes blob get "$root" -o "$TMPDIR/copy"
head -c 6000000 "$TMPDIR/big" | tr '\0-\377' '\1-\377\0' >"$TMPDIR/other.part"
cat "$TMPDIR/big" >>"$TMPDIR/other.part"
check "a part that is longer than the file is begun again" act riverside blob get "$root" -o "$TMPDIR/other"
check "and is whole" cmp "$TMPDIR/big" "$TMPDIR/other"
check "to stdout" bash -c 'quire --home "$1" blob get "$2" -o - | cmp - "$3"' _ "$TMPDIR/riverside" "$root" "$TMPDIR/big"
range() { # from, to
	curl -s --unix-socket "$TMPDIR/riverside/quire.sock" -o "$TMPDIR/range" -w '%{http_code}' -H "Range: bytes=$1-$2" \
		"http://localhost/api/v1/blobs/$root" >"$TMPDIR/code" && [ "$(cat "$TMPDIR/code")" = 206 ] &&
		cmp "$TMPDIR/range" <(tail -c +$(($1 + 1)) "$TMPDIR/big" | head -c $(($2 - $1 + 1)))
}
check "a range inside of one chunk" range 10 4000
check "a range over chunks" range 65530 200000
check "the last byte" range 4999999 4999999
sealed_root=$(root_of riverside "$(id_of riverside)" "$sealed")
q riverside identity lock "$(id_of riverside)" 2>/dev/null
refused "a sealed file is refused to who cannot read it" 5 "." q riverside blob get "$sealed_root" -o "$TMPDIR/no"
unlock riverside
check "its reader gets it" act riverside blob get "$sealed_root" -o "$TMPDIR/yes"
check "as it was" cmp "$TMPDIR/text" "$TMPDIR/yes"

# ---- two hops, and no longer following
check "a third node joins at riverside" join riverside district
q district follow add "$(id_of lincoln)" 2>/dev/null
stop lincoln
check "what lincoln wrote comes from riverside" within 20 is district "$public" here
check "small files too" within 20 complete district "$sealed"
check "and large ones" within 30 complete district "$big"
start lincoln
unlock lincoln
check "riverside and lincoln are connected again" within 30 connected riverside lincoln
check "riverside no longer follows lincoln" q riverside follow remove "$(id_of lincoln)"
later=$(act lincoln reflection add --text "$TMPDIR/text" --to public 2>/dev/null)
mine=$(act riverside reflection add --text "$TMPDIR/text" --to public 2>/dev/null)
check "what riverside writes still arrives" within 20 is lincoln "$mine" here
refused "what lincoln writes does not" 4 "." q riverside entry show "$later"
check "what was here stays" is riverside "$public" here
q riverside follow add "$(id_of lincoln)" 2>/dev/null
check "followed again, it comes" within 20 is riverside "$later" here
for node in lincoln riverside district; do
	check "doctor finds nothing wrong at $node" q $node doctor
done
