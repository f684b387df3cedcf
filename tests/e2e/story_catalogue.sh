#!/usr/bin/env bash
# story_catalogue.sh -- what institutions publish: micro-credentials and their versions, frameworks, reviewers, vouches; found and read on another node.
# sanitizers: yes
# timeout: 240
. "${TOP:?}/tests/e2e/lib.sh"
need quire quired jq curl

home lincoln school
home ana person
start lincoln
start ana
check "Ana's node joins the school's" join lincoln ana
school=$(id_of lincoln) ana=$(id_of ana)
network=$(jq -r .network <"$TMPDIR/lincoln.init")
unlock lincoln || fail "the school unlocks"
unlock ana || fail "Ana unlocks"
q ana follow add "$school" >/dev/null 2>&1
q lincoln follow add "$ana" >/dev/null 2>&1

# holds FILTER COMMAND... -- is what the command says as JSON so? $school, $ana, $vera and $ref are known to the filter.
holds() {
	local filter=$1
	shift
	"$@" --json 2>/dev/null | jq -e --arg school "$school" --arg ana "$ana" --arg vera "${vera:-}" --arg ref "${ref:-}" "$filter" >/dev/null
}

# person NAME -- one more person on the school's node, unlocked; the id is said.
person() {
	printf 'passphrase of %s\n' "$1" >"$TMPDIR/$1.pass"
	local id
	id=$(q lincoln --json identity create --name "$1" --passphrase-file "$TMPDIR/$1.pass" 2>/dev/null | jq -r .id)
	q lincoln identity unlock "$id" --passphrase-file "$TMPDIR/$1.pass" >/dev/null 2>&1 || return 1
	echo "$id"
}
vera=$(person Vera) || fail "Vera is made and unlocks"
by() { quire --home "$TMPDIR/lincoln" --as "$@"; } # an identity of the school's node

# ---- lint
good=$TOP/tools/demo/content/discussion.json
check "a sound definition is said to be sound" quire microcredential lint "$good"
cat >"$TMPDIR/faulty.json" <<-'EOF'
	{
	  "title": "Waiting",
	  "competencey": "The teacher waits.",
	  "key_method": "Wait.",
	  "research": ["A study."],
	  "requirements": [{"id": "notes", "kind": "artifact", "prompt": "Notes."}],
	  "rubric": [{"id": "wait", "name": "Waits", "required_level": "no", "levels": [
	    {"id": "no", "name": "No", "description": "Does not."},
	    {"id": "yes", "name": "Yes", "description": "Does."}]}],
	  "review": {"reviewers": 9}
	}
EOF
refused "a faulty one is shown with file, line and field" 1 "faulty.json:10: review.reviewers: " \
	quire microcredential lint "$TMPDIR/faulty.json"
grep -q "faulty.json:3: competencey: .*competency" "$TMPDIR/said" || fail "the member that was meant is named: $(cat "$TMPDIR/said")"
ok "the member that was meant is named"
lint_json() { quire --json microcredential lint "$1"; }
lint_json "$TMPDIR/faulty.json" >"$TMPDIR/findings" && fail "lint with --json fails as well"
check "as JSON each finding has line, field and what" jq -e \
	'.v == 1 and .ok == false and (.findings | length >= 3 and all(has("line") and has("field") and has("what"))) and any(.findings[]; .line == 7 and .field == "rubric[0].required_level")' "$TMPDIR/findings"
check "it comes from stdin, too" sh -c "quire --json microcredential lint - <'$good' | jq -e '.ok and .findings == []'"
refused "what is no file is a usage error" 2 "cannot read" quire microcredential lint "$TMPDIR/nothing.json"
refused "a faulty one is not published" 1 "faulty.json:10: review.reviewers" act lincoln microcredential publish "$TMPDIR/faulty.json"
api() { # method, path, body: as the school
	curl -s -X "$1" --unix-socket "$TMPDIR/lincoln/quire.sock" -H "Quire-As: $school" -H "Content-Type: application/json" ${3:+-d "$3"} "http://localhost/api/v1/$2"
}
api POST microcredentials "$(jq -n --rawfile d "$TMPDIR/faulty.json" '{definition: $d}')" >"$TMPDIR/problem"
check "the daemon finds the same, by itself" jq -es '.[0].findings == .[1].findings and .[1].status == 400' "$TMPDIR/findings" "$TMPDIR/problem"

