#!/usr/bin/env bash
# story_badge.sh -- from a submission that is met to a badge that verifies anywhere: countersigned by hand and by itself, accepted, shown, exported,
# revoked, awarded anew; and what happens when a badge key is replaced.
# timeout: 300
# sanitizers: yes
. "${TOP:?}/tests/e2e/lib.sh"
need quire quired jq sed cmp

home bureau issuer
home lincoln school
home district district
for node in bureau lincoln district; do start $node; done
check "the school's node joins the issuer's" join bureau lincoln
check "the district joins the school's" join lincoln district

declare -A ids home_of
person bureau olga
person bureau otto
person bureau vera
person lincoln ana
person district dora
unlock bureau || fail "the issuer signs in, and is left alone"
ids[bureau]=$(id_of bureau) home_of[bureau]=bureau
for node in bureau lincoln district; do
	for name in bureau olga vera ana; do
		[ "${home_of[$name]}" = $node ] || q $node follow add "${ids[$name]}" >/dev/null 2>&1 || fail "$node follows $name"
	done
done
# holds PERSON FILTER COMMAND... -- is what the command says to somebody as JSON so? ("district": the operator there)
holds() {
	if [ "$1" = district ]; then q district --json "${@:3}" 2>/dev/null; else as "$1" --json "${@:3}" 2>/dev/null; fi | jq -e "$2" >/dev/null
}
stands() { holds "$1" ".state == \"$3\"" award show "$2"; } # person, award, state
verifies() { # file, exit status, verdict
	local status=0
	quire --home "$TMPDIR/nobody" --json verify "$1" --root "${ids[bureau]}" >"$TMPDIR/verdict" || status=$?
	[ $status = "$2" ] && jq -e --arg v "$3" '.verdict == $v' "$TMPDIR/verdict" >/dev/null
}
mkdir "$TMPDIR/nobody"

# ---- two micro-credentials: one that an officer countersigns, one that the issuer's node countersigns by itself
definition() { # title, countersign
	jq -n --arg title "$1" --arg by "$2" '{title: $title, competency: "The teacher waits after a question.", key_method: "Count to three.",
		research: ["Rowe, M. B. (1974). Wait-time and rewards as instructional variables."],
		requirements: [{id: "thoughts", kind: "reflection", prompt: "What changed?"}],
		rubric: [{id: "pauses", name: "Pauses <in> class", required_level: "met", levels: [
			{id: "not-yet", name: "Not yet", description: "Shorter."}, {id: "met", name: "Met", description: "Three seconds."},
			{id: "well", name: "Well met & more", description: "And after the answer."}]}],
		review: {reviewers: 1, countersign: $by, resubmissions_max: 2}, valid_months: 60}'
}
definition "Three \"seconds\" <& more>" officer >"$TMPDIR/hand.json"
definition "Three seconds by itself" automatic >"$TMPDIR/auto.json"
hand=$(as bureau microcredential publish "$TMPDIR/hand.json" 2>/dev/null) || fail "the issuer publishes"
auto=$(as bureau microcredential publish "$TMPDIR/auto.json" 2>/dev/null) || fail "the issuer publishes another"
for name in olga otto; do
	as bureau identity officer add "${ids[$name]}" --rights countersign,revoke >/dev/null 2>&1 || fail "$name is an officer"
done
for ref in "$hand" "$auto"; do as bureau reviewer appoint "${ids[vera]}" --for "$ref" >/dev/null 2>&1 || fail "vera is appointed"; done
knows() { q "$1" --json reviewer list --for "$2" | jq -e --arg id "${ids[vera]}" 'any(.items[]; .reviewer.id == $id and .counts)' >/dev/null; }
check "the earner's node knows the reviewer" eval 'within 20 knows lincoln "$hand" && within 20 knows lincoln "$auto"'

echo "I counted. A quiet pupil spoke." >"$TMPDIR/thoughts.txt"
echo "Three seconds, and more voices." >"$TMPDIR/well.txt"
printf '{"pauses": {"level": "met"}}' >"$TMPDIR/met.json"
submit() { as ana submission create --for "$1" --reflection "thoughts=$TMPDIR/thoughts.txt" --attest-all "${@:2}" 2>/dev/null; }
has() { holds "$1" ".state == \"$3\"" submission show "$2"; } # person, submission, state
decide() { as vera review decide "$1" --scores "$TMPDIR/met.json" --feedback "$TMPDIR/well.txt" --decision meets >/dev/null 2>&1; }
# met SUBMISSION -- reviewed, and everybody knows it
met() { within 20 has vera "$1" submitted && decide "$1" && within 20 has ana "$1" "$2"; }

