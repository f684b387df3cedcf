#!/usr/bin/env bash
# story_at_once.sh -- who asks twice at once gets one record, as who asks again later does: appointments, submissions, claims,
# awards, vouches and their ends, admissions.
# sanitizers: yes
# timeout: 120
. "${TOP:?}/tests/e2e/lib.sh"
need quire quired jq python3

home bureau issuer
start bureau
unlock bureau || fail "the issuer signs in"
declare -A ids=([bureau]=$(id_of bureau))
for name in ana vera; do
	printf 'passphrase of %s\n' $name >"$TMPDIR/$name.pass"
	ids[$name]=$(q bureau --json identity create --name $name --passphrase-file "$TMPDIR/$name.pass" 2>/dev/null | jq -r .id)
	q bureau identity unlock "${ids[$name]}" --passphrase-file "$TMPDIR/$name.pass" >/dev/null 2>&1 || fail "$name signs in"
done
as() { q bureau --as "${ids[$1]}" "${@:2}"; } # person, command...
written() { q bureau --json identity devices "${ids[$1]}" | jq '[.items[].length] | add'; }

# once TEXT PERSON ENTRIES PATH JSON PATTERN [IDENTITY] -- asked five times at once it is written once, in so many entries of the person or IDENTITY; each
# other answer fits the pattern.
once() {
	local text=$1 who=$2 entries=$3 log=${7:-$2} before
	before=$(written "$log")
	python3 "$TOP/tests/support/at_once.py" "$TMPDIR/bureau/quire.sock" "${ids[$who]}" 5 "$4" "$5" >"$TMPDIR/answers" || fail "$text (no answers)"
	[ "$(grep -c '^20[01] ' "$TMPDIR/answers")" -ge 1 ] && [ "$(grep -v '^201 ' "$TMPDIR/answers" | grep -cE -- "$6")" = 4 ] ||
		fail "$text ($(cut -c 1-150 "$TMPDIR/answers"))"
	[ "$(written "$log")" = $((before + entries)) ] || fail "$text ($(($(written "$log") - before)) entries: $(cut -c 1-150 "$TMPDIR/answers"))"
	made=$(sed -n 's/^201 //p' "$TMPDIR/answers" | jq -r ".ref // empty" | head -n 1)
	ok "$text"
}

definition() {
	jq -n --arg title "$1" '{title: $title, competency: "The teacher waits after a question.", key_method: "Count to three.",
		research: ["Rowe, M. B. (1974). Wait-time and rewards as instructional variables."],
		requirements: [{id: "thoughts", kind: "reflection", prompt: "What changed?"}],
		rubric: [{id: "pauses", name: "Pauses", required_level: "met", levels: [
			{id: "not-yet", name: "Not yet", description: "Shorter."}, {id: "met", name: "Met", description: "Three seconds."}]}],
		review: {reviewers: 1}}'
}
definition "Two seconds" >"$TMPDIR/old.json"
old=$(as bureau microcredential publish "$TMPDIR/old.json" 2>/dev/null) || fail "the issuer publishes"
once "a version is superseded once" bureau 1 /api/v1/microcredentials \
	"$(jq -nc --arg d "$(definition "Three seconds")" --arg old "$old" '{definition: $d, supersedes: $old}')" "superseded already"
talk=$made

# ---- reviewers
appoint=$(jq -nc --arg for "$talk" --arg who "${ids[vera]}" '{for: $for, reviewer: $who}')
once "a reviewer is appointed once" bureau 1 /api/v1/reviewers "$appoint" '^200 .*"already": ?true'
check "all who asked were told of the same appointment" test "$(cut -d ' ' -f 2- "$TMPDIR/answers" | jq -r .ref | sort -u)" = "$made"
once "and ended once" bureau 1 /api/v1/reviewers/end "$appoint" "^404 .*ended before"
once "and appointed anew" bureau 1 /api/v1/reviewers "$appoint" '^200 .*"already": ?true'

# ---- a submission, and who takes it up
submit=$(jq -nc --arg for "$talk" '{for: $for, reflections: [{requirement: "thoughts", text: "I counted."}], attests: ["own-work", "consents-held", "no-names"]}')
once "one submission is sent: reflection, list of evidence, itself" ana 3 /api/v1/submissions "$submit" "submitted for it already"
once "it is withdrawn once" ana 1 "/api/v1/submissions/$made/withdraw" "{}" "withdrawn already"
once "and another one sent" ana 3 /api/v1/submissions "$submit" "submitted for it already"
first=$made
once "it is claimed once" vera 1 "/api/v1/submissions/$first/claims" "{}" "claimed it already"
once "and released once" vera 1 "/api/v1/submissions/$first/release" "{}" "no such claim that is active"

# ---- an award
as vera review decide "$first" --scores <(echo '{"pauses": {"level": "met"}}') --feedback <(echo "Three seconds.") --decision meets >/dev/null 2>&1 ||
	fail "the reviewer decides"
award=$(as bureau award countersign "$first" 2>/dev/null) || fail "the issuer countersigns"
once "it is accepted once" ana 1 "/api/v1/awards/$award/accept" "{}" '^200 .*"already": ?true'
once "and revoked once" bureau 1 "/api/v1/awards/$award/revoke" '{"why": "a mistake"}' "revoked already"

# ---- a vouch
vouch=$(as bureau identity vouch "${ids[ana]}" --name Ana 2>/dev/null) || fail "the issuer vouches for her"
once "a vouch is ended once" bureau 1 "/api/v1/vouches/$vouch/end" "{}" "ended before"

# ---- a node that was taken out
home guest
start guest
check "another node joins" join bureau guest
node=$(q guest --json node status | jq -r .node)
ids[network]=$(q bureau --json node status | jq -r .network)
q bureau --yes peer remove "$node" >/dev/null 2>&1 || fail "it is taken out"
once "it is admitted once" bureau 1 "/api/v1/peers/$node/admit" "{}" "admitted already" network
check "doctor finds nothing wrong" q bureau doctor
