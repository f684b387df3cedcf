#!/usr/bin/env bash
# story_backup.sh -- a node in one file, made while it is written to, and back in another home: nothing forks, each identity goes on in a new
# log, what was erased after the backup is erased again; and no damaged, short or foreign file is taken for a backup.
# timeout: 240
. "${TOP:?}/tests/e2e/lib.sh"
need quire quired jq cmp

home lincoln
home laptop person
for node in lincoln laptop; do
	start $node
	unlock $node || fail "$node unlocks"
done
check "a school and a laptop are connected" join lincoln laptop
ana=$(id_of laptop)
q lincoln follow add "$ana" 2>/dev/null || true
printf 'What I saw today, before the backup.\n' >"$TMPDIR/text"
write() { act laptop reflection add --text "$TMPDIR/text" --to public 2>/dev/null; }
first=$(write)
head -c 300000 /dev/urandom >"$TMPDIR/film"
film=$(act laptop artifact add "$TMPDIR/film" --title Film --kind data --depicts nobody --to public 2>/dev/null)
check "the school has both" within 20 is lincoln "$film" here

# Under load.
(for _ in $(seq 40); do write >/dev/null || true; done) &
writer=$!
printf 'a passphrase for the drawer\n' >"$TMPDIR/drawer"
backup() { q laptop backup create "$1" --passphrase-file "$TMPDIR/drawer" "${@:2}"; }
check "a backup is made while entries are written" backup "$TMPDIR/full"
wait $writer
check "and one without files" backup "$TMPDIR/small" --without-blobs
refused "a file that is there is not written over" 1 "exists" backup "$TMPDIR/full"
check "no copy of the database stays behind" test ! -e "$TMPDIR/full.database"
check "nothing in it can be read" bash -c "! grep -qa 'SQLite format\|before the backup' '$TMPDIR/full'"
check "one without encryption must be asked for" q laptop backup create "$TMPDIR/open" --unencrypted
check "the one without files is shorter by the file" test "$(stat -c %s "$TMPDIR/open")" -gt $(($(stat -c %s "$TMPDIR/small") + 290000))
check "and needs no passphrase" quire --home "$TMPDIR/other" backup restore "$TMPDIR/open"

# After the backup: one entry is erased, others are written.
check "an entry is erased" act laptop --yes erase "$first" --why mistake
check "which the school learns" within 20 is lincoln "$first" erased
late=$(write)
check "another is written, and arrives" within 20 is lincoln "$late" here
stop laptop
mv "$TMPDIR/laptop" "$TMPDIR/lost"

# Refused, each with words, and nothing left behind.
restore() { quire --home "$TMPDIR/laptop" backup restore "$1" --passphrase-file "${2:-$TMPDIR/drawer}"; }
gone() { test ! -e "$TMPDIR/laptop" -a ! -e "$TMPDIR/laptop.restoring"; }
# refuses TEXT PATTERN COMMAND... -- it fails, with whatever exit status, and says something that fits.
refuses() {
	local text=$1 pattern=$2
	shift 2
	if "$@" >"$TMPDIR/said" 2>&1 </dev/null; then fail "$text is taken"; fi
	grep -qiE -- "$pattern" "$TMPDIR/said" || fail "$text (it says: $(tail -n 3 "$TMPDIR/said"))"
	ok "$text: refused"
}
printf 'another\n' >"$TMPDIR/wrong"
refuses "another passphrase" "passphrase" restore "$TMPDIR/full" "$TMPDIR/wrong"
size=$(stat -c %s "$TMPDIR/full")
for at in 0 9 12 13 21 40 69 70 65700 $((size / 2)) $((size - 1)); do
	cp "$TMPDIR/full" "$TMPDIR/bad"
	byte=$(od -An -tu1 -j$at -N1 "$TMPDIR/bad" | tr -d ' ')
	printf "\\$(printf %03o $((byte ^ 1)))" | dd of="$TMPDIR/bad" bs=1 seek=$at conv=notrunc 2>/dev/null
	refuses "byte $at altered" "not a backup|another version|passphrase|damaged" restore "$TMPDIR/bad"
	gone || fail "byte $at altered: something is left behind"
done
for length in 0 5 60 65620 $((size / 2)) $((size - 1)); do
	head -c "$length" "$TMPDIR/full" >"$TMPDIR/bad"
	refuses "cut at $length" "not a backup|passphrase|damaged" restore "$TMPDIR/bad"
	gone || fail "cut at $length: something is left behind"
done
{ cat "$TMPDIR/full"; printf x; } >"$TMPDIR/bad"
refuses "one byte more" "damaged" restore "$TMPDIR/bad"
refuses "a picture, or whatever it is" "not a backup" restore "$TMPDIR/film"
mkdir "$TMPDIR/laptop"
touch "$TMPDIR/laptop/something"
refuses "a home that is not empty" "not empty" restore "$TMPDIR/full"
rm -r "$TMPDIR/laptop"

check "the backup is restored" restore "$TMPDIR/full"
check "device keys are not in it" test "$(stat -c %s "$TMPDIR/laptop/keys/$ana.key")" -lt "$(stat -c %s "$TMPDIR/lost/keys/$ana.key")"
cp "$TMPDIR/lost/quire.conf" "$TMPDIR/laptop/quire.conf"
start laptop
check "it relays at once: the peers are connected" within 30 connected lincoln laptop
check "what was erased meanwhile is erased again" within 20 is laptop "$first" erased
check "what was written after the backup comes back" within 20 is laptop "$late" here
check "the file is here" is laptop "$film" here
check "its owner signs in" unlock laptop
fresh=$(write)
check "and goes on in a new log" test "${fresh%:*}" != "${late%:*}"
check "which arrives" within 20 is lincoln "$fresh" here
whole() { q "$1" doctor >"$TMPDIR/doctor" 2>&1 && ! grep -q forked "$TMPDIR/doctor"; }
for node in lincoln laptop; do check "nothing is forked or damaged at $node" whole $node; done
stop laptop
rm -r "$TMPDIR/laptop"
check "the one without files is restored too" restore "$TMPDIR/small"
start laptop
within 30 connected lincoln laptop || fail "it is connected"
check "peers send the file again" within 30 whole laptop