# ---- countersigned by hand
first=$(submit "$hand") || fail "a submission is sent"
within 20 has bureau "$first" submitted || fail "the submission reaches the issuer"
refused "what is not met is not countersigned" 1 "submitted, not met" as bureau award countersign "$first"
check "the reviewer finds that it is met" met "$first" met
refused "whoever is no officer countersigns nothing" 5 "no officer" as vera award countersign "$first" --institution "${ids[bureau]}"
refused "nor does somebody award what is another's to award" 5 "another issuer" as vera award countersign "$first"
as bureau identity officer end "${ids[otto]}" --yes >/dev/null 2>&1 || fail "an officer is dismissed"
refused "an officer who was dismissed countersigns nothing" 5 "has ended" as otto award countersign "$first" --institution "${ids[bureau]}"
as olga --json award countersign "$first" --institution "${ids[bureau]}" >"$TMPDIR/made" || fail "an officer countersigns"
award=$(jq -r .ref "$TMPDIR/made")
check "an officer countersigns: ref, id and the credential's id" jq -e '(.ref | test("^[0-9a-f]{64}:[0-9]+$")) and (.already | not) and
	(.credential | startswith("urn:quire:award:"))' "$TMPDIR/made"
check "once more gives the same award" eval 'as olga --json award countersign "$first" --institution "${ids[bureau]}" >"$TMPDIR/again" &&
	jq -e --arg ref "$award" ".ref == \$ref and .already" "$TMPDIR/again"'
check "the submission is awarded for its earner" within 20 has ana "$first" awarded
check "she sees the levels, the reviewer and why it counts" holds ana '.state == "countersigned" and .counts and .results == [{criterion: "pauses",
	name: "Pauses <in> class", level: "met", level_name: "Met", required: "met", required_name: "Met"}] and .reviewers[0].reviewer.name == "vera"
	and .earner.name == "ana" and .issuer.name == "bureau" and .by.name == "olga" and .evidence[0].state == "held"
	and all(.verdict[]; .mark == "good" or .code == "countersigned")' award show "$award"
check "in words too" eval 'as ana award show "$award" >"$TMPDIR/words" && grep -q "Met (required: Met)" "$TMPDIR/words" && grep -q "vera" "$TMPDIR/words"'
check "its entry reaches the district" within 20 q district entry show "$award"
refused "before it is accepted the district sees nothing of it" 4 "not an award that can be read here" q district award show "$award"
refused "nor is it shown" 1 "accepted" as ana award share "$award" --to public
refused "nobody accepts it for her" 5 "only its earner" as olga award accept "$award"

# ---- accepted, shown to one, shown to everybody
as ana --json award accept "$award" >"$TMPDIR/accepted" || fail "the earner accepts"
check "the earner accepts it, for herself alone at first" jq -e '(.already or .shared | not) and (.says | test("^Nobody else"))' "$TMPDIR/accepted"
check "the issuer knows" within 20 stands olga "$award" accepted
refused "the district still sees nothing" 4 "" q district award show "$award"
check "nor do awards stand in its list" holds dora '.items == []' award list
q lincoln follow add "${ids[dora]}" >/dev/null 2>&1 || fail "lincoln follows dora"
check "she shows it to one" eval 'within 20 as ana --json award share "$award" --to "${ids[dora]}" >"$TMPDIR/shown" &&
	jq -e ".shared and .people == 1 and (.says | test(\"^1 person can now read\"))" "$TMPDIR/shown"'
check "who reads it then" within 20 stands dora "$award" accepted
check "the evidence stays closed to dora" holds dora '.evidence[0].state == "sealed"' award show "$award"
check "it is not among her own" holds dora '.items == []' award list --role earner
as dora identity lock >/dev/null 2>&1 || fail "dora signs out"
refused "nobody else there reads it" 4 "not an award that can be read here" q district award show "$award"
check "she shows it to everybody" holds ana '.everybody' award share "$award" --to public
check "the district reads it without anybody signed in" within 20 stands district "$award" accepted
check "it stands in the list of others' awards" holds district ".items | length == 1 and .[0].ref == \"$award\" and .[0].roles == []" award list
check "and of its earner's" holds district '.items | length == 1' award list --of "${ids[ana]}"

