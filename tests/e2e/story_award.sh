#!/usr/bin/env bash
# story_award.sh -- evidence is submitted, judged by two reviewers on another node, revised and met; a split; who may not, who cannot read it,
# a reviewer who comes late, and an officer who does.
# sanitizers: yes
# timeout: 300
. "${TOP:?}/tests/e2e/lib.sh"
need quire quired jq cmp curl

home bureau issuer
home lincoln school
home riverside school
for node in bureau lincoln riverside; do start $node; done
check "the school's node joins the issuer's" join bureau lincoln
check "so does the other school's" join bureau riverside

declare -A ids
# person NODE NAME -- somebody of his own there, signed in.
person() {
	printf 'passphrase of %s\n' "$2" >"$TMPDIR/$2.pass"
	ids[$2]=$(q "$1" --json identity create --name "$2" --passphrase-file "$TMPDIR/$2.pass" 2>/dev/null | jq -r .id)
	q "$1" identity unlock "${ids[$2]}" --passphrase-file "$TMPDIR/$2.pass" >/dev/null 2>&1 || fail "$2 signs in"
}
person lincoln ana
person lincoln pat
person bureau olga
for name in vera wim xena yan stranger; do person riverside $name; done
unlock bureau || fail "the issuer signs in"
ids[bureau]=$(id_of bureau)
declare -A home_of=([ana]=lincoln [pat]=lincoln [olga]=bureau [yan]=riverside [vera]=riverside [wim]=riverside [xena]=riverside [stranger]=riverside [bureau]=bureau)
as() { quire --home "$TMPDIR/${home_of[$1]}" --as "${ids[$1]}" "${@:2}"; } # person, command...
for node in bureau lincoln riverside; do
	for name in bureau olga ana pat vera wim xena; do
		[ "${home_of[$name]}" = $node ] || q $node follow add "${ids[$name]}" >/dev/null 2>&1 || fail "$node follows $name"
	done
done

q bureau follow add "${ids[yan]}" >/dev/null 2>&1
as bureau identity officer add "${ids[olga]}" --rights appoint >/dev/null 2>&1 || fail "the issuer has an officer"

# holds PERSON FILTER COMMAND... -- is what the command says to somebody as JSON so?
holds() { as "$1" --json "${@:3}" 2>/dev/null | jq -e "$2" >/dev/null; }
# says FILTER -- is what was said last, by refused(), so?
said() { grep -qF -- "$1" "$TMPDIR/said"; }
shown() { holds "$1" ".state == \"$3\"" submission show "$2"; } # person, ref, state
everywhere() { # ref, state, people...
	local person
	for person in "${@:3}"; do within 20 shown "$person" "$1" "$2" || return 1; done
}
here() { is "${home_of[$1]}" "$2" "$3" "${ids[$1]}"; } # person, ref, state as read by that person

# ---- the micro-credential
cat >"$TMPDIR/talk.json" <<'JSON'
{
  "title": "Three seconds", "competency": "The teacher waits after a question.", "key_method": "Count to three.",
  "research": ["Rowe, M. B. (1974). Wait-time and rewards as instructional variables."],
  "requirements": [
    {"id": "plan", "kind": "artifact", "prompt": "Your plan.", "evidence_kinds": ["lesson-plan", "document"]},
    {"id": "recording", "kind": "artifact", "prompt": "Four minutes of it.", "evidence_kinds": ["audio"], "min": 1, "max": 2},
    {"id": "thoughts", "kind": "reflection", "prompt": "What changed?", "words_max": 12}
  ],
  "rubric": [
    {"id": "pauses", "name": "Pauses", "required_level": "met", "levels": [
      {"id": "not-yet", "name": "Not yet", "description": "Shorter."}, {"id": "met", "name": "Met", "description": "Three seconds."}]},
    {"id": "voices", "name": "Voices", "required_level": "met", "levels": [
      {"id": "few", "name": "Few", "description": "The same five."}, {"id": "met", "name": "Met", "description": "More."}]}
  ],
  "review": {"reviewers": 2, "resubmissions_max": 1}
}
JSON
talk=$(as bureau microcredential publish "$TMPDIR/talk.json" 2>/dev/null) || fail "the issuer publishes"
for name in vera wim; do as bureau reviewer appoint "${ids[$name]}" --for "$talk" >/dev/null 2>&1 || fail "$name is appointed"; done
knows() { # node, definition, person
	q "$1" --json reviewer list --for "$2" | jq -e --arg id "${ids[$3]}" 'any(.items[]; .reviewer.id == $id and .counts)' >/dev/null
}
check "the earner's node knows both reviewers" eval 'within 20 knows lincoln "$talk" vera && within 20 knows lincoln "$talk" wim'

