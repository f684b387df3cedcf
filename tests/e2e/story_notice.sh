#!/usr/bin/env bash
# story_notice.sh -- a request for review reaches a reviewer two hops away, whose node follows neither the earner nor is connected to the earner's
# node; it is judged, and the review comes back. What came as a guest is shown, and can be declined.
# sanitizers: yes
# timeout: 240
. "${TOP:?}/tests/e2e/lib.sh"
need quire quired jq

# The district carries; the earner's node and the reviewer's only dial out, so they can never be connected to each other.
home district issuer
home lincoln school
home riverside school
printf '[peers]\nredial_max = 2\nlisten = off\n' >"$TMPDIR/lincoln/quire.conf"
printf '[peers]\nredial_max = 2\nlisten = off\n' >"$TMPDIR/riverside/quire.conf"
printf 'relay = off\n' >>"$TMPDIR/district/quire.conf"
start district
# outward NODE -- a node that nobody can dial.
outward() {
	: >"$TMPDIR/$1.ready"
	quired --home "$TMPDIR/$1" --listen off --http off >"$TMPDIR/$1.ready" 2>>"$TMPDIR/$1.log" </dev/null &
	node_pids[$1]=$!
	within 30 grep -q '^quired: ready' "$TMPDIR/$1.ready" || fail "$1 starts: $(tail -n 5 "$TMPDIR/$1.log")"
}
outward lincoln
outward riverside
check "the earner's node joins the carrier's" join district lincoln
check "so does the reviewer's" join district riverside

declare -A ids
# person NODE NAME -- somebody of his own there, signed in.
person() {
	printf 'passphrase of %s\n' "$2" >"$TMPDIR/$2.pass"
	ids[$2]=$(q "$1" --json identity create --name "$2" --passphrase-file "$TMPDIR/$2.pass" 2>/dev/null | jq -r .id)
	q "$1" identity unlock "${ids[$2]}" --passphrase-file "$TMPDIR/$2.pass" >/dev/null 2>&1 || fail "$2 signs in"
}
person lincoln ana
person riverside vera
unlock district || fail "the issuer signs in"
ids[district]=$(id_of district)
declare -A home_of=([ana]=lincoln [vera]=riverside [district]=district)
as() { quire --home "$TMPDIR/${home_of[$1]}" --as "${ids[$1]}" "${@:2}"; } # person, command...
holds() { as "$1" --json "${@:3}" 2>/dev/null | jq -e "$2" >/dev/null; }
follows() { q "$1" --json follow list | jq -e --arg id "$2" 'any(.items[]; .id == $id)' >/dev/null; }

# Who holds what: the carrier holds the earner's log and the reviewer's; the earner's node has the reviewer's keys, and the reviewer's nothing of hers.
q district follow add "${ids[ana]}" >/dev/null 2>&1 || fail "the carrier follows the earner"
q district follow add "${ids[vera]}" >/dev/null 2>&1 || fail "and the reviewer"
q lincoln follow add "${ids[district]}" >/dev/null 2>&1
q lincoln follow add "${ids[vera]}" >/dev/null 2>&1
q riverside follow add "${ids[district]}" >/dev/null 2>&1

cat >"$TMPDIR/talk.json" <<'JSON'
{
  "title": "Three seconds", "competency": "The teacher waits after a question.", "key_method": "Count to three.",
  "research": ["Rowe, M. B. (1974). Wait-time and rewards as instructional variables."],
  "requirements": [{"id": "thoughts", "kind": "reflection", "prompt": "What changed?", "words_max": 100}],
  "rubric": [{"id": "pauses", "name": "Pauses", "required_level": "met", "levels": [
      {"id": "not-yet", "name": "Not yet", "description": "Shorter."}, {"id": "met", "name": "Met", "description": "Three seconds."}]}],
  "review": {"reviewers": 1, "resubmissions_max": 1}
}
JSON
talk=$(as district microcredential publish "$TMPDIR/talk.json" 2>/dev/null) || fail "the issuer publishes"
as district reviewer appoint "${ids[vera]}" --for "$talk" >/dev/null 2>&1 || fail "the reviewer is appointed"
knows() { # node, definition, person
	q "$1" --json reviewer list --for "$2" | jq -e --arg id "${ids[$3]}" 'any(.items[]; .reviewer.id == $id and .counts)' >/dev/null
}
check "the earner's node knows the reviewer" within 20 knows lincoln "$talk" vera
check "the reviewer's node does too" within 20 knows riverside "$talk" vera
readable() { as ana --json submission create --for "$talk" --reflection "thoughts=$TMPDIR/thoughts.txt" --attest-all --dry-run 2>/dev/null | jq -e '.complete and (.skipped | length == 0)' >/dev/null; }
echo "I counted. A quiet pupil spoke." >"$TMPDIR/thoughts.txt"
check "and can write to the reviewer" within 20 readable