# ---- publish, list, show, search
refused "nobody publishes who is not signed in" 5 "unlock" q lincoln --as "$(id_of ana)" microcredential publish "$good"
ref=$(act lincoln microcredential publish "$good" 2>/dev/null) || fail "the school publishes it"
ok "the school publishes it"
check "it is listed there" holds '.items | length == 1 and .[0].ref == $ref and .[0].current and .[0].issuer.id == $school' q lincoln microcredential list
check "and at Ana's, when it has come" within 20 holds '.items | length == 1 and .[0].ref == $ref and .[0].counts' q ana microcredential list
check "by its issuer" holds '.items | length == 1' q ana microcredential list --of "$school"
check "and not by others" holds '.items == []' q ana microcredential list --of "$ana"
within 20 holds '.issuer.name == "lincoln" and (.issuer.did | startswith("did:key:"))' q ana microcredential show "$ref" || fail "it is shown with its issuer's name and did"
ok "it is shown with its issuer's name and did"
q ana --json microcredential show "$ref" >"$TMPDIR/shown"
check "the whole definition comes as it was written" jq -es '.[0].definition == .[1]' "$TMPDIR/shown" "$good"
q ana microcredential show "${ref:0:8}:${ref#*:}" >"$TMPDIR/words"
check "in words it has requirements, rubric and review" grep -qz 'recording (artifact.*\*met: .*2 reviewers, within 14 days' "$TMPDIR/words"
refused "what is not here is not found" 4 "not on this node" q ana microcredential show "${ref%:*}:4000"
refused "an entry of another kind is none" 4 "not a micro-credential" q ana microcredential show "${ref%:*}:1"
check "it is found by the problem that it helps with, and says by which" holds \
	'.items | length == 1 and .[0].ref == $ref and .[0].why == {field: "problems", snippet: "my **students won\u0027t talk** in discussions"}' q ana search "students won't talk"
q ana search quiet pupils >"$TMPDIR/words"
check "in words, what was found is marked" grep -q 'problems: \*\*quiet pupils\*\* never say anything in class' "$TMPDIR/words"
check "and by words of the method" holds '.items | length == 1 and .[0].why.field == "method" and (.[0].why.snippet | test("[*][*]"))' q ana search count three seconds
refused "what is nowhere is said to be nowhere" 0 "nothing was found" q ana search xylophone

# ---- officers
refused "somebody who is no officer does not publish for the school" 5 "no officer" by "$vera" microcredential publish "$good" --institution "$school"
act lincoln identity officer add "$vera" --rights appoint >/dev/null 2>&1
refused "nor an officer without that right" 5 "without the right to publish" by "$vera" microcredential publish "$good" --institution "$school"
act lincoln identity officer add "$vera" --rights publish >/dev/null 2>&1
other=$(by "$vera" microcredential publish "$TOP/tools/demo/content/feedback.json" --institution "$school" 2>/dev/null) ||
	fail "an officer with the right publishes for the school"
ok "an officer with the right publishes for the school"
check "it is the school's, and says who asked for it" holds '.issuer.id == $school and .by.id == $vera and .counts' q lincoln microcredential show "$other"
check "Ana's node counts it, too" within 20 holds '.counts and .by.id == $vera' q ana microcredential show "$other"
publishing=$(q lincoln --json identity officer list "$school" | jq -r '.items[] | select(.rights == ["publish"]).event')
act lincoln --yes identity officer end "$publishing" >/dev/null 2>&1 || fail "the office ends"
refused "a dismissed one publishes no more" 5 "ended" by "$vera" microcredential publish "$good" --institution "$school"
check "what was published before still counts" holds '.counts' q lincoln microcredential show "$other"