# ---- evidence
echo "Ask, count to three, ask again." >"$TMPDIR/plan.txt"
head -c 100000 /dev/urandom >"$TMPDIR/lesson.wav"
echo "I counted. A quiet pupil spoke." >"$TMPDIR/thoughts.txt"
plan=$(as ana artifact add "$TMPDIR/plan.txt" --title "Plan of Monday" --kind lesson-plan 2>/dev/null)
lesson=$(as ana artifact add "$TMPDIR/lesson.wav" --title "Monday" --kind audio 2>/dev/null)
gone=$(as ana artifact add "$TMPDIR/plan.txt" --title "Gone" --kind document 2>/dev/null)
as ana --yes erase "$gone" --why mistake >/dev/null 2>&1 || fail "an entry is erased"
printf 'one two three four five six seven eight nine ten eleven twelve thirteen\n' >"$TMPDIR/long.txt"
theirs=$(as vera artifact add "$TMPDIR/plan.txt" --title "Vera's" --kind document --to public --depicts nobody 2>/dev/null)
within 20 is lincoln "$theirs" here || fail "Vera's plan comes to Lincoln"

# ---- what is not complete is not sent
before=$(q lincoln --json identity devices "${ids[ana]}" | jq '[.items[].length] | add')
refused "what is missing is refused" 5 "not been|cannot be sent|nothing was written" \
	as ana submission create --for "$talk" --evidence "recording=$plan" --evidence "plan=$gone" --evidence "plan=$theirs" \
	--evidence "slides=$lesson" --reflection "thoughts=$TMPDIR/long.txt" --attest own-work
for reason in "recording: $plan is of the kind lesson-plan" "plan: $gone was erased" "plan: $theirs is somebody else's" \
	"slides: this micro-credential has no such requirement" "thoughts: has 13 words, and at most 12" "plan: has too many" \
	"attest consents-held" "attest no-names"; do
	said "$reason" || fail "all reasons are said at once: $reason"
done
ok "all reasons are said at once, each with its requirement"
refused "a requirement left out is named" 5 "recording: is missing: 1 piece" \
	as ana submission create --for "$talk" --evidence "plan=$plan" --reflection "thoughts=$TMPDIR/thoughts.txt" --attest-all
refused "one entry cannot stand for two requirements" 5 "given twice" as ana submission create --for "$talk" --evidence "plan=$plan" \
	--evidence "recording=$lesson" --evidence "recording=$lesson" --reflection "thoughts=$TMPDIR/thoughts.txt" --attest-all
refused "what no node holds is named" 5 "plan: .* is not on this node" as ana submission create --for "$talk" \
	--evidence "plan=${plan%:*}:999" --evidence "recording=$lesson" --reflection "thoughts=$TMPDIR/thoughts.txt" --attest-all
