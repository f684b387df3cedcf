#!/usr/bin/env bash
# award.sh -- from a definition to a badge that verifies anywhere: an issuer, an earner's school, a reviewers' school and a district, each with a
# node of its own. The second part of `make demo`; the texts are in content/. What "checked:" means stands in portfolio.sh.
# shellcheck disable=SC2154 # stage, files and keys are set by stage.sh
set -euo pipefail
export LC_ALL=C.UTF-8
here=$(cd "$(dirname "$0")" && pwd)
content=$here/content
. "$here/evidence.sh"
. "$here/stage.sh"
. "$here/judged.sh"

begin
say "From a definition to a verified badge"
say "====================================="
tell "A micro-credential says what a teacher can show, and against which rubric it is judged. Four nodes take one from its" \
	"definition to a badge, with no server between them: an issuer, Lincoln School with a teacher who earns it, Riverside" \
	"School with two reviewers, and a district that only watches."

# ---------------------------------------------------------------------------------------------------------------------
step "Four nodes, and the people on them"
for node in issuer lincoln riverside district; do new_passphrase $node; done
checked "a home for the issuer" founded issuer "Issuer of the example" issuer
checked "a home for Lincoln School" founded lincoln "Lincoln School" school
checked "a home for Riverside School" founded riverside "Riverside School" school
checked "a home for the district" founded district "District of the example" district
for node in issuer lincoln riverside district; do start $node; done
person issuer officer "Officer of the issuer"
person lincoln teacher "Teacher at Lincoln"
person riverside reviewer-a "First reviewer"
person riverside reviewer-b "Second reviewer"
for who in "issuer officer" "lincoln teacher" "riverside reviewer-a" "riverside reviewer-b"; do
	# shellcheck disable=SC2086 # node and person
	checked "$(echo "$who" | cut -d ' ' -f 2) has signed in" unlock $who
done
tell "The issuer's node runs unattended: its passphrase comes from a file, as a system's credential store gives it."
for node in issuer lincoln riverside district; do
	checked "$node's own identity is open" at $node identity unlock "$(id_of $node)" --passphrase-file "$keys/$node"
done

# ---------------------------------------------------------------------------------------------------------------------
step "They meet: Lincoln and Riverside by the issuer's invitation, the district by Riverside's"
for node in lincoln riverside; do
	keep invitation at issuer peer invite --note $node
	checked "$node joins" at $node peer join - <"$stage/invitation"
	checked "$node and the issuer are connected" within 20 connected issuer "$(name_of $node)"
done
keep invitation at lincoln peer invite --note riverside
checked "Riverside joins Lincoln too" at riverside peer join - <"$stage/invitation"
keep invitation at riverside peer invite --note district
checked "the district joins" at district peer join - <"$stage/invitation"
checked "the district and Riverside are connected" within 20 connected riverside "$(name_of district)"
for node in issuer lincoln riverside district; do
	for who in issuer lincoln riverside district officer teacher reviewer-a reviewer-b; do follows $node $who; done
done
checked "the district knows the teacher's name by way of Riverside" within 20 knows district teacher "Teacher at Lincoln"
checked "and was never connected to her school" not connected district "Lincoln School"

# ---------------------------------------------------------------------------------------------------------------------
step "The issuer publishes a framework and three micro-credentials"
checked "the issuer names an officer who may publish, appoint, countersign and revoke" \
	as issuer issuer identity officer add "$(id_of officer)" --rights publish,appoint,countersign,revoke
add framework issuer officer framework import "$content/digcompedu.case.json" --institution "$(id_of issuer)"
sed 's/"required_level": "[a-z-]*"/"required_level": "excellent"/' "$content/discussion.json" >"$files/faulty.json"
refused "a definition with a mistake is refused, and where it is" 1 quire microcredential lint "$files/faulty.json"
for name in discussion feedback access; do
	checked "the definition \"$name\" is sound" quire microcredential lint "$content/$name.json"
	add $name issuer officer microcredential publish "$content/$name.json" --institution "$(id_of issuer)"
done
for name in discussion feedback access; do
	checked "Lincoln has \"$name\"" within 20 holds lincoln $name
done
at lincoln search "my students won't talk in discussions" >"$stage/found"
checked "a teacher who types her problem finds it" grep -q "Questions and silence" "$stage/found"
sed 's/^/    /' "$stage/found" | head -n 6
for who in reviewer-a reviewer-b; do
	for name in discussion feedback; do
		checked "$who is appointed for \"$name\"" as issuer officer reviewer appoint "$(id_of $who)" --for "$(ref_of $name)" \
			--institution "$(id_of issuer)"
	done
done
checked "Riverside knows who reviews" within 20 appointed riverside reviewer-b discussion

# ---------------------------------------------------------------------------------------------------------------------
step "The teacher submits her evidence, and the reviewers say: not yet"
make_recording "$files/recording.wav"
evidence discussion 1
refused "what is incomplete is not sent" 5 as lincoln teacher submission create --for "$(ref_of discussion)" \
	--evidence "plan=$(ref_of discussion-1-plan-1)" --attest-all
submit first discussion 1
checked "the first reviewer finds it in the queue" within 20 queued riverside reviewer-a first
checked "so does the second" within 20 queued riverside reviewer-b first
checked "the first reviewer takes it" as riverside reviewer-a review claim "$(ref_of first)"
checked "and the second" as riverside reviewer-b review claim "$(ref_of first)"
checked "the recording has come to Riverside" within 60 complete riverside discussion-1-recording-1
checked "a reviewer opens the sealed recording" same_file riverside reviewer-a discussion-1-recording-1 "$files/recording.wav"
refused "a decision without feedback is refused" 5 as riverside reviewer-a review decide "$(ref_of first)" \
	--scores "$content/discussion/scores-not-yet-a.json" --feedback /dev/null --decision not-yet