# ---- versions
jq '.title = "Questions and silence, second edition" | .complexity = 3' "$good" >"$TMPDIR/second.json"
refused "somebody else's is not superseded" 5 "only its issuer" act ana microcredential publish "$TMPDIR/second.json" --supersedes "$ref"
new=$(act lincoln microcredential publish "$TMPDIR/second.json" --supersedes "$ref" 2>/dev/null) || fail "a new version takes its place"
ok "a new version takes its place"
refused "an old version is superseded once" 1 "supersede the newer one" act lincoln microcredential publish "$TMPDIR/second.json" --supersedes "$ref"
check "the list has the newest" within 20 holds '[.items[].title] | length == 2 and any(. == "Questions and silence, second edition")' q ana microcredential list
check "with --all the older ones, too" holds '.items | length == 3 and any(.ref == $ref and (.current | not) and .counts)' q ana microcredential list --all
check "a page at a time leads to the same" test "$(api GET "microcredentials?all=1&limit=1" | jq -r '.cursor | type')" = string
check "the old one says what came after it, and both list all versions" holds '(.current | not) and .superseded_by != null and (.versions | length == 2) and .versions[1].current' q ana microcredential show "$ref"
check "so does the new one" holds '.current and .supersedes == $ref and (.versions | length == 2) and .versions[0].ref == $ref' q ana microcredential show "$new"
check "a search finds the newest only" holds '.items | length == 1 and .[0].ref != $ref' q ana search deliberate silence
check "or all" holds '.items | length == 2' q ana search deliberate silence --all

# ---- frameworks
case=$TOP/tools/demo/content/digcompedu.case.json
framework=$(act lincoln framework import "$case" --source "made for the demonstration" 2>/dev/null) || fail "a framework is imported"
ok "a framework is imported"
check "it is listed with where it comes from" holds '.items | length == 1 and .[0].counts and .[0].source == "made for the demonstration"' q lincoln framework list
check "it is too long for an entry, so it is a file, which comes to Ana's node" within 30 holds '.items | length == 28' q ana framework show "$framework"
check "its tree has codes and depths" holds '.items[:2] | (.[0].code == "1" and .[0].depth == 0) and (.[1].code == "1.1" and .[1].depth == 1)' q ana framework show "$framework"
check "one item has the levels of its rubric" holds '.items | length == 1 and (.[0].levels | length == 6 and (.[0].quality | startswith("A1")))' q ana framework show "$framework" --code 3.1
check "an area comes with what is in it" holds '[.items[].code] == ["3", "3.1", "3.2", "3.3", "3.4"]' q ana framework show "$framework" --code 3
refused "a code that it has not is not found" 4 "code" q ana framework show "$framework" --code 9.9
check "what a definition is aligned with is found in it" holds '.alignment | length == 3 and all(.held.statement != null and .held.code == .code)' q ana microcredential show "$ref"
echo '{"CFDocument": {"title": "Nothing"}, "CFItems": 3}' >"$TMPDIR/nothing.json"
refused "what is no framework is refused with its line" 2 "^quire: the framework has .*line 1" act lincoln framework import "$TMPDIR/nothing.json"
head -c 5000000 /dev/zero >"$TMPDIR/long.json"
refused "what is too long is refused" 1 "4 MiB" act lincoln framework import "$TMPDIR/long.json"
jq '.CFItems |= .[:3] | .CFAssociations = [] | del(.CFRubrics)' "$case" >"$TMPDIR/short.json"
short=$(by "$vera" framework import "$TMPDIR/short.json" 2>/dev/null) || fail "a short one is imported by a person for herself"
check "a short one stands in its entry" holds '.items | length == 3' q lincoln framework show "$short"
refused "but not in the school's name without the right" 5 "ended" by "$vera" framework import "$TMPDIR/short.json" --institution "$school"

# ---- reviewers
refused "a reviewer whose keys are not here is not appointed" 4 "follow" \
	act lincoln reviewer appoint 5b1d0c8f5b1d0c8f5b1d0c8f5b1d0c8f5b1d0c8f5b1d0c8f5b1d0c8f5b1d0c8f --for "$new"