refused "the issuer gives nothing to itself" 5 "your own" as bureau submission create --for "$talk" --attest-all
refused "an option without = is a usage error" 2 "REQUIREMENT=REF" as ana submission create --for "$talk" --evidence "$plan"
whole=(--for "$talk" --evidence "plan=$plan" --evidence "recording=$lesson" --reflection "thoughts=$TMPDIR/thoughts.txt" --attest-all)
as ana --json submission create "${whole[@]}" --dry-run >"$TMPDIR/dry" || fail "a dry run of what is complete"
check "a dry run says that it is complete, and who could read it" jq -e --arg b "${ids[bureau]}" --arg v "${ids[vera]}" \
	--arg w "${ids[wim]}" --arg s "${ids[stranger]}" '.complete and (.findings | length == 0) and ([.readers[].id] | contains([$b, $v, $w]))
	and all(.readers[]; .id != $s) and (.skipped | length == 0) and any(.readers[]; .name == "vera" and .role == "reviewer")' "$TMPDIR/dry"
check "nothing was written by all that" test "$before" = "$(q lincoln --json identity devices "${ids[ana]}" | jq '[.items[].length] | add')"

as bureau reviewer appoint "${ids[yan]}" --for "$talk" >/dev/null 2>&1 || fail "somebody is appointed whom Lincoln does not follow"
within 20 knows lincoln "$talk" yan || fail "Lincoln knows of it"
check "who cannot be written to is named, with the reason" holds ana \
	".complete and (.skipped | length == 1) and .skipped[0].id == \"${ids[yan]}\" and (.skipped[0].why | test(\"keys are not on this node\"))" \
	submission create "${whole[@]}" --dry-run
check "and that the issuer's node would serve him" eval \
	'as ana submission create "${whole[@]}" --dry-run 2>&1 | grep -A1 "could not at first; the issuer.s node would hand it on" | grep -q "(${ids[yan]:0:8}), reviewer"'
as bureau reviewer end "${ids[yan]}" --for "$talk" >/dev/null 2>&1 || fail "and ended again"

# ---- submitted
as ana --json submission create "${whole[@]}" >"$TMPDIR/first" || fail "a complete submission is sent"
first=$(jq -r .ref "$TMPDIR/first") diary=$(jq -r '.reflections[0].ref' "$TMPDIR/first")
check "the answer has its ref and id" jq -e '(.ref | test("^[0-9a-f]{64}:[0-9]+$")) and (.id | test("^[0-9a-f]{64}$")) and .state == "submitted"' "$TMPDIR/first"
check "it is submitted for all who take part" everywhere "$first" submitted ana bureau vera wim
check "and stands in the earner's list" holds ana ".items | length == 1 and .[0].ref == \"$first\" and .[0].title == \"Three seconds\" and .[0].reviews_needed == 2 and .[0].earner.name == \"ana\"" \
	submission list --role earner
check "in the issuer's too" holds bureau '.items | length == 1' submission list --role issuer
refused "a second one beside it is refused" 5 "submitted for it already" as ana submission create "${whole[@]}"

# ---- nobody else
for entry in "$first" "$diary" "$lesson"; do
	check "a stranger on the reviewers' node cannot open ${entry#*:}" here stranger "$entry" locked
done
refused "a stranger is shown no submission" 4 "cannot be opened|not on this node" as stranger submission show "$first"
check "nothing is in the stranger's queue" holds stranger '.items | length == 0' review queue --all
refused "nor does the stranger claim it" 4 "cannot be opened" as stranger review claim "$first"

# ---- the queue, claims
check "it waits for both reviewers" eval 'holds vera "any(.items[]; .ref == \"$first\" and .days_left >= 13 and .may_claim)" review queue &&
	holds wim ".items | length == 1" review queue'