for r in a b; do
	add review-1$r riverside reviewer-$r review decide "$(ref_of first)" --scores "$content/discussion/scores-not-yet-$r.json" \
		--feedback "$content/discussion/feedback-not-yet-$r.txt" --decision not-yet
done
checked "at Lincoln it stands: not yet" within 20 submission_is lincoln teacher first not-yet
checked "the teacher reads the feedback" says_feedback lincoln teacher first "$content/discussion/feedback-not-yet-a.txt"

# ---------------------------------------------------------------------------------------------------------------------
step "She revises, says what changed, and submits again"
evidence discussion 2
submit second discussion 2 --revises "$(ref_of first)" --changed-file "$content/discussion/what-changed.txt"
for r in a b; do
	checked "reviewer $r has it" within 20 queued riverside reviewer-$r second
	add review-2$r riverside reviewer-$r review decide "$(ref_of second)" --scores "$content/discussion/scores-meets-$r.json" \
		--feedback "$content/discussion/feedback-meets-$r.txt" --decision meets
done
checked "both say: meets" within 20 submission_is lincoln teacher second met
checked "the issuer's node knows it too" within 20 submission_is issuer officer second met

# ---------------------------------------------------------------------------------------------------------------------
step "The issuer countersigns, the teacher accepts"
add award issuer officer award countersign "$(ref_of second)" --institution "$(id_of issuer)"
checked "the award has come to Lincoln" within 20 award_is lincoln teacher award countersigned
checked "the district does not see it: nobody has shown it" not award_seen district operator award
checked "the teacher accepts, and shows it to everybody" as lincoln teacher award accept "$(ref_of award)" --to public
checked "the district sees it now" within 20 award_is district operator award accepted

# ---------------------------------------------------------------------------------------------------------------------
step "The district exports the badge and verifies it"
for format in bundle json png svg html; do
	checked "exported as $format" at district award export "$(ref_of award)" --format $format -o "$files/badge.$format"
done
# For whoever wants to look at them afterwards.
[ -z "${BADGES:-}" ] || cp "$files"/badge.* "$stage/id.issuer" "$BADGES"
verified "the bundle is good: the issuer is vouched for" 0 quire --home "$stage/district" verify "$files/badge.bundle" --root "$(id_of issuer)"
verified "the picture carries it along" 0 quire --home "$stage/district" verify "$files/badge.png" --root "$(id_of issuer)"
verified "so does the drawing" 0 quire --home "$stage/district" verify "$files/badge.svg" --root "$(id_of issuer)"
verified "bare JSON cannot show who the issuer is" 7 quire --home "$stage/district" verify "$files/badge.json"
sed 's/"achievedLevel": *"\([^"]*\)-[a-z]*"/"achievedLevel": "\1-better"/' "$files/badge.json" >"$files/forged.json"
verified "one level changed, and it is wrong" 6 quire --home "$stage/district" verify "$files/forged.json"

# ---------------------------------------------------------------------------------------------------------------------
step "A second award comes by itself, and is revoked"
evidence feedback 2
submit third feedback 2
checked "a reviewer has it" within 20 queued riverside reviewer-a third
add review-3 riverside reviewer-a review decide "$(ref_of third)" --scores "$content/feedback/scores-meets.json" \
	--feedback "$content/feedback/feedback-meets.txt" --decision meets
checked "the issuer's node countersigns without anybody there" within 20 awarded lincoln teacher third
keep ref.award-2 award_of lincoln teacher third
checked "the teacher accepts it" as lincoln teacher award accept "$(ref_of award-2)" --to public
checked "the district sees it" within 20 award_is district operator award-2 accepted
checked "and exports it" at district award export "$(ref_of award-2)" --format bundle -o "$files/second.bundle"
verified "it is good" 0 quire --home "$stage/district" verify "$files/second.bundle" --root "$(id_of issuer)"
checked "the issuer revokes it" as issuer officer award revoke "$(ref_of award-2)" --why "Awarded for the wrong class." --institution "$(id_of issuer)"
checked "the district hears of it" within 20 award_is district operator award-2 revoked
checked "and exports it again" at district award export "$(ref_of award-2)" --format bundle -o "$files/second.bundle"
verified "now it is wrong: revoked" 6 quire --home "$stage/district" verify "$files/second.bundle" --root "$(id_of issuer)"

# ---------------------------------------------------------------------------------------------------------------------
step "All other nodes are gone, and the badge still verifies"
for node in issuer lincoln riverside; do stop $node; done
verified "with only the district's node up" 0 quire --home "$stage/district" verify "$files/badge.bundle" --root "$(id_of issuer)"
stop district
mkdir "$stage/stranger"
id_of issuer >"$stage/stranger/roots"
verified "on a home that knows nothing but the issuer's id" 0 quire --home "$stage/stranger" verify "$files/badge.png"
mkdir "$stage/nobody"
verified "who trusts nobody is told so" 7 quire --home "$stage/nobody" verify "$files/badge.png"

summary "A micro-credential went from its definition to a badge over four nodes: not yet, revised, met, countersigned, accepted," \
	"shown, verified, and another one revoked; and what is left of it needs none of them."