# ---- the request
follows riverside "${ids[ana]}" && fail "the reviewer's node follows the earner"
connected riverside lincoln && fail "the reviewer's node is connected to the earner's"
submission=$(as ana --json submission create --for "$talk" --reflection "thoughts=$TMPDIR/thoughts.txt" --attest-all 2>/dev/null | jq -r .ref) ||
	fail "a submission is sent"
queued() { holds vera "any(.items[]; .ref == \"$submission\" and .may_claim)" review queue; }
check "the request reaches the reviewer two hops away" within 30 queued
check "whose node now follows the earner, as a guest" follows riverside "${ids[ana]}"
connected riverside lincoln && fail "it came by another way"
carrier=$(q riverside --json peer list | jq -r '.items[] | select(.name == "district") | .node')
check "why is shown: for whom, who brought word, since when" jq -e --arg ana "${ids[ana]}" --arg vera "${ids[vera]}" --arg carrier "$carrier" \
	'any(.items[]; .id == $ana and .guest and (.hosted | not) and .for.id == $vera and .for.name == "vera" and .brought_by.node == $carrier
	and .brought_by.name == "district" and .since > 1700000000)' <(q riverside --json follow list)
check "with the peer that brought it as well" jq -e 'any(.items[]; .name == "district" and .guests == 1)' <(q riverside --json peer list)
check "people read it in a list" grep -qE 'ana .*guest.* vera .*district' <(q riverside follow list)

# ---- the review
echo '{"pauses": {"level": "met"}}' >"$TMPDIR/scores.json"
echo "Well waited." >"$TMPDIR/feedback.txt"
check "the reviewer claims it" as vera review claim "$submission"
decide() { as vera review decide "$submission" --scores "$TMPDIR/scores.json" --feedback "$TMPDIR/feedback.txt" --decision meets; }
check "and judges" decide
met() { holds ana '.state == "met"' submission show "$submission"; }
check "the review comes back to the earner" within 30 met

# ---- restarts and refusals
stop riverside
outward riverside
check "a restart keeps the guest" follows riverside "${ids[ana]}"
check "the operator declines it" q riverside follow remove "${ids[ana]}"
as ana reflection add --text "$TMPDIR/thoughts.txt" --to "${ids[vera]}" >/dev/null 2>&1 || fail "the earner writes to the reviewer again"
person lincoln ben
q district follow add "${ids[ben]}" >/dev/null 2>&1
home_of[ben]=lincoln
as ben reflection add --text "$TMPDIR/thoughts.txt" --to "${ids[vera]}" >/dev/null 2>&1 || fail "somebody else does"
check "another one's word is heard" within 30 follows riverside "${ids[ben]}"
follows riverside "${ids[ana]}" && fail "who was declined is followed"
ok "but who was declined stays out"
declined() { q riverside --json follow list --declined | jq -c '[.items[] | {id, why}]'; }
check "the operator sees who that is" [ "$(declined)" = "[{\"id\":\"${ids[ana]}\",\"why\":\"declined\"}]" ]
check "until the operator follows again" q riverside follow add "${ids[ana]}"
check "nobody is declined then" [ "$(declined)" = "[]" ]
check "and then is no guest" jq -e --arg ana "${ids[ana]}" 'any(.items[]; .id == $ana and (.guest | not))' <(q riverside --json follow list)