refused "its earner reviews nothing of her own" 5 "your own" as ana review claim "$first"
claim=$(as vera review claim "$first" 2>/dev/null) || fail "the first reviewer claims it"
refused "not twice" 1 "claimed it already" as vera review claim "$first"
as wim review claim "$first" >/dev/null 2>&1 || fail "the second reviewer claims it"
sees_both() { holds "$1" '.state == "claimed" and (.claims | length == 2)' submission show "$first"; }
for name in ana bureau vera wim; do check "two claims are active for $name" within 20 sees_both $name; done
check "with their names" holds vera '[.claimed_by[].name] | sort == ["vera", "wim"]' review show "$first"
as bureau reviewer appoint "${ids[pat]}" --for "$talk" >/dev/null 2>&1 || fail "somebody of the earner's school is appointed"
within 20 holds pat "any(.items[]; .ref == \"$first\" and (.why_not // \"\" | test(\"at work\")))" review queue --all ||
	fail "he has it, and knows who is at work on it: what the issuer had when it appointed him"
refused "more than are needed do not claim it" 5 "as many reviewers as are needed" as pat review claim "$first"
check "nor is it in his queue, but for --all, which says why" eval 'holds pat ".items | length == 0" review queue &&
	holds pat ".items[0].why_not | test(\"at work\")" review queue --all'
refused "nobody gives back what another claimed" 5 "another reviewer" as wim review release "$claim"
refused "nor does the issuer, before the days have passed" 5 "days left" as bureau review release "$claim" --institution "${ids[bureau]}"
check "a claim can be given back" as vera review release "$first"
check "and then one is left" within 20 holds ana '.claims | length == 1 and .[0].reviewer.name == "wim"' submission show "$first"
unlock lincoln || fail "the earner's school signs in"
for name in ana pat; do act lincoln identity vouch "${ids[$name]}" --role teacher --public >/dev/null 2>&1 || fail "the school vouches for $name"; done
refused "a place is free, but not for one of the earner's school" 5 "lincoln vouches for you both" as pat review claim "$first"
refused "he does not decide without a claim either" 5 "vouches for you both" as pat review decide "$first" --feedback "$TMPDIR/thoughts.txt" \
	--decision unjudgeable
check "and taken up again" as vera review claim "$first"

# ---- what a reviewer opens
as vera --json review show "$first" >"$TMPDIR/review" || fail "the reviewer is shown all of it"
check "evidence stands by requirement, the reflection in full" jq -e '(.requirements | map(.id)) == ["plan", "recording", "thoughts"]
	and .requirements[0].evidence[0].title == "Plan of Monday" and .requirements[2].evidence[0].fields.text == "I counted. A quiet pupil spoke."
	and (.rubric | length == 2) and (.attests | length == 3)' "$TMPDIR/review"
root=$(jq -r '.requirements[1].evidence[0].fields.blobs[0].root' "$TMPDIR/review")
fetched() { rm -f "$TMPDIR/got"*; as vera blob get "$root" -o "$TMPDIR/got" >/dev/null 2>&1 && cmp -s "$TMPDIR/got" "$TMPDIR/lesson.wav"; }
check "the reviewer fetches the sealed recording, byte for byte" within 30 fetched
refused "a stranger does not" 5 "" as stranger blob get "$root" -o "$TMPDIR/stolen"

# ---- decisions that do not count
cat >"$TMPDIR/low.json" <<'JSON'
{
  "pauses": {"level": "not-yet", "comment": "Two seconds."},
  "voices": {"level": "met", "comment": "Nine."}
}
JSON
printf '{\n  "pauses": {"level": "met"},\n  "voices": {"level": "met", "comment": "Nine."}\n}\n' >"$TMPDIR/high.json"
printf '{\n  "pauses": {"level": "great"},\n  "voice": {"level": "met"}\n}\n' >"$TMPDIR/wrong.json"
echo "Count once more, and count after the answer too." >"$TMPDIR/again.txt"
echo "Three seconds, and more voices." >"$TMPDIR/well.txt"
printf ' \n\t\n' >"$TMPDIR/blank.txt"
decide() { as "$1" "${@:5}" review decide "$2" --scores "$TMPDIR/$3.json" --feedback "$TMPDIR/$4.txt"; }
refused "a decision without feedback is refused" 5 "without feedback" as vera review decide "$first" --scores "$TMPDIR/low.json" \
	--feedback "$TMPDIR/blank.txt" --decision not-yet