# ---- exported
for format in bundle json png svg html; do
	check "the district exports it as $format" q district award export "$award" --format $format -o "$TMPDIR/badge.$format"
done
for format in bundle png svg; do check "the $format is good" verifies "$TMPDIR/badge.$format" 0 good; done
check "bare JSON is sound, and not known" verifies "$TMPDIR/badge.json" 7 unknown
check "it says so itself" eval 'q district --json award export "$award" --format json -o "$TMPDIR/badge.json" | jq -e ".says | test(\"not known\")"'
check "one letter changed is wrong" eval 'sed "s/Well met/Very met/" "$TMPDIR/badge.json" >"$TMPDIR/forged.json" && ! cmp -s "$TMPDIR/badge.json" "$TMPDIR/forged.json" &&
	verifies "$TMPDIR/forged.json" 6 wrong'
if command -v node >/dev/null && [ -d "$TOP/tests/outside/node_modules" ]; then
	check "verifiers by other people accept it" "$TOP/tests/outside/check_badge" "$TMPDIR/badge.json"
fi
check "to stdout it is the same credential" eval 'q district award export "$award" --format json -o - 2>/dev/null | cmp - "$TMPDIR/badge.json"'
check "the drawing names what it is, escaped" grep -qF '<title>Badge: Three &quot;seconds&quot; &lt;&amp; more&gt;</title>' "$TMPDIR/badge.svg"
check "the page has no script, and its criteria escaped" eval '! grep -qi "<script" "$TMPDIR/badge.html" && grep -qF "Pauses &lt;in&gt; class" "$TMPDIR/badge.html" &&
	grep -qF "content=\"default-src " "$TMPDIR/badge.html" && grep -qF "Well met" "$TMPDIR/badge.json" && ! grep -qF "<& more" "$TMPDIR/badge.html"'
check "the page offers the bundle" eval 'sed -n "s/.*data:application.json;base64,\([^\"]*\)\".*/\1/p" "$TMPDIR/badge.html" | base64 -d >"$TMPDIR/offered" &&
	verifies "$TMPDIR/offered" 0 good'
check "the submission, which has the keys of the evidence, is in no bundle but for its header" jq -e --arg log "${first%:*}" --argjson seq "${first#*:}" '
	any(.runs[]; .log == $log and .first <= $seq) and all(.runs[]; .log != $log or all(.bodies[]; .seq != $seq))' "$TMPDIR/badge.bundle"
refused "no other format is known" 2 "bundle" q district award export "$award" --format pdf -o "$TMPDIR/x"

# ---- by itself; and an appointment that ends undoes nothing
second=$(submit "$auto") || fail "another submission is sent"
check "the issuer's unattended node countersigns what is automatic" met "$second" awarded
own=$(as ana --json submission show "$second" | jq -r .award)
once() { [ "$(as bureau --json entry list --of "${ids[bureau]}" --kind award --limit 200 | jq '.items | length')" = "$1" ]; }
check "exactly once" once 2
third=$(submit "$hand" --revises "$first" --changed "More pauses." || submit "$hand") || fail "a third submission is sent"
check "the reviewer finds it met" met "$third" met
taken() { holds bureau ".reviews | length == 1 and all(.[]; .taken_up)" submission show "$third"; }
check "the issuer's node takes the review up" within 20 taken
as bureau reviewer end "${ids[vera]}" --for "$hand" >/dev/null 2>&1 || fail "the appointment ends"
ended() { q lincoln --json reviewer list --for "$hand" | jq -e 'any(.items[]; .ended)' >/dev/null; }
check "the earner's node hears that the appointment has ended" within 20 ended
check "and the submission stays met" has ana "$third" met

# ---- revoked, and awarded anew
check "she accepts the one that came by itself, publicly" as ana award accept "$own" --to public
check "the district sees it" within 20 stands district "$own" accepted
check "and its bundle is good" eval 'q district award export "$own" -o "$TMPDIR/own.bundle" && verifies "$TMPDIR/own.bundle" 0 good'
refused "who was dismissed revokes nothing" 5 "has ended" as otto award revoke "$own" --why "spite" --institution "${ids[bureau]}"
check "an officer revokes it" as olga award revoke "$own" --why "The wrong class, by mistake." --institution "${ids[bureau]}"
refused "not twice" 1 "revoked already" as olga award revoke "$own" --why "again" --institution "${ids[bureau]}"
check "the district hears of it, with the reason" eval 'within 20 stands district "$own" revoked &&
	holds district ".revoked.why == \"The wrong class, by mistake.\"" award show "$own"'