refused "only the issuer's officers appoint" 5 "no officer" act ana reviewer appoint "$ana" --for "$new"
refused "and only for a micro-credential" 4 "not a micro-credential" act lincoln reviewer appoint "$ana" --for "$framework"
appointment=$(by "$vera" reviewer appoint "$ana" --for "$ref" --institution "$school" 2>/dev/null) || fail "an officer appoints Ana"
ok "an officer appoints Ana"
check "Ana's node knows it" within 20 holds '.items | length == 1 and .[0].reviewer.id == $ana and .[0].counts and (.[0].ended | not) and .[0].for.ref == $ref and .[0].by.id == $vera' q ana reviewer list
check "the appointment covers the newer version" holds '.items | length == 1' q ana reviewer list --for "$new"
check "and no other micro-credential" holds '.items == []' q ana reviewer list --for "$other"
check "to appoint her again writes no second one" test "$(act lincoln reviewer appoint "$ana" --for "$new" 2>/dev/null)" = "$appointment"
refused "a reviewer is ended for a micro-credential, so it must be said" 2 "say with --for" act lincoln reviewer end "$ana"
act lincoln --json reviewer end "$ana" --for "$new" >"$TMPDIR/end" || fail "Ana is ended"
check "the end marks how far the school's log reaches" jq -e --arg log "${ref%:*}" '.ended == 1 and any(.marks[]; .log == $log and .length > 3)' "$TMPDIR/end"
check "Ana's node knows that, too" within 20 holds '.items | length == 1 and .[0].ended' q ana reviewer list
refused "nobody is ended twice" 4 "ended before" act lincoln reviewer end "$appointment"
again=$(act lincoln reviewer appoint "$ana" --for "$new" 2>/dev/null) || fail "she is appointed anew"
check "she is appointed anew, and ended by the appointment" by "$vera" reviewer end "$again"
check "both are listed as ended" holds '.items | length == 2 and all(.ended)' q lincoln reviewer list --for "$new"

# ---- vouches
refused "nobody vouches for himself" 2 "himself" act lincoln identity vouch "$school"
refused "a day is a day" 2 "until" act lincoln identity vouch "$ana" --until 2030-13-01
refused "only who made the network vouches in its name" 5 "owns no network" by "$vera" identity vouch "$ana" --network
vouch=$(act lincoln identity vouch "$ana" --name "Ana Sousa" --role "music teacher" --from 2020-09-01 2>/dev/null) || fail "the school vouches for Ana"
ok "the school vouches for Ana"
check "Ana reads it" within 20 holds '.items | length == 1 and .[0].writer.id == $school and .[0].name == "Ana Sousa" and .[0].role == "music teacher" and (.[0].public | not) and .[0].counts' \
	act ana identity vouch list
check "others do not" holds '.items == []' by "$vera" identity vouch list "$ana"
refused "the network vouches for the school, in the clear" 0 "Vouched" act lincoln identity vouch "$school" --network --name "Lincoln School"
check "so everybody reads that" within 20 holds '.items | length == 1 and .[0].public and .[0].name == "Lincoln School"' q ana --as "$ana" identity vouch list "$school"
check "the school lists for whom it vouches, itself and its network" holds '.items | length >= 2' act lincoln identity vouch list
refused "an officer without the right does not vouch" 5 "without the right to vouch" by "$vera" identity vouch "$ana" --institution "$school"
refused "nor does somebody else end it" 5 "no officer|not an? officer" act ana identity vouch end "$vouch"
check "the school ends it" act lincoln identity vouch end "$vouch"
check "Ana learns of that" within 20 holds 'any(.items[]; .ended)' act ana identity vouch list
refused "nothing is ended twice" 4 "ended before" act lincoln identity vouch end "$vouch"

# ---- roots
roots() { q "$1" --json root list | jq -r '.items[].id' | sort; }
check "a new node trusts its own identity and network" test "$(roots lincoln)" = "$(printf '%s\n' "$school" "$network" | sort)"
check "who joins trusts the network that it joined" grep -qx "$network" <(roots ana)
check "one more is added" q ana root add "$school"
check "with its name beside it in the file" grep -q "^$school  # lincoln" "$TMPDIR/ana/roots"
refused "nothing is added twice" 1 "already" q ana root add "$school"
echo "# people whom I know" >>"$TMPDIR/ana/roots"
check "it is removed" q ana root remove "$school"
check "and only that" sh -c "grep -q 'people whom I know' '$TMPDIR/ana/roots' && grep -q '$network' '$TMPDIR/ana/roots' && ! grep -q '^$school' '$TMPDIR/ana/roots'"
refused "what is not there is not removed" 4 "not among" q ana root remove "$school"
echo "lincoln" >>"$TMPDIR/ana/roots"
refused "a file with something else in it is not guessed at" 1 "one id of 64 digits a line" q ana root list
refused "nor written over" 1 "one id of 64 digits a line" q ana root add "$school"

check "doctor finds nothing wrong at the school's" q lincoln doctor
check "nor at Ana's" q ana doctor