refused "so are wrong scores, with their lines" 2 "line 2: pauses.level" as vera review decide "$first" --scores "$TMPDIR/wrong.json" \
	--feedback "$TMPDIR/again.txt" --decision not-yet
check "each with its own" said "line 3: voice"
refused "meets does not follow from a low level" 5 "pauses: .*below the required" as vera review decide "$first" --scores "$TMPDIR/low.json" \
	--feedback "$TMPDIR/well.txt" --decision meets
refused "nor not-yet from high ones" 5 "so the decision is meets" as vera review decide "$first" --scores "$TMPDIR/high.json" \
	--feedback "$TMPDIR/again.txt" --decision not-yet
refused "scores are needed" 2 "scores are missing" as vera review decide "$first" --feedback "$TMPDIR/again.txt" --decision not-yet
refused "who is not appointed decides nothing" 5 "your own" as ana review decide "$first" --scores "$TMPDIR/high.json" \
	--feedback "$TMPDIR/well.txt" --decision meets
check "the submission is as it was" shown vera "$first" claimed

# ---- not yet, by both
as vera --json review decide "$first" --scores "$TMPDIR/low.json" --feedback "$TMPDIR/again.txt" --decision not-yet >"$TMPDIR/said1" ||
	fail "the first reviewer decides"
check "one of two leaves it claimed" jq -e '.state == "claimed" and .decision == "not-yet" and (.ref | length > 0)' "$TMPDIR/said1"
check "it has left the reviewer's queue" holds vera '.items | length == 0' review queue
as wim review decide "$first" --scores "$TMPDIR/low.json" --feedback "$TMPDIR/again.txt" --decision not-yet >/dev/null 2>&1 ||
	fail "the second reviewer decides"
printf 'Look again at the second pause.\n' | as vera review decide "$first" --scores "$TMPDIR/low.json" --feedback - --decision not-yet >/dev/null 2>&1 ||
	fail "a reviewer corrects her review"
check "not yet, for everybody" everywhere "$first" not-yet ana bureau vera wim
check "the earner reads the feedback of both, of one the later" holds ana '.reviews | length == 2 and ([.[].feedback] | sort) ==
	["Count once more, and count after the answer too.", "Look again at the second pause."] and .[0].scores[0].level_name == "Not yet"
	and .[0].scores[0].comment == "Two seconds." and (.[0].scores[0].required | not)' submission show "$first"
check "in words too" eval 'as ana submission show "$first" | grep -q "Look again at the second pause"'
refused "what was decided is claimed by nobody" 1 "decided on it already" as vera review claim "$first"
refused "it comes back by a revision, not beside it" 5 "has come back" as ana submission create "${whole[@]}"

# ---- revised
head -c 90000 /dev/urandom >"$TMPDIR/tuesday.wav"
tuesday=$(as ana artifact add "$TMPDIR/tuesday.wav" --title "Tuesday" --kind audio 2>/dev/null)
again=(--for "$talk" --evidence "plan=$plan" --evidence "recording=$tuesday" --reflection "thoughts=$TMPDIR/thoughts.txt" --attest-all)
refused "what changed must be told" 5 "say what changed" as ana submission create "${again[@]}" --revises "$first"
as bureau reviewer appoint "${ids[xena]}" --for "$talk" >/dev/null 2>&1 || fail "a third reviewer is appointed between the attempts"
within 20 knows lincoln "$talk" xena || fail "the earner's node knows her"
second=$(as ana submission create "${again[@]}" --revises "$first" --changed "I counted the second pause." 2>/dev/null) || fail "it is revised"
check "the revision is submitted for everybody, also who came later" everywhere "$second" submitted ana bureau vera wim xena
check "who came later opens the first attempt with its reviews" within 20 holds xena \
	'(.attempts | length == 2) and .attempts[0].state == "not-yet" and .changed == "I counted the second pause."' submission show "$second"
