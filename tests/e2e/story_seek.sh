#!/usr/bin/env bash
# story_seek.sh -- a review that an award names lies behind the end of its log, since the reviewer's device was stolen: who came later, from whomever,
# finds the same award as who was there; across a restart too.
# sanitizers: yes
# timeout: 150
. "${TOP:?}/tests/e2e/lib.sh"
need quire quired jq cmp

home bureau issuer
home lincoln school
for node in bureau lincoln; do start $node; done
check "the school's node joins the issuer's" join bureau lincoln

declare -A ids home_of
person lincoln ana
person lincoln vera
unlock bureau || fail "the issuer signs in"
ids[bureau]=$(id_of bureau) home_of[bureau]=bureau
follow_all() { # node
	local name
	for name in bureau ana vera; do
		[ "${home_of[$name]}" = "$1" ] || q "$1" follow add "${ids[$name]}" >/dev/null 2>&1 || fail "$1 follows $name"
	done
}
for node in bureau lincoln; do follow_all $node; done

# ---- reviewed, countersigned, accepted
jq -n '{title: "Three seconds", competency: "The teacher waits after a question.", key_method: "Count to three.",
	research: ["Rowe, M. B. (1974). Wait-time and rewards as instructional variables."],
	requirements: [{id: "thoughts", kind: "reflection", prompt: "What changed?"}],
	rubric: [{id: "pauses", name: "Pauses", required_level: "met", levels: [
		{id: "not-yet", name: "Not yet", description: "Shorter."}, {id: "met", name: "Met", description: "Three seconds."}]}],
	review: {reviewers: 1, countersign: "automatic"}}' >"$TMPDIR/talk.json"
talk=$(as bureau microcredential publish "$TMPDIR/talk.json" 2>/dev/null) || fail "the issuer publishes"
as bureau reviewer appoint "${ids[vera]}" --for "$talk" >/dev/null 2>&1 || fail "vera is appointed"
knows() { q lincoln --json reviewer list --for "$talk" | jq -e --arg id "${ids[vera]}" 'any(.items[]; .reviewer.id == $id and .counts)' >/dev/null; }
within 20 knows || fail "the earner's node knows the reviewer"
echo "I counted. A quiet pupil spoke." >"$TMPDIR/thoughts.txt"
echo "Three seconds, and more voices." >"$TMPDIR/well.txt"
printf '{"pauses": {"level": "met"}}' >"$TMPDIR/met.json"
submission=$(as ana submission create --for "$talk" --reflection "thoughts=$TMPDIR/thoughts.txt" --attest-all 2>/dev/null) || fail "it is submitted"
# The issuer's node gets both in one run: the review is shown by the entry behind it, which has the signature.
stop bureau
review=$(as vera review decide "$submission" --scores "$TMPDIR/met.json" --feedback "$TMPDIR/well.txt" --decision meets 2>/dev/null) || fail "vera decides"
as vera reflection add --text "$TMPDIR/well.txt" --to public >/dev/null 2>&1 || fail "vera writes one more entry"
start bureau
unlock bureau || fail "the issuer signs in again"
awarded() { as ana --json submission show "$submission" 2>/dev/null | jq -e '.state == "awarded"' >/dev/null; }
check "the review is countersigned" within 20 awarded
award=$(as ana --json submission show "$submission" | jq -r .award)
as ana award accept "$award" --to public >/dev/null 2>&1 || fail "the earner accepts, for everybody to see"

# said NODE [PERSON] -- what is found of the award there, by nobody in particular or by one of its people; stands: it counts.
said() { q "$1" ${2:+--as "${ids[$2]}"} --json award show "$award" 2>/dev/null; }
stands() { said "$@" | jq -e '.state == "accepted" and .counts and all(.verdict[]; .mark != "unknown" and .mark != "wrong")' >/dev/null; }
check "the school's node finds it good" within 20 stands lincoln
said lincoln >"$TMPDIR/before"

# ---- stolen: of the reviewer's log only what was before the review counts
log=${review%:*}
check "the reviewer's device is closed at the review" as vera --yes identity device-close "$log" --length "${review#*:}"
# lengths NODE -- how far all logs count there.
lengths() {
	local name
	for name in bureau ana vera; do q "$1" --json identity devices "${ids[$name]}" | jq -c '[.items[] | [.log, .closed_length // .length]] | sort'; done
}
level() { [ "$(lengths "$1")" = "$(lengths lincoln)" ]; }
check "the issuer's node hears of it" within 20 level bureau
check "the award stands there" stands bureau bureau
check "and on the school's, for whoever looks" eval 'stands lincoln && stands lincoln ana && said lincoln | cmp - "$TMPDIR/before"'
lengths lincoln >"$TMPDIR/lengths"
level() { lengths "$1" 2>/dev/null | cmp -s - "$TMPDIR/lengths"; }

# ---- one comes later, and nobody looks there; another one comes when only that one is left
lacks() { said "$1" | jq -e '(.counts | not) and all(.reviewers[]; .feedback == null)' >/dev/null; }
home carrier district
home late district
start carrier
check "somebody joins later" join bureau carrier
follow_all carrier
check "and has all that counts" within 20 level carrier
for node in bureau lincoln; do stop $node; done
start late
check "somebody else joins there" join carrier late
follow_all late
check "and has all that counts as well" within 20 level late
for node in late carrier; do check "the award does not count at $node, since the review is at neither" within 20 lacks $node; done
start bureau
check "one of them meets the issuer's node" join bureau late
check "which has the review: now the award counts for whoever looks" within 20 stands late
stop bureau
stop carrier KILL
start carrier
check "a restart forgets what was sought in vain; by looking again the other one finds it where it is by now" within 20 stands carrier
for node in late carrier; do
	check "$node says what the school's node said before" eval 'said $node | cmp - "$TMPDIR/before"'
	check "the reviewer's log ends at $node where it ended" level $node
done

# ---- for somebody who has no node
check "the one that has it from who came later exports it" q carrier award export "$award" -o "$TMPDIR/bundle.json"
verifies() { # file, exit status, verdict
	local status=0
	quire --home "$TMPDIR/nobody" --json verify "$1" --root "${ids[bureau]}" >"$TMPDIR/verdict" || status=$?
	[ $status = "$2" ] && jq -e --arg v "$3" '.verdict == $v' "$TMPDIR/verdict" >/dev/null
}
mkdir "$TMPDIR/nobody"
check "the bundle is good" verifies "$TMPDIR/bundle.json" 0 good
behind=".runs[] | select(.log == \"$log\" and .first == ${review#*:})"
check "it shows the review by both entries" jq -e "[$behind] | length == 1 and (.[0].headers | length) == 2 * 162 / 3 * 4 and (.[0].bodies | length) == 1" "$TMPDIR/bundle.json"
jq "del($behind)" "$TMPDIR/bundle.json" >"$TMPDIR/without.json"
check "without the review behind the end it is not known" verifies "$TMPDIR/without.json" 7 unknown
for node in late carrier; do check "doctor finds nothing wrong at $node" q $node doctor; done
