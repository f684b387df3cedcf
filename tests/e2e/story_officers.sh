#!/usr/bin/env bash
# story_officers.sh -- an institution names officers and ends them, and says how far its own logs reached.
# sanitizers: yes
# timeout: 120
. "${TOP:?}/tests/e2e/lib.sh"
need quire quired jq curl

home lincoln school
home ana person
start lincoln
start ana
check "Ana's node joins the school's" join lincoln ana
school=$(id_of lincoln) ana=$(id_of ana)

# ---- who may
refused "a school that is not signed in names nobody" 5 "signed in|unlock" \
	act lincoln identity officer add "$ana" --rights publish
unlock lincoln || fail "the school unlocks"
q lincoln follow add "$ana" >/dev/null 2>&1
q ana follow add "$school" >/dev/null 2>&1
refused "a person who is not signed in is refused" 5 "signed in|unlock" \
	q ana --as "$school" identity officer add "$ana" --rights publish
unlock ana || fail "Ana unlocks"
refused "nor does she speak for the school once she is" 5 "signed in|unlock" \
	q ana --as "$school" identity officer add "$ana" --rights publish

# ---- naming
officers() { q "$1" --json identity officer list "$school"; }
listed() { officers "$1" | jq -e --arg ana "$ana" "$2" >/dev/null; } # node, what jq finds true
check "there are none yet, and it says how to name one" sh -c "quire --home '$TMPDIR/lincoln' identity officer list '$school' 2>&1 | grep -q 'officer add'"
refused "an unknown right is refused, with those that exist" 2 "countersign" \
	act lincoln identity officer add "$ana" --rights publish,rule
refused "so is none at all" 2 "no right" act lincoln identity officer add "$ana" --rights ,
refused "the school itself needs no rights" 2 "itself" act lincoln identity officer add "$school" --rights publish
refused "half a verb is a usage error" 2 "officer add" act lincoln identity officer ad
check "Ana becomes an officer" act lincoln identity officer add "$ana" --rights publish,appoint
check "the list names her and her rights" listed lincoln \
	'.items | length == 1 and .[0].officer == $ana and .[0].rights == ["publish", "appoint"] and (.[0].ended | not)'
refused "the same again is refused" 1 "already" act lincoln identity officer add "$ana" --rights appoint
check "a further right is a further event" act lincoln identity officer add "$ana" --rights revoke
check "her own node learns of both" within 20 listed ana '.items | length == 2'
within 20 listed lincoln 'all(.items[]; .name == "ana")' || fail "the list has her name"
ok "the list has her name"

# ---- ending
echo "Minutes of a meeting." >"$TMPDIR/text"
last=$(act lincoln reflection add --text "$TMPDIR/text" --to public 2>/dev/null)
refused "a person who is not the school ends nobody" 5 "unlock" q ana --as "$school" --yes identity officer end "$ana"
refused "without consent nothing ends" 2 "yes" act lincoln identity officer end "$ana"
revokes=$(officers lincoln | jq -r '.items[] | select(.rights == ["revoke"]).event')
check "one event is ended by its own id" act lincoln --yes identity officer end "$revokes"
check "the other stays" listed lincoln 'any(.items[]; .rights == ["revoke"] and .ended) and any(.items[]; .rights == ["publish", "appoint"] and (.ended | not))'
act lincoln --json --yes identity officer end "$ana" >"$TMPDIR/end" || fail "Ana is ended"
ok "Ana is ended by her own id"
check "the end marks how far the school's log reaches" jq -e --arg log "${last%:*}" --argjson n "$((${last#*:} + 1))" \
	'.ended == 1 and (.marks | length == 1 and .[0].log == $log and .[0].length == $n and (.[0].last | test("^[0-9a-f]{64}$")))' "$TMPDIR/end"
check "the list still shows both, as ended" listed lincoln '.items | length == 2 and all(.ended)'
check "so does her own node" within 20 listed ana '.items | length == 2 and all(.ended)'
refused "nobody is ended twice" 4 "no such officer" act lincoln --yes identity officer end "$ana"
check "she can be named anew" act lincoln identity officer add "$ana" --rights publish
check "and is listed with what was before" listed lincoln '.items | length == 3 and (map(select(.ended | not)) | length == 1)'

# ---- a person has none
printf 'passphrase of Rui\n' >"$TMPDIR/rui.pass"
rui=$(q lincoln --json identity create --name Rui --passphrase-file "$TMPDIR/rui.pass" 2>/dev/null | jq -r .id)
q lincoln identity unlock "$rui" --passphrase-file "$TMPDIR/rui.pass" >/dev/null 2>&1 || fail "Rui unlocks"
refused "a person has no officers" 5 "a person has no officers" q lincoln --as "$rui" identity officer add "$ana" --rights publish
as_rui() { # path, body
	curl -s --unix-socket "$TMPDIR/lincoln/quire.sock" -H "Quire-As: $rui" -H "Content-Type: application/json" -d "$2" "http://localhost/api/v1/identities/$school/$1"
}
says() { grep -q "$1" <<<"$("${@:2}")"; }
check "his session names no officers of the school" says "Only this identity itself" as_rui officers "{\"officer\":\"$ana\",\"rights\":\"revoke\"}"
check "and ends none" says "Only this identity itself" as_rui "officers/$ana/end" "{}"
check "doctor finds nothing wrong" q lincoln doctor