refused "the first one cannot be revised twice" 5 "revised already" as ana submission create "${again[@]}" --revises "$first" --changed "x"
refused "a reviewer who looks at the first is told" 5 "decided" as wim review claim "$first"
for name in vera wim; do
	as $name review decide "$second" --scores "$TMPDIR/high.json" --feedback "$TMPDIR/well.txt" --decision meets >/dev/null 2>&1 || fail "$name: meets"
done
check "met, for everybody" everywhere "$second" met ana bureau vera wim xena
# paged PERSON QUERY -- the refs of a list, a page of one after the other.
paged() {
	local cursor=1 page next=
	while [ -n "$cursor" ]; do
		page=$(curl -s --unix-socket "$TMPDIR/${home_of[$1]}/quire.sock" -H "Quire-As: ${ids[$1]}" "http://localhost/api/v1/$2&limit=1$next")
		jq -r '.items[].ref' <<<"$page"
		cursor=$(jq -r '.cursor // ""' <<<"$page") next="&cursor=$cursor"
	done
}
check "a list a page at a time leads to the same, newest first" test "$(paged ana 'submissions?role=earner' | tr '\n' ' ')" = "$second $first "
check "so does what a reviewer sees" test "$(paged vera 'review-queue?all=1' | sort)" = "$(printf '%s\n' "$first" "$second" | sort)"
check "the first one still says not yet" everywhere "$first" not-yet ana bureau vera
refused "what has met is not submitted beside" 5 "has met the rubric" as ana submission create "${again[@]}"
refused "nor revised" 5 "has met the rubric" as ana submission create "${again[@]}" --revises "$second" --changed "x"
check "and more than one revision is not allowed" said "submitted anew 1 times"

as ana --yes erase "$tuesday" --why consent >/dev/null 2>&1 || fail "a recording is erased"
check "evidence that was erased is shown as that, and the submission stands" within 20 holds vera \
	'.state == "met" and .requirements[1].evidence[0].state == "erased" and (.requirements[1].evidence[0].fields == null)' submission show "$second"

# ---- a split, and a third reviewer
jq '.title = "Three seconds, and who speaks"' "$TMPDIR/talk.json" >"$TMPDIR/split.json"
split=$(as bureau microcredential publish "$TMPDIR/split.json" 2>/dev/null) || fail "another micro-credential"
for name in vera wim; do as bureau reviewer appoint "${ids[$name]}" --for "$split" >/dev/null 2>&1 || fail "$name is appointed"; done
within 20 knows lincoln "$split" wim || fail "the earner's node knows them"
third=$(as ana submission create --for "$split" "${whole[@]:2}" 2>/dev/null) || fail "one more submission"
check "it can be withdrawn" as ana submission withdraw "$third"
check "which all see" everywhere "$third" withdrawn ana bureau vera wim
refused "once" 1 "already" as ana submission withdraw "$third"
refused "and by nobody else" 5 "only its earner" as vera submission withdraw "$second"
refused "then nobody claims it" 5 "withdrawn" as vera review claim "$third"
third=$(as ana submission create --for "$split" "${whole[@]:2}" 2>/dev/null) || fail "it is submitted anew"
for name in vera wim; do within 20 shown $name "$third" submitted || fail "$name has it"; done
claim=$(as vera review claim "$third" 2>/dev/null) || fail "vera takes it up"
within 20 shown olga "$third" claimed || fail "the officer sees it"
refused "an officer takes no claim away while there is time" 5 "13 days left|14 days left" as olga review release "$claim" --institution "${ids[bureau]}"
stop bureau
ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0" LD_PRELOAD="$BUILD/shim/later.so" QUIRE_SHIM_LATER=$((15 * 86400)) start bureau
unlock bureau || fail "the issuer signs in"
q bureau identity unlock "${ids[olga]}" --passphrase-file "$TMPDIR/olga.pass" >/dev/null 2>&1 || fail "its officer too"
check "after fifteen days it is overdue" holds olga '.state == "overdue" and .days_left == -1' submission show "$third"
refused "a reviewer's own word is still needed without an office" 5 "another reviewer" as olga review release "$claim"
check "then the officer takes the claim away" as olga review release "$claim" --institution "${ids[bureau]}"
check "which frees it for everybody" everywhere "$third" submitted ana vera wim
stop bureau
start bureau
unlock bureau || fail "the issuer signs in"
as vera review decide "$third" --scores "$TMPDIR/high.json" --feedback "$TMPDIR/well.txt" --decision meets >/dev/null 2>&1 || fail "vera: meets"
as wim review decide "$third" --scores "$TMPDIR/low.json" --feedback "$TMPDIR/again.txt" --decision not-yet >/dev/null 2>&1 || fail "wim: not yet"
check "one says meets, one not yet: it stays claimed" everywhere "$third" claimed ana bureau vera wim
refused "xena cannot open it before she is appointed" 4 "cannot be opened" as xena submission show "$third"
as bureau reviewer appoint "${ids[xena]}" --for "$split" >/dev/null 2>&1 || fail "a third reviewer is appointed"
check "now it is in her queue" within 20 holds xena "any(.items[]; .ref == \"$third\" and .may_claim)" review queue
check "she opens what was submitted before" holds xena '.requirements[2].evidence[0].fields.text == "I counted. A quiet pupil spoke."' review show "$third"
as xena review claim "$third" >/dev/null 2>&1 || fail "she takes it up"
as xena review decide "$third" --scores "$TMPDIR/high.json" --feedback "$TMPDIR/well.txt" --decision meets >/dev/null 2>&1 || fail "xena: meets"
check "two against one: met" everywhere "$third" met ana bureau vera wim xena

