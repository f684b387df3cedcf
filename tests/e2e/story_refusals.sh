#!/usr/bin/env bash
# story_refusals.sh -- what goes wrong at the command: the exit status is the documented one, and the words say what to do.
# sanitizers: yes
# timeout: 120
. "${TOP:?}/tests/e2e/lib.sh"
need quire quired jq sqlite3

# An error is one JSON object with "v": 1 too.
json_error() { # status, command...
	local code=$1 status=0
	shift
	"$@" >"$TMPDIR/json" 2>"$TMPDIR/said" </dev/null || status=$?
	[ $status = "$code" ] || { cat "$TMPDIR/json" "$TMPDIR/said"; return 1; }
	jq -es --argjson code "$code" 'length == 1 and .[0].v == 1 and .[0].error.exit == $code and
		(.[0].error.detail | length > 0)' "$TMPDIR/json" >/dev/null
}

home lincoln
refused "without a daemon: exit status 3, and how to start it" 3 "quired --home" q lincoln node status
check "as JSON too" json_error 3 q lincoln --json node status
check "doctor works without a daemon" q lincoln doctor
refused "a home is not made twice" 1 "already" quire --home "$TMPDIR/lincoln" init --name Again --passphrase-file "$TMPDIR/lincoln.pass"
refused "an unknown verb is a usage error" 2 "node" q lincoln node stauts
refused "an option without its value too" 2 "." q lincoln peer invite --expires
start lincoln
refused "a second daemon on the same home does not start, and says why" 1 "uses the home" \
	quired --home "$TMPDIR/lincoln" --listen off --http off

home far
long=$TMPDIR/$(printf 'x%.0s' {1..110})
mv "$TMPDIR/far" "$long"
refused "a home whose path is too long for a socket is refused, with the length" 2 "at most 107" \
	quired --home "$long" --listen off --http off
refused "and none is made there" 1 "shorter --home" \
	quire --home "$long/again" init --name far --kind person --passphrase-file "$TMPDIR/far.pass"
home newer
sqlite3 "$TMPDIR/newer/quire.db" "PRAGMA user_version = 999"
refused "a database of a newer version is left alone" 1 "newer version" \
	quired --home "$TMPDIR/newer" --listen off --http off
refused "doctor says the same, and what to do" 6 "what to do" q newer doctor

refused "writing while locked is refused" 5 "identity unlock" act lincoln reflection add --text "$TMPDIR/lincoln.id"
refused "a wrong passphrase is refused" 5 "passphrase" q lincoln identity unlock --passphrase-file "$TMPDIR/lincoln.id"
check "as JSON too" json_error 5 q lincoln --json identity unlock --passphrase-file "$TMPDIR/lincoln.id"
check "the right one opens, and needs no name where one identity lives" \
	q lincoln identity unlock --passphrase-file "$TMPDIR/lincoln.pass"

refused "an unknown entry is not found" 4 "." q lincoln entry show 0123456789abcdef:3
refused "an unknown file is not found" 4 "." q lincoln blob get "$(printf '%064d' 7)" -o "$TMPDIR/none"
refused "an unknown identity is not found" 4 "identity list" q lincoln identity show nobody
check "as JSON too" json_error 4 q lincoln --json entry show 0123456789abcdef:3
check "a usage error as JSON too" json_error 2 q lincoln --json entry show

head -c 60000 /dev/urandom | base64 -w 76 >"$TMPDIR/long.txt"
refused "a text that is too long is refused, with the way out" 2 "48 kB" act lincoln reflection add --text "$TMPDIR/long.txt"
head -c 10 /dev/urandom >"$TMPDIR/binary"
printf '\377\376' >>"$TMPDIR/binary"
refused "what is no text is refused" 2 "UTF-8" act lincoln reflection add --text "$TMPDIR/binary"
refused "a file that is not there is refused before anything is sent" 2 "No such file" \
	act lincoln artifact add "$TMPDIR/missing" --title T --kind document
refused "what others will see must say whether pupils can be seen" 2 "depicts" \
	act lincoln artifact add "$TMPDIR/long.txt" --title T --kind document --to public
refused "a reader whose keys are not here: follow first" 4 "follow" \
	act lincoln reflection add --text "$TMPDIR/lincoln.id" --to "$(printf '%064d' 8)"
check "nothing of all that was written" test "$(q lincoln --json entry list --kind reflection | jq '.items | length')" = 0

for command in "node status" "identity list" "identity show" "identity devices" "peer list" "follow list" "entry list" doctor \
	"config show" "config check"; do
	# shellcheck disable=SC2086 # two words
	check "\"$command\" gives one JSON object with \"v\": 1" \
		bash -c 'set -o pipefail; quire --home "$1" --json $2 | jq -es "length == 1 and .[0].v == 1" >/dev/null' _ "$TMPDIR/lincoln" "$command"
done