check "the bundle is wrong then" eval 'q district award export "$own" -o "$TMPDIR/own.bundle" && verifies "$TMPDIR/own.bundle" 6 wrong'
check "the issuer's node does not award it again by itself" once 2
anew=$(as bureau award countersign "$second" 2>/dev/null) || fail "it is awarded anew"
check "it was a mistake: awarded anew, as another entry" test "$anew" != "$own"
check "she accepts that one" eval 'within 20 stands ana "$anew" countersigned && as ana award accept "$anew" --to public'
check "the district has it" within 20 stands district "$anew" accepted
check "and what stands in the place of the old one" holds district ".state == \"revoked\" and .standing.ref == \"$anew\"" award show "$own"
check "its bundle is good" eval 'q district award export "$anew" -o "$TMPDIR/anew.bundle" && verifies "$TMPDIR/anew.bundle" 0 good'

# ---- a stolen badge key
before=$(as bureau --json identity show | jq -r .did)
refused "another's recovery code replaces nothing" 5 "another identity" as bureau identity badge-key --yes --code-file "$TMPDIR/lincoln.code"
check "the issuer replaces its badge key" as bureau identity badge-key --yes --code-file "$TMPDIR/bureau.code"
after=$(as bureau --json identity show | jq -r .did)
check "it shows another key now" test "$before" != "$after"
last=$(as olga award countersign "$third" --institution "${ids[bureau]}" 2>/dev/null) || fail "an officer countersigns with the new key"
check "what is awarded from now on has the new key" eval 'within 20 stands ana "$last" countersigned && as ana award accept "$last" --to public &&
	within 20 stands district "$last" accepted && q district award export "$last" --format json -o "$TMPDIR/last.json" &&
	jq -e --arg did "$after" ".issuer.id == \$did" "$TMPDIR/last.json"'
check "and is good" eval 'q district award export "$last" -o "$TMPDIR/last.bundle" && verifies "$TMPDIR/last.bundle" 0 good'
check "old awards still count" eval 'stands district "$award" accepted && q district award export "$award" -o "$TMPDIR/old.bundle" && verifies "$TMPDIR/old.bundle" 0 good'

# ---- while the issuer is locked
as bureau identity lock >/dev/null 2>&1 || fail "the issuer signs out"
refused "with the issuer locked nothing is countersigned, and it says why" 5 "locked on this node" \
	as olga award countersign "$third" --institution "${ids[bureau]}"
refused "nor revoked" 5 "locked on this node" as olga award revoke "$last" --why "no" --institution "${ids[bureau]}"
fourth=$(submit "$auto") || fail "a fourth submission is sent"
check "what is met while it is locked is met" met "$fourth" met
unlock bureau || fail "the issuer signs in again"
check "and is countersigned as soon as it has signed in" within 20 has ana "$fourth" awarded

# ---- evidence erased, a reviewer's device closed
thoughts=$(as ana --json award show "$award" | jq -r '.evidence[0].ref')
as ana --yes erase "$thoughts" --why wish >/dev/null 2>&1 || fail "evidence is erased"
erased() { holds "$1" '.state == "accepted" and .evidence[0].state == "erased"' award show "$award"; }
check "the district knows that the evidence was erased, and the award stands" within 20 erased district
check "its bundle is good, and says so" eval 'q district award export "$award" -o "$TMPDIR/erased.bundle" && verifies "$TMPDIR/erased.bundle" 0 good &&
	jq -e "any(.checks[]; .text | test(\"erased\"))" "$TMPDIR/verdict"'
log=$(as vera --json identity devices | jq -r '.items[0].log')
as vera --yes identity device-close "$log" >/dev/null 2>&1 || fail "the reviewer's device is closed"
closed() { q district --json identity devices "${ids[vera]}" | jq -e 'any(.items[]; .closed)' >/dev/null; }
check "the district knows that the reviewer's device was closed" within 20 closed
check "the bundle shows how the review stands in that log" eval 'q district award export "$award" -o "$TMPDIR/closed.bundle" &&
	verifies "$TMPDIR/closed.bundle" 0 good && jq -e "all(.checks[]; .mark != \"unknown\")" "$TMPDIR/verdict"'

# ---- without the others
for node in bureau lincoln; do stop $node; done
check "with the other nodes gone the district still exports it" q district award export "$award" --format png -o "$TMPDIR/alone.png"
check "and it is good" verifies "$TMPDIR/alone.png" 0 good