# ---- a reviewer is appointed while others, who cannot know of it yet, write
signed_in() { # node, its people...
	local name
	for name in "${@:2}"; do
		q "$1" identity unlock "${ids[$name]}" --passphrase-file "$TMPDIR/$name.pass" >/dev/null 2>&1 || fail "$name signs in again"
	done
}
written() { q bureau --json identity devices "${ids[bureau]}" | jq '[.items[].length] | add'; }
publish() { jq --arg title "$1" '.title = $title' "$TMPDIR/talk.json" >"$TMPDIR/one.json" && as bureau microcredential publish "$TMPDIR/one.json" 2>/dev/null; }
late=$(publish "Once more") && later=$(publish "And again") || fail "two more micro-credentials"
for for in "$late" "$later"; do
	as bureau reviewer appoint "${ids[vera]}" --for "$for" >/dev/null 2>&1 || fail "vera is appointed"
	within 20 knows lincoln "$for" vera || fail "the earner's node knows her"
done
as bureau reviewer appoint "${ids[yan]}" --for "$late" >/dev/null 2>&1 || fail "so is somebody whom Lincoln does not follow"
within 20 knows lincoln "$late" yan || fail "Lincoln knows of it"
fourth=$(as ana submission create --for "$late" "${whole[@]:2}" 2>"$TMPDIR/reach") || fail "it is submitted"
check "who cannot be written to is named, and what is done about it" eval \
	'grep -A1 "cannot yet; the issuer.s node hands it on" "$TMPDIR/reach" | grep -q "(${ids[yan]:0:8}), reviewer"'
check "and so it is" within 20 shown yan "$fourth" submitted
as bureau reviewer end "${ids[yan]}" --for "$late" >/dev/null 2>&1 || fail "he is ended"
for name in bureau vera; do within 20 shown $name "$fourth" submitted || fail "$name has it"; done
stop bureau
claim=$(as vera review claim "$fourth" 2>/dev/null) || fail "vera claims it while the issuer's node is off"
fifth=$(as ana submission create --for "$later" "${whole[@]:2}" 2>/dev/null) || fail "the other one is submitted meanwhile"
check "a submission says for whom it is sealed: the officer and the reviewer" eval \
	'as ana --json entry show "$fifth" | jq -e --arg v "${ids[vera]}" --arg o "${ids[olga]}" ".fields.to == ([\$o, \$v] | sort)"'
stop lincoln
stop riverside
start bureau
unlock bureau || fail "the issuer signs in"
check "what the issuer has by then is handed on at the appointment" eval \
	'as bureau --json reviewer appoint "${ids[xena]}" --for "$late" | jq -e ".already == false and .handed_on.submissions == 1 and .handed_on.keys > 0"'
check "which may be nothing" eval \
	'as bureau --json reviewer appoint "${ids[xena]}" --for "$later" | jq -e ".already == false and .handed_on.submissions == 0"'
start riverside
start lincoln
signed_in riverside vera wim xena stranger
signed_in lincoln ana
check "a claim that was made without knowing of the new reviewer comes to her" within 30 holds xena \
	'.state == "claimed" and .claims[0].reviewer.name == "vera"' submission show "$fourth"
check "so does a submission that was sealed without her" within 30 holds xena \
	'.state == "submitted" and .requirements[2].evidence[0].fields.text == "I counted. A quiet pupil spoke."' submission show "$fifth"
check "it is in her queue" holds xena "any(.items[]; .ref == \"$fifth\" and .may_claim)" review queue
before=$(written)
within 20 knows lincoln "$later" xena || fail "the earner's node knows the new reviewer"
as ana submission withdraw "$fifth" >/dev/null 2>&1 || fail "it is withdrawn"
sixth=$(as ana submission create --for "$later" "${whole[@]:2}" 2>/dev/null) || fail "and submitted anew, sealed to her too"
for name in bureau xena; do within 20 shown $name "$sixth" submitted || fail "$name has it"; done
sleep 1
check "who can open it is handed nothing, and nothing is handed on twice" test "$before" = "$(written)"
check "nor by appointing once more" eval 'as bureau --json reviewer appoint "${ids[xena]}" --for "$late" | jq -e ".already and .handed_on.submissions == 1"'
before=$(written)
stop bureau
start bureau
unlock bureau || fail "the issuer signs in"
as vera review decide "$fourth" --scores "$TMPDIR/high.json" --feedback "$TMPDIR/well.txt" --decision meets >/dev/null 2>&1 || fail "vera: meets"
check "after a restart the issuer takes up a review" within 20 eval '[ "$(written)" -gt "$before" ]'
sleep 1
check "and that is all that it writes" test $((before + 1)) = "$(written)"

# ---- an officer comes late as well
person bureau nia
person bureau otto
home_of[nia]=bureau home_of[otto]=bureau
as bureau identity officer add "${ids[otto]}" --rights publish,revoke >/dev/null 2>&1 || fail "an officer who decides nothing"
refused "whoever is no officer does not read what waits for a countersignature" 4 "cannot be opened" as nia submission show "$third"
as bureau identity officer add "${ids[nia]}" --rights countersign >/dev/null 2>&1 || fail "an officer who countersigns"
check "who becomes an officer opens what was met before" within 20 shown nia "$third" met
check "with its evidence and the reviews" holds nia '.requirements[2].evidence[0].fields.text == "I counted. A quiet pupil spoke." and
	(.reviews | length == 3)' submission show "$third"
refused "what nobody has to decide any more stays closed to her" 4 "cannot be opened" as nia submission show "$fifth"
check "and countersigns it" as nia award countersign "$third" --institution "${ids[bureau]}"
check "the earner has the award" within 20 shown ana "$third" awarded
refused "who has no such right reads nothing" 4 "cannot be opened" as otto submission show "$third"

# ---- the last line of defence
for entry in "$first" "$second" "$third" "$lesson"; do
	check "the stranger still opens nothing" here stranger "$entry" locked
done
for node in bureau lincoln riverside; do check "doctor finds nothing wrong at $node" q $node doctor; done
